//! One capture file, pipe or other reader as a source.

use core::ops::ControlFlow;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::capture::{Capture, Count, Step};
use super::feed::{Feed, Origin};
use super::follow::Idle;
use super::progress::Counted;
use super::read_ahead::{PumpError, ReadAhead};
use super::sentence::plain;
use super::{Arrival, OpenOptions, Source, SourceError};
use crate::time::Timestamp;

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// After any frame.
const NO_LIMIT: Option<Timestamp> = Some(Timestamp::from_nanos(i64::MAX));

/// A capture file, or a capture from a pipe.
pub struct FileSource {
    capture: Capture,
    count: Count,
    idle: Idle,
    stop: Arc<AtomicBool>,
}

impl FileSource {
    /// Opens a file by its path; `-` is standard input.
    ///
    /// # Errors
    /// When it can't be opened or is no capture file.
    pub fn open(input: impl AsRef<OsStr>) -> Result<Self, SourceError> {
        Self::open_with(input, &OpenOptions::default())
    }

    /// As [`FileSource::open`], with options.
    ///
    /// # Errors
    /// When it can't be opened or is no capture file.
    pub fn open_with(input: impl AsRef<OsStr>, options: &OpenOptions) -> Result<Self, SourceError> {
        Ok(Self::of(open_capture(input.as_ref(), 0, options)?, options))
    }

    /// Reads a capture from anything, on a thread of its own. `name` is what errors call it.
    ///
    /// # Errors
    /// When it gives no capture.
    ///
    /// # Examples
    /// ```
    /// use tcplens::source::{FileSource, OpenOptions};
    ///
    /// let text = &b"no capture at all"[..];
    /// let error = FileSource::from_reader("text", text, &OpenOptions::default()).err().unwrap();
    /// assert!(error.unopened);
    /// assert!(error.to_string().starts_with("text: not a capture file: starts with"));
    /// ```
    pub fn from_reader(
        name: &str,
        reader: impl Read + Send + 'static,
        options: &OpenOptions,
    ) -> Result<Self, SourceError> {
        options.progress.expect(None);
        let unopened = |reason| unopened(name, reason);
        let origin = ahead(Counted::new(reader, options.progress.clone()))
            .map_err(|e| unopened(plain(&e)))?;
        let capture = capture_of(name, 0, origin, false, options).map_err(unopened)?;
        Ok(Self::of(capture, options))
    }

    fn of(capture: Capture, options: &OpenOptions) -> Self {
        Self {
            capture,
            count: Count::default(),
            idle: Idle::default(),
            stop: Arc::clone(&options.stop),
        }
    }
}

impl Source for FileSource {
    fn run(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        loop {
            match self.capture.advance(NO_LIMIT, &mut self.count, sink) {
                Step::Broken | Step::Ended => return Ok(()),
                Step::Damaged(error) => return Err(error),
                Step::Beyond(_) => {}
                Step::Waiting => {
                    let stopped = self.idle.wait(&self.count, sink).is_break();
                    if stopped || self.stop.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Opens one of several inputs, the one with this index.
pub(super) fn open_capture(
    input: &OsStr,
    index: u32,
    options: &OpenOptions,
) -> Result<Capture, SourceError> {
    let name = input.to_string_lossy();
    let opened = if input == STANDARD_INPUT { standard_input() } else { File::open(input) };
    opened
        .and_then(|file| origin_of(file, options))
        .map_err(|error| plain(&error))
        .and_then(|(origin, grows)| capture_of(&name, index, origin, grows, options))
        .map_err(|reason| unopened(&name, reason))
}

/// Standard input as a file: it may be one, and is then read as one.
#[cfg(unix)]
fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn standard_input() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

/// How to read a file, and whether it may grow.
fn origin_of(file: File, options: &OpenOptions) -> io::Result<(Origin, bool)> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let regular = metadata.is_file();
    let grows = regular && options.follow;
    options.progress.expect((regular && !grows).then_some(metadata.len()));
    let file = Counted::new(file, options.progress.clone());
    let origin = if regular { Origin::Direct(Box::new(file)) } else { ahead(file)? };
    Ok((origin, grows))
}

/// Reads on another thread, so that a silent pipe can be left.
fn ahead(mut reader: impl Read + Send + 'static) -> io::Result<Origin> {
    let ahead = ReadAhead::spawn(move |outlet| match outlet.pump(&mut reader) {
        Ok(()) | Err(PumpError::Abandoned) => Ok(()),
        Err(PumpError::Read(error)) => Err(format!("it can't be read on: {}", plain(&error))),
    })?;
    Ok(Origin::Ahead(ahead))
}

fn capture_of(
    name: &str,
    index: u32,
    origin: Origin,
    grows: bool,
    options: &OpenOptions,
) -> Result<Capture, String> {
    let feed = Feed::new(origin, grows).decompressed(options).map_err(|error| plain(&error))?;
    Capture::new(name.to_owned(), index, feed, options)
}

pub(super) fn unopened(name: &str, reason: String) -> SourceError {
    SourceError { input: name.to_owned(), offset: 0, after_frame: 0, reason, unopened: true }
}
