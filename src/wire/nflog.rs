//! Netfilter's log (LINKTYPE_NFLOG): a packet among attributes.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, ip};

/// The header before the attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Address family, as Linux numbers them.
    pub family: u8,
    /// The log's group.
    pub group: u16,
}

impl Header {
    /// Octets of the header.
    pub const LEN: usize = 4;

    /// Parses the header. There is one version, 0.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (family, version, group)) = (be::u8, be::u8, be::u16).parse(head)?;
        if version != 0 {
            return be::invalid("version", u32::from(version));
        }
        Ok((rest, Self { family, group }))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.family, 0]);
        be::put_u16(out, self.group);
    }
}

/// An attribute's length (itself included) and type, in the byte order of the capturing host.
type Attribute = ([u8; 2], [u8; 2]);

/// The attribute that is the packet.
const PAYLOAD: u16 = 9;

fn attribute(input: &[u8]) -> Parsed<'_, Attribute> {
    let (rest, head) = be::fixed::<4>(input)?;
    let (_, attribute) = (be::array, be::array).parse(head)?;
    Ok((rest, attribute))
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((_, mut rest)) = d.read(Layer::Nflog, input, Header::parse) else {
        return;
    };
    loop {
        let (value, (length, kind)) = match attribute(rest.bytes) {
            Ok((value, attribute)) => (rest.after(value), attribute),
            Err(error) => return d.fail(Layer::Nflog, rest, error),
        };
        // Types are small numbers: the octet that is not zero tells the byte order.
        let (length, kind) = if kind[0] == 0 && kind[1] != 0 {
            (u16::from_be_bytes(length), u16::from_be_bytes(kind))
        } else {
            (u16::from_le_bytes(length), u16::from_le_bytes(kind))
        };
        let Some(value_len) = length.checked_sub(4) else {
            let value = u32::from(length);
            let field = "attribute length";
            return d.stop(Layer::Nflog, rest, Reason::Invalid { field, value });
        };
        if kind == PAYLOAD {
            let packet = value.confine(u32::from(value_len), Layer::Nflog);
            return ip::decode_by_version(d, Layer::Nflog, packet);
        }
        // The next attribute starts at a multiple of four octets.
        let padded = usize::from(value_len).next_multiple_of(4);
        match value.bytes.get(padded..) {
            Some(next) => rest = value.after(next),
            None => return d.too_short(Layer::Nflog, rest, padded + 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, hex};
    use crate::wire::{LinkType, decode};

    /// IPv4, group 42.
    const SAMPLE: &str = "02 00 00 2a";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            family: 2,
            group: 42,
        };
        assert_eq!(header, expected);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn the_packet_is_found_in_either_byte_order() {
        // A prefix of one octet, padded; then the packet.
        for attributes in [
            "05 00 0a 00 00 00 00 00  05 00 09 00 45",
            "00 05 00 0a 00 00 00 00  00 05 00 09 45",
        ] {
            let frame = hex(&format!("{SAMPLE} {attributes}"));
            let stop = decode(LinkType::NFLOG, &frame, 0).stop.unwrap();
            assert_eq!((stop.layer, stop.offset), (Layer::Ipv4, 16));
        }
    }

    #[test]
    fn wrong_length() {
        for (attribute, offset) in [("03 00 0a 00", 4), ("40 00 0a 00", 4), ("04 00 0a", 4)] {
            let frame = hex(&format!("{SAMPLE} {attribute}"));
            let stop = decode(LinkType::NFLOG, &frame, 0).stop.unwrap();
            assert_eq!((stop.layer, stop.offset), (Layer::Nflog, offset));
        }
    }
}
