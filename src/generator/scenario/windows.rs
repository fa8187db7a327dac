//! Flow control: who waits for whom.

use super::Scenario;
use super::basics::upload;
use crate::generator::host::Act::{
    Accept, Await, AwaitEnd, Close, Connect, Pause, Read, Shutdown, Write,
};
use crate::generator::host::Reader::{AtOnce, Slowly, Stopped};
use crate::generator::network::{Network, Talk};
use crate::generator::packet::{MILLI, SECOND};
use crate::generator::path::{Bottleneck, ChosenLoss, Which};
use crate::generator::truth::{Leg, Side};

const FAMILY: &str = "Windows";

#[rustfmt::skip]
pub(super) const SCENARIOS: [Scenario; 9] = [
    Scenario::new(FAMILY, "zero-window", "the receiver stops reading, and its window closes",
        "After some reading the server's program stops for two seconds. The window fills, the client probes it, and a window update lets it go on.", zero_window),
    Scenario::new(FAMILY, "zero-window-for-long", "a window that stays closed: probes with backoff",
        "The server reads nothing for ten seconds. The client's probes come further and further apart.", zero_window_long),
    Scenario::new(FAMILY, "zero-window-probed-with-data", "probes that carry the next octet, as BSD and Windows send them",
        "The closed window is probed with one octet, which the receiver has no room for: it answers, and the octet goes again when there is room.", probed_with_data),
    Scenario::new(FAMILY, "lost-window-update", "the window update is lost: only a probe gets it going",
        "The deadlock that the persist timer is for (RFC 9293 section 3.8.6.1).", lost_window_update),
    Scenario::new(FAMILY, "window-limited", "a small receive buffer limits what is in flight",
        "The receiver's buffer holds 20,000 octets: each round trip carries as much, whatever the path could.", window_limited),
    Scenario::new(FAMILY, "slow-reader", "a program that reads slowly",
        "The server reads 1,500 octets every 10 ms from a buffer of 24,000.", slow_reader),
    Scenario::new(FAMILY, "silly-window", "a receiver that reads in crumbs does not advertise crumbs",
        "The server reads 100 octets every 10 ms. Windows open in steps that are worth it (RFC 9293 section 3.8.6.2.2). It closes before it has read all: RST.", silly_window),
    Scenario::new(FAMILY, "window-scale", "a window beyond 65,535 octets",
        "A buffer of a megabyte and a path that can use it.", window_scale),
    Scenario::new(FAMILY, "congestion-limited", "the path is the limit",
        "A link of 20 Mbit/s with a deep queue: packets wait there.", congestion_limited),
];

fn stopped_reader(pause: i64) -> Talk {
    Talk::new(
        &[Connect, Write(200_000), Shutdown, AwaitEnd, Close],
        &[
            Accept,
            Await(50_000),
            Read(Stopped),
            Pause(pause),
            Read(AtOnce),
            AwaitEnd,
            Close,
        ],
    )
    .with(Side::Server, |habits| habits.buffer = 40_000)
}

fn zero_window(network: &mut Network) {
    network.talk(stopped_reader(2 * SECOND));
}

fn zero_window_long(network: &mut Network) {
    network.talk(stopped_reader(10 * SECOND));
}

fn probed_with_data(network: &mut Network) {
    network.talk(
        stopped_reader(4 * SECOND).with(Side::Client, |habits| habits.probes_with_data = true),
    );
}

fn lose_window_update(network: &mut Network) {
    // After two seconds of nothing but probes, what opens the window is lost.
    network.path.add(
        Side::Server,
        Leg::Near,
        crate::generator::path::Blackout {
            which: Which::Acks,
            from: 2_060 * MILLI,
            until: 2_250 * MILLI,
        },
    );
}

fn lost_window_update(network: &mut Network) {
    lose_window_update(network);
    network.talk(stopped_reader(2 * SECOND));
}

fn window_limited(network: &mut Network) {
    network.talk(upload(250_000).with(Side::Server, |habits| habits.buffer = 20_000));
}

fn slow_reader(network: &mut Network) {
    network.talk(
        Talk::new(
            &[Connect, Write(150_000), Shutdown, AwaitEnd, Close],
            &[Accept, Read(Slowly(1_500)), AwaitEnd, Close],
        )
        .with(Side::Server, |habits| habits.buffer = 24_000),
    );
}

fn silly_window(network: &mut Network) {
    network.talk(
        Talk::new(
            &[Connect, Write(20_000), Shutdown, AwaitEnd, Close],
            &[
                Accept,
                Read(Slowly(100)),
                Pause(SECOND),
                Read(Slowly(400)),
                AwaitEnd,
                Close,
            ],
        )
        .with(Side::Server, |habits| habits.buffer = 6_000),
    );
}

fn window_scale(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        Bottleneck::new(200_000_000, 2_000_000),
    );
    network.talk(upload(1_500_000));
}

fn congestion_limited(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, Bottleneck::new(20_000_000, 400_000));
    network.path.add(
        Side::Client,
        Leg::Near,
        ChosenLoss::some(Which::NewData, 90, 1),
    );
    network.talk(upload(600_000));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::truth::Tap;

    #[test]
    fn the_octet_of_a_probe_may_be_taken() {
        let mut network = Network::new(1, Tap::Middle);
        lose_window_update(&mut network);
        let talk = stopped_reader(2 * SECOND);
        network.talk(talk.with(Side::Client, |habits| habits.probes_with_data = true));
        assert_eq!(network.unfinished(), [""; 0]);
    }
}
