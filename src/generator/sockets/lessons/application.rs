//! Who may speak, and when.

use crate::generator::sockets::Lesson;
use crate::generator::sockets::stage::{Pair, Party, Played, Stage};

pub(super) const HTTP_WEBSOCKET: Lesson = Lesson {
    name: "http-websocket",
    summary: "HTTP answers when it is asked; a WebSocket lets both speak when they will",
    description: "A request and its response, then the same connection is upgraded to a WebSocket \
        (RFC 6455): from then on both sides send frames of their own accord. Key and answer are \
        those of the RFC's example. What a client sends is masked, what a server sends is not.",
    has_two_hosts: true,
    play: http_websocket,
};

pub(super) const PEER_TO_PEER: Lesson = Lesson {
    name: "peer-to-peer",
    summary: "Client and server beside two peers that both listen and both connect",
    description: "To TCP there are no servers, only ends: one that listened and one that connected. \
        Peers do both. Each has a listening socket and connects to the other's, so that there are \
        two connections, one begun by each.",
    has_two_hosts: false,
    play: peer_to_peer,
};

/// A final frame of this kind (RFC 6455 section 5.2), masked with the RFC's example key as what
/// clients send must be.
fn websocket_frame(kind: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let len = payload.len().min(125);
    let mut frame = vec![0x80 | kind, len as u8 | if masked { 0x80 } else { 0 }];
    if masked {
        frame.extend(MASK);
    }
    let key = if masked { MASK } else { [0; 4] };
    frame.extend(
        payload
            .iter()
            .take(len)
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

fn http_websocket(stage: &Stage<'_>) -> Played {
    const TEXT: u8 = 1;
    const CLOSE: u8 = 8;
    let pair = stage.connected()?;
    let Pair { client, server, .. } = &pair;

    stage.head("HTTP: a request, a response");
    client.send(b"GET / HTTP/1.1\r\nHost: lesson.example\r\n\r\n")?;
    server.recv(1000)?;
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")?;
    client.recv(1000)?;
    stage.say("The server may not speak before it is asked. To hear of news a client asks again.");

    stage.head("An upgrade to WebSocket");
    client.send(
        b"GET /talk HTTP/1.1\r\nHost: lesson.example\r\nUpgrade: websocket\r\n\
          Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
          Sec-WebSocket-Version: 13\r\n\r\n",
    )?;
    server.recv(1000)?;
    server.send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    )?;
    client.recv(1000)?;
    stage.say("The same TCP connection; from here on its bytes are frames of RFC 6455.");

    stage.head("Both speak, unasked");
    server.send(&websocket_frame(TEXT, b"news", false))?;
    client.recv(1000)?;
    server.send(&websocket_frame(TEXT, b"more news", false))?;
    client.send(&websocket_frame(TEXT, b"Hello", true))?;
    stage.settle();
    client.recv(1000)?;
    server.recv(1000)?;
    stage.say(
        "The server sent first, and again without an answer; the client spoke meanwhile. TCP had \
         both directions all along: it was HTTP that took turns.",
    );
    client.send(&websocket_frame(CLOSE, &1000_u16.to_be_bytes(), true))?;
    server.recv(1000)?;
    server.send(&websocket_frame(CLOSE, &1000_u16.to_be_bytes(), false))?;
    client.recv(1000)?;
    pair.close(stage)
}

fn peer_to_peer(stage: &Stage<'_>) -> Played {
    stage.head("Client and server: one listens, one connects");
    let pair = stage.connected()?;
    pair.client.send(b"may I have it?\n")?;
    pair.server.recv(100)?;
    pair.server.send(b"here it is\n")?;
    pair.client.recv(100)?;
    pair.close(stage)?;

    stage.head("Peers: both listen");
    let (peer_a, peer_b) = (
        stage.host("peer A", Party::Both),
        stage.host("peer B", Party::Both),
    );
    let (listens_a, listens_b) = (peer_a.tcp()?, peer_b.tcp()?);
    for listener in [&listens_a, &listens_b] {
        listener.bind(stage.bind)?;
        listener.listen(8)?;
    }

    stage.head("And both connect");
    let from_a = peer_a.tcp()?;
    from_a.connect(stage.address_of(&listens_b))?;
    let at_b = listens_b.accept()?;
    let from_b = peer_b.tcp()?;
    from_b.connect(stage.address_of(&listens_a))?;
    let at_a = listens_a.accept()?;
    from_a.send(b"A has parts 1 and 2\n")?;
    at_b.recv(100)?;
    from_b.send(b"B has part 3\n")?;
    at_a.recv(100)?;
    at_b.send(b"B wants part 1\n")?;
    from_a.recv(100)?;
    stage.say(
        "Two connections, each begun by another. In each, 'client' is who sent the first SYN; \
         neither peer is one by nature.",
    );
    from_a.close()?;
    stage.settle();
    at_b.close()?;
    from_b.close()?;
    stage.settle();
    at_a.close()?;
    listens_a.close()?;
    listens_b.close()?;
    Ok(())
}
