//! Gaps in what the tap saw of a stream's sequence numbers, and how each ended.

use std::collections::VecDeque;

use super::resends::Revision;
use super::retransmission::Neighbour;
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
    /// Octets of it that have passed in retransmissions only.
    resent: i64,
    /// The packet that showed it: IP identification and TSval.
    by: (Option<u32>, Option<u32>),
    verdict: Verdict,
}

/// The gaps of one sender that may still be filled, oldest first. Bounded.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    list: VecDeque<Gap>,
    /// Those that retransmissions filled, whose originals may yet come.
    mended: VecDeque<Gap>,
}

/// Gaps kept at most.
const MOST: usize = 256;
/// … of those that were filled.
const MENDED: usize = 32;

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

    /// `start..end` was skipped, as a packet with this IP identification and TSval showed.
    pub fn open(
        &mut self,
        (frame, time): (u64, Timestamp),
        (start, end): (i64, i64),
        by: (Option<u32>, Option<u32>),
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
            resent: 0,
            by,
            verdict,
        });
    }

    /// The packet that first showed the gap that holds `position`.
    pub fn opened(&self, position: i64, now: Timestamp) -> Option<Neighbour> {
        self.list
            .iter()
            .find(|gap| (gap.start..gap.end).contains(&position))
            .map(|gap| Neighbour {
                frame: gap.frame,
                ip_id: gap.by.0,
                tsval: gap.by.1,
                ago: now - gap.time,
            })
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
            if resent {
                gap.resent += filled;
            }
            if gap.left > 0 {
                return true;
            }
            let resolution = if gap.resent > 0 {
                Resolution::Lost
            } else {
                Resolution::FilledLate
            };
            gap.resolve(resolution, frame, &mut revise);
            if gap.resent > 0 {
                if self.mended.len() >= MENDED {
                    self.mended.pop_front();
                }
                self.mended.push_back(*gap);
            }
            false
        });
    }

    /// The original of `start..end` passed after its retransmission: it was not lost.
    pub fn overtaken(
        &mut self,
        start: i64,
        end: i64,
        frame: u64,
        mut revise: impl FnMut(Revision),
    ) {
        for gap in self.list.iter_mut().chain(&mut self.mended) {
            gap.resent -= (end.min(gap.end) - start.max(gap.start)).clamp(0, gap.resent);
            if gap.left == 0 && gap.resent == 0 {
                gap.resolve(Resolution::FilledLate, frame, &mut revise);
            }
        }
        self.mended.retain(|gap| gap.resent > 0);
    }

    /// Everything below `ack` is acknowledged: what was not seen of it never will be, unless the
    /// capture is late.
    pub fn acknowledge(&mut self, ack: i64, frame: u64, mut revise: impl FnMut(Revision)) {
        for gap in &mut self.list {
            if gap.end <= ack && gap.verdict.resolution.is_none() {
                let resolution = if gap.resent > 0 {
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
        (self.list.capacity() + self.mended.capacity()) * size_of::<Gap>()
    }

    /// Forgets everything; keeps its memory.
    pub fn clear(&mut self) {
        self.list.clear();
        self.mended.clear();
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

#[cfg(test)]
mod tests {
    use super::super::rule::Rule;
    use super::super::verdict::{Confidence, Kind};
    use super::*;
    use Resolution::{FilledLate, Lost, NeverCaptured};
    use Step::{Acked, Late, Resent};
    use proptest::prelude::*;

    /// What happens after octets 1000..2000 were skipped in frame 10.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Late(i64, i64),
        Resent(i64, i64),
        Acked(i64),
    }

    fn skipped(gaps: &mut Gaps, frame: u64, start: i64, end: i64) {
        let verdict = Verdict::new(Kind::Gap, Rule::Skipped, Confidence::Likely);
        let time = Timestamp::from_nanos(frame as i64);
        gaps.open((frame, time), (start, end), (None, None), verdict);
    }

    fn take(gaps: &mut Gaps, step: Step, frame: u64, revise: impl FnMut(Revision)) {
        match step {
            Late(start, end) => gaps.fill(start, end, false, frame, revise),
            Resent(start, end) => gaps.fill(start, end, true, frame, revise),
            Acked(ack) => gaps.acknowledge(ack, frame, revise),
        }
    }

    #[test]
    fn how_each_gap_ended() {
        // Steps, in frames 20, 21, …; what is said in which frame; whether it may still change.
        type Row = (&'static [Step], &'static [(u64, Resolution)], bool);
        #[rustfmt::skip]
        let table: &[Row] = &[
            // Filled at once, in parts, or by more than it is.
            (&[Late(1000, 2000)],                          &[(20, FilledLate)], false),
            (&[Resent(1000, 2000)],                        &[(20, Lost)], false),
            (&[Late(500, 2500)],                           &[(20, FilledLate)], false),
            (&[Late(1500, 2000), Late(1000, 1500)],        &[(21, FilledLate)], false),
            (&[Resent(1500, 2000), Late(1000, 1500)],      &[(21, Lost)], false),
            (&[Late(1000, 1500), Resent(1500, 2000)],      &[(21, Lost)], false),
            (&[Resent(0, 1000), Resent(2000, 3000), Late(1000, 2000)], &[(22, FilledLate)], false),
            // Not filled by what lies beside it, nor by all but an octet.
            (&[Late(0, 1000), Late(2000, 3000)],           &[], true),
            (&[Late(1000, 1999)],                          &[], true),
            // Acknowledged: all of it, to its last octet.
            (&[Acked(2000)],                               &[(20, NeverCaptured)], true),
            (&[Acked(1999)],                               &[], true),
            (&[Late(1000, 1500), Acked(2000)],             &[(21, NeverCaptured)], true),
            (&[Resent(1000, 1500), Acked(2000)],           &[(21, Lost)], true),
            // Told once.
            (&[Acked(2000), Acked(3000)],                  &[(20, NeverCaptured)], true),
            // Captured after all; what stays the same is not told again.
            (&[Acked(2000), Late(1000, 2000)],             &[(20, NeverCaptured), (21, FilledLate)], false),
            (&[Acked(2000), Resent(1000, 2000)],           &[(20, NeverCaptured), (21, Lost)], false),
            (&[Acked(2000), Late(1000, 1500)],             &[(20, NeverCaptured)], true),
            (&[Resent(1000, 1500), Acked(2000), Late(1500, 2000)], &[(21, Lost)], false),
        ];
        for (steps, said, open) in table {
            let mut gaps = Gaps::default();
            skipped(&mut gaps, 10, 1000, 2000);
            let mut revisions = Vec::new();
            for (frame, &step) in (20..).zip(*steps) {
                take(&mut gaps, step, frame, |revision| revisions.push(revision));
            }
            let told: Vec<(u64, Resolution)> = (revisions.iter())
                .filter_map(|told| told.after.proof.settled.zip(told.after.resolution))
                .collect();
            assert_eq!(told, *said, "{steps:?}");
            assert_eq!(!gaps.is_empty(), *open, "{steps:?}");
            let mut last = None;
            for told in &revisions {
                assert_eq!(told.frame, 10);
                assert_eq!(told.before.resolution, last, "{steps:?}");
                last = told.after.resolution;
            }
        }
    }

    #[test]
    fn a_late_original_takes_the_loss_back() {
        let mut gaps = Gaps::default();
        skipped(&mut gaps, 10, 1000, 2000);
        let mut told = Vec::new();
        let mut hear = |revision: Revision| told.extend(revision.after.resolution);
        gaps.fill(1000, 2000, true, 20, &mut hear);
        gaps.overtaken(1000, 1400, 21, &mut hear);
        gaps.overtaken(1000, 1400, 22, &mut hear);
        assert_eq!(told, [Lost]);
        let mut told = Vec::new();
        gaps.overtaken(900, 2100, 23, |revision| {
            told.push((revision.before.resolution, revision.after.resolution))
        });
        assert_eq!(told, [(Some(Lost), Some(FilledLate))]);
        gaps.overtaken(1000, 2000, 24, |_| panic!("told once"));
    }

    #[test]
    fn one_segment_fills_several_gaps() {
        let mut gaps = Gaps::default();
        skipped(&mut gaps, 10, 1000, 2000);
        skipped(&mut gaps, 11, 3000, 4000);
        skipped(&mut gaps, 12, 5000, 6000);
        let mut told = Vec::new();
        gaps.fill(1000, 5500, true, 20, |revision| told.push(revision.frame));
        assert_eq!(told, [10, 11]);
        gaps.fill(5500, 6000, false, 21, |revision| {
            assert_eq!(revision.after.resolution, Some(Lost));
            told.push(revision.frame);
        });
        assert_eq!((told, gaps.count()), (vec![10, 11, 12], 0));
    }

    #[test]
    fn a_gap_is_found_by_its_octets_until_it_is_forgotten() {
        let mut gaps = Gaps::default();
        skipped(&mut gaps, 10, 1000, 2000);
        skipped(&mut gaps, 11, 3000, 4000);
        let frame = |gaps: &Gaps, position| {
            gaps.opened(position, Timestamp::default())
                .map(|by| by.frame)
        };
        let found = [999, 1000, 1999, 2000, 3000].map(|position| frame(&gaps, position));
        assert_eq!(found, [None, Some(10), Some(10), None, Some(11)]);
        gaps.forget_below(1999);
        assert_eq!(gaps.count(), 2);
        gaps.forget_below(2000);
        assert_eq!((frame(&gaps, 1500), frame(&gaps, 3500)), (None, Some(11)));
    }

    #[test]
    fn the_oldest_of_many_goes_first() {
        let mut gaps = Gaps::default();
        for at in 0..10_000 {
            skipped(&mut gaps, at as u64, at * 10, at * 10 + 5);
        }
        assert_eq!(gaps.count(), MOST);
        assert!(gaps.heap() <= 2 * MOST * size_of::<Gap>());
        let oldest = (10_000 - MOST as i64) * 10;
        assert!(
            gaps.opened(oldest, Timestamp::default()).is_some()
                && gaps.opened(oldest - 10, Timestamp::default()).is_none()
        );
        // What was let go keeps what was said of it.
        gaps.fill(0, oldest, true, 20_000, |_| panic!("forgotten"));
    }

    proptest! {
        #[test]
        fn a_gap_is_told_only_what_is_new(
            steps in proptest::collection::vec(
                prop_oneof![
                    (0..60_i64, 1..12_i64).prop_map(|(at, size)| Late(at, at + size)),
                    (0..60_i64, 1..12_i64).prop_map(|(at, size)| Resent(at, at + size)),
                    (0..60_i64).prop_map(Acked),
                ],
                0..40,
            )
        ) {
            let mut gaps = Gaps::default();
            let mut said = std::collections::BTreeMap::new();
            for at in 0..6 {
                skipped(&mut gaps, at as u64, at * 10, at * 10 + 4);
            }
            for (frame, step) in (100..).zip(steps) {
                let mut told = Vec::new();
                take(&mut gaps, step, frame, |revision| told.push(revision));
                for told in told {
                    let before = said.insert(told.frame, told.after.resolution).flatten();
                    prop_assert_eq!(told.before.resolution, before);
                    prop_assert_ne!(told.after.resolution, before);
                    // Once lost, for ever.
                    prop_assert_ne!(before, Some(Lost));
                }
            }
        }
    }
}
