//! Traffic that means no good.

use super::Scenario;
use super::basics::{download, upload};
use crate::generator::host::Act::{
    Abort, Accept, Await, AwaitEnd, Close, Connect, Knock, Pause, Shutdown, Write,
};
use crate::generator::network::{Network, Talk};
use crate::generator::packet::{MILLI, SECOND};
use crate::generator::truth::Side;
use crate::wire::Flags;

const FAMILY: &str = "Hostile";

#[rustfmt::skip]
pub(super) const SCENARIOS: [Scenario; 8] = [
    Scenario::new(FAMILY, "syn-flood", "two hundred SYNs from addresses that do not exist",
        "Every SYN-ACK goes to nobody and is sent again and again: half-open connections pile up at the server.", syn_flood),
    Scenario::new(FAMILY, "port-scan", "a SYN to every port from 1 to 200",
        "Closed ports answer with a RST. Where something listens, the scanner resets at once.", port_scan),
    Scenario::new(FAMILY, "slow-loris", "requests that never end",
        "Twenty connections send a few octets every two seconds, so that the server waits and waits.", slow_loris),
    Scenario::new(FAMILY, "rst-injection", "somebody between sends a RST in the server's name",
        "It fits: sequence number and all. Only its TTL and its IP identification are of another host. The server goes on, and is answered with resets.", rst_injection),
    Scenario::new(FAMILY, "blind-rst", "RSTs with guessed sequence numbers",
        "Outside the window they are ignored; inside it they are answered with a challenge ACK (RFC 5961).", blind_rst),
    Scenario::new(FAMILY, "blind-syn", "a SYN amid a connection",
        "The server does not believe it and asks back with a challenge ACK.", blind_syn),
    Scenario::new(FAMILY, "conflicting-overlap", "the same sequence numbers with other octets",
        "One of the two is what an inspector sees, the other what the server takes.", conflict),
    Scenario::new(FAMILY, "data-injection", "somebody between sends data in the client's name",
        "It comes first and is taken; the client's own octets, which come after it, are thrown away.", data_injection),
];

fn syn_flood(network: &mut Network) {
    network.until = 8 * SECOND;
    for number in 0..200_u16 {
        let at = network.random.between(0, 1_500) * MILLI;
        let [a, b] = (network.random.next() as u16).to_be_bytes();
        let mut talk = Talk::new(&[Knock], &[Accept]).later(at);
        talk.sockets[0] = ([198, 18, a, b], 1024 + number).into();
        network.talk(talk);
    }
    // One of them is real.
    network.talk(download(3_000).later(500 * MILLI));
}

fn port_scan(network: &mut Network) {
    const OPEN: [u16; 4] = [22, 80, 110, 143];
    for port in 1..=200_u16 {
        let at = i64::from(port) * 2 * MILLI + network.random.between(0, 1_000) * 1_000;
        let open = OPEN.contains(&port);
        let talk = Talk::new(&[Connect, Abort], &[Accept, AwaitEnd])
            .with(Side::Server, |habits| habits.listens = open)
            .from_port(50_000)
            .to_port(port)
            .later(at);
        network.talk(talk);
    }
}

fn slow_loris(network: &mut Network) {
    for number in 0..20_u16 {
        let mut client = vec![Connect];
        for _ in 0..8 {
            client.extend([Write(network.random.between(8, 30)), Pause(2 * SECOND)]);
        }
        let at = i64::from(number) * 40 * MILLI;
        network.talk(
            Talk::new(&client, &[Accept])
                .from_port(42_000 + number)
                .later(at),
        );
    }
}

fn rst_injection(network: &mut Network) {
    network.until = 3 * SECOND;
    network.talk(Talk::new(
        &[Connect, Write(300), Pause(2 * SECOND)],
        &[
            Accept,
            Await(300),
            Write(3_000),
            Pause(500 * MILLI),
            Write(3_000),
            Pause(SECOND),
        ],
    ));
    network.plan(300 * MILLI, |network| {
        if let Some(mut rst) = network.template(0, Side::Server) {
            rst.flags = Flags::RST;
            rst.ack = 0;
            rst.window = 0;
            rst.ttl = 250;
            rst.id = rst.id.wrapping_add(31_337);
            network.forge(0, rst);
        }
    });
}

fn blind_rst(network: &mut Network) {
    network.talk(Talk::new(
        &[Connect, Write(300), Await(6_000), Shutdown, AwaitEnd, Close],
        &[
            Accept,
            Await(300),
            Write(3_000),
            Pause(SECOND),
            Write(3_000),
            AwaitEnd,
            Close,
        ],
    ));
    fn forged(network: &mut Network, off: u32) {
        if let Some(mut rst) = network.template(0, Side::Server) {
            rst.flags = Flags::RST;
            (rst.ack, rst.window) = (0, 0);
            rst.seq = rst.seq.wrapping_add(off);
            rst.ttl = 250;
            rst.id = rst.id.wrapping_add(31_337);
            network.forge(0, rst);
        }
    }
    network.plan(300 * MILLI, |network| forged(network, 500_000_000));
    network.plan(500 * MILLI, |network| forged(network, 5_000));
}

fn blind_syn(network: &mut Network) {
    network.talk(Talk::new(
        &[
            Connect,
            Write(300),
            Await(3_000),
            Pause(SECOND),
            Write(300),
            Shutdown,
            AwaitEnd,
            Close,
        ],
        &[Accept, Await(300), Write(3_000), AwaitEnd, Close],
    ));
    network.plan(500 * MILLI, |network| {
        if let Some(mut syn) = network.template(0, Side::Client) {
            syn.flags = Flags::SYN;
            syn.ack = 0;
            syn.seq = syn.seq.wrapping_add(700);
            syn.id = syn.id.wrapping_add(31_337);
            syn.ttl = 250;
            network.forge(0, syn);
        }
    });
}

fn conflict(network: &mut Network) {
    network.talk(upload(40_000));
    // One is the twin of the last long segment, the other lies across two.
    fn twin(network: &mut Network, number: u16, back: u32, octets: u32) {
        if let Some(mut twin) = network.template(0, Side::Client) {
            twin.seq = twin.seq.wrapping_sub(back);
            twin.payload = (twin.payload.0 - i64::from(back), octets);
            twin.id = twin.id.wrapping_add(number);
            twin.other_bytes = true;
            network.send_raw(0, twin, true);
        }
    }
    network.plan(84 * MILLI, |network| twin(network, 0, 2_353, 1_448));
    network.plan(85 * MILLI, |network| twin(network, 1, 1_000, 400));
}

fn data_injection(network: &mut Network) {
    network.talk(Talk::new(
        &[
            Connect,
            Write(300),
            Pause(SECOND),
            Write(500),
            Shutdown,
            AwaitEnd,
            Close,
        ],
        &[Accept, AwaitEnd, Close],
    ));
    network.plan(500 * MILLI, |network| {
        if let Some(mut data) = network.template(0, Side::Client) {
            data.payload.1 = 400;
            data.other_bytes = true;
            data.flags = Flags::ACK | Flags::PSH;
            data.ttl = 250;
            data.id = data.id.wrapping_add(31_337);
            network.forge(0, data);
        }
    });
}
