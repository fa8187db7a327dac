//! Captures made by hand, byte by byte from the drafts, and what reading them gives, for tests.

use core::ops::ControlFlow;
use std::io::{self, Read};
use std::path::PathBuf;

use super::byte_order::ByteOrder;
use super::feed::Origin;
use super::{Arrival, FileSource, OpenOptions, Source, SourceError};

/// Bytes put together in one byte order.
#[derive(Clone, Debug)]
pub(super) struct Bytes {
    order: ByteOrder,
    pub(super) bytes: Vec<u8>,
}

impl Bytes {
    pub(super) fn new(order: ByteOrder) -> Self {
        Self {
            order,
            bytes: Vec::new(),
        }
    }

    pub(super) fn u16(mut self, value: u16) -> Self {
        self.bytes.extend(match self.order {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        });
        self
    }

    pub(super) fn u32(mut self, value: u32) -> Self {
        self.bytes.extend(match self.order {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        });
        self
    }

    pub(super) fn u64(mut self, value: u64) -> Self {
        self.bytes.extend(match self.order {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        });
        self
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    /// Bytes and their padding to a multiple of four.
    pub(super) fn padded(self, bytes: &[u8]) -> Self {
        let padding = bytes.len().wrapping_neg() % 4;
        self.raw(bytes).raw(&[0; 4][..padding])
    }

    /// pcap: the file header.
    pub(super) fn pcap_header(self, magic: u32, snaplen: u32, network: u32) -> Self {
        self.u32(magic)
            .u16(2)
            .u16(4)
            .u32(0)
            .u32(0)
            .u32(snaplen)
            .u32(network)
    }

    /// pcap: a record.
    pub(super) fn record(self, seconds: u32, fraction: u32, data: &[u8]) -> Self {
        let len = data.len() as u32;
        self.u32(seconds).u32(fraction).u32(len).u32(len).raw(data)
    }

    /// pcapng: a block around a body.
    pub(super) fn block(self, kind: u32, body: Bytes) -> Self {
        let len = 12 + body.bytes.len() as u32;
        self.u32(kind).u32(len).raw(&body.bytes).u32(len)
    }

    /// Nothing yet, in the same byte order.
    pub(super) fn body(&self) -> Self {
        Self::new(self.order)
    }

    /// pcapng: a section header.
    pub(super) fn section(self, options: &[(u16, &[u8])]) -> Self {
        let body = self
            .body()
            .u32(0x1a2b_3c4d)
            .u16(1)
            .u16(0)
            .u64(u64::MAX)
            .options(options);
        self.block(0x0a0d_0d0a, body)
    }

    /// pcapng: an interface description.
    pub(super) fn interface(self, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Self {
        let body = self.body().u16(link).u16(0).u32(snaplen).options(options);
        self.block(1, body)
    }

    /// pcapng: an enhanced packet.
    pub(super) fn packet(
        self,
        interface: u32,
        ticks: u64,
        data: &[u8],
        options: &[(u16, &[u8])],
    ) -> Self {
        let len = data.len() as u32;
        let body = self
            .body()
            .u32(interface)
            .u32((ticks >> 32) as u32)
            .u32(ticks as u32);
        let body = body.u32(len).u32(len).padded(data).options(options);
        self.block(6, body)
    }

    /// pcapng: options and their end mark.
    pub(super) fn options(mut self, options: &[(u16, &[u8])]) -> Self {
        for (code, value) in options {
            self = self.u16(*code).u16(value.len() as u16).padded(value);
        }
        if options.is_empty() {
            self
        } else {
            self.u16(0).u16(0)
        }
    }
}

pub(super) fn little() -> Bytes {
    Bytes::new(ByteOrder::Little)
}

pub(super) fn big() -> Bytes {
    Bytes::new(ByteOrder::Big)
}

/// A small pcap file of three frames, and where each record ends, that of the header first.
pub(super) fn small_pcap() -> (Vec<u8>, Vec<usize>) {
    let mut file = little().pcap_header(0xa1b2_c3d4, 65_535, 1);
    let mut borders = vec![file.bytes.len()];
    for (second, data) in [(1, &b"one"[..]), (2, &[]), (3, b"three")] {
        file = file.record(second, 0, data);
        borders.push(file.bytes.len());
    }
    (file.bytes, borders)
}

/// A small pcapng file, the end of each block, and how many frames there are up to it.
pub(super) fn small_pcapng() -> (Vec<u8>, Vec<(usize, usize)>) {
    let steps: [fn(Bytes) -> Bytes; 8] = [
        |file| file.section(&[(1, b"a section")]),
        |file| file.interface(1, 0, &[(2, b"eth0"), (9, &[9]), (14, &[0; 8])]),
        |file| file.packet(0, 7, b"one", &[]),
        |file| {
            let names = file
                .body()
                .u16(1)
                .u16(9)
                .padded(b"\x0a\0\0\x01ab\0c\0")
                .u32(0);
            file.block(4, names)
        },
        |file| {
            file.packet(
                0,
                8,
                b"two!",
                &[(1, b"a packet"), (4, &[1, 0, 0, 0, 0, 0, 0, 0])],
            )
        },
        |file| {
            let body = file
                .body()
                .u32(0)
                .u64(0)
                .options(&[(5, &[3, 0, 0, 0, 0, 0, 0, 0])]);
            file.block(5, body)
        },
        |file| {
            let body = file.body().u32(3).padded(b"xyz");
            file.block(3, body)
        },
        |file| {
            let body = file.body().u32(32_473).raw(b"data");
            file.block(0xbad, body)
        },
    ];
    let mut file = little();
    let mut borders = Vec::new();
    for (step, frames) in steps.into_iter().zip([0, 0, 1, 1, 2, 2, 3, 3]) {
        file = step(file);
        borders.push((file.bytes.len(), frames));
    }
    (file.bytes, borders)
}

/// What reading gave: the arrivals in words, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) arrivals: Vec<String>,
    pub(super) end: Result<(), SourceError>,
}

impl Outcome {
    /// The arrivals that are frames.
    pub(super) fn frames(&self) -> usize {
        self.arrivals
            .iter()
            .filter(|arrival| arrival.starts_with('#'))
            .count()
    }

    /// The reason at the end, or nothing.
    pub(super) fn reason(&self) -> &str {
        self.end
            .as_ref()
            .err()
            .map_or("", |error| error.reason.as_str())
    }
}

/// Runs a source to its end.
pub(super) fn run(source: &mut dyn Source) -> Outcome {
    let mut arrivals = Vec::new();
    let end = source.run(&mut |arrival| {
        arrivals.push(words(&arrival));
        ControlFlow::Continue(())
    });
    Outcome { arrivals, end }
}

/// An arrival in words.
pub(super) fn words(arrival: &Arrival<'_>) -> String {
    match arrival {
        Arrival::Frame(frame) => format!(
            "#{} {} on {} link {}: {} of {}",
            frame.number,
            frame.time.as_nanos(),
            frame.interface,
            frame.link.0,
            frame.data.escape_ascii(),
            frame.wire_len
        ),
        Arrival::Quiet(_) => "quiet".to_owned(),
        Arrival::Missed { interface, frames } => format!("missed {frames} on {interface}"),
        Arrival::Interface(interface) => format!(
            "interface {} {} of {}: {} link {} snaplen {} ticks {}",
            interface.index,
            interface.name.unwrap_or("-"),
            interface.input,
            interface.format,
            interface.link.0,
            interface.snaplen,
            interface.ticks_per_second
        ),
        Arrival::Name { address, name } => format!("{address} is {name}"),
        Arrival::Comment {
            frame: Some(frame),
            text,
        } => format!("comment on {frame}: {text}"),
        Arrival::Comment { frame: None, text } => format!("comment: {text}"),
        Arrival::SkippedBlock { kind } => format!("skipped {kind:#x}"),
    }
}

/// Reads a capture from memory.
pub(super) fn read(bytes: &[u8]) -> Outcome {
    read_from(io::Cursor::new(bytes.to_vec()))
}

/// Reads a capture from a reader on this thread.
pub(super) fn read_from(reader: impl Read + Send + 'static) -> Outcome {
    let origin = Origin::Direct(Box::new(reader));
    match FileSource::of_origin("test", origin, &OpenOptions::default()) {
        Ok(mut source) => run(&mut source),
        Err(error) => Outcome {
            arrivals: Vec::new(),
            end: Err(error),
        },
    }
}

/// Gives one byte at a time.
pub(super) struct OneByOne(pub(super) io::Cursor<Vec<u8>>);

impl Read for OneByOne {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(1);
        self.0.read(&mut buffer[..len])
    }
}

/// A file in the temporary directory that goes away.
pub(super) struct TemporaryFile(pub(super) PathBuf);

impl TemporaryFile {
    pub(super) fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("tcplens-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
