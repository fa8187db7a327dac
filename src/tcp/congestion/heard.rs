//! What a sender has heard by the time it sends, as far as a tap away from it can know.
//!
//! An acknowledgment that passes the tap reaches the sender later, and what the sender sends then
//! passes later still: by the round trip from the tap to the sender. So an acknowledgment counts
//! as heard when that much time has passed and, where there are timestamps, when the sender has
//! echoed it (RFC 7323 section 4.3): the echo is right with any queue between tap and sender.

use crate::time::{Span, Timestamp};

/// The news of one acknowledgment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct News {
    /// When it passed the tap.
    pub(super) time: Timestamp,
    /// SND.UNA of the sender, as a position.
    pub(super) una: i64,
    /// Octets from there to the end of the peer's window, if its scale is known.
    pub(super) window: Option<u32>,
    /// Octets above `una` that the peer reported as received.
    pub(super) sacked: u32,
    /// Its TSval.
    pub(super) tsval: Option<u32>,
}

/// Octets from `una` to the edge of a window.
pub(super) fn window(edge: i64, una: i64) -> u32 {
    u32::try_from(edge.saturating_sub(una).max(0)).unwrap_or(u32::MAX)
}

/// Acknowledgments on their way to the sender, and the last one that reached it. Bounded: where
/// there are more, some are left out, and what is heard comes in coarser steps.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    now: News,
    coming: [News; Self::MOST],
    first: usize,
    len: usize,
    /// Acknowledgments closer together than this are one.
    grain: Span,
    /// When the first of those that are the newest one passed.
    began: Timestamp,
}

impl Heard {
    const MOST: usize = 64;
    /// A host may answer so much faster than when it was measured.
    const HASTE: Span = Span::from_nanos(200_000);

    pub(super) fn starting(now: News) -> Self {
        Self {
            now,
            coming: [News::default(); Self::MOST],
            first: 0,
            len: 0,
            grain: Span::ZERO,
            began: Timestamp::default(),
        }
    }

    /// The last one that reached the sender.
    pub(super) fn now(&self) -> &News {
        &self.now
    }

    fn at(&self, n: usize) -> usize {
        (self.first + n) % Self::MOST
    }

    /// An acknowledgment passes the tap.
    pub(super) fn passes(&mut self, news: News) {
        if let Some(last) = self.len.checked_sub(1).map(|last| self.at(last)) {
            let last = &mut self.coming[last];
            if news.una < last.una {
                return;
            }
            if news.time - self.began < self.grain {
                // As if all of it had come in the middle: neither too early nor too late.
                let half = (news.time - self.began).as_nanos() / 2;
                *last = News {
                    time: self.began + Span::from_nanos(half),
                    ..news
                };
                return;
            }
        }
        if self.len < Self::MOST / 4 {
            self.grain = Span::from_nanos(self.grain.as_nanos() / 2);
        }
        self.began = news.time;
        if self.len == Self::MOST {
            // Every other one goes.
            for n in 0..Self::MOST / 2 {
                let (to, from) = (self.at(n), self.at(2 * n + 1));
                self.coming[to] = self.coming[from];
            }
            self.len = Self::MOST / 2;
            let newest = self.coming[self.at(self.len - 1)];
            let oldest = self.coming[self.first];
            let spread = (newest.time - oldest.time).as_nanos().max(0);
            self.grain = Span::from_nanos(spread / (Self::MOST as i64 * 3 / 4));
        }
        let at = self.at(self.len);
        self.coming[at] = news;
        self.len += 1;
    }

    /// The sender sends, seen at `time`, and echoes `echo`; it is `away` from the tap and back.
    /// Gives when the first acknowledgment passed that it has heard since it last sent.
    pub(super) fn hear(
        &mut self,
        time: Timestamp,
        away: Span,
        echo: Option<u32>,
    ) -> Option<Timestamp> {
        let mut first = None;
        // The shortest trip that was measured was not the shortest there is.
        let away = away.as_nanos() - away.as_nanos() / 16 - Self::HASTE.as_nanos();
        let away = Span::from_nanos(away.max(0));
        while self.len > 0 {
            let next = self.coming[self.first];
            let reached = time - next.time >= away;
            let echoed = match (echo, next.tsval) {
                (Some(echo), Some(tsval)) => echo.wrapping_sub(tsval) as i32 >= 0,
                _ => true,
            };
            if !(reached && echoed) {
                break;
            }
            first.get_or_insert(next.time);
            self.now = next;
            self.first = self.at(1);
            self.len -= 1;
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(millis: i64, una: i64, tsval: Option<u32>) -> News {
        News {
            time: at(millis),
            una,
            tsval,
            ..News::default()
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn an_acknowledgment_counts_when_it_can_have_arrived() {
        let mut heard = Heard::starting(News::default());
        heard.passes(news(10, 100, None));
        heard.passes(news(20, 200, None));
        heard.hear(at(37), Span::from_millis(30), None);
        assert_eq!(heard.now().una, 0);
        heard.hear(at(40), Span::from_millis(30), None);
        assert_eq!(heard.now().una, 100);
        heard.hear(at(90), Span::from_millis(30), None);
        assert_eq!(heard.now().una, 200);
    }

    #[test]
    fn and_with_timestamps_when_it_is_echoed() {
        let mut heard = Heard::starting(News::default());
        heard.passes(news(10, 100, Some(u32::MAX)));
        heard.passes(news(20, 200, Some(0)));
        heard.hear(at(500), Span::from_millis(30), Some(u32::MAX));
        assert_eq!(heard.now().una, 100);
        heard.hear(at(510), Span::from_millis(30), Some(1));
        assert_eq!(heard.now().una, 200);
    }

    #[test]
    fn stays_bounded_and_close() {
        let mut heard = Heard::starting(News::default());
        let mut worst = 0;
        for n in 0..5000_i64 {
            heard.passes(news(n, n, None));
            heard.hear(at(n), Span::from_millis(1000), None);
            if n > 2000 {
                worst = worst.max(((n - 1000) - heard.now().una).abs());
            }
        }
        assert!((1..150).contains(&worst), "{worst} of 1000");
    }
}
