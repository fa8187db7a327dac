//! The send side of an endpoint: what it sends is new, sent again, late, copied, or a probe.

use super::endpoint::{Endpoint, Last, Pool};
use super::retransmission::{AT_ONCE, Evidence, Neighbour, verdict};
use super::rule::Rule;
use super::scoreboard::{Sent, fingerprint};
use super::step::{Directed, Step};
use super::verdict::{Confidence, Kind, Lost, Need, Trigger, Verdict};
use super::window::Scale;
use crate::time::{Span, Timestamp};
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
    }

    /// Forgets what it said in terms of its peer's numbers.
    pub(super) fn forget_peer(&mut self) {
        self.live().last_ack = None;
        self.window.edge = None;
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
        for position in peer.window.edge.iter_mut() {
            *position -= shift;
        }
    }
}

pub(super) fn end_stream(endpoint: &mut Endpoint, pool: &mut Pool, sink: &mut Directed<'_>) {
    if endpoint.alive().is_none() {
        return;
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

/// Counts a packet. Answers whether it is a copy of the one before, made by the network or the
/// capture: then nothing else is to be made of it.
#[inline]
pub(super) fn count(me: &mut Endpoint, step: &mut Step<'_, '_>) -> bool {
    let arrived = step.arrived;
    let segment = arrived.segment;
    let figures = &mut me.figures;
    if figures.packets == 0 {
        me.ttl = arrived.ttl;
    }
    figures.packets += 1;
    figures.bytes += u64::from(arrived.wire_len);
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
    if arrived.ip_id == live.last.ip_id {
        if is_copy(me, &this, arrived.time) {
            copied(me, step);
            return true;
        }
    } else {
        live.ip_id_moves = live.ip_id_moves.saturating_add(1);
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

/// Whether a packet with the IP identification of the one before is that packet again.
#[cold]
fn is_copy(me: &mut Endpoint, this: &Last, now: Timestamp) -> bool {
    /// Sooner than any timer sends a SYN again.
    const SOON: Span = Span::from_millis(100);
    let soon = me.last_sent.is_some_and(|last| now - last < SOON);
    let live = me.live();
    let moves = live.ip_id_moves > 1 || (this.flags.has(Flags::SYN) && soon);
    let same = Last {
        frame: live.last.frame,
        ..*this
    } == live.last;
    let tells = moves && this.ip_id.is_some_and(|id| id != 0);
    // Without an identification that tells: sooner than the timer of any SYN or FIN. (A SYN-ACK is
    // sent again at once where the SYN comes twice; data is judged with its bytes.)
    let control =
        this.flags.has(Flags::FIN) || (this.flags.has(Flags::SYN) && !this.flags.has(Flags::ACK));
    let at_once = me.last_sent.is_some_and(|last| now - last < AT_ONCE);
    same && (tells || (at_once && control && this.payload_len == 0))
}

#[cold]
fn copied(me: &mut Endpoint, step: &mut Step<'_, '_>) {
    me.figures.duplicates += 1;
    let octets = step.arrived.segment.sequence_len();
    let first = me.live().last.frame;
    step.judge(
        Verdict::new(
            Kind::NetworkDuplicate,
            Rule::SamePacketAgain,
            Confidence::Likely,
        )
        .octets(octets.into())
        .original(Some(first)),
    );
}

/// A control segment sent again by its timer.
pub(super) fn sent_again(
    me: &mut Endpoint,
    start: i64,
    end: i64,
    original: Option<Sent>,
    rule: Rule,
    trigger: Trigger,
    step: &mut Step<'_, '_>,
) {
    let time = step.arrived.time;
    let tsval = step
        .arrived
        .segment
        .options
        .timestamps
        .map(|timestamps| timestamps.value);
    let acked = me.una >= end;
    let verdict = Verdict {
        trigger: Some(trigger),
        need: acked.then_some(Need::Spurious),
        lost: (!acked).then_some(Lost::AfterTap),
        ..Verdict::new(Kind::Retransmission, rule, Confidence::Certain)
            .octets(end - start)
            .original(original.map(|sent| sent.frame))
    };
    if let Some(original) = original {
        me.resend_interval = time - original.resent.unwrap_or(original.time);
    }
    me.live().board.resend(start, end, time, tsval);
    me.unanswered += 1;
    retransmitted(me, &verdict);
    step.judge(verdict);
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
    if start < me.next {
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
    // Before any data, a base that comes from the peer's acknowledgment does not mean that
    // octets were skipped.
    if start > me.next && me.next > 0 {
        me.figures.gaps += 1;
        let before = me.live().board.before(start).map(|sent| sent.frame);
        step.judge(
            Verdict::new(Kind::Gap, Rule::Skipped, Confidence::Certain)
                .octets(start - me.next)
                .neighbour(before),
        );
    }
    me.next = end;
    me.figures.stream_bytes += (end - start) as u64;
    me.congestion_sent(peer, start, end, arrived);
    first_transmission(me, start, end, payload, step);
    let policy = step.settings.policy;
    let mut sink = step.sink(step.from);
    let _ = me
        .live()
        .stream
        .offer(start, end, payload, policy, &mut sink);
    if let (Some(edge), Scale::Known(_)) = (peer.window.edge, peer.window.scale) {
        let left = edge - end;
        if left < i64::from(me.live().largest) && !probes && peer.window.zero_since.is_none() {
            me.figures.window_full += 1;
            let confidence = if left == 0 {
                Confidence::Certain
            } else {
                Confidence::Likely
            };
            step.judge(Verdict::new(
                Kind::WindowFull,
                Rule::WindowUsedUp,
                confidence,
            ));
        }
    }
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
            fingerprint(payload, &step.settings.secrets)
        } else {
            0
        },
        resent: None,
        resent_tsval: None,
        ip_id: arrived.ip_id,
        sacked: false,
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
    let tsval = arrived
        .segment
        .options
        .timestamps
        .map(|timestamps| timestamps.value);
    // A probe repeats the last octet when everything is acknowledged (RFC 9293 section 3.8.4); a
    // keystroke sent again is not acknowledged yet.
    if end - start == 1 && end == me.next && me.una >= me.next {
        probe(me, peer, step);
        return;
    }
    let seen = me.live().stream.seen(start, end);
    let original = me.live().board.find(start, end).copied();
    let neighbour = |sent: &Sent| Neighbour {
        frame: sent.frame,
        ip_id: sent.ip_id,
        tsval: sent.tsval,
    };
    let above = me.live().board.after(end).copied();
    let since = if seen > 0 {
        original.map(|sent| sent.resent.unwrap_or(sent.time))
    } else {
        above.map(|sent| sent.time).or(peer.last_sent)
    };
    let by_segment = me
        .live()
        .board
        .conflict(start, payload, &step.settings.secrets);
    let evidence = Evidence {
        seen,
        new: end - start - seen,
        acked: me.una >= end,
        original: original.as_ref().map(neighbour),
        below: me.live().board.before(start).map(neighbour),
        above: above.as_ref().map(neighbour),
        newest: me.live().board.newest().map(neighbour),
        differs: matches!(by_segment, Some(Some(_))),
        waited: since.map_or(Span::ZERO, |since| arrived.time - since),
        ip_id: arrived.ip_id,
        ip_id_moves: me.live().ip_id_moves > 2 && arrived.ip_id.is_some_and(|id| id != 0),
        tsval,
        duplicate_acks: if start <= me.una {
            peer.live().duplicate_ack_run
        } else {
            0
        },
        sacked_above: me
            .live()
            .sacked
            .highest()
            .is_some_and(|highest| highest > end),
        round_trip: round_trip(me, peer),
    };
    let judged = verdict(&evidence);
    match judged.kind {
        Kind::Retransmission => {
            if let Some(since) = since {
                me.resend_interval = arrived.time - since;
            }
            me.unanswered += 1;
            retransmitted(me, &judged);
            let next = me.next;
            let congestion = &mut me.live().congestion;
            congestion.sent_again(arrived.time, &judged, next);
        }
        Kind::Reordered => me.figures.reordered += 1,
        _ => me.figures.duplicates += 1,
    }
    step.judge(judged);

    let resent = (judged.kind == Kind::Retransmission).then_some(arrived.time);
    if resent.is_some() {
        me.live().board.resend(start, end, arrived.time, tsval);
    }
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
    if let Some((from, to)) = conflict {
        me.figures.conflicts += 1;
        step.judge(
            Verdict::new(
                Kind::ConflictingOverlap,
                Rule::BytesDiffer,
                Confidence::Certain,
            )
            .octets(to - from)
            .original(original.map(|sent| sent.frame)),
        );
    }
    if end > me.next {
        let above_old = (me.next - start) as usize;
        let (from, rest) = (me.next, payload.get(above_old..).unwrap_or(&[]));
        me.next = end;
        first_transmission(me, from, end, rest, step);
    } else if seen == 0 {
        me.live().board.fill(Sent {
            start,
            len: (end - start) as u32,
            tsval,
            time: arrived.time,
            frame: arrived.frame,
            fingerprint: if payload.len() as i64 == end - start {
                fingerprint(payload, &step.settings.secrets)
            } else {
                0
            },
            resent,
            resent_tsval: tsval,
            ip_id: arrived.ip_id,
            sacked: false,
        });
    }
}

/// The shortest round trip between the hosts that is known, both halves together.
pub(super) fn round_trip(me: &Endpoint, peer: &mut Endpoint) -> Option<Span> {
    let min = |endpoint: &Endpoint| endpoint.rtt.minimum();
    match (min(me), min(peer)) {
        (Some(one), Some(two)) => Some(one + two),
        (one, two) => one.or(two),
    }
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
