//! `tcplens extract`: every stream to a file of its own.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::delivered::{Content, Delivered, Place};
use super::filter::{self, Filtering};
use super::input::{self, Inputs, Output};
use super::selection;
use crate::analysis::{FlowView, FrameView, Observer};
use crate::report::Found;
use crate::report::follow::Origin;
use crate::report::stream_files::StreamFiles;
use crate::tcp::{Event, Role};
use crate::wire::Transport;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tcplens extract a.pcap -o streams                  all of them
  tcplens extract a.pcap -o streams --connection 3   those of one
  tcplens extract a.pcap -o streams --filter 'tcp.port == 80'   those of some

Files are named as tcpflow names them, by who sent to whom:
  192.000.002.001.40000-192.000.002.002.00080
  2001_0db8_0000_0000_0000_0000_0000_0001.40000-…  (IPv6)
A later connection of the same two sockets adds c1, c2, … In a file every byte stands at its offset \
in the stream, with zeros where bytes are missing; after more than --max-gap missing bytes another \
file begins, named .at-OFFSET. DIR/streams.ndjson lists the files and their gaps, an object a line.")]
pub(super) struct Arguments {
    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    filtering: Filtering,

    /// Directory to write to; made if it isn't there
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,

    /// Only this connection
    #[arg(long, value_name = "N")]
    connection: Option<u32>,

    /// Overwrite files that are there
    #[arg(long)]
    force: bool,

    /// Missing bytes up to which a file goes on, with zeros in their place
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = input::size)]
    max_gap: usize,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    let chosen = match arguments.filtering.filter() {
        None => None,
        Some(_) if arguments.inputs.is_read_once() => {
            return Ok(Exit::usage(
                "to choose connections by a filter the input is read twice; that has to be a file",
            ));
        }
        Some(filter) => Some(filter::choose(&arguments.inputs, filter).1),
    };
    let files = StreamFiles::create(&arguments.output, arguments.force, arguments.max_gap as u64)?;
    let mut extractor = Extractor {
        connection: arguments.connection,
        chosen,
        files,
        delivered: Delivered::default(),
        result: Ok(()),
    };
    arguments
        .inputs
        .confine(std::slice::from_ref(&arguments.output));
    let finished = input::run(&arguments.inputs, Output::AtTheEnd, &mut extractor);
    extractor.flush(None);
    extractor.result?;
    let summary = extractor.files.finish()?;
    finished.complain();
    if let Some(connection) = arguments.connection
        && connection >= finished.analyzer.tcp_seen()
    {
        return Ok(Exit::usage(&selection::unknown(connection, &finished)));
    }
    writeln!(io::stdout(), "{summary}")?;
    Ok(finished.exit())
}

struct Extractor {
    connection: Option<u32>,
    chosen: Option<Found>,
    files: StreamFiles,
    delivered: Delivered,
    result: io::Result<()>,
}

impl Extractor {
    fn wants(&self, connection: u32) -> bool {
        let chosen = self.chosen.as_ref();
        self.connection.is_none_or(|wanted| wanted == connection)
            && chosen.is_none_or(|chosen| chosen.has_tcp(connection))
    }

    fn flush(&mut self, origin: Option<Origin>) {
        let files = &mut self.files;
        let written = self.delivered.hand_on(|at, content| {
            let (connection, from, offset) = (at.connection, at.from, at.offset);
            match content {
                Content::Bytes(bytes) => files.bytes(connection, from, origin, offset, bytes),
                Content::Gap(len) => {
                    files.gap(connection, from, offset, len);
                    Ok(())
                }
            }
        });
        if self.result.is_ok() {
            self.result = written;
        }
    }
}

impl Observer for Extractor {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        if let FlowView::Tcp { view: flow, .. } = view.flow
            && let Transport::Tcp(segment) = &view.decoded.transport
            && (segment.payload_len > 0 || !self.delivered.is_empty())
            && self.wants(flow.id)
        {
            self.files.introduce(flow.id, flow.sockets);
        }
        if !self.delivered.is_empty() {
            self.flush(Some(Origin {
                frame: view.frame.number,
                time: view.frame.time,
            }));
        }
        if self.result.is_err() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn bytes(&mut self, connection: u32, from: Role, offset: u64, bytes: &[u8]) {
        if self.wants(connection) {
            let place = Place {
                connection,
                from,
                offset,
            };
            self.delivered.bytes(place, bytes);
        }
    }

    fn gap(&mut self, connection: u32, from: Role, offset: u64, len: u64) {
        if self.wants(connection) {
            let place = Place {
                connection,
                from,
                offset,
            };
            self.delivered.gap(place, len);
        }
    }

    fn late(&mut self, _: u32, _: &[Event]) {
        self.flush(None);
    }
}
