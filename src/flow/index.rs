//! Hash → slot, by linear probing: a lookup usually touches one cache line, and which one is known
//! ahead, so that it can be fetched before it is needed.

use super::table::Slot;

/// A place: the hash in the upper half, the slot plus one in the lower; 0 is empty.
type Place = u64;

/// Hashes of 32 bits to slots. Several slots may have the same hash.
#[derive(Debug, Default)]
pub(super) struct Index {
    places: Vec<Place>,
    used: usize,
}

#[inline]
const fn place(hash: u32, slot: Slot) -> Place {
    (hash as u64) << 32 | (slot as u64 + 1)
}

impl Index {
    /// Where the search for `hash` begins.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        // The lower bits of the multiplied hash are as good as any; the table is a power of two.
        hash as usize & (self.places.len() - 1)
    }

    /// The first slot with this hash that `is_it`.
    #[inline]
    pub(super) fn find(&self, hash: u32, mut is_it: impl FnMut(Slot) -> bool) -> Option<Slot> {
        if self.places.is_empty() {
            return None;
        }
        let mut at = self.home(hash);
        loop {
            let place = *self.places.get(at)?;
            if place == 0 {
                return None;
            }
            if (place >> 32) as u32 == hash {
                let slot = place as u32 - 1;
                if is_it(slot) {
                    return Some(slot);
                }
            }
            at = (at + 1) & (self.places.len() - 1);
        }
    }

    /// The place where the search for `hash` begins, to be fetched ahead.
    #[inline]
    pub(super) fn begin(&self, hash: u32) -> Option<&Place> {
        if self.places.is_empty() {
            return None;
        }
        self.places.get(self.home(hash))
    }

    /// Adds a slot.
    pub(super) fn insert(&mut self, hash: u32, slot: Slot) {
        if self.is_full() {
            self.grow();
        }
        self.used += 1;
        self.put(place(hash, slot));
    }

    /// At most three quarters.
    fn is_full(&self) -> bool {
        (self.used + 1) * 4 > self.places.len() * 3
    }

    fn larger(&self) -> usize {
        (self.places.len() * 2).max(64)
    }

    /// Bytes that one more slot will take: those of the larger table that is filled from this one.
    pub(super) fn due(&self) -> usize {
        if self.is_full() {
            self.larger() * size_of::<Place>()
        } else {
            0
        }
    }

    fn put(&mut self, new: Place) {
        let mask = self.places.len() - 1;
        let mut at = self.home((new >> 32) as u32);
        loop {
            match self.places.get_mut(at) {
                Some(place) if *place == 0 => {
                    *place = new;
                    return;
                }
                Some(_) => at = (at + 1) & mask,
                None => return,
            }
        }
    }

    fn grow(&mut self) {
        let larger = self.larger();
        let old = core::mem::replace(&mut self.places, vec![0; larger]);
        for place in old {
            if place != 0 {
                self.put(place);
            }
        }
    }

    /// Takes a slot out, and moves those after it up, so that no search meets a hole. Says whether
    /// it was there.
    pub(super) fn remove(&mut self, hash: u32, slot: Slot) -> bool {
        if self.places.is_empty() {
            return false;
        }
        let mask = self.places.len() - 1;
        let gone = place(hash, slot);
        let mut at = self.home(hash);
        loop {
            match self.places.get(at) {
                Some(&place) if place == gone => break,
                Some(&place) if place != 0 => at = (at + 1) & mask,
                _ => return false,
            }
        }
        self.used -= 1;
        let mut hole = at;
        loop {
            at = (at + 1) & mask;
            let Some(&next) = self.places.get(at) else {
                return true;
            };
            if next == 0 {
                break;
            }
            // It may move into the hole unless its search begins after the hole.
            let home = self.home((next >> 32) as u32);
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                if let Some(place) = self.places.get_mut(hole) {
                    *place = next;
                }
                hole = at;
            }
        }
        if let Some(place) = self.places.get_mut(hole) {
            *place = 0;
        }
        true
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.places.capacity() * size_of::<Place>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Few hashes, so that searches run into each other.
        #[test]
        fn agrees_with_a_set(steps in proptest::collection::vec((any::<bool>(), 0_u32..8, 0_u32..40), 0..300)) {
            let mut index = Index::default();
            let mut model = std::collections::BTreeSet::new();
            for (add, hash, slot) in steps {
                let hash = hash.wrapping_mul(0x1000_0001) | 0x3e;
                if add {
                    if model.insert((hash, slot)) {
                        index.insert(hash, slot);
                    }
                } else {
                    prop_assert_eq!(index.remove(hash, slot), model.remove(&(hash, slot)));
                }
                for &(hash, slot) in &model {
                    prop_assert_eq!(index.find(hash, |found| found == slot), Some(slot));
                }
                prop_assert_eq!(index.used, model.len());
                prop_assert_eq!(index.places.iter().filter(|&&place| place != 0).count(), model.len());
            }
        }
    }
}
