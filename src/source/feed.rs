//! The bytes of one input, as pcap-parser's readers want them: a `Read`.
//!
//! A reader of pcap-parser keeps its `Read` to itself and only tells that a read failed or brought
//! nothing. What was behind that is said through a [`Gauge`].

use std::io::{self, Read};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::OpenOptions;
use super::compression::{self, Compression, MAGIC_LEN};
use super::read_ahead::{Got, PATIENCE, ReadAhead};
use super::sentence::plain;

/// Where bytes come from.
pub(super) enum Origin {
    /// Read where they are wanted.
    Direct(Box<dyn Read + Send>),
    /// Read on another thread.
    Ahead(ReadAhead),
}

/// Why the last read brought nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Dry {
    /// The input has ended.
    #[default]
    Ended,
    /// There may be more later.
    Waiting,
    /// It can't be read on.
    Failed(String),
}

/// Tells why a [`Feed`] gave nothing.
#[derive(Clone, Default)]
pub(super) struct Gauge(Arc<Mutex<Dry>>);

impl Gauge {
    pub(super) fn read(&self) -> Dry {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, dry: Dry) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = dry;
    }
}

/// An input's bytes, those first that were looked at to tell its format.
pub(super) struct Feed {
    head: Vec<u8>,
    head_given: usize,
    origin: Origin,
    /// Whether the end of a file is only the end so far.
    follow: bool,
    compressed: bool,
    gauge: Gauge,
}

impl Feed {
    pub(super) fn new(origin: Origin, follow: bool) -> Self {
        let gauge = Gauge::default();
        Self {
            head: Vec::new(),
            head_given: 0,
            origin,
            follow,
            compressed: false,
            gauge,
        }
    }

    /// The feed itself, or what it holds compressed.
    ///
    /// # Errors
    /// When no thread can be started for it.
    pub(super) fn decompressed(mut self, options: &OpenOptions) -> io::Result<Self> {
        // If nothing comes, whoever looks for the format will find out why.
        let _ = self.look(MAGIC_LEN, options);
        if Compression::detect(&self.head).is_none() {
            return Ok(self);
        }
        let Self { head, origin, .. } = self;
        let ahead = compression::decompress(io::Cursor::new(head).chain(Patient(origin)))?;
        Ok(Self {
            compressed: true,
            ..Self::new(Origin::Ahead(ahead), false)
        })
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.compressed
    }

    pub(super) fn gauge(&self) -> Gauge {
        self.gauge.clone()
    }

    /// What has been looked at.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    pub(super) fn head_mut(&mut self) -> &mut [u8] {
        &mut self.head
    }

    /// Looks at the first `len` bytes, waiting for them unless told to stop. They are in
    /// [`Feed::head`] then, or fewer, for the reason returned.
    pub(super) fn look(&mut self, len: usize, options: &OpenOptions) -> Dry {
        /// Grows with what comes, not with what a header claims.
        const STEP: usize = 64 * 1024;
        while self.head.len() < len {
            let had = self.head.len();
            self.head.resize(had + STEP.min(len - had), 0);
            let got = match self.head.get_mut(had..) {
                Some(space) => fetch(&mut self.origin, self.follow, space),
                None => Ok(0),
            };
            self.head.truncate(had + got.as_ref().unwrap_or(&0));
            match got {
                Ok(_) => {}
                Err(Dry::Waiting) if options.stop.load(Ordering::Relaxed) => return Dry::Waiting,
                Err(Dry::Waiting) => {
                    if self.follow {
                        thread::sleep(PATIENCE);
                    }
                }
                Err(dry) => return dry,
            }
        }
        Dry::Ended
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let head = self.head.get(self.head_given..).unwrap_or(&[]);
        if !head.is_empty() {
            let count = head.len().min(buffer.len());
            if let (Some(to), Some(from)) = (buffer.get_mut(..count), head.get(..count)) {
                to.copy_from_slice(from);
            }
            self.head_given += count;
            if self.head_given == self.head.len() {
                self.head = Vec::new();
                self.head_given = 0;
            }
            return Ok(count);
        }
        match fetch(&mut self.origin, self.follow, buffer) {
            Ok(count) => Ok(count),
            Err(dry) => {
                self.gauge.set(dry);
                Ok(0)
            }
        }
    }
}

/// Reads more, at least one byte.
fn fetch(origin: &mut Origin, follow: bool, buffer: &mut [u8]) -> Result<usize, Dry> {
    match origin {
        Origin::Direct(read) => match read.read(buffer) {
            Ok(0) if follow => Err(Dry::Waiting),
            Ok(0) => Err(Dry::Ended),
            Ok(count) => Ok(count),
            Err(error) => Err(Dry::Failed(format!(
                "it can't be read on: {}",
                plain(&error)
            ))),
        },
        Origin::Ahead(ahead) => match ahead.read(buffer) {
            Got::Bytes(count) => Ok(count),
            Got::Nothing => Err(Dry::Waiting),
            Got::End => Err(Dry::Ended),
            Got::Failed(reason) => Err(Dry::Failed(reason)),
        },
    }
}

/// Waits until there is something.
struct Patient(Origin);

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match fetch(&mut self.0, false, buffer) {
                Ok(count) => return Ok(count),
                Err(Dry::Ended) => return Ok(0),
                Err(Dry::Waiting) => {}
                Err(Dry::Failed(reason)) => return Err(io::Error::other(reason)),
            }
        }
    }
}
