//! Gaps in what the tap saw of a stream's sequence numbers, and how each ended.

use std::collections::VecDeque;

use super::resends::Revision;
use super::verdict::{Resolution, Verdict};
use crate::time::Timestamp;

/// Sequence numbers that were skipped.
#[derive(Clone, Copy, Debug)]
struct Gap {
    frame: u64,
    time: Timestamp,
    start: i64,
    end: i64,
    /// Octets of it not seen yet.
    left: i64,
    /// Whether a retransmission filled some of it.
    resent: bool,
    verdict: Verdict,
}

/// The gaps of one sender that may still be filled, oldest first. Bounded.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    list: VecDeque<Gap>,
}

/// Gaps kept at most.
const MOST: usize = 256;

impl Gaps {
    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// `start..end` was skipped.
    pub fn open(
        &mut self,
        (frame, time): (u64, Timestamp),
        (start, end): (i64, i64),
        verdict: Verdict,
    ) {
        if self.list.len() >= MOST {
            self.list.pop_front();
        }
        self.list.push_back(Gap {
            frame,
            time,
            start,
            end,
            left: end - start,
            resent: false,
            verdict,
        });
    }

    /// When the gap that holds `position` was first seen, and in which frame.
    pub fn opened(&self, position: i64) -> Option<(Timestamp, u64)> {
        self.list
            .iter()
            .find(|gap| (gap.start..gap.end).contains(&position))
            .map(|gap| (gap.time, gap.frame))
    }

    /// Octets of `start..end`, never seen before, passed now.
    pub fn fill(
        &mut self,
        start: i64,
        end: i64,
        resent: bool,
        frame: u64,
        mut revise: impl FnMut(Revision),
    ) {
        self.list.retain_mut(|gap| {
            let filled = end.min(gap.end) - start.max(gap.start);
            if filled <= 0 {
                return true;
            }
            gap.left -= filled;
            gap.resent |= resent;
            if gap.left > 0 {
                return true;
            }
            let resolution = if gap.resent {
                Resolution::Lost
            } else {
                Resolution::FilledLate
            };
            gap.resolve(resolution, frame, &mut revise);
            false
        });
    }

    /// Everything below `ack` is acknowledged: what was not seen of it never will be, unless the
    /// capture is late.
    pub fn acknowledge(&mut self, ack: i64, frame: u64, mut revise: impl FnMut(Revision)) {
        for gap in &mut self.list {
            if gap.end <= ack && gap.verdict.resolution.is_none() {
                let resolution = if gap.resent {
                    Resolution::Lost
                } else {
                    Resolution::NeverCaptured
                };
                gap.resolve(resolution, frame, &mut revise);
            }
        }
    }

    /// Forgets what ended long ago.
    pub fn forget_below(&mut self, position: i64) {
        while self.list.front().is_some_and(|gap| gap.end <= position) {
            self.list.pop_front();
        }
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        self.list.capacity() * size_of::<Gap>()
    }

    /// Forgets everything; keeps its memory.
    pub fn clear(&mut self) {
        self.list.clear();
    }
}

impl Gap {
    fn resolve(&mut self, resolution: Resolution, frame: u64, revise: &mut impl FnMut(Revision)) {
        if self.verdict.resolution == Some(resolution) {
            return;
        }
        let before = self.verdict;
        self.verdict.resolution = Some(resolution);
        self.verdict.proof.settled = Some(frame);
        revise(Revision {
            frame: self.frame,
            before,
            after: self.verdict,
        });
    }
}
