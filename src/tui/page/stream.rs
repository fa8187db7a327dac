//! The bytes of both directions, in the order in which they were delivered, with the gaps drawn.
//!
//! ```text
//!  both directions   text   4.21 kB from the client, 812 kB from the server
//!      4 > GET / HTTP/1.0
//!        > Host: web.example
//!      6 < HTTP/1.0 200 OK
//!        < ── 1,448 bytes are not in the capture ──
//! ```

use super::data::{Run, StreamView, What};
use super::find::{Match, Needle};
use super::segment::ink_of;
use super::sheet::{Ink, Sheet, columns, first_shown};
use super::{HEAD, Page, PageEffect, PageMessage, Tab};
use crate::report::escape::escaped_bytes;
use crate::report::units::{bytes, counted, grouped};
use crate::tcp::Role;

/// Columns before the bytes: frame, direction.
const GUTTER: usize = 11;

/// A line: part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    run: u32,
    start: u32,
    end: u32,
}

/// Where one is in the tab.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    /// What is typed to search for.
    pub(super) typing: Option<String>,
    /// Whether the bytes were asked for.
    pub(super) asked: bool,
    hex: bool,
    only: Option<Role>,
    lines: Vec<Line>,
    /// The line under the cursor.
    at: usize,
    /// What lines were made for: columns.
    made: usize,
    needle: Option<Needle>,
    matches: Vec<Match>,
    /// The match under the cursor.
    found: Option<usize>,
}

impl Stream {
    /// There may be more by now.
    pub(super) fn renew(&mut self) {
        self.asked = false;
    }

    /// Cuts what was read into lines.
    fn cut(&mut self, view: &StreamView, width: usize) {
        let room = width.saturating_sub(GUTTER + 1).max(8);
        let across = across(width);
        self.made = width;
        self.lines.clear();
        for (place, run) in view.runs.iter().enumerate() {
            if self.only.is_some_and(|only| only != run.from) {
                continue;
            }
            let all = view.bytes(run);
            let mut start = 0;
            loop {
                let rest = all.get(start..).unwrap_or_default();
                let end = start
                    + if self.hex {
                        rest.len().min(across)
                    } else {
                        text_len(rest, room)
                    };
                self.lines.push(Line {
                    run: place as u32,
                    start: start as u32,
                    end: end as u32,
                });
                start = end;
                if start >= all.len() {
                    break;
                }
            }
        }
    }

    fn line_of(&self, run: usize, byte: usize) -> usize {
        let key = (run as u32, byte as u32);
        let after = self
            .lines
            .partition_point(|line| (line.run, line.start) <= key);
        after.saturating_sub(1)
    }
}

/// How many bytes make a line of text: up to a line's end, or as many as fit.
fn text_len(rest: &[u8], room: usize) -> usize {
    let most = rest.len().min(room);
    let head = rest.get(..most).unwrap_or(rest);
    if let Some(end) = head.iter().position(|&byte| byte == b'\n') {
        return end + 1;
    }
    // What takes several columns a byte is cut earlier.
    let mut taken = 0;
    for (at, byte) in head.iter().enumerate() {
        taken += match byte {
            b'\\' | b'\n' | b'\r' | b'\t' => 2,
            0x20..=0x7e => 1,
            0x80.. => 4,
            _ => 4,
        };
        if taken > room {
            return whole(rest, at).max(1);
        }
    }
    whole(rest, most).max(most.min(1))
}

/// The place at or before `at` where no character of UTF-8 is cut in two.
fn whole(bytes: &[u8], at: usize) -> usize {
    /// Octets of a character at most (RFC 3629 section 3).
    const LONGEST: usize = 4;
    let is_begin = |place: &usize| bytes.get(*place).is_none_or(|byte| byte & 0xc0 != 0x80);
    let back = (at.saturating_sub(LONGEST - 1)..=at).rev().find(is_begin);
    back.unwrap_or(at)
}

/// Bytes on a line of hex digits.
fn across(width: usize) -> usize {
    match width.saturating_sub(GUTTER) {
        ..77 => 8,
        77..142 => 16,
        _ => 32,
    }
}

/// The bytes have come.
pub(super) fn arrived(page: &mut Page) {
    let width = page.room.0;
    let Some(view) = page.subject.stream.clone() else {
        return;
    };
    page.stream.cut(&view, width);
    page.stream.matches = match &page.stream.needle {
        Some(needle) => needle.matches(&view),
        None => Vec::new(),
    };
    page.stream.at = page
        .stream
        .at
        .min(page.stream.lines.len().saturating_sub(1));
    follow(page);
}

/// To the bytes of the frame under the cursor, if they are elsewhere.
pub(super) fn follow(page: &mut Page) {
    let (Some(view), Some(frame)) = (&page.subject.stream, page.frame()) else {
        return;
    };
    let own = page.stream.lines.get(page.stream.at);
    let own = own.and_then(|line| view.runs.get(line.run as usize));
    if own.is_some_and(|run| run.frame == Some(frame)) {
        return;
    }
    let run = view.run_of(frame);
    if !view.runs.is_empty() {
        page.stream.at = page.stream.line_of(run.min(view.runs.len() - 1), 0);
    }
}

/// Takes a message in.
pub(super) fn update(page: &mut Page, message: &PageMessage, effects: &mut Vec<PageEffect>) {
    let view = page.subject.stream.clone();
    if typed(page, message, view.as_deref()) {
        return;
    }
    let Some(view) = view else { return };
    if page.stream.made != page.room.0 {
        page.stream.cut(&view, page.room.0);
    }
    let last = page.stream.lines.len().saturating_sub(1);
    let screen = page.body().saturating_sub(3).max(1) as isize;
    let before = page.stream.at;
    match *message {
        PageMessage::Step(by) => {
            if by > 0 && page.stream.at == last && view.after > 0 {
                more(page, view.next(), effects);
            }
            page.stream.at = page.stream.at.saturating_add_signed(by).min(last);
        }
        PageMessage::Leaf(by) => {
            let by = by.saturating_mul(screen);
            page.stream.at = page.stream.at.saturating_add_signed(by).min(last);
        }
        PageMessage::First => {
            if view.before > 0 {
                more(page, 0, effects);
            }
            page.stream.at = 0;
        }
        PageMessage::Last => page.stream.at = last,
        PageMessage::Stop(by) => to_match(page, by),
        PageMessage::Direction => {
            page.stream.only = match page.stream.only {
                None => Some(Role::Client),
                Some(Role::Client) => Some(Role::Server),
                Some(Role::Server) => None,
            };
            recut(page, &view);
        }
        PageMessage::Switch(_) => {
            page.stream.hex = !page.stream.hex;
            recut(page, &view);
        }
        PageMessage::Enter => {
            page.show(Tab::Frames);
            return;
        }
        PageMessage::Save => save(page, &view, effects),
        PageMessage::Copy => {
            if let Some((run, line)) = under_cursor(page, &view) {
                let all = view.bytes(run);
                let own = all
                    .get(line.start as usize..line.end as usize)
                    .unwrap_or_default();
                effects.push(PageEffect::Copy(String::from_utf8_lossy(own).into_owned()));
            }
        }
        PageMessage::Click(_, y) => {
            let rows = page.body().saturating_sub(1);
            let first = first_shown(page.stream.at, page.stream.lines.len(), rows);
            if let Some(y) = usize::from(y).checked_sub(HEAD + 1) {
                page.stream.at = (first + y).min(last);
            }
        }
        _ => {}
    }
    if page.stream.at != before {
        to_frame(page, &view);
    }
}

/// Brings the page to the frame of the line under the cursor.
fn to_frame(page: &mut Page, view: &StreamView) {
    let frame = under_cursor(page, view).and_then(|(run, _)| run.frame);
    if let Some(frame) = frame {
        let row = page.detail().row_of(frame);
        if page
            .detail()
            .rows
            .get(row)
            .is_some_and(|row| row.frame == frame)
        {
            page.at = row;
        }
    }
}

fn under_cursor<'v>(page: &Page, view: &'v StreamView) -> Option<(&'v Run, Line)> {
    let line = *page.stream.lines.get(page.stream.at)?;
    Some((view.runs.get(line.run as usize)?, line))
}

/// Cuts anew, and stays at the same bytes.
fn recut(page: &mut Page, view: &StreamView) {
    let here = page.stream.lines.get(page.stream.at).copied();
    page.stream.cut(view, page.room.0);
    if let Some(line) = here {
        page.stream.at = page.stream.line_of(line.run as usize, line.start as usize);
    }
}

fn more(page: &mut Page, skip: u64, effects: &mut Vec<PageEffect>) {
    page.note = Some("reading on".to_owned());
    effects.push(PageEffect::NeedStream(skip));
}

/// Takes in what is typed to search for. Whether the message was about that.
fn typed(page: &mut Page, message: &PageMessage, view: Option<&StreamView>) -> bool {
    match (message, &mut page.stream.typing) {
        (PageMessage::Search, typing) => *typing = Some(String::new()),
        (PageMessage::Typed(char), Some(text)) => text.push(*char),
        (PageMessage::Erase, Some(text)) => {
            if text.pop().is_none() {
                page.stream.typing = None;
            }
        }
        (PageMessage::Cancel, typing) => *typing = None,
        (PageMessage::Accept, typing) => {
            let text = typing.take().unwrap_or_default();
            match Needle::of(&text) {
                Some(needle) => {
                    page.stream.matches = view.map_or_else(Vec::new, |view| needle.matches(view));
                    page.stream.needle = Some(needle);
                    page.stream.found = None;
                    to_match(page, 1);
                }
                None if text.is_empty() => {
                    page.stream.needle = None;
                    page.stream.matches.clear();
                }
                None => page.note = Some("bytes are written as 0x1f8b".to_owned()),
            }
        }
        _ => return false,
    }
    true
}

/// To the next match, or the one before.
fn to_match(page: &mut Page, by: isize) {
    let count = page.stream.matches.len();
    if count == 0 {
        let words = if page.stream.needle.is_some() {
            "not found in what was read"
        } else {
            "/ searches"
        };
        page.note = Some(words.to_owned());
        return;
    }
    let next = match page.stream.found {
        Some(at) => (at as isize + by).rem_euclid(count as isize) as usize,
        None => {
            let here = page
                .stream
                .lines
                .get(page.stream.at)
                .map_or((0, 0), |line| (line.run as usize, line.start as usize));
            let after = page
                .stream
                .matches
                .partition_point(|each| each.start() < here);
            after % count
        }
    };
    page.stream.found = Some(next);
    page.note = Some(format!("match {} of {}", next + 1, grouped(count as u64)));
    let start = page.stream.matches.get(next).map(Match::start);
    if let Some((run, byte)) = start {
        page.stream.at = page.stream.line_of(run, byte);
        if let Some(view) = page.subject.stream.clone() {
            to_frame(page, &view);
        }
    }
}

fn save(page: &mut Page, view: &StreamView, effects: &mut Vec<PageEffect>) {
    let only = page
        .stream
        .only
        .or_else(|| under_cursor(page, view).map(|(run, _)| run.from));
    let Some(role) = only else { return };
    let mut all = Vec::new();
    for run in view.runs.iter().filter(|run| run.from == role) {
        all.extend_from_slice(view.bytes(run));
    }
    if view.before > 0 || view.after > 0 {
        page.note = Some("only what was read: tcplens extract writes all of it".to_owned());
    }
    effects.push(PageEffect::Save {
        name: format!("connection-{}-{}.bin", page.detail().id, role),
        bytes: all,
    });
}

/// Draws the tab.
pub(super) fn draw(page: &Page, sheet: &mut Sheet<'_>) {
    let (width, height) = (sheet.width(), sheet.height());
    let Some(view) = &page.subject.stream else {
        let words = page
            .subject
            .failed
            .as_deref()
            .unwrap_or("reading the streams");
        sheet.put_cut(1, 0, Ink::Quiet, words, width.saturating_sub(2));
        return;
    };
    head(page, view, sheet);
    let rows = height.saturating_sub(1);
    let lines = &page.stream.lines;
    let first = first_shown(page.stream.at, lines.len(), rows);
    for (y, (at, line)) in lines.iter().enumerate().skip(first).take(rows).enumerate() {
        let y = y + 1;
        let Some(run) = view.runs.get(line.run as usize) else {
            continue;
        };
        let ink = ink_of(run.from);
        if line.start == 0
            && let Some(frame) = run.frame
        {
            sheet.put_right(8, y, Ink::Quiet, &frame.to_string());
        }
        sheet.put(9, y, ink, if run.from == Role::Client { ">" } else { "<" });
        match &run.what {
            What::Gap(len) => {
                let text = format!("{} {} not in the capture", counted(*len, "byte"), are(*len));
                let stroke = sheet.look.pick("──", "--");
                let text = format!("{stroke} {text} {stroke}");
                sheet.put_cut(GUTTER, y, Ink::Warning, &text, width.saturating_sub(GUTTER));
            }
            What::Bytes(_) => {
                let all = view.bytes(run);
                let own = all
                    .get(line.start as usize..line.end as usize)
                    .unwrap_or_default();
                if page.stream.hex {
                    hex(page, *line, run, own, y, sheet);
                } else {
                    text(page, *line, ink, own, y, sheet);
                }
            }
        }
        if at == page.stream.at {
            sheet.put(0, y, Ink::Accent, sheet.look.pick("▸", ">"));
        }
    }
    if lines.is_empty() {
        sheet.put(2, 2, Ink::Quiet, "no bytes were carried");
    }
    if let Some(typed) = &page.stream.typing {
        let y = height.saturating_sub(1);
        sheet.part(0, y, width, 1).clear();
        let x = sheet.put(1, y, Ink::Accent, "/");
        let x = sheet.put(x, y, Ink::Strong, typed);
        sheet.put(x, y, Ink::Accent, "_");
    }
}

fn are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn head(page: &Page, view: &StreamView, sheet: &mut Sheet<'_>) {
    let which = match page.stream.only {
        None => "both directions",
        Some(Role::Client) => "from the client",
        Some(Role::Server) => "from the server",
    };
    let form = if page.stream.hex { "hex" } else { "text" };
    let x = sheet.put(1, 0, Ink::Strong, which) + 2;
    let x = sheet.put(x, 0, Ink::Accent, form) + 2;
    let [client, server] = view.lengths;
    let mut text = format!(
        "{} from the client, {} from the server",
        bytes(client),
        bytes(server)
    );
    let gaps: u64 = view.gaps.iter().sum();
    if gaps > 0 {
        text += &format!(", {} missing", bytes(gaps));
    }
    if view.before > 0 || view.after > 0 {
        text += &format!("; shown from byte {}", grouped(view.before));
    }
    let room = sheet.width().saturating_sub(x + 1);
    sheet.put_cut(x, 0, Ink::Quiet, &text, room);
}

/// Parts of matches that lie on a line, in bytes from its begin.
fn lit(page: &Page, line: Line) -> Vec<(usize, usize, bool)> {
    let key = (line.run as usize, line.end as usize);
    let end = page
        .stream
        .matches
        .partition_point(|each| each.start() < key);
    let first = end.saturating_sub(256);
    let mut parts = Vec::new();
    let near = page.stream.matches.iter().enumerate().take(end).skip(first);
    for (at, each) in near {
        for (run, range) in &each.parts {
            let from = range.start.max(line.start as usize);
            let to = range.end.min(line.end as usize);
            if *run == line.run as usize && from < to {
                let own = page.stream.found == Some(at);
                parts.push((from - line.start as usize, to - line.start as usize, own));
            }
        }
    }
    parts
}

fn text(page: &Page, line: Line, ink: Ink, own: &[u8], y: usize, sheet: &mut Sheet<'_>) {
    let shown = own.strip_suffix(b"\n").unwrap_or(own);
    let shown = shown.strip_suffix(b"\r").unwrap_or(shown);
    let room = sheet.width().saturating_sub(GUTTER);
    sheet.put_cut(GUTTER, y, ink, &escaped_bytes(shown).to_string(), room);
    for (from, to, own_match) in lit(page, line) {
        let before = columns(&escaped_bytes(shown.get(..from).unwrap_or(shown)).to_string());
        let within = shown.get(from..to.min(shown.len())).unwrap_or_default();
        let wide = columns(&escaped_bytes(within).to_string());
        sheet.lit(GUTTER + before, y, wide);
        if own_match {
            sheet.bold(GUTTER + before, y, wide);
        }
    }
}

fn hex(page: &Page, line: Line, run: &Run, own: &[u8], y: usize, sheet: &mut Sheet<'_>) {
    let across = across(sheet.width());
    let offset = run.offset + u64::from(line.start);
    let x = sheet.put(GUTTER, y, Ink::Quiet, &format!("{offset:08x}")) + 2;
    let characters = x + across * 3 + 2;
    let marked = lit(page, line);
    for (at, byte) in own.iter().enumerate() {
        let place = x + at * 3 + usize::from(at >= across / 2);
        sheet.put(place, y, ink_of(run.from), &format!("{byte:02x}"));
        let graphic = byte.is_ascii_graphic() || *byte == b' ';
        let char = if graphic {
            char::from(*byte)
        } else {
            sheet.look.pick('·', '.')
        };
        let ink = if graphic { Ink::Plain } else { Ink::Quiet };
        sheet.set(characters + at, y, ink, char);
        if marked
            .iter()
            .any(|(from, to, _)| (*from..*to).contains(&at))
        {
            sheet.lit(place, y, 2);
            sheet.lit(characters + at, y, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_ends_within_a_character() {
        let text = "grüße — 日本語".repeat(9).into_bytes();
        for room in 1..60 {
            let mut rest = text.as_slice();
            while !rest.is_empty() {
                let (line, others) = rest.split_at(text_len(rest, room));
                assert!(!line.is_empty());
                let fits = room < 16 || core::str::from_utf8(line).is_ok();
                assert!(fits, "{room}: {line:x?}");
                rest = others;
            }
        }
        // What is no UTF-8 is cut somewhere.
        assert_eq!(text_len(&[0x80; 40], 16), 4);
    }

    #[test]
    fn lines_end_where_text_does_or_room() {
        assert_eq!(text_len(b"GET / HTTP\r\nHost", 40), 12);
        assert_eq!(text_len(b"abcdefgh", 4), 4);
        assert_eq!(text_len(&[0xff; 20], 8), 2);
        assert_eq!(text_len(b"", 8), 0);
        assert_eq!(text_len(&[0xff], 1), 1);
    }
}
