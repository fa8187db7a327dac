//! What a diagram is drawn on: its columns and strokes, and the lines that can stand on it.

use crate::report::style::{Palette, Tone};
use crate::tcp::Role;
use crate::time::Span;
use crate::wire::{Flags, Segment};

/// What a diagram looks like.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns it may use; it takes no fewer than [`NARROWEST`].
    pub columns: usize,
    /// Characters beyond ASCII.
    pub unicode: bool,
    /// Colours.
    pub palette: Palette,
    /// Segments shown at most: most from the beginning, the rest from the end. 0 is all.
    pub limit: u64,
}

/// Columns a diagram needs.
pub const NARROWEST: usize = 64;
/// Columns past which an arrow gets no clearer.
const WIDEST: usize = 132;
const TIME: usize = 10;
const STATE: usize = 12;

/// The strokes of a diagram.
#[derive(Clone, Copy, Debug)]
pub struct Strokes {
    /// A host's line.
    pub lifeline: char,
    /// A segment with SYN, FIN or RST: its own stroke, and the places where it leaves the left and
    /// the right lifeline.
    pub control: [char; 3],
    /// One with data.
    pub data: [char; 3],
    /// One with neither.
    pub empty: [char; 3],
    /// The head of what goes to the right.
    pub right: char,
    /// The head of what goes to the left.
    pub left: char,
    /// A line between the parts of a connection's life.
    pub rule: char,
    /// A lifeline over time that is folded.
    pub broken: char,
    /// Before a remark.
    pub mark: &'static str,
    /// For what is left out.
    pub more: &'static str,
    /// Before a call.
    pub call: &'static str,
}

impl Strokes {
    /// Those beyond ASCII, or within.
    pub const fn of(unicode: bool) -> &'static Self {
        if unicode { &UNICODE } else { &ASCII }
    }
}

const UNICODE: Strokes = Strokes {
    lifeline: '│',
    control: ['━', '┝', '┥'],
    data: ['─', '├', '┤'],
    empty: ['╌', '├', '┤'],
    right: '▶',
    left: '◀',
    rule: '┄',
    broken: '┊',
    mark: "└ ",
    more: "…",
    call: "• ",
};

const ASCII: Strokes = Strokes {
    lifeline: '|',
    control: ['=', '|', '|'],
    data: ['-', '|', '|'],
    empty: ['.', '|', '|'],
    right: '>',
    left: '<',
    rule: '-',
    broken: ':',
    mark: "` ",
    more: "...",
    call: "* ",
};

/// A line of the diagram: what stands in the four columns beside the lifelines.
#[derive(Default)]
pub(super) struct Margins<'a> {
    pub(super) time: &'a str,
    pub(super) states: [&'a str; 2],
}

/// The paper: lines are drawn on it, and taken off when a segment is done.
pub(super) struct Sheet {
    look: Look,
    pub(super) strokes: &'static Strokes,
    /// Columns between the lifelines.
    pub(super) width: usize,
    /// What has been drawn and not been taken off.
    pub(super) block: String,
}

impl Sheet {
    pub(super) fn new(look: Look) -> Self {
        let columns = look.columns.clamp(NARROWEST, WIDEST);
        Self {
            look,
            strokes: Strokes::of(look.unicode),
            width: columns - TIME - 2 * STATE - 5,
            block: String::new(),
        }
    }

    /// How many segments are shown from the beginning, and from the end.
    pub(super) fn shares(&self) -> (u64, u64) {
        let limit = match self.look.limit {
            0 => u64::MAX,
            limit => limit,
        };
        (limit - limit / 4, limit / 4)
    }

    pub(super) fn arrow(&self, from: Role, segment: &Segment<'_>) -> (String, [char; 2]) {
        let strokes = self.strokes;
        let [stroke, leaves_left, leaves_right] =
            if segment.flags.any(Flags::SYN | Flags::FIN | Flags::RST) {
                strokes.control
            } else if segment.payload_len > 0 {
                strokes.data
            } else {
                strokes.empty
            };
        let shaft = String::from_iter(vec![stroke; self.width - 1]);
        match from {
            Role::Client => (
                self.painted(Tone::Client, &format!("{shaft}{}", strokes.right)),
                [leaves_left, strokes.lifeline],
            ),
            Role::Server => (
                self.painted(Tone::Server, &format!("{}{shaft}", strokes.left)),
                [strokes.lifeline, leaves_right],
            ),
        }
    }

    pub(super) fn heading(&mut self, words: &str) {
        let rule = self.strokes.rule;
        let words = format!(" {words} ");
        let room = self.width.saturating_sub(words.chars().count());
        let left = String::from_iter(vec![rule; room / 2]);
        let right = String::from_iter(vec![rule; room - room / 2]);
        let words = self.painted(Tone::Heading, &words);
        let line = format!("{left}{words}{right}");
        self.row(&Margins::default(), &line, [self.strokes.lifeline; 2]);
    }

    /// A line that stands for time or segments left out.
    pub(super) fn note(&mut self, words: &str) {
        let words = self.painted(Tone::Quiet, &format!("{words:^width$}", width = self.width));
        self.row(&Margins::default(), &words, [self.strokes.broken; 2]);
    }

    /// A verdict under its arrow, at the side it comes from, on as many lines as it takes.
    pub(super) fn remark(&mut self, from: Role, words: &str) {
        let room = self.width - 2;
        let lines = wrapped(words, room - 2);
        let longest = lines.iter().map(String::len).max().unwrap_or(0);
        for (index, line) in lines.iter().enumerate() {
            let mark = if index == 0 { self.strokes.mark } else { "  " };
            let line = format!("{mark}{line:longest$}");
            let line = match from {
                Role::Client => format!(" {line:room$} "),
                Role::Server => format!(" {line:>room$} "),
            };
            let line = self.painted(Tone::Warning, &line);
            self.row(&Margins::default(), &line, [self.strokes.lifeline; 2]);
        }
    }

    pub(super) fn row(&mut self, margins: &Margins<'_>, between: &str, [left, right]: [char; 2]) {
        let Margins {
            time,
            states: [client, server],
        } = *margins;
        let time = self.painted(Tone::Quiet, &format!("{time:>TIME$}"));
        let client = self.painted(Tone::Heading, &format!("{client:>STATE$}"));
        let server = match server {
            "" => String::new(),
            state => format!(" {}", self.painted(Tone::Heading, state)),
        };
        self.block += &format!("{time} {client} {left}{between}{right}{server}\n");
    }

    pub(super) fn painted(&self, tone: Tone, text: &str) -> String {
        if text.trim().is_empty() {
            text.to_owned()
        } else {
            self.look.palette.paint(tone, text).to_string()
        }
    }

    /// A call at the side of the host that made it, on as many lines as it takes.
    pub(super) fn call(&mut self, by: Role, clock: &str, words: &str) {
        let mark = self.strokes.call;
        let room = self.width - 2;
        // Short of the whole width, so that it is seen whose it is.
        let most = self.width * 3 / 4;
        let mut lines = wrapped(words, most);
        for line in &mut lines {
            *line = line.chars().take(room - 2).collect();
        }
        let longest = lines.iter().map(|line| line.chars().count()).max();
        let longest = longest.unwrap_or(0);
        let mut clock = clock;
        for (index, line) in lines.iter().enumerate() {
            let mark = if index == 0 { mark } else { "  " };
            let line = format!("{mark}{line:longest$}");
            let (line, tone) = match by {
                Role::Client => (format!(" {line:room$} "), Tone::Client),
                Role::Server => (format!(" {line:>room$} "), Tone::Server),
            };
            let line = self.painted(tone, &line);
            let margins = Margins {
                time: clock,
                ..Margins::default()
            };
            self.row(&margins, &line, [self.strokes.lifeline; 2]);
            clock = "";
        }
    }

    /// The heads of the columns.
    pub(super) fn heads(&mut self) {
        let heads = format!(
            "{:>TIME$} {:>STATE$} {:width$} {:STATE$}",
            "time",
            "client",
            "",
            "server",
            width = self.width + 2
        );
        let heads = self.painted(Tone::Heading, heads.trim_end());
        self.block += &heads;
        self.block.push('\n');
    }
}

/// Words on lines of at most `room` columns; a longer word has a line of its own.
pub(super) fn wrapped(words: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Seconds in the room there is for time, with as many decimals as fit.
pub(super) fn seconds(span: Span) -> String {
    let nanos = span.as_nanos();
    let sign = if nanos < 0 { "-" } else { "" };
    let micros = nanos.unsigned_abs() / 1000;
    let text = format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let whole = text.find('.').unwrap_or(text.len());
    // A number that loses all of its decimals loses the point too.
    let end = if whole + 2 > TIME { whole } else { TIME };
    text.get(..end.min(text.len())).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_keeps_to_its_column() {
        for (nanos, text) in [
            (0, "0.000000"),
            (-1_500_000_000, "-1.500000"),
            (999_123_456_789, "999.123456"),
            (123_456_789_012_345, "123456.789"),
            (9_000_000_000_000_000_000, "9000000000"),
            (-668_322_441_900_000_000, "-668322441"),
        ] {
            assert_eq!(seconds(Span::from_nanos(nanos)), text);
        }
    }
}
