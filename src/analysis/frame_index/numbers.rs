//! The numbers of flows' frames: each as the difference from the one before.

use crate::prefetch::prefetch;

/// The numbers of a flow's frames, ascending.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    first: u64,
    last: u64,
    count: u64,
    /// Differences from each number to the next, but for those let go.
    steps: Vec<u8>,
    /// Whether the steps were let go.
    is_vague: bool,
    /// Whether the first frame opened a connection on the sockets of another.
    pub(super) reuses_ports: bool,
}

impl Numbers {
    pub(super) fn of(first: u64, reuses_ports: bool) -> Self {
        Self {
            first,
            last: first,
            count: 1,
            reuses_ports,
            ..Self::default()
        }
    }

    /// Of which no more is known than the first, and that there is none after the last.
    pub(super) fn between(first: u64, last: u64, reuses_ports: bool) -> Self {
        Self {
            last: last.max(first),
            is_vague: true,
            ..Self::of(first, reuses_ports)
        }
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn len(&self) -> u64 {
        self.count
    }

    /// Whether only the first, the last and how many are known.
    pub(super) fn is_vague(&self) -> bool {
        self.is_vague
    }

    /// Appends a number. Returns by how many bytes the memory grew.
    #[inline]
    pub(super) fn push(&mut self, number: u64) -> usize {
        self.count += 1;
        let step = number.saturating_sub(self.last);
        self.last = number.max(self.last);
        if self.is_vague {
            return 0;
        }
        let before = self.steps.capacity();
        if before - self.steps.len() < MOST_BYTES {
            self.grow();
        }
        put(&mut self.steps, step);
        self.steps.capacity() - before
    }

    /// By half: most flows are small, and there may be millions.
    #[cold]
    fn grow(&mut self) {
        const LEAST: usize = 32;
        let more = (self.steps.capacity() / 2).max(LEAST);
        self.steps.reserve_exact(more);
    }

    /// Whether the next number makes it grow.
    #[inline]
    fn is_tight(&self) -> bool {
        !self.is_vague && self.steps.capacity() - self.steps.len() < MOST_BYTES
    }

    /// Forgets what is between the first and the last. Returns how many bytes that frees.
    fn let_go(&mut self) -> usize {
        let freed = self.steps.capacity();
        self.steps = Vec::new();
        self.is_vague = true;
        freed
    }

    /// The numbers, unless they are vague.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let mut rest = self.steps.as_slice();
        let mut number = self.first;
        let first = (self.count > 0 && !self.is_vague).then_some(number);
        first.into_iter().chain(core::iter::from_fn(move || {
            number += take(&mut rest)?;
            Some(number)
        }))
    }
}

/// The numbers of many flows. A flow of one frame takes twelve bytes: there may be millions.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// The first frame of each; 0 for none. The highest bit: it reuses ports.
    firsts: Vec<u64>,
    /// Where in `lists` each is, plus one; 0 while it has one frame.
    places: Vec<u32>,
    lists: Vec<Numbers>,
}

const REUSES: u64 = 1 << 63;

impl Lists {
    /// Bytes that the lists' own places take, steps excluded.
    fn heap(&self) -> usize {
        self.firsts.capacity() * size_of::<u64>()
            + self.places.capacity() * size_of::<u32>()
            + self.lists.capacity() * size_of::<Numbers>()
    }

    /// Asks for the memory of a flow's list …
    #[inline]
    pub(super) fn expect(&self, id: u32) {
        if let Some(list) = self.list(id) {
            prefetch(list);
        }
    }

    /// … and for where it grows.
    #[inline]
    pub(super) fn expect_end(&self, id: u32) {
        if let Some(last) = self.list(id).and_then(|list| list.steps.last()) {
            prefetch(last);
        }
    }

    #[inline]
    fn list(&self, id: u32) -> Option<&Numbers> {
        let place = *self.places.get(id as usize)?;
        self.lists.get((place as usize).checked_sub(1)?)
    }

    /// Appends a frame to a flow. Returns by how many bytes the memory grew.
    #[inline]
    pub(super) fn push(&mut self, id: u32, number: u64, reuses_ports: bool) -> usize {
        let id = id as usize;
        match self.places.get(id) {
            Some(&place) if place > 0 => match self.lists.get_mut(place as usize - 1) {
                Some(list) => list.push(number),
                None => 0,
            },
            _ => self.begin(id, number, reuses_ports),
        }
    }

    /// The first or the second frame of a flow.
    #[inline(never)]
    fn begin(&mut self, id: usize, number: u64, reuses_ports: bool) -> usize {
        let before = self.heap();
        if self.firsts.len() <= id {
            self.firsts.resize(id + 1, 0);
            self.places.resize(id + 1, 0);
        }
        let (Some(first), Some(place)) = (self.firsts.get_mut(id), self.places.get_mut(id)) else {
            return 0;
        };
        let mut grown = 0;
        if *first == 0 {
            *first = number | if reuses_ports { REUSES } else { 0 };
        } else {
            let mut list = Numbers::of(*first & !REUSES, *first & REUSES != 0);
            grown += list.push(number);
            self.lists.push(list);
            *place = self.lists.len() as u32;
        }
        grown + self.heap() - before
    }

    /// Appends a frame where that takes no memory. A list that would have to grow is let go; a
    /// flow that has none gets none: false then. Gives how many bytes were freed.
    pub(super) fn push_within(&mut self, id: u32, number: u64) -> (bool, usize) {
        let place = self.places.get(id as usize).copied().unwrap_or(0) as usize;
        let Some(list) = place.checked_sub(1).and_then(|at| self.lists.get_mut(at)) else {
            return (false, 0);
        };
        let freed = if list.is_tight() { list.let_go() } else { 0 };
        list.push(number);
        (true, freed)
    }

    /// The list of a flow, copied.
    pub(super) fn get(&self, id: u32) -> Option<Numbers> {
        let first = *self.firsts.get(id as usize)?;
        let place = *self.places.get(id as usize)? as usize;
        match place.checked_sub(1) {
            Some(at) => self.lists.get(at).cloned(),
            None => (first > 0).then(|| Numbers::of(first & !REUSES, first & REUSES != 0)),
        }
    }

    /// The numbers of a flow, of which there are none yet, or one, or a list; `None` where the list
    /// was let go or is longer than `most`.
    pub(super) fn numbers(&self, id: u32, most: u64) -> Option<impl Iterator<Item = u64> + '_> {
        let list = self.list(id);
        if list.is_some_and(|list| list.is_vague || list.count > most) {
            return None;
        }
        let first = self
            .firsts
            .get(id as usize)
            .map_or(0, |first| first & !REUSES);
        let alone = (list.is_none() && first > 0).then_some(first);
        let listed = list.into_iter().flat_map(Numbers::iter);
        Some(alone.into_iter().chain(listed))
    }

    /// The flow that a frame is of, where it is listed.
    pub(super) fn flow_with(&self, number: u64) -> Option<u32> {
        let has = |id: u32| match self.list(id) {
            Some(list) if (list.first..=list.last).contains(&number) => {
                let mut up_to = list.iter().skip_while(|&each| each < number);
                up_to.next() == Some(number)
            }
            Some(_) => false,
            None => {
                let first = self.firsts.get(id as usize).map(|first| first & !REUSES);
                number > 0 && first == Some(number)
            }
        };
        (0..self.firsts.len() as u32).find(|&id| has(id))
    }

    /// Bytes of the longest list.
    pub(super) fn longest(&self) -> usize {
        let bytes = self.lists.iter().map(|list| list.steps.capacity());
        bytes.max().unwrap_or(0)
    }

    /// Lets all lists go that take so many bytes or more. Gives how many bytes were freed.
    pub(super) fn let_go(&mut self, bytes: usize) -> usize {
        let long = |list: &&mut Numbers| list.steps.capacity() >= bytes;
        self.lists
            .iter_mut()
            .filter(long)
            .map(Numbers::let_go)
            .sum()
    }
}

/// Bytes that an integer takes at most.
const MOST_BYTES: usize = 10;

/// Appends an integer, seven bits to a byte, the lowest first.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes an integer off the front; `None` at the end.
#[inline]
pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    let mut shift = 0;
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if shift < 64 {
            value |= u64::from(byte & 0x7f) << shift;
        }
        shift += 7;
        if byte < 0x80 {
            return Some(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let numbers = [3, 4, 5, 200, 100_000, 5_000_000_000, u64::MAX >> 1];
        let mut lists = Lists::default();
        for number in numbers {
            lists.push(2, number, number == 3);
            lists.push(0, number + 1, false);
        }
        assert!(lists.get(1).is_none() && lists.get(3).is_none());
        let list = lists.get(2).unwrap();
        assert!(list.iter().eq(numbers));
        assert_eq!((list.first(), list.last()), (3, u64::MAX >> 1));
        assert!(list.reuses_ports && !lists.get(0).unwrap().reuses_ports);
        let flows = [3, 6, 200, 201, 202].map(|number| lists.flow_with(number));
        assert_eq!(flows, [Some(2), Some(0), Some(2), Some(0), None]);
        assert!(lists.let_go(lists.longest()) > 0);
        let list = lists.get(2).unwrap();
        assert_eq!((list.iter().count(), list.len()), (0, 7));
        assert!(list.is_vague());
        assert_eq!(lists.push(2, u64::MAX - 1, false), 0);
        assert_eq!(lists.get(2).unwrap().last(), u64::MAX - 1);
    }

    #[test]
    fn one_frame_needs_no_list() {
        let mut lists = Lists::default();
        lists.push(4, 7, true);
        assert_eq!(lists.lists.len(), 0);
        assert_eq!((lists.flow_with(7), lists.flow_with(0)), (Some(4), None));
        let list = lists.get(4).unwrap();
        assert_eq!(list.iter().collect::<Vec<_>>(), [7]);
        assert!(list.reuses_ports);
    }

    #[test]
    fn without_room_a_list_is_let_go_and_none_begins() {
        let mut lists = Lists::default();
        for number in 1..10 {
            lists.push(0, number, false);
        }
        let before = lists.heap();
        for number in 10..30 {
            assert!(lists.push_within(0, number).0);
        }
        assert!(!lists.push_within(1, 30).0);
        let list = lists.get(0).unwrap();
        assert_eq!((list.len(), list.last(), list.is_vague()), (29, 29, true));
        assert_eq!(lists.heap(), before);
    }

    #[test]
    fn integers_of_every_length() {
        for shift in 0..64 {
            let mut bytes = Vec::new();
            let value = u64::MAX >> shift;
            put(&mut bytes, value);
            assert!(bytes.len() <= MOST_BYTES);
            let mut rest = bytes.as_slice();
            assert_eq!((take(&mut rest), rest.len()), (Some(value), 0));
        }
    }
}
