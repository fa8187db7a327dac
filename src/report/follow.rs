//! The streams of one connection, chunk by chunk as they could be delivered.
//!
//! Who sent a chunk is told by `>` (the client) and `<` (the server), by colour only in addition.
//! Raw output is the bytes and nothing else.

use core::fmt;
use std::io::{self, Write};

use super::style::{Palette, Tone};
use super::units::counted;
use crate::flow::Socket;
use crate::tcp::Role;
use crate::time::Timestamp;

/// How streams are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines, for eyes.
    Text,
    /// Offset, hexadecimal and ASCII.
    Hex,
    /// The bytes as they are.
    Raw,
    /// An object a chunk.
    Ndjson,
}

/// The frame that delivered a chunk: the one that held its bytes, or the one that filled or ended
/// the gap they waited behind.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Its number.
    pub frame: u64,
    /// Its capture time.
    pub time: Timestamp,
}

/// Prints one connection's streams.
#[derive(Debug)]
pub struct Printer<W: Write> {
    out: W,
    format: Format,
    connection: u32,
    palette: Palette,
    headed: bool,
    /// Whose line is not ended yet.
    open: Option<Role>,
    /// A carriage return that is printed only if no line feed follows it.
    held_return: bool,
    line: Vec<u8>,
}

impl<W: Write> Printer<W> {
    /// A printer for the connection of this number.
    pub fn new(out: W, format: Format, connection: u32) -> Self {
        Self {
            out,
            format,
            connection,
            palette: Palette::PLAIN,
            headed: false,
            open: None,
            held_return: false,
            line: Vec::new(),
        }
    }

    /// Prints in colour too, if there is any.
    #[must_use]
    pub fn coloured(self, palette: Palette) -> Self {
        Self { palette, ..self }
    }

    /// Says once who the connection is between.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn between(&mut self, sockets: [Socket; 2]) -> io::Result<()> {
        if self.headed || !matches!(self.format, Format::Text | Format::Hex) {
            return Ok(());
        }
        self.headed = true;
        let [client, server] = sockets;
        writeln!(
            self.out,
            "connection {}: > client {client}, < server {server}",
            self.connection
        )
    }

    /// Prints bytes that stand at `offset` of the stream of `from`.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn bytes(
        &mut self,
        origin: Option<Origin>,
        from: Role,
        offset: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        match self.format {
            Format::Raw => self.out.write_all(bytes),
            Format::Text => self.text(from, bytes),
            Format::Hex => self.hex(from, offset, bytes),
            Format::Ndjson => {
                self.object(origin, from, offset, bytes.len() as u64)?;
                self.out.write_all(b",\"bytes\":\"")?;
                self.line.clear();
                base64(bytes, &mut self.line);
                self.out.write_all(&self.line)?;
                self.out.write_all(b"\"}\n")
            }
        }
    }

    /// Says that `len` bytes from `offset` on are not there.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn gap(
        &mut self,
        origin: Option<Origin>,
        from: Role,
        offset: u64,
        len: u64,
    ) -> io::Result<()> {
        match self.format {
            Format::Raw => Ok(()),
            Format::Text | Format::Hex => {
                self.end_line()?;
                self.begin_line(from);
                write!(
                    self.line,
                    "[{} missing: not captured]",
                    counted(len, "byte")
                )?;
                self.end_line()
            }
            Format::Ndjson => {
                self.object(origin, from, offset, len)?;
                self.out.write_all(b",\"missing\":true}\n")
            }
        }
    }

    /// Ends the last line and writes out what is buffered.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn finish(&mut self) -> io::Result<()> {
        self.end_line()?;
        self.flush()
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn text(&mut self, from: Role, bytes: &[u8]) -> io::Result<()> {
        if self.open.is_some_and(|open| open != from) {
            self.end_line()?;
        }
        for &byte in bytes {
            if self.open.is_none() {
                self.begin_line(from);
            }
            if byte == b'\n' {
                self.held_return = false;
                self.end_line()?;
                continue;
            }
            if core::mem::take(&mut self.held_return) {
                self.line.push(b'.');
            }
            match byte {
                b'\r' => self.held_return = true,
                b'\t' | b' '..=b'~' => self.line.push(byte),
                _ => self.line.push(b'.'),
            }
            if self.line.len() > 1 << 14 {
                self.put_line()?;
            }
        }
        Ok(())
    }

    fn hex(&mut self, from: Role, offset: u64, bytes: &[u8]) -> io::Result<()> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for (row, sixteen) in bytes.chunks(16).enumerate() {
            self.begin_line(from);
            write!(self.line, "{:08x}  ", offset + row as u64 * 16)?;
            for place in 0..16 {
                match sixteen.get(place) {
                    Some(&byte) => self.line.extend([
                        DIGITS[usize::from(byte >> 4)],
                        DIGITS[usize::from(byte & 15)],
                        b' ',
                    ]),
                    None => self.line.extend(b"   "),
                }
                if place == 7 {
                    self.line.push(b' ');
                }
            }
            self.line.extend(b" |");
            let shown = sixteen.iter().map(|&byte| match byte {
                b' '..=b'~' => byte,
                _ => b'.',
            });
            self.line.extend(shown);
            self.line.push(b'|');
            self.end_line()?;
        }
        Ok(())
    }

    fn begin_line(&mut self, from: Role) {
        self.open = Some(from);
        self.line.clear();
        self.line.extend(match from {
            Role::Client => b"> ",
            Role::Server => b"< ",
        });
    }

    fn end_line(&mut self) -> io::Result<()> {
        if core::mem::take(&mut self.held_return) {
            self.line.push(b'.');
        }
        if self.open.is_none() {
            return Ok(());
        }
        self.put_line()?;
        self.open = None;
        self.out.write_all(b"\n")
    }

    /// Writes what there is of the line.
    fn put_line(&mut self) -> io::Result<()> {
        let tone = match self.open {
            Some(Role::Server) => Tone::Server,
            _ => Tone::Client,
        };
        // It is ASCII.
        let line = core::str::from_utf8(&self.line).unwrap_or_default();
        write!(self.out, "{}", self.palette.paint(tone, line))?;
        self.line.clear();
        Ok(())
    }

    /// The head of a chunk's object, left open.
    fn object(
        &mut self,
        origin: Option<Origin>,
        from: Role,
        offset: u64,
        len: u64,
    ) -> io::Result<()> {
        let connection = self.connection;
        write!(
            self.out,
            "{{\"connection\":{connection},\"from\":\"{from}\",\"offset\":{offset},\"len\":{len}"
        )?;
        match origin {
            Some(Origin { frame, time }) => {
                let time = time.since(Timestamp::default());
                write!(self.out, ",\"frame\":{frame},\"time\":{time}")
            }
            None => self.out.write_all(b",\"frame\":null,\"time\":null"),
        }
    }
}

/// What is missing of a stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Missing {
    /// How many gaps.
    pub gaps: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Where the first begins.
    pub first: u64,
    /// Where the last ends.
    end: u64,
}

impl Missing {
    /// Takes a gap in.
    pub fn add(&mut self, offset: u64, len: u64) {
        if self.bytes == 0 {
            self.first = offset;
        }
        self.gaps += u64::from(self.bytes == 0 || self.end != offset);
        self.bytes += len;
        self.end = offset + len;
    }

    /// `1,448 bytes of the server's stream are missing, not captured (2 gaps, the first at byte 0)`.
    pub fn sentence(&self, from: Role) -> impl fmt::Display {
        format!(
            "{} of the {from}'s stream missing, not captured ({}, the first at byte {})",
            counted(self.bytes, "byte"),
            counted(self.gaps, "gap"),
            self.first
        )
    }
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let six = (word >> (18 - 6 * place)) & 63;
            out.push(if place <= three.len() {
                ALPHABET[six as usize]
            } else {
                b'='
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(format: Format, chunks: &[(Role, u64, &[u8])]) -> String {
        let mut out = Vec::new();
        let mut printer = Printer::new(&mut out, format, 7);
        let origin = Some(Origin {
            frame: 3,
            time: Timestamp::from_nanos(1_500_000_000),
        });
        for &(from, offset, bytes) in chunks {
            printer.bytes(origin, from, offset, bytes).unwrap();
        }
        printer.gap(None, Role::Server, 9, 1_448).unwrap();
        printer.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_go_on_over_chunks_and_end_where_the_sender_changes() {
        let chunks: [(Role, u64, &[u8]); 4] = [
            (Role::Client, 0, b"GET "),
            (Role::Client, 4, b"/\r"),
            (Role::Client, 6, b"\n\r\nx\ry"),
            (Role::Server, 0, b"\x1b[31mred\r"),
        ];
        assert_eq!(
            print(Format::Text, &chunks),
            "> GET /\n> \n> x.y\n< .[31mred.\n< [1,448 bytes missing: not captured]\n"
        );
    }

    #[test]
    fn hexadecimal_keeps_its_columns() {
        let chunks: [(Role, u64, &[u8]); 1] = [(Role::Client, 16, b"0123456789abcdef\n!")];
        assert_eq!(
            print(Format::Hex, &chunks),
            "> 00000010  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n\
             > 00000020  0a 21                                             |.!|\n\
             < [1,448 bytes missing: not captured]\n"
        );
    }

    #[test]
    fn objects_say_where_their_bytes_stand() {
        let chunks: [(Role, u64, &[u8]); 1] = [(Role::Client, 0, b"hello")];
        assert_eq!(
            print(Format::Ndjson, &chunks),
            "{\"connection\":7,\"from\":\"client\",\"offset\":0,\"len\":5,\"frame\":3,\
             \"time\":1.500000000,\"bytes\":\"aGVsbG8=\"}\n\
             {\"connection\":7,\"from\":\"server\",\"offset\":9,\"len\":1448,\"frame\":null,\
             \"time\":null,\"missing\":true}\n"
        );
    }

    #[test]
    fn base64_pads() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            let mut out = Vec::new();
            base64(bytes.as_bytes(), &mut out);
            assert_eq!(out, text.as_bytes());
        }
    }
}
