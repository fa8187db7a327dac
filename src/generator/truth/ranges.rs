//! Sets of stream positions.

/// Positions as disjoint half-open ranges in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    /// Adds all from `start` up to `end`.
    pub(crate) fn add(&mut self, start: i64, end: i64) {
        if start >= end {
            return;
        }
        let first = self.0.partition_point(|range| range.1 < start);
        let last = self.0.partition_point(|range| range.0 <= end);
        let mut merged = (start, end);
        if let Some(touched) = self.0.get(first..last) {
            for range in touched {
                merged = (merged.0.min(range.0), merged.1.max(range.1));
            }
        }
        self.0.splice(first..last.max(first), [merged]);
    }

    /// Takes away all below `end`.
    pub(crate) fn drop_below(&mut self, end: i64) {
        self.0.retain(|range| range.1 > end);
        if let Some(first) = self.0.first_mut() {
            first.0 = first.0.max(end);
        }
    }

    /// The parts of it within `start` up to `end`.
    pub(crate) fn within(&self, start: i64, end: i64) -> impl Iterator<Item = (i64, i64)> + '_ {
        let first = self.0.partition_point(|range| range.1 <= start);
        self.0
            .get(first..)
            .unwrap_or_default()
            .iter()
            .take_while(move |range| range.0 < end)
            .map(move |range| (range.0.max(start), range.1.min(end)))
    }

    /// How many positions of `start` up to `end` are in it.
    pub(crate) fn count(&self, start: i64, end: i64) -> i64 {
        self.within(start, end).map(|(from, to)| to - from).sum()
    }

    /// Whether all of `start` up to `end` are in it.
    pub(crate) fn holds(&self, start: i64, end: i64) -> bool {
        self.count(start, end) == end - start
    }

    /// The ranges, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (i64, i64)> + '_ {
        self.0.iter().copied()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Ranges;

    #[test]
    fn touching_ranges_become_one() {
        let mut set = Ranges::default();
        for (start, end) in [(10, 20), (30, 40), (20, 25), (24, 31), (5, 5)] {
            set.add(start, end);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [(10, 40)]);
        assert_eq!(set.count(0, 15), 5);
        assert!(set.holds(12, 40) && !set.holds(12, 41));
        set.drop_below(35);
        assert_eq!(set.iter().collect::<Vec<_>>(), [(35, 40)]);
        set.drop_below(50);
        assert!(set.is_empty());
    }
}
