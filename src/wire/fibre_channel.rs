//! IP over Fibre Channel (RFC 2625): the network header, then LLC.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, MacAddresses, ethernet};

/// The network header: two port names, each an IEEE 802 address behind two octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Address in the destination's name.
    pub destination: [u8; 6],
    /// Address in the source's name.
    pub source: [u8; 6],
}

impl Header {
    /// Octets of the header.
    pub const LEN: usize = 16;
    /// Network address authority: an IEEE 802 address follows.
    const IEEE: u16 = 0x1000;

    /// Parses the header.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (_, destination, _, source)) =
            (be::u16, be::array, be::u16, be::array).parse(head)?;
        let header = Self {
            destination,
            source,
        };
        Ok((rest, header))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        for address in [self.destination, self.source] {
            be::put_u16(out, Self::IEEE);
            out.extend_from_slice(&address);
        }
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::FibreChannel, input, Header::parse) else {
        return;
    };
    d.out.mac = Some(MacAddresses {
        source: header.source,
        destination: header.destination,
    });
    ethernet::decode_llc(d, rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, hex};

    /// To 02:…:02 from 02:…:01.
    const SAMPLE: &str = "1000 02 00 00 00 00 02  1000 02 00 00 00 00 01";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        assert_eq!(header.source, [2, 0, 0, 0, 0, 1]);
        assert_eq!(header.destination, [2, 0, 0, 0, 0, 2]);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);
}
