//! Verdicts beside truths, frame by frame.

use super::{Answers, Difference, NOTHING, Score, UNKNOWN};
use crate::generator::truth::sheet::{Is, Question};
use crate::generator::truth::{FrameTruth, Kind, Sheet};
use crate::tcp::Verdict;
use crate::tcp::verdict::Confidence;

/// The word for what a frame is, and the kinds that decide it: the first that is there.
const CLASSES: [(Kind, &str); 6] = [
    (Kind::NetworkDuplicate, "network-duplicate"),
    (Kind::KeepAlive, "keep-alive"),
    (Kind::WindowProbe, "window-probe"),
    (Kind::Retransmission, "retransmission"),
    (Kind::Reordered, "reordered"),
    (Kind::Reset, "reset"),
];

/// Holds verdicts against the truth.
pub fn compare(sheet: &Sheet, answers: &Answers) -> Score {
    let mut score = Score {
        frames: sheet.frames.len() as u64,
        ..Score::default()
    };
    for truth in &sheet.frames {
        score.frame(truth, answers.of(truth.frame));
    }
    score
}

/// The kind that the sheet has for one of ours.
fn kind_of(verdict: &Verdict) -> Option<Kind> {
    let name = verdict.kind.name();
    Kind::ALL.iter().copied().find(|kind| kind.name() == name)
}

fn class(kinds: impl Fn(Kind) -> bool) -> &'static str {
    let found = CLASSES.iter().find(|(kind, _)| kinds(*kind));
    found.map_or(NOTHING, |(_, name)| name)
}

/// Whether nobody at the tap could know.
fn is_unknowable(truth: &FrameTruth, question: Question, kind: Option<Kind>) -> bool {
    truth.unknowable.iter().any(|each| {
        each.question == question && (kind.is_none() || each.kind.is_none() || each.kind == kind)
    })
}

impl Score {
    fn frame(&mut self, truth: &FrameTruth, ours: &[Verdict]) {
        let said = |kind: Kind| ours.iter().find(|each| kind_of(each) == Some(kind));
        for kind in Kind::ALL {
            let (is_true, verdict) = (truth.verdicts.contains(&kind), said(kind));
            if !is_true && verdict.is_none() {
                continue;
            }
            if is_unknowable(truth, Question::Kind, Some(kind)) {
                self.unknowable += 1;
                continue;
            }
            let count = self.kinds.entry(kind).or_default();
            match (is_true, verdict) {
                (true, Some(_)) => count.right += 1,
                (true, None) => count.missed += 1,
                _ => count.wrong += 1,
            }
            if is_true != verdict.is_some() {
                let word = |is: bool| if is { kind.name() } else { NOTHING };
                self.differences.push(Difference {
                    frame: truth.frame,
                    question: Question::Kind,
                    kind: Some(kind),
                    truth: word(is_true),
                    ours: word(verdict.is_some()),
                    overclaimed: false,
                    rule: verdict.map(|verdict| verdict.rule.name()),
                });
            }
        }
        if truth.is != Is::Other {
            let true_class = class(|kind| truth.verdicts.contains(&kind));
            let our_class = class(|kind| said(kind).is_some());
            let unknown = truth.unknowable.iter().filter_map(|each| each.kind);
            let mut unknown = unknown.map(Kind::name);
            if !unknown.any(|kind| kind == true_class || kind == our_class) {
                self.count(Question::Kind, true_class, our_class);
            }
        }
        if let Some(ours) = said(Kind::Retransmission)
            && truth.verdicts.contains(&Kind::Retransmission)
        {
            self.retransmission(truth, ours);
        }
        if let (Some(ours), Some(true_end)) = (said(Kind::Gap), truth.resolution) {
            let answer = ours.resolution.map_or(UNKNOWN, |each| each.name());
            self.answer(truth, Question::Resolution, true_end.name(), answer, ours);
        }
    }

    fn retransmission(&mut self, truth: &FrameTruth, ours: &Verdict) {
        let answer = |name: Option<&'static str>| name.unwrap_or(UNKNOWN);
        if let Some(trigger) = truth.trigger {
            let said = answer(ours.trigger.map(|each| each.name()));
            self.answer(truth, Question::Trigger, trigger.name(), said, ours);
        }
        if let Some(need) = truth.need {
            let said = answer(ours.need.map(|each| each.name()));
            self.answer(truth, Question::Need, need.name(), said, ours);
        }
        // Where nothing was lost, there is no place.
        if let Some(lost) = truth.lost {
            let spurious = ours.need == Some(crate::tcp::verdict::Need::Spurious);
            let said = if spurious {
                "nowhere"
            } else {
                answer(ours.lost.map(|each| each.name()))
            };
            // A wrong need was counted already.
            if !spurious {
                self.answer(truth, Question::Lost, lost.name(), said, ours);
            }
        }
    }

    fn answer(
        &mut self,
        truth: &FrameTruth,
        question: Question,
        true_answer: &'static str,
        answer: &'static str,
        ours: &Verdict,
    ) {
        let unknowable = is_unknowable(truth, question, None);
        let right = answer == true_answer;
        if unknowable {
            self.unknowable += 1;
            let guess = answer == UNKNOWN || ours.confidence == Confidence::Ambiguous;
            if right || guess {
                return;
            }
        } else {
            self.count(question, true_answer, answer);
            if right {
                return;
            }
        }
        let rule = match question {
            Question::Trigger => ours.trigger_rule,
            Question::Need => ours.need_rule,
            _ => Some(ours.rule),
        };
        self.differences.push(Difference {
            frame: truth.frame,
            question,
            kind: None,
            truth: true_answer,
            ours: answer,
            overclaimed: unknowable,
            rule: rule.map(|rule| rule.name()),
        });
    }

    fn count(&mut self, question: Question, truth: &'static str, ours: &'static str) {
        *self
            .matrices
            .entry(question)
            .or_default()
            .entry((truth, ours))
            .or_default() += 1;
    }
}
