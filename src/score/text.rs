//! A score for people.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::{Count, Score, UNKNOWN};
use crate::generator::truth::Sheet;
use crate::generator::truth::sheet::Question;
use crate::report::escape::escaped;

/// Prints a score; with `differences`, every frame that differs.
///
/// # Errors
/// When `out` can't be written.
pub fn print(
    out: &mut dyn Write,
    sheet: &Sheet,
    score: &Score,
    differences: bool,
) -> io::Result<()> {
    let capture = &sheet.capture;
    write!(out, "{}", escaped(&capture.scenario))?;
    if let Some(seed) = capture.seed {
        write!(out, ", seed {seed}")?;
    }
    writeln!(
        out,
        ", tap {}\n{} frames compared, {} answers differ, {} could not be known here",
        capture.tap.name(),
        score.frames,
        score.differences.len(),
        score.unknowable
    )?;
    if !score.kinds.is_empty() {
        writeln!(out)?;
        let kinds = score
            .kinds
            .iter()
            .map(|(kind, count)| (kind.name(), *count));
        counts(out, "verdict", kinds.collect())?;
    }
    for question in Question::ALL {
        matrix(out, score, question)?;
    }
    if differences && !score.differences.is_empty() {
        writeln!(out)?;
        writeln!(
            out,
            "{:>8}  {:10}  {:24}  {:24}  rule",
            "frame", "question", "true", "said"
        )?;
        for each in &score.differences {
            writeln!(
                out,
                "{:>8}  {:10}  {:24}  {:24}  {}{}",
                each.frame,
                each.question.name(),
                each.truth,
                each.ours,
                each.rule.unwrap_or("-"),
                if each.overclaimed {
                    " (can't be known here)"
                } else {
                    ""
                }
            )?;
        }
    }
    Ok(())
}

fn counts(out: &mut dyn Write, head: &str, rows: Vec<(&'static str, Count)>) -> io::Result<()> {
    writeln!(
        out,
        "{head:24} {:>7} {:>7} {:>7} {:>9} {:>7} {:>7}",
        "right", "wrong", "missed", "precision", "recall", "F1"
    )?;
    for (name, count) in rows {
        let part = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        writeln!(
            out,
            "{name:24} {:>7} {:>7} {:>7} {:>9} {:>7} {:>7}",
            count.right,
            count.wrong,
            count.missed,
            part(count.precision()),
            part(count.recall()),
            part(count.f1())
        )?;
    }
    Ok(())
}

fn matrix(out: &mut dyn Write, score: &Score, question: Question) -> io::Result<()> {
    let Some(matrix) = score.matrices.get(&question) else {
        return Ok(());
    };
    let rows: BTreeSet<&str> = matrix.keys().map(|(truth, _)| *truth).collect();
    let mut columns: Vec<&str> = matrix.keys().map(|(_, ours)| *ours).collect();
    columns.sort_unstable();
    columns.dedup();
    // The answer that is none stands last.
    columns.sort_by_key(|answer| *answer == UNKNOWN);
    writeln!(out)?;
    write!(out, "{:18}", format!("{} (true, said)", question.name()))?;
    // Sixty columns hold what a terminal of eighty shows beside the names.
    let width = (60 / columns.len().max(1)).clamp(7, 18);
    for column in &columns {
        let short: String = column.chars().take(width - 1).collect();
        write!(out, "{short:>width$}")?;
    }
    writeln!(out)?;
    for truth in rows {
        write!(out, "{truth:18}")?;
        for ours in &columns {
            match matrix.get(&(truth, *ours)) {
                Some(times) => write!(out, "{times:>width$}")?,
                None => write!(out, "{:>width$}", ".")?,
            }
        }
        writeln!(out)?;
    }
    if question != Question::Kind {
        let rows: Vec<_> = score.counts(question).into_iter().collect();
        counts(out, question.name(), rows)?;
    }
    Ok(())
}
