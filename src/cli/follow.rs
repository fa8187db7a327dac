//! `tcplens follow`: the bytes of one connection's streams.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use clap::{Args, ValueEnum};

use super::Exit;
use super::delivered::{Content, Delivered, Place};
use super::filter::{self, Filtering};
use super::input::Output;
use super::selection::{self, Selection};
use super::terminal::When;
use crate::analysis::{FlowView, FrameView, Observer};
use crate::filter::{Before, Filter};
use crate::report::follow::{Format, Missing, Origin, Printer};
use crate::tcp::{Event, Role};

#[derive(Args, Debug)]
#[command(
    override_usage = "tcplens follow [OPTIONS] <FILE>... <N>\n       \
                      tcplens follow [OPTIONS] --connection <N> <FILE>...",
    mut_arg("files", |files| files.help(selection::FILES_AND_NUMBER)),
    after_help = "\
Examples:
  tcplens follow a.pcap 3
  tcplens follow a.pcap 3 --format hex --from client
  tcplens follow a.pcap 3 --format raw --from server > body
  tcplens follow a.pcap --filter 'tcp.stream == 3'   the one connection that matches
  tcplens follow a.pcap 3 --filter 'frame.time_relative > 5'   what matching frames brought"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    filtering: Filtering,

    /// Whose bytes
    #[arg(long, value_enum, value_name = "WHO", default_value_t = Who::Both)]
    from: Who,

    /// How to print them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = How::Text)]
    format: How,

    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Who {
    /// What the client sent
    Client,
    /// What the server sent
    Server,
    /// Both, in the order in which they could be delivered
    Both,
}

impl Who {
    fn includes(self, role: Role) -> bool {
        match self {
            Self::Client => role == Role::Client,
            Self::Server => role == Role::Server,
            Self::Both => true,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    /// Lines behind `>` (client) and `<` (server); bytes that are no printable ASCII as dots
    Text,
    /// Offset, hexadecimal and ASCII
    Hex,
    /// The bytes as they are
    Raw,
    /// An object a chunk, its bytes in base64
    Ndjson,
}

impl From<How> for Format {
    fn from(how: How) -> Self {
        match how {
            How::Text => Self::Text,
            How::Hex => Self::Hex,
            How::Raw => Self::Raw,
            How::Ndjson => Self::Ndjson,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    let (inputs, connection, frames) =
        match filter::connection(&arguments.selection, &arguments.filtering) {
            Ok(resolved) => resolved,
            Err(exit) => return Ok(exit),
        };
    inputs.confine(&[]);
    let stdout = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let make = |prepared: filter::Prepared| Follower {
        frames: frames.cloned(),
        before: prepared.before,
        connection,
        from: arguments.from,
        live: inputs.follow,
        printer: Printer::new(stdout, arguments.format.into(), connection)
            .coloured(arguments.color.palette()),
        delivered: Delivered::default(),
        missing: [Missing::default(); 2],
        result: Ok(()),
    };
    let (finished, mut follower) = filter::run(&inputs, Output::OnTheWay, frames, make);
    // What waited behind gaps is delivered at the end, and no frame brings it.
    follower.flush(None);
    follower.result?;
    follower.printer.finish()?;
    finished.complain();
    if connection >= finished.analyzer.tcp_seen() {
        return Ok(Exit::usage(&selection::unknown(connection, &finished)));
    }
    // Elsewhere the gaps stand between the bytes.
    if matches!(arguments.format, How::Raw) {
        for role in Role::BOTH {
            let missing = follower.missing[role as usize];
            if missing.bytes > 0 {
                eprintln!("tcplens: {}", missing.sentence(role));
            }
        }
    }
    Ok(finished.exit())
}

/// Picks one connection's bytes out of all that is tracked.
struct Follower<W: Write> {
    /// Only what these frames brought.
    frames: Option<Filter>,
    /// What the filter remembers.
    before: Before,
    connection: u32,
    from: Who,
    /// Whether somebody waits for what is written.
    live: bool,
    printer: Printer<W>,
    delivered: Delivered,
    missing: [Missing; 2],
    result: io::Result<()>,
}

impl<W: Write> Follower<W> {
    fn flush(&mut self, origin: Option<Origin>) {
        let printer = &mut self.printer;
        let printed = self.delivered.hand_on(|at, content| match content {
            Content::Bytes(bytes) => printer.bytes(origin, at.from, at.offset, bytes),
            Content::Gap(len) => printer.gap(origin, at.from, at.offset, len),
        });
        if self.result.is_ok() {
            self.result = printed;
        }
        if self.live && self.result.is_ok() {
            self.result = self.printer.flush();
        }
    }
}

impl<W: Write> Observer for Follower<W> {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        if let Some(filter) = &self.frames {
            if !self.delivered.is_empty() && !filter.matches_frame(view, &self.before) {
                self.result = self.delivered.hand_on(|_, _| Ok(()));
            }
            self.before.note(view);
        }
        match view.flow {
            FlowView::Tcp { view: flow, .. } if flow.id == self.connection => {
                if self.result.is_ok() {
                    self.result = self.printer.between(flow.sockets);
                }
                self.flush(Some(Origin {
                    frame: view.frame.number,
                    time: view.frame.time,
                }));
            }
            _ if !self.delivered.is_empty() => self.flush(None),
            _ => {}
        }
        if self.result.is_err() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn bytes(&mut self, connection: u32, from: Role, offset: u64, bytes: &[u8]) {
        if connection != self.connection || !self.from.includes(from) {
            return;
        }
        let place = Place {
            connection,
            from,
            offset,
        };
        self.delivered.bytes(place, bytes);
    }

    fn gap(&mut self, connection: u32, from: Role, offset: u64, len: u64) {
        if connection != self.connection || !self.from.includes(from) {
            return;
        }
        self.missing[from as usize].add(offset, len);
        let place = Place {
            connection,
            from,
            offset,
        };
        self.delivered.gap(place, len);
    }

    fn late(&mut self, connection: u32, _: &[Event]) {
        if connection == self.connection {
            self.flush(None);
        }
    }
}
