//! UDP conversations.

use crate::report::units::{bytes, grouped};
use crate::tui::model::Model;
use crate::tui::sheet::{Ink, Sheet};
use crate::tui::snapshot::{Line, UdpLine};

/// Columns beside the two sockets.
const FIGURES: [(&str, usize); 5] = [
    ("time", 8),
    ("sent", 8),
    ("recv", 8),
    ("packets", 9),
    ("", 22),
];

pub(super) fn draw(model: &Model, sheet: &mut Sheet<'_>) {
    let width = sheet.width();
    let shown = if width >= 100 { 5 } else { 4 };
    let figures: usize = FIGURES.iter().take(shown).map(|(_, width)| width + 1).sum();
    let socket = (width.saturating_sub(figures + 10) / 2).clamp(12, 46);
    sheet.put_right(6, 0, Ink::Quiet, "id");
    sheet.put(7, 0, Ink::Quiet, "first to speak");
    sheet.put(8 + socket, 0, Ink::Quiet, "other");
    let mut x = 9 + 2 * socket;
    for (heading, width) in FIGURES.iter().take(shown) {
        x += width + 1;
        sheet.put_right(x - 1, 0, Ink::Quiet, heading);
    }
    let rows = sheet.height().saturating_sub(1);
    let mut any = false;
    for (y, at, line) in super::shown(model, rows) {
        any = true;
        if let Some(Line::Udp(line)) = line {
            row(line, y, socket, shown, sheet);
        }
        if at == model.cursor {
            sheet.under_cursor(y);
        }
    }
    if !any {
        super::nothing(model, "UDP conversation", sheet);
    }
}

fn row(line: &UdpLine, y: usize, room: usize, shown: usize, sheet: &mut Sheet<'_>) {
    sheet.put_right(6, y, Ink::Quiet, &line.id.to_string());
    for (role, ink) in [Ink::Client, Ink::Server].into_iter().enumerate() {
        let (host, port) = super::socket(
            line.names[role].as_deref(),
            &line.addresses[role],
            line.ports[role],
            room,
            sheet.look.more(),
        );
        let x = sheet.put(7 + role * (room + 1), y, ink, &host);
        sheet.put(x, y, Ink::Quiet, &port);
    }
    let volume = |count: u64| match count {
        0 => "-".to_owned(),
        count => bytes(count).to_string(),
    };
    let packets: u64 = line.packets.iter().sum();
    let (word, ink) = match (line.icmp, line.unanswered) {
        (Some(words), _) => (words, Ink::Bad),
        (None, true) => ("unanswered", Ink::Warning),
        _ => ("", Ink::Plain),
    };
    let values = [
        (line.duration.short().to_string(), Ink::Plain),
        (volume(line.bytes[0]), Ink::Plain),
        (volume(line.bytes[1]), Ink::Plain),
        (grouped(packets).to_string(), Ink::Plain),
        (crate::tui::sheet::cut(word, 22, sheet.look.more()), ink),
    ];
    let mut x = 9 + 2 * room;
    for ((text, ink), (_, width)) in values.iter().zip(FIGURES).take(shown) {
        x += width + 1;
        let ink = if text == "-" { Ink::Rule } else { *ink };
        sheet.put_right(x - 1, y, ink, text);
    }
}
