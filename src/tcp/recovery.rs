//! Recovery episodes: from the first retransmission until everything that was outstanding then is
//! acknowledged.

use super::Role;
use super::verdict::Trigger;
use crate::time::{Span, Timestamp};

/// How an episode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// All that was outstanding when it began is acknowledged.
    Acknowledged,
    /// What was sent again proved needless: the sender may take its reaction back.
    Undone,
    /// A timeout during a fast recovery began another episode.
    TimedOut,
    /// The probe was answered with news of a loss: a fast recovery began.
    IntoFast,
    /// The connection, or the capture, ended.
    Cut,
}

impl Exit {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Undone => "undone",
            Self::TimedOut => "timed-out",
            Self::IntoFast => "into-fast",
            Self::Cut => "cut",
        }
    }
}

/// One recovery of one sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// Who sent again.
    pub sender: Role,
    /// What began it.
    pub trigger: Trigger,
    /// The frame of its first retransmission.
    pub first_frame: u64,
    /// When that passed.
    pub began: Timestamp,
    /// The frame that ended it.
    pub last_frame: u64,
    /// How long it took.
    pub lasted: Span,
    /// How it ended.
    pub exit: Exit,
    /// Retransmissions in it.
    pub retransmissions: u32,
    /// … of them, those known to be needless when it ended.
    pub spurious: u32,
    /// Octets sent again.
    pub octets: u64,
    /// Times its timer ran out.
    pub timeouts: u32,
    /// Octets in flight, as the tap saw it, when it began.
    pub flight: u64,
}

/// A recovery that goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ongoing {
    /// It is over when everything below is acknowledged.
    pub(super) point: i64,
    /// Position after the last octet that was sent again.
    reached: i64,
    episode: Episode,
}

/// A recovery that is over, as the tap knows. Its sender may not have heard of that, and goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Over {
    is_timeout: bool,
    reached: i64,
    point: i64,
}

impl Over {
    /// Whether `start..end`, all of it acknowledged, belongs to a timeout that goes on from where it
    /// is to where its sender had been.
    pub(super) fn goes_on(&self, start: i64, end: i64) -> bool {
        self.is_timeout && self.reached <= start && end <= self.point
    }

    /// Whether it was a fast recovery that a sender is in that has heard of no more than `una`.
    pub(super) fn is_fast_for(&self, una: i64) -> bool {
        !self.is_timeout && una < self.point
    }

    /// So far it went on.
    pub(super) fn reach(&mut self, end: i64) {
        self.reached = end;
    }
}

/// A retransmission, as it matters to a recovery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted {
    pub(super) sender: Role,
    pub(super) trigger: Trigger,
    /// Whether a timer ran out for it.
    pub(super) timer: bool,
    pub(super) frame: u64,
    pub(super) time: Timestamp,
    pub(super) octets: i64,
    /// Position after its last octet.
    pub(super) end: i64,
    pub(super) spurious: bool,
    /// SND.NXT.
    pub(super) point: i64,
    pub(super) flight: u64,
}

impl Ongoing {
    pub(super) fn is_timeout(&self) -> bool {
        matches!(
            self.episode.trigger,
            Trigger::Timeout | Trigger::Syn | Trigger::SynAck | Trigger::Fin
        )
    }

    /// What is left of it when it has ended.
    pub(super) fn over(&self) -> Option<Over> {
        (self.is_timeout() || self.is_fast()).then_some(Over {
            is_timeout: self.is_timeout(),
            reached: self.reached,
            point: self.point,
        })
    }

    pub(super) fn is_fast(&self) -> bool {
        self.episode.trigger == Trigger::Fast
    }

    /// It ended at this frame.
    pub(super) fn ended(&self, exit: Exit, frame: u64, time: Timestamp) -> Episode {
        let exit = match exit {
            Exit::Acknowledged if self.episode.spurious >= self.episode.retransmissions => {
                Exit::Undone
            }
            exit => exit,
        };
        Episode {
            last_frame: frame,
            lasted: time - self.episode.began,
            exit,
            ..self.episode
        }
    }

    /// So many of its retransmissions proved needless.
    pub(super) fn needless(&mut self, count: u32) {
        self.episode.spurious += count;
    }
}

impl Noted {
    /// Takes it into the recovery that goes on, or begins one. Gives the one that it ended.
    pub(super) fn take(self, ongoing: &mut Option<Ongoing>) -> Option<Episode> {
        let mut ended = None;
        let new_kind = ongoing.is_some_and(|ongoing| {
            let into_timeout = self.timer && !ongoing.is_timeout();
            let into_fast =
                self.trigger == Trigger::Fast && ongoing.episode.trigger == Trigger::TailLossProbe;
            into_timeout || into_fast
        });
        if new_kind && let Some(old) = ongoing.take() {
            let exit = if self.timer {
                Exit::TimedOut
            } else {
                Exit::IntoFast
            };
            ended = Some(old.ended(exit, self.frame, self.time));
        }
        let ongoing = ongoing.get_or_insert(Ongoing {
            point: self.point,
            reached: self.end,
            episode: Episode {
                sender: self.sender,
                trigger: self.trigger,
                first_frame: self.frame,
                began: self.time,
                last_frame: self.frame,
                lasted: Span::ZERO,
                exit: Exit::Cut,
                retransmissions: 0,
                spurious: 0,
                octets: 0,
                timeouts: 0,
                flight: self.flight,
            },
        });
        ongoing.reached = ongoing.reached.max(self.end);
        let episode = &mut ongoing.episode;
        episode.retransmissions += 1;
        episode.octets += self.octets.max(0) as u64;
        episode.spurious += u32::from(self.spurious);
        if self.timer {
            episode.timeouts += 1;
            ongoing.point = ongoing.point.max(self.point);
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Trigger::{Fast, Fin, Syn, TailLossProbe, Timeout};

    /// A retransmission in this frame, of 100 octets, as many milliseconds after the start.
    fn noted(trigger: Trigger, timer: bool, frame: u64) -> Noted {
        Noted {
            sender: Role::Client,
            trigger,
            timer,
            frame,
            time: at(frame),
            octets: 100,
            end: 100,
            spurious: false,
            point: frame as i64 * 1000,
            flight: frame * 10,
        }
    }

    fn at(frame: u64) -> Timestamp {
        Timestamp::from_nanos(frame as i64 * 1_000_000)
    }

    /// Triggers, and whether a timer ran out for them, in frames 1, 2, …: the episodes that were
    /// ended by the next, and the one that goes on.
    fn episodes(of: &[(Trigger, bool)]) -> (Vec<Episode>, Ongoing) {
        let mut ongoing = None;
        let mut ended = Vec::new();
        for (frame, &(trigger, timer)) in (1..).zip(of) {
            ended.extend(noted(trigger, timer, frame).take(&mut ongoing));
        }
        (ended, ongoing.expect("something was sent again"))
    }

    #[test]
    fn what_begins_another_episode() {
        type Row = (
            &'static [(Trigger, bool)],
            &'static [(Trigger, u64, u32, u32)],
        );
        // Each episode: what began it, its first frame, its retransmissions, its timeouts.
        #[rustfmt::skip]
        let table: &[Row] = &[
            (&[(Fast, false), (Fast, false)],                    &[(Fast, 1, 2, 0)]),
            // A timer ends a fast recovery; what follows belongs to the timeout.
            (&[(Fast, false), (Timeout, true), (Timeout, false)], &[(Fast, 1, 1, 0), (Timeout, 2, 2, 1)]),
            (&[(Fast, false), (Fin, true)],                      &[(Fast, 1, 1, 0), (Fin, 2, 1, 1)]),
            (&[(Fast, false), (Timeout, false)],                 &[(Fast, 1, 2, 0)]),
            (&[(Fast, false), (TailLossProbe, false)],           &[(Fast, 1, 2, 0)]),
            // The timer again: the same timeout, backed off.
            (&[(Timeout, true), (Timeout, true)],                &[(Timeout, 1, 2, 2)]),
            (&[(Timeout, true), (Fast, false)],                  &[(Timeout, 1, 2, 1)]),
            (&[(Syn, false), (Timeout, true)],                   &[(Syn, 1, 2, 1)]),
            // A probe finds that something is missing, or that nobody answers.
            (&[(TailLossProbe, false), (TailLossProbe, false)],  &[(TailLossProbe, 1, 2, 0)]),
            (&[(TailLossProbe, false), (Fast, false)],           &[(TailLossProbe, 1, 1, 0), (Fast, 2, 1, 0)]),
            (&[(TailLossProbe, false), (Timeout, true)],         &[(TailLossProbe, 1, 1, 0), (Timeout, 2, 1, 1)]),
        ];
        for (of, told) in table {
            let (mut all, ongoing) = episodes(of);
            all.push(ongoing.ended(Exit::Acknowledged, 9, at(9)));
            let is: Vec<_> = (all.iter())
                .map(|it| (it.trigger, it.first_frame, it.retransmissions, it.timeouts))
                .collect();
            assert_eq!(is, *told, "{of:?}");
            for it in &all {
                assert_eq!(it.octets, 100 * u64::from(it.retransmissions), "{of:?}");
                assert_eq!(
                    (it.began, it.flight),
                    (at(it.first_frame), it.first_frame * 10)
                );
                assert_eq!(it.began + it.lasted, at(it.last_frame), "{of:?}");
            }
            for pair in all.windows(2) {
                assert_eq!(pair[0].last_frame, pair[1].first_frame, "{of:?}");
            }
        }
    }

    #[test]
    fn a_timer_ends_a_fast_recovery_as_timed_out() {
        let (ended, _) = episodes(&[(Fast, false), (Timeout, true)]);
        assert_eq!(ended[0].exit, Exit::TimedOut);
    }

    #[test]
    fn only_a_timer_moves_the_point() {
        assert_eq!(episodes(&[(Fast, false), (Fast, false)]).1.point, 1000);
        assert_eq!(episodes(&[(Timeout, true), (Timeout, false)]).1.point, 1000);
        assert_eq!(episodes(&[(Timeout, true), (Timeout, true)]).1.point, 2000);
        assert_eq!(episodes(&[(Fast, false), (Timeout, true)]).1.point, 2000);

        // Never back.
        let mut ongoing = None;
        noted(Timeout, true, 5).take(&mut ongoing);
        noted(Timeout, true, 2).take(&mut ongoing);
        assert_eq!(ongoing.map(|it| it.point), Some(5000));
    }

    #[test]
    fn an_episode_is_undone_when_all_of_it_was_needless() {
        let (_, mut ongoing) = episodes(&[(Fast, false), (Fast, false)]);
        let exit = |ongoing: &Ongoing, exit| ongoing.ended(exit, 9, at(9)).exit;
        ongoing.needless(1);
        assert_eq!(exit(&ongoing, Exit::Acknowledged), Exit::Acknowledged);
        ongoing.needless(1);
        assert_eq!(exit(&ongoing, Exit::Acknowledged), Exit::Undone);
        // How it was broken off stays.
        assert_eq!(exit(&ongoing, Exit::TimedOut), Exit::TimedOut);
        assert_eq!(exit(&ongoing, Exit::Cut), Exit::Cut);

        // Known to be needless when it passed.
        let mut ongoing = None;
        let needless = Noted {
            spurious: true,
            ..noted(Fast, false, 1)
        };
        needless.take(&mut ongoing);
        let ended = ongoing.map(|it| it.ended(Exit::Acknowledged, 9, at(9)));
        assert_eq!(
            ended.map(|it| (it.exit, it.spurious)),
            Some((Exit::Undone, 1))
        );
    }

    #[test]
    fn a_sender_goes_on_until_it_hears_that_it_need_not() {
        let over = |trigger, timer| {
            let (_, mut ongoing) = episodes(&[(trigger, timer)]);
            ongoing.reached = 600;
            ongoing.over()
        };
        let timeout = over(Timeout, true).expect("a timeout");
        assert!(timeout.goes_on(600, 700) && timeout.goes_on(900, 1000));
        assert!(!timeout.goes_on(599, 700), "it does not go back");
        assert!(!timeout.goes_on(900, 1001), "nor beyond where it had been");
        assert!(!timeout.is_fast_for(0));
        let fast = over(Fast, false).expect("a fast recovery");
        assert!(fast.is_fast_for(999) && !fast.is_fast_for(1000));
        assert!(!fast.goes_on(600, 700));
        assert!(over(TailLossProbe, false).is_none());
    }

    #[test]
    fn what_waits_for_a_timer_is_told_from_what_does_not() {
        for (trigger, timeout, fast) in [
            (Timeout, true, false),
            (Syn, true, false),
            (Trigger::SynAck, true, false),
            (Fin, true, false),
            (Fast, false, true),
            (TailLossProbe, false, false),
        ] {
            let (_, ongoing) = episodes(&[(trigger, false)]);
            assert_eq!(
                (ongoing.is_timeout(), ongoing.is_fast()),
                (timeout, fast),
                "{trigger:?}"
            );
        }
    }
}
