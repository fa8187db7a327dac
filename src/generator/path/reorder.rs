//! Reordering: some packets are held back while others pass.

use super::{Outcome, Part, Passing, Which};
use crate::generator::packet::Nanos;
use crate::generator::random::Random;

/// Holds some packets back.
#[derive(Clone, Debug)]
pub struct Reorder {
    /// Which may be held.
    pub which: Which,
    /// So many of a million.
    pub per_million: u32,
    /// After so many that are not held.
    pub skip: u32,
    /// At most so many in all.
    pub times: u32,
    /// How long, at least and at most.
    pub hold: (Nanos, Nanos),
}

impl Part for Reorder {
    fn pass(&mut self, packet: &Passing<'_>, random: &mut Random) -> Outcome {
        if self.times == 0 || !self.which.takes(packet) {
            return Outcome::On(packet.now);
        }
        if self.skip > 0 {
            self.skip -= 1;
            return Outcome::On(packet.now);
        }
        if !random.chance(self.per_million) {
            return Outcome::On(packet.now);
        }
        self.times -= 1;
        let (least, most) = self.hold;
        Outcome::On(packet.now + random.between(least, most))
    }
}
