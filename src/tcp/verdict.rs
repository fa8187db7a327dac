//! What a segment is judged to be, why, and how sure that is.

use core::fmt;

use super::rule::Rule;
use crate::time::Span;

/// What a segment (or the acknowledgment in it) is judged to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The sender sent octets it had sent before.
    Retransmission,
    /// A first transmission that arrived after octets that were sent later.
    Reordered,
    /// The same packet again, not sent again.
    NetworkDuplicate,
    /// Octets before this segment have not been seen.
    Gap,
    /// A probe of an idle peer (RFC 9293 section 3.8.4).
    KeepAlive,
    /// A probe of a zero window (RFC 9293 section 3.8.6.1).
    WindowProbe,
    /// The advertised window is zero.
    ZeroWindow,
    /// The sender has used the peer's window to within a segment.
    WindowFull,
    /// A pure acknowledgment that only moves the window.
    WindowUpdate,
    /// RFC 5681 section 2, or new SACK information without a new acknowledgment.
    DuplicateAck,
    /// It acknowledges octets that the capture never saw.
    AckUnseen,
    /// A SACK block reports octets received twice (RFC 2883).
    Dsack,
    /// An acknowledgment that answers a RST or SYN that its sender does not believe (RFC 5961).
    ChallengeAck,
    /// The connection is reset.
    Reset,
    /// This SYN uses the sockets of an earlier connection.
    PortReused,
    /// The same sequence numbers as before, with other bytes.
    ConflictingOverlap,
    /// The receiver reports congestion (ECE outside the handshake, RFC 3168 section 6.1.3).
    EcnEcho,
    /// The packet was marked by a router (ECN codepoint CE, RFC 3168 section 5).
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

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How sure a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Confidence {
    /// The capture proves it.
    Certain,
    /// Inferred from timing or from a model.
    Likely,
    /// Two readings fit; the rule names the other.
    Ambiguous,
}

impl Confidence {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// What made the sender send again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// The retransmission timer of data (RFC 6298).
    Timeout,
    /// Duplicate acknowledgments or SACK (RFC 5681, 6675, 8985).
    Fast,
    /// The probe timer of the last segment in flight (RFC 8985 section 7).
    TailLossProbe,
    /// The timer of a SYN.
    Syn,
    /// The timer of a SYN-ACK.
    SynAck,
    /// The timer of a FIN.
    Fin,
}

impl Trigger {
    /// Every trigger, in the order of their declaration.
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

/// Whether sending again was needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// No copy had reached the receiver.
    Needed,
    /// A copy had.
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

/// Where the original was lost, seen from the tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// First transmissions filled it: they had been overtaken.
    FilledLate,
    /// A retransmission filled some of it.
    Lost,
    /// Acknowledged, and never seen: the capture missed it, or it went another way.
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

/// The frames that prove a verdict, together with its own, and the numbers that decided. What did
/// not count is `None` or zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// The frame that carried the same octets, or the same packet, before.
    pub original: Option<u64>,
    /// The frame whose place in the order of sending was compared.
    pub neighbour: Option<u64>,
    /// The last acknowledgment that asked for the octets.
    pub asked: Option<u64>,
    /// The frame that settled whether sending again was needed, or how a gap ended.
    pub settled: Option<u64>,
    /// Time since the same octets last passed, or since the last news that the sender had.
    pub waited: Option<Span>,
    /// The retransmission timeout that the sender would have (RFC 6298).
    pub timeout: Option<Span>,
    /// The shortest full round trip known.
    pub round_trip: Option<Span>,
    /// Duplicate acknowledgments for it.
    pub duplicate_acks: u32,
    /// IP identifications that were skipped just before it.
    pub skipped_ids: u32,
    /// How often the timer had run out before, without an answer.
    pub backoff: u32,
}

impl Proof {
    /// The frames, the one to look at first first.
    pub fn frames(&self) -> impl Iterator<Item = u64> + use<> {
        [self.settled, self.original, self.neighbour, self.asked]
            .into_iter()
            .flatten()
    }
}

/// A judgment of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it is.
    pub kind: Kind,
    /// The rule that says so.
    pub rule: Rule,
    /// How sure everything told is: as sure as the weakest of it.
    pub confidence: Confidence,
    /// For a retransmission: what made the sender send again; `None` is unknown.
    pub trigger: Option<Trigger>,
    /// The rule that says so.
    pub trigger_rule: Option<Rule>,
    /// For a retransmission: whether it was needed; `None` is unknown.
    pub need: Option<Need>,
    /// The rule that says so.
    pub need_rule: Option<Rule>,
    /// For a retransmission: where the original was lost; `None` is unknown, or nowhere.
    pub lost: Option<Lost>,
    /// For a gap: how it ended; `None` while it is open.
    pub resolution: Option<Resolution>,
    /// Octets concerned: resent, skipped, or in conflict.
    pub octets: u32,
    /// The frames and numbers that prove it.
    pub proof: Proof,
}

impl Verdict {
    /// A verdict with no more said than this.
    pub const fn new(kind: Kind, rule: Rule, confidence: Confidence) -> Self {
        Self {
            kind,
            rule,
            confidence,
            trigger: None,
            trigger_rule: None,
            need: None,
            need_rule: None,
            lost: None,
            resolution: None,
            octets: 0,
            proof: Proof {
                original: None,
                neighbour: None,
                asked: None,
                settled: None,
                waited: None,
                timeout: None,
                round_trip: None,
                duplicate_acks: 0,
                skipped_ids: 0,
                backoff: 0,
            },
        }
    }

    /// The same, concerning so many octets.
    pub const fn octets(mut self, octets: i64) -> Self {
        self.octets = if octets > u32::MAX as i64 {
            u32::MAX
        } else {
            octets as u32
        };
        self
    }

    /// The same, proved by the frame that carried this before.
    pub const fn original(mut self, frame: Option<u64>) -> Self {
        self.proof.original = frame;
        self
    }

    /// The same, proved by the place of this frame in the order of sending.
    pub const fn neighbour(mut self, frame: Option<u64>) -> Self {
        self.proof.neighbour = frame;
        self
    }

    /// The rules that decided, the one of the kind first.
    pub fn rules(&self) -> impl Iterator<Item = Rule> + use<> {
        [Some(self.rule), self.trigger_rule, self.need_rule]
            .into_iter()
            .flatten()
    }
}

/// In words: `retransmission (fast, spurious)`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        let details = [
            self.trigger.map(Trigger::name),
            self.need.map(Need::name),
            self.lost.map(Lost::name),
            self.resolution.map(Resolution::name),
            (self.confidence == Confidence::Ambiguous).then_some("ambiguous"),
        ];
        let mut separator = " (";
        for detail in details.into_iter().flatten() {
            write!(f, "{separator}{detail}")?;
            separator = ", ";
        }
        if separator == ", " {
            f.write_str(")")?;
        }
        Ok(())
    }
}
