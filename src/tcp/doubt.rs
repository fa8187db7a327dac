//! A tail loss probe or a timeout? Where the last segment in flight is also the first, both come at
//! the same time. What the sender sends next tells: after a timeout it begins with two or three
//! segments and waits for their acknowledgments (RFC 5681 section 3.1), after a probe it goes on.

use crate::time::{Span, Timestamp};

/// A retransmission that may be either, and what was sent after it.
#[derive(Clone, Copy, Debug)]
pub struct Doubt {
    /// Its frame.
    pub frame: u64,
    /// When the first new segment after it passed, and its end.
    since: Option<(Timestamp, i64)>,
    /// New segments in the round trip that began then.
    burst: u32,
    /// Whether more waited behind the last of them.
    more: bool,
}

/// What was sent after a retransmission says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Too little yet.
    Unknown,
    /// It had been a probe.
    Probe,
    /// It had been a timeout.
    Timeout,
}

/// The most segments with which a sender begins after a timeout: one, grown by the acknowledgment
/// of what was sent again.
const SLOW_START: u32 = 3;

impl Doubt {
    /// Of the retransmission in this frame.
    pub fn new(frame: u64) -> Self {
        Self {
            frame,
            since: None,
            burst: 0,
            more: false,
        }
    }

    /// A new segment passed, up to `end`. `round_trip` is the shortest full one; `more` whether its
    /// sender had more to send, and was allowed to by its peer; `heard` what had been acknowledged
    /// to it, and how long before.
    pub fn sent(
        &mut self,
        (now, end): (Timestamp, i64),
        round_trip: Span,
        more: bool,
        heard: Option<(i64, Span)>,
    ) -> Answer {
        let nanos = round_trip.as_nanos();
        let (since, first) = *self.since.get_or_insert((now, end));
        let passed = (now - since).as_nanos();
        if passed < nanos / 2 {
            self.burst += 1;
            self.more = more;
            return if self.burst > SLOW_START {
                Answer::Probe
            } else {
                Answer::Unknown
            };
        }
        // What waits for an acknowledgment goes at once when that comes; who paces itself sends
        // before it and long after it.
        let clocked = heard.is_some_and(|(una, ago)| una >= first && ago.as_nanos() < nanos / 2);
        if !clocked {
            return Answer::Probe;
        }
        // More came, but only when it was acknowledged: soon, or one segment alone may wait for its
        // acknowledgment.
        let held = self.more && self.burst == 1;
        if held || (self.burst >= 2 && passed < nanos + nanos / 2) {
            Answer::Timeout
        } else {
            Answer::Probe
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(times: &[i64]) -> Answer {
        told_with(false, times)
    }

    fn told_with(more: bool, times: &[i64]) -> Answer {
        let heard = |at: usize| (at as i64 * 1_000, Span::from_millis(1));
        answer(more, times, heard)
    }

    /// What is told of segments of 1,000 octets; `heard` says what its sender had heard when it sent
    /// each.
    fn answer(more: bool, times: &[i64], heard: impl Fn(usize) -> (i64, Span)) -> Answer {
        let mut doubt = Doubt::new(1);
        let round_trip = Span::from_millis(40);
        (times.iter().enumerate())
            .map(|(at, &millis)| {
                let now = Timestamp::from_nanos(millis * 1_000_000);
                let end = (at as i64 + 1) * 1_000;
                doubt.sent((now, end), round_trip, more, Some(heard(at)))
            })
            .find(|&answer| answer != Answer::Unknown)
            .unwrap_or(Answer::Unknown)
    }

    #[test]
    fn two_and_then_more_is_slow_start() {
        assert_eq!(told(&[100, 100, 141]), Answer::Timeout);
    }

    #[test]
    fn one_alone_with_more_behind_it_is_slow_start() {
        assert_eq!(told_with(true, &[100, 180]), Answer::Timeout);
        assert_eq!(told_with(true, &[100, 100, 180]), Answer::Probe);
        assert_eq!(told_with(false, &[100, 180]), Answer::Probe);
    }

    #[test]
    fn who_paces_itself_waits_for_no_acknowledgment() {
        let early = |_| (0, Span::from_millis(1));
        assert_eq!(answer(true, &[100, 112, 124], early), Answer::Probe);
        let long_ago = |at| (at as i64 * 1_000, Span::from_millis(160));
        assert_eq!(answer(true, &[100, 350], long_ago), Answer::Probe);
    }

    #[test]
    fn many_at_once_is_none() {
        assert_eq!(told(&[100, 100, 100, 101]), Answer::Probe);
    }

    #[test]
    fn little_to_send_says_nothing_of_it() {
        assert_eq!(told(&[100, 101]), Answer::Unknown);
        assert_eq!(told(&[100, 101, 300]), Answer::Probe);
        assert_eq!(told(&[100, 141]), Answer::Probe);
    }
}
