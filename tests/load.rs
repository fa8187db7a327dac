//! Load: small captures of every kind, looked at by the decoder and counted by the analyzer.

use std::ops::ControlFlow;
use std::process::Command;

use tcplens::analysis::{Analyzer, Options};
use tcplens::generator::load::{LOADS, Load, LoadSource};
use tcplens::generator::truth::Kind;
use tcplens::generator::{PcapWriter, PcapngWriter};
use tcplens::score::{self, Answers, Score};
use tcplens::source::{Arrival, Source};
use tcplens::wire::{self, LinkType, Transport};

fn load(name: &str) -> &'static Load {
    let found = LOADS.iter().find(|load| load.name == name);
    found.expect("a load of that name")
}

/// The pcap file of a load.
fn file(load: &Load, size: Option<u64>, connections: Option<u64>, seed: u64) -> Vec<u8> {
    let mut source = load
        .source(size, connections, seed)
        .expect("it is possible");
    let mut file = PcapWriter::new(Vec::new(), LinkType::ETHERNET).expect("memory");
    let end = source.run(&mut |arrival| {
        if let Arrival::Frame(frame) = arrival {
            file.frame(&frame).expect("memory");
        }
        ControlFlow::Continue(())
    });
    assert_eq!(end, Ok(()));
    file.into_inner()
}

/// TCP connections and UDP conversations, as the analyzer counts them.
fn counted(load: &Load, size: Option<u64>, connections: Option<u64>) -> (u64, u64) {
    let mut source = load.source(size, connections, 1).expect("it is possible");
    assert!(connections.is_none_or(|connections| connections == source.connections()));
    let mut analyzer = Analyzer::new(Options::default());
    let end = source.run(&mut |arrival| analyzer.arrive(arrival, &mut ()));
    assert_eq!(end, Ok(()));
    analyzer.finish(&mut ());
    assert_eq!(
        u64::from(analyzer.tcp_seen()),
        source.connections(),
        "{}",
        load.name
    );
    (
        u64::from(analyzer.tcp_seen()),
        u64::from(analyzer.udp_seen()),
    )
}

/// The Internet checksum over octets that hold one (RFC 1071): zero when it is right.
fn unsummed(parts: &[&[u8]]) -> u16 {
    let octets: Vec<u8> = parts.concat();
    let mut sum = 0_u32;
    for pair in octets.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !sum as u16
}

#[test]
fn every_checksum_is_right_and_time_goes_on() {
    for load in LOADS {
        let mut source = load.source(Some(600_000), None, 7).expect("possible");
        let (mut frames, mut last) = (0, None);
        let end = source.run(&mut |arrival| {
            let Arrival::Frame(frame) = arrival else {
                return ControlFlow::Continue(());
            };
            frames += 1;
            assert_eq!(frame.number, frames);
            assert!(last.is_none_or(|last| last <= frame.time), "{}", load.name);
            last = Some(frame.time);
            let ip = &frame.data[14..];
            let len = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
            let (header, body) = ip[..len].split_at(20);
            assert_eq!(unsummed(&[header]), 0, "{} {frames}", load.name);
            let protocol = [0, header[9]];
            let length = (body.len() as u16).to_be_bytes();
            let sum = unsummed(&[&header[12..20], &protocol, &length, body]);
            assert_eq!(sum, 0, "{} {frames}", load.name);
            // What the decoder makes of it is what it is, whole.
            let decoded = wire::decode(frame.link, frame.data, frame.wire_len);
            assert!(decoded.stop.is_none(), "{} {frames}", load.name);
            assert!(matches!(
                decoded.transport,
                Transport::Tcp(_) | Transport::Udp(_)
            ));
            ControlFlow::Continue(())
        });
        assert_eq!(end, Ok(()));
        assert!(frames > 300, "{}: {frames}", load.name);
    }
}

#[test]
fn a_seed_makes_the_same_bytes_and_another_one_others() {
    for load in LOADS {
        let made = |seed| file(load, Some(300_000), None, seed);
        assert!(made(5) == made(5), "{}", load.name);
        assert!(made(5) != made(6), "{}", load.name);
    }
}

#[test]
fn sizes_are_kept() {
    for (name, connections) in [
        ("bulk", Some(20)),
        ("mice", None),
        ("mice", Some(200)),
        ("mice", Some(1_000)),
        ("flood", None),
        ("elephant", None),
    ] {
        let size = 4_000_000;
        let made = file(load(name), Some(size), connections, 1).len() as u64;
        let off = made.abs_diff(size);
        // What is in flight is finished: up to 400 segments of an elephant.
        assert!(off < size / 5, "{name} {connections:?}: {made}");
    }
    // The larger, the closer.
    let made = file(load("mice"), Some(20_000_000), None, 1).len() as u64;
    assert!(made.abs_diff(20_000_000) < 400_000, "{made}");
}

#[test]
fn there_are_as_many_connections_as_asked_for() {
    assert_eq!(counted(load("bulk"), Some(500_000), Some(37)), (37, 0));
    assert_eq!(counted(load("bulk"), Some(3_000_000), None).0, 1_000);
    assert_eq!(counted(load("elephant"), Some(900_000), None), (1, 0));
    assert_eq!(counted(load("elephant"), Some(2_000_000), Some(3)), (3, 0));
    assert_eq!(counted(load("mice"), Some(1_000_000), None), (200, 120));
    assert_eq!(counted(load("mice"), None, Some(150)), (150, 90));
    assert_eq!(counted(load("mice"), Some(1_000_000), Some(50)), (50, 30));
    assert_eq!(counted(load("flood"), None, Some(321)), (321, 0));
    assert_eq!(counted(load("flood"), Some(76_000), None), (1_000, 0));
}

/// What the analyzer says of the first `most` frames, beside what is true of them.
fn scored(source: &mut LoadSource, most: u64) -> Score {
    let mut analyzer = Analyzer::new(Options::default());
    let mut answers = Answers::default();
    let mut frames = 0;
    let end = source.run(&mut |arrival| {
        frames += u64::from(matches!(arrival, Arrival::Frame(_)));
        let going = analyzer.arrive(arrival, &mut answers);
        if frames == most {
            ControlFlow::Break(())
        } else {
            going
        }
    });
    assert_eq!(end, Ok(()));
    analyzer.finish(&mut answers);
    let sheet = source.sheet(Some(most)).expect("not too many");
    assert_eq!(sheet.frames.len() as u64, frames);
    score::compare(&sheet, &answers)
}

#[test]
fn verdicts_agree_with_the_answer_sheet() {
    for load in LOADS {
        for seed in [1, 2] {
            let size = if load.name == "elephant" {
                60_000_000
            } else {
                6_000_000
            };
            let mut source = load.source(Some(size), None, seed).expect("possible");
            let score = scored(&mut source, u64::MAX);
            assert_eq!(score.differences, [], "{}, seed {seed}", load.name);
            assert!(score.frames > 9_000, "{}: {}", load.name, score.frames);
            let lossy = matches!(load.name, "bulk" | "elephant");
            for kind in [Kind::Retransmission, Kind::Gap, Kind::DuplicateAck] {
                let right = score.kinds.get(&kind).map_or(0, |count| count.right);
                assert_eq!(right > 0, lossy, "{}, seed {seed}: {kind:?}", load.name);
            }
        }
    }
}

#[test]
fn an_answer_sheet_is_of_as_many_frames_as_were_written() {
    for load in LOADS {
        let mut source = load.source(None, None, 3).expect("possible");
        assert_eq!(scored(&mut source, 1_234).frames, 1_234, "{}", load.name);
    }
    let flood = load("flood").source(None, Some(10_000_001), 1);
    let why = flood.expect("possible").sheet(None).expect_err("too many");
    assert!(why.contains("at most 10000000 frames"), "{why}");
}

#[test]
fn who_has_enough_frames_gets_no_more() {
    for load in LOADS {
        let mut source = load.source(None, None, 1).expect("possible");
        let mut frames = 0;
        let end = source.run(&mut |arrival| {
            frames += u64::from(matches!(arrival, Arrival::Frame(_)));
            match frames {
                100 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        assert_eq!((end, frames), (Ok(()), 100), "{}", load.name);
    }
}

#[test]
fn what_can_not_be_is_told() {
    let told = |name, size, connections| {
        let source = load(name).source(size, connections, 1);
        source.err().unwrap_or_default()
    };
    assert!(told("bulk", None, Some(100_000)).contains("at most 64000"));
    assert!(told("flood", Some(760), Some(10)).contains("one frame for each"));
    assert!(told("flood", Some(75), None).contains("no connection"));
    assert!(told("mice", Some(4_999), None).contains("no connection"));
    assert!(told("mice", Some(u64::MAX), None).contains("at most"));
    assert!(told("elephant", None, Some(0)).contains("no connection"));
    assert!(told("bulk", Some(0), None).contains("no connection"));
}

#[test]
fn the_command_writes_what_the_library_makes() {
    let folder = std::env::temp_dir();
    let path = |ending: &str| folder.join(format!("tcplens-load-{}.{ending}", std::process::id()));
    let run = |arguments: &[&str], out: &str| {
        let run = Command::new(env!("CARGO_BIN_EXE_tcplens"))
            .arg("generate")
            .args(arguments)
            .arg("-o")
            .arg(out)
            .output();
        run.expect("it runs")
    };
    let (pcap, pcapng) = (path("pcap"), path("pcapng"));
    let options = [
        "bulk",
        "--size",
        "300K",
        "--connections",
        "12",
        "--seed",
        "9",
    ];
    let made = run(&options, pcap.to_str().expect("a name"));
    assert!(made.status.success());
    let written = std::fs::read(&pcap).expect("a file");
    assert!(written == file(load("bulk"), Some(300_000), Some(12), 9));

    let made = run(&options, pcapng.to_str().expect("a name"));
    assert!(made.status.success());
    let mut ng = PcapngWriter::new(Vec::new()).expect("memory");
    let mut source = load("bulk").source(Some(300_000), Some(12), 9).expect("ok");
    let end = source.run(&mut |arrival| {
        match arrival {
            Arrival::Interface(interface) => drop(ng.interface(interface.link, None)),
            Arrival::Frame(frame) => ng.frame(&frame, None).expect("memory"),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    assert_eq!(end, Ok(()));
    assert!(std::fs::read(&pcapng).expect("a file") == ng.into_inner());

    let refused = run(&["mice", "--size", "2T"], "-");
    assert_eq!(refused.status.code(), Some(2));
    for path in [pcap, pcapng] {
        let _ = std::fs::remove_file(path);
    }
}
