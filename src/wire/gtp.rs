//! GTP-U (3GPP TS 29.281): user data between the nodes of a mobile network.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, ethernet, ip};

/// The port of user data.
pub const PORT: u16 = 2152;

/// A GTP-U header (TS 29.281 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Message type; [`Header::T_PDU`] carries a packet.
    pub message: u8,
    /// Length of all after the first eight octets.
    pub length: u16,
    /// Tunnel endpoint identifier, chosen by the receiver.
    pub teid: u32,
    /// Sequence number, where there is one.
    pub sequence: Option<u16>,
}

impl Header {
    /// Octets of the mandatory part.
    pub const LEN: usize = 8;
    /// The message type of user data.
    pub const T_PDU: u8 = 255;
    /// Version 1, and the protocol type that tells GTP from GTP'.
    const VERSION: u8 = 0x30;
    const EXTENSION: u8 = 0x04;
    const SEQUENCE: u8 = 0x02;
    /// Any of E, S, PN: four more octets are there.
    const OPTIONAL: u8 = 0x07;

    /// Parses a header with its extension headers.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (flags, message, length, teid)) = (be::u8, be::u8, be::u16, be::u32).parse(head)?;
        if flags & 0xf0 != Self::VERSION {
            return be::invalid("version and protocol type", u32::from(flags >> 4));
        }
        let mut header = Self {
            message,
            length,
            teid,
            sequence: None,
        };
        if flags & Self::OPTIONAL == 0 {
            return Ok((rest, header));
        }
        let used = |rest: &[u8]| input.len() - rest.len();
        let (mut rest, (sequence, _number, mut next)) = (be::u16, be::u8, be::u8)
            .parse(rest)
            .or_else(|_| be::short(Self::LEN + 4))?;
        header.sequence = (flags & Self::SEQUENCE != 0).then_some(sequence);
        if flags & Self::EXTENSION == 0 {
            return Ok((rest, header));
        }
        while next != 0 {
            // An extension header: its length in words, its content, the type of the next.
            let (_, words) = be::u8(rest).or_else(|_| be::short(used(rest) + 4))?;
            if words == 0 {
                return be::invalid("extension header length", 0);
            }
            let len = usize::from(words) * 4;
            let needed = used(rest) + len;
            let (after, extension) = be::bytes(len)(rest).or_else(|_| be::short(needed))?;
            next = extension.last().copied().unwrap_or(0);
            rest = after;
        }
        Ok((rest, header))
    }

    /// Appends the header, without extension headers.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let flags = if self.sequence.is_some() {
            Self::SEQUENCE
        } else {
            0
        };
        out.extend_from_slice(&[Self::VERSION | flags, self.message]);
        be::put_u16(out, self.length);
        be::put_u32(out, self.teid);
        if let Some(sequence) = self.sequence {
            be::put_u32(out, u32::from(sequence) << 16);
        }
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Gtp, input, Header::parse) else {
        return;
    };
    if header.message != Header::T_PDU {
        let protocol = u32::from(header.message);
        return d.stop(Layer::Gtp, rest, Reason::Unknown { protocol });
    }
    // The identifier is the receiver's, so the two directions of a session have different ones.
    d.enter_tunnel(Layer::Gtp, header.teid, false);
    let optional = (input.bytes.len() - rest.bytes.len() - Header::LEN) as u32;
    let rest = rest.confine(
        u32::from(header.length).saturating_sub(optional),
        Layer::Gtp,
    );
    match rest.bytes.first().map(|first| first >> 4) {
        Some(4 | 6) => ip::decode_by_version(d, Layer::Gtp, rest),
        // Sessions of type Ethernet (TS 23.501) have no mark of their own.
        _ => ethernet::decode(d, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{check_cuts, cut_tests, emitted, fault, hex};

    /// T-PDU for tunnel 0x1234 with sequence number 9.
    const SAMPLE: &str = "32 ff 00 04  00 00 12 34  00 09 00 00";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            message: Header::T_PDU,
            length: 4,
            teid: 0x1234,
            sequence: Some(9),
        };
        assert_eq!(header, expected);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn extension_headers_are_stepped_over() {
        // A PDU session container of one word, then one of two words.
        let bytes = hex("34 ff 00 10  00 00 12 34  00 00 00 85
             01 10 01 85  02 00 00 00 00 00 00 00");
        check_cuts(&bytes, Header::parse);
    }

    #[test]
    fn wrong_length() {
        let endless = hex("34 ff 00 08  00 00 12 34  00 00 00 85  00 00 00 00");
        let expected = Fault::Invalid {
            field: "extension header length",
            value: 0,
        };
        assert_eq!(fault(Header::parse(&endless)), expected);
        let expected = Fault::Invalid {
            field: "version and protocol type",
            value: 4,
        };
        assert_eq!(
            fault(Header::parse(&hex("48 20 00 04 00 00 00 00"))),
            expected
        );
    }
}
