//! Streams as files in a directory, named as tcpflow names them, and `streams.ndjson` beside them
//! that says what each holds and what is missing of it.
//!
//! In a file every byte stands at its offset in the stream; a gap is skipped over and reads as
//! zeros. A gap longer than a limit (sequence numbers are the sender's, and a hostile sender can
//! skip gigabytes) ends the file; what follows goes to another one, whose name says its offset.

use core::fmt;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::follow::Origin;
use crate::flow::Socket;
use crate::tcp::Role;
use crate::time::Timestamp;

/// Files open at a time.
const MOST_OPEN: usize = 256;
/// Bytes of one stream that wait to be written.
const BUFFER: usize = 64 << 10;
/// Bytes of all streams that wait to be written.
const MOST_BUFFERED: usize = 64 << 20;
/// Gaps that are listed; further ones are counted.
const MOST_GAPS: usize = 1 << 20;
/// The list of files.
const LIST: &str = "streams.ndjson";

/// Writes streams to files.
#[derive(Debug)]
pub struct StreamFiles {
    directory: PathBuf,
    force: bool,
    max_gap: u64,
    list: File,
    /// The connections that have streams: who they are between, and how many connections of the
    /// same two sockets came before.
    connections: HashMap<u32, ([Socket; 2], u32)>,
    /// How many connections two sockets have had, the lower socket first.
    reused: HashMap<[Socket; 2], u32>,
    streams: HashMap<(u32, Role), usize>,
    parts: Vec<Part>,
    open: Vec<Open>,
    clock: u64,
    buffered: usize,
    gaps: usize,
}

/// A stream, or what of it lies between two long gaps.
#[derive(Debug)]
struct Part {
    connection: u32,
    from: Role,
    /// Offset in the stream at which the file begins.
    start: u64,
    /// Offset up to which it goes, gaps included.
    end: u64,
    /// Bytes it has.
    bytes: u64,
    /// The latest bytes, not written yet; they end at `end` unless a gap follows.
    buffer: Vec<u8>,
    /// Offset of the first of them.
    buffer_at: u64,
    created: bool,
    gaps: Vec<(u64, u64)>,
    gaps_unlisted: u64,
    missing: u64,
    first: Option<Origin>,
}

#[derive(Debug)]
struct Open {
    part: usize,
    file: File,
    used: u64,
}

/// What was written, as a sentence.
#[derive(Clone, Debug)]
pub struct Summary {
    files: u64,
    bytes: u64,
    missing: u64,
    list: PathBuf,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = self.list.display().to_string();
        write!(f, "{} files, {} bytes", self.files, self.bytes)?;
        if self.missing > 0 {
            write!(f, "; {} bytes missing, not captured", self.missing)?;
        }
        write!(f, "; listed in {}", super::escape::escaped(&list))
    }
}

impl StreamFiles {
    /// Files in `directory`, which is made if it isn't there. Files that are there are kept unless
    /// `force`.
    ///
    /// # Errors
    /// When the directory or its list can't be written.
    pub fn create(directory: &Path, force: bool, max_gap: u64) -> io::Result<Self> {
        fs::create_dir_all(directory).map_err(|error| at(directory, &error))?;
        let list = create(&directory.join(LIST), force)?;
        Ok(Self {
            directory: directory.to_owned(),
            force,
            max_gap,
            list,
            connections: HashMap::new(),
            reused: HashMap::new(),
            streams: HashMap::new(),
            parts: Vec::new(),
            open: Vec::new(),
            clock: 0,
            buffered: 0,
            gaps: 0,
        })
    }

    /// Says who a connection is between, before its first byte; again does no harm.
    pub fn introduce(&mut self, connection: u32, sockets: [Socket; 2]) {
        let Self {
            connections,
            reused,
            ..
        } = self;
        connections.entry(connection).or_insert_with(|| {
            let mut pair = sockets;
            pair.sort_unstable();
            let before = reused.entry(pair).or_default();
            *before += 1;
            (sockets, *before - 1)
        });
    }

    /// Writes bytes that stand at `offset` of a stream.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn bytes(
        &mut self,
        connection: u32,
        from: Role,
        origin: Option<Origin>,
        offset: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        let index = self.part_at(connection, from, offset);
        let part = &mut self.parts[index];
        let contiguous = part.buffer_at + part.buffer.len() as u64 == offset;
        if !part.buffer.is_empty() && (!contiguous || part.buffer.len() + bytes.len() > BUFFER) {
            self.write(index)?;
        }
        let part = &mut self.parts[index];
        if part.buffer.is_empty() {
            part.buffer_at = offset;
        }
        if part.first.is_none() {
            part.first = origin;
        }
        part.buffer.extend_from_slice(bytes);
        part.bytes += bytes.len() as u64;
        part.end = offset + bytes.len() as u64;
        self.buffered += bytes.len();
        if self.buffered > MOST_BUFFERED {
            for index in 0..self.parts.len() {
                self.write(index)?;
            }
        }
        Ok(())
    }

    /// Notes that `len` bytes from `offset` on of a stream are not there.
    pub fn gap(&mut self, connection: u32, from: Role, offset: u64, len: u64) {
        let index = self.part_at(connection, from, offset);
        let part = &mut self.parts[index];
        part.missing += len;
        part.end = offset + len;
        if let Some(last) = part.gaps.last_mut()
            && last.0 + last.1 == offset
        {
            last.1 += len;
        } else if self.gaps < MOST_GAPS {
            self.gaps += 1;
            part.gaps.push((offset, len));
        } else {
            part.gaps_unlisted += 1;
        }
    }

    /// The part of a stream that takes what stands at `offset`.
    fn part_at(&mut self, connection: u32, from: Role, offset: u64) -> usize {
        let known = self.streams.get(&(connection, from)).copied();
        let start = match known {
            Some(index) => {
                let part = &self.parts[index];
                let gap = part.gaps.last().map_or(0, |&(at, len)| match at + len {
                    end if end == offset => len,
                    _ => 0,
                });
                if gap <= self.max_gap {
                    return index;
                }
                offset
            }
            None => 0,
        };
        let index = self.parts.len();
        self.parts.push(Part {
            connection,
            from,
            start,
            end: start,
            bytes: 0,
            buffer: Vec::new(),
            buffer_at: start,
            created: false,
            gaps: Vec::new(),
            gaps_unlisted: 0,
            missing: 0,
            first: None,
        });
        self.streams.insert((connection, from), index);
        index
    }

    /// Writes what waits in a part's buffer.
    fn write(&mut self, index: usize) -> io::Result<()> {
        let part = &self.parts[index];
        if part.buffer.is_empty() {
            return Ok(());
        }
        let path = self.directory.join(self.name(part));
        let place = match self.open.iter().position(|open| open.part == index) {
            Some(place) => place,
            None => {
                let file = if part.created {
                    OpenOptions::new()
                        .write(true)
                        .open(&path)
                        .map_err(|error| at(&path, &error))?
                } else {
                    create(&path, self.force)?
                };
                if self.open.len() == MOST_OPEN {
                    let oldest = (0..MOST_OPEN).min_by_key(|&place| self.open[place].used);
                    self.open.swap_remove(oldest.unwrap_or(0));
                }
                self.open.push(Open {
                    part: index,
                    file,
                    used: 0,
                });
                self.open.len() - 1
            }
        };
        self.clock += 1;
        let open = &mut self.open[place];
        open.used = self.clock;
        let part = &mut self.parts[index];
        part.created = true;
        let position = part.buffer_at.saturating_sub(part.start);
        open.file
            .seek(SeekFrom::Start(position))
            .and_then(|_| open.file.write_all(&part.buffer))
            .map_err(|error| at(&path, &error))?;
        self.buffered -= part.buffer.len();
        // The capacity too: there may be as many streams as there are packets.
        part.buffer = Vec::new();
        Ok(())
    }

    /// Writes what is left, and the list.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn finish(mut self) -> io::Result<Summary> {
        for index in 0..self.parts.len() {
            self.write(index)?;
        }
        self.open.clear();
        let path = self.directory.join(LIST);
        let mut order: Vec<&Part> = self.parts.iter().collect();
        order.sort_by_key(|part| (part.connection, part.from, part.start));
        let mut out = BufWriter::new(&self.list);
        let written = order
            .iter()
            .try_for_each(|part| self.describe(part, &mut out))
            .and_then(|()| out.flush());
        written.map_err(|error| at(&path, &error))?;
        Ok(Summary {
            files: order.iter().filter(|part| part.created).count() as u64,
            bytes: order.iter().map(|part| part.bytes).sum(),
            missing: order.iter().map(|part| part.missing).sum(),
            list: path,
        })
    }

    fn describe(&self, part: &Part, out: &mut impl Write) -> io::Result<()> {
        let (connection, from) = (part.connection, part.from);
        write!(out, "{{\"connection\":{connection},\"from\":\"{from}\",")?;
        match part.created {
            true => write!(out, "\"file\":\"{}\"", self.name(part))?,
            false => write!(out, "\"file\":null")?,
        }
        write!(
            out,
            ",\"offset\":{},\"bytes\":{},\"missing\":{},\"gaps\":[",
            part.start, part.bytes, part.missing
        )?;
        for (index, (offset, len)) in part.gaps.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(out, "{separator}{{\"offset\":{offset},\"len\":{len}}}")?;
        }
        write!(out, "],\"gaps_unlisted\":{}", part.gaps_unlisted)?;
        match part.first {
            Some(Origin { frame, time }) => writeln!(
                out,
                ",\"first_frame\":{frame},\"first_time\":{}}}",
                time.since(Timestamp::default())
            ),
            None => writeln!(out, ",\"first_frame\":null,\"first_time\":null}}"),
        }
    }

    /// A part's file name: made of numbers only, so it can't lead out of the directory.
    fn name(&self, part: &Part) -> String {
        let Some(&(sockets, before)) = self.connections.get(&part.connection) else {
            return format!("connection-{}-{}", part.connection, part.from);
        };
        let [source, destination] = match part.from {
            Role::Client => sockets,
            Role::Server => [sockets[1], sockets[0]],
        };
        let mut name = format!("{}-{}", Name(source), Name(destination));
        if before > 0 {
            name += &format!("c{before}");
        }
        if part.start > 0 {
            name += &format!(".at-{}", part.start);
        }
        name
    }
}

/// A socket as a part of a file name, of fixed width: without colons, which not every file system
/// takes.
struct Name(Socket);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.address.to_ip() {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                write!(f, "{a:03}.{b:03}.{c:03}.{d:03}")?;
            }
            IpAddr::V6(address) => {
                for (index, group) in address.segments().into_iter().enumerate() {
                    let separator = if index == 0 { "" } else { "_" };
                    write!(f, "{separator}{group:04x}")?;
                }
            }
        }
        write!(f, ".{:05}", self.0.port)
    }
}

/// Makes a file that isn't there. One that is there is replaced only with `force`: removed, not
/// opened, so that a link leads nowhere else.
fn create(path: &Path, force: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = options.open(path);
    if force
        && file
            .as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::AlreadyExists)
    {
        file = fs::remove_file(path).and_then(|()| options.open(path));
    }
    file.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => io::Error::new(
            error.kind(),
            format!("{} is there already; --force overwrites it", shown(path)),
        ),
        _ => at(path, &error),
    })
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", shown(path)))
}

fn shown(path: &Path) -> String {
    super::escape::escaped(&path.to_string_lossy()).to_string()
}
