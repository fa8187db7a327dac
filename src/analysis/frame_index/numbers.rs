//! The numbers of a flow's frames: each as the difference from the one before.

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

    pub(super) fn heap(&self) -> usize {
        self.steps.capacity()
    }

    /// Appends a number. Returns by how many bytes the memory grew.
    #[inline]
    pub(super) fn push(&mut self, number: u64, reuses_ports: bool) -> usize {
        self.count += 1;
        if self.count == 1 {
            self.first = number;
            self.last = number;
            self.reuses_ports = reuses_ports;
            return 0;
        }
        let step = number.saturating_sub(self.last);
        self.last = number.max(self.last);
        if self.is_vague {
            return 0;
        }
        let before = self.steps.capacity();
        put(&mut self.steps, step);
        self.steps.capacity() - before
    }

    /// Forgets what is between the first and the last. Returns how many bytes that frees.
    pub(super) fn let_go(&mut self) -> usize {
        let freed = self.steps.capacity();
        self.steps = Vec::new();
        self.is_vague = self.count > 2;
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
        let numbers = [3, 4, 5, 200, 100_000, 5_000_000_000, u64::MAX - 1];
        let mut list = Numbers::default();
        for number in numbers {
            list.push(number, number == 3);
        }
        assert!(list.iter().eq(numbers));
        assert_eq!((list.first(), list.last()), (3, u64::MAX - 1));
        assert!(list.reuses_ports);
        assert!(list.let_go() > 0);
        assert_eq!(
            (list.iter().count(), list.len(), list.is_vague()),
            (0, 7, true)
        );
        list.push(u64::MAX, false);
        assert_eq!((list.last(), list.heap()), (u64::MAX, 0));
    }

    #[test]
    fn two_are_never_vague() {
        let mut list = Numbers::default();
        list.push(7, false);
        assert_eq!(list.iter().collect::<Vec<_>>(), [7]);
        list.let_go();
        assert!(!list.is_vague());
    }
}
