//! ICMP and ICMPv6 messages in words (IANA "ICMP Parameters", "ICMPv6 Parameters").

use core::fmt::{self, Display};

use crate::wire::Icmp;
use crate::wire::icmp::error_words;

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
        match error_words(version, kind, code).or_else(|| query_words(version, kind)) {
            Some(words) => f.write_str(words)?,
            None => write!(f, "type {kind} code {code}")?,
        }
        if has_identifier(version, kind) {
            write!(f, " id {} seq {}", rest >> 16, rest & 0xffff)?;
        }
        match mtu(version, kind, code, rest) {
            Some(mtu) => write!(f, " (MTU {mtu})"),
            None => Ok(()),
        }
    }
}

/// What a message that is no error is.
const fn query_words(version: u8, kind: u8) -> Option<&'static str> {
    Some(match (version, kind) {
        (4, 0) | (6, 129) => "echo reply",
        (4, 8) | (6, 128) => "echo request",
        (4, 9) | (6, 134) => "router advertisement",
        (4, 10) | (6, 133) => "router solicitation",
        (4, 13) => "timestamp request",
        (4, 14) => "timestamp reply",
        (6, 130) => "multicast listener query",
        (6, 131) => "multicast listener report",
        (6, 132) => "multicast listener done",
        (6, 135) => "neighbor solicitation",
        (6, 136) => "neighbor advertisement",
        (6, 137) => "redirect",
        (6, 143) => "multicast listener report v2",
        (4, 42) | (6, 160) => "extended echo request",
        (4, 43) | (6, 161) => "extended echo reply",
        _ => return None,
    })
}

/// Whether the message carries an identifier and a sequence number.
const fn has_identifier(version: u8, kind: u8) -> bool {
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
