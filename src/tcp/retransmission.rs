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
    /// What first showed the gap that it fills.
    pub opened: Option<Neighbour>,
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
    /// Whether they lie before the first octet of a capture that began in mid-stream.
    pub before_capture: bool,
    /// Whether these octets first passed with the TSval that the newest segment bore.
    pub newest_tick: bool,
    /// Whether the receiver has sent nothing since they passed, though it was to acknowledge them.
    pub mute: bool,
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
    /// Whether that cannot be what it was sent for: without SACK it asks once, and is answered at
    /// once.
    pub answered: bool,
    /// Whether none of the acknowledgments that its sender can have heard asks for anything.
    pub unasked: bool,
    /// Time since the sender last sent anything, or last can have heard anything new, whichever
    /// is later.
    pub silence: Span,
    /// Whether the sender has run into a timeout and not got out of it.
    pub in_timeout: bool,
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
/// When a sender probes that has not measured a round trip (RFC 8985 section 7.2), whatever the
/// tap has.
const FIRST_PROBE: Span = Span::from_secs(1);
/// The least retransmission timeout in use (Linux `TCP_RTO_MIN`; RFC 6298 says 1 s).
pub(super) const LEAST_TIMEOUT: Span = Span::from_millis(200);

/// Judges octets that were seen before, or fill a hole.
pub fn verdict(e: &Evidence) -> Verdict {
    use Confidence::{Ambiguous, Likely};
    let original = e.original.map(|original| original.frame);
    let above = e.above.or(e.opened).map(|above| above.frame);
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
        // Its original is forgotten, and it was stamped before what passed already, or with it: a
        // host stamps what it sends again anew.
        let same_tick = e.newest_tick
            && e.tick
                .zip(e.round_trip)
                .is_some_and(|(tick, least)| part(tick, 3, 1) < least);
        let older = same_tick || ticks(e.newest_stamp, e.tsval).is_some_and(|ticks| ticks < 0);
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
        let verdict = Verdict::new(Kind::Retransmission, Rule::SeenBefore, Likely)
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
    let shown = e.above.or(e.opened);
    if e.departure != Departure::Unknown {
        let earlier = shown.and_then(|above| before(e.ip_id, above.ip_id));
        match (earlier, e.departure) {
            (Some(true), Departure::Late) => return late(Rule::FilledByIpIdOrder, Likely),
            (Some(false), _) => return resent(Rule::FilledWithNewerIpId, Likely),
            // Nothing above was seen for the first time: what shows the hole was sent before this,
            // and after the octets.
            (None, Departure::Next { .. }) if e.asked.is_some() || e.opened.is_some() => {
                return resent(Rule::FilledWithNewerIpId, Likely);
            }
            _ => {}
        }
    }
    let soonest = e.round_trip.unwrap_or(SOONEST_RECOVERY);
    let since_above = e.above.map(|above| above.ago);
    let open = match (since_above, e.opened) {
        (Some(above), Some(opened)) => above.max(opened.ago),
        (above, opened) => above
            .or(opened.map(|opened| opened.ago))
            .unwrap_or(Span::ZERO),
    };
    if let Some(ticks) = shown.and_then(|above| ticks(above.tsval, e.tsval)) {
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
        _ if e.before_capture => None,
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
    // It goes on after a probe of one octet, which it holds again.
    if e.seen == 1 && e.new > 1 {
        return None;
    }
    let timer = e.silence >= part(timeout, 7, 8);
    let due = e.silence >= part(timeout, 3, 4);
    if let Some(asked) = e.asked
        && !(e.head && (timer || (due && e.answered)))
    {
        let rule = match asked.by {
            Asking::Sack => Rule::AskedBySack,
            Asking::Duplicates(_) => Rule::AskedByDuplicateAcks,
            Asking::Partial => Rule::AskedByPartialAck,
        };
        return Some((Trigger::Fast, rule));
    }
    let probe = smoothed.map_or(SOONEST_RECOVERY, |smoothed| {
        part(smoothed, 3, 2).min(FIRST_PROBE)
    });
    // Where one segment is in flight the two timers meet. Hosts that are known to probe then
    // (Linux) have timestamps, unless somebody turned them off.
    let meet = e.head && due;
    if e.tail && e.may_probe && e.silence >= probe && (e.tsval.is_some() || !meet) {
        return Some((Trigger::TailLossProbe, Rule::ProbeOfTheTail));
    }
    if due {
        return Some((Trigger::Timeout, Rule::SilenceOfATimer));
    }
    // All of it arrived in order, and was acknowledged: what made a timer run out held it up, too.
    if e.acked && e.unasked && e.head && !(e.tail && e.may_probe) {
        return Some((Trigger::Timeout, Rule::NobodyAsked));
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
    } else if e.seen > 0 && e.beside_receiver && e.mute {
        Some((Need::Needed, Rule::NobodyAnswers))
    } else if e.seen > 0 && e.beside_receiver && !e.differs {
        Some((Need::Spurious, Rule::SeenBesideTheReceiver))
    } else if e.seen == 0 {
        Some((Need::Needed, Rule::NothingArrivedBefore))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Confidence::{Ambiguous, Likely};
    use super::*;
    use proptest::prelude::*;

    const fn ms(millis: i64) -> Span {
        Span::from_millis(millis)
    }

    const NEXT: Departure = Departure::Next { skipped: 0 };
    const HEARD: Option<Asked> = asked(Asking::Sack);

    const fn opener(ago: Span) -> Option<Neighbour> {
        Some(Neighbour {
            frame: 7,
            ip_id: None,
            tsval: None,
            ago,
        })
    }

    const fn asked(by: Asking) -> Option<Asked> {
        Some(Asked { frame: 9, by })
    }

    /// Another packet, so long ago.
    const fn packet(ip_id: Option<u32>, tsval: Option<u32>, ago: Span) -> Option<Neighbour> {
        let frame = 5;
        Some(Neighbour {
            frame,
            ip_id,
            tsval,
            ago,
        })
    }

    /// A sender with a round trip of 40 ms that had been silent for 10 ms.
    fn sender() -> Evidence {
        Evidence {
            tick: Some(ms(1)),
            silence: ms(10),
            round_trip: Some(ms(40)),
            smoothed: Some(ms(40)),
            timeout: Some(ms(240)),
            acks_captured: true,
            last_ack: Some(8),
            ..Evidence::default()
        }
    }

    /// Octets that passed 45 ms ago in another packet.
    fn seen() -> Evidence {
        Evidence {
            seen: 1000,
            original: packet(Some(300), Some(3000), ms(45)),
            departure: NEXT,
            ip_id: Some(340),
            tsval: Some(3045),
            ..sender()
        }
    }

    /// The same, where no identification counts and there are no timestamps.
    fn bare() -> Evidence {
        Evidence {
            original: packet(None, None, ms(45)),
            departure: Departure::Unknown,
            ip_id: None,
            tsval: None,
            ..seen()
        }
    }

    /// The last segment sent, by a sender that may probe.
    fn tail() -> Evidence {
        Evidence {
            tail: true,
            may_probe: true,
            ..seen()
        }
    }

    /// Octets that fill a hole 45 ms old, with a first transmission above it.
    fn hole() -> Evidence {
        Evidence {
            new: 1000,
            opened: opener(ms(45)),
            above: packet(Some(300), Some(3000), ms(45)),
            departure: NEXT,
            ip_id: Some(340),
            tsval: Some(3045),
            ..sender()
        }
    }

    /// The same, where timestamps alone tell.
    fn stamped_hole() -> Evidence {
        Evidence {
            departure: Departure::Unknown,
            ip_id: None,
            ..hole()
        }
    }

    /// The same, where time alone tells.
    fn bare_hole() -> Evidence {
        Evidence {
            above: packet(None, None, ms(45)),
            tsval: None,
            ..stamped_hole()
        }
    }

    struct Row {
        name: &'static str,
        evidence: Evidence,
        rules: &'static [Rule],
        words: &'static str,
        confidence: Confidence,
    }

    /// Rows in pairs: what the rule is for, and (`but`) the same with what decides changed.
    macro_rules! rows {
        ($($name:literal: $of:ident() { $($field:ident: $value:expr),* }
            => [$($rule:ident)*] $words:literal $confidence:ident,
            $(but { $($other:ident: $else:expr),* }
            => [$($then:ident)*] $said:literal $sure:ident,)*
        )*) => {{
            let mut rows = Vec::new();
            $(
                let evidence = Evidence { $($field: $value,)* ..$of() };
                rows.push(Row {
                    name: $name,
                    evidence,
                    rules: &[$(Rule::$rule),*],
                    words: $words,
                    confidence: $confidence,
                });
                $(rows.push(Row {
                    name: concat!($name, ", but ", stringify!($($other: $else),*)),
                    evidence: Evidence { $($other: $else,)* ..evidence },
                    rules: &[$(Rule::$then),*],
                    words: $said,
                    confidence: $sure,
                });)*
            )*
            rows
        }};
    }

    /// Evidence ⇒ the rules of kind, trigger and need; the words; how sure.
    #[rustfmt::skip]
    fn table() -> Vec<Row> {
        rows! {
            // What it is: octets seen before.
            "a copy keeps its identification": seen() { departure: Departure::Again }
                => [SamePacketAgain] "network-duplicate" Likely,
                but { departure: NEXT }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { new: 1 }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
            "overtaken, by identification": seen() { departure: Departure::Late, ip_id: Some(299) }
                => [OvertakenByItsRetransmission] "reordered" Likely,
                but { ip_id: Some(301) }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { new: 1 }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
            "overtaken, by timestamp": bare() {
                original: packet(None, Some(3000), ms(45)), tsval: Some(2999)
            }
                => [OvertakenByItsRetransmission] "reordered" Likely,
                but { tsval: Some(3001) }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { departure: NEXT }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { new: 1 }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
            "a copy comes at once": bare() { original: packet(None, None, AT_ONCE - Span::from_nanos(1)) }
                => [SamePacketAtOnce] "network-duplicate" Likely,
                but { original: packet(None, None, AT_ONCE) }
                => [SamePacketWithoutCause] "network-duplicate" Likely,
                but { sacked_above: true }
                => [SamePacketWithoutCause] "network-duplicate" Likely,
                but { sacked_above: true, asked: HEARD }
                => [SeenBefore AskedBySack] "retransmission (fast, after-tap)" Likely,
                but { differs: true }
                => [SeenBefore] "retransmission (after-tap)" Likely,
                but { departure: NEXT }
                => [SeenBefore] "retransmission (after-tap)" Likely,
                but { new: 1 }
                => [SeenBefore] "retransmission (after-tap)" Likely,
                but { tsval: Some(1) }
                => [SeenBefore] "retransmission (after-tap)" Likely,
                but { ip_id: Some(1) }
                => [SeenBefore] "retransmission (after-tap)" Likely,
            "a copy without a cause": bare() { original: packet(None, None, ms(19)) }
                => [SamePacketWithoutCause] "network-duplicate" Likely,
                but { original: packet(None, None, ms(20)) }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { asked: HEARD }
                => [SeenBefore AskedBySack] "retransmission (fast, after-tap)" Likely,
                but { round_trip: None }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
            "a copy of the same TSval": bare() {
                original: packet(None, Some(3000), ms(45)), tsval: Some(3000)
            }
                => [SamePacketWithoutCause] "network-duplicate" Likely,
                but { tsval: Some(3001) }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { tick: Some(ms(15)) }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { tick: None }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { asked: HEARD, tick: None }
                => [SeenBefore AskedBySack] "retransmission (fast, after-tap)" Likely,

            // What it is: octets that fill a hole.
            "late, by identification": hole() { departure: Departure::Late, ip_id: Some(299) }
                => [FilledByIpIdOrder] "reordered" Likely,
                but { ip_id: Some(301) }
                => [FilledWithNewerIpId TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
            // The number decides, however soon it comes.
            "sent again, by identification": hole() {
                opened: opener(ms(1)), above: packet(Some(300), Some(3000), ms(1)), asked: HEARD
            }
                => [FilledWithNewerIpId AskedBySack NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
                but { departure: Departure::Unknown, tsval: Some(3001) }
                => [FilledByTimestampOrder] "reordered" Likely,
            "sent again, with nothing above": hole() { above: None, asked: HEARD }
                => [FilledWithNewerIpId AskedBySack NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
                but { asked: None }
                => [FilledWithNewerIpId TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
                but { asked: None, opened: None }
                => [FilledAtOnce] "reordered" Likely,
                but { departure: Departure::Late }
                => [FilledAfterARoundTrip AskedBySack NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
            "late, by timestamp": stamped_hole() { tsval: Some(2999) }
                => [FilledByTimestampOrder] "reordered" Likely,
                but { tsval: Some(3040) }
                => [FilledWithNewerTimestamp TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
            "late, by its time of sending": stamped_hole() { tsval: Some(3019) }
                => [FilledByTimestampOrder] "reordered" Likely,
                but { tsval: Some(3020) }
                => [FilledLate TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,
                but { tsval: Some(3001), tick: Some(ms(10)) }
                => [FilledLate TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,
            "sent again, by timestamp": stamped_hole() { tsval: Some(3030) }
                => [FilledWithNewerTimestamp TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
                but { tsval: Some(3029) }
                => [FilledLate TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,
                but { tsval: Some(3001), tick: Some(ms(30)) }
                => [FilledLate TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,
            "sent again, by ticks of unknown length": stamped_hole() { tick: None, tsval: Some(3002) }
                => [FilledWithNewerTimestamp TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
                but { tsval: Some(3001) }
                => [FilledLate TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,
                but { tsval: Some(3000) }
                => [FilledLate TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,
                but { above: packet(None, Some(3000), ms(40)), opened: None }
                => [FilledWithNewerTimestamp TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
                but { above: packet(None, Some(3000), ms(39)), opened: None }
                => [FilledLate TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,
                but { above: packet(None, Some(3000), ms(30)), opened: None }
                => [FilledAtOnce] "reordered" Likely,
            "captured after its acknowledgment": bare_hole() { above: None, just_acked: true, acked: true }
                => [CapturedAfterItsAck] "reordered" Likely,
                but { just_acked: false }
                => [FilledLate TooSoonForATimer AckedBefore]
                    "retransmission (fast, spurious, ambiguous)" Ambiguous,
                but { above: packet(None, None, ms(45)) }
                => [FilledLate TooSoonForATimer AckedBefore]
                    "retransmission (fast, spurious, ambiguous)" Ambiguous,
            "late, by time": bare_hole() { above: None, opened: opener(ms(34)) }
                => [FilledAtOnce] "reordered" Likely,
                but { opened: opener(ms(35)) }
                => [FilledLate TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,
                but { above: packet(None, None, ms(35)) }
                => [FilledLate TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,
                but { round_trip: None }
                => [FilledLate TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,
            "late, with nothing known": bare_hole() { above: None, opened: None, round_trip: None }
                => [FilledAtOnce] "reordered" Likely,
            "sent again after a round trip": bare_hole() { sacked_above: true }
                => [FilledAfterARoundTrip TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
                but { opened: opener(ms(60)) }
                => [FilledAfterARoundTrip TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,
                but { sacked_above: false, asked: HEARD }
                => [FilledAfterARoundTrip AskedBySack NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
                but { sacked_above: false }
                => [FilledLate TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap, ambiguous)" Ambiguous,

            // What made its sender send again.
            "within a timeout": seen() { in_timeout: true, asked: HEARD }
                => [SeenBefore AfterATimeout] "retransmission (timeout, after-tap)" Likely,
                but { in_timeout: false }
                => [SeenBefore AskedBySack] "retransmission (fast, after-tap)" Likely,
            "asked by SACK": seen() { asked: HEARD, silence: ms(210) }
                => [SeenBefore AskedBySack] "retransmission (fast, after-tap)" Likely,
                but { head: true }
                => [SeenBefore SilenceOfATimer] "retransmission (timeout, after-tap)" Likely,
                but { head: true, silence: ms(209) }
                => [SeenBefore AskedBySack] "retransmission (fast, after-tap)" Likely,
                but { asked: None }
                => [SeenBefore SilenceOfATimer] "retransmission (timeout, after-tap)" Likely,
            "asked by duplicates": seen() { asked: asked(Asking::Duplicates(3)) }
                => [SeenBefore AskedByDuplicateAcks] "retransmission (fast, after-tap)" Likely,
                but { asked: asked(Asking::Partial) }
                => [SeenBefore AskedByPartialAck] "retransmission (fast, after-tap)" Likely,
            "asked once, and answered": seen() {
                asked: asked(Asking::Duplicates(3)), answered: true, head: true, silence: ms(180)
            }
                => [SeenBefore SilenceOfATimer] "retransmission (timeout, after-tap)" Likely,
                but { answered: false }
                => [SeenBefore AskedByDuplicateAcks] "retransmission (fast, after-tap)" Likely,
                but { silence: ms(179) }
                => [SeenBefore AskedByDuplicateAcks] "retransmission (fast, after-tap)" Likely,
                but { head: false }
                => [SeenBefore AskedByDuplicateAcks] "retransmission (fast, after-tap)" Likely,
            "a first probe": tail() { silence: ms(1000), smoothed: Some(ms(900)), timeout: Some(ms(2000)) }
                => [SeenBefore ProbeOfTheTail] "retransmission (tail-loss-probe, after-tap)" Likely,
                but { silence: ms(999) }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
            "a probe": tail() { silence: ms(60) }
                => [SeenBefore ProbeOfTheTail] "retransmission (tail-loss-probe, after-tap)" Likely,
                but { silence: ms(59) }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { tail: false }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { may_probe: false }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { asked: HEARD }
                => [SeenBefore AskedBySack] "retransmission (fast, after-tap)" Likely,
                but { smoothed: Some(ms(41)) }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
            "a probe when the timer is near": tail() { silence: ms(180), head: true }
                => [SeenBefore ProbeOfTheTail]
                    "retransmission (tail-loss-probe, after-tap, ambiguous)" Ambiguous,
                but { silence: ms(179) }
                => [SeenBefore ProbeOfTheTail] "retransmission (tail-loss-probe, after-tap)" Likely,
                but { head: false }
                => [SeenBefore ProbeOfTheTail] "retransmission (tail-loss-probe, after-tap)" Likely,
                but { tsval: None }
                => [SeenBefore SilenceOfATimer]
                    "retransmission (timeout, after-tap, ambiguous)" Ambiguous,
                but { tsval: None, silence: ms(179) }
                => [SeenBefore ProbeOfTheTail] "retransmission (tail-loss-probe, after-tap)" Likely,
                but { may_probe: false }
                => [SeenBefore SilenceOfATimer] "retransmission (timeout, after-tap)" Likely,
            "the timer": seen() { silence: ms(180) }
                => [SeenBefore SilenceOfATimer] "retransmission (timeout, after-tap)" Likely,
                but { silence: ms(179) }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
            "nobody asked for it": seen() { acked: true, unasked: true, head: true }
                => [SeenBefore NobodyAsked AckedBefore] "retransmission (timeout, spurious)" Likely,
                but { acked: false }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { unasked: false }
                => [SeenBefore TooSoonForATimer AckedBefore] "retransmission (fast, spurious)" Likely,
                but { head: false }
                => [SeenBefore TooSoonForATimer AckedBefore] "retransmission (fast, spurious)" Likely,
                but { tail: true }
                => [SeenBefore NobodyAsked AckedBefore] "retransmission (timeout, spurious)" Likely,
                but { tail: true, may_probe: true }
                => [SeenBefore TooSoonForATimer AckedBefore] "retransmission (fast, spurious)" Likely,
            "sooner than anybody asks": seen() { original: packet(Some(300), Some(3000), ms(19)) }
                => [SeenBefore] "retransmission (after-tap)" Likely,
                but { original: packet(Some(300), Some(3000), ms(20)) }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { acks_captured: false }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,

            // Whether it was needed, and where the original was lost.
            "acknowledged before": seen() { acked: true, sacked: true, beside_receiver: true, stayed: true }
                => [SeenBefore TooSoonForATimer AckedBefore] "retransmission (fast, spurious)" Likely,
                but { acked: false }
                => [SeenBefore TooSoonForATimer SackedBefore] "retransmission (fast, spurious)" Likely,
                but { acked: false, sacked: false }
                => [SeenBefore TooSoonForATimer HoleStayed]
                    "retransmission (fast, needed, after-tap)" Likely,
                but { acked: false, sacked: false, stayed: false, mute: true }
                => [SeenBefore TooSoonForATimer NobodyAnswers]
                    "retransmission (fast, needed, after-tap)" Likely,
                but { acked: false, sacked: false, stayed: false }
                => [SeenBefore TooSoonForATimer SeenBesideTheReceiver]
                    "retransmission (fast, spurious)" Likely,
                but { acked: false, sacked: false, stayed: false, differs: true }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
                but { acked: false, sacked: false, beside_receiver: false }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
            "acknowledged, and never captured": hole() { acked: true }
                => [FilledWithNewerIpId TooSoonForATimer AckedBefore]
                    "retransmission (fast, spurious)" Likely,
                but { acked: false }
                => [FilledWithNewerIpId TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
            "never seen beside the receiver": hole() { beside_receiver: true, stayed: true }
                => [FilledWithNewerIpId TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
                but { stayed: false }
                => [FilledWithNewerIpId TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
            "damaged on its way": seen() { damaged: true, differs: true, beside_receiver: true }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, before-tap)" Likely,
                but { damaged: false }
                => [SeenBefore TooSoonForATimer] "retransmission (fast, after-tap)" Likely,
            "never seen beside the sender": hole() { beside_sender: true }
                => [FilledWithNewerIpId TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, after-tap)" Likely,
                but { beside_sender: false }
                => [FilledWithNewerIpId TooSoonForATimer NothingArrivedBefore]
                    "retransmission (fast, needed, before-tap)" Likely,
        }
    }

    #[test]
    fn each_rule_and_its_innocent_neighbour() {
        let mut wrong = String::new();
        for row in table() {
            let told = verdict(&row.evidence);
            let rules: Vec<Rule> = told.rules().collect();
            let is = (&*rules, &*told.to_string(), told.confidence);
            let should = (row.rules, row.words, row.confidence);
            if is != should {
                wrong += &format!("{}\n  is     {is:?}\n  should {should:?}\n", row.name);
            }
        }
        assert!(wrong.is_empty(), "\n{wrong}");
    }

    #[test]
    fn the_table_has_a_row_for_every_rule_named_here() {
        let code = include_str!("retransmission.rs");
        let code = code.split("#[cfg(test)]").next().unwrap_or(code);
        let named = |rule: &Rule| {
            let name = format!("Rule::{rule:?}");
            code.match_indices(&name).any(|(at, _)| {
                let rest = &code[at + name.len()..];
                !rest.starts_with(|next: char| next.is_alphanumeric())
            })
        };
        let rows = table();
        let missing: Vec<Rule> = (Rule::ALL.iter().copied())
            .filter(named)
            .filter(|rule| !rows.iter().any(|row| row.rules.contains(rule)))
            .collect();
        assert!(missing.is_empty(), "no row: {missing:?}");
        assert!(Rule::ALL.iter().filter(|rule| named(rule)).count() > 20);
    }

    #[test]
    fn the_proof_names_what_decided() {
        let timeout = verdict(&Evidence {
            silence: ms(300),
            backoff: 2,
            acked: true,
            ..seen()
        });
        assert_eq!(timeout.proof.waited, Some(ms(300)));
        assert_eq!(timeout.proof.timeout, Some(ms(240)));
        assert_eq!(timeout.proof.backoff, 2);
        assert_eq!(timeout.proof.settled, Some(8));
        assert_eq!(timeout.proof.original, Some(5));

        let fast = verdict(&Evidence {
            asked: asked(Asking::Duplicates(3)),
            backoff: 2,
            ..seen()
        });
        assert_eq!(fast.proof.waited, Some(ms(45)));
        assert_eq!((fast.proof.timeout, fast.proof.backoff), (None, 0));
        assert_eq!((fast.proof.asked, fast.proof.duplicate_acks), (Some(9), 3));
        assert_eq!(fast.proof.settled, None);

        let filled = verdict(&bare_hole());
        assert_eq!(filled.proof.neighbour, Some(5));
        let without_above = Evidence {
            above: None,
            ..bare_hole()
        };
        assert_eq!(verdict(&without_above).proof.neighbour, Some(7));
    }

    /// Any length of time, the ends of what can be written among them.
    fn any_span() -> impl Strategy<Value = Span> {
        let nanos = prop_oneof![
            any::<i64>(),
            0..1_000_000_000_i64,
            Just(i64::MAX),
            Just(i64::MIN)
        ];
        nanos.prop_map(Span::from_nanos)
    }

    /// Often near each other, or at the ends.
    fn any_number() -> impl Strategy<Value = Option<u32>> {
        prop_oneof![
            Just(None),
            (0..4_u32).prop_map(Some),
            Just(Some(u32::MAX)),
            any::<u32>().prop_map(Some)
        ]
    }

    fn any_neighbour() -> impl Strategy<Value = Option<Neighbour>> {
        proptest::option::of((any_number(), any_number(), any_span()).prop_map(
            |(ip_id, tsval, ago)| Neighbour {
                frame: 5,
                ip_id,
                tsval,
                ago,
            },
        ))
    }

    fn any_evidence() -> impl Strategy<Value = Evidence> {
        let octets = || prop_oneof![Just(0), 1..3000_i64, any::<i64>()];
        let departure = prop_oneof![
            Just(Departure::Unknown),
            any::<u32>().prop_map(|skipped| Departure::Next { skipped }),
            Just(Departure::Late),
            Just(Departure::Again)
        ];
        let asking = prop_oneof![
            Just(Asking::Sack),
            any::<u32>().prop_map(Asking::Duplicates),
            Just(Asking::Partial)
        ];
        let spans = proptest::array::uniform5(proptest::option::of(any_span()));
        (
            (octets(), octets(), any_span()),
            any::<[bool; 19]>(),
            (any_neighbour(), any_neighbour()),
            (departure, proptest::option::of(asking)),
            (any_number(), any_number(), any::<u32>(), any::<u32>()),
            spans,
        )
            .prop_map(|(sizes, flags, packets, causes, numbers, spans)| {
                let (seen, new, silence) = sizes;
                let (original, above) = packets;
                let (departure, by) = causes;
                let (ip_id, tsval, skipped, backoff) = numbers;
                let [tick, round_trip, smoothed, timeout, opened] = spans;
                Evidence {
                    seen,
                    new,
                    acked: flags[0],
                    sacked: flags[1],
                    last_ack: flags[2].then_some(8),
                    original,
                    opened: opened.and_then(opener),
                    above,
                    differs: flags[3],
                    damaged: flags[4],
                    stayed: flags[5],
                    before_capture: flags[4] && flags[6],
                    newest_tick: flags[12],
                    mute: flags[17],
                    departure,
                    ip_id,
                    tsval,
                    tick,
                    newest_stamp: tsval.map(|stamp| stamp.wrapping_add(u32::from(flags[8]))),
                    just_acked: flags[6],
                    asked: by.map(|by| Asked { frame: 9, by }),
                    answered: flags[18],
                    unasked: flags[16],
                    silence,
                    in_timeout: flags[7],
                    tail: flags[9],
                    head: flags[10],
                    may_probe: flags[11],
                    sacked_above: flags[12],
                    round_trip,
                    smoothed,
                    timeout,
                    beside_receiver: flags[13],
                    beside_sender: flags[14],
                    acks_captured: flags[15],
                    skipped,
                    backoff,
                }
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_evidence_has_a_verdict(evidence in any_evidence()) {
            let told = verdict(&evidence);
            let resent = told.kind == Kind::Retransmission;
            prop_assert!(resent || matches!(told.kind, Kind::Reordered | Kind::NetworkDuplicate));
            // What arrived was not lost; what was sent again for nothing else was.
            let somewhere = resent && told.need != Some(Need::Spurious);
            prop_assert!(told.lost.is_none() || somewhere);
            prop_assert!(told.lost.is_some() || !somewhere || evidence.before_capture);
            prop_assert_eq!(told.trigger.is_some(), told.trigger_rule.is_some());
            prop_assert_eq!(told.need.is_some(), told.need_rule.is_some());
            prop_assert!(resent || (told.trigger.is_none() && told.need.is_none()));
            // Nothing that is inferred is called certain.
            prop_assert_ne!(told.confidence, Confidence::Certain);
        }
    }
}
