//! Linux cooked captures, versions 1 and 2 (the "any" device and links without a header).

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, MacAddresses, Reason, ethernet, gre};

/// A version 1 header (LINKTYPE_LINUX_SLL).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 0 to us, 1 broadcast, 2 multicast, 3 between others, 4 sent by us.
    pub packet_type: u16,
    /// ARPHRD number of the device.
    pub hardware: u16,
    /// How many octets of `address` are used.
    pub address_len: u16,
    /// Link-layer address of the sender.
    pub address: [u8; 8],
    /// EtherType, or one of Linux's own numbers below 0x600.
    pub protocol: u16,
}

/// A version 2 header (LINKTYPE_LINUX_SLL2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderV2 {
    /// EtherType, or one of Linux's own numbers below 0x600.
    pub protocol: u16,
    /// Index of the interface.
    pub interface: u32,
    /// ARPHRD number of the device.
    pub hardware: u16,
    /// As in version 1.
    pub packet_type: u8,
    /// How many octets of `address` are used.
    pub address_len: u8,
    /// Link-layer address of the sender.
    pub address: [u8; 8],
}

/// ARPHRD_NETLINK: the protocol field is a netlink family.
const NETLINK: u16 = 824;
/// ARPHRD_IPGRE: the protocol field is GRE's.
const IPGRE: u16 = 778;
/// The protocol number of frames that start with an LLC header.
const LLC: u16 = 4;

impl Header {
    /// Octets of the header.
    pub const LEN: usize = 16;

    /// Parses the header.
    #[inline]
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (packet_type, hardware, address_len, address, protocol)) =
            (be::u16, be::u16, be::u16, be::array, be::u16).parse(head)?;
        Ok((
            rest,
            Self {
                packet_type,
                hardware,
                address_len,
                address,
                protocol,
            },
        ))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        be::put_u16(out, self.packet_type);
        be::put_u16(out, self.hardware);
        be::put_u16(out, self.address_len);
        out.extend_from_slice(&self.address);
        be::put_u16(out, self.protocol);
    }
}

impl HeaderV2 {
    /// Octets of the header.
    pub const LEN: usize = 20;

    /// Parses the header.
    #[inline]
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (protocol, _reserved, interface, hardware, packet_type, address_len, address)) = (
            be::u16,
            be::u16,
            be::u32,
            be::u16,
            be::u8,
            be::u8,
            be::array,
        )
            .parse(head)?;
        Ok((
            rest,
            Self {
                protocol,
                interface,
                hardware,
                packet_type,
                address_len,
                address,
            },
        ))
    }

    /// Appends the header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        be::put_u16(out, self.protocol);
        be::put_u16(out, 0);
        be::put_u32(out, self.interface);
        be::put_u16(out, self.hardware);
        out.extend_from_slice(&[self.packet_type, self.address_len]);
        out.extend_from_slice(&self.address);
    }
}

#[inline(never)]
pub(super) fn decode_v1<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::LinuxSll, input, Header::parse) else {
        return;
    };
    let Header {
        hardware,
        address_len,
        address,
        protocol,
        ..
    } = header;
    note_address(d, address_len, address);
    decode_payload(d, Layer::LinuxSll, hardware, protocol, rest);
}

#[inline(never)]
pub(super) fn decode_v2<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((header, rest)) = d.read(Layer::LinuxSll2, input, HeaderV2::parse) else {
        return;
    };
    let HeaderV2 {
        hardware,
        address_len,
        address,
        protocol,
        ..
    } = header;
    note_address(d, u16::from(address_len), address);
    decode_payload(d, Layer::LinuxSll2, hardware, protocol, rest);
}

/// A cooked capture knows the sender's address only.
fn note_address(d: &mut Decoder<'_, '_>, len: u16, address: [u8; 8]) {
    if len == 6 {
        let [a, b, c, e, f, g, ..] = address;
        d.out.mac = Some(MacAddresses {
            source: [a, b, c, e, f, g],
            destination: [0; 6],
        });
    }
}

#[inline(always)]
fn decode_payload<'a>(
    d: &mut Decoder<'a, '_>,
    layer: Layer,
    hardware: u16,
    protocol: u16,
    rest: Input<'a>,
) {
    match (hardware, protocol) {
        (NETLINK, _) => {
            let protocol = u32::from(protocol);
            d.stop(layer, rest, Reason::Unknown { protocol });
        }
        (IPGRE, _) => gre::decode_protocol(d, layer, protocol, rest),
        (_, LLC) => ethernet::decode_llc(d, rest),
        _ => d.ether_type(layer, protocol, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{check_cuts, cut_tests, emitted, hex};
    use crate::wire::{LinkType, decode};

    /// Sent by us on an Ethernet device, from 02:…:01, IPv4.
    const SAMPLE: &str = "00 04  00 01  00 06  02 00 00 00 00 01 00 00  08 00";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, header) = Header::parse(&bytes).unwrap();
        let expected = Header {
            packet_type: 4,
            hardware: 1,
            address_len: 6,
            address: [2, 0, 0, 0, 0, 1, 0, 0],
            protocol: 0x0800,
        };
        assert_eq!(header, expected);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Header::parse);

    #[test]
    fn parses_version_2() {
        // IPv6, reserved, interface 3, Ethernet, to us, six octets of address.
        let bytes = hex("86 dd  00 00  00 00 00 03  00 01  00  06  02 00 00 00 00 01 00 00");
        let (_, header) = HeaderV2::parse(&bytes).unwrap();
        let expected = HeaderV2 {
            protocol: 0x86dd,
            interface: 3,
            hardware: 1,
            packet_type: 0,
            address_len: 6,
            address: [2, 0, 0, 0, 0, 1, 0, 0],
        };
        assert_eq!(header, expected);
        assert_eq!(emitted(|out| header.emit(out)), bytes);
        check_cuts(&bytes, HeaderV2::parse);
    }

    #[test]
    fn wrong_length() {
        // An address of 300 octets is none.
        let frame = hex("00 04  00 01  01 2c  02 00 00 00 00 01 00 00  08 00");
        let decoded = decode(LinkType::LINUX_SLL, &frame, 0);
        assert_eq!(decoded.mac, None);
        assert_eq!(decoded.layers(), [Layer::LinuxSll]);
    }
}
