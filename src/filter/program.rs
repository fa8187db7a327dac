//! A compiled filter, and how it answers: of a frame, and of a conversation by its figures.

use core::cmp::Ordering;
use std::net::IpAddr;

use regex::bytes::Regex;

use super::ast::{Extent, Slice};
use super::field::{Field, Kind, Moment, Of, Out, Subject, Value};
use crate::wire::Address;

/// An expression that can be asked.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// What an empty filter is.
    Always,
    Or(Vec<Node>),
    Xor(Vec<Node>),
    And(Vec<Node>),
    Not(Box<Node>),
    Test(Box<Test>),
}

/// A field, and what must be true of its values.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) field: &'static Field,
    pub(super) take: Take,
    pub(super) mask: Option<i64>,
    /// Whether it must be true of all values, not of one.
    pub(super) all: bool,
    pub(super) check: Check,
    /// Its number among the tests of figures.
    pub(super) number: usize,
}

/// What is taken of a field's values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Take {
    Value,
    Slice(Slice),
    /// How long they are, or a slice of them is.
    Len(Option<Slice>),
    /// How many they are.
    Count,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    pub(super) const fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// What must be true of a value.
#[derive(Clone, Debug)]
pub(super) enum Check {
    /// That it is there.
    Present,
    /// That it is not 0: what is asked of bits, and of our own flags.
    NonZero,
    /// How it compares with a range of numbers or addresses: less is less than the first.
    Range(Compare, i128, i128),
    /// That it lies in one of these.
    Within(Vec<(i128, i128)>),
    /// How its bytes compare.
    Bytes(Compare, Vec<u8>),
    /// That its bytes are from one of these to its other.
    OneOf(Vec<(Vec<u8>, Vec<u8>)>),
    /// That a word of ours is one of these, or is none.
    Words(Vec<&'static str>, bool),
    /// That its bytes have this in them.
    Pattern(Regex),
    /// That a host has one of these names or addresses, or none.
    Hosts(Vec<HostName>, bool),
    /// How it compares with another field's values.
    Field(Compare, &'static Field),
}

#[derive(Clone, Debug)]
pub(super) struct HostName {
    pub(super) name: String,
    pub(super) range: Option<(i128, i128)>,
}

/// A value as a number that orders as it does. Addresses use all of the range.
pub(super) fn scalar(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Number(number) => Some(i128::from(*number)),
        Value::Address(address) | Value::Host(address, _) => Some(order(*address)),
        Value::There | Value::Text(_) | Value::Bytes(_) | Value::Layer(..) => None,
    }
}

const fn order(address: Address) -> i128 {
    (address.0 ^ (1 << 127)) as i128
}

fn within(ranges: &[(i128, i128)], number: i128) -> bool {
    ranges
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&number))
}

fn bytes<'a>(value: &Value<'a>) -> Option<&'a [u8]> {
    match value {
        Value::Text(text) => Some(text.as_bytes()),
        Value::Bytes(bytes) | Value::Layer(bytes, _) => Some(bytes),
        _ => None,
    }
}

/// An address as text, without memory of its own.
struct Shown {
    text: [u8; 48],
    len: usize,
}

impl Shown {
    fn new(address: Address) -> Self {
        use core::fmt::Write;
        let mut shown = Self {
            text: [0; 48],
            len: 0,
        };
        let _ = write!(shown, "{address}");
        shown
    }
}

impl core::fmt::Write for Shown {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let end = self.len + text.len();
        let place = self.text.get_mut(self.len..end).ok_or(core::fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Gives the values of a field.
type Giver<'g> = &'g dyn Fn(&'static Field, Out<'_>);

impl Check {
    /// Whether it is true of a value.
    fn holds(&self, value: &Value<'_>, give: Giver<'_>) -> bool {
        match self {
            Self::Present => true,
            Self::NonZero => matches!(value, Value::Number(number) if *number != 0),
            Self::Range(compare, first, last) => scalar(value).is_some_and(|number| {
                let order = match number {
                    _ if number < *first => Ordering::Less,
                    _ if number > *last => Ordering::Greater,
                    _ => Ordering::Equal,
                };
                compare.accepts(order)
            }),
            Self::Within(ranges) => scalar(value).is_some_and(|number| within(ranges, number)),
            Self::Bytes(compare, wanted) => {
                bytes(value).is_some_and(|bytes| compare.accepts(bytes.cmp(wanted.as_slice())))
            }
            Self::OneOf(list) => bytes(value).is_some_and(|bytes| {
                list.iter()
                    .any(|(first, last)| first.as_slice() <= bytes && bytes <= last.as_slice())
            }),
            Self::Words(words, are) => match value {
                Value::Text(text) => words.contains(text) == *are,
                _ => false,
            },
            Self::Pattern(pattern) => match value {
                Value::Host(_, Some(name)) => pattern.is_match(name.as_bytes()),
                Value::Host(address, None) => {
                    let shown = Shown::new(*address);
                    pattern.is_match(shown.text.get(..shown.len).unwrap_or_default())
                }
                _ => bytes(value).is_some_and(|bytes| pattern.is_match(bytes)),
            },
            Self::Hosts(hosts, are) => match value {
                Value::Host(address, name) => {
                    let is_one = |host: &HostName| {
                        let named = name.is_some_and(|name| name.eq_ignore_ascii_case(&host.name));
                        named
                            || host
                                .range
                                .is_some_and(|range| within(&[range], order(*address)))
                    };
                    hosts.iter().any(is_one) == *are
                }
                _ => false,
            },
            Self::Field(compare, other) => {
                // Of the other's values, as of this one's: all for `!=`, one for the rest.
                let all = *compare == Compare::Unequal;
                let mut seen = Seen::default();
                give(other, &mut |theirs| {
                    let order = match (scalar(value), scalar(&theirs)) {
                        (Some(ours), Some(theirs)) => Some(ours.cmp(&theirs)),
                        _ => bytes(value)
                            .zip(bytes(&theirs))
                            .map(|(ours, theirs)| ours.cmp(theirs)),
                    };
                    seen.add(order.is_some_and(|order| compare.accepts(order)));
                });
                seen.holds(all)
            }
        }
    }
}

/// What was true of values.
#[derive(Clone, Copy, Default)]
struct Seen {
    one: bool,
    other: bool,
}

impl Seen {
    fn add(&mut self, holds: bool) {
        self.one |= holds;
        self.other |= !holds;
    }

    fn holds(self, all: bool) -> bool {
        self.one && !(all && self.other)
    }
}

fn cut(slice: Slice, bytes: &[u8]) -> Option<&[u8]> {
    let len = i64::try_from(bytes.len()).ok()?;
    let from_end = |at: i32| match i64::from(at) {
        at @ ..0 => len + at,
        at => at,
    };
    let start = from_end(slice.start);
    let end = match slice.extent {
        Extent::Len(count) => start + i64::from(count),
        Extent::To(last) => from_end(last) + 1,
        Extent::Rest => len,
    };
    bytes.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

/// Shows the bytes that slices of a value are cut from, and that its length is of: those of
/// addresses too, and of a layer its header, as Wireshark has it.
fn with_bytes(value: &Value<'_>, kind: Kind, look: &mut dyn FnMut(&[u8])) {
    match (kind, value) {
        (Kind::Ether, Value::Number(number)) => {
            let octets = number.to_be_bytes();
            look(octets.get(2..).unwrap_or_default());
        }
        (_, Value::Address(address)) => match address.to_ip() {
            IpAddr::V4(address) => look(&address.octets()),
            IpAddr::V6(address) => look(&address.octets()),
        },
        (_, Value::Layer(bytes, header)) => look(bytes.get(..*header).unwrap_or(bytes)),
        _ => bytes(value).into_iter().for_each(look),
    }
}

impl Test {
    /// Whether it is true of the values that `give` gives of its field.
    pub(super) fn holds(&self, give: Giver<'_>) -> bool {
        let mut seen = Seen::default();
        let mut count = 0_u32;
        give(self.field, &mut |value| {
            count += 1;
            match self.take {
                Take::Value => match (self.mask, value) {
                    (Some(mask), Value::Number(number)) => {
                        seen.add(self.check.holds(&Value::Number(number & mask), give));
                    }
                    _ => seen.add(self.check.holds(&value, give)),
                },
                Take::Slice(slice) => with_bytes(&value, self.field.kind, &mut |bytes| {
                    // What lies beyond the end is not there, but unequal to what is.
                    let part = cut(slice, bytes).unwrap_or_default();
                    let asks_of_bytes =
                        self.mask.is_none() && !matches!(self.check, Check::Present);
                    if part.is_empty() && !asks_of_bytes {
                        return;
                    }
                    seen.add(match self.mask {
                        // The last eight bytes are the number, big-endian.
                        Some(mask) => {
                            let number = part
                                .iter()
                                .fold(0, |all, octet| all << 8 | i64::from(*octet));
                            self.check.holds(&Value::Number(number & mask), give)
                        }
                        None => self.check.holds(&Value::Bytes(part), give),
                    });
                }),
                Take::Len(slice) => with_bytes(&value, self.field.kind, &mut |bytes| {
                    let part = match slice {
                        Some(slice) => cut(slice, bytes).unwrap_or_default(),
                        None => bytes,
                    };
                    seen.add(self.check.holds(&part.len().into(), give));
                }),
                Take::Count => {}
            }
        });
        match self.take {
            Take::Count => count > 0 && self.check.holds(&count.into(), give),
            _ => seen.holds(self.all),
        }
    }

    /// Whether it asks only whether the field is there.
    pub(super) fn asks_for_presence(&self) -> bool {
        matches!((&self.check, self.take), (Check::Present, Take::Value))
    }

    fn of_frame(&self, moment: &Moment<'_>) -> bool {
        match self.field.of {
            Of::Frame(of, _) => match self.field.whole {
                // Where it lies need not be known.
                Some(_) if self.asks_for_presence() => self.holds(&|_, out| of(moment, out)),
                _ => self.holds(&|field, out| give(field, moment, out)),
            },
            Of::Conversation(_) => {
                if let Some(answer) = moment.before.answer(&moment.view.flow, self.number) {
                    return answer;
                }
                self.holds(&|field, out| give(field, moment, out))
            }
        }
    }

    /// Whether it is true of a conversation, for tests of figures.
    pub(super) fn of_subject(&self, subject: &Subject<'_>) -> bool {
        self.holds(&|field, out| {
            if let Of::Conversation(figure) = &field.of {
                figure.each(subject, out);
            }
        })
    }
}

fn give(field: &'static Field, moment: &Moment<'_>, out: Out<'_>) {
    match &field.of {
        Of::Frame(of, _) => field.whole.unwrap_or(*of)(moment, out),
        Of::Conversation(figure) => moment.subject(&mut |subject| figure.each(subject, out)),
    }
}

impl Node {
    /// Whether a frame matches.
    pub(super) fn of_frame(&self, moment: &Moment<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::Or(parts) => parts.iter().any(|part| part.of_frame(moment)),
            Self::And(parts) => parts.iter().all(|part| part.of_frame(moment)),
            Self::Xor(parts) => parts
                .iter()
                .fold(false, |odd, part| odd ^ part.of_frame(moment)),
            Self::Not(part) => !part.of_frame(moment),
            Self::Test(test) => test.of_frame(moment),
        }
    }

    /// Shows every test.
    pub(super) fn each_test(&self, look: &mut dyn FnMut(&Test)) {
        match self {
            Self::Always => {}
            Self::Or(parts) | Self::And(parts) | Self::Xor(parts) => {
                parts.iter().for_each(|part| part.each_test(look));
            }
            Self::Not(part) => part.each_test(look),
            Self::Test(test) => look(test),
        }
    }
}
