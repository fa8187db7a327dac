//! What a TCP conversation is doing, from what passes one tap. Sans-IO: segments with their
//! capture time go in, events and stream bytes come out; nothing here reads a clock or a file.
//!
//! - [`connection`] feeds each segment to both endpoints: a send for one, a receipt for the other
//!   (`step`, `sending`, `acknowledging`, `transition` are the parts of that)
//! - [`endpoint`] is one host as inferred: state, send side, receive side, figures
//! - [`state`] the RFC 9293 machine as one table; [`handshake`] how it opened
//! - [`scoreboard`], [`range_set`], [`window`], [`rtt`]: the evidence
//! - [`retransmission`] evidence → verdict, an ordered list of rules; [`rule`] what each means;
//!   [`verdict`] what is said of a segment
//! - [`congestion`] the congestion window and its algorithm, inferred from the flight
//! - [`recovery`] episodes of sending again, entry to exit
//! - [`reassembly`] the byte stream of one direction
//! - [`event`] everything that can happen, one enum

mod acknowledging;
mod again;
pub mod congestion;
pub mod connection;
pub mod departure;
pub mod doubt;
pub mod endpoint;
pub mod event;
pub mod fingerprint;
pub mod gaps;
pub mod handshake;
pub mod heard;
pub mod outcome;
pub mod range_set;
pub mod reassembly;
pub mod recovery;
pub mod resends;
pub mod retransmission;
pub mod rtt;
pub mod rule;
pub mod scoreboard;
mod sending;
pub mod stamp_clock;
pub mod state;
mod step;
mod syn_again;
mod transition;
pub mod verdict;
pub mod window;

pub use connection::{Connection, Listener, Settings};
pub use endpoint::{Endpoint, Figures, Pool};
pub use event::{Event, What};
pub use handshake::{Closer, Embryo, Ending, Opening};
pub use reassembly::OverlapPolicy;
pub use rule::Rule;
pub use state::State;
pub use verdict::{Kind, Verdict};

use crate::time::Timestamp;
use crate::wire::{Ip, Segment};

/// Which of the two endpoints. The client is the one that sent the first SYN; where none was
/// seen, a guess ([`Connection::client_is_guessed`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The one that opened.
    Client,
    /// The one that was opened to.
    Server,
}

impl Role {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// The other one.
    #[inline]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl core::fmt::Display for Role {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// A segment as it passed the tap.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// Number of its frame.
    pub frame: u64,
    /// Capture time.
    pub time: Timestamp,
    /// Length of its frame on the wire in bytes.
    pub wire_len: u32,
    /// IP identification, where the header has one.
    pub ip_id: Option<u32>,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// The IP header, where the checksum may be asked for.
    pub ip: Option<&'a Ip>,
    /// The segment.
    pub segment: &'a Segment<'a>,
}
