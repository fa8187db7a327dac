//! Lines of lists from what the analyzer knows.

use super::column::Column;
use super::snapshot::{ConnectionLine, Mark, UdpLine};
use crate::analysis::{Analyzer, Capture, ConnectionView, ConversationView, trouble};
use crate::diagnosis::Weight;
use crate::flow::Socket;
use crate::report::escape::escaped;
use crate::report::select::{is_unanswered, round_trip};
use crate::report::story;
use crate::report::style::Tone;
use crate::tcp::{Figures, Role};
use crate::time::{Span, Timestamp};

/// How a finding of this weight is shown.
pub(super) fn tone(weight: Weight) -> Tone {
    match weight {
        Weight::Note => Tone::Plain,
        Weight::Doubt => Tone::Warning,
        Weight::Grave => Tone::Bad,
    }
}

/// The 95th percentile of the round trip, both halves together.
fn high_round_trip(view: &ConnectionView<'_>) -> Option<Span> {
    let half = |role| view.connection.endpoint(role).rtt.p95();
    Some(half(Role::Client)? + half(Role::Server)?)
}

/// The begin of what is sorted by letters.
pub(super) fn head(text: &str) -> u64 {
    let mut bytes = [0; 8];
    for (byte, own) in bytes.iter_mut().zip(text.bytes()) {
        *byte = own;
    }
    u64::from_be_bytes(bytes)
}

/// What a connection is sorted by: the least first.
pub(super) fn rank(view: &ConnectionView<'_>, by: Column, end: Timestamp) -> u64 {
    let connection = view.connection;
    let most = |value: u64| !value;
    let longest = |span: Span| most(span.as_nanos().max(0) as u64);
    let sum = |of: fn(&Figures) -> u64| {
        let of = |role| of(&connection.endpoint(role).figures);
        of(Role::Client).saturating_add(of(Role::Server))
    };
    let socket = |role| {
        let address = view.socket(role).address;
        // Version 4 by its four octets, version 6 by its first eight.
        match address.to_ip() {
            std::net::IpAddr::V4(v4) => {
                u64::from(v4.to_bits()) << 16 | u64::from(view.socket(role).port)
            }
            std::net::IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64 | 1 << 63,
        }
    };
    match by {
        Column::Id => u64::from(view.id),
        Column::Client => socket(Role::Client),
        Column::Server => socket(Role::Server),
        Column::States => head(connection.state_at(Role::Client, end).name()),
        Column::Start | Column::Activity => (connection.first_time.as_nanos() as u64) ^ (1 << 63),
        Column::Duration => longest(connection.duration()),
        Column::Sent => most(connection.endpoint(Role::Client).figures.stream_bytes),
        Column::Received => most(connection.endpoint(Role::Server).figures.stream_bytes),
        Column::Packets => most(sum(|figures| figures.packets)),
        Column::Resent => most(sum(|figures| u64::from(figures.retransmissions))),
        Column::Triggers => most(sum(|figures| u64::from(figures.timeouts))),
        Column::Needless => most(sum(|figures| u64::from(figures.spurious))),
        Column::Place => most(sum(|figures| {
            u64::from(figures.lost_before_tap) + u64::from(figures.lost_after_tap)
        })),
        Column::Reordered => most(sum(|figures| u64::from(figures.reordered))),
        Column::Rtt => longest(round_trip(connection).unwrap_or(Span::ZERO)),
        Column::RttP95 => longest(high_round_trip(view).unwrap_or(Span::ZERO)),
        Column::ZeroWindow => longest(zero_window(view)),
        Column::Opening => head(connection.opening().name()),
        Column::Ending => head(connection.ending(end).name()),
        Column::Trouble => most(trouble::score(connection, end)),
        Column::Rate => most(rate(view)),
        // Those without a program come last, whoever has them.
        Column::Process => u64::MAX,
    }
}

fn zero_window(view: &ConnectionView<'_>) -> Span {
    let connection = view.connection;
    let zero = |role| {
        let window = &connection.endpoint(role).window;
        window.zero_time_until(connection.last_time)
    };
    zero(Role::Client) + zero(Role::Server)
}

/// Bytes a second, over the time of a connection.
fn rate(view: &ConnectionView<'_>) -> u64 {
    let of = |role| view.connection.endpoint(role).figures.bytes;
    let bytes = of(Role::Client) + of(Role::Server);
    let seconds = view.connection.duration().as_secs_f64();
    if seconds > 0.0 {
        (bytes as f64 / seconds) as u64
    } else {
        0
    }
}

fn name_of(capture: &Capture, socket: Socket) -> Option<String> {
    let name = capture.names.get(&socket.address.to_ip())?;
    Some(escaped(name).to_string())
}

/// A connection in a line; its activity is for who knows its frames.
pub(super) fn connection(
    view: &ConnectionView<'_>,
    analyzer: &Analyzer,
    end: Timestamp,
) -> ConnectionLine {
    let connection = view.connection;
    let capture = analyzer.capture();
    let figures = Role::BOTH.map(|role| connection.endpoint(role).figures);
    let sum = |of: fn(&Figures) -> u32| figures.iter().map(of).fold(0, u32::saturating_add);
    let story = story::tell(view, end, capture.cut > 0);
    ConnectionLine {
        id: view.id,
        addresses: view
            .sockets
            .map(|socket| socket.address.to_ip().to_string()),
        names: view.sockets.map(|socket| name_of(capture, socket)),
        ports: view.sockets.map(|socket| socket.port),
        states: Role::BOTH.map(|role| connection.state_at(role, end).name()),
        start: connection.first_time - capture.first.unwrap_or_default(),
        duration: connection.duration(),
        packets: figures.map(|each| each.packets),
        bytes: figures.map(|each| each.stream_bytes),
        resent: figures.map(|each| each.retransmissions),
        needless: sum(|each| each.spurious),
        lost: [
            sum(|each| each.lost_before_tap),
            sum(|each| each.lost_after_tap),
        ],
        by_timer: sum(|each| each.timeouts),
        fast: sum(|each| each.fast_retransmissions),
        reordered: sum(|each| each.reordered),
        rtt: round_trip(connection),
        rtt_p95: high_round_trip(view),
        zero_window: zero_window(view),
        opening: connection.opening().name(),
        ending: connection.ending(end).name(),
        trouble: trouble::score(connection, end),
        activity: Vec::new(),
        rate: rate(view),
        program: None,
        mark: if connection.is_over() {
            Mark::Over
        } else {
            Mark::None
        },
        story: story
            .into_iter()
            .map(|phrase| (phrase.tone, phrase.text))
            .collect(),
    }
}

/// A UDP conversation in a line.
pub(super) fn conversation(view: &ConversationView<'_>, capture: &Capture) -> UdpLine {
    UdpLine {
        id: view.id,
        addresses: view
            .sockets
            .map(|socket| socket.address.to_ip().to_string()),
        names: view.sockets.map(|socket| name_of(capture, socket)),
        ports: view.sockets.map(|socket| socket.port),
        start: view.first - capture.first.unwrap_or_default(),
        duration: view.duration(),
        packets: view.packets,
        bytes: view.payload_bytes,
        icmp: view.icmp_words(),
        unanswered: is_unanswered(view),
    }
}
