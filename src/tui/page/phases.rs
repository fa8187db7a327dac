//! The parts of a connection's life, and the frames in which they begin: headings of the ladder.

use super::data::Detail;
use crate::tcp::{Opening, Role};
use crate::wire::Flags;

/// A part of a connection's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It began before the capture.
    Midstream,
    /// It opens.
    Opening,
    /// It opens once more.
    Again,
    /// It is open.
    Open,
    /// This endpoint closes first.
    Closes(Role),
    /// This endpoint closes after its peer.
    ClosesToo(Role),
    /// This endpoint resets it.
    Resets(Role),
}

/// Where they begin, in order of rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Phases(Vec<(usize, Phase)>);

impl Phases {
    /// Of a connection: one look at all rows.
    pub(super) fn of(detail: &Detail) -> Self {
        let mut found = Vec::new();
        let mut closed = [false; 2];
        let mut open = false;
        let mut reset = false;
        for (place, row) in detail.rows.iter().enumerate() {
            let flags = row.flags;
            let from = row.from;
            let mut begins = |phase| found.push((place, phase));
            if flags.has(Flags::RST) {
                if !reset {
                    begins(Phase::Resets(from));
                }
                (reset, open) = (true, true);
            } else if flags.has(Flags::FIN) {
                let [client, server] = closed;
                let (own, other) = match from {
                    Role::Client => (client, server),
                    Role::Server => (server, client),
                };
                match (own, other) {
                    (true, _) => {}
                    (false, false) => begins(Phase::Closes(from)),
                    (false, true) => begins(Phase::ClosesToo(from)),
                }
                if let Some(closed) = closed.get_mut(from as usize) {
                    *closed = true;
                }
                open = true;
            } else if place == 0 && detail.connection.opening() == Opening::Midstream {
                begins(Phase::Midstream);
                open = true;
            } else if place == 0 {
                begins(Phase::Opening);
            } else if flags.has(Flags::SYN) && (reset || closed != [false; 2]) {
                begins(Phase::Again);
                (reset, closed, open) = (false, [false; 2], false);
            } else if !open && !flags.has(Flags::SYN) {
                // The third segment of the handshake belongs to it; what comes after does not.
                let handshake = &detail.connection.handshake;
                if row.payload_len > 0 || handshake.ack.is_some_and(|ack| ack < row.time) {
                    begins(Phase::Open);
                    open = true;
                }
            }
        }
        Self(found)
    }

    /// Those that begin with a row.
    pub(super) fn at(&self, row: usize) -> impl Iterator<Item = Phase> + '_ {
        let start = self.0.partition_point(|(place, _)| *place < row);
        let rest = self.0.get(start..).unwrap_or_default();
        rest.iter()
            .take_while(move |(place, _)| *place == row)
            .map(|(_, phase)| *phase)
    }
}
