//! Streams out are streams in: what two applications wrote comes out of a capture of it byte for
//! byte, whatever the path did to the segments.

mod packets;

use std::io::Cursor;

use packets::{CLIENT, SERVER};
use proptest::collection::vec;
use proptest::prelude::*;
use tcplens::analysis::{Analyzer, Observer, Options};
use tcplens::source::{Arrival, FileSource, OpenOptions, Source};
use tcplens::tcp::{OverlapPolicy, Role, Settings, State};
use tcplens::wire::{Flags, Segment};

/// Both streams of one connection as they come, with the bytes that are not there counted.
#[derive(Default)]
struct Streams {
    bytes: [Vec<u8>; 2],
    next: [u64; 2],
    missing: [u64; 2],
}

impl Observer for Streams {
    fn bytes(&mut self, connection: u32, from: Role, offset: u64, bytes: &[u8]) {
        assert_eq!((connection, offset), (0, self.next[from as usize]));
        self.next[from as usize] += bytes.len() as u64;
        self.bytes[from as usize].extend_from_slice(bytes);
    }

    fn gap(&mut self, connection: u32, from: Role, offset: u64, len: u64) {
        assert_eq!((connection, offset), (0, self.next[from as usize]));
        self.next[from as usize] += len;
        self.missing[from as usize] += len;
    }
}

/// What becomes of a segment on its way to the tap. Each number is a count of segments.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Passes,
    /// Overtaken by so many.
    Late(u16),
    /// The network delivers a copy, so much later.
    Twice(u16),
    /// It is lost before the tap, and the sender sends it again so much later, packed anew: with
    /// so many bytes before and after it.
    Lost(u16, [u16; 2]),
    /// It passes, and is sent again all the same.
    SentAgain(u16, [u16; 2]),
}

fn fate() -> impl Strategy<Value = Fate> {
    let packed_anew = || [0_u16..2000, 0_u16..2000];
    prop_oneof![
        6 => Just(Fate::Passes),
        1 => (1_u16..6).prop_map(Fate::Late),
        1 => (0_u16..6).prop_map(Fate::Twice),
        1 => (1_u16..12, packed_anew()).prop_map(|(later, around)| Fate::Lost(later, around)),
        1 => (0_u16..12, packed_anew()).prop_map(|(later, around)| Fate::SentAgain(later, around)),
    ]
}

/// One direction: what is written, how it is cut, what becomes of the segments.
#[derive(Clone, Debug)]
struct Writer {
    isn: u32,
    written: Vec<u8>,
    segments: Vec<(u16, Fate)>,
}

fn writer() -> impl Strategy<Value = Writer> {
    // Half of the streams wrap.
    let isn = prop_oneof![
        any::<u32>(),
        (0..40_000_u32).prop_map(|back| u32::MAX - back)
    ];
    let segments = vec(
        (prop_oneof![Just(1448_u16), 1_u16..1448, 1_u16..20], fate()),
        1..60,
    );
    (isn, segments, any::<u64>()).prop_map(|(isn, segments, seed)| {
        let len: usize = segments.iter().map(|(len, _)| usize::from(*len)).sum();
        let mut random = packets::Random::new(seed);
        let written = (0..len).map(|_| random.next() as u8).collect();
        Writer {
            isn,
            written,
            segments,
        }
    })
}

impl Writer {
    /// The ranges of the stream that pass the tap, each with when.
    fn passes(&self, in_order_first: bool) -> Vec<(u32, usize, usize)> {
        let mut passes = Vec::new();
        let mut start = 0;
        for (index, &(len, fate)) in self.segments.iter().enumerate() {
            let end = start + usize::from(len);
            let at = |later: u16| (index as u32 + u32::from(later)) * 10;
            let anew = |[before, after]: [u16; 2]| {
                let low = start.saturating_sub(usize::from(before));
                let high = (end + usize::from(after)).min(self.written.len());
                (low, high.min(low + 4000).max(end))
            };
            let fate = match fate {
                Fate::Late(_) | Fate::Lost(..) if in_order_first && index == 0 => Fate::Passes,
                other => other,
            };
            match fate {
                Fate::Passes => passes.push((at(0), start, end)),
                Fate::Late(later) => passes.push((at(later) + 3, start, end)),
                Fate::Twice(later) => {
                    passes.push((at(0), start, end));
                    passes.push((at(later) + 4, start, end));
                }
                Fate::Lost(later, around) => {
                    let (low, high) = anew(around);
                    passes.push((at(later) + 5, low, high));
                }
                Fate::SentAgain(later, around) => {
                    let (low, high) = anew(around);
                    passes.push((at(0), start, end));
                    passes.push((at(later) + 6, low, high));
                }
            }
            start = end;
        }
        passes.sort_by_key(|pass| pass.0);
        passes
    }
}

/// How much of a stream's beginning is there.
struct Received(Vec<bool>);

impl Received {
    fn take(&mut self, start: usize, end: usize) {
        self.0[start..end].fill(true);
    }

    fn prefix(&self) -> u32 {
        let first_missing = self.0.iter().position(|there| !there);
        first_missing.unwrap_or(self.0.len()) as u32
    }
}

/// The capture of a conversation between the two.
fn converse(writers: &[Writer; 2], handshake: bool) -> Vec<u8> {
    let mut frames = Vec::new();
    let mut id = 0;
    let mut send = |from: usize, seq: u32, ack: u32, flags: Flags, payload: &[u8]| {
        id += 1;
        let (source, destination) = [(CLIENT, SERVER), (SERVER, CLIENT)][from];
        let (source_port, destination_port) = [(40_000, 80), (80, 40_000)][from];
        let segment = Segment {
            source_port,
            destination_port,
            payload_len: payload.len() as u32,
            payload,
            ..packets::segment(seq, ack, flags)
        };
        frames.push(packets::frame(source, destination, id, &segment));
    };
    let isns = [writers[0].isn, writers[1].isn];
    let first = isns.map(|isn| isn.wrapping_add(1));
    if handshake {
        send(0, isns[0], 0, Flags::SYN, &[]);
        send(1, isns[1], first[0], Flags::SYN | Flags::ACK, &[]);
        send(0, first[0], first[1], Flags::ACK, &[]);
    }
    let mut received = [0, 1].map(|from: usize| Received(vec![false; writers[from].written.len()]));
    let mut passes: Vec<(u32, usize, usize, usize)> = (0..2)
        .flat_map(|from| {
            let passes = writers[from].passes(!handshake);
            passes
                .into_iter()
                .map(move |(at, start, end)| (at, from, start, end))
        })
        .collect();
    passes.sort_by_key(|pass| pass.0);
    for (index, &(_, from, start, end)) in passes.iter().enumerate() {
        let to = 1 - from;
        let seq = first[from].wrapping_add(start as u32);
        let ack = first[to].wrapping_add(received[to].prefix());
        let payload = &writers[from].written[start..end];
        send(from, seq, ack, Flags::PSH | Flags::ACK, payload);
        received[from].take(start, end);
        if index % 3 == 0 {
            let seq = first[to].wrapping_add(received[to].prefix());
            let ack = first[from].wrapping_add(received[from].prefix());
            send(to, seq, ack, Flags::ACK, &[]);
        }
    }
    let end = [0, 1].map(|from| first[from].wrapping_add(writers[from].written.len() as u32));
    let fin = Flags::FIN | Flags::ACK;
    send(0, end[0], end[1], fin, &[]);
    send(1, end[1], end[0].wrapping_add(1), fin, &[]);
    send(
        0,
        end[0].wrapping_add(1),
        end[1].wrapping_add(1),
        Flags::ACK,
        &[],
    );
    packets::pcap(frames.iter().map(Vec::as_slice))
}

fn streams_of(capture: Vec<u8>, policy: OverlapPolicy) -> (Streams, Analyzer) {
    let mut analyzer = Analyzer::new(Options {
        settings: Settings {
            policy,
            ..Settings::default()
        },
        ..Options::default()
    });
    let mut streams = Streams::default();
    let options = OpenOptions::default();
    let mut source =
        FileSource::from_reader("conversation", Cursor::new(capture), &options).expect("a capture");
    source
        .run(&mut |arrival| analyzer.arrive(arrival, &mut streams))
        .expect("a whole capture");
    analyzer.finish(&mut streams);
    (streams, analyzer)
}

fn policy() -> impl Strategy<Value = OverlapPolicy> {
    prop_oneof![
        Just(OverlapPolicy::First),
        Just(OverlapPolicy::Last),
        Just(OverlapPolicy::Linux),
        Just(OverlapPolicy::Windows),
        Just(OverlapPolicy::Bsd),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_was_written_comes_out(
        writers in [writer(), writer()],
        handshake: bool,
        policy in policy(),
    ) {
        let (streams, analyzer) = streams_of(converse(&writers, handshake), policy);
        prop_assert_eq!(analyzer.tcp_seen(), 1);
        prop_assert_eq!(streams.missing, [0, 0]);
        for (role, writer) in writers.iter().enumerate() {
            prop_assert!(streams.bytes[role] == writer.written, "side {}", role);
        }
        for (_, slot) in analyzer.connections() {
            analyzer.connection(slot, |view| {
                for role in Role::BOTH {
                    let figures = &view.connection.endpoint(role).figures;
                    let written = writers[role as usize].written.len() as u64;
                    assert_eq!((figures.stream_bytes, figures.conflicts), (written, 0));
                }
            });
        }
    }
}

/// Segments of 64 kB of which the capture kept the headers only, until sequence numbers have
/// wrapped more than once; then some that are there.
#[test]
fn offsets_are_exact_past_four_gigabytes() {
    const JUMBO: usize = 65_000;
    const JUMBOS: u64 = 2 * (u32::MAX as u64 + 1) / JUMBO as u64 + 2;
    let mut analyzer = Analyzer::new(Options::default());
    let mut streams = Streams::default();
    let payload = vec![0; JUMBO];
    let isn = 0xfffe_0000_u32;
    let mut number = 0;
    let mut send = |from: Role, segment: &Segment<'_>, kept: usize, streams: &mut Streams| {
        number += 1;
        let (source, destination) = match from {
            Role::Client => (CLIENT, SERVER),
            Role::Server => (SERVER, CLIENT),
        };
        let mut segment = segment.clone();
        if from == Role::Server {
            (segment.source_port, segment.destination_port) = (80, 40_000);
        }
        let data = packets::frame(source, destination, number as u16, &segment);
        let mut frame = packets::captured(number, number as i64 * 1000, &data);
        frame.data = &data[..kept.min(data.len())];
        let _ = analyzer.arrive(Arrival::Frame(frame), streams);
    };
    let all = usize::MAX;
    send(
        Role::Client,
        &packets::segment(isn, 0, Flags::SYN),
        all,
        &mut streams,
    );
    let answer = packets::segment(7, isn.wrapping_add(1), Flags::SYN | Flags::ACK);
    send(Role::Server, &answer, all, &mut streams);
    let at = |offset: u64| isn.wrapping_add(1).wrapping_add(offset as u32);
    for index in 0..JUMBOS {
        let offset = index * JUMBO as u64;
        let segment = Segment {
            payload: &payload,
            payload_len: JUMBO as u32,
            ..packets::segment(at(offset), 8, Flags::ACK)
        };
        send(Role::Client, &segment, 54, &mut streams);
        let ack = packets::segment(8, at(offset + JUMBO as u64), Flags::ACK);
        send(Role::Server, &ack, all, &mut streams);
    }
    let reached = JUMBOS * JUMBO as u64;
    assert!(reached > 8 << 30);
    assert_eq!(
        (streams.next, streams.missing),
        ([reached, 0], [reached, 0])
    );
    // Out of order, so that they wait and are put in order there.
    for (offset, text) in [(5, b"bytes"), (0, b"these")] {
        let segment = Segment {
            payload: text,
            payload_len: 5,
            ..packets::segment(at(reached + offset), 8, Flags::ACK)
        };
        send(Role::Client, &segment, all, &mut streams);
    }
    assert_eq!(streams.bytes[0], b"thesebytes");
    assert_eq!(streams.next[0], reached + 10);
}

/// What comes of segments: sender (0 the client), sequence number, acknowledgment, flags, payload.
fn play(exchange: &[(usize, u32, u32, Flags, &[u8])]) -> (Streams, Analyzer) {
    let frames: Vec<Vec<u8>> = exchange
        .iter()
        .map(|&(from, seq, ack, flags, payload)| {
            let (source, destination) = [(CLIENT, SERVER), (SERVER, CLIENT)][from];
            let (source_port, destination_port) = [(40_000, 80), (80, 40_000)][from];
            let segment = Segment {
                source_port,
                destination_port,
                payload_len: payload.len() as u32,
                payload,
                ..packets::segment(seq, ack, flags)
            };
            packets::frame(source, destination, 0, &segment)
        })
        .collect();
    let capture = packets::pcap(frames.iter().map(Vec::as_slice));
    streams_of(capture, OverlapPolicy::First)
}

/// A RST and a FIN that someone else sent before the server's SYN-ACK came are nothing to it.
#[test]
fn a_syn_ack_tells_that_a_reset_and_a_fin_were_not_the_servers() {
    let (streams, analyzer) = play(&[
        (0, 99, 0, Flags::SYN, b""),
        (1, 7000, 100, Flags::RST | Flags::ACK, b""),
        (1, 7001, 100, Flags::FIN | Flags::ACK, b""),
        (1, 499, 100, Flags::SYN | Flags::ACK, b""),
        (0, 100, 500, Flags::ACK, b"ask"),
        (1, 500, 103, Flags::ACK, b"answer"),
        (0, 103, 506, Flags::ACK, b""),
    ]);
    assert_eq!(streams.bytes, [b"ask".to_vec(), b"answer".to_vec()]);
    assert_eq!(streams.missing, [0, 0]);
    let (_, slot) = analyzer.connections()[0];
    analyzer.connection(slot, |view| {
        for role in Role::BOTH {
            let endpoint = view.connection.endpoint(role);
            assert_eq!(endpoint.state, State::Established, "{role}");
            assert_eq!(endpoint.figures.illegal, 0, "{role}");
        }
        assert!(view.connection.reset.is_none());
    });
}

/// Of a host that is never seen, its peer tells the state.
#[test]
fn one_way_captures_have_two_states() {
    let (_, analyzer) = play(&[
        (0, 99, 0, Flags::SYN, b""),
        (0, 100, 500, Flags::ACK, b""),
        (0, 100, 500, Flags::ACK, b"ask"),
        (0, 103, 506, Flags::FIN | Flags::ACK, b""),
    ]);
    let (_, slot) = analyzer.connections()[0];
    analyzer.connection(slot, |view| {
        let states = Role::BOTH.map(|role| view.connection.endpoint(role).state);
        assert_eq!(states, [State::FinWait1, State::CloseWait]);
    });
}

/// A reset ends a connection, and its memory is given back; whoever goes on all the same is
/// followed on, and nothing is passed over in silence.
#[test]
fn a_stream_goes_on_after_a_reset() {
    let syn_ack = Flags::SYN | Flags::ACK;
    let exchange: [(usize, u32, u32, Flags, &[u8]); 8] = [
        (0, 99, 0, Flags::SYN, b""),
        (1, 499, 100, syn_ack, b""),
        (0, 100, 500, Flags::ACK, b""),
        (1, 500, 100, Flags::ACK, b"one "),
        (1, 504, 100, Flags::RST | Flags::ACK, b""),
        // Of what the client acknowledges the capture has four bytes.
        (0, 100, 508, Flags::ACK, b""),
        (1, 508, 100, Flags::ACK, b"three "),
        (1, 514, 100, Flags::ACK, b"four"),
    ];
    let (streams, analyzer) = play(&exchange);
    assert_eq!(streams.bytes[1], b"one three four");
    assert_eq!((streams.next, streams.missing), ([0, 18], [0, 4]));
    let (_, slot) = analyzer.connections()[0];
    analyzer.connection(slot, |view| {
        let figures = &view.connection.endpoint(Role::Server).figures;
        assert_eq!((figures.stream_bytes, figures.missing_bytes), (14, 4));
    });
}
