//! Delay with jitter, first in first out.

use super::{Outcome, Part, Passing};
use crate::generator::packet::Nanos;
use crate::generator::random::Random;

/// Every packet takes so long, and up to `jitter` longer; none overtakes another.
#[derive(Clone, Debug)]
pub struct Delay {
    delay: Nanos,
    jitter: Nanos,
    last: Nanos,
}

impl Delay {
    /// So long, always.
    pub const fn new(delay: Nanos) -> Self {
        Self::with_jitter(delay, 0)
    }

    /// So long, and up to `jitter` longer.
    pub const fn with_jitter(delay: Nanos, jitter: Nanos) -> Self {
        Self {
            delay,
            jitter,
            last: 0,
        }
    }
}

impl Part for Delay {
    fn pass(&mut self, packet: &Passing<'_>, random: &mut Random) -> Outcome {
        let at = packet.now + self.delay + random.between(0, self.jitter);
        self.last = self.last.max(at);
        Outcome::On(self.last)
    }
}
