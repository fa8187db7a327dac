//! One connection in full: both hosts side by side, their states over time, what happened.

use std::collections::BTreeSet;
use std::io;

use super::capture::utc;
use super::line::{Lines, left, right, wrap};
use crate::analysis::{CloseUp, ConnectionView};
use crate::report::Report;
use crate::report::escape::escaped;
use crate::report::explain;
use crate::report::select::round_trip;
use crate::report::story::{self, tap_place};
use crate::report::style::Tone;
use crate::report::units::{bytes, counted, grouped};
use crate::report::verdict::Evidence;
use crate::tcp::Rule;
use crate::tcp::recovery::{Episode, Exit};
use crate::tcp::verdict::Confidence;
use crate::tcp::window::Scale;
use crate::tcp::{Endpoint, Event, Kind, Role, State, Verdict, What};
use crate::time::{Span, Timestamp};

/// Columns of what the two columns of figures are called, and of each.
const NAME: usize = 22;
const COLUMN: usize = 28;

/// Columns of frame number and time in the lists.
const FRAME: usize = 8;
const TIME: usize = 12;

/// Columns before what happened.
const MARGIN: usize = FRAME + TIME + 2 + 8;

pub(super) fn write(
    report: &Report<'_>,
    close_up: &CloseUp,
    view: &ConnectionView<'_>,
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    head(report, close_up, view, lines)?;
    lines.blank()?;
    figures(report, close_up, view, lines)?;
    super::congestion::write(view, lines)?;
    lines.blank()?;
    timeline(close_up, view, lines)?;
    lines.blank()?;
    recoveries(close_up, view, lines)?;
    events(close_up, view, lines)
}

fn head(
    report: &Report<'_>,
    close_up: &CloseUp,
    view: &ConnectionView<'_>,
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    let connection = view.connection;
    let end = report.end();
    let seen = report.analyzer.tcp_seen();
    let title = format!("TCP connection {} of {}", view.id, grouped(seen));
    lines.line(Tone::Heading, &title)?;
    for role in Role::BOTH {
        let socket = view.socket(role);
        let name = report.names().get(&socket.address.to_ip());
        let mut text = socket.to_string();
        if let Some(name) = name.filter(|_| lines.look.names) {
            text += &format!(" ({})", escaped(name));
        }
        if role == Role::Client && connection.client_is_guessed {
            text += ", the client by a guess: no SYN was seen";
        }
        lines.labelled(role.name(), Tone::Plain, &text)?;
    }
    let mut around = Vec::new();
    for vlan in &close_up.vlans {
        around.push(format!("VLAN {vlan}"));
    }
    if let Some(tunnel) = &close_up.tunnel {
        let id = if tunnel.id == 0 {
            String::new()
        } else {
            format!(" {}", tunnel.id)
        };
        around.push(format!(
            "{}{id} tunnel between {} and {}",
            tunnel.kind.name(),
            tunnel.source.to_ip(),
            tunnel.destination.to_ip()
        ));
    }
    if !around.is_empty() {
        lines.labelled("in", Tone::Plain, &around.join(", "))?;
    }
    let when = format!(
        "{} UTC, {} in {}, frames {} to {}",
        utc(connection.first_time),
        counted(close_up.frames, "frame"),
        connection.duration().short(),
        grouped(connection.first_frame),
        grouped(close_up.last_frame),
    );
    lines.labelled("when", Tone::Plain, &when)?;
    lines.labelled("opening", Tone::Plain, &opening(view))?;
    let mut label = "in short";
    for phrase in story::tell(view, end, report.is_cut()) {
        lines.labelled(label, phrase.tone.max(Tone::Plain), &phrase.text)?;
        label = "";
    }
    Ok(())
}

fn opening(view: &ConnectionView<'_>) -> String {
    let handshake = &view.connection.handshake;
    let mut text = view.connection.opening().name().to_owned();
    match (handshake.client_half(), handshake.server_half()) {
        (Some(client), Some(server)) => {
            text += &format!(
                ", handshake in {} ({} to the server and back, {} to the client and back)",
                (client + server).short(),
                server.short(),
                client.short()
            );
            if let Some(place) = tap_place(client, server) {
                text += &format!(": {place}");
            }
        }
        (None, Some(server)) => {
            text += &format!(", SYN-ACK after {}", server.short());
        }
        (Some(client), None) => {
            text += &format!(", {} to the client and back", client.short());
        }
        (None, None) => {}
    }
    if handshake.syns > 1 || handshake.syn_acks > 1 {
        text += &format!(
            "; {}, {}",
            counted(handshake.syns, "SYN"),
            counted(handshake.syn_acks, "SYN-ACK")
        );
    }
    text
}

/// One row of figures; left out when neither host has anything to say.
type Figure = (&'static str, fn(&Shown<'_>) -> Option<String>);

/// An endpoint to be shown.
struct Shown<'a> {
    endpoint: &'a Endpoint,
    state: State,
    last: Timestamp,
}

fn some(count: impl Into<u64>) -> Option<String> {
    let count = count.into();
    (count > 0).then(|| grouped(count).to_string())
}

fn size(count: u64) -> Option<String> {
    Some(match count {
        0..1000 => bytes(count).to_string(),
        _ => format!("{} ({})", grouped(count), bytes(count)),
    })
}

const FIGURES: &[Figure] = &[
    ("state", |s| {
        let mark = if s.endpoint.is_tentative() { " ?" } else { "" };
        Some(format!("{}{mark}", s.state))
    }),
    ("ISN", |s| s.endpoint.isn().map(|isn| isn.0.to_string())),
    ("MSS", |s| Some(s.endpoint.syn?.mss?.to_string())),
    ("window scale", |s| {
        let offered = s.endpoint.syn?.window_scale;
        Some(match (offered, s.endpoint.window.scale) {
            (Some(offered), Scale::Known(shift)) if offered == shift => {
                format!("{shift} (x{})", 1_u32 << shift.min(14))
            }
            (Some(offered), Scale::Known(shift)) => format!("{shift} ({offered} offered)"),
            (Some(offered), Scale::Unknown) => format!("{offered} offered"),
            (None, _) => "none".to_owned(),
        })
    }),
    ("SACK", |s| Some(yes(s.endpoint.syn?.sack_permitted))),
    ("timestamps", |s| Some(yes(s.endpoint.syn?.timestamps))),
    ("other options", |s| {
        let syn = s.endpoint.syn?;
        let names: Vec<_> = syn.others.names().chain(syn.ecn.then_some("ecn")).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }),
    ("TTL", |s| {
        (s.endpoint.figures.packets > 0).then(|| s.endpoint.ttl.to_string())
    }),
    ("packets", |s| {
        Some(grouped(s.endpoint.figures.packets).to_string())
    }),
    ("bytes on the wire", |s| size(s.endpoint.figures.bytes)),
    ("segments with data", |s| {
        some(s.endpoint.figures.data_packets)
    }),
    ("stream bytes", |s| size(s.endpoint.figures.stream_bytes)),
    ("not in the capture", |s| {
        let missing = s.endpoint.figures.missing_bytes;
        (missing > 0).then(|| bytes(missing).to_string())
    }),
    ("most in flight", |s| {
        let most = s.endpoint.figures.max_in_flight;
        (most > 0).then(|| bytes(most).to_string())
    }),
    ("window", |s| {
        let window = &s.endpoint.window;
        let unknown = match window.scale {
            Scale::Unknown => " (unscaled)",
            Scale::Known(_) => "",
        };
        let min = window.min?;
        Some(if min == window.max {
            format!("{}{unknown}", grouped(min))
        } else {
            format!("{} to {}{unknown}", grouped(min), grouped(window.max))
        })
    }),
    ("window zero", |s| {
        let window = &s.endpoint.window;
        (window.zero_count > 0).then(|| {
            let time = window.zero_time_until(s.last);
            let count = window.zero_count;
            format!("{}, {}", counted(count, "time"), time.short())
        })
    }),
    ("filled peer's window", |s| {
        some(s.endpoint.figures.window_full)
    }),
    ("window probes", |s| some(s.endpoint.figures.window_probes)),
    ("keep-alives", |s| some(s.endpoint.figures.keep_alives)),
    ("sent out of order", |s| some(s.endpoint.figures.reordered)),
    ("duplicated", |s| some(s.endpoint.figures.duplicates)),
    ("gaps", |s| some(s.endpoint.figures.gaps)),
    ("conflicting overlaps", |s| {
        some(s.endpoint.figures.conflicts)
    }),
    ("duplicate ACKs", |s| {
        some(s.endpoint.figures.duplicate_acks)
    }),
    ("DSACKs", |s| some(s.endpoint.figures.dsacks)),
    ("ACKs of unseen bytes", |s| {
        some(s.endpoint.figures.acks_unseen)
    }),
    ("ECN echoes", |s| some(s.endpoint.figures.ecn_echoes)),
    ("marked CE", |s| {
        some(s.endpoint.figures.congestion_experienced)
    }),
    ("resets", |s| some(s.endpoint.figures.resets)),
    ("out of its state", |s| some(s.endpoint.figures.illegal)),
    ("round trip from tap", |s| {
        let rtt = s.endpoint.rtt.figures()?;
        Some(format!(
            "{} min, {} median",
            rtt.min.short(),
            rtt.p50.short()
        ))
    }),
    ("", |s| {
        let rtt = s.endpoint.rtt.figures()?;
        Some(format!(
            "{} p95, {}",
            rtt.p95.short(),
            counted(rtt.count, "sample")
        ))
    }),
];

fn yes(there: bool) -> String {
    if there { "yes" } else { "no" }.to_owned()
}

fn figures(
    report: &Report<'_>,
    close_up: &CloseUp,
    view: &ConnectionView<'_>,
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    let connection = view.connection;
    let shown = Role::BOTH.map(|role| Shown {
        endpoint: connection.endpoint(role),
        state: connection.state_at(role, report.end()),
        last: connection.last_time,
    });
    let heading = format!("{:NAME$}{}server", "", left("client", COLUMN));
    lines.line(Tone::Heading, &heading)?;
    for (name, of) in FIGURES {
        let [client, server] = [0, 1].map(|at| of(&shown[at]));
        row(name, client, server, lines)?;
        if *name == "most in flight" {
            retransmissions(close_up, &shown, lines)?;
        }
    }
    if let Some(rtt) = round_trip(connection) {
        row(
            "round trip",
            Some(format!("{} at least", rtt.short())),
            None,
            lines,
        )?;
    }
    if shown.iter().any(|each| each.endpoint.is_tentative()) {
        let text = "? whether it received the last SYN or FIN to it does not show";
        lines.line(Tone::Quiet, text)?;
    }
    Ok(())
}

fn row(
    name: &str,
    client: Option<String>,
    server: Option<String>,
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    if client.is_none() && server.is_none() {
        return Ok(());
    }
    let [client, server] = [client, server].map(|text| text.unwrap_or_else(|| "-".to_owned()));
    let text = format!("{}{} {server}", left(name, NAME), left(&client, COLUMN - 1));
    lines.line(Tone::Plain, &text)
}

/// How often each sent again, and why.
fn retransmissions(
    close_up: &CloseUp,
    shown: &[Shown<'_>; 2],
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    let [client, server] = shown.each_ref().map(|each| {
        let figures = &each.endpoint.figures;
        (figures.retransmissions > 0).then(|| {
            let size = bytes(figures.retransmitted_bytes);
            format!("{}, {size}", counted(figures.retransmissions, "segment"))
        })
    });
    row("sent again", client, server, lines)?;
    let by_role = Role::BOTH.map(|role| close_up.retransmissions(role).collect::<Vec<_>>());
    let mut triggers = Vec::new();
    for (trigger, _) in by_role.iter().flatten() {
        if !triggers.contains(trigger) {
            triggers.push(*trigger);
        }
    }
    for trigger in triggers {
        let name = match trigger {
            Some(trigger) => format!("  {}", trigger.name()),
            None => "  unknown trigger".to_owned(),
        };
        let [client, server] = by_role.each_ref().map(|counts| {
            let (_, counts) = counts.iter().find(|(each, _)| *each == trigger)?;
            let needs: Vec<_> = [
                (counts.needed, "needed"),
                (counts.spurious, "needless"),
                (counts.unknown, "unclear"),
            ]
            .into_iter()
            .filter(|&(count, _)| count > 0)
            .map(|(count, word)| format!("{} {word}", grouped(count)))
            .collect();
            let mut text = grouped(counts.total()).to_string();
            if counts.unknown < counts.total() {
                text += &format!(" ({})", needs.join(", "));
            }
            Some(text)
        });
        row(&name, client, server, lines)?;
    }
    Ok(())
}

/// Time since the connection's first frame.
fn since(view: &ConnectionView<'_>, time: Timestamp) -> String {
    let span: Span = time - view.connection.first_time;
    let text = span.to_string();
    text.get(..text.len().saturating_sub(3))
        .unwrap_or(&text)
        .to_owned()
}

fn timeline(
    close_up: &CloseUp,
    view: &ConnectionView<'_>,
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    const STATE: usize = 14;
    let heading = format!(
        "{}{}  {}{}because",
        right("frame", FRAME),
        right("time", TIME),
        left("client", STATE),
        left("server", STATE)
    );
    lines.line(Tone::Heading, "States")?;
    if close_up.timeline.is_empty() {
        return lines.line(Tone::Quiet, &format!("{:FRAME$}no changes seen", ""));
    }
    lines.line(Tone::Heading, &heading)?;
    let mut states = Role::BOTH.map(|role| {
        let first = close_up.timeline.iter().find_map(|event| match event.what {
            What::State {
                endpoint, before, ..
            } if endpoint == role => Some(before),
            _ => None,
        });
        first.unwrap_or(view.connection.endpoint(role).state)
    });
    for changes in close_up.timeline.chunk_by(|a, b| a.frame == b.frame) {
        let mut causes = Vec::new();
        for event in changes {
            if let What::State {
                endpoint,
                after,
                cause,
                ..
            } = event.what
            {
                if let Some(state) = states.get_mut(endpoint as usize) {
                    *state = after;
                }
                causes.push((endpoint, cause));
            }
        }
        let Some(event) = changes.first() else {
            continue;
        };
        // What a host sent says more than that the other received it, and what the frame's
        // receiver did more than what its sender must have received before.
        let sent = causes
            .iter()
            .find(|(_, cause)| cause.words().starts_with("sent "));
        let received = causes.iter().find(|(who, _)| *who != event.from);
        let Some((who, cause)) = sent.or(received).or(causes.first()) else {
            continue;
        };
        let [client, server] = states;
        let text = format!(
            "{}{}  {}{}{who} {cause}",
            right(grouped(event.frame), FRAME),
            right(since(view, event.time), TIME),
            left(client.name(), STATE),
            left(server.name(), STATE),
        );
        lines.line(Tone::Plain, &text)?;
    }
    Ok(())
}

/// A line of a list: frame, time, who, and text wrapped beside them.
fn put(
    lines: &mut Lines<'_>,
    view: &ConnectionView<'_>,
    frame: u64,
    time: Timestamp,
    from: &str,
    tone: Tone,
    text: &str,
) -> io::Result<()> {
    // What was left at the end was shown by no frame.
    let frame = match frame {
        0 => "end".to_owned(),
        frame => grouped(frame).to_string(),
    };
    let mut start = format!(
        "{}{}  {}",
        right(frame, FRAME),
        right(since(view, time), TIME),
        left(from, 8)
    );
    for part in wrap(text, lines.look.width.saturating_sub(MARGIN)) {
        let part = lines.look.palette.paint(tone, part);
        writeln!(lines.out, "{start}{part}")?;
        start = " ".repeat(MARGIN);
    }
    Ok(())
}

/// The recoveries of both, if there were any.
fn recoveries(
    close_up: &CloseUp,
    view: &ConnectionView<'_>,
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    if close_up.episodes.is_empty() {
        return Ok(());
    }
    lines.line(Tone::Heading, "Recoveries")?;
    let heading = format!(
        "{}{}  who     what",
        right("frame", FRAME),
        right("time", TIME)
    );
    lines.line(Tone::Heading, &heading)?;
    for episode in &close_up.episodes {
        let tone = if episode.timeouts > 0 {
            Tone::Warning
        } else {
            Tone::Plain
        };
        let who = episode.sender.name();
        let text = recovery(episode);
        put(
            lines,
            view,
            episode.first_frame,
            episode.began,
            who,
            tone,
            &text,
        )?;
    }
    if close_up.episodes_dropped > 0 {
        let text = format!(
            "… and {} more (--events 0 shows all)",
            grouped(close_up.episodes_dropped)
        );
        lines.line(Tone::Quiet, &format!("{:MARGIN$}{text}", ""))?;
    }
    lines.blank()
}

/// An episode in words.
fn recovery(episode: &Episode) -> String {
    let exit = match episode.exit {
        Exit::Acknowledged => "all was acknowledged",
        Exit::Undone => "it proved needless",
        Exit::TimedOut => "a timeout began another",
        Exit::IntoFast => "a fast recovery followed",
        Exit::Cut => "it did not end",
    };
    let until = match episode.last_frame {
        0 => String::new(),
        frame => format!(" to frame {}", grouped(frame)),
    };
    let mut text = format!(
        "{}, {}{until}: {}, {} of {} in flight",
        episode.trigger.name(),
        episode.lasted.short(),
        counted(episode.retransmissions, "retransmission"),
        bytes(episode.octets),
        bytes(episode.flight)
    );
    if episode.spurious > 0 && episode.exit != Exit::Undone {
        text += &format!(", {} needless", grouped(episode.spurious));
    }
    if episode.timeouts > 0 {
        text += &format!(", {}", counted(episode.timeouts, "timeout"));
    }
    format!("{text}; {exit}")
}

fn events(close_up: &CloseUp, view: &ConnectionView<'_>, lines: &mut Lines<'_>) -> io::Result<()> {
    lines.line(Tone::Heading, "Events")?;
    if close_up.events.is_empty() && close_up.icmp.is_empty() && close_up.events_dropped == 0 {
        return lines.line(Tone::Quiet, &format!("{:FRAME$}none", ""));
    }
    let heading = format!(
        "{}{}  from    what",
        right("frame", FRAME),
        right("time", TIME)
    );
    lines.line(Tone::Heading, &heading)?;
    let mut rules = BTreeSet::new();
    let mut icmp = close_up.icmp.iter().peekable();
    for event in &close_up.events {
        while let Some(error) = icmp.next_if(|error| error.frame < event.frame) {
            let text = format!("ICMP: {}", error.words);
            let about = format!("({})", error.about);
            put(
                lines,
                view,
                error.frame,
                error.time,
                &about,
                Tone::Bad,
                &text,
            )?;
        }
        let (tone, text) = words(event, close_up);
        let from = event.from.name();
        put(lines, view, event.frame, event.time, from, tone, &text)?;
        if let What::Verdict(verdict) | What::Revised { after: verdict, .. } = &event.what {
            rules.extend(verdict.rules().map(place));
        }
    }
    for error in icmp {
        let text = format!("ICMP: {}", error.words);
        put(lines, view, error.frame, error.time, "", Tone::Bad, &text)?;
    }
    if close_up.events_dropped > 0 {
        let text = format!(
            "… and {} more (--events 0 shows all)",
            grouped(close_up.events_dropped)
        );
        lines.line(Tone::Quiet, &format!("{:MARGIN$}{text}", ""))?;
    }
    if rules.is_empty() {
        return Ok(());
    }
    lines.blank()?;
    lines.line(Tone::Heading, "Rules")?;
    for rule in rules.into_iter().filter_map(|at| Rule::ALL.get(at)) {
        explain::beside(lines, *rule, rule.says())?;
    }
    Ok(())
}

/// A rule's place in [`Rule::ALL`].
fn place(rule: Rule) -> usize {
    rule as usize
}

/// An event in words.
fn words(event: &Event, close_up: &CloseUp) -> (Tone, String) {
    match &event.what {
        What::State {
            endpoint,
            before,
            after,
            cause,
        } => (
            Tone::Plain,
            format!("{endpoint} {before} to {after}: {cause}"),
        ),
        What::Illegal {
            endpoint,
            state,
            stimulus,
        } => (
            Tone::Warning,
            format!("unexpected: {endpoint} in {state} {stimulus}"),
        ),
        What::GapGivenUp {
            stream,
            offset,
            len,
        } => (
            Tone::Warning,
            format!(
                "{} of the {stream}'s stream at offset {} never captured",
                counted(*len, "byte"),
                grouped(*offset)
            ),
        ),
        What::Verdict(verdict) => {
            let mut text = judged(verdict);
            for earlier in close_up.earlier(event.frame, verdict) {
                let until = match earlier.by {
                    0 => "the end".to_owned(),
                    frame => format!("frame {}", grouped(frame)),
                };
                text += &format!("; until {until}: {}", earlier.was);
            }
            (tone(verdict), text)
        }
        What::Recovered(episode) => (Tone::Plain, recovery(episode)),
        What::Revised { frame, after, .. } => (
            tone(after),
            format!("frame {} is now: {}", grouped(*frame), judged(after)),
        ),
    }
}

fn tone(verdict: &Verdict) -> Tone {
    match verdict.kind {
        Kind::Retransmission | Kind::ZeroWindow | Kind::Gap | Kind::AckUnseen => Tone::Warning,
        Kind::Reset | Kind::ConflictingOverlap => Tone::Bad,
        _ => Tone::Plain,
    }
}

fn judged(verdict: &Verdict) -> String {
    let mut text = verdict.to_string();
    if verdict.confidence == Confidence::Likely {
        text += ", likely";
    }
    if verdict.octets > 0 {
        text += &format!(", {}", bytes(u64::from(verdict.octets)));
    }
    let evidence = Evidence(verdict).to_string();
    if !evidence.is_empty() {
        text += &format!("; {evidence}");
    }
    let rules: Vec<_> = verdict.rules().map(Rule::name).collect();
    format!("{text} [{}]", rules.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::verdict::Trigger;

    #[test]
    fn a_recovery_in_words() {
        let mut episode = Episode {
            sender: Role::Server,
            trigger: Trigger::Fast,
            first_frame: 23,
            began: Timestamp::from_nanos(0),
            last_frame: 1_030,
            lasted: Span::from_nanos(5_200_000),
            exit: Exit::Acknowledged,
            retransmissions: 2,
            spurious: 0,
            octets: 2_896,
            timeouts: 0,
            flight: 14_480,
        };
        assert_eq!(
            recovery(&episode),
            "fast, 5.20ms to frame 1,030: 2 retransmissions, 2.90 kB of 14.5 kB in flight; all was \
             acknowledged"
        );
        episode.last_frame = 0;
        episode.exit = Exit::Cut;
        (episode.spurious, episode.timeouts) = (1, 3);
        assert_eq!(
            recovery(&episode),
            "fast, 5.20ms: 2 retransmissions, 2.90 kB of 14.5 kB in flight, 1 needless, 3 timeouts; \
             it did not end"
        );
    }
}
