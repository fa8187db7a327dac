//! Words → [`Expression`], by pcap-filter(7).
//!
//! ```text
//! expression = term { ("and" | "or") (term | value) }          both bind alike, to the left
//! term       = "not" term | "(" expression ")" | primitive
//! primitive  = [protocol] [direction] kind values | protocol | relation | …
//! values     = value | "not" values | "(" value { ("and" | "or") values } ")"
//! ```
//!
//! A value right after `and` or `or` has the qualifiers of the one before: `port 80 or 443`.

use core::ops::Range;

use super::error::{FilterError, Result};
use super::lexer::{Placed, Token, words};
use super::syntax::{
    Arithmetic, Direction, Expression, Kind, Operator, Primitive, Protocol, Qualifier, Relation,
    Value,
};

/// Parses a whole filter.
pub(super) fn parse(text: &str) -> Result<Expression> {
    let words = words(text)?;
    if words.is_empty() {
        return Ok(Expression::All);
    }
    let mut parser = Parser {
        words: &words,
        next: 0,
        end: text.trim_end().len(),
        depth: 0,
        last: None,
    };
    let expression = parser.expression()?;
    match parser.words.get(parser.next) {
        None => Ok(expression),
        Some(Placed {
            token: Token::Sign(")"),
            at,
        }) => Err(FilterError::new(
            at.clone(),
            "nothing was opened that this closes",
        )),
        Some(word) => Err(FilterError::new(
            word.at.clone(),
            parser.unexpected("`and` or `or` is missing before this"),
        )),
    }
}

/// Words that libpcap knows and that are refused here, so that they are not taken for names.
#[rustfmt::skip]
const NOT_SUPPORTED: &[&str] = &[
    "gateway", "protochain", "geneve", "vxlan", "batadv", "llc", "iso", "clnp", "esis", "es-is",
    "isis", "is-is", "l1", "l2", "iih", "lsp", "snp", "csnp", "psnp", "stp", "ipx", "netbeui",
    "atalk", "aarp", "decnet", "lat", "sca", "moprc", "mopdl", "radio", "type", "subtype", "dir",
    "direction", "addr1", "addr2", "addr3", "addr4", "address1", "address2", "address3",
    "address4", "ra", "ta", "byte", "ifindex", "on", "ifname", "rset", "ruleset", "rnr", "rulenum",
    "srnr", "subrulenum", "reason", "action", "lane", "metac", "bcc", "oam", "oamf4", "oamf4ec",
    "oamf4sc", "sc", "ilmic", "vpi", "vci", "connectmsg", "metaconnect", "fisu", "lssu", "lsu",
    "msu", "hfisu", "hlssu", "hmsu", "sio", "opc", "dpc", "sls", "hsio", "hopc", "hdpc", "hsls",
];

/// The other keywords, beside those of protocols.
const KEYWORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "src",
    "dst",
    "host",
    "net",
    "mask",
    "port",
    "portrange",
    "proto",
    "less",
    "greater",
    "len",
    "length",
    "broadcast",
    "multicast",
    "inbound",
    "outbound",
    "vlan",
    "mpls",
    "pppoed",
    "pppoes",
];

fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word) || NOT_SUPPORTED.contains(&word) || Protocol::of(word).is_some()
}

/// Parentheses and `not` within each other, at most.
const DEEPEST: usize = 100;

struct Parser<'a> {
    words: &'a [Placed<'a>],
    next: usize,
    /// Where the text ends.
    end: usize,
    depth: usize,
    /// The qualifiers of the value before.
    last: Option<Qualifier>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<Token<'a>> {
        self.words.get(self.next + ahead).map(|word| word.token)
    }

    /// The place of the next word, or the end of the text.
    fn place(&self) -> Range<usize> {
        let next = self.words.get(self.next);
        next.map_or(self.end..self.end, |word| word.at.clone())
    }

    /// From the word with this index up to the one before the next.
    fn since(&self, first: usize) -> Range<usize> {
        let start = self.words.get(first).map_or(self.end, |word| word.at.start);
        let last = self.words.get(self.next.saturating_sub(1));
        start..last.map_or(self.end, |word| word.at.end.max(start))
    }

    fn fail<T>(&self, reason: impl Into<String>) -> Result<T> {
        Err(FilterError::new(self.place(), reason))
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(each)) if each == sign);
        self.next += usize::from(found);
        found
    }

    fn takes_word(&mut self, words: &[&str]) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(each)) if words.contains(&each));
        self.next += usize::from(found);
        found
    }

    fn expects_sign(&mut self, sign: &str) -> Result<()> {
        if self.takes_sign(sign) {
            return Ok(());
        }
        self.fail(format!("`{sign}` is missing here"))
    }

    fn takes_not(&mut self) -> bool {
        self.takes_sign("!") || self.takes_word(&["not"])
    }

    fn takes_and(&mut self) -> bool {
        self.takes_sign("&&") || self.takes_word(&["and"])
    }

    fn takes_or(&mut self) -> bool {
        self.takes_sign("||") || self.takes_word(&["or"])
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEEPEST {
            return self.fail("nested too deep");
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn expression(&mut self) -> Result<Expression> {
        let mut left = self.term()?;
        loop {
            let join = if self.takes_and() {
                Expression::And
            } else if self.takes_or() {
                Expression::Or
            } else {
                return Ok(left);
            };
            let right = if self.value_is_next() {
                let Some(qualifier) = self.last else {
                    return self
                        .fail("what is this of? `host`, `net`, `port` or the like is missing");
                };
                self.values(qualifier)?
            } else {
                self.term()?
            };
            left = join(Box::new(left), Box::new(right));
        }
    }

    /// Whether values come, not a term: an address, a name, or a number that nothing is done with.
    fn value_is_next(&self) -> bool {
        let mut ahead = 0;
        while matches!(
            self.peek_at(ahead),
            Some(Token::Sign("(" | "!") | Token::Word("not"))
        ) {
            ahead += 1;
        }
        match self.peek_at(ahead) {
            Some(Token::Number(_)) => {
                ahead += 1;
                while matches!(self.peek_at(ahead), Some(Token::Sign(")"))) {
                    ahead += 1;
                }
                !matches!(self.peek_at(ahead), Some(Token::Sign(sign)) if !["&&", "||", "("].contains(&sign))
            }
            Some(Token::Word(word)) => !is_keyword(word),
            Some(Token::Quoted(_) | Token::Dotted(..) | Token::V6(_) | Token::Mac(_)) => true,
            Some(Token::Sign(_)) | None => false,
        }
    }

    fn term(&mut self) -> Result<Expression> {
        if self.takes_not() {
            let inner = self.deeper(Self::term)?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        if let Some(relation) = self.relation()? {
            self.last = None;
            return Ok(relation);
        }
        if self.takes_sign("(") {
            // What follows has the qualifiers from before the parenthesis.
            let last = self.last;
            let inner = self.deeper(Self::expression)?;
            self.expects_sign(")")?;
            self.last = last;
            return Ok(inner);
        }
        self.primitive()
    }

    fn primitive(&mut self) -> Result<Expression> {
        let first = self.next;
        let protocol = match self.peek() {
            Some(Token::Word(word)) => Protocol::of(word),
            _ => None,
        };
        self.next += usize::from(protocol.is_some());
        if self.takes_word(&["broadcast"]) {
            return Ok(self.done(first, Primitive::Broadcast(protocol)));
        }
        if self.takes_word(&["multicast"]) {
            return Ok(self.done(first, Primitive::Multicast(protocol)));
        }
        if let Some(qualifier) = self.qualifier(protocol) {
            return self.values(qualifier);
        }
        if let Some(protocol) = protocol {
            if self.takes_sign("[") {
                // The relation that failed says why.
                self.next = first;
                return self
                    .arithmetic(0)
                    .and_then(|_| self.fail("`=`, `>` or the like is missing here"));
            }
            return Ok(self.done(first, Primitive::Protocol(protocol)));
        }
        let Some(Token::Word(word)) = self.peek() else {
            return match self.peek() {
                Some(Token::Sign(_)) | None => {
                    self.fail(self.unexpected("a statement is missing here"))
                }
                Some(_) => {
                    self.fail("what is this of? `host`, `net`, `port` or the like is missing")
                }
            };
        };
        self.next += 1;
        let primitive = match word {
            "less" => Primitive::Less(self.number()?),
            "greater" => Primitive::Greater(self.number()?),
            "inbound" => Primitive::Outbound(false),
            "outbound" => Primitive::Outbound(true),
            "vlan" => Primitive::Vlan(self.optional_number()),
            "mpls" => Primitive::Mpls(self.optional_number()),
            "pppoed" => Primitive::PppoeDiscovery,
            "pppoes" => Primitive::PppoeSession(self.optional_number()),
            _ => {
                self.next -= 1;
                let reason = self.unexpected("");
                return self.fail(reason);
            }
        };
        Ok(self.done(first, primitive))
    }

    fn done(&mut self, first: usize, primitive: Primitive) -> Expression {
        self.last = None;
        Expression::Primitive(primitive, self.since(first))
    }

    /// What to say of a word that can't stand where it stands.
    fn unexpected(&self, otherwise: &str) -> String {
        match self.peek() {
            Some(Token::Word(word)) if NOT_SUPPORTED.contains(&word) => {
                format!("`{word}` is not supported")
            }
            Some(Token::Word(word)) if !is_keyword(word) => match nearest(word) {
                Some(near) => format!("`{word}` is no keyword; did you mean `{near}`?"),
                None if otherwise.is_empty() => format!(
                    "`{word}` is no keyword; a name needs `host`, `port` or the like before it"
                ),
                None => otherwise.to_owned(),
            },
            Some(Token::Word(word)) if otherwise.is_empty() => {
                format!("`{word}` can't stand here")
            }
            _ => otherwise.to_owned(),
        }
    }

    /// Direction and kind after a protocol; none where neither comes.
    fn qualifier(&mut self, protocol: Option<Protocol>) -> Option<Qualifier> {
        let first = self.next;
        let direction = if self.takes_word(&["src"]) {
            self.other_direction("dst", Direction::Source)
        } else if self.takes_word(&["dst"]) {
            self.other_direction("src", Direction::Destination)
        } else {
            Direction::Either
        };
        let kind = [
            ("host", Kind::Host),
            ("net", Kind::Net),
            ("port", Kind::Port),
            ("portrange", Kind::PortRange),
            ("proto", Kind::Protocol),
        ];
        let kind = kind
            .into_iter()
            .find(|&(word, _)| self.takes_word(&[word]))
            .map(|(_, kind)| kind);
        (self.next > first).then_some(Qualifier {
            protocol,
            direction,
            kind,
        })
    }

    /// `src or dst`, `src and dst`, after the first of them.
    fn other_direction(&mut self, other: &str, alone: Direction) -> Direction {
        if self.peek_at(1) != Some(Token::Word(other)) {
            return alone;
        }
        let direction = if self.takes_or() {
            Direction::Either
        } else if self.takes_and() {
            Direction::Both
        } else {
            return alone;
        };
        self.next += 1;
        direction
    }

    /// What stands after a qualifier.
    fn values(&mut self, qualifier: Qualifier) -> Result<Expression> {
        if self.takes_not() {
            let inner = self.deeper(|parser| parser.values(qualifier))?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        if self.takes_sign("(") {
            let inner = self.deeper(|parser| {
                let mut left = parser.values(qualifier)?;
                loop {
                    let join = if parser.takes_and() {
                        Expression::And
                    } else if parser.takes_or() {
                        Expression::Or
                    } else {
                        return Ok(left);
                    };
                    left = join(Box::new(left), Box::new(parser.values(qualifier)?));
                }
            })?;
            self.expects_sign(")")?;
            return Ok(inner);
        }
        let first = self.next;
        let value = self.value(qualifier)?;
        let primitive = Primitive::Address(qualifier, value);
        self.last = Some(qualifier);
        Ok(Expression::Primitive(primitive, self.since(first)))
    }

    fn value(&mut self, qualifier: Qualifier) -> Result<Value> {
        let first = self.next;
        let Some(token) = self.peek() else {
            return self.fail("a value is missing here");
        };
        let value = match token {
            Token::Number(number) => Value::Number(number),
            Token::Quoted(name) => Value::Name(name.to_owned()),
            // `proto tcp`: where a number of a protocol is due, a keyword can only be its name.
            Token::Word(word) if !is_keyword(word) || qualifier.kind == Some(Kind::Protocol) => {
                Value::Name(word.to_owned())
            }
            Token::Mac(octets) => Value::Mac(octets),
            Token::Dotted(octets, count) => Value::Dotted(octets, count),
            Token::V6(address) => Value::Net6(address, 128),
            Token::Word(word) => {
                return self.fail(format!(
                    "a value is missing before `{word}` (a name like that is written `\\{word}`)"
                ));
            }
            Token::Sign(_) => return self.fail("a value is missing here"),
        };
        self.next += 1;
        match value {
            Value::Dotted(octets, _) if self.takes_sign("/") => {
                let place = self.place();
                let len = self.number()?;
                if len > 32 {
                    return Err(FilterError::new(
                        place,
                        "an IPv4 prefix has 32 bits at most",
                    ));
                }
                let mask = u32::MAX.checked_shl(32 - len).unwrap_or(0);
                self.net4(first, octets, mask)
            }
            Value::Dotted(octets, _) if self.takes_word(&["mask"]) => {
                let Some(Token::Dotted(mask, _)) = self.peek() else {
                    return self.fail("a mask such as 255.255.255.0 is missing here");
                };
                self.next += 1;
                self.net4(first, octets, u32::from_be_bytes(mask))
            }
            Value::Net6(address, _) if self.takes_sign("/") => {
                let place = self.place();
                let len = self.number()?;
                if len > 128 {
                    return Err(FilterError::new(
                        place,
                        "an IPv6 prefix has 128 bits at most",
                    ));
                }
                let mask = u128::MAX.checked_shl(128 - len).unwrap_or(0);
                if address.to_bits() & !mask != 0 {
                    return Err(self.host_bits(first));
                }
                Ok(Value::Net6(address, len))
            }
            value => Ok(value),
        }
    }

    fn net4(&self, first: usize, octets: [u8; 4], mask: u32) -> Result<Value> {
        let address = u32::from_be_bytes(octets);
        if address & !mask != 0 {
            return Err(self.host_bits(first));
        }
        Ok(Value::Net4(address, mask))
    }

    fn host_bits(&self, first: usize) -> FilterError {
        FilterError::new(
            self.since(first),
            "this address has bits outside its network",
        )
    }

    fn number(&mut self) -> Result<u32> {
        match self.peek() {
            Some(Token::Number(number)) => {
                self.next += 1;
                Ok(number)
            }
            _ => self.fail("a number is missing here"),
        }
    }

    fn optional_number(&mut self) -> Option<u32> {
        let opened = usize::from(self.peek() == Some(Token::Sign("(")));
        let Some(Token::Number(number)) = self.peek_at(opened) else {
            return None;
        };
        if opened == 1 && self.peek_at(2) != Some(Token::Sign(")")) {
            return None;
        }
        self.next += 1 + 2 * opened;
        Some(number)
    }

    /// A comparison, when one stands here.
    fn relation(&mut self) -> Result<Option<Expression>> {
        let first = self.next;
        let begins = match self.peek() {
            Some(Token::Number(_) | Token::Sign("(" | "-") | Token::Word("len" | "length")) => true,
            Some(Token::Word(word)) => {
                Protocol::of(word).is_some() && self.peek_at(1) == Some(Token::Sign("["))
            }
            _ => false,
        };
        if !begins {
            return Ok(None);
        }
        let surely = !matches!(self.peek(), Some(Token::Sign("(") | Token::Number(_)));
        let left = match self.arithmetic(0) {
            Ok(left) => left,
            Err(error) if surely => return Err(error),
            Err(_) => {
                self.next = first;
                return Ok(None);
            }
        };
        let Some(relation) = self.takes_relation() else {
            if surely {
                return self.fail("`=`, `>` or the like is missing here");
            }
            self.next = first;
            return Ok(None);
        };
        let right = self.arithmetic(0)?;
        Ok(Some(Expression::Primitive(
            Primitive::Relation(left, relation, right),
            self.since(first),
        )))
    }

    fn takes_relation(&mut self) -> Option<Relation> {
        let Some(Token::Sign(sign)) = self.peek() else {
            return None;
        };
        let relation = match sign {
            "=" => Relation::Equal,
            "!=" => Relation::NotEqual,
            ">" => Relation::Greater,
            ">=" => Relation::GreaterOrEqual,
            "<" => Relation::Less,
            "<=" => Relation::LessOrEqual,
            _ => return None,
        };
        self.next += 1;
        Some(relation)
    }

    /// Operators that bind at least as much as `least`. `^` and `%` have no place in that order:
    /// what follows them belongs to them, as in libpcap's grammar.
    fn arithmetic(&mut self, least: u8) -> Result<Arithmetic> {
        let first = self.next;
        let mut left = self.deeper(Self::operand)?;
        loop {
            let Some(Token::Sign(sign)) = self.peek() else {
                return Ok(left);
            };
            let (operator, binds, right) = match sign {
                "|" => (Operator::Or, 1, 2),
                "&" => (Operator::And, 2, 3),
                "<<" => (Operator::ShiftLeft, 3, 4),
                ">>" => (Operator::ShiftRight, 3, 4),
                "+" => (Operator::Add, 4, 5),
                "-" => (Operator::Subtract, 4, 5),
                "*" => (Operator::Multiply, 5, 6),
                "/" => (Operator::Divide, 5, 6),
                "^" => (Operator::ExclusiveOr, u8::MAX, 0),
                "%" => (Operator::Remainder, u8::MAX, 0),
                _ => return Ok(left),
            };
            if binds < least {
                return Ok(left);
            }
            self.next += 1;
            let right = self.deeper(|parser| parser.arithmetic(right))?;
            let at = self.since(first);
            left = Arithmetic::Operation(operator, Box::new(left), Box::new(right), at);
        }
    }

    fn operand(&mut self) -> Result<Arithmetic> {
        let first = self.next;
        if self.takes_sign("-") {
            return Ok(Arithmetic::Negative(Box::new(self.arithmetic(6)?)));
        }
        if self.takes_sign("(") {
            let inner = self.arithmetic(0)?;
            self.expects_sign(")")?;
            return Ok(inner);
        }
        if self.takes_word(&["len", "length"]) {
            return Ok(Arithmetic::Length);
        }
        let Some(Token::Word(word)) = self.peek() else {
            return Ok(Arithmetic::Number(self.number()?));
        };
        let Some(protocol) = Protocol::of(word) else {
            return self.fail("a number or a field such as `tcp[13]` is missing here");
        };
        self.next += 1;
        self.expects_sign("[")?;
        let index = self.arithmetic(0)?;
        let mut size = 1;
        if self.takes_sign(":") {
            let place = self.place();
            size = self.number()?;
            if ![1, 2, 4].contains(&size) {
                return Err(FilterError::new(place, "a field has 1, 2 or 4 octets"));
            }
        }
        self.expects_sign("]")?;
        Ok(Arithmetic::Field(
            protocol,
            Box::new(index),
            size,
            self.since(first),
        ))
    }
}

/// The keyword that was probably meant.
fn nearest(word: &str) -> Option<&'static str> {
    let protocols = Protocol::WORDS.iter().map(|&(word, _)| word);
    let candidates = KEYWORDS.iter().copied().chain(protocols);
    let near = candidates.map(|each| (distance(word, each), each));
    let allowed = if word.len() > 3 { 2 } else { 1 };
    near.filter(|&(far, _)| far <= allowed)
        .min_by_key(|&(far, _)| far)
        .map(|(_, each)| each)
}

/// How many letters to change, add, take away or exchange with their neighbour (Damerau).
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() > 32 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
