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
