//! Ticks at round numbers, with units.

/// What an axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui::page) enum Unit {
    /// Nanoseconds.
    Time,
    /// Bytes, or positions in a stream.
    Bytes,
    /// Bits in a second.
    Rate,
}

/// A tick: its value, and what stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui::page) struct Tick {
    /// Where.
    pub(in crate::tui::page) value: i64,
    /// What to write.
    pub(in crate::tui::page) label: String,
}

/// Ticks at round numbers between two values, `most` at most.
pub(in crate::tui::page) fn ticks(low: i64, high: i64, most: usize, unit: Unit) -> Vec<Tick> {
    let span = i128::from(high) - i128::from(low);
    if span <= 0 || most == 0 {
        return Vec::new();
    }
    let step = round_step(span, most);
    let one = one_of(unit, low.saturating_abs().max(high.saturating_abs()));
    let first = i128::from(low).div_euclid(step) * step;
    let first = if first < i128::from(low) {
        first + step
    } else {
        first
    };
    (0..most as i128)
        .map(|count| first + count * step)
        .take_while(|&value| value <= i128::from(high))
        .map(|value| Tick {
            value: value as i64,
            label: label(value as i64, step.min(i128::from(i64::MAX)) as i64, one),
        })
        .collect()
}

/// The least of 1, 2, 5, 10, 20, … that makes no more than so many steps.
fn round_step(span: i128, most: usize) -> i128 {
    let most = most as i128;
    let mut power: i128 = 1;
    loop {
        for step in [power, 2 * power, 5 * power] {
            if span / step < most {
                return step;
            }
        }
        power *= 10;
    }
}

/// The unit that suits an axis up to `size`: how much one is, and its name.
fn one_of(unit: Unit, size: i64) -> (i64, &'static str) {
    const TIME: [(i64, &str); 4] = [
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    const BYTES: [(i64, &str); 5] = [
        (1_000_000_000_000, "T"),
        (1_000_000_000, "G"),
        (1_000_000, "M"),
        (1_000, "k"),
        (1, ""),
    ];
    const RATE: [(i64, &str); 5] = [
        (1_000_000_000_000, "Tbit/s"),
        (1_000_000_000, "Gbit/s"),
        (1_000_000, "Mbit/s"),
        (1_000, "kbit/s"),
        (1, "bit/s"),
    ];
    let units: &[(i64, &str)] = match unit {
        Unit::Time => &TIME,
        Unit::Bytes => &BYTES,
        Unit::Rate => &RATE,
    };
    let fits = units.iter().find(|(one, _)| size >= *one);
    fits.or(units.last()).copied().unwrap_or((1, ""))
}

/// A value with as many decimals as steps need.
fn label(value: i64, step: i64, (one, name): (i64, &str)) -> String {
    if value == 0 {
        return "0".to_owned();
    }
    let mut decimals = 0;
    let mut step = i128::from(step);
    while step % i128::from(one) != 0 && decimals < 12 {
        step *= 10;
        decimals += 1;
    }
    format!("{:.decimals$}{name}", value as f64 / one as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(low: i64, high: i64, most: usize, unit: Unit) -> Vec<String> {
        let ticks = ticks(low, high, most, unit);
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn round_numbers() {
        assert_eq!(
            labels(0, 37_000_000, 5, Unit::Time),
            ["0", "10ms", "20ms", "30ms"]
        );
        assert_eq!(labels(0, 14_000, 4, Unit::Bytes), ["0", "5k", "10k"]);
        assert_eq!(
            labels(900, 1_600, 5, Unit::Bytes),
            ["1.0k", "1.2k", "1.4k", "1.6k"]
        );
        assert_eq!(
            labels(1_000_000_000, 1_002_000_000, 5, Unit::Time),
            ["1.0000s", "1.0005s", "1.0010s", "1.0015s", "1.0020s"]
        );
        assert_eq!(labels(-3, 3, 4, Unit::Bytes), ["-2", "0", "2"]);
        assert_eq!(labels(0, 9_000_000, 4, Unit::Rate), ["0", "5Mbit/s"]);
        assert!(ticks(5, 5, 4, Unit::Time).is_empty());
    }

    proptest! {
        #[test]
        fn ticks_lie_inside(low in any::<i64>(), high in any::<i64>(), most in 0_usize..40) {
            let all = ticks(low, high, most, Unit::Bytes);
            prop_assert!(all.len() <= most);
            for tick in all {
                prop_assert!(low <= tick.value && tick.value <= high);
            }
        }
    }
}
