//! What the analyzer says that it holds is what it holds, whoever attacks it; and what it lets go is
//! what matters least.
#![allow(
    unsafe_code,
    reason = "a global allocator is an unsafe trait; this one counts and passes on to the system's"
)]

mod packets;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::ControlFlow;

use packets::SERVER;
use tcplens::analysis::{Analyzer, ConnectionView, FrameView, Observer, Options};
use tcplens::source::Arrival;
use tcplens::wire::{Address, Flags, Segment};

struct Counting;

thread_local! {
    /// Bytes that this thread has allocated and not given back, and the most of that.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    // While a thread ends there is nothing left to count in.
    let _ = HELD.try_with(|held| {
        let (now, most) = held.get();
        held.set((now + bytes, most.max(now + bytes)));
    });
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Wants to see all there is.
struct Everything;

impl Observer for Everything {
    fn frame(&mut self, _: &FrameView<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

const MEMORY: usize = 8 << 20;
/// For what is kept of connections that are over for those that begin, and a chunk of the table.
const CONSTANT: usize = 2 << 20;

struct Attack {
    analyzer: Analyzer,
    number: u64,
    now: i64,
    /// Nanoseconds between two segments.
    apart: i64,
    before: isize,
}

impl Attack {
    fn new() -> Self {
        let before = HELD.get().0;
        HELD.set((before, before));
        Self {
            analyzer: Analyzer::new(Options {
                memory: MEMORY,
                ..Options::default()
            }),
            number: 0,
            now: 0,
            apart: 2000,
            before,
        }
    }

    /// A segment of host `n` to the server or back.
    fn send(
        &mut self,
        n: u32,
        is_answer: bool,
        segment: &Segment<'_>,
        observer: &mut impl Observer,
    ) {
        let host = Address::v4((0x0b00_0000 + n).to_be_bytes());
        let mut segment = segment.clone();
        let (source, destination) = if is_answer {
            core::mem::swap(&mut segment.source_port, &mut segment.destination_port);
            (SERVER, host)
        } else {
            (host, SERVER)
        };
        let data = packets::frame(source, destination, 1, &segment);
        self.arrive(&data, observer);
    }

    fn arrive(&mut self, data: &[u8], observer: &mut impl Observer) {
        self.number += 1;
        self.now += self.apart;
        let frame = packets::captured(self.number, self.now, data);
        let _ = self.analyzer.arrive(Arrival::Frame(frame), observer);
    }

    /// A datagram of host `n` to the server or back.
    fn datagram(&mut self, n: u32, is_answer: bool, observer: &mut impl Observer) {
        let host = Address::v4((0x0c00_0000 + n).to_be_bytes());
        let (source, destination) = if is_answer {
            (SERVER, host)
        } else {
            (host, SERVER)
        };
        let mut data = packets::frame(source, destination, 1, &packets::segment(0, 0, Flags::ACK));
        data[23] = 17;
        let (from, to) = if is_answer {
            (53_u16, 5000_u16)
        } else {
            (5000, 53)
        };
        data[34..36].copy_from_slice(&from.to_be_bytes());
        data[36..38].copy_from_slice(&to.to_be_bytes());
        data[38..40].copy_from_slice(&20_u16.to_be_bytes());
        self.arrive(&data, observer);
    }

    fn close(&mut self, n: u32, observer: &mut impl Observer) {
        let fin = Flags::FIN | Flags::ACK;
        self.send(n, false, &packets::segment(8, 10, fin), observer);
        self.send(n, true, &packets::segment(10, 9, fin), observer);
        self.send(n, false, &packets::segment(9, 11, Flags::ACK), observer);
    }

    fn syn(&mut self, n: u32, observer: &mut impl Observer) {
        self.send(n, false, &packets::segment(7, 0, Flags::SYN), observer);
    }

    fn syn_ack(&mut self, n: u32, observer: &mut impl Observer) {
        let answer = packets::segment(9, 8, Flags::SYN | Flags::ACK);
        self.send(n, true, &answer, observer);
    }

    fn ack(&mut self, n: u32, observer: &mut impl Observer) {
        self.send(n, false, &packets::segment(8, 10, Flags::ACK), observer);
    }

    fn handshake(&mut self, n: u32, observer: &mut impl Observer) {
        self.syn(n, observer);
        self.syn_ack(n, observer);
        self.ack(n, observer);
    }

    /// Beside the frame that is being made.
    fn check(&self, name: &str) {
        let most = (HELD.get().1 - self.before) as usize;
        assert!(most <= MEMORY + CONSTANT, "{name}: {most} bytes at once");
        assert!(most * 2 > MEMORY, "{name}: {most} bytes are no test");
        let said = self.analyzer.memory();
        let held = (HELD.get().0 - self.before) as usize;
        assert!(held <= said + CONSTANT, "{name}: {held} held, {said} said");
        assert!(said <= MEMORY + (64 << 10), "{name}: {said} said");
    }
}

fn within_memory(name: &str, flows: u32, play: impl Fn(&mut Attack, u32)) {
    let mut attack = Attack::new();
    for n in 0..flows {
        play(&mut attack, n);
    }
    attack.check(name);
    let (kept, evicted) = (attack.analyzer.connections(), attack.analyzer.evicted());
    assert!(evicted.connections > 0, "{name}");
    let all = kept.len() as u64 + evicted.connections;
    assert_eq!(all, u64::from(flows), "{name}");
}

#[test]
fn a_flood_stays_within_memory() {
    within_memory("SYNs", 100_000, |attack, n| attack.syn(n, &mut ()));
    within_memory("SYNs that are watched", 100_000, |attack, n| {
        attack.syn(n, &mut Everything);
    });
    within_memory("answered SYNs", 20_000, |attack, n| {
        attack.syn(n, &mut Everything);
        attack.syn_ack(n, &mut Everything);
    });
    within_memory("acknowledgments from nowhere", 20_000, |attack, n| {
        attack.ack(n, &mut Everything);
    });
    within_memory("handshakes", 20_000, |attack, n| {
        attack.handshake(n, &mut Everything);
    });
}

#[test]
fn what_talks_in_small_pieces_is_counted_too() {
    within_memory("six segments", 10_000, |attack, n| {
        attack.handshake(n, &mut Everything);
        for at in 0..3 {
            let segment = Segment {
                payload: &[b'x'; 700],
                payload_len: 700,
                ..packets::segment(8 + 1400 * at, 10, Flags::ACK)
            };
            attack.send(n, false, &segment, &mut Everything);
        }
    });
}

#[test]
fn memory_of_a_flood_is_free_for_others_after_it() {
    let mut attack = Attack::new();
    for n in 0..100_000 {
        attack.syn(n, &mut Everything);
        // A few are real, and lie among all the others.
        if n % 500 == 0 {
            attack.syn_ack(n, &mut Everything);
            attack.ack(n, &mut Everything);
        }
    }
    let evicted = attack.analyzer.evicted();
    for n in 200_000..201_500 {
        attack.handshake(n, &mut Everything);
    }
    let after = attack.analyzer.evicted();
    assert!(after.half_open > evicted.half_open);
    assert_eq!(after.connections - after.half_open, 0);
    // All of them had come to nothing yet.
    assert_eq!(after.unfinished, after.connections);
    attack.check("calm after a flood");
}

/// What a flood lets go is its own: who has talked stays, whether that began before it or within.
#[test]
fn a_flood_leaves_who_talks() {
    const REAL: u32 = 500;
    for is_answered in [false, true] {
        let mut attack = Attack::new();
        let real = |n: u32| 0x10_0000 + n;
        for n in 0..REAL {
            attack.handshake(real(n), &mut Everything);
        }
        for n in 0..60_000 {
            attack.syn(n, &mut Everything);
            if is_answered {
                attack.syn_ack(n, &mut Everything);
            }
            // A handshake whose segments are some way apart.
            let within = REAL + n / 100;
            match n % 100 {
                0 => attack.syn(real(within), &mut Everything),
                30 => attack.syn_ack(real(within), &mut Everything),
                60 => attack.ack(real(within), &mut Everything),
                _ => {}
            }
        }
        let kept = attack.analyzer.connections().into_iter();
        let real = kept.filter(|&(_, slot)| {
            let is_real = |view: &ConnectionView<'_>| view.connection.handshake.ack.is_some();
            attack.analyzer.connection(slot, is_real) == Some(true)
        });
        assert_eq!(real.count(), REAL as usize + 600);
        let evicted = attack.analyzer.evicted();
        assert!(evicted.connections > 20_000);
        if !is_answered {
            assert_eq!(evicted.half_open, evicted.connections);
        }
        attack.check("a flood among talk");
    }
}

#[test]
fn of_a_flood_the_latest_are_kept() {
    const SYNS: u32 = 100_000;
    let mut attack = Attack::new();
    for n in 0..SYNS {
        attack.syn(n, &mut ());
    }
    let kept = attack.analyzer.connections();
    assert!(kept.len() > 20_000, "{}", kept.len());
    let first = SYNS - kept.len() as u32;
    assert!(kept.iter().map(|&(id, _)| id).eq(first..SYNS));
}

/// Conversations have no end, so without more they would take the place of all else in time.
#[test]
fn what_fell_silent_makes_room() {
    const TALKERS: u32 = 100;
    let mut attack = Attack::new();
    attack.apart = 1_000_000;
    for n in 0..TALKERS {
        attack.handshake(n, &mut Everything);
    }
    for n in 0..60_000 {
        attack.datagram(n, false, &mut Everything);
        attack.datagram(n, true, &mut Everything);
        if n % 3 == 0 {
            attack.handshake(0x10_0000 + n, &mut Everything);
            attack.close(0x10_0000 + n, &mut Everything);
        }
        attack.ack(n % TALKERS, &mut Everything);
    }
    attack.check("churn");
    let analyzer = &attack.analyzer;
    assert_eq!(analyzer.tcp_seen(), TALKERS + 20_000, "none began twice");
    let kept = analyzer.connections();
    assert!((0..TALKERS).eq(kept.iter().map(|&(id, _)| id).take(TALKERS as usize)));
    assert!(kept.len() > 1000, "{}", kept.len());
    assert_eq!(analyzer.udp_seen(), 60_000);
    assert!(analyzer.conversations().len() > 1000);
}
