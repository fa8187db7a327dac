//! What is told of a live source: events as they come, figures now and then.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::Duration;

use super::Arguments;
use super::restraint::Restraint;
use crate::analysis::{Analyzer, FlowView, FrameView, Observer};
use crate::flow::Socket;
use crate::host::Helper;
use crate::recording::{Recorder, Summary};
use crate::report::kernel_check::{Check, is_open};
use crate::report::live::{Moment, Printer};
use crate::source::Arrival;
use crate::source::live::Notices;
use crate::tcp::{Event, Role, What};
use crate::time::{Span, Timestamp};

/// Prints, records, and asks the kernel.
pub(super) struct Watch<W: Write> {
    printer: Printer<W>,
    recorder: Recorder,
    comments: bool,
    notices: Notices,
    helper: Option<Helper>,
    /// Connections of this host, as far as it said so: what was told of each endpoint.
    told: HashMap<(u32, usize), Told>,
    restraint: Restraint,
    left: u64,
    /// How long to watch, and when that began.
    duration: Option<Span>,
    began: Option<Timestamp>,
    interval: Span,
    /// When figures were last told, and what was counted then.
    last: Option<Moment>,
    /// When the kernel was last asked, and whether there is a connection that it was not asked of.
    asked: Option<Timestamp>,
    is_news: bool,
    now: Timestamp,
    counts: Counts,
    /// Whether something was printed that is not handed on.
    printed: bool,
    flushed: Timestamp,
    result: io::Result<()>,
}

#[derive(Debug, Default)]
struct Counts {
    frames: u64,
    bytes: u64,
    missed: u64,
    opened: u64,
    closed: u64,
}

/// What was told of an endpoint of this host.
#[derive(Debug, Default)]
struct Told {
    process: bool,
    /// What differed from the kernel's view when it was last asked.
    differed: Vec<&'static str>,
}

/// Endpoints that are remembered at most.
const MOST_TOLD: usize = 1 << 16;
/// Connections that are compared with the kernel's, at most: past it a flood is under way, and
/// those that lasted are.
const MOST_COMPARED: usize = 20_000;
/// How often the kernel is asked, and how long a new connection waits to be asked about.
const ASK: Span = Span::from_secs(1);
const ASK_OF_NEW: Span = Span::from_millis(20);
/// How long a line may wait for others, at most.
const FLUSH: Span = Span::from_millis(100);

fn span(duration: Duration) -> Span {
    Span::from_nanos(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

impl<W: Write> Watch<W> {
    pub(super) fn new(
        arguments: &Arguments,
        printer: Printer<W>,
        recorder: Recorder,
        notices: Notices,
        helper: Option<Helper>,
    ) -> Self {
        Self {
            printer,
            recorder,
            comments: arguments.record.comments,
            notices,
            helper,
            told: HashMap::new(),
            restraint: Restraint::default(),
            left: arguments.count.unwrap_or(u64::MAX),
            duration: arguments.duration.map(span),
            began: None,
            interval: span(arguments.interval),
            last: None,
            asked: None,
            is_news: false,
            now: Timestamp::default(),
            counts: Counts::default(),
            printed: false,
            flushed: Timestamp::default(),
            result: Ok(()),
        }
    }

    /// Takes an arrival in, through the analyzer.
    pub(super) fn arrive(
        &mut self,
        analyzer: &mut Analyzer,
        arrival: Arrival<'_>,
    ) -> ControlFlow<()> {
        let now = match arrival {
            Arrival::Frame(frame) => frame.time,
            Arrival::Quiet(now) => now,
            _ => return analyzer.arrive(arrival, self),
        };
        let is_frame = matches!(arrival, Arrival::Frame(_));
        self.now = now;
        if is_frame && self.left == 0 {
            return ControlFlow::Break(());
        }
        analyzer.arrive(arrival, self)?;
        // Looking at the time is cheap; anything else is done now and then.
        let begun = *self.began.get_or_insert(now);
        if now - self.flushed >= FLUSH || now < self.flushed {
            self.now_and_then(analyzer);
        }
        let is_over = self
            .duration
            .is_some_and(|duration| now - begun >= duration);
        if is_over || self.left == 0 || self.result.is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Hands on what is printed; tells what has come from elsewhere.
    fn now_and_then(&mut self, analyzer: &Analyzer) {
        let now = self.now;
        self.flushed = now;
        while let Some(notice) = self.notices.take() {
            let text = notice.to_string();
            self.print(|printer| printer.notice(now, &text));
        }
        while let Some(notice) = self.recorder.take_notice() {
            let text = notice.to_string();
            self.print(|printer| printer.notice(now, &text));
        }
        self.look_at_host(analyzer);
        if self.interval > Span::ZERO {
            let due = match &self.last {
                None => {
                    self.last = Some(self.moment(analyzer));
                    false
                }
                Some(last) => now - last.time >= self.interval,
            };
            if due {
                let moment = self.moment(analyzer);
                self.print(|printer| printer.figures(&moment, false));
                self.last = Some(moment);
            }
        }
        if self.printed && self.result.is_ok() {
            self.printed = false;
            self.result = self.printer.flush();
        }
    }

    fn print(&mut self, print: impl FnOnce(&mut Printer<W>) -> io::Result<()>) {
        if self.result.is_ok() {
            self.printed = true;
            self.result = print(&mut self.printer);
        }
    }

    fn moment(&self, analyzer: &Analyzer) -> Moment {
        let counts = &self.counts;
        let before = self.last.unwrap_or_default();
        let of = |now: u64, before: u64| [now, now.saturating_sub(before)];
        Moment {
            time: self.now,
            since: match &self.last {
                Some(last) => self.now - last.time,
                None => Span::ZERO,
            },
            frames: of(counts.frames, before.frames[0]),
            bytes: of(counts.bytes, before.bytes[0]),
            missed: of(counts.missed, before.missed[0]),
            opened: counts.opened,
            closed: counts.closed,
            evicted: analyzer.evicted().connections,
            untold: self.restraint.count(),
            memory: analyzer.memory(),
        }
    }

    /// Asks for this host's sockets, and tells what has come of that.
    fn look_at_host(&mut self, analyzer: &Analyzer) {
        let Some(mut helper) = self.helper.take() else {
            return;
        };
        if helper.look() {
            self.compare(analyzer, &helper);
        }
        self.helper = Some(helper);
        self.ask(if self.is_news { ASK_OF_NEW } else { ASK });
    }

    /// Asks for this host's sockets, when that was last done so long ago.
    fn ask(&mut self, wait: Span) {
        let Some(helper) = &mut self.helper else {
            return;
        };
        let is_due = self.asked.is_none_or(|asked| self.now - asked >= wait);
        if is_due && helper.ask() {
            self.asked = Some(self.now);
            self.is_news = false;
        }
    }

    /// The kernel's view of every connection of this host beside ours.
    fn compare(&mut self, analyzer: &Analyzer, helper: &Helper) {
        let now = self.now;
        if self.told.len() > MOST_TOLD {
            self.told.clear();
        }
        let connections = if analyzer.flows() > MOST_COMPARED {
            analyzer.lasting_connections()
        } else {
            analyzer.connections()
        };
        if connections.len() > MOST_COMPARED {
            return;
        }
        for (id, slot) in connections {
            if self.restraint.is_untold(id) {
                continue;
            }
            analyzer.connection(slot, |view| {
                if !is_open(view, now) && self.told.contains_key(&(id, 0)) {
                    return;
                }
                for role in Role::BOTH {
                    let (own, other) = (view.socket(role), view.socket(role.peer()));
                    let Some(socket) = helper.socket(address(own), address(other)) else {
                        continue;
                    };
                    let mut told = self.told.remove(&(id, role as usize)).unwrap_or_default();
                    if let (Some(process), false) = (&socket.process, told.process) {
                        told.process = true;
                        self.print(|printer| printer.process(now, id, role, process));
                    }
                    let check = Check::new(view, role, socket);
                    let differs = check.differs();
                    // Told to people when it still differs, and is not told yet.
                    let again: HashSet<_> = differs.iter().collect();
                    let persists = told.differed.iter().any(|what| again.contains(what));
                    self.print(|printer| printer.kernel(now, &check, persists));
                    told.differed = differs;
                    self.told.insert((id, role as usize), told);
                }
            });
        }
    }

    /// Ends recording and says the last figures.
    pub(super) fn end(mut self, analyzer: &Analyzer) -> io::Result<Option<Summary>> {
        let summary = self.recorder.stop();
        while let Some(notice) = self.recorder.take_notice() {
            let (now, text) = (self.now, notice.to_string());
            self.print(|printer| printer.notice(now, &text));
        }
        if let Some(mut helper) = self.helper.take() {
            helper.ask();
            if helper.wait(Duration::from_millis(500)) {
                self.compare(analyzer, &helper);
            }
        }
        let now = self.now;
        for (id, slot) in analyzer.connections() {
            if self.restraint.is_untold(id) {
                continue;
            }
            analyzer.connection(slot, |view| {
                if !view.connection.is_over() {
                    self.print(|printer| printer.still_open(now, view));
                }
            });
        }
        let moment = self.moment(analyzer);
        self.print(|printer| printer.figures(&moment, true));
        self.result?;
        self.printer.flush()?;
        Ok(summary)
    }
}

fn address(socket: Socket) -> SocketAddr {
    SocketAddr::new(socket.address.to_ip(), socket.port)
}

impl<W: Write> Observer for Watch<W> {
    fn wants_half_open(&mut self, connection: u32, time: Timestamp) -> bool {
        let is_for_later = self.restraint.is_for_later(connection, time);
        self.counts.opened += u64::from(is_for_later);
        !is_for_later
    }

    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        self.left -= 1;
        self.counts.frames += 1;
        self.counts.bytes += u64::from(view.frame.wire_len);
        let comment = if self.comments {
            comment(view.events)
        } else {
            None
        };
        self.recorder.frame(view.frame, comment.as_deref());
        let FlowView::Tcp { view: tcp, .. } = view.flow else {
            return ControlFlow::Continue(());
        };
        let is_new = tcp.connection.first_frame == view.frame.number;
        if !is_new && view.events.is_empty() {
            return ControlFlow::Continue(());
        }
        let is_closed = has_just_closed(view, is_new);
        self.counts.opened += u64::from(is_new);
        let is_new = is_new || self.restraint.tells(tcp.id);
        self.counts.closed += u64::from(is_closed);
        if is_closed {
            self.told.remove(&(tcp.id, 0));
            self.told.remove(&(tcp.id, 1));
        }
        self.print(|printer| printer.frame(view, is_new, is_closed));
        if is_new {
            // Before it is gone.
            self.is_news = true;
            self.ask(ASK_OF_NEW);
        }
        ControlFlow::Continue(())
    }

    fn late(&mut self, connection: u32, events: &[Event]) {
        self.print(|printer| printer.events(connection, events));
    }

    fn aside(&mut self, arrival: &Arrival<'_>) {
        self.recorder.aside(arrival);
        let now = self.now;
        match *arrival {
            Arrival::Missed { interface, frames } => {
                self.counts.missed += frames;
                self.print(|printer| printer.missed(now, interface, frames));
            }
            Arrival::Interface(each) => {
                self.print(|printer| printer.interface(each.index, each.name, each.link.0));
            }
            _ => {}
        }
    }
}

/// Whether this frame ended its connection: both endpoints are over, and one was not before.
fn has_just_closed(view: &FrameView<'_>, is_new: bool) -> bool {
    let FlowView::Tcp { view: tcp, .. } = view.flow else {
        return false;
    };
    if !tcp.connection.is_over() {
        return false;
    }
    is_new
        || view.events.iter().any(|event| match event.what {
            What::State { before, .. } => !before.is_over(),
            _ => false,
        })
}

/// The verdicts of a frame, as a comment on it.
fn comment(events: &[Event]) -> Option<String> {
    let verdicts: Vec<String> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Verdict(verdict) => Some(verdict.to_string()),
            _ => None,
        })
        .collect();
    (!verdicts.is_empty()).then(|| verdicts.join("; "))
}
