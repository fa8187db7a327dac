//! Ethernet II, and IEEE 802.3 length framing with LLC (IEEE 802.2) and SNAP.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, MacAddresses, Reason, ipv4};

/// EtherTypes that are decoded (IEEE registration authority, RFC 9542).
#[allow(missing_docs)]
pub mod ether_type {
    pub const IPV4: u16 = 0x0800;
    pub const ARP: u16 = 0x0806;
    /// IEEE 802.1Q customer tag.
    pub const VLAN: u16 = 0x8100;
    /// IEEE 802.1ad service tag.
    pub const QINQ: u16 = 0x88a8;
    /// Service tags from before 802.1ad.
    pub const QINQ_OLD: u16 = 0x9100;
    pub const QINQ_OLD_2: u16 = 0x9200;
    pub const QINQ_OLD_3: u16 = 0x9300;
    pub const IPV6: u16 = 0x86dd;
    pub const PPP: u16 = 0x880b;
    pub const MPLS: u16 = 0x8847;
    pub const MPLS_MULTICAST: u16 = 0x8848;
    pub const PPPOE_DISCOVERY: u16 = 0x8863;
    pub const PPPOE_SESSION: u16 = 0x8864;
    /// An LLC frame longer than 1500 bytes.
    pub const LLC_JUMBO: u16 = 0x8870;
    /// IEEE 802.1ah.
    pub const PBB: u16 = 0x88e7;
    /// A whole Ethernet frame (transparent Ethernet bridging).
    pub const BRIDGED: u16 = 0x6558;
}

/// The smallest value of the type field that is a type; up to [`LONGEST_802_3`] it is a length.
const FIRST_TYPE: u16 = 0x600;
const LONGEST_802_3: u16 = 1500;

/// An Ethernet header (IEEE 802.3 clause 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Destination MAC address.
    pub destination: [u8; 6],
    /// Source MAC address.
    pub source: [u8; 6],
    /// EtherType, or the length of an 802.3 frame when it is at most 1500.
    pub ether_type: u16,
}

impl Header {
    /// Octets of the header.
    pub const LEN: usize = 14;

    /// Parses the header.
    #[inline(always)]
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (destination, source, ether_type)) = (be::array, be::array, be::u16).parse(head)?;
        Ok((
            rest,
            Self {
                destination,
                source,
                ether_type,
            },
        ))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.destination);
        out.extend_from_slice(&self.source);
        be::put_u16(out, self.ether_type);
    }
}

/// An LLC header (IEEE 802.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Llc {
    /// Destination service access point.
    pub dsap: u8,
    /// Source service access point.
    pub ssap: u8,
    /// Control field: one octet for unnumbered frames (its lower two bits set), two otherwise.
    pub control: u16,
}

impl Llc {
    /// Unnumbered information.
    pub const UI: u16 = 0x03;
    /// The service access point of SNAP.
    pub const SNAP: u8 = 0xaa;
    /// The service access point of IP (RFC 948).
    pub const IP: u8 = 0x06;

    /// Parses the header.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, &[dsap, ssap, control]) = be::fixed(input)?;
        if control & 3 == 3 {
            return Ok((
                rest,
                Self {
                    dsap,
                    ssap,
                    control: u16::from(control),
                },
            ));
        }
        let (rest, &[.., high, low]) = be::fixed::<4>(input)?;
        Ok((
            rest,
            Self {
                dsap,
                ssap,
                control: u16::from_be_bytes([high, low]),
            },
        ))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.dsap, self.ssap]);
        match self.control {
            unnumbered @ 0..=0xff if unnumbered & 3 == 3 => out.push(unnumbered as u8),
            numbered => be::put_u16(out, numbered),
        }
    }
}

/// A SNAP header (IEEE 802, RFC 1042).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snap {
    /// Organization whose numbering `protocol` is; 0 for EtherTypes.
    pub oui: u32,
    /// Protocol.
    pub protocol: u16,
}

impl Snap {
    /// Parses the header.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<5>(input)?;
        let (_, (oui, protocol)) = (be::u24, be::u16).parse(head)?;
        Ok((rest, Self { oui, protocol }))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        be::put_u24(out, self.oui);
        be::put_u16(out, self.protocol);
    }
}

#[inline(never)]
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    decode_inline(d, input);
}

/// For the link type; the other is for frames in frames.
#[inline(always)]
pub(super) fn decode_inline<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::Ethernet, input, Header::parse) else {
        return;
    };
    let Header {
        destination,
        source,
        ether_type: kind,
    } = header;
    d.out.mac = Some(MacAddresses {
        source,
        destination,
    });
    // What the table says too, said first.
    if kind == ether_type::IPV4 {
        return ipv4::decode_inline(d, rest);
    }
    decode_type_or_length(d, Layer::Ethernet, kind, rest);
}

/// What follows a field that is an EtherType or an 802.3 length.
#[inline(always)]
pub(super) fn decode_type_or_length<'a>(
    d: &mut Decoder<'a, '_>,
    carrier: Layer,
    value: u16,
    input: Input<'a>,
) {
    if value >= FIRST_TYPE {
        d.ether_type(carrier, value, input);
    } else if value <= LONGEST_802_3 {
        decode_llc(d, input.confine(u32::from(value), carrier));
    } else {
        let reason = Reason::Invalid {
            field: "length/type",
            value: u32::from(value),
        };
        d.stop(carrier, input, reason);
    }
}

#[inline(never)]
pub(super) fn decode_llc<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((llc, rest)) = d.read(Layer::Llc, input, Llc::parse) else {
        return;
    };
    match (llc.dsap, llc.ssap, llc.control) {
        (Llc::SNAP, Llc::SNAP, Llc::UI) => decode_snap(d, rest),
        (Llc::IP, Llc::IP, Llc::UI) => super::ip::decode_by_version(d, Layer::Llc, rest),
        (dsap, ..) => {
            d.stop(
                Layer::Llc,
                rest,
                Reason::Unknown {
                    protocol: u32::from(dsap),
                },
            );
        }
    }
}

pub(super) fn decode_snap<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((snap, rest)) = d.read(Layer::Snap, input, Snap::parse) else {
        return;
    };
    match snap.oui {
        // Encapsulated Ethernet (RFC 1042), and its twin for bridges (IEEE 802.1H).
        0 | 0x00_00f8 => d.ether_type(Layer::Snap, snap.protocol, rest),
        _ => {
            let protocol = u32::from(snap.protocol);
            d.stop(Layer::Snap, rest, Reason::Unknown { protocol });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::LengthSource;
    use crate::wire::testing::{check_cuts, cut_tests, emitted, hex};

    /// To 02:…:02 from 02:…:01, IPv4.
    const SAMPLE: &str = "02 00 00 00 00 02  02 00 00 00 00 01  08 00";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (rest, header) = Header::parse(&bytes).unwrap();
        assert!(rest.is_empty());
        assert_eq!(header.destination, [2, 0, 0, 0, 0, 2]);
        assert_eq!(header.source, [2, 0, 0, 0, 0, 1]);
        assert_eq!(header.ether_type, ether_type::IPV4);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn parses_llc_and_snap() {
        // SNAP in LLC: DSAP, SSAP, unnumbered information; no organization, ARP.
        let bytes = hex("aa aa 03  00 00 00  08 06");
        let (rest, llc) = Llc::parse(&bytes).unwrap();
        let (_, snap) = Snap::parse(rest).unwrap();
        assert_eq!((llc.dsap, llc.ssap, llc.control), (0xaa, 0xaa, 3));
        assert_eq!((snap.oui, snap.protocol), (0, ether_type::ARP));
        let written = emitted(|out| {
            llc.emit(out);
            snap.emit(out);
        });
        assert_eq!(written, bytes);
        // A supervisory frame has a second control octet.
        let bytes = hex("f0 f0 01 02");
        let (_, llc) = Llc::parse(&bytes).unwrap();
        assert_eq!(llc.control, 0x0102);
        assert_eq!(emitted(|out| llc.emit(out)), bytes);
        check_cuts(&hex("aa aa 03"), Llc::parse);
        check_cuts(&hex("00 00 00 08 06"), Snap::parse);
    }

    #[test]
    fn wrong_length() {
        // 1501 to 1535 are neither a length nor a type.
        let frame = hex("02 00 00 00 00 02  02 00 00 00 00 01  05 dd  00 00");
        let decoded = decode_frame(&frame);
        let reason = Reason::Invalid {
            field: "length/type",
            value: 1501,
        };
        assert_eq!(decoded.stop.unwrap().reason, reason);
        // A length of 2 confines LLC, which needs 3 bytes, although padding follows.
        let frame = hex("02 00 00 00 00 02  02 00 00 00 00 01  00 02  aa aa 03 00 00");
        let reason = Reason::TooShort {
            needed: 3,
            had: 2,
            from: LengthSource::Field(Layer::Ethernet),
        };
        assert_eq!(decode_frame(&frame).stop.unwrap().reason, reason);
    }

    fn decode_frame(frame: &[u8]) -> crate::wire::Decoded<'_> {
        crate::wire::decode(crate::wire::LinkType::ETHERNET, frame, 0)
    }
}
