//! The inside of a plot. With colours and Unicode a character is 2 by 4 Braille dots in the colour of the
//! topmost layer in it; without, each layer has a character of its own, so that what colour tells
//! is told by shape.
//!
//! ```text
//! ⣀⣀⡠⠤⠒⠉⠁        │ segment    . acknowledged    - window    % SACK    F T P sent again
//! ```
//!
//! Marks are letters above all layers: however far a plot is zoomed out, none gets lost between
//! two pixels.

use crate::tui::page::sheet::{Ink, Sheet};

/// What is drawn, the lower first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::tui::page) enum Layer {
    /// The limit that a peer's window sets.
    Window,
    /// The limit that the congestion window sets, as inferred.
    Congestion,
    /// What is acknowledged.
    Acknowledged,
    /// What is sent.
    Sent,
    /// What SACK reports.
    Sacked,
}

impl Layer {
    /// Its ink.
    pub(in crate::tui::page) fn ink(self) -> Ink {
        match self {
            Self::Window => Ink::Warning,
            Self::Congestion => Ink::Accent,
            Self::Acknowledged => Ink::Good,
            Self::Sent => Ink::Plain,
            Self::Sacked => Ink::Server,
        }
    }

    /// Its character where there are no dots, beyond ASCII and within.
    pub(in crate::tui::page) fn characters(self) -> (char, char) {
        match self {
            Self::Window => ('╌', '-'),
            Self::Congestion => ('~', '~'),
            Self::Acknowledged => ('∙', '.'),
            Self::Sent => ('┃', '|'),
            Self::Sacked => ('░', '%'),
        }
    }
}

/// A letter at a place.
#[derive(Clone, Copy, Debug)]
struct Mark {
    x: usize,
    y: usize,
    letter: char,
    ink: Ink,
    /// Of two at one place the weightier stays.
    weight: u8,
}

/// A grid of characters that curves are drawn on.
#[derive(Clone, Debug)]
pub(in crate::tui::page) struct Raster {
    width: usize,
    height: usize,
    dots: bool,
    cells: Vec<(u8, Option<Layer>)>,
    marks: Vec<Mark>,
}

/// The bit of a dot within a Braille character, by column and row.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

impl Raster {
    /// An empty grid of characters, with dots or without.
    pub(in crate::tui::page) fn new(width: usize, height: usize, dots: bool) -> Self {
        Self {
            width,
            height,
            dots,
            cells: vec![(0, None); width * height],
            marks: Vec::new(),
        }
    }

    /// Pixels across.
    pub(in crate::tui::page) fn across(&self) -> usize {
        self.width * if self.dots { 2 } else { 1 }
    }

    /// Pixels upwards.
    pub(in crate::tui::page) fn up(&self) -> usize {
        self.height * if self.dots { 4 } else { 1 }
    }

    /// One pixel; `y` counts upwards from the bottom.
    pub(in crate::tui::page) fn dot(&mut self, x: usize, y: usize, layer: Layer) {
        if x >= self.across() || y >= self.up() {
            return;
        }
        let y = self.up() - 1 - y;
        let (column, row, bit) = if self.dots {
            let bit = DOTS.get(x % 2).and_then(|column| column.get(y % 4));
            (x / 2, y / 4, bit.copied().unwrap_or(0))
        } else {
            (x, y, 1)
        };
        if let Some((dots, top)) = self.cells.get_mut(row * self.width + column) {
            *dots |= bit;
            *top = (*top).max(Some(layer));
        }
    }

    /// A vertical line; both ends belong to it.
    pub(in crate::tui::page) fn upright(&mut self, x: usize, from: usize, to: usize, layer: Layer) {
        let top = from.max(to).min(self.up().saturating_sub(1));
        for y in from.min(to)..=top {
            self.dot(x, y, layer);
        }
    }

    /// A level line; both ends belong to it.
    pub(in crate::tui::page) fn level(&mut self, from: usize, to: usize, y: usize, layer: Layer) {
        let end = from.max(to).min(self.across().saturating_sub(1));
        for x in from.min(to)..=end {
            self.dot(x, y, layer);
        }
    }

    /// A letter at a pixel, above everything.
    pub(in crate::tui::page) fn mark(
        &mut self,
        x: usize,
        y: usize,
        letter: char,
        ink: Ink,
        weight: u8,
    ) {
        if x >= self.across() || y >= self.up() {
            return;
        }
        let (x, y) = self.cell_of(x, y);
        let mark = Mark {
            x,
            y,
            letter,
            ink,
            weight,
        };
        self.marks.push(mark);
    }

    /// The character that holds a pixel, its line counted from the top.
    pub(in crate::tui::page) fn cell_of(&self, x: usize, y: usize) -> (usize, usize) {
        let y = self.up().saturating_sub(1).saturating_sub(y);
        if self.dots { (x / 2, y / 4) } else { (x, y) }
    }

    /// A character of a layer, as it looks here.
    pub(in crate::tui::page) fn sample(&self, layer: Layer, unicode: bool) -> char {
        let (own, ascii) = layer.characters();
        match (self.dots, unicode) {
            (true, _) => '⠿',
            (false, true) => own,
            (false, false) => ascii,
        }
    }

    /// Writes it down.
    pub(in crate::tui::page) fn write(&self, sheet: &mut Sheet<'_>, x: usize, y: usize) {
        for (at, (dots, top)) in self.cells.iter().enumerate() {
            let Some(layer) = top else { continue };
            let (unicode, ascii) = layer.characters();
            let char = if self.dots {
                char::from_u32(0x2800 + u32::from(*dots)).unwrap_or(' ')
            } else {
                sheet.look.pick(unicode, ascii)
            };
            let (column, row) = (at % self.width.max(1), at / self.width.max(1));
            sheet.set(x + column, y + row, layer.ink(), char);
        }
        let mut marks: Vec<_> = self.marks.iter().collect();
        marks.sort_by_key(|mark| mark.weight);
        for mark in marks {
            sheet.set(x + mark.x, y + mark.y, mark.ink, mark.letter);
        }
    }
}

/// From values to pixels, and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui::page) struct Scale {
    /// The value at the first pixel.
    pub(in crate::tui::page) low: i64,
    /// The value at the last; more than `low`.
    pub(in crate::tui::page) high: i64,
    /// Pixels.
    pub(in crate::tui::page) pixels: usize,
}

impl Scale {
    /// Over at least one unit.
    pub(in crate::tui::page) fn new(low: i64, high: i64, pixels: usize) -> Self {
        let high = high.max(low.saturating_add(1));
        Self { low, high, pixels }
    }

    /// The pixel of a value; `None` outside.
    pub(in crate::tui::page) fn pixel(&self, value: i64) -> Option<usize> {
        (self.low <= value && value <= self.high && self.pixels > 0).then(|| self.clamped(value))
    }

    /// The pixel nearest to a value.
    pub(in crate::tui::page) fn clamped(&self, value: i64) -> usize {
        let value = value.clamp(self.low, self.high);
        let whole = i128::from(self.high) - i128::from(self.low);
        let part = i128::from(value) - i128::from(self.low);
        let last = self.pixels.saturating_sub(1) as i128;
        ((part * last + whole / 2) / whole.max(1)) as usize
    }

    /// How much a pixel is.
    pub(in crate::tui::page) fn step(&self) -> i64 {
        let whole = self.high.saturating_sub(self.low);
        (whole / self.pixels.max(1) as i64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::page::sheet::Look;
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    fn drawn(raster: &Raster, look: Look) -> Vec<String> {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 2));
        let area = buffer.area;
        raster.write(&mut Sheet::new(&mut buffer, area, &look), 0, 0);
        let lines = buffer.content.chunks(6);
        lines
            .map(|line| line.iter().map(|cell| cell.symbol()).collect())
            .collect()
    }

    #[test]
    fn dots_and_characters() {
        let mut raster = Raster::new(6, 2, true);
        raster.level(0, 11, 0, Layer::Window);
        raster.upright(4, 0, 7, Layer::Sent);
        assert_eq!(drawn(&raster, Look::coloured(true)), ["  ⡇   ", "⣀⣀⣇⣀⣀⣀"]);
        let mut raster = Raster::new(6, 2, false);
        raster.level(0, 11, 0, Layer::Window);
        raster.upright(4, 0, 7, Layer::Sent);
        raster.mark(5, 1, 'F', Ink::Warning, 1);
        raster.mark(5, 1, 'T', Ink::Bad, 2);
        raster.mark(5, 1, 'P', Ink::Bad, 0);
        assert_eq!(drawn(&raster, Look::plain(true)), ["    ┃T", "╌╌╌╌┃╌"]);
        assert_eq!(drawn(&raster, Look::plain(false)), ["    |T", "----|-"]);
    }

    proptest! {
        #[test]
        fn values_stay_inside(
            low in any::<i64>(), high in any::<i64>(), value in any::<i64>(), pixels in 0_usize..500,
        ) {
            let scale = Scale::new(low, high, pixels);
            prop_assert!(scale.clamped(value) <= pixels.saturating_sub(1));
            prop_assert!(scale.step() > 0);
            if let Some(pixel) = scale.pixel(value) {
                prop_assert!(pixel < pixels);
            }
        }
    }
}
