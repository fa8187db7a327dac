//! The state machine of RFC 9293 with both endpoints in it, stepped frame by frame.
//!
//! ```text
//!       ┌── passive OPEN ──[CLOSED]── snd SYN ──┐       frame  client       server
//!       ▼                                       ▼           1  SYN-SENT     LISTEN
//!    [LISTEN]──────────── snd SYN ────────▶[SYN-SENT]       2  ESTABLISHED  SYN-RECEIVED
//!   …                                                  ▸   22  CLOSE-WAIT   FIN-WAIT-1
//! ────────────────────────────────────────────────────
//! frame 22  0.026715s  server ▶ client  FIN ACK
//! server ESTABLISHED → FIN-WAIT-1: sent FIN
//! client ESTABLISHED → CLOSE-WAIT: received FIN
//! ```

use super::machine_picture::{LEAST, Picture, Position};
use super::segment::{clock, flags, ink_of};
use super::sheet::{Ink, Piece, Sheet, cut, first_shown};
use super::{Page, PageMessage, Tab};
use crate::report::units::grouped;
use crate::tcp::{Event, Role, State, What};

/// Columns of the list of changes beside the picture.
const LIST: usize = 44;

/// A change of state.
#[derive(Clone, Copy, Debug)]
struct Change {
    frame: u64,
    endpoint: Role,
    before: State,
    after: State,
    cause: &'static str,
}

/// Takes a message in.
pub(super) fn update(page: &mut Page, message: &PageMessage) {
    match *message {
        PageMessage::Side(by) => {
            page.step(&PageMessage::Step(by));
        }
        PageMessage::Stop(by) => change(page, by),
        PageMessage::Enter => page.show(Tab::Frames),
        _ => {
            page.step(message);
        }
    }
}

/// To the next frame that changed a state, or the one before.
fn change(page: &mut Page, by: isize) {
    let rows = &page.detail().rows;
    let changes = |row: &super::data::Row| row.changed.contains(&true);
    let found = if by > 0 {
        let rest = rows.get(page.at + 1..).unwrap_or_default();
        rest.iter()
            .position(changes)
            .map(|place| page.at + 1 + place)
    } else {
        let rest = rows.get(..page.at).unwrap_or_default();
        rest.iter().rposition(changes)
    };
    match found {
        Some(row) => page.at = row,
        None => page.note = Some("no more changes of state this way".to_owned()),
    }
}

fn change_of(event: &Event) -> Option<Change> {
    match event.what {
        What::State {
            endpoint,
            before,
            after,
            cause,
        } => Some(Change {
            frame: event.frame,
            endpoint,
            before,
            after,
            cause: cause.words(),
        }),
        _ => None,
    }
}

/// The changes up to a frame, that frame included, in order.
fn changes(page: &Page, frame: u64) -> impl DoubleEndedIterator<Item = Change> + '_ {
    let timeline = &page.detail().close_up.timeline;
    let end = timeline.partition_point(|event| event.frame <= frame);
    let until = timeline.get(..end).unwrap_or_default();
    until.iter().filter_map(change_of)
}

/// Draws the tab.
pub(super) fn draw(page: &Page, sheet: &mut Sheet<'_>) {
    let Some(row) = page.row() else {
        sheet.put(1, 0, Ink::Quiet, "no frames");
        return;
    };
    let words = told(page, row.frame, sheet);
    let (width, height) = (sheet.width(), sheet.height());
    let list = if width >= LEAST.0 + LIST { LIST } else { 0 };
    let below = words.len() + usize::from(height > LEAST.1 + words.len());
    let picture = height.saturating_sub(below);
    let fits = width - list >= LEAST.0 && picture >= LEAST.1;
    let positions = Role::BOTH.map(|role| position(page, role, row.frame));
    if fits {
        let visited: Vec<_> = changes(page, row.frame)
            .flat_map(|change| [change.before, change.after])
            .collect();
        let mut part = sheet.part(0, 0, width - list, picture);
        Picture {
            positions,
            visited: &visited,
        }
        .draw(&mut part);
    } else {
        without_picture(page, &mut sheet.part(0, 0, width, picture), row.frame);
    }
    if list > 0 {
        let mut part = sheet.part(width - list, 0, list, height);
        listed(page, &mut part, row.frame);
    }
    let top = height.saturating_sub(words.len());
    if top > picture {
        let stroke = sheet.look.pick('─', '-');
        sheet.row(0, picture, width - list, Ink::Rule, stroke);
    }
    let mut part = sheet.part(0, top, width - list, words.len());
    for (y, pieces) in words.iter().enumerate() {
        part.line(1, y, pieces);
    }
}

/// Where an endpoint is after a frame.
fn position(page: &Page, role: Role, frame: u64) -> Position {
    let last = changes(page, frame)
        .rev()
        .find(|change| change.endpoint == role);
    let state = page
        .row()
        .and_then(|row| row.states.get(role as usize).copied())
        .unwrap_or_default();
    Position {
        state,
        moved: last.is_some(),
        last: last.map(|change| (change.before, change.after)),
        now: last.is_some_and(|change| change.frame == frame),
    }
}

/// What moved the endpoints, in three lines.
fn told(page: &Page, frame: u64, sheet: &Sheet<'_>) -> Vec<Vec<Piece>> {
    let Some(row) = page.row() else {
        return Vec::new();
    };
    let arrow = sheet.look.pick(" ▶ ", " > ");
    let becomes = sheet.look.pick(" → ", " > ");
    let mut lines = vec![vec![
        (Ink::Strong, format!("frame {}", grouped(row.frame))),
        (
            Ink::Plain,
            format!("  {}s  ", clock(page.detail(), row.time, 12)),
        ),
        (ink_of(row.from), row.from.name().to_owned()),
        (Ink::Quiet, arrow.to_owned()),
        (ink_of(row.from.peer()), row.from.peer().name().to_owned()),
        (Ink::Strong, format!("  {}", flags(row.flags, false))),
    ]];
    for role in Role::BOTH {
        let own: Vec<_> = changes(page, frame)
            .rev()
            .take_while(|change| change.frame == frame)
            .filter(|change| change.endpoint == role)
            .collect();
        let mut line = vec![(ink_of(role), format!("{role} "))];
        for (nth, change) in own.iter().rev().enumerate() {
            let before = if nth > 0 { "; " } else { "" };
            line.push((
                Ink::Strong,
                format!("{before}{}{becomes}{}", change.before, change.after),
            ));
            line.push((Ink::Plain, format!(": it {}", change.cause)));
        }
        if own.is_empty() {
            let state = row.states.get(role as usize).copied().unwrap_or_default();
            let last = changes(page, frame)
                .rev()
                .find(|change| change.endpoint == role);
            let since = match last {
                Some(change) => format!(" stays {state}, since frame {}", grouped(change.frame)),
                None if state == State::Unknown => {
                    " is in a state that the capture has not shown yet".to_owned()
                }
                None => format!(" stays {state}, since before the capture"),
            };
            line.push((Ink::Quiet, since.trim_start().to_owned()));
        }
        lines.push(line);
    }
    lines
}

/// All changes, the last up to the frame in sight marked.
fn listed(page: &Page, sheet: &mut Sheet<'_>, frame: u64) {
    let stroke = sheet.look.pick('│', '|');
    for y in 0..sheet.height() {
        sheet.set(0, y, Ink::Rule, stroke);
    }
    sheet.put(2, 0, Ink::Strong, "   frame");
    sheet.put(12, 0, Ink::Client, "client");
    sheet.put(26, 0, Ink::Server, "server");
    let mut lines: Vec<(u64, [Option<State>; 2])> = Vec::new();
    for change in page.detail().close_up.timeline.iter().filter_map(change_of) {
        if lines.last().is_none_or(|(frame, _)| *frame != change.frame) {
            lines.push((change.frame, [None; 2]));
        }
        if let Some((_, states)) = lines.last_mut()
            && let Some(state) = states.get_mut(change.endpoint as usize)
        {
            *state = Some(change.after);
        }
    }
    let current = lines
        .partition_point(|(at, _)| *at <= frame)
        .saturating_sub(1);
    let room = sheet.height().saturating_sub(1);
    let first = first_shown(current, lines.len(), room);
    let mark = sheet.look.pick("▸", ">");
    for (y, (at, states)) in lines.iter().enumerate().skip(first).take(room) {
        let line = y - first + 1;
        let ink = if *at <= frame { Ink::Plain } else { Ink::Quiet };
        sheet.put_right(10, line, Ink::Quiet, &grouped(*at).to_string());
        for (x, state) in [12, 26].into_iter().zip(states) {
            if let Some(state) = state {
                sheet.put(x, line, ink, state.name());
            }
        }
        if y == current && *at <= frame {
            sheet.put(1, line, Ink::Accent, mark);
            if *at == frame {
                sheet.part(2, 0, LIST, line + 1).under_cursor(line);
            }
        }
    }
}

/// Where there is no room for the picture: the changes as a list.
fn without_picture(page: &Page, sheet: &mut Sheet<'_>, frame: u64) {
    let all: Vec<_> = changes(page, frame).collect();
    let room = sheet.height();
    let first = all.len().saturating_sub(room);
    let becomes = sheet.look.pick("→", ">");
    for (y, change) in all.iter().skip(first).enumerate() {
        let x = sheet.put(0, y, Ink::Quiet, &format!("{:>6} ", change.frame));
        let x = sheet.put(x, y, ink_of(change.endpoint), change.endpoint.name());
        let text = format!(
            " {} {becomes} {}: {}",
            change.before, change.after, change.cause
        );
        let room = sheet.width().saturating_sub(x);
        let text = cut(&text, room, sheet.look.more());
        sheet.put(x, y, Ink::Plain, &text);
    }
    if all.is_empty() {
        sheet.put(1, 0, Ink::Quiet, "no changes of state seen yet");
    }
}
