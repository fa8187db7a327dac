//! Text → words, each with its place. As in libpcap the longest reading wins: `80-90` and `len-40`
//! are one word each.

use core::ops::Range;
use std::net::Ipv6Addr;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, multispace0};
use nom::combinator::{map, recognize};
use nom::sequence::{pair, preceded};

use super::constants;
use super::error::{FilterError, Result};

/// A word or sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A number, or a name that stands for one (`tcp-syn`).
    Number(u32),
    /// A keyword or a name.
    Word(&'a str),
    /// A name that is no keyword: `\tcp`.
    Quoted(&'a str),
    /// The first octets of an IPv4 address, and how many: `10.1` is 2 of them.
    Dotted([u8; 4], u8),
    /// An IPv6 address.
    V6(Ipv6Addr),
    /// A hardware address.
    Mac([u8; 6]),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed<'a> {
    pub(super) token: Token<'a>,
    pub(super) at: Range<usize>,
}

/// Signs, the longer before what they begin with.
const SIGNS: [&str; 23] = [
    ">=", "<=", "!=", "==", "<<", ">>", "&&", "||", "+", "-", "*", "/", "%", ":", "[", "]", "!",
    "<", ">", "(", ")", "&", "|",
];
const MORE_SIGNS: [&str; 2] = ["^", "="];

/// More words than any filter that the kernel takes.
const MOST: usize = 2000;

/// All words of a text.
pub(super) fn words(text: &str) -> Result<Vec<Placed<'_>>> {
    let mut words = Vec::new();
    let mut rest = skip_space(text);
    while !rest.is_empty() {
        let start = text.len() - rest.len();
        let (after, token) =
            word(rest).map_err(|(len, reason)| FilterError::new(start..start + len, reason))?;
        let end = text.len() - after.len();
        if words.len() == MOST {
            return Err(FilterError::new(start..end, "the filter is too long"));
        }
        words.push(Placed {
            token,
            at: start..end,
        });
        rest = skip_space(after);
    }
    Ok(words)
}

fn skip_space(text: &str) -> &str {
    let skipped: nom::IResult<&str, &str> = multispace0(text);
    skipped.map_or(text, |(rest, _)| rest)
}

/// The next word; else how many octets of the text can't be read, and why.
fn word(text: &str) -> core::result::Result<(&str, Token<'_>), (usize, String)> {
    if let Some(address) = colons(text) {
        return address;
    }
    type Parsed<'a> = nom::IResult<&'a str, Token<'a>>;
    let quoted = preceded(
        char('\\'),
        take_while1(|c: char| !c.is_whitespace() && !"!()".contains(c)),
    );
    let letters = recognize(pair(
        take_while1(|c: char| c.is_ascii_alphanumeric()),
        take_while(|c: char| c.is_ascii_alphanumeric() || "-_.".contains(c)),
    ));
    let parsed: Parsed<'_> = alt((
        map(quoted, Token::Quoted),
        map(letters, |run: &str| {
            Token::Word(run.trim_end_matches(['-', '_']))
        }),
        sign,
    ))
    .parse(text);
    match parsed {
        Ok((_, Token::Word(run))) => classify(run)
            .map(|token| (&text[run.len()..], token))
            .map_err(|reason| (run.len(), reason)),
        Ok(done) => Ok(done),
        Err(_) => {
            let len = text.chars().next().map_or(0, char::len_utf8);
            Err((len, format!("`{}` means nothing here", &text[..len])))
        }
    }
}

fn sign(text: &str) -> nom::IResult<&str, Token<'_>> {
    for sign in SIGNS.into_iter().chain(MORE_SIGNS) {
        let found: nom::IResult<&str, &str> = tag(sign).parse(text);
        if let Ok((rest, _)) = found {
            let sign = if sign == "==" { "=" } else { sign };
            return Ok((rest, Token::Sign(sign)));
        }
    }
    Err(nom::Err::Error(nom::error::Error::new(
        text,
        nom::error::ErrorKind::Tag,
    )))
}

/// An address with colons, when one stands here: none in `[12:2]`.
#[allow(clippy::type_complexity, reason = "as `word`")]
fn colons(text: &str) -> Option<core::result::Result<(&str, Token<'_>), (usize, String)>> {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == ':' || c == '.';
    let run = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let run = &text[..run];
    if run.matches(':').count() < 2 {
        return None;
    }
    // The longest beginning that is one.
    for end in (2..=run.len()).rev() {
        let part = &run[..end];
        let token = mac(part, ':').or_else(|| part.parse().ok().map(Token::V6));
        if let Some(token) = token {
            return Some(Ok((&text[end..], token)));
        }
    }
    Some(Err((run.len(), format!("`{run}` is no address"))))
}

/// Six octets in hex, parted by this.
fn mac(text: &str, by: char) -> Option<Token<'static>> {
    let mut octets = [0; 6];
    let mut parts = text.split(by);
    for octet in &mut octets {
        let part = parts.next().filter(|part| part.len() <= 2)?;
        *octet = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(Token::Mac(octets))
}

/// Twelve hex digits, in fours or not parted at all.
fn plain_mac(run: &str) -> Option<Token<'static>> {
    let fours = run.len() == 14 && run.split('.').all(|part| part.len() == 4);
    let digits: String = run.chars().filter(|&c| !(fours && c == '.')).collect();
    if digits.len() != 12 || !digits.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let mut octets = [0; 6];
    for (octet, at) in octets.iter_mut().zip((0..).step_by(2)) {
        *octet = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
    }
    Some(Token::Mac(octets))
}

fn classify(run: &str) -> core::result::Result<Token<'_>, String> {
    if let Some(token) = mac(run, '-')
        .or_else(|| mac(run, '.'))
        .or_else(|| plain_mac(run))
    {
        return Ok(token);
    }
    if run.bytes().all(|c| c.is_ascii_digit()) {
        return number(run).map(Token::Number);
    }
    if let Some(digits) = run.strip_prefix("0x").or_else(|| run.strip_prefix("0X"))
        && !digits.is_empty()
        && digits.bytes().all(|c| c.is_ascii_hexdigit())
    {
        let value = u32::from_str_radix(digits, 16);
        return value
            .map(Token::Number)
            .map_err(|_| format!("{run} does not fit 32 bits"));
    }
    if run.contains('.') && run.bytes().all(|c| c.is_ascii_digit() || c == b'.') {
        return dotted(run);
    }
    Ok(constants::value(run).map_or(Token::Word(run), Token::Number))
}

/// Decimal, or octal after a zero.
fn number(run: &str) -> core::result::Result<u32, String> {
    let octal = run.len() > 1 && run.starts_with('0');
    if octal && run.contains(['8', '9']) {
        return Err(format!(
            "{run} begins with 0, so it is octal, and has no such digit"
        ));
    }
    u32::from_str_radix(run, if octal { 8 } else { 10 })
        .map_err(|_| format!("{run} does not fit 32 bits"))
}

fn dotted(run: &str) -> core::result::Result<Token<'_>, String> {
    let mut octets = [0; 4];
    let mut count = 0;
    for part in run.split('.') {
        let (Some(octet), Ok(value)) = (octets.get_mut(usize::from(count)), part.parse()) else {
            return Err(format!("`{run}` is no address"));
        };
        *octet = value;
        count += 1;
    }
    Ok(Token::Dotted(octets, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let placed = words(text).unwrap();
        placed.into_iter().map(|placed| placed.token).collect()
    }

    #[test]
    fn words_and_their_places() {
        let placed = words(" tcp  port 0x1bb").unwrap();
        assert_eq!(placed[1].token, Token::Word("port"));
        assert_eq!(placed[1].at, 6..10);
        assert_eq!(placed[2].token, Token::Number(443));
    }

    #[test]
    fn the_longest_reading_wins() {
        assert_eq!(tokens("80-90"), [Token::Word("80-90")]);
        assert_eq!(tokens("tcp-syn"), [Token::Number(2)]);
        assert_eq!(tokens("tcp-sync"), [Token::Word("tcp-sync")]);
        assert_eq!(tokens("10.1"), [Token::Dotted([10, 1, 0, 0], 2)]);
        assert_eq!(tokens("017"), [Token::Number(15)]);
        assert_eq!(tokens(r"\tcp"), [Token::Quoted("tcp")]);
        assert_eq!(
            tokens("2001:db8::1"),
            [Token::V6("2001:db8::1".parse().unwrap())]
        );
        assert_eq!(tokens("::ffff:1.2.3.4").len(), 1);
        let mac = Token::Mac([2, 0, 0, 0, 0, 0xa]);
        for text in [
            "2:0:0:0:0:a",
            "02-00-00-00-00-0a",
            "0200.0000.000a",
            "02000000000a",
        ] {
            assert_eq!(tokens(text), [mac], "{text}");
        }
        assert_eq!(
            tokens("[12:2]"),
            [
                Token::Sign("["),
                Token::Number(12),
                Token::Sign(":"),
                Token::Number(2),
                Token::Sign("]"),
            ]
        );
    }

    #[test]
    fn what_is_no_word() {
        for (text, at) in [
            ("host 1.2.3.400", 5..14),
            ("host 1.2.3.4.5", 5..14),
            ("port 09", 5..7),
            ("port 99999999999", 5..16),
            ("host a:b:c", 5..10),
            ("tcp ; udp", 4..5),
            ("tcp é", 4..6),
        ] {
            assert_eq!(words(text).unwrap_err().at, at, "{text}");
        }
    }
}
