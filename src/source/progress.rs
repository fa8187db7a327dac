//! How far reading has come, for whoever wants to show it.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How many bytes of the inputs have been read. Clones look at the same numbers, also from other
/// threads. Of a compressed file the compressed bytes are counted.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    read: AtomicU64,
    total: AtomicU64,
    endless: AtomicBool,
}

impl Progress {
    /// Bytes read so far.
    pub fn read(&self) -> u64 {
        self.shared.read.load(Ordering::Relaxed)
    }

    /// Bytes of all inputs together; `None` when one of them is a pipe or is followed.
    pub fn total(&self) -> Option<u64> {
        (!self.shared.endless.load(Ordering::Relaxed))
            .then(|| self.shared.total.load(Ordering::Relaxed))
    }

    pub(super) fn expect(&self, bytes: Option<u64>) {
        match bytes {
            Some(bytes) => {
                self.shared.total.fetch_add(bytes, Ordering::Relaxed);
            }
            None => self.shared.endless.store(true, Ordering::Relaxed),
        }
    }
}

/// A reader that tells its progress, and doesn't let a signal end a read.
pub(super) struct Counted<R> {
    inner: R,
    progress: Progress,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R, progress: Progress) -> Self {
        Self { inner, progress }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Ok(count) => {
                    self.progress
                        .shared
                        .read
                        .fetch_add(count as u64, Ordering::Relaxed);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
