//! Corruption: an octet is damaged, and nobody on the way notices.

use super::{Outcome, Part, Passing, Which};
use crate::generator::random::Random;

/// Damages some packets; whoever receives them sees that the checksum is wrong.
#[derive(Clone, Debug)]
pub struct Corrupt {
    /// Which may be damaged.
    pub which: Which,
    /// So many of a million.
    pub per_million: u32,
}

impl Part for Corrupt {
    fn pass(&mut self, packet: &Passing<'_>, random: &mut Random) -> Outcome {
        if self.which.takes(packet) && random.chance(self.per_million) {
            Outcome::Damaged(packet.now)
        } else {
            Outcome::On(packet.now)
        }
    }
}
