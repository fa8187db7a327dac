//! Comparisons of fields and sums: `tcp[tcpflags] & (tcp-syn|tcp-fin) != 0`.

use super::condition::{Comparison, Condition, Operand, Test};
use super::error::{FilterError, Result};
use super::layout::{Layout, equal, ethertype};
use super::program::{CELLS, Instruction, op};
use super::syntax::{Arithmetic, Operator, Protocol, Relation};

/// A comparison of two values.
pub(super) fn relation(
    layout: Layout,
    left: &Arithmetic,
    relation: Relation,
    right: &Arithmetic,
) -> Result<Condition> {
    let mut builder = Builder {
        layout,
        code: Vec::new(),
        needs: Vec::new(),
        cells: 0,
    };
    let with = match constant(right)? {
        Some(number) => {
            builder.value(left)?;
            Operand::Constant(number)
        }
        None => {
            builder.value(right)?;
            let cell = builder.store()?;
            builder.value(left)?;
            builder.put(op::LDX | op::MEM, cell);
            Operand::X
        }
    };
    let (comparison, negated) = match relation {
        Relation::Equal => (Comparison::Equal, false),
        Relation::NotEqual => (Comparison::Equal, true),
        Relation::Greater => (Comparison::Greater, false),
        Relation::LessOrEqual => (Comparison::Greater, true),
        Relation::GreaterOrEqual => (Comparison::GreaterOrEqual, false),
        Relation::Less => (Comparison::GreaterOrEqual, true),
    };
    let test = Condition::Test(Test {
        code: builder.code,
        comparison,
        with,
    });
    let test = if negated { test.not() } else { test };
    Ok(Condition::all(builder.needs.into_iter().chain([test])))
}

/// A comparison of the frame's length on the wire.
pub(super) fn length(comparison: Comparison, with: u32) -> Condition {
    Condition::Test(Test {
        code: vec![Instruction::new(op::LD | op::LEN | op::W, 0)],
        comparison,
        with: Operand::Constant(with),
    })
}

/// Whether an IPv4 packet is whole or the first fragment: only there is what IP carries.
pub(super) fn unfragmented(network: u32) -> Condition {
    Condition::Test(Test {
        code: vec![
            Instruction::new(op::LD | op::ABS | op::H, network.wrapping_add(6)),
            Instruction::new(op::ALU | op::AND | op::K, 0x1fff),
        ],
        comparison: Comparison::Equal,
        with: Operand::Constant(0),
    })
}

/// A comparison of what stands so far behind the IPv4 header.
pub(super) fn behind_ip(
    network: u32,
    offset: u32,
    size: u16,
    comparison: Comparison,
    with: u32,
) -> Condition {
    Condition::Test(Test {
        code: vec![
            Instruction::new(op::LDX | op::MSH | op::B, network),
            Instruction::new(op::LD | op::IND | size, network.wrapping_add(offset)),
        ],
        comparison,
        with: Operand::Constant(with),
    })
}

/// The number that an expression without fields comes to.
fn constant(arithmetic: &Arithmetic) -> Result<Option<u32>> {
    Ok(match arithmetic {
        Arithmetic::Number(number) => Some(*number),
        Arithmetic::Length | Arithmetic::Field(..) => None,
        Arithmetic::Negative(inner) => constant(inner)?.map(u32::wrapping_neg),
        Arithmetic::Operation(operator, left, right, at) => {
            let (left, right) = (constant(left)?, constant(right)?);
            if matches!(operator, Operator::Divide | Operator::Remainder) && right == Some(0) {
                return Err(FilterError::new(at.clone(), "a division by zero"));
            }
            if matches!(operator, Operator::ShiftLeft | Operator::ShiftRight)
                && right.is_some_and(|bits| bits > 31)
            {
                return Err(FilterError::new(at.clone(), "a shift by more than 31 bits"));
            }
            let (Some(left), Some(right)) = (left, right) else {
                return Ok(None);
            };
            Some(match operator {
                Operator::Add => left.wrapping_add(right),
                Operator::Subtract => left.wrapping_sub(right),
                Operator::Multiply => left.wrapping_mul(right),
                Operator::Divide => left.checked_div(right).unwrap_or(0),
                Operator::Remainder => left.checked_rem(right).unwrap_or(0),
                Operator::And => left & right,
                Operator::Or => left | right,
                Operator::ExclusiveOr => left ^ right,
                Operator::ShiftLeft => left.checked_shl(right).unwrap_or(0),
                Operator::ShiftRight => left.checked_shr(right).unwrap_or(0),
            })
        }
    })
}

struct Builder {
    layout: Layout,
    code: Vec<Instruction>,
    /// What must hold for the fields to be there.
    needs: Vec<Condition>,
    /// Cells of scratch memory in use.
    cells: usize,
}

impl Builder {
    fn put(&mut self, code: u16, k: u32) {
        self.code.push(Instruction::new(code, k));
    }

    /// Keeps A.
    fn store(&mut self) -> Result<u32> {
        let cell = self.cells;
        if cell == CELLS {
            return Err(FilterError::new(
                0..usize::MAX,
                "the arithmetic is nested too deep for the kernel's scratch memory",
            ));
        }
        self.cells += 1;
        self.put(op::ST, cell as u32);
        Ok(cell as u32)
    }

    /// Code that leaves a value in A.
    fn value(&mut self, arithmetic: &Arithmetic) -> Result<()> {
        if let Some(number) = constant(arithmetic)? {
            self.put(op::LD | op::IMM, number);
            return Ok(());
        }
        match arithmetic {
            Arithmetic::Number(number) => self.put(op::LD | op::IMM, *number),
            Arithmetic::Length => self.put(op::LD | op::LEN | op::W, 0),
            Arithmetic::Negative(inner) => {
                self.value(inner)?;
                self.put(op::ALU | op::NEG, 0);
            }
            Arithmetic::Operation(operator, left, right, _) => {
                let operation = match operator {
                    Operator::Add => op::ADD,
                    Operator::Subtract => op::SUB,
                    Operator::Multiply => op::MUL,
                    Operator::Divide => op::DIV,
                    Operator::Remainder => op::MOD,
                    Operator::And => op::AND,
                    Operator::Or => op::OR,
                    Operator::ExclusiveOr => op::XOR,
                    Operator::ShiftLeft => op::LSH,
                    Operator::ShiftRight => op::RSH,
                };
                if let Some(number) = constant(right)? {
                    self.value(left)?;
                    self.put(op::ALU | operation | op::K, number);
                } else {
                    self.value(right)?;
                    let cell = self.store()?;
                    self.value(left)?;
                    self.put(op::LDX | op::MEM, cell);
                    self.put(op::ALU | operation | op::X, 0);
                    self.cells -= 1;
                }
            }
            Arithmetic::Field(protocol, index, size, at) => {
                self.field(*protocol, index, *size, at)?;
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        protocol: Protocol,
        index: &Arithmetic,
        size: u32,
        at: &core::ops::Range<usize>,
    ) -> Result<()> {
        let size = match size {
            1 => op::B,
            2 => op::H,
            _ => op::W,
        };
        let layout = self.layout;
        let network = layout.network();
        let is = |protocol| layout.carries(protocol);
        let (start, needs) = match protocol {
            Protocol::Link => (layout.link, Condition::True),
            Protocol::Ip => (network, is(ethertype::IP)),
            Protocol::Ip6 => (network, is(ethertype::IP6)),
            Protocol::Arp => (network, is(ethertype::ARP)),
            Protocol::Rarp => (network, is(ethertype::RARP)),
            Protocol::Icmp6 => (
                network.wrapping_add(40),
                Condition::all([
                    is(ethertype::IP6),
                    equal(network.wrapping_add(6), op::B, 58),
                ]),
            ),
            Protocol::Tcp
            | Protocol::Udp
            | Protocol::Sctp
            | Protocol::Icmp
            | Protocol::Igmp
            | Protocol::Igrp
            | Protocol::Pim
            | Protocol::Vrrp => {
                let number = protocol.number().unwrap_or(0);
                self.needs.push(Condition::all([
                    is(ethertype::IP),
                    equal(network.wrapping_add(9), op::B, number),
                    unfragmented(network),
                ]));
                return self.behind_ip(network, index, size);
            }
            Protocol::Ah | Protocol::Esp => {
                return Err(FilterError::new(
                    at.clone(),
                    format!("no fields of `{}` can be asked for", protocol.word()),
                ));
            }
        };
        self.needs.push(needs);
        if let Some(index) = constant(index)? {
            self.put(op::LD | op::ABS | size, start.wrapping_add(index));
        } else {
            self.value(index)?;
            self.put(op::MISC | op::TAX, 0);
            self.put(op::LD | op::IND | size, start);
        }
        Ok(())
    }

    /// Loads from behind the IPv4 header, whose length it tells itself. IPv6 has no such place:
    /// as in libpcap, `tcp[…]` is of IPv4.
    fn behind_ip(&mut self, network: u32, index: &Arithmetic, size: u16) -> Result<()> {
        if let Some(index) = constant(index)? {
            self.put(op::LDX | op::MSH | op::B, network);
            self.put(op::LD | op::IND | size, network.wrapping_add(index));
            return Ok(());
        }
        self.value(index)?;
        self.put(op::LDX | op::MSH | op::B, network);
        self.put(op::ALU | op::ADD | op::X, 0);
        self.put(op::MISC | op::TAX, 0);
        self.put(op::LD | op::IND | size, network);
        Ok(())
    }
}
