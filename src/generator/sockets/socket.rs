//! Sockets that write down what is asked of them: every call with its time, arguments, result, and
//! what the kernel held of the socket before and after.
//!
//! In a lesson for two hosts, each host runs the whole script, and the sockets of the other one do
//! nothing: their calls are made there.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{
    self as sys, AddressFamily, Backlog, MsgFlags, SockFlag, SockType, SockaddrStorage,
};

use super::kernel;
use super::name::{Name, plain, storage};
use super::option::{Opt, time};
use super::record::{Event, Record, now};
use super::stage::{Host, LessonError};
use crate::calls::{Call, KernelState};

/// How long a call may wait.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// Octets of data that stand in a call's arguments.
const SHOWN: usize = 24;

/// Which kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tcp,
    Tcp6,
    Udp,
    UnixStream,
    UnixDatagram,
}

impl Kind {
    fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp | Self::Tcp6)
    }

    fn protocol(self) -> &'static str {
        match self {
            Self::Tcp | Self::Tcp6 => "tcp",
            Self::Udp => "udp",
            Self::UnixStream => "unix-stream",
            Self::UnixDatagram => "unix-datagram",
        }
    }

    fn parts(self) -> (AddressFamily, SockType, &'static str) {
        match self {
            Self::Tcp => (
                AddressFamily::Inet,
                SockType::Stream,
                "AF_INET, SOCK_STREAM",
            ),
            Self::Tcp6 => (
                AddressFamily::Inet6,
                SockType::Stream,
                "AF_INET6, SOCK_STREAM",
            ),
            Self::Udp => (
                AddressFamily::Inet,
                SockType::Datagram,
                "AF_INET, SOCK_DGRAM",
            ),
            Self::UnixStream => (
                AddressFamily::Unix,
                SockType::Stream,
                "AF_UNIX, SOCK_STREAM",
            ),
            Self::UnixDatagram => (
                AddressFamily::Unix,
                SockType::Datagram,
                "AF_UNIX, SOCK_DGRAM",
            ),
        }
    }
}

/// A call that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    pub(super) call: &'static str,
    pub(super) errno: Errno,
}

pub(super) type Attempt<T> = Result<T, Failure>;

/// A socket of a host.
#[derive(Debug)]
pub(super) struct Socket<'s> {
    record: &'s Record,
    host: Host<'s>,
    kind: Kind,
    /// `None` once closed, and where it is on the other host.
    fd: Option<OwnedFd>,
    id: u32,
}

/// Makes a socket: `socket()`.
pub(super) fn open<'s>(host: Host<'s>, kind: Kind) -> Attempt<Socket<'s>> {
    let record = host.record();
    let mut socket = Socket {
        record,
        host,
        kind,
        fd: None,
        id: record.next_socket(),
    };
    if !host.is_here() {
        return Ok(socket);
    }
    let (family, sort, words) = kind.parts();
    let begun = now();
    let made = sys::socket(family, sort, SockFlag::SOCK_CLOEXEC, None);
    let mut call = Call {
        took_ns: (now() - begun).as_nanos(),
        made: Some(socket.id),
        ..socket.blank("socket", format!("{words}, 0"))
    };
    outcome(
        &mut call,
        made.as_ref()
            .map(|fd| i64::from(fd.as_raw_fd()))
            .map_err(|e| *e),
    );
    socket.tell(begun, call);
    let fd = made.map_err(|errno| Failure {
        call: "socket",
        errno,
    })?;
    // No lesson hangs: these two are ours, and not in the log.
    for option in [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO] {
        let _ = kernel::set_option(fd.as_raw_fd(), libc::SOL_SOCKET, option, &time(PATIENCE));
    }
    socket.fd = Some(fd);
    Ok(socket)
}

impl<'s> Socket<'s> {
    /// The descriptor, for whoever copies it.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    /// A call of this socket, without its times and result.
    fn blank(&self, name: &str, arguments: String) -> Call {
        Call {
            host: self.host.name().to_owned(),
            pid: std::process::id(),
            tid: nix::unistd::gettid().as_raw().unsigned_abs(),
            call: name.to_owned(),
            arguments,
            socket: Some(self.id),
            protocol: Some(self.kind.protocol().to_owned()),
            ..Call::default()
        }
    }

    fn tell(&self, begun: crate::time::Timestamp, mut call: Call) {
        call.time_ns = begun.as_nanos();
        for endpoint in [call.local, call.peer].into_iter().flatten() {
            // Only an endpoint that is whole tells frames apart.
            if endpoint.port() != 0 {
                self.record.expect(endpoint);
            }
        }
        // A call that waited belongs where it returned.
        let key = if call.took_ns > 2_000_000 {
            call.returned()
        } else {
            call.time()
        };
        self.record.tell(key, Event::Call(Box::new(call)));
    }

    /// What the kernel holds of it (TCP).
    pub(super) fn kernel_state(&self) -> Option<KernelState> {
        let fd = self.fd.as_ref()?;
        self.kind
            .is_tcp()
            .then(|| kernel::state_of(fd.as_fd()))
            .flatten()
    }

    /// Its own address, once it has one.
    pub(super) fn local(&self) -> Option<SocketAddr> {
        let fd = self.fd.as_ref()?.as_raw_fd();
        plain(&sys::getsockname(fd).ok()?).filter(|address| address.port() != 0)
    }

    /// The address it is connected to.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        plain(&sys::getpeername(self.fd.as_ref()?.as_raw_fd()).ok()?)
    }

    /// Octets that a segment it sends holds at most; 0 where the kernel does not tell.
    pub(super) fn maximum_segment(&self) -> u32 {
        self.kernel_state().map_or(0, |state| state.mss)
    }

    /// Makes a call and writes it down. `arguments` come after the descriptor, and are asked for
    /// when the call has returned: what it brought may stand in them.
    fn call<T>(
        &self,
        name: &'static str,
        act: impl FnOnce(i32) -> nix::Result<T>,
        tell: impl FnOnce(Option<&T>) -> Told,
    ) -> Attempt<Option<T>> {
        let Some(fd) = &self.fd else {
            return Ok(None);
        };
        let number = fd.as_raw_fd();
        let (before, had) = (self.kernel_state(), (self.local(), self.peer()));
        let begun = now();
        let result = act(number);
        let took_ns = (now() - begun).as_nanos();
        let told = tell(result.as_ref().ok());
        let arguments = match told.arguments.as_str() {
            "" => number.to_string(),
            arguments => format!("{number}, {arguments}"),
        };
        let mut call = Call {
            took_ns,
            before,
            after: self.kernel_state(),
            local: told.local.or_else(|| self.local()).or(had.0),
            peer: told.peer.or_else(|| self.peer()).or(had.1),
            made: told.made,
            ..self.blank(name, arguments)
        };
        outcome(
            &mut call,
            result.as_ref().map(|_| told.result).map_err(|e| *e),
        );
        self.tell(begun, call);
        result
            .map(Some)
            .map_err(|errno| Failure { call: name, errno })
    }

    pub(super) fn set(&self, option: Opt) -> Attempt<()> {
        let (level, number, value, words) = option.parts();
        self.call(
            "setsockopt",
            |fd| kernel::set_option(fd, level, number, &value),
            |_| Told::new(words),
        )
        .map(drop)
    }

    /// A second descriptor of the same socket: `dup`.
    pub(super) fn duplicate(&self) -> Attempt<Self> {
        let id = self.record.next_socket();
        let fd = self.call(
            "dup",
            |fd| nix::unistd::dup(borrowed(self, fd)?),
            |fd| Told {
                result: fd.map_or(-1, |fd| fd.as_raw_fd().into()),
                made: fd.map(|_| id),
                ..Told::new(String::new())
            },
        )?;
        Ok(Self {
            record: self.record,
            host: self.host,
            kind: self.kind,
            fd,
            id,
        })
    }

    pub(super) fn bind(&self, name: impl Into<Name>) -> Attempt<()> {
        let name = name.into();
        let address = storage(&name, "bind")?;
        let told = Told::new(name.to_string());
        self.call("bind", |fd| sys::bind(fd, &*address), |_| told)
            .map(drop)
    }

    pub(super) fn listen(&self, backlog: i32) -> Attempt<()> {
        self.call(
            "listen",
            |fd| {
                let fd = borrowed(self, fd)?;
                sys::listen(&fd, Backlog::new(backlog)?)
            },
            |_| Told::new(backlog.to_string()),
        )
        .map(drop)
    }

    pub(super) fn connect(&self, name: impl Into<Name>) -> Attempt<()> {
        let name = name.into();
        let address = storage(&name, "connect")?;
        let mut told = Told::new(name.to_string());
        if let (Name::Inet(peer), Some(_)) = (&name, &self.fd) {
            // Frames come before the call returns.
            self.record.expect(*peer);
            told.peer = Some(*peer);
        }
        self.call("connect", |fd| sys::connect(fd, &*address), |_| told)
            .map(drop)
    }

    /// Takes a connection. On the other host: a socket that does nothing.
    pub(super) fn accept(&self) -> Attempt<Socket<'s>> {
        let mut accepted = Socket {
            record: self.record,
            host: self.host,
            kind: self.kind,
            fd: None,
            id: self.record.next_socket(),
        };
        let made = accepted.id;
        let got = self.call(
            "accept",
            |fd| sys::accept4(fd, SockFlag::SOCK_CLOEXEC).map(owned),
            |fd| {
                let addresses = fd.map(|fd| {
                    let fd = fd.as_raw_fd();
                    let local = sys::getsockname(fd).ok().as_ref().and_then(plain);
                    (local, sys::getpeername(fd).ok().as_ref().and_then(plain))
                });
                let (local, peer) = addresses.unwrap_or_default();
                Told {
                    arguments: peer.map_or_else(|| "NULL".to_owned(), |peer| peer.to_string()),
                    result: fd.map_or(-1, |fd| fd.as_raw_fd().into()),
                    made: fd.map(|_| made),
                    local,
                    peer,
                }
            },
        )?;
        if let Some(fd) = got {
            for option in [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO] {
                let value = time(PATIENCE);
                let _ = kernel::set_option(fd.as_raw_fd(), libc::SOL_SOCKET, option, &value);
            }
            accepted.fd = Some(fd);
        }
        Ok(accepted)
    }

    /// Sends; how many octets were taken.
    pub(super) fn send(&self, data: &[u8]) -> Attempt<usize> {
        self.send_with(data, MsgFlags::MSG_NOSIGNAL, "MSG_NOSIGNAL")
    }

    /// Sends as much as there is room for, without waiting.
    pub(super) fn send_now(&self, data: &[u8]) -> Attempt<usize> {
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        self.send_with(data, flags, "MSG_DONTWAIT")
    }

    fn send_with(&self, data: &[u8], flags: MsgFlags, words: &str) -> Attempt<usize> {
        let words = format!("{}, {}, {words}", shown(data), data.len());
        let sent = self.call(
            "send",
            |fd| sys::send(fd, data, flags),
            |sent| Told::counted(words, sent.copied()),
        )?;
        Ok(sent.unwrap_or(data.len()))
    }

    pub(super) fn write(&self, data: &[u8]) -> Attempt<usize> {
        let words = format!("{}, {}", shown(data), data.len());
        let sent = self.call(
            "write",
            |fd| nix::unistd::write(borrowed(self, fd)?, data),
            |sent| Told::counted(words, sent.copied()),
        )?;
        Ok(sent.unwrap_or(data.len()))
    }

    /// What can be had, up to `room` octets. Nothing: the peer has ended its stream.
    pub(super) fn recv(&self, room: usize) -> Attempt<Vec<u8>> {
        self.recv_with(room, MsgFlags::empty(), "0")
    }

    /// Waits until there are `room` octets, or the stream ends.
    pub(super) fn recv_all(&self, room: usize) -> Attempt<Vec<u8>> {
        self.recv_with(room, MsgFlags::MSG_WAITALL, "MSG_WAITALL")
    }

    fn recv_with(&self, room: usize, flags: MsgFlags, words: &str) -> Attempt<Vec<u8>> {
        let mut buffer = vec![0; room];
        let got = self.call(
            "recv",
            |fd| {
                let len = sys::recv(fd, &mut buffer, flags)?;
                buffer.truncate(len);
                Ok(buffer)
            },
            |data| {
                let bytes = data.map_or_else(|| "NULL".to_owned(), |data| shown(data));
                Told::counted(format!("{bytes}, {room}, {words}"), data.map(Vec::len))
            },
        )?;
        Ok(got.unwrap_or_default())
    }

    pub(super) fn send_to(&self, data: &[u8], to: impl Into<Name>) -> Attempt<usize> {
        let to = to.into();
        let address = storage(&to, "sendto")?;
        let words = format!("{}, {}, 0, {to}", shown(data), data.len());
        let peer = match to {
            Name::Inet(peer) => Some(peer),
            Name::Unix(_) => None,
        };
        if let (Some(peer), Some(_)) = (peer, &self.fd) {
            self.record.expect(peer);
        }
        let sent = self.call(
            "sendto",
            |fd| sys::sendto(fd, data, &*address, MsgFlags::empty()),
            |sent| Told {
                peer,
                ..Told::counted(words, sent.copied())
            },
        )?;
        Ok(sent.unwrap_or(data.len()))
    }

    /// A datagram, what of it fits, and who sent it.
    pub(super) fn recv_from(&self, room: usize) -> Attempt<(Vec<u8>, Option<SocketAddr>)> {
        let mut buffer = vec![0; room];
        let got = self.call(
            "recvfrom",
            |fd| {
                let (len, from) = sys::recvfrom::<SockaddrStorage>(fd, &mut buffer)?;
                buffer.truncate(len);
                Ok((buffer, from.as_ref().and_then(plain)))
            },
            |got| match got {
                Some((data, from)) => {
                    let who = from.map_or_else(|| "NULL".to_owned(), |from| from.to_string());
                    Told {
                        peer: *from,
                        ..Told::counted(
                            format!("{}, {room}, 0, {who}", shown(data)),
                            Some(data.len()),
                        )
                    }
                }
                None => Told::new(format!("NULL, {room}, 0, NULL")),
            },
        )?;
        Ok(got.unwrap_or_default())
    }

    /// A datagram by `recvmsg`, and whether it was cut.
    pub(super) fn recv_message(&self, room: usize) -> Attempt<(Vec<u8>, bool)> {
        let mut buffer = vec![0; room];
        let got = self.call(
            "recvmsg",
            |fd| {
                let mut parts = [std::io::IoSliceMut::new(&mut buffer)];
                let got = sys::recvmsg::<SockaddrStorage>(fd, &mut parts, None, MsgFlags::empty())?;
                let (len, is_cut) = (got.bytes, got.flags.contains(MsgFlags::MSG_TRUNC));
                buffer.truncate(len);
                Ok((buffer, is_cut))
            },
            |got| match got {
                Some((data, is_cut)) => {
                    let flags = if *is_cut { "MSG_TRUNC" } else { "0" };
                    let words = format!("{}, {room}, msg_flags {flags}", shown(data));
                    Told::counted(words, Some(data.len()))
                }
                None => Told::new(format!("NULL, {room}")),
            },
        )?;
        Ok(got.unwrap_or_default())
    }

    pub(super) fn shutdown_write(&self) -> Attempt<()> {
        let told = Told::new("SHUT_WR".to_owned());
        self.call(
            "shutdown",
            |fd| sys::shutdown(fd, sys::Shutdown::Write),
            |_| told,
        )
        .map(drop)
    }

    /// Waits until the socket is ready to be read (`POLLIN`), or the time is up; whether it is.
    pub(super) fn poll_in(&self, millis: u16) -> Attempt<bool> {
        use nix::poll::{PollFd, PollFlags, poll};
        let ready = self.call(
            "poll",
            |fd| {
                let fd = borrowed(self, fd)?;
                let mut polled = [PollFd::new(fd, PollFlags::POLLIN)];
                poll(&mut polled, millis)
            },
            |ready| Told {
                result: ready.copied().unwrap_or(-1).into(),
                ..Told::new(format!("POLLIN, {millis} ms"))
            },
        )?;
        Ok(ready.is_none_or(|ready| ready > 0))
    }

    /// Closes: the descriptor is gone, whatever becomes of the connection.
    pub(super) fn close(mut self) -> Attempt<()> {
        let Some(fd) = self.fd.take() else {
            return Ok(());
        };
        let before = self
            .kind
            .is_tcp()
            .then(|| kernel::state_of(fd.as_fd()))
            .flatten();
        let number = fd.into_raw_fd();
        let local = sys::getsockname(number).ok().as_ref().and_then(plain);
        let peer = sys::getpeername(number).ok().as_ref().and_then(plain);
        let begun = now();
        let result = nix::unistd::close(number);
        let mut call = Call {
            took_ns: (now() - begun).as_nanos(),
            before,
            local,
            peer,
            ..self.blank("close", number.to_string())
        };
        outcome(&mut call, result.map(|()| 0));
        self.tell(begun, call);
        result.map_err(|errno| Failure {
            call: "close",
            errno,
        })
    }

    /// What is the same in all calls of another process that has this socket too.
    pub(super) fn elsewhere(&self, pid: u32) -> Elsewhere<'s> {
        let blank = Call {
            pid,
            tid: pid,
            local: self.local(),
            peer: self.peer(),
            ..self.blank("", String::new())
        };
        Elsewhere {
            record: self.record,
            blank,
        }
    }

    /// That a call failed as it should. It was not made where the socket is on the other host.
    pub(super) fn fails<T>(&self, with: &[Errno], attempt: Attempt<T>) -> Result<(), LessonError> {
        match attempt {
            Err(failure) if with.contains(&failure.errno) => Ok(()),
            Err(failure) => Err(failure.into()),
            Ok(_) if self.fd.is_none() => Ok(()),
            Ok(_) => Err(LessonError::new(format!(
                "a call went well that should fail with {}",
                with[0]
            ))),
        }
    }
}

/// Writes down the calls of another process that has the same socket.
#[derive(Debug)]
pub(super) struct Elsewhere<'s> {
    record: &'s Record,
    blank: Call,
}

impl Elsewhere<'_> {
    /// A call that was made then, by its name, arguments and result.
    pub(super) fn tell(
        &self,
        [begun, ended]: [i64; 2],
        name: &str,
        arguments: String,
        result: nix::Result<i64>,
    ) {
        let mut call = Call {
            time_ns: begun,
            took_ns: ended - begun,
            call: name.to_owned(),
            arguments,
            ..self.blank.clone()
        };
        outcome(&mut call, result);
        self.record.tell(call.time(), Event::Call(Box::new(call)));
    }
}

/// What is written down of a call beside its times.
struct Told {
    arguments: String,
    result: i64,
    made: Option<u32>,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
}

impl Told {
    fn new(arguments: String) -> Self {
        Self {
            arguments,
            result: 0,
            made: None,
            local: None,
            peer: None,
        }
    }

    fn counted(arguments: String, count: Option<usize>) -> Self {
        Self {
            result: count.map_or(-1, |count| count as i64),
            ..Self::new(arguments)
        }
    }
}

fn outcome(call: &mut Call, result: nix::Result<i64>) {
    match result {
        Ok(value) => call.result = value,
        Err(errno) => {
            call.result = -1;
            call.error = Some(format!("{errno:?}"));
        }
    }
}

/// Data in the arguments of a call: its beginning, as text where it is.
pub(super) fn shown(data: &[u8]) -> String {
    let head = &data[..data.len().min(SHOWN)];
    let more = if data.len() > SHOWN { "..." } else { "" };
    format!("\"{}\"{more}", head.escape_ascii())
}

fn borrowed<'f>(socket: &'f Socket<'_>, _: i32) -> nix::Result<BorrowedFd<'f>> {
    socket.descriptor().ok_or(Errno::EBADF)
}

#[allow(unsafe_code, reason = "accept gives a number")]
fn owned(fd: i32) -> OwnedFd {
    // SAFETY: accept has just made it, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
