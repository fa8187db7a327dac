//! Puts IP fragments together again (RFC 791 section 3.2, RFC 8200 section 4.5), within bounds.

use std::collections::{HashMap, VecDeque};

use crate::time::{Span, Timestamp};
use crate::wire::{Address, Ip};

/// Fragments wait this long for the rest (Linux `ipfrag_time`; RFC 8200 says 60 s).
const PATIENCE: Span = Span::from_secs(60);
/// Fragments of one packet kept at most: 64 KiB over a link with an MTU of 68 takes 1366.
const MOST_FRAGMENTS: usize = 1500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    source: Address,
    destination: Address,
    id: u32,
    protocol: u8,
    version: u8,
    context: u32,
}

#[derive(Debug)]
struct Partial {
    begun: Timestamp,
    /// Offset and bytes, in order of arrival. Where they overlap, the one that begins lower wins
    /// (as with BSD and Wireshark), of two that begin together the earlier.
    parts: Vec<(u16, Vec<u8>)>,
    /// Length of the whole payload, once the last fragment is there.
    total: Option<usize>,
    held: usize,
}

/// Collects fragments until a payload is whole.
#[derive(Debug)]
pub struct Defragmenter {
    partial: HashMap<Key, Partial>,
    /// All that were begun, the oldest first. Some of them are gone.
    begun: VecDeque<(Timestamp, Key)>,
    held: usize,
    limit: usize,
    /// Payloads given up: too old, or too much to hold.
    pub abandoned: u64,
}

impl Defragmenter {
    /// Holds at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            partial: HashMap::new(),
            begun: VecDeque::new(),
            held: 0,
            limit,
            abandoned: 0,
        }
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Takes a fragment in; gives the whole payload when this was the last piece missing.
    pub fn push(&mut self, ip: &Ip, context: u32, now: Timestamp, bytes: &[u8]) -> Option<Vec<u8>> {
        let fragment = ip.fragment?;
        // A fragment that was cut by the snaplen can't be used, nor can one past 64 KiB.
        let end = usize::from(fragment.offset) + bytes.len();
        if bytes.len() < ip.payload_len as usize || end > 65_535 {
            return None;
        }
        let key = Key {
            source: ip.source,
            destination: ip.destination,
            id: ip.id?,
            protocol: ip.protocol,
            version: ip.version,
            context,
        };
        if self
            .partial
            .get(&key)
            .is_some_and(|partial| now - partial.begun > PATIENCE)
        {
            self.forget(&key);
        }
        if !self.partial.contains_key(&key) {
            self.begin(key, now);
        }
        let partial = self.partial.get_mut(&key)?;
        if !fragment.more {
            partial.total.get_or_insert(end);
        }
        if partial.parts.len() < MOST_FRAGMENTS {
            let cost = bytes.len() + Self::PIECE;
            partial.parts.push((fragment.offset, bytes.to_vec()));
            partial.held += cost;
            self.held += cost;
        }
        if let Some(whole) = partial.whole() {
            self.remove(&key);
            return Some(whole);
        }
        while self.held > self.limit {
            let Some((begun, oldest)) = self.begun.pop_front() else {
                break;
            };
            if self.is_partial(begun, &oldest) {
                self.forget(&oldest);
            }
        }
        None
    }

    /// What a piece takes besides its octets: its place in a list that may be half empty, and what
    /// an allocation takes.
    const PIECE: usize = 2 * size_of::<(u16, Vec<u8>)>() + 16;
    /// What a payload takes besides its pieces: places in a map and a queue that may be half empty.
    const PAYLOAD: usize = 2 * (size_of::<(Key, Partial)>() + size_of::<(Timestamp, Key)>());

    fn begin(&mut self, key: Key, now: Timestamp) {
        /// So few are not worth looking through.
        const FEW: usize = 64;
        if self.begun.len() > 2 * self.partial.len() + FEW {
            let mut begun = core::mem::take(&mut self.begun);
            begun.retain(|(begun, key)| self.is_partial(*begun, key));
            self.begun = begun;
        }
        self.begun.push_back((now, key));
        self.held += Self::PAYLOAD;
        let partial = Partial {
            begun: now,
            parts: Vec::new(),
            total: None,
            held: Self::PAYLOAD,
        };
        self.partial.insert(key, partial);
    }

    fn is_partial(&self, begun: Timestamp, key: &Key) -> bool {
        self.partial
            .get(key)
            .is_some_and(|each| each.begun == begun)
    }

    fn forget(&mut self, key: &Key) {
        self.remove(key);
        self.abandoned += 1;
    }

    fn remove(&mut self, key: &Key) {
        if let Some(partial) = self.partial.remove(key) {
            self.held -= partial.held;
        }
    }
}

impl Partial {
    fn whole(&self) -> Option<Vec<u8>> {
        let total = self.total?;
        // Cheap first: there can't be enough.
        if self
            .parts
            .iter()
            .map(|(_, bytes)| bytes.len())
            .sum::<usize>()
            < total
        {
            return None;
        }
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        order.sort_by_key(|&index| self.parts.get(index).map(|part| part.0));
        let mut reached = 0;
        for &index in &order {
            let (offset, bytes) = self.parts.get(index)?;
            if usize::from(*offset) > reached {
                return None;
            }
            reached = reached.max(usize::from(*offset) + bytes.len());
        }
        if reached < total {
            return None;
        }
        let mut whole = vec![0; total];
        let mut reached = 0;
        for &index in &order {
            let (offset, bytes) = self.parts.get(index)?;
            let end = (usize::from(*offset) + bytes.len()).min(total);
            let from = reached.max(usize::from(*offset));
            if from < end {
                let known = from - usize::from(*offset);
                if let (Some(place), Some(bytes)) = (
                    whole.get_mut(from..end),
                    bytes.get(known..known + (end - from)),
                ) {
                    place.copy_from_slice(bytes);
                }
                reached = end;
            }
        }
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fragment;

    fn ip(offset: u16, more: bool, len: usize) -> Ip {
        Ip {
            version: 4,
            source: Address::v4([10, 0, 0, 1]),
            destination: Address::v4([10, 0, 0, 2]),
            ttl: 64,
            traffic_class: 0,
            id: Some(7),
            dont_fragment: false,
            fragment: Some(Fragment { offset, more }),
            protocol: 17,
            payload_len: len as u32,
        }
    }

    fn push(
        d: &mut Defragmenter,
        offset: u16,
        more: bool,
        bytes: &[u8],
        s: i64,
    ) -> Option<Vec<u8>> {
        let now = Timestamp::from_parts(s, 0);
        d.push(&ip(offset, more, bytes.len()), 0, now, bytes)
    }

    #[test]
    fn any_order_makes_the_whole() {
        let mut d = Defragmenter::new(1 << 20);
        assert_eq!(push(&mut d, 8, true, b"bbbbbbbb", 0), None);
        assert_eq!(push(&mut d, 16, false, b"ccc", 0), None);
        assert_eq!(push(&mut d, 8, true, b"XXXXXXXX", 0), None);
        let whole = push(&mut d, 0, true, b"aaaaaaaa", 0);
        assert_eq!(whole.as_deref(), Some(b"aaaaaaaabbbbbbbbccc".as_slice()));
        assert_eq!(d.held(), 0);
    }

    #[test]
    fn where_two_overlap_the_lower_wins() {
        let mut d = Defragmenter::new(1 << 20);
        assert_eq!(push(&mut d, 16, true, b"XXXXXXXX", 0), None);
        assert_eq!(push(&mut d, 24, false, b"ddd", 0), None);
        assert_eq!(push(&mut d, 8, true, b"bbbbbbbbcccccccc", 0), None);
        let whole = push(&mut d, 0, true, b"aaaaaaaa", 0);
        assert_eq!(
            whole.as_deref(),
            Some(b"aaaaaaaabbbbbbbbccccccccddd".as_slice())
        );
    }

    #[test]
    fn old_fragments_do_not_join_new_ones() {
        let mut d = Defragmenter::new(1 << 20);
        assert_eq!(push(&mut d, 0, true, b"aaaaaaaa", 0), None);
        assert_eq!(push(&mut d, 8, false, b"b", 61), None);
        assert_eq!(d.abandoned, 1);
        assert!(push(&mut d, 0, true, b"AAAAAAAA", 61).is_some());
    }

    #[test]
    fn memory_is_bounded() {
        let mut d = Defragmenter::new(10_000);
        for id in 0..1000 {
            let ip = Ip {
                id: Some(id),
                ..ip(0, true, 800)
            };
            d.push(&ip, 0, Timestamp::from_parts(id.into(), 0), &[0; 800]);
            assert!(d.held() <= 10_000);
        }
        assert!(d.abandoned > 900);
    }

    #[test]
    fn a_cut_or_oversized_fragment_is_left_out() {
        let mut d = Defragmenter::new(1 << 20);
        let cut = Ip {
            payload_len: 100,
            ..ip(0, true, 8)
        };
        assert_eq!(d.push(&cut, 0, Timestamp::default(), b"aaaaaaaa"), None);
        assert_eq!(push(&mut d, 65_528, false, b"aaaaaaaaaa", 0), None);
        assert_eq!(d.held(), 0);
    }
}
