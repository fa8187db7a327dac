//! Geneve (RFC 8926).

use nom::Parser;
use nom::combinator::map_parser;

use super::Layer;
use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};

/// The port that IANA assigned.
pub const PORT: u16 = 6081;

/// A Geneve header (RFC 8926 section 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Virtual network identifier, 24 bits.
    pub vni: u32,
    /// EtherType of the payload.
    pub protocol: u16,
    /// The O flag: a control message.
    pub control: bool,
    /// The C flag: options that must be understood are there.
    pub critical: bool,
    /// Option bytes: a multiple of 4, at most 252.
    pub options: &'a [u8],
}

impl<'a> Header<'a> {
    /// Octets before the options.
    pub const LEN: usize = 8;
    const CONTROL: u8 = 0x80;
    const CRITICAL: u8 = 0x40;

    /// Parses a header of version 0.
    pub fn parse(input: &'a [u8]) -> Parsed<'a, Self> {
        let (_, &[first, flags, ..]) = be::fixed::<{ Header::LEN }>(input)?;
        if first >> 6 != 0 {
            return be::invalid("version", u32::from(first >> 6));
        }
        let header_len = Self::LEN + usize::from(first & 0x3f) * 4;
        map_parser(be::bytes(header_len), move |header: &'a [u8]| {
            let (options, (_, protocol, vni, _reserved)) =
                (be::u16, be::u16, be::u24, be::u8).parse(header)?;
            let control = flags & Self::CONTROL != 0;
            let critical = flags & Self::CRITICAL != 0;
            Ok((
                &[][..],
                Self {
                    vni,
                    protocol,
                    control,
                    critical,
                    options,
                },
            ))
        })
        .parse(input)
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let flags =
            (u8::from(self.control) * Self::CONTROL) | (u8::from(self.critical) * Self::CRITICAL);
        out.extend_from_slice(&[(self.options.len() / 4) as u8 & 0x3f, flags]);
        be::put_u16(out, self.protocol);
        be::put_u24(out, self.vni);
        be::put_u8(out, 0);
        out.extend_from_slice(self.options);
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Geneve, input, Header::parse) else {
        return;
    };
    d.enter_tunnel(Layer::Geneve, header.vni, true);
    d.ether_type(Layer::Geneve, header.protocol, rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{cut_tests, emitted, fault, hex};

    /// One option of 8 octets, critical; Ethernet; network 0x00abcd.
    const SAMPLE: &str = "02 40  65 58  00 ab cd 00  01 02 80 01 11 22 33 44";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            vni: 0xabcd,
            protocol: 0x6558,
            control: false,
            critical: true,
            options: &bytes[8..],
        };
        assert_eq!(header, expected);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn wrong_length() {
        // 63 words of options that are not there.
        let fault = fault(Header::parse(&hex("3f 00 65 58 00 00 01 00")));
        assert_eq!(fault, Fault::Short { needed: 260 });
    }
}
