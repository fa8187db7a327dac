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

mod sheet;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::SocketAddr;

use super::escape::escaped_but_for_backslashes;
use super::icmp::Message;
use super::style::Tone;
use super::units::counted;
use crate::analysis::{ConnectionView, FrameView};
use crate::calls::{Call, CallLog};
use crate::tcp::window::Scale;
use crate::tcp::{Closer, Connection, Opening, Role, What};
use crate::time::{Span, Timestamp};
use crate::wire::{Flags, Icmp, Segment};

pub use sheet::{Look, NARROWEST, Strokes};

use sheet::{Margins, Sheet, seconds, wrapped};

/// A silence that is worth a line of its own.
const SILENCE: Span = Span::from_secs(1);
/// Calls drawn between two frames, at most.
const CALLS_BETWEEN: usize = 16;

/// Draws a connection segment by segment.
pub struct Ladder<W: Write> {
    out: W,
    /// The segment under way, drawn.
    sheet: Sheet,
    logs: Vec<CallLog>,
    /// What is still to be drawn of them, in the order of time.
    calls: VecDeque<CallLine>,
    seen: u64,
    /// The latest segments beyond those shown from the beginning.
    tail: VecDeque<String>,
    begun: Option<Timestamp>,
    previous: Option<Timestamp>,
    phase: Phase,
    fins: u32,
}

/// A call, or its return, to be drawn.
struct CallLine {
    time: Timestamp,
    by: Role,
    words: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    Opening,
    Established,
    Closing,
    Reset,
}

impl<W: Write> Ladder<W> {
    /// A diagram with nothing on it.
    pub fn new(out: W, look: Look) -> Self {
        Self {
            out,
            sheet: Sheet::new(look),
            logs: Vec::new(),
            calls: VecDeque::new(),
            seen: 0,
            tail: VecDeque::new(),
            begun: None,
            previous: None,
            phase: Phase::Before,
            fins: 0,
        }
    }

    /// Draws these logs' calls too, each beside what came of it.
    #[must_use]
    pub fn beside(mut self, logs: Vec<CallLog>) -> Self {
        self.logs = logs;
        self
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
        self.calls_until(view.frame.time);
        let from = view.decoded.ip.map(|ip| ip.source);
        let from = from.map_or_else(String::new, |from| format!(" from {from}"));
        let mut clock = seconds(view.frame.time - begun);
        let room = self.sheet.width - 2;
        for words in wrapped(&format!("{}{from}", Message(message)), room) {
            let words = self
                .sheet
                .painted(Tone::Warning, &format!(" {words:^room$} "));
            let margins = Margins {
                time: &clock,
                ..Margins::default()
            };
            self.sheet
                .row(&margins, &words, [self.sheet.strokes.lifeline; 2]);
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
            self.calls = lines_of(&self.logs, of, view.frame.time);
            self.title(view, of);
        }
        self.calls_until(view.frame.time);
        self.draw(view, of, from, segment);
        self.previous = Some(view.frame.time);
        self.keep()
    }

    /// Writes the block under way, or keeps it for the end.
    fn keep(&mut self) -> io::Result<()> {
        let (head, tail) = self.sheet.shares();
        if self.seen <= head {
            self.out.write_all(self.sheet.block.as_bytes())?;
            self.sheet.block.clear();
            return Ok(());
        }
        let mut block = String::new();
        if self.tail.len() as u64 >= tail {
            block = self.tail.pop_front().unwrap_or_default();
            block.clear();
        }
        if tail > 0 {
            block.push_str(&self.sheet.block);
            self.tail.push_back(block);
        }
        self.sheet.block.clear();
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
        let (head, _) = self.sheet.shares();
        let hidden = self.seen.saturating_sub(head + self.tail.len() as u64);
        if hidden > 0 {
            let more = self.sheet.strokes.more;
            let hidden = counted(hidden, "frame");
            self.sheet
                .note(&format!("{more} {hidden} not shown {more}"));
        }
        self.out.write_all(self.sheet.block.as_bytes())?;
        self.sheet.block.clear();
        for block in self.tail.drain(..) {
            self.out.write_all(block.as_bytes())?;
        }
        self.calls_until(Timestamp::from_nanos(i64::MAX));
        self.out.write_all(self.sheet.block.as_bytes())?;
        self.sheet.block.clear();
        if let Some(connection) = connection {
            let states = Role::BOTH.map(|role| connection.endpoint(role).state.name());
            self.sheet.row(
                &Margins { time: "", states },
                &" ".repeat(self.sheet.width),
                [self.sheet.strokes.lifeline; 2],
            );
            self.out.write_all(self.sheet.block.as_bytes())?;
            self.sheet.block.clear();
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

    /// Draws the calls made until then, before what came of them.
    fn calls_until(&mut self, time: Timestamp) {
        let due = self
            .calls
            .iter()
            .take_while(|call| call.time <= time)
            .count();
        let begun = self.begun.unwrap_or(time);
        let shown = if due > CALLS_BETWEEN {
            CALLS_BETWEEN / 2
        } else {
            due
        };
        for (index, call) in self.calls.drain(..due).enumerate() {
            if index == shown && shown < due {
                let more = self.sheet.strokes.more;
                let hidden = counted((due - 2 * shown) as u64, "call");
                self.sheet
                    .note(&format!("{more} {hidden} not shown {more}"));
            }
            if index < shown || index >= due - shown {
                let clock = seconds(call.time - begun);
                self.sheet.call(call.by, &clock, &call.words);
            }
        }
    }

    fn title(&mut self, view: &FrameView<'_>, of: &ConnectionView<'_>) {
        let [client, server] = of.sockets;
        let guessed = if of.connection.client_is_guessed {
            " (who is the client is a guess)"
        } else {
            ""
        };
        self.sheet.block += &format!("connection {}{guessed}\n", of.id);
        self.sheet.block += &format!("  client {client}\n  server {server}\n");
        self.sheet.block += &format!(
            "  begins in frame {}, {} UTC\n",
            view.frame.number,
            view.frame.time.utc()
        );
        let [control, data, empty] = [
            self.sheet.strokes.control,
            self.sheet.strokes.data,
            self.sheet.strokes.empty,
        ]
        .map(|stroke| {
            let [stroke, ..] = stroke;
            [stroke; 3].iter().collect::<String>()
        });
        self.sheet.block +=
            &format!("  {control} SYN, FIN or RST   {data} data   {empty} no data\n");
        if !self.calls.is_empty() {
            let call = self.sheet.strokes.call;
            self.sheet.block +=
                &format!("  {call}socket calls, at the side of the host that made them\n");
        }
        self.sheet.block.push('\n');
        self.sheet.heads();
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
        self.sheet.row(
            &margins,
            &" ".repeat(self.sheet.width),
            [self.sheet.strokes.lifeline; 2],
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
            let more = self.sheet.strokes.more;
            let silence = format!("{more} {} of silence {more}", waited.short());
            self.sheet.note(&silence);
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
        self.sheet
            .row(&above, &label, [self.sheet.strokes.lifeline; 2]);

        let relative = time - self.begun.unwrap_or(time);
        let clock = seconds(relative);
        let beside = Margins {
            time: &clock,
            states: [client[1], server[1]],
        };
        let (arrow, lifelines) = self.sheet.arrow(from, segment);
        self.sheet.row(&beside, &arrow, lifelines);
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
            self.sheet.remark(from, &words);
        }
    }

    /// Headings where the connection enters another part of its life.
    fn phases(&mut self, of: &ConnectionView<'_>, from: Role, segment: &Segment<'_>) {
        let connection = of.connection;
        let flags = segment.flags;
        if flags.has(Flags::RST) {
            if self.phase != Phase::Reset {
                self.phase = Phase::Reset;
                self.sheet.heading(&format!("the {from} resets"));
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
                0 => self.sheet.heading(&format!("the {from} closes")),
                1 => self.sheet.heading(&format!("the {from} closes too")),
                _ => {}
            }
            self.phase = Phase::Closing;
            return;
        }
        match self.phase {
            Phase::Before if connection.opening() == Opening::Midstream => {
                self.sheet
                    .heading("the capture begins here, the connection earlier");
                self.phase = Phase::Established;
            }
            Phase::Before => {
                self.sheet.heading("opening");
                self.phase = Phase::Opening;
            }
            Phase::Closing | Phase::Reset if flags.has(Flags::SYN) => {
                self.sheet.heading("opening again");
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
                self.sheet.heading(&words);
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
        let room = self.sheet.width - 2;
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
}

/// What is to be drawn of a connection's calls, in the order of time.
fn lines_of(logs: &[CallLog], of: &ConnectionView<'_>, begun: Timestamp) -> VecDeque<CallLine> {
    let [client, server] = of
        .sockets
        .map(|socket| SocketAddr::new(socket.address.to_ip(), socket.port));
    let mut lines = Vec::new();
    for beside in logs
        .iter()
        .flat_map(|log| log.of_connection(client, server, begun))
    {
        let by = if beside.by_first {
            Role::Client
        } else {
            Role::Server
        };
        for (time, words) in said(beside.call) {
            let words = escaped_but_for_backslashes(&words).to_string();
            lines.push(CallLine { time, by, words });
        }
    }
    lines.sort_by_key(|line| line.time);
    lines.into()
}

/// A call at the times at which it is of interest: when it was made, and when it returned if it
/// waited for the other side.
fn said(call: &Call) -> Vec<(Timestamp, String)> {
    const A_WAIT: Span = Span::from_millis(1);
    let took = call.returned() - call.time();
    let waited = if took >= A_WAIT {
        format!(", after {}", took.short())
    } else {
        String::new()
    };
    match call.call.as_str() {
        "connect" => vec![
            (call.time(), format!("connect({})...", call.arguments)),
            (
                call.returned(),
                format!("connect {}{waited}", call.outcome()),
            ),
        ],
        "accept" | "accept4" | "recv" | "recvfrom" | "recvmsg" | "read" | "poll" | "select"
        | "epoll_wait" => vec![(call.returned(), format!("{call}{waited}"))],
        _ => vec![(call.time(), format!("{call}{waited}"))],
    }
}
