//! Frames that passed and were not captured: acknowledged by a host that had them, or counted as
//! lost by the capture itself.
//!
//! Innocent: octets that are missing because their frames were cut, damaged or fragments; one-way
//! captures, which have a finding of their own; an acknowledgment that comes before its data.

use super::number::{counted, percent};
use super::{Diagnosis, Evidence, Number, Subject, Told, Weight};

pub(super) const DIAGNOSIS: Diagnosis = Diagnosis {
    code: "capture-drops",
    title: "frames not captured",
    subject: Subject::Capture,
    advice: "Capture with larger buffers, a filter or a snapshot length (tcpdump -B, -s), or on a \
             tap instead of a mirror port that is over its rate.",
    silent: "Gaps that nobody acknowledged, and those that cut, damaged or fragmented frames \
             explain.",
    look,
};

fn look(evidence: &Evidence) -> Option<Told> {
    let missed = evidence.missed;
    // What could not be looked at was captured.
    let ranges = if evidence.unseen_frames > evidence.unread {
        evidence.unseen.count
    } else {
        0
    };
    if missed == 0 && ranges == 0 {
        return None;
    }
    let mut text = String::new();
    if missed > 0 {
        text = format!(
            "{} missed by the capture itself ({}).",
            counted(missed, "frame"),
            percent(missed, evidence.frames + missed)
        );
    }
    if ranges > 0 {
        if missed > 0 {
            text += " ";
        }
        text += &format!(
            "{} acknowledged but not captured, at least {}: the receivers had them.",
            counted(evidence.unseen_octets, "octet"),
            counted(evidence.unseen_frames, "frame")
        );
    }
    let lost = missed.max(evidence.unseen_frames);
    Some(Told {
        weight: if lost * 1000 >= evidence.frames {
            Weight::Grave
        } else {
            Weight::Doubt
        },
        text,
        frames: if ranges > 0 {
            evidence.unseen.frames()
        } else {
            Vec::new()
        },
        against: Vec::new(),
        numbers: vec![
            ("missed", Number::Count(missed)),
            ("ranges", Number::Count(ranges)),
            ("octets", Number::Count(evidence.unseen_octets)),
            ("frames", Number::Count(evidence.unseen_frames)),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Tally;

    fn unseen() -> Evidence {
        Evidence {
            frames: 10_000,
            unseen: Tally::of(1, &[7]),
            unseen_octets: 2896,
            unseen_frames: 2,
            ..Evidence::default()
        }
    }

    #[test]
    fn acknowledged_but_not_captured() {
        let told = look(&unseen()).unwrap();
        assert_eq!(
            told.text,
            "2,896 octets acknowledged but not captured, at least 2 frames: the receivers had them."
        );
        assert_eq!((told.weight, told.frames), (Weight::Doubt, vec![7]));
    }

    #[test]
    fn what_the_capture_says_itself() {
        let told = look(&Evidence {
            frames: 900,
            missed: 100,
            ..Evidence::default()
        });
        let told = told.unwrap();
        assert_eq!(told.text, "100 frames missed by the capture itself (10 %).");
        assert_eq!(told.weight, Weight::Grave);
    }

    #[test]
    fn not_what_damaged_frames_explain() {
        let told = look(&Evidence {
            unread: 2,
            ..unseen()
        });
        assert_eq!(told, None);
    }
}
