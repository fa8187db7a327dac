//! L2TP version 2 (RFC 2661): PPP sessions in UDP.

use nom::Parser;
use nom::combinator::{cond, map_parser};

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, ppp};

/// The port that IANA assigned.
pub const PORT: u16 = 1701;

/// An L2TP header (RFC 2661 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this is a control message.
    pub control: bool,
    /// Length of the whole message, where it is given.
    pub length: Option<u16>,
    /// Tunnel identifier, chosen by the receiver.
    pub tunnel: u16,
    /// Session identifier, chosen by the receiver.
    pub session: u16,
    /// Sequence number and the next one expected, where they are given.
    pub sequence: Option<(u16, u16)>,
    /// Octets of padding before the payload, where they are given.
    pub offset: Option<u16>,
}

const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
const VERSION: u16 = 2;

impl Header {
    /// Parses a header with its offset padding.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (_, flags) = be::u16(input).or_else(|_| be::short(6))?;
        let has = |bit: u16| flags & bit != 0;
        if flags & 0xf != VERSION {
            return be::invalid("version", u32::from(flags & 0xf));
        }
        let optional = 2 * usize::from(has(LENGTH))
            + 4 * usize::from(has(SEQUENCE))
            + 2 * usize::from(has(OFFSET));
        let header_len = 6 + optional;
        let fields = (
            be::u16,
            cond(has(LENGTH), be::u16),
            be::u16,
            be::u16,
            cond(has(SEQUENCE), (be::u16, be::u16)),
            cond(has(OFFSET), be::u16),
        );
        let (rest, (_, length, tunnel, session, sequence, offset)) =
            map_parser(be::bytes(header_len), fields).parse(input)?;
        let padding = usize::from(offset.unwrap_or(0));
        let (rest, _) = be::bytes(padding)(rest).or_else(|_| be::short(header_len + padding))?;
        let control = has(CONTROL);
        let header = Self {
            control,
            length,
            tunnel,
            session,
            sequence,
            offset,
        };
        Ok((rest, header))
    }

    /// Appends the header with its padding.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let bit = |there: bool, bit: u16| if there { bit } else { 0 };
        let flags = bit(self.control, CONTROL)
            | bit(self.length.is_some(), LENGTH)
            | bit(self.sequence.is_some(), SEQUENCE)
            | bit(self.offset.is_some(), OFFSET);
        be::put_u16(out, flags | VERSION);
        if let Some(length) = self.length {
            be::put_u16(out, length);
        }
        be::put_u16(out, self.tunnel);
        be::put_u16(out, self.session);
        if let Some((sequence, expected)) = self.sequence {
            be::put_u16(out, sequence);
            be::put_u16(out, expected);
        }
        if let Some(offset) = self.offset {
            be::put_u16(out, offset);
            out.resize(out.len() + usize::from(offset), 0);
        }
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::L2tp, input, Header::parse) else {
        return;
    };
    if header.control {
        return d.stop(Layer::L2tp, rest, Reason::Unknown { protocol: 0 });
    }
    let rest = match header.length {
        Some(length) => {
            let used = (input.bytes.len() - rest.bytes.len()) as u32;
            rest.confine(u32::from(length).saturating_sub(used), Layer::L2tp)
        }
        None => rest,
    };
    // Both identifiers are the receiver's: those of the other direction differ.
    let id = u32::from(header.tunnel) << 16 | u32::from(header.session);
    d.enter_tunnel(Layer::L2tp, id, false);
    ppp::decode(d, rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{cut_tests, emitted, fault, hex};

    /// Length 16, tunnel 1, session 2, sequence 3 and 4, two octets of padding.
    const SAMPLE: &str = "4a 02  00 10  00 01  00 02  00 03 00 04  00 02 00 00";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            control: false,
            length: Some(16),
            tunnel: 1,
            session: 2,
            sequence: Some((3, 4)),
            offset: Some(2),
        };
        assert_eq!(header, expected);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn wrong_version() {
        let expected = Fault::Invalid {
            field: "version",
            value: 3,
        };
        assert_eq!(fault(Header::parse(&hex("00 03 00 00 00 01"))), expected);
    }
}
