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
