//! What a segment is: evidence in, verdict out. Pure, and an ordered list of rules: the first
//! that applies decides, and names itself.

use core::fmt;

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
    pub const ALL: [Self; 17] = [
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
    /// The timer of a SYN.
    Syn,
    /// The timer of a SYN-ACK.
    SynAck,
    /// The timer of a FIN.
    Fin,
}

impl Trigger {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Fast => "fast",
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

macro_rules! rules {
    ($($variant:ident $name:literal $says:literal;)*) => {
        /// The rule that decided. What each says is in [`Rule::says`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Rule {
            $(#[doc = $says] $variant,)*
        }

        impl Rule {
            /// Every rule, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name as it is printed.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What the rule says, in one sentence.
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)* }
            }
        }
    };
}

rules! {
    ProbeOfZeroWindow "probe-of-zero-window" "No or one octet at the edge of a peer's zero window: a window probe (RFC 9293 section 3.8.6.1).";
    ProbeOfIdlePeer "probe-of-idle-peer" "No or one octet just below SND.NXT with everything acknowledged: a keep-alive (RFC 9293 section 3.8.4).";
    SamePacketAgain "same-packet-again" "Same octets, same IP identification where it moves, same TSval: a copy made by the network or the capture, not sent again.";
    SamePacketAtOnce "same-packet-at-once" "Same octets, same TSval, no IP identification that tells packets apart, sooner than anything is sent again: a copy made by the network or the capture.";
    OlderByIpId "older-by-ip-id" "Octets acknowledged before, with an IP identification and TSval older than those of what was sent after them: a copy that was on its way, not sent again.";
    SameSynAgain "same-syn-again" "A SYN with a sequence number already seen in a SYN: sent again by the SYN timer.";
    SameFinAgain "same-fin-again" "A FIN at the position of a FIN already seen: sent again by its timer.";
    AckedBefore "acked-before" "Every octet was acknowledged in this capture before this segment passed: sent again needlessly.";
    SeenWithDuplicateAcks "seen-with-duplicate-acks" "The octets were seen before, and three duplicate acknowledgments or SACK asked for them: fast retransmission (RFC 5681, 6675).";
    SeenAfterSilence "seen-after-silence" "The octets were seen before, and nothing asked for them for as long as a retransmission timer: timeout (RFC 6298).";
    SeenBefore "seen-before" "The octets were seen before; what made the sender send them again does not show.";
    FilledByIpIdOrder "filled-by-ip-id-order" "The octets fill a hole, and the IP identification lies between those of the segments around it: the original, late.";
    FilledWithNewerIpId "filled-with-newer-ip-id" "The octets fill a hole, and the IP identification is newer than that of segments above it: sent again after them.";
    FilledByTimestampOrder "filled-by-timestamp-order" "The octets fill a hole, and TSval is older than that of the segment above it: the original, late.";
    FilledWithNewerTimestamp "filled-with-newer-timestamp" "The octets fill a hole, and TSval is newer than that of segments sent long after: sent again.";
    CapturedAfterItsAck "captured-after-its-ack" "The octets were acknowledged just before they were captured, and none above them had been: the capture changed the order, nothing was sent again.";
    FilledAtOnce "filled-at-once" "The octets fill a hole sooner than any recovery could: the original, late.";
    FilledAfterDuplicateAcks "filled-after-duplicate-acks" "The octets fill a hole that duplicate acknowledgments or SACK had reported: sent again. Reading it as reordering fits too when it is early.";
    FilledLate "filled-late" "The octets fill a hole after at least a round trip: sent again. Reading it as reordering fits too.";
    Skipped "skipped" "Sequence numbers were skipped: the octets between have not been seen.";
    WindowIsZero "window-is-zero" "The window field is zero outside a SYN, FIN or RST.";
    WindowUsedUp "window-used-up" "What was sent ends less than a segment before the edge of the peer's window.";
    OnlyWindowMoved "only-window-moved" "An empty segment with the same acknowledgment and another window.";
    SameAckAgain "same-ack-again" "An empty segment repeats the acknowledgment while data is outstanding (RFC 5681 section 2).";
    NewSackOnly "new-sack-only" "An empty segment repeats the acknowledgment and SACKs octets not SACKed before.";
    AckAboveAllSeen "ack-above-all-seen" "The acknowledgment lies above everything the capture has seen of the peer.";
    FirstBlockBelowAck "first-block-below-ack" "The first SACK block lies below the acknowledgment or inside the second block: a DSACK (RFC 2883 section 4).";
    ResetInWindow "reset-in-window" "A RST inside the receiver's window ends the connection (RFC 9293 section 3.5.2).";
    ResetRefuses "reset-refuses" "A RST answers a SYN: nothing accepts the connection.";
    ResetOutsideWindow "reset-outside-window" "A RST outside the receiver's window is not accepted (RFC 5961 section 3).";
    NewSynOnOldSockets "new-syn-on-old-sockets" "A SYN with another initial sequence number, or after the close, on the sockets of an earlier connection.";
    EchoFlag "echo-flag" "The ECE flag is set outside the handshake: the receiver has seen a mark (RFC 3168 section 6.1.3).";
    CodepointCe "codepoint-ce" "The ECN field of the IP header is CE: a router marked the packet instead of dropping it (RFC 3168 section 5).";
    BytesDiffer "bytes-differ" "Octets at sequence numbers seen before have other values.";
}

/// A judgment of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it is.
    pub kind: Kind,
    /// The rule that says so.
    pub rule: Rule,
    /// How sure that is.
    pub confidence: Confidence,
    /// For a retransmission: what made the sender send again; `None` is unknown.
    pub trigger: Option<Trigger>,
    /// For a retransmission: whether it was needed; `None` is unknown.
    pub need: Option<Need>,
    /// For a retransmission: where the original was lost; `None` is unknown.
    pub lost: Option<Lost>,
    /// Octets concerned: resent, skipped, or in conflict.
    pub octets: u32,
    /// The frame that proves it, with this one: the original, or what was acknowledged.
    pub proof: Option<u64>,
}

impl Verdict {
    /// A verdict with no more said than this.
    /// A verdict of which no more is known yet.
    pub const fn new(kind: Kind, rule: Rule, confidence: Confidence) -> Self {
        Self {
            kind,
            rule,
            confidence,
            trigger: None,
            need: None,
            lost: None,
            octets: 0,
            proof: None,
        }
    }

    /// The same, concerning this many octets.
    /// The same, concerning so many octets.
    pub const fn octets(mut self, octets: i64) -> Self {
        self.octets = if octets > u32::MAX as i64 {
            u32::MAX
        } else {
            octets as u32
        };
        self
    }

    /// The same, proved by this frame.
    /// The same, proved by this frame.
    pub const fn proof(mut self, frame: Option<u64>) -> Self {
        self.proof = frame;
        self
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

/// What is known when octets that are not simply next in order are judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence {
    /// Octets of the segment seen before.
    pub seen: i64,
    /// Octets of the segment never seen before.
    pub new: i64,
    /// All of it was acknowledged before.
    pub acked: bool,
    /// The first segment seen that holds any of these octets.
    pub original: Option<Neighbour>,
    /// The nearest segment below.
    pub below: Option<Neighbour>,
    /// The nearest segment above.
    pub above: Option<Neighbour>,
    /// The segment that holds the highest octets sent before.
    pub newest: Option<Neighbour>,
    /// Whether its octets differ from those seen before.
    pub differs: bool,
    /// Time since the segment above passed (for a hole) or since the original last did.
    pub waited: Span,
    /// This segment's IP identification.
    pub ip_id: Option<u32>,
    /// Whether the sender's IP identification moves from packet to packet.
    pub ip_id_moves: bool,
    /// This segment's TSval.
    pub tsval: Option<u32>,
    /// Duplicate acknowledgments for the octets before it, or SACKed octets above it.
    pub duplicate_acks: u32,
    /// Whether octets above it are SACKed.
    pub sacked_above: bool,
    /// The shortest full round trip known.
    pub round_trip: Option<Span>,
}

/// A segment beside the one that is judged.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    /// Its frame.
    pub frame: u64,
    /// Its IP identification.
    pub ip_id: Option<u32>,
    /// Its TSval.
    pub tsval: Option<u32>,
}

/// The least time in which a sender could notice a loss and mend it, when no round trip is known:
/// what tools of the field use.
const SOONEST_RECOVERY: Span = Span::from_millis(3);
/// Sooner than anything is sent again that no duplicate acknowledgment asks for: tail loss probes
/// and timers wait for longer on any system.
pub(super) const AT_ONCE: Span = Span::from_millis(1);
/// The least retransmission timeout in use (Linux `TCP_RTO_MIN`; RFC 6298 says 1 s).
const LEAST_TIMEOUT: Span = Span::from_millis(200);

/// Judges octets that were seen before or fill a hole.
pub fn verdict(evidence: &Evidence) -> Verdict {
    use Confidence::{Ambiguous, Certain, Likely};
    let e = evidence;
    let original = e.original.map(|original| original.frame);
    if e.seen > 0 {
        let same_packet = e.new == 0
            && e.ip_id_moves
            && e.original.is_some_and(|original| {
                original.ip_id.is_some() && original.ip_id == e.ip_id && original.tsval == e.tsval
            });
        if same_packet {
            return Verdict::new(Kind::NetworkDuplicate, Rule::SamePacketAgain, Likely)
                .octets(e.seen)
                .proof(original);
        }
        let asked = e.duplicate_acks >= 3 || e.sacked_above;
        let copy = e.new == 0 && !e.differs && !asked;
        if copy && is_at_once(e) {
            return Verdict::new(Kind::NetworkDuplicate, Rule::SamePacketAtOnce, Likely)
                .octets(e.seen)
                .proof(original);
        }
        if copy && e.acked && is_older(e) {
            return Verdict::new(Kind::NetworkDuplicate, Rule::OlderByIpId, Likely)
                .octets(e.seen)
                .proof(original);
        }
        let again = |rule, confidence| {
            let verdict = Verdict::new(Kind::Retransmission, rule, confidence);
            Verdict {
                lost: Some(Lost::AfterTap),
                ..verdict.octets(e.seen).proof(original)
            }
        };
        let patience = e
            .round_trip
            .map_or(LEAST_TIMEOUT, |rtt| LEAST_TIMEOUT.max(rtt));
        if e.acked {
            let verdict = again(Rule::AckedBefore, Certain);
            return Verdict {
                need: Some(Need::Spurious),
                lost: None,
                ..verdict
            };
        }
        if asked {
            let verdict = again(Rule::SeenWithDuplicateAcks, Likely);
            return Verdict {
                trigger: Some(Trigger::Fast),
                ..verdict
            };
        }
        if e.waited >= patience {
            let verdict = again(Rule::SeenAfterSilence, Likely);
            return Verdict {
                trigger: Some(Trigger::Timeout),
                ..verdict
            };
        }
        return again(Rule::SeenBefore, Certain);
    }

    let above = e.above.map(|above| above.frame);
    let late = |rule, confidence| {
        Verdict::new(Kind::Reordered, rule, confidence)
            .octets(e.new)
            .proof(above)
    };
    let resent = |rule, confidence| {
        let verdict = Verdict::new(Kind::Retransmission, rule, confidence);
        let trigger = (e.duplicate_acks >= 3 || e.sacked_above).then_some(Trigger::Fast);
        Verdict {
            need: Some(Need::Needed),
            lost: Some(Lost::BeforeTap),
            trigger,
            ..verdict.octets(e.new).proof(above)
        }
    };
    if let Some(order) = ip_id_order(e) {
        return match order {
            Order::Before => late(Rule::FilledByIpIdOrder, Likely),
            Order::After => resent(Rule::FilledWithNewerIpId, Likely),
        };
    }
    let tsval_of = |neighbour: Option<Neighbour>| neighbour.and_then(|n| n.tsval);
    if let (Some(ours), Some(theirs)) = (e.tsval, tsval_of(e.above)) {
        let ticks = ours.wrapping_sub(theirs) as i32;
        if ticks < 0 {
            return late(Rule::FilledByTimestampOrder, Likely);
        }
        if ticks > 0 {
            return resent(Rule::FilledWithNewerTimestamp, Likely);
        }
    }
    if e.waited
        < e.round_trip
            .unwrap_or(SOONEST_RECOVERY)
            .min(SOONEST_RECOVERY)
    {
        return late(Rule::FilledAtOnce, Likely);
    }
    if e.duplicate_acks >= 3 || e.sacked_above {
        return resent(Rule::FilledAfterDuplicateAcks, Ambiguous);
    }
    resent(Rule::FilledLate, Ambiguous)
}

/// Whether the octets passed just before, in a packet that nothing tells from this one.
fn is_at_once(e: &Evidence) -> bool {
    let told_apart = |original: Neighbour| {
        original.ip_id != e.ip_id
            || original.tsval != e.tsval
            || (e.ip_id_moves && e.ip_id.is_some_and(|id| id != 0))
    };
    e.original.is_some_and(|original| !told_apart(original)) && e.waited < AT_ONCE
}

/// Whether this packet left its sender before one that has passed already, and not long before.
fn is_older(e: &Evidence) -> bool {
    const FEW: u16 = 256;
    let (Some(ours), Some(newest)) = (e.ip_id, e.newest) else {
        return false;
    };
    let by_id = newest
        .ip_id
        .is_some_and(|newest| (1..FEW).contains(&(newest as u16).wrapping_sub(ours as u16)));
    let by_time = match (e.tsval, newest.tsval) {
        (Some(ours), Some(newest)) => ours.wrapping_sub(newest) as i32 <= 0,
        _ => true,
    };
    e.ip_id_moves && by_id && by_time
}

enum Order {
    Before,
    After,
}

/// Whether this segment left its sender before or after the one above it, by IP identification
/// (a 16-bit counter on many systems); `None` where it can't tell.
fn ip_id_order(e: &Evidence) -> Option<Order> {
    let (ours, above) = (e.ip_id?, e.above?.ip_id?);
    if !e.ip_id_moves {
        return None;
    }
    let from_above = (ours as u16).wrapping_sub(above as u16) as i16;
    match e.below.and_then(|below| below.ip_id) {
        Some(below) => {
            let from_below = (ours as u16).wrapping_sub(below as u16) as i16;
            match (from_below > 0, from_above > 0) {
                (true, false) => Some(Order::Before),
                (true, true) if from_above < 4096 => Some(Order::After),
                _ => None,
            }
        }
        None => match from_above {
            -64..=-1 => Some(Order::Before),
            1..4096 => Some(Order::After),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(frame: u64, ip_id: u32, tsval: u32) -> Option<Neighbour> {
        Some(Neighbour {
            frame,
            ip_id: Some(ip_id),
            tsval: Some(tsval),
        })
    }

    fn hole() -> Evidence {
        Evidence {
            new: 1000,
            waited: Span::from_millis(40),
            ..Evidence::default()
        }
    }

    fn seen() -> Evidence {
        Evidence {
            seen: 1000,
            original: near(7, 100, 50),
            waited: Span::from_millis(40),
            ..Evidence::default()
        }
    }

    fn told(evidence: &Evidence) -> (Rule, String) {
        let verdict = verdict(evidence);
        (verdict.rule, verdict.to_string())
    }

    #[test]
    fn each_rule_and_its_neighbour() {
        let moving = |ip_id, e: Evidence| Evidence {
            ip_id: Some(ip_id),
            ip_id_moves: true,
            ..e
        };
        for (evidence, rule, words) in [
            (seen(), Rule::SeenBefore, "retransmission (after-tap)"),
            (
                Evidence {
                    acked: true,
                    ..seen()
                },
                Rule::AckedBefore,
                "retransmission (spurious)",
            ),
            (
                Evidence {
                    duplicate_acks: 3,
                    ..seen()
                },
                Rule::SeenWithDuplicateAcks,
                "retransmission (fast, after-tap)",
            ),
            (
                Evidence {
                    duplicate_acks: 2,
                    ..seen()
                },
                Rule::SeenBefore,
                "retransmission (after-tap)",
            ),
            (
                Evidence {
                    waited: Span::from_millis(200),
                    ..seen()
                },
                Rule::SeenAfterSilence,
                "retransmission (timeout, after-tap)",
            ),
            (
                Evidence {
                    tsval: Some(50),
                    ..moving(100, seen())
                },
                Rule::SamePacketAgain,
                "network-duplicate",
            ),
            (
                Evidence {
                    tsval: Some(51),
                    ..moving(100, seen())
                },
                Rule::SeenBefore,
                "retransmission (after-tap)",
            ),
            (
                Evidence {
                    tsval: Some(50),
                    ip_id: Some(100),
                    waited: Span::from_nanos(100_000),
                    ..seen()
                },
                Rule::SamePacketAtOnce,
                "network-duplicate",
            ),
            (
                Evidence {
                    tsval: Some(50),
                    ip_id: Some(100),
                    waited: Span::from_nanos(100_000),
                    differs: true,
                    ..seen()
                },
                Rule::SeenBefore,
                "retransmission (after-tap)",
            ),
            (
                Evidence {
                    tsval: Some(50),
                    ip_id: Some(100),
                    waited: Span::from_millis(1),
                    ..seen()
                },
                Rule::SeenBefore,
                "retransmission (after-tap)",
            ),
            (
                Evidence {
                    tsval: Some(50),
                    acked: true,
                    original: None,
                    newest: near(9, 104, 50),
                    ..moving(100, seen())
                },
                Rule::OlderByIpId,
                "network-duplicate",
            ),
            (
                Evidence {
                    tsval: Some(51),
                    acked: true,
                    original: None,
                    newest: near(9, 104, 50),
                    ..moving(100, seen())
                },
                Rule::AckedBefore,
                "retransmission (spurious)",
            ),
            (
                Evidence {
                    tsval: Some(50),
                    acked: true,
                    original: None,
                    newest: near(9, 104, 50),
                    ..moving(105, seen())
                },
                Rule::AckedBefore,
                "retransmission (spurious)",
            ),
            (
                moving(
                    5,
                    Evidence {
                        below: near(1, 4, 0),
                        above: near(3, 6, 0),
                        ..hole()
                    },
                ),
                Rule::FilledByIpIdOrder,
                "reordered",
            ),
            (
                moving(
                    9,
                    Evidence {
                        below: near(1, 4, 0),
                        above: near(3, 6, 0),
                        ..hole()
                    },
                ),
                Rule::FilledWithNewerIpId,
                "retransmission (needed, before-tap)",
            ),
            (
                Evidence {
                    tsval: Some(9),
                    above: near(3, 0, 10),
                    ..hole()
                },
                Rule::FilledByTimestampOrder,
                "reordered",
            ),
            (
                Evidence {
                    tsval: Some(11),
                    above: near(3, 0, 10),
                    ..hole()
                },
                Rule::FilledWithNewerTimestamp,
                "retransmission (needed, before-tap)",
            ),
            (
                Evidence {
                    waited: Span::from_millis(1),
                    ..hole()
                },
                Rule::FilledAtOnce,
                "reordered",
            ),
            (
                Evidence {
                    sacked_above: true,
                    ..hole()
                },
                Rule::FilledAfterDuplicateAcks,
                "retransmission (fast, needed, before-tap, ambiguous)",
            ),
            (
                hole(),
                Rule::FilledLate,
                "retransmission (needed, before-tap, ambiguous)",
            ),
        ] {
            assert_eq!(told(&evidence), (rule, words.to_owned()), "{evidence:?}");
        }
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> =
            Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        let kinds: std::collections::BTreeSet<_> =
            Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(kinds.len(), Kind::ALL.len());
    }
}
