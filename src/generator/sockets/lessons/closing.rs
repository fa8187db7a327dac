//! How a connection ends in order.

use nix::errno::Errno;

use crate::generator::sockets::Lesson;
use crate::generator::sockets::option::Opt;
use crate::generator::sockets::stage::{Pair, Played, Stage};

pub(super) const FOUR_WAY_CLOSE: Lesson = Lesson {
    name: "four-way-close",
    summary: "FIN, ACK, FIN, ACK: who closes first goes through TIME-WAIT",
    description: "Each direction is closed by itself: a FIN and its acknowledgment, twice. Between \
        the two the connection is half closed. The one that closes first (the active closer) goes \
        FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT; the other CLOSE-WAIT, LAST-ACK, CLOSED.",
    has_two_hosts: true,
    play: four_way_close,
};

pub(super) const ADDRESS_REUSE: Lesson = Lesson {
    name: "address-reuse",
    summary: "TIME-WAIT keeps a port: bind fails with EADDRINUSE until SO_REUSEADDR is set",
    description: "A server that closes first leaves its port in TIME-WAIT (60 s on Linux). One \
        that is started anew can't bind to it, unless SO_REUSEADDR is set, on Linux by both the \
        old and the new one.",
    has_two_hosts: false,
    play: address_reuse,
};

pub(super) const HALF_CLOSE: Lesson = Lesson {
    name: "half-close",
    summary: "shutdown(SHUT_WR) ends one direction; the other goes on",
    description: "The client says that it has sent all (FIN) and goes on reading. The server sees \
        the end of the stream, answers in its own time, and closes. This is how a client says \
        'that was all' where the protocol has no other word for it.",
    has_two_hosts: true,
    play: half_close,
};

pub(super) const CLOSE_BESIDE_SHUTDOWN: Lesson = Lesson {
    name: "close-beside-shutdown",
    summary: "After close, what still comes is answered with RST; after shutdown it is read",
    description: "The same exchange twice, once with shutdown(SHUT_WR), once with close. Both send \
        the same FIN. The server can't tell which it was until it answers: after close nobody is \
        there to read, and the kernel resets the connection.",
    has_two_hosts: true,
    play: close_beside_shutdown,
};

fn four_way_close(stage: &Stage<'_>) -> Played {
    stage.head("A connection");
    let Pair {
        client,
        server,
        listener,
    } = stage.connected()?;

    stage.head("The client closes: first FIN, first ACK");
    client.close()?;
    stage.pause(100);
    stage.say(
        "The client is in FIN-WAIT-2 now, the server in CLOSE-WAIT: the client has nothing more \
         to send, the server's program has not been told yet.",
    );

    stage.head("The server finds out, and closes too: second FIN, second ACK");
    server.recv(100)?;
    server.close()?;
    stage.pause(50);
    stage.say(
        "The client closed first and is in TIME-WAIT: for 60 s (Linux) it stays, in case its last \
         ACK is lost and the FIN comes again. The server is CLOSED and remembers nothing.",
    );
    listener.close()?;
    Ok(())
}

fn address_reuse(stage: &Stage<'_>) -> Played {
    stage.head("A server closes first");
    let listener = stage.server().socket(stage.tcp_kind())?;
    listener.set(Opt::ReuseAddr(true))?;
    listener.bind(stage.bind)?;
    listener.listen(8)?;
    let address = stage.address_of(&listener);
    let client = stage.client().socket(stage.tcp_kind())?;
    client.connect(address)?;
    let server = listener.accept()?;
    server.close()?;
    stage.settle();
    client.recv(100)?;
    client.close()?;
    stage.settle();
    listener.close()?;
    stage.say(format!(
        "The server is gone, but the kernel still has its end of the connection, in TIME-WAIT at \
         port {}.",
        address.port()
    ));

    stage.head("Started anew, without SO_REUSEADDR");
    let second = stage.server().socket(stage.tcp_kind())?;
    let attempt = second.bind(address);
    second.fails(&[Errno::EADDRINUSE], attempt)?;
    second.close()?;
    stage.say("EADDRINUSE: the port counts as used for as long as TIME-WAIT lasts.");

    stage.head("Started anew, with SO_REUSEADDR");
    let third = stage.server().socket(stage.tcp_kind())?;
    third.set(Opt::ReuseAddr(true))?;
    third.bind(address)?;
    third.listen(8)?;
    let client = stage.client().socket(stage.tcp_kind())?;
    client.connect(address)?;
    let server = third.accept()?;
    stage.say(
        "It binds and serves. The old connection's 4-tuple has another client port, so that no \
         segment can be taken for the other's. (The first server had set it too: Linux asks that \
         of both.)",
    );
    Pair {
        client,
        server,
        listener: third,
    }
    .close(stage)
}

fn half_close(stage: &Stage<'_>) -> Played {
    stage.head("A connection");
    let Pair {
        client,
        server,
        listener,
    } = stage.connected()?;

    stage.head("The client sends all it has, and says so");
    client.send(b"one\ntwo\nthree\n")?;
    client.shutdown_write()?;
    stage.settle();
    server.recv_all(14)?;
    server.recv(100)?;
    stage.say(
        "shutdown(SHUT_WR) sent a FIN, as close does. recv gives 0 on the server: that was all.",
    );

    stage.head("The server answers, at leisure");
    for part in [b"1 line\n".as_slice(), b"2 lines\n", b"3 lines\n"] {
        server.send(part)?;
        client.poll_in(1000)?;
        client.recv(100)?;
        stage.pause(30);
    }
    stage.say(
        "Data goes on flowing in this direction, and its ACKs in the other: the connection is half \
         closed, FIN-WAIT-2 on one side, CLOSE-WAIT on the other.",
    );
    server.close()?;
    stage.settle();
    client.recv(100)?;
    client.close()?;
    stage.say("close of the client put nothing on the wire: its FIN was sent long ago.");
    stage.settle();
    listener.close()?;
    Ok(())
}

fn close_beside_shutdown(stage: &Stage<'_>) -> Played {
    let listener = stage.listening(8)?;
    let address = stage.address_of(&listener);

    stage.head("With shutdown(SHUT_WR)");
    let client = stage.client().socket(stage.tcp_kind())?;
    client.connect(address)?;
    let server = listener.accept()?;
    client.send(b"question\n")?;
    client.shutdown_write()?;
    stage.settle();
    server.recv_all(9)?;
    server.recv(100)?;
    server.send(b"answer\n")?;
    stage.settle();
    client.recv(100)?;
    server.close()?;
    stage.settle();
    client.close()?;
    stage.say("The answer came and was read.");

    stage.head("With close");
    let client = stage.client().socket(stage.tcp_kind())?;
    client.connect(address)?;
    let server = listener.accept()?;
    client.send(b"question\n")?;
    client.close()?;
    stage.settle();
    server.recv_all(9)?;
    server.recv(100)?;
    stage.say("So far all is the same: data, FIN, and 0 from recv.");
    server.send(b"answer\n")?;
    stage.settle();
    stage.say(
        "send went well: it only gave the data to the kernel. But nobody is left who could read \
         it, and the client's kernel answers with RST.",
    );
    let attempt = server.send(b"more\n");
    server.fails(&[Errno::EPIPE, Errno::ECONNRESET], attempt)?;
    stage.say(
        "The next send fails (without MSG_NOSIGNAL, SIGPIPE would end the program). What became \
         of the answer the server can't know.",
    );
    server.close()?;
    stage.settle();
    listener.close()?;
    Ok(())
}
