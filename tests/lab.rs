//! The lab, for real: kernels talk through our path, and what the path has written down is held
//! against what the kernels counted, and the analyzer's verdicts against that.
//!
//! Where no namespace can be had, or no TUN device, a test says so and is passed over, except where
//! `CI` is set: there it fails.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use tcplens::generator::lab::SCENARIOS;
use tcplens::generator::truth::journal::Trigger;
use tcplens::generator::truth::sheet::{Fate, Is, Kind, Need};
use tcplens::generator::truth::{Cause, FrameTruth, Leg, Sheet, Side, Tap};
use tcplens::source::{Arrival, OpenOptions, open};
use tcplens::wire::{self, Transport};

fn tcplens(arguments: &[&str]) -> Output {
    let run = Command::new(env!("CARGO_BIN_EXE_tcplens"))
        .args(arguments)
        .output();
    run.expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A directory of a test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("tcplens-lab-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a run has left.
struct Run {
    sheets: Vec<Sheet>,
    kernel: Value,
    _folder: Folder,
}

/// Plays a scenario; `None` where this host can't.
fn play(name: &str, options: &[&str]) -> Option<Run> {
    let folder = Folder::new(&format!("{name}{}", options.concat()));
    let path = folder.0.to_str().expect("UTF-8");
    let scenario = format!("lab/{name}");
    let arguments = ["generate", &scenario, "--seed", "3", "-o", path];
    let output = tcplens(&[&arguments[..], options].concat());
    let words = said(&output);
    let can_not = words.contains("system forbids them") || words.contains("hosts can't be made");
    if can_not && output.status.code() == Some(2) {
        assert!(std::env::var_os("CI").is_none(), "{words}");
        eprintln!("lab/{name} was not played: {words}");
        return None;
    }
    assert_eq!(output.status.code(), Some(0), "lab/{name}: {words}");
    for side in ["client: ", "server: "] {
        assert!(words.contains(side), "{words}");
    }
    let sheets = Tap::ALL.map(|tap| sheet(&folder.0, tap));
    let text = fs::read_to_string(folder.0.join("kernel.json")).expect("what the kernels say");
    let kernel = serde_json::from_str(&text).expect("JSON");
    for (tap, sheet) in Tap::ALL.into_iter().zip(&sheets) {
        check_capture(&folder.0, tap, sheet);
    }
    let run = Run {
        sheets: sheets.into(),
        kernel,
        _folder: folder,
    };
    run.check(name);
    Some(run)
}

fn sheet(folder: &Path, tap: Tap) -> Sheet {
    let path = folder.join(format!("{}.truth.ndjson", tap.name()));
    let file = BufReader::new(File::open(path).expect("a sheet"));
    let sheet = Sheet::read(file).expect("a whole sheet");
    assert_eq!(sheet.capture.tap, tap);
    assert_eq!(sheet.capture.missed, 0);
    sheet
}

/// The capture of a tap has the frames that its sheet is about, with right checksums.
fn check_capture(folder: &Path, tap: Tap, sheet: &Sheet) {
    let path = folder.join(tap.name()).with_extension("pcapng");
    let mut frames = 0_usize;
    let end = open(&[path], &OpenOptions::default()).and_then(|mut source| {
        source.run(&mut |arrival| {
            if let Arrival::Frame(frame) = arrival {
                let truth = sheet.frames.get(frames).expect("a line for each frame");
                assert_eq!(truth.nanos, frame.time.as_nanos());
                let decoded = wire::decode(frame.link, frame.data, frame.wire_len);
                assert!(decoded.stop.is_none());
                assert!(matches!(decoded.transport, Transport::Tcp(_)));
                let header = &frame.data[..20];
                let body = &frame.data[20..];
                let length = (body.len() as u16).to_be_bytes();
                assert_eq!(unsummed(&[header]), 0);
                let sum = unsummed(&[&header[12..20], &[0, 6], &length, body]);
                assert_eq!(sum, 0, "frame {} at the {}", frame.number, tap.name());
                frames += 1;
            }
            ControlFlow::Continue(())
        })
    });
    assert_eq!(end, Ok(()));
    assert_eq!(frames, sheet.frames.len());
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

impl Run {
    fn tap(&self, tap: Tap) -> &Sheet {
        &self.sheets[tap as usize]
    }

    /// A counter of a host's kernel: by how much it went up.
    fn counted(&self, side: Side, counter: &str) -> u64 {
        let counters = &self.kernel[side.name()]["counters"];
        counters[counter].as_u64().unwrap_or(0)
    }

    /// Frames of the capture beside their sender.
    fn sent(&self, side: Side) -> impl Iterator<Item = &FrameTruth> {
        let tap = match side {
            Side::Client => Tap::Client,
            Side::Server => Tap::Server,
        };
        let frames = self.tap(tap).frames.iter();
        frames.filter(move |frame| frame.from == side && frame.copy == 0)
    }

    fn sent_again(&self, side: Side) -> impl Iterator<Item = &FrameTruth> {
        self.sent(side)
            .filter(|frame| frame.is == Is::Retransmission)
    }

    /// Whether anything had to be sent again. Where this machine does other things for longer than
    /// a host's timer waits, something is sent again that did not have to be.
    fn had_to_send_again(&self, side: Side) -> bool {
        let needed = |frame: &FrameTruth| frame.need == Some(Need::Needed);
        self.sent_again(side).any(needed)
    }

    /// How many of a host's segments were sent again because of this.
    fn because_of(&self, side: Side, trigger: Trigger) -> u64 {
        let again = self.sent_again(side);
        again.filter(|frame| frame.trigger == Some(trigger)).count() as u64
    }

    /// What must be true of every run.
    fn check(&self, name: &str) {
        assert_eq!(self.kernel["agrees"], true, "{name}");
        for side in Side::BOTH {
            let again = self.sent_again(side).count() as u64;
            let kernel = self.counted(side, "TcpRetransSegs");
            assert_eq!(again, kernel, "{name}: the {}'s kernel", side.name());
            // Each counter is given to one segment at most.
            for (trigger, counter) in [
                (Trigger::Fast, "TcpExtTCPFastRetrans"),
                (Trigger::TailLossProbe, "TcpExtTCPLossProbes"),
            ] {
                let said = self.because_of(side, trigger);
                let counted = self.counted(side, counter);
                assert!(said <= counted, "{name}: {said} of {counter} {counted}");
            }
            assert!(self.kernel[side.name()]["failure"].is_null(), "{name}");
            assert!(self.kernel[side.name()]["tcp_info"].is_object(), "{name}");
        }
        // Every packet that did not die is seen beside its receiver.
        for side in Side::BOTH {
            let beside = match side {
                Side::Client => Tap::Server,
                Side::Server => Tap::Client,
            };
            let sent: BTreeSet<u32> = self
                .sent(side)
                .filter(|frame| !matches!(frame.fate, Fate::Died(..)))
                .map(|frame| frame.packet)
                .collect();
            let frames = self.tap(beside).frames.iter();
            let seen: BTreeSet<u32> = frames
                .filter(|frame| frame.from == side)
                .map(|frame| frame.packet)
                .collect();
            assert!(sent.is_subset(&seen), "{name}");
        }
    }

    fn died(&self, cause: Cause) -> usize {
        let frames = Side::BOTH.into_iter().flat_map(|side| self.sent(side));
        let dead = |frame: &&FrameTruth| matches!(frame.fate, Fate::Died(_, by) if by == cause);
        frames.filter(dead).count()
    }

    fn verdicts(&self, tap: Tap, kind: Kind) -> usize {
        let frames = self.tap(tap).frames.iter();
        frames
            .filter(|frame| frame.verdicts.contains(&kind))
            .count()
    }
}

#[test]
fn a_clean_path_loses_nothing() {
    let Some(run) = play("clean", &[]) else {
        return;
    };
    for side in Side::BOTH {
        assert!(self::all_arrived(run.sent(side)));
        assert!(!run.had_to_send_again(side));
    }
    assert_eq!(run.kernel["server"]["received"], 900_000);
    let connection = &run.tap(Tap::Middle).connections[0];
    assert_eq!(connection.closed_by, Some(Side::Client));
    assert!(
        connection
            .round_trip
            .is_some_and(|nanos| nanos >= 40_000_000)
    );
}

fn all_arrived<'a>(mut frames: impl Iterator<Item = &'a FrameTruth>) -> bool {
    frames.all(|frame| frame.fate == Fate::Arrived)
}

#[test]
fn lost_data_is_sent_again_and_it_is_known_where_it_died() {
    let Some(run) = play("loss", &[]) else {
        return;
    };
    let lost = run.died(Cause::RandomLoss);
    assert!(lost > 5, "{lost}");
    assert!(run.had_to_send_again(Side::Client));
    assert!(run.because_of(Side::Client, Trigger::Fast) > 0);
    // A packet that died on the near leg is not seen in the middle.
    let middle = &run.tap(Tap::Middle).frames;
    for frame in run.sent(Side::Client) {
        let died_before = matches!(frame.fate, Fate::Died(Leg::Near, _));
        let is_seen = middle.iter().any(|each| each.packet == frame.packet);
        assert_eq!(died_before, !is_seen, "packet {}", frame.packet);
    }
}

#[test]
fn options_reach_the_kernels() {
    let options = ["--no-sack", "--no-timestamps", "--congestion", "reno"];
    let Some(run) = play("loss", &options) else {
        return;
    };
    assert_eq!(run.kernel["sack"], false);
    assert_eq!(run.verdicts(Tap::Client, Kind::Dsack), 0);
    assert!(run.sent_again(Side::Client).count() > 0);
    assert_eq!(run.counted(Side::Client, "TcpExtTCPSackRecovery"), 0);
    let folder = Folder::new("unknown-congestion");
    let path = folder.0.to_str().expect("UTF-8");
    let output = tcplens(&["generate", "lab/clean", "-o", path, "--congestion", "none"]);
    assert_eq!(output.status.code(), Some(2));
    let words = said(&output);
    assert!(words.contains("no congestion control \"none\""), "{words}");
    assert!(!folder.0.join("kernel.json").exists());
}

#[test]
fn a_lost_tail_is_probed_for() {
    let Some(run) = play("tail-loss", &[]) else {
        return;
    };
    assert!(run.died(Cause::ChosenLoss) > 2);
    assert!(run.because_of(Side::Server, Trigger::TailLossProbe) > 0);
    assert!(!run.had_to_send_again(Side::Client));
}

#[test]
fn a_dark_path_is_tried_by_the_timer() {
    let Some(run) = play("blackout", &[]) else {
        return;
    };
    assert!(run.died(Cause::Blackout) > 2);
    assert!(run.because_of(Side::Client, Trigger::Timeout) > 2);
    assert!(run.counted(Side::Client, "TcpExtTCPTimeouts") > 0);
}

#[test]
fn overtaken_data_is_waited_for_or_sent_again_for_nothing() {
    let Some(run) = play("reorder", &[]) else {
        return;
    };
    assert!(run.verdicts(Tap::Server, Kind::Reordered) > 0);
    assert_eq!(run.verdicts(Tap::Client, Kind::Reordered), 0);
    assert!(!run.had_to_send_again(Side::Client));
}

#[test]
fn the_network_delivers_twice_what_was_sent_once() {
    let Some(run) = play("duplicate", &[]) else {
        return;
    };
    assert!(run.verdicts(Tap::Server, Kind::NetworkDuplicate) > 5);
    assert!(!run.had_to_send_again(Side::Client));
}

#[test]
fn a_slow_reader_closes_its_window() {
    let Some(run) = play("slow-reader", &[]) else {
        return;
    };
    assert!(run.verdicts(Tap::Server, Kind::ZeroWindow) > 0);
    let probes = run.sent(Side::Client);
    let probes = probes.filter(|frame| frame.is == Is::WindowProbe).count() as u64;
    assert!(probes > 0);
    assert_eq!(probes, run.counted(Side::Client, "TcpExtTCPWinProbe"));
    assert_eq!(run.kernel["server"]["received"], 300_000);
}

#[test]
fn a_full_queue_loses() {
    let Some(run) = play("queue", &[]) else {
        return;
    };
    assert!(run.died(Cause::QueueOverflow) > 5);
}

#[test]
fn marks_are_echoed_where_hosts_can() {
    let Some(run) = play("ecn-mark", &["--ecn"]) else {
        return;
    };
    assert!(run.verdicts(Tap::Server, Kind::CongestionExperienced) > 0);
    assert_eq!(run.verdicts(Tap::Client, Kind::CongestionExperienced), 0);
    assert!(run.verdicts(Tap::Client, Kind::EcnEcho) > 0);
}

#[test]
fn the_others_come_to_their_end() {
    let played = [
        "clean",
        "loss",
        "tail-loss",
        "blackout",
        "reorder",
        "duplicate",
        "slow-reader",
        "queue",
        "ecn-mark",
    ];
    for scenario in SCENARIOS {
        if !played.contains(&scenario.name) && play(scenario.name, &[]).is_none() {
            return;
        }
    }
}

#[test]
fn what_can_not_be_played_is_told() {
    for (arguments, why) in [
        (&["lab/no-such"][..], "nothing is called"),
        (&["lab/clean"], "-o DIR"),
        (&["lab/clean", "-o", "/dev/null/x"], "can't be made"),
        (
            &["lab/clean", "-o", "x", "--truth", "y"],
            "leave --truth out",
        ),
        (&["lab/clean", "--open"], "--open goes with simulated"),
    ] {
        let output = tcplens(&[&["generate"], arguments].concat());
        let words = said(&output);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains(why), "{arguments:?}: {words}");
    }
}
