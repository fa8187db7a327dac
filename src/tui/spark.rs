//! A curve on a single line.

use super::sheet::Look;

/// The steps of a line, beyond ASCII and within.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const STEPS_ASCII: [char; 8] = ['_', '.', '-', '=', '+', '*', '%', '#'];

/// The values in so many columns, from 0 to the largest; each column shows the least or the most
/// of what falls into it. What nothing is known of is blank, and 0 is not: it is `0`.
pub fn spark(values: &[Option<u64>], look: &Look) -> String {
    let most = values.iter().flatten().copied().max().unwrap_or(0).max(1);
    let steps = look.pick(STEPS, STEPS_ASCII);
    values
        .iter()
        .map(|value| match value {
            None => ' ',
            Some(0) => '0',
            Some(value) => {
                let step = u128::from(*value) * 7 / u128::from(most);
                steps.get(step as usize).copied().unwrap_or(' ')
            }
        })
        .collect()
}

/// What of values over time falls into each of so many columns: the least where `least`, else the
/// most. Values last until the next.
pub fn binned(
    values: impl Iterator<Item = (i64, u64)>,
    (low, high): (i64, i64),
    columns: usize,
    least: bool,
) -> Vec<Option<u64>> {
    let mut bins: Vec<Option<u64>> = vec![None; columns];
    let span = i128::from(high) - i128::from(low);
    if columns == 0 {
        return bins;
    }
    let place = |at: i64| -> usize {
        let part = (i128::from(at) - i128::from(low)).clamp(0, span.max(0));
        ((part * columns as i128) / (span + 1).max(1)) as usize
    };
    let mut last: Option<(usize, u64)> = None;
    for (at, value) in values {
        let column = place(at).min(columns - 1);
        if let Some((from, held)) = last {
            for bin in bins.iter_mut().take(column).skip(from + 1) {
                bin.get_or_insert(held);
            }
        }
        if let Some(bin) = bins.get_mut(column) {
            *bin = Some(match *bin {
                Some(other) if least => other.min(value),
                Some(other) => other.max(value),
                None => value,
            });
        }
        last = Some((column, value));
    }
    if let Some((from, held)) = last {
        for bin in bins.iter_mut().skip(from + 1) {
            bin.get_or_insert(held);
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_stays_in_sight() {
        let values = [(0, 80), (10, 70), (11, 0), (12, 70), (50, 20)];
        let bins = binned(values.into_iter(), (0, 59), 6, true);
        assert_eq!(
            bins,
            [Some(80), Some(0), Some(70), Some(70), Some(70), Some(20)]
        );
        assert_eq!(spark(&bins, &Look::plain(true)), "█0▇▇▇▂");
        assert_eq!(spark(&[None, Some(1)], &Look::plain(false)), " #");
    }
}
