//! A UDP conversation: two sockets that sent each other datagrams.

use crate::flow::{Direction, Socket};
use crate::frame::CapturedFrame;
use crate::tcp::Role;
use crate::time::{Span, Timestamp};
use crate::wire::icmp::error_words;

/// What is known of a UDP conversation. The client is the first sender.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Its number, from 0 in order of first frames.
    pub id: u32,
    pub(super) client: Direction,
    /// Datagrams sent, by [`Role`].
    pub packets: [u64; 2],
    /// Bytes of their frames on the wire, by [`Role`].
    pub bytes: [u64; 2],
    /// Payload bytes, by [`Role`].
    pub payload_bytes: [u64; 2],
    /// Its first frame.
    pub first_frame: u64,
    /// Time of its first frame.
    pub first: Timestamp,
    /// Time of its last frame.
    pub last: Timestamp,
    /// ICMP errors that quoted it.
    pub icmp_errors: u32,
    /// The last such error: ICMP version, type and code.
    pub icmp: Option<(u8, u8, u8)>,
}

impl Conversation {
    pub(super) fn new(id: u32, client: Direction, frame: &CapturedFrame<'_>) -> Self {
        Self {
            id,
            client,
            packets: [0; 2],
            bytes: [0; 2],
            payload_bytes: [0; 2],
            first_frame: frame.number,
            first: frame.time,
            last: frame.time,
            icmp_errors: 0,
            icmp: None,
        }
    }

    #[inline]
    pub(super) fn count(
        &mut self,
        direction: Direction,
        frame: &CapturedFrame<'_>,
        payload_len: u32,
    ) {
        let role = self.role(direction) as usize;
        self.packets[role] += 1;
        self.bytes[role] += u64::from(frame.wire_len);
        self.payload_bytes[role] += u64::from(payload_len);
        self.last = frame.time;
    }

    pub(super) fn icmp_error(&mut self, version: u8, kind: u8, code: u8) {
        self.icmp_errors = self.icmp_errors.saturating_add(1);
        self.icmp = Some((version, kind, code));
    }

    /// Who sends in this direction.
    #[inline]
    pub(super) fn role(&self, direction: Direction) -> Role {
        if direction == self.client {
            Role::Client
        } else {
            Role::Server
        }
    }

    /// What the last ICMP error about it said, in words.
    pub fn icmp_words(&self) -> Option<&'static str> {
        let (version, kind, code) = self.icmp?;
        Some(error_words(version, kind, code).unwrap_or("ICMP error"))
    }

    /// From the first frame to the last.
    pub fn duration(&self) -> Span {
        self.last - self.first
    }
}

/// A UDP conversation and who it is between.
#[derive(Clone, Copy, Debug)]
pub struct ConversationView<'a> {
    /// The sockets, indexed by [`Role`].
    pub sockets: [Socket; 2],
    /// What is known.
    pub conversation: &'a Conversation,
}

impl core::ops::Deref for ConversationView<'_> {
    type Target = Conversation;

    fn deref(&self) -> &Conversation {
        self.conversation
    }
}
