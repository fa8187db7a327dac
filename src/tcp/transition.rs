//! Opening, closing and reset: the segments that move both state machines.

use super::Role;
use super::again::{Difference, had_been_lost, judge};
use super::connection::ResetBy;
use super::departure::Departure;
use super::endpoint::Endpoint;
use super::fingerprint::Fingerprint;
use super::handshake::{Handshake, SynOptions};
use super::rule::Rule;
use super::scoreboard::Sent;
use super::sending::{filled, passed, skips, stamp};
use super::state::{State, Stimulus};
use super::step::Step;
use super::syn_again::{answers_earlier_syn, syn_again};
use super::verdict::{Confidence, Kind, Trigger, Verdict};
use super::window::Scale;
use crate::wire::Flags;

/// A SYN or SYN-ACK. Answers whether it shows a simultaneous open.
#[cold]
pub(super) fn opens(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    handshake: &mut Handshake,
    start: i64,
    step: &mut Step<'_, '_>,
) -> bool {
    let segment = step.arrived.segment;
    let time = step.arrived.time;
    let is_answer = segment.flags.has(Flags::ACK);
    let again = me.syn_seen && start == 0;
    if is_answer {
        handshake.syn_ack.get_or_insert(time);
        handshake.syn_acks += 1;
    } else if step.from == Role::Client {
        handshake.syn.get_or_insert(time);
        handshake.syns += 1;
    }
    // In a simultaneous open the SYN-ACK repeats the SYN's number without being sent again.
    let simultaneous = !is_answer && !me.syn_seen && peer.syn_seen && peer.una == 0;
    let answers_crossing = is_answer && me.syn.is_some() && peer.syn_seen && peer.una == 0;
    if again && !answers_crossing {
        let (rule, trigger) = if is_answer {
            (Rule::SynAckTwice, Trigger::SynAck)
        } else {
            (Rule::SameSynAgain, Trigger::Syn)
        };
        syn_again(me, peer, rule, trigger, step);
    }
    if !me.syn_seen && is_answer && peer.syn_seen {
        answers_earlier_syn(me, peer, step);
    }
    if !me.syn_seen {
        me.syn_seen = start == 0;
        me.syn = Some(SynOptions::of(segment));
        me.next = me.next.max(1);
        me.live().board.push(Sent {
            start: 0,
            len: 1,
            tsval: segment
                .options
                .timestamps
                .map(|timestamps| timestamps.value),
            time,
            frame: step.arrived.frame,
            fingerprint: Fingerprint::NONE,
            header_sum: 0,
            resent: None,
            resent_tsval: None,
            ip_id: step.arrived.ip_id,
            sacked: false,
            first: true,
        });
        passed(me, 1, step);
    }
    // RFC 7323 section 2.2: scaling is on only if both SYNs carry it.
    match (me.syn, peer.syn) {
        (Some(mine), Some(theirs)) => {
            let scale = |own: Option<u8>, other: Option<u8>| match (own, other) {
                (Some(shift), Some(_)) => Scale::Known(shift.min(14)),
                _ => Scale::Known(0),
            };
            me.window.scale = scale(mine.window_scale, theirs.window_scale);
            peer.window.scale = scale(theirs.window_scale, mine.window_scale);
        }
        (Some(mine), None) if is_answer => match mine.window_scale {
            Some(shift) => me.window.scale = Scale::Known(shift.min(14)),
            None => {
                me.window.scale = Scale::Known(0);
                peer.window.scale = Scale::Known(0);
            }
        },
        _ => {}
    }
    simultaneous
}

/// A FIN at `position`.
#[cold]
pub(super) fn closes(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    position: i64,
    step: &mut Step<'_, '_>,
) {
    let arrived = step.arrived;
    let alone = arrived.segment.payload_len == 0;
    let end = position + 1;
    if me.fin.is_some() {
        if alone && me.fin == Some(position) {
            let judged = judge(me, peer, (position, end), Difference::None, step);
            if judged.kind == Kind::Retransmission {
                let tsval = stamp(step);
                me.live().board.resend(position, end, arrived.time, tsval);
            }
            me.live().last_data = Some((arrived.time, stamp(step)));
        }
        return;
    }
    me.fin = Some(position);
    me.fin_frame = Some(arrived.frame);
    let mut resent = false;
    if alone && position < me.next {
        // What was acknowledged before it passed, or overtaken by what a host sends after it.
        let judged = judge(me, peer, (position, end), Difference::None, step);
        resent = judged.kind == Kind::Retransmission;
        filled(me, position, end, resent, step);
    } else if alone {
        let lost = matches!(step.departure, Departure::Next { skipped } if skipped > 0)
            || (me.is_in_trouble() && me.trouble().owed > 0);
        resent = lost && had_been_lost(me, peer, (position, end), step);
    }
    if position >= me.next {
        skips(me, position, step);
        me.next = end;
        me.live().board.push(Sent {
            start: position,
            len: 1,
            tsval: stamp(step),
            time: arrived.time,
            frame: arrived.frame,
            fingerprint: Fingerprint::NONE,
            header_sum: 0,
            resent: resent.then_some(arrived.time),
            resent_tsval: stamp(step).filter(|_| resent),
            ip_id: arrived.ip_id,
            sacked: false,
            first: true,
        });
    }
    passed(me, end, step);
}

/// A RST. Gives what ended the connection, if it did.
#[cold]
pub(super) fn reset(
    me: &mut Endpoint,
    peer: &mut Endpoint,
    step: &mut Step<'_, '_>,
) -> Option<ResetBy> {
    let segment = step.arrived.segment;
    me.figures.resets += 1;
    let position = me.position(segment.seq);
    let answers_syn = peer.state == State::SynSent;
    let acceptable = if answers_syn {
        // RFC 9293 section 3.10.7.3: acceptable if it acknowledges the SYN.
        segment.flags.has(Flags::ACK) && peer.position(segment.ack).is_some_and(|ack| ack >= 1)
    } else {
        let edge = peer.window.edge.map_or(me.next, |edge| edge.max(me.next));
        position.is_none_or(|position| (me.una..=edge).contains(&position))
    };
    // RFC 5961 section 3.2: one that is not where the next octet is expected is asked back about.
    let off_mark = acceptable && !answers_syn && position.is_some_and(|at| at > me.next);
    let after_close = me.fin.is_some() && peer.fin.is_some();
    let (rule, confidence) = if !acceptable {
        (Rule::ResetOutsideWindow, Confidence::Certain)
    } else if answers_syn {
        (Rule::ResetRefuses, Confidence::Certain)
    } else if after_close {
        (Rule::ResetAfterClose, Confidence::Certain)
    } else if is_from_elsewhere(me, step) {
        (Rule::ResetFromElsewhere, Confidence::Likely)
    } else if off_mark {
        (Rule::ResetOffTheMark, Confidence::Ambiguous)
    } else if me.fin.is_some() && peer.figures.data_packets > 0 && sent_last(peer, me) {
        (Rule::ResetAnswersLateData, Confidence::Likely)
    } else {
        (Rule::ResetAborts, Confidence::Certain)
    };
    step.judge(Verdict::new(Kind::Reset, rule, confidence));
    if !acceptable || off_mark {
        peer.trouble().disbelieved = Some(step.arrived.time);
    }
    let over = |endpoint: &Endpoint| endpoint.state.is_over();
    let was_over = over(me) && over(peer);
    if !off_mark {
        step.stimulate(step.from, me, Stimulus::SendReset);
    }
    if !acceptable || off_mark {
        return None;
    }
    step.stimulate(step.from.peer(), peer, Stimulus::ReceiveReset);
    peer.unconfirmed = None;
    peer.unanswered = 0;
    (!was_over).then_some(ResetBy {
        from: step.from,
        frame: step.arrived.frame,
        refused: answers_syn,
        after_close,
    })
}

/// Whether the TTL is far from that of its alleged sender's first packet: routes change by a few
/// hops, hosts begin with the same TTL (RFC 1122 section 3.2.1.7).
fn is_from_elsewhere(me: &Endpoint, step: &Step<'_, '_>) -> bool {
    const FEW: u8 = 8;
    me.figures.packets > 2 && step.arrived.ttl.abs_diff(me.ttl) > FEW
}

/// Whether `one` sent data after `other` sent anything.
fn sent_last(one: &mut Endpoint, other: &Endpoint) -> bool {
    let data = one.live().last_data.map(|(time, _)| time);
    data.is_some() && data >= other.last_sent
}

/// Moves both state machines.
pub(super) fn moves(me: &mut Endpoint, peer: &mut Endpoint, step: &mut Step<'_, '_>) {
    let flags = step.arrived.segment.flags;
    let (mine, theirs) = (step.from, step.from.peer());
    let syn = flags.has(Flags::SYN);
    let acks = flags.has(Flags::ACK);

    // Who acknowledges a SYN has received it, whenever that was.
    if acks && peer.syn_seen && peer.una >= 1 && matches!(me.state, State::Listen | State::SynSent)
    {
        step.stimulate(mine, me, Stimulus::ReceiveSyn);
    }
    if !syn {
        let confirmed = me.unconfirmed.is_some_and(|position| peer.una >= position);
        if confirmed && !(flags.has(Flags::FIN) && me.unconfirmed == Some(Endpoint::ANY)) {
            me.unconfirmed = None;
        }
    }
    // So with a FIN that came behind a gap of the capture.
    if acks && peer.fin.is_some_and(|fin| peer.una > fin) {
        deliver_fin(mine, peer, me, step);
    }
    let sends = match (syn, acks) {
        (true, true) => Stimulus::SendSynAck,
        (true, false) => Stimulus::SendSyn,
        (false, _) => Stimulus::Send,
    };
    step.stimulate(mine, me, sends);
    if flags.has(Flags::FIN) {
        // Closing at once: each sent its FIN before the other's had come.
        let crossed = me
            .unconfirmed
            .is_some_and(|position| position != Endpoint::ANY && peer.una < position);
        if crossed && step.stimulate(mine, me, Stimulus::NotReceivedFin) {
            peer.fin_delivered = false;
        }
        step.stimulate(mine, me, Stimulus::SendFin);
    }

    if syn && acks {
        let answers = peer.una >= 1;
        let stimulus = if answers {
            Stimulus::ReceiveSynAck
        } else {
            Stimulus::Receive
        };
        if step.stimulate(theirs, peer, stimulus) {
            peer.unconfirmed = Some(Endpoint::ANY);
        }
    } else if !syn {
        // Of a host that the capture never sees, its peer's answer tells that it sent its SYN-ACK.
        let unseen = peer.state == State::Listen
            && peer.figures.packets == 0
            && me.state == State::Established;
        if acks && peer.una >= 1 && (peer.state == State::SynReceived || unseen) {
            if step.stimulate(theirs, peer, Stimulus::ReceiveAckOfSyn) {
                peer.unconfirmed = Some(Endpoint::ANY);
            }
        } else if peer.state == State::Unknown {
            step.stimulate(theirs, peer, Stimulus::Receive);
        }
    }
    let fin_acked = acks && peer.fin.is_some_and(|fin| peer.una > fin);
    if fin_acked
        && matches!(
            peer.state,
            State::FinWait1 | State::Closing | State::LastAck
        )
    {
        step.stimulate(theirs, peer, Stimulus::ReceiveAckOfFin);
        peer.unconfirmed = Some(Endpoint::ANY);
    }
    // A FIN is received when all before it is; an acknowledgment of it proves that it was.
    deliver_fin(theirs, me, peer, step);
    deliver_fin(mine, peer, me, step);
}

/// Gives `sender`'s FIN to `receiver`'s state machine once it has arrived in order.
pub(super) fn deliver_fin(
    role: Role,
    sender: &mut Endpoint,
    receiver: &mut Endpoint,
    step: &mut Step<'_, '_>,
) {
    let Some(fin) = sender.fin else { return };
    if sender.fin_delivered || (sender.una <= fin && sender.live().stream.frontier() < fin) {
        return;
    }
    sender.fin_delivered = true;
    if step.stimulate(role, receiver, Stimulus::ReceiveFin) && sender.una <= fin {
        receiver.unconfirmed = Some(fin + 1);
    }
}
