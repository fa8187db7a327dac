//! IPv6 extension headers (RFC 8200 section 4), and the authentication header that IPv4 has too.

use nom::Parser;
use nom::combinator::map_parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::fragment;
use super::ip::{Ip, protocol};
use super::{Layer, ah};

/// An extension header of the common format: hop-by-hop options, routing, destination options,
/// mobility (RFC 6275), host identity (RFC 7401), shim6 (RFC 5533).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Protocol of what follows.
    pub next_header: u8,
    /// All after the length octet: 6 octets more than a multiple of 8.
    pub body: &'a [u8],
}

impl<'a> Header<'a> {
    /// Parses a header. Its length counts 8-octet units after the first.
    pub fn parse(input: &'a [u8]) -> Parsed<'a, Self> {
        let (_, &[next_header, units]) = be::fixed(input).or_else(|_| be::short(8))?;
        let whole = be::bytes((usize::from(units) + 1) * 8);
        map_parser(whole, move |header: &'a [u8]| {
            let (body, _) = be::u16(header)?;
            Ok((&[][..], Self { next_header, body }))
        })
        .parse(input)
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let units = (self.body.len() + 2) / 8;
        out.extend_from_slice(&[self.next_header, units.saturating_sub(1) as u8]);
        out.extend_from_slice(self.body);
    }
}

/// Whether a protocol number stands for a header to step over.
#[inline(always)]
pub(super) const fn is_extension(version: u8, protocol: u8) -> bool {
    match protocol {
        protocol::AUTHENTICATION => true,
        protocol::HOP_BY_HOP
        | protocol::ROUTING
        | protocol::FRAGMENT
        | protocol::DESTINATION
        | protocol::MOBILITY
        | protocol::HOST_IDENTITY
        | protocol::SHIM6 => version == 6,
        _ => false,
    }
}

/// Steps over extension headers, up to the upper-layer protocol or to a fragment. False when one
/// of them could not be read.
#[inline(never)]
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, ip: &mut Ip, input: &mut Input<'a>) -> bool {
    while ip.fragment.is_none() && is_extension(ip.version, ip.protocol) {
        let next = match ip.protocol {
            protocol::FRAGMENT => d
                .read(Layer::Fragment, *input, fragment::Header::parse)
                .map(|(header, rest)| {
                    ip.id = Some(header.id);
                    ip.fragment = header.fragment.is_part().then_some(header.fragment);
                    (header.next_header, rest)
                }),
            protocol::AUTHENTICATION => d
                .read(Layer::Extension, *input, ah::Header::parse)
                .map(|(header, rest)| (header.next_header, rest)),
            _ => d
                .read(Layer::Extension, *input, Header::parse)
                .map(|(header, rest)| (header.next_header, rest)),
        };
        let Some((next_header, rest)) = next else {
            return false;
        };
        ip.protocol = next_header;
        *input = rest;
    }
    true
}

/// What a packet quoted in an ICMP error carries: protocol and bytes after extension headers, as
/// far as they are there. `None` for a later fragment, which has no upper-layer header.
pub(super) fn skip(version: u8, mut next: u8, mut input: &[u8]) -> Option<(u8, &[u8])> {
    while is_extension(version, next) {
        (input, next) = match next {
            protocol::FRAGMENT => {
                let (rest, header) = fragment::Header::parse(input).ok()?;
                if header.fragment.offset != 0 {
                    return None;
                }
                (rest, header.next_header)
            }
            protocol::AUTHENTICATION => ah::Header::parse(input)
                .map(|(rest, header)| (rest, header.next_header))
                .ok()?,
            _ => Header::parse(input)
                .map(|(rest, header)| (rest, header.next_header))
                .ok()?,
        };
    }
    Some((next, input))
}

/// The option type of a jumbo payload (RFC 2675 section 2), and of one octet of padding.
const JUMBO: u8 = 0xc2;
const PAD1: u8 = 0;

/// The length that a hop-by-hop header at the start of `input` gives for a jumbogram.
pub(super) fn jumbo_length(input: &[u8]) -> Option<u32> {
    let (_, header) = Header::parse(input).ok()?;
    let mut options = header.body;
    loop {
        let (rest, kind) = be::u8(options).ok()?;
        if kind == PAD1 {
            options = rest;
            continue;
        }
        let (rest, len) = be::u8(rest).ok()?;
        let (rest, value) = be::bytes(usize::from(len))(rest).ok()?;
        if kind == JUMBO {
            return be::u32(value).map(|(_, length)| length).ok();
        }
        options = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{cut_tests, emitted, fault, hex};

    /// Destination options of 16 octets before TCP: PadN of 12.
    const SAMPLE: &str = "06 01  01 0c 00 00 00 00  00 00 00 00 00 00 00 00";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        assert_eq!((header.next_header, header.body), (6, &bytes[2..]));
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn wrong_length() {
        // 256 units are the most there can be, and not there.
        let fault = fault(Header::parse(&hex("06 ff 00 00 00 00 00 00")));
        assert_eq!(fault, Fault::Short { needed: 2048 });
    }

    #[test]
    fn a_jumbo_length_stands_among_other_options() {
        assert_eq!(jumbo_length(&hex("06 00 c2 04 00 01 00 00")), Some(0x10000));
        // Two octets of padding first, one by one.
        let padded = hex("06 01 00 00 c2 04 00 01 00 00 01 04 00 00 00 00");
        assert_eq!(jumbo_length(&padded), Some(0x10000));
        // An option that ends beyond the header.
        assert_eq!(jumbo_length(&hex("06 00 05 09 00 00 00 00")), None);
    }
}
