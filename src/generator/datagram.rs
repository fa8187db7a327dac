//! UDP beside the simulated TCP: datagrams, what their arrival brings about, and the ICMP error that
//! answers one nobody takes (RFC 768, RFC 1122 section 4.1).

use std::net::SocketAddr;

use super::packet::{Nanos, Wear, Wrapped, Wrapping};
use super::truth::Side;
use crate::wire::ip::protocol;
use crate::wire::{Datagram, Icmp};

/// A datagram that a scenario has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who sends it.
    pub from: Side,
    /// Its socket.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
    /// What it says.
    pub words: Vec<u8>,
    /// What its receiver sends so long after it has arrived.
    pub answers: Vec<(Nanos, Self)>,
    /// Whether a socket is there that takes it; else ICMP says that there is none.
    pub is_taken: bool,
}

impl Message {
    /// A datagram between two sockets.
    pub fn new(
        from: Side,
        source: impl Into<SocketAddr>,
        destination: impl Into<SocketAddr>,
        words: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            from,
            source: source.into(),
            destination: destination.into(),
            words: words.into(),
            answers: Vec::new(),
            is_taken: true,
        }
    }

    /// Its receiver answers so long after it has arrived.
    pub fn answered(mut self, after: Nanos, words: impl Into<Vec<u8>>) -> Self {
        let answer = Self::new(self.from.peer(), self.destination, self.source, words);
        self.answers.push((after, answer));
        self
    }

    /// No socket is there that takes it.
    pub const fn refused(mut self) -> Self {
        self.is_taken = false;
        self
    }

    /// The packet that carries it.
    pub(super) fn packet(&self, id: u16) -> IpPacket {
        let (source, destination) = (self.source.ip().into(), self.destination.ip().into());
        let mut body = Vec::new();
        let datagram = Datagram {
            source_port: self.source.port(),
            destination_port: self.destination.port(),
            payload_len: self.words.len() as u32,
            checksum: 0,
            payload: &self.words,
        };
        datagram.emit_checked(source, destination, &mut body);
        IpPacket {
            from: self.from,
            source: self.source,
            destination: self.destination,
            protocol: protocol::UDP,
            body,
            id,
        }
    }
}

/// An IP packet that is no TCP segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IpPacket {
    pub(super) from: Side,
    source: SocketAddr,
    destination: SocketAddr,
    protocol: u8,
    body: Vec<u8>,
    id: u16,
}

impl IpPacket {
    /// Its length.
    pub(super) fn len(&self) -> u32 {
        let ip = if self.source.is_ipv4() { 20 } else { 40 };
        ip + self.body.len() as u32
    }

    /// The error that its destination sends back: port unreachable (RFC 792, RFC 4443 section 3.1),
    /// with its IP header and the ports.
    pub(super) fn unreachable(&self, wear: Wear) -> Self {
        let mut quoted = Vec::new();
        self.emit(Wrapping::Plain, wear, &mut quoted);
        let v4 = self.source.is_ipv4();
        let quoted_len = if v4 { 20 + 8 } else { 40 + 8 };
        // Behind the Ethernet header.
        let quoted = quoted.get(14..).unwrap_or_default();
        let icmp = Icmp {
            version: if v4 { 4 } else { 6 },
            kind: if v4 { 3 } else { 1 },
            code: if v4 { 3 } else { 4 },
            rest: 0,
            body: quoted.get(..quoted_len).unwrap_or(quoted),
            quoted: None,
        };
        let mut body = Vec::new();
        let (source, destination) = (self.destination.ip().into(), self.source.ip().into());
        icmp.emit(source, destination, &mut body);
        Self {
            from: self.from.peer(),
            source: self.destination,
            destination: self.source,
            protocol: if v4 { protocol::ICMP } else { protocol::ICMPV6 },
            body,
            id: self.id ^ 0x5555,
        }
    }

    /// Appends the frame.
    pub(super) fn emit(&self, wrapping: Wrapping, wear: Wear, out: &mut Vec<u8>) {
        let packet = Wrapped {
            from: self.from,
            source: self.source.ip(),
            destination: self.destination.ip(),
            protocol: self.protocol,
            id: self.id,
            ttl: 64,
            ecn: 0,
        };
        let mut body = self.body.clone();
        if wear.damaged
            && let Some(last) = body.last_mut()
        {
            *last ^= 0x20;
        }
        packet.emit(wrapping, wear, &body, out);
    }
}
