//! Long transfers in full-size segments, with loss and reordering: bulk and elephant.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::agenda::Agenda;
use super::capture::{ACK, Capture, FIN, Host, Options, SYN, Segment};
use super::ledger::{End, Passage};
use super::noise::{Noise, within};
use super::{MILLISECOND, WINDOW_SCALE, ticks};
use crate::generator::random::Random;
use crate::generator::truth::journal::Trigger;
use crate::generator::truth::{HostState, Reason, Side};

const MSS: u64 = 1448;

/// Senders have an address each; so many there are.
pub(super) const MOST: u64 = 64_000;

/// From a sender to the tap: its own network, in which half of what is lost is lost.
const NEAR: u64 = MILLISECOND;

/// What sets one kind of transfer apart from another.
pub(super) struct Traffic {
    /// Segments a sender keeps in the network, from..to.
    window: (u64, u64),
    /// Round-trip time in nanoseconds, from..to.
    rtt: (u64, u64),
    /// Segments out of a million that the network loses, half before the tap and half after it.
    lost: u32,
    /// Segments out of a million that one or two later ones overtake.
    overtaken: u32,
    /// Where sequence numbers begin; by chance if not told.
    isn: Option<u32>,
}

pub(super) const BULK: Traffic = Traffic {
    window: (8, 40),
    rtt: (10 * MILLISECOND, 80 * MILLISECOND),
    lost: 5_000,
    overtaken: 2_000,
    isn: None,
};

pub(super) const ELEPHANT: Traffic = Traffic {
    window: (400, 401),
    rtt: (20 * MILLISECOND, 20 * MILLISECOND + 1),
    lost: 100,
    overtaken: 50,
    // They wrap after the first 101 MB.
    isn: Some(0xfa00_0000),
};

/// Advertised by a receiver, scaled by `WINDOW_SCALE`: 3 MiB, more than any sender here keeps in flight.
const WINDOW: u16 = 24_576;

/// One host opens and sends, the other acknowledges. Offsets count stream bytes from 0 and never wrap.
struct Transfer {
    sender: Host,
    receiver: Host,
    sender_isn: u32,
    receiver_isn: u32,
    /// Picks the bytes of the stream.
    key: u64,
    rtt: u64,
    /// Segments the sender may have in the network once slow start is over.
    limit: u64,
    /// Each host's timestamp clock starts somewhere else.
    sender_epoch: u32,
    receiver_epoch: u32,

    // The sender's side.
    sent: u64,
    window: u64,
    /// Segments in the network, as far as the sender can tell.
    pipe: u64,
    /// Offsets of the segments the network lost and the sender has not repeated yet.
    lost: VecDeque<u64>,
    /// A segment being overtaken, and by how many more.
    held: Option<(Sent, u64)>,
    /// The next IP identification.
    id: u16,
    /// When it sent last: one segment after another.
    sent_at: u64,
    /// Latest timestamp heard from the receiver.
    heard: u32,
    finished: bool,

    // The receiver's side.
    expected: u64,
    /// What arrived beyond a gap, most recent first, as SACK reports it.
    beyond: Vec<(u64, u64)>,
    /// Segments that arrived since the last ACK.
    unanswered: u64,
    acknowledged: u64,
    receiver_id: u16,
    /// Timestamp to echo (RFC 7323's TS.Recent).
    recent: u32,
}

/// A segment as its sender sent it.
#[derive(Clone, Copy)]
struct Sent {
    offset: u64,
    at: u64,
    id: u16,
    echo: u32,
    reason: Reason,
}

/// An ACK on its way to the sender.
#[derive(Clone, Copy)]
struct Acknowledgement {
    offset: u64,
    blocks: [(u64, u64); 3],
    block_count: usize,
    stamp: u32,
    echo: u32,
    /// Segments that arrived since the ACK before.
    arrived: u64,
}

#[derive(Clone, Copy)]
enum Happening {
    Open,
    SynAckPasses,
    /// What the sender sends on hearing of it passes.
    SynAckHeard,
    DataArrives {
        offset: u64,
        stamp: u32,
    },
    AckPasses(Acknowledgement),
    AckHeard(Acknowledgement),
    FinArrives {
        stamp: u32,
    },
    FinAckPasses {
        stamp: u32,
        echo: u32,
    },
    FinAckHeard,
}

pub(super) struct Transfers {
    traffic: Traffic,
    random: Random,
    noise: Noise,
    agenda: Agenda<(usize, Happening)>,
    transfers: Vec<Transfer>,
}

impl Transfers {
    /// So many of them: no more than [`MOST`].
    pub(super) fn new(mut random: Random, traffic: Traffic, connections: u64) -> Self {
        let connections = connections.min(MOST) as u16;
        let noise = Noise::new(&mut random);
        let mut agenda = Agenda::new();
        let transfers = (0..connections)
            .map(|n| {
                // All of them open within a fifth of a second, whoever was drawn first.
                agenda.add(
                    NEAR + random.below(200) * MILLISECOND,
                    (usize::from(n), Happening::Open),
                );
                Transfer {
                    sender: Host::new(
                        [10, 1, (n / 250) as u8, (n % 250) as u8 + 1],
                        40_000 + n % 20_000,
                    ),
                    receiver: Host::new([10, 2, 0, (n % 50) as u8 + 1], 5001),
                    sender_isn: match traffic.isn {
                        Some(isn) => isn,
                        None => random.next() as u32,
                    },
                    receiver_isn: random.next() as u32,
                    key: random.next(),
                    rtt: within(&mut random, traffic.rtt),
                    limit: within(&mut random, traffic.window),
                    sender_epoch: random.next() as u32,
                    receiver_epoch: random.next() as u32,
                    sent: 0,
                    window: 8,
                    pipe: 0,
                    lost: VecDeque::new(),
                    held: None,
                    id: random.next() as u16,
                    sent_at: 0,
                    heard: 0,
                    finished: false,
                    expected: 0,
                    beyond: Vec::new(),
                    unanswered: 0,
                    acknowledged: 0,
                    receiver_id: random.next() as u16,
                    recent: 0,
                }
            })
            .collect();
        Self {
            traffic,
            random,
            noise,
            agenda,
            transfers,
        }
    }

    /// Writes a capture of about so many octets.
    pub(super) fn run(mut self, capture: &mut Capture<'_>, size: u64) -> ControlFlow<()> {
        while let Some((now, (n, happening))) = self.agenda.next() {
            let ending = capture.octets() >= size;
            match happening {
                Happening::Open => self.open(capture, now, n)?,
                Happening::SynAckPasses => self.establish(capture, now, n)?,
                Happening::SynAckHeard => {
                    self.established(capture, now, n)?;
                    self.send(capture, now, n, ending)?;
                }
                Happening::DataArrives { offset, stamp } => self.receive(now, n, offset, stamp),
                Happening::AckPasses(ack) => self.acknowledge(capture, now, n, ack)?,
                Happening::AckHeard(ack) => {
                    self.acknowledged(capture, now, n, &ack)?;
                    self.send(capture, now, n, ending)?;
                }
                Happening::FinArrives { stamp } => {
                    let transfer = &self.transfers[n];
                    let answer = Happening::FinAckPasses {
                        stamp: ticks(now, transfer.receiver_epoch),
                        echo: stamp,
                    };
                    self.agenda.add(now + transfer.far(), (n, answer));
                }
                Happening::FinAckPasses { stamp, echo } => {
                    self.close(capture, now, n, stamp, echo)?
                }
                Happening::FinAckHeard => self.closed(capture, now, n)?,
            }
        }
        ControlFlow::Continue(())
    }

    fn open(&mut self, capture: &mut Capture<'_>, now: u64, n: usize) -> ControlFlow<()> {
        let transfer = &mut self.transfers[n];
        transfer.recent = ticks(now - NEAR, transfer.sender_epoch);
        let options = Options::syn(WINDOW_SCALE, transfer.recent, 0);
        let header = Segment {
            seq: transfer.sender_isn,
            ack: 0,
            flags: SYN,
            window: 64_240,
            options,
        };
        let passage = transfer.leaves(n, now, HostState::SynSent, HostState::SynReceived);
        let (sender, receiver) = (transfer.sender, transfer.receiver);
        let at = capture.tcp(now, sender, receiver, &header, &[], &passage)?;
        self.agenda
            .add(at + 2 * transfer.far(), (n, Happening::SynAckPasses));
        ControlFlow::Continue(())
    }

    fn establish(&mut self, capture: &mut Capture<'_>, now: u64, n: usize) -> ControlFlow<()> {
        let transfer = &mut self.transfers[n];
        transfer.heard = ticks(now - transfer.far(), transfer.receiver_epoch);
        let syn_ack = Segment {
            seq: transfer.receiver_isn,
            ack: transfer.sender_isn.wrapping_add(1),
            flags: SYN | ACK,
            window: 65_160,
            options: Options::syn(WINDOW_SCALE, transfer.heard, transfer.recent),
        };
        let passage = transfer.comes(n, now, HostState::SynReceived, HostState::Established);
        let (sender, receiver) = (transfer.sender, transfer.receiver);
        let at = capture.tcp(now, receiver, sender, &syn_ack, &[], &passage)?;
        self.agenda.add(at + 2 * NEAR, (n, Happening::SynAckHeard));
        ControlFlow::Continue(())
    }

    fn established(&mut self, capture: &mut Capture<'_>, now: u64, n: usize) -> ControlFlow<()> {
        let transfer = &mut self.transfers[n];
        let stamp = ticks(now - NEAR, transfer.sender_epoch);
        let ack = transfer.sender_segment(0, ACK, stamp, transfer.heard);
        let passage = transfer.leaves(n, now, HostState::Established, HostState::Established);
        let (sender, receiver) = (transfer.sender, transfer.receiver);
        capture.tcp(now, sender, receiver, &ack, &[], &passage)?;
        ControlFlow::Continue(())
    }

    /// Sends what the window lets through, and FIN after the last of it.
    fn send(
        &mut self,
        capture: &mut Capture<'_>,
        now: u64,
        n: usize,
        ending: bool,
    ) -> ControlFlow<()> {
        // A loss is noticed by what arrives after it, so no sender stops while it owes a retransmission.
        loop {
            let transfer = &mut self.transfers[n];
            if transfer.finished || (ending && transfer.lost.is_empty()) {
                break;
            }
            if transfer.pipe >= transfer.window {
                return ControlFlow::Continue(());
            }
            let offset = transfer.sent;
            transfer.sent += MSS;
            transfer.pipe += 1;
            let sent = transfer.depart(offset, now, Reason::Plain);
            if !ending && self.random.chance(self.traffic.lost) {
                transfer.lost.push_back(offset);
                let end = if self.random.chance(500_000) {
                    End::LostAfter
                } else {
                    End::LostBefore
                };
                self.write_data(capture, now, n, sent, end)?;
                continue;
            }
            if !ending && transfer.held.is_none() && self.random.chance(self.traffic.overtaken) {
                transfer.held = Some((sent, 1 + self.random.below(2)));
                continue;
            }
            self.transmit(capture, now, n, sent)?;
            match self.transfers[n].held.take() {
                Some((held, 1)) => self.transmit(capture, now, n, held)?,
                Some((held, more)) => self.transfers[n].held = Some((held, more - 1)),
                None => {}
            }
        }
        if let Some((held, _)) = self.transfers[n].held.take() {
            self.transmit(capture, now, n, held)?;
        }
        let transfer = &mut self.transfers[n];
        if !transfer.finished {
            transfer.finished = true;
            let stamp = ticks(now - NEAR, transfer.sender_epoch);
            let fin = transfer.sender_segment(transfer.sent, FIN | ACK, stamp, transfer.heard);
            let passage = transfer.leaves(n, now, HostState::FinWait1, HostState::LastAck);
            let (sender, receiver) = (transfer.sender, transfer.receiver);
            let at = capture.tcp(now, sender, receiver, &fin, &[], &passage)?;
            self.agenda
                .add(at + transfer.far(), (n, Happening::FinArrives { stamp }));
        }
        ControlFlow::Continue(())
    }

    /// Past the tap and on to the receiver.
    fn transmit(
        &mut self,
        capture: &mut Capture<'_>,
        now: u64,
        n: usize,
        sent: Sent,
    ) -> ControlFlow<()> {
        let far = self.transfers[n].far();
        let end = End::Arrives(far, HostState::Established);
        let at = self.write_data(capture, now, n, sent, end)?;
        let arrives = Happening::DataArrives {
            offset: sent.offset,
            stamp: ticks(sent.at, self.transfers[n].sender_epoch),
        };
        self.agenda.add(at + far, (n, arrives));
        ControlFlow::Continue(())
    }

    fn write_data(
        &self,
        capture: &mut Capture<'_>,
        now: u64,
        n: usize,
        sent: Sent,
        end: End,
    ) -> ControlFlow<(), u64> {
        let transfer = &self.transfers[n];
        let stamp = ticks(sent.at, transfer.sender_epoch);
        let header = transfer.sender_segment(sent.offset, ACK, stamp, sent.echo);
        let payload = self.noise.stream(transfer.key, sent.offset, MSS);
        let passage = Passage {
            connection: Some(n as u32),
            from: Side::Client,
            sent: sent.at,
            id: sent.id,
            reason: sent.reason,
            state: HostState::Established,
            end,
        };
        let (sender, receiver) = (transfer.sender, transfer.receiver);
        capture.tcp(now, sender, receiver, &header, payload, &passage)
    }

    fn receive(&mut self, now: u64, n: usize, offset: u64, stamp: u32) {
        let transfer = &mut self.transfers[n];
        let gap_before = !transfer.beyond.is_empty();
        if offset <= transfer.acknowledged {
            transfer.recent = stamp;
        }
        transfer.unanswered += 1;
        if offset == transfer.expected {
            transfer.expected += MSS;
            while let Some(i) = transfer
                .beyond
                .iter()
                .position(|&(start, _)| start == transfer.expected)
            {
                transfer.expected = transfer.beyond.remove(i).1;
            }
        } else {
            let mut block = (offset, offset + MSS);
            transfer.beyond.retain(|&(start, end)| {
                let touches = end == block.0 || start == block.1;
                if touches {
                    block = (block.0.min(start), block.1.max(end));
                }
                !touches
            });
            transfer.beyond.insert(0, block);
        }
        // RFC 5681: every second segment, and at once while something is missing or has just been filled.
        if transfer.unanswered < 2 && !gap_before && transfer.beyond.is_empty() {
            return;
        }
        let mut blocks = [(0, 0); 3];
        let block_count = transfer.beyond.len().min(3);
        blocks[..block_count].copy_from_slice(&transfer.beyond[..block_count]);
        let ack = Acknowledgement {
            offset: transfer.expected,
            blocks,
            block_count,
            stamp: ticks(now, transfer.receiver_epoch),
            echo: transfer.recent,
            arrived: transfer.unanswered,
        };
        transfer.acknowledged = transfer.expected;
        transfer.unanswered = 0;
        self.agenda
            .add(now + transfer.far(), (n, Happening::AckPasses(ack)));
    }

    fn acknowledge(
        &mut self,
        capture: &mut Capture<'_>,
        now: u64,
        n: usize,
        ack: Acknowledgement,
    ) -> ControlFlow<()> {
        let transfer = &mut self.transfers[n];
        let first = transfer.sender_isn.wrapping_add(1);
        let mut options = Options::stamped(ack.stamp, ack.echo);
        if ack.block_count > 0 {
            let blocks = &ack.blocks[..ack.block_count];
            options.sack(
                blocks
                    .iter()
                    .map(|&(a, b)| (first.wrapping_add(a as u32), first.wrapping_add(b as u32))),
            );
        }
        let header = Segment {
            seq: transfer.receiver_isn.wrapping_add(1),
            ack: first.wrapping_add(ack.offset as u32),
            flags: ACK,
            window: WINDOW,
            options,
        };
        let established = HostState::Established;
        let passage = transfer.comes(n, now, established, established);
        let (sender, receiver) = (transfer.sender, transfer.receiver);
        let at = capture.tcp(now, receiver, sender, &header, &[], &passage)?;
        self.agenda
            .add(at + 2 * NEAR, (n, Happening::AckHeard(ack)));
        ControlFlow::Continue(())
    }

    fn acknowledged(
        &mut self,
        capture: &mut Capture<'_>,
        now: u64,
        n: usize,
        ack: &Acknowledgement,
    ) -> ControlFlow<()> {
        let transfer = &mut self.transfers[n];
        let blocks = &ack.blocks[..ack.block_count];
        let highest = blocks.iter().map(|&(_, end)| end).max().unwrap_or(0);
        transfer.heard = ack.stamp;
        transfer.pipe -= ack.arrived;
        transfer.window = transfer.limit.min(transfer.window + ack.arrived);
        // Three segments reported beyond a lost one make it lost for the sender too (RFC 6675).
        while let Some(offset) = self.transfers[n]
            .lost
            .front()
            .copied()
            .filter(|lost| lost + 4 * MSS <= highest)
        {
            let transfer = &mut self.transfers[n];
            transfer.lost.pop_front();
            let sent = transfer.depart(offset, now, Reason::Again(Trigger::Fast));
            self.transmit(capture, now, n, sent)?;
        }
        ControlFlow::Continue(())
    }

    fn close(
        &mut self,
        capture: &mut Capture<'_>,
        now: u64,
        n: usize,
        stamp: u32,
        echo: u32,
    ) -> ControlFlow<()> {
        let transfer = &mut self.transfers[n];
        let fin = Segment {
            seq: transfer.receiver_isn.wrapping_add(1),
            ack: transfer
                .sender_isn
                .wrapping_add(2)
                .wrapping_add(transfer.sent as u32),
            flags: FIN | ACK,
            window: WINDOW,
            options: Options::stamped(stamp, echo),
        };
        let passage = transfer.comes(n, now, HostState::LastAck, HostState::TimeWait);
        let (sender, receiver) = (transfer.sender, transfer.receiver);
        let at = capture.tcp(now, receiver, sender, &fin, &[], &passage)?;
        transfer.heard = stamp;
        self.agenda.add(at + 2 * NEAR, (n, Happening::FinAckHeard));
        ControlFlow::Continue(())
    }

    fn closed(&mut self, capture: &mut Capture<'_>, now: u64, n: usize) -> ControlFlow<()> {
        let transfer = &mut self.transfers[n];
        let stamp = ticks(now - NEAR, transfer.sender_epoch);
        let mut last = transfer.sender_segment(transfer.sent + 1, ACK, stamp, transfer.heard);
        last.ack = transfer.receiver_isn.wrapping_add(2);
        let passage = transfer.leaves(n, now, HostState::TimeWait, HostState::Closed);
        let (sender, receiver) = (transfer.sender, transfer.receiver);
        capture.tcp(now, sender, receiver, &last, &[], &passage)?;
        ControlFlow::Continue(())
    }
}

impl Transfer {
    /// From the tap to the receiver.
    const fn far(&self) -> u64 {
        self.rtt / 2 - NEAR
    }

    /// A segment that passes the tap now, unless something holds it up.
    fn depart(&mut self, offset: u64, now: u64, reason: Reason) -> Sent {
        let id = self.id;
        self.id = id.wrapping_add(1);
        self.sent_at = (self.sent_at + 1).max(now - NEAR);
        Sent {
            offset,
            at: self.sent_at,
            id,
            echo: self.heard,
            reason,
        }
    }

    /// A segment without data that leaves the sender; the states of both hosts after it.
    fn leaves(&mut self, n: usize, now: u64, here: HostState, there: HostState) -> Passage {
        let sent = self.depart(0, now, Reason::Plain);
        Passage {
            connection: Some(n as u32),
            from: Side::Client,
            sent: sent.at,
            id: sent.id,
            reason: sent.reason,
            state: here,
            end: End::Arrives(self.far(), there),
        }
    }

    /// One that goes to the sender; the states of both hosts after it.
    fn comes(&mut self, n: usize, now: u64, there: HostState, here: HostState) -> Passage {
        let id = self.receiver_id;
        self.receiver_id = id.wrapping_add(1);
        Passage {
            connection: Some(n as u32),
            from: Side::Server,
            sent: now - self.far(),
            id,
            reason: Reason::Plain,
            state: there,
            end: End::Arrives(NEAR, here),
        }
    }

    fn sender_segment(&self, offset: u64, flags: u8, stamp: u32, echo: u32) -> Segment {
        Segment {
            seq: self.sender_isn.wrapping_add(1).wrapping_add(offset as u32),
            ack: self.receiver_isn.wrapping_add(1),
            flags,
            window: 502,
            options: Options::stamped(stamp, echo),
        }
    }
}
