//! UDP beside TCP, and what applications make of a stream.

use super::Scenario;
use crate::generator::datagram::Message;
use crate::generator::host::Act::{
    Accept, Await, AwaitEnd, Close, Connect, NoDelay, Pause, Say, Shutdown, Write,
};
use crate::generator::network::{Network, Talk};
use crate::generator::packet::{MICRO, MILLI, SECOND};
use crate::generator::path::{ChosenLoss, Which};
use crate::generator::truth::{Leg, Side};

const FAMILY: &str = "Datagrams and applications";

#[rustfmt::skip]
pub(super) const SCENARIOS: [Scenario; 11] = [
    Scenario::new(FAMILY, "udp-borders", "three datagrams, one of them empty, and three answers",
        "UDP keeps the borders of what is sent: each sendto is a datagram, and each datagram a recvfrom. No handshake, no acknowledgment, no close.", udp_borders),
    Scenario::new(FAMILY, "udp-many-peers", "one UDP socket answers three peers",
        "One socket of the server serves all clients; recvfrom tells it who asked.", udp_many_peers),
    Scenario::new(FAMILY, "udp-no-answer", "a question is lost, and asked again until it is answered",
        "The first question dies behind the middle, the answer to the second on its way back. UDP tells its sender nothing: the application waits 1 and 2 seconds, and asks again.", udp_no_answer),
    Scenario::new(FAMILY, "udp-port-unreachable", "no socket takes the datagram: ICMP says so",
        "The destination answers with ICMP port unreachable, which quotes the datagram's headers. The next port is open, and answers.", udp_unreachable),
    Scenario::new(FAMILY, "udp-truncation", "a datagram longer than the receiver's buffer",
        "All 1,400 octets arrive; recvfrom with room for 512 gives 512 and the rest is gone. The wire does not show it: the receiver says it.", udp_truncation),
    Scenario::new(FAMILY, "tcp-beside-udp", "the same question and answer over TCP and over UDP",
        "Ten packets and three round trips beside two packets and one.", tcp_beside_udp),
    Scenario::new(FAMILY, "byte-stream", "a stream does not keep the borders of writes",
        "Three small writes while the first is unacknowledged travel as two segments (Nagle), one write of 5,000 octets as four.", byte_stream),
    Scenario::new(FAMILY, "http-requests", "three requests and responses on one HTTP connection",
        "The server may not speak before it is asked: each response waits for its request (RFC 9112).", http_requests),
    Scenario::new(FAMILY, "websocket", "an HTTP request becomes a WebSocket: both speak when they will",
        "After the upgrade (RFC 6455, with the keys of its example) server and client send frames of their own accord, and a close frame each before the FINs.", websocket),
    Scenario::new(FAMILY, "unix-stream", "a UNIX-domain stream, as a relay records it",
        "No interface sees a UNIX-domain socket. A relay that hands its octets on can write them down as packets that never were, between addresses of TEST-NET-1 (RFC 5737), a few microseconds apart: sockets/unix-stream does, and this is what it looks like.", unix_stream),
    Scenario::new(FAMILY, "unix-datagrams", "UNIX-domain datagrams, as a relay records them",
        "Borders are kept as with UDP, and none is ever lost. The packets stand for what sockets/unix-datagram would record.", unix_datagrams),
];

const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 1], 40_000);
const RESOLVER: ([u8; 4], u16) = ([10, 0, 0, 2], 8_053);

fn udp_borders(network: &mut Network) {
    let long = "many words. ".repeat(100).into_bytes();
    let sent: [(&[u8], &str); 3] = [
        (b"one", "3 octets"),
        (b"", "0 octets"),
        (&long, "1200 octets"),
    ];
    for (at, (words, answer)) in (0..).zip(sent) {
        let message = Message::new(Side::Client, CLIENT, RESOLVER, words);
        network.message(at * 100 * MILLI, message.answered(200 * MICRO, answer));
    }
}

fn udp_many_peers(network: &mut Network) {
    for peer in 0..3_u8 {
        let client = ([10, 0, 1, peer + 1], 40_000 + u16::from(peer));
        for turn in 0..2 {
            let at = network.random.between(0, 60) * MILLI + turn * SECOND;
            let words = format!("peer {} asks, {turn}", peer + 1);
            let message = Message::new(Side::Client, client, RESOLVER, words);
            let answer = format!("to peer {}", peer + 1);
            network.message(at, message.answered(300 * MICRO, answer));
        }
    }
}

fn udp_no_answer(network: &mut Network) {
    network
        .path
        .add(Side::Client, Leg::Far, ChosenLoss::some(Which::All, 0, 1));
    network
        .path
        .add(Side::Server, Leg::Far, ChosenLoss::some(Which::All, 0, 1));
    // The application's timer, doubled each time.
    for at in [0, SECOND, 3 * SECOND] {
        let message = Message::new(Side::Client, CLIENT, RESOLVER, "who is it?");
        network.message(at, message.answered(MILLI, "it is I"));
    }
}

fn udp_unreachable(network: &mut Network) {
    let closed = (RESOLVER.0, 9);
    let message = Message::new(Side::Client, CLIENT, closed, "is anybody there?");
    network.message(0, message.refused());
    let message = Message::new(Side::Client, CLIENT, RESOLVER, "is anybody there?");
    network.message(500 * MILLI, message.answered(MILLI, "yes"));
}

fn udp_truncation(network: &mut Network) {
    let message = Message::new(Side::Client, CLIENT, RESOLVER, vec![b'x'; 1_400]);
    let answer = "I had room for 512 octets, and got 512 (MSG_TRUNC)";
    network.message(0, message.answered(300 * MICRO, answer));
    let message = Message::new(Side::Client, CLIENT, RESOLVER, vec![b'y'; 512]);
    network.message(
        SECOND,
        message.answered(300 * MICRO, "I got 512 of 512 octets"),
    );
}

fn tcp_beside_udp(network: &mut Network) {
    const ASKED: &[u8] = b"What is the time?\n";
    const ANSWER: &[u8] = b"It is late.\n";
    network.talk(Talk::new(
        &[
            Connect,
            Say(ASKED),
            Await(ANSWER.len() as i64),
            AwaitEnd,
            Close,
        ],
        &[Accept, Await(ASKED.len() as i64), Say(ANSWER), Close],
    ));
    let message = Message::new(Side::Client, CLIENT, RESOLVER, ASKED);
    network.message(SECOND, message.answered(100 * MICRO, ANSWER));
}

fn byte_stream(network: &mut Network) {
    network.talk(Talk::new(
        &[
            Connect,
            Say(b"one"),
            Say(b"two"),
            Say(b"three"),
            Pause(300 * MILLI),
            Write(5_000),
            Shutdown,
            AwaitEnd,
            Close,
        ],
        &[Accept, AwaitEnd, Close],
    ));
}

/// Requests and responses in turn, the client first.
fn in_turn(turns: &[(&'static [u8], &'static [u8])]) -> [Vec<crate::generator::host::Act>; 2] {
    let (mut client, mut server) = (vec![Connect], vec![Accept]);
    let (mut asked, mut answered) = (0, 0);
    for &(request, response) in turns {
        asked += request.len() as i64;
        answered += response.len() as i64;
        client.extend([Say(request), Await(answered), Pause(50 * MILLI)]);
        server.extend([Await(asked), Pause(5 * MILLI), Say(response)]);
    }
    [client, server]
}

fn http_requests(network: &mut Network) {
    let [mut client, mut server] = in_turn(&[
        (
            b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n",
        ),
        (
            b"POST /news HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n\r\nnews\n",
            b"HTTP/1.1 201 Created\r\nLocation: /news/1\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            b"GET /old HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n",
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\ngone\n",
        ),
    ]);
    client.extend([AwaitEnd, Close]);
    server.push(Close);
    network.talk(Talk::new(&client, &server).to_port(80));
}

fn websocket(network: &mut Network) {
    // RFC 6455 sections 1.3 and 5.7.
    const REQUEST: &[u8] = b"GET /talk HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";
    const SWITCHED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    const NEWS: &[u8] = b"\x81\x04news";
    const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    const CLOSE: [&[u8]; 2] = [b"\x88\x80\x37\xfa\x21\x3d", b"\x88\x00"];
    let [mut client, mut server] = in_turn(&[(REQUEST, SWITCHED)]);
    client.push(NoDelay);
    server.push(NoDelay);
    // Neither waits for the other.
    for (words, talker) in [(HELLO, &mut client), (NEWS, &mut server)] {
        for _ in 0..5 {
            let pause = network.random.between(60, 400) * MILLI;
            talker.extend([Say(words), Pause(pause)]);
        }
    }
    let heard = |before: &[u8], words: &[u8]| (before.len() + 5 * words.len()) as i64;
    client.extend([Await(heard(SWITCHED, NEWS)), Say(CLOSE[0])]);
    let closed = heard(REQUEST, HELLO) + CLOSE[0].len() as i64;
    server.extend([Await(closed), Say(CLOSE[1]), Close]);
    client.extend([AwaitEnd, Close]);
    network.talk(Talk::new(&client, &server).to_port(80));
}

/// Ends of a relay's record: no host has these addresses.
const INVENTED: [([u8; 4], u16); 2] = [([192, 0, 2, 1], 40_001), ([192, 0, 2, 2], 1)];

/// Both ends are in one kernel.
fn within_a_host(network: &mut Network) {
    network.path = Default::default();
    network.delays(5 * MICRO, 5 * MICRO);
}

fn unix_stream(network: &mut Network) {
    within_a_host(network);
    let mut talk = Talk::new(
        &[
            Connect,
            Say(b"one"),
            Say(b"two"),
            Await(9),
            Shutdown,
            AwaitEnd,
            Close,
        ],
        &[Accept, Await(6), Say(b"and back\n"), AwaitEnd, Close],
    )
    .both(|habits| {
        habits.nagle = false;
        habits.sack = false;
        habits.timestamps = false;
        habits.window_scale = None;
    });
    talk.sockets = INVENTED.map(Into::into);
    network.talk(talk);
}

fn unix_datagrams(network: &mut Network) {
    within_a_host(network);
    let [client, server] = INVENTED;
    for (at, words) in (0..).zip(["one", "two", "three"]) {
        let message = Message::new(Side::Client, client, server, words);
        network.message(at * 50 * MICRO, message.answered(20 * MICRO, "heard"));
    }
}
