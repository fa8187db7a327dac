//! `tcplens packets`: a line per frame.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::ops::ControlFlow;

use clap::{Args, ValueEnum};

use super::Exit;
use super::input::{self, Inputs, Output};
use super::selection;
use super::terminal::{self, When};
use super::versus_tshark;
use crate::analysis::{FlowView, FrameView, Observer, Revisions, Settled};
use crate::report::labels::Labels;
use crate::report::packets::{Clock, Format, Look, Printer};
use crate::source::Arrival;
use crate::tcp::Event;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tcplens packets a.pcap                  a line per frame
  tcplens packets -c 20 -t a a.pcap       the first 20, with the time of day
  tcplens packets --connection 3 a.pcap   one connection's, and ICMP about it
  tcplens packets -V -c 1 a.pcap          all fields of the first frame
  tcplens packets a.pcap | grep retransmission
  tcplens packets --format ndjson a.pcap | jq 'select(.verdicts != [])'
  tcplens packets --versus-tshark a.pcap  where tshark differs, and why
  tcplens packets --follow growing.pcap   as frames are written, until Ctrl-C

Verdicts are final: files are read once for them and once more to print. What can be read only once \
(a pipe, --follow) has those of the moment, and what a later frame revises is told with that frame.")]
pub(super) struct Arguments {
    #[command(flatten)]
    inputs: Inputs,

    /// Stop after this many frames
    #[arg(short, long, value_name = "COUNT")]
    count: Option<u64>,

    /// Only frames of this connection
    #[arg(long, value_name = "N")]
    connection: Option<u32>,

    /// How text shows time; machine formats always have seconds since 1970
    #[arg(short, long, value_enum, value_name = "CLOCK", default_value_t = By::R)]
    time: By,

    /// All fields of every layer, instead of a line (text only)
    #[arg(short = 'V', long, conflicts_with = "format")]
    verbose: bool,

    /// The bytes of each frame besides, in hexadecimal (text only)
    #[arg(short = 'x', long, conflicts_with = "format")]
    hex: bool,

    /// Sequence numbers as they stood, not counted from each side's first
    #[arg(long)]
    absolute: bool,

    /// How to print frames
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = How::Text)]
    format: How,

    /// Print only frames of which tshark (it must be on PATH) says something else, and why
    #[arg(
        long,
        conflicts_with_all = ["follow", "count", "time", "absolute", "format", "verbose", "hex"]
    )]
    versus_tshark: bool,

    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// Seconds since the first frame
    R,
    /// Time of day, UTC
    A,
    /// Date and time, UTC
    Ad,
    /// Seconds since the frame printed before
    D,
    /// Seconds since 1970
    E,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    /// A line, in the manner of tcpdump
    Text,
    /// A JSON object a line
    Ndjson,
    /// Tab-separated values under a line of their names
    Tsv,
    /// Frame number, tab, final verdicts as short labels, parted by commas
    Labels,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    if arguments.versus_tshark {
        return versus_tshark::run(&arguments.inputs, arguments.connection, arguments.color);
    }
    if matches!(arguments.format, How::Labels) {
        return labels(arguments);
    }
    let terminal = io::stdout().is_terminal();
    let look = Look {
        format: match arguments.format {
            How::Text | How::Labels => Format::Text,
            How::Ndjson => Format::Ndjson,
            How::Tsv => Format::Tsv,
        },
        clock: match arguments.time {
            By::R => Clock::Relative,
            By::A => Clock::Day,
            By::Ad => Clock::Date,
            By::D => Clock::Delta,
            By::E => Clock::Epoch,
        },
        absolute: arguments.absolute,
        unicode: terminal::unicode(),
        palette: arguments.color.palette(),
        tree: arguments.verbose,
        hex: arguments.hex,
    };
    let stdout = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let (finished, mut list) =
        input::run_twice(&arguments.inputs, arguments.connection, |revisions| List {
            connection: arguments.connection,
            left: arguments.count.unwrap_or(u64::MAX),
            live: terminal || arguments.inputs.follow,
            printer: Printer::new(stdout, look),
            revisions,
            settled: Settled::default(),
            result: Ok(()),
        });
    list.result?;
    list.printer.finish()?;
    finished.complain();
    list.revisions.iter().for_each(input::complain_of);
    if let Some(connection) = arguments.connection
        && connection >= finished.analyzer.tcp_seen()
    {
        return Ok(Exit::usage(&selection::unknown(connection, &finished)));
    }
    Ok(finished.exit())
}

/// Final verdicts, when all is read.
fn labels(arguments: &Arguments) -> io::Result<Exit> {
    let mut labels = Labels::default();
    let finished = input::run(&arguments.inputs, Output::AtTheEnd, &mut labels);
    let mut out = BufWriter::new(io::stdout().lock());
    labels.print(&mut out)?;
    out.flush()?;
    finished.complain();
    Ok(finished.exit())
}

struct List {
    connection: Option<u32>,
    /// Frames that may still be printed.
    left: u64,
    /// Whether somebody waits for what is written.
    live: bool,
    printer: Printer<BufWriter<StdoutLock<'static>>>,
    /// How verdicts ended, where that is known.
    revisions: Option<Revisions>,
    settled: Settled,
    result: io::Result<()>,
}

impl List {
    fn shows(&self, flow: &FlowView<'_>) -> bool {
        let Some(wanted) = self.connection else {
            return true;
        };
        match *flow {
            FlowView::Tcp { view, .. } => view.id == wanted,
            FlowView::IcmpAboutTcp(id, _) => id == wanted,
            _ => false,
        }
    }

    fn next(&self) -> ControlFlow<()> {
        match self.result {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

impl Observer for List {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        if !self.shows(&view.flow) {
            self.printer.pass(view);
            return ControlFlow::Continue(());
        }
        // Not as soon as the last one is printed: its comments come after it.
        if self.left == 0 {
            return ControlFlow::Break(());
        }
        self.left -= 1;
        let (number, events) = (view.frame.number, view.events);
        let is_settled = match &mut self.revisions {
            Some(revisions) => revisions.settle(number, events, &mut self.settled),
            None => false,
        };
        self.result = if is_settled {
            self.printer.settled(view, &self.settled)
        } else {
            self.printer.frame(view)
        };
        if (self.live || self.left == 0) && self.result.is_ok() {
            self.result = self.printer.flush();
        }
        self.next()
    }

    fn late(&mut self, connection: u32, events: &[Event]) {
        let shown = self.connection.is_none_or(|wanted| wanted == connection);
        if shown && self.left > 0 && self.revisions.is_none() && self.result.is_ok() {
            self.result = self.printer.late(connection, events);
        }
    }

    fn aside(&mut self, arrival: &Arrival<'_>) {
        if let Arrival::Comment { frame, text } = *arrival
            && self.result.is_ok()
        {
            self.result = self.printer.comment(frame, text);
        }
    }
}
