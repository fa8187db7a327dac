//! Verdicts as the page shows them: a letter for a graph, a word for a list, an ink, and which of
//! several matters most.

use super::data::{Detail, Row};
use super::sheet::Ink;
use crate::tcp::verdict::{Confidence, Need, Trigger};
use crate::tcp::{Kind, Verdict};

/// How a verdict is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sign {
    /// For a graph. A small letter is a retransmission that was not needed.
    pub(super) letter: char,
    /// Its ink.
    pub(super) ink: Ink,
    /// How much it matters, from 1.
    pub(super) weight: u8,
}

const fn sign(letter: char, ink: Ink, weight: u8) -> Sign {
    Sign {
        letter,
        ink,
        weight,
    }
}

/// The sign of a verdict.
pub(super) fn sign_of(verdict: &Verdict) -> Sign {
    match verdict.kind {
        Kind::Retransmission => {
            let sign = match verdict.trigger {
                Some(Trigger::Timeout | Trigger::Syn | Trigger::SynAck | Trigger::Fin) => {
                    sign('T', Ink::Bad, 12)
                }
                Some(Trigger::Fast) => sign('F', Ink::Warning, 11),
                Some(Trigger::TailLossProbe) => sign('P', Ink::Warning, 10),
                None => sign('R', Ink::Warning, 9),
            };
            match verdict.need {
                Some(Need::Spurious) => Sign {
                    letter: sign.letter.to_ascii_lowercase(),
                    ..sign
                },
                _ => sign,
            }
        }
        Kind::Reset => sign('X', Ink::Bad, 13),
        Kind::ConflictingOverlap => sign('!', Ink::Bad, 14),
        Kind::ZeroWindow => sign('Z', Ink::Bad, 8),
        Kind::Gap => sign('G', Ink::Warning, 7),
        Kind::AckUnseen => sign('U', Ink::Warning, 6),
        Kind::Reordered => sign('O', Ink::Plain, 5),
        Kind::NetworkDuplicate => sign('D', Ink::Plain, 5),
        Kind::ChallengeAck => sign('C', Ink::Warning, 5),
        Kind::PortReused => sign('N', Ink::Plain, 5),
        Kind::WindowFull => sign('W', Ink::Warning, 4),
        Kind::Dsack => sign('S', Ink::Plain, 4),
        Kind::CongestionExperienced => sign('E', Ink::Warning, 4),
        Kind::EcnEcho => sign('e', Ink::Plain, 3),
        Kind::WindowProbe => sign('B', Ink::Plain, 3),
        Kind::KeepAlive => sign('K', Ink::Quiet, 3),
        Kind::DuplicateAck => sign('A', Ink::Quiet, 2),
        Kind::WindowUpdate => sign('V', Ink::Quiet, 1),
    }
}

/// What matters most of a frame.
pub(super) fn weightiest<'a>(detail: &'a Detail, row: &Row) -> Option<&'a Verdict> {
    let all = detail.verdicts(row).iter();
    all.max_by_key(|verdict| sign_of(verdict).weight)
}

/// Whether `n` stops at it: what went wrong, and not what merely accompanies it.
pub(super) fn is_stop(verdict: &Verdict) -> bool {
    sign_of(verdict).weight > 2
}

/// In words: `retransmission (fast, needed, after-tap), likely`.
pub(super) fn words(verdict: &Verdict) -> String {
    match verdict.confidence {
        Confidence::Likely => format!("{verdict}, likely"),
        _ => verdict.to_string(),
    }
}
