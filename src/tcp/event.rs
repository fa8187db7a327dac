//! Everything that can happen on a connection, as values.

use super::Role;
use super::recovery::Episode;
use super::state::{State, Stimulus};
use super::verdict::Verdict;
use crate::time::Timestamp;

/// Something that happened, and the frame that showed it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// The frame that showed it.
    pub frame: u64,
    /// Its capture time.
    pub time: Timestamp,
    /// Who sent that frame.
    pub from: Role,
    /// What happened.
    pub what: What,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// An endpoint changed its state.
    State {
        /// Which endpoint.
        endpoint: Role,
        /// Its state before.
        before: State,
        /// Its state now.
        after: State,
        /// What moved it.
        cause: Stimulus,
    },
    /// An endpoint met something that RFC 9293 does not know in its state. The state stays.
    Illegal {
        /// Which endpoint.
        endpoint: Role,
        /// Its state.
        state: State,
        /// What it met.
        stimulus: Stimulus,
    },
    /// What the segment in this frame is judged to be.
    Verdict(Verdict),
    /// A verdict on an earlier frame of this connection is now another.
    Revised {
        /// The frame that was judged.
        frame: u64,
        /// Who sent it.
        from: Role,
        /// What was said of it.
        before: Verdict,
        /// What is said now.
        after: Verdict,
    },
    /// A recovery of an endpoint's ended: told when it does.
    Recovered(Episode),
    /// Bytes of the sender's stream were given up: acknowledged but never captured, or waited for
    /// beyond the memory limit.
    GapGivenUp {
        /// Whose stream.
        stream: Role,
        /// Offset of the first missing byte.
        offset: u64,
        /// How many.
        len: u64,
    },
}
