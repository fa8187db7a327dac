//! Sockets within a host, by a relay.

use crate::generator::sockets::Lesson;
use crate::generator::sockets::relay::{DatagramRelay, StreamRelay};
use crate::generator::sockets::socket::Kind;
use crate::generator::sockets::stage::{Played, Stage};

pub(super) const STREAM: Lesson = Lesson {
    name: "unix-stream",
    summary: "A UNIX-domain stream socket: the same calls, no network; recorded by a relay",
    description: "AF_UNIX sockets are named by paths (or, as here, by Linux's abstract names) and \
        their bytes go through no interface, so no capture can show them. A relay stands between \
        client and server and writes down what passes, as invented TCP packets between addresses of \
        TEST-NET-1. Each has a comment that says so: bytes and times are real, headers are not.",
    has_two_hosts: false,
    play: stream,
};

pub(super) const DATAGRAM: Lesson = Lesson {
    name: "unix-datagram",
    summary: "UNIX-domain datagrams: borders are kept and none is lost; recorded by a relay",
    description: "As UDP, messages keep their borders; unlike UDP none is lost or overtaken: when \
        the receiver's queue is full the sender waits. To be answered, the client needs a name of its own. \
        The relay records them as invented UDP packets, each with a comment that says so.",
    has_two_hosts: false,
    play: datagram,
};

/// A name that no other run has.
fn name(of: &str) -> String {
    format!("tcplens-{}-{of}", std::process::id())
}

fn stream(stage: &Stage<'_>) -> Played {
    let (server_name, relay_name) = (name("server"), name("relay"));
    stage.head("A server, and a relay before it");
    let listener = stage.server().socket(Kind::UnixStream)?;
    listener.bind(server_name.as_str())?;
    listener.listen(8)?;
    let mut relay = StreamRelay::new(stage.record, &relay_name, &server_name)?;
    stage.say(
        "A name in place of address and port. The client will connect to the relay's name; frames \
         below are the relay's record, with invented headers.",
    );

    stage.head("A client");
    let client = stage.client().socket(Kind::UnixStream)?;
    client.connect(relay_name.as_str())?;
    relay.take()?;
    let server = listener.accept()?;
    stage.say("connect needed no handshake: both ends are in one kernel.");

    stage.head("Bytes both ways");
    for words in [b"one".as_slice(), b"two"] {
        client.send(words)?;
    }
    relay.hand_on()?;
    server.recv(100)?;
    stage.say("A stream here too: two sends, one read.");
    server.send(b"and back\n")?;
    relay.hand_on()?;
    client.recv(100)?;

    stage.head("The end");
    client.close()?;
    relay.hand_on()?;
    server.recv(100)?;
    server.close()?;
    relay.hand_on()?;
    listener.close()?;
    stage.say("recv gives 0, as with TCP. There is no TIME-WAIT: nothing can be late.");
    Ok(())
}

fn datagram(stage: &Stage<'_>) -> Played {
    let (server_name, client_name) = (name("server"), name("client"));
    let relay_name = name("relay");
    stage.head("Two sockets with names, and a relay between them");
    let server = stage.server().socket(Kind::UnixDatagram)?;
    server.bind(server_name.as_str())?;
    let client = stage.client().socket(Kind::UnixDatagram)?;
    client.bind(client_name.as_str())?;
    let mut relay = DatagramRelay::new(stage.record, &relay_name, [&client_name, &server_name])?;

    stage.head("Datagrams");
    for words in [b"one".as_slice(), b"two"] {
        client.send_to(words, relay_name.as_str())?;
        relay.hand_on()?;
    }
    server.recv_from(100)?;
    server.recv_from(100)?;
    stage.say("Two sends, two reads: borders are kept.");
    server.send_to(b"both were heard", relay_name.as_str())?;
    relay.hand_on()?;
    client.recv_from(100)?;
    client.close()?;
    server.close()?;
    Ok(())
}
