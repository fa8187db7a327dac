//! What the blocks of a section say, and what a reader must remember of them.

use core::ops::ControlFlow;
use std::net::IpAddr;

use pcap_parser::{
    EPB_MAGIC as ENHANCED_PACKET, IDB_MAGIC as INTERFACE_DESCRIPTION,
    ISB_MAGIC as INTERFACE_STATISTICS, NRB_MAGIC as NAME_RESOLUTION, SHB_MAGIC as SECTION_HEADER,
    SPB_MAGIC as SIMPLE_PACKET,
};

use super::super::byte_order::{ByteOrder, Fields};
use super::super::capture::{Count, Pause, Sink, captured_limit};
use super::super::reread::Trail;
use super::super::resolution::Resolution;
use super::super::sentence::{Bytes, Grouped};
use super::super::{Arrival, Interface};
use super::block::Block;
use super::option::{
    COMMENT, EPB_DROPCOUNT, IF_DESCRIPTION, IF_NAME, IF_TSOFFSET, IF_TSRESOL, ISB_IFDROP,
    ISB_OSDROP, Options, text,
};
use crate::frame::{CapturedFrame, Place};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// The obsolete Packet Block.
const PACKET: u32 = 2;
/// The major version of pcapng: another one means that the blocks can't be understood.
const MAJOR_VERSION: u16 = 1;
/// Interfaces that a section may describe: as many as the obsolete Packet Block can name.
const MAX_INTERFACES: usize = 1 << 16;
/// `drops_count` of the Packet Block where nobody counted.
const DROPS_UNKNOWN: u16 = 0xffff;
/// Name resolution records.
const NRES_END: u16 = 0;
const NRES_IPV4: u16 = 1;
const NRES_IPV6: u16 = 2;

/// The sections of a file: what is known of the one being read.
#[derive(Clone)]
pub(in super::super) struct Sections {
    order: ByteOrder,
    interfaces: Vec<Described>,
    /// Time of the last frame, for those that have none.
    last: Timestamp,
    input: u32,
    /// Where the block being read lies in the input.
    at: u64,
    /// Where what is needed to read frames again is left.
    trail: Option<Trail>,
}

/// An interface of the section.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Described {
    index: u32,
    link: LinkType,
    snaplen: u32,
    captured_limit: u32,
    resolution: Resolution,
    /// Lost frames that have been reported.
    missed: u64,
}

/// A packet of any of the three block types.
struct Packet<'a> {
    /// Index in the section.
    interface: u32,
    /// `None` in a Simple Packet Block.
    ticks: Option<u64>,
    wire_len: u32,
    data: &'a [u8],
    options: Options<'a>,
    /// Frames lost just before this one, where the block's fields say so.
    lost_before: u64,
}

impl Sections {
    pub(in super::super) fn new(input: u32, trail: Option<Trail>) -> Self {
        Self {
            order: ByteOrder::Little,
            interfaces: Vec::new(),
            last: Timestamp::default(),
            input,
            at: 0,
            trail,
        }
    }

    /// Hands on the blocks in `data`, which lies at `offset` of the input, up to the first frame
    /// after `limit`. Returns how many bytes they were, and why it went no further.
    pub(in super::super) fn walk(
        &mut self,
        (offset, data): (u64, &[u8]),
        limit: Option<Timestamp>,
        count: &mut Count,
        sink: &mut Sink<'_>,
    ) -> (usize, Pause) {
        let mut used = 0;
        loop {
            let rest = data.get(used..).unwrap_or(&[]);
            let block = match Block::first_of(rest, self.order) {
                Ok(block) => block,
                Err(pause) => return (used, pause),
            };
            self.at = offset + used as u64;
            match self.block(&block, limit, count, sink) {
                Ok(ControlFlow::Continue(())) => used += block.len,
                Ok(ControlFlow::Break(())) => return (used + block.len, Pause::Broken),
                Err(pause) => return (used, pause),
            }
        }
    }

    /// Hands on what one block says.
    fn block(
        &mut self,
        block: &Block<'_>,
        limit: Option<Timestamp>,
        count: &mut Count,
        sink: &mut Sink<'_>,
    ) -> Result<ControlFlow<()>, Pause> {
        let fields = Fields::new(block.body, block.order);
        match block.kind {
            ENHANCED_PACKET => {
                let packet = self.enhanced_packet(fields, block.order)?;
                self.packet(&packet, limit, count, sink)
            }
            SIMPLE_PACKET | PACKET => {
                let packet = self.older_packet(block)?;
                self.packet(&packet, limit, count, sink)
            }
            SECTION_HEADER => {
                let options = self.section(block)?;
                Ok(comments(options, None, sink))
            }
            INTERFACE_DESCRIPTION => self.interface(block, count, sink),
            INTERFACE_STATISTICS => Ok(self.statistics(block, sink)),
            NAME_RESOLUTION => Ok(names(fields, block.order, sink)),
            kind => Ok(sink(Arrival::SkippedBlock { kind })),
        }
    }

    /// As the section that `order` and `interfaces` are of, whose frames without a time have `last`.
    pub(in super::super) fn of(
        order: ByteOrder,
        interfaces: &[Described],
        last: Timestamp,
    ) -> Self {
        Self {
            order,
            interfaces: interfaces.to_vec(),
            last,
            input: 0,
            at: 0,
            trail: None,
        }
    }

    /// The block that `bytes` start with: its frame without a number, if it holds one, and how many
    /// bytes it is.
    pub(in super::super) fn again<'a>(
        &self,
        bytes: &'a [u8],
    ) -> Result<(Option<CapturedFrame<'a>>, usize), Pause> {
        let block = Block::first_of(bytes, self.order)?;
        let packet = match block.kind {
            ENHANCED_PACKET => {
                self.enhanced_packet(Fields::new(block.body, block.order), block.order)?
            }
            SIMPLE_PACKET | PACKET => self.older_packet(&block)?,
            _ => return Ok((None, block.len)),
        };
        let interface = self.described(packet.interface)?;
        let frame = CapturedFrame {
            number: 0,
            time: packet
                .ticks
                .map_or(self.last, |ticks| interface.resolution.time(ticks)),
            interface: interface.index,
            link: interface.link,
            wire_len: packet.wire_len,
            data: packet.data,
            upcoming: &[],
            place: Place::NOWHERE,
        };
        Ok((Some(frame), block.len))
    }

    /// Begins a section; what was described before counts no more.
    fn section<'a>(&mut self, block: &Block<'a>) -> Result<Options<'a>, Pause> {
        let mut fields = Fields::new(block.body, block.order);
        let mut header = || {
            let _byte_order_magic = fields.u32()?;
            let version = (fields.u16()?, fields.u16()?);
            let _section_length = (fields.u32()?, fields.u32()?);
            Some(version)
        };
        let (major, minor) = header().ok_or_else(|| too_short(block))?;
        if major != MAJOR_VERSION {
            return Err(Pause::Damaged(format!(
                "a section of pcapng version {major}.{minor}; version {MAJOR_VERSION} is read"
            )));
        }
        self.order = block.order;
        self.interfaces.clear();
        if let Some(trail) = &self.trail {
            trail.section(self.input, self.at, block.order);
        }
        Ok(Options::new(fields.rest(), block.order))
    }

    #[inline(always)]
    fn enhanced_packet<'a>(
        &self,
        mut fields: Fields<'a>,
        order: ByteOrder,
    ) -> Result<Packet<'a>, Pause> {
        let mut header = || {
            let interface = fields.u32()?;
            let ticks = ticks(fields.u32()?, fields.u32()?);
            Some((interface, ticks, fields.u32()?, fields.u32()?))
        };
        let (interface, ticks, captured, wire_len) =
            header().ok_or_else(|| short_packet("enhanced packet block"))?;
        Ok(Packet {
            interface,
            ticks: Some(ticks),
            wire_len,
            data: self.captured(&mut fields, interface, captured)?,
            options: Options::new(fields.rest(), order),
            lost_before: 0,
        })
    }

    #[inline(never)]
    fn older_packet<'a>(&self, block: &Block<'a>) -> Result<Packet<'a>, Pause> {
        let fields = Fields::new(block.body, block.order);
        match block.kind {
            PACKET => self.obsolete_packet(fields, block.order),
            _ => self.simple_packet(fields, block.order),
        }
    }

    fn obsolete_packet<'a>(
        &self,
        mut fields: Fields<'a>,
        order: ByteOrder,
    ) -> Result<Packet<'a>, Pause> {
        let mut header = || {
            let (interface, drops) = (fields.u16()?, fields.u16()?);
            let ticks = ticks(fields.u32()?, fields.u32()?);
            Some((
                u32::from(interface),
                drops,
                ticks,
                fields.u32()?,
                fields.u32()?,
            ))
        };
        let (interface, drops, ticks, captured, wire_len) =
            header().ok_or_else(|| short_packet("packet block"))?;
        Ok(Packet {
            interface,
            ticks: Some(ticks),
            wire_len,
            data: self.captured(&mut fields, interface, captured)?,
            options: Options::new(fields.rest(), order),
            lost_before: if drops == DROPS_UNKNOWN {
                0
            } else {
                drops.into()
            },
        })
    }

    fn simple_packet<'a>(
        &self,
        mut fields: Fields<'a>,
        order: ByteOrder,
    ) -> Result<Packet<'a>, Pause> {
        let wire_len = fields
            .u32()
            .ok_or_else(|| short_packet("simple packet block"))?;
        // It has no captured length: the snaplen says where padding begins.
        let snaplen = self
            .interfaces
            .first()
            .map_or(0, |interface| interface.snaplen);
        let cut = if snaplen == 0 {
            wire_len
        } else {
            wire_len.min(snaplen)
        };
        Ok(Packet {
            interface: 0,
            ticks: None,
            wire_len,
            data: self.captured(&mut fields, 0, cut)?,
            options: Options::new(&[], order),
            lost_before: 0,
        })
    }

    /// The captured bytes of a packet block.
    #[inline(always)]
    fn captured<'a>(
        &self,
        fields: &mut Fields<'a>,
        interface: u32,
        claimed: u32,
    ) -> Result<&'a [u8], Pause> {
        let held = fields.rest().len();
        let limit = self.described(interface)?.captured_limit;
        match fields.padded(claimed as usize) {
            Some(data) if claimed <= limit => Ok(data),
            Some(_) => Err(Pause::Damaged(format!(
                "packet block claims {} captured bytes; at most {} are read",
                Grouped(claimed.into()),
                Grouped(limit.into())
            ))),
            None => Err(Pause::Damaged(format!(
                "packet block claims {} captured bytes; it has room for {}",
                Grouped(claimed.into()),
                Grouped(held as u64)
            ))),
        }
    }

    #[inline(always)]
    fn described(&self, interface: u32) -> Result<&Described, Pause> {
        self.interfaces.get(interface as usize).ok_or_else(|| {
            Pause::Damaged(format!(
                "packet block names interface {interface}; its section describes {}",
                self.interfaces.len()
            ))
        })
    }

    #[inline(always)]
    fn packet(
        &mut self,
        packet: &Packet<'_>,
        limit: Option<Timestamp>,
        count: &mut Count,
        sink: &mut Sink<'_>,
    ) -> Result<ControlFlow<()>, Pause> {
        let interface = self.described(packet.interface)?;
        let time = packet
            .ticks
            .map_or(self.last, |ticks| interface.resolution.time(ticks));
        if packet.ticks.is_none()
            && let Some(trail) = &self.trail
        {
            trail.untimed(self.input, self.at, self.last);
        }
        if Some(time) > limit {
            return Err(Pause::Beyond(time));
        }
        let frame = CapturedFrame {
            number: count.next_frame(time),
            time,
            interface: interface.index,
            link: interface.link,
            wire_len: packet.wire_len,
            data: packet.data,
            upcoming: &[],
            place: Place {
                input: self.input,
                offset: self.at,
            },
        };
        self.last = time;
        if packet.lost_before == 0 && packet.options.is_empty() {
            return Ok(sink(Arrival::Frame(frame)));
        }
        Ok(self.adorned(packet, frame, sink))
    }

    /// A frame and what its block says besides.
    fn adorned(
        &mut self,
        packet: &Packet<'_>,
        frame: CapturedFrame<'_>,
        sink: &mut Sink<'_>,
    ) -> ControlFlow<()> {
        let dropped = packet
            .options
            .find(EPB_DROPCOUNT)
            .and_then(|option| option.u64());
        let frames = dropped.unwrap_or(packet.lost_before);
        if frames > 0 {
            if let Some(described) = self.interfaces.get_mut(packet.interface as usize) {
                described.missed = described.missed.saturating_add(frames);
            }
            sink(Arrival::Missed {
                interface: frame.interface,
                frames,
            })?;
        }
        sink(Arrival::Frame(frame))?;
        comments(packet.options, Some(frame.number), sink)
    }

    fn interface(
        &mut self,
        block: &Block<'_>,
        count: &mut Count,
        sink: &mut Sink<'_>,
    ) -> Result<ControlFlow<()>, Pause> {
        let mut fields = Fields::new(block.body, block.order);
        let mut header = || {
            let (link, _reserved) = (fields.u16()?, fields.u16()?);
            Some((LinkType(link.into()), fields.u32()?))
        };
        let (link, snaplen) = header().ok_or_else(|| too_short(block))?;
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(Pause::Damaged(format!(
                "the section describes more than {} interfaces",
                Grouped(MAX_INTERFACES as u64)
            )));
        }
        let options = Options::new(fields.rest(), block.order);
        let tsresol = options
            .find(IF_TSRESOL)
            .and_then(|option| option.u8())
            .unwrap_or(6);
        let tsoffset = options
            .find(IF_TSOFFSET)
            .and_then(|option| option.u64())
            .unwrap_or(0);
        let resolution = Resolution::new(tsresol, tsoffset.cast_signed());
        let index = count.next_interface();
        let described = Described {
            index,
            link,
            snaplen,
            captured_limit: captured_limit(link, snaplen),
            resolution,
            missed: 0,
        };
        self.interfaces.push(described);
        if let Some(trail) = &self.trail {
            trail.interface(self.input, described);
        }
        let name = options
            .find(IF_NAME)
            .or_else(|| options.find(IF_DESCRIPTION))
            .map(|option| option.text())
            .filter(|name| !name.is_empty());
        let described = sink(Arrival::Interface(Interface {
            index,
            name: name.as_deref(),
            link,
            snaplen,
            ticks_per_second: resolution.ticks_per_second(),
            format: "pcapng",
            input: self.input,
        }));
        Ok(match described {
            ControlFlow::Continue(()) => comments(options, None, sink),
            broken => broken,
        })
    }

    /// Reports what an interface lost beyond what was reported before. Statistics of an interface
    /// that is not described say nothing.
    fn statistics(&mut self, block: &Block<'_>, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let mut fields = Fields::new(block.body, block.order);
        let mut header = || {
            let (index, _time) = (fields.u32()?, (fields.u32()?, fields.u32()?));
            Some(index as usize)
        };
        let interface = header().and_then(|index| self.interfaces.get_mut(index));
        let Some(interface) = interface else {
            return ControlFlow::Continue(());
        };
        let options = Options::new(fields.rest(), block.order);
        let lost = |code| {
            options
                .find(code)
                .and_then(|option| option.u64())
                .unwrap_or(0)
        };
        // Both count the same losses seen from two places.
        let total = lost(ISB_IFDROP).max(lost(ISB_OSDROP));
        let frames = total.saturating_sub(interface.missed);
        if frames > 0 {
            interface.missed = total;
            sink(Arrival::Missed {
                interface: interface.index,
                frames,
            })?;
        }
        comments(options, None, sink)
    }
}

#[inline]
fn ticks(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

#[cold]
fn short_packet(what: &str) -> Pause {
    Pause::Damaged(format!("{what} is too short for its own fields"))
}

#[cold]
fn too_short(block: &Block<'_>) -> Pause {
    Pause::Damaged(format!(
        "block of type {:#x} is too short for its own fields: {}",
        block.kind,
        Bytes(block.len as u64)
    ))
}

fn comments(options: Options<'_>, frame: Option<u64>, sink: &mut Sink<'_>) -> ControlFlow<()> {
    for option in options.filter(|option| option.code == COMMENT) {
        sink(Arrival::Comment {
            frame,
            text: &option.text(),
        })?;
    }
    ControlFlow::Continue(())
}

/// Hands on every name of a name resolution block's records, up to the first broken one.
fn names(mut fields: Fields<'_>, order: ByteOrder, sink: &mut Sink<'_>) -> ControlFlow<()> {
    let mut record = || {
        let (kind, len) = (fields.u16()?, fields.u16()?);
        if kind == NRES_END {
            return None;
        }
        Some((kind, fields.padded(len.into())?))
    };
    while let Some((kind, value)) = record() {
        let parted = match kind {
            NRES_IPV4 => value
                .split_first_chunk::<4>()
                .map(|(address, names)| (IpAddr::from(*address), names)),
            NRES_IPV6 => value
                .split_first_chunk::<16>()
                .map(|(address, names)| (IpAddr::from(*address), names)),
            _ => None,
        };
        let Some((address, names)) = parted else {
            continue;
        };
        for name in names
            .split(|&byte| byte == 0)
            .filter(|name| !name.is_empty())
        {
            sink(Arrival::Name {
                address,
                name: &text(name),
            })?;
        }
    }
    comments(Options::new(fields.rest(), order), None, sink)
}
