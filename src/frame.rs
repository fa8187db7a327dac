//! One captured frame, borrowed from the source's buffer, and how to get it again: by its
//! [`Place`], from whoever can [read it again](ReadAgain).

use core::fmt;

use crate::time::Timestamp;
use crate::wire::LinkType;

/// A frame as a source hands it on: what was captured, when, and how long it was on the wire.
#[derive(Clone, Copy, Debug)]
pub struct CapturedFrame<'a> {
    /// Position in the input, from 1, as tcpdump and Wireshark count. With several inputs merged
    /// by time it counts in merged order.
    pub number: u64,
    /// Capture time.
    pub time: Timestamp,
    /// Index of the interface it was captured on, counted over all inputs and sections.
    pub interface: u32,
    /// How `data` starts.
    pub link: LinkType,
    /// Length on the wire in bytes. At least `data.len()` unless the file lies; more when the
    /// capture cut the frame (snaplen).
    pub wire_len: u32,
    /// The captured bytes.
    pub data: &'a [u8],
    /// The bytes of a frame that comes some frames later, where the source has it already: for
    /// fetching its flow before it is needed. Empty where there is none.
    pub upcoming: &'a [u8],
    /// Where it can be read again.
    pub place: Place,
}

/// Where the record of a frame lies.
///
/// It is what a source says of itself; whoever [reads a frame again](ReadAgain) trusts nothing of
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Index of the input, from 0; [`SPOOL`](Self::SPOOL) for what is kept aside because its input
    /// can be read only once.
    pub input: u32,
    /// Byte offset of the record in it.
    pub offset: u64,
}

impl Place {
    /// The input of frames that are kept aside.
    pub const SPOOL: u32 = u32::MAX - 1;

    /// The frame can't be read again.
    pub const NOWHERE: Self = Self {
        input: u32::MAX,
        offset: 0,
    };

    /// Whether the frame can be read again.
    #[inline]
    pub const fn is_somewhere(self) -> bool {
        self.input != Self::NOWHERE.input
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::NOWHERE
    }
}

/// Gives frames again.
pub trait ReadAgain {
    /// The frame whose record lies at `place`; it is given `number`.
    ///
    /// # Errors
    /// When it was not kept, or what lies there now is no record.
    fn frame(&mut self, number: u64, place: Place) -> Result<CapturedFrame<'_>, Unread>;

    /// The place of the frame that comes after the one at `place` in the same input; `None` at
    /// the end of what can be read.
    ///
    /// # Errors
    /// When what lies at `place`, or after it, is no record.
    fn after(&mut self, place: Place) -> Result<Option<Place>, Unread>;
}

/// Why a frame can't be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where it should have been.
    pub place: Place,
    /// What was wrong, as a sentence without its end.
    pub reason: String,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Unread {}
