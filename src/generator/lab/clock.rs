//! The time by which the path works and frames are stamped.

use std::time::{Duration, Instant, SystemTime};

use crate::generator::packet::Nanos;
use crate::time::{Span, Timestamp};

/// Nanoseconds since the path was opened, none of them twice.
#[derive(Debug)]
pub(super) struct Clock {
    begin: Instant,
    base: Timestamp,
    last: Nanos,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "real kernels send when they will, and packets must leave the path on time"
    )]
    pub(super) fn start() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            begin: Instant::now(),
            base: Timestamp::from_nanos(since.map_or(0, |since| since.as_nanos() as i64)),
            last: 0,
        }
    }

    /// Now.
    pub(super) fn now(&self) -> Nanos {
        self.begin.elapsed().as_nanos() as Nanos
    }

    /// Now, and later than ever before: what happens has an order.
    pub(super) fn tick(&mut self) -> Nanos {
        self.last = self.now().max(self.last + 1);
        self.last
    }

    /// On the calendar.
    pub(super) fn date(&self, nanos: Nanos) -> Timestamp {
        self.base + Span::from_nanos(nanos)
    }

    /// How long it is until then.
    pub(super) fn until(&self, nanos: Nanos) -> Duration {
        Duration::from_nanos((nanos - self.now()).max(0).unsigned_abs())
    }
}
