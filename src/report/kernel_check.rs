//! What the kernel says of an endpoint of this host, beside what was inferred from its packets.
//!
//! The kernel is asked at one moment and the capture stands at another: what differs by what was
//! under way between them is no difference. A caller marks what still differs when asked again.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde_json::json;

use super::units::{bytes, grouped};
use crate::analysis::{Analyzer, ConnectionView};
use crate::flow::Socket;
use crate::host::{Helper, HostSocket, Process, TcpInfo};
use crate::tcp::{Ending, Opening, Role, State};
use crate::time::{Span, Timestamp};

/// An endpoint as both see it.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    view: &'a ConnectionView<'a>,
    role: Role,
    socket: &'a HostSocket,
}

impl<'a> Check<'a> {
    /// The two views of the endpoint in this role.
    pub fn new(view: &'a ConnectionView<'a>, role: Role, socket: &'a HostSocket) -> Self {
        Self { view, role, socket }
    }

    /// The connection's number.
    pub fn connection(&self) -> u32 {
        self.view.id
    }

    /// Whether a process has it that could not be learnt: what is left of a closed connection has
    /// none.
    pub fn hides_process(&self) -> bool {
        self.socket.process.is_none() && self.socket.info.is_some()
    }

    /// Names of what differs: `state`, `retransmissions`, `bytes_sent`, `bytes_received`, `rtt`.
    pub fn differs(&self) -> Vec<&'static str> {
        let connection = self.view.connection;
        let mut differs = Vec::new();
        let endpoint = connection.endpoint(self.role);
        let peer = connection.endpoint(self.role.peer());
        let state = endpoint.state;
        if state != State::Unknown && state.to_string() != self.socket.state {
            differs.push("state");
        }
        let Some(info) = &self.socket.info else {
            return differs;
        };
        // Of a connection that began before, only a part was seen.
        if connection.opening() == Opening::Midstream {
            return differs;
        }
        let figures = &endpoint.figures;
        if figures.retransmissions != info.retransmissions {
            differs.push("retransmissions");
        }
        // A FIN is an octet to the kernel.
        let apart = |ours: u64, theirs: u64| !(ours..=ours + 1).contains(&theirs);
        if apart(figures.stream_bytes, info.bytes_sent) {
            differs.push("bytes_sent");
        }
        if apart(peer.figures.stream_bytes, info.bytes_received) {
            differs.push("bytes_received");
        }
        // At the host itself both take the same samples; beyond a factor of two something else is
        // measured.
        if let Some(ours) = self.smoothed_us()
            && info.rtt_us > 0
            && (ours > u64::from(info.rtt_us) * 2 + 1000
                || u64::from(info.rtt_us) > ours * 2 + 1000)
        {
            differs.push("rtt");
        }
        differs
    }

    /// What only grows, as it stands here and there.
    fn counters(&self) -> Vec<Counter> {
        let connection = self.view.connection;
        let own = &connection.endpoint(self.role).figures;
        let peer = &connection.endpoint(self.role.peer()).figures;
        let info = self.socket.info.clone().unwrap_or_default();
        let counter = |name, ours, theirs| Counter { name, ours, theirs };
        vec![
            counter(
                "retransmissions",
                own.retransmissions.into(),
                info.retransmissions.into(),
            ),
            counter("bytes_sent", own.stream_bytes, info.bytes_sent),
            counter("bytes_received", peer.stream_bytes, info.bytes_received),
        ]
    }

    /// The smoothed round-trip time that was inferred, in microseconds.
    fn smoothed_us(&self) -> Option<u64> {
        let rtt = &self.view.connection.endpoint(self.role).rtt;
        let smoothed = rtt.smoothed()?;
        u64::try_from(smoothed.0.as_nanos() / 1000).ok()
    }

    /// The fields for machines, without braces.
    pub(super) fn fields(&self) -> String {
        let connection = self.view.connection;
        let endpoint = connection.endpoint(self.role);
        let peer = connection.endpoint(self.role.peer());
        let object = json!({
            "connection": self.view.id,
            "endpoint": self.role.name(),
            "differs": self.differs(),
            "inferred": {
                "state": endpoint.state.to_string(),
                "rtt_us": self.smoothed_us(),
                "retransmissions": endpoint.figures.retransmissions,
                "bytes_sent": endpoint.figures.stream_bytes,
                "bytes_received": peer.figures.stream_bytes,
                "in_flight": endpoint.in_flight(),
            },
            "kernel": {
                "state": self.socket.state,
                "info": self.socket.info,
                "queues": self.socket.queues,
            },
        });
        let text = object.to_string();
        text.trim_start_matches('{')
            .trim_end_matches('}')
            .to_owned()
            + "}"
    }

    /// Everything the kernel says, for people.
    pub fn beside(&self) -> Vec<Beside> {
        let connection = self.view.connection;
        let endpoint = connection.endpoint(self.role);
        let peer = connection.endpoint(self.role.peer());
        let differs = self.differs();
        let mut all = Vec::new();
        let mut put = |what, name: &'static str, kernel: String, inferred: String| {
            all.push(Beside {
                what,
                kernel,
                inferred,
                differs: differs.contains(&name),
            });
        };
        let none = String::new;
        let state = endpoint.state.to_string();
        put("state", "state", self.socket.state.clone(), state);
        let Some(info) = &self.socket.info else {
            return all;
        };
        let smoothed = self.smoothed_us();
        let smoothed = smoothed.map_or_else(none, |us| micros(us).short().to_string());
        let trip = format!(
            "{} (least {}, RTO {})",
            micros(info.rtt_us.into()).short(),
            micros(info.min_rtt_us.into()).short(),
            micros(info.rto_us.into()).short()
        );
        put("round trip", "rtt", trip, smoothed);
        let figures = &endpoint.figures;
        put(
            "retransmissions",
            "retransmissions",
            grouped(info.retransmissions).to_string(),
            grouped(figures.retransmissions).to_string(),
        );
        put(
            "bytes sent",
            "bytes_sent",
            grouped(info.bytes_sent).to_string(),
            grouped(figures.stream_bytes).to_string(),
        );
        put(
            "bytes received",
            "bytes_received",
            grouped(info.bytes_received).to_string(),
            grouped(peer.figures.stream_bytes).to_string(),
        );
        let threshold = match info.ssthresh {
            Some(segments) => format!(", ssthresh {segments}"),
            None => String::new(),
        };
        let window = format!("{} segments of {} B{threshold}", info.cwnd, info.mss);
        put("congestion window", "", window, none());
        put("control", "", info.congestion_control.clone(), none());
        put("held back by", "", held_back(info), none());
        let [to_read, to_send] = self.socket.queues;
        let queues = format!(
            "{} to be read, {} to be acknowledged",
            bytes(to_read.into()),
            bytes(to_send.into())
        );
        put("queues", "", queues, none());
        all
    }

    /// The differences, for people.
    pub(super) fn sentence(&self) -> String {
        let connection = self.view.connection;
        let endpoint = connection.endpoint(self.role);
        let peer = connection.endpoint(self.role.peer());
        let info = self.socket.info.clone().unwrap_or_default();
        let parts: Vec<String> = self
            .differs()
            .into_iter()
            .map(|what| {
                let (kernel, ours) = match what {
                    "state" => (self.socket.state.clone(), endpoint.state.to_string()),
                    "retransmissions" => (
                        info.retransmissions.to_string(),
                        endpoint.figures.retransmissions.to_string(),
                    ),
                    "bytes_sent" => (
                        info.bytes_sent.to_string(),
                        endpoint.figures.stream_bytes.to_string(),
                    ),
                    "bytes_received" => (
                        info.bytes_received.to_string(),
                        peer.figures.stream_bytes.to_string(),
                    ),
                    _ => (
                        format!("{} us", info.rtt_us),
                        format!("{} us", self.smoothed_us().unwrap_or(0)),
                    ),
                };
                format!("{} {kernel}, not {ours}", what.replace('_', " "))
            })
            .collect();
        format!("{}: the kernel says {}", self.role, parts.join("; "))
    }
}

/// Whether a connection is worth asking the kernel about: it is not over.
pub fn is_open(view: &ConnectionView<'_>, end: Timestamp) -> bool {
    matches!(
        view.connection.ending(end),
        Ending::Open | Ending::HalfClosed
    )
}

fn micros(us: u64) -> Span {
    Span::from_nanos(i64::try_from(us.saturating_mul(1000)).unwrap_or(i64::MAX))
}

/// What kept the sender from sending more, as shares of the time in which it had something to send.
fn held_back(info: &TcpInfo) -> String {
    let share = |us: u64| (us * 100).checked_div(info.busy_us);
    let parts: Vec<String> = [
        (info.rwnd_limited_us, "the peer's window"),
        (info.sndbuf_limited_us, "the send buffer"),
    ]
    .into_iter()
    .filter_map(|(us, what)| Some(format!("{what} {} %", share(us).filter(|_| us > 0)?)))
    .collect();
    match parts.as_slice() {
        [] => "nothing but the network".to_owned(),
        parts => parts.join(", "),
    }
}

/// A thing that the kernel says, and what was inferred of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// What it is.
    pub what: &'static str,
    /// What the kernel says.
    pub kernel: String,
    /// What was inferred; empty where nothing is.
    pub inferred: String,
    /// Whether that differs.
    pub differs: bool,
}

/// Something that was learnt of an endpoint of this host.
#[derive(Debug)]
pub enum Learnt<'a> {
    /// Whose it is: told once.
    Process(u32, Role, &'a Process),
    /// Both views of it, and whether a difference is one that was there before.
    Compared(&'a Check<'a>, Role, bool),
}

/// What has been learnt of this host's endpoints, so that news are told from what is known.
#[derive(Debug, Default)]
pub struct Learning {
    told: HashMap<(u32, usize), Told>,
}

#[derive(Debug, Default)]
struct Told {
    process: bool,
    /// What differed from the kernel's view when it was last asked.
    differed: Vec<&'static str>,
    /// What was counted then.
    counters: Vec<Counter>,
}

/// Something that only grows, here and in the kernel.
#[derive(Clone, Copy, Debug)]
struct Counter {
    name: &'static str,
    ours: u64,
    theirs: u64,
}

impl Counter {
    /// Whether it differs though both had time to see the same: one is still short of what the
    /// other had when it was asked before. While it grows the two are never of one moment.
    fn lags(&self, before: &Self) -> bool {
        // A FIN is an octet to the kernel.
        let fin = u64::from(self.name != "retransmissions");
        self.theirs < before.ours || self.ours + fin < before.theirs
    }
}

impl Told {
    /// Whether something differs from the kernel's view that did before, and not for the moments
    /// at which they were taken.
    fn persists(&self, differs: &[&'static str], counters: &[Counter]) -> bool {
        let still = self.differed.iter().filter(|what| differs.contains(what));
        still.into_iter().any(|what| {
            let now = counters.iter().find(|counter| counter.name == *what);
            let before = self.counters.iter().find(|counter| counter.name == *what);
            match (now, before) {
                (Some(now), Some(before)) => now.lags(before),
                _ => true,
            }
        })
    }
}

/// Endpoints that are remembered at most.
const MOST_TOLD: usize = 1 << 16;
/// Connections that are compared with the kernel's, at most: past it a flood is under way, and
/// those that lasted are.
const MOST_COMPARED: usize = 20_000;

impl Learning {
    /// The host's latest answer beside every connection.
    pub fn learn(
        &mut self,
        analyzer: &Analyzer,
        helper: &Helper,
        now: Timestamp,
        tell: &mut dyn FnMut(Learnt<'_>),
    ) {
        if self.told.len() > MOST_TOLD {
            self.told.clear();
        }
        let connections = if analyzer.flows() > MOST_COMPARED {
            analyzer.lasting_connections()
        } else {
            analyzer.connections()
        };
        if connections.len() > MOST_COMPARED {
            return;
        }
        for (id, slot) in connections {
            analyzer.connection(slot, |view| {
                if !is_open(view, now) && self.told.contains_key(&(id, 0)) {
                    return;
                }
                for role in Role::BOTH {
                    let (own, other) = (view.socket(role), view.socket(role.peer()));
                    let Some(socket) = helper.socket(address(own), address(other)) else {
                        continue;
                    };
                    let told = self.told.entry((id, role as usize)).or_default();
                    if let (Some(process), false) = (&socket.process, told.process) {
                        told.process = true;
                        tell(Learnt::Process(id, role, process));
                    }
                    let check = Check::new(view, role, socket);
                    let differs = check.differs();
                    let counters = check.counters();
                    let persists = told.persists(&differs, &counters);
                    tell(Learnt::Compared(&check, role, persists));
                    (told.differed, told.counters) = (differs, counters);
                }
            });
        }
    }

    /// A connection is over.
    pub fn forget(&mut self, id: u32) {
        for role in Role::BOTH {
            self.told.remove(&(id, role as usize));
        }
    }
}

fn address(socket: Socket) -> SocketAddr {
    SocketAddr::new(socket.address.to_ip(), socket.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_differs_only_where_one_stays_behind() {
        let at = |ours, theirs| {
            let name = "bytes_sent";
            vec![Counter { name, ours, theirs }]
        };
        let told = |counters| Told {
            differed: vec!["bytes_sent"],
            counters,
            ..Told::default()
        };
        let differs = ["bytes_sent"];
        // The kernel was asked a moment before, each time.
        assert!(!told(at(1000, 900)).persists(&differs, &at(2000, 1900)));
        // Or a moment after.
        assert!(!told(at(900, 1000)).persists(&differs, &at(1900, 2000)));
        // Here something is missing; there something was never sent.
        assert!(told(at(900, 1500)).persists(&differs, &at(1400, 2000)));
        assert!(told(at(1000, 900)).persists(&differs, &at(1000, 900)));
        // A FIN is no difference, and nor is what did not differ before.
        assert!(!told(at(900, 901)).persists(&differs, &at(900, 901)));
        assert!(!Told::default().persists(&differs, &at(1000, 900)));
        // What does not grow differs when it still does.
        let state = Told {
            differed: vec!["state"],
            ..Told::default()
        };
        assert!(state.persists(&["state"], &at(1, 1)));
    }
}
