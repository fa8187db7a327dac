//! A TUN device (Linux, `Documentation/networking/tuntap.rst`): what a host sends onto it is read
//! here as whole IP packets, and what is written here the host receives.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;
use nix::unistd::{read, write};

use crate::generator::interface::Interface;

const DEVICE: &str = "/dev/net/tun";
const NAME: &str = "lab";
/// Bits of an address that are the network's.
const PREFIX: u32 = 24;

/// The only interface of a host beside loopback.
#[derive(Debug)]
pub(super) struct Tun {
    file: File,
}

impl Tun {
    /// Makes one in the network namespace of this thread, with an address.
    pub(super) fn open(address: Ipv4Addr) -> io::Result<Self> {
        let told =
            |error: io::Error, what: &str| io::Error::new(error.kind(), format!("{what}: {error}"));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(DEVICE)
            .map_err(|error| {
                let what = "/dev/net/tun can't be opened; it is the kernel's module tun, must be \
                    readable and writable for you, and be let into a container";
                told(error, what)
            })?;
        attach(&file).map_err(|error| told(error, "no TUN device can be made"))?;
        let interface = Interface::named(NAME)?;
        interface.set_address(address, PREFIX)?;
        interface.raise()?;
        Ok(Self { file })
    }

    /// The next packet that the host has sent, if there is one now.
    pub(super) fn receive<'b>(&self, room: &'b mut [u8]) -> io::Result<Option<&'b [u8]>> {
        loop {
            return match read(&self.file, room) {
                Ok(len) => Ok(room.get(..len)),
                Err(Errno::EAGAIN) => Ok(None),
                Err(Errno::EINTR) => continue,
                Err(errno) => Err(errno.into()),
            };
        }
    }

    /// Gives the host a packet.
    pub(super) fn send(&self, packet: &[u8]) -> io::Result<()> {
        loop {
            return match write(&self.file, packet) {
                Ok(_) => Ok(()),
                Err(Errno::EINTR) => continue,
                Err(errno) => Err(errno.into()),
            };
        }
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[allow(unsafe_code, reason = "ioctl")]
fn attach(file: &File) -> io::Result<()> {
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short,
        },
    };
    for (place, octet) in request.ifr_name.iter_mut().zip(NAME.bytes()) {
        *place = octet as libc::c_char;
    }
    // SAFETY: the request is whole, and its name ends with a zero.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
