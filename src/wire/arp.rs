//! ARP (RFC 826), for IPv4 over Ethernet.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::ethernet::ether_type;
use super::{Address, Layer, Transport};

/// An ARP packet (RFC 826) for IPv4 over Ethernet; other kinds keep only the operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Sender hardware address.
    pub sender_mac: [u8; 6],
    /// Sender protocol address.
    pub sender: Address,
    /// Target hardware address.
    pub target_mac: [u8; 6],
    /// Target protocol address.
    pub target: Address,
}

impl Arp {
    /// Octets of a packet for IPv4 over Ethernet.
    pub const LEN: usize = 28;

    /// Parses a packet.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<8>(input)?;
        let (_, (_hardware, protocol, hardware_len, protocol_len, operation)) =
            (be::u16, be::u16, be::u8, be::u8, be::u16).parse(head)?;
        let addresses_len = 2 * (usize::from(hardware_len) + usize::from(protocol_len));
        let Ok((rest, addresses)) = be::bytes(addresses_len)(rest) else {
            return be::short(head.len() + addresses_len);
        };
        if (protocol, hardware_len, protocol_len) != (ether_type::IPV4, 6, 4) {
            return Ok((
                rest,
                Self {
                    operation,
                    ..Self::default()
                },
            ));
        }
        let (_, (sender_mac, sender, target_mac, target)) =
            (be::array, be::array, be::array, be::array).parse(addresses)?;
        let (sender, target) = (Address::v4(sender), Address::v4(target));
        Ok((
            rest,
            Self {
                operation,
                sender_mac,
                sender,
                target_mac,
                target,
            },
        ))
    }

    /// Appends the packet, as one for IPv4 over Ethernet.
    pub fn emit(&self, out: &mut Vec<u8>) {
        be::put_u16(out, 1);
        be::put_u16(out, ether_type::IPV4);
        out.extend_from_slice(&[6, 4]);
        be::put_u16(out, self.operation);
        out.extend_from_slice(&self.sender_mac);
        be::put_u32(out, self.sender.0 as u32);
        out.extend_from_slice(&self.target_mac);
        be::put_u32(out, self.target.0 as u32);
    }
}

#[inline(never)]
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((arp, _)) = d.read(Layer::Arp, input, Arp::parse) else {
        return;
    };
    d.out.transport = Transport::Arp(arp);
    // In a tunnel: the outer header did not carry it, the inner link did.
    d.out.ip = None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, hex};

    /// Ethernet, IPv4, address lengths, request, from 192.0.2.1, for 192.0.2.2.
    const SAMPLE: &str = "00 01  08 00  06 04  00 01
        02 00 00 00 00 01  c0 00 02 01  00 00 00 00 00 00  c0 00 02 02";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, arp) = Arp::parse(&bytes).unwrap();
        let expected = Arp {
            operation: 1,
            sender_mac: [2, 0, 0, 0, 0, 1],
            sender: Address::v4([192, 0, 2, 1]),
            target_mac: [0; 6],
            target: Address::v4([192, 0, 2, 2]),
        };
        assert_eq!(arp, expected);
        assert_eq!(emitted(|out| arp.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Arp::parse);

    #[test]
    fn wrong_length() {
        // Protocol addresses of 16 octets: another kind, of which the operation is kept.
        let mut bytes = hex("00 01  08 00  06 10  00 02");
        bytes.extend([0; 44]);
        let (rest, arp) = Arp::parse(&bytes).unwrap();
        assert!(rest.is_empty());
        assert_eq!(
            arp,
            Arp {
                operation: 2,
                ..Arp::default()
            }
        );
    }
}
