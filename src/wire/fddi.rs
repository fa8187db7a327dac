//! FDDI (ISO 9314-2), as captures have it: frame control, addresses, LLC.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, MacAddresses, Reason, ethernet};

/// An FDDI header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Frame control: what kind of frame.
    pub control: u8,
    /// Destination MAC address.
    pub destination: [u8; 6],
    /// Source MAC address.
    pub source: [u8; 6],
}

impl Header {
    /// Octets of the header.
    pub const LEN: usize = 13;

    /// Parses the header.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (control, destination, source)) = (be::u8, be::array, be::array).parse(head)?;
        let header = Self {
            control,
            destination,
            source,
        };
        Ok((rest, header))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.push(self.control);
        out.extend_from_slice(&self.destination);
        out.extend_from_slice(&self.source);
    }

    /// Whether an LLC header follows: asynchronous and synchronous LLC frames.
    const fn is_llc(&self) -> bool {
        self.control & 0x70 == 0x50
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Fddi, input, Header::parse) else {
        return;
    };
    d.out.mac = Some(MacAddresses {
        source: header.source,
        destination: header.destination,
    });
    if header.is_llc() {
        ethernet::decode_llc(d, rest);
    } else {
        let protocol = u32::from(header.control);
        d.stop(Layer::Fddi, rest, Reason::Unknown { protocol });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, hex};

    /// Asynchronous LLC, to 02:…:02 from 02:…:01.
    const SAMPLE: &str = "50  02 00 00 00 00 02  02 00 00 00 00 01";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            control: 0x50,
            destination: [2, 0, 0, 0, 0, 2],
            source: [2, 0, 0, 0, 0, 1],
        };
        assert_eq!(header, expected);
        assert!(header.is_llc());
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);
}
