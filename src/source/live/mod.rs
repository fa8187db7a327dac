//! Interfaces as sources: frames as they pass, from the kernel's ring, with its nanosecond
//! timestamps.
//!
//! ```text
//! interface ─▶ AF_PACKET socket ─▶ TPACKET_V3 ring (shared memory) ─▶ merge by time ─▶ sink
//! ```
//!
//! - One ring per interface that is named; `any` is one ring for all there are and will be. Each
//!   interface is announced before its first frame, with its own link type: `any` needs no cooked
//!   headers, except for devices whose own ones are not known here (Linux cooked v2 then).
//! - Frames are handed on where they lie in the ring. Of several rings the earliest comes first:
//!   a frame waits until no other ring can hold an earlier one.
//! - On loopback every packet passes the tap twice, on its way out and in; only the second is
//!   handed on, as tcpdump does.
//! - VLAN tags, which network cards take off, stand where they stood.
//! - What the ring had no room for is told as [`Arrival::Missed`](super::Arrival::Missed).
//! - While nothing comes next to no CPU is used; [`Arrival::Quiet`](super::Arrival::Quiet) tells the time 25 times a second.
//! - An interface that goes down is waited for. One that is removed is looked for by name. Neither
//!   needs any right that opening needed: a source goes on when the process has given those up.

#[cfg(target_os = "linux")]
mod capture;
pub(crate) mod clock;
mod interfaces;
#[cfg(feature = "libpcap")]
pub mod libpcap;
#[cfg(target_os = "linux")]
mod mapping;
mod notice;
#[cfg(target_os = "linux")]
mod ring;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::SourceError;
use crate::capture_filter::CaptureFilter;

pub use interfaces::{InterfaceFacts, interfaces};
pub use notice::{Notice, Notices};

#[cfg(target_os = "linux")]
pub use capture::LiveSource;

/// How interfaces are captured.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Names of interfaces; `any`, or none at all, for all there are and will be.
    pub interfaces: Vec<String>,
    /// Octets kept of a frame; 0 for all.
    pub snaplen: u32,
    /// Octets of ring memory per interface: what may wait while the sink is busy. Rounded up to
    /// whole blocks of 1 MiB (smaller blocks below 4 MiB).
    pub buffer: usize,
    /// How long a frame may lie in the ring before it is handed on, in whole milliseconds.
    pub patience: Duration,
    /// Whether to see frames for other stations too, where the link brings them.
    pub promiscuous: bool,
    /// Which frames to take: run by the kernel before a frame takes room in the ring. `None` for
    /// all.
    pub filter: Option<CaptureFilter>,
    /// Told what becomes of interfaces, for another thread to look at.
    pub notices: Notices,
    /// Once true, what is in the rings is handed on and [`Source::run`](super::Source::run)
    /// returns, within 200 ms.
    pub stop: Arc<AtomicBool>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            snaplen: 0,
            buffer: 64 << 20,
            patience: Duration::from_millis(20),
            promiscuous: false,
            filter: None,
            notices: Notices::default(),
            stop: Arc::default(),
        }
    }
}

/// Which way a frame went, seen from this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It came in, or was for others. On loopback, all are.
    In,
    /// This host sent it.
    Out,
}

/// Opens interfaces. From now on frames are kept, also before the source runs.
///
/// # Errors
/// When there is no such interface, or the right to capture is missing
/// ([`permitted`] tells before).
///
/// # Examples
/// ```no_run
/// use std::ops::ControlFlow;
/// use tcplens::source::live::{LiveOptions, open};
/// use tcplens::source::{Arrival, Source};
///
/// let options = LiveOptions { interfaces: vec!["lo".to_owned()], ..LiveOptions::default() };
/// open(&options)?.run(&mut |arrival| {
///     if let Arrival::Frame(frame) = arrival {
///         println!("{} {} bytes", frame.time.utc(), frame.wire_len);
///     }
///     ControlFlow::Continue(())
/// })?;
/// # Ok::<(), tcplens::source::SourceError>(())
/// ```
#[cfg(target_os = "linux")]
pub fn open(options: &LiveOptions) -> Result<LiveSource, SourceError> {
    LiveSource::open(options)
}

/// Opens interfaces: on this system there is no way to.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn open(options: &LiveOptions) -> Result<Box<dyn super::Source + Send>, SourceError> {
    let name = options.interfaces.first().map_or("any", String::as_str);
    let reason = "this system has no way to capture that is built in; build with the cargo feature \
        `libpcap`, or pipe a capture in: tcpdump -U -w - | tcplens live -";
    Err(unopened(name, reason.to_owned()))
}

/// Whether this process may capture: on Linux, whether it has CAP_NET_RAW.
pub fn permitted() -> bool {
    #[cfg(target_os = "linux")]
    {
        ring::permitted()
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// How the right to capture is given, as sentences for a user.
pub const HOW_TO_PERMIT: &str = "capturing needs the right CAP_NET_RAW, and there are three ways \
    to give it: run it with sudo; or give it to the program, once (sudo setcap \
    cap_net_raw,cap_net_admin+eip FILE); or to a copy that only a group may run (sudo chgrp GROUP \
    FILE; sudo chmod 750 FILE; then setcap as above)";

fn unopened(input: &str, reason: String) -> SourceError {
    SourceError {
        input: input.to_owned(),
        offset: 0,
        after_frame: 0,
        reason,
        unopened: true,
    }
}
