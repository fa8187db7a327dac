//! UDP conversations.

use crate::report::units::{bytes, grouped};
use crate::tui::column::Column;
use crate::tui::layout::{self, Heading};
use crate::tui::model::Model;
use crate::tui::sheet::{Ink, Sheet, cut};
use crate::tui::snapshot::{Line, UdpLine};

pub(super) fn draw(model: &Model, sheet: &mut Sheet<'_>) {
    super::headings::draw(model, sheet);
    let places = layout::headings(model, sheet.width());
    let rows = sheet.height().saturating_sub(1);
    let mut any = false;
    for (y, at, line) in super::shown(model, rows) {
        any = true;
        if let Some(Line::Udp(line)) = line {
            row(line, y, &places, sheet);
        }
        if at == model.cursor {
            sheet.under_cursor(y);
        }
    }
    if !any {
        super::nothing(model, "UDP conversation", sheet);
    }
}

fn row(line: &UdpLine, y: usize, places: &[Heading], sheet: &mut Sheet<'_>) {
    let volume = |count: u64| match count {
        0 => "-".to_owned(),
        count => bytes(count).to_string(),
    };
    let packets: u64 = line.packets.iter().sum();
    let mut sockets = [Ink::Client, Ink::Server].into_iter().enumerate();
    for &Heading {
        column, x, width, ..
    } in places
    {
        let (text, ink) = match column {
            Some(Column::Id) => (line.id.to_string(), Ink::Quiet),
            Some(Column::Duration) => (line.duration.short().to_string(), Ink::Plain),
            Some(Column::Sent) => (volume(line.bytes[0]), Ink::Plain),
            Some(Column::Received) => (volume(line.bytes[1]), Ink::Plain),
            Some(Column::Packets) => (grouped(packets).to_string(), Ink::Plain),
            Some(_) => {
                let (words, ink) = match (line.icmp, line.unanswered) {
                    (Some(words), _) => (words, Ink::Bad),
                    (None, true) => ("unanswered", Ink::Warning),
                    _ => ("", Ink::Plain),
                };
                (cut(words, width, sheet.look.more()), ink)
            }
            None => {
                let Some((role, ink)) = sockets.next() else {
                    continue;
                };
                let (host, port) = super::socket(
                    line.names[role].as_deref(),
                    &line.addresses[role],
                    line.ports[role],
                    width,
                    sheet.look.more(),
                );
                let x = sheet.put(x, y, ink, &host);
                sheet.put(x, y, Ink::Quiet, &port);
                continue;
            }
        };
        let ink = if text == "-" { Ink::Rule } else { ink };
        sheet.put_right(x + width, y, ink, &text);
    }
}
