//! IPv4 (RFC 791).

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::ip::{self, Ip};
use super::{Address, Fragment, Layer, Reason, checksum};

/// An IPv4 header (RFC 791 section 3.1). Its checksum is computed when it is written, and checked
/// on request ([`checksum_ok`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Differentiated services field (RFC 2474) with ECN (RFC 3168).
    pub traffic_class: u8,
    /// Length of the packet, header included; 0 when segmentation is left to the network card.
    pub total_length: u16,
    /// Identification (RFC 6864).
    pub id: u16,
    /// Don't fragment.
    pub dont_fragment: bool,
    /// More fragments, and where this one lies.
    pub fragment: Fragment,
    /// Time to live.
    pub ttl: u8,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// Option bytes as they stood, padding included: at most 40, a multiple of 4.
    pub options: &'a [u8],
}

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

impl<'a> Header<'a> {
    /// Octets of a header without options.
    pub const LEN: usize = 20;

    /// Parses a header and skips nothing: options are kept as they are.
    #[inline(always)]
    pub fn parse(input: &'a [u8]) -> Parsed<'a, Self> {
        let (rest, head) = be::fixed::<{ Header::LEN }>(input)?;
        let (_, fields) = (
            (be::u8, be::u8, be::u16, be::u16, be::u16),
            (be::u8, be::u8, be::u16, be::array, be::array),
        )
            .parse(head)?;
        let (
            (version_and_length, traffic_class, total_length, id, flags_and_offset),
            (ttl, protocol, _checksum, source, destination),
        ) = fields;
        if version_and_length >> 4 != 4 {
            return be::invalid("version", u32::from(version_and_length >> 4));
        }
        let header_len = usize::from(version_and_length & 0xf) * 4;
        let (rest, options) = match header_len.checked_sub(Self::LEN) {
            Some(0) => (rest, &[][..]),
            Some(options_len) => match rest.split_at_checked(options_len) {
                Some((options, rest)) => (rest, options),
                None => return be::short(header_len),
            },
            None => return be::invalid("IHL", header_len as u32 / 4),
        };
        let header = Self {
            traffic_class,
            total_length,
            id,
            dont_fragment: flags_and_offset & DONT_FRAGMENT != 0,
            fragment: Fragment {
                offset: (flags_and_offset & OFFSET) * 8,
                more: flags_and_offset & MORE_FRAGMENTS != 0,
            },
            ttl,
            protocol,
            source: Address::v4(source),
            destination: Address::v4(destination),
            options,
        };
        Ok((rest, header))
    }

    /// What later stages need of it.
    #[inline(always)]
    pub(super) fn to_ip(self, payload_len: u32) -> Ip {
        Ip {
            version: 4,
            source: self.source,
            destination: self.destination,
            ttl: self.ttl,
            traffic_class: self.traffic_class,
            id: Some(u32::from(self.id)),
            dont_fragment: self.dont_fragment,
            fragment: self.fragment.is_part().then_some(self.fragment),
            protocol: self.protocol,
            payload_len,
        }
    }

    /// Octets of this header.
    #[inline]
    pub const fn header_len(&self) -> usize {
        Self::LEN + self.options.len()
    }

    /// Appends the header with its checksum.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let flags_and_offset = (u16::from(self.dont_fragment) * DONT_FRAGMENT)
            | (u16::from(self.fragment.more) * MORE_FRAGMENTS)
            | (self.fragment.offset / 8);
        out.extend_from_slice(&[0x40 | (self.header_len() / 4) as u8, self.traffic_class]);
        be::put_u16(out, self.total_length);
        be::put_u16(out, self.id);
        be::put_u16(out, flags_and_offset);
        out.extend_from_slice(&[self.ttl, self.protocol, 0, 0]);
        be::put_u32(out, self.source.0 as u32);
        be::put_u32(out, self.destination.0 as u32);
        out.extend_from_slice(self.options);
        let header = out.get_mut(start..).unwrap_or_default();
        let sum = checksum::of(header);
        be::set_u16(header, 10, sum);
    }
}

/// Whether the header checksum of a packet holds; `None` when its header is not all there.
pub fn checksum_ok(packet: &[u8]) -> Option<bool> {
    let (rest, _) = Header::parse(packet).ok()?;
    let header = packet.get(..packet.len() - rest.len())?;
    Some(checksum::of(header) == 0)
}

#[inline(never)]
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    decode_inline(d, input);
}

/// For the links that carry most of the traffic.
#[inline(always)]
pub(super) fn decode_inline<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Ipv4, input, Header::parse) else {
        return;
    };
    let total_length = u32::from(header.total_length);
    let rest = match total_length.checked_sub(header.header_len() as u32) {
        Some(payload_len) => rest.confine(payload_len, Layer::Ipv4),
        None if total_length == 0 => rest,
        None => {
            d.out.layer_count -= 1;
            let reason = Reason::Invalid {
                field: "total length",
                value: total_length,
            };
            return d.stop(Layer::Ipv4, input, reason);
        }
    };
    d.out.ip = Some(header.to_ip(rest.wire));
    ip::decode_payload(d, header.fragment.is_part(), header.protocol, rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{cut_tests, emitted, fault, hex};

    /// Header of 24 octets with a router alert option, ECN-capable, 8 octets of payload, id 0x1234,
    /// don't fragment, TTL 64, UDP, from 192.0.2.1 to 198.51.100.2.
    const SAMPLE: &str = "46 02 00 20  12 34 40 00  40 11 a5 60  c0 00 02 01  c6 33 64 02
        94 04 00 00";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            traffic_class: 2,
            total_length: 32,
            id: 0x1234,
            dont_fragment: true,
            fragment: Fragment::default(),
            ttl: 64,
            protocol: ip::protocol::UDP,
            source: Address::v4([192, 0, 2, 1]),
            destination: Address::v4([198, 51, 100, 2]),
            options: &[0x94, 4, 0, 0],
        };
        assert_eq!(header, expected);
        assert_eq!(checksum_ok(&emitted(|out| header.emit(out))), Some(true));
        assert_eq!(checksum_ok(&bytes[..23]), None);
        let mut damaged = emitted(|out| header.emit(out));
        damaged[8] = 63;
        assert_eq!(checksum_ok(&damaged), Some(false));
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn wrong_length() {
        let mut bytes = hex(SAMPLE);
        bytes[0] = 0x44;
        let expected = Fault::Invalid {
            field: "IHL",
            value: 4,
        };
        assert_eq!(fault(Header::parse(&bytes)), expected);
        bytes[0] = 0x56;
        let expected = Fault::Invalid {
            field: "version",
            value: 5,
        };
        assert_eq!(fault(Header::parse(&bytes)), expected);
        // A total length below the header's.
        bytes[0] = 0x46;
        bytes[3] = 23;
        let decoded = decode_packet(&bytes, 0);
        assert!(decoded.layers().is_empty() && decoded.ip.is_none());
        let reason = Reason::Invalid {
            field: "total length",
            value: 23,
        };
        assert_eq!(decoded.stop.unwrap().reason, reason);
    }

    #[test]
    fn payload_is_what_header_and_frame_agree_on() {
        let mut bytes = hex(SAMPLE);
        bytes.extend(hex("00 35 00 35 00 08 00 00")); // UDP without payload
        let payload_len = |bytes: &[u8], wire_len| {
            let decoded = decode_packet(bytes, wire_len);
            assert_eq!(decoded.stop, None);
            decoded.ip.unwrap().payload_len
        };
        assert_eq!(payload_len(&bytes, 32), 8);
        bytes.extend([0; 14]); // padding
        assert_eq!(payload_len(&bytes, 46), 8);
        bytes[2..4].copy_from_slice(&[0, 0]); // segmentation offload
        assert_eq!(payload_len(&bytes, 46), 22);
        bytes[2..4].copy_from_slice(&[0xff, 0xff]); // a lie
        assert_eq!(payload_len(&bytes, 46), 22);
        bytes[2..4].copy_from_slice(&[5, 0]); // cut by the capture
        assert_eq!(payload_len(&bytes, 1280), 1256);
    }

    fn decode_packet(packet: &[u8], wire_len: u32) -> crate::wire::Decoded<'_> {
        crate::wire::decode(crate::wire::LinkType::IPV4, packet, wire_len)
    }
}
