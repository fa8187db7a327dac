//! What the page shows: where its types come from.

use std::net::SocketAddr;
use std::sync::Arc;

use super::phases::Phases;
use super::series::Series;
use crate::calls::{Beside, CallLog};
use crate::report::escape::escaped_but_for_backslashes;
use crate::tcp::Role;
use crate::time::{Span, Timestamp};
use crate::tui::live::HostEnds;

pub use crate::analysis::detail::{Detail, Row, Run, StreamView, What};
pub use crate::report::tree::{Field, Health, Tree};

/// A call of one of the two programs, from a log that lies beside the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it was made, in capture time.
    pub time: Timestamp,
    /// Whose it was.
    pub host: Role,
    /// The call, escaped: `send(4, 1448 bytes)`.
    pub text: String,
    /// What it gave, escaped; empty where it is not known.
    pub result: String,
    /// How long it took, where that is known.
    pub took: Option<Span>,
}

impl Call {
    /// Those of a log that are about a connection, as the page shows them.
    pub fn of_connection(log: &CallLog, detail: &Detail) -> Vec<Self> {
        let [client, server] = Role::BOTH.map(|role| {
            let socket = detail.socket(role);
            SocketAddr::new(socket.address.to_ip(), socket.port)
        });
        let begun = detail.connection.first_time;
        let beside = log.of_connection(client, server, begun);
        beside.iter().map(Self::of).collect()
    }

    fn of(beside: &Beside<'_>) -> Self {
        let call = beside.call;
        let host = if beside.by_first {
            Role::Client
        } else {
            Role::Server
        };
        let text = format!("{}({})", call.call, call.arguments);
        // Where it is shown an equals sign stands before it.
        let outcome = call.outcome();
        let result = outcome.trim_start_matches(['=', ' ']);
        Self {
            time: call.time(),
            host,
            text: escaped_but_for_backslashes(&text).to_string(),
            result: escaped_but_for_backslashes(result).to_string(),
            took: Some(call.returned() - call.time()),
        }
    }
}

/// A frame with its bytes, taken apart.
#[derive(Clone, Debug)]
pub struct OpenFrame {
    /// Its number.
    pub number: u64,
    /// What was captured of it.
    pub bytes: Vec<u8>,
    /// Its layers and fields.
    pub tree: Tree,
}

/// A connection as the page has it.
pub struct Subject {
    /// The connection with every frame of it.
    pub detail: Arc<Detail>,
    /// Names of the two hosts, escaped, by [`Role`].
    pub names: [Option<String>; 2],
    /// Calls of the two programs, in order of time.
    pub calls: Vec<Call>,
    /// What this host knows of its ends, while it is captured.
    pub ends: HostEnds,
    /// Where the parts of its life begin.
    pub(super) phases: Phases,
    /// What the graphs show, by sender.
    pub(super) series: [Series; 2],
    /// Its streams, once they have been read.
    pub stream: Option<Arc<StreamView>>,
    /// The frame that was read last.
    pub frame: Option<OpenFrame>,
    /// Why something could not be read.
    pub failed: Option<String>,
}

impl Subject {
    /// A connection, looked through once.
    pub fn new(detail: Arc<Detail>) -> Self {
        Self {
            names: [None, None],
            calls: Vec::new(),
            ends: HostEnds::default(),
            phases: Phases::of(&detail),
            series: Role::BOTH.map(|role| Series::of(&detail, role)),
            stream: None,
            frame: None,
            failed: None,
            detail,
        }
    }
}
