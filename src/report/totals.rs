//! Figures over all connections.

use crate::analysis::ConnectionView;
use crate::tcp::{Embryo, Ending, Figures, Opening, Role};
use crate::time::Timestamp;

/// Every way to open, in the order it is told.
pub const OPENINGS: [Opening; 3] = [Opening::Active, Opening::Simultaneous, Opening::Midstream];

/// Every way to end, in the order it is told.
pub const ENDINGS: [Ending; 6] = [
    Ending::Graceful,
    Ending::HalfClosed,
    Ending::Reset,
    Ending::Refused,
    Ending::TimedOut,
    Ending::Open,
];

/// Figures over all TCP connections that are kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Connections.
    pub connections: u64,
    /// By how they opened, as in [`OPENINGS`].
    pub openings: [u64; OPENINGS.len()],
    /// By how they ended, as in [`ENDINGS`].
    pub endings: [u64; ENDINGS.len()],
    /// Connections of which one host was never seen to send.
    pub one_way: u64,
    /// Connections with retransmissions.
    pub with_retransmissions: u64,
    /// Packets.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Segments with payload.
    pub data_packets: u64,
    /// Stream bytes, each once.
    pub stream_bytes: u64,
    /// Segments judged retransmissions.
    pub retransmissions: u64,
    /// … by timeout.
    pub timeouts: u64,
    /// … by duplicate ACKs or SACK.
    pub fast_retransmissions: u64,
    /// … known to be needless.
    pub spurious: u64,
    /// Segments judged late originals.
    pub reordered: u64,
    /// Copies made by the network or the capture.
    pub duplicates: u64,
    /// Stream bytes never captured.
    pub missing_bytes: u64,
    /// Times that a window went to zero.
    pub zero_windows: u64,
    /// Overlaps with other bytes.
    pub conflicts: u64,
}

impl Totals {
    /// Counts a connection.
    pub fn add(&mut self, view: &ConnectionView<'_>, end: Timestamp) {
        let connection = view.connection;
        self.connections += 1;
        count(&mut self.openings, &OPENINGS, connection.opening());
        count(&mut self.endings, &ENDINGS, connection.ending(end));
        let [client, server] = Role::BOTH.map(|role| &connection.endpoint(role).figures);
        self.one_way += u64::from(client.packets == 0 || server.packets == 0);
        self.with_retransmissions +=
            u64::from(client.retransmissions > 0 || server.retransmissions > 0);
        for role in Role::BOTH {
            let endpoint = connection.endpoint(role);
            self.add_figures(&endpoint.figures);
            self.zero_windows += u64::from(endpoint.window.zero_count);
        }
    }

    fn add_figures(&mut self, figures: &Figures) {
        self.packets += figures.packets;
        self.bytes += figures.bytes;
        self.data_packets += figures.data_packets;
        self.stream_bytes += figures.stream_bytes;
        self.retransmissions += u64::from(figures.retransmissions);
        self.timeouts += u64::from(figures.timeouts);
        self.fast_retransmissions += u64::from(figures.fast_retransmissions);
        self.spurious += u64::from(figures.spurious);
        self.reordered += u64::from(figures.reordered);
        self.duplicates += u64::from(figures.duplicates);
        self.missing_bytes += figures.missing_bytes;
        self.conflicts += u64::from(figures.conflicts);
    }

    /// Counts a connection that is a SYN and nothing else.
    pub fn add_half_open(&mut self, embryo: &Embryo) {
        self.connections += 1;
        count(&mut self.openings, &OPENINGS, Opening::Active);
        count(&mut self.endings, &ENDINGS, Ending::Open);
        self.one_way += 1;
        self.packets += 1;
        self.bytes += u64::from(embryo.wire_len());
    }
}

/// Counts one of all the ways there are.
pub(crate) fn count<T: PartialEq, const N: usize>(counts: &mut [u64; N], all: &[T; N], one: T) {
    for (count, each) in counts.iter_mut().zip(all) {
        *count += u64::from(*each == one);
    }
}
