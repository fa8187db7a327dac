//! `tcplens interfaces`: what can be watched.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::Exit;
use crate::report::escape::escaped;
use crate::source::live::{self, HOW_TO_PERMIT, InterfaceFacts, interfaces};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tcplens interfaces
  tcplens interfaces --format json | jq -r '.interfaces[].name'")]
pub(super) struct Arguments {
    /// How to print them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = How::Text)]
    format: How,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    /// A line each
    Text,
    /// One JSON object
    Json,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    let found = match interfaces() {
        Ok(found) => found,
        Err(error) => return Ok(Exit::usage(&error.to_string())),
    };
    let permitted = live::permitted();
    let mut out = io::stdout().lock();
    match arguments.format {
        How::Text => text(&found, permitted, &mut out)?,
        How::Json => machine(&found, permitted, &mut out)?,
    }
    Ok(Exit::Done)
}

fn state(facts: &InterfaceFacts) -> &'static str {
    match (facts.is_up, facts.is_running) {
        (false, _) => "down",
        (true, false) => "no carrier",
        (true, true) => "up",
    }
}

fn text(found: &[InterfaceFacts], permitted: bool, out: &mut impl Write) -> io::Result<()> {
    let names: Vec<String> = found
        .iter()
        .map(|facts| escaped(&facts.name).to_string())
        .collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0).max("any".len());
    for (facts, name) in found.iter().zip(&names) {
        let link = if facts.is_loopback {
            "loopback".to_owned()
        } else {
            facts.link.name().to_string()
        };
        let addresses: Vec<_> = facts
            .addresses
            .iter()
            .map(|(address, len)| format!("{address}/{len}"))
            .collect();
        let line = format!(
            "{name:width$}  {:10}  {link:8}  {}",
            state(facts),
            addresses.join(" ")
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out, "{:width$}  all of them, and those that come", "any")?;
    if permitted {
        writeln!(out, "\nYou may capture on each of them.")
    } else {
        writeln!(out, "\nYou may not capture: {HOW_TO_PERMIT}.")
    }
}

fn machine(found: &[InterfaceFacts], permitted: bool, out: &mut impl Write) -> io::Result<()> {
    let list: Vec<_> = found
        .iter()
        .map(|facts| {
            let hardware = facts.hardware.map(|octets| {
                let parts = octets.map(|octet| format!("{octet:02x}"));
                parts.join(":")
            });
            let addresses: Vec<_> = facts
                .addresses
                .iter()
                .map(|(address, len)| format!("{address}/{len}"))
                .collect();
            json!({
                "name": facts.name, "index": facts.index, "state": state(facts),
                "loopback": facts.is_loopback, "link_type": facts.link.0,
                "hardware": hardware, "addresses": addresses,
            })
        })
        .collect();
    let whole = json!({"permitted": permitted, "interfaces": list});
    writeln!(out, "{whole}")
}
