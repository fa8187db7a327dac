//! The analyzer held against a network that knows the truth: every scenario of the generator, with
//! several seeds, captured at three places.
//!
//! Where the sheet says that nobody at the tap could know, unknown is the right answer. Where else
//! the two differ stands in `tests/expected/truth/`, a row for each scenario and kind of difference:
//! a new one fails the test, and so does one that is gone. `UPDATE_EXPECT=1` rewrites the rows; the
//! difference is read before it is committed.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use expect_test::expect_file;
use tcplens::analysis::{Analyzer, Options};
use tcplens::generator::truth::Tap;
use tcplens::generator::{GeneratedSource, SCENARIOS};
use tcplens::score::{self, Answers};
use tcplens::source::{Arrival, Source};

const SEEDS: [u64; 3] = [1, 2, 3];

fn analyzed(source: &mut GeneratedSource) -> (Analyzer, Answers) {
    let mut analyzer = Analyzer::new(Options::default());
    let mut answers = Answers::default();
    source
        .run(&mut |arrival| analyzer.arrive(arrival, &mut answers))
        .expect("a generated source");
    analyzer.finish(&mut answers);
    (analyzer, answers)
}

fn check(tap: Tap) {
    let mut problems: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for scenario in SCENARIOS {
        for seed in SEEDS {
            let mut source = scenario.source(seed, tap);
            let (_, answers) = analyzed(&mut source);
            let score = score::compare(source.truth(), &answers);
            for each in &score.differences {
                let key = format!(
                    "{:40} {:10} {} -> {} ({}){}",
                    scenario.name,
                    each.question.name(),
                    each.truth,
                    each.ours,
                    each.rule.unwrap_or("-"),
                    if each.overclaimed { " OVERCLAIMED" } else { "" }
                );
                let entry = problems.entry(key).or_default();
                entry.0 += 1;
                if entry.1.len() < 60 {
                    entry.1 += &format!(" {seed}:{}", each.frame);
                }
            }
        }
    }
    let mut lines = String::new();
    for (key, (times, at)) in &problems {
        lines += &format!("{times:5} {key}{at}\n");
    }
    expect_file![
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/expected/truth")
            .join(format!("{}.txt", tap.name()))
    ]
    .assert_eq(&lines);
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
fn the_same_seed_makes_the_same_bytes() {
    fn bytes(source: &mut GeneratedSource) -> Vec<u8> {
        let mut all = Vec::new();
        let run = source.run(&mut |arrival| {
            if let Arrival::Frame(frame) = arrival {
                all.extend_from_slice(&frame.time.as_nanos().to_be_bytes());
                all.extend_from_slice(frame.data);
            }
            ControlFlow::Continue(())
        });
        run.expect("a generated source");
        all
    }
    for scenario in SCENARIOS {
        let once = bytes(&mut scenario.source(7, Tap::Middle));
        let again = bytes(&mut scenario.source(7, Tap::Middle));
        assert!(!once.is_empty(), "{} has no frames", scenario.name);
        assert!(once == again, "{} differs from itself", scenario.name);
    }
}
