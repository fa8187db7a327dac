//! IPv6, and both at once.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::errno::Errno;

use crate::generator::sockets::Lesson;
use crate::generator::sockets::option::Opt;
use crate::generator::sockets::socket::{Failure, Kind, Socket};
use crate::generator::sockets::stage::{LessonError, Pair, Played, Stage};

pub(super) const IPV6: Lesson = Lesson {
    name: "ipv6",
    summary: "The same calls over IPv6: another address family, another header, the same TCP",
    description: "AF_INET6 and the address ::1. The IP header is 40 octets and has no checksum; \
        what is in it is the same TCP: handshake, numbers, windows.",
    has_two_hosts: false,
    play: ipv6,
};

pub(super) const DUAL_STACK: Lesson = Lesson {
    name: "dual-stack",
    summary: "One IPv6 socket takes IPv4 too, as ::ffff:a.b.c.d, unless IPV6_V6ONLY is set",
    description: "A socket that listens at [::] takes connections over IPv6 and IPv4. A client over \
        IPv4 appears with a mapped address (RFC 4291 section 2.5.5.2); on the wire it is IPv4. With \
        IPV6_V6ONLY the IPv4 client is refused.",
    has_two_hosts: false,
    play: dual_stack,
};

/// That this host has no IPv6 is told in its own words.
fn without_v6(failure: Failure) -> LessonError {
    match failure.errno {
        Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL => {
            LessonError::new("this host has no IPv6".to_owned())
        }
        _ => failure.into(),
    }
}

fn ipv6(stage: &Stage<'_>) -> Played {
    stage.head("A server at ::1");
    let listener = stage.server().socket(Kind::Tcp6).map_err(without_v6)?;
    listener
        .bind(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 0))
        .map_err(without_v6)?;
    listener.listen(8)?;
    stage.head("A client");
    let client = stage.client().socket(Kind::Tcp6)?;
    client.connect(stage.address_of(&listener))?;
    let server = listener.accept()?;
    client.send(b"hello over IPv6\n")?;
    server.recv(100)?;
    if let Some(state) = client.kernel_state() {
        stage.say(format!(
            "Only the addresses look different. A segment holds {} octets here, 20 fewer than \
             over IPv4: the header is 40 octets instead of 20.",
            state.mss
        ));
    }
    Pair {
        client,
        server,
        listener,
    }
    .close(stage)
}

fn dual_stack(stage: &Stage<'_>) -> Played {
    stage.head("A server at [::], for both");
    let listener = listening(stage, false)?;
    let port = stage.address_of(&listener).port();
    let over_v4 = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
    let over_v6 = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port);
    for (kind, address) in [(Kind::Tcp6, over_v6), (Kind::Tcp, over_v4)] {
        stage.head(&format!("A client to {address}"));
        let client = stage.client().socket(kind)?;
        client.connect(address)?;
        let server = listener.accept()?;
        server.send(b"welcome\n")?;
        client.recv(100)?;
        if let Some(peer) = server.peer() {
            stage.say(format!("The server sees its peer as {peer}."));
        }
        client.close()?;
        stage.settle();
        server.close()?;
    }
    stage.settle();
    listener.close()?;
    stage.say("On the wire the second one is plain IPv4: the mapped address is never sent.");

    stage.head("With IPV6_V6ONLY");
    let listener = listening(stage, true)?;
    let port = stage.address_of(&listener).port();
    let client = stage.client().socket(Kind::Tcp)?;
    let attempt = client.connect(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    client.fails(&[Errno::ECONNREFUSED], attempt)?;
    stage.say("Over IPv4 nobody listens at that port.");
    client.close()?;
    listener.close()?;
    Ok(())
}

fn listening<'s>(stage: &Stage<'s>, v6_only: bool) -> Result<Socket<'s>, LessonError> {
    let listener = stage.server().socket(Kind::Tcp6).map_err(without_v6)?;
    listener.set(Opt::V6Only(v6_only))?;
    listener
        .bind(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0))
        .map_err(without_v6)?;
    listener.listen(8)?;
    Ok(listener)
}
