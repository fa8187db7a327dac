//! Faults of the capture, which are none of the network, and numbers that are large.

use super::Scenario;
use super::basics::upload;
use crate::generator::host::Act::{
    Accept, AwaitAcked, AwaitEnd, Close, Connect, Pause, Shutdown, Write,
};
use crate::generator::network::{Network, Talk};
use crate::generator::packet::{MICRO, MILLI, SECOND};
use crate::generator::path::{RandomLoss, Which};
use crate::generator::truth::{Leg, Side};

const FAMILY: &str = "Captures and numbers";

#[rustfmt::skip]
pub(super) const SCENARIOS: [Scenario; 11] = [
    Scenario::new(FAMILY, "capture-drops", "the capture misses one frame in a hundred",
        "The network lost nothing: acknowledgments cover what the capture never saw.", drops),
    Scenario::new(FAMILY, "capture-drops-and-losses", "the capture misses frames, and the network loses some",
        "Some octets never passed the tap, some did and were not recorded. An acknowledgment of what was never seen tells the one; a retransmission the other.", drops_and_losses),
    Scenario::new(FAMILY, "one-way-data", "only the data was captured, not the acknowledgments",
        "An asymmetric path: the other direction goes elsewhere.", one_way_data),
    Scenario::new(FAMILY, "one-way-acks", "only the acknowledgments were captured, not the data",
        "Every acknowledgment covers what was never seen.", one_way_acks),
    Scenario::new(FAMILY, "mid-stream", "the capture begins amid the connection",
        "No handshake: window scale and who opened must be guessed.", mid_stream),
    Scenario::new(FAMILY, "mirrored-twice", "a mirror port copies every frame twice",
        "The second copy of each frame comes 30 µs after the first. Nothing was sent again.", mirrored),
    Scenario::new(FAMILY, "cut-frames", "the capture keeps 96 octets of each frame",
        "A snapshot length that keeps the headers only.", cut),
    Scenario::new(FAMILY, "clock-step", "the capture's clock is set forward by five seconds",
        "Between two frames the clock jumps; nothing else happened.", clock_step),
    Scenario::new(FAMILY, "sequence-wrap", "sequence numbers pass 2^32",
        "Both initial sequence numbers are just below the end, with losses around it.", wrap),
    Scenario::new(FAMILY, "five-gibibyte-stream", "stream positions beyond 5 GiB, in a small file",
        "The capture misses six stretches of 900 million octets each; the sequence numbers wrap once, the positions go on.", five_gibibytes),
    Scenario::new(FAMILY, "long-idle", "an hour of silence amid a connection",
        "Nothing is lost, and no timer is at work.", long_idle),
];

fn lossy(network: &mut Network) {
    for leg in [Leg::Near, Leg::Far] {
        network.path.add(
            Side::Client,
            leg,
            RandomLoss {
                which: Which::Data,
                per_million: 8_000,
            },
        );
    }
}

fn drops(network: &mut Network) {
    network.faults.miss = 10_000;
    network.talk(upload(400_000));
}

fn drops_and_losses(network: &mut Network) {
    lossy(network);
    network.faults.miss = 10_000;
    network.talk(upload(400_000));
}

fn one_way_data(network: &mut Network) {
    lossy(network);
    network.faults.only = Some(Side::Client);
    network.talk(upload(300_000));
}

fn one_way_acks(network: &mut Network) {
    lossy(network);
    network.faults.only = Some(Side::Server);
    network.talk(upload(300_000));
}

fn mid_stream(network: &mut Network) {
    lossy(network);
    network.faults.deaf = Some((0, 140 * MILLI));
    network.talk(upload(500_000));
}

fn mirrored(network: &mut Network) {
    network.faults.mirror = Some(30 * MICRO);
    network.path.add(
        Side::Client,
        Leg::Far,
        RandomLoss {
            which: Which::Data,
            per_million: 8_000,
        },
    );
    network.talk(upload(200_000));
}

fn cut(network: &mut Network) {
    network.faults.snaplen = Some(96);
    network.path.add(
        Side::Client,
        Leg::Far,
        RandomLoss {
            which: Which::Data,
            per_million: 8_000,
        },
    );
    network.talk(upload(200_000));
}

fn clock_step(network: &mut Network) {
    network.faults.clock_step = Some((160 * MILLI, 5 * SECOND));
    network.talk(upload(300_000));
}

fn wrap(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        RandomLoss {
            which: Which::Data,
            per_million: 15_000,
        },
    );
    let mut talk = upload(300_000);
    talk.isns = [Some(u32::MAX - 99_999), Some(u32::MAX - 1)];
    network.talk(talk);
}

fn five_gibibytes(network: &mut Network) {
    let mut client = vec![Connect];
    for _ in 0..7 {
        client.extend([Write(30_000), AwaitAcked, Pause(SECOND)]);
    }
    client.extend([Shutdown, AwaitEnd, Close]);
    let talk = Talk::new(&client, &[Accept, AwaitEnd, Close]).both(|habits| {
        habits.window_scale = Some(14);
        habits.buffer = 65_535 << 14;
    });
    network.talk(talk);
    for at in 0..6 {
        network.plan(at * 1_130 * MILLI + 700 * MILLI, |network| {
            network.jump(0, 900_000_000);
        });
    }
}

fn long_idle(network: &mut Network) {
    network.until = 5_000 * SECOND;
    network.talk(Talk::new(
        &[
            Connect,
            Write(3_000),
            Pause(3_600 * SECOND),
            Write(3_000),
            Shutdown,
            AwaitEnd,
            Close,
        ],
        &[Accept, AwaitEnd, Close],
    ));
}
