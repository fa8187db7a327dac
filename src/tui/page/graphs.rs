//! Graphs over time: sequence numbers in the manner of tcptrace, throughput, round trips, and the
//! flight against both windows. Where there is room all four stand above each other on one axis.
//!
//! ```text
//!  server ▶ client   sequence  throughput  round trip  flight          0 to 37.1ms
//!  ┃ sent  ∙ acknowledged  ╌ window  ┊ SACK   T timeout  F fast  P probe  R other
//!   10k ┤            ┃∙∙∙∙
//!       │         ┃┃F∙
//!    5k ┤      ┃┃∙∙∙
//!     0 ┼──────┬───────┬──────▲─────
//!       0    10ms    20ms
//! ────────────────────────────────────────────────────────────────────────────────
//! frame 23  0.026716s  server ▶ client  ACK  1.51 kB on the wire
//! ```
//!
//! The cursor stands at a frame; what is zoomed and moved is the time in sight. What was sent
//! again is a letter above everything, so that no zoom hides it.

use super::curves::{Plot, flight, rates, sequence, throughput, trips};
use super::data::Subject;
use super::plot::axis::{Tick, Unit, ticks};
use super::plot::raster::{Layer, Raster, Scale};
use super::segment::{card, ink_of};
use super::series::{Series, Timed, between};
use super::sheet::{Ink, Piece, Sheet};
use super::{HEAD, Page, PageMessage, Tab, moved};
use crate::tcp::Role;
use crate::time::Span;

/// What is drawn over time.
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

/// What of the graphs is in sight.
#[derive(Clone, Debug, Default)]
pub(super) struct Graphs {
    kind: Kind,
    sender: usize,
    /// The time in sight: nanoseconds since the capture's first frame.
    low: i64,
    high: i64,
}

/// The least time in sight, in nanoseconds.
const CLOSEST: i64 = 1_000;
/// Lines from which on all graphs are drawn.
const ALL_FROM: usize = 44;
/// Lines of a graph beside its curves: legend and axis; times stand under the last one.
const AROUND: usize = 2;

impl Graphs {
    /// All of a connection, of who sent more.
    pub(super) fn of(subject: &Subject) -> Self {
        let ends = Role::BOTH.map(|role| {
            let figures = &subject.detail.connection.endpoint(role).figures;
            (figures.stream_bytes, figures.data_packets)
        });
        let [client, server] = ends;
        let mut graphs = Self {
            sender: usize::from(server > client),
            ..Self::default()
        };
        graphs.fit(subject);
        graphs
    }

    fn sender(&self) -> Role {
        Role::BOTH.get(self.sender).copied().unwrap_or(Role::Client)
    }

    /// The time of all frames.
    fn whole(subject: &Subject) -> (i64, i64) {
        let flights = subject
            .series
            .first()
            .map(|series| series.flights.as_slice());
        let flights = flights.unwrap_or_default();
        let low = flights.first().map_or(0, |flight| flight.at);
        let high = flights.last().map_or(0, |flight| flight.at);
        (low, high.max(low.saturating_add(CLOSEST)))
    }

    /// Whether everything is in sight.
    pub(super) fn is_whole(&self, subject: &Subject) -> bool {
        let (low, high) = Self::whole(subject);
        self.low <= low && self.high >= high
    }

    /// Everything in sight, and a little more.
    pub(super) fn fit(&mut self, subject: &Subject) {
        let (low, high) = Self::whole(subject);
        let more = (high - low) / 50;
        (self.low, self.high) = (low, high.saturating_add(more));
    }

    fn span(&self) -> i64 {
        self.high.saturating_sub(self.low).max(CLOSEST)
    }

    /// So much time around a moment, and within the connection's where it fits.
    fn show(&mut self, subject: &Subject, low: i64, span: i64) {
        let (first, last) = Self::whole(subject);
        let whole = last.saturating_sub(first);
        let span = span.clamp(CLOSEST, whole.saturating_add(whole / 50).max(CLOSEST));
        let most = last
            .saturating_add(whole / 50)
            .saturating_sub(span)
            .max(first);
        self.low = low.clamp(first, most);
        self.high = self.low.saturating_add(span);
    }
}

fn series(page: &Page) -> Option<&Series> {
    page.subject.series.get(page.graphs.sender)
}

/// When the frame under the cursor passed.
fn here(page: &Page) -> i64 {
    let first = page.detail().first;
    page.row().map_or(0, |row| (row.time - first).as_nanos())
}

/// Brings the frame under the cursor into sight.
pub(super) fn follow(page: &mut Page) {
    let at = here(page);
    let graphs = &page.graphs;
    if at < graphs.low || at > graphs.high {
        let span = graphs.span();
        page.graphs
            .show(&page.subject, at.saturating_sub(span / 2), span);
    }
}

/// Takes a message in.
pub(super) fn update(page: &mut Page, message: &PageMessage) {
    match *message {
        PageMessage::Switch(by) => {
            let place = (page.graphs.kind as isize + by).rem_euclid(Kind::ALL.len() as isize);
            page.graphs.kind = Kind::ALL.get(place as usize).copied().unwrap_or_default();
        }
        PageMessage::Direction => page.graphs.sender = 1 - page.graphs.sender.min(1),
        PageMessage::Zoom(by) => {
            let (at, span) = (here(page), page.graphs.span());
            let wanted = if by > 0 {
                span / 2
            } else {
                span.saturating_mul(2)
            };
            // The frame stays where it stands.
            let part = i128::from(at.saturating_sub(page.graphs.low)) * i128::from(wanted);
            let low = at.saturating_sub((part / i128::from(span)) as i64);
            page.graphs.show(&page.subject, low, wanted);
        }
        PageMessage::Fit => page.graphs.fit(&page.subject),
        PageMessage::Side(by) => pan(page, by),
        PageMessage::Enter => page.show(Tab::Frames),
        PageMessage::Click(x, y) => click(page, usize::from(x), usize::from(y)),
        _ => {
            page.step(message);
        }
    }
}

/// Moves the time in sight; a cursor that would be left behind comes along.
fn pan(page: &mut Page, by: isize) {
    let span = page.graphs.span();
    let low = page
        .graphs
        .low
        .saturating_add((span / 8).saturating_mul(by as i64));
    page.graphs.show(&page.subject, low, span);
    let (low, high) = (page.graphs.low, page.graphs.high);
    let at = here(page);
    if at < low || at > high {
        let flights = series(page)
            .map(|series| series.flights.as_slice())
            .unwrap_or_default();
        let place = if at < low {
            flights.partition_point(|flight| flight.at < low)
        } else {
            flights
                .partition_point(|flight| flight.at <= high)
                .saturating_sub(1)
        };
        if let Some(flight) = flights.get(place) {
            page.at = flight.row;
        }
    }
}

/// Puts the cursor at the frame nearest in time to a column.
fn click(page: &mut Page, x: usize, y: usize) {
    let panels = panels(page, page.body());
    let gutter = gutter(&panels);
    if y <= HEAD || x < gutter {
        return;
    }
    let scale = Scale::new(
        page.graphs.low,
        page.graphs.high,
        page.room.0.saturating_sub(gutter + 1),
    );
    let at = scale
        .low
        .saturating_add(scale.step().saturating_mul((x - gutter) as i64));
    let flights = series(page)
        .map(|series| series.flights.as_slice())
        .unwrap_or_default();
    let after = flights.partition_point(|flight| flight.at < at);
    let around = flights.get(after.saturating_sub(1)..).unwrap_or_default();
    let nearest = around
        .iter()
        .take(2)
        .min_by_key(|flight| flight.at.abs_diff(at));
    if let Some(flight) = nearest {
        page.at = moved(flight.row, 0, page.last());
    }
}

/// A graph: what it shows, where, and how its values run.
struct Panel {
    kind: Kind,
    top: usize,
    /// Lines of its curves.
    lines: usize,
    values: (i64, i64),
    ticks: Vec<Tick>,
    /// Where the peer's window lies above everything drawn.
    beyond: Option<i64>,
}

/// Lines of what stands below the graphs.
fn below(height: usize) -> usize {
    match height {
        ..10 => 0,
        10..16 => 1,
        16..32 => 3,
        _ => 5,
    }
}

/// The graphs that there is room for.
fn panels(page: &Page, height: usize) -> Vec<Panel> {
    // The line above all of them, and the times below.
    let room = height.saturating_sub(2 + below(height));
    let shares: Vec<(Kind, usize)> = if height >= ALL_FROM {
        let other = room / 6;
        Kind::ALL
            .into_iter()
            .map(|kind| match kind {
                Kind::Sequence => (kind, room - 3 * other),
                _ => (kind, other),
            })
            .collect()
    } else {
        vec![(page.graphs.kind, room)]
    };
    let mut top = 1;
    shares
        .into_iter()
        .map(|(kind, height)| {
            let (values, beyond) = values(page, kind);
            let lines = height.saturating_sub(AROUND);
            let panel = Panel {
                kind,
                top,
                lines,
                values,
                ticks: ticks(values.0, values.1, (lines / 3).clamp(2, 12), kind.unit()),
                beyond,
            };
            top += height;
            panel
        })
        .collect()
}

/// Columns before the curves: the widest label and the axis.
fn gutter(panels: &[Panel]) -> usize {
    let labels = panels.iter().flat_map(|panel| &panel.ticks);
    labels.map(|tick| tick.label.len()).max().unwrap_or(0) + 3
}

/// The values in sight: from, to; and the peer's window where it lies far above.
fn values(page: &Page, kind: Kind) -> ((i64, i64), Option<i64>) {
    let Some(series) = series(page) else {
        return ((0, 1), None);
    };
    let (low, high) = (page.graphs.low, page.graphs.high);
    let inside = |at: i64| (low..=high).contains(&at);
    let mut range: Option<(i64, i64)> = None;
    let mut take = |from: i64, to: i64| {
        let (least, most) = range.unwrap_or((from, to));
        range = Some((least.min(from), most.max(to)));
    };
    let mut window: Option<i64> = None;
    match kind {
        Kind::Sequence => {
            let segments = between(&series.segments, low, high);
            for each in segments.iter().filter(|each| inside(each.at)) {
                take(each.low, each.high);
            }
            let told = between(&series.told, low, high);
            for each in told.iter().filter(|each| inside(each.at)) {
                take(each.ack, each.ack);
                window = window.max(each.edge);
            }
        }
        Kind::Throughput => {
            let bins = rates(series, page.graphs.low, page.graphs.high);
            take(0, bins.iter().map(|bin| bin.all).max().unwrap_or(0));
        }
        Kind::RoundTrip => {
            take(0, 0);
            let trips = between(&series.trips, low, high);
            for trip in trips.iter().filter(|trip| inside(trip.at)) {
                take(0, trip.nanos);
            }
        }
        Kind::Flight => {
            take(0, 0);
            let flights = between(&series.flights, low, high);
            for flight in flights.iter().filter(|flight| inside(flight.at)) {
                take(0, flight.octets.max(flight.congestion.unwrap_or(0)));
                window = window.max(flight.window);
            }
        }
    }
    let (from, to) = range.unwrap_or((0, 1));
    let span = to.saturating_sub(from).max(1);
    // The window belongs to the picture while it does not press the rest flat.
    let most = to.saturating_add(span / 2 + span / 10);
    let (to, beyond) = match window {
        Some(window) if window > most => (to.saturating_add(span / 20), Some(window)),
        Some(window) => (to.max(window).saturating_add(span / 50), None),
        None => (to.saturating_add(span / 20), None),
    };
    ((from, to.max(from.saturating_add(1))), beyond)
}

/// Draws the tab.
pub(super) fn draw(page: &Page, sheet: &mut Sheet<'_>) {
    let (width, height) = (sheet.width(), sheet.height());
    let Some(row) = page.row() else {
        sheet.put(1, 0, Ink::Quiet, "no frames");
        return;
    };
    head(page, sheet, height >= ALL_FROM);
    let panels = panels(page, height);
    let gutter = gutter(&panels);
    for panel in &panels {
        let mut part = sheet.part(0, panel.top, width, panel.lines + AROUND);
        draw_panel(page, panel, gutter, &mut part);
    }
    if let Some(panel) = panels.last() {
        let top = panel.top + panel.lines + AROUND;
        times(page, gutter, &mut sheet.part(0, top, width, 1));
    }
    let below = below(height);
    if below > 1 {
        sheet.rule(height - below);
    }
    let lines = card(page.detail(), row, page.numbers, sheet.look);
    // With one or two lines: which frame, and what it is judged to be.
    let [frame, says, judged, flight] = lines;
    let shown = match below {
        0 => vec![],
        1 => vec![[frame, judged].concat()],
        3 => vec![frame, judged],
        _ => vec![frame, says, judged, flight],
    };
    let top = height - shown.len();
    for (y, pieces) in shown.iter().enumerate() {
        sheet.line(1, top + y, pieces);
    }
}

fn head(page: &Page, sheet: &mut Sheet<'_>, all: bool) {
    let sender = page.graphs.sender();
    let arrow = sheet.look.pick(" ▶ ", " > ");
    let mut x = sheet.put(1, 0, ink_of(sender), sender.name());
    x = sheet.put(x, 0, Ink::Quiet, arrow);
    x = sheet.put(x, 0, ink_of(sender.peer()), sender.peer().name()) + 2;
    if !all {
        for kind in Kind::ALL {
            let own = kind == page.graphs.kind;
            let ink = if own { Ink::Accent } else { Ink::Quiet };
            let start = x;
            x = sheet.put(x + 1, 0, ink, kind.name()) + 1;
            if own {
                sheet.lit(start, 0, x - start);
            }
        }
    }
    // As the axis has it: since the capture's first frame.
    let from = Span::from_nanos(page.graphs.low);
    let text = format!(
        "{} from {}",
        Span::from_nanos(page.graphs.span()).short(),
        from.short()
    );
    let end = sheet.width().saturating_sub(1);
    if x + 2 + text.len() <= end {
        sheet.put_right(end, 0, Ink::Quiet, &text);
    }
}

fn draw_panel(page: &Page, panel: &Panel, gutter: usize, sheet: &mut Sheet<'_>) {
    let width = sheet.width().saturating_sub(gutter + 1);
    let lines = panel.lines;
    let Some(series) = series(page) else { return };
    if width == 0 || lines == 0 {
        return;
    }
    let dots = sheet.look.unicode && sheet.look.colour;
    let mut raster = Raster::new(width, lines, dots);
    let plot = Plot {
        x: Scale::new(page.graphs.low, page.graphs.high, raster.across()),
        y: Scale::new(panel.values.0, panel.values.1, raster.up()),
    };
    let at = cursor(page, panel.kind, &plot);
    match panel.kind {
        Kind::Sequence => sequence(series, &plot, &mut raster),
        Kind::Throughput => throughput(
            &rates(series, page.graphs.low, page.graphs.high),
            &plot,
            &mut raster,
        ),
        Kind::RoundTrip => trips(series, &plot, &mut raster),
        Kind::Flight => flight(series, &plot, &mut raster),
    }
    legend(page, panel, &raster, sheet);
    if panel.kind == Kind::RoundTrip && series.trips.is_empty() {
        let words = "nothing was sent here that a round trip could be measured by";
        sheet.put_cut(gutter + 2, 1 + lines / 2, Ink::Quiet, words, width);
        return;
    }
    // The cursor lies under everything, and the place of its frame above.
    if let Some((x, _)) = at {
        let (column, _) = raster.cell_of(x, 0);
        let stroke = sheet.look.pick('┊', ':');
        for y in 0..lines {
            sheet.set(gutter + column, 1 + y, Ink::Rule, stroke);
        }
    }
    raster.write(sheet, gutter, 1);
    if let Some((x, Some(y))) = at {
        let (column, line) = raster.cell_of(x, y);
        sheet.lit(gutter + column, 1 + line, 1);
    }
    axes(panel, &plot, gutter, &raster, sheet);
    if let Some((x, _)) = at {
        let (column, _) = raster.cell_of(x, 0);
        let tip = sheet.look.pick('▲', '^');
        sheet.set(gutter + column, 1 + lines, Ink::Accent, tip);
    }
}

/// Where the cursor stands: its column, and its height where its frame is in the graph.
fn cursor(page: &Page, kind: Kind, plot: &Plot) -> Option<(usize, Option<usize>)> {
    let x = plot.x.pixel(here(page))?;
    let series = series(page)?;
    let row = page.at;
    let value = match kind {
        Kind::Sequence => {
            let own = page.row()?;
            if own.from == page.graphs.sender() {
                Some(own.seq.saturating_add(i64::from(own.payload_len) / 2))
            } else {
                own.ack
            }
        }
        Kind::Throughput => None,
        Kind::RoundTrip => find(&series.trips, row, here(page)).map(|trip| trip.nanos),
        Kind::Flight => find(&series.flights, row, here(page)).map(|flight| flight.octets),
    };
    Some((x, value.and_then(|value| plot.y.pixel(value))))
}

/// What a list has of a row.
fn find<T: Timed>(all: &[T], row: usize, at: i64) -> Option<&T> {
    let start = all.partition_point(|each| each.at() < at);
    let rest = all.get(start..).unwrap_or_default();
    rest.iter()
        .take_while(|each| each.at() == at)
        .find(|each| each.row() == row)
}

fn legend(page: &Page, panel: &Panel, raster: &Raster, sheet: &mut Sheet<'_>) {
    let unicode = sheet.look.unicode;
    let peer = page.graphs.sender().peer();
    let sample = |layer: Layer, words: &str| -> Vec<Piece> {
        vec![
            (layer.ink(), raster.sample(layer, unicode).to_string()),
            (Ink::Quiet, format!(" {words}  ")),
        ]
    };
    let mut pieces: Vec<Piece> = match panel.kind {
        Kind::Sequence => [
            sample(Layer::Sent, "sent"),
            sample(Layer::Acknowledged, "acked"),
            sample(Layer::Window, "window"),
            sample(Layer::Sacked, "SACK"),
            vec![
                (Ink::Bad, "T".to_owned()),
                (Ink::Quiet, " RTO ".to_owned()),
                (Ink::Warning, "F".to_owned()),
                (Ink::Quiet, " fast ".to_owned()),
                (Ink::Warning, "P".to_owned()),
                (Ink::Quiet, " TLP ".to_owned()),
                (Ink::Warning, "R".to_owned()),
                (Ink::Quiet, " other, small: needless".to_owned()),
            ],
        ]
        .concat(),
        Kind::Throughput => [
            sample(Layer::Sent, "sent, headers not counted"),
            sample(Layer::Sacked, "of it sent again"),
        ]
        .concat(),
        Kind::RoundTrip => [
            sample(
                Layer::Sent,
                &format!("round trip from the tap to the {peer}"),
            ),
            sample(Layer::Acknowledged, "smoothed"),
        ]
        .concat(),
        Kind::Flight => [
            sample(Layer::Sent, "in flight"),
            sample(Layer::Window, &format!("{peer}'s window")),
            sample(Layer::Congestion, "congestion window, inferred"),
        ]
        .concat(),
    };
    if let Some(window) = panel.beyond {
        let label = crate::report::units::bytes(window.unsigned_abs());
        let text = match panel.kind {
            Kind::Sequence => "  (window above the top)".to_owned(),
            _ => format!("  (window up to {label}, above the top)"),
        };
        pieces.push((Ink::Quiet, text));
    }
    sheet.line(1, 0, &pieces);
}

fn axes(panel: &Panel, plot: &Plot, gutter: usize, raster: &Raster, sheet: &mut Sheet<'_>) {
    let lines = panel.lines;
    let upright = sheet.look.pick('│', '|');
    let level = sheet.look.pick('─', '-');
    let axis = gutter - 1;
    for y in 1..=lines {
        sheet.set(axis, y, Ink::Rule, upright);
    }
    sheet.set(axis, lines + 1, Ink::Rule, sheet.look.pick('└', '+'));
    let width = sheet.width().saturating_sub(gutter + 1);
    sheet.row(gutter, lines + 1, width, Ink::Rule, level);
    for tick in &panel.ticks {
        let Some(y) = plot.y.pixel(tick.value) else {
            continue;
        };
        let (_, line) = raster.cell_of(0, y);
        sheet.set(axis, 1 + line, Ink::Rule, sheet.look.pick('┤', '+'));
        sheet.put_right(axis - 1, 1 + line, Ink::Quiet, &tick.label);
    }
    for tick in time_ticks(plot, width) {
        if let Some(x) = plot.x.pixel(tick.value) {
            let (column, _) = raster.cell_of(x, 0);
            let stroke = sheet.look.pick('┬', '+');
            sheet.set(gutter + column, lines + 1, Ink::Rule, stroke);
        }
    }
}

fn time_ticks(plot: &Plot, width: usize) -> Vec<Tick> {
    ticks(plot.x.low, plot.x.high, (width / 14).max(2), Unit::Time)
}

/// The times that all graphs have in common.
fn times(page: &Page, gutter: usize, sheet: &mut Sheet<'_>) {
    let width = sheet.width().saturating_sub(gutter + 1);
    let plot = Plot {
        x: Scale::new(page.graphs.low, page.graphs.high, width),
        y: Scale::new(0, 1, 1),
    };
    let mut free = 0;
    for tick in time_ticks(&plot, width) {
        let Some(column) = plot.x.pixel(tick.value) else {
            continue;
        };
        let column = gutter + column;
        let start = column.saturating_sub(tick.label.len() / 2).max(free);
        if start + tick.label.len() <= sheet.width() {
            free = sheet.put(start, 0, Ink::Quiet, &tick.label) + 1;
        }
    }
}
