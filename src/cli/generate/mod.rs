//! `tcplens generate`: traffic whose truth is known, by the name of what is wanted.
//!
//! What each kind of traffic needs is its own file with options of its own: `simulated` (scenarios
//! of the small network, and scripts), `sockets`, `lab`, `load`, `onto`. `output` writes any source
//! to a capture file, `sheet` its answers, `list` names everything; `applies` says which options go
//! with what.

mod applies;
mod lab;
mod list;
mod load;
mod onto;
pub(super) mod output;
mod sheet;
mod simulated;
mod sockets;

use std::io;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Exit;
use crate::generator::truth::Tap;
use applies::Kind;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tcplens generate --list                          everything that can be generated
  tcplens generate --describe tail-loss-probe      what one of it shows
  tcplens generate tail-loss-probe -o a.pcapng     a simulated exchange, captured in the middle
  tcplens generate tail-loss-probe --tap client --seed 7 --truth a.truth.ndjson -o a.pcap
  tcplens generate tail-loss-probe | tcplens packets -
  tcplens generate --script exchange.txt -o a.pcap a script as a capture
  tcplens generate sockets/half-close -o a.pcapng  real sockets of this host
  tcplens generate lab/loss -o DIR                 real kernels through an impaired path
  tcplens generate bulk --size 2G -o big.pcap      load for benchmarks
  tcplens generate reordering --onto eth0          what would be sent there; --yes sends it

The same seed makes the same bytes on every machine, where traffic is simulated. \
`tcplens score FILE --truth SHEET` holds the analyzer's verdicts against an answer sheet.")]
pub(super) struct Arguments {
    /// What to generate: one of the names that --list gives
    #[arg(
        value_name = "NAME",
        required_unless_present_any = ["list", "describe", "script"],
        conflicts_with_all = ["list", "describe", "script"]
    )]
    name: Option<String>,

    /// List everything that can be generated, a line each
    #[arg(long, conflicts_with = "describe")]
    list: bool,

    /// Tell what one of it shows
    #[arg(long, value_name = "NAME")]
    describe: Option<String>,

    /// How to print --list and --describe [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<How>,

    /// Generate the exchange that this script writes down (- is standard input)
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,

    /// What chance begins with: the same seed, the same traffic [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Where a simulated capture is made [default: middle]
    #[arg(long, value_enum, value_name = "WHERE")]
    tap: Option<TapAt>,

    /// The capture to write: .pcap or .pcapng, - for standard output; a directory for lab/…
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write the answer sheet here: what every frame really is (NDJSON, see docs/truth.md; - is
    /// standard output)
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,

    /// Show it in the terminal UI
    #[arg(long, conflicts_with_all = ["output", "onto"])]
    open: bool,

    #[command(flatten)]
    sockets: sockets::Options,

    #[command(flatten)]
    lab: lab::Options,

    #[command(flatten)]
    load: load::Options,

    #[command(flatten)]
    onto: onto::Options,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum How {
    /// Lines to read
    #[default]
    Text,
    /// One JSON document
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TapAt {
    /// Beside the client
    Client,
    /// Half way between the hosts
    Middle,
    /// Beside the server
    Server,
}

impl From<TapAt> for Tap {
    fn from(tap: TapAt) -> Self {
        match tap {
            TapAt::Client => Self::Client,
            TapAt::Middle => Self::Middle,
            TapAt::Server => Self::Server,
        }
    }
}

impl Arguments {
    fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    fn kind(&self) -> Kind {
        let name = self.name.as_deref().unwrap_or_default();
        if self.list || self.describe.is_some() {
            Kind::Words
        } else if self.script.is_some() {
            Kind::Script
        } else if name.starts_with("sockets/") {
            Kind::Lesson
        } else if name.starts_with("lab/") {
            Kind::Lab
        } else if load::LOADS.iter().any(|(load, _)| *load == name) {
            Kind::Load
        } else {
            Kind::Scenario
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    let (name, kind) = (
        arguments.name.as_deref().unwrap_or_default(),
        arguments.kind(),
    );
    // A name that is none is the first thing to say.
    let unknown = kind == Kind::Scenario && !simulated::knows(name);
    let checked = applies::check(arguments, kind).and_then(|()| sheet::check(arguments));
    if let Err(why) = checked
        && !unknown
    {
        return Ok(Exit::usage(&why));
    }
    match kind {
        Kind::Words => match &arguments.describe {
            Some(name) => list::one(name, arguments.format.unwrap_or_default()),
            None => list::all(arguments.format.unwrap_or_default()),
        },
        Kind::Script => simulated::script(arguments),
        Kind::Lesson => sockets::run(arguments, name.trim_start_matches("sockets/")),
        Kind::Lab => lab::run(arguments, name.trim_start_matches("lab/")),
        Kind::Load => load::run(arguments, name),
        Kind::Scenario => simulated::run(arguments, name),
    }
}
