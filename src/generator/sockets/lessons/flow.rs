//! Not too much for the receiver, not too much for the network, and whether anyone is there.

use crate::generator::sockets::Lesson;
use crate::generator::sockets::option::Opt;
use crate::generator::sockets::stage::{LessonError, Pair, Played, Stage};

pub(super) const ZERO_WINDOW: Lesson = Lesson {
    name: "zero-window",
    summary: "A reader that stops: the window closes, probes ask, reading opens it again",
    description: "The server does not read. Its buffer fills, the window in its ACKs shrinks to 0, \
        and the client may send no more: send blocks (here it fails with EAGAIN, being told not to \
        wait). The client's kernel probes from time to time. When the server reads, the window \
        opens, and data flows again.",
    has_two_hosts: false,
    play: zero_window,
};

pub(super) const KEEP_ALIVE: Lesson = Lesson {
    name: "keep-alive",
    summary: "SO_KEEPALIVE: after silence the kernel asks whether the peer is still there",
    description: "A connection on which nobody speaks puts nothing on the wire, for days if need \
        be. With SO_KEEPALIVE the kernel sends a probe after TCP_KEEPIDLE seconds of silence (7200 \
        if not told otherwise; 1 here): an ACK for one octet before the next, which the peer's \
        kernel answers with an ACK.",
    has_two_hosts: true,
    play: keep_alive,
};

pub(super) const CONGESTION: Lesson = Lesson {
    name: "congestion",
    summary: "The same transfer under each congestion control that this kernel has",
    description: "TCP_CONGESTION chooses per socket. Each transfers a megabyte, and the kernel says \
        what it came to. On loopback nothing is ever congested, so the differences are small: the \
        scenarios of lab/ show them on a path with a bottleneck and losses.",
    has_two_hosts: false,
    play: congestion,
};

/// Names that this kernel may have.
const ALGORITHMS: &[&str] = &[
    "reno", "cubic", "bbr", "dctcp", "vegas", "westwood", "htcp", "bic", "illinois", "veno",
];

fn zero_window(stage: &Stage<'_>) -> Played {
    /// Of each send.
    const PIECE: usize = 4 << 10;
    /// More than this no two buffers of this lesson hold.
    const MOST: usize = 1 << 20;
    stage.head("A server with a small buffer, that does not read");
    let listener = stage.server().socket(stage.tcp_kind())?;
    listener.set(Opt::ReceiveBuffer(16 << 10))?;
    listener.bind(stage.bind)?;
    listener.listen(8)?;
    let client = stage.client().socket(stage.tcp_kind())?;
    client.set(Opt::SendBuffer(16 << 10))?;
    client.connect(stage.address_of(&listener))?;
    let server = listener.accept()?;

    stage.head("The client sends until there is no room");
    let mut sent = 0;
    while sent < MOST {
        match client.send_now(&[b'x'; PIECE]) {
            Ok(taken) => sent += taken,
            Err(failure) if failure.errno == nix::errno::Errno::EAGAIN => break,
            Err(failure) => return Err(failure.into()),
        }
        stage.pause(1);
    }
    stage.pause(150);
    if let Some(state) = client.kernel_state() {
        stage.say(format!(
            "{sent} octets were taken by send; {} of them are not acknowledged and wait in the \
             client's buffer. The window that the server allows is {}.",
            state.unacked_bytes, state.send_window
        ));
    }

    stage.head("Waiting");
    stage.pause(900);
    stage.say(
        "The window is closed, and an ACK that opens it could get lost: so the client's kernel \
         probes (RFC 9293 section 3.8.6.1), with growing pauses. The server answers with the window \
         as it is, though at most once in half a second (Linux limits such answers).",
    );

    stage.head("The server reads");
    let mut read = 0;
    while read < sent {
        let data = server.recv(64 << 10)?;
        if data.is_empty() {
            break;
        }
        read += data.len();
    }
    stage.settle();
    stage.say(format!(
        "The window opened, and what had waited came: {read} octets read of {sent}."
    ));
    Pair {
        client,
        server,
        listener,
    }
    .close(stage)
}

fn keep_alive(stage: &Stage<'_>) -> Played {
    let pair = stage.connected()?;
    let Pair { client, server, .. } = &pair;
    stage.head("One word, then silence");
    client.set(Opt::KeepAlive(true))?;
    client.set(Opt::KeepIdle(1))?;
    client.set(Opt::KeepInterval(1))?;
    client.set(Opt::KeepCount(3))?;
    client.send(b"hello\n")?;
    server.recv(100)?;
    stage.pause(2300);
    stage.say(
        "After a second without a word the kernel sent a probe: an empty segment whose sequence \
         number is one below the next, so that the peer must answer. It did, and a second later \
         the same again. Neither program noticed.",
    );
    stage.say(
        "Without an answer to three of them the connection would have been given up, with \
         ETIMEDOUT for the program.",
    );
    pair.close(stage)
}

fn congestion(stage: &Stage<'_>) -> Played {
    /// Octets per transfer.
    const LEN: usize = 1 << 20;
    let path = "/proc/sys/net/ipv4/tcp_available_congestion_control";
    let available = std::fs::read_to_string(path)
        .map_err(|error| LessonError::new(format!("{path}: {error}")))?;
    let has = |name: &&&str| available.split_whitespace().any(|each| each == **name);
    for name in ALGORITHMS.iter().filter(has) {
        stage.head(name);
        let listener = stage.listening(8)?;
        let client = stage.client().socket(stage.tcp_kind())?;
        if let Err(failure) = client.set(Opt::Congestion(name)) {
            stage.say(format!(
                "This user may not choose it ({:?}): see \
                 /proc/sys/net/ipv4/tcp_allowed_congestion_control.",
                failure.errno
            ));
            continue;
        }
        client.connect(stage.address_of(&listener))?;
        let server = listener.accept()?;
        stage.transfer(&client, &server, LEN)?;
        stage.settle();
        if let Some(state) = client.kernel_state() {
            stage.say(format!(
                "{name}: congestion window {} segments of up to {} octets, round trip {} us, {} \
                 retransmitted",
                state.cwnd, state.mss, state.rtt_us, state.retransmitted
            ));
        }
        Pair {
            client,
            server,
            listener,
        }
        .close(stage)?;
    }
    stage.say(
        "Loopback has no queue that could fill and loses nothing: what differs is how each begins. \
         lab/ has paths with a bottleneck.",
    );
    Ok(())
}
