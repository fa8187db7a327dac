//! What is told of a live source: events as they come, figures now and then.

use std::collections::HashSet;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::time::Duration;

use super::Arguments;
use super::restraint::Restraint;
use crate::analysis::{Analyzer, FlowView, FrameView, Observer};
use crate::filter::{Before, Filter};
use crate::host::{Asking, Helper};
use crate::recording::{Recorder, Summary};
use crate::report::kernel_check::{Learning, Learnt};
use crate::report::live::{Moment, Printer};
use crate::report::verdict;
use crate::source::Arrival;
use crate::source::live::Notices;
use crate::tcp::{Event, What};
use crate::time::{Span, Timestamp};

/// Prints, records, and asks the kernel.
pub(super) struct Watch<W: Write> {
    printer: Printer<W>,
    recorder: Recorder,
    comments: bool,
    notices: Notices,
    host: Option<Asking>,
    learning: Learning,
    /// Which frames are told of; all where there is none.
    filter: Option<(Filter, Before)>,
    /// Connections that had one.
    chosen: HashSet<u32>,
    restraint: Restraint,
    left: u64,
    /// How long to watch, and when that began.
    duration: Option<Span>,
    began: Option<Timestamp>,
    interval: Span,
    /// When figures were last told, and what was counted then.
    last: Option<Moment>,
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
            host: helper.map(Asking::new),
            learning: Learning::default(),
            filter: arguments.filtering.filter().map(|filter| {
                let before = Before::new(filter);
                (filter.clone(), before)
            }),
            chosen: HashSet::new(),
            restraint: Restraint::default(),
            left: arguments.count.unwrap_or(u64::MAX),
            duration: arguments.duration.map(span),
            began: None,
            interval: span(arguments.interval),
            last: None,
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

    /// Whether a frame of a connection is told of.
    fn is_told(&mut self, view: &FrameView<'_>, id: u32) -> bool {
        /// Connections that are remembered at most.
        const MOST: usize = 1 << 20;
        let Some((filter, before)) = &self.filter else {
            return true;
        };
        let is_told = filter.matches_frame(view, before);
        if is_told && self.chosen.len() < MOST {
            self.chosen.insert(id);
        }
        is_told
    }

    /// Whether a connection is told of besides its frames.
    fn is_chosen(&self, id: u32) -> bool {
        self.filter.is_none() || self.chosen.contains(&id)
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
            unfinished: analyzer.evicted().unfinished,
            untold: self.restraint.count(),
            memory: analyzer.memory(),
        }
    }

    /// Asks for this host's sockets, and tells what has come of that.
    fn look_at_host(&mut self, analyzer: &Analyzer) {
        let now = self.now;
        if self.host.as_mut().is_some_and(|host| host.look(now)) {
            self.learn(analyzer);
        }
    }

    /// The kernel's view of every connection of this host beside ours.
    fn learn(&mut self, analyzer: &Analyzer) {
        let now = self.now;
        let Some(host) = &self.host else { return };
        let (printer, result) = (&mut self.printer, &mut self.result);
        let (filter, chosen) = (&self.filter, &self.chosen);
        let restraint = &self.restraint;
        self.learning
            .learn(analyzer, host.helper(), now, &mut |learnt| {
                let id = match &learnt {
                    Learnt::Process(id, ..) => *id,
                    Learnt::Compared(check, ..) => check.connection(),
                };
                let is_chosen = filter.is_none() || chosen.contains(&id);
                if result.is_ok() && is_chosen && !restraint.is_untold(id) {
                    *result = match learnt {
                        Learnt::Process(id, role, process) => {
                            printer.process(now, id, role, process)
                        }
                        Learnt::Compared(check, _, persists) => {
                            printer.kernel(now, check, persists)
                        }
                    };
                }
            });
        self.printed = true;
    }

    /// Ends recording and says the last figures.
    pub(super) fn end(mut self, analyzer: &Analyzer) -> io::Result<Option<Summary>> {
        let summary = self.recorder.stop();
        while let Some(notice) = self.recorder.take_notice() {
            let (now, text) = (self.now, notice.to_string());
            self.print(|printer| printer.notice(now, &text));
        }
        if self.host.as_mut().is_some_and(Asking::last) {
            self.learn(analyzer);
        }
        let now = self.now;
        for (id, slot) in analyzer.connections() {
            if self.restraint.is_untold(id) {
                continue;
            }
            analyzer.connection(slot, |view| {
                if !view.connection.is_over() && self.is_chosen(view.id) {
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
            verdict::comment(view.events)
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
            self.learning.forget(tcp.id);
        }
        if self.is_told(view, tcp.id) {
            self.print(|printer| printer.frame(view, is_new, is_closed));
        }
        if is_new {
            // Before it is gone.
            let now = self.now;
            if let Some(host) = &mut self.host {
                host.connection_began(now);
            }
        }
        ControlFlow::Continue(())
    }

    fn late(&mut self, connection: u32, events: &[Event]) {
        if self.is_chosen(connection) {
            self.print(|printer| printer.events(connection, events));
        }
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
