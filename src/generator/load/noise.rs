//! What streams carry, and numbers within a range.

use crate::generator::random::Random;

/// A number from the first up to the second, which is not included.
pub(super) fn within(random: &mut Random, (from, to): (u64, u64)) -> u64 {
    from + random.below(to - from)
}

/// Pseudo-random bytes that every stream reads from a place of its own, round and round.
pub(super) struct Noise(Vec<u8>);

impl Noise {
    const PERIOD: usize = 1 << 20;

    pub(super) fn new(random: &mut Random) -> Self {
        // Seven bits each: bytes over 0x7f make Wireshark guess at RTCP and Thrift.
        let word = |_| (random.next() & 0x7f7f_7f7f_7f7f_7f7f).to_le_bytes();
        let mut bytes: Vec<u8> = (0..Self::PERIOD / 8).flat_map(word).collect();
        // What a read that starts near the end runs into.
        bytes.extend_from_within(..2048);
        Self(bytes)
    }

    pub(super) fn stream(&self, key: u64, offset: u64, len: u64) -> &[u8] {
        let start = key.wrapping_add(offset) as usize % Self::PERIOD;
        &self.0[start..start + len as usize]
    }
}
