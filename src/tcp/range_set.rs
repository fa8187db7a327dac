//! Sets of stream positions as sorted, disjoint, half-open ranges.

/// A bounded set of ranges of stream positions.
#[derive(Clone, Debug, Default)]
pub struct RangeSet {
    ranges: Vec<(i64, i64)>,
}

/// More ranges than this are not kept: the lowest goes first.
const MOST: usize = 64;

impl RangeSet {
    /// Adds `start..end`; gives how many positions were new.
    pub fn insert(&mut self, start: i64, end: i64) -> i64 {
        if start >= end {
            return 0;
        }
        // The first range that could touch, and the first after those that do.
        let first = self.ranges.partition_point(|range| range.1 < start);
        let last = self.ranges.partition_point(|range| range.0 <= end);
        let touched = self.ranges.get(first..last).unwrap_or(&[]);
        let (mut low, mut high, mut known) = (start, end, 0);
        for &(s, e) in touched {
            known += (e.min(end) - s.max(start)).max(0);
            low = low.min(s);
            high = high.max(e);
        }
        self.ranges.splice(first..last, [(low, high)]);
        if self.ranges.len() > MOST {
            self.ranges.remove(0);
        }
        end - start - known
    }

    /// Takes out everything below `position`.
    #[inline]
    pub fn remove_below(&mut self, position: i64) {
        if self.ranges.first().is_none_or(|range| range.0 >= position) {
            return;
        }
        let gone = self.ranges.partition_point(|range| range.1 <= position);
        self.ranges.drain(..gone);
        if let Some(first) = self.ranges.first_mut() {
            first.0 = first.0.max(position);
        }
    }

    /// Takes `start..end` out; gives how many positions were in.
    pub fn remove(&mut self, start: i64, end: i64) -> i64 {
        let mut removed = 0;
        let mut left = Vec::with_capacity(self.ranges.len() + 1);
        for &(s, e) in &self.ranges {
            let cut = (e.min(end) - s.max(start)).max(0);
            removed += cut;
            if cut == 0 {
                left.push((s, e));
                continue;
            }
            if s < start {
                left.push((s, start));
            }
            if e > end {
                left.push((end, e));
            }
        }
        self.ranges = left;
        removed
    }

    /// How many positions of `start..end` are in the set.
    pub fn overlap(&self, start: i64, end: i64) -> i64 {
        self.ranges
            .iter()
            .map(|&(s, e)| (e.min(end) - s.max(start)).max(0))
            .sum()
    }

    /// How many positions are in the set.
    pub fn total(&self) -> i64 {
        self.ranges.iter().map(|&(s, e)| e - s).sum()
    }

    /// The end of the highest range.
    pub fn highest(&self) -> Option<i64> {
        self.ranges.last().map(|range| range.1)
    }

    /// The ranges, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, i64)> {
        self.ranges.iter().copied()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        self.ranges.capacity() * size_of::<(i64, i64)>()
    }

    /// Empties it; keeps its memory.
    pub fn clear(&mut self) {
        self.ranges.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_a_set_of_positions(
            steps in proptest::collection::vec((0_i64..60, 0_i64..12, 0_u8..4), 0..40)
        ) {
            let mut set = RangeSet::default();
            let mut model = std::collections::BTreeSet::new();
            for (start, len, kind) in steps {
                let end = start + len;
                match kind {
                    0 => {
                        set.remove_below(start);
                        model.retain(|&position| position >= start);
                    }
                    1 => {
                        let before = model.len();
                        model.retain(|&position| position < start || position >= end);
                        prop_assert_eq!(set.remove(start, end), (before - model.len()) as i64);
                    }
                    _ => {
                        let before = model.len();
                        model.extend(start..end);
                        prop_assert_eq!(set.insert(start, end), (model.len() - before) as i64);
                    }
                }
                prop_assert_eq!(set.total(), model.len() as i64);
                prop_assert_eq!(set.overlap(10, 30), model.range(10..30).count() as i64);
                let ranges: Vec<_> = set.iter().collect();
                prop_assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0), "{ranges:?}");
            }
        }
    }

    #[test]
    fn is_bounded() {
        let mut set = RangeSet::default();
        for n in 0..1000 {
            set.insert(n * 10, n * 10 + 1);
        }
        assert_eq!(set.iter().count(), MOST);
        assert_eq!(set.highest(), Some(9991));
    }
}
