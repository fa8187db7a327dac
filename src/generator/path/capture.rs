//! What is wrong with the capture, not with the network.

use crate::generator::packet::Nanos;
use crate::generator::random::Random;
use crate::generator::truth::Side;

/// Faults of a capture: it may miss frames, record them twice, or see one direction only.
#[derive(Clone, Debug, Default)]
pub struct CaptureFaults {
    /// It misses so many of a million.
    pub miss: u32,
    /// It misses all between these times.
    pub deaf: Option<(Nanos, Nanos)>,
    /// It sees only what this side sends.
    pub only: Option<Side>,
    /// It records each frame twice, so much later (a mirror port that copies both ways in).
    pub mirror: Option<Nanos>,
    /// It keeps so many octets of a frame.
    pub snaplen: Option<u32>,
    /// From this time on, its clock is so much ahead.
    pub clock_step: Option<(Nanos, Nanos)>,
}

impl CaptureFaults {
    /// Whether it misses a packet of `from` that passes now.
    pub fn misses(&self, now: Nanos, from: Side, random: &mut Random) -> bool {
        self.only.is_some_and(|only| only != from)
            || self
                .deaf
                .is_some_and(|(begin, end)| (begin..end).contains(&now))
            || (self.miss > 0 && random.chance(self.miss))
    }

    /// The time that its clock shows.
    pub fn clock(&self, now: Nanos) -> Nanos {
        match self.clock_step {
            Some((from, step)) if now >= from => now + step,
            _ => now,
        }
    }
}
