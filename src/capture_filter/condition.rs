//! What is asked of a frame, as a tree of tests; and its translation into jumps.

use super::error::{FilterError, Result};
use super::program::{Instruction, LONGEST, Program, op};

/// What is asked of a frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    True,
    False,
    Not(Box<Self>),
    /// All of them, asked in this order until one fails.
    All(Vec<Self>),
    /// Any of them, asked in this order until one holds.
    Any(Vec<Self>),
    /// A comparison.
    Test(Test),
}

/// Code that leaves a value in A, and what it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Test {
    pub(super) code: Vec<Instruction>,
    pub(super) comparison: Comparison,
    pub(super) with: Operand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Constant(u32),
    /// What the code left in X.
    X,
}

impl Condition {
    pub(super) fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// All of these. What is known already is left out.
    pub(super) fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        let mut kept = Vec::new();
        for condition in conditions {
            match condition {
                Self::True => {}
                // What comes after is never asked.
                Self::False if kept.is_empty() => return Self::False,
                Self::All(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Self::True,
            1 => kept.remove(0),
            _ => Self::All(kept),
        }
    }

    /// Any of these.
    pub(super) fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        let mut kept = Vec::new();
        for condition in conditions {
            match condition {
                Self::False => {}
                Self::True if kept.is_empty() => return Self::True,
                Self::Any(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Self::False,
            1 => kept.remove(0),
            _ => Self::Any(kept),
        }
    }
}

/// The program that gives `snaplen` where the condition holds, and 0 elsewhere.
pub(super) fn program(condition: &Condition, snaplen: u32) -> Result<Program> {
    let mut backwards = Backwards { code: Vec::new() };
    let refuse = backwards.put(Instruction::new(op::RET | op::K, 0))?;
    let accept = backwards.put(Instruction::new(op::RET | op::K, snaplen))?;
    let entry = backwards.condition(condition, accept, refuse)?;
    if entry + 1 < backwards.code.len() || entry == refuse {
        // Nothing is asked; or the first instruction is another one.
        backwards.jump_to(entry)?;
    }
    backwards.code.reverse();
    Program::checked(backwards.code).ok_or_else(too_long)
}

fn too_long() -> FilterError {
    FilterError::new(
        0..usize::MAX,
        format!("the filter comes to more than the {LONGEST} instructions that the kernel takes"),
    )
}

/// Code written from its end: jumps go forward only, so that where they lead is there already.
struct Backwards {
    /// Index 0 is the last instruction.
    code: Vec<Instruction>,
}

impl Backwards {
    /// Puts an instruction before all others, and gives its place.
    fn put(&mut self, instruction: Instruction) -> Result<usize> {
        if self.code.len() == LONGEST {
            return Err(too_long());
        }
        self.code.push(instruction);
        Ok(self.code.len() - 1)
    }

    /// Instructions between the one put next and this one.
    fn between(&self, place: usize) -> usize {
        self.code.len() - 1 - place
    }

    fn jump_to(&mut self, place: usize) -> Result<usize> {
        let k = self.between(place) as u32;
        self.put(Instruction::new(op::JMP | op::JA, k))
    }

    /// A place from which `place` is reached, near enough for a comparison with `more` instructions
    /// still to come in between.
    fn near(&mut self, place: usize, more: usize) -> Result<usize> {
        if self.between(place) + more <= usize::from(u8::MAX) {
            return Ok(place);
        }
        self.jump_to(place)
    }

    /// Code that goes on at `then` or at `otherwise`; gives where it begins.
    fn condition(&mut self, condition: &Condition, then: usize, otherwise: usize) -> Result<usize> {
        match condition {
            Condition::True => Ok(then),
            Condition::False => Ok(otherwise),
            Condition::Not(inner) => self.condition(inner, otherwise, then),
            Condition::All(inner) => inner
                .iter()
                .rev()
                .try_fold(then, |then, each| self.condition(each, then, otherwise)),
            Condition::Any(inner) => inner.iter().rev().try_fold(otherwise, |otherwise, each| {
                self.condition(each, then, otherwise)
            }),
            Condition::Test(test) => {
                // Each may need a jump, which lies in the other's way.
                let then = self.near(then, 1)?;
                let otherwise = self.near(otherwise, 0)?;
                let comparison = match test.comparison {
                    Comparison::Equal => op::JEQ,
                    Comparison::Greater => op::JGT,
                    Comparison::GreaterOrEqual => op::JGE,
                };
                let (source, k) = match test.with {
                    Operand::Constant(k) => (op::K, k),
                    Operand::X => (op::X, 0),
                };
                let jump = Instruction {
                    code: op::JMP | comparison | source,
                    jt: self.between(then) as u8,
                    jf: self.between(otherwise) as u8,
                    k,
                };
                let mut entry = self.put(jump)?;
                for &instruction in test.code.iter().rev() {
                    entry = self.put(instruction)?;
                }
                Ok(entry)
            }
        }
    }
}
