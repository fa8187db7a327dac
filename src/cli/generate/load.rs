//! `tcplens generate bulk|mice|flood|elephant`: captures for benchmarks, at disk speed.

use std::io;

use clap::Args;

use super::Arguments;
use crate::cli::Exit;

/// Options of load alone.
#[derive(Args, Debug)]
// Groups of arguments go by the name of their type, and all of these have the same.
#[group(skip)]
#[command(next_help_heading = "Load")]
pub(super) struct Options {}

/// Every kind of load, and a line about it.
pub(super) const LOADS: &[(&str, &str)] = &[];

/// The long description of a kind of load.
pub(super) fn description(load: &str) -> Option<String> {
    let _ = load;
    None
}

pub(super) fn run(arguments: &Arguments, load: &str) -> io::Result<Exit> {
    let Options {} = &arguments.load;
    Ok(Exit::usage(&format!(
        "there is no load {load:?} in this version"
    )))
}
