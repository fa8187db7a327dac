//! Which congestion control explains what the flight did at losses.
//!
//! | algorithm | flight after a reduction | source |
//! | --- | --- | --- |
//! | Reno | half | RFC 5681 section 3.1, equation 4 |
//! | CUBIC | 0.7 | RFC 9438 section 4.6 |
//! | BBR | as before, within its gain cycle | draft-ietf-ccwg-bbr |

use super::{Algorithm, Reduction};

/// The sum of what each algorithm leaves unexplained.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fit {
    cost: [f64; 3],
    /// The worst that one reduction counted against BBR.
    exception: f64,
    /// Reductions that were looked at.
    pub(super) usable: u32,
    /// Flight fell without a loss while the rate did not (the drain of BBR).
    pub(super) drained: bool,
    /// Whether the peer would say what it received twice: without, a reduction that the sender
    /// took back (RFC 4015) looks like none.
    pub(super) sack: bool,
}

const CANDIDATES: [Algorithm; 3] = [Algorithm::Reno, Algorithm::Cubic, Algorithm::Bbr];

impl Fit {
    /// Takes a reduction in, if it tells the algorithms apart.
    pub(super) fn take(&mut self, reduction: &Reduction) {
        /// Below this, rounding makes a half and 0.7 too much alike.
        const SMALLEST: f64 = 9.0;
        /// The most that one reduction counts against an algorithm: any may be an exception.
        const MOST: f64 = 9.0;
        let Some((before, after)) = reduction.usable() else {
            return;
        };
        if before < SMALLEST {
            return;
        }
        self.usable += 1;
        for (cost, candidate) in self.cost.iter_mut().zip(CANDIDATES) {
            let off = match candidate {
                Algorithm::Reno => after - (before * 0.5).floor(),
                Algorithm::Cubic => after - (before * 0.7).floor(),
                // The flight may be larger after, too.
                _ => (after - before * 0.95).min(0.0),
            };
            let unit = (before * 0.06).max(1.0);
            let this = (off / unit).powi(2).min(MOST);
            *cost += this;
            if candidate == Algorithm::Bbr {
                self.exception = self.exception.max(this);
            }
        }
    }

    /// The one that fits, if one does and no other nearly as well.
    pub(super) fn best(&self) -> Algorithm {
        /// Fewer may be chance.
        const FEWEST: u32 = 2;
        const GOOD: f64 = 3.0;
        const APART: f64 = 1.5;
        if self.usable < FEWEST {
            return if self.drained {
                Algorithm::Bbr
            } else {
                Algorithm::Unknown
            };
        }
        let mut ranked = CANDIDATES.map(|each| (self.mean(each), each));
        ranked.sort_by(|one, two| one.0.total_cmp(&two.0));
        let [(best, algorithm), (second, _), _] = ranked;
        let blind = algorithm == Algorithm::Bbr && !self.sack;
        if best < GOOD && second - best > APART && !blind {
            algorithm
        } else {
            Algorithm::Unknown
        }
    }

    /// What an algorithm leaves unexplained per reduction.
    fn mean(&self, algorithm: Algorithm) -> f64 {
        let [reno, cubic, bbr] = self.cost;
        let usable = f64::from(self.usable.max(1));
        match algorithm {
            Algorithm::Reno => reno / usable,
            Algorithm::Cubic => cubic / usable,
            // Once it drains what its startup queued, which may begin at a loss.
            _ if self.usable > 2 => (bbr - self.exception) / (usable - 1.0),
            _ => bbr / usable,
        }
    }
}
