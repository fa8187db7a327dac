//! `tcplens generate SCENARIO --onto IFACE`: simulated traffic onto an interface.

use std::io;

use clap::Args;

use super::Arguments;
use crate::cli::Exit;
use crate::source::Source;

/// Options of sending alone.
#[derive(Args, Debug)]
// Groups of arguments go by the name of their type, and all of these have the same.
#[group(skip)]
#[command(next_help_heading = "Onto an interface")]
pub(super) struct Options {
    /// Send the traffic onto this interface instead of writing a capture
    #[arg(long, value_name = "IFACE", conflicts_with = "output", hide = true)]
    onto: Option<String>,
}

/// The interface that was asked for.
pub(super) fn interface(options: &Options) -> Option<&str> {
    options.onto.as_deref()
}

pub(super) fn run(
    arguments: &Arguments,
    interface: &str,
    source: &mut dyn Source,
) -> io::Result<Exit> {
    let _ = (arguments, source);
    Ok(Exit::usage(&format!(
        "nothing can be sent onto {interface:?} in this version"
    )))
}
