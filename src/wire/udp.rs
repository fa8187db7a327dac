//! UDP (RFC 768), and which of its ports carry tunnels.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::ip::{Ip, protocol};
use super::{Address, Layer, LengthSource, Reason, Transport, checksum, geneve, gtp, l2tp, vxlan};

/// A UDP datagram (RFC 768).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Checksum as it stood; 0 means none was computed.
    pub checksum: u16,
    /// Payload bytes by the length field (by the IP length where that field is 0: jumbograms).
    pub payload_len: u32,
    /// The captured payload; shorter than `payload_len` when the frame was cut.
    pub payload: &'a [u8],
}

/// The four fields of the header.
type Fields = (u16, u16, u16, u16);

impl<'a> Datagram<'a> {
    /// Octets of the header.
    pub const LEN: usize = 8;

    #[inline(always)]
    fn parse_header(input: &[u8]) -> Parsed<'_, Fields> {
        let (rest, head) = be::fixed::<{ Datagram::LEN }>(input)?;
        let (_, fields @ (.., length, _)) = (be::u16, be::u16, be::u16, be::u16).parse(head)?;
        if length != 0 && usize::from(length) < Self::LEN {
            return be::invalid("length", u32::from(length));
        }
        Ok((rest, fields))
    }

    /// Parses a datagram that was captured whole; what is beyond its length is left over.
    pub fn parse(input: &'a [u8]) -> Parsed<'a, Self> {
        let (rest, (source_port, destination_port, length, checksum)) = Self::parse_header(input)?;
        let payload_len = match length {
            0 => rest.len(),
            length => usize::from(length) - Self::LEN,
        };
        let (rest, payload) =
            be::bytes(payload_len)(rest).or_else(|_| be::short(Self::LEN + payload_len))?;
        let payload_len = payload_len as u32;
        Ok((
            rest,
            Self {
                source_port,
                destination_port,
                checksum,
                payload_len,
                payload,
            },
        ))
    }

    /// Appends header and payload, the checksum as it stands in the value.
    pub fn emit(&self, out: &mut Vec<u8>) {
        be::put_u16(out, self.source_port);
        be::put_u16(out, self.destination_port);
        be::put_u16(out, self.length());
        be::put_u16(out, self.checksum);
        out.extend_from_slice(self.payload);
    }

    /// Appends header and payload with the checksum computed.
    pub fn emit_checked(&self, source: Address, destination: Address, out: &mut Vec<u8>) {
        let start = out.len();
        Self {
            checksum: 0,
            ..*self
        }
        .emit(out);
        let datagram = out.get_mut(start..).unwrap_or_default();
        let sum = checksum::transport(source, destination, protocol::UDP, datagram);
        // All zeros say that there is no checksum; a sum of zero is sent as ones (RFC 768).
        be::set_u16(datagram, 6, if sum == 0 { 0xffff } else { sum });
    }

    /// Whether the checksum holds: `None` when there is none or the payload was cut.
    pub fn checksum_ok(&self, ip: &Ip) -> Option<bool> {
        if self.checksum == 0 || self.payload.len() != self.payload_len as usize {
            return None;
        }
        let length = self.payload_len + Self::LEN as u32;
        let mut sum =
            checksum::Sum::pseudo_header(ip.source, ip.destination, protocol::UDP, length);
        sum.add_u16(self.source_port);
        sum.add_u16(self.destination_port);
        sum.add_u16(self.length());
        sum.add_u16(self.checksum);
        sum.add(self.payload);
        Some(sum.finish() == 0)
    }

    /// The length field: 0 for what 16 bits don't hold (RFC 2675 section 4).
    fn length(&self) -> u16 {
        self.payload_len
            .checked_add(Self::LEN as u32)
            .and_then(|n| n.try_into().ok())
            .unwrap_or(0)
    }
}

#[inline(never)]
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Udp, input, Datagram::parse_header) else {
        return;
    };
    let (source_port, destination_port, length, checksum) = header;
    let payload = match length {
        0 => rest,
        length => rest.confine(u32::from(length) - Datagram::LEN as u32, Layer::Udp),
    };
    if u32::from(length) > input.wire {
        let from = match input.limit {
            Layer::None => LengthSource::Capture,
            layer => LengthSource::Field(layer),
        };
        let reason = Reason::TooShort {
            needed: u32::from(length),
            had: input.wire,
            from,
        };
        d.stop(Layer::Udp, input, reason);
    }
    d.out.transport = Transport::Udp(Datagram {
        source_port,
        destination_port,
        checksum,
        payload_len: payload.wire,
        payload: payload.bytes,
    });
    if let Some(inner) = tunnel(source_port, destination_port) {
        d.try_tunnel(payload, inner);
    }
}

type Inner<'a> = fn(&mut Decoder<'a, '_>, Input<'a>);

/// Whether a datagram between these ports may carry a tunnel.
#[inline]
pub(super) fn may_tunnel(source_port: u16, destination_port: u16) -> bool {
    tunnel(source_port, destination_port).is_some()
}

/// The table of UDP ports that carry tunnels. The sender's port of most is made up per flow
/// (RFC 7348 section 5), so only the destination's counts.
#[inline(always)]
fn tunnel<'a>(source_port: u16, destination_port: u16) -> Option<Inner<'a>> {
    match destination_port {
        vxlan::PORT | vxlan::PORT_BEFORE => Some(vxlan::decode),
        vxlan::GPE_PORT => Some(vxlan::decode_gpe),
        l2tp::PORT => Some(l2tp::decode),
        geneve::PORT => Some(geneve::decode),
        gtp::PORT => Some(gtp::decode),
        _ if source_port == gtp::PORT => Some(gtp::decode),
        _ if source_port == l2tp::PORT => Some(l2tp::decode),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{cut_tests, emitted, fault, hex};

    /// Port 53 to port 40000, two bytes, with the checksum for 192.0.2.1 and 198.51.100.2.
    const SAMPLE: &str = "00 35  9c 40  00 0a  00 00  68 69";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, datagram) = Datagram::parse(&bytes).unwrap();
        let expected = Datagram {
            source_port: 53,
            destination_port: 40000,
            checksum: 0,
            payload_len: 2,
            payload: b"hi",
        };
        assert_eq!(datagram, expected);
        assert_eq!(emitted(|out| datagram.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Datagram::parse);

    #[test]
    fn wrong_length() {
        let expected = Fault::Invalid {
            field: "length",
            value: 7,
        };
        assert_eq!(
            fault(Datagram::parse(&hex("00 35 9c 40 00 07 00 00"))),
            expected
        );
        // A length beyond the IP payload: what is there is kept, and the lie is told.
        let packet = hex(
            "45 00 00 1e  00 00 00 00  40 11 00 00  c0 00 02 01  c6 33 64 02
             00 35 9c 40 00 64 00 00 68 69",
        );
        let decoded = decode_packet(&packet);
        let reason = Reason::TooShort {
            needed: 100,
            had: 10,
            from: LengthSource::Capture,
        };
        assert_eq!(decoded.stop.unwrap().reason, reason);
        let Transport::Udp(datagram) = decoded.transport else {
            panic!("not UDP")
        };
        assert_eq!((datagram.payload_len, datagram.payload), (2, &b"hi"[..]));
    }

    #[test]
    fn checksums() {
        let packet = hex(
            "45 00 00 1e  00 00 00 00  40 11 00 00  c0 00 02 01  c6 33 64 02
             00 35 9c 40 00 0a 00 00 68 69",
        );
        let decoded = decode_packet(&packet);
        let ip = decoded.ip.unwrap();
        let Transport::Udp(datagram) = decoded.transport else {
            panic!("not UDP")
        };
        assert_eq!(datagram.checksum_ok(&ip), None, "none was computed");
        let bytes = emitted(|out| datagram.emit_checked(ip.source, ip.destination, out));
        let (_, checked) = Datagram::parse(&bytes).unwrap();
        assert_eq!(checked.checksum_ok(&ip), Some(true));
        let damaged = Datagram {
            payload: b"ho",
            ..checked
        };
        assert_eq!(damaged.checksum_ok(&ip), Some(false));
    }

    fn decode_packet(packet: &[u8]) -> crate::wire::Decoded<'_> {
        crate::wire::decode(crate::wire::LinkType::IPV4, packet, 0)
    }
}
