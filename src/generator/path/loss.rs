//! Loss: by chance, in bursts, of chosen packets, of the tail.

use super::{Outcome, Part, Passing, Which};
use crate::generator::random::Random;
use crate::generator::truth::Cause;

/// Each packet for itself.
#[derive(Clone, Debug)]
pub struct RandomLoss {
    /// Which may be lost.
    pub which: Which,
    /// So many of a million.
    pub per_million: u32,
}

impl Part for RandomLoss {
    fn pass(&mut self, packet: &Passing<'_>, random: &mut Random) -> Outcome {
        if self.which.takes(packet) && random.chance(self.per_million) {
            Outcome::Died(Cause::RandomLoss)
        } else {
            Outcome::On(packet.now)
        }
    }
}

/// Several in a row (Gilbert 1960): a good state without loss and a bad one where all is lost.
#[derive(Clone, Debug)]
pub struct BurstLoss {
    which: Which,
    begins: u32,
    ends: u32,
    bad: bool,
}

impl BurstLoss {
    /// Bursts begin at so many of a million packets, and end at so many of a million lost ones.
    pub const fn new(which: Which, begins: u32, ends: u32) -> Self {
        Self {
            which,
            begins,
            ends,
            bad: false,
        }
    }
}

impl Part for BurstLoss {
    fn pass(&mut self, packet: &Passing<'_>, random: &mut Random) -> Outcome {
        if !self.which.takes(packet) {
            return Outcome::On(packet.now);
        }
        let turns = random.chance(if self.bad { self.ends } else { self.begins });
        self.bad ^= turns;
        if self.bad {
            Outcome::Died(Cause::BurstLoss)
        } else {
            Outcome::On(packet.now)
        }
    }
}

/// Chosen ones: after some that pass, so many in a row that the choice takes.
#[derive(Clone, Debug)]
pub struct ChosenLoss {
    which: Which,
    skip: u32,
    times: u32,
}

impl ChosenLoss {
    /// The first that the choice takes.
    pub const fn first(which: Which) -> Self {
        Self::some(which, 0, 1)
    }

    /// The `times` that come after `skip` others.
    pub const fn some(which: Which, skip: u32, times: u32) -> Self {
        Self { which, skip, times }
    }
}

impl Part for ChosenLoss {
    fn pass(&mut self, packet: &Passing<'_>, _: &mut Random) -> Outcome {
        if !self.which.takes(packet) || self.times == 0 {
            return Outcome::On(packet.now);
        }
        if self.skip > 0 {
            self.skip -= 1;
            return Outcome::On(packet.now);
        }
        self.times -= 1;
        Outcome::Died(Cause::ChosenLoss)
    }
}

/// The last packet of what a host has to send for now, by chance.
#[derive(Clone, Debug)]
pub struct TailLoss {
    /// So many of a million.
    pub per_million: u32,
}

impl Part for TailLoss {
    fn pass(&mut self, packet: &Passing<'_>, random: &mut Random) -> Outcome {
        if Which::Tail.takes(packet) && random.chance(self.per_million) {
            Outcome::Died(Cause::ChosenLoss)
        } else {
            Outcome::On(packet.now)
        }
    }
}
