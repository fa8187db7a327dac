//! AAL5 frames over ATM with protocols named by LLC (RFC 2684), alone or behind the header of
//! SunATM.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, ethernet, frame_relay};

/// LLC and SNAP of Ethernet frames that are bridged, without (7) or with (1) their checksum; two
/// octets of padding follow (RFC 2684 section 5.2).
const BRIDGED: [[u8; 8]; 2] = [
    [0xaa, 0xaa, 0x03, 0x00, 0x80, 0xc2, 0x00, 0x07],
    [0xaa, 0xaa, 0x03, 0x00, 0x80, 0xc2, 0x00, 0x01],
];
/// LLC of protocols named by NLPID.
const ISO: [u8; 3] = [0xfe, 0xfe, 0x03];

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    if let Some((head, rest)) = input.bytes.split_first_chunk()
        && BRIDGED.contains(head)
    {
        return match be::bytes(2)(rest) {
            Ok((frame, _)) => ethernet::decode(d, input.after(frame)),
            Err(error) => d.fail(Layer::Llc, input.after(rest), error),
        };
    }
    match input.bytes.split_first_chunk() {
        Some((&ISO, rest)) => frame_relay::decode_nlpid(d, Layer::Llc, input.after(rest)),
        _ => ethernet::decode_llc(d, input),
    }
}

/// The header of SunATM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Traffic type in the lower four bits; the upper bit is set for what was sent.
    pub kind: u8,
    /// Virtual path.
    pub vpi: u8,
    /// Virtual circuit.
    pub vci: u16,
}

impl Header {
    /// Traffic type: LAN emulation, an Ethernet frame after two octets.
    pub const LANE: u8 = 1;
    /// Traffic type: LLC.
    pub const LLC: u8 = 2;

    /// Parses the header.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<4>(input)?;
        let (_, (kind, vpi, vci)) = (be::u8, be::u8, be::u16).parse(head)?;
        Ok((rest, Self { kind, vpi, vci }))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.kind, self.vpi]);
        be::put_u16(out, self.vci);
    }
}

pub(super) fn decode_sun<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Atm, input, Header::parse) else {
        return;
    };
    match (header.kind & 0x0f, rest.bytes) {
        (Header::LLC, _) => decode(d, rest),
        // 0xff00 is a control frame.
        (Header::LANE, [first, _, frame @ ..]) if *first != 0xff => {
            ethernet::decode(d, rest.after(frame));
        }
        (kind, _) => {
            let protocol = u32::from(kind);
            d.stop(Layer::Atm, rest, Reason::Unknown { protocol });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, hex};

    /// Sent, LLC, path 0, circuit 100.
    const SAMPLE: &str = "82 00 0064";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            kind: 0x82,
            vpi: 0,
            vci: 100,
        };
        assert_eq!(header, expected);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);
}
