//! Two endpoints and a tap. Each segment is a send for one and a receipt for the other: it is
//! judged against what its sender has sent, delivered to its sender's stream, counted as an
//! acknowledgment of its receiver's, and moves both state machines.

use rapidhash::v3::RapidSecrets;

use super::endpoint::{Endpoint, Moved};
use super::event::{Event, What};
use super::handshake::{Handshake, SynOptions};
use super::reassembly::{OverlapPolicy, Reassembler, StreamSink};
use super::retransmission::{
    Confidence, Evidence, Kind, Lost, Need, Neighbour, Rule, Trigger, Verdict, verdict,
};
use super::scoreboard::{Sent, fingerprint};
use super::state::{State, Stimulus};
use super::window::Scale;
use super::{Arrived, Role};
use crate::time::{Span, Timestamp};
use crate::wire::icmp::error_words;
use crate::wire::{Flags, Segment, SeqNum};

/// What tracking is told once for all connections.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which bytes win where segments overlap.
    pub policy: OverlapPolicy,
    /// Bytes that one direction may hold while waiting for a gap to be filled.
    pub pending_limit: usize,
    /// Secrets of this run, for fingerprints of payloads.
    pub secrets: RapidSecrets,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: OverlapPolicy::default(),
            pending_limit: 4 << 20,
            secrets: RapidSecrets::random(),
        }
    }
}

/// Where the bytes of both streams go.
pub trait Listener {
    /// `bytes` stand at `offset` of the stream that `from` sends.
    fn bytes(&mut self, from: Role, offset: u64, bytes: &[u8]);
    /// `len` bytes from `offset` on of the stream that `from` sends are not there.
    fn gap(&mut self, from: Role, offset: u64, len: u64);
}

/// For whom nobody wants the bytes.
impl Listener for () {
    fn bytes(&mut self, _: Role, _: u64, _: &[u8]) {}
    fn gap(&mut self, _: Role, _: u64, _: u64) {}
}

/// A TCP connection, as inferred from one tap.
#[derive(Clone, Debug)]
pub struct Connection {
    ends: [Endpoint; 2],
    /// Whether who is the client is a guess: no SYN was seen.
    pub client_is_guessed: bool,
    /// Whether both hosts sent a SYN before either answered.
    pub simultaneous_open: bool,
    /// Whether both hosts sent a FIN before either had acknowledged the other's.
    pub simultaneous_close: bool,
    /// Whether it took over the sockets of an earlier connection.
    pub reuses_ports: bool,
    /// When the segments of the handshake passed.
    pub handshake: Handshake,
    /// Its first frame.
    pub first_frame: u64,
    /// Time of its first frame.
    pub first_time: Timestamp,
    /// Time of its last frame.
    pub last_time: Timestamp,
    /// The RST that ended it: who sent it, in which frame, and whether it answered a SYN.
    pub reset: Option<ResetBy>,
    /// ICMP errors that quoted it.
    pub icmp_errors: u32,
    /// The last such error: ICMP version, type and code.
    pub icmp: Option<(u8, u8, u8)>,
    /// Whether its memory has been given back.
    settled: bool,
}

/// The RST that ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetBy {
    /// Who sent it.
    pub from: Role,
    /// In which frame.
    pub frame: u64,
    /// Whether it answered a SYN.
    pub refused: bool,
    /// Whether both hosts had closed before.
    pub after_close: bool,
}

/// Everything about one segment that the steps below share.
struct Step<'a, 'b> {
    arrived: &'a Arrived<'a>,
    from: Role,
    settings: &'a Settings,
    events: &'b mut Vec<Event>,
    listener: &'b mut dyn Listener,
}

impl Step<'_, '_> {
    fn tell(&mut self, what: What) {
        self.events.push(Event {
            frame: self.arrived.frame,
            time: self.arrived.time,
            from: self.from,
            what,
        });
    }

    fn judge(&mut self, verdict: Verdict) {
        self.tell(What::Verdict(verdict));
    }

    /// Where the stream of `from` goes: to the listener, gaps being events too.
    fn sink(&mut self, stream: Role) -> Directed<'_> {
        Directed {
            stream,
            listener: self.listener,
            events: self.events,
            frame: self.arrived.frame,
            time: self.arrived.time,
            from: self.from,
        }
    }

    fn stimulate(&mut self, role: Role, endpoint: &mut Endpoint, cause: Stimulus) -> bool {
        match endpoint.stimulate(cause) {
            Moved::No => false,
            Moved::From(before) => {
                let after = endpoint.state;
                self.tell(What::State {
                    endpoint: role,
                    before,
                    after,
                    cause,
                });
                true
            }
            Moved::Illegal => {
                let state = endpoint.state;
                self.tell(What::Illegal {
                    endpoint: role,
                    state,
                    stimulus: cause,
                });
                false
            }
        }
    }
}

struct Directed<'a> {
    stream: Role,
    listener: &'a mut dyn Listener,
    events: &'a mut Vec<Event>,
    frame: u64,
    time: Timestamp,
    from: Role,
}

impl StreamSink for Directed<'_> {
    #[inline]
    fn bytes(&mut self, offset: u64, bytes: &[u8]) {
        self.listener.bytes(self.stream, offset, bytes);
    }

    fn gap(&mut self, offset: u64, len: u64) {
        let what = What::GapGivenUp {
            stream: self.stream,
            offset,
            len,
        };
        self.events.push(Event {
            frame: self.frame,
            time: self.time,
            from: self.from,
            what,
        });
        self.listener.gap(self.stream, offset, len);
    }
}

impl Connection {
    /// A connection whose first segment is `arrived`; feed it that segment next.
    pub fn new(arrived: &Arrived<'_>) -> Self {
        let flags = arrived.segment.flags;
        let begins = flags.has(Flags::SYN) && !flags.any(Flags::ACK | Flags::RST);
        let (client, server) = if begins {
            (State::Closed, State::Listen)
        } else {
            (State::Unknown, State::Unknown)
        };
        Self {
            ends: [
                Endpoint {
                    state: client,
                    ..Endpoint::default()
                },
                Endpoint {
                    state: server,
                    ..Endpoint::default()
                },
            ],
            client_is_guessed: !flags.has(Flags::SYN),
            simultaneous_open: false,
            simultaneous_close: false,
            reuses_ports: false,
            handshake: Handshake::default(),
            first_frame: arrived.frame,
            first_time: arrived.time,
            last_time: arrived.time,
            reset: None,
            icmp_errors: 0,
            icmp: None,
            settled: false,
        }
    }

    /// Who a connection's first segment comes from. A SYN or SYN-ACK tells; otherwise a guess: the
    /// side with a system port (below 1024), else the one without an ephemeral port (32768 and
    /// up), is the server; else the first sender is the client.
    pub fn role_of_first_sender(segment: &Segment<'_>) -> Role {
        let (source, destination) = (segment.source_port, segment.destination_port);
        if segment.flags.has(Flags::SYN) {
            return if segment.flags.has(Flags::ACK) {
                Role::Server
            } else {
                Role::Client
            };
        }
        if (source < 1024) != (destination < 1024) {
            return if source < 1024 {
                Role::Server
            } else {
                Role::Client
            };
        }
        if (source >= 32_768) != (destination >= 32_768) {
            return if source >= 32_768 {
                Role::Client
            } else {
                Role::Server
            };
        }
        Role::Client
    }

    /// One endpoint.
    #[inline]
    pub fn endpoint(&self, role: Role) -> &Endpoint {
        &self.ends[role as usize]
    }

    /// What the last ICMP error about it said, in words.
    pub fn icmp_words(&self) -> Option<&'static str> {
        let (version, kind, code) = self.icmp?;
        Some(error_words(version, kind, code).unwrap_or("ICMP error"))
    }

    /// Whether a SYN from `from` opens a new connection on these sockets rather than belonging to
    /// this one: it has another initial sequence number, or this one is over.
    pub fn is_superseded_by(&self, segment: &Segment<'_>, from: Role) -> bool {
        if !segment.flags.has(Flags::SYN) || segment.flags.any(Flags::ACK | Flags::RST) {
            return false;
        }
        let endpoint = self.endpoint(from);
        match endpoint.base {
            None => false,
            Some(base) => {
                base != segment.seq
                    || self.reset.is_some()
                    || Role::BOTH
                        .iter()
                        .any(|&role| self.endpoint(role).fin.is_some())
            }
        }
    }

    /// Whether a segment's numbers continue this connection, to within a large window: for packets
    /// seen in another VLAN or tunnel.
    pub fn is_continued_by(&self, segment: &Segment<'_>, from: Role) -> bool {
        const NEAR: i64 = 4 << 20;
        let near = |endpoint: &Endpoint, seq: SeqNum| {
            endpoint
                .position(seq)
                .map(|position| (endpoint.next - NEAR..endpoint.next + NEAR).contains(&position))
        };
        let ours = near(self.endpoint(from), segment.seq);
        let theirs = (segment.flags.has(Flags::ACK))
            .then(|| near(self.endpoint(from.peer()), segment.ack))
            .flatten();
        match (ours, theirs) {
            (None, None) => false,
            (ours, theirs) => ours.unwrap_or(true) && theirs.unwrap_or(true),
        }
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        if self.settled {
            return 0;
        }
        self.ends.iter().map(Endpoint::heap).sum()
    }

    /// Takes a segment in. What happened is appended to `events`; stream bytes that are now in
    /// order go to `listener`.
    pub fn segment(
        &mut self,
        arrived: &Arrived<'_>,
        from: Role,
        settings: &Settings,
        events: &mut Vec<Event>,
        listener: &mut dyn Listener,
    ) {
        let segment = arrived.segment;
        let flags = segment.flags;
        self.last_time = arrived.time;
        let mut step = Step {
            arrived,
            from,
            settings,
            events,
            listener,
        };
        let [client, server] = &mut self.ends;
        let (me, peer) = match from {
            Role::Client => (client, server),
            Role::Server => (server, client),
        };
        count(me, arrived);
        if flags.has(Flags::RST) {
            let reset = reset(me, peer, &mut step);
            if self.reset.is_none() {
                self.reset = reset;
            }
            if me.state.is_over() && peer.state.is_over() {
                self.settle(&mut step);
            }
            return;
        }

        let syn = flags.has(Flags::SYN);
        let before_it = SeqNum(segment.seq.0.wrapping_sub(1));
        match me.base {
            None if syn => me.begin(segment.seq),
            None => me.begin_midstream(before_it),
            // Until now its numbers were known from its peer's acknowledgment only.
            Some(base) if me.figures.packets == 1 && base != segment.seq && base != before_it => {
                me.rebase(if syn { segment.seq } else { before_it }, peer);
            }
            Some(_) => {}
        }
        let Some(start) = me.position(segment.seq) else {
            return;
        };
        if syn {
            self.simultaneous_open |= opens(me, peer, &mut self.handshake, start, &mut step);
        }
        let data_start = start + i64::from(syn);
        let data_end = data_start + i64::from(segment.payload_len);
        if segment.payload_len > 0 {
            data(me, peer, data_start, data_end, &mut step);
        }
        if flags.has(Flags::FIN) {
            closes(me, data_end, &mut step);
        }

        if flags.has(Flags::ACK) {
            if self.handshake.ack.is_none()
                && !syn
                && peer.syn_seen
                && self.handshake.syn_ack.is_some()
                && from == Role::Client
            {
                self.handshake.ack = Some(arrived.time);
            }
            acknowledges(me, peer, start, &mut step);
        }
        me.last_sent = Some(arrived.time);
        me.figures.max_in_flight = me.figures.max_in_flight.max(me.in_flight());
        if !me.sacked.is_empty() || me.in_flight() > me.figures.max_in_flight_unsacked {
            me.figures.max_in_flight_unsacked = me
                .figures
                .max_in_flight_unsacked
                .max(me.in_flight_unsacked());
        }

        let quiet = me.state == State::Established
            && peer.state == State::Established
            && !flags.any(Flags::SYN | Flags::FIN)
            && me.unconfirmed.is_none()
            && peer.unconfirmed.is_none();
        if !quiet {
            moves(me, peer, &mut step);
            self.simultaneous_close |= me.state == State::Closing || peer.state == State::Closing;
            if me.state.is_over() && peer.state.is_over() && !self.settled {
                self.settle(&mut step);
            }
        }
        if !self.settled {
            self.bound_pending(&mut step);
        }
    }

    /// An ICMP error quoted a segment that `from` sent. A SYN so answered is refused.
    pub fn icmp_error(&mut self, version: u8, kind: u8, code: u8) {
        self.icmp_errors = self.icmp_errors.saturating_add(1);
        self.icmp = Some((version, kind, code));
    }

    /// Delivers what is left of both streams, gaps and all, and gives the memory back. For when
    /// no more segments will come.
    pub fn finish(&mut self, events: &mut Vec<Event>, listener: &mut dyn Listener) {
        if self.settled {
            return;
        }
        for role in Role::BOTH {
            let endpoint = &mut self.ends[role as usize];
            let time = self.last_time;
            let mut sink = Directed {
                stream: role,
                listener,
                events,
                frame: 0,
                time,
                from: role,
            };
            end_stream(endpoint, &mut sink);
        }
        self.settled = true;
    }

    fn settle(&mut self, step: &mut Step<'_, '_>) {
        for role in Role::BOTH {
            end_stream(&mut self.ends[role as usize], &mut step.sink(role));
        }
        self.settled = true;
    }

    /// Gives gaps up that are acknowledged or cost too much.
    #[inline]
    fn bound_pending(&mut self, step: &mut Step<'_, '_>) {
        /// Held behind a gap that the receiver says it has: late frames of the capture itself
        /// come sooner than this much data.
        const PATIENCE: usize = 64 << 10;
        for role in Role::BOTH {
            let endpoint = &mut self.ends[role as usize];
            let Some((_, gap_end)) = endpoint.stream.open_gap() else {
                continue;
            };
            let limit = step.settings.pending_limit;
            let acknowledged = gap_end <= endpoint.una && endpoint.stream.is_over(PATIENCE);
            if acknowledged || endpoint.stream.is_over(limit) {
                endpoint.stream.skip_gap(&mut step.sink(role));
                endpoint.figures.missing_bytes = endpoint.stream.missing();
            }
        }
    }
}

impl Endpoint {
    /// Sets where positions count from: `base` is position 0.
    fn begin(&mut self, base: SeqNum) {
        self.base = Some(base);
        self.next = 0;
        self.una = 0;
        self.stream = Reassembler::starting_at(1);
    }

    /// Sets where positions count from where no SYN was seen: the next octet is at 1.
    fn begin_midstream(&mut self, base: SeqNum) {
        self.begin(base);
        self.next = 1;
        self.una = 1;
    }

    /// Moves position 0 to `base`; what the peer said in terms of the old one moves along.
    fn rebase(&mut self, base: SeqNum, peer: &mut Self) {
        let Some(shift) = self.position(base) else {
            return;
        };
        let una = self.una - shift;
        self.begin_midstream(base);
        self.una = una;
        self.next = self.next.max(una);
        for position in [&mut peer.window.edge, &mut peer.last_ack]
            .into_iter()
            .flatten()
        {
            *position -= shift;
        }
    }
}

fn end_stream(endpoint: &mut Endpoint, sink: &mut Directed<'_>) {
    endpoint.stream.settle(sink);
    // What the peer has acknowledged and the capture never had, at the end.
    let acknowledged = endpoint
        .fin
        .map_or(endpoint.una, |fin| endpoint.una.min(fin));
    if endpoint.figures.packets > 0 && acknowledged > endpoint.stream.frontier() {
        endpoint.stream.skip_to(acknowledged, sink);
    }
    endpoint.figures.missing_bytes = endpoint.stream.missing();
    endpoint.board.settle();
    endpoint.sacked.clear();
    endpoint.rtt.settle();
}

#[inline]
fn count(me: &mut Endpoint, arrived: &Arrived<'_>) {
    let segment = arrived.segment;
    let figures = &mut me.figures;
    if figures.packets == 0 {
        me.ttl = arrived.ttl;
    }
    figures.packets += 1;
    figures.bytes += u64::from(arrived.wire_len);
    if segment.payload_len > 0 {
        figures.data_packets += 1;
        figures.payload_bytes += u64::from(segment.payload_len);
    }
    if segment.flags.has(Flags::ECE) && !segment.flags.has(Flags::SYN) {
        figures.ecn_echoes = figures.ecn_echoes.saturating_add(1);
    }
    if arrived.traffic_class & 3 == 3 {
        figures.congestion_experienced = figures.congestion_experienced.saturating_add(1);
    }
    if arrived.ip_id != me.last_ip_id {
        me.ip_id_moves = me.ip_id_moves.saturating_add(1);
        me.last_ip_id = arrived.ip_id;
    }
}

/// A SYN or SYN-ACK. Answers whether it shows a simultaneous open.
#[cold]
fn opens(
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
        let kept = me.ip_id_moves > 1 && step.arrived.ip_id.is_some();
        let first = me.board.find(0, 1).copied();
        let copy = kept && first.is_some_and(|sent| sent.ip_id == step.arrived.ip_id);
        if copy {
            me.figures.duplicates += 1;
            step.judge(
                Verdict::new(
                    Kind::NetworkDuplicate,
                    Rule::SamePacketAgain,
                    Confidence::Likely,
                )
                .octets(1)
                .proof(first.map(|sent| sent.frame)),
            );
        } else {
            let trigger = if is_answer {
                Trigger::SynAck
            } else {
                Trigger::Syn
            };
            sent_again(me, 0, 1, first, Rule::SameSynAgain, trigger, step);
        }
    }
    if !me.syn_seen {
        me.syn_seen = start == 0;
        me.syn = Some(SynOptions::of(segment));
        me.next = me.next.max(1);
        me.board.push(Sent {
            start: 0,
            len: 1,
            tsval: segment
                .options
                .timestamps
                .map(|timestamps| timestamps.value),
            time,
            frame: step.arrived.frame,
            fingerprint: 0,
            resent: None,
            ip_id: step.arrived.ip_id,
            sacked: false,
        });
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

/// A control segment sent again by its timer.
fn sent_again(
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
            .proof(original.map(|sent| sent.frame))
    };
    if let Some(original) = original {
        me.resend_interval = time - original.resent.map_or(original.time, |(last, _)| last);
    }
    me.board.resend(start, end, time, tsval);
    me.unanswered += 1;
    retransmitted(me, &verdict);
    step.judge(verdict);
}

fn retransmitted(me: &mut Endpoint, verdict: &Verdict) {
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
fn data(me: &mut Endpoint, peer: &Endpoint, start: i64, end: i64, step: &mut Step<'_, '_>) {
    let arrived = step.arrived;
    let payload = arrived.segment.payload;
    me.largest = me.largest.max(arrived.segment.payload_len);
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
        let before = me.board.before(start).map(|sent| sent.frame);
        step.judge(
            Verdict::new(Kind::Gap, Rule::Skipped, Confidence::Certain)
                .octets(start - me.next)
                .proof(before),
        );
    }
    me.next = end;
    me.figures.stream_bytes += (end - start) as u64;
    first_transmission(me, start, end, payload, step);
    let mut sink = step.sink(step.from);
    let _ = me
        .stream
        .offer(start, end, payload, OverlapPolicy::First, &mut sink);
    if let (Some(edge), Scale::Known(_)) = (peer.window.edge, peer.window.scale) {
        let left = edge - end;
        if left < i64::from(me.largest) && !probes && peer.window.zero_since.is_none() {
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
fn first_transmission(
    me: &mut Endpoint,
    start: i64,
    end: i64,
    payload: &[u8],
    step: &mut Step<'_, '_>,
) {
    let arrived = step.arrived;
    let whole = payload.len() as i64 == end - start;
    me.board.push(Sent {
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
        ip_id: arrived.ip_id,
        sacked: false,
    });
}

/// Payload below SND.NXT: sent again, late, copied, or a probe.
#[cold]
fn again_or_late(
    me: &mut Endpoint,
    peer: &Endpoint,
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
    let seen = me.stream.seen(start, end);
    let original = me.board.find(start, end).copied();
    let neighbour = |sent: &Sent| Neighbour {
        frame: sent.frame,
        ip_id: sent.ip_id,
        tsval: sent.tsval,
    };
    let above = me.board.after(end).copied();
    let since = if seen > 0 {
        original.map(|sent| sent.resent.map_or(sent.time, |(last, _)| last))
    } else {
        above.map(|sent| sent.time).or(me.last_sent)
    };
    let evidence = Evidence {
        seen,
        new: end - start - seen,
        acked: me.una >= end,
        original: original.as_ref().map(neighbour),
        below: me.board.before(start).map(neighbour),
        above: above.as_ref().map(neighbour),
        waited: since.map_or(Span::ZERO, |since| arrived.time - since),
        ip_id: arrived.ip_id,
        ip_id_moves: me.ip_id_moves > 2 && arrived.ip_id.is_some_and(|id| id != 0),
        tsval,
        duplicate_acks: if start <= me.una {
            peer.duplicate_ack_run
        } else {
            0
        },
        sacked_above: me.sacked.highest().is_some_and(|highest| highest > end),
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
        }
        Kind::Reordered => me.figures.reordered += 1,
        _ => me.figures.duplicates += 1,
    }
    step.judge(judged);

    let resent = (judged.kind == Kind::Retransmission).then_some((arrived.time, tsval));
    if resent.is_some() {
        me.board.resend(start, end, arrived.time, tsval);
    }
    let policy = step.settings.policy;
    let by_segment = me.board.conflict(start, payload, &step.settings.secrets);
    let mut sink = step.sink(step.from);
    let offer = me.stream.offer(start, end, payload, policy, &mut sink);
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
            .proof(original.map(|sent| sent.frame)),
        );
    }
    if end > me.next {
        let above_old = (me.next - start) as usize;
        let (from, rest) = (me.next, payload.get(above_old..).unwrap_or(&[]));
        me.next = end;
        first_transmission(me, from, end, rest, step);
    } else if seen == 0 {
        me.board.fill(Sent {
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
            ip_id: arrived.ip_id,
            sacked: false,
        });
    }
}

/// The shortest round trip between the hosts that is known, both halves together.
fn round_trip(me: &Endpoint, peer: &Endpoint) -> Option<Span> {
    let min = |endpoint: &Endpoint| endpoint.rtt.minimum();
    match (min(me), min(peer)) {
        (Some(one), Some(two)) => Some(one + two),
        (one, two) => one.or(two),
    }
}

fn probe(me: &mut Endpoint, peer: &Endpoint, step: &mut Step<'_, '_>) {
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

/// A FIN at `position`.
#[cold]
fn closes(me: &mut Endpoint, position: i64, step: &mut Step<'_, '_>) {
    let arrived = step.arrived;
    if me.fin.is_some() {
        if arrived.segment.payload_len == 0 && me.fin == Some(position) {
            let first = me.board.find(position, position + 1).copied();
            let copy = me.ip_id_moves > 2
                && first.is_some_and(|sent| sent.ip_id.is_some() && sent.ip_id == arrived.ip_id);
            if copy {
                me.figures.duplicates += 1;
                step.judge(
                    Verdict::new(
                        Kind::NetworkDuplicate,
                        Rule::SamePacketAgain,
                        Confidence::Likely,
                    )
                    .octets(1)
                    .proof(first.map(|sent| sent.frame)),
                );
            } else {
                sent_again(
                    me,
                    position,
                    position + 1,
                    first,
                    Rule::SameFinAgain,
                    Trigger::Fin,
                    step,
                );
            }
        }
        return;
    }
    me.fin = Some(position);
    me.fin_frame = Some(arrived.frame);
    if position > me.next && me.next > 0 {
        me.figures.gaps += 1;
        step.judge(
            Verdict::new(Kind::Gap, Rule::Skipped, Confidence::Certain).octets(position - me.next),
        );
    }
    if position + 1 > me.next {
        me.next = position + 1;
        me.board.push(Sent {
            start: position,
            len: 1,
            tsval: arrived
                .segment
                .options
                .timestamps
                .map(|timestamps| timestamps.value),
            time: arrived.time,
            frame: arrived.frame,
            fingerprint: 0,
            resent: None,
            ip_id: arrived.ip_id,
            sacked: false,
        });
    }
}

/// The acknowledgment, SACK and window in a segment that starts at `start`.
#[inline]
fn acknowledges(me: &mut Endpoint, peer: &mut Endpoint, start: i64, step: &mut Step<'_, '_>) {
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
        let acked = peer.board.acknowledge(ack);
        if let Some(sample) = rtt_sample(&acked, segment, now) {
            me.rtt.add(sample);
        }
        peer.una = ack;
        peer.sacked.remove_below(ack);
        me.duplicate_ack_run = 0;
        peer.unanswered = 0;
    }
    let news = if segment.options.sack_count > 0 {
        sacks(me, peer, ack, step)
    } else {
        0
    };

    let bare = segment.payload_len == 0 && !segment.flags.any(Flags::SYN | Flags::FIN);
    let repeats = !first_sight && !advanced && ack == una && me.last_ack == Some(ack);
    // An old acknowledgment says nothing of the window now (RFC 9293 section 3.10.7.4, SND.WL2).
    let change = if ack >= una {
        let in_syn = segment.flags.has(Flags::SYN);
        me.window.advertise(segment.window, in_syn, Some(ack), now)
    } else {
        super::window::WindowChange::default()
    };
    if bare {
        let below = start == me.una - 1 && start < me.next && me.next > 1;
        if below && repeats {
            probe(me, peer, step);
        } else if repeats && news > 0 {
            duplicate(me, Rule::NewSackOnly, step);
        } else if repeats && change.changed {
            step.judge(Verdict::new(
                Kind::WindowUpdate,
                Rule::OnlyWindowMoved,
                Confidence::Certain,
            ));
        } else if repeats && peer.next > una && start == me.next {
            duplicate(me, Rule::SameAckAgain, step);
        }
    }
    if change.zero && !segment.flags.any(Flags::SYN | Flags::FIN) {
        step.judge(Verdict::new(
            Kind::ZeroWindow,
            Rule::WindowIsZero,
            Confidence::Certain,
        ));
    }
    me.last_ack = Some(me.last_ack.map_or(ack, |last| last.max(ack)));
}

fn duplicate(me: &mut Endpoint, rule: Rule, step: &mut Step<'_, '_>) {
    me.duplicate_ack_run += 1;
    me.figures.duplicate_acks += 1;
    step.judge(Verdict::new(Kind::DuplicateAck, rule, Confidence::Certain));
}

/// A round-trip sample from an acknowledgment: Karn's rule, or the echoed timestamp where what it
/// covers was sent more than once (RFC 7323 section 4).
#[inline]
fn rtt_sample(
    acked: &super::scoreboard::Acked,
    segment: &Segment<'_>,
    now: Timestamp,
) -> Option<Span> {
    if let Some(sent) = acked.sample {
        return Some(now - sent.time);
    }
    let newest = acked.newest?;
    let echo = segment.options.timestamps?.echo;
    let (again, again_tsval) = newest.resent?;
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
fn sacks(me: &mut Endpoint, peer: &mut Endpoint, ack: i64, step: &mut Step<'_, '_>) -> i64 {
    let mut news = 0;
    let blocks = step.arrived.segment.options.sack_blocks();
    let place = |peer: &Endpoint, at: usize| {
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
            let original = peer.board.find(left, right).map(|sent| sent.frame);
            step.judge(
                Verdict::new(Kind::Dsack, Rule::FirstBlockBelowAck, Confidence::Certain)
                    .octets(right - left)
                    .proof(original),
            );
            continue;
        }
        if right <= ack {
            continue;
        }
        news += peer.sacked.insert(left.max(ack), right);
        if let Some(sent) = peer
            .board
            .sack(left, right)
            .filter(|sent| sent.resent.is_none())
        {
            me.rtt.add(step.arrived.time - sent.time);
        }
    }
    news
}

/// A RST. Gives what ended the connection, if it did.
#[cold]
fn reset(me: &mut Endpoint, peer: &mut Endpoint, step: &mut Step<'_, '_>) -> Option<ResetBy> {
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
    let rule = match (acceptable, answers_syn) {
        (true, true) => Rule::ResetRefuses,
        (true, false) => Rule::ResetInWindow,
        (false, _) => Rule::ResetOutsideWindow,
    };
    step.judge(Verdict::new(Kind::Reset, rule, Confidence::Certain));
    let over = |endpoint: &Endpoint| endpoint.state.is_over();
    let after_close = me.fin.is_some() && peer.fin.is_some();
    let was_over = over(me) && over(peer);
    step.stimulate(step.from, me, Stimulus::SendReset);
    if !acceptable {
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

/// Moves both state machines.
fn moves(me: &mut Endpoint, peer: &mut Endpoint, step: &mut Step<'_, '_>) {
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
    let sends = match (syn, acks) {
        (true, true) => Stimulus::SendSynAck,
        (true, false) => Stimulus::SendSyn,
        (false, _) => Stimulus::Send,
    };
    step.stimulate(mine, me, sends);
    if flags.has(Flags::FIN) {
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
        if acks && peer.una >= 1 && peer.state == State::SynReceived {
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
fn deliver_fin(
    role: Role,
    sender: &mut Endpoint,
    receiver: &mut Endpoint,
    step: &mut Step<'_, '_>,
) {
    let Some(fin) = sender.fin else { return };
    if sender.fin_delivered || (sender.stream.frontier() < fin && sender.una <= fin) {
        return;
    }
    sender.fin_delivered = true;
    if step.stimulate(role, receiver, Stimulus::ReceiveFin) && sender.una <= fin {
        receiver.unconfirmed = Some(fin + 1);
    }
}
