//! `tcplens live`: connections as they happen.

mod open;
mod restraint;
mod screen;
mod watch;

use std::io::{self, BufWriter, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Exit;
use super::filter::Filtering;
use super::input::{Limits, size};
use super::interrupt::Interrupt;
use super::terminal::{self, When};
use crate::analysis::Analyzer;
use crate::recording::{Recorder, Summary};
use crate::report::escape::escaped;
use crate::report::live::{Begin, Format, Printer};
use crate::report::units::{counted, grouped};
use crate::source::SourceError;

pub(super) use open::HELPER;
use open::{Opened, open};
use watch::Watch;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sudo tcplens live -i eth0                        every connection on eth0, on the screen
  sudo tcplens live -i eth0 tcp port 443           those that a capture filter chooses
  sudo tcplens live -i lo -i eth0 --duration 60    two interfaces, for a minute
  sudo tcplens live -i any -w all.pcapng           and record it
  sudo tcplens live -w 'eth0-%H%M.pcapng' -G 3600  a file an hour
  sudo tcplens live --format text                  lines as things happen
  sudo tcplens live --format ndjson | jq 'select(.type == \"closed\")'
  ssh host sudo tcpdump -U -w - | tcplens live -   another host's

On a terminal connections are shown on a screen: enter opens one, r records, p pauses, ? tells all \
other keys. Elsewhere, or with --format, events are printed as they come.

Capture filters are in tcpdump's language (pcap-filter(7)); names come from /etc/services and \
/etc/hosts, the DNS is not asked. Once the sockets are open all rights are dropped: root becomes the \
user that called sudo, or --user, or stays without a capability; then Landlock and seccomp leave \
what is still needed. `tcplens interfaces` lists what can be watched.")]
pub(super) struct Arguments {
    /// Interface to watch, several times for several; `any` for all. The first that is up and not
    /// loopback if none is named
    #[arg(short, long = "interface", value_name = "IFACE")]
    interfaces: Vec<String>,

    /// Watch only what this capture filter chooses
    #[arg(short = 'f', long, value_name = "EXPR", conflicts_with = "words")]
    capture_filter: Option<String>,

    /// A capture filter, as with -f; `-` before it reads a capture from standard input instead
    #[arg(value_name = "FILTER", allow_hyphen_values = false)]
    words: Vec<String>,

    #[command(flatten)]
    filtering: Filtering,

    /// Stop after this many frames
    #[arg(short, long, value_name = "COUNT")]
    count: Option<u64>,

    /// Stop after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    duration: Option<Duration>,

    /// Frames kept aside in a temporary file, so that the screen can show a connection in full: the
    /// latest (K, M, G)
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = size)]
    keep: usize,

    /// Print events, though there is a terminal to show them on
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<How>,

    /// Print figures this often; 0 never
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    interval: Duration,

    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,

    #[command(flatten)]
    capture: Capture,

    #[command(flatten)]
    record: Record,

    /// Do not look for the processes of this host's connections, nor ask the kernel about them
    #[arg(long)]
    no_host: bool,

    /// Become this user once the sockets are open
    #[arg(short = 'Z', long, value_name = "USER")]
    user: Option<String>,

    #[command(flatten)]
    limits: Limits,
}

/// How frames are captured.
#[derive(Args, Debug)]
#[command(next_help_heading = "Capturing")]
struct Capture {
    /// Bytes kept of a frame; 0 for all
    #[arg(short, long, value_name = "BYTES", default_value_t = 0)]
    snaplen: u32,

    /// Memory for frames that wait, per interface (K, M, G; without a letter KiB)
    #[arg(short = 'B', long, value_name = "SIZE", default_value = "64M", value_parser = buffer)]
    buffer: usize,

    /// Capture through libpcap
    #[cfg(feature = "libpcap")]
    #[arg(long)]
    libpcap: bool,

    /// Leave the interface out of promiscuous mode
    #[arg(short = 'p', long)]
    no_promiscuous_mode: bool,
}

/// How frames are recorded.
#[derive(Args, Debug)]
#[command(next_help_heading = "Recording")]
struct Record {
    /// Record to this file, as pcapng
    #[arg(short, long, value_name = "FILE")]
    write: Option<PathBuf>,

    /// Go on in another file after this size (K, M, G; without a letter 1,000,000 bytes)
    #[arg(short = 'C', long, value_name = "SIZE", requires = "write", value_parser = file_size)]
    rotate_size: Option<u64>,

    /// Go on in another file after this many seconds; FILE has the time in its name (`%H%M%S`, UTC)
    #[arg(short = 'G', long, value_name = "SECONDS", requires = "write", value_parser = some_seconds)]
    rotate_seconds: Option<Duration>,

    /// Files: overwritten in turn with -C, the last one ends recording with -G
    #[arg(short = 'W', long, value_name = "COUNT", requires = "write", value_parser = clap::value_parser!(u32).range(1..))]
    rotate_files: Option<u32>,

    /// Write what frames were judged to be as comments on them
    #[arg(long, requires = "write")]
    comments: bool,

    /// Keep the last seconds in memory: a recording that is started while watching begins with them
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    lookback: Option<Duration>,

    /// Memory for the last seconds
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size)]
    lookback_memory: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    /// Lines for people
    Text,
    /// A JSON object an event
    Ndjson,
}

/// Seconds, with a unit or without: `30`, `30s`, `1.5`, `5m`, `1h`.
fn seconds(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1.0),
        Some(b'm') => (&text[..text.len() - 1], 60.0),
        Some(b'h') => (&text[..text.len() - 1], 3600.0),
        _ => (text, 1.0),
    };
    let seconds: f64 = number
        .parse()
        .map_err(|_| "a time is a number of seconds, or has s, m or h behind it".to_owned())?;
    Duration::try_from_secs_f64(seconds * unit).map_err(|_| "that is no time".to_owned())
}

/// As tcpdump's -B: KiB.
fn buffer(text: &str) -> Result<usize, String> {
    let bytes = size(text)?;
    if text.bytes().all(|c| c.is_ascii_digit()) {
        return bytes
            .checked_mul(1 << 10)
            .ok_or_else(|| "that is more than can be addressed".to_owned());
    }
    Ok(bytes)
}

/// As tcpdump's -G: at least one.
fn some_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        time if time < Duration::from_secs(1) => Err("a file takes at least a second".to_owned()),
        time => Ok(time),
    }
}

/// As tcpdump's -C: millions of octets.
fn file_size(text: &str) -> Result<u64, String> {
    let bytes = size(text)? as u64;
    let bytes = match text.bytes().all(|c| c.is_ascii_digit()) {
        true => bytes.saturating_mul(1_000_000),
        false => bytes,
    };
    match bytes {
        0 => Err("a file has to have a size".to_owned()),
        bytes => Ok(bytes),
    }
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    let format = match arguments.format {
        None if io::stdout().is_terminal() && !terminal::is_dumb() => {
            return screen::run(arguments);
        }
        None | Some(How::Text) => Format::Text,
        Some(How::Ndjson) => Format::Ndjson,
    };
    let Opened {
        source,
        inputs,
        filter,
        dropped,
        confined,
        recorder,
        notices,
        helper,
        piped,
        ..
    } = match open(arguments, None) {
        Ok(opened) => opened,
        Err(refused) => return Ok(Exit::usage(&refused)),
    };
    let interrupt = Interrupt::listen(piped);
    let mut source = match source(interrupt.stop()) {
        Ok(source) => source,
        Err(error) => {
            complain(&error);
            return Ok(Exit::Usage);
        }
    };
    let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut printer = Printer::new(out, format, arguments.color.palette(), terminal::unicode());
    printer.begin(&Begin {
        inputs: &inputs,
        filter: filter.as_deref(),
        user: dropped.user.as_deref(),
        confined: (confined.files, confined.calls),
    })?;
    printer.flush()?;
    if io::stderr().is_terminal() && format == Format::Text {
        let shown = inputs.iter().map(|input| escaped(input).to_string());
        let shown: Vec<_> = shown.collect();
        eprintln!(
            "tcplens: watching {}; {confined}; Ctrl-C ends",
            shown.join(", ")
        );
    }
    let mut analyzer = Analyzer::new(arguments.limits.options());
    let recording = recorder.clone();
    let mut watch = Watch::new(arguments, printer, recorder, notices, helper);
    let result = source.run(&mut |arrival| watch.arrive(&mut analyzer, arrival));
    analyzer.finish(&mut watch);
    if let Some(summary) = watch.end(&analyzer)? {
        tell_recorded(&summary);
    }
    let recorded = tell_failure(&recording);
    // Ctrl-C is how live watching ends.
    let Err(error) = result else {
        return Ok(recorded);
    };
    complain(&error);
    Ok(match error.unopened {
        true => Exit::Usage,
        false => Exit::Damaged,
    })
}

fn tell_recorded(summary: &Summary) {
    let path = summary.path.display().to_string();
    let files = match summary.files {
        0 | 1 => String::new(),
        files => format!("{} files, the last of them ", grouped(files)),
    };
    eprintln!(
        "tcplens: {} recorded in {files}{}",
        counted(summary.frames, "frame"),
        escaped(&path)
    );
}

/// Says why recording ended before it was told to.
fn tell_failure(recorder: &Recorder) -> Exit {
    let Some(reason) = recorder.failure() else {
        return Exit::Done;
    };
    eprintln!("tcplens: recording ended early: {}", escaped(&reason));
    Exit::Usage
}

fn complain(error: &SourceError) {
    let name = if error.input == "-" {
        "standard input"
    } else {
        &error.input
    };
    if error.unopened {
        eprintln!("tcplens: {}: {}", escaped(name), escaped(&error.reason));
    } else {
        eprintln!("tcplens: {}", escaped(&error.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes() {
        assert_eq!(seconds("30"), Ok(Duration::from_secs(30)));
        assert_eq!(seconds("1.5m"), Ok(Duration::from_secs(90)));
        assert!(seconds("-1").is_err() && seconds("").is_err() && seconds("s").is_err());
        assert_eq!(buffer("4096"), Ok(4 << 20));
        assert_eq!(buffer("4M"), Ok(4 << 20));
        assert_eq!(file_size("2"), Ok(2_000_000));
        assert_eq!(file_size("2K"), Ok(2048));
        assert!(file_size("0").is_err());
    }
}
