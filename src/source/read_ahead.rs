//! Reading on a thread of its own, into a few buffers that go back and forth: decompression
//! overlaps with analysis, and a pipe that says nothing doesn't keep the reader from stopping.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

/// Size of a buffer. Large enough that handing one over costs little, small enough that the few
/// in flight stay in the second-level cache.
const CHUNK: usize = 256 * 1024;
/// How many buffers there are.
const CHUNKS: usize = 3;
/// How long a reader waits before it looks whether it should stop.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

enum Message {
    /// A buffer, and how much of it counts.
    Bytes(Vec<u8>, usize),
    End(Result<(), String>),
}

/// What a read brought.
pub(super) enum Got {
    /// So many bytes.
    Bytes(usize),
    /// Nothing within [`PATIENCE`].
    Nothing,
    /// The end.
    End,
    /// Nothing more, for this reason.
    Failed(String),
}

/// The reading end.
///
/// Dropping it ends the thread at its next full buffer; one that waits for a pipe is left to it.
pub(super) struct ReadAhead {
    filled: Receiver<Message>,
    empty: SyncSender<Vec<u8>>,
    current: Vec<u8>,
    /// What of `current` is still to be given out.
    left: core::ops::Range<usize>,
    end: Option<Result<(), String>>,
}

/// The writing end, for the thread.
pub(super) struct Outlet {
    filled: SyncSender<Message>,
    empty: Receiver<Vec<u8>>,
    spare: Option<Vec<u8>>,
}

/// The reading end is gone, or the stream could not be read.
pub(super) enum PumpError {
    Abandoned,
    Read(io::Error),
}

impl ReadAhead {
    /// Starts a thread that does `work`.
    pub(super) fn spawn(
        work: impl FnOnce(&mut Outlet) -> Result<(), String> + Send + 'static,
    ) -> io::Result<Self> {
        let (filled, taken) = mpsc::sync_channel(CHUNKS);
        let (empty, recycled) = mpsc::sync_channel(CHUNKS);
        thread::Builder::new()
            .name("read ahead".to_owned())
            .spawn(move || {
                let mut outlet = Outlet {
                    filled,
                    empty: recycled,
                    spare: None,
                };
                let end = work(&mut outlet);
                // Nobody listens any more: then nobody misses it.
                let _ = outlet.filled.send(Message::End(end));
            })?;
        for _ in 0..CHUNKS {
            // The thread may have ended already.
            let _ = empty.try_send(Vec::new());
        }
        Ok(Self {
            filled: taken,
            empty,
            current: Vec::new(),
            left: 0..0,
            end: None,
        })
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Got {
        loop {
            let left = self.current.get(self.left.clone()).unwrap_or(&[]);
            if !left.is_empty() {
                let count = left.len().min(buffer.len());
                if let (Some(to), Some(from)) = (buffer.get_mut(..count), left.get(..count)) {
                    to.copy_from_slice(from);
                }
                self.left.start += count;
                return Got::Bytes(count);
            }
            match &self.end {
                Some(Ok(())) => return Got::End,
                Some(Err(reason)) => return Got::Failed(reason.clone()),
                None => {}
            }
            match self.filled.recv_timeout(PATIENCE) {
                Ok(Message::Bytes(bytes, count)) => {
                    let used = core::mem::replace(&mut self.current, bytes);
                    self.left = 0..count;
                    if used.capacity() > 0 {
                        // Full only if the thread has ended.
                        let _ = self.empty.try_send(used);
                    }
                }
                Ok(Message::End(end)) => self.end = Some(end),
                Err(RecvTimeoutError::Timeout) => return Got::Nothing,
                Err(RecvTimeoutError::Disconnected) => {
                    self.end = Some(Err("the thread that reads it ended unexpectedly".to_owned()));
                }
            }
        }
    }
}

impl Outlet {
    /// Passes on everything that `from` gives.
    pub(super) fn pump(&mut self, from: &mut dyn Read) -> Result<(), PumpError> {
        loop {
            let mut buffer = match self.spare.take() {
                Some(buffer) => buffer,
                None => self.empty.recv().map_err(|_| PumpError::Abandoned)?,
            };
            buffer.resize(CHUNK, 0);
            match from.read(&mut buffer) {
                Ok(0) => {
                    self.spare = Some(buffer);
                    return Ok(());
                }
                Ok(count) => self
                    .filled
                    .send(Message::Bytes(buffer, count))
                    .map_err(|_| PumpError::Abandoned)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.spare = Some(buffer);
                }
                Err(error) => return Err(PumpError::Read(error)),
            }
        }
    }
}
