//! The journal of a network: what each host sent and why, and what became of it on the way.
//!
//! Whoever runs the network writes it: the simulated one ([`crate::generator::network`]) knows all
//! of it; a path between real kernels knows what passed, and asks the kernels for the reasons. The
//! order of entries is the order in which things happened.

use serde::{Deserialize, Serialize};

use super::{Side, Tap};
use crate::time::Timestamp;
use crate::wire::{self, Flags, LinkType, Transport};

/// A packet's index in its [`Journal`].
pub type Uid = u32;

/// Everything that was sent and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// Every packet, in order of sending. The index is its [`Uid`].
    pub packets: Vec<Packet>,
    /// Everything that happened, in order.
    pub log: Vec<Entry>,
}

/// A packet as its host sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When it left its host.
    pub sent: Timestamp,
    /// The connection it belongs to; any number that no other connection of this journal has.
    /// None for what belongs to no connection (an ICMP error).
    pub connection: Option<u32>,
    /// Whose packet it is, or claims to be.
    pub from: Side,
    /// What it says.
    pub header: Header,
    /// Why it was sent.
    pub reason: Reason,
    /// The state of its host after sending it, where that is known.
    pub state: Option<HostState>,
    /// Who wrote its stream before wrote other bytes at these positions.
    pub conflicts: bool,
}

/// What a packet says: the fields that answers depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Source address and port, where it has them.
    pub source: Option<std::net::SocketAddr>,
    /// Destination address and port, where it has them.
    pub destination: Option<std::net::SocketAddr>,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number; zero without the flag.
    pub ack: u32,
    /// Flags.
    pub flags: Flags,
    /// The window field, unscaled.
    pub window: u16,
    /// Octets of payload.
    pub payload: u32,
    /// SACK blocks, in order.
    pub sack: Vec<(u32, u32)>,
    /// The window scale option.
    pub window_scale: Option<u8>,
    /// Whether it permits SACK.
    pub sack_permitted: bool,
    /// TSval and TSecr.
    pub timestamps: Option<(u32, u32)>,
    /// The identification of the IP header, where it has one.
    pub ip_id: Option<u32>,
}

impl Header {
    /// Reads the headers of a frame; `None` when it holds no TCP segment. `wire_len` is its length
    /// before any cut.
    pub fn read(link: LinkType, frame: &[u8], wire_len: u32) -> Option<Self> {
        let decoded = wire::decode(link, frame, wire_len);
        let (Transport::Tcp(segment), Some(ip)) = (&decoded.transport, &decoded.ip) else {
            return None;
        };
        let mut header = Self {
            source: Some((ip.source.to_ip(), segment.source_port).into()),
            destination: Some((ip.destination.to_ip(), segment.destination_port).into()),
            seq: segment.seq.0,
            ack: segment.ack.0,
            flags: segment.flags,
            window: segment.window,
            payload: segment.payload_len,
            ip_id: ip.id,
            ..Self::default()
        };
        for option in segment.options.iter() {
            match option {
                wire::TcpOption::WindowScale(shift) => header.window_scale = Some(shift),
                wire::TcpOption::SackPermitted => header.sack_permitted = true,
                wire::TcpOption::Timestamps(stamps) => {
                    header.timestamps = Some((stamps.value, stamps.echo));
                }
                wire::TcpOption::Sack(blocks) => {
                    let blocks = blocks.as_slice().iter();
                    header.sack = blocks.map(|block| (block.left.0, block.right.0)).collect();
                }
                _ => {}
            }
        }
        Some(header)
    }

    /// Sequence numbers it takes: payload, SYN and FIN.
    pub fn sequence_len(&self) -> u32 {
        self.payload + u32::from(self.flags.has(Flags::SYN)) + u32::from(self.flags.has(Flags::FIN))
    }
}

/// Why a host sent a packet, as it knows itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reason {
    /// Nothing of the below, or the host does not tell: what was sent before then decides whether
    /// it was sent again, with an unknown trigger.
    #[default]
    Plain,
    /// Sent again, because of this.
    Again(Trigger),
    /// It asks an idle peer whether it is still there.
    KeepAlive,
    /// It asks whether a zero window has opened.
    WindowProbe,
    /// It answers what its host does not believe (RFC 5961).
    Challenge,
    /// A reset, and why.
    Reset(ResetReason),
    /// An intruder made it.
    Forged,
}

/// What made a host send again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// The retransmission timer of data (RFC 6298), and what follows it in the same recovery.
    Timeout,
    /// Duplicate acknowledgments, SACK or RACK (RFC 5681, 6675, 8985).
    Fast,
    /// The probe timer of the tail (RFC 8985 section 7).
    TailLossProbe,
    /// The timer of a SYN.
    Syn,
    /// The timer of a SYN-ACK, or a SYN that came again.
    SynAck,
    /// The timer of a FIN.
    Fin,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Self; 6] = [
        Self::Timeout,
        Self::Fast,
        Self::TailLossProbe,
        Self::Syn,
        Self::SynAck,
        Self::Fin,
    ];

    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Fast => "fast",
            Self::TailLossProbe => "tail-loss-probe",
            Self::Syn => "syn",
            Self::SynAck => "syn-ack",
            Self::Fin => "fin",
        }
    }
}

/// Why a host reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetReason {
    /// Nothing accepts the connection.
    Refused,
    /// The program gave up.
    Aborted,
    /// Data came for a program that had closed.
    AfterClose,
    /// A segment came that belongs to no connection.
    NoConnection,
    /// Nobody's: an intruder made it.
    Forged,
}

/// One of the two stretches of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leg {
    /// Between the client and the tap in the middle.
    Near,
    /// Between the tap in the middle and the server.
    Far,
}

/// Why a packet died on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// By chance, each packet for itself.
    RandomLoss,
    /// By chance, several in a row.
    BurstLoss,
    /// Chosen: the scenario wanted this packet gone.
    ChosenLoss,
    /// A queue was full.
    QueueOverflow,
    /// Nothing passed for a while.
    Blackout,
    /// Longer than the next link takes, and not to be fragmented.
    TooLong,
    /// A filter let nothing of its kind pass.
    Filtered,
    /// No host has this address.
    NoSuchHost,
    /// Damaged on the way, and thrown away by who looked at its checksum.
    Damaged,
}

impl Cause {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RandomLoss => "random-loss",
            Self::BurstLoss => "burst-loss",
            Self::ChosenLoss => "chosen-loss",
            Self::QueueOverflow => "queue-overflow",
            Self::Blackout => "blackout",
            Self::TooLong => "too-long",
            Self::Filtered => "filtered",
            Self::NoSuchHost => "no-such-host",
            Self::Damaged => "damaged",
        }
    }
}

/// Why a host that received a packet did not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Its checksum is wrong.
    Damaged,
    /// It lies outside the window.
    OutsideWindow,
    /// No room in the receive buffer.
    NoRoom,
    /// The queue of connections that nobody accepted yet is full.
    BacklogFull,
    /// No connection or listener takes it.
    NoSocket,
    /// It is older than what arrived before (RFC 7323 section 5).
    OldTimestamp,
    /// The connection is closed, or its flags make no sense there.
    Unacceptable,
}

/// The state of a host's end of a connection (RFC 9293 section 3.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
#[expect(missing_docs, reason = "the RFC's states")]
pub enum HostState {
    #[default]
    Closed,
    Listen,
    SynSent,
    SynReceived,
    Established,
    #[serde(rename = "FIN-WAIT-1")]
    FinWait1,
    #[serde(rename = "FIN-WAIT-2")]
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
}

impl HostState {
    /// The name in the RFC's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Listen => "LISTEN",
            Self::SynSent => "SYN-SENT",
            Self::SynReceived => "SYN-RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN-WAIT-1",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::CloseWait => "CLOSE-WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST-ACK",
            Self::TimeWait => "TIME-WAIT",
        }
    }
}

/// Something that happened to a copy of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// To which packet.
    pub packet: Uid,
    /// To which of its copies: 0 is the one that the host sent.
    pub copy: u16,
    /// What.
    pub happened: Happened,
}

/// What can happen to a copy of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It left its host.
    Sent,
    /// The path made it out of another copy.
    Copied(Leg),
    /// It passed a tap, whether or not the capture recorded it.
    Passed(Tap),
    /// The path damaged it; it goes on.
    Damaged(Leg),
    /// A router marked it (ECN codepoint CE); it goes on.
    Marked(Leg),
    /// It went no further.
    Died(Leg, Cause),
    /// It reached its destination.
    Arrived {
        /// Why the host did not take it; `None` when it did.
        refused: Option<Refusal>,
        /// The state of that host after it, where that is known.
        state: Option<HostState>,
    },
}

/// A frame of a capture: which copy of which packet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Capture time.
    pub time: Timestamp,
    /// The packet.
    pub packet: Uid,
    /// Which of its copies.
    pub copy: u16,
    /// Recorded a second time by the capture itself (a mirror port that sees both ways in).
    pub again: bool,
}

impl Journal {
    /// Writes down that a host sent a packet; gives the name by which its fate is told later.
    pub fn sent(&mut self, packet: Packet) -> Uid {
        let uid = self.packets.len() as Uid;
        let time = packet.sent;
        self.packets.push(packet);
        self.happened(time, uid, 0, Happened::Sent);
        uid
    }

    /// Writes down what became of a copy.
    pub fn happened(&mut self, time: Timestamp, packet: Uid, copy: u16, happened: Happened) {
        self.log.push(Entry {
            time,
            packet,
            copy,
            happened,
        });
    }

    /// Puts the log in order of time, for who gathered it from several places. What happened at
    /// the same time stays in the order in which it was written.
    pub fn sort(&mut self) {
        self.log.sort_by_key(|entry| entry.time);
    }
}
