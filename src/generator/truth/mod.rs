//! What really happened: the journal that a network keeps, and the answer sheet judged from it.
//!
//! ```text
//! network (simulated, or real kernels) ─▶ Journal ─▶ judge(journal, tap, recorded) ─▶ Sheet
//!                                                                                      NDJSON
//! ```
//!
//! - [`journal`]: every packet a host sent, why, and what became of each of its copies: written
//!   down by whoever runs the network, simulated or real
//! - [`judge`](judge()): journal and capture → what each captured frame is, by the definitions in
//!   `docs/truth.md`
//! - [`sheet`]: the answers, as types and as NDJSON (schema `tcplens-truth/1`)
//!
//! Nothing here knows the analyzer. Where a fact can't be known by anybody who sees only what the
//! tap saw, the sheet says so and why ([`sheet::Unknowable`]).

pub mod journal;
mod judge;
pub(crate) mod ranges;
pub mod sheet;

use serde::{Deserialize, Serialize};

pub use journal::{Cause, Header, HostState, Journal, Leg, Reason, Recorded, Refusal, Uid};
pub use judge::judge;
pub use sheet::{ConnectionTruth, FrameTruth, Kind, Sheet};

/// One of the two hosts of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The one that opened.
    Client,
    /// The one that was opened to.
    Server,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// The other one.
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

/// Where on the path the capture is made.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Tap {
    /// Beside the client.
    Client,
    /// Between the two legs of the path.
    #[default]
    Middle,
    /// Beside the server.
    Server,
}

impl Tap {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Client, Self::Middle, Self::Server];

    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Middle => "middle",
            Self::Server => "server",
        }
    }

    /// Whether this is the tap beside that host.
    pub const fn is_beside(self, side: Side) -> bool {
        matches!(
            (self, side),
            (Self::Client, Side::Client) | (Self::Server, Side::Server)
        )
    }

    /// Whether what happens on `leg` to a packet from `from` happens before the packet reaches
    /// this tap.
    pub const fn is_behind(self, leg: Leg, from: Side) -> bool {
        match (self, from) {
            (Self::Client, Side::Client) | (Self::Server, Side::Server) => false,
            (Self::Client, Side::Server) | (Self::Server, Side::Client) => true,
            (Self::Middle, Side::Client) => matches!(leg, Leg::Near),
            (Self::Middle, Side::Server) => matches!(leg, Leg::Far),
        }
    }
}
