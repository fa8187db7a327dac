//! ARCNET (ANSI/ATA 878.1) with IP in it (RFC 1051, RFC 1201), as BSD and as Linux capture it.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, arp, ipv4, ipv6};

/// System codes of protocols that are decoded.
#[allow(missing_docs)]
pub mod system_code {
    pub const IPV4_RFC_1051: u8 = 0xf0;
    pub const ARP_RFC_1051: u8 = 0xf1;
    pub const IPV4: u8 = 0xd4;
    pub const ARP: u8 = 0xd5;
    pub const IPV6: u8 = 0xc4;
}

/// What matters of an ARCNET header: a system code, and how the packet is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Source node.
    pub source: u8,
    /// Destination node; 0 is all.
    pub destination: u8,
    /// System code: the protocol.
    pub code: u8,
    /// Split flag and sequence number of RFC 1201; `None` where the code has no such fields.
    pub split: Option<(u8, u16)>,
}

impl Header {
    /// The split flag of a packet padded to a length that can be sent: the header comes again.
    const EXCEPTION: u8 = 0xff;

    /// Parses the header as BSD captures it.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        Self::parse_with(input, 0)
    }

    /// Parses the header as Linux captures it: with the data's offset on the wire.
    pub fn parse_linux(input: &[u8]) -> Parsed<'_, Self> {
        Self::parse_with(input, 2)
    }

    fn parse_with(input: &[u8], offset_len: usize) -> Parsed<'_, Self> {
        let fixed = 3 + offset_len;
        let (rest, head) = be::bytes(fixed)(input)?;
        let (tail, (source, destination)) = (be::u8, be::u8).parse(head)?;
        let mut header = Self {
            source,
            destination,
            code: tail.last().copied().unwrap_or(0),
            split: None,
        };
        if matches!(
            header.code,
            system_code::IPV4_RFC_1051 | system_code::ARP_RFC_1051
        ) {
            return Ok((rest, header));
        }
        let (mut rest, mut split) = split(rest).or_else(|_| be::short(fixed + 3))?;
        if split.0 == Self::EXCEPTION {
            let (tail, again) = be::bytes(4)(rest).or_else(|_| be::short(fixed + 7))?;
            let (after_code, code) = be::u8(again)?;
            header.code = code;
            split = self::split(after_code)?.1;
            rest = tail;
        }
        header.split = Some(split);
        Ok((rest, header))
    }
}

fn split(input: &[u8]) -> Parsed<'_, (u8, u16)> {
    let (rest, head) = be::fixed::<3>(input)?;
    let (_, split) = (be::u8, be::u16).parse(head)?;
    Ok((rest, split))
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    decode_with(d, input, Header::parse);
}

pub(super) fn decode_linux<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    decode_with(d, input, Header::parse_linux);
}

fn decode_with<'a>(
    d: &mut Decoder<'a, '_>,
    input: Input<'a>,
    parser: fn(&'a [u8]) -> Parsed<'a, Header>,
) {
    let Some((header, rest)) = d.read(Layer::Arcnet, input, parser) else {
        return;
    };
    // Parts of a packet that was split are not put together.
    let whole = header.split.is_none_or(|(flag, _)| flag == 0);
    match header.code {
        system_code::IPV4 | system_code::IPV4_RFC_1051 if whole => ipv4::decode(d, rest),
        system_code::ARP | system_code::ARP_RFC_1051 if whole => arp::decode(d, rest),
        system_code::IPV6 if whole => ipv6::decode(d, rest),
        code => {
            let protocol = u32::from(code);
            d.stop(Layer::Arcnet, rest, Reason::Unknown { protocol });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{check_cuts, cut_tests, hex};

    /// From node 1 to node 2, IPv4, not split, sequence number 7.
    const SAMPLE: &str = "01 02 d4 00 0007";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            source: 1,
            destination: 2,
            code: system_code::IPV4,
            split: Some((0, 7)),
        };
        assert_eq!(header, expected);
        let bytes = hex("01 02 ab08 d4 ff ffff d4 00 0007");
        check_cuts(&bytes, Header::parse_linux);
        assert_eq!(Header::parse_linux(&bytes).unwrap().1, expected);
        let old = hex("01 02 f0");
        assert_eq!(Header::parse(&old).unwrap().1.split, None);
    }

    cut_tests!(SAMPLE, Header::parse);
}
