//! ICMP (RFC 792) and ICMPv6 (RFC 4443), with the packet that an error quotes.

use nom::Parser;
use nom::combinator::opt;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::ip::protocol;
use super::{Address, Layer, SeqNum, Transport, checksum, ipv4, ipv6, ipv6_extension};

/// An ICMP (RFC 792) or ICMPv6 (RFC 4443) message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp<'a> {
    /// 4 for ICMP, 6 for ICMPv6.
    pub version: u8,
    /// Message type.
    pub kind: u8,
    /// Message code.
    pub code: u8,
    /// The 32 bits after the checksum: MTU, pointer, gateway, identifier and sequence.
    pub rest: u32,
    /// For error messages, the packet that caused it.
    pub quoted: Option<Quoted>,
    /// The bytes after the eight header octets.
    pub body: &'a [u8],
}

/// The head of a packet quoted in an ICMP error: enough to find its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Source address of the quoted packet.
    pub source: Address,
    /// Destination address of the quoted packet.
    pub destination: Address,
    /// 4 or 6.
    pub version: u8,
    /// IP protocol.
    pub protocol: u8,
    /// Source and destination port, for TCP and UDP.
    pub ports: Option<(u16, u16)>,
    /// Sequence number, for TCP.
    pub seq: Option<SeqNum>,
}

/// What an ICMP (`version` 4) or ICMPv6 (6) error says, in words; nothing for those without a name.
pub const fn error_words(version: u8, kind: u8, code: u8) -> Option<&'static str> {
    Some(match (version, kind, code) {
        (4, 3, 0) => "network unreachable",
        (4, 3, 1) => "host unreachable",
        (4, 3, 2) => "protocol unreachable",
        (4, 3, 3) => "port unreachable",
        (4, 3, 4) => "fragmentation needed",
        (4, 3, 5) => "source route failed",
        (4, 3, 6) => "network unknown",
        (4, 3, 7) => "host unknown",
        (4, 3, 9) => "network prohibited",
        (4, 3, 10) => "host prohibited",
        (4, 3, 13) => "administratively prohibited",
        (4, 3, _) => "destination unreachable",
        (4, 4, _) => "source quench",
        (4, 5, _) => "redirect",
        (4, 11, 0) => "time to live exceeded",
        (4, 11, _) => "reassembly time exceeded",
        (4, 12, _) => "parameter problem",
        (6, 1, 0) => "no route",
        (6, 1, 1) => "administratively prohibited",
        (6, 1, 2) => "beyond the scope of the source address",
        (6, 1, 3) => "address unreachable",
        (6, 1, 4) => "port unreachable",
        (6, 1, 5) => "source address failed policy",
        (6, 1, 6) => "route rejected",
        (6, 1, _) => "destination unreachable",
        (6, 2, _) => "packet too big",
        (6, 3, 0) => "hop limit exceeded",
        (6, 3, _) => "reassembly time exceeded",
        (6, 4, _) => "parameter problem",
        _ => return None,
    })
}

impl<'a> Icmp<'a> {
    /// Octets of the header.
    pub const LEN: usize = 8;

    /// Parses a message of ICMP (`version` 4) or ICMPv6 (6): all of the input.
    pub fn parse(version: u8) -> impl Fn(&'a [u8]) -> Parsed<'a, Self> {
        move |input| {
            let (body, head) = be::fixed::<{ Icmp::LEN }>(input)?;
            let (_, (kind, code, _checksum, rest)) =
                (be::u8, be::u8, be::u16, be::u32).parse(head)?;
            let quoted = if is_error(version, kind) {
                Quoted::parse(body)
            } else {
                None
            };
            Ok((
                &[][..],
                Self {
                    version,
                    kind,
                    code,
                    rest,
                    quoted,
                    body,
                },
            ))
        }
    }

    /// Appends the message with its checksum, for which ICMPv6 needs the addresses.
    pub fn emit(&self, source: Address, destination: Address, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[self.kind, self.code, 0, 0]);
        be::put_u32(out, self.rest);
        out.extend_from_slice(self.body);
        let message = out.get_mut(start..).unwrap_or_default();
        let sum = match self.version {
            6 => checksum::transport(source, destination, protocol::ICMPV6, message),
            _ => checksum::of(message),
        };
        be::set_u16(message, 2, sum);
    }
}

/// Whether messages of this type quote a packet: unreachable, source quench, redirect, time
/// exceeded and parameter problem (RFC 792); all types below 128 in ICMPv6 (RFC 4443 section 2.1).
const fn is_error(version: u8, kind: u8) -> bool {
    match version {
        6 => kind != 0 && kind < 128,
        _ => matches!(kind, 3 | 4 | 5 | 11 | 12),
    }
}

impl Quoted {
    /// Parses a quoted packet as far as it goes; `None` when its IP header is not whole.
    pub fn parse(input: &[u8]) -> Option<Self> {
        let (version, source, destination, upper) = match input.first()? >> 4 {
            4 => {
                let (rest, ip) = ipv4::Header::parse(input).ok()?;
                let upper = if ip.fragment.offset == 0 {
                    ipv6_extension::skip(4, ip.protocol, rest)
                } else {
                    None
                };
                (
                    4,
                    ip.source,
                    ip.destination,
                    upper.unwrap_or((ip.protocol, &[])),
                )
            }
            6 => {
                let (rest, ip) = ipv6::Header::parse(input).ok()?;
                let upper = ipv6_extension::skip(6, ip.next_header, rest);
                (
                    6,
                    ip.source,
                    ip.destination,
                    upper.unwrap_or((ip.next_header, &[])),
                )
            }
            _ => return None,
        };
        let (protocol, transport) = upper;
        let mut quoted = Self {
            source,
            destination,
            version,
            protocol,
            ports: None,
            seq: None,
        };
        if matches!(protocol, protocol::TCP | protocol::UDP) {
            let (rest, ports) = opt((be::u16, be::u16)).parse(transport).ok()?;
            quoted.ports = ports;
            if protocol == protocol::TCP && ports.is_some() {
                quoted.seq = be::u32(rest).ok().map(|(_, seq)| SeqNum(seq));
            }
        }
        Some(quoted)
    }
}

#[inline(never)]
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, layer: Layer, input: Input<'a>) {
    let version = if layer == Layer::Icmpv6 { 6 } else { 4 };
    if let Some((message, _)) = d.read(layer, input, Icmp::parse(version)) {
        d.out.transport = Transport::Icmp(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, hex};

    /// Destination unreachable, fragmentation needed, MTU 1400.
    const SAMPLE: &str = "03 04 00 00  00 00 05 78";

    /// A quoted packet: TCP from 192.0.2.1 port 40000 to 198.51.100.2 port 80, and eight octets.
    const QUOTED: &str = "45 00 05 dc  00 01 40 00  40 06 00 00  c0 00 02 01  c6 33 64 02
        9c 40  00 50  11 22 33 44";

    #[test]
    fn parses() {
        let bytes = hex(&format!("{SAMPLE} {QUOTED}"));
        let (_, message) = Icmp::parse(4)(&bytes).unwrap();
        assert_eq!((message.kind, message.code, message.rest), (3, 4, 1400));
        let quoted = Quoted {
            source: Address::v4([192, 0, 2, 1]),
            destination: Address::v4([198, 51, 100, 2]),
            version: 4,
            protocol: 6,
            ports: Some((40000, 80)),
            seq: Some(SeqNum(0x1122_3344)),
        };
        assert_eq!(message.quoted, Some(quoted));
        assert_eq!(message.body, &bytes[8..]);
        let (a, b) = (quoted.destination, quoted.source);
        let written = emitted(|out| message.emit(a, b, out));
        assert_eq!(checksum::of(&written), 0);
        assert_eq!(Icmp::parse(4)(&written), Ok((&[][..], message)));
    }

    cut_tests!(SAMPLE, Icmp::parse(4));

    #[test]
    fn a_quote_is_read_as_far_as_it_goes() {
        let bytes = hex(QUOTED);
        let quoted = |len: usize| Quoted::parse(&bytes[..len]);
        assert_eq!(quoted(19), None);
        assert_eq!(quoted(23).unwrap().ports, None);
        assert_eq!(quoted(24).unwrap().ports, Some((40000, 80)));
        assert_eq!(quoted(27).unwrap().seq, None);
        // A later fragment has no ports.
        let mut later = bytes.clone();
        later[7] = 1;
        assert_eq!(Quoted::parse(&later).unwrap().ports, None);
    }

    #[test]
    fn a_quote_of_ipv6_has_extension_headers() {
        // Destination options, then UDP.
        let bytes = hex("60 00 00 00  00 10  3c  40
             20 01 0d b8 00 00 00 00  00 00 00 00 00 00 00 01
             20 01 0d b8 00 00 00 00  00 00 00 00 00 00 00 02
             11 00 01 04 00 00 00 00  9c 40 00 35");
        let quoted = Quoted::parse(&bytes).unwrap();
        assert_eq!((quoted.version, quoted.protocol), (6, 17));
        assert_eq!(quoted.ports, Some((40000, 53)));
    }

    #[test]
    fn an_echo_quotes_nothing() {
        let bytes = hex(&format!("08 00 00 00 00 01 00 01 {QUOTED}"));
        assert_eq!(Icmp::parse(4)(&bytes).unwrap().1.quoted, None);
    }
}
