//! The same talk in other wrappings.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::Scenario;
use super::basics::upload;
use crate::generator::network::Network;
use crate::generator::packet::Wrapping;
use crate::generator::path::{ChosenLoss, Which};
use crate::generator::truth::{Leg, Side};

const FAMILY: &str = "Wrappings";

/// Sockets of two hosts with IPv6 addresses (RFC 3849).
pub(super) const V6: [SocketAddr; 2] = [
    SocketAddr::new(
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1)),
        40_000,
    ),
    SocketAddr::new(
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2)),
        8_000,
    ),
];

#[rustfmt::skip]
pub(super) const SCENARIOS: [Scenario; 7] = [
    Scenario::new(FAMILY, "ipv6", "IPv6, with a loss: no IP identification helps",
        "The header has no identification; timestamps and timing must tell.", v6),
    Scenario::new(FAMILY, "vlan", "a VLAN tag before the IP header",
        "IEEE 802.1Q, with a loss.", vlan),
    Scenario::new(FAMILY, "vlan-in-vlan", "two VLAN tags",
        "IEEE 802.1ad, with a loss.", double_vlan),
    Scenario::new(FAMILY, "tunnel-vxlan", "Ethernet in VXLAN",
        "RFC 7348: the frames of a virtual network, as the physical one carries them. With a loss.", vxlan),
    Scenario::new(FAMILY, "tunnel-geneve", "Ethernet in Geneve",
        "RFC 8926, with a loss.", geneve),
    Scenario::new(FAMILY, "tunnel-gre", "an IP packet in GRE",
        "RFC 2784, with a loss.", gre),
    Scenario::new(FAMILY, "tunnel-ip-in-ip", "an IP packet in another",
        "RFC 2003, with a loss.", ip_in_ip),
];

fn wrapped(network: &mut Network, wrapping: Wrapping) {
    network.wrapping = wrapping;
    network.path.add(
        Side::Client,
        Leg::Far,
        ChosenLoss::some(Which::NewData, 19, 1),
    );
    // A tunnel takes its part of each packet.
    network.talk(upload(60_000).both(|habits| habits.mss = 1_360));
}

fn v6(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        ChosenLoss::some(Which::NewData, 19, 1),
    );
    network.path.add(
        Side::Client,
        Leg::Near,
        ChosenLoss::some(Which::NewData, 35, 1),
    );
    let mut talk = upload(100_000);
    talk.sockets = V6;
    network.talk(talk.both(|habits| habits.mss = 1_440));
}

fn vlan(network: &mut Network) {
    wrapped(network, Wrapping::Vlan(42));
}

fn double_vlan(network: &mut Network) {
    wrapped(network, Wrapping::DoubleVlan(100, 42));
}

fn vxlan(network: &mut Network) {
    wrapped(network, Wrapping::Vxlan(5_001));
}

fn geneve(network: &mut Network) {
    wrapped(network, Wrapping::Geneve(5_001));
}

fn gre(network: &mut Network) {
    wrapped(network, Wrapping::Gre);
}

fn ip_in_ip(network: &mut Network) {
    wrapped(network, Wrapping::IpInIp);
}
