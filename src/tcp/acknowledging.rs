//! The receive side of an endpoint: what it acknowledges, SACKs and advertises.

use super::endpoint::Endpoint;
use super::rule::Rule;
use super::scoreboard::Acked;
use super::sending::probe;
use super::state::State;
use super::step::Step;
use super::verdict::{Confidence, Kind, Verdict};
use super::window::WindowChange;
use crate::time::{Span, Timestamp};
use crate::wire::{Flags, Segment, SeqNum};

/// The acknowledgment, SACK and window in a segment that starts at `start`.
#[inline]
pub(super) fn acknowledges(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    start: i64,
    step: &mut Step<'_, '_>,
) {
    let arrived = step.arrived;
    let segment = arrived.segment;
    let now = arrived.time;
    let first_sight = peer.base.is_none();
    if first_sight {
        peer.begin_midstream(SeqNum(segment.ack.0.wrapping_sub(1)));
    }
    let Some(ack) = peer.position(segment.ack) else {
        return;
    };
    let una = peer.una;
    // A host in SYN-SENT accepts no acknowledgment of what it has not sent: it comes from a
    // connection that the peer still has open (RFC 9293 section 3.5.1). One that lies near may
    // be of octets that the capture missed.
    const NEAR: i64 = 1 << 20;
    if peer.state == State::SynSent && una == 0 && (ack <= 0 || ack > peer.next + NEAR) {
        return;
    }
    if ack > peer.next {
        if peer.figures.packets > 0 {
            me.figures.acks_unseen += 1;
            step.judge(
                Verdict::new(Kind::AckUnseen, Rule::AckAboveAllSeen, Confidence::Certain)
                    .octets(ack - peer.next),
            );
        }
        peer.next = ack;
    }
    let advanced = ack > una;
    if advanced {
        let acked = peer.live().board.acknowledge(ack);
        if let Some(sample) = rtt_sample(&acked, segment, now) {
            me.rtt.add(sample);
        }
        peer.una = ack;
        peer.live().sacked.remove_below(ack);
        me.live().duplicate_ack_run = 0;
        peer.unanswered = 0;
    }
    let news = if segment.options.sack_count > 0 {
        sacks(me, peer, ack, step)
    } else {
        0
    };

    let bare = segment.payload_len == 0 && !segment.flags.any(Flags::SYN | Flags::FIN);
    let repeats = !first_sight && !advanced && ack == una && me.live().last_ack == Some(ack);
    // An old acknowledgment says nothing of the window now (RFC 9293 section 3.10.7.4, SND.WL2).
    let change = if ack >= una {
        let in_syn = segment.flags.has(Flags::SYN);
        me.window.advertise(segment.window, in_syn, Some(ack), now)
    } else {
        WindowChange::default()
    };
    if bare {
        let below = start == me.una - 1 && start < me.next && me.next > 1;
        if below && repeats {
            probe(me, peer, step);
        } else if repeats && !change.changed && peer.next > una && start == me.next {
            duplicate(me, Rule::SameAckAgain, step);
        } else if repeats && news > 0 {
            duplicate(me, Rule::NewSackOnly, step);
        } else if repeats && change.changed {
            step.judge(Verdict::new(
                Kind::WindowUpdate,
                Rule::OnlyWindowMoved,
                Confidence::Certain,
            ));
        }
    }
    if change.zero && !segment.flags.any(Flags::SYN | Flags::FIN) {
        step.judge(Verdict::new(
            Kind::ZeroWindow,
            Rule::WindowIsZero,
            Confidence::Certain,
        ));
    }
    me.congestion_heard(peer, arrived);
    let last_ack = &mut me.live().last_ack;
    *last_ack = Some(last_ack.map_or(ack, |last| last.max(ack)));
}

pub(super) fn duplicate(me: &mut Endpoint, rule: Rule, step: &mut Step<'_, '_>) {
    me.live().duplicate_ack_run += 1;
    me.figures.duplicate_acks += 1;
    step.judge(Verdict::new(Kind::DuplicateAck, rule, Confidence::Certain));
}

/// A round-trip sample from an acknowledgment: Karn's rule, or the echoed timestamp where what it
/// covers was sent more than once (RFC 7323 section 4).
#[inline]
pub(super) fn rtt_sample(acked: &Acked, segment: &Segment<'_>, now: Timestamp) -> Option<Span> {
    if let Some(sent) = acked.sample {
        return Some(now - sent.time);
    }
    let newest = acked.newest?;
    let echo = segment.options.timestamps?.echo;
    let (again, again_tsval) = (newest.resent?, newest.resent_tsval);
    if again_tsval == newest.tsval {
        return None;
    }
    if Some(echo) == again_tsval {
        Some(now - again)
    } else if Some(echo) == newest.tsval {
        Some(now - newest.time)
    } else {
        None
    }
}

/// SACK blocks; gives how many octets are newly SACKed.
#[cold]
pub(super) fn sacks(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    ack: i64,
    step: &mut Step<'_, '_>,
) -> i64 {
    let mut news = 0;
    let blocks = step.arrived.segment.options.sack_blocks();
    let place = |peer: &mut Endpoint, at: usize| {
        let block = blocks.get(at)?;
        Some((peer.position(block.left)?, peer.position(block.right)?))
    };
    for at in 0..blocks.len() {
        let Some((left, right)) = place(peer, at) else {
            continue;
        };
        // What was never sent, or an empty block, is somebody's lie.
        if left >= right || right > peer.next {
            continue;
        }
        let inside_second =
            at == 0 && place(peer, 1).is_some_and(|second| left >= second.0 && right <= second.1);
        if at == 0 && (right <= ack || inside_second) {
            me.figures.dsacks += 1;
            let original = peer.live().board.find(left, right).map(|sent| sent.frame);
            if peer.figures.spurious < peer.figures.retransmissions {
                peer.figures.spurious += 1;
            }
            peer.live().congestion.undone();
            step.judge(
                Verdict::new(Kind::Dsack, Rule::FirstBlockBelowAck, Confidence::Certain)
                    .octets(right - left)
                    .original(original),
            );
            continue;
        }
        if right <= ack {
            continue;
        }
        news += peer.live().sacked.insert(left.max(ack), right);
        let newest = peer.live().board.sack(left, right);
        if let Some(sent) = newest.filter(|sent| sent.resent.is_none()) {
            me.rtt.add(step.arrived.time - sent.time);
        }
    }
    news
}
