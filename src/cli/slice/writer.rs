//! Some frames of a capture as pcapng (draft-ietf-opsawg-pcapng), with what the capture told beside
//! them: interfaces and the resolution of their clocks, names, comments, losses.
//!
//! A comment on a frame arrives after it, and stands in its block: each frame is kept until the
//! next arrival.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::IpAddr;

use crate::frame::CapturedFrame;
use crate::source::{Arrival, Interface};
use crate::wire::LinkType;

mod block {
    pub(super) const SECTION: u32 = 0x0a0d_0d0a;
    pub(super) const INTERFACE: u32 = 1;
    pub(super) const NAMES: u32 = 4;
    pub(super) const STATISTICS: u32 = 5;
    pub(super) const ENHANCED_PACKET: u32 = 6;
}

mod option {
    pub(super) const COMMENT: u16 = 1;
    pub(super) const INTERFACE_NAME: u16 = 2;
    pub(super) const DROPPED: u16 = 5;
    pub(super) const RESOLUTION: u16 = 9;
}

/// Records of a names block.
mod record {
    pub(super) const IPV4: u16 = 1;
    pub(super) const IPV6: u16 = 2;
}

const NANOS: u64 = 1_000_000_000;

/// An interface as it is written.
#[derive(Clone, Copy)]
struct Described {
    index: u32,
    ticks_per_second: u64,
}

/// Writes a pcapng file of one section.
pub(super) struct Writer<W: Write> {
    out: W,
    begun: bool,
    /// Comments on the section, until it begins …
    comments: Vec<String>,
    /// … and whether they are to be gathered on the way.
    gathers: bool,
    interfaces: HashMap<u32, Described>,
    dropped: Vec<(u32, u64)>,
    names: Vec<(IpAddr, String)>,
    /// The block of the last frame, still without its options …
    body: Vec<u8>,
    /// … its number …
    last: Option<u64>,
    /// … and its options.
    options: Vec<u8>,
    scratch: Vec<u8>,
    /// Frames written.
    pub(super) frames: u64,
    pub(super) result: io::Result<()>,
}

impl<W: Write> Writer<W> {
    /// With the comments on the sections of the inputs, where an earlier reading has them.
    pub(super) fn new(out: W, comments: Option<Vec<String>>) -> Self {
        Self {
            out,
            begun: false,
            gathers: comments.is_none(),
            comments: comments.unwrap_or_default(),
            interfaces: HashMap::new(),
            dropped: Vec::new(),
            names: Vec::new(),
            body: Vec::new(),
            last: None,
            options: Vec::new(),
            scratch: Vec::new(),
            frames: 0,
            result: Ok(()),
        }
    }

    /// Takes what is no frame.
    pub(super) fn aside(&mut self, arrival: &Arrival<'_>) {
        let done = match arrival {
            Arrival::Interface(interface) => self.describe(interface),
            Arrival::Name { address, name } => {
                self.names.push((*address, (*name).to_owned()));
                Ok(())
            }
            Arrival::Comment {
                frame: Some(frame),
                text,
            } if self.last == Some(*frame) => {
                push_option(&mut self.options, option::COMMENT, text.as_bytes());
                Ok(())
            }
            Arrival::Comment { frame: None, text } if self.gathers && !self.begun => {
                self.comments.push((*text).to_owned());
                Ok(())
            }
            Arrival::Missed { interface, frames } => {
                match self.dropped.iter_mut().find(|each| each.0 == *interface) {
                    Some((_, sum)) => *sum += frames,
                    None => self.dropped.push((*interface, *frames)),
                }
                Ok(())
            }
            _ => Ok(()),
        };
        self.note(done);
    }

    /// Takes a frame.
    pub(super) fn frame(&mut self, frame: &CapturedFrame<'_>) {
        let done = self.put(frame);
        self.note(done);
    }

    /// Writes what is left, and gives the number of frames.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        self.result?;
        self.result = Ok(());
        self.end_frame()?;
        self.begin()?;
        self.write_names()?;
        for (interface, sum) in std::mem::take(&mut self.dropped) {
            if let Some(described) = self.interfaces.get(&interface) {
                let mut body = Vec::new();
                for word in [described.index, 0, 0] {
                    body.extend(word.to_le_bytes());
                }
                push_option(&mut body, option::DROPPED, &sum.to_le_bytes());
                body.extend([0; 4]);
                self.block(block::STATISTICS, &body)?;
            }
        }
        self.out.flush()?;
        Ok(self.frames)
    }

    fn note(&mut self, done: io::Result<()>) {
        if self.result.is_ok() {
            self.result = done;
        }
    }

    /// Writes the section header.
    fn begin(&mut self) -> io::Result<()> {
        const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let mut body = Vec::new();
        body.extend(BYTE_ORDER_MAGIC.to_le_bytes());
        body.extend(1_u16.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        // The length of the section is not told.
        body.extend(u64::MAX.to_le_bytes());
        let comments = std::mem::take(&mut self.comments);
        for comment in &comments {
            push_option(&mut body, option::COMMENT, comment.as_bytes());
        }
        if !comments.is_empty() {
            body.extend([0; 4]);
        }
        self.block(block::SECTION, &body)
    }

    fn describe(&mut self, interface: &Interface<'_>) -> io::Result<()> {
        self.end_frame()?;
        self.begin()?;
        let Ok(link) = u16::try_from(interface.link.0) else {
            return Err(refused("a pcapng file has 16 bits for the link type"));
        };
        // Times are nanoseconds here: of finer clocks these are kept.
        let decimals = (0..=9_u8).find(|n| 10_u64.pow(u32::from(*n)) == interface.ticks_per_second);
        let decimals = decimals.unwrap_or(9);
        let mut body = Vec::new();
        body.extend(link.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        body.extend(interface.snaplen.to_le_bytes());
        if let Some(name) = interface.name {
            push_option(&mut body, option::INTERFACE_NAME, name.as_bytes());
        }
        push_option(&mut body, option::RESOLUTION, &[decimals]);
        body.extend([0; 4]);
        let described = Described {
            index: self.interfaces.len() as u32,
            ticks_per_second: 10_u64.pow(u32::from(decimals)),
        };
        // Told again, it is the same one.
        if self.interfaces.contains_key(&interface.index) {
            return Ok(());
        }
        self.interfaces.insert(interface.index, described);
        self.block(block::INTERFACE, &body)
    }

    fn put(&mut self, frame: &CapturedFrame<'_>) -> io::Result<()> {
        self.end_frame()?;
        self.begin()?;
        self.write_names()?;
        let described = match self.interfaces.get(&frame.interface) {
            Some(described) => *described,
            None => {
                self.describe(&undescribed(frame.interface, frame.link))?;
                match self.interfaces.get(&frame.interface) {
                    Some(described) => *described,
                    None => return Ok(()),
                }
            }
        };
        let Ok(nanos) = u64::try_from(frame.time.as_nanos()) else {
            return Err(refused("a pcapng file holds no time before 1970"));
        };
        let ticks = nanos / (NANOS / described.ticks_per_second);
        for word in [
            described.index,
            (ticks >> 32) as u32,
            ticks as u32,
            frame.data.len() as u32,
            frame.wire_len,
        ] {
            self.body.extend(word.to_le_bytes());
        }
        self.body.extend(frame.data);
        self.body.resize(self.body.len().next_multiple_of(4), 0);
        self.last = Some(frame.number);
        self.frames += 1;
        Ok(())
    }

    /// Writes the last frame with its comments.
    fn end_frame(&mut self) -> io::Result<()> {
        if self.last.take().is_none() {
            return Ok(());
        }
        let mut body = std::mem::take(&mut self.body);
        if !self.options.is_empty() {
            body.append(&mut self.options);
            body.extend([0; 4]);
        }
        let done = self.block(block::ENHANCED_PACKET, &body);
        body.clear();
        self.body = body;
        done
    }

    /// Writes the names that came since the last time.
    fn write_names(&mut self) -> io::Result<()> {
        if self.names.is_empty() {
            return Ok(());
        }
        let mut body = Vec::new();
        for (address, name) in std::mem::take(&mut self.names) {
            let (kind, mut value) = match address {
                IpAddr::V4(address) => (record::IPV4, address.octets().to_vec()),
                IpAddr::V6(address) => (record::IPV6, address.octets().to_vec()),
            };
            value.extend(name.as_bytes());
            value.push(0);
            push_option(&mut body, kind, &value);
        }
        // The end of the records, and there are no options.
        body.extend([0; 4]);
        self.block(block::NAMES, &body)
    }

    /// Writes a block, with its type before and its length around it.
    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let len = (12 + body.len() as u32).to_le_bytes();
        self.scratch.clear();
        self.scratch.extend(kind.to_le_bytes());
        self.scratch.extend(len);
        self.scratch.extend(body);
        self.scratch.extend(len);
        self.out.write_all(&self.scratch)
    }
}

fn undescribed(index: u32, link: LinkType) -> Interface<'static> {
    Interface {
        index,
        name: None,
        link,
        snaplen: 0,
        ticks_per_second: NANOS,
        format: "pcapng",
        input: 0,
    }
}

/// Appends an option, cut to what its length can tell.
fn push_option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    out.extend(code.to_le_bytes());
    out.extend((value.len() as u16).to_le_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn refused(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}
