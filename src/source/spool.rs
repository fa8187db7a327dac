//! What can be read only once, kept aside so that its frames can be read again: a temporary file
//! without a name, of bounded size.

use core::ops::ControlFlow;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::capture::{MAX_RECORD, Pause};
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
            Arrival::Frame(mut frame)
                if frame.place == Place::NOWHERE || !trail.holds(frame.place.input) =>
            {
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
    /// Whether the oldest makes room for the latest, or nothing more is taken.
    turns: bool,
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
    /// At most `limit` bytes: the first ones, or if it `turns` the last ones.
    pub(super) fn new(limit: u64, turns: bool) -> Self {
        Self {
            // What is written at once must not overtake itself.
            limit: if turns {
                limit.max(4 * BUFFER as u64)
            } else {
                limit
            },
            turns,
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
        if self.full.is_none() && !self.turns && offset + len > self.limit {
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
        let nanos = frame.time.since(Timestamp::default()).as_nanos();
        let mut head = [0; HEADER];
        let (time, rest) = head.split_at_mut(8);
        time.copy_from_slice(&nanos.to_le_bytes());
        let numbers = [
            frame.interface,
            frame.link.0,
            frame.wire_len,
            frame.data.len() as u32,
        ];
        for (place, number) in rest.chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        self.buffer.extend_from_slice(&head);
        self.buffer.extend_from_slice(frame.data);
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
        let mut rest = self.buffer.as_slice();
        while !rest.is_empty() {
            let (place, room) = match self.turns {
                true => (
                    self.written % self.limit,
                    self.limit - self.written % self.limit,
                ),
                false => (self.written, u64::MAX),
            };
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(rest.len().min(room));
            write_all_at(&file.file, now, place)?;
            self.written += now.len() as u64;
            rest = later;
        }
        self.buffer.clear();
        Ok(())
    }

    /// Reads from `offset` on, up to what has been kept so far.
    pub(super) fn read_at(&self, space: &mut [u8], offset: u64) -> io::Result<usize> {
        if let Some(start) = offset.checked_sub(self.written) {
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            let kept = self.buffer.get(start..).unwrap_or_default();
            let count = kept.len().min(space.len());
            for (to, from) in space.iter_mut().zip(kept) {
                *to = *from;
            }
            return Ok(count);
        }
        let mut most = (self.written - offset).min(space.len() as u64);
        let mut place = offset;
        if self.turns {
            if self.written - offset > self.limit {
                return Err(io::Error::other("later frames have taken its room"));
            }
            place = offset % self.limit;
            most = most.min(self.limit - place);
        }
        match (&self.file, space.get_mut(..most as usize)) {
            (Some(file), Some(space)) => read_at(&file.file, space, place),
            _ => Ok(0),
        }
    }
}

/// The frame, without a number, that kept bytes start with, and how many bytes it is.
pub(super) fn parse(bytes: &[u8]) -> Result<(CapturedFrame<'_>, usize), Pause> {
    let need = |bytes| Pause::Need {
        bytes,
        what: "kept frame",
    };
    let kept = Kept::of(bytes).ok_or(need(HEADER))?;
    if kept.captured > MAX_RECORD {
        return Err(Pause::Damaged("there is no frame".to_owned()));
    }
    let len = HEADER + kept.captured as usize;
    let data = bytes.get(HEADER..len).ok_or(need(len))?;
    Ok((kept.frame(data), len))
}

/// What is kept of a frame beside its data.
struct Kept {
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

    fn frame<'a>(&self, data: &'a [u8]) -> CapturedFrame<'a> {
        CapturedFrame {
            number: 0,
            time: self.time,
            interface: self.interface,
            link: self.link,
            wire_len: self.wire_len,
            data,
            upcoming: &[],
            place: Place::NOWHERE,
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
