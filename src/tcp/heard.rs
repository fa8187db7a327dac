//! What a sender had heard from its peer when it sent something: the tap sees acknowledgments
//! before or after the sender does, by the round trip between the two.

use std::collections::VecDeque;

use crate::prefetch::prefetch;
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
    /// Its TSval, which what is sent on hearing it echoes.
    pub stamp: Option<u32>,
    /// Whether it, or one before it that is kept with it, asks for something: a duplicate
    /// acknowledgment or a SACK.
    pub asks: bool,
}

/// Acknowledgments that a sender may or may not have heard yet, oldest first. Bounded.
#[derive(Clone, Debug, Default)]
pub struct Hearing {
    heard: VecDeque<Heard>,
}

/// Acknowledgments kept at most.
const MOST: usize = 128;
/// Parts of the round trip in which acknowledgments are kept as one.
const PARTS: i64 = 96;

impl Hearing {
    /// Takes an acknowledgment in. `memory` is how far back what passes may have been sent: more
    /// than the round trip.
    #[inline]
    pub fn push(&mut self, heard: Heard, memory: Span) {
        let horizon = heard.time - memory;
        while let Some(second) = self.heard.get(1) {
            if second.time > horizon && self.heard.len() < MOST {
                break;
            }
            self.heard.pop_front();
        }
        if self.heard.len() > 1
            && let Some(last) = self.heard.back_mut()
            && heard.time - last.time < Span::from_nanos(memory.as_nanos() / PARTS)
        {
            // As early, and echoed as early, as the first of them.
            let (time, stamp) = (last.time, last.stamp);
            *last = Heard {
                time,
                stamp,
                asks: last.asks || heard.asks,
                ..heard
            };
            return;
        }
        if self.heard.len() == self.heard.capacity() {
            self.grow();
        }
        self.heard.push_back(heard);
    }

    /// Asks for the memory that the next acknowledgment or segment needs.
    #[inline]
    pub(super) fn prefetch(&self) {
        if let Some(oldest) = self.heard.front() {
            prefetch(oldest);
        }
        if let Some(newest) = self.heard.back() {
            prefetch(newest);
        }
    }

    /// Few steps: most connections need the first only, long ones soon the last.
    #[cold]
    fn grow(&mut self) {
        let room = match self.heard.capacity() {
            0 => 4,
            1..16 => 16,
            _ => MOST + 1,
        };
        self.heard.reserve_exact(room - self.heard.len());
    }

    /// What the sender of a packet that passes now can have heard at the most. The TSecr of the
    /// packet, `echo`, says so (RFC 7323 section 4.3), or else the time. `None` before the first
    /// acknowledgment that can have reached it.
    #[inline]
    pub fn at(&self, now: Timestamp, delay: Span, echo: Option<u32>) -> Option<&Heard> {
        let until = now - delay;
        let by_echo = echo.map(|echo| {
            let heard = |heard: &&Heard| {
                heard
                    .stamp
                    .is_some_and(|stamp| echo.wrapping_sub(stamp) as i32 >= 0)
            };
            self.heard.iter().rev().find(heard)
        });
        // Acknowledgments without TSval, and hosts that echo none, are placed by time.
        let stamped = self
            .heard
            .front()
            .is_some_and(|heard| heard.stamp.is_some());
        match by_echo.filter(|_| stamped) {
            Some(found) => found,
            None => self.heard.iter().rev().find(|heard| heard.time <= until),
        }
    }

    /// When the third duplicate acknowledgment in a row of octets up to `una` passed.
    pub fn asked_since(&self, una: i64) -> Option<Timestamp> {
        let third = |heard: &&Heard| heard.una == una && heard.duplicates >= 3;
        self.heard.iter().find(third).map(|heard| heard.time)
    }

    /// Whether any acknowledgment of a sender that has not heard of `start..end` can have asked for
    /// it. `None` where those that can are not kept.
    pub fn asks_for(&self, start: i64, end: i64) -> Option<bool> {
        let all = self.heard.front()?.una <= start;
        let last = self.heard.iter().position(|heard| heard.una >= end);
        let until = last.map_or(self.heard.len(), |last| last + 1);
        let asks = self.heard.iter().take(until).any(|heard| heard.asks);
        (all || asks).then_some(asks)
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
            stamp: None,
            asks: false,
        }
    }

    #[test]
    fn what_passed_a_round_trip_ago_was_heard() {
        let mut hearing = Hearing::default();
        let delay = Span::from_millis(20);
        let memory = Span::from_millis(50);
        for millis in 0..1000 {
            hearing.push(heard(millis, millis), memory);
        }
        let now = Timestamp::from_nanos(1_000_000_000);
        let una = hearing.at(now, delay, None).map_or(-1, |heard| heard.una);
        assert!((978..=981).contains(&una), "{una}");
        assert!(hearing.heard.len() <= MOST);
        assert_eq!(
            hearing.at(now, Span::ZERO, None).map(|heard| heard.una),
            Some(999)
        );
    }

    #[test]
    fn what_asks_is_told_while_it_is_kept() {
        let mut hearing = Hearing::default();
        assert_eq!(hearing.asks_for(1, 2), None);
        let memory = Span::from_millis(96);
        for (millis, una) in [(10, 1), (20, 1001), (30, 3001)] {
            hearing.push(heard(millis, una), memory);
        }
        assert_eq!(hearing.asks_for(1, 1001), Some(false));
        assert_eq!(hearing.asks_for(0, 1), None, "before what is kept");

        let asking = |millis, una| Heard {
            asks: true,
            ..heard(millis, una)
        };
        hearing.push(asking(40, 3001), memory);
        assert_eq!(hearing.asks_for(3001, 4001), Some(true));
        assert_eq!(
            hearing.asks_for(1, 1001),
            Some(false),
            "it had not heard that"
        );
        // Kept together with one that asks for nothing any more.
        let now = Timestamp::from_nanos(40_500_000);
        let next = Heard {
            time: now,
            ..heard(0, 5001)
        };
        hearing.push(next, memory);
        assert_eq!(hearing.asks_for(3001, 5001), Some(true));
    }

    #[test]
    fn nothing_is_heard_before_it_can_be() {
        let mut hearing = Hearing::default();
        hearing.push(heard(10, 1), Span::from_millis(20));
        let now = Timestamp::from_nanos(15_000_000);
        assert!(hearing.at(now, Span::from_millis(20), None).is_none());
    }
}
