//! The send side of an endpoint: what it sends is new, sent again, late, copied, or a probe.

use super::What;
use super::again::{
    Difference, delay, echo, had_been_lost, is_intact, judge, numbers_are_its_own, resolves_doubt,
    revise,
};
use super::departure::Departure;
use super::endpoint::{Endpoint, Last, Pool};
use super::fingerprint::Fingerprint;
use super::recovery::Exit;
use super::resends::Resend;
use super::retransmission::{AT_ONCE, LEAST_TIMEOUT};
use super::rule::Rule;
use super::scoreboard::Sent;
use super::step::{Directed, Step};
use super::verdict::{Confidence, Kind, Need, Trigger, Verdict};
use super::window::Scale;
use crate::time::Span;
use crate::wire::{Flags, SeqNum};

impl Endpoint {
    /// Sets where positions count from: `base` is position 0.
    pub(super) fn begin(&mut self, base: SeqNum) {
        self.base = Some(base);
        self.next = 0;
        self.una = 0;
        self.delivered = 0;
        self.live().stream.clear();
        self.live().stream.start_at(1);
    }

    /// Sets where positions count from where no SYN was seen: the next octet is at 1.
    pub(super) fn begin_midstream(&mut self, base: SeqNum) {
        self.begin(base);
        self.next = 1;
        self.una = 1;
    }

    /// Forgets a FIN whose numbers were not those of this connection.
    pub(super) fn forget_fin(&mut self) {
        self.fin = None;
        self.fin_frame = None;
        self.fin_delivered = false;
        self.fin_again = false;
    }

    /// Forgets what it said in terms of its peer's numbers.
    pub(super) fn forget_peer(&mut self) {
        self.live().last_ack = None;
        self.window.forget_edge();
    }

    /// Moves position 0 to `base`; what the peer said in terms of the old one moves along.
    pub(super) fn rebase(&mut self, base: SeqNum, peer: &mut Self) {
        let Some(shift) = self.position(base) else {
            return;
        };
        let una = self.una - shift;
        self.begin_midstream(base);
        self.una = una;
        self.next = self.next.max(una);
        for position in peer.live().last_ack.iter_mut() {
            *position -= shift;
        }
        peer.window.shift(shift);
        self.live().sacked.clear();
    }
}

pub(super) fn end_stream(endpoint: &mut Endpoint, pool: &mut Pool, sink: &mut Directed<'_>) {
    if endpoint.alive().is_none() {
        return;
    }
    if endpoint.is_in_trouble()
        && let Some(ongoing) = endpoint.trouble().recovery.take()
    {
        let episode = ongoing.ended(Exit::Cut, sink.frame, sink.time);
        sink.tell(What::Recovered(episode));
    }
    endpoint.live().stream.settle(sink);
    // What the peer has acknowledged and the capture never had, at the end.
    let acknowledged = endpoint
        .fin
        .map_or(endpoint.una, |fin| endpoint.una.min(fin));
    if endpoint.figures.packets > 0 && acknowledged > endpoint.live().stream.frontier() {
        endpoint.live().stream.skip_to(acknowledged, sink);
    }
    let missing = endpoint.live().stream.missing();
    endpoint.figures.missing_bytes = endpoint.figures.missing_bytes.max(missing);
    endpoint.drop_live(pool);
}

/// Counts a packet. Answers whether it is a copy of an earlier one, made by the network or the
/// capture: then nothing else is to be made of it.
#[inline]
pub(super) fn count(me: &mut Endpoint, peer: &Endpoint, step: &mut Step<'_, '_>) -> bool {
    let arrived = step.arrived;
    let segment = arrived.segment;
    let figures = &mut me.figures;
    if figures.packets == 0 {
        me.ttl = arrived.ttl;
    }
    figures.packets += 1;
    figures.bytes += u64::from(arrived.wire_len);
    let paused = me
        .last_sent
        .is_some_and(|last| arrived.time - last >= LEAST_TIMEOUT);
    let live = me.live();
    let this = Last {
        frame: arrived.frame,
        ip_id: arrived.ip_id,
        seq: segment.seq,
        ack: segment.ack,
        flags: segment.flags,
        window: segment.window,
        payload_len: segment.payload_len,
    };
    let units = peer.units(segment.payload_len);
    step.departure = live.departures.pass(arrived.ip_id, units);
    if let Departure::Next { skipped } = step.departure
        && paused
    {
        let count = if skipped == 0 {
            &mut live.still
        } else {
            &mut live.stirred
        };
        *count = count.saturating_add(1);
    }
    let again = step.departure == Departure::Again;
    if again || arrived.ip_id == live.last.ip_id {
        let known = again && !ahead(me, peer, step);
        if known || is_copy(me, &this, step) {
            copied(me, step);
            return true;
        }
    }
    me.live().last = this;
    let figures = &mut me.figures;
    if segment.payload_len > 0 {
        figures.data_packets += 1;
        figures.payload_bytes += u64::from(segment.payload_len);
    }
    if segment.flags.has(Flags::ECE) && !segment.flags.has(Flags::SYN) {
        figures.ecn_echoes = figures.ecn_echoes.saturating_add(1);
        step.judge(Verdict::new(
            Kind::EcnEcho,
            Rule::EchoFlag,
            Confidence::Certain,
        ));
    }
    if arrived.traffic_class & 3 == 3 {
        figures.congestion_experienced = figures.congestion_experienced.saturating_add(1);
        let kind = Kind::CongestionExperienced;
        step.judge(Verdict::new(kind, Rule::CodepointCe, Confidence::Certain));
    }
    false
}

/// Whether a packet says anything that its sender had not said: then it is no copy.
fn ahead(me: &mut Endpoint, peer: &Endpoint, step: &Step<'_, '_>) -> bool {
    let segment = step.arrived.segment;
    let last_ack = me.live().last_ack;
    let more = i64::from(segment.sequence_len());
    let beyond = me
        .position(segment.seq)
        .is_none_or(|start| start + more > me.next);
    let acks = segment.flags.has(Flags::ACK)
        && (peer.position(segment.ack)).is_none_or(|ack| last_ack.is_none_or(|last| ack > last));
    beyond || acks
}

/// Whether a packet with the IP identification of the one before is that packet again.
#[cold]
fn is_copy(me: &mut Endpoint, this: &Last, step: &Step<'_, '_>) -> bool {
    /// Sooner than any timer sends a SYN again.
    const SOON: Span = Span::from_millis(100);
    /// Sooner than a host answers a SYN that came twice.
    const MIRRORED: Span = Span::from_nanos(200_000);
    let now = step.arrived.time;
    let ago = me.last_sent.map_or(SOON, |last| now - last);
    let live = me.live();
    let same = Last {
        frame: live.last.frame,
        ..*this
    } == live.last;
    if !same {
        // One number for different packets is none.
        live.constant_id |= this.ip_id == live.last.ip_id;
        return false;
    }
    let syn = this.flags.has(Flags::SYN);
    let numbered = this.ip_id.is_some_and(|id| id != 0) && !live.constant_id;
    let counts = live.departures.count() || (syn && ago < SOON);
    // New SACK information makes another packet of it, too.
    let bare = this.payload_len == 0 && step.arrived.segment.options.sack_count == 0;
    if numbered && (counts || (ago < AT_ONCE && bare)) {
        return true;
    }
    // Without an identification that tells: sooner than the timer of any SYN or FIN. (A SYN-ACK is
    // sent again at once where the SYN comes twice; data is judged with its bytes.)
    let answer = syn && this.flags.has(Flags::ACK);
    let control = (this.flags.has(Flags::FIN) || syn) && this.payload_len == 0;
    control && ago < if answer { MIRRORED } else { AT_ONCE }
}

#[cold]
fn copied(me: &mut Endpoint, step: &mut Step<'_, '_>) {
    me.figures.duplicates += 1;
    let arrived = step.arrived;
    let octets = arrived.segment.sequence_len();
    let start = me.position(arrived.segment.seq);
    let range = start.map(|start| (start, start + i64::from(octets)));
    let first = original_of_copy(me, range, arrived.ip_id);
    step.judge(
        Verdict::new(
            Kind::NetworkDuplicate,
            Rule::SamePacketAgain,
            Confidence::Likely,
        )
        .octets(octets.into())
        .original(first),
    );
    // Its receiver may report it (RFC 2883 section 4).
    if octets > 0
        && let Some((start, end)) = range
    {
        me.trouble().resends.push(Resend {
            frame: arrived.frame,
            start,
            end,
            time: arrived.time,
            tsval: stamp(step),
            ip_id: arrived.ip_id,
            verdict: None,
            settled: true,
            reported: false,
        });
    }
}

/// The frame of the packet that a copy with this IP identification is of, where it is remembered.
fn original_of_copy(
    me: &mut Endpoint,
    range: Option<(i64, i64)>,
    ip_id: Option<u32>,
) -> Option<u64> {
    let last = &me.live().last;
    if last.ip_id == ip_id {
        return Some(last.frame);
    }
    let (start, end) = range?;
    let sent = me.live().board.find(start, end);
    let sent = sent
        .filter(|sent| sent.ip_id == ip_id)
        .map(|sent| sent.frame);
    let trouble = me.alive()?.trouble.as_ref();
    sent.or_else(|| {
        let resend = trouble?.resends.last_of(start);
        resend
            .filter(|each| each.ip_id == ip_id)
            .map(|each| each.frame)
    })
}

pub(super) fn retransmitted(me: &mut Endpoint, verdict: &Verdict) {
    let figures = &mut me.figures;
    figures.retransmissions += 1;
    figures.retransmitted_bytes += u64::from(verdict.octets);
    match verdict.trigger {
        Some(Trigger::Fast) => figures.fast_retransmissions += 1,
        Some(_) => figures.timeouts += 1,
        None => {}
    }
    if verdict.need == Some(Need::Spurious) {
        figures.spurious += 1;
    }
    if let Some(place) = verdict.lost {
        *figures.lost(place) += 1;
    }
}

/// The payload of a segment, at positions `start..end` of its sender.
#[inline]
pub(super) fn data(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    start: i64,
    end: i64,
    step: &mut Step<'_, '_>,
) {
    let arrived = step.arrived;
    let payload = arrived.segment.payload;
    me.live().largest = me.live().largest.max(arrived.segment.payload_len);
    if start < me.next && !had_not_been_sent(me, start, step) {
        again_or_late(me, peer, start, end, step);
        return;
    }
    let probes = end - start == 1 && peer.window.zero_since.is_some() && start == me.next;
    if probes {
        me.figures.window_probes += 1;
        step.judge(Verdict::new(
            Kind::WindowProbe,
            Rule::ProbeOfZeroWindow,
            Confidence::Likely,
        ));
    }
    if me.unanswered > 0 && peer.figures.packets == 0 {
        // Where no acknowledgment is captured, going on shows that there was one.
        me.unanswered = 0;
        me.trouble().recovery = None;
    }
    let lost = matches!(step.departure, Departure::Next { skipped } if skipped > 0)
        || (me.is_in_trouble() && me.trouble().owed > 0);
    let resent = lost && !probes && had_been_lost(me, peer, (start, end), step);
    skips(me, start, step);
    passed(me, end, step);
    if !resent && me.is_in_trouble() && me.trouble().doubt.is_some() {
        resolves_doubt(me, peer, end, step);
    }
    me.next = me.next.max(end);
    me.figures.stream_bytes += (end - start) as u64;
    me.congestion_sent(peer, start, end, arrived);
    first_transmission(me, start, end, payload, step);
    if resent {
        let (time, tsval) = (arrived.time, stamp(step));
        me.live().board.resend(start, end, time, tsval);
    }
    let policy = step.settings.policy;
    let mut sink = step.sink(step.from);
    let _ = me
        .live()
        .stream
        .offer(start, end, payload, policy, &mut sink);
    if matches!(peer.window.scale, Scale::Known(_)) && !probes {
        fills_window(me, peer, end, step);
    }
}

/// Whether octets that its peer has acknowledged are new all the same: their sender had come to
/// rest before them, and sent nothing since. What was acknowledged was someone else's.
#[cold]
fn had_not_been_sent(me: &mut Endpoint, start: i64, step: &Step<'_, '_>) -> bool {
    let live = me.live();
    live.rest == Some(start)
        && live.sent_end <= start
        && step.departure == (Departure::Next { skipped: 0 })
        && numbers_are_its_own(me, step)
}

/// Whether what was sent uses the window up that its sender can have known.
#[inline]
fn fills_window(me: &mut Endpoint, peer: &Endpoint, end: i64, step: &mut Step<'_, '_>) {
    let largest = i64::from(me.live().largest);
    // The oldest that may count has the lowest edge, but where the window shrinks.
    let oldest = me.live().hearing.oldest().map(|heard| heard.edge);
    let lowest = oldest.min(peer.window.edge.or(oldest));
    if lowest.is_some_and(|edge| edge.saturating_sub(end) < largest) {
        fills_edge(me, peer, end, step);
    }
}

#[cold]
fn fills_edge(me: &mut Endpoint, peer: &Endpoint, end: i64, step: &mut Step<'_, '_>) {
    let largest = i64::from(me.live().largest);
    let delay = delay(me, peer);
    let arrived = step.arrived;
    let echo = echo(me, peer, step);
    let Some(heard) = me.live().hearing.at(arrived.time, delay, echo).copied() else {
        return;
    };
    let left = heard.edge - end;
    if left >= largest || heard.edge <= heard.una {
        return;
    }
    me.figures.window_full += 1;
    let (rule, confidence) = if left <= 0 {
        (Rule::WindowUsedUp, Confidence::Likely)
    } else {
        (Rule::WindowNearlyUsedUp, Confidence::Likely)
    };
    step.judge(Verdict::new(Kind::WindowFull, rule, confidence).original(Some(heard.frame)));
}

#[inline]
pub(super) fn first_transmission(
    me: &mut Endpoint,
    start: i64,
    end: i64,
    payload: &[u8],
    step: &mut Step<'_, '_>,
) {
    let arrived = step.arrived;
    let whole = payload.len() as i64 == end - start;
    me.live().board.push(Sent {
        start,
        len: (end - start) as u32,
        tsval: arrived
            .segment
            .options
            .timestamps
            .map(|timestamps| timestamps.value),
        time: arrived.time,
        frame: arrived.frame,
        fingerprint: if whole {
            Fingerprint::of(payload, &step.settings.secrets)
        } else {
            Fingerprint::NONE
        },
        resent: None,
        resent_tsval: None,
        ip_id: arrived.ip_id,
        sacked: false,
        header_sum: arrived.segment.header_sum(),
        first: true,
    });
}

/// Payload below SND.NXT: sent again, late, copied, or a probe.
#[cold]
pub(super) fn again_or_late(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    start: i64,
    end: i64,
    step: &mut Step<'_, '_>,
) {
    let arrived = step.arrived;
    let payload = arrived.segment.payload;
    let tsval = stamp(step);
    // A probe repeats the last octet when everything is acknowledged (RFC 9293 section 3.8.4); a
    // keystroke sent again is not acknowledged yet.
    let one = end - start == 1 && end == me.next;
    let probes_window = peer.window.zero_since.is_some() && start == me.una;
    if one && (me.una >= me.next || probes_window) {
        probe(me, peer, step);
        return;
    }
    let seen = me.live().stream.seen(start, end);
    let first = me.live().board.find(start, end).copied();
    let original = first.map(|sent| sent.frame);
    let by_segment = me
        .live()
        .board
        .conflict(start, payload, &step.settings.secrets);
    let differs = matches!(by_segment, Some(Some(_)));
    // Both headers were made for the same bytes, those of the one whose checksum is right.
    let alike = differs
        && first.is_some_and(|sent| {
            sent.start == start
                && sent.end() == end
                && sent.header_sum == arrived.segment.header_sum()
        });
    let intact = if alike { is_intact(step) } else { None };
    let damaged = intact.is_some();
    let difference = match (differs, intact) {
        (false, _) | (true, Some(false)) => Difference::None,
        (true, Some(true)) => Difference::Damage,
        (true, None) => Difference::Conflict,
    };
    if difference == Difference::Damage {
        let (figures, trouble) = me.counted_trouble();
        let revise = revise(step, step.from, figures);
        trouble.resends.original_was_damaged(start, end, revise);
    }
    let judged = judge(me, peer, (start, end), difference, step);
    let resent = (judged.kind == Kind::Retransmission).then_some(arrived.time);
    if resent.is_some() {
        me.live().board.resend(start, end, arrived.time, tsval);
    }
    filled(me, start, end, resent.is_some(), step);
    let policy = step.settings.policy;
    let mut sink = step.sink(step.from);
    let offer = me
        .live()
        .stream
        .offer(start, end, payload, policy, &mut sink);
    me.figures.stream_bytes += offer.new as u64;
    let conflict = offer.conflict.or(if offer.compared {
        None
    } else {
        by_segment.flatten()
    });
    // Where one of the two was damaged on its way, nobody conflicts with himself.
    if let Some((from, to)) = conflict
        && !damaged
    {
        me.figures.conflicts += 1;
        step.judge(
            Verdict::new(
                Kind::ConflictingOverlap,
                Rule::BytesDiffer,
                Confidence::Certain,
            )
            .octets(to - from)
            .original(original),
        );
    }
    if end > me.next {
        let above_old = (me.next - start) as usize;
        let (from, rest) = (me.next, payload.get(above_old..).unwrap_or(&[]));
        me.next = end;
        passed(me, end, step);
        first_transmission(me, from, end, rest, step);
    } else if seen == 0 {
        me.live().sent_end = me.live().sent_end.max(end);
        me.live().board.fill(Sent {
            start,
            len: (end - start) as u32,
            tsval,
            time: arrived.time,
            frame: arrived.frame,
            fingerprint: if payload.len() as i64 == end - start {
                Fingerprint::of(payload, &step.settings.secrets)
            } else {
                Fingerprint::NONE
            },
            resent,
            resent_tsval: tsval,
            ip_id: arrived.ip_id,
            sacked: false,
            header_sum: arrived.segment.header_sum(),
            first: resent.is_none(),
        });
    }
    me.live().last_data = Some((arrived.time, tsval));
}

/// The segment's TSval.
#[inline]
pub(super) fn stamp(step: &Step<'_, '_>) -> Option<u32> {
    let stamps = step.arrived.segment.options.timestamps?;
    Some(stamps.value)
}

/// Octets of gaps passed.
pub(super) fn filled(
    me: &mut Endpoint,
    start: i64,
    end: i64,
    resent: bool,
    step: &mut Step<'_, '_>,
) {
    if !me.is_in_trouble() || me.trouble().gaps.is_empty() {
        return;
    }
    let (frame, from) = (step.arrived.frame, step.from);
    let (figures, trouble) = me.counted_trouble();
    let revise = revise(step, from, figures);
    trouble.gaps.fill(start, end, resent, frame, revise);
}

/// Sequence numbers up to `end` have passed, the highest so far.
#[inline]
pub(super) fn passed(me: &mut Endpoint, end: i64, step: &Step<'_, '_>) {
    let time = step.arrived.time;
    let stamp = stamp(step);
    let live = me.live();
    if end > live.sent_end {
        if stamp != live.newest_stamp {
            live.newest_stamp = stamp;
            live.tick_start = stamp.map(|_| live.sent_end);
        }
        live.sent_end = end;
        live.last_new = Some(time);
    }
    live.last_data = Some((time, stamp));
    if let Some(stamp) = stamp {
        live.clock.pass(stamp, time);
    }
}

/// Sequence numbers before `start` were skipped, if they were.
#[inline]
pub(super) fn skips(me: &mut Endpoint, start: i64, step: &mut Step<'_, '_>) {
    let from = me.live().sent_end;
    // Before any data, a base that comes from the peer's acknowledgment does not mean that
    // octets were skipped.
    if start > from && from > 0 {
        skipped(me, from, start, step);
    }
}

#[cold]
fn skipped(me: &mut Endpoint, from: i64, start: i64, step: &mut Step<'_, '_>) {
    me.figures.gaps += 1;
    let before = me.live().board.before(start).map(|sent| sent.frame);
    let verdict = Verdict::new(Kind::Gap, Rule::Skipped, Confidence::Certain)
        .octets(start - from)
        .neighbour(before);
    let frame = step.arrived.frame;
    let time = step.arrived.time;
    let by = (step.arrived.ip_id, stamp(step));
    me.trouble()
        .gaps
        .open((frame, time), (from, start), by, verdict);
    step.judge(verdict);
}

pub(super) fn probe(me: &mut Endpoint, peer: &mut Endpoint, step: &mut Step<'_, '_>) {
    if peer.window.zero_since.is_some() {
        me.figures.window_probes += 1;
        step.judge(Verdict::new(
            Kind::WindowProbe,
            Rule::ProbeOfZeroWindow,
            Confidence::Certain,
        ));
    } else {
        me.figures.keep_alives += 1;
        step.judge(Verdict::new(
            Kind::KeepAlive,
            Rule::ProbeOfIdlePeer,
            Confidence::Certain,
        ));
    }
}
