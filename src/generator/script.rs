//! An exchange as text, and the text as frames; frames as text ([`Transcript`]).
//!
//! A script reads like what a person would write on a board: a line a packet, with what the tap
//! saw, when, and after `|` what must be said of it.
//!
//! ```text
//! # A fast retransmission, captured beside the sender.
//! client 10.0.0.1:40000 id 100
//! server 10.0.0.2:80 id 500
//!
//! 0.000  client > S
//! +.040  server > S.
//! +0     client > . ack 1
//! +.001  client > . 1:1001
//! +.001  client > . 1001:2001
//! +.040  server > . ack 1 sack 1001:2001   | duplicate-ack [new-sack-only]
//! +.001  client > . 1:1001                 | retransmission fast needed after-tap
//! ```
//!
//! # Lines
//!
//! `#` begins a comment. Any other line is one of:
//!
//! - `client ADDRESS:PORT …` and `server ADDRESS:PORT …` describe a host, before its first packet.
//!   Both have defaults. Again later, they begin another connection: positions count from its ISN.
//!   What may follow, in any order: `isn N`, `id N` (the next IP identification, which then counts;
//!   or `id zero`, `id random`), `ttl N`, `mss N`, `wscale N`, `sack on`, `ts N` (TSval at time
//!   0), `tick SECONDS` (of the TSval clock), `win N` (as it stands in the header), `ecn ect0`, `away SECONDS`
//!   (from the tap to it and back, else as its first acknowledgment shows: so late it echoes TSvals).
//!   `mss`, `wscale`, `sack` and `ts` may be `off`.
//! - `snaplen N`: the capture keeps N octets of every frame.
//! - `TIME SIDE > [FATE] FLAGS [FIRST:END] …` is a packet. Time is in seconds, from the begin or
//!   (`+`) since the line before. Flags are tcpdump's: `S`, `S.`, `.`, `P.`, `F.`, `R`, with `E`,
//!   `W` and `e` for ECE, CWR and AE; `none` for none. Positions are relative to the ISN, as
//!   tcpdump prints them: `1:1001` is a stream's first thousand octets. Left out, a packet has no
//!   payload and comes next in order.
//!   Options are those of the hosts: on a RST none.
//!   What may follow, in any order: `ack N` (else the one of the host's line before), `win N` (kept
//!   too), `sack FIRST:END …` (a DSACK first, if any), `ts N` and `ecr N`, `id N`, `ttl N`,
//!   `ecn ect0|ect1|ce|none`, `urg N`, `bytes other` (another payload than these positions have),
//!   `bytes damaged` (one octet of it, on the way: the checksum is wrong), and `<mss 1460,sackOK,TS 1 0,nop,wscale 7>` (exactly these options).
//!
//! # Fates
//!
//! - `lost`: sent and never captured; it takes an IP identification from its host
//! - `held`: sent now, captured later, where
//! - `late [FIRST:END]` says so: the held packet as it was sent then
//! - `copy [FIRST:END]`: a packet that was captured is captured again, bit by bit
//!
//! # Expectations
//!
//! `| KIND WORD… [RULE, …]; KIND …`: all verdicts on the frame in the analyzer's own words, those
//! after all revisions. The generator knows none of them: whoever runs the script compares, with
//! them or with the answer sheet that they make ([`Script::sheet`]).
//! Without `|` there must be none. `| any` leaves it open; `...` after the words leaves open which
//! others there are.

mod answers;
mod grammar;
mod playing;
mod transcript;

use std::fmt;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::str::FromStr;

use crate::frame::{CapturedFrame, Place};
use crate::source::{Arrival, Interface, Source, SourceError};
use crate::time::{Span, Timestamp};
use crate::wire::{Flags, LinkType};
use playing::Stage;

pub use transcript::Transcript;

/// An exchange that was written down. It is a [`Source`]: of its frames, in Ethernet.
///
/// # Examples
/// ```
/// use tcplens::analysis::{Analyzer, Options};
/// use tcplens::generator::Script;
/// use tcplens::source::Source;
/// use tcplens::tcp::{Role, State};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut script = Script::parse("
///     0.000  client > S
///     +.040  server > S.
///     +0     client > . ack 1
///     +.010  client > P. 1:101
///     +.040  server > . ack 101
/// ")?;
/// let mut analyzer = Analyzer::new(Options::default());
/// script.run(&mut |arrival| analyzer.arrive(arrival, &mut ()))?;
/// analyzer.finish(&mut ());
/// let (_, slot) = analyzer.connections()[0];
/// analyzer.connection(slot, |view| {
///     assert_eq!(view.connection.endpoint(Role::Server).state, State::Established);
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    lines: Vec<Line>,
}

/// Why a text is no script, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What is wrong there. Words of the script in it are escaped.
    pub reason: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            column,
            reason,
        } = self;
        write!(f, "line {line}, column {column}: {reason}")
    }
}

impl std::error::Error for ScriptError {}

/// What must be said of a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Anything may be said.
    pub any: bool,
    /// All that must be said, in no order.
    pub verdicts: Vec<Expected>,
}

/// One verdict that must be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The name of its kind.
    pub kind: String,
    /// The words on it: trigger, need, and so on.
    pub words: Vec<String>,
    /// There may be other words on it, too.
    pub open: bool,
    /// Names of rules that it must rest on.
    pub rules: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    /// From 1.
    number: usize,
    statement: Statement,
    expectation: Expectation,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Statement {
    Host(Side, Host),
    Snaplen(u32),
    Packet(Box<Packet>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// A host as it is described.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    socket: SocketAddr,
    isn: u32,
    id: Numbering,
    ttl: u8,
    mss: Option<u16>,
    window_scale: Option<u8>,
    sack: bool,
    /// TSval at time 0.
    timestamps: Option<u32>,
    tick: Span,
    window: u16,
    ecn: u8,
    /// From the tap to it and back.
    away: Option<Span>,
}

/// How a host chooses the IP identification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbering {
    /// One more for each packet, beginning here.
    Counting(u16),
    Zero,
    Random,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    At(Span),
    After(Span),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Captured at once.
    Captured,
    Lost,
    Held,
    Late,
    Copy,
}

/// A packet as it is written: what is `None` follows from what was before.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Packet {
    when: When,
    side: Side,
    fate: Fate,
    /// Where the word stands that a reason points at when it can't be sent.
    column: usize,
    flags: Flags,
    range: Option<(i64, i64)>,
    ack: Option<i64>,
    window: Option<u16>,
    sack: Vec<(i64, i64)>,
    tsval: Option<u32>,
    echo: Option<u32>,
    id: Option<u16>,
    ttl: Option<u8>,
    ecn: Option<u8>,
    urgent: Option<u16>,
    bytes: Bytes,
    options: Option<Vec<Opt>>,
}

/// What the payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bytes {
    /// What its positions always hold.
    Own,
    Other,
    /// Its own, but for one octet, under the checksum of its own.
    Damaged,
}

/// A TCP option in angle brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Opt {
    Nop,
    Mss(u16),
    WindowScale(u8),
    SackPermitted,
    Timestamps(u32, u32),
    Sack(Vec<(i64, i64)>),
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The first line that can't be understood or played, and why.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut lines = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let number = at + 1;
            let read = grammar::line(line).map_err(|wrong| wrong.on_line(number, line))?;
            if let Some((statement, expectation)) = read {
                lines.push(Line {
                    number,
                    statement,
                    expectation,
                });
            }
        }
        // Played once without looking at the frames, a script can't fail later.
        let mut stage = Stage::default();
        for line in &lines {
            let no_frame = |reason| ScriptError {
                line: line.number,
                column: 1,
                reason,
            };
            let frame = stage.play(line).map_err(|(column, reason)| ScriptError {
                column,
                ..no_frame(reason)
            })?;
            if frame.is_none() && line.expectation != Expectation::default() {
                let reason = "nothing is captured here that a verdict could be on".to_owned();
                return Err(no_frame(reason));
            }
        }
        Ok(Self { lines })
    }

    /// What must be said of each frame: its number, from 1, the line of the script that it comes
    /// from, and the expectation.
    pub fn expectations(&self) -> impl Iterator<Item = (u64, usize, &Expectation)> {
        let captured = self.lines.iter().filter(|line| match &line.statement {
            Statement::Packet(packet) => !matches!(packet.fate, Fate::Lost | Fate::Held),
            _ => false,
        });
        (1..)
            .zip(captured)
            .map(|(frame, line)| (frame, line.number, &line.expectation))
    }
}

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        Self::parse(text)
    }
}

/// When scripts begin: 2024-01-01.
const BEGIN: Timestamp = Timestamp::from_parts(1_704_067_200, 0);

impl Source for Script {
    fn run(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let interface = Interface::made("script");
        if sink(Arrival::Interface(interface)).is_break() {
            return Ok(());
        }
        let mut stage = Stage::default();
        let (mut number, mut bytes) = (0, Vec::new());
        for line in &self.lines {
            // That it can be played was seen when it was read.
            let Ok(Some(frame)) = stage.play(line) else {
                continue;
            };
            number += 1;
            bytes.clear();
            frame.emit(&mut bytes);
            let wire_len = bytes.len() as u32;
            let captured = bytes.len().min(stage.snaplen as usize);
            let arrival = Arrival::Frame(CapturedFrame {
                number,
                time: BEGIN + stage.now,
                interface: 0,
                link: LinkType::ETHERNET,
                wire_len,
                data: bytes.get(..captured).unwrap_or_default(),
                upcoming: &[],
                place: Place::NOWHERE,
            });
            if sink(arrival).is_break() {
                break;
            }
        }
        Ok(())
    }
}
