//! The congestion window of a sender, inferred from its flight.
//!
//! The window itself never passes the tap. What does is the flight: what the sender has sent and
//! not heard of again. A sender that always has data fills its window, so the most in flight
//! during a round trip is the window of that round trip; where the application or the peer's
//! window held it back, the flight says nothing of it and is marked so.
//!
//! The flight is taken as the sender has it: an acknowledgment counts when it can have reached the
//! sender (`heard`). Rounds are counted as in BBR: one ends when the first segment that was sent
//! in it is known to be acknowledged. That makes the figures the same at every tap, but for
//! acknowledgments that never reached the sender. Where the peer's timestamps do not show what the
//! sender has heard, a queue between the sender and the tap hides a part of the flight.
//!
//! Sources: RFC 5681 (slow start, Reno), RFC 6928 (initial window), RFC 9438 (CUBIC),
//! draft-ietf-ccwg-bbr (BBR), RFC 6675 (the flight less what was SACKed).

mod fit;
mod heard;
mod tracker;

use crate::time::{Span, Timestamp};
use crate::wire::Flags;
use tracker::Tracker;

use super::Arrived;
use super::endpoint::Endpoint;
use super::verdict::{Need, Trigger, Verdict};

/// Congestion control algorithms that are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RFC 5681: half at a loss, a segment more per round trip.
    Reno,
    /// RFC 9438: 0.7 at a loss, then along a cubic curve.
    Cubic,
    /// A model of path and pace; losses alone do not shrink its flight.
    Bbr,
    /// Too little was seen, or nothing fits.
    #[default]
    Unknown,
}

impl Algorithm {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reno => "reno",
            Self::Cubic => "cubic",
            Self::Bbr => "bbr",
            Self::Unknown => "unknown",
        }
    }
}

/// What made a sender reduce its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A fast retransmission.
    Loss,
    /// A retransmission timeout: the window is one segment then (RFC 5681 section 3.1).
    Timeout,
    /// The receiver's report of a congestion mark, answered with CWR (RFC 3168 section 6.1.2).
    Ecn,
}

impl Cause {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Timeout => "timeout",
            Self::Ecn => "ecn",
        }
    }
}

/// What held a flight back, other than the congestion window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Nothing did: the flight shows the window.
    #[default]
    Congestion,
    /// The sender ran out of data.
    Application,
    /// The peer's receive window was full.
    Receiver,
    /// What is lost is in flight no more, and the tap cannot know what the sender takes for lost.
    Recovery,
}

impl Limit {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Congestion => "congestion",
            Self::Application => "application",
            Self::Receiver => "receiver",
            Self::Recovery => "recovery",
        }
    }
}

/// One round trip of a sender, or several where there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// When its first segment passed.
    pub began: Timestamp,
    /// How long it took.
    pub lasted: Span,
    /// Most octets in flight.
    pub flight: u32,
    /// Round trips in it.
    pub trips: u32,
    /// What held the flight back.
    pub limit: Limit,
}

/// A reduction of the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reduction {
    /// When it passed.
    pub time: Timestamp,
    /// Why.
    pub cause: Cause,
    /// Segments in flight before; `None` where the flight does not show it.
    pub before: Option<f32>,
    /// Segments in flight in the round trip after its recovery (after a timeout: sent before the
    /// next acknowledgment).
    pub after: Option<f32>,
    /// Whether a DSACK said that what was sent again had arrived: senders take the reduction back.
    pub undone: bool,
}

impl Reduction {
    /// Flight after by flight before: 0.5 for Reno, 0.7 for CUBIC.
    pub fn factor(&self) -> Option<f64> {
        let (before, after) = (self.before?, self.after?);
        (before > 0.0).then(|| f64::from(after) / f64::from(before))
    }

    /// Before and after, where they say something of the algorithm.
    fn usable(&self) -> Option<(f64, f64)> {
        if self.undone || self.cause == Cause::Timeout {
            return None;
        }
        Some((self.before?.into(), self.after?.into()))
    }
}

/// How a slow start ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlowStartExit {
    /// At a loss, a timeout or a congestion mark.
    Reduced,
    /// The flight stopped doubling without one: ssthresh, HyStart (RFC 9406) or a full pipe (BBR).
    Slowed,
}

/// The first slow start of a sender.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowStart {
    /// Round trips until its end, or until something else held the flight back.
    pub trips: u32,
    /// Segments in flight then.
    pub flight: f32,
    /// When it ended, and how; `None` while it goes on.
    pub exit: Option<(Timestamp, SlowStartExit)>,
}

/// What a sender's flight shows of its congestion control.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inferred {
    /// The algorithm that fits, if any: likely, never certain.
    pub algorithm: Algorithm,
    /// Octets per full segment that the figures in segments are counted in.
    pub segment: u32,
    /// Segments in the first flight, and whether more data waited: if not, the window was at
    /// least this. `None` where the beginning was not seen.
    pub initial_window: Option<(f32, bool)>,
    /// Its first slow start, where the beginning was seen.
    pub slow_start: Option<SlowStart>,
    /// Reductions in all.
    pub reductions_seen: u32,
    /// The first of them, at most [`REDUCTIONS`](Self::REDUCTIONS).
    pub reductions: Box<[Reduction]>,
    /// Median factor of those reductions that show it.
    pub factor: Option<f32>,
    /// How many of them that is.
    pub factors: u32,
    /// Segments that the flight grew by per round trip outside slow start and recovery.
    pub growth: Option<f32>,
    /// What held the flight back for most of the time.
    pub limit: Limit,
    /// The flight over time, at most [`ROUNDS`](Self::ROUNDS) steps.
    pub rounds: Box<[Round]>,
}

impl Inferred {
    /// Steps of time kept.
    pub const ROUNDS: usize = 64;
    /// Reductions kept.
    pub const REDUCTIONS: usize = 16;

    /// Bytes, with those on the heap.
    pub(super) fn heap(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.rounds) + size_of_val(&*self.reductions)
    }
}

/// A first transmission above SND.NXT, and what its sender may know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending {
    pub(super) time: Timestamp,
    /// Its positions.
    pub(super) start: i64,
    pub(super) end: i64,
    /// SND.UNA and the end of the peer's window as the tap has them.
    pub(super) una: i64,
    pub(super) edge: Option<i64>,
    /// TSecr.
    pub(super) echo: Option<u32>,
    /// Whether CWR is set.
    pub(super) reduced: bool,
    /// The round trip from the tap to the sender; zero where it is not known.
    pub(super) away: Span,
    /// Octets of a full segment.
    pub(super) segment: u32,
    /// Whether the sender's SYN was seen.
    pub(super) from_the_beginning: bool,
    /// Whether the peer reports with SACK, and so what it received twice.
    pub(super) sack: bool,
}

/// The congestion control of one sender. Costs little until more is in flight than the initial
/// window of RFC 3390.
#[derive(Clone, Debug, Default)]
pub(super) struct Congestion {
    /// First position that data was seen at.
    first: Option<i64>,
    /// SND.UNA as the tap had it at least the round trip to the sender ago, and more lately.
    marks: [(Timestamp, i64); 2],
    /// The first advance of SND.UNA since then.
    early: Option<heard::News>,
    tracker: Option<Box<Tracker>>,
}

impl Congestion {
    /// RFC 3390: an initial window has no more octets than this or two segments.
    const LITTLE: i64 = 4380;

    /// What is inferred so far; `None` where there was too little in flight.
    pub(super) fn infer(&self) -> Option<Inferred> {
        self.tracker.as_ref().map(|tracker| tracker.infer())
    }

    /// New data passed.
    #[inline]
    fn sent(&mut self, sending: &Sending) {
        match &mut self.tracker {
            Some(tracker) => tracker.sent(sending),
            None => self.watch(sending),
        }
    }

    /// Before there is a tracker: waits until one is worth it.
    fn watch(&mut self, sending: &Sending) {
        let first = *self.first.get_or_insert_with(|| {
            self.marks = [(sending.time, sending.una); 2];
            sending.start
        });
        if sending.time - self.marks[1].0 >= sending.away {
            self.marks[0] = self.marks[1];
            self.marks[1] = (sending.time, sending.una);
            self.early = None;
        }
        let (time, una) = self.marks[0];
        if sending.end - una > Self::LITTLE {
            let mut tracker = Box::new(Tracker::new(first, time, una, sending.edge));
            if let Some(early) = self.early {
                tracker.acknowledged(early);
            }
            tracker.sent(sending);
            self.tracker = Some(tracker);
        }
    }

    /// An acknowledgment of the peer's passed.
    #[inline]
    fn acknowledged(&mut self, news: heard::News) {
        if let Some(tracker) = &mut self.tracker {
            tracker.acknowledged(news);
        } else if self.first.is_some() && self.early.is_none() && news.una > self.marks[0].1 {
            self.early = Some(news);
        }
    }

    /// Data was sent again; `next` is SND.NXT.
    #[cold]
    pub(super) fn sent_again(&mut self, time: Timestamp, verdict: &Verdict, next: i64) {
        if let Some(tracker) = &mut self.tracker {
            let octets = verdict.octets;
            if verdict.need == Some(Need::Spurious) {
                tracker.undone();
            }
            match verdict.trigger {
                Some(Trigger::Timeout) => tracker.timeout(time, octets, next),
                // A probe is no loss yet; without a trigger it is not known to be one.
                Some(Trigger::Fast) => tracker.loss(time, next),
                _ => {}
            }
        }
    }

    /// A DSACK reports that data sent again had arrived before.
    pub(super) fn undone(&mut self) {
        if let Some(tracker) = &mut self.tracker {
            tracker.undone();
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.tracker.as_ref().map_or(0, |each| size_of_val(&**each))
    }
}

impl Endpoint {
    /// What its flight shows of its congestion control; `None` where there was too little in
    /// flight. While the connection lives this is made anew each time.
    pub fn congestion(&self) -> Option<Inferred> {
        let kept = self.inferred.as_deref().cloned();
        kept.or_else(|| self.alive()?.congestion.infer())
    }

    /// Keeps what was inferred: the connection is over. (What came after an earlier end is not
    /// looked at.)
    pub(super) fn congestion_settles(&mut self) {
        if self.inferred.is_none() {
            let inferred = self.alive().and_then(|live| live.congestion.infer());
            self.inferred = inferred.map(Box::new);
        }
    }

    /// New data of this endpoint's passed, at positions `start..end`.
    #[inline]
    pub(super) fn congestion_sent(
        &mut self,
        peer: &Self,
        start: i64,
        end: i64,
        arrived: &Arrived<'_>,
    ) {
        /// So few octets in all are no flight.
        const FEW: i64 = 1000;
        if end <= FEW && self.syn_seen && self.live().congestion.first.is_none() {
            return;
        }
        let segment = arrived.segment;
        let stamps = segment.options.timestamps;
        let full = self.full_segment(peer, stamps.is_some());
        let (una, away) = (self.una, self.rtt.minimum());
        let edge = peer.window.known_edge();
        let from_the_beginning = self.syn_seen;
        let permits = |end: &Self| end.syn.is_some_and(|syn| syn.sack_permitted);
        let sack = permits(self) && permits(peer);
        self.live().congestion.sent(&Sending {
            time: arrived.time,
            start,
            end,
            una,
            edge,
            echo: stamps.map(|stamps| stamps.echo),
            reduced: segment.flags.has(Flags::CWR),
            away: away.unwrap_or(Span::ZERO),
            segment: full,
            from_the_beginning,
            sack,
        });
    }

    /// Octets of a full segment: what both agreed on, or less where the path carries less. What
    /// offload leaves whole is larger than either.
    #[inline]
    fn full_segment(&self, peer: &Self, stamps: bool) -> u32 {
        /// RFC 7323 appendix A: the option and its padding.
        const STAMPS: u32 = 12;
        let mss = |endpoint: &Self| endpoint.syn.and_then(|syn| syn.mss).map(u32::from);
        let largest = self.alive().map_or(0, |live| live.largest);
        match (mss(self), mss(peer)) {
            (Some(one), Some(two)) => {
                let most = one.min(two).saturating_sub(if stamps { STAMPS } else { 0 });
                largest.min(most)
            }
            _ => largest,
        }
    }

    /// This endpoint's acknowledgment of what `peer` sent passed.
    #[inline]
    pub(super) fn congestion_heard(&mut self, peer: &mut Self, arrived: &Arrived<'_>) {
        if peer.live().congestion.first.is_none() {
            return;
        }
        let edge = self.window.known_edge();
        let una = peer.una;
        let repeated = self.alive().map_or(0, |live| live.duplicate_ack_run);
        let live = peer.live();
        // Without SACK each duplicate acknowledgment stands for a segment that arrived.
        let arrived_above = match live.sacked.total() {
            0 => repeated.saturating_mul(live.largest),
            sacked => u32::try_from(sacked).unwrap_or(u32::MAX),
        };
        live.congestion.acknowledged(heard::News {
            time: arrived.time,
            una,
            window: edge.map(|edge| heard::window(edge, una)),
            sacked: arrived_above,
            tsval: arrived
                .segment
                .options
                .timestamps
                .map(|stamps| stamps.value),
        });
    }
}
