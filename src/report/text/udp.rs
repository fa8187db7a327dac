//! UDP: one line a conversation, and a second where there is something to say.

use std::io;

use super::line::{Lines, left, right};
use super::tcp::{socket, sockets_and_figures};
use crate::analysis::ConversationView;
use crate::report::Report;
use crate::report::story::Phrase;
use crate::report::style::Tone;
use crate::report::units::{bytes, counted, grouped};
use crate::tcp::Role;

/// Columns of the figures at the right: duration, datagrams, and bytes each way.
const FIGURES: [usize; 4] = [6, 9, 8, 8];

pub(super) fn write(
    report: &Report<'_>,
    conversations: &[ConversationView<'_>],
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    let seen = u64::from(report.analyzer.udp_seen()) - report.analyzer.evicted().conversations;
    let text = counted(seen, "conversation").to_string();
    lines.labelled("UDP", Tone::Plain, &text)?;
    lines.blank()?;
    let largest = conversations.iter().map(|one| one.id).max().unwrap_or(0);
    let id_width = largest.to_string().len().max(3);
    let figures = |texts: [String; 4]| -> String {
        let padded = texts.iter().zip(FIGURES);
        padded
            .map(|(text, width)| format!(" {}", right(text, width)))
            .collect()
    };
    let heading = figures(["time", "datagrams", "sent", "received"].map(str::to_owned));
    let start = format!(" {:>id_width$}  ", "id");
    let room = lines
        .list_width
        .saturating_sub(start.len() + heading.chars().count());
    let heading = format!("{start}{}{heading}", left("client → server", room));
    lines.line(Tone::Heading, &heading)?;
    for conversation in conversations {
        let start = format!(" {:>id_width$}  ", conversation.id);
        let [sent, received] = conversation.packets;
        let figures = figures([
            conversation.duration().short().to_string(),
            format!("{}/{}", grouped(sent), grouped(received)),
            bytes(conversation.payload_bytes[Role::Client as usize]).to_string(),
            bytes(conversation.payload_bytes[Role::Server as usize]).to_string(),
        ]);
        let look = lines.look;
        let sockets = conversation.sockets.map(|each| socket(report, look, each));
        sockets_and_figures(&start, sockets, &figures, lines)?;
        if let Some(words) = conversation.icmp_words() {
            let tone = Tone::Bad;
            let text = match conversation.icmp_errors {
                1 => format!("ICMP: {words}"),
                errors => format!("ICMP: {words} ({} times)", grouped(errors)),
            };
            let indent = start.len();
            lines.phrases(&" ".repeat(indent), indent, &[Phrase { tone, text }])?;
        }
    }
    let shown = conversations.len() as u64;
    if shown < seen {
        let text = format!(
            "{} of {}; --top N or --top all shows more",
            grouped(shown),
            counted(seen, "conversation")
        );
        lines.blank()?;
        lines.labelled("", Tone::Quiet, &text)?;
    }
    Ok(())
}
