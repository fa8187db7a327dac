//! Times in which nothing passes: lost, or held until they are over.

use super::{Outcome, Part, Passing, Which};
use crate::generator::packet::Nanos;
use crate::generator::random::Random;
use crate::generator::truth::Cause;

/// What comes between two times is lost.
#[derive(Clone, Debug)]
pub struct Blackout {
    /// Which.
    pub which: Which,
    /// From when.
    pub from: Nanos,
    /// Until when.
    pub until: Nanos,
}

impl Part for Blackout {
    fn pass(&mut self, packet: &Passing<'_>, _: &mut Random) -> Outcome {
        if self.which.takes(packet) && (self.from..self.until).contains(&packet.now) {
            Outcome::Died(Cause::Blackout)
        } else {
            Outcome::On(packet.now)
        }
    }
}

/// What comes between two times waits until they are over: a delay spike. Nothing is lost.
#[derive(Clone, Debug)]
pub struct Stall {
    from: Nanos,
    until: Nanos,
    last: Nanos,
}

impl Stall {
    /// Between these times.
    pub const fn new(from: Nanos, until: Nanos) -> Self {
        Self {
            from,
            until,
            last: 0,
        }
    }
}

impl Part for Stall {
    fn pass(&mut self, packet: &Passing<'_>, _: &mut Random) -> Outcome {
        let mut at = packet.now;
        if (self.from..self.until).contains(&at) {
            at = self.until;
        }
        // In order, and not all at the same instant.
        self.last = (self.last + 10_000).max(at);
        Outcome::On(self.last)
    }
}
