//! Verdicts as short labels, one line a frame: what scoring tools read. Final verdicts: a revision
//! replaces what was said.

use std::io::{self, Write};
use std::ops::ControlFlow;

use crate::analysis::{FrameView, Observer};
use crate::tcp::verdict::{Lost, Need, Resolution, Trigger};
use crate::tcp::{Event, Kind, Rule, Verdict, What};

/// The labels and what each means, in the order of their bits.
pub const LABELS: [(&str, &str); 16] = [
    ("retx", "retransmission; what follows refines it"),
    ("fast_retx", "… triggered by duplicate ACKs or SACK"),
    (
        "rto_retx",
        "… by a retransmission timer, that of a SYN, SYN-ACK or FIN included",
    ),
    ("tlp", "… by the timer of a tail loss probe"),
    ("spurious", "… needless"),
    ("loss_up", "… not needless, lost before the tap"),
    ("loss_down", "… not needless, lost after the tap"),
    ("ooo", "reordered: a first transmission that came late"),
    ("netdup", "network-duplicate"),
    (
        "lost_seg",
        "gap, unless first transmissions that came late filled all of it",
    ),
    ("ack_unseen", "ack-unseen"),
    (
        "dup_ack",
        "duplicate-ack by RFC 5681 section 2 to the letter: the same window (rule `same-ack-again`)",
    ),
    ("zero_win", "zero-window"),
    (
        "win_full",
        "window-full, the window used up entirely (rule `window-used-up`)",
    ),
    ("keepalive", "keep-alive"),
    ("zwp", "window-probe"),
];

/// A set of labels.
type Bits = u16;

const fn bit(label: usize) -> Bits {
    1 << label
}

/// The labels of one verdict.
fn bits(verdict: &Verdict) -> Bits {
    match verdict.kind {
        Kind::Retransmission => {
            let mut set = bit(0);
            set |= match verdict.trigger {
                Some(Trigger::Fast) => bit(1),
                Some(Trigger::Timeout | Trigger::Syn | Trigger::SynAck | Trigger::Fin) => bit(2),
                Some(Trigger::TailLossProbe) => bit(3),
                None => 0,
            };
            if verdict.need == Some(Need::Spurious) {
                return set | bit(4);
            }
            set | match verdict.lost {
                Some(Lost::BeforeTap) => bit(5),
                Some(Lost::AfterTap) => bit(6),
                None => 0,
            }
        }
        Kind::Reordered => bit(7),
        Kind::NetworkDuplicate => bit(8),
        Kind::Gap if verdict.resolution == Some(Resolution::FilledLate) => 0,
        Kind::Gap => bit(9),
        Kind::AckUnseen => bit(10),
        // RFC 5681 section 2 to the letter: the window must be the same.
        Kind::DuplicateAck if verdict.rule == Rule::SameAckAgain => bit(11),
        Kind::ZeroWindow => bit(12),
        Kind::WindowFull if verdict.rule == Rule::WindowUsedUp => bit(13),
        Kind::KeepAlive => bit(14),
        Kind::WindowProbe => bit(15),
        _ => 0,
    }
}

/// Gathers the labels of a capture.
#[derive(Debug, Default)]
pub struct Labels {
    frames: Vec<(u64, Bits)>,
}

impl Labels {
    fn take(&mut self, events: &[Event]) {
        for event in events {
            match event.what {
                What::Verdict(verdict) => {
                    let set = bits(&verdict);
                    match self.frames.last_mut() {
                        Some((frame, old)) if *frame == event.frame => *old |= set,
                        _ if set > 0 => self.frames.push((event.frame, set)),
                        _ => {}
                    }
                }
                What::Revised {
                    frame,
                    before,
                    after,
                    ..
                } => {
                    let at = self.frames.partition_point(|(each, _)| *each < frame);
                    match self.frames.get_mut(at) {
                        Some((each, set)) if *each == frame => {
                            *set = (*set & !bits(&before)) | bits(&after);
                        }
                        _ => self.frames.insert(at, (frame, bits(&after))),
                    }
                }
                _ => {}
            }
        }
    }

    /// Prints a line for each frame that has labels: its number, a tab, labels parted by commas.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        for (frame, set) in self.frames.iter().filter(|(_, set)| *set > 0) {
            write!(out, "{frame}")?;
            let mut separator = "\t";
            for (label, (name, _)) in LABELS.iter().enumerate() {
                if set & bit(label) != 0 {
                    write!(out, "{separator}{name}")?;
                    separator = ",";
                }
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

impl Observer for Labels {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        self.take(view.events);
        ControlFlow::Continue(())
    }

    fn late(&mut self, _: u32, events: &[Event]) {
        self.take(events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::Role;
    use crate::tcp::verdict::Confidence;
    use crate::time::Timestamp;

    fn event(frame: u64, what: What) -> Event {
        Event {
            frame,
            time: Timestamp::default(),
            from: Role::Client,
            what,
        }
    }

    #[test]
    fn a_revision_replaces_what_was_said_and_nothing_else() {
        let first = Verdict {
            trigger: Some(Trigger::TailLossProbe),
            lost: Some(Lost::AfterTap),
            ..Verdict::new(Kind::Retransmission, Rule::SeenBefore, Confidence::Likely)
        };
        let after = Verdict {
            need: Some(Need::Spurious),
            lost: None,
            ..first
        };
        let zero = Verdict::new(Kind::ZeroWindow, Rule::WindowIsZero, Confidence::Certain);
        let mut labels = Labels::default();
        labels.take(&[
            event(7, What::Verdict(first)),
            event(7, What::Verdict(zero)),
        ]);
        let mut before = Vec::new();
        labels.print(&mut before).unwrap();
        assert_eq!(before, b"7\tretx,tlp,loss_down,zero_win\n");
        labels.take(&[event(
            9,
            What::Revised {
                frame: 7,
                from: Role::Client,
                before: first,
                after,
            },
        )]);
        let mut text = Vec::new();
        labels.print(&mut text).unwrap();
        assert_eq!(text, b"7\tretx,tlp,spurious,zero_win\n");
    }
}
