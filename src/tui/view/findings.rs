//! What is to be known of the capture before anything is said of the network.

use crate::report::style::Tone;
use crate::tui::model::Model;
use crate::tui::sheet::{Ink, Sheet, cut};
use crate::tui::snapshot::Line;

pub(super) fn draw(model: &Model, sheet: &mut Sheet<'_>) {
    sheet.put(3, 0, Ink::Quiet, "what is to be known of the capture");
    let rows = sheet.height().saturating_sub(1);
    let width = sheet.width().saturating_sub(5);
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
