//! Fields of frames beside TCP's: the frame itself, its link, IP, ICMP, ARP, UDP and tunnels, by
//! Wireshark's names.

use super::field::{Field, Kind, Known, Moment, Out, Side, Subject, Value};
use super::header_fields::WHOLE;
use crate::analysis::FlowView;
use crate::time::Timestamp;
use crate::wire::ip::protocol;
use crate::wire::{Arp, Datagram, Icmp, Layer, MacAddresses, Transport};

/// Gives a value that is there or not.
fn give<'v>(out: Out<'_>, value: Option<impl Into<Value<'v>>>) {
    if let Some(value) = value {
        out(value.into());
    }
}

fn since(now: Timestamp, then: Option<Timestamp>) -> Value<'static> {
    Value::Number(then.map_or(0, |then| now.since(then).as_nanos()))
}

fn mac<'a>(m: &Moment<'a>) -> Option<&'a MacAddresses> {
    m.view.decoded.mac.as_ref()
}

fn arp<'a>(m: &Moment<'a>) -> Option<&'a Arp> {
    match &m.view.decoded.transport {
        Transport::Arp(arp) => Some(arp),
        _ => None,
    }
}

fn udp<'a>(m: &Moment<'a>) -> Option<&'a Datagram<'a>> {
    match &m.view.decoded.transport {
        Transport::Udp(datagram) => Some(datagram),
        _ => None,
    }
}

/// ICMP messages with an identifier and a sequence number.
fn echo<'a>(m: &Moment<'a>) -> Option<&'a Icmp<'a>> {
    m.icmp(4)
        .filter(|icmp| matches!(icmp.kind, 0 | 8 | 13..=18))
}

/// The octets of a header and its payload, from where they stand in the frame.
pub(super) fn with_header<'a>(m: &Moment<'a>, header: usize, payload: &'a [u8]) -> &'a [u8] {
    let frame = m.view.frame.data;
    let start = (payload.as_ptr() as usize)
        .checked_sub(frame.as_ptr() as usize)
        .and_then(|at| at.checked_sub(header));
    // What was put together from fragments lies elsewhere.
    start
        .and_then(|start| frame.get(start..start + header + payload.len()))
        .unwrap_or(payload)
}

fn addresses(m: &Moment<'_>, version: u8, out: Out<'_>, which: (bool, bool)) {
    m.each_pair(|of, source, destination| {
        if of == version {
            if which.0 {
                out(Value::Address(source));
            }
            if which.1 {
                out(Value::Address(destination));
            }
        }
    });
}

/// The same of a conversation. What tunnels it came through is not known of it, but hardly asked.
fn known_addresses(s: &Side<'_>, version: u8, out: Out<'_>, which: (bool, bool)) -> bool {
    if s.subject.version() == version {
        if which.0 {
            out(Value::Address(s.source().address));
        }
        if which.1 {
            out(Value::Address(s.destination().address));
        }
    }
    true
}

fn transport_of(s: &Side<'_>) -> u8 {
    match s.subject {
        Subject::Tcp(_) => protocol::TCP,
        Subject::Udp(_) => protocol::UDP,
    }
}

/// Whether a layer is there, where the conversation's being what it is tells. Other layers may
/// still be there: those of tunnels.
fn is_there(out: Out<'_>, there: bool) -> bool {
    if there {
        out(Value::There);
    }
    there
}

fn udp_ports(m: &Moment<'_>, out: Out<'_>, which: (bool, bool)) {
    let own = udp(m).map(|datagram| (datagram.source_port, datagram.destination_port));
    let quoted = m.quoted_ports(protocol::UDP);
    for (source, destination) in own.into_iter().chain(quoted) {
        if which.0 {
            out(source.into());
        }
        if which.1 {
            out(destination.into());
        }
    }
}

fn known_udp_ports(s: &Side<'_>, out: Out<'_>, which: (bool, bool)) -> bool {
    if matches!(s.subject, Subject::Udp(_)) {
        if which.0 {
            out(s.source().port.into());
        }
        if which.1 {
            out(s.destination().port.into());
        }
    }
    true
}

fn tunnel_id(m: &Moment<'_>, kind: Layer, out: Out<'_>) {
    let tunnel = m.view.decoded.tunnel.filter(|tunnel| tunnel.kind == kind);
    give(out, tunnel.map(|tunnel| tunnel.id));
}

macro_rules! fields {
    ($($name:literal $kind:ident$([$bits:literal])? $says:literal $of:expr $(=> $known:ident $side:expr)?;)*) => {
        vec![$(Field::frame($name, Kind::$kind, $says, $of, fields!(@known $($known $side)?))$(.bits($bits))?,)*]
    };
    (@known) => { Known::No };
    (@known $known:ident $side:expr) => { Known::$known($side) };
}

macro_rules! layers {
    ($($name:literal $known:expr, $says:literal $($layer:ident)+;)*) => {
        vec![$(Field::frame($name, Kind::Protocol, $says, |m, out| {
            if m.has(&[$(Layer::$layer),+]) {
                out(Value::There);
            }
        }, $known),)*]
    };
}

pub(super) fn list() -> Vec<Field> {
    let mut list = fields! {
        "frame" Bytes "The captured bytes" |m, out| out(Value::Bytes(m.view.frame.data));
        "frame.number" Number "Its number, from 1" |m, out| out(m.view.frame.number.into());
        "frame.len" Number[32] "Its length on the wire" |m, out| out(m.view.frame.wire_len.into());
        "frame.cap_len" Number[32] "How much of it was captured" |m, out| out(m.view.frame.data.len().into());
        "frame.time" Time "When it was captured (UTC)" |m, out| out(Value::Number(m.view.frame.time.as_nanos()));
        "frame.time_epoch" Time "The same" |m, out| out(Value::Number(m.view.frame.time.as_nanos()));
        "frame.time_relative" Duration "Time since the first frame" |m, out| out(since(m.view.frame.time, m.before.first));
        "frame.time_delta" Duration "Time since the frame before" |m, out| out(since(m.view.frame.time, m.before.previous));
        "frame.interface_id" Number[32] "Index of the interface it was captured on, over all files and their sections; old pcap has none" |m, out| give(out, m.before.interface_id(m.view.frame.interface));
        "frame.interface_name" Text "Name of that interface" |m, out| give(out, m.before.interface_name(m.view.frame.interface).map(Value::Text));
        "eth" Bytes "Ethernet: header and payload; in slices and len the header" |m, out| if m.has(&[Layer::Ethernet]) {
            out(Value::There);
        };
        "eth.src" Ether "Source hardware address" |m, out| give(out, mac(m).map(|mac| mac.source));
        "eth.dst" Ether "Destination hardware address" |m, out| give(out, mac(m).map(|mac| mac.destination));
        "eth.addr" Ether "Either of them" |m, out| if let Some(mac) = mac(m) {
            out(mac.source.into());
            out(mac.destination.into());
        };
        "vlan.id" Number[16] "VLAN, of each tag" |m, out| {
            let decoded = m.view.decoded;
            for &vlan in decoded.vlans.iter().take(decoded.vlan_count.into()) {
                out(vlan.into());
            }
        };
        "arp.opcode" Number[16] "1 is a request, 2 a reply" |m, out| give(out, arp(m).map(|arp| arp.operation));
        "arp.src.hw_mac" Ether "Sender's hardware address" |m, out| give(out, arp(m).map(|arp| arp.sender_mac));
        "arp.src.proto_ipv4" Ipv4 "Sender's address" |m, out| give(out, arp(m).map(|arp| Value::Address(arp.sender)));
        "arp.dst.hw_mac" Ether "Target's hardware address" |m, out| give(out, arp(m).map(|arp| arp.target_mac));
        "arp.dst.proto_ipv4" Ipv4 "Target's address" |m, out| give(out, arp(m).map(|arp| Value::Address(arp.target)));
        "ip" Bytes "IPv4: header and payload; in slices and len the header" |m, out| {
            let quoted = m.icmp(4).is_some_and(|icmp| icmp.quoted.is_some());
            if m.has(&[Layer::Ipv4]) || quoted {
                out(Value::There);
            }
        } => Often |s, out| is_there(out, s.subject.version() == 4);
        "ip.version" Number[8] "4 or 6" |m, out| m.each_pair(|version, _, _| out(version.into())) => Same |s, out| {
            out(s.subject.version().into());
            true
        };
        "ip.src" Ipv4 "Source address; in a tunnel of both packets, and of one that an ICMP error quotes" |m, out| addresses(m, 4, out, (true, false)) => Same |s, out| known_addresses(s, 4, out, (true, false));
        "ip.dst" Ipv4 "Destination address, likewise" |m, out| addresses(m, 4, out, (false, true)) => Same |s, out| known_addresses(s, 4, out, (false, true));
        "ip.addr" Ipv4 "Either of them" |m, out| addresses(m, 4, out, (true, true)) => Same |s, out| known_addresses(s, 4, out, (true, true));
        "ip.proto" Number[8] "Protocol: 6 is TCP, 17 UDP, 1 ICMP" |m, out| {
            give(out, m.ip(4).map(|ip| ip.protocol));
            let quoted = m.icmp(4).and_then(|icmp| icmp.quoted);
            give(out, quoted.map(|quoted| quoted.protocol));
        } => Same |s, out| {
            if s.subject.version() == 4 {
                out(transport_of(s).into());
            }
            true
        };
        "ip.ttl" Number[8] "Time to live" |m, out| give(out, m.ip(4).map(|ip| ip.ttl));
        "ip.id" Number[16] "Identification" |m, out| give(out, m.ip(4).and_then(|ip| ip.id));
        "ip.flags.df" Flag "Don't fragment" |m, out| give(out, m.ip(4).map(|ip| ip.dont_fragment));
        "ip.flags.mf" Flag "More fragments follow" |m, out| give(out, m.ip(4).map(|ip| ip.fragment.is_some_and(|fragment| fragment.more)));
        "ip.frag_offset" Number[16] "Offset of a fragment, in bytes" |m, out| give(out, m.ip(4).map(|ip| ip.fragment.map_or(0, |fragment| fragment.offset)));
        "ip.dsfield" Number[8] "Differentiated services field: DSCP and ECN" |m, out| give(out, m.ip(4).map(|ip| ip.traffic_class));
        "ip.dsfield.dscp" Number[8] "DSCP: its upper six bits" |m, out| give(out, m.ip(4).map(|ip| ip.traffic_class >> 2));
        "ip.dsfield.ecn" Number[8] "ECN: 0 none, 1 ECT(1), 2 ECT(0), 3 congestion experienced" |m, out| give(out, m.ip(4).map(|ip| ip.traffic_class & 3));
        "ipv6" Bytes "IPv6: header and payload; in slices and len the header" |m, out| {
            let quoted = m.icmp(6).is_some_and(|icmp| icmp.quoted.is_some());
            if m.has(&[Layer::Ipv6]) || quoted {
                out(Value::There);
            }
        } => Often |s, out| is_there(out, s.subject.version() == 6);
        "ipv6.src" Ipv6 "Source address, as ip.src" |m, out| addresses(m, 6, out, (true, false)) => Same |s, out| known_addresses(s, 6, out, (true, false));
        "ipv6.dst" Ipv6 "Destination address, likewise" |m, out| addresses(m, 6, out, (false, true)) => Same |s, out| known_addresses(s, 6, out, (false, true));
        "ipv6.addr" Ipv6 "Either of them" |m, out| addresses(m, 6, out, (true, true)) => Same |s, out| known_addresses(s, 6, out, (true, true));
        "ipv6.nxt" Number[8] "Protocol, past the extension headers" |m, out| give(out, m.ip(6).map(|ip| ip.protocol));
        "ipv6.hlim" Number[8] "Hop limit" |m, out| give(out, m.ip(6).map(|ip| ip.ttl));
        "ipv6.tclass" Number[32] "Traffic class: DSCP and ECN" |m, out| give(out, m.ip(6).map(|ip| ip.traffic_class));
        "ipv6.tclass.dscp" Number[32] "DSCP: its upper six bits" |m, out| give(out, m.ip(6).map(|ip| ip.traffic_class >> 2));
        "ipv6.tclass.ecn" Number[32] "ECN: its lower two" |m, out| give(out, m.ip(6).map(|ip| ip.traffic_class & 3));
        "icmp.type" Number[8] "ICMP type" |m, out| give(out, m.icmp(4).map(|icmp| icmp.kind));
        "icmp.code" Number[8] "ICMP code" |m, out| give(out, m.icmp(4).map(|icmp| icmp.code));
        "icmp.ident" Number[16] "Identifier of an echo" |m, out| give(out, echo(m).map(|icmp| icmp.rest >> 16));
        "icmp.seq" Number[16] "Sequence number of an echo" |m, out| give(out, echo(m).map(|icmp| icmp.rest & 0xffff));
        "icmp.mtu" Number[16] "MTU of the next hop, where fragmentation is needed" |m, out| {
            let told = m.icmp(4).filter(|icmp| (icmp.kind, icmp.code) == (3, 4));
            give(out, told.map(|icmp| icmp.rest & 0xffff));
        };
        "icmpv6.type" Number[8] "ICMPv6 type" |m, out| give(out, m.icmp(6).map(|icmp| icmp.kind));
        "icmpv6.code" Number[8] "ICMPv6 code" |m, out| give(out, m.icmp(6).map(|icmp| icmp.code));
        "icmpv6.echo.identifier" Number[16] "Identifier of an echo" |m, out| give(out, m.icmp(6).filter(|icmp| matches!(icmp.kind, 128 | 129)).map(|icmp| icmp.rest >> 16));
        "icmpv6.echo.sequence_number" Number[16] "Sequence number of an echo" |m, out| give(out, m.icmp(6).filter(|icmp| matches!(icmp.kind, 128 | 129)).map(|icmp| icmp.rest & 0xffff));
        "icmpv6.mtu" Number[32] "MTU of the next hop, where a packet is too big" |m, out| give(out, m.icmp(6).filter(|icmp| icmp.kind == 2).map(|icmp| icmp.rest));
        "udp" Bytes "UDP: header and payload; in slices and len the header" |m, out| match udp(m) {
            Some(datagram) => {
                out(Value::Layer(with_header(m, Datagram::LEN, datagram.payload), Datagram::LEN));
            }
            None if m.has(&[Layer::Udp]) || m.quoted_ports(protocol::UDP).is_some() => out(Value::There),
            None => {}
        };
        "udp.srcport" Number[16] "Source port" |m, out| udp_ports(m, out, (true, false)) => Same |s, out| known_udp_ports(s, out, (true, false));
        "udp.dstport" Number[16] "Destination port" |m, out| udp_ports(m, out, (false, true)) => Same |s, out| known_udp_ports(s, out, (false, true));
        "udp.port" Number[16] "Either of them" |m, out| udp_ports(m, out, (true, true)) => Same |s, out| known_udp_ports(s, out, (true, true));
        "udp.length" Number[16] "Header and payload in bytes" |m, out| give(out, udp(m).map(|datagram| u64::from(datagram.payload_len) + Datagram::LEN as u64));
        "udp.checksum" Number[16] "Checksum, as it stood" |m, out| give(out, udp(m).map(|datagram| datagram.checksum));
        "udp.payload" Bytes "What it carries" |m, out| {
            let full = udp(m).filter(|datagram| !datagram.payload.is_empty());
            give(out, full.map(|datagram| Value::Bytes(datagram.payload)));
        };
        "udp.stream" Number[32] "Number of the UDP conversation, from 0" |m, out| match m.view.flow {
            FlowView::Udp { conversation, .. } => out(conversation.id.into()),
            FlowView::IcmpAboutUdp(id, _) => out(id.into()),
            _ => {}
        } => Same |s, out| {
            if let Subject::Udp(row) = s.subject {
                out(row.conversation.id.into());
            }
            true
        };
        "udp.time_relative" Duration "Time since the conversation's first frame" |m, out| if let FlowView::Udp { conversation, .. } = m.view.flow {
            out(since(m.view.frame.time, Some(conversation.first)));
        };
        "udp.time_delta" Duration "Time since the conversation's frame before" |m, out| if let FlowView::Udp { conversation, .. } = m.view.flow {
            out(since(m.view.frame.time, m.before.of_udp(conversation.id)));
        };
        "vxlan.vni" Number[24] "VXLAN network" |m, out| tunnel_id(m, Layer::Vxlan, out);
        "geneve.vni" Number[24] "Geneve network" |m, out| tunnel_id(m, Layer::Geneve, out);
        "gre.key" Number[32] "Key of GRE" |m, out| tunnel_id(m, Layer::Gre, out);
        "gtp.teid" Number[32] "Tunnel of GTP-U" |m, out| tunnel_id(m, Layer::Gtp, out);
    };
    list.extend(layers! {
        "llc" Known::No, "LLC" Llc;
        "vlan" Known::No, "A VLAN tag" Vlan;
        "mpls" Known::No, "MPLS" Mpls;
        "pppoes" Known::No, "A PPPoE session" Pppoe;
        "ppp" Known::No, "PPP" Ppp;
        "sll" Known::No, "Linux cooked capture" LinuxSll LinuxSll2;
        "null" Known::No, "BSD loopback" Loopback;
        "raw" Known::No, "IP without a link header" Raw;
        "wlan" Known::No, "IEEE 802.11" Ieee80211;
        "radiotap" Known::No, "Radiotap" Radiotap;
        "nflog" Known::No, "NFLOG" Nflog;
        "arp" Known::Same(|_, _| true), "ARP" Arp;
        "icmp" Known::Same(|_, _| true), "ICMP" Icmp;
        "icmpv6" Known::Same(|_, _| true), "ICMPv6" Icmpv6;
        "gre" Known::No, "GRE" Gre;
        "vxlan" Known::No, "VXLAN" Vxlan;
        "geneve" Known::No, "Geneve" Geneve;
        "gtp" Known::No, "GTP-U" Gtp;
        "erspan" Known::No, "ERSPAN" Erspan;
        "l2tp" Known::No, "L2TP" L2tp;
        "teredo" Known::No, "Teredo" Teredo;
    });
    list.into_iter()
        .map(
            |field| match WHOLE.iter().find(|each| each.0 == field.name()) {
                Some((_, whole)) => field.whole(*whole),
                None => field,
            },
        )
        .collect()
}
