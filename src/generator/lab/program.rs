//! What the two hosts do: a program each, in its own network namespace, with a socket each.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socket, sockopt};

use super::scenario::Talk;
use crate::calls::KernelState;
use crate::generator::sockets::state_of;
use crate::generator::truth::Side;

/// Addresses of client and server.
pub(super) const ADDRESSES: [Ipv4Addr; 2] =
    [Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 2)];
/// Of no protocol that a reader would go on to take apart.
const PORT: u16 = 5101;
/// A call that takes longer ends the program.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a program ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended {
    /// What the kernel says of its socket, right before it closed it.
    pub(super) state: Option<KernelState>,
    /// Octets that it has received.
    pub(super) received: u64,
    /// What failed, if something did.
    pub(super) failure: Option<String>,
}

/// A program under way.
pub(super) type Program = JoinHandle<Ended>;

/// Starts both programs, the server's first.
pub(super) fn start(namespaces: [File; 2], talk: Talk, congestion: Option<&str>) -> [Program; 2] {
    let (listens, listening) = mpsc::channel();
    let [client, server] = namespaces;
    let congestion = congestion.map(str::to_owned);
    let other = congestion.clone();
    [
        thread::spawn(move || {
            ended(&client, |ended| {
                connect(talk, congestion.as_deref(), &listening, ended)
            })
        }),
        thread::spawn(move || {
            ended(&server, |ended| {
                serve(talk, other.as_deref(), &listens, ended)
            })
        }),
    ]
}

/// Runs a program in a network namespace.
fn ended(namespace: &File, run: impl FnOnce(&mut Ended) -> io::Result<()>) -> Ended {
    let mut ended = Ended::default();
    let there = setns(namespace, CloneFlags::CLONE_NEWNET).map_err(io::Error::from);
    if let Err(error) = there.and_then(|()| run(&mut ended)) {
        ended.failure = Some(error.to_string());
    }
    ended
}

fn prepare(socket: &TcpStream, congestion: Option<&str>) -> io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    if let Some(name) = congestion {
        choose(socket, name)?;
    }
    Ok(())
}

/// Whether this kernel has it.
pub(super) fn check_congestion(name: &str) -> io::Result<()> {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    choose(&socket, name)
}

fn choose(socket: &impl AsFd, name: &str) -> io::Result<()> {
    setsockopt(&socket, sockopt::TcpCongestion, &name.into()).map_err(|errno| {
        let error = io::Error::from(errno);
        io::Error::new(
            error.kind(),
            format!("this kernel has no congestion control {name:?}"),
        )
    })
}

fn serve(
    talk: Talk,
    congestion: Option<&str>,
    listens: &Sender<()>,
    ended: &mut Ended,
) -> io::Result<()> {
    let listener = TcpListener::bind((ADDRESSES[Side::Server as usize], PORT))?;
    if let Talk::SlowReader { buffer, .. } = talk {
        setsockopt(&listener, sockopt::RcvBuf, &buffer)?;
    }
    if let Some(name) = congestion {
        choose(&listener, name)?;
    }
    // Should the client's program be gone, it says so itself.
    let _ = listens.send(());
    let (mut socket, _) = listener.accept()?;
    prepare(&socket, congestion)?;
    match talk {
        Talk::Upload { .. } => read_all(&mut socket, ended)?,
        Talk::Exchange {
            request, response, ..
        } => {
            while read_some(&mut socket, request, ended)? {
                write_some(&mut socket, response)?;
            }
        }
        Talk::SlowReader { after, pause, .. } => {
            read_some(&mut socket, after, ended)?;
            thread::sleep(pause);
            read_all(&mut socket, ended)?;
        }
    }
    ended.state = state_of(socket.as_fd());
    Ok(())
}

fn connect(
    talk: Talk,
    congestion: Option<&str>,
    listening: &Receiver<()>,
    ended: &mut Ended,
) -> io::Result<()> {
    listening
        .recv_timeout(PATIENCE)
        .map_err(|_| io::Error::other("the server does not listen"))?;
    let server = SocketAddr::from((ADDRESSES[Side::Server as usize], PORT));
    let mut socket = TcpStream::connect_timeout(&server, PATIENCE)?;
    prepare(&socket, congestion)?;
    match talk {
        Talk::Upload { octets } | Talk::SlowReader { octets, .. } => {
            write_some(&mut socket, octets)?;
        }
        Talk::Exchange {
            count,
            request,
            response,
            think,
        } => {
            for _ in 0..count {
                write_some(&mut socket, request)?;
                read_some(&mut socket, response, ended)?;
                thread::sleep(think);
            }
        }
    }
    socket.shutdown(Shutdown::Write)?;
    read_all(&mut socket, ended)?;
    ended.state = state_of(socket.as_fd());
    Ok(())
}

fn read_all(socket: &mut TcpStream, ended: &mut Ended) -> io::Result<()> {
    while read_some(socket, 1 << 16, ended)? {}
    Ok(())
}

/// Reads so many octets; false at the end of the stream.
fn read_some(socket: &mut TcpStream, octets: usize, ended: &mut Ended) -> io::Result<bool> {
    let mut room = [0; 8192];
    let mut left = octets;
    while left > 0 {
        let len = left.min(room.len());
        let read = socket.read(room.get_mut(..len).unwrap_or_default())?;
        ended.received += read as u64;
        if read == 0 {
            return Ok(false);
        }
        left -= read;
    }
    Ok(true)
}

/// Writes so many octets at once, lines of text.
fn write_some(socket: &mut TcpStream, octets: usize) -> io::Result<()> {
    let line = b"what a real kernel sends is real\n";
    let all: Vec<u8> = line.iter().copied().cycle().take(octets).collect();
    socket.write_all(&all)
}
