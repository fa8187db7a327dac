//! What is drawn, from what is known: pure functions of the model, one file a panel.
//!
//! ```text
//!  tcplens  shop.pcapng                                   198 frames  76.7 kB  5.50s   header
//!  ▁▁▂▅█▅▂▁▁▁▁▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  7 closed, 1 reset, 12 retransmissions
//!  no sign of missed, cut or damaged frames
//!  1 Connections 11   2 UDP 2   3 Hosts 5   4 Findings 0
//!    id client               server               time    sent    recv resent     rtt  lists
//!     5 till.shop.example:…  database.shop.exam… 8.20ms       -       -      -       -
//!  …
//!  ───────────────────────────────────────────────────────────────────────────────────
//!  refused by server                                                                   story
//!  enter open  / filter  s sort  tab next tab  ? help  q quit                          hints
//! ```

mod connections;
mod filter_line;
mod findings;
mod header;
mod headings;
pub(super) mod help;
mod hints;
mod hosts;
mod menu;
mod scenarios;
mod talk;
mod udp;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::layout;
use super::model::{Layer, Model, Screen};
use super::sheet::{Ink, Sheet, columns, first_shown, wrapped};
use super::snapshot::Tab;
use crate::report::style::Tone;
use crate::report::units::counted;

/// Draws everything.
pub fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let mut sheet = Sheet::new(buffer, area, &model.look);
    if sheet.width() < 20 || sheet.height() < 6 {
        sheet.put(0, 0, Ink::Plain, "a little larger, please");
        return;
    }
    match &model.screen {
        Screen::Triage => triage(model, &mut sheet),
        Screen::Page(page) => {
            let body = Rect {
                height: area.height - 1,
                ..area
            };
            page.draw(body, buffer, &model.look);
            let mut sheet = Sheet::new(buffer, area, &model.look);
            hints::page(model, page, &mut sheet);
        }
        Screen::Talk(talk) => talk::draw(model, talk, &mut sheet),
        Screen::Scenarios(scenarios) => scenarios::draw(model, scenarios, &mut sheet),
    }
    let mut sheet = Sheet::new(buffer, area, &model.look);
    match &model.layer {
        Layer::None => {}
        Layer::Filter(line) => filter_line::draw(model, line, &mut sheet),
        Layer::Palette(edit, at) => menu::palette(model, edit, *at, &mut sheet),
        Layer::Help(at) => help::draw(model, *at, &mut sheet),
        Layer::Columns(at) => menu::columns_chosen(model, *at, &mut sheet),
        Layer::Save(edit, bytes) => hints::save(edit, bytes.len(), &mut sheet),
        Layer::Record(edit) => hints::record(edit, &mut sheet),
    }
    if let Some((tone, note)) = &model.note {
        told(note, ink(*tone), &mut sheet);
    }
}

/// Says something on the last line, or as many as it takes.
fn told(note: &str, ink: Ink, sheet: &mut Sheet<'_>) {
    let (width, height) = (sheet.width(), sheet.height());
    let lines = wrapped(note, width.saturating_sub(3));
    let longest = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
    let x = width.saturating_sub(longest + 3);
    let first = height.saturating_sub(lines.len());
    for (y, line) in (first..).zip(lines) {
        hints::blank(y, sheet);
        let rest = " ".repeat(longest - columns(&line));
        let end = sheet.put(x, y, ink, &format!(" {line}{rest} "));
        sheet.lit(x, y, end.saturating_sub(x));
    }
}

fn triage(model: &Model, sheet: &mut Sheet<'_>) {
    header::draw(model, sheet);
    let (width, height) = (sheet.width(), sheet.height());
    let rows = layout::rows((width as u16, height as u16));
    let mut list = sheet.part(0, layout::HEADINGS, width, rows + 1);
    match model.tab {
        Tab::Connections => connections::draw(model, &mut list),
        Tab::Udp => udp::draw(model, &mut list),
        Tab::Hosts => hosts::draw(model, &mut list),
        Tab::Findings => findings::draw(model, &mut list),
    }
    hints::foot(model, sheet);
}

/// The lines of a list in sight: where each is drawn, its number, and what is known of it.
fn shown(
    model: &Model,
    rows: usize,
) -> impl Iterator<Item = (usize, usize, Option<&super::snapshot::Line>)> {
    let total = if model.snapshot.tab == model.tab {
        model.snapshot.total
    } else {
        0
    };
    let first = first_shown(model.cursor, total, rows);
    let last = (first + rows).min(total);
    (first..last)
        .enumerate()
        .map(|(y, at)| (y + 1, at, model.line(at)))
}

/// Words where a list is empty.
fn nothing(model: &Model, what: &str, sheet: &mut Sheet<'_>) {
    let words = if !model.choice.text().is_empty() && model.choice.scans() {
        "looking at the frames …".to_owned()
    } else if !model.choice.text().is_empty() {
        format!("no {what} matches the filter; x takes it away")
    } else if model.is_live() && model.open_only {
        format!("no {what} is open; o shows those that are over")
    } else if model.is_live() && !model.header().done {
        format!("no {what} yet")
    } else if model.header().done {
        let [tcp, udp, ..] = model.header().counts;
        let others = match model.tab {
            Tab::Connections if udp > 0 => {
                format!("{} (2)", counted(udp as u64, "UDP conversation"))
            }
            Tab::Udp if tcp > 0 => format!("{} (1)", counted(tcp as u64, "TCP connection")),
            _ => String::new(),
        };
        let but = if others.is_empty() { "" } else { ", but " };
        format!("no {what} in this capture{but}{others}")
    } else {
        "reading …".to_owned()
    };
    let words = if sheet.look.unicode {
        words
    } else {
        words.replace('…', "...")
    };
    sheet.put(2, 2, Ink::Quiet, &words);
}

/// The ink of a tone.
fn ink(tone: Tone) -> Ink {
    match tone {
        Tone::Quiet => Ink::Quiet,
        Tone::Plain => Ink::Plain,
        Tone::Heading => Ink::Strong,
        Tone::Good => Ink::Good,
        Tone::Warning => Ink::Warning,
        Tone::Bad => Ink::Bad,
        Tone::Client => Ink::Client,
        Tone::Server => Ink::Server,
    }
}

/// A host and port in so many columns: the name if there is one; the port is never cut.
fn socket(
    name: Option<&str>,
    address: &str,
    port: u16,
    room: usize,
    more: &'static str,
) -> (String, String) {
    let port = format!(":{port}");
    let host = name.unwrap_or(address);
    let host = if name.is_none() && host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let room = room.saturating_sub(port.len());
    (super::sheet::cut(&host, room, more), port)
}
