//! Recording what is watched: pcapng files that rotate by size and time, and the last moments before
//! recording began from memory.
//!
//! ```text
//! frames, drops ─▶ Recorder ─┬─▶ lookback: a ring in memory
//!                            └─▶ file, next file, …
//! ```
//!
//! A [`Recorder`] is shared: who analyses gives it frames, and who has the keyboard starts and
//! stops it. Failing to write (a full disk) ends the recording, is told once, and ends nothing
//! else.
//!
//! # Examples
//! ```
//! use tcplens::recording::{Recorder, Rotation};
//!
//! let recorder = Recorder::default();
//! let file = std::env::temp_dir().join("tcplens-doc-recording.pcapng");
//! recorder.start(&file, Rotation::default())?;
//! assert!(recorder.status().is_some());
//! let summary = recorder.stop().unwrap();
//! assert_eq!((summary.frames, summary.files), (0, 1));
//! # std::fs::remove_file(&file)?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod lookback;
mod name;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::frame::CapturedFrame;
use crate::generator::PcapngWriter;
use crate::source::Arrival;
use crate::time::{Span, Timestamp};
use crate::wire::LinkType;

use lookback::Lookback;
use name::Names;

/// When to go on in another file, as tcpdump's -C, -G and -W say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// After this many octets (-C); the check comes before a frame is written.
    pub size: Option<u64>,
    /// After this time (-G), of the capture.
    pub time: Option<Span>,
    /// Files (-W): with `size` they are overwritten in turn; with `time` alone recording ends after
    /// the last one.
    pub files: Option<u32>,
}

/// How a recording is going, or went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The file that is written, or was last.
    pub path: PathBuf,
    /// Files begun.
    pub files: u32,
    /// Frames written, in all files.
    pub frames: u64,
    /// Octets of these frames, in all files.
    pub bytes: u64,
    /// How many of the frames came from memory, from before recording began.
    pub from_memory: u64,
}

/// Something about a recording that a user should be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingNotice {
    /// Writing failed: recording has ended there.
    Failed(PathBuf, String),
    /// All files that were asked for are written.
    Complete(PathBuf),
}

impl core::fmt::Display for RecordingNotice {
    /// A sentence; the name is as the system has it, not to be printed unescaped.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Failed(path, why) => write!(
                f,
                "recording to {} ended: {why}; watching goes on",
                path.display()
            ),
            Self::Complete(path) => {
                write!(f, "recording ended with {}, the last file", path.display())
            }
        }
    }
}

/// Records frames, when told to. Clones are one recorder.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// Whether frames are of interest: looked at for each, without a lock.
    busy: Arc<AtomicBool>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    interfaces: Vec<Described>,
    filter: Option<String>,
    lookback: Option<Lookback>,
    recording: Option<Recording>,
    notice: Option<RecordingNotice>,
    failure: Option<String>,
    now: Timestamp,
}

/// An interface, as files describe it.
#[derive(Clone, Debug, Default)]
struct Described {
    name: Option<String>,
    link: LinkType,
    snaplen: u32,
    received: u64,
    dropped: u64,
}

#[derive(Debug)]
struct Recording {
    names: Names,
    rotation: Rotation,
    summary: Summary,
    file: Option<Output>,
}

/// A file being written.
#[derive(Debug)]
struct Output {
    writer: PcapngWriter<BufWriter<File>>,
    /// Octets of it, about.
    len: u64,
    /// When it was last handed to the system, by the capture's time.
    flushed: Timestamp,
    began: Option<Timestamp>,
    /// What the recorder's interfaces are numbered in this file.
    interfaces: Vec<Option<u32>>,
    /// Their counts when it began.
    before: Vec<(u64, u64)>,
}

/// What goes to the file at once, and how long it waits for that at most: as much as a crash may
/// lose.
const BLOCK: usize = 64 << 10;
const LONGEST: Span = Span::from_millis(100);

impl Recorder {
    /// A recorder that keeps the last `span` in memory, at most `memory` octets of it, to write
    /// them first when recording starts.
    pub fn with_lookback(span: Span, memory: usize) -> Self {
        let recorder = Self::default();
        recorder.lock().lookback = Some(Lookback::new(span, memory));
        recorder.busy.store(true, Ordering::Relaxed);
        recorder
    }

    /// What time it is, until something arrives: what is recorded at once is named by it.
    pub fn note_time(&self, now: Timestamp) {
        self.lock().now = now;
    }

    /// Why recording ended before it was told to, where writing failed.
    pub fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }

    /// The capture filter that chose the frames, to be noted in files.
    pub fn note_filter(&self, filter: &str) {
        self.lock().filter = Some(filter.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts to record to this file, or files named after it ([`Rotation`]): with what the memory
    /// of the last moments holds. A recording that is under way is ended.
    ///
    /// # Errors
    /// When the file can't be made, or with [`Rotation::time`] its name has no time in it.
    pub fn start(&self, path: &Path, rotation: Rotation) -> io::Result<()> {
        let mut inner = self.lock();
        inner.stop();
        let mut recording = Recording {
            names: Names::new(path, rotation)?,
            rotation,
            summary: Summary::default(),
            file: None,
        };
        let Inner {
            interfaces,
            filter,
            lookback,
            now,
            ..
        } = &mut *inner;
        // The first file is made at once, so that it is known whether it can be.
        recording.open(*now, interfaces, filter.as_deref())?;
        if let Some(lookback) = lookback {
            let mut written = Ok(());
            lookback.take(|frame| {
                if written.is_ok() {
                    written = recording.frame(frame, None, interfaces, filter.as_deref());
                }
            });
            written?;
            recording.summary.from_memory = recording.summary.frames;
        }
        inner.recording = Some(recording);
        self.busy.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Stops recording. None when it was not.
    pub fn stop(&self) -> Option<Summary> {
        let mut inner = self.lock();
        let summary = inner.stop();
        self.busy.store(inner.lookback.is_some(), Ordering::Relaxed);
        summary
    }

    /// How the recording goes; none when there is none.
    pub fn status(&self) -> Option<Summary> {
        let inner = self.lock();
        inner
            .recording
            .as_ref()
            .map(|recording| recording.summary.clone())
    }

    /// What is to be told, once.
    pub fn take_notice(&self) -> Option<RecordingNotice> {
        self.lock().notice.take()
    }

    /// Takes a frame, with a comment for it where there is one.
    #[inline]
    pub fn frame(&self, frame: &CapturedFrame<'_>, comment: Option<&str>) {
        if self.busy.load(Ordering::Relaxed) {
            self.lock().frame(frame, comment);
        }
    }

    /// Whether frames are being written now.
    pub fn is_recording(&self) -> bool {
        self.busy.load(Ordering::Relaxed) && self.lock().recording.is_some()
    }

    /// Takes what arrives and is no frame.
    pub fn aside(&self, arrival: &Arrival<'_>) {
        self.lock().aside(arrival);
    }
}

impl Inner {
    fn stop(&mut self) -> Option<Summary> {
        let mut recording = self.recording.take()?;
        if let Err(error) = recording.close(self.now, &self.interfaces) {
            self.fail(&recording, &error);
        }
        Some(recording.summary)
    }

    fn fail(&mut self, recording: &Recording, error: &io::Error) {
        let path = recording.summary.path.clone();
        self.failure = Some(format!("{}: {error}", path.display()));
        self.notice = Some(RecordingNotice::Failed(path, error.to_string()));
    }

    fn frame(&mut self, frame: &CapturedFrame<'_>, comment: Option<&str>) {
        self.now = frame.time;
        if let Some(interface) = self.interfaces.get_mut(frame.interface as usize) {
            interface.received += 1;
        }
        if let Some(mut recording) = self.recording.take() {
            let written = if recording.is_complete(frame.time) {
                self.notice = Some(RecordingNotice::Complete(recording.summary.path.clone()));
                recording.close(self.now, &self.interfaces).map(|()| false)
            } else {
                recording
                    .frame(frame, comment, &self.interfaces, self.filter.as_deref())
                    .map(|()| true)
            };
            match written {
                Ok(true) => self.recording = Some(recording),
                Ok(false) => {}
                Err(error) => self.fail(&recording, &error),
            }
        } else if let Some(lookback) = &mut self.lookback {
            lookback.keep(frame);
        }
    }

    fn aside(&mut self, arrival: &Arrival<'_>) {
        match *arrival {
            Arrival::Interface(interface) => {
                let index = interface.index as usize;
                if self.interfaces.len() <= index && index < MOST_INTERFACES {
                    self.interfaces.resize_with(index + 1, Described::default);
                }
                if let Some(described) = self.interfaces.get_mut(index) {
                    described.name = interface.name.map(str::to_owned);
                    described.link = interface.link;
                    described.snaplen = interface.snaplen;
                }
            }
            Arrival::Missed { interface, frames } => {
                if let Some(described) = self.interfaces.get_mut(interface as usize) {
                    described.dropped += frames;
                }
            }
            Arrival::Quiet(now) => {
                self.now = now;
                if let Some(mut recording) = self.recording.take() {
                    match recording.flush() {
                        Ok(()) => self.recording = Some(recording),
                        Err(error) => self.fail(&recording, &error),
                    }
                }
            }
            _ => {}
        }
    }
}

/// Interfaces that are kept at most (each that comes and goes is another one).
const MOST_INTERFACES: usize = 10_000;

impl Recording {
    fn open(
        &mut self,
        now: Timestamp,
        interfaces: &[Described],
        filter: Option<&str>,
    ) -> io::Result<()> {
        let path = self.names.next(now);
        let file = File::create(&path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        let application = concat!("tcplens ", env!("CARGO_PKG_VERSION"));
        let buffered = BufWriter::with_capacity(BLOCK, file);
        self.file = Some(Output {
            writer: PcapngWriter::by(buffered, Some(application))?,
            len: 0,
            flushed: now,
            began: None,
            interfaces: Vec::new(),
            before: interfaces
                .iter()
                .map(|interface| (interface.received, interface.dropped))
                .collect(),
        });
        self.summary.path = path;
        self.summary.files += 1;
        for index in 0..interfaces.len() {
            self.describe(index, interfaces, filter)?;
        }
        Ok(())
    }

    /// The number of an interface in the file, which gets a description of it when it has none.
    fn describe(
        &mut self,
        index: usize,
        interfaces: &[Described],
        filter: Option<&str>,
    ) -> io::Result<u32> {
        let (Some(file), Some(described)) = (&mut self.file, interfaces.get(index)) else {
            return Err(io::Error::other(
                "a frame of an interface that is not described",
            ));
        };
        if let Some(&Some(number)) = file.interfaces.get(index) {
            return Ok(number);
        }
        // 0 means no limit, in pcapng too.
        let number = file.writer.filtered_interface(
            described.link,
            described.name.as_deref(),
            described.snaplen,
            filter,
        )?;
        file.interfaces
            .resize(index.max(file.interfaces.len().saturating_sub(1)) + 1, None);
        if let Some(place) = file.interfaces.get_mut(index) {
            *place = Some(number);
        }
        Ok(number)
    }

    fn frame(
        &mut self,
        frame: &CapturedFrame<'_>,
        comment: Option<&str>,
        interfaces: &[Described],
        filter: Option<&str>,
    ) -> io::Result<()> {
        if self.is_full(frame.time) {
            self.close(frame.time, interfaces)?;
            self.open(frame.time, interfaces, filter)?;
        }
        let number = self.describe(frame.interface as usize, interfaces, filter)?;
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.began.get_or_insert(frame.time);
        let numbered = CapturedFrame {
            interface: number,
            ..*frame
        };
        file.writer.frame(&numbered, comment)?;
        let block =
            32 + frame.data.len().next_multiple_of(4) + comment.map_or(0, |text| 8 + text.len());
        file.len += block as u64;
        // A clock that was set back does not keep it waiting.
        let waited = frame.time - file.flushed;
        if waited >= LONGEST || waited < Span::ZERO {
            file.flushed = frame.time;
            file.writer.get_mut().flush()?;
        }
        self.summary.frames += 1;
        self.summary.bytes += frame.data.len() as u64;
        Ok(())
    }

    /// Whether a frame of this time belongs to the next file.
    fn is_full(&self, now: Timestamp) -> bool {
        let Some(file) = &self.file else { return false };
        let (Some(began), rotation) = (file.began, self.rotation) else {
            return false;
        };
        rotation.size.is_some_and(|size| file.len >= size)
            || rotation.time.is_some_and(|time| now - began >= time)
    }

    /// Whether all files that were asked for are written: of those that are not overwritten.
    fn is_complete(&self, now: Timestamp) -> bool {
        let is_last = self
            .rotation
            .files
            .is_some_and(|files| self.summary.files >= files);
        is_last && self.rotation.size.is_none() && self.rotation.time.is_some() && self.is_full(now)
    }

    /// Hands what is written to the system.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.writer.get_mut().flush(),
            None => Ok(()),
        }
    }

    /// Ends the file, with the counts of its time.
    fn close(&mut self, now: Timestamp, interfaces: &[Described]) -> io::Result<()> {
        let Some(mut file) = self.file.take() else {
            return Ok(());
        };
        for (index, interface) in interfaces.iter().enumerate() {
            let Some(&Some(number)) = file.interfaces.get(index) else {
                continue;
            };
            let (received, dropped) = file.before.get(index).copied().unwrap_or((0, 0));
            file.writer.statistics(
                number,
                now,
                interface.received - received,
                interface.dropped - dropped,
            )?;
        }
        file.writer.get_mut().flush()
    }
}

#[cfg(test)]
mod tests;
