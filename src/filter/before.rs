//! What went before a frame, as far as filters ask for it: times, and the names of addresses.

use crate::analysis::FrameView;
use crate::source::Arrival;

/// What went before a frame.
#[derive(Clone, Debug, Default)]
pub struct Before {}

impl Before {
    /// Notes a frame, after it was asked about.
    pub fn note(&mut self, view: &FrameView<'_>) {
        let _ = view;
    }

    /// Notes what is no frame: names.
    pub fn aside(&mut self, arrival: &Arrival<'_>) {
        let _ = arrival;
    }
}
