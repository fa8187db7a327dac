//! `tcplens generate bulk|mice|flood|elephant`: captures for benchmarks, at disk speed.

use std::io;

use clap::Args;

use super::output::{self, Destination};
use super::{Arguments, list, onto, sheet, simulated};
use crate::cli::Exit;
use crate::generator::load::LOADS as TABLE;

/// Options of load alone.
#[derive(Args, Debug)]
// Groups of arguments go by the name of their type, and all of these have the same.
#[group(skip)]
#[command(next_help_heading = "Load")]
pub(super) struct Options {
    /// How long its pcap file shall be: bytes, or as 500K, 20M, 2G (powers of 1000)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) size: Option<u64>,

    /// How many TCP connections it shall have
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) connections: Option<u64>,
}

/// `1500`, `500K`, `20M`, `2G`.
fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 1_000),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 1_000_000),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    let number = digits.parse::<u64>().ok();
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "a size is such as 1500, 500K, 20M or 2G".to_owned())
}

/// Every kind of load, and a line about it.
pub(super) const LOADS: &[(&str, &str)] = &{
    let mut lines = [("", ""); TABLE.len()];
    let mut at = 0;
    while at < TABLE.len() {
        lines[at] = (TABLE[at].name, TABLE[at].summary);
        at += 1;
    }
    lines
};

/// The long description of a kind of load.
pub(super) fn description(load: &str) -> Option<String> {
    let load = TABLE.iter().find(|each| each.name == load)?;
    Some(load.description.to_owned())
}

pub(super) fn run(arguments: &Arguments, name: &str) -> io::Result<Exit> {
    let Some(load) = TABLE.iter().find(|load| load.name == name) else {
        return Ok(Exit::usage(&list::unknown(name)));
    };
    let Options { size, connections } = arguments.load;
    let mut source = match load.source(size, connections, arguments.seed()) {
        Ok(source) => source,
        Err(why) => return Ok(Exit::usage(&why)),
    };
    let Some(truth) = arguments.truth.as_deref() else {
        return simulated::deliver(arguments, name, Box::new(source));
    };
    // Before anything is written: it may be too long.
    let mut judged = match source.sheet(None) {
        Ok(judged) => judged,
        Err(why) => return Ok(Exit::usage(&why)),
    };
    let to_file = !arguments.open && onto::interface(&arguments.onto).is_none();
    if !to_file || sheet::alone(arguments) {
        return match sheet::write(&judged, truth) {
            Ok(()) if to_file => Ok(Exit::Done),
            Ok(()) => simulated::deliver(arguments, name, Box::new(source)),
            Err(why) => Ok(Exit::usage(&why)),
        };
    }
    let destination = match Destination::choose(arguments.output.as_deref()) {
        Ok(destination) => destination,
        Err(why) => return Ok(Exit::usage(&why)),
    };
    let written = output::write(&mut source, &destination)?;
    if written.interrupted {
        // The answers to what is in it.
        match source.sheet(Some(written.frames)) {
            Ok(cut) => judged = cut,
            Err(why) => return Ok(Exit::usage(&why)),
        }
    }
    match sheet::write(&judged, truth) {
        Ok(()) => Ok(output::told(written, &destination)),
        Err(why) => Ok(Exit::usage(&why)),
    }
}
