//! Which packets a part is after.

use super::Passing;
use crate::wire::Flags;

/// A choice of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those with payload.
    Data,
    /// … that were not sent before.
    NewData,
    /// Bare acknowledgments.
    Acks,
    /// SYNs, with or without ACK.
    Syn,
    /// FINs.
    Fin,
    /// Those that hold this position of their stream.
    Holding(i64),
    /// … and were not sent before.
    NewHolding(i64),
    /// Those that end what their host has to send for now.
    Tail,
}

impl Which {
    /// Whether this is one.
    pub fn takes(self, packet: &Passing<'_>) -> bool {
        let header = packet.header;
        let bare = header.sequence_len() == 0 && !header.flags.has(Flags::RST);
        let (start, end) = packet.range;
        match self {
            Self::All => true,
            Self::Data => header.payload > 0,
            Self::NewData => header.payload > 0 && !packet.again,
            Self::Acks => bare,
            Self::Syn => header.flags.has(Flags::SYN),
            Self::Fin => header.flags.has(Flags::FIN),
            Self::Holding(position) => start <= position && position < end,
            Self::NewHolding(position) => start <= position && position < end && !packet.again,
            Self::Tail => header.payload > 0 && packet.last && !packet.again,
        }
    }
}
