//! Retransmissions that passed, and whether each was needed: what later acknowledgments, SACKs,
//! DSACKs and late originals say of them.

use std::collections::VecDeque;

use super::departure::before;
use super::range_set::RangeSet;
use super::rule::Rule;
use super::verdict::{Confidence, Need, Trigger, Verdict};
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
            } else if told.in_order && told.ack > each.end && told.ack < told.sent_end && timer {
                (Need::Spurious, Rule::CarriedByLaterData)
            } else {
                (Need::Needed, Rule::AcknowledgedInTime)
            };
            each.conclude(need, rule, told.frame, &mut revise);
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
        each.conclude(Need::Spurious, Rule::DsackReported, told.frame, &mut revise);
        if copy {
            return true;
        }
        // Those before it of the same octets, on which nothing was reported: the reports may have
        // been lost with the acknowledgments.
        for each in self.list.iter_mut().take(found) {
            if each.start < end && start < each.end && !each.settled {
                each.settled = true;
                self.open -= 1;
                each.conclude(
                    Need::Spurious,
                    Rule::CarriedByLaterData,
                    told.frame,
                    &mut revise,
                );
            }
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
            each.conclude(
                Need::Spurious,
                Rule::OriginalArrivedLater,
                frame,
                &mut revise,
            );
        }
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
    fn conclude(&mut self, need: Need, rule: Rule, frame: u64, revise: &mut impl FnMut(Revision)) {
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
        if verdict.confidence == Confidence::Certain {
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
