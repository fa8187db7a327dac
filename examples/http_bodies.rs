//! Saves every HTTP/1 response body of a capture to a directory, one file each, named by the
//! connection's number and the response's.
//!
//! ```text
//! cargo run --example http_bodies -- fixtures/captures/shop.pcapng bodies
//! ```
//!
//! Bodies end by `Content-Length`, by chunks, or with the connection (RFC 9112 section 6.3). They
//! are saved as they were sent, compressed ones too. A gap in the stream ends the connection's
//! part, and so does a response to HEAD that tells a length: requests are not looked at.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::{env, mem};

use tcplens::analysis::{Analyzer, Observer, Options};
use tcplens::source::{self, OpenOptions};
use tcplens::tcp::Role;

/// The longest line of a head that is believed to be one.
const LONGEST_LINE: usize = 64 << 10;

/// What comes next in a server's stream.
#[derive(Default)]
enum Next {
    #[default]
    Status,
    Header,
    Body,
    ChunkSize,
    Chunk,
    ChunkEnd,
    Trailer,
    /// Nothing that could be read: not HTTP, or a gap.
    Unknown,
}

/// The responses of one connection.
#[derive(Default)]
struct Responses {
    next: Next,
    /// The line being collected.
    line: Vec<u8>,
    status: u16,
    length: Option<u64>,
    chunked: bool,
    /// Bytes of the body or chunk that are still to come.
    left: u64,
    file: Option<File>,
    saved: u32,
}

impl Responses {
    fn feed(
        &mut self,
        mut bytes: &[u8],
        create: &dyn Fn(u32) -> io::Result<File>,
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.next {
                Next::Unknown => return Ok(()),
                Next::Body | Next::Chunk => {
                    let len = self.left.min(bytes.len() as u64);
                    let (body, rest) = bytes.split_at(len as usize);
                    if let Some(file) = &mut self.file {
                        file.write_all(body)?;
                    }
                    (self.left, bytes) = (self.left - len, rest);
                    if self.left == 0 {
                        self.next = match self.next {
                            Next::Chunk => Next::ChunkEnd,
                            _ => Next::Status,
                        };
                    }
                }
                _ => {
                    let end = bytes.iter().position(|&byte| byte == b'\n');
                    let (part, rest) = bytes.split_at(end.map_or(bytes.len(), |at| at + 1));
                    self.line.extend_from_slice(part);
                    bytes = rest;
                    if end.is_some() {
                        let line = mem::take(&mut self.line);
                        self.line(String::from_utf8_lossy(&line).trim_end(), create)?;
                    } else if self.line.len() > LONGEST_LINE {
                        self.next = Next::Unknown;
                    }
                }
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &str, create: &dyn Fn(u32) -> io::Result<File>) -> io::Result<()> {
        self.next = match self.next {
            Next::Status => {
                let status = line.starts_with("HTTP/1.").then(|| line.split(' ').nth(1));
                match status.flatten().and_then(|code| code.parse().ok()) {
                    Some(status) => {
                        (self.status, self.length, self.chunked) = (status, None, false);
                        Next::Header
                    }
                    None => Next::Unknown,
                }
            }
            Next::Header if line.is_empty() => self.head_is_whole(create)?,
            Next::Header => {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.trim();
                if name.eq_ignore_ascii_case("content-length") {
                    self.length = value.parse().ok();
                } else if name.eq_ignore_ascii_case("transfer-encoding") {
                    self.chunked = value.to_ascii_lowercase().ends_with("chunked");
                }
                Next::Header
            }
            Next::ChunkSize => {
                let digits = line.split(';').next().unwrap_or("").trim();
                match u64::from_str_radix(digits, 16) {
                    Ok(0) => Next::Trailer,
                    Ok(size) => {
                        self.left = size;
                        Next::Chunk
                    }
                    Err(_) => Next::Unknown,
                }
            }
            Next::ChunkEnd => Next::ChunkSize,
            Next::Trailer if line.is_empty() => Next::Status,
            Next::Trailer => Next::Trailer,
            Next::Body | Next::Chunk | Next::Unknown => Next::Unknown,
        };
        Ok(())
    }

    fn head_is_whole(&mut self, create: &dyn Fn(u32) -> io::Result<File>) -> io::Result<Next> {
        // Without a length it ends with the connection.
        self.left = self.length.unwrap_or(u64::MAX);
        match self.status {
            101 => return Ok(Next::Unknown),
            100..200 | 204 | 304 => return Ok(Next::Status),
            _ if self.left == 0 && !self.chunked => return Ok(Next::Status),
            _ => {}
        }
        self.file = Some(create(self.saved)?);
        self.saved += 1;
        Ok(if self.chunked {
            Next::ChunkSize
        } else {
            Next::Body
        })
    }
}

struct Bodies {
    directory: PathBuf,
    connections: HashMap<u32, Responses>,
    result: io::Result<()>,
}

impl Observer for Bodies {
    fn wants_frames(&self) -> bool {
        false
    }

    fn bytes(&mut self, connection: u32, from: Role, _: u64, bytes: &[u8]) {
        if from == Role::Client || self.result.is_err() {
            return;
        }
        let directory = &self.directory;
        let create =
            |number| File::create(directory.join(format!("{connection:05}-{number:03}.body")));
        let responses = self.connections.entry(connection).or_default();
        self.result = responses.feed(bytes, &create);
    }

    fn gap(&mut self, connection: u32, from: Role, _: u64, _: u64) {
        if from == Role::Server {
            self.connections.entry(connection).or_default().next = Next::Unknown;
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [file, directory] = arguments.as_slice() else {
        return Err("usage: http_bodies FILE DIRECTORY".into());
    };
    fs::create_dir_all(directory)?;
    let mut bodies = Bodies {
        directory: directory.into(),
        connections: HashMap::new(),
        result: Ok(()),
    };
    let mut analyzer = Analyzer::new(Options::default());
    let read = source::open(&[file], &OpenOptions::default())?
        .run(&mut |arrival| analyzer.arrive(arrival, &mut bodies));
    // Streams that were not closed hold back what waits behind a gap.
    analyzer.finish(&mut bodies);
    bodies.result?;
    let saved: u32 = bodies.connections.values().map(|of_it| of_it.saved).sum();
    println!("{saved} bodies in {}", bodies.directory.display());
    Ok(read?)
}
