//! TCP sequence numbers (RFC 9293 section 3.4): 32 bits, modular, and therefore without an order.

use core::fmt;
use core::ops::Add;

/// A sequence number as it stands on the wire.
///
/// It has no `Ord`: of two numbers half the space apart, each comes before the other.
/// Comparisons are by signed distance and mean something only for numbers that a window could
/// hold together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SeqNum(pub u32);

impl SeqNum {
    /// The signed distance from `earlier` to `self`, −2³¹ to 2³¹−1.
    #[inline]
    pub const fn distance_from(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0) as i32
    }

    /// Whether `self` lies before `other`, by signed distance.
    #[inline]
    pub const fn before(self, other: Self) -> bool {
        self.distance_from(other) < 0
    }

    /// Whether `self` lies after `other`, by signed distance.
    #[inline]
    pub const fn after(self, other: Self) -> bool {
        self.distance_from(other) > 0
    }
}

impl Add<u32> for SeqNum {
    type Output = Self;
    #[inline]
    fn add(self, octets: u32) -> Self {
        Self(self.0.wrapping_add(octets))
    }
}

impl fmt::Display for SeqNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn adding_moves_forward(start: u32, octets in 1_u32..0x7fff_ffff) {
            let seq = SeqNum(start);
            prop_assert!(seq.before(seq + octets));
            prop_assert!((seq + octets).after(seq));
            prop_assert_eq!((seq + octets).distance_from(seq), octets as i32);
        }
    }
}
