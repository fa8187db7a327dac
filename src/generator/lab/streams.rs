//! Where packets lie in their streams, and what that alone says of them.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::generator::truth::ranges::Ranges;
use crate::generator::truth::{Header, Reason, Side};
use crate::wire::Flags;

/// What is known of a packet that a host sends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    /// The connection's number.
    pub(super) connection: u32,
    /// Its first position in its stream (the SYN has 0), and behind its last.
    pub(super) range: (i64, i64),
    /// Some of that was sent before.
    pub(super) again: bool,
    /// It asks something, and carries nothing.
    pub(super) probe: Option<Reason>,
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Stream {
    isn: Option<u32>,
    end: i64,
    sent: Ranges,
    /// The window field that its sender was told last.
    told: Option<u16>,
}

/// All connections, by their sockets: the client's, the server's.
#[derive(Debug, Default)]
pub(super) struct Streams {
    numbers: HashMap<[SocketAddr; 2], u32>,
    streams: Vec<[Stream; 2]>,
}

impl Streams {
    /// A host sends this.
    pub(super) fn sent(&mut self, from: Side, header: &Header) -> Option<Placed> {
        let (source, destination) = (header.source?, header.destination?);
        let sockets = match from {
            Side::Client => [source, destination],
            Side::Server => [destination, source],
        };
        let next = self.streams.len() as u32;
        let connection = *self.numbers.entry(sockets).or_insert(next);
        if connection == next {
            self.streams.push(Default::default());
        }
        let stream = self.stream(connection, from)?;
        let is_syn = header.flags.has(Flags::SYN);
        let first = if is_syn {
            header.seq
        } else {
            header.seq.wrapping_sub(1)
        };
        let isn = *stream.isn.get_or_insert(first);
        let expected = isn.wrapping_add(stream.end as u32);
        let start = stream.end + i64::from(header.seq.wrapping_sub(expected) as i32);
        let end = start + i64::from(header.sequence_len());
        let again = stream.sent.count(start, end) > 0;
        let is_bare = header.sequence_len() == 0 && !header.flags.has(Flags::RST);
        // Linux asks with the sequence number before the next one (RFC 9293 section 3.8.4).
        let asks = is_bare && stream.end > 1 && start == stream.end - 1;
        let probe = asks.then_some(match stream.told {
            Some(0) => Reason::WindowProbe,
            _ => Reason::KeepAlive,
        });
        stream.sent.add(start, end);
        stream.end = stream.end.max(end);
        Some(Placed {
            connection,
            range: (start, end),
            again,
            probe,
        })
    }

    /// It has reached the other host.
    pub(super) fn arrived(&mut self, connection: u32, from: Side, header: &Header) {
        if let Some(stream) = self.stream(connection, from.peer()) {
            stream.told = Some(header.window);
        }
    }

    fn stream(&mut self, connection: u32, from: Side) -> Option<&mut Stream> {
        let streams = self.streams.get_mut(connection as usize)?;
        streams.get_mut(from as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(seq: u32, payload: u32, flags: Flags) -> Header {
        Header {
            source: Some(([10, 0, 0, 1], 1000).into()),
            destination: Some(([10, 0, 0, 2], 80).into()),
            seq,
            payload,
            flags,
            window: 500,
            ..Header::default()
        }
    }

    #[test]
    fn what_was_sent_before_is_known_across_the_wrap() {
        let mut streams = Streams::default();
        let mut sent = |seq, payload, flags| {
            let placed = streams.sent(Side::Client, &header(seq, payload, flags));
            placed.map(|placed| (placed.range, placed.again)).unwrap()
        };
        let isn = u32::MAX - 100;
        assert_eq!(sent(isn, 0, Flags::SYN), ((0, 1), false));
        assert_eq!(sent(isn, 0, Flags::SYN), ((0, 1), true));
        let first = isn.wrapping_add(1);
        assert_eq!(sent(first, 200, Flags::ACK), ((1, 201), false));
        let second = first.wrapping_add(200);
        assert_eq!(sent(second, 10, Flags::ACK), ((201, 211), false));
        assert_eq!(sent(first, 200, Flags::ACK), ((1, 201), true));
        // A FIN with octets that were sent, and an acknowledgment.
        let last = second.wrapping_add(10);
        assert_eq!(sent(second, 10, Flags::FIN), ((201, 212), true));
        assert!(!sent(last.wrapping_add(1), 0, Flags::ACK).1);
    }

    #[test]
    fn probes_are_told_apart_by_the_window() {
        let mut streams = Streams::default();
        let mut probe = |window: Option<u16>| {
            if let Some(window) = window {
                let told = Header {
                    window,
                    ..header(1, 0, Flags::ACK)
                };
                streams.arrived(0, Side::Server, &told);
            }
            streams.sent(Side::Client, &header(7, 0, Flags::SYN));
            streams.sent(Side::Client, &header(8, 100, Flags::ACK));
            let asking = streams.sent(Side::Client, &header(107, 0, Flags::ACK));
            asking.and_then(|placed| placed.probe)
        };
        assert_eq!(probe(None), Some(Reason::KeepAlive));
        assert_eq!(probe(Some(0)), Some(Reason::WindowProbe));
        assert_eq!(probe(Some(9)), Some(Reason::KeepAlive));
    }
}
