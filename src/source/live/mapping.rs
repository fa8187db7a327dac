//! The memory that a ring shares with the kernel: blocks that belong to one of the two at a time.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// Where a block says whose it is (`struct tpacket_block_desc`).
const STATUS_AT: usize = 8;

/// The blocks of a ring, of which at most one is held for reading.
#[derive(Debug)]
pub(super) struct Mapping {
    base: NonNull<u8>,
    block_len: usize,
    blocks: usize,
    /// The block that comes next, or is held.
    next: usize,
    held: bool,
}

// SAFETY: the memory belongs to this value alone, on whatever thread it is.
#[allow(unsafe_code, reason = "shared memory is reached by pointer")]
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps the ring of a socket that has been given one of this size.
    #[allow(unsafe_code, reason = "mmap")]
    pub(super) fn new(socket: &OwnedFd, block_len: usize, blocks: usize) -> io::Result<Self> {
        let len = block_len * blocks;
        // SAFETY: the kernel chooses the place; nothing of ours lies there.
        let base = unsafe {
            libc::mmap(
                core::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("mapped at 0"))?;
        Ok(Self {
            base,
            block_len,
            blocks,
            next: 0,
            held: false,
        })
    }

    #[allow(unsafe_code, reason = "the kernel writes this word too")]
    fn status(&self) -> &AtomicU32 {
        // SAFETY: `next` is below `blocks`, blocks are page-aligned and longer than their header,
        // and the kernel treats this word as one that others write.
        unsafe {
            let at = self
                .base
                .as_ptr()
                .add(self.next * self.block_len + STATUS_AT);
            AtomicU32::from_ptr(at.cast())
        }
    }

    /// Holds the next block, if the kernel has handed it over.
    pub(super) fn take(&mut self) -> bool {
        self.held = self.held || self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER != 0;
        self.held
    }

    /// The bytes of the block that is held; none when none is.
    #[allow(unsafe_code, reason = "shared memory is reached by pointer")]
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        if !self.held {
            return &mut [];
        }
        // SAFETY: inside the mapping, and while the block is held the kernel does not write to
        // it. It is given back by `&mut self` only, when this borrow has ended.
        unsafe {
            let at = self.base.as_ptr().add(self.next * self.block_len);
            core::slice::from_raw_parts_mut(at, self.block_len)
        }
    }

    /// Gives the block that is held back to the kernel.
    pub(super) fn give_back(&mut self) {
        if self.held {
            self.held = false;
            self.status()
                .store(libc::TP_STATUS_KERNEL, Ordering::Release);
            self.next = (self.next + 1) % self.blocks;
        }
    }
}

impl Drop for Mapping {
    #[allow(unsafe_code, reason = "munmap")]
    fn drop(&mut self) {
        // SAFETY: this is what `new` mapped, and nothing borrows it any more.
        unsafe {
            libc::munmap(self.base.as_ptr().cast(), self.block_len * self.blocks);
        }
    }
}
