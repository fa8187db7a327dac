//! What a sender had heard from its peer when it sent something: the tap sees acknowledgments
//! before or after the sender does, by the round trip between the two.

use std::collections::VecDeque;

use crate::time::{Span, Timestamp};

/// What a sender knew at some time.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// When the acknowledgment passed the tap.
    pub time: Timestamp,
    /// Its frame.
    pub frame: u64,
    /// The highest position acknowledged (SND.UNA).
    pub una: i64,
    /// When the newest segment known to have arrived had last passed the tap.
    pub delivered: Timestamp,
    /// Up to where the sender may send (SND.UNA + SND.WND); `i64::MAX` where unknown.
    pub edge: i64,
    /// Duplicate acknowledgments in a row.
    pub duplicates: u32,
    /// Whether anything above `una` is SACKed.
    pub sacked: bool,
}

/// Acknowledgments that a sender may or may not have heard yet, oldest first. Bounded.
#[derive(Clone, Debug, Default)]
pub struct Hearing {
    heard: VecDeque<Heard>,
}

/// Acknowledgments kept at most.
const MOST: usize = 64;
/// Parts of the round trip in which acknowledgments are kept as one.
const PARTS: i64 = 16;

impl Hearing {
    /// Takes an acknowledgment in. `delay` is the round trip between tap and sender, 0 where it is
    /// not known.
    #[inline]
    pub fn push(&mut self, heard: Heard, delay: Span) {
        // Everything that a packet passing from now on was sent without knowing is newer.
        let horizon = heard.time - Span::from_nanos(delay.as_nanos() * 2);
        while let Some(second) = self.heard.get(1) {
            if second.time > horizon && self.heard.len() < MOST {
                break;
            }
            self.heard.pop_front();
        }
        if self.heard.len() > 1
            && let Some(last) = self.heard.back_mut()
            && heard.time - last.time < Span::from_nanos(delay.as_nanos() / PARTS)
        {
            let time = last.time;
            *last = Heard { time, ..heard };
            return;
        }
        if self.heard.capacity() == 0 {
            self.heard.reserve_exact(4);
        }
        self.heard.push_back(heard);
    }

    /// What the sender of a packet that passes now can have heard at the most. `None` before the
    /// first acknowledgment that can have reached it.
    #[inline]
    pub fn at(&self, now: Timestamp, delay: Span) -> Option<&Heard> {
        let until = now - delay;
        self.heard.iter().rev().find(|heard| heard.time <= until)
    }

    /// The oldest that is kept.
    #[inline]
    pub fn oldest(&self) -> Option<&Heard> {
        self.heard.front()
    }

    /// The newest.
    pub fn newest(&self) -> Option<&Heard> {
        self.heard.back()
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        self.heard.capacity() * size_of::<Heard>()
    }

    /// Forgets everything; keeps its memory.
    pub fn clear(&mut self) {
        self.heard.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(millis: i64, una: i64) -> Heard {
        Heard {
            time: Timestamp::from_nanos(millis * 1_000_000),
            frame: una as u64,
            una,
            delivered: Timestamp::default(),
            edge: i64::MAX,
            duplicates: 0,
            sacked: false,
        }
    }

    #[test]
    fn what_passed_a_round_trip_ago_was_heard() {
        let mut hearing = Hearing::default();
        let delay = Span::from_millis(20);
        for millis in 0..1000 {
            hearing.push(heard(millis, millis), delay);
        }
        let now = Timestamp::from_nanos(1_000_000_000);
        let una = hearing.at(now, delay).map(|heard| heard.una).unwrap_or(-1);
        assert!((978..=981).contains(&una), "{una}");
        assert!(hearing.heard.len() <= MOST);
        assert_eq!(
            hearing.at(now, Span::ZERO).map(|heard| heard.una),
            Some(999)
        );
    }

    #[test]
    fn nothing_is_heard_before_it_can_be() {
        let mut hearing = Hearing::default();
        hearing.push(heard(10, 1), Span::from_millis(20));
        let now = Timestamp::from_nanos(15_000_000);
        assert!(hearing.at(now, Span::from_millis(20)).is_none());
    }
}
