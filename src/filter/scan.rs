//! Which connections have a frame that a filter matches: found while a capture is read.

use core::ops::ControlFlow;

use super::{Before, Filter};
use crate::analysis::{FrameView, Observer, Revisions};

/// Connections and conversations with a matching frame.
#[derive(Clone, Debug, Default)]
pub struct Found {}

impl Found {
    /// Whether a TCP connection is among them.
    pub fn has_tcp(&self, id: u32) -> bool {
        let _ = id;
        false
    }

    /// Whether a UDP conversation is among them.
    pub fn has_udp(&self, id: u32) -> bool {
        let _ = id;
        false
    }
}

/// An observer that finds the connections with a matching frame.
#[derive(Debug)]
pub struct Scan<'f> {
    filter: &'f Filter,
    before: Before,
    found: Found,
}

impl<'f> Scan<'f> {
    /// Of a filter. With `revisions` of a first reading, verdicts are final.
    pub fn new(filter: &'f Filter, revisions: Option<Revisions>) -> Self {
        let _ = revisions;
        Self {
            filter,
            before: Before::default(),
            found: Found::default(),
        }
    }

    /// What was found.
    pub fn into_found(self) -> Found {
        self.found
    }
}

impl Observer for Scan<'_> {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let _ = self.filter.matches_frame(view, &self.before);
        self.before.note(view);
        ControlFlow::Continue(())
    }
}
