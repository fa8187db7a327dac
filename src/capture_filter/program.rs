//! A program of classic BPF (the BSD Packet Filter: McCanne and Jacobson 1993, as Linux has it in
//! `linux/filter.h`), and the machine that runs it.

use core::fmt;

/// One instruction, as `struct sock_filter` of Linux and `struct bpf_insn` of BSD have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to pass over when a comparison holds.
    pub jt: u8,
    /// … and when it does not.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

impl Instruction {
    pub(super) const fn new(code: u16, k: u32) -> Self {
        Self {
            code,
            jt: 0,
            jf: 0,
            k,
        }
    }
}

/// The parts of operation codes.
#[rustfmt::skip]
pub(super) mod op {
    // Classes.
    pub(in super::super) const LD: u16 = 0x00;
    pub(in super::super) const LDX: u16 = 0x01;
    pub(in super::super) const ST: u16 = 0x02;
    pub(in super::super) const ALU: u16 = 0x04;
    pub(in super::super) const JMP: u16 = 0x05;
    pub(in super::super) const RET: u16 = 0x06;
    pub(in super::super) const MISC: u16 = 0x07;
    // Sizes of loads.
    pub(in super::super) const W: u16 = 0x00;
    pub(in super::super) const H: u16 = 0x08;
    pub(in super::super) const B: u16 = 0x10;
    // Where from: a constant, a place in the frame, X and a place, the scratch memory, the
    // frame's length, four times the low half of an octet.
    pub(in super::super) const IMM: u16 = 0x00;
    pub(in super::super) const ABS: u16 = 0x20;
    pub(in super::super) const IND: u16 = 0x40;
    pub(in super::super) const MEM: u16 = 0x60;
    pub(in super::super) const LEN: u16 = 0x80;
    pub(in super::super) const MSH: u16 = 0xa0;
    // Arithmetic.
    pub(in super::super) const ADD: u16 = 0x00;
    pub(in super::super) const SUB: u16 = 0x10;
    pub(in super::super) const MUL: u16 = 0x20;
    pub(in super::super) const DIV: u16 = 0x30;
    pub(in super::super) const OR: u16 = 0x40;
    pub(in super::super) const AND: u16 = 0x50;
    pub(in super::super) const LSH: u16 = 0x60;
    pub(in super::super) const RSH: u16 = 0x70;
    pub(in super::super) const NEG: u16 = 0x80;
    pub(in super::super) const MOD: u16 = 0x90;
    pub(in super::super) const XOR: u16 = 0xa0;
    // Comparisons.
    pub(in super::super) const JA: u16 = 0x00;
    pub(in super::super) const JEQ: u16 = 0x10;
    pub(in super::super) const JGT: u16 = 0x20;
    pub(in super::super) const JGE: u16 = 0x30;
    pub(in super::super) const JSET: u16 = 0x40;
    // The other operand: K or X.
    pub(in super::super) const K: u16 = 0x00;
    pub(in super::super) const X: u16 = 0x08;
    // Between registers.
    pub(in super::super) const TAX: u16 = 0x00;
    pub(in super::super) const TXA: u16 = 0x80;
}

/// Cells of scratch memory.
pub(super) const CELLS: usize = 16;
/// Instructions at most (Linux: `BPF_MAXINSNS`).
pub(super) const LONGEST: usize = 4096;

/// A program that was checked: it ends, whatever the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    instructions: Vec<Instruction>,
}

impl Program {
    /// The program that takes this many octets of every frame; 0 is as many as there are.
    pub fn accept_all(snaplen: u32) -> Self {
        let snaplen = if snaplen == 0 { u32::MAX } else { snaplen };
        Self {
            instructions: vec![Instruction::new(op::RET | op::K, snaplen)],
        }
    }

    /// The same, for the kernel alone, without what loopback interfaces send: they receive every
    /// packet too.
    pub fn without_loopback_doubles(self) -> Self {
        use super::layout::kernel::{HARDWARE_TYPE, LOOPBACK, OUTGOING, PACKET_TYPE};
        let jump = |k, jf| Instruction {
            code: op::JMP | op::JEQ | op::K,
            jt: 0,
            jf,
            k,
        };
        let mut instructions = vec![
            Instruction::new(op::LD | op::ABS | op::B, PACKET_TYPE),
            jump(OUTGOING, 3),
            Instruction::new(op::LD | op::ABS | op::H, HARDWARE_TYPE),
            jump(LOOPBACK, 1),
            Instruction::new(op::RET | op::K, 0),
        ];
        if self.instructions.len() + instructions.len() <= LONGEST {
            instructions.extend(self.instructions);
            return Self { instructions };
        }
        self
    }

    /// None where the instructions are no program that the kernel would take.
    pub(super) fn checked(instructions: Vec<Instruction>) -> Option<Self> {
        let len = instructions.len();
        let ends = instructions
            .last()
            .is_some_and(|last| last.code & 7 == op::RET);
        let jumps_inside = instructions.iter().enumerate().all(|(at, each)| {
            let farthest = match each.code {
                code if code & 7 != op::JMP => 0,
                code if code & 0xf0 == op::JA => each.k as usize,
                _ => usize::from(each.jt.max(each.jf)),
            };
            at + 1 + farthest < len || each.code & 7 == op::RET
        });
        (ends && jumps_inside && len <= LONGEST).then_some(Self { instructions })
    }

    /// The instructions, to be attached to a socket.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Whether the program takes a frame: its captured bytes, and its length on the wire. A program
    /// that was compiled for the kernel refuses what it asks the kernel for.
    ///
    /// # Examples
    /// ```
    /// use tcplens::capture_filter::{CaptureFilter, Target};
    /// use tcplens::wire::LinkType;
    ///
    /// let filter = CaptureFilter::parse("ip6 or less 3")?;
    /// let program = filter.compile(Target::Captured(LinkType::RAW), u32::MAX)?;
    /// assert!(program.takes(&[0x60], 1));
    /// assert!(!program.takes(&[0x45, 0, 0], 60));
    /// # Ok::<(), tcplens::capture_filter::FilterError>(())
    /// ```
    pub fn takes(&self, frame: &[u8], wire_len: u32) -> bool {
        self.run(frame, wire_len) != 0
    }

    /// How many octets of the frame are taken; 0 is none of it.
    pub fn run(&self, frame: &[u8], wire_len: u32) -> u32 {
        // A load beyond the frame and a division by zero refuse it.
        self.walk(frame, wire_len).unwrap_or(0)
    }

    fn walk(&self, frame: &[u8], wire_len: u32) -> Option<u32> {
        let (mut a, mut x) = (0_u32, 0_u32);
        let mut cells = [0_u32; CELLS];
        let mut at = 0;
        loop {
            let &Instruction { code, jt, jf, k } = self.instructions.get(at)?;
            at += 1;
            let source = if code & op::X == 0 { k } else { x };
            match code & 7 {
                op::LD => a = load(frame, wire_len, code, k, x, &cells)?,
                op::LDX => {
                    x = match code & 0xe0 {
                        op::MSH => u32::from(*frame.get(k as usize)? & 0xf) << 2,
                        _ => load(frame, wire_len, code, k, 0, &cells)?,
                    }
                }
                op::ST => *cells.get_mut(k as usize)? = a,
                op::ALU => a = compute(code & 0xf0, a, source)?,
                op::JMP => {
                    let holds = match code & 0xf0 {
                        op::JA => {
                            at += k as usize;
                            continue;
                        }
                        op::JEQ => a == source,
                        op::JGT => a > source,
                        op::JGE => a >= source,
                        op::JSET => a & source != 0,
                        _ => return None,
                    };
                    at += usize::from(if holds { jt } else { jf });
                }
                op::RET => return Some(k),
                _ if code & op::TXA != 0 => a = x,
                _ => x = a,
            }
        }
    }
}

#[inline]
fn load(
    frame: &[u8],
    wire_len: u32,
    code: u16,
    k: u32,
    x: u32,
    cells: &[u32; CELLS],
) -> Option<u32> {
    let start = match code & 0xe0 {
        op::IMM => return Some(k),
        op::LEN => return Some(wire_len),
        op::MEM => return cells.get(k as usize).copied(),
        op::ABS => k as usize,
        op::IND => x.checked_add(k)? as usize,
        _ => return None,
    };
    let from = frame.get(start..)?;
    match code & 0x18 {
        op::W => from.first_chunk().map(|octets| u32::from_be_bytes(*octets)),
        op::H => from
            .first_chunk()
            .map(|octets| u32::from(u16::from_be_bytes(*octets))),
        _ => from.first().map(|&octet| u32::from(octet)),
    }
}

#[inline]
fn compute(operation: u16, a: u32, with: u32) -> Option<u32> {
    Some(match operation {
        op::ADD => a.wrapping_add(with),
        op::SUB => a.wrapping_sub(with),
        op::MUL => a.wrapping_mul(with),
        op::DIV => a.checked_div(with)?,
        op::MOD => a.checked_rem(with)?,
        op::OR => a | with,
        op::AND => a & with,
        op::XOR => a ^ with,
        op::LSH => a.checked_shl(with).unwrap_or(0),
        op::RSH => a.checked_shr(with).unwrap_or(0),
        op::NEG => a.wrapping_neg(),
        _ => return None,
    })
}

/// As `tcpdump -d` prints programs.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, each) in self.instructions.iter().enumerate() {
            let Instruction { code, jt, jf, k } = *each;
            let k = if code & op::X != 0 && matches!(code & 7, op::ALU | op::JMP) {
                "x".to_owned()
            } else {
                format!("#{k:#x}")
            };
            let size = match code & 0x18 {
                op::H => "h",
                op::B => "b",
                _ => "",
            };
            let place = match code & 0xe0 {
                op::ABS => format!("[{}]", each.k as i32),
                op::IND => format!("[x + {}]", each.k as i32),
                op::MEM => format!("M[{}]", each.k),
                op::LEN => "#pktlen".to_owned(),
                op::MSH => format!("4*([{}]&0xf)", each.k as i32),
                _ => k.clone(),
            };
            write!(f, "({at:03}) ")?;
            match code & 7 {
                op::LD => write!(f, "ld{size} {place}")?,
                op::LDX => write!(f, "ldx{size} {place}")?,
                op::ST => write!(f, "st M[{}]", each.k)?,
                op::ALU => {
                    let name = match code & 0xf0 {
                        op::ADD => "add",
                        op::SUB => "sub",
                        op::MUL => "mul",
                        op::DIV => "div",
                        op::OR => "or",
                        op::AND => "and",
                        op::LSH => "lsh",
                        op::RSH => "rsh",
                        op::MOD => "mod",
                        op::XOR => "xor",
                        _ => "neg",
                    };
                    write!(f, "{name} {k}")?;
                }
                op::JMP if code & 0xf0 == op::JA => {
                    write!(f, "ja {}", at + 1 + each.k as usize)?;
                }
                op::JMP => {
                    let name = match code & 0xf0 {
                        op::JEQ => "jeq",
                        op::JGT => "jgt",
                        op::JGE => "jge",
                        _ => "jset",
                    };
                    let (jt, jf) = (at + 1 + usize::from(jt), at + 1 + usize::from(jf));
                    write!(f, "{name} {k} jt {jt} jf {jf}")?;
                }
                op::RET => write!(f, "ret {k}")?,
                _ if code & op::TXA != 0 => f.write_str("txa")?,
                _ => f.write_str("tax")?,
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ends_is_a_program() {
        let ret = Instruction::new(op::RET | op::K, 1);
        let jump = |jt, jf| Instruction {
            code: op::JMP | op::JEQ | op::K,
            jt,
            jf,
            k: 0,
        };
        assert!(Program::checked(vec![]).is_none());
        assert!(Program::checked(vec![jump(0, 0)]).is_none());
        assert!(Program::checked(vec![jump(0, 1), ret]).is_none());
        assert!(Program::checked(vec![jump(0, 1), ret, ret]).is_some());
        assert!(Program::checked(vec![Instruction::new(op::JMP | op::JA, 9), ret]).is_none());
        assert!(Program::checked(vec![ret; LONGEST + 1]).is_none());
    }

    #[test]
    fn what_lies_beyond_the_frame_refuses_it() {
        let load = |code, k| {
            let ret = Instruction::new(op::RET | op::K, 9);
            Program::checked(vec![Instruction::new(code, k), ret]).unwrap()
        };
        assert_eq!(load(op::LD | op::ABS | op::W, 0).run(&[0; 4], 4), 9);
        assert_eq!(load(op::LD | op::ABS | op::W, 1).run(&[0; 4], 4), 0);
        assert_eq!(load(op::LD | op::ABS | op::B, u32::MAX).run(&[0; 4], 4), 0);
        assert_eq!(load(op::LD | op::IND | op::H, 3).run(&[0; 4], 4), 0);
        assert_eq!(load(op::LDX | op::MSH | op::B, 4).run(&[0; 4], 4), 0);
        assert_eq!(load(op::ALU | op::DIV | op::X, 0).run(&[0; 4], 4), 0);
    }
}
