//! Where the fields of one layer are written down: names and values come from the layer, places
//! are kept within the frame here.

use core::fmt::Display;
use core::ops::Range;
use std::borrow::Cow;

use super::{Field, Health};
use crate::wire::{Address, Ip};

/// What inner layers need to know of outer ones.
#[derive(Default)]
pub(super) struct Seen {
    /// The last IP header: its addresses, and how much it carries.
    pub(super) ip: Option<Ip>,
    /// The protocol of what comes next, in IP's numbers.
    pub(super) next: u8,
}

impl Seen {
    pub(super) fn addresses(&self) -> Option<(Address, Address)> {
        self.ip.map(|ip| (ip.source, ip.destination))
    }
}

/// The fields of one layer, while they are written down.
pub(super) struct Pane<'t, 'f> {
    fields: &'t mut Vec<Field>,
    /// The bytes of the layer and of all it carries.
    pub(super) bytes: &'f [u8],
    /// Where they start in the frame.
    at: usize,
    depth: u8,
    /// The ranges of the fields around the next one.
    around: Vec<Range<usize>>,
}

impl<'t, 'f> Pane<'t, 'f> {
    /// For a layer in the frame's bytes `start..end`.
    pub(super) fn new(
        fields: &'t mut Vec<Field>,
        frame: &'f [u8],
        start: usize,
        end: usize,
    ) -> Self {
        let start = start.min(frame.len());
        let end = end.clamp(start, frame.len());
        Self {
            fields,
            bytes: frame.get(start..end).unwrap_or_default(),
            at: start,
            depth: 0,
            around: Vec::new(),
        }
    }

    /// Goes on in the bytes from `offset` on, for what lies within this layer.
    pub(super) fn inner(&mut self, offset: usize) -> Pane<'_, 'f> {
        let offset = offset.min(self.bytes.len());
        Pane {
            fields: self.fields,
            bytes: self.bytes.get(offset..).unwrap_or_default(),
            at: self.at + offset,
            depth: self.depth,
            around: self.around.clone(),
        }
    }

    /// The line of the layer itself, `len` bytes long. Fields that follow are within it once
    /// [`down`](Self::down) is called.
    pub(super) fn head(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
        len: usize,
        filter: Option<&'static str>,
    ) {
        let (name, value) = (name.into(), value.into());
        // A layer within another one is told in the same words.
        if self.depth > 0 && !value.is_empty() {
            let name = format!("{name}, {value}");
            return self.push(name.into(), String::new(), 0..len, filter);
        }
        self.push(name, value, 0..len, filter);
    }

    /// A field in these bytes of the layer. One that was not captured is left out.
    pub(super) fn text(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        filter: &'static str,
        range: Range<usize>,
        value: impl Display,
    ) {
        if range.start < self.bytes.len() || range.is_empty() {
            let filter = (!filter.is_empty()).then_some(filter);
            self.push(name.into(), value.to_string(), range, filter);
        }
    }

    /// A field of some bits of a number that stands in these bytes.
    pub(super) fn bits(
        &mut self,
        name: &'static str,
        filter: &'static str,
        range: Range<usize>,
        mask: u64,
        value: impl Display,
    ) {
        let Some(word) = self.int(range.clone()) else {
            return;
        };
        let width = range.len() * 8;
        let mut bits = String::with_capacity(width * 5 / 4);
        for place in (0..width).rev() {
            bits.push(match (mask >> place & 1, word >> place & 1) {
                (0, _) => '.',
                (_, 0) => '0',
                _ => '1',
            });
            if place % 4 == 0 && place > 0 {
                bits.push(' ');
            }
        }
        self.text(name, filter, range, value);
        if let Some(field) = self.fields.last_mut() {
            field.bits = Some(bits);
        }
    }

    /// A bit that is set or not.
    pub(super) fn flag(
        &mut self,
        name: &'static str,
        filter: &'static str,
        range: Range<usize>,
        mask: u64,
    ) {
        let set = self.int(range.clone()).is_some_and(|word| word & mask != 0);
        self.bits(
            name,
            filter,
            range,
            mask,
            if set { "Set" } else { "Not set" },
        );
    }

    /// A field that stands nowhere, but follows.
    pub(super) fn derived(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        filter: &'static str,
        value: impl Display,
    ) {
        let filter = (!filter.is_empty()).then_some(filter);
        self.push(name.into(), value.to_string(), 0..0, filter);
        self.mark_derived();
    }

    /// Fields that follow are within the last one.
    pub(super) fn down(&mut self) {
        let last = self.fields.last().map_or(0..0, |field| field.range.clone());
        self.around.push(last);
        self.depth = self.depth.saturating_add(1);
    }

    /// Fields that follow are no longer within it.
    pub(super) fn up(&mut self) {
        self.around.pop();
        self.depth = self.depth.saturating_sub(1);
    }

    /// Says of the last field whether something is wrong with it.
    pub(super) fn health(&mut self, health: Health) {
        if let Some(field) = self.fields.last_mut() {
            field.health = health;
        }
    }

    pub(super) fn mark_derived(&mut self) {
        if let Some(field) = self.fields.last_mut() {
            field.derived = true;
        }
    }

    /// The last field.
    pub(super) fn last(&mut self) -> Option<&mut Field> {
        self.fields.last_mut()
    }

    /// A number that stands in these bytes of the layer, if they were captured.
    pub(super) fn int(&self, range: Range<usize>) -> Option<u64> {
        let bytes = self.bytes.get(range)?;
        let fold = |word: u64, &byte: &u8| word << 8 | u64::from(byte);
        Some(bytes.iter().fold(0, fold))
    }

    /// The same, for fields whose header is known to be there.
    pub(super) fn number(&self, range: Range<usize>) -> u64 {
        self.int(range).unwrap_or(0)
    }

    /// A number as it stands.
    pub(super) fn plain(&mut self, name: &'static str, filter: &'static str, range: Range<usize>) {
        if let Some(value) = self.int(range.clone()) {
            self.text(name, filter, range, value);
        }
    }

    /// A number in hexadecimal, all digits of it.
    pub(super) fn hex(&mut self, name: &'static str, filter: &'static str, range: Range<usize>) {
        if let Some(value) = self.int(range.clone()) {
            let digits = range.len() * 2;
            self.text(name, filter, range, format_args!("0x{value:0digits$x}"));
        }
    }

    fn push(
        &mut self,
        name: Cow<'static, str>,
        value: String,
        range: Range<usize>,
        filter: Option<&'static str>,
    ) {
        let most = self.bytes.len();
        let mut range = self.at + range.start.min(most)..self.at + range.end.min(most);
        if let Some(around) = self.around.last() {
            range.start = range.start.clamp(around.start, around.end);
            range.end = range.end.clamp(range.start, around.end);
        }
        self.fields.push(Field {
            depth: self.depth,
            name,
            value,
            bits: None,
            range,
            filter,
            health: Health::Plain,
            derived: false,
        });
    }
}
