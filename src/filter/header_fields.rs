//! Fields that later stages need nothing of and the decoder does not keep: they are read again from
//! the frame's headers, when a filter asks for them. In a tunnel they are of each header.

use super::field::{Field, Kind, Known, Moment, Out, Value};
use crate::wire::{Laid, Layer, Transport, checksum, ethernet, ipv4, ipv6, outline};

/// Shows the layers of a frame with their bytes, outermost first.
fn each_layer<'a>(m: &Moment<'a>, mut look: impl FnMut(&Laid, &'a [u8])) {
    let frame = m.view.frame;
    let (_, outline) = outline(frame.link, frame.data, frame.wire_len);
    for laid in outline.layers() {
        let start = laid.offset as usize;
        let bytes = frame.data.get(start..).unwrap_or_default();
        look(laid, bytes.get(..laid.captured as usize).unwrap_or(bytes));
    }
}

/// Shows those of one kind.
fn each<'a>(m: &Moment<'a>, layer: Layer, mut look: impl FnMut(&Laid, &'a [u8])) {
    if m.has(&[layer]) {
        each_layer(m, |laid, bytes| {
            if laid.layer == layer {
                look(laid, bytes);
            }
        });
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([*pair.first()?, *pair.get(1)?]))
}

/// Gives a 16-bit number of each header of a kind.
fn number(m: &Moment<'_>, layer: Layer, at: usize, out: Out<'_>) {
    each(m, layer, |_, bytes| {
        if let Some(number) = u16_at(bytes, at) {
            out(number.into());
        }
    });
}

/// The first byte of a header, or another.
fn octet(m: &Moment<'_>, layer: Layer, at: usize, out: &mut dyn FnMut(u8)) {
    each(m, layer, |_, bytes| {
        bytes.get(at).into_iter().for_each(|&octet| out(octet))
    });
}

/// What Ethernet's third field says: a type, or a length (IEEE 802.3).
fn type_or_length(m: &Moment<'_>, is_type: bool, out: Out<'_>) {
    /// The smallest number that is a type.
    const TYPES: u16 = 0x600;
    each(m, Layer::Ethernet, |_, bytes| {
        match u16_at(bytes, ethernet::Header::LEN - 2) {
            Some(number) if (number >= TYPES) == is_type => out(number.into()),
            _ => {}
        }
    });
}

/// Whether a checksum holds, in Wireshark's numbers.
fn status(right: Option<bool>) -> Value<'static> {
    Value::Number(match right {
        Some(false) => 0,
        Some(true) => 1,
        None => 2,
    })
}

/// The words for these numbers.
pub(super) const STATUS: [(&str, i64); 4] = [
    ("bad", 0),
    ("good", 1),
    ("unverified", 2),
    ("not present", 3),
];

fn of_tcp(m: &Moment<'_>, out: Out<'_>) {
    if let (Some(segment), Some(ip)) = (m.tcp(), &m.view.decoded.ip) {
        out(status(segment.checksum_ok(ip)));
    }
}

fn of_udp(m: &Moment<'_>, out: Out<'_>) {
    if let (Transport::Udp(datagram), Some(ip)) = (&m.view.decoded.transport, &m.view.decoded.ip) {
        out(match datagram.checksum {
            0 => Value::Number(3),
            _ => status(datagram.checksum_ok(ip)),
        });
    }
}

/// The sum of an ICMP message; that of ICMPv6 takes the addresses in.
fn of_icmp(m: &Moment<'_>, layer: Layer, out: Out<'_>) {
    each(m, layer, |laid, bytes| {
        let is_whole = laid.captured == laid.wire;
        let sum = match (layer, &m.view.decoded.ip) {
            _ if !is_whole => None,
            (Layer::Icmp, _) => Some(checksum::of(bytes)),
            (_, Some(ip)) => Some(checksum::transport(
                ip.source,
                ip.destination,
                ip.protocol,
                bytes,
            )),
            (_, None) => None,
        };
        out(status(sum.map(|sum| sum == 0)));
    });
}

/// Gives the addresses as hosts, with their names.
fn hosts(m: &Moment<'_>, version: u8, which: (bool, bool), out: Out<'_>) {
    m.each_pair(|of, source, destination| {
        for (address, wanted) in [(source, which.0), (destination, which.1)] {
            if of == version && wanted {
                out(Value::Host(address, m.before.name(address)));
            }
        }
    });
}

/// Text that is put together without memory of its own; what is too long is cut.
struct Joined {
    text: [u8; 256],
    len: usize,
}

impl Joined {
    fn add(&mut self, name: &str) {
        let colon = if self.len > 0 { ":" } else { "" };
        for part in [colon, name] {
            if let Some(place) = self.text.get_mut(self.len..self.len + part.len()) {
                place.copy_from_slice(part.as_bytes());
                self.len += part.len();
            }
        }
    }

    fn as_str(&self) -> &str {
        let text = self.text.get(..self.len).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }
}

/// Wireshark's name of a layer; empty where it has none of its own there.
const fn name_of(layer: Layer) -> &'static str {
    match layer {
        Layer::Ethernet => "eth",
        Layer::Llc => "llc",
        Layer::Vlan => "vlan",
        Layer::Mpls => "mpls",
        Layer::Pppoe => "pppoes",
        Layer::Ppp => "ppp",
        Layer::LinuxSll | Layer::LinuxSll2 => "sll",
        Layer::Loopback => "null",
        Layer::Raw => "raw",
        Layer::Arp => "arp",
        Layer::Ipv4 => "ip",
        Layer::Ipv6 => "ipv6",
        Layer::Fragment => "ipv6.fraghdr",
        Layer::Gre => "gre",
        Layer::Vxlan => "vxlan",
        Layer::Geneve => "geneve",
        Layer::Gtp => "gtp",
        Layer::Erspan => "erspan",
        Layer::Pbb => "ieee8021ah",
        Layer::Chdlc => "chdlc",
        Layer::L2tp => "l2tp",
        Layer::Fddi => "fddi",
        Layer::TokenRing => "tr",
        Layer::Arcnet => "arcnet",
        Layer::FrameRelay => "fr",
        Layer::Atm => "atm",
        Layer::FibreChannel => "ipfc",
        Layer::Teredo => "teredo",
        Layer::Nflog => "nflog",
        Layer::Radiotap => "radiotap",
        Layer::Ieee80211 => "wlan",
        Layer::Tcp => "tcp",
        Layer::Udp => "udp",
        Layer::Icmp => "icmp",
        Layer::Icmpv6 => "icmpv6",
        _ => "",
    }
}

/// The layers of a frame as `eth:ethertype:ip:tcp`.
fn protocols(m: &Moment<'_>, out: Out<'_>) {
    let mut joined = Joined {
        text: [0; 256],
        len: 0,
    };
    // The type that the layer before names the next one by.
    let mut named = None;
    each_layer(m, |laid, bytes| {
        if named.is_some() && laid.layer != Layer::Llc {
            joined.add("ethertype");
        }
        let is_outer = laid.layer == Layer::Vlan && named == Some(Some(ethernet::ether_type::QINQ));
        let name = if is_outer {
            "ieee8021ad"
        } else {
            name_of(laid.layer)
        };
        named = match laid.layer {
            Layer::Ethernet => Some(u16_at(bytes, ethernet::Header::LEN - 2)),
            Layer::Vlan => Some(u16_at(bytes, 2)),
            Layer::LinuxSll | Layer::LinuxSll2 => Some(None),
            _ => None,
        };
        if !name.is_empty() {
            joined.add(name);
        }
    });
    out(Value::Text(joined.as_str()));
}

/// The bytes of each header of a kind and what it carries, for slices and whatever else asks for
/// more than whether it is there.
fn bytes(m: &Moment<'_>, layer: Layer, out: Out<'_>) {
    each(m, layer, |_, bytes| {
        let length = |at| u16_at(bytes, at).map_or(0, usize::from);
        // A length of 0 is left to the network card; what comes after the packet is padding.
        let (header, len) = match layer {
            Layer::Ethernet => (ethernet::Header::LEN, 0),
            Layer::Ipv6 => match length(4) {
                0 => (ipv6::Header::LEN, 0),
                carried => (ipv6::Header::LEN, ipv6::Header::LEN + carried),
            },
            _ => {
                let words = bytes.first().map_or(0, |first| first & 15);
                (usize::from(words) * 4, length(2))
            }
        };
        let packet = bytes.get(..len).filter(|packet| !packet.is_empty());
        out(Value::Layer(packet.unwrap_or(bytes), header));
    });
}

type Whole = fn(&Moment<'_>, Out<'_>);

/// Layers that have bytes, beside their being there.
pub(super) const WHOLE: [(&str, Whole); 3] = [
    ("eth", |m, out| bytes(m, Layer::Ethernet, out)),
    ("ip", |m, out| bytes(m, Layer::Ipv4, out)),
    ("ipv6", |m, out| bytes(m, Layer::Ipv6, out)),
];

macro_rules! fields {
    ($($name:literal $kind:ident$([$bits:literal])? $says:literal $of:expr;)*) => {
        vec![$(Field::frame($name, Kind::$kind, $says, $of, Known::No)$(.bits($bits))?,)*]
    };
}

pub(super) fn list() -> Vec<Field> {
    fields! {
        "frame.protocols" Text "Names of its layers: eth:ethertype:ip:tcp; nothing above TCP and UDP is decoded" protocols;
        "eth.type" Number[16] "Type of what Ethernet carries: 0x800 is IPv4, 0x86dd IPv6, 0x806 ARP" |m, out| type_or_length(m, true, out);
        "eth.len" Number[16] "Length, where that stands in place of the type (802.3)" |m, out| type_or_length(m, false, out);
        "vlan.priority" Number[16] "Priority (PCP) of each tag" |m, out| octet(m, Layer::Vlan, 0, &mut |octet| out((octet >> 5).into()));
        "vlan.dei" Flag "Drop eligible, of each tag" |m, out| octet(m, Layer::Vlan, 0, &mut |octet| out((octet & 0x10 != 0).into()));
        "vlan.etype" Number[16] "Type of what each tag carries" |m, out| number(m, Layer::Vlan, 2, out);
        "ip.hdr_len" Number[8] "Length of the header in bytes" |m, out| octet(m, Layer::Ipv4, 0, &mut |octet| out(((octet & 15) * 4).into()));
        "ip.len" Number[16] "Length of the packet as the header tells it; in a tunnel of each" |m, out| number(m, Layer::Ipv4, 2, out);
        "ip.flags" Number[8] "All three flags: DF 2, MF 1" |m, out| octet(m, Layer::Ipv4, 6, &mut |octet| out((octet >> 5).into()));
        "ip.flags.rb" Flag "The reserved bit" |m, out| octet(m, Layer::Ipv4, 6, &mut |octet| out((octet & 0x80 != 0).into()));
        "ip.checksum" Number[16] "Checksum of the header" |m, out| number(m, Layer::Ipv4, 10, out);
        "ip.checksum.status" Number[8] "Whether it holds: 1 or good, 0 or bad, 2 or unverified" |m, out| each(m, Layer::Ipv4, |_, bytes| out(status(ipv4::checksum_ok(bytes))));
        "ip.host" Host "Either address, or its name in the capture" |m, out| hosts(m, 4, (true, true), out);
        "ip.src_host" Host "The source, likewise" |m, out| hosts(m, 4, (true, false), out);
        "ip.dst_host" Host "The destination, likewise" |m, out| hosts(m, 4, (false, true), out);
        "ipv6.version" Number[8] "6" |m, out| octet(m, Layer::Ipv6, 0, &mut |octet| out((octet >> 4).into()));
        "ipv6.plen" Number[16] "Length of what follows the header" |m, out| number(m, Layer::Ipv6, 4, out);
        "ipv6.flow" Number[32] "Flow label" |m, out| each(m, Layer::Ipv6, |_, bytes| {
            if let Ok((_, header)) = ipv6::Header::parse(bytes) {
                out(header.flow_label.into());
            }
        });
        "ipv6.host" Host "Either address, or its name in the capture" |m, out| hosts(m, 6, (true, true), out);
        "ipv6.src_host" Host "The source, likewise" |m, out| hosts(m, 6, (true, false), out);
        "ipv6.dst_host" Host "The destination, likewise" |m, out| hosts(m, 6, (false, true), out);
        "icmp.checksum" Number[16] "Checksum, as it stood" |m, out| number(m, Layer::Icmp, 2, out);
        "icmp.checksum.status" Number[8] "Whether it holds, as ip.checksum.status" |m, out| of_icmp(m, Layer::Icmp, out);
        "icmpv6.checksum" Number[16] "Checksum, as it stood" |m, out| number(m, Layer::Icmpv6, 2, out);
        "icmpv6.checksum.status" Number[8] "Whether it holds, as ip.checksum.status" |m, out| of_icmp(m, Layer::Icmpv6, out);
        "tcp.checksum.status" Number[8] "Whether it holds: 1 or good, 0 or bad, 2 or unverified (not all was captured)" of_tcp;
        "udp.checksum.status" Number[8] "Whether it holds, as tcp.checksum.status; 3 is not present" of_udp;
    }
}
