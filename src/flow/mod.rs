//! Which conversation a packet belongs to: an order-free key, and a table with one lookup per
//! packet. Knows neither TCP nor what is kept per conversation.

pub mod fragment;
mod index;
mod slab;
pub mod table;

pub use table::{FlowTable, Slot};

use crate::wire::{Address, Ip};

/// Transport protocols that are tracked as conversations, by IP protocol number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Protocol 6.
    Tcp,
    /// Protocol 17.
    Udp,
}

/// Which way a packet goes, in terms of its flow's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the lower (address, port) to the higher.
    Up,
    /// From the higher to the lower.
    Down,
}

impl Direction {
    /// 0 for `Up`, 1 for `Down`.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The other way.
    #[inline]
    pub const fn reverse(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// One end of a conversation (RFC 9293: a socket).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket {
    /// Network address.
    pub address: Address,
    /// Port.
    pub port: u16,
}

/// Prints `192.0.2.1:80` and `[2001:db8::1]:80`.
impl core::fmt::Display for Socket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        std::net::SocketAddr::new(self.address.to_ip(), self.port).fmt(f)
    }
}

/// The two sockets and the protocol of a conversation, in an order that does not depend on who
/// sent the packet. VLANs and tunnels are kept beside the key ([`FlowTable`]), since the two
/// directions of one conversation may be tagged differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    low: [u64; 2],
    high: [u64; 2],
    /// Lower socket's port, higher socket's port, protocol, IP version.
    rest: u64,
}

impl FlowKey {
    /// The key of a packet, and which way the packet goes.
    #[inline]
    pub fn new(
        ip: &Ip,
        protocol: Protocol,
        source_port: u16,
        destination_port: u16,
    ) -> (Self, Direction) {
        Self::between(
            Socket {
                address: ip.source,
                port: source_port,
            },
            Socket {
                address: ip.destination,
                port: destination_port,
            },
            protocol,
            ip.version,
        )
    }

    /// The key of what `source` sends to `destination`, and which way that is.
    #[inline]
    pub fn between(
        source: Socket,
        destination: Socket,
        protocol: Protocol,
        version: u8,
    ) -> (Self, Direction) {
        let (low, high, direction) =
            if (source.address.0, source.port) <= (destination.address.0, destination.port) {
                (source, destination, Direction::Up)
            } else {
                (destination, source, Direction::Down)
            };
        let halves = |address: Address| [(address.0 >> 64) as u64, address.0 as u64];
        let key = Self {
            low: halves(low.address),
            high: halves(high.address),
            rest: u64::from(low.port)
                | u64::from(high.port) << 16
                | (protocol as u64) << 32
                | u64::from(version) << 40,
        };
        (key, direction)
    }

    /// The socket that sends in this direction.
    pub fn source(&self, direction: Direction) -> Socket {
        let (half, port) = match direction {
            Direction::Up => (self.low, self.rest as u16),
            Direction::Down => (self.high, (self.rest >> 16) as u16),
        };
        Socket {
            address: Address(u128::from(half[0]) << 64 | u128::from(half[1])),
            port,
        }
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        if self.rest >> 32 & 0xff == Protocol::Tcp as u64 {
            Protocol::Tcp
        } else {
            Protocol::Udp
        }
    }

    /// IP version, 4 or 6.
    pub fn version(&self) -> u8 {
        (self.rest >> 40) as u8
    }

    /// The key as five words, for hashing.
    #[inline]
    pub(crate) fn words(&self) -> [u64; 5] {
        [
            self.low[0],
            self.low[1],
            self.high[0],
            self.high[1],
            self.rest,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(last: u8, port: u16) -> Socket {
        Socket {
            address: Address::v4([192, 0, 2, last]),
            port,
        }
    }

    #[test]
    fn both_directions_share_a_key() {
        let (one, up) = FlowKey::between(socket(1, 4000), socket(2, 80), Protocol::Tcp, 4);
        let (two, down) = FlowKey::between(socket(2, 80), socket(1, 4000), Protocol::Tcp, 4);
        assert_eq!(one, two);
        assert_eq!((up, down), (Direction::Up, Direction::Down));
        assert_eq!(one.source(up), socket(1, 4000));
        assert_eq!(one.source(down), socket(2, 80));
        assert_eq!((one.protocol(), one.version()), (Protocol::Tcp, 4));
    }

    #[test]
    fn what_differs_has_another_key() {
        let key = |a, b, protocol, version| FlowKey::between(a, b, protocol, version).0;
        let base = key(socket(1, 4000), socket(2, 80), Protocol::Tcp, 4);
        assert_ne!(base, key(socket(1, 4000), socket(2, 80), Protocol::Udp, 4));
        assert_ne!(base, key(socket(1, 4000), socket(2, 80), Protocol::Tcp, 6));
        assert_ne!(base, key(socket(1, 80), socket(2, 4000), Protocol::Tcp, 4));
    }

    #[test]
    fn a_socket_talking_to_itself_has_one_direction() {
        let (_, direction) = FlowKey::between(socket(1, 80), socket(1, 80), Protocol::Tcp, 4);
        assert_eq!(direction, Direction::Up);
    }
}
