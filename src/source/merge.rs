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
/// Damage in one input doesn't keep the others from being read to their end: then
/// [`Source::run`] returns the first error. When the sink breaks, another run goes on with the
/// next record.
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

#[cfg(test)]
mod tests {
    use super::super::testing::{TemporaryFile, little, run, words};
    use super::*;

    fn pcap(name: &str, times: &[u32]) -> TemporaryFile {
        let file = little().pcap_header(0xa1b2_3c4d, 0, 1);
        let file = times
            .iter()
            .fold(file, |file, &time| file.record(0, time, name.as_bytes()));
        TemporaryFile::new(&format!("merge-{name}"), &file.bytes)
    }

    fn merged(files: &[&TemporaryFile]) -> MergeSource {
        let paths: Vec<_> = files.iter().map(|file| &file.0).collect();
        MergeSource::open(&paths, &OpenOptions::default()).unwrap()
    }

    #[test]
    fn by_time_and_then_in_the_order_given() {
        let (a, b, c) = (
            pcap("a", &[1, 3, 3, 9]),
            pcap("b", &[3, 2, 3, 4]),
            pcap("c", &[]),
        );
        let outcome = run(&mut merged(&[&a, &b, &c]));
        assert_eq!(
            outcome.arrivals,
            [
                "interface 0 - of 0: pcap-ns link 1 snaplen 0 ticks 1000000000",
                "interface 1 - of 1: pcap-ns link 1 snaplen 0 ticks 1000000000",
                "interface 2 - of 2: pcap-ns link 1 snaplen 0 ticks 1000000000",
                "#1 1 on 0 link 1: a of 1",
                "#2 3 on 0 link 1: a of 1",
                "#3 3 on 0 link 1: a of 1",
                "#4 3 on 1 link 1: b of 1",
                "#5 2 on 1 link 1: b of 1",
                "#6 3 on 1 link 1: b of 1",
                "#7 4 on 1 link 1: b of 1",
                "#8 9 on 0 link 1: a of 1",
            ]
        );
        assert_eq!(outcome.end, Ok(()));
    }

    #[test]
    fn damage_in_one_leaves_the_others() {
        let (a, b) = (pcap("d", &[1, 4, 6]), pcap("e", &[2, 3, 5, 7]));
        let bytes = std::fs::read(&a.0).unwrap();
        std::fs::write(&a.0, &bytes[..bytes.len() - 1]).unwrap();
        let c = TemporaryFile::new(
            "merge-f",
            &little().pcap_header(0xa1b2_3c4d, 0, 1).bytes[..20],
        );
        let mut source = merged(&[&a, &b, &c]);
        let outcome = run(&mut source);
        assert_eq!(outcome.frames(), 6);
        // Found first: the file that is cut in its header. Its frames would have been the first.
        assert_eq!(
            outcome.reason(),
            "the file ends 20 bytes into a file header of 24"
        );
        let [error] = source.further_errors() else {
            panic!("{:?}", source.errors())
        };
        assert_eq!(error.reason, "the file ends 16 bytes into a record of 17");
        assert_eq!((error.offset, error.after_frame), (58, 4));
        assert_eq!(error.input, a.0.to_string_lossy());
        assert_eq!(source.errors().len(), 2);
    }

    #[test]
    fn a_break_at_every_arrival_loses_nothing() {
        let (a, b) = (pcap("g", &[1, 3, 3, 9]), pcap("h", &[3, 2, 3, 4]));
        let whole = run(&mut merged(&[&a, &b]));
        let mut source = merged(&[&a, &b]);
        let mut arrivals = Vec::new();
        loop {
            let before = arrivals.len();
            source
                .run(&mut |arrival| {
                    arrivals.push(words(&arrival));
                    ControlFlow::Break(())
                })
                .unwrap();
            if arrivals.len() == before {
                break;
            }
        }
        arrivals.sort();
        let mut expected = whole.arrivals;
        expected.sort();
        assert_eq!(arrivals, expected);
    }

    #[test]
    fn none_and_missing() {
        let none = MergeSource::open::<&str>(&[], &OpenOptions::default())
            .err()
            .unwrap();
        assert!(none.unopened);
        let a = pcap("i", &[1]);
        let missing = [a.0.as_os_str(), OsStr::new("/nonexistent/file")];
        let error = MergeSource::open(&missing, &OpenOptions::default())
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "/nonexistent/file: No such file or directory"
        );
    }
}
