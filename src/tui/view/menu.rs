//! Lists on top: commands by name, and the columns.

use super::hints::typed;
use crate::tui::column::COLUMNS;
use crate::tui::edit::Edit;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::palette;
use crate::tui::sheet::{Ink, Sheet, boxed, cut, first_shown};

/// Commands that fit what is typed.
pub(super) fn palette(model: &Model, edit: &Edit, at: usize, sheet: &mut Sheet<'_>) {
    let found = palette::found(edit.text(), &model.screen, &model.own_keys);
    let mut own = boxed("commands", 76, 20, sheet);
    own.put(0, 0, Ink::Accent, ":");
    typed(edit, 2, 0, &mut own);
    let (width, rows) = (own.width(), own.height().saturating_sub(2));
    let first = first_shown(at, found.len(), rows);
    for (y, command) in found.iter().skip(first).take(rows).enumerate() {
        let name = cut(&command.name, 20, "");
        own.put(0, y + 2, Ink::Plain, &name);
        let room = width.saturating_sub(22 + command.keys.chars().count() + 1);
        own.put_cut(21, y + 2, Ink::Quiet, &command.help, room);
        own.put_right(width, y + 2, Ink::Accent, &command.keys);
        if first + y == at {
            own.under_cursor(y + 2);
        }
    }
    if found.is_empty() {
        own.put(0, 2, Ink::Quiet, "no such command");
    }
}

/// All columns, and which are in sight.
pub(super) fn columns_chosen(model: &Model, at: usize, sheet: &mut Sheet<'_>) {
    let chosen = layout::columns(model);
    let mut own = boxed("columns", 74, COLUMNS.len() + 4, sheet);
    let rows = own.height().saturating_sub(2);
    let width = own.width();
    let first = first_shown(at, COLUMNS.len(), rows);
    for (y, about) in COLUMNS.iter().skip(first).take(rows).enumerate() {
        let mark = if chosen.contains(&about.column) {
            "[x]"
        } else {
            "[ ]"
        };
        own.put(0, y, Ink::Accent, mark);
        own.put(4, y, Ink::Plain, about.name);
        own.put_cut(17, y, Ink::Quiet, about.says, width.saturating_sub(17));
        if first + y == at {
            own.under_cursor(y);
        }
    }
    let y = own.height().saturating_sub(1);
    let words = if model.columns.is_some() {
        "space shows or hides; these are remembered; x forgets them"
    } else {
        "space shows or hides; as many as fit are shown now"
    };
    own.put_cut(0, y, Ink::Quiet, words, width);
}
