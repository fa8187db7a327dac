//! The page of one UDP conversation: its datagrams.

use std::sync::Arc;

use super::page::OpenFrame;
use super::page::data::Field;
use super::reading::Order;
use crate::analysis::FlowId;
use crate::analysis::detail::Talk;

/// A UDP conversation, and the datagram under the cursor.
pub struct TalkPage {
    /// The conversation.
    pub talk: Arc<Talk>,
    /// The datagram under the cursor.
    pub at: usize,
    /// Its frame, where it was opened.
    pub open: Option<TalkFrame>,
}

/// A frame of a conversation: its layers and its bytes.
pub struct TalkFrame {
    /// The frame.
    pub frame: OpenFrame,
    /// The line it is shown from.
    pub first: usize,
}

impl TalkFrame {
    /// From the network layer on: what is before is a step up.
    pub fn of(frame: OpenFrame) -> Self {
        let network = |field: &Field| field.depth == 0 && field.name.starts_with("Internet");
        let first = frame.tree.fields.iter().position(network).unwrap_or(0);
        Self { frame, first }
    }

    /// Bytes to a line.
    pub const ACROSS: usize = 16;

    /// How many lines it has: fields, a free one, bytes.
    pub fn lines(&self) -> usize {
        self.frame.tree.fields.len() + 1 + self.frame.bytes.len().div_ceil(Self::ACROSS)
    }
}

impl TalkPage {
    /// At this frame, or at its first datagram.
    pub fn new(talk: Arc<Talk>, frame: Option<u64>) -> Self {
        let wanted = frame.and_then(|frame| talk.rows.iter().position(|row| row.frame == frame));
        let at = wanted.unwrap_or(0);
        Self {
            talk,
            at,
            open: None,
        }
    }

    /// Shows it as it is by now: who stood at its last datagram goes on with it.
    pub fn renew(&mut self, talk: Arc<Talk>) {
        let was_last = self.at + 1 >= self.talk.rows.len();
        self.talk = talk;
        if was_last {
            self.at = self.talk.rows.len().saturating_sub(1);
        }
    }

    /// So many on: datagrams, or lines of the one that is open.
    pub fn step(&mut self, by: isize) {
        if let Some(open) = &mut self.open {
            let last = open.lines().saturating_sub(1);
            open.first = open.first.saturating_add_signed(by).min(last);
            return;
        }
        let last = self.talk.rows.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }

    /// What reads the frame under the cursor.
    pub fn order(&self) -> Option<Order> {
        let row = self.talk.rows.get(self.at)?;
        Some(Order::Frame {
            flow: FlowId::Udp(self.talk.id),
            number: row.frame,
            place: row.place,
            known: None,
        })
    }
}
