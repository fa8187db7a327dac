//! Nothing that a file or a packet says makes the analyzer panic, hang or forget its limits.
//!
//! The dev profile checks arithmetic for overflow, so what merely wraps elsewhere fails here.

mod packets;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::{env, process, thread};

use packets::Random;
use tcplens::analysis::{Analyzer, FlowView, FrameView, Observer, Options, trouble};
use tcplens::frame::{CapturedFrame, Place};
use tcplens::source::{self, Arrival, OpenOptions, SourceError};
use tcplens::tcp::{Event, OverlapPolicy, Role, Settings};
use tcplens::time::Timestamp;
use tcplens::wire::tcp_option::{self, SackBlock, SackBlocks, Timestamps};
use tcplens::wire::{Address, Flags, LinkType, Segment, SeqNum, TcpOption, TcpOptions};

/// Wants everything, looks at it, and holds every stream to its contract: offsets go on where the
/// bytes or the gap before ended.
#[derive(Default)]
struct Strict {
    frames: u64,
    events: u64,
    streams: HashMap<(u32, Role), u64>,
    missing: HashMap<(u32, Role), u64>,
    text: String,
}

impl Strict {
    fn reaches(&mut self, connection: u32, from: Role, offset: u64, len: u64) {
        let end = self.streams.entry((connection, from)).or_default();
        assert_eq!(offset, *end, "connection {connection} from {from}");
        *end += len;
    }

    fn look(&mut self, events: &[Event]) {
        for event in events {
            self.events += 1;
            self.text.clear();
            let _ = write!(self.text, "{event:?}");
        }
    }
}

impl Observer for Strict {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        self.frames += 1;
        self.look(view.events);
        if let FlowView::Tcp { view: tcp, from } = view.flow {
            let connection = tcp.connection;
            let endpoint = connection.endpoint(from);
            let figures = &endpoint.figures;
            assert!(figures.stream_bytes <= figures.payload_bytes, "{figures:?}");
            assert!(endpoint.in_flight_unsacked() <= endpoint.in_flight());
            if self.frames.is_multiple_of(16) {
                let _ = (connection.opening(), connection.closer());
                let _ = connection.ending(view.frame.time);
                let _ = connection.state_at(from, view.frame.time);
                let _ = endpoint.rtt.figures();
                let _ = trouble::score(connection, view.frame.time);
            }
        }
        ControlFlow::Continue(())
    }

    fn bytes(&mut self, connection: u32, from: Role, offset: u64, bytes: &[u8]) {
        assert!(!bytes.is_empty());
        self.reaches(connection, from, offset, bytes.len() as u64);
    }

    fn gap(&mut self, connection: u32, from: Role, offset: u64, len: u64) {
        assert!(len > 0);
        self.reaches(connection, from, offset, len);
        *self.missing.entry((connection, from)).or_default() += len;
    }

    fn late(&mut self, _: u32, events: &[Event]) {
        self.look(events);
    }
}

fn options() -> Options {
    Options {
        memory: 8 << 20,
        ..Options::default()
    }
}

/// What the table takes for its first flow, and a connection that is being looked at.
const SLACK: usize = 1 << 20;

/// What is counted at the end agrees with what went in.
fn check_figures(analyzer: &Analyzer, observer: &Strict, limits: &Options) {
    assert!(analyzer.memory() <= limits.memory + SLACK);
    let evicted = analyzer.evicted();
    let kept = analyzer.connections();
    assert!(kept.len() <= limits.max_flows);
    assert_eq!(
        kept.len() as u64 + evicted.connections,
        u64::from(analyzer.tcp_seen())
    );
    assert!(evicted.half_open <= evicted.connections);
    let conversations = analyzer.conversations();
    assert_eq!(
        conversations.len() as u64 + evicted.conversations,
        u64::from(analyzer.udp_seen())
    );
    let mut packets: u64 = conversations
        .iter()
        .map(|conversation| conversation.packets.iter().sum::<u64>())
        .sum();
    let end = analyzer.capture().last.unwrap_or_default();
    for (id, slot) in kept {
        let of_it = analyzer.connection(slot, |view| {
            assert_eq!(view.id, id);
            let connection = view.connection;
            let _ = (connection.opening(), connection.ending(end));
            let _ = (connection.closer(), connection.duration());
            let _ = trouble::score(connection, end);
            for role in Role::BOTH {
                let figures = &connection.endpoint(role).figures;
                let missing = observer.missing.get(&(id, role)).copied();
                assert_eq!(figures.missing_bytes, missing.unwrap_or(0), "{id} {role}");
            }
            Role::BOTH
                .iter()
                .map(|&role| connection.endpoint(role).figures.packets)
                .sum::<u64>()
        });
        packets += of_it.expect("it is kept");
    }
    let capture = analyzer.capture();
    assert_eq!(packets + evicted.packets, capture.tcp + capture.udp);
}

/// Reads a file of `len` bytes to its end. Gives how many frames there were, and why it stopped.
fn analyze(file: &Scratch, len: usize) -> (u64, Result<(), SourceError>) {
    let mut source = match source::open(&[&file.path], &OpenOptions::default()) {
        Ok(source) => source,
        Err(error) => return (0, Err(error)),
    };
    let limits = options();
    let mut analyzer = Analyzer::new(limits.clone());
    let mut observer = Strict::default();
    let mut arrivals = 0;
    let result = source.run(&mut |arrival| {
        arrivals += 1;
        // Everything in a file takes bytes: with more arrivals, reading goes in circles.
        assert!(arrivals <= len);
        analyzer.arrive(arrival, &mut observer)
    });
    analyzer.finish(&mut observer);
    check_figures(&analyzer, &observer, &limits);
    assert_eq!(observer.frames, analyzer.capture().frames);
    (observer.frames, result)
}

/// The offsets at which a record or block ends, each with the frames up to there.
fn ends_of_records(file: &[u8]) -> Vec<(usize, u64)> {
    let word = |at: usize, big: bool| {
        let bytes: [u8; 4] = file[at..at + 4].try_into().expect("four bytes");
        if big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    };
    let mut ends = Vec::new();
    let mut frames = 0;
    if word(0, false) == 0x0a0d_0d0a {
        let (mut at, mut big) = (0, false);
        while at < file.len() {
            let kind = word(at, big);
            if kind == 0x0a0d_0d0a {
                big = word(at + 8, true) == 0x1a2b_3c4d;
            }
            frames += u64::from([2, 3, 6].contains(&kind));
            at += word(at + 4, big) as usize;
            ends.push((at, frames));
        }
    } else {
        let big = [0xa1b2_c3d4, 0xa1b2_3c4d].contains(&word(0, true));
        let mut at = 24;
        ends.push((at, 0));
        while at < file.len() {
            at += 16 + word(at + 8, big) as usize;
            frames += 1;
            ends.push((at, frames));
        }
    }
    assert_eq!(ends.last().map(|end| end.0), Some(file.len()));
    ends
}

/// Every place in a small file; in a larger one every place of its beginning, and then with
/// strides that meet all remainders, so that all fixtures together take seconds.
fn places(len: usize) -> impl Iterator<Item = usize> {
    const DENSE: usize = 4096;
    let stride = 1 + len.saturating_sub(DENSE) / 512 * 2;
    (0..len.min(DENSE)).chain((DENSE..len).step_by(stride))
}

/// A file that is there for as long as this value. It is changed in place: a file for each of
/// many thousand variants would take longer than reading them.
struct Scratch {
    path: PathBuf,
    file: fs::File,
}

impl Scratch {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("tcplens-{name}-{}", process::id()));
        let file = fs::File::create(&path).expect("a writable folder for temporary files");
        Self { path, file }
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        let at = SeekFrom::Start(at as u64);
        let written = self.file.seek(at).and_then(|_| self.file.write_all(bytes));
        written.expect("room for temporary files");
    }

    fn cut(&self, len: usize) {
        self.file.set_len(len as u64).expect("a file to cut");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Runs `check` over all fixtures, on as many threads as there are processors.
fn over_fixtures(name: &str, check: impl Fn(&Path, &[u8], &mut Scratch) + Sync) {
    let paths = packets::fixtures();
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let (paths, check) = (&paths, &check);
    thread::scope(|scope| {
        for begin in 0..threads {
            scope.spawn(move || {
                let mut scratch = Scratch::new(&format!("{name}-{begin}"));
                for path in paths.iter().skip(begin).step_by(threads) {
                    let file = fs::read(path).expect("a readable fixture");
                    scratch.cut(0);
                    scratch.write(0, &file);
                    check(path, &file, &mut scratch);
                }
            });
        }
    });
}

#[test]
fn fixtures_cut_anywhere() {
    over_fixtures("cut", |path, file, scratch| {
        let ends = ends_of_records(file);
        // From the end on, so that cutting is all it takes.
        let mut cuts: Vec<usize> = places(file.len()).collect();
        cuts.reverse();
        for cut in cuts {
            scratch.cut(cut);
            let (frames, result) = analyze(scratch, cut);
            let whole = ends.iter().rfind(|end| end.0 <= cut);
            assert_eq!(
                frames,
                whole.map_or(0, |end| end.1),
                "{} at {cut}",
                path.display()
            );
            match result {
                Ok(()) => {
                    assert!(
                        whole.is_some_and(|end| end.0 == cut),
                        "{} cut at {cut} passes for whole",
                        path.display()
                    );
                }
                Err(error) => {
                    assert!(!error.reason.is_empty());
                    assert!(
                        whole.is_none_or(|end| end.0 != cut),
                        "{} at {cut}: {error}",
                        path.display()
                    );
                    assert!(!error.unopened || whole.is_none(), "{error}");
                    assert!(error.offset <= cut as u64);
                    assert_eq!(error.after_frame, frames);
                }
            }
        }
    });
}

#[test]
fn fixtures_with_any_byte_flipped() {
    over_fixtures("flipped", |path, file, scratch| {
        let mut random = Random::new(file.len() as u64);
        for place in places(file.len()) {
            // All bits, or some of them.
            let flip = match random.below(3) {
                0 => 0xff,
                1 => 1 << random.below(8),
                _ => 1 + random.below(255) as u8,
            };
            scratch.write(place, &[file[place] ^ flip]);
            let (_, result) = analyze(scratch, file.len());
            scratch.write(place, &[file[place]]);
            if let Err(error) = result {
                assert!(!error.reason.is_empty(), "{} at {place}", path.display());
                assert!(error.offset <= file.len() as u64);
            }
        }
    });
}

#[test]
fn random_bytes_on_any_link() {
    let links: BTreeSet<u32> = (0..300).collect();
    let limits = Options {
        memory: 1 << 20,
        ..Options::default()
    };
    let mut analyzer = Analyzer::new(limits.clone());
    let mut observer = Strict::default();
    let mut random = Random::new(1);
    let mut number = 0;
    for &link in &links {
        for _ in 0..100 {
            number += 1;
            let len = random.below(200) as usize;
            let mut data: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
            // Bytes that lead further in than chance does.
            for place in [0, 12, 14] {
                if random.once_in(2)
                    && let Some(bytes) = data.get_mut(place..place + 2)
                {
                    let starts = [
                        [0x45, 0],
                        [8, 0],
                        [0x86, 0xdd],
                        [0x60, 0],
                        [0x81, 0],
                        [0, 2],
                    ];
                    bytes.copy_from_slice(&starts[random.below(6) as usize]);
                }
            }
            let frame = CapturedFrame {
                number,
                time: Timestamp::from_nanos(random.next() as i64),
                interface: random.below(1 << 20) as u32,
                link: LinkType(link),
                wire_len: random.next() as u32 >> random.below(32),
                data: &data,
                upcoming: &data,
                place: Place::NOWHERE,
            };
            let _ = analyzer.arrive(Arrival::Frame(frame), &mut observer);
            assert!(analyzer.memory() <= limits.memory + SLACK);
        }
    }
    analyzer.finish(&mut observer);
    check_figures(&analyzer, &observer, &limits);
}

/// Makes segments that nobody's TCP would send, on few flows, near enough to each other that
/// they overlap, fill gaps, acknowledge and SACK one another.
struct Hostile {
    random: Random,
    /// Where each direction of each flow is.
    seqs: Vec<[u32; 2]>,
    time: i64,
    /// Keeps to what a connection might do, more often than not.
    mild: bool,
}

impl Hostile {
    fn near(&mut self, seq: u32) -> u32 {
        let random = &mut self.random;
        match random.below(if self.mild { 200 } else { 20 }) {
            0 => random.next() as u32,
            1 => seq
                .wrapping_add(0x7fff_fff0)
                .wrapping_add(random.below(32) as u32),
            2 => seq.wrapping_sub(random.below(70_000) as u32),
            3 => seq.wrapping_add(random.below(70_000) as u32),
            4..8 => seq.wrapping_sub(random.below(3000) as u32),
            8..10 => seq.wrapping_add(random.below(3000) as u32),
            10 => seq.wrapping_sub(1),
            _ => seq,
        }
    }

    fn flags(&mut self) -> Flags {
        const USUAL: Flags = Flags::ACK;
        match self.random.below(if self.mild { 400 } else { 40 }) {
            0 => Flags(self.random.next() as u16 & 0xfff),
            1 => Flags::SYN,
            2 => Flags::SYN | Flags::ACK,
            3 => Flags::FIN | Flags::ACK,
            4 => Flags::RST,
            5 => Flags::RST | Flags::ACK,
            6 => Flags(0),
            7 => Flags::SYN | Flags::FIN,
            _ => USUAL,
        }
    }

    fn time(&mut self) -> i64 {
        let random = &mut self.random;
        match random.below(1000) {
            0 => i64::MIN,
            1 => i64::MAX,
            2..10 => self.time - random.below(1 << 40) as i64,
            _ => {
                self.time += random.below(1 << 22) as i64;
                self.time
            }
        }
    }

    fn options(&mut self, sent: u32, acked: u32, out: &mut Vec<u8>) {
        let mut list = Vec::new();
        if !self.random.once_in(3) {
            list.push(TcpOption::Timestamps(Timestamps {
                value: (self.time >> 20) as u32,
                echo: self.near(sent),
            }));
        }
        if self.random.once_in(3) {
            let mut blocks = [SackBlock::default(); 4];
            let count = 1 + self.random.below(3) as usize;
            for block in &mut blocks[..count] {
                let left = self.near(acked);
                *block = SackBlock {
                    left: SeqNum(left),
                    right: SeqNum(left) + self.random.below(4000) as u32,
                };
            }
            list.push(TcpOption::Sack(SackBlocks::new(&blocks[..count])));
        }
        tcp_option::emit(&list, out);
        if self.random.once_in(50) {
            out.clear();
            let words = self.random.below(11) as usize;
            out.extend((0..words * 4).map(|_| self.random.next() as u8));
        } else if self.random.once_in(20) {
            out.clear();
            let list = [
                TcpOption::Mss(self.random.next() as u16),
                TcpOption::WindowScale(self.random.next() as u8),
                TcpOption::SackPermitted,
            ];
            tcp_option::emit(&list, out);
        }
        out.truncate(40);
    }

    /// Gives the time, the frame, and how much of it was captured.
    fn frame(&mut self) -> (i64, Vec<u8>, usize) {
        let flow = self.random.below(self.seqs.len() as u64) as usize;
        let side = self.random.below(2) as usize;
        let [mine, theirs] = match side {
            0 => self.seqs[flow],
            _ => [self.seqs[flow][1], self.seqs[flow][0]],
        };
        let mut raw = Vec::new();
        self.options(mine, theirs, &mut raw);
        let len = match self.random.below(8) {
            0..4 => 0,
            4 => 1,
            5 => self.random.below(20_000),
            _ => self.random.below(1500),
        };
        let payload: Vec<u8> = (0..len).map(|at| (at ^ u64::from(mine)) as u8).collect();
        let seq = self.near(mine);
        let segment = Segment {
            // One flow of them talks to itself.
            source_port: if side == 0 { 1000 + flow as u16 } else { 1000 },
            destination_port: if side == 0 { 1000 } else { 1000 + flow as u16 },
            seq: SeqNum(seq),
            ack: SeqNum(self.near(theirs)),
            flags: self.flags(),
            window: self.random.next() as u16 >> self.random.below(17).min(15),
            checksum: 0,
            urgent: 0,
            options: TcpOptions::parse(&raw),
            payload_len: len as u32,
            payload: &payload,
        };
        if !self.random.once_in(8) {
            self.seqs[flow][side] = seq.wrapping_add(segment.sequence_len());
        }
        let host = Address::v4([10, 0, 0, 1]);
        let id = self.random.below(if self.mild { 65_536 } else { 3 }) as u16;
        let frame = packets::frame(host, host, id, &segment);
        let captured = if self.random.once_in(10) {
            54.min(frame.len()) + self.random.below(frame.len() as u64 - 53) as usize
        } else {
            frame.len()
        };
        (self.time(), frame, captured.min(frame_len(&segment)))
    }
}

fn frame_len(segment: &Segment<'_>) -> usize {
    54 + segment.options.raw.len() + segment.payload.len()
}

fn attack(seed: u64, segments: u64, flows: usize, mild: bool, limits: &Options) -> Analyzer {
    let mut hostile = Hostile {
        random: Random::new(seed),
        seqs: vec![[0xffff_0000, 0]; flows],
        time: 1_700_000_000_000_000_000,
        mild,
    };
    let mut analyzer = Analyzer::new(limits.clone());
    let mut observer = Strict::default();
    for number in 1..=segments {
        let (nanos, data, captured) = hostile.frame();
        let mut frame = packets::captured(number, nanos, &data[..captured]);
        frame.wire_len = data.len() as u32;
        // As good as any: it is only looked at, and never believed.
        frame.upcoming = &data;
        let _ = analyzer.arrive(Arrival::Frame(frame), &mut observer);
        assert!(
            analyzer.memory() <= limits.memory + SLACK,
            "{} bytes after segment {number}",
            analyzer.memory()
        );
    }
    analyzer.finish(&mut observer);
    check_figures(&analyzer, &observer, limits);
    assert_eq!(analyzer.capture().tcp, segments);
    assert!(observer.events > 0);
    analyzer
}

fn limits(memory: usize, pending_limit: usize, policy: OverlapPolicy) -> Options {
    Options {
        settings: Settings {
            policy,
            pending_limit,
            ..Settings::default()
        },
        memory,
        max_flows: 1000,
    }
}

const POLICIES: [OverlapPolicy; 5] = [
    OverlapPolicy::First,
    OverlapPolicy::Last,
    OverlapPolicy::Linux,
    OverlapPolicy::Windows,
    OverlapPolicy::Bsd,
];

#[test]
fn hostile_segments() {
    for (seed, policy) in (1..).zip(POLICIES) {
        attack(seed, 25_000, 8, false, &limits(16 << 20, 64 << 10, policy));
    }
}

#[test]
fn hostile_segments_that_keep_connections_alive() {
    for (seed, policy) in (11..).zip(POLICIES) {
        attack(seed, 25_000, 4, true, &limits(64 << 20, 1 << 20, policy));
    }
}

#[test]
fn hostile_segments_in_little_memory() {
    for (seed, policy) in (21..).zip(POLICIES) {
        let limits = limits(64 << 10, 1 << 10, policy);
        let analyzer = attack(seed, 10_000, 64, seed % 2 == 0, &limits);
        assert!(analyzer.evicted().connections > 0);
    }
    // Room for the table and some connections, and never for all.
    for (seed, policy) in (31..).zip(POLICIES) {
        let limits = limits(1 << 20, 4 << 10, policy);
        let analyzer = attack(seed, 10_000, 256, true, &limits);
        assert!(analyzer.evicted().connections > 0);
    }
}

#[test]
fn few_flows_are_kept_when_few_are_allowed() {
    let limits = Options {
        max_flows: 10,
        ..limits(16 << 20, 4 << 10, OverlapPolicy::First)
    };
    let analyzer = attack(41, 10_000, 100, true, &limits);
    assert!(analyzer.evicted().connections > 0);
}
