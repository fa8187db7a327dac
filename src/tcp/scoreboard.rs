//! What one endpoint has sent and not yet seen acknowledged, as far as the tap saw it: the
//! evidence for RTT samples and for verdicts. Bounded.

use std::collections::VecDeque;

use rapidhash::v3::RapidSecrets;

use super::fingerprint::Fingerprint;
use crate::prefetch::prefetch;
use crate::time::{Span, Timestamp};

/// A segment that was seen, or the hole that a segment filled.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// First position (relative sequence number).
    pub start: i64,
    /// Octets of sequence space.
    pub len: u32,
    /// TSval of the first transmission, where there was one.
    pub tsval: Option<u32>,
    /// When it first passed the tap.
    pub time: Timestamp,
    /// In which frame.
    pub frame: u64,
    /// Of its payload; none when the capture has not all of it.
    pub fingerprint: Fingerprint,
    /// Sum of its header, with which a damaged payload shows.
    pub header_sum: u16,
    /// When it last passed, if it passed again, and with which TSval.
    pub resent: Option<Timestamp>,
    /// TSval of the last transmission, if it passed again and there was one.
    pub resent_tsval: Option<u32>,
    /// IP identification of the first transmission.
    pub ip_id: Option<u32>,
    /// Whether it reached the peer out of order, by SACK.
    pub sacked: bool,
    /// Whether it is a first transmission, as far as that shows.
    pub first: bool,
}

impl Sent {
    /// The position after its last octet.
    #[inline]
    pub fn end(&self) -> i64 {
        self.start + i64::from(self.len)
    }
}

/// Segments kept per direction at most.
const MOST: usize = 16_384;
/// Acknowledged segments kept for comparison with what is sent again needlessly.
const KEPT_ACKED: usize = 3;

/// The segments of one direction, lowest position first.
#[derive(Clone, Debug, Default)]
pub struct Scoreboard {
    sent: VecDeque<Sent>,
    /// How many at the front are acknowledged.
    acked: usize,
}

/// What an acknowledgment newly covered, or a SACK block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Acked {
    /// What Karn's rule allows a sample from: segments that passed once only and were not SACKed
    /// before. `None` when an acknowledgment covered anything that was sent again.
    pub sample: Option<Sample>,
    /// Where something was sent again: the transmission that the peer's timestamp echoes.
    pub echoed: Option<Sample>,
    /// The newest segment covered, sent again or not.
    pub newest: Option<Sent>,
}

/// When the segments passed that give a round-trip sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The one that waited longest for its acknowledgment.
    pub oldest: Timestamp,
    /// The one that waited shortest.
    pub newest: Timestamp,
}

impl Sample {
    /// Of one segment.
    #[inline]
    pub fn at(time: Timestamp) -> Self {
        Self {
            oldest: time,
            newest: time,
        }
    }

    /// Of both.
    #[inline]
    pub fn join(self, other: Self) -> Self {
        Self {
            oldest: self.oldest.min(other.oldest),
            newest: self.newest.max(other.newest),
        }
    }
}

impl Scoreboard {
    /// Remembers a first transmission above everything sent before.
    #[inline]
    pub fn push(&mut self, sent: Sent) {
        if self.sent.capacity() == 0 {
            // A few in flight and a few acknowledged: most connections never need more.
            self.sent.reserve_exact(KEPT_ACKED + 3);
        }
        if self.sent.len() >= MOST {
            self.sent.pop_front();
            self.acked = self.acked.saturating_sub(1);
        }
        self.sent.push_back(sent);
    }

    /// Remembers a segment that fills a hole below others.
    pub fn fill(&mut self, sent: Sent) {
        let at = self.sent.partition_point(|other| other.start < sent.start);
        if at >= self.acked && self.sent.len() < MOST {
            self.sent.insert(at, sent);
        }
    }

    /// The first segment seen that holds any of `start..end`.
    pub fn find(&self, start: i64, end: i64) -> Option<&Sent> {
        let at = self.sent.partition_point(|sent| sent.end() <= start);
        self.sent.get(at).filter(|sent| sent.start < end)
    }

    /// Marks the segments that `start..end` touches as sent again.
    pub fn resend(&mut self, start: i64, end: i64, time: Timestamp, tsval: Option<u32>) {
        let at = self.sent.partition_point(|sent| sent.end() <= start);
        for sent in self
            .sent
            .iter_mut()
            .skip(at)
            .take_while(|sent| sent.start < end)
        {
            sent.resent = Some(time);
            sent.resent_tsval = tsval;
        }
    }

    /// Compares a payload sent again with what was seen of the same octets, piece by piece. `None`
    /// when nothing could be compared; otherwise the range of the first piece that differs.
    pub fn conflict(
        &self,
        start: i64,
        payload: &[u8],
        secrets: &RapidSecrets,
    ) -> Option<Option<(i64, i64)>> {
        let end = start + payload.len() as i64;
        let at = self.sent.partition_point(|sent| sent.end() <= start);
        let mut compared = None;
        for sent in self
            .sent
            .iter()
            .skip(at)
            .take_while(|sent| sent.start < end)
        {
            for piece in sent.fingerprint.pieces(sent.len as usize) {
                let from = sent.start + piece.from as i64;
                let to = sent.start + piece.to as i64;
                if from < start || to > end {
                    continue;
                }
                let bytes = payload.get((from - start) as usize..(to - start) as usize);
                let Some(bytes) = bytes else { break };
                if !piece.is(bytes, secrets) {
                    return Some(Some((from, to)));
                }
                compared = Some(None);
            }
        }
        compared
    }

    /// Takes an acknowledgment of everything below `position` in, which echoes the timestamp
    /// `echo`.
    #[inline]
    pub fn acknowledge(&mut self, position: i64, echo: Option<u32>) -> Acked {
        let mut answer = Acked::default();
        let mut resent = false;
        let before = self.acked;
        let mut take = |sent: &Sent| {
            resent |= sent.resent.is_some();
            if !sent.sacked {
                let oldest = answer.sample.map_or(sent.time, |sample| sample.oldest);
                answer.sample = Some(Sample {
                    oldest,
                    newest: sent.time,
                });
            }
        };
        while let Some(sent) = self.sent.get(self.acked) {
            if sent.end() > position {
                // Of a super-segment a part may be acknowledged.
                if sent.start < position {
                    take(sent);
                }
                break;
            }
            self.acked += 1;
            take(sent);
            answer.newest = Some(*sent);
        }
        if resent {
            answer.sample = None;
            answer.echoed = echo.and_then(|echo| self.echoed(before, position, echo));
        }
        while self.acked > KEPT_ACKED {
            self.sent.pop_front();
            self.acked -= 1;
        }
        answer
    }

    /// Which transmission the peer answers, by the timestamp it echoes (RFC 7323 section 4), of
    /// the segments from index `from` up to `position`.
    #[cold]
    fn echoed(&self, from: usize, position: i64, echo: u32) -> Option<Sample> {
        let passed = |sent: &Sent| match sent.resent {
            None if sent.sacked || sent.tsval != Some(echo) => None,
            None => Some(sent.time),
            // Sent twice within a tick of the clock: either may be meant.
            Some(_) if sent.resent_tsval == sent.tsval => None,
            Some(again) if sent.resent_tsval == Some(echo) => Some(again),
            Some(_) => (sent.tsval == Some(echo)).then_some(sent.time),
        };
        let covered = self.sent.iter().skip(from);
        let covered = covered.take_while(|sent| sent.start < position);
        // Of those within a tick the first: a sample may be too long, but never too short.
        let exact = covered.clone().filter_map(passed).min();
        let passed = exact.or_else(|| covered.filter_map(|sent| between(sent, echo)).min());
        passed.map(Sample::at)
    }

    /// Marks segments inside `start..end` as SACKed, and tells of those that were not before.
    pub fn sack(&mut self, start: i64, end: i64) -> Acked {
        let at = self.sent.partition_point(|sent| sent.start < start);
        let mut answer = Acked::default();
        for sent in self
            .sent
            .iter_mut()
            .skip(at)
            .take_while(|sent| sent.end() <= end)
        {
            if sent.sacked {
                continue;
            }
            sent.sacked = true;
            answer.newest = Some(*sent);
            if sent.resent.is_none() {
                let this = Sample::at(sent.time);
                answer.sample = Some(answer.sample.map_or(this, |sample| sample.join(this)));
            }
        }
        answer
    }

    /// The segment with the highest positions.
    pub fn newest(&self) -> Option<&Sent> {
        self.sent.back()
    }

    /// The segment before position `start`: what was sent just below it.
    pub fn before(&self, start: i64) -> Option<&Sent> {
        let at = self.sent.partition_point(|sent| sent.end() <= start);
        self.sent.get(at.checked_sub(1)?)
    }

    /// The first transmission at or after position `end`: what was sent just above it.
    pub fn original_above(&self, end: i64) -> Option<&Sent> {
        let at = self.sent.partition_point(|sent| sent.start < end);
        self.sent.iter().skip(at).find(|sent| sent.first)
    }

    /// Asks for the memory that the next segment or acknowledgment needs.
    #[inline]
    pub(super) fn prefetch(&self) {
        if let Some(sent) = self.sent.get(self.acked) {
            prefetch(sent);
        }
        if let Some(sent) = self.sent.back() {
            prefetch(sent);
        }
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        self.sent.capacity() * size_of::<Sent>()
    }

    /// Forgets everything; keeps its memory.
    pub fn clear(&mut self) {
        self.sent.clear();
        self.acked = 0;
    }
}

/// When a transmission of `sent` between the first and the last passed that bore the timestamp
/// `echo`: the sender's clock ran evenly from one to the other.
#[cold]
fn between(sent: &Sent, echo: u32) -> Option<Timestamp> {
    let (first, again, last) = (sent.tsval?, sent.resent?, sent.resent_tsval?);
    let ticks = i128::from(last.wrapping_sub(first));
    let passed = i128::from(echo.wrapping_sub(first));
    if passed == 0 || passed >= ticks {
        return None;
    }
    // A tick less: a sample may be too long, but never too short.
    let nanos = i128::from((again - sent.time).as_nanos()) * (passed - 1) / ticks;
    Some(sent.time + Span::from_nanos(i64::try_from(nanos).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> RapidSecrets {
        RapidSecrets::seed(7)
    }

    fn sent(start: i64, bytes: &[u8], frame: u64) -> Sent {
        Sent {
            start,
            len: bytes.len() as u32,
            tsval: None,
            time: Timestamp::from_nanos(frame as i64),
            frame,
            fingerprint: Fingerprint::of(bytes, &secrets()),
            resent: None,
            resent_tsval: None,
            ip_id: None,
            sacked: false,
            header_sum: 0,
            first: true,
        }
    }

    fn board() -> Scoreboard {
        let mut board = Scoreboard::default();
        board.push(sent(1, b"abcd", 1));
        board.push(sent(5, b"efgh", 2));
        board.push(sent(9, b"ijkl", 3));
        board
    }

    fn spanning(oldest: i64, newest: i64) -> Sample {
        Sample {
            oldest: Timestamp::from_nanos(oldest),
            newest: Timestamp::from_nanos(newest),
        }
    }

    #[test]
    fn an_acknowledgment_samples_segments_sent_once() {
        assert_eq!(board().acknowledge(9, None).sample, Some(spanning(1, 2)));
        assert!(board().acknowledge(1, None).sample.is_none());
        let mut karn = board();
        karn.resend(1, 5, Timestamp::from_nanos(9), None);
        assert!(karn.acknowledge(9, None).sample.is_none());
        assert_eq!(karn.acknowledge(13, None).sample, Some(spanning(3, 3)));
    }

    #[test]
    fn what_was_sacked_gives_no_sample_when_the_hole_fills() {
        let mut board = board();
        let told = board.sack(9, 13);
        assert_eq!(told.newest.map(|sent| sent.frame), Some(3));
        assert_eq!(told.sample, Some(spanning(3, 3)));
        assert!(board.sack(9, 13).newest.is_none());
        board.resend(1, 5, Timestamp::from_nanos(9), None);
        assert_eq!(board.acknowledge(5, None).sample, None);
        assert_eq!(board.acknowledge(13, None).sample, Some(spanning(2, 2)));
        assert_eq!(board.acknowledge(13, None).sample, None);
    }

    #[test]
    fn a_sack_of_what_was_sent_again_gives_no_sample() {
        let mut board = board();
        board.resend(5, 9, Timestamp::from_nanos(9), None);
        let told = board.sack(5, 13);
        assert_eq!(told.newest.map(|sent| sent.frame), Some(3));
        assert_eq!(told.sample, Some(spanning(3, 3)));
        let mut board = self::board();
        board.resend(5, 9, Timestamp::from_nanos(9), None);
        assert_eq!(board.sack(5, 9).sample, None);
    }

    #[test]
    fn a_part_of_a_super_segment_gives_a_sample() {
        let mut board = board();
        assert_eq!(board.acknowledge(3, None).sample, Some(spanning(1, 1)));
        assert_eq!(board.acknowledge(6, None).sample, Some(spanning(1, 2)));
        board.resend(7, 9, Timestamp::from_nanos(9), None);
        assert_eq!(board.acknowledge(9, None).sample, None);
    }

    #[test]
    fn an_echo_tells_which_transmission_was_answered() {
        let stamped = || {
            let mut board = Scoreboard::default();
            board.push(Sent {
                tsval: Some(100),
                ..sent(1, b"abcd", 1)
            });
            board.push(Sent {
                tsval: Some(103),
                ..sent(5, b"efgh", 2)
            });
            board.resend(1, 5, Timestamp::from_nanos(9), Some(140));
            board
        };
        let again = Some(Sample::at(Timestamp::from_nanos(9)));
        let acked = stamped().acknowledge(9, Some(140));
        assert_eq!((acked.sample, acked.echoed), (None, again));
        let acked = stamped().acknowledge(9, Some(100));
        assert_eq!(acked.echoed, Some(spanning(1, 1)));
        let acked = stamped().acknowledge(9, Some(103));
        assert_eq!(acked.echoed, Some(spanning(2, 2)));
        let mut sacked = stamped();
        sacked.sack(5, 9);
        assert_eq!(
            sacked.acknowledge(9, Some(103)).echoed,
            Some(spanning(1, 1))
        );
        // The first of 40 ticks in 8 ns; a third transmission half-way, less a tick.
        let acked = stamped().acknowledge(9, Some(121));
        assert_eq!(acked.echoed, Some(spanning(5, 5)));
        assert_eq!(stamped().acknowledge(9, Some(99)).echoed, None);
        assert_eq!(stamped().acknowledge(9, Some(141)).echoed, None);
        assert_eq!(stamped().acknowledge(9, None).echoed, None);
        let mut twice_in_a_tick = stamped();
        twice_in_a_tick.resend(1, 5, Timestamp::from_nanos(9), Some(100));
        assert_eq!(twice_in_a_tick.acknowledge(9, Some(100)).echoed, None);
    }

    #[test]
    fn conflicts_are_found_in_whole_segments() {
        let board = board();
        assert_eq!(board.conflict(1, b"abcdefgh", &secrets()), Some(None));
        assert_eq!(
            board.conflict(1, b"abcdefgX", &secrets()),
            Some(Some((5, 9)))
        );
        assert_eq!(board.conflict(2, b"bc", &secrets()), None);
    }

    #[test]
    fn what_lies_across_segments_is_compared_by_their_pieces() {
        let octets: Vec<u8> = (0..2000).map(|n| (n * 7 % 251) as u8).collect();
        let mut board = Scoreboard::default();
        board.push(sent(0, &octets[..1000], 1));
        board.push(sent(1000, &octets[1000..], 2));
        let says = |from: usize, bytes: &[u8]| board.conflict(from as i64, bytes, &secrets());
        // Two quarters of one and two of the other, all alike.
        assert_eq!(says(400, &octets[400..1600]), Some(None));
        // Less than a quarter of either: nothing to go by.
        assert_eq!(says(900, &octets[900..1100]), None);
        let mut other = octets.clone();
        other[1300] ^= 1;
        assert_eq!(says(400, &other[400..1600]), Some(Some((1250, 1500))));
        assert_eq!(says(1000, &other[1000..]), Some(Some((1250, 1500))));
        assert_eq!(says(0, &other[..1250]), Some(None));
    }

    #[test]
    fn stays_bounded() {
        let mut board = Scoreboard::default();
        for n in 0..MOST as i64 * 2 {
            board.push(sent(n * 4, b"abcd", n as u64));
        }
        assert_eq!(board.sent.len(), MOST);
        board.acknowledge(i64::MAX, None);
        assert_eq!(board.sent.len(), KEPT_ACKED);
    }
}
