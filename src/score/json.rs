//! A score for machines.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Count, Score};
use crate::generator::truth::Sheet;
use crate::generator::truth::sheet::Question;

/// Prints a score as one JSON document.
///
/// # Errors
/// When `out` can't be written.
pub fn print(out: &mut dyn Write, sheet: &Sheet, score: &Score) -> io::Result<()> {
    let capture = &sheet.capture;
    let kinds: serde_json::Map<String, Value> = score
        .kinds
        .iter()
        .map(|(kind, &each)| (kind.name().to_owned(), count(each)))
        .collect();
    let questions: serde_json::Map<String, Value> = Question::ALL
        .iter()
        .filter_map(|&question| Some((question, score.matrices.get(&question)?)))
        .map(|(question, matrix)| {
            let matrix: Vec<Value> = matrix
                .iter()
                .map(|((truth, ours), times)| json!({"true": truth, "said": ours, "frames": times}))
                .collect();
            let answers: serde_json::Map<String, Value> = score
                .counts(question)
                .into_iter()
                .map(|(answer, each)| (answer.to_owned(), count(each)))
                .collect();
            let value = json!({"matrix": matrix, "answers": answers});
            (question.name().to_owned(), value)
        })
        .collect();
    let differences: Vec<Value> = score
        .differences
        .iter()
        .map(|each| {
            json!({
                "frame": each.frame,
                "question": each.question.name(),
                "true": each.truth,
                "said": each.ours,
                "rule": each.rule,
                "unknowable": each.overclaimed,
            })
        })
        .collect();
    let all = json!({
        "schema": "tcplens-score/1",
        "scenario": capture.scenario,
        "seed": capture.seed,
        "tap": capture.tap.name(),
        "frames": score.frames,
        "unknowable": score.unknowable,
        "verdicts": kinds,
        "questions": questions,
        "differences": differences,
    });
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)
}

fn count(count: Count) -> Value {
    json!({
        "right": count.right,
        "wrong": count.wrong,
        "missed": count.missed,
        "precision": count.precision(),
        "recall": count.recall(),
        "f1": count.f1(),
    })
}
