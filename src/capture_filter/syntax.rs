//! What a filter says, before it is known how frames start.

use core::ops::Range;
use std::net::Ipv6Addr;

/// A filter's parts as they were typed, with their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    /// Everything: the empty filter.
    All,
    /// Both, the left one looked at first.
    And(Box<Self>, Box<Self>),
    /// Either, the left one looked at first.
    Or(Box<Self>, Box<Self>),
    /// Not that.
    Not(Box<Self>),
    /// One statement about a frame.
    Primitive(Primitive, Range<usize>),
}

/// One statement about a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Primitive {
    /// `tcp`
    Protocol(Protocol),
    /// `src host 10.0.0.1`
    Address(Qualifier, Value),
    /// `tcp[0:2] > 1024`
    Relation(Arithmetic, Relation, Arithmetic),
    /// `less 100`: no longer than this.
    Less(u32),
    /// `greater 100`: no shorter than this.
    Greater(u32),
    /// `broadcast`, `ether broadcast`
    Broadcast(Option<Protocol>),
    /// `multicast`, `ip multicast`
    Multicast(Option<Protocol>),
    /// `inbound`, `outbound`: whether the host sent it.
    Outbound(bool),
    /// `vlan`, `vlan 100`
    Vlan(Option<u32>),
    /// `mpls`, `mpls 1024`
    Mpls(Option<u32>),
    /// `pppoed`
    PppoeDiscovery,
    /// `pppoes`, `pppoes 7`
    PppoeSession(Option<u32>),
}

/// What a value is of: `tcp src port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Qualifier {
    pub(super) protocol: Option<Protocol>,
    pub(super) direction: Direction,
    /// `None` is what an address without a kind is: a host.
    pub(super) kind: Option<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// None said: either.
    Either,
    Source,
    Destination,
    /// `src and dst`
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Host,
    Net,
    Port,
    PortRange,
    Protocol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Link,
    Ip,
    Ip6,
    Arp,
    Rarp,
    Tcp,
    Udp,
    Sctp,
    Icmp,
    Icmp6,
    Igmp,
    Igrp,
    Pim,
    Vrrp,
    Ah,
    Esp,
}

impl Protocol {
    /// Keywords and what they stand for.
    pub(super) const WORDS: [(&'static str, Self); 23] = [
        ("ether", Self::Link),
        ("link", Self::Link),
        ("ppp", Self::Link),
        ("slip", Self::Link),
        ("fddi", Self::Link),
        ("tr", Self::Link),
        ("wlan", Self::Link),
        ("ip", Self::Ip),
        ("ip6", Self::Ip6),
        ("arp", Self::Arp),
        ("rarp", Self::Rarp),
        ("tcp", Self::Tcp),
        ("udp", Self::Udp),
        ("sctp", Self::Sctp),
        ("icmp", Self::Icmp),
        ("icmp6", Self::Icmp6),
        ("igmp", Self::Igmp),
        ("igrp", Self::Igrp),
        ("pim", Self::Pim),
        ("vrrp", Self::Vrrp),
        ("carp", Self::Vrrp),
        ("ah", Self::Ah),
        ("esp", Self::Esp),
    ];

    pub(super) fn of(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(each, _)| *each == word);
        found.map(|&(_, protocol)| protocol)
    }

    pub(super) fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, each)| *each == self);
        found.map_or("", |&(word, _)| word)
    }

    /// The number in IP's protocol field, for what is carried in IP.
    pub(super) fn number(self) -> Option<u32> {
        Some(match self {
            Self::Icmp => 1,
            Self::Igmp => 2,
            Self::Tcp => 6,
            Self::Igrp => 9,
            Self::Udp => 17,
            Self::Esp => 50,
            Self::Ah => 51,
            Self::Icmp6 => 58,
            Self::Pim => 103,
            Self::Vrrp => 112,
            Self::Sctp => 132,
            Self::Link | Self::Ip | Self::Ip6 | Self::Arp | Self::Rarp => return None,
        })
    }
}

/// What stands after a qualifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(u32),
    Name(String),
    /// The first octets of an address, and how many.
    Dotted([u8; 4], u8),
    /// An IPv4 network: address and mask.
    Net4(u32, u32),
    /// An IPv6 network: address and length of its prefix.
    Net6(Ipv6Addr, u32),
    Mac([u8; 6]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Number(u32),
    /// The frame's length.
    Length,
    /// `protocol[index:size]`
    Field(Protocol, Box<Self>, u32, Range<usize>),
    Negative(Box<Self>),
    Operation(Operator, Box<Self>, Box<Self>, Range<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Or,
    ExclusiveOr,
    ShiftLeft,
    ShiftRight,
}
