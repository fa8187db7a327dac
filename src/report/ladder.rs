//! One connection as a sequence diagram: time runs downwards, each segment is an arrow from the
//! host that sent it to the other, and the states of both stand in the margins where they change.
//!
//! ```text
//!       time       client                                             server
//!                  CLOSED │                                         │ LISTEN
//!                         │ SYN  seq 0  win 64240                   │
//!   0.000000     SYN-SENT ┝━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━▶│
//!    +5.15ms              │             SYN ACK  seq 0  ack 1  win 65160 │
//!   0.005152  ESTABLISHED │◀━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┥ SYN-RECEIVED
//! ```

use std::collections::VecDeque;
use std::io::{self, Write};

use super::icmp::Message;
use super::style::{Palette, Tone};
use super::units::counted;
use crate::analysis::{ConnectionView, FrameView};
use crate::tcp::window::Scale;
use crate::tcp::{Closer, Connection, Opening, Role, What};
use crate::time::{Span, Timestamp};
use crate::wire::{Flags, Icmp, Segment};

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
/// A silence that is worth a line of its own.
const SILENCE: Span = Span::from_secs(1);

/// The strokes of a diagram.
struct Strokes {
    lifeline: char,
    /// A segment with SYN, FIN or RST; with data; with neither. Each has its own stroke and the
    /// places where it leaves the left and the right lifeline.
    control: [char; 3],
    data: [char; 3],
    empty: [char; 3],
    right: char,
    left: char,
    rule: char,
    broken: char,
    mark: &'static str,
    more: &'static str,
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
};

/// Draws a connection segment by segment.
pub struct Ladder<W: Write> {
    out: W,
    look: Look,
    strokes: &'static Strokes,
    /// Columns between the lifelines.
    width: usize,
    /// The segment under way, drawn.
    block: String,
    seen: u64,
    /// The latest segments beyond those shown from the beginning.
    tail: VecDeque<String>,
    begun: Option<Timestamp>,
    previous: Option<Timestamp>,
    phase: Phase,
    fins: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    Opening,
    Established,
    Closing,
    Reset,
}

/// A line of the diagram: what stands in the four columns beside the lifelines.
#[derive(Default)]
struct Margins<'a> {
    time: &'a str,
    states: [&'a str; 2],
}

impl<W: Write> Ladder<W> {
    /// A diagram with nothing on it.
    pub fn new(out: W, look: Look) -> Self {
        let columns = look.columns.clamp(NARROWEST, WIDEST);
        Self {
            out,
            look,
            strokes: if look.unicode { &UNICODE } else { &ASCII },
            width: columns - TIME - 2 * STATE - 5,
            block: String::new(),
            seen: 0,
            tail: VecDeque::new(),
            begun: None,
            previous: None,
            phase: Phase::Before,
            fins: 0,
        }
    }

    /// How many segments are shown from the beginning, and from the end.
    fn shares(&self) -> (u64, u64) {
        let limit = match self.look.limit {
            0 => u64::MAX,
            limit => limit,
        };
        (limit - limit / 4, limit / 4)
    }

    /// Draws an ICMP message about the connection: who sent it may be neither of the two.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn message(&mut self, view: &FrameView<'_>, message: &Icmp<'_>) -> io::Result<()> {
        let Some(begun) = self.begun else {
            return Ok(());
        };
        self.seen += 1;
        let from = view.decoded.ip.map(|ip| ip.source);
        let from = from.map_or_else(String::new, |from| format!(" from {from}"));
        let mut clock = seconds(view.frame.time - begun);
        let room = self.width - 2;
        for words in wrapped(&format!("{}{from}", Message(message)), room) {
            let words = self.painted(Tone::Warning, &format!(" {words:^room$} "));
            let margins = Margins {
                time: &clock,
                ..Margins::default()
            };
            self.row(&margins, &words, [self.strokes.lifeline; 2]);
            clock.clear();
        }
        self.previous = Some(view.frame.time);
        self.keep()
    }

    /// Draws a segment.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn segment(
        &mut self,
        view: &FrameView<'_>,
        of: &ConnectionView<'_>,
        from: Role,
        segment: &Segment<'_>,
    ) -> io::Result<()> {
        self.seen += 1;
        if self.begun.is_none() {
            self.begun = Some(view.frame.time);
            self.title(view, of);
        }
        self.draw(view, of, from, segment);
        self.previous = Some(view.frame.time);
        self.keep()
    }

    /// Writes the block under way, or keeps it for the end.
    fn keep(&mut self) -> io::Result<()> {
        let (head, tail) = self.shares();
        if self.seen <= head {
            self.out.write_all(self.block.as_bytes())?;
            self.block.clear();
            return Ok(());
        }
        let mut block = String::new();
        if self.tail.len() as u64 >= tail {
            block = self.tail.pop_front().unwrap_or_default();
            block.clear();
        }
        if tail > 0 {
            block.push_str(&self.block);
            self.tail.push_back(block);
        }
        self.block.clear();
        Ok(())
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Draws the end: the segments kept from there, and how the connection stands when the
    /// capture ends at `end`.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn finish(&mut self, connection: Option<&Connection>, end: Timestamp) -> io::Result<()> {
        let (head, _) = self.shares();
        let hidden = self.seen.saturating_sub(head + self.tail.len() as u64);
        if hidden > 0 {
            let more = self.strokes.more;
            let hidden = counted(hidden, "frame");
            self.note(&format!("{more} {hidden} not shown {more}"));
        }
        self.out.write_all(self.block.as_bytes())?;
        self.block.clear();
        for block in self.tail.drain(..) {
            self.out.write_all(block.as_bytes())?;
        }
        if let Some(connection) = connection {
            let states = Role::BOTH.map(|role| connection.endpoint(role).state.name());
            self.row(
                &Margins { time: "", states },
                &" ".repeat(self.width),
                [self.strokes.lifeline; 2],
            );
            self.out.write_all(self.block.as_bytes())?;
            self.block.clear();
            let closer = match connection.closer() {
                Some(Closer::One(role)) => format!(", the {role} first"),
                Some(Closer::Both) => ", both at once".to_owned(),
                None => String::new(),
            };
            writeln!(
                self.out,
                "\n{} in {}, {}{closer}",
                counted(self.seen, "frame"),
                self.previous
                    .zip(self.begun)
                    .map_or(Span::ZERO, |(last, first)| last - first)
                    .short(),
                connection.ending(end).name(),
            )?;
        }
        self.out.flush()
    }

    fn title(&mut self, view: &FrameView<'_>, of: &ConnectionView<'_>) {
        let [client, server] = of.sockets;
        let guessed = if of.connection.client_is_guessed {
            " (who is the client is a guess)"
        } else {
            ""
        };
        self.block += &format!("connection {}{guessed}\n", of.id);
        self.block += &format!("  client {client}\n  server {server}\n");
        self.block += &format!(
            "  begins in frame {}, {} UTC\n",
            view.frame.number,
            view.frame.time.utc()
        );
        let [control, data, empty] = [self.strokes.control, self.strokes.data, self.strokes.empty]
            .map(|stroke| {
                let [stroke, ..] = stroke;
                [stroke; 3].iter().collect::<String>()
            });
        self.block += &format!("  {control} SYN, FIN or RST   {data} data   {empty} no data\n\n");
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
        let before = Role::BOTH.map(|role| {
            let first = view.events.iter().find_map(|event| match event.what {
                What::State {
                    endpoint, before, ..
                } if endpoint == role => Some(before),
                _ => None,
            });
            first.unwrap_or(of.connection.endpoint(role).state).name()
        });
        let margins = Margins {
            time: "",
            states: before,
        };
        self.row(
            &margins,
            &" ".repeat(self.width),
            [self.strokes.lifeline; 2],
        );
    }

    fn draw(
        &mut self,
        view: &FrameView<'_>,
        of: &ConnectionView<'_>,
        from: Role,
        segment: &Segment<'_>,
    ) {
        let time = view.frame.time;
        let waited = self.previous.map(|previous| time - previous);
        if let Some(waited) = waited.filter(|&waited| waited >= SILENCE) {
            let more = self.strokes.more;
            let silence = format!("{more} {} of silence {more}", waited.short());
            self.note(&silence);
        }
        self.phases(of, from, segment);

        // States in the order in which they changed: the last beside the arrow, the one before
        // it above.
        let mut states = [[""; 2]; 2];
        for event in view.events {
            if let What::State {
                endpoint, after, ..
            } = event.what
            {
                let [above, beside] = &mut states[endpoint as usize];
                (*above, *beside) = (*beside, after.name());
            }
        }
        let [client, server] = states;
        let delta = waited.map_or_else(String::new, |waited| {
            let sign = if waited < Span::ZERO { "" } else { "+" };
            format!("{sign}{}", waited.short())
        });
        let label = self.label(of, from, segment);
        let above = Margins {
            time: &delta,
            states: [client[0], server[0]],
        };
        self.row(&above, &label, [self.strokes.lifeline; 2]);

        let relative = time - self.begun.unwrap_or(time);
        let clock = seconds(relative);
        let beside = Margins {
            time: &clock,
            states: [client[1], server[1]],
        };
        let (arrow, lifelines) = self.arrow(from, segment);
        self.row(&beside, &arrow, lifelines);
        for event in view.events {
            let (words, proof) = match event.what {
                What::State { .. } | What::Recovered(_) => continue,
                What::Verdict(verdict) => (verdict.to_string(), verdict.proof.frames().next()),
                What::Revised { frame, after, .. } => (format!("frame {frame}: {after}"), None),
                What::Illegal {
                    endpoint,
                    state,
                    stimulus,
                } => (format!("illegal: {endpoint} {stimulus} in {state}"), None),
                What::GapGivenUp { stream, len, .. } => (
                    format!(
                        "{} of the {stream}'s stream never captured",
                        counted(len, "byte")
                    ),
                    None,
                ),
            };
            let words = match proof {
                Some(frame) => format!("{words}, see frame {frame}"),
                None => words,
            };
            self.remark(from, &words);
        }
    }

    /// Headings where the connection enters another part of its life.
    fn phases(&mut self, of: &ConnectionView<'_>, from: Role, segment: &Segment<'_>) {
        let connection = of.connection;
        let flags = segment.flags;
        if flags.has(Flags::RST) {
            if self.phase != Phase::Reset {
                self.phase = Phase::Reset;
                self.heading(&format!("the {from} resets"));
            }
            return;
        }
        if flags.has(Flags::FIN) {
            let nth = if self.fins & 1 << (from as u32) == 0 {
                self.fins.count_ones()
            } else {
                2
            };
            self.fins |= 1 << (from as u32);
            match nth {
                0 => self.heading(&format!("the {from} closes")),
                1 => self.heading(&format!("the {from} closes too")),
                _ => {}
            }
            self.phase = Phase::Closing;
            return;
        }
        match self.phase {
            Phase::Before if connection.opening() == Opening::Midstream => {
                self.heading("the capture begins here, the connection earlier");
                self.phase = Phase::Established;
            }
            Phase::Before => {
                self.heading("opening");
                self.phase = Phase::Opening;
            }
            Phase::Closing | Phase::Reset if flags.has(Flags::SYN) => {
                self.heading("opening again");
                self.phase = Phase::Opening;
            }
            // The third segment of the handshake belongs to it; what comes after does not.
            Phase::Opening
                if !flags.has(Flags::SYN)
                    && (segment.payload_len > 0
                        || connection
                            .handshake
                            .ack
                            .is_some_and(|ack| ack < connection.last_time)) =>
            {
                let words = match connection.handshake.round_trip() {
                    Some(round_trip) => format!("open, round trip {}", round_trip.short()),
                    None => "open".to_owned(),
                };
                self.heading(&words);
                self.phase = Phase::Established;
            }
            _ => {}
        }
    }

    /// What the segment says, at the side it comes from: as much as there is room for.
    fn label(&self, of: &ConnectionView<'_>, from: Role, segment: &Segment<'_>) -> String {
        let connection = of.connection;
        let (sender, receiver) = (connection.endpoint(from), connection.endpoint(from.peer()));
        let flags = segment.flags;
        let len = segment.payload_len;
        let mut parts = vec![flags.to_string().replace('|', " ")];
        let seq = sender
            .position(segment.seq)
            .unwrap_or(i64::from(segment.seq.0));
        parts.push(match len {
            0 => format!("seq {seq}"),
            _ => format!("seq {seq}:{}", seq + i64::from(len)),
        });
        if flags.has(Flags::ACK) {
            let ack = receiver.position(segment.ack);
            parts.push(format!("ack {}", ack.unwrap_or(i64::from(segment.ack.0))));
        }
        if len > 0 {
            parts.push(format!("len {len}"));
        }
        let syn = flags.has(Flags::SYN);
        if !flags.has(Flags::RST) {
            let window = sender.window.scaled(segment.window, syn);
            // Of an unknown scale, as in the list of packets.
            let unscaled = match sender.window.scale {
                Scale::Unknown if !syn => "?",
                _ => "",
            };
            parts.push(format!("win {window}{unscaled}"));
        }
        if syn {
            let options = &segment.options;
            parts.extend(options.mss.map(|mss| format!("mss {mss}")));
            parts.extend(options.window_scale.map(|shift| format!("scale {shift}")));
            parts.extend(options.sack_permitted.then(|| "SACK".to_owned()));
            parts.extend(options.timestamps.map(|_| "timestamps".to_owned()));
        } else if segment.options.sack_count > 0 {
            let base = receiver.base().map_or(0, |base| base.0);
            let blocks: Vec<_> = segment
                .options
                .sack_blocks()
                .iter()
                .map(|block| {
                    let (left, right) = (block.left.0, block.right.0);
                    format!("{}:{}", left.wrapping_sub(base), right.wrapping_sub(base))
                })
                .collect();
            parts.push(format!("SACK {}", blocks.join(" ")));
        }
        let room = self.width - 2;
        let mut label = String::new();
        for part in parts {
            if label.is_empty() {
                label = part;
            } else if label.len() + 2 + part.len() <= room {
                label = label + "  " + &part;
            } else {
                break;
            }
        }
        match from {
            Role::Client => format!(" {label:room$} "),
            Role::Server => format!(" {label:>room$} "),
        }
    }

    fn arrow(&self, from: Role, segment: &Segment<'_>) -> (String, [char; 2]) {
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

    fn heading(&mut self, words: &str) {
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
    fn note(&mut self, words: &str) {
        let words = self.painted(Tone::Quiet, &format!("{words:^width$}", width = self.width));
        self.row(&Margins::default(), &words, [self.strokes.broken; 2]);
    }

    /// A verdict under its arrow, at the side it comes from, on as many lines as it takes.
    fn remark(&mut self, from: Role, words: &str) {
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

    fn row(&mut self, margins: &Margins<'_>, between: &str, [left, right]: [char; 2]) {
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

    fn painted(&self, tone: Tone, text: &str) -> String {
        if text.trim().is_empty() {
            text.to_owned()
        } else {
            self.look.palette.paint(tone, text).to_string()
        }
    }
}

/// ASCII words on lines of at most `room` columns; a longer word has a line of its own.
fn wrapped(words: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Seconds in the room there is for time, with as many decimals as fit.
fn seconds(span: Span) -> String {
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
