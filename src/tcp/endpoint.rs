//! One host of a connection, as inferred from what passes the tap: its state, what it has sent
//! (send side), what it advertises and acknowledges (receive side), and its figures.

use super::State;
use super::congestion::{Congestion, Inferred};
use super::departure::Departures;
use super::doubt::Doubt;
use super::gaps::Gaps;
use super::handshake::SynOptions;
use super::heard::Hearing;
use super::range_set::RangeSet;
use super::reassembly::Reassembler;
use super::recovery::{Ongoing, Over};
use super::resends::Resends;
use super::rtt::RttSamples;
use super::scoreboard::Scoreboard;
use super::stamp_clock::StampClock;
use super::state::{Step, Stimulus, step};
use super::verdict::Lost;
use super::window::{AdvertisedWindow, Scale};
use crate::prefetch::prefetch;
use crate::time::{Span, Timestamp};
use crate::wire::{Flags, SeqNum};

/// Counts of one endpoint: of what it sent, unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Frames.
    pub packets: u64,
    /// Bytes of those frames on the wire.
    pub bytes: u64,
    /// Segments with payload.
    pub data_packets: u64,
    /// Payload bytes, those sent again included.
    pub payload_bytes: u64,
    /// Payload bytes, each position counted once.
    pub stream_bytes: u64,
    /// Segments judged retransmissions.
    pub retransmissions: u32,
    /// Octets sent again.
    pub retransmitted_bytes: u64,
    /// … of them by what triggered them: timeout (SYN, SYN-ACK and FIN timers included).
    pub timeouts: u32,
    /// … by duplicate ACKs or SACK.
    pub fast_retransmissions: u32,
    /// … known to be needless.
    pub spurious: u32,
    /// … whose original was lost before the tap.
    pub lost_before_tap: u32,
    /// … whose original was lost after it.
    pub lost_after_tap: u32,
    /// Segments judged late originals.
    pub reordered: u32,
    /// Copies made by the network or the capture.
    pub duplicates: u32,
    /// Times that sequence numbers were skipped.
    pub gaps: u32,
    /// Stream bytes acknowledged or waited for but never captured.
    pub missing_bytes: u64,
    /// Keep-alive probes.
    pub keep_alives: u32,
    /// Zero-window probes.
    pub window_probes: u32,
    /// Times that what it sent filled the peer's window.
    pub window_full: u32,
    /// Duplicate acknowledgments it sent.
    pub duplicate_acks: u32,
    /// DSACKs it sent.
    pub dsacks: u32,
    /// Acknowledgments it sent of octets that were never captured.
    pub acks_unseen: u32,
    /// Overlaps with other bytes.
    pub conflicts: u32,
    /// Stimuli that RFC 9293 does not know in its state.
    pub illegal: u32,
    /// RSTs it sent.
    pub resets: u32,
    /// Segments it sent with ECE outside the handshake.
    pub ecn_echoes: u32,
    /// Segments it sent that arrived marked congestion experienced.
    pub congestion_experienced: u32,
    /// Most octets in flight (sent and not acknowledged), as the tap saw it.
    pub max_in_flight: u64,
    /// Most octets in flight less those SACKed.
    pub max_in_flight_unsacked: u64,
}

impl Figures {
    /// How many were lost at a place.
    pub(super) fn lost(&mut self, place: Lost) -> &mut u32 {
        match place {
            Lost::BeforeTap => &mut self.lost_before_tap,
            Lost::AfterTap => &mut self.lost_after_tap,
        }
    }
}

/// One host, as inferred.
#[derive(Clone, Debug, Default)]
pub struct Endpoint {
    /// Its RFC 9293 state.
    pub state: State,
    /// Set while the state rests on a receipt that nothing has confirmed: the position that an
    /// acknowledgment must reach to confirm it, [`ANY`](Self::ANY) when anything it sends will do.
    pub(super) unconfirmed: Option<i64>,
    /// Sequence number of position 0.
    pub(super) base: Option<SeqNum>,
    /// Whether `base` is the ISN of a SYN that was seen.
    pub(super) syn_seen: bool,
    /// What its SYN or SYN-ACK said.
    pub syn: Option<SynOptions>,
    /// SND.NXT: the highest position it has sent up to.
    pub(super) next: i64,
    /// SND.UNA: the highest position its peer has acknowledged.
    pub(super) una: i64,
    /// Position of its FIN.
    pub(super) fin: Option<i64>,
    /// Frame of its first FIN.
    pub fin_frame: Option<u64>,
    /// Whether the FIN has gone to the peer's state machine.
    pub(super) fin_delivered: bool,
    /// Whether it sent the FIN again.
    pub(super) fin_again: bool,
    /// What is needed only while the connection lives.
    pub(super) live: Option<Box<Live>>,
    /// How far its stream had been delivered when the live part was last dropped.
    pub(super) delivered: i64,
    /// What copies and reports that come after the end are held against.
    pub(super) after: Option<Box<After>>,
    /// The window it advertises.
    pub window: AdvertisedWindow,
    /// When it last sent.
    pub last_sent: Option<Timestamp>,
    /// Times it sent the same again since the peer last answered …
    pub(super) unanswered: u32,
    /// … and the time between the last two of them.
    pub(super) resend_interval: Span,
    /// TTL of its first packet.
    pub ttl: u8,
    /// Round trips from the tap to this host.
    pub rtt: RttSamples,
    /// What its flight showed of its congestion control, when the live part was dropped.
    pub(super) inferred: Option<Box<Inferred>>,
    /// Counts.
    pub figures: Figures,
}

/// What tells a packet from its sender's next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) frame: u64,
    pub(super) ip_id: Option<u32>,
    pub(super) seq: SeqNum,
    pub(super) ack: SeqNum,
    pub(super) flags: Flags,
    pub(super) window: u16,
    pub(super) payload_len: u32,
}

/// The part of an endpoint that is dropped when its connection is over: a closed connection
/// shrinks to its figures.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    /// Its stream.
    pub(super) stream: Reassembler,
    /// What it has sent.
    pub(super) board: Scoreboard,
    /// What of it the peer has SACKed above `una`.
    pub(super) sacked: RangeSet,
    /// Position it last acknowledged to.
    pub(super) last_ack: Option<i64>,
    /// Its last packet, copies left out.
    pub(super) last: Last,
    /// Pauses over which its IP identification stood still, and those over which it went on.
    pub(super) still: u8,
    pub(super) stirred: u8,
    /// Whether different packets of it had the same IP identification.
    pub(super) constant_id: bool,
    /// The order in which it sent its packets.
    pub(super) departures: Departures,
    /// What it can have heard of its peer.
    pub(super) hearing: Hearing,
    /// When the newest of its segments known to have arrived had last passed.
    pub(super) delivered: Option<Timestamp>,
    /// When it last sent sequence space, and with which TSval.
    pub(super) last_data: Option<(Timestamp, Option<u32>)>,
    /// SND.NXT, as its last empty segment bore it.
    pub(super) rest: Option<i64>,
    /// TSval of the highest octets that passed, and where the octets begin that passed with it.
    pub(super) newest_stamp: Option<u32>,
    pub(super) tick_start: Option<i64>,
    /// When it last sent what it had not sent before.
    pub(super) last_new: Option<Timestamp>,
    /// Position after the highest octet that passed.
    pub(super) sent_end: i64,
    /// Its timestamp clock.
    pub(super) clock: StampClock,
    /// Largest payload it sent.
    pub(super) largest: u32,
    /// Duplicate acknowledgments it has sent in a row.
    pub(super) duplicate_ack_run: u32,
    /// Its congestion window, as inferred from its flight.
    pub(super) congestion: Congestion,
    /// What went wrong, if anything did.
    pub(super) trouble: Option<Box<Trouble>>,
}

/// What is known of what went wrong with what an endpoint sent; most never need it.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    /// What it sent again, while that may be revised.
    pub(super) resends: Resends,
    /// What of its sequence numbers was skipped.
    pub(super) gaps: Gaps,
    /// The recovery that it is in.
    pub(super) recovery: Option<Ongoing>,
    /// The recovery that it was in last.
    pub(super) over: Option<Over>,
    /// Packets it skipped and must send again, one after the other.
    pub(super) owed: u32,
    /// Since when, within a fast recovery.
    pub(super) owed_since: Option<Timestamp>,
    /// What may have been a probe of the tail or a timeout, and what was sent after it.
    pub(super) doubt: Option<Doubt>,
    /// Whether octets arrived twice that were not sent again.
    pub(super) copies: bool,
    /// Whether its timer ran out where a tail loss probe was due: it sends none.
    pub(super) no_probe: bool,
    /// When its peer last sent a RST or SYN that it need not believe.
    pub(super) disbelieved: Option<Timestamp>,
}

/// What is kept of the live part of an endpoint that had been copied or had sent again: the last
/// packets of its connection may be copied or reported, too.
#[derive(Clone, Debug, Default)]
pub(super) struct After {
    last: Last,
    last_ack: Option<i64>,
    departures: Departures,
    resends: Resends,
}

/// Live parts of connections that are over, for those that begin: memory that is allocated and
/// in the caches already.
#[derive(Debug, Default)]
pub struct Pool {
    #[expect(clippy::vec_box, reason = "the boxes move in and out as they are")]
    spare: Vec<Box<Live>>,
    samples: Vec<Vec<i64>>,
}

impl Pool {
    /// Spare parts kept at most …
    const MOST: usize = 256;
    /// … each with no more heap than this in bytes.
    const LARGEST: usize = 4096;

    fn live(&mut self) -> Box<Live> {
        self.spare.pop().unwrap_or_default()
    }

    fn give(&mut self, mut live: Box<Live>) {
        live.congestion = Congestion::default();
        if self.spare.len() < Self::MOST && live.heap() <= Self::LARGEST {
            live.clear();
            self.spare.push(live);
        }
    }
}

impl Live {
    fn heap(&self) -> usize {
        let tracked =
            self.stream.heap() + self.board.heap() + self.sacked.heap() + self.congestion.heap();
        tracked
            + self.hearing.heap()
            + self.trouble.as_ref().map_or(0, |trouble| {
                size_of::<Trouble>() + trouble.resends.heap() + trouble.gaps.heap()
            })
    }

    /// How much longer than the fastest its last segment was on its way here.
    #[inline]
    pub(super) fn queued(&self) -> Span {
        match self.last_data {
            Some((time, Some(stamp))) => self.clock.late(stamp, time),
            _ => Span::ZERO,
        }
    }

    /// Makes it as new, but for the memory it has.
    fn clear(&mut self) {
        let Self {
            stream,
            board,
            sacked,
            last_ack,
            last,
            still,
            stirred,
            constant_id,
            departures,
            hearing,
            delivered,
            last_data,
            rest,
            newest_stamp,
            tick_start,
            last_new,
            sent_end,
            clock,
            largest,
            duplicate_ack_run,
            congestion,
            trouble,
        } = self;
        stream.clear();
        board.clear();
        sacked.clear();
        *last_ack = None;
        *last = Last::default();
        *still = 0;
        *stirred = 0;
        *constant_id = false;
        *departures = Departures::default();
        hearing.clear();
        *delivered = None;
        *last_data = None;
        *rest = None;
        *newest_stamp = None;
        *tick_start = None;
        *last_new = None;
        *sent_end = 0;
        *clock = StampClock::default();
        *largest = 0;
        *duplicate_ack_run = 0;
        *congestion = Congestion::default();
        *trouble = None;
    }
}

impl Endpoint {
    /// The part that is kept while the connection lives.
    #[inline]
    pub(super) fn live(&mut self) -> &mut Live {
        // [`wake`](Self::wake) has been called: this makes none.
        self.live.get_or_insert_default()
    }

    /// Whether anything went wrong with what it sent.
    #[inline]
    pub(super) fn is_in_trouble(&self) -> bool {
        self.live
            .as_ref()
            .is_some_and(|live| live.trouble.is_some())
    }

    /// The counts, and what went wrong, side by side: what is revised is counted.
    pub(super) fn counted_trouble(&mut self) -> (&mut Figures, &mut Trouble) {
        let live = self.live.get_or_insert_default();
        (&mut self.figures, live.trouble.get_or_insert_default())
    }

    /// What went wrong with what it sent. Makes room for it where nothing had.
    pub(super) fn trouble(&mut self) -> &mut Trouble {
        self.live().trouble.get_or_insert_default()
    }

    /// Sees to it that there is a live part. Where it has been dropped, the stream goes on where
    /// it ended, and what was delivered before is seen as if all of it had been captured.
    #[inline]
    pub(super) fn wake(&mut self, pool: &mut Pool) {
        if self.live.is_none() {
            self.revive(pool);
        }
    }

    #[cold]
    fn revive(&mut self, pool: &mut Pool) {
        let mut live = pool.live();
        live.stream.start_at(1);
        live.stream
            .resume(self.delivered, self.figures.missing_bytes);
        if let Some(after) = &mut self.after {
            live.last = after.last;
            live.last_ack = after.last_ack;
            live.departures = after.departures;
            if !after.resends.is_empty() {
                let trouble = live.trouble.get_or_insert_default();
                trouble.resends = core::mem::take(&mut after.resends);
            }
        }
        self.live = Some(live);
        self.rtt.wake(&mut pool.samples);
    }

    /// Whether its stream waits for a gap to be filled.
    #[inline]
    pub(super) fn holds_back(&self) -> bool {
        self.live
            .as_ref()
            .is_some_and(|live| live.stream.open_gap().is_some())
    }

    /// Asks for the memory of the live part.
    #[inline]
    pub(super) fn prefetch(&self) {
        if let Some(live) = &self.live {
            prefetch(&**live);
        }
    }

    /// Asks for the memory that the live part points to.
    #[inline]
    pub(super) fn prefetch_more(&self) {
        if let Some(live) = &self.live {
            live.board.prefetch();
            live.stream.prefetch();
            live.hearing.prefetch();
        }
    }

    /// The same, to look at; `None` where it has been dropped or never was needed.
    #[inline]
    pub(super) fn alive(&self) -> Option<&Live> {
        self.live.as_deref()
    }

    /// Drops what is needed only while the connection lives.
    pub(super) fn drop_live(&mut self, pool: &mut Pool) {
        self.congestion_settles();
        if let Some(mut live) = self.live.take() {
            if self.figures.duplicates > 0 || live.trouble.is_some() {
                let after = self.after.get_or_insert_default();
                after.last = live.last;
                after.last_ack = live.last_ack;
                after.departures = live.departures;
                if let Some(trouble) = &mut live.trouble {
                    after.resends = core::mem::take(&mut trouble.resends);
                    after.resends.abridge();
                }
            }
            self.delivered = live.stream.frontier();
            pool.give(live);
        }
        self.rtt.settle(&mut pool.samples);
    }

    /// Initial sequence number, if its SYN was seen.
    pub fn isn(&self) -> Option<SeqNum> {
        self.base.filter(|_| self.syn_seen)
    }

    /// Sequence number shown as relative 0 (the ISN, or what it would have been).
    pub fn base(&self) -> Option<SeqNum> {
        self.base
    }

    /// For [`unconfirmed`](Self::unconfirmed): a receipt that is not itself acknowledged.
    pub(super) const ANY: i64 = i64::MIN;

    /// Whether the state rests on a FIN or SYN that this host has not been seen to acknowledge.
    pub fn is_tentative(&self) -> bool {
        self.unconfirmed
            .is_some_and(|position| position != Self::ANY)
    }

    /// Octets sent and not acknowledged, as the tap sees it.
    #[inline]
    pub fn in_flight(&self) -> u64 {
        (self.next - self.una).max(0) as u64
    }

    /// Octets sent and neither acknowledged nor SACKed.
    #[inline]
    pub fn in_flight_unsacked(&self) -> u64 {
        let sacked = self.live.as_ref().map_or(0, |live| live.sacked.total());
        self.in_flight().saturating_sub(sacked as u64)
    }

    /// The position of a sequence number, near what it last sent.
    #[inline]
    pub fn position(&self, seq: SeqNum) -> Option<i64> {
        let base = self.base?;
        let here = base + self.next as u32;
        Some(self.next + i64::from(seq.distance_from(here)))
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        let live = self
            .live
            .as_ref()
            .map_or(0, |live| size_of::<Live>() + live.heap());
        let after = self
            .after
            .as_ref()
            .map_or(0, |after| size_of::<After>() + after.resends.heap());
        live + after + self.rtt.heap() + self.inferred.as_ref().map_or(0, |each| each.heap())
    }

    /// Moves the state machine. Gives the state before when it changed, and whether the stimulus
    /// was illegal.
    #[inline]
    pub(super) fn stimulate(&mut self, stimulus: Stimulus) -> Moved {
        match step(self.state, stimulus) {
            Step::Stay => Moved::No,
            Step::To(next) => {
                let before = core::mem::replace(&mut self.state, next);
                Moved::From(before)
            }
            Step::Back(earlier) if self.unconfirmed.is_some() => {
                self.unconfirmed = None;
                let before = core::mem::replace(&mut self.state, earlier);
                Moved::From(before)
            }
            Step::Back(_) => Moved::No,
            Step::Illegal => {
                self.figures.illegal = self.figures.illegal.saturating_add(1);
                Moved::Illegal
            }
        }
    }
}

/// What a stimulus did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    No,
    From(State),
    Illegal,
}

impl Endpoint {
    /// How many packets a segment with so much payload was on the wire, when this host receives it:
    /// more than one for a super-segment that the sender's offload cuts.
    #[inline]
    pub(super) fn units(&self, payload_len: u32) -> u16 {
        const USUAL: u32 = 1460;
        if payload_len <= USUAL {
            return 1;
        }
        let mss = self.syn.and_then(|syn| syn.mss).map_or(USUAL, u32::from);
        // Timestamps take their place in every segment.
        let mut room = mss.saturating_sub(12).max(1);
        // Linux makes no segment larger than half the largest window that it was offered
        // (tcp_bound_to_half_wnd): on the loopback interface that is less than the MSS.
        if let Scale::Known(_) = self.window.scale {
            let half = u32::try_from(self.window.max / 2).unwrap_or(u32::MAX);
            room = room.min(half.max(USUAL));
        }
        u16::try_from(payload_len.div_ceil(room)).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_cut_by_mss_and_half_the_window() {
        let mut host = Endpoint {
            syn: Some(SynOptions {
                mss: Some(65_495),
                ..SynOptions::default()
            }),
            ..Endpoint::default()
        };
        assert_eq!([1, 1460, 52_384, 65_483].map(|len| host.units(len)), [1; 4]);
        // Seen on a Linux host's loopback interface: 48,128 and 4,256 octets.
        host.window.scale = Scale::Known(10);
        host.window.max = 96_256;
        assert_eq!(
            [47_616, 48_128, 52_384].map(|len| host.units(len)),
            [1, 1, 2]
        );
        // Small windows are not offered to whoever sends large segments.
        host.window.max = 1000;
        assert_eq!(host.units(1500), 2);
        host.syn = None;
        host.window = AdvertisedWindow::default();
        assert_eq!([1461, 14_480].map(|len| host.units(len)), [2, 10]);
    }
}
