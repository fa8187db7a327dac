//! TCP header (RFC 9293 section 3.1).

use core::fmt;
use core::ops::BitOr;

use super::{SeqNum, TcpOptions};

/// The twelve bits beside the data offset: reserved bits, AE (RFC 9768), CWR and ECE (RFC 3168),
/// URG, ACK, PSH, RST, SYN, FIN.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u16);

#[allow(missing_docs)]
impl Flags {
    pub const FIN: Self = Self(0x001);
    pub const SYN: Self = Self(0x002);
    pub const RST: Self = Self(0x004);
    pub const PSH: Self = Self(0x008);
    pub const ACK: Self = Self(0x010);
    pub const URG: Self = Self(0x020);
    pub const ECE: Self = Self(0x040);
    pub const CWR: Self = Self(0x080);
    pub const AE: Self = Self(0x100);
}

impl Flags {
    /// Whether all bits of `other` are set.
    #[inline]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    #[inline]
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// tcpdump's letters: `S`, `S.`, `P.`, `F.`, `R`, `.`, with `W` for CWR, `E` for ECE and `e`
    /// for AE; `none` without any.
    pub fn tcpdump(self) -> impl fmt::Display {
        Tcpdump(self)
    }
}

impl BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Names joined by `|`, as RFCs and Wireshark give them: `SYN|ACK`.
impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Flags, &str); 9] = [
            (Flags::FIN, "FIN"),
            (Flags::SYN, "SYN"),
            (Flags::RST, "RST"),
            (Flags::PSH, "PSH"),
            (Flags::ACK, "ACK"),
            (Flags::URG, "URG"),
            (Flags::ECE, "ECE"),
            (Flags::CWR, "CWR"),
            (Flags::AE, "AE"),
        ];
        let mut separator = "";
        for (flag, name) in NAMES {
            if self.has(flag) {
                write!(f, "{separator}{name}")?;
                separator = "|";
            }
        }
        if separator.is_empty() {
            f.write_str("none")?;
        }
        Ok(())
    }
}

struct Tcpdump(Flags);

impl fmt::Display for Tcpdump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LETTERS: [(Flags, &str); 9] = [
            (Flags::FIN, "F"),
            (Flags::SYN, "S"),
            (Flags::RST, "R"),
            (Flags::PSH, "P"),
            (Flags::ACK, "."),
            (Flags::URG, "U"),
            (Flags::ECE, "E"),
            (Flags::CWR, "W"),
            (Flags::AE, "e"),
        ];
        let mut text = String::new();
        for (flag, letter) in LETTERS {
            if self.0.has(flag) {
                text.push_str(letter);
            }
        }
        f.pad(if text.is_empty() { "none" } else { &text })
    }
}

/// A TCP segment as it stood in a frame.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number of the first octet (of the SYN, where there is one).
    pub seq: SeqNum,
    /// Acknowledgment number; meaningful only with [`Flags::ACK`].
    pub ack: SeqNum,
    /// Control bits.
    pub flags: Flags,
    /// Window as it stood, not scaled.
    pub window: u16,
    /// Checksum as it stood.
    pub checksum: u16,
    /// Urgent pointer; meaningful only with [`Flags::URG`].
    pub urgent: u16,
    /// Options, parsed once.
    pub options: TcpOptions<'a>,
    /// Payload bytes on the wire, by the IP length.
    pub payload_len: u32,
    /// The captured payload; shorter than `payload_len` when the frame was cut.
    pub payload: &'a [u8],
}

impl Segment<'_> {
    /// Octets of sequence space: payload, plus one each for SYN and FIN (RFC 9293 section 3.4).
    #[inline]
    pub fn sequence_len(&self) -> u32 {
        self.payload_len
            + u32::from(self.flags.has(Flags::SYN))
            + u32::from(self.flags.has(Flags::FIN))
    }
}
