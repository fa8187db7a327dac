//! Downloads in full-size segments, with loss and reordering: bulk and elephant.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::agenda::Agenda;
use super::capture::{ACK, Capture, FIN, Host, Options, SYN, Segment};
use super::noise::{Noise, within};
use super::{MILLISECOND, WINDOW_SCALE, ticks};
use crate::generator::random::Random;

const MSS: u64 = 1448;

/// Senders have an address each; so many there are.
pub(super) const MOST: u64 = 64_000;

/// What sets one kind of download apart from another.
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

/// One host sends, the other acknowledges. Offsets count stream bytes from 0 and never wrap.
struct Download {
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
    held: Option<(u64, u64)>,
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
    /// Timestamp to echo (RFC 7323's TS.Recent).
    recent: u32,
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
    SynAckArrives,
    DataArrives { offset: u64, stamp: u32 },
    AckArrives(Acknowledgement),
    FinArrives { stamp: u32 },
    FinAckArrives { stamp: u32, echo: u32 },
}

pub(super) struct Downloads {
    traffic: Traffic,
    random: Random,
    noise: Noise,
    agenda: Agenda<(usize, Happening)>,
    downloads: Vec<Download>,
}

impl Downloads {
    /// So many of them: no more than [`MOST`].
    pub(super) fn new(mut random: Random, traffic: Traffic, connections: u64) -> Self {
        let connections = connections.min(MOST) as u16;
        let noise = Noise::new(&mut random);
        let mut agenda = Agenda::new();
        let downloads = (0..connections)
            .map(|n| {
                // All of them open within a fifth of a second, whoever was drawn first.
                agenda.add(
                    random.below(200) * MILLISECOND,
                    (usize::from(n), Happening::Open),
                );
                Download {
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
                    heard: 0,
                    finished: false,
                    expected: 0,
                    beyond: Vec::new(),
                    unanswered: 0,
                    acknowledged: 0,
                    recent: 0,
                }
            })
            .collect();
        Self {
            traffic,
            random,
            noise,
            agenda,
            downloads,
        }
    }

    /// Writes a capture of about so many octets.
    pub(super) fn run(mut self, capture: &mut Capture<'_>, size: u64) -> ControlFlow<()> {
        while let Some((now, (n, happening))) = self.agenda.next() {
            let ending = capture.octets() >= size;
            match happening {
                Happening::Open => self.open(capture, now, n)?,
                Happening::SynAckArrives => {
                    self.establish(capture, now, n)?;
                    self.send(capture, now, n, ending)?;
                }
                Happening::DataArrives { offset, stamp } => self.receive(now, n, offset, stamp),
                Happening::AckArrives(ack) => {
                    self.acknowledge(capture, now, n, &ack)?;
                    self.send(capture, now, n, ending)?;
                }
                Happening::FinArrives { stamp } => {
                    let download = &self.downloads[n];
                    let answer = Happening::FinAckArrives {
                        stamp: ticks(now, download.receiver_epoch),
                        echo: stamp,
                    };
                    self.agenda.add(now + download.rtt / 2, (n, answer));
                }
                Happening::FinAckArrives { stamp, echo } => {
                    self.close(capture, now, n, stamp, echo)?
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn open(&mut self, capture: &mut Capture<'_>, now: u64, n: usize) -> ControlFlow<()> {
        let download = &mut self.downloads[n];
        download.recent = ticks(now, download.sender_epoch);
        let options = Options::syn(WINDOW_SCALE, download.recent, 0);
        let header = Segment {
            seq: download.sender_isn,
            ack: 0,
            flags: SYN,
            window: 64_240,
            options,
        };
        let at = capture.tcp(now, download.sender, download.receiver, &header, &[])?;
        self.agenda
            .add(at + download.rtt, (n, Happening::SynAckArrives));
        ControlFlow::Continue(())
    }

    fn establish(&mut self, capture: &mut Capture<'_>, now: u64, n: usize) -> ControlFlow<()> {
        let download = &mut self.downloads[n];
        download.heard = ticks(now - download.rtt / 2, download.receiver_epoch);
        let syn_ack = Segment {
            seq: download.receiver_isn,
            ack: download.sender_isn.wrapping_add(1),
            flags: SYN | ACK,
            window: 65_160,
            options: Options::syn(WINDOW_SCALE, download.heard, download.recent),
        };
        let at = capture.tcp(now, download.receiver, download.sender, &syn_ack, &[])?;
        let ack = download.sender_segment(0, ACK, ticks(now, download.sender_epoch));
        capture.tcp(at, download.sender, download.receiver, &ack, &[])?;
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
            let download = &mut self.downloads[n];
            if download.finished || (ending && download.lost.is_empty()) {
                break;
            }
            if download.pipe >= download.window {
                return ControlFlow::Continue(());
            }
            let offset = download.sent;
            download.sent += MSS;
            download.pipe += 1;
            if !ending && self.random.chance(self.traffic.lost) {
                download.lost.push_back(offset);
                if self.random.chance(500_000) {
                    self.write_data(capture, now, n, offset)?;
                }
                continue;
            }
            if !ending && download.held.is_none() && self.random.chance(self.traffic.overtaken) {
                download.held = Some((offset, 1 + self.random.below(2)));
                continue;
            }
            self.transmit(capture, now, n, offset)?;
            match self.downloads[n].held.take() {
                Some((held, 1)) => self.transmit(capture, now, n, held)?,
                Some((held, more)) => self.downloads[n].held = Some((held, more - 1)),
                None => {}
            }
        }
        if let Some((held, _)) = self.downloads[n].held.take() {
            self.transmit(capture, now, n, held)?;
        }
        let download = &mut self.downloads[n];
        if !download.finished {
            download.finished = true;
            let stamp = ticks(now, download.sender_epoch);
            let fin = download.sender_segment(download.sent, FIN | ACK, stamp);
            let at = capture.tcp(now, download.sender, download.receiver, &fin, &[])?;
            self.agenda
                .add(at + download.rtt / 2, (n, Happening::FinArrives { stamp }));
        }
        ControlFlow::Continue(())
    }

    /// Past the tap and on to the receiver.
    fn transmit(
        &mut self,
        capture: &mut Capture<'_>,
        now: u64,
        n: usize,
        offset: u64,
    ) -> ControlFlow<()> {
        let (at, stamp) = self.write_data(capture, now, n, offset)?;
        self.agenda.add(
            at + self.downloads[n].rtt / 2,
            (n, Happening::DataArrives { offset, stamp }),
        );
        ControlFlow::Continue(())
    }

    fn write_data(
        &self,
        capture: &mut Capture<'_>,
        now: u64,
        n: usize,
        offset: u64,
    ) -> ControlFlow<(), (u64, u32)> {
        let download = &self.downloads[n];
        let stamp = ticks(now, download.sender_epoch);
        let header = download.sender_segment(offset, ACK, stamp);
        let payload = self.noise.stream(download.key, offset, MSS);
        let at = capture.tcp(now, download.sender, download.receiver, &header, payload)?;
        ControlFlow::Continue((at, stamp))
    }

    fn receive(&mut self, now: u64, n: usize, offset: u64, stamp: u32) {
        let download = &mut self.downloads[n];
        let gap_before = !download.beyond.is_empty();
        if offset <= download.acknowledged {
            download.recent = stamp;
        }
        download.unanswered += 1;
        if offset == download.expected {
            download.expected += MSS;
            while let Some(i) = download
                .beyond
                .iter()
                .position(|&(start, _)| start == download.expected)
            {
                download.expected = download.beyond.remove(i).1;
            }
        } else {
            let mut block = (offset, offset + MSS);
            download.beyond.retain(|&(start, end)| {
                let touches = end == block.0 || start == block.1;
                if touches {
                    block = (block.0.min(start), block.1.max(end));
                }
                !touches
            });
            download.beyond.insert(0, block);
        }
        // RFC 5681: every second segment, and at once while something is missing or has just been filled.
        if download.unanswered < 2 && !gap_before && download.beyond.is_empty() {
            return;
        }
        let mut blocks = [(0, 0); 3];
        let block_count = download.beyond.len().min(3);
        blocks[..block_count].copy_from_slice(&download.beyond[..block_count]);
        let ack = Acknowledgement {
            offset: download.expected,
            blocks,
            block_count,
            stamp: ticks(now, download.receiver_epoch),
            echo: download.recent,
            arrived: download.unanswered,
        };
        download.acknowledged = download.expected;
        download.unanswered = 0;
        self.agenda
            .add(now + download.rtt / 2, (n, Happening::AckArrives(ack)));
    }

    fn acknowledge(
        &mut self,
        capture: &mut Capture<'_>,
        now: u64,
        n: usize,
        ack: &Acknowledgement,
    ) -> ControlFlow<()> {
        let download = &mut self.downloads[n];
        let first = download.sender_isn.wrapping_add(1);
        let mut options = Options::stamped(ack.stamp, ack.echo);
        let mut highest = 0;
        if ack.block_count > 0 {
            let blocks = &ack.blocks[..ack.block_count];
            options.sack(
                blocks
                    .iter()
                    .map(|&(a, b)| (first.wrapping_add(a as u32), first.wrapping_add(b as u32))),
            );
            highest = blocks.iter().map(|&(_, end)| end).max().unwrap_or(0);
        }
        let header = Segment {
            seq: download.receiver_isn.wrapping_add(1),
            ack: first.wrapping_add(ack.offset as u32),
            flags: ACK,
            window: WINDOW,
            options,
        };
        capture.tcp(now, download.receiver, download.sender, &header, &[])?;
        download.heard = ack.stamp;
        download.pipe -= ack.arrived;
        download.window = download.limit.min(download.window + ack.arrived);
        // Three segments reported beyond a lost one make it lost for the sender too (RFC 6675).
        while let Some(offset) = self.downloads[n]
            .lost
            .front()
            .copied()
            .filter(|lost| lost + 4 * MSS <= highest)
        {
            self.downloads[n].lost.pop_front();
            self.transmit(capture, now, n, offset)?;
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
        let download = &mut self.downloads[n];
        let fin = Segment {
            seq: download.receiver_isn.wrapping_add(1),
            ack: download
                .sender_isn
                .wrapping_add(2)
                .wrapping_add(download.sent as u32),
            flags: FIN | ACK,
            window: WINDOW,
            options: Options::stamped(stamp, echo),
        };
        let at = capture.tcp(now, download.receiver, download.sender, &fin, &[])?;
        download.heard = stamp;
        let mut last =
            download.sender_segment(download.sent + 1, ACK, ticks(at, download.sender_epoch));
        last.ack = download.receiver_isn.wrapping_add(2);
        capture.tcp(at, download.sender, download.receiver, &last, &[])?;
        ControlFlow::Continue(())
    }
}

impl Download {
    fn sender_segment(&self, offset: u64, flags: u8, stamp: u32) -> Segment {
        Segment {
            seq: self.sender_isn.wrapping_add(1).wrapping_add(offset as u32),
            ack: self.receiver_isn.wrapping_add(1),
            flags,
            window: 502,
            options: Options::stamped(stamp, self.heard),
        }
    }
}
