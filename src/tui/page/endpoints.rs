//! Both hosts side by side: what each is, offered, sent, lost, and how it did over time.
//!
//! ```text
//!  closed by client; client resent 1 (by timer, needless); server's window zero for 1.55s
//!
//!                     client                          server
//!  address            10.20.0.10:35575                10.20.0.20:5432
//!  state              TIME-WAIT                       CLOSED
//!  states             SYN-SENT│ESTABLISHED───────│FI… LISTEN│ESTABLISHED────────│CLOSE-WAIT
//!  …
//! ```

mod life;
mod this_host;

use super::events;
use super::segment::ink_of;
use super::sheet::{Ink, Piece, Sheet, columns, first_shown, wrapped};
use super::{HEAD, Page, PageMessage, Tab, moved};
use crate::analysis::ConnectionView;
use crate::report::story;
use crate::report::style::Tone;
use crate::report::units::{bytes, counted, grouped};
use crate::report::{self, select};
use crate::tcp::verdict::{Lost, Trigger};
use crate::tcp::window::Scale;
use crate::tcp::{Ending, Kind, Role};

use super::data::Detail;

/// Where one is in the tab.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Endpoints {
    /// The line under the cursor.
    at: usize,
}

/// Columns of the labels.
const LABEL: usize = 20;

/// How a connection ended, for the title.
pub(super) fn ending(detail: &Detail) -> Piece {
    let ending = detail.connection.ending(detail.end);
    let ink = match ending {
        Ending::Reset | Ending::Refused | Ending::TimedOut => Ink::Bad,
        Ending::HalfClosed => Ink::Warning,
        Ending::Graceful => Ink::Good,
        Ending::Open => Ink::Plain,
    };
    (ink, ending.name().to_owned())
}

/// Takes a message in.
pub(super) fn update(page: &mut Page, message: &PageMessage) {
    let look = super::sheet::Look::plain(true);
    let all = lines(page, page.room.0, &look);
    let last = all.len().saturating_sub(1);
    let room = page.body().saturating_sub(1).max(1) as isize;
    let at = page.endpoints.at.min(last);
    let frame = match all.get(at) {
        Some(Line::Event(frame, _)) => Some(*frame),
        _ => None,
    };
    let lines = Lines { all, room, last };
    page.endpoints.at = match *message {
        PageMessage::Step(by) => lines.step(at, by),
        PageMessage::Leaf(by) => moved(at, by.saturating_mul(room), last),
        PageMessage::First => 0,
        PageMessage::Last => last,
        PageMessage::Stop(by) => {
            page.stop(by);
            lines.of_frame(page.frame()).unwrap_or(at)
        }
        PageMessage::Enter => {
            match frame {
                Some(frame) => page.jump(frame, Tab::Frames),
                None => page.show(Tab::Ladder),
            }
            at
        }
        PageMessage::Click(_, y) => {
            let first = first_shown(at, lines.all.len(), page.body());
            (first + usize::from(y).saturating_sub(HEAD)).min(last)
        }
        _ => at,
    };
    if let Some(Line::Event(frame, _)) = lines.all.get(page.endpoints.at) {
        let row = page.detail().row_of(*frame);
        page.at = row.min(page.last());
    }
}

/// The lines of the tab, for one who moves along them.
struct Lines {
    all: Vec<Line>,
    room: isize,
    last: usize,
}

impl Lines {
    /// So many lines on; from the figures at once to what is out of sight.
    fn step(&self, at: usize, by: isize) -> usize {
        // The figures need no cursor: it begins where a screen ends.
        let start = if at == 0 && by > 0 && self.last as isize > self.room {
            (self.room / 2) as usize
        } else {
            at
        };
        moved(start, by, self.last)
    }

    /// The line about a frame.
    fn of_frame(&self, wanted: Option<u64>) -> Option<usize> {
        let wanted = wanted?;
        let about = |line: &Line| matches!(line, Line::Event(frame, _) if *frame == wanted);
        self.all.iter().position(about)
    }
}

/// A line of the tab.
enum Line {
    Blank,
    Heading(String),
    /// A label, and a value for each host.
    Pair(String, [Vec<Piece>; 2]),
    /// Over the whole width.
    Words(Vec<Piece>),
    /// What a frame did.
    Event(u64, Vec<Piece>),
}

fn plain(text: impl Into<String>) -> Vec<Piece> {
    vec![(Ink::Plain, text.into())]
}

fn none() -> Vec<Piece> {
    vec![(Ink::Rule, "-".to_owned())]
}

fn known(text: Option<String>) -> Vec<Piece> {
    text.map_or_else(none, plain)
}

fn count(count: u64, ink: Ink) -> Vec<Piece> {
    match count {
        0 => none(),
        count => vec![(ink, grouped(count).to_string())],
    }
}

fn ink(tone: Tone) -> Ink {
    match tone {
        Tone::Bad => Ink::Bad,
        Tone::Warning => Ink::Warning,
        Tone::Good => Ink::Good,
        Tone::Quiet => Ink::Quiet,
        _ => Ink::Plain,
    }
}

/// Draws the tab.
pub(super) fn draw(page: &Page, sheet: &mut Sheet<'_>) {
    let look = *sheet.look;
    let all = lines(page, sheet.width(), &look);
    let rows = sheet.height();
    let at = page.endpoints.at.min(all.len().saturating_sub(1));
    let first = first_shown(at, all.len(), rows);
    let mark = sheet.look.pick("▸", ">");
    let value = value_width(sheet.width());
    for (y, line) in all.iter().skip(first).take(rows).enumerate() {
        let own = first + y == at;
        match line {
            Line::Blank => {}
            Line::Heading(text) => {
                sheet.put(1, y, Ink::Strong, text);
            }
            Line::Words(pieces) => {
                sheet.line(1, y, pieces);
            }
            Line::Event(_, pieces) => {
                sheet.line(1, y, pieces);
                if own {
                    sheet.under_cursor(y);
                }
            }
            Line::Pair(label, values) => {
                sheet.put_cut(1, y, Ink::Quiet, label, LABEL - 1);
                for (role, pieces) in values.iter().enumerate() {
                    let x = 1 + LABEL + role * (value + 2);
                    let mut part = sheet.part(x, y, value, 1);
                    part.line(0, 0, pieces);
                }
            }
        }
        if own && at > 0 {
            sheet.put(0, y, Ink::Accent, mark);
        }
    }
    if first + rows < all.len() {
        let mark = sheet.look.pick("↓ more", "v more");
        let end = sheet.width().saturating_sub(1);
        sheet.put_right(end, rows.saturating_sub(1), Ink::Accent, mark);
    }
}

/// Columns of a value.
fn value_width(width: usize) -> usize {
    const WIDEST: usize = 72;
    (width.saturating_sub(LABEL + 4) / 2).clamp(8, WIDEST)
}

fn lines(page: &Page, width: usize, look: &super::sheet::Look) -> Vec<Line> {
    let detail = page.detail();
    let mut lines = Vec::new();
    in_short(detail, width, &mut lines);
    let pair = |label: &str, of: &dyn Fn(Role) -> Vec<Piece>| {
        Line::Pair(label.to_owned(), Role::BOTH.map(of))
    };
    lines.push(Line::Blank);
    lines.push(pair("", &|role| {
        vec![(ink_of(role), role.name().to_owned())]
    }));
    who(page, &pair, &mut lines);
    this_host::lines(page, &pair, &mut lines);
    life::lines(page, value_width(width), look, &pair, &mut lines);
    volume(detail, &pair, &mut lines);
    trouble(detail, &pair, &mut lines);
    windows(detail, value_width(width), &pair, &mut lines);
    round_trips(detail, &pair, &mut lines);
    offered(detail, &pair, &mut lines);
    happened(detail, look, &mut lines);
    lines
}

type Pair<'a> = dyn Fn(&str, &dyn Fn(Role) -> Vec<Piece>) -> Line + 'a;

/// What there is to say first.
fn in_short(detail: &Detail, width: usize, lines: &mut Vec<Line>) {
    let view = ConnectionView {
        id: detail.id,
        sockets: detail.sockets,
        connection: &detail.connection,
    };
    let mut line: Vec<Piece> = Vec::new();
    let mut taken = 0;
    // What the capture left out of frames is said of the capture.
    let is_cut = detail.rows.iter().any(|row| row.captured < row.wire_len);
    let phrases = story::tell(&view, detail.end, is_cut);
    let last = phrases.len().saturating_sub(1);
    for (at, phrase) in phrases.into_iter().enumerate() {
        let text = if at < last {
            format!("{}, ", phrase.text)
        } else {
            phrase.text
        };
        if taken > 0 && taken + columns(&text) + 2 > width {
            lines.push(Line::Words(std::mem::take(&mut line)));
            taken = 0;
        }
        taken += columns(&text);
        line.push((ink(phrase.tone), text));
    }
    lines.push(Line::Words(line));
    let connection = &detail.connection;
    let mut text = format!("opening {}", connection.opening().name());
    if let Some(trip) = connection.handshake.round_trip() {
        text += &format!(", handshake in {}", trip.short());
        let halves = (
            connection.handshake.server_half(),
            connection.handshake.client_half(),
        );
        if let (Some(server), Some(client)) = halves {
            text += &format!(
                " ({} to the server and back, {} to the client and back)",
                server.short(),
                client.short()
            );
        }
    } else if let Some(trip) = select::round_trip(connection) {
        text += &format!(", round trip {}", trip.short());
    }
    for line in wrapped(&text, width.saturating_sub(2)) {
        lines.push(Line::Words(vec![(Ink::Quiet, line)]));
    }
    if detail.missing.frames > 0 {
        let text = format!(
            "{} of it can't be read again",
            counted(detail.missing.frames, "frame")
        );
        lines.push(Line::Words(vec![(Ink::Bad, text)]));
    }
    if detail.rows_dropped > 0 {
        let text = format!(
            "only the first {} are shown in detail",
            counted(detail.rows.len() as u64, "frame")
        );
        lines.push(Line::Words(vec![(Ink::Warning, text)]));
    }
}

fn who(page: &Page, pair: &Pair<'_>, lines: &mut Vec<Line>) {
    let detail = page.detail();
    lines.push(pair("address", &|role| {
        plain(detail.socket(role).to_string())
    }));
    let names = &page.subject.names;
    if names.iter().any(Option::is_some) {
        lines.push(pair("name", &|role| {
            known(names.get(role as usize).cloned().flatten())
        }));
    }
    lines.push(pair("state", &|role| {
        let state = detail.connection.state_at(role, detail.end);
        let mut text = state.name().to_owned();
        if detail.connection.endpoint(role).is_tentative() {
            text += " (not confirmed)";
        }
        vec![(Ink::Strong, text)]
    }));
}

fn volume(detail: &Detail, pair: &Pair<'_>, lines: &mut Vec<Line>) {
    let figures = |role| detail.connection.endpoint(role).figures;
    lines.push(Line::Blank);
    lines.push(pair("packets", &|role| {
        let figures = figures(role);
        let text = format!(
            "{}, {} with data",
            grouped(figures.packets),
            grouped(figures.data_packets)
        );
        plain(text)
    }));
    lines.push(pair("stream", &|role| {
        let figures = figures(role);
        let mut pieces = plain(bytes(figures.stream_bytes).to_string());
        if figures.missing_bytes > 0 {
            let text = format!("  {} not seen", bytes(figures.missing_bytes));
            pieces.push((Ink::Warning, text));
        }
        pieces
    }));
    lines.push(pair("most in flight", &|role| {
        plain(bytes(figures(role).max_in_flight).to_string())
    }));
}

/// What was sent again, by cause and need and place.
fn trouble(detail: &Detail, pair: &Pair<'_>, lines: &mut Vec<Line>) {
    let figures = |role| detail.connection.endpoint(role).figures;
    lines.push(pair("sent again", &|role| {
        let figures = figures(role);
        if figures.retransmissions == 0 {
            return none();
        }
        let text = format!(
            "{}, {}",
            counted(figures.retransmissions, "segment"),
            bytes(figures.retransmitted_bytes)
        );
        vec![(Ink::Warning, text)]
    }));
    for trigger in Trigger::ALL.into_iter().map(Some).chain([None]) {
        let of = |role| {
            let mut all = detail.close_up.retransmissions(role);
            all.find(|(own, _)| *own == trigger)
                .map(|(_, counts)| counts)
        };
        if Role::BOTH.iter().all(|&role| of(role).is_none()) {
            continue;
        }
        let name = trigger.map_or("cause unknown", Trigger::name);
        lines.push(pair(&format!("  {name}"), &|role| {
            let Some(counts) = of(role) else {
                return none();
            };
            let mut parts = Vec::new();
            for (count, word) in [
                (counts.needed, "needed"),
                (counts.spurious, "needless"),
                (counts.unknown, "need unknown"),
            ] {
                if count > 0 {
                    parts.push(format!("{} {word}", grouped(count)));
                }
            }
            vec![(Ink::Warning, parts.join(", "))]
        }));
    }
    let lost = |role: Role, place: Lost| -> u64 {
        let rows = detail.rows.iter().filter(|row| row.from == role);
        let verdicts = rows.flat_map(|row| detail.verdicts(row));
        let own = verdicts
            .filter(|verdict| verdict.kind == Kind::Retransmission && verdict.lost == Some(place));
        own.count() as u64
    };
    for (place, label) in [
        (Lost::BeforeTap, "  lost before tap"),
        (Lost::AfterTap, "  lost after tap"),
    ] {
        if Role::BOTH.iter().any(|&role| lost(role, place) > 0) {
            lines.push(pair(label, &|role| count(lost(role, place), Ink::Warning)));
        }
    }
    type Count = fn(&crate::tcp::Figures) -> u32;
    let rows: [(&str, Count); 8] = [
        ("came late", |figures| figures.reordered),
        ("copies", |figures| figures.duplicates),
        ("gaps", |figures| figures.gaps),
        ("duplicate ACKs", |figures| figures.duplicate_acks),
        ("DSACKs", |figures| figures.dsacks),
        ("ACKs of unseen", |figures| figures.acks_unseen),
        ("keep-alives", |figures| figures.keep_alives),
        ("conflicts", |figures| figures.conflicts),
    ];
    for (label, of) in rows {
        if Role::BOTH.iter().any(|&role| of(&figures(role)) > 0) {
            lines.push(pair(label, &|role| {
                count(of(&figures(role)).into(), Ink::Warning)
            }));
        }
    }
}

fn windows(detail: &Detail, value: usize, pair: &Pair<'_>, lines: &mut Vec<Line>) {
    let endpoint = |role| detail.connection.endpoint(role);
    lines.push(Line::Blank);
    lines.push(pair("window", &|role| {
        let window = &endpoint(role).window;
        let Some(least) = window.min else {
            return none();
        };
        let mut text = if least == window.max {
            grouped(least).to_string()
        } else {
            format!("{} to {}", grouped(least), grouped(window.max))
        };
        if window.scale == Scale::Unknown {
            text += "  scale not seen";
        }
        plain(text)
    }));
    if Role::BOTH
        .iter()
        .any(|&role| endpoint(role).window.zero_count > 0)
    {
        lines.push(pair("window zero", &|role| {
            let window = &endpoint(role).window;
            if window.zero_count == 0 {
                return none();
            }
            let time = window.zero_time_until(detail.connection.last_time);
            let text = format!("{}, {}", counted(window.zero_count, "time"), time.short());
            vec![(Ink::Bad, text)]
        }));
    }
    if Role::BOTH
        .iter()
        .any(|&role| endpoint(role).figures.window_full > 0)
    {
        lines.push(pair("filled peer's", &|role| {
            count(endpoint(role).figures.window_full.into(), Ink::Warning)
        }));
    }
    let inferred = |role| endpoint(role).congestion();
    if Role::BOTH.iter().any(|&role| inferred(role).is_some()) {
        // Where it is told in more words than fit, they go on below.
        let control = Role::BOTH.map(|role| {
            let text = inferred(role).map(|inferred| report::control(&inferred));
            text.map(|text| wrapped(&text, value)).unwrap_or_default()
        });
        let most = control.iter().map(Vec::len).max().unwrap_or(0);
        for nth in 0..most {
            let label = if nth == 0 { "congestion control" } else { "" };
            lines.push(pair(label, &|role| {
                let own = control.get(role as usize);
                match own.and_then(|own| own.get(nth)) {
                    Some(text) => plain(text.clone()),
                    None if nth == 0 => none(),
                    None => Vec::new(),
                }
            }));
        }
        lines.push(pair("held back by", &|role| {
            known(inferred(role).map(|inferred| inferred.limit.name().to_owned()))
        }));
    }
}

fn round_trips(detail: &Detail, pair: &Pair<'_>, lines: &mut Vec<Line>) {
    let rtt = |role| detail.connection.endpoint(role).rtt.figures();
    if Role::BOTH.iter().all(|&role| rtt(role).is_none()) {
        return;
    }
    lines.push(pair("rtt, tap and host", &|role| {
        let Some(rtt) = rtt(role) else {
            return none();
        };
        plain(format!(
            "min {}  srtt {}",
            rtt.min.short(),
            rtt.smoothed.short()
        ))
    }));
    lines.push(pair("", &|role| {
        let Some(rtt) = rtt(role) else {
            return Vec::new();
        };
        plain(format!("p50 {}  p95 {}", rtt.p50.short(), rtt.p95.short()))
    }));
    lines.push(pair("", &|role| {
        let Some(rtt) = rtt(role) else {
            return Vec::new();
        };
        let samples = counted(rtt.count, "sample");
        plain(format!("max {}, {samples}", rtt.max.short()))
    }));
}

fn offered(detail: &Detail, pair: &Pair<'_>, lines: &mut Vec<Line>) {
    let endpoint = |role| detail.connection.endpoint(role);
    lines.push(Line::Blank);
    lines.push(pair("options", &|role| {
        let Some(syn) = endpoint(role).syn else {
            return vec![(Ink::Quiet, "SYN not seen".to_owned())];
        };
        let mut parts = Vec::new();
        if let Some(mss) = syn.mss {
            parts.push(format!("MSS {mss}"));
        }
        if let Some(scale) = syn.window_scale {
            parts.push(format!("WS {scale}"));
        }
        for (has, name) in [
            (syn.sack_permitted, "SACK"),
            (syn.timestamps, "TS"),
            (syn.ecn, "ECN"),
        ] {
            if has {
                parts.push(name.to_owned());
            }
        }
        parts.extend(syn.others.names().map(str::to_owned));
        plain(parts.join(", "))
    }));
    lines.push(pair("TTL, ISN", &|role| {
        let endpoint = endpoint(role);
        if endpoint.figures.packets == 0 {
            return none();
        }
        let isn = endpoint
            .isn()
            .map_or("not seen".to_owned(), |isn| isn.0.to_string());
        plain(format!("{}, {isn}", endpoint.ttl))
    }));
}

/// Recoveries, and the frames that something is said of.
fn happened(detail: &Detail, look: &super::sheet::Look, lines: &mut Vec<Line>) {
    /// Lines of each; the ladder and `n` show the rest.
    const MOST: usize = 100;
    let dropped = detail.close_up.episodes_dropped;
    let episodes = detail.close_up.episodes.len() as u64 + dropped;
    let (remarks, count) = events::remarks(detail, MOST);
    for (heading, entries, all) in [
        ("Recoveries", events::recoveries(detail, MOST), episodes),
        ("Remarks", remarks, count as u64),
    ] {
        if all == 0 {
            continue;
        }
        lines.push(Line::Blank);
        lines.push(Line::Heading(heading.to_owned()));
        let more = all.saturating_sub(entries.len() as u64);
        lines.extend(
            entries
                .into_iter()
                .map(|(frame, pieces)| Line::Event(frame, pieces)),
        );
        if more > 0 {
            let text = format!("{:>8} {} more", look.more(), grouped(more));
            lines.push(Line::Words(vec![(Ink::Quiet, text)]));
        }
    }
}
