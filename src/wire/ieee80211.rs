//! IEEE 802.11 data frames that are not encrypted, with or without a radiotap header.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, MacAddresses, Reason, ethernet};

/// The length of a radiotap header (radiotap.org), whose numbers are little-endian.
fn radiotap(input: &[u8]) -> Parsed<'_, ()> {
    let (_, &[version, _, low, high, ..]) = be::fixed::<8>(input)?;
    if version != 0 {
        return be::invalid("version", u32::from(version));
    }
    let length = usize::from(u16::from_le_bytes([low, high]));
    if length < 8 {
        return be::invalid("length", length as u32);
    }
    let (rest, _) = be::bytes(length)(input)?;
    Ok((rest, ()))
}

/// What matters of a MAC header (IEEE 802.11 clause 9.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type and subtype: the first octet without the protocol version, shifted down.
    pub kind: u8,
    /// The second octet: to and from the distribution system, protected, order, ….
    pub flags: u8,
    /// Destination.
    pub destination: [u8; 6],
    /// Source.
    pub source: [u8; 6],
    /// Whether the payload is several frames in one.
    pub aggregated: bool,
}

impl Header {
    /// Octets of a header with three addresses.
    pub const LEN: usize = 24;
    const TO_DS: u8 = 0x01;
    const FROM_DS: u8 = 0x02;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;

    /// Parses the header of a data frame; of others only the first three addresses.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (control, flags, _duration, first, second, third, _sequence)) = (
            be::u8,
            be::u8,
            be::u16,
            be::array,
            be::array,
            be::array,
            be::u16,
        )
            .parse(head)?;
        let mut header = Self {
            kind: control >> 2,
            flags,
            destination: first,
            source: second,
            aggregated: false,
        };
        if !header.is_data() {
            return Ok((rest, header));
        }
        let bridged = flags & Self::TO_DS != 0 && flags & Self::FROM_DS != 0;
        let qos_len = if header.kind & 0x20 == 0 {
            0
        } else if flags & Self::ORDER != 0 {
            6
        } else {
            2
        };
        let header_len = Self::LEN + 6 * usize::from(bridged) + qos_len;
        let (rest, whole) = be::bytes(header_len)(input)?;
        let (tail, _) = be::bytes(Self::LEN)(whole)?;
        let (qos, fourth) = nom::combinator::cond(bridged, be::array).parse(tail)?;
        header.aggregated = qos_len > 0 && qos.first().is_some_and(|first| first & 0x80 != 0);
        // The ends are not always the stations on the air (table 9-30).
        if flags & Self::TO_DS != 0 {
            header.destination = third;
        }
        if let Some(fourth) = fourth {
            header.source = fourth;
        } else if flags & Self::FROM_DS != 0 {
            header.source = third;
        }
        Ok((rest, header))
    }

    /// Data frames, those without data included.
    const fn is_data(&self) -> bool {
        self.kind & 3 == 2
    }

    const fn has_payload(&self) -> bool {
        self.is_data() && self.kind & 0x10 == 0
    }
}

pub(super) fn decode_radiotap<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    if let Some((_, rest)) = d.read(Layer::Radiotap, input, radiotap) {
        decode(d, rest);
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    // Control frames are shorter than any that carries something.
    if let Some(&first) = input.bytes.first()
        && first >> 2 & 3 != 2
    {
        let protocol = u32::from(first >> 2);
        return d.stop(Layer::Ieee80211, input, Reason::Unknown { protocol });
    }
    let Some((header, rest)) = d.read(Layer::Ieee80211, input, Header::parse) else {
        return;
    };
    d.out.mac = Some(MacAddresses {
        source: header.source,
        destination: header.destination,
    });
    if !header.has_payload() || header.aggregated || header.flags & Header::PROTECTED != 0 {
        let protocol = u32::from(header.kind);
        return d.stop(Layer::Ieee80211, rest, Reason::Unknown { protocol });
    }
    ethernet::decode_llc(d, rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{check_cuts, cut_tests, fault, hex};
    use crate::wire::{Fault, LinkType, decode};

    /// QoS data from a station to the distribution system: access point 02:…:02, station 02:…:01,
    /// destination 02:…:03.
    const SAMPLE: &str = "88 01 00 00  02 00 00 00 00 02  02 00 00 00 00 01  02 00 00 00 00 03
        00 00  00 00";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            kind: 0x22,
            flags: Header::TO_DS,
            destination: [2, 0, 0, 0, 0, 3],
            source: [2, 0, 0, 0, 0, 1],
            aggregated: false,
        };
        assert_eq!(header, expected);
        assert!(header.has_payload());
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn a_radiotap_header_is_stepped_over() {
        let header = hex("00 00 0c 00 00 00 00 00 01 02 03 04");
        check_cuts(&header, radiotap);
        let mut frame = header.clone();
        frame.extend(hex(&format!("{SAMPLE} aa aa 03 00 00 00 08 00")));
        let decoded = decode(LinkType::RADIOTAP, &frame, 0);
        let layers = [Layer::Radiotap, Layer::Ieee80211, Layer::Llc, Layer::Snap];
        assert_eq!(decoded.layers(), layers);
        assert_eq!(decoded.stop.unwrap().layer, Layer::Ipv4);
    }

    #[test]
    fn wrong_length() {
        let expected = Fault::Invalid {
            field: "length",
            value: 7,
        };
        assert_eq!(fault(radiotap(&hex("00 00 07 00 00 00 00 00"))), expected);
    }

    #[test]
    fn what_is_encrypted_is_not_read() {
        let mut frame = hex(&format!("{SAMPLE} aa aa 03 00 00 00 08 00"));
        frame[1] |= Header::PROTECTED;
        let decoded = decode(LinkType::IEEE802_11, &frame, 0);
        assert_eq!(decoded.layers(), [Layer::Ieee80211]);
        assert!(!decoded.stop.unwrap().is_damage());
    }
}
