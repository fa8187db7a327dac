//! One connection of some captures: `FILE… N`, or `--connection N` and files alone.

use clap::Args;

use super::input::{Finished, Inputs};
use crate::analysis::Analyzer;

/// What stands in the help of commands that take files and a number.
pub(super) const FILES_AND_NUMBER: &str = "Capture files as for analyze, and last the number of \
    the connection as analyze counts them, from 0";

/// Captures to read, and which of their connections is meant.
#[derive(Args, Clone, Debug)]
pub(super) struct Selection {
    #[command(flatten)]
    inputs: Inputs,

    /// Number of the connection, in place of the last argument
    #[arg(long, value_name = "N")]
    connection: Option<u32>,
}

impl Selection {
    /// The inputs, where no number of a connection stands with them.
    pub(super) fn without_number(&self) -> Option<Inputs> {
        let last = self.inputs.files.last()?;
        let is_number = last
            .to_str()
            .is_some_and(|last| last.parse::<u32>().is_ok());
        (self.connection.is_none() && !is_number).then(|| self.inputs.clone())
    }

    /// The inputs and the connection's number.
    ///
    /// The number is taken off the files here rather than by clap: which argument is the last
    /// one is known only once it is known whether `--connection` stands anywhere.
    pub(super) fn resolve(&self) -> Result<(Inputs, u32), String> {
        let mut inputs = self.inputs.clone();
        if let Some(connection) = self.connection {
            return Ok((inputs, connection));
        }
        let last = inputs.files.pop().unwrap_or_default();
        let number = last.to_str().and_then(|last| last.parse().ok());
        match number {
            Some(_) if inputs.files.is_empty() => {
                Err("a capture file is missing before the connection's number".to_owned())
            }
            Some(connection) => Ok((inputs, connection)),
            None => Err(
                "the number of a connection is missing after the files: 0, 1, … as `tcplens \
                 analyze` counts them"
                    .to_owned(),
            ),
        }
    }
}

/// Why there is no such connection.
pub(super) fn unknown(connection: u32, finished: &Finished) -> String {
    let seen = Analyzer::tcp_seen(&finished.analyzer);
    match seen {
        0 => format!("no connection {connection}: the capture has no TCP connections"),
        1 => format!("no connection {connection}: the capture has only connection 0"),
        _ => format!(
            "no connection {connection}: the capture has connections 0 to {}",
            seen - 1
        ),
    }
}
