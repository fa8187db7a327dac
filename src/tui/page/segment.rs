//! One segment in words: its label on an arrow, and the card that stands under the ladder and the
//! graphs.

use super::data::{Detail, Row};
use super::judged::{sign_of, words};
use super::sheet::{Ink, Look, Piece};
use crate::report::units::{bytes, grouped};
use crate::tcp::Role;
use crate::time::{Span, Timestamp};
use crate::wire::Flags;

/// How numbers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Numbers {
    /// From 0 at each sender's SYN.
    #[default]
    Relative,
    /// As they stand in the header.
    Absolute,
}

impl Numbers {
    /// A position in the stream of one endpoint.
    pub(super) fn show(self, detail: &Detail, of: Role, position: i64) -> String {
        let base = detail.connection.endpoint(of).base();
        match (self, base) {
            (Self::Absolute, Some(base)) => base.0.wrapping_add(position as u32).to_string(),
            _ => position.to_string(),
        }
    }
}

/// The ink of what an endpoint sent.
pub(super) fn ink_of(role: Role) -> Ink {
    match role {
        Role::Client => Ink::Client,
        Role::Server => Ink::Server,
    }
}

/// The flags by name: `SYN ACK`. Where room is short, those that every segment has are left out.
pub(super) fn flags(flags: Flags, short: bool) -> String {
    // A SYN is another thing than a SYN-ACK.
    let spared = match flags.any(Flags::SYN | Flags::FIN | Flags::RST) {
        true => Flags::PSH.0,
        false => Flags::ACK.0 | Flags::PSH.0,
    };
    let shown = if short {
        Flags(flags.0 & !spared)
    } else {
        flags
    };
    if shown.0 == 0 {
        return String::new();
    }
    shown.to_string().replace('|', " ")
}

/// What a segment says, as much as there is room for, what matters most first.
pub(super) fn label(detail: &Detail, row: &Row, numbers: Numbers, room: usize) -> String {
    const ROOMY: usize = 52;
    let sender = row.from;
    let len = i64::from(row.payload_len);
    let names = flags(row.flags, room < ROOMY);
    let first = numbers.show(detail, sender, row.seq);
    let control = row.flags.any(Flags::SYN | Flags::FIN | Flags::RST);
    let seq = match len {
        0 => format!("seq {first}"),
        _ => format!(
            "seq {first}:{}",
            numbers.show(detail, sender, row.seq.saturating_add(len))
        ),
    };
    let ack = row
        .ack
        .map(|ack| format!("ack {}", numbers.show(detail, sender.peer(), ack)));
    let window = window(row).map(|window| format!("win {window}"));
    let sack = (row.sack_count > 0)
        .then(|| format!("{} {}", sack_word(row), blocks(detail, row, numbers)));
    let len = (len > 0).then(|| format!("len {len}"));
    let parts = if len.is_some() || control {
        [Some(names), Some(seq), len, ack, sack, window]
    } else {
        // Where the next octet would stand, which the other direction tells as well.
        let seq = (room >= ROOMY).then_some(seq);
        [Some(names), ack, sack, window, seq, None]
    };
    let mut label = String::new();
    for part in parts.into_iter().flatten().filter(|part| !part.is_empty()) {
        if label.is_empty() {
            label = part;
        } else if label.len() + 2 + part.len() <= room {
            label = label + "  " + &part;
        }
    }
    label
}

fn sack_word(row: &Row) -> &'static str {
    if row.dsack { "DSACK" } else { "SACK" }
}

/// The SACK blocks: `4345:5793 7241:8689`.
fn blocks(detail: &Detail, row: &Row, numbers: Numbers) -> String {
    let blocks = row.sack.iter().take(usize::from(row.sack_count));
    let of = row.from.peer();
    let blocks: Vec<_> = blocks
        .map(|&(left, right)| {
            let (left, right) = (
                numbers.show(detail, of, left),
                numbers.show(detail, of, right),
            );
            format!("{left}:{right}")
        })
        .collect();
    blocks.join(" ")
}

/// The window in bytes; with a question mark where its scale is unknown.
fn window(row: &Row) -> Option<String> {
    if row.flags.has(Flags::RST) {
        return None;
    }
    Some(match row.window {
        Some(window) => window.to_string(),
        None => format!("{}?", row.window_raw),
    })
}

/// Seconds since the connection's first frame, to the microsecond, in at most `room` columns.
pub(super) fn clock(detail: &Detail, time: Timestamp, room: usize) -> String {
    let nanos = (time - detail.first).as_nanos();
    let sign = if nanos < 0 { "-" } else { "" };
    let micros = nanos.unsigned_abs() / 1_000;
    let text = format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let whole = text.find('.').unwrap_or(text.len());
    // A number that loses all of its decimals loses the point too.
    let end = if whole + 2 > room { whole } else { room };
    text.get(..end.min(text.len())).unwrap_or(&text).to_owned()
}

/// `+5.18ms`, from one frame to the next.
pub(super) fn later(span: Span) -> String {
    let sign = if span < Span::ZERO { "" } else { "+" };
    format!("{sign}{}", span.short())
}

/// Lines about the segment in a row: which frame, what it says, what it is judged to be, how much
/// is in flight after it.
pub(super) fn card(detail: &Detail, row: &Row, numbers: Numbers, look: &Look) -> [Vec<Piece>; 4] {
    [
        frame(detail, row, look),
        says(detail, row, numbers),
        judged(detail, row, look),
        flight(row),
    ]
}

fn plain(text: impl Into<String>) -> Piece {
    (Ink::Plain, text.into())
}

fn quiet(text: impl Into<String>) -> Piece {
    (Ink::Quiet, text.into())
}

fn frame(detail: &Detail, row: &Row, look: &Look) -> Vec<Piece> {
    let arrow = look.pick(" ▶ ", " > ");
    let mut pieces = vec![
        (Ink::Strong, format!("frame {}", grouped(row.frame))),
        plain(format!("  {}s  ", clock(detail, row.time, 12))),
        (ink_of(row.from), row.from.name().to_owned()),
        quiet(arrow),
        (ink_of(row.from.peer()), row.from.peer().name().to_owned()),
        (Ink::Strong, format!("  {}", flags(row.flags, false))),
    ];
    let [captured, wire] = [row.captured, row.wire_len].map(|len| bytes(u64::from(len)));
    pieces.push(if row.captured < row.wire_len {
        (Ink::Warning, format!("  {captured} of {wire} captured"))
    } else {
        quiet(format!("  {wire} on the wire"))
    });
    if row.congestion_experienced {
        pieces.push((Ink::Warning, "  CE".to_owned()));
    }
    pieces
}

fn says(detail: &Detail, row: &Row, numbers: Numbers) -> Vec<Piece> {
    let mut text = label(detail, row, numbers, usize::MAX);
    let names = flags(row.flags, false);
    if let Some(rest) = text.strip_prefix(&names) {
        text = rest.trim_start().to_owned();
    }
    let mut pieces = vec![plain(text)];
    if let Some((value, echo)) = row.timestamps {
        pieces.push(quiet(format!("  TSval {value} TSecr {echo}")));
    }
    pieces.push(quiet(format!("  TTL {}", row.ttl)));
    if let Some(id) = row.ip_id {
        pieces.push(quiet(format!("  ID {id:#06x}")));
    }
    pieces
}

fn judged(detail: &Detail, row: &Row, look: &Look) -> Vec<Piece> {
    let mut all: Vec<_> = detail.verdicts(row).iter().collect();
    all.sort_by_key(|verdict| core::cmp::Reverse(sign_of(verdict).weight));
    let mut pieces = Vec::new();
    for verdict in all {
        let before = if pieces.is_empty() { "" } else { "; " };
        let mut text = format!("{before}{}", words(verdict));
        if verdict.octets > 0 {
            text += &format!(", {}", bytes(u64::from(verdict.octets)));
        }
        pieces.push((sign_of(verdict).ink, text));
        if let Some(frame) = verdict.proof.frames().find(|&frame| frame > 0) {
            pieces.push(quiet(format!(", see frame {}", grouped(frame))));
        }
    }
    let arrow = look.pick("→", "to");
    for role in Role::BOTH {
        let changed = row.changed.get(role as usize).copied().unwrap_or(false);
        if let (true, Some(state)) = (changed, row.states.get(role as usize)) {
            let before = if pieces.is_empty() { "" } else { "  " };
            pieces.push((ink_of(role), format!("{before}{role} {arrow} {state}")));
        }
    }
    if pieces.is_empty() {
        pieces.push(quiet("nothing remarkable"));
    }
    pieces
}

fn flight(row: &Row) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for role in Role::BOTH {
        let flight = row.in_flight.get(role as usize).copied().unwrap_or(0);
        if flight > 0 {
            let text = format!("{role}'s flight {}  ", bytes(flight));
            pieces.push(quiet(text));
        }
    }
    if pieces.is_empty() {
        pieces.push(quiet("nothing in flight  "));
    }
    if let Some(cwnd) = row.cwnd {
        let text = format!("congestion window about {}  ", bytes(cwnd));
        pieces.push(quiet(text));
    }
    if let Some(rtt) = row.rtt {
        let text = format!("round trip from the tap {}", rtt.short());
        pieces.push(quiet(text));
    }
    pieces
}
