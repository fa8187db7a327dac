//! The answer sheet: NDJSON, a line about the capture, one for each connection, one for each
//! frame. `docs/truth.md` describes it.

use std::io::{self, BufRead, Write};
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::journal::{Cause, HostState, Leg, Refusal, ResetReason, Trigger};
use super::{Side, Tap};

/// The name and version of the format, in the first line of every sheet.
pub const SCHEMA: &str = "tcplens-truth/1";

/// The answers to a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Of the capture as a whole.
    pub capture: CaptureTruth,
    /// Of each connection, by its number.
    pub connections: Vec<ConnectionTruth>,
    /// Of each frame, in order.
    pub frames: Vec<FrameTruth>,
}

/// What is true of the capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureTruth {
    /// [`SCHEMA`].
    pub schema: String,
    /// What made the traffic: the name of a scenario.
    pub scenario: String,
    /// The seed that makes the same again, where there is one.
    pub seed: Option<u64>,
    /// Where the capture was made.
    pub tap: Tap,
    /// Frames in the capture.
    pub frames: u64,
    /// Packets that passed the tap and that the capture missed.
    pub missed: u64,
}

/// What a frame is judged to be: the kinds that the analyzer has verdicts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The sender sent octets it had sent before.
    Retransmission,
    /// A first transmission that passed the tap after octets that were sent later.
    Reordered,
    /// The same packet again, not sent again: copied by the network or by the capture.
    NetworkDuplicate,
    /// Octets before this segment have not been captured.
    Gap,
    /// A probe of an idle peer.
    KeepAlive,
    /// A probe of a zero window.
    WindowProbe,
    /// The advertised window is zero.
    ZeroWindow,
    /// The sender has used the window that it knows.
    WindowFull,
    /// A pure acknowledgment that only moves the window.
    WindowUpdate,
    /// RFC 5681 section 2, or SACK news without a new acknowledgment.
    DuplicateAck,
    /// It acknowledges octets that the capture does not hold.
    AckUnseen,
    /// A SACK block reports octets received twice.
    Dsack,
    /// It answers what its host does not believe (RFC 5961).
    ChallengeAck,
    /// A reset.
    Reset,
    /// This SYN uses the sockets of an earlier connection.
    PortReused,
    /// The same sequence numbers as before, with other bytes.
    ConflictingOverlap,
    /// The receiver reports congestion (RFC 3168 section 6.1.3).
    EcnEcho,
    /// A router marked the packet (RFC 3168 section 5).
    CongestionExperienced,
}

impl Kind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 18] = [
        Self::Retransmission,
        Self::Reordered,
        Self::NetworkDuplicate,
        Self::Gap,
        Self::KeepAlive,
        Self::WindowProbe,
        Self::ZeroWindow,
        Self::WindowFull,
        Self::WindowUpdate,
        Self::DuplicateAck,
        Self::AckUnseen,
        Self::Dsack,
        Self::ChallengeAck,
        Self::Reset,
        Self::PortReused,
        Self::ConflictingOverlap,
        Self::EcnEcho,
        Self::CongestionExperienced,
    ];

    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retransmission => "retransmission",
            Self::Reordered => "reordered",
            Self::NetworkDuplicate => "network-duplicate",
            Self::Gap => "gap",
            Self::KeepAlive => "keep-alive",
            Self::WindowProbe => "window-probe",
            Self::ZeroWindow => "zero-window",
            Self::WindowFull => "window-full",
            Self::WindowUpdate => "window-update",
            Self::DuplicateAck => "duplicate-ack",
            Self::AckUnseen => "ack-unseen",
            Self::Dsack => "dsack",
            Self::ChallengeAck => "challenge-ack",
            Self::Reset => "reset",
            Self::PortReused => "port-reused",
            Self::ConflictingOverlap => "conflicting-overlap",
            Self::EcnEcho => "ecn-echo",
            Self::CongestionExperienced => "congestion-experienced",
        }
    }
}

/// What a frame is in one word, whatever else is true of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Is {
    /// A first transmission of octets, SYN or FIN, in order.
    Original,
    /// Sent again.
    Retransmission,
    /// A first transmission, overtaken before the tap.
    Reordered,
    /// A copy that the network made.
    NetworkDuplicate,
    /// A copy that the capture made.
    CaptureDuplicate,
    /// A probe of an idle peer.
    KeepAlive,
    /// A probe of a zero window.
    WindowProbe,
    /// An acknowledgment without data.
    Acknowledgment,
    /// A reset.
    Reset,
    /// No TCP segment of a connection: an ICMP error, for example.
    Other,
}

/// Whether sending again was needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Some octet of it had not been, and would not be, delivered by an earlier transmission.
    Needed,
    /// Earlier transmissions had delivered all of it, or still would.
    Spurious,
}

impl Need {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Needed => "needed",
            Self::Spurious => "spurious",
        }
    }
}

/// Why a retransmission was needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// Its original was still on the way.
    DataLate,
    /// The acknowledgment of its original was lost.
    AckLost,
    /// The acknowledgment of its original was still on the way, or not sent yet.
    AckLate,
}

/// Where the original was lost, seen from the tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lost {
    /// It never passed the tap.
    BeforeTap,
    /// It passed the tap.
    AfterTap,
}

impl Lost {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeTap => "before-tap",
            Self::AfterTap => "after-tap",
        }
    }
}

/// How a gap ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// Overtaken first transmissions fill all of it.
    FilledLate,
    /// Some of it never passed the tap as first sent.
    Lost,
    /// It passed the tap, and the capture missed some of it.
    NeverCaptured,
}

impl Resolution {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FilledLate => "filled-late",
            Self::Lost => "lost",
            Self::NeverCaptured => "never-captured",
        }
    }
}

/// What became of this copy of the packet after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The host took it.
    Arrived,
    /// The host got it and did not take it.
    Refused(Refusal),
    /// It died on the way.
    Died(Leg, Cause),
    /// It was on its way when everything ended.
    OnTheWay,
    /// Who made the sheet does not say.
    NotTold,
}

/// A question on a frame that nobody can answer who sees only what this tap saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknowable {
    /// Which.
    pub question: Question,
    /// For [`Question::Kind`]: of which kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Why.
    pub why: String,
}

/// What is asked of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// What it is.
    Kind,
    /// What made its sender send again.
    Trigger,
    /// Whether that was needed.
    Need,
    /// Where the original was lost.
    Lost,
    /// How a gap ended.
    Resolution,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Kind,
        Self::Trigger,
        Self::Need,
        Self::Lost,
        Self::Resolution,
    ];

    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Trigger => "trigger",
            Self::Need => "need",
            Self::Lost => "lost",
            Self::Resolution => "resolution",
        }
    }
}

/// What is true of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameTruth {
    /// Its number, from 1.
    pub frame: u64,
    /// Capture time in nanoseconds since 1970.
    pub nanos: i64,
    /// The connection: numbered from 0 in order of first frames, as the analyzer does.
    pub connection: Option<u32>,
    /// Whose packet it is, or claims to be.
    pub from: Side,
    /// The packet: all its copies have this number.
    pub packet: u32,
    /// Which copy of it: 0 is the one that the host sent.
    pub copy: u16,
    /// In one word.
    pub is: Is,
    /// Everything that must be said of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Kind>,
    /// Of a retransmission: what made its host send it; absent when the host does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// Of a retransmission: whether it was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<Need>,
    /// Of a needless one: why it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Because>,
    /// Of a needed one: where the transmissions before it were lost; after the tap, if one of them
    /// had passed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Lost>,
    /// … and what became of the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_by: Option<Fate>,
    /// The frame of the first transmission, or of the packet that this is a copy of, where the
    /// capture holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<u64>,
    /// Of a gap: how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Of a reset: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<ResetReason>,
    /// What became of this copy.
    pub fate: Fate,
    /// The client's state when both hosts were done with it: the sender has sent it, and the
    /// receiver has received it if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<HostState>,
    /// The server's state then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<HostState>,
    /// What nobody at this tap could know of all that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknowable: Vec<Unknowable>,
}

/// What a host did on a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostTruth {
    /// Its address and port.
    pub socket: Option<SocketAddr>,
    /// Packets it sent.
    pub packets: u64,
    /// … that died on the way, or arrived damaged.
    pub lost: u64,
    /// … that the network copied.
    pub copied: u64,
    /// Octets of payload, each counted once.
    pub octets: u64,
    /// Packets sent again that were needed, by what triggered them.
    pub needed: Triggers,
    /// Packets sent again that were not.
    pub spurious: Triggers,
    /// Its state at the end.
    pub state: Option<HostState>,
}

/// Retransmissions by trigger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Triggers {
    /// By the timer.
    pub timeout: u64,
    /// By acknowledgments.
    pub fast: u64,
    /// Probes of the tail.
    pub tail_loss_probe: u64,
    /// SYNs.
    pub syn: u64,
    /// SYN-ACKs.
    pub syn_ack: u64,
    /// FINs.
    pub fin: u64,
    /// The host does not tell.
    pub unknown: u64,
}

impl Triggers {
    /// Counts one.
    pub fn count(&mut self, trigger: Option<Trigger>) {
        *match trigger {
            Some(Trigger::Timeout) => &mut self.timeout,
            Some(Trigger::Fast) => &mut self.fast,
            Some(Trigger::TailLossProbe) => &mut self.tail_loss_probe,
            Some(Trigger::Syn) => &mut self.syn,
            Some(Trigger::SynAck) => &mut self.syn_ack,
            Some(Trigger::Fin) => &mut self.fin,
            None => &mut self.unknown,
        } += 1;
    }

    /// All of them.
    pub const fn total(&self) -> u64 {
        self.timeout
            + self.fast
            + self.tail_loss_probe
            + self.syn
            + self.syn_ack
            + self.fin
            + self.unknown
    }
}

/// What is true of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionTruth {
    /// Its number, from 0 in order of first frames.
    pub connection: u32,
    /// The first frame of it.
    pub first_frame: u64,
    /// The host that opened.
    pub client: HostTruth,
    /// The other.
    pub server: HostTruth,
    /// The shortest time between a packet's sending and the arrival of a packet that acknowledges
    /// it, at the client, in nanoseconds.
    pub round_trip: Option<i64>,
    /// Who closed first: sent the first FIN, or a RST before any.
    pub closed_by: Option<Side>,
}

impl ConnectionTruth {
    /// What one of its hosts did.
    pub const fn host(&mut self, side: Side) -> &mut HostTruth {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

/// A line of the sheet.
#[expect(clippy::large_enum_variant, reason = "one at a time, and not kept")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line {
    Capture(CaptureTruth),
    Connection(ConnectionTruth),
    Frame(FrameTruth),
}

impl Sheet {
    /// Writes it as NDJSON.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut line = |line: &Line| -> io::Result<()> {
            serde_json::to_writer(&mut *out, line)?;
            out.write_all(b"\n")
        };
        line(&Line::Capture(self.capture.clone()))?;
        for connection in &self.connections {
            line(&Line::Connection(connection.clone()))?;
        }
        for frame in &self.frames {
            line(&Line::Frame(frame.clone()))?;
        }
        Ok(())
    }

    /// Reads what [`Sheet::write`] wrote.
    ///
    /// # Errors
    /// With a sentence: when a line can't be read, or is of another format or version, or when
    /// frames are not in order.
    pub fn read(input: impl BufRead) -> Result<Self, String> {
        let mut sheet: Option<Self> = None;
        for (at, text) in input.lines().enumerate() {
            let number = at + 1;
            let text = text.map_err(|error| format!("line {number}: {error}"))?;
            if text.trim().is_empty() {
                continue;
            }
            let line = serde_json::from_str(&text)
                .map_err(|error| format!("line {number} is none of an answer sheet: {error}"))?;
            match (line, &mut sheet) {
                (Line::Capture(capture), None) if capture.schema == SCHEMA => {
                    sheet = Some(Self {
                        capture,
                        connections: Vec::new(),
                        frames: Vec::new(),
                    });
                }
                (Line::Capture(_), None) => {
                    return Err(format!("line {number}: the schema is not {SCHEMA}"));
                }
                (Line::Connection(connection), Some(sheet)) => sheet.connections.push(connection),
                (Line::Frame(frame), Some(sheet))
                    if frame.frame == sheet.frames.len() as u64 + 1 =>
                {
                    sheet.frames.push(frame);
                }
                (_, None) => return Err(format!("line {number}: the first line names no schema")),
                (_, Some(_)) => return Err(format!("line {number} is out of order")),
            }
        }
        sheet.ok_or_else(|| "it is empty".to_owned())
    }
}
