//! How a connection comes to be, and how it does not.

use std::thread;

use nix::errno::Errno;

use crate::generator::sockets::Lesson;
use crate::generator::sockets::stage::{LessonError, Played, Stage};

pub(super) const CLIENT_SERVER: Lesson = Lesson {
    name: "client-server",
    summary: "socket, bind, listen, accept on one side, socket and connect on the other",
    description: "The calls of a server and of a client, one after the other, with what each puts \
        on the wire: socket, bind, listen and accept put nothing there, connect a SYN. Look at \
        which calls have frames after them, and at the port that the kernel chose for the client.",
    has_two_hosts: true,
    play: client_server,
};

pub(super) const HANDSHAKE: Lesson = Lesson {
    name: "handshake",
    summary: "The three-way handshake, which the kernel does before accept is called",
    description: "SYN, SYN-ACK, ACK: connect returns after the second, and the server's program \
        has no part in it. The client even sends before the server has accepted. Look at the \
        options of the two SYNs, and at the states in the call log.",
    has_two_hosts: true,
    play: handshake,
};

pub(super) const ENDPOINTS: Lesson = Lesson {
    name: "endpoints",
    summary: "Three connections to one port: what tells them apart is the 4-tuple",
    description: "A server listens at one address and port; three connections come to it from one \
        host. Each is known by four numbers: source address and port, destination address and \
        port. Only the client's port differs. accept gives a new descriptor per connection, all \
        with the same local address.",
    has_two_hosts: true,
    play: endpoints,
};

pub(super) const REFUSED: Lesson = Lesson {
    name: "refused",
    summary: "Nothing listens: the SYN is answered with RST, connect fails with ECONNREFUSED",
    description: "A socket that is bound but does not listen takes no connections: the host's \
        kernel answers the SYN with a RST, and connect fails at once. A port behind a firewall \
        that drops would be silent instead, and connect would wait.",
    has_two_hosts: false,
    play: refused,
};

pub(super) const BACKLOG: Lesson = Lesson {
    name: "backlog",
    summary: "A listen backlog that overflows: the SYN is dropped and sent again after 1 s",
    description: "listen(1) lets two connections wait for accept (Linux: one more than the \
        number). The SYN of the third is dropped without an answer. When the server accepts, there \
        is room, and the SYN that the client sends again after a second is answered: the client \
        sees a connect that took a second.",
    has_two_hosts: false,
    play: backlog,
};

fn client_server(stage: &Stage<'_>) -> Played {
    stage.head("A server makes itself known");
    let listener = stage.listening(8)?;
    let address = stage.address_of(&listener);
    stage.say(format!(
        "Nothing went by on the wire. socket made a descriptor, bind gave it the name {address}, \
         listen told the kernel to take connections for it."
    ));

    stage.head("A client connects");
    let client = stage.client().socket(stage.tcp_kind())?;
    client.connect(address)?;
    if let Some(local) = client.local() {
        stage.say(format!(
            "connect sent a SYN and returned when the SYN-ACK was there. The client has not \
             called bind: the kernel chose port {} for it.",
            local.port()
        ));
    }
    let server = listener.accept()?;
    stage.say(
        "accept put nothing on the wire either: the connection was there before, made by the \
         kernel. accept gave it a descriptor; the listening one goes on listening.",
    );

    stage.head("Both can send now");
    client.send(b"hello\n")?;
    server.recv(100)?;
    server.send(b"welcome\n")?;
    client.recv(100)?;
    stage.settle();
    stage.say(
        "Each send here became one segment, and each was acknowledged by the other kernel. recv \
         put nothing there: it took what had come.",
    );

    stage.head("And close");
    client.close()?;
    stage.settle();
    server.recv(100)?;
    stage.say("close sent a FIN. recv on the other side gives 0: the end of the stream.");
    server.close()?;
    stage.settle();
    listener.close()?;
    Ok(())
}

fn handshake(stage: &Stage<'_>) -> Played {
    stage.head("A server that listens and does nothing else");
    let listener = stage.listening(8)?;
    stage.say("From here on its program sleeps. Whatever answers now is the kernel.");
    stage.pause(50);

    stage.head("The three segments");
    let client = stage.client().socket(stage.tcp_kind())?;
    client.connect(stage.address_of(&listener))?;
    stage.settle();
    stage.say(
        "SYN: my stream begins here, and these are the options I know. SYN-ACK: so does mine, \
         and I have your SYN. ACK: I have yours. Both numbers are counted from 0 here; on the wire \
         they begin at random (RFC 9293 section 3.4.1).",
    );
    stage.say(
        "For the client the connection is ESTABLISHED with the SYN-ACK, for the server with the \
         ACK. Nobody has called accept.",
    );

    stage.head("Sending before accept");
    client.send(b"are you there?\n")?;
    stage.settle();
    stage.say("The data was acknowledged: it waits in the kernel for a program to take it.");
    let server = listener.accept()?;
    server.recv(100)?;
    stage.say("accept took the connection, and the data was there already.");
    client.close()?;
    stage.settle();
    server.close()?;
    stage.settle();
    listener.close()?;
    Ok(())
}

fn endpoints(stage: &Stage<'_>) -> Played {
    stage.head("One port");
    let listener = stage.listening(8)?;
    let address = stage.address_of(&listener);

    stage.head("Three connections to it");
    let mut pairs = Vec::new();
    for _ in 0..3 {
        let client = stage.client().socket(stage.tcp_kind())?;
        client.connect(address)?;
        let server = listener.accept()?;
        pairs.push((client, server));
    }
    for (client, server) in &pairs {
        let known = server.local().zip(server.peer());
        let (local, peer) = known
            .or_else(|| client.peer().zip(client.local()))
            .unwrap_or((address, address));
        stage.say(format!("4-tuple: {peer} and {local}"));
    }
    stage.say(
        "The server's side is the same in all of them. A segment finds its socket by all four \
         numbers; the listening socket is asked only when none fits.",
    );

    stage.head("Each has a stream of its own");
    for (number, (client, server)) in (1..).zip(&pairs) {
        server.send(format!("you are number {number}\n").as_bytes())?;
        client.recv(100)?;
    }
    for (client, server) in pairs {
        client.close()?;
        stage.settle();
        server.close()?;
    }
    stage.settle();
    listener.close()?;
    Ok(())
}

fn refused(stage: &Stage<'_>) -> Played {
    stage.head("A port that has a name and nobody who listens");
    let server = stage.server().socket(stage.tcp_kind())?;
    server.bind(stage.bind)?;
    stage.say("bind, but no listen: the port is taken, connections are not.");

    stage.head("connect");
    let client = stage.client().socket(stage.tcp_kind())?;
    let attempt = client.connect(stage.address_of(&server));
    client.fails(&[Errno::ECONNREFUSED], attempt)?;
    stage.settle();
    stage.say(
        "The server's kernel answered the SYN with RST, ACK: here is nobody. The client knows at \
         once, and its socket is CLOSED.",
    );
    client.close()?;
    server.close()?;
    Ok(())
}

fn backlog(stage: &Stage<'_>) -> Played {
    stage.head("listen(1): room for two");
    let listener = stage.listening(1)?;
    let address = stage.address_of(&listener);
    let mut clients = Vec::new();
    for _ in 0..2 {
        let client = stage.client().socket(stage.tcp_kind())?;
        client.connect(address)?;
        clients.push(client);
    }
    stage.settle();
    stage.say(
        "Two are connected and wait for accept. Linux lets one more wait than the number that \
         listen was given.",
    );

    stage.head("The third");
    let third = stage.client().socket(stage.tcp_kind())?;
    let accepted = thread::scope(|scope| {
        let waiting = scope.spawn(|| third.connect(address));
        stage.pause(300);
        let accepted = [listener.accept(), listener.accept()];
        let connected = waiting.join().unwrap_or(Ok(())).map_err(LessonError::from);
        connected.map(|()| accepted)
    })?;
    stage.say(
        "Its SYN was dropped: no SYN-ACK, no RST. The server accepted 0.3 s later, which nobody \
         tells the client. It sends its SYN again when its timer runs out (1 s, RFC 6298 section \
         2.1), and that one is answered.",
    );
    let last = listener.accept()?;
    clients.push(third);
    for client in clients {
        client.close()?;
    }
    stage.settle();
    for server in accepted {
        server?.close()?;
    }
    last.close()?;
    stage.settle();
    listener.close()?;
    Ok(())
}
