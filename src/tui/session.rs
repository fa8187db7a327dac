//! The screen at work, without a terminal: events and news go in, and what the model cannot do
//! itself is done here. Tests drive it as the loop does.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use crossterm::event::Event;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::config::{Config, Memory};
use super::loader::{Loader, News};
use super::model::{Effect, Model, Screen};
use super::saving::{Writable, named};
use super::scenarios::Scenarios;
use super::snapshot::{Query, Snapshot};
use super::{Opening, Run, terminal, view};
use crate::analysis::{Analyzer, Observer, Options, Revisions};
use crate::filter::{Before, Filter, Found, Scan};
use crate::recording::{Recorder, Rotation};
use crate::report::escape::escaped;
use crate::report::style::Tone;
use crate::report::units::{self, counted};
use crate::source::{self, SourceError};

/// What can arrive.
pub(super) enum Arrived {
    Event(Event),
    /// Of the reading with this number.
    News(u64, News),
    Ran(Result<Box<Run>, String>),
    Signal,
    /// The terminal is gone.
    Hung,
}

/// The screen at work.
pub struct Session {
    /// What is shown.
    pub model: Model,
    loader: Option<Loader>,
    /// How many readings have begun: what an earlier one still says is of no interest.
    readings: u64,
    arrive: Sender<Arrived>,
    run: Arc<dyn Fn(usize) -> Result<Run, String> + Send + Sync>,
    scan: Option<Arc<AtomicBool>>,
    memory: Memory,
    writable: Writable,
    /// What was wrong with the inputs.
    pub problems: Vec<SourceError>,
    /// Whether everything has been read.
    pub(super) done: bool,
    /// How many questions were asked, and the latest that has been answered.
    asked: u64,
    answered: u64,
    /// What was ordered and has not come.
    ordered: usize,
    /// … of it, what is ordered as time goes by.
    renewing: usize,
    /// Whether the user has quit.
    pub over: bool,
    pub(super) redraw: bool,
    pub(super) suspend: bool,
    arrived: Receiver<Arrived>,
}

impl Session {
    /// Begins to read and to show.
    pub fn new(opening: Opening, config: Config, memory: Memory, size: (u16, u16)) -> Self {
        let (arrive, arrived) = mpsc::channel();
        let look = config.look(opening.unicode, opening.colour);
        let mut model = Model::new(look, size);
        model.scenarios = Scenarios::of(opening.scenarios);
        model.own_keys = config.keys;
        model.is_new = memory.is_new;
        memory.restore(&mut model);
        if let Some(columns) = config.columns {
            model.columns = Some(columns);
        }
        if let Some(sort) = config.sort {
            model.sorting[0].by = sort;
        }
        let mut session = Self {
            model,
            loader: None,
            readings: 0,
            arrive,
            run: Arc::from(opening.run),
            scan: None,
            memory,
            writable: opening.writable,
            problems: Vec::new(),
            done: false,
            asked: 0,
            answered: 0,
            ordered: 0,
            renewing: 0,
            over: false,
            redraw: false,
            suspend: false,
            arrived,
        };
        match opening.origin {
            Some(origin) => session.open(Run {
                origin,
                calls: opening.calls,
            }),
            None => {
                session.model.screen = Screen::Scenarios(session.model.scenarios.clone());
            }
        }
        if let Some((filter, text)) = opening.filter {
            let scan = session.model.choice.choose(filter, &text);
            if let Some((number, filter)) = scan {
                session.carry_out(vec![Effect::Scan(number, filter)]);
            }
        }
        session
    }

    /// Begins to read something.
    fn open(&mut self, run: Run) {
        let (news, arrived) = mpsc::channel();
        let arrive = self.arrive.clone();
        self.readings += 1;
        let reading = self.readings;
        thread::spawn(move || {
            for each in arrived {
                if arrive.send(Arrived::News(reading, each)).is_err() {
                    return;
                }
            }
        });
        self.model.snapshot = Snapshot::default();
        self.model.snapshot.header.inputs = run
            .origin
            .inputs
            .iter()
            .map(|input| escaped(input).to_string())
            .collect();
        self.model.screen = Screen::Triage;
        self.model.cursor = 0;
        self.model.note = None;
        self.model.opening = None;
        self.model.calls = run.calls.map(Arc::new);
        self.done = false;
        self.ordered = 0;
        self.renewing = 0;
        if let Some(scan) = self.scan.take() {
            scan.store(true, Ordering::Relaxed);
        }
        self.answered = self.asked;
        self.loader = Some(Loader::start(run.origin, news));
        self.ask();
    }

    pub(super) fn ask(&mut self) {
        self.put(self.model.query());
    }

    /// Asks as time goes by.
    pub fn refresh(&mut self) {
        self.put(Query {
            is_refresh: true,
            ..self.model.query()
        });
    }

    /// Asks for what has come to the connection on screen. Whether there is one.
    pub fn renew(&mut self) -> bool {
        if !self.model.is_live() {
            return false;
        }
        match (self.model.renewal(), &self.loader) {
            (Some(order), Some(loader)) => {
                loader.order(order);
                self.renewing += 1;
                true
            }
            _ => false,
        }
    }

    /// Whether that is still to come.
    pub(super) fn is_renewing(&self) -> bool {
        self.renewing > 0
    }

    fn put(&mut self, query: Query) {
        if let Some(loader) = &self.loader {
            self.asked += 1;
            let number = self.asked;
            loader.ask(Query { number, ..query });
        }
    }

    /// Whether lines were asked for that have not come: an answer to an earlier question is none.
    pub(super) fn waits(&self) -> bool {
        self.answered < self.asked
    }

    /// Whether more is still being read.
    pub fn is_reading(&self) -> bool {
        !self.done && self.loader.is_some()
    }

    /// Where events and news go.
    pub(super) fn sender(&self) -> Sender<Arrived> {
        self.arrive.clone()
    }

    /// What has come.
    pub(super) fn arrived(&self) -> &Receiver<Arrived> {
        &self.arrived
    }

    /// Takes an event of the terminal in.
    pub fn event(&mut self, event: Event) {
        self.take(Arrived::Event(event));
    }

    /// Takes in all that comes until nothing is read any more, unless it is captured now, and
    /// nothing asked for is still to come. What follows a pipe never settles.
    pub fn settle(&mut self) {
        while !self.over && self.is_unsettled() {
            match self.arrived.recv() {
                Ok(arrived) => {
                    self.take(arrived);
                }
                Err(_) => return,
            }
        }
    }

    /// As [`settle`](Self::settle) for what does not end: until nothing asked for is still to come.
    pub fn keep_up(&mut self) {
        while !self.over && (self.waits() || self.ordered > 0 || self.renewing > 0) {
            match self.arrived.recv() {
                Ok(arrived) => {
                    self.take(arrived);
                }
                Err(_) => return,
            }
        }
    }

    /// Whether something is still to come that will.
    fn is_unsettled(&self) -> bool {
        let is_ending = !self.done && !self.model.is_live();
        is_ending || self.waits() || self.ordered > 0 || self.scan.is_some()
    }

    /// Waits until a scenario that was asked for begins to be read, or can't be.
    pub fn wait_for_run(&mut self) {
        while let Ok(arrived) = self.arrived.recv() {
            let ran = matches!(arrived, Arrived::Ran(_));
            self.take(arrived);
            if ran {
                return;
            }
        }
    }

    /// Draws what is known.
    pub fn draw(&self, buffer: &mut Buffer) {
        let area: Rect = buffer.area;
        view::draw(&self.model, area, buffer);
    }

    /// Takes in what arrived. Whether there is something to draw.
    pub(super) fn take(&mut self, arrived: Arrived) -> bool {
        let effects = match arrived {
            Arrived::Event(event) => {
                if matches!(event, Event::Key(_)) && self.model.is_new {
                    self.model.is_new = false;
                    self.memory.keep(&self.model);
                }
                self.model.event(&event)
            }
            Arrived::News(reading, _) if reading != self.readings => return false,
            Arrived::News(_, news) => {
                let is_end = matches!(news, News::Done);
                match &news {
                    News::Snapshot(snapshot) => self.answered = self.answered.max(snapshot.number),
                    News::Problem(error) => self.problems.push(error.clone()),
                    News::Done => self.done = true,
                    News::Found(..) => self.scan = None,
                    News::Renewed(..) | News::TalkRenewed(_) | News::Ends(..) => {
                        self.renewing = self.renewing.saturating_sub(1);
                    }
                    News::Notice(_) | News::Watched(_) | News::Opening(_) => {}
                    News::Detail(..)
                    | News::Talk(_)
                    | News::Frame(_)
                    | News::Sieved(..)
                    | News::Stream(_)
                    | News::Failed(_) => self.ordered = self.ordered.saturating_sub(1),
                }
                let effects = self.model.news(news);
                if is_end {
                    // With what came since the page was last renewed.
                    self.renew();
                }
                effects
            }
            Arrived::Ran(Ok(run)) => {
                self.open(*run);
                Vec::new()
            }
            Arrived::Ran(Err(words)) => {
                self.model.note = Some((Tone::Bad, escaped(&words).to_string()));
                Vec::new()
            }
            Arrived::Signal | Arrived::Hung => {
                self.over = true;
                return false;
            }
        };
        self.carry_out(effects);
        true
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(query) => self.put(query),
                Effect::Order(order) => {
                    if let Some(loader) = &self.loader {
                        loader.order(order);
                        self.ordered += 1;
                    }
                }
                Effect::Scan(number, filter) => self.look_at_frames(number, filter),
                Effect::Copy(text) => terminal::copy(&text),
                Effect::Write(name, bytes) => self.write(&name, &bytes),
                Effect::Record(name) => self.record(&name),
                Effect::EndRecording => self.end_recording(),
                Effect::Remember => self.memory.keep(&self.model),
                Effect::Run(at) => {
                    let (run, arrive) = (Arc::clone(&self.run), self.arrive.clone());
                    self.model.note = Some((Tone::Quiet, "running".to_owned()));
                    thread::spawn(move || {
                        let _ = arrive.send(Arrived::Ran(run(at).map(Box::new)));
                    });
                }
                Effect::Redraw => self.redraw = true,
                Effect::Suspend => self.suspend = true,
                Effect::Quit => self.over = true,
            }
        }
    }

    /// Begins to record to a file that is not there yet.
    fn record(&mut self, name: &str) {
        let recorder = self
            .loader
            .as_ref()
            .and_then(|loader| loader.recorder.as_ref());
        let Some(recorder) = recorder else { return };
        let path = named(name);
        let shown = escaped(name);
        self.model.note = Some(if path.exists() {
            (Tone::Bad, format!("{shown} is there already"))
        } else {
            match recorder.start(&path, Rotation::default()) {
                Ok(()) => {
                    let before = recorder.status().map_or(0, |summary| summary.from_memory);
                    let words = match before {
                        0 => format!("recording to {shown}"),
                        frames => format!(
                            "recording to {shown}, beginning {} ago",
                            counted(frames, "frame")
                        ),
                    };
                    (Tone::Good, words)
                }
                Err(error) => {
                    let fence = self.writable.why_not(&path, &error);
                    let words = || escaped(&error.to_string()).to_string();
                    (Tone::Bad, fence.unwrap_or_else(words))
                }
            }
        });
        self.ask();
    }

    /// Ends the reading. Whether what had arrived until then is still worth waiting for: it goes
    /// into a recording.
    pub(super) fn end_reading(&self) -> bool {
        let Some(loader) = &self.loader else {
            return false;
        };
        let records = loader.recorder.as_ref().and_then(Recorder::status);
        loader.stop();
        records.is_some()
    }

    fn end_recording(&mut self) {
        let recorder = self
            .loader
            .as_ref()
            .and_then(|loader| loader.recorder.as_ref());
        if let Some(summary) = recorder.and_then(Recorder::stop) {
            let words = format!(
                "{} recorded in {}",
                counted(summary.frames, "frame"),
                escaped(&summary.path.to_string_lossy())
            );
            self.model.note = Some((Tone::Good, words));
        }
        self.ask();
    }

    /// Writes a file that is not there yet.
    fn write(&mut self, name: &str, bytes: &[u8]) {
        let path = named(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(bytes));
        let shown = escaped(name);
        self.model.note = Some(match written {
            Ok(()) => {
                let count = units::bytes(bytes.len() as u64);
                (Tone::Good, format!("wrote {count} to {shown}"))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                (Tone::Bad, format!("{shown} is there already"))
            }
            Err(error) => {
                let words = match self.writable.why_not(&path, &error) {
                    Some(fence) if self.has_files() => {
                        format!("{fence}; tcplens extract writes streams anywhere")
                    }
                    Some(fence) => fence,
                    None => format!("{shown}: {error}"),
                };
                (Tone::Bad, words)
            }
        });
    }

    /// Whether what is shown can be read from files again.
    fn has_files(&self) -> bool {
        let files = self.loader.as_ref().map(|loader| loader.files.as_slice());
        files.is_some_and(|files| {
            !files.is_empty() && files.iter().all(|file| file.as_os_str() != "-")
        })
    }

    /// Finds the connections with a frame that a filter matches: by reading the files again, or
    /// where that can't be done or would not be all, frame by frame as they pass.
    fn look_at_frames(&mut self, number: u64, filter: Arc<Filter>) {
        if let Some(earlier) = self.scan.take() {
            earlier.store(true, Ordering::Relaxed);
        }
        let Some(loader) = &self.loader else { return };
        if loader.grows || !self.has_files() {
            loader.look_for(number, filter);
            return;
        }
        let (files, options) = (loader.files.clone(), loader.options.clone());
        let stop = Arc::new(AtomicBool::new(false));
        self.scan = Some(Arc::clone(&stop));
        let (arrive, reading) = (self.arrive.clone(), self.readings);
        thread::spawn(move || {
            if let Some(found) = scan(&files, options, &filter, &stop) {
                let news = News::Found(number, Box::new(found));
                let _ = arrive.send(Arrived::News(reading, news));
            }
        });
    }
}

/// Reads files for the connections with a matching frame; nothing where it was stopped. Where a
/// filter asks for verdicts or figures, a reading before tells how they end.
fn scan(
    files: &[PathBuf],
    options: Options,
    filter: &Filter,
    stop: &Arc<AtomicBool>,
) -> Option<Found> {
    /// What revisions may take of the memory that is allowed.
    const SHARE: usize = 8;
    let mut before = Before::new(filter);
    let revisions = (filter.asks_for_verdicts() || filter.asks_for_figures()).then(|| {
        let mut revisions = Revisions::new(None, options.memory / SHARE);
        let first = read(files, &options, &mut revisions, stop);
        before.learn(filter, &first);
        revisions
    });
    let mut scan = Scan::new(filter, before, revisions);
    read(files, &options, &mut scan, stop);
    (!stop.load(Ordering::Relaxed)).then(|| scan.into_found())
}

/// Reads files to their end; what is wrong with them has been told.
fn read<O: Observer>(
    files: &[PathBuf],
    options: &Options,
    observer: &mut O,
    stop: &Arc<AtomicBool>,
) -> Analyzer {
    let opened = source::OpenOptions {
        stop: Arc::clone(stop),
        ..source::OpenOptions::default()
    };
    let mut analyzer = Analyzer::new(options.clone());
    if let Ok(mut source) = source::open(files, &opened) {
        let _ = source.run(&mut |arrival| analyzer.arrive(arrival, observer));
    }
    analyzer.finish(observer);
    analyzer
}
