//! Bytes ⇄ headers. Knows no connection, no clock and no file; allocates nothing, never panics,
//! and never fails as a whole: [`decode`] returns the layers that parsed and where it stopped.
//!
//! One file per protocol holds both its parser and its writer. Parsers are plain functions
//! `fn parse(input: &[u8]) -> IResult<&[u8], Header, Fault>` joined by nom combinators; integers
//! come from [`be`]. Each file's `decode` says what its header means for the frame, and the tables
//! in `decoder` say which file comes next.
//!
//! Writers append to a `Vec<u8>`; a packet is written from its outermost header inwards. Lengths
//! are the caller's, so that wrong ones can be written too.

pub mod address;
pub mod ah;
pub mod arcnet;
pub mod arp;
pub mod atm;
pub mod be;
pub mod checksum;
mod common;
mod decoder;
pub mod error;
pub mod erspan;
pub mod ethernet;
pub mod fddi;
pub mod fibre_channel;
pub mod fragment;
pub mod frame_relay;
pub mod geneve;
pub mod glance;
pub mod gre;
pub mod gtp;
pub mod icmp;
pub mod ieee80211;
pub mod ip;
pub mod ipv4;
pub mod ipv6;
pub mod ipv6_extension;
pub mod l2tp;
pub mod layer;
pub mod link;
pub mod linux_sll;
pub mod loopback;
pub mod mpls;
pub mod mptcp;
pub mod nflog;
pub mod outline;
pub mod pbb;
pub mod ppp;
pub mod pppoe;
mod pseudo_header;
pub mod seq;
pub mod tcp;
pub mod tcp_option;
mod tcp_option_text;
pub mod teredo;
#[cfg(test)]
mod testing;
pub mod token_ring;
pub mod tunnel;
pub mod udp;
pub mod vlan;
pub mod vxlan;

pub use address::Address;
pub use arp::Arp;
pub use error::{Fault, LengthSource, Reason, Stop};
pub use fragment::Fragment;
pub use icmp::{Icmp, Quoted};
pub use ip::Ip;
pub use layer::Layer;
pub use link::LinkType;
pub use outline::{Laid, Outline, outline};
pub use seq::SeqNum;
pub use tcp::{Flags, Segment};
pub use tcp_option::{TcpOption, TcpOptions};
pub use tunnel::Tunnel;
pub use udp::Datagram;

use decoder::{Decoder, Input};

#[cfg(test)]
mod frame_kinds;
#[cfg(test)]
mod frames;

/// How many layers of a frame are remembered; decoding stops with [`Reason::TooDeep`] past it.
pub const MAX_LAYERS: usize = 24;

/// What a frame held.
#[derive(Clone, Debug)]
pub struct Decoded<'a> {
    /// The layers that parsed, outermost first; `layer_count` of them.
    pub layers: [Layer; MAX_LAYERS],
    /// How many of `layers` are used.
    pub layer_count: u8,
    /// Source and destination MAC addresses, where the link has them (innermost Ethernet header).
    pub mac: Option<MacAddresses>,
    /// VLAN identifiers outermost first (up to four kept), innermost tunnel excluded from none:
    /// all tags of the frame in order.
    pub vlans: [u16; 4],
    /// How many VLAN tags the frame had (may exceed four).
    pub vlan_count: u8,
    /// The innermost tunnel, if the innermost IP packet travels in one.
    pub tunnel: Option<Tunnel>,
    /// A number that differs between frames of different VLANs and tunnels (all levels taken
    /// together, order of outer addresses ignored); 0 when there are neither.
    pub context: u32,
    /// The innermost IP header that parsed.
    pub ip: Option<Ip>,
    /// What that IP header (or the link) carried.
    pub transport: Transport<'a>,
    /// Where and why decoding stopped before the end, if it did.
    pub stop: Option<Stop>,
}

impl<'a> Decoded<'a> {
    /// The layers that parsed, outermost first.
    pub fn layers(&self) -> &[Layer] {
        self.layers
            .get(..usize::from(self.layer_count))
            .unwrap_or(&[])
    }
}

/// MAC addresses as they stood on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct MacAddresses {
    pub source: [u8; 6],
    pub destination: [u8; 6],
}

/// What the innermost IP header carried, or what the frame was instead of IP.
#[derive(Clone, Debug, Default)]
pub enum Transport<'a> {
    /// Nothing that is decoded: see [`Decoded::stop`].
    #[default]
    None,
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// A UDP datagram.
    Udp(Datagram<'a>),
    /// An ICMP or ICMPv6 message.
    Icmp(Icmp<'a>),
    /// An ARP packet.
    Arp(Arp),
    /// A fragment whose payload is not whole: the bytes of this one. (A first fragment that the
    /// capture cut is decoded as far as it goes: nothing can be put together with it.)
    Fragment(&'a [u8]),
}

/// Decodes one frame. `wire_len` is its length on the wire; `frame` may be shorter (snaplen).
pub fn decode<'a>(link: LinkType, frame: &'a [u8], wire_len: u32) -> Decoded<'a> {
    if link == LinkType::ETHERNET
        && let Some(parts) = common::parse(frame, wire_len)
    {
        return parts.into_decoded();
    }
    decode_any(link, frame, wire_len)
}

#[inline(never)]
fn decode_any<'a>(link: LinkType, frame: &'a [u8], wire_len: u32) -> Decoded<'a> {
    let mut out = Decoded::nothing();
    Decoder::new(frame, &mut out).link(link, Input::frame(frame, wire_len));
    out
}

/// Decodes what an IP packet carried, after its fragments have been put together.
/// `outer` is what was decoded of the frame that completed it; the answer keeps its layers,
/// context and IP header and fills in the rest. Offsets in a [`Stop`] count from the payload.
pub fn decode_reassembled<'a>(outer: &Decoded<'_>, payload: &'a [u8]) -> Decoded<'a> {
    let mut out = Decoded {
        layers: outer.layers,
        layer_count: outer.layer_count,
        mac: outer.mac,
        vlans: outer.vlans,
        vlan_count: outer.vlan_count,
        tunnel: outer.tunnel,
        context: outer.context,
        ip: outer.ip,
        transport: Transport::None,
        stop: None,
    };
    if let Some(ip) = &mut out.ip {
        let layer = if ip.version == 6 {
            Layer::Ipv6
        } else {
            Layer::Ipv4
        };
        let input = Input {
            limit: layer,
            ..Input::frame(payload, 0)
        };
        (ip.fragment, ip.payload_len) = (None, input.wire);
        let protocol = ip.protocol;
        ip::decode_payload(&mut Decoder::new(payload, &mut out), false, protocol, input);
    }
    out
}
