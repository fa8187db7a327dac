//! A relay between UNIX-domain sockets. Their bytes go by no interface, so no capture can show
//! them; the relay stands between client and server and writes down what it hands on.
//!
//! A capture file has no form for that. What is written are packets that never were: bytes and
//! times are real; the addresses (of TEST-NET-1, RFC 5737), ports, handshakes and acknowledgments
//! are invented, and each packet has a comment that says so.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    self as sys, AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr,
};

use super::record::{Event, Kept, Record, now};
use super::socket::Failure;
use crate::wire::ip::protocol;
use crate::wire::{
    Address, Datagram, Flags, Fragment, LinkType, Segment, SeqNum, TcpOptions, ipv4,
};

const CLIENT: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 40_001);
const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 2), 1);
/// What is read at once.
const ROOM: usize = 16 << 10;
/// Both invented streams begin here.
const ISN: u32 = 1_000;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// What an invented packet is said to stand for.
const INVENTED: &str =
    "stands for a UNIX-domain socket's bytes: addresses and headers are invented";

/// Writes invented packets.
#[derive(Debug)]
struct Pen<'s> {
    record: &'s Record,
    /// What client and server have sent, in sequence numbers.
    next: [u32; 2],
    id: u16,
}

/// A relay between two stream sockets.
#[derive(Debug)]
pub(super) struct StreamRelay<'s> {
    pen: Pen<'s>,
    listener: OwnedFd,
    server_name: String,
    ends: Option<[OwnedFd; 2]>,
    ended: [bool; 2],
}

/// A relay between two datagram sockets, both of which must have names.
#[derive(Debug)]
pub(super) struct DatagramRelay<'s> {
    pen: Pen<'s>,
    socket: OwnedFd,
    names: [UnixAddr; 2],
}

impl<'s> StreamRelay<'s> {
    /// Listens at `name` for what is meant for `server_name`.
    pub(super) fn new(record: &'s Record, name: &str, server_name: &str) -> Result<Self, Failure> {
        let listener = socket(SockType::Stream)?;
        bind(&listener, &address(name)?)?;
        sys::listen(&listener, Backlog::new(4).map_err(failed)?).map_err(failed)?;
        Ok(Self {
            pen: Pen::new(record),
            listener,
            server_name: server_name.to_owned(),
            ends: None,
            ended: [false; 2],
        })
    }

    /// Takes the client that has connected, and connects to the server for it.
    pub(super) fn take(&mut self) -> Result<(), Failure> {
        let client = sys::accept4(self.listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC);
        let client = owned(client.map_err(failed)?);
        let server = socket(SockType::Stream)?;
        sys::connect(server.as_raw_fd(), &address(&self.server_name)?).map_err(failed)?;
        self.ends = Some([client, server]);
        for (from, flags) in [
            (Side::Client, Flags::SYN),
            (Side::Server, Flags::SYN | Flags::ACK),
            (Side::Client, Flags::ACK),
        ] {
            self.pen.segment(from, flags, &[], "a connection was made");
        }
        Ok(())
    }

    /// Hands on what has come, both ways.
    pub(super) fn hand_on(&mut self) -> Result<(), Failure> {
        let Some(ends) = &self.ends else {
            return Ok(());
        };
        for (at, from, back) in [
            (0, Side::Client, Side::Server),
            (1, Side::Server, Side::Client),
        ] {
            let (here, there) = (ends[at].as_raw_fd(), ends[1 - at].as_raw_fd());
            let mut buffer = vec![0; ROOM];
            while !self.ended[at] {
                match sys::recv(here, &mut buffer, MsgFlags::MSG_DONTWAIT) {
                    Err(Errno::EAGAIN) => break,
                    Err(errno) => return Err(failed(errno)),
                    Ok(0) => {
                        self.ended[at] = true;
                        self.pen
                            .segment(from, Flags::FIN | Flags::ACK, &[], "the stream ended");
                        self.pen
                            .segment(back, Flags::ACK, &[], "nothing: invented altogether");
                        let _ = sys::shutdown(there, sys::Shutdown::Write);
                    }
                    Ok(len) => {
                        let data = &buffer[..len];
                        let words = "what the relay read at once";
                        self.pen.segment(from, Flags::PSH | Flags::ACK, data, words);
                        self.pen
                            .segment(back, Flags::ACK, &[], "nothing: invented altogether");
                        let mut sent = 0;
                        while sent < len {
                            let rest = &data[sent..];
                            let flags = MsgFlags::MSG_NOSIGNAL;
                            sent += sys::send(there, rest, flags).map_err(failed)?.max(1);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl<'s> DatagramRelay<'s> {
    /// Has the name `name`; what the client sends there goes to the server, and back.
    pub(super) fn new(
        record: &'s Record,
        name: &str,
        [client, server]: [&str; 2],
    ) -> Result<Self, Failure> {
        let socket = socket(SockType::Datagram)?;
        bind(&socket, &address(name)?)?;
        Ok(Self {
            pen: Pen::new(record),
            socket,
            names: [address(client)?, address(server)?],
        })
    }

    /// Hands on what has come, both ways.
    pub(super) fn hand_on(&mut self) -> Result<(), Failure> {
        let fd = self.socket.as_raw_fd();
        // Without waiting, which recvfrom of nix has no flag for.
        while sys::recv(fd, &mut [0; 1], MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_PEEK).is_ok() {
            let mut buffer = vec![0; ROOM];
            let (len, sender) = sys::recvfrom::<UnixAddr>(fd, &mut buffer).map_err(failed)?;
            let data = buffer.get(..len).unwrap_or_default();
            let is_client = sender.is_some_and(|sender| sender == self.names[0]);
            let (from, to) = if is_client {
                (Side::Client, 1)
            } else {
                (Side::Server, 0)
            };
            self.pen.datagram(from, data);
            sys::sendto(fd, data, &self.names[to], MsgFlags::empty()).map_err(failed)?;
        }
        Ok(())
    }
}

impl<'s> Pen<'s> {
    fn new(record: &'s Record) -> Self {
        for ((ip, port), name) in [(CLIENT, "client"), (SERVER, "server")] {
            record.tell(now(), Event::Name(SocketAddr::new(ip.into(), port), name));
        }
        Self {
            record,
            next: [ISN; 2],
            id: 0,
        }
    }

    fn segment(&mut self, from: Side, flags: Flags, payload: &[u8], what: &str) {
        let (source, destination) = ends(from);
        let own = from as usize;
        let segment = Segment {
            source_port: source.1,
            destination_port: destination.1,
            seq: SeqNum(self.next[own]),
            ack: SeqNum(if flags.has(Flags::ACK) {
                self.next[1 - own]
            } else {
                0
            }),
            flags,
            window: u16::MAX,
            checksum: 0,
            urgent: 0,
            options: TcpOptions::default(),
            payload_len: payload.len() as u32,
            payload,
        };
        self.next[own] = self.next[own].wrapping_add(segment.sequence_len());
        let mut bytes = Vec::new();
        segment.emit_checked(
            Address::v4(source.0.octets()),
            Address::v4(destination.0.octets()),
            &mut bytes,
        );
        self.packet(from, protocol::TCP, &bytes, what);
    }

    fn datagram(&mut self, from: Side, payload: &[u8]) {
        let (source, destination) = ends(from);
        let datagram = Datagram {
            source_port: source.1,
            destination_port: destination.1,
            checksum: 0,
            payload_len: payload.len() as u32,
            payload,
        };
        let mut bytes = Vec::new();
        datagram.emit_checked(
            Address::v4(source.0.octets()),
            Address::v4(destination.0.octets()),
            &mut bytes,
        );
        self.packet(from, protocol::UDP, &bytes, "one datagram");
    }

    fn packet(&mut self, from: Side, protocol: u8, payload: &[u8], what: &str) {
        let (source, destination) = ends(from);
        self.id = self.id.wrapping_add(1);
        let header = ipv4::Header {
            traffic_class: 0,
            total_length: (ipv4::Header::LEN + payload.len()) as u16,
            id: self.id,
            dont_fragment: true,
            fragment: Fragment {
                offset: 0,
                more: false,
            },
            ttl: 64,
            protocol,
            source: Address::v4(source.0.octets()),
            destination: Address::v4(destination.0.octets()),
            options: &[],
        };
        let mut data = Vec::new();
        header.emit(&mut data);
        data.extend_from_slice(payload);
        let kept = Kept {
            time: now(),
            interface: "unix-relay".to_owned(),
            link: LinkType::RAW,
            wire_len: data.len() as u32,
            data,
            comment: Some(format!("{what}; {INVENTED}")),
        };
        self.record.tell(kept.time, Event::Frame(kept));
    }
}

fn ends(from: Side) -> ((Ipv4Addr, u16), (Ipv4Addr, u16)) {
    match from {
        Side::Client => (CLIENT, SERVER),
        Side::Server => (SERVER, CLIENT),
    }
}

fn socket(kind: SockType) -> Result<OwnedFd, Failure> {
    sys::socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None).map_err(failed)
}

fn bind(socket: &OwnedFd, address: &UnixAddr) -> Result<(), Failure> {
    sys::bind(socket.as_raw_fd(), address).map_err(failed)
}

fn address(name: &str) -> Result<UnixAddr, Failure> {
    UnixAddr::new_abstract(name.as_bytes()).map_err(failed)
}

fn failed(errno: Errno) -> Failure {
    Failure {
        call: "the relay",
        errno,
    }
}

#[allow(unsafe_code, reason = "accept gives a number")]
fn owned(fd: i32) -> OwnedFd {
    // SAFETY: accept has just made it, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
