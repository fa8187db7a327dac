//! Duplication: the network delivers a packet twice.

use super::{Outcome, Part, Passing, Which};
use crate::generator::packet::Nanos;
use crate::generator::random::Random;

/// Copies some packets.
#[derive(Clone, Debug)]
pub struct Duplicate {
    /// Which may be copied.
    pub which: Which,
    /// So many of a million.
    pub per_million: u32,
    /// How much later the copy comes.
    pub after: Nanos,
}

impl Part for Duplicate {
    fn pass(&mut self, packet: &Passing<'_>, random: &mut Random) -> Outcome {
        if self.which.takes(packet) && random.chance(self.per_million) {
            Outcome::Twice(packet.now, packet.now + self.after)
        } else {
            Outcome::On(packet.now)
        }
    }
}
