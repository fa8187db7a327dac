//! Recovery episodes: from the first retransmission until everything that was outstanding then is
//! acknowledged.

use super::Role;
use super::verdict::Trigger;
use crate::time::{Span, Timestamp};

/// How an episode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// All that was outstanding when it began is acknowledged.
    Acknowledged,
    /// What was sent again proved needless: the sender may take its reaction back.
    Undone,
    /// A timeout during a fast recovery began another episode.
    TimedOut,
    /// The connection, or the capture, ended.
    Cut,
}

impl Exit {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Undone => "undone",
            Self::TimedOut => "timed-out",
            Self::Cut => "cut",
        }
    }
}

/// One recovery of one sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// Who sent again.
    pub sender: Role,
    /// What began it.
    pub trigger: Trigger,
    /// The frame of its first retransmission.
    pub first_frame: u64,
    /// When that passed.
    pub began: Timestamp,
    /// The frame that ended it.
    pub last_frame: u64,
    /// How long it took.
    pub lasted: Span,
    /// How it ended.
    pub exit: Exit,
    /// Retransmissions in it.
    pub retransmissions: u32,
    /// … of them, those known to be needless when it ended.
    pub spurious: u32,
    /// Octets sent again.
    pub octets: u64,
    /// Times its timer ran out.
    pub timeouts: u32,
    /// Octets in flight, as the tap saw it, when it began.
    pub flight: u64,
}

/// A recovery that goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ongoing {
    /// It is over when everything below is acknowledged.
    pub(super) point: i64,
    episode: Episode,
}

/// A retransmission, as it matters to a recovery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted {
    pub(super) sender: Role,
    pub(super) trigger: Trigger,
    /// Whether a timer ran out for it.
    pub(super) timer: bool,
    pub(super) frame: u64,
    pub(super) time: Timestamp,
    pub(super) octets: i64,
    pub(super) spurious: bool,
    /// SND.NXT.
    pub(super) point: i64,
    pub(super) flight: u64,
}

impl Ongoing {
    pub(super) fn is_timeout(&self) -> bool {
        matches!(
            self.episode.trigger,
            Trigger::Timeout | Trigger::Syn | Trigger::SynAck | Trigger::Fin
        )
    }

    pub(super) fn is_fast(&self) -> bool {
        self.episode.trigger == Trigger::Fast
    }

    /// It ended at this frame.
    pub(super) fn ended(&self, exit: Exit, frame: u64, time: Timestamp) -> Episode {
        let exit = match exit {
            Exit::Acknowledged if self.episode.spurious >= self.episode.retransmissions => {
                Exit::Undone
            }
            exit => exit,
        };
        Episode {
            last_frame: frame,
            lasted: time - self.episode.began,
            exit,
            ..self.episode
        }
    }

    /// So many of its retransmissions proved needless.
    pub(super) fn needless(&mut self, count: u32) {
        self.episode.spurious += count;
    }
}

impl Noted {
    /// Takes it into the recovery that goes on, or begins one. Gives the one that it ended.
    pub(super) fn take(self, ongoing: &mut Option<Ongoing>) -> Option<Episode> {
        let mut ended = None;
        let new_kind = ongoing.is_some_and(|ongoing| {
            let into_timeout = self.timer && !ongoing.is_timeout();
            let into_fast =
                self.trigger == Trigger::Fast && ongoing.episode.trigger == Trigger::TailLossProbe;
            into_timeout || into_fast
        });
        if new_kind && let Some(old) = ongoing.take() {
            ended = Some(old.ended(Exit::TimedOut, self.frame, self.time));
        }
        let ongoing = ongoing.get_or_insert(Ongoing {
            point: self.point,
            episode: Episode {
                sender: self.sender,
                trigger: self.trigger,
                first_frame: self.frame,
                began: self.time,
                last_frame: self.frame,
                lasted: Span::ZERO,
                exit: Exit::Cut,
                retransmissions: 0,
                spurious: 0,
                octets: 0,
                timeouts: 0,
                flight: self.flight,
            },
        });
        let episode = &mut ongoing.episode;
        episode.retransmissions += 1;
        episode.octets += self.octets.max(0) as u64;
        episode.spurious += u32::from(self.spurious);
        if self.timer {
            episode.timeouts += 1;
            ongoing.point = ongoing.point.max(self.point);
        }
        ended
    }
}
