//! A host's end of a connection: a deliberately simple but complete TCP of our own, with the habits
//! of Linux where they show on the wire. It knows nothing of the analyzer, so that it can contradict
//! it.
//!
//! Time comes in as a number; segments come in as fields and go out as [`Outgoing`]. Positions are
//! counted from the ISN in 64 bits: the SYN has 0, the first octet 1.
//!
//! - [`habits`]: what a host can do and how it is set up
//! - [`program`]: what its user does, a list of acts
//! - `arriving`: what a segment does to the state (RFC 9293 section 3.10.7)
//! - `receiving`: octets in, and when to acknowledge them
//! - `acked`: what an acknowledgment says: round trips, SACK, loss (RFC 6298, 6675, 8985)
//! - `sending`: what goes out, and the timers that send again
//! - `congestion`: how much may be in flight

mod acked;
mod arriving;
mod congestion;
pub mod habits;
pub mod program;
mod receiving;
mod sending;

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::packet::{MILLI, Nanos, Outgoing, SECOND};
use super::truth::ranges::Ranges;
use super::truth::{Header, HostState, Reason, Side};
use crate::wire::tcp_option::{self, SackBlock, SackBlocks, Timestamps};
use crate::wire::{Flags, SeqNum, TcpOption};
use congestion::Window;
pub use habits::{Congestion, Habits, Identification, KeepAlive};
use program::Program;
pub use program::{Act, Reader};

/// A host's end of one connection.
#[derive(Debug)]
pub struct Host {
    pub(super) habits: Habits,
    pub(super) side: Side,
    pub(super) own: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) state: HostState,
    pub(super) out: Vec<Outgoing>,
    now: Nanos,
    next_id: u16,
    program: Program,
    isn: u32,
    send: SendSide,
    receive: ReceiveSide,
    agreed: Agreed,
    timers: Timers,
}

/// What both hosts offered in the handshake.
#[derive(Clone, Copy, Debug, Default)]
struct Agreed {
    sack: bool,
    timestamps: bool,
    scaling: bool,
    ecn: bool,
    /// Shift of the windows that the peer advertises.
    peer_shift: u8,
}

/// A segment that is sent and not acknowledged.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    start: i64,
    end: i64,
    fin: bool,
    /// When it was sent last.
    sent: Nanos,
    /// Which of all transmissions that was.
    order: u64,
    /// Its TSval then.
    stamp: u32,
    /// How often it was sent again.
    again: u32,
    sacked: bool,
    lost: bool,
    /// A retransmission of it is under way.
    resent: bool,
    /// It goes again because a router called it too long, not because of a timer or an
    /// acknowledgment.
    too_long: bool,
}

/// Why segments are sent again just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Until this is acknowledged.
    Recovery(i64),
    /// The timer ran out; until this is acknowledged.
    Loss(i64),
}

#[derive(Debug)]
struct SendSide {
    una: i64,
    next: i64,
    /// Behind what the user has written.
    written: i64,
    /// The user has closed: a FIN stands at `written`.
    closed: bool,
    /// The highest edge of the peer's window, and from where it was told.
    window: i64,
    told_at: i64,
    told_ack: i64,
    widest: i64,
    mss: i64,
    flight: VecDeque<InFlight>,
    phase: Phase,
    congestion: Window,
    duplicate_acks: u32,
    /// Without SACK: segments that duplicate acknowledgments of this recovery say have left the
    /// network (RFC 5681 section 3.2, steps 3 and 4).
    inflation: u32,
    /// Without SACK: what had been sent when the latest recovery began (RFC 6582 section 3.2).
    recover: i64,
    srtt: Option<Nanos>,
    rttvar: Nanos,
    min_rtt: Option<Nanos>,
    /// Transmissions so far.
    transmissions: u64,
    /// Of the latest transmission that is known to have arrived.
    rack_order: u64,
    rack_rtt: Nanos,
    /// Segments are known to overtake each other on this path.
    reordering: bool,
    highest_sacked: i64,
    backoff: u32,
    /// A tail loss probe went out; until this is acknowledged no other does.
    probed: Option<i64>,
    /// What an undo of the timeout restores.
    undo: Option<(u32, u32)>,
    /// TSval of the first retransmission of a timeout.
    loss_stamp: Option<u32>,
    fin_acked: bool,
    /// When the SYN or SYN-ACK went out that measures the first round trip; none once it went
    /// again (Karn).
    opened: Option<Nanos>,
    /// CWR goes with the next new data; ECE counts once until this is acknowledged.
    cwr: bool,
    reduced_until: i64,
    limited: bool,
}

#[derive(Debug)]
struct ReceiveSide {
    isn: Option<u32>,
    next: i64,
    /// Beyond `next`.
    early: Ranges,
    /// Blocks to report, the latest first.
    blocks: VecDeque<(i64, i64)>,
    /// Received twice: reported once.
    twice: Option<(i64, i64)>,
    /// The right edge that was advertised.
    edge: i64,
    /// Read by the user.
    read: i64,
    fin: Option<i64>,
    /// Segments that wait for their acknowledgment.
    pending: u32,
    recent: u32,
    last_ack: i64,
    echo_congestion: bool,
    /// Segments still acknowledged at once.
    quick: u32,
    /// Zero was advertised.
    zero: bool,
    /// The user wants nothing any more: what comes is reset.
    gone: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Timers {
    resend: Option<Nanos>,
    probe: Option<Nanos>,
    rack: Option<Nanos>,
    ack: Option<Nanos>,
    persist: Option<Nanos>,
    keep_alive: Option<Nanos>,
    user: Option<Nanos>,
    handshake: Option<Nanos>,
    persisted: u32,
    kept_alive: u32,
}

/// A segment as it arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming<'a> {
    pub(super) header: &'a Header,
    pub(super) mss: Option<u16>,
    /// A router marked it (ECN).
    pub(super) marked: bool,
}

impl Host {
    /// A host that has done nothing yet.
    pub fn new(
        side: Side,
        own: SocketAddr,
        peer: SocketAddr,
        isn: u32,
        first_id: u16,
        habits: Habits,
        acts: Vec<Act>,
    ) -> Self {
        let state = match side {
            Side::Server if habits.listens => HostState::Listen,
            _ => HostState::Closed,
        };
        Self {
            send: SendSide::new(&habits),
            receive: ReceiveSide::new(&habits),
            habits,
            side,
            own,
            peer,
            state,
            out: Vec::new(),
            now: 0,
            next_id: first_id,
            program: Program::new(acts),
            isn,
            agreed: Agreed::default(),
            timers: Timers::default(),
        }
    }

    /// When it wants to be woken.
    pub(super) fn wakes(&self) -> Option<Nanos> {
        let Timers {
            resend,
            probe,
            rack,
            ack,
            persist,
            keep_alive,
            user,
            handshake,
            ..
        } = self.timers;
        [
            resend, probe, rack, ack, persist, keep_alive, user, handshake,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Time has come to `now`.
    pub(super) fn wake(&mut self, now: Nanos) {
        self.now = now;
        let due = |timer: &mut Option<Nanos>| timer.take_if(|at| *at <= now).is_some();
        if due(&mut self.timers.user) {
            self.run_program();
        }
        if due(&mut self.timers.ack) {
            self.acknowledge();
        }
        if due(&mut self.timers.handshake) {
            self.handshake_timer();
        }
        if due(&mut self.timers.rack) {
            self.detect_losses();
            self.output();
        }
        if due(&mut self.timers.probe) {
            self.probe_tail();
        }
        if due(&mut self.timers.resend) {
            self.timeout();
        }
        if due(&mut self.timers.persist) {
            self.probe_window();
        }
        if due(&mut self.timers.keep_alive) {
            self.keep_alive();
        }
    }

    /// Begins what its user does.
    pub(super) fn start(&mut self, now: Nanos) {
        self.now = now;
        self.run_program();
    }

    /// What its TSval clock shows: milliseconds from a start of its own.
    fn stamp(&self) -> u32 {
        let since = (self.now / MILLI) as u32;
        self.isn.rotate_left(7).wrapping_add(since)
    }

    /// Sends a SYN, or sends it again.
    pub(super) fn send_syn(&mut self, reason: Reason) {
        self.state = HostState::SynSent;
        let mut flags = Flags::SYN;
        let fresh = reason == Reason::Plain;
        if self.habits.ecn && fresh {
            flags = flags | Flags::ECE | Flags::CWR;
        }
        let mut data = 0;
        if self.habits.fast_open && fresh {
            data = (self.send.written - 1).min(self.send.mss).max(0);
        }
        self.send.opened = fresh.then_some(self.now);
        self.emit(flags, 0, (1, data as u32), reason);
        self.send.next = self.send.next.max(1 + data);
        if data > 0 {
            let segment = self.in_flight(1, 1 + data, false);
            self.send.flight.push_back(segment);
        }
        self.handshake_again();
    }

    /// Sends a SYN-ACK, or sends it again.
    fn send_syn_ack(&mut self, reason: Reason) {
        let mut flags = Flags::SYN | Flags::ACK;
        if self.agreed.ecn {
            flags = flags | Flags::ECE;
        }
        self.send.opened = (reason == Reason::Plain).then_some(self.now);
        self.emit(flags, 0, (1, 0), reason);
        self.send.next = self.send.next.max(1);
        self.handshake_again();
    }

    /// The timer of SYN and SYN-ACK (RFC 6298 section 2: a second, doubled).
    fn handshake_again(&mut self) {
        let wait = SECOND << self.send.backoff.min(6);
        self.timers.handshake = Some(self.now + wait);
    }

    fn handshake_timer(&mut self) {
        use super::truth::journal::Trigger;
        if self.send.backoff >= self.habits.handshake_tries {
            self.state = HostState::Closed;
            return;
        }
        self.send.backoff += 1;
        match self.state {
            HostState::SynSent => self.send_syn(Reason::Again(Trigger::Syn)),
            HostState::SynReceived => self.send_syn_ack(Reason::Again(Trigger::SynAck)),
            _ => {}
        }
    }

    /// Puts a segment out: `start` is its sequence position.
    fn emit(&mut self, flags: Flags, start: i64, payload: (i64, u32), reason: Reason) {
        let syn = flags.has(Flags::SYN);
        let mut flags = flags;
        if self.receive.isn.is_some() && (!syn || flags.has(Flags::ACK)) {
            flags = flags | Flags::ACK;
            if self.receive.echo_congestion && !syn && !flags.has(Flags::RST) {
                flags = flags | Flags::ECE;
            }
        }
        let window = self.advertise(syn, flags.has(Flags::RST));
        let options = self.options(flags, reason);
        let id = self.identify(flags);
        let ack = if flags.has(Flags::ACK) {
            self.receive.last_ack = self.receive.next;
            self.receive.pending = 0;
            self.timers.ack = None;
            let isn = self.receive.isn.unwrap_or(0);
            isn.wrapping_add(self.receive.next as u32)
        } else {
            0
        };
        let ecn = if self.agreed.ecn && payload.1 > 0 && reason == Reason::Plain {
            2
        } else {
            0
        };
        let words = self.program.words(self.side, payload);
        self.out.push(Outgoing {
            from: self.side,
            source: self.own,
            destination: self.peer,
            seq: self.isn.wrapping_add(start as u32),
            ack,
            flags,
            window,
            urgent: 0,
            options,
            payload,
            other_bytes: false,
            words,
            id,
            ttl: self.habits.ttl,
            ecn,
            reason,
            state: self.state,
        });
    }

    fn identify(&mut self, flags: Flags) -> u16 {
        let without_socket = flags.has(Flags::SYN | Flags::ACK) || flags.has(Flags::RST);
        match self.habits.identification {
            Identification::Zero => 0,
            // What Linux answers without a full socket behind it has no number.
            Identification::Counting if without_socket => 0,
            Identification::Counting => {
                let id = self.next_id;
                self.next_id = id.wrapping_add(1);
                id
            }
            Identification::Random => {
                self.next_id = self.next_id.wrapping_mul(20_077).wrapping_add(12_345);
                self.next_id.swap_bytes()
            }
        }
    }

    fn options(&mut self, flags: Flags, reason: Reason) -> Vec<u8> {
        let mut options = Vec::new();
        let stamps = Timestamps {
            value: self.stamp(),
            echo: if flags.has(Flags::ACK) {
                self.receive.recent
            } else {
                0
            },
        };
        if flags.has(Flags::SYN) {
            let answers = flags.has(Flags::ACK);
            let offers = |habit: bool, agreed: bool| habit && (!answers || agreed);
            options.push(TcpOption::Mss(self.habits.mss));
            if offers(self.habits.sack, self.agreed.sack) {
                options.push(TcpOption::SackPermitted);
            }
            if offers(self.habits.timestamps, self.agreed.timestamps) {
                options.push(TcpOption::Timestamps(stamps));
            }
            if let Some(shift) = self.habits.window_scale
                && offers(true, self.agreed.scaling)
            {
                options.extend([TcpOption::Nop, TcpOption::WindowScale(shift)]);
            }
            if self.habits.fast_open && !answers && reason == Reason::Plain {
                options.push(TcpOption::FastOpen {
                    cookie: &[0x5a, 0x1e, 0x70, 0xc3, 0x99, 0x02, 0xd4, 0x6b],
                    experimental: false,
                });
            }
        } else if !flags.has(Flags::RST) {
            if self.agreed.timestamps {
                let stamps = TcpOption::Timestamps(stamps);
                options.extend([TcpOption::Nop, TcpOption::Nop, stamps]);
            }
            let blocks = self.blocks();
            if !blocks.is_empty() {
                let sack = TcpOption::Sack(SackBlocks::new(&blocks));
                options.extend([TcpOption::Nop, TcpOption::Nop, sack]);
            }
        }
        let mut bytes = Vec::new();
        tcp_option::emit(&options, &mut bytes);
        bytes
    }

    /// The blocks to report now: what came twice first, then the latest (RFC 2018, RFC 2883).
    fn blocks(&mut self) -> Vec<SackBlock> {
        let twice = self.receive.twice.take();
        if !self.agreed.sack {
            return Vec::new();
        }
        let isn = self.receive.isn.unwrap_or(0);
        let at = |position: i64| SeqNum(isn.wrapping_add(position as u32));
        let most = if self.agreed.timestamps { 3 } else { 4 };
        twice
            .into_iter()
            .chain(self.receive.blocks.iter().copied())
            .take(most)
            .map(|(start, end)| SackBlock {
                left: at(start),
                right: at(end),
            })
            .collect()
    }

    /// Sends a RST in answer to a segment that belongs to nothing here.
    pub(super) fn refuse(&mut self, header: &Header, reason: Reason) {
        // RFC 9293 section 3.10.7.1.
        let with_ack = header.flags.has(Flags::ACK);
        let (flags, seq, ack) = if with_ack {
            (Flags::RST, header.ack, 0)
        } else {
            let ack = header.seq.wrapping_add(header.sequence_len());
            (Flags::RST | Flags::ACK, 0, ack)
        };
        let id = self.identify(flags);
        self.out.push(Outgoing {
            from: self.side,
            source: self.own,
            destination: self.peer,
            seq,
            ack,
            flags,
            window: 0,
            urgent: 0,
            options: Vec::new(),
            payload: (1, 0),
            other_bytes: false,
            words: None,
            id,
            ttl: self.habits.ttl,
            ecn: 0,
            reason,
            state: self.state,
        });
    }

    /// Ends everything: the connection is no more.
    fn end(&mut self, state: HostState) {
        self.state = state;
        self.timers = Timers {
            user: self.timers.user,
            ..Timers::default()
        };
        self.send.flight.clear();
    }

    /// Both streams have moved on by so much, unseen by the capture: as if as much had been sent,
    /// received and acknowledged.
    pub(super) fn jump(&mut self, sent: i64, received: i64) {
        let send = &mut self.send;
        send.una += sent;
        send.next += sent;
        send.written += sent;
        send.window += sent;
        send.told_ack += sent;
        send.told_at += received;
        send.highest_sacked += sent;
        let receive = &mut self.receive;
        receive.next += received;
        receive.read += received;
        receive.edge += received;
        receive.last_ack += received;
    }

    /// Where it is: what it has sent and received, as sequence numbers, and what of it its peer
    /// acknowledged.
    pub(super) fn place(&self) -> Place {
        Place {
            next: self.isn.wrapping_add(self.send.next as u32),
            una: self.isn.wrapping_add(self.send.una as u32),
            received: (self.receive.isn.unwrap_or(0)).wrapping_add(self.receive.next as u32),
            position: self.send.next,
            window: self.receive.edge - self.receive.next,
            id: self.next_id,
            stamp: (self.stamp(), self.receive.recent),
            stamps: self.agreed.timestamps,
        }
    }
}

/// Where a host is, for who wants to forge its packets.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The next sequence number it will send.
    pub next: u32,
    /// The first that is not acknowledged.
    pub una: u32,
    /// The next that it waits for.
    pub received: u32,
    /// `next`, counted from its ISN.
    pub position: i64,
    /// Octets that it would take.
    pub window: i64,
    /// Its next IP identification.
    pub id: u16,
    /// Its TSval, and what it echoes.
    pub stamp: (u32, u32),
    /// Whether timestamps are in use.
    pub stamps: bool,
}

impl SendSide {
    fn new(habits: &Habits) -> Self {
        Self {
            una: 0,
            next: 0,
            written: 1,
            closed: false,
            window: 0,
            told_at: -1,
            told_ack: 0,
            widest: 0,
            mss: i64::from(habits.mss),
            flight: VecDeque::new(),
            phase: Phase::Open,
            congestion: Window::new(habits),
            duplicate_acks: 0,
            inflation: 0,
            recover: -1,
            srtt: None,
            rttvar: 0,
            min_rtt: None,
            transmissions: 0,
            rack_order: 0,
            rack_rtt: 0,
            reordering: false,
            highest_sacked: 0,
            backoff: 0,
            probed: None,
            undo: None,
            loss_stamp: None,
            fin_acked: false,
            opened: None,
            cwr: false,
            reduced_until: 0,
            limited: false,
        }
    }
}

impl ReceiveSide {
    fn new(habits: &Habits) -> Self {
        Self {
            isn: None,
            next: 0,
            early: Ranges::default(),
            blocks: VecDeque::new(),
            twice: None,
            edge: 0,
            read: 1,
            fin: None,
            pending: 0,
            recent: 0,
            last_ack: 0,
            echo_congestion: false,
            quick: habits.quick_acks,
            zero: false,
            gone: false,
        }
    }
}
