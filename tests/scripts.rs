//! Verdicts against exchanges that are written down: every `fixtures/scripts/*.script` goes through
//! the analyzer, and what is said of each frame in the end must be what the script says is true.
//!
//! After a change of words or rules,
//!
//! ```text
//! UPDATE_EXPECT=1 cargo test --test scripts
//! ```
//!
//! writes what is said into the expectations of the scripts that are not in [`KNOWN`]. What is true
//! does not follow from what is said: read the difference before it is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tcplens::analysis::{Analyzer, FrameView, Observer, Options};
use tcplens::frame::{CapturedFrame, Place};
use tcplens::generator::script::{Expectation, Expected, Transcript};
use tcplens::generator::truth::{FrameTruth, Sheet};
use tcplens::generator::{PcapWriter, Script};
use tcplens::score::{self, Answers};
use tcplens::source::{self, Arrival, OpenOptions, Source};
use tcplens::tcp::verdict::{Confidence, Lost, Need, Resolution, Trigger};
use tcplens::tcp::{Connection, Event, Role, Rule, Verdict, What};
use tcplens::time::{Span, Timestamp};
use tcplens::wire::{LinkType, Transport, decode};

/// Scripts that tell what is true and not yet said, and what is missing. One that passes must leave
/// the list.
const KNOWN: &[(&str, &str)] = &[];

/// Rules that are the outcome of no script yet. One that is must leave the list.
const PENDING: &[Rule] = &[];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scripts")
}

/// Name and text of every script.
fn scripts() -> Vec<(String, String)> {
    let mut scripts: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "script")
        })
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    scripts.sort();
    scripts
}

fn parsed(name: &str, text: &str) -> Script {
    Script::parse(text).unwrap_or_else(|error| panic!("{name}.script: {error}"))
}

/// The verdicts on each frame after all revisions.
#[derive(Default)]
struct Finals(BTreeMap<u64, Vec<Verdict>>);

impl Finals {
    fn of(script: &mut Script) -> Self {
        let (analyzer, finals) = analyzed(script);
        drop(analyzer);
        finals
    }

    fn take(&mut self, events: &[Event]) {
        for event in events {
            match event.what {
                What::Verdict(verdict) => self.0.entry(event.frame).or_default().push(verdict),
                What::Revised {
                    frame,
                    before,
                    after,
                    ..
                } => {
                    let verdicts = self.0.entry(frame).or_default();
                    match verdicts.iter_mut().find(|verdict| **verdict == before) {
                        Some(verdict) => *verdict = after,
                        None => panic!("{before} on frame {frame} was never said: {verdicts:?}"),
                    }
                }
                _ => {}
            }
        }
    }

    fn on(&self, frame: u64) -> &[Verdict] {
        self.0.get(&frame).map_or(&[], Vec::as_slice)
    }
}

impl Observer for Finals {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        self.take(view.events);
        ControlFlow::Continue(())
    }

    fn late(&mut self, _: u32, events: &[Event]) {
        self.take(events);
    }
}

fn analyzed(script: &mut Script) -> (Analyzer, Finals) {
    let mut finals = Finals::default();
    let mut analyzer = Analyzer::new(Options::default());
    script
        .run(&mut |arrival| analyzer.arrive(arrival, &mut finals))
        .unwrap();
    analyzer.finish(&mut finals);
    (analyzer, finals)
}

/// The words on a verdict that a script must repeat, all of them.
fn words(verdict: &Verdict) -> BTreeSet<&'static str> {
    [
        verdict.trigger.map(Trigger::name),
        verdict.need.map(Need::name),
        verdict.lost.map(Lost::name),
        verdict.resolution.map(Resolution::name),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const CONFIDENCES: [Confidence; 3] = [
    Confidence::Certain,
    Confidence::Likely,
    Confidence::Ambiguous,
];

/// Whether a verdict is what is expected: the kind and the words on it exactly, the confidence and
/// the rules as far as they are named.
fn fits(expected: &Expected, verdict: &Verdict) -> bool {
    let (sure, said): (BTreeSet<&str>, BTreeSet<&str>) = expected
        .words
        .iter()
        .map(String::as_str)
        .partition(|word| CONFIDENCES.iter().any(|each| each.name() == *word));
    let rules: BTreeSet<_> = verdict.rules().map(Rule::name).collect();
    expected.kind == verdict.kind.name()
        && (said == words(verdict) || expected.open && said.is_subset(&words(verdict)))
        && sure.iter().all(|name| *name == verdict.confidence.name())
        && expected
            .rules
            .iter()
            .all(|rule| rules.contains(rule.as_str()))
}

/// As a script says it.
fn written(verdict: &Verdict, confidence: bool) -> String {
    let mut text = verdict.kind.name().to_owned();
    let words = [
        verdict.trigger.map(Trigger::name),
        verdict.need.map(Need::name),
        verdict.lost.map(Lost::name),
        verdict.resolution.map(Resolution::name),
        confidence.then_some(verdict.confidence.name()),
    ];
    for word in words.into_iter().flatten() {
        write!(text, " {word}").unwrap();
    }
    let rules: Vec<_> = verdict.rules().map(Rule::name).collect();
    write!(text, " [{}]", rules.join(", ")).unwrap();
    text
}

fn all_written(verdicts: &[Verdict], confidence: bool) -> String {
    let texts: Vec<_> = verdicts
        .iter()
        .map(|verdict| written(verdict, confidence))
        .collect();
    texts.join("; ")
}

/// Whether what is said of a frame is what is expected, each verdict once.
fn agrees(expectation: &Expectation, verdicts: &[Verdict]) -> bool {
    let mut left: Vec<_> = verdicts.iter().collect();
    expectation.any
        || expectation.verdicts.iter().all(|expected| {
            let at = left.iter().position(|verdict| fits(expected, verdict));
            at.map(|at| left.swap_remove(at)).is_some()
        }) && left.is_empty()
}

/// The lines of a script on which something else is said, side by side; empty when all agree.
fn differences(text: &str, script: &Script, finals: &Finals) -> String {
    let mut out = String::new();
    for (frame, line, expectation) in script.expectations() {
        let verdicts = finals.on(frame);
        if agrees(expectation, verdicts) {
            continue;
        }
        let whole = text.lines().nth(line - 1).unwrap_or("");
        let (packet, expected) = whole.split_once('|').unwrap_or((whole, ""));
        writeln!(out, "  line {line}, frame {frame}: {}", packet.trim()).unwrap();
        let or_nothing = |text: &str| match text.trim() {
            "" => "(nothing)".to_owned(),
            text => text.to_owned(),
        };
        writeln!(out, "      true: {}", or_nothing(expected)).unwrap();
        let said = or_nothing(&all_written(verdicts, true));
        writeln!(out, "      said: {said}").unwrap();
    }
    out
}

/// The script with what is said as its expectations, where it said something else.
fn rewritten(text: &str, script: &Script, finals: &Finals) -> String {
    const COLUMN: usize = 64;
    let said: BTreeMap<usize, &[Verdict]> = script
        .expectations()
        .filter(|(frame, _, expectation)| !agrees(expectation, finals.on(*frame)))
        .map(|(frame, line, _)| (line, finals.on(frame)))
        .collect();
    let mut out = String::new();
    for (at, line) in text.lines().enumerate() {
        let Some(verdicts) = said.get(&(at + 1)) else {
            writeln!(out, "{line}").unwrap();
            continue;
        };
        let (says, comment) = match line.split_once('#') {
            Some((says, comment)) => (says, format!("  #{comment}")),
            None => (line, String::new()),
        };
        let packet = says.split('|').next().unwrap_or("").trim_end();
        match all_written(verdicts, false) {
            nothing if nothing.is_empty() => writeln!(out, "{packet}{comment}").unwrap(),
            verdicts => writeln!(out, "{packet:COLUMN$} | {verdicts}{comment}").unwrap(),
        }
    }
    out
}

#[test]
fn what_is_said_is_what_is_true() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut problems = String::new();
    let scripts = scripts();
    for (name, _) in KNOWN {
        let there = scripts.iter().any(|(each, _)| each == name);
        assert!(there, "{name} in KNOWN is no script");
    }
    for (name, text) in scripts {
        let mut script = parsed(&name, &text);
        let finals = Finals::of(&mut script);
        let differences = differences(&text, &script, &finals);
        let known = KNOWN.iter().any(|(each, _)| *each == name);
        match (differences.is_empty(), known) {
            (true, false) | (false, true) => {}
            (true, true) => writeln!(problems, "{name}: told now: strike it off KNOWN").unwrap(),
            (false, false) if update => {
                let text = rewritten(&text, &script, &finals);
                fs::write(folder().join(format!("{name}.script")), text).unwrap();
            }
            (false, false) => write!(problems, "{name}:\n{differences}").unwrap(),
        }
    }
    assert!(problems.is_empty(), "\n{problems}");
}

#[test]
fn every_rule_decides_in_a_script() {
    let mut covered = BTreeSet::new();
    for (name, text) in scripts() {
        let mut script = parsed(&name, &text);
        let finals = Finals::of(&mut script);
        // What is said where something else is true proves nothing of its rule.
        for (frame, _, expectation) in script.expectations() {
            let verdicts = finals.on(frame).iter();
            let true_ones =
                verdicts.filter(|said| expectation.verdicts.iter().any(|each| fits(each, said)));
            covered.extend(true_ones.flat_map(Verdict::rules).map(Rule::name));
        }
    }
    let mut problems = Vec::new();
    for rule in Rule::ALL {
        let pending = PENDING.contains(rule);
        match (covered.contains(rule.name()), pending) {
            (true, true) => problems.push(format!("{}: strike it off PENDING", rule.name())),
            (false, false) => problems.push(format!("{}: in no script", rule.name())),
            _ => {}
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn expectations_use_names_that_exist() {
    let mut words: BTreeSet<&str> = CONFIDENCES.iter().map(|each| each.name()).collect();
    words.extend(Trigger::ALL.map(Trigger::name));
    words.extend([Need::Needed, Need::Spurious].map(Need::name));
    words.extend([Lost::BeforeTap, Lost::AfterTap].map(Lost::name));
    let resolutions = [
        Resolution::FilledLate,
        Resolution::Lost,
        Resolution::NeverCaptured,
    ];
    words.extend(resolutions.map(Resolution::name));
    for (name, text) in scripts() {
        for (_, line, expectation) in parsed(&name, &text).expectations() {
            for expected in &expectation.verdicts {
                let place = format!("{name}.script, line {line}");
                let kinds = tcplens::tcp::Kind::ALL;
                let known = kinds.iter().any(|kind| kind.name() == expected.kind);
                assert!(known, "{place}: no kind {}", expected.kind);
                for word in &expected.words {
                    assert!(words.contains(word.as_str()), "{place}: no word {word}");
                }
                for rule in &expected.rules {
                    assert!(Rule::named(rule).is_some(), "{place}: no rule {rule}");
                }
            }
        }
    }
}

/// What is true of a connection, beyond its frames.
#[test]
fn figures_of_the_cases() {
    let of = |name: &str, check: &mut dyn FnMut(&Connection)| {
        let text = fs::read_to_string(folder().join(format!("{name}.script"))).unwrap();
        let (analyzer, _) = analyzed(&mut parsed(name, &text));
        let (_, slot) = analyzer.connections()[0];
        analyzer.connection(slot, |view| check(view.connection));
    };
    of("case-no-sample-of-what-was-sent-again", &mut |connection| {
        // The handshake is the one sample at the server's half; the data gives none.
        let samples =
            [Role::Client, Role::Server].map(|role| connection.endpoint(role).rtt.figures());
        for rtt in samples.into_iter().flatten() {
            assert!(rtt.max <= Span::from_millis(50), "{rtt:?}");
        }
        assert!(
            samples
                .iter()
                .flatten()
                .any(|rtt| rtt.max == Span::from_millis(50))
        );
    });
    of("case-simultaneous-open", &mut |connection| {
        assert!(connection.simultaneous_open);
    });
    for name in [
        "case-simultaneous-open",
        "case-capture-drops",
        "case-capture-reorders",
    ] {
        of(name, &mut |connection| {
            for role in Role::BOTH {
                assert_eq!(
                    connection.endpoint(role).figures.retransmissions,
                    0,
                    "{name}"
                );
            }
        });
    }
}

/// Every frame of every script decodes whole and with a good checksum, and goes through a capture
/// file unchanged.
#[test]
fn scripts_are_sound_captures() {
    for (name, text) in scripts() {
        let mut script = parsed(&name, &text);
        let mut file = PcapWriter::new(Vec::new(), LinkType::ETHERNET).unwrap();
        let mut played = Vec::new();
        let keep = |arrival: Arrival<'_>, into: &mut Vec<_>| {
            if let Arrival::Frame(frame) = arrival {
                into.push((
                    frame.number,
                    frame.time,
                    frame.wire_len,
                    frame.data.to_vec(),
                ));
            }
        };
        let whole = !text.contains("snaplen");
        let lines: Vec<_> = script.expectations().map(|(_, line, _)| line).collect();
        let end = script.run(&mut |arrival| {
            if let Arrival::Frame(frame) = arrival {
                file.frame(&frame).unwrap();
                let decoded = decode(frame.link, frame.data, frame.wire_len);
                let Transport::Tcp(segment) = &decoded.transport else {
                    panic!("{name}: frame {}", frame.number)
                };
                if whole {
                    let ip = decoded.ip.expect("IP");
                    let line = lines[frame.number as usize - 1];
                    let intact = !text.lines().nth(line - 1).unwrap().contains("damaged");
                    assert_eq!(
                        (decoded.stop, segment.checksum_ok(&ip)),
                        (None, Some(intact))
                    );
                }
            }
            keep(arrival, &mut played);
            ControlFlow::Continue(())
        });
        assert_eq!(end, Ok(()));
        assert_eq!(played.len(), script.expectations().count(), "{name}");

        let path = std::env::temp_dir().join(format!("tcplens-{}-{name}.pcap", std::process::id()));
        fs::write(&path, file.into_inner()).unwrap();
        let mut read = Vec::new();
        let end = source::open(&[&path], &OpenOptions::default()).and_then(|mut source| {
            source.run(&mut |arrival| {
                keep(arrival, &mut read);
                ControlFlow::Continue(())
            })
        });
        let _ = fs::remove_file(&path);
        assert_eq!(end, Ok(()));
        assert!(read == played, "{name}: the file holds something else");
    }
}

/// What is written down of frames, as often as it is played: one text for each connection, and the
/// frames.
fn transcribed(script: &mut Script) -> Vec<(String, Vec<Vec<u8>>)> {
    let mut found: Vec<(Transcript, Vec<Vec<u8>>)> = Vec::new();
    let end = script.run(&mut |arrival| {
        if let Arrival::Frame(frame) = arrival {
            let mine = found.iter_mut().position(|(each, _)| each.take(&frame));
            let mine = mine.unwrap_or_else(|| {
                let mut transcript = Transcript::default();
                assert!(transcript.take(&frame));
                found.push((transcript, Vec::new()));
                found.len() - 1
            });
            found[mine].1.push(frame.data.to_vec());
        }
        ControlFlow::Continue(())
    });
    assert_eq!(end, Ok(()));
    found
        .into_iter()
        .map(|(transcript, frames)| (transcript.to_string(), frames))
        .collect()
}

/// Frames that are written down give the same frames when they are played.
#[test]
fn transcripts_give_the_same_frames() {
    // Payloads are not kept: they follow from positions, which begin at an ISN that was seen.
    const OTHER_PAYLOADS: &[&str] = &["midstream", "port-reused", "half-open"];
    let mut same = 0;
    for (name, text) in scripts() {
        for (text, frames) in transcribed(&mut parsed(&name, &text)) {
            let again = transcribed(&mut parsed(&name, &text));
            assert_eq!(again.len(), 1, "{name}");
            assert_eq!(again[0].0, text, "{name}");
            let whole = frames.iter().all(|frame| {
                let decoded = decode(LinkType::ETHERNET, frame, frame.len() as u32);
                let Transport::Tcp(segment) = &decoded.transport else {
                    return false;
                };
                decoded.stop.is_none() && segment.checksum_ok(&decoded.ip.unwrap()) == Some(true)
            });
            if whole && !OTHER_PAYLOADS.contains(&name.as_str()) && !name.contains("conflict") {
                assert!(again[0].1 == frames, "{name}:\n{text}");
                same += 1;
            }
        }
    }
    assert!(same > 60, "{same}");
}

/// The decoded frames of a text, in words.
fn frames(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut script = parsed("text", text);
    let mut begin = None;
    script
        .run(&mut |arrival| {
            if let Arrival::Frame(frame) = arrival {
                let decoded = decode(frame.link, frame.data, frame.wire_len);
                let (Transport::Tcp(s), Some(ip)) = (&decoded.transport, decoded.ip) else {
                    panic!("no TCP")
                };
                let begin = *begin.get_or_insert(frame.time);
                let options: Vec<_> = s.options.iter().map(|each| format!("{each:?}")).collect();
                out.push(format!(
                    "{}ms {}:{} {} seq {} ack {} win {} len {} id {:?} ttl {} tos {} {}",
                    (frame.time - begin).as_nanos() / 1_000_000,
                    ip.source,
                    s.source_port,
                    s.flags.tcpdump(),
                    s.seq.0,
                    s.ack.0,
                    s.window,
                    s.payload_len,
                    ip.id,
                    ip.ttl,
                    ip.traffic_class,
                    options.join(" ")
                ));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    out
}

#[test]
fn what_a_line_leaves_out_follows_from_those_before() {
    let text = "
        client 192.0.2.1:1234 isn 100 id 7 ts 5000 tick .010 mss 1400
        server 192.0.2.2:80 isn 4294967295 id random ttl 128 ecn ect0 wscale 2
        0.000 client > S
        +.040 server > S.
        +0    client > . win 9
        +.010 client > lost . 1:101
        +0    client > held P. 101:201
        +.040 client > . 201:301 ack 1
        +.001 client > late
        +.001 server > . ack 1 sack 101:301 ecn none
        +.001 client > copy 201:301
        +.003 client > F. 301:301
        2.500 server > R
    ";
    let mss = "Mss(1400) SackPermitted Timestamps(Timestamps { value: 5000, echo: 0 }) Nop \
               WindowScale(7)";
    let ts = |value: u32, echo: u32| {
        format!("Nop Nop Timestamps(Timestamps {{ value: {value}, echo: {echo} }})")
    };
    let client = "192.0.2.1:1234";
    let found = frames(text);
    let expected = [
        format!("0ms {client} S seq 100 ack 0 win 64240 len 0 id Some(7) ttl 64 tos 0 {mss}"),
        format!(
            "40ms 192.0.2.2:80 S. seq 4294967295 ack 101 win 64240 len 0 id Some(0) ttl 128 tos 2 {}",
            mss.replace("1400", "1460")
                .replace("value: 5000, echo: 0", "value: 2000040, echo: 5000")
                .replace("(7)", "(2)")
        ),
        format!(
            "40ms {client} . seq 101 ack 0 win 9 len 0 id Some(8) ttl 64 tos 0 {}",
            ts(5004, 2_000_040)
        ),
        format!(
            "90ms {client} . seq 301 ack 0 win 9 len 100 id Some(11) ttl 64 tos 0 {}",
            ts(5009, 2_000_040)
        ),
        format!(
            "91ms {client} P. seq 201 ack 0 win 9 len 100 id Some(10) ttl 64 tos 0 {}",
            ts(5005, 2_000_040)
        ),
        format!(
            "92ms 192.0.2.2:80 . seq 0 ack 101 win 502 len 0 id RANDOM ttl 128 tos 0 {} Nop Nop \
             Sack(SackBlocks {{ blocks: [(201, 401)] }})",
            ts(2_000_092, 5004)
        ),
        found[3].replace("90ms", "93ms"),
        format!(
            "96ms {client} F. seq 401 ack 0 win 9 len 0 id Some(12) ttl 64 tos 0 {}",
            ts(5009, 2_000_092)
        ),
        "2500ms 192.0.2.2:80 R seq 0 ack 0 win 0 len 0 id Some(0) ttl 128 tos 2 ".to_owned(),
    ];
    // How numbers are chosen and how blocks are debugged is not the point.
    let plain = |text: &String| match (text.find(" id Some("), text.find(" Sack(")) {
        (Some(id), Some(sack)) => {
            let ttl = text.find(" ttl ").unwrap();
            format!("{} id RANDOM{}{}", &text[..id], &text[ttl..sack], " Sack")
        }
        (None, Some(sack)) => format!("{} Sack", &text[..sack]),
        _ => text.clone(),
    };
    let plain = |texts: &[String]| texts.iter().map(plain).collect::<Vec<_>>();
    assert_eq!(plain(&found), plain(&expected));
}

#[test]
fn the_same_positions_are_the_same_bytes_unless_told_otherwise() {
    let mut payloads = Vec::new();
    let text = "0 client > . 1:101 ack 1\n+1 client > . 51:151\n+1 client > . 1:101 bytes other\n\
                +1 server > . 1:101 ack 1";
    let end = parsed("text", text).run(&mut |arrival| {
        if let Arrival::Frame(frame) = arrival
            && let Transport::Tcp(segment) =
                decode(frame.link, frame.data, frame.wire_len).transport
        {
            payloads.push(segment.payload.to_vec());
        }
        ControlFlow::Continue(())
    });
    assert_eq!(end, Ok(()));
    assert_eq!(payloads[0][50..], payloads[1][..50]);
    assert!(
        payloads[0]
            .iter()
            .zip(&payloads[2])
            .all(|(one, other)| one != other)
    );
    assert!(payloads[0] != payloads[3]);
    // A stream that is shifted by any small distance is another.
    assert!((1..50).all(|by| payloads[0][by..] != payloads[0][..100 - by]));
}

#[test]
fn snaplen_and_wide_addresses() {
    let text = "client [2001:db8::1]:40000 ttl 9\nserver [2001:db8::2]:80\nsnaplen 60\n\
                0 client > P. 1:1001 ack 1 ecn ce urg 3 <>";
    let end = parsed("text", text).run(&mut |arrival| {
        if let Arrival::Frame(frame) = arrival {
            assert_eq!(
                (frame.data.len(), frame.wire_len),
                (60, 14 + 40 + 20 + 1000)
            );
            assert_eq!(frame.data[14..16], [0x60, 0x30]);
            assert_eq!(frame.data[21], 9);
        }
        ControlFlow::Continue(())
    });
    assert_eq!(end, Ok(()));
}

#[test]
fn errors_name_line_column_and_reason() {
    for (text, error) in [
        (
            "0.0 client > S\n+x client > .",
            "line 2, column 2: \"x\" is no time in seconds",
        ),
        (
            "0.0 cleint > S",
            "line 1, column 5: the sender is client or server",
        ),
        (
            "0.0 client < S",
            "line 1, column 12: '>' must follow the sender",
        ),
        (
            "0.0 client > Sx",
            "line 1, column 15: flags are letters of FSRP.UEWe, or none",
        ),
        ("0.0 client >", "line 1, column 13: flags are missing"),
        (
            "0.0 client > . 9:1",
            "line 1, column 16: a range ends before it begins",
        ),
        (
            "0.0 client > . 1:99999",
            "line 1, column 14: 99998 octets of payload do not fit into a packet",
        ),
        (
            "0.0 client > . win 65536",
            "line 1, column 20: \"65536\" is too large here",
        ),
        (
            "0.0 client > . wni 1",
            "line 1, column 16: a packet has no \"wni\"",
        ),
        (
            "0.0 client > . \u{1b}[2J",
            "line 1, column 16: a packet has no \"\\u{1b}[2J\"",
        ),
        (
            "0.0 client > S ack 1",
            "line 1, column 14: an acknowledgment needs the flag '.'",
        ),
        (
            "0.0 client > copy",
            "line 1, column 14: no such packet was captured before",
        ),
        (
            "0.0 client > held .\n1 client > late 7:8",
            "line 2, column 12: no such packet is held back",
        ),
        (
            "0.0 client > late 7:8 ack 1",
            "line 1, column 23: \"ack\" is too much",
        ),
        (
            "0.0 client > lost . | gap",
            "line 1, column 1: nothing is captured here that a verdict could be on",
        ),
        (
            "0.0 client > . | gap [skipped",
            "line 1, column 30: the line ends too early",
        ),
        (
            "0.0 client > . | gap (skipped)",
            "line 1, column 22: \"(skipped)\" is too much",
        ),
        (
            "0.0 client > . ack 1 sack 1:2 2:3 3:4 4:5",
            "line 1, column 14: the options take 48 octets, and there are 40",
        ),
        ("é client", "line 1, column 1: \"é\" is no time in seconds"),
        (
            "client 10.0.0.1",
            "line 1, column 8: an address and a port must follow: 10.0.0.1:80, [::1]:80",
        ),
        (
            "client 10.0.0.1:1 tick 0",
            "line 1, column 24: a clock that ticks takes longer than nothing",
        ),
        (
            "client [::1]:1\n0 client > S",
            "line 2, column 12: one host has an IPv4 address and the other an IPv6 address",
        ),
    ] {
        let found = Script::parse(text).map_err(|error| error.to_string());
        assert_eq!(found.unwrap_err(), error, "{text}");
    }
}

#[test]
fn disagreement_is_shown_and_can_be_written_down() {
    let text = "0 client > S | gap lost  # why\n+1 server > R. ack 1  # refused\n";
    let mut script = parsed("text", text);
    let finals = Finals::of(&mut script);
    let shown = differences(text, &script, &finals);
    assert!(
        shown.contains("line 1, frame 1") && shown.contains("said: (nothing)"),
        "{shown}"
    );
    let text = rewritten(text, &script, &finals);
    assert!(text.starts_with("0 client > S  # why\n"), "{text}");
    assert!(
        text.contains("| reset [reset-refuses]  # refused\n"),
        "{text}"
    );
    let mut script = parsed("text", &text);
    let finals = Finals::of(&mut script);
    assert_eq!(differences(&text, &script, &finals), "");
}

/// Texts near to scripts: real lines with words of scripts thrown in.
fn near_a_script() -> impl Strategy<Value = String> {
    let words = [
        "0.1",
        "+.010",
        "client",
        "server",
        ">",
        "S",
        "S.",
        ".",
        "P.",
        "F.",
        "R",
        "lost",
        "held",
        "late",
        "copy",
        "1:1001",
        "-5:5",
        "4294967295:4294967295",
        "ack",
        "win",
        "sack",
        "ts",
        "ecr",
        "id",
        "ttl",
        "ecn",
        "ce",
        "bytes",
        "other",
        "<",
        ">",
        "<mss 1460,sackOK>",
        "nop",
        "|",
        "gap",
        ";",
        "[",
        "]",
        ",",
        "any",
        "#",
        "\n",
        "snaplen",
        "10.0.0.1:80",
        "[::1]:80",
        "random",
        "off",
        "99999999999",
        "é",
        "\u{0}",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..40)
        .prop_map(|words| words.join(" "))
}

proptest! {
    /// No text makes the reader panic, and what it accepts can be played to the end.
    #[test]
    fn any_text_is_a_script_or_an_error(text in prop_oneof![".*", near_a_script()]) {
        match Script::parse(&text) {
            Ok(mut script) => {
                let (_, finals) = analyzed(&mut script);
                drop(finals);
            }
            Err(error) => {
                prop_assert!(error.line >= 1 && error.column >= 1);
                prop_assert!(!error.reason.chars().any(char::is_control), "{}", error.reason);
            }
        }
    }

    /// Whatever stands in TCP headers, writing it down does not panic, and what comes of it can be
    /// read unless its packets are longer than any.
    #[test]
    fn any_segment_can_be_written_down(
        headers in proptest::collection::vec(any::<[u8; 40]>(), 1..5),
    ) {
        let mut transcript = Transcript::default();
        for (at, header) in headers.iter().enumerate() {
            let mut data = vec![0x45, 0, 0, 60, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
            data.extend(header);
            // The same connection, and a header of any length.
            data[20..24].copy_from_slice(&[0, 1, 0, 2]);
            transcript.take(&CapturedFrame {
                number: 1 + at as u64,
                time: Timestamp::from_nanos(at as i64 * 1_000_000),
                interface: 0,
                link: LinkType::RAW,
                wire_len: 60,
                data: &data,
                upcoming: &[],
                place: Place::NOWHERE,
            });
        }
        let text = transcript.to_string();
        if let Err(error) = Script::parse(&text) {
            let known = ["the options take", "SACK blocks", "ends before it begins", "too large here"];
            prop_assert!(known.iter().any(|reason| error.reason.contains(reason)), "{error}\n{text}");
        }
    }

    /// The fields of a line are the fields of its frame.
    #[test]
    fn frames_hold_what_was_written(
        micros in 0..10_000_000_u32, from_client: bool, flags in 0..512_u16,
        (first, len) in (0..100_000_u32, 0..1400_u32), ack in 0..100_000_u32,
        (window, id, ttl, urgent) in any::<(u16, u16, u8, u16)>(),
        (tsval, echo) in any::<(u32, u32)>(), isn: u32, wide: bool,
    ) {
        let flags = tcplens::wire::Flags(flags | 0x10);
        let side = if from_client { "client" } else { "server" };
        let (one, two) = if wide { ("[2001:db8::1]", "[2001:db8::2]") } else { ("10.0.0.1", "10.0.0.2") };
        let text = format!(
            "client {one}:40000 isn {isn}\nserver {two}:80 isn {isn}\n\
             {}.{:06} {side} > {} {first}:{} ack {ack} win {window} id {id} ttl {ttl} urg {urgent} \
             <nop,nop,TS {tsval} {echo}>",
            micros / 1_000_000, micros % 1_000_000, flags.tcpdump(), first + len,
        );
        let mut script = Script::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut seen = 0;
        let mut problems = Vec::new();
        script.run(&mut |arrival| {
            if let Arrival::Frame(frame) = arrival {
                seen += 1;
                let decoded = decode(frame.link, frame.data, frame.wire_len);
                let (Transport::Tcp(s), Some(ip)) = (&decoded.transport, decoded.ip) else {
                    panic!("no TCP")
                };
                let ts = s.options.timestamps.expect("timestamps");
                let found = (
                    (s.seq.0, s.ack.0, s.flags, s.window, s.urgent, s.payload_len),
                    (ts.value, ts.echo, ip.ttl, ip.version, s.source_port == 40000),
                    ip.id.unwrap_or(u32::from(id)), s.checksum_ok(&ip),
                    frame.time.as_nanos() % 10_000_000_000 / 1000,
                );
                let written = (
                    (isn.wrapping_add(first), isn.wrapping_add(ack), flags, window, urgent, len),
                    (tsval, echo, ttl, if wide { 6 } else { 4 }, from_client),
                    u32::from(id), Some(true), i64::from(micros),
                );
                if found != written {
                    problems.push(format!("{found:?} is not {written:?}"));
                }
            }
            ControlFlow::Continue(())
        }).unwrap();
        prop_assert_eq!((seen, problems), (1, Vec::<String>::new()));
    }
}

#[test]
fn a_script_is_an_answer_sheet() {
    let mut right = 0;
    for (name, text) in scripts() {
        let mut script = parsed(&name, &text);
        let sheet = script.sheet(&name);
        assert_eq!(sheet.frames.len(), script.expectations().count(), "{name}");
        let mut written = Vec::new();
        sheet.write(&mut written).unwrap();
        assert_eq!(
            Sheet::read(written.as_slice()).as_ref(),
            Ok(&sheet),
            "{name}"
        );
        let mut analyzer = Analyzer::new(Options::default());
        let mut answers = Answers::default();
        script
            .run(&mut |arrival| analyzer.arrive(arrival, &mut answers))
            .unwrap();
        analyzer.finish(&mut answers);
        let score = score::compare(&sheet, &answers);
        assert_eq!(score.differences, [], "{name}");
        right += score.kinds.values().map(|count| count.right).sum::<u64>();
        // Connections are numbered as the analyzer numbers them.
        // What an intruder begins is none to the analyzer.
        let all = sheet.connections.iter().filter(|_| name != "forged-syn");
        for connection in all {
            let client = connection.client.socket;
            let begins = connection.first_frame;
            let found = analyzer.connections().iter().any(|&(_, slot)| {
                let mut same = false;
                analyzer.connection(slot, |view| {
                    same = view.connection.first_frame == begins;
                });
                same
            });
            assert!(found, "{name}: {client:?} begins in frame {begins}");
        }
    }
    assert!(right > 250, "{right}");
    let open = parsed("open", "0.0 client > S | any\n+1 client > S | any\n").sheet("open");
    let unknowable = |frame: &FrameTruth| frame.unknowable.len() == 1;
    assert!(open.frames.len() == 2 && open.frames.iter().all(unknowable));
}
