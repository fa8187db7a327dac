//! The last moments, in memory of a fixed size.

use std::collections::VecDeque;

use crate::frame::CapturedFrame;
use crate::time::{Span, Timestamp};
use crate::wire::LinkType;

/// Frames of the last moments.
#[derive(Debug)]
pub(super) struct Lookback {
    span: Span,
    /// Octets kept at most, what is kept of each frame beside its bytes included.
    memory: usize,
    frames: VecDeque<Kept>,
    bytes: VecDeque<u8>,
}

/// A frame whose bytes are the next in line.
#[derive(Clone, Copy, Debug)]
struct Kept {
    number: u64,
    time: Timestamp,
    interface: u32,
    link: LinkType,
    wire_len: u32,
    len: usize,
}

impl Lookback {
    pub(super) fn new(span: Span, memory: usize) -> Self {
        Self {
            span,
            memory,
            frames: VecDeque::new(),
            bytes: VecDeque::new(),
        }
    }

    /// Keeps a frame, and lets go what is too old or too much.
    pub(super) fn keep(&mut self, frame: &CapturedFrame<'_>) {
        if frame.data.len() + size_of::<Kept>() > self.memory {
            return;
        }
        let holds = |frames: usize, bytes: usize| bytes + frames * size_of::<Kept>();
        while let Some(first) = self.frames.front() {
            let is_old = frame.time - first.time > self.span;
            let needed = self.bytes.len() + frame.data.len();
            if !is_old && holds(self.frames.len() + 1, needed) <= self.memory {
                break;
            }
            self.bytes.drain(..first.len.min(self.bytes.len()));
            self.frames.pop_front();
        }
        self.frames.push_back(Kept {
            number: frame.number,
            time: frame.time,
            interface: frame.interface,
            link: frame.link,
            wire_len: frame.wire_len,
            len: frame.data.len(),
        });
        self.bytes.extend(frame.data);
    }

    /// Hands on what is kept, the oldest first, and keeps it no more.
    pub(super) fn take(&mut self, mut sink: impl FnMut(&CapturedFrame<'_>)) {
        let bytes = self.bytes.make_contiguous();
        let mut rest: &[u8] = bytes;
        for kept in self.frames.drain(..) {
            let (data, after) = rest.split_at(kept.len.min(rest.len()));
            rest = after;
            sink(&CapturedFrame {
                number: kept.number,
                time: kept.time,
                interface: kept.interface,
                link: kept.link,
                wire_len: kept.wire_len,
                data,
                upcoming: &[],
                place: crate::frame::Place::NOWHERE,
            });
        }
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(nanos: i64, data: &[u8]) -> CapturedFrame<'_> {
        CapturedFrame {
            number: 1,
            time: Timestamp::from_nanos(nanos),
            interface: 0,
            link: LinkType::ETHERNET,
            wire_len: data.len() as u32,
            data,
            upcoming: &[],
            place: crate::frame::Place::NOWHERE,
        }
    }

    fn taken(lookback: &mut Lookback) -> Vec<(i64, Vec<u8>)> {
        let mut all = Vec::new();
        lookback.take(|frame| all.push((frame.time.as_nanos(), frame.data.to_vec())));
        all
    }

    #[test]
    fn the_last_moments_are_kept() {
        let mut lookback = Lookback::new(Span::from_nanos(10), 1 << 20);
        for nanos in 0..100 {
            lookback.keep(&frame(nanos, &[nanos as u8; 3]));
        }
        let all = taken(&mut lookback);
        assert_eq!(all.len(), 11);
        assert_eq!(all[0], (89, vec![89; 3]));
        assert_eq!(all[10], (99, vec![99; 3]));
        assert!(taken(&mut lookback).is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let memory = 100 * (size_of::<Kept>() + 50);
        let mut lookback = Lookback::new(Span::from_secs(1), memory);
        for nanos in 0..10_000 {
            lookback.keep(&frame(nanos, &[1; 50]));
        }
        assert_eq!(taken(&mut lookback).len(), 100);
        lookback.keep(&frame(0, &vec![1; memory]));
        assert!(taken(&mut lookback).is_empty());
    }
}
