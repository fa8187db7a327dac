//! Another process that shares a descriptor: a child by `fork`.
//!
//! Between `fork` and its end the child of a program with threads may do little (signal-safety(7)):
//! this one writes, closes, reads the clock and ends.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, pipe};

use super::socket::{Elsewhere, Failure, Socket, shown};

/// How long the child waits before each of its calls: the parent does something meanwhile.
const WAIT_NANOS: i64 = 80_000_000;

/// A call of the child: when it was made and returned, what it gave, and the error's number.
type Line = [i64; 4];

/// The child, under way.
#[derive(Debug)]
pub(super) struct Child<'s> {
    pid: Pid,
    lines: File,
    log: Elsewhere<'s>,
    number: i32,
    data: &'static [u8],
}

/// Starts a process that shares this socket's descriptor. It waits 80 ms, writes `data` to it,
/// waits 80 ms again, and closes it. `None` where the socket is not on this host.
#[allow(unsafe_code, reason = "fork, and what its child may call")]
pub(super) fn child_that_writes<'s>(
    socket: &Socket<'s>,
    data: &'static [u8],
) -> Result<Option<Child<'s>>, Failure> {
    let Some(fd) = socket.descriptor().map(|fd| fd.as_raw_fd()) else {
        return Ok(None);
    };
    let failed = |errno| Failure {
        call: "fork",
        errno,
    };
    let (lines, told) = pipe().map_err(failed)?;
    let told_fd = told.as_raw_fd();
    // SAFETY: the child calls nothing but what signal-safety(7) allows, and ends by _exit.
    let forked = unsafe { fork() }.map_err(failed)?;
    match forked {
        // Here the end that the child writes to is closed, so that its end is seen.
        ForkResult::Parent { child } => Ok(Some(Child {
            pid: child,
            lines: File::from(lines),
            log: socket.elsewhere(child.as_raw().unsigned_abs()),
            number: fd,
            data,
        })),
        // SAFETY: as above; all pointers are to what is borrowed here.
        ForkResult::Child => unsafe {
            pause();
            let begun = clock();
            let wrote = libc::write(fd, data.as_ptr().cast(), data.len());
            tell(told_fd, [begun, clock(), wrote as i64, error()]);
            pause();
            let begun = clock();
            let closed = libc::close(fd);
            tell(told_fd, [begun, clock(), closed.into(), error()]);
            libc::_exit(0);
        },
    }
}

impl Child<'_> {
    /// Waits until it has made its next call, and writes that down by this name.
    pub(super) fn wait_for(&mut self, name: &str) {
        let mut line = [0; size_of::<Line>()];
        // Should the child be gone, so is the other end of the pipe.
        if self.lines.read_exact(&mut line).is_err() {
            return;
        }
        let arguments = match name {
            "write" => format!("{}, {}, {}", self.number, shown(self.data), self.data.len()),
            _ => self.number.to_string(),
        };
        let field = |at: usize| {
            let octets = line.get(at * 8..).and_then(|rest| rest.first_chunk());
            octets.map_or(0, |octets| i64::from_ne_bytes(*octets))
        };
        let result = match field(2) {
            result @ 0.. => Ok(result),
            _ => Err(Errno::from_raw(field(3) as i32)),
        };
        self.log.tell([field(0), field(1)], name, arguments, result);
    }
}

impl Drop for Child<'_> {
    fn drop(&mut self) {
        // It ends by itself.
        let _ = waitpid(self.pid, None);
    }
}

#[allow(unsafe_code, reason = "signal-safe")]
unsafe fn pause() {
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: WAIT_NANOS,
    };
    // SAFETY: `time` is whole, and nothing is to be written back.
    unsafe { libc::nanosleep(&raw const time, core::ptr::null_mut()) };
}

#[allow(unsafe_code, reason = "signal-safe")]
unsafe fn clock() -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: it writes to `time` only.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
    time.tv_sec
        .saturating_mul(1_000_000_000)
        .saturating_add(time.tv_nsec)
}

#[allow(unsafe_code, reason = "signal-safe")]
unsafe fn error() -> i64 {
    // SAFETY: the address of the thread's errno is always good.
    unsafe { i64::from(*libc::__errno_location()) }
}

#[allow(unsafe_code, reason = "signal-safe")]
unsafe fn tell(fd: i32, line: Line) {
    // SAFETY: as many octets as there are.
    unsafe { libc::write(fd, line.as_ptr().cast(), size_of::<Line>()) };
}
