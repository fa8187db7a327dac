//! The analyzer held against a network that knows the truth: every scenario of the generator, with
//! several seeds, captured at three places.
//!
//! Where the sheet says that nobody at the tap could know, unknown is the right answer. Everything
//! else must agree, but for what [`KNOWN`] lists, each row with its reason; a row that no longer
//! occurs fails the test, too.

use std::collections::BTreeMap;

use tcplens::analysis::{Analyzer, Options};
use tcplens::generator::truth::Tap;
use tcplens::generator::truth::sheet::Question;
use tcplens::generator::{GeneratedSource, SCENARIOS};
use tcplens::score::{self, Answers};
use tcplens::source::Source;
use tcplens::tcp::Role;

const SEEDS: [u64; 3] = [1, 2, 3];

/// A difference that is known.
struct Known {
    scenarios: &'static [&'static str],
    question: Question,
    truth: &'static str,
    said: &'static str,
    why: &'static str,
}

const KNOWN: &[Known] = &[];

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
    let wanted = std::env::var("SCENARIO").ok();
    for scenario in SCENARIOS {
        if wanted
            .as_ref()
            .is_some_and(|wanted| wanted != scenario.name)
        {
            continue;
        }
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
    let lines: Vec<String> = problems
        .iter()
        .map(|(key, (times, at))| format!("{times:5} {key}{at}"))
        .collect();
    assert!(
        problems.is_empty(),
        "tap {}\n{}\n",
        tap.name(),
        lines.join("\n")
    );
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
