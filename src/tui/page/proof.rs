//! Why a frame is judged so: rules with their sources, the frames and numbers that prove it, what
//! had been said before, and what revised it.
//!
//! ```text
//! ╭ proof: frame 44 ────────────────────────────────────────────────────────────╮
//! │ retransmission (tail-loss-probe, spurious), likely                     1 of 2│
//! │ seen-before   Its octets passed the tap before.                  RFC 9293    │
//! │ …                                                                            │
//! │ ▸ frame 42    the original                                                   │
//! │   frame 43    settled it                                                     │
//! ╰──────────────────────────────────────────────────────────────────────────────╯
//! ```

use super::judged::{sign_of, words};
use super::sheet::{Ink, Piece, Sheet, columns, wrapped};
use super::{Page, PageMessage, Tab};
use crate::report;
use crate::report::units::grouped;
use crate::tcp::verdict::Confidence;
use crate::tcp::{Kind, Verdict};

/// The panel: which verdict of the frame, and which of its frames is under the cursor.
#[derive(Clone, Debug, Default)]
pub(super) struct Proof {
    verdict: usize,
    frame: usize,
    scroll: usize,
}

/// The verdicts of the frame under the cursor, the weightiest first.
fn verdicts(page: &Page) -> Vec<Verdict> {
    let Some(row) = page.row() else {
        return Vec::new();
    };
    let mut all = page.detail().verdicts(row).to_vec();
    all.sort_by_key(|verdict| core::cmp::Reverse(sign_of(verdict).weight));
    all
}

/// Opens it, where there is something to prove.
pub(super) fn open(page: &mut Page) {
    if verdicts(page).is_empty() {
        page.note = Some("nothing is said of this frame; n goes to the next that is".to_owned());
    } else {
        page.proof = Some(Proof::default());
    }
}

/// The frames that prove a verdict, with what they have to do with it.
fn frames(verdict: &Verdict) -> Vec<(u64, &'static str)> {
    let proof = &verdict.proof;
    let original = match verdict.kind {
        Kind::Retransmission | Kind::Reordered => "the original",
        Kind::NetworkDuplicate | Kind::ConflictingOverlap => "what came first",
        _ => "what it is compared with",
    };
    let all = [
        (proof.original, original),
        (proof.asked, "asked for it"),
        (proof.neighbour, "its neighbour in the order of sending"),
        (proof.settled, "settled it"),
    ];
    all.into_iter()
        .filter_map(|(frame, what)| Some((frame.filter(|&frame| frame > 0)?, what)))
        .collect()
}

/// Takes a message in while it is open.
pub(super) fn update(page: &mut Page, message: &PageMessage) {
    let all = verdicts(page);
    let Some(proof) = &mut page.proof else { return };
    let verdict = all.get(proof.verdict).or(all.first()).copied();
    let frames = verdict.as_ref().map(frames).unwrap_or_default();
    match *message {
        PageMessage::Step(by) => {
            let last = frames.len().saturating_sub(1);
            let next = proof.frame.saturating_add_signed(by);
            // Past the frames, the text goes on.
            proof.scroll = match next > last {
                true => proof.scroll + 1,
                false => proof.scroll.saturating_sub(usize::from(by < 0)),
            };
            proof.frame = next.min(last);
        }
        PageMessage::Leaf(by) => {
            proof.scroll = proof.scroll.saturating_add_signed(by.saturating_mul(8));
        }
        PageMessage::Side(by) | PageMessage::Turn(by) | PageMessage::Pane(by) => {
            let count = all.len().max(1) as isize;
            let next = (proof.verdict as isize + by).rem_euclid(count);
            *proof = Proof {
                verdict: next as usize,
                ..Proof::default()
            };
        }
        PageMessage::Enter => {
            let frame = frames.get(proof.frame).map(|(frame, _)| *frame);
            page.proof = None;
            if let Some(frame) = frame {
                let tab = match page.tab {
                    Tab::Endpoints => Tab::Ladder,
                    tab => tab,
                };
                page.jump(frame, tab);
            }
        }
        PageMessage::Stop(by) => {
            page.proof = None;
            page.stop(by);
            if !verdicts(page).is_empty() {
                page.proof = Some(Proof::default());
            }
        }
        PageMessage::Show(tab) => {
            page.proof = None;
            page.show(tab);
        }
        PageMessage::Cancel | PageMessage::Return | PageMessage::Explain => page.proof = None,
        _ => {}
    }
}

/// The lines of the panel.
fn lines(page: &Page, verdict: &Verdict, room: usize) -> Vec<Vec<Piece>> {
    let plain = |text: String| vec![(Ink::Plain, text)];
    let mut lines: Vec<Vec<Piece>> = Vec::new();
    for rule in verdict.rules() {
        lines.push(Vec::new());
        lines.push(vec![
            (Ink::Accent, rule.name().to_owned()),
            (Ink::Quiet, format!("  {}", rule.source())),
        ]);
        for line in wrapped(rule.says(), room.saturating_sub(2)) {
            lines.push(plain(format!("  {line}")));
        }
        if !rule.tshark().is_empty() {
            for (at, line) in wrapped(rule.tshark(), room.saturating_sub(10))
                .iter()
                .enumerate()
            {
                let head = if at == 0 { "  tshark: " } else { "          " };
                lines.push(vec![(Ink::Quiet, format!("{head}{line}"))]);
            }
        }
    }
    lines.push(Vec::new());
    let sure = match verdict.confidence {
        Confidence::Certain => "certain: the capture proves it",
        Confidence::Likely => "likely: inferred from timing or from a model",
        Confidence::Ambiguous => "ambiguous: two readings fit; the rule names the other",
    };
    lines.push(plain(sure.to_owned()));
    let evidence = report::evidence(verdict);
    if !evidence.is_empty() {
        for line in wrapped(&evidence, room) {
            lines.push(vec![(Ink::Quiet, line)]);
        }
    }
    if let Some(row) = page.row() {
        for earlier in page.detail().close_up.earlier(row.frame, verdict) {
            let by = match earlier.by {
                0 => "the end".to_owned(),
                frame => format!("frame {}", grouped(frame)),
            };
            let text = format!("it was {} until {by}", words(&earlier.was));
            for line in wrapped(&text, room) {
                lines.push(vec![(Ink::Warning, line)]);
            }
        }
    }
    lines
}

/// Draws it on top.
pub(super) fn draw(page: &Page, proof: &Proof, sheet: &mut Sheet<'_>) {
    let all = verdicts(page);
    let Some(verdict) = all.get(proof.verdict).or(all.first()) else {
        return;
    };
    let width = sheet.width().saturating_sub(2).clamp(10, 96);
    let room = width.saturating_sub(4);
    let frames = frames(verdict);
    let text = lines(page, verdict, room);
    let height = (text.len() + frames.len() + 5).min(sheet.height());
    let frame = page.frame().unwrap_or(0);
    let title = format!("proof: frame {}", grouped(frame));
    let mut own = crate::tui::sheet::boxed(&title, width, height, sheet);
    let (width, height) = (own.width(), own.height());
    let sign = sign_of(verdict);
    own.put_cut(0, 0, sign.ink, &words(verdict), width);
    if all.len() > 1 {
        let text = format!("{} of {}", proof.verdict.min(all.len() - 1) + 1, all.len());
        own.put_right(width, 0, Ink::Quiet, &text);
    }
    let below = frames.len() + usize::from(!frames.is_empty());
    let shown = height.saturating_sub(1 + below);
    let first = proof.scroll.min(text.len().saturating_sub(shown));
    for (y, line) in text.iter().skip(first).take(shown).enumerate() {
        own.line(0, y + 1, line);
    }
    if first + shown < text.len() {
        own.put_right(width, shown, Ink::Accent, own.look.pick("↓", "v"));
    }
    let top = height.saturating_sub(frames.len());
    for (at, (frame, what)) in frames.iter().enumerate() {
        let y = top + at;
        let mark = if at == proof.frame {
            own.look.pick("▸ ", "> ")
        } else {
            "  "
        };
        let x = own.put(0, y, Ink::Accent, mark);
        let name = format!("frame {}", grouped(*frame));
        let x = own.put(x, y, Ink::Strong, &name);
        let x = x.max(16) + 1;
        own.put(x, y, Ink::Quiet, what);
        let known = page.detail().rows.get(page.detail().row_of(*frame));
        if let Some(row) = known.filter(|row| row.frame == *frame) {
            let label = super::segment::label(page.detail(), row, page.numbers, 40);
            let x = x + columns(what) + 2;
            own.put_cut(
                x,
                y,
                super::segment::ink_of(row.from),
                &label,
                width.saturating_sub(x),
            );
        }
        if at == proof.frame {
            own.under_cursor(y);
        }
    }
}
