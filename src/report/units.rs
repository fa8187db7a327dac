//! Numbers and quantities as people read them.

use core::fmt;

/// With commas between thousands: `1,234,567`.
pub fn grouped(count: impl Into<u64>) -> impl fmt::Display {
    Grouped(count.into())
}

/// In powers of 1000 with three significant digits: `512 B`, `1.23 MB`.
pub fn bytes(count: u64) -> impl fmt::Display {
    Bytes(count)
}

/// A count and its noun: `1 frame`, `2,000 frames`.
pub fn counted(count: impl Into<u64>, noun: &str) -> impl fmt::Display {
    let count = count.into();
    let plural = match (count, noun) {
        (1, _) => "",
        (_, noun) if noun.ends_with("ch") || noun.ends_with('s') => "es",
        _ => "s",
    };
    format!("{} {noun}{plural}", Grouped(count))
}

/// A share in percent, with as many decimals as it takes to not be zero: `3.1 %`, `0.04 %`.
pub fn percent(part: u64, whole: u64) -> impl fmt::Display {
    let share = part as f64 * 100.0 / (whole.max(1)) as f64;
    match share {
        10.0.. => format!("{share:.0} %"),
        1.0.. => format!("{share:.1} %"),
        0.01.. => format!("{share:.2} %"),
        _ if part == 0 => "0 %".to_owned(),
        _ => "under 0.01 %".to_owned(),
    }
}

struct Grouped(u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
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

struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
        if self.0 < 1000 {
            return f.pad(&format!("{} B", self.0));
        }
        let mut value = self.0 as f64 / 1e3;
        let mut units = UNITS.iter();
        let mut unit = units.next();
        while value >= 999.5 {
            let Some(larger) = units.next() else { break };
            unit = Some(larger);
            value /= 1e3;
        }
        let decimals = match value {
            ..9.995 => 2,
            ..99.95 => 1,
            _ => 0,
        };
        f.pad(&format!("{value:.decimals$} {}", unit.unwrap_or(&"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (count, text) in [
            (0_u64, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(count).to_string(), text);
        }
    }

    #[test]
    fn byte_units_change_where_digits_would() {
        for (count, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.00 kB"),
            (9_994, "9.99 kB"),
            (9_995, "10.0 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (3_221_225_472, "3.22 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(count).to_string(), text);
        }
    }

    #[test]
    fn nouns_follow_their_count() {
        assert_eq!(counted(1_u64, "frame").to_string(), "1 frame");
        assert_eq!(counted(0_u64, "frame").to_string(), "0 frames");
        assert_eq!(counted(2_000_u64, "branch").to_string(), "2,000 branches");
    }

    #[test]
    fn small_shares_are_not_rounded_away() {
        assert_eq!(percent(1, 3).to_string(), "33 %");
        assert_eq!(percent(1, 1_000).to_string(), "0.10 %");
        assert_eq!(percent(1, 1_000_000).to_string(), "under 0.01 %");
        assert_eq!(percent(0, 0).to_string(), "0 %");
    }
}
