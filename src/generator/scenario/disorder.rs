//! Packets that come late, twice, or damaged.

use super::Scenario;
use super::basics::{download, upload};
use crate::generator::network::Network;
use crate::generator::packet::{MICRO, MILLI};
use crate::generator::path::{ChosenLoss, Corrupt, Duplicate, RandomLoss, Reorder, Which};
use crate::generator::truth::{Leg, Side};

const FAMILY: &str = "Order, copies, damage";

#[rustfmt::skip]
pub(super) const SCENARIOS: [Scenario; 11] = [
    Scenario::new(FAMILY, "reordering-before-the-tap", "some segments are overtaken before the middle, by a little",
        "One in fifty is held for up to two milliseconds on the near leg. Nothing is sent again.", before),
    Scenario::new(FAMILY, "reordering-behind-the-tap", "some segments are overtaken behind the middle, by a little",
        "In the middle all is in order; the receiver's duplicate acknowledgments and SACKs tell.", behind),
    Scenario::new(FAMILY, "reordering-beyond-rack", "held so long that the sender takes them for lost",
        "Segments come 15 to 60 ms late: the sender sends them again, needlessly, and DSACKs say so.", beyond),
    Scenario::new(FAMILY, "reordering-beyond-rack-before-the-tap", "the same, on the near leg",
        "The capture sees the original after its retransmission.", beyond_before),
    Scenario::new(FAMILY, "reordering-without-sack", "late segments cause fast retransmissions, no DSACK tells",
        "Segments come 10 to 40 ms late. Three duplicate acknowledgments make the sender send again what arrives anyway, and without SACK the receiver has no way to say so.", without_sack),
    Scenario::new(FAMILY, "reordered-acks", "acknowledgments overtake each other",
        "Older acknowledgments bring nothing new.", acks),
    Scenario::new(FAMILY, "network-duplicates", "the network delivers some packets twice",
        "One in a hundred data packets and acknowledgments; the copy has the same IP identification.", duplicates),
    Scenario::new(FAMILY, "duplicates-without-identification", "the same, from hosts whose IP identification is always zero",
        "Nothing but its octets, its timestamps and how soon it comes tells a copy from a retransmission.", duplicates_without_id),
    Scenario::new(FAMILY, "corruption", "some segments are damaged on the way",
        "The receiver throws them away for their checksum, and they are sent again as if lost.", corruption),
    Scenario::new(FAMILY, "one-late-segment", "a single segment overtaken by four",
        "One segment is 3 ms late on the near leg: a gap that is filled late.", one_late),
    Scenario::new(FAMILY, "loss-reordering-and-duplicates", "everything at once",
        "Losses on both legs and in both directions, segments that come late and segments that come twice: what each frame is follows from its neighbours.", everything),
];

fn hold(which: Which, per_million: u32, least: i64, most: i64) -> Reorder {
    Reorder {
        which,
        per_million,
        skip: 0,
        times: u32::MAX,
        hold: (least, most),
    }
}

fn before(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Near,
        hold(Which::Data, 20_000, 300 * MICRO, 2 * MILLI),
    );
    network.talk(upload(400_000));
}

fn behind(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        hold(Which::Data, 20_000, 300 * MICRO, 2 * MILLI),
    );
    network.talk(upload(400_000));
}

fn beyond(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        hold(Which::NewData, 15_000, 15 * MILLI, 60 * MILLI),
    );
    network.talk(upload(500_000));
}

fn beyond_before(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Near,
        hold(Which::NewData, 15_000, 15 * MILLI, 60 * MILLI),
    );
    network.talk(upload(500_000));
}

fn without_sack(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        hold(Which::NewData, 15_000, 10 * MILLI, 40 * MILLI),
    );
    network.talk(upload(400_000).both(|habits| habits.sack = false));
}

fn acks(network: &mut Network) {
    network.path.add(
        Side::Server,
        Leg::Far,
        hold(Which::Acks, 100_000, MILLI, 12 * MILLI),
    );
    network.talk(upload(400_000));
}

fn copies(network: &mut Network) {
    let copy = |per_million, after| Duplicate {
        which: Which::All,
        per_million,
        after,
    };
    network
        .path
        .add(Side::Client, Leg::Near, copy(10_000, 50 * MICRO));
    network
        .path
        .add(Side::Client, Leg::Far, copy(10_000, 3 * MILLI));
    network
        .path
        .add(Side::Server, Leg::Far, copy(20_000, 100 * MICRO));
}

fn duplicates(network: &mut Network) {
    copies(network);
    network.talk(upload(400_000));
}

fn duplicates_without_id(network: &mut Network) {
    use crate::generator::host::Identification;
    copies(network);
    network.talk(upload(400_000).both(|habits| habits.identification = Identification::Zero));
}

fn corruption(network: &mut Network) {
    let damage = || Corrupt {
        which: Which::Data,
        per_million: 8_000,
    };
    network.path.add(Side::Client, Leg::Near, damage());
    network.path.add(Side::Client, Leg::Far, damage());
    network.talk(upload(400_000));
}

fn one_late(network: &mut Network) {
    network.path.add(
        Side::Server,
        Leg::Far,
        Reorder {
            which: Which::NewData,
            per_million: 1_000_000,
            skip: 14,
            times: 1,
            hold: (400 * MICRO, 400 * MICRO),
        },
    );
    network.talk(download(60_000));
}

fn everything(network: &mut Network) {
    for (side, leg) in [
        (Side::Client, Leg::Near),
        (Side::Client, Leg::Far),
        (Side::Server, Leg::Far),
    ] {
        network.path.add(
            side,
            leg,
            RandomLoss {
                which: Which::All,
                per_million: 6_000,
            },
        );
    }
    network.path.add(
        Side::Client,
        Leg::Far,
        hold(Which::All, 10_000, 2 * MILLI, 30 * MILLI),
    );
    network.path.add(
        Side::Client,
        Leg::Far,
        Duplicate {
            which: Which::All,
            per_million: 6_000,
            after: MILLI,
        },
    );
    network.path.add(
        Side::Client,
        Leg::Near,
        ChosenLoss::first(Which::Holding(50_000)),
    );
    network.talk(upload(500_000));
}
