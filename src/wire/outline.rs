//! Where the layers of a frame lie in it: for those who show a frame byte by byte.

use super::decoder::{Decoder, Input};
use super::{Decoded, Layer, LinkType, MAX_LAYERS};

/// Where a layer lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Laid {
    /// The layer.
    pub layer: Layer,
    /// Byte offset in the frame at which it starts.
    pub offset: u32,
    /// Captured bytes from there on, by the lengths of the layers around it: its header and all
    /// that it carries.
    pub captured: u32,
    /// How many these were on the wire.
    pub wire: u32,
}

/// The layers of a frame, with their places.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    laid: [Laid; MAX_LAYERS],
    count: usize,
}

impl Outline {
    /// The layers that parsed, outermost first: those of [`Decoded::layers`].
    pub fn layers(&self) -> &[Laid] {
        self.laid.get(..self.count).unwrap_or(&self.laid)
    }

    pub(super) fn note(&mut self, index: usize, laid: Laid) {
        if let Some(place) = self.laid.get_mut(index) {
            *place = laid;
        }
    }
}

/// Decodes a frame as [`decode`](super::decode) does, and notes where its layers lie.
///
/// # Examples
/// ```
/// use tcplens::wire::{Layer, LinkType, outline};
///
/// let arp = [0xff; 12].into_iter().chain([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]).chain([0; 20]);
/// let frame: Vec<u8> = arp.collect();
/// let (decoded, outline) = outline(LinkType::ETHERNET, &frame, 42);
/// assert_eq!(decoded.layers(), [Layer::Ethernet, Layer::Arp]);
/// let arp = outline.layers()[1];
/// assert_eq!((arp.layer, arp.offset, arp.captured), (Layer::Arp, 14, 28));
/// ```
pub fn outline(link: LinkType, frame: &[u8], wire_len: u32) -> (Decoded<'_>, Outline) {
    let mut out = Decoded::nothing();
    let mut outline = Outline::default();
    let mut decoder = Decoder::new(frame, &mut out);
    decoder.outline = Some(&mut outline);
    decoder.link(link, Input::frame(frame, wire_len));
    outline.count = usize::from(out.layer_count);
    (out, outline)
}
