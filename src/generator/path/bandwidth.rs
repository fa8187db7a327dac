//! A link of limited rate with a queue before it.

use std::collections::VecDeque;

use super::{Outcome, Part, Passing};
use crate::generator::packet::Nanos;
use crate::generator::random::Random;
use crate::generator::truth::Cause;

/// What comes while the link is busy waits; what comes while the queue is full is lost.
#[derive(Clone, Debug)]
pub struct Bottleneck {
    /// Bits per second.
    rate: u64,
    /// Octets that may wait.
    room: u64,
    /// Octets waiting from which on packets are marked instead, where there are such.
    mark_from: Option<u64>,
    free_at: Nanos,
    /// When each that waits or is being sent will have left, and its octets.
    waiting: VecDeque<(Nanos, u64)>,
}

impl Bottleneck {
    /// A link of so many bits per second, with room for so many octets before it.
    pub const fn new(rate: u64, room: u64) -> Self {
        Self {
            rate,
            room,
            mark_from: None,
            free_at: 0,
            waiting: VecDeque::new(),
        }
    }

    /// The same, marking ECN-capable packets that find so many octets waiting.
    pub const fn marking(mut self, from: u64) -> Self {
        self.mark_from = Some(from);
        self
    }
}

impl Part for Bottleneck {
    fn pass(&mut self, packet: &Passing<'_>, _: &mut Random) -> Outcome {
        let len = u64::from(packet.len) + 18;
        while self
            .waiting
            .front()
            .is_some_and(|(left, _)| *left <= packet.now)
        {
            self.waiting.pop_front();
        }
        let queued: u64 = self.waiting.iter().map(|(_, len)| len).sum();
        if queued + len > self.room {
            return Outcome::Died(Cause::QueueOverflow);
        }
        let takes = (len * 8).saturating_mul(1_000_000_000) / self.rate.max(1);
        self.free_at = self.free_at.max(packet.now) + takes as Nanos;
        self.waiting.push_back((self.free_at, len));
        match self.mark_from {
            Some(from) if queued >= from => Outcome::Marked(self.free_at),
            _ => Outcome::On(self.free_at),
        }
    }
}
