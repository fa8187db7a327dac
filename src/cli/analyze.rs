//! `tcplens analyze`: every connection of a capture, or one in full.

use std::io::{self, BufWriter, Write};

use clap::{Args, ValueEnum};

use super::Exit;
use super::filter::{self, Filtering};
use super::input::{self, Finished, Inputs, Output};
use super::terminal::{self, When};
use crate::analysis::{CloseUp, ConnectionView};
use crate::flow::Slot;
use crate::report::json::Layout;
use crate::report::text::Look;
use crate::report::{self, Found, Problem, Report, Selection, Sort};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tcplens analyze a.pcap                       all connections
  tcplens analyze a.pcap --connection 3        one of them in full
  tcplens analyze a.pcap --sort bytes --top 5  the five with the most bytes
  tcplens analyze a.pcap --filter 'conn.rtt.p95 > 100ms'
  tcplens analyze rotated.pcap*                several files as one capture
  tcpdump -i eth0 -w - | tcplens analyze -     until Ctrl-C
  tcplens analyze a.pcap --format json | jq '.tcp.endings'")]
pub(super) struct Arguments {
    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    filtering: Filtering,

    /// Show one connection in full: both endpoints, their states over time, and what happened
    #[arg(long, value_name = "N", conflicts_with = "filter")]
    connection: Option<u32>,

    /// Events shown of that connection; 0 is all
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 200,
        requires = "connection"
    )]
    events: usize,

    /// How to write it; the machine formats are described in docs/output.md
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,

    /// What to sort by; `trouble` for text, `id` for the other formats if not given
    #[arg(long, value_enum, value_name = "KEY")]
    sort: Option<By>,

    /// Turn the order around
    #[arg(long)]
    reverse: bool,

    /// How many connections to show, and how many conversations; 0 or `all` is all. 20 for text,
    /// all for the other formats if not given
    #[arg(long, value_name = "COUNT", value_parser = top)]
    top: Option<Top>,

    /// Show addresses as numbers even where the capture has names for them
    #[arg(long, short)]
    numeric: bool,

    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// One JSON object a line
    Ndjson,
    /// One line a TCP connection, with a header
    Csv,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// The most troubled first
    Trouble,
    /// By number: in order of first frames
    Id,
    /// The earliest first
    Start,
    /// The longest first
    Duration,
    /// The most bytes first
    Bytes,
    /// The most packets first
    Packets,
    /// The most retransmissions first
    Retransmissions,
    /// The longest round trip first
    Rtt,
}

#[derive(Clone, Copy, Debug)]
struct Top(Option<usize>);

fn top(text: &str) -> Result<Top, String> {
    match text {
        "all" | "0" => Ok(Top(None)),
        _ => text
            .parse()
            .map(|top| Top(Some(top)))
            .map_err(|_| "a number, or `all`".to_owned()),
    }
}

impl Arguments {
    fn selection<'a>(&self, only: Option<&'a Found>) -> Selection<'a> {
        let for_people = self.format == Format::Text;
        let (sort, count) = if for_people {
            (Sort::Trouble, Some(20))
        } else {
            (Sort::Id, None)
        };
        let sort = match self.sort {
            None => sort,
            Some(By::Trouble) => Sort::Trouble,
            Some(By::Id) => Sort::Id,
            Some(By::Start) => Sort::Start,
            Some(By::Duration) => Sort::Duration,
            Some(By::Bytes) => Sort::Bytes,
            Some(By::Packets) => Sort::Packets,
            Some(By::Retransmissions) => Sort::Retransmissions,
            Some(By::Rtt) => Sort::Rtt,
        };
        Selection {
            only,
            sort,
            reverse: self.reverse,
            top: self.top.map_or(count, |Top(count)| count),
        }
    }

    fn look(&self) -> Look {
        Look {
            width: width(),
            palette: self.color.palette(),
            names: !self.numeric,
        }
    }
}

/// Columns to fill, 80 at least.
fn width() -> usize {
    const NARROWEST: usize = 80;
    const WIDEST: usize = 200;
    terminal::columns().clamp(NARROWEST, WIDEST)
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    arguments.inputs.confine(&[]);
    let mut found = None;
    let (finished, close_up) = match (arguments.connection, arguments.filtering.filter()) {
        (None, None) => (input::figures(&arguments.inputs), None),
        (None, Some(filter)) => {
            let (finished, chosen) = filter::choose(&arguments.inputs, filter);
            found = Some(chosen);
            (finished, None)
        }
        (Some(wanted), _) => {
            let limit = match arguments.events {
                0 => usize::MAX,
                limit => limit,
            };
            let mut close_up = CloseUp::new(wanted, limit);
            let finished = input::run(&arguments.inputs, Output::AtTheEnd, &mut close_up);
            (finished, Some(close_up))
        }
    };
    let written = show(arguments, &finished, found.as_ref(), close_up.as_ref());
    finished.complain();
    let exit = written?.max(finished.exit());
    // The process ends here: millions of connections need not be taken apart for that.
    std::mem::forget(finished);
    Ok(exit)
}

fn show(
    arguments: &Arguments,
    finished: &Finished,
    found: Option<&Found>,
    close_up: Option<&CloseUp>,
) -> io::Result<Exit> {
    // An input that can't be opened is all there is to say.
    if finished.analyzer.capture().frames == 0 && finished.errors.iter().any(|e| e.unopened) {
        return Ok(Exit::Usage);
    }
    let inputs: Vec<_> = arguments
        .inputs
        .files
        .iter()
        .map(|file| file.to_string_lossy().into_owned())
        .collect();
    let problems: Vec<_> = finished
        .errors
        .iter()
        .map(|error| Problem {
            input: error.input.clone(),
            offset: error.offset,
            after_frame: error.after_frame,
            reason: error.reason.clone(),
            unopened: error.unopened,
        })
        .collect();
    let report = Report {
        analyzer: &finished.analyzer,
        inputs: &inputs,
        problems: &problems,
        interrupted: finished.interrupted,
        selection: arguments.selection(found),
        filter: arguments.filtering.filter().map(|filter| filter.text()),
    };
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let exit = match close_up {
        None => {
            whole(arguments, &report, &mut out)?;
            Exit::Done
        }
        Some(close_up) => match find(finished, close_up.wanted()) {
            Some(slot) => {
                let written = finished.analyzer.connection(slot, |view| {
                    one(arguments, &report, close_up, view, &mut out)
                });
                written.transpose()?;
                Exit::Done
            }
            None => {
                eprintln!("tcplens: {}", not_there(finished, close_up));
                Exit::Usage
            }
        },
    };
    out.flush()?;
    Ok(exit)
}

fn whole(arguments: &Arguments, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    match arguments.format {
        Format::Text => report::text::write(report, arguments.look(), out),
        Format::Json => report::json::write(report, Layout::Document, None, out),
        Format::Ndjson => report::json::write(report, Layout::Lines, None, out),
        Format::Csv => report::csv::write(report, None, out),
    }
}

fn one(
    arguments: &Arguments,
    report: &Report<'_>,
    close_up: &CloseUp,
    view: &ConnectionView<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let both = Some((close_up, view));
    match arguments.format {
        Format::Text => report::text::write_close_up(report, close_up, view, arguments.look(), out),
        Format::Json => report::json::write(report, Layout::Document, both, out),
        Format::Ndjson => report::json::write(report, Layout::Lines, both, out),
        Format::Csv => report::csv::write(report, Some(view), out),
    }
}

fn find(finished: &Finished, wanted: u32) -> Option<Slot> {
    let connections = finished.analyzer.connections();
    let at = connections
        .binary_search_by_key(&wanted, |&(id, _)| id)
        .ok()?;
    connections.get(at).map(|&(_, slot)| slot)
}

/// Why a connection can't be shown.
fn not_there(finished: &Finished, close_up: &CloseUp) -> String {
    let wanted = close_up.wanted();
    match finished.analyzer.tcp_seen() {
        0 => format!("there is no connection {wanted}: the capture has none"),
        1 => format!("there is no connection {wanted}: the only one is 0"),
        seen if wanted >= seen => format!(
            "there is no connection {wanted}: {seen} were seen, 0 to {}",
            seen - 1
        ),
        _ => format!(
            "connection {wanted} was let go to stay within memory; --memory and --max-flows \
             allow more"
        ),
    }
}
