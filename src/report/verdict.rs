//! A verdict and an episode for machines: the same fields wherever they stand. And the evidence of
//! a verdict in words.

use core::fmt;
use std::io::{self, Write};

use super::units::{counted, grouped};
use crate::tcp::recovery::Episode;
use crate::tcp::verdict::Proof;
use crate::tcp::{Event, Kind, Rule, Verdict, What};

/// The fields of a verdict, without braces.
pub(super) fn fields(out: &mut dyn Write, verdict: &Verdict) -> io::Result<()> {
    let Verdict {
        kind,
        rule,
        confidence,
        trigger,
        trigger_rule,
        need,
        need_rule,
        lost,
        resolution,
        octets,
        proof,
    } = verdict;
    write!(
        out,
        "\"kind\":\"{kind}\",\"rule\":\"{}\",\"confidence\":\"{}\"",
        rule.name(),
        confidence.name()
    )?;
    for (name, value) in [
        ("trigger", trigger.map(|trigger| trigger.name())),
        ("trigger_rule", trigger_rule.map(Rule::name)),
        ("need", need.map(|need| need.name())),
        ("need_rule", need_rule.map(Rule::name)),
        ("lost", lost.map(|lost| lost.name())),
        ("resolution", resolution.map(|resolution| resolution.name())),
    ] {
        match value {
            Some(value) => write!(out, ",\"{name}\":\"{value}\"")?,
            None => write!(out, ",\"{name}\":null")?,
        }
    }
    write!(out, ",\"octets\":{octets},\"evidence\":")?;
    evidence(out, proof)
}

/// What a frame was judged to be by its events, as a comment on it; nothing where nothing is.
pub(crate) fn comment(events: &[Event]) -> Option<String> {
    let verdicts: Vec<String> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Verdict(verdict) => Some(verdict.to_string()),
            _ => None,
        })
        .collect();
    (!verdicts.is_empty()).then(|| verdicts.join("; "))
}

/// The frames and numbers that decided: only those that did.
fn evidence(out: &mut dyn Write, proof: &Proof) -> io::Result<()> {
    let Proof {
        original,
        neighbour,
        asked,
        settled,
        waited,
        timeout,
        round_trip,
        duplicate_acks,
        skipped_ids,
        backoff,
    } = *proof;
    let mut before = "{";
    for (name, frame) in [
        ("original", original),
        ("neighbour", neighbour),
        ("asked", asked),
        ("settled", settled),
    ] {
        if let Some(frame) = frame {
            write!(out, "{before}\"{name}\":{frame}")?;
            before = ",";
        }
    }
    for (name, span) in [
        ("waited", waited),
        ("timeout", timeout),
        ("round_trip", round_trip),
    ] {
        if let Some(span) = span {
            write!(out, "{before}\"{name}\":{span}")?;
            before = ",";
        }
    }
    for (name, count) in [
        ("duplicate_acks", duplicate_acks),
        ("skipped_ids", skipped_ids),
        ("backoff", backoff),
    ] {
        if count > 0 {
            write!(out, "{before}\"{name}\":{count}")?;
            before = ",";
        }
    }
    out.write_all(if before == "{" { b"{}" } else { b"}" })
}

/// What a verdict had been, and the frames that revised it: a field after the others, null if it
/// never was another.
pub(super) fn revised<'a>(
    out: &mut dyn Write,
    history: impl IntoIterator<Item = (u64, &'a Verdict)>,
) -> io::Result<()> {
    let mut before = "[";
    out.write_all(b",\"revised\":")?;
    for (by, was) in history {
        write!(out, "{before}{{\"by\":{by},\"was\":\"{was}\"}}")?;
        before = ",";
    }
    out.write_all(if before == "[" { b"null" } else { b"]" })
}

/// The fields of a recovery, without braces.
pub(super) fn episode(out: &mut dyn Write, episode: &Episode) -> io::Result<()> {
    let Episode {
        sender,
        trigger,
        first_frame,
        began,
        last_frame,
        lasted,
        exit,
        retransmissions,
        spurious,
        octets,
        timeouts,
        flight,
    } = episode;
    write!(
        out,
        "\"sender\":\"{sender}\",\"trigger\":\"{}\",\"first_frame\":{first_frame},\
         \"began\":{},\"last_frame\":{last_frame},\"lasted\":{lasted},\"exit\":\"{}\",\
         \"retransmissions\":{retransmissions},\"spurious\":{spurious},\"octets\":{octets},\
         \"timeouts\":{timeouts},\"flight\":{flight}",
        trigger.name(),
        began.since(crate::time::Timestamp::default()),
        exit.name(),
    )
}

/// The frames and numbers that decided, in words; empty where nothing else did.
pub(super) struct Evidence<'a>(pub(super) &'a Verdict);

impl fmt::Display for Evidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { kind, proof, .. } = self.0;
        let original = match kind {
            Kind::Retransmission | Kind::Reordered => "original in",
            Kind::NetworkDuplicate | Kind::ConflictingOverlap => "first in",
            _ => "see",
        };
        let frame = |words: &str, frame: Option<u64>| match frame {
            // Some is settled only when the connection ends.
            Some(0) => Some(format!("{words} the end")),
            frame => frame.map(|frame| format!("{words} frame {}", grouped(frame))),
        };
        let count = |count: u32, what: &str| (count > 0).then(|| counted(count, what).to_string());
        let parts = [
            frame(original, proof.original),
            frame("beside", proof.neighbour),
            frame("asked for by", proof.asked),
            frame("settled by", proof.settled),
            proof.waited.map(|span| format!("after {}", span.short())),
            proof.timeout.map(|span| format!("timer {}", span.short())),
            proof
                .round_trip
                .map(|span| format!("round trip {}", span.short())),
            count(proof.duplicate_acks, "duplicate ACK"),
            count(proof.skipped_ids, "skipped IP identification"),
            (proof.backoff > 0).then(|| format!("backoff {}", proof.backoff)),
        ];
        let mut separator = "";
        for part in parts.into_iter().flatten() {
            write!(f, "{separator}{part}")?;
            separator = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::verdict::Confidence;
    use crate::time::Span;
    use serde_json::{Value, json};

    fn object(write: impl Fn(&mut Vec<u8>) -> io::Result<()>) -> Value {
        let mut out = b"{".to_vec();
        write(&mut out).unwrap();
        out.push(b'}');
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn evidence_holds_only_what_counts() {
        let mut verdict = Verdict::new(Kind::Retransmission, Rule::SeenBefore, Confidence::Certain);
        let bare = object(|out| fields(out, &verdict));
        assert_eq!(bare["evidence"], json!({}));
        assert_eq!(Evidence(&verdict).to_string(), "");
        verdict.proof.original = Some(7);
        verdict.proof.asked = Some(1_017);
        verdict.proof.waited = Some(Span::from_nanos(5_200_000));
        verdict.proof.duplicate_acks = 3;
        let full = object(|out| fields(out, &verdict));
        let wanted = json!({"original": 7, "asked": 1017, "waited": 0.0052, "duplicate_acks": 3});
        assert_eq!(full["evidence"], wanted);
        assert_eq!(
            Evidence(&verdict).to_string(),
            "original in frame 7, asked for by frame 1,017, after 5.20ms, 3 duplicate ACKs"
        );
    }

    #[test]
    fn a_verdict_that_never_was_another_says_so() {
        let mut verdict = Verdict::new(Kind::Gap, Rule::Skipped, Confidence::Certain);
        let none = object(|out| {
            fields(out, &verdict)?;
            revised(out, None)
        });
        assert_eq!(none["revised"], Value::Null);
        verdict.confidence = Confidence::Ambiguous;
        let once = object(|out| {
            fields(out, &verdict)?;
            revised(out, [(9, &verdict)])
        });
        assert_eq!(
            once["revised"],
            json!([{"by": 9, "was": "gap (ambiguous)"}])
        );
    }
}
