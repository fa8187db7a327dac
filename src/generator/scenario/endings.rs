//! Connections that do not open, or do not end as they should.

use super::Scenario;
use super::basics::{talk_in_turns, upload};
use crate::generator::host::Act::{
    Abort, Accept, Await, AwaitEnd, Close, Connect, Crash, Pause, Read, Shutdown, Write,
};
use crate::generator::host::Reader::Stopped;
use crate::generator::network::{Network, Talk};
use crate::generator::packet::{MILLI, SECOND};
use crate::generator::truth::Side;

const FAMILY: &str = "Resets and endings";

#[rustfmt::skip]
pub(super) const SCENARIOS: [Scenario; 9] = [
    Scenario::new(FAMILY, "connection-refused", "nothing listens on that port: RST",
        "The SYN is answered with a RST: connect fails with ECONNREFUSED.", refused),
    Scenario::new(FAMILY, "reset-by-linger-zero", "close with SO_LINGER 0: RST instead of FIN",
        "The server aborts amid a transfer: what is in flight is lost with the connection.", linger_zero),
    Scenario::new(FAMILY, "reset-by-unread-data", "close with unread octets: RST",
        "The server closes without having read all: the client must know that not all was taken (RFC 1122 section 4.2.2.13).", unread),
    Scenario::new(FAMILY, "data-after-close", "data comes for a program that has closed: RST",
        "The server has closed and wants nothing more; the client goes on sending.", after_close),
    Scenario::new(FAMILY, "half-open", "a host has crashed and come back: RST in answer to data",
        "The server knows nothing of the connection any more (RFC 9293 section 3.5.1).", half_open),
    Scenario::new(FAMILY, "half-open-new-syn", "a host has crashed and opens anew on the same sockets",
        "The client has forgotten the old connection; its SYN is answered by a challenge ACK, and its RST clears the way.", half_open_syn),
    Scenario::new(FAMILY, "port-reused", "the same sockets again, for a new connection",
        "The first connection has ended; a minute later the same port of the client opens another.", port_reused),
    Scenario::new(FAMILY, "backlog-overflow", "the accept queue is full: SYNs are ignored",
        "The server's host drops the first SYNs though the network delivered them; the client tries again.", backlog),
    Scenario::new(FAMILY, "gives-up", "after eight timeouts the sender gives up",
        "The server's host is gone amid a transfer. Nothing answers any more.", gives_up),
];

fn refused(network: &mut Network) {
    let talk = Talk::new(&[Connect], &[]).with(Side::Server, |habits| habits.listens = false);
    network.talk(talk.to_port(81));
}

fn linger_zero(network: &mut Network) {
    network.talk(Talk::new(
        &[Connect, Write(300_000), Shutdown, AwaitEnd],
        &[Accept, Await(80_000), Abort],
    ));
}

fn unread(network: &mut Network) {
    network.talk(Talk::new(
        &[Connect, Write(5_000), AwaitEnd],
        &[Accept, Read(Stopped), Pause(300 * MILLI), Close],
    ));
}

fn after_close(network: &mut Network) {
    network.talk(Talk::new(
        &[
            Connect,
            Write(300),
            AwaitEnd,
            Pause(100 * MILLI),
            Write(3_000),
            Pause(SECOND),
        ],
        &[Accept, Await(300), Write(900), Close],
    ));
}

fn half_open(network: &mut Network) {
    network.talk(Talk::new(
        &[
            Connect,
            Write(300),
            Await(900),
            Pause(3 * SECOND),
            Write(300),
            Pause(SECOND),
        ],
        &[Accept, Await(300), Write(900), Pause(SECOND), Crash],
    ));
}

fn half_open_syn(network: &mut Network) {
    network.talk(Talk::new(
        &[Connect, Write(300), Await(900), Pause(SECOND), Crash],
        &[Accept, Await(300), Write(900)],
    ));
    // The crashed host comes back and opens anew, from the same port.
    network.plan(3 * SECOND, |network| {
        if let Some(mut syn) = network.template(0, Side::Client) {
            syn.flags = crate::wire::Flags::SYN;
            syn.ack = 0;
            syn.seq = syn.seq.wrapping_add(90_000);
            syn.payload = (1, 0);
            network.send_raw(0, syn, false);
        }
    });
}

fn port_reused(network: &mut Network) {
    network.talk(talk_in_turns(2, 300, 3_000, 10 * MILLI));
    network.talk(talk_in_turns(2, 300, 3_000, 10 * MILLI).later(65 * SECOND));
}

fn backlog(network: &mut Network) {
    for number in 0..6 {
        let talk = talk_in_turns(1, 300, 3_000, 10 * MILLI)
            .from_port(40_000 + number)
            .later(i64::from(number) * 3 * MILLI);
        let ignored = if number < 3 { 0 } else { u32::from(number) - 2 };
        network.talk(talk.with(Side::Server, |habits| habits.ignores_syns = ignored));
    }
}

fn gives_up(network: &mut Network) {
    let mut talk = upload(200_000);
    talk.acts[1] = vec![Accept, Await(60_000), crate::generator::host::Act::Vanish];
    network.talk(talk.with(Side::Client, |habits| habits.tries = 8));
}
