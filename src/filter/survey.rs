//! Whether one of a conversation's frames would match, by its figures: what they can tell, and what
//! only the frames can.

use super::field::{Known, Of, Side, Subject, Tally, Value};
use super::program::{Check, Node, Take, Test};
use crate::report::field::Row;
use crate::tcp::{Kind as VerdictKind, Role};

/// Of some frames: whether something is true of one of them, and whether it is false of one.
/// `None` is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Survey {
    some: Option<bool>,
    not_all: Option<bool>,
}

impl Survey {
    const UNKNOWN: Self = Self {
        some: None,
        not_all: None,
    };

    /// The same of all of them.
    const fn same(answer: bool) -> Self {
        Self {
            some: Some(answer),
            not_all: Some(!answer),
        }
    }

    const fn turned(self) -> Self {
        Self {
            some: self.not_all,
            not_all: self.some,
        }
    }

    fn and(self, other: Self) -> Self {
        let some = match (self, other) {
            (
                Self {
                    some: Some(false), ..
                },
                _,
            )
            | (
                _,
                Self {
                    some: Some(false), ..
                },
            ) => Some(false),
            // What is true of all frames leaves the rest as it is.
            (
                Self {
                    not_all: Some(false),
                    ..
                },
                rest,
            )
            | (
                rest,
                Self {
                    not_all: Some(false),
                    ..
                },
            ) => rest.some,
            // It may be true of one frame here, and of another one there.
            _ => None,
        };
        let not_all = match (self.not_all, other.not_all) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        };
        Self { some, not_all }
    }

    fn or(self, other: Self) -> Self {
        self.turned().and(other.turned()).turned()
    }

    fn xor(self, other: Self) -> Self {
        let one = self.and(other.turned());
        one.or(self.turned().and(other))
    }
}

/// The frames that are surveyed.
#[derive(Clone, Copy)]
enum Frames<'a> {
    /// Those that one side sent.
    Of(Side<'a>),
    /// ICMP errors about them.
    Icmp(Subject<'a>),
}

/// Whether one of a conversation's frames would match; `None` where only the frames tell.
pub(super) fn decide(node: &Node, subject: Subject<'_>) -> Option<bool> {
    let mut answer = Some(false);
    let sides = Role::BOTH.map(|from| {
        let sent = subject.packets(from) > 0;
        sent.then_some(Frames::Of(Side { subject, from }))
    });
    let about = (subject.icmp_errors() > 0).then_some(Frames::Icmp(subject));
    for frames in sides.into_iter().flatten().chain(about) {
        match survey(node, frames).some {
            Some(true) => return Some(true),
            Some(false) => {}
            None => answer = None,
        }
    }
    answer
}

fn survey(node: &Node, frames: Frames<'_>) -> Survey {
    let each = |parts: &[Node], start: bool, join: fn(Survey, Survey) -> Survey| {
        let parts = parts.iter().map(|part| survey(part, frames));
        parts.fold(Survey::same(start), join)
    };
    match node {
        Node::Always => Survey::same(true),
        Node::Or(parts) => each(parts, false, Survey::or),
        Node::And(parts) => each(parts, true, Survey::and),
        Node::Xor(parts) => each(parts, false, Survey::xor),
        Node::Not(part) => survey(part, frames).turned(),
        Node::Test(test) => match frames {
            Frames::Of(side) => of_side(test, &side),
            Frames::Icmp(subject) => of_icmp(test, &subject),
        },
    }
}

fn of_side(test: &Test, side: &Side<'_>) -> Survey {
    match test.field.of {
        Of::Conversation(_) => Survey::same(test.of_subject(&side.subject)),
        // Of whole layers it is known that they are there, not what they hold.
        Of::Frame(_, Known::Often(_)) if !test.asks_for_presence() => Survey::UNKNOWN,
        Of::Frame(_, Known::Same(_) | Known::Often(_)) => of_known(test, side),
        Of::Frame(_, Known::Some(_) | Known::Kinds) => match Counted::of(test) {
            Some(counted) => counted.survey(side),
            None => Survey::UNKNOWN,
        },
        Of::Frame(_, Known::There(is_there)) if test.asks_for_presence() => {
            Survey::same(is_there(side))
        }
        Of::Frame(_, Known::There(_) | Known::No) => Survey::UNKNOWN,
    }
}

/// A test of values that are the same in all frames.
fn of_known(test: &Test, side: &Side<'_>) -> Survey {
    let is_known = core::cell::Cell::new(true);
    let answer = test.holds(&|field, out| {
        let all = match field.of {
            Of::Frame(_, Known::Same(of) | Known::Often(of)) => of(side, out),
            _ => false,
        };
        is_known.set(is_known.get() && all);
    });
    if is_known.get() {
        Survey::same(answer)
    } else {
        Survey::UNKNOWN
    }
}

/// Of ICMP errors little is known but whose they are.
fn of_icmp(test: &Test, subject: &Subject<'_>) -> Survey {
    let version = subject.version();
    let give = |value: Option<Value<'static>>| {
        Survey::same(test.holds(&|_, out| value.into_iter().for_each(out)))
    };
    match (test.field.name(), subject) {
        _ if matches!(test.field.of, Of::Conversation(_)) => Survey::same(test.of_subject(subject)),
        ("icmp", _) => give((version == 4).then_some(Value::There)),
        ("icmpv6", _) => give((version == 6).then_some(Value::There)),
        ("tcp.stream", Subject::Tcp(row)) => give(Some(row.view.id.into())),
        ("udp.stream", Subject::Udp(row)) => give(Some(row.conversation.id.into())),
        ("tcp.stream" | "udp.stream" | "arp", _) => give(None),
        (name, _) if name.starts_with("verdict.") => give(None),
        (_, _) if matches!(test.field.of, Of::Frame(_, Known::Some(_))) => give(None),
        _ => Survey::UNKNOWN,
    }
}

/// A test of what figures count.
struct Counted {
    tallies: Vec<Tally>,
    /// Its answer for frames that have any of these, and for those that have none.
    with: bool,
    without: bool,
}

impl Counted {
    fn of(test: &Test) -> Option<Self> {
        let Of::Frame(_, known) = test.field.of else {
            return None;
        };
        let answer =
            |value: Option<Value<'_>>| test.holds(&|_, out| value.into_iter().for_each(out));
        match known {
            Known::Some(tallies) if matches!(test.field.kind(), super::Kind::Flag) => Some(Self {
                tallies: tallies.to_vec(),
                with: answer(Some(Value::Number(1))),
                without: answer(Some(Value::Number(0))),
            }),
            Known::Some(tallies) => Some(Self {
                tallies: tallies.to_vec(),
                with: answer(Some(Value::There)),
                without: answer(None),
            }),
            Known::Kinds => match (&test.check, test.take, test.all) {
                (Check::Words(words, true), Take::Value, false) => Some(Self {
                    tallies: VerdictKind::ALL
                        .into_iter()
                        .filter(|kind| words.contains(&kind.name()))
                        .map(Tally::Kind)
                        .collect(),
                    with: true,
                    without: false,
                }),
                _ => None,
            },
            _ => None,
        }
    }

    fn survey(&self, side: &Side<'_>) -> Survey {
        let Subject::Tcp(row) = side.subject else {
            // Nothing of TCP is there at all.
            return Survey::same(false);
        };
        let (mut any, mut none, mut sum) = (Some(false), Some(true), 0);
        for &tally in &self.tallies {
            match count(tally, row, side) {
                Some((0, _)) => {}
                Some((frames, is_all)) => {
                    any = Some(true);
                    sum += frames;
                    if !is_all {
                        none = None;
                    }
                }
                None => {
                    any = any.filter(|&any| any);
                    none = None;
                }
            }
        }
        // Frames that have none of it are left over.
        let none = none.and_then(|_| match side.subject.packets(side.from).cmp(&sum) {
            core::cmp::Ordering::Greater => Some(true),
            _ if sum == 0 => Some(false),
            // A frame may have two.
            _ => None,
        });
        let of = |answer: bool| {
            let with = if self.with == answer {
                any
            } else {
                Some(false)
            };
            let without = if self.without == answer {
                none
            } else {
                Some(false)
            };
            match (with, without) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            }
        };
        Survey {
            some: of(true),
            not_all: of(false),
        }
    }
}

/// In how many frames of one side something is, and whether these are all. `None` where figures do
/// not count it.
fn count(tally: Tally, row: &Row<'_>, side: &Side<'_>) -> Option<(u64, bool)> {
    let connection = row.view.connection;
    let endpoint = connection.endpoint(side.from);
    let figures = side.figures()?;
    let exactly = |frames: u32| Some((u64::from(frames), true));
    let at_least = |frames: u32| Some((u64::from(frames), false));
    match tally {
        Tally::Kind(kind) => match kind {
            VerdictKind::Retransmission => exactly(figures.retransmissions),
            VerdictKind::Reordered => exactly(figures.reordered),
            VerdictKind::NetworkDuplicate => exactly(figures.duplicates),
            VerdictKind::Gap => exactly(figures.gaps),
            VerdictKind::KeepAlive => exactly(figures.keep_alives),
            VerdictKind::WindowProbe => exactly(figures.window_probes),
            VerdictKind::WindowFull => exactly(figures.window_full),
            VerdictKind::DuplicateAck => exactly(figures.duplicate_acks),
            VerdictKind::AckUnseen => exactly(figures.acks_unseen),
            VerdictKind::Dsack => exactly(figures.dsacks),
            VerdictKind::Reset => exactly(figures.resets),
            VerdictKind::ConflictingOverlap => exactly(figures.conflicts),
            VerdictKind::EcnEcho => exactly(figures.ecn_echoes),
            VerdictKind::CongestionExperienced => exactly(figures.congestion_experienced),
            VerdictKind::PortReused => exactly(u32::from(
                connection.reuses_ports && side.from == Role::Client,
            )),
            // How often it went to zero, not in how many frames it was.
            VerdictKind::ZeroWindow => at_least(endpoint.window.zero_count),
            VerdictKind::WindowUpdate | VerdictKind::ChallengeAck => None,
        },
        Tally::Fast => exactly(figures.fast_retransmissions),
        Tally::Spurious => exactly(figures.spurious),
        Tally::Reset => exactly(figures.resets),
        Tally::Fin => at_least(u32::from(endpoint.fin_frame.is_some())),
        Tally::Syn if connection.simultaneous_open => None,
        Tally::Syn => at_least(match side.from {
            Role::Client => connection.handshake.syns,
            Role::Server => connection.handshake.syn_acks,
        }),
    }
}

/// Whether figures tell of any conversation whether a filter matches it.
pub(super) fn is_always_decided(node: &Node) -> bool {
    let (mut counted, mut unknown) = (0, 0);
    node.each_test(&mut |test| match test.field.of {
        Of::Conversation(_) => {}
        Of::Frame(_, Known::Same(_)) if !matches!(test.check, Check::Field(..)) => {}
        Of::Frame(_, Known::There(_)) if test.asks_for_presence() => {}
        Of::Frame(_, Known::Some(_) | Known::Kinds) => match Counted::of(test) {
            Some(each) => {
                let uncounted = |tally: &Tally| {
                    matches!(
                        tally,
                        Tally::Syn
                            | Tally::Kind(VerdictKind::WindowUpdate | VerdictKind::ChallengeAck)
                    )
                };
                let exact = each.with && !each.without;
                counted += 1;
                unknown += usize::from(each.tallies.iter().any(uncounted) || !exact);
            }
            None => unknown += 1,
        },
        Of::Frame(..) => unknown += 1,
    });
    // Two that are counted may be true of different frames; a negation needs frames without.
    let negated = counted > 0 && has_negation(node);
    unknown == 0 && counted <= 1 && !negated
}

fn has_negation(node: &Node) -> bool {
    match node {
        Node::Always | Node::Test(_) => false,
        Node::Not(_) | Node::Xor(_) => true,
        Node::Or(parts) | Node::And(parts) => parts.iter().any(has_negation),
    }
}
