//! What the kernel says of an endpoint of this host, beside what was inferred from its packets.
//!
//! The kernel is asked at one moment and the capture stands at another: what differs by what was
//! under way between them is no difference. A caller marks what still differs when asked again.

use serde_json::json;

use crate::analysis::ConnectionView;
use crate::host::HostSocket;
use crate::tcp::{Ending, Opening, Role, State};

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
pub fn is_open(view: &ConnectionView<'_>, end: crate::time::Timestamp) -> bool {
    matches!(
        view.connection.ending(end),
        Ending::Open | Ending::HalfClosed
    )
}
