//! Numbers as findings tell them.

use core::fmt;

use crate::time::Span;

/// A number of a finding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// So many.
    Count(u64),
    /// A time.
    Time(Span),
}

/// With commas between thousands: `1,234,567`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = match self {
            Self::Count(count) => *count,
            Self::Time(span) => return span.short().fmt(f),
        };
        let digits = count.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// A count and its noun: `1 frame`, `2,000 frames`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", Number::Count(count))
}

/// A share in percent: `31 %`, `3.1 %`, `under 0.1 %`.
pub(super) fn percent(part: u64, whole: u64) -> String {
    match part as f64 * 100.0 / whole.max(1) as f64 {
        share @ 10.0.. => format!("{share:.0} %"),
        share @ 0.1.. => format!("{share:.1} %"),
        _ => "under 0.1 %".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        assert_eq!(counted(1, "frame"), "1 frame");
        assert_eq!(counted(1_234_567, "frame"), "1,234,567 frames");
        assert_eq!(percent(1, 2), "50 %");
        assert_eq!(percent(1, 100), "1.0 %");
        assert_eq!(percent(1, 100_000), "under 0.1 %");
        assert_eq!(percent(0, 0), "under 0.1 %");
    }
}
