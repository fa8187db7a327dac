//! How each host of a connection controlled congestion, as inferred from its flight.
//!
//! ```text
//! Congestion window of the client, as inferred from its flight
//! control   CUBIC, likely: flight x0.70 at 7 of 9 reductions
//! start     10 segments of 1448 bytes, then slow start for 4 round trips to 160 segments, ended by a reduction
//! after it  1.2 segments more per round trip
//! reduced      0.312342  loss     160 > 112 segments, x0.70
//! flight       0.000000  10
//! ```

use std::io;

use super::line::{Lines, left, right};
use crate::analysis::ConnectionView;
use crate::report::style::Tone;
use crate::report::units::{counted, grouped};
use crate::tcp::Role;
use crate::tcp::congestion::{Algorithm, Cause, Inferred, Limit, Reduction, SlowStartExit};
use crate::time::Timestamp;

/// Lines of reductions and of the flight over time at most.
const REDUCTIONS: usize = 8;
const STEPS: usize = 16;
/// Columns of a bar.
const BAR: usize = 30;
/// Columns of a time, and of its decimals that are cut.
const TIME: usize = 12;

/// Writes what is known of both; a blank line before each.
pub(super) fn write(view: &ConnectionView<'_>, lines: &mut Lines<'_>) -> io::Result<()> {
    for role in Role::BOTH {
        let inferred = view.connection.endpoint(role).congestion();
        if let Some(inferred) = inferred.filter(|each| !each.rounds.is_empty()) {
            lines.blank()?;
            one(view, role, &inferred, lines)?;
        }
    }
    Ok(())
}

fn one(
    view: &ConnectionView<'_>,
    role: Role,
    inferred: &Inferred,
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    let title = format!("Congestion window of the {role}, as inferred from its flight");
    lines.line(Tone::Heading, &title)?;
    lines.labelled("control", Tone::Plain, &control(inferred))?;
    if let Some(start) = start(inferred) {
        lines.labelled("start", Tone::Plain, &start)?;
    }
    if let Some(growth) = inferred.growth {
        let text = if growth.abs() < 0.05 {
            "no growth outside slow start and recovery".to_owned()
        } else {
            format!("{growth:+.1} segments per round trip outside slow start and recovery")
        };
        lines.labelled("growth", Tone::Plain, &text)?;
    }
    if let Some(held) = held(inferred.limit) {
        lines.labelled("held back", Tone::Plain, held)?;
    }
    let mut label = "reduced";
    for each in inferred.reductions.iter().take(REDUCTIONS) {
        let when = right(since(view, each.time), TIME);
        let text = format!("{when}  {}{}", left(each.cause.name(), 9), change(each));
        lines.labelled(label, Tone::Plain, &text)?;
        label = "";
    }
    let shown = inferred.reductions.len().min(REDUCTIONS) as u32;
    if inferred.reductions_seen > shown {
        let more = inferred.reductions_seen - shown;
        let text = format!("{:TIME$}  and {} more", "", grouped(more));
        lines.labelled(label, Tone::Quiet, &text)?;
    }
    flight(view, inferred, lines)
}

pub(in crate::report) fn control(inferred: &Inferred) -> String {
    let name = match inferred.algorithm {
        Algorithm::Reno => "Reno",
        Algorithm::Cubic => "CUBIC",
        Algorithm::Bbr => "BBR",
        Algorithm::Unknown if inferred.factors == 0 => {
            return "unknown: no reduction that would tell".to_owned();
        }
        Algorithm::Unknown => "unknown",
    };
    let sure = match inferred.algorithm {
        Algorithm::Unknown => "",
        _ => ", likely",
    };
    let mut text = format!("{name}{sure}");
    if let Some(factor) = inferred.factor {
        text += &format!(
            ": flight x{factor:.2} (median) after {}",
            counted(inferred.factors, "reduction")
        );
    }
    text
}

fn start(inferred: &Inferred) -> Option<String> {
    let (window, more) = inferred.initial_window?;
    let least = if more { "" } else { "at least " };
    let mut text = format!(
        "{least}{window:.0} segments of {} bytes",
        grouped(inferred.segment)
    );
    if let Some(slow) = inferred.slow_start.filter(|slow| slow.trips > 0) {
        let trips = counted(slow.trips, "round trip");
        let ended = match slow.exit {
            Some((_, SlowStartExit::Reduced)) => ", ended by a reduction",
            Some((_, SlowStartExit::Slowed)) => ", ended without a loss",
            None => ", not ended",
        };
        text += &format!(
            "; slow start for {trips} to {:.0} segments{ended}",
            slow.flight
        );
    }
    Some(text)
}

fn held(limit: Limit) -> Option<&'static str> {
    match limit {
        Limit::Application => {
            Some("by the application for most of the time: the flight does not show the window")
        }
        Limit::Receiver => {
            Some("by the peer's window for most of the time: the flight does not show the window")
        }
        Limit::Congestion | Limit::Recovery => None,
    }
}

fn change(reduction: &Reduction) -> String {
    let shown = |segments: Option<f32>| {
        segments.map_or_else(|| "?".to_owned(), |segments| format!("{segments:.0}"))
    };
    let (before, after) = (shown(reduction.before), shown(reduction.after));
    let mut text = format!("{before} > {after} segments");
    if let (Some(factor), false) = (reduction.factor(), reduction.cause == Cause::Timeout) {
        text += &format!(", x{factor:.2}");
    }
    if reduction.undone {
        text += ", needless: may have been undone";
    }
    text
}

/// The flight over time as bars, steps joined until they are few.
fn flight(view: &ConnectionView<'_>, inferred: &Inferred, lines: &mut Lines<'_>) -> io::Result<()> {
    let segment = inferred.segment.max(1);
    let most = inferred.rounds.iter().map(|each| each.flight).max();
    let most = most.unwrap_or(0).max(1);
    let mut label = "flight";
    for step in inferred
        .rounds
        .chunks(inferred.rounds.len().div_ceil(STEPS).max(1))
    {
        let Some((first, shown)) = step.first().zip(step.iter().max_by_key(|each| each.flight))
        else {
            continue;
        };
        let bar = (u64::from(shown.flight) * BAR as u64 / u64::from(most)) as usize;
        let note = match shown.limit {
            Limit::Congestion => "",
            limit => limit.name(),
        };
        let text = format!(
            "{}  {}  {}{note}",
            right(since(view, first.began), TIME),
            right(shown.flight.div_ceil(segment), 6),
            left(&"#".repeat(bar.max(1)), BAR + 1),
        );
        lines.unbroken(label, Tone::Plain, text.trim_end())?;
        label = "";
    }
    Ok(())
}

/// Time since the connection's first frame, to the microsecond.
fn since(view: &ConnectionView<'_>, time: Timestamp) -> String {
    let text = (time - view.connection.first_time).to_string();
    text.get(..text.len().saturating_sub(3))
        .unwrap_or(&text)
        .to_owned()
}
