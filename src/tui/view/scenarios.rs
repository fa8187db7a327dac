//! The generator's scenarios: what can be run and watched.

use super::hints::{hinted, paragraph};
use crate::tui::bindings::LIST;
use crate::tui::model::Model;
use crate::tui::scenarios::Scenarios;
use crate::tui::sheet::{Ink, Sheet, cut, first_shown};

pub(super) fn draw(_model: &Model, scenarios: &Scenarios, sheet: &mut Sheet<'_>) {
    let (width, height) = (sheet.width(), sheet.height());
    let x = sheet.put(1, 0, Ink::Accent, "tcplens") + 2;
    sheet.put(x, 0, Ink::Strong, "scenarios");
    sheet.put_right(
        width.saturating_sub(1),
        0,
        Ink::Quiet,
        "simulated unless they say sockets/",
    );
    sheet.rule(1);
    let about = if height >= 30 { 8 } else { 5 };
    let rows = height.saturating_sub(4 + about);
    let first = first_shown(scenarios.at, scenarios.all.len(), rows);
    let name = if width >= 110 { 40 } else { 32 };
    for (y, each) in scenarios.all.iter().skip(first).take(rows).enumerate() {
        let y = y + 2;
        sheet.put_cut(1, y, Ink::Plain, &each.name, name);
        let room = width.saturating_sub(name + 3);
        let summary = cut(&each.summary, room, sheet.look.more());
        sheet.put(name + 2, y, Ink::Quiet, &summary);
        if first + y - 2 == scenarios.at {
            sheet.under_cursor(y);
        }
    }
    let y = 2 + rows;
    sheet.rule(y);
    if let Some(each) = scenarios.under_cursor() {
        let room = width.saturating_sub(2);
        let text = if each.description.is_empty() {
            &each.summary
        } else {
            &each.description
        };
        let mut part = sheet.part(0, y + 1, width, about);
        paragraph(text, 1, 0, Ink::Plain, room.min(100), &mut part);
    }
    let hints = LIST
        .iter()
        .map(|binding| (binding.keys.to_vec(), binding.hint));
    hinted(hints, height - 1, width - 1, sheet);
}
