//! Capture time: the only clock the analyzer knows, and the only code that formats it.
//!
//! All times are nanoseconds since the Unix epoch as the capture recorded them. Nothing here
//! reads a clock: offline results must not depend on when they are computed.

use core::fmt;
use core::num::NonZeroU64;
use core::ops::{Add, Sub};

/// A point in capture time, in nanoseconds since 1970-01-01 00:00:00 UTC.
///
/// Covers the years 1677 to 2262; sources saturate what lies outside.
// Counted from 2^63 ns before the epoch and never 0, so that `None` takes no room of its own:
// every connection has many times that may be missing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(NonZeroU64);

const BIAS: u64 = 1 << 63;

/// A signed length of capture time in nanoseconds. Negative where a capture steps back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Timestamp {
    /// From nanoseconds since the Unix epoch.
    #[inline]
    pub const fn from_nanos(nanos: i64) -> Self {
        match NonZeroU64::new(nanos as u64 ^ BIAS) {
            Some(biased) => Self(biased),
            // One nanosecond late, in the year 1677.
            None => Self(NonZeroU64::MIN),
        }
    }

    /// From whole seconds and a sub-second part in nanoseconds; saturates.
    #[inline]
    pub const fn from_parts(seconds: i64, nanos: i64) -> Self {
        Self::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    /// Nanoseconds since the Unix epoch.
    #[inline]
    pub const fn as_nanos(self) -> i64 {
        (self.0.get() ^ BIAS) as i64
    }

    /// The time from `earlier` to `self`: negative when `self` came first.
    #[inline]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.as_nanos().saturating_sub(earlier.as_nanos()))
    }

    /// `YYYY-MM-DD HH:MM:SS.nnnnnnnnn`, in UTC.
    pub fn utc(self) -> impl fmt::Display {
        Utc(self.as_nanos())
    }

    /// `HH:MM:SS.uuuuuu`, in UTC: the time of day as tcpdump prints it.
    pub fn time_of_day(self) -> impl fmt::Display {
        TimeOfDay(self.as_nanos())
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds.
    #[inline]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds; saturates.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From seconds; saturates.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds.
    #[inline]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds, for display and for output formats.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Three significant digits and a unit: `412ns`, `1.25ms`, `3.02s`, `2m05s`, `3h07m`, `12d04h`.
    pub fn short(self) -> impl fmt::Display {
        Short(self.0)
    }
}

/// The epoch.
impl Default for Timestamp {
    fn default() -> Self {
        Self::from_nanos(0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timestamp").field(&self.as_nanos()).finish()
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    #[inline]
    fn add(self, span: Span) -> Self {
        Self::from_nanos(self.as_nanos().saturating_add(span.0))
    }
}

impl Sub for Timestamp {
    type Output = Span;
    #[inline]
    fn sub(self, earlier: Self) -> Span {
        self.since(earlier)
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    #[inline]
    fn sub(self, span: Span) -> Self {
        Self::from_nanos(self.as_nanos().saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Seconds with nine decimals, signed: `12.000345678`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        write!(
            f,
            "{sign}{}.{:09}",
            nanos / 1_000_000_000,
            nanos % 1_000_000_000
        )
    }
}

struct Utc(i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000_000);
        let nanos = self.0.rem_euclid(1_000_000_000);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{nanos:09}",
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60
        )
    }
}

struct TimeOfDay(i64);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_day = self.0.div_euclid(1_000_000_000).rem_euclid(86_400);
        let micros = self.0.rem_euclid(1_000_000_000) / 1000;
        write!(
            f,
            "{:02}:{:02}:{:02}.{micros:06}",
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60
        )
    }
}

/// Days since the epoch to a proleptic Gregorian date (Hinnant, "chrono-compatible low-level
/// date algorithms").
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

struct Short(i64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let text = match nanos {
            0..1_000 => format!("{sign}{nanos}ns"),
            1_000..999_500 => format!("{sign}{}us", three_digits(nanos as f64 / 1e3)),
            999_500..999_500_000 => format!("{sign}{}ms", three_digits(nanos as f64 / 1e6)),
            999_500_000..60_000_000_000 => format!("{sign}{}s", three_digits(nanos as f64 / 1e9)),
            60_000_000_000..3_600_000_000_000 => {
                let s = nanos / 1_000_000_000;
                format!("{sign}{}m{:02}s", s / 60, s % 60)
            }
            3_600_000_000_000..360_000_000_000_000 => {
                let m = nanos / 60_000_000_000;
                format!("{sign}{}h{:02}m", m / 60, m % 60)
            }
            _ => {
                let h = nanos / 3_600_000_000_000;
                format!("{sign}{}d{:02}h", h / 24, h % 24)
            }
        };
        f.pad(&text)
    }
}

fn three_digits(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_dates() {
        for (nanos, text) in [
            (0, "1970-01-01 00:00:00.000000000"),
            (951_782_400_000_000_001, "2000-02-29 00:00:00.000000001"),
            (-1, "1969-12-31 23:59:59.999999999"),
            (i64::MAX, "2262-04-11 23:47:16.854775807"),
            (i64::MIN, "1677-09-21 00:12:43.145224193"),
        ] {
            assert_eq!(Timestamp::from_nanos(nanos).utc().to_string(), text);
        }
    }

    #[test]
    fn short_spans() {
        for (nanos, text) in [
            (0, "0ns"),
            (999, "999ns"),
            (1_000, "1.00us"),
            (999_499, "999us"),
            (999_500, "1.00ms"),
            (12_345_678, "12.3ms"),
            (3_020_000_000, "3.02s"),
            (59_999_999_999, "60.0s"),
            (125_000_000_000, "2m05s"),
            (11_220_000_000_000, "3h07m"),
            (359_999_999_999_999, "99h59m"),
            (360_000_000_000_000, "4d04h"),
            (688_226_400_000_000_000, "7965d14h"),
            (-1_500_000, "-1.50ms"),
        ] {
            assert_eq!(Span::from_nanos(nanos).short().to_string(), text);
        }
    }

    #[test]
    fn differences_are_signed_and_saturate() {
        let early = Timestamp::from_nanos(5);
        let late = Timestamp::from_nanos(9);
        assert_eq!((early - late).as_nanos(), -4);
        assert_eq!(
            (Timestamp::from_nanos(i64::MIN) - Timestamp::from_nanos(2)).as_nanos(),
            i64::MIN
        );
        assert_eq!(Span::from_nanos(-1_500_000_000).to_string(), "-1.500000000");
    }

    #[test]
    fn times_are_in_order_and_a_missing_one_takes_no_room() {
        let times = [i64::MIN, -9, -1, 0, 1, 9, i64::MAX].map(Timestamp::from_nanos);
        assert!(times.is_sorted_by(|one, next| one < next));
        assert_eq!(Timestamp::default(), times[3]);
        assert_eq!(format!("{:?}", times[1]), "Timestamp(-9)");
        assert_eq!(size_of::<Option<Timestamp>>(), size_of::<Timestamp>());
    }
}
