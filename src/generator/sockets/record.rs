//! What happens while a lesson runs, as it happens: calls, frames, and what is said of them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::calls::Call;
use crate::time::Timestamp;
use crate::wire::LinkType;

/// Something that happened.
#[derive(Debug)]
pub(super) enum Event {
    /// A call returned.
    Call(Box<Call>),
    /// A frame went by.
    Frame(Kept),
    /// A heading of the transcript.
    Head(String),
    /// An explanation.
    Say(String),
    /// Whose an endpoint is that no call tells of.
    Name(SocketAddr, &'static str),
    /// The capture lost frames.
    Missed(u64),
}

/// A frame that is kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) time: Timestamp,
    pub(super) interface: String,
    pub(super) link: LinkType,
    pub(super) wire_len: u32,
    pub(super) data: Vec<u8>,
    pub(super) comment: Option<String>,
}

/// Where everything is told to.
#[derive(Debug)]
pub(super) struct Record {
    events: Mutex<Option<Sender<(Timestamp, Event)>>>,
    sockets: AtomicU32,
    endpoints: Mutex<BTreeSet<SocketAddr>>,
}

impl Record {
    pub(super) fn new(events: Sender<(Timestamp, Event)>) -> Self {
        Self {
            events: Mutex::new(Some(events)),
            sockets: AtomicU32::new(0),
            endpoints: Mutex::default(),
        }
    }

    /// Tells what happened, and when. Nobody listens any more: then it is of no interest.
    pub(super) fn tell(&self, time: Timestamp, event: Event) {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(events) = &*events {
            let _ = events.send((time, event));
        }
    }

    /// Nothing more will be told.
    pub(super) fn end(&self) {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// A number for a new socket.
    pub(super) fn next_socket(&self) -> u32 {
        self.sockets.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Frames of this endpoint belong to the lesson.
    pub(super) fn expect(&self, endpoint: SocketAddr) {
        let endpoint = SocketAddr::new(endpoint.ip().to_canonical(), endpoint.port());
        let endpoints = self.endpoints.lock();
        endpoints
            .unwrap_or_else(PoisonError::into_inner)
            .insert(endpoint);
    }

    /// Whether it was announced that an endpoint takes part, itself or any address at its port.
    pub(super) fn is_expected(&self, endpoint: SocketAddr) -> bool {
        let endpoints = self.endpoints.lock();
        let endpoints = endpoints.unwrap_or_else(PoisonError::into_inner);
        let is_any =
            |known: &SocketAddr| known.port() == endpoint.port() && known.ip().is_unspecified();
        endpoints.contains(&endpoint) || endpoints.iter().any(is_any)
    }
}

/// The clock by which the kernel stamps frames too.
#[expect(
    clippy::disallowed_methods,
    reason = "calls are laid beside frames by the time at which they were made"
)]
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_nanos(since.map_or(0, |since| since.as_nanos() as i64))
}
