//! TCP options (RFC 9293 section 3.2 and the registries of RFC 7323, 2018, 7413, 8684, 9768, …).

use super::SeqNum;

/// A half-open range of sequence numbers, as a SACK block gives it (RFC 2018).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SackBlock {
    /// First sequence number of the block.
    pub left: SeqNum,
    /// The sequence number after its last.
    pub right: SeqNum,
}

/// Timestamps option (RFC 7323).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub value: u32,
    /// TSecr: the peer's clock as last heard; meaningful only with ACK.
    pub echo: u32,
}

/// Which options stood in a header, by kind, for those without a field of their own below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionSet(pub u16);

#[allow(missing_docs)]
impl OptionSet {
    pub const FAST_OPEN: u16 = 1;
    pub const MPTCP: u16 = 1 << 1;
    pub const ACC_ECN: u16 = 1 << 2;
    pub const MD5: u16 = 1 << 3;
    pub const AUTHENTICATION: u16 = 1 << 4;
    pub const USER_TIMEOUT: u16 = 1 << 5;
    pub const UNKNOWN: u16 = 1 << 6;
    /// Something in the options was malformed; what parsed before it is kept.
    pub const MALFORMED: u16 = 1 << 7;

    #[inline]
    pub const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}

/// The options of one segment: those that tracking needs as values, the rest through
/// the raw bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions<'a> {
    /// Maximum segment size in bytes (kind 2).
    pub mss: Option<u16>,
    /// Window scale shift as it stood (kind 3); values over 14 count as 14 (RFC 7323 section 2.3).
    pub window_scale: Option<u8>,
    /// SACK permitted (kind 4).
    pub sack_permitted: bool,
    /// Timestamps (kind 8).
    pub timestamps: Option<Timestamps>,
    /// SACK blocks in the order they stood (kind 5); `sack_count` of them.
    pub sack: [SackBlock; 4],
    /// How many of `sack` are used.
    pub sack_count: u8,
    /// What else was there.
    pub others: OptionSet,
    /// The option bytes as they stood.
    pub raw: &'a [u8],
}

impl TcpOptions<'_> {
    /// The SACK blocks in the order they stood.
    #[inline]
    pub fn sack_blocks(&self) -> &[SackBlock] {
        self.sack.get(..usize::from(self.sack_count)).unwrap_or(&[])
    }
}
