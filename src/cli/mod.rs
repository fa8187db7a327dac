//! The command line: what can be typed, as types; one file per command.
//!
//! Exit codes: 0 done (a broken pipe included), 1 the input is damaged (what was good before it
//! is reported), 2 usage, or an input that can't be opened, or an output that can't be written,
//! 130 interrupted (what was found so far is reported).

mod analyze;
mod delivered;
mod explain;
mod extract;
mod filter;
mod follow;
mod generate;
mod input;
mod interfaces;
mod interrupt;
mod ladder;
mod live;
mod open;
mod packets;
mod score;
mod script;
mod selection;
mod slice;
mod terminal;
mod versus_tshark;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What every TCP connection in a packet capture went through.
#[derive(Debug, Parser)]
#[command(
    name = "tcplens",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    after_help = "\
Begin with `tcplens analyze FILE`. It numbers the connections from 0; the other commands take that \
number: `tcplens ladder FILE 3`. `tcplens COMMAND --help` has examples.

FILE is pcap or pcapng, plain or compressed with gzip, zstd or lz4; `-` is standard input.

Exit codes:
  0    done
  1    the input is damaged; what was good before that was reported
  2    usage, an input that can't be opened, or an output that can't be written
  130  interrupted; what was found until then was reported"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    open: open::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show captures on the terminal; `tcplens FILE` for short
    Open(open::Arguments),
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
    /// Write the frames or connections that a filter matches to a capture file
    Slice(slice::Arguments),
    /// Write one connection down as a script that `generate --script` plays
    Script(script::Arguments),
    /// Make traffic whose truth is known: simulated, by real sockets, by real kernels
    Generate(generate::Arguments),
    /// Watch connections as they happen, on interfaces or from a pipe
    Live(live::Arguments),
    /// List what can be watched
    Interfaces(interfaces::Arguments),
    /// Answer for this host's sockets, for `live`
    #[command(name = live::HELPER, hide = true)]
    HostSockets,
    /// Play lessons with real sockets, for the screen
    #[command(name = open::PLAYER, hide = true)]
    PlayLessons,
    /// Hold the verdicts on a capture against its answer sheet
    Score(score::Arguments),
    /// Tell what a rule or a verdict means, and how tshark differs
    Explain(explain::Arguments),
}

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; a closed pipe while printing them is none either.
            let printed = error.print().map(|()| {
                if error.use_stderr() {
                    Exit::Usage
                } else {
                    Exit::Done
                }
            });
            return end(printed);
        }
    };
    let result = match cli.command {
        Some(command) => command.run(),
        None => open::run(&cli.open),
    };
    end(result)
}

impl Command {
    fn run(self) -> io::Result<Exit> {
        match self {
            Self::Open(arguments) => open::run(&arguments),
            Self::Analyze(arguments) => analyze::run(&arguments),
            Self::Packets(arguments) => packets::run(&arguments),
            Self::Follow(arguments) => follow::run(&arguments),
            Self::Ladder(arguments) => ladder::run(&arguments),
            Self::Extract(arguments) => extract::run(&arguments),
            Self::Generate(arguments) => generate::run(&arguments),
            Self::Slice(arguments) => slice::run(&arguments),
            Self::Script(arguments) => script::run(&arguments),
            Self::Live(arguments) => live::run(&arguments),
            Self::Interfaces(arguments) => interfaces::run(&arguments),
            Self::HostSockets => {
                crate::host::serve(io::stdin().lock(), io::stdout().lock()).map(|()| Exit::Done)
            }
            Self::PlayLessons => open::play_lessons().map(|()| Exit::Done),
            Self::Score(arguments) => score::run(&arguments),
            Self::Explain(arguments) => explain::run(&arguments),
        }
    }
}

fn end(result: io::Result<Exit>) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        // Whoever read our output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done.into(),
        Err(error) => {
            eprintln!("tcplens: the output can't be written: {error}");
            Exit::Usage.into()
        }
    }
}

/// 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// All is well.
    Done,
    /// The input is damaged; what was good before it was reported.
    Damaged,
    /// Ctrl-C came before the end of the input; what was found until then was reported.
    Interrupted,
    /// The arguments can't be used, an input can't be opened, or the output can't be written.
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
            // As shells say of what SIGINT (2) ended.
            Exit::Interrupted => Self::from(INTERRUPTED),
        }
    }
}
