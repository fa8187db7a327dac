//! VLAN tags: IEEE 802.1Q, and stacked as 802.1ad (QinQ).

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, ethernet, tunnel};

/// A tag, as it stands after the tag protocol identifier (IEEE 802.1Q clause 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Priority code point, 0 to 7.
    pub priority: u8,
    /// Drop eligible indicator.
    pub drop_eligible: bool,
    /// VLAN identifier, 12 bits; 0 means that the tag only carries a priority.
    pub id: u16,
    /// EtherType (or length) of what follows.
    pub ether_type: u16,
}

impl Tag {
    /// Octets of a tag, identifier excluded.
    pub const LEN: usize = 4;

    /// Parses a tag.
    #[inline]
    pub fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, head) = be::fixed::<{ Self::LEN }>(input)?;
        let (_, (control, ether_type)) = (be::u16, be::u16).parse(head)?;
        let tag = Self {
            priority: (control >> 13) as u8,
            drop_eligible: control & 0x1000 != 0,
            id: control & 0x0fff,
            ether_type,
        };
        Ok((rest, tag))
    }

    /// Appends the tag. The identifier before it (0x8100 or 0x88a8) is the `ether_type` of the
    /// header it follows.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let control = u16::from(self.priority & 7) << 13
            | u16::from(self.drop_eligible) << 12
            | self.id & 0x0fff;
        be::put_u16(out, control);
        be::put_u16(out, self.ether_type);
    }
}

#[inline(never)]
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((tag, rest)) = d.read(Layer::Vlan, input, Tag::parse) else {
        return;
    };
    note(d, tag.id);
    ethernet::decode_type_or_length(d, Layer::Vlan, tag.ether_type, rest);
}

/// Remembers a VLAN identifier.
pub(super) fn note(d: &mut Decoder<'_, '_>, id: u16) {
    if let Some(place) = d.out.vlans.get_mut(usize::from(d.out.vlan_count)) {
        *place = id;
    }
    d.out.vlan_count = d.out.vlan_count.saturating_add(1);
    // A priority tag puts the frame in no VLAN: it belongs with its untagged twins.
    if id != 0 {
        d.out.context = tunnel::mix(d.out.context, u32::from(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, hex};
    use crate::wire::{LengthSource, LinkType, Reason, decode};

    /// Priority 5, drop eligible, VLAN 100, then IPv6.
    const SAMPLE: &str = "b0 64  86 dd";

    #[test]
    fn parses() {
        let bytes = hex(SAMPLE);
        let (_, tag) = Tag::parse(&bytes).unwrap();
        let expected = Tag {
            priority: 5,
            drop_eligible: true,
            id: 100,
            ether_type: 0x86dd,
        };
        assert_eq!(tag, expected);
        assert_eq!(emitted(|out| tag.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Tag::parse);

    #[test]
    fn wrong_length() {
        // The field after the tag is a length of 1: too little for LLC.
        let frame = hex("02 00 00 00 00 02  02 00 00 00 00 01  81 00  00 07  00 01  aa aa 03");
        let decoded = decode(LinkType::ETHERNET, &frame, 0);
        let reason = Reason::TooShort {
            needed: 3,
            had: 1,
            from: LengthSource::Field(Layer::Vlan),
        };
        assert_eq!(decoded.stop.unwrap().reason, reason);
        assert_eq!((decoded.vlans[0], decoded.vlan_count), (7, 1));
    }

    #[test]
    fn every_tag_counts_and_order_too() {
        let context = |tags: &str| {
            let frame = hex(&format!("020000000002 020000000001 {tags} 0800"));
            decode(LinkType::ETHERNET, &frame, 0).context
        };
        assert_eq!(context(""), 0);
        assert_eq!(context("8100 0000"), 0, "a priority tag is no VLAN");
        assert_eq!(context("8100 a064"), context("88a8 0064"));
        assert_ne!(context("8100 0064"), context("8100 0065"));
        assert_ne!(
            context("88a8 0064 8100 0065"),
            context("88a8 0065 8100 0064")
        );
    }
}
