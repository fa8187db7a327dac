//! What a capture means for a person: findings, each with its numbers, what to do about it, and
//! the frames that show it. One file per finding, one line each in [`DIAGNOSES`].
//!
//! A finding is a pure function of [`Evidence`], which the analysis gathers on its way. Findings
//! about the capture itself come first: what it did not see, or saw wrongly, must not be blamed on
//! the network. Every file says in its head what its nearest innocent neighbour is, for which it
//! stays silent.
//!
//! - [`evidence`] what is gathered; [`number`] numbers as findings tell them

pub mod evidence;
pub mod number;

mod capture_drops;
mod capture_reordered;
mod checksum_offload;
mod clock_step;
mod cut_frames;
mod duplicated_capture;
mod one_way;
mod segmentation_offload;
mod started_late;

pub use evidence::{Evidence, Jump, Tally};
pub use number::Number;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The capture: how it was taken.
    Capture,
}

impl Subject {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
        }
    }
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weight {
    /// Good to know; the figures hold.
    Note,
    /// Some figures are to be read with it in mind.
    Doubt,
    /// Figures are wrong where it is not taken into account.
    Grave,
}

impl Weight {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Doubt => "doubt",
            Self::Grave => "grave",
        }
    }
}

/// One kind of finding.
#[derive(Debug)]
pub struct Diagnosis {
    /// Its name for machines: that of its file, with `-`.
    pub code: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// What to do about it.
    pub advice: &'static str,
    /// The nearest case for which it stays silent.
    pub silent: &'static str,
    /// Looks for it.
    pub look: fn(&Evidence) -> Option<Told>,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// How much it weighs.
    pub weight: Weight,
    /// A sentence or two, with numbers. Nothing in it comes from a packet but numbers and
    /// addresses.
    pub text: String,
    /// Numbers of frames that show it, a few.
    pub frames: Vec<u64>,
    /// Numbers of frames that speak against it, or show the other case; a few.
    pub against: Vec<u64>,
    /// The numbers, by name.
    pub numbers: Vec<(&'static str, Number)>,
}

/// Something found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What kind.
    pub diagnosis: &'static Diagnosis,
    /// What is told.
    pub told: Told,
}

/// Every kind, in the order they are told where they weigh the same.
pub const DIAGNOSES: &[&Diagnosis] = &[
    &duplicated_capture::DIAGNOSIS,
    &capture_drops::DIAGNOSIS,
    &capture_reordered::DIAGNOSIS,
    &clock_step::DIAGNOSIS,
    &one_way::DIAGNOSIS,
    &started_late::DIAGNOSIS,
    &cut_frames::DIAGNOSIS,
    &segmentation_offload::DIAGNOSIS,
    &checksum_offload::DIAGNOSIS,
];

/// The kind of this code.
pub fn by_code(code: &str) -> Option<&'static Diagnosis> {
    DIAGNOSES
        .iter()
        .copied()
        .find(|diagnosis| diagnosis.code == code)
}

/// All that is found, the heaviest first.
pub fn findings(evidence: &Evidence) -> Vec<Finding> {
    let mut found: Vec<_> = DIAGNOSES
        .iter()
        .filter_map(|&diagnosis| (diagnosis.look)(evidence).map(|told| Finding { diagnosis, told }))
        .collect();
    found.sort_by_key(|finding| core::cmp::Reverse(finding.told.weight));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_is_in_the_table() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/diagnosis");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| Some(name.strip_suffix(".rs")?.replace('_', "-")))
            .filter(|name| !["mod", "evidence", "number"].contains(&name.as_str()))
            .collect();
        let codes: BTreeSet<String> = DIAGNOSES.iter().map(|each| each.code.to_owned()).collect();
        assert_eq!(codes, files);
        assert_eq!(codes.len(), DIAGNOSES.len(), "codes are unique");
    }

    #[test]
    fn of_an_empty_capture_there_is_nothing_to_say() {
        assert!(findings(&Evidence::default()).is_empty());
        assert!(by_code("one-way").is_some() && by_code("two-way").is_none());
    }

    #[test]
    fn the_heaviest_comes_first() {
        let evidence = Evidence {
            frames: 100,
            missed: 50,
            cut: Tally::of(100, &[1, 2, 3]),
            ..Evidence::default()
        };
        let codes: Vec<_> = findings(&evidence)
            .iter()
            .map(|finding| finding.diagnosis.code)
            .collect();
        assert_eq!(codes, ["capture-drops", "cut-frames"]);
    }
}
