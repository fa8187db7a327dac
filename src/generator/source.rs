//! The capture of a scenario as a source of frames.

use std::ops::ControlFlow;

use super::truth::Sheet;
use crate::frame::{CapturedFrame, Place};
use crate::source::{Arrival, Interface, Source, SourceError};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// When simulated time begins: 2024-01-01.
pub const BEGIN: Timestamp = Timestamp::from_parts(1_704_067_200, 0);

/// What a tap recorded of a simulated network, and what each frame of it really is.
///
/// # Examples
/// ```
/// use tcplens::analysis::{Analyzer, Options};
/// use tcplens::generator::SCENARIOS;
/// use tcplens::generator::truth::Tap;
/// use tcplens::source::Source;
///
/// # fn main() -> Result<(), tcplens::source::SourceError> {
/// let scenario = SCENARIOS.iter().find(|each| each.name == "bulk-transfer").unwrap();
/// let mut source = scenario.source(1, Tap::Middle);
/// let mut analyzer = Analyzer::new(Options::default());
/// source.run(&mut |arrival| analyzer.arrive(arrival, &mut ()))?;
/// analyzer.finish(&mut ());
/// assert_eq!(analyzer.tcp_seen() as usize, source.truth().connections.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct GeneratedSource {
    pub(super) frames: Vec<RecordedFrame>,
    pub(super) sheet: Sheet,
}

/// A frame as it was recorded.
#[derive(Clone, Debug)]
pub(super) struct RecordedFrame {
    pub(super) time: Timestamp,
    pub(super) wire_len: u32,
    pub(super) bytes: Vec<u8>,
}

impl GeneratedSource {
    /// The answer sheet.
    pub fn truth(&self) -> &Sheet {
        &self.sheet
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether the capture is empty.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

impl Source for GeneratedSource {
    fn run(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let interface = Interface::made("generated");
        if sink(Arrival::Interface(interface)).is_break() {
            return Ok(());
        }
        for (number, frame) in (1..).zip(&self.frames) {
            let arrival = Arrival::Frame(CapturedFrame {
                number,
                time: frame.time,
                interface: 0,
                link: LinkType::ETHERNET,
                wire_len: frame.wire_len,
                data: &frame.bytes,
                upcoming: &[],
                place: Place::NOWHERE,
            });
            if sink(arrival).is_break() {
                break;
            }
        }
        Ok(())
    }
}
