//! Packets that are lost, on either leg, and how their senders recover.

use super::Scenario;
use super::basics::{download, talk_in_turns, upload};
use crate::generator::host::Act::{
    Accept, Await, AwaitEnd, Close, Connect, Pause, Shutdown, Write,
};
use crate::generator::host::Congestion;
use crate::generator::network::{Network, Talk};
use crate::generator::packet::{MILLI, SECOND};
use crate::generator::path::{
    Blackout, Bottleneck, BurstLoss, ChosenLoss, RandomLoss, Stall, TailLoss, Which,
};
use crate::generator::truth::{Leg, Side};

const FAMILY: &str = "Loss and recovery";

#[rustfmt::skip]
pub(super) const SCENARIOS: [Scenario; 32] = [
    Scenario::new(FAMILY, "single-loss", "one segment lost, fast retransmission",
        "The twentieth segment dies behind the middle. SACK tells the sender, and it sends the segment again a round trip later.", single_loss),
    Scenario::new(FAMILY, "single-loss-before-the-tap", "one segment lost before it passed the middle",
        "The same as single-loss, seen from behind: the capture has a gap where the original would have been.", single_loss_before),
    Scenario::new(FAMILY, "random-loss", "one in a hundred segments lost on its way up",
        "Losses by chance on the far leg: recovery by SACK, again and again.", random_loss),
    Scenario::new(FAMILY, "random-loss-before-the-tap", "one in a hundred segments lost before the tap",
        "Losses by chance on the near leg: at the middle every one shows as a gap.", random_loss_before),
    Scenario::new(FAMILY, "random-loss-download", "losses on both legs of a download",
        "Some segments die before the middle and some after it.", random_loss_download),
    Scenario::new(FAMILY, "loss-both-ways", "data and acknowledgments lost",
        "Data both ways, losses both ways.", loss_both_ways),
    Scenario::new(FAMILY, "burst-loss", "several segments lost in a row",
        "Bursts of about four segments.", burst_loss),
    Scenario::new(FAMILY, "two-losses-in-a-window", "two holes in one window",
        "Both holes are filled within one recovery.", two_losses),
    Scenario::new(FAMILY, "lost-retransmission", "the retransmission is lost, too",
        "With RACK the sender notices and sends it a third time.", lost_retransmission),
    Scenario::new(FAMILY, "lost-retransmission-without-sack", "the retransmission is lost, too, and only a timer helps",
        "Without SACK nothing tells the sender; it waits for its retransmission timer.", lost_retransmission_bare),
    Scenario::new(FAMILY, "fast-retransmit-by-duplicate-acks", "three duplicate acknowledgments, no SACK",
        "RFC 5681 section 3.2: the first two duplicate acknowledgments each let a new segment go (RFC 3042), the third brings the lost one again and halves the window, and every one after it makes room for another new segment.", duplicate_acks),
    Scenario::new(FAMILY, "new-reno-partial-acks", "two holes without SACK: a partial acknowledgment",
        "The second hole is sent again when the acknowledgment of the first comes (RFC 6582).", partial_acks),
    Scenario::new(FAMILY, "loss-without-timestamps", "losses where no TSval tells transmissions apart",
        "A segment and its copy look alike: only order, duplicate acknowledgments and the time between them tell which is which.", loss_without_timestamps),
    Scenario::new(FAMILY, "loss-reno", "losses, Reno",
        "The window grows by a segment each round trip and is halved at each loss.", loss_reno),
    Scenario::new(FAMILY, "tail-loss-probe", "the last segment is lost: a probe after two round trips",
        "Nothing after the lost segment can tell of it. The sender probes the tail after two smoothed round trips (RFC 8985 section 7).", tail_loss_probe),
    Scenario::new(FAMILY, "tail-losses", "the last segments of many answers are lost",
        "Requests and answers; half of the answers lose their end.", tail_losses),
    Scenario::new(FAMILY, "tail-loss-timeout", "the last segment is lost and no probe is sent",
        "Without tail loss probes the retransmission timer must run out.", tail_loss_timeout),
    Scenario::new(FAMILY, "timeout-by-blackout", "nothing passes for two seconds: timeouts with backoff",
        "The timer doubles each time: 0.2, 0.4, 0.8 seconds and so on.", blackout),
    Scenario::new(FAMILY, "lost-syn", "the SYN is lost: a second's wait",
        "The client sends its SYN again after a second.", lost_syn),
    Scenario::new(FAMILY, "lost-syn-ack", "the SYN-ACK is lost",
        "The server's timer and the client's SYN both bring it again.", lost_syn_ack),
    Scenario::new(FAMILY, "lost-handshake-ack", "the last ACK of the handshake is lost",
        "The client thinks it is ESTABLISHED, the server does not until data comes.", lost_handshake_ack),
    Scenario::new(FAMILY, "syn-unanswered", "nobody answers a SYN",
        "The SYN goes again after 1, 2, 4 … seconds, then the client gives up.", syn_unanswered),
    Scenario::new(FAMILY, "lost-fin", "the FIN is lost, and its probe, too",
        "The FIN goes alone. A probe of the tail repeats it, and when that dies, the retransmission timer does.", lost_fin),
    Scenario::new(FAMILY, "lost-last-ack", "the acknowledgment of the FIN is lost",
        "The FIN comes again although it had arrived.", lost_last_ack),
    Scenario::new(FAMILY, "ack-loss", "a quarter of the acknowledgments is lost",
        "Acknowledgments are cumulative: hardly anything is sent again.", ack_loss),
    Scenario::new(FAMILY, "spurious-timeout-by-ack-loss", "data arrives, acknowledgments do not",
        "For 0.8 seconds no acknowledgment comes back: everything is sent again, and all of it was needless.", ack_blackout),
    Scenario::new(FAMILY, "spurious-timeout-by-delay-spike", "the path stalls, nothing is lost",
        "For 0.7 seconds nothing moves. The timer runs out, and what it sends again arrives twice (Eifel, DSACK).", delay_spike),
    Scenario::new(FAMILY, "spurious-timeout-without-timestamps", "the path stalls, and nothing tells the transmissions apart",
        "Without timestamps the sender can't undo its timeout: it goes on sending again.", delay_spike_bare),
    Scenario::new(FAMILY, "queue-overflow", "a full queue before a slow link",
        "A drop-tail queue of 40 kB before 10 Mbit/s: the sender finds the limit by losing.", queue_overflow),
    Scenario::new(FAMILY, "bufferbloat", "a large queue: round trips grow to a second",
        "300 kB before 2 Mbit/s, and nothing is lost for long.", bufferbloat),
    Scenario::new(FAMILY, "short-connections-with-loss", "sixty short connections, one in twenty-five packets lost",
        "SYNs, SYN-ACKs, requests, FINs: everything is lost somewhere.", short_connections),
    Scenario::new(FAMILY, "heavy-loss", "one in twelve packets lost, both ways",
        "SYNs, data, acknowledgments and FINs die on both ways: timeouts, probes and fast retransmissions follow each other, and some of what is sent again had arrived.", heavy_loss),
];

/// Loss by chance of what a side sends on a leg.
fn random(which: Which, per_million: u32) -> RandomLoss {
    RandomLoss { which, per_million }
}

fn single_loss(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        ChosenLoss::some(Which::NewData, 19, 1),
    );
    network.talk(upload(100_000));
}

fn single_loss_before(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Near,
        ChosenLoss::some(Which::NewData, 19, 1),
    );
    network.talk(upload(100_000));
}

fn random_loss(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, random(Which::Data, 10_000));
    network.talk(upload(600_000));
}

fn random_loss_before(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Near, random(Which::Data, 10_000));
    network.talk(upload(600_000));
}

fn random_loss_download(network: &mut Network) {
    network
        .path
        .add(Side::Server, Leg::Far, random(Which::Data, 10_000));
    network
        .path
        .add(Side::Server, Leg::Near, random(Which::Data, 10_000));
    network.talk(download(500_000));
}

fn loss_both_ways(network: &mut Network) {
    for side in Side::BOTH {
        network.path.add(side, Leg::Near, random(Which::All, 8_000));
        network.path.add(side, Leg::Far, random(Which::All, 8_000));
    }
    network.talk(Talk::new(
        &[Connect, Write(250_000), Shutdown, AwaitEnd, Close],
        &[Accept, Write(250_000), Shutdown, AwaitEnd, Close],
    ));
}

fn burst_loss(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        BurstLoss::new(Which::Data, 5_000, 250_000),
    );
    network.talk(upload(500_000));
}

fn two_losses(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        ChosenLoss::some(Which::NewData, 19, 1),
    );
    network.path.add(
        Side::Client,
        Leg::Far,
        ChosenLoss::some(Which::NewData, 23, 1),
    );
    network.talk(upload(100_000));
}

fn lose_thrice(network: &mut Network, times: u32) {
    network.path.add(
        Side::Client,
        Leg::Far,
        ChosenLoss::some(Which::Holding(40_000), 0, times),
    );
}

fn lost_retransmission(network: &mut Network) {
    lose_thrice(network, 2);
    network.talk(upload(200_000));
}

fn lost_retransmission_bare(network: &mut Network) {
    lose_thrice(network, 2);
    network.talk(upload(150_000).both(|habits| habits.sack = false));
}

fn duplicate_acks(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        ChosenLoss::some(Which::NewData, 19, 1),
    );
    network.talk(upload(100_000).both(|habits| {
        habits.sack = false;
        habits.congestion = Congestion::Reno;
    }));
}

fn partial_acks(network: &mut Network) {
    network.path.add(
        Side::Client,
        Leg::Far,
        ChosenLoss::some(Which::NewData, 19, 1),
    );
    network.path.add(
        Side::Client,
        Leg::Far,
        ChosenLoss::some(Which::NewData, 23, 1),
    );
    network.talk(upload(100_000).both(|habits| habits.sack = false));
}

fn loss_without_timestamps(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, random(Which::Data, 12_000));
    network.talk(upload(400_000).both(|habits| habits.timestamps = false));
}

fn loss_reno(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, random(Which::Data, 5_000));
    network.talk(upload(600_000).both(|habits| habits.congestion = Congestion::Reno));
}

fn tail_loss_probe(network: &mut Network) {
    // The answer is one write: its last segment ends it.
    network
        .path
        .add(Side::Server, Leg::Far, ChosenLoss::first(Which::Tail));
    network.talk(Talk::new(
        &[
            Connect,
            Write(200),
            Await(9_000),
            Pause(50 * MILLI),
            Shutdown,
            AwaitEnd,
            Close,
        ],
        &[Accept, Await(200), Write(9_000), AwaitEnd, Close],
    ));
}

fn tail_losses(network: &mut Network) {
    network.path.add(
        Side::Server,
        Leg::Near,
        TailLoss {
            per_million: 500_000,
        },
    );
    network.talk(talk_in_turns(12, 200, 9_000, 20 * MILLI));
}

fn tail_loss_timeout(network: &mut Network) {
    network.path.add(
        Side::Server,
        Leg::Far,
        TailLoss {
            per_million: 500_000,
        },
    );
    let talk = talk_in_turns(10, 200, 9_000, 20 * MILLI);
    network.talk(talk.both(|habits| habits.tail_loss_probe = false));
}

fn blackout(network: &mut Network) {
    for side in Side::BOTH {
        let dark = Blackout {
            which: Which::All,
            from: 200 * MILLI,
            until: 2_200 * MILLI,
        };
        network.path.add(side, Leg::Far, dark);
    }
    network.talk(upload(400_000));
}

fn lost_syn(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, ChosenLoss::first(Which::Syn));
    network.talk(download(5_000));
}

fn lost_syn_ack(network: &mut Network) {
    network
        .path
        .add(Side::Server, Leg::Near, ChosenLoss::first(Which::Syn));
    network.talk(download(5_000));
}

fn lost_handshake_ack(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, ChosenLoss::first(Which::Acks));
    network.talk(Talk::new(
        &[Connect, Pause(300 * MILLI), Write(300), AwaitEnd, Close],
        &[Accept, Await(300), Write(2_000), Close],
    ));
}

fn syn_unanswered(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, random(Which::All, 1_000_000));
    network.talk(download(5_000));
}

fn lost_fin(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, ChosenLoss::some(Which::Fin, 0, 2));
    network.talk(Talk::new(
        &[
            Connect,
            Write(300),
            Await(900),
            Pause(200 * MILLI),
            Shutdown,
            AwaitEnd,
            Close,
        ],
        &[Accept, Await(300), Write(900), AwaitEnd, Close],
    ));
}

fn lost_last_ack(network: &mut Network) {
    network.path.add(
        Side::Server,
        Leg::Far,
        Blackout {
            which: Which::Acks,
            from: 280 * MILLI,
            until: 400 * MILLI,
        },
    );
    network.talk(Talk::new(
        &[
            Connect,
            Write(300),
            Await(900),
            Pause(200 * MILLI),
            Shutdown,
            AwaitEnd,
            Close,
        ],
        &[
            Accept,
            Await(300),
            Write(900),
            AwaitEnd,
            Pause(SECOND),
            Close,
        ],
    ));
}

fn ack_loss(network: &mut Network) {
    network
        .path
        .add(Side::Server, Leg::Far, random(Which::Acks, 250_000));
    network.talk(upload(400_000));
}

fn ack_blackout(network: &mut Network) {
    network.path.add(
        Side::Server,
        Leg::Far,
        Blackout {
            which: Which::Acks,
            from: 150 * MILLI,
            until: 950 * MILLI,
        },
    );
    network.talk(upload(300_000));
}

fn delay_spike(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, Stall::new(150 * MILLI, 850 * MILLI));
    network.talk(upload(300_000));
}

fn delay_spike_bare(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, Stall::new(150 * MILLI, 850 * MILLI));
    network.talk(upload(300_000).both(|habits| habits.timestamps = false));
}

fn queue_overflow(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, Bottleneck::new(10_000_000, 40_000));
    network.talk(upload(900_000));
}

fn bufferbloat(network: &mut Network) {
    network
        .path
        .add(Side::Server, Leg::Near, Bottleneck::new(2_000_000, 300_000));
    network.talk(download(700_000));
}

fn short_connections(network: &mut Network) {
    for side in Side::BOTH {
        network.path.add(side, Leg::Far, random(Which::All, 40_000));
    }
    for number in 0..60 {
        let at = network.random.between(0, 2_000) * MILLI;
        network.talk(
            talk_in_turns(1, 300, 6_000, 5 * MILLI)
                .from_port(41_000 + number)
                .later(at),
        );
    }
}

fn heavy_loss(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, random(Which::All, 80_000));
    network
        .path
        .add(Side::Server, Leg::Near, random(Which::All, 80_000));
    network.talk(upload(150_000));
}
