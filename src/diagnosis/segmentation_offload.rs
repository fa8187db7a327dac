//! Packets larger than any that went over the wire: the capturing host gives its network card
//! more than a segment to divide, or its card joins what arrived (TSO, GSO, LRO, GRO).
//!
//! Innocent: jumbo frames and loopback, where the hosts agreed on segments so large.

use super::number::counted;
use super::{Diagnosis, Evidence, Number, Subject, Told, Weight};

pub(super) const DIAGNOSIS: Diagnosis = Diagnosis {
    code: "segmentation-offload",
    title: "segments joined by offload",
    subject: Subject::Capture,
    advice: "Turn it off while capturing (ethtool -K DEV tso off gso off gro off lro off), or \
             capture beside the host, where sizes and spacing on the wire matter.",
    silent: "Jumbo frames and loopback, where the hosts agreed on such sizes.",
    look,
};

fn look(evidence: &Evidence) -> Option<Told> {
    let count = evidence.oversize.count;
    if count < 2 {
        return None;
    }
    let (most, mss) = (evidence.oversize_most, evidence.oversize_mss);
    let against = if mss > 0 {
        format!("the hosts agreed on {mss} at most")
    } else {
        "no link carries that".to_owned()
    };
    Some(Told {
        weight: Weight::Note,
        text: format!(
            "{} of up to {} payload bytes, and {against}: the capturing host's card divides or \
             joins them. On the wire there were more, smaller packets.",
            counted(count, "packet"),
            Number::Count(most.into())
        ),
        frames: evidence.oversize.frames(),
        against: Vec::new(),
        numbers: vec![
            ("packets", Number::Count(count)),
            ("largest", Number::Count(most.into())),
            ("mss", Number::Count(mss.into())),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Tally;

    #[test]
    fn super_segments() {
        let evidence = Evidence {
            oversize: Tally::of(12, &[8]),
            oversize_most: 14_480,
            oversize_mss: 1460,
            ..Evidence::default()
        };
        let told = look(&evidence).unwrap();
        assert!(
            told.text.starts_with(
                "12 packets of up to 14,480 payload bytes, and the hosts agreed on 1460"
            ),
            "{}",
            told.text
        );
        assert_eq!(look(&Evidence::default()), None);
    }
}
