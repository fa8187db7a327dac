//! What the graphs show of one sender, made once when a connection is opened: the frames in small
//! pieces, in order of time, so that a plot looks only at what is in sight.

use super::data::{Detail, Row};
use super::judged::{Sign, sign_of, weightiest};
use crate::tcp::{Kind, Role, Verdict};
use crate::wire::Flags;

/// A stretch of sequence numbers at a time: a segment, or a SACK block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Nanoseconds since the connection's first frame.
    pub(super) at: i64,
    /// First position.
    pub(super) low: i64,
    /// Position after the last.
    pub(super) high: i64,
    /// The place of its frame among the rows.
    pub(super) row: usize,
    /// The sign of what it is judged to be, where it is a segment.
    pub(super) sign: Option<Sign>,
    /// Whether it was sent before.
    pub(super) again: bool,
}

/// What an acknowledgment said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Nanoseconds since the connection's first frame.
    pub(super) at: i64,
    /// What it acknowledges up to.
    pub(super) ack: i64,
    /// Up to where it lets its peer send.
    pub(super) edge: Option<i64>,
    /// The place of its frame among the rows.
    pub(super) row: usize,
    /// The sign of what it is judged to be.
    pub(super) sign: Option<Sign>,
}

/// How much was in flight after a frame, and what it could have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    /// Nanoseconds since the connection's first frame.
    pub(super) at: i64,
    /// Octets sent and not acknowledged.
    pub(super) octets: i64,
    /// The peer's window.
    pub(super) window: Option<i64>,
    /// The congestion window, as inferred.
    pub(super) congestion: Option<i64>,
    /// The place of its frame among the rows.
    pub(super) row: usize,
}

/// A round trip that ended with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trip {
    /// Nanoseconds since the connection's first frame.
    pub(super) at: i64,
    /// How long it took, in nanoseconds.
    pub(super) nanos: i64,
    /// The place of its frame among the rows.
    pub(super) row: usize,
}

/// What the graphs show of one sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Series {
    /// What it sent.
    pub(super) segments: Vec<Stretch>,
    /// What its peer reported by SACK.
    pub(super) sacks: Vec<Stretch>,
    /// What its peer acknowledged.
    pub(super) told: Vec<Told>,
    /// What it had in flight.
    pub(super) flights: Vec<Flight>,
    /// Round trips from the tap to its peer and back.
    pub(super) trips: Vec<Trip>,
}

/// What has a time.
pub(super) trait Timed {
    /// Nanoseconds since the connection's first frame.
    fn at(&self) -> i64;
    /// The place of its frame among the rows.
    fn row(&self) -> usize;
}

macro_rules! timed {
    ($($name:ident)*) => {$(
        impl Timed for $name {
            fn at(&self) -> i64 {
                self.at
            }
            fn row(&self) -> usize {
                self.row
            }
        }
    )*};
}

timed!(Stretch Told Flight Trip);

/// Those of a list in order of time from `low` to `high`, and one more before and after.
pub(super) fn between<T: Timed>(all: &[T], low: i64, high: i64) -> &[T] {
    let start = all.partition_point(|each| each.at() < low);
    let end = all.partition_point(|each| each.at() <= high);
    let start = start.saturating_sub(1);
    all.get(start..end.saturating_add(1).min(all.len()))
        .unwrap_or_default()
}

impl Series {
    /// Of one sender of a connection.
    pub(super) fn of(detail: &Detail, sender: Role) -> Self {
        let mut series = Self::default();
        let mut window = None;
        for (place, row) in detail.rows.iter().enumerate() {
            let at = (row.time - detail.first).as_nanos();
            if row.from == sender {
                series.sent(detail, row, place, at);
            } else {
                window = row
                    .window
                    .map(|window| i64::try_from(window).unwrap_or(i64::MAX));
                series.heard(detail, row, place, at, window);
            }
            let octets = row.in_flight.get(sender as usize).copied().unwrap_or(0);
            series.flights.push(Flight {
                at,
                octets: i64::try_from(octets).unwrap_or(i64::MAX),
                window,
                congestion: row
                    .cwnd
                    .filter(|_| row.from == sender)
                    .map(|cwnd| i64::try_from(cwnd).unwrap_or(i64::MAX)),
                row: place,
            });
        }
        series.segments.sort_by_key(Stretch::at);
        series.sacks.sort_by_key(Stretch::at);
        series.told.sort_by_key(Told::at);
        series.flights.sort_by_key(Flight::at);
        series.trips.sort_by_key(Trip::at);
        series
    }

    fn sent(&mut self, detail: &Detail, row: &Row, place: usize, at: i64) {
        let control = row.flags.any(Flags::SYN | Flags::FIN);
        let high = row.seq + i64::from(row.payload_len) + i64::from(control);
        let verdict = weightiest(detail, row).filter(|verdict| is_of_data(verdict));
        if high == row.seq && verdict.is_none() {
            return;
        }
        self.segments.push(Stretch {
            at,
            low: row.seq,
            high,
            row: place,
            sign: verdict.map(sign_of),
            again: verdict.is_some_and(|verdict| verdict.kind == Kind::Retransmission),
        });
    }

    fn heard(&mut self, detail: &Detail, row: &Row, place: usize, at: i64, window: Option<i64>) {
        if let Some(ack) = row.ack {
            let verdict = weightiest(detail, row).filter(|verdict| !is_of_data(verdict));
            self.told.push(Told {
                at,
                ack,
                edge: window.map(|window| ack.saturating_add(window)),
                row: place,
                sign: verdict.map(sign_of).filter(|sign| sign.weight > 3),
            });
        }
        for (low, high) in row.sack.iter().take(usize::from(row.sack_count)) {
            self.sacks.push(Stretch {
                at,
                low: *low,
                high: *high,
                row: place,
                sign: None,
                again: false,
            });
        }
        if let Some(rtt) = row.rtt {
            self.trips.push(Trip {
                at,
                nanos: rtt.as_nanos(),
                row: place,
            });
        }
    }
}

/// Whether a verdict is about what a segment carries, not about what it acknowledges.
fn is_of_data(verdict: &Verdict) -> bool {
    !matches!(
        verdict.kind,
        Kind::ZeroWindow
            | Kind::WindowUpdate
            | Kind::DuplicateAck
            | Kind::AckUnseen
            | Kind::Dsack
            | Kind::ChallengeAck
            | Kind::EcnEcho
    )
}
