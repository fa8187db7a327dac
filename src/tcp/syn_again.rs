//! SYNs and SYN-ACKs that were sent again.

use super::again::{concluded, evidence};
use super::endpoint::Endpoint;
use super::retransmission::Evidence;
use super::rule::Rule;
use super::sending::passed;
use super::step::Step;
use super::verdict::{Confidence, Kind, Lost, Need, Trigger, Verdict};
use crate::time::Span;

/// A SYN or SYN-ACK at the position of the first one.
#[cold]
pub(super) fn syn_again(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    rule: Rule,
    trigger: Trigger,
    step: &mut Step<'_, '_>,
) {
    /// Sooner than the timer of any SYN.
    const SOON: Span = Span::from_millis(100);
    let range = (0, 1);
    let evidence = Evidence {
        seen: 1,
        new: 0,
        ..evidence(me, peer, range, step)
    };
    let original = evidence.original;
    let alike = original.is_some_and(|original| {
        evidence.tsval.is_some() && original.tsval == evidence.tsval && original.ago < SOON
    });
    let mut judged = if alike {
        Verdict::new(
            Kind::NetworkDuplicate,
            Rule::SamePacketWithoutCause,
            Confidence::Likely,
        )
    } else {
        let need = evidence.acked.then_some(Need::Spurious);
        Verdict {
            trigger: Some(trigger),
            trigger_rule: Some(rule),
            need,
            need_rule: need.map(|_| Rule::AckedBefore),
            lost: (!evidence.acked).then_some(Lost::AfterTap),
            ..Verdict::new(Kind::Retransmission, rule, Confidence::Likely)
        }
    };
    if judged.need.is_none()
        && judged.kind == Kind::Retransmission
        && trigger == Trigger::SynAck
        && peer.figures.duplicates > 0
        && peer.figures.retransmissions == 0
    {
        judged.need = Some(Need::Spurious);
        judged.need_rule = Some(Rule::CopiedOnTheWay);
        judged.lost = None;
    }
    let mut judged = judged
        .octets(1)
        .original(original.map(|original| original.frame));
    judged.proof.waited = original.map(|original| original.ago);
    judged.proof.backoff = evidence.backoff;
    concluded(me, range, judged, &evidence, step);
    if judged.kind == Kind::Retransmission {
        let time = step.arrived.time;
        me.live().board.resend(0, 1, time, evidence.tsval);
        passed(me, 1, step);
    }
}

/// The first SYN-ACK seen, where it answers a SYN that was answered before: the answer of then was
/// lost. RFC 7323 section 3.2: it echoes the TSval of the SYN that it answers.
pub(super) fn answers_earlier_syn(me: &mut Endpoint, peer: &mut Endpoint, step: &mut Step<'_, '_>) {
    let echo = step
        .arrived
        .segment
        .options
        .timestamps
        .map(|stamps| stamps.echo);
    let Some(first) = peer.live().board.find(0, 1).copied() else {
        return;
    };
    if first.resent.is_none() || first.tsval.is_none() || first.resent_tsval == first.tsval {
        return;
    }
    if echo != first.tsval {
        return;
    }
    let evidence = Evidence {
        seen: 0,
        new: 1,
        ..evidence(me, peer, (0, 1), step)
    };
    let judged = Verdict {
        trigger: Some(Trigger::SynAck),
        trigger_rule: Some(Rule::SynAckTwice),
        need: Some(Need::Needed),
        need_rule: Some(Rule::NothingArrivedBefore),
        lost: Some(Lost::BeforeTap),
        ..Verdict::new(
            Kind::Retransmission,
            Rule::AnswersAnEarlierSyn,
            Confidence::Likely,
        )
    };
    let judged = judged.octets(1).neighbour(Some(first.frame));
    concluded(me, (0, 1), judged, &evidence, step);
}
