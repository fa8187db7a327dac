//! The last lines: what is under the cursor in words, and the keys that matter here.

use crate::report::style::Tone;
use crate::report::units::counted;
use crate::tui::bindings::TRIAGE;
use crate::tui::edit::Edit;
use crate::tui::keys::{Binding, Key};
use crate::tui::model::{Layer, Message, Model};
use crate::tui::own_keys::keys_of;
use crate::tui::page::Page;
use crate::tui::sheet::{Ink, Sheet, columns, wrapped};
use crate::tui::snapshot::{Line, UdpLine};

/// The first screen's last three lines.
pub(super) fn foot(model: &Model, sheet: &mut Sheet<'_>) {
    let height = sheet.height();
    let y = height.saturating_sub(3);
    sheet.rule(y);
    story(model, y + 1, sheet);
    if matches!(model.layer, Layer::Filter(_)) {
        return;
    }
    let place = if model.snapshot.total > 0 && model.snapshot.tab == model.tab {
        let total = crate::report::units::grouped(model.snapshot.total as u64);
        format!("{} of {total}", model.cursor + 1)
    } else {
        String::new()
    };
    let end = sheet.width().saturating_sub(1);
    sheet.put_right(end, height - 1, Ink::Quiet, &place);
    let room = end.saturating_sub(columns(&place) + 2);
    if model.is_new {
        let words = "New here? enter opens, / filters as Wireshark does, ? tells all keys";
        sheet.put_cut(1, height - 1, Ink::Accent, words, room);
        return;
    }
    let is_live = model.is_capturing();
    let own = |binding: &&Binding<Message>| {
        is_live || !matches!(binding.message, Message::Pause | Message::Record)
    };
    let hints = TRIAGE.iter().filter(own);
    let hints = hints.map(|binding| (keys_of(&model.own_keys.lists, binding), binding.hint));
    hinted(hints, height - 1, room, sheet);
}

/// The bindings that are hinted at, as many as fit.
pub(super) fn hinted<'b>(
    table: impl IntoIterator<Item = (Vec<Key>, &'b str)>,
    y: usize,
    room: usize,
    sheet: &mut Sheet<'_>,
) {
    let mut x = 1;
    let table = table.into_iter();
    for (keys, hint) in table.filter(|(_, hint)| !hint.is_empty()) {
        let Some(key) = keys.first().map(Key::to_string) else {
            continue;
        };
        let need = columns(&key) + 1 + hint.len();
        if x + need > room {
            break;
        }
        x = sheet.put(x, y, Ink::Accent, &key) + 1;
        x = sheet.put(x, y, Ink::Quiet, hint) + 2;
    }
}

fn story(model: &Model, y: usize, sheet: &mut Sheet<'_>) {
    let end = sheet.width().saturating_sub(1);
    let pieces: Vec<(Tone, String)> = if let Some(flow) = model.opening {
        let what = match flow {
            crate::analysis::FlowId::Tcp(id) => format!("connection {id}"),
            crate::analysis::FlowId::Udp(id) => format!("conversation {id}"),
        };
        vec![(Tone::Quiet, format!("reading {what} again"))]
    } else {
        match model.under_cursor() {
            Some(Line::Connection(line)) => {
                let mut pieces = vec![(Tone::Plain, line.states.join(" / "))];
                if let Some([_, process]) = &line.program {
                    pieces.push((Tone::Plain, process.clone()));
                }
                pieces.extend(line.story.iter().cloned());
                pieces
            }
            Some(Line::Udp(line)) => vec![udp(line)],
            Some(Line::Host(host)) => {
                let name = host.name.as_deref().unwrap_or(&host.address);
                let text = format!(
                    "{name}: {}, {}; enter shows them",
                    counted(host.connections, "connection"),
                    counted(host.conversations, "UDP conversation")
                );
                vec![(Tone::Plain, text)]
            }
            Some(Line::Finding(line)) => {
                let text = if line.advice.is_empty() {
                    line.text.clone()
                } else {
                    line.advice.clone()
                };
                vec![(Tone::Plain, text)]
            }
            None => Vec::new(),
        }
    };
    let mut x = 1;
    let count = pieces.len();
    for (at, (tone, text)) in pieces.iter().enumerate() {
        let comma = match at {
            _ if at + 1 == count => "",
            0 => "  ",
            _ => ", ",
        };
        if x >= end {
            break;
        }
        x = sheet.put_cut(x, y, super::ink(*tone), text, end - x);
        if x + comma.len() > end {
            break;
        }
        x = sheet.put(x, y, Ink::Quiet, comma);
    }
}

fn udp(line: &UdpLine) -> (Tone, String) {
    match (line.icmp, line.unanswered) {
        (Some(words), _) => (Tone::Bad, format!("ICMP: {words}")),
        (None, true) => (Tone::Warning, "only one host spoke".to_owned()),
        _ => {
            let text = format!(
                "{} one way, {} the other",
                counted(line.packets[0], "datagram"),
                counted(line.packets[1], "datagram")
            );
            (Tone::Plain, text)
        }
    }
}

/// The last line of a connection's page.
pub(super) fn page(model: &Model, page: &Page, sheet: &mut Sheet<'_>) {
    let y = sheet.height().saturating_sub(1);
    if model.note.is_some() {
        return;
    }
    let room = sheet.width().saturating_sub(1);
    let hints = crate::tui::page::keys::hints(page).into_iter();
    let own = &model.own_keys.page;
    hinted(
        hints.map(|binding| (keys_of(own, &binding), binding.hint)),
        y,
        room,
        sheet,
    );
}

/// The name of a file to write.
pub(super) fn save(edit: &Edit, bytes: usize, sheet: &mut Sheet<'_>) {
    let y = sheet.height().saturating_sub(1);
    blank(y, sheet);
    let label = format!("write {} to ", crate::report::units::bytes(bytes as u64));
    let x = sheet.put(1, y, Ink::Quiet, &label);
    typed(edit, x, y, sheet);
}

/// The name of a file to record to.
pub(super) fn record(edit: &Edit, sheet: &mut Sheet<'_>) {
    let y = sheet.height().saturating_sub(1);
    blank(y, sheet);
    let x = sheet.put(1, y, Ink::Quiet, "record to ");
    typed(edit, x, y, sheet);
}

/// Wipes a line.
pub(super) fn blank(y: usize, sheet: &mut Sheet<'_>) {
    let width = sheet.width();
    sheet.part(0, y, width, 1).clear();
}

/// A line that is typed, its end in sight, with its cursor.
pub(super) fn typed(edit: &Edit, x: usize, y: usize, sheet: &mut Sheet<'_>) -> usize {
    let (before, behind) = edit.parts();
    let room = sheet.width().saturating_sub(x + 2);
    let mut start = 0;
    while columns(before.get(start..).unwrap_or("")) > room {
        start += before[start..].chars().next().map_or(1, char::len_utf8);
    }
    let skipped = columns(before.get(..start).unwrap_or(""));
    let x = sheet.put(x, y, Ink::Strong, before.get(start..).unwrap_or(""));
    let under = behind.chars().next().unwrap_or(' ');
    let end = sheet.put(x, y, Ink::Strong, &under.to_string());
    sheet.lit(x, y, end.saturating_sub(x).max(1));
    let rest = behind
        .get(under.len_utf8().min(behind.len())..)
        .unwrap_or("");
    sheet.put(end, y, Ink::Strong, rest);
    skipped
}

/// Text on lines below each other; gives the line after them.
pub(super) fn paragraph(
    text: &str,
    x: usize,
    y: usize,
    ink: Ink,
    room: usize,
    sheet: &mut Sheet<'_>,
) -> usize {
    let mut y = y;
    for line in wrapped(text, room) {
        sheet.put(x, y, ink, &line);
        y += 1;
    }
    y
}
