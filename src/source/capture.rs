//! One input while it is read: its bytes in pcap-parser's buffer, its format, and where it stands.

use core::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, PcapNGReader, SHB_MAGIC as SECTION_HEADER};

use super::byte_order::ByteOrder;
use super::feed::{Dry, Feed, Gauge};
use super::pcap::{FILE_HEADER, Layout, Records};
use super::pcapng::{Block, Sections};
use super::sentence::{Bytes, Grouped, not_a_capture};
use super::{Arrival, OpenOptions, SourceError};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// Where arrivals go.
pub(super) type Sink<'a> = dyn FnMut(Arrival<'_>) -> ControlFlow<()> + 'a;

/// The largest record or block that is read, in bytes.
pub(super) const MAX_RECORD: u32 = 64 * 1024 * 1024;

/// How much of an input is looked at to tell its format; pcapng needs this much.
const LONGEST_MAGIC: usize = 12;

/// Size of the buffer that records are read into; it grows for larger ones.
const BUFFER: usize = 256 * 1024;

/// The most captured bytes that a record of this link type may claim: more than any snaplen that
/// capturing programs use. What claims more is taken for damage, as in tcpdump and Wireshark.
pub(super) fn captured_limit(link: LinkType, snaplen: u32) -> u32 {
    const USUAL: u32 = 262_144;
    const DBUS: LinkType = LinkType(231);
    const USB_PCAP: LinkType = LinkType(249);
    const EBHSCR: LinkType = LinkType(279);
    match link {
        DBUS | USB_PCAP | EBHSCR => MAX_RECORD,
        // A snaplen this large that is not just "no limit" was chosen on purpose.
        _ if (USUAL..MAX_RECORD).contains(&snaplen) => snaplen,
        _ => USUAL,
    }
}

/// Numbers given out so far, over all inputs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    frames: u64,
    interfaces: u32,
    last: Option<Timestamp>,
}

impl Count {
    #[inline]
    pub(super) fn next_frame(&mut self, time: Timestamp) -> u64 {
        self.frames += 1;
        self.last = Some(time);
        self.frames
    }

    pub(super) fn next_interface(&mut self) -> u32 {
        let index = self.interfaces;
        self.interfaces = index.saturating_add(1);
        index
    }

    /// Time of the last frame handed on.
    pub(super) fn last_time(&self) -> Option<Timestamp> {
        self.last
    }
}

/// Why a walk over buffered records went no further.
#[derive(Debug)]
pub(super) enum Pause {
    /// The sink broke.
    Broken,
    /// The next frame has this time, after the limit.
    Beyond(Timestamp),
    /// The next record needs so many bytes, as far as is known.
    Need { bytes: usize, what: &'static str },
    /// The next record can't be true.
    Damaged(String),
}

/// How far [`Capture::advance`] came.
#[derive(Debug)]
pub(super) enum Step {
    /// The sink broke.
    Broken,
    /// The next frame has this time, after the limit.
    Beyond(Timestamp),
    /// Nothing more for now.
    Waiting,
    /// Read to its end, or told to stop.
    Ended,
    /// Read up to this damage.
    Damaged(SourceError),
}

enum Format {
    Pcap(Records),
    Pcapng(Sections),
}

/// One input.
pub(super) struct Capture {
    name: String,
    /// `None` when there is nothing more to read.
    reading: Option<Reading>,
    /// Damage found already when it was opened: told when it is read.
    damage: Option<SourceError>,
    /// Number of its last good frame.
    last_frame: u64,
}

struct Reading {
    reader: Box<dyn PcapReaderIterator + Send>,
    /// Size of the reader's buffer.
    capacity: usize,
    format: Format,
    gauge: Gauge,
    follow: bool,
    stop: Arc<AtomicBool>,
}

/// Where and why an input can't be read on.
struct Damage {
    offset: u64,
    reason: String,
}

impl Capture {
    /// Tells the format of an input and gets ready to read it. Damage in the file's header is not
    /// an error here but the first thing that reading it gives.
    ///
    /// # Errors
    /// With a sentence, when it is no capture file.
    pub(super) fn new(
        name: String,
        input: u32,
        feed: Feed,
        options: &OpenOptions,
    ) -> Result<Self, String> {
        let (reading, damage) = match Opened::new(input, feed, options)? {
            Opened::Reading(reading) => (Some(reading), None),
            Opened::Stopped => (None, None),
            Opened::Damaged(reason) => (None, Some(error(&name, 0, Damage { offset: 0, reason }))),
        };
        Ok(Self {
            name,
            reading,
            damage,
            last_frame: 0,
        })
    }

    /// Hands on arrivals, up to the first frame after `limit`; with `None` up to the first frame.
    pub(super) fn advance(
        &mut self,
        limit: Option<Timestamp>,
        count: &mut Count,
        sink: &mut Sink<'_>,
    ) -> Step {
        let Some(reading) = &mut self.reading else {
            return self.damage.take().map_or(Step::Ended, Step::Damaged);
        };
        let before = count.frames;
        let outcome = reading.advance(limit, count, sink);
        if count.frames != before {
            self.last_frame = count.frames;
        }
        match outcome {
            Ok(Step::Ended) => {
                self.reading = None;
                Step::Ended
            }
            Ok(step) => step,
            Err(damage) => {
                self.reading = None;
                Step::Damaged(error(&self.name, self.last_frame, damage))
            }
        }
    }
}

fn error(name: &str, after_frame: u64, damage: Damage) -> SourceError {
    SourceError {
        input: name.to_owned(),
        offset: damage.offset,
        after_frame,
        reason: damage.reason,
        unopened: false,
    }
}

/// What came of opening an input.
enum Opened {
    Reading(Reading),
    /// It was told to stop before the header came.
    Stopped,
    /// It is a capture file, but its header is damaged.
    Damaged(String),
}

impl Opened {
    /// Tells the format by the first bytes; an error says why it is no capture file.
    fn new(input: u32, mut feed: Feed, options: &OpenOptions) -> Result<Self, String> {
        let dry = feed.look(LONGEST_MAGIC, options);
        let layout = Layout::detect(feed.head());
        let what = match layout {
            Some(_) => "file header",
            None if feed.head().starts_with(&SECTION_HEADER.to_le_bytes()) => "section header",
            None => {
                return match dry {
                    Dry::Waiting => Ok(Self::Stopped),
                    Dry::Failed(reason) if feed.is_compressed() => Ok(Self::Damaged(reason)),
                    Dry::Failed(reason) => Err(reason),
                    Dry::Ended => Err(not_a_capture(feed.head())),
                };
            }
        };
        let header_len = match layout {
            Some(_) => FILE_HEADER,
            None => match Block::first_of(feed.head(), ByteOrder::Little) {
                Ok(block) => block.len,
                Err(Pause::Need { bytes, .. }) => bytes,
                Err(Pause::Damaged(reason)) => return Ok(Self::Damaged(reason)),
                Err(_) => LONGEST_MAGIC,
            },
        };
        let dry = feed.look(header_len, options);
        let left = feed.head().len();
        if left < header_len {
            return match dry {
                Dry::Waiting => Ok(Self::Stopped),
                Dry::Failed(reason) => Ok(Self::Damaged(format!(
                    "{reason}, {}",
                    cut(left, header_len, what)
                ))),
                Dry::Ended => Ok(Self::Damaged(format!(
                    "the file ends {}",
                    cut(left, header_len, what)
                ))),
            };
        }
        let gauge = feed.gauge();
        let capacity = BUFFER.max(header_len);
        let opened = match layout {
            Some(layout) => {
                layout.adapt(feed.head_mut());
                let Some(records) = Records::new(layout, feed.head(), input, options.trail.clone())
                else {
                    return Ok(Self::Damaged(format!("its {what} is not understood")));
                };
                LegacyPcapReader::new(capacity, feed).map(|mut reader| {
                    reader.consume_noshift(FILE_HEADER);
                    (
                        Box::new(reader) as Box<dyn PcapReaderIterator + Send>,
                        Format::Pcap(records),
                    )
                })
            }
            None => PcapNGReader::new(capacity, feed).map(|reader| {
                let reader: Box<dyn PcapReaderIterator + Send> = Box::new(reader);
                (
                    reader,
                    Format::Pcapng(Sections::new(input, options.trail.clone())),
                )
            }),
        };
        let Ok((reader, format)) = opened else {
            return Ok(Self::Damaged(format!("its {what} is not understood")));
        };
        let (follow, stop) = (options.follow, Arc::clone(&options.stop));
        Ok(Self::Reading(Reading {
            reader,
            capacity,
            format,
            gauge,
            follow,
            stop,
        }))
    }
}

impl Reading {
    /// Hands on arrivals up to the first frame after `limit`.
    fn advance(
        &mut self,
        limit: Option<Timestamp>,
        count: &mut Count,
        sink: &mut Sink<'_>,
    ) -> Result<Step, Damage> {
        loop {
            let data = self.reader.data();
            let offset = self.reader.consumed() as u64;
            let (used, pause) = match &mut self.format {
                Format::Pcap(records) => records.walk((offset, data), limit, count, sink),
                Format::Pcapng(sections) => sections.walk((offset, data), limit, count, sink),
            };
            let left = data.len() - used;
            self.reader.consume_noshift(used);
            let (need, what) = match pause {
                Pause::Broken => return Ok(Step::Broken),
                Pause::Beyond(time) => return Ok(Step::Beyond(time)),
                Pause::Damaged(reason) => return Err(self.damage(reason)),
                Pause::Need { bytes, what } => (bytes, what),
            };
            if self.stop.load(Ordering::Relaxed) {
                return Ok(Step::Ended);
            }
            if self.refill(left, need) {
                continue;
            }
            match self.gauge.read() {
                _ if self.stop.load(Ordering::Relaxed) => return Ok(Step::Ended),
                Dry::Waiting if self.follow => return Ok(Step::Waiting),
                Dry::Waiting => {}
                Dry::Ended if left == 0 => return Ok(Step::Ended),
                Dry::Ended => {
                    return Err(self.damage(format!("the file ends {}", cut(left, need, what))));
                }
                Dry::Failed(reason) if left == 0 => return Err(self.damage(reason)),
                Dry::Failed(reason) => {
                    return Err(self.damage(format!("{reason}, {}", cut(left, need, what))));
                }
            }
        }
    }

    /// Reads more behind the `left` bytes in the buffer. A buffer that is full and too small for
    /// the `need` bytes of a record grows, never by more than what it holds: a length that
    /// only claims to be large costs nothing. Returns whether anything came.
    fn refill(&mut self, left: usize, need: usize) -> bool {
        if left == self.capacity {
            let capacity = self
                .capacity
                .saturating_mul(2)
                .min(need.max(self.capacity + 1));
            if self.reader.grow(capacity) {
                self.capacity = capacity;
            }
        }
        // A feed never fails: it says in its gauge why it gave nothing.
        let _ = self.reader.refill();
        self.reader.data().len() > left
    }

    #[cold]
    fn damage(&self, reason: String) -> Damage {
        Damage {
            offset: self.reader.consumed() as u64,
            reason,
        }
    }
}

/// `12 bytes into a record of 60`.
fn cut(left: usize, need: usize, what: &str) -> String {
    format!(
        "{} into a {what} of {}",
        Bytes(left as u64),
        Grouped(need as u64)
    )
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;

    use super::super::testing::{OneByOne, big, little, read, read_from, small_pcap, small_pcapng};

    #[test]
    fn a_pcap_file_cut_at_every_byte() {
        let (file, borders) = small_pcap();
        for cut in 12..=file.len() {
            let outcome = read(&file[..cut]);
            let whole = borders.iter().take_while(|&&border| border <= cut).count();
            let Some(frames) = whole.checked_sub(1) else {
                let error = outcome.end.unwrap_err();
                assert_eq!((error.offset, error.unopened), (0, false));
                assert_eq!(
                    error.reason,
                    format!("the file ends {cut} bytes into a file header of 24")
                );
                continue;
            };
            assert_eq!(outcome.frames(), frames, "cut at {cut}");
            let border = borders[frames];
            if cut == border {
                assert_eq!(outcome.end, Ok(()));
                continue;
            }
            let error = outcome.end.unwrap_err();
            assert_eq!(
                (error.offset, error.after_frame),
                (border as u64, frames as u64)
            );
            let into = cut - border;
            let what = if into < 16 {
                "record header of 16".to_owned()
            } else {
                format!("record of {}", borders[frames + 1] - border)
            };
            let bytes = if into == 1 { "byte" } else { "bytes" };
            assert_eq!(
                error.reason,
                format!("the file ends {into} {bytes} into a {what}")
            );
        }
    }

    #[test]
    fn a_pcapng_file_cut_at_every_byte() {
        let (file, borders) = small_pcapng();
        for cut in 12..=file.len() {
            let outcome = read(&file[..cut]);
            let last = borders.iter().rev().find(|(border, _)| *border <= cut);
            let &(border, frames) = last.unwrap_or(&(0, 0));
            assert_eq!(outcome.frames(), frames, "cut at {cut}");
            if cut == border {
                assert_eq!(outcome.end, Ok(()));
            } else {
                let error = outcome.end.unwrap_err();
                assert_eq!(
                    (error.offset, error.after_frame),
                    (border as u64, frames as u64)
                );
                assert!(error.reason.starts_with("the file ends "), "{error}");
            }
        }
    }

    #[test]
    fn what_is_too_short_to_tell() {
        let (file, _) = small_pcap();
        for cut in 0..4 {
            assert!(read(&file[..cut]).end.unwrap_err().unopened, "cut at {cut}");
        }
        for cut in 4..12 {
            assert!(
                !read(&file[..cut]).end.unwrap_err().unopened,
                "cut at {cut}"
            );
        }
        assert_eq!(read(b"").reason(), "not a capture file: it is empty");
    }

    #[test]
    fn every_byte_changed() {
        let big_endian = big().pcap_header(0xa1b2_cd34, 0, 1);
        let big_endian = big_endian.record(1, 2, b"").u64(0).record(1, 2, b"");
        for file in [small_pcap().0, small_pcapng().0, big_endian.bytes] {
            for at in 0..file.len() {
                for change in [0x01, 0x10, 0x80, 0xff] {
                    let mut file = file.clone();
                    file[at] ^= change;
                    let outcome = read(&file);
                    if let Err(error) = outcome.end {
                        assert!(error.offset <= file.len() as u64);
                        assert!(!error.reason.is_empty());
                    }
                }
            }
        }
    }

    #[test]
    fn bytes_that_come_one_by_one() {
        for file in [small_pcap().0, small_pcapng().0] {
            let slowly = read_from(OneByOne(io::Cursor::new(file.clone())));
            assert_eq!(slowly, read(&file));
        }
    }

    proptest! {
        #[test]
        fn anything_after_a_header(
            start in 0..4_usize,
            rest in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let section = big().section(&[]).interface(1, 0, &[]);
            let starts = [
                little().pcap_header(0xa1b2_c3d4, 0, 1),
                big().pcap_header(0xa1b2_cd34, 0, 1),
                section.clone(),
                // A block of the right length, so that its body is looked at.
                section.block(u32::from(rest.first().copied().unwrap_or(0)) % 7, big().raw(&rest)),
            ];
            let outcome = read(&[starts[start].bytes.clone(), rest].concat());
            if let Err(error) = outcome.end {
                prop_assert!(!error.unopened && !error.reason.is_empty());
            }
        }
    }

    #[test]
    fn a_claim_alone_allocates_nothing() {
        // 64 MiB at most are read; a file of a few bytes that claims so much must not cost it.
        let file = little()
            .pcap_header(0xa1b2_c3d4, 0, 249)
            .u32(1)
            .u32(0)
            .u32(60_000_000)
            .u32(1);
        let outcome = read(&file.bytes);
        assert_eq!(
            outcome.reason(),
            "the file ends 16 bytes into a record of 60,000,016"
        );
    }
}
