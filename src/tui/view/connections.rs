//! The connections, the most troubled first.
//!
//! ```text
//!    id client                server                 time    sent    recv resent     rtt ending
//!     5 till.shop.example:39… database.shop.exa…:33 8.20ms       -       -      -      - refused
//! ```

use crate::report::style::Tone;
use crate::tui::column::Column;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::sheet::{Ink, Sheet};
use crate::tui::snapshot::{ConnectionLine, Line, Mark};
use crate::tui::spark::spark;

pub(super) fn draw(model: &Model, sheet: &mut Sheet<'_>) {
    let placed = layout::placed(&layout::columns(model), model, sheet.width());
    super::headings::draw(model, sheet);
    let rows = sheet.height().saturating_sub(1);
    let mut any = false;
    for (y, at, line) in super::shown(model, rows) {
        any = true;
        match line {
            Some(Line::Connection(line)) => row(line, y, &placed, sheet),
            _ => {
                sheet.put(2, y, Ink::Quiet, sheet.look.more());
            }
        }
        if at == model.cursor {
            sheet.under_cursor(y);
        }
    }
    if !any {
        super::nothing(model, "connection", sheet);
    }
}

fn row(line: &ConnectionLine, y: usize, placed: &[(Column, usize, usize)], sheet: &mut Sheet<'_>) {
    match line.mark {
        Mark::None => {}
        Mark::New => {
            sheet.put(0, y, Ink::Good, "+");
        }
        Mark::Over => {
            sheet.put(0, y, Ink::Quiet, sheet.look.pick("×", "x"));
        }
    }
    for &(column, x, width) in placed {
        match column {
            Column::Client | Column::Server => {
                let role = usize::from(column == Column::Server);
                let (host, port) = super::socket(
                    line.names[role].as_deref(),
                    &line.addresses[role],
                    line.ports[role],
                    width,
                    sheet.look.more(),
                );
                let ink = match (line.mark, role) {
                    (Mark::Over, _) => Ink::Quiet,
                    (_, 0) => Ink::Client,
                    _ => Ink::Server,
                };
                let x = sheet.put(x, y, ink, &host);
                sheet.put(x, y, Ink::Quiet, &port);
            }
            Column::Activity => {
                let values: Vec<Option<u64>> = line
                    .activity
                    .iter()
                    .map(|&count| (count > 0).then_some(count))
                    .collect();
                let curve = spark(&values, sheet.look);
                sheet.put_cut(x, y, Ink::Plain, &curve, width);
            }
            _ => {
                let text = column.value(line);
                let ink = ink(column, line, &text);
                if column.about().right {
                    let text = crate::tui::sheet::cut(&text, width, "");
                    sheet.put_right(x + width, y, ink, &text);
                } else {
                    sheet.put_cut(x, y, ink, &text, width);
                }
            }
        }
    }
}

/// What stands out.
fn ink(column: Column, line: &ConnectionLine, text: &str) -> Ink {
    if text == "-" {
        return Ink::Rule;
    }
    let gravest = |wanted: &[&str]| wanted.contains(&text);
    match column {
        Column::Id | Column::Start => Ink::Quiet,
        Column::Resent | Column::Triggers => Ink::Warning,
        Column::ZeroWindow | Column::Needless | Column::Place | Column::Reordered => Ink::Warning,
        Column::Ending if gravest(&["reset", "refused", "timed-out"]) => Ink::Bad,
        Column::Ending if gravest(&["half-closed"]) => Ink::Warning,
        Column::Ending if gravest(&["graceful"]) => Ink::Quiet,
        Column::Trouble if line.story.iter().any(|(tone, _)| *tone == Tone::Bad) => Ink::Bad,
        Column::Trouble => Ink::Warning,
        Column::Opening if text == "active" => Ink::Quiet,
        _ => Ink::Plain,
    }
}
