//! Token ring (IEEE 802.5): access and frame control, addresses, routing information, LLC.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, MacAddresses, Reason, ethernet};

/// A token ring header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Access control.
    pub access: u8,
    /// Frame control: what kind of frame.
    pub control: u8,
    /// Destination MAC address.
    pub destination: [u8; 6],
    /// Source MAC address, without the bit that tells of routing information.
    pub source: [u8; 6],
    /// Octets of routing information.
    pub routing_len: u8,
}

impl Header {
    /// Octets of a header without routing information.
    pub const LEN: usize = 14;
    /// In the first octet of the source: routing information follows.
    const ROUTED: u8 = 0x80;

    /// Parses the header.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (access, control, destination, mut source)) =
            (be::u8, be::u8, be::array, be::array::<6>).parse(head)?;
        let mut header = Self {
            access,
            control,
            destination,
            source,
            routing_len: 0,
        };
        if source[0] & Self::ROUTED == 0 {
            return Ok((rest, header));
        }
        source[0] &= !Self::ROUTED;
        header.source = source;
        let (_, first) = be::u8(rest).or_else(|_| be::short(Self::LEN + 2))?;
        header.routing_len = first & 0x1f;
        if header.routing_len < 2 {
            return be::invalid("routing length", u32::from(header.routing_len));
        }
        let routing_len = usize::from(header.routing_len);
        let (rest, _) =
            be::bytes(routing_len)(rest).or_else(|_| be::short(Self::LEN + routing_len))?;
        Ok((rest, header))
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::TokenRing, input, Header::parse) else {
        return;
    };
    d.out.mac = Some(MacAddresses {
        source: header.source,
        destination: header.destination,
    });
    if header.control & 0xc0 == 0x40 {
        ethernet::decode_llc(d, rest);
    } else {
        let protocol = u32::from(header.control);
        d.stop(Layer::TokenRing, rest, Reason::Unknown { protocol });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, hex};

    /// LLC, to 02:…:02 from 02:…:01 with four octets of routing information.
    const SAMPLE: &str = "10 40  02 00 00 00 00 02  82 00 00 00 00 01  04 00 00 10";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            access: 0x10,
            control: 0x40,
            destination: [2, 0, 0, 0, 0, 2],
            source: [2, 0, 0, 0, 0, 1],
            routing_len: 4,
        };
        assert_eq!(header, expected);
    }

    cut_tests!(SAMPLE, Header::parse);
}
