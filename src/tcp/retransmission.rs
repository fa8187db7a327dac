//! What a segment is: evidence in, verdict out. Pure, and an ordered list of rules: the first
//! that applies decides, and names itself.

use super::rule::Rule;
use super::verdict::{Confidence, Kind, Lost, Need, Trigger, Verdict};
use crate::time::Span;

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
                .original(original);
        }
        let asked = e.duplicate_acks >= 3 || e.sacked_above;
        let copy = e.new == 0 && !e.differs && !asked;
        if copy && is_at_once(e) {
            return Verdict::new(Kind::NetworkDuplicate, Rule::SamePacketAtOnce, Likely)
                .octets(e.seen)
                .original(original);
        }
        if copy && e.acked && is_older(e) {
            return Verdict::new(Kind::NetworkDuplicate, Rule::SamePacketAgain, Likely)
                .octets(e.seen)
                .original(original);
        }
        let again = |rule, confidence| {
            let verdict = Verdict::new(Kind::Retransmission, rule, confidence);
            Verdict {
                lost: Some(Lost::AfterTap),
                ..verdict.octets(e.seen).original(original)
            }
        };
        let patience = e
            .round_trip
            .map_or(LEAST_TIMEOUT, |rtt| LEAST_TIMEOUT.max(rtt));
        if e.acked {
            let verdict = again(Rule::SeenBefore, Certain);
            return Verdict {
                need: Some(Need::Spurious),
                lost: None,
                ..verdict
            };
        }
        if asked {
            let verdict = again(Rule::SeenBefore, Likely);
            return Verdict {
                trigger: Some(Trigger::Fast),
                ..verdict
            };
        }
        if e.waited >= patience {
            let verdict = again(Rule::SeenBefore, Likely);
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
            .neighbour(above)
    };
    let resent = |rule, confidence| {
        let verdict = Verdict::new(Kind::Retransmission, rule, confidence);
        let trigger = (e.duplicate_acks >= 3 || e.sacked_above).then_some(Trigger::Fast);
        Verdict {
            need: Some(Need::Needed),
            lost: Some(Lost::BeforeTap),
            trigger,
            ..verdict.octets(e.new).neighbour(above)
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
        return resent(Rule::FilledAfterARoundTrip, Ambiguous);
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
                Rule::SeenBefore,
                "retransmission (spurious)",
            ),
            (
                Evidence {
                    duplicate_acks: 3,
                    ..seen()
                },
                Rule::SeenBefore,
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
                Rule::SeenBefore,
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
                Rule::SamePacketAgain,
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
                Rule::SeenBefore,
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
                Rule::SeenBefore,
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
                Rule::FilledAfterARoundTrip,
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
