//! One direction's byte stream, put in order: exact across sequence wrap and past 4 GiB, with
//! overlaps by a policy, gaps said, and memory bounded.
//!
//! Positions are relative sequence numbers in 64 bits: the first byte of data is at 1.

use super::range_set::RangeSet;
use crate::prefetch::prefetch;

/// Which bytes win where a segment overlaps data that waits for a gap to be filled. Bytes already
/// in order have gone to the application on every system and are never replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverlapPolicy {
    /// What came first wins.
    #[default]
    First,
    /// What came last wins.
    Last,
    /// The segment that starts earlier wins; of two that start together the longer; then the
    /// first (Linux, `tcp_data_queue_ofo`).
    Linux,
    /// What came first wins (Windows Vista and later).
    Windows,
    /// The segment that starts earlier wins; of two that start together the first
    /// (BSD, `tcp_reass`).
    Bsd,
}

/// Where a direction's bytes go, in order.
pub trait StreamSink {
    /// `bytes` stand at `offset` of the stream (0 is the first byte after the SYN).
    fn bytes(&mut self, offset: u64, bytes: &[u8]);
    /// `len` bytes from `offset` on are not there: never captured, cut by the snaplen, or waited
    /// for too long.
    fn gap(&mut self, offset: u64, len: u64);
}

/// For whom the stream is followed but nobody wants the bytes.
impl StreamSink for () {
    fn bytes(&mut self, _: u64, _: &[u8]) {}
    fn gap(&mut self, _: u64, _: u64) {}
}

/// What a segment meant to the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Octets never seen before.
    pub new: i64,
    /// Octets seen before.
    pub seen: i64,
    /// The first range whose bytes differ from those seen before.
    pub conflict: Option<(i64, i64)>,
    /// Whether all octets seen before could be compared byte by byte.
    pub compared: bool,
}

#[derive(Clone, Debug)]
struct Piece {
    start: i64,
    end: i64,
    /// The segment it came in, for the overlap policies.
    origin: (i64, i64),
    /// Captured bytes from `start`; fewer than the range when the frame was cut.
    bytes: Vec<u8>,
}

/// Puts one direction in order.
#[derive(Clone, Debug, Default)]
pub struct Reassembler {
    /// First position ever seen; below it nothing is known.
    begin: i64,
    /// Everything below this has been delivered or given up.
    frontier: i64,
    /// What waits above the frontier: sorted, disjoint.
    pieces: Vec<Piece>,
    /// Bytes held in `pieces`.
    held: usize,
    /// Gaps given up below the frontier.
    skipped: RangeSet,
    /// Octets given up in all.
    missing: u64,
    recent: Recent,
}

/// Pieces held per direction; past it the oldest gap is given up.
const MOST_PIECES: usize = 4096;

impl Reassembler {
    /// A stream whose first octet of interest is at `begin`.
    pub fn starting_at(begin: i64) -> Self {
        let mut stream = Self::default();
        stream.start_at(begin);
        stream
    }

    /// Lets a stream of which nothing was seen start at `begin`.
    pub(super) fn start_at(&mut self, begin: i64) {
        self.begin = begin;
        self.frontier = begin;
    }

    /// Forgets everything; keeps what memory is small.
    pub(super) fn clear(&mut self) {
        let Self {
            begin,
            frontier,
            pieces,
            held,
            skipped,
            missing,
            recent,
        } = self;
        *begin = 0;
        *frontier = 0;
        pieces.clear();
        *held = 0;
        skipped.clear();
        *missing = 0;
        recent.bytes.clear();
        recent.end = 0;
    }

    /// Goes on with a stream of which everything below `frontier` has been delivered, and
    /// `missing` octets been given up.
    pub(super) fn resume(&mut self, frontier: i64, missing: u64) {
        self.frontier = self.frontier.max(frontier);
        self.missing = missing;
    }

    /// The next position expected in order.
    #[inline]
    pub fn frontier(&self) -> i64 {
        self.frontier
    }

    /// Bytes held while waiting for a gap to be filled.
    #[inline]
    pub fn held(&self) -> usize {
        self.held
    }

    /// Octets given up in all: gaps in the stream as delivered.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// The first gap that is waited on.
    #[inline]
    pub fn open_gap(&self) -> Option<(i64, i64)> {
        self.pieces
            .first()
            .map(|piece| (self.frontier, piece.start))
    }

    /// How many positions of `start..end` have been seen.
    pub fn seen(&self, start: i64, end: i64) -> i64 {
        let below = (end.min(self.frontier) - start.max(self.begin)).max(0);
        let skipped = if self.skipped.is_empty() {
            0
        } else {
            self.skipped.overlap(start, end)
        };
        below - skipped
            + self
                .pieces
                .iter()
                .map(|piece| (piece.end.min(end) - piece.start.max(start)).max(0))
                .sum::<i64>()
    }

    /// Takes in the octets `start..end`, of which `payload` was captured, and delivers what is now
    /// in order.
    #[inline]
    pub fn offer(
        &mut self,
        start: i64,
        end: i64,
        payload: &[u8],
        policy: OverlapPolicy,
        sink: &mut (impl StreamSink + ?Sized),
    ) -> Offer {
        if start == self.frontier && self.pieces.is_empty() {
            self.deliver(start, end, payload, sink);
            return Offer {
                new: end - start,
                seen: 0,
                conflict: None,
                compared: true,
            };
        }
        self.offer_slow(start, end, payload, policy, sink)
    }

    #[cold]
    fn offer_slow(
        &mut self,
        start: i64,
        end: i64,
        payload: &[u8],
        policy: OverlapPolicy,
        sink: &mut (impl StreamSink + ?Sized),
    ) -> Offer {
        if start >= end {
            return Offer {
                compared: true,
                ..Offer::default()
            };
        }
        // The usual case behind a gap: more of what follows it.
        if start > self.frontier && self.pieces.last().is_none_or(|piece| piece.end <= start) {
            let bytes = part(payload, start, start, end);
            self.held += bytes.len();
            self.pieces.push(Piece {
                start,
                end,
                origin: (start, end),
                bytes,
            });
            return Offer {
                new: end - start,
                seen: 0,
                conflict: None,
                compared: true,
            };
        }
        let seen = self.seen(start, end);
        let (delivered_conflict, compared) =
            self.recent.compare(start, end.min(self.frontier), payload);
        let conflict = delivered_conflict.or_else(|| self.conflict_with_pieces(start, payload));
        if !self.skipped.is_empty() {
            self.skipped.remove(start, end);
        }
        let offer = Offer {
            new: end - start - seen,
            seen,
            conflict,
            compared,
        };
        if end <= self.frontier {
            return offer;
        }
        if start <= self.frontier && self.pieces.first().is_none_or(|piece| piece.start >= end) {
            let skip = (self.frontier - start) as usize;
            let (from, rest) = (self.frontier, payload.get(skip..).unwrap_or(&[]));
            self.deliver(from, end, rest, sink);
        } else {
            self.insert(start, end, payload, policy);
        }
        self.drain(sink);
        offer
    }

    /// Gives the first open gap up and delivers what waited behind it.
    pub fn skip_gap(&mut self, sink: &mut (impl StreamSink + ?Sized)) -> Option<(i64, i64)> {
        let (start, end) = self.open_gap()?;
        self.skipped.insert(start, end);
        self.give_up(start, end, sink);
        self.frontier = end;
        self.drain(sink);
        Some((start, end))
    }

    /// Gives up everything below `position`: the receiver says that it has it.
    pub fn skip_to(&mut self, position: i64, sink: &mut (impl StreamSink + ?Sized)) {
        while self.open_gap().is_some_and(|gap| gap.1 <= position) {
            self.skip_gap(sink);
        }
        if self.frontier < position {
            let from = self.frontier;
            self.skipped.insert(from, position);
            self.give_up(from, position, sink);
            self.frontier = position;
            self.drain(sink);
        }
    }

    /// Whether more is held than `limit` bytes, or in too many pieces.
    #[inline]
    pub fn is_over(&self, limit: usize) -> bool {
        self.held > limit || self.pieces.len() > MOST_PIECES
    }

    /// Delivers all there is, gaps and all.
    pub fn settle(&mut self, sink: &mut (impl StreamSink + ?Sized)) {
        while self.skip_gap(sink).is_some() {}
    }

    /// Asks for the memory that the next bytes go to.
    #[inline]
    pub(super) fn prefetch(&self) {
        if let Some(last) = self.recent.bytes.last() {
            prefetch(last);
        }
    }

    /// Bytes on the heap, payload included.
    pub fn heap(&self) -> usize {
        self.held
            + self.pieces.capacity() * size_of::<Piece>()
            + self.recent.bytes.capacity()
            + self.skipped.heap()
    }

    #[inline]
    fn deliver(
        &mut self,
        start: i64,
        end: i64,
        payload: &[u8],
        sink: &mut (impl StreamSink + ?Sized),
    ) {
        self.recent.push(start, payload);
        let wanted = (end - start) as usize;
        let bytes = payload.get(..wanted).unwrap_or(payload);
        if !bytes.is_empty() {
            sink.bytes(offset(start), bytes);
        }
        let cut = start + bytes.len() as i64;
        if cut < end {
            self.give_up(cut, end, sink);
        }
        self.frontier = end;
    }

    fn give_up(&mut self, start: i64, end: i64, sink: &mut (impl StreamSink + ?Sized)) {
        self.missing += (end - start) as u64;
        sink.gap(offset(start), (end - start) as u64);
    }

    fn drain(&mut self, sink: &mut (impl StreamSink + ?Sized)) {
        let mut done = 0;
        while let Some(piece) = self.pieces.get_mut(done) {
            if piece.start > self.frontier {
                break;
            }
            let (start, end) = (piece.start, piece.end);
            let bytes = core::mem::take(&mut piece.bytes);
            self.held -= bytes.len();
            done += 1;
            if end > self.frontier {
                let skip = (self.frontier - start) as usize;
                let from = self.frontier;
                self.deliver(from, end, bytes.get(skip..).unwrap_or(&[]), sink);
            }
        }
        self.pieces.drain(..done);
    }

    fn conflict_with_pieces(&self, start: i64, payload: &[u8]) -> Option<(i64, i64)> {
        self.pieces.iter().find_map(|piece| {
            let low = piece.start.max(start);
            let theirs = piece.bytes.get((low - piece.start) as usize..)?;
            let ours = payload.get((low - start) as usize..)?;
            first_difference(low, ours, theirs)
        })
    }

    fn insert(&mut self, start: i64, end: i64, payload: &[u8], policy: OverlapPolicy) {
        // What of the new segment is kept, as ranges; pieces that lose are cut around it.
        let mut kept = vec![(start.max(self.frontier), end)];
        let mut pieces = Vec::with_capacity(self.pieces.len() + 2);
        for piece in self.pieces.drain(..) {
            if piece.end <= start || piece.start >= end {
                pieces.push(piece);
            } else if old_wins(policy, piece.origin, (start, end)) {
                kept = kept
                    .into_iter()
                    .flat_map(|(s, e)| [(s, e.min(piece.start)), (s.max(piece.end), e)])
                    .filter(|(s, e)| s < e)
                    .collect();
                pieces.push(piece);
            } else {
                for (s, e) in [(piece.start, start), (end, piece.end)] {
                    if s < e {
                        let bytes = part(&piece.bytes, piece.start, s, e);
                        pieces.push(Piece {
                            start: s,
                            end: e,
                            origin: piece.origin,
                            bytes,
                        });
                    }
                }
            }
        }
        pieces.extend(kept.into_iter().map(|(s, e)| Piece {
            start: s,
            end: e,
            origin: (start, end),
            bytes: part(payload, start, s, e),
        }));
        pieces.sort_unstable_by_key(|piece| piece.start);
        self.held = pieces.iter().map(|piece| piece.bytes.len()).sum();
        self.pieces = pieces;
    }
}

#[inline]
fn offset(position: i64) -> u64 {
    (position - 1).max(0) as u64
}

/// The captured bytes of `start..end` of a run of bytes that begins at `base`.
fn part(bytes: &[u8], base: i64, start: i64, end: i64) -> Vec<u8> {
    let from = ((start - base) as usize).min(bytes.len());
    let to = ((end - base) as usize).min(bytes.len());
    bytes.get(from..to).unwrap_or(&[]).to_vec()
}

fn old_wins(policy: OverlapPolicy, old: (i64, i64), new: (i64, i64)) -> bool {
    match policy {
        OverlapPolicy::First | OverlapPolicy::Windows => true,
        OverlapPolicy::Last => false,
        OverlapPolicy::Bsd => old.0 <= new.0,
        OverlapPolicy::Linux => old.0 < new.0 || (old.0 == new.0 && old.1 >= new.1),
    }
}

fn first_difference(position: i64, one: &[u8], two: &[u8]) -> Option<(i64, i64)> {
    let len = one.len().min(two.len());
    let from = one.iter().zip(two).position(|(a, b)| a != b)?;
    let run = one
        .get(from..len)?
        .iter()
        .zip(two.get(from..len)?)
        .take_while(|(a, b)| a != b);
    Some((
        position + from as i64,
        position + (from + run.count()) as i64,
    ))
}

/// The last bytes delivered, kept only while segments are short: enough to compare overlaps byte
/// by byte where evasion and keystrokes happen, and nothing to pay for bulk data.
#[derive(Clone, Debug, Default)]
struct Recent {
    end: i64,
    bytes: Vec<u8>,
}

impl Recent {
    const SHORT: usize = 128;
    const MOST: usize = 512;

    #[inline]
    fn push(&mut self, start: i64, payload: &[u8]) {
        if payload.len() > Self::SHORT {
            self.bytes.clear();
            return;
        }
        if self.end != start {
            self.bytes.clear();
        }
        if self.bytes.len() + payload.len() > Self::MOST {
            self.bytes.drain(..self.bytes.len() / 2);
        }
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(Self::MOST);
        }
        self.bytes.extend_from_slice(payload);
        self.end = start + payload.len() as i64;
    }

    /// Compares what `payload` says of `start..end` with what was delivered. The second value
    /// tells whether all of it could be compared.
    fn compare(&self, start: i64, end: i64, payload: &[u8]) -> (Option<(i64, i64)>, bool) {
        if start >= end {
            return (None, true);
        }
        let begin = self.end - self.bytes.len() as i64;
        let (low, high) = (start.max(begin), end.min(self.end));
        if low >= high {
            return (None, false);
        }
        let ours = payload.get((low - start) as usize..).unwrap_or(&[]);
        let ours = ours.get(..(high - low) as usize).unwrap_or(ours);
        let theirs = self.bytes.get((low - begin) as usize..).unwrap_or(&[]);
        let whole = low == start && high == end && ours.len() as i64 == high - low;
        (first_difference(low, ours, theirs), whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Collected {
        bytes: Vec<u8>,
        gaps: Vec<(u64, u64)>,
    }

    impl StreamSink for Collected {
        fn bytes(&mut self, offset: u64, bytes: &[u8]) {
            assert_eq!(offset as usize, self.bytes.len());
            self.bytes.extend_from_slice(bytes);
        }
        fn gap(&mut self, offset: u64, len: u64) {
            assert_eq!(offset as usize, self.bytes.len());
            self.bytes.extend(std::iter::repeat_n(b'.', len as usize));
            self.gaps.push((offset, len));
        }
    }

    fn run(policy: OverlapPolicy, segments: &[(i64, &str)]) -> (String, Vec<Offer>) {
        let mut stream = Reassembler::starting_at(1);
        let mut sink = Collected::default();
        let offers = segments
            .iter()
            .map(|&(start, text)| {
                stream.offer(
                    start,
                    start + text.len() as i64,
                    text.as_bytes(),
                    policy,
                    &mut sink,
                )
            })
            .collect();
        stream.settle(&mut sink);
        (String::from_utf8(sink.bytes).unwrap(), offers)
    }

    #[test]
    fn policies_differ_only_where_segments_disagree() {
        // A hole at 1, then old data at 4..8, then new data that starts before, with and after it.
        for (segments, first, last, linux, bsd) in [
            (
                vec![(4, "oooo"), (3, "nnn"), (1, "xx")],
                "xxnoooo",
                "xxnnnoo",
                "xxnnnoo",
                "xxnnnoo",
            ),
            (
                vec![(3, "oooo"), (5, "nnnn"), (1, "xx")],
                "xxoooonn",
                "xxoonnnn",
                "xxoooonn",
                "xxoooonn",
            ),
            (
                vec![(3, "oo"), (3, "nnnn"), (1, "xx")],
                "xxoonn",
                "xxnnnn",
                "xxnnnn",
                "xxoonn",
            ),
            (
                vec![(3, "oooo"), (3, "nn"), (1, "xx")],
                "xxoooo",
                "xxnnoo",
                "xxoooo",
                "xxoooo",
            ),
            (
                vec![(4, "oo"), (3, "nnnn"), (1, "xx")],
                "xxnoon",
                "xxnnnn",
                "xxnnnn",
                "xxnnnn",
            ),
        ] {
            for (policy, expected) in [
                (OverlapPolicy::First, first),
                (OverlapPolicy::Windows, first),
                (OverlapPolicy::Last, last),
                (OverlapPolicy::Linux, linux),
                (OverlapPolicy::Bsd, bsd),
            ] {
                let (text, offers) = run(policy, &segments);
                assert_eq!(text, expected, "{policy:?} {segments:?}");
                assert!(offers[1].conflict.is_some(), "{policy:?} {segments:?}");
            }
        }
    }

    #[test]
    fn delivered_bytes_are_never_replaced() {
        let (text, offers) = run(OverlapPolicy::Last, &[(1, "good"), (1, "evil"), (5, "!")]);
        assert_eq!(text, "good!");
        assert_eq!(
            offers[1],
            Offer {
                new: 0,
                seen: 4,
                conflict: Some((1, 5)),
                compared: true
            }
        );
    }

    #[test]
    fn gaps_are_said_where_they_are() {
        let mut stream = Reassembler::starting_at(1);
        let mut sink = Collected::default();
        stream.offer(1, 4, b"abc", OverlapPolicy::First, &mut sink);
        stream.offer(6, 9, b"fgh", OverlapPolicy::First, &mut sink);
        assert_eq!(stream.open_gap(), Some((4, 6)));
        assert_eq!(stream.skip_gap(&mut sink), Some((4, 6)));
        assert_eq!(sink.bytes, b"abc..fgh");
        assert_eq!(
            (sink.gaps.as_slice(), stream.missing()),
            ([(3, 2)].as_slice(), 2)
        );
        // What comes late fills a gap that was given up: new to us, but no longer in order.
        let late = stream.offer(4, 6, b"de", OverlapPolicy::First, &mut sink);
        assert_eq!((late.new, late.seen), (2, 0));
        assert_eq!(stream.seen(4, 6), 2);
    }

    #[test]
    fn a_cut_frame_leaves_a_gap() {
        let mut stream = Reassembler::starting_at(1);
        let mut sink = Collected::default();
        stream.offer(1, 11, b"abcd", OverlapPolicy::First, &mut sink);
        stream.offer(11, 13, b"xy", OverlapPolicy::First, &mut sink);
        assert_eq!(sink.bytes, b"abcd......xy");
        assert_eq!(stream.frontier(), 13);
    }

    proptest! {
        /// Streams out = streams in, whatever the order, overlap and repetition of segments.
        #[test]
        fn any_order_gives_the_same_stream(
            len in 1_usize..300,
            cuts in proptest::collection::vec((0_usize..300, 1_usize..60), 0..60),
            policy in prop_oneof![
                Just(OverlapPolicy::First), Just(OverlapPolicy::Last), Just(OverlapPolicy::Linux),
                Just(OverlapPolicy::Bsd),
            ],
        ) {
            let original: Vec<u8> = (0..len).map(|i| (i * 7 % 251) as u8).collect();
            let mut stream = Reassembler::starting_at(1);
            let mut sink = Collected::default();
            let mut seen = std::collections::BTreeSet::new();
            let whole = (0..len).step_by(17).map(|at| (at, 17));
            for (at, size) in cuts.into_iter().chain(whole) {
                let (from, to) = (at.min(len), (at + size).min(len));
                let before = seen.len();
                seen.extend(from..to);
                let offer = stream.offer(from as i64 + 1, to as i64 + 1, &original[from..to], policy, &mut sink);
                prop_assert_eq!(offer.new, (seen.len() - before) as i64);
                prop_assert_eq!(offer.conflict, None);
            }
            prop_assert_eq!(sink.bytes, original);
            prop_assert_eq!(stream.held(), 0);
        }
    }
}
