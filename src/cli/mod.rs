//! The command line: what can be typed, as types; one file per command.
//!
//! Exit codes: 0 done (a broken pipe included), 1 the input is damaged (what was good before it
//! is reported), 2 usage, or an input that can't be opened.

mod analyze;
mod delivered;
mod extract;
mod follow;
mod input;
mod ladder;
mod packets;
mod selection;
mod terminal;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What every TCP connection in a packet capture went through.
#[derive(Debug, Parser)]
#[command(
    name = "tcplens",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Report every connection of a capture, the most troubled first
    Analyze(analyze::Arguments),
    /// Print a line per frame, with what it meant to its connection
    Packets(packets::Arguments),
    /// Print what one connection carried: its byte streams
    Follow(follow::Arguments),
    /// Draw one connection as a sequence diagram
    Ladder(ladder::Arguments),
    /// Write every stream to a file of its own
    Extract(extract::Arguments),
}

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; a closed pipe while printing them is none either.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Done.into()
            };
        }
    };
    let result = match cli.command {
        Command::Analyze(arguments) => analyze::run(&arguments),
        Command::Packets(arguments) => packets::run(&arguments),
        Command::Follow(arguments) => follow::run(&arguments),
        Command::Ladder(arguments) => ladder::run(&arguments),
        Command::Extract(arguments) => extract::run(&arguments),
    };
    match result {
        Ok(exit) => exit.into(),
        // Whoever read our output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done.into(),
        Err(error) => {
            eprintln!("tcplens: {error}");
            Exit::Usage.into()
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// All is well.
    Done,
    /// The input is damaged; what was good before it was reported.
    Damaged,
    /// The arguments can't be used, or an input can't be opened.
    Usage,
}

impl Exit {
    /// Says on standard error why the arguments can't be used.
    fn usage(message: &str) -> Self {
        eprintln!("tcplens: {message}");
        Self::Usage
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Damaged => Self::from(1),
            Exit::Usage => Self::from(2),
        }
    }
}
