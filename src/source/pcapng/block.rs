//! How blocks follow one another: type, length, body, length again.

use pcap_parser::nom;
use pcap_parser::{BOM_MAGIC, SHB_MAGIC, parse_unknownblock_be, parse_unknownblock_le};

use super::super::byte_order::ByteOrder;
use super::super::capture::{MAX_RECORD, Pause};
use super::super::sentence::{Bytes, Grouped};

/// Bytes of a block around its body.
const AROUND: u32 = 12;
/// The largest section header that is read. pcap-parser collects the options of a file's first
/// one, twelve times their own size at worst.
const MAX_SECTION_HEADER: u32 = 1024 * 1024;

/// A block that lies whole in the buffer.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Block<'a> {
    pub(in super::super) kind: u32,
    pub(in super::super) order: ByteOrder,
    pub(in super::super) body: &'a [u8],
    /// Length of the whole block.
    pub(in super::super) len: usize,
}

impl<'a> Block<'a> {
    /// The block that `data` starts with, in a section of this byte order.
    #[inline(always)]
    pub(in super::super) fn first_of(
        data: &'a [u8],
        section_order: ByteOrder,
    ) -> Result<Self, Pause> {
        let Some(&[k0, k1, k2, k3, l0, l1, l2, l3]) = data.first_chunk() else {
            return Err(Pause::Need {
                bytes: 8,
                what: "block header",
            });
        };
        let kind = section_order.u32([k0, k1, k2, k3]);
        let order = if kind == SHB_MAGIC {
            byte_order(data)?
        } else {
            section_order
        };
        let len = order.u32([l0, l1, l2, l3]);
        let limit = if kind == SHB_MAGIC {
            MAX_SECTION_HEADER
        } else {
            MAX_RECORD
        };
        if !(AROUND..=limit).contains(&len) {
            return Err(impossible(kind, len, limit));
        }
        let parse = match order {
            ByteOrder::Little => parse_unknownblock_le,
            ByteOrder::Big => parse_unknownblock_be,
        };
        match parse(data) {
            Ok((_, block)) if block.block_len2 == len => Ok(Self {
                kind,
                order,
                body: block.data,
                len: len as usize,
            }),
            Ok((_, block)) => Err(unequal(kind, len, block.block_len2)),
            Err(nom::Err::Incomplete(_)) => Err(Pause::Need {
                bytes: len as usize,
                what: "block",
            }),
            Err(_) => Err(impossible(kind, len, limit)),
        }
    }
}

/// The byte order that a section header announces.
#[cold]
fn byte_order(data: &[u8]) -> Result<ByteOrder, Pause> {
    let Some(magic) = data.get(8..).and_then(|rest| rest.first_chunk()) else {
        return Err(Pause::Need {
            bytes: 12,
            what: "section header",
        });
    };
    match u32::from_le_bytes(*magic) {
        BOM_MAGIC => Ok(ByteOrder::Little),
        swapped if swapped == BOM_MAGIC.swap_bytes() => Ok(ByteOrder::Big),
        other => Err(Pause::Damaged(format!(
            "section header has the byte-order magic {other:#010x}, which is neither order's"
        ))),
    }
}

#[cold]
fn impossible(kind: u32, len: u32, limit: u32) -> Pause {
    let bound = if len < AROUND {
        format!("a block has at least {AROUND}")
    } else {
        format!("at most {} are read", Grouped(limit.into()))
    };
    Pause::Damaged(format!(
        "block of type {kind:#x} claims {}; {bound}",
        Bytes(len.into())
    ))
}

#[cold]
fn unequal(kind: u32, first: u32, last: u32) -> Pause {
    Pause::Damaged(format!(
        "block of type {kind:#x} has {} by the length at its start, {} by that at its end",
        Bytes(first.into()),
        Grouped(last.into())
    ))
}
