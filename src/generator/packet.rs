//! A packet as a host hands it to the network, and the frame that a tap makes of it.

use super::truth::{Header, HostState, Reason, Side};
use crate::wire::ethernet::{self, ether_type};
use crate::wire::ip::protocol;
use crate::wire::{
    Address, Datagram, Flags, Fragment, Segment, SeqNum, TcpOptions, geneve, gre, ipv4, ipv6, vlan,
    vxlan,
};
use std::net::{IpAddr, SocketAddr};

/// A point in simulated time, or a stretch of it: nanoseconds.
pub type Nanos = i64;

/// A microsecond.
pub const MICRO: Nanos = 1_000;
/// A millisecond.
pub const MILLI: Nanos = 1_000_000;
/// A second.
pub const SECOND: Nanos = 1_000_000_000;

/// A TCP segment that a host sends, and what it alone knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Whose it is, or claims to be.
    pub from: Side,
    /// Where it comes from.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Flags.
    pub flags: Flags,
    /// The window field.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// The options, in wire format, padded.
    pub options: Vec<u8>,
    /// The first position of its payload, and how many octets.
    pub payload: (i64, u32),
    /// Other octets than these positions have elsewhere.
    pub other_bytes: bool,
    /// What its payload says, where its user said something.
    pub words: Option<Vec<u8>>,
    /// IP identification.
    pub id: u16,
    /// Time to live as it leaves.
    pub ttl: u8,
    /// The ECN codepoint.
    pub ecn: u8,
    /// Why it is sent.
    pub reason: Reason,
    /// The state of its host after it.
    pub state: HostState,
}

/// How frames are wrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wrapping {
    /// IP in Ethernet.
    #[default]
    Plain,
    /// … with a VLAN tag.
    Vlan(u16),
    /// … with two (IEEE 802.1ad).
    DoubleVlan(u16, u16),
    /// Ethernet in VXLAN (RFC 7348).
    Vxlan(u32),
    /// Ethernet in Geneve (RFC 8926).
    Geneve(u32),
    /// IP in GRE (RFC 2784).
    Gre,
    /// IP in IP (RFC 2003).
    IpInIp,
}

/// What happened to a packet before a tap saw it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wear {
    /// Routers passed.
    pub hops: u8,
    /// A router set codepoint CE.
    pub marked: bool,
    /// An octet was damaged.
    pub damaged: bool,
}

impl Outgoing {
    /// Length of its IP packet.
    pub fn ip_len(&self) -> u32 {
        let ip = if self.source.is_ipv4() { 20 } else { 40 };
        ip + 20 + self.options.len() as u32 + self.payload.1
    }

    /// What the journal keeps of it.
    pub fn header(&self) -> Header {
        let mut frame = Vec::new();
        // The headers as the wire has them, without the payload: read back for their fields.
        let mut bare = self.clone();
        bare.payload.1 = 0;
        bare.words = None;
        bare.emit(Wrapping::Plain, Wear::default(), &mut frame);
        let len = frame.len() as u32;
        let header = Header::read(crate::wire::LinkType::ETHERNET, &frame, len);
        Header {
            payload: self.payload.1,
            ..header.unwrap_or_default()
        }
    }

    /// Appends the frame.
    pub fn emit(&self, wrapping: Wrapping, wear: Wear, out: &mut Vec<u8>) {
        let (source, destination) = (self.source.ip(), self.destination.ip());
        let (first, len) = self.payload;
        let payload: Vec<u8> = match &self.words {
            Some(words) => words.clone(),
            None => (first..first + i64::from(len))
                .map(|position| octet(position, self.from, self.other_bytes))
                .collect(),
        };
        let segment = Segment {
            source_port: self.source.port(),
            destination_port: self.destination.port(),
            seq: SeqNum(self.seq),
            ack: SeqNum(self.ack),
            flags: self.flags,
            window: self.window,
            checksum: 0,
            urgent: self.urgent,
            options: TcpOptions::parse(&self.options),
            payload: &payload,
            payload_len: len,
        };
        let mut body = Vec::new();
        segment.emit_checked(source.into(), destination.into(), &mut body);
        if wear.damaged
            && let Some(last) = body.last_mut()
        {
            *last ^= 0x20;
        }
        let packet = Wrapped {
            from: self.from,
            source,
            destination,
            protocol: protocol::TCP,
            id: self.id,
            ttl: self.ttl,
            ecn: self.ecn,
        };
        packet.emit(wrapping, wear, &body, out);
    }
}

/// An IP packet's header, and the way from there to a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrapped {
    pub(super) from: Side,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    pub(super) id: u16,
    pub(super) ttl: u8,
    pub(super) ecn: u8,
}

impl Wrapped {
    const fn ether_type(&self) -> u16 {
        if self.source.is_ipv4() {
            ether_type::IPV4
        } else {
            ether_type::IPV6
        }
    }

    /// Appends the frame with `body` in it.
    pub(super) fn emit(&self, wrapping: Wrapping, wear: Wear, body: &[u8], out: &mut Vec<u8>) {
        let macs = macs(self.from);
        let ether = self.ether_type();
        match wrapping {
            Wrapping::Plain => ethernet_header(macs, ether, out),
            Wrapping::Vlan(id) => {
                ethernet_header(macs, ether_type::VLAN, out);
                tag(id, ether).emit(out);
            }
            Wrapping::DoubleVlan(outer, id) => {
                ethernet_header(macs, ether_type::QINQ, out);
                tag(outer, ether_type::VLAN).emit(out);
                tag(id, ether).emit(out);
            }
            Wrapping::Gre | Wrapping::IpInIp | Wrapping::Vxlan(_) | Wrapping::Geneve(_) => {
                self.emit_tunnelled(wrapping, wear, body, out);
                return;
            }
        }
        self.emit_ip(wear, body, out);
    }

    fn emit_tunnelled(&self, wrapping: Wrapping, wear: Wear, body: &[u8], out: &mut Vec<u8>) {
        let mut inner = Vec::new();
        let ether = self.ether_type();
        let next = match wrapping {
            Wrapping::Gre => {
                gre::Header {
                    protocol: ether,
                    ..gre::Header::default()
                }
                .emit(&mut inner);
                protocol::GRE
            }
            Wrapping::IpInIp if self.source.is_ipv4() => protocol::IPV4,
            Wrapping::IpInIp => protocol::IPV6,
            Wrapping::Vxlan(vni) => {
                vxlan::Header { vni }.emit(&mut inner);
                ethernet_header(macs(self.from), ether, &mut inner);
                protocol::UDP
            }
            _ => {
                let vni = if let Wrapping::Geneve(vni) = wrapping {
                    vni
                } else {
                    0
                };
                geneve::Header {
                    protocol: ether_type::BRIDGED,
                    vni,
                    control: false,
                    critical: false,
                    options: &[],
                }
                .emit(&mut inner);
                ethernet_header(macs(self.from), ether, &mut inner);
                protocol::UDP
            }
        };
        self.emit_ip(wear, body, &mut inner);
        // The tunnel's ends stand before the hosts.
        let ends = [[192, 0, 2, 1], [192, 0, 2, 2]].map(Address::v4);
        let [source, destination] = match self.from {
            Side::Client => ends,
            Side::Server => [ends[1], ends[0]],
        };
        let mut payload = Vec::new();
        if next == protocol::UDP {
            let port = if matches!(wrapping, Wrapping::Vxlan(_)) {
                4789
            } else {
                6081
            };
            // The source port tells flows apart (RFC 7348 section 5); these carry one each.
            let datagram = Datagram {
                source_port: 49_152,
                destination_port: port,
                payload_len: inner.len() as u32,
                checksum: 0,
                payload: &inner,
            };
            datagram.emit_checked(source, destination, &mut payload);
        } else {
            payload = inner;
        }
        ethernet_header(macs(self.from), ether_type::IPV4, out);
        ipv4::Header {
            traffic_class: 0,
            total_length: (ipv4::Header::LEN + payload.len()) as u16,
            id: self.id,
            dont_fragment: true,
            fragment: Fragment::default(),
            ttl: 64,
            protocol: next,
            source,
            destination,
            options: &[],
        }
        .emit(out);
        out.extend_from_slice(&payload);
    }

    fn emit_ip(&self, wear: Wear, body: &[u8], out: &mut Vec<u8>) {
        let (source, destination): (Address, Address) =
            (self.source.into(), self.destination.into());
        let ecn = if wear.marked { 3 } else { self.ecn };
        let ttl = self.ttl.saturating_sub(wear.hops);
        if self.source.is_ipv4() {
            ipv4::Header {
                traffic_class: ecn,
                total_length: (ipv4::Header::LEN + body.len()) as u16,
                id: self.id,
                dont_fragment: true,
                fragment: Fragment::default(),
                ttl,
                protocol: self.protocol,
                source,
                destination,
                options: &[],
            }
            .emit(out);
        } else {
            ipv6::Header {
                traffic_class: ecn,
                flow_label: 0,
                payload_length: body.len() as u16,
                next_header: self.protocol,
                hop_limit: ttl,
                source,
                destination,
            }
            .emit(out);
        }
        out.extend_from_slice(body);
    }
}

fn tag(id: u16, ether_type: u16) -> vlan::Tag {
    vlan::Tag {
        priority: 0,
        drop_eligible: false,
        id,
        ether_type,
    }
}

/// Source and destination of what a side sends.
fn macs(from: Side) -> ([u8; 6], [u8; 6]) {
    let [client, server] = [1, 2].map(|host| [2, 0, 0, 0, 0, host]);
    match from {
        Side::Client => (client, server),
        Side::Server => (server, client),
    }
}

/// Appends the Ethernet header of a frame.
pub(super) fn ethernet_header(macs: ([u8; 6], [u8; 6]), ether_type: u16, out: &mut Vec<u8>) {
    ethernet::Header {
        destination: macs.1,
        source: macs.0,
        ether_type,
    }
    .emit(out);
}

/// The octet at a position of a stream: lines of text that say where they are.
pub fn octet(position: i64, from: Side, other: bool) -> u8 {
    const LINE: i64 = 32;
    let within = position.rem_euclid(LINE);
    if within == LINE - 1 {
        return b'\n';
    }
    let line = (position.div_euclid(LINE) * LINE) as u64;
    let tag: &[u8] = match (from, other) {
        (_, true) => b"!other: ",
        (Side::Client, _) => b"client: ",
        (Side::Server, _) => b"server: ",
    };
    if let Some(&byte) = tag.get(within as usize) {
        return byte;
    }
    // The number of its first octet, right-aligned over what is left.
    let place = (LINE - 2 - within) as u32;
    let digit = 10_u64.checked_pow(place).map_or(0, |power| line / power);
    if digit == 0 && place > 0 {
        b'.'
    } else {
        b'0' + (digit % 10) as u8
    }
}
