//! MPLS label stacks (RFC 3032).

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, ethernet, ipv4, ipv6};

/// One label stack entry (RFC 3032 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Label value, 20 bits.
    pub value: u32,
    /// Traffic class, 3 bits (RFC 5462).
    pub traffic_class: u8,
    /// Whether this is the last entry.
    pub bottom: bool,
    /// Time to live.
    pub ttl: u8,
}

impl Label {
    /// Octets of an entry.
    pub const LEN: usize = 4;

    /// Parses one entry.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        be::u32
            .map(|word| Self {
                value: word >> 12,
                traffic_class: (word >> 9) as u8 & 7,
                bottom: word & 0x100 != 0,
                ttl: word as u8,
            })
            .parse(input)
    }

    /// Appends the entry.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let word = self.value << 12
            | u32::from(self.traffic_class & 7) << 9
            | u32::from(self.bottom) << 8
            | u32::from(self.ttl);
        be::put_u32(out, word);
    }
}

/// Parses entries up to the bottom of the stack, and gives that last one.
pub fn stack(input: &[u8]) -> Parsed<'_, Label> {
    let mut rest = input;
    loop {
        let Ok((after, label)) = Label::parse(rest) else {
            return be::short(input.len() - rest.len() + Label::LEN);
        };
        if label.bottom {
            return Ok((after, label));
        }
        rest = after;
    }
}

/// A stack is one layer, however many labels it has. Labels are local to each hop and direction,
/// so they say nothing of the flow.
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((_, rest)) = d.read(Layer::Mpls, input, stack) else {
        return;
    };
    // Labels don't say what they carry; the first nibble does by convention (RFC 4928 section 3).
    match rest.bytes.first().map(|first| first >> 4) {
        Some(4) => ipv4::decode(d, rest),
        Some(6) => ipv6::decode(d, rest),
        // A pseudowire control word (RFC 4385), here before Ethernet (RFC 4448).
        Some(0) => {
            if let Some((_, frame)) = d.read(Layer::Mpls, rest, be::u32) {
                ethernet::decode(d, frame);
            }
        }
        // The control channel of a pseudowire (RFC 5586).
        Some(1) => d.stop(Layer::Mpls, rest, Reason::Unknown { protocol: 1 }),
        Some(_) => ethernet::decode(d, rest),
        None => d.too_short(Layer::Mpls, rest, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{cut_tests, emitted, fault, hex};

    /// Label 1000 with traffic class 3 and TTL 255, then label 16 at the bottom with TTL 64.
    const SAMPLE: &str = "00 3e 86 ff  00 01 01 40";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (rest, first) = Label::parse(&bytes).unwrap();
        let expected = Label {
            value: 1000,
            traffic_class: 3,
            bottom: false,
            ttl: 255,
        };
        assert_eq!(first, expected);
        let (_, second) = Label::parse(rest).unwrap();
        assert_eq!(
            second,
            Label {
                value: 16,
                traffic_class: 0,
                bottom: true,
                ttl: 64
            }
        );
        assert_eq!(stack(&bytes), Ok((&[][..], second)));
        let written = emitted(|out| {
            first.emit(out);
            second.emit(out);
        });
        assert_eq!(written, bytes);
    }

    cut_tests!(SAMPLE, stack);

    #[test]
    fn wrong_length() {
        // A stack that does not end needs another entry.
        let endless = hex("00 3e 80 ff  00 3e 80 ff");
        assert_eq!(fault(stack(&endless)), Fault::Short { needed: 12 });
    }
}
