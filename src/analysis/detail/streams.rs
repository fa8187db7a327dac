//! What one connection carried: the bytes of both streams, in the order in which they could be
//! delivered, a window of them at a time.

use core::ops::{ControlFlow, Range};
use std::sync::atomic::AtomicBool;

use super::{Ask, Failed, Missing, replay};
use crate::analysis::{FlowId, FlowView, FrameView, Observer, Places};
use crate::frame::ReadAgain;
use crate::tcp::Role;
use crate::time::Timestamp;

/// What a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Bytes: where they stand among those of the view.
    Bytes(Range<usize>),
    /// So many bytes that were never captured.
    Gap(u64),
}

/// Bytes of one stream that one frame delivered, or a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Whose stream.
    pub from: Role,
    /// Offset in it: 0 is the first byte after the SYN.
    pub offset: u64,
    /// The frame that delivered it: the one that held its bytes, or that filled or ended the gap
    /// they waited behind; `None` for what was left when the connection ended.
    pub frame: Option<u64>,
    /// Capture time of that frame.
    pub time: Timestamp,
    /// The bytes, or that there are none.
    pub what: What,
}

/// A window of both streams of a connection.
#[derive(Clone, Debug, Default)]
pub struct StreamView {
    /// What was delivered, in order of time.
    pub runs: Vec<Run>,
    bytes: Vec<u8>,
    /// Bytes delivered before this window, both streams together.
    pub before: u64,
    /// Bytes delivered after it: to be had by a view that skips [`next`](Self::next).
    pub after: u64,
    /// How long the streams are, by [`Role`], gaps included.
    pub lengths: [u64; 2],
    /// How much of each was never captured.
    pub gaps: [u64; 2],
    /// What could not be read again.
    pub missing: Missing,
}

impl StreamView {
    /// Runs kept at most, whatever their bytes.
    const MOST_RUNS: usize = 1 << 20;

    /// Reads a connection's streams again: past the first `skip` bytes delivered, both streams
    /// together, at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Detail::read`](super::Detail::read).
    pub fn read(
        places: &Places,
        again: &mut dyn ReadAgain,
        ask: &Ask,
        skip: u64,
        limit: usize,
        stop: &AtomicBool,
    ) -> Result<Self, Failed> {
        let FlowId::Tcp(id) = places.flow else {
            return Err(Failed::Changed);
        };
        let mut gather = Gather {
            wanted: id,
            skip,
            limit,
            unnamed: 0,
            view: Self::default(),
        };
        let (_, missing) = replay(places, again, ask, stop, &mut gather)?;
        if missing.frames > 0 && missing.frames >= places.len() {
            return Err(missing.reason.map_or(Failed::Changed, Failed::Unread));
        }
        Ok(Self {
            missing,
            ..gather.view
        })
    }

    /// The bytes of a run; none of a gap.
    pub fn bytes(&self, run: &Run) -> &[u8] {
        match &run.what {
            What::Bytes(range) => self.bytes.get(range.clone()).unwrap_or_default(),
            What::Gap(_) => &[],
        }
    }

    /// All bytes of the window, run after run.
    pub fn all(&self) -> &[u8] {
        &self.bytes
    }

    /// What the next window skips.
    pub fn next(&self) -> u64 {
        self.before + self.bytes.len() as u64
    }

    /// Index of the run that a frame delivered, or of the next one after it.
    pub fn run_of(&self, frame: u64) -> usize {
        let at = |run: &Run| run.frame.is_some_and(|delivered| delivered < frame);
        self.runs.partition_point(at)
    }
}

struct Gather {
    wanted: u32,
    skip: u64,
    limit: usize,
    /// Runs before this one know their frame: an observer gets bytes before the frame.
    unnamed: usize,
    view: StreamView,
}

impl Gather {
    fn run(&mut self, from: Role, offset: u64, what: What) {
        if self.view.runs.len() < StreamView::MOST_RUNS {
            self.view.runs.push(Run {
                from,
                offset,
                frame: None,
                time: Timestamp::default(),
                what,
            });
        }
    }

    /// Whether the window is over.
    fn is_full(&self) -> bool {
        self.view.bytes.len() >= self.limit || self.view.runs.len() >= StreamView::MOST_RUNS
    }
}

impl Observer for Gather {
    fn bytes(&mut self, connection: u32, from: Role, offset: u64, bytes: &[u8]) {
        if connection != self.wanted {
            return;
        }
        if let Some(length) = self.view.lengths.get_mut(from as usize) {
            *length = (*length).max(offset + bytes.len() as u64);
        }
        let passed = (self.skip - self.view.before).min(bytes.len() as u64);
        self.view.before += passed;
        let rest = bytes.get(passed as usize..).unwrap_or_default();
        let room = if self.is_full() {
            0
        } else {
            self.limit - self.view.bytes.len()
        };
        let (kept, beyond) = rest.split_at(room.min(rest.len()));
        self.view.after += beyond.len() as u64;
        if kept.is_empty() {
            return;
        }
        let start = self.view.bytes.len();
        self.view.bytes.extend_from_slice(kept);
        let end = self.view.bytes.len();
        self.run(from, offset + passed, What::Bytes(start..end));
    }

    fn gap(&mut self, connection: u32, from: Role, offset: u64, len: u64) {
        if connection != self.wanted {
            return;
        }
        let view = &mut self.view;
        if let (Some(length), Some(gaps)) = (
            view.lengths.get_mut(from as usize),
            view.gaps.get_mut(from as usize),
        ) {
            *length = (*length).max(offset + len);
            *gaps += len;
        }
        if view.before == self.skip && !self.is_full() {
            self.run(from, offset, What::Gap(len));
        }
    }

    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        if matches!(view.flow, FlowView::Tcp { view, .. } if view.id == self.wanted) {
            let fresh = self.view.runs.get_mut(self.unnamed..).unwrap_or_default();
            for run in fresh {
                run.frame = Some(view.frame.number);
                run.time = view.frame.time;
            }
            self.unnamed = self.view.runs.len();
        }
        ControlFlow::Continue(())
    }
}
