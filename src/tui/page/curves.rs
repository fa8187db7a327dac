//! The curves of the graphs, drawn on rasters.

use super::plot::raster::{Layer, Raster, Scale};
use super::series::{Series, between};

/// Where values and times stand.
pub(super) struct Plot {
    pub(super) x: Scale,
    pub(super) y: Scale,
}

impl Plot {
    /// A pixel above and below, where a stretch of values is in sight.
    fn stretch(&self, low: i64, high: i64) -> Option<(usize, usize)> {
        (low <= self.y.high && high >= self.y.low)
            .then(|| (self.y.clamped(low), self.y.clamped(high)))
    }

    /// A curve that stays where it is until it changes.
    fn steps(&self, values: impl Iterator<Item = (i64, i64)>, layer: Layer, raster: &mut Raster) {
        let mut last: Option<(i64, i64)> = None;
        for (at, value) in values {
            if let Some((before, held)) = last
                && at >= self.x.low
                && before <= self.x.high
            {
                let (from, to) = (self.x.clamped(before), self.x.clamped(at));
                if let Some(y) = self.y.pixel(held) {
                    raster.level(from, to, y, layer);
                }
                if at <= self.x.high
                    && let Some((low, high)) = self.stretch(held.min(value), held.max(value))
                {
                    raster.upright(to, low, high, layer);
                }
            }
            last = Some((at, value));
        }
        if let Some((at, value)) = last
            && let (Some(x), Some(y)) = (self.x.pixel(at), self.y.pixel(value))
        {
            raster.dot(x, y, layer);
        }
    }
}

/// What passed in a piece of time, in bits a second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    /// All of it.
    pub(super) all: i64,
    /// What had been sent before.
    again: i64,
}

/// Pieces of time in sight, a share of the columns each.
const RATES: i64 = 60;

pub(super) fn rates(series: &Series, low: i64, high: i64) -> Vec<Rate> {
    let span = high.saturating_sub(low).max(1);
    let mut octets = vec![(0_i64, 0_i64); RATES as usize];
    let sent = between(&series.segments, low, high);
    for each in sent.iter().filter(|each| (low..=high).contains(&each.at)) {
        let place =
            i128::from(each.at - low) * i128::from(RATES) / i128::from(span.saturating_add(1));
        if let Some((all, again)) = octets.get_mut(place as usize) {
            let len = each.high.saturating_sub(each.low);
            *all = all.saturating_add(len);
            if each.again {
                *again = again.saturating_add(len);
            }
        }
    }
    let nanos = i128::from((span / RATES).max(1));
    let rate = |octets: i64| {
        let bits = i128::from(octets) * 8 * 1_000_000_000 / nanos;
        i64::try_from(bits).unwrap_or(i64::MAX)
    };
    let pieces = octets.into_iter();
    pieces
        .map(|(all, again)| Rate {
            all: rate(all),
            again: rate(again),
        })
        .collect()
}

/// Sequence numbers: what was sent, acknowledged, allowed and reported.
pub(super) fn sequence(series: &Series, plot: &Plot, raster: &mut Raster) {
    let (low, high) = (plot.x.low, plot.x.high);
    let told = between(&series.told, low, high);
    let edges = told.iter().filter_map(|each| Some((each.at, each.edge?)));
    plot.steps(edges, Layer::Window, raster);
    plot.steps(
        told.iter().map(|each| (each.at, each.ack)),
        Layer::Acknowledged,
        raster,
    );
    for (all, layer) in [
        (&series.segments, Layer::Sent),
        (&series.sacks, Layer::Sacked),
    ] {
        for each in between(all, low, high) {
            let (Some(x), Some((from, to))) =
                (plot.x.pixel(each.at), plot.stretch(each.low, each.high))
            else {
                continue;
            };
            raster.upright(x, from, to, layer);
            if let Some(sign) = each.sign {
                raster.mark(
                    x,
                    from + (to - from) / 2,
                    sign.letter,
                    sign.ink,
                    sign.weight,
                );
            }
        }
    }
    for each in told {
        if let (Some(sign), Some(x)) = (each.sign, plot.x.pixel(each.at)) {
            raster.mark(
                x,
                plot.y.clamped(each.ack),
                sign.letter,
                sign.ink,
                sign.weight,
            );
        }
    }
}

/// What passed in each piece of time.
pub(super) fn throughput(rates: &[Rate], plot: &Plot, raster: &mut Raster) {
    let across = raster.across();
    let count = rates.len().max(1);
    for x in 0..across {
        let Some(rate) = rates.get(x * count / across.max(1)) else {
            continue;
        };
        for (value, layer) in [(rate.all, Layer::Sent), (rate.again, Layer::Window)] {
            if value > 0 {
                // What was sent again lies over the rest.
                let top = plot.y.clamped(value);
                let layer = if layer == Layer::Window {
                    Layer::Sacked
                } else {
                    layer
                };
                raster.upright(x, 0, top, layer);
            }
        }
    }
}

/// Round trips, and what a sender would make of them.
pub(super) fn trips(series: &Series, plot: &Plot, raster: &mut Raster) {
    let mut smoothed: Option<i64> = None;
    let seen = between(&series.trips, plot.x.low, plot.x.high);
    let curve: Vec<_> = seen
        .iter()
        .map(|trip| {
            // RFC 6298 (2.3): alpha is 1/8.
            let next = smoothed.map_or(trip.nanos, |old| old + (trip.nanos - old) / 8);
            smoothed = Some(next);
            (trip.at, next)
        })
        .collect();
    plot.steps(curve.into_iter(), Layer::Acknowledged, raster);
    for trip in seen {
        if let (Some(x), Some(y)) = (plot.x.pixel(trip.at), plot.y.pixel(trip.nanos)) {
            raster.dot(x, y, Layer::Sent);
        }
    }
}

/// What was in flight, and what could have been.
pub(super) fn flight(series: &Series, plot: &Plot, raster: &mut Raster) {
    let seen = between(&series.flights, plot.x.low, plot.x.high);
    let windows = seen.iter().filter_map(|each| Some((each.at, each.window?)));
    plot.steps(windows, Layer::Window, raster);
    let inferred = seen
        .iter()
        .filter_map(|each| Some((each.at, each.congestion?)));
    plot.steps(inferred, Layer::Congestion, raster);
    plot.steps(
        seen.iter().map(|each| (each.at, each.octets)),
        Layer::Sent,
        raster,
    );
}
