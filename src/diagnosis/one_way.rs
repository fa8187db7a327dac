//! Connections of which only one direction was captured: the other went another way.
//!
//! Innocent: SYNs that nobody answered, hosts that fell silent, and stray packets of connections
//! that ended before. One host must be seen to react to the other: its acknowledgments move on,
//! or it sends on and on without repeating itself.

use super::number::{Number as N, percent};
use super::{Diagnosis, Evidence, Number, Subject, Told, Weight};

pub(super) const DIAGNOSIS: Diagnosis = Diagnosis {
    code: "one-way",
    title: "one direction only",
    subject: Subject::Capture,
    advice: "Capture where both directions pass: at one of the hosts, or on every member of a \
             bundle of links.",
    silent: "Unanswered SYNs, silent hosts, and fewer than one connection in twenty.",
    look,
};

fn look(evidence: &Evidence) -> Option<Told> {
    let one = evidence.one_way.count;
    let both = evidence.both_ways.count;
    if one == 0 || one * 20 < one + both {
        return None;
    }
    let subject = match (one, both) {
        (1, 0) => "The only connection is".to_owned(),
        (1, _) => format!("1 of {} connections is", N::Count(1 + both)),
        _ => format!(
            "{} of {} connections ({}) are",
            N::Count(one),
            N::Count(one + both),
            percent(one, one + both)
        ),
    };
    Some(Told {
        weight: if one >= both {
            Weight::Grave
        } else {
            Weight::Doubt
        },
        text: format!(
            "{subject} seen one way only: round trips, and what was lost on the other way, can't \
             be known."
        ),
        frames: evidence.one_way.frames(),
        against: evidence.both_ways.frames(),
        numbers: vec![
            ("one_way", Number::Count(one)),
            ("both_ways", Number::Count(both)),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Tally;

    #[test]
    fn asymmetric_routes_but_not_one_odd_connection() {
        let told = |one, both| {
            look(&Evidence {
                one_way: Tally::of(one, &[3]),
                both_ways: Tally::of(both, &[1]),
                ..Evidence::default()
            })
        };
        assert_eq!(told(0, 100), None);
        assert_eq!(told(1, 100), None);
        let one = told(1, 0).unwrap();
        assert_eq!(one.weight, Weight::Grave);
        assert!(one.text.starts_with("The only connection is seen"));
        let many = told(10, 90).unwrap();
        assert!(many.text.starts_with("10 of 100 connections (10 %) are"));
        assert_eq!((many.frames, many.against), (vec![3], vec![1]));
    }
}
