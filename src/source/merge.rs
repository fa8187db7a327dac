//! Several captures merged by time, as rotated files or captures of several interfaces are read.

use core::cmp::Reverse;
use core::ops::ControlFlow;
use std::collections::{BinaryHeap, VecDeque};
use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::capture::{Capture, Count, Step};
use super::file::{open_capture, unopened};
use super::follow::Idle;
use super::{Arrival, OpenOptions, Source, SourceError};
use crate::time::{Span, Timestamp};

/// Several captures as one, in order of time. Frames of equal time come in the order in which the
/// inputs were given; frames of one input stay in its order, even where its time steps back.
///
/// Damage in one input doesn't keep the others from being read to their end.
pub struct MergeSource {
    captures: Vec<Capture>,
    /// The time of the next frame of each input that is known to have one.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Inputs whose next frame has not been looked at.
    unknown: VecDeque<usize>,
    /// Followed inputs that had nothing more when they were last looked at.
    waiting: Vec<usize>,
    errors: Vec<SourceError>,
    count: Count,
    idle: Idle,
    stop: Arc<AtomicBool>,
}

impl MergeSource {
    /// Opens all inputs; `-` is standard input. Interfaces and frames are counted over all of them.
    ///
    /// # Errors
    /// When one can't be opened or is no capture file, or there is none.
    pub fn open<S: AsRef<OsStr>>(inputs: &[S], options: &OpenOptions) -> Result<Self, SourceError> {
        if inputs.is_empty() {
            return Err(unopened("", "no input is given".to_owned()));
        }
        let captures = (0..)
            .zip(inputs)
            .map(|(index, input)| open_capture(input.as_ref(), index, options))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            unknown: (0..captures.len()).collect(),
            heads: BinaryHeap::with_capacity(captures.len()),
            captures,
            waiting: Vec::new(),
            errors: Vec::new(),
            count: Count::default(),
            idle: Idle::default(),
            stop: Arc::clone(&options.stop),
        })
    }

    /// What went wrong so far, in the order in which it was met: at most one error for each input.
    pub fn errors(&self) -> &[SourceError] {
        &self.errors
    }

    /// Reads an input up to the first frame after `limit`.
    fn advance(
        &mut self,
        index: usize,
        limit: Option<Timestamp>,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(capture) = self.captures.get_mut(index) else {
            return ControlFlow::Continue(());
        };
        match capture.advance(limit, &mut self.count, sink) {
            Step::Broken => {
                self.unknown.push_front(index);
                return ControlFlow::Break(());
            }
            Step::Beyond(time) => self.heads.push(Reverse((time, index))),
            Step::Waiting => self.waiting.push(index),
            Step::Ended => {}
            Step::Damaged(error) => self.errors.push(error),
        }
        ControlFlow::Continue(())
    }

    /// Up to which time the input with this index goes before all others.
    fn limit(&self, index: usize) -> Timestamp {
        match self.heads.peek() {
            Some(&Reverse((time, other))) if index < other => time,
            Some(&Reverse((time, _))) => time + Span::from_nanos(-1),
            None => Timestamp::from_nanos(i64::MAX),
        }
    }

    fn merge(&mut self, sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        loop {
            while let Some(index) = self.unknown.pop_front() {
                self.advance(index, None, sink)?;
            }
            if let Some(Reverse((_, index))) = self.heads.pop() {
                self.advance(index, Some(self.limit(index)), sink)?;
            } else if self.waiting.is_empty() || self.stop.load(Ordering::Relaxed) {
                return ControlFlow::Continue(());
            } else {
                self.unknown.extend(self.waiting.drain(..));
                self.idle.wait(&self.count, sink)?;
            }
        }
    }
}

impl Source for MergeSource {
    fn run(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        match self.merge(sink) {
            ControlFlow::Break(()) => Ok(()),
            ControlFlow::Continue(()) => self.errors.first().cloned().map_or(Ok(()), Err),
        }
    }

    fn further_errors(&self) -> &[SourceError] {
        self.errors.get(1..).unwrap_or(&[])
    }
}
