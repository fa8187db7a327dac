//! One language to choose frames and connections by, for the terminal UI and every command:
//! Wireshark's names and operators, and our own for connections and verdicts.
//!
//! ```text
//! text ─grammar─▶ ast ─compile─▶ program ─▶ a frame: yes or no
//!                  fields, literals      ─▶ a connection by its figures: yes, no, or ask its frames
//! ```
//!
//! - `grammar` and `ast` know signs and words, and no field; `literal` knows what words mean as
//!   values of a kind
//! - [`fields`] is the one table of what can be asked, in five files: conversations (`conn.…`),
//!   verdicts (`tcp.analysis.…`, `verdict.…`), TCP, the rest of a frame, and what only its headers
//!   tell
//! - `program` answers for a frame, without allocating; `survey` for a conversation, by figures
//! - [`Before`] is what a filter must remember while a capture goes by; [`Scan`] finds the
//!   connections whose figures do not tell, [`Sieve`] the frames of one connection
//! - [`complete()`] is for whoever types
//!
//! # What matches
//!
//! A test is true of a frame when it is true of one of the field's values there, and with `!=`,
//! `all`, `===` when it is true of each; a field that is not there is never anything. A connection
//! matches when one of its frames does, ICMP errors about it included. Fields `conn.…` are the same
//! for all frames of a connection.
//!
//! # Examples
//!
//! ```
//! use tcplens::filter::Filter;
//!
//! let filter = Filter::parse("tcp.port in {80, 443} && conn.rtt.p95 > 100ms")?;
//! let error = Filter::parse("tcp.prot == 80").unwrap_err();
//! assert_eq!((error.offset, error.len), (0, 8));
//! assert_eq!(error.to_string(), "there is no field tcp.prot; did you mean tcp.port?");
//! # Ok::<(), tcplens::filter::FilterError>(())
//! ```

mod analysis_fields;
mod ast;
mod before;
mod comparison;
mod compile;
mod complete;
mod connection_fields;
mod error;
mod field;
mod frame_fields;
mod grammar;
mod header_fields;
mod literal;
mod nearest;
mod program;
mod scan;
mod sieve;
mod survey;
mod tcp_fields;

use core::fmt;
use core::str::FromStr;

pub use before::Before;
pub use complete::{Completion, complete};
pub use error::FilterError;
pub use field::{Field, Kind, fields};
pub use scan::{Found, Scan, chosen};
pub use sieve::Sieve;

use crate::analysis::FrameView;
use crate::report::field::{Row, UdpRow};
use ast::Expr;
use field::{Moment, Of, Subject};
use program::Node;

/// What must be looked at to know whether a filter matches a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Its figures tell.
    Connection,
    /// For some connections its frames must be looked at: see [`Scan`].
    Frames,
}

/// A filter, compiled. It prints as it would be written.
#[derive(Clone, Debug)]
pub struct Filter {
    text: String,
    expr: Option<Expr>,
    node: Node,
    needs: Needs,
    asks_for: AsksFor,
}

/// What a filter's tests ask for.
#[derive(Clone, Copy, Debug, Default)]
struct AsksFor {
    verdicts: bool,
    figures: bool,
    deltas: bool,
    turns: bool,
}

impl Filter {
    /// Compiles an expression. An empty one (or spaces) matches everything.
    ///
    /// # Errors
    /// When it is none: where, why, and which name is nearest.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let expr = grammar::parse(text)?;
        let node = match &expr {
            Some(expr) => compile::Compiler::new(text).node(expr)?,
            None => Node::Always,
        };
        let mut asks_for = AsksFor::default();
        node.each_test(&mut |test| {
            let name = test.field.name();
            let verdict = name.starts_with("verdict.") || name.starts_with("tcp.analysis.");
            asks_for.verdicts |= verdict;
            asks_for.deltas |= matches!(name, "tcp.time_delta" | "udp.time_delta");
            asks_for.turns |=
                matches!(name, "tcp.analysis.ack_rtt" | "tcp.analysis.keep_alive_ack");
            asks_for.figures |= matches!(test.field.of, Of::Conversation(_));
        });
        Ok(Self {
            text: text.to_owned(),
            needs: match survey::is_always_decided(&node) {
                true => Needs::Connection,
                false => Needs::Frames,
            },
            expr,
            node,
            asks_for,
        })
    }

    /// What it was made from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches everything, because nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.expr.is_none()
    }

    /// What must be looked at to know whether it matches a connection.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Whether it asks for verdicts on frames: these are final only in a second reading.
    pub fn asks_for_verdicts(&self) -> bool {
        self.asks_for.verdicts
    }

    /// Whether it asks for figures of connections: of frames, these are final only in a second
    /// reading.
    pub fn asks_for_figures(&self) -> bool {
        self.asks_for.figures
    }

    fn asks_for_deltas(&self) -> bool {
        self.asks_for.deltas
    }

    fn asks_for_turns(&self) -> bool {
        self.asks_for.turns
    }

    /// Whether a frame matches. `before` is what went before it in the capture
    /// ([`Before::note`] each frame after asking). For final verdicts, pass them as `view.events`.
    /// Allocates nothing.
    #[inline]
    pub fn matches_frame(&self, view: &FrameView<'_>, before: &Before) -> bool {
        self.node.of_frame(&Moment { view, before })
    }

    /// Whether a connection matches: whether one of its frames would. `None` when its figures do
    /// not tell (only where [`needs`](Self::needs) says [`Needs::Frames`]).
    pub fn decide_connection(&self, row: &Row<'_>) -> Option<bool> {
        self.decide(Subject::Tcp(row))
    }

    /// The same of a UDP conversation.
    pub fn decide_conversation(&self, row: &UdpRow<'_>) -> Option<bool> {
        self.decide(Subject::Udp(row))
    }

    fn decide(&self, subject: Subject<'_>) -> Option<bool> {
        let answer = survey::decide(&self.node, subject);
        match self.needs {
            // What is left is whether ICMP errors about it match.
            Needs::Connection => Some(answer.unwrap_or(false)),
            Needs::Frames => answer,
        }
    }

    /// Whether a connection matches, by its figures, and where these do not tell, by what a
    /// [`Scan`] has found.
    pub fn matches_connection(&self, row: &Row<'_>, found: &Found) -> bool {
        self.decide_connection(row)
            .unwrap_or_else(|| found.has_tcp(row.view.id))
    }

    /// The same of a UDP conversation.
    pub fn matches_conversation(&self, row: &UdpRow<'_>, found: &Found) -> bool {
        self.decide_conversation(row)
            .unwrap_or_else(|| found.has_udp(row.conversation.id))
    }

    /// What its tests of figures answer, a bit each.
    fn answers(&self, subject: &Subject<'_>) -> u64 {
        let mut answers = 0;
        self.node.each_test(&mut |test| {
            let is_figure = matches!(test.field.of, Of::Conversation(_));
            if is_figure && test.number < before::MOST_ANSWERS && test.of_subject(subject) {
                answers |= 1 << test.number;
            }
        });
        answers
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.iter().try_for_each(|expr| expr.fmt(f))
    }
}

#[cfg(test)]
mod tests;
