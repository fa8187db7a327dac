//! Where frames come from. A source pushes [`Arrival`]s into a sink, in capture order, each
//! borrowed from the source's own buffer; nothing after it asks what kind of source it was.

use core::ops::ControlFlow;
use std::net::IpAddr;

use crate::frame::CapturedFrame;
use crate::time::Timestamp;
use crate::wire::LinkType;

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
    /// The name of the format this interface was described in: `pcap`, `pcapng`, …
    pub format: &'static str,
    /// Index of the input file, from 0.
    pub input: u32,
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
}

/// Why a source stopped before its end: a sentence with the file, the place and the reason.
#[derive(Debug)]
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
