//! Link layers, and what lies between them and IP.

use super::pane::Pane;
use super::words::{self, Mac, ether_type, hex, named_hex};
use crate::wire::{Layer, ethernet, linux_sll, ppp};

const MAC: usize = 6;

fn mac<'f>(pane: &Pane<'_, 'f>, at: usize) -> Mac<'f> {
    Mac(pane.bytes.get(at..at + MAC).unwrap_or_default())
}

/// A MAC address with its two bits.
fn address(pane: &mut Pane<'_, '_>, name: &'static str, filter: &'static str, at: usize) {
    let value = mac(pane, at).to_string();
    pane.text(name, filter, at..at + MAC, value);
    pane.down();
    let first = pane.number(at..at + 1);
    pane.bits(
        "LG bit",
        "eth.lg",
        at..at + 3,
        0x02_0000,
        match first & 2 {
            0 => "Globally unique address (factory default)",
            _ => "Locally administered address (this is NOT the factory default)",
        },
    );
    pane.bits(
        "IG bit",
        "eth.ig",
        at..at + 3,
        0x01_0000,
        match first & 1 {
            0 => "Individual address (unicast)",
            _ => "Group address (multicast/broadcast)",
        },
    );
    pane.up();
}

/// An EtherType, or a length.
fn kind(pane: &mut Pane<'_, '_>, filters: (&'static str, &'static str), at: usize) {
    let value = pane.number(at..at + 2);
    if value >= 0x600 {
        pane.text(
            "Type",
            filters.0,
            at..at + 2,
            named_hex(ether_type(value), value),
        );
    } else {
        pane.text("Length", filters.1, at..at + 2, value);
    }
}

pub(super) fn ethernet(pane: &mut Pane<'_, '_>) -> usize {
    const LEN: usize = ethernet::Header::LEN;
    let (to, from) = (mac(pane, 0), mac(pane, MAC));
    let name = match pane.number(12..14) {
        0..0x600 => "IEEE 802.3 Ethernet",
        _ => "Ethernet II",
    };
    pane.head(name, format!("Src: {from}, Dst: {to}"), LEN, Some("eth"));
    pane.down();
    address(pane, "Destination", "eth.dst", 0);
    address(pane, "Source", "eth.src", MAC);
    kind(pane, ("eth.type", "eth.len"), 12);
    LEN
}

pub(super) fn llc(pane: &mut Pane<'_, '_>) -> usize {
    let len = match pane.number(2..3) & 3 {
        3 => 3,
        _ => 4,
    };
    pane.head("Logical-Link Control", "", len, Some("llc"));
    pane.down();
    pane.hex("DSAP", "llc.dsap", 0..1);
    pane.hex("SSAP", "llc.ssap", 1..2);
    pane.hex("Control field", "llc.control", 2..len);
    len
}

pub(super) fn snap(pane: &mut Pane<'_, '_>) -> usize {
    pane.head("Subnetwork Access Protocol", "", 5, Some("llc"));
    pane.down();
    pane.hex("Organization Code", "llc.oui", 0..3);
    let value = pane.number(3..5);
    pane.text(
        "Type",
        "llc.type",
        3..5,
        named_hex(ether_type(value), value),
    );
    5
}

pub(super) fn vlan(pane: &mut Pane<'_, '_>) -> usize {
    let control = pane.number(0..2);
    let (priority, id) = (control >> 13, control & 0xfff);
    let eligible = control >> 12 & 1;
    let value = format!("PRI: {priority}, DEI: {eligible}, ID: {id}");
    pane.head("802.1Q Virtual LAN", value, 4, Some("vlan"));
    pane.down();
    pane.bits("Priority", "vlan.priority", 0..2, 0xe000, priority);
    pane.bits(
        "DEI",
        "vlan.dei",
        0..2,
        0x1000,
        match eligible {
            0 => "Ineligible",
            _ => "Eligible",
        },
    );
    pane.bits("ID", "vlan.id", 0..2, 0x0fff, id);
    kind(pane, ("vlan.etype", "vlan.len"), 2);
    4
}

/// A stack of labels, or the control word of a pseudowire.
pub(super) fn mpls(pane: &mut Pane<'_, '_>, len: usize) -> usize {
    let mut at = 0;
    loop {
        let Some(word) = pane.int(at..at + 4) else {
            return at.max(len);
        };
        let (label, class) = (word >> 12, word >> 9 & 7);
        let (bottom, ttl) = (word >> 8 & 1, word & 0xff);
        let value = format!("Label: {label}, Exp: {class}, S: {bottom}, TTL: {ttl}");
        let mut entry = pane.inner(at);
        entry.head(
            "MultiProtocol Label Switching Header",
            value,
            4,
            Some("mpls"),
        );
        entry.down();
        entry.bits("MPLS Label", "mpls.label", 0..4, 0xffff_f000, label);
        entry.bits("MPLS Experimental Bits", "mpls.exp", 0..4, 0xe00, class);
        entry.bits(
            "MPLS Bottom Of Label Stack",
            "mpls.bottom",
            0..4,
            0x100,
            bottom,
        );
        entry.bits("MPLS TTL", "mpls.ttl", 0..4, 0xff, ttl);
        at += 4;
        if bottom == 1 || len > 0 && at >= len {
            return at;
        }
    }
}

pub(super) fn pppoe(pane: &mut Pane<'_, '_>) -> usize {
    let session = pane.number(1..2) == 0;
    let name = if session {
        "PPP-over-Ethernet Session"
    } else {
        "PPP-over-Ethernet Discovery"
    };
    pane.head(name, "", 6, Some("pppoes"));
    pane.down();
    let first = pane.number(0..1);
    pane.bits("Version", "pppoe.version", 0..1, 0xf0, first >> 4);
    pane.bits("Type", "pppoe.type", 0..1, 0x0f, first & 15);
    pane.hex("Code", "pppoe.code", 1..2);
    pane.hex("Session ID", "pppoe.session_id", 2..4);
    pane.plain("Payload Length", "pppoe.payload_length", 4..6);
    6
}

pub(super) fn ppp(pane: &mut Pane<'_, '_>) -> usize {
    let Ok((rest, header)) = ppp::Header::parse(pane.bytes) else {
        return 0;
    };
    let len = pane.bytes.len() - rest.len();
    pane.head("Point-to-Point Protocol", "", len, Some("ppp"));
    pane.down();
    let framing = if header.framed { 2 } else { 0 };
    if header.framed {
        pane.hex("Address", "ppp.address", 0..1);
        pane.hex("Control", "ppp.control", 1..2);
    }
    let protocol = u64::from(header.protocol);
    pane.text(
        "Protocol",
        "ppp.protocol",
        framing..len,
        named_hex(words::ppp(protocol), protocol),
    );
    len
}

pub(super) fn cisco(pane: &mut Pane<'_, '_>) -> usize {
    pane.head("Cisco HDLC", "", 4, Some("chdlc"));
    pane.down();
    pane.hex("Address", "chdlc.address", 0..1);
    pane.hex("Control", "", 1..2);
    let value = pane.number(2..4);
    pane.text(
        "Protocol",
        "chdlc.protocol",
        2..4,
        named_hex(ether_type(value), value),
    );
    4
}

/// Who sent a frame of a cooked capture.
fn packet_type(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Unicast to us",
        1 => "Broadcast",
        2 => "Multicast",
        3 => "Unicast to another host",
        4 => "Sent by us",
        _ => return None,
    })
}

fn sender(pane: &mut Pane<'_, '_>, at: usize, len: u64) {
    let end = at + (len as usize).min(8);
    let bytes = pane.bytes.get(at..end).unwrap_or_default();
    if len == MAC as u64 {
        pane.text("Source", "sll.src.eth", at..end, Mac(bytes));
    } else if !bytes.is_empty() {
        pane.text("Source", "sll.src.other", at..end, hex(bytes));
    }
}

pub(super) fn cooked(pane: &mut Pane<'_, '_>) -> usize {
    const LEN: usize = linux_sll::Header::LEN;
    pane.head("Linux cooked capture v1", "", LEN, Some("sll"));
    pane.down();
    let value = pane.number(0..2);
    pane.text(
        "Packet type",
        "sll.pkttype",
        0..2,
        words::named(packet_type(value), value),
    );
    pane.plain("Link-layer address type", "sll.hatype", 2..4);
    pane.plain("Link-layer address length", "sll.halen", 4..6);
    let len = pane.number(4..6);
    sender(pane, 6, len);
    let value = pane.number(14..16);
    pane.text(
        "Protocol",
        "sll.etype",
        14..16,
        named_hex(ether_type(value), value),
    );
    LEN
}

pub(super) fn cooked_2(pane: &mut Pane<'_, '_>) -> usize {
    const LEN: usize = linux_sll::HeaderV2::LEN;
    pane.head("Linux cooked capture v2", "", LEN, Some("sll"));
    pane.down();
    let value = pane.number(0..2);
    pane.text(
        "Protocol",
        "sll.etype",
        0..2,
        named_hex(ether_type(value), value),
    );
    pane.plain("Interface index", "sll.ifindex", 4..8);
    pane.plain("Link-layer address type", "sll.hatype", 8..10);
    let value = pane.number(10..11);
    pane.text(
        "Packet type",
        "sll.pkttype",
        10..11,
        words::named(packet_type(value), value),
    );
    pane.plain("Link-layer address length", "sll.halen", 11..12);
    let len = pane.number(11..12);
    sender(pane, 12, len);
    LEN
}

pub(super) fn loopback(pane: &mut Pane<'_, '_>) -> usize {
    pane.head("Null/Loopback", "", 4, Some("null"));
    pane.down();
    let word = pane.number(0..4) as u32;
    let family = if word > 0xffff {
        word.swap_bytes()
    } else {
        word
    };
    let name = match family {
        2 => Some("IP"),
        10 | 24 | 28 | 30 => Some("IPv6"),
        _ => None,
    };
    pane.text("Family", "null.family", 0..4, words::named(name, family));
    4
}

pub(super) fn pbb(pane: &mut Pane<'_, '_>) -> usize {
    let service = pane.number(1..4);
    let value = format!("I-SID: {service}");
    pane.head("IEEE 802.1ah", value, 4, Some("ieee8021ah"));
    pane.down();
    let control = pane.number(0..1);
    pane.bits("Priority", "ieee8021ah.priority", 0..1, 0xe0, control >> 5);
    pane.flag("Drop", "ieee8021ah.drop", 0..1, 0x10);
    pane.plain("I-SID", "ieee8021ah.isid", 1..4);
    4
}

/// A layer of which only the place is told.
pub(super) fn named(pane: &mut Pane<'_, '_>, layer: Layer, len: usize) -> usize {
    let (name, filter) = match layer {
        Layer::Fddi => ("Fiber Distributed Data Interface", "fddi"),
        Layer::TokenRing => ("Token-Ring", "tr"),
        Layer::Arcnet => ("ARCNET", "arcnet"),
        Layer::FrameRelay => ("Frame Relay", "fr"),
        Layer::Atm => ("ATM", "atm"),
        Layer::FibreChannel => ("Fibre Channel", "fc"),
        Layer::CaptureHeader => ("Capture header", ""),
        Layer::Teredo => ("Teredo IPv6 over UDP tunneling", "teredo"),
        Layer::Nflog => ("Linux Netfilter NFLOG", "nflog"),
        Layer::Radiotap => ("Radiotap Header", "radiotap"),
        Layer::Ieee80211 => ("IEEE 802.11", "wlan"),
        other => (other.name(), ""),
    };
    if len > 0 {
        let filter = (!filter.is_empty()).then_some(filter);
        pane.head(name, "", len, filter);
    }
    len
}
