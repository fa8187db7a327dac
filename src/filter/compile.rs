//! What is written → what can be asked: names become fields, words become values of their kinds.

use regex::bytes::{Regex, RegexBuilder};

use super::ast::{
    Expr, Function, Literal, Member, Operand, Operator, Place, Quantifier, Relation,
    Test as Written, Text,
};
use super::error::FilterError;
use super::field::{Field, Kind, fields};
use super::literal::{self, Refusal};
use super::nearest::nearest_field;
use super::program::{Check, Compare, HostName, Node, Take, Test};
use crate::report::escape::escaped;

/// Bytes that a compiled pattern may take.
const LARGEST_PATTERN: usize = 1 << 20;
/// Patterns and texts to look for in one filter.
const MOST_PATTERNS: usize = 64;

/// What people ask for that is not decoded, and what finds it.
const UNDECODED: &[(&str, &str)] = &[
    (
        "http",
        "tcp.port == 80, or tcp.payload contains \"HTTP/1.\"",
    ),
    ("http2", "tcp.port == 443"),
    ("tls", "tcp.port == 443, or tcp.payload[0:2] == 16:03"),
    ("ssl", "tcp.port == 443, or tcp.payload[0:2] == 16:03"),
    ("quic", "udp.port == 443"),
    ("dns", "udp.port == 53 || tcp.port == 53"),
    ("mdns", "udp.port == 5353"),
    ("dhcp", "udp.port in {67, 68}"),
    ("bootp", "udp.port in {67, 68}"),
    ("ntp", "udp.port == 123"),
    ("ssh", "tcp.port == 22"),
    ("smtp", "tcp.port in {25, 465, 587}"),
    ("ftp", "tcp.port == 21"),
    ("mysql", "tcp.port == 3306"),
    ("pgsql", "tcp.port == 5432"),
    ("smb2", "tcp.port == 445"),
];

pub(super) struct Compiler {
    /// Length of the text, to know places by.
    text: usize,
    patterns: usize,
    figures: usize,
}

type Result<T> = core::result::Result<T, FilterError>;

impl Compiler {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.len(),
            patterns: 0,
            figures: 0,
        }
    }

    fn wrong<T>(&self, place: Place, refusal: impl Into<Refusal>) -> Result<T> {
        let (offset, len) = place.within(self.text);
        let Refusal {
            message,
            suggestion,
        } = refusal.into();
        Err(FilterError {
            offset,
            len,
            message,
            suggestion,
        })
    }

    fn at<T>(&self, literal: &Literal, result: core::result::Result<T, Refusal>) -> Result<T> {
        result.or_else(|refusal| self.wrong(literal.place, refusal))
    }

    pub(super) fn node(&mut self, expr: &Expr) -> Result<Node> {
        let parts = |this: &mut Self, parts: &[Expr]| -> Result<Vec<Node>> {
            parts.iter().map(|part| this.node(part)).collect()
        };
        Ok(match expr {
            Expr::Or(each) => Node::Or(parts(self, each)?),
            Expr::Xor(each) => Node::Xor(parts(self, each)?),
            Expr::And(each) => Node::And(parts(self, each)?),
            Expr::Not(part) => Node::Not(Box::new(self.node(part)?)),
            Expr::Test(test) => self.test(test)?,
        })
    }

    fn test(&mut self, written: &Written) -> Result<Node> {
        let operand = &written.left;
        let field = self.field(&operand.name)?;
        let (kind, take) = self.taken(field, operand)?;
        let mask = self.mask(field, kind, operand)?;
        if matches!(take, Take::Value) {
            self.fits(field, kind, written)?;
        }
        let (check, all, negated) = self.relation(field, kind, mask.is_some(), written)?;
        let number = self.figures;
        self.figures += usize::from(field.is_of_conversation());
        let test = Node::Test(Box::new(Test {
            field,
            take,
            mask,
            all: match written.quantifier {
                Some(quantifier) => quantifier == Quantifier::All,
                None => all,
            },
            check,
            number,
        }));
        Ok(if negated {
            Node::Not(Box::new(test))
        } else {
            test
        })
    }

    fn field(&self, name: &Literal) -> Result<&'static Field> {
        let Text::Word(word) = &name.text else {
            return self.wrong(name.place, "a field is expected here".to_owned());
        };
        if let Some(field) = Field::named(word) {
            return Ok(field);
        }
        let head = word
            .split('.')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if let Some((protocol, instead)) = UNDECODED.iter().find(|each| each.0 == head) {
            let message = format!("{protocol} is not decoded; try {instead}");
            return self.wrong(name.place, message);
        }
        let known_as_more = fields().iter().find(|field| {
            let rest = field.name().strip_prefix(word.as_str());
            rest.is_some_and(|rest| rest.starts_with('.'))
        });
        if let Some(more) = known_as_more {
            let message = format!("{word} is no field by itself but begins the names of some");
            let suggestion = match word.as_str() {
                "tcp.analysis" => "tcp.analysis.flags",
                _ => more.name(),
            };
            return self.wrong(
                name.place,
                Refusal {
                    message,
                    suggestion: Some(suggestion.to_owned()),
                },
            );
        }
        let starts_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
        let message = if starts_with_digit {
            format!("a field must come first, not {}", escaped(word))
        } else {
            format!("there is no field {}", escaped(word))
        };
        self.wrong(
            name.place,
            Refusal {
                message,
                suggestion: nearest_field(word).map(str::to_owned),
            },
        )
    }

    /// What a function or a slice makes of a field.
    fn taken(&self, field: &'static Field, operand: &Operand) -> Result<(Kind, Take)> {
        let has_bytes = matches!(
            field.kind,
            Kind::Bytes | Kind::Text | Kind::Ether | Kind::Ipv4 | Kind::Ipv6 | Kind::Address
        );
        let needs_bytes = operand.slice.is_some() || operand.function == Some(Function::Len);
        if needs_bytes && !has_bytes {
            let place = operand
                .slice
                .map_or(operand.name.place, |slice| slice.place);
            let what = if operand.slice.is_some() {
                "a slice"
            } else {
                "len"
            };
            let message = format!(
                "{what} is of bytes, text or addresses, and {} is {}",
                field.name(),
                field.kind.with_article()
            );
            return self.wrong(place, message);
        }
        Ok(match (operand.function, operand.slice) {
            (Some(Function::Count), None) => (Kind::Number, Take::Count),
            (Some(Function::Count), Some(slice)) => {
                return self.wrong(
                    slice.place,
                    "count is of whole values, not slices".to_owned(),
                );
            }
            (Some(Function::Len), slice) => (Kind::Number, Take::Len(slice)),
            // Bits are asked of a number.
            (None, Some(slice)) if operand.mask.is_some() => (Kind::Number, Take::Slice(slice)),
            (None, Some(slice)) => (Kind::Bytes, Take::Slice(slice)),
            (None, None) => (field.kind, Take::Value),
        })
    }

    fn mask(&self, field: &'static Field, kind: Kind, operand: &Operand) -> Result<Option<i64>> {
        let Some(mask) = &operand.mask else {
            return Ok(None);
        };
        if operand.function.is_some() || !matches!(kind, Kind::Number | Kind::Flag) {
            let message = format!(
                "& is of numbers, and {} is {}",
                field.name(),
                kind.with_article()
            );
            return self.wrong(operand.name.place, message);
        }
        let (bits, _) = self.at(mask, literal::range(field, Kind::Number, mask))?;
        Ok(i64::try_from(bits).ok())
    }

    /// Refuses numbers that a field can't be: what compares with them is a mistake.
    fn fits(&self, field: &'static Field, kind: Kind, written: &Written) -> Result<()> {
        let Some(largest) = field.largest() else {
            return Ok(());
        };
        let mut values: Vec<&Literal> = written.left.mask.iter().collect();
        match &written.relation {
            Relation::Compare(_, value) => values.push(value),
            Relation::In { members, .. } => {
                let ends = members
                    .iter()
                    .flat_map(|each| [Some(&each.first), each.last.as_ref()]);
                values.extend(ends.flatten());
            }
            Relation::Present | Relation::Contains(_) | Relation::Matches(_) => {}
        }
        for value in values {
            if let Ok((number, _)) = literal::range(field, kind, value)
                && !(0..=largest).contains(&number)
            {
                let message = format!(
                    "{} goes from 0 to {largest} and is never {}",
                    field.name(),
                    escaped(&value.to_string())
                );
                return self.wrong(value.place, message);
            }
        }
        Ok(())
    }

    /// What is asked; whether of all values; and whether the answer is turned around.
    fn relation(
        &mut self,
        field: &'static Field,
        kind: Kind,
        masked: bool,
        written: &Written,
    ) -> Result<(Check, bool, bool)> {
        match &written.relation {
            Relation::Present => {
                // A flag of Wireshark's is there in every segment, set or not.
                let own_flag = field.is_of_conversation() && kind == Kind::Flag;
                let check = match masked || own_flag {
                    true => Check::NonZero,
                    false => Check::Present,
                };
                Ok((check, false, false))
            }
            Relation::Compare(operator, value) => {
                let (compare, all) = split(*operator);
                let check = self.compare(field, kind, compare, value)?;
                Ok((check, all, false))
            }
            Relation::Contains(value) => {
                let wanted = match kind {
                    Kind::Text | Kind::Host => self.at(value, literal::text(value))?,
                    Kind::Bytes => self.at(value, literal::bytes(value))?,
                    _ => return self.wrong(value.place, not_text("contains", field, kind)),
                };
                let pattern: String = wanted
                    .iter()
                    .map(|octet| format!("\\x{octet:02x}"))
                    .collect();
                let is_text = matches!(kind, Kind::Host);
                let pattern = self.pattern(value, &pattern, is_text)?;
                Ok((Check::Pattern(pattern), false, false))
            }
            Relation::Matches(value) => {
                if !matches!(kind, Kind::Text | Kind::Host | Kind::Bytes) {
                    return self.wrong(value.place, not_text("matches", field, kind));
                }
                if let Text::Char(text) = &value.text {
                    self.at(value, literal::character(text))?;
                }
                let pattern = self.pattern(value, &literal::pattern(value), true)?;
                Ok((Check::Pattern(pattern), false, false))
            }
            Relation::In { negated, members } => {
                Ok((self.set(field, kind, members)?, false, *negated))
            }
        }
    }

    /// A regular expression. What is ASCII is matched as bytes, the rest as UTF-8.
    fn pattern(&mut self, at: &Literal, pattern: &str, any_case: bool) -> Result<Regex> {
        self.patterns += 1;
        if self.patterns > MOST_PATTERNS {
            let message =
                format!("a filter has {MOST_PATTERNS} texts and patterns to look for at most");
            return self.wrong(at.place, message);
        }
        let built = RegexBuilder::new(pattern)
            .case_insensitive(any_case)
            .unicode(!pattern.is_ascii())
            .size_limit(LARGEST_PATTERN)
            .nest_limit(50)
            .build();
        built.or_else(|error| {
            let message = match error {
                regex::Error::CompiledTooBig(_) => "this pattern is too large".to_owned(),
                other => {
                    let text = other.to_string();
                    let why = text.lines().last().unwrap_or_default();
                    let why = why.trim_start_matches("error: ");
                    format!("this pattern can't be used: {}", escaped(why))
                }
            };
            self.wrong(at.place, message)
        })
    }

    fn compare(
        &self,
        field: &'static Field,
        kind: Kind,
        compare: Compare,
        value: &Literal,
    ) -> Result<Check> {
        if let Some(other) = named_field(value) {
            return self.compare_fields(field, kind, compare, other, value);
        }
        Ok(match kind {
            Kind::Protocol => {
                let message = format!("{} is there or not and has no value", field.name());
                return self.wrong(value.place, message);
            }
            Kind::Bytes => Check::Bytes(compare, self.at(value, literal::bytes(value))?),
            Kind::Text if is_equality(compare) && !field.words.is_empty() => {
                let word = self.at(value, literal::one_of(field, value))?;
                Check::Words(vec![word], compare == Compare::Equal)
            }
            Kind::Text => Check::Bytes(compare, self.at(value, literal::text(value))?),
            Kind::Host if is_equality(compare) => {
                Check::Hosts(vec![self.host(field, value)?], compare == Compare::Equal)
            }
            Kind::Host => {
                let message = "hosts have no order: == != in contains matches".to_owned();
                return self.wrong(value.place, message);
            }
            _ => {
                let (first, last) = self.at(value, literal::range(field, kind, value))?;
                Check::Range(compare, first, last)
            }
        })
    }

    fn compare_fields(
        &self,
        field: &'static Field,
        kind: Kind,
        compare: Compare,
        other: &'static Field,
        value: &Literal,
    ) -> Result<Check> {
        let group = |kind: Kind| match kind {
            Kind::Number | Kind::Flag => Some(0),
            Kind::Duration => Some(1),
            Kind::Time => Some(2),
            Kind::Ipv4 | Kind::Ipv6 | Kind::Address => Some(3),
            Kind::Ether => Some(4),
            Kind::Text | Kind::Bytes => Some(5),
            Kind::Protocol | Kind::Host => None,
        };
        if group(kind).is_none() || group(kind) != group(other.kind) {
            let message = format!(
                "{} is {}, which {} can't be compared with",
                other.name(),
                other.kind.with_article(),
                field.name()
            );
            return self.wrong(value.place, message);
        }
        Ok(Check::Field(compare, other))
    }

    fn host(&self, field: &'static Field, value: &Literal) -> Result<HostName> {
        let name = self.at(value, literal::text(value))?;
        Ok(HostName {
            name: String::from_utf8_lossy(&name).into_owned(),
            range: literal::host_range(field, value),
        })
    }

    fn set(&self, field: &'static Field, kind: Kind, members: &[Member]) -> Result<Check> {
        let single = |member: &Member| match &member.last {
            None => Ok(()),
            Some(last) => {
                let message = format!("{} has no ranges", kind.with_article());
                self.wrong(last.place, message)
            }
        };
        let mut list = Vec::new();
        let mut words = Vec::new();
        let mut hosts = Vec::new();
        let mut ranges = Vec::new();
        for member in members {
            match kind {
                Kind::Protocol => {
                    let message = format!("{} is there or not and has no value", field.name());
                    return self.wrong(member.first.place, message);
                }
                Kind::Text if !field.words.is_empty() => {
                    single(member)?;
                    words.push(self.at(&member.first, literal::one_of(field, &member.first))?);
                }
                Kind::Text => {
                    single(member)?;
                    let text = self.at(&member.first, literal::text(&member.first))?;
                    list.push((text.clone(), text));
                }
                Kind::Bytes => {
                    let first = self.at(&member.first, literal::bytes(&member.first))?;
                    let last = match &member.last {
                        Some(last) => self.at(last, literal::bytes(last))?,
                        None => first.clone(),
                    };
                    if last < first {
                        let message = "this range ends before it begins".to_owned();
                        let place = member.last.as_ref().unwrap_or(&member.first).place;
                        return self.wrong(place, message);
                    }
                    list.push((first, last));
                }
                Kind::Host => {
                    single(member)?;
                    hosts.push(self.host(field, &member.first)?);
                }
                _ => {
                    let first = &member.first;
                    let (from, mut to) = self.at(first, literal::range(field, kind, first))?;
                    if let Some(last) = &member.last {
                        (_, to) = self.at(last, literal::range(field, kind, last))?;
                        if to < from {
                            let message = "this range ends before it begins".to_owned();
                            return self.wrong(last.place, message);
                        }
                    }
                    ranges.push((from, to));
                }
            }
        }
        Ok(match kind {
            Kind::Text if !field.words.is_empty() => Check::Words(words, true),
            Kind::Text | Kind::Bytes => Check::OneOf(list),
            Kind::Host => Check::Hosts(hosts, true),
            _ => Check::Within(ranges),
        })
    }
}

fn named_field(value: &Literal) -> Option<&'static Field> {
    match &value.text {
        // Layers are words too: `host == tcp` means a name.
        Text::Word(word) => Field::named(word).filter(|field| field.name.contains('.')),
        Text::Quoted(_) | Text::Raw(_) | Text::Char(_) => None,
    }
}

fn is_equality(compare: Compare) -> bool {
    matches!(compare, Compare::Equal | Compare::Unequal)
}

fn not_text(what: &str, field: &Field, kind: Kind) -> String {
    format!(
        "{what} is of text or bytes, and {} is {}",
        field.name(),
        kind.with_article()
    )
}

/// A comparison, and whether it must be true of all values.
const fn split(operator: Operator) -> (Compare, bool) {
    match operator {
        Operator::Equal => (Compare::Equal, false),
        Operator::Unequal => (Compare::Unequal, true),
        Operator::AllEqual => (Compare::Equal, true),
        Operator::AnyUnequal => (Compare::Unequal, false),
        Operator::Less => (Compare::Less, false),
        Operator::LessOrEqual => (Compare::LessOrEqual, false),
        Operator::Greater => (Compare::Greater, false),
        Operator::GreaterOrEqual => (Compare::GreaterOrEqual, false),
    }
}
