//! The rings of all interfaces as one source.

use core::ops::ControlFlow;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::ring::{Record, Ring};
use super::{Direction, HOW_TO_PERMIT, LiveOptions, Notice, clock, unopened};
use crate::frame::{CapturedFrame, Place};
use crate::source::{Arrival, Interface, Source, SourceError};
use crate::time::{Span, Timestamp};
use crate::wire::LinkType;

/// How long is waited for frames at most, before it is said that none came: a screen asks in between,
/// and is to be answered within 50 ms.
const WAIT: Duration = Duration::from_millis(40);

/// Frames as they pass interfaces of this host.
#[derive(Debug)]
pub struct LiveSource {
    options: LiveOptions,
    ports: Vec<Port>,
    announced: Announced,
    frames: u64,
    /// When interfaces were last looked after.
    looked: Option<Timestamp>,
}

/// What is captured by one ring.
#[derive(Debug)]
struct Port {
    /// `None` for all interfaces.
    name: Option<String>,
    ring: Ring,
    /// Our number of its interface, where it is one.
    number: Option<u32>,
    /// Frames that were missed and not told of yet.
    missed: u64,
    condition: Condition,
}

/// What an interface is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Up,
    Down,
    Gone,
}

/// What is left in the rings when frames were handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// What is too early to hand on: another ring may bring something that comes before it.
    Early,
    /// More, after a look at other things.
    More,
}

/// The interfaces that have been announced: their numbers by the kernel's, ours and link types.
#[derive(Debug, Default)]
struct Announced {
    numbers: HashMap<(i32, u32), u32>,
    /// The one that was asked for last.
    last: Option<((i32, u32), u32)>,
}

/// A sink that is told which way frames went.
type Sink<'s> = dyn FnMut(Arrival<'_>, Option<Direction>) -> ControlFlow<()> + 's;

impl LiveSource {
    pub(super) fn open(options: &LiveOptions) -> Result<Self, SourceError> {
        let all =
            options.interfaces.is_empty() || options.interfaces.iter().any(|name| name == "any");
        let mut names: Vec<Option<String>> = Vec::new();
        if all {
            names.push(None);
        } else {
            for name in &options.interfaces {
                if !names.iter().flatten().any(|each| each == name) {
                    names.push(Some(name.clone()));
                }
            }
        }
        let ports = names
            .into_iter()
            .map(|name| {
                let ring = Ring::open(name.as_deref(), options)
                    .map_err(|error| refused(name.as_deref().unwrap_or("any"), &error))?;
                let is_up = ring.device().is_none_or(|device| device.is_up);
                Ok(Port {
                    name,
                    ring,
                    number: None,
                    missed: 0,
                    condition: if is_up {
                        Condition::Up
                    } else {
                        Condition::Down
                    },
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        // Else it would look like a link where nothing is sent.
        let down = |port: &&Port| port.condition == Condition::Down;
        for name in ports
            .iter()
            .filter(down)
            .filter_map(|port| port.name.clone())
        {
            options.notices.put(Notice::Waits(name));
        }
        Ok(Self {
            options: options.clone(),
            ports,
            announced: Announced::default(),
            frames: 0,
            looked: None,
        })
    }

    /// From now on it is this that ends it.
    pub fn stop_when(&mut self, stop: Arc<AtomicBool>) {
        self.options.stop = stop;
    }

    /// As [`Source::run`], and with each frame which way it went.
    ///
    /// # Errors
    /// When the kernel refuses to be waited for.
    pub fn run_directed(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>, Option<Direction>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        if self.announce(sink).is_break() {
            return Ok(());
        }
        loop {
            let is_last = self.options.stop.load(Ordering::Relaxed);
            if is_last {
                // What came before the end may lie in blocks that are not handed over yet.
                thread::sleep(self.lag());
            }
            // Read before the rings are looked at: what was captured until then is in them.
            let now = clock::now();
            let before = self.frames;
            let ControlFlow::Continue(left) = self.hand_on(now, is_last, sink) else {
                return Ok(());
            };
            if self.tell_missed(sink).is_break() || is_last {
                return Ok(());
            }
            if left == Left::More {
                self.look_after_interfaces(now);
                continue;
            }
            if self.frames == before && sink(Arrival::Quiet(now - self.lag_span()), None).is_break()
            {
                return Ok(());
            }
            match left {
                // A ring with frames that wait for others is always ready.
                Left::Early => thread::sleep(self.lag() / 4),
                _ => self.wait()?,
            }
            self.look_after_interfaces(now);
        }
    }

    /// Announces the interfaces that were named.
    fn announce(&mut self, sink: &mut Sink<'_>) -> ControlFlow<()> {
        for port in &mut self.ports {
            if let (Some(name), None, Some(device)) = (&port.name, port.number, port.ring.device())
            {
                let key = (device.index, device.link().0);
                let name = Some(name.as_str());
                port.number = Some(self.announced.announce(key, name, &self.options, sink)?);
            }
        }
        ControlFlow::Continue(())
    }

    /// How long a frame may be in a ring without being seen: the kernel looks at its blocks as
    /// often as it was told to, and a timer may be late.
    fn lag(&self) -> Duration {
        self.options.patience * 2 + Duration::from_millis(5)
    }

    fn lag_span(&self) -> Span {
        Span::from_nanos(self.lag().as_nanos() as i64)
    }

    /// Hands on what the rings hold, the earliest first. With several rings, frames later than
    /// what an empty ring may still bring wait, unless this is the `last` time: then there is an end
    /// to it although more may come all the time.
    fn hand_on(
        &mut self,
        now: Timestamp,
        last: bool,
        sink: &mut Sink<'_>,
    ) -> ControlFlow<(), Left> {
        /// So many frames are taken in before it is looked whether to stop.
        const TURN: u64 = 1 << 15;
        let turn = self.frames + TURN;
        let is_alone = self.ports.len() == 1;
        let horizon = now - self.lag_span();
        loop {
            let mut first: Option<(usize, Record)> = None;
            let mut is_one_empty = false;
            for (index, port) in self.ports.iter_mut().enumerate() {
                match port.ring.peek() {
                    Some(record) if first.is_none_or(|(_, least)| record.time < least.time) => {
                        first = Some((index, record));
                    }
                    Some(_) => {}
                    None => is_one_empty = true,
                }
            }
            let Some((index, record)) = first else {
                return ControlFlow::Continue(Left::Nothing);
            };
            if is_one_empty && !is_alone && !last && record.time > horizon {
                return ControlFlow::Continue(Left::Early);
            }
            if last && record.time > now {
                return ControlFlow::Continue(Left::Early);
            }
            if !last && self.frames >= turn {
                return ControlFlow::Continue(Left::More);
            }
            let Some(port) = self.ports.get_mut(index) else {
                return ControlFlow::Continue(Left::Nothing);
            };
            if !record.is_repeated {
                let interface = self.announced.number(&record, port, &self.options, sink)?;
                self.frames += 1;
                let (data, upcoming) = port.ring.bytes(&record);
                let frame = CapturedFrame {
                    number: self.frames,
                    time: record.time,
                    interface,
                    link: record.link,
                    wire_len: record.wire_len,
                    data,
                    upcoming,
                    place: Place::NOWHERE,
                };
                sink(Arrival::Frame(frame), Some(record.direction))?;
            }
            port.ring.pass();
        }
    }

    /// Tells what the rings had no room for: of the interface, or of the first one where a ring is
    /// of all.
    fn tell_missed(&mut self, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let is_one_announced = !self.announced.numbers.is_empty();
        for port in &mut self.ports {
            port.missed += port.ring.missed();
            if port.missed > 0 && is_one_announced {
                let arrival = Arrival::Missed {
                    interface: port.number.unwrap_or(0),
                    frames: core::mem::take(&mut port.missed),
                };
                sink(arrival, None)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Waits until a ring has something, or a moment has passed.
    fn wait(&mut self) -> Result<(), SourceError> {
        let mut polled: Vec<PollFd<'_>> = self
            .ports
            .iter()
            .map(|port| PollFd::new(port.ring.fd(), PollFlags::POLLIN))
            .collect();
        let timeout = PollTimeout::try_from(WAIT).unwrap_or(PollTimeout::ZERO);
        match poll(&mut polled, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(self.broken(&errno.into())),
        }
        let in_trouble = polled.iter().any(|polled| {
            polled
                .revents()
                .is_some_and(|events| events.intersects(PollFlags::POLLERR | PollFlags::POLLNVAL))
        });
        drop(polled);
        if in_trouble {
            // A socket in trouble is always ready, until its error is taken.
            for port in &self.ports {
                port.ring.trouble();
            }
            self.looked = None;
            thread::sleep(WAIT / 4);
        }
        Ok(())
    }

    /// Looks now and then whether the named interfaces are there and up. A socket keeps its
    /// interface while that is down. When it is removed, the socket goes over to the next one of
    /// that name.
    fn look_after_interfaces(&mut self, now: Timestamp) {
        /// Milliseconds between two looks.
        const OFTEN: i64 = 250;
        if self
            .looked
            .is_some_and(|looked| now - looked < Span::from_millis(OFTEN) && now >= looked)
        {
            return;
        }
        self.looked = Some(now);
        let (options, notices) = (&self.options, &self.options.notices);
        for port in &mut self.ports {
            let Some(name) = port.name.clone() else {
                continue;
            };
            let Some(device) = port.ring.device_of(&name) else {
                if port.condition != Condition::Gone {
                    port.condition = Condition::Gone;
                    notices.put(Notice::Gone(name));
                }
                continue;
            };
            if port.ring.device().map(|device| device.index) != Some(device.index) {
                match port.ring.move_to(device, options) {
                    Ok(()) => notices.put(Notice::Back(name.clone())),
                    Err(error) => {
                        if port.condition == Condition::Gone {
                            notices.put(Notice::Refused(name, error.to_string()));
                        }
                        port.condition = Condition::Down;
                        continue;
                    }
                }
                port.condition = Condition::Up;
            }
            let condition = if device.is_up {
                Condition::Up
            } else {
                Condition::Down
            };
            if condition != port.condition {
                notices.put(match condition {
                    Condition::Up => Notice::Up(name),
                    _ => Notice::Down(name),
                });
                port.condition = condition;
            }
        }
    }

    fn broken(&self, error: &io::Error) -> SourceError {
        let names: Vec<_> = self.ports.iter().map(Port::name).collect();
        SourceError {
            input: names.join(", "),
            offset: 0,
            after_frame: self.frames,
            reason: error.to_string(),
            unopened: false,
        }
    }
}

impl Source for LiveSource {
    fn run(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        self.run_directed(&mut |arrival, _| sink(arrival))
    }
}

impl Port {
    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("any")
    }
}

impl Announced {
    /// Our number of a frame's interface, which is announced if that is its first.
    #[inline]
    fn number(
        &mut self,
        record: &Record,
        port: &Port,
        options: &LiveOptions,
        sink: &mut Sink<'_>,
    ) -> ControlFlow<(), u32> {
        let key = (record.interface, record.link.0);
        if let Some((last, number)) = self.last
            && last == key
        {
            return ControlFlow::Continue(number);
        }
        let number = match self.numbers.get(&key) {
            Some(&number) => number,
            None => {
                let name = port.ring.name_of(record.interface);
                self.announce(key, name.as_deref(), options, sink)?
            }
        };
        self.last = Some((key, number));
        ControlFlow::Continue(number)
    }

    fn announce(
        &mut self,
        key: (i32, u32),
        name: Option<&str>,
        options: &LiveOptions,
        sink: &mut Sink<'_>,
    ) -> ControlFlow<(), u32> {
        let number = self.numbers.len() as u32;
        self.numbers.insert(key, number);
        let interface = Interface {
            index: number,
            name,
            link: LinkType(key.1),
            snaplen: options.snaplen,
            ticks_per_second: 1_000_000_000,
            format: "live",
            input: 0,
        };
        sink(Arrival::Interface(interface), None)?;
        ControlFlow::Continue(number)
    }
}

fn refused(name: &str, error: &io::Error) -> SourceError {
    let reason = match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => HOW_TO_PERMIT.to_owned(),
        Some(libc::ENODEV | libc::ENXIO) => {
            "there is no such interface (`tcplens interfaces` lists them)".to_owned()
        }
        _ => format!("can't be captured: {error}"),
    };
    unopened(name, reason)
}
