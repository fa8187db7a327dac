//! Waiting for a file to grow.

use core::ops::ControlFlow;
use std::thread;
use std::time::Instant;

use super::Arrival;
use super::capture::{Count, Sink};
use super::read_ahead::PATIENCE;
use crate::time::{Span, Timestamp};

/// The time during which nothing came.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// Since when, and the time of the last frame then.
    since: Option<(Instant, Option<Timestamp>)>,
}

impl Idle {
    /// Waits a little, then says how capture time must have gone on: from the last frame, by as
    /// much as was waited. Before the first frame there is nothing to count from.
    pub(super) fn wait(&mut self, count: &Count, sink: &mut Sink<'_>) -> ControlFlow<()> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a file that is followed is live: while it stands still, only the clock tells how long"
        )]
        let now = Instant::now;
        let last = count.last_time();
        let start = match self.since {
            Some((start, before)) if before == last => start,
            _ => {
                let start = now();
                self.since = Some((start, last));
                start
            }
        };
        thread::sleep(PATIENCE);
        let waited = i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX);
        match last {
            Some(last) => sink(Arrival::Quiet(last + Span::from_nanos(waited))),
            None => ControlFlow::Continue(()),
        }
    }
}
