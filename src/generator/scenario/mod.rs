//! Everything that the simulated network can be asked for: one table, one file for each family.
//!
//! A scenario is a name, words, and a function that sets a [`Network`] up. To add one, write the
//! function in the file of its family, and a row in the family's table.

mod basics;

use super::network::Network;
use super::source::GeneratedSource;
use super::truth::Tap;

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
    build: fn(&mut Network),
}

/// Every scenario, grouped by family.
pub const SCENARIOS: &[Scenario] = &basics::SCENARIOS;

impl Scenario {
    /// Its capture at a tap. The same seed makes the same bytes on every machine.
    pub fn source(&self, seed: u64, tap: Tap) -> GeneratedSource {
        let mut network = Network::new(seed, tap);
        (self.build)(&mut network);
        network.run(self.name)
    }
}
