//! Connections that were open before the capture began: their handshake is not in it.
//!
//! Innocent: single packets left over from connections that had ended.

use super::number::{Number as N, percent};
use super::{Diagnosis, Evidence, Number, Subject, Told, Weight};

pub(super) const DIAGNOSIS: Diagnosis = Diagnosis {
    code: "started-late",
    title: "begun before the capture",
    subject: Subject::Capture,
    advice: "Start the capture before the connections, where windows matter.",
    silent: "Left-over packets of connections that ended, and fewer than one connection in twenty.",
    look,
};

fn look(evidence: &Evidence) -> Option<Told> {
    let late = evidence.late_starts.count;
    let all = late + evidence.handshakes.count;
    if late == 0 || late * 20 < all {
        return None;
    }
    let subject = match (late, all) {
        (1, 1) => "The only connection began".to_owned(),
        (1, all) => format!("1 of {} connections began", N::Count(all)),
        _ => format!(
            "{} of {} connections ({}) began",
            N::Count(late),
            N::Count(all),
            percent(late, all)
        ),
    };
    Some(Told {
        weight: Weight::Note,
        text: format!(
            "{subject} before the capture: without the handshake the window scale is unknown, \
             and windows may be far larger than shown."
        ),
        frames: evidence.late_starts.frames(),
        against: evidence.handshakes.frames(),
        numbers: vec![
            ("late", Number::Count(late)),
            ("handshakes", Number::Count(evidence.handshakes.count)),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Tally;

    #[test]
    fn open_before_but_not_a_few_among_many() {
        let told = |late, handshakes| {
            look(&Evidence {
                late_starts: Tally::of(late, &[1]),
                handshakes: Tally::of(handshakes, &[5]),
                ..Evidence::default()
            })
        };
        assert_eq!(told(0, 5), None);
        assert_eq!(told(1, 99), None);
        let told = told(3, 1).unwrap();
        assert!(
            told.text
                .starts_with("3 of 4 connections (75 %) began before the capture"),
            "{}",
            told.text
        );
        assert_eq!((told.frames, told.against), (vec![1], vec![5]));
    }
}
