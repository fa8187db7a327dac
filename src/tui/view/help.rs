//! The keys, from their tables.

use crate::tui::keys::{Key, told};
use crate::tui::model::{Model, Screen, tables};
use crate::tui::own_keys::keys_of;
use crate::tui::sheet::{Ink, Sheet, boxed, wrapped};

/// A line of the help: keys and what they do, or a heading.
enum Entry {
    Heading(String),
    Keys(String, String),
    Words(String),
}

fn entries(model: &Model) -> Vec<Entry> {
    let mut all = Vec::new();
    let of = |all: &mut Vec<Entry>, heading: &str, rows: Vec<(Vec<Key>, &'static str)>| {
        if !all.is_empty() {
            all.push(Entry::Words(String::new()));
        }
        all.push(Entry::Heading(heading.to_owned()));
        for (keys, help) in rows {
            all.push(Entry::Keys(told(&keys), help.to_owned()));
        }
    };
    if let Screen::Page(page) = &model.screen {
        let rows = crate::tui::page::keys::table(page);
        let own = &model.own_keys.page;
        let rows = rows.iter().map(|row| (keys_of(own, row), row.help));
        of(&mut all, "The page of a connection", rows.collect());
    }
    for (heading, table) in tables() {
        let is_first = heading == tables()[0].0;
        let own = if is_first {
            &model.own_keys.lists[..]
        } else {
            &[]
        };
        let rows = table.iter().map(|row| (keys_of(own, row), row.help));
        of(&mut all, heading, rows.collect());
    }
    all.push(Entry::Words(String::new()));
    all.push(Entry::Heading("A filter that is typed".to_owned()));
    for (keys, help) in [
        ("tab shift-tab", "the next name that fits, the one before"),
        ("up down", "earlier filters"),
        ("enter esc", "put it in force; leave it"),
        ("ctrl-w ctrl-u", "take away the word, all before the cursor"),
    ] {
        all.push(Entry::Keys(keys.to_owned(), help.to_owned()));
    }
    all.push(Entry::Words(String::new()));
    let words =
        "Click a line, a tab or a heading; the wheel scrolls. Shift lets the terminal select.";
    all.push(Entry::Words(words.to_owned()));
    all
}

/// Columns of the box at most, and of the keys in it.
const WIDEST: usize = 108;
const KEYS: usize = 23;

/// The lines of the help, none wider than there is room for.
fn lines(model: &Model, room: usize) -> Vec<Entry> {
    let mut lines = Vec::new();
    for entry in entries(model) {
        match entry {
            Entry::Keys(keys, help) => {
                let mut keys = Some(keys);
                for part in wrapped(&help, room.saturating_sub(KEYS).max(1)) {
                    lines.push(Entry::Keys(keys.take().unwrap_or_default(), part));
                }
            }
            Entry::Words(words) if !words.is_empty() => {
                lines.extend(wrapped(&words, room.max(1)).into_iter().map(Entry::Words));
            }
            other => lines.push(other),
        }
    }
    lines
}

/// Columns and lines within the box, on a screen of this size.
fn room(width: usize, height: usize) -> (usize, usize) {
    let width = WIDEST.min(width.saturating_sub(2)).saturating_sub(4);
    (width, height.saturating_sub(4))
}

/// The line that the help begins with when its end is in sight.
pub(in crate::tui) fn last(model: &Model) -> usize {
    let (width, height) = room(model.size.0.into(), model.size.1.into());
    lines(model, width).len().saturating_sub(height)
}

pub(super) fn draw(model: &Model, at: usize, sheet: &mut Sheet<'_>) {
    let (width, _) = room(sheet.width(), sheet.height());
    let all = lines(model, width);
    let mut own = boxed("keys", WIDEST, all.len() + 2, sheet);
    let rows = own.height();
    let width = own.width();
    let first = at.min(all.len().saturating_sub(rows));
    for (y, entry) in all.iter().skip(first).take(rows).enumerate() {
        match entry {
            Entry::Heading(text) => {
                own.put(0, y, Ink::Strong, text);
            }
            Entry::Keys(keys, help) => {
                own.put_cut(1, y, Ink::Accent, keys, KEYS - 2);
                own.put_cut(KEYS, y, Ink::Plain, help, width.saturating_sub(KEYS));
            }
            Entry::Words(text) => {
                own.put_cut(0, y, Ink::Quiet, text, width);
            }
        }
    }
    if first + rows < all.len() {
        let more = own.look.pick(" ↓ ", " v ");
        own.put_right(width, rows.saturating_sub(1), Ink::Accent, more);
    }
}
