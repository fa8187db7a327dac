//! Tests of whole frames: what `decode` makes of one of each kind, whole and cut.

use proptest::prelude::*;

use super::frame_kinds::{MACS, TCP, ethernet, ipv4, ipv4_between, ipv6, kinds, outer, outer_udp};
use super::testing::hex;
use super::*;

#[test]
fn every_kind_of_frame_leads_to_its_segment() {
    for (link, text, layers) in kinds() {
        let frame = hex(&text);
        let decoded = decode(link, &frame, 0);
        assert_eq!(
            decoded.layers(),
            if layers[0] == Layer::Raw {
                &layers
            } else {
                &layers[..]
            }
        );
        assert_eq!(decoded.stop, None, "{layers:?}");
        let Transport::Tcp(segment) = &decoded.transport else {
            panic!("{layers:?}: {decoded:?}")
        };
        assert_eq!((segment.source_port, segment.payload), (443, &b"hi"[..]));
        let ip = decoded.ip.unwrap();
        assert_eq!((ip.protocol, ip.payload_len), (6, 34), "{layers:?}");
        let inner_v4 = Address::v4([192, 0, 2, 1]);
        let inner_v6 = Address(0x2001_0db8 << 96 | 1);
        assert_eq!(ip.source, if ip.version == 4 { inner_v4 } else { inner_v6 });
        let depth = layers
            .iter()
            .filter(|l| matches!(l, Layer::Ipv4 | Layer::Ipv6))
            .count();
        assert_eq!(decoded.tunnel.is_some(), depth > 1, "{layers:?}");
    }
}

#[test]
fn every_prefix_says_where_it_stopped() {
    for (link, text, layers) in kinds() {
        let frame = hex(&text);
        for len in 0..frame.len() - 2 {
            let decoded = decode(link, &frame[..len], frame.len() as u32);
            let context = format!("{layers:?} at {len}: {decoded:?}");
            let outer_stands = matches!(decoded.transport, Transport::Udp(_));
            assert!(decoded.stop.is_some() || outer_stands, "{context}");
            assert!(decoded.layers().len() <= layers.len(), "{context}");
            if let Some(stop) = decoded.stop {
                assert!(stop.offset as usize <= len, "{context}");
                let from = LengthSource::Capture;
                assert!(
                    matches!(stop.reason, Reason::TooShort { from: f, needed, had } if f == from && had < needed),
                    "{context}"
                );
            }
        }
        for len in frame.len() - 2..frame.len() {
            let decoded = decode(link, &frame[..len], frame.len() as u32);
            assert!(
                matches!(decoded.transport, Transport::Tcp(_)),
                "{layers:?} at {len}"
            );
            assert_eq!(decoded.stop, None, "only payload is missing");
        }
    }
}

#[test]
fn a_first_fragment_that_was_cut_is_decoded_as_far_as_it_goes() {
    let whole = hex(&ethernet(0x0800, &ipv4(6, TCP)).replace("00 01 40 00", "00 01 20 00"));
    let decoded = decode(LinkType::ETHERNET, &whole, 0);
    assert!(matches!(decoded.transport, Transport::Fragment(_)));
    let cut = &whole[..whole.len() - 1];
    let decoded = decode(LinkType::ETHERNET, cut, whole.len() as u32);
    let Transport::Tcp(segment) = decoded.transport else {
        panic!("{decoded:?}")
    };
    assert_eq!((segment.payload_len, segment.payload), (2, &b"h"[..]));
    // A datagram's length is that of all fragments: no damage.
    let udp = hex(
        &ethernet(0x0800, &outer(17, "c000 c001 1000 0000 00000000"))
            .replace("00 01 40 00", "00 01 20 00"),
    );
    let decoded = decode(LinkType::ETHERNET, &udp[..udp.len() - 2], udp.len() as u32);
    assert!(matches!(decoded.transport, Transport::Udp(_)));
    assert_eq!(decoded.stop, None);
}

/// The fast path and the long way must not differ.
#[test]
fn the_common_path_gives_what_the_decoder_gives() {
    let sample = hex(&ethernet(0x0800, &ipv4(6, TCP)));
    for at in 0..sample.len() {
        for value in [0, 1, 5, 0x2f, 0x45, 0x7f, 0x80, 0xf0, 0xff] {
            let mut frame = sample.clone();
            frame[at] = value;
            for (len, wire_len) in [(frame.len(), 0), (frame.len(), 90), (60, 68), (50, 68)] {
                let ours = decode(LinkType::ETHERNET, &frame[..len], wire_len);
                let theirs = decode_any(LinkType::ETHERNET, &frame[..len], wire_len);
                assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
            }
        }
    }
}

#[test]
fn a_tunnel_is_known_and_its_context_has_no_direction() {
    let tcp4 = ipv4(6, TCP);
    let forth = hex(&ipv4_between(
        "0a000001 0a000002",
        47,
        &format!("2000 0800 0000002a {tcp4}"),
    ));
    let back = hex(&ipv4_between(
        "0a000002 0a000001",
        47,
        &format!("2000 0800 0000002a {tcp4}"),
    ));
    let other = hex(&ipv4_between(
        "0a000001 0a000002",
        47,
        &format!("2000 0800 0000002b {tcp4}"),
    ));
    let decoded = decode(LinkType::IPV4, &forth, 0);
    let expected = Tunnel {
        kind: Layer::Gre,
        id: 42,
        source: Address::v4([10, 0, 0, 1]),
        destination: Address::v4([10, 0, 0, 2]),
    };
    assert_eq!(decoded.tunnel, Some(expected));
    assert_ne!(decoded.context, 0);
    assert_eq!(decode(LinkType::IPV4, &back, 0).context, decoded.context);
    assert_ne!(decode(LinkType::IPV4, &other, 0).context, decoded.context);
}

#[test]
fn the_two_directions_of_a_mobile_session_share_a_context() {
    let tcp4 = ipv4(6, TCP);
    let length = hex(&tcp4).len();
    let context = |teid: &str| {
        let packet = hex(&outer_udp(
            2152,
            &format!("30 ff {length:04x} {teid} {tcp4}"),
        ));
        decode(LinkType::IPV4, &packet, 0).context
    };
    assert_eq!(context("00000001"), context("00000002"));
}

#[test]
fn a_tunnel_port_without_a_tunnel_is_a_datagram() {
    for (port, payload) in [
        (4789, "00 00 00 00 00 00 2a 00 01 02"), // no I flag
        (4789, "08 00 00 00 00 00 2a 00 01 02"), // no Ethernet header
        (4789, "01 02"),
        (6081, "ff 00 00 00"),
        (2152, "30 01 00 04 00 00 00 00 00 00 00 00"), // an echo request
        (2152, "48 20 00 04 00 00 00 00"),
    ] {
        let packet = hex(&outer_udp(port, payload));
        let decoded = decode(LinkType::IPV4, &packet, 0);
        let Transport::Udp(datagram) = &decoded.transport else {
            panic!("{payload}: {decoded:?}")
        };
        assert_eq!(
            (datagram.destination_port, datagram.payload),
            (port, &hex(payload)[..])
        );
        assert_eq!(decoded.layers(), [Layer::Ipv4, Layer::Udp], "{payload}");
        assert_eq!(
            (decoded.stop, decoded.tunnel, decoded.context),
            (None, None, 0)
        );
    }
}

#[test]
fn a_tunnelled_frame_without_ip_stays_with_its_datagram() {
    // LLDP in VXLAN.
    let frame = format!("08 00 00 00 00 00 2a 00 {}", ethernet(0x88cc, "02 07"));
    let packet = hex(&outer_udp(4789, &frame));
    let decoded = decode(LinkType::IPV4, &packet, 0);
    assert!(matches!(decoded.transport, Transport::Udp(_)));
    assert_eq!(decoded.tunnel, None);
    let layers = [Layer::Ipv4, Layer::Udp, Layer::Vxlan, Layer::Ethernet];
    assert_eq!(decoded.layers(), layers);
    let reason = Reason::Unknown { protocol: 0x88cc };
    assert_eq!(decoded.stop.unwrap().reason, reason);
}

#[test]
fn an_inner_packet_that_stops_keeps_what_parsed() {
    // The inner TCP header says 60 octets.
    let mut inner = hex(&ipv4(6, TCP));
    inner[32] = 0xf0;
    let text: String = inner.iter().map(|byte| format!("{byte:02x}")).collect();
    let packet = hex(&outer(4, &text));
    let decoded = decode(LinkType::IPV4, &packet, 0);
    assert_eq!(decoded.ip.unwrap().source, Address::v4([192, 0, 2, 1]));
    assert!(decoded.tunnel.is_some());
    assert!(matches!(decoded.transport, Transport::None));
    assert_eq!(decoded.stop.unwrap().layer, Layer::Tcp);
}

#[test]
fn fragments_are_put_together_elsewhere_and_decoded_here() {
    let tcp = hex(TCP);
    // IPv4: the first 24 octets with more to come.
    let mut first = hex(&ethernet(0x8100, &format!("0064 0800 {}", ipv4(6, TCP))));
    first[18 + 2..18 + 4].copy_from_slice(&[0, 44]);
    first[18 + 6] = 0x20;
    let decoded = decode(LinkType::ETHERNET, &first, 0);
    let Transport::Fragment(part) = decoded.transport else {
        panic!("{decoded:?}")
    };
    assert_eq!(part, &tcp[..24]);
    let ip = decoded.ip.unwrap();
    assert_eq!(
        ip.fragment,
        Some(Fragment {
            offset: 0,
            more: true
        })
    );
    assert_eq!((ip.id, ip.payload_len), (Some(1), 24));
    let whole = decode_reassembled(&decoded, &tcp);
    assert!(matches!(&whole.transport, Transport::Tcp(s) if s.payload == b"hi"));
    assert_eq!(
        whole.layers(),
        [Layer::Ethernet, Layer::Vlan, Layer::Ipv4, Layer::Tcp]
    );
    assert_eq!(
        whole.ip.unwrap(),
        Ip {
            fragment: None,
            payload_len: 34,
            ..ip
        }
    );
    assert_eq!((whole.context, whole.mac), (decoded.context, decoded.mac));
    // IPv6: the last part, from octet 8 on.
    let packet = hex(&ipv6(44, "3c 00 0008 0000002a 61 62"));
    let decoded = decode(LinkType::IPV6, &packet, 0);
    let ip = decoded.ip.unwrap();
    assert_eq!(
        ip.fragment,
        Some(Fragment {
            offset: 8,
            more: false
        })
    );
    assert_eq!((ip.id, ip.protocol, ip.payload_len), (Some(42), 60, 2));
    // What was fragmented may start with extension headers.
    let mut payload = hex("06 00 01 04 00 00 00 00");
    payload.extend(&tcp);
    let whole = decode_reassembled(&decoded, &payload);
    assert!(matches!(whole.transport, Transport::Tcp(_)));
    let ip = whole.ip.unwrap();
    assert_eq!((ip.protocol, ip.payload_len, ip.fragment), (6, 34, None));
}

#[test]
fn a_reassembled_datagram_may_be_a_tunnel() {
    let packet = outer_udp(
        4789,
        &format!("08000000 00002a00 {}", ethernet(0x0800, &ipv4(6, TCP))),
    );
    let mut bytes = hex(&packet);
    let payload = bytes[20..].to_vec();
    bytes[6] = 0x20;
    let decoded = decode(LinkType::IPV4, &bytes, 0);
    assert!(matches!(decoded.transport, Transport::Fragment(_)));
    let whole = decode_reassembled(&decoded, &payload);
    assert!(matches!(whole.transport, Transport::Tcp(_)));
    assert_eq!(whole.tunnel.unwrap().id, 42);
    assert_eq!(whole.ip.unwrap().source, Address::v4([192, 0, 2, 1]));
}

#[test]
fn nesting_ends() {
    let tags = "8100 0001 ".repeat(100);
    let frame = hex(&format!("{MACS} {tags} 0800"));
    let decoded = decode(LinkType::ETHERNET, &frame, 0);
    assert_eq!(decoded.layers().len(), MAX_LAYERS);
    assert_eq!(decoded.stop.unwrap().reason, Reason::TooDeep);
    assert_eq!(usize::from(decoded.vlan_count), MAX_LAYERS - 1);
}

#[test]
fn an_unknown_link_type_is_named() {
    let decoded = decode(LinkType(189), &[0; 64], 64);
    let stop = Stop {
        layer: Layer::Link,
        offset: 0,
        reason: Reason::Unknown { protocol: 189 },
    };
    assert_eq!(decoded.stop, Some(stop));
}

/// All link types that are decoded, and one that is not.
const LINKS: [LinkType; 36] = [
    LinkType::IEEE802_5,
    LinkType::ARCNET_BSD,
    LinkType::ARCNET_LINUX,
    LinkType::ATM_RFC1483,
    LinkType::SUNATM,
    LinkType::FRELAY,
    LinkType::IP_OVER_FC,
    LinkType::IEEE802_11_PRISM,
    LinkType::IEEE802_11_AVS,
    LinkType::JUNIPER_ETHER,
    LinkType::JUNIPER_FRELAY,
    LinkType::ERF,
    LinkType::NETANALYZER,
    LinkType::PKTAP,
    LinkType::FDDI,
    LinkType::IEEE802_11,
    LinkType::RADIOTAP,
    LinkType::NFLOG,
    LinkType::NULL,
    LinkType::ETHERNET,
    LinkType::PPP,
    LinkType::PPP_SERIAL,
    LinkType::PPP_ETHER,
    LinkType::RAW,
    LinkType::RAW_BSD,
    LinkType::RAW_OPENBSD,
    LinkType::C_HDLC,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::PPP_PPPD,
    LinkType::PPP_WITH_DIR,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::LINUX_SLL2,
    LinkType(189),
    LinkType(u32::MAX),
];

/// Decodes and looks at everything there is to look at.
fn exercise(link: LinkType, frame: &[u8], wire_len: u32) {
    let decoded = decode(link, frame, wire_len);
    let wire_len = wire_len.max(frame.len() as u32);
    if let Some(ip) = decoded.ip {
        assert!(ip.payload_len <= wire_len);
    }
    if let Some(stop) = decoded.stop {
        assert!(stop.offset as usize <= frame.len());
        let _ = stop.to_string();
    }
    match &decoded.transport {
        Transport::Tcp(segment) => {
            assert!(segment.payload.len() <= segment.payload_len as usize);
            assert!(segment.payload_len <= wire_len);
            let _ = segment.options.to_string();
            let _ = decoded.ip.map(|ip| segment.checksum_ok(&ip));
        }
        Transport::Udp(datagram) => {
            assert!(datagram.payload.len() <= datagram.payload_len as usize);
            let _ = decoded.ip.map(|ip| datagram.checksum_ok(&ip));
        }
        Transport::Fragment(payload) => {
            let _ = decode_reassembled(&decoded, payload);
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        frame in proptest::collection::vec(any::<u8>(), 0..200),
        wire_len: u32,
    ) {
        for link in LINKS {
            exercise(link, &frame, wire_len);
        }
    }

    /// Random bytes rarely get past a first header: damage good frames instead.
    #[test]
    fn no_damage_makes_it_panic(
        kind: proptest::sample::Index,
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        len: proptest::sample::Index,
        wire_len in 0_u32..300,
    ) {
        let kinds = kinds();
        let (link, text, _) = kind.get(&kinds);
        let mut frame = hex(text);
        for (at, value) in damage {
            *at.get_mut(&mut frame) = value;
        }
        exercise(*link, &frame, wire_len);
        exercise(*link, &frame[..len.index(frame.len())], wire_len);
    }
}
