//! The keys, from their tables.

use crate::tui::keys::{Key, told};
use crate::tui::model::{Model, Screen, tables};
use crate::tui::sheet::{Ink, Sheet, boxed};

/// A line of the help: keys and what they do, or a heading.
enum Entry {
    Heading(String),
    Keys(String, String),
    Words(String),
}

fn entries(model: &Model) -> Vec<Entry> {
    let mut all = Vec::new();
    let of = |all: &mut Vec<Entry>, heading: &str, rows: Vec<(&'static [Key], &'static str)>| {
        if !all.is_empty() {
            all.push(Entry::Words(String::new()));
        }
        all.push(Entry::Heading(heading.to_owned()));
        for (keys, help) in rows {
            all.push(Entry::Keys(told(keys), help.to_owned()));
        }
    };
    if let Screen::Page(page) = &model.screen {
        let rows = crate::tui::page::keys::table(page);
        let rows = rows.iter().map(|row| (row.keys, row.help)).collect();
        of(&mut all, "The page of a connection", rows);
    }
    for (heading, table) in tables() {
        let rows = table.iter().map(|row| (row.keys, row.help)).collect();
        of(&mut all, heading, rows);
    }
    all.push(Entry::Words(String::new()));
    all.push(Entry::Heading("A filter that is typed".to_owned()));
    for (keys, help) in [
        ("tab shift-tab", "the next name that fits, the one before"),
        ("up down", "earlier filters"),
        ("enter esc", "put it in force; leave it"),
        ("ctrl-w ctrl-u", "take a word away, all of it"),
    ] {
        all.push(Entry::Keys(keys.to_owned(), help.to_owned()));
    }
    all.push(Entry::Words(String::new()));
    let words =
        "Click a line, a tab or a heading; the wheel scrolls. Shift lets the terminal select.";
    all.push(Entry::Words(words.to_owned()));
    all
}

pub(super) fn draw(model: &Model, at: usize, sheet: &mut Sheet<'_>) {
    let all = entries(model);
    let mut own = boxed("keys", 84, all.len() + 2, sheet);
    let rows = own.height();
    let width = own.width();
    let first = at.min(all.len().saturating_sub(rows));
    for (y, entry) in all.iter().skip(first).take(rows).enumerate() {
        match entry {
            Entry::Heading(text) => {
                own.put(0, y, Ink::Strong, text);
            }
            Entry::Keys(keys, help) => {
                own.put_cut(1, y, Ink::Accent, keys, 21);
                own.put_cut(23, y, Ink::Plain, help, width.saturating_sub(23));
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
