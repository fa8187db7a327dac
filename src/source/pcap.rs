//! pcap files (draft-ietf-opsawg-pcap): one header, then records. pcap-parser reads the header
//! and the records; what it does not know is put into its shape here: Kuznetzov's modified format
//! in big-endian, and the order of lengths in files of before 1998.

use core::ops::Range;

use pcap_parser::nom::IResult;
use pcap_parser::nom::bytes::streaming;
use pcap_parser::nom::number::streaming::{be_u32, le_u32};
use pcap_parser::{
    LegacyPcapBlock, PcapError, PcapHeader, parse_pcap_frame, parse_pcap_frame_be,
    parse_pcap_frame_modified, parse_pcap_header,
};

use super::byte_order::ByteOrder;
use super::capture::{Count, Pause, Sink, captured_limit};
use super::reread::Trail;
use super::sentence::Grouped;
use super::{Arrival, Interface};
use crate::frame::{CapturedFrame, Place};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// Bytes of the file header.
pub(super) const FILE_HEADER: usize = 24;

/// Where a record header has its two lengths.
const LENGTHS: Range<usize> = 8..16;

/// The low half of the header's link type field: what is above are the FCS length, its flag and
/// reserved bits.
const LINK_TYPE_MASK: u32 = 0xffff;

/// How the records of a file are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Plain(ByteOrder),
    /// With Kuznetzov's eight further bytes in each record header: interface index, protocol,
    /// packet type. They are passed over: the frame says the same.
    Modified(ByteOrder),
}

impl Layout {
    /// By the first four bytes.
    pub(super) fn detect(start: &[u8]) -> Option<Self> {
        match *start.first_chunk::<4>()? {
            [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => {
                Some(Self::Plain(ByteOrder::Little))
            }
            [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => {
                Some(Self::Plain(ByteOrder::Big))
            }
            [0x34, 0xcd, 0xb2, 0xa1] => Some(Self::Modified(ByteOrder::Little)),
            [0xa1, 0xb2, 0xcd, 0x34] => Some(Self::Modified(ByteOrder::Big)),
            _ => None,
        }
    }

    /// Makes a header of this layout one that pcap-parser reads.
    pub(super) fn adapt(self, header: &mut [u8]) {
        if self == Self::Modified(ByteOrder::Big)
            && let Some(magic) = header.first_chunk_mut()
        {
            *magic = [0xa1, 0xb2, 0xc3, 0xd4];
        }
    }

    const fn order(self) -> ByteOrder {
        let (Self::Plain(order) | Self::Modified(order)) = self;
        order
    }

    const fn record_header(self) -> usize {
        match self {
            Self::Plain(_) => 16,
            Self::Modified(_) => 24,
        }
    }
}

/// Which of a record header's two lengths comes first: it is the captured one since version 2.4;
/// before, as libpcap's `sf-pcap.c` tells, it was the length on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    WireFirst,
    /// Some programs that wrote version 2.3 had it one way, some the other.
    SmallerIsCaptured,
}

impl Lengths {
    fn of_version(major: u16, minor: u16) -> Self {
        match (major, minor) {
            // 543.0 was written by DG/UX tcpdump.
            (2, 0..=2) | (543, 0) => Self::WireFirst,
            (2, 3) => Self::SmallerIsCaptured,
            _ => Self::CapturedFirst,
        }
    }

    /// The captured length and that on the wire.
    fn arrange(self, first: u32, second: u32) -> (u32, u32) {
        match self {
            Self::CapturedFirst => (first, second),
            Self::WireFirst => (second, first),
            Self::SmallerIsCaptured => (first.min(second), first.max(second)),
        }
    }
}

/// The records of one file.
#[derive(Clone)]
pub(super) struct Records {
    layout: Layout,
    lengths: Lengths,
    nanos_per_tick: i64,
    link: LinkType,
    snaplen: u32,
    captured_limit: u32,
    input: u32,
    /// Index of the file's one interface, once it has been handed on.
    interface: Option<u32>,
    /// Where what is needed to read its records again is left.
    trail: Option<Trail>,
}

impl Records {
    /// From a file header made readable by [`Layout::adapt`]; `None` if it isn't one.
    pub(super) fn new(
        layout: Layout,
        header: &[u8],
        input: u32,
        trail: Option<Trail>,
    ) -> Option<Self> {
        let (_, header): (_, PcapHeader) = parse_pcap_header(header).ok()?;
        let link = LinkType(header.network.0 as u32 & LINK_TYPE_MASK);
        Some(Self {
            layout,
            lengths: Lengths::of_version(header.version_major, header.version_minor),
            nanos_per_tick: if header.is_nanosecond_precision() {
                1
            } else {
                1000
            },
            link,
            snaplen: header.snaplen,
            captured_limit: captured_limit(link, header.snaplen),
            input,
            interface: None,
            trail,
        })
    }

    /// Hands on the records in `data`, which lies at `offset` of the input, up to `limit`. Returns
    /// how many bytes they were, and why it went no further.
    pub(super) fn walk(
        &mut self,
        (offset, data): (u64, &[u8]),
        limit: Option<Timestamp>,
        count: &mut Count,
        sink: &mut Sink<'_>,
    ) -> (usize, Pause) {
        let interface = match self.interface {
            Some(interface) => interface,
            None => {
                let interface = count.next_interface();
                self.interface = Some(interface);
                if let Some(trail) = self.trail.take() {
                    trail.records(self.input, self);
                }
                if sink(self.describe(interface)).is_break() {
                    return (0, Pause::Broken);
                }
                interface
            }
        };
        let walk = Walk {
            records: self,
            interface,
            limit,
            offset,
        };
        match (self.layout, self.lengths) {
            (Layout::Plain(ByteOrder::Little), Lengths::CapturedFirst) => {
                walk.run(parse_pcap_frame, data, count, sink)
            }
            (Layout::Plain(ByteOrder::Big), Lengths::CapturedFirst) => {
                walk.run(parse_pcap_frame_be, data, count, sink)
            }
            (Layout::Modified(ByteOrder::Little), Lengths::CapturedFirst) => {
                walk.run(parse_pcap_frame_modified, data, count, sink)
            }
            _ => walk.run(|rest| walk.records.parse(rest), data, count, sink),
        }
    }

    /// As pcap-parser's `parse_pcap_frame` and its siblings, for the layouts they don't know.
    fn parse<'a>(
        &self,
        input: &'a [u8],
    ) -> IResult<&'a [u8], LegacyPcapBlock<'a>, PcapError<&'a [u8]>> {
        let field = |input| match self.layout.order() {
            ByteOrder::Little => le_u32(input),
            ByteOrder::Big => be_u32(input),
        };
        let (rest, ts_sec) = field(input)?;
        let (rest, ts_usec) = field(rest)?;
        let (rest, first) = field(rest)?;
        let (rest, second) = field(rest)?;
        let (rest, _) = streaming::take(self.layout.record_header() - LENGTHS.end)(rest)?;
        let (caplen, origlen) = self.lengths.arrange(first, second);
        let (rest, data) = streaming::take(caplen)(rest)?;
        Ok((
            rest,
            LegacyPcapBlock {
                ts_sec,
                ts_usec,
                caplen,
                origlen,
                data,
            },
        ))
    }

    /// The record that `bytes` start with, as a frame without a number, and how many bytes it is.
    pub(super) fn again<'a>(&self, bytes: &'a [u8]) -> Result<(CapturedFrame<'a>, usize), Pause> {
        let Ok((rest, record)) = self.parse(bytes) else {
            return Err(self.unfinished(bytes));
        };
        if record.caplen > self.captured_limit {
            return Err(self.too_long(record.caplen));
        }
        let frame = CapturedFrame {
            number: 0,
            time: self.time(&record),
            interface: self.interface.unwrap_or(0),
            link: self.link,
            wire_len: record.origlen,
            data: record.data,
            upcoming: &[],
            place: Place::NOWHERE,
        };
        Ok((frame, bytes.len() - rest.len()))
    }

    #[inline]
    fn time(&self, record: &LegacyPcapBlock<'_>) -> Timestamp {
        Timestamp::from_parts(
            record.ts_sec.into(),
            i64::from(record.ts_usec) * self.nanos_per_tick,
        )
    }

    fn describe(&self, index: u32) -> Arrival<'static> {
        Arrival::Interface(Interface {
            index,
            name: None,
            link: self.link,
            snaplen: self.snaplen,
            ticks_per_second: 1_000_000_000 / self.nanos_per_tick.unsigned_abs(),
            format: match (self.layout, self.nanos_per_tick) {
                (Layout::Modified(_), _) => "pcap-mod",
                (Layout::Plain(_), 1) => "pcap-ns",
                (Layout::Plain(_), _) => "pcap",
            },
            input: self.input,
        })
    }

    /// Why the record that `rest` starts with is not whole: it goes on after the buffer, or its
    /// header can't be true.
    #[cold]
    fn unfinished(&self, rest: &[u8]) -> Pause {
        let header_len = self.layout.record_header();
        let lengths = rest
            .get(..header_len)
            .and_then(|header| header.get(LENGTHS));
        let Some(&[a, b, c, d, e, f, g, h]) = lengths.and_then(|bytes| bytes.first_chunk()) else {
            return Pause::Need {
                bytes: header_len,
                what: "record header",
            };
        };
        let order = self.layout.order();
        let (captured, _) = self
            .lengths
            .arrange(order.u32([a, b, c, d]), order.u32([e, f, g, h]));
        if captured > self.captured_limit {
            return self.too_long(captured);
        }
        Pause::Need {
            bytes: header_len + captured as usize,
            what: "record",
        }
    }

    #[cold]
    fn too_long(&self, captured: u32) -> Pause {
        let bound = if (1..=self.captured_limit).contains(&self.snaplen) {
            format!("the file's snaplen is {}", Grouped(self.snaplen.into()))
        } else {
            format!("at most {} are read", Grouped(self.captured_limit.into()))
        };
        Pause::Damaged(format!(
            "record header claims {} captured bytes; {bound}",
            Grouped(captured.into())
        ))
    }
}

/// How many records ahead of a frame its upcoming one is.
const AHEAD: usize = 18;

struct Walk<'r> {
    records: &'r Records,
    interface: u32,
    limit: Option<Timestamp>,
    /// Where the data lies in the input.
    offset: u64,
}

impl Walk<'_> {
    #[inline]
    fn run<P>(
        &self,
        parse: P,
        data: &[u8],
        count: &mut Count,
        sink: &mut Sink<'_>,
    ) -> (usize, Pause)
    where
        P: Fn(&[u8]) -> IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>>,
    {
        let mut rest = data;
        // Some records further on, so that the flows of its frames can be fetched in time.
        let mut ahead = data;
        for _ in 0..AHEAD {
            ahead = parse(ahead).map_or(&[][..], |(after, _)| after);
        }
        loop {
            let used = data.len() - rest.len();
            let Ok((after, record)) = parse(rest) else {
                return (used, self.records.unfinished(rest));
            };
            if record.caplen > self.records.captured_limit {
                return (used, self.records.too_long(record.caplen));
            }
            let time = self.records.time(&record);
            if Some(time) > self.limit {
                return (used, Pause::Beyond(time));
            }
            rest = after;
            let upcoming = match parse(ahead) {
                Ok((after, upcoming)) => {
                    ahead = after;
                    upcoming.data
                }
                Err(_) => &[],
            };
            let frame = CapturedFrame {
                number: count.next_frame(time),
                time,
                interface: self.interface,
                link: self.records.link,
                wire_len: record.origlen,
                data: record.data,
                upcoming,
                place: Place {
                    input: self.records.input,
                    offset: self.offset + used as u64,
                },
            };
            if sink(Arrival::Frame(frame)).is_break() {
                return (data.len() - rest.len(), Pause::Broken);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bytes, big, little, read};

    #[test]
    fn every_magic_in_both_orders() {
        for (magic, extra, format, ticks, nanos) in [
            (
                0xa1b2_c3d4,
                false,
                "pcap",
                1_000_000,
                1_700_000_000_000_005_000_i64,
            ),
            (
                0xa1b2_3c4d,
                false,
                "pcap-ns",
                1_000_000_000,
                1_700_000_000_000_000_005,
            ),
            (
                0xa1b2_cd34,
                true,
                "pcap-mod",
                1_000_000,
                1_700_000_000_000_005_000,
            ),
        ] {
            for bytes in [little(), big()] {
                let record = |file: Bytes, wire: u32, data: &[u8]| {
                    let file = file
                        .u32(1_700_000_000)
                        .u32(5)
                        .u32(data.len() as u32)
                        .u32(wire);
                    let file = if extra {
                        file.u32(2).u16(8).raw(&[4, 0])
                    } else {
                        file
                    };
                    file.raw(data)
                };
                let file = bytes.pcap_header(magic, 96, 113);
                let file = record(record(file, 60, b"ab"), 3, b"cde");
                let outcome = read(&file.bytes);
                assert_eq!(
                    outcome.arrivals,
                    [
                        format!("interface 0 - of 0: {format} link 113 snaplen 96 ticks {ticks}"),
                        format!("#1 {nanos} on 0 link 113: ab of 60"),
                        format!("#2 {nanos} on 0 link 113: cde of 3"),
                    ]
                );
                assert_eq!(outcome.end, Ok(()));
            }
        }
    }

    #[test]
    fn upper_bits_of_the_link_type_are_not_its_number() {
        // FCS length of 4 octets, present (draft-ietf-opsawg-pcap, "LinkType and additional
        // information").
        let file = big()
            .pcap_header(0xa1b2_c3d4, 0, 0x2400_0001)
            .record(1, 0, b"x");
        assert_eq!(
            read(&file.bytes).arrivals[1],
            "#1 1000000000 on 0 link 1: x of 1"
        );
    }

    #[test]
    fn lengths_in_the_order_of_old_versions() {
        for (minor, first, second) in [(2, 60, 2), (3, 60, 2), (3, 2, 60), (4, 2, 60)] {
            for bytes in [little(), big()] {
                let file = bytes
                    .u32(0xa1b2_c3d4)
                    .u16(2)
                    .u16(minor)
                    .u32(0)
                    .u32(0)
                    .u32(96)
                    .u32(1);
                let file = file.u32(1).u32(0).u32(first).u32(second).raw(b"ab");
                let mut cut = file.bytes.clone();
                cut.pop();
                let outcome = read(&file.bytes);
                assert_eq!(outcome.arrivals[1], "#1 1000000000 on 0 link 1: ab of 60");
                assert_eq!(outcome.end, Ok(()));
                assert_eq!(
                    read(&cut).reason(),
                    "the file ends 17 bytes into a record of 18"
                );
            }
        }
    }

    #[test]
    fn harmless_lies_are_tolerated() {
        // More captured than was on the wire, more than the snaplen, a fraction above a second.
        let file = little().pcap_header(0xa1b2_c3d4, 2, 1);
        let file = file.u32(1).u32(2_500_000).u32(4).u32(3).raw(b"abcd");
        let outcome = read(&file.bytes);
        assert_eq!(outcome.arrivals[1], "#1 3500000000 on 0 link 1: abcd of 3");
        assert_eq!(outcome.end, Ok(()));
    }

    #[test]
    fn a_length_beyond_any_snaplen_is_damage() {
        let good = little()
            .pcap_header(0xa1b2_c3d4, 65_535, 1)
            .record(1, 0, b"x");
        let file = good
            .clone()
            .u32(1)
            .u32(0)
            .u32(0xc000_0000)
            .u32(60)
            .raw(b"abcd");
        let outcome = read(&file.bytes);
        assert_eq!(outcome.frames(), 1);
        let error = outcome.end.unwrap_err();
        assert_eq!(
            (error.offset, error.after_frame, error.unopened),
            (41, 1, false)
        );
        assert_eq!(
            error.to_string(),
            "test: damaged at byte 41, after frame 1: record header claims 3,221,225,472 \
             captured bytes; the file's snaplen is 65,535"
        );
        // Whole in the buffer, but longer than anything that is captured.
        let file = good.record(2, 0, &vec![0; 262_145]);
        assert!(
            read(&file.bytes)
                .reason()
                .starts_with("record header claims 262,145 captured")
        );
    }

    #[test]
    fn a_record_larger_than_the_buffer() {
        let data = vec![b'x'; 1_000_000];
        let file = little().pcap_header(0xa1b2_c3d4, 1_000_000, 1);
        let file = file.record(1, 0, &data).record(2, 0, b"after");
        let outcome = read(&file.bytes);
        assert_eq!((outcome.frames(), outcome.end), (2, Ok(())));
        // A link type that has such frames whatever the snaplen.
        let file = little()
            .pcap_header(0xa1b2_c3d4, 0, 249)
            .record(1, 0, &data);
        assert_eq!(read(&file.bytes).frames(), 1);
    }
}
