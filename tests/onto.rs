//! Generated traffic sent onto interfaces, and captured there: in a network namespace of its own,
//! which `unshare` makes. Where that can't be had a test says so and is passed over, except where
//! `CI` is set: there it fails.
#![cfg(target_os = "linux")]

mod namespace;

use std::ops::ControlFlow;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use namespace::{in_namespace, ip};
use tcplens::generator::SCENARIOS;
use tcplens::generator::load::LOADS;
use tcplens::generator::truth::Tap;
use tcplens::source::live::{LiveOptions, open};
use tcplens::source::{Arrival, Source};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tcplens");
const SCENARIO: &str = "bulk-transfer";

fn generate(arguments: &[&str]) -> Output {
    let run = Command::new(PROGRAM)
        .arg("generate")
        .args(arguments)
        .output();
    run.expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The octets of every frame of a source.
fn frames(source: &mut dyn Source) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let end = source.run(&mut |arrival| {
        if let Arrival::Frame(frame) = arrival {
            frames.push(frame.data.to_vec());
        }
        ControlFlow::Continue(())
    });
    assert_eq!(end, Ok(()));
    frames
}

/// What an interface shows while the program runs with these arguments.
fn captured(interface: &str, arguments: &[&str]) -> (Vec<Vec<u8>>, Output) {
    let stop = Arc::<AtomicBool>::default();
    let options = LiveOptions {
        interfaces: vec![interface.to_owned()],
        stop: Arc::clone(&stop),
        ..LiveOptions::default()
    };
    let mut source = open(&options).expect("root may capture in its namespace");
    thread::scope(|scope| {
        let seen = scope.spawn(move || frames(&mut source));
        let output = generate(arguments);
        // What was sent is in the ring; the last block is handed over after a moment.
        thread::sleep(Duration::from_millis(50));
        stop.store(true, Ordering::Relaxed);
        (seen.join().expect("it captures"), output)
    })
}

fn scenario() -> Vec<Vec<u8>> {
    let scenario = SCENARIOS.iter().find(|each| each.name == SCENARIO);
    frames(&mut scenario.expect("a scenario").source(4, Tap::Middle))
}

#[test]
fn loopback_carries_every_frame_as_it_is() {
    in_namespace("loopback_carries_every_frame_as_it_is", || {
        for rate in ["recorded", "fastest", "2kpps", "50Mbps"] {
            let arguments = [SCENARIO, "--seed", "4", "--onto", "lo", "--rate", rate];
            let (seen, output) = captured("lo", &arguments);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(0), "{said}");
            let made = scenario();
            assert!(seen == made, "{rate}: {} of {}", seen.len(), made.len());
            let octets: usize = made.iter().map(Vec::len).sum();
            for words in ["Sending onto lo: ", "Sent "] {
                let told = format!("{words}{} frames, {octets} bytes", made.len());
                assert!(said.contains(&told), "{said}");
            }
            assert!(said.contains("Addresses: 10.0.0.1, 10.0.0.2."), "{said}");
        }
    });
}

#[test]
fn off_loopback_nothing_is_sent_without_a_yes() {
    in_namespace("off_loopback_nothing_is_sent_without_a_yes", || {
        let quiet = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
        let _ = std::fs::write(quiet, "1");
        ip("link add one type veth peer name two");
        ip("link set one up");
        ip("link set two up");
        let arguments = [
            SCENARIO, "--seed", "4", "--onto", "one", "--rate", "fastest",
        ];
        let (seen, output) = captured("two", &arguments);
        let words = said(&output);
        assert_eq!((seen.len(), output.status.code()), (0, Some(0)), "{words}");
        assert!(words.contains("Would send onto one: "), "{words}");
        assert!(words.contains("that takes --yes"), "{words}");

        let (seen, output) = captured("two", &[&arguments[..], &["--yes"]].concat());
        let words = said(&output);
        assert_eq!(output.status.code(), Some(0), "{words}");
        assert!(seen == scenario(), "{} frames: {words}", seen.len());

        // Frames that the interface has no room for are counted, and the others are sent.
        ip("link set one mtu 700");
        let made = scenario();
        let (seen, output) = captured("two", &[&arguments[..], &["--yes"]].concat());
        let words = said(&output);
        let short: Vec<_> = made.iter().filter(|frame| frame.len() <= 718).collect();
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(seen.iter().eq(short.iter().copied()), "{words}");
        let long = made.len() - short.len();
        let told = format!("Not sent: {long} frames: longer than the interface takes");
        assert!(long > 0 && words.contains(&told), "{words}");

        ip("link set one down");
        let words = said(&generate(&arguments));
        assert!(words.contains("is down"), "{words}");
    });
}

#[test]
fn loads_and_scripts_can_be_sent() {
    in_namespace("loads_and_scripts_can_be_sent", || {
        let arguments = [
            "bulk",
            "--size",
            "300K",
            "--connections",
            "9",
            "--onto",
            "lo",
            "--rate",
            "fastest",
        ];
        let (seen, output) = captured("lo", &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let bulk = LOADS.iter().find(|load| load.name == "bulk");
        let bulk = bulk.expect("a load").source(Some(300_000), Some(9), 1);
        assert!(seen == frames(&mut bulk.expect("possible")));
        assert!(said(&output).contains("18 addresses"), "{}", said(&output));

        let file = std::env::temp_dir().join(format!("tcplens-onto-{}", std::process::id()));
        std::fs::write(&file, "0.000 client > S\n+.040 server > S.\n").expect("written");
        let path = file.to_str().expect("UTF-8");
        let (seen, output) = captured("lo", &["--script", path, "--onto", "lo"]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(seen.len(), 2);
        let _ = std::fs::remove_file(file);
    });
}

#[test]
fn a_dry_run_needs_no_right_and_tells_what_would_be() {
    let output = generate(&[SCENARIO, "--onto", "lo", "--dry-run", "--rate", "100pps"]);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(0), "{words}");
    let first = SCENARIOS.iter().find(|each| each.name == SCENARIO);
    let made = first.expect("a scenario").source(1, Tap::Middle).len();
    // The first at once, and the others 10 ms after each other.
    let seconds = (made - 1) as f64 / 100.0;
    let told = format!("in {seconds:.3} s, at 100 frames/s");
    let flat = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&told), "{words}");
    assert!(flat.contains("Nothing was sent."), "{words}");
}

#[test]
fn what_can_not_be_sent_is_told() {
    for (arguments, why) in [
        (&["--onto", "no-such-if"][..], "there is no interface"),
        (&["--onto", "lo", "--rate", "7"], "a rate is such as"),
        (&["--onto", "lo", "-o", "x.pcap"], "cannot be used with"),
        (&["--yes"], "required"),
    ] {
        let output = generate(&[&[SCENARIO], arguments].concat());
        let words = said(&output);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains(why), "{arguments:?}: {words}");
    }
}
