//! The clock of the capture was set while it ran: back, or forward by more than the hosts' own
//! clocks, which stand in their timestamps (RFC 7323).
//!
//! Innocent: files put together, in which time goes back but no conversation does; a few frames
//! written late; a long silence in which the hosts' clocks moved along; one host that was
//! suspended, whose clock alone stood still.

use super::number::counted;
use super::{Diagnosis, Evidence, Number, Subject, Told, Weight};
use crate::time::Span;

pub(super) const DIAGNOSIS: Diagnosis = Diagnosis {
    code: "clock-step",
    title: "the clock was set",
    subject: Subject::Capture,
    advice: "Don't trust durations and round trips across that point; let the clock be slewed, \
             not stepped, while capturing.",
    silent: "Long silences that the hosts' timestamps confirm, frames written a little late, and \
             one suspended host.",
    look,
};

fn look(evidence: &Evidence) -> Option<Told> {
    let back = evidence.back.count;
    // Both sides' clocks contradict, and so does the capture's silence: a suspended host stops
    // its own clock only, and others go on being captured.
    let forward = evidence.jumps.iter().filter(|jump| {
        jump.sides == 3
            && evidence.silences.iter().any(|&(from, to)| {
                from >= jump.from && to <= jump.to && (to - from) + (to - from) >= jump.by
            })
    });
    let forward: Vec<_> = forward.collect();
    let forward_by = forward.iter().map(|jump| jump.by).max();
    if back == 0 && forward.is_empty() {
        return None;
    }
    let within = evidence.back_within_by + evidence.back_within_by >= evidence.back_by;
    let mut parts = Vec::new();
    if back > 0 {
        let mut text = format!(
            "time goes back {}, by {} at most",
            times(back),
            evidence.back_by.short()
        );
        if !within {
            text += ", between conversations: files put together, or the clock was set";
        }
        parts.push(text);
    }
    if let Some(by) = forward_by {
        parts.push(format!(
            "time leaps ahead {}, by {} more than the hosts' own clocks",
            times(forward.len() as u64),
            by.short()
        ));
    }
    let mut frames = evidence.back.frames();
    frames.extend(forward.iter().map(|jump| jump.frame).take(3));
    let mut text = parts.join("; ");
    // Both begin in ASCII.
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Some(Told {
        weight: if within || forward_by.is_some() {
            Weight::Grave
        } else {
            Weight::Doubt
        },
        text: text + ".",
        frames,
        against: Vec::new(),
        numbers: vec![
            ("back", Number::Count(back)),
            ("back_by", Number::Time(evidence.back_by)),
            ("ahead", Number::Count(forward.len() as u64)),
            ("ahead_by", Number::Time(forward_by.unwrap_or(Span::ZERO))),
        ],
    })
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => counted(count, "time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Jump, Tally};
    use crate::time::Timestamp;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    fn leap(sides: u8, silence: (i64, i64)) -> Evidence {
        let mut evidence = Evidence::default();
        evidence.silence(at(silence.0), at(silence.1));
        evidence.jump(Jump {
            from: at(100),
            to: at(3700),
            frame: 9,
            by: Span::from_secs(3590),
            sides,
        });
        evidence
    }

    #[test]
    fn set_back_and_ahead() {
        let told = look(&Evidence {
            back: Tally::of(1, &[4]),
            back_by: Span::from_secs(2),
            back_within_by: Span::from_secs(2),
            ..leap(3, (101, 3699))
        });
        let told = told.unwrap();
        assert_eq!(
            told.text,
            "Time goes back once, by 2.00s at most; time leaps ahead once, by 59m50s more than \
             the hosts' own clocks."
        );
        assert_eq!((told.weight, told.frames), (Weight::Grave, vec![4, 9]));
    }

    #[test]
    fn not_one_suspended_host() {
        assert_eq!(look(&leap(1, (101, 3699))), None);
        // Others were captured all the while.
        assert_eq!(look(&leap(3, (101, 102))), None);
    }

    #[test]
    fn files_put_together_may_not_be_a_step() {
        let told = look(&Evidence {
            back: Tally::of(1, &[4]),
            back_by: Span::from_secs(2),
            ..Evidence::default()
        });
        let told = told.unwrap();
        assert!(told.text.contains("files put together"), "{}", told.text);
        assert_eq!(told.weight, Weight::Doubt);
    }
}
