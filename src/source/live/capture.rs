//! The rings of all interfaces as one source.

use core::ops::ControlFlow;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, SystemTime};

use nix::net::if_::{if_indextoname, if_nametoindex};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::ring::{Record, Ring};
use super::{Direction, HOW_TO_PERMIT, LiveOptions, unopened};
use crate::frame::{CapturedFrame, Place};
use crate::source::{Arrival, Interface, Source, SourceError};
use crate::time::{Span, Timestamp};

/// How long is waited for frames at most, before it is said that none came.
const WAIT: Duration = Duration::from_millis(100);

/// Frames as they pass interfaces of this host.
#[derive(Debug)]
pub struct LiveSource {
    options: LiveOptions,
    ports: Vec<Port>,
    announced: Announced,
    frames: u64,
    /// Frames that were missed before there was an interface to tell it of.
    missed: u64,
}

/// What is captured by one ring.
#[derive(Debug)]
struct Port {
    /// `None` for all interfaces.
    name: Option<String>,
    /// `None` while its interface is not there.
    ring: Option<Ring>,
}

/// The interfaces that have been announced: their numbers by the kernel's, ours and link types.
#[derive(Debug, Default)]
struct Announced {
    numbers: HashMap<(i32, u32), u32>,
}

/// A sink that is told which way frames went.
type Sink<'s> = dyn FnMut(Arrival<'_>, Option<Direction>) -> ControlFlow<()> + 's;

impl LiveSource {
    pub(super) fn open(options: &LiveOptions) -> Result<Self, SourceError> {
        let all =
            options.interfaces.is_empty() || options.interfaces.iter().any(|name| name == "any");
        let names = if all {
            vec![None]
        } else {
            options.interfaces.iter().cloned().map(Some).collect()
        };
        let ports = names
            .into_iter()
            .map(|name| {
                let ring = open_ring(name.as_deref(), options)
                    .map_err(|error| refused(name.as_deref().unwrap_or("any"), &error))?;
                Ok(Port {
                    name,
                    ring: Some(ring),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            options: options.clone(),
            ports,
            announced: Announced::default(),
            frames: 0,
            missed: 0,
        })
    }

    /// As [`Source::run`], and with each frame which way it went.
    ///
    /// # Errors
    /// When the kernel refuses to be waited for.
    pub fn run_directed(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>, Option<Direction>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        loop {
            let is_last = self.options.stop.load(Ordering::Relaxed);
            if is_last {
                // What came before the end may lie in blocks that are not handed over yet.
                thread::sleep(self.lag());
            }
            // Read before the rings are looked at: what was captured until then is in them.
            let now = now();
            let before = self.frames;
            if self.hand_on(now, is_last, sink).is_break() || self.tell_missed(sink).is_break() {
                return Ok(());
            }
            if is_last {
                return Ok(());
            }
            if self.frames == before && sink(Arrival::Quiet(now - self.lag_span()), None).is_break()
            {
                return Ok(());
            }
            self.wait()?;
        }
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
    /// what an empty ring may still bring wait, unless this is the `last` time.
    fn hand_on(&mut self, now: Timestamp, last: bool, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let is_alone = self.ports.len() == 1;
        let horizon = now - self.lag_span();
        loop {
            let mut first: Option<(usize, Record)> = None;
            let mut is_one_empty = false;
            for (index, port) in self.ports.iter_mut().enumerate() {
                match port.ring.as_mut().and_then(Ring::peek) {
                    Some(record) if first.is_none_or(|(_, least)| record.time < least.time) => {
                        first = Some((index, record));
                    }
                    Some(_) => {}
                    None => is_one_empty = true,
                }
            }
            let Some((index, record)) = first else {
                return ControlFlow::Continue(());
            };
            if is_one_empty && !is_alone && !last && record.time > horizon {
                return ControlFlow::Continue(());
            }
            let Some(ring) = self
                .ports
                .get_mut(index)
                .and_then(|port| port.ring.as_mut())
            else {
                return ControlFlow::Continue(());
            };
            if !record.is_repeated {
                let interface = self.announced.number(&record, &self.options, sink)?;
                self.frames += 1;
                let frame = CapturedFrame {
                    number: self.frames,
                    time: record.time,
                    interface,
                    link: record.link,
                    wire_len: record.wire_len,
                    data: ring.bytes(&record),
                    upcoming: &[],
                    place: Place::NOWHERE,
                };
                sink(Arrival::Frame(frame), Some(record.direction))?;
            }
            ring.pass();
        }
    }

    /// Tells what the rings had no room for.
    fn tell_missed(&mut self, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let rings = self.ports.iter().filter_map(|port| port.ring.as_ref());
        self.missed += rings.map(Ring::missed).sum::<u64>();
        if self.missed == 0 || self.announced.numbers.is_empty() {
            return ControlFlow::Continue(());
        }
        let missed = core::mem::take(&mut self.missed);
        let arrival = Arrival::Missed {
            interface: 0,
            frames: missed,
        };
        sink(arrival, None)
    }

    /// Waits until a ring has something, or a moment has passed. Interfaces that went away are
    /// looked for.
    fn wait(&mut self) -> Result<(), SourceError> {
        let mut is_one_gone = false;
        for port in &mut self.ports {
            if port.ring.is_none() {
                port.ring = open_ring(port.name.as_deref(), &self.options).ok();
                is_one_gone |= port.ring.is_none();
            }
        }
        let mut polled: Vec<PollFd<'_>> = self
            .ports
            .iter()
            .filter_map(|port| port.ring.as_ref())
            .map(|ring| PollFd::new(ring.fd(), PollFlags::POLLIN))
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
            self.look_after_interfaces();
        }
        if in_trouble || is_one_gone {
            // A socket in trouble is always ready.
            thread::sleep(WAIT / 4);
        }
        Ok(())
    }

    /// A socket keeps its interface while that is down. When the interface itself is gone, its
    /// ring is of no use: it is made again when there is one of that name.
    fn look_after_interfaces(&mut self) {
        for port in &mut self.ports {
            let trouble = port.ring.as_ref().and_then(Ring::trouble);
            if let (Some(_), Some(name)) = (trouble, &port.name)
                && if_nametoindex(name.as_str()).is_err()
            {
                port.ring = None;
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
    fn number(
        &mut self,
        record: &Record,
        options: &LiveOptions,
        sink: &mut Sink<'_>,
    ) -> ControlFlow<(), u32> {
        let key = (record.interface, record.link.0);
        if let Some(&number) = self.numbers.get(&key) {
            return ControlFlow::Continue(number);
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(key, number);
        let name = if_indextoname(record.interface as u32).ok();
        let interface = Interface {
            index: number,
            name: name.as_deref().and_then(|name| name.to_str().ok()),
            link: record.link,
            snaplen: options.snaplen,
            ticks_per_second: 1_000_000_000,
            format: "live",
            input: 0,
        };
        sink(Arrival::Interface(interface), None)?;
        ControlFlow::Continue(number)
    }
}

fn open_ring(name: Option<&str>, options: &LiveOptions) -> io::Result<Ring> {
    let index = match name {
        Some(name) => if_nametoindex(name)?,
        None => 0,
    };
    Ring::open(index, options)
}

fn refused(name: &str, error: &io::Error) -> SourceError {
    let reason = match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => HOW_TO_PERMIT.to_owned(),
        Some(libc::ENODEV | libc::ENXIO) => "there is no such interface".to_owned(),
        _ => format!("can't be captured: {error}"),
    };
    unopened(name, reason)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a live source tells the time while nothing comes"
)]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_nanos(since.map_or(0, |since| since.as_nanos() as i64))
}
