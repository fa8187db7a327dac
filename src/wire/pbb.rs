//! Provider backbone bridging (IEEE 802.1ah): a whole frame behind a service tag.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, ethernet};

/// The backbone service instance tag (IEEE 802.1Q clause 9.7). The inner frame's MAC addresses
/// follow, which is to say the inner frame does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Priority code point, 0 to 7.
    pub priority: u8,
    /// Drop eligible indicator.
    pub drop_eligible: bool,
    /// Service instance identifier, 24 bits.
    pub service: u32,
}

impl Tag {
    /// Octets of the tag.
    pub const LEN: usize = 4;

    /// Parses the tag.
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        (be::u8, be::u24)
            .map(|(control, service)| Self {
                priority: control >> 5,
                drop_eligible: control & 0x10 != 0,
                service,
            })
            .parse(input)
            .or_else(|_: nom::Err<super::Fault>| be::short(Self::LEN))
    }

    /// Appends the tag.
    pub fn emit(&self, out: &mut Vec<u8>) {
        be::put_u8(out, self.priority << 5 | u8::from(self.drop_eligible) << 4);
        be::put_u24(out, self.service);
    }
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((tag, rest)) = d.read(Layer::Pbb, input, Tag::parse) else {
        return;
    };
    d.out.context = super::tunnel::mix(d.out.context, tag.service);
    ethernet::decode(d, rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, hex};

    /// Priority 3, drop eligible, service 0x010203.
    const SAMPLE: &str = "70 01 02 03";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, tag) = Tag::parse(&bytes).unwrap();
        assert_eq!(
            tag,
            Tag {
                priority: 3,
                drop_eligible: true,
                service: 0x01_0203
            }
        );
        assert_eq!(emitted(|out| tag.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Tag::parse);
}
