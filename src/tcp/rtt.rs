//! Round-trip times, from one tap: the time between a segment passing and its acknowledgment
//! passing back is the round trip from the tap to the acknowledging host.

use super::scoreboard::Sample;
use crate::time::{Span, Timestamp};

/// Whether a round trip can have taken so long.
#[inline]
pub(super) fn plausible(sample: &Span) -> bool {
    /// Linux gives a connection up after this long (`tcp_retries2`).
    const LONGEST: i64 = Span::from_secs(924).as_nanos();
    (0..=LONGEST).contains(&sample.as_nanos())
}

/// Samples of one direction, with RFC 6298 smoothing and quantiles.
///
/// Every acknowledgment of something new gives one sample. Where it covers several segments, the
/// oldest is smoothed, as a sender does that must not send again too early: then a delayed
/// acknowledgment is part of it (RFC 7323 section 4.1; so does Linux). The shortest, the longest
/// and the quantiles are of the newest: the path without the receiver's waiting.
#[derive(Clone, Debug, Default)]
pub struct RttSamples {
    count: u64,
    min: i64,
    max: i64,
    srtt: i64,
    rttvar: i64,
    /// The newest of the last acknowledgment.
    last: i64,
    spread: Spread,
}

/// Figures of a set of round-trip samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RttFigures {
    /// How many samples.
    pub count: u64,
    /// The shortest.
    pub min: Span,
    /// The longest.
    pub max: Span,
    /// Smoothed as a sender would (SRTT of RFC 6298), after the last sample.
    pub smoothed: Span,
    /// Its variation (RTTVAR of RFC 6298), after the last sample.
    pub variation: Span,
    /// Median.
    pub p50: Span,
    /// 95th percentile.
    pub p95: Span,
}

impl RttSamples {
    /// Takes an acknowledgment in that came at `now`. Left out are negative times and those longer
    /// than any host waits without sending again: the clock of the capture stepped, or some of its
    /// frames have no time.
    #[inline]
    pub(super) fn add(&mut self, sample: Sample, now: Timestamp) {
        let (waited, newest) = (now - sample.oldest, now - sample.newest);
        if !plausible(&waited) || !plausible(&newest) {
            return;
        }
        let (waited, nanos) = (waited.as_nanos(), newest.as_nanos());
        if self.count == 0 {
            // RFC 6298 (2.2)
            self.srtt = waited;
            self.rttvar = waited / 2;
            self.min = nanos;
            self.max = nanos;
        } else {
            // RFC 6298 (2.3): alpha 1/8, beta 1/4
            self.rttvar += ((self.srtt - waited).abs() - self.rttvar) / 4;
            self.srtt += (waited - self.srtt) / 8;
            self.min = self.min.min(nanos);
            self.max = self.max.max(nanos);
        }
        self.count += 1;
        self.last = nanos;
        self.spread.add(nanos);
    }

    /// How many samples were taken.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The figures, if there is any sample.
    pub fn figures(&self) -> Option<RttFigures> {
        (self.count > 0).then(|| RttFigures {
            count: self.count,
            min: Span::from_nanos(self.min),
            max: Span::from_nanos(self.max),
            smoothed: Span::from_nanos(self.srtt),
            variation: Span::from_nanos(self.rttvar),
            p50: Span::from_nanos(self.spread.quantile(50).clamp(self.min, self.max)),
            p95: Span::from_nanos(self.spread.quantile(95).clamp(self.min, self.max)),
        })
    }

    /// The 95th percentile alone.
    pub fn p95(&self) -> Option<Span> {
        let p95 = || self.spread.quantile(95).clamp(self.min, self.max);
        (self.count > 0).then(|| Span::from_nanos(p95()))
    }

    /// Smoothed round trip and its variation (SRTT and RTTVAR of RFC 6298).
    pub fn smoothed(&self) -> Option<(Span, Span)> {
        (self.count > 0).then_some((Span::from_nanos(self.srtt), Span::from_nanos(self.rttvar)))
    }

    /// The latest sample.
    pub fn latest(&self) -> Option<Span> {
        (self.count > 0).then_some(Span::from_nanos(self.last))
    }

    /// The shortest sample.
    pub fn minimum(&self) -> Option<Span> {
        (self.count > 0).then_some(Span::from_nanos(self.min))
    }

    /// Takes memory for the first samples from `spare`, if there is some.
    pub(super) fn wake(&mut self, spare: &mut Vec<Vec<i64>>) {
        if let (Spread::Few(values), Some(memory)) = (&mut self.spread, spare.last())
            && values.capacity() < memory.capacity()
        {
            *values = spare.pop().unwrap_or_default();
        }
    }

    /// Gives the memory of the quantiles back, to `spare` where it is worth it; the two that are
    /// reported stay.
    pub(super) fn settle(&mut self, spare: &mut Vec<Vec<i64>>) {
        /// As many as endpoints whose other memory is kept.
        const MOST: usize = 256;
        let settled = Spread::Settled {
            p50: self.spread.quantile(50),
            p95: self.spread.quantile(95),
        };
        if let Spread::Few(mut values) = core::mem::replace(&mut self.spread, settled)
            && spare.len() < MOST
            && values.capacity() > 0
        {
            values.clear();
            spare.push(values);
        }
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        match &self.spread {
            Spread::Few(values) => values.capacity() * size_of::<i64>(),
            Spread::Many(counts) => size_of_val(&**counts),
            Spread::Settled { .. } => 0,
        }
    }
}

/// How many samples are kept as they are before they are counted in classes.
const FEW: usize = 16;
/// Classes per doubling: a quantile is off by at most 1/16, about 3 % from the middle of a class.
const PER_DOUBLING: u32 = 16;
/// Classes begin at 2^10 ns, about a microsecond …
const FIRST_DOUBLING: u32 = 10;
/// … and end at 2^37 ns, 137 seconds.
const DOUBLINGS: u32 = 27;
const CLASSES: usize = (PER_DOUBLING * DOUBLINGS) as usize;

/// The distribution of samples: exact while they are few, in logarithmic classes when many.
#[derive(Clone, Debug)]
enum Spread {
    Few(Vec<i64>),
    Many(Box<[u32; CLASSES]>),
    Settled { p50: i64, p95: i64 },
}

impl Default for Spread {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Spread {
    #[inline]
    fn add(&mut self, nanos: i64) {
        match self {
            Self::Many(counts) => {
                if let Some(count) = counts.get_mut(class(nanos)) {
                    *count = count.saturating_add(1);
                }
            }
            Self::Few(values) if values.len() < FEW => {
                if values.capacity() == 0 {
                    values.reserve_exact(FEW);
                }
                values.push(nanos);
            }
            Self::Few(values) => {
                let mut counts = Box::new([0_u32; CLASSES]);
                for &value in values.iter().chain([&nanos]) {
                    if let Some(count) = counts.get_mut(class(value)) {
                        *count += 1;
                    }
                }
                *self = Self::Many(counts);
            }
            // A straggler after the end no longer moves the quantiles.
            Self::Settled { .. } => {}
        }
    }

    /// The smallest value that at least `percent` of the samples do not exceed.
    fn quantile(&self, percent: u64) -> i64 {
        let rank_of = |count: u64| (count * percent).div_ceil(100).max(1);
        match self {
            Self::Few(values) => {
                let mut sorted = [0; FEW];
                let sorted = sorted.get_mut(..values.len()).unwrap_or(&mut []);
                sorted.copy_from_slice(values);
                let place = rank_of(sorted.len() as u64) as usize - 1;
                if place >= sorted.len() {
                    return 0;
                }
                *sorted.select_nth_unstable(place).1
            }
            Self::Many(counts) => {
                let total = counts.iter().map(|&count| u64::from(count)).sum();
                let mut left = rank_of(total);
                for (class, &count) in counts.iter().enumerate() {
                    if u64::from(count) >= left {
                        return middle(class);
                    }
                    left -= u64::from(count);
                }
                0
            }
            Self::Settled { p50, p95 } => match percent {
                50 => *p50,
                _ => *p95,
            },
        }
    }
}

#[inline]
fn class(nanos: i64) -> usize {
    let value = (nanos.max(1) as u64).max(1 << FIRST_DOUBLING);
    let doubling = 63 - value.leading_zeros();
    let within = (value >> (doubling - 4)) as u32 & (PER_DOUBLING - 1);
    let class = (doubling - FIRST_DOUBLING) * PER_DOUBLING + within;
    (class as usize).min(CLASSES - 1)
}

fn middle(class: usize) -> i64 {
    let doubling = class as u32 / PER_DOUBLING + FIRST_DOUBLING;
    let within = (class as u32 % PER_DOUBLING) as i64;
    let width = 1_i64 << (doubling - 4);
    (1_i64 << doubling) + within * width + width / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn samples(values: impl IntoIterator<Item = i64>) -> RttSamples {
        let mut rtt = RttSamples::default();
        for value in values {
            rtt.add(
                Sample::at(Timestamp::from_nanos(0)),
                Timestamp::from_nanos(value),
            );
        }
        rtt
    }

    #[test]
    fn what_waited_longest_is_smoothed_and_what_waited_least_is_the_shortest() {
        let mut rtt = RttSamples::default();
        let sample = Sample {
            oldest: Timestamp::from_nanos(1_000),
            newest: Timestamp::from_nanos(4_000),
        };
        rtt.add(sample, Timestamp::from_nanos(9_000));
        let figures = rtt.figures().unwrap();
        assert_eq!(figures.smoothed.as_nanos(), 8_000);
        assert_eq!(figures.min.as_nanos(), 5_000);
        assert_eq!(figures.max.as_nanos(), 5_000);
    }

    #[test]
    fn few_samples_are_exact() {
        let figures = samples([30, 10, 20, 40]).figures().unwrap();
        assert_eq!(figures.count, 4);
        assert_eq!(figures.min.as_nanos(), 10);
        assert_eq!(figures.p50.as_nanos(), 20);
        assert_eq!(figures.p95.as_nanos(), 40);
        assert_eq!(figures.max.as_nanos(), 40);
    }

    #[test]
    fn smoothing_follows_rfc_6298() {
        let figures = samples([80_000, 160_000]).figures().unwrap();
        // RTTVAR = 3/4 · 40,000 + 1/4 · 80,000; SRTT = 7/8 · 80,000 + 1/8 · 160,000
        assert_eq!(figures.variation.as_nanos(), 50_000);
        assert_eq!(figures.smoothed.as_nanos(), 90_000);
    }

    #[test]
    fn samples_that_cannot_be_are_left_out() {
        assert_eq!(samples([-5]).figures(), None);
        assert_eq!(samples([1_472_003_999 * 1_000_000_000]).figures(), None);
    }

    #[test]
    fn settling_keeps_the_quantiles() {
        let mut rtt = samples((1..=1000).map(|ms| ms * 1_000_000));
        let before = rtt.figures();
        rtt.settle(&mut Vec::new());
        assert_eq!(rtt.figures(), before);
        assert_eq!(rtt.heap(), 0);
    }

    proptest! {
        #[test]
        fn many_samples_are_within_a_class(mut values in proptest::collection::vec(2_000_i64..60_000_000_000, 40..400)) {
            let figures = samples(values.iter().copied()).figures().unwrap();
            values.sort_unstable();
            let exact = values[(values.len() * 95).div_ceil(100) - 1];
            let off = (figures.p95.as_nanos() - exact).abs() as f64 / exact as f64;
            prop_assert!(off <= 0.0325, "{} for {exact}", figures.p95.as_nanos());
        }
    }
}
