//! The page of a UDP conversation: its datagrams, borders kept.
//!
//! ```text
//!  conversation 1   10.0.0.1:40000 > 10.0.0.2:53    2 datagrams in 16.3ms
//!     frame      time             payload   ttl
//!         5  0.000000  ──────▶       33 B    64
//!         6  0.016300  ◀──────       49 B    64
//! ```

use super::hints::hinted;
use crate::report::units::{bytes, counted, grouped};
use crate::tcp::Role;
use crate::tui::bindings::LIST;
use crate::tui::model::Model;
use crate::tui::sheet::{Ink, Sheet, first_shown};
use crate::tui::talk::TalkPage;

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
    sheet.put_right(10, y + 1, Ink::Quiet, "frame");
    sheet.put_right(24, y + 1, Ink::Quiet, "time");
    sheet.put_right(50, y + 1, Ink::Quiet, "payload");
    sheet.put_right(57, y + 1, Ink::Quiet, "ttl");
    let rows = height.saturating_sub(y + 3);
    let first = first_shown(page.at, talk.rows.len(), rows);
    for (line, row) in talk.rows.iter().skip(first).take(rows).enumerate() {
        let y = y + 2 + line;
        sheet.put_right(10, y, Ink::Quiet, &grouped(row.frame).to_string());
        let time = (row.time - talk.first).to_string();
        let micros = time.get(..time.len().saturating_sub(3)).unwrap_or(&time);
        sheet.put_right(24, y, Ink::Plain, micros);
        let (arrow, ink) = match row.from {
            Role::Client => (sheet.look.pick("──────▶", "------>"), Ink::Client),
            Role::Server => (sheet.look.pick("◀──────", "<------"), Ink::Server),
        };
        sheet.put(28, y, ink, arrow);
        sheet.put_right(
            50,
            y,
            Ink::Plain,
            &bytes(u64::from(row.payload_len)).to_string(),
        );
        sheet.put_right(57, y, Ink::Quiet, &row.ttl.to_string());
        if first + line == page.at {
            sheet.under_cursor(y);
        }
    }
    hinted(LIST, height - 1, width - 1, sheet);
}
