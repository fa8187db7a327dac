//! A row for every segment of a connection: what it said, and where both endpoints stood after it.

use core::ops::ControlFlow;

use crate::analysis::{FlowView, FrameView, Observer};
use crate::frame::Place;
use crate::tcp::congestion::Limit;
use crate::tcp::window::Scale;
use crate::tcp::{Connection, Event, Kind, Role, State, Verdict, What};
use crate::time::{Span, Timestamp};
use crate::wire::{Flags, SeqNum, Transport};

/// A segment, and where its connection stood after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Number of its frame.
    pub frame: u64,
    /// Capture time.
    pub time: Timestamp,
    /// Who sent it.
    pub from: Role,
    /// Where its frame lies.
    pub place: Place,
    /// Length of its frame on the wire in bytes.
    pub wire_len: u32,
    /// Bytes of the frame that were captured.
    pub captured: u32,
    /// Control bits.
    pub flags: Flags,
    /// Position of its first octet in its sender's sequence space: the SYN is at 0, the first octet
    /// of data at 1, past wraps too.
    pub seq: i64,
    /// What it acknowledges up to, in its peer's positions.
    pub ack: Option<i64>,
    /// Payload bytes on the wire.
    pub payload_len: u32,
    /// The window it advertises in bytes; `None` where the scale is not known.
    pub window: Option<u64>,
    /// The window field as it stood.
    pub window_raw: u16,
    /// SACK blocks in its peer's positions, start and end; `sack_count` of them.
    pub sack: [(i64, i64); 4],
    /// How many of `sack` are used.
    pub sack_count: u8,
    /// Whether the first block reports octets that came twice (RFC 2883).
    pub dsack: bool,
    /// TSval and TSecr.
    pub timestamps: Option<(u32, u32)>,
    /// The states of both endpoints after it, by [`Role`].
    pub states: [State; 2],
    /// Whether it changed them.
    pub changed: [bool; 2],
    /// Octets that both endpoints had in flight after it, less those SACKed.
    pub in_flight: [u64; 2],
    /// The round trip from the tap to its sender that its acknowledgment gave.
    pub rtt: Option<Span>,
    /// What its sender had in flight at most in the round trip it was sent in, where nothing but
    /// the congestion window held that back: the window, as far as it shows.
    pub cwnd: Option<u64>,
    /// IP identification, where the header has one.
    pub ip_id: Option<u32>,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Whether it was marked congestion experienced on its way (RFC 3168).
    pub congestion_experienced: bool,
    pub(super) first_verdict: u32,
    pub(super) verdict_count: u16,
}

impl Row {
    /// The position after its last octet, SYN and FIN counted.
    pub fn end(&self) -> i64 {
        let flags = u32::from(self.flags.has(Flags::SYN)) + u32::from(self.flags.has(Flags::FIN));
        self.seq + i64::from(self.payload_len) + i64::from(flags)
    }

    /// Its SACK blocks.
    pub fn sack(&self) -> &[(i64, i64)] {
        let count = usize::from(self.sack_count);
        self.sack.get(..count).unwrap_or(&self.sack)
    }
}

/// Gathers rows.
#[derive(Debug)]
pub(super) struct Rows {
    wanted: u32,
    skip: u64,
    limit: usize,
    pub(super) kept: Vec<Row>,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) passed: u64,
    pub(super) dropped: u64,
    pub(super) strays: u64,
    /// Round-trip samples so far, by who acknowledged.
    samples: [u64; 2],
}

impl Rows {
    pub(super) fn new(wanted: u32, skip: u64, limit: usize) -> Self {
        Self {
            wanted,
            skip,
            limit,
            kept: Vec::new(),
            verdicts: Vec::new(),
            passed: 0,
            dropped: 0,
            strays: 0,
            samples: [0; 2],
        }
    }

    /// Puts revisions in the place of verdicts.
    fn revise(&mut self, events: &[Event]) {
        for event in events {
            let What::Revised {
                frame,
                before,
                after,
                ..
            } = event.what
            else {
                continue;
            };
            let row = self.kept.partition_point(|row| row.frame < frame);
            let Some(row) = self.kept.get(row).filter(|row| row.frame == frame) else {
                continue;
            };
            let start = row.first_verdict as usize;
            let end = start + usize::from(row.verdict_count);
            let own = self.verdicts.get_mut(start..end).unwrap_or_default();
            let told = own
                .iter_mut()
                .find(|each| (each.kind, each.rule) == (before.kind, before.rule));
            if let Some(verdict) = told {
                *verdict = after;
            }
        }
    }

    /// Says what shows only when all is read.
    pub(super) fn settle(&mut self, connection: &Connection) {
        for role in Role::BOTH {
            let Some(inferred) = connection.endpoint(role).congestion() else {
                continue;
            };
            for row in self.kept.iter_mut().filter(|row| row.from == role) {
                let after = inferred
                    .rounds
                    .partition_point(|round| round.began <= row.time);
                let round = after.checked_sub(1).and_then(|at| inferred.rounds.get(at));
                row.cwnd = round
                    .filter(|round| row.time - round.began <= round.lasted)
                    .filter(|round| round.limit == Limit::Congestion)
                    .map(|round| u64::from(round.flight));
            }
        }
    }

    fn row(&mut self, view: &FrameView<'_>, connection: &Connection, from: Role) -> Option<Row> {
        let Transport::Tcp(segment) = &view.decoded.transport else {
            return None;
        };
        let (sender, receiver) = (connection.endpoint(from), connection.endpoint(from.peer()));
        let count = sender.rtt.count();
        let sampled = self
            .samples
            .get(from as usize)
            .is_some_and(|&had| count > had);
        if let Some(samples) = self.samples.get_mut(from as usize) {
            *samples = count;
        }
        let syn = segment.flags.has(Flags::SYN);
        let acknowledges = segment.flags.has(Flags::ACK);
        let of_peer = |seq: SeqNum| receiver.position(seq).unwrap_or(i64::from(seq.0));
        let mut sack = [(0, 0); 4];
        for (place, block) in sack.iter_mut().zip(segment.options.sack_blocks()) {
            *place = (of_peer(block.left), of_peer(block.right));
        }
        let state = |role| connection.endpoint(role).state;
        let flight = |role| connection.endpoint(role).in_flight_unsacked();
        let changed = |role| {
            view.events
                .iter()
                .any(|event| matches!(event.what, What::State { endpoint, .. } if endpoint == role))
        };
        let judged = |kind| {
            view.events
                .iter()
                .any(|event| matches!(event.what, What::Verdict(verdict) if verdict.kind == kind))
        };
        let scale_known = syn || matches!(sender.window.scale, Scale::Known(_));
        let ip = view.decoded.ip.as_ref();
        Some(Row {
            frame: view.frame.number,
            time: view.frame.time,
            from,
            place: view.frame.place,
            wire_len: view.frame.wire_len,
            captured: view.frame.data.len() as u32,
            flags: segment.flags,
            seq: sender
                .position(segment.seq)
                .unwrap_or(i64::from(segment.seq.0)),
            ack: acknowledges.then(|| of_peer(segment.ack)),
            payload_len: segment.payload_len,
            window: scale_known.then(|| sender.window.scaled(segment.window, syn)),
            window_raw: segment.window,
            sack,
            sack_count: segment.options.sack_count,
            dsack: judged(Kind::Dsack),
            timestamps: segment
                .options
                .timestamps
                .map(|each| (each.value, each.echo)),
            states: Role::BOTH.map(state),
            changed: Role::BOTH.map(changed),
            in_flight: Role::BOTH.map(flight),
            rtt: sender.rtt.latest().filter(|_| sampled),
            cwnd: None,
            ip_id: ip.and_then(|ip| ip.id),
            ttl: ip.map_or(0, |ip| ip.ttl),
            congestion_experienced: ip.is_some_and(|ip| ip.traffic_class & 3 == 3),
            first_verdict: self.verdicts.len() as u32,
            verdict_count: 0,
        })
    }
}

impl Observer for Rows {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let (flow, from) = match view.flow {
            FlowView::Tcp { view, from } if view.id == self.wanted => (view, from),
            FlowView::Tcp { .. } => {
                self.strays += 1;
                return ControlFlow::Continue(());
            }
            _ => return ControlFlow::Continue(()),
        };
        let Some(mut row) = self.row(view, flow.connection, from) else {
            return ControlFlow::Continue(());
        };
        if self.passed < self.skip {
            self.passed += 1;
        } else if self.kept.len() >= self.limit {
            self.dropped += 1;
        } else {
            for event in view.events {
                if let What::Verdict(verdict) = event.what {
                    self.verdicts.push(verdict);
                    row.verdict_count = row.verdict_count.saturating_add(1);
                }
            }
            self.kept.push(row);
        }
        self.revise(view.events);
        ControlFlow::Continue(())
    }

    fn late(&mut self, connection: u32, events: &[Event]) {
        if connection == self.wanted {
            self.revise(events);
        }
    }
}
