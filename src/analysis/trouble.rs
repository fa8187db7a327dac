//! Which connections to look at first.

use crate::tcp::{Connection, Ending, Opening, Role};
use crate::time::{Span, Timestamp};

/// How troubled a connection is: higher is worse; 0 is none. An estimate of the milliseconds that
/// went to trouble, so that causes can be compared: a stall counts its length, a timeout about
/// what it costs, an end that nobody wanted like a long stall.
pub fn score(connection: &Connection, end: Timestamp) -> u64 {
    let millis = |span: Span| (span.as_nanos().max(0) / 1_000_000) as u64;
    let mut score = match connection.ending(end) {
        Ending::Refused => 3_000,
        Ending::TimedOut => 10_000,
        Ending::Reset => 2_000,
        Ending::Graceful | Ending::HalfClosed | Ending::Open => 0,
    };
    let round_trip = connection.handshake.round_trip().map_or(10, millis).max(1);
    for role in Role::BOTH {
        let endpoint = connection.endpoint(role);
        let figures = &endpoint.figures;
        let fast =
            u64::from(figures.retransmissions - figures.timeouts.min(figures.retransmissions));
        score += u64::from(figures.timeouts) * 300;
        score += fast * round_trip.min(300);
        score += millis(endpoint.window.zero_time_until(connection.last_time));
        score += u64::from(figures.conflicts) * 5_000;
        score += u64::from(figures.illegal) * 10;
    }
    let one_way = Role::BOTH
        .iter()
        .any(|&role| connection.endpoint(role).figures.packets == 0);
    if one_way && connection.opening() == Opening::Active {
        score += 1_000;
    }
    score
}
