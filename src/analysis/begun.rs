//! The frames that flows began with, in their order: an octet or two for each, for as long as
//! there are several analyzers, so that flows can be numbered when these become one.

/// Octets that are allocated together.
const BLOCK: usize = 4096;
/// Of a number with seven bits in each octet.
const LONGEST: usize = 10;

/// Numbers in ascending order, each as what it is above the one before.
#[derive(Debug, Default)]
pub(super) struct Begun {
    blocks: Vec<Vec<u8>>,
    last: u64,
}

impl Begun {
    /// Adds one.
    pub(super) fn push(&mut self, frame: u64) {
        let mut above = frame.saturating_sub(self.last);
        self.last = self.last.max(frame);
        if self
            .blocks
            .last()
            .is_none_or(|block| block.len() + LONGEST > BLOCK)
        {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        if let Some(block) = self.blocks.last_mut() {
            while above >= 0x80 {
                block.push(above as u8 | 0x80);
                above >>= 7;
            }
            block.push(above as u8);
        }
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let mut octets = self.blocks.iter().flatten();
        let mut last = 0;
        core::iter::from_fn(move || {
            let mut above = 0;
            for place in (0..u64::BITS).step_by(7) {
                let octet = *octets.next()?;
                above |= u64::from(octet & 0x7f) << place;
                if octet < 0x80 {
                    break;
                }
            }
            last += above;
            Some(last)
        })
    }

    /// Two as one.
    pub(super) fn merged(&self, other: &Self) -> Self {
        let mut both = Self::default();
        let (mut ours, mut theirs) = (self.iter().peekable(), other.iter().peekable());
        loop {
            let next = match (ours.peek(), theirs.peek()) {
                (Some(our), Some(their)) if our > their => theirs.next(),
                (Some(_), _) => ours.next(),
                (None, _) => theirs.next(),
            };
            match next {
                Some(frame) => both.push(frame),
                None => return both,
            }
        }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.blocks.len() * BLOCK + self.blocks.capacity() * size_of::<Vec<u8>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gives_what_it_was_given(mut one in proptest::collection::vec(any::<u64>(), 0..2000), mut two in proptest::collection::vec(0_u64..100_000, 0..2000)) {
            let of = |frames: &mut Vec<u64>| {
                frames.sort_unstable();
                let mut begun = Begun::default();
                frames.iter().for_each(|&frame| begun.push(frame));
                begun
            };
            let (a, b) = (of(&mut one), of(&mut two));
            prop_assert!(a.iter().eq(one.iter().copied()));
            one.extend(two);
            one.sort_unstable();
            prop_assert!(a.merged(&b).iter().eq(one));
        }
    }
}
