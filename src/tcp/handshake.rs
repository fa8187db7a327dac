//! What the opening of a connection settles: options, round trips, who opened.

use super::rtt::plausible;
use super::{Arrived, Role};
use crate::time::{Span, Timestamp};
use crate::wire::tcp_option::{OptionSet, Timestamps};
use crate::wire::{Flags, Segment, SeqNum, TcpOptions};

/// The options that stood in an endpoint's SYN or SYN-ACK.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SynOptions {
    /// Maximum segment size in bytes.
    pub mss: Option<u16>,
    /// Window scale shift as offered.
    pub window_scale: Option<u8>,
    /// SACK permitted.
    pub sack_permitted: bool,
    /// Timestamps offered.
    pub timestamps: bool,
    /// What else was there.
    pub others: OptionSet,
    /// The window in that segment, never scaled.
    pub window: u16,
    /// ECN flags: a SYN with ECE and CWR asks, a SYN-ACK with ECE agrees (RFC 3168 section 6.1.1).
    pub ecn: bool,
}

impl SynOptions {
    /// Those of a SYN or SYN-ACK.
    pub fn of(segment: &Segment<'_>) -> Self {
        let options = &segment.options;
        Self {
            mss: options.mss,
            window_scale: options.window_scale,
            sack_permitted: options.sack_permitted,
            timestamps: options.timestamps.is_some(),
            others: options.others,
            window: segment.window,
            ecn: segment.flags.has(Flags::ECE),
        }
    }
}

/// When the segments of the handshake passed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Handshake {
    /// The first SYN.
    pub syn: Option<Timestamp>,
    /// The first SYN-ACK.
    pub syn_ack: Option<Timestamp>,
    /// The first acknowledgment of the SYN-ACK.
    pub ack: Option<Timestamp>,
    /// SYNs seen from the client, those sent again included.
    pub syns: u32,
    /// SYN-ACKs seen.
    pub syn_acks: u32,
}

impl Handshake {
    /// From the SYN to the SYN-ACK: the round trip from the tap to the server. Nothing when the
    /// SYN was sent more than once (Karn's rule).
    pub fn server_half(&self) -> Option<Span> {
        (self.syns == 1)
            .then_some(self.syn_ack? - self.syn?)
            .filter(plausible)
    }

    /// From the SYN-ACK to its acknowledgment: the round trip from the tap to the client. Nothing
    /// when the SYN-ACK was sent more than once.
    pub fn client_half(&self) -> Option<Span> {
        (self.syn_acks == 1)
            .then_some(self.ack? - self.syn_ack?)
            .filter(plausible)
    }

    /// Both halves together: the round trip between the two hosts.
    pub fn round_trip(&self) -> Option<Span> {
        Some(self.server_half()? + self.client_half()?)
    }
}

/// A first SYN, kept small: all there is of a half-open connection until a second segment comes.
/// A flood of SYNs costs little.
#[derive(Clone, Copy, Debug)]
pub struct Embryo {
    time: Timestamp,
    frame: u64,
    seq: SeqNum,
    ack: SeqNum,
    tsval: u32,
    tsecr: u32,
    wire_len: u32,
    ip_id: u32,
    source_port: u16,
    destination_port: u16,
    flags: Flags,
    window: u16,
    mss: u16,
    others: OptionSet,
    window_scale: u8,
    ttl: u8,
    /// Bits: MSS, scale, SACK, timestamps, IP identification were there.
    present: u8,
}

impl Embryo {
    /// A connection's first segment, if it is one that fits: a SYN without payload.
    pub fn of(arrived: &Arrived<'_>) -> Option<Self> {
        let segment = arrived.segment;
        if !segment.flags.has(Flags::SYN)
            || segment.flags.any(Flags::ACK | Flags::FIN | Flags::RST)
            || segment.payload_len > 0
        {
            return None;
        }
        let options = &segment.options;
        let timestamps = options
            .timestamps
            .unwrap_or(Timestamps { value: 0, echo: 0 });
        Some(Self {
            time: arrived.time,
            frame: arrived.frame,
            seq: segment.seq,
            ack: segment.ack,
            tsval: timestamps.value,
            tsecr: timestamps.echo,
            wire_len: arrived.wire_len,
            ip_id: arrived.ip_id.unwrap_or(0),
            source_port: segment.source_port,
            destination_port: segment.destination_port,
            flags: segment.flags,
            window: segment.window,
            mss: options.mss.unwrap_or(0),
            others: options.others,
            window_scale: options.window_scale.unwrap_or(0),
            ttl: arrived.ttl,
            present: u8::from(options.mss.is_some())
                | u8::from(options.window_scale.is_some()) << 1
                | u8::from(options.sack_permitted) << 2
                | u8::from(options.timestamps.is_some()) << 3
                | u8::from(arrived.ip_id.is_some()) << 4,
        })
    }

    /// Its sequence number.
    pub fn seq(&self) -> SeqNum {
        self.seq
    }

    /// Its frame.
    pub fn frame(&self) -> u64 {
        self.frame
    }

    /// When it passed.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Bytes of its frame on the wire.
    pub fn wire_len(&self) -> u32 {
        self.wire_len
    }

    /// The SYN as it arrived, to be played to a connection.
    pub fn replay<T>(&self, play: impl FnOnce(&Arrived<'_>) -> T) -> T {
        let has = |bit: u8| self.present & 1 << bit != 0;
        let segment = Segment {
            source_port: self.source_port,
            destination_port: self.destination_port,
            seq: self.seq,
            ack: self.ack,
            flags: self.flags,
            window: self.window,
            checksum: 0,
            urgent: 0,
            options: TcpOptions {
                mss: has(0).then_some(self.mss),
                window_scale: has(1).then_some(self.window_scale),
                sack_permitted: has(2),
                timestamps: has(3).then_some(Timestamps {
                    value: self.tsval,
                    echo: self.tsecr,
                }),
                others: self.others,
                ..TcpOptions::default()
            },
            payload_len: 0,
            payload: &[],
        };
        play(&Arrived {
            frame: self.frame,
            time: self.time,
            wire_len: self.wire_len,
            ip_id: has(4).then_some(self.ip_id),
            ttl: self.ttl,
            traffic_class: 0,
            ip: None,
            segment: &segment,
        })
    }
}

/// How a connection began, as far as the capture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opening {
    /// One host sent a SYN.
    Active,
    /// Both sent a SYN before either answered.
    Simultaneous,
    /// The capture began later than the connection.
    Midstream,
}

impl Opening {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Simultaneous => "simultaneous",
            Self::Midstream => "midstream",
        }
    }
}

/// How a connection ended, as far as the capture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Both hosts sent a FIN.
    Graceful,
    /// One host sent a FIN; the other has not.
    HalfClosed,
    /// A RST ended it.
    Reset,
    /// A RST (or an ICMP error) answered the SYN.
    Refused,
    /// One host sent again and again, and nothing came back.
    TimedOut,
    /// It goes on after the capture's end.
    Open,
}

impl Ending {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Graceful => "graceful",
            Self::HalfClosed => "half-closed",
            Self::Reset => "reset",
            Self::Refused => "refused",
            Self::TimedOut => "timed-out",
            Self::Open => "open",
        }
    }
}

/// Who closed (or reset) a connection first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Closer {
    /// This endpoint is the active closer; the other the passive one.
    One(Role),
    /// Both sent a FIN before either had seen the other's.
    Both,
}
