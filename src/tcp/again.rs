//! Sequence numbers below what was sent, or skipped by it: the evidence is gathered, judged, and
//! what it means for the endpoint is done.

use super::departure::Departure;
use super::doubt::{Answer, Doubt};
use super::endpoint::{Endpoint, Trouble};
use super::recovery::Noted;
use super::resends::{Resend, Revision, part};
use super::retransmission::{
    AT_ONCE, Asked, Asking, Evidence, LEAST_TIMEOUT, Neighbour, again, ticks, verdict,
};
use super::rule::Rule;
use super::scoreboard::Sent;
use super::sending::retransmitted;
use super::step::Step;
use super::verdict::{Confidence, Kind, Need, Trigger, Verdict};
use super::{Role, What};
use crate::time::Span;
use crate::wire::Flags;

/// The round trip between the tap and a host, a little less than the shortest seen: what passed
/// the tap so long ago can have reached the host and had its effect here.
pub(super) fn delay(host: &Endpoint, other: &Endpoint) -> Span {
    match (host.rtt.minimum(), other.rtt.minimum()) {
        // Beside the host: it answers at once, or not because of what came last.
        (Some(near), Some(far)) if is_beside(near, far) => Span::ZERO,
        (Some(least), _) => part(least, 9, 10),
        (None, _) => Span::ZERO,
    }
}

/// Farther away is another room, and what is on its way there can be lost.
const ROOM: Span = Span::from_nanos(500_000);

/// Whether the tap is beside the host to which it has the round trip `near`.
fn is_beside(near: Span, far: Span) -> bool {
    near < ROOM && near.as_nanos() * 8 < far.as_nanos()
}

/// The shortest round trip between the hosts that is known, both halves together.
pub(super) fn round_trip(me: &Endpoint, peer: &Endpoint) -> Option<Span> {
    match (me.rtt.minimum(), peer.rtt.minimum()) {
        (Some(one), Some(two)) => Some(one + two),
        (one, two) => one.or(two),
    }
}

/// The smoothed round trip between the hosts, and the retransmission timeout that a sender would
/// have from it (RFC 6298 section 2, with the least variation that Linux takes).
fn timeout(me: &Endpoint, peer: &Endpoint) -> (Option<Span>, Option<Span>) {
    let smoothed = match (me.rtt.smoothed(), peer.rtt.smoothed()) {
        (Some(one), Some(two)) => Some((one.0 + two.0, two.1)),
        (one, two) => one.or(two),
    };
    let timeout = smoothed.map(|(smoothed, variation)| {
        smoothed + LEAST_TIMEOUT.max(Span::from_nanos(variation.as_nanos() * 4))
    });
    (smoothed.map(|(smoothed, _)| smoothed), timeout)
}

/// What tells where the tap is: beside the sender, beside the receiver.
fn place(me: &Endpoint, peer: &Endpoint) -> (bool, bool) {
    let (Some(near), Some(far)) = (me.rtt.minimum(), peer.rtt.minimum()) else {
        return (false, false);
    };
    (is_beside(near, far), is_beside(far, near))
}

/// The TSecr of the segment, where it tells the newest acknowledgment that its sender had heard:
/// while segments of its peer are missing it does not (RFC 7323 section 4.3).
pub(super) fn echo(me: &mut Endpoint, peer: &Endpoint, step: &Step<'_, '_>) -> Option<u32> {
    let stamps = step.arrived.segment.options.timestamps?;
    let complete = me.live().last_ack.is_some_and(|ack| ack >= peer.next);
    complete.then_some(stamps.echo)
}

/// Revisions become events.
pub(super) fn revise(
    step: &mut Step<'_, '_>,
    from: Role,
    figures: &mut super::Figures,
) -> impl FnMut(Revision) {
    move |revision| {
        let (was, is) = (revision.before.need, revision.after.need);
        if was != is && is == Some(Need::Spurious) {
            figures.spurious += 1;
        }
        let (was, is) = (revision.before.lost, revision.after.lost);
        if was != is && revision.after.kind == Kind::Retransmission {
            if let Some(place) = was {
                let count = figures.lost(place);
                *count = count.saturating_sub(1);
            }
            if let Some(place) = is {
                *figures.lost(place) += 1;
            }
        }
        step.tell(What::Revised {
            frame: revision.frame,
            from,
            before: revision.before,
            after: revision.after,
        });
    }
}

/// A receiver that delays no acknowledgment sends it sooner.
const NOT_DELAYED: Span = Span::from_millis(50);
/// No acknowledgment is delayed for longer.
const LONGEST_DELAY: Span = Span::from_millis(500);

/// What is known of `start..end` when it passes.
pub(super) fn evidence(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    (start, end): (i64, i64),
    step: &Step<'_, '_>,
) -> Evidence {
    let arrived = step.arrived;
    let now = arrived.time;
    let segment = arrived.segment;
    let tsval = segment.options.timestamps.map(|stamps| stamps.value);
    let echo = echo(me, peer, step);
    let delay = delay(me, peer);
    let round_trip = round_trip(me, peer);
    let (smoothed, timeout) = timeout(me, peer);
    let (beside_sender, beside_receiver) = place(me, peer);
    let clock = me.live().clock;
    let tick = clock.tick();
    let late = tsval.map_or(Span::ZERO, |stamp| clock.late(stamp, now));
    let seen = if end > start && me.fin == Some(start) {
        i64::from(me.fin_frame.is_some_and(|frame| frame != arrived.frame))
    } else {
        me.live().stream.seen(start, end)
    };
    let neighbour = |sent: &Sent| Neighbour {
        frame: sent.frame,
        ip_id: sent.ip_id,
        tsval: sent.tsval,
        ago: now - sent.time,
    };
    let before = me.trouble().resends.last_of(start).copied();
    let original = me.live().board.find(start, end).copied();
    let above = me.live().board.original_above(end).copied();
    let last = before
        .map(|resend| Neighbour {
            frame: resend.frame,
            ip_id: resend.ip_id,
            tsval: resend.tsval,
            ago: now - resend.time,
        })
        .or(original.as_ref().map(neighbour));
    // When these octets last left their sender, as the tap's clock has it.
    let first_above = above.map(|above| above.time);
    // Overtaken on its way here, it had left before what lies above it.
    let overtaken = before.is_none()
        && (first_above.zip(original)).is_some_and(|(above, original)| above < original.time);
    let last_sent = last
        .map(|last| now - last.ago)
        .filter(|_| !overtaken)
        .or(first_above);
    let departure = step.departure;
    let una = me.una;
    let sacked = seen > 0 && me.live().sacked.overlap(start, end) == end - start;
    let sacked_above = me
        .live()
        .sacked
        .highest()
        .is_some_and(|highest| highest > end);
    let (recovery, over) = (me.trouble().recovery, me.trouble().over);
    let sack_permitted = me
        .syn
        .zip(peer.syn)
        .is_none_or(|(one, two)| one.sack_permitted && two.sack_permitted);
    // What is kept while the connection lives may have gone with its end.
    let last_data = me
        .live()
        .last_data
        .or(me.last_sent.map(|time| (time, None)));
    // Who sends again what was SACKed has not heard of it.
    let heard = me
        .live()
        .hearing
        .at(now, delay + late, echo)
        .filter(|_| !sacked)
        .copied();
    let heard_una = heard.map_or(una.min(start), |heard| heard.una);
    // Who sends again what was acknowledged has not heard of it.
    let heard_ago = heard
        .filter(|heard| heard.una <= start)
        .map(|heard| now - (heard.time + delay + late));
    // Its own clock tells how long it was silent, whatever held the segment up on its way.
    let by_clock = tick
        .zip(ticks(last_data.and_then(|(_, stamp)| stamp), tsval))
        .map(|(tick, ticks)| Span::from_nanos(tick.as_nanos().saturating_mul(ticks.into())));
    let sent_ago = by_clock.or(last_data.map(|(time, _)| now - time));
    let silence = match (heard_ago, sent_ago) {
        (Some(one), Some(two)) => one.min(two),
        (one, two) => one.or(two).unwrap_or(Span::ZERO),
    };
    let in_fast = match recovery {
        Some(recovery) => recovery.is_fast() && heard_una < recovery.point,
        None => over.is_some_and(|over| over.is_fast_for(heard_una)),
    };
    let asked = heard.and_then(|heard| {
        let later = if last.is_some() && !overtaken {
            // Parts of one super-segment passed together.
            last_sent.is_some_and(|sent| {
                heard.delivered > sent || (sacked_above && heard.delivered == sent)
            })
        } else {
            last_sent.is_some_and(|sent| heard.delivered >= sent)
        };
        let by = if sack_permitted {
            (later && heard.una < end).then_some(Asking::Sack)
        } else if heard.duplicates >= 3 && (start..end).contains(&heard.una) {
            Some(Asking::Duplicates(heard.duplicates))
        } else {
            (in_fast && (start..end).contains(&heard.una)).then_some(Asking::Partial)
        };
        by.map(|by| Asked {
            frame: heard.frame,
            by,
        })
    });
    let answered = !sack_permitted
        && heard.is_some_and(|heard| {
            let since = me.live().hearing.asked_since(heard.una);
            let long_ago = since
                .zip(round_trip)
                .is_some_and(|(since, least)| now - (since + delay + late) > least);
            long_ago || (in_fast && before.is_some())
        });
    // Where no acknowledgment was seen, `una` is where the capture began.
    let acks = me.syn_seen || peer.live().last_ack.is_some();
    let acked = acks && una >= end;
    let goes_on = acked && over.is_some_and(|over| over.goes_on(start, end));
    let stayed = me.live().hearing.newest().is_some_and(|heard| {
        let least = peer.rtt.minimum().unwrap_or(Span::ZERO);
        let passed = last_sent.is_some_and(|sent| heard.time > sent + part(least, 2, 1));
        // With it in its place, what is in order would have gone on behind it.
        let asks = heard.una == start && heard.duplicates > 0;
        passed && (heard.sacked && heard.una <= start || asks)
    });
    // RFC 9293 section 3.8.6.3: an acknowledgment within half a second, and of at least every
    // second full segment.
    let owed_for = if me.next - start >= 2 * i64::from(me.live().largest) {
        NOT_DELAYED
    } else {
        LONGEST_DELAY
    };
    // Until it has taken any data, a host may be waiting for its application to accept.
    let mute = una > 1
        && original.is_some_and(|first| {
            // What was on its way already is no answer.
            let answered = first.time + part(peer.rtt.minimum().unwrap_or(Span::ZERO), 2, 1);
            now - first.time > owed_for && peer.last_sent.is_none_or(|last| last <= answered)
        });
    Evidence {
        seen,
        new: end - start - seen,
        acked,
        sacked,
        last_ack: me.live().hearing.newest().map(|heard| heard.frame),
        original: last,
        opened: me.trouble().gaps.opened(start, now),
        above: above.as_ref().map(neighbour),
        newest_stamp: last_data.and_then(|(_, stamp)| stamp),
        differs: false,
        damaged: false,
        stayed,
        before_capture: !me.syn_seen && start < 1,
        newest_tick: me.live().newest_stamp == tsval
            && me.live().tick_start.is_some_and(|from| start >= from),
        mute,
        departure,
        ip_id: arrived.ip_id,
        tsval,
        tick,
        just_acked: acked
            && peer.last_sent.is_some_and(|sent| {
                now - sent < round_trip.map_or(LEAST_TIMEOUT, |trip| part(trip, 1, 2))
            }),
        asked,
        answered,
        unasked: me.live().hearing.asks_for(start, end) == Some(false),
        silence,
        in_timeout: recovery.map_or(goes_on, |recovery| {
            recovery.is_timeout() && heard_una < recovery.point
        }),
        tail: end + i64::from(me.fin == Some(end)) >= me.next,
        head: start <= heard_una,
        may_probe: sack_permitted
            && !me.trouble().no_probe
            && me.unanswered == 0
            // Not twice before it hears of the first (RFC 8985 section 7.3).
            && before.is_none_or(|_| heard_una > start)
            && !(me.fin_again && me.fin == Some(start))
            && recovery.is_none_or(|recovery| heard_una >= recovery.point)
            && heard.is_none_or(|heard| !heard.sacked),
        sacked_above,
        round_trip,
        smoothed,
        timeout,
        beside_receiver,
        beside_sender,
        acks_captured: acks,
        skipped: 0,
        backoff: me.unanswered,
    }
}

/// What a judgment means for the endpoint that sent it, apart from its stream.
pub(super) fn concluded(
    me: &mut Endpoint,
    (start, end): (i64, i64),
    judged: Verdict,
    evidence: &Evidence,
    step: &mut Step<'_, '_>,
) {
    let arrived = step.arrived;
    let tsval = evidence.tsval;
    let resend = |verdict| Resend {
        frame: arrived.frame,
        start,
        end,
        time: arrived.time,
        tsval,
        ip_id: arrived.ip_id,
        verdict,
        settled: false,
        reported: false,
    };
    step.judge(judged);
    match judged.kind {
        Kind::Retransmission => {
            if let Some(waited) = evidence.original.map(|original| original.ago) {
                me.resend_interval = waited;
            }
            let timer = judged.trigger_rule == Some(Rule::SilenceOfATimer);
            // A probe would have come before the timer, for the last segment.
            if timer
                && evidence.may_probe
                && !evidence.tail
                && evidence.seen > 0
                && evidence
                    .smoothed
                    .is_some_and(|smoothed| part(smoothed, 5, 2) < evidence.silence)
            {
                me.trouble().no_probe = true;
            }
            // Of the whole flight it is the first and the last: a timeout fits as well.
            let doubtful = judged.trigger == Some(Trigger::TailLossProbe)
                && evidence.head
                && evidence
                    .timeout
                    .is_some_and(|timeout| part(timeout, 3, 4) <= evidence.silence);
            me.trouble().doubt = doubtful.then(|| Doubt::new(arrived.frame));
            me.fin_again |= me.fin == Some(start);
            me.unanswered += u32::from(judged.need != Some(Need::Spurious));
            retransmitted(me, &judged);
            let next = me.next;
            let congestion = &mut me.live().congestion;
            congestion.sent_again(arrived.time, &judged, next);
            me.trouble().resends.push(Resend {
                settled: judged.need == Some(Need::Spurious),
                ..resend(Some(judged))
            });
            let noted = Noted {
                sender: step.from,
                trigger: judged.trigger.unwrap_or(Trigger::Fast),
                timer,
                frame: arrived.frame,
                time: arrived.time,
                octets: end - start,
                end,
                spurious: judged.need == Some(Need::Spurious),
                point: me.next.max(end)
                    + i64::from(me.trouble().owed) * i64::from(me.live().largest),
                flight: me.in_flight(),
            };
            let Trouble { recovery, over, .. } = me.trouble();
            // An episode that was told as ended stays so.
            if recovery.is_none()
                && judged.trigger_rule == Some(Rule::AfterATimeout)
                && let Some(over) = over
            {
                over.reach(end);
                return;
            }
            let ended = noted.take(recovery);
            if let Some(episode) = ended {
                step.tell(What::Recovered(episode));
            }
        }
        Kind::Reordered => {
            me.figures.reordered += 1;
            if judged.rule == Rule::OvertakenByItsRetransmission {
                let (figures, trouble) = me.counted_trouble();
                let mut revise = revise(step, step.from, figures);
                let (range, frame) = ((start, end), arrived.frame);
                trouble
                    .resends
                    .overtaken(range, arrived.ip_id, tsval, frame, &mut revise);
                trouble.gaps.overtaken(start, end, frame, revise);
            }
        }
        _ => {
            me.figures.duplicates += 1;
            me.trouble().resends.push(Resend {
                settled: true,
                ..resend(None)
            });
        }
    }
}

/// New data passed while it was in doubt whether the retransmission before it was a probe.
#[cold]
pub(super) fn resolves_doubt(
    me: &mut Endpoint,
    peer: &Endpoint,
    end: i64,
    step: &mut Step<'_, '_>,
) {
    let Some(round_trip) = round_trip(me, peer) else {
        return;
    };
    // The last segment that an application wrote is pushed (RFC 9293 section 3.9.1.2).
    let segment = step.arrived.segment;
    let largest = i64::from(me.live().largest);
    let allowed = (peer.window.edge).is_some_and(|edge| end + largest <= edge);
    let more = allowed
        && !segment.flags.any(Flags::PSH | Flags::FIN)
        && segment.payload_len >= me.live().largest;
    let now = step.arrived.time;
    let delay = delay(me, peer);
    let heard = me.live().hearing.at(now, delay, None);
    let heard = heard.map(|heard| (heard.una, now - (heard.time + delay)));
    let Some(doubt) = me.trouble().doubt.as_mut() else {
        return;
    };
    let frame = doubt.frame;
    let answer = doubt.sent((now, end), round_trip, more, heard);
    if answer == Answer::Unknown {
        return;
    }
    me.trouble().doubt = None;
    if answer == Answer::Timeout {
        me.trouble().no_probe = true;
        let (figures, trouble) = me.counted_trouble();
        let revise = revise(step, step.from, figures);
        trouble.resends.was_timeout(frame, revise);
    }
}

/// How the octets of a segment differ from those seen before at their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// They don't, or it can't be told.
    None,
    /// Those seen before had been damaged on their way.
    Damage,
    /// Both are as they were sent.
    Conflict,
}

/// Judges `start..end`, of which some lies below what was sent.
pub(super) fn judge(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    range: (i64, i64),
    difference: Difference,
    step: &mut Step<'_, '_>,
) -> Verdict {
    let evidence = Evidence {
        differs: difference != Difference::None,
        damaged: difference == Difference::Damage,
        ..evidence(me, peer, range, step)
    };
    let mut judged = verdict(&evidence);
    // A FIN alone has the timer of a FIN.
    if me.fin == Some(range.0) && judged.trigger == Some(Trigger::Timeout) {
        judged.trigger = Some(Trigger::Fin);
    }
    concluded(me, range, judged, &evidence, step);
    if let Departure::Next { skipped } = step.departure
        && skipped > 0
        && evidence.seen == 0
        && judged.kind == Kind::Retransmission
        && !evidence.beside_sender
        && me.trouble().gaps.count() <= 1
        // Where a timer sent what had been asked for, the first answer to that is what is missing.
        && !(evidence.asked.is_some() && evidence.silence >= part(LEAST_TIMEOUT, 7, 8))
        && numbers_are_its_own(me, step)
    {
        // Sent just before it, and above everything seen: that comes next, and again. A timer that
        // runs out after it was asked for had been asked in vain: one was sent then, and lost.
        let again = judged.trigger == Some(Trigger::Timeout) && evidence.asked.is_some();
        me.trouble().owed = skipped - u32::from(again);
        me.trouble().owed_since = Some(step.arrived.time);
    }
    judged
}

/// Whether the segment's checksum is right, where that can be told.
pub(super) fn is_intact(step: &Step<'_, '_>) -> Option<bool> {
    let arrived = step.arrived;
    arrived.ip.and_then(|ip| arrived.segment.checksum_ok(ip))
}

/// Whether the IP identification counts this connection's packets and no others, so that a skipped
/// one is a lost one. Linux does (TTL 64, with timestamps); Windows and many devices count all that
/// they send, and then it goes on over a pause.
pub(super) fn numbers_are_its_own(me: &mut Endpoint, step: &Step<'_, '_>) -> bool {
    let linux = me.ttl <= 64 && step.arrived.segment.options.timestamps.is_some();
    let live = me.live();
    linux || live.still > live.stirred
}

/// Whether a silence is that of a retransmission timer that ran out, or of one that ran out again
/// and again while what it sent was lost (RFC 6298 section 5.5), a probe before it or not.
fn fits_a_timer(silence: Span, timeout: Span, skipped: u32) -> bool {
    /// Linux gives up after as many.
    const MOST: u32 = 15;
    if silence <= part(timeout, 2, 1) {
        return true;
    }
    (1..=MOST).take_while(|&lost| skipped > lost).any(|lost| {
        let after = part(timeout, (1 << (lost + 1)) - 1, 1);
        (part(after, 6, 7)..=part(after, 6, 5) + part(timeout, 2, 1)).contains(&silence)
    })
}

/// Whether a segment that looks new was sent before: its sender skipped packets and was silent.
/// RFC 8985 section 7, RFC 6298 section 5.
#[cold]
pub(super) fn had_been_lost(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    (start, end): (i64, i64),
    step: &mut Step<'_, '_>,
) -> bool {
    let Departure::Next { skipped } = step.departure else {
        return false;
    };
    // No timer is so short.
    let quiet = me
        .last_sent
        .map_or(Span::ZERO, |sent| step.arrived.time - sent);
    if quiet < AT_ONCE && !(me.is_in_trouble() && me.trouble().owed > 0) {
        return false;
    }
    if !numbers_are_its_own(me, step) {
        return false;
    }
    let mut evidence = evidence(me, peer, (start, end), step);
    let owed = me.trouble().owed;
    if evidence.beside_sender {
        return false;
    }
    let largest = i64::from(me.live().largest.max(1));
    let gap = (start - me.live().sent_end).max(0);
    let holes = ((gap + largest - 1) / largest) as u32;
    let spare = skipped.saturating_sub(holes);
    if spare == 0 {
        let soon = me.trouble().owed_since.is_some_and(|since| {
            let most = evidence.smoothed.unwrap_or(LEAST_TIMEOUT);
            step.arrived.time - since < part(most, 2, 1)
        });
        let follows = owed > 0 && (evidence.in_timeout || soon) && skipped == 0 && gap == 0;
        me.trouble().owed = if follows { owed - 1 } else { 0 };
        if !follows {
            return false;
        }
    } else {
        let segment = step.arrived.segment;
        let ack = peer.position(segment.ack);
        let moved = me.live().last_ack != ack;
        let timeout = evidence.timeout.unwrap_or(LEAST_TIMEOUT);
        // Half a round trip says nothing of the whole.
        let whole = me.rtt.count() > 0 && peer.rtt.count() > 0;
        let least = evidence
            .smoothed
            .filter(|_| whole)
            .map_or(LEAST_TIMEOUT, |smoothed| part(smoothed, 3, 2));
        // A pure acknowledgment may be what was skipped.
        evidence.silence = evidence.silence.min(quiet);
        let needed = if moved { part(timeout, 7, 8) } else { least };
        if evidence.silence < needed || me.live().last_ack.is_none() {
            return false;
        }
        if !fits_a_timer(evidence.silence, timeout, spare) {
            return false;
        }
        me.trouble().owed = if gap > 0 { 0 } else { spare - 1 };
    }
    evidence.seen = 0;
    evidence.new = end - start;
    evidence.acked = false;
    evidence.skipped = spare;
    evidence.head = gap == 0;
    // Nothing follows a FIN; but a probe of it comes no later than its timer.
    let fin = step.arrived.segment.payload_len == 0;
    let timeout = evidence.timeout.unwrap_or(LEAST_TIMEOUT);
    evidence.tail = gap > 0 || spare == 1 || (fin && evidence.silence < part(timeout, 3, 2));
    let judged = Verdict::new(
        Kind::Retransmission,
        Rule::SkippedItsOriginal,
        Confidence::Likely,
    )
    .octets(end - start);
    let mut judged = again(&evidence, judged);
    if fin && judged.trigger == Some(Trigger::Timeout) {
        judged.trigger = Some(Trigger::Fin);
    }
    concluded(me, (start, end), judged, &evidence, step);
    true
}
