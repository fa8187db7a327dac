//! Retransmissions that passed, and whether each was needed: what later acknowledgments, SACKs,
//! DSACKs and late originals say of them.

use std::collections::VecDeque;

use super::departure::before;
use super::range_set::RangeSet;
use super::rule::Rule;
use super::verdict::{Confidence, Lost, Need, Trigger, Verdict};
use crate::time::{Span, Timestamp};

/// A retransmission, or a copy made on the way.
#[derive(Clone, Copy, Debug)]
pub struct Resend {
    /// Its frame.
    pub frame: u64,
    /// First position.
    pub start: i64,
    /// Position after its last octet.
    pub end: i64,
    /// When it passed.
    pub time: Timestamp,
    /// Its TSval.
    pub tsval: Option<u32>,
    /// Its IP identification.
    pub ip_id: Option<u32>,
    /// What is said of it; `None` for a copy, which may bring a DSACK too.
    pub verdict: Option<Verdict>,
    /// Whether an acknowledgment has settled it, which a DSACK may still revise.
    pub settled: bool,
    /// Whether a DSACK was laid to it.
    pub reported: bool,
}

/// An acknowledgment, as far as it tells of retransmissions.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Its frame.
    pub frame: u64,
    /// When it passed.
    pub time: Timestamp,
    /// SND.UNA before it.
    pub una: i64,
    /// What it acknowledges up to.
    pub ack: i64,
    /// TSecr.
    pub echo: Option<u32>,
    /// The shortest round trip between tap and receiver known.
    pub round_trip: Option<Span>,
    /// Up to where its receiver had sent.
    pub sent_end: i64,
    /// Whether nothing had said that anything arrived out of order.
    pub in_order: bool,
    /// Whether the network is known to copy packets.
    pub copies: bool,
}

/// A verdict that is now another.
#[derive(Clone, Copy, Debug)]
pub struct Revision {
    /// The frame that was judged.
    pub frame: u64,
    /// What was said of it.
    pub before: Verdict,
    /// What is said now.
    pub after: Verdict,
}

/// The retransmissions of one sender that may still be revised, oldest first. Bounded: the oldest
/// keeps what was said of it.
#[derive(Clone, Debug, Default)]
pub struct Resends {
    list: VecDeque<Resend>,
    /// How many are not settled.
    open: u32,
}

/// A round trip shorter than this is the receiver's own time: it tells nothing.
const TELLING: Span = Span::from_millis(1);
/// Retransmissions kept at most.
const MOST: usize = 512;
/// … of them, those that an acknowledgment has settled, which a DSACK or a late original may revise.
const KEPT: usize = 48;

impl Resends {
    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether an acknowledgment may settle something.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.open > 0
    }

    /// Remembers one.
    pub fn push(&mut self, resend: Resend) {
        while self.list.len() >= MOST
            || (self.list.len() >= KEPT && self.list.front().is_some_and(|old| old.settled))
        {
            if let Some(old) = self.list.pop_front()
                && !old.settled
            {
                self.open -= 1;
            }
        }
        if self.list.len() == self.list.capacity() {
            let room = if self.list.capacity() == 0 { 2 } else { KEPT };
            self.list.reserve_exact(room);
        }
        self.open += u32::from(!resend.settled);
        self.list.push_back(resend);
    }

    /// The last transmission remembered that holds the octet at `position`.
    pub fn last_of(&self, position: i64) -> Option<&Resend> {
        self.list
            .iter()
            .rev()
            .find(|each| each.start <= position && position < each.end && each.verdict.is_some())
    }

    /// An acknowledgment or SACK: settles those it covers.
    pub fn acknowledge(
        &mut self,
        told: &Told,
        sacked: &RangeSet,
        mut revise: impl FnMut(Revision),
    ) {
        // What was sent again together with it may be what arrived.
        let again = self.list.iter().filter(|each| each.verdict.is_some());
        let highest = again.map(|each| each.end).max();
        for each in self.list.iter_mut().filter(|each| !each.settled) {
            let covered = told.ack >= each.end
                || sacked.overlap(each.start, each.end) == each.end - each.start;
            if !covered {
                continue;
            }
            each.settled = true;
            self.open -= 1;
            let elapsed = told.time - each.time;
            let too_soon = told
                .round_trip
                .is_some_and(|least| least >= TELLING && elapsed < part(least, 3, 4));
            // What TSecr echoes is the segment at the left edge (RFC 7323 section 4.3).
            let at_edge = each.start <= told.una && told.una < each.end && told.ack >= each.end;
            let older = match (each.tsval, told.echo) {
                (Some(ours), Some(echo)) => at_edge && (echo.wrapping_sub(ours) as i32) < 0,
                _ => false,
            };
            let timer = each
                .verdict
                .is_some_and(|verdict| verdict.trigger_rule == Some(Rule::SilenceOfATimer));
            let (need, rule) = if too_soon {
                (Need::Spurious, Rule::AckedTooSoon)
            } else if older {
                (Need::Spurious, Rule::EchoOfTheOriginal)
            } else if told.in_order && Some(told.ack) > highest && told.ack < told.sent_end && timer
            {
                (Need::Spurious, Rule::CarriedByLaterData)
            } else {
                (Need::Needed, Rule::AcknowledgedInTime)
            };
            each.conclude((need, rule), false, told.frame, &mut revise);
        }
    }

    /// A DSACK of `left..right`: the last retransmission that can have brought it, or a copy, was
    /// one too many. Answers whether one was found.
    pub fn report(
        &mut self,
        left: i64,
        right: i64,
        told: &Told,
        mut revise: impl FnMut(Revision),
    ) -> bool {
        let least = told
            .round_trip
            .map_or(Span::ZERO, |least| part(least, 3, 4));
        let fits = |each: &Resend| {
            each.start < right
                && left < each.end
                && !each.reported
                && told.time - each.time >= least
        };
        let Some(found) = self.list.iter().rposition(fits) else {
            return false;
        };
        let Some(each) = self.list.get_mut(found) else {
            return false;
        };
        each.reported = true;
        let (start, end) = (each.start, each.end);
        if !each.settled {
            each.settled = true;
            self.open -= 1;
        }
        let copy = each.verdict.is_none();
        // A copy of it, made behind the tap, is reported in the same way.
        let doubtful = told.copies;
        let reported = (Need::Spurious, Rule::DsackReported);
        each.conclude(reported, doubtful, told.frame, &mut revise);
        if copy {
            return true;
        }
        // Those before it of the same octets, on which nothing was reported: the reports may have
        // been lost with the acknowledgments. The first of them may be the one that arrived; it
        // was, where its receiver had asked for it.
        let mut first = true;
        for each in self.list.iter_mut().take(found) {
            if each.start >= end || start >= each.end {
                continue;
            }
            let asked = first
                && each.verdict.is_some_and(|verdict| {
                    matches!(
                        verdict.trigger_rule,
                        Some(Rule::AskedBySack | Rule::AskedByDuplicateAcks)
                    )
                });
            first = false;
            if each.settled {
                continue;
            }
            each.settled = true;
            self.open -= 1;
            let concluded = if asked {
                (Need::Needed, Rule::HoleStayed)
            } else {
                (Need::Spurious, Rule::CarriedByLaterData)
            };
            each.conclude(concluded, !asked, told.frame, &mut revise);
        }
        true
    }

    /// The retransmission in `frame` had been sent by the timer, not as a probe.
    pub fn was_timeout(&mut self, frame: u64, mut revise: impl FnMut(Revision)) {
        let found = self.list.iter_mut().find(|each| each.frame == frame);
        if let Some(verdict) = found.and_then(|each| each.verdict.as_mut()) {
            let before = *verdict;
            verdict.trigger = Some(Trigger::Timeout);
            verdict.trigger_rule = Some(Rule::SlowStartAfterIt);
            revise(Revision {
                frame,
                before,
                after: *verdict,
            });
        }
    }

    /// The original of `start..end` had been damaged when it passed: for its first retransmission
    /// it was lost before the tap.
    pub fn original_was_damaged(&mut self, start: i64, end: i64, mut revise: impl FnMut(Revision)) {
        let of_it =
            |each: &&mut Resend| each.verdict.is_some() && each.start < end && start < each.end;
        let Some(first) = self.list.iter_mut().find(of_it) else {
            return;
        };
        if let Some(verdict) = &mut first.verdict
            && verdict.lost == Some(Lost::AfterTap)
        {
            let before = *verdict;
            verdict.lost = Some(Lost::BeforeTap);
            revise(Revision {
                frame: first.frame,
                before,
                after: *verdict,
            });
        }
    }

    /// The original of `start..end` passed now, in a packet with this TSval and identification:
    /// retransmissions of it that passed before were needless.
    pub fn overtaken(
        &mut self,
        (start, end): (i64, i64),
        ip_id: Option<u32>,
        tsval: Option<u32>,
        frame: u64,
        mut revise: impl FnMut(Revision),
    ) {
        for each in &mut self.list {
            if each.start >= end || start >= each.end || each.verdict.is_none() {
                continue;
            }
            let by_id = before(ip_id, each.ip_id);
            let by_time = tsval
                .zip(each.tsval)
                .map(|(ours, theirs)| (theirs.wrapping_sub(ours) as i32) > 0);
            if by_id.or(by_time) != Some(true) {
                continue;
            }
            if !each.settled {
                each.settled = true;
                self.open -= 1;
            }
            let late = (Need::Spurious, Rule::OriginalArrivedLater);
            each.conclude(late, false, frame, &mut revise);
        }
    }

    /// Keeps the last few only.
    pub fn abridge(&mut self) {
        /// A report comes within a round trip or so.
        const LAST: usize = 8;
        let most = self.list.len().saturating_sub(LAST);
        let gone = self.list.drain(..most).filter(|old| !old.settled).count();
        self.open -= gone as u32;
        self.list.shrink_to_fit();
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        self.list.capacity() * size_of::<Resend>()
    }

    /// Forgets everything; keeps its memory.
    pub fn clear(&mut self) {
        self.list.clear();
        self.open = 0;
    }
}

impl Resend {
    fn conclude(
        &mut self,
        (need, rule): (Need, Rule),
        doubtful: bool,
        frame: u64,
        revise: &mut impl FnMut(Revision),
    ) {
        let Some(verdict) = &mut self.verdict else {
            return;
        };
        if verdict.need == Some(need) || verdict.need == Some(Need::Spurious) {
            return;
        }
        let before = *verdict;
        verdict.need = Some(need);
        verdict.need_rule = Some(rule);
        verdict.proof.settled = Some(frame);
        if need == Need::Spurious {
            verdict.lost = None;
        }
        if doubtful {
            verdict.confidence = Confidence::Ambiguous;
        } else if verdict.confidence == Confidence::Certain {
            verdict.confidence = Confidence::Likely;
        }
        revise(Revision {
            frame: self.frame,
            before,
            after: *verdict,
        });
    }
}

/// `of` times `numerator`/`denominator`; saturates.
pub(super) const fn part(of: Span, numerator: i64, denominator: i64) -> Span {
    Span::from_nanos((of.as_nanos() / denominator).saturating_mul(numerator))
}

#[cfg(test)]
mod tests {
    use super::super::verdict::Kind;
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    /// Octets 1000..2000, sent again by the timer in frame 10, at 10 ms, with TSval 10 and
    /// identification 10.
    fn resend() -> Resend {
        resend_in(10)
    }

    fn resend_in(frame: u32) -> Resend {
        let verdict = Verdict::new(Kind::Retransmission, Rule::SeenBefore, Confidence::Certain);
        Resend {
            frame: frame.into(),
            start: 1000,
            end: 2000,
            time: at(frame.into()),
            tsval: Some(frame),
            ip_id: Some(frame),
            verdict: Some(Verdict {
                trigger: Some(Trigger::Timeout),
                trigger_rule: Some(Rule::SilenceOfATimer),
                lost: Some(Lost::AfterTap),
                ..verdict
            }),
            settled: false,
            reported: false,
        }
    }

    /// The same packet, copied on its way in this frame.
    fn copy_in(frame: u32) -> Resend {
        Resend {
            verdict: None,
            settled: true,
            ..resend_in(frame)
        }
    }

    /// An acknowledgment of the octets in frame 40, at 40 ms; the round trip is 20 ms.
    fn told() -> Told {
        Told {
            frame: 40,
            time: at(40),
            una: 1000,
            ack: 2000,
            echo: None,
            round_trip: Some(Span::from_millis(20)),
            sent_end: 5000,
            in_order: false,
            copies: false,
        }
    }

    fn list(of: &[Resend]) -> Resends {
        let mut resends = Resends::default();
        for &each in of {
            resends.push(each);
        }
        resends
    }

    /// What was said of which frame, and by which rule.
    #[derive(Default)]
    struct Said(Vec<(u64, Need, Rule)>);

    impl Said {
        fn hear(&mut self, revision: Revision) {
            let Revision {
                frame,
                before,
                after,
            } = revision;
            let (need, rule) = after.need.zip(after.need_rule).expect("a need");
            assert_ne!(before.need, Some(need));
            assert_ne!(before.need, Some(Need::Spurious), "never taken back");
            assert_eq!(after.lost.is_none(), need == Need::Spurious);
            assert_ne!(after.confidence, Confidence::Certain);
            self.0.push((frame, need, rule));
        }
    }

    fn acknowledge(resends: &mut Resends, told: &Told) -> Vec<(u64, Need, Rule)> {
        let mut said = Said::default();
        resends.acknowledge(told, &RangeSet::default(), |revision| said.hear(revision));
        said.0
    }

    fn report(
        resends: &mut Resends,
        left: i64,
        right: i64,
        told: &Told,
    ) -> (bool, Vec<(u64, Need, Rule)>) {
        let mut said = Said::default();
        let found = resends.report(left, right, told, |revision| said.hear(revision));
        (found, said.0)
    }

    #[test]
    fn the_first_that_was_asked_for_was_needed_whatever_is_reported() {
        let asked = Resend {
            verdict: resend().verdict.map(|verdict| Verdict {
                trigger_rule: Some(Rule::AskedBySack),
                ..verdict
            }),
            ..resend()
        };
        let mut resends = list(&[asked, resend_in(11)]);
        let (found, said) = report(&mut resends, 1000, 2000, &told());
        assert!(found);
        let reported = (11, Need::Spurious, Rule::DsackReported);
        assert_eq!(said, [reported, (10, Need::Needed, Rule::HoleStayed)]);
    }

    #[test]
    fn a_damaged_original_was_lost_before_the_tap() {
        let mut resends = list(&[resend(), resend_in(11)]);
        let mut said = Vec::new();
        for _ in 0..2 {
            let hear = |told: Revision| said.push((told.frame, told.after.lost));
            resends.original_was_damaged(1000, 2000, hear);
        }
        assert_eq!(said, [(10, Some(Lost::BeforeTap))]);
    }

    #[test]
    fn what_an_acknowledgment_says() {
        use Rule::{AckedTooSoon, AcknowledgedInTime, CarriedByLaterData, EchoOfTheOriginal};
        type Row = (Resend, Told, &'static [(i64, i64)], Option<Rule>);
        let fast = Resend {
            verdict: resend().verdict.map(|verdict| Verdict {
                trigger_rule: Some(Rule::AskedBySack),
                ..verdict
            }),
            ..resend()
        };
        let wrapped = Resend {
            tsval: Some(1),
            ..resend()
        };
        let carried = Told {
            in_order: true,
            ack: 2001,
            ..told()
        };
        let near = |time| Told {
            time,
            round_trip: Some(TELLING),
            ..told()
        };
        #[rustfmt::skip]
        let table: &[Row] = &[
            // Covered to the last octet.
            (resend(), told(), &[], Some(AcknowledgedInTime)),
            (resend(), Told { ack: 1999, ..told() }, &[], None),
            (resend(), Told { ack: 1000, ..told() }, &[(1000, 2000)], Some(AcknowledgedInTime)),
            (resend(), Told { ack: 1000, ..told() }, &[(900, 1999)], None),
            (resend(), Told { ack: 1000, ..told() }, &[(1000, 1400), (1500, 2000)], None),
            (resend(), Told { ack: 1500, ..told() }, &[(1500, 2000)], None),
            // Sooner than three quarters of the round trip.
            (resend(), Told { time: at(24), ..told() }, &[], Some(AckedTooSoon)),
            (resend(), Told { time: at(25), ..told() }, &[], Some(AcknowledgedInTime)),
            (resend(), Told { time: at(24), round_trip: None, ..told() }, &[], Some(AcknowledgedInTime)),
            (resend(), near(at(10)), &[], Some(AckedTooSoon)),
            (resend(), Told { round_trip: Some(TELLING - Span::from_nanos(1)), ..near(at(10)) }, &[], Some(AcknowledgedInTime)),
            (resend(), Told { time: at(24), ack: 1000, ..told() }, &[(1000, 2000)], Some(AckedTooSoon)),
            // An echo of something older, and the segment is at the edge.
            (resend(), Told { echo: Some(9), ..told() }, &[], Some(EchoOfTheOriginal)),
            (resend(), Told { echo: Some(10), ..told() }, &[], Some(AcknowledgedInTime)),
            (resend(), Told { echo: Some(9), una: 999, ..told() }, &[], Some(AcknowledgedInTime)),
            (resend(), Told { echo: Some(9), una: 1999, ..told() }, &[], Some(EchoOfTheOriginal)),
            (resend(), Told { echo: Some(9), una: 2000, ..told() }, &[], Some(AcknowledgedInTime)),
            (resend(), Told { echo: Some(9), ack: 1000, ..told() }, &[(1000, 2000)], Some(AcknowledgedInTime)),
            (Resend { tsval: None, ..resend() }, Told { echo: Some(9), ..told() }, &[], Some(AcknowledgedInTime)),
            (wrapped, Told { echo: Some(u32::MAX), ..told() }, &[], Some(EchoOfTheOriginal)),
            // Together with later data, after a timeout, while nothing arrived out of order.
            (resend(), carried, &[], Some(CarriedByLaterData)),
            (resend(), Told { ack: 2000, ..carried }, &[], Some(AcknowledgedInTime)),
            (resend(), Told { ack: 5000, ..carried }, &[], Some(AcknowledgedInTime)),
            (resend(), Told { in_order: false, ..carried }, &[], Some(AcknowledgedInTime)),
            (fast, carried, &[], Some(AcknowledgedInTime)),
        ];
        for (resend, told, sacked, rule) in table {
            let mut ranges = RangeSet::default();
            for &(start, end) in *sacked {
                ranges.insert(start, end);
            }
            let mut resends = list(&[*resend]);
            let mut said = Said::default();
            resends.acknowledge(told, &ranges, |revision| said.hear(revision));
            let need = |rule| match rule {
                AcknowledgedInTime => Need::Needed,
                _ => Need::Spurious,
            };
            let should: Vec<_> = rule
                .map(|rule| (10, need(rule), rule))
                .into_iter()
                .collect();
            assert_eq!(said.0, should, "{told:?} {sacked:?}");
            assert_eq!(resends.is_open(), rule.is_none());
            // Told once.
            assert_eq!(acknowledge(&mut resends, told), [], "{told:?} again");
        }
    }

    #[test]
    fn a_dsack_is_laid_to_the_last_that_can_have_brought_it() {
        use Need::Spurious;
        let reported = |frame| (true, vec![(frame, Spurious, Rule::DsackReported)]);

        // Of the same octets, and long enough ago.
        for (left, right, time, found) in [
            (1000, 2000, 25, true),
            (1999, 3000, 25, true),
            (0, 1001, 25, true),
            (2000, 3000, 25, false),
            (0, 1000, 25, false),
            (1000, 2000, 24, false),
        ] {
            let told = Told {
                time: at(time),
                ..told()
            };
            let mut resends = list(&[resend()]);
            let should = if found {
                reported(10)
            } else {
                (false, Vec::new())
            };
            assert_eq!(report(&mut resends, left, right, &told), should);
            assert_eq!(resends.is_open(), !found);
        }
        assert_eq!(
            report(&mut Resends::default(), 1000, 2000, &told()),
            (false, Vec::new())
        );

        // What an acknowledgment called needed is revised.
        let mut resends = list(&[resend()]);
        assert_eq!(
            acknowledge(&mut resends, &told()),
            [(10, Need::Needed, Rule::AcknowledgedInTime)]
        );
        assert_eq!(report(&mut resends, 1000, 2000, &told()), reported(10));
        // One report, one retransmission.
        assert_eq!(
            report(&mut resends, 1000, 2000, &told()),
            (false, Vec::new())
        );

        // Each report finds another one; the last first.
        let mut resends = list(&[resend_in(10), resend_in(11)]);
        acknowledge(&mut resends, &told());
        assert_eq!(report(&mut resends, 1000, 2000, &told()), reported(11));
        assert_eq!(report(&mut resends, 1000, 2000, &told()), reported(10));

        // A second one too young to be it.
        let mut resends = list(&[resend_in(10), resend_in(30)]);
        let soon = report(&mut resends, 1000, 2000, &told());
        assert_eq!(soon, reported(10));
    }

    #[test]
    fn a_copy_takes_the_report_and_frees_the_retransmission() {
        let mut resends = list(&[resend_in(10), copy_in(11)]);
        assert_eq!(
            report(&mut resends, 1000, 2000, &told()),
            (true, Vec::new())
        );
        assert!(resends.is_open());
        assert_eq!(
            acknowledge(&mut resends, &told()),
            [(10, Need::Needed, Rule::AcknowledgedInTime)]
        );
    }

    #[test]
    fn a_report_settles_those_before_it_of_the_same_octets() {
        let above = Resend {
            start: 2000,
            end: 3000,
            ..resend_in(9)
        };
        let settled = Resend {
            settled: true,
            ..resend_in(8)
        };
        let below = Resend {
            start: 0,
            end: 1000,
            ..resend_in(7)
        };
        let mut resends = list(&[below, settled, above, resend_in(10), resend_in(11)]);
        let (found, said) = report(&mut resends, 1000, 2000, &told());
        assert!(found);
        assert_eq!(
            said,
            [
                (11, Need::Spurious, Rule::DsackReported),
                (10, Need::Spurious, Rule::CarriedByLaterData)
            ]
        );
        assert_eq!(resends.open, 2);
    }

    #[test]
    fn a_late_original_tells_of_what_overtook_it() {
        let needless = Resend {
            verdict: resend().verdict.map(|verdict| Verdict {
                need: Some(Need::Spurious),
                lost: None,
                ..verdict
            }),
            ..resend()
        };
        let unnumbered = Resend {
            ip_id: None,
            ..resend()
        };
        #[rustfmt::skip]
        let table = [
            // By identification, whatever the timestamp says.
            (resend(), (1000, 2000), Some(9), None, true),
            (resend(), (1000, 2000), Some(11), None, false),
            (resend(), (1000, 2000), Some(9), Some(11), true),
            (resend(), (1000, 2000), Some(11), Some(9), false),
            // By timestamp.
            (resend(), (1000, 2000), None, Some(9), true),
            (resend(), (1000, 2000), None, Some(10), false),
            (unnumbered, (1000, 2000), Some(11), Some(9), true),
            (resend(), (1000, 2000), None, None, false),
            // Of some of its octets.
            (resend(), (1999, 2001), Some(9), None, true),
            (resend(), (2000, 3000), Some(9), None, false),
            (resend(), (0, 1000), Some(9), None, false),
            // Neither a copy, nor told twice.
            (copy_in(10), (1000, 2000), Some(9), None, false),
            (needless, (1000, 2000), Some(9), None, false),
        ];
        for (resend, range, ip_id, tsval, revised) in table {
            let mut resends = list(&[resend]);
            let mut said = Said::default();
            resends.overtaken(range, ip_id, tsval, 50, |revision| {
                assert_eq!(revision.after.proof.settled, Some(50));
                said.hear(revision);
            });
            let should = if revised {
                vec![(10, Need::Spurious, Rule::OriginalArrivedLater)]
            } else {
                Vec::new()
            };
            assert_eq!(said.0, should, "{range:?} {ip_id:?} {tsval:?}");
        }

        // All that overtook it, settled or not.
        let settled = Resend {
            settled: true,
            ..resend_in(10)
        };
        let mut resends = list(&[settled, resend_in(11)]);
        let mut said = Said::default();
        resends.overtaken((1000, 2000), Some(9), None, 50, |revision| {
            said.hear(revision);
        });
        assert_eq!((said.0.len(), resends.is_open()), (2, false));
    }

    #[test]
    fn what_was_needless_stays_so() {
        let mut needless = resend();
        if let Some(verdict) = &mut needless.verdict {
            verdict.need = Some(Need::Spurious);
        }
        assert_eq!(acknowledge(&mut list(&[needless]), &told()), []);
    }

    #[test]
    fn what_was_no_probe_was_a_timeout() {
        let mut resends = list(&[resend_in(10), resend_in(11), copy_in(12)]);
        let mut told = Vec::new();
        for frame in [9, 12, 11] {
            resends.was_timeout(frame, |revision| told.push(revision));
        }
        let [revision] = &*told else {
            panic!("{told:?}");
        };
        assert_eq!(revision.frame, 11);
        assert_eq!(
            revision.before.trigger_rule,
            Some(Rule::SilenceOfATimer),
            "what was said before is kept"
        );
        assert_eq!(
            (revision.after.trigger, revision.after.trigger_rule),
            (Some(Trigger::Timeout), Some(Rule::SlowStartAfterIt))
        );
        // The need is another question.
        assert_eq!(revision.after.need, None);
        assert!(resends.is_open());
    }

    #[test]
    fn the_last_transmission_of_an_octet() {
        let above = Resend {
            start: 2000,
            end: 3000,
            ..resend_in(12)
        };
        let resends = list(&[resend_in(10), resend_in(11), above, copy_in(13)]);
        let frame = |position| resends.last_of(position).map(|resend| resend.frame);
        let found = [999, 1000, 1999, 2000, 2999, 3000].map(frame);
        assert_eq!(found, [None, Some(11), Some(11), Some(12), Some(12), None]);
    }

    #[test]
    fn the_oldest_of_many_keeps_what_was_said() {
        let mut resends = Resends::default();
        for frame in 0..5000 {
            resends.push(resend_in(frame));
        }
        assert_eq!((resends.list.len(), resends.open), (MOST, MOST as u32));
        assert_eq!(
            acknowledge(
                &mut resends,
                &Told {
                    time: at(6000),
                    ..told()
                }
            )
            .len(),
            MOST
        );

        assert!(resends.heap() <= (MOST + KEPT) * size_of::<Resend>());
        assert!(list(&[resend()]).heap() < KEPT * size_of::<Resend>());

        // Settled ones give way sooner.
        resends.push(resend_in(5000));
        assert_eq!((resends.list.len(), resends.open), (KEPT, 1));
        resends.clear();
        assert!(resends.is_empty() && !resends.is_open());
    }

    proptest! {
        #[test]
        fn any_history_is_bounded_and_told_once(
            steps in proptest::collection::vec(
                (0..6_u8, 0..40_i64, 1..8_i64, 0..50_u32),
                0..800,
            )
        ) {
            let mut resends = Resends::default();
            let mut said = std::collections::BTreeMap::<u64, Verdict>::new();
            for (frame, (what, start, size, number)) in (0..).zip(steps) {
                let end = start + size;
                let told = Told {
                    frame,
                    time: at(frame as i64),
                    una: start,
                    ack: end,
                    echo: Some(number),
                    round_trip: (number > 25).then(|| Span::from_millis(number.into())),
                    sent_end: end + 3,
                    in_order: number > 10,
                    copies: number > 30,
                };
                let mut revisions = Vec::new();
                let hear = |revision| revisions.push(revision);
                match what {
                    0 => resends.acknowledge(&told, &RangeSet::default(), hear),
                    1 => {
                        resends.report(start, end, &told, hear);
                    }
                    2 => resends.overtaken((start, end), Some(number), None, frame, hear),
                    3 => resends.was_timeout(frame.saturating_sub(number.into()), hear),
                    _ => {
                        let made = if what == 4 { copy_in(number) } else { resend_in(number) };
                        resends.push(Resend { frame, start, end, time: at(frame as i64), ..made });
                    }
                }
                for told in revisions {
                    if let Some(last) = said.insert(told.frame, told.after) {
                        prop_assert_eq!(told.before, last);
                    }
                    let taken_back = told.before.need == Some(Need::Spurious)
                        && told.after.need != told.before.need;
                    prop_assert!(!taken_back);
                    prop_assert_eq!(told.after.lost.is_none(), told.after.need == Some(Need::Spurious));
                }
                let open = resends.list.iter().filter(|each| !each.settled).count();
                prop_assert_eq!(resends.open as usize, open);
                prop_assert!(resends.list.len() <= MOST);
            }
        }
    }
}
