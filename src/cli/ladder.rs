//! `tcplens ladder`: one connection as a sequence diagram.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, StdoutLock};
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;

use super::filter::{self, Filtering};
use super::input::Output;
use super::selection::{self, Selection};
use super::terminal::{self, When};
use super::{Exit, input};
use crate::analysis::{FlowView, FrameView, Observer, Revisions, Settled};
use crate::calls::{self, CallLog, CallsError};
use crate::filter::{Before, Filter};
use crate::report::escape::escaped;
use crate::report::ladder::{Ladder, Look};
use crate::wire::Transport;

#[derive(Args, Debug)]
#[command(
    override_usage = "tcplens ladder [OPTIONS] <FILE>... <N>\n       \
                      tcplens ladder [OPTIONS] --connection <N> <FILE>...",
    mut_arg("files", |files| files.help(selection::FILES_AND_NUMBER)),
    after_help = "\
Examples:
  tcplens ladder a.pcap 3
  tcplens ladder a.pcap 3 --limit 0 --color always | less -R
  tcplens ladder a.pcap 3 --ascii > report.txt
  tcplens ladder a.pcap 3 --filter 'tcp.len > 0'   only its frames that match
  tcplens ladder a.pcap --filter 'tcp.port == 443 && conn.ending == reset'   the one that matches
  tcplens ladder a.pcap 3 --calls client.calls.ndjson --calls server.calls.ndjson"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    filtering: Filtering,

    /// Show at most this many frames, from the beginning and the end; 0 is all
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    limit: u64,

    /// Draw with ASCII characters only, as where the locale has no others
    #[arg(long)]
    ascii: bool,

    /// Show the socket calls of this log beside the segments they caused (X.calls.ndjson beside
    /// X.pcapng is found without it); may be given several times
    #[arg(long, value_name = "FILE")]
    calls: Vec<PathBuf>,

    /// Show no calls, even where there is a log beside the capture
    #[arg(long, conflicts_with = "calls")]
    no_calls: bool,

    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    let (inputs, connection, frames) =
        match filter::connection(&arguments.selection, &arguments.filtering) {
            Ok(resolved) => resolved,
            Err(exit) => return Ok(exit),
        };
    let look = Look {
        columns: terminal::columns(),
        unicode: !arguments.ascii && terminal::unicode(),
        palette: arguments.color.palette(),
        limit: arguments.limit,
    };
    let logs = match logs(arguments, &inputs.files) {
        Ok(logs) => logs,
        Err(message) => return Ok(Exit::usage(&message)),
    };
    inputs.confine(&[]);
    let stdout = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let make = |filter::Prepared { before, revisions }| Artist {
        frames: frames.cloned(),
        before,
        connection,
        live: inputs.follow,
        ladder: Ladder::new(stdout, look).beside(logs),
        revisions,
        settled: Settled::default(),
        result: Ok(()),
    };
    let (finished, mut artist) =
        input::twice(&inputs, Output::OnTheWay, Some(connection), |first| {
            make(filter::prepare(frames, first))
        });
    artist.result?;
    let analyzer = &finished.analyzer;
    let end = analyzer.capture().last.unwrap_or_default();
    let kept = analyzer
        .connections()
        .into_iter()
        .find(|&(id, _)| id == connection);
    let drawn = match kept {
        Some((_, slot)) => analyzer.connection(slot, |view| {
            artist.ladder.finish(Some(view.connection), end)
        }),
        None => None,
    };
    drawn.unwrap_or_else(|| artist.ladder.finish(None, end))?;
    finished.complain();
    artist.revisions.iter().for_each(input::complain_of);
    if connection >= finished.analyzer.tcp_seen() {
        return Ok(Exit::usage(&selection::unknown(connection, &finished)));
    }
    Ok(finished.exit())
}

/// The call logs: those that were named, or those that lie beside the captures. One that was not
/// named and can't be read is told of, and left out.
fn logs(arguments: &Arguments, captures: &[PathBuf]) -> Result<Vec<CallLog>, String> {
    let read = |path: &PathBuf| {
        let log = File::open(path).map_err(CallsError::from);
        let log = log.and_then(|file| CallLog::read(&mut BufReader::new(file)));
        log.map_err(|error| {
            format!(
                "{}: {}",
                escaped(&path.to_string_lossy()),
                escaped(&error.to_string())
            )
        })
    };
    let mut logs = Vec::new();
    if arguments.no_calls {
        return Ok(logs);
    }
    for path in &arguments.calls {
        logs.push(read(path)?);
    }
    if arguments.calls.is_empty() {
        for path in captures
            .iter()
            .map(|capture| calls::beside(capture))
            .filter(|path| path.is_file())
        {
            match read(&path) {
                Ok(log) => logs.push(log),
                Err(message) => eprintln!("tcplens: {message}"),
            }
        }
    }
    Ok(logs)
}

struct Artist {
    /// Only these frames.
    frames: Option<Filter>,
    /// What the filter remembers.
    before: Before,
    connection: u32,
    /// Whether somebody waits for what is drawn.
    live: bool,
    ladder: Ladder<BufWriter<StdoutLock<'static>>>,
    /// How verdicts ended, where that is known.
    revisions: Option<Revisions>,
    settled: Settled,
    result: io::Result<()>,
}

impl Artist {
    fn draw(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let drawn = match (&view.flow, &view.decoded.transport) {
            (FlowView::Tcp { view: of, from }, Transport::Tcp(segment))
                if of.id == self.connection =>
            {
                let (number, events) = (view.frame.number, view.events);
                let is_settled = match &mut self.revisions {
                    Some(revisions) => revisions.settle(number, events, &mut self.settled),
                    None => false,
                };
                let events = if is_settled {
                    &self.settled.events
                } else {
                    events
                };
                let view = FrameView { events, ..*view };
                let shown = |filter: &Filter| filter.matches_frame(&view, &self.before);
                if !self.frames.as_ref().is_none_or(shown) {
                    return ControlFlow::Continue(());
                }
                self.ladder.segment(&view, of, *from, segment)
            }
            (FlowView::IcmpAboutTcp(id, _), Transport::Icmp(message)) if *id == self.connection => {
                self.ladder.message(view, message)
            }
            _ => return ControlFlow::Continue(()),
        };
        self.result = drawn;
        if self.live && self.result.is_ok() {
            self.result = self.ladder.flush();
        }
        match self.result {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

impl Observer for Artist {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let flow = self.draw(view);
        if self.frames.is_some() {
            self.before.note(view);
        }
        flow
    }
}
