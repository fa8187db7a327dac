//! A capture filter on frames that come from a file or a pipe.

use core::ops::ControlFlow;

use super::{Arrival, Source, SourceError};
use crate::capture_filter::{CaptureFilter, FilterError, Program, Target};
use crate::wire::LinkType;

/// A source of which only the frames come that a capture filter chooses. Their numbers stay.
pub struct FilteredSource {
    source: Box<dyn Source + Send>,
    filter: CaptureFilter,
    /// The program for each link type, and for the one of the last frame.
    programs: Vec<(LinkType, Program)>,
    last: usize,
}

impl FilteredSource {
    /// Filters `source`.
    pub fn new(source: Box<dyn Source + Send>, filter: CaptureFilter) -> Self {
        Self {
            source,
            filter,
            programs: Vec::new(),
            last: 0,
        }
    }
}

/// The place of the program for frames of this link type.
#[cold]
fn place(
    programs: &mut Vec<(LinkType, Program)>,
    filter: &CaptureFilter,
    link: LinkType,
) -> Result<usize, FilterError> {
    if let Some(place) = programs.iter().position(|(each, _)| *each == link) {
        return Ok(place);
    }
    let program = filter.compile(Target::Captured(link), 0)?;
    programs.push((link, program));
    Ok(programs.len() - 1)
}

impl Source for FilteredSource {
    /// Also ends when the filter can't be asked of frames of some link type.
    fn run(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let Self {
            source,
            filter,
            programs,
            last,
        } = self;
        let mut refused = None;
        source.run(&mut |arrival| {
            let Arrival::Frame(frame) = arrival else {
                return sink(arrival);
            };
            let known = programs
                .get(*last)
                .is_some_and(|(link, _)| *link == frame.link);
            if !known {
                match place(programs, filter, frame.link) {
                    Ok(found) => *last = found,
                    Err(error) => {
                        refused = Some((error, frame.number));
                        return ControlFlow::Break(());
                    }
                }
            }
            match programs.get(*last) {
                Some((_, program)) if program.takes(frame.data, frame.wire_len) => sink(arrival),
                _ => ControlFlow::Continue(()),
            }
        })?;
        match refused {
            None => Ok(()),
            Some((error, frame)) => Err(SourceError {
                input: "capture filter".to_owned(),
                offset: 0,
                after_frame: frame,
                reason: error.to_string(),
                unopened: true,
            }),
        }
    }

    fn further_errors(&self) -> &[SourceError] {
        self.source.further_errors()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{OpenOptions, open};

    fn numbers(filter: &str) -> (Vec<u64>, Result<(), SourceError>) {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/captures/close-by-client.pcap"
        );
        let source = open(&[file], &OpenOptions::default()).unwrap();
        let filter = CaptureFilter::parse(filter).unwrap();
        let mut numbers = Vec::new();
        let end = FilteredSource::new(source, filter).run(&mut |arrival| {
            if let Arrival::Frame(frame) = arrival {
                numbers.push(frame.number);
            }
            ControlFlow::Continue(())
        });
        (numbers, end)
    }

    #[test]
    fn frames_keep_their_numbers() {
        let (found, end) = numbers("tcp[tcpflags] & (tcp-syn|tcp-fin) == tcp-fin");
        assert_eq!(end, Ok(()));
        assert!(!found.is_empty() && !found.contains(&1), "{found:?}");
        let (found, end) = numbers("inbound");
        assert!(found.is_empty() && end.unwrap_err().unopened);
    }
}
