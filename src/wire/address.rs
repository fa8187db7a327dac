//! Network addresses in one fixed width, so that a flow key is plain numbers.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 or IPv6 address in 128 bits. IPv4 is held as IPv4-mapped (`::ffff:a.b.c.d`,
/// RFC 4291 section 2.5.5.2).
///
/// An IPv6 packet that really carries a mapped address can't be told from IPv4 by this value
/// alone: [`Ip::version`](super::Ip::version) tells them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub u128);

const MAPPED: u128 = 0xffff_0000_0000;

impl Address {
    /// From the four octets of an IPv4 address, in network order.
    #[inline]
    pub const fn v4(octets: [u8; 4]) -> Self {
        Self(MAPPED | u32::from_be_bytes(octets) as u128)
    }

    /// From the sixteen octets of an IPv6 address, in network order.
    #[inline]
    pub const fn v6(octets: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(octets))
    }

    /// The standard library's form.
    pub const fn to_ip(self) -> IpAddr {
        if self.0 >> 32 == MAPPED >> 32 {
            IpAddr::V4(Ipv4Addr::from_bits(self.0 as u32))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(self.0))
        }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::v4(v4.octets()),
            IpAddr::V6(v6) => Self::v6(v6.octets()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_ip().fmt(f)
    }
}
