//! The options at the end of a block.

use std::borrow::Cow;

use super::super::byte_order::{ByteOrder, Fields};

/// `opt_endofopt`.
const END: u16 = 0;
/// `opt_comment`, in every block.
pub(super) const COMMENT: u16 = 1;
/// `if_name`.
pub(super) const IF_NAME: u16 = 2;
/// `if_description`.
pub(super) const IF_DESCRIPTION: u16 = 3;
/// `if_tsresol`.
pub(super) const IF_TSRESOL: u16 = 9;
/// `if_tsoffset`.
pub(super) const IF_TSOFFSET: u16 = 14;
/// `epb_dropcount`: frames lost between this one and the one before it on its interface.
pub(super) const EPB_DROPCOUNT: u16 = 4;
/// `isb_ifdrop`: frames the interface lost since the capture began.
pub(super) const ISB_IFDROP: u16 = 5;
/// `isb_osdrop`: frames the operating system lost since the capture began.
pub(super) const ISB_OSDROP: u16 = 7;

/// One option.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockOption<'a> {
    pub(super) code: u16,
    value: &'a [u8],
    order: ByteOrder,
}

impl<'a> BlockOption<'a> {
    pub(super) fn u8(self) -> Option<u8> {
        self.value.first().copied()
    }

    pub(super) fn u64(self) -> Option<u64> {
        Some(self.order.u64(*self.value.first_chunk()?))
    }

    /// The value as text: up to a NUL, if there is one; what is not UTF-8 replaced.
    pub(super) fn text(self) -> Cow<'a, str> {
        text(self.value)
    }
}

/// Bytes as text: up to a NUL, if there is one; what is not UTF-8 replaced.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes.split(|&byte| byte == 0).next().unwrap_or(&[]))
}

/// Walks options until the end mark, the end of the block, or one that reaches beyond it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options<'a> {
    fields: Fields<'a>,
    order: ByteOrder,
}

impl<'a> Options<'a> {
    pub(super) fn new(bytes: &'a [u8], order: ByteOrder) -> Self {
        Self {
            fields: Fields::new(bytes, order),
            order,
        }
    }

    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.fields.rest().is_empty()
    }

    /// The first option with this code.
    pub(super) fn find(mut self, code: u16) -> Option<BlockOption<'a>> {
        Iterator::find(&mut self, |option| option.code == code)
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = BlockOption<'a>;

    fn next(&mut self) -> Option<BlockOption<'a>> {
        let code = self.fields.u16()?;
        let len = self.fields.u16()?;
        if code == END {
            return None;
        }
        let value = self.fields.padded(len.into())?;
        Some(BlockOption {
            code,
            value,
            order: self.order,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_until_the_end_mark() {
        let bytes = [
            1, 0, 2, 0, b'h', b'i', 0, 0, 9, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
        ];
        let options = Options::new(&bytes, ByteOrder::Little);
        assert_eq!(
            options.map(|option| option.code).collect::<Vec<_>>(),
            [1, 9]
        );
        assert_eq!(options.find(COMMENT).unwrap().text(), "hi");
        assert_eq!(options.find(IF_TSRESOL).unwrap().u8(), Some(6));
        assert!(options.find(IF_NAME).is_none());
    }

    #[test]
    fn an_option_beyond_the_block_ends_them() {
        let options = Options::new(&[0, 1, 0, 9, b'h'], ByteOrder::Big);
        assert_eq!(options.count(), 0);
    }

    #[test]
    fn texts() {
        assert_eq!(text(b"eth0\0\0"), "eth0");
        assert_eq!(text(b"\xff!"), "\u{fffd}!");
        assert_eq!(text(b""), "");
    }
}
