//! In steady state a packet costs no allocation: from its bytes through the decoder and the
//! analyzer to an observer that wants everything.
#![allow(
    unsafe_code,
    reason = "a global allocator is an unsafe trait; this one counts and passes on to the system's"
)]

mod packets;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::ControlFlow;

use packets::{CLIENT, SERVER};
use tcplens::analysis::{Analyzer, FrameIndex, FrameView, Observer, Options};
use tcplens::source::Arrival;
use tcplens::tcp::Role;
use tcplens::wire::tcp_option::{self, SackBlock, SackBlocks, Timestamps};
use tcplens::wire::{Flags, Segment, SeqNum, TcpOption, TcpOptions};

struct Counting;

thread_local! {
    /// Allocations of this thread, so that the test harness's own do not count.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // While a thread ends there is nothing left to count in.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Wants all there is and keeps figures only.
#[derive(Default)]
struct Tally {
    frames: u64,
    events: u64,
    bytes: u64,
}

impl Observer for Tally {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        self.frames += 1;
        self.events += view.events.len() as u64;
        ControlFlow::Continue(())
    }

    fn bytes(&mut self, _: u32, _: Role, _: u64, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
    }
}

/// Long-lived connections between two hosts, a packet at a time.
struct Traffic {
    frames: Vec<Vec<u8>>,
    id: u16,
    clock: u32,
}

const CONNECTIONS: u16 = 8;
const MSS: u32 = 1448;

impl Traffic {
    fn new() -> Self {
        Self {
            frames: Vec::new(),
            id: 0,
            clock: 1,
        }
    }

    fn send(
        &mut self,
        connection: u16,
        from: Role,
        (seq, ack): (u32, u32),
        flags: Flags,
        options: &[TcpOption<'_>],
        payload: &[u8],
    ) {
        self.id = self.id.wrapping_add(1);
        self.clock += 1;
        let timestamps = Timestamps {
            value: self.clock,
            echo: self.clock - 1,
        };
        let mut list = vec![
            TcpOption::Nop,
            TcpOption::Nop,
            TcpOption::Timestamps(timestamps),
        ];
        list.extend_from_slice(options);
        let mut raw = Vec::new();
        tcp_option::emit(&list, &mut raw);
        let client_port = 40_000 + connection;
        let (source, destination, ports) = match from {
            Role::Client => (CLIENT, SERVER, (client_port, 80)),
            Role::Server => (SERVER, CLIENT, (80, client_port)),
        };
        let segment = Segment {
            source_port: ports.0,
            destination_port: ports.1,
            options: TcpOptions::parse(&raw),
            payload_len: payload.len() as u32,
            payload,
            ..packets::segment(seq, ack, flags)
        };
        let frame = packets::frame(source, destination, self.id, &segment);
        self.frames.push(frame);
    }

    fn open(&mut self, connection: u16) {
        let options = [
            TcpOption::Mss(1460),
            TcpOption::SackPermitted,
            TcpOption::WindowScale(7),
        ];
        self.send(connection, Role::Client, (0, 0), Flags::SYN, &options, &[]);
        let answer = Flags::SYN | Flags::ACK;
        self.send(connection, Role::Server, (0, 1), answer, &options, &[]);
        self.send(connection, Role::Client, (1, 1), Flags::ACK, &[], &[]);
    }

    /// The server sends data; the client acknowledges every second segment.
    fn download(&mut self, connection: u16, round: u32) {
        let payload = [b'x'; MSS as usize];
        let seq = 1 + round * 2 * MSS;
        let ack = seq + 2 * MSS;
        self.send(
            connection,
            Role::Server,
            (seq, 1),
            Flags::ACK,
            &[],
            &payload,
        );
        let second = (seq + MSS, 1);
        self.send(connection, Role::Server, second, Flags::ACK, &[], &payload);
        self.send(connection, Role::Client, (1, ack), Flags::ACK, &[], &[]);
    }

    /// Short messages each way, each acknowledged by the answer.
    fn talk(&mut self, connection: u16, round: u32) {
        let seq = 1 + round * 10;
        let push = Flags::PSH | Flags::ACK;
        self.send(connection, Role::Client, (seq, seq), push, &[], &[b'q'; 10]);
        let answer = (seq, seq + 10);
        self.send(connection, Role::Server, answer, push, &[], &[b'a'; 10]);
    }

    /// Three segments in order, of which the acknowledgments say that they arrived out of order.
    fn sacked(&mut self, connection: u16, round: u32) {
        let payload = [b'x'; MSS as usize];
        let seq = 1 + round * 3 * MSS;
        for at in 0..3 {
            let place = (seq + at * MSS, 1);
            self.send(connection, Role::Server, place, Flags::ACK, &[], &payload);
        }
        for count in 1..3 {
            let block = SackBlock {
                left: SeqNum(seq + MSS),
                right: SeqNum(seq + (1 + count) * MSS),
            };
            let options = [
                TcpOption::Nop,
                TcpOption::Nop,
                TcpOption::Sack(SackBlocks::new(&[block])),
            ];
            self.send(
                connection,
                Role::Client,
                (1, seq),
                Flags::ACK,
                &options,
                &[],
            );
        }
        let all = (1, seq + 3 * MSS);
        self.send(connection, Role::Client, all, Flags::ACK, &[], &[]);
    }

    fn rounds(mut self, rounds: u32, round: impl Fn(&mut Self, u16, u32)) -> Vec<Vec<u8>> {
        for connection in 0..CONNECTIONS {
            self.open(connection);
        }
        for number in 0..rounds {
            for connection in 0..CONNECTIONS {
                round(&mut self, connection, number);
            }
        }
        self.frames
    }
}

/// Allocations that `observer` sees the second half of the frames cost.
fn allocations(frames: &[Vec<u8>], observer: &mut impl Observer) -> u64 {
    let mut analyzer = Analyzer::new(Options::default());
    let mut number = 0;
    let mut run = |frames: &[Vec<u8>]| {
        for (at, data) in frames.iter().enumerate() {
            number += 1;
            let mut frame = packets::captured(number, number as i64 * 1_000_000, data);
            frame.upcoming = frames.get(at + 8).map_or(&[], Vec::as_slice);
            let _ = analyzer.arrive(Arrival::Frame(frame), observer);
        }
    };
    let (warm_up, steady) = frames.split_at(frames.len() / 2);
    run(warm_up);
    let before = ALLOCATIONS.get();
    run(steady);
    let cost = ALLOCATIONS.get() - before;
    assert_eq!(analyzer.tcp_seen(), u32::from(CONNECTIONS));
    cost
}

fn check(name: &str, frames: &[Vec<u8>], bytes: u64) {
    let mut tally = Tally::default();
    let cost = allocations(frames, &mut tally);
    assert_eq!(cost, 0, "{name}: for {} packets", frames.len() / 2);
    assert_eq!(tally.frames, frames.len() as u64);
    assert_eq!(tally.bytes, bytes, "{name}: all bytes came in order");
    assert_eq!(allocations(frames, &mut ()), 0, "{name}: with figures only");
}

#[test]
fn the_allocator_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}

#[test]
fn bulk_data_costs_no_allocation() {
    const ROUNDS: u32 = 400;
    let frames = Traffic::new().rounds(ROUNDS, Traffic::download);
    let bytes = u64::from(CONNECTIONS) * u64::from(ROUNDS * 2 * MSS);
    check("bulk", &frames, bytes);
}

#[test]
fn short_messages_cost_no_allocation() {
    const ROUNDS: u32 = 600;
    let frames = Traffic::new().rounds(ROUNDS, Traffic::talk);
    let bytes = u64::from(CONNECTIONS) * u64::from(ROUNDS * 20);
    check("talk", &frames, bytes);
}

#[test]
fn sacked_data_costs_no_allocation() {
    const ROUNDS: u32 = 200;
    let frames = Traffic::new().rounds(ROUNDS, Traffic::sacked);
    let bytes = u64::from(CONNECTIONS) * u64::from(ROUNDS * 3 * MSS);
    check("sacked", &frames, bytes);
}

#[test]
fn an_index_of_the_frames_allocates_for_its_chunks_only() {
    const ROUNDS: u32 = 400;
    let frames = Traffic::new().rounds(ROUNDS, Traffic::download);
    let mut index = FrameIndex::new(1 << 30);
    let cost = allocations(&frames, &mut index);
    // A chunk has 1,024 frames, and each list grows by half now and then.
    let most = frames.len() as u64 / 1000 + 8 * u64::from(CONNECTIONS);
    assert!(cost <= most, "{cost} for {} packets", frames.len() / 2);
    assert_eq!(index.last(), frames.len() as u64);
}
