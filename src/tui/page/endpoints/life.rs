//! States, windows and flight over the connection's life, each on a line.

use super::{Line, Pair, none};
use crate::tcp::{Event, Role, What};
use crate::tui::page::Page;
use crate::tui::page::segment::ink_of;
use crate::tui::page::sheet::{Look, Piece, columns, cut};
use crate::tui::page::spark::{binned, spark};

/// The lines.
pub(super) fn lines(page: &Page, room: usize, look: &Look, pair: &Pair<'_>, lines: &mut Vec<Line>) {
    let detail = page.detail();
    let (Some(first), Some(last)) = (detail.rows.first(), detail.rows.last()) else {
        return;
    };
    let (low, high) = (
        first.time.as_nanos(),
        last.time.as_nanos().max(first.time.as_nanos() + 1),
    );
    lines.push(pair("states over time", &|role| {
        strip(&detail.close_up.timeline, role, (low, high), room, look)
    }));
    lines.push(pair("window over time", &|role| {
        let windows = detail.rows.iter().filter(|row| row.from == role);
        let windows = windows.filter_map(|row| Some((row.time.as_nanos(), row.window?)));
        let bins = binned(windows, (low, high), room, true);
        vec![(ink_of(role), spark(&bins, look))]
    }));
    lines.push(pair("flight over time", &|role| {
        let flights = detail.rows.iter().map(|row| {
            let flight = row.in_flight.get(role as usize).copied().unwrap_or(0);
            (row.time.as_nanos(), flight)
        });
        let bins = binned(flights, (low, high), room, false);
        let bins: Vec<_> = bins
            .into_iter()
            .map(|bin| bin.filter(|&count| count > 0))
            .collect();
        vec![(ink_of(role), spark(&bins, look))]
    }));
}

/// An endpoint's states, each as long as it lasted; names where they fit.
fn strip(
    timeline: &[Event],
    role: Role,
    (low, high): (i64, i64),
    room: usize,
    look: &Look,
) -> Vec<Piece> {
    let span = i128::from(high) - i128::from(low);
    let column = |at: i64| {
        let from = (i128::from(at) - i128::from(low)).clamp(0, span);
        (from * room as i128 / span.max(1)) as usize
    };
    let mut parts: Vec<(usize, &'static str)> = Vec::new();
    for event in timeline {
        if let What::State {
            endpoint,
            before,
            after,
            ..
        } = event.what
            && endpoint == role
        {
            if parts.is_empty() {
                parts.push((0, before.name()));
            }
            parts.push((column(event.time.as_nanos()), after.name()));
        }
    }
    let mut pieces = Vec::new();
    let (wall, stroke) = look.pick(('│', '─'), ('|', '-'));
    for (at, (start, name)) in parts.iter().enumerate() {
        let end = parts.get(at + 1).map_or(room, |(next, _)| *next).min(room);
        let wide = end.saturating_sub(*start);
        if wide == 0 {
            continue;
        }
        let mut text = String::new();
        if !pieces.is_empty() {
            text.push(wall);
        }
        let left = wide.saturating_sub(columns(&text));
        text += &cut(name, left, "");
        while columns(&text) < wide {
            text.push(stroke);
        }
        pieces.push((ink_of(role), text));
    }
    if pieces.is_empty() { none() } else { pieces }
}
