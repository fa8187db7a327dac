//! What sockets are bound and connected to.

use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

use nix::sys::socket::{SockaddrLike, SockaddrStorage, UnixAddr};

use super::socket::{Attempt, Failure};

/// A name a socket can be bound or connected to.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Inet(SocketAddr),
    /// In Linux's abstract namespace: `@name`.
    Unix(String),
}

impl From<SocketAddr> for Name {
    fn from(address: SocketAddr) -> Self {
        Self::Inet(address)
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self::Unix(name.to_owned())
    }
}

impl core::fmt::Display for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unix(name) => write!(f, "@{name}"),
        }
    }
}

/// As the kernel takes it, for this call.
pub(super) fn storage(name: &Name, call: &'static str) -> Attempt<Box<dyn SockaddrLike>> {
    Ok(match name {
        Name::Inet(address) => Box::new(SockaddrStorage::from(*address)),
        Name::Unix(name) => {
            let address = UnixAddr::new_abstract(name.as_bytes());
            Box::new(address.map_err(|errno| Failure { call, errno })?)
        }
    })
}

/// As the standard library has it; `None` for other families.
pub(super) fn plain(address: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddrV4::from(*v4).into());
    }
    address
        .as_sockaddr_in6()
        .map(|v6| SocketAddrV6::from(*v6).into())
}
