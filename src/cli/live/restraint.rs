//! Who is not told of at once: of a flood, SYNs that nobody answered. Lines for each would drown
//! all others, and whoever reads them would hold up the capture.

use std::collections::BTreeMap;

use crate::time::{Span, Timestamp};

/// SYNs of a second that are told of one by one.
const MOST: u32 = 5_000;
/// Ranges that are remembered; connections below are as good as told of.
const MOST_RANGES: usize = 1 << 16;

/// Connections that are not told of yet.
#[derive(Debug, Default)]
pub(super) struct Restraint {
    /// Since when SYNs are counted, and how many were told of.
    since: Timestamp,
    told: u32,
    /// Their numbers, in ranges: where each begins, and the number after its last.
    untold: BTreeMap<u32, u32>,
    count: u64,
}

impl Restraint {
    /// Whether a connection that has just begun with a SYN is to be told of later.
    pub(super) fn is_for_later(&mut self, id: u32, now: Timestamp) -> bool {
        if now - self.since >= Span::from_secs(1) || now < self.since {
            (self.since, self.told) = (now, 0);
        }
        if self.told < MOST {
            self.told += 1;
            return false;
        }
        self.count += 1;
        match self.untold.last_entry() {
            Some(mut last) if *last.get() == id => *last.get_mut() = id + 1,
            _ => {
                if self.untold.len() >= MOST_RANGES {
                    self.untold.pop_first();
                }
                self.untold.insert(id, id + 1);
            }
        }
        true
    }

    /// Whether a connection is not told of.
    pub(super) fn is_untold(&self, id: u32) -> bool {
        let range = self.untold.range(..=id).next_back();
        range.is_some_and(|(_, &end)| id < end)
    }

    /// Whether a connection is not told of; from now on it is.
    pub(super) fn tells(&mut self, id: u32) -> bool {
        let range = self.untold.range_mut(..=id).next_back();
        let Some((&start, end)) = range.filter(|(_, end)| id < **end) else {
            return false;
        };
        let after = core::mem::replace(end, id);
        if start == id {
            self.untold.remove(&start);
        }
        if id + 1 < after {
            self.untold.insert(id + 1, after);
        }
        self.count -= 1;
        true
    }

    /// How many are not told of.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_is_told_once() {
        let mut restraint = Restraint::default();
        let now = Timestamp::from_parts(7, 0);
        let later = (0..MOST + 100).filter(|&id| restraint.is_for_later(id, now));
        assert!(later.eq(MOST..MOST + 100));
        for (id, is_untold) in [(MOST - 1, false), (MOST, true), (MOST + 50, true)] {
            assert_eq!(restraint.is_untold(id), is_untold);
            assert_eq!(restraint.tells(id), is_untold, "{id}");
            assert!(!restraint.is_untold(id) && !restraint.tells(id), "{id}");
        }
        let rest = (0..MOST + 200).filter(|&id| restraint.is_untold(id));
        assert_eq!((rest.count(), restraint.count()), (98, 98));
        assert!(!restraint.is_for_later(MOST + 100, Timestamp::from_parts(8, 0)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut restraint = Restraint::default();
        let most = MOST_RANGES as u32 + 100;
        for n in 0..MOST + most {
            restraint.is_for_later(2 * n, Timestamp::default());
        }
        assert_eq!(restraint.untold.len(), MOST_RANGES);
        assert!(restraint.is_untold(2 * (MOST + most - 1)) && !restraint.is_untold(2 * MOST));
    }
}
