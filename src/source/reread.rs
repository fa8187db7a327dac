//! Reading frames again, in any order, by the places that they had when they were first read.
//!
//! A source that is given a [`Trail`] leaves on it what a record alone does not say: the files that
//! can be read in any order, how their records are laid out, where sections begin and what their
//! interfaces are. From a trail any number of [`Reread`]s can be had, each for a thread of its own,
//! while the source still runs. What comes from a pipe, or compressed, is kept aside in a
//! [spool](super::spool).
//!
//! Nothing of a place is trusted: the file may be another by now. What lies there is read with the
//! same limits as at first, and has to be a record.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::byte_order::ByteOrder;
use super::capture::Pause;
use super::pcap::Records;
use super::pcapng::{Described, Sections};
use super::sentence::plain;
use super::spool::{self, Spool};
use crate::frame::{CapturedFrame, Place, ReadAgain, Unread};
use crate::time::Timestamp;

/// Sections, interfaces and steps of time that are remembered of all inputs together: real files
/// have a few.
const MOST_MARKS: usize = 1 << 20;

/// What sources leave so that their frames can be read again. Clones are the same trail.
#[derive(Clone, Debug)]
pub struct Trail(Arc<Shared>);

struct Shared {
    inputs: Mutex<Inputs>,
    spool: Mutex<Spool>,
}

impl core::fmt::Debug for Shared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Inputs {
    known: Vec<Option<Input>>,
    marks: usize,
}

/// An input that can be read in any order.
struct Input {
    file: Arc<Reopened>,
    format: Format,
}

enum Format {
    /// Nothing has been read of it.
    Unknown,
    Pcap(Box<Records>),
    Pcapng(Vec<Section>),
}

/// A section of a pcapng file.
struct Section {
    offset: u64,
    order: ByteOrder,
    interfaces: Vec<Described>,
    /// From where on frames without a time have which.
    untimed: Vec<(u64, Timestamp)>,
}

impl Trail {
    /// A trail on which nothing has been left. Of what can be read only once, up to `spool` bytes
    /// are kept aside in a temporary file.
    pub fn new(spool: u64) -> Self {
        Self::with(Spool::new(spool, false))
    }

    /// As [`new`](Self::new), for what has no end: the last `spool` bytes are kept (1 MiB at
    /// least), and frames before them can't be read again.
    pub fn turning(spool: u64) -> Self {
        Self::with(Spool::new(spool, true))
    }

    fn with(spool: Spool) -> Self {
        Self(Arc::new(Shared {
            inputs: Mutex::default(),
            spool: Mutex::new(spool),
        }))
    }

    /// What reads the frames of this trail again.
    pub fn reread(&self) -> Reread {
        Reread {
            trail: self.clone(),
            window: Window::default(),
            layout: None,
        }
    }

    /// Frames that can't be read again because they were too much for the spool, or it failed.
    pub fn lost(&self) -> u64 {
        self.spool().lost()
    }

    /// Why frames are lost, as a sentence without its end; `None` when none is.
    pub fn complaint(&self) -> Option<String> {
        self.spool().complaint()
    }

    /// Whether each of the first `inputs` inputs can be read in any order.
    pub(super) fn covers(&self, inputs: usize) -> bool {
        (0..inputs).all(|input| self.holds(input as u32))
    }

    /// Whether this input can be read in any order.
    pub(super) fn holds(&self, input: u32) -> bool {
        matches!(self.inputs().known.get(input as usize), Some(Some(_)))
    }

    /// An input can be read in any order.
    pub(super) fn file(&self, input: u32, file: Reopened) {
        let mut inputs = self.inputs();
        let place = input as usize;
        if inputs.known.len() <= place {
            inputs.known.resize_with(place + 1, || None);
        }
        if let Some(known) = inputs.known.get_mut(place) {
            *known = Some(Input {
                file: Arc::new(file),
                format: Format::Unknown,
            });
        }
    }

    /// How the records of a pcap file are laid out.
    pub(super) fn records(&self, input: u32, records: &Records) {
        if let Some(Some(known)) = self.inputs().known.get_mut(input as usize) {
            known.format = Format::Pcap(Box::new(records.clone()));
        }
    }

    /// A section begins.
    pub(super) fn section(&self, input: u32, offset: u64, order: ByteOrder) {
        self.mark(input, |sections| {
            sections.push(Section {
                offset,
                order,
                interfaces: Vec::new(),
                untimed: Vec::new(),
            });
            true
        });
    }

    /// An interface of the section that began last.
    pub(super) fn interface(&self, input: u32, described: Described) {
        self.mark(input, |sections| {
            let last = sections.last_mut();
            last.is_some_and(|section| {
                section.interfaces.push(described);
                true
            })
        });
    }

    /// The frame at `offset` says no time, and was taken to be of this one.
    pub(super) fn untimed(&self, input: u32, offset: u64, time: Timestamp) {
        self.mark(input, |sections| {
            let last = sections.last_mut();
            last.is_some_and(|section| {
                let known = section.untimed.last().map(|&(_, time)| time);
                let news = known != Some(time);
                if news {
                    section.untimed.push((offset, time));
                }
                news
            })
        });
    }

    /// Changes what is known of a pcapng file, unless there is too much of it already.
    fn mark(&self, input: u32, change: impl FnOnce(&mut Vec<Section>) -> bool) {
        let mut inputs = self.inputs();
        let Inputs { known, marks } = &mut *inputs;
        if *marks >= MOST_MARKS {
            return;
        }
        if let Some(Some(known)) = known.get_mut(input as usize) {
            if matches!(known.format, Format::Unknown) {
                known.format = Format::Pcapng(Vec::new());
            }
            if let Format::Pcapng(sections) = &mut known.format {
                *marks += usize::from(change(sections));
            }
        }
    }

    fn inputs(&self) -> MutexGuard<'_, Inputs> {
        self.0.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn spool(&self) -> MutexGuard<'_, Spool> {
        self.0.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the record at `place` has to be read with.
    fn layout(&self, place: Place) -> Option<Layout> {
        if place.input == Place::SPOOL {
            return Some(Layout {
                input: place.input,
                file: Readable::Spool(self.clone()),
                from: 0,
                to: u64::MAX,
                of: Of::Spool,
            });
        }
        let inputs = self.inputs();
        let input = inputs.known.get(place.input as usize)?.as_ref()?;
        let file = Readable::File(Arc::clone(&input.file));
        match &input.format {
            Format::Unknown => None,
            Format::Pcap(records) => Some(Layout {
                input: place.input,
                file,
                from: 0,
                to: u64::MAX,
                of: Of::Pcap(records.clone()),
            }),
            Format::Pcapng(sections) => {
                let after = sections.partition_point(|section| section.offset <= place.offset);
                let section = sections.get(after.checked_sub(1)?)?;
                let end = sections.get(after).map_or(u64::MAX, |next| next.offset);
                let timed = section
                    .untimed
                    .partition_point(|&(at, _)| at <= place.offset);
                let last = timed.checked_sub(1).and_then(|at| section.untimed.get(at));
                let from = last.map_or(section.offset, |&(at, _)| at.max(section.offset));
                let to = section
                    .untimed
                    .get(timed)
                    .map_or(end, |&(at, _)| at.min(end));
                let last = last.map_or(Timestamp::default(), |&(_, time)| time);
                Some(Layout {
                    input: place.input,
                    file,
                    from,
                    to,
                    of: Of::Pcapng(Sections::of(section.order, &section.interfaces, last)),
                })
            }
        }
    }
}

/// A file that is open a second time: reading it moves nothing for whoever reads it first.
#[derive(Debug)]
pub(super) struct Reopened {
    file: File,
    /// Where the capture begins in it.
    begin: u64,
}

impl Reopened {
    /// Of a regular file; `None` for anything else.
    pub(super) fn of(file: &File, name: &OsStr) -> Option<Self> {
        use std::io::Seek;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut first = file;
        let begin = first.stream_position().ok()?;
        let file = second(file, name)?;
        Some(Self { file, begin })
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let Some(offset) = self.begin.checked_add(offset) else {
            return Ok(0);
        };
        read_at(&self.file, buffer, offset)
    }
}

/// The same file, even if another has its name by now.
#[cfg(unix)]
fn second(file: &File, _: &OsStr) -> Option<File> {
    file.try_clone().ok()
}

/// Reading at a place would move what a clone shares: the file is opened anew.
#[cfg(not(unix))]
fn second(_: &File, name: &OsStr) -> Option<File> {
    (name != "-").then(|| File::open(name).ok()).flatten()
}

/// Reads at an offset; on Unix without moving where the file is read otherwise.
#[cfg(unix)]
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

/// Reads at an offset.
#[cfg(windows)]
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// What records within a stretch of an input are read with.
struct Layout {
    input: u32,
    file: Readable,
    from: u64,
    to: u64,
    of: Of,
}

enum Of {
    Pcap(Box<Records>),
    Pcapng(Sections),
    Spool,
}

/// What is read from.
enum Readable {
    File(Arc<Reopened>),
    Spool(Trail),
}

impl Readable {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read_at(buffer, offset),
            Self::Spool(trail) => trail.spool().read_at(buffer, offset),
        }
    }
}

impl Layout {
    fn is_for(&self, place: Place) -> bool {
        self.input == place.input && (self.from..self.to).contains(&place.offset)
    }

    /// The record that `bytes` start with: its frame, if it holds one, and its length.
    fn parse<'a>(&self, bytes: &'a [u8]) -> Result<(Option<CapturedFrame<'a>>, usize), Pause> {
        match &self.of {
            Of::Pcap(records) => {
                let (frame, len) = records.again(bytes)?;
                Ok((Some(frame), len))
            }
            Of::Pcapng(sections) => sections.again(bytes),
            Of::Spool => {
                let (frame, len) = spool::parse(bytes)?;
                Ok((Some(frame), len))
            }
        }
    }
}

/// What of an input is in memory.
#[derive(Default)]
struct Window {
    input: u32,
    offset: u64,
    bytes: Vec<u8>,
    /// How much to read next.
    step: usize,
}

impl Window {
    /// Read at once where the next frame lies anywhere …
    const LEAST: usize = 4 << 10;
    /// … and where one frame lies behind the other.
    const MOST: usize = 256 << 10;

    /// At least `need` bytes from `offset` on, or what there is.
    fn bytes(&mut self, file: &Readable, place: Place, need: usize) -> io::Result<&[u8]> {
        let inside = |window: &Self| {
            (window.input == place.input)
                .then(|| place.offset.checked_sub(window.offset))
                .flatten()
                .and_then(|skip| usize::try_from(skip).ok())
                .filter(|&skip| skip < window.bytes.len())
        };
        let held = inside(self).map_or(0, |skip| self.bytes.len() - skip);
        if held < need.max(1) {
            let end = self.offset.saturating_add(self.bytes.len() as u64);
            let near = self.input == place.input
                && (place.offset >= self.offset)
                && place.offset.saturating_sub(end) <= Self::MOST as u64;
            self.step = if near {
                (self.step * 2).clamp(Self::LEAST, Self::MOST)
            } else {
                Self::LEAST
            };
            self.fill(file, place, need.max(self.step))?;
        }
        let skip = inside(self).unwrap_or(self.bytes.len());
        Ok(self.bytes.get(skip..).unwrap_or_default())
    }

    /// Reads so many bytes, or up to the end of the file. The memory grows with what comes.
    fn fill(&mut self, file: &Readable, place: Place, want: usize) -> io::Result<()> {
        (self.input, self.offset) = (place.input, place.offset);
        self.bytes.clear();
        while self.bytes.len() < want {
            let had = self.bytes.len();
            let more = (want - had).min(Self::MOST);
            self.bytes.resize(had + more, 0);
            let space = self.bytes.get_mut(had..).unwrap_or_default();
            let got = match file.read_at(space, place.offset.saturating_add(had as u64)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.bytes.truncate(had);
                    continue;
                }
                got => got,
            };
            self.bytes.truncate(had + *got.as_ref().unwrap_or(&0));
            if got? == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Reads frames again. One for each thread; see [`Trail::reread`].
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use tcplens::frame::{Place, ReadAgain};
/// use tcplens::source::{self, Arrival, OpenOptions, Trail};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/half-close.pcap");
/// let trail = Trail::new(1 << 30);
/// let options = OpenOptions { trail: Some(trail.clone()), ..OpenOptions::default() };
/// let mut fifth = Place::NOWHERE;
/// source::open(&[file], &options)?.run(&mut |arrival| {
///     if let Arrival::Frame(frame) = arrival
///         && frame.number == 5
///     {
///         fifth = frame.place;
///     }
///     ControlFlow::Continue(())
/// })?;
/// let mut reread = trail.reread();
/// let frame = reread.frame(5, fifth)?;
/// assert_eq!((frame.number, frame.data.len()), (5, 66));
/// # Ok(())
/// # }
/// ```
pub struct Reread {
    trail: Trail,
    window: Window,
    layout: Option<Layout>,
}

impl Reread {
    /// Sees to it that the layout is that of the record at `place`.
    fn look(&mut self, place: Place) -> Result<(), Unread> {
        if !self
            .layout
            .as_ref()
            .is_some_and(|layout| layout.is_for(place))
        {
            self.layout = self.trail.layout(place);
        }
        match self.layout {
            Some(_) => Ok(()),
            None => Err(unread(
                place,
                "it was not kept: its input can't be read again",
            )),
        }
    }

    /// How long the record at `place` is, and whether it holds a frame. All of it is in the window
    /// then.
    fn measure(&mut self, place: Place) -> Result<(bool, usize), Unread> {
        self.look(place)?;
        let mut need = 16;
        let mut renewed = false;
        loop {
            let Some(layout) = &self.layout else {
                return Err(unread(place, "it was not kept"));
            };
            let bytes = self.window.bytes(&layout.file, place, need);
            let bytes = bytes.map_err(|error| {
                unread(place, &format!("it can't be read again: {}", plain(&error)))
            })?;
            let held = bytes.len();
            match layout.parse(bytes) {
                Ok((frame, len)) => return Ok((frame.is_some(), len)),
                Err(Pause::Need { bytes: more, .. }) if more > need && held >= need => need = more,
                Err(Pause::Need { .. }) if place.input == Place::SPOOL => {
                    return Err(unread(place, "it was not kept"));
                }
                Err(Pause::Need { .. }) => {
                    return Err(unread(place, "the file ends before it, or within it"));
                }
                // Interfaces may have been described since the layout was looked up.
                Err(Pause::Damaged(_)) if !renewed => {
                    renewed = true;
                    self.layout = self.trail.layout(place);
                }
                Err(Pause::Damaged(reason)) => {
                    return Err(unread(place, &format!("the file has changed: {reason}")));
                }
                Err(_) => return Err(unread(place, "it can't be read again")),
            }
        }
    }
}

fn unread(place: Place, reason: &str) -> Unread {
    Unread {
        place,
        reason: reason.to_owned(),
    }
}

impl ReadAgain for Reread {
    fn frame(&mut self, number: u64, place: Place) -> Result<CapturedFrame<'_>, Unread> {
        self.measure(place)?;
        let nothing = || unread(place, "the file has changed: there is no frame");
        let layout = self.layout.as_ref().ok_or_else(nothing)?;
        let bytes = self.window.bytes(&layout.file, place, 1);
        let bytes = bytes.map_err(|error| unread(place, &plain(&error)))?;
        match layout.parse(bytes) {
            Ok((Some(frame), _)) => Ok(CapturedFrame {
                number,
                place,
                ..frame
            }),
            _ => Err(nothing()),
        }
    }

    fn after(&mut self, place: Place) -> Result<Option<Place>, Unread> {
        let mut place = place;
        let (_, mut len) = self.measure(place)?;
        loop {
            place.offset = place.offset.saturating_add(len as u64);
            match self.measure(place) {
                Ok((true, _)) => return Ok(Some(place)),
                Ok((false, next)) => len = next,
                // Behind the last frame there is nothing.
                Err(_) => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use core::ops::ControlFlow;

    use super::super::testing::{TemporaryFile, big, little, words};
    use super::super::{Arrival, OpenOptions, open};
    use super::*;

    /// Reads a file once for the places of its frames, then backwards by those. Gives the frames
    /// in words.
    fn again(name: &str, bytes: &[u8]) -> Vec<String> {
        let file = TemporaryFile::new(&format!("reread-{name}"), bytes);
        let trail = Trail::new(0);
        let options = OpenOptions {
            trail: Some(trail.clone()),
            ..OpenOptions::default()
        };
        let mut read = Vec::new();
        open(&[&file.0], &options)
            .unwrap()
            .run(&mut |arrival| {
                if let Arrival::Frame(frame) = arrival {
                    read.push((frame.number, frame.place, words(&arrival)));
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        let mut reread = trail.reread();
        for (number, place, expected) in read.iter().rev() {
            let frame = reread.frame(*number, *place).unwrap();
            assert_eq!(words(&Arrival::Frame(frame)), *expected, "{name}");
        }
        for pair in read.windows(2) {
            assert_eq!(reread.after(pair[0].1), Ok(Some(pair[1].1)), "{name}");
        }
        read.into_iter().map(|(_, _, words)| words).collect()
    }

    /// A source that says the same frame again and again, each with its number in it.
    struct Endless(u64);

    impl super::super::Source for Endless {
        fn run(
            &mut self,
            sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
        ) -> Result<(), super::super::SourceError> {
            for number in 1..=self.0 {
                let mut data = [0; 1000];
                data[..8].copy_from_slice(&number.to_le_bytes());
                let frame = CapturedFrame {
                    number,
                    time: Timestamp::from_nanos(number as i64),
                    interface: 0,
                    link: crate::wire::LinkType::ETHERNET,
                    wire_len: 1000,
                    data: &data[..900 + number as usize % 100],
                    upcoming: &[],
                    place: Place::NOWHERE,
                };
                if sink(Arrival::Frame(frame)).is_break() {
                    break;
                }
            }
            Ok(())
        }
    }

    #[test]
    fn what_has_no_end_keeps_its_latest_frames() {
        let trail = Trail::turning(1);
        let mut places = Vec::new();
        let source = Box::new(Endless(20_000));
        let mut spooling = super::super::Spooling::new(source, &trail);
        let read = super::super::Source::run(&mut spooling, &mut |arrival| {
            if let Arrival::Frame(frame) = arrival {
                places.push((frame.number, frame.place));
                // While it runs: the latest, and one from a little earlier.
                for back in [1, 300] {
                    let Some(&(number, place)) = places.iter().rev().nth(back) else {
                        continue;
                    };
                    let mut reread = trail.reread();
                    let frame = reread.frame(number, place).unwrap();
                    assert_eq!(frame.data[..8], number.to_le_bytes());
                    assert_eq!(frame.data.len(), 900 + number as usize % 100);
                }
            }
            ControlFlow::Continue(())
        });
        assert_eq!(read, Ok(()));
        let mut reread = trail.reread();
        let kept = |&(number, place): &(u64, Place)| match reread.frame(number, place) {
            Ok(frame) => {
                assert_eq!(frame.data[..8], number.to_le_bytes());
                true
            }
            Err(_) => false,
        };
        let kept: Vec<bool> = places.iter().map(kept).collect();
        let first = kept.iter().position(|&kept| kept).unwrap();
        // All from there on, and of a megabyte as much as that holds.
        assert!(kept[first..].iter().all(|&kept| kept));
        assert!((900..1400).contains(&(kept.len() - first)), "{first}");
        assert_eq!(trail.lost(), 0);
    }

    #[test]
    fn sections_of_both_orders_with_interfaces_of_their_own() {
        let nanos = [(9, &[9][..])];
        let file = little().section(&[]).interface(1, 0, &nanos);
        let file = file.packet(0, 5, b"one", &[]).interface(113, 0, &[]);
        let file = file.packet(1, 6, b"two", &[(1, b"a comment")]);
        let second = big().section(&[]).interface(101, 0, &[]);
        let second = second.packet(0, 7, b"three", &[]);
        let third = little()
            .section(&[])
            .interface(1, 0, &nanos)
            .packet(0, 8, b"four", &[]);
        let bytes = [file.bytes, second.bytes, third.bytes].concat();
        assert_eq!(
            again("sections", &bytes),
            [
                "#1 5 on 0 link 1: one of 3",
                "#2 6000 on 1 link 113: two of 3",
                "#3 7000 on 2 link 101: three of 5",
                "#4 8 on 3 link 1: four of 4",
            ]
        );
    }

    #[test]
    fn frames_without_a_time_keep_that_of_the_one_before() {
        let simple = |data: &[u8]| little().u32(data.len() as u32).padded(data);
        let file = little().section(&[]).interface(1, 0, &[(9, &[9])]);
        let file = file.block(3, simple(b"a")).packet(0, 5, b"b", &[]);
        let file = file.block(3, simple(b"c")).block(3, simple(b"d"));
        let file = file.packet(0, 9, b"e", &[]).block(3, simple(b"f"));
        // The obsolete block: interface and drops in 16 bits each.
        let old = little()
            .u16(0)
            .u16(0)
            .u32(0)
            .u32(11)
            .u32(1)
            .u32(1)
            .padded(b"g");
        let file = file.block(2, old);
        assert_eq!(
            again("untimed", &file.bytes),
            [
                "#1 0 on 0 link 1: a of 1",
                "#2 5 on 0 link 1: b of 1",
                "#3 5 on 0 link 1: c of 1",
                "#4 5 on 0 link 1: d of 1",
                "#5 9 on 0 link 1: e of 1",
                "#6 9 on 0 link 1: f of 1",
                "#7 11 on 0 link 1: g of 1",
            ]
        );
    }

    #[test]
    fn every_layout_of_pcap() {
        for (name, magic, extra) in [("plain", 0xa1b2_3c4d, 0), ("modified", 0xa1b2_cd34, 8)] {
            for (order, bytes) in [("little", little()), ("big", big())] {
                let file = bytes.pcap_header(magic, 0, 1);
                let file = ["one", "", "three"].iter().fold(file, |file, data| {
                    let len = data.len() as u32;
                    let file = file.u32(1).u32(2).u32(len).u32(len + 1);
                    file.raw(&[0; 8][..extra]).raw(data.as_bytes())
                });
                let frames = again(&format!("{name}-{order}"), &file.bytes);
                assert_eq!(frames.len(), 3);
                assert!(frames[2].ends_with("three of 6"), "{frames:?}");
            }
        }
    }

    #[test]
    fn a_frame_larger_than_any_window() {
        let data = vec![b'x'; 200_000];
        let file = little().pcap_header(0xa1b2_c3d4, 0, 1).record(1, 0, b"y");
        let file = file.record(2, 0, &data).record(3, 0, b"z");
        let frames = again("large", &file.bytes);
        assert!(frames[1].len() > 200_000 && frames[2].ends_with("z of 1"));
    }
}
