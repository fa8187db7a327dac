//! Everything that the simulated network can be asked for: one table, one file for each family.

use super::source::GeneratedSource;
use super::truth::{Journal, Tap, judge};

/// Something that the simulated network can be asked for.
#[derive(Debug)]
pub struct Scenario {
    /// Its name: the symptom, in kebab-case.
    pub name: &'static str,
    /// The heading under which it is listed.
    pub family: &'static str,
    /// What it shows, in a line.
    pub summary: &'static str,
    /// What happens in it, and what to look for.
    pub description: &'static str,
}

/// Every scenario, grouped by family.
pub const SCENARIOS: &[Scenario] = &[];

impl Scenario {
    /// Its capture at a tap. The same seed makes the same bytes on every machine.
    pub fn source(&self, seed: u64, tap: Tap) -> GeneratedSource {
        let journal = Journal::default();
        GeneratedSource {
            frames: Vec::new(),
            sheet: judge(&journal, tap, &[], self.name, Some(seed)),
        }
    }
}
