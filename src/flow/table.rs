//! The flow table: one hash lookup per packet, values in slabs.
//!
//! The index holds 32 bits of hash and a slot number, so that growing it touches no value; the key
//! is compared in the slab, where the value is needed anyway. The hash is seeded: whoever writes
//! the packets can't choose collisions (Crosby & Wallach 2003).
//!
//! Young flows, of which a flood is made, lie apart from those that lasted: when it is over their
//! memory is free for others, and not pinned by the few among them that were real.

use core::hash::{BuildHasher, Hasher};
use std::collections::hash_map::RandomState;

use super::index::Index;
use super::slab::Slab;
use super::{Direction, FlowKey};
use crate::prefetch::prefetch;

/// A place in the table. Places of removed flows are used again.
pub type Slot = u32;

/// Set in the slots of young flows.
const YOUNG: Slot = 1 << 31;

/// A flow and what is kept for it.
#[derive(Debug)]
pub struct Entry<T> {
    /// Whose flow it is.
    pub key: FlowKey,
    /// VLANs and tunnels it was seen in ([`crate::wire::Decoded::context`]), per direction;
    /// `None` until that direction is seen.
    pub context: [Option<u32>; 2],
    /// What is kept.
    pub value: T,
}

/// The hash of a key: two folded multiplications of its words with secret ones.
#[inline]
fn hash(seeds: &[u64; 5], key: &FlowKey) -> u32 {
    let [a, b, c, d, e] = key.words();
    let [s, t, u, v, w] = *seeds;
    let fold = |x: u64, y: u64| {
        let product = u128::from(x) * u128::from(y);
        product as u64 ^ (product >> 64) as u64
    };
    let left = fold(a ^ s, b ^ t);
    let right = fold(c ^ u, d ^ v);
    (fold(left ^ e ^ w, right.rotate_left(32) ^ u) >> 32) as u32
}

/// The two slabs.
#[derive(Debug)]
struct Slabs<T> {
    lasting: Slab<Entry<T>>,
    young: Slab<Entry<T>>,
}

impl<T> Slabs<T> {
    #[inline]
    fn of(&self, slot: Slot) -> &Slab<Entry<T>> {
        if slot & YOUNG == 0 {
            &self.lasting
        } else {
            &self.young
        }
    }

    #[inline]
    fn of_mut(&mut self, slot: Slot) -> &mut Slab<Entry<T>> {
        if slot & YOUNG == 0 {
            &mut self.lasting
        } else {
            &mut self.young
        }
    }

    #[inline]
    fn get(&self, slot: Slot) -> Option<&Entry<T>> {
        self.of(slot).get(slot & !YOUNG)
    }

    #[inline]
    fn get_mut(&mut self, slot: Slot) -> Option<&mut Entry<T>> {
        self.of_mut(slot).get_mut(slot & !YOUNG)
    }
}

/// Flows by key, with values of type `T`.
pub struct FlowTable<T> {
    index: Index,
    slabs: Slabs<T>,
    seeds: [u64; 5],
    /// Where the search for something to evict goes on.
    hand: Slot,
}

impl<T> Default for FlowTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> FlowTable<T> {
    /// An empty table with a seed of its own.
    pub fn new() -> Self {
        let random = RandomState::new();
        let seed = |i: u64| {
            let mut hasher = random.build_hasher();
            hasher.write_u64(i);
            hasher.finish() | 1
        };
        Self {
            index: Index::default(),
            slabs: Slabs {
                lasting: Slab::default(),
                young: Slab::default(),
            },
            seeds: [seed(0), seed(1), seed(2), seed(3), seed(4)],
            hand: 0,
        }
    }

    /// Flows in the table, including those no longer found by key.
    pub fn len(&self) -> usize {
        self.slabs.lasting.len() + self.slabs.young.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the table takes, without what its values point to.
    pub fn memory(&self) -> usize {
        self.slabs.lasting.memory() + self.slabs.young.memory() + self.index.memory()
    }

    /// Bytes that one more flow will take, young or not.
    pub fn due(&self, young: bool) -> usize {
        let slab = if young {
            &self.slabs.young
        } else {
            &self.slabs.lasting
        };
        slab.due() + self.index.due()
    }

    /// The entry in `slot`, if there is one.
    #[inline]
    pub fn get(&self, slot: Slot) -> Option<&Entry<T>> {
        self.slabs.get(slot)
    }

    /// The entry in `slot`, if there is one.
    #[inline]
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Entry<T>> {
        self.slabs.get_mut(slot)
    }

    /// Finds the flow of a packet seen in `context`.
    ///
    /// A flow seen in the same context in this direction is it. Otherwise `belongs` is asked, per
    /// flow with this key, whether the packet continues it all the same: the two directions may be
    /// tagged differently, and a mirror port may show a packet in two VLANs.
    #[inline]
    pub fn find(
        &mut self,
        key: &FlowKey,
        direction: Direction,
        context: u32,
        mut belongs: impl FnMut(&Entry<T>) -> bool,
    ) -> Option<Slot> {
        let hash = hash(&self.seeds, key);
        let entry_of = |slot| self.slabs.get(slot);
        let exact = self.index.find(hash, |slot| {
            entry_of(slot).is_some_and(|entry| {
                entry.key == *key
                    && match entry.context[direction.index()] {
                        Some(seen) => seen == context,
                        None => entry.context[direction.reverse().index()] == Some(context),
                    }
            })
        });
        if let Some(slot) = exact {
            if let Some(entry) = self.get_mut(slot) {
                entry.context[direction.index()].get_or_insert(context);
            }
            return Some(slot);
        }
        let slot = self.index.find(hash, |slot| {
            entry_of(slot).is_some_and(|entry| entry.key == *key && belongs(entry))
        })?;
        if let Some(entry) = self.get_mut(slot) {
            entry.context[direction.index()].get_or_insert(context);
        }
        Some(slot)
    }

    /// First step of finding a flow soon: asks for its place in the index. Gives the hash that the
    /// second step takes.
    #[inline]
    pub fn expect(&self, key: &FlowKey) -> u32 {
        let hash = hash(&self.seeds, key);
        if let Some(place) = self.index.begin(hash) {
            prefetch(place);
        }
        hash
    }

    /// Second step: asks for the entry. Gives its slot for the third, which is the caller's.
    #[inline]
    pub fn expect_entry(&self, hash: u32) -> Option<Slot> {
        let slot = self.index.find(hash, |_| true)?;
        self.fetch(slot);
        Some(slot)
    }

    /// Asks for the entry in a slot.
    #[inline]
    pub fn fetch(&self, slot: Slot) {
        if let Some(place) = self.slabs.of(slot).place(slot & !YOUNG) {
            prefetch(place);
        }
    }

    /// Any flow with this key, in whatever context.
    pub fn find_any(&self, key: &FlowKey) -> Option<Slot> {
        self.index.find(hash(&self.seeds, key), |slot| {
            self.get(slot).is_some_and(|entry| entry.key == *key)
        })
    }

    /// Adds a flow. An older one with the same key and context should have been
    /// [detached](Self::detach) before.
    pub fn insert(&mut self, key: FlowKey, direction: Direction, context: u32, value: T) -> Slot {
        let entry = Entry::new(key, direction, context, value);
        let slot = self.slabs.lasting.insert(entry);
        self.index.insert(hash(&self.seeds, &key), slot);
        slot
    }

    /// Adds a flow that may come to nothing: it is kept apart until it [lasts](Self::lasts).
    pub fn insert_young(
        &mut self,
        key: FlowKey,
        direction: Direction,
        context: u32,
        value: T,
    ) -> Slot {
        let entry = Entry::new(key, direction, context, value);
        let slot = self.slabs.young.insert(entry) | YOUNG;
        self.index.insert(hash(&self.seeds, &key), slot);
        slot
    }

    /// Puts a young flow to those that last. Gives its new slot.
    pub fn lasts(&mut self, slot: Slot) -> Slot {
        if slot & YOUNG == 0 {
            return slot;
        }
        let Some(entry) = self.slabs.young.remove(slot & !YOUNG) else {
            return slot;
        };
        let hash = hash(&self.seeds, &entry.key);
        let new = self.slabs.lasting.insert(entry);
        if self.index.remove(hash, slot) {
            self.index.insert(hash, new);
        }
        new
    }

    /// Takes over all flows of another table. They are not to be found by key.
    pub fn absorb(&mut self, other: Self) {
        self.slabs.lasting.absorb(other.slabs.lasting);
        self.slabs.young.absorb(other.slabs.young);
    }

    /// Lets the flow in `slot` no longer be found by key. It stays in the slab.
    pub fn detach(&mut self, slot: Slot) {
        let Some(key) = self.get(slot).map(|entry| entry.key) else {
            return;
        };
        self.index.remove(hash(&self.seeds, &key), slot);
    }

    /// Takes a flow out altogether.
    pub fn remove(&mut self, slot: Slot) -> Option<Entry<T>> {
        self.detach(slot);
        self.slabs.of_mut(slot).remove(slot & !YOUNG)
    }

    /// Looks at up to `sample` flows that last, from where it last stopped, and gives the one with
    /// the lowest worth: an approximation of least-recently-used that costs nothing per packet.
    pub fn least_worth<W: Ord>(
        &mut self,
        sample: usize,
        worth: impl Fn(Slot, &Entry<T>) -> W,
    ) -> Option<Slot> {
        let mut best: Option<(W, Slot)> = None;
        let mut seen = 0;
        let end = self.slabs.lasting.end();
        for _ in 0..end {
            let slot = self.hand;
            self.hand = if slot + 1 >= end { 0 } else { slot + 1 };
            let Some(entry) = self.get(slot) else {
                continue;
            };
            let value = worth(slot, entry);
            if best.as_ref().is_none_or(|(least, _)| value < *least) {
                best = Some((value, slot));
            }
            seen += 1;
            if seen >= sample {
                break;
            }
        }
        best.map(|(_, slot)| slot)
    }

    /// All flows, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Entry<T>)> {
        self.iter_share(0, 1)
    }

    /// Those that last.
    pub fn iter_lasting(&self) -> impl Iterator<Item = (Slot, &Entry<T>)> {
        self.iter_lasting_share(0, 1)
    }

    /// One of `of` shares of them, of about equal size; together they are all.
    pub fn iter_share(&self, at: usize, of: usize) -> impl Iterator<Item = (Slot, &Entry<T>)> {
        let young = self.slabs.young.iter_share(at, of);
        let young = young.map(|(at, entry)| (at | YOUNG, entry));
        self.iter_lasting_share(at, of).chain(young)
    }

    /// One of `of` shares of those that last.
    pub fn iter_lasting_share(
        &self,
        at: usize,
        of: usize,
    ) -> impl Iterator<Item = (Slot, &Entry<T>)> {
        self.slabs.lasting.iter_share(at, of)
    }
}

impl<T> Entry<T> {
    fn new(key: FlowKey, direction: Direction, context: u32, value: T) -> Self {
        let mut seen = [None; 2];
        seen[direction.index()] = Some(context);
        Self {
            key,
            context: seen,
            value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Protocol, Socket};
    use crate::wire::Address;

    fn key(n: u32) -> FlowKey {
        let socket = |address, port| Socket {
            address: Address::v4(address),
            port,
        };
        FlowKey::between(
            socket([10, 0, 0, 1], 80),
            socket(n.to_be_bytes(), 4000),
            Protocol::Tcp,
            4,
        )
        .0
    }

    #[test]
    fn finds_what_was_inserted_through_growth_and_removal() {
        let mut table = FlowTable::new();
        for n in 0..5000 {
            table.insert(key(n), Direction::Up, 0, n);
        }
        for n in (0..5000).step_by(2) {
            let slot = table.find_any(&key(n)).unwrap();
            assert_eq!(table.remove(slot).unwrap().value, n);
        }
        for n in 0..5000 {
            let found = table.find(&key(n), Direction::Up, 0, |_| false);
            assert_eq!(
                found.map(|slot| table.get(slot).unwrap().value),
                (n % 2 == 1).then_some(n)
            );
        }
        assert_eq!(table.len(), 2500);
        assert_eq!(table.iter().count(), 2500);
    }

    #[test]
    fn places_are_used_again() {
        let mut table = FlowTable::new();
        let slot = table.insert(key(0), Direction::Up, 0, 0);
        table.remove(slot);
        let before = table.memory();
        for n in 0..10_000 {
            let slot = table.insert(key(n), Direction::Up, 0, n);
            table.remove(slot);
        }
        assert_eq!(table.memory(), before);
    }

    #[test]
    fn contexts_keep_flows_apart_and_join_directions() {
        let mut table = FlowTable::new();
        let red = table.insert(key(1), Direction::Up, 10, "red");
        let blue = table.insert(key(1), Direction::Up, 20, "blue");
        let never = |_: &Entry<&str>| false;
        assert_eq!(table.find(&key(1), Direction::Up, 10, never), Some(red));
        assert_eq!(table.find(&key(1), Direction::Down, 20, never), Some(blue));
        assert_eq!(table.find(&key(1), Direction::Down, 30, never), None);
        let asked = table.find(&key(1), Direction::Down, 30, |entry| entry.value == "red");
        assert_eq!(asked, Some(red));
        assert_eq!(table.find(&key(1), Direction::Down, 30, never), Some(red));
    }

    #[test]
    fn a_young_flow_that_lasts_is_found_where_it_went() {
        let mut table = FlowTable::new();
        let young = table.insert_young(key(1), Direction::Up, 0, 1);
        assert_eq!(table.find_any(&key(1)), Some(young));
        assert_eq!(table.iter_lasting().count(), 0);
        let slot = table.lasts(young);
        assert_eq!(table.find_any(&key(1)), Some(slot));
        assert_eq!(table.get(slot).unwrap().value, 1);
        assert!(table.get(young).is_none());
        assert_eq!((table.lasts(slot), table.len()), (slot, 1));
        assert_eq!(
            table.iter().map(|(slot, _)| slot).collect::<Vec<_>>(),
            [slot]
        );
    }

    #[test]
    fn detached_flows_stay_but_are_not_found() {
        let mut table = FlowTable::new();
        let slot = table.insert(key(1), Direction::Up, 0, 1);
        table.detach(slot);
        assert_eq!(table.find_any(&key(1)), None);
        assert_eq!(table.get(slot).unwrap().value, 1);
        assert_eq!(table.remove(slot).unwrap().value, 1);
    }

    #[test]
    fn the_least_worth_of_a_sample_goes_first() {
        let mut table = FlowTable::new();
        for n in 0..8 {
            table.insert(key(n), Direction::Up, 0, (n + 3) % 8);
        }
        let slot = table.least_worth(8, |_, entry| entry.value).unwrap();
        assert_eq!(table.get(slot).unwrap().value, 0);
    }
}
