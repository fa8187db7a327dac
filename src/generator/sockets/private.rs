//! A network of one's own: a user and a network namespace with nothing in it but loopback, in
//! which this process may capture without any right outside.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::{getegid, geteuid};

/// Moves this process there, for the rest of its life. It must have one thread only.
///
/// # Errors
/// When this system forbids it (`kernel.unprivileged_userns_clone`, `user.max_user_namespaces`,
/// AppArmor, seccomp).
pub fn enter() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)?;
    // Who one is outside is root inside; without setgroups that needs no rights (user_namespaces(7)).
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
    let socket = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    raise_loopback(&socket)
}

#[allow(unsafe_code, reason = "ioctl")]
fn raise_loopback(socket: &OwnedFd) -> io::Result<()> {
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short,
        },
    };
    for (place, octet) in request.ifr_name.iter_mut().zip(b"lo") {
        *place = *octet as libc::c_char;
    }
    // SAFETY: the request is whole, and its name ends with a zero.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
