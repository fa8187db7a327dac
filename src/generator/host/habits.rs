//! What a host can do and how it is set up.

use crate::generator::packet::{MILLI, Nanos};

/// The habits of a host. The default is a Linux of today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Habits {
    /// The MSS that it offers.
    pub mss: u16,
    /// The window scale that it offers.
    pub window_scale: Option<u8>,
    /// SACK and DSACK (RFC 2018, RFC 2883).
    pub sack: bool,
    /// Timestamps (RFC 7323).
    pub timestamps: bool,
    /// ECN (RFC 3168).
    pub ecn: bool,
    /// It sends its first data with the SYN (RFC 7413).
    pub fast_open: bool,
    /// Octets that its receive buffer holds.
    pub buffer: i64,
    /// Octets that its send buffer holds: more is not written before some is acknowledged.
    pub send_buffer: i64,
    /// The initial congestion window in segments (RFC 6928).
    pub initial_window: u32,
    /// How its congestion window grows.
    pub congestion: Congestion,
    /// It waits with little data while some is unacknowledged (RFC 896).
    pub nagle: bool,
    /// How long an acknowledgment may wait for a second segment (RFC 1122 section 4.2.3.2).
    pub delayed_ack: Nanos,
    /// So many segments at the begin are acknowledged at once.
    pub quick_acks: u32,
    /// The shortest retransmission timeout, beyond the smoothed round trip.
    pub least_rto: Nanos,
    /// Tail loss probes (RFC 8985 section 7).
    pub tail_loss_probe: bool,
    /// It asks idle peers.
    pub keep_alive: Option<KeepAlive>,
    /// IP identifications.
    pub identification: Identification,
    /// Time to live of what it sends.
    pub ttl: u8,
    /// A server that listens; else it refuses.
    pub listens: bool,
    /// SYNs that it lets fall before it answers one (a full backlog).
    pub ignores_syns: u32,
    /// SYNs or SYN-ACKs that it sends again before it gives up.
    pub handshake_tries: u32,
    /// Timeouts in a row after which it gives up.
    pub tries: u32,
    /// It probes a closed window with its next octet, as BSD and Windows do; else with none.
    pub probes_with_data: bool,
    /// It tries smaller segments when large ones vanish (RFC 4821).
    pub probes_mtu: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            mss: 1460,
            window_scale: Some(7),
            sack: true,
            timestamps: true,
            ecn: false,
            fast_open: false,
            buffer: 1 << 20,
            send_buffer: 1 << 40,
            initial_window: 10,
            congestion: Congestion::Cubic,
            nagle: true,
            delayed_ack: 40 * MILLI,
            quick_acks: 0,
            least_rto: 200 * MILLI,
            tail_loss_probe: true,
            keep_alive: None,
            identification: Identification::Counting,
            ttl: 64,
            listens: true,
            ignores_syns: 0,
            handshake_tries: 5,
            tries: 8,
            probes_with_data: false,
            probes_mtu: false,
        }
    }
}

/// How a congestion window grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Congestion {
    /// RFC 5681.
    Reno,
    /// RFC 9438.
    Cubic,
}

/// How a host numbers its IP packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identification {
    /// A counter for each connection, as Linux has.
    Counting,
    /// Always zero.
    Zero,
    /// By chance.
    Random,
}

/// When a host asks an idle peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// After so long.
    pub idle: Nanos,
    /// Again after so long without an answer.
    pub interval: Nanos,
    /// So often, then it gives up.
    pub probes: u32,
}
