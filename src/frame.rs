//! One captured frame, borrowed from the source's buffer.

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
}
