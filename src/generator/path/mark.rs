//! Congestion marks (ECN, RFC 3168) without a queue behind them.

use super::{Outcome, Part, Passing, Which};
use crate::generator::random::Random;

/// Marks some packets; those that are not ECN-capable pass as they are.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Which may be marked.
    pub which: Which,
    /// So many of a million.
    pub per_million: u32,
}

impl Part for Mark {
    fn pass(&mut self, packet: &Passing<'_>, random: &mut Random) -> Outcome {
        if self.which.takes(packet) && random.chance(self.per_million) {
            Outcome::Marked(packet.now)
        } else {
            Outcome::On(packet.now)
        }
    }
}
