//! `tcplens script`: one connection as a script, to be shortened, given expectations, and played.

use std::io::{self, Write};
use std::ops::ControlFlow;

use clap::Args;

use super::Exit;
use super::input::{self, Output};
use super::selection::{self, Selection};
use crate::analysis::{FlowView, FrameView, Observer};
use crate::generator::script::Transcript;

#[derive(Args, Debug)]
#[command(
    override_usage = "tcplens script [OPTIONS] <FILE>... <N>\n       \
                      tcplens script [OPTIONS] --connection <N> <FILE>...",
    mut_arg("files", |files| files.help(selection::FILES_AND_NUMBER)),
    after_help = "\
Examples:
  tcplens script a.pcap 3
  tcplens script a.pcap 3 --count 20 > strange.script

A line a packet: when, who, flags, sequence numbers, acknowledgment, window, identification, options. \
What packets carried is not kept. The notation is described in the library's generator::script."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,

    /// Stop after this many packets
    #[arg(short, long, value_name = "COUNT")]
    count: Option<u64>,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    let (inputs, connection) = match arguments.selection.resolve() {
        Ok(resolved) => resolved,
        Err(message) => return Ok(Exit::usage(&message)),
    };
    inputs.confine(&[]);
    let mut scribe = Scribe {
        connection,
        left: arguments.count.unwrap_or(u64::MAX),
        transcript: Transcript::default(),
        passed_over: 0,
    };
    let finished = input::run(&inputs, Output::AtTheEnd, &mut scribe);
    finished.complain();
    if connection >= finished.analyzer.tcp_seen() {
        return Ok(Exit::usage(&selection::unknown(connection, &finished)));
    }
    let mut out = io::stdout().lock();
    write!(out, "{}", scribe.transcript)?;
    out.flush()?;
    if scribe.passed_over > 0 {
        eprintln!(
            "tcplens: {} of its frames are fragments or have no line in a script",
            scribe.passed_over
        );
    }
    Ok(finished.exit())
}

struct Scribe {
    connection: u32,
    /// Packets that may still be written down.
    left: u64,
    transcript: Transcript,
    /// Frames of the connection that could not be.
    passed_over: u64,
}

impl Observer for Scribe {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let is_of_it = match view.flow {
            FlowView::Tcp { view, .. } => view.id == self.connection,
            _ => false,
        };
        if !is_of_it {
            return ControlFlow::Continue(());
        }
        if self.left == 0 {
            return ControlFlow::Break(());
        }
        self.left -= 1;
        self.passed_over += u64::from(!self.transcript.take(view.frame));
        ControlFlow::Continue(())
    }
}
