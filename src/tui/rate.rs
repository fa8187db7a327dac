//! A capture's bytes over time.

use crate::time::Timestamp;

/// Parts of the capture's time that the rate is told in.
const RATE: usize = 512;

/// Bytes over time, in equal parts whose length doubles when there are too many.
#[derive(Debug)]
pub struct Rate {
    first: Option<Timestamp>,
    /// Nanoseconds of a part.
    part: i64,
    pub(super) bytes: Vec<u64>,
    /// Number of the first frame of every part.
    frames: Vec<u64>,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            first: None,
            part: 1_000_000,
            bytes: Vec::new(),
            frames: Vec::new(),
        }
    }
}

impl Rate {
    /// Counts a frame.
    #[inline]
    pub fn count(&mut self, number: u64, time: Timestamp, bytes: u32) {
        let first = *self.first.get_or_insert(time);
        let mut place = ((time - first).as_nanos().max(0) / self.part) as usize;
        while place >= RATE {
            self.halve();
            place /= 2;
        }
        while self.bytes.len() <= place {
            self.bytes.push(0);
            self.frames.push(number);
        }
        if let Some(own) = self.bytes.get_mut(place) {
            *own += u64::from(bytes);
        }
    }

    fn halve(&mut self) {
        self.part = self.part.saturating_mul(2);
        let joined = |pair: &[u64]| pair.iter().sum();
        self.bytes = self.bytes.chunks(2).map(joined).collect();
        self.frames = self.frames.iter().step_by(2).copied().collect();
    }

    /// How many of these frames, in order, came in each of `parts` parts of the capture.
    pub(super) fn spread(&self, numbers: impl Iterator<Item = u64>, parts: usize) -> Vec<u64> {
        let mut spread = vec![0; parts];
        let mut later = self.frames.iter().skip(1).peekable();
        let mut place = 0;
        for number in numbers {
            while later.next_if(|&&first| first <= number).is_some() {
                place += 1;
            }
            if let Some(count) = spread.get_mut(place * parts / self.bytes.len().max(1)) {
                *count += 1;
            }
        }
        spread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_keeps_every_byte_while_its_parts_grow() {
        let mut rate = Rate::default();
        let mut sum = 0;
        for number in 0..5000_u64 {
            let time = Timestamp::from_nanos(number as i64 * 7_000_000);
            rate.count(number + 1, time, number as u32);
            sum += number;
        }
        assert!(rate.bytes.len() <= RATE);
        assert_eq!(rate.bytes.iter().sum::<u64>(), sum);
        assert_eq!(
            rate.spread([1, 2, 2500, 5000].into_iter(), 10),
            [2, 0, 0, 0, 1, 0, 0, 0, 0, 1]
        );
        let all = rate.spread(1..=5000, 10);
        assert_eq!(all.iter().sum::<u64>(), 5000);
        assert!(
            all.iter().all(|count| (400..=600).contains(count)),
            "{all:?}"
        );
        assert_eq!(Rate::default().spread([7].into_iter(), 3), [1, 0, 0]);
    }
}
