//! The text of a filter → what is written there.
//!
//! ```text
//! or       = xor  { ("||" | "or")  xor }
//! xor      = and  { ("^^" | "xor") and }
//! and      = not  { ("&&" | "and") not }
//! not      = ("!" | "not") not | "(" or ")" | test
//! test     = [ "any" | "all" ] ( operand [ relation ] | value operator operand ) { operator value }
//! operand  = ( name [ slice ] | function "(" name [ slice ] ")" ) [ "&" number ]
//! relation = operator value | "contains" value | ("matches" | "~") value | [ "not" ] "in" set
//! set      = "{" value [ ".." value ] { [ "," ] value [ ".." value ] } "}"
//! slice    = "[" ( start ":" [ length ] | ":" length | start "-" end | start ) "]"
//! ```
//!
//! A value on the left is put on the right, and a chain such as `1 < a < 9` taken apart into its
//! tests.
//!
//! Nesting is bounded, since it is followed by recursion; everything else may be as long as it
//! likes.

use std::borrow::Cow;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::combinator::{map, opt, recognize, verify};
use nom::error::{ErrorKind, ParseError};
use nom::sequence::{delimited, pair, preceded};
use nom::{Err, IResult, Parser};

use super::ast::{
    Expr, Extent, Function, Literal, Member, Operand, Operator, Place, Relation, Slice, Text,
};
use super::comparison::test;
use super::error::FilterError;
use crate::report::escape::escaped;

/// Parentheses and negations within each other at most.
pub(super) const DEEPEST: usize = 100;

/// Why the text does not go on as it should: what was found there, and the words for it.
#[derive(Debug)]
pub(super) struct Wrong {
    place: Place,
    message: Cow<'static, str>,
    suggestion: Option<&'static str>,
}

impl ParseError<&str> for Wrong {
    fn from_error_kind(input: &str, _: ErrorKind) -> Self {
        Self {
            place: here(input),
            message: Cow::Borrowed("something else is expected here"),
            suggestion: None,
        }
    }

    fn append(_: &str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

pub(super) type Parsed<'a, T> = IResult<&'a str, T, Wrong>;

/// The place of the word or sign that comes next.
fn here(input: &str) -> Place {
    let rest = input.trim_start();
    let len = match word_len(rest) {
        0 => rest.chars().next().map_or(0, char::len_utf8),
        len => len,
    };
    Place {
        before: rest.len(),
        after: rest.len() - len,
    }
}

/// Ends parsing: no other way to read it would help.
pub(super) fn fail<T>(input: &str, message: impl Into<Cow<'static, str>>) -> Parsed<'_, T> {
    Err(Err::Failure(Wrong {
        place: here(input),
        message: message.into(),
        suggestion: None,
    }))
}

/// The text as an expression; `None` when there is nothing in it.
pub(super) fn parse(text: &str) -> Result<Option<Expr>, FilterError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let wrong = match either(text, DEEPEST) {
        Ok((rest, expr)) if rest.trim_start().is_empty() => return Ok(Some(expr)),
        Ok((rest, _)) => goes_on(rest),
        Err(Err::Error(wrong) | Err::Failure(wrong)) => wrong,
        Err(Err::Incomplete(_)) => Wrong::from_error_kind("", ErrorKind::Eof),
    };
    let (offset, len) = wrong.place.within(text.len());
    Err(FilterError {
        offset,
        len,
        message: wrong.message.into_owned(),
        suggestion: wrong.suggestion.map(str::to_owned),
    })
}

/// What is wrong where an expression has ended and the text has not.
fn goes_on(rest: &str) -> Wrong {
    /// What people write, and what they mean by it.
    const MEANT: [(&str, &str); 6] = [
        ("=>", ">="),
        ("=<", "<="),
        ("<>", "!="),
        ("=", "=="),
        ("|", "||"),
        ("^", "^^"),
    ];
    let rest = rest.trim_start();
    if let Ok((after, operator)) = comparison(rest) {
        let place = Place {
            before: rest.len(),
            after: after.len(),
        };
        let message = format!(
            "{} compares values, and before it stands a whole test; tests are joined by && and ||",
            operator.sign()
        );
        return Wrong {
            place,
            message: Cow::Owned(message),
            suggestion: None,
        };
    }
    let meant = MEANT.iter().find(|(sign, _)| rest.starts_with(sign));
    let (len, message, suggestion) = match (meant, rest.chars().next()) {
        (Some((sign, meant)), _) => (
            sign.len(),
            format!("{sign} is not an operator"),
            Some(*meant),
        ),
        (None, Some(')')) => (1, "there is no ( for this )".to_owned(), None),
        (None, Some(char)) => {
            let len = word_len(rest).max(char.len_utf8());
            let found = rest.get(..len).unwrap_or_default();
            let found = escaped(found);
            let message = format!("an operator, `and` or `or` is expected before {found}");
            (len, message, None)
        }
        (None, None) => (0, "the filter ends too early".to_owned(), None),
    };
    Wrong {
        place: Place {
            before: rest.len(),
            after: rest.len() - len,
        },
        message: Cow::Owned(message),
        suggestion,
    }
}

/// What stands between words.
pub(super) fn space(input: &str) -> Parsed<'_, &str> {
    take_while(char::is_whitespace).parse(input)
}

fn sign<'a>(sign: &'static str) -> impl Parser<&'a str, Output = &'a str, Error = Wrong> {
    preceded(space, tag(sign))
}

/// Letters, digits and what stands between them in names, numbers and addresses. Two dots end it:
/// they stand between the ends of a range.
pub(super) fn word(input: &str) -> Parsed<'_, &str> {
    match input.split_at_checked(word_len(input)) {
        Some((word, rest)) if !word.is_empty() => Ok((rest, word)),
        _ => Err(Err::Error(Wrong::from_error_kind(input, ErrorKind::Alpha))),
    }
}

/// Bytes of the word that a text begins with, 0 for none.
fn word_len(input: &str) -> usize {
    let begins = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | '-');
    let continues = |c: char| begins(c) || matches!(c, '/' | '+' | '%');
    let mut end = 0;
    for (at, c) in input.char_indices() {
        let fits = if at == 0 { begins(c) } else { continues(c) };
        if !fits || input.get(at..).is_some_and(|rest| rest.starts_with("..")) {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// One of our own words, however it is written.
pub(super) fn keyword<'a>(
    words: &'static [&'static str],
) -> impl Parser<&'a str, Output = &'a str, Error = Wrong> {
    preceded(
        space,
        verify(word, move |found: &str| {
            words.iter().any(|word| found.eq_ignore_ascii_case(word))
        }),
    )
}

pub(super) const OPERATORS: &[&str] = &[
    "and",
    "or",
    "xor",
    "not",
    "in",
    "eq",
    "any_eq",
    "ne",
    "all_ne",
    "all_eq",
    "any_ne",
    "lt",
    "le",
    "gt",
    "ge",
    "contains",
    "matches",
    "bitand",
    "bitwise_and",
];

/// Parts joined by an operator; a single one is itself.
fn joined<'a>(
    input: &'a str,
    part: impl Fn(&'a str) -> Parsed<'a, Expr>,
    operator: impl Fn(&'a str) -> Parsed<'a, &'a str>,
    join: fn(Vec<Expr>) -> Expr,
) -> Parsed<'a, Expr> {
    let (mut input, first) = part(input)?;
    let mut parts = vec![first];
    while let Ok((rest, _)) = operator(input) {
        let (rest, next) = part(rest)?;
        parts.push(next);
        input = rest;
    }
    match parts.pop() {
        Some(single) if parts.is_empty() => Ok((input, single)),
        last => {
            parts.extend(last);
            Ok((input, join(parts)))
        }
    }
}

fn either(input: &str, depth: usize) -> Parsed<'_, Expr> {
    joined(
        input,
        |input| one(input, depth),
        |input| alt((sign("||"), keyword(&["or"]))).parse(input),
        Expr::Or,
    )
}

fn one(input: &str, depth: usize) -> Parsed<'_, Expr> {
    joined(
        input,
        |input| all(input, depth),
        |input| alt((sign("^^"), keyword(&["xor"]))).parse(input),
        Expr::Xor,
    )
}

fn all(input: &str, depth: usize) -> Parsed<'_, Expr> {
    joined(
        input,
        |input| not(input, depth),
        |input| alt((sign("&&"), keyword(&["and"]))).parse(input),
        Expr::And,
    )
}

fn not(input: &str, depth: usize) -> Parsed<'_, Expr> {
    let negation = alt((sign("!"), keyword(&["not"]))).parse(input);
    if let Ok((rest, _)) = negation {
        let (rest, part) = not(rest, deeper(input, depth)?)?;
        return Ok((rest, Expr::Not(Box::new(part))));
    }
    if let Ok((rest, _)) = sign("(").parse(input) {
        let (rest, part) = either(rest, deeper(input, depth)?)?;
        let Ok((rest, _)) = sign(")").parse(rest) else {
            if rest.trim_start().is_empty() {
                return Err(Err::Failure(Wrong {
                    message: Cow::Borrowed("this ( is never closed"),
                    ..Wrong::from_error_kind(input, ErrorKind::Char)
                }));
            }
            return Err(Err::Failure(goes_on(rest)));
        };
        return Ok((rest, part));
    }
    test(input)
}

fn deeper(input: &str, depth: usize) -> Result<usize, Err<Wrong>> {
    match depth.checked_sub(1) {
        Some(depth) => Ok(depth),
        None => Err(Err::Failure(Wrong {
            message: Cow::Owned(format!(
                "parentheses and negations go {DEEPEST} deep at most"
            )),
            ..Wrong::from_error_kind(input, ErrorKind::TooLarge)
        })),
    }
}

pub(super) fn operand(input: &str) -> Parsed<'_, Operand> {
    let function =
        alt(Function::ALL
            .map(|function| map(pair(keyword_of(function), sign("(")), move |_| function)))
        .parse(input);
    let (input, function) = match function {
        Ok((rest, function)) => (rest, Some(function)),
        Err(_) => (input, None),
    };
    let (input, name) = field_name(input)?;
    let (mut input, slice) = match input.starts_with('[') {
        true => map(slice, Some).parse(input)?,
        false => (input, None),
    };
    if function.is_some() {
        let Ok((rest, _)) = sign(")").parse(input) else {
            return fail(input, "a ) is expected here");
        };
        input = rest;
    }
    let (input, mask) = opt(preceded(and_of_bits, value)).parse(input)?;
    Ok((
        input,
        Operand {
            function,
            name,
            slice,
            mask,
        },
    ))
}

fn keyword_of<'a>(function: Function) -> impl Parser<&'a str, Output = &'a str, Error = Wrong> {
    preceded(
        space,
        verify(word, move |found: &str| found == function.name()),
    )
}

/// `&`, but not `&&`.
fn and_of_bits(input: &str) -> Parsed<'_, &str> {
    match sign("&").parse(input) {
        Ok((rest, found)) if !rest.starts_with('&') => Ok((rest, found)),
        _ => keyword(&["bitand", "bitwise_and"]).parse(input),
    }
}

fn field_name(input: &str) -> Parsed<'_, Literal> {
    let begins = input.trim_start();
    match begins.chars().next() {
        None => return fail(input, "a field is expected here, and the filter ends"),
        Some('"' | '\'') => return fail(input, "a field must come first, and this is a text"),
        Some(')') => return fail(input, "a field is expected before this )"),
        Some(_) => {}
    }
    match word(begins) {
        Ok((_, found))
            if OPERATORS
                .iter()
                .any(|each| found.eq_ignore_ascii_case(each)) =>
        {
            fail(input, format!("a field is expected before `{found}`"))
        }
        Ok((rest, found)) => Ok((rest, spelled(begins, rest, Text::Word(found.to_owned())))),
        Err(_) => {
            let found: String = begins.chars().take(1).collect();
            fail(
                input,
                format!("a field is expected here, not {}", escaped(&found)),
            )
        }
    }
}

fn spelled(before: &str, after: &str, text: Text) -> Literal {
    Literal {
        text,
        place: Place {
            before: before.len(),
            after: after.len(),
        },
    }
}

pub(super) fn relation(input: &str) -> Parsed<'_, Relation> {
    if let Ok((rest, _)) = keyword(&["contains"]).parse(input) {
        return map(value, Relation::Contains).parse(rest);
    }
    if let Ok((rest, _)) = alt((keyword(&["matches"]), sign("~"))).parse(input) {
        return map(value, Relation::Matches).parse(rest);
    }
    let within = pair(opt(keyword(&["not"])), keyword(&["in"])).parse(input);
    if let Ok((rest, (not, _))) = within {
        let negated = not.is_some();
        return map(set, |members| Relation::In { negated, members }).parse(rest);
    }
    Ok((input, Relation::Present))
}

pub(super) fn comparison(input: &str) -> Parsed<'_, Operator> {
    for (operator, written, words, _) in Operator::TABLE {
        if let Ok((rest, _)) = alt((sign(written), keyword(words))).parse(input) {
            return Ok((rest, operator));
        }
    }
    Err(Err::Error(Wrong::from_error_kind(input, ErrorKind::Tag)))
}

/// A value to compare with.
pub(super) fn value(input: &str) -> Parsed<'_, Literal> {
    let begins = input.trim_start();
    match begins.chars().next() {
        None => return fail(input, "a value is expected here, and the filter ends"),
        Some('"') => return quoted(begins, begins.get(1..), '"', Text::Quoted),
        Some('\'') => return quoted(begins, begins.get(1..), '\'', Text::Char),
        Some('r') if begins.starts_with("r\"") => {
            return quoted(begins, begins.get(2..), '"', Text::Raw);
        }
        Some('{') => return fail(input, "a set stands after `in`; one value is expected here"),
        Some(_) => {}
    }
    match word(begins) {
        Ok((rest, found)) => Ok((rest, spelled(begins, rest, Text::Word(found.to_owned())))),
        Err(_) => {
            let found: String = begins.chars().take(1).collect();
            fail(
                input,
                format!("a value is expected here, not {}", escaped(&found)),
            )
        }
    }
}

/// A text in quotation marks. A backslash before a mark makes it part of the text.
fn quoted<'a>(
    begins: &'a str,
    inside: Option<&'a str>,
    mark: char,
    kind: fn(String) -> Text,
) -> Parsed<'a, Literal> {
    let inside = inside.unwrap_or_default();
    let mut is_escaped = false;
    for (at, c) in inside.char_indices() {
        if c == mark && !is_escaped {
            let (text, rest) = inside.split_at_checked(at).unwrap_or_default();
            let rest = rest.get(1..).unwrap_or_default();
            return Ok((rest, spelled(begins, rest, kind(text.to_owned()))));
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    fail(begins, "this quotation mark is never closed")
}

fn set(input: &str) -> Parsed<'_, Vec<Member>> {
    let Ok((mut input, _)) = sign("{").parse(input) else {
        return fail(
            input,
            "a set such as {80, 443, 8000..8100} is expected after `in`",
        );
    };
    let mut members = Vec::new();
    loop {
        if let Ok((rest, _)) = sign("}").parse(input) {
            if members.is_empty() {
                return fail(input, "the set is empty");
            }
            return Ok((rest, members));
        }
        if input.trim_start().is_empty() {
            return fail(input, "a } is expected here, and the filter ends");
        }
        let (rest, first) = value(input)?;
        let (rest, last) = opt(preceded(sign(".."), value)).parse(rest)?;
        members.push(Member { first, last });
        (input, _) = opt(sign(",")).parse(rest)?;
    }
}

fn slice(input: &str) -> Parsed<'_, Slice> {
    let digits = || take_while1(|c: char| c.is_ascii_digit());
    let signed = || {
        preceded(
            space,
            verify(
                map(recognize(pair(opt(tag("-")), digits())), |text: &str| {
                    text.parse::<i32>().ok()
                }),
                Option::is_some,
            ),
        )
    };
    let unsigned = || {
        preceded(
            space,
            verify(
                map(digits(), |text: &str| text.parse::<u32>().ok()),
                Option::is_some,
            ),
        )
    };
    let extent = alt((
        map(preceded(sign(":"), unsigned()), |len| {
            Extent::Len(len.unwrap_or(0))
        }),
        map(sign(":"), |_| Extent::Rest),
        map(preceded(sign("-"), signed()), |end| {
            Extent::To(end.unwrap_or(0))
        }),
        map(space, |_| Extent::Len(1)),
    ));
    let whole = alt((
        pair(map(signed(), |start| start.unwrap_or(0)), extent),
        map(preceded(sign(":"), unsigned()), |len| {
            (0, Extent::Len(len.unwrap_or(0)))
        }),
    ));
    match delimited(tag("["), whole, sign("]")).parse(input) {
        Ok((rest, (start, extent))) => {
            let place = Place {
                before: input.len(),
                after: rest.len(),
            };
            Ok((
                rest,
                Slice {
                    start,
                    extent,
                    place,
                },
            ))
        }
        Err(_) => fail(
            input,
            "a slice is [offset], [offset:length], [:length], [offset:] or [first-last]",
        ),
    }
}
