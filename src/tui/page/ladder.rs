//! The connection as a sequence diagram: time runs downwards, each segment is an arrow, the states
//! of both stand in the margins where they change, and the calls of the programs where a log of
//! them lies beside the capture. Only what is in sight is drawn.
//!
//! ```text
//!  frame      time       client                                              server
//!                               ┄┄┄┄┄┄┄┄┄┄┄┄ the server closes ┄┄┄┄┄┄┄┄┄┄┄┄┄
//!     22  0.026715   CLOSE-WAIT │◀━━━━━━━━━━━━━━━━ FIN  seq 14001  ack 1 ━━┥ FIN-WAIT-1
//! ▸   23  0.026716              │◀─────────── seq 4345:5793  len 1448 ─────┤
//!                               │     └ retransmission (fast, needed), likely │
//!     25  0.031939              ├╌╌ ack 4345  win 81920 ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌▶│
//! ─────────────────────────────────────────────────────────────────────────────────
//! frame 23  0.026716s  server ▶ client  ACK  1.51 kB on the wire
//! seq 4345:5793  len 1448  ack 1  win 65536
//! ```

use super::data::{Call, Detail, Row};
use super::judged::{sign_of, weightiest, words};
use super::phases::Phase;
use super::segment::{self, Numbers, clock, ink_of, label, later};
use super::sheet::{Ink, Sheet, columns, cut, wrapped};
use super::{Page, Subject};
use crate::report::ladder::Strokes;
use crate::report::units::grouped;
use crate::tcp::{Kind, Role};
use crate::time::{Span, Timestamp};
use crate::wire::Flags;

/// How the ladder is drawn.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ladder {
    /// Time is drawn to scale; else silences are one line each.
    pub(super) to_scale: bool,
    /// The label stands above its arrow; else on it.
    pub(super) roomy: bool,
}

/// A silence that is worth a line of its own where time is not drawn to scale.
const SILENCE: Span = Span::from_secs(1);
/// Lines of a gap in time at most where it is.
const LONGEST_GAP: i64 = 8;
/// Columns of a state beside its lifeline.
const STATE: usize = 12;

/// The columns of the diagram.
#[derive(Clone, Copy, Debug)]
struct Columns {
    frame: usize,
    time: usize,
    delta: usize,
    margin: usize,
    /// Between the lifelines.
    between: usize,
    /// For remarks at the right of everything; 0 is under the arrows.
    remarks: usize,
}

impl Columns {
    fn of(width: usize, calls: bool) -> Self {
        let frame = if width >= 84 { 8 } else { 0 };
        let time = if width >= 72 { 10 } else { 9 };
        let delta = if width >= 110 { 9 } else { 0 };
        let margin = match width {
            _ if !calls => STATE,
            ..100 => STATE,
            _ => (width / 6).clamp(STATE, 40),
        };
        // The mark of the cursor, a space before each margin and after the second, two lifelines.
        let taken = 1 + frame + time + delta + 2 * margin + 5;
        let free = width.saturating_sub(taken);
        let remarks = if free >= 108 { (free - 64).min(72) } else { 0 };
        Self {
            frame,
            time,
            delta,
            margin,
            between: free.saturating_sub(remarks).clamp(8, 100),
            remarks,
        }
    }

    /// Where the left lifeline stands.
    fn left(&self) -> usize {
        1 + self.frame + self.time + self.delta + 1 + self.margin + 1
    }

    fn right(&self) -> usize {
        self.left() + 1 + self.between
    }
}

/// A line of the diagram.
enum Line {
    /// A part of the connection's life begins.
    Heading(String),
    /// Time that passes.
    Gap(Option<String>),
    /// A call of one of the two programs.
    Call(Role, String),
    /// What a segment says, above its arrow.
    Label,
    /// The segment.
    Arrow,
    /// What it is judged to be: a line of it, whether it is the first, and the columns of the
    /// longest.
    Remark(Ink, String, bool, usize),
}

/// The diagram, for what it is drawn from and onto.
struct Diagram<'a> {
    subject: &'a Subject,
    detail: &'a Detail,
    ladder: Ladder,
    numbers: Numbers,
    columns: Columns,
    strokes: &'static Strokes,
    /// How long a line is where time is drawn to scale.
    unit: i64,
}

/// Draws the tab.
pub(super) fn draw(page: &Page, sheet: &mut Sheet<'_>) {
    let detail = page.detail();
    let (width, height) = (sheet.width(), sheet.height());
    let Some(row) = page.row() else {
        sheet.put(1, 0, Ink::Quiet, "no frames");
        return;
    };
    let card = segment::card(detail, row, page.numbers, sheet.look);
    let card_lines = match height {
        ..8 => 0,
        8..14 => 1,
        14..34 => 3,
        _ => 4,
    };
    let body = height - card_lines - usize::from(card_lines > 0);
    let diagram = Diagram {
        subject: &page.subject,
        detail,
        ladder: page.ladder,
        numbers: page.numbers,
        columns: Columns::of(width, !page.subject.calls.is_empty()),
        strokes: Strokes::of(sheet.look.unicode),
        unit: unit(detail),
    };
    diagram.head(sheet);
    diagram.body(
        &mut sheet.part(0, 1, width, body.saturating_sub(1)),
        page.at,
    );
    if card_lines > 0 {
        sheet.rule(body);
        for (y, pieces) in card.iter().take(card_lines).enumerate() {
            sheet.line(1, body + 1 + y, pieces);
        }
    }
}

/// How long a line is where time is drawn to scale: a quarter of a round trip, or a sixtieth of
/// the connection where none is known.
fn unit(detail: &Detail) -> i64 {
    let connection = &detail.connection;
    let halves = Role::BOTH.map(|role| connection.endpoint(role).rtt.minimum());
    let trip = match halves {
        [Some(client), Some(server)] => (client + server).as_nanos() / 4,
        [Some(one), None] | [None, Some(one)] => one.as_nanos() / 4,
        [None, None] => (detail.end - detail.first).as_nanos() / 60,
    };
    trip.max(1_000)
}

impl Diagram<'_> {
    fn head(&self, sheet: &mut Sheet<'_>) {
        let columns = self.columns;
        let mut x = 1;
        if columns.frame > 0 {
            sheet.put_right(x + columns.frame - 1, 0, Ink::Strong, "frame");
            x += columns.frame;
        }
        sheet.put_right(x + columns.time, 0, Ink::Strong, "time");
        if columns.delta > 0 {
            sheet.put_right(x + columns.time + columns.delta, 0, Ink::Strong, "after");
        }
        sheet.put_right(columns.left() - 1, 0, Ink::Client, "client");
        sheet.put(columns.right() + 2, 0, Ink::Server, "server");
        let time = if self.ladder.to_scale {
            format!("a line is {}", Span::from_nanos(self.unit).short())
        } else {
            "time folded".to_owned()
        };
        let numbers = match self.numbers {
            Numbers::Relative => "relative numbers",
            Numbers::Absolute => "absolute numbers",
        };
        let room = columns.between.saturating_sub(2);
        let text = match format!("{numbers}, {time}") {
            both if both.len() <= room => both,
            _ => time,
        };
        if text.len() <= room {
            let x = columns.left() + 1 + (columns.between - text.len()) / 2;
            sheet.put(x, 0, Ink::Quiet, &text);
        }
    }

    /// The lines around the row under the cursor: its arrow stands in the middle, but at the
    /// beginning and at the end.
    fn body(&self, sheet: &mut Sheet<'_>, at: usize) {
        let height = sheet.height();
        if height == 0 {
            return;
        }
        let own = self.block(at);
        let arrow = own
            .iter()
            .position(|line| matches!(line, Line::Arrow))
            .unwrap_or(0);
        // Blocks above, the nearest first, until the upper half is full or there are no more.
        let mut above = Vec::new();
        let mut lines_above = arrow;
        let mut first = at;
        while first > 0 && lines_above < height {
            first -= 1;
            let block = self.block(first);
            lines_above += block.len();
            above.push((first, block));
        }
        let mut below = Vec::new();
        let mut lines_below = own.len() - arrow;
        let mut next = at + 1;
        while next < self.detail.rows.len() && lines_below < height {
            let block = self.block(next);
            lines_below += block.len();
            below.push((next, block));
            next += 1;
        }
        // How many lines stand above the arrow: half of them, more where there is less below,
        // fewer where there is less above.
        let middle = (height / 2)
            .max(height.saturating_sub(lines_below))
            .min(lines_above);
        let mut skip = lines_above - middle;
        let mut y = 0;
        let blocks = above.into_iter().rev().chain([(at, own)]).chain(below);
        for (row, block) in blocks {
            for line in block {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                if y >= height {
                    return;
                }
                self.line(sheet, y, row, &line, row == at);
                y += 1;
            }
        }
        if y < height && self.detail.rows_dropped > 0 {
            let text = format!("{} more frames not kept", grouped(self.detail.rows_dropped));
            self.middle_text(sheet, y, Ink::Warning, &text);
        }
    }

    fn get(&self, row: usize) -> Option<&Row> {
        self.detail.rows.get(row)
    }

    /// The lines of one row: what comes before its segment, the segment, what is said of it.
    fn block(&self, at: usize) -> Vec<Line> {
        let Some(row) = self.get(at) else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        let previous = at.checked_sub(1).and_then(|at| self.get(at));
        self.calls(previous.map(|row| row.time), row.time, &mut lines);
        if let Some(previous) = previous {
            self.gap(row.time - previous.time, &mut lines);
        }
        for phase in self.subject.phases.at(at) {
            lines.push(Line::Heading(heading(phase, self.detail)));
        }
        if self.ladder.roomy {
            lines.push(Line::Label);
        }
        lines.push(Line::Arrow);
        if self.columns.remarks == 0 {
            self.remarks(row, &mut lines);
        }
        if at + 1 == self.detail.rows.len() {
            self.calls(Some(row.time), Timestamp::from_nanos(i64::MAX), &mut lines);
        }
        lines
    }

    fn calls(&self, after: Option<Timestamp>, until: Timestamp, lines: &mut Vec<Line>) {
        let calls = &self.subject.calls;
        let start = after.map_or(0, |after| calls.partition_point(|call| call.time <= after));
        let calls = calls.get(start..).unwrap_or_default();
        for call in calls.iter().take_while(|call| call.time <= until) {
            lines.push(Line::Call(call.host, said(call)));
        }
    }

    fn gap(&self, waited: Span, lines: &mut Vec<Line>) {
        let text = |waited: Span| Some(format!("{} of silence", waited.short()));
        if !self.ladder.to_scale {
            if waited >= SILENCE {
                lines.push(Line::Gap(text(waited)));
            }
            return;
        }
        let count = waited.as_nanos() / self.unit;
        if count > LONGEST_GAP {
            lines.extend([Line::Gap(None), Line::Gap(text(waited)), Line::Gap(None)]);
        } else {
            lines.extend((0..count).map(|_| Line::Gap(None)));
        }
    }

    fn remarks(&self, row: &Row, lines: &mut Vec<Line>) {
        for (ink, text) in remarks(self.detail, row) {
            let room = self.columns.between.saturating_sub(4);
            let parts = wrapped(&text, room);
            let longest = parts.iter().map(|part| columns(part)).max().unwrap_or(0);
            for (nth, part) in parts.into_iter().enumerate() {
                lines.push(Line::Remark(ink, part, nth == 0, longest + 2));
            }
        }
    }

    fn line(&self, sheet: &mut Sheet<'_>, y: usize, at: usize, line: &Line, cursor: bool) {
        let Some(row) = self.get(at) else { return };
        let columns = self.columns;
        let lifeline = match line {
            Line::Gap(Some(_)) => self.strokes.broken,
            _ => self.strokes.lifeline,
        };
        for x in [columns.left(), columns.right()] {
            sheet.set(x, y, Ink::Rule, lifeline);
        }
        match line {
            Line::Heading(text) => {
                let text = format!(" {text} ");
                let free = columns.between.saturating_sub(self::columns(&text));
                let left = columns.left() + 1;
                sheet.row(left, y, columns.between, Ink::Rule, self.strokes.rule);
                sheet.put_cut(left + free / 2, y, Ink::Strong, &text, columns.between);
            }
            Line::Gap(text) => {
                if let Some(text) = text {
                    self.middle_text(sheet, y, Ink::Quiet, text);
                }
            }
            Line::Call(role, text) => self.call(sheet, y, *role, text),
            Line::Label => {
                let room = columns.between.saturating_sub(2);
                let text = label(self.detail, row, self.numbers, room);
                let x = match row.from {
                    Role::Client => columns.left() + 2,
                    Role::Server => columns.right().saturating_sub(1 + text.len()),
                };
                sheet.put(x, y, self.ink(row), &text);
            }
            Line::Arrow => {
                self.margins(sheet, y, at, row);
                self.arrow(sheet, y, row);
                if columns.remarks > 0 {
                    self.beside(sheet, y, row);
                }
                if cursor {
                    sheet.under_cursor(y);
                    sheet.set(0, y, Ink::Accent, sheet.look.pick('▸', '>'));
                }
            }
            Line::Remark(ink, text, first, longest) => {
                let mark = if *first { self.strokes.mark } else { "  " };
                let x = match row.from {
                    Role::Client => columns.left() + 2,
                    // Its end stands below that of the label, where the arrow begins.
                    Role::Server => columns.right().saturating_sub(1 + longest),
                };
                let text = format!("{mark}{text}");
                sheet.put(x.max(columns.left() + 1), y, *ink, &text);
            }
        }
    }

    /// The ink of a segment's label: that of what it is judged to be.
    fn ink(&self, row: &Row) -> Ink {
        match weightiest(self.detail, row).map(|verdict| sign_of(verdict).ink) {
            Some(ink @ (Ink::Warning | Ink::Bad)) => ink,
            _ if row.flags.any(Flags::SYN | Flags::FIN | Flags::RST) => Ink::Strong,
            _ => Ink::Plain,
        }
    }

    fn middle_text(&self, sheet: &mut Sheet<'_>, y: usize, ink: Ink, text: &str) {
        let more = sheet.look.more();
        let text = cut(&format!("{more} {text} {more}"), self.columns.between, "");
        let free = self.columns.between.saturating_sub(columns(&text));
        sheet.put(self.columns.left() + 1 + free / 2, y, ink, &text);
    }

    fn margins(&self, sheet: &mut Sheet<'_>, y: usize, at: usize, row: &Row) {
        let columns = self.columns;
        let mut x = 1;
        if columns.frame > 0 {
            sheet.put_right(x + columns.frame - 1, y, Ink::Quiet, &row.frame.to_string());
            x += columns.frame;
        }
        let time = clock(self.detail, row.time, columns.time);
        sheet.put_right(x + columns.time, y, Ink::Quiet, &time);
        x += columns.time;
        let previous = at.checked_sub(1).and_then(|at| self.get(at));
        if let (1.., Some(previous)) = (columns.delta, previous) {
            let text = later(row.time - previous.time);
            sheet.put_right(x + columns.delta, y, Ink::Quiet, &text);
        }
        let [client, server] = row.states;
        let [client_changed, server_changed] = row.changed;
        if client_changed || at == 0 {
            sheet.put_right(columns.left() - 1, y, Ink::Strong, client.name());
        }
        if server_changed || at == 0 {
            sheet.put(columns.right() + 2, y, Ink::Strong, server.name());
        }
    }

    fn arrow(&self, sheet: &mut Sheet<'_>, y: usize, row: &Row) {
        let strokes = self.strokes;
        let [stroke, leaves_left, leaves_right] =
            if row.flags.any(Flags::SYN | Flags::FIN | Flags::RST) {
                strokes.control
            } else if row.payload_len > 0 {
                strokes.data
            } else {
                strokes.empty
            };
        let ink = ink_of(row.from);
        let (left, right) = (self.columns.left(), self.columns.right());
        let between = self.columns.between;
        sheet.row(left + 1, y, between, ink, stroke);
        let text = if self.ladder.roomy {
            String::new()
        } else {
            let room = between.saturating_sub(7);
            let text = label(self.detail, row, self.numbers, room);
            cut(&text, room, "")
        };
        let x = match row.from {
            Role::Client => {
                sheet.set(left, y, ink, leaves_left);
                sheet.set(right - 1, y, ink, strokes.right);
                left + 3
            }
            Role::Server => {
                sheet.set(right, y, ink, leaves_right);
                sheet.set(left + 1, y, ink, strokes.left);
                right.saturating_sub(4 + text.len())
            }
        };
        if !text.is_empty() {
            sheet.put(x, y, self.ink(row), &format!(" {text} "));
        }
    }

    /// What a segment is judged to be, at the right of everything.
    fn beside(&self, sheet: &mut Sheet<'_>, y: usize, row: &Row) {
        let mut x = self.columns.right() + 2 + self.columns.margin + 1;
        for (ink, text) in remarks(self.detail, row) {
            let room = sheet.width().saturating_sub(x);
            x = sheet.put_cut(x, y, ink, &text, room) + 2;
        }
    }

    fn call(&self, sheet: &mut Sheet<'_>, y: usize, role: Role, text: &str) {
        let columns = self.columns;
        // Where the margin is too small it stands between the lifelines, at its side.
        let inside = columns.margin < 20;
        let room = if inside {
            columns.between.saturating_sub(2)
        } else {
            columns.margin
        };
        let text = cut(text, room, sheet.look.more());
        let ink = ink_of(role);
        match (role, inside) {
            (Role::Client, false) => sheet.put_right(columns.left() - 1, y, ink, &text),
            (Role::Server, false) => {
                sheet.put(columns.right() + 2, y, ink, &text);
            }
            (Role::Client, true) => {
                sheet.put(columns.left() + 2, y, ink, &text);
            }
            (Role::Server, true) => sheet.put_right(columns.right() - 1, y, ink, &text),
        }
    }
}

/// A call as it stands in the margin.
fn said(call: &Call) -> String {
    let result = &call.result;
    if result.is_empty() {
        call.text.clone()
    } else {
        format!("{} = {result}", call.text)
    }
}

/// What is said of a segment, what matters most first.
fn remarks(detail: &Detail, row: &Row) -> Vec<(Ink, String)> {
    let mut all: Vec<_> = detail.verdicts(row).iter().collect();
    all.sort_by_key(|verdict| core::cmp::Reverse(sign_of(verdict).weight));
    all.into_iter()
        .map(|verdict| {
            let frame = verdict.proof.frames().find(|&frame| frame > 0);
            let text = match (frame, verdict.kind) {
                (Some(frame), kind) if kind != Kind::DuplicateAck => {
                    format!("{}, see frame {}", words(verdict), grouped(frame))
                }
                _ => words(verdict),
            };
            (sign_of(verdict).ink, text)
        })
        .collect()
}

fn heading(phase: Phase, detail: &Detail) -> String {
    match phase {
        Phase::Midstream => "the capture begins here, the connection earlier".to_owned(),
        Phase::Opening => "opening".to_owned(),
        Phase::Again => "opening again".to_owned(),
        Phase::Open => match detail.connection.handshake.round_trip() {
            Some(round_trip) => format!("open, round trip {}", round_trip.short()),
            None => "open".to_owned(),
        },
        Phase::Closes(role) => format!("the {role} closes"),
        Phase::ClosesToo(role) => format!("the {role} closes too"),
        Phase::Resets(role) => format!("the {role} resets"),
    }
}
