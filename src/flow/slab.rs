//! Values in chunks that never move. Places are used again, and a chunk that is empty is given
//! back: memory follows what is kept, not what was kept at worst.

/// Places in a chunk.
const CHUNK: usize = WORDS * u64::BITS as usize;
const WORDS: usize = 4;

/// Values by place.
#[derive(Debug)]
pub(super) struct Slab<E> {
    chunks: Vec<Chunk<E>>,
    /// Chunks that may have room; the last is filled first.
    room: Vec<u32>,
    /// Chunks that were given back.
    gone: Vec<u32>,
    present: usize,
    live: usize,
}

#[derive(Debug)]
struct Chunk<E> {
    /// Nothing when it was given back.
    places: Box<[Option<E>]>,
    /// A bit for each place that is taken. All of them when it was given back.
    taken: [u64; WORDS],
    /// Whether it stands in `room`.
    is_listed: bool,
}

impl<E> Default for Slab<E> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            room: Vec::new(),
            gone: Vec::new(),
            present: 0,
            live: 0,
        }
    }
}

impl<E> Chunk<E> {
    fn new() -> Self {
        Self {
            places: (0..CHUNK).map(|_| None).collect(),
            taken: [0; WORDS],
            is_listed: true,
        }
    }

    fn first_free(&self) -> Option<usize> {
        let word = self.taken.iter().position(|&word| word != u64::MAX)?;
        Some(word * u64::BITS as usize + self.taken.get(word)?.trailing_ones() as usize)
    }

    fn mark(&mut self, at: usize, is_taken: bool) {
        if let Some(word) = self.taken.get_mut(at / u64::BITS as usize) {
            let bit = 1 << (at % u64::BITS as usize);
            *word = if is_taken { *word | bit } else { *word & !bit };
        }
    }
}

impl<E> Slab<E> {
    /// Values in it.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Places that there are or were: every value's is below.
    pub(super) fn end(&self) -> u32 {
        (self.chunks.len() * CHUNK) as u32
    }

    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<&E> {
        self.place(at)?.as_ref()
    }

    /// A place, to be fetched ahead.
    #[inline]
    pub(super) fn place(&self, at: u32) -> Option<&Option<E>> {
        let chunk = self.chunks.get(at as usize / CHUNK)?;
        chunk.places.get(at as usize % CHUNK)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut E> {
        let chunk = self.chunks.get_mut(at as usize / CHUNK)?;
        chunk.places.get_mut(at as usize % CHUNK)?.as_mut()
    }

    /// Puts a value where there is room, and gives its place.
    pub(super) fn insert(&mut self, value: E) -> u32 {
        let (number, at) = self.free_place();
        if let Some(chunk) = self.chunks.get_mut(number as usize) {
            chunk.mark(at, true);
            if let Some(place) = chunk.places.get_mut(at) {
                *place = Some(value);
                self.live += 1;
            }
        }
        number * CHUNK as u32 + at as u32
    }

    fn free_place(&mut self) -> (u32, usize) {
        while let Some(&number) = self.room.last() {
            let Some(chunk) = self.chunks.get_mut(number as usize) else {
                break;
            };
            if let Some(at) = chunk.first_free() {
                return (number, at);
            }
            chunk.is_listed = false;
            self.room.pop();
        }
        let number = self.gone.pop().unwrap_or(self.chunks.len() as u32);
        match self.chunks.get_mut(number as usize) {
            // It may still be listed from before.
            Some(chunk) if chunk.is_listed => {
                *chunk = Chunk::new();
                self.room.retain(|&listed| listed != number);
            }
            Some(chunk) => *chunk = Chunk::new(),
            None => self.chunks.push(Chunk::new()),
        }
        self.present += 1;
        self.room.push(number);
        (number, 0)
    }

    /// Takes a value out.
    pub(super) fn remove(&mut self, at: u32) -> Option<E> {
        let (number, at) = (at / CHUNK as u32, at as usize % CHUNK);
        let chunk = self.chunks.get_mut(number as usize)?;
        let value = chunk.places.get_mut(at)?.take()?;
        chunk.mark(at, false);
        self.live -= 1;
        // One more stays, so that a flow that comes and goes costs no chunk each time.
        if chunk.taken == [0; WORDS] && self.present * CHUNK - self.live >= 2 * CHUNK {
            chunk.places = Box::default();
            chunk.taken = [u64::MAX; WORDS];
            self.present -= 1;
            self.gone.push(number);
        } else if !chunk.is_listed {
            chunk.is_listed = true;
            self.room.push(number);
        }
        Some(value)
    }

    /// Takes over all of another's, as it lies; its places come after those there are.
    pub(super) fn absorb(&mut self, other: Self) {
        let offset = self.chunks.len() as u32;
        self.chunks.extend(other.chunks);
        self.room
            .extend(other.room.into_iter().map(|number| number + offset));
        self.gone
            .extend(other.gone.into_iter().map(|number| number + offset));
        self.present += other.present;
        self.live += other.live;
    }

    /// The values of one of `of` equal shares of the places, with their places.
    pub(super) fn iter_share(&self, at: usize, of: usize) -> impl Iterator<Item = (u32, &E)> {
        let border = |at: usize| self.chunks.len() * at / of.max(1);
        let numbered = self.chunks.iter().zip(0_u32..);
        let share = numbered.take(border(at + 1)).skip(border(at));
        share.flat_map(|(chunk, number)| {
            let places = chunk.places.iter().zip(number * CHUNK as u32..);
            places.filter_map(|(place, at)| Some((at, place.as_ref()?)))
        })
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.present * Self::CHUNK_BYTES
            + self.chunks.capacity() * size_of::<Chunk<E>>()
            + (self.room.capacity() + self.gone.capacity()) * size_of::<u32>()
    }

    /// Bytes that one more value will take.
    pub(super) fn due(&self) -> usize {
        if self.live < self.present * CHUNK {
            0
        } else {
            Self::CHUNK_BYTES
        }
    }

    const CHUNK_BYTES: usize = CHUNK * size_of::<Option<E>>();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn agrees_with_a_map(steps in proptest::collection::vec((0_u8..5, any::<prop::sample::Index>(), 1_usize..400), 0..60)) {
            let mut slab = Slab::default();
            let mut model = BTreeMap::new();
            let mut next = 0;
            for (step, which, count) in steps {
                for _ in 0..count {
                    if step < 3 {
                        prop_assert_eq!(model.insert(slab.insert(next), next), None);
                        next += 1;
                    } else if !model.is_empty() {
                        let at = *model.keys().nth(which.index(model.len())).unwrap();
                        prop_assert_eq!(slab.remove(at), model.remove(&at));
                        prop_assert_eq!(slab.get(at), None);
                    }
                }
                prop_assert_eq!(slab.len(), model.len());
                let all = (0..3).flat_map(|share| slab.iter_share(share, 3));
                prop_assert!(all.map(|(at, value)| (at, *value)).eq(model.clone()));
                prop_assert!(model.iter().all(|(&at, value)| slab.get(at) == Some(value)));
            }
        }
    }

    #[test]
    fn what_is_empty_is_given_back() {
        let mut slab = Slab::default();
        let places: Vec<_> = (0..100 * CHUNK).map(|n| slab.insert(n)).collect();
        let most = slab.memory();
        for at in places {
            slab.remove(at);
        }
        assert!(slab.memory() < most / 10, "{} of {most}", slab.memory());
        let _ = slab.insert(1);
        assert_eq!(slab.iter_share(0, 1).count(), 1);
    }
}
