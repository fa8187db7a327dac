//! What can stand at the cursor of a filter line.

use super::ast::Operator;
use super::field::{Field, Kind, fields};

/// What can stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The byte offset in the text from which on `text` stands in place of what is there …
    pub offset: usize,
    /// … and how many bytes it takes the place of.
    pub len: usize,
    /// What to put there.
    pub text: String,
    /// What it means, in a line.
    pub says: &'static str,
}

const JOINING: [(&str, &str); 3] = [
    ("&&", "and"),
    ("||", "or"),
    ("^^", "one of the two and not the other"),
];

const RELATIONS: [(&str, &str); 3] = [
    ("contains", "has these bytes in it"),
    (
        "matches",
        "matches a regular expression, in upper or lower case",
    ),
    ("in {", "is one of several, or in a range"),
];

/// What stands before the cursor, as far as it matters for what comes next.
enum Expected {
    Field,
    Relation(&'static Field),
    Value(&'static Field),
    Joint,
    /// Something of which nothing is known: a word that is no field, a number.
    Nothing,
}

/// What can stand at the cursor (a byte offset) of a filter, the likeliest first. Never fails:
/// where the text makes no sense there is nothing to offer.
///
/// ```
/// use tcplens::filter::complete;
/// let texts = |text: &str| -> Vec<String> {
///     complete(text, text.len()).into_iter().map(|each| each.text).collect()
/// };
/// assert_eq!(texts("tcp.flags.sy"), ["tcp.flags.syn"]);
/// assert_eq!(texts("verdict.need == s"), ["\"spurious\""]);
/// assert_eq!(texts("tcp.port == 80 &"), ["&&"]);
/// ```
pub fn complete(text: &str, cursor: usize) -> Vec<Completion> {
    let cursor = (0..=cursor.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    let before = text.get(..cursor).unwrap_or_default();
    if is_in_quotes(before) {
        return values_in_quotes(text, before);
    }
    let start = word_start(before);
    let typed = before.get(start..).unwrap_or_default();
    let after = text.get(cursor..).unwrap_or_default();
    let rest = after.find(|c: char| !is_of_word(c)).unwrap_or(after.len());
    let earlier = before.get(..start).unwrap_or_default();
    let make = |text: String, says: &'static str| Completion {
        offset: start,
        len: typed.len() + rest,
        text,
        says,
    };
    if typed.is_empty()
        && let Some(joint) = half_a_joint(before)
    {
        return vec![joint];
    }
    match expected(earlier) {
        Expected::Field => {
            let mut list = names(typed, make);
            if !earlier.trim_end().is_empty() || typed.is_empty() {
                list.truncate(MOST);
            }
            list
        }
        Expected::Relation(field) => relations(field, typed, make),
        Expected::Value(field) => values(field, typed, make),
        Expected::Joint => JOINING
            .iter()
            .filter(|(_, word)| typed.is_empty() || word.starts_with(typed))
            .map(|(sign, says)| make((*sign).to_owned(), says))
            .collect(),
        Expected::Nothing => Vec::new(),
    }
}

/// Completions offered at most.
const MOST: usize = 100;

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-' | '/')
}

/// Where the word at the end of a text begins.
fn word_start(text: &str) -> usize {
    text.trim_end_matches(is_of_word).len()
}

fn is_in_quotes(text: &str) -> bool {
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            '"' if !escaped => inside = !inside,
            _ => {}
        }
        escaped = inside && c == '\\' && !escaped;
    }
    inside
}

/// One `&` or `|` that was typed on its way to two.
fn half_a_joint(before: &str) -> Option<Completion> {
    let (sign, says) = JOINING.iter().find(|(sign, _)| {
        let half = sign.get(..1).unwrap_or_default();
        before.ends_with(half) && !before.ends_with(sign)
    })?;
    Some(Completion {
        offset: before.len() - 1,
        len: 1,
        text: (*sign).to_owned(),
        says,
    })
}

/// The names that begin with what was typed, the short ones first; where none does, those that have
/// it in them.
fn names(typed: &str, make: impl Fn(String, &'static str) -> Completion) -> Vec<Completion> {
    let typed = typed.to_ascii_lowercase();
    let mut inside = Vec::new();
    let mut list = Vec::new();
    for field in fields() {
        let name = field.name();
        if name.starts_with(&typed) {
            list.push(make(name.to_owned(), field.says()));
        } else if typed.len() > 2 && name.contains(&typed) {
            inside.push(make(name.to_owned(), field.says()));
        }
    }
    if list.is_empty() {
        list = inside;
    }
    let part_begins = |name: &str| name.split('.').any(|part| part.starts_with(&typed));
    list.sort_by_key(|each| {
        (
            !part_begins(&each.text),
            depth(&each.text),
            each.text.clone(),
        )
    });
    list
}

fn depth(name: &str) -> usize {
    name.matches('.').count()
}

fn relations(
    field: &'static Field,
    typed: &str,
    make: impl Fn(String, &'static str) -> Completion,
) -> Vec<Completion> {
    let mut list = Vec::new();
    if field.kind() != Kind::Protocol {
        let has_order = !matches!(field.kind(), Kind::Host | Kind::Flag | Kind::Text);
        for (operator, sign, words, says) in Operator::TABLE {
            let is_equality = matches!(operator, Operator::Equal | Operator::Unequal);
            let usual = !matches!(operator, Operator::AllEqual | Operator::AnyUnequal);
            let fits = typed.is_empty() || words.iter().any(|word| word.starts_with(typed));
            if usual && fits && (has_order || is_equality) {
                list.push(make(sign.to_owned(), says));
            }
        }
        let has_text = matches!(field.kind(), Kind::Text | Kind::Bytes | Kind::Host);
        for (word, says) in RELATIONS {
            if word.starts_with(typed) && (has_text || word == "in {") {
                list.push(make(word.to_owned(), says));
            }
        }
        list.sort_by_key(|each| !matches!(each.text.as_str(), "=="));
    }
    if list.is_empty() || typed.is_empty() {
        let joining = JOINING.iter().filter(|(_, word)| word.starts_with(typed));
        list.extend(joining.map(|(sign, says)| make((*sign).to_owned(), says)));
    }
    list
}

fn values(
    field: &'static Field,
    typed: &str,
    make: impl Fn(String, &'static str) -> Completion,
) -> Vec<Completion> {
    let folded = typed.to_ascii_lowercase();
    let words = field.values().iter();
    let mut list: Vec<_> = words
        .filter(|word| word.to_ascii_lowercase().starts_with(&folded))
        .map(|word| make(format!("\"{word}\""), ""))
        .collect();
    if list.is_empty() && typed.is_empty() {
        let example = field.example();
        if !example.is_empty() {
            list.push(make(example.to_owned(), field.says()));
        }
    }
    list
}

/// The same, where the mark has been typed already.
fn values_in_quotes(text: &str, before: &str) -> Vec<Completion> {
    let Some(mark) = before.rfind('"') else {
        return Vec::new();
    };
    let earlier = before.get(..mark).unwrap_or_default();
    let typed = before.get(mark + 1..).unwrap_or_default();
    let after = text.get(before.len()..).unwrap_or_default();
    let rest = match after.find('"') {
        Some(end)
            if after
                .get(..end)
                .is_some_and(|rest| rest.chars().all(is_of_word)) =>
        {
            end + 1
        }
        _ => after.find(|c: char| !is_of_word(c)).unwrap_or(after.len()),
    };
    match expected(earlier) {
        Expected::Value(field) if !field.values().is_empty() => {
            values(field, typed, |text, says| Completion {
                offset: mark,
                len: 1 + typed.len() + rest,
                text,
                says,
            })
        }
        _ => Vec::new(),
    }
}

/// What comes after this text.
fn expected(earlier: &str) -> Expected {
    let earlier = earlier.trim_end();
    let Some(last) = earlier.chars().next_back() else {
        return Expected::Field;
    };
    match last {
        '(' => return Expected::Field,
        ')' | '}' | ']' | '"' => return Expected::Joint,
        '!' => return Expected::Field,
        _ => {}
    }
    if ["&&", "||", "^^"]
        .iter()
        .any(|sign| earlier.ends_with(sign))
    {
        return Expected::Field;
    }
    // Within a set stand values of the field before it.
    if let Some(open) = earlier.rfind('{')
        && !earlier.get(open..).is_some_and(|rest| rest.contains('}'))
    {
        return field_before(earlier.get(..open).unwrap_or_default())
            .map_or(Expected::Nothing, Expected::Value);
    }
    if is_of_word(last) {
        let start = word_start(earlier);
        let word = earlier.get(start..).unwrap_or_default();
        let left = earlier.get(..start).unwrap_or_default();
        let is_right = ends_with_operator(left);
        return match (word, Field::named(word)) {
            // In `1 < tcp.port` it is the field that comes last.
            (_, Some(field)) if is_right && is_value(word_before(left)) => {
                Expected::Relation(field)
            }
            _ if is_right => Expected::Joint,
            ("and" | "or" | "xor" | "not" | "any" | "all", _) => Expected::Field,
            (_, Some(field)) => Expected::Relation(field),
            (_, None) => right_of(earlier),
        };
    }
    right_of(earlier)
}

/// What comes after an operator: a value, or the field that a value is compared with.
fn right_of(earlier: &str) -> Expected {
    match field_before(earlier) {
        Some(field) => Expected::Value(field),
        None if is_value(word_before(earlier)) => Expected::Field,
        None => Expected::Nothing,
    }
}

/// Whether a word is a value for sure, and no name.
fn is_value(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

fn without_operator(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let signs = Operator::TABLE.iter().map(|each| each.1).chain(["~"]);
    for sign in signs {
        if let Some(rest) = text.strip_suffix(sign) {
            return Some(rest);
        }
    }
    let words = Operator::TABLE
        .iter()
        .flat_map(|each| each.2.iter().copied());
    for word in words.chain(["contains", "matches", "in"]) {
        if let Some(rest) = text.strip_suffix(word)
            && rest.ends_with(char::is_whitespace)
        {
            return Some(rest);
        }
    }
    None
}

fn ends_with_operator(text: &str) -> bool {
    without_operator(text).is_some()
}

/// The word before an operator at the end, empty where there is none.
fn word_before(text: &str) -> &str {
    let left = without_operator(text).unwrap_or_default().trim_end();
    left.get(word_start(left)..).unwrap_or_default()
}

/// The field before an operator at the end.
fn field_before(text: &str) -> Option<&'static Field> {
    Field::named(word_before(text))
}
