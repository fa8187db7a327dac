//! How much may be in flight: slow start, Reno (RFC 5681) and CUBIC (RFC 9438), in segments and in
//! whole numbers.

use super::habits::{Congestion, Habits};
use crate::generator::packet::{MILLI, Nanos};

/// A congestion window.
#[derive(Clone, Debug)]
pub(super) struct Window {
    kind: Congestion,
    /// Segments.
    pub(super) size: u32,
    pub(super) threshold: u32,
    /// Acknowledged segments that did not grow it yet.
    count: u32,
    /// CUBIC: its size before the last loss, and since when it grows.
    before: u32,
    since: Option<Nanos>,
}

impl Window {
    pub(super) const fn new(habits: &Habits) -> Self {
        Self {
            kind: habits.congestion,
            size: habits.initial_window,
            threshold: u32::MAX,
            count: 0,
            before: 0,
            since: None,
        }
    }

    /// So many segments were acknowledged while it was used up.
    pub(super) fn grow(&mut self, now: Nanos, acked: u32) {
        if self.size < self.threshold {
            self.size = (self.size + acked).min(self.threshold.max(self.size + 1));
            return;
        }
        self.count += acked;
        let needed = match self.kind {
            Congestion::Reno => self.size,
            Congestion::Cubic => {
                let since = *self.since.get_or_insert(now);
                let target = self.cubic((now - since) / MILLI);
                if target > self.size {
                    (self.size / (target - self.size)).max(2)
                } else {
                    self.size * 2
                }
            }
        };
        if self.count >= needed {
            self.count = 0;
            self.size += 1;
        }
    }

    /// W_cubic (RFC 9438 section 4.2) so many milliseconds after the growth began.
    fn cubic(&self, millis: i64) -> u32 {
        // K = cbrt(W_max (1 - 0.7) / 0.4) seconds, in milliseconds.
        let k = cube_root(i128::from(self.before) * 3 * 1_000_000_000 / 4);
        let t = i128::from(millis) - k;
        let grown = t * t * t * 4 / 10 / 1_000_000_000;
        (i128::from(self.before) + grown).clamp(2, 100_000) as u32
    }

    /// A loss: the window that the recovery goes on with.
    pub(super) fn reduce(&mut self, flight: u32) {
        let from = self.size.min(flight.max(2));
        self.threshold = match self.kind {
            Congestion::Reno => from / 2,
            Congestion::Cubic => from * 7 / 10,
        }
        .max(2);
        self.before = from;
        self.since = None;
        self.count = 0;
        self.size = self.threshold;
    }

    /// What an undo restores.
    pub(super) const fn memory(&self) -> (u32, u32) {
        (self.size, self.threshold)
    }

    /// The reduction was for nothing.
    pub(super) fn restore(&mut self, memory: (u32, u32)) {
        (self.size, self.threshold) = (self.size.max(memory.0), memory.1);
    }
}

/// The whole cube root.
fn cube_root(value: i128) -> i128 {
    let (mut low, mut high) = (0_i128, 1 << 22);
    while low < high {
        let middle = (low + high + 1) / 2;
        if middle * middle * middle <= value {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubic_comes_back_to_where_it_was() {
        let mut window = Window::new(&Habits::default());
        (window.size, window.threshold) = (100, 50);
        window.reduce(100);
        assert_eq!((window.size, window.threshold), (70, 70));
        // K = cbrt(100 * 0.3 / 0.4) s = 4.217 s.
        assert_eq!(window.cubic(4_217), 100);
        assert!(window.cubic(0) <= 71 && window.cubic(6_000) > 100);
    }

    #[test]
    fn cube_roots_are_whole() {
        assert_eq!(
            [0, 1, 7, 8, 27, 1_000_001].map(cube_root),
            [0, 1, 1, 2, 3, 100]
        );
    }
}
