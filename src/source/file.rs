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
use super::reread::Reopened;
use super::sentence::plain;
use super::{Arrival, OpenOptions, Source, SourceError};
use crate::time::Timestamp;

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// After any frame.
const NO_LIMIT: Option<Timestamp> = Some(Timestamp::from_nanos(i64::MAX));

/// A capture file, or a capture from a pipe.
///
/// When the sink breaks, another [`Source::run`] goes on with the next record.
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
        let origin = ahead(Counted::new(reader, options.progress.clone()));
        let origin = origin.map_err(|error| unopened(name, plain(&error)))?;
        Self::of_origin(name, origin, options)
    }

    /// Reads what comes from `origin`, which may grow if files are followed.
    pub(super) fn of_origin(
        name: &str,
        origin: Origin,
        options: &OpenOptions,
    ) -> Result<Self, SourceError> {
        let grows = options.follow && matches!(origin, Origin::Direct(_));
        let capture = capture_of(name, 0, origin, grows, options);
        Ok(Self::of(
            capture.map_err(|reason| unopened(name, reason))?,
            options,
        ))
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
    let opened = if input == STANDARD_INPUT {
        standard_input()
    } else {
        File::open(input)
    };
    let again = |file: &File| {
        let trail = options.trail.as_ref()?;
        Some((trail.clone(), Reopened::of(file, input)?))
    };
    opened
        .and_then(|file| {
            let again = again(&file);
            Ok((again, origin_of(file, options)?))
        })
        .map_err(|error| plain(&error))
        .and_then(|(again, (origin, grows))| {
            let feed = feed_of(origin, grows, options)?;
            if !feed.is_compressed()
                && let Some((trail, file)) = again
            {
                trail.file(index, file);
            }
            Capture::new(name.to_string(), index, feed, options)
        })
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
        return Err(io::Error::other("Is a directory"));
    }
    let regular = metadata.is_file();
    let grows = regular && options.follow;
    options
        .progress
        .expect((regular && !grows).then_some(metadata.len()));
    let file = Counted::new(file, options.progress.clone());
    let origin = if regular {
        Origin::Direct(Box::new(file))
    } else {
        ahead(file)?
    };
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
    Capture::new(
        name.to_owned(),
        index,
        feed_of(origin, grows, options)?,
        options,
    )
}

fn feed_of(origin: Origin, grows: bool, options: &OpenOptions) -> Result<Feed, String> {
    Feed::new(origin, grows)
        .decompressed(options)
        .map_err(|error| plain(&error))
}

pub(super) fn unopened(name: &str, reason: String) -> SourceError {
    SourceError {
        input: name.to_owned(),
        offset: 0,
        after_frame: 0,
        reason,
        unopened: true,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::super::testing::{OneByOne, TemporaryFile, read, run, small_pcap, small_pcapng};
    use super::*;

    #[test]
    fn what_can_not_be_opened() {
        let reason = |path: &OsStr| {
            let error = FileSource::open(path).err().unwrap();
            assert!(error.unopened);
            error.reason
        };
        assert_eq!(
            reason(OsStr::new("/nonexistent")),
            "No such file or directory"
        );
        assert_eq!(reason(std::env::temp_dir().as_os_str()), "Is a directory");
        let text = TemporaryFile::new("text", b"GET / HTTP/1.1\r\n");
        assert!(reason(text.0.as_os_str()).starts_with("not a capture file: starts with \"GET"));
        let empty = TemporaryFile::new("empty", b"");
        assert_eq!(
            reason(empty.0.as_os_str()),
            "not a capture file: it is empty"
        );
    }

    #[test]
    fn a_file_a_pipe_and_memory_are_the_same() {
        let options = OpenOptions::default();
        for (index, bytes) in [small_pcap().0, small_pcapng().0].into_iter().enumerate() {
            let expected = read(&bytes);
            let file = TemporaryFile::new(&format!("same-{index}"), &bytes);
            assert_eq!(run(&mut FileSource::open(&file.0).unwrap()), expected);
            let pipe = OneByOne(Cursor::new(bytes));
            let mut pipe = FileSource::from_reader("-", pipe, &options).unwrap();
            assert_eq!(run(&mut pipe), expected);
        }
        assert_eq!(options.progress.total(), None);
    }

    #[test]
    fn progress_counts_what_is_read_of_the_file() {
        let (bytes, _) = small_pcap();
        let file = TemporaryFile::new("progress", &bytes);
        let options = OpenOptions::default();
        let mut source = FileSource::open_with(&file.0, &options).unwrap();
        assert_eq!(options.progress.total(), Some(bytes.len() as u64));
        run(&mut source);
        assert_eq!(options.progress.read(), bytes.len() as u64);
    }

    #[test]
    fn a_break_is_taken_up_again() {
        let (bytes, _) = small_pcap();
        let file = TemporaryFile::new("break", &bytes);
        let mut source = FileSource::open(&file.0).unwrap();
        let mut numbers = Vec::new();
        for _ in 0..5 {
            source
                .run(&mut |arrival| match arrival {
                    Arrival::Frame(frame) => {
                        numbers.push(frame.number);
                        ControlFlow::Break(())
                    }
                    _ => ControlFlow::Continue(()),
                })
                .unwrap();
        }
        assert_eq!(numbers, [1, 2, 3]);
    }

    #[test]
    fn told_to_stop() {
        let (mut bytes, _) = small_pcap();
        let record = bytes[bytes.len() - 21..].to_vec();
        for _ in 0..60_000 {
            bytes.extend(&record);
        }
        // Cut in a record: not damage, since nobody read so far.
        bytes.pop();
        let file = TemporaryFile::new("stop", &bytes);
        let options = OpenOptions::default();
        let mut source = FileSource::open_with(&file.0, &options).unwrap();
        let mut frames = 0;
        let end = source.run(&mut |arrival| {
            frames += u64::from(matches!(arrival, Arrival::Frame(_)));
            options.stop.store(true, Ordering::Relaxed);
            ControlFlow::Continue(())
        });
        assert_eq!(end, Ok(()));
        assert!(frames < 60_000, "{frames}");
    }

    #[test]
    fn a_silent_pipe_can_be_left() {
        struct Silent;
        impl Read for Silent {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                std::thread::park();
                Ok(0)
            }
        }
        let options = OpenOptions::default();
        options.stop.store(true, Ordering::Relaxed);
        let mut source = FileSource::from_reader("-", Silent, &options).unwrap();
        let outcome = run(&mut source);
        assert_eq!((outcome.arrivals.len(), outcome.end), (0, Ok(())));
    }

    #[test]
    fn a_followed_file_grows_from_nothing_and_in_the_middle_of_a_record() {
        let (bytes, borders) = small_pcap();
        let file = TemporaryFile::new("follow", &bytes[..borders[1] + 5]);
        let mut writer = std::fs::OpenOptions::new()
            .append(true)
            .open(&file.0)
            .unwrap();
        let options = OpenOptions {
            follow: true,
            ..OpenOptions::default()
        };
        let mut source = FileSource::open_with(&file.0, &options).unwrap();
        let (mut numbers, mut last, mut waits) = (Vec::new(), Timestamp::default(), 0);
        let end = source.run(&mut |arrival| {
            match arrival {
                Arrival::Frame(frame) => {
                    numbers.push(frame.number);
                    last = frame.time;
                }
                Arrival::Quiet(time) => {
                    assert!(time > last);
                    waits += 1;
                    match waits {
                        1 => writer.write_all(&bytes[borders[1] + 5..]).unwrap(),
                        _ => options.stop.store(numbers.len() == 3, Ordering::Relaxed),
                    }
                }
                _ => {}
            }
            ControlFlow::Continue(())
        });
        assert_eq!(end, Ok(()));
        assert_eq!((numbers, options.progress.total()), (vec![1, 2, 3], None));
    }
}
