//! The capture: what it is, what it holds, how far it can be trusted.

use std::collections::BTreeMap;
use std::io;

use super::line::Lines;
use crate::analysis::Capture;
use crate::analysis::capture::StopReason;
use crate::diagnosis::{Finding, Weight};
use crate::report::Report;
use crate::report::escape::escaped;
use crate::report::style::Tone;
use crate::report::units::{bytes, counted, grouped};
use crate::time::Timestamp;

/// Inputs, interfaces, reasons and comments told one by one; the rest is counted.
const MOST: usize = 6;

pub(super) fn write(report: &Report<'_>, lines: &mut Lines<'_>) -> io::Result<()> {
    let capture = report.analyzer.capture();
    let mut label = "Capture";
    for text in identity(report, capture) {
        lines.labelled(label, Tone::Plain, &text)?;
        label = "";
    }
    let mut label = "Trust";
    let doubts = doubts(report, &report.analyzer.findings());
    for (tone, text) in &doubts {
        lines.labelled(label, *tone, text)?;
        label = "";
    }
    if doubts.is_empty() && capture.frames == 0 {
        lines.labelled(label, Tone::Warning, "nothing was captured")?;
    } else if doubts.is_empty() {
        let text = "no sign of missed, cut or damaged frames";
        lines.labelled(label, Tone::Good, text)?;
    }
    Ok(())
}

/// `3 of one, 2 of another`, without those that are none.
fn list(counts: &[(u64, &str)]) -> String {
    let parts: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", grouped(*count)))
        .collect();
    parts.join(", ")
}

fn identity(report: &Report<'_>, capture: &Capture) -> Vec<String> {
    let mut texts = Vec::new();
    for input in report.inputs.iter().take(MOST) {
        texts.push(match input.as_str() {
            "-" => "standard input".to_owned(),
            input => escaped(input).to_string(),
        });
    }
    if report.inputs.len() > MOST {
        let more = report.inputs.len() - MOST;
        texts.push(format!("and {} more", grouped(more as u64)));
    }
    texts.extend(kinds(capture));
    let mut size = format!(
        "{}, {}",
        counted(capture.frames, "frame"),
        bytes(capture.bytes)
    );
    if let (Some(first), Some(last)) = (capture.first, capture.last) {
        if capture.frames > 1 {
            size += &format!(" in {}", capture.span().short());
        }
        texts.push(size);
        texts.push(between(first, last));
    } else {
        texts.push(size);
    }
    let holds = list(&[
        (capture.tcp, "TCP"),
        (capture.udp, "UDP"),
        (capture.icmp, "ICMP"),
        (capture.arp, "ARP"),
        (capture.fragments, "IP fragments"),
        (capture.other, "other"),
    ]);
    let around = list(&[
        (capture.tagged, "with VLAN tags"),
        (capture.tunnelled, "in tunnels"),
    ]);
    match (holds.is_empty(), around.is_empty()) {
        (true, _) => {}
        (false, true) => texts.push(holds),
        (false, false) => texts.push(format!("{holds}; {around}")),
    }
    let on_file = capture.comments.iter().filter(|(frame, _)| frame.is_none());
    for (_, text) in on_file.take(MOST) {
        texts.push(format!("comment: {}", escaped(&short(text))));
    }
    let on_frames = capture.comments.iter().filter(|(frame, _)| frame.is_some());
    match on_frames.count() {
        0 => {}
        count => texts.push(format!("{} on frames", counted(count as u64, "comment"))),
    }
    texts
}

/// As much of a comment as is shown.
fn short(text: &str) -> String {
    const MOST: usize = 200;
    let text = text.trim();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// Formats and link types: `pcapng: Ethernet (eth0), raw IP (tun0)`.
fn kinds(capture: &Capture) -> Vec<String> {
    let mut kinds: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    for interface in &capture.interfaces {
        let kind = (interface.format, interface.link.name().to_string());
        let names = kinds.entry(kind).or_default();
        if let Some(name) = interface.name.as_deref()
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    let described = kinds.iter().map(|((format, link), names)| {
        let mut text = if format.is_empty() {
            link.clone()
        } else {
            format!("{format}, {link}")
        };
        if !names.is_empty() {
            let shown: Vec<_> = names
                .iter()
                .take(MOST)
                .map(|name| escaped(name).to_string())
                .collect();
            text += &format!(" on {}", shown.join(", "));
            if names.len() > MOST {
                text += &format!(" and {} more", names.len() - MOST);
            }
        }
        text
    });
    let mut texts: Vec<_> = described.take(MOST).collect();
    if kinds.len() > MOST {
        texts.push(format!("and {} more kinds", kinds.len() - MOST));
    }
    texts
}

/// A time without the zeros of a clock that ticks more slowly.
pub(super) fn utc(time: Timestamp) -> String {
    let text = time.utc().to_string();
    let mut short = text.as_str();
    while let Some(shorter) = short.strip_suffix("000") {
        short = shorter;
    }
    short.trim_end_matches('.').to_owned()
}

/// `2026-11-21 10:22:01.123456 to 10:22:06.143456 UTC`.
fn between(first: Timestamp, last: Timestamp) -> String {
    let (from, to) = (utc(first), utc(last));
    if from == to {
        return format!("{from} UTC");
    }
    match (from.split_once(' '), to.split_once(' ')) {
        (Some((day, _)), Some((same, time))) if day == same => format!("{from} to {time} UTC"),
        _ => format!("{from} to {to} UTC"),
    }
}

fn tone(weight: Weight) -> Tone {
    match weight {
        Weight::Note => Tone::Plain,
        Weight::Doubt => Tone::Warning,
        Weight::Grave => Tone::Bad,
    }
}

/// `500 TCP packets (50 %) are in the capture twice. See frames 2, 4.`
fn told(finding: &Finding) -> String {
    let told = &finding.told;
    let frames: Vec<_> = told.frames.iter().take(3).map(u64::to_string).collect();
    let mut text = told.text.clone();
    match frames.as_slice() {
        [] => {}
        [one] => text += &format!(" See frame {one}."),
        several => text += &format!(" See frames {}.", several.join(", ")),
    }
    text
}

/// What speaks against taking the capture at its word.
pub(super) fn doubts(report: &Report<'_>, findings: &[Finding]) -> Vec<(Tone, String)> {
    let capture = report.analyzer.capture();
    let mut doubts = Vec::new();
    let mut say = |tone, text: String| doubts.push((tone, text));
    if report.interrupted {
        say(
            Tone::Warning,
            "interrupted: this is what was found so far".to_owned(),
        );
    }
    for problem in report.problems {
        let (input, reason) = (escaped(&problem.input), escaped(&problem.reason));
        say(
            Tone::Bad,
            if problem.unopened {
                format!("not read: {input}: {reason}")
            } else {
                // Of one input the name stands above.
                let name = match report.inputs {
                    [_] => String::new(),
                    _ => format!(": {input}"),
                };
                format!(
                    "damaged{name} at byte {}, after frame {}: {reason}",
                    grouped(problem.offset),
                    grouped(problem.after_frame)
                )
            },
        );
    }
    for finding in findings {
        say(tone(finding.told.weight), told(finding));
    }
    undecoded(capture, &mut say);
    let evicted = report.analyzer.evicted();
    if evicted.connections > 0 || evicted.conversations > 0 {
        say(
            Tone::Bad,
            format!(
                "{} TCP connections ({} of them half-open) and {} UDP conversations were let go \
                 to stay within memory (--memory, --max-flows): {} packets are counted above \
                 but not below",
                grouped(evicted.connections),
                grouped(evicted.half_open),
                grouped(evicted.conversations),
                grouped(evicted.packets)
            ),
        );
    }
    if capture.skipped_blocks > 0 {
        say(
            Tone::Plain,
            format!(
                "{} of unknown kinds passed over",
                counted(capture.skipped_blocks, "block")
            ),
        );
    }
    if capture.texts_dropped > 0 {
        say(
            Tone::Plain,
            format!(
                "{} names and comments not kept: too many",
                grouped(capture.texts_dropped)
            ),
        );
    }
    doubts
}

/// Frames that were not decoded to their end, by reason: damage first, then what is not known.
fn undecoded(capture: &Capture, say: &mut impl FnMut(Tone, String)) {
    let (mut unknown, mut damage): (Vec<_>, Vec<_>) = capture
        .stops
        .iter()
        .partition(|(kind, _)| matches!(kind.reason, StopReason::Unknown(_)));
    for (list, tone) in [(&mut damage, Tone::Warning), (&mut unknown, Tone::Plain)] {
        list.sort_by_key(|&(kind, &frames)| (u64::MAX - frames, *kind));
        for (kind, frames) in list.iter().take(MOST) {
            say(tone, format!("{} {kind}", counted(**frames, "frame")));
        }
        let more: u64 = list.iter().skip(MOST).map(|(_, frames)| **frames).sum();
        if more > 0 {
            let text = format!("{} not decoded for other reasons", counted(more, "frame"));
            say(tone, text);
        }
    }
}
