//! The path between two hosts: two legs with a tap between them, each leg in each direction a row
//! of small parts. A packet enters a part and comes out later, twice, damaged, marked, or not at
//! all. One file for each kind of part.

mod bandwidth;
mod blackout;
mod capture;
mod corrupt;
mod delay;
mod duplicate;
mod loss;
mod mark;
mod mtu;
mod reorder;
mod which;

pub use bandwidth::Bottleneck;
pub use blackout::{Blackout, Stall};
pub use capture::CaptureFaults;
pub use corrupt::Corrupt;
pub use delay::Delay;
pub use duplicate::Duplicate;
pub use loss::{BurstLoss, ChosenLoss, RandomLoss, TailLoss};
pub use mark::Mark;
pub use mtu::Mtu;
pub use reorder::Reorder;
pub use which::Which;

use super::packet::Nanos;
use super::random::Random;
use super::truth::{Cause, Header, Leg, Side};

/// A packet at the entrance of a part.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// What it says.
    pub header: &'a Header,
    /// Who sent it.
    pub from: Side,
    /// The connection.
    pub connection: u32,
    /// Its first position in its stream (the SYN has 0), and behind its last.
    pub range: (i64, i64),
    /// Its host has sent octets of it before.
    pub again: bool,
    /// It ends what its host has to send for now.
    pub last: bool,
    /// Length of its IP packet.
    pub len: u32,
    /// When it comes, from the begin.
    pub now: Nanos,
}

/// What a part does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on at this time.
    On(Nanos),
    /// It goes on at the first time, and a copy at the second.
    Twice(Nanos, Nanos),
    /// It goes on at this time, with a wrong octet.
    Damaged(Nanos),
    /// It goes on at this time, marked CE.
    Marked(Nanos),
    /// It goes no further.
    Died(Cause),
    /// It goes no further, and its sender is told how long it may be (RFC 1191).
    TooLong(u32),
}

/// A part of a path.
pub trait Part: std::fmt::Debug {
    /// Takes a packet in.
    fn pass(&mut self, packet: &Passing<'_>, random: &mut Random) -> Outcome;
}

/// Both legs, in both directions.
#[derive(Debug, Default)]
pub struct Path {
    /// Near and far leg, each for what the client and what the server sends.
    parts: [[Vec<Box<dyn Part>>; 2]; 2],
}

impl Path {
    /// Adds a part at the end of a leg for what `from` sends.
    pub fn add(&mut self, from: Side, leg: Leg, part: impl Part + 'static) -> &mut Self {
        self.parts[leg as usize][from as usize].push(Box::new(part));
        self
    }

    /// Adds a part at the begin of a leg for what `from` sends.
    pub fn add_first(&mut self, from: Side, leg: Leg, part: impl Part + 'static) -> &mut Self {
        self.parts[leg as usize][from as usize].insert(0, Box::new(part));
        self
    }

    /// The part that a packet enters as its `at`-th on that leg.
    pub(super) fn part(&mut self, from: Side, leg: Leg, at: usize) -> Option<&mut Box<dyn Part>> {
        self.parts[leg as usize][from as usize].get_mut(at)
    }
}
