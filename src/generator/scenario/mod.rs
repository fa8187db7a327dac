//! Everything that the simulated network can be asked for: one table, one file for each family.
//!
//! A scenario is a name, words, and a function that sets a [`Network`] up. To add one, write the
//! function in the file of its family, and a row in the family's table.

mod addressing;
mod applications;
mod basics;
mod captures;
mod disorder;
mod endings;
mod hostile;
mod loss;
mod marks;
mod windows;

use super::network::Network;
use super::source::GeneratedSource;
use super::truth::Tap;

/// Something that the simulated network can be asked for.
#[derive(Clone, Copy, Debug)]
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

/// How many there are.
const COUNT: usize = basics::SCENARIOS.len()
    + applications::SCENARIOS.len()
    + loss::SCENARIOS.len()
    + disorder::SCENARIOS.len()
    + windows::SCENARIOS.len()
    + endings::SCENARIOS.len()
    + hostile::SCENARIOS.len()
    + marks::SCENARIOS.len()
    + captures::SCENARIOS.len()
    + addressing::SCENARIOS.len();

/// Every scenario, grouped by family.
pub const SCENARIOS: &[Scenario] = &all();

const fn all() -> [Scenario; COUNT] {
    let families: [&[Scenario]; 10] = [
        &basics::SCENARIOS,
        &applications::SCENARIOS,
        &loss::SCENARIOS,
        &disorder::SCENARIOS,
        &windows::SCENARIOS,
        &endings::SCENARIOS,
        &hostile::SCENARIOS,
        &marks::SCENARIOS,
        &captures::SCENARIOS,
        &addressing::SCENARIOS,
    ];
    let mut all = [basics::SCENARIOS[0]; COUNT];
    let (mut family, mut count) = (0, 0);
    while family < families.len() {
        let mut at = 0;
        while at < families[family].len() {
            all[count] = families[family][at];
            (at, count) = (at + 1, count + 1);
        }
        family += 1;
    }
    all
}

impl Scenario {
    const fn new(
        family: &'static str,
        name: &'static str,
        summary: &'static str,
        description: &'static str,
        build: fn(&mut Network),
    ) -> Self {
        Self {
            name,
            family,
            summary,
            description,
            build,
        }
    }

    /// Its capture at a tap. The same seed makes the same bytes on every machine.
    pub fn source(&self, seed: u64, tap: Tap) -> GeneratedSource {
        let mut network = Network::new(seed, tap);
        (self.build)(&mut network);
        network.run(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_everything_has_words() {
        for (at, scenario) in SCENARIOS.iter().enumerate() {
            let name = scenario.name;
            assert!(
                SCENARIOS
                    .iter()
                    .skip(at + 1)
                    .all(|other| other.name != name),
                "{name}"
            );
            assert!(
                name.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            );
            assert!(scenario.summary.len() > 10, "{name}");
            assert!(
                !scenario.description.is_empty(),
                "{name} has no description"
            );
        }
    }

    /// Scenarios in which something is left undone, because that is what they show.
    const LEFT: &[(&str, &str)] = &[
        ("syn-unanswered", "waits in Connect"),
        ("connection-refused", "waits in Connect"),
        ("port-scan", "waits in Connect"),
        ("syn-flood", "waits in Accept"),
        ("gives-up", "waits in AwaitEnd"),
        ("reset-by-linger-zero", "not acknowledged, Closed"),
        ("data-after-close", "not acknowledged, Closed"),
        ("half-open", "not acknowledged, Closed"),
        ("rst-injection", "not acknowledged, Closed"),
    ];

    #[test]
    fn what_users_want_comes_to_pass() {
        let mut problems = String::new();
        for scenario in SCENARIOS {
            for seed in 1..=3 {
                let mut network = Network::new(seed, Tap::Middle);
                (scenario.build)(&mut network);
                let mut left = network.unfinished();
                left.truncate(3);
                let shown = LEFT.iter().find(|each| each.0 == scenario.name);
                match shown {
                    None if !left.is_empty() => {
                        problems += &format!("{} {seed}: {}\n", scenario.name, left.join("; "));
                    }
                    Some((name, what)) if !left.iter().any(|left| left.contains(what)) => {
                        problems += &format!("{name} {seed}: not {what}, but {left:?}\n");
                    }
                    _ => {}
                }
            }
        }
        assert!(problems.is_empty(), "{problems}");
    }
}
