//! Where a fragment belongs, and the IPv6 fragment header (RFC 8200 section 4.5).

use nom::Parser;

use super::be::{self, Parsed};

/// Where a fragment's payload belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// Byte offset in the original payload, a multiple of 8, up to 65,528.
    pub offset: u16,
    /// Whether more fragments follow.
    pub more: bool,
}

impl Fragment {
    /// Whether the packet is but a part of another. Atomic fragments (RFC 6946) are not.
    #[inline]
    pub const fn is_part(self) -> bool {
        self.offset != 0 || self.more
    }
}

/// An IPv6 fragment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Protocol of the original packet's fragmentable part.
    pub next_header: u8,
    /// Where this part belongs.
    pub fragment: Fragment,
    /// Identification.
    pub id: u32,
}

impl Header {
    /// Octets of the header.
    pub const LEN: usize = 8;

    /// Parses the header.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (next_header, _reserved, offset_and_more, id)) =
            (be::u8, be::u8, be::u16, be::u32).parse(head)?;
        let fragment = Fragment {
            offset: offset_and_more & !7,
            more: offset_and_more & 1 != 0,
        };
        Ok((
            rest,
            Self {
                next_header,
                fragment,
                id,
            },
        ))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.next_header, 0]);
        be::put_u16(
            out,
            self.fragment.offset & !7 | u16::from(self.fragment.more),
        );
        be::put_u32(out, self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, hex};

    /// UDP's part from octet 1448 on, more to come.
    const SAMPLE: &str = "11 00  05 a9  12 34 56 78";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let fragment = Fragment {
            offset: 1448,
            more: true,
        };
        assert_eq!(
            header,
            Header {
                next_header: 17,
                fragment,
                id: 0x1234_5678
            }
        );
        assert!(fragment.is_part());
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);
}
