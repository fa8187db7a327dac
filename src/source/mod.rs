//! Where frames come from. A source pushes [`Arrival`]s into a sink, in capture order, each
//! borrowed from the source's own buffer; nothing after it asks what kind of source it was.
//!
//! Capture files come in by [`open`]:
//!
//! ```text
//! file, pipe ─▶ (compression: its own thread) ─▶ feed ─▶ pcap-parser's buffer ─▶ pcap, pcapng ─▶ sink
//! ```
//!
//! A frame is never copied on its way: `pcap` and `pcapng` walk the records lying whole in
//! pcap-parser's buffer and hand on slices of it. Several inputs are merged without a copy too: each
//! is walked up to the moment at which another one has an earlier frame (`merge`).
//!
//! Frames can be read again in any order, by the places that they had ([`Trail`], [`Reread`]); what
//! can be read only once is kept aside for that in a temporary file ([`Spooling`]).
//!
//! Interfaces of this host come in by [`live::open`].
//!
//! Formats are told by content, never by name: pcap (draft-ietf-opsawg-pcap) with microseconds
//! and nanoseconds, in both byte orders, and with Kuznetzov's longer record headers; pcapng
//! (draft-ietf-opsawg-pcapng); both plain or compressed with gzip, zstd or lz4.

mod byte_order;
mod capture;
mod compression;
mod feed;
mod file;
mod filtered;
mod follow;
pub mod live;
mod merge;
mod pcap;
mod pcapng;
mod progress;
mod read_ahead;
mod reread;
mod resolution;
mod sentence;
mod spool;
#[cfg(test)]
mod testing;

use core::ops::ControlFlow;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::frame::CapturedFrame;
use crate::time::Timestamp;
use crate::wire::LinkType;

pub use file::FileSource;
pub use filtered::FilteredSource;
pub use merge::MergeSource;
pub use progress::Progress;
pub use reread::{Reread, Trail};
pub use spool::Spooling;

/// How inputs are opened and read. The default reads to the end and stops for nothing.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// At the end of a file, wait for it to grow. While nothing comes, [`Arrival::Quiet`] tells
    /// how long, also of a pipe. A record cut at the end is not damage then. Compressed files are
    /// read once, to their end.
    pub follow: bool,
    /// Once true, reading stops at the next refill of a buffer (within 100 ms when waiting), and
    /// [`Source::run`] returns `Ok` with what it handed on so far.
    pub stop: Arc<AtomicBool>,
    /// Told how far reading has come, for another thread to look at.
    pub progress: Progress,
    /// Where what is needed to read frames again is left, if they are to be.
    pub trail: Option<Trail>,
}

/// Opens capture files for reading: one input as it is, several merged by time. `-` is standard
/// input.
///
/// # Errors
/// When an input can't be opened or is no capture file ([`SourceError::unopened`]). Damage
/// further on is the business of [`Source::run`].
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use tcplens::source::{Arrival, OpenOptions, open};
///
/// # let file = std::env::temp_dir().join("tcplens-doc-open.pcap");
/// # let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// # bytes.extend([0xff, 0xff, 0, 0, 1, 0, 0, 0]);
/// # std::fs::write(&file, bytes).unwrap();
/// let mut frames = 0;
/// open(&[&file], &OpenOptions::default())?.run(&mut |arrival| {
///     if let Arrival::Frame(frame) = arrival {
///         frames += 1;
///         println!("{} {} bytes", frame.number, frame.data.len());
///     }
///     ControlFlow::Continue(())
/// })?;
/// # assert_eq!(frames, 0);
/// # Ok::<(), tcplens::source::SourceError>(())
/// ```
pub fn open<S: AsRef<OsStr>>(
    inputs: &[S],
    options: &OpenOptions,
) -> Result<Box<dyn Source + Send>, SourceError> {
    let source: Box<dyn Source + Send> = match inputs {
        [one] => Box::new(FileSource::open_with(one.as_ref(), options)?),
        several => Box::new(MergeSource::open(several, options)?),
    };
    Ok(match &options.trail {
        Some(trail) if !trail.covers(inputs.len()) => Box::new(Spooling::new(source, trail)),
        _ => source,
    })
}

/// The size of an input that can be read several times over at little cost: a regular file that is
/// not compressed. `None` for anything else, and for what can't be opened.
pub fn plain_size(input: impl AsRef<OsStr>) -> Option<u64> {
    let input = input.as_ref();
    if input == "-" {
        return None;
    }
    // What is read from a pipe is gone for whoever reads it next.
    let metadata = fs::metadata(input).ok()?;
    if !metadata.is_file() {
        return None;
    }
    let mut head = [0; compression::MAGIC_LEN];
    File::open(input).ok()?.read_exact(&mut head).ok()?;
    compression::Compression::detect(&head)
        .is_none()
        .then_some(metadata.len())
}

/// What a source hands on.
#[derive(Clone, Copy, Debug)]
pub enum Arrival<'a> {
    /// A captured frame.
    Frame(CapturedFrame<'a>),
    /// No frame came, and capture time is now this.
    Quiet(Timestamp),
    /// The capture itself says that it lost frames (interface statistics, kernel ring).
    Missed {
        /// Index of the interface, as in [`CapturedFrame::interface`].
        interface: u32,
        /// How many frames, in addition to what was reported before.
        frames: u64,
    },
    /// An interface is described, before its first frame.
    Interface(Interface<'a>),
    /// A name for an address (pcapng name resolution block).
    Name {
        /// The address.
        address: IpAddr,
        /// Its name, as the file has it: not to be printed unescaped.
        name: &'a str,
    },
    /// A comment in the file: on the section (`frame` is `None`) or on a frame already handed on.
    Comment {
        /// Number of the frame it belongs to.
        frame: Option<u64>,
        /// The text, as the file has it: not to be printed unescaped.
        text: &'a str,
    },
    /// The sections and files up to here held blocks that were passed over, not understood.
    SkippedBlock {
        /// The block type code.
        kind: u32,
    },
}

/// An interface as a capture file or the kernel describes it.
#[derive(Clone, Copy, Debug)]
pub struct Interface<'a> {
    /// Index, counted over all inputs and sections.
    pub index: u32,
    /// Its name, where the capture has one.
    pub name: Option<&'a str>,
    /// How its frames start.
    pub link: LinkType,
    /// Snapshot length in bytes; 0 means no limit.
    pub snaplen: u32,
    /// Ticks of the recorded clock in a second (1,000,000 for classic pcap).
    pub ticks_per_second: u64,
    /// The name of the format this interface was described in: `pcap`, `pcap-ns`, `pcap-mod`
    /// (Kuznetzov's record headers), `pcapng`, …
    pub format: &'static str,
    /// Index of the input file, from 0.
    pub input: u32,
}

impl Interface<'_> {
    /// The one interface, an Ethernet, of frames that are made and not captured.
    pub const fn made(format: &'static str) -> Self {
        Self {
            index: 0,
            name: None,
            link: LinkType::ETHERNET,
            snaplen: 0,
            ticks_per_second: 1_000_000_000,
            format,
            input: 0,
        }
    }
}

/// A stream of frames: a file, several files merged, an interface, the generator.
///
/// It pushes rather than being pulled because a frame borrows the source's buffer.
pub trait Source {
    /// Hands every arrival to `sink` in order, until the input ends or `sink` breaks.
    ///
    /// # Errors
    /// When the input can't be read on. What was handed on before stays good.
    fn run(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError>;

    /// What else went wrong, beyond the error that [`Source::run`] returned: with several inputs,
    /// those found damaged after the first.
    fn further_errors(&self) -> &[SourceError] {
        &[]
    }
}

/// Why a source stopped before its end: a sentence with the file, the place and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// The input's name as the user gave it; `-` for standard input.
    pub input: String,
    /// Byte offset in the (decompressed) input at which reading stopped.
    pub offset: u64,
    /// The number of the last good frame before it; 0 for none.
    pub after_frame: u64,
    /// What was wrong.
    pub reason: String,
    /// Whether it could not be opened at all (exit code 2), as opposed to damage (exit code 1).
    pub unopened: bool,
}

impl core::fmt::Display for SourceError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.unopened {
            return write!(f, "{}: {}", self.input, self.reason);
        }
        write!(
            f,
            "{}: damaged at byte {}, after frame {}: {}",
            self.input, self.offset, self.after_frame, self.reason
        )
    }
}

impl std::error::Error for SourceError {}
