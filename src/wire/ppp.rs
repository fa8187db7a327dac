//! PPP (RFC 1661), in HDLC-like framing (RFC 1662) and as its relatives write it.

use nom::Parser;
use nom::combinator::opt;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, ethernet, ipv4, ipv6, mpls};

/// PPP protocol numbers (IANA "PPP DLL protocol numbers") that are decoded.
#[allow(missing_docs)]
pub mod protocol {
    pub const IPV4: u16 = 0x0021;
    pub const IPV6: u16 = 0x0057;
    pub const BRIDGED: u16 = 0x0031;
    pub const MPLS: u16 = 0x0281;
    pub const MPLS_MULTICAST: u16 = 0x0283;
}

/// The address and control octets of HDLC-like framing (RFC 1662 section 3.1).
const ALL_STATIONS: [u8; 2] = [0xff, 0x03];

/// A PPP header: the protocol field, after address and control octets where there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether the address and control octets were there.
    pub framed: bool,
    /// Protocol of the payload.
    pub protocol: u16,
}

impl Header {
    /// Parses the header. The address and control octets, and the upper octet of the protocol,
    /// are optional (RFC 1661 sections 6.5 and 6.6).
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, framing) = opt(nom::bytes::complete::tag(&ALL_STATIONS[..])).parse(input)?;
        let framed = framing.is_some();
        let before = input.len() - rest.len();
        let (short_rest, first) = be::u8(rest).or_else(|_| be::short(before + 2))?;
        // The last octet of a protocol number is odd, all before it are even (section 2). 0xff is
        // kept from being one (section 6.5), so a lone one is a framing cut off.
        if input == [ALL_STATIONS[0]] {
            return be::short(4);
        }
        if first & 1 == 1 {
            return Ok((
                short_rest,
                Self {
                    framed,
                    protocol: u16::from(first),
                },
            ));
        }
        let (rest, protocol) = be::u16(rest).or_else(|_| be::short(before + 2))?;
        Ok((rest, Self { framed, protocol }))
    }

    /// Appends the header, the protocol in two octets.
    pub fn emit(&self, out: &mut Vec<u8>) {
        if self.framed {
            out.extend_from_slice(&ALL_STATIONS);
        }
        be::put_u16(out, self.protocol);
    }
}

/// PPP as other protocols carry it.
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Ppp, input, Header::parse) else {
        return;
    };
    match header.protocol {
        protocol::IPV4 => ipv4::decode(d, rest),
        protocol::IPV6 => ipv6::decode(d, rest),
        protocol::MPLS | protocol::MPLS_MULTICAST => mpls::decode(d, rest),
        other => d.stop(
            Layer::Ppp,
            rest,
            Reason::Unknown {
                protocol: u32::from(other),
            },
        ),
    }
}

/// PPP as a link type. Serial lines carry Cisco HDLC under the same number; its addresses tell.
pub(super) fn decode_link<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    match input.bytes.first() {
        Some(&(Cisco::UNICAST | Cisco::MULTICAST)) => decode_cisco(d, input),
        _ => decode(d, input),
    }
}

/// PPP after an octet that says who sent it.
pub(super) fn decode_after_direction<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    match be::u8(input.bytes) {
        // One of the two link types has it in place of the address: the control octet remains.
        Ok((rest @ [0x03, ..], _)) => match be::u8(rest) {
            Ok((rest, _)) => decode(d, input.after(rest)),
            Err(error) => d.fail(Layer::Ppp, input, error),
        },
        Ok((rest, _)) => decode(d, input.after(rest)),
        Err(error) => d.fail(Layer::Ppp, input, error),
    }
}

/// A Cisco HDLC header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cisco {
    /// Address: [`Cisco::UNICAST`] or [`Cisco::MULTICAST`].
    pub address: u8,
    /// EtherType of the payload, or one of Cisco's own numbers.
    pub protocol: u16,
}

impl Cisco {
    /// Sent to the one other end.
    pub const UNICAST: u8 = 0x0f;
    /// Sent to all.
    pub const MULTICAST: u8 = 0x8f;

    /// Parses the header.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<4>(input)?;
        let (_, (address, _control, protocol)) = (be::u8, be::u8, be::u16).parse(head)?;
        Ok((rest, Self { address, protocol }))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.address, 0]);
        be::put_u16(out, self.protocol);
    }
}

pub(super) fn decode_cisco<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Chdlc, input, Cisco::parse) else {
        return;
    };
    ethernet::decode_type_or_length(d, Layer::Chdlc, header.protocol, rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{check_cuts, cut_tests, emitted, fault, hex};

    /// Address, control, IPv4.
    const SAMPLE: &str = "ff 03  00 21";

    #[test]
    fn parses() {
        for (text, framed, protocol) in [
            (SAMPLE, true, protocol::IPV4),
            ("00 57", false, protocol::IPV6),
            ("ff 03 02 81", true, protocol::MPLS),
        ] {
            let bytes = hex(text);
            let (rest, header) = Header::parse(&bytes).unwrap();
            assert!(rest.is_empty());
            assert_eq!(header, Header { framed, protocol });
            assert_eq!(emitted(|out| header.emit(out)), bytes);
        }
        // The protocol compressed to one octet.
        let bytes = hex("21 45");
        let expected = Header {
            framed: false,
            protocol: protocol::IPV4,
        };
        assert_eq!(Header::parse(&bytes), Ok((&bytes[1..], expected)));
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn wrong_length() {
        assert_eq!(
            fault(Header::parse(&hex("ff 03 00"))),
            Fault::Short { needed: 4 }
        );
    }

    #[test]
    fn parses_cisco_hdlc() {
        let bytes = hex("0f 00 08 00");
        let (_, header) = Cisco::parse(&bytes).unwrap();
        assert_eq!(
            header,
            Cisco {
                address: Cisco::UNICAST,
                protocol: 0x0800
            }
        );
        assert_eq!(emitted(|out| header.emit(out)), bytes);
        check_cuts(&bytes, Cisco::parse);
    }
}
