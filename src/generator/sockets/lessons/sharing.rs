//! One connection, several descriptors.

use crate::generator::sockets::Lesson;
use crate::generator::sockets::fork;
use crate::generator::sockets::stage::{Pair, Played, Stage};

pub(super) const SHARED_DESCRIPTOR: Lesson = Lesson {
    name: "shared-descriptor",
    summary: "close sends no FIN while another process has the descriptor too",
    description: "After fork both processes have the socket. The parent's close puts nothing on \
        the wire; the child still sends. Only when the last descriptor is closed the FIN goes out. \
        The same with dup in one process. A connection that stays open after close has a copy of \
        its descriptor somewhere, often in a child that was started meanwhile.",
    has_two_hosts: true,
    play: shared_descriptor,
};

fn shared_descriptor(stage: &Stage<'_>) -> Played {
    stage.head("A connection, and a child that has it too (fork)");
    let Pair {
        client,
        server,
        listener,
    } = stage.connected()?;
    let child = fork::child_that_writes(&client, b"from the child\n")?;
    client.close()?;
    stage.say("The parent closed its descriptor: no FIN, the child has one.");
    match child {
        Some(mut child) => {
            child.wait_for("write");
            server.recv(100)?;
            child.wait_for("close");
        }
        None => {
            server.recv(100)?;
            stage.pause(250);
        }
    }
    stage.settle();
    server.recv(100)?;
    stage.say("The child wrote, then closed, and with the last descriptor the FIN went out.");
    server.close()?;
    stage.settle();

    stage.head("The same in one process (dup)");
    let client = stage.client().socket(stage.tcp_kind())?;
    client.connect(stage.address_of(&listener))?;
    let server = listener.accept()?;
    let second = client.duplicate()?;
    client.close()?;
    stage.pause(50);
    stage.say("Again no FIN: there is a second descriptor.");
    second.send(b"by the second descriptor\n")?;
    server.recv(100)?;
    second.shutdown_write()?;
    stage.settle();
    stage.say(
        "shutdown does not count descriptors: it acts on the connection, and its FIN goes out at \
         once, whoever else has it.",
    );
    server.recv(100)?;
    server.close()?;
    stage.settle();
    second.close()?;
    listener.close()?;
    Ok(())
}
