//! Loss: by chance, in bursts, of chosen packets, of the tail.

use super::{Nanos, Outcome, Part, Passing, Which};
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
    lasts: Nanos,
    /// When the burst began that goes on.
    bad: Option<Nanos>,
}

impl BurstLoss {
    /// Bursts begin at so many of a million packets, and end at so many of a million lost ones.
    pub const fn new(which: Which, begins: u32, ends: u32) -> Self {
        Self {
            which,
            begins,
            ends,
            lasts: Nanos::MAX,
            bad: None,
        }
    }

    /// A burst is over after this time, also when hardly anything was sent in it: counted in
    /// packets alone it would go on for as long as a sender's timer backs off.
    pub const fn at_most(mut self, lasts: Nanos) -> Self {
        self.lasts = lasts;
        self
    }
}

impl Part for BurstLoss {
    fn pass(&mut self, packet: &Passing<'_>, random: &mut Random) -> Outcome {
        if !self.which.takes(packet) {
            return Outcome::On(packet.now);
        }
        let is_over = |begun: &Nanos| packet.now.saturating_sub(*begun) > self.lasts;
        self.bad = self.bad.filter(|begun| !is_over(begun));
        self.bad = match self.bad {
            Some(begun) => (!random.chance(self.ends)).then_some(begun),
            None => random.chance(self.begins).then_some(packet.now),
        };
        match self.bad {
            Some(_) => Outcome::Died(Cause::BurstLoss),
            None => Outcome::On(packet.now),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::truth::{Header, Side};

    #[test]
    fn a_burst_is_over_in_time() {
        let header = Header::default();
        // What begins half of the time, and never ends by itself.
        let mut loss = BurstLoss::new(Which::All, 500_000, 0).at_most(1_000);
        let mut random = Random::new(1);
        let mut passes = |now| {
            let packet = Passing {
                header: &header,
                from: Side::Client,
                connection: 0,
                range: (1, 1),
                again: false,
                last: false,
                len: 40,
                now,
            };
            loss.pass(&packet, &mut random) == Outcome::On(now)
        };
        let begun = (0..100).find(|now| !passes(*now)).expect("a burst");
        assert!(!(begun..=begun + 1_000).any(&mut passes));
        assert!((begun + 1_001..begun + 100_000).any(passes));
    }
}
