//! TCP options (RFC 9293 section 3.2 and the registries of RFC 7323, 2018, 7413, 8684, 9768, …).

use nom::Parser;
use nom::combinator::all_consuming;

use super::SeqNum;
use super::be::{self, Parsed};
use super::mptcp;

/// A half-open range of sequence numbers, as a SACK block gives it (RFC 2018).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SackBlock {
    /// First sequence number of the block.
    pub left: SeqNum,
    /// The sequence number after its last.
    pub right: SeqNum,
}

/// Timestamps option (RFC 7323).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub value: u32,
    /// TSecr: the peer's clock as last heard; meaningful only with ACK.
    pub echo: u32,
}

/// Which options stood in a header, by kind, for those without a field of their own below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionSet(pub u16);

#[allow(missing_docs)]
impl OptionSet {
    pub const FAST_OPEN: u16 = 1;
    pub const MPTCP: u16 = 1 << 1;
    pub const ACC_ECN: u16 = 1 << 2;
    pub const MD5: u16 = 1 << 3;
    pub const AUTHENTICATION: u16 = 1 << 4;
    pub const USER_TIMEOUT: u16 = 1 << 5;
    pub const UNKNOWN: u16 = 1 << 6;
    /// Something in the options was malformed; what parsed before it is kept.
    pub const MALFORMED: u16 = 1 << 7;

    #[inline]
    pub const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }

    /// The names of those that are there, as they are printed.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (Self::FAST_OPEN, "fast-open"),
            (Self::MPTCP, "mptcp"),
            (Self::ACC_ECN, "acc-ecn"),
            (Self::MD5, "md5"),
            (Self::AUTHENTICATION, "authentication"),
            (Self::USER_TIMEOUT, "user-timeout"),
            (Self::UNKNOWN, "unknown"),
            (Self::MALFORMED, "malformed"),
        ]
        .into_iter()
        .filter_map(move |(bit, name)| self.has(bit).then_some(name))
    }
}

/// The options of one segment: those that tracking needs as values, the rest through
/// the raw bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions<'a> {
    /// Maximum segment size in bytes (kind 2).
    pub mss: Option<u16>,
    /// Window scale shift as it stood (kind 3); values over 14 count as 14 (RFC 7323 section 2.3).
    pub window_scale: Option<u8>,
    /// SACK permitted (kind 4).
    pub sack_permitted: bool,
    /// Timestamps (kind 8).
    pub timestamps: Option<Timestamps>,
    /// SACK blocks in the order they stood (kind 5); `sack_count` of them.
    pub sack: [SackBlock; 4],
    /// How many of `sack` are used.
    pub sack_count: u8,
    /// What else was there.
    pub others: OptionSet,
    /// The option bytes as they stood.
    pub raw: &'a [u8],
}

/// What a sender of timestamps puts before its data segments (RFC 7323 appendix A): two NOPs to
/// align, then kind and length.
const ALIGNED_TIMESTAMPS: [u8; 4] = [kind::NOP, kind::NOP, kind::TIMESTAMPS, 10];

impl<'a> TcpOptions<'a> {
    /// Parses the option bytes of a header. Never fails: what parsed is there, and
    /// [`OptionSet::MALFORMED`] says that it was not all.
    #[inline]
    pub fn parse(raw: &'a [u8]) -> Self {
        let (mut options, rest) = Self::parse_common(raw);
        options.fill(rest);
        options
    }

    /// The timestamps that nearly all segments have and nothing else, and the bytes after them,
    /// to be passed to [`fill`](Self::fill) once the value is where it stays.
    #[inline(always)]
    pub(super) fn parse_common(raw: &'a [u8]) -> (Self, &'a [u8]) {
        let (timestamps, rest) = match raw.split_first_chunk::<12>() {
            Some((&[a, b, c, d, ref values @ ..], rest)) if [a, b, c, d] == ALIGNED_TIMESTAMPS => {
                let [e, f, g, h, i, j, k, l] = *values;
                let value = u32::from_be_bytes([e, f, g, h]);
                let echo = u32::from_be_bytes([i, j, k, l]);
                (Some(Timestamps { value, echo }), rest)
            }
            _ => (None, raw),
        };
        let options = Self {
            timestamps,
            raw,
            ..Self::default()
        };
        (options, rest)
    }

    #[inline(never)]
    pub(super) fn fill(&mut self, raw: &'a [u8]) {
        for option in Iter(raw) {
            let other = match option {
                TcpOption::EndOfList | TcpOption::Nop => continue,
                TcpOption::Mss(mss) => {
                    self.mss = Some(mss);
                    continue;
                }
                TcpOption::WindowScale(shift) => {
                    self.window_scale = Some(shift);
                    continue;
                }
                TcpOption::SackPermitted => {
                    self.sack_permitted = true;
                    continue;
                }
                TcpOption::Timestamps(timestamps) => {
                    self.timestamps = Some(timestamps);
                    continue;
                }
                TcpOption::Sack(blocks) => {
                    for block in blocks.as_slice() {
                        if let Some(place) = self.sack.get_mut(usize::from(self.sack_count)) {
                            *place = *block;
                            self.sack_count += 1;
                        }
                    }
                    continue;
                }
                TcpOption::FastOpen { .. } => OptionSet::FAST_OPEN,
                TcpOption::Mptcp { .. } => OptionSet::MPTCP,
                TcpOption::AccEcn { .. } => OptionSet::ACC_ECN,
                TcpOption::Md5(_) => OptionSet::MD5,
                TcpOption::Authentication { .. } => OptionSet::AUTHENTICATION,
                TcpOption::UserTimeout { .. } => OptionSet::USER_TIMEOUT,
                TcpOption::Unknown { .. } => OptionSet::UNKNOWN,
                TcpOption::Malformed { .. } => OptionSet::MALFORMED,
            };
            self.others.0 |= other;
        }
    }

    /// Every option in the order they stood, up to the end of the list or to one whose length
    /// leads nowhere.
    pub fn iter(&self) -> Iter<'a> {
        Iter(self.raw)
    }

    /// The length octet of the first malformed option, 0 where it had none.
    pub(super) fn first_malformed(&self) -> u32 {
        self.iter()
            .find_map(|option| match option {
                TcpOption::Malformed { length, .. } => Some(u32::from(length)),
                _ => None,
            })
            .unwrap_or(0)
    }

    /// The SACK blocks in the order they stood.
    #[inline]
    pub fn sack_blocks(&self) -> &[SackBlock] {
        self.sack.get(..usize::from(self.sack_count)).unwrap_or(&[])
    }
}

impl<'a> IntoIterator for &TcpOptions<'a> {
    type Item = TcpOption<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Option kinds (IANA "TCP Option Kind Numbers").
#[allow(missing_docs)]
pub mod kind {
    pub const END_OF_LIST: u8 = 0;
    pub const NOP: u8 = 1;
    pub const MSS: u8 = 2;
    pub const WINDOW_SCALE: u8 = 3;
    pub const SACK_PERMITTED: u8 = 4;
    pub const SACK: u8 = 5;
    pub const TIMESTAMPS: u8 = 8;
    pub const MD5: u8 = 19;
    pub const USER_TIMEOUT: u8 = 28;
    pub const AUTHENTICATION: u8 = 29;
    pub const MPTCP: u8 = 30;
    pub const FAST_OPEN: u8 = 34;
    pub const ACC_ECN_0: u8 = 172;
    pub const ACC_ECN_1: u8 = 174;
    pub const EXPERIMENT_1: u8 = 253;
    pub const EXPERIMENT_2: u8 = 254;
}

/// Identifiers in experimental options (RFC 6994) of options that have kinds by now.
mod experiment {
    pub(super) const FAST_OPEN: u16 = 0xf989;
    pub(super) const ACC_ECN: u16 = 0xacce;
    pub(super) const ACC_ECN_0: u16 = 0xacc0;
    pub(super) const ACC_ECN_1: u16 = 0xacc1;
}

/// The blocks of one SACK option: a header has room for four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SackBlocks {
    blocks: [SackBlock; 4],
    count: u8,
}

impl SackBlocks {
    /// The first four of `blocks`.
    pub fn new(blocks: &[SackBlock]) -> Self {
        let mut kept = Self::default();
        for (place, block) in kept.blocks.iter_mut().zip(blocks) {
            *place = *block;
            kept.count += 1;
        }
        kept
    }

    /// The blocks in the order they stood.
    pub fn as_slice(&self) -> &[SackBlock] {
        self.blocks.get(..usize::from(self.count)).unwrap_or(&[])
    }

    fn parse(data: &[u8]) -> Parsed<'_, Self> {
        let (mut rest, mut blocks) = (data, Self::default());
        while !rest.is_empty() {
            let (after, (left, right)) = (be::u32, be::u32).parse(rest)?;
            if let Some(place) = blocks.blocks.get_mut(usize::from(blocks.count)) {
                *place = SackBlock {
                    left: SeqNum(left),
                    right: SeqNum(right),
                };
                blocks.count += 1;
            }
            rest = after;
        }
        Ok((rest, blocks))
    }
}

/// One TCP option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// End of the list (RFC 9293 section 3.2): nothing after it counts.
    EndOfList,
    /// Padding (RFC 9293 section 3.2).
    Nop,
    /// Maximum segment size (RFC 9293 section 3.7.1).
    Mss(u16),
    /// Window scale shift as it stood (RFC 7323 section 2.2).
    WindowScale(u8),
    /// SACK permitted (RFC 2018 section 2).
    SackPermitted,
    /// SACK (RFC 2018 section 3); a first block below the ACK or inside the second is a DSACK
    /// (RFC 2883).
    Sack(SackBlocks),
    /// Timestamps (RFC 7323 section 3.2).
    Timestamps(Timestamps),
    /// Fast Open (RFC 7413 section 4.1.1). Without a cookie, a request for one.
    FastOpen {
        /// The cookie.
        cookie: &'a [u8],
        /// Whether it was the experimental option of section 4.1.1's predecessors.
        experimental: bool,
    },
    /// Multipath TCP (RFC 8684 section 3).
    Mptcp {
        /// Which of its messages.
        subtype: mptcp::Subtype,
        /// The whole option after kind and length, subtype included.
        data: &'a [u8],
    },
    /// Accurate ECN byte counters (RFC 9768 section 3.2.3).
    AccEcn {
        /// Whether the counters come in the order of kind 174: ECT(1) first.
        order: AccEcnOrder,
        /// Up to three counters of 24 bits each.
        counters: &'a [u8],
        /// Whether it was an experimental option.
        experimental: bool,
    },
    /// MD5 signature (RFC 2385).
    Md5(&'a [u8; 16]),
    /// Authentication option (RFC 5925 section 2.2).
    Authentication {
        /// KeyID.
        key: u8,
        /// RNextKeyID.
        next_key: u8,
        /// Message authentication code.
        code: &'a [u8],
    },
    /// User timeout (RFC 5482 section 2).
    UserTimeout {
        /// The timeout, 15 bits.
        value: u16,
        /// Whether it is in minutes, not seconds.
        minutes: bool,
    },
    /// A kind that is not decoded.
    Unknown {
        /// The kind.
        kind: u8,
        /// What it carried.
        data: &'a [u8],
    },
    /// An option whose length can't be: not that of its kind, or beyond the header. What follows
    /// it is readable in the first case only.
    Malformed {
        /// The kind.
        kind: u8,
        /// The length octet; 0 where the header ended before it.
        length: u8,
    },
}

/// In which order an AccECN option gives its counters (RFC 9768 section 3.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccEcnOrder {
    /// AccECN0: ECT(0), CE, ECT(1).
    Ect0First,
    /// AccECN1: ECT(1), CE, ECT(0).
    Ect1First,
}

/// The options of a header, one after the other.
#[derive(Clone, Debug)]
pub struct Iter<'a>(&'a [u8]);

impl<'a> Iterator for Iter<'a> {
    type Item = TcpOption<'a>;

    fn next(&mut self) -> Option<TcpOption<'a>> {
        let (&first, rest) = self.0.split_first()?;
        match first {
            kind::END_OF_LIST => {
                self.0 = &[];
                return Some(TcpOption::EndOfList);
            }
            kind::NOP => {
                self.0 = rest;
                return Some(TcpOption::Nop);
            }
            _ => {}
        }
        let length = rest.first().copied().unwrap_or(0);
        let Some((option, rest)) = self.0.split_at_checked(usize::from(length)) else {
            self.0 = &[];
            return Some(TcpOption::Malformed {
                kind: first,
                length,
            });
        };
        let [_, _, data @ ..] = option else {
            self.0 = &[];
            return Some(TcpOption::Malformed {
                kind: first,
                length,
            });
        };
        self.0 = rest;
        Some(match TcpOption::parse_data(first, data) {
            Ok((_, option)) => option,
            Err(_) => TcpOption::Malformed {
                kind: first,
                length,
            },
        })
    }
}

impl<'a> TcpOption<'a> {
    /// Parses what an option of this kind carries: all of `data`.
    fn parse_data(kind: u8, data: &'a [u8]) -> Parsed<'a, Self> {
        match kind {
            kind::MSS => all_consuming(be::u16.map(Self::Mss)).parse(data),
            kind::WINDOW_SCALE => all_consuming(be::u8.map(Self::WindowScale)).parse(data),
            kind::SACK_PERMITTED => {
                all_consuming(be::bytes(0).map(|_| Self::SackPermitted)).parse(data)
            }
            kind::SACK => SackBlocks::parse.map(Self::Sack).parse(data),
            kind::TIMESTAMPS => all_consuming((be::u32, be::u32))
                .map(|(value, echo)| Self::Timestamps(Timestamps { value, echo }))
                .parse(data),
            kind::MD5 => all_consuming(be::fixed.map(Self::Md5)).parse(data),
            kind::USER_TIMEOUT => all_consuming(be::u16)
                .map(|word| Self::UserTimeout {
                    value: word & 0x7fff,
                    minutes: word >> 15 == 1,
                })
                .parse(data),
            kind::AUTHENTICATION => {
                let (code, (key, next_key)) = (be::u8, be::u8).parse(data)?;
                Ok((
                    &[],
                    Self::Authentication {
                        key,
                        next_key,
                        code,
                    },
                ))
            }
            kind::MPTCP => {
                let (_, first) = be::u8(data)?;
                Ok((
                    &[],
                    Self::Mptcp {
                        subtype: mptcp::Subtype(first >> 4),
                        data,
                    },
                ))
            }
            kind::FAST_OPEN => Self::fast_open(data, false),
            kind::ACC_ECN_0 => Self::acc_ecn(AccEcnOrder::Ect0First, data, false),
            kind::ACC_ECN_1 => Self::acc_ecn(AccEcnOrder::Ect1First, data, false),
            kind::EXPERIMENT_1 | kind::EXPERIMENT_2 => match be::u16(data) {
                Ok((data, experiment::FAST_OPEN)) => Self::fast_open(data, true),
                Ok((data, experiment::ACC_ECN | experiment::ACC_ECN_0)) => {
                    Self::acc_ecn(AccEcnOrder::Ect0First, data, true)
                }
                Ok((data, experiment::ACC_ECN_1)) => {
                    Self::acc_ecn(AccEcnOrder::Ect1First, data, true)
                }
                _ => Ok((&[], Self::Unknown { kind, data })),
            },
            _ => Ok((&[], Self::Unknown { kind, data })),
        }
    }

    /// A cookie has 4 to 16 octets, an even number (RFC 7413 section 4.1.1).
    fn fast_open(cookie: &'a [u8], experimental: bool) -> Parsed<'a, Self> {
        match cookie.len() {
            0 | 4 | 6 | 8 | 10 | 12 | 14 | 16 => Ok((
                &[],
                Self::FastOpen {
                    cookie,
                    experimental,
                },
            )),
            length => be::invalid("Fast Open cookie length", length as u32),
        }
    }

    /// Counters are cut off at the end as room demands, but only whole ones.
    fn acc_ecn(order: AccEcnOrder, counters: &'a [u8], experimental: bool) -> Parsed<'a, Self> {
        match counters.len() {
            0 | 3 | 6 | 9 => Ok((
                &[],
                Self::AccEcn {
                    order,
                    counters,
                    experimental,
                },
            )),
            length => be::invalid("AccECN length", length as u32),
        }
    }

    /// The kind as it stood.
    pub const fn kind(&self) -> u8 {
        match *self {
            Self::EndOfList => kind::END_OF_LIST,
            Self::Nop => kind::NOP,
            Self::Mss(_) => kind::MSS,
            Self::WindowScale(_) => kind::WINDOW_SCALE,
            Self::SackPermitted => kind::SACK_PERMITTED,
            Self::Sack(_) => kind::SACK,
            Self::Timestamps(_) => kind::TIMESTAMPS,
            Self::Md5(_) => kind::MD5,
            Self::UserTimeout { .. } => kind::USER_TIMEOUT,
            Self::Authentication { .. } => kind::AUTHENTICATION,
            Self::Mptcp { .. } => kind::MPTCP,
            Self::FastOpen {
                experimental: true, ..
            }
            | Self::AccEcn {
                experimental: true, ..
            } => kind::EXPERIMENT_2,
            Self::FastOpen { .. } => kind::FAST_OPEN,
            Self::AccEcn {
                order: AccEcnOrder::Ect0First,
                ..
            } => kind::ACC_ECN_0,
            Self::AccEcn {
                order: AccEcnOrder::Ect1First,
                ..
            } => kind::ACC_ECN_1,
            Self::Unknown { kind, .. } | Self::Malformed { kind, .. } => kind,
        }
    }

    /// Appends the option.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(self.kind());
        if matches!(self, Self::EndOfList | Self::Nop) {
            return;
        }
        out.push(0);
        match *self {
            Self::EndOfList | Self::Nop | Self::SackPermitted => {}
            Self::Mss(mss) => be::put_u16(out, mss),
            Self::WindowScale(shift) => be::put_u8(out, shift),
            Self::Sack(blocks) => {
                for block in blocks.as_slice() {
                    be::put_u32(out, block.left.0);
                    be::put_u32(out, block.right.0);
                }
            }
            Self::Timestamps(Timestamps { value, echo }) => {
                be::put_u32(out, value);
                be::put_u32(out, echo);
            }
            Self::FastOpen {
                cookie,
                experimental,
            } => {
                if experimental {
                    be::put_u16(out, experiment::FAST_OPEN);
                }
                out.extend_from_slice(cookie);
            }
            Self::AccEcn {
                order,
                counters,
                experimental,
            } => {
                if experimental {
                    let id = match order {
                        AccEcnOrder::Ect0First => experiment::ACC_ECN_0,
                        AccEcnOrder::Ect1First => experiment::ACC_ECN_1,
                    };
                    be::put_u16(out, id);
                }
                out.extend_from_slice(counters);
            }
            Self::Md5(digest) => out.extend_from_slice(digest),
            Self::Authentication {
                key,
                next_key,
                code,
            } => {
                out.extend_from_slice(&[key, next_key]);
                out.extend_from_slice(code);
            }
            Self::UserTimeout { value, minutes } => {
                be::put_u16(out, u16::from(minutes) << 15 | value & 0x7fff);
            }
            Self::Mptcp { data, .. } | Self::Unknown { data, .. } => out.extend_from_slice(data),
            Self::Malformed { .. } => {}
        }
        let length = match *self {
            Self::Malformed { length, .. } => length,
            _ => (out.len() - start) as u8,
        };
        if let Some(place) = out.get_mut(start + 1) {
            *place = length;
        }
    }
}

/// Appends options, padded with zeros to a multiple of four octets as the header needs it
/// (RFC 9293 section 3.1).
pub fn emit(options: &[TcpOption<'_>], out: &mut Vec<u8>) {
    let start = out.len();
    for option in options {
        option.emit(out);
    }
    out.resize(
        start + (out.len() - start).next_multiple_of(4),
        kind::END_OF_LIST,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{emitted, hex};

    #[test]
    fn the_options_of_a_syn() {
        // MSS 1460, SACK permitted, timestamps, NOP, window scale 7.
        let raw = hex("02 04 05 b4  04 02  08 0a 00 00 00 01 00 00 00 00  01  03 03 07");
        let options = TcpOptions::parse(&raw);
        assert_eq!(options.mss, Some(1460));
        assert!(options.sack_permitted);
        assert_eq!(options.timestamps, Some(Timestamps { value: 1, echo: 0 }));
        assert_eq!(options.window_scale, Some(7));
        assert_eq!(options.others, OptionSet::default());
        let text = "mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7";
        assert_eq!(options.to_string(), text);
        let list: Vec<_> = options.iter().collect();
        assert_eq!(emitted(|out| emit(&list, out)), raw);
    }

    #[test]
    fn aligned_timestamps_and_what_follows_them() {
        // Two NOPs and timestamps, two NOPs and two SACK blocks.
        let raw = hex("01 01 08 0a 00 00 00 05 00 00 00 06
             01 01 05 12 00 00 00 01 00 00 00 02 00 00 00 0a ff ff ff ff");
        let options = TcpOptions::parse(&raw);
        assert_eq!(options.timestamps, Some(Timestamps { value: 5, echo: 6 }));
        let blocks = [(1, 2), (10, u32::MAX)].map(|(left, right)| SackBlock {
            left: SeqNum(left),
            right: SeqNum(right),
        });
        assert_eq!(options.sack_blocks(), blocks);
        let text = "nop,nop,TS val 5 ecr 6,nop,nop,sack 2 {1:2}{10:4294967295}";
        assert_eq!(options.to_string(), text);
    }

    #[test]
    fn every_kind_is_named_and_written_back() {
        for (text, display, others) in [
            ("00 00 00 00", "eol", 0),
            ("05 02 00 00", "sack 0 ,eol", 0),
            ("22 02 01 01", "tfo cookiereq,nop,nop", OptionSet::FAST_OPEN),
            (
                "22 06 01 02 03 04 01 01",
                "tfo cookie 01020304,nop,nop",
                OptionSet::FAST_OPEN,
            ),
            ("fe 04 f9 89", "exp-tfo cookiereq", OptionSet::FAST_OPEN),
            ("1e 04 00 01", "mptcp 4 capable", OptionSet::MPTCP),
            ("1e 04 10 01", "mptcp 4 join", OptionSet::MPTCP),
            ("1e 04 20 01", "mptcp 4 dss", OptionSet::MPTCP),
            ("1e 04 80 01", "mptcp 4 tcprst", OptionSet::MPTCP),
            ("1e 04 f0 01", "mptcp 4 subtype-15", OptionSet::MPTCP),
            (
                "ac 08 00 00 01 00 00 02",
                "accecn0 e0b 1 ceb 2",
                OptionSet::ACC_ECN,
            ),
            (
                "ae 05 00 00 01 01 01 01",
                "accecn1 e1b 1,nop,nop,nop",
                OptionSet::ACC_ECN,
            ),
            ("fe 04 ac c1", "exp-accecn1", OptionSet::ACC_ECN),
            (
                "13 12 000102030405060708090a0b0c0d0e0f 01 01",
                "md5 000102030405060708090a0b0c0d0e0f,nop,nop",
                OptionSet::MD5,
            ),
            (
                "1d 08 01 02 aa bb cc dd",
                "tcp-ao keyid 1 rnextkeyid 2 mac 0xaabbccdd",
                OptionSet::AUTHENTICATION,
            ),
            ("1c 04 80 05", "uto 5 min", OptionSet::USER_TIMEOUT),
            ("4c 04 12 34", "unknown-76 0x1234", OptionSet::UNKNOWN),
            ("fd 04 12 34", "unknown-253 0x1234", OptionSet::UNKNOWN),
        ] {
            let raw = hex(text);
            let options = TcpOptions::parse(&raw);
            assert_eq!(options.to_string(), display);
            assert_eq!(options.others.0, others, "{display}");
            let list: Vec<_> = options.iter().collect();
            assert_eq!(emitted(|out| emit(&list, out)), raw, "{display}");
        }
    }

    #[test]
    fn the_old_accecn_experiment_counts_too() {
        let raw = hex("fe 04 ac ce");
        assert!(TcpOptions::parse(&raw).others.has(OptionSet::ACC_ECN));
    }

    #[test]
    fn wrong_length() {
        // MSS of three octets: told, and the window scale after it still read.
        let raw = hex("02 05 05 b4 00 03 03 07");
        let options = TcpOptions::parse(&raw);
        assert_eq!((options.mss, options.window_scale), (None, Some(7)));
        assert!(options.others.has(OptionSet::MALFORMED));
        assert_eq!(options.first_malformed(), 5);
        assert_eq!(options.to_string(), "unknown-2 [bad length 5],wscale 7");
        // Lengths that lead nowhere: 0, 1, and beyond the header.
        for text in [
            "03 03 07 02 00 05 b4 00",
            "03 03 07 02 01 05",
            "03 03 07 08 0a 00",
        ] {
            let raw = hex(text);
            let options = TcpOptions::parse(&raw);
            assert_eq!(options.window_scale, Some(7), "{text}");
            assert!(options.others.has(OptionSet::MALFORMED), "{text}");
            assert_eq!(options.iter().count(), 2, "{text}");
        }
    }

    #[test]
    fn empty() {
        let options = TcpOptions::parse(&[]);
        assert_eq!(options, TcpOptions::default());
        assert_eq!(options.to_string(), "");
    }

    #[test]
    fn ends_abruptly() {
        let raw = hex("02 04 05 b4  04 02  08 0a 00 00 00 01 00 00 00 00  05 0a 0000000100000002");
        let whole = [0, 4, 6, 16, 26];
        for len in 0..raw.len() {
            let options = TcpOptions::parse(&raw[..len]);
            let malformed = options.others.has(OptionSet::MALFORMED);
            assert_eq!(malformed, !whole.contains(&len), "{len} octets");
        }
    }

    #[test]
    fn hostile_lengths_of_sack_are_bounded() {
        // Six blocks, which no header has room for but this function is handed.
        let mut raw = vec![5, 50];
        raw.extend([7; 48]);
        assert_eq!(TcpOptions::parse(&raw).sack_blocks().len(), 4);
    }
}
