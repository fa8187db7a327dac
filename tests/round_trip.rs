//! What is written is read back the same: parse(emit(x)) = x, header by header and in whole frames.

use proptest::prelude::*;
use tcplens::wire::ip::protocol;
use tcplens::wire::tcp_option::{AccEcnOrder, OptionSet, SackBlock, SackBlocks, Timestamps};
use tcplens::wire::{
    Address, Arp, Datagram, Flags, Fragment, Icmp, LinkType, Segment, SeqNum, TcpOption,
    TcpOptions, Transport, ah, arp, decode, ethernet, fragment, geneve, gre, gtp, ipv4, ipv6,
    linux_sll, mpls, mptcp, pppoe, tcp_option, vlan, vxlan,
};

fn v4() -> impl Strategy<Value = Address> {
    any::<[u8; 4]>().prop_map(Address::v4)
}

fn v6() -> impl Strategy<Value = Address> {
    any::<[u8; 16]>().prop_map(Address::v6)
}

fn bytes(len: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), len)
}

/// A whole number of words, up to `max` of them.
fn words(max: usize) -> impl Strategy<Value = Vec<u8>> {
    (0..=max).prop_flat_map(|words| bytes(words * 4))
}

fn fragment_place() -> impl Strategy<Value = Fragment> {
    (0..0x2000_u16, any::<bool>()).prop_map(|(units, more)| Fragment {
        offset: units * 8,
        more,
    })
}

/// What an option holds, with its bytes owned.
#[derive(Clone, Debug)]
enum Content {
    Nop,
    Mss(u16),
    WindowScale(u8),
    SackPermitted,
    Sack(Vec<(u32, u32)>),
    Timestamps(u32, u32),
    FastOpen(Vec<u8>, bool),
    Mptcp(Vec<u8>),
    AccEcn(bool, Vec<u8>, bool),
    Md5([u8; 16]),
    Authentication(u8, u8, Vec<u8>),
    UserTimeout(u16, bool),
    Unknown(u8, Vec<u8>),
}

impl Content {
    fn borrow(&self) -> TcpOption<'_> {
        match self {
            Self::Nop => TcpOption::Nop,
            Self::Mss(mss) => TcpOption::Mss(*mss),
            Self::WindowScale(shift) => TcpOption::WindowScale(*shift),
            Self::SackPermitted => TcpOption::SackPermitted,
            Self::Sack(blocks) => {
                let blocks: Vec<_> = blocks
                    .iter()
                    .map(|&(left, right)| SackBlock {
                        left: SeqNum(left),
                        right: SeqNum(right),
                    })
                    .collect();
                TcpOption::Sack(SackBlocks::new(&blocks))
            }
            &Self::Timestamps(value, echo) => TcpOption::Timestamps(Timestamps { value, echo }),
            Self::FastOpen(cookie, experimental) => TcpOption::FastOpen {
                cookie,
                experimental: *experimental,
            },
            Self::Mptcp(data) => TcpOption::Mptcp {
                subtype: mptcp::Subtype(data[0] >> 4),
                data,
            },
            Self::AccEcn(ect0_first, counters, experimental) => TcpOption::AccEcn {
                order: if *ect0_first {
                    AccEcnOrder::Ect0First
                } else {
                    AccEcnOrder::Ect1First
                },
                counters,
                experimental: *experimental,
            },
            Self::Md5(digest) => TcpOption::Md5(digest),
            Self::Authentication(key, next_key, code) => TcpOption::Authentication {
                key: *key,
                next_key: *next_key,
                code,
            },
            &Self::UserTimeout(value, minutes) => TcpOption::UserTimeout { value, minutes },
            Self::Unknown(kind, data) => TcpOption::Unknown { kind: *kind, data },
        }
    }
}

fn option() -> impl Strategy<Value = Content> {
    prop_oneof![
        Just(Content::Nop),
        any::<u16>().prop_map(Content::Mss),
        any::<u8>().prop_map(Content::WindowScale),
        Just(Content::SackPermitted),
        proptest::collection::vec(any::<(u32, u32)>(), 0..=4).prop_map(Content::Sack),
        any::<(u32, u32)>().prop_map(|(value, echo)| Content::Timestamps(value, echo)),
        (
            prop_oneof![Just(0_usize), (2..=8_usize).prop_map(|half| half * 2)]
                .prop_flat_map(bytes),
            any::<bool>()
        )
            .prop_map(|(cookie, experimental)| Content::FastOpen(cookie, experimental)),
        bytes(1..=20).prop_map(Content::Mptcp),
        (
            any::<bool>(),
            (0..=3_usize).prop_flat_map(|counters| bytes(counters * 3)),
            any::<bool>()
        )
            .prop_map(|(order, counters, experimental)| {
                Content::AccEcn(order, counters, experimental)
            }),
        any::<[u8; 16]>().prop_map(Content::Md5),
        (any::<u8>(), any::<u8>(), bytes(0..=16))
            .prop_map(|(key, next, code)| Content::Authentication(key, next, code)),
        (0..0x8000_u16, any::<bool>())
            .prop_map(|(value, minutes)| Content::UserTimeout(value, minutes)),
        (64..=160_u8, bytes(0..=10)).prop_map(|(kind, data)| Content::Unknown(kind, data)),
    ]
}

/// Option bytes that fit a header, whole options only.
fn option_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(option(), 0..6).prop_map(|options| {
        let mut kept: Vec<TcpOption<'_>> = Vec::new();
        let mut raw = Vec::new();
        for option in &options {
            kept.push(option.borrow());
            let mut longer = Vec::new();
            tcp_option::emit(&kept, &mut longer);
            if longer.len() > 40 {
                kept.pop();
            } else {
                raw = longer;
            }
        }
        raw
    })
}

/// Writes `$header`, reads it back with `$parse` and expects the same, with nothing left over.
macro_rules! check {
    ($header:expr, $parse:expr) => {{
        let header = $header;
        let mut out = Vec::new();
        header.emit(&mut out);
        let (rest, parsed) = $parse(&out).expect("what was written can be read");
        prop_assert!(rest.is_empty());
        prop_assert_eq!(parsed, header);
    }};
}

proptest! {
    #[test]
    fn ethernet_and_vlan(
        destination: [u8; 6], source: [u8; 6], ether_type: u16,
        priority in 0..8_u8, drop_eligible: bool, id in 0..4096_u16,
    ) {
        check!(ethernet::Header { destination, source, ether_type }, ethernet::Header::parse);
        check!(vlan::Tag { priority, drop_eligible, id, ether_type }, vlan::Tag::parse);
    }

    #[test]
    fn cooked(
        protocol: u16, interface: u32, hardware: u16, packet_type: u8, address_len: u8,
        address: [u8; 8],
    ) {
        let v1 = linux_sll::Header {
            packet_type: packet_type.into(),
            hardware,
            address_len: address_len.into(),
            address,
            protocol,
        };
        check!(v1, linux_sll::Header::parse);
        let v2 = linux_sll::HeaderV2 {
            protocol, interface, hardware, packet_type, address_len, address,
        };
        check!(v2, linux_sll::HeaderV2::parse);
    }

    #[test]
    fn labels_and_sessions(
        value in 0..1_u32 << 20, traffic_class in 0..8_u8, bottom: bool, ttl: u8,
        code: u8, session: u16, length: u16,
    ) {
        check!(mpls::Label { value, traffic_class, bottom, ttl }, mpls::Label::parse);
        check!(pppoe::Header { code, session, length }, pppoe::Header::parse);
    }

    #[test]
    fn arp_packets(
        operation: u16, sender_mac: [u8; 6], target_mac: [u8; 6], sender in v4(), target in v4(),
    ) {
        check!(Arp { operation, sender_mac, sender, target_mac, target }, arp::Arp::parse);
    }

    #[test]
    fn ipv4_headers(
        (traffic_class, total_length, id) in any::<(u8, u16, u16)>(),
        (dont_fragment, ttl, protocol) in any::<(bool, u8, u8)>(),
        fragment in fragment_place(), source in v4(), destination in v4(), options in words(10),
    ) {
        let header = ipv4::Header {
            traffic_class, total_length, id, dont_fragment, fragment, ttl, protocol, source,
            destination, options: &options,
        };
        check!(header, ipv4::Header::parse);
        let mut out = Vec::new();
        header.emit(&mut out);
        prop_assert_eq!(ipv4::checksum_ok(&out), Some(true));
    }

    #[test]
    fn ipv6_headers(
        traffic_class: u8, flow_label in 0..1_u32 << 20, payload_length: u16, next_header: u8,
        hop_limit: u8, source in v6(), destination in v6(), id: u32, fragment in fragment_place(),
        spi: u32, sequence: u32, integrity in words(8),
    ) {
        let header = ipv6::Header {
            traffic_class, flow_label, payload_length, next_header, hop_limit, source, destination,
        };
        check!(header, ipv6::Header::parse);
        check!(fragment::Header { next_header, fragment, id }, fragment::Header::parse);
        let header = ah::Header { next_header, spi, sequence, check: &integrity };
        check!(header, ah::Header::parse);
    }

    #[test]
    fn tunnels(
        protocol: u16, checksum: Option<u16>, key: Option<u32>, sequence: Option<u32>,
        acknowledgment: u32, vni in 0..1_u32 << 24, options in words(63),
        control: bool, critical: bool, message: u8, length: u16, teid: u32, number: Option<u16>,
    ) {
        let v0 = gre::Header {
            version: 0, protocol, checksum, key, sequence, acknowledgment: None,
        };
        check!(v0, gre::Header::parse);
        check!(gre::Header { version: 1, acknowledgment: Some(acknowledgment), ..v0 },
            gre::Header::parse);
        check!(vxlan::Header { vni }, vxlan::Header::parse);
        check!(geneve::Header { vni, protocol, control, critical, options: &options },
            geneve::Header::parse);
        check!(gtp::Header { message, length, teid, sequence: number }, gtp::Header::parse);
    }

    #[test]
    fn options(raw in option_bytes()) {
        let parsed = TcpOptions::parse(&raw);
        prop_assert_eq!(parsed.raw, &raw[..]);
        prop_assert_eq!(parsed.others.0 & OptionSet::MALFORMED, 0);
        let list: Vec<_> = parsed.iter().collect();
        let mut out = Vec::new();
        tcp_option::emit(&list, &mut out);
        prop_assert_eq!(out, raw);
    }

    #[test]
    fn one_option(option in option()) {
        let mut raw = Vec::new();
        option.borrow().emit(&mut raw);
        let list: Vec<_> = TcpOptions::parse(&raw).iter().collect();
        prop_assert_eq!(list, [option.borrow()]);
    }

    /// TCP in IPv4 and IPv6 in Ethernet: through the front door, checksums and all.
    #[test]
    fn tcp_frames(
        (source_port, destination_port, seq, ack) in any::<(u16, u16, u32, u32)>(),
        flags in 0..0x1000_u16, window: u16, urgent: u16, raw in option_bytes(),
        payload in bytes(0..100), (from4, to4, from6, to6) in (v4(), v4(), v6(), v6()),
        wide: bool, padding in 0..20_usize,
    ) {
        let (source, destination) = if wide { (from6, to6) } else { (from4, to4) };
        let segment = Segment {
            source_port, destination_port, seq: SeqNum(seq), ack: SeqNum(ack), flags: Flags(flags),
            window, checksum: 0, urgent, options: TcpOptions::parse(&raw),
            payload_len: payload.len() as u32, payload: &payload,
        };
        let mut frame = Vec::new();
        emit_ip(&mut frame, source, destination, protocol::TCP, 20 + raw.len() + payload.len());
        segment.emit_checked(source, destination, &mut frame);
        frame.resize(frame.len() + padding, 0);

        let decoded = decode(LinkType::ETHERNET, &frame, frame.len() as u32);
        prop_assert_eq!(decoded.stop, None);
        let ip = decoded.ip.expect("IP");
        prop_assert_eq!((ip.source, ip.destination), (source, destination));
        let Transport::Tcp(parsed) = decoded.transport else { panic!("TCP") };
        prop_assert_eq!(parsed.checksum_ok(&ip), Some(true));
        let expected = Segment { checksum: parsed.checksum, ..segment };
        prop_assert_eq!(format!("{parsed:?}"), format!("{expected:?}"));
    }

    #[test]
    fn udp_frames(
        source_port: u16, payload in bytes(0..100), wide: bool,
        (from4, to4, from6, to6) in (v4(), v4(), v6(), v6()),
    ) {
        let (source, destination) = if wide { (from6, to6) } else { (from4, to4) };
        let payload_len = payload.len() as u32;
        let datagram = Datagram {
            source_port, destination_port: 53, checksum: 0, payload_len, payload: &payload,
        };
        let mut frame = Vec::new();
        emit_ip(&mut frame, source, destination, protocol::UDP, 8 + payload.len());
        datagram.emit_checked(source, destination, &mut frame);

        // Ports of tunnels are another matter.
        prop_assume!(source_port != gtp::PORT);
        let decoded = decode(LinkType::ETHERNET, &frame, frame.len() as u32);
        prop_assert_eq!(decoded.stop, None);
        let Transport::Udp(parsed) = decoded.transport else { panic!("UDP") };
        prop_assert_eq!(parsed.checksum_ok(&decoded.ip.expect("IP")), Some(true));
        prop_assert_eq!(parsed, Datagram { checksum: parsed.checksum, ..datagram });
    }

    #[test]
    fn icmp_messages(kind: u8, code: u8, rest: u32, body in bytes(0..80), wide: bool, from in v6(),
        to in v6())
    {
        let version = if wide { 6 } else { 4 };
        // The quoted packet follows from the body.
        let bare = Icmp { version, kind, code, rest, quoted: None, body: &body };
        let mut out = Vec::new();
        bare.emit(from, to, &mut out);
        let (left, parsed) = Icmp::parse(version)(&out).expect("ICMP");
        prop_assert!(left.is_empty());
        prop_assert_eq!(Icmp { quoted: None, ..parsed }, bare);
    }

    /// A segment in IPv4 in Ethernet in VXLAN.
    #[test]
    fn vxlan_frames(vni in 0..1_u32 << 24, seq: u32, payload in bytes(0..50)) {
        let [a, b, c, d] = [1, 2, 3, 4].map(|host| Address::v4([192, 0, 2, host]));
        let segment = Segment {
            source_port: 1, destination_port: 2, seq: SeqNum(seq), ack: SeqNum(0),
            flags: Flags::ACK, window: 3, checksum: 0, urgent: 0, options: TcpOptions::default(),
            payload_len: payload.len() as u32, payload: &payload,
        };
        let mut inner = Vec::new();
        vxlan::Header { vni }.emit(&mut inner);
        emit_ip(&mut inner, c, d, protocol::TCP, 20 + payload.len());
        segment.emit_checked(c, d, &mut inner);
        let datagram = Datagram {
            source_port: 40000, destination_port: vxlan::PORT, checksum: 0,
            payload_len: inner.len() as u32, payload: &inner,
        };
        let mut frame = Vec::new();
        emit_ip(&mut frame, a, b, protocol::UDP, 8 + inner.len());
        datagram.emit(&mut frame);

        let decoded = decode(LinkType::ETHERNET, &frame, 0);
        let tunnel = decoded.tunnel.expect("a tunnel");
        prop_assert_eq!((tunnel.id, tunnel.source, tunnel.destination), (vni, a, b));
        let Transport::Tcp(parsed) = decoded.transport else { panic!("TCP") };
        prop_assert_eq!((parsed.seq, parsed.payload), (SeqNum(seq), &payload[..]));
    }
}

/// Appends an Ethernet and an IP header of the addresses' version.
fn emit_ip(out: &mut Vec<u8>, source: Address, destination: Address, protocol: u8, len: usize) {
    let v4 = source.to_ip().is_ipv4() && destination.to_ip().is_ipv4();
    let ether_type = if v4 {
        ethernet::ether_type::IPV4
    } else {
        ethernet::ether_type::IPV6
    };
    let link = ethernet::Header {
        destination: [2, 0, 0, 0, 0, 2],
        source: [2, 0, 0, 0, 0, 1],
        ether_type,
    };
    link.emit(out);
    if v4 {
        let header = ipv4::Header {
            traffic_class: 0,
            total_length: (20 + len) as u16,
            id: 1,
            dont_fragment: true,
            fragment: Fragment::default(),
            ttl: 64,
            protocol,
            source,
            destination,
            options: &[],
        };
        header.emit(out);
    } else {
        let header = ipv6::Header {
            traffic_class: 0,
            flow_label: 0,
            payload_length: len as u16,
            next_header: protocol,
            hop_limit: 64,
            source,
            destination,
        };
        header.emit(out);
    }
}
