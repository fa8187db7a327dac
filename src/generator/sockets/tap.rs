//! The lesson's frames, from the kernel's ring.

use core::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::record::{Event, Kept, Record};
use crate::source::live::{self, LiveOptions, LiveSource};
use crate::source::{Arrival, Source, SourceError};

/// A capture under way.
pub(super) struct Tap {
    source: LiveSource,
    pub(super) stop: Arc<AtomicBool>,
}

impl Tap {
    /// Begins to capture, on this interface or all.
    pub(super) fn open(interface: &str) -> Result<Self, SourceError> {
        let stop = Arc::<AtomicBool>::default();
        let options = LiveOptions {
            interfaces: vec![interface.to_owned()],
            buffer: 16 << 20,
            patience: Duration::from_millis(10),
            stop: Arc::clone(&stop),
            ..LiveOptions::default()
        };
        Ok(Self {
            source: live::open(&options)?,
            stop,
        })
    }

    /// Tells every frame until it is stopped.
    pub(super) fn run(mut self, record: &Record) -> Result<(), SourceError> {
        let mut names = Vec::new();
        self.source.run(&mut |arrival| {
            match arrival {
                Arrival::Interface(interface) => {
                    names.push(interface.name.unwrap_or("?").to_owned());
                }
                Arrival::Frame(frame) => {
                    let kept = Kept {
                        time: frame.time,
                        interface: names
                            .get(frame.interface as usize)
                            .cloned()
                            .unwrap_or_default(),
                        link: frame.link,
                        wire_len: frame.wire_len,
                        data: frame.data.to_vec(),
                        comment: None,
                    };
                    record.tell(frame.time, Event::Frame(kept));
                }
                Arrival::Missed { frames, .. } => {
                    record.tell(crate::time::Timestamp::default(), Event::Missed(frames));
                }
                _ => {}
            }
            ControlFlow::Continue(())
        })
    }
}
