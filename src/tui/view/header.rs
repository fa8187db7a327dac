//! The capture: what it is, how much came when, and how far it can be trusted.
//!
//! ```text
//!  tcplens  shop.pcapng                                        198 frames  76.7 kB  5.50s
//!  ▁▁▂▅█▅▂▁▁▁▁▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  7 closed, 1 reset, 12 retransmissions
//!  no sign of missed, cut or damaged frames
//!  1 Connections 11   2 UDP 2   3 Hosts 5   4 Findings 0                 filter: tcp.port == 80
//! ```

use crate::report::style::Tone;
use crate::report::units::{bytes, counted};
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::sheet::{Ink, Sheet, columns, cut};
use crate::tui::snapshot::LiveHeader;
use crate::tui::spark::spark;

pub(super) fn draw(model: &Model, sheet: &mut Sheet<'_>) {
    title(model, sheet);
    rate(model, sheet);
    trust(model, sheet);
    tabs(model, sheet);
}

fn title(model: &Model, sheet: &mut Sheet<'_>) {
    let header = model.header();
    let x = sheet.put(1, 0, Ink::Accent, "tcplens") + 2;
    let mut right = format!(
        "{}  {}  {}",
        counted(header.frames, "frame"),
        bytes(header.bytes),
        header.span.short()
    );
    if let Some(live) = &header.live {
        right = format!("{}  {}", watched(live, header.done), right);
    } else if !header.done {
        let (read, total) = header.progress;
        let progress = match total {
            Some(total) if total > 0 => {
                format!("{} %", (read.saturating_mul(100) / total).min(100))
            }
            _ => format!("{} read", bytes(read)),
        };
        right = format!("{progress}  {right}");
    }
    let end = sheet.width().saturating_sub(1);
    sheet.put_right(end, 0, Ink::Plain, &right);
    let inputs = match header.inputs.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    };
    let mut room = end.saturating_sub(columns(&right) + x + 2);
    let marks = marks(model, sheet);
    let wide: usize = marks.iter().map(|(_, text)| columns(text) + 2).sum();
    room = room.saturating_sub(wide);
    // Of a path the end tells more.
    let width = columns(&inputs);
    let inputs = if width > room {
        let tail: String = inputs
            .chars()
            .rev()
            .take(room.saturating_sub(1))
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        format!("{}{tail}", sheet.look.pick("…", "~"))
    } else {
        inputs
    };
    let mut x = sheet.put(x, 0, Ink::Strong, &cut(&inputs, room, ""));
    for (ink, text) in marks {
        let start = x + 1;
        x = sheet.put(start, 0, ink, &text);
        sheet.lit(start, 0, x - start);
    }
}

/// How much comes now.
fn watched(live: &LiveHeader, done: bool) -> String {
    if done {
        return "ended".to_owned();
    }
    format!(
        "{}/s  {}/s",
        counted(live.frames, "frame"),
        bytes(live.bytes)
    )
}

/// What a user has set going.
fn marks(model: &Model, sheet: &Sheet<'_>) -> Vec<(Ink, String)> {
    let mut marks = Vec::new();
    if model.is_paused {
        marks.push((Ink::Warning, " paused ".to_owned()));
    }
    let live = model.header().live.as_ref();
    if let Some(recorded) = live.and_then(|live| live.recording.as_ref()) {
        let sign = sheet.look.pick("●", "*");
        let text = format!(" {sign} rec {} ", bytes(recorded.bytes));
        marks.push((Ink::Bad, text));
    }
    marks
}

fn rate(model: &Model, sheet: &mut Sheet<'_>) {
    let header = model.header();
    let text = &header.endings;
    let end = sheet.width().saturating_sub(1);
    let wide = columns(text);
    let room = end.saturating_sub(1);
    let curve = room.saturating_sub(wide + 2).max(room / 3).min(room);
    let parts = header.rate.len();
    let binned: Vec<Option<u64>> = (0..curve)
        .map(|column| {
            let from = column * parts / curve.max(1);
            let to = ((column + 1) * parts / curve.max(1)).max(from + 1);
            let bin = header.rate.get(from..to.min(parts))?;
            (!bin.is_empty()).then(|| bin.iter().copied().max().unwrap_or(0))
        })
        .map(|bin| bin.filter(|&count| count > 0))
        .collect();
    let line = spark(&binned, sheet.look);
    sheet.put(1, 1, Ink::Accent, &line);
    let room = room.saturating_sub(curve + 2);
    let text = cut(text, room, sheet.look.more());
    sheet.put_right(end, 1, Ink::Plain, &text);
}

fn trust(model: &Model, sheet: &mut Sheet<'_>) {
    let header = model.header();
    let end = sheet.width().saturating_sub(1);
    let weight = |tone: Tone| match tone {
        Tone::Bad => 0,
        Tone::Warning => 1,
        _ => 2,
    };
    let mut all: Vec<&(Tone, String)> = header.trust.iter().collect();
    all.sort_by_key(|(tone, _)| weight(*tone));
    // What is lost now comes before all else.
    let lost = header.live.as_ref().and_then(lost);
    if let Some(lost) = &lost {
        all.insert(0, lost);
    }
    let Some((tone, text)) = all.first() else {
        if header.frames > 0 {
            let words = "no sign of missed, cut or damaged frames";
            sheet.put_cut(1, 2, Ink::Quiet, words, end - 1);
        }
        return;
    };
    let more = all.len() - 1;
    let tail = if more > 0 {
        format!("  and {more} more (4)")
    } else {
        String::new()
    };
    let mark = match weight(*tone) {
        0 => "! ",
        1 => sheet.look.pick("▲ ", "^ "),
        _ => "",
    };
    let x = sheet.put(1, 2, super::ink(*tone), mark);
    let room = end.saturating_sub(x + columns(&tail));
    let x = sheet.put_cut(x, 2, super::ink(*tone), text, room);
    sheet.put(x, 2, Ink::Quiet, &tail);
}

/// What the capture loses or lets go.
fn lost(live: &LiveHeader) -> Option<(Tone, String)> {
    if live.missed == 0 {
        return None;
    }
    let lost = counted(live.missed, "frame");
    Some(if live.misses {
        let words = format!(
            "frames are being lost: {lost} by now; a larger buffer (-B) or a filter (-f) helps"
        );
        (Tone::Bad, words)
    } else {
        (Tone::Warning, format!("{lost} lost by the capture"))
    })
}

fn tabs(model: &Model, sheet: &mut Sheet<'_>) {
    let mut last = 0;
    for (tab, start, end) in layout::tabs(model) {
        let (label, count) = layout::tab_label(model, tab);
        let own = tab == model.tab;
        let ink = if own { Ink::Accent } else { Ink::Plain };
        let x = sheet.put(start, layout::TABS, ink, &label);
        sheet.put(x + 1, layout::TABS, Ink::Quiet, &count);
        if own {
            sheet.lit(start.saturating_sub(1), layout::TABS, end - start + 2);
        }
        last = end + 3;
    }
    let text = model.choice.text();
    if text.is_empty() {
        return;
    }
    let label = if model.choice.scans() {
        "looking for "
    } else {
        "filter "
    };
    let end = sheet.width().saturating_sub(1);
    let room = end.saturating_sub(last + label.len());
    if room < 8 {
        return;
    }
    let text = cut(text, room, sheet.look.more());
    let start = end - columns(&text);
    sheet.put(start - label.len(), layout::TABS, Ink::Quiet, label);
    sheet.put(start, layout::TABS, Ink::Warning, &text);
}
