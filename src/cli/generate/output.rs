//! A source written to a capture file: pcap or pcapng by its name, or standard output.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::Exit;
use crate::cli::interrupt::Interrupt;
use crate::generator::{PcapWriter, PcapngWriter};
use crate::report::escape::escaped;
use crate::source::{Arrival, Source};
use crate::wire::LinkType;

/// Where a capture goes.
pub(in crate::cli) enum Destination {
    /// A file, in the format that its name says.
    File(PathBuf, Format),
    /// Standard output, as pcapng.
    Stdout,
}

/// The format of a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Format {
    Pcap,
    Pcapng,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cli) struct Written {
    pub(in crate::cli) frames: u64,
    /// Octets of frames.
    pub(in crate::cli) octets: u64,
    /// Ctrl-C came before the end.
    pub(in crate::cli) interrupted: bool,
}

impl Destination {
    /// Where `-o` says; without it, standard output if it leads to a file or a pipe. Else a
    /// sentence that says why not.
    pub(in crate::cli) fn choose(output: Option<&Path>) -> Result<Self, String> {
        let terminal = io::stdout().is_terminal();
        match output {
            Some(path) if path == Path::new("-") && terminal => {
                Err("a capture is not written to a terminal: -o FILE, or pipe it on".to_owned())
            }
            None if terminal => Err(
                "where to write the capture? -o FILE.pcapng, or pipe it into something".to_owned(),
            ),
            None => Ok(Self::Stdout),
            Some(path) if path == Path::new("-") => Ok(Self::Stdout),
            Some(path) => match path.extension().and_then(|extension| extension.to_str()) {
                Some("pcap") => Ok(Self::File(path.to_owned(), Format::Pcap)),
                Some("pcapng") => Ok(Self::File(path.to_owned(), Format::Pcapng)),
                _ => Err(format!(
                    "the name of the capture must end in .pcap or .pcapng: {}",
                    path.display()
                )),
            },
        }
    }

    /// How it is named to people.
    pub(in crate::cli) fn name(&self) -> String {
        match self {
            Self::File(path, _) => path.display().to_string(),
            Self::Stdout => "standard output".to_owned(),
        }
    }
}

enum Writer {
    Pcap(PcapWriter<Box<dyn Write>>),
    Pcapng(PcapngWriter<Box<dyn Write>>),
}

/// Writes all that a source has. Ctrl-C ends it after a whole frame, with a valid file.
///
/// # Errors
/// When the destination can't be written.
pub(in crate::cli) fn write(
    source: &mut dyn Source,
    destination: &Destination,
) -> io::Result<Written> {
    let stop = Interrupt::listen(false).stop();
    write_until(source, destination, &stop)
}

/// The same, until `stop` becomes true.
///
/// # Errors
/// When the destination can't be written.
pub(in crate::cli) fn write_until(
    source: &mut dyn Source,
    destination: &Destination,
    stop: &Arc<AtomicBool>,
) -> io::Result<Written> {
    let (out, format): (Box<dyn Write>, _) = match destination {
        Destination::File(path, format) => {
            let file = File::create(path).map_err(|error| {
                let name = path.display().to_string();
                io::Error::new(error.kind(), format!("{}: {error}", escaped(&name)))
            })?;
            (Box::new(BufWriter::new(file)), *format)
        }
        Destination::Stdout => (
            Box::new(BufWriter::with_capacity(1 << 16, io::stdout().lock())),
            Format::Pcapng,
        ),
    };
    let mut writer = match format {
        Format::Pcap => Writer::Pcap(PcapWriter::new(out, LinkType::ETHERNET)?),
        Format::Pcapng => Writer::Pcapng(PcapngWriter::new(out)?),
    };
    let (mut written, mut result) = (Written::default(), Ok(()));
    let end = source.run(&mut |arrival| {
        if stop.load(Ordering::Relaxed) {
            written.interrupted = true;
            return ControlFlow::Break(());
        }
        result = match (&arrival, &mut writer) {
            (Arrival::Interface(interface), Writer::Pcapng(file)) => {
                file.interface(interface.link, interface.name).map(|_| ())
            }
            (Arrival::Frame(frame), Writer::Pcapng(file)) => file.frame(frame, None),
            (Arrival::Frame(frame), Writer::Pcap(file)) => file.frame(frame),
            _ => Ok(()),
        };
        if let (Arrival::Frame(frame), Ok(())) = (&arrival, &result) {
            written.frames += 1;
            written.octets += frame.data.len() as u64;
        }
        if result.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    result?;
    end.map_err(io::Error::other)?;
    let mut out = match writer {
        Writer::Pcap(file) => file.into_inner(),
        Writer::Pcapng(file) => file.into_inner(),
    };
    out.flush()?;
    Ok(written)
}

/// Says on standard error what was written, where somebody looks; gives how the command ended.
pub(in crate::cli) fn told(written: Written, destination: &Destination) -> Exit {
    if io::stderr().is_terminal() || written.interrupted {
        let frames = written.frames;
        eprintln!("tcplens: {frames} frames written to {}", destination.name());
    }
    if written.interrupted {
        Exit::Interrupted
    } else {
        Exit::Done
    }
}
