//! What this host knows of its own connections: the kernel's view of each ([`kernel`]) and the
//! processes they belong to ([`processes`]). Linux only; elsewhere nothing is known.
//!
//! Who watches packets should have no rights, and who looks into other processes needs them. So
//! they are two: [`serve`] answers over a pipe, in a process that never sees a packet,
//! and [`Helper`] is the other end.

mod asking;
#[cfg(target_os = "linux")]
pub mod kernel;
#[cfg(target_os = "linux")]
pub mod processes;

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::confinement::{Broker, broker};

pub use asking::Asking;

/// A TCP socket of this host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostSocket {
    /// Its own end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// The kernel's state of it, in RFC 9293's spelling.
    pub state: String,
    /// User id of its owner.
    pub uid: u32,
    /// Octets that wait to be read by the program, and that are not acknowledged yet.
    pub queues: [u32; 2],
    /// What TCP_INFO says; `None` for what is left of a closed connection.
    pub info: Option<TcpInfo>,
    /// Whose it is, where that could be learnt.
    pub process: Option<Process>,
}

/// A process that has a socket open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The name of its program (as the kernel has it: not to be printed unescaped).
    pub program: String,
    /// The name of its user, or the number where there is none.
    pub user: String,
    /// The container it runs in, by the first digits of its identification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// What `TCP_INFO` has that can be compared or explains something (`struct tcp_info` of
/// linux/tcp.h). Times in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpInfo {
    /// Smoothed round-trip time.
    pub rtt_us: u32,
    /// Its variation.
    pub rttvar_us: u32,
    /// The shortest round trip of late.
    pub min_rtt_us: u32,
    /// Retransmission timeout.
    pub rto_us: u32,
    /// Segments sent again, over the connection's life.
    pub retransmissions: u32,
    /// Octets sent again.
    pub bytes_retransmitted: u64,
    /// Octets acknowledged; the SYN counts as one.
    pub bytes_acked: u64,
    /// Octets received in order.
    pub bytes_received: u64,
    /// Octets sent, without those sent again.
    pub bytes_sent: u64,
    /// Segments sent, with those sent again.
    pub segments_sent: u32,
    /// Segments received.
    pub segments_received: u32,
    /// Congestion window, in segments.
    pub cwnd: u32,
    /// Slow start threshold, in segments; absent while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssthresh: Option<u32>,
    /// Segments in flight.
    pub unacked: u32,
    /// Segments that are thought lost.
    pub lost: u32,
    /// Maximum segment size.
    pub mss: u32,
    /// Duplicates that the peer reported (RFC 2883).
    pub dsacks: u32,
    /// Time for which there was something to send …
    pub busy_us: u64,
    /// … and the peer's window held it back …
    pub rwnd_limited_us: u64,
    /// … or the send buffer.
    pub sndbuf_limited_us: u64,
    /// The congestion control: `cubic`, `bbr`, …
    pub congestion_control: String,
}

/// Answers requests until `requests` ends: a line of JSON, the list of sockets, for each line.
///
/// # Errors
/// When the answer can't be written.
pub fn serve(requests: impl Read, answers: impl Write) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    let mut owners = processes::Owners::default();
    broker::serve(requests, answers, |_| {
        #[cfg(target_os = "linux")]
        let sockets = kernel::sockets(&mut owners).unwrap_or_default();
        #[cfg(not(target_os = "linux"))]
        let sockets: Vec<HostSocket> = Vec::new();
        sockets
    })
}

/// The process that knows the host's sockets, asked from one that has no rights.
#[derive(Debug)]
pub struct Helper {
    broker: Broker,
    answers: Option<mpsc::Receiver<Vec<HostSocket>>>,
    /// Requests that are not answered yet.
    asked: usize,
    sockets: HashMap<(SocketAddr, SocketAddr), HostSocket>,
}

impl Helper {
    /// Starts this program again, with these arguments, to [`serve`]. To be called before rights
    /// are dropped.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        Ok(Self {
            broker: Broker::start(arguments)?,
            answers: None,
            asked: 0,
            sockets: HashMap::new(),
        })
    }

    /// Begins to listen: on a thread, which has what rights are left by now.
    fn listen(&mut self) {
        let Some(mut said) = self.broker.answers() else {
            return;
        };
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            while let Some(sockets) = said.wait() {
                if sender.send(sockets).is_err() {
                    break;
                }
            }
        });
        self.answers = Some(answers);
    }

    /// Asks for what there is now, unless an answer is still to come: then it is false.
    pub fn ask(&mut self) -> bool {
        if self.asked > 0 {
            return false;
        }
        self.listen();
        if self.broker.ask("sockets").is_ok() {
            self.asked += 1;
        }
        self.asked > 0
    }

    /// Takes answers that have come. True when there was one.
    pub fn look(&mut self) -> bool {
        let mut news = false;
        while let Some(Ok(sockets)) = self.answers.as_ref().map(mpsc::Receiver::try_recv) {
            self.take(sockets);
            news = true;
        }
        news
    }

    /// Waits for an answer that is due.
    pub fn wait(&mut self, patience: Duration) -> bool {
        if self.asked == 0 {
            return false;
        }
        match self
            .answers
            .as_ref()
            .map(|answers| answers.recv_timeout(patience))
        {
            Some(Ok(sockets)) => {
                self.take(sockets);
                true
            }
            _ => false,
        }
    }

    fn take(&mut self, sockets: Vec<HostSocket>) {
        self.asked = self.asked.saturating_sub(1);
        self.sockets.clear();
        for socket in sockets {
            let ends = (socket.local, socket.remote);
            self.sockets.insert(ends, socket);
        }
    }

    /// The socket with these ends, as of the last answer.
    pub fn socket(&self, local: SocketAddr, remote: SocketAddr) -> Option<&HostSocket> {
        self.sockets.get(&(local, remote))
    }
}
