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
    d.out.ip = Some(Ip {
        version: 6,
        source: header.source,
        destination: header.destination,
        ttl: header.hop_limit,
        traffic_class: header.traffic_class,
        id: None,
        dont_fragment: false,
        fragment: None,
        protocol: header.next_header,
        payload_len: rest.wire,
    });
    ip::decode_payload(d, false, header.next_header, rest);
}
