//! For people: the capture and how far it can be trusted, the connections, the most troubled
//! first, then UDP, then what to do next. Made for 80 columns.
//!
//! ```text
//! Capture   shop.pcapng: pcapng, Ethernet
//!           412 frames, 52.1 kB in 5.02s
//! Trust     no sign of missed, cut or damaged frames
//!
//! TCP       21 connections …
//!
//!  id  client → server                               time    rtt     sent received
//!   3  10.0.0.1:52341 → 192.0.2.7:443               12.3s 4.21ms  1.23 MB   812 kB
//!      TIME-WAIT / CLOSED   closed by client, server resent 12 segments (3 by timer)
//! ```

mod capture;
mod close_up;
mod congestion;
mod line;
mod tcp;
mod udp;

use std::io::{self, Write};

use super::escape::escaped;
use super::style::{Palette, Tone};
use super::units::{counted, grouped};
use super::{Report, select};
use crate::analysis::{CloseUp, ConnectionView, ConversationView};
use crate::diagnosis::Finding;
use crate::flow::{Slot, Socket};
use crate::tcp::Role;

pub(super) use congestion::control;
pub(super) use line::{Lines, left, right, wrap};

/// How the text is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Colours.
    pub palette: Palette,
    /// Whether addresses that have names in the capture are shown by them.
    pub names: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            width: 80,
            palette: Palette::PLAIN,
            names: true,
        }
    }
}

/// How far the capture can be trusted, and what was wrong with it, by what was found: each in a
/// sentence or two, safe to print.
pub fn trust(report: &Report<'_>, findings: &[Finding]) -> Vec<(Tone, String)> {
    capture::doubts(report, findings)
}

/// Writes a report.
///
/// # Errors
/// When writing fails.
pub fn write(report: &Report<'_>, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let (slots, totals) = select::connections(report.analyzer, report.selection, report.end());
    let conversations = select::conversations(report.analyzer, report.selection);
    let list_width = list_width(report, &slots, &conversations, look);
    let mut lines = Lines {
        look,
        list_width,
        out,
    };
    capture::write(report, &mut lines)?;
    lines.blank()?;
    if let Some(filter) = report.filter {
        filtered(report, filter, &mut lines)?;
        lines.blank()?;
    }
    tcp::write(report, &slots, &totals, &mut lines)?;
    if !conversations.is_empty() {
        lines.blank()?;
        udp::write(report, &conversations, &mut lines)?;
    }
    let mut label = "Next";
    for command in next(report, &slots) {
        if !label.is_empty() {
            lines.blank()?;
        }
        lines.unbroken(label, Tone::Heading, &command)?;
        label = "";
    }
    Ok(())
}

/// Which filter chose how many of what is there.
fn filtered(report: &Report<'_>, filter: &str, lines: &mut Lines<'_>) -> io::Result<()> {
    let Some(only) = report.selection.only else {
        return Ok(());
    };
    let of =
        |some: usize, all: u32, noun| format!("{} of {}", grouped(some as u64), counted(all, noun));
    let analyzer = report.analyzer;
    let mut matches = of(only.tcp().count(), analyzer.tcp_seen(), "connection");
    if analyzer.udp_seen() > 0 {
        matches += &format!(
            ", {}",
            of(only.udp().count(), analyzer.udp_seen(), "UDP conversation")
        );
    }
    lines.labelled("Filter", Tone::Plain, &escaped(filter).to_string())?;
    lines.labelled("", Tone::Plain, &matches)
}

/// Writes one connection in full.
///
/// # Errors
/// When writing fails.
pub fn write_close_up(
    report: &Report<'_>,
    close_up: &CloseUp,
    view: &ConnectionView<'_>,
    look: Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut lines = Lines {
        look,
        list_width: look.width,
        out,
    };
    close_up::write(report, close_up, view, &mut lines)
}

/// Columns of the lists: no wider than what is in them, for on a wide terminal figures would stand
/// far away from what they belong to.
fn list_width(
    report: &Report<'_>,
    slots: &[Slot],
    conversations: &[ConversationView<'_>],
    look: Look,
) -> usize {
    /// Columns of numbers and figures on both sides of the sockets.
    const BESIDE: usize = 45;
    let least = Look::default().width;
    if look.width <= least {
        return look.width;
    }
    let width = |sockets: [Socket; 2]| {
        let [client, server] = sockets.map(|each| tcp::socket(report, look, each));
        client.chars().count() + server.chars().count() + " → ".chars().count()
    };
    let connections = slots.iter().filter_map(|&slot| {
        report
            .analyzer
            .connection(slot, |view| width(Role::BOTH.map(|role| view.socket(role))))
    });
    let conversations = conversations.iter().map(|one| width(one.sockets));
    let widest = connections.chain(conversations).max().unwrap_or(0);
    (widest + BESIDE).clamp(least, look.width)
}

/// What to type to see more of the first connection shown: in full, drawn, and what it carried if
/// it carried anything.
fn next(report: &Report<'_>, slots: &[Slot]) -> Vec<String> {
    let first = slots.first().and_then(|&slot| {
        report.analyzer.connection(slot, |view| {
            let ends = Role::BOTH.map(|role| view.connection.endpoint(role));
            (view.id, ends.iter().any(|end| end.figures.stream_bytes > 0))
        })
    });
    let Some((id, carried)) = first else {
        return Vec::new();
    };
    let inputs: Option<Vec<_>> = report
        .inputs
        .iter()
        .map(|input| shell_word(input))
        .collect();
    let inputs = inputs
        .map(|inputs| inputs.join(" "))
        .filter(|inputs| report.inputs.len() <= 3 && inputs != "-")
        .unwrap_or_else(|| "FILE".to_owned());
    let mut commands = vec![
        format!("tcplens analyze {inputs} --connection {id}"),
        format!("tcplens ladder {inputs} {id}"),
    ];
    if carried {
        commands.push(format!("tcplens follow {inputs} {id}"));
    }
    commands
}

/// A word as a shell takes it; nothing for what can't be printed.
fn shell_word(word: &str) -> Option<String> {
    let harmless = |char: char| char.is_ascii_alphanumeric() || "/._-+,:@%=".contains(char);
    if !word.chars().all(super::escape::is_plain) {
        return None;
    }
    if !word.is_empty() && word.chars().all(harmless) {
        return Some(word.to_owned());
    }
    Some(format!("'{}'", word.replace('\'', r"'\''")))
}
