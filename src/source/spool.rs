//! What can be read only once, kept aside so that its frames can be read again: a temporary file
//! without a name, of bounded size.

use core::ops::ControlFlow;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::reread::{Trail, read_at};
use super::sentence::{Bytes, plain};
use super::{Arrival, Source, SourceError};
use crate::frame::{CapturedFrame, Place};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// Bytes of what is written before the data of a frame: time, interface, link type, length on the
/// wire, captured length.
const HEADER: usize = 24;

/// What is written at once.
const BUFFER: usize = 256 << 10;

/// A source whose frames can be read again, because they are kept aside on their way: all of one
/// that is no file (the generator, an interface), or those of inputs that can be read only once.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use tcplens::frame::{Place, ReadAgain};
/// use tcplens::source::{Arrival, FileSource, Source, Spooling, Trail};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/half-close.pcap");
/// let trail = Trail::new(1 << 30);
/// let mut first = Place::NOWHERE;
/// Spooling::new(Box::new(FileSource::open(file)?), &trail).run(&mut |arrival| {
///     if let Arrival::Frame(frame) = arrival
///         && frame.number == 1
///     {
///         first = frame.place;
///     }
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(trail.reread().frame(1, first)?.data.len(), 74);
/// # Ok(())
/// # }
/// ```
pub struct Spooling {
    source: Box<dyn Source + Send>,
    trail: Trail,
}

impl Spooling {
    /// A source that hands on what `source` does.
    pub fn new(source: Box<dyn Source + Send>, trail: &Trail) -> Self {
        Self {
            source,
            trail: trail.clone(),
        }
    }
}

impl Source for Spooling {
    fn run(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let trail = &self.trail;
        self.source.run(&mut |arrival| match arrival {
            Arrival::Frame(mut frame) if !trail.holds(frame.place.input) => {
                frame.place = trail.spool().keep(&frame);
                sink(Arrival::Frame(frame))
            }
            other => sink(other),
        })
    }

    fn further_errors(&self) -> &[SourceError] {
        self.source.further_errors()
    }
}

/// Frames that were kept aside.
pub(super) struct Spool {
    limit: u64,
    file: Option<Nameless>,
    /// Bytes in the file.
    written: u64,
    /// What comes after them.
    buffer: Vec<u8>,
    lost: u64,
    /// Why it takes no more.
    full: Option<String>,
}

impl Spool {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            file: None,
            written: 0,
            buffer: Vec::new(),
            lost: 0,
            full: None,
        }
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    pub(super) fn complaint(&self) -> Option<String> {
        self.full.clone()
    }

    /// Keeps a frame. Says where.
    fn keep(&mut self, frame: &CapturedFrame<'_>) -> Place {
        let offset = self.written + self.buffer.len() as u64;
        let len = (HEADER + frame.data.len()) as u64;
        if self.full.is_none() && offset + len > self.limit {
            self.full = Some(format!(
                "what can be read only once is kept up to {}",
                Bytes(self.limit)
            ));
        }
        if self.full.is_none() && self.buffer.len() >= BUFFER {
            self.full = self
                .write()
                .err()
                .map(|error| format!("the temporary file can't be written: {}", plain(&error)));
        }
        if self.full.is_some() {
            self.lost += 1;
            return Place::NOWHERE;
        }
        let buffer = &mut self.buffer;
        buffer.extend(
            frame
                .time
                .since(Timestamp::default())
                .as_nanos()
                .to_le_bytes(),
        );
        buffer.extend(frame.interface.to_le_bytes());
        buffer.extend(frame.link.0.to_le_bytes());
        buffer.extend(frame.wire_len.to_le_bytes());
        buffer.extend((frame.data.len() as u32).to_le_bytes());
        buffer.extend(frame.data);
        Place {
            input: Place::SPOOL,
            offset,
        }
    }

    /// Writes the buffer out.
    fn write(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(Nameless::new(&std::env::temp_dir())?),
        };
        write_all_at(&file.file, &self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Reads into `space` so many bytes from `offset` on.
    fn get(&self, offset: u64, len: usize, space: &mut Vec<u8>) -> Result<(), String> {
        space.clear();
        let end = offset.checked_add(len as u64);
        let held = self.written + self.buffer.len() as u64;
        if end.is_none_or(|end| end > held) {
            return Err("it was not kept".to_owned());
        }
        if let Some(start) = offset.checked_sub(self.written) {
            let start = start as usize;
            let kept = self.buffer.get(start..start + len).unwrap_or_default();
            space.extend_from_slice(kept);
            return Ok(());
        }
        // A frame lies whole in the file, or in the buffer.
        space.resize(len, 0);
        let Some(file) = &self.file else {
            return Err("it was not kept".to_owned());
        };
        let mut had = 0;
        while had < len {
            let rest = space.get_mut(had..).unwrap_or_default();
            match read_at(&file.file, rest, offset + had as u64) {
                Ok(0) => return Err("the temporary file is cut short".to_owned()),
                Ok(count) => had += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(format!(
                        "the temporary file can't be read: {}",
                        plain(&error)
                    ));
                }
            }
        }
        Ok(())
    }

    fn header(&self, offset: u64, space: &mut Vec<u8>) -> Result<Kept, String> {
        self.get(offset, HEADER, space)?;
        let kept = Kept::of(space).ok_or("it was not kept")?;
        if u64::from(kept.captured) > self.limit {
            return Err("it was not kept".to_owned());
        }
        Ok(kept)
    }

    /// Reads a frame; its data comes to stand in `space`.
    pub(super) fn read(&self, offset: u64, space: &mut Vec<u8>) -> Result<Kept, String> {
        let kept = self.header(offset, space)?;
        self.get(
            offset.saturating_add(HEADER as u64),
            kept.captured as usize,
            space,
        )?;
        Ok(kept)
    }

    /// Where the next frame lies, if there is one.
    pub(super) fn after(&self, offset: u64) -> Result<Option<u64>, String> {
        let kept = self.header(offset, &mut Vec::new())?;
        let next = offset + HEADER as u64 + u64::from(kept.captured);
        Ok((next < self.written + self.buffer.len() as u64).then_some(next))
    }
}

/// What is kept of a frame beside its data.
pub(super) struct Kept {
    time: Timestamp,
    interface: u32,
    link: LinkType,
    wire_len: u32,
    captured: u32,
}

impl Kept {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (time, rest) = bytes.split_first_chunk::<8>()?;
        let (interface, rest) = rest.split_first_chunk()?;
        let (link, rest) = rest.split_first_chunk()?;
        let (wire_len, rest) = rest.split_first_chunk()?;
        let (captured, _) = rest.split_first_chunk()?;
        Some(Self {
            time: Timestamp::from_nanos(i64::from_le_bytes(*time)),
            interface: u32::from_le_bytes(*interface),
            link: LinkType(u32::from_le_bytes(*link)),
            wire_len: u32::from_le_bytes(*wire_len),
            captured: u32::from_le_bytes(*captured),
        })
    }

    pub(super) fn frame<'a>(&self, number: u64, place: Place, data: &'a [u8]) -> CapturedFrame<'a> {
        CapturedFrame {
            number,
            time: self.time,
            interface: self.interface,
            link: self.link,
            wire_len: self.wire_len,
            data,
            upcoming: &[],
            place,
        }
    }
}

/// A temporary file that nobody else can open, and that is gone when it is closed.
struct Nameless {
    file: File,
    /// Its name, where a file can't be without one while it is open.
    name: Option<PathBuf>,
}

impl Nameless {
    fn new(folder: &Path) -> io::Result<Self> {
        /// Names tried: more are taken only by somebody who means it.
        const TRIES: u32 = 100;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let process = std::process::id();
        for attempt in 0..TRIES {
            let name = folder.join(format!("tcplens-{process}-{attempt}.spool"));
            match options.open(&name) {
                Ok(file) => {
                    let gone = cfg!(unix) && fs::remove_file(&name).is_ok();
                    let name = (!gone).then_some(name);
                    return Ok(Self { file, name });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists))
    }
}

impl Drop for Nameless {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // Nothing more can be done about a file that stays.
            let _ = fs::remove_file(name);
        }
    }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::WriteZero));
        }
        bytes = bytes.get(count..).unwrap_or_default();
        offset += count as u64;
    }
    Ok(())
}
