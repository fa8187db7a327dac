//! The IP authentication header (RFC 4302).

use nom::Parser;
use nom::combinator::map_parser;

use super::be::{self, Parsed};

/// An authentication header (RFC 4302 section 2). What it authenticates is in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Protocol of what follows.
    pub next_header: u8,
    /// Security parameters index.
    pub spi: u32,
    /// Sequence number.
    pub sequence: u32,
    /// Integrity check value with its padding: a multiple of 4 octets.
    pub check: &'a [u8],
}

impl<'a> Header<'a> {
    /// Octets before the integrity check value.
    pub const LEN: usize = 12;

    /// Parses a header. Its length counts 4-octet units, less two.
    pub fn parse(input: &'a [u8]) -> Parsed<'a, Self> {
        let (_, head) = be::fixed::<{ Header::LEN }>(input)?;
        let [next_header, units, ..] = *head;
        let header_len = (usize::from(units) + 2) * 4;
        if header_len < Self::LEN {
            return be::invalid("payload length", u32::from(units));
        }
        map_parser(be::bytes(header_len), move |header: &'a [u8]| {
            let (check, (_, spi, sequence)) = (be::u32, be::u32, be::u32).parse(header)?;
            Ok((
                &[][..],
                Self {
                    next_header,
                    spi,
                    sequence,
                    check,
                },
            ))
        })
        .parse(input)
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let units = (Self::LEN + self.check.len()) / 4 - 2;
        out.extend_from_slice(&[self.next_header, units as u8, 0, 0]);
        be::put_u32(out, self.spi);
        be::put_u32(out, self.sequence);
        out.extend_from_slice(self.check);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{cut_tests, emitted, fault, hex};

    /// Before TCP, 12 octets of integrity check value, SPI 0x100, sequence 1.
    const SAMPLE: &str = "06 04 00 00  00 00 01 00  00 00 00 01
        aa bb cc dd ee ff 00 11 22 33 44 55";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            next_header: 6,
            spi: 0x100,
            sequence: 1,
            check: &bytes[12..],
        };
        assert_eq!(header, expected);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn wrong_length() {
        let mut bytes = hex(SAMPLE);
        bytes[1] = 0;
        let expected = Fault::Invalid {
            field: "payload length",
            value: 0,
        };
        assert_eq!(fault(Header::parse(&bytes)), expected);
    }
}
