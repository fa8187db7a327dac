//! What a router says about a packet that the next link does not take (RFC 1191, RFC 4443).

use super::packet::{Outgoing, ethernet_header};
use super::truth::Side;
use crate::wire::ethernet::ether_type;
use crate::wire::ip::protocol;
use crate::wire::{Address, Fragment, Icmp, ipv4, ipv6};

/// The frame of an ICMP error about a packet: destination unreachable, fragmentation needed
/// (RFC 1191), or packet too big (RFC 4443 section 3.2).
pub(super) fn too_long(about: &Outgoing, quoted: &[u8], mtu: u32) -> Vec<u8> {
    let to: Address = about.source.ip().into();
    let v4 = about.source.is_ipv4();
    let router = if v4 {
        Address::v4([192, 0, 2, 254])
    } else {
        let mut octets = [0; 16];
        octets[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        octets[15] = 0xfe;
        Address::v6(octets)
    };
    // Its IP header and the ports and sequence number of its segment (RFC 792): whoever quotes more
    // quotes a TCP checksum over octets that are not there, and readers call it wrong.
    let quoted_len = if v4 { ipv4::Header::LEN + 8 } else { 40 + 8 };
    let body = quoted.get(..quoted_len).unwrap_or(quoted);
    let icmp = Icmp {
        version: if v4 { 4 } else { 6 },
        kind: if v4 { 3 } else { 2 },
        code: if v4 { 4 } else { 0 },
        rest: mtu,
        body,
        quoted: None,
    };
    let mut message = Vec::new();
    icmp.emit(router, to, &mut message);
    let mut frame = Vec::new();
    let [client, server] = [1, 2].map(|host| [2, 0, 0, 0, 0, host]);
    let macs = match about.from {
        Side::Client => (server, client),
        Side::Server => (client, server),
    };
    if v4 {
        ethernet_header(macs, ether_type::IPV4, &mut frame);
        ipv4::Header {
            traffic_class: 0xc0,
            total_length: (ipv4::Header::LEN + message.len()) as u16,
            id: about.id ^ 0x5555,
            dont_fragment: false,
            fragment: Fragment::default(),
            ttl: 62,
            protocol: protocol::ICMP,
            source: router,
            destination: to,
            options: &[],
        }
        .emit(&mut frame);
    } else {
        ethernet_header(macs, ether_type::IPV6, &mut frame);
        ipv6::Header {
            traffic_class: 0,
            flow_label: 0,
            payload_length: message.len() as u16,
            next_header: protocol::ICMPV6,
            hop_limit: 62,
            source: router,
            destination: to,
        }
        .emit(&mut frame);
    }
    frame.extend_from_slice(&message);
    frame
}
