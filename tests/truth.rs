//! The analyzer held against a network that knows the truth: every scenario of the generator, with
//! several seeds, captured at three places.
//!
//! Where the sheet says that nobody at the tap could know, unknown is the right answer. Everything
//! else must agree, but for the rows of `truth/known.rs`, each with its reason. A difference that no
//! row allows fails the test; so does one that occurs more often than its row says, and so does a
//! row that no longer occurs.

#[path = "truth/known.rs"]
mod known;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use known::KNOWN;
use tcplens::analysis::{Analyzer, Options};
use tcplens::generator::truth::journal::Trigger;
use tcplens::generator::truth::sheet::{
    Because, Fate, Is, Lost, Need, Question, Resolution, Sheet,
};
use tcplens::generator::truth::{Kind, Refusal, Tap};
use tcplens::generator::{GeneratedSource, SCENARIOS};
use tcplens::score::{self, Answers};
use tcplens::source::{Arrival, Source};
use tcplens::wire::{LinkType, Transport, decode};

const SEEDS: [u64; 3] = [1, 2, 3];

fn answers(source: &mut GeneratedSource) -> Answers {
    let mut analyzer = Analyzer::new(Options::default());
    let mut answers = Answers::default();
    source
        .run(&mut |arrival| analyzer.arrive(arrival, &mut answers))
        .expect("a generated source");
    analyzer.finish(&mut answers);
    answers
}

/// A way in which the analyzer's answer differs from the sheet.
type Way = (&'static str, Question, &'static str, &'static str);

fn check(tap: Tap) {
    let mut found: BTreeMap<Way, (usize, String)> = BTreeMap::new();
    for scenario in SCENARIOS {
        for seed in SEEDS {
            let mut source = scenario.source(seed, tap);
            let answers = answers(&mut source);
            let score = score::compare(source.truth(), &answers);
            for each in &score.differences {
                let way = (scenario.name, each.question, each.truth, each.ours);
                let (times, at) = found.entry(way).or_default();
                *times += 1;
                if *times <= 8 {
                    *at += &format!(" {seed}:{} ({})", each.frame, each.rule.unwrap_or("-"));
                }
            }
        }
    }
    let mut problems = String::new();
    for row in KNOWN.iter().filter(|row| row.taps.contains(&tap)) {
        let way = (row.scenario, row.question, row.truth, row.said);
        match found.remove(&way) {
            None => problems += &format!("no longer occurs: {way:?}\n"),
            Some((times, at)) if times > row.most => {
                problems += &format!("{times} times, not {}: {way:?}{at}\n", row.most);
            }
            Some(_) => {}
        }
    }
    for (way, (times, at)) in &found {
        problems += &format!("{times} times: {way:?}{at}\n");
    }
    assert!(problems.is_empty(), "tap {}:\n{problems}", tap.name());
}

#[test]
fn verdicts_at_the_client_are_true() {
    check(Tap::Client);
}

#[test]
fn verdicts_in_the_middle_are_true() {
    check(Tap::Middle);
}

#[test]
fn verdicts_at_the_server_are_true() {
    check(Tap::Server);
}

#[test]
fn every_known_difference_names_a_scenario_and_a_reason_and_stands_once() {
    let mut seen = BTreeSet::new();
    for row in KNOWN {
        let scenario = row.scenario;
        assert!(
            SCENARIOS.iter().any(|each| each.name == scenario),
            "{scenario}"
        );
        assert!(
            row.most > 0 && row.why.len() > 20 && !row.taps.is_empty(),
            "{scenario}"
        );
        for tap in row.taps {
            let key = (scenario, tap, row.question, row.truth, row.said);
            assert!(seen.insert(key), "{key:?} stands twice");
        }
    }
}

/// Frames of a source: time, length on the wire, octets.
fn frames(source: &mut GeneratedSource) -> Vec<(i64, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    source
        .run(&mut |arrival| {
            if let Arrival::Frame(frame) = arrival {
                frames.push((frame.time.as_nanos(), frame.wire_len, frame.data.to_vec()));
            }
            ControlFlow::Continue(())
        })
        .expect("a generated source");
    frames
}

fn written(sheet: &Sheet) -> Vec<u8> {
    let mut text = Vec::new();
    sheet.write(&mut text).expect("memory takes everything");
    text
}

#[test]
fn the_same_seed_makes_the_same_octets_and_another_makes_others() {
    for scenario in SCENARIOS {
        let [mut one, mut two, mut other] =
            [5, 5, 6].map(|seed| scenario.source(seed, Tap::Middle));
        let name = scenario.name;
        assert!(!one.is_empty(), "{name}");
        let octets = frames(&mut one);
        assert_eq!(octets, frames(&mut two), "{name}");
        assert_eq!(written(one.truth()), written(two.truth()), "{name}");
        assert_ne!(octets, frames(&mut other), "{name}");
    }
}

#[test]
fn every_frame_decodes_and_only_damaged_ones_have_a_wrong_checksum() {
    for scenario in SCENARIOS {
        let mut source = scenario.source(4, Tap::Server);
        let sheet = source.truth().clone();
        for (truth, (_, wire_len, octets)) in sheet.frames.iter().zip(frames(&mut source)) {
            let at = format!("{}, frame {}", scenario.name, truth.frame);
            let decoded = decode(LinkType::ETHERNET, &octets, wire_len);
            let ip = decoded
                .ip
                .as_ref()
                .unwrap_or_else(|| panic!("{at}: no IP packet"));
            let Transport::Tcp(segment) = &decoded.transport else {
                assert_eq!(truth.is, Is::Other, "{at}");
                continue;
            };
            let damaged = truth.fate == Fate::Refused(Refusal::Damaged);
            // A frame that was cut can't be checked.
            if let Some(right) = segment.checksum_ok(ip) {
                assert_eq!(right, !damaged, "{at}");
            }
        }
    }
}

#[test]
fn a_sheet_is_read_back_as_it_was_written() {
    for scenario in SCENARIOS {
        let source = scenario.source(2, Tap::Client);
        let text = written(source.truth());
        let back = Sheet::read(text.as_slice()).expect("what was written can be read");
        assert_eq!(&back, source.truth(), "{}", scenario.name);
    }
}

/// What the hosts did does not depend on who looks on.
#[test]
fn what_hosts_did_is_the_same_at_every_tap() {
    for scenario in SCENARIOS {
        let sheets = Tap::ALL.map(|tap| scenario.source(3, tap).truth().clone());
        let hosts = |sheet: &Sheet| -> BTreeMap<String, String> {
            let connections = sheet.connections.iter();
            connections
                .map(|each| {
                    let key = format!("{:?} {:?}", each.client.socket, each.server.socket);
                    (
                        key,
                        format!("{:?} {:?} {:?}", each.client, each.server, each.closed_by),
                    )
                })
                .collect()
        };
        let [client, middle, server] = sheets.each_ref().map(hosts);
        for (key, there) in middle.iter().chain(&server) {
            // A tap need not see every connection.
            if let Some(here) = client.get(key) {
                assert_eq!(here, there, "{}: {key}", scenario.name);
            }
        }
    }
}

/// Whatever the analyzer can say, some scenario makes true.
#[test]
fn every_answer_is_true_somewhere() {
    let mut kinds = BTreeSet::new();
    let mut triggers = BTreeSet::new();
    let mut rest = BTreeSet::new();
    let mut states = BTreeSet::new();
    for scenario in SCENARIOS {
        for tap in Tap::ALL {
            let source = scenario.source(1, tap);
            for frame in &source.truth().frames {
                kinds.extend(frame.verdicts.iter().copied());
                triggers.extend(frame.trigger);
                rest.extend(frame.need.map(|need| format!("{need:?}")));
                rest.extend(frame.because.map(|because| format!("{because:?}")));
                rest.extend(frame.lost.map(|lost| format!("{lost:?}")));
                rest.extend(frame.resolution.map(|resolution| format!("{resolution:?}")));
                rest.extend(frame.reset.map(|reset| format!("{reset:?}")));
                states.extend(frame.client.into_iter().chain(frame.server));
            }
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), Kind::ALL);
    assert_eq!(triggers.into_iter().collect::<Vec<_>>(), Trigger::ALL);
    let expected = [
        format!("{:?}", Need::Needed),
        format!("{:?}", Need::Spurious),
        format!("{:?}", Because::DataLate),
        format!("{:?}", Because::AckLost),
        format!("{:?}", Because::AckLate),
        format!("{:?}", Lost::BeforeTap),
        format!("{:?}", Lost::AfterTap),
        format!("{:?}", Resolution::FilledLate),
        format!("{:?}", Resolution::Lost),
        format!("{:?}", Resolution::NeverCaptured),
        "Refused".to_owned(),
        "Aborted".to_owned(),
        "AfterClose".to_owned(),
        "NoConnection".to_owned(),
        "Forged".to_owned(),
    ];
    assert_eq!(rest, BTreeSet::from(expected));
    // Every state of RFC 9293 section 3.3.2, CLOSED among them.
    assert_eq!(states.len(), 11, "{states:?}");
}

/// What stands in the sheets of a scenario, whatever the seed, because its name promises it.
const PROMISES: &[(&str, &str)] = &[
    ("half-close", "FIN-WAIT-2"),
    ("simultaneous-close", "\"client\":\"CLOSING\""),
    ("simultaneous-close", "\"server\":\"CLOSING\""),
    ("close-by-client", "\"client\":\"TIME-WAIT\""),
    ("close-by-server", "\"server\":\"TIME-WAIT\""),
    ("simultaneous-open", "\"client\":\"SYN-RECEIVED\""),
    ("simultaneous-open", "\"server\":\"SYN-RECEIVED\""),
    ("keep-alive", "\"is\":\"keep-alive\""),
    ("keep-alive-unanswered", "\"reset\":\"aborted\""),
    ("single-loss", "\"lost\":\"after-tap\""),
    ("single-loss-before-the-tap", "\"lost\":\"before-tap\""),
    ("fast-retransmit-by-duplicate-acks", "\"trigger\":\"fast\""),
    ("tail-loss-probe", "\"trigger\":\"tail-loss-probe\""),
    ("tail-loss-timeout", "\"trigger\":\"timeout\""),
    ("timeout-by-blackout", "\"trigger\":\"timeout\""),
    ("lost-syn", "\"trigger\":\"syn\""),
    ("lost-syn-ack", "\"trigger\":\"syn-ack\""),
    ("lost-fin", "\"trigger\":\"fin\""),
    ("lost-last-ack", "\"because\":\"ack-lost\""),
    ("spurious-timeout-by-ack-loss", "\"because\":\"ack-lost\""),
    (
        "spurious-timeout-by-delay-spike",
        "\"because\":\"data-late\"",
    ),
    ("queue-overflow", "queue-overflow"),
    ("reordering-before-the-tap", "\"is\":\"reordered\""),
    ("reordering-beyond-rack", "\"need\":\"spurious\""),
    ("network-duplicates", "\"is\":\"network-duplicate\""),
    ("mirrored-twice", "\"is\":\"capture-duplicate\""),
    ("corruption", "\"refused\":\"damaged\""),
    ("zero-window", "\"is\":\"window-probe\""),
    ("lost-window-update", "\"is\":\"window-probe\""),
    ("zero-window-probed-with-data", "\"refused\":\"no-room\""),
    ("udp-port-unreachable", "\"refused\":\"no-socket\""),
    ("udp-no-answer", "chosen-loss"),
    ("window-limited", "window-full"),
    ("connection-refused", "\"reset\":\"refused\""),
    ("reset-by-linger-zero", "\"reset\":\"aborted\""),
    ("data-after-close", "\"reset\":\"after-close\""),
    ("half-open", "\"reset\":\"no-connection\""),
    ("half-open-new-syn", "challenge-ack"),
    ("port-reused", "port-reused"),
    ("backlog-overflow", "backlog-full"),
    ("port-scan", "\"reset\":\"refused\""),
    ("rst-injection", "\"reset\":\"forged\""),
    ("blind-rst", "challenge-ack"),
    ("blind-syn", "challenge-ack"),
    ("conflicting-overlap", "conflicting-overlap"),
    ("ecn-marks", "ecn-echo"),
    ("path-mtu-discovery", "too-long"),
    ("path-mtu-black-hole", "too-long"),
    ("capture-drops", "ack-unseen"),
    ("capture-drops", "never-captured"),
];

#[test]
fn scenarios_keep_their_promises() {
    let mut broken = Vec::new();
    for (name, promise) in PROMISES {
        let scenario = SCENARIOS.iter().find(|each| each.name == *name);
        let scenario = scenario.unwrap_or_else(|| panic!("no scenario {name}"));
        for seed in SEEDS {
            let text = written(scenario.source(seed, Tap::Middle).truth());
            let text = String::from_utf8(text).expect("a sheet is text");
            if !text.lines().skip(1).any(|line| line.contains(promise)) {
                broken.push(format!("{name}, seed {seed}: no {promise}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_manual_names_every_answer() {
    let manual = include_str!("../docs/truth.md");
    let kinds = Kind::ALL.iter().map(|kind| kind.name());
    let triggers = Trigger::ALL.iter().map(|trigger| trigger.name());
    let questions = Question::ALL.iter().map(|question| question.name());
    for name in kinds.chain(triggers) {
        assert!(manual.contains(&format!("`{name}`")), "{name}");
    }
    for name in questions {
        assert!(manual.contains(name), "{name}");
    }
}
