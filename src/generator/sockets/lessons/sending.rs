//! When data goes out, and when it is acknowledged.

use crate::generator::sockets::Lesson;
use crate::generator::sockets::option::Opt;
use crate::generator::sockets::stage::{Pair, Played, Stage};

pub(super) const NAGLE: Lesson = Lesson {
    name: "nagle",
    summary: "Small writes wait for an ACK (Nagle); with TCP_NODELAY they go at once",
    description: "While a small segment is not acknowledged, Nagle's algorithm (RFC 9293 section \
        3.7.4) holds further small ones back and sends them together. Where the receiver delays its ACK, a \
        write may wait 40 ms for it. With TCP_NODELAY each goes out at once, in a segment of its \
        own.",
    has_two_hosts: true,
    play: nagle,
};

pub(super) const DELAYED_ACK: Lesson = Lesson {
    name: "delayed-ack",
    summary: "An ACK waits for an answer to travel with; TCP_QUICKACK sends it at once",
    description: "A receiver may wait before it acknowledges (RFC 9293 section 3.8.6.3: under \
        0.5 s; Linux: 40 ms and more), in the hope that the program answers and the ACK can travel \
        with the answer. Three times the same octet: without an answer, with one, and with \
        TCP_QUICKACK.",
    has_two_hosts: true,
    play: delayed_ack,
};

fn nagle(stage: &Stage<'_>) -> Played {
    let pair = stage.connected()?;
    let Pair { client, server, .. } = &pair;
    stage.say(
        "The server is told to delay its ACKs, as it does by itself once a connection has gone \
         back and forth for a while.",
    );
    server.set(Opt::QuickAck(false))?;

    stage.head("Three small sends, with Nagle's algorithm");
    for letter in [b"a", b"b", b"c"] {
        client.send(letter)?;
    }
    stage.pause(100);
    server.recv(100)?;
    stage.say(
        "'a' went out at once, nothing being in flight. 'b' and 'c' waited for its ACK, which was \
         delayed, and then went together: two segments for three sends.",
    );

    stage.head("The same with TCP_NODELAY");
    client.set(Opt::NoDelay(true))?;
    server.set(Opt::QuickAck(false))?;
    for letter in [b"d", b"e", b"f"] {
        client.send(letter)?;
    }
    stage.pause(100);
    server.recv(100)?;
    stage.say(
        "Three segments, at once. Less waiting, more headers: 20 octets and more for each. (If the \
         last of them stands there twice: its ACK was so late that the sender took it for lost, \
         and sent a tail-loss probe, RFC 8985 section 7.)",
    );
    pair.close(stage)
}

fn delayed_ack(stage: &Stage<'_>) -> Played {
    let pair = stage.connected()?;
    let Pair { client, server, .. } = &pair;

    stage.head("Nobody answers");
    server.set(Opt::QuickAck(false))?;
    client.send(b"?")?;
    server.recv(1)?;
    stage.pause(100);
    stage.say("The ACK came by itself, after the time that a delayed one may take.");

    stage.head("An answer");
    server.set(Opt::QuickAck(false))?;
    client.send(b"?")?;
    server.recv(1)?;
    server.send(b"!")?;
    client.recv(1)?;
    stage.pause(100);
    stage.say("The ACK travelled with the answer: one segment fewer.");

    stage.head("TCP_QUICKACK");
    server.set(Opt::QuickAck(true))?;
    client.send(b"?")?;
    server.recv(1)?;
    stage.pause(100);
    stage.say("The ACK came at once. Linux forgets this option by and by: it is no lasting mode.");
    pair.close(stage)
}
