//! What stands after an operator, as a value of the field's kind.

use std::net::IpAddr;

use super::ast::{Literal, Text};
use super::field::{Field, Kind};
use super::header_fields::STATUS;
use super::nearest::nearest;
use crate::report::escape::escaped;
use crate::wire::Address;

/// Why a literal is no such value: a sentence, and what may have been meant.
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) suggestion: Option<String>,
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self {
            message,
            suggestion: None,
        }
    }
}

type Result<T> = core::result::Result<T, Refusal>;

/// The words or the text as written, for messages.
fn shown(literal: &Literal) -> String {
    escaped(&literal.to_string()).to_string()
}

fn word(literal: &Literal) -> Option<&str> {
    match &literal.text {
        Text::Word(word) => Some(word),
        Text::Quoted(_) | Text::Raw(_) | Text::Char(_) => None,
    }
}

/// What a literal says, whether quoted or not.
fn plain(literal: &Literal) -> &str {
    match &literal.text {
        Text::Word(text) | Text::Quoted(text) | Text::Raw(text) | Text::Char(text) => text,
    }
}

/// The first and last of the numbers that a literal stands for: one, or an address range. Numbers
/// of every kind are ordered as [`scalar`](super::program::scalar) gives them.
pub(super) fn range(field: &Field, kind: Kind, literal: &Literal) -> Result<(i128, i128)> {
    let one = |number: i64| (i128::from(number), i128::from(number));
    match kind {
        Kind::Number => number(field, literal).map(one),
        Kind::Flag => flag(literal).map(one),
        Kind::Duration => duration(literal).map(one),
        Kind::Time => time(literal).map(one),
        Kind::Ether => ether(literal).map(one),
        Kind::Ipv4 | Kind::Ipv6 | Kind::Address => addresses(field, kind, literal),
        Kind::Protocol | Kind::Text | Kind::Bytes | Kind::Host => {
            Err(Refusal::from(format!("{} is no number", field.name())))
        }
    }
}

/// Names that numbers of protocols have (IANA "Assigned Internet Protocol Numbers").
const PROTOCOLS: [(&str, i64); 9] = [
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmpv6", 58),
    ("sctp", 132),
];

/// Names that numbers of what a link carries have.
const ETHER_TYPES: [(&str, i64); 3] = [("ipv4", 0x800), ("arp", 0x806), ("ipv6", 0x86dd)];

fn number(field: &Field, literal: &Literal) -> Result<i64> {
    let names: &[_] = match field.name() {
        "ip.proto" | "ipv6.nxt" => &PROTOCOLS,
        "eth.type" | "vlan.etype" => &ETHER_TYPES,
        name if name.ends_with(".checksum.status") => &STATUS,
        _ => &[],
    };
    let named = |each: &&(&str, i64)| each.0.eq_ignore_ascii_case(plain(literal));
    if let Some((_, number)) = names.iter().find(named) {
        return Ok(*number);
    }
    if let Text::Char(text) = &literal.text {
        return character(text).map(i64::from);
    }
    let told = word(literal).and_then(|text| {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text),
        };
        let magnitude = if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
            i64::from_str_radix(hex.strip_prefix('+').map_or(hex, |_| ""), 16).ok()
        } else if let Some(octal) = digits.strip_prefix('0').filter(|rest| !rest.is_empty())
            && octal.bytes().all(|digit| digit.is_ascii_digit())
        {
            i64::from_str_radix(octal, 8).ok()
        } else {
            quantity(digits)
        };
        Some(magnitude? * sign)
    });
    told.ok_or_else(|| {
        Refusal::from(format!(
            "{} is no number, such as 1460, 0x5b4 or 64K",
            shown(literal)
        ))
    })
}

/// Digits, and what they count: thousands and more.
fn quantity(text: &str) -> Option<i64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit = unit.strip_suffix(['b', 'B']).unwrap_or(unit);
    let scale: i128 = match unit {
        "" => 1,
        "k" | "K" => 1000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" | "ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return None,
    };
    decimal(digits, scale)
}

/// A number with or without decimals, times `scale`; nothing when that is no whole number.
fn decimal(digits: &str, scale: i128) -> Option<i64> {
    const MOST_DIGITS: usize = 18;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let all_digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let fits = |text: &str| text.len() <= MOST_DIGITS && all_digits(text);
    if whole.is_empty() || !fits(fraction) || !all_digits(whole) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i128 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().ok()?
    };
    let parts = 10_i128.pow(fraction.len() as u32);
    let scaled = part * scale;
    if scaled % parts != 0 {
        return None;
    }
    i64::try_from(i128::from(whole) * scale + scaled / parts).ok()
}

fn flag(literal: &Literal) -> Result<i64> {
    match plain(literal).to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "set" => Ok(1),
        "0" | "false" | "no" | "not set" => Ok(0),
        _ => Err(Refusal::from(format!(
            "{} is neither 1 nor 0 (true or false)",
            shown(literal)
        ))),
    }
}

/// Units of time in nanoseconds, the longest name first.
const UNITS: [(&str, i128); 9] = [
    ("min", 60_000_000_000),
    ("ns", 1),
    ("us", 1000),
    ("µs", 1000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

fn duration(literal: &Literal) -> Result<i64> {
    let told = word(literal).and_then(|text| {
        let (sign, text) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let unit = UNITS
            .iter()
            .find_map(|(name, nanos)| Some((text.strip_suffix(name)?, *nanos)));
        let (digits, nanos) = unit.unwrap_or((text, 1_000_000_000));
        Some(sign * decimal(digits, nanos)?)
    });
    told.ok_or_else(|| {
        Refusal::from(format!(
            "{} is no length of time, such as 1.5 (seconds), 100ms or 2m",
            shown(literal)
        ))
    })
}

fn time(literal: &Literal) -> Result<i64> {
    let text = plain(literal).trim();
    let told = decimal(text, 1_000_000_000).or_else(|| date(text));
    told.ok_or_else(|| {
        Refusal::from(format!(
            "{} is no time, such as \"2026-11-21 10:49:13.5\" (UTC) or seconds since 1970",
            shown(literal)
        ))
    })
}

/// `2026-11-21 10:49:13.5`, with `T` in the middle and `Z` or `UTC` at the end if one likes, and
/// Wireshark's `Nov 21, 2026 10:49:13.5`.
fn date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let text = text.strip_suffix('Z').unwrap_or(text);
    let text = text.strip_suffix("UTC").unwrap_or(text).trim_end();
    let text = text.replacen(
        'T',
        " ",
        usize::from(text.as_bytes().get(10) == Some(&b'T')),
    );
    let mut parts = text.split_whitespace();
    let first = parts.next()?;
    let (year, month, day) = if first.contains('-') {
        let mut numbers = first.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        (numbers.next()??, numbers.next()??, numbers.next()??)
    } else {
        let name = first.get(..3)?.to_ascii_lowercase();
        let month = MONTHS.iter().position(|each| *each == name)? as i64 + 1;
        let day = parts.next()?.trim_end_matches(',').parse().ok()?;
        (parts.next()?.parse().ok()?, month, day)
    };
    let clock = parts.next().unwrap_or("0:0:0");
    let mut fields = clock.splitn(3, ':');
    let hour: i64 = fields.next()?.parse().ok()?;
    let minute: i64 = fields.next()?.parse().ok()?;
    let nanos = decimal(fields.next().unwrap_or("0"), 1_000_000_000)?;
    let in_range = (1677..2263).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..61_000_000_000).contains(&nanos);
    if !in_range || parts.next().is_some() {
        return None;
    }
    let seconds = (days(year, month, day) * 24 + hour) * 3600 + minute * 60;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// Days since 1970 of a proleptic Gregorian date (Hinnant, "chrono-compatible low-level date
/// algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn ether(literal: &Literal) -> Result<i64> {
    match octets(plain(literal)).as_deref() {
        Some([a, b, c, d, e, f]) => {
            let octets = [0, 0, *a, *b, *c, *d, *e, *f];
            Ok(i64::from_be_bytes(octets))
        }
        _ => Err(Refusal::from(format!(
            "{} is no hardware address, such as 02:00:00:00:00:01",
            shown(literal)
        ))),
    }
}

fn addresses(field: &Field, kind: Kind, literal: &Literal) -> Result<(i128, i128)> {
    let text = plain(literal);
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        let mut refusal = Refusal::from(format!(
            "{} is no {kind}; hosts are found by name with host == NAME",
            shown(literal)
        ));
        let is_name = text.contains(|c: char| c.is_ascii_alphabetic()) && !text.contains(':');
        if !is_name {
            refusal.message = format!(
                "{} is no {kind}, such as {}",
                shown(literal),
                kind.example()
            );
        }
        return Err(refusal);
    };
    let name = field.name();
    match (kind, address) {
        (Kind::Ipv4, IpAddr::V6(_)) => {
            return Err(Refusal {
                message: format!("{name} is an IPv4 address, and {} is none", shown(literal)),
                suggestion: None,
            });
        }
        (Kind::Ipv6, IpAddr::V4(_)) => {
            return Err(Refusal {
                message: format!("{name} is an IPv6 address, and {} is none", shown(literal)),
                suggestion: None,
            });
        }
        _ => {}
    }
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => bits,
        Some(prefix) => prefix
            .parse()
            .ok()
            .filter(|prefix| *prefix <= bits)
            .ok_or_else(|| {
                Refusal::from(format!("after the / stands a number of bits, 0 to {bits}"))
            })?,
    };
    let free = bits - prefix;
    let mask = if free == 128 {
        u128::MAX
    } else {
        (1 << free) - 1
    };
    let address = Address::from(address).0;
    let order = |number: u128| (number ^ (1 << 127)) as i128;
    Ok((order(address & !mask), order(address | mask)))
}

/// An address range, where a text is one.
pub(super) fn host_range(field: &Field, literal: &Literal) -> Option<(i128, i128)> {
    addresses(field, Kind::Address, literal).ok()
}

/// Pairs of hexadecimal digits, parted by colons, hyphens or dots, or by nothing.
fn octets(text: &str) -> Option<Vec<u8>> {
    let octet = |pair: &str| -> Option<u8> {
        let hex = (1..=2).contains(&pair.len()) && pair.bytes().all(|c| c.is_ascii_hexdigit());
        hex.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
    };
    if let Some(separator) = [':', '-', '.']
        .into_iter()
        .find(|each| text.contains(*each))
    {
        return text.split(separator).map(octet).collect();
    }
    let pairs = text.as_bytes().chunks(2);
    let pairs = pairs.map(|pair| core::str::from_utf8(pair).ok().and_then(octet));
    let even = text.len().is_multiple_of(2) || text.len() == 1;
    (even && !text.is_empty())
        .then(|| pairs.collect())
        .flatten()
}

/// The bytes of a literal, where bytes are asked for.
pub(super) fn bytes(literal: &Literal) -> Result<Vec<u8>> {
    match &literal.text {
        Text::Word(word) => octets(word).or_else(|| octet(word)).ok_or_else(|| Refusal {
            message: match word.starts_with(|c: char| c.is_ascii_digit()) {
                true => format!(
                    "{} is no bytes, which are pairs of hexadecimal digits, such as 47:45:54",
                    shown(literal)
                ),
                false => format!(
                    "{} is neither bytes, such as 47:45:54, nor a text in quotation marks",
                    shown(literal)
                ),
            },
            suggestion: meant_as_bytes(word),
        }),
        _ => text(literal),
    }
}

/// The digits of a number that is told to be hexadecimal.
fn after_0x(word: &str) -> Option<&str> {
    let digits = word.strip_prefix("0x").or(word.strip_prefix("0X"))?;
    let is_hex = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_hexdigit());
    is_hex.then_some(digits)
}

/// One byte as a number: `0x47`. More of them have an order, which a number does not tell.
fn octet(word: &str) -> Option<Vec<u8>> {
    let number = u8::from_str_radix(after_0x(word)?, 16).ok()?;
    Some(vec![number])
}

/// What may be meant by a word that is no bytes.
fn meant_as_bytes(word: &str) -> Option<String> {
    const FEW: usize = 32;
    if let Some(digits) = after_0x(word).filter(|digits| digits.len() <= FEW) {
        let even = "0".repeat(digits.len() % 2) + digits;
        let pairs = even.as_bytes().chunks(2).map(String::from_utf8_lossy);
        return Some(pairs.collect::<Vec<_>>().join(":"));
    }
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        // Digits without a mark are hexadecimal; three of them are meant as a decimal number.
        return word
            .parse::<u8>()
            .ok()
            .map(|number| format!("{number:#04x}"));
    }
    word.bytes()
        .all(|c| c.is_ascii_alphanumeric())
        .then(|| format!("\"{word}\""))
}

/// The byte between single marks.
pub(super) fn character(text: &str) -> Result<u8> {
    match unescaped(text)?.as_slice() {
        [octet] => Ok(*octet),
        _ => Err(Refusal {
            message: format!(
                "between single marks stands one byte, not {}",
                escaped(text)
            ),
            suggestion: (!text.is_empty() && !text.contains('"')).then(|| format!("\"{text}\"")),
        }),
    }
}

/// The bytes of a literal, where text is asked for.
pub(super) fn text(literal: &Literal) -> Result<Vec<u8>> {
    match &literal.text {
        Text::Word(word) => Ok(word.clone().into_bytes()),
        Text::Raw(text) => Ok(text.replace("\\\"", "\"").into_bytes()),
        Text::Quoted(text) => unescaped(text),
        Text::Char(text) => character(text).map(|octet| vec![octet]),
    }
}

fn unescaped(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.extend(before.as_bytes());
        let mut chars = after.chars();
        let Some(code) = chars.next() else {
            return Err(Refusal::from(
                "a text can't end with a backslash".to_owned(),
            ));
        };
        rest = chars.as_str();
        out.push(match code {
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'v' => 11,
            '0' => 0,
            '\\' | '"' | '\'' | '?' => code as u8,
            'x' => {
                let digits = rest
                    .get(..2)
                    .filter(|pair| pair.bytes().all(|c| c.is_ascii_hexdigit()));
                let Some(value) = digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()) else {
                    return Err(Refusal::from(
                        "after \\x stand two hexadecimal digits".to_owned(),
                    ));
                };
                rest = rest.get(2..).unwrap_or_default();
                value
            }
            other => {
                return Err(Refusal::from(format!(
                    "\\{} means nothing in a text; in r\"…\" a backslash is a backslash",
                    escaped(&other.to_string())
                )));
            }
        });
    }
    out.extend(rest.as_bytes());
    Ok(out)
}

/// A regular expression as the regex crate reads it: escapes are its own, but for marks.
pub(super) fn pattern(literal: &Literal) -> String {
    match &literal.text {
        Text::Word(word) => word.clone(),
        Text::Raw(text) => text.replace("\\\"", "\""),
        Text::Quoted(text) | Text::Char(text) => {
            let mut out = String::with_capacity(text.len());
            let mut chars = text.chars();
            while let Some(c) = chars.next() {
                match (c, c == '\\') {
                    (_, false) => out.push(c),
                    _ => match chars.next() {
                        Some(mark @ ('"' | '\\')) => out.push(mark),
                        Some(code) => out.extend(['\\', code]),
                        None => out.push('\\'),
                    },
                }
            }
            out
        }
    }
}

/// One of the words that a field's values can be.
pub(super) fn one_of(field: &Field, literal: &Literal) -> Result<&'static str> {
    let folded = |text: &str| text.to_ascii_lowercase().replace(['_', ' '], "-");
    let text = folded(plain(literal));
    let known = field.values().iter().copied();
    if let Some(found) = known.clone().find(|word| folded(word) == text) {
        return Ok(found);
    }
    const FEW: usize = 12;
    let near = nearest(&text, known.clone().map(|word| (word, folded(word))));
    let mut message = format!("{} is never {}", field.name(), shown(literal));
    if near.is_none() && field.values().len() <= FEW {
        message += &format!("; it is one of {}", known.collect::<Vec<_>>().join(", "));
    }
    Err(Refusal {
        message,
        suggestion: near.map(|word| match word.contains('-') {
            true => format!("\"{word}\""),
            false => word.to_owned(),
        }),
    })
}
