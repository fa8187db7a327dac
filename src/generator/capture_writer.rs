//! Capture files: pcap and pcapng, little-endian, times in nanoseconds.

use std::io::{self, Write};

use crate::frame::CapturedFrame;
use crate::time::Timestamp;
use crate::wire::LinkType;

/// Longest frame that readers take for granted.
const SNAPLEN: u32 = 262_144;
const NANOS: u64 = 1_000_000_000;

/// A pcap file of frames of one link type (draft-ietf-opsawg-pcap).
///
/// # Examples
/// ```
/// use tcplens::generator::{PcapWriter, Script};
/// use tcplens::source::{Arrival, Source};
/// use tcplens::wire::LinkType;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut script = Script::parse("0.000 client > S\n+.040 server > S.\n")?;
/// let mut file = PcapWriter::new(Vec::new(), LinkType::ETHERNET)?;
/// let mut written = Ok(());
/// script.run(&mut |arrival| {
///     if let (Arrival::Frame(frame), Ok(())) = (arrival, &written) {
///         written = file.frame(&frame);
///     }
///     std::ops::ControlFlow::Continue(())
/// })?;
/// written?;
/// assert_eq!(file.into_inner().len(), 24 + 2 * (16 + 14 + 20 + 40));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PcapWriter<W> {
    out: W,
    link: LinkType,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file header.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn new(mut out: W, link: LinkType) -> io::Result<Self> {
        const NANOSECOND_MAGIC: u32 = 0xa1b2_3c4d;
        let mut head = Vec::with_capacity(24);
        head.extend(NANOSECOND_MAGIC.to_le_bytes());
        head.extend(2_u16.to_le_bytes());
        head.extend(4_u16.to_le_bytes());
        for word in [0, 0, SNAPLEN, link.0] {
            head.extend(word.to_le_bytes());
        }
        out.write_all(&head)?;
        Ok(Self { out, link })
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// When `out` can't be written, when the frame has another link type than the file, or when its
    /// time is none that pcap can hold (1970 to 2106).
    pub fn frame(&mut self, frame: &CapturedFrame<'_>) -> io::Result<()> {
        if frame.link != self.link {
            return Err(refused("a pcap file holds frames of one link type"));
        }
        let nanos = since_1970(frame.time)?;
        let Ok(seconds) = u32::try_from(nanos / NANOS) else {
            return Err(refused("a pcap file holds no time after 2106"));
        };
        for word in [
            seconds,
            (nanos % NANOS) as u32,
            captured_len(frame)?,
            frame.wire_len,
        ] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.out.write_all(frame.data)
    }

    /// What it wrote to. Nothing is flushed.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// A pcapng file (draft-ietf-opsawg-pcapng): one section, any number of interfaces.
#[derive(Debug)]
pub struct PcapngWriter<W> {
    out: W,
    interfaces: u32,
    block: Vec<u8>,
}

mod block {
    pub(super) const SECTION: u32 = 0x0a0d_0d0a;
    pub(super) const INTERFACE: u32 = 1;
    pub(super) const ENHANCED_PACKET: u32 = 6;
}

mod option {
    pub(super) const END: u16 = 0;
    pub(super) const COMMENT: u16 = 1;
    pub(super) const INTERFACE_NAME: u16 = 2;
    pub(super) const INTERFACE_RESOLUTION: u16 = 9;
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section header.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn new(out: W) -> io::Result<Self> {
        const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
        let mut writer = Self {
            out,
            interfaces: 0,
            block: Vec::new(),
        };
        writer.block.extend(BYTE_ORDER_MAGIC.to_le_bytes());
        writer.block.extend(1_u16.to_le_bytes());
        writer.block.extend(0_u16.to_le_bytes());
        // The length of the section is not told.
        writer.block.extend(u64::MAX.to_le_bytes());
        writer.end_block(block::SECTION)?;
        Ok(writer)
    }

    /// Describes the next interface; its index is what the frames' `interface` must say.
    ///
    /// # Errors
    /// When `out` can't be written, or a name is longer than 65,535 octets.
    pub fn interface(&mut self, link: LinkType, name: Option<&str>) -> io::Result<u32> {
        let Ok(link) = u16::try_from(link.0) else {
            return Err(refused("a pcapng file has 16 bits for the link type"));
        };
        self.block.extend(link.to_le_bytes());
        self.block.extend(0_u16.to_le_bytes());
        self.block.extend(SNAPLEN.to_le_bytes());
        if let Some(name) = name {
            self.option(option::INTERFACE_NAME, name.as_bytes())?;
        }
        self.option(option::INTERFACE_RESOLUTION, &[9])?;
        self.option(option::END, &[])?;
        self.end_block(block::INTERFACE)?;
        self.interfaces += 1;
        Ok(self.interfaces - 1)
    }

    /// Writes a frame, with a comment on it where there is one.
    ///
    /// # Errors
    /// When `out` can't be written, when the frame's interface was not described, when its time is
    /// before 1970, or when the comment is longer than 65,535 octets.
    pub fn frame(&mut self, frame: &CapturedFrame<'_>, comment: Option<&str>) -> io::Result<()> {
        if frame.interface >= self.interfaces {
            return Err(refused("the interface of a frame must be described before"));
        }
        let nanos = since_1970(frame.time)?;
        let captured = captured_len(frame)?;
        for word in [
            frame.interface,
            (nanos >> 32) as u32,
            nanos as u32,
            captured,
            frame.wire_len,
        ] {
            self.block.extend(word.to_le_bytes());
        }
        self.block.extend(frame.data);
        self.pad();
        if let Some(comment) = comment {
            if let Err(error) = self.option(option::COMMENT, comment.as_bytes()) {
                self.block.clear();
                return Err(error);
            }
            self.option(option::END, &[])?;
        }
        self.end_block(block::ENHANCED_PACKET)
    }

    /// What it wrote to. Nothing is flushed.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn option(&mut self, code: u16, value: &[u8]) -> io::Result<()> {
        let Ok(len) = u16::try_from(value.len()) else {
            self.block.clear();
            return Err(refused("an option of pcapng holds 65,535 octets at most"));
        };
        self.block.extend(code.to_le_bytes());
        self.block.extend(len.to_le_bytes());
        self.block.extend(value);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }

    /// Writes what was gathered, with its type before and its length around it.
    fn end_block(&mut self, kind: u32) -> io::Result<()> {
        let len = (12 + self.block.len() as u32).to_le_bytes();
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&len)?;
        self.out.write_all(&self.block)?;
        self.block.clear();
        self.out.write_all(&len)
    }
}

fn since_1970(time: Timestamp) -> io::Result<u64> {
    u64::try_from(time.as_nanos()).map_err(|_| refused("a capture file holds no time before 1970"))
}

fn captured_len(frame: &CapturedFrame<'_>) -> io::Result<u32> {
    u32::try_from(frame.data.len())
        .ok()
        .filter(|len| *len <= SNAPLEN)
        .ok_or_else(|| refused("a frame is longer than the snapshot length"))
}

fn refused(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::frame::Place;
    use crate::source::{self, Arrival, OpenOptions};

    fn frame(interface: u32, nanos: i64, data: &[u8]) -> CapturedFrame<'_> {
        CapturedFrame {
            number: 1,
            time: Timestamp::from_nanos(nanos),
            interface,
            link: LinkType::ETHERNET,
            wire_len: data.len() as u32 + 7,
            data,
            upcoming: &[],
            place: Place::NOWHERE,
        }
    }

    const TIME: i64 = 1_700_000_000_123_456_789;

    /// What our own source reads from these bytes.
    fn read(name: &str, bytes: &[u8]) -> Vec<String> {
        let name = format!("tcplens-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut read = Vec::new();
        let end = source::open(&[&path], &OpenOptions::default()).and_then(|mut source| {
            source.run(&mut |arrival| {
                read.push(match arrival {
                    Arrival::Frame(frame) => format!(
                        "{} on {}: {:?} of {}",
                        frame.time.as_nanos(),
                        frame.interface,
                        frame.data,
                        frame.wire_len
                    ),
                    Arrival::Interface(interface) => format!(
                        "{} {:?} {}",
                        interface.format, interface.name, interface.ticks_per_second
                    ),
                    other => format!("{other:?}"),
                });
                ControlFlow::Continue(())
            })
        });
        let _ = std::fs::remove_file(&path);
        assert_eq!(end, Ok(()));
        read
    }

    #[test]
    fn pcap_is_read_back() {
        let mut file = PcapWriter::new(Vec::new(), LinkType::ETHERNET).unwrap();
        file.frame(&frame(0, TIME, &[1, 2, 3])).unwrap();
        file.frame(&frame(0, TIME + 1, &[])).unwrap();
        assert_eq!(
            read("written.pcap", &file.into_inner()),
            [
                "pcap-ns None 1000000000",
                "1700000000123456789 on 0: [1, 2, 3] of 10",
                "1700000000123456790 on 0: [] of 7",
            ]
        );
    }

    #[test]
    fn pcapng_is_read_back() {
        let mut file = PcapngWriter::new(Vec::new()).unwrap();
        assert_eq!(file.interface(LinkType::ETHERNET, Some("eth0")).unwrap(), 0);
        assert_eq!(file.interface(LinkType::RAW, None).unwrap(), 1);
        file.frame(&frame(0, TIME, &[1, 2, 3]), Some("first"))
            .unwrap();
        file.frame(&frame(1, TIME + 1, &[]), None).unwrap();
        assert_eq!(
            read("written.pcapng", &file.into_inner()),
            [
                "pcapng Some(\"eth0\") 1000000000",
                "pcapng None 1000000000",
                "1700000000123456789 on 0: [1, 2, 3] of 10",
                "Comment { frame: Some(1), text: \"first\" }",
                "1700000000123456790 on 1: [] of 7",
            ]
        );
    }

    #[test]
    fn what_the_format_cannot_hold_is_refused_and_leaves_the_file_whole() {
        let long = "x".repeat(1 << 16);
        let mut ng = PcapngWriter::new(Vec::new()).unwrap();
        assert!(ng.frame(&frame(0, TIME, &[]), None).is_err());
        assert!(ng.interface(LinkType(1 << 16), None).is_err());
        assert!(ng.interface(LinkType::ETHERNET, Some(&long)).is_err());
        ng.interface(LinkType::ETHERNET, None).unwrap();
        assert!(ng.frame(&frame(0, -1, &[]), None).is_err());
        assert!(ng.frame(&frame(0, TIME, &[1]), Some(&long)).is_err());
        ng.frame(&frame(0, TIME, &[2]), None).unwrap();
        assert_eq!(read("refused.pcapng", &ng.into_inner()).len(), 2);

        let mut file = PcapWriter::new(Vec::new(), LinkType::RAW).unwrap();
        let raw = |nanos| CapturedFrame {
            link: LinkType::RAW,
            ..frame(0, nanos, &[2])
        };
        assert!(file.frame(&frame(0, TIME, &[])).is_err());
        assert!(file.frame(&raw(-1)).is_err());
        assert!(file.frame(&raw(i64::MAX)).is_err());
        file.frame(&raw(TIME)).unwrap();
        assert_eq!(read("refused.pcap", &file.into_inner()).len(), 2);
    }
}
