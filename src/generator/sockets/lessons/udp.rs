//! Datagrams.

use nix::errno::Errno;

use crate::generator::sockets::Lesson;
use crate::generator::sockets::option::Opt;
use crate::generator::sockets::socket::Socket;
use crate::generator::sockets::stage::{Pair, Played, Stage};

pub(super) const BORDERS: Lesson = Lesson {
    name: "udp-borders",
    summary: "Datagrams keep their borders: three sendto, three recvfrom, an empty one too",
    description: "What is sent by one call arrives by one call, or not at all; no handshake before \
        it, no acknowledgment after it. A datagram may be empty: recvfrom gives 0, and that is no \
        end of anything.",
    has_two_hosts: false,
    play: borders,
};

pub(super) const MANY_PEERS: Lesson = Lesson {
    name: "udp-many-peers",
    summary: "One UDP socket talks to three peers; recvfrom tells who it was",
    description: "A UDP socket belongs to no conversation. The server has one descriptor for all \
        its clients, and answers each by the address that recvfrom gave.",
    has_two_hosts: false,
    play: many_peers,
};

pub(super) const NO_ANSWER: Lesson = Lesson {
    name: "udp-no-answer",
    summary: "Lost, late or ignored: a UDP sender can't tell, and must set a time itself",
    description: "The server has the datagram and says nothing. For the client that looks as if it \
        had been lost: recvfrom waits for ever unless it is given a time. Asking again is the \
        program's business.",
    has_two_hosts: false,
    play: no_answer,
};

pub(super) const UNREACHABLE: Lesson = Lesson {
    name: "udp-unreachable",
    summary: "Nobody at that port: ICMP says so, and only a connected socket is told",
    description: "The datagram to a port without a socket is answered with ICMP port unreachable. \
        An unconnected socket hears nothing of it. After connect (which puts nothing on the wire, \
        UDP knows no connections) the kernel can assign the message: the next call fails with \
        ECONNREFUSED.",
    has_two_hosts: false,
    play: unreachable,
};

pub(super) const TRUNCATION: Lesson = Lesson {
    name: "udp-truncation",
    summary: "A datagram longer than the buffer is cut, and the rest is gone (MSG_TRUNC)",
    description: "recvmsg with room for 8 octets gets the first 8 of 26 and the flag MSG_TRUNC. The \
        next call gets the next datagram, not the rest: unlike a stream, where nothing is lost by \
        a small buffer.",
    has_two_hosts: false,
    play: truncation,
};

pub(super) const TCP_BESIDE_UDP: Lesson = Lesson {
    name: "tcp-beside-udp",
    summary: "The same question and answer over TCP and over UDP, counted",
    description: "One question, one answer. UDP takes two frames; TCP takes a handshake before, \
        acknowledgments between and a close after. For that it tells that everything came, in \
        order and once.",
    has_two_hosts: false,
    play: tcp_beside_udp,
};

/// A UDP server's socket: `socket`, `bind`.
fn bound<'s>(stage: &Stage<'s>) -> Result<Socket<'s>, crate::generator::sockets::LessonError> {
    let server = stage.server().udp()?;
    server.bind(stage.bind)?;
    Ok(server)
}

fn borders(stage: &Stage<'_>) -> Played {
    let server = bound(stage)?;
    let address = stage.address_of(&server);
    stage.head("Four datagrams are sent");
    let client = stage.client().udp()?;
    for words in [b"one".as_slice(), b"two", b"", b"three"] {
        client.send_to(words, address)?;
    }
    stage.settle();
    stage.say(
        "A frame for each, at once, and nothing comes back: there is no handshake and no ACK. The \
         third is empty, and travels all the same.",
    );
    stage.head("Four are received");
    for _ in 0..4 {
        server.recv_from(100)?;
    }
    stage.say("Each call gave one datagram, as it was sent, with its sender.");
    client.close()?;
    server.close()?;
    stage.say("close put nothing on the wire: there is nothing to end.");
    Ok(())
}

fn many_peers(stage: &Stage<'_>) -> Played {
    let server = bound(stage)?;
    let address = stage.address_of(&server);
    stage.head("Three clients ask");
    let mut clients = Vec::new();
    for number in 1..=3 {
        let client = stage.client().udp()?;
        client.send_to(format!("this is {number}").as_bytes(), address)?;
        clients.push(client);
    }
    stage.head("One socket answers them all");
    for _ in 0..3 {
        let (data, from) = server.recv_from(100)?;
        if let Some(from) = from {
            let mut answer = b"I heard: ".to_vec();
            answer.extend(data);
            server.send_to(&answer, from)?;
        }
    }
    for client in &clients {
        client.recv_from(100)?;
    }
    stage.say(
        "No accept, no second descriptor: whom a datagram comes from stands in it, and whom it \
         goes to is said with every sendto.",
    );
    for client in clients {
        client.close()?;
    }
    server.close()?;
    Ok(())
}

fn no_answer(stage: &Stage<'_>) -> Played {
    let server = bound(stage)?;
    let address = stage.address_of(&server);
    let client = stage.client().udp()?;
    client.set(Opt::ReceiveTimeout(300))?;
    for attempt in ["A question", "The same again"] {
        stage.head(attempt);
        client.send_to(b"are you there?", address)?;
        let answer = client.recv_from(100);
        client.fails(&[Errno::EAGAIN], answer)?;
        stage.say("EAGAIN after 0.3 s: nothing came. No error, for none is known.");
    }
    stage.head("What the server had all along");
    server.recv_from(100)?;
    server.recv_from(100)?;
    stage.say("Both had arrived. Had they been lost, the client would have seen the same.");
    client.close()?;
    server.close()?;
    Ok(())
}

fn unreachable(stage: &Stage<'_>) -> Played {
    stage.head("A port that nobody has any more");
    let server = bound(stage)?;
    let address = stage.address_of(&server);
    server.close()?;

    stage.head("From a socket that is not connected");
    let client = stage.client().udp()?;
    client.set(Opt::ReceiveTimeout(200))?;
    client.send_to(b"hello?", address)?;
    let answer = client.recv_from(100);
    client.fails(&[Errno::EAGAIN], answer)?;
    stage.say(
        "ICMP said at once that nobody is there, but the program was not told: the socket might \
         talk to many.",
    );
    client.close()?;

    stage.head("From a connected one");
    let client = stage.client().udp()?;
    client.connect(address)?;
    stage.say("connect put nothing on the wire. It only sets with whom this socket talks.");
    client.send(b"hello?")?;
    let answer = client.recv(100);
    client.fails(&[Errno::ECONNREFUSED], answer)?;
    stage.say("The same ICMP message, and now recv fails with ECONNREFUSED.");
    client.close()?;
    Ok(())
}

fn truncation(stage: &Stage<'_>) -> Played {
    let server = bound(stage)?;
    let address = stage.address_of(&server);
    stage.head("Two datagrams");
    let client = stage.client().udp()?;
    client.send_to(b"abcdefghijklmnopqrstuvwxyz", address)?;
    client.send_to(b"second", address)?;
    stage.settle();
    stage.head("Read with room for eight octets");
    server.recv_message(8)?;
    stage.say("8 octets of 26, and MSG_TRUNC: 18 were thrown away.");
    server.recv_message(8)?;
    stage.say("The next call gave the next datagram. The rest of the first can't be had.");
    client.close()?;
    server.close()?;
    Ok(())
}

fn tcp_beside_udp(stage: &Stage<'_>) -> Played {
    stage.head("Over UDP");
    let server = bound(stage)?;
    let client = stage.client().udp()?;
    client.send_to(b"time?", stage.address_of(&server))?;
    let (_, from) = server.recv_from(100)?;
    if let Some(from) = from {
        server.send_to(b"noon", from)?;
    }
    client.recv_from(100)?;
    client.close()?;
    server.close()?;
    stage.settle();
    stage.say("Two frames, one way each. Had one been lost, nobody would have sent it again.");

    stage.head("Over TCP");
    let pair = stage.connected()?;
    let Pair { client, server, .. } = &pair;
    client.send(b"time?")?;
    server.recv(100)?;
    server.send(b"noon")?;
    client.recv(100)?;
    pair.close(stage)?;
    stage.settle();
    stage.say(
        "Three to open, two with data and their ACKs, up to four to close. A connection that is \
         kept pays the first and the last only once.",
    );
    Ok(())
}
