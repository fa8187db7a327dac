//! The flight of one sender, round trip by round trip.

use super::fit::Fit;
use super::heard::{Heard, News, window};
use super::{Cause, Inferred, Limit, Reduction, Round, Sending, SlowStart, SlowStartExit};
use crate::time::{Span, Timestamp};

/// A round trip that goes on.
#[derive(Clone, Copy, Debug, Default)]
struct Current {
    began: Timestamp,
    /// SND.UNA, as the sender knew it then.
    una: i64,
    /// The end of its first segment.
    end: i64,
    /// Most octets in flight.
    flight: i64,
    /// Whether that used up the peer's window.
    full: bool,
    /// Whether the sender ran out of data.
    ran_out: bool,
}

/// A round trip that is over, as the next needs it.
#[derive(Clone, Copy, Debug, Default)]
struct Past {
    flight: i64,
    limit: Limit,
}

/// What is going on after a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// Until the position is acknowledged.
    Recovery { until: i64 },
    /// The round trip after it.
    After,
}

/// What was sent between a timeout and the next acknowledgment.
#[derive(Clone, Copy, Debug)]
struct Burst {
    una: i64,
    octets: u32,
    which: u32,
}

/// Growth of the flight outside slow start and recovery.
#[derive(Clone, Copy, Debug, Default)]
struct Growth {
    octets: i64,
    trips: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Tracker {
    heard: Heard,
    /// First position of data.
    first: i64,
    /// Whether what came before the first acknowledgment of data was seen.
    beginning: bool,
    /// Octets of a full segment.
    segment: u32,
    /// Octets of the first flight; whether it has ended and with more data waiting.
    initial: i64,
    initial_done: Option<bool>,
    /// Whether it may have been held back by something else than the initial window.
    initial_held: bool,
    /// Whether the last segment was not full.
    short: bool,
    /// Whether it used up the peer's window.
    full: bool,
    /// SND.NXT.
    next: i64,
    last_sent: Timestamp,
    current: Current,
    past: Past,
    phase: Phase,
    burst: Option<Burst>,
    slow_start: SlowStart,
    /// Round trips in a row that it grew little in.
    slow_trips: u32,
    /// The shortest round trip.
    shortest: Span,
    /// Best octets per second, and the most in flight, before any reduction.
    best_rate: f64,
    peak: i64,
    /// Round trips in a row with much less in flight than that, at the same rate.
    low_trips: u32,
    rounds: [Round; Inferred::ROUNDS],
    rounds_len: usize,
    /// Round trips per step of `rounds`.
    grain: u32,
    trips: u32,
    limited: [u32; 4],
    reductions: [Option<Reduction>; Inferred::REDUCTIONS],
    reductions_seen: u32,
    fit: Fit,
    growth: Growth,
}

const NO_ROUND: Round = Round {
    began: Timestamp::from_nanos(0),
    lasted: Span::ZERO,
    flight: 0,
    trips: 0,
    limit: Limit::Congestion,
};

impl Tracker {
    /// Data began at position `first`; at `time` everything below `una` was acknowledged, and the
    /// sender knows.
    pub(super) fn new(first: i64, time: Timestamp, una: i64, edge: Option<i64>) -> Self {
        Self {
            heard: Heard::starting(News {
                time,
                una,
                window: edge.map(|edge| window(edge, una)),
                ..News::default()
            }),
            first,
            beginning: una <= first,
            segment: 0,
            initial: 0,
            initial_done: None,
            initial_held: false,
            short: false,
            full: false,
            next: first,
            last_sent: time,
            current: Current {
                began: time,
                una,
                end: i64::MAX,
                ..Current::default()
            },
            past: Past::default(),
            phase: Phase::Open,
            burst: None,
            slow_start: SlowStart {
                trips: 0,
                flight: 0.0,
                exit: None,
            },
            slow_trips: 0,
            shortest: Span::from_nanos(i64::MAX),
            best_rate: 0.0,
            peak: 0,
            low_trips: 0,
            rounds: [NO_ROUND; Inferred::ROUNDS],
            rounds_len: 0,
            grain: 1,
            trips: 0,
            limited: [0; 4],
            reductions: [None; Inferred::REDUCTIONS],
            reductions_seen: 0,
            fit: Fit::default(),
            growth: Growth::default(),
        }
    }

    pub(super) fn acknowledged(&mut self, news: News) {
        self.heard.passes(news);
    }

    pub(super) fn sent(&mut self, sending: &Sending) {
        let Sending {
            time, start, end, ..
        } = *sending;
        let before = self.heard.now().una;
        let first_heard = self.heard.hear(time, sending.away, sending.echo);
        let heard = *self.heard.now();
        self.segment = sending.segment.max(1);
        self.beginning &= sending.from_the_beginning;
        self.fit.sack = sending.sack;
        if self.current.end == i64::MAX {
            self.current.end = end;
        }

        // Half of the flight was acknowledged, not all at once, and the sender was silent: it had
        // nothing to send, if there was room in the peer's window.
        let half = heard.una - before > (start - before).max(i64::from(self.segment) * 3) / 2;
        let long = self.shortest.min(Span::from_millis(400)).as_nanos() / 4;
        let silent = first_heard.map_or(Span::ZERO, |heard| time - heard - sending.away);
        let paused = half && silent.min(time - self.last_sent).as_nanos() > long;
        // Or it ended with a segment that is not full, and nothing was left in flight.
        if !self.full && (paused || (self.short && heard.una >= start)) {
            self.current.ran_out = true;
        }
        self.short = end - start + OPTIONS < i64::from(self.segment);
        if let Some(burst) = self.burst {
            self.resume(burst, &heard, (end - start) as u32);
        }
        match self.phase {
            Phase::Recovery { until } if heard.una >= until => {
                self.close(time, &heard, end);
                self.phase = Phase::After;
            }
            _ if heard.una >= self.current.end => {
                self.close(time, &heard, end);
            }
            _ => {}
        }
        if sending.reduced && !matches!(self.phase, Phase::Recovery { .. }) {
            self.reduce(Cause::Ecn, time, end);
        }

        let flight = end - heard.una - i64::from(heard.sacked);
        self.full = heard
            .window
            .is_some_and(|window| heard.una + i64::from(window) - end < i64::from(self.segment));
        if flight > self.current.flight {
            self.current.flight = flight;
            self.current.full = self.full;
        }
        self.first_flight(&heard);
        self.next = end;
        self.last_sent = time;
    }

    /// What passes before an acknowledgment of any of it can have been heard.
    fn first_flight(&mut self, heard: &News) {
        if self.initial_done.is_none() {
            if heard.una <= self.first {
                self.initial = self.current.flight;
                // There was no more, or no more was allowed.
                self.initial_held = self.short || self.full;
            } else {
                self.initial_done = Some(!self.initial_held);
            }
        }
    }

    /// What holds the flight of this round trip back.
    fn limit(&self) -> Limit {
        match self.phase {
            Phase::Recovery { .. } => Limit::Recovery,
            _ if self.current.full => Limit::Receiver,
            _ if self.current.ran_out => Limit::Application,
            _ => Limit::Congestion,
        }
    }

    /// The round trip that goes on, as far as it has come. One that ends with a segment that is
    /// not full has no more to send.
    fn running(&self) -> Option<Round> {
        let limit = match self.limit() {
            Limit::Congestion if self.short => Limit::Application,
            limit => limit,
        };
        (self.current.flight > 0).then(|| Round {
            began: self.current.began,
            lasted: self.last_sent - self.current.began,
            flight: u32::try_from(self.current.flight).unwrap_or(u32::MAX),
            trips: 1,
            limit,
        })
    }

    /// A round trip is over; another begins with the segment up to `end`.
    fn close(&mut self, time: Timestamp, heard: &News, end: i64) {
        let current = self.current;
        let limit = self.limit();
        let lasted = time - current.began;
        self.current = Current {
            began: time,
            una: heard.una,
            end,
            ..Current::default()
        };
        self.trips += 1;
        self.limited[limit as usize] += 1;
        self.remember(Round {
            began: current.began,
            lasted,
            flight: u32::try_from(current.flight).unwrap_or(u32::MAX),
            trips: 1,
            limit,
        });
        if limit == Limit::Congestion && lasted > Span::ZERO {
            self.shortest = self.shortest.min(lasted);
        }
        self.look_at_growth(time, &current, lasted, heard.una - current.una, limit);
        if self.phase == Phase::After {
            let shows = limit == Limit::Congestion;
            let after = shows.then(|| self.segments(current.flight));
            self.finish_reduction(after);
            self.phase = Phase::Open;
        }
        self.past = Past {
            flight: current.flight,
            limit,
        };
    }

    /// Slow start and what follows.
    fn look_at_growth(
        &mut self,
        time: Timestamp,
        current: &Current,
        lasted: Span,
        acked: i64,
        limit: Limit,
    ) {
        let rate = acked as f64 / lasted.as_secs_f64().max(1e-6);
        if limit != Limit::Congestion {
            return;
        }
        let grew = current.flight - self.past.flight;
        if self.slow_start.exit.is_some() {
            if self.phase == Phase::Open && self.past.limit == Limit::Congestion {
                self.growth.octets += grew;
                self.growth.trips += 1;
            }
        } else {
            self.slow_start.trips = self.trips;
            self.slow_start.flight = self.segments(current.flight);
            // With an acknowledgment for every other segment some senders grow by half only.
            let little = self.past.flight > 0 && grew * 4 < self.past.flight;
            self.slow_trips = if little { self.slow_trips + 1 } else { 0 };
            if self.slow_trips >= 2 {
                self.slow_start.exit = Some((time, SlowStartExit::Slowed));
            }
        }
        if self.reductions_seen == 0 {
            // The drain of BBR: it has filled the queue on its way up, and empties it. Less in
            // flight, and as much arrives.
            let low = current.flight * 100 < self.peak * 65 && rate > self.best_rate * 0.8;
            let steady = self.limited[Limit::Application as usize] == 0;
            let high = self.peak > LITTLE * i64::from(self.segment);
            self.low_trips = if low { self.low_trips + 1 } else { 0 };
            self.fit.drained |= self.low_trips >= 2 && steady && high;
            self.peak = self.peak.max(current.flight);
            self.best_rate = self.best_rate.max(rate);
        }
    }

    /// Keeps a round trip; where there are too many, two become one.
    fn remember(&mut self, round: Round) {
        if let Some(last) = self.rounds_len.checked_sub(1)
            && self.rounds[last].trips < self.grain
        {
            self.rounds[last] = joined(self.rounds[last], round);
            return;
        }
        if self.rounds_len == Inferred::ROUNDS {
            for at in 0..Inferred::ROUNDS / 2 {
                self.rounds[at] = joined(self.rounds[2 * at], self.rounds[2 * at + 1]);
            }
            self.rounds_len = Inferred::ROUNDS / 2;
            self.grain = self.grain.saturating_mul(2);
        }
        self.rounds[self.rounds_len] = round;
        self.rounds_len += 1;
    }

    fn segments(&self, octets: i64) -> f32 {
        octets as f32 / self.segment.max(1) as f32
    }

    /// A fast retransmission.
    pub(super) fn loss(&mut self, time: Timestamp, next: i64) {
        if !matches!(self.phase, Phase::Recovery { .. }) {
            self.reduce(Cause::Loss, time, next);
        }
    }

    /// A retransmission by the timer, or after one.
    pub(super) fn timeout(&mut self, time: Timestamp, octets: u32, next: i64) {
        if let Some(burst) = self.burst {
            let heard = *self.heard.now();
            self.resume(burst, &heard, octets);
            return;
        }
        let after_timeout = matches!(self.phase, Phase::Recovery { .. })
            && self
                .newest()
                .is_some_and(|newest| newest.cause == Cause::Timeout);
        if after_timeout {
            return;
        }
        self.reduce(Cause::Timeout, time, next);
        self.burst = Some(Burst {
            una: self.heard.now().una,
            octets,
            which: self.reductions_seen,
        });
    }

    /// Counts what is sent after a timeout until an acknowledgment is heard.
    fn resume(&mut self, burst: Burst, heard: &News, octets: u32) {
        if heard.una <= burst.una {
            let octets = burst.octets.saturating_add(octets);
            self.burst = Some(Burst { octets, ..burst });
            return;
        }
        self.burst = None;
        let after = self.segments(burst.octets.into());
        if let Some(reduction) = self.reduction(burst.which) {
            reduction.after = Some(after);
        }
    }

    fn reduce(&mut self, cause: Cause, time: Timestamp, until: i64) {
        let current = self.current;
        // A new round trip shows the flight soon: acknowledgments keep it where it is, and after a
        // recovery the sender brings it there at once (RFC 6937).
        let long = (time - current.began).as_nanos() > self.shortest.as_nanos() / 16;
        let free = !(current.full || current.ran_out);
        let past = (self.phase == Phase::Open && self.past.limit == Limit::Congestion)
            .then_some(self.past.flight);
        let shows = match self.phase {
            Phase::Recovery { .. } => false,
            Phase::After => free && long,
            Phase::Open => {
                free && (long || past.is_some()) && self.past.limit != Limit::Application
            }
        };
        let before = current.flight.max(past.unwrap_or(0));
        if self.phase == Phase::After {
            self.finish_reduction(shows.then(|| self.segments(current.flight)));
        }
        if self.slow_start.exit.is_none() {
            if shows {
                self.slow_start.trips = self.trips + 1;
                self.slow_start.flight = self.segments(before);
            }
            self.slow_start.exit = Some((time, SlowStartExit::Reduced));
        }
        let reduction = Reduction {
            time,
            cause,
            before: shows.then(|| self.segments(before)),
            after: None,
            undone: false,
        };
        if let Some(place) = self.reductions.get_mut(self.reductions_seen as usize) {
            *place = Some(reduction);
        } else if let Some(last) = self.reductions.last_mut() {
            // Those beyond the ones that are kept take turns in the last place.
            *last = Some(reduction);
        }
        self.reductions_seen = self.reductions_seen.saturating_add(1);
        self.phase = Phase::Recovery { until };
    }

    /// A reduction by its number, counted from 1.
    fn reduction(&mut self, which: u32) -> Option<&mut Reduction> {
        let last = Inferred::REDUCTIONS - 1;
        let at = (which as usize).checked_sub(1)?.min(last);
        self.reductions[at].as_mut()
    }

    fn newest(&mut self) -> Option<&mut Reduction> {
        self.reduction(self.reductions_seen)
    }

    fn finish_reduction(&mut self, after: Option<f32>) {
        let Some(newest) = self.newest() else {
            return;
        };
        if newest.cause != Cause::Timeout {
            newest.after = after;
        }
        let newest = *newest;
        self.fit.take(&newest);
    }

    pub(super) fn undone(&mut self) {
        if self.phase != Phase::Open
            && let Some(newest) = self.newest()
        {
            newest.undone = true;
        }
    }

    /// What it all comes to.
    pub(super) fn infer(&self) -> Inferred {
        let reductions: Box<[_]> = self.reductions.iter().flatten().copied().collect();
        let mut factors: Vec<_> = reductions
            .iter()
            .filter(|each| each.usable().is_some())
            .filter_map(Reduction::factor)
            .collect();
        factors.sort_by(f64::total_cmp);
        let limits = [
            Limit::Congestion,
            Limit::Application,
            Limit::Receiver,
            Limit::Recovery,
        ];
        let limit = limits
            .into_iter()
            .filter(|&limit| limit != Limit::Recovery)
            .max_by_key(|&limit| (self.limited[limit as usize], limit == Limit::Congestion));
        let more = self.initial_done.unwrap_or(false);
        Inferred {
            algorithm: self.fit.best(),
            segment: self.segment,
            initial_window: self.beginning.then(|| (self.segments(self.initial), more)),
            slow_start: (self.beginning && self.slow_start.trips > 0).then_some(self.slow_start),
            reductions_seen: self.reductions_seen,
            factor: factors.get(factors.len() / 2).map(|&factor| factor as f32),
            factors: factors.len() as u32,
            reductions,
            growth: (self.growth.trips >= 4)
                .then(|| self.segments(self.growth.octets) / self.growth.trips as f32),
            limit: limit.unwrap_or_default(),
            rounds: self.rounds[..self.rounds_len]
                .iter()
                .copied()
                .chain(self.running())
                .take(Inferred::ROUNDS)
                .collect(),
        }
    }
}

/// Segments in flight that a pause of an application can make a large part of.
const LITTLE: i64 = 40;

/// Options that make a segment shorter: SACK blocks in a segment with data.
const OPTIONS: i64 = 40;

fn joined(one: Round, two: Round) -> Round {
    // What was in flight while nothing held it back says more than what was when something did.
    let limit = match (one.limit, two.limit) {
        (Limit::Congestion, _) | (_, Limit::Congestion) => Limit::Congestion,
        (limit, _) => limit,
    };
    let flight = [one, two]
        .iter()
        .filter(|each| each.limit == limit)
        .map(|each| each.flight)
        .max();
    Round {
        began: one.began,
        lasted: Span::from_nanos(one.lasted.as_nanos().saturating_add(two.lasted.as_nanos())),
        flight: flight.unwrap_or(0),
        trips: one.trips.saturating_add(two.trips),
        limit,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Algorithm;
    use super::*;
    use std::collections::VecDeque;

    const SEGMENT: i64 = 1000;
    const TRIP: i64 = 40_000_000;

    /// A sender that always has data, on a path that loses a segment now and then. Written from
    /// the RFCs, in segments and round trips.
    struct Sender {
        algorithm: Algorithm,
        window: f64,
        threshold: f64,
        /// Of CUBIC: the window before the last loss, and when that was.
        before: f64,
        lost_at: i64,
    }

    impl Sender {
        fn acknowledged(&mut self, segments: f64, now: i64) {
            if self.window < self.threshold {
                self.window += segments;
                return;
            }
            match self.algorithm {
                Algorithm::Reno => self.window += segments / self.window,
                Algorithm::Cubic => {
                    // RFC 9438 section 4.2
                    let k = (self.before * 0.3 / 0.4).cbrt();
                    let t = (now - self.lost_at) as f64 / 1e9;
                    let target = 0.4 * (t - k).powi(3) + self.before;
                    self.window = self.window.max(target);
                }
                _ => {}
            }
        }

        fn loses(&mut self, now: i64) {
            self.before = self.window;
            self.lost_at = now;
            self.window *= match self.algorithm {
                Algorithm::Reno => 0.5,
                Algorithm::Cubic => 0.7,
                _ => 1.0,
            };
            self.threshold = self.window;
        }
    }

    #[derive(Clone, Copy)]
    enum Passed {
        Data(i64),
        Ack(i64),
        Lost(i64),
    }

    /// What passes a tap that is `away` from the sender and back, in nanoseconds.
    fn run(algorithm: Algorithm, losses: &[u32], trips: u32, away: i64) -> Vec<(i64, Passed)> {
        let mut sender = Sender {
            algorithm,
            window: 10.0,
            threshold: f64::MAX,
            before: 0.0,
            lost_at: 0,
        };
        let mut tap = Vec::new();
        let mut acks: VecDeque<(i64, i64)> = VecDeque::new();
        let (mut una, mut next) = (1, 1);
        let (mut round, mut round_end, mut recover) = (0, 1, None);
        let mut now = 0;
        while round < trips {
            if recover.is_none() {
                while next - una + SEGMENT <= sender.window as i64 * SEGMENT {
                    next += SEGMENT;
                    tap.push((now + away / 2, Passed::Data(next)));
                    acks.push_back((now + TRIP, next));
                    // A rate that the path can carry.
                    now += 10_000;
                    if acks.front().is_some_and(|ack| ack.0 <= now) {
                        break;
                    }
                }
            }
            let Some((time, ack)) = acks.pop_front() else {
                break;
            };
            now = now.max(time);
            tap.push((time - away / 2, Passed::Ack(ack)));
            sender.acknowledged(((ack - una) / SEGMENT) as f64, now);
            una = ack;
            if recover.is_some_and(|recover| una >= recover) {
                recover = None;
            }
            if una >= round_end {
                round += 1;
                round_end = next + SEGMENT;
                if recover.is_none() && losses.contains(&round) {
                    tap.push((now + away / 2, Passed::Lost(next)));
                    sender.loses(now);
                    recover = Some(next);
                    // One acknowledgment of everything when it has been sent again.
                    acks.clear();
                    acks.push_back((now + TRIP, next));
                }
            }
        }
        tap.sort_by_key(|passed| passed.0);
        tap
    }

    fn sending(time: i64, end: i64, away: i64) -> Sending {
        Sending {
            time: Timestamp::from_nanos(time),
            start: end - SEGMENT,
            end,
            una: 1,
            edge: None,
            echo: None,
            reduced: false,
            away: Span::from_nanos(away),
            segment: SEGMENT as u32,
            from_the_beginning: true,
            sack: true,
        }
    }

    fn watch(passed: &[(i64, Passed)], away: i64, window: Option<u32>) -> Inferred {
        let mut tracker = Tracker::new(1, Timestamp::from_nanos(0), 1, None);
        for &(time, what) in passed {
            match what {
                Passed::Data(end) => tracker.sent(&sending(time, end, away)),
                Passed::Ack(una) => tracker.acknowledged(News {
                    time: Timestamp::from_nanos(time),
                    una,
                    window,
                    sacked: 0,
                    tsval: None,
                }),
                Passed::Lost(next) => tracker.loss(Timestamp::from_nanos(time), next),
            }
        }
        tracker.infer()
    }

    const LOSSES: [u32; 5] = [4, 20, 36, 52, 60];

    #[track_caller]
    fn check(algorithm: Algorithm, factor: f32) {
        for away in [0, TRIP / 4, TRIP] {
            let inferred = watch(&run(algorithm, &LOSSES, 70, away), away, None);
            assert_eq!(inferred.algorithm, algorithm, "{away}: {inferred:?}");
            assert_eq!(inferred.initial_window, Some((10.0, true)), "{away}");
            let slow = inferred.slow_start.expect("it was seen");
            let how = slow.exit.map(|exit| exit.1);
            assert_eq!(how, Some(SlowStartExit::Reduced), "{away}: {slow:?}");
            assert!((70.0..200.0).contains(&slow.flight), "{away}: {slow:?}");
            let median = inferred.factor.expect("there were losses");
            assert!((median - factor).abs() < 0.06, "{away}: {median}");
            assert_eq!(inferred.limit, Limit::Congestion, "{away}");
        }
    }

    #[test]
    fn half_at_each_loss_is_reno() {
        check(Algorithm::Reno, 0.5);
    }

    #[test]
    fn seven_tenths_at_each_loss_is_cubic() {
        check(Algorithm::Cubic, 0.7);
    }

    #[test]
    fn as_before_at_each_loss_is_bbr() {
        check(Algorithm::Bbr, 1.0);
    }

    #[test]
    fn one_loss_is_too_little_to_tell() {
        let inferred = watch(&run(Algorithm::Cubic, &[5], 30, 0), 0, None);
        assert_eq!(inferred.reductions_seen, 1);
        assert_eq!(inferred.algorithm, Algorithm::Unknown);
    }

    #[test]
    fn reno_grows_by_a_segment_per_round_trip() {
        let inferred = watch(&run(Algorithm::Reno, &LOSSES, 70, TRIP), TRIP, None);
        let growth = inferred.growth.expect("there were quiet rounds");
        assert!((0.8..1.2).contains(&growth), "{growth}");
    }

    #[test]
    fn what_was_taken_back_says_nothing() {
        let mut tracker = Tracker::new(1, Timestamp::from_nanos(0), 1, None);
        for (time, what) in run(Algorithm::Bbr, &LOSSES, 70, 0) {
            match what {
                Passed::Data(end) => tracker.sent(&sending(time, end, 0)),
                Passed::Ack(una) => tracker.acknowledged(News {
                    time: Timestamp::from_nanos(time),
                    una,
                    ..News::default()
                }),
                Passed::Lost(next) => {
                    tracker.loss(Timestamp::from_nanos(time), next);
                    tracker.undone();
                }
            }
        }
        let inferred = tracker.infer();
        assert_eq!(inferred.algorithm, Algorithm::Unknown);
        assert!(inferred.reductions.iter().all(|each| each.undone));
    }

    #[test]
    fn bbr_is_not_said_where_no_sack_would_show_what_was_taken_back() {
        let mut tracker = Tracker::new(1, Timestamp::from_nanos(0), 1, None);
        for (time, what) in run(Algorithm::Bbr, &LOSSES, 70, 0) {
            match what {
                Passed::Data(end) => tracker.sent(&Sending {
                    sack: false,
                    ..sending(time, end, 0)
                }),
                Passed::Ack(una) => tracker.acknowledged(News {
                    time: Timestamp::from_nanos(time),
                    una,
                    ..News::default()
                }),
                Passed::Lost(next) => tracker.loss(Timestamp::from_nanos(time), next),
            }
        }
        let inferred = tracker.infer();
        assert!(inferred.factors >= 3, "{inferred:?}");
        assert_eq!(inferred.algorithm, Algorithm::Unknown);
    }

    #[test]
    fn a_full_window_of_the_peer_hides_the_congestion_window() {
        let passed = run(Algorithm::Bbr, &[], 12, 0);
        // The window is always what is in flight: ten segments, then more.
        let inferred = watch(&passed, 0, Some(10 * SEGMENT as u32));
        assert_eq!(inferred.rounds[0].limit, Limit::Congestion);
        assert!(
            inferred.rounds[2..]
                .iter()
                .all(|round| round.limit == Limit::Receiver),
            "{:?}",
            inferred.rounds
        );
        assert_eq!(inferred.limit, Limit::Receiver);
    }

    #[test]
    fn pauses_of_the_application_are_seen() {
        let mut passed = Vec::new();
        let mut next = 1;
        for message in 0..20 {
            let start = message * TRIP * 3;
            for _ in 0..5 {
                next += SEGMENT;
                passed.push((start, Passed::Data(next)));
            }
            passed.push((start + TRIP, Passed::Ack(next)));
        }
        let inferred = watch(&passed, 0, None);
        assert_eq!(inferred.limit, Limit::Application);
        assert_eq!(inferred.algorithm, Algorithm::Unknown);
        assert_eq!(inferred.reductions_seen, 0);
    }

    #[test]
    fn after_a_timeout_one_segment() {
        let mut tracker = Tracker::new(1, Timestamp::from_nanos(0), 1, None);
        let at = |millis: i64| Timestamp::from_nanos(millis * 1_000_000);
        for n in 1..=10 {
            tracker.sent(&sending(n, 1 + n * SEGMENT, 0));
        }
        tracker.timeout(at(300), SEGMENT as u32, 10_001);
        tracker.acknowledged(News {
            time: at(340),
            una: 10_001,
            ..News::default()
        });
        tracker.sent(&sending(341_000_000, 11_001, 0));
        let inferred = tracker.infer();
        let timeout = inferred.reductions[0];
        assert_eq!(timeout.cause, Cause::Timeout);
        assert_eq!((timeout.before, timeout.after), (Some(10.0), Some(1.0)));
    }

    #[test]
    fn stays_bounded() {
        let losses: Vec<_> = (2..1500).step_by(8).collect();
        let inferred = watch(&run(Algorithm::Reno, &losses, 1500, TRIP), TRIP, None);
        assert!(inferred.rounds.len() <= Inferred::ROUNDS);
        assert_eq!(inferred.reductions.len(), Inferred::REDUCTIONS);
        assert!(inferred.reductions_seen > 150);
        let trips: u32 = inferred.rounds.iter().map(|round| round.trips).sum();
        assert!(trips > 1400, "none is forgotten: {trips}");
    }
}
