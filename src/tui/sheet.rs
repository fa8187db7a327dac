//! A part of the screen to write on. Everything the page draws goes through here: what does not
//! fit is cut, and nothing is written outside.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthChar;

/// What a piece of text is, from which its colour follows. Nothing is told by it alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ink {
    /// As usual.
    #[default]
    Plain,
    /// Said for completeness.
    Quiet,
    /// Lines that only divide.
    Rule,
    /// A heading, or a number that matters.
    Strong,
    /// What can be acted on, and where one is.
    Accent,
    /// What the client sent.
    Client,
    /// What the server sent.
    Server,
    /// All is well.
    Good,
    /// Worth a look.
    Warning,
    /// Something failed.
    Bad,
}

impl Ink {
    const COUNT: usize = 10;
}

/// How the page looks: its inks, and the characters it may use.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Characters beyond ASCII.
    pub unicode: bool,
    /// Colours.
    pub colour: bool,
    inks: [Style; Ink::COUNT],
    cursor: Style,
    lit: Style,
}

impl Look {
    /// Without colours.
    pub fn plain(unicode: bool) -> Self {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let mut look = Self {
            unicode,
            colour: false,
            inks: [Style::new(); Ink::COUNT],
            cursor: Style::new().add_modifier(Modifier::REVERSED),
            lit: Style::new().add_modifier(Modifier::REVERSED),
        };
        for ink in [Ink::Strong, Ink::Accent, Ink::Bad] {
            look.set(ink, bold);
        }
        for ink in [Ink::Quiet, Ink::Rule] {
            look.set(ink, Style::new().add_modifier(Modifier::DIM));
        }
        look
    }

    /// With the colours that every terminal has.
    pub fn coloured(unicode: bool) -> Self {
        let mut look = Self::plain(unicode);
        look.colour = true;
        let bold = Style::new().add_modifier(Modifier::BOLD);
        for (ink, style) in [
            (Ink::Quiet, Style::new().fg(Color::DarkGray)),
            (Ink::Rule, Style::new().fg(Color::DarkGray)),
            (Ink::Accent, bold.fg(Color::Blue)),
            (Ink::Client, Style::new().fg(Color::Cyan)),
            (Ink::Server, Style::new().fg(Color::Magenta)),
            (Ink::Good, Style::new().fg(Color::Green)),
            (Ink::Warning, Style::new().fg(Color::Yellow)),
            (Ink::Bad, bold.fg(Color::Red)),
        ] {
            look.set(ink, style);
        }
        look
    }

    /// The same with another style for an ink.
    pub fn set(&mut self, ink: Ink, style: Style) {
        if let Some(own) = self.inks.get_mut(ink as usize) {
            *own = style;
        }
    }

    /// Styles of the line under the cursor, and of what is pointed at within it.
    pub fn set_cursor(&mut self, cursor: Style, lit: Style) {
        (self.cursor, self.lit) = (cursor, lit);
    }

    /// The style of an ink.
    pub fn style(&self, ink: Ink) -> Style {
        self.inks.get(ink as usize).copied().unwrap_or_default()
    }

    /// One of two texts: with characters beyond ASCII, or without.
    pub fn pick<T>(&self, unicode: T, ascii: T) -> T {
        if self.unicode { unicode } else { ascii }
    }

    /// The mark of text that was cut.
    pub fn more(&self) -> &'static str {
        self.pick("…", "...")
    }
}

/// A piece of text and what it is.
pub type Piece = (Ink, String);

/// A part of the screen. Positions count from its upper left corner.
pub struct Sheet<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    /// How to write.
    pub look: &'a Look,
}

impl<'a> Sheet<'a> {
    /// The part `area` of `buffer`.
    pub fn new(buffer: &'a mut Buffer, area: Rect, look: &'a Look) -> Self {
        let area = area.intersection(buffer.area);
        Self { buffer, area, look }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        usize::from(self.area.width)
    }

    /// Lines.
    pub fn height(&self) -> usize {
        usize::from(self.area.height)
    }

    /// A part of this part.
    pub fn part(&mut self, x: usize, y: usize, width: usize, height: usize) -> Sheet<'_> {
        let (x, y) = (x.min(self.width()), y.min(self.height()));
        let area = Rect {
            x: self.area.x + x as u16,
            y: self.area.y + y as u16,
            width: width.min(self.width() - x) as u16,
            height: height.min(self.height() - y) as u16,
        };
        Sheet {
            buffer: self.buffer,
            area,
            look: self.look,
        }
    }

    /// Writes text from a place on, as far as there is room. Gives the column after it.
    pub fn put(&mut self, x: usize, y: usize, ink: Ink, text: &str) -> usize {
        let style = self.look.style(ink);
        self.write(x, y, style, text)
    }

    fn write(&mut self, x: usize, y: usize, style: Style, text: &str) -> usize {
        if x >= self.width() || y >= self.height() || text.is_empty() {
            return x;
        }
        let room = self.width() - x;
        let (end, _) = self.buffer.set_stringn(
            self.area.x + x as u16,
            self.area.y + y as u16,
            text,
            room,
            style,
        );
        usize::from(end - self.area.x)
    }

    /// Writes text so that it ends before a column; its beginning is cut if it must be.
    pub fn put_right(&mut self, end: usize, y: usize, ink: Ink, text: &str) {
        let text = cut_front(text, end);
        self.put(end - columns(text), y, ink, text);
    }

    /// Writes pieces one after the other. Gives the column after them.
    pub fn line(&mut self, x: usize, y: usize, pieces: &[Piece]) -> usize {
        let mut x = x;
        for (ink, text) in pieces {
            x = self.put_cut(x, y, *ink, text, self.width().saturating_sub(x));
        }
        x
    }

    /// Writes text, and a mark where it had to be cut, within so many columns.
    pub fn put_cut(&mut self, x: usize, y: usize, ink: Ink, text: &str, room: usize) -> usize {
        let room = room.min(self.width().saturating_sub(x));
        let text = cut(text, room, self.look.more());
        self.put(x, y, ink, &text)
    }

    /// One character.
    pub fn set(&mut self, x: usize, y: usize, ink: Ink, char: char) {
        if x < self.width() && y < self.height() {
            let place = (self.area.x + x as u16, self.area.y + y as u16);
            if let Some(cell) = self.buffer.cell_mut(place) {
                cell.set_char(char).set_style(self.look.style(ink));
            }
        }
    }

    /// The same character many times.
    pub fn row(&mut self, x: usize, y: usize, count: usize, ink: Ink, char: char) {
        for x in x..x.saturating_add(count).min(self.width()) {
            self.set(x, y, ink, char);
        }
    }

    /// A dividing line over the whole width.
    pub fn rule(&mut self, y: usize) {
        let stroke = self.look.pick('─', '-');
        self.row(0, y, self.width(), Ink::Rule, stroke);
    }

    /// Marks a whole line as the one under the cursor.
    pub fn under_cursor(&mut self, y: usize) {
        self.restyle(0, y, self.width(), self.look.cursor);
    }

    /// Marks a part of a line as pointed at.
    pub fn lit(&mut self, x: usize, y: usize, count: usize) {
        self.restyle(x, y, count, self.look.lit);
    }

    /// Makes a part of a line bold.
    pub fn bold(&mut self, x: usize, y: usize, count: usize) {
        self.restyle(x, y, count, Style::new().add_modifier(Modifier::BOLD));
    }

    fn restyle(&mut self, x: usize, y: usize, count: usize, style: Style) {
        if x >= self.width() || y >= self.height() {
            return;
        }
        let area = Rect {
            x: self.area.x + x as u16,
            y: self.area.y + y as u16,
            width: count.min(self.width() - x) as u16,
            height: 1,
        };
        self.buffer.set_style(area, style);
    }

    /// Wipes everything.
    pub fn clear(&mut self) {
        for y in self.area.top()..self.area.bottom() {
            for x in self.area.left()..self.area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }
}

/// Columns that a character takes.
pub fn width_of(char: char) -> usize {
    char.width().unwrap_or(0)
}

/// Columns that text takes.
pub fn columns(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// As much of the beginning as fits, with a mark where something is left out.
pub fn cut(text: &str, room: usize, mark: &str) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let room = room.saturating_sub(columns(mark));
    let mut taken = 0;
    let mut end = 0;
    for (at, char) in text.char_indices() {
        taken += width_of(char);
        if taken > room {
            break;
        }
        end = at + char.len_utf8();
    }
    format!("{}{mark}", text.get(..end).unwrap_or(""))
}

/// As much of the end as fits.
fn cut_front(text: &str, room: usize) -> &str {
    let mut taken = 0;
    let mut start = text.len();
    for (at, char) in text.char_indices().rev() {
        taken += width_of(char);
        if taken > room {
            break;
        }
        start = at;
    }
    text.get(start..).unwrap_or("")
}

/// Words on lines of at most `room` columns; a longer word is cut.
pub fn wrapped(words: &str, room: usize) -> Vec<String> {
    let room = room.max(1);
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        let mut word = word;
        loop {
            let last = lines.last_mut();
            let Some(line) = last else { break };
            let taken = columns(line);
            let gap = usize::from(taken > 0);
            if taken + gap + columns(word) <= room {
                if gap > 0 {
                    line.push(' ');
                }
                line.push_str(word);
                break;
            }
            if taken == 0 {
                // Alone on its line and still too long.
                let head = cut(word, room, "");
                let split = head
                    .len()
                    .max(word.chars().next().map_or(1, char::len_utf8));
                let (head, tail) = word.split_at(split.min(word.len()));
                line.push_str(head);
                word = tail;
                if word.is_empty() {
                    break;
                }
            }
            lines.push(String::new());
        }
    }
    lines
}

/// The first line to show of a list, so that the line under the cursor is in sight: in the middle,
/// but for the two ends.
pub fn first_shown(cursor: usize, count: usize, room: usize) -> usize {
    cursor
        .saturating_sub(room / 2)
        .min(count.saturating_sub(room))
}

/// A box in the middle of a sheet, wiped, with a title; gives what is inside.
pub fn boxed<'s>(title: &str, width: usize, height: usize, sheet: &'s mut Sheet<'_>) -> Sheet<'s> {
    let (whole, tall) = (sheet.width(), sheet.height());
    if whole < 10 || tall < 3 {
        return sheet.part(0, 0, 0, 0);
    }
    let width = width.min(whole.saturating_sub(2)).max(10);
    let height = height.min(tall.saturating_sub(2)).max(3);
    let (x, y) = ((whole - width) / 2, (tall - height) / 2);
    let mut own = sheet.part(x, y, width, height);
    own.clear();
    let [left_up, right_up, left_down, right_down, across, down] = own.look.pick(
        ['╭', '╮', '╰', '╯', '─', '│'],
        ['+', '+', '+', '+', '-', '|'],
    );
    own.row(0, 0, width, Ink::Rule, across);
    own.row(0, height - 1, width, Ink::Rule, across);
    for y in 1..height - 1 {
        own.set(0, y, Ink::Rule, down);
        own.set(width - 1, y, Ink::Rule, down);
    }
    own.set(0, 0, Ink::Rule, left_up);
    own.set(width - 1, 0, Ink::Rule, right_up);
    own.set(0, height - 1, Ink::Rule, left_down);
    own.set(width - 1, height - 1, Ink::Rule, right_down);
    own.put(2, 0, Ink::Strong, &format!(" {title} "));
    sheet.part(x + 2, y + 1, width - 4, height - 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_cut_where_it_must_be() {
        assert_eq!(cut("window", 6, "…"), "window");
        assert_eq!(cut("window", 5, "…"), "wind…");
        assert_eq!(cut("東京都", 5, "…"), "東京…");
        assert_eq!(cut("window", 0, "…"), "…");
        assert_eq!(cut_front("window", 3), "dow");
        assert_eq!(wrapped("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrapped("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
        assert_eq!(wrapped("", 3), [""]);
    }

    #[test]
    fn the_cursor_is_in_sight() {
        assert_eq!(first_shown(0, 100, 10), 0);
        assert_eq!(first_shown(50, 100, 10), 45);
        assert_eq!(first_shown(99, 100, 10), 90);
        assert_eq!(first_shown(3, 5, 10), 0);
    }

    #[test]
    fn nothing_is_written_outside() {
        let look = Look::plain(true);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 4));
        let mut sheet = Sheet::new(&mut buffer, Rect::new(2, 1, 4, 2), &look);
        sheet.put(2, 0, Ink::Plain, "abcdef");
        sheet.put(3, 1, Ink::Plain, "東");
        sheet.put_right(2, 1, Ink::Plain, "xyz");
        sheet.put(0, 7, Ink::Plain, "no");
        sheet.put(70, 0, Ink::Plain, "no");
        sheet.part(9, 9, 9, 9).put(0, 0, Ink::Plain, "no");
        let lines = ["          ", "    ab    ", "  yz      ", "          "];
        assert_eq!(buffer, Buffer::with_lines(lines));
    }

    proptest! {
        #[test]
        fn wrapped_words_fit(words in "[a-z東 ]{0,60}", room in 2_usize..12) {
            for line in wrapped(&words, room) {
                prop_assert!(columns(&line) <= room, "{line:?}");
            }
        }
    }
}
