//! pcap files (draft-ietf-opsawg-pcap): one header, then records. pcap-parser reads the header
//! and the records; Kuznetzov's modified format in big-endian, which it does not know, is put
//! into its shape here.

use core::ops::Range;

use pcap_parser::nom::IResult;
use pcap_parser::nom::bytes::streaming::take;
use pcap_parser::nom::number::streaming::be_u32;
use pcap_parser::{
    LegacyPcapBlock, PcapError, PcapHeader, parse_pcap_frame, parse_pcap_frame_be,
    parse_pcap_frame_modified, parse_pcap_header,
};

use super::byte_order::ByteOrder;
use super::capture::{Count, Pause, Sink, captured_limit};
use super::sentence::{Bytes, Grouped};
use super::{Arrival, Interface};
use crate::frame::CapturedFrame;
use crate::time::Timestamp;
use crate::wire::LinkType;

/// Bytes of the file header.
pub(super) const FILE_HEADER: usize = 24;

/// Where a record header says how many bytes were captured.
const CAPTURED_LEN: Range<usize> = 8..12;

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

/// The records of one file.
pub(super) struct Records {
    layout: Layout,
    nanos_per_tick: i64,
    link: LinkType,
    snaplen: u32,
    captured_limit: u32,
    input: u32,
    /// Index of the file's one interface, once it has been handed on.
    interface: Option<u32>,
}

impl Records {
    /// From a file header made readable by [`Layout::adapt`]; `None` if it isn't one.
    pub(super) fn new(layout: Layout, header: &[u8], input: u32) -> Option<Self> {
        let (_, header): (_, PcapHeader) = parse_pcap_header(header).ok()?;
        let link = LinkType(header.network.0 as u32 & LINK_TYPE_MASK);
        Some(Self {
            layout,
            nanos_per_tick: if header.is_nanosecond_precision() { 1 } else { 1000 },
            link,
            snaplen: header.snaplen,
            captured_limit: captured_limit(link, header.snaplen),
            input,
            interface: None,
        })
    }

    /// Hands on the records in `data` up to `limit`. Returns how many bytes they were, and why it
    /// went no further.
    pub(super) fn walk(
        &mut self,
        data: &[u8],
        limit: Option<Timestamp>,
        count: &mut Count,
        sink: &mut Sink<'_>,
    ) -> (usize, Pause) {
        let interface = match self.interface {
            Some(interface) => interface,
            None => {
                let interface = count.next_interface();
                self.interface = Some(interface);
                if sink(self.describe(interface)).is_break() {
                    return (0, Pause::Broken);
                }
                interface
            }
        };
        let walk = Walk { records: self, interface, limit };
        match self.layout {
            Layout::Plain(ByteOrder::Little) => walk.run(parse_pcap_frame, data, count, sink),
            Layout::Plain(ByteOrder::Big) => walk.run(parse_pcap_frame_be, data, count, sink),
            Layout::Modified(ByteOrder::Little) => {
                walk.run(parse_pcap_frame_modified, data, count, sink)
            }
            Layout::Modified(ByteOrder::Big) => {
                walk.run(parse_pcap_frame_modified_be, data, count, sink)
            }
        }
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
        let claim = rest.get(..header_len).and_then(|header| header.get(CAPTURED_LEN));
        let Some(claim) = claim.and_then(|bytes| bytes.first_chunk()) else {
            return Pause::Need { bytes: header_len, what: "record header" };
        };
        let captured = self.layout.order().u32(*claim);
        if captured > self.captured_limit {
            return self.too_long(captured);
        }
        Pause::Need { bytes: header_len + captured as usize, what: "record" }
    }

    #[cold]
    fn too_long(&self, captured: u32) -> Pause {
        Pause::Damaged(format!(
            "record header claims {} captured; the file's snaplen is {}",
            Bytes(captured.into()),
            Grouped(self.snaplen.into())
        ))
    }
}

struct Walk<'r> {
    records: &'r Records,
    interface: u32,
    limit: Option<Timestamp>,
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
        loop {
            let used = data.len() - rest.len();
            let Ok((after, record)) = parse(rest) else {
                return (used, self.records.unfinished(rest));
            };
            if record.caplen > self.records.captured_limit {
                return (used, self.records.too_long(record.caplen));
            }
            let time = Timestamp::from_parts(
                record.ts_sec.into(),
                i64::from(record.ts_usec) * self.records.nanos_per_tick,
            );
            if Some(time) > self.limit {
                return (used, Pause::Beyond(time));
            }
            rest = after;
            let frame = CapturedFrame {
                number: count.next_frame(time),
                time,
                interface: self.interface,
                link: self.records.link,
                wire_len: record.origlen,
                data: record.data,
            };
            if sink(Arrival::Frame(frame)).is_break() {
                return (data.len() - rest.len(), Pause::Broken);
            }
        }
    }
}

/// As pcap-parser's `parse_pcap_frame_modified`, for big-endian files.
fn parse_pcap_frame_modified_be(
    input: &[u8],
) -> IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>> {
    let (rest, ts_sec) = be_u32(input)?;
    let (rest, ts_usec) = be_u32(rest)?;
    let (rest, caplen) = be_u32(rest)?;
    let (rest, origlen) = be_u32(rest)?;
    let (rest, _) = take::<_, _, PcapError<&[u8]>>(8_usize)(rest)?;
    let (rest, data) = take::<_, _, PcapError<&[u8]>>(caplen)(rest)?;
    Ok((rest, LegacyPcapBlock { ts_sec, ts_usec, caplen, origlen, data }))
}
