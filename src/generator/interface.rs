//! What the kernel tells and takes of an interface of this host's network namespace (netdevice(7)).

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// An interface, by its name.
#[derive(Debug)]
pub(super) struct Interface {
    name: [libc::c_char; libc::IFNAMSIZ],
    /// Any socket: requests are made through one.
    socket: OwnedFd,
}

impl Interface {
    /// The interface of that name, if there is one.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn named(name: &str) -> io::Result<Self> {
        let mut octets = [0; libc::IFNAMSIZ];
        // The last octet stays zero.
        let room = octets.len() - 1;
        if name.is_empty() || name.len() > room || name.contains('\0') {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        for (place, octet) in octets.iter_mut().zip(name.bytes()) {
            *place = octet as libc::c_char;
        }
        let socket = socket(
            AddressFamily::Inet,
            SockType::Datagram,
            SockFlag::SOCK_CLOEXEC,
            None,
        )?;
        let interface = Self {
            name: octets,
            socket,
        };
        interface.flags()?;
        Ok(interface)
    }

    /// Its number.
    pub(super) fn index(&self) -> io::Result<i32> {
        let told = self.ask(libc::SIOCGIFINDEX, flags(0))?;
        Ok(number(&told))
    }

    /// The longest packet it takes, in octets, without the header of its link.
    pub(super) fn mtu(&self) -> io::Result<i32> {
        let told = self.ask(libc::SIOCGIFMTU, flags(0))?;
        Ok(number(&told))
    }

    /// Whether it is up.
    pub(super) fn is_up(&self) -> io::Result<bool> {
        Ok(self.flags()? & libc::IFF_UP != 0)
    }

    /// Whether what is sent onto it comes back and goes nowhere else.
    pub(super) fn is_loopback(&self) -> io::Result<bool> {
        Ok(self.flags()? & libc::IFF_LOOPBACK != 0)
    }

    /// Whether its frames begin with an Ethernet header.
    pub(super) fn is_ethernet(&self) -> io::Result<bool> {
        let told = self.ask(libc::SIOCGIFHWADDR, flags(0))?;
        Ok([libc::ARPHRD_ETHER, libc::ARPHRD_LOOPBACK].contains(&family(&told)))
    }

    /// Gives it an address in a network of this many leading bits.
    pub(super) fn set_address(&self, address: Ipv4Addr, prefix: u32) -> io::Result<()> {
        self.ask(libc::SIOCSIFADDR, internet(address))?;
        let mask = Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - prefix).unwrap_or(0));
        self.ask(libc::SIOCSIFNETMASK, internet(mask)).map(drop)
    }

    /// Switches it on.
    pub(super) fn raise(&self) -> io::Result<()> {
        let flags = flags(self.flags()? | libc::IFF_UP | libc::IFF_RUNNING);
        self.ask(libc::SIOCSIFFLAGS, flags).map(drop)
    }

    fn flags(&self) -> io::Result<i32> {
        let told = self.ask(libc::SIOCGIFFLAGS, flags(0))?;
        Ok(flags_of(&told))
    }

    #[allow(unsafe_code, reason = "ioctl")]
    fn ask(
        &self,
        request: libc::Ioctl,
        value: libc::__c_anonymous_ifr_ifru,
    ) -> io::Result<libc::ifreq> {
        let mut whole = libc::ifreq {
            ifr_name: self.name,
            ifr_ifru: value,
        };
        // SAFETY: every request of this file reads and writes one `ifreq`, which is whole; its
        // name ends with a zero.
        let result = unsafe { libc::ioctl(self.socket.as_raw_fd(), request, &raw mut whole) };
        if result == 0 {
            Ok(whole)
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

/// A request with all octets of its value set: the union's largest fields are zero before.
fn flags(flags: i32) -> libc::__c_anonymous_ifr_ifru {
    let mut value = libc::__c_anonymous_ifr_ifru {
        ifru_slave: [0; libc::IFNAMSIZ],
    };
    value.ifru_flags = flags as libc::c_short;
    value
}

fn internet(address: Ipv4Addr) -> libc::__c_anonymous_ifr_ifru {
    // `struct sockaddr_in`: the port, which is zero, then the address in network order.
    let mut data = [0; 14];
    for (place, octet) in data.iter_mut().skip(2).zip(address.octets()) {
        *place = octet as libc::c_char;
    }
    libc::__c_anonymous_ifr_ifru {
        ifru_addr: libc::sockaddr {
            sa_family: libc::AF_INET as libc::sa_family_t,
            sa_data: data,
        },
    }
}

#[allow(unsafe_code, reason = "a field of a union")]
fn flags_of(told: &libc::ifreq) -> i32 {
    // SAFETY: any octets are a number.
    i32::from(unsafe { told.ifr_ifru.ifru_flags })
}

#[allow(unsafe_code, reason = "a field of a union")]
fn number(told: &libc::ifreq) -> i32 {
    // SAFETY: any octets are a number.
    unsafe { told.ifr_ifru.ifru_ifindex }
}

#[allow(unsafe_code, reason = "a field of a union")]
fn family(told: &libc::ifreq) -> u16 {
    // SAFETY: any octets are a number.
    unsafe { told.ifr_ifru.ifru_hwaddr.sa_family }
}

#[cfg(test)]
mod tests {
    use super::Interface;

    #[test]
    fn loopback_is_what_it_is() {
        let lo = Interface::named("lo").unwrap();
        assert!(lo.is_loopback().unwrap() && lo.is_ethernet().unwrap());
        assert!(lo.index().unwrap() > 0 && lo.mtu().unwrap() > 1_000);
    }

    #[test]
    fn no_interface_has_an_impossible_name() {
        for name in ["", "lo\0", "a-name-of-sixteen", "no-such"] {
            assert!(Interface::named(name).is_err(), "{name:?}");
        }
    }
}
