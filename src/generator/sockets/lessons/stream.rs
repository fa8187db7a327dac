//! What TCP makes of bytes.

use crate::generator::sockets::Lesson;
use crate::generator::sockets::option::Opt;
use crate::generator::sockets::stage::{Pair, Played, Stage};

pub(super) const BYTE_STREAM: Lesson = Lesson {
    name: "byte-stream",
    summary: "Writes do not keep their borders: three sends, one recv; one write, five recvs",
    description: "TCP carries a stream of bytes, not messages. What was sent by three calls may be \
        read by one, and the other way round; a large write becomes as many segments as the \
        kernels see fit. A protocol must say itself where a message ends: by its length, by a mark, \
        by the end of the stream.",
    has_two_hosts: true,
    play: byte_stream,
};

pub(super) const BYTE_ORDER: Lesson = Lesson {
    name: "byte-order",
    summary: "The number 258 in network byte order and in that of most machines, as it travels",
    description: "A number has no bytes until somebody decides on their order. Internet protocols \
        put the most significant first (RFC 1700: network byte order), most machines keep the \
        least significant first. Look at the payloads: 00 00 01 02 beside 02 01 00 00, and at the \
        port in the header, which the kernel writes in network byte order.",
    has_two_hosts: true,
    play: byte_order,
};

fn byte_stream(stage: &Stage<'_>) -> Played {
    let pair = stage.connected()?;
    let Pair { client, server, .. } = &pair;

    stage.head("Three sends, one recv");
    client.set(Opt::NoDelay(true))?;
    for words in [b"one".as_slice(), b"two", b"three"] {
        client.send(words)?;
    }
    stage.settle();
    server.recv(100)?;
    stage.say(
        "Three segments on the wire, and one recv took them all: eleven octets, with no border \
         between them.",
    );

    stage.head("One write, five recvs");
    client.write(b"abcdefghijklmnopqrst")?;
    stage.settle();
    for _ in 0..5 {
        server.recv(4)?;
    }
    stage.say("One segment, read in pieces of four: recv gives what there is, up to its room.");

    stage.head("One large send");
    stage.transfer(client, server, 200_000)?;
    stage.settle();
    let mss = client.maximum_segment();
    stage.say(format!(
        "send takes what has room in the kernel's buffer. Segments on the wire hold up to {mss} \
         octets of it here; frames that look larger are several segments that travel together \
         (segmentation offload)."
    ));
    pair.close(stage)
}

fn byte_order(stage: &Stage<'_>) -> Played {
    const NUMBER: u32 = 258;
    let pair = stage.connected()?;
    let Pair { client, server, .. } = &pair;

    stage.head("The number 258 in network byte order");
    client.send(&NUMBER.to_be_bytes())?;
    server.recv_all(4)?;
    stage.say("00 00 01 02 on the wire: 258 is 1 times 256 and 2, the greatest part first.");

    stage.head("The same number as most machines keep it");
    client.send(&NUMBER.to_le_bytes())?;
    server.recv_all(4)?;
    let wrong = u32::from_be_bytes(NUMBER.to_le_bytes());
    stage.say(format!(
        "02 01 00 00. A reader who expects network byte order takes it for {wrong}."
    ));
    if let Some(peer) = client.peer() {
        let port = peer.port();
        let [high, low] = port.to_be_bytes();
        stage.say(format!(
            "The port {port} stands in every header as {high:02x} {low:02x}: that is why programs \
             call htons before bind and connect."
        ));
    }
    pair.close(stage)
}
