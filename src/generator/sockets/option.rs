//! The options that lessons set, with the names they have in the log.

use std::time::Duration;

/// An option that is set, with the name it has in the log.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opt {
    ReuseAddr(bool),
    NoDelay(bool),
    QuickAck(bool),
    /// `on` with so many seconds.
    Linger(u16),
    KeepAlive(bool),
    KeepIdle(i32),
    KeepInterval(i32),
    KeepCount(i32),
    ReceiveBuffer(i32),
    SendBuffer(i32),
    V6Only(bool),
    /// Milliseconds.
    ReceiveTimeout(i32),
    Congestion(&'static str),
}

impl Opt {
    /// Level, number, value, and how it is written.
    pub(super) fn parts(self) -> (i32, i32, Vec<u8>, String) {
        use libc::{IPPROTO_IPV6, IPPROTO_TCP, SOL_SOCKET};
        let (level, number, name, value) = match self {
            Self::ReuseAddr(on) => (SOL_SOCKET, libc::SO_REUSEADDR, "SO_REUSEADDR", on.into()),
            Self::NoDelay(on) => (IPPROTO_TCP, libc::TCP_NODELAY, "TCP_NODELAY", on.into()),
            Self::QuickAck(on) => (IPPROTO_TCP, libc::TCP_QUICKACK, "TCP_QUICKACK", on.into()),
            Self::KeepAlive(on) => (SOL_SOCKET, libc::SO_KEEPALIVE, "SO_KEEPALIVE", on.into()),
            Self::KeepIdle(seconds) => (IPPROTO_TCP, libc::TCP_KEEPIDLE, "TCP_KEEPIDLE", seconds),
            Self::KeepInterval(seconds) => {
                (IPPROTO_TCP, libc::TCP_KEEPINTVL, "TCP_KEEPINTVL", seconds)
            }
            Self::KeepCount(count) => (IPPROTO_TCP, libc::TCP_KEEPCNT, "TCP_KEEPCNT", count),
            Self::ReceiveBuffer(len) => (SOL_SOCKET, libc::SO_RCVBUF, "SO_RCVBUF", len),
            Self::SendBuffer(len) => (SOL_SOCKET, libc::SO_SNDBUF, "SO_SNDBUF", len),
            Self::V6Only(on) => (IPPROTO_IPV6, libc::IPV6_V6ONLY, "IPV6_V6ONLY", on.into()),
            Self::Linger(seconds) => {
                let mut value = 1_i32.to_ne_bytes().to_vec();
                value.extend(i32::from(seconds).to_ne_bytes());
                let words = format!("SO_LINGER, on {seconds} s");
                return (SOL_SOCKET, libc::SO_LINGER, value, words);
            }
            Self::ReceiveTimeout(millis) => {
                let value = time(Duration::from_millis(millis.unsigned_abs().into()));
                return (
                    SOL_SOCKET,
                    libc::SO_RCVTIMEO,
                    value,
                    format!("SO_RCVTIMEO, {millis} ms"),
                );
            }
            Self::Congestion(name) => {
                let words = format!("TCP_CONGESTION, {name:?}");
                return (
                    IPPROTO_TCP,
                    libc::TCP_CONGESTION,
                    name.as_bytes().to_vec(),
                    words,
                );
            }
        };
        (
            level,
            number,
            value.to_ne_bytes().to_vec(),
            format!("{name}, {value}"),
        )
    }
}

/// `struct timeval`.
pub(super) fn time(time: Duration) -> Vec<u8> {
    let seconds = time.as_secs() as libc::time_t;
    let micros = time.subsec_micros() as libc::suseconds_t;
    let mut value = seconds.to_ne_bytes().to_vec();
    value.extend(micros.to_ne_bytes());
    value
}
