//! What a tick of a pcapng interface's clock is (`if_tsresol`, `if_tsoffset`,
//! draft-ietf-opsawg-pcapng, Interface Description Block).

use crate::time::Timestamp;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How the 64-bit tick counts of an interface become nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolution {
    scale: Scale,
    offset_nanos: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// A tick is this many nanoseconds.
    Multiply(u64),
    /// This many ticks are a nanosecond; 0 stands for more than 64 bits can count.
    Divide(u64),
    /// A tick is two to the minus this many seconds.
    Binary(u32),
}

impl Resolution {
    /// From the option values: `if_tsresol` (6 where absent: microseconds) and `if_tsoffset`,
    /// seconds to add.
    pub(super) fn new(tsresol: u8, tsoffset_seconds: i64) -> Self {
        let exponent = u32::from(tsresol & 0x7f);
        let scale = if tsresol & 0x80 != 0 {
            Scale::Binary(exponent)
        } else if exponent <= 9 {
            Scale::Multiply(10_u64.pow(9 - exponent))
        } else {
            Scale::Divide(10_u64.checked_pow(exponent - 9).unwrap_or(0))
        };
        Self {
            scale,
            offset_nanos: tsoffset_seconds.saturating_mul(NANOS_PER_SECOND as i64),
        }
    }

    /// Ticks in a second, as far as 64 bits can say.
    pub(super) fn ticks_per_second(self) -> u64 {
        match self.scale {
            Scale::Multiply(nanos) => NANOS_PER_SECOND / nanos,
            Scale::Divide(0) => u64::MAX,
            Scale::Divide(ticks) => ticks.saturating_mul(NANOS_PER_SECOND),
            Scale::Binary(exponent) => 1_u64.checked_shl(exponent).unwrap_or(u64::MAX),
        }
    }

    /// The capture time of a tick count; saturates.
    #[inline]
    pub(super) fn time(self, ticks: u64) -> Timestamp {
        match i64::try_from(self.nanos(ticks)) {
            Ok(nanos) => Timestamp::from_nanos(nanos.saturating_add(self.offset_nanos)),
            Err(_) => self.distant_time(ticks),
        }
    }

    /// The time of a count that reaches beyond what nanoseconds can say. With the topmost bit set
    /// it was a negative number to whoever wrote it.
    #[cold]
    fn distant_time(self, ticks: u64) -> Timestamp {
        let signed = ticks.cast_signed();
        let nanos = i64::try_from(self.nanos(signed.unsigned_abs())).unwrap_or(i64::MAX);
        let nanos = if signed < 0 { -nanos } else { nanos };
        Timestamp::from_nanos(nanos.saturating_add(self.offset_nanos))
    }

    /// Saturates.
    #[inline]
    fn nanos(self, ticks: u64) -> u64 {
        match self.scale {
            Scale::Multiply(nanos) => ticks.saturating_mul(nanos),
            Scale::Divide(per_nano) => ticks.checked_div(per_nano).unwrap_or(0),
            Scale::Binary(exponent) => {
                // At most 64 + 30 bits: neither the product nor the shift can overflow.
                let nanos = (u128::from(ticks) * u128::from(NANOS_PER_SECOND)) >> exponent;
                u64::try_from(nanos).unwrap_or(u64::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_to_nanoseconds() {
        for (tsresol, offset, ticks, nanos, per_second) in [
            (6, 0, 1_500_000, 1_500_000_000, 1_000_000),
            (9, 0, 1_500_000_000, 1_500_000_000, 1_000_000_000),
            (0, 0, 7, 7_000_000_000, 1),
            (3, -2, 7, -1_993_000_000, 1000),
            (12, 0, 1_234_567, 1_234, 1_000_000_000_000),
            (0x80 | 20, 0, (3 << 20) + (1 << 19), 3_500_000_000, 1 << 20),
            (0x80 | 20, 10, 1, 10_000_000_953, 1 << 20),
            (0x80, 0, 5, 5_000_000_000, 1),
            (0x80 | 63, 0, 1 << 62, 500_000_000, 1 << 63),
            (0xff, 0, u64::MAX, 0, u64::MAX),
            (0x7f, 0, u64::MAX, 0, u64::MAX),
            (28, 0, 10_000_000_000_000_000_000, 1, u64::MAX),
            (6, 0, u64::MAX >> 1, i64::MAX, 1_000_000),
            (6, 0, u64::MAX, -1000, 1_000_000),
            (6, 0, 1 << 63, -i64::MAX, 1_000_000),
            (9, 1, u64::MAX - 4, 999_999_995, 1_000_000_000),
            (12, 0, u64::MAX, 18_446_744_073_709_551, 1_000_000_000_000),
            (9, i64::MIN, 0, -i64::MAX, 1_000_000_000),
        ] {
            let resolution = Resolution::new(tsresol, offset);
            assert_eq!(
                resolution.time(ticks).as_nanos(),
                nanos,
                "{tsresol:#x} {ticks}"
            );
            assert_eq!(resolution.ticks_per_second(), per_second, "{tsresol:#x}");
        }
    }
}
