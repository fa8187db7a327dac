//! TCP: the totals, and two lines a connection.

use std::io;

use super::Look;
use super::line::{Lines, left, right};
use crate::analysis::ConnectionView;
use crate::flow::{Slot, Socket};
use crate::report::Report;
use crate::report::escape::escaped;
use crate::report::select::{Sort, round_trip};
use crate::report::story;
use crate::report::style::Tone;
use crate::report::totals::{ENDINGS, Totals};
use crate::report::units::{bytes, counted, grouped, percent};
use crate::tcp::{Ending, Role};
use crate::time::Timestamp;

/// Columns of the figures at the right: duration, round trip, and bytes each way.
const FIGURES: [usize; 4] = [6, 6, 8, 8];

/// Columns the figures take together with the spaces before each.
const FIGURES_WIDTH: usize = FIGURES[0] + FIGURES[1] + FIGURES[2] + FIGURES[3] + 4;

/// Columns of the states.
const STATES: usize = 27;

pub(super) fn write(
    report: &Report<'_>,
    slots: &[Slot],
    totals: &Totals,
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    let mut label = "TCP";
    for text in summary(totals) {
        lines.labelled(label, Tone::Plain, &text)?;
        label = "";
    }
    if slots.is_empty() {
        return Ok(());
    }
    let largest = slots
        .iter()
        .filter_map(|&slot| report.analyzer.connection(slot, |view| view.id))
        .max()
        .unwrap_or(0);
    let id_width = largest.to_string().len().max(3);
    let margin = id_width + 3;
    lines.blank()?;
    let sockets = lines.list_width.saturating_sub(margin + FIGURES_WIDTH);
    let heading = format!(
        " {:>id_width$}  {}{}",
        "id",
        left("client → server", sockets),
        figures(["time", "rtt", "sent", "received"].map(str::to_owned))
    );
    lines.line(Tone::Heading, &heading)?;
    for &slot in slots {
        let written = report
            .analyzer
            .connection(slot, |view| connection(report, view, id_width, lines));
        written.transpose()?;
    }
    let shown = slots.len() as u64;
    if shown < totals.connections {
        let order = match report.selection.sort {
            Sort::Trouble if !report.selection.reverse => "the most troubled ",
            _ => "",
        };
        let text = format!(
            "{order}{} of {}; --top N or --top all shows more",
            grouped(shown),
            counted(totals.connections, "connection")
        );
        lines.blank()?;
        lines.labelled("", Tone::Quiet, &text)?;
    }
    Ok(())
}

fn figures(texts: [String; 4]) -> String {
    texts
        .iter()
        .zip(FIGURES)
        .map(|(text, width)| format!(" {}", right(text, width)))
        .collect()
}

fn summary(totals: &Totals) -> Vec<String> {
    if totals.connections == 0 {
        return vec!["no connections".to_owned()];
    }
    let [_, simultaneous, midstream] = totals.openings;
    let mut first = counted(totals.connections, "connection").to_string();
    let mut separator = ": ";
    for (ending, count) in ENDINGS.iter().zip(totals.endings) {
        if count > 0 {
            let name = match ending {
                Ending::Graceful => "closed",
                Ending::HalfClosed => "half-closed",
                Ending::Reset => "reset",
                Ending::Refused => "refused",
                Ending::TimedOut => "timed out",
                Ending::Open => "open at the end",
            };
            first += &format!("{separator}{} {name}", grouped(count));
            separator = ", ";
        }
    }
    let mut texts = vec![first];
    if midstream + simultaneous > 0 {
        let parts: Vec<_> = [
            (midstream, "began before the capture"),
            (simultaneous, "opened from both sides at once"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{} {words}", grouped(count)))
        .collect();
        texts.push(parts.join(", "));
    }
    texts.push(format!(
        "{}, {}, carrying {} of streams",
        counted(totals.packets, "segment"),
        bytes(totals.bytes),
        bytes(totals.stream_bytes)
    ));
    if totals.retransmissions > 0 {
        let mut text = format!(
            "{} ({} of all) in {}",
            counted(totals.retransmissions, "retransmission"),
            percent(totals.retransmissions, totals.packets),
            counted(totals.with_retransmissions, "connection")
        );
        let mut separator = ": ";
        for (count, words) in [
            (totals.timeouts, "by timer"),
            (totals.fast_retransmissions, "fast"),
            (totals.spurious, "needless"),
        ] {
            if count > 0 {
                text += &format!("{separator}{} {words}", grouped(count));
                separator = ", ";
            }
        }
        texts.push(text);
    }
    let others: Vec<_> = [
        (
            totals.reordered,
            "segment out of order",
            "segments out of order",
        ),
        (
            totals.duplicates,
            "duplicated segment",
            "duplicated segments",
        ),
        (totals.zero_windows, "zero window", "zero windows"),
        (
            totals.conflicts,
            "conflicting overlap",
            "conflicting overlaps",
        ),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, one, many)| format!("{} {}", grouped(count), if count == 1 { one } else { many }))
    .collect();
    if !others.is_empty() {
        texts.push(others.join(", "));
    }
    texts
}

/// A socket by the name its address has in the capture, or by number.
pub(super) fn socket(report: &Report<'_>, look: Look, socket: Socket) -> String {
    let name = report
        .names()
        .get(&socket.address.to_ip())
        .filter(|name| look.names && !name.is_empty());
    match name {
        Some(name) => format!("{}:{}", escaped(name), socket.port),
        None => socket.to_string(),
    }
}

/// Two sockets and figures: on one line where they fit, else the server's socket goes below.
pub(super) fn sockets_and_figures(
    start: &str,
    sockets: [String; 2],
    figures: &str,
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    let margin = start.chars().count();
    let room = lines
        .list_width
        .saturating_sub(margin + figures.chars().count());
    let [client, server] = sockets;
    let both = format!("{client} → {server}");
    let painted = lines.look.palette.paint(Tone::Heading, start).to_string();
    if both.chars().count() <= room {
        return lines.line(
            Tone::Plain,
            &format!("{painted}{}{figures}", left(&both, room)),
        );
    }
    let second = format!("{:margin$}→ {server}", "");
    if client.chars().count() <= room {
        lines.line(
            Tone::Plain,
            &format!("{painted}{}{figures}", left(&client, room)),
        )?;
        return lines.line(Tone::Plain, &second);
    }
    lines.line(Tone::Plain, &format!("{painted}{client}"))?;
    lines.line(Tone::Plain, &second)?;
    let text = format!("{:margin$}{:room$}{figures}", "", "");
    lines.line(Tone::Plain, &text)
}

fn connection(
    report: &Report<'_>,
    view: &ConnectionView<'_>,
    id_width: usize,
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    let end: Timestamp = report.end();
    let connection = view.connection;
    let start = format!(" {:>id_width$}  ", view.id);
    let margin = start.chars().count();
    let [client, server] = Role::BOTH.map(|role| &connection.endpoint(role).figures);
    let figures = figures([
        connection.duration().short().to_string(),
        round_trip(connection).map_or("-".to_owned(), |rtt| rtt.short().to_string()),
        bytes(client.stream_bytes).to_string(),
        bytes(server.stream_bytes).to_string(),
    ]);
    let look = lines.look;
    let sockets = Role::BOTH.map(|role| socket(report, look, view.socket(role)));
    sockets_and_figures(&start, sockets, &figures, lines)?;
    let [client, server] = Role::BOTH.map(|role| connection.state_at(role, end).name());
    let states = format!(
        "{:margin$}{}",
        "",
        left(&format!("{client} / {server}"), STATES)
    );
    lines.phrases(
        &states,
        margin + STATES,
        &story::tell(view, end, report.is_cut()),
    )
}
