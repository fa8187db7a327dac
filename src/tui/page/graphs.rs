//! Graphs of one sender over time: sequence numbers in the manner of tcptrace, throughput, round
//! trips, and the flight against both windows.
//!
//! ```text
//!  sequence   server sends   0 to 37.1ms         | sent  . acked  - window  : SACK  F fast T timer
//!  15k│                                   ⡀⡀-----------------
//!     │                        ⡀⡀⡀F⡀⡀⡀⡀⡀⡀⡀
//!  10k│            ⡀⡀⡀⡀⡀⡀⡀⡀⡀⡀⡀⡀⡀
//!     └──────────┴──────────▲──────────┴──────────
//!      0        10ms       20ms       30ms
//! frame 23  0.026716s  server ▶ client  ACK
//! ```
//!
//! The cursor is a frame: the arrow on the axis. What is sent again is a letter, drawn above all
//! else, so that no zoom hides it.

use super::data::Subject;
use super::plot::axis::{Unit, ticks};
use super::plot::raster::{Layer, Raster, Scale};
use super::segment::{self, ink_of};
use super::series::{Series, between};
use super::sheet::{Ink, Sheet, columns};
use super::{HEAD, Page, PageMessage, Tab};
use crate::tcp::Role;
use crate::time::Span;

/// What is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Sequence,
    Throughput,
    RoundTrip,
    Flight,
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::Sequence,
        Self::Throughput,
        Self::RoundTrip,
        Self::Flight,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::Throughput => "throughput",
            Self::RoundTrip => "round trip",
            Self::Flight => "flight",
        }
    }

    const fn unit(self) -> Unit {
        match self {
            Self::Sequence | Self::Flight => Unit::Bytes,
            Self::Throughput => Unit::Rate,
            Self::RoundTrip => Unit::Time,
        }
    }
}

/// Where one is in the graphs.
#[derive(Clone, Debug)]
pub struct Graphs {
    kind: Kind,
    sender: Role,
    /// Nanoseconds in sight, since the capture's first frame.
    low: i64,
    high: i64,
}

/// Columns of the labels at the left, the axis included.
const LEFT: usize = 10;

/// The card under the graph.
const CARD: usize = 4;

/// From the first row to the last.
fn whole(subject: &Subject) -> (i64, i64) {
    let detail = &subject.detail;
    let at = |time: crate::time::Timestamp| (time - detail.first).as_nanos();
    let times = detail.rows.iter().map(|row| at(row.time));
    let (low, high) = times.fold((i64::MAX, i64::MIN), |(low, high), time| {
        (low.min(time), high.max(time))
    });
    if low > high {
        (0, 1)
    } else {
        (low, high.max(low + 1))
    }
}

impl Graphs {
    /// Of a connection: all of it, from who sent more.
    pub fn of(subject: &Subject) -> Self {
        let (low, high) = whole(subject);
        let sent = |role: Role| {
            let figures = &subject.detail.connection.endpoint(role).figures;
            figures.payload_bytes
        };
        let sender = if sent(Role::Server) >= sent(Role::Client) {
            Role::Server
        } else {
            Role::Client
        };
        Self {
            kind: Kind::default(),
            sender,
            low,
            high,
        }
    }

    fn look_at(&mut self, low: i128, high: i128, bounds: (i64, i64)) {
        let (first, last) = (i128::from(bounds.0), i128::from(bounds.1));
        let span = (high - low).clamp(1_000, (last - first).max(1_000));
        let low = low.clamp(first, (last - span).max(first));
        self.low = low as i64;
        self.high = (low + span) as i64;
    }
}

/// Brings the frame under the cursor into sight.
pub fn follow(page: &mut Page) {
    let Some(row) = page.row() else { return };
    let at = i128::from((row.time - page.detail().first).as_nanos());
    let bounds = whole(&page.subject);
    let graphs = &mut page.graphs;
    let (low, high) = (i128::from(graphs.low), i128::from(graphs.high));
    if at < low || at > high {
        let half = (high - low) / 2;
        graphs.look_at(at - half, at + half, bounds);
    }
}

/// Takes a message in.
pub fn update(page: &mut Page, message: &PageMessage) {
    let bounds = whole(&page.subject);
    let at = page.row().map_or(page.graphs.low, |row| {
        (row.time - page.detail().first).as_nanos()
    });
    let graphs = &mut page.graphs;
    let (low, high) = (i128::from(graphs.low), i128::from(graphs.high));
    let span = high - low;
    match *message {
        PageMessage::Side(by) => {
            let by = span / 8 * by as i128;
            graphs.look_at(low + by, high + by, bounds);
        }
        PageMessage::Zoom(by) => {
            // The frame under the cursor stays where it is.
            let at = i128::from(at).clamp(low, high);
            let span = (if by > 0 { span / 2 } else { span * 2 }).max(1_000);
            let before = if high > low {
                (at - low) * span / (high - low)
            } else {
                0
            };
            graphs.look_at(at - before, at - before + span, bounds);
        }
        PageMessage::Fit => (graphs.low, graphs.high) = bounds,
        PageMessage::Direction => graphs.sender = graphs.sender.peer(),
        PageMessage::Switch(by) => {
            let here = Kind::ALL.iter().position(|kind| *kind == graphs.kind);
            let next = (here.unwrap_or(0) as isize + by).rem_euclid(Kind::ALL.len() as isize);
            graphs.kind = Kind::ALL.get(next as usize).copied().unwrap_or_default();
        }
        PageMessage::Enter => page.show(Tab::Frames),
        PageMessage::Click(x, y) => {
            let inside = usize::from(x)
                .checked_sub(LEFT)
                .filter(|_| usize::from(y) > HEAD);
            if let Some(x) = inside {
                let width = page.room.0.saturating_sub(LEFT + 1).max(1);
                let time = graphs.low + (span * x.min(width) as i128 / width as i128) as i64;
                let first = page.detail().first;
                page.at = page
                    .detail()
                    .row_at(first + Span::from_nanos(time))
                    .min(page.last());
            }
        }
        _ => {
            page.step(message);
        }
    }
}

/// The range of values in sight.
fn range(graphs: &Graphs, series: &Series, rates: &[(i64, i64)]) -> (i64, i64) {
    let (low, high) = (graphs.low, graphs.high);
    let inside = |at: i64| low <= at && at <= high;
    match graphs.kind {
        Kind::Sequence => {
            let mut bounds: Option<(i64, i64)> = None;
            let mut add = |from: i64, to: i64| {
                let (least, most) = bounds.unwrap_or((from, to));
                bounds = Some((least.min(from), most.max(to)));
            };
            for each in between(&series.segments, low, high) {
                if inside(each.at) {
                    add(each.low, each.high);
                }
            }
            for each in between(&series.told, low, high) {
                if inside(each.at) {
                    add(each.ack, each.ack);
                }
            }
            let (least, most) = bounds.unwrap_or((0, 1));
            // The window is shown where that does not make all else small.
            let span = (most - least).max(1);
            let edges = between(&series.told, low, high).iter();
            let edge = edges.filter_map(|each| each.edge).max().unwrap_or(most);
            let shown = most.saturating_add(span / 3);
            (least, most.max(edge.min(shown)).max(least + 1))
        }
        Kind::Throughput => {
            let most = rates.iter().map(|(sent, _)| *sent).max().unwrap_or(1);
            (0, most.max(1))
        }
        Kind::RoundTrip => {
            let trips = between(&series.trips, low, high).iter();
            let most = trips
                .filter(|trip| inside(trip.at))
                .map(|trip| trip.nanos)
                .max();
            (0, most.unwrap_or(1).max(1))
        }
        Kind::Flight => {
            let mut most = 1;
            let mut window = 0;
            for each in between(&series.flights, low, high) {
                most = most.max(each.octets).max(each.congestion.unwrap_or(0));
                window = window.max(each.window.unwrap_or(0));
            }
            (
                0,
                most.saturating_add(most / 8)
                    .max(window.min(most.saturating_mul(2))),
            )
        }
    }
}

/// Bits a second sent and acknowledged in each of so many parts of the time in sight.
fn rates(graphs: &Graphs, series: &Series, parts: usize) -> Vec<(i64, i64)> {
    let mut octets = vec![(0_i64, 0_i64); parts];
    let span = i128::from(graphs.high) - i128::from(graphs.low);
    let part = |at: i64| -> Option<usize> {
        if at < graphs.low || at > graphs.high || span <= 0 {
            return None;
        }
        let from = i128::from(at) - i128::from(graphs.low);
        Some(((from * parts as i128) / (span + 1)) as usize)
    };
    for each in between(&series.segments, graphs.low, graphs.high) {
        if let Some(own) = part(each.at).and_then(|part| octets.get_mut(part)) {
            own.0 = own.0.saturating_add(each.high - each.low);
        }
    }
    let mut acknowledged: Option<i64> = None;
    for each in between(&series.told, graphs.low, graphs.high) {
        let news = acknowledged.map_or(0, |before| (each.ack - before).max(0));
        acknowledged = Some(acknowledged.map_or(each.ack, |before| before.max(each.ack)));
        if let Some(own) = part(each.at).and_then(|part| octets.get_mut(part)) {
            own.1 = own.1.saturating_add(news);
        }
    }
    let lasts = (span / parts.max(1) as i128).max(1);
    let rate = |octets: i64| {
        let bits = i128::from(octets) * 8 * 1_000_000_000 / lasts;
        i64::try_from(bits).unwrap_or(i64::MAX)
    };
    octets
        .into_iter()
        .map(|(sent, acknowledged)| (rate(sent), rate(acknowledged)))
        .collect()
}

/// Draws the tab.
pub fn draw(page: &Page, sheet: &mut Sheet<'_>) {
    let (width, height) = (sheet.width(), sheet.height());
    let graphs = &page.graphs;
    let Some(series) = page.subject.series.get(graphs.sender as usize) else {
        return;
    };
    head(page, sheet);
    let card = if height >= 14 { CARD } else { 1 };
    let plot = height.saturating_sub(1 + 2 + card);
    let across = width.saturating_sub(LEFT + 1);
    if plot < 2 || across < 8 {
        sheet.put(1, 1, Ink::Quiet, "a larger screen shows a graph here");
        return;
    }
    let dots = sheet.look.unicode && sheet.look.colour;
    let mut raster = Raster::new(across, plot, dots);
    let x = Scale::new(graphs.low, graphs.high, raster.across());
    let rates = match graphs.kind {
        Kind::Throughput => rates(graphs, series, across),
        _ => Vec::new(),
    };
    let (least, most) = range(graphs, series, &rates);
    let y = Scale::new(least, most, raster.up());
    match graphs.kind {
        Kind::Sequence => sequence(&mut raster, series, x, y),
        Kind::Throughput => throughput(&mut raster, &rates, y),
        Kind::RoundTrip => {
            for trip in between(&series.trips, x.low, x.high) {
                if let (Some(x), Some(y)) = (x.pixel(trip.at), y.pixel(trip.nanos)) {
                    raster.dot(x, y, Layer::Sent);
                }
            }
        }
        Kind::Flight => flight(&mut raster, series, x, y),
    }
    if graphs.kind != Kind::Sequence {
        marks_above(&mut raster, series, x, graphs.kind);
    }
    axes(page, (least, most), plot, sheet);
    raster.write(sheet, LEFT, 1);
    if card == 1 {
        if let Some(row) = page.row() {
            let [first, ..] = segment::card(page.detail(), row, page.numbers, sheet.look);
            sheet.line(1, height - 1, &first);
        }
        return;
    }
    if let Some(row) = page.row() {
        let lines = segment::card(page.detail(), row, page.numbers, sheet.look);
        for (at, line) in lines.iter().enumerate() {
            sheet.line(1, height - CARD + at, line);
        }
    }
}

fn head(page: &Page, sheet: &mut Sheet<'_>) {
    let graphs = &page.graphs;
    let mut x = 1;
    for kind in Kind::ALL {
        let own = kind == graphs.kind;
        let ink = if own { Ink::Accent } else { Ink::Quiet };
        let end = sheet.put(x, 0, ink, kind.name());
        if own {
            sheet.bold(x, 0, end - x);
        }
        x = end + 2;
    }
    let what = match graphs.kind {
        Kind::RoundTrip => format!("tap to {} and back", graphs.sender.peer()),
        _ => format!("{} sends", graphs.sender),
    };
    x = sheet.put(x + 1, 0, ink_of(graphs.sender), &what) + 3;
    let dots = sheet.look.unicode && sheet.look.colour;
    let unicode = sheet.look.unicode;
    let sign = move |layer: Layer| {
        let (rich, plain) = layer.characters();
        match (dots, unicode) {
            (true, _) => '•',
            (false, true) => rich,
            (false, false) => plain,
        }
    };
    let legend: &[(Layer, &str)] = match graphs.kind {
        Kind::Sequence => &[
            (Layer::Sent, "sent"),
            (Layer::Acknowledged, "acked"),
            (Layer::Window, "window"),
            (Layer::Sacked, "SACK"),
        ],
        Kind::Throughput => &[(Layer::Sent, "sent"), (Layer::Acknowledged, "acked")],
        Kind::RoundTrip => &[(Layer::Sent, "sample")],
        Kind::Flight => &[
            (Layer::Sent, "in flight"),
            (Layer::Window, "peer's window"),
            (Layer::Congestion, "congestion window, inferred"),
        ],
    };
    for (layer, name) in legend {
        if x + 2 + columns(name) >= sheet.width() {
            return;
        }
        sheet.set(x, 0, layer.ink(), sign(*layer));
        x = sheet.put(x + 2, 0, Ink::Quiet, name) + 2;
    }
    let letters = "T timer  F fast  P probe; small: needless";
    if x + columns(letters) + 1 < sheet.width() {
        sheet.put(x, 0, Ink::Warning, letters);
    }
}

/// Labels and axes, and the cursor on them.
fn axes(page: &Page, (least, most): (i64, i64), plot: usize, sheet: &mut Sheet<'_>) {
    let graphs = &page.graphs;
    let across = sheet.width().saturating_sub(LEFT + 1);
    let [up, corner, level, tick_up, tick_level] = sheet
        .look
        .pick(['│', '└', '─', '┤', '┬'], ['|', '+', '-', '+', '+']);
    for y in 1..=plot {
        sheet.set(LEFT - 1, y, Ink::Rule, up);
    }
    let scale = Scale::new(least, most, plot);
    for tick in ticks(least, most, (plot / 3).clamp(2, 12), graphs.kind.unit()) {
        let y = plot - scale.clamped(tick.value).min(plot - 1);
        sheet.put_right(LEFT - 2, y, Ink::Quiet, &tick.label);
        sheet.set(LEFT - 1, y, Ink::Rule, tick_up);
    }
    let y = plot + 1;
    sheet.set(LEFT - 1, y, Ink::Rule, corner);
    sheet.row(LEFT, y, across, Ink::Rule, level);
    let scale = Scale::new(graphs.low, graphs.high, across);
    let mut free = 0;
    for tick in ticks(
        graphs.low,
        graphs.high,
        (across / 14).clamp(2, 16),
        Unit::Time,
    ) {
        let x = LEFT + scale.clamped(tick.value);
        sheet.set(x, y, Ink::Rule, tick_level);
        let start = x.saturating_sub(columns(&tick.label) / 2).max(free);
        if start + columns(&tick.label) <= sheet.width() {
            free = sheet.put(start, y + 1, Ink::Quiet, &tick.label) + 1;
        }
    }
    if let Some(row) = page.row() {
        let at = (row.time - page.detail().first).as_nanos();
        if let Some(x) = scale.pixel(at) {
            sheet.set(LEFT + x, y, Ink::Accent, sheet.look.pick('▲', '^'));
        }
    }
}

/// A staircase: from each step to the next, level, then up or down.
fn stairs(
    raster: &mut Raster,
    steps: impl Iterator<Item = (i64, Option<i64>)>,
    (x, y): (Scale, Scale),
    layer: Layer,
) {
    let mut last: Option<(usize, usize)> = None;
    for (at, value) in steps {
        let Some(value) = value else {
            last = None;
            continue;
        };
        let column = x.clamped(at);
        // What lies above the top is not drawn along it.
        let is_inside = value <= y.high;
        let line = y.clamped(value);
        if let Some((from, level)) = last {
            raster.level(from, column, level, layer);
            if is_inside {
                raster.upright(column, level, line, layer);
            }
        }
        last = is_inside.then_some((column, line));
    }
    if let Some((from, level)) = last {
        raster.level(from, x.pixels.saturating_sub(1), level, layer);
    }
}

fn sequence(raster: &mut Raster, series: &Series, x: Scale, y: Scale) {
    let told = between(&series.told, x.low, x.high);
    let edges = told.iter().map(|each| (each.at, each.edge));
    stairs(raster, edges, (x, y), Layer::Window);
    let acknowledged = told.iter().scan(i64::MIN, |most, each| {
        *most = (*most).max(each.ack);
        Some((each.at, Some(*most)))
    });
    stairs(raster, acknowledged, (x, y), Layer::Acknowledged);
    for each in between(&series.sacks, x.low, x.high) {
        if let Some(column) = x.pixel(each.at) {
            raster.upright(
                column,
                y.clamped(each.low),
                y.clamped(each.high),
                Layer::Sacked,
            );
        }
    }
    for each in between(&series.segments, x.low, x.high) {
        let Some(column) = x.pixel(each.at) else {
            continue;
        };
        let (low, high) = (y.clamped(each.low), y.clamped(each.high));
        raster.upright(column, low, high, Layer::Sent);
        if let Some(sign) = each.sign.filter(|sign| sign.weight > 3) {
            raster.mark(column, (low + high) / 2, sign.letter, sign.ink, sign.weight);
        }
    }
    for each in told {
        if let (Some(column), Some(sign)) = (x.pixel(each.at), each.sign) {
            let line = y.clamped(each.ack);
            raster.mark(column, line, sign.letter, sign.ink, sign.weight);
        }
    }
}

fn throughput(raster: &mut Raster, rates: &[(i64, i64)], y: Scale) {
    let wide = (raster.across() / rates.len().max(1)).max(1);
    for (at, (sent, acknowledged)) in rates.iter().enumerate() {
        for column in at * wide..(at + 1) * wide {
            if *sent > 0 {
                raster.upright(column, 0, y.clamped(*sent), Layer::Sent);
            }
            if *acknowledged > 0 {
                raster.dot(column, y.clamped(*acknowledged), Layer::Acknowledged);
            }
        }
    }
}

fn flight(raster: &mut Raster, series: &Series, x: Scale, y: Scale) {
    let all = between(&series.flights, x.low, x.high);
    let window = all.iter().map(|each| (each.at, each.window));
    stairs(raster, window, (x, y), Layer::Window);
    let mut held = None;
    let congestion = all.iter().map(|each| {
        held = each.congestion.or(held);
        (each.at, held)
    });
    stairs(raster, congestion, (x, y), Layer::Congestion);
    let octets = all.iter().map(|each| (each.at, Some(each.octets)));
    stairs(raster, octets, (x, y), Layer::Sent);
}

/// What was sent again, along the upper edge.
fn marks_above(raster: &mut Raster, series: &Series, x: Scale, kind: Kind) {
    if kind == Kind::RoundTrip {
        return;
    }
    let top = raster.up().saturating_sub(1);
    for each in between(&series.segments, x.low, x.high) {
        if let (Some(column), Some(sign)) = (x.pixel(each.at), each.sign.filter(|_| each.again)) {
            raster.mark(column, top, sign.letter, sign.ink, sign.weight);
        }
    }
}
