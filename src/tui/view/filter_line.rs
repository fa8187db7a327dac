//! A filter that is typed: what is wrong with it stands below, and what may come next.
//!
//! ```text
//!  / tcp.analysis.retransmision
//!    ^^^^^^^^^^^^^^^^^^^^^^^^^^  no such field; did you mean tcp.analysis.retransmission?
//! ```

use super::hints::{blank, typed};
use crate::filter::{Filter, complete};
use crate::tui::model::{FilterLine, Model};
use crate::tui::sheet::{Ink, Sheet, columns, cut};

/// Completions in sight.
const SHOWN: usize = 8;

pub(super) fn draw(_model: &Model, line: &FilterLine, sheet: &mut Sheet<'_>) {
    let height = sheet.height();
    let y = height.saturating_sub(2);
    blank(y, sheet);
    blank(y + 1, sheet);
    sheet.put(1, y, Ink::Accent, "/");
    typed(&line.edit, 3, y, sheet);
    let text = line.edit.text();
    let end = sheet.width().saturating_sub(1);
    match Filter::parse(text) {
        Err(error) => {
            let start = 3 + columns(text.get(..error.offset).unwrap_or(text));
            let marked = text
                .get(error.offset..error.offset + error.len)
                .map_or(1, columns)
                .max(1);
            let words = error.to_string();
            // What is still being typed is no mistake yet.
            let ink = if error.offset + error.len >= text.len() {
                Ink::Warning
            } else {
                Ink::Bad
            };
            let room = end.saturating_sub(start + marked + 1);
            if columns(&words) <= room {
                sheet.row(start, y + 1, marked, ink, '^');
                sheet.put(start + marked + 1, y + 1, ink, &words);
            } else if columns(&words) + 2 <= start {
                sheet.row(start, y + 1, marked.min(end - start), ink, '^');
                sheet.put_right(start - 1, y + 1, ink, &words);
            } else {
                sheet.put_cut(3, y + 1, ink, &words, end.saturating_sub(3));
            }
        }
        Ok(_) => {
            let words = if text.trim().is_empty() {
                "tab shows names; enter with nothing takes the filter away; earlier ones: up"
            } else {
                "enter puts it in force"
            };
            sheet.put_cut(3, y + 1, Ink::Quiet, words, end.saturating_sub(3));
        }
    }
    completions(line, y, sheet);
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
