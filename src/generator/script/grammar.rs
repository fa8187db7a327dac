//! A line of a script: text → statement and expectation.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, space0, space1};
use nom::combinator::{cut, opt, rest, verify};
use nom::error::{ErrorKind, ParseError};
use nom::multi::{many0, separated_list0, separated_list1};
use nom::sequence::{delimited, preceded, separated_pair, terminated};
use nom::{IResult, Parser};

use super::{
    Bytes, Expectation, Expected, Fate, Host, Numbering, Opt, Packet, ScriptError, Side, Statement,
    When,
};
use crate::time::Span;
use crate::wire::Flags;

/// What is wrong, and the rest of the line from there on.
#[derive(Debug)]
pub(super) struct Wrong<'a> {
    at: &'a str,
    reason: String,
}

impl Wrong<'_> {
    pub(super) fn on_line(self, number: usize, line: &str) -> ScriptError {
        ScriptError {
            line: number,
            column: column(line, self.at),
            reason: self.reason,
        }
    }
}

impl<'a> ParseError<&'a str> for Wrong<'a> {
    fn from_error_kind(at: &'a str, _: ErrorKind) -> Self {
        let reason = match (word_at(at), at.chars().next()) {
            (_, None) => "the line ends too early".to_owned(),
            ("", Some(first)) => format!("{first:?} is not understood here"),
            (word, _) => format!("{} is not understood here", quoted(word)),
        };
        Self { at, reason }
    }

    fn append(_: &'a str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

type Parsed<'a, T> = IResult<&'a str, T, Wrong<'a>>;

/// The character of `line`, from 1, at which its end `at` begins.
fn column(line: &str, at: &str) -> usize {
    let before = (at.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
    line.get(..before).unwrap_or(line).chars().count() + 1
}

/// A word of the script, fit for a terminal.
fn quoted(word: &str) -> String {
    const LONGEST: usize = 24;
    let short: String = word.chars().take(LONGEST).collect();
    let dots = if short.len() < word.len() { "…" } else { "" };
    format!("{short:?}{dots}")
}

fn wrong<'a, T>(at: &'a str, reason: impl Into<String>) -> Parsed<'a, T> {
    Err(nom::Err::Failure(Wrong {
        at,
        reason: reason.into(),
    }))
}

/// What a line says; nothing of an empty one.
pub(super) fn line(line: &str) -> Result<Option<(Statement, Expectation)>, Wrong<'_>> {
    let line = line.split('#').next().unwrap_or(line).trim_end();
    if line.trim_start().is_empty() {
        return Ok(None);
    }
    let (says, expects) = match line.split_once('|') {
        Some((says, expects)) => (says.trim_end(), Some(expects)),
        None => (line, None),
    };
    let read = |error| match error {
        nom::Err::Error(wrong) | nom::Err::Failure(wrong) => wrong,
        nom::Err::Incomplete(_) => Wrong {
            at: "",
            reason: "the line ends too early".to_owned(),
        },
    };
    let (_, statement) = statement(says, says).map_err(read)?;
    let expectation = match expects {
        Some(expects) => expectation(expects).map_err(read)?.1,
        None => Expectation::default(),
    };
    Ok(Some((statement, expectation)))
}

fn statement<'a>(input: &'a str, line: &str) -> Parsed<'a, Statement> {
    let (input, _) = space0(input)?;
    let (after, word) = word(input)?;
    match word {
        "client" => host(after, Side::Client),
        "server" => host(after, Side::Server),
        "snaplen" => {
            let (input, snaplen) = value(after, number::<u32>)?;
            end(input)?;
            Ok(("", Statement::Snaplen(snaplen)))
        }
        _ => packet(input, line),
    }
}

/// The word that `input` begins with; maybe empty.
fn word_at(input: &str) -> &str {
    input
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '[' | ']'))
        .next()
        .unwrap_or("")
}

fn word(input: &str) -> Parsed<'_, &str> {
    take_while1(|c: char| !c.is_whitespace()).parse(input)
}

fn end(input: &str) -> Parsed<'_, ()> {
    let (input, _) = space0(input)?;
    if input.is_empty() {
        Ok((input, ()))
    } else {
        wrong(input, format!("{} is too much", quoted(word_at(input))))
    }
}

/// What follows a keyword.
fn value<'a, T>(input: &'a str, parser: impl FnMut(&'a str) -> Parsed<'a, T>) -> Parsed<'a, T> {
    cut(preceded(space1, parser)).parse(input)
}

fn digits(input: &str) -> Parsed<'_, &str> {
    take_while1(|c: char| c.is_ascii_digit()).parse(input)
}

/// A decimal number that fits its place.
fn number<T: FromStr>(input: &str) -> Parsed<'_, T> {
    let (rest, digits) = digits(input)?;
    match digits.parse() {
        Ok(number) => Ok((rest, number)),
        Err(_) => wrong(input, format!("{} is too large here", quoted(digits))),
    }
}

/// A position relative to the ISN; below it, negative.
fn position(input: &str) -> Parsed<'_, i64> {
    let (after, minus) = opt(char('-')).parse(input)?;
    let (after, number) = number::<u32>(after)?;
    let number = i64::from(number);
    Ok((after, if minus.is_some() { -number } else { number }))
}

/// `FIRST:END`.
fn range(input: &str) -> Parsed<'_, (i64, i64)> {
    let (after, (first, end)) = separated_pair(position, char(':'), cut(position)).parse(input)?;
    if end < first {
        return wrong(input, "a range ends before it begins");
    }
    Ok((after, (first, end)))
}

/// Seconds with up to nine decimals.
fn seconds(input: &str) -> Parsed<'_, Span> {
    let (after, whole) = take_while(|c: char| c.is_ascii_digit()).parse(input)?;
    let (after, decimals) = opt(preceded(char('.'), digits)).parse(after)?;
    let decimals = decimals.unwrap_or("");
    if whole.is_empty() && decimals.is_empty() {
        return Err(nom::Err::Error(Wrong {
            at: input,
            reason: match word_at(input) {
                "" => "a time in seconds is missing".to_owned(),
                word => format!("{} is no time in seconds", quoted(word)),
            },
        }));
    }
    if whole.len() > 9 || decimals.len() > 9 {
        return wrong(
            input,
            "a time has at most nine digits before and after its point",
        );
    }
    let nanos = format!("{whole:0>9}{decimals:0<9}");
    Ok((after, Span::from_nanos(nanos.parse().unwrap_or(0))))
}

fn on_or_off(input: &str) -> Parsed<'_, bool> {
    alt((tag("on").map(|_| true), tag("off").map(|_| false))).parse(input)
}

/// A value, or `off`.
fn or_off<'a, T>(
    mut parser: impl FnMut(&'a str) -> Parsed<'a, T>,
) -> impl FnMut(&'a str) -> Parsed<'a, Option<T>> {
    move |input| match tag::<_, _, Wrong<'_>>("off").parse(input) {
        Ok((input, _)) => Ok((input, None)),
        Err(_) => parser(input).map(|(input, value)| (input, Some(value))),
    }
}

fn ecn(input: &str) -> Parsed<'_, u8> {
    let (after, word) = word(input)?;
    let codepoint = match word {
        "none" => 0,
        "ect1" => 1,
        "ect0" => 2,
        "ce" => 3,
        _ => return wrong(input, "ECN is none, ect0, ect1 or ce"),
    };
    Ok((after, codepoint))
}

impl Host {
    pub(super) fn default_of(side: Side) -> Self {
        let (host, port, isn, id) = match side {
            Side::Client => (1, 40_000, 1_000_000, 10_000),
            Side::Server => (2, 80, 2_000_000, 50_000),
        };
        Self {
            socket: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)), port),
            isn,
            id: Numbering::Counting(id),
            ttl: 64,
            mss: Some(1460),
            window_scale: Some(7),
            sack: true,
            timestamps: Some(isn),
            tick: Span::from_millis(1),
            window: 502,
            ecn: 0,
            away: None,
        }
    }
}

fn host(input: &str, side: Side) -> Parsed<'_, Statement> {
    let mut host = Host::default_of(side);
    let (at, _) = space0(input)?;
    let (mut input, address) = take_while(|c: char| !c.is_whitespace()).parse(at)?;
    match address.parse() {
        Ok(socket) => host.socket = socket,
        Err(_) => {
            return wrong(
                at,
                "an address and a port must follow: 10.0.0.1:80, [::1]:80",
            );
        }
    }
    loop {
        let (at, _) = space0(input)?;
        if at.is_empty() {
            return Ok((at, Statement::Host(side, host)));
        }
        let (after, key) = word(at)?;
        let h = &mut host;
        (input, ()) = match key {
            "isn" => value(after, number).map(|(i, v)| (i, h.isn = v)),
            "id" => value(after, numbering).map(|(i, v)| (i, h.id = v)),
            "ttl" => value(after, number).map(|(i, v)| (i, h.ttl = v)),
            "mss" => value(after, or_off(number)).map(|(i, v)| (i, h.mss = v)),
            "wscale" => value(after, or_off(number)).map(|(i, v)| (i, h.window_scale = v)),
            "sack" => value(after, on_or_off).map(|(i, v)| (i, h.sack = v)),
            "ts" => value(after, or_off(number)).map(|(i, v)| (i, h.timestamps = v)),
            "tick" => value(after, tick).map(|(i, v)| (i, h.tick = v)),
            "win" => value(after, number).map(|(i, v)| (i, h.window = v)),
            "ecn" => value(after, ecn).map(|(i, v)| (i, h.ecn = v)),
            "away" => value(after, seconds).map(|(i, v)| (i, h.away = Some(v))),
            _ => wrong(at, format!("a host has no {}", quoted(key))),
        }?;
    }
}

fn tick(input: &str) -> Parsed<'_, Span> {
    let (after, tick) = seconds(input)?;
    if tick == Span::ZERO {
        return wrong(input, "a clock that ticks takes longer than nothing");
    }
    Ok((after, tick))
}

fn numbering(input: &str) -> Parsed<'_, Numbering> {
    alt((
        tag("zero").map(|_| Numbering::Zero),
        tag("random").map(|_| Numbering::Random),
        number.map(Numbering::Counting),
    ))
    .parse(input)
}

fn packet<'a>(input: &'a str, line: &str) -> Parsed<'a, Statement> {
    let (input, plus) = opt(char('+')).parse(input)?;
    let (input, time) = seconds(input)?;
    let when = if plus.is_some() {
        When::After(time)
    } else {
        When::At(time)
    };
    let (input, side) = value(input, side)?;
    let (at, _) = space0(input)?;
    let Some(input) = at.strip_prefix('>') else {
        return wrong(at, "'>' must follow the sender");
    };
    let (input, _) = space0(input)?;
    let place = column(line, input);
    let (input, fate) =
        opt(terminated(fate, alt((space1, verify(rest, str::is_empty))))).parse(input)?;
    let fate = fate.unwrap_or(Fate::Captured);
    let mut packet = Packet {
        when,
        side,
        fate,
        column: place,
        flags: Flags::default(),
        range: None,
        ack: None,
        window: None,
        sack: Vec::new(),
        tsval: None,
        echo: None,
        id: None,
        ttl: None,
        ecn: None,
        urgent: None,
        bytes: Bytes::Own,
        options: None,
    };
    // A packet that comes again is what it was.
    if matches!(fate, Fate::Late | Fate::Copy) {
        let (input, _) = space0(input)?;
        let (input, range) = opt(range).parse(input)?;
        end(input)?;
        packet.range = range;
        return Ok(("", Statement::Packet(Box::new(packet))));
    }
    let (input, flags) = flags(input)?;
    packet.flags = flags;
    let (mut input, range) = opt(preceded(space1, range)).parse(input)?;
    packet.range = range;
    loop {
        let (at, _) = space0(input)?;
        if at.is_empty() {
            return Ok((at, Statement::Packet(Box::new(packet))));
        }
        let p = &mut packet;
        if at.starts_with('<') {
            let (after, options) = options(at)?;
            packet.options = Some(options);
            input = after;
            continue;
        }
        let (after, key) = word(at)?;
        (input, ()) = match key {
            "ack" => value(after, position).map(|(i, v)| (i, p.ack = Some(v))),
            "win" => value(after, number).map(|(i, v)| (i, p.window = Some(v))),
            "sack" => value(after, blocks).map(|(i, v)| (i, p.sack = v)),
            "ts" => value(after, number).map(|(i, v)| (i, p.tsval = Some(v))),
            "ecr" => value(after, number).map(|(i, v)| (i, p.echo = Some(v))),
            "id" => value(after, number).map(|(i, v)| (i, p.id = Some(v))),
            "ttl" => value(after, number).map(|(i, v)| (i, p.ttl = Some(v))),
            "ecn" => value(after, ecn).map(|(i, v)| (i, p.ecn = Some(v))),
            "urg" => value(after, number).map(|(i, v)| (i, p.urgent = Some(v))),
            "bytes" => value(after, bytes).map(|(i, v)| (i, p.bytes = v)),
            _ => wrong(at, format!("a packet has no {}", quoted(key))),
        }?;
    }
}

fn side(input: &str) -> Parsed<'_, Side> {
    match alt((
        tag::<_, _, Wrong<'_>>("client").map(|_| Side::Client),
        tag("server").map(|_| Side::Server),
    ))
    .parse(input)
    {
        Err(_) => wrong(input, "the sender is client or server"),
        side => side,
    }
}

fn fate(input: &str) -> Parsed<'_, Fate> {
    alt((
        tag("lost").map(|_| Fate::Lost),
        tag("held").map(|_| Fate::Held),
        tag("late").map(|_| Fate::Late),
        tag("copy").map(|_| Fate::Copy),
    ))
    .parse(input)
}

fn flags(input: &str) -> Parsed<'_, Flags> {
    let (after, word) = match word(input) {
        Ok(word) => word,
        Err(nom::Err::Error(_)) => return wrong(input, "flags are missing"),
        Err(error) => return Err(error),
    };
    if word == "none" {
        return Ok((after, Flags::default()));
    }
    let mut flags = Flags::default();
    for (at, letter) in word.char_indices() {
        let flag = match letter {
            'F' => Flags::FIN,
            'S' => Flags::SYN,
            'R' => Flags::RST,
            'P' => Flags::PSH,
            '.' => Flags::ACK,
            'U' => Flags::URG,
            'E' => Flags::ECE,
            'W' => Flags::CWR,
            'e' => Flags::AE,
            _ => {
                let at = input.get(at..).unwrap_or(input);
                return wrong(at, "flags are letters of FSRP.UEWe, or none");
            }
        };
        flags = flags | flag;
    }
    Ok((after, flags))
}

fn bytes(input: &str) -> Parsed<'_, Bytes> {
    alt((
        tag("other").map(|_| Bytes::Other),
        tag("damaged").map(|_| Bytes::Damaged),
    ))
    .parse(input)
}

fn blocks(input: &str) -> Parsed<'_, Vec<(i64, i64)>> {
    separated_list1(space1, range).parse(input)
}

/// `<mss 1460,sackOK,TS 1 0,nop,wscale 7>`.
fn options(input: &str) -> Parsed<'_, Vec<Opt>> {
    let separator = delimited(space0, char(','), space0);
    delimited(
        (char('<'), space0),
        separated_list0(separator, option),
        cut(preceded(space0, char('>'))),
    )
    .parse(input)
}

fn option(input: &str) -> Parsed<'_, Opt> {
    let after = |word| terminated(tag(word), space1);
    alt((
        tag("nop").map(|_| Opt::Nop),
        tag("sackOK").map(|_| Opt::SackPermitted),
        preceded(after("mss"), cut(number)).map(Opt::Mss),
        preceded(after("wscale"), cut(number)).map(Opt::WindowScale),
        preceded(after("TS"), cut(separated_pair(number, space1, number)))
            .map(|(value, echo)| Opt::Timestamps(value, echo)),
        preceded(after("sack"), cut(blocks)).map(Opt::Sack),
    ))
    .parse(input)
}

fn expectation(input: &str) -> Parsed<'_, Expectation> {
    let (input, _) = space0(input)?;
    if input.trim_end() == "any" {
        let any = Expectation {
            any: true,
            verdicts: Vec::new(),
        };
        return Ok(("", any));
    }
    let separator = delimited(space0, char(';'), space0);
    let (input, verdicts) = separated_list0(separator, expected).parse(input)?;
    end(input)?;
    let expectation = Expectation {
        any: false,
        verdicts,
    };
    Ok(("", expectation))
}

fn name(input: &str) -> Parsed<'_, &str> {
    take_while1(|c: char| c.is_ascii_alphanumeric() || c == '-').parse(input)
}

fn expected(input: &str) -> Parsed<'_, Expected> {
    let (input, kind) = name(input)?;
    let (input, words) = many0(preceded(space1, name)).parse(input)?;
    let (input, open) = opt(preceded(space1, tag("..."))).parse(input)?;
    let rules = delimited(
        (space0, char('['), space0),
        separated_list1(delimited(space0, char(','), space0), name),
        cut(preceded(space0, char(']'))),
    );
    let (input, rules) = opt(rules).parse(input)?;
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    let expected = Expected {
        kind: kind.to_owned(),
        words: owned(words),
        open: open.is_some(),
        rules: owned(rules.unwrap_or_default()),
    };
    Ok((input, expected))
}
