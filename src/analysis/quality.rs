//! How far the capture itself can be trusted: the evidence for findings, gathered per frame, per
//! packet of a connection, and when a connection is through. Nothing here allocates per packet.

use super::capture::StopReason;
use crate::diagnosis::{self, Evidence, Finding, Jump};
use crate::flow::FlowKey;
use crate::frame::CapturedFrame;
use crate::tcp::{Arrived, Connection, Opening, Role};
use crate::time::{Span, Timestamp};
use crate::wire::{Flags, Ip, SeqNum};

use super::Analyzer;
use super::flows::each_foreseen;
use super::tracked::{TcpFlow, Tracked};
use super::watch::{Hole, PASSED_OVER, Side, VERIFIED, Watch, verify};

/// Gathers evidence.
#[derive(Debug, Default)]
pub(super) struct Quality {
    pub(super) evidence: Evidence,
    clock: Clock,
    /// Those of connections that are over, for those that begin.
    #[expect(clippy::vec_box, reason = "the boxes move in and out as they are")]
    spare: Vec<Box<Watch>>,
}

/// The capture's clock, by the times of all frames in their order.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    /// The latest time.
    high: Option<Timestamp>,
    /// Frames in a row that are earlier: so many, the first of them, and by how much at most.
    run: u64,
    first: u64,
    by: Span,
}

impl Clock {
    /// Frames written late come a few in a row, and by less than this; after a step time goes on
    /// from where it was set to.
    const FEW: u64 = 16;
    const LATE: Span = Span::from_secs(1);
    /// The least silence that is of interest.
    const SILENCE: Span = Span::from_secs(1);

    #[inline]
    fn tick(&mut self, frame: u64, time: Timestamp, evidence: &mut Evidence) {
        let Some(high) = self.high else {
            self.high = Some(time);
            return;
        };
        if time < high {
            self.earlier(frame, high - time);
            return;
        }
        self.settle(evidence);
        if time - high >= Self::SILENCE {
            evidence.silence(high, time);
        }
        self.high = Some(time);
    }

    #[cold]
    fn earlier(&mut self, frame: u64, by: Span) {
        if self.run == 0 {
            self.first = frame;
            self.by = by;
        }
        self.run += 1;
        self.by = self.by.max(by);
    }

    /// Tells what the frames in a row were.
    #[inline]
    fn settle(&mut self, evidence: &mut Evidence) {
        if self.run == 0 {
            return;
        }
        if self.run <= Self::FEW && self.by < Self::LATE {
            evidence.late.add(self.first);
            evidence.late.count += self.run - 1;
            evidence.late_by = evidence.late_by.max(self.by);
        } else {
            evidence.back.add(self.first);
            evidence.back_by = evidence.back_by.max(self.by);
        }
        self.run = 0;
    }
}

impl Quality {
    /// A frame, whatever it holds.
    #[inline]
    pub(super) fn frame(&mut self, frame: &CapturedFrame<'_>) {
        let evidence = &mut self.evidence;
        self.clock.tick(frame.number, frame.time, evidence);
        let captured = frame.data.len() as u32;
        if captured < frame.wire_len {
            let first = evidence.cut.count == 0;
            evidence.cut.add(frame.number);
            evidence.cut_least = if first {
                captured
            } else {
                evidence.cut_least.min(captured)
            };
            evidence.cut_most = evidence.cut_most.max(captured);
        } else {
            evidence.whole.add(frame.number);
        }
    }

    /// A packet of a connection, and what it was judged to be.
    #[inline]
    pub(super) fn packet(
        &mut self,
        flow: &mut TcpFlow,
        from: Role,
        arrived: &Arrived<'_>,
        ip: &Ip,
        interface: u32,
    ) {
        let TcpFlow {
            connection,
            watch: Some(watch),
            ..
        } = flow
        else {
            return;
        };
        let segment = arrived.segment;
        let payload = segment.payload_len;
        let micros = (arrived.time.as_nanos() / 1000) as u32;
        // A bare acknowledgment without an identification is like the one before it.
        if payload > 0
            || arrived.ip_id.is_some_and(|id| id != 0)
            || segment.flags.any(Flags::SYN | Flags::FIN)
        {
            self.evidence.packets += 1;
            let place = u16::from(arrived.ttl) << 8 | u16::from(interface as u8);
            if let Some((first, after)) = watch.copy_of(arrived, from, place, micros) {
                self.copied(arrived, place, first, after);
                return;
            }
        }
        let side = &mut watch.sides[from as usize];
        let now = arrived.time;
        if side.then.is_some_and(|then| now < then) {
            self.goes_back(side, arrived);
        }
        side.then = Some(now);
        if let Some(timestamps) = segment.options.timestamps {
            let value = timestamps.value;
            match side.last {
                Some((_, last)) if now - last >= Span::from_secs(1) => {
                    self.leaps(side, from, value, arrived);
                }
                Some(_) => {}
                None => side.first = Some((value, now)),
            }
            side.last = Some((value, now));
        }
        if segment.flags.has(Flags::RST) {
            return;
        }
        self.numbers(watch, connection, arrived, from, micros);
        if payload > 0 {
            if payload > USUAL_PAYLOAD {
                self.large(connection, from, arrived);
            }
            let side = &mut watch.sides[from as usize];
            side.largest = side.largest.max(payload);
            if side.verified < VERIFIED {
                verify(side, connection, arrived, ip);
            }
        }
    }

    /// What was skipped, and what is acknowledged though it was not seen.
    #[inline]
    fn numbers(
        &mut self,
        watch: &mut Watch,
        connection: &Connection,
        arrived: &Arrived<'_>,
        from: Role,
        micros: u32,
    ) {
        let segment = arrived.segment;
        let [client, server] = &mut watch.sides;
        let (me, peer) = match from {
            Role::Client => (client, server),
            Role::Server => (server, client),
        };
        let end = segment.seq + segment.sequence_len();
        let above = me.next.map_or(0, |next| segment.seq.distance_from(next));
        let begins = me.next.is_none() || segment.flags.has(Flags::SYN);
        if begins || above == 0 {
            me.next = Some(end);
        } else if above > 0 {
            if above < Side::MOST
                && let Some(old) = me.skip(segment.seq, arrived.frame, micros, false)
            {
                Self::unseen(&mut self.evidence, connection, &old, me.largest, peer.acked);
            }
            me.next = Some(end);
        } else {
            if end != segment.seq
                && me.has_holes()
                && let Some(hole) = me.fill(segment.seq, end)
            {
                self.overtaken(&hole, micros);
            }
            if me.next.is_some_and(|next| end.after(next)) {
                me.next = Some(end);
            }
        }
        if segment.flags.has(Flags::ACK) {
            let ack = segment.ack;
            let above = peer.next.map_or(0, |next| ack.distance_from(next));
            if above > 0 && above < Side::MOST {
                if let Some(old) = peer.skip(ack, arrived.frame, micros, true) {
                    Self::unseen(&mut self.evidence, connection, &old, peer.largest, me.acked);
                }
                peer.next = Some(ack);
            }
            me.acked = match me.acked {
                Some((first, last)) if !ack.after(last) => Some((first, last)),
                Some((first, _)) => Some((first, ack)),
                None => Some((ack, ack)),
            };
        }
    }

    #[cold]
    fn copied(&mut self, arrived: &Arrived<'_>, place: u16, first: u16, micros: u32) {
        let evidence = &mut self.evidence;
        evidence.copies.add(arrived.frame);
        evidence.data_copies += u64::from(arrived.segment.payload_len > 0);
        evidence.copies_routed += u64::from(place >> 8 != first >> 8);
        evidence.copies_elsewhere += u64::from(place & 0xff != first & 0xff);
        let power = (u32::BITS - micros.leading_zeros()) as usize;
        if let Some(count) = evidence.copy_delay.get_mut(power.min(15)) {
            *count += 1;
        }
    }

    /// A host's packet that is earlier than its packet before.
    #[cold]
    fn goes_back(&mut self, side: &mut Side, arrived: &Arrived<'_>) {
        let by = side.then.map_or(Span::ZERO, |then| then - arrived.time);
        self.evidence.back_within.add(arrived.frame);
        self.evidence.back_within_by = self.evidence.back_within_by.max(by);
        // The rate of its clock is to be taken anew.
        side.last = None;
    }

    /// A host's packet after a second and more: by how much its own clock went on.
    #[cold]
    fn leaps(&mut self, side: &mut Side, from: Role, value: u32, arrived: &Arrived<'_>) {
        /// What the rate of a host's clock is taken from, at least.
        const BASE: Span = Span::from_millis(500);
        const TICKS: i32 = 50;
        let (Some((first, began)), Some((last, then))) = (side.first, side.last) else {
            return;
        };
        let elapsed = arrived.time - then;
        let ticks = last.wrapping_sub(first) as i32;
        let moved = value.wrapping_sub(last) as i32;
        if then - began < BASE || ticks < TICKS || moved < 0 {
            return;
        }
        let rate = f64::from(ticks) / (then - began).as_secs_f64();
        let own = f64::from(moved) / rate;
        let by = elapsed.as_secs_f64() - own;
        if by > own + 1.0 {
            self.evidence.jump(Jump {
                from: then,
                to: arrived.time,
                frame: arrived.frame,
                by: Span::from_nanos((by * 1e9) as i64),
                sides: 1 << from as u8,
            });
            side.first = Some((value, arrived.time));
        }
    }

    /// A segment with more payload than usual: more than the hosts agreed to, or any link carries?
    #[cold]
    fn large(&mut self, connection: &Connection, from: Role, arrived: &Arrived<'_>) {
        let payload = arrived.segment.payload_len;
        let agreed = connection.endpoint(from.peer()).syn.map(|syn| syn.mss);
        let mss = match agreed {
            Some(Some(mss)) => u32::from(mss),
            // RFC 9293 section 3.7.1 has 536 for this, which not all hosts know.
            Some(None) => USUAL_PAYLOAD,
            None => 0,
        };
        let most = if mss == 0 { JUMBO } else { mss };
        if payload > most {
            let evidence = &mut self.evidence;
            evidence.oversize.add(arrived.frame);
            evidence.oversize_most = evidence.oversize_most.max(payload);
            evidence.oversize_mss = evidence.oversize_mss.max(mss);
        }
    }

    /// Data came after their acknowledgment: the capture's doing, unless so late that they may
    /// have been sent again.
    #[cold]
    fn overtaken(&mut self, hole: &Hole, micros: u32) {
        const SOON: u32 = 10_000;
        let after = micros.wrapping_sub(hole.micros);
        if after < SOON {
            self.evidence.early_acks.add(hole.frame);
            let by = Span::from_nanos(i64::from(after) * 1000);
            self.evidence.early_by = self.evidence.early_by.max(by);
        }
    }

    /// A hole that nothing filled: missed by the capture if it was acknowledged.
    fn unseen(
        evidence: &mut Evidence,
        connection: &Connection,
        hole: &Hole,
        largest: u32,
        acked: Option<(SeqNum, SeqNum)>,
    ) {
        /// Longer than a round trip, in microseconds.
        const BEFORE: u32 = 1_000_000;
        let octets = hole.len();
        // A probe of an idle peer stands one octet back, which is then acknowledged again.
        let midstream = connection.opening() == Opening::Midstream;
        let probe = octets == 1 && midstream;
        // And what was on its way when the capture began is acknowledged soon after.
        let began = (connection.first_time.as_nanos() / 1000) as u32;
        let before = midstream && hole.micros.wrapping_sub(began) < BEFORE;
        if octets == 0 || probe || before || acked.is_none_or(|(_, last)| hole.end.after(last)) {
            return;
        }
        evidence.unseen.add(hole.frame);
        evidence.unseen_octets += u64::from(octets);
        evidence.unseen_frames += u64::from(octets.div_ceil(largest.max(USUAL_PAYLOAD)));
    }

    /// What a connection that begins is watched with.
    pub(super) fn watch(&mut self) -> Box<Watch> {
        self.spare.pop().unwrap_or_default()
    }

    /// A connection is over: what it told is taken in, and no more is watched.
    pub(super) fn over(&mut self, key: &FlowKey, flow: &mut TcpFlow) {
        /// As many as connections whose other memory is kept.
        const MOST: usize = 256;
        Self::connection(&mut self.evidence, key, flow);
        if let Some(mut watch) = flow.watch.take()
            && self.spare.len() < MOST
        {
            *watch = Watch::default();
            self.spare.push(watch);
        }
    }

    /// A connection that is through, or as far as it got.
    pub(super) fn connection(evidence: &mut Evidence, key: &FlowKey, flow: &TcpFlow) {
        let TcpFlow {
            connection,
            watch,
            client,
            ..
        } = flow;
        let Some(watch) = watch else {
            return;
        };
        let ends = Role::BOTH.map(|role| connection.endpoint(role));
        evidence.connections += 1;
        evidence.dsacks += ends
            .iter()
            .map(|end| u64::from(end.figures.dsacks))
            .sum::<u64>();
        let frame = connection.first_frame;
        match ends.map(|end| end.figures.packets > 0) {
            [true, true] => evidence.both_ways.add(frame),
            [client, _] => {
                let speaker = if client { Role::Client } else { Role::Server };
                if reacts(connection, &watch.sides[speaker as usize], speaker) {
                    evidence.one_way.add(frame);
                }
            }
        }
        if connection.opening() != Opening::Midstream {
            evidence.handshakes.add(frame);
        } else if ends.iter().any(|end| end.figures.stream_bytes > 1)
            && ends.iter().map(|end| end.figures.packets).sum::<u64>() > 2
        {
            evidence.late_starts.add(frame);
        }
        for role in Role::BOTH {
            let (side, peer) = (
                &watch.sides[role as usize],
                &watch.sides[role.peer() as usize],
            );
            for hole in &side.holes {
                Self::unseen(evidence, connection, hole, side.largest, peer.acked);
            }
            if [0, PASSED_OVER].contains(&side.verified) {
                continue;
            }
            evidence.verified += 1;
            let again = connection.endpoint(role).figures.retransmissions > 0;
            let taken = peer
                .acked
                .is_some_and(|(_, last)| side.verified_end.is_some_and(|end| !last.before(end)));
            if side.wrong == 0 {
                evidence.right.add(side.verified_frame);
            } else if side.wrong == side.verified && taken && (side.wrong > 1 || !again) {
                let direction = match role {
                    Role::Client => *client,
                    Role::Server => client.reverse(),
                };
                let host = key.source(direction).address;
                evidence.wrong_from(host, side.verified_frame);
                evidence.unfilled += u64::from(side.unfilled == side.wrong);
            }
        }
    }

    /// The evidence so far, but for connections that are still kept.
    pub(super) fn so_far(&self) -> Evidence {
        let mut evidence = self.evidence.clone();
        let mut clock = self.clock;
        clock.settle(&mut evidence);
        evidence
    }
}

/// More payload than this is looked at: that of Ethernet without options.
const USUAL_PAYLOAD: u32 = 1460;

/// The most payload that links carry: frames of 9216 bytes and a little.
const JUMBO: u32 = 9300;

/// Whether the only host that is seen reacts to the other: then that one sends.
fn reacts(connection: &Connection, side: &Side, speaker: Role) -> bool {
    /// More new segments than a host sends before it hears anything (RFC 6928 has 10).
    const MANY: u64 = 20;
    let figures = &connection.endpoint(speaker).figures;
    let new = figures
        .data_packets
        .saturating_sub(u64::from(figures.retransmissions + figures.duplicates));
    let acknowledges = side.acked.is_some_and(|(first, last)| first != last);
    figures.packets > 2 && (acknowledges || new > MANY)
}

impl Analyzer {
    /// What there is to say of the capture, the heaviest first.
    pub fn findings(&self) -> Vec<Finding> {
        diagnosis::findings(&self.evidence())
    }

    /// What findings rest on.
    pub fn evidence(&self) -> Evidence {
        let mut evidence = self.quality.so_far();
        each_foreseen(self.table.iter(), |(_, entry)| {
            if let Tracked::Tcp(flow) = &entry.value {
                Quality::connection(&mut evidence, &entry.key, flow);
            }
        });
        evidence.frames = self.capture.frames;
        evidence.missed = self.capture.missed();
        let headers_cut = self.capture.stops.iter();
        evidence.headers_cut = headers_cut
            .filter(|(kind, _)| kind.reason == StopReason::CutByCapture)
            .map(|(_, frames)| frames)
            .sum();
        evidence.unread = self.capture.undecoded + self.capture.fragments;
        evidence
    }
}
