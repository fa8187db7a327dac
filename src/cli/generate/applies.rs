//! Which options go with what is generated: one that does nothing is a mistake, and said to be one.

use super::{Arguments, lab, load, onto, sockets};

/// What can be generated, as far as options go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `--list` and `--describe`.
    Words,
    Scenario,
    Script,
    Lesson,
    Lab,
    Load,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Words => "--list and --describe",
            Self::Scenario => "simulated scenarios",
            Self::Script => "scripts",
            Self::Lesson => "lessons with real sockets",
            Self::Lab => "the lab",
            Self::Load => "load",
        }
    }
}

/// Every option but the names themselves, whether it was given, and what it goes with.
fn options(arguments: &Arguments) -> [(&'static str, bool, &'static [Kind]); 21] {
    use Kind::{Lab, Lesson, Load, Scenario, Script, Words};
    let Arguments {
        name: _,
        list: _,
        describe: _,
        script: _,
        format,
        seed,
        tap,
        output,
        truth,
        open,
        sockets:
            sockets::Options {
                side,
                bind,
                connect,
                private,
                quiet,
            },
        lab:
            lab::Options {
                congestion,
                no_sack,
                no_timestamps,
                ecn,
            },
        load: load::Options { size, connections },
        onto:
            onto::Options {
                onto,
                rate,
                yes,
                dry_run,
            },
    } = arguments;
    const CAPTURES: &[Kind] = &[Scenario, Script, Load];
    [
        ("--format", format.is_some(), &[Words]),
        ("--seed", seed.is_some(), &[Scenario, Lab, Load]),
        ("--tap", tap.is_some(), &[Scenario]),
        (
            "--output",
            output.is_some(),
            &[Scenario, Script, Lesson, Lab, Load],
        ),
        ("--truth", truth.is_some(), CAPTURES),
        ("--open", *open, CAPTURES),
        ("--as", side.is_some(), &[Lesson]),
        ("--bind", bind.is_some(), &[Lesson]),
        ("--connect", connect.is_some(), &[Lesson]),
        ("--private", *private, &[Lesson]),
        ("--quiet", *quiet, &[Lesson]),
        ("--congestion", congestion.is_some(), &[Lab]),
        ("--no-sack", *no_sack, &[Lab]),
        ("--no-timestamps", *no_timestamps, &[Lab]),
        ("--ecn", *ecn, &[Lab]),
        ("--size", size.is_some(), &[Load]),
        ("--connections", connections.is_some(), &[Load]),
        ("--onto", onto.is_some(), CAPTURES),
        ("--rate", rate.is_some(), CAPTURES),
        ("--yes", *yes, CAPTURES),
        ("--dry-run", *dry_run, CAPTURES),
    ]
}

/// A sentence where an option was given that does nothing for what is generated.
pub(super) fn check(arguments: &Arguments, kind: Kind) -> Result<(), String> {
    let lost = options(arguments)
        .into_iter()
        .find(|(_, given, kinds)| *given && !kinds.contains(&kind));
    let Some((option, _, kinds)) = lost else {
        return Ok(());
    };
    if (option, kind) == ("--truth", Kind::Lab) {
        return Err(
            "the lab writes an answer sheet for each of its captures: leave --truth out".to_owned(),
        );
    }
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let name = match kind {
        Kind::Words => kind.name().to_owned(),
        _ => format!("what is asked for is of {}", kind.name()),
    };
    let with = match names.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        names => names.concat(),
    };
    Err(format!("{option} goes with {with}; {name}"))
}
