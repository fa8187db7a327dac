//! `tcplens explain`: what a rule or a verdict means.

use std::io::{self, BufWriter, Write};

use clap::Args;

use super::Exit;
use super::terminal::{self, When};
use crate::report::escape::escaped;
use crate::report::explain::{self, Look, Subject};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tcplens explain                  every rule, by what it decides
  tcplens explain dsack-reported   one rule, its source, how tshark differs
  tcplens explain reordered        a kind of verdict, and the rules that give it")]
pub(super) struct Arguments {
    /// A rule, or a kind of verdict, as `packets` and `analyze` name them
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    /// Longer lines are hard to read, shorter ones hard to fill.
    const WIDEST: usize = 100;
    const NARROWEST: usize = 40;
    let look = Look {
        width: terminal::columns().clamp(NARROWEST, WIDEST),
        palette: arguments.color.palette(),
        names: false,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    match &arguments.name {
        None => explain::all(look, &mut out)?,
        Some(name) => match Subject::named(name) {
            Some(subject) => explain::one(subject, look, &mut out)?,
            None => return Ok(Exit::usage(&unknown(name))),
        },
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn unknown(name: &str) -> String {
    let near = explain::near(name);
    let name = escaped(name);
    if near.is_empty() {
        return format!("no rule or verdict is named {name}; `tcplens explain` lists all");
    }
    format!(
        "no rule or verdict is named {name}; near to it: {}",
        near.join(", ")
    )
}
