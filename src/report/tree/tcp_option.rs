//! TCP options, each with its fields.

use core::ops::Range;

use super::pane::Pane;
use super::words::hex;
use super::{Health, mptcp};
use crate::wire::tcp_option::{AccEcnOrder, kind};
use crate::wire::{Segment, SeqNum, TcpOption};

/// What a kind is called in its own field, and in the list of options.
fn names(option: &TcpOption<'_>) -> (&'static str, &'static str) {
    match option {
        TcpOption::EndOfList => ("End of Option List", "End of Option List (EOL)"),
        TcpOption::Nop => ("No-Operation", "No-Operation (NOP)"),
        TcpOption::Mss(_) => ("Maximum Segment Size", "Maximum segment size"),
        TcpOption::WindowScale(_) => ("Window Scale", "Window scale"),
        TcpOption::SackPermitted => ("SACK Permitted", "SACK permitted"),
        TcpOption::Sack(_) => ("SACK", "SACK"),
        TcpOption::Timestamps(_) => ("Time Stamp Option", "Timestamps"),
        TcpOption::FastOpen { .. } => ("TCP Fast Open Cookie", "TCP Fast Open"),
        TcpOption::Mptcp { .. } => ("Multipath TCP", "Multipath TCP"),
        TcpOption::AccEcn { .. } => ("Accurate ECN", "Accurate ECN"),
        TcpOption::Md5(_) => ("MD5 Signature Option", "TCP MD5 signature"),
        TcpOption::Authentication { .. } => ("TCP Authentication Option", "TCP authentication"),
        TcpOption::UserTimeout { .. } => ("User Timeout Option", "User Timeout"),
        TcpOption::Unknown { .. } => ("Unknown", "Unknown"),
        TcpOption::Malformed { .. } => ("Malformed", "Malformed"),
    }
}

/// The options of a header that is `len` bytes long. SACK blocks are counted from `base`, where it
/// is known.
pub(super) fn options(
    pane: &mut Pane<'_, '_>,
    segment: &Segment<'_>,
    len: usize,
    base: Option<u32>,
) {
    let list: Vec<_> = segment
        .options
        .iter()
        .map(|option| names(&option).1)
        .collect();
    let value = format!("({} bytes), {}", len - Segment::LEN, list.join(", "));
    pane.text("Options", "tcp.options", Segment::LEN..len, value);
    pane.down();
    let raw = segment.options.raw;
    let mut at = 0;
    for option in segment.options.iter() {
        let rest = raw.get(at..).unwrap_or_default();
        let length = match option {
            TcpOption::EndOfList | TcpOption::Nop => 1,
            _ => usize::from(rest.get(1).copied().unwrap_or(1)).max(1),
        };
        let end = (at + length).min(raw.len());
        one(
            pane,
            &option,
            Segment::LEN + at..Segment::LEN + end,
            base.unwrap_or(0),
        );
        at = end;
    }
    pane.up();
}

/// One option, which stands there in the header.
fn one(pane: &mut Pane<'_, '_>, option: &TcpOption<'_>, range: Range<usize>, base: u32) {
    let Range { start, end } = range;
    let (kind_name, name) = names(option);
    let number = pane.number(start..start + 1);
    pane.text(
        format!("TCP Option - {name}"),
        "",
        start..end,
        value(option, base),
    );
    if matches!(option, TcpOption::Malformed { .. }) {
        pane.health(Health::Bad);
    }
    pane.down();
    let kind = format!("{kind_name} ({number})");
    pane.text("Kind", "tcp.option_kind", start..start + 1, kind);
    if !matches!(option, TcpOption::EndOfList | TcpOption::Nop) && end > start + 1 {
        pane.plain("Length", "tcp.option_len", start + 1..start + 2);
    }
    let data = start + 2;
    match *option {
        TcpOption::EndOfList | TcpOption::Nop | TcpOption::SackPermitted => {}
        TcpOption::Mss(mss) => pane.text("MSS Value", "tcp.options.mss_val", data..end, mss),
        TcpOption::WindowScale(shift) => {
            pane.text("Shift count", "tcp.options.wscale.shift", data..end, shift);
            // RFC 7323 section 2.3: no more than 14 counts.
            if shift > 14 {
                pane.health(Health::Odd);
            }
            let multiplier = 1_u64 << shift.min(14);
            pane.derived("Multiplier", "tcp.options.wscale.multiplier", multiplier);
        }
        TcpOption::Sack(blocks) => {
            for (place, block) in blocks.as_slice().iter().enumerate() {
                let at = data + place * 8;
                let (left, right) = (block.left.0, block.right.0);
                let told = |edge: u32| edge.wrapping_sub(base);
                pane.text("left edge", "tcp.options.sack_le", at..at + 4, told(left));
                pane.text(
                    "right edge",
                    "tcp.options.sack_re",
                    at + 4..at + 8,
                    told(right),
                );
            }
            pane.derived(
                "TCP SACK Count",
                "tcp.options.sack.count",
                blocks.as_slice().len(),
            );
        }
        TcpOption::Timestamps(stamps) => {
            let middle = data + 4;
            pane.text(
                "Timestamp value",
                "tcp.options.timestamp.tsval",
                data..middle,
                stamps.value,
            );
            pane.text(
                "Timestamp echo reply",
                "tcp.options.timestamp.tsecr",
                middle..end,
                stamps.echo,
            );
        }
        TcpOption::FastOpen {
            cookie,
            experimental,
        } => {
            let from = magic(pane, experimental, data);
            match cookie {
                [] => pane.derived("Fast Open Cookie Request", "tcp.options.tfo.request", ""),
                cookie => {
                    pane.text(
                        "Fast Open Cookie",
                        "tcp.options.tfo.cookie",
                        from..end,
                        hex(cookie),
                    );
                }
            }
        }
        TcpOption::Mptcp { subtype, .. } => mptcp::fields(pane, subtype, start..end),
        TcpOption::AccEcn {
            order,
            counters,
            experimental,
        } => {
            let from = magic(pane, experimental, data);
            let names = match order {
                AccEcnOrder::Ect0First => ["ECT(0) bytes", "CE bytes", "ECT(1) bytes"],
                AccEcnOrder::Ect1First => ["ECT(1) bytes", "CE bytes", "ECT(0) bytes"],
            };
            for (place, (name, _)) in names.into_iter().zip(counters.chunks_exact(3)).enumerate() {
                let at = from + place * 3;
                pane.plain(name, "tcp.options.acc_ecn", at..at + 3);
            }
        }
        TcpOption::Md5(digest) => {
            pane.text(
                "MD5 digest",
                "tcp.options.md5.digest",
                data..end,
                hex(digest),
            );
        }
        TcpOption::Authentication { code, .. } => {
            pane.plain("KeyID", "tcp.options.ao.keyid", data..data + 1);
            pane.plain(
                "RNextKeyID",
                "tcp.options.ao.rnextkeyid",
                data + 1..data + 2,
            );
            pane.text("MAC", "tcp.options.ao.mac", data + 2..end, hex(code));
        }
        TcpOption::UserTimeout { value, minutes } => {
            let unit = if minutes { "minutes" } else { "seconds" };
            pane.bits(
                "Granularity",
                "tcp.options.user_to_granularity",
                data..end,
                0x8000,
                unit,
            );
            pane.bits(
                "User Timeout",
                "tcp.options.user_to_val",
                data..end,
                0x7fff,
                value,
            );
        }
        TcpOption::Unknown { data: all, .. } => {
            if !all.is_empty() {
                pane.text(
                    "Payload",
                    "tcp.options.unknown.payload",
                    data..end,
                    hex(all),
                );
            }
        }
        TcpOption::Malformed { .. } => {
            pane.derived("Its length can't be", "", "");
            pane.health(Health::Bad);
        }
    }
    pane.up();
}

/// The two octets that tell experimental options apart (RFC 6994). Gives what follows them.
fn magic(pane: &mut Pane<'_, '_>, experimental: bool, at: usize) -> usize {
    if !experimental {
        return at;
    }
    pane.hex(
        "Magic Number",
        "tcp.options.experimental.magic_number",
        at..at + 2,
    );
    at + 2
}

/// What an option says, in short.
fn value(option: &TcpOption<'_>, base: u32) -> String {
    match *option {
        TcpOption::Mss(mss) => format!("{mss} bytes"),
        TcpOption::WindowScale(shift) => {
            format!("{shift} (multiply by {})", 1_u64 << shift.min(14))
        }
        TcpOption::Sack(blocks) => {
            let told = |edge: SeqNum| edge.0.wrapping_sub(base);
            let blocks = blocks.as_slice().iter();
            let ranges: Vec<_> = blocks
                .map(|block| format!("{}-{}", told(block.left), told(block.right)))
                .collect();
            ranges.join(" ")
        }
        TcpOption::Timestamps(stamps) => {
            format!("TSval {}, TSecr {}", stamps.value, stamps.echo)
        }
        TcpOption::FastOpen { cookie: [], .. } => "Cookie Request".to_owned(),
        TcpOption::FastOpen { .. } => "Cookie".to_owned(),
        TcpOption::Mptcp { subtype, .. } => subtype.name().unwrap_or("Unknown").to_owned(),
        TcpOption::UserTimeout { value, minutes } => {
            format!("{value} {}", if minutes { "minutes" } else { "seconds" })
        }
        TcpOption::Unknown { kind, .. } => format!("kind {kind}"),
        TcpOption::Malformed {
            kind: kind::END_OF_LIST,
            ..
        } => String::new(),
        TcpOption::Malformed { kind, length } => format!("kind {kind}, length {length}"),
        _ => String::new(),
    }
}
