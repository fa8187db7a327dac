//! The receive side of an endpoint: what it acknowledges, SACKs and advertises.

use super::What;
use super::again::{delay, revise};
use super::endpoint::{Endpoint, Live, Trouble};
use super::heard::Heard;
use super::recovery::Exit;
use super::resends::{Told, part};
use super::rule::Rule;
use super::scoreboard::{Sample, Sent};
use super::sending::{probe, skips};
use super::state::State;
use super::step::Step;
use super::verdict::{Confidence, Kind, Verdict};
use super::window::{self, Scale, WindowChange};
use crate::time::{Span, Timestamp};
use crate::wire::tcp_option::SackBlock;
use crate::wire::{Flags, SeqNum};

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
    if ack < peer.una && me.live().last_ack.is_none() && !peer.syn_seen {
        // The capture began behind it.
        peer.una = ack;
    }
    let una = peer.una;
    // A host in SYN-SENT accepts no acknowledgment of what it has not sent: it comes from a
    // connection that the peer still has open (RFC 9293 section 3.5.1). One that lies near may
    // be of octets that the capture missed.
    const NEAR: i64 = 1 << 20;
    if peer.state == State::SynSent && una == 0 && (ack <= 0 || ack > peer.next + NEAR) {
        if segment.payload_len == 0 && !segment.flags.any(Flags::SYN | Flags::FIN) {
            challenge(step);
        }
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
    let mut duplicates = 0;
    let (mut sampled, mut echoed) = (None, None);
    if advanced {
        // A SYN-ACK sent again echoes the SYN that it answered first, however long ago.
        let echo = (segment.options.timestamps)
            .filter(|_| !segment.flags.has(Flags::SYN))
            .map(|stamps| stamps.echo);
        let acked = peer.live().board.acknowledge(ack, echo);
        sampled = acked.sample;
        echoed = acked.echoed;
        if let Some(newest) = &acked.newest {
            arrived_at(me, peer, newest, now);
        }
        if peer.is_in_trouble() && !peer.trouble().gaps.is_empty() {
            covers_gaps(me, peer, ack, step);
        }
        peer.una = ack;
        peer.live().sacked.remove_below(ack);
        duplicates = core::mem::take(&mut me.live().duplicate_ack_run);
        peer.unanswered = 0;
    }
    let news = if segment.options.sack_count > 0 {
        sacks(me, peer, ack, &mut sampled, step)
    } else {
        0
    };
    // The timestamp last: its clock is coarse.
    if let Some(sample) = sampled.or(echoed) {
        me.rtt.add(sample, now);
    }
    if (advanced || news > 0) && peer.is_in_trouble() && peer.trouble().resends.is_open() {
        settles(me, peer, (una, ack), duplicates, step);
    }

    let bare = segment.payload_len == 0 && !segment.flags.any(Flags::SYN | Flags::FIN);
    let repeats = !first_sight && !advanced && ack == una && me.live().last_ack == Some(ack);
    // An old acknowledgment says nothing of the window now (RFC 9293 section 3.10.7.4, SND.WL2).
    let change = if ack >= una && !is_strangers(me, peer, step) {
        let in_syn = segment.flags.has(Flags::SYN);
        let told = window::Told { start, ack };
        me.window.advertise(segment.window, in_syn, Some(told), now)
    } else {
        WindowChange::default()
    };
    if bare {
        me.live().rest = Some(start);
        let below = start == me.una - 1 && start < me.next;
        let answers = me
            .is_in_trouble()
            .then(|| me.trouble().disbelieved.take())
            .flatten();
        if answers.is_some_and(|since| now - since < SOON) && repeats && start == me.next {
            challenge(step);
        } else if below && repeats {
            probe(me, peer, step);
        } else if repeats && !change.changed && start == me.next && is_outstanding(me, peer, now) {
            duplicate(me, Rule::SameAckAgain, step);
        } else if repeats && news > 0 {
            duplicate(me, Rule::NewSackOnly, step);
        } else if repeats && change.changed && !peer.live().last.flags.has(Flags::SYN) {
            step.judge(Verdict::new(
                Kind::WindowUpdate,
                Rule::OnlyWindowMoved,
                Confidence::Certain,
            ));
        }
    }
    if bare && start == me.next && me.is_in_trouble() {
        // It bears SND.NXT: nothing above had been sent, and lost.
        me.trouble().owed = 0;
    }
    if bare && start >= me.next && me.next > 0 && start > me.live().sent_end {
        // Empty segments bear SND.NXT: what lies below it was sent, and not seen.
        skips(me, start, step);
        me.next = start;
        me.live().sent_end = start;
    }
    if advanced || news > 0 || change.changed || me.live().duplicate_ack_run > 0 {
        let edge = match (me.window.scale, me.window.edge) {
            (Scale::Known(_), Some(edge)) => edge,
            _ => i64::MAX,
        };
        let live = me.live();
        let heard = Heard {
            time: now,
            frame: arrived.frame,
            una: peer.una,
            delivered: peer.live().delivered.unwrap_or_default(),
            edge,
            duplicates: live.duplicate_ack_run,
            sacked: !peer.live().sacked.is_empty(),
            asks: live.duplicate_ack_run > 0 || !peer.live().sacked.is_empty(),
            stamp: segment.options.timestamps.map(|stamps| stamps.value),
        };
        let half = |end: &Endpoint| {
            end.rtt
                .smoothed()
                .map_or(0, |(smoothed, _)| smoothed.as_nanos())
        };
        let round_trips = Span::from_nanos((half(me) + half(peer)) * 2);
        // What answers this may wait in a queue for longer than any round trip seen here.
        let live = peer.live();
        let memory = round_trips + live.queued();
        live.hearing.push(heard, memory);
    }
    if peer.is_in_trouble()
        && let Some(ongoing) = peer.trouble().recovery
        && peer.una >= ongoing.point
    {
        peer.trouble().recovery = None;
        peer.trouble().over = ongoing.over();
        step.tell(What::Recovered(ongoing.ended(
            Exit::Acknowledged,
            arrived.frame,
            now,
        )));
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

/// Whether someone else seems to have sent the segment in its name: from another distance, and
/// without the timestamps that both hosts promised (RFC 7323 section 3.2).
#[inline]
fn is_strangers(me: &Endpoint, peer: &Endpoint, step: &Step<'_, '_>) -> bool {
    let promised = |end: &Endpoint| end.syn.as_ref().is_some_and(|syn| syn.timestamps);
    step.arrived.ttl != me.ttl
        && step.arrived.segment.options.timestamps.is_none()
        && promised(me)
        && promised(peer)
}

/// A RST or SYN is answered sooner than this.
const SOON: Span = Span::from_secs(1);

fn challenge(step: &mut Step<'_, '_>) {
    step.judge(Verdict::new(
        Kind::ChallengeAck,
        Rule::AnswerToDisbelief,
        Confidence::Likely,
    ));
}

/// Whether `peer` has sent what `me` has not acknowledged. Beside `me`, what is on its way does not
/// show yet: a sender that was sending all along goes on.
fn is_outstanding(me: &Endpoint, peer: &mut Endpoint, now: Timestamp) -> bool {
    if peer.next > peer.una {
        return true;
    }
    let delay = delay(peer, me);
    let last_new = peer.live().last_new;
    peer.fin.is_none()
        && peer.una > 1
        && me.figures.stream_bytes == 0
        && last_new.is_some_and(|time| now - time < part(delay, 1, 2))
}

/// A segment of `peer`'s is known to have arrived: when did it pass last?
#[inline]
fn arrived_at(me: &Endpoint, peer: &mut Endpoint, sent: &Sent, now: Timestamp) {
    // Which transmission it was does not show; the last one, if there was time for it.
    let passed = match sent.resent {
        Some(again) if now - again >= delay(me, peer) => again,
        _ => sent.time,
    };
    let delivered = &mut peer.live().delivered;
    *delivered = (*delivered).max(Some(passed));
}

/// An acknowledgment of what the capture may have missed.
#[cold]
fn covers_gaps(me: &mut Endpoint, peer: &mut Endpoint, ack: i64, step: &mut Step<'_, '_>) {
    let (frame, from) = (step.arrived.frame, step.from.peer());
    let (figures, trouble) = peer.counted_trouble();
    let revise = revise(step, from, figures);
    trouble.gaps.acknowledge(ack, frame, revise);
    let end = peer.fin.map_or(ack, |fin| ack.min(fin));
    let from = peer.una.max(1);
    if peer.live().stream.seen(from, end) < end - from {
        me.figures.acks_unseen += 1;
        step.judge(Verdict::new(
            Kind::AckUnseen,
            Rule::AckOfAGap,
            Confidence::Certain,
        ));
    }
}

/// What an acknowledgment tells of what was sent again.
#[cold]
fn settles(
    me: &Endpoint,
    peer: &mut Endpoint,
    (una, ack): (i64, i64),
    duplicates: u32,
    step: &mut Step<'_, '_>,
) {
    let told = Told {
        sent_end: peer.next,
        in_order: duplicates == 0 && peer.live().sacked.is_empty(),
        ..told(me, (una, ack), step)
    };
    let from = step.from.peer();
    let Endpoint { figures, live, .. } = peer;
    let Live {
        trouble, sacked, ..
    } = &mut **live.get_or_insert_default();
    let Trouble {
        resends, recovery, ..
    } = &mut **trouble.get_or_insert_default();
    let spurious = figures.spurious;
    resends.acknowledge(&told, sacked, revise(step, from, figures));
    if let Some(ongoing) = recovery {
        ongoing.needless(figures.spurious - spurious);
    }
}

fn told(me: &Endpoint, (una, ack): (i64, i64), step: &Step<'_, '_>) -> Told {
    let arrived = step.arrived;
    Told {
        frame: arrived.frame,
        time: arrived.time,
        una,
        ack,
        echo: arrived.segment.options.timestamps.map(|stamps| stamps.echo),
        round_trip: me.rtt.minimum(),
        sent_end: 0,
        in_order: false,
        copies: false,
    }
}

pub(super) fn duplicate(me: &mut Endpoint, rule: Rule, step: &mut Step<'_, '_>) {
    me.live().duplicate_ack_run += 1;
    me.figures.duplicate_acks += 1;
    // What arrived out of order proves that more was on its way; otherwise it had been sent by
    // now, as far as the tap can tell.
    let segment = step.arrived.segment;
    let above = |block: &SackBlock| block.right.distance_from(segment.ack) > 0;
    let confidence = if segment.options.sack_blocks().iter().any(above) {
        Confidence::Certain
    } else {
        Confidence::Likely
    };
    step.judge(Verdict::new(Kind::DuplicateAck, rule, confidence));
}

/// SACK blocks; gives how many octets are newly SACKed, and the sample they allow where the
/// acknowledgment gave none.
#[cold]
pub(super) fn sacks(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    ack: i64,
    sampled: &mut Option<Sample>,
    step: &mut Step<'_, '_>,
) -> i64 {
    let mut news = 0;
    let mut sacked = None;
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
        let unseen = peer.figures.packets == 0;
        if left >= right || (right > peer.next && !unseen) {
            continue;
        }
        let inside_second =
            at == 0 && place(peer, 1).is_some_and(|second| left >= second.0 && right <= second.1);
        if at == 0 && (right <= ack || inside_second) {
            me.figures.dsacks += 1;
            let original = peer.live().board.find(left, right).map(|sent| sent.frame);
            let mut told = told(me, (peer.una, ack), step);
            let from = step.from.peer();
            let (figures, trouble) = peer.counted_trouble();
            told.copies = trouble.copies || figures.duplicates > 0 || me.figures.duplicates > 0;
            let spurious = figures.spurious;
            let revise = revise(step, from, figures);
            let found = trouble.resends.report(left, right, &told, revise);
            trouble.copies |= !found;
            if let Some(ongoing) = &mut trouble.recovery {
                ongoing.needless(figures.spurious - spurious);
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
        let told = peer.live().board.sack(left, right);
        // Of a super-segment a part may have arrived.
        let part = || peer.live().board.find(right - 1, right).copied();
        if let Some(sent) = told.newest.or_else(part) {
            arrived_at(me, peer, &sent, step.arrived.time);
        }
        if let Some(sample) = told.sample {
            sacked = Some(sacked.map_or(sample, |other| sample.join(other)));
        }
    }
    *sampled = sampled.or(sacked);
    news
}
