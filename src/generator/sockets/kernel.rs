//! What the kernel says of a socket, and the few options that have no safe wrapper.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::calls::KernelState;

/// Reads the state of a TCP socket; `None` where the kernel tells nothing.
pub(in crate::generator) fn state_of(fd: BorrowedFd<'_>) -> Option<KernelState> {
    /// As much of `struct tcp_info` (linux/tcp.h) as is looked at, and some more.
    const LEN: usize = 256;
    let mut info = [0_u8; LEN];
    let len = option(fd, libc::IPPROTO_TCP, libc::TCP_INFO, &mut info).ok()?;
    let info = info.get(..len)?;
    let state = *info.first()?;
    let is_listening = state == 10;
    let (unacked, sacked) = (number(info, 24), number(info, 28));
    Some(KernelState {
        state: state_name(state).to_owned(),
        rtt_us: number(info, 68),
        rto_us: number(info, 8),
        cwnd: number(info, 80),
        mss: number(info, 16),
        send_window: number(info, 228),
        receive_window: number(info, 232),
        unacked,
        // Of a listening socket the kernel puts its backlog there.
        backlog: if is_listening { sacked } else { 0 },
        unacked_bytes: count(fd, libc::TIOCOUTQ),
        unsent_bytes: number(info, 144),
        unread_bytes: if is_listening {
            0
        } else {
            count(fd, libc::FIONREAD)
        },
        retransmitted: number(info, 100),
        probes: u32::from(*info.get(3)?),
    })
}

/// The kernel's states (net/tcp_states.h) in RFC spelling.
const fn state_name(state: u8) -> &'static str {
    match state {
        1 => "ESTABLISHED",
        2 => "SYN-SENT",
        3 | 12 => "SYN-RECEIVED",
        4 => "FIN-WAIT-1",
        5 => "FIN-WAIT-2",
        6 => "TIME-WAIT",
        7 => "CLOSED",
        8 => "CLOSE-WAIT",
        9 => "LAST-ACK",
        10 => "LISTEN",
        11 => "CLOSING",
        _ => "unknown",
    }
}

fn number(info: &[u8], at: usize) -> u32 {
    let octets = info.get(at..).and_then(|rest| rest.first_chunk());
    octets.map_or(0, |octets| u32::from_ne_bytes(*octets))
}

/// Reads an option into octets: how many there were.
#[allow(unsafe_code, reason = "no safe wrapper reads TCP_INFO whole")]
pub(super) fn option(
    fd: BorrowedFd<'_>,
    level: i32,
    name: i32,
    value: &mut [u8],
) -> io::Result<usize> {
    let mut len = value.len() as libc::socklen_t;
    // SAFETY: the kernel writes no more than `len` octets to `value`.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            level,
            name,
            value.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    if result == 0 {
        Ok((len as usize).min(value.len()))
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Sets an option to octets.
#[allow(
    unsafe_code,
    reason = "the options of a lesson are named by number, as they are recorded"
)]
pub(super) fn set_option(fd: i32, level: i32, name: i32, value: &[u8]) -> nix::Result<()> {
    // SAFETY: the kernel reads `value.len()` octets, and checks what they mean.
    let result = unsafe {
        libc::setsockopt(
            fd,
            level,
            name,
            value.as_ptr().cast(),
            value.len() as libc::socklen_t,
        )
    };
    nix::errno::Errno::result(result).map(drop)
}

/// Asks for one of the numbers that ioctl gives of a socket.
#[allow(unsafe_code, reason = "ioctl")]
fn count(fd: BorrowedFd<'_>, request: libc::Ioctl) -> u32 {
    let mut count: libc::c_int = 0;
    // SAFETY: both requests that are made write one int.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request, &raw mut count) };
    if result == 0 { count.max(0) as u32 } else { 0 }
}
