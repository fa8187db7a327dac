//! Where a lesson plays: two hosts on one, or each on its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use super::option::Opt;
use super::record::{Event, Record, now};
use super::socket::{self, Attempt, Failure, Kind, Socket};

/// Which hosts of a lesson this one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Party {
    /// All of them.
    #[default]
    Both,
    /// The one that listens.
    Server,
    /// The one that connects.
    Client,
}

/// Why a lesson did not come to its end: a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonError(String);

impl LessonError {
    pub(super) fn new(reason: String) -> Self {
        Self(reason)
    }
}

impl core::fmt::Display for LessonError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LessonError {}

impl From<Failure> for LessonError {
    fn from(failure: Failure) -> Self {
        Self(format!("{} failed: {}", failure.call, failure.errno.desc()))
    }
}

pub(super) type Played = Result<(), LessonError>;

/// Where a lesson plays. Every wait in it ends by itself.
#[derive(Debug)]
pub(super) struct Stage<'s> {
    pub(super) record: &'s Record,
    pub(super) party: Party,
    /// Where servers listen.
    pub(super) bind: SocketAddr,
    /// Where clients connect to, when the server is another host.
    pub(super) connect: Option<SocketAddr>,
}

/// A host of the lesson.
#[derive(Clone, Copy, Debug)]
pub(super) struct Host<'s> {
    record: &'s Record,
    name: &'static str,
    is_here: bool,
}

impl<'s> Host<'s> {
    pub(super) fn record(self) -> &'s Record {
        self.record
    }

    pub(super) fn name(self) -> &'static str {
        self.name
    }

    pub(super) fn is_here(self) -> bool {
        self.is_here
    }

    pub(super) fn socket(self, kind: Kind) -> Attempt<Socket<'s>> {
        socket::open(self, kind)
    }

    pub(super) fn tcp(self) -> Attempt<Socket<'s>> {
        self.socket(Kind::Tcp)
    }

    pub(super) fn udp(self) -> Attempt<Socket<'s>> {
        self.socket(Kind::Udp)
    }
}

impl<'s> Stage<'s> {
    /// The host that connects.
    pub(super) fn client(&self) -> Host<'s> {
        self.host("client", Party::Client)
    }

    /// The host that listens.
    pub(super) fn server(&self) -> Host<'s> {
        self.host("server", Party::Server)
    }

    /// A host by another name, on this side.
    pub(super) fn host(&self, name: &'static str, side: Party) -> Host<'s> {
        Host {
            record: self.record,
            name,
            is_here: self.party == Party::Both || self.party == side,
        }
    }

    /// The kind of TCP socket for the addresses that are used.
    pub(super) fn tcp_kind(&self) -> Kind {
        let address = self.connect.unwrap_or(self.bind);
        if address.is_ipv6() {
            Kind::Tcp6
        } else {
            Kind::Tcp
        }
    }

    /// A server that listens: `socket`, `bind`, `listen`.
    pub(super) fn listening(&self, backlog: i32) -> Attempt<Socket<'s>> {
        let socket = self.server().socket(self.tcp_kind())?;
        if self.bind.port() != 0 {
            socket.set(Opt::ReuseAddr(true))?;
        }
        socket.bind(self.bind)?;
        socket.listen(backlog)?;
        Ok(socket)
    }

    /// A connected pair: the client's socket and the one that the server accepted.
    pub(super) fn connected(&self) -> Attempt<Pair<'s>> {
        let listener = self.listening(8)?;
        let client = self.client().socket(self.tcp_kind())?;
        client.connect(self.address_of(&listener))?;
        let server = listener.accept()?;
        Ok(Pair {
            client,
            server,
            listener,
        })
    }

    /// Where a server's socket is found: its own address, or what was given of the other host.
    pub(super) fn address_of(&self, server: &Socket<'_>) -> SocketAddr {
        let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);
        let own = server.local().map(|local| match local.ip() {
            ip if ip.is_unspecified() && local.is_ipv6() => {
                SocketAddr::new(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), local.port())
            }
            ip if ip.is_unspecified() => {
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), local.port())
            }
            _ => local,
        });
        self.connect.or(own).unwrap_or(nowhere)
    }

    /// A heading of the transcript.
    pub(super) fn head(&self, words: &str) {
        self.record.tell(now(), Event::Head(words.to_owned()));
    }

    /// An explanation, after what it explains.
    pub(super) fn say(&self, words: impl Into<String>) {
        self.record.tell(now(), Event::Say(words.into()));
    }

    /// Lets time pass, so that what is under way arrives.
    pub(super) fn pause(&self, millis: u64) {
        thread::sleep(Duration::from_millis(millis));
    }

    /// Lets what a call caused arrive at the other host.
    pub(super) fn settle(&self) {
        self.pause(if self.party == Party::Both { 10 } else { 200 });
    }

    /// Sends `len` octets from one socket while the other reads them.
    pub(super) fn transfer(&self, from: &Socket<'_>, to: &Socket<'_>, len: usize) -> Played {
        let chunk = vec![b'.'; 16 << 10];
        thread::scope(|scope| {
            let reader = scope.spawn(|| -> Played {
                let mut got = 0;
                while got < len && to.descriptor().is_some() {
                    match to.recv(64 << 10)? {
                        data if data.is_empty() => break,
                        data => got += data.len(),
                    }
                }
                Ok(())
            });
            let mut sent = 0;
            while sent < len {
                sent += from.send(&chunk[..chunk.len().min(len - sent)])?.max(1);
            }
            reader
                .join()
                .unwrap_or_else(|_| Err(LessonError::new("the reader ended".to_owned())))
        })
    }
}

/// Two connected sockets, and the one that listened.
#[derive(Debug)]
pub(super) struct Pair<'s> {
    pub(super) client: Socket<'s>,
    pub(super) server: Socket<'s>,
    pub(super) listener: Socket<'s>,
}

impl Pair<'_> {
    /// Closes in order: the client first, and the listener last.
    pub(super) fn close(self, stage: &Stage<'_>) -> Played {
        self.client.close()?;
        stage.settle();
        self.server.close()?;
        stage.settle();
        self.listener.close()?;
        Ok(())
    }
}
