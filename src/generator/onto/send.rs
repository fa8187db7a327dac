//! The way onto an interface: a packet socket (packet(7)), and a clock to send by.

use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, send, socket};

use super::{Rate, Sent};
use crate::frame::CapturedFrame;
use crate::generator::interface::Interface;
use crate::source::{Arrival, Source, SourceError};
use crate::time::Span;
use crate::wire::LinkType;

/// A pause is slept through only if it is longer: shorter ones take longer than they shall.
const SHORTEST_SLEEP: Duration = Duration::from_micros(60);
/// Between two looks at whether to stop.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);
/// How often is waited for room in the queue of an interface for one frame, 10 ms each.
const MOST_WAITS: u32 = 100;

/// What leads onto an interface.
#[derive(Debug)]
pub struct Way {
    name: String,
    interface: Interface,
    /// Whether what is sent stays on this host.
    pub is_loopback: bool,
}

/// Looks at an interface. Nothing is sent yet, and no right is needed.
///
/// # Errors
/// With a sentence: when there is no such interface, it is down, or its frames are not Ethernet's.
pub fn way(name: &str) -> Result<Way, String> {
    let shown = || format!("the interface {name:?}");
    let failed = |error: io::Error| match error.raw_os_error() {
        Some(libc::ENODEV) => format!("there is no interface {name:?}: tcplens interfaces"),
        _ => format!("{} can't be looked at: {error}", shown()),
    };
    let interface = Interface::named(name).map_err(failed)?;
    if !interface.is_ethernet().map_err(failed)? {
        return Err(format!(
            "{} has frames of another kind than Ethernet's",
            shown()
        ));
    }
    if !interface.is_up().map_err(failed)? {
        return Err(format!("{} is down", shown()));
    }
    Ok(Way {
        name: name.to_owned(),
        is_loopback: interface.is_loopback().map_err(failed)?,
        interface,
    })
}

impl Way {
    /// The longest frame that it takes, in octets with the Ethernet header and one VLAN tag.
    pub fn longest(&self) -> usize {
        const HEADER: usize = 18;
        let mtu = self.interface.mtu().unwrap_or(0);
        usize::try_from(mtu).unwrap_or(0) + HEADER
    }

    /// Sends what the source has, each frame when the rate says, until `stop` becomes true.
    ///
    /// # Errors
    /// When the source can't be read on. What the interface refuses is told in [`Sent`].
    pub fn send(
        &self,
        source: &mut dyn Source,
        rate: Rate,
        stop: &AtomicBool,
    ) -> Result<Sent, SourceError> {
        let mut sent = Sent::default();
        let socket = match self.open() {
            Ok(socket) => socket,
            Err(why) => {
                sent.failure = Some(why);
                return Ok(sent);
            }
        };
        let (mut clock, mut before) = (None, (0, 0));
        source.run(&mut |arrival| {
            let Arrival::Frame(frame) = arrival else {
                return ControlFlow::Continue(());
            };
            let clock = *clock.get_or_insert_with(|| (frame.time, now()));
            let due = rate.due(frame.time - clock.0, before.0, before.1);
            let due = Duration::from_nanos(due.as_nanos().unsigned_abs());
            if wait(clock.1, due, stop).is_break() {
                sent.stopped = true;
                return ControlFlow::Break(());
            }
            before.0 += 1;
            before.1 += frame.data.len() as u64;
            let flow = put(&socket, &frame, stop, &mut sent);
            sent.took = span(now() - clock.1);
            if rate != Rate::Fastest {
                let late = (now() - clock.1).saturating_sub(due);
                sent.latest = sent.latest.max(span(late));
            }
            flow
        })?;
        Ok(sent)
    }

    /// A socket that sends onto the interface and receives nothing.
    fn open(&self) -> Result<OwnedFd, String> {
        let failed = |error: io::Error| match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => "sending onto an interface needs the right \
                CAP_NET_RAW: run it with sudo, or give it to the program, once (sudo setcap \
                cap_net_raw+eip FILE)"
                .to_owned(),
            _ => format!("nothing can be sent onto {:?}: {error}", self.name),
        };
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            None,
        )
        .map_err(|errno| failed(errno.into()))?;
        let index = self.interface.index().map_err(failed)?;
        bind(&socket, index).map_err(failed)?;
        Ok(socket)
    }
}

/// Hands a frame to the kernel.
fn put(
    socket: &OwnedFd,
    frame: &CapturedFrame<'_>,
    stop: &AtomicBool,
    sent: &mut Sent,
) -> ControlFlow<()> {
    let mut refuse = |why: String| *sent.refused.entry(why).or_default() += 1;
    if frame.link != LinkType::ETHERNET {
        refuse("not an Ethernet frame".to_owned());
        return ControlFlow::Continue(());
    }
    let mut waits = 0;
    loop {
        match send(socket.as_raw_fd(), frame.data, MsgFlags::empty()) {
            Ok(_) => {
                sent.frames += 1;
                sent.octets += frame.data.len() as u64;
                return ControlFlow::Continue(());
            }
            // The queue of the interface is full, or the socket's buffer.
            Err(Errno::ENOBUFS | Errno::EAGAIN) if waits < MOST_WAITS => {
                if stop.load(Ordering::Relaxed) {
                    sent.stopped = true;
                    return ControlFlow::Break(());
                }
                waits += 1;
                let mut ready = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
                let _ = poll(&mut ready, PollTimeout::from(10_u8));
                thread::sleep(SHORTEST_SLEEP);
            }
            Err(Errno::EINTR) => {}
            Err(errno @ (Errno::ENETDOWN | Errno::ENXIO | Errno::ENODEV | Errno::EPERM)) => {
                sent.failure = Some(errno.desc().to_owned());
                return ControlFlow::Break(());
            }
            Err(Errno::EMSGSIZE) => {
                refuse("longer than the interface takes".to_owned());
                return ControlFlow::Continue(());
            }
            Err(errno) => {
                refuse(errno.desc().to_owned());
                return ControlFlow::Continue(());
            }
        }
    }
}

/// Sleeps until so long after the begin, unless it shall stop.
fn wait(begin: Instant, due: Duration, stop: &AtomicBool) -> ControlFlow<()> {
    loop {
        if stop.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        let left = due.saturating_sub(now() - begin);
        if left < SHORTEST_SLEEP {
            return ControlFlow::Continue(());
        }
        thread::sleep(left.min(LONGEST_SLEEP));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "frames are sent when it is time to"
)]
fn now() -> Instant {
    Instant::now()
}

fn span(duration: Duration) -> Span {
    Span::from_nanos(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

/// Binds a packet socket to an interface; protocol 0 receives nothing.
#[allow(unsafe_code, reason = "no safe wrapper makes this address")]
fn bind(socket: &OwnedFd, interface: i32) -> io::Result<()> {
    // SAFETY: all fields are numbers, for which zero is a value.
    let mut address: libc::sockaddr_ll = unsafe { core::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_ifindex = interface;
    // SAFETY: the address is whole, and as long as is said.
    let result = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            core::ptr::from_ref(&address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
