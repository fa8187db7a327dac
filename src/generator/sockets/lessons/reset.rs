//! How a connection ends without order.

use nix::errno::Errno;

use crate::generator::sockets::Lesson;
use crate::generator::sockets::option::Opt;
use crate::generator::sockets::stage::{Pair, Played, Stage};

pub(super) const RESET_BY_LINGER: Lesson = Lesson {
    name: "reset-by-linger",
    summary: "SO_LINGER with 0 seconds: close sends RST instead of FIN",
    description: "With SO_LINGER on and a time of 0, close throws away what was not sent and resets \
        the connection. No TIME-WAIT on either side; the peer's recv fails with ECONNRESET, and \
        what it had not read is lost. Some programs do this to be rid of TIME-WAIT.",
    has_two_hosts: true,
    play: by_linger,
};

pub(super) const RESET_BY_UNREAD_DATA: Lesson = Lesson {
    name: "reset-by-unread-data",
    summary: "close with data that nobody has read sends RST instead of FIN",
    description: "The server answers before it has read the whole request and closes. Its kernel \
        sees that data was thrown away and tells the client so, with RST (RFC 2525 section 2.17). \
        The client may lose the answer by that, though it had arrived.",
    has_two_hosts: true,
    play: by_unread_data,
};

fn by_linger(stage: &Stage<'_>) -> Played {
    stage.head("A connection with something to say");
    let Pair {
        client,
        server,
        listener,
    } = stage.connected()?;
    client.send(b"important\n")?;
    server.recv(100)?;

    stage.head("close with SO_LINGER 0");
    client.set(Opt::Linger(0))?;
    client.close()?;
    stage.settle();
    stage.say("RST, and no FIN: the client is CLOSED at once, and so is the server.");
    let attempt = server.recv(100);
    server.fails(&[Errno::ECONNRESET], attempt)?;
    stage.say(
        "The server's program finds ECONNRESET where it would have found 0: it can't know whether \
         it has everything.",
    );
    server.close()?;
    listener.close()?;
    Ok(())
}

fn by_unread_data(stage: &Stage<'_>) -> Played {
    stage.head("A request that is longer than what is read of it");
    let Pair {
        client,
        server,
        listener,
    } = stage.connected()?;
    client.send(b"please do something about this\n")?;
    stage.settle();
    server.recv(6)?;
    server.send(b"no\n")?;
    stage.settle();
    stage.say("The server read 6 octets of 31, and has answered.");

    stage.head("close, with 25 octets unread");
    server.close()?;
    stage.settle();
    stage.say(
        "An ordinary close, and yet it is RST that went out: data was lost, and this says so.",
    );
    let attempt = client.recv(100);
    match attempt {
        // The answer was read before the reset was noticed.
        Ok(_) => {}
        attempt => client.fails(&[Errno::ECONNRESET], attempt)?,
    }
    stage.say(
        "If the answer was there before the RST, Linux still hands it out; had it been late, or \
         the system another, it would be lost. A server that wants its answer to arrive calls \
         shutdown, reads on to the end, and closes then.",
    );
    client.close()?;
    listener.close()?;
    Ok(())
}
