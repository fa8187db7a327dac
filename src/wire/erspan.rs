//! Mirrored frames in GRE: ERSPAN types I, II and III (draft-foschiano-erspan).

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, ethernet, ip};

/// GRE protocol of types I and II.
pub const TYPE_I_OR_II: u16 = 0x88be;
/// GRE protocol of type III.
pub const TYPE_III: u16 = 0x22eb;

/// An ERSPAN header, types II and III: what they have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 1 for type II, 2 for type III.
    pub version: u8,
    /// VLAN of the mirrored frame.
    pub vlan: u16,
    /// Session, 10 bits.
    pub session: u16,
    /// Type III: what the mirrored frame is, 0 for Ethernet and 2 for IP.
    pub frame_type: u8,
}

impl Header {
    /// Parses a type II header.
    pub fn parse_ii(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<8>(input)?;
        let (_, (vlan, session)) = (be::u16, be::u16).parse(head)?;
        Ok((rest, Self::new(vlan, session, 0)))
    }

    /// Parses a type III header with its subheader.
    pub fn parse_iii(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<12>(input)?;
        let (_, (vlan, session, _time, _group, flags)) =
            (be::u16, be::u16, be::u32, be::u16, be::u16).parse(head)?;
        let rest = match flags & 1 {
            0 => rest,
            _ => be::bytes(8)(rest).or_else(|_| be::short(20))?.0,
        };
        Ok((rest, Self::new(vlan, session, (flags >> 10) as u8 & 0x1f)))
    }

    const fn new(vlan: u16, session: u16, frame_type: u8) -> Self {
        let version = (vlan >> 12) as u8;
        Self {
            version,
            vlan: vlan & 0xfff,
            session: session & 0x3ff,
            frame_type,
        }
    }

    /// Appends the header as one of type II.
    pub fn emit_ii(&self, out: &mut Vec<u8>) {
        be::put_u16(out, 1 << 12 | self.vlan & 0xfff);
        be::put_u16(out, self.session & 0x3ff);
        be::put_u32(out, 0);
    }

    /// Appends the header as one of type III, without a subheader.
    pub fn emit_iii(&self, out: &mut Vec<u8>) {
        be::put_u16(out, 2 << 12 | self.vlan & 0xfff);
        be::put_u16(out, self.session & 0x3ff);
        be::put_u32(out, 0);
        be::put_u16(out, 0);
        be::put_u16(out, u16::from(self.frame_type & 0x1f) << 10);
    }
}

/// Type I has no header of its own, nor a sequence number in GRE's.
pub(super) fn decode_i_or_ii<'a>(d: &mut Decoder<'a, '_>, sequenced: bool, input: Input<'a>) {
    if !sequenced {
        return ethernet::decode(d, input);
    }
    let Some((header, rest)) = d.read(Layer::Erspan, input, Header::parse_ii) else {
        return;
    };
    d.enter_tunnel(Layer::Erspan, u32::from(header.session), true);
    ethernet::decode(d, rest);
}

pub(super) fn decode_iii<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Erspan, input, Header::parse_iii) else {
        return;
    };
    d.enter_tunnel(Layer::Erspan, u32::from(header.session), true);
    match header.frame_type {
        0 => ethernet::decode(d, rest),
        2 => ip::decode_by_version(d, Layer::Erspan, rest),
        other => {
            d.stop(
                Layer::Erspan,
                rest,
                Reason::Unknown {
                    protocol: u32::from(other),
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{check_cuts, cut_tests, emitted, hex};

    /// Type II: VLAN 100, session 20.
    const SAMPLE: &str = "10 64  00 14  00 00 00 00";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse_ii(&bytes).unwrap();
        assert_eq!(
            header,
            Header {
                version: 1,
                vlan: 100,
                session: 20,
                frame_type: 0
            }
        );
        assert_eq!(emitted(|out| header.emit_ii(out)), bytes);
        // Type III: IP, no subheader.
        let bytes = hex("20 64  00 14  00 00 00 00  00 00  08 00");
        let (_, header) = Header::parse_iii(&bytes).unwrap();
        assert_eq!(
            header,
            Header {
                version: 2,
                vlan: 100,
                session: 20,
                frame_type: 2
            }
        );
        assert_eq!(emitted(|out| header.emit_iii(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse_ii);

    #[test]
    fn a_subheader_is_part_of_type_iii() {
        let bytes = hex("20 64  00 14  00 00 00 00  00 00  00 01  00 00 00 00 00 00 00 00");
        check_cuts(&bytes, Header::parse_iii);
    }
}
