//! A connection in a few words: how it ended, and what troubled it.

use super::style::Tone;
use super::units::{bytes, counted, grouped};
use crate::analysis::ConnectionView;
use crate::tcp::{Closer, Connection, Ending, Opening, Role, State};
use crate::time::{Span, Timestamp};

/// A few words, and how much they matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// How much.
    pub tone: Tone,
    /// The words.
    pub text: String,
}

fn phrase(tone: Tone, text: impl Into<String>) -> Phrase {
    let text = text.into();
    Phrase { tone, text }
}

/// What there is to say of a connection, what matters most first. In a capture with frames `cut`,
/// missing bytes are no news.
pub fn tell(view: &ConnectionView<'_>, end: Timestamp, cut: bool) -> Vec<Phrase> {
    let connection = view.connection;
    let mut story = vec![ended(connection, end)];
    let ends = Role::BOTH.map(|role| (role, connection.endpoint(role)));
    for (role, endpoint) in ends {
        let figures = &endpoint.figures;
        if figures.retransmissions > 0 {
            story.push(resent(connection, role));
        }
        if endpoint.window.zero_count > 0 {
            let zero = endpoint.window.zero_time_until(connection.last_time);
            let (role, zero) = (role.name(), zero.short());
            let text = format!("{role}'s window zero for {zero}");
            story.push(phrase(Tone::Warning, text));
        }
        if figures.conflicts > 0 {
            let text = format!(
                "{role} repeated {} with other bytes",
                counted(figures.conflicts, "segment")
            );
            story.push(phrase(Tone::Bad, text));
        }
        if figures.missing_bytes > 0 {
            let missing = bytes(figures.missing_bytes);
            let text = format!("{missing} from {role} not in the capture");
            story.push(phrase(if cut { Tone::Quiet } else { Tone::Warning }, text));
        }
        if figures.illegal > 0 {
            let text = format!(
                "{role} met {} out of its state",
                counted(figures.illegal, "segment")
            );
            story.push(phrase(Tone::Warning, text));
        }
    }
    let sum = |of: fn(&crate::tcp::Figures) -> u32| -> u64 {
        ends.iter()
            .map(|(_, end)| u64::from(of(&end.figures)))
            .sum()
    };
    for (count, words) in [
        (sum(|figures| figures.reordered), "out of order"),
        (sum(|figures| figures.duplicates), "duplicated on the way"),
        (
            sum(|figures| figures.congestion_experienced),
            "marked by ECN",
        ),
    ] {
        if count > 0 {
            let text = format!("{} {words}", counted(count, "segment"));
            story.push(phrase(Tone::Plain, text));
        }
    }
    let keep_alives = sum(|figures| figures.keep_alives);
    if keep_alives > 0 {
        let text = counted(keep_alives, "keep-alive").to_string();
        story.push(phrase(Tone::Quiet, text));
    }
    if connection.icmp_errors > 0 && connection.ending(end) != Ending::Refused {
        let words = connection.icmp_words().unwrap_or_default();
        story.push(phrase(Tone::Warning, format!("ICMP: {words}")));
    }
    story.extend(seen(connection, ends.map(|(_, end)| end.figures.packets)));
    story.sort_by_key(|phrase| core::cmp::Reverse(phrase.tone));
    story
}

/// What of it the capture shows.
fn seen(connection: &Connection, packets: [u64; 2]) -> Vec<Phrase> {
    let mut story = Vec::new();
    if connection.simultaneous_open {
        story.push(phrase(Tone::Plain, "simultaneous open"));
    }
    if connection.reuses_ports {
        story.push(phrase(Tone::Plain, "ports used again"));
    }
    if connection.opening() == Opening::Midstream {
        story.push(phrase(Tone::Quiet, "began before the capture"));
    }
    match packets {
        [0, _] => story.push(phrase(Tone::Warning, "only the server was captured")),
        [_, 0] if connection.endpoint(Role::Client).state != State::SynSent => {
            story.push(phrase(Tone::Warning, "only the client was captured"));
        }
        _ => {}
    }
    story
}

/// How it ended.
fn ended(connection: &Connection, end: Timestamp) -> Phrase {
    let by = match connection.closer() {
        Some(Closer::One(role)) => format!(" by {role}"),
        Some(Closer::Both) => " by both at once".to_owned(),
        None => String::new(),
    };
    match connection.ending(end) {
        Ending::Graceful => {
            let after = match connection.reset {
                Some(reset) => format!(", then reset by {}", reset.from),
                None => String::new(),
            };
            phrase(Tone::Quiet, format!("closed{by}{after}"))
        }
        Ending::HalfClosed => phrase(Tone::Plain, format!("half-closed{by}")),
        Ending::Reset => {
            let by = connection.reset.map_or(String::new(), |reset| {
                let after = if connection.closer() == Some(Closer::One(reset.from.peer())) {
                    format!(" after {} closed", reset.from.peer())
                } else {
                    String::new()
                };
                format!(" by {}{after}", reset.from)
            });
            phrase(Tone::Bad, format!("reset{by}"))
        }
        Ending::Refused => {
            let by = match (connection.reset, connection.icmp_words()) {
                (Some(reset), _) => format!(" by {}", reset.from),
                (None, Some(words)) => format!(" (ICMP: {words})"),
                (None, None) => String::new(),
            };
            phrase(Tone::Bad, format!("refused{by}"))
        }
        Ending::TimedOut => phrase(Tone::Bad, unanswered(connection)),
        Ending::Open if is_only_syns(connection) => phrase(Tone::Bad, unanswered(connection)),
        Ending::Open => phrase(Tone::Quiet, "still open"),
    }
}

/// Whether all that was seen is SYNs of the client.
fn is_only_syns(connection: &Connection) -> bool {
    connection.endpoint(Role::Client).state == State::SynSent
        && connection.endpoint(Role::Server).figures.packets == 0
}

fn unanswered(connection: &Connection) -> String {
    if is_only_syns(connection) {
        return match connection.handshake.syns {
            0 | 1 => "SYN not answered".to_owned(),
            syns => format!("{} SYNs not answered", grouped(syns)),
        };
    }
    let silent = Role::BOTH
        .into_iter()
        .max_by_key(|role| connection.endpoint(role.peer()).last_sent);
    let silent = silent.unwrap_or(Role::Server);
    format!("timed out: {silent} fell silent")
}

/// Who sent again, and why.
fn resent(connection: &Connection, role: Role) -> Phrase {
    let figures = &connection.endpoint(role).figures;
    let of = [
        (figures.timeouts, "by timer"),
        (figures.fast_retransmissions, "fast"),
        (figures.spurious, "needless"),
    ];
    let of: Vec<_> = of
        .into_iter()
        .filter(|&(count, _)| count > 0)
        .map(|(count, word)| {
            if count == figures.retransmissions {
                word.to_owned()
            } else {
                format!("{} {word}", grouped(count))
            }
        })
        .collect();
    let of = if of.is_empty() {
        String::new()
    } else {
        format!(" ({})", of.join(", "))
    };
    let count = grouped(figures.retransmissions);
    phrase(Tone::Warning, format!("{role} resent {count}{of}"))
}

/// Where the capture was made, by the halves of the handshake.
pub fn tap_place(client_half: Span, server_half: Span) -> Option<&'static str> {
    /// Below this both hosts are as good as one.
    const NEAR: i64 = 100_000;
    let (client, server) = (client_half.as_nanos(), server_half.as_nanos());
    if client.max(server) < NEAR || client < 0 || server < 0 {
        None
    } else if client < server / 4 {
        Some("captured near the client")
    } else if server < client / 4 {
        Some("captured near the server")
    } else {
        Some("captured between the two")
    }
}
