//! VXLAN (RFC 7348).

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, ethernet, ipv4, ipv6, mpls};

/// The port that IANA assigned.
pub const PORT: u16 = 4789;
/// The port that Linux used before, and still does by default.
pub const PORT_BEFORE: u16 = 8472;

/// The port of the generic protocol extension, where the header says what it carries
/// (draft-ietf-nvo3-vxlan-gpe).
pub const GPE_PORT: u16 = 4790;

/// A VXLAN header (RFC 7348 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// VXLAN network identifier, 24 bits.
    pub vni: u32,
}

impl Header {
    /// Octets of the header.
    pub const LEN: usize = 8;
    /// The I flag: the identifier is valid.
    const VALID: u8 = 0x08;

    /// Parses the header. Reserved fields "MUST be ignored on receipt"; only the I flag counts.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (flags, _reserved, vni)) = (be::u8, be::u24, be::u24).parse(head)?;
        if flags & Self::VALID == 0 {
            return be::invalid("flags", u32::from(flags));
        }
        Ok((rest, Self { vni }))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[Self::VALID, 0, 0, 0]);
        be::put_u24(out, self.vni);
        be::put_u8(out, 0);
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Vxlan, input, Header::parse) else {
        return;
    };
    d.enter_tunnel(Layer::Vxlan, header.vni, true);
    ethernet::decode(d, rest);
}

/// The extension: a P flag, and the next protocol in the last reserved octet before the identifier.
pub(super) fn decode_gpe<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Vxlan, input, Header::parse) else {
        return;
    };
    d.enter_tunnel(Layer::Vxlan, header.vni, true);
    match input.bytes {
        &[flags, _, _, next, ..] if flags & 0x04 != 0 => match next {
            1 => ipv4::decode(d, rest),
            2 => ipv6::decode(d, rest),
            3 => ethernet::decode(d, rest),
            5 => mpls::decode(d, rest),
            other => {
                let protocol = u32::from(other);
                d.stop(Layer::Vxlan, rest, Reason::Unknown { protocol });
            }
        },
        _ => ethernet::decode(d, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{cut_tests, emitted, fault, hex};

    /// The I flag, network 0x123456.
    const SAMPLE: &str = "08 00 00 00  12 34 56 00";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        assert_eq!(header, Header { vni: 0x12_3456 });
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn without_the_i_flag_it_is_something_else() {
        let fault = fault(Header::parse(&hex("00 00 00 00 12 34 56 00")));
        assert_eq!(
            fault,
            Fault::Invalid {
                field: "flags",
                value: 0
            }
        );
    }
}
