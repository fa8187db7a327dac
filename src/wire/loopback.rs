//! BSD loopback: the link types NULL (family in the capturing host's byte order) and LOOP (in
//! network order).

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, ipv4, ipv6};

/// A loopback header: the address family of what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Address family, as the operating system that captured it numbers them.
    pub family: u32,
}

impl Header {
    /// Octets of the header.
    pub const LEN: usize = 4;
    /// IPv4, everywhere.
    pub const INET: u32 = 2;
    /// IPv6: Linux 10, NetBSD and OpenBSD 24, FreeBSD 28, macOS 30.
    pub const INET6: [u32; 4] = [10, 24, 28, 30];

    /// Parses the header in either byte order: families are small, so the order shows.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, word) = be::u32(input)?;
        let family = if word > 0xffff {
            word.swap_bytes()
        } else {
            word
        };
        Ok((rest, Self { family }))
    }

    /// Appends the header in network order, as LOOP has it.
    pub fn emit(&self, out: &mut Vec<u8>) {
        be::put_u32(out, self.family);
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Loopback, input, Header::parse) else {
        return;
    };
    match header.family {
        Header::INET => ipv4::decode(d, rest),
        family if Header::INET6.contains(&family) => ipv6::decode(d, rest),
        protocol => d.stop(Layer::Loopback, rest, Reason::Unknown { protocol }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, hex};
    use crate::wire::{LinkType, decode};

    /// IPv4, as LOOP has it.
    const SAMPLE: &str = "00 00 00 02";

    #[test]
    fn parses() {
        for (text, family) in [(SAMPLE, 2), ("02 00 00 00", 2), ("1e 00 00 00", 30)] {
            let bytes = hex(text);
            let (_, header) = Header::parse(&bytes).unwrap();
            assert_eq!(header.family, family);
        }
        let header = Header {
            family: Header::INET,
        };
        assert_eq!(emitted(|out| header.emit(out)), hex(SAMPLE));
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn every_system_has_its_own_number_for_ipv6() {
        for text in ["0a000000", "18000000", "1c000000", "1e000000", "0000001e"] {
            let mut frame = hex(text);
            frame.extend(hex("60"));
            let stop = decode(LinkType::NULL, &frame, 0).stop.unwrap();
            assert_eq!(stop.layer, Layer::Ipv6, "{text}");
        }
        // AppleTalk.
        let stop = decode(LinkType::LOOP, &hex("00000010 45"), 0).stop.unwrap();
        assert_eq!(stop.reason, Reason::Unknown { protocol: 16 });
    }
}
