//! Chance that is the same on every machine: a small generator of our own, integers only.

/// A stream of numbers that follow from a seed: SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The stream of a seed for one purpose: what one part draws does not shift what another gets.
    pub fn of(seed: u64, purpose: &str) -> Self {
        let mut mixed = Self(seed ^ 0x7c15_9e37_79b9_7f4a);
        for byte in purpose.bytes() {
            mixed.0 = mixed.next() ^ u64::from(byte);
        }
        Self(mixed.next())
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it has no end")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `least` up to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = most.saturating_sub(least).max(0) as u64;
        least.saturating_add(self.below(span + 1) as i64)
    }

    /// True in so many of a million cases.
    pub fn chance(&mut self, per_million: u32) -> bool {
        self.below(1_000_000) < u64::from(per_million)
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_stream_is_the_published_one() {
        // SplitMix64 with seed 1234567, as in the reference implementation's tests.
        let mut random = Random::new(1_234_567);
        let first = [random.next(), random.next(), random.next()];
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn bounds_hold_and_purposes_differ() {
        let mut random = Random::of(1, "a");
        assert!((0..1000).all(|_| (-3..=4).contains(&random.between(-3, 4))));
        assert_eq!(random.below(0), 0);
        assert_ne!(Random::of(1, "a").next(), Random::of(1, "b").next());
        assert!((0..100).all(|_| !Random::new(9).chance(0)));
    }
}
