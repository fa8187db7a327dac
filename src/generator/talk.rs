//! A conversation between two hosts: what a scenario asks a network for.

use std::net::SocketAddr;

use super::host::{Act, Habits};
use super::packet::Nanos;
use super::truth::Side;

/// A conversation between two hosts.
#[derive(Clone, Debug)]
pub struct Talk {
    /// When the client begins.
    pub at: Nanos,
    /// Sockets of client and server.
    pub sockets: [SocketAddr; 2],
    /// Initial sequence numbers; by chance where none are given.
    pub isns: [Option<u32>; 2],
    /// How both hosts are set up.
    pub habits: [Habits; 2],
    /// What the user of each does.
    pub acts: [Vec<Act>; 2],
}

impl Talk {
    /// A conversation between two hosts as Linux sets them up, at the begin.
    pub fn new(client: &[Act], server: &[Act]) -> Self {
        Self {
            at: 0,
            sockets: [
                ([10, 0, 0, 1], 40_000).into(),
                ([10, 0, 0, 2], 8_000).into(),
            ],
            isns: [None; 2],
            habits: [Habits::default(), Habits::default()],
            acts: [client.to_vec(), server.to_vec()],
        }
    }

    /// Changes how both hosts are set up.
    pub fn both(mut self, change: impl Fn(&mut Habits)) -> Self {
        self.habits.iter_mut().for_each(change);
        self
    }

    /// Changes how one is.
    pub fn with(mut self, side: Side, change: impl Fn(&mut Habits)) -> Self {
        change(&mut self.habits[side as usize]);
        self
    }

    /// Begins later.
    pub const fn later(mut self, at: Nanos) -> Self {
        self.at = at;
        self
    }

    /// From another port of the client.
    pub fn from_port(mut self, port: u16) -> Self {
        self.sockets[0].set_port(port);
        self
    }

    /// To another port of the server.
    pub fn to_port(mut self, port: u16) -> Self {
        self.sockets[1].set_port(port);
        self
    }
}
