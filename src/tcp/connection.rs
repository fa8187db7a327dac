//! Two endpoints and a tap. Each segment is a send for one and a receipt for the other: it is
//! judged against what its sender has sent, delivered to its sender's stream, counted as an
//! acknowledgment of its receiver's, and moves both state machines.

use rapidhash::v3::RapidSecrets;

use super::acknowledging::acknowledges;
use super::departure::Departure;
use super::endpoint::{Endpoint, Pool};
use super::event::Event;
use super::handshake::Handshake;
use super::reassembly::OverlapPolicy;
use super::sending::{count, data, end_stream};
use super::state::{State, Stimulus};
use super::step::{Directed, Step};
use super::transition::{closes, moves, opens, reset};
use super::{Arrived, Role};
use crate::time::Timestamp;
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
    /// The last SYN that seemed to be someone else's: from whom it said it was, and its number.
    stranger: Option<(Role, SeqNum)>,
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
            stranger: None,
            handshake: Handshake::default(),
            first_frame: arrived.frame,
            first_time: arrived.time,
            last_time: arrived.time,
            reset: None,
            icmp_errors: 0,
            icmp: None,
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
    /// this one: it has another initial sequence number. The same number after a RST is the same
    /// attempt going on (a client that met a half-open server, RFC 9293 section 3.5.1, or that
    /// tries again).
    ///
    /// One from another distance than what its host has sent may be forged, while both hosts are in
    /// the middle of the connection (RFC 5961 section 4): the peer's SYN-ACK shows that it was not.
    pub fn is_superseded_by(&self, arrived: &Arrived<'_>, from: Role) -> bool {
        let segment = arrived.segment;
        if !segment.flags.has(Flags::SYN) || segment.flags.has(Flags::RST) {
            return false;
        }
        if segment.flags.has(Flags::ACK) {
            return self.stranger == Some((from.peer(), SeqNum(segment.ack.0.wrapping_sub(1))));
        }
        let base = self.endpoint(from).base;
        base.is_some_and(|base| base != segment.seq) && !self.is_strange(arrived, from)
    }

    /// Whether a SYN comes from elsewhere than what its host has sent in this connection, which both
    /// hosts have open.
    fn is_strange(&self, arrived: &Arrived<'_>, from: Role) -> bool {
        self.ends.iter().all(|end| end.state == State::Established)
            && self.endpoint(from).ttl != arrived.ttl
            && self.endpoint(from).figures.packets > 0
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

    /// Whether both hosts are through with it.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.ends.iter().all(|endpoint| endpoint.state.is_over())
    }

    /// Whether a stream waits for a gap to be filled.
    #[inline]
    pub fn holds_back(&self) -> bool {
        self.ends.iter().any(Endpoint::holds_back)
    }

    /// Asks for the memory that the next segment will need.
    #[inline]
    pub fn prefetch(&self) {
        for endpoint in &self.ends {
            endpoint.prefetch();
        }
    }

    /// The second half of [`prefetch`](Self::prefetch), when what the first asked for has come.
    #[inline]
    pub fn prefetch_more(&self) {
        for endpoint in &self.ends {
            endpoint.prefetch_more();
        }
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        self.ends.iter().map(Endpoint::heap).sum()
    }

    /// Takes a segment in. What happened is appended to `events`; stream bytes that are now in
    /// order go to `listener`.
    pub fn segment(
        &mut self,
        arrived: &Arrived<'_>,
        from: Role,
        settings: &Settings,
        pool: &mut Pool,
        events: &mut Vec<Event>,
        listener: &mut dyn Listener,
    ) {
        let segment = arrived.segment;
        let flags = segment.flags;
        self.last_time = arrived.time;
        let mut step = Step {
            arrived,
            from,
            departure: Departure::Unknown,
            settings,
            events,
            listener,
        };
        let strange = flags.has(Flags::SYN)
            && !flags.has(Flags::ACK)
            && self.endpoint(from).base != Some(segment.seq)
            && self.is_strange(arrived, from);
        let [client, server] = &mut self.ends;
        let (me, peer) = match from {
            Role::Client => (client, server),
            Role::Server => (server, client),
        };
        me.wake(pool);
        peer.wake(pool);
        if strange {
            self.stranger = Some((from, segment.seq));
            me.figures.packets += 1;
            me.figures.bytes += u64::from(arrived.wire_len);
            peer.trouble().disbelieved = Some(arrived.time);
            step.stimulate(from.peer(), peer, Stimulus::ReceiveSyn);
            return;
        }
        if count(me, peer, &mut step) {
            return;
        }
        if flags.has(Flags::RST) {
            let reset = reset(me, peer, &mut step);
            if self.reset.is_none() {
                self.reset = reset;
            }
            if me.state.is_over() && peer.state.is_over() {
                self.settle(pool, &mut step);
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
            Some(base) if syn && base != segment.seq && replaces(me, segment.seq) => {
                me.begin(segment.seq);
                me.forget_fin();
                me.next = i64::from(me.syn_seen);
                peer.forget_peer();
            }
            Some(_) => {}
        }
        let Some(start) = me.position(segment.seq) else {
            return;
        };
        if syn {
            // The first SYN-ACK, and its sender seemed to have reset or closed before: that came
            // from an earlier connection, or from someone else.
            if flags.has(Flags::ACK) && !me.syn_seen && start == 0 && me.state == State::Closed {
                me.state = State::Listen;
                self.reset = None;
                if peer.syn_seen && peer.state == State::Closed {
                    peer.state = State::SynSent;
                }
            }
            if start == 0 && self.reset.take().is_some() && peer.state == State::Closed {
                peer.state = State::Listen;
            }
            self.simultaneous_open |= opens(me, peer, &mut self.handshake, start, &mut step);
        }
        let data_start = start + i64::from(syn);
        let data_end = data_start + i64::from(segment.payload_len);
        if segment.payload_len > 0 {
            data(me, peer, data_start, data_end, &mut step);
        }
        if flags.has(Flags::FIN) {
            closes(me, peer, data_end, &mut step);
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
        if me.in_flight() > me.figures.max_in_flight_unsacked {
            let unsacked = me.in_flight_unsacked();
            me.figures.max_in_flight_unsacked = me.figures.max_in_flight_unsacked.max(unsacked);
        }

        let quiet = me.state == State::Established
            && peer.state == State::Established
            && !flags.any(Flags::SYN | Flags::FIN)
            && me.unconfirmed.is_none()
            && peer.unconfirmed.is_none();
        if !quiet {
            moves(me, peer, &mut step);
            self.simultaneous_close |= me.state == State::Closing || peer.state == State::Closing;
            if me.state.is_over() && peer.state.is_over() {
                self.settle(pool, &mut step);
            }
        }
        if self.holds_back() {
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
    pub fn finish(
        &mut self,
        pool: &mut Pool,
        events: &mut Vec<Event>,
        listener: &mut dyn Listener,
    ) {
        for role in Role::BOTH {
            let endpoint = &mut self.ends[role as usize];
            let time = self.last_time;
            let mut sink = Directed {
                cut: false,
                stream: role,
                listener,
                events,
                frame: 0,
                time,
                from: role,
            };
            end_stream(endpoint, pool, &mut sink);
        }
    }

    fn settle(&mut self, pool: &mut Pool, step: &mut Step<'_, '_>) {
        for role in Role::BOTH {
            end_stream(&mut self.ends[role as usize], pool, &mut step.sink(role));
        }
    }

    /// Gives gaps up that are acknowledged or cost too much.
    #[cold]
    fn bound_pending(&mut self, step: &mut Step<'_, '_>) {
        /// Held behind a gap that the receiver says it has: late frames of the capture itself
        /// come sooner than this much data.
        const PATIENCE: usize = 64 << 10;
        for role in Role::BOTH {
            let endpoint = &mut self.ends[role as usize];
            let gap = endpoint.alive().and_then(|live| live.stream.open_gap());
            let Some((_, gap_end)) = gap else {
                continue;
            };
            let limit = step.settings.pending_limit;
            let acknowledged = gap_end <= endpoint.una && endpoint.live().stream.is_over(PATIENCE);
            if acknowledged || endpoint.live().stream.is_over(limit) {
                endpoint.live().stream.skip_gap(&mut step.sink(role));
                let missing = endpoint.live().stream.missing();
                endpoint.figures.missing_bytes = endpoint.figures.missing_bytes.max(missing);
            }
        }
    }
}

/// Whether a SYN gives its sender's numbers a new beginning. What it sent before its first SYN
/// belonged to an earlier connection that it still had open (RFC 9293 section 3.5.1); and of two
/// SYNs the one counts that the peer has acknowledged. Not once some of its stream has been
/// delivered, were it as missing.
fn replaces(me: &Endpoint, seq: SeqNum) -> bool {
    if me.alive().is_some_and(|live| live.stream.frontier() > 1) {
        false
    } else if me.syn_seen {
        me.figures.data_packets == 0 && me.position(seq).map(|start| start + 1) == Some(me.una)
    } else {
        // A FIN alone is nothing to hold on to.
        me.next <= 1 + i64::from(me.fin == Some(1))
    }
}
