//! Findings about the capture, each beside its nearest innocent neighbour: conversations written
//! packet by packet, and captured well or badly.

mod packets;

use packets::{CLIENT, SERVER, captured, frame};
use tcplens::analysis::{Analyzer, Options};
use tcplens::frame::CapturedFrame;
use tcplens::source::Arrival;
use tcplens::wire::tcp_option::Timestamps;
use tcplens::wire::{Flags, Segment, SeqNum, TcpOption, TcpOptions};

const MILLI: i64 = 1_000_000;
const SECOND: i64 = 1000 * MILLI;
/// Payload of a full segment.
const FULL: u32 = 1448;

/// A frame, when it was captured, and how much of it.
#[derive(Clone)]
struct Shot {
    nanos: i64,
    bytes: Vec<u8>,
    kept: usize,
}

/// Which host sends.
#[derive(Clone, Copy, PartialEq)]
enum From {
    Client,
    Server,
}

/// A conversation under way, as its hosts have it.
struct Talk {
    shots: Vec<Shot>,
    nanos: i64,
    /// What the hosts' clocks show is ahead of the capture's by so much.
    ahead: i64,
    next: [u32; 2],
    ids: [u16; 2],
    mss: u16,
    spoil: Option<From>,
}

impl Talk {
    fn new() -> Self {
        Self {
            shots: Vec::new(),
            nanos: 0,
            ahead: 0,
            next: [1000, 5000],
            ids: [100, 200],
            mss: 1460,
            spoil: None,
        }
    }

    fn send(&mut self, from: From, flags: Flags, len: u32) {
        let at = from as usize;
        let payload = vec![b'x'; len as usize];
        let ticks = ((self.nanos + self.ahead) / MILLI) as u32;
        let mut options = Vec::new();
        if flags.has(Flags::SYN) {
            TcpOption::Mss(self.mss).emit(&mut options);
        }
        TcpOption::Nop.emit(&mut options);
        TcpOption::Nop.emit(&mut options);
        let value = Timestamps {
            value: ticks + 77 * at as u32,
            echo: ticks,
        };
        TcpOption::Timestamps(value).emit(&mut options);
        let (source_port, destination_port) = match from {
            From::Client => (40_000, 80),
            From::Server => (80, 40_000),
        };
        let segment = Segment {
            source_port,
            destination_port,
            seq: SeqNum(self.next[at]),
            ack: SeqNum(self.next[1 - at]),
            flags,
            window: 65_000,
            checksum: 0,
            urgent: 0,
            options: TcpOptions::parse(&options),
            payload_len: len,
            payload: &payload,
        };
        let (source, destination) = match from {
            From::Client => (CLIENT, SERVER),
            From::Server => (SERVER, CLIENT),
        };
        let mut bytes = frame(source, destination, self.ids[at], &segment);
        if self.spoil == Some(from) {
            // The TCP checksum, behind Ethernet and IPv4.
            bytes[14 + 20 + 16] ^= 0x55;
        }
        self.next[at] = self.next[at].wrapping_add(segment.sequence_len());
        self.ids[at] += 1;
        self.nanos += MILLI;
        self.shots.push(Shot {
            nanos: self.nanos,
            kept: bytes.len(),
            bytes,
        });
    }

    fn open(mut self) -> Self {
        self.send(From::Client, Flags::SYN, 0);
        self.send(From::Server, Flags::SYN | Flags::ACK, 0);
        self.send(From::Client, Flags::ACK, 0);
        self
    }

    /// Data of `len` octets a segment from the server, each acknowledged by the client.
    fn data(mut self, segments: usize, len: u32) -> Self {
        for _ in 0..segments {
            self.send(From::Server, Flags::ACK, len);
            self.send(From::Client, Flags::ACK, 0);
        }
        self
    }

    /// The hosts rest.
    fn rest(mut self, nanos: i64) -> Self {
        self.nanos += nanos;
        self
    }
}

/// What is found, by code; frames are numbered from 1.
fn codes(shots: &[Shot]) -> Vec<&'static str> {
    let mut analyzer = Analyzer::new(Options::default());
    for (number, shot) in (1..).zip(shots) {
        let frame = CapturedFrame {
            wire_len: shot.bytes.len() as u32,
            ..captured(number, shot.nanos, &shot.bytes[..shot.kept])
        };
        let _ = analyzer.arrive(Arrival::Frame(frame), &mut ());
    }
    analyzer.finish(&mut ());
    analyzer
        .findings()
        .iter()
        .map(|finding| finding.diagnosis.code)
        .collect()
}

fn plain() -> Talk {
    Talk::new().open().data(40, FULL)
}

#[test]
fn of_a_good_capture_there_is_nothing_to_say() {
    assert!(codes(&plain().shots).is_empty());
}

#[test]
fn every_packet_twice_but_not_a_network_that_repeats_one() {
    let twice: Vec<_> = plain()
        .shots
        .into_iter()
        .flat_map(|shot| {
            let copy = Shot {
                nanos: shot.nanos + 20_000,
                ..shot.clone()
            };
            [shot, copy]
        })
        .collect();
    assert_eq!(codes(&twice), ["duplicated-capture"]);
    let mut once = plain().shots;
    let copy = once[20].clone();
    once.insert(21, copy);
    assert!(codes(&once).is_empty());
}

#[test]
fn acknowledged_and_never_captured_but_not_lost_and_sent_again() {
    let mut dropped = plain().shots;
    dropped.remove(21);
    assert_eq!(codes(&dropped), ["capture-drops"]);
    // Frames 21, 23, … are data. One of them is lost before the tap and sent again behind others,
    // and what the client acknowledged meanwhile says so.
    let mut lost = plain().shots;
    let data = lost.remove(21);
    lost.remove(21);
    let again = Shot {
        nanos: lost[25].nanos,
        ..data
    };
    let acknowledged = lost[20].bytes[14 + 20 + 8..14 + 20 + 12].to_vec();
    for shot in lost[21..26]
        .iter_mut()
        .filter(|shot| shot.bytes.len() < 100)
    {
        shot.bytes[14 + 20 + 8..14 + 20 + 12].copy_from_slice(&acknowledged);
    }
    lost.insert(26, again);
    assert!(codes(&lost).is_empty(), "{:?}", codes(&lost));
}

#[test]
fn cut_frames_hide_no_drops_and_make_none() {
    let mut cut = plain().shots;
    for shot in &mut cut {
        shot.kept = shot.kept.min(96);
    }
    assert_eq!(codes(&cut), ["cut-frames"]);
    cut.remove(21);
    assert_eq!(codes(&cut), ["capture-drops", "cut-frames"]);
}

#[test]
fn an_acknowledgment_before_its_data() {
    let mut shots = plain().shots;
    let (data, ack) = (shots[21].nanos, shots[22].nanos);
    shots.swap(21, 22);
    shots[21].nanos = data;
    shots[22].nanos = ack;
    assert_eq!(codes(&shots), ["capture-reordered"]);
}

#[test]
fn times_that_go_back_for_a_frame_but_not_once_or_twice() {
    let late = |count: usize| {
        let mut shots = plain().shots;
        for at in (10..).step_by(8).take(count) {
            shots[at].nanos -= MILLI + 1000;
        }
        codes(&shots)
    };
    assert!(late(2).is_empty());
    assert_eq!(late(6), ["capture-reordered"]);
}

#[test]
fn one_direction_but_not_a_silent_host() {
    let server: Vec<_> = plain().shots.into_iter().skip(1).step_by(2).collect();
    let one_way: Vec<_> = server
        .iter()
        .filter(|shot| shot.bytes.len() > 100)
        .cloned()
        .collect();
    assert!(
        codes(&one_way).contains(&"one-way"),
        "{:?}",
        codes(&one_way)
    );
    // SYNs without an answer.
    let mut silent = Talk::new();
    for _ in 0..5 {
        silent.send(From::Client, Flags::SYN, 0);
        silent.next = [1000, 5000];
        silent = silent.rest(SECOND);
    }
    assert!(codes(&silent.shots).is_empty());
}

#[test]
fn larger_than_agreed_but_not_jumbo() {
    let joined = Talk::new().open().data(10, 5 * FULL);
    assert_eq!(codes(&joined.shots), ["segmentation-offload"]);
    let jumbo = Talk {
        mss: 8960,
        ..Talk::new()
    };
    assert!(codes(&jumbo.open().data(10, 8948).shots).is_empty());
}

#[test]
fn checksums_left_to_the_card_but_not_one_damaged_packet() {
    let offload = Talk {
        spoil: Some(From::Server),
        ..Talk::new()
    };
    assert_eq!(
        codes(&offload.open().data(10, FULL).shots),
        ["checksum-offload"]
    );
    let mut damaged = Talk::new().open();
    damaged.spoil = Some(From::Server);
    damaged.send(From::Server, Flags::ACK, FULL);
    damaged.spoil = None;
    damaged.next[1] -= FULL;
    assert!(codes(&damaged.rest(300 * MILLI).data(10, FULL).shots).is_empty());
}

#[test]
fn a_clock_set_back_but_not_a_few_late_frames() {
    let mut shots = Talk::new().open().data(40, FULL).shots;
    for shot in &mut shots[40..] {
        shot.nanos -= 2 * SECOND;
    }
    assert_eq!(codes(&shots), ["clock-step"]);
}

#[test]
fn a_clock_set_ahead_but_not_hosts_that_rest() {
    let first = || Talk::new().open().data(400, 100);
    let rested = first().rest(3600 * SECOND).data(40, 100);
    assert!(codes(&rested.shots).is_empty());
    let mut leaps = first().rest(3600 * SECOND);
    leaps.ahead = -3600 * SECOND;
    assert_eq!(codes(&leaps.data(40, 100).shots), ["clock-step"]);
}

#[test]
fn begun_before_the_capture_but_not_what_is_left_of_an_old_connection() {
    assert_eq!(codes(&plain().shots[10..]), ["started-late"]);
    let mut old = Talk::new();
    old.send(From::Client, Flags::FIN | Flags::ACK, 0);
    old.send(From::Server, Flags::ACK, 0);
    assert!(codes(&old.shots).is_empty());
}
