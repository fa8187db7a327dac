//! Hosts, by what they sent and received.

use crate::report::units::{bytes, grouped};
use crate::time::Span;
use crate::tui::model::Model;
use crate::tui::sheet::{Ink, Sheet, cut};
use crate::tui::snapshot::{HostLine, Line};

const FIGURES: [(&str, usize); 6] = [
    ("sent", 9),
    ("recv", 9),
    ("tcp", 7),
    ("udp", 7),
    ("resent", 7),
    ("trouble", 8),
];

pub(super) fn draw(model: &Model, sheet: &mut Sheet<'_>) {
    let figures: usize = FIGURES.iter().map(|(_, width)| width + 1).sum();
    let room = sheet.width().saturating_sub(figures + 3).clamp(12, 62);
    sheet.put(1, 0, Ink::Quiet, "host");
    let mut x = room + 2;
    for (heading, width) in FIGURES {
        x += width + 1;
        sheet.put_right(x - 1, 0, Ink::Quiet, heading);
    }
    let rows = sheet.height().saturating_sub(1);
    let mut any = false;
    for (y, at, line) in super::shown(model, rows) {
        any = true;
        if let Some(Line::Host(line)) = line {
            row(line, y, room, sheet);
        }
        if at == model.cursor {
            sheet.under_cursor(y);
        }
    }
    if !any {
        super::nothing(model, "host", sheet);
    }
}

fn row(line: &HostLine, y: usize, room: usize, sheet: &mut Sheet<'_>) {
    let more = sheet.look.more();
    match &line.name {
        Some(name) => {
            let x = sheet.put(1, y, Ink::Plain, &cut(name, room, more)) + 1;
            let left = (room + 1).saturating_sub(x);
            if left > 6 {
                sheet.put(x, y, Ink::Quiet, &cut(&line.address, left, more));
            }
        }
        None => {
            sheet.put(1, y, Ink::Plain, &cut(&line.address, room, more));
        }
    }
    let count = |count: u64| match count {
        0 => "-".to_owned(),
        count => grouped(count).to_string(),
    };
    let trouble = match line.trouble {
        0 => "-".to_owned(),
        millis => Span::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
            .short()
            .to_string(),
    };
    let values = [
        (bytes(line.sent).to_string(), Ink::Plain),
        (bytes(line.received).to_string(), Ink::Plain),
        (count(line.connections), Ink::Plain),
        (count(line.conversations), Ink::Plain),
        (count(line.resent), Ink::Warning),
        (trouble, Ink::Warning),
    ];
    let mut x = room + 2;
    for ((text, ink), (_, width)) in values.iter().zip(FIGURES) {
        x += width + 1;
        let ink = if text == "-" { Ink::Rule } else { *ink };
        sheet.put_right(x - 1, y, ink, text);
    }
}
