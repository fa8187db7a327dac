//! A link that takes no long packets.

use super::{Outcome, Part, Passing};
use crate::generator::random::Random;
use crate::generator::truth::Cause;

/// Loses what is longer than its MTU. A black hole says nothing; else the sender is told (RFC 1191,
/// RFC 8201).
#[derive(Clone, Debug)]
pub struct Mtu {
    /// Octets of an IP packet that it takes.
    pub mtu: u32,
    /// It tells nobody.
    pub silent: bool,
}

impl Part for Mtu {
    fn pass(&mut self, packet: &Passing<'_>, _: &mut Random) -> Outcome {
        if packet.len <= self.mtu {
            Outcome::On(packet.now)
        } else if self.silent {
            Outcome::Died(Cause::TooLong)
        } else {
            Outcome::TooLong(self.mtu)
        }
    }
}
