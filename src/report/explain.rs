//! What verdicts and rules mean, where they come from, and how the usual tool differs.

use std::io;

use super::text::{Lines, left, wrap};
use crate::report::style::Tone;
use crate::tcp::{Kind, Rule};

pub use super::text::Look;

/// What a kind of verdict says of a segment, and the rules that can give it.
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    /// The kind.
    pub kind: Kind,
    /// What the segment, or the acknowledgment in it, does.
    pub says: &'static str,
    /// The rules.
    pub rules: &'static [Rule],
}

const fn meaning(kind: Kind, says: &'static str, rules: &'static [Rule]) -> Meaning {
    Meaning { kind, says, rules }
}

/// Every kind of verdict.
pub const KINDS: [Meaning; Kind::ALL.len()] = [
    meaning(
        Kind::Retransmission,
        "holds octets that its sender had sent before",
        &[
            Rule::SameSynAgain,
            Rule::SynAckTwice,
            Rule::AnswersAnEarlierSyn,
            Rule::SeenBefore,
            Rule::FilledWithNewerIpId,
            Rule::FilledWithNewerTimestamp,
            Rule::FilledAfterARoundTrip,
            Rule::FilledLate,
            Rule::SkippedItsOriginal,
        ],
    ),
    meaning(
        Kind::Reordered,
        "was sent once, and passed after octets that were sent later",
        &[
            Rule::FilledByIpIdOrder,
            Rule::FilledByTimestampOrder,
            Rule::FilledAtOnce,
            Rule::CapturedAfterItsAck,
            Rule::OvertakenByItsRetransmission,
        ],
    ),
    meaning(
        Kind::NetworkDuplicate,
        "is the same packet again, not sent again",
        &[
            Rule::SamePacketAgain,
            Rule::SamePacketAtOnce,
            Rule::SamePacketWithoutCause,
        ],
    ),
    meaning(
        Kind::Gap,
        "comes after octets that have not been seen",
        &[Rule::Skipped],
    ),
    meaning(
        Kind::KeepAlive,
        "probes an idle peer",
        &[Rule::ProbeOfIdlePeer],
    ),
    meaning(
        Kind::WindowProbe,
        "probes a zero window",
        &[Rule::ProbeOfZeroWindow],
    ),
    meaning(
        Kind::ZeroWindow,
        "advertises a window of zero",
        &[Rule::WindowIsZero],
    ),
    meaning(
        Kind::WindowFull,
        "fills its peer's window to within a segment",
        &[Rule::WindowUsedUp, Rule::WindowNearlyUsedUp],
    ),
    meaning(
        Kind::WindowUpdate,
        "only moves the window",
        &[Rule::OnlyWindowMoved],
    ),
    meaning(
        Kind::DuplicateAck,
        "repeats an acknowledgment, or brings news in SACK alone",
        &[Rule::SameAckAgain, Rule::NewSackOnly],
    ),
    meaning(
        Kind::AckUnseen,
        "acknowledges octets that the capture never saw",
        &[Rule::AckAboveAllSeen, Rule::AckOfAGap],
    ),
    meaning(
        Kind::Dsack,
        "reports octets received twice",
        &[Rule::FirstBlockBelowAck],
    ),
    meaning(
        Kind::ChallengeAck,
        "answers a RST or SYN that its sender does not believe",
        &[Rule::AnswerToDisbelief],
    ),
    meaning(
        Kind::Reset,
        "resets the connection",
        &[
            Rule::ResetRefuses,
            Rule::ResetAborts,
            Rule::ResetAnswersLateData,
            Rule::ResetAfterClose,
            Rule::ResetOutsideWindow,
            Rule::ResetOffTheMark,
            Rule::ResetFromElsewhere,
        ],
    ),
    meaning(
        Kind::PortReused,
        "is a SYN between the sockets of an earlier connection",
        &[Rule::NewSynOnOldSockets],
    ),
    meaning(
        Kind::ConflictingOverlap,
        "repeats sequence numbers with other bytes",
        &[Rule::BytesDiffer],
    ),
    meaning(
        Kind::EcnEcho,
        "reports congestion to its peer (ECE)",
        &[Rule::EchoFlag],
    ),
    meaning(
        Kind::CongestionExperienced,
        "was marked by a router (CE)",
        &[Rule::CodepointCe],
    ),
];

/// The rules of two questions that are asked of retransmissions.
pub const QUESTIONS: [(&str, &[Rule]); 2] = [
    (
        "trigger: what made the sender send again",
        &[
            Rule::AskedBySack,
            Rule::AskedByDuplicateAcks,
            Rule::AskedByPartialAck,
            Rule::TooSoonForATimer,
            Rule::SilenceOfATimer,
            Rule::NobodyAsked,
            Rule::AfterATimeout,
            Rule::ProbeOfTheTail,
            Rule::SlowStartAfterIt,
        ],
    ),
    (
        "need: whether sending again was needed",
        &[
            Rule::AckedBefore,
            Rule::SackedBefore,
            Rule::DsackReported,
            Rule::AckedTooSoon,
            Rule::EchoOfTheOriginal,
            Rule::OriginalArrivedLater,
            Rule::SeenBesideTheReceiver,
            Rule::NobodyAnswers,
            Rule::CarriedByLaterData,
            Rule::CopiedOnTheWay,
            Rule::AcknowledgedInTime,
            Rule::HoleStayed,
            Rule::NothingArrivedBefore,
        ],
    ),
];

/// Something that can be explained.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// A rule.
    Rule(Rule),
    /// A kind of verdict.
    Kind(&'static Meaning),
}

impl Subject {
    /// The rule or kind of this name, however its words are joined.
    pub fn named(name: &str) -> Option<Self> {
        let name = plain(name);
        if let Some(rule) = Rule::named(&name) {
            return Some(Self::Rule(rule));
        }
        let kind = KINDS.iter().find(|each| each.kind.name() == name);
        kind.map(Self::Kind)
    }
}

/// Small letters and hyphens, as names have.
fn plain(name: &str) -> String {
    let joined = name.trim().replace(['_', ' '], "-");
    joined.to_ascii_lowercase()
}

/// Names near to one that is not there, the nearest first.
pub fn near(name: &str) -> Vec<&'static str> {
    /// More would be a list of its own.
    const MOST: usize = 5;
    /// No name is longer; what is typed may be.
    const LONGEST: usize = 64;
    let name: String = plain(name).chars().take(LONGEST).collect();
    let kinds = Kind::ALL.iter().map(|kind| kind.name());
    let rules = Rule::ALL.iter().map(|rule| rule.name());
    let mut found: Vec<_> = kinds
        .chain(rules)
        .filter_map(|known| {
            let words = name.split('-').filter(|word| word.len() > 3);
            let shared = words
                .filter(|word| known.split('-').any(|other| distance(word, other) <= 1))
                .count();
            let away = distance(&name, known);
            let is_part = name.len() > 2 && known.contains(&name);
            let is_near = is_part || shared > 0 || away <= 3.min(name.len() / 2);
            let bonus = 8 * shared + if is_part { 16 } else { 0 };
            is_near.then_some((away as isize - bonus as isize, known))
        })
        .collect();
    found.sort_by_key(|&(away, _)| away);
    found
        .into_iter()
        .map(|(_, known)| known)
        .take(MOST)
        .collect()
}

/// Letters to insert, take out or replace to come from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut next = vec![above + 1];
        for ((&corner, &up), &known) in row.iter().zip(row.iter().skip(1)).zip(&other) {
            let replaced = corner + usize::from(letter != known);
            let beside = next.last().map_or(usize::MAX, |&beside| beside + 1);
            next.push(replaced.min(up + 1).min(beside));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// The first sentence of a text.
pub fn first_sentence(text: &str) -> &str {
    match text.split_once(". ") {
        Some((first, _)) => text.get(..=first.len()).unwrap_or(text),
        None => text,
    }
}

/// Explains one rule, or one kind of verdict with its rules.
///
/// # Errors
/// When writing fails.
pub fn one(subject: Subject, look: Look, out: &mut dyn io::Write) -> io::Result<()> {
    let mut lines = Lines::new(look, out);
    match subject {
        Subject::Rule(rule) => {
            lines.line(Tone::Heading, rule.name())?;
            paragraph(&mut lines, rule.says())?;
            lines.blank()?;
            lines.labelled("decides", Tone::Plain, &decides(rule))?;
            lines.labelled("source", Tone::Plain, rule.source())?;
            let tshark = match rule.tshark() {
                "" => "the same",
                differs => differs,
            };
            lines.labelled("tshark", Tone::Plain, tshark)
        }
        Subject::Kind(meaning) => {
            lines.line(Tone::Heading, meaning.kind.name())?;
            let says = format!(
                "The segment, or the acknowledgment in it, {}.",
                meaning.says
            );
            paragraph(&mut lines, &says)?;
            lines.blank()?;
            rules(&mut lines, "Rules", meaning.rules)?;
            if meaning.kind == Kind::Retransmission {
                for (question, of) in QUESTIONS {
                    lines.blank()?;
                    rules(&mut lines, question, of)?;
                }
            }
            Ok(())
        }
    }
}

/// Lists every rule.
///
/// # Errors
/// When writing fails.
pub fn all(look: Look, out: &mut dyn io::Write) -> io::Result<()> {
    let mut lines = Lines::new(look, out);
    for meaning in &KINDS {
        rules(&mut lines, meaning.kind.name(), meaning.rules)?;
        if meaning.kind == Kind::Retransmission {
            for (question, of) in QUESTIONS {
                rules(&mut lines, &format!("retransmission, {question}"), of)?;
            }
        }
    }
    lines.blank()?;
    paragraph(&mut lines, "`tcplens explain NAME` tells more of one.")
}

fn paragraph(lines: &mut Lines<'_>, text: &str) -> io::Result<()> {
    for part in wrap(text, lines.look.width) {
        lines.line(Tone::Plain, part)?;
    }
    Ok(())
}

/// A heading, and below it rules with their first sentences.
fn rules(lines: &mut Lines<'_>, heading: &str, rules: &[Rule]) -> io::Result<()> {
    for part in wrap(heading, lines.look.width) {
        lines.line(Tone::Heading, part)?;
    }
    for rule in rules {
        beside(lines, *rule, first_sentence(rule.says()))?;
    }
    Ok(())
}

/// A rule's name, and text beside it, or below it where there is no room.
pub(super) fn beside(lines: &mut Lines<'_>, rule: Rule, text: &str) -> io::Result<()> {
    /// Columns of the longest name, two before and two after it.
    const NAME: usize = 35;
    /// Columns that a sentence needs beside the names; else it stands below them.
    const LEAST: usize = 36;
    const BELOW: usize = 6;
    let mut start = format!("  {}", rule.name());
    let mut indent = NAME;
    if lines.look.width < NAME + LEAST {
        lines.line(Tone::Plain, &start)?;
        start = String::new();
        indent = BELOW;
    }
    for part in wrap(text, lines.look.width.saturating_sub(indent).max(20)) {
        let text = format!("{}{part}", left(&start, indent));
        lines.line(Tone::Plain, &text)?;
        start = String::new();
    }
    Ok(())
}

/// What a rule decides.
fn decides(rule: Rule) -> String {
    let question = QUESTIONS.iter().find(|(_, of)| of.contains(&rule));
    if let Some((question, _)) = question {
        return format!("of a retransmission, its {question}");
    }
    let kinds: Vec<_> = KINDS
        .iter()
        .filter(|each| each.rules.contains(&rule))
        .map(|each| each.kind.name())
        .collect();
    kinds.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_place_and_room() {
        for rule in Rule::ALL {
            let places = KINDS.iter().map(|each| each.rules);
            let places = places.chain(QUESTIONS.iter().map(|(_, of)| *of));
            let count = places.filter(|of| of.contains(rule)).count();
            assert!(count > 0, "{} stands nowhere in this file", rule.name());
            assert_ne!(decides(*rule), "");
            assert!(rule.name().len() <= 31, "too long for the column");
        }
        for (meaning, kind) in KINDS.iter().zip(Kind::ALL) {
            assert_eq!(meaning.kind, kind);
        }
    }

    #[test]
    fn names_that_are_near() {
        assert_eq!(near("seen-befor").first(), Some(&"seen-before"));
        assert_eq!(near("retransmision").first(), Some(&"retransmission"));
        assert_eq!(near("DSACK reported!").first(), Some(&"dsack-reported"));
        assert_eq!(near("reorder").first(), Some(&"reordered"));
        assert!(near("xyzzy").is_empty());
        assert!(near("").is_empty());
        assert!(near(&"a".repeat(1 << 20)).is_empty());
        assert!(matches!(
            Subject::named("Seen_Before"),
            Some(Subject::Rule(Rule::SeenBefore))
        ));
    }

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("gap", "gap"), 0);
    }

    #[test]
    fn nothing_is_wider_than_asked_for() {
        for width in [40, 72, 100] {
            let look = Look {
                width,
                ..Look::default()
            };
            let mut out = Vec::new();
            all(look, &mut out).unwrap();
            for &rule in Rule::ALL {
                one(Subject::Rule(rule), look, &mut out).unwrap();
            }
            for meaning in &KINDS {
                one(Subject::Kind(meaning), look, &mut out).unwrap();
            }
            let text = String::from_utf8(out).unwrap();
            let widest = text.lines().max_by_key(|line| line.chars().count());
            assert!(widest.unwrap().chars().count() <= width, "{widest:?}");
        }
    }
}
