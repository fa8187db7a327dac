//! GRE (RFC 2784, RFC 2890), and its version 1 that carries PPTP (RFC 2637).

use nom::Parser;
use nom::combinator::{cond, map_parser};

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::ethernet::ether_type;
use super::{Layer, erspan, ethernet, ip, ppp};

/// A GRE header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// 0, or 1 for PPTP.
    pub version: u8,
    /// EtherType of the payload.
    pub protocol: u16,
    /// Checksum as it stood, where there is one (version 0).
    pub checksum: Option<u16>,
    /// Key (RFC 2890). In version 1 payload length and call identifier, 16 bits each.
    pub key: Option<u32>,
    /// Sequence number.
    pub sequence: Option<u32>,
    /// Acknowledgment number (version 1).
    pub acknowledgment: Option<u32>,
}

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

/// Payload protocols that are GRE's own.
const WCCP: u16 = 0x883e;
/// MikroTik's Ethernet over IP: version 1 with a length and a tunnel identifier for a key.
const EOIP: u16 = 0x6400;

impl Header {
    /// Parses a header of either version.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (_, flags) = be::u16(input).or_else(|_| be::short(4))?;
        let has = |bit: u16| flags & bit != 0;
        let version = flags & VERSION;
        if version > 1 {
            return be::invalid("version", u32::from(version));
        }
        // Source routes (RFC 1701) went out of use with RFC 2784.
        if has(ROUTING) {
            return be::invalid("routing present", 1);
        }
        let acknowledged = version == 1 && has(ACKNOWLEDGMENT);
        let words = [has(CHECKSUM), has(KEY), has(SEQUENCE), acknowledged];
        let header_len = 4 + 4 * words.into_iter().filter(|&there| there).count();
        let fields = (
            be::u16,
            be::u16,
            cond(has(CHECKSUM), (be::u16, be::u16)),
            cond(has(KEY), be::u32),
            cond(has(SEQUENCE), be::u32),
            cond(acknowledged, be::u32),
        );
        map_parser(be::bytes(header_len), fields)
            .map(
                |(_, protocol, checksum, key, sequence, acknowledgment)| Self {
                    version: version as u8,
                    protocol,
                    checksum: checksum.map(|(checksum, _offset)| checksum),
                    key,
                    sequence,
                    acknowledgment,
                },
            )
            .parse(input)
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let bit = |there: bool, bit: u16| if there { bit } else { 0 };
        let flags = bit(self.checksum.is_some(), CHECKSUM)
            | bit(self.key.is_some(), KEY)
            | bit(self.sequence.is_some(), SEQUENCE)
            | bit(self.acknowledgment.is_some(), ACKNOWLEDGMENT)
            | u16::from(self.version) & VERSION;
        be::put_u16(out, flags);
        be::put_u16(out, self.protocol);
        if let Some(checksum) = self.checksum {
            be::put_u32(out, u32::from(checksum) << 16);
        }
        for word in [self.key, self.sequence, self.acknowledgment]
            .into_iter()
            .flatten()
        {
            be::put_u32(out, word);
        }
    }
}

#[inline(never)]
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Gre, input, Header::parse) else {
        return;
    };
    let key = header.key.unwrap_or(0);
    if header.version == 1 && header.protocol == ether_type::PPP {
        // Each direction has the call identifier of its receiver. No sequence number, no payload.
        d.enter_tunnel(Layer::Gre, key & 0xffff, false);
        if header.sequence.is_some() {
            ppp::decode(d, rest.confine(key >> 16, Layer::Gre));
        }
        return;
    }
    d.enter_tunnel(Layer::Gre, key, true);
    if header.version == 1 && header.protocol == EOIP {
        return ethernet::decode(d, rest.confine(key >> 16, Layer::Gre));
    }
    match header.protocol {
        erspan::TYPE_I_OR_II => erspan::decode_i_or_ii(d, header.sequence.is_some(), rest),
        erspan::TYPE_III => erspan::decode_iii(d, rest),
        protocol => decode_protocol(d, Layer::Gre, protocol, rest),
    }
}

/// What GRE carries, by its protocol field.
pub(super) fn decode_protocol<'a>(
    d: &mut Decoder<'a, '_>,
    carrier: Layer,
    protocol: u16,
    input: Input<'a>,
) {
    match protocol {
        WCCP => decode_redirected(d, input),
        ether_type::PPP => ppp::decode(d, input),
        other => d.ether_type(carrier, other, input),
    }
}

/// A packet redirected by WCCP, whose version 2 puts a word before it that can't be taken for an
/// IPv4 header.
fn decode_redirected<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let packet = match input.bytes {
        [first, _, _, _, rest @ ..] if first >> 4 != 4 => input.after(rest),
        _ => input,
    };
    ip::decode_by_version(d, Layer::Gre, packet);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{cut_tests, emitted, fault, hex};

    /// Checksum, key and sequence number; IPv4.
    const SAMPLE: &str = "b0 00  08 00  ab cd 00 00  00 00 00 2a  00 00 00 07";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            version: 0,
            protocol: ether_type::IPV4,
            checksum: Some(0xabcd),
            key: Some(42),
            sequence: Some(7),
            acknowledgment: None,
        };
        assert_eq!(header, expected);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
        // PPTP: key (length 2, call 5), sequence and acknowledgment numbers.
        let bytes = hex("30 81  88 0b  00 02 00 05  00 00 00 01  00 00 00 02");
        let (_, header) = Header::parse(&bytes).unwrap();
        assert_eq!((header.version, header.key), (1, Some(0x2_0005)));
        assert_eq!((header.sequence, header.acknowledgment), (Some(1), Some(2)));
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn wrong_version() {
        let expected = Fault::Invalid {
            field: "version",
            value: 2,
        };
        assert_eq!(fault(Header::parse(&hex("00 02 08 00"))), expected);
        let expected = Fault::Invalid {
            field: "routing present",
            value: 1,
        };
        assert_eq!(fault(Header::parse(&hex("40 00 08 00"))), expected);
    }
}
