//! A filter that is typed: what is wrong with it stands below, and what may come next.
//!
//! ```text
//!  / tcp.analysis.retransmision
//!    ^^^^^^^^^^^^^^^^^^^^^^^^^^  no such field; did you mean tcp.analysis.retransmission?
//! ```
//!
//! Where the words have no room beside the marks, they stand above the filter.

use super::hints::{blank, typed};
use crate::filter::{Filter, FilterError, complete};
use crate::tui::model::{FilterLine, Model};
use crate::tui::sheet::{Ink, Sheet, columns, cut, wrapped};

/// Lines that the words for a mistake take above the filter at most.
const MOST_LINES: usize = 3;

/// Completions in sight.
const SHOWN: usize = 8;

pub(super) fn draw(_model: &Model, line: &FilterLine, sheet: &mut Sheet<'_>) {
    let height = sheet.height();
    let y = height.saturating_sub(2);
    blank(y, sheet);
    blank(y + 1, sheet);
    sheet.put(1, y, Ink::Accent, "/");
    let skipped = typed(&line.edit, 3, y, sheet);
    let text = line.edit.text();
    let end = sheet.width().saturating_sub(1);
    let mut above = y;
    match Filter::parse(text) {
        Err(error) => above = mistake(text, &error, (y, skipped), sheet),
        Ok(_) => {
            let words = if text.trim().is_empty() {
                "tab shows names; enter with nothing takes the filter away; earlier ones: up"
            } else {
                "enter puts it in force"
            };
            sheet.put_cut(3, y + 1, Ink::Quiet, words, end.saturating_sub(3));
        }
    }
    completions(line, above, sheet);
}

/// What is wrong with a filter that stands on line `y`, its first `skipped` columns out of sight:
/// marks below the place, and the words where there is room. Gives the highest line that is taken.
fn mistake(
    text: &str,
    error: &FilterError,
    (y, skipped): (usize, usize),
    sheet: &mut Sheet<'_>,
) -> usize {
    let end = sheet.width().saturating_sub(1);
    let before = columns(text.get(..error.offset).unwrap_or(text));
    let marked = text
        .get(error.offset..error.offset + error.len)
        .map_or(1, columns)
        .max(1);
    // The part of the place that is in sight.
    let last = (3 + before + marked)
        .saturating_sub(skipped)
        .clamp(3, end.max(3));
    let start = (3 + before.saturating_sub(skipped)).min(last);
    let marked = last.saturating_sub(start);
    let words = error.to_string();
    // What is still being typed is no mistake yet.
    let ink = if error.offset + error.len >= text.len() {
        Ink::Warning
    } else {
        Ink::Bad
    };
    sheet.row(start, y + 1, marked, ink, '^');
    if columns(&words) <= end.saturating_sub(last + 1) {
        sheet.put(last + usize::from(marked > 0), y + 1, ink, &words);
        return y;
    }
    if columns(&words) + 2 <= start {
        sheet.put_right(start - 1, y + 1, ink, &words);
        return y;
    }
    let lines = wrapped(&words, end.saturating_sub(3));
    let top = y.saturating_sub(lines.len().min(MOST_LINES));
    for (y, words) in (top..y).zip(&lines) {
        blank(y, sheet);
        sheet.put(3, y, ink, words);
    }
    top
}

fn completions(line: &FilterLine, below: usize, sheet: &mut Sheet<'_>) {
    let edit = match line.completion {
        Some(_) => crate::tui::edit::Edit::of(&line.typed),
        None => line.edit.clone(),
    };
    let all = complete(edit.text(), edit.cursor());
    if all.is_empty() || edit.text().is_empty() && line.completion.is_none() {
        return;
    }
    let at = line.completion.unwrap_or(0);
    let first = crate::tui::sheet::first_shown(at, all.len(), SHOWN);
    let rows = all.len().min(SHOWN);
    let wide = all
        .iter()
        .skip(first)
        .take(rows)
        .map(|each| columns(&each.text))
        .max()
        .unwrap_or(0);
    let width = sheet.width().saturating_sub(4).min(wide + 60);
    let top = below.saturating_sub(rows);
    for (y, each) in all.iter().skip(first).take(rows).enumerate() {
        let mut part = sheet.part(3, top + y, width, 1);
        part.clear();
        part.put(0, 0, Ink::Plain, &each.text);
        let room = width.saturating_sub(wide + 2);
        let says = cut(each.says, room, part.look.more());
        part.put(wide + 2, 0, Ink::Quiet, &says);
        part.under_cursor(0);
        if line.completion == Some(first + y) {
            let end = columns(&each.text);
            part.lit(0, 0, end);
        }
    }
}
