//! Every packet captured twice: on a mirror port for both ways of a switch, or on two interfaces
//! that it passes.
//!
//! Innocent: a network that itself delivers packets twice. It does so for a few in a hundred, and
//! receivers with SACK report what came twice (RFC 2883); of copies that only the capture made
//! they know nothing.

use super::number::{counted, percent};
use super::{Diagnosis, Evidence, Number, Subject, Told, Weight};
use crate::time::Span;

pub(super) const DIAGNOSIS: Diagnosis = Diagnosis {
    code: "duplicated-capture",
    title: "packets captured twice",
    subject: Subject::Capture,
    advice: "Mirror one direction of each port only, or capture on one interface; or take the \
             copies out first (editcap -d).",
    silent: "A network that repeats a few packets in a hundred, or whose receivers report the \
             copies by DSACK.",
    look,
};

fn look(evidence: &Evidence) -> Option<Told> {
    let copies = evidence.copies.count;
    let many = copies >= 5 && copies * 10 >= evidence.packets;
    let reported = evidence.data_copies > 0 && evidence.dsacks * 2 >= evidence.data_copies;
    if !many || reported {
        return None;
    }
    let within = median(&evidence.copy_delay);
    let mut text = format!(
        "{} ({}) are in the capture twice, the copy mostly within {}",
        counted(copies, "TCP packet"),
        percent(copies, evidence.packets),
        within.short()
    );
    if evidence.copies_elsewhere * 2 > copies {
        text += ", on another interface";
    }
    if evidence.copies_routed * 2 > copies {
        text += ", with another TTL: before and behind a router";
    }
    text += ".";
    Some(Told {
        weight: Weight::Grave,
        text,
        frames: evidence.copies.frames(),
        against: Vec::new(),
        numbers: vec![
            ("copies", Number::Count(copies)),
            ("packets", Number::Count(evidence.packets)),
            ("delay", Number::Time(within)),
            (
                "on_other_interface",
                Number::Count(evidence.copies_elsewhere),
            ),
            ("with_other_ttl", Number::Count(evidence.copies_routed)),
        ],
    })
}

/// The power of two microseconds within which half of them came.
fn median(delays: &[u64; 16]) -> Span {
    let half = delays.iter().sum::<u64>().div_ceil(2);
    let mut sum = 0;
    let power = delays.iter().position(|&count| {
        sum += count;
        sum >= half
    });
    Span::from_nanos(1000 << power.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Tally;

    fn copied(copies: u64) -> Evidence {
        let mut evidence = Evidence {
            packets: 1000,
            copies: Tally::of(copies, &[2, 4]),
            data_copies: copies / 2,
            ..Evidence::default()
        };
        evidence.copy_delay[6] = copies;
        evidence
    }

    #[test]
    fn a_mirror_port() {
        let told = look(&copied(500)).unwrap();
        assert_eq!(
            told.text,
            "500 TCP packets (50 %) are in the capture twice, the copy mostly within 64.0us."
        );
        assert_eq!(told.frames, [2, 4]);
    }

    #[test]
    fn not_a_network_that_repeats_some() {
        assert_eq!(look(&copied(10)), None);
        let reported = Evidence {
            dsacks: 90,
            ..copied(300)
        };
        assert_eq!(look(&reported), None);
        // A few in a hundred more would be no proof: DSACKs for a tenth of the copies come from
        // retransmissions.
        let others = Evidence {
            dsacks: 15,
            ..copied(300)
        };
        assert!(look(&others).is_some());
    }
}
