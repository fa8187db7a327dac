//! What a connection is, with nothing wrong: opening, talking, closing.

use super::Scenario;
use crate::generator::host::Act::{
    Accept, Await, AwaitAcked, AwaitEnd, Close, Connect, NoDelay, Pause, Read, Shutdown, Write,
};
use crate::generator::host::{Act, Reader};
use crate::generator::network::{Network, Talk};
use crate::generator::packet::{MILLI, SECOND};
use crate::generator::truth::Side;

const FAMILY: &str = "Nothing wrong";

#[rustfmt::skip]
pub(super) const SCENARIOS: [Scenario; 20] = [
    Scenario::new(FAMILY, "bulk-transfer", "a long stream one way, nothing lost",
        "The client sends 300,000 octets and closes; the server closes after it. Slow start doubles what is in flight each round trip. Nothing is to be said of any frame.", bulk_transfer),
    Scenario::new(FAMILY, "request-response", "twenty requests and answers on one connection",
        "Each side waits for the other: what limits the speed is the round trip, not the network.", request_response),
    Scenario::new(FAMILY, "three-way-handshake", "SYN, SYN-ACK, ACK, and nothing after it",
        "The handshake that socket, bind, listen, accept and connect cause. Both hosts are ESTABLISHED and stay so.", handshake_only),
    Scenario::new(FAMILY, "close-by-client", "the client closes first and waits in TIME-WAIT",
        "FIN-WAIT-1, FIN-WAIT-2 and TIME-WAIT on the side that closes first; CLOSE-WAIT and LAST-ACK on the other.", close_by_client),
    Scenario::new(FAMILY, "close-by-server", "the server closes first and waits in TIME-WAIT",
        "As a web server does that ends a connection after its answer. TIME-WAIT is now the server's.", close_by_server),
    Scenario::new(FAMILY, "half-close", "one side has closed, the other goes on sending",
        "shutdown(SHUT_WR): the client's FIN goes out, and for two more seconds octets flow the other way.", half_close),
    Scenario::new(FAMILY, "simultaneous-close", "both close at once: CLOSING",
        "Both FINs are under way at the same time. Each host goes through CLOSING, and both end in TIME-WAIT.", simultaneous_close),
    Scenario::new(FAMILY, "simultaneous-open", "both open at once: no server",
        "Two SYNs cross. Each host goes from SYN-SENT to SYN-RECEIVED and answers with a SYN-ACK. Rare, legal (RFC 9293 section 3.5), and hard on tools.", simultaneous_open),
    Scenario::new(FAMILY, "fast-open", "data in the SYN (RFC 7413)",
        "The client has a cookie: its request goes with the SYN, and the answer comes one round trip earlier.", fast_open),
    Scenario::new(FAMILY, "interactive-keystrokes", "single octets there and back, as in a terminal session",
        "NODELAY is set: every key goes out by itself and comes back as an echo. Nothing here is a keep-alive.", keystrokes),
    Scenario::new(FAMILY, "nagle-and-delayed-ack", "two small writes wait for each other",
        "The second small write waits for the acknowledgment of the first (Nagle), which the other side delays by 40 ms: the classic stall of small requests.", nagle),
    Scenario::new(FAMILY, "nodelay", "the same two small writes, with TCP_NODELAY",
        "The same as nagle-and-delayed-ack without the stall.", nodelay),
    Scenario::new(FAMILY, "two-way-talk", "both sides send whenever they want, as a WebSocket does",
        "Data in both directions at once; acknowledgments ride on data.", two_way),
    Scenario::new(FAMILY, "application-limited", "the sender has nothing to send",
        "Sixteen kilobytes, then half a second of nothing, again and again: neither window limits it.", application_limited),
    Scenario::new(FAMILY, "send-buffer-limited", "a small send buffer limits what is in flight",
        "The sender's buffer holds 12,000 octets: both windows have room, and the path is never full.", send_buffer_limited),
    Scenario::new(FAMILY, "many-connections", "thirty clients' connections to one server at once",
        "An endpoint is an address and a port; a connection is two of them. One port of the server serves all.", many_connections),
    Scenario::new(FAMILY, "low-latency", "a connection within one building: round trips of 0.4 ms",
        "Every timer of the hosts is hundreds of round trips long.", low_latency),
    Scenario::new(FAMILY, "without-options", "no SACK, no timestamps, no window scale",
        "What an old or small host speaks: a window of at most 65,535 octets.", without_options),
    Scenario::new(FAMILY, "keep-alive", "idle hosts ask each other whether they are there",
        "After a second of silence the client asks, without data, one below the next sequence number. The server answers each time.", keep_alive),
    Scenario::new(FAMILY, "keep-alive-unanswered", "a peer that is gone does not answer keep-alives",
        "The server has vanished. After three probes without an answer the client gives up with a RST.", keep_alive_unanswered),
];

/// Opens, sends so much, closes; the server closes after it.
pub(super) fn upload(octets: i64) -> Talk {
    Talk::new(
        &[Connect, Write(octets), Shutdown, AwaitEnd, Close],
        &[Accept, AwaitEnd, Close],
    )
}

/// Asks for so much, and the server sends it.
pub(super) fn download(octets: i64) -> Talk {
    Talk::new(
        &[Connect, Write(120), AwaitEnd, Close],
        &[Accept, Await(120), Write(octets), Close],
    )
}

fn bulk_transfer(network: &mut Network) {
    network.talk(upload(300_000));
}

fn request_response(network: &mut Network) {
    network.talk(talk_in_turns(20, 400, 6_000, 10 * MILLI));
}

/// So many requests of so many octets, and answers.
pub(super) fn talk_in_turns(turns: i64, request: i64, answer: i64, think: i64) -> Talk {
    let (mut client, mut server) = (vec![Connect], vec![Accept]);
    for turn in 1..=turns {
        client.extend([Write(request), Await(turn * answer), Pause(think)]);
        server.extend([Await(turn * request), Write(answer)]);
    }
    client.extend([Shutdown, AwaitEnd, Close]);
    server.extend([AwaitEnd, Close]);
    Talk::new(&client, &server)
}

fn handshake_only(network: &mut Network) {
    network.talk(Talk::new(&[Connect], &[Accept]));
}

fn close_by_client(network: &mut Network) {
    network.talk(Talk::new(
        &[Connect, Write(300), Await(900), Close],
        &[
            Accept,
            Await(300),
            Write(900),
            AwaitEnd,
            Pause(20 * MILLI),
            Close,
        ],
    ));
}

fn close_by_server(network: &mut Network) {
    network.talk(Talk::new(
        &[Connect, Write(300), AwaitEnd, Pause(20 * MILLI), Close],
        &[Accept, Await(300), Write(900), AwaitAcked, Close],
    ));
}

fn half_close(network: &mut Network) {
    let mut server = vec![Accept, AwaitEnd];
    for _ in 0..10 {
        server.extend([Write(5_000), Pause(200 * MILLI)]);
    }
    server.push(Close);
    network.talk(Talk::new(
        &[Connect, Write(300), Shutdown, AwaitEnd, Close],
        &server,
    ));
}

fn simultaneous_close(network: &mut Network) {
    // The server's FIN leaves while the client's is under way.
    network.talk(Talk::new(
        &[
            Connect,
            Write(300),
            Await(900),
            Pause(100 * MILLI),
            Shutdown,
            AwaitEnd,
            Close,
        ],
        &[
            Accept,
            Await(300),
            Write(900),
            AwaitAcked,
            Pause(40 * MILLI),
            Shutdown,
            AwaitEnd,
            Close,
        ],
    ));
}

fn simultaneous_open(network: &mut Network) {
    let talk = Talk::new(
        &[Connect, Write(300), Await(300), Pause(50 * MILLI), Close],
        &[Connect, Write(300), Await(300), AwaitEnd, Close],
    )
    .with(Side::Server, |habits| habits.listens = false)
    .to_port(40_001);
    network.talk(talk);
}

fn fast_open(network: &mut Network) {
    let talk = Talk::new(
        &[Connect, Write(300), Await(4_000), Shutdown, AwaitEnd, Close],
        &[Accept, Await(300), Write(4_000), AwaitEnd, Close],
    );
    network.talk(talk.both(|habits| habits.fast_open = true));
}

fn keystrokes(network: &mut Network) {
    let (mut client, mut server) = (vec![Connect, NoDelay], vec![Accept, NoDelay]);
    let mut typed = 0;
    for _ in 0..25 {
        let octets = if network.random.chance(150_000) { 3 } else { 1 };
        typed += octets;
        let pause = network.random.between(60, 260) * MILLI;
        client.extend([Write(octets), Pause(pause)]);
        server.extend([Await(typed), Write(octets)]);
    }
    client.extend([Shutdown, AwaitEnd, Close]);
    server.extend([AwaitEnd, Close]);
    network.talk(Talk::new(&client, &server));
}

/// Writes a head and a body separately, ten times.
fn two_writes(first: &[Act]) -> Talk {
    let (mut client, mut server) = (vec![Connect], vec![Accept]);
    client.extend(first);
    for turn in 1..=10 {
        client.extend([Write(60), Write(200), Await(turn * 40)]);
        server.extend([Await(turn * 260), Write(40)]);
    }
    client.extend([Shutdown, AwaitEnd, Close]);
    server.extend([AwaitEnd, Close]);
    Talk::new(&client, &server)
}

fn nagle(network: &mut Network) {
    network.talk(two_writes(&[]));
}

fn nodelay(network: &mut Network) {
    network.talk(two_writes(&[NoDelay]));
}

fn two_way(network: &mut Network) {
    let talk = |random: &mut crate::generator::random::Random, first: Act| {
        let mut acts = vec![first, NoDelay];
        for _ in 0..30 {
            acts.push(Write(random.between(20, 3_000)));
            acts.push(Pause(random.between(5, 60) * MILLI));
        }
        acts.extend([Shutdown, AwaitEnd, Close]);
        acts
    };
    let client = talk(&mut network.random, Connect);
    let server = talk(&mut network.random, Accept);
    network.talk(Talk::new(&client, &server));
}

fn application_limited(network: &mut Network) {
    let mut client = vec![Connect];
    for _ in 0..8 {
        client.extend([Write(16_000), Pause(500 * MILLI)]);
    }
    client.extend([Shutdown, AwaitEnd, Close]);
    network.talk(Talk::new(&client, &[Accept, AwaitEnd, Close]));
}

fn send_buffer_limited(network: &mut Network) {
    network.talk(upload(200_000).with(Side::Client, |habits| habits.send_buffer = 12_000));
}

fn many_connections(network: &mut Network) {
    for number in 0..30 {
        let at = network.random.between(0, 300) * MILLI;
        let answer = network.random.between(500, 20_000);
        network.talk(
            talk_in_turns(2, 300, answer, 5 * MILLI)
                .from_port(40_000 + number)
                .later(at),
        );
    }
}

fn low_latency(network: &mut Network) {
    network.path = Default::default();
    network.delays(100_000, 100_000);
    network.talk(talk_in_turns(20, 400, 30_000, 2 * MILLI));
}

fn without_options(network: &mut Network) {
    network.talk(upload(200_000).both(|habits| {
        habits.sack = false;
        habits.timestamps = false;
        habits.window_scale = None;
    }));
}

fn keep_alive(network: &mut Network) {
    use crate::generator::host::KeepAlive;
    let talk = Talk::new(
        &[
            Connect,
            Write(300),
            Pause(6_300 * MILLI),
            Write(300),
            Shutdown,
            AwaitEnd,
            Close,
        ],
        &[Accept, AwaitEnd, Close],
    );
    network.talk(talk.with(Side::Client, |habits| {
        habits.keep_alive = Some(KeepAlive {
            idle: SECOND,
            interval: SECOND,
            probes: 5,
        });
    }));
}

fn keep_alive_unanswered(network: &mut Network) {
    use crate::generator::host::KeepAlive;
    let talk = Talk::new(
        &[
            Connect,
            Write(300),
            Read(Reader::AtOnce),
            Pause(30 * SECOND),
        ],
        &[Accept, Pause(500 * MILLI), Act::Vanish],
    );
    network.talk(talk.with(Side::Client, |habits| {
        habits.keep_alive = Some(KeepAlive {
            idle: SECOND,
            interval: SECOND,
            probes: 3,
        });
    }));
}
