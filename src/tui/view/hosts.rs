//! Hosts, by what they sent and received.

use crate::report::units::{bytes, grouped};
use crate::time::Span;
use crate::tui::column::Column;
use crate::tui::layout::{self, Heading};
use crate::tui::model::Model;
use crate::tui::sheet::{Ink, Sheet, cut};
use crate::tui::snapshot::{HostLine, Line};

pub(super) fn draw(model: &Model, sheet: &mut Sheet<'_>) {
    super::headings::draw(model, sheet);
    let places = layout::headings(model, sheet.width());
    let rows = sheet.height().saturating_sub(1);
    let mut any = false;
    for (y, at, line) in super::shown(model, rows) {
        any = true;
        if let Some(Line::Host(line)) = line {
            row(line, y, &places, sheet);
        }
        if at == model.cursor {
            sheet.under_cursor(y);
        }
    }
    if !any {
        super::nothing(model, "host", sheet);
    }
}

fn row(line: &HostLine, y: usize, places: &[Heading], sheet: &mut Sheet<'_>) {
    let count = |count: u64| match count {
        0 => "-".to_owned(),
        count => grouped(count).to_string(),
    };
    for heading in places {
        let (text, ink) = match (heading.column, heading.word) {
            (Some(Column::Client), _) => {
                host(line, y, heading, sheet);
                continue;
            }
            (Some(Column::Activity), _) => {
                let total = line.sent.saturating_add(line.received);
                (bytes(total).to_string(), Ink::Plain)
            }
            (Some(Column::Sent), _) => (bytes(line.sent).to_string(), Ink::Plain),
            (Some(Column::Received), _) => (bytes(line.received).to_string(), Ink::Plain),
            (Some(Column::Resent), _) => (count(line.resent), Ink::Warning),
            (Some(_), _) => (trouble(line), Ink::Warning),
            (None, "tcp") => (count(line.connections), Ink::Plain),
            (None, _) => (count(line.conversations), Ink::Plain),
        };
        let ink = if text == "-" { Ink::Rule } else { ink };
        sheet.put_right(heading.x + heading.width, y, ink, &text);
    }
}

/// The host's name and address.
fn host(line: &HostLine, y: usize, heading: &Heading, sheet: &mut Sheet<'_>) {
    let more = sheet.look.more();
    let (start, room) = (heading.x, heading.width);
    match &line.name {
        Some(name) => {
            let x = sheet.put(start, y, Ink::Plain, &cut(name, room, more)) + 1;
            let left = (start + room).saturating_sub(x);
            if left > 6 {
                sheet.put(x, y, Ink::Quiet, &cut(&line.address, left, more));
            }
        }
        None => {
            sheet.put(start, y, Ink::Plain, &cut(&line.address, room, more));
        }
    }
}

fn trouble(line: &HostLine) -> String {
    match line.trouble {
        0 => "-".to_owned(),
        millis => Span::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
            .short()
            .to_string(),
    }
}
