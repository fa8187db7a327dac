//! A filter as it is written: which words stand where, before anyone asks what they mean.

use core::fmt;

/// Where something stands: how many bytes of the text are left before it and after it. Two things
/// that differ only in this are the same.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Place {
    /// Byte offset and length in a text of so many bytes.
    pub(super) fn within(self, text: usize) -> (usize, usize) {
        let offset = text.saturating_sub(self.before);
        (offset, self.before.saturating_sub(self.after))
    }
}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Place {}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    /// Any of two or more.
    Or(Vec<Expr>),
    /// An odd number of two or more.
    Xor(Vec<Expr>),
    /// All of two or more.
    And(Vec<Expr>),
    Not(Box<Expr>),
    Test(Box<Test>),
}

/// A field, and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    /// `any` or `all` before it.
    pub(super) quantifier: Option<Quantifier>,
    pub(super) left: Operand,
    pub(super) relation: Relation,
}

/// Of how many values of a field something must be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    Any,
    All,
}

/// A field, or what is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operand {
    pub(super) function: Option<Function>,
    pub(super) name: Literal,
    pub(super) slice: Option<Slice>,
    /// What comes after `&`.
    pub(super) mask: Option<Literal>,
}

/// What can stand before a parenthesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// Length in bytes.
    Len,
    /// How many values a field has.
    Count,
}

impl Function {
    pub(super) const ALL: [Self; 2] = [Self::Len, Self::Count];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Len => "len",
            Self::Count => "count",
        }
    }
}

/// Some bytes of a value: from an offset, negative from the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) start: i32,
    pub(super) extent: Extent,
    pub(super) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// `[i:n]`.
    Len(u32),
    /// `[i-j]`, both included.
    To(i32),
    /// `[i:]`.
    Rest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// Nothing: whether the field is there.
    Present,
    Compare(Operator, Literal),
    Contains(Literal),
    Matches(Literal),
    In {
        negated: bool,
        members: Vec<Member>,
    },
}

/// `==` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// One of the values is.
    Equal,
    /// None of the values is.
    Unequal,
    /// All of the values are.
    AllEqual,
    /// One of the values is not.
    AnyUnequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// Every operator with its sign, its words, and what it means. Longer signs come before those
    /// that begin them.
    pub(super) const TABLE: [(Self, &'static str, &'static [&'static str], &'static str); 9] = [
        (Self::AllEqual, "===", &["all_eq"], "all values are equal"),
        (
            Self::AnyUnequal,
            "!==",
            &["any_ne"],
            "one value is not equal",
        ),
        (Self::AnyUnequal, "~=", &[], "one value is not equal"),
        (
            Self::Equal,
            "==",
            &["eq", "any_eq"],
            "equal; of several values one is enough",
        ),
        (
            Self::Unequal,
            "!=",
            &["ne", "all_ne"],
            "not equal, none of several values",
        ),
        (Self::LessOrEqual, "<=", &["le"], "at most"),
        (Self::GreaterOrEqual, ">=", &["ge"], "at least"),
        (Self::Less, "<", &["lt"], "less"),
        (Self::Greater, ">", &["gt"], "more"),
    ];

    /// The one that says the same with its sides changed.
    pub(super) const fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::AllEqual => "===",
            Self::AnyUnequal => "!==",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// One of a set: a value, or all from one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) first: Literal,
    pub(super) last: Option<Literal>,
}

/// Something to compare with, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) text: Text,
    pub(super) place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// Without quotation marks.
    Word(String),
    /// What stands between quotation marks, escapes and all.
    Quoted(String),
    /// The same after `r`: a backslash is a backslash.
    Raw(String),
    /// What stands between single marks: one character.
    Char(String),
}

/// How closely an expression holds together.
fn rank(expr: &Expr) -> u8 {
    match expr {
        Expr::Or(_) => 0,
        Expr::Xor(_) => 1,
        Expr::And(_) => 2,
        Expr::Not(_) => 3,
        Expr::Test(_) => 4,
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inside = |f: &mut fmt::Formatter<'_>, part: &Self, least: u8| {
            if rank(part) <= least {
                write!(f, "({part})")
            } else {
                part.fmt(f)
            }
        };
        let (parts, sign) = match self {
            Self::Test(test) => return test.fmt(f),
            Self::Not(part) => {
                f.write_str("!")?;
                // `!a == 1` means `!(a == 1)`, and is read the other way.
                return match &**part {
                    Self::Test(test) if matches!(test.relation, Relation::Present) => test.fmt(f),
                    other => write!(f, "({other})"),
                };
            }
            Self::Or(parts) => (parts, " || "),
            Self::Xor(parts) => (parts, " ^^ "),
            Self::And(parts) => (parts, " && "),
        };
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                f.write_str(sign)?;
            }
            inside(f, part, rank(self))?;
        }
        Ok(())
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quantifier {
            Some(Quantifier::Any) => f.write_str("any ")?,
            Some(Quantifier::All) => f.write_str("all ")?,
            None => {}
        }
        self.left.fmt(f)?;
        match &self.relation {
            Relation::Present => Ok(()),
            Relation::Compare(operator, value) => write!(f, " {} {value}", operator.sign()),
            Relation::Contains(value) => write!(f, " contains {value}"),
            Relation::Matches(value) => write!(f, " matches {value}"),
            Relation::In { negated, members } => {
                f.write_str(if *negated { " not in {" } else { " in {" })?;
                for (at, member) in members.iter().enumerate() {
                    let separator = if at > 0 { ", " } else { "" };
                    write!(f, "{separator}{}", member.first)?;
                    if let Some(last) = &member.last {
                        write!(f, " .. {last}")?;
                    }
                }
                f.write_str("}")
            }
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(function) = self.function {
            write!(f, "{}(", function.name())?;
        }
        self.name.fmt(f)?;
        if let Some(slice) = self.slice {
            match slice.extent {
                Extent::Len(len) => write!(f, "[{}:{len}]", slice.start)?,
                Extent::To(end) => write!(f, "[{}-{end}]", slice.start)?,
                Extent::Rest => write!(f, "[{}:]", slice.start)?,
            }
        }
        if self.function.is_some() {
            f.write_str(")")?;
        }
        match &self.mask {
            Some(mask) => write!(f, " & {mask}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Text::Word(word) => f.write_str(word),
            Text::Quoted(text) => write!(f, "\"{text}\""),
            Text::Raw(text) => write!(f, "r\"{text}\""),
            Text::Char(text) => write!(f, "'{text}'"),
        }
    }
}
