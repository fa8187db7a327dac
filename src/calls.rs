//! The call log: what programs asked of their sockets, beside the capture of what came of it.
//!
//! A log of `X.pcapng` lies beside it as `X.calls.ndjson`: a line of JSON that says what it is
//! ([`Header`]), then a line per call ([`Call`]) in the order in which the calls returned. Times
//! are of the clock that stamps the frames, so both can be laid on one line. The format is
//! described in `docs/calls.md`.
//!
//! A leaf: who writes such a log and who shows it share this file and nothing else.
//!
//! # Examples
//! ```
//! use tcplens::calls::CallLog;
//!
//! let text = br#"{"schema":"tcplens-calls/1","lesson":"handshake"}
//! {"number":1,"time_ns":5,"took_ns":2,"host":"client","pid":7,"tid":7,"call":"close","arguments":"3","result":0}
//! "#;
//! let log = CallLog::read(&mut text.as_slice())?;
//! assert_eq!(log.header.lesson.as_deref(), Some("handshake"));
//! assert_eq!(log.calls[0].to_string(), "close(3) = 0");
//! # Ok::<(), tcplens::calls::CallsError>(())
//! ```

use core::fmt;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufRead, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What the first line of a log says it is.
pub const SCHEMA: &str = "tcplens-calls/1";
/// Calls that are read of one log; the rest is left out, and [`CallLog::left_out`] says so.
pub const MOST_CALLS: usize = 1_000_000;
/// Octets of a line, at most.
const LONGEST_LINE: u64 = 1 << 16;

/// The first line of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// What was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<String>,
    /// The name of the capture file it belongs to; none where nothing was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<String>,
    /// The system's name and release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// One call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Counts from 1, in the order in which calls returned.
    pub number: u64,
    /// When it was made, in nanoseconds since 1970 (CLOCK_REALTIME).
    pub time_ns: i64,
    /// How long it took to return, in nanoseconds.
    #[serde(default)]
    pub took_ns: i64,
    /// Which party of the conversation made it: `client`, `server`, or another name.
    pub host: String,
    /// The process.
    #[serde(default)]
    pub pid: u32,
    /// The thread.
    #[serde(default)]
    pub tid: u32,
    /// The name of the function: `connect`, `send`, …
    pub call: String,
    /// Its arguments in the manner of strace; data is described or cut.
    #[serde(default)]
    pub arguments: String,
    /// What it returned; -1 where it failed.
    pub result: i64,
    /// The name of the error, such as `ECONNREFUSED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Which socket, counted from 1 over the whole log: descriptors are used again, these not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<u32>,
    /// The socket that it made (`socket`, `accept`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<u32>,
    /// `tcp`, `udp`, `unix-stream` or `unix-datagram`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The socket's own address after the call, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<SocketAddr>,
    /// The address it is connected to after the call, or what a datagram went to or came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<SocketAddr>,
    /// What the kernel held of the socket before the call (TCP).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<KernelState>,
    /// And after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<KernelState>,
}

/// What the kernel says of a TCP socket (`TCP_INFO`, `SIOCINQ`, `SIOCOUTQ`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KernelState {
    /// In RFC spelling: `ESTABLISHED`, `TIME-WAIT`, …
    pub state: String,
    /// Smoothed round-trip time in microseconds.
    pub rtt_us: u32,
    /// Retransmission timeout in microseconds.
    pub rto_us: u32,
    /// Congestion window in segments.
    pub cwnd: u32,
    /// Largest payload of a segment it sends, in octets.
    pub mss: u32,
    /// Window that the peer allows, in octets. 0 also where the kernel is too old to tell.
    pub send_window: u32,
    /// Window that it allows the peer, in octets. 0 also where the kernel is too old to tell.
    pub receive_window: u32,
    /// Segments in flight. Of a listening socket: connections that wait for `accept`.
    pub unacked: u32,
    /// Of a listening socket: the backlog, how many connections may wait.
    pub backlog: u32,
    /// Octets written that the peer has not acknowledged (sent or not).
    pub unacked_bytes: u32,
    /// Octets of these that were never sent.
    pub unsent_bytes: u32,
    /// Octets received that the program has not read.
    pub unread_bytes: u32,
    /// Segments sent again since the connection began.
    pub retransmitted: u32,
    /// Probes (keep-alive or of a zero window) without an answer.
    pub probes: u32,
}

/// A log as read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallLog {
    /// What it says of itself.
    pub header: Header,
    /// The calls, ordered by when they were made.
    pub calls: Vec<Call>,
    /// Whether there were more than [`MOST_CALLS`].
    pub left_out: bool,
}

/// A call that belongs to a connection.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// The call.
    pub call: &'a Call,
    /// Whether the connection's first endpoint made it.
    pub by_first: bool,
}

/// Why a log can't be read.
#[derive(Debug)]
pub enum CallsError {
    /// Reading failed.
    Io(io::Error),
    /// The first line is not that of a call log.
    NotALog,
    /// A line is no call; lines count from 1.
    Line(u64, String),
}

impl fmt::Display for CallsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NotALog => write!(f, "not a call log: the first line must name {SCHEMA}"),
            Self::Line(line, reason) => write!(f, "line {line}: {reason}"),
        }
    }
}

impl std::error::Error for CallsError {}

impl From<io::Error> for CallsError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Where the call log of a capture lies: beside it, with `.calls.ndjson` for the ending.
///
/// ```
/// use std::path::Path;
/// use tcplens::calls::beside;
/// assert_eq!(beside(Path::new("a/b.pcapng")), Path::new("a/b.calls.ndjson"));
/// ```
pub fn beside(capture: &Path) -> PathBuf {
    let mut name = capture
        .file_stem()
        .map_or_else(OsString::new, ToOwned::to_owned);
    name.push(".calls.ndjson");
    capture.with_file_name(name)
}

impl Call {
    /// When it was made.
    pub fn time(&self) -> Timestamp {
        Timestamp::from_nanos(self.time_ns)
    }

    /// When it returned.
    pub fn returned(&self) -> Timestamp {
        Timestamp::from_nanos(self.time_ns.saturating_add(self.took_ns.max(0)))
    }

    /// What it came to: `= 5`, `= -1 ECONNREFUSED`.
    pub fn outcome(&self) -> String {
        match &self.error {
            Some(error) => format!("= {} {error}", self.result),
            None => format!("= {}", self.result),
        }
    }
}

/// In the manner of strace: `send(4, "hello", 5) = 5`. What stands in it comes from a file: not to
/// be printed unescaped.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}) {}", self.call, self.arguments, self.outcome())
    }
}

impl CallLog {
    /// Reads a log.
    ///
    /// # Errors
    /// When it can't be read or is no such log. Fields that are not known are passed over.
    pub fn read(input: &mut dyn BufRead) -> Result<Self, CallsError> {
        let mut log = Self::default();
        let mut line = Vec::new();
        let mut number = 0_u64;
        loop {
            line.clear();
            number += 1;
            if (&mut *input)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)?
                == 0
            {
                break;
            }
            if number == 1 {
                log.header = serde_json::from_slice(&line).map_err(|_| CallsError::NotALog)?;
                if log.header.schema != SCHEMA {
                    return Err(CallsError::NotALog);
                }
                continue;
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if log.calls.len() == MOST_CALLS {
                log.left_out = true;
                break;
            }
            let call = serde_json::from_slice(&line)
                .map_err(|error| CallsError::Line(number, error.to_string()))?;
            log.calls.push(call);
        }
        if number == 1 {
            return Err(CallsError::NotALog);
        }
        log.calls
            .sort_by_key(|call: &Call| (call.time_ns, call.number));
        Ok(log)
    }

    /// The calls on both sockets of a TCP connection between two endpoints, with what made these
    /// sockets: `socket`, `bind` and `listen` of a server included, ordered by when they were
    /// made. `begun` is when its first segment went by: a `connect` that failed may have
    /// left its socket without an address, and is known by its time.
    pub fn of_connection(
        &self,
        first: SocketAddr,
        second: SocketAddr,
        begun: Timestamp,
    ) -> Vec<Beside<'_>> {
        let ends = [plain(first), plain(second)];
        // Which end's a socket is.
        let mut sockets: BTreeMap<u32, bool> = BTreeMap::new();
        let is_tcp = |call: &Call| call.protocol.as_deref().is_none_or(|name| name == "tcp");
        for call in self.calls.iter().filter(|call| is_tcp(call)) {
            if let (Some(socket), Some(local), Some(peer)) = (call.socket, call.local, call.peer) {
                let (local, peer) = (plain(local), plain(peer));
                if is_at(local, ends[0]) && peer == ends[1] {
                    sockets.insert(call.made.unwrap_or(socket), true);
                } else if is_at(local, ends[1]) && peer == ends[0] {
                    sockets.insert(call.made.unwrap_or(socket), false);
                }
            }
        }
        for call in self
            .calls
            .iter()
            .filter(|call| is_tcp(call) && call.call == "connect")
        {
            if let (Some(socket), None, Some(peer)) = (call.socket, call.local, call.peer)
                && call.time() <= begun
                && begun <= call.returned()
                && let Some(end) = ends.iter().position(|end| plain(peer) == *end)
            {
                sockets.entry(socket).or_insert(end == 1);
            }
        }
        // A listening socket, and for whom it accepted.
        let mut listeners: BTreeMap<u32, bool> = BTreeMap::new();
        for call in &self.calls {
            if let (Some(listener), Some(made)) = (call.socket, call.made)
                && let Some(&by_first) = sockets.get(&made)
                && listener != made
            {
                listeners.insert(listener, by_first);
            }
        }
        // One whose backlog took the connection while nobody accepted, or that refused it.
        let names_a_server = |call: &&Call| call.call == "listen" || call.call == "bind";
        for call in self.calls.iter().filter(names_a_server) {
            if let (Some(socket), Some(local)) = (call.socket, call.local)
                && let Some(end) = ends.iter().position(|end| is_at(plain(local), *end))
            {
                listeners.entry(socket).or_insert(end == 0);
            }
        }
        let mut found = Vec::new();
        for call in &self.calls {
            let made_here = call.made.and_then(|made| sockets.get(&made));
            let own = call.socket.and_then(|socket| sockets.get(&socket));
            let listener = call.socket.and_then(|socket| listeners.get(&socket));
            let is_accept = call.made.is_some() && call.call.starts_with("accept");
            let by_first = match (made_here, own, listener) {
                (Some(&by_first), _, _) | (None, Some(&by_first), _) => by_first,
                // Of other connections' calls on the listener, none.
                (None, None, Some(&by_first)) if !is_accept => by_first,
                _ => continue,
            };
            found.push(Beside { call, by_first });
        }
        found
    }
}

/// Whether a socket's address is `end`: all addresses include it, where it listens, or where its
/// connection failed and only the port is left.
fn is_at(local: SocketAddr, end: SocketAddr) -> bool {
    local.port() == end.port() && (local.ip() == end.ip() || local.ip().is_unspecified())
}

/// Without what makes one endpoint look like two: IPv4 as IPv6, scopes, flow labels.
fn plain(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V6(v6) => v6.to_canonical(),
        v4 @ IpAddr::V4(_) => v4,
    };
    SocketAddr::new(ip, address.port())
}

/// Writes a log, call by call.
#[derive(Debug)]
pub struct CallWriter<W> {
    out: W,
}

impl<W: Write> CallWriter<W> {
    /// Writes the first line. Its schema is set here.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn new(mut out: W, header: Header) -> io::Result<Self> {
        let header = Header {
            schema: SCHEMA.to_owned(),
            ..header
        };
        serde_json::to_writer(&mut out, &header)?;
        out.write_all(b"\n")?;
        Ok(Self { out })
    }

    /// Writes a call.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn call(&mut self, call: &Call) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, call)?;
        self.out.write_all(b"\n")
    }

    /// What it wrote to. Nothing is flushed.
    pub fn into_inner(self) -> W {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<SocketAddr> {
        Some(text.parse().expect("an address"))
    }

    fn call(number: u64, name: &str, socket: u32) -> Call {
        Call {
            number,
            time_ns: 1_700_000_000_123_456_700 + number as i64,
            took_ns: 5,
            host: "server".to_owned(),
            call: name.to_owned(),
            socket: Some(socket),
            protocol: Some("tcp".to_owned()),
            ..Call::default()
        }
    }

    /// A listener that accepts two connections.
    fn two_accepted() -> CallLog {
        let mut calls = vec![call(1, "socket", 1), call(2, "listen", 1)];
        calls[0].made = Some(1);
        calls[1].local = at("[::]:80");
        for (index, port) in [(0, 4000), (1, 4001)] {
            let (accepted, number) = (2 + index, 3 + 2 * u64::from(index));
            calls.push(Call {
                made: Some(accepted),
                local: at("[::ffff:10.0.0.2]:80"),
                peer: at(&format!("[::ffff:10.0.0.1]:{port}")),
                ..call(number, "accept", 1)
            });
            calls.push(Call {
                local: at("10.0.0.2:80"),
                peer: at(&format!("10.0.0.1:{port}")),
                ..call(number + 1, "send", accepted)
            });
        }
        CallLog {
            calls,
            ..CallLog::default()
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let header = Header {
            lesson: Some("x".to_owned()),
            ..Header::default()
        };
        let mut writer = CallWriter::new(Vec::new(), header).expect("written");
        let written = Call {
            error: Some("EPIPE".to_owned()),
            result: -1,
            local: at("[2001:db8::1]:80"),
            after: Some(KernelState {
                state: "ESTABLISHED".to_owned(),
                cwnd: 10,
                ..KernelState::default()
            }),
            ..call(1, "send", 3)
        };
        writer.call(&written).expect("written");
        let bytes = writer.into_inner();
        let log = CallLog::read(&mut bytes.as_slice()).expect("a log");
        assert_eq!(log.header.schema, SCHEMA);
        assert_eq!(log.calls, [written]);
    }

    #[test]
    fn calls_of_a_connection_are_found_with_the_listener_that_made_it() {
        let log = two_accepted();
        let (client, server) = (at("10.0.0.1:4001"), at("10.0.0.2:80"));
        let begun = Timestamp::default();
        let found = log.of_connection(client.expect("one"), server.expect("one"), begun);
        let names: Vec<_> = found.iter().map(|beside| beside.call.number).collect();
        // Not what was accepted for the other one, nor its calls.
        assert_eq!(names, [1, 2, 5, 6]);
        assert!(found.iter().all(|beside| !beside.by_first));
    }

    #[test]
    fn a_refused_connect_is_known_by_its_time() {
        let refused = |number, socket| Call {
            peer: at("10.0.0.2:80"),
            result: -1,
            ..call(number, "connect", socket)
        };
        let log = CallLog {
            calls: vec![refused(100, 1), refused(200, 2)],
            ..CallLog::default()
        };
        let (client, server) = (at("10.0.0.1:4001"), at("10.0.0.2:80"));
        let begun = Timestamp::from_nanos(log.calls[1].time_ns + 3);
        let found = log.of_connection(client.expect("one"), server.expect("one"), begun);
        let numbers: Vec<_> = found.iter().map(|beside| beside.call.number).collect();
        assert_eq!(numbers, [200]);
        assert!(found[0].by_first);
    }

    #[test]
    fn what_is_no_log_is_refused_with_the_line() {
        for (text, error) in [
            (
                "",
                "not a call log: the first line must name tcplens-calls/1",
            ),
            (
                "{}\n",
                "not a call log: the first line must name tcplens-calls/1",
            ),
            (
                "{\"schema\":\"tcplens-calls/2\"}\n",
                "not a call log: the first line must name tcplens-calls/1",
            ),
            (
                "{\"schema\":\"tcplens-calls/1\"}\n\n{\"number\":1}\n",
                "line 3: missing field `time_ns` at line 1 column 12",
            ),
        ] {
            let found = CallLog::read(&mut text.as_bytes()).expect_err("no log");
            assert_eq!(found.to_string(), error);
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory_without_end() {
        let mut text = b"{\"schema\":\"tcplens-calls/1\"}\n".to_vec();
        text.resize(text.len() + (1 << 20), b'x');
        assert!(CallLog::read(&mut text.as_slice()).is_err());
    }
}
