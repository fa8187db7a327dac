//! The analyzer's verdicts held against an answer sheet: what agrees, what differs, and how often.
//!
//! [`Answers`] gathers final verdicts while an analysis runs; [`compare`] holds them against a
//! [`Sheet`](crate::generator::truth::Sheet); [`Score`] counts, and lists every difference. [`text`]
//! and [`json`] print it.
//!
//! What the sheet marks unknowable is not counted: there the right answer is that it is unknown, and
//! a right guess is as good. A wrong answer there that is not marked ambiguous is a difference all
//! the same ([`Difference::overclaimed`]).

mod compare;
pub mod json;
pub mod text;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::analysis::{FrameView, Observer};
use crate::generator::truth::Kind;
use crate::generator::truth::sheet::Question;
use crate::tcp::{Event, Verdict, What};

pub use compare::compare;

/// Final verdicts of a capture, by frame.
#[derive(Debug, Default)]
pub struct Answers {
    frames: BTreeMap<u64, Vec<Verdict>>,
    /// Frames that went by.
    count: u64,
}

impl Answers {
    fn take(&mut self, events: &[Event]) {
        for event in events {
            match event.what {
                What::Verdict(verdict) => self.frames.entry(event.frame).or_default().push(verdict),
                What::Revised {
                    frame,
                    before,
                    after,
                    ..
                } => {
                    let told = self.frames.entry(frame).or_default();
                    let same =
                        |each: &&mut Verdict| (each.kind, each.rule) == (before.kind, before.rule);
                    match told.iter_mut().find(same) {
                        Some(verdict) => *verdict = after,
                        None => told.push(after),
                    }
                }
                _ => {}
            }
        }
    }

    /// The verdicts on a frame.
    pub fn of(&self, frame: u64) -> &[Verdict] {
        self.frames.get(&frame).map_or(&[], Vec::as_slice)
    }

    /// Frames that went by.
    pub const fn frames(&self) -> u64 {
        self.count
    }
}

impl Observer for Answers {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        self.count += 1;
        self.take(view.events);
        ControlFlow::Continue(())
    }

    fn late(&mut self, _: u32, events: &[Event]) {
        self.take(events);
    }
}

/// How often a thing was said rightly, wrongly, and not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Said, and true.
    pub right: u64,
    /// Said, and not true.
    pub wrong: u64,
    /// True, and not said.
    pub missed: u64,
}

impl Count {
    /// Of what was said, the part that is true; none where nothing was said.
    pub fn precision(self) -> Option<f64> {
        part(self.right, self.right + self.wrong)
    }

    /// Of what is true, the part that was said; none where nothing is.
    pub fn recall(self) -> Option<f64> {
        part(self.right, self.right + self.missed)
    }

    /// The harmonic mean of both.
    pub fn f1(self) -> Option<f64> {
        part(2 * self.right, 2 * self.right + self.wrong + self.missed)
    }
}

fn part(of: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| of as f64 / all as f64)
}

/// A frame of which the analyzer says something else than the sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The frame.
    pub frame: u64,
    /// What was asked.
    pub question: Question,
    /// For [`Question::Kind`]: of which kind.
    pub kind: Option<Kind>,
    /// What is true.
    pub truth: &'static str,
    /// What the analyzer says.
    pub ours: &'static str,
    /// Nobody at this tap could know, and the analyzer claims to.
    pub overclaimed: bool,
    /// Why it says so: the name of the rule.
    pub rule: Option<&'static str>,
}

/// How the analyzer's verdicts compare with the truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Frames compared.
    pub frames: u64,
    /// For each question: how often which answer was given to which truth.
    pub matrices: BTreeMap<Question, BTreeMap<(&'static str, &'static str), u64>>,
    /// For each kind of verdict: how often it was right, wrong, missed.
    pub kinds: BTreeMap<Kind, Count>,
    /// Answers that could not be known at this tap.
    pub unknowable: u64,
    /// Every difference.
    pub differences: Vec<Difference>,
}

impl Score {
    /// Right, wrong and missed of each answer to a question, from its matrix.
    pub fn counts(&self, question: Question) -> BTreeMap<&'static str, Count> {
        let mut counts: BTreeMap<&'static str, Count> = BTreeMap::new();
        for (&(truth, ours), &times) in self.matrices.get(&question).into_iter().flatten() {
            if truth == ours {
                counts.entry(truth).or_default().right += times;
            } else {
                counts.entry(truth).or_default().missed += times;
                counts.entry(ours).or_default().wrong += times;
            }
        }
        counts.retain(|answer, _| *answer != UNKNOWN && *answer != NOTHING);
        counts
    }
}

/// Where the analyzer gives no answer.
pub const UNKNOWN: &str = "unknown";
/// A frame of which nothing must be said.
pub const NOTHING: &str = "nothing";
