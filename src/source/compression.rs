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
    let mut input = Noticing {
        inner: BufReader::with_capacity(INPUT_BUFFER, input),
        ended: false,
    };
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
                PumpError::Read(io::Error::new(
                    io::ErrorKind::InvalidData,
                    reason.to_string(),
                ))
            };
            let mut decoder = ZstdDecoder::new(input).map_err(|error| corrupt(&error))?;
            outlet.pump(&mut decoder)?;
            let decoder = decoder.into_frame_decoder();
            match (
                decoder.get_checksum_from_data(),
                decoder.get_calculated_checksum(),
            ) {
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
fn fill<'b>(input: &mut impl Read, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;
    use lz4_flex::frame::FrameEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::super::testing::{read, small_pcap};
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn lz4(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    type Compress = fn(&[u8]) -> Vec<u8>;

    const ALL: [(&str, Compress); 3] = [("gzip", gzip), ("lz4", lz4), ("zstd", zstd)];

    #[test]
    fn each_in_one_member_and_in_several() {
        let (file, _) = small_pcap();
        let plain = read(&file);
        for (_, compress) in ALL {
            assert_eq!(read(&compress(&file)), plain);
            let (first, second) = file.split_at(50);
            let skippable = b"\x5a\x2a\x4d\x18\x03\0\0\0abc".to_vec();
            let parts = [
                skippable.clone(),
                compress(first),
                skippable,
                compress(b""),
                compress(second),
            ];
            assert_eq!(read(&parts.concat()), plain);
            let parts = [compress(&file), vec![0; 512]];
            assert_eq!(read(&parts.concat()), plain);
        }
    }

    #[test]
    fn more_members_than_buffers() {
        let (file, _) = small_pcap();
        let members: Vec<u8> = file.chunks(3).flat_map(gzip).collect();
        assert_eq!(read(&members), read(&file));
    }

    #[test]
    fn cut_at_every_byte() {
        let (file, borders) = small_pcap();
        for (name, compress) in ALL {
            let compressed = compress(&file);
            for cut in MAGIC_LEN..compressed.len() {
                let outcome = read(&compressed[..cut]);
                let frames = outcome.frames();
                let error = outcome.end.unwrap_err();
                assert!(
                    error
                        .reason
                        .starts_with(&format!("the {name} stream ends before its end mark")),
                    "{name} cut at {cut}: {error}"
                );
                assert!(!error.unopened);
                assert_eq!(error.after_frame, frames as u64);
                if error.offset > 0 {
                    assert_eq!(error.offset, borders[frames] as u64);
                }
            }
        }
    }

    #[test]
    fn every_byte_changed() {
        let (file, _) = small_pcap();
        for (_, compress) in ALL {
            let compressed = compress(&file);
            for at in 0..compressed.len() {
                for change in [0x01, 0x80, 0xff] {
                    let mut compressed = compressed.clone();
                    compressed[at] ^= change;
                    read(&compressed);
                }
            }
        }
    }

    #[test]
    fn corrupt_and_followed_by_something() {
        let (file, _) = small_pcap();
        for (name, compress) in ALL {
            let outcome = read(&[compress(&file), b"rubbish".to_vec()].concat());
            assert_eq!(outcome.frames(), 3);
            assert_eq!(
                outcome.reason(),
                format!("the {name} stream is followed by something else, starting with \"rubb\"")
            );
        }
        let mut compressed = gzip(&file);
        let checksum = compressed.len() - 8;
        compressed[checksum] ^= 1;
        let outcome = read(&compressed);
        assert_eq!(outcome.frames(), 3);
        assert!(
            outcome.reason().starts_with("the gzip stream is corrupt: "),
            "{outcome:?}"
        );
    }

    #[test]
    fn compressed_but_no_capture() {
        let outcome = read(&gzip(b"some text, compressed"));
        assert!(outcome.end.as_ref().unwrap_err().unopened);
        assert!(
            outcome
                .reason()
                .starts_with("not a capture file: starts with \"some text, c\"")
        );
        assert!(
            read(&gzip(&gzip(b"")))
                .reason()
                .starts_with("not a capture file: starts with 1f")
        );
        assert!(
            read(b"\xfd7zXZ\0 and more of it")
                .reason()
                .starts_with("an xz file;")
        );
    }

    #[test]
    fn large_enough_for_many_buffers() {
        let (mut file, _) = small_pcap();
        let record = file[file.len() - 21..].to_vec();
        for _ in 0..60_000 {
            file.extend(&record);
        }
        for (_, compress) in ALL {
            assert_eq!(read(&compress(&file)).frames(), 60_003);
        }
    }
}
