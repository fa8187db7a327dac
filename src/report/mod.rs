//! A finished analysis for people, machines and pipes: one file per format.
//!
//! - [`text`] for people; [`json`] (and NDJSON) and [`csv`] for machines
//! - [`field`] every figure that machines get, with its meaning; [`select`] which rows, in which
//!   order; [`totals`] figures over all of them; [`story`] a connection in a few words
//! - [`tree`] all fields of one frame, with the bytes they stand in
//! - [`labels`] verdicts as tools that score them read them; [`versus_tshark`] where another tool
//!   differs; [`explain`] what rules and verdicts mean
//! - [`live`] what happens while it does: a line per event
//! - [`escape`], [`style`], [`units`] how things are printed
//!
//! Nothing here decides what is true of a capture; it only says it. Whatever comes from a packet
//! or a file goes through [`escape`] before it is printed for people.

pub mod csv;
pub mod escape;
pub mod explain;
pub mod field;
pub mod follow;
mod icmp;
pub mod json;
pub mod kernel_check;
pub mod labels;
pub mod ladder;
pub mod live;
pub mod packets;
pub mod select;
pub mod story;
pub mod stream_files;
pub mod style;
pub mod text;
pub mod totals;
pub mod tree;
pub mod units;
pub(crate) mod verdict;
pub mod versus_tshark;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::analysis::Analyzer;
use crate::tcp::Verdict;
use crate::tcp::congestion::Inferred;
use crate::time::Timestamp;

pub use select::{Found, Selection, Sort};

/// The frames and numbers that decided a verdict, in words; empty where nothing else did.
pub fn evidence(verdict: &Verdict) -> String {
    verdict::Evidence(verdict).to_string()
}

/// The congestion control that a flight shows, in words.
pub fn control(inferred: &Inferred) -> String {
    text::control(inferred)
}

/// The name and version of what machines are given. Fields may be added to a version; what is
/// there keeps its name and meaning.
pub const SCHEMA: &str = "tcplens/1";

/// Why an input was not read to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// The input's name.
    pub input: String,
    /// Byte offset at which reading stopped.
    pub offset: u64,
    /// The last good frame before it.
    pub after_frame: u64,
    /// What was wrong.
    pub reason: String,
    /// Whether it could not be opened at all.
    pub unopened: bool,
}

/// What is reported.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// The figures.
    pub analyzer: &'a Analyzer,
    /// The names of the inputs as the user gave them.
    pub inputs: &'a [String],
    /// What went wrong with them.
    pub problems: &'a [Problem],
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// The filter that chose the connections, as the user gave it.
    pub filter: Option<&'a str>,
    /// Which connections.
    pub selection: Selection<'a>,
}

impl<'a> Report<'a> {
    /// When the capture ended.
    pub fn end(&self) -> Timestamp {
        let capture = self.analyzer.capture();
        capture.now.or(capture.last).unwrap_or_default()
    }

    /// Whether frames were cut by the capture.
    pub fn is_cut(&self) -> bool {
        self.analyzer.capture().cut > 0
    }

    /// Names of addresses, from the capture.
    pub fn names(&self) -> &'a BTreeMap<IpAddr, String> {
        &self.analyzer.capture().names
    }
}
