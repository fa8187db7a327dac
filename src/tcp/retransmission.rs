//! What a segment is: evidence in, verdict out. Pure, and ordered lists of rules: the first that
//! applies decides, and names itself. One list says what a segment is, one what made its sender
//! send it again, one whether that was needed.

use super::departure::{Departure, before};
use super::resends::part;
use super::rule::Rule;
use super::verdict::{Confidence, Kind, Lost, Need, Trigger, Verdict};
use crate::time::Span;

/// What is known when octets that are not simply next in order are judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence {
    /// Octets of the segment seen before.
    pub seen: i64,
    /// Octets of the segment never seen before.
    pub new: i64,
    /// All of it was acknowledged before.
    pub acked: bool,
    /// All of it was SACKed before.
    pub sacked: bool,
    /// The frame of the last acknowledgment.
    pub last_ack: Option<u64>,
    /// The last transmission seen that holds the first of these octets.
    pub original: Option<Neighbour>,
    /// Time since the gap that it fills was first seen, and the frame that showed it.
    pub opened: Option<(Span, u64)>,
    /// The nearest segment above that is a first transmission.
    pub above: Option<Neighbour>,
    /// TSval of the last segment that passed.
    pub newest_stamp: Option<u32>,
    /// Whether its octets differ from those seen before.
    pub differs: bool,
    /// Whether those seen before had been damaged on their way.
    pub damaged: bool,
    /// Whether the receiver went on asking for them after they had passed beside it.
    pub stayed: bool,
    /// What the IP identification says.
    pub departure: Departure,
    /// This segment's IP identification, where it counts.
    pub ip_id: Option<u32>,
    /// This segment's TSval.
    pub tsval: Option<u32>,
    /// How long a tick of the sender's TSval takes, where it is known.
    pub tick: Option<Span>,
    /// Whether the capture saw everything that the peer acknowledged just before this, but for
    /// these octets: they may have been captured late.
    pub just_acked: bool,
    /// What the sender can have heard.
    pub asked: Option<Asked>,
    /// Time since the sender last sent anything, or last can have heard anything new, whichever
    /// is later.
    pub silence: Span,
    /// Whether the sender has run into a timeout and not got out of it.
    pub in_timeout: bool,
    /// Whether the sender is in a fast recovery.
    pub in_recovery: bool,
    /// Whether it is the last segment sent.
    pub tail: bool,
    /// Whether it is the first segment not acknowledged, as the sender knows.
    pub head: bool,
    /// Whether its sender may have sent a tail loss probe now.
    pub may_probe: bool,
    /// Whether octets that the peer has SACKed lie above it, as the tap knows.
    pub sacked_above: bool,
    /// The shortest full round trip known.
    pub round_trip: Option<Span>,
    /// The smoothed full round trip.
    pub smoothed: Option<Span>,
    /// The retransmission timeout that the sender would have.
    pub timeout: Option<Span>,
    /// Whether the tap is beside the receiver: what passes arrives.
    pub beside_receiver: bool,
    /// Whether the tap is beside the sender: what was sent has passed.
    pub beside_sender: bool,
    /// Whether acknowledgments of this data are captured at all.
    pub acks_captured: bool,
    /// IP identifications skipped that nothing else explains.
    pub skipped: u32,
    /// How often the timer has run out without an answer.
    pub backoff: u32,
}

/// Another transmission, beside the one that is judged.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    /// Its frame.
    pub frame: u64,
    /// Its IP identification.
    pub ip_id: Option<u32>,
    /// Its TSval.
    pub tsval: Option<u32>,
    /// Time since it passed.
    pub ago: Span,
}

/// What asked the sender, as it can have heard, to send again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The frame that asked.
    pub frame: u64,
    /// How.
    pub by: Asking,
}

/// How an acknowledgment asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Something sent after the segment had arrived.
    Sack,
    /// So many duplicate acknowledgments in a row.
    Duplicates(u32),
    /// An acknowledgment of some, within a fast recovery.
    Partial,
}

/// Sooner than anything is sent again that no duplicate acknowledgment asks for: tail loss probes
/// and timers wait for longer on any system.
pub(super) const AT_ONCE: Span = Span::from_millis(1);
/// The least time in which a sender could notice a loss and mend it, when no round trip is known:
/// what tools of the field use.
const SOONEST_RECOVERY: Span = Span::from_millis(3);
/// The least retransmission timeout in use (Linux `TCP_RTO_MIN`; RFC 6298 says 1 s).
pub(super) const LEAST_TIMEOUT: Span = Span::from_millis(200);

/// Judges octets that were seen before, or fill a hole.
pub fn verdict(e: &Evidence) -> Verdict {
    use Confidence::{Ambiguous, Certain, Likely};
    let original = e.original.map(|original| original.frame);
    let above = (e.above.map(|above| above.frame)).or(e.opened.map(|(_, frame)| frame));
    if e.seen > 0 {
        let octets = e.seen;
        let copy = |rule| {
            Verdict::new(Kind::NetworkDuplicate, rule, Likely)
                .octets(octets)
                .original(original)
        };
        if e.departure == Departure::Again && e.new == 0 {
            return copy(Rule::SamePacketAgain);
        }
        // Sent before the transmission that passed first: overtaken by it.
        if let Some(theirs) = e.original
            && e.new == 0
        {
            let by_id = (e.departure == Departure::Late)
                .then(|| before(e.ip_id, theirs.ip_id))
                .flatten();
            let by_time = ticks(theirs.tsval, e.tsval).map(|ticks| ticks < 0);
            if by_id.or(by_time.filter(|_| e.departure == Departure::Unknown)) == Some(true) {
                return Verdict::new(Kind::Reordered, Rule::OvertakenByItsRetransmission, Likely)
                    .octets(octets)
                    .original(original);
            }
        }
        // Its original is forgotten, and it was stamped before what passed already.
        let older = ticks(e.newest_stamp, e.tsval).is_some_and(|ticks| ticks < 0);
        if e.departure == Departure::Unknown && e.new == 0 && e.original.is_none() && older {
            return copy(Rule::SamePacketWithoutCause);
        }
        if e.departure == Departure::Unknown && e.new == 0 && !e.differs {
            let alike = e.original.filter(|theirs| theirs.tsval == e.tsval);
            if let Some(theirs) = alike.filter(|theirs| theirs.ip_id == e.ip_id) {
                if theirs.ago < AT_ONCE && !e.sacked_above {
                    return copy(Rule::SamePacketAtOnce);
                }
                // A host stamps what it sends again anew, and a round trip has passed.
                let stale = e.tsval.is_some()
                    && e.tick
                        .zip(e.round_trip)
                        .is_some_and(|(tick, least)| part(tick, 3, 1) < least.max(theirs.ago));
                let soon = theirs.ago < part(e.round_trip.unwrap_or(SOONEST_RECOVERY), 1, 2);
                if stale || (e.asked.is_none() && soon) {
                    return copy(Rule::SamePacketWithoutCause);
                }
            }
        }
        let confidence = if e.departure == Departure::Unknown {
            Likely
        } else {
            Certain
        };
        let verdict = Verdict::new(Kind::Retransmission, Rule::SeenBefore, confidence)
            .octets(octets)
            .original(original);
        return again(e, verdict);
    }

    let late = |rule, confidence| {
        Verdict::new(Kind::Reordered, rule, confidence)
            .octets(e.new)
            .neighbour(above)
    };
    let resent = |rule, confidence| {
        again(
            e,
            Verdict::new(Kind::Retransmission, rule, confidence)
                .octets(e.new)
                .neighbour(above),
        )
    };
    if e.departure != Departure::Unknown {
        let earlier = e.above.and_then(|above| before(e.ip_id, above.ip_id));
        match (earlier, e.departure) {
            (Some(true), Departure::Late) => return late(Rule::FilledByIpIdOrder, Likely),
            (Some(false), _) => return resent(Rule::FilledWithNewerIpId, Likely),
            // Nothing above was seen for the first time.
            (None, Departure::Next { .. }) if e.asked.is_some() => {
                return resent(Rule::FilledWithNewerIpId, Likely);
            }
            _ => {}
        }
    }
    let soonest = e.round_trip.unwrap_or(SOONEST_RECOVERY);
    let since_above = e.above.map(|above| above.ago);
    let open = match (since_above, e.opened) {
        (Some(above), Some((opened, _))) => above.max(opened),
        (above, opened) => above
            .or(opened.map(|(opened, _)| opened))
            .unwrap_or(Span::ZERO),
    };
    if let Some(ticks) = e.above.and_then(|above| ticks(above.tsval, e.tsval)) {
        if ticks < 0 {
            return late(Rule::FilledByTimestampOrder, Likely);
        }
        // Sent again is sent a round trip after what was sent above it.
        let apart = e
            .tick
            .map(|tick| Span::from_nanos(tick.as_nanos().saturating_mul(i64::from(ticks))));
        match apart {
            Some(apart) if apart >= part(soonest, 3, 4) && ticks > 1 => {
                return resent(Rule::FilledWithNewerTimestamp, Likely);
            }
            Some(apart)
                if apart < part(soonest, 1, 2)
                    && e.tick.is_some_and(|tick| tick < part(soonest, 1, 4)) =>
            {
                return late(Rule::FilledByTimestampOrder, Likely);
            }
            None if ticks > 1 && open >= soonest => {
                return resent(Rule::FilledWithNewerTimestamp, Likely);
            }
            _ => {}
        }
    }
    if e.just_acked && e.above.is_none() {
        return late(Rule::CapturedAfterItsAck, Likely);
    }
    if open < part(soonest, 7, 8) {
        return late(Rule::FilledAtOnce, Likely);
    }
    if e.asked.is_some() || e.sacked_above {
        return resent(
            Rule::FilledAfterARoundTrip,
            if open < part(soonest, 3, 2) {
                Likely
            } else {
                Ambiguous
            },
        );
    }
    resent(Rule::FilledLate, Ambiguous)
}

/// Ticks from `earlier` to `later`; negative when `later` is older.
pub(super) fn ticks(earlier: Option<u32>, later: Option<u32>) -> Option<i32> {
    Some(later?.wrapping_sub(earlier?) as i32)
}

/// The rest of what is told of a retransmission.
pub(super) fn again(e: &Evidence, verdict: Verdict) -> Verdict {
    let trigger = trigger(e);
    // Both timers would have run out, and which one did does not show.
    let doubtful = e.tail
        && e.head
        && e.may_probe
        && trigger
            .is_some_and(|(_, rule)| matches!(rule, Rule::ProbeOfTheTail | Rule::SilenceOfATimer))
        && e.silence >= part(e.timeout.unwrap_or(LEAST_TIMEOUT), 3, 4);
    let seen = e.seen > 0;
    let need = need(e);
    let lost = match need {
        Some((Need::Spurious, _)) => None,
        _ if (seen && !e.damaged) || e.beside_sender => Some(Lost::AfterTap),
        _ => Some(Lost::BeforeTap),
    };
    let mut verdict = Verdict {
        trigger: trigger.map(|(trigger, _)| trigger),
        trigger_rule: trigger.map(|(_, rule)| rule),
        need: need.map(|(need, _)| need),
        need_rule: need.map(|(_, rule)| rule),
        lost,
        ..verdict
    };
    if doubtful {
        verdict.confidence = Confidence::Ambiguous;
    } else if verdict.confidence == Confidence::Certain {
        verdict.confidence = Confidence::Likely;
    }
    let proof = &mut verdict.proof;
    proof.asked = e.asked.map(|asked| asked.frame);
    if let Some(Asked {
        by: Asking::Duplicates(count),
        ..
    }) = e.asked
    {
        proof.duplicate_acks = count;
    }
    proof.round_trip = e.round_trip;
    if matches!(
        verdict.trigger,
        Some(Trigger::Timeout | Trigger::TailLossProbe)
    ) {
        proof.waited = Some(e.silence);
        proof.timeout = e.timeout;
        proof.backoff = e.backoff;
    } else {
        proof.waited = e.original.map(|original| original.ago);
    }
    if matches!(need, Some((_, Rule::AckedBefore | Rule::SackedBefore))) {
        proof.settled = e.last_ack;
    }
    proof.skipped_ids = e.skipped;
    verdict
}

/// What made the sender send again, where that shows.
fn trigger(e: &Evidence) -> Option<(Trigger, Rule)> {
    let timeout = e.timeout.unwrap_or(LEAST_TIMEOUT);
    let smoothed = e.smoothed.or(e.round_trip);
    if e.in_timeout {
        return Some((Trigger::Timeout, Rule::AfterATimeout));
    }
    let timer = e.silence >= part(timeout, 7, 8);
    if let Some(asked) = e.asked
        && !(timer && e.head)
    {
        let rule = match asked.by {
            Asking::Sack => Rule::AskedBySack,
            Asking::Duplicates(_) => Rule::AskedByDuplicateAcks,
            Asking::Partial => Rule::AskedByPartialAck,
        };
        return Some((Trigger::Fast, rule));
    }
    let probe = smoothed.map_or(SOONEST_RECOVERY, |smoothed| part(smoothed, 3, 2));
    // Where one segment is in flight the two timers meet. Hosts that are known to probe then
    // (Linux) have timestamps, unless somebody turned them off.
    let meet = e.head && e.silence >= part(timeout, 3, 4);
    if e.tail && e.may_probe && e.silence >= probe && (e.tsval.is_some() || !meet) {
        return Some((Trigger::TailLossProbe, Rule::ProbeOfTheTail));
    }
    if timer || e.silence >= part(LEAST_TIMEOUT, 7, 8) {
        return Some((Trigger::Timeout, Rule::SilenceOfATimer));
    }
    // Sooner than anybody could have asked.
    let at_once = e.original.is_some_and(|original| {
        original.ago < part(e.round_trip.unwrap_or(SOONEST_RECOVERY), 1, 2)
    });
    if at_once && e.acks_captured {
        return None;
    }
    Some((Trigger::Fast, Rule::TooSoonForATimer))
}

/// Whether sending again was needed, as far as it shows at once.
fn need(e: &Evidence) -> Option<(Need, Rule)> {
    if e.acked {
        Some((Need::Spurious, Rule::AckedBefore))
    } else if e.sacked {
        Some((Need::Spurious, Rule::SackedBefore))
    } else if e.seen > 0 && e.beside_receiver && e.stayed {
        Some((Need::Needed, Rule::HoleStayed))
    } else if e.seen > 0 && e.beside_receiver && !e.differs {
        Some((Need::Spurious, Rule::SeenBesideTheReceiver))
    } else if e.seen == 0 {
        Some((Need::Needed, Rule::NothingArrivedBefore))
    } else {
        None
    }
}
