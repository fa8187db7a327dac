//! The frames of the connection: a list, the layers of the one under the cursor, and its bytes
//! with those of the field under the cursor lit.
//!
//! ```text
//!   frame      time  from    flags    seq            len  ack    window  judged
//! ▸    23  0.026716  server  ACK      4345:5793     1448  1       65536  retransmission (fast)
//! ── layers ──────────────────────────────────┬─ bytes ───────────────────────────────────
//! ▾ Transmission Control Protocol             │ 0020  0a 02 1f 90 8a 51 51 0a ...
//!     Source Port: 8080                       │
//! ```

use std::collections::BTreeSet;

use super::data::{Field, Health, Row, Subject, Tree};
use super::judged::{sign_of, weightiest, words};
use super::segment::{clock, flags, ink_of};
use super::sheet::{Ink, Sheet, columns, cut, first_shown};
use super::{HEAD, Page, PageEffect, PageMessage, moved};
use crate::report::units::grouped;
use crate::tcp::Role;

/// The parts of the tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pane {
    #[default]
    List,
    Tree,
    Bytes,
}

/// Where one is in the tab.
#[derive(Clone, Debug, Default)]
pub(super) struct Frames {
    pane: Pane,
    /// The field under the cursor, among all of the tree.
    field: usize,
    /// The byte under the cursor, where the bytes have it.
    byte: usize,
    /// Fields whose being open or not is not the usual, by their paths.
    turned: BTreeSet<String>,
    /// The frame that was asked for last.
    pub(super) asked: Option<u64>,
}

impl Frames {
    /// Keeps the cursors within a new frame.
    pub(super) fn clamp(&mut self, subject: &Subject) {
        let Some(frame) = &subject.frame else { return };
        self.byte = self.byte.min(frame.bytes.len().saturating_sub(1));
        let shown = self.shown(&frame.tree);
        let last = shown.iter().rev().find(|&&index| index <= self.field);
        self.field = last.or(shown.first()).copied().unwrap_or(0);
    }

    /// Whether what is within a field is shown.
    fn is_open(&self, tree: &Tree, index: usize) -> bool {
        let Some(field) = tree.fields.get(index) else {
            return false;
        };
        // The layer that this program is about, unless told otherwise.
        let usual = field.depth == 0 && field.name.starts_with("Transmission Control");
        usual != self.turned.contains(&path(field))
    }

    /// The fields that are not within a closed one.
    fn shown(&self, tree: &Tree) -> Vec<usize> {
        let mut shown = Vec::new();
        let mut closed: Option<u8> = None;
        for (index, field) in tree.fields.iter().enumerate() {
            if closed.is_some_and(|depth| field.depth > depth) {
                continue;
            }
            closed = (!self.is_open(tree, index)).then_some(field.depth);
            shown.push(index);
        }
        shown
    }

    fn turn(&mut self, field: &Field) {
        let path = path(field);
        if !self.turned.remove(&path) {
            self.turned.insert(path);
        }
    }
}

/// What a field is remembered by from frame to frame.
fn path(field: &Field) -> String {
    format!("{} {}", field.depth, field.name)
}

/// Takes a message in.
pub(super) fn update(page: &mut Page, message: &PageMessage, effects: &mut Vec<PageEffect>) {
    const PANES: [Pane; 3] = [Pane::List, Pane::Tree, Pane::Bytes];
    match *message {
        PageMessage::Pane(by) => {
            let place = (page.frames.pane as isize + by).rem_euclid(3);
            page.frames.pane = PANES.get(place as usize).copied().unwrap_or_default();
            return;
        }
        PageMessage::Stop(_) => {
            page.step(message);
            return;
        }
        PageMessage::Copy => {
            if let Some(text) = copied(page) {
                effects.push(PageEffect::Copy(text));
            }
            return;
        }
        PageMessage::Click(x, y) => {
            click(page, usize::from(x), usize::from(y).saturating_sub(HEAD));
            return;
        }
        _ => {}
    }
    match page.frames.pane {
        Pane::List => match message {
            PageMessage::Enter => page.frames.pane = Pane::Tree,
            PageMessage::Side(by) if *by > 0 => page.frames.pane = Pane::Tree,
            _ => {
                page.step_listed(message);
            }
        },
        Pane::Tree => in_tree(page, message),
        Pane::Bytes => in_bytes(page, message),
    }
}

fn click(page: &mut Page, x: usize, y: usize) {
    let areas = Areas::of(page.room.0, page.body());
    let [list, tree, bytes] = areas.parts;
    if list.holds(x, y) {
        page.frames.pane = Pane::List;
        let room = list.height.saturating_sub(1);
        let listed = page.listed();
        let first = first_shown(listed.here, listed.total, room);
        let clicked = (first + y).saturating_sub(list.y + 1);
        if let Some(row) = listed.row(clicked.min(listed.total.saturating_sub(1)))
            && y > list.y
        {
            page.at = row;
        }
    } else if tree.holds(x, y) {
        page.frames.pane = Pane::Tree;
        if let Some(frame) = &page.subject.frame {
            let shown = page.frames.shown(&frame.tree);
            let own = shown.iter().position(|&index| index == page.frames.field);
            let first = first_shown(own.unwrap_or(0), shown.len(), tree.height.saturating_sub(1));
            if let Some(&field) = shown.get((first + y).saturating_sub(tree.y + 1)) {
                page.frames.field = field;
            }
        }
    } else if bytes.holds(x, y) {
        page.frames.pane = Pane::Bytes;
    }
}

fn in_tree(page: &mut Page, message: &PageMessage) {
    let Some(frame) = &page.subject.frame else {
        return;
    };
    let tree = &frame.tree;
    let shown = page.frames.shown(tree);
    let at = shown.iter().position(|&index| index == page.frames.field);
    let at = at.unwrap_or(0);
    let last = shown.len().saturating_sub(1);
    let screen = (page.room.1 / 3) as isize;
    let to = match *message {
        PageMessage::Step(by) => moved(at, by, last),
        PageMessage::Leaf(by) => moved(at, by.saturating_mul(screen), last),
        PageMessage::First => 0,
        PageMessage::Last => last,
        PageMessage::Enter | PageMessage::Side(_) => {
            let wanted = match message {
                PageMessage::Side(by) => Some(*by > 0),
                _ => None,
            };
            open(page, wanted);
            return;
        }
        _ => return,
    };
    if let Some(&field) = shown.get(to) {
        page.frames.field = field;
        follow_field(page);
    }
}

/// Opens or closes the field under the cursor; closing what is not open goes to what it is in.
fn open(page: &mut Page, wanted: Option<bool>) {
    let Some(frame) = &page.subject.frame else {
        return;
    };
    let field = page.frames.field;
    let within = frame.tree.has_children(field);
    let is_open = within && page.frames.is_open(&frame.tree, field);
    match wanted {
        Some(false) if !is_open => {
            if let Some(parent) = frame.tree.parent(field) {
                page.frames.field = parent;
            }
        }
        Some(true) if is_open || !within => {}
        _ if within => {
            if let Some(field) = frame.tree.fields.get(field) {
                page.frames.turn(field);
            }
        }
        _ => {}
    }
}

/// Puts the cursor of the bytes on those of the field.
fn follow_field(page: &mut Page) {
    let Some(frame) = &page.subject.frame else {
        return;
    };
    if let Some(field) = frame.tree.fields.get(page.frames.field)
        && !field.range.is_empty()
    {
        page.frames.byte = field.range.start.min(frame.bytes.len().saturating_sub(1));
    }
}

fn in_bytes(page: &mut Page, message: &PageMessage) {
    let Some(frame) = &page.subject.frame else {
        return;
    };
    let across = Areas::of(page.room.0, page.body()).across() as isize;
    let last = frame.bytes.len().saturating_sub(1);
    let at = page.frames.byte;
    let to = match *message {
        PageMessage::Step(by) => {
            let by = by.saturating_mul(across);
            match at.checked_add_signed(by) {
                Some(to) if to <= last => to,
                _ => at,
            }
        }
        PageMessage::Side(by) => moved(at, by, last),
        PageMessage::Leaf(by) => moved(at, by.saturating_mul(across).saturating_mul(8), last),
        PageMessage::First => 0,
        PageMessage::Last => last,
        PageMessage::Enter => {
            page.frames.pane = Pane::Tree;
            at
        }
        _ => return,
    };
    page.frames.byte = to;
    let Some(found) = frame.tree.at(to) else {
        return;
    };
    // Opens what the field is in, so that it can be seen.
    let mut parent = frame.tree.parent(found);
    let mut closed = Vec::new();
    while let Some(index) = parent {
        if !page.frames.is_open(&frame.tree, index) {
            closed.extend(frame.tree.fields.get(index).cloned());
        }
        parent = frame.tree.parent(index);
    }
    for field in closed {
        page.frames.turn(&field);
    }
    page.frames.field = found;
}

/// What is under the cursor as text: the field, or the bytes of the frame as digits.
fn copied(page: &Page) -> Option<String> {
    let frame = page.subject.frame.as_ref()?;
    if page.frames.pane == Pane::Bytes {
        let digits = frame.bytes.iter().map(|byte| format!("{byte:02x}"));
        return Some(digits.collect());
    }
    let field = frame.tree.fields.get(page.frames.field)?;
    Some(field.to_string())
}

/// A part of the tab.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Part {
    fn holds(&self, x: usize, y: usize) -> bool {
        (self.x..self.x + self.width).contains(&x) && (self.y..self.y + self.height).contains(&y)
    }
}

/// Where the panes are: the list above; below it the layers, and beside or under them the bytes.
struct Areas {
    parts: [Part; 3],
}

/// Columns of 16 bytes: offset, digits, characters.
const HEX: usize = 6 + 16 * 3 + 2 + 16 + 1;

impl Areas {
    fn of(width: usize, height: usize) -> Self {
        let list = match height {
            ..12 => height / 3,
            12..30 => height * 3 / 10,
            _ => height * 35 / 100,
        }
        .max(2)
        .min(height);
        let rest = height - list;
        let beside = width >= 2 * HEX - 30;
        let list = Part {
            x: 0,
            y: 0,
            width,
            height: list,
        };
        let top = list.height;
        let (tree, bytes) = if beside {
            let bytes = if width >= 2 * HEX + 48 {
                2 * HEX - 6
            } else {
                HEX
            };
            let split = width - bytes - 1;
            (
                Part {
                    x: 0,
                    y: top,
                    width: split,
                    height: rest,
                },
                Part {
                    x: split + 1,
                    y: top,
                    width: bytes,
                    height: rest,
                },
            )
        } else {
            let tree = rest - rest * 2 / 5;
            (
                Part {
                    x: 0,
                    y: top,
                    width,
                    height: tree,
                },
                Part {
                    x: 0,
                    y: top + tree,
                    width,
                    height: rest - tree,
                },
            )
        };
        Self {
            parts: [list, tree, bytes],
        }
    }

    /// Bytes on a line.
    fn across(&self) -> usize {
        let [.., bytes] = self.parts;
        match bytes.width {
            width if width >= 2 * HEX - 6 => 32,
            width if width >= HEX => 16,
            width if width >= HEX - 33 => 8,
            _ => 4,
        }
    }
}

/// Draws the tab.
pub(super) fn draw(page: &Page, sheet: &mut Sheet<'_>) {
    let areas = Areas::of(sheet.width(), sheet.height());
    let [list, tree, bytes] = areas.parts;
    draw_list(
        page,
        &mut sheet.part(list.x, list.y, list.width, list.height),
    );
    let stroke = sheet.look.pick('─', '-');
    for (part, title, pane) in [(tree, "layers", Pane::Tree), (bytes, "bytes", Pane::Bytes)] {
        if part.height == 0 {
            continue;
        }
        let ink = if page.frames.pane == pane {
            Ink::Accent
        } else {
            Ink::Quiet
        };
        sheet.row(part.x, part.y, part.width, Ink::Rule, stroke);
        sheet.put(part.x + 2, part.y, ink, &format!(" {title} "));
    }
    if bytes.x > 0 {
        let stroke = sheet.look.pick('│', '|');
        for y in bytes.y..bytes.y + bytes.height {
            sheet.set(bytes.x - 1, y, Ink::Rule, stroke);
        }
        sheet.set(bytes.x - 1, bytes.y, Ink::Rule, sheet.look.pick('┬', '+'));
    }
    let inside = |part: Part| Part {
        y: part.y + 1,
        height: part.height.saturating_sub(1),
        ..part
    };
    let (tree, bytes) = (inside(tree), inside(bytes));
    let wanted = page.frame();
    let Some(frame) = page
        .subject
        .frame
        .as_ref()
        .filter(|frame| Some(frame.number) == wanted)
    else {
        let text = match (&page.subject.failed, wanted) {
            (Some(words), _) => words.clone(),
            (None, Some(number)) => format!("reading frame {}", grouped(number)),
            (None, None) => "no frames".to_owned(),
        };
        let room = tree.width.saturating_sub(2);
        sheet.part(0, 0, tree.width, tree.y + tree.height).put_cut(
            1,
            tree.y,
            Ink::Quiet,
            &text,
            room,
        );
        return;
    };
    draw_tree(
        page,
        &frame.tree,
        &mut sheet.part(tree.x, tree.y, tree.width, tree.height),
    );
    let lit = frame
        .tree
        .fields
        .get(page.frames.field)
        .map(|field| field.range.clone());
    let mut part = sheet.part(bytes.x, bytes.y, bytes.width, bytes.height);
    draw_bytes(
        page,
        &frame.bytes,
        lit.unwrap_or_default(),
        areas.across(),
        &mut part,
    );
}

/// Columns of the list: where each ends, or begins where it is text.
fn draw_list(page: &Page, sheet: &mut Sheet<'_>) {
    let detail = page.detail();
    let focus = page.frames.pane == Pane::List;
    let wide = sheet.width() >= 100;
    let head = if wide {
        "    frame       time  from    flags            seq                      len         ack     window"
    } else {
        "    frame      time  from   flags    seq              len        ack  window"
    };
    sheet.put(0, 0, Ink::Strong, head);
    let room = sheet.height().saturating_sub(1);
    let listed = page.listed();
    let first = first_shown(listed.here, listed.total, room);
    if listed.total == 0 && room > 0 {
        let words = "no frame matches the filter; x takes it away";
        sheet.put_cut(2, 1, Ink::Quiet, words, sheet.width());
    }
    let mark = sheet.look.pick("▸", ">");
    let rows = (first..).map_while(|place| listed.row(place)).take(room);
    for (y, place) in rows.enumerate() {
        let Some(row) = detail.rows.get(place) else {
            continue;
        };
        let y = y + 1;
        let text = line(page, row, wide, sheet.look.more());
        let x = sheet.put(0, y, Ink::Plain, &text);
        // Who sent it, in its ink.
        let from = if wide { 22 } else { 21 };
        sheet.put(from, y, ink_of(row.from), row.from.name());
        if let Some(verdict) = weightiest(detail, row) {
            let room = sheet.width().saturating_sub(x + 2);
            let sign = sign_of(verdict);
            if room >= 12 {
                sheet.put_cut(x + 2, y, sign.ink, &words(verdict), room);
            } else {
                sheet.set(1, y, sign.ink, sign.letter);
            }
        }
        if place == page.at {
            sheet.under_cursor(y);
            sheet.put(0, y, if focus { Ink::Accent } else { Ink::Quiet }, mark);
        }
    }
}

/// A frame on a line of the list.
fn line(page: &Page, row: &Row, wide: bool, more: &str) -> String {
    let detail = page.detail();
    let show = |role: Role, position: i64| page.numbers.show(detail, role, position);
    let len = i64::from(row.payload_len);
    let mut seq = show(row.from, row.seq);
    if len > 0 {
        seq = format!("{seq}:{}", show(row.from, row.seq.saturating_add(len)));
    }
    let ack = row
        .ack
        .map_or_else(String::new, |ack| show(row.from.peer(), ack));
    let window = match row.window {
        Some(window) => window.to_string(),
        None => format!("{}?", row.window_raw),
    };
    if wide {
        format!(
            "{:>9} {:>10}  {:7} {:15}  {seq:22} {len:>6} {ack:>11} {window:>10}",
            row.frame,
            clock(detail, row.time, 10),
            "",
            cut(&flags(row.flags, false), 15, more),
        )
    } else {
        /// Columns for the flags.
        const ROOM: usize = 8;
        let all = flags(row.flags, false);
        let flags = match columns(&all) <= ROOM {
            true => all,
            false => cut(&flags(row.flags, true), ROOM, more),
        };
        format!(
            "{:>9} {:>9}  {:6} {flags:ROOM$} {seq:15} {len:>5} {ack:>10} {window:>7}",
            row.frame,
            clock(detail, row.time, 9),
            "",
        )
    }
}

fn draw_tree(page: &Page, tree: &Tree, sheet: &mut Sheet<'_>) {
    let shown = page.frames.shown(tree);
    let at = shown.iter().position(|&index| index == page.frames.field);
    let at = at.unwrap_or(0);
    let room = sheet.height();
    let first = first_shown(at, shown.len(), room);
    for (y, (place, &index)) in shown.iter().enumerate().skip(first).take(room).enumerate() {
        let Some(field) = tree.fields.get(index) else {
            continue;
        };
        let fold = match (tree.has_children(index), page.frames.is_open(tree, index)) {
            (false, _) => "  ",
            (true, true) => sheet.look.pick("▾ ", "- "),
            (true, false) => sheet.look.pick("▸ ", "+ "),
        };
        let indent = 1 + 2 * usize::from(field.depth);
        let x = sheet.put(indent, y, Ink::Quiet, fold);
        let ink = match (field.health, field.depth) {
            (Health::Bad, _) => Ink::Bad,
            (Health::Odd, _) => Ink::Warning,
            (Health::Good, _) => Ink::Good,
            (Health::Plain, 0) => Ink::Strong,
            (Health::Plain, _) => Ink::Plain,
        };
        let room = sheet.width().saturating_sub(x);
        sheet.put_cut(x, y, ink, &field.to_string(), room);
        if place == at {
            let pane = page.frames.pane == Pane::Tree;
            if pane {
                sheet.under_cursor(y);
            } else {
                sheet.bold(0, y, sheet.width());
            }
        }
    }
}

fn draw_bytes(
    page: &Page,
    bytes: &[u8],
    lit: core::ops::Range<usize>,
    across: usize,
    sheet: &mut Sheet<'_>,
) {
    let at = page.frames.byte.min(bytes.len().saturating_sub(1));
    let lines = bytes.len().div_ceil(across.max(1));
    let room = sheet.height();
    let first = first_shown(at / across.max(1), lines, room);
    let focus = page.frames.pane == Pane::Bytes;
    for (y, line) in bytes
        .chunks(across.max(1))
        .enumerate()
        .skip(first)
        .take(room)
    {
        let start = y * across;
        let y = y - first;
        sheet.put(1, y, Ink::Quiet, &format!("{start:04x}"));
        let characters = 7 + 3 * across + usize::from(across > 8) + 1;
        for (nth, byte) in line.iter().enumerate() {
            let offset = start + nth;
            // A space more after half of them.
            let x = 7 + 3 * nth + usize::from(across > 8 && nth >= across / 2);
            sheet.put(x, y, Ink::Plain, &format!("{byte:02x}"));
            let char = if byte.is_ascii_graphic() || *byte == b' ' {
                char::from(*byte)
            } else {
                sheet.look.pick('·', '.')
            };
            let ink = if byte.is_ascii_graphic() {
                Ink::Plain
            } else {
                Ink::Quiet
            };
            sheet.set(characters + nth, y, ink, char);
            if lit.contains(&offset) {
                let joined = lit.contains(&(offset + 1)) && nth + 1 < line.len();
                sheet.lit(x, y, if joined { 3 } else { 2 });
                sheet.lit(characters + nth, y, 1);
            }
            if focus && offset == at {
                sheet.put(x, y, Ink::Accent, &format!("{byte:02x}"));
                sheet.bold(x, y, 2);
            }
        }
    }
}
