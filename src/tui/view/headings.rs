//! The headings of a list, and what it is sorted by.

use crate::tui::column::Column;
use crate::tui::layout::{self, Heading};
use crate::tui::model::Model;
use crate::tui::sheet::{Ink, Sheet, columns};
use crate::tui::snapshot::Tab;

pub(super) fn draw(model: &Model, sheet: &mut Sheet<'_>) {
    let sorting = model.sorting();
    let all = layout::headings(model, sheet.width());
    for heading in &all {
        let own = heading.column == Some(sorting.by);
        one(heading, own.then(|| rises(model)), sheet);
    }
    // What does not fit, or is sorted by and not in sight, is said all the same.
    let left_out = match model.tab {
        Tab::Connections => layout::columns(model).len() - all.len(),
        _ => 0,
    };
    let mut words = Vec::new();
    if !all.iter().any(|each| each.column == Some(sorting.by)) {
        let order = if sorting.reverse { ", reversed" } else { "" };
        let by = match (model.tab, sorting.by) {
            (Tab::Hosts, Column::Activity) => "total",
            _ => sorting.by.about().heading,
        };
        words.push(format!("by {by}{order}"));
    }
    if left_out > 0 {
        words.push(format!("+{left_out}"));
    }
    if model.tab == Tab::Hosts {
        // Names are short: there is room beside their heading.
        sheet.put(6, 0, Ink::Accent, &words.join(" "));
        return;
    }
    let taken = all.last().map_or(0, |last| last.x + last.width);
    let room = sheet.width().saturating_sub(taken + 1);
    // The count is shorter, and more.
    while columns(&words.join(" ")) > room && !words.is_empty() {
        words.remove(0);
    }
    sheet.put_right(sheet.width(), 0, Ink::Accent, &words.join(" "));
}

/// Whether the list begins with the least.
fn rises(model: &Model) -> bool {
    let sorting = model.sorting();
    let usual = match model.tab {
        Tab::Connections => sorting.by.rises(),
        _ => matches!(sorting.by, Column::Id | Column::Client),
    };
    usual != sorting.reverse
}

/// A heading; of what is sorted by, whether it rises.
fn one(heading: &Heading, sorted: Option<bool>, sheet: &mut Sheet<'_>) {
    let Heading {
        word,
        x,
        width,
        right,
        ..
    } = *heading;
    let mark = match sorted {
        None => "",
        Some(true) => sheet.look.pick("▴", "^"),
        Some(false) => sheet.look.pick("▾", "v"),
    };
    let ink = match sorted {
        Some(_) => Ink::Accent,
        None => Ink::Quiet,
    };
    let fits = columns(word) + columns(mark) <= width;
    match (right, fits) {
        (true, true) => {
            sheet.put_right(x + width, 0, ink, &format!("{word}{mark}"));
        }
        // The column before leaves one free.
        (true, false) => {
            sheet.put_right(x + width, 0, ink, &format!("{mark}{word}"));
        }
        (false, true) => {
            sheet.put(x, 0, ink, &format!("{word}{mark}"));
        }
        (false, false) => {
            sheet.put_cut(x, 0, ink, word, width);
        }
    }
    if sorted.is_some() && !fits {
        sheet.bold(x, 0, width);
    }
}
