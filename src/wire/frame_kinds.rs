//! For tests: a frame of each kind, in hex.

use super::testing::hex;
use super::{Layer, LinkType};

/// To and from MAC addresses, without the type.
pub(super) const MACS: &str = "02 00 00 00 00 02  02 00 00 00 00 01";
/// TCP from port 443 to 54321 with timestamps, 2 octets of payload: 34 octets.
pub(super) const TCP: &str = "01 bb  d4 31  00 00 10 00  00 00 20 00  80 18 01 f6  00 00 00 00
    01 01 08 0a 00 00 00 01 00 00 00 02  68 69";
/// The addresses of inner packets.
pub(super) const V4: &str = "c0 00 02 01  c6 33 64 02";
pub(super) const V6: &str = "20 01 0d b8 00 00 00 00  00 00 00 00 00 00 00 01
    20 01 0d b8 00 00 00 00  00 00 00 00 00 00 00 02";

pub(super) fn ipv4_between(addresses: &str, protocol: u8, payload: &str) -> String {
    let total_length = 20 + hex(payload).len();
    format!("45 00 {total_length:04x}  00 01 40 00  40 {protocol:02x} 00 00  {addresses} {payload}")
}

pub(super) fn ipv4(protocol: u8, payload: &str) -> String {
    ipv4_between(V4, protocol, payload)
}

/// Outer addresses: 10.0.0.1 and 10.0.0.2.
pub(super) fn outer(protocol: u8, payload: &str) -> String {
    ipv4_between("0a 00 00 01  0a 00 00 02", protocol, payload)
}

pub(super) fn outer_udp(port: u16, payload: &str) -> String {
    let length = 8 + hex(payload).len();
    outer(
        17,
        &format!("c0 00 {port:04x} {length:04x} 00 00 {payload}"),
    )
}

pub(super) fn ipv6(next_header: u8, payload: &str) -> String {
    let length = hex(payload).len();
    format!("60 00 00 00  {length:04x} {next_header:02x} 40  {V6} {payload}")
}

pub(super) fn ethernet(ether_type: u16, payload: &str) -> String {
    format!("{MACS} {ether_type:04x} {payload}")
}

/// A frame of each kind that ends in the same TCP segment, and its layers between the link and IP.
pub(super) fn kinds() -> Vec<(LinkType, String, Vec<Layer>)> {
    use Layer::*;
    let tcp4 = ipv4(6, TCP);
    let tcp6 = ipv6(6, TCP);
    let inner = ethernet(0x0800, &tcp4);
    let ether = LinkType::ETHERNET;
    let ppp_length = hex(&tcp4).len() + 2;
    let llc_length = hex(&tcp4).len() + 8;
    let gtp_length = hex(&tcp4).len();
    let vxlan = outer_udp(4789, &format!("08 00 00 00 00 00 2a 00 {inner}"));
    vec![
        (ether, inner.clone(), vec![Ethernet, Ipv4, Tcp]),
        (ether, ethernet(0x86dd, &tcp6), vec![Ethernet, Ipv6, Tcp]),
        (
            ether,
            ethernet(0x88a8, &format!("0064 8100 00c8 0800 {tcp4}")),
            vec![Ethernet, Vlan, Vlan, Ipv4, Tcp],
        ),
        (
            ether,
            format!("{MACS} {llc_length:04x} aa aa 03 00 00 00 08 00 {tcp4}"),
            vec![Ethernet, Llc, Snap, Ipv4, Tcp],
        ),
        (
            ether,
            ethernet(0x8847, &format!("00 3e 80 ff 00 01 01 40 {tcp4}")),
            vec![Ethernet, Mpls, Ipv4, Tcp],
        ),
        (
            ether,
            ethernet(0x8847, &format!("00 01 01 40 00 00 00 00 {inner}")),
            vec![Ethernet, Mpls, Mpls, Ethernet, Ipv4, Tcp],
        ),
        (
            ether,
            ethernet(
                0x8864,
                &format!("11 00 00 01 {ppp_length:04x} 00 21 {tcp4}"),
            ),
            vec![Ethernet, Pppoe, Ppp, Ipv4, Tcp],
        ),
        (
            ether,
            ethernet(0x88e7, &format!("00 00 00 2a {inner}")),
            vec![Ethernet, Pbb, Ethernet, Ipv4, Tcp],
        ),
        (
            LinkType::LINUX_SLL,
            format!("0000 0001 0006 0200000000010000 0800 {tcp4}"),
            vec![LinuxSll, Ipv4, Tcp],
        ),
        (
            LinkType::LINUX_SLL2,
            format!("86dd 0000 00000003 0001 00 06 0200000000010000 {tcp6}"),
            vec![LinuxSll2, Ipv6, Tcp],
        ),
        (
            LinkType::NULL,
            format!("02000000 {tcp4}"),
            vec![Loopback, Ipv4, Tcp],
        ),
        (
            LinkType::LOOP,
            format!("00000018 {tcp6}"),
            vec![Loopback, Ipv6, Tcp],
        ),
        (LinkType::RAW, tcp4.clone(), vec![Raw, Ipv4, Tcp]),
        (
            LinkType::ARCNET_BSD,
            format!("01 02 d4 00 0001 {tcp4}"),
            vec![Arcnet, Ipv4, Tcp],
        ),
        (
            LinkType::ARCNET_LINUX,
            format!("01 02 0000 f0 {tcp4}"),
            vec![Arcnet, Ipv4, Tcp],
        ),
        (
            LinkType::IEEE802_5,
            format!("10 40 {MACS} aa aa 03 00 00 00 08 00 {tcp4}"),
            vec![TokenRing, Llc, Snap, Ipv4, Tcp],
        ),
        (
            LinkType::FRELAY,
            format!("18 41 03 cc {tcp4}"),
            vec![FrameRelay, Ipv4, Tcp],
        ),
        (
            LinkType::FRELAY,
            format!("18 41 86dd {tcp6}"),
            vec![FrameRelay, Ipv6, Tcp],
        ),
        (
            LinkType::ATM_RFC1483,
            format!("aa aa 03 00 00 00 08 00 {tcp4}"),
            vec![Llc, Snap, Ipv4, Tcp],
        ),
        (
            LinkType::SUNATM,
            format!("02 00 0064 aa aa 03 00 80 c2 00 07 00 00 {inner}"),
            vec![Atm, Ethernet, Ipv4, Tcp],
        ),
        (
            LinkType::IP_OVER_FC,
            format!("1000 020000000002 1000 020000000001 aa aa 03 00 00 00 08 00 {tcp4}"),
            vec![FibreChannel, Llc, Snap, Ipv4, Tcp],
        ),
        (
            LinkType::PKTAP,
            format!("10000000 01000000 01000000 00000000 {inner}"),
            vec![CaptureHeader, Ethernet, Ipv4, Tcp],
        ),
        (
            LinkType::NETANALYZER,
            format!("00000000 {inner}"),
            vec![CaptureHeader, Ethernet, Ipv4, Tcp],
        ),
        (
            LinkType::ERF,
            format!("0000000000000000 02000000 00000000 0000 {inner}"),
            vec![CaptureHeader, Ethernet, Ipv4, Tcp],
        ),
        (
            LinkType::JUNIPER_ETHER,
            format!("4d474301 {inner}"),
            vec![CaptureHeader, Ethernet, Ipv4, Tcp],
        ),
        (
            ether,
            ethernet(
                0x0800,
                &outer_udp(3544, &format!("0000efffffffffff {tcp6}")),
            ),
            vec![Ethernet, Ipv4, Udp, Teredo, Ipv6, Tcp],
        ),
        (LinkType::RAW_BSD, tcp6.clone(), vec![Raw, Ipv6, Tcp]),
        (LinkType::IPV4, tcp4.clone(), vec![Ipv4, Tcp]),
        (LinkType::IPV6, tcp6.clone(), vec![Ipv6, Tcp]),
        (
            LinkType::PPP,
            format!("ff03 0021 {tcp4}"),
            vec![Ppp, Ipv4, Tcp],
        ),
        (
            LinkType::PPP_SERIAL,
            format!("0f00 86dd {tcp6}"),
            vec![Chdlc, Ipv6, Tcp],
        ),
        (
            LinkType::PPP_PPPD,
            format!("00 03 0021 {tcp4}"),
            vec![Ppp, Ipv4, Tcp],
        ),
        (
            LinkType::PPP_WITH_DIR,
            format!("01 ff03 0057 {tcp6}"),
            vec![Ppp, Ipv6, Tcp],
        ),
        (
            LinkType::C_HDLC,
            format!("0f00 0800 {tcp4}"),
            vec![Chdlc, Ipv4, Tcp],
        ),
        (
            LinkType::IPV4,
            ipv4(51, &format!("06 01 0000 00000001 00000001 {TCP}")),
            vec![Ipv4, Extension, Tcp],
        ),
        (LinkType::IPV4, outer(4, &tcp4), vec![Ipv4, Ipv4, Tcp]),
        (LinkType::IPV4, outer(41, &tcp6), vec![Ipv4, Ipv6, Tcp]),
        (LinkType::IPV6, ipv6(4, &tcp4), vec![Ipv6, Ipv4, Tcp]),
        (
            LinkType::IPV4,
            outer(47, &format!("2000 0800 0000002a {tcp4}")),
            vec![Ipv4, Gre, Ipv4, Tcp],
        ),
        (
            LinkType::IPV4,
            outer(47, &format!("0000 6558 {inner}")),
            vec![Ipv4, Gre, Ethernet, Ipv4, Tcp],
        ),
        (
            LinkType::IPV4,
            outer(
                47,
                &format!("3001 880b {ppp_length:04x} 0005 00000001 0021 {tcp4}"),
            ),
            vec![Ipv4, Gre, Ppp, Ipv4, Tcp],
        ),
        (
            LinkType::IPV4,
            outer(
                47,
                &format!("1000 88be 00000001 1064 0014 00000000 {inner}"),
            ),
            vec![Ipv4, Gre, Erspan, Ethernet, Ipv4, Tcp],
        ),
        (
            LinkType::IPV4,
            outer(
                47,
                &format!("1000 22eb 00000001 2064 0014 00000000 0000 0000 {inner}"),
            ),
            vec![Ipv4, Gre, Erspan, Ethernet, Ipv4, Tcp],
        ),
        (
            LinkType::IPV4,
            outer(
                47,
                &format!("2001 6400 {:04x} 0500 {inner}", hex(&inner).len()),
            ),
            vec![Ipv4, Gre, Ethernet, Ipv4, Tcp],
        ),
        (
            LinkType::IPV4,
            vxlan.clone(),
            vec![Ipv4, Udp, Vxlan, Ethernet, Ipv4, Tcp],
        ),
        (
            LinkType::IPV4,
            outer_udp(6081, &format!("00 00 6558 00002a 00 {inner}")),
            vec![Ipv4, Udp, Geneve, Ethernet, Ipv4, Tcp],
        ),
        (
            LinkType::IPV4,
            outer_udp(2152, &format!("30 ff {gtp_length:04x} 0000002a {tcp4}")),
            vec![Ipv4, Udp, Gtp, Ipv4, Tcp],
        ),
        (
            LinkType::IPV4,
            outer_udp(4790, &format!("0c 00 00 01 00 00 2a 00 {tcp4}")),
            vec![Ipv4, Udp, Vxlan, Ipv4, Tcp],
        ),
        (
            LinkType::IPV4,
            outer_udp(1701, &format!("00 02 00 01 00 02 ff 03 00 21 {tcp4}")),
            vec![Ipv4, Udp, L2tp, Ppp, Ipv4, Tcp],
        ),
        (
            LinkType::FDDI,
            format!("50 {MACS} aa aa 03 00 00 00 08 00 {tcp4}"),
            vec![Fddi, Llc, Snap, Ipv4, Tcp],
        ),
        (
            LinkType::NFLOG,
            format!("02 00 00 2a 05 00 0a 00 00 00 00 00 00 02 09 00 {tcp4}"),
            vec![Nflog, Ipv4, Tcp],
        ),
        (
            LinkType::IEEE802_11,
            format!("08 02 00 00 {MACS} 02 00 00 00 00 03 00 00 aa aa 03 00 00 00 08 00 {tcp4}"),
            vec![Ieee80211, Llc, Snap, Ipv4, Tcp],
        ),
        (
            LinkType::IPV6,
            ipv6(4, &vxlan),
            vec![Ipv6, Ipv4, Udp, Vxlan, Ethernet, Ipv4, Tcp],
        ),
    ]
}
