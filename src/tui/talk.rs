//! The page of one UDP conversation: its datagrams.

use std::sync::Arc;

use crate::analysis::detail::Talk;

/// A UDP conversation, and the datagram under the cursor.
pub struct TalkPage {
    /// The conversation.
    pub talk: Arc<Talk>,
    /// The datagram under the cursor.
    pub at: usize,
}

impl TalkPage {
    /// At its first datagram.
    pub fn new(talk: Arc<Talk>) -> Self {
        Self { talk, at: 0 }
    }

    /// Shows it as it is by now: who stood at its last datagram goes on with it.
    pub fn renew(&mut self, talk: Arc<Talk>) {
        let was_last = self.at + 1 >= self.talk.rows.len();
        self.talk = talk;
        if was_last {
            self.at = self.talk.rows.len().saturating_sub(1);
        }
    }

    /// So many on.
    pub fn step(&mut self, by: isize) {
        let last = self.talk.rows.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }
}
