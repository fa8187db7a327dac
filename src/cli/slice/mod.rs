//! `tcplens slice`: some connections or frames of captures, as a capture.

mod pieces;
mod writer;

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;

use super::filter::{self, Filtering};
use super::input::{self, Finished, Inputs, Output};
use super::{Exit, selection};
use crate::analysis::{FlowView, FrameView, Observer, Revisions, Settled};
use crate::filter::{Before, Filter};
use crate::report::Found;
use crate::report::escape::escaped;
use crate::report::units::counted;
use crate::source::Arrival;
use pieces::Pieces;
use writer::Writer;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tcplens slice a.pcap --filter 'conn.retransmissions > 3' -o worst.pcapng
  tcplens slice a.pcap --connection 3 -o three.pcapng
  tcplens slice a.pcap --filter tcp.analysis.flags --frames -o odd.pcapng
  tcplens slice rotated.pcap* --filter 'ip.addr == 10.0.0.5' -o - | tshark -r -

Without --frames whole connections and UDP conversations are written, with ICMP errors about them and \
the fragments of their datagrams: of all that have a matching frame. Interfaces, names, comments, and \
what the capture says it lost are kept.")]
pub(super) struct Arguments {
    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    filtering: Filtering,

    /// Only this connection
    #[arg(long, value_name = "N")]
    connection: Option<u32>,

    /// Only the frames that match, not the whole of their connections
    #[arg(long)]
    frames: bool,

    /// The pcapng file to write; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    let (inputs, connection) = (&arguments.inputs, arguments.connection);
    if let Err(message) = check(&arguments.output, inputs) {
        return Ok(Exit::usage(&message));
    }
    let filter = arguments.filtering.filter();
    if filter.is_none() && connection.is_none() {
        return Ok(Exit::usage(
            "what shall be written is missing: --filter EXPR, or --connection N",
        ));
    }
    // The output is made when it is known that there is something to write.
    let folder = match arguments.output.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    inputs.confine(&[folder.to_owned()]);
    let mut comments = None;
    let mut chosen = Chosen {
        connection,
        found: None,
        pieces: Pieces::default(),
        filter: filter.filter(|_| arguments.frames).cloned(),
    };
    if let Some(filter) = filter
        && !arguments.frames
    {
        if inputs.is_read_once() {
            return Ok(Exit::usage(
                "whole connections are found by reading the input twice; that has to be a file \
                 (--frames reads it once)",
            ));
        }
        let (finished, found) = filter::choose(inputs, filter);
        if finished.exit() == Exit::Usage {
            finished.complain();
            return Ok(Exit::Usage);
        }
        let capture = finished.analyzer.capture();
        let of_section = capture.comments.iter().filter(|each| each.0.is_none());
        comments = Some(of_section.map(|each| each.1.clone()).collect());
        if capture.fragments > 0 {
            let mut pieces = Pieces::new(&found, connection);
            input::run(inputs, Output::AtTheEnd, &mut pieces);
            chosen.pieces = pieces;
        }
        chosen.found = Some(found);
    }
    let Some(out) = open(&arguments.output)? else {
        return Ok(Exit::Usage);
    };
    let (finished, slicer) = filter::run(
        inputs,
        Output::AtTheEnd,
        chosen.filter.as_ref(),
        |prepared| Slicer {
            chosen: &chosen,
            before: prepared.before,
            revisions: prepared.revisions,
            settled: Settled::default(),
            touched: Found::default(),
            writer: Writer::new(out, comments),
        },
    );
    end(arguments, &finished, slicer)
}

/// Says what was written.
fn end(
    arguments: &Arguments,
    finished: &Finished,
    slicer: Slicer<'_, Box<dyn Write>>,
) -> io::Result<Exit> {
    let connections = slicer.touched.tcp().count() as u64;
    let conversations = slicer.touched.udp().count() as u64;
    let frames = slicer.writer.finish()?;
    finished.complain();
    if let Some(connection) = arguments.connection
        && connection >= finished.analyzer.tcp_seen()
    {
        return Ok(Exit::usage(&selection::unknown(connection, finished)));
    }
    let mut summary = format!(
        "{}, {}",
        counted(frames, "frame"),
        counted(connections, "connection")
    );
    if conversations > 0 {
        summary += &format!(", {}", counted(conversations, "UDP conversation"));
    }
    if arguments.output.as_os_str() == "-" {
        eprintln!("tcplens: {summary}");
    } else {
        let name = arguments.output.to_string_lossy();
        writeln!(io::stdout(), "{}: {summary}", escaped(&name))?;
    }
    Ok(finished.exit())
}

/// Whether an output can be written without harm.
fn check(output: &Path, inputs: &Inputs) -> Result<(), String> {
    if output.as_os_str() == "-" {
        return match io::stdout().is_terminal() {
            true => Err(
                "a capture is not written to a terminal; -o FILE, or a pipe after -o -".to_owned(),
            ),
            false => Ok(()),
        };
    }
    let place = fs::canonicalize(output).ok();
    let is_input = |file: &PathBuf| place.is_some() && fs::canonicalize(file).ok() == place;
    match inputs.files.iter().any(is_input) {
        true => Err(
            "the output is one of the inputs; it would be overwritten before it is read".to_owned(),
        ),
        false => Ok(()),
    }
}

fn open(output: &Path) -> io::Result<Option<Box<dyn Write>>> {
    const BUFFER: usize = 1 << 18;
    if output.as_os_str() == "-" {
        return Ok(Some(Box::new(BufWriter::with_capacity(
            BUFFER,
            io::stdout(),
        ))));
    }
    match File::create(output) {
        Ok(file) => Ok(Some(Box::new(BufWriter::with_capacity(BUFFER, file)))),
        Err(error) => {
            let name = output.to_string_lossy();
            Exit::usage(&format!("{}: {error}", escaped(&name)));
            Ok(None)
        }
    }
}

/// What is to be written.
struct Chosen {
    connection: Option<u32>,
    found: Option<Found>,
    /// Fragments that belong to what was found.
    pieces: Pieces,
    /// What each frame must match.
    filter: Option<Filter>,
}

impl Chosen {
    fn has_tcp(&self, id: u32) -> bool {
        let found = self.found.as_ref();
        self.connection.is_none_or(|wanted| wanted == id)
            && found.is_none_or(|found| found.has_tcp(id))
    }

    fn has_udp(&self, id: u32) -> bool {
        let found = self.found.as_ref();
        self.connection.is_none() && found.is_none_or(|found| found.has_udp(id))
    }

    /// Whether a frame belongs to what was chosen as a whole.
    fn has(&self, view: &FrameView<'_>) -> bool {
        match view.flow {
            FlowView::Tcp { view, .. } => self.has_tcp(view.id),
            FlowView::IcmpAboutTcp(id, _) => self.has_tcp(id),
            FlowView::Udp { conversation, .. } => self.has_udp(conversation.id),
            FlowView::IcmpAboutUdp(id, _) => self.has_udp(id),
            FlowView::None if self.filter.is_some() => self.connection.is_none(),
            FlowView::None => self.pieces.has(view.frame.number),
        }
    }
}

struct Slicer<'c, W: Write> {
    chosen: &'c Chosen,
    before: Before,
    revisions: Option<Revisions>,
    settled: Settled,
    /// Of what something was written.
    touched: Found,
    writer: Writer<W>,
}

impl<W: Write> Slicer<'_, W> {
    fn matches(&mut self, view: &FrameView<'_>) -> bool {
        if !self.chosen.has(view) {
            return false;
        }
        let Some(filter) = &self.chosen.filter else {
            return true;
        };
        let settled = match &mut self.revisions {
            Some(revisions) => revisions.settle(view.frame.number, view.events, &mut self.settled),
            None => false,
        };
        let events = match settled {
            true => self.settled.events.as_slice(),
            false => view.events,
        };
        filter.matches_frame(&FrameView { events, ..*view }, &self.before)
    }
}

impl<W: Write> Observer for Slicer<'_, W> {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        if self.matches(view) {
            match view.flow {
                FlowView::Tcp { view, .. } => self.touched.add_tcp(view.id),
                FlowView::Udp { conversation, .. } => self.touched.add_udp(conversation.id),
                _ => {}
            }
            self.writer.frame(view.frame);
        }
        self.before.note(view);
        match self.writer.result {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn aside(&mut self, arrival: &Arrival<'_>) {
        self.before.aside(arrival);
        self.writer.aside(arrival);
    }
}
