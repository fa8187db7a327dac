//! Integers in either byte order, as each pcapng section and each pcap file chooses its own.

/// The byte order of a file or section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    #[inline]
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(super) fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        }
    }
}

/// Takes fields off the front of a block's body; `None` where the body is too short.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    order: ByteOrder,
}

impl<'a> Fields<'a> {
    #[inline]
    pub(super) fn new(body: &'a [u8], order: ByteOrder) -> Self {
        Self { rest: body, order }
    }

    /// What has not been taken.
    #[inline]
    pub(super) fn rest(self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Option<u16> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(self.order.u16(*bytes))
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(self.order.u32(*bytes))
    }

    /// The next `len` bytes, and passes over their padding to a multiple of four. Padding that is
    /// missing at the very end is forgiven.
    #[inline]
    pub(super) fn padded(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest.get(len.wrapping_neg() % 4..).unwrap_or(&[]);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_in_both_orders() {
        let body = [0x12, 0x34, 0x56, 0x78, 1, 0, 0, 0, 0, 0, 0, 0x80, 9, 9];
        let mut little = Fields::new(&body, ByteOrder::Little);
        assert_eq!(little.u16(), Some(0x3412));
        assert_eq!(little.u16(), Some(0x7856));
        assert_eq!(little.u32(), Some(1));
        assert_eq!(little.u32(), Some(0x8000_0000));
        assert_eq!((little.u32(), little.rest()), (None, &[9, 9][..]));
        let mut big = Fields::new(&body, ByteOrder::Big);
        assert_eq!(big.u32(), Some(0x1234_5678));
    }

    #[test]
    fn padding() {
        let mut fields = Fields::new(&[1, 2, 3, 0, 5, 6], ByteOrder::Little);
        assert_eq!(fields.padded(3), Some(&[1, 2, 3][..]));
        assert_eq!(fields.padded(3), None);
        assert_eq!(fields.padded(1), Some(&[5][..]));
        assert_eq!(fields.padded(0), Some(&[][..]));
    }
}
