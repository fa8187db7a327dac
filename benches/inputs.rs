//! Writes the captures that the benchmarks read: `cargo bench --bench inputs -- KIND OUT [--size N] [--seed N]`.
//!
//! A small discrete-event network writes what a tap beside the sender would have seen, straight to a
//! nanosecond pcap file. The same arguments give the same bytes on every machine. Memory depends on how many
//! connections are open at once, never on the size of the file.
//!
//! Nothing of tcplens is used, so that a mistake in its decoder cannot hide in its own benchmark inputs. Every IPv4,
//! TCP and UDP checksum is right, and a byte of a stream is a function of its connection and its offset: a
//! retransmission carries what the original carried.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo bench --bench inputs -- KIND OUT [--size BYTES] [--seed NUMBER]

  bulk      1,000 concurrent downloads in full-size segments, with loss and reordering   (2G)
  mice      200,000 short connections of small messages, a tenth of the frames UDP        (1G)
  flood     SYNs of 4 million half-open connections, each from another source           (304M)
  elephant  one long download                                                             (1G)

BYTES may end in K, M or G (powers of 1000); a large file comes out within a few per cent of it.";

fn main() -> ExitCode {
    // Cargo appends `--bench` to the arguments of every bench target.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    if arguments.is_empty() {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some(order) = Order::parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match order.fill() {
        Ok((frames, bytes)) => {
            println!("{}: {frames} frames, {bytes} bytes", order.out);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", order.out);
            ExitCode::FAILURE
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Bulk,
    Mice,
    Flood,
    Elephant,
}

struct Order {
    kind: Kind,
    out: String,
    size: u64,
    seed: u64,
}

impl Order {
    fn parse(arguments: &[String]) -> Option<Self> {
        let (kind, size) = match arguments.first()?.as_str() {
            "bulk" => (Kind::Bulk, 2_000_000_000),
            "mice" => (Kind::Mice, 1_000_000_000),
            "flood" => (Kind::Flood, 4_000_000 * FLOOD_RECORD),
            "elephant" => (Kind::Elephant, 1_000_000_000),
            _ => return None,
        };
        let mut order = Self {
            kind,
            out: arguments.get(1)?.clone(),
            size,
            seed: 1,
        };
        for option in arguments[2..].chunks(2) {
            match option {
                [name, value] if name == "--size" => order.size = parse_size(value)?,
                [name, value] if name == "--seed" => order.seed = value.parse().ok()?,
                _ => return None,
            }
        }
        Some(order)
    }

    fn fill(&self) -> io::Result<(u64, u64)> {
        let mut capture = Capture::create(&self.out)?;
        let rng = Rng(self.seed);
        match self.kind {
            Kind::Bulk => Downloads::new(rng, BULK).run(&mut capture, self.size)?,
            Kind::Elephant => Downloads::new(rng, ELEPHANT).run(&mut capture, self.size)?,
            Kind::Mice => mice(rng, &mut capture, self.size)?,
            Kind::Flood => flood(rng, &mut capture, self.size)?,
        }
        capture.finish()
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 1_000),
        b'M' => (&text[..text.len() - 1], 1_000_000),
        b'G' => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

// ---------------------------------------------------------------------------------------------------------------------
// Downloads: bulk and elephant
// ---------------------------------------------------------------------------------------------------------------------

const MSS: u64 = 1448;
const MILLISECOND: u64 = 1_000_000;

/// What sets one kind of download apart from another.
struct Traffic {
    connections: usize,
    /// Segments a sender keeps in the network, from..to.
    window: (u64, u64),
    /// Round-trip time in nanoseconds, from..to.
    rtt: (u64, u64),
    /// Segments out of a million that the network loses, half before the tap and half after it.
    lost: u64,
    /// Segments out of a million that one or two later ones overtake.
    overtaken: u64,
}

const BULK: Traffic = Traffic {
    connections: 1_000,
    window: (8, 40),
    rtt: (10 * MILLISECOND, 80 * MILLISECOND),
    lost: 5_000,
    overtaken: 2_000,
};

const ELEPHANT: Traffic = Traffic {
    connections: 1,
    window: (400, 401),
    rtt: (20 * MILLISECOND, 20 * MILLISECOND + 1),
    lost: 100,
    overtaken: 50,
};

/// Advertised by a receiver, scaled by `WINDOW_SCALE`: 3 MiB, more than any sender here keeps in flight.
const WINDOW: u16 = 24_576;
const WINDOW_SCALE: u8 = 7;

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

struct Downloads {
    traffic: Traffic,
    rng: Rng,
    noise: Noise,
    agenda: Agenda<(usize, Happening)>,
    downloads: Vec<Download>,
}

impl Downloads {
    fn new(mut rng: Rng, traffic: Traffic) -> Self {
        let noise = Noise::new(&mut rng);
        let mut agenda = Agenda::new();
        let downloads = (0..traffic.connections)
            .map(|n| {
                // All of them open within a fifth of a second, whoever was drawn first.
                agenda.add(rng.below(200) * MILLISECOND, (n, Happening::Open));
                Download {
                    sender: Host::new(
                        [10, 1, (n / 250) as u8, (n % 250) as u8 + 1],
                        40_000 + n as u16 % 20_000,
                    ),
                    receiver: Host::new([10, 2, 0, (n % 50) as u8 + 1], 5001),
                    // The elephant's sequence numbers wrap after its first 101 MB.
                    sender_isn: if traffic.connections == 1 {
                        0xfa00_0000
                    } else {
                        rng.next() as u32
                    },
                    receiver_isn: rng.next() as u32,
                    key: rng.next(),
                    rtt: rng.between(traffic.rtt),
                    limit: rng.between(traffic.window),
                    sender_epoch: rng.next() as u32,
                    receiver_epoch: rng.next() as u32,
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
            rng,
            noise,
            agenda,
            downloads,
        }
    }

    fn run(mut self, capture: &mut Capture, size: u64) -> io::Result<()> {
        while let Some((now, (n, happening))) = self.agenda.next() {
            let ending = capture.bytes >= size;
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
        Ok(())
    }

    fn open(&mut self, capture: &mut Capture, now: u64, n: usize) -> io::Result<()> {
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
        Ok(())
    }

    fn establish(&mut self, capture: &mut Capture, now: u64, n: usize) -> io::Result<()> {
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
        Ok(())
    }

    /// Sends what the window lets through, and FIN after the last of it.
    fn send(&mut self, capture: &mut Capture, now: u64, n: usize, ending: bool) -> io::Result<()> {
        // A loss is noticed by what arrives after it, so no sender stops while it owes a retransmission.
        loop {
            let download = &mut self.downloads[n];
            if download.finished || (ending && download.lost.is_empty()) {
                break;
            }
            if download.pipe >= download.window {
                return Ok(());
            }
            let offset = download.sent;
            download.sent += MSS;
            download.pipe += 1;
            if !ending && self.rng.chance(self.traffic.lost) {
                download.lost.push_back(offset);
                if self.rng.chance(500_000) {
                    self.write_data(capture, now, n, offset)?;
                }
                continue;
            }
            if !ending && download.held.is_none() && self.rng.chance(self.traffic.overtaken) {
                download.held = Some((offset, 1 + self.rng.below(2)));
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
        Ok(())
    }

    /// Past the tap and on to the receiver.
    fn transmit(
        &mut self,
        capture: &mut Capture,
        now: u64,
        n: usize,
        offset: u64,
    ) -> io::Result<()> {
        let (at, stamp) = self.write_data(capture, now, n, offset)?;
        self.agenda.add(
            at + self.downloads[n].rtt / 2,
            (n, Happening::DataArrives { offset, stamp }),
        );
        Ok(())
    }

    fn write_data(
        &self,
        capture: &mut Capture,
        now: u64,
        n: usize,
        offset: u64,
    ) -> io::Result<(u64, u32)> {
        let download = &self.downloads[n];
        let stamp = ticks(now, download.sender_epoch);
        let header = download.sender_segment(offset, ACK, stamp);
        let payload = self.noise.stream(download.key, offset, MSS);
        let at = capture.tcp(now, download.sender, download.receiver, &header, payload)?;
        Ok((at, stamp))
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
        capture: &mut Capture,
        now: u64,
        n: usize,
        ack: &Acknowledgement,
    ) -> io::Result<()> {
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
        Ok(())
    }

    fn close(
        &mut self,
        capture: &mut Capture,
        now: u64,
        n: usize,
        stamp: u32,
        echo: u32,
    ) -> io::Result<()> {
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
        Ok(())
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

/// A timestamp clock of one tick a millisecond.
fn ticks(now: u64, epoch: u32) -> u32 {
    epoch.wrapping_add((now / MILLISECOND) as u32)
}

// ---------------------------------------------------------------------------------------------------------------------
// Mice
// ---------------------------------------------------------------------------------------------------------------------

/// Conversations open at once.
const MICE_AT_ONCE: u64 = 4_000;
/// UDP conversations for each hundred TCP connections; a tenth of the frames are UDP's then.
const UDP_PER_HUNDRED: u64 = 60;

struct Mouse {
    client: Host,
    server: Host,
    udp: bool,
    key: u64,
    rtt: u64,
    step: u64,
    /// Questions the client will ask.
    questions: u64,
    /// Next sequence numbers: client, server.
    seq: [u32; 2],
    epoch: [u32; 2],
    /// Latest timestamps sent, for the other to echo.
    stamp: [u32; 2],
}

fn mice(mut rng: Rng, capture: &mut Capture, size: u64) -> io::Result<()> {
    let noise = Noise::new(&mut rng);
    let connections = size / 5_000;
    let mut left = [connections, connections * UDP_PER_HUNDRED / 100];
    let mut agenda = Agenda::new();
    for slot in 0..MICE_AT_ONCE.min(left[0] + left[1]) {
        let start = slot * MILLISECOND / 4;
        agenda.add(
            start,
            next_mouse(&mut rng, &mut left).expect("as many as there are slots"),
        );
    }
    while let Some((now, mut mouse)) = agenda.next() {
        let pause = if mouse.udp {
            mouse.exchange_datagram(&mut rng, &noise, capture, now)?
        } else {
            mouse.exchange_segment(&mut rng, &noise, capture, now)?
        };
        match pause {
            Some(pause) => agenda.add(now + pause, mouse),
            None => {
                if let Some(mouse) = next_mouse(&mut rng, &mut left) {
                    agenda.add(now + rng.below(20 * MILLISECOND), mouse);
                }
            }
        }
    }
    Ok(())
}

/// TCP or UDP, each as likely as there are conversations of it left, so that both end together.
fn next_mouse(rng: &mut Rng, left: &mut [u64; 2]) -> Option<Mouse> {
    if left[0] + left[1] == 0 {
        return None;
    }
    let udp = rng.below(left[0] + left[1]) >= left[0];
    let number = &mut left[usize::from(udp)];
    *number -= 1;
    // No two conversations of one protocol share an address and a port: 4,096 hosts, each using a port once.
    let (host, port) = ((*number % 4096) as u16, (*number / 4096) as u16);
    // Ports of no protocol: what is measured is TCP and UDP, not a reader's HTTP.
    let server_port = if udp {
        5201
    } else {
        5101 + rng.below(4) as u16
    };
    Some(Mouse {
        client: Host::new([10, 3, (host >> 8) as u8, host as u8], 32_768 + port),
        server: Host::new([10, 4, 0, rng.below(200) as u8 + 1], server_port),
        udp,
        key: rng.next(),
        rtt: rng.between((MILLISECOND, 60 * MILLISECOND)),
        step: 0,
        questions: if udp {
            rng.between((1, 6))
        } else {
            rng.between((4, 14))
        },
        seq: [rng.next() as u32, rng.next() as u32],
        epoch: [rng.next() as u32, rng.next() as u32],
        stamp: [0; 2],
    })
}

impl Mouse {
    /// Writes the next datagram; says when the one after it is due, `None` after the last.
    fn exchange_datagram(
        &mut self,
        rng: &mut Rng,
        noise: &Noise,
        capture: &mut Capture,
        now: u64,
    ) -> io::Result<Option<u64>> {
        let question = self.step.is_multiple_of(2);
        let (from, to) = if question {
            (self.client, self.server)
        } else {
            (self.server, self.client)
        };
        let len = if question {
            rng.between((28, 70))
        } else {
            rng.between((44, 200))
        };
        capture.udp(now, from, to, noise.stream(self.key, self.step * 512, len))?;
        self.step += 1;
        if self.step == 2 * self.questions {
            return Ok(None);
        }
        Ok(Some(if question {
            self.rtt
        } else {
            rng.below(100 * MILLISECOND)
        }))
    }

    /// Writes the next segment: handshake, then question, answer and ACK in turn, then a close in four steps.
    fn exchange_segment(
        &mut self,
        rng: &mut Rng,
        noise: &Noise,
        capture: &mut Capture,
        now: u64,
    ) -> io::Result<Option<u64>> {
        const CLIENT: usize = 0;
        const SERVER: usize = 1;
        let talk = 3 * self.questions;
        let (who, flags, len, pause) = match self.step {
            0 => (CLIENT, SYN, 0, self.rtt),
            1 => (SERVER, SYN | ACK, 0, 20_000),
            2 => (CLIENT, ACK, 0, 50_000),
            step if step < 3 + talk => match (step - 3) % 3 {
                0 => (CLIENT, PSH | ACK, rng.between((16, 150)), self.rtt),
                1 => (SERVER, PSH | ACK, rng.between((16, 250)), 30_000),
                _ => (CLIENT, ACK, 0, rng.below(200 * MILLISECOND)),
            },
            step => match step - 3 - talk {
                0 => (CLIENT, FIN | ACK, 0, self.rtt),
                1 => (SERVER, ACK, 0, 40_000),
                2 => (SERVER, FIN | ACK, 0, 30_000),
                _ => (CLIENT, ACK, 0, 0),
            },
        };
        let other = 1 - who;
        let (stamp, echo) = (ticks(now, self.epoch[who]), self.stamp[other]);
        self.stamp[who] = stamp;
        let opening = flags & SYN != 0;
        let header = Segment {
            seq: self.seq[who],
            ack: if flags & ACK == 0 { 0 } else { self.seq[other] },
            flags,
            window: if opening { 64_240 } else { 502 },
            options: if opening {
                Options::syn(WINDOW_SCALE, stamp, echo)
            } else {
                Options::stamped(stamp, echo)
            },
        };
        let hosts = [self.client, self.server];
        let payload = noise.stream(self.key, self.step * 512, len);
        capture.tcp(now, hosts[who], hosts[other], &header, payload)?;
        let phantom = u32::from(flags & (SYN | FIN) != 0);
        self.seq[who] = self.seq[who].wrapping_add(len as u32 + phantom);
        self.step += 1;
        Ok((self.step < 3 + talk + 4).then_some(pause))
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Flood
// ---------------------------------------------------------------------------------------------------------------------

/// A SYN with one option, padded to the shortest Ethernet frame, and its pcap record header.
const FLOOD_RECORD: u64 = 16 + 60;

fn flood(mut rng: Rng, capture: &mut Capture, size: u64) -> io::Result<()> {
    let victim = Host::new([10, 0, 0, 1], 80);
    for n in 0..size / FLOOD_RECORD {
        // An odd factor visits every one of 2^24 addresses once before any of them again.
        let scattered = (n as u32).wrapping_mul(0x9e37_79b1) & 0x00ff_ffff;
        let [_, a, b, c] = scattered.to_be_bytes();
        let source = Host::new([10, a, b, c], rng.between((1024, 65_536)) as u16);
        let header = Segment {
            seq: rng.next() as u32,
            ack: 0,
            flags: SYN,
            window: 64_240,
            options: Options::mss_only(),
        };
        capture.tcp(n * 700 + rng.below(600), source, victim, &header, &[])?;
    }
    Ok(())
}

// ---------------------------------------------------------------------------------------------------------------------
// Frames and the file
// ---------------------------------------------------------------------------------------------------------------------

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

const ETHERNET: usize = 14;
const IPV4: usize = 20;
const SHORTEST_FRAME: usize = 60;
const LONGEST_HEADERS: usize = ETHERNET + IPV4 + 60;

#[derive(Clone, Copy)]
struct Host {
    address: [u8; 4],
    port: u16,
}

impl Host {
    fn new(address: [u8; 4], port: u16) -> Self {
        Self { address, port }
    }

    /// Locally administered, with the address inside.
    fn mac(self) -> [u8; 6] {
        let [a, b, c, d] = self.address;
        [0x02, 0x00, a, b, c, d]
    }
}

struct Segment {
    seq: u32,
    ack: u32,
    flags: u8,
    window: u16,
    options: Options,
}

/// TCP options, always a multiple of four bytes.
struct Options {
    bytes: [u8; 40],
    len: usize,
}

impl Options {
    fn new() -> Self {
        Self {
            bytes: [0; 40],
            len: 0,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn mss_only() -> Self {
        let mut options = Self::new();
        options.push(&[2, 4, 0x05, 0xb4]);
        options
    }

    /// In Linux's order: MSS 1460, SACK permitted, timestamps, NOP, window scale.
    fn syn(scale: u8, stamp: u32, echo: u32) -> Self {
        let mut options = Self::mss_only();
        options.push(&[4, 2, 8, 10]);
        options.push(&stamp.to_be_bytes());
        options.push(&echo.to_be_bytes());
        options.push(&[1, 3, 3, scale]);
        options
    }

    fn stamped(stamp: u32, echo: u32) -> Self {
        let mut options = Self::new();
        options.push(&[1, 1, 8, 10]);
        options.push(&stamp.to_be_bytes());
        options.push(&echo.to_be_bytes());
        options
    }

    fn sack(&mut self, blocks: impl ExactSizeIterator<Item = (u32, u32)>) {
        self.push(&[1, 1, 5, 2 + 8 * blocks.len() as u8]);
        for (start, end) in blocks {
            self.push(&start.to_be_bytes());
            self.push(&end.to_be_bytes());
        }
    }
}

/// A pcap file with nanosecond timestamps, written a megabyte at a time.
///
/// Frames pass the tap one after another on a link of 10 Gbit/s: asked for a time that is already taken, a frame
/// queues. So time never goes backwards in the file.
struct Capture {
    file: File,
    buffer: Vec<u8>,
    clock: u64,
    frames: u64,
    bytes: u64,
}

impl Capture {
    /// 14 November 2023, 22:13:20 UTC.
    const EPOCH: u64 = 1_700_000_000;
    const FLUSH_AT: usize = 1 << 20;

    fn create(path: &str) -> io::Result<Self> {
        let mut buffer = Vec::with_capacity(Self::FLUSH_AT + 2048);
        buffer.extend(0xa1b2_3c4d_u32.to_le_bytes()); // nanoseconds
        buffer.extend([2, 0, 4, 0]); // version 2.4
        buffer.extend([0; 8]); // time zone and accuracy: always zero
        buffer.extend(262_144_u32.to_le_bytes()); // snapshot length
        buffer.extend(1_u32.to_le_bytes()); // Ethernet
        let bytes = buffer.len() as u64;
        Ok(Self {
            file: File::create(path)?,
            buffer,
            clock: 0,
            frames: 0,
            bytes,
        })
    }

    /// Writes a segment at `at` or as soon as the link is free, and returns when that was.
    fn tcp(
        &mut self,
        at: u64,
        from: Host,
        to: Host,
        segment: &Segment,
        payload: &[u8],
    ) -> io::Result<u64> {
        let mut headers = [0; LONGEST_HEADERS];
        let tcp = &mut headers[ETHERNET + IPV4..];
        let tcp_len = 20 + segment.options.len;
        tcp[0..2].copy_from_slice(&from.port.to_be_bytes());
        tcp[2..4].copy_from_slice(&to.port.to_be_bytes());
        tcp[4..8].copy_from_slice(&segment.seq.to_be_bytes());
        tcp[8..12].copy_from_slice(&segment.ack.to_be_bytes());
        tcp[12] = (tcp_len as u8 / 4) << 4;
        tcp[13] = segment.flags;
        tcp[14..16].copy_from_slice(&segment.window.to_be_bytes());
        tcp[20..tcp_len].copy_from_slice(&segment.options.bytes[..segment.options.len]);
        let sum = pseudo_header(from, to, 6, tcp_len + payload.len())
            + sum(&tcp[..tcp_len])
            + sum(payload);
        tcp[16..18].copy_from_slice(&checksum(sum));
        self.ipv4(
            at,
            from,
            to,
            6,
            &mut headers[..ETHERNET + IPV4 + tcp_len],
            payload,
        )
    }

    fn udp(&mut self, at: u64, from: Host, to: Host, payload: &[u8]) -> io::Result<u64> {
        let mut headers = [0; ETHERNET + IPV4 + 8];
        let udp = &mut headers[ETHERNET + IPV4..];
        let len = 8 + payload.len();
        udp[0..2].copy_from_slice(&from.port.to_be_bytes());
        udp[2..4].copy_from_slice(&to.port.to_be_bytes());
        udp[4..6].copy_from_slice(&(len as u16).to_be_bytes());
        let sum = pseudo_header(from, to, 17, len) + sum(udp) + sum(payload);
        // Zero would say that there is no checksum (RFC 768).
        let checksum = checksum(sum);
        udp[6..8].copy_from_slice(&if checksum == [0, 0] {
            [0xff, 0xff]
        } else {
            checksum
        });
        self.ipv4(at, from, to, 17, &mut headers, payload)
    }

    /// Fills in the Ethernet and IPv4 headers, whose room `headers` begins with, and writes the record.
    fn ipv4(
        &mut self,
        at: u64,
        from: Host,
        to: Host,
        protocol: u8,
        headers: &mut [u8],
        payload: &[u8],
    ) -> io::Result<u64> {
        headers[0..6].copy_from_slice(&to.mac());
        headers[6..12].copy_from_slice(&from.mac());
        headers[12..14].copy_from_slice(&[0x08, 0x00]);
        let total = headers.len() - ETHERNET + payload.len();
        let ip = &mut headers[ETHERNET..ETHERNET + IPV4];
        ip[0] = 0x45;
        ip[2..4].copy_from_slice(&(total as u16).to_be_bytes());
        ip[4..6].copy_from_slice(&(self.frames as u16).to_be_bytes());
        ip[6] = 0x40; // do not fragment
        ip[8] = 64;
        ip[9] = protocol;
        ip[12..16].copy_from_slice(&from.address);
        ip[16..20].copy_from_slice(&to.address);
        let header_checksum = checksum(sum(ip));
        ip[10..12].copy_from_slice(&header_checksum);

        let len = (headers.len() + payload.len()).max(SHORTEST_FRAME);
        let padding = len - headers.len() - payload.len();
        self.clock = self.clock.max(at);
        let time = self.clock;
        self.clock += len as u64 * 4 / 5;
        let captured = (len as u32).to_le_bytes();
        self.buffer
            .extend_from_slice(&((Self::EPOCH + time / 1_000_000_000) as u32).to_le_bytes());
        self.buffer
            .extend_from_slice(&((time % 1_000_000_000) as u32).to_le_bytes());
        self.buffer.extend_from_slice(&captured);
        self.buffer.extend_from_slice(&captured);
        self.buffer.extend_from_slice(headers);
        self.buffer.extend_from_slice(payload);
        self.buffer
            .extend_from_slice(&[0; SHORTEST_FRAME][..padding]);
        self.frames += 1;
        self.bytes += 16 + len as u64;
        if self.buffer.len() >= Self::FLUSH_AT {
            self.file.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(time)
    }

    fn finish(mut self) -> io::Result<(u64, u64)> {
        self.file.write_all(&self.buffer)?;
        Ok((self.frames, self.bytes))
    }
}

/// The Internet checksum's sum (RFC 1071) in big-endian 16-bit words, not yet folded.
///
/// Adding little-endian 32-bit words and swapping the folded result gives the same, four bytes at a time.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut total: u64 = words
        .iter()
        .map(|word| u64::from(u32::from_le_bytes(*word)))
        .sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    total += u64::from(u32::from_le_bytes(last));
    u64::from(fold(total).swap_bytes())
}

fn pseudo_header(from: Host, to: Host, protocol: u8, len: usize) -> u64 {
    sum(&from.address) + sum(&to.address) + u64::from(protocol) + len as u64
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn checksum(sum: u64) -> [u8; 2] {
    (!fold(sum)).to_be_bytes()
}

// ---------------------------------------------------------------------------------------------------------------------
// Chance, noise and order
// ---------------------------------------------------------------------------------------------------------------------

/// SplitMix64: small, fast, the same everywhere.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn between(&mut self, (from, to): (u64, u64)) -> u64 {
        from + self.below(to - from)
    }

    fn chance(&mut self, in_a_million: u64) -> bool {
        self.below(1_000_000) < in_a_million
    }
}

/// Pseudo-random bytes that every stream reads from a place of its own, round and round.
struct Noise(Vec<u8>);

impl Noise {
    const PERIOD: usize = 1 << 20;

    fn new(rng: &mut Rng) -> Self {
        // Seven bits each: bytes over 0x7f make Wireshark guess at RTCP and Thrift.
        let word = |_| (rng.next() & 0x7f7f_7f7f_7f7f_7f7f).to_le_bytes();
        let mut bytes: Vec<u8> = (0..Self::PERIOD / 8).flat_map(word).collect();
        // What a read that starts near the end runs into.
        bytes.extend_from_within(..2048);
        Self(bytes)
    }

    fn stream(&self, key: u64, offset: u64, len: u64) -> &[u8] {
        let start = key.wrapping_add(offset) as usize % Self::PERIOD;
        &self.0[start..start + len as usize]
    }
}

/// What will happen, soonest first; what was added first, first at the same time.
struct Agenda<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    added: u64,
}

struct Entry<T> {
    due: (u64, u64),
    what: T,
}

impl<T> Agenda<T> {
    fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            added: 0,
        }
    }

    fn add(&mut self, time: u64, what: T) {
        self.added += 1;
        self.heap.push(Reverse(Entry {
            due: (time, self.added),
            what,
        }));
    }

    fn next(&mut self) -> Option<(u64, T)> {
        self.heap
            .pop()
            .map(|Reverse(entry)| (entry.due.0, entry.what))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl<T> Eq for Entry<T> {}
