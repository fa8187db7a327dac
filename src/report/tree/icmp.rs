//! ICMP and ICMPv6, with the packet that an error quotes.

use super::internet::{checksum, ipv4, ipv6};
use super::pane::{Pane, Seen};
use super::words::{hex, named};
use crate::wire::checksum as sum;
use crate::wire::icmp::error_words;
use crate::wire::ip::protocol;
use crate::wire::{Icmp, Laid, Layer};

/// What a message is (RFC 792, RFC 4443, RFC 4861).
fn kind(version: u8, kind: u8) -> Option<&'static str> {
    Some(match (version, kind) {
        (4, 0) => "Echo (ping) reply",
        (4, 3) => "Destination unreachable",
        (4, 4) => "Source quench",
        (4, 5) => "Redirect",
        (4, 8) => "Echo (ping) request",
        (4, 9) => "Router advertisement",
        (4, 10) => "Router solicitation",
        (4, 11) => "Time-to-live exceeded",
        (4, 12) => "Parameter problem",
        (4, 13) => "Timestamp request",
        (4, 14) => "Timestamp reply",
        (6, 1) => "Destination Unreachable",
        (6, 2) => "Packet Too Big",
        (6, 3) => "Time Exceeded",
        (6, 4) => "Parameter Problem",
        (6, 128) => "Echo (ping) request",
        (6, 129) => "Echo (ping) reply",
        (6, 130) => "Multicast Listener Query",
        (6, 131) => "Multicast Listener Report",
        (6, 132) => "Multicast Listener Done",
        (6, 133) => "Router Solicitation",
        (6, 134) => "Router Advertisement",
        (6, 135) => "Neighbor Solicitation",
        (6, 136) => "Neighbor Advertisement",
        (6, 137) => "Redirect",
        (6, 143) => "Multicast Listener Report Message v2",
        _ => return None,
    })
}

/// Names of the filters, for each version.
struct Filters {
    layer: &'static str,
    kind: &'static str,
    code: &'static str,
    checksum: &'static str,
    status: &'static str,
    id: &'static str,
    seq: &'static str,
    mtu: &'static str,
}

const V4: Filters = Filters {
    layer: "icmp",
    kind: "icmp.type",
    code: "icmp.code",
    checksum: "icmp.checksum",
    status: "icmp.checksum.status",
    id: "icmp.ident",
    seq: "icmp.seq",
    mtu: "icmp.mtu",
};

const V6: Filters = Filters {
    layer: "icmpv6",
    kind: "icmpv6.type",
    code: "icmpv6.code",
    checksum: "icmpv6.checksum",
    status: "icmpv6.checksum.status",
    id: "icmpv6.echo.identifier",
    seq: "icmpv6.echo.sequence_number",
    mtu: "icmpv6.mtu",
};

pub(super) fn icmp(pane: &mut Pane<'_, '_>, seen: &Seen, laid: &Laid) -> usize {
    let (version, filters, name) = match laid.layer {
        Layer::Icmpv6 => (6, V6, "Internet Control Message Protocol v6"),
        _ => (4, V4, "Internet Control Message Protocol"),
    };
    let Ok((_, message)) = Icmp::parse(version)(pane.bytes) else {
        return 0;
    };
    let len = pane.bytes.len();
    pane.head(name, "", len, Some(filters.layer));
    pane.down();
    let number = message.kind;
    pane.text(
        "Type",
        filters.kind,
        0..1,
        named(kind(version, number), number),
    );
    let words = error_words(version, number, message.code);
    let code = match words {
        Some(words) => format!("{} ({words})", message.code),
        None => message.code.to_string(),
    };
    pane.text("Code", filters.code, 1..2, code);
    let right = (laid.captured == laid.wire)
        .then(|| match (version, seen.addresses()) {
            (6, Some((source, destination))) => {
                Some(sum::transport(source, destination, protocol::ICMPV6, pane.bytes) == 0)
            }
            (6, None) => None,
            _ => Some(sum::of(pane.bytes) == 0),
        })
        .flatten();
    let names = ("Checksum", "Checksum Status");
    checksum(pane, names, (filters.checksum, filters.status), 2, right);
    body(pane, version, &message, &filters);
    len
}

fn body(pane: &mut Pane<'_, '_>, version: u8, message: &Icmp<'_>, filters: &Filters) {
    match (version, message.kind) {
        (4, 0 | 8 | 13 | 14) | (6, 128 | 129) => {
            let value = pane.number(4..6);
            pane.text(
                "Identifier",
                filters.id,
                4..6,
                format_args!("{value} (0x{value:04x})"),
            );
            let value = pane.number(6..8);
            pane.text(
                "Sequence Number",
                filters.seq,
                6..8,
                format_args!("{value} (0x{value:04x})"),
            );
        }
        (4, 3) if message.code == 4 => {
            pane.hex("Unused", "icmp.unused", 4..6);
            pane.plain("MTU of next hop", filters.mtu, 6..8);
        }
        (6, 2) => pane.plain("MTU", filters.mtu, 4..8),
        (4, 5) => {
            let gateway = core::net::Ipv4Addr::from_bits(message.rest);
            pane.text("Gateway Address", "icmp.redir_gw", 4..8, gateway);
        }
        (4, 12) => pane.plain("Pointer", "icmp.pointer", 4..5),
        (6, 4) => pane.plain("Pointer", "icmpv6.pointer", 4..8),
        (6, 135 | 136) => {
            pane.hex("Flags", "icmpv6.nd.na.flag", 4..8);
            if let Some(target) = pane
                .bytes
                .get(8..24)
                .and_then(|bytes| bytes.first_chunk::<16>())
            {
                let target = core::net::Ipv6Addr::from(*target);
                pane.text(
                    "Target Address",
                    "icmpv6.nd.ns.target_address",
                    8..24,
                    target,
                );
            }
        }
        (4, 3 | 4 | 11) => pane.hex("Unused", "icmp.unused", 4..8),
        (6, 1 | 3) => pane.hex("Reserved", "icmpv6.reserved", 4..8),
        _ => pane.hex("Rest of header", "", 4..8),
    }
    if message.quoted.is_some() {
        quoted(&mut pane.inner(Icmp::LEN));
    } else if !message.body.is_empty() {
        let end = Icmp::LEN + message.body.len();
        let name = format!("Data ({} bytes)", message.body.len());
        pane.text(name, "data.data", Icmp::LEN..end, hex(message.body));
    }
}

/// The packet that an error quotes: its IP header, and the ports of what it carried.
fn quoted(pane: &mut Pane<'_, '_>) {
    let mut seen = Seen::default();
    let len = match pane.bytes.first().map(|first| first >> 4) {
        Some(4) => ipv4(pane, &mut seen),
        Some(6) => ipv6(pane, &mut seen),
        _ => 0,
    };
    if len == 0 {
        return;
    }
    // The header's fields are done; what follows stands beside it.
    pane.up();
    let later = seen
        .ip
        .and_then(|ip| ip.fragment)
        .is_some_and(|part| part.offset > 0);
    let mut pane = pane.inner(len);
    let rest = pane.bytes.len();
    let (name, filter) = match seen.next {
        protocol::TCP if !later => ("Transmission Control Protocol", "tcp"),
        protocol::UDP if !later => ("User Datagram Protocol", "udp"),
        _ => {
            if rest > 0 {
                pane.text("Data", "data.data", 0..rest, hex(pane.bytes));
            }
            return;
        }
    };
    let value = match (pane.int(0..2), pane.int(2..4)) {
        (Some(source), Some(destination)) => {
            format!("Src Port: {source}, Dst Port: {destination}")
        }
        _ => String::new(),
    };
    pane.head(name, value, rest, Some(filter));
    pane.down();
    if seen.next == protocol::TCP {
        pane.plain("Source Port", "tcp.srcport", 0..2);
        pane.plain("Destination Port", "tcp.dstport", 2..4);
        pane.plain("Sequence Number (raw)", "tcp.seq_raw", 4..8);
    } else {
        pane.plain("Source Port", "udp.srcport", 0..2);
        pane.plain("Destination Port", "udp.dstport", 2..4);
        pane.plain("Length", "udp.length", 4..6);
    }
}
