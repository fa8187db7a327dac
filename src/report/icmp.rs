//! ICMP and ICMPv6 messages in words (IANA "ICMP Parameters", "ICMPv6 Parameters").

use core::fmt::{self, Display};

use crate::wire::Icmp;

/// An ICMP message in words, without what it quotes.
pub(crate) struct Message<'a>(pub(crate) &'a Icmp<'a>);

impl Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Icmp {
            version,
            kind,
            code,
            rest,
            ..
        } = *self.0;
        f.write_str(if version == 6 { "ICMPv6 " } else { "ICMP " })?;
        match words(version, kind, code) {
            ("", _) => write!(f, "type {kind} code {code}")?,
            (what, "") if code == 0 => f.write_str(what)?,
            (what, "") => write!(f, "{what}, code {code}")?,
            (what, why) => write!(f, "{what}: {why}")?,
        }
        if is_echo(version, kind) {
            write!(f, " id {} seq {}", rest >> 16, rest & 0xffff)?;
        }
        match mtu(version, kind, code, rest) {
            Some(mtu) => write!(f, " (MTU {mtu})"),
            None => Ok(()),
        }
    }
}

/// What a message is, and for some types what its code says; empty where it has no name.
const fn words(version: u8, kind: u8, code: u8) -> (&'static str, &'static str) {
    match version {
        6 => (v6(kind), v6_code(kind, code)),
        _ => (v4(kind), v4_code(kind, code)),
    }
}

const fn v4(kind: u8) -> &'static str {
    match kind {
        0 => "echo reply",
        3 => "destination unreachable",
        4 => "source quench",
        5 => "redirect",
        8 => "echo request",
        9 => "router advertisement",
        10 => "router solicitation",
        11 => "time exceeded",
        12 => "parameter problem",
        13 => "timestamp request",
        14 => "timestamp reply",
        42 => "extended echo request",
        43 => "extended echo reply",
        _ => "",
    }
}

const fn v4_code(kind: u8, code: u8) -> &'static str {
    match (kind, code) {
        (3, 0) => "network unreachable",
        (3, 1) => "host unreachable",
        (3, 2) => "protocol unreachable",
        (3, 3) => "port unreachable",
        (3, 4) => "fragmentation needed",
        (3, 5) => "source route failed",
        (3, 6) => "network unknown",
        (3, 7) => "host unknown",
        (3, 9) => "network prohibited",
        (3, 10) => "host prohibited",
        (3, 13) => "administratively prohibited",
        (5, 0 | 2) => "for the network",
        (5, 1 | 3) => "for the host",
        (11, 0) => "in transit",
        (11, 1) => "in reassembly",
        _ => "",
    }
}

const fn v6(kind: u8) -> &'static str {
    match kind {
        1 => "destination unreachable",
        2 => "packet too big",
        3 => "time exceeded",
        4 => "parameter problem",
        128 => "echo request",
        129 => "echo reply",
        130 => "multicast listener query",
        131 => "multicast listener report",
        132 => "multicast listener done",
        133 => "router solicitation",
        134 => "router advertisement",
        135 => "neighbor solicitation",
        136 => "neighbor advertisement",
        137 => "redirect",
        143 => "multicast listener report v2",
        _ => "",
    }
}

const fn v6_code(kind: u8, code: u8) -> &'static str {
    match (kind, code) {
        (1, 0) => "no route",
        (1, 1) => "administratively prohibited",
        (1, 2) => "beyond scope",
        (1, 3) => "address unreachable",
        (1, 4) => "port unreachable",
        (1, 5) => "source address failed policy",
        (1, 6) => "route rejected",
        (3, 0) => "in transit",
        (3, 1) => "in reassembly",
        (4, 0) => "erroneous header field",
        (4, 1) => "unknown next header",
        (4, 2) => "unknown option",
        _ => "",
    }
}

/// Whether the message carries an identifier and a sequence number.
const fn is_echo(version: u8, kind: u8) -> bool {
    match version {
        6 => matches!(kind, 128 | 129),
        _ => matches!(kind, 0 | 8 | 13 | 14),
    }
}

/// The MTU a message tells, if it is one that does.
const fn mtu(version: u8, kind: u8, code: u8, rest: u32) -> Option<u32> {
    match (version, kind, code) {
        (6, 2, _) => Some(rest),
        (4, 3, 4) if rest & 0xffff != 0 => Some(rest & 0xffff),
        _ => None,
    }
}
