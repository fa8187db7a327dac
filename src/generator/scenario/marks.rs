//! Congestion told instead of suffered (ECN), and paths that take no long packets.

use super::Scenario;
use super::basics::{download, upload};
use crate::generator::host::Congestion;
use crate::generator::network::Network;
use crate::generator::path::{Bottleneck, Mark, Mtu, RandomLoss, Which};
use crate::generator::truth::{Leg, Side};

const FAMILY: &str = "Marks and sizes";

#[rustfmt::skip]
pub(super) const SCENARIOS: [Scenario; 6] = [
    Scenario::new(FAMILY, "ecn-marks", "routers mark instead of dropping",
        "One in a hundred packets is marked CE; the receiver echoes it until the sender says that it has reduced (CWR).", marks),
    Scenario::new(FAMILY, "ecn-queue", "a queue that marks before it is full",
        "A link of 10 Mbit/s marks from 20 kB of queue on.", queue),
    Scenario::new(FAMILY, "ecn-marks-and-losses", "marks and losses together",
        "Marks before the middle and losses behind it: the sender reduces for the one and sends again for the other.", marks_and_losses),
    Scenario::new(FAMILY, "path-mtu-discovery", "a router says that packets are too long",
        "The far leg takes 1,400 octets. ICMP tells the sender, and it sends again in smaller segments (RFC 1191).", discovery),
    Scenario::new(FAMILY, "path-mtu-discovery-ipv6", "the same over IPv6",
        "Packet too big (RFC 8201).", discovery_v6),
    Scenario::new(FAMILY, "path-mtu-black-hole", "long packets vanish and nobody says so",
        "The handshake works, then every full segment is lost. After two timeouts the sender tries smaller ones (RFC 4821).", black_hole),
];

fn marks(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        Mark {
            which: Which::Data,
            per_million: 10_000,
        },
    );
    network.talk(upload(400_000).both(|habits| habits.ecn = true));
}

fn queue(network: &mut Network) {
    let link = Bottleneck::new(10_000_000, 60_000).marking(20_000);
    network.path.add(Side::Server, Leg::Far, link);
    network.talk(download(600_000).both(|habits| {
        habits.ecn = true;
        habits.congestion = Congestion::Reno;
    }));
}

fn marks_and_losses(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Near,
        Mark {
            which: Which::Data,
            per_million: 8_000,
        },
    );
    network.path.add(
        Side::Client,
        Leg::Far,
        RandomLoss {
            which: Which::Data,
            per_million: 6_000,
        },
    );
    network.talk(upload(400_000).both(|habits| habits.ecn = true));
}

fn discovery(network: &mut Network) {
    network.path.add_first(
        Side::Client,
        Leg::Far,
        Mtu {
            mtu: 1_400,
            silent: false,
        },
    );
    network.talk(upload(60_000));
}

fn discovery_v6(network: &mut Network) {
    network.path.add_first(
        Side::Client,
        Leg::Far,
        Mtu {
            mtu: 1_400,
            silent: false,
        },
    );
    let mut talk = upload(60_000);
    talk.sockets = super::addressing::V6;
    network.talk(talk.both(|habits| habits.mss = 1_440));
}

fn black_hole(network: &mut Network) {
    network.path.add_first(
        Side::Client,
        Leg::Far,
        Mtu {
            mtu: 1_400,
            silent: true,
        },
    );
    network.talk(upload(40_000).both(|habits| habits.probes_mtu = true));
}
