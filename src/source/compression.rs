//! Compressed captures: gzip (RFC 1952, several members), zstd (RFC 8878, several frames,
//! skippable ones passed over) and lz4 frames (lz4 Frame Format), told by their magic.
//!
//! They are decompressed on a thread of their own.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use lz4_flex::frame::FrameDecoder as Lz4Decoder;
use ruzstd::decoding::StreamingDecoder as ZstdDecoder;

use super::read_ahead::{Outlet, PumpError, ReadAhead};
use super::sentence::plain;

/// Bytes of a magic number.
pub(super) const MAGIC_LEN: usize = 4;

/// How much compressed data is read at once.
const INPUT_BUFFER: usize = 128 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    Lz4,
    /// lz4's format before frames, which ends where the file ends.
    Lz4Legacy,
    /// A frame of user data, in zstd and in lz4 files: says nothing about what follows.
    Skippable,
}

impl Compression {
    /// By the first four bytes.
    pub(super) fn detect(start: &[u8]) -> Option<Self> {
        match *start.first_chunk::<MAGIC_LEN>()? {
            [0x1f, 0x8b, 8, _] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd] => Some(Self::Zstd),
            [0x04, 0x22, 0x4d, 0x18] => Some(Self::Lz4),
            [0x02, 0x21, 0x4c, 0x18] => Some(Self::Lz4Legacy),
            [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Some(Self::Skippable),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 | Self::Lz4Legacy => "lz4",
            Self::Skippable => "compressed",
        }
    }
}

/// Starts decompressing `input`.
pub(super) fn decompress(input: impl Read + Send + 'static) -> io::Result<ReadAhead> {
    let mut input = Noticing { inner: BufReader::with_capacity(INPUT_BUFFER, input), ended: false };
    ReadAhead::spawn(move |outlet| every_member(&mut input, outlet))
}

/// Decompresses member after member until the input ends.
fn every_member<R: Read>(
    input: &mut Noticing<BufReader<R>>,
    outlet: &mut Outlet,
) -> Result<(), String> {
    let mut name = Compression::Skippable.name();
    loop {
        let mut magic = [0; MAGIC_LEN];
        let start = fill(input, &mut magic)
            .map_err(|error| format!("it can't be read on: {}", plain(&error)))?;
        let Some(compression) = Compression::detect(start) else {
            // Archivers pad with zeros to a block size; gzip passes over them too.
            if start.iter().all(|&byte| byte == 0) {
                return Ok(());
            }
            return Err(format!(
                "the {name} stream is followed by something else, starting with \"{}\"",
                start.escape_ascii()
            ));
        };
        if compression != Compression::Skippable {
            name = compression.name();
        }
        input.ended = false;
        let outcome = one_member(compression, start.chain(&mut *input), outlet);
        // ruzstd says in its own way that its input ended, and lz4_flex takes it for the end of
        // the frame.
        let ended = input.ended && compression != Compression::Lz4Legacy;
        match outcome {
            Err(PumpError::Abandoned) => return Ok(()),
            Ok(()) if !ended => {}
            Err(PumpError::Read(error))
                if !ended && error.kind() != io::ErrorKind::UnexpectedEof =>
            {
                return Err(format!("the {name} stream is corrupt: {}", plain(&error)));
            }
            _ => return Err(format!("the {name} stream ends before its end mark")),
        }
    }
}

/// Decompresses one gzip member, zstd frame or lz4 frame, or passes over a skippable one.
fn one_member(
    compression: Compression,
    mut input: impl BufRead,
    outlet: &mut Outlet,
) -> Result<(), PumpError> {
    match compression {
        Compression::Gzip => outlet.pump(&mut GzDecoder::new(input)),
        Compression::Lz4 | Compression::Lz4Legacy => outlet.pump(&mut Lz4Decoder::new(input)),
        Compression::Zstd => {
            let corrupt = |reason: &dyn ToString| {
                PumpError::Read(io::Error::new(io::ErrorKind::InvalidData, reason.to_string()))
            };
            let mut decoder = ZstdDecoder::new(input).map_err(|error| corrupt(&error))?;
            outlet.pump(&mut decoder)?;
            let decoder = decoder.into_frame_decoder();
            match (decoder.get_checksum_from_data(), decoder.get_calculated_checksum()) {
                (Some(stored), Some(computed)) if stored != computed => {
                    Err(corrupt(&"its checksum doesn't match"))
                }
                _ => Ok(()),
            }
        }
        Compression::Skippable => {
            let mut header = [0; 8];
            input.read_exact(&mut header).map_err(PumpError::Read)?;
            let [_, _, _, _, len @ ..] = header;
            let len = u64::from(u32::from_le_bytes(len));
            let passed =
                io::copy(&mut input.take(len), &mut io::sink()).map_err(PumpError::Read)?;
            if passed < len {
                Err(PumpError::Read(io::ErrorKind::UnexpectedEof.into()))
            } else {
                Ok(())
            }
        }
    }
}

/// Reads until `buffer` is full or the input ends.
pub(super) fn fill<'b>(input: &mut impl Read, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let mut filled = 0;
    while let Some(space) = buffer.get_mut(filled..).filter(|space| !space.is_empty()) {
        match input.read(space) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buffer.get(..filled).unwrap_or(&[]))
}

/// Notices whether somebody wanted to read past the end.
struct Noticing<R> {
    inner: R,
    ended: bool,
}

impl<R: BufRead> Read for Noticing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.ended |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Noticing<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let available = self.inner.fill_buf()?;
        self.ended |= available.is_empty();
        Ok(available)
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
    }
}
