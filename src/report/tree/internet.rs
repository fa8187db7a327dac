//! IP of both versions, what extends it, ARP, and UDP.

use super::pane::{Pane, Seen};
use super::words::{Mac, dscp, ecn, ether_type, hex, ip_protocol, named, named_hex};
use super::{Health, tcp};
use crate::wire::ip::protocol;
use crate::wire::{Datagram, Ip, Laid, ah, fragment as ipv6_fragment, ipv4 as v4, ipv6 as v6};

pub(super) fn ipv4(pane: &mut Pane<'_, '_>, seen: &mut Seen) -> usize {
    let Ok((_, header)) = v4::Header::parse(pane.bytes) else {
        return 0;
    };
    let len = header.header_len();
    seen.next = header.protocol;
    let carried = u32::from(header.total_length).checked_sub(len as u32);
    seen.ip = Some(Ip {
        version: 4,
        source: header.source,
        destination: header.destination,
        ttl: header.ttl,
        traffic_class: header.traffic_class,
        id: Some(header.id.into()),
        dont_fragment: header.dont_fragment,
        fragment: header.fragment.is_part().then_some(header.fragment),
        protocol: header.protocol,
        payload_len: carried.unwrap_or((pane.bytes.len() - len) as u32),
    });
    let value = format!("Src: {}, Dst: {}", header.source, header.destination);
    pane.head("Internet Protocol Version 4", value, len, Some("ip"));
    pane.down();
    pane.bits("Version", "ip.version", 0..1, 0xf0, 4);
    let words = len / 4;
    pane.bits(
        "Header Length",
        "ip.hdr_len",
        0..1,
        0x0f,
        format_args!("{len} bytes ({words})"),
    );
    let class = u64::from(header.traffic_class);
    let (codepoint, congestion) = (dscp(class >> 2), ecn(class));
    let value = format!(
        "0x{class:02x} (DSCP: {}, ECN: {})",
        codepoint.0, congestion.0
    );
    pane.text("Differentiated Services Field", "ip.dsfield", 1..2, value);
    pane.down();
    let value = format!("{} ({})", codepoint.1, class >> 2);
    pane.bits(
        "Differentiated Services Codepoint",
        "ip.dsfield.dscp",
        1..2,
        0xfc,
        value,
    );
    let value = format!("{} ({})", congestion.1, class & 3);
    pane.bits(
        "Explicit Congestion Notification",
        "ip.dsfield.ecn",
        1..2,
        0x03,
        value,
    );
    pane.up();
    pane.plain("Total Length", "ip.len", 2..4);
    match header.total_length {
        0 => pane.health(Health::Odd),
        length if usize::from(length) > pane.bytes.len() => pane.health(Health::Odd),
        _ => {}
    }
    pane.text(
        "Identification",
        "ip.id",
        4..6,
        format_args!("0x{:04x} ({0})", header.id),
    );
    flags(pane);
    pane.bits(
        "Fragment Offset",
        "ip.frag_offset",
        6..8,
        0x1fff,
        header.fragment.offset,
    );
    pane.plain("Time to Live", "ip.ttl", 8..9);
    let number = u64::from(header.protocol);
    pane.text(
        "Protocol",
        "ip.proto",
        9..10,
        named(ip_protocol(number), number),
    );
    let right = v4::checksum_ok(pane.bytes);
    checksum(
        pane,
        ("Header Checksum", "Header checksum status"),
        ("ip.checksum", "ip.checksum.status"),
        10,
        right,
    );
    pane.text("Source Address", "ip.src", 12..16, header.source);
    pane.text("Destination Address", "ip.dst", 16..20, header.destination);
    if !header.options.is_empty() {
        options(pane, header.options);
    }
    len
}

fn flags(pane: &mut Pane<'_, '_>) {
    let flags = pane.number(6..7) >> 5;
    let names = [
        (4, "Reserved bit"),
        (2, "Don't fragment"),
        (1, "More fragments"),
    ];
    let set: Vec<_> = names
        .iter()
        .filter(|each| flags & each.0 != 0)
        .map(|each| each.1)
        .collect();
    let value = match set.as_slice() {
        [] => format!("0x{flags:x}"),
        set => format!("0x{flags:x}, {}", set.join(", ")),
    };
    pane.bits("Flags", "ip.flags", 6..7, 0xe0, value);
    pane.down();
    pane.flag("Reserved bit", "ip.flags.rb", 6..7, 0x80);
    pane.flag("Don't fragment", "ip.flags.df", 6..7, 0x40);
    pane.flag("More fragments", "ip.flags.mf", 6..7, 0x20);
    pane.up();
}

/// Options of IPv4 (RFC 791 section 3.1): kind, length, data.
fn options(pane: &mut Pane<'_, '_>, bytes: &[u8]) {
    const START: usize = v4::Header::LEN;
    let whole = START..START + bytes.len();
    pane.text(
        "Options",
        "",
        whole,
        format_args!("({} bytes)", bytes.len()),
    );
    pane.down();
    let mut at = 0;
    while let Some(&kind) = bytes.get(at) {
        let name = match kind & 0x7f {
            0 => "End of Options List (EOL)",
            1 => "No Operation (NOP)",
            7 => "Record Route",
            68 => "Time Stamp",
            2 => "Security",
            3 => "Loose Source Route",
            9 => "Strict Source Route",
            20 => "Router Alert",
            _ => "Option",
        };
        let len = match kind {
            0 => bytes.len() - at,
            1 => 1,
            _ => usize::from(bytes.get(at + 1).copied().unwrap_or(0)).max(1),
        };
        let end = (at + len).min(bytes.len());
        let value = hex(bytes.get(at..end).unwrap_or_default());
        pane.text(
            format!("IP Option - {name}"),
            "ip.opt.type",
            START + at..START + end,
            value,
        );
        at = end;
    }
    pane.up();
}

/// A checksum of two bytes, and whether it holds.
pub(super) fn checksum(
    pane: &mut Pane<'_, '_>,
    (name, status): (&'static str, &'static str),
    (filter, status_filter): (&'static str, &'static str),
    at: usize,
    right: Option<bool>,
) {
    let (words, health, stands) = match right {
        Some(true) => (" [correct]", Health::Good, "Good"),
        Some(false) => (" [incorrect]", Health::Bad, "Bad"),
        None => (" [unverified]", Health::Plain, "Unverified"),
    };
    let value = pane.number(at..at + 2);
    pane.text(
        name,
        filter,
        at..at + 2,
        format_args!("0x{value:04x}{words}"),
    );
    pane.health(health);
    pane.derived(status, status_filter, stands);
    pane.health(health);
}

pub(super) fn ipv6(pane: &mut Pane<'_, '_>, seen: &mut Seen) -> usize {
    const LEN: usize = v6::Header::LEN;
    let Ok((rest, header)) = v6::Header::parse(pane.bytes) else {
        return 0;
    };
    seen.next = header.next_header;
    let payload_len = match header.payload_length {
        0 => rest.len() as u32,
        length => length.into(),
    };
    seen.ip = Some(Ip {
        version: 6,
        source: header.source,
        destination: header.destination,
        ttl: header.hop_limit,
        traffic_class: header.traffic_class,
        id: None,
        dont_fragment: false,
        fragment: None,
        protocol: header.next_header,
        payload_len,
    });
    let value = format!("Src: {}, Dst: {}", header.source, header.destination);
    pane.head("Internet Protocol Version 6", value, LEN, Some("ipv6"));
    pane.down();
    pane.bits("Version", "ipv6.version", 0..1, 0xf0, 6);
    let class = u64::from(header.traffic_class);
    let (codepoint, congestion) = (dscp(class >> 2), ecn(class));
    let value = format!(
        "0x{class:02x} (DSCP: {}, ECN: {})",
        codepoint.0, congestion.0
    );
    pane.bits("Traffic Class", "ipv6.tclass", 0..4, 0x0ff0_0000, value);
    pane.down();
    let value = format!("{} ({})", codepoint.1, class >> 2);
    pane.bits(
        "Differentiated Services Codepoint",
        "ipv6.tclass.dscp",
        0..4,
        0x0fc0_0000,
        value,
    );
    let value = format!("{} ({})", congestion.1, class & 3);
    pane.bits(
        "Explicit Congestion Notification",
        "ipv6.tclass.ecn",
        0..4,
        0x0030_0000,
        value,
    );
    pane.up();
    let label = format!("0x{:05x}", header.flow_label);
    pane.bits("Flow Label", "ipv6.flow", 0..4, 0x000f_ffff, label);
    pane.plain("Payload Length", "ipv6.plen", 4..6);
    if usize::from(header.payload_length) > rest.len() {
        pane.health(Health::Odd);
    }
    next_header(pane, "ipv6.nxt", 6);
    pane.plain("Hop Limit", "ipv6.hlim", 7..8);
    pane.text("Source Address", "ipv6.src", 8..24, header.source);
    pane.text(
        "Destination Address",
        "ipv6.dst",
        24..40,
        header.destination,
    );
    LEN
}

fn next_header(pane: &mut Pane<'_, '_>, filter: &'static str, at: usize) {
    let number = pane.number(at..at + 1);
    pane.text(
        "Next Header",
        filter,
        at..at + 1,
        named(ip_protocol(number), number),
    );
}

/// Takes an extension header off what IP carries.
fn passed(seen: &mut Seen, len: usize, next: u64) {
    seen.next = next as u8;
    if let Some(ip) = &mut seen.ip {
        ip.payload_len = ip.payload_len.saturating_sub(len as u32);
    }
}

pub(super) fn extension(pane: &mut Pane<'_, '_>, seen: &mut Seen) -> usize {
    if seen.next == protocol::AUTHENTICATION {
        return authentication(pane, seen);
    }
    let len = (pane.number(1..2) as usize + 1) * 8;
    let (name, filter) = match seen.next {
        protocol::HOP_BY_HOP => ("IPv6 Hop-by-Hop Option", "ipv6.hopopts"),
        protocol::ROUTING => ("Routing Header for IPv6", "ipv6.routing"),
        protocol::DESTINATION => ("Destination Options for IPv6", "ipv6.dstopts"),
        protocol::MOBILITY => ("Mobile IPv6", "mipv6"),
        protocol::HOST_IDENTITY => ("Host Identity Protocol", "hip"),
        protocol::SHIM6 => ("Site Multihoming by IPv6 Intermediation", "shim6"),
        _ => ("IPv6 extension header", "ipv6.hopopts"),
    };
    pane.head(name, "", len, Some(filter));
    pane.down();
    next_header(pane, "ipv6.nxt", 0);
    let units = pane.number(1..2);
    pane.text(
        "Length",
        "ipv6.opt.length",
        1..2,
        format_args!("{units} ({len} bytes)"),
    );
    match seen.next {
        protocol::HOP_BY_HOP | protocol::DESTINATION => {
            let bytes = pane.bytes.get(2..len).unwrap_or_default();
            options_v6(pane, bytes);
        }
        protocol::ROUTING => {
            pane.plain("Type", "ipv6.routing.type", 2..3);
            pane.plain("Segments Left", "ipv6.routing.segleft", 3..4);
            let bytes = pane.bytes.get(4..len).unwrap_or_default();
            pane.text("Type-specific data", "", 4..len, hex(bytes));
        }
        _ => {
            let bytes = pane.bytes.get(2..len).unwrap_or_default();
            pane.text("Data", "", 2..len, hex(bytes));
        }
    }
    let next = pane.number(0..1);
    passed(seen, len, next);
    len
}

/// Options of IPv6 (RFC 8200 section 4.2): type, length, data; one octet of padding is alone.
fn options_v6(pane: &mut Pane<'_, '_>, bytes: &[u8]) {
    let mut at = 0;
    while let Some(&kind) = bytes.get(at) {
        let name = match kind {
            0 => "Pad1",
            1 => "PadN",
            0x05 => "Router alert",
            0xc2 => "Jumbo payload",
            0xc9 => "Home Address",
            _ => "Option",
        };
        let len = match kind {
            0 => 1,
            _ => 2 + usize::from(bytes.get(at + 1).copied().unwrap_or(0)),
        };
        let end = (at + len).min(bytes.len());
        let value = hex(bytes.get(at..end).unwrap_or_default());
        pane.text(name, "ipv6.opt", at + 2..end + 2, value);
        at = end;
    }
}

fn authentication(pane: &mut Pane<'_, '_>, seen: &mut Seen) -> usize {
    let Ok((rest, header)) = ah::Header::parse(pane.bytes) else {
        return 0;
    };
    let len = pane.bytes.len() - rest.len();
    pane.head("Authentication Header", "", len, Some("ah"));
    pane.down();
    next_header(pane, "ah.next_header", 0);
    let units = pane.number(1..2);
    pane.text(
        "Length",
        "ah.length",
        1..2,
        format_args!("{units} ({len} bytes)"),
    );
    pane.hex("Reserved", "ah.reserved", 2..4);
    pane.hex("AH SPI", "ah.spi", 4..8);
    pane.plain("AH Sequence", "ah.sequence", 8..12);
    pane.text("AH ICV", "ah.icv", 12..len, hex(header.check));
    passed(seen, len, header.next_header.into());
    len
}

pub(super) fn fragment(pane: &mut Pane<'_, '_>, seen: &mut Seen) -> usize {
    const LEN: usize = ipv6_fragment::Header::LEN;
    let Ok((_, header)) = ipv6_fragment::Header::parse(pane.bytes) else {
        return 0;
    };
    pane.head("Fragment Header for IPv6", "", LEN, Some("ipv6.fraghdr"));
    pane.down();
    next_header(pane, "ipv6.fraghdr.nxt", 0);
    pane.hex("Reserved octet", "ipv6.fraghdr.reserved_octet", 1..2);
    let offset = header.fragment.offset;
    let value = format!("{} ({offset} bytes)", offset / 8);
    pane.bits("Offset", "ipv6.fraghdr.offset", 2..4, 0xfff8, value);
    pane.bits(
        "Reserved bits",
        "ipv6.fraghdr.reserved_bits",
        2..4,
        0x0006,
        pane.number(2..4) >> 1 & 3,
    );
    let more = if header.fragment.more { "Yes" } else { "No" };
    pane.bits("More Fragments", "ipv6.fraghdr.more", 2..4, 0x0001, more);
    pane.hex("Identification", "ipv6.fraghdr.ident", 4..8);
    passed(seen, LEN, header.next_header.into());
    if let Some(ip) = &mut seen.ip {
        ip.fragment = header.fragment.is_part().then_some(header.fragment);
    }
    LEN
}

pub(super) fn arp(pane: &mut Pane<'_, '_>) -> usize {
    let operation = pane.number(6..8);
    let name = match operation {
        1 => Some("request"),
        2 => Some("reply"),
        3 => Some("reverse request"),
        4 => Some("reverse reply"),
        8 => Some("inverse request"),
        9 => Some("inverse reply"),
        _ => None,
    };
    let (hardware, protocol) = (pane.number(4..5) as usize, pane.number(5..6) as usize);
    let len = 8 + 2 * (hardware + protocol);
    let head = format!(
        "Address Resolution Protocol ({})",
        name.unwrap_or("unknown operation")
    );
    pane.head(head, "", len, Some("arp"));
    pane.down();
    let kind = pane.number(0..2);
    pane.text(
        "Hardware type",
        "arp.hw.type",
        0..2,
        named((kind == 1).then_some("Ethernet"), kind),
    );
    let carried = pane.number(2..4);
    pane.text(
        "Protocol type",
        "arp.proto.type",
        2..4,
        named_hex(ether_type(carried), carried),
    );
    pane.plain("Hardware size", "arp.hw.size", 4..5);
    pane.plain("Protocol size", "arp.proto.size", 5..6);
    pane.text("Opcode", "arp.opcode", 6..8, named(name, operation));
    let fields = [
        ("Sender MAC address", "arp.src.hw_mac", hardware),
        ("Sender IP address", "arp.src.proto_ipv4", protocol),
        ("Target MAC address", "arp.dst.hw_mac", hardware),
        ("Target IP address", "arp.dst.proto_ipv4", protocol),
    ];
    let mut at = 8;
    for (name, filter, size) in fields {
        let bytes = pane.bytes.get(at..at + size).unwrap_or_default();
        let value = match *bytes {
            [a, b, c, d] => core::net::Ipv4Addr::new(a, b, c, d).to_string(),
            _ if size == 6 => Mac(bytes).to_string(),
            _ => hex(bytes),
        };
        if size > 0 {
            pane.text(name, filter, at..at + size, value);
        }
        at += size;
    }
    len
}

pub(super) fn udp(pane: &mut Pane<'_, '_>, seen: &Seen, laid: &Laid) -> usize {
    const LEN: usize = Datagram::LEN;
    let (source, destination) = (pane.number(0..2), pane.number(2..4));
    let value = format!("Src Port: {source}, Dst Port: {destination}");
    pane.head("User Datagram Protocol", value, LEN, Some("udp"));
    pane.down();
    pane.plain("Source Port", "udp.srcport", 0..2);
    pane.plain("Destination Port", "udp.dstport", 2..4);
    pane.plain("Length", "udp.length", 4..6);
    let whole = laid.captured == laid.wire;
    if whole && pane.number(4..6) as usize > pane.bytes.len() {
        let part = seen.ip.is_some_and(|ip| ip.fragment.is_some());
        pane.health(if part { Health::Odd } else { Health::Bad });
    }
    let ip = seen.ip.filter(|ip| ip.fragment.is_none());
    let datagram = Datagram::parse(pane.bytes)
        .ok()
        .map(|(_, datagram)| datagram);
    let right = ip
        .zip(datagram)
        .and_then(|(ip, datagram)| datagram.checksum_ok(&ip));
    if pane.number(6..8) == 0 {
        pane.text(
            "Checksum",
            "udp.checksum",
            6..8,
            "0x0000 [zero-value ignored]",
        );
        pane.derived("Checksum Status", "udp.checksum.status", "Not present");
    } else {
        let names = ("Checksum", "Checksum Status");
        checksum(
            pane,
            names,
            ("udp.checksum", "udp.checksum.status"),
            6,
            right,
        );
        if right == Some(false) {
            tcp::perhaps_offloaded(pane, seen.addresses(), protocol::UDP, 6);
        }
    }
    LEN
}
