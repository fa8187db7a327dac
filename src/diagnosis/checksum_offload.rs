//! Checksums that the capturing host's card fills in only after the capture has seen the packet.
//!
//! Innocent: packets that were damaged on the way, which nobody acknowledges and which are sent
//! again, among others whose checksums hold.

use super::number::Number as N;
use super::{Diagnosis, Evidence, Number, Subject, Told, Weight};

pub(super) const DIAGNOSIS: Diagnosis = Diagnosis {
    code: "checksum-offload",
    title: "checksums not filled in yet",
    subject: Subject::Capture,
    advice: "Nothing is wrong on the wire; damaged packets can't be told by their checksums in \
             that direction (ethtool -K DEV tx off while capturing).",
    silent: "Damaged packets, which their receivers do not acknowledge.",
    look,
};

fn look(evidence: &Evidence) -> Option<Told> {
    let wrong = evidence.wrong.count;
    if wrong == 0 || wrong * 20 < evidence.verified {
        return None;
    }
    let host = match evidence.wrong_host {
        Some(host) => format!("what {} sends", host.to_ip()),
        None => "what several hosts send".to_owned(),
    };
    let of = match evidence.verified {
        1 => "the only direction".to_owned(),
        all => format!("{} of {} directions", N::Count(wrong), N::Count(all)),
    };
    let why = if evidence.unfilled * 2 >= wrong {
        "the card fills them in after the capture"
    } else {
        "the card fills them in after the capture, or packets were changed since (anonymized)"
    };
    Some(Told {
        weight: Weight::Note,
        text: format!(
            "The checksums of {host} are wrong on {of} of connections checked, and the receivers \
             take the data: {why}."
        ),
        frames: evidence.wrong.frames(),
        against: evidence.right.frames(),
        numbers: vec![
            ("wrong", Number::Count(wrong)),
            ("unfilled", Number::Count(evidence.unfilled)),
            ("verified", Number::Count(evidence.verified)),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Address;

    #[test]
    fn one_host_captures_what_it_sends() {
        let mut evidence = Evidence {
            verified: 4,
            unfilled: 2,
            ..Evidence::default()
        };
        assert_eq!(look(&evidence), None);
        evidence.wrong_from(Address::v4([192, 0, 2, 1]), 3);
        evidence.wrong_from(Address::v4([192, 0, 2, 1]), 8);
        let told = look(&evidence).unwrap();
        assert_eq!(
            told.text,
            "The checksums of what 192.0.2.1 sends are wrong on 2 of 4 directions of connections \
             checked, and the receivers take the data: the card fills them in after the capture."
        );
    }
}
