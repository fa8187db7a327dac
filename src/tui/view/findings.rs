//! What is to be known of the capture before anything is said of the network.

use crate::report::style::Tone;
use crate::tui::model::Model;
use crate::tui::sheet::{Ink, Sheet, cut, wrapped};
use crate::tui::snapshot::Line;

pub(super) fn draw(model: &Model, sheet: &mut Sheet<'_>) {
    sheet.put(3, 0, Ink::Quiet, "what is to be known of the capture");
    let width = sheet.width().saturating_sub(5);
    let below = in_full(model, sheet);
    let rows = sheet.height().saturating_sub(1 + below);
    let mut any = false;
    for (y, at, line) in super::shown(model, rows) {
        any = true;
        if let Some(Line::Finding(line)) = line {
            let mark = match line.tone {
                Tone::Bad => "!",
                Tone::Warning => sheet.look.pick("▲", "^"),
                _ => sheet.look.pick("·", "-"),
            };
            sheet.put(1, y, super::ink(line.tone), mark);
            let x = if line.title.is_empty() {
                3
            } else {
                sheet.put(3, y, Ink::Strong, &line.title) + 2
            };
            let left = (width + 3).saturating_sub(x);
            let text = cut(&line.text, left, sheet.look.more());
            sheet.put(x, y, Ink::Plain, &text);
        }
        if at == model.cursor {
            sheet.under_cursor(y);
        }
    }
    if !any {
        let words = if model.header().done {
            "no sign of missed, cut or damaged frames"
        } else {
            "nothing so far"
        };
        sheet.put(3, 2, Ink::Quiet, words);
    }
}

/// What is under the cursor with all its words, at the foot of the list: the list cuts them. Gives
/// the lines it takes.
fn in_full(model: &Model, sheet: &mut Sheet<'_>) -> usize {
    let Some(Line::Finding(line)) = model.under_cursor() else {
        return 0;
    };
    let room = sheet.width().saturating_sub(4).clamp(1, 110);
    let mut words = wrapped(&line.text, room);
    if !line.frames.is_empty() {
        let frames: Vec<_> = line.frames.iter().map(u64::to_string).collect();
        words.extend(wrapped(&format!("frames {}", frames.join(", ")), room));
    }
    // The list comes first.
    let most = sheet.height().saturating_sub(1) / 2;
    words.truncate(most.saturating_sub(1));
    let lines = words.len() + 1;
    if most < 2 {
        return 0;
    }
    let top = sheet.height() - lines;
    sheet.rule(top);
    for (y, text) in words.iter().enumerate() {
        sheet.put(2, top + 1 + y, Ink::Plain, text);
    }
    lines
}
