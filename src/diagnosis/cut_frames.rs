//! Frames of which the capture kept the beginning only (snapshot length).
//!
//! Innocent: nothing; but it matters little while the headers are whole.

use super::number::{counted, percent};
use super::{Diagnosis, Evidence, Number, Subject, Told, Weight};

pub(super) const DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cut-frames",
    title: "frames cut",
    subject: Subject::Capture,
    advice: "Capture whole frames (tcpdump -s 0) where contents matter.",
    silent: "Captures of whole frames.",
    look,
};

/// Ethernet, IPv4, and TCP with timestamps: fewer bytes may cut options.
const HEADERS: u32 = 14 + 20 + 32;

fn look(evidence: &Evidence) -> Option<Told> {
    let cut = evidence.cut.count;
    if cut == 0 {
        return None;
    }
    let (least, most) = (evidence.cut_least, evidence.cut_most);
    let lengths = if least == most {
        format!("at {most} bytes")
    } else {
        format!("at {least} to {most} bytes")
    };
    let headers = evidence.headers_cut > 0 || least < HEADERS;
    let consequence = if headers {
        "headers may be incomplete, and contents are missing"
    } else {
        "headers and lengths hold; contents are missing, and can't be compared"
    };
    Some(Told {
        weight: if headers { Weight::Doubt } else { Weight::Note },
        text: format!(
            "{} ({}) cut by the capture {lengths}: {consequence}.",
            counted(cut, "frame"),
            percent(cut, evidence.frames)
        ),
        frames: evidence.cut.frames(),
        against: evidence.whole.frames(),
        numbers: vec![
            ("cut", Number::Count(cut)),
            ("frames", Number::Count(evidence.frames)),
            ("headers_cut", Number::Count(evidence.headers_cut)),
            ("least", Number::Count(least.into())),
            ("most", Number::Count(most.into())),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Tally;

    #[test]
    fn a_snapshot_length() {
        let cut = |least, most, headers_cut| {
            look(&Evidence {
                frames: 4,
                cut: Tally::of(2, &[3, 4]),
                cut_least: least,
                cut_most: most,
                headers_cut,
                ..Evidence::default()
            })
        };
        let told = cut(256, 256, 0).unwrap();
        assert_eq!(
            told.text,
            "2 frames (50 %) cut by the capture at 256 bytes: headers and lengths hold; contents \
             are missing, and can't be compared."
        );
        assert_eq!(told.weight, Weight::Note);
        assert_eq!(cut(40, 96, 1).unwrap().weight, Weight::Doubt);
        assert_eq!(look(&Evidence::default()), None);
    }
}
