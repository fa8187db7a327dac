//! The order in which a host sent its packets, by their IP identification: many systems count it
//! up by one for each packet of a connection. What came late, what was skipped, and what is a copy
//! shows in it, until it proves not to be such a counter.

/// What the identification of a packet says of when it was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Departure {
    /// Nothing: there is none, or it does not count.
    #[default]
    Unknown,
    /// After everything seen; so many other packets were sent between.
    Next {
        /// How many, where the counter is this connection's own; otherwise 0.
        skipped: u32,
    },
    /// Before something seen, and not seen yet.
    Late,
    /// It is that of a packet seen before.
    Again,
}

/// Identifications remembered: a packet later than this by so many is not placed.
const KEPT: u16 = 256;
/// Steps larger than this are no counting.
const LARGEST_STEP: u16 = 64;
/// So near, two identifications belong to one counter even if nothing else says so.
const NEAR: u16 = 16;
/// The least trust that makes a counter.
const COUNTS: u8 = 2;

/// The identifications of one sender.
#[derive(Clone, Copy, Debug, Default)]
pub struct Departures {
    /// The highest one; 0 is none yet.
    high: u16,
    /// How many identifications the packet that bore it stands for (super-segments).
    units: u16,
    /// Steps that counted, less those that didn't.
    trust: u8,
    /// Steps of exactly one packet, less larger ones.
    own: u8,
    /// Which of the last [`KEPT`] passed, by identification modulo `KEPT`.
    seen: [u64; KEPT as usize / 64],
}

impl Departures {
    /// Takes a packet's identification in. `units` is how many packets it was on the wire: more
    /// than one for a super-segment of the sender's offload.
    #[inline]
    pub fn pass(&mut self, id: Option<u32>, units: u16) -> Departure {
        // Zero is what packets have that bear none (RFC 6864 section 4.1); SYN-ACKs and RSTs of
        // hosts that otherwise count, too.
        let Some(id) = id
            .and_then(|id| u16::try_from(id).ok())
            .filter(|&id| id > 0)
        else {
            return Departure::Unknown;
        };
        let ahead = id.wrapping_sub(self.high);
        if ahead > 0 && ahead <= LARGEST_STEP && self.high > 0 {
            let skipped = ahead.saturating_sub(self.units.max(1));
            if skipped == 0 {
                self.own = self.own.saturating_add(1).min(16);
            }
            self.trust = self.trust.saturating_add(1).min(16);
            self.advance(id, ahead, units);
            let own = self.own >= 1;
            return Departure::Next {
                skipped: if own { u32::from(skipped) } else { 0 },
            };
        }
        self.elsewhere(id, units)
    }

    #[cold]
    fn elsewhere(&mut self, id: u16, units: u16) -> Departure {
        let behind = self.high.wrapping_sub(id);
        let counts = self.trust >= COUNTS;
        if self.high > 0 && behind < KEPT && (counts || behind <= NEAR) {
            if self.has(id) {
                return if self.trust >= 1 {
                    Departure::Again
                } else {
                    Departure::Unknown
                };
            }
            self.put(id);
            return Departure::Late;
        }
        let ahead = id.wrapping_sub(self.high);
        if self.high > 0 && counts && ahead < 4096 {
            // Many lost at once, or not captured.
            let skipped = ahead.saturating_sub(self.units.max(1));
            self.trust -= 1;
            self.advance(id, ahead, units);
            return Departure::Next {
                skipped: if self.own >= 4 { u32::from(skipped) } else { 0 },
            };
        }
        self.trust = self.trust.saturating_sub(4);
        self.own = self.own.saturating_sub(4);
        self.seen = Default::default();
        self.high = id;
        self.units = units;
        self.put(id);
        Departure::Unknown
    }

    #[inline]
    fn advance(&mut self, id: u16, by: u16, units: u16) {
        if by == 1 {
            self.clear(id);
        } else {
            self.clear_after(by);
        }
        self.high = id;
        self.units = units;
        self.put(id);
    }

    /// Clears so many places after the highest, a word at a time.
    #[cold]
    fn clear_after(&mut self, by: u16) {
        if by >= KEPT {
            self.seen = Default::default();
            return;
        }
        let (mut at, mut left) = (
            usize::from(self.high.wrapping_add(1) % KEPT),
            usize::from(by),
        );
        while left > 0 {
            let (word, bit) = (at / 64, at % 64);
            let here = left.min(64 - bit);
            let mask = (u64::MAX >> (64 - here)) << bit;
            if let Some(word) = self.seen.get_mut(word) {
                *word &= !mask;
            }
            at = (at + here) % usize::from(KEPT);
            left -= here;
        }
    }

    #[inline]
    fn put(&mut self, id: u16) {
        let at = usize::from(id % KEPT);
        if let Some(word) = self.seen.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    #[inline]
    fn clear(&mut self, id: u16) {
        let at = usize::from(id % KEPT);
        if let Some(word) = self.seen.get_mut(at / 64) {
            *word &= !(1 << (at % 64));
        }
    }

    fn has(&self, id: u16) -> bool {
        let at = usize::from(id % KEPT);
        self.seen
            .get(at / 64)
            .is_some_and(|word| word & (1 << (at % 64)) != 0)
    }

    /// Whether the identification counts this sender's packets.
    #[inline]
    pub fn count(&self) -> bool {
        self.trust >= COUNTS
    }
}

/// Whether the packet with identification `one` was sent before the one with `other`; `None` where
/// they are too far apart to say, the same, or missing.
pub fn before(one: Option<u32>, other: Option<u32>) -> Option<bool> {
    let (one, other) = (u16::try_from(one?).ok()?, u16::try_from(other?).ok()?);
    if one == 0 || other == 0 {
        return None;
    }
    match other.wrapping_sub(one) as i16 {
        1..=8192 => Some(true),
        -8192..=-1 => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(ids: impl IntoIterator<Item = u32>) -> Vec<Departure> {
        let mut departures = Departures::default();
        ids.into_iter()
            .map(|id| departures.pass(Some(id), 1))
            .collect()
    }

    #[test]
    fn a_counter_tells_late_skipped_and_copied() {
        use Departure::{Again, Late, Next, Unknown};
        assert_eq!(
            all([65_534, 65_535, 1, 2, 5, 4, 4, 6]),
            [
                Unknown,
                Next { skipped: 0 },
                Next { skipped: 1 },
                Next { skipped: 0 },
                Next { skipped: 2 },
                Late,
                Again,
                Next { skipped: 0 }
            ]
        );
    }

    #[test]
    fn what_does_not_count_tells_nothing() {
        for ids in [[7; 6], [0; 6], [9_000, 30_000, 100, 52_000, 17_000, 40_000]] {
            assert!(all(ids).iter().all(|&each| each == Departure::Unknown));
        }
    }

    #[test]
    fn a_shared_counter_has_an_order_and_skips_nothing() {
        let told = all([10, 17, 29, 33, 46, 40]);
        assert!(
            told[1..5]
                .iter()
                .all(|each| *each == Departure::Next { skipped: 0 })
        );
        assert_eq!(told[5], Departure::Late);
    }

    #[test]
    fn super_segments_take_several() {
        let mut departures = Departures::default();
        departures.pass(Some(1), 1);
        departures.pass(Some(2), 4);
        assert_eq!(departures.pass(Some(6), 1), Departure::Next { skipped: 0 });
        assert_eq!(departures.pass(Some(8), 1), Departure::Next { skipped: 1 });
    }

    #[test]
    fn long_steps_leave_nothing_of_what_passed_a_round_ago() {
        for by in [2, 63, 64, 65, 190, 255, 256, 300] {
            for high in [1_u16, 60, 200, 65_500] {
                let mut departures = Departures {
                    high,
                    seen: [u64::MAX; 4],
                    ..Departures::default()
                };
                departures.advance(high.wrapping_add(by), by, 1);
                for step in 1..=by.min(KEPT) {
                    let id = high.wrapping_add(step);
                    assert_eq!(
                        departures.has(id),
                        step % KEPT == by % KEPT,
                        "{high} {by} {step}"
                    );
                }
            }
        }
    }

    #[test]
    fn order_of_two() {
        assert_eq!(before(Some(1), Some(2)), Some(true));
        assert_eq!(before(Some(3), Some(65_535)), Some(false));
        assert_eq!(before(Some(0), Some(2)), None);
        assert_eq!(before(Some(1), Some(30_000)), None);
    }
}
