//! PPP over Ethernet (RFC 2516).

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, ppp};

/// A PPPoE header (RFC 2516 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 0 for session data, otherwise the discovery packet's code.
    pub code: u8,
    /// Session identifier.
    pub session: u16,
    /// Length of the payload.
    pub length: u16,
}

impl Header {
    /// Octets of the header.
    pub const LEN: usize = 6;
    /// Version 1, type 1.
    const VERSION_AND_TYPE: u8 = 0x11;

    /// Parses the header.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (version, code, session, length)) =
            (be::u8, be::u8, be::u16, be::u16).parse(head)?;
        if version != Self::VERSION_AND_TYPE {
            return be::invalid("version and type", u32::from(version));
        }
        Ok((
            rest,
            Self {
                code,
                session,
                length,
            },
        ))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[Self::VERSION_AND_TYPE, self.code]);
        be::put_u16(out, self.session);
        be::put_u16(out, self.length);
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Pppoe, input, Header::parse) else {
        return;
    };
    if header.code != 0 {
        let protocol = u32::from(header.code);
        return d.stop(Layer::Pppoe, rest, Reason::Unknown { protocol });
    }
    ppp::decode(d, rest.confine(u32::from(header.length), Layer::Pppoe));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, fault, hex};
    use crate::wire::{Fault, LengthSource, LinkType, decode};

    /// Session 0x1234 with two bytes of payload to come.
    const SAMPLE: &str = "11 00 12 34 00 02";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        assert_eq!(
            header,
            Header {
                code: 0,
                session: 0x1234,
                length: 2
            }
        );
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn wrong_length() {
        // A length of 1 is too little for PPP's protocol, whatever follows.
        let frame = hex("11 00 12 34 00 01  00 21  45 00");
        let decoded = decode(LinkType::PPP_ETHER, &frame, 0);
        let reason = Reason::TooShort {
            needed: 2,
            had: 1,
            from: LengthSource::Field(Layer::Pppoe),
        };
        assert_eq!(decoded.stop.unwrap().reason, reason);
    }

    #[test]
    fn wrong_version() {
        let expected = Fault::Invalid {
            field: "version and type",
            value: 0x21,
        };
        assert_eq!(fault(Header::parse(&hex("21 00 12 34 00 02"))), expected);
    }
}
