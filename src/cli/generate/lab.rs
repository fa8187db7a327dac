//! `tcplens generate lab/SCENARIO`: real kernels through an impaired path.

use std::io;

use clap::Args;

use super::Arguments;
use crate::cli::Exit;

/// Options of the lab alone.
#[derive(Args, Debug)]
// Groups of arguments go by the name of their type, and all of these have the same.
#[group(skip)]
#[command(next_help_heading = "Lab of real kernels")]
pub(super) struct Options {}

/// Every scenario of the lab: its name without `lab/`, and a line about it.
pub(super) const SCENARIOS: &[(&str, &str)] = &[];

/// The long description of a scenario of the lab.
pub(super) fn description(scenario: &str) -> Option<String> {
    let _ = scenario;
    None
}

pub(super) fn run(arguments: &Arguments, scenario: &str) -> io::Result<Exit> {
    let Options {} = &arguments.lab;
    Ok(Exit::usage(&format!(
        "there is no scenario {scenario:?} of the lab in this version"
    )))
}
