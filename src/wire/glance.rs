//! A glance at a frame that is not decoded yet: whose flow it probably is.

use super::ip::protocol;
use super::udp::may_tunnel;
use super::{Address, LinkType};

/// Sockets and protocol of a plain frame: TCP or UDP in whole IPv4 packets without options, in
/// Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// IP protocol: 6 or 17.
    pub protocol: u8,
    /// Source address and port.
    pub source: (Address, u16),
    /// Destination address and port.
    pub destination: (Address, u16),
}

/// Ethernet type, and IPv4 version and header length, of a frame that is taken.
const TYPE_AND_VERSION: [u8; 3] = [0x08, 0x00, 0x45];

/// More-fragments and the fragment offset, of IPv4's flags and offset.
const MORE_OR_OFFSET: u16 = 0x3fff;

/// Looks at a frame's flow; `None` for any frame that is not plain. Nothing is checked: the answer
/// is a guess, good for fetching memory ahead.
#[inline]
pub fn glance(link: LinkType, frame: &[u8]) -> Option<Glance> {
    if link != LinkType::ETHERNET {
        return None;
    }
    let head: &[u8; 38] = frame.first_chunk()?;
    #[rustfmt::skip]
    let [
        .., t0, t1, v, _, _, _, _, _, f0, f1, _, p, _, _, // types, flags and offset, protocol
        s0, s1, s2, s3, d0, d1, d2, d3, a, b, c, d, // addresses, ports
    ] = *head;
    let is_fragment = u16::from_be_bytes([f0, f1]) & MORE_OR_OFFSET != 0;
    if [t0, t1, v] != TYPE_AND_VERSION || is_fragment {
        return None;
    }
    let (from, to) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    match p {
        protocol::TCP => {}
        protocol::UDP if !may_tunnel(from, to) => {}
        _ => return None,
    }
    Some(Glance {
        protocol: p,
        source: (Address::v4([s0, s1, s2, s3]), from),
        destination: (Address::v4([d0, d1, d2, d3]), to),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Transport, decode};

    /// Ethernet, IPv4 10.0.0.1 > 10.0.0.2, UDP 4660 > 22136, no payload.
    const FRAME: [u8; 42] = [
        2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0,
        0, 1, 10, 0, 0, 2, 0x12, 0x34, 0x56, 0x78, 0, 8, 0, 0,
    ];

    #[test]
    fn agrees_with_the_decoder() {
        let glance = glance(LinkType::ETHERNET, &FRAME).unwrap();
        let decoded = decode(LinkType::ETHERNET, &FRAME, 42);
        let (ip, Transport::Udp(datagram)) = (decoded.ip.unwrap(), decoded.transport) else {
            panic!("not UDP");
        };
        assert_eq!(glance.source, (ip.source, datagram.source_port));
        assert_eq!(
            glance.destination,
            (ip.destination, datagram.destination_port)
        );
        assert_eq!(glance.protocol, ip.protocol);
    }

    #[test]
    fn what_may_be_a_tunnel_is_not_plain() {
        let mut tunnel = FRAME;
        tunnel[36..38].copy_from_slice(&4789_u16.to_be_bytes());
        assert_eq!(glance(LinkType::ETHERNET, &tunnel), None);
    }

    #[test]
    fn takes_only_plain_frames() {
        assert_eq!(glance(LinkType::RAW, &FRAME), None);
        assert_eq!(glance(LinkType::ETHERNET, &FRAME[..37]), None);
        for at in [12, 13, 14, 20, 21, 23] {
            let mut other = FRAME;
            other[at] ^= 0x81;
            assert_eq!(glance(LinkType::ETHERNET, &other), None);
        }
    }
}
