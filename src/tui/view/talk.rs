//! The page of a UDP conversation: its datagrams, borders kept.
//!
//! ```text
//!  conversation 1   10.0.0.1:40000 > 10.0.0.2:53    2 datagrams in 16.3ms
//!     frame      time             payload   ttl
//!         5  0.000000  ──────▶       33 B    64
//!         6  0.016300  ◀──────       49 B    64
//! ```

use super::hints::hinted;
use crate::report::tree::Health;
use crate::report::units::{bytes, counted, grouped};
use crate::tcp::Role;
use crate::time::Span;
use crate::tui::bindings::LIST;
use crate::tui::model::{Message, Model};
use crate::tui::sheet::{Ink, Sheet, boxed, first_shown};
use crate::tui::talk::{TalkFrame, TalkPage};

pub(super) fn draw(_model: &Model, page: &TalkPage, sheet: &mut Sheet<'_>) {
    let talk = &page.talk;
    let (width, height) = (sheet.width(), sheet.height());
    let mut x = sheet.put(1, 0, Ink::Strong, &format!("conversation {}", talk.id)) + 2;
    for (role, ink) in [Ink::Client, Ink::Server].into_iter().enumerate() {
        if role == 1 {
            x = sheet.put(x, 0, Ink::Quiet, sheet.look.pick(" ▸ ", " > "));
        }
        x = sheet.put(x, 0, ink, &talk.sockets[role].to_string());
    }
    let total = talk.rows.len() as u64 + talk.rows_before + talk.rows_dropped;
    let text = format!(
        "{} in {}",
        counted(total, "datagram"),
        talk.conversation.duration().short()
    );
    if x + 2 + text.len() < width {
        sheet.put(x + 2, 0, Ink::Plain, &text);
    }
    let mut y = 1;
    for error in talk.icmp.iter().take(3) {
        let text = format!("! frame {}: ICMP {}", grouped(error.frame), error.words);
        sheet.put_cut(1, y, Ink::Bad, &text, width - 2);
        y += 1;
    }
    if let Some(reason) = &talk.missing.reason {
        let text = format!(
            "! {} can't be read again: {}",
            counted(talk.missing.frames, "frame"),
            crate::report::escape::escaped(&reason.reason)
        );
        sheet.put_cut(1, y, Ink::Bad, &text, width - 2);
        y += 1;
    }
    sheet.rule(y);
    let rows = height.saturating_sub(y + 3);
    let first = first_shown(page.at, talk.rows.len(), rows);
    let shown = talk.rows.iter().skip(first).take(rows);
    let times: Vec<String> = shown
        .clone()
        .map(|row| micros(row.time - talk.first))
        .collect();
    let longest = times.iter().map(String::len).max().unwrap_or(0);
    // Days take more than seconds do.
    let wide = longest.saturating_sub(24 - 12);
    sheet.put_right(10, y + 1, Ink::Quiet, "frame");
    sheet.put_right(24 + wide, y + 1, Ink::Quiet, "time");
    sheet.put_right(50 + wide, y + 1, Ink::Quiet, "payload");
    sheet.put_right(57 + wide, y + 1, Ink::Quiet, "ttl");
    for (line, (row, time)) in shown.zip(&times).enumerate() {
        let y = y + 2 + line;
        sheet.put_right(10, y, Ink::Quiet, &grouped(row.frame).to_string());
        sheet.put_right(24 + wide, y, Ink::Plain, time);
        let (arrow, ink) = match row.from {
            Role::Client => (sheet.look.pick("──────▶", "------>"), Ink::Client),
            Role::Server => (sheet.look.pick("◀──────", "<------"), Ink::Server),
        };
        sheet.put(28 + wide, y, ink, arrow);
        sheet.put_right(
            50 + wide,
            y,
            Ink::Plain,
            &bytes(u64::from(row.payload_len)).to_string(),
        );
        sheet.put_right(57 + wide, y, Ink::Quiet, &row.ttl.to_string());
        if first + line == page.at {
            sheet.under_cursor(y);
        }
    }
    let hints = LIST.iter().map(|binding| {
        let hint = match binding.message {
            Message::Open if page.open.is_some() => "close",
            Message::Open => "open",
            _ => binding.hint,
        };
        (binding.keys.to_vec(), hint)
    });
    hinted(hints, height - 1, width - 1, sheet);
    if let Some(open) = &page.open {
        frame(open, sheet);
    }
}

/// Seconds to the microsecond.
fn micros(time: Span) -> String {
    let mut time = time.to_string();
    time.truncate(time.len().saturating_sub(3));
    time
}

/// The layers of a datagram's frame, and its bytes.
fn frame(open: &TalkFrame, sheet: &mut Sheet<'_>) {
    let (fields, bytes) = (&open.frame.tree.fields, &open.frame.bytes);
    let title = format!("frame {}", grouped(open.frame.number));
    let mut own = boxed(&title, 100, open.lines() + 2, sheet);
    let (width, rows) = (own.width(), own.height());
    let first = open.first.min(open.lines().saturating_sub(rows));
    for (y, line) in (first..open.lines()).take(rows).enumerate() {
        if let Some(field) = fields.get(line) {
            let ink = match (field.health, field.depth) {
                (Health::Bad, _) => Ink::Bad,
                (Health::Odd, _) => Ink::Warning,
                (Health::Good, _) => Ink::Good,
                (Health::Plain, 0) => Ink::Strong,
                (Health::Plain, _) => Ink::Plain,
            };
            let x = 2 * usize::from(field.depth);
            own.put_cut(x, y, ink, &field.to_string(), width.saturating_sub(x));
            continue;
        }
        let Some(at) = line.checked_sub(fields.len() + 1) else {
            continue;
        };
        let start = at * TalkFrame::ACROSS;
        let part = bytes.iter().skip(start).take(TalkFrame::ACROSS);
        let (mut hex, mut text) = (String::new(), String::new());
        for &byte in part {
            hex += &format!(" {byte:02x}");
            text.push(match byte {
                b' '..=b'~' => char::from(byte),
                _ => own.look.pick('·', '.'),
            });
        }
        let x = own.put(0, y, Ink::Quiet, &format!("{start:04x} "));
        own.put(x, y, Ink::Plain, &hex);
        own.put_cut(
            x + 3 * TalkFrame::ACROSS + 2,
            y,
            Ink::Plain,
            &text,
            TalkFrame::ACROSS,
        );
    }
    if first + rows < open.lines() {
        let more = own.look.pick(" ↓ ", " v ");
        own.put_right(width, rows.saturating_sub(1), Ink::Accent, more);
    }
}
