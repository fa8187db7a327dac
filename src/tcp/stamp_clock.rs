//! A sender's timestamp clock against the capture's: how long its ticks take, and how much longer
//! than the fastest a segment was on its way.

use crate::time::{Span, Timestamp};

/// What is known of a sender's TSval clock (RFC 7323 section 4.1: between 1 ms and 1 s a tick).
#[derive(Clone, Copy, Debug, Default)]
pub struct StampClock {
    first: Option<(u32, Timestamp)>,
    /// Nanoseconds a tick, once enough have passed.
    tick: i64,
    /// The least of (capture time less clock time), in nanoseconds.
    least: i64,
    /// When that was.
    since: Timestamp,
}

/// Ticks to see before their length is believed.
const ENOUGH: i32 = 40;
/// What hosts use, in nanoseconds.
const USUAL: [i64; 5] = [1_000_000, 2_000_000, 4_000_000, 10_000_000, 100_000_000];

impl StampClock {
    /// A segment with this TSval passed.
    #[inline]
    pub fn pass(&mut self, stamp: u32, now: Timestamp) {
        let Some((first, then)) = self.first else {
            self.first = Some((stamp, now));
            return;
        };
        let ticks = i64::from(stamp.wrapping_sub(first) as i32);
        if self.tick == 0 {
            if ticks < i64::from(ENOUGH) {
                return;
            }
            self.settle(ticks, (now - then).as_nanos(), now);
        }
        if self.tick > 0 {
            let behind = (now - then).as_nanos().saturating_sub(ticks * self.tick);
            // Clocks drift apart: the least is believed less and less.
            let drift = (now - self.since).as_nanos() >> 13;
            if behind < self.least.saturating_add(drift) {
                self.earlier(behind, (now - then).as_nanos(), ticks);
                self.since = now;
            }
        }
    }

    #[cold]
    fn settle(&mut self, ticks: i64, passed: i64, now: Timestamp) {
        let each = passed / ticks;
        let usual = USUAL
            .into_iter()
            .find(|usual| (usual - usual / 4..usual + usual / 4).contains(&each));
        match usual {
            Some(usual) => {
                self.tick = usual;
                // The first was on its way, too.
                self.least = passed.saturating_sub(ticks * usual).min(0);
                self.since = now;
            }
            // Not a clock that hosts have; begin again.
            None => self.first = None,
        }
    }

    /// A segment was faster than the fastest.
    fn earlier(&mut self, behind: i64, passed: i64, ticks: i64) {
        // So much faster is none: slow start into a queue stretches a tick to twice its length.
        let shorter = USUAL.into_iter().rfind(|&usual| usual < self.tick);
        let too_long = behind < -i64::from(ENOUGH / 2) * self.tick;
        match shorter.filter(|_| too_long) {
            Some(shorter) => {
                self.tick = shorter;
                self.least = passed.saturating_sub(ticks * shorter).min(0);
            }
            None => self.least = behind,
        }
    }

    /// How long a tick takes.
    pub fn tick(&self) -> Option<Span> {
        (self.tick > 0).then(|| Span::from_nanos(self.tick))
    }

    /// How much longer than the fastest a segment with this TSval was on its way that passes now.
    /// Zero where it is not known; good to a tick.
    pub fn late(&self, stamp: u32, now: Timestamp) -> Span {
        let Some((first, then)) = self.first.filter(|_| self.tick > 0) else {
            return Span::ZERO;
        };
        let ticks = i64::from(stamp.wrapping_sub(first) as i32);
        let behind = (now - then)
            .as_nanos()
            .saturating_sub(ticks.saturating_mul(self.tick));
        let late = behind.saturating_sub(self.least).saturating_sub(self.tick);
        // Longer than a segment lives: another clock.
        if (0..120_000_000_000).contains(&late) {
            Span::from_nanos(late)
        } else {
            Span::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_held_segment_is_late() {
        let mut clock = StampClock::default();
        for millis in 0..200 {
            clock.pass(
                (u32::MAX - 50).wrapping_add(millis as u32),
                at(millis + millis % 3),
            );
        }
        assert_eq!(clock.tick(), Some(Span::from_millis(1)));
        let stamp = (u32::MAX - 50).wrapping_add(200);
        let late = clock.late(stamp, at(700)).as_nanos() / 1_000_000;
        assert!((497..=500).contains(&late), "{late}");
        assert!(clock.late(stamp, at(201)) <= Span::from_millis(1));
    }

    /// Slow start sends twice what the path takes: segments arrive in twice the time in which they
    /// were sent, until the queue is full.
    #[test]
    fn a_queue_that_grows_does_not_stretch_the_tick() {
        let mut clock = StampClock::default();
        for millis in 0..500 {
            clock.pass(millis as u32, at(2 * millis));
        }
        assert_eq!(clock.tick(), Some(Span::from_millis(2)));
        for millis in 500..600 {
            clock.pass(millis as u32, at(500 + millis));
        }
        assert_eq!(clock.tick(), Some(Span::from_millis(1)));
        let late = clock.late(600, at(1100)).as_nanos() / 1_000_000;
        assert!((498..=500).contains(&late), "{late}");
    }

    #[test]
    fn a_tick_of_two_milliseconds_stays_one() {
        let mut clock = StampClock::default();
        for tick in 0..10_000 {
            clock.pass(tick as u32, at(2 * tick + (tick / 100) % 30));
        }
        assert_eq!(clock.tick(), Some(Span::from_millis(2)));
    }

    #[test]
    fn no_clock_says_nothing() {
        let mut clock = StampClock::default();
        for millis in 0..200 {
            clock.pass(7, at(millis));
        }
        assert_eq!(clock.tick(), None);
        assert_eq!(clock.late(7, at(900)), Span::ZERO);
    }
}
