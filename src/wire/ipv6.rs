//! IPv6 (RFC 8200). Its extension headers are in [`super::ipv6_extension`].

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::ip::{self, Ip, protocol};
use super::{Address, Layer, ipv6_extension};

/// An IPv6 header (RFC 8200 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Traffic class: DSCP and ECN.
    pub traffic_class: u8,
    /// Flow label, 20 bits (RFC 6437).
    pub flow_label: u32,
    /// Length of all after this header; 0 for jumbograms (RFC 2675) and when segmentation is left
    /// to the network card.
    pub payload_length: u16,
    /// Protocol of what follows, extension headers included.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
}

impl Header {
    /// Octets of the header.
    pub const LEN: usize = 40;

    /// Parses the header.
    #[inline(always)]
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (word, payload_length, next_header, hop_limit, source, destination)) =
            (be::u32, be::u16, be::u8, be::u8, be::array, be::array).parse(head)?;
        if word >> 28 != 6 {
            return be::invalid("version", word >> 28);
        }
        let header = Self {
            traffic_class: (word >> 20) as u8,
            flow_label: word & 0xf_ffff,
            payload_length,
            next_header,
            hop_limit,
            source: Address::v6(source),
            destination: Address::v6(destination),
        };
        Ok((rest, header))
    }

    /// What later stages need of it, extension headers aside.
    #[inline(always)]
    pub(super) fn to_ip(self, payload_len: u32) -> Ip {
        Ip {
            version: 6,
            source: self.source,
            destination: self.destination,
            ttl: self.hop_limit,
            traffic_class: self.traffic_class,
            id: None,
            dont_fragment: false,
            fragment: None,
            protocol: self.next_header,
            payload_len,
        }
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let word = 6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label & 0xf_ffff;
        be::put_u32(out, word);
        be::put_u16(out, self.payload_length);
        out.extend_from_slice(&[self.next_header, self.hop_limit]);
        out.extend_from_slice(&self.source.0.to_be_bytes());
        out.extend_from_slice(&self.destination.0.to_be_bytes());
    }
}

#[inline(never)]
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Ipv6, input, Header::parse) else {
        return;
    };
    let payload_length = match (header.payload_length, header.next_header) {
        (0, protocol::NO_NEXT_HEADER) => Some(0),
        // A jumbogram says its length in a hop-by-hop option; offloaded segments don't.
        (0, protocol::HOP_BY_HOP) => ipv6_extension::jumbo_length(rest.bytes),
        (0, _) => None,
        (length, _) => Some(u32::from(length)),
    };
    let rest = match payload_length {
        Some(length) => rest.confine(length, Layer::Ipv6),
        None => rest,
    };
    d.out.ip = Some(header.to_ip(rest.wire));
    ip::decode_payload(d, false, header.next_header, rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, hex};
    use crate::wire::{LengthSource, Reason, Transport};

    /// Traffic class 0xb8, flow label 0x12345, 8 octets of payload, UDP, hop limit 64, from
    /// 2001:db8::1 to 2001:db8::2.
    const SAMPLE: &str = "6b 81 23 45  00 08  11  40
        20 01 0d b8 00 00 00 00  00 00 00 00 00 00 00 01
        20 01 0d b8 00 00 00 00  00 00 00 00 00 00 00 02";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            traffic_class: 0xb8,
            flow_label: 0x12345,
            payload_length: 8,
            next_header: protocol::UDP,
            hop_limit: 64,
            source: Address(0x2001_0db8_0000_0000_0000_0000_0000_0001),
            destination: Address(0x2001_0db8_0000_0000_0000_0000_0000_0002),
        };
        assert_eq!(header, expected);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    /// The sample with another length and next header, and `payload` behind it.
    fn packet(length: u16, next_header: u8, payload: &str) -> Vec<u8> {
        let mut bytes = hex(SAMPLE);
        bytes[4..6].copy_from_slice(&length.to_be_bytes());
        bytes[6] = next_header;
        bytes.extend(hex(payload));
        bytes
    }

    const UDP: &str = "0035 0035 0008 0000";

    #[test]
    fn wrong_length() {
        // Too little for UDP by the length, although the bytes are there.
        let bytes = packet(7, 17, UDP);
        let reason = Reason::TooShort {
            needed: 8,
            had: 7,
            from: LengthSource::Field(Layer::Ipv6),
        };
        let decoded = decode_any(&bytes);
        assert_eq!(decoded.stop.unwrap().reason, reason);
        assert_eq!(decoded.ip.unwrap().payload_len, 7);
        // No length at all: segmentation offload.
        let bytes = packet(0, 17, UDP);
        assert_eq!(decode_any(&bytes).ip.unwrap().payload_len, 8);
        // A jumbogram of 16 octets: hop-by-hop header and UDP. Then padding.
        let bytes = packet(0, 0, &format!("11 00 c2 04 00 00 00 10  {UDP} 00 00"));
        let decoded = decode_any(&bytes);
        assert_eq!(decoded.ip.unwrap().payload_len, 8);
        assert_eq!(
            decoded.layers()[1..],
            [Layer::Ipv6, Layer::Extension, Layer::Udp]
        );
    }

    #[test]
    fn extension_headers_are_stepped_over() {
        // Routing, destination options, authentication with a 4-octet value, atomic fragment.
        let chain = format!(
            "3c 00 00 00 00 00 00 00
             33 00 01 04 00 00 00 00
             2c 02 0000 00000001 00000002 aabbccdd
             11 00 0000 00000007 {UDP}"
        );
        let bytes = packet(48, 43, &chain);
        let decoded = decode_any(&bytes);
        let ip = decoded.ip.unwrap();
        assert_eq!((ip.protocol, ip.payload_len, ip.id), (17, 8, Some(7)));
        assert_eq!(ip.fragment, None, "an atomic fragment is whole");
        assert!(matches!(decoded.transport, Transport::Udp(_)));
        let extension = Layer::Extension;
        let layers = [extension, extension, extension, Layer::Fragment, Layer::Udp];
        assert_eq!(decoded.layers()[2..], layers);
    }

    #[test]
    fn nothing_follows_no_next_header() {
        let bytes = packet(0, 59, "00 00");
        let decoded = decode_any(&bytes);
        assert!(matches!(decoded.transport, Transport::None));
        assert_eq!(decoded.stop, None);
        assert_eq!(decoded.ip.unwrap().payload_len, 0);
    }

    fn decode_any(packet: &[u8]) -> crate::wire::Decoded<'_> {
        crate::wire::decode(crate::wire::LinkType::RAW, packet, 0)
    }
}
