//! Frames written in another order than they passed: an acknowledgment before its data, times
//! that go back for a few frames.
//!
//! Innocent: a few late frames among many, as any capture over several queues has; packets that
//! the network itself reordered, which are never acknowledged before they pass.

use super::number::counted;
use super::{Diagnosis, Evidence, Number, Subject, Told, Weight};

pub(super) const DIAGNOSIS: Diagnosis = Diagnosis {
    code: "capture-reordered",
    title: "frames in the wrong order",
    subject: Subject::Capture,
    advice: "Put them in order by time (reordercap) where the times are right; otherwise capture \
             both directions on one interface or queue.",
    silent: "Fewer than one frame in a thousand, and what the network reordered.",
    look,
};

fn look(evidence: &Evidence) -> Option<Told> {
    let (early, late) = (evidence.early_acks.count, evidence.late.count);
    let early = if early * 1000 >= evidence.packets {
        early
    } else {
        0
    };
    let late = if late >= 3 && late * 1000 >= evidence.frames {
        late
    } else {
        0
    };
    let mut parts = Vec::new();
    let mut frames = Vec::new();
    if early > 0 {
        parts.push(format!(
            "{} captured before the data, by {} at most",
            counted(early, "acknowledgment"),
            evidence.early_by.short()
        ));
        frames.extend(evidence.early_acks.frames());
    }
    if late > 0 {
        parts.push(format!(
            "{} earlier than the frame before, by {} at most",
            counted(late, "frame"),
            evidence.late_by.short()
        ));
        frames.extend(evidence.late.frames());
    }
    if parts.is_empty() {
        return None;
    }
    Some(Told {
        weight: Weight::Doubt,
        text: format!(
            "{}. Times and order within that are the capture's, not the network's.",
            parts.join("; ")
        ),
        frames,
        against: Vec::new(),
        numbers: vec![
            ("early_acknowledgments", Number::Count(early)),
            ("early_by", Number::Time(evidence.early_by)),
            ("late_frames", Number::Count(late)),
            ("late_by", Number::Time(evidence.late_by)),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Tally;
    use crate::time::Span;

    #[test]
    fn an_acknowledgment_before_its_data() {
        let told = look(&Evidence {
            frames: 10,
            packets: 10,
            early_acks: Tally::of(1, &[5]),
            early_by: Span::from_nanos(2000),
            ..Evidence::default()
        });
        let told = told.unwrap();
        assert!(
            told.text
                .starts_with("1 acknowledgment captured before the data, by 2.00us"),
            "{}",
            told.text
        );
        assert_eq!(told.frames, [5]);
    }

    #[test]
    fn not_a_few_late_frames() {
        let late = |count, frames| {
            look(&Evidence {
                frames,
                packets: frames,
                late: Tally::of(count, &[1]),
                ..Evidence::default()
            })
        };
        assert_eq!(late(2, 100), None);
        assert_eq!(late(9, 10_000), None);
        assert!(late(30, 10_000).is_some());
    }
}
