//! TCP (RFC 9293 section 3.1).

use super::internet::checksum;
use super::pane::{Pane, Seen};
use super::tcp_option::options;
use super::{Field, Health, Known};
use crate::wire::checksum::Sum;
use crate::wire::ip::protocol;
use crate::wire::{Address, Decoded, Flags, Laid, Segment, Transport};

/// The control bits, highest first, with the letter that stands for each in one line.
const BITS: [(&str, &str, Flags, char); 9] = [
    ("Accurate ECN", "tcp.flags.ae", Flags::AE, 'A'),
    (
        "Congestion Window Reduced",
        "tcp.flags.cwr",
        Flags::CWR,
        'C',
    ),
    ("ECN-Echo", "tcp.flags.ece", Flags::ECE, 'E'),
    ("Urgent", "tcp.flags.urg", Flags::URG, 'U'),
    ("Acknowledgment", "tcp.flags.ack", Flags::ACK, 'A'),
    ("Push", "tcp.flags.push", Flags::PSH, 'P'),
    ("Reset", "tcp.flags.reset", Flags::RST, 'R'),
    ("Syn", "tcp.flags.syn", Flags::SYN, 'S'),
    ("Fin", "tcp.flags.fin", Flags::FIN, 'F'),
];

pub(super) fn tcp(
    pane: &mut Pane<'_, '_>,
    seen: &Seen,
    laid: &Laid,
    decoded: &Decoded<'_>,
    known: Option<&Known>,
) -> usize {
    let Transport::Tcp(segment) = &decoded.transport else {
        return 0;
    };
    let len = pane.number(12..13) as usize >> 4 << 2;
    let (seq, ack) = (segment.seq.0, segment.ack.0);
    let relative = |position: Option<i64>, raw: u32| position.unwrap_or(raw.into());
    let seq_told = relative(known.and_then(|known| known.seq), seq);
    let ack_told = relative(known.and_then(|known| known.ack), ack);
    let mut value = format!(
        "Src Port: {}, Dst Port: {}, Seq: {seq_told}",
        segment.source_port, segment.destination_port
    );
    if segment.flags.has(Flags::ACK) {
        value += &format!(", Ack: {ack_told}");
    }
    value += &format!(", Len: {}", segment.payload_len);
    pane.head("Transmission Control Protocol", value, len, Some("tcp"));
    pane.down();
    pane.plain("Source Port", "tcp.srcport", 0..2);
    pane.plain("Destination Port", "tcp.dstport", 2..4);
    if let Some(known) = known {
        pane.derived("Stream index", "tcp.stream", known.connection);
    }
    pane.derived("TCP Segment Len", "tcp.len", segment.payload_len);
    if let Some(position) = known.and_then(|known| known.seq) {
        pane.text(
            "Sequence Number",
            "tcp.seq",
            4..8,
            format_args!("{position}    (relative)"),
        );
    }
    pane.text("Sequence Number (raw)", "tcp.seq_raw", 4..8, seq);
    let next = match known.and_then(|known| known.seq) {
        Some(position) => position + i64::from(segment.sequence_len()),
        None => (segment.seq + segment.sequence_len()).0.into(),
    };
    pane.derived("Next Sequence Number", "tcp.nxtseq", next);
    if let Some(position) = known.and_then(|known| known.ack) {
        pane.text(
            "Acknowledgment Number",
            "tcp.ack",
            8..12,
            format_args!("{position}    (relative)"),
        );
    }
    pane.text("Acknowledgment number (raw)", "tcp.ack_raw", 8..12, ack);
    if ack != 0 && !segment.flags.has(Flags::ACK) {
        pane.health(Health::Odd);
    }
    let words = len / 4;
    pane.bits(
        "Header Length",
        "tcp.hdr_len",
        12..13,
        0xf0,
        format_args!("{len} bytes ({words})"),
    );
    flags(pane, segment.flags);
    pane.plain("Window", "tcp.window_size_value", 14..16);
    if let Some(window) = known.and_then(|known| known.window) {
        pane.derived("Calculated window size", "tcp.window_size", window);
    }
    let whole = laid.captured == laid.wire;
    let ip = seen.ip.filter(|ip| whole && ip.fragment.is_none());
    let right = ip.and_then(|ip| segment.checksum_ok(&ip));
    let names = ("Checksum", "Checksum Status");
    checksum(
        pane,
        names,
        ("tcp.checksum", "tcp.checksum.status"),
        16,
        right,
    );
    if right == Some(false) {
        perhaps_offloaded(pane, seen.addresses(), protocol::TCP, 16);
    }
    pane.plain("Urgent Pointer", "tcp.urgent_pointer", 18..20);
    if segment.urgent != 0 && !segment.flags.has(Flags::URG) {
        pane.health(Health::Odd);
    }
    if len > Segment::LEN {
        let base = known.and_then(|known| known.sack_base);
        options(pane, segment, len, base);
    }
    if let Some(known) = known {
        for verdict in &known.verdicts {
            let rules: Vec<_> = verdict.rules().map(|rule| rule.name()).collect();
            let value = format!(
                "{verdict} ({}: {})",
                verdict.confidence.name(),
                rules.join(", ")
            );
            pane.derived("Verdict", "verdict.kind", value);
        }
    }
    len
}

fn flags(pane: &mut Pane<'_, '_>, flags: Flags) {
    let names: Vec<_> = BITS
        .iter()
        .filter(|each| flags.has(each.2))
        .map(|each| each.1.trim_start_matches("tcp.flags."))
        .map(|name| match name {
            "push" => "PSH".to_owned(),
            "reset" => "RST".to_owned(),
            other => other.to_ascii_uppercase(),
        })
        .collect();
    let names = match names.is_empty() {
        true => "<None>".to_owned(),
        false => names.into_iter().rev().collect::<Vec<_>>().join(", "),
    };
    let value = format!("0x{:03x} ({names})", flags.0);
    pane.bits("Flags", "tcp.flags", 12..14, 0x0fff, value);
    if let Some(field) = pane.last() {
        // As Wireshark: the value has all of them.
        field.bits = None;
    }
    pane.down();
    pane.bits(
        "Reserved",
        "tcp.flags.res",
        12..14,
        0x0e00,
        match flags.0 & 0xe00 {
            0 => "Not set",
            _ => "Set",
        },
    );
    if flags.0 & 0xe00 != 0 {
        pane.health(Health::Odd);
    }
    narrow(pane);
    for (name, filter, flag, _) in BITS {
        pane.flag(name, filter, 12..14, flag.0.into());
        narrow(pane);
    }
    let letters = BITS
        .iter()
        .map(|each| if flags.has(each.2) { each.3 } else { '.' });
    pane.derived(
        "TCP Flags",
        "tcp.flags.str",
        format_args!("...{}", letters.collect::<String>()),
    );
    pane.up();
}

/// The flags are twelve bits: the four before them are the header length.
fn narrow(pane: &mut Pane<'_, '_>) {
    const BEFORE: &str = ".... ";
    if let Some(Field {
        bits: Some(bits), ..
    }) = pane.last()
        && let Some(rest) = bits.strip_prefix(BEFORE)
    {
        *bits = rest.to_owned();
    }
}

/// Says of a wrong checksum that it is what a host leaves to its network card to fill in: nothing,
/// or the sum of the pseudo header.
pub(super) fn perhaps_offloaded(
    pane: &mut Pane<'_, '_>,
    addresses: Option<(Address, Address)>,
    protocol: u8,
    at: usize,
) {
    let Some((source, destination)) = addresses else {
        return;
    };
    let length = pane.bytes.len() as u32;
    let sum = |length| !Sum::pseudo_header(source, destination, protocol, length).finish();
    let stands = pane.number(at..at + 2) as u16;
    if [0, sum(length), sum(0)].contains(&stands) {
        pane.derived(
            "It was left to the network card to fill in (checksum offload)",
            "",
            "",
        );
        pane.health(Health::Odd);
    }
}
