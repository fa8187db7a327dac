//! A test: a field and what is asked of it, or values and fields compared with each other in a row.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{map, opt, verify};
use nom::sequence::{preceded, terminated};

use super::ast::{Expr, Literal, Operand, Operator, Quantifier, Relation, Test, Text};
use super::grammar::{
    OPERATORS, Parsed, comparison, fail, keyword, operand, relation, space, value, word,
};

/// What stands on one side of an operator.
#[derive(Clone)]
enum Side {
    Field(Operand),
    Value(Literal),
}

pub(super) fn test(input: &str) -> Parsed<'_, Expr> {
    let quantified = terminated(
        alt((
            map(keyword(&["any"]), |_| Quantifier::Any),
            map(keyword(&["all"]), |_| Quantifier::All),
        )),
        // Whatever follows must be a field, not an operator or the end.
        nom::combinator::peek(preceded(
            space,
            verify(word, |next: &str| !OPERATORS.contains(&next)),
        )),
    );
    let (input, quantifier) = opt(quantified).parse(input)?;
    let (mut input, mut before) = match left_value(input) {
        Some((rest, value)) => (rest, Side::Value(value)),
        None => map(operand, Side::Field).parse(input)?,
    };
    let mut tests = Vec::new();
    while let Ok((rest, operator)) = comparison(input) {
        let (rest, (test, after)) = compared(before, operator, rest)?;
        tests.push(Expr::Test(Box::new(Test { quantifier, ..test })));
        (input, before) = (rest, after);
    }
    match (tests.pop(), before) {
        (Some(only), _) if tests.is_empty() => Ok((input, only)),
        (Some(last), _) => {
            tests.push(last);
            Ok((input, Expr::And(tests)))
        }
        (None, Side::Field(left)) => {
            let (input, relation) = relation(input)?;
            let test = Test {
                quantifier,
                left,
                relation,
            };
            Ok((input, Expr::Test(Box::new(test))))
        }
        (None, Side::Value(_)) => fail(input, "an operator is expected here"),
    }
}

/// A value that a test begins with: something that can't be the name of a field, and an operator
/// after it.
fn left_value(input: &str) -> Option<(&str, Literal)> {
    let (rest, value) = sure_value(input)?;
    comparison(rest).is_ok().then_some((rest, value))
}

/// A value, where it can't be the name of a field.
fn sure_value(input: &str) -> Option<(&str, Literal)> {
    let (rest, value) = value(input).ok()?;
    is_sure(&value).then_some((rest, value))
}

fn is_sure(value: &Literal) -> bool {
    match &value.text {
        Text::Word(word) => {
            let begins = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.');
            word.starts_with(begins) || word.contains([':', '/'])
        }
        Text::Quoted(_) | Text::Raw(_) | Text::Char(_) => true,
    }
}

/// One comparison of a chain: the field, what it is compared with, and what stood on the right.
fn compared(before: Side, operator: Operator, input: &str) -> Parsed<'_, (Test, Side)> {
    let compare = |left: Operand, operator, value| Test {
        quantifier: None,
        left,
        relation: Relation::Compare(operator, value),
    };
    let left = match before {
        Side::Value(value) if is_sure(&value) => {
            if sure_value(input).is_some() {
                let message = format!(
                    "one side of {} must be a field, and both are values",
                    operator.sign()
                );
                return fail(input, message);
            }
            let (rest, right) = operand(input)?;
            let test = compare(right.clone(), operator.turned(), value);
            return Ok((rest, (test, Side::Field(right))));
        }
        // What was compared with is the field of the next comparison.
        Side::Value(name) => Operand {
            function: None,
            name,
            slice: None,
            mask: None,
        },
        Side::Field(left) => left,
    };
    let (rest, right) = value(input)?;
    let test = compare(left, operator, right.clone());
    Ok((rest, (test, Side::Value(right))))
}
