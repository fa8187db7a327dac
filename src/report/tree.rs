//! The decode tree of a frame: every layer with its fields, each with its words, its value and the
//! bytes it stands in, as `tshark -V` shows them.
//!
//! What the layers are and where they lie is what [`crate::wire::outline`](mod@crate::wire::outline) says; each layer's fields are named
//! here, one file for a family of protocols. A layer that has no fields here is still a named range
//! of bytes. Words and filter names are Wireshark's.

mod icmp;
mod internet;
mod known;
mod link;
mod mptcp;
mod pane;
mod tcp;
mod tcp_option;
mod text;
mod tunnel;
mod words;

use core::fmt;
use core::ops::Range;
use std::borrow::Cow;

use super::units::{counted, grouped};
use crate::frame::CapturedFrame;
use crate::wire::{Decoded, Laid, Layer, Outline, Reason, Transport, outline};
use pane::{Pane, Seen};

pub use known::Known;
pub use text::{dump, write};

/// What a field says about the health of the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Nothing.
    #[default]
    Plain,
    /// It was checked, and holds.
    Good,
    /// It is worth a look: not verified, cut by the capture, reserved bits that are set.
    Odd,
    /// It is wrong: a checksum, a length.
    Bad,
}

/// A field of a layer, or a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// How deep it is: 0 is a layer.
    pub depth: u8,
    /// Its name, in Wireshark's words.
    pub name: Cow<'static, str>,
    /// Its value, safe to print; empty for headings.
    pub value: String,
    /// For fields of less than a byte: which bits, as in `.... ..1.`.
    pub bits: Option<String>,
    /// The bytes of the frame that it stands in, never beyond its end; empty where it stands in
    /// none.
    pub range: Range<usize>,
    /// Its name in filters, where it has one.
    pub filter: Option<&'static str>,
    /// Whether something is wrong with it.
    pub health: Health,
    /// Whether it stands nowhere in the frame, but follows from it.
    pub derived: bool,
}

/// The line of a field without its indent: `Source Port: 443`, `.... ..1. = Syn: Set`,
/// `[Next Sequence Number: 1]`.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(bits) = &self.bits {
            write!(f, "{bits} = ")?;
        }
        let (before, after) = if self.derived { ("[", "]") } else { ("", "") };
        write!(f, "{before}{}", self.name)?;
        match (self.value.is_empty(), self.depth) {
            (true, _) => {}
            (false, 0) => write!(f, ", {}", self.value)?,
            (false, _) => write!(f, ": {}", self.value)?,
        }
        f.write_str(after)
    }
}

/// The fields of a frame in order, each before those within it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The fields; what is within one comes right after it, one deeper.
    pub fields: Vec<Field>,
}

impl Tree {
    /// Takes a frame apart.
    ///
    /// # Examples
    /// ```
    /// use tcplens::frame::{CapturedFrame, Place};
    /// use tcplens::report::tree::Tree;
    /// use tcplens::time::Timestamp;
    /// use tcplens::wire::LinkType;
    ///
    /// let header = [0xff; 12].into_iter().chain([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    /// let data: Vec<u8> = header.chain([0; 20]).collect();
    /// let frame = CapturedFrame {
    ///     number: 1,
    ///     time: Timestamp::from_nanos(0),
    ///     interface: 0,
    ///     link: LinkType::ETHERNET,
    ///     wire_len: 42,
    ///     data: &data,
    ///     upcoming: &[],
    ///     place: Place::NOWHERE,
    /// };
    /// let tree = Tree::of(&frame);
    /// let field = &tree.fields[tree.at(20).unwrap()];
    /// assert_eq!(field.to_string(), "Opcode: request (1)");
    /// assert_eq!(field.range, 20..22);
    /// ```
    pub fn of(frame: &CapturedFrame<'_>) -> Self {
        Self::knowing(frame, None)
    }

    /// Takes a frame apart, and says what is known of its segment besides.
    pub fn knowing(frame: &CapturedFrame<'_>, known: Option<&Known>) -> Self {
        let mut tree = Self::default();
        tree.frame(frame);
        let (decoded, outline) = outline(frame.link, frame.data, frame.wire_len);
        let end = tree.layers(frame, &decoded, &outline, known);
        tree.rest(frame, &decoded, end);
        tree
    }

    /// The fields right within one, by index.
    pub fn children(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        let depth = self.fields.get(index).map_or(u8::MAX, |field| field.depth);
        let rest = self.fields.iter().enumerate().skip(index.saturating_add(1));
        rest.take_while(move |(_, field)| field.depth > depth)
            .filter(move |(_, field)| field.depth == depth + 1)
            .map(|(index, _)| index)
    }

    /// Whether there are fields within this one.
    pub fn has_children(&self, index: usize) -> bool {
        self.children(index).next().is_some()
    }

    /// The field that this one is within.
    pub fn parent(&self, index: usize) -> Option<usize> {
        let depth = self.fields.get(index)?.depth.checked_sub(1)?;
        let before = self.fields.get(..index)?;
        before.iter().rposition(|field| field.depth == depth)
    }

    /// The innermost field that stands in this byte of the frame. The frame itself is none.
    pub fn at(&self, byte: usize) -> Option<usize> {
        let fields = self.fields.iter().enumerate().skip(1);
        fields
            .filter(|(_, field)| field.range.contains(&byte))
            .max_by_key(|(index, field)| (field.depth, core::cmp::Reverse(*index)))
            .map(|(index, _)| index)
    }

    /// What the capture says of the frame.
    fn frame(&mut self, frame: &CapturedFrame<'_>) {
        let captured = frame.data.len();
        let mut pane = Pane::new(&mut self.fields, frame.data, 0, captured);
        let lengths = format!(
            "{} on wire, {} captured",
            counted(frame.wire_len, "byte"),
            counted(captured as u64, "byte")
        );
        let name = format!("Frame {}", frame.number);
        pane.head(name, lengths, captured, Some("frame"));
        pane.down();
        pane.derived("Interface", "frame.interface_id", frame.interface);
        pane.derived("Encapsulation type", "frame.encap_type", frame.link.0);
        let epoch = frame.time.since(crate::time::Timestamp::default());
        pane.derived("Arrival Time", "frame.time", frame.time.utc());
        pane.derived("Epoch Time", "frame.time_epoch", format!("{epoch} seconds"));
        pane.derived("Frame Number", "frame.number", frame.number);
        pane.derived("Frame Length", "frame.len", frame.wire_len);
        pane.derived("Capture Length", "frame.cap_len", captured);
        if captured < frame.wire_len as usize {
            pane.health(Health::Odd);
        }
    }

    /// The layers that parsed. Gives where the last of their headers ends.
    fn layers(
        &mut self,
        frame: &CapturedFrame<'_>,
        decoded: &Decoded<'_>,
        outline: &Outline,
        known: Option<&Known>,
    ) -> usize {
        let mut seen = Seen::default();
        let mut end = 0;
        let laid = outline.layers();
        for (index, layer) in laid.iter().enumerate() {
            let start = layer.offset as usize;
            let next = laid.get(index + 1).map(|next| next.offset as usize);
            let bound = start + layer.captured as usize;
            let mut pane = Pane::new(&mut self.fields, frame.data, start, bound);
            // Where a header ends that is not taken apart.
            let len = next.map_or(0, |next| next.saturating_sub(start));
            end = start + fields_of(&mut pane, layer, len, &mut seen, decoded, known);
        }
        end
    }

    /// What is left behind the layers: what they carry, what fills the frame up, and why decoding
    /// went no further.
    fn rest(&mut self, frame: &CapturedFrame<'_>, decoded: &Decoded<'_>, end: usize) {
        let within = |bytes: &[u8]| {
            let offset = (bytes.as_ptr() as usize).wrapping_sub(frame.data.as_ptr() as usize);
            let known = offset <= frame.data.len() && !bytes.is_empty();
            known.then(|| offset..(offset + bytes.len()).min(frame.data.len()))
        };
        let whole = |bytes: &[u8]| bytes.len() as u32;
        let (name, filter, carried, on_wire) = match &decoded.transport {
            Transport::Tcp(segment) => {
                let carried = within(segment.payload);
                ("TCP payload", "tcp.payload", carried, segment.payload_len)
            }
            Transport::Udp(datagram) => {
                let carried = within(datagram.payload);
                ("UDP payload", "udp.payload", carried, datagram.payload_len)
            }
            Transport::Fragment(bytes) => ("IP fragment", "data.data", within(bytes), whole(bytes)),
            Transport::Icmp(_) | Transport::Arp(_) => ("", "", None, 0),
            Transport::None => {
                let len = match &decoded.ip {
                    Some(ip) => ip.payload_len as usize,
                    None => frame.data.len(),
                };
                let last = end.saturating_add(len).min(frame.data.len());
                ("Data", "data.data", (end < last).then_some(end..last), 0)
            }
        };
        let mut after = end;
        if let Some(range) = carried.filter(|range| range.start >= end) {
            after = range.end;
            let bytes = frame.data.get(range.clone()).unwrap_or_default();
            let mut pane = Pane::new(&mut self.fields, frame.data, range.start, range.end);
            let captured = bytes.len() as u64;
            let length = match u64::from(on_wire) {
                on_wire if on_wire > captured => {
                    format!("{} of {}", grouped(captured), counted(on_wire, "byte"))
                }
                _ => counted(captured, "byte").to_string(),
            };
            pane.head(
                format!("{name} ({length})"),
                String::new(),
                bytes.len(),
                None,
            );
            pane.down();
            pane.text("Data", filter, 0..bytes.len(), words::hex(bytes));
        }
        if let Some(stop) = &decoded.stop {
            let start = (stop.offset as usize).min(frame.data.len());
            let mut pane = Pane::new(&mut self.fields, frame.data, start, frame.data.len());
            let name = format!("Not decoded further: {stop}");
            pane.head(name, String::new(), frame.data.len() - start, None);
            pane.mark_derived();
            pane.health(match stop.reason {
                Reason::Unknown { .. } => Health::Plain,
                _ if frame.data.len() < frame.wire_len as usize => Health::Odd,
                _ => Health::Bad,
            });
        }
        let all = frame.data.len();
        let padded = decoded.ip.is_some() || matches!(decoded.transport, Transport::Arp(_));
        if padded && after < all && decoded.stop.is_none() {
            let mut pane = Pane::new(&mut self.fields, frame.data, after, all);
            let length = counted((all - after) as u64, "byte");
            let name = format!("Padding ({length})");
            pane.head(name, String::new(), all - after, Some("eth.padding"));
        }
    }
}

/// The fields of one layer. Returns how long its header is; `len` says it of those that are not
/// taken apart.
fn fields_of(
    pane: &mut Pane<'_, '_>,
    laid: &Laid,
    len: usize,
    seen: &mut Seen,
    decoded: &Decoded<'_>,
    known: Option<&Known>,
) -> usize {
    match laid.layer {
        Layer::Ethernet => link::ethernet(pane),
        Layer::Llc => link::llc(pane),
        Layer::Snap => link::snap(pane),
        Layer::Vlan => link::vlan(pane),
        Layer::Mpls => link::mpls(pane, len),
        Layer::Pppoe => link::pppoe(pane),
        Layer::Ppp => link::ppp(pane),
        Layer::Chdlc => link::cisco(pane),
        Layer::LinuxSll => link::cooked(pane),
        Layer::LinuxSll2 => link::cooked_2(pane),
        Layer::Loopback => link::loopback(pane),
        Layer::Pbb => link::pbb(pane),
        Layer::Raw => 0,
        Layer::Arp => internet::arp(pane),
        Layer::Ipv4 => internet::ipv4(pane, seen),
        Layer::Ipv6 => internet::ipv6(pane, seen),
        Layer::Extension => internet::extension(pane, seen),
        Layer::Fragment => internet::fragment(pane, seen),
        Layer::Tcp => tcp::tcp(pane, seen, laid, decoded, known),
        Layer::Udp => internet::udp(pane, seen, laid),
        Layer::Icmp | Layer::Icmpv6 => icmp::icmp(pane, seen, laid),
        Layer::Gre => tunnel::gre(pane),
        Layer::Vxlan => tunnel::vxlan(pane),
        Layer::Geneve => tunnel::geneve(pane),
        Layer::Gtp => tunnel::gtp(pane),
        Layer::Erspan => tunnel::erspan(pane, len),
        Layer::L2tp => tunnel::l2tp(pane),
        other => link::named(pane, other, len),
    }
}
