//! The terminal user interface: what is wrong in ten seconds, and the proof in one key more.
//!
//! ```text
//!  keys, mouse ─▶ Model::event ─┐            ┌─▶ view::draw ─▶ terminal
//!                               ├─▶ Model ───┤
//!  analysis ────▶ Model::news ──┘            └─▶ Effect ─▶ analysis thread, readers, files
//! ```
//!
//! This file is the only one with a terminal, a clock and a channel. [`model`] holds everything
//! that is shown, and is changed by events and news alone; [`view`] draws it and changes nothing;
//! [`loader`] is the analysis thread, [`desk`] its side of the screen, [`reading`] what reads one
//! connection again. [`page`] is a connection in full.
//!
//! - [`snapshot`] what is asked and answered; [`column`], [`lines`] the lists; [`layout`] where
//!   things stand; [`choice`] the filter in force
//! - [`keys`], [`bindings`] the keys; [`palette`] commands by name; [`edit`] a typed line
//! - [`sheet`], [`spark`], [`theme`] how it is drawn; [`config`] what the user has set

pub mod bindings;
pub mod choice;
pub mod column;
pub mod config;
mod copied;
pub mod desk;
pub mod edit;
pub mod keys;
mod known;
pub mod layout;
mod lines;
pub mod loader;
pub mod model;
pub mod page;
pub mod palette;
pub mod reading;
pub mod scenarios;
pub mod sheet;
pub mod snapshot;
pub mod spark;
pub mod talk;
mod terminal;
pub mod theme;
pub mod view;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::Event;

use crate::analysis::{Analyzer, Options};
use crate::calls::CallLog;
use crate::filter::{Filter, Scan};
use crate::report::escape::escaped;
use crate::report::style::Tone;
use crate::source::{self, SourceError};
use config::{Config, Memory};
use loader::{Loader, News, Origin};
use model::{Effect, Model};
use scenarios::{Scenario, Scenarios};
use terminal::Terminal;

/// What is to be shown, and what else the screen can be asked for.
pub struct Opening {
    /// Where frames come from; nothing where a scenario is to be chosen first.
    pub origin: Option<Origin>,
    /// The scenarios that can be run.
    pub scenarios: Vec<Scenario>,
    /// Runs one of them.
    pub run: Box<dyn Fn(usize) -> Result<Run, String> + Send + Sync>,
    /// The calls beside the capture.
    pub calls: Option<CallLog>,
    /// A filter to begin with.
    pub filter: Option<(Filter, String)>,
    /// Whether colours may be used, if the user said so on the command line.
    pub colour: Option<bool>,
    /// Whether the locale has characters beyond ASCII.
    pub unicode: bool,
}

/// A scenario that was run.
pub struct Run {
    /// Its frames.
    pub origin: Origin,
    /// Its call log.
    pub calls: Option<CallLog>,
}

/// What can arrive.
enum Arrived {
    Event(Event),
    News(News),
    Ran(Result<Box<Run>, String>),
    Signal,
    /// The terminal is gone.
    Hung,
}

/// Redraws a second at most.
const REDRAWS: u32 = 30;
/// How often what is still being read is asked for.
const REFRESH: Duration = Duration::from_millis(150);

/// Shows a capture until the user quits. Gives what was wrong with the inputs.
///
/// # Errors
/// When the terminal can't be used.
pub fn run(opening: Opening) -> io::Result<Vec<SourceError>> {
    let config = Config::load().map_err(io::Error::other)?;
    let (arrive, arrived) = mpsc::channel();
    let mut terminal = Terminal::open()?;
    listen(arrive.clone());
    let mut session = Session::new(opening, config, terminal.size(), arrive);
    let result = session.run(&mut terminal, &arrived);
    drop(terminal);
    result.map(|()| session.problems)
}

/// Reads the terminal in a thread of its own, and turns signals into arrivals.
fn listen(arrive: Sender<Arrived>) {
    let signals = arrive.clone();
    // A program that can't be told to end would still end by its keys.
    let _ = ctrlc::set_handler(move || {
        let _ = signals.send(Arrived::Signal);
    });
    thread::spawn(move || {
        loop {
            let sent = match crossterm::event::read() {
                Ok(event) => arrive.send(Arrived::Event(event)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                Err(_) => {
                    let _ = arrive.send(Arrived::Hung);
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
    });
}

/// The screen at work.
struct Session {
    model: Model,
    loader: Option<Loader>,
    arrive: Sender<Arrived>,
    run: Arc<dyn Fn(usize) -> Result<Run, String> + Send + Sync>,
    scan: Option<Arc<AtomicBool>>,
    memory: Memory,
    problems: Vec<SourceError>,
    /// Whether everything has been read.
    done: bool,
    /// Whether lines were asked for that have not come.
    waits: bool,
    over: bool,
    redraw: bool,
    suspend: bool,
}

impl Session {
    fn new(opening: Opening, config: Config, size: (u16, u16), arrive: Sender<Arrived>) -> Self {
        let memory = Memory::load();
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
            arrive,
            run: Arc::from(opening.run),
            scan: None,
            memory,
            problems: Vec::new(),
            done: false,
            waits: false,
            over: false,
            redraw: false,
            suspend: false,
        };
        match opening.origin {
            Some(origin) => session.open(Run {
                origin,
                calls: opening.calls,
            }),
            None => {
                session.model.screen = model::Screen::Scenarios(session.model.scenarios.clone());
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
        thread::spawn(move || {
            for each in arrived {
                if arrive.send(Arrived::News(each)).is_err() {
                    return;
                }
            }
        });
        self.model.snapshot = snapshot::Snapshot::default();
        self.model.snapshot.header.inputs = run
            .origin
            .inputs
            .iter()
            .map(|input| escaped(input).to_string())
            .collect();
        self.model.screen = model::Screen::Triage;
        self.model.cursor = 0;
        self.model.opening = None;
        self.model.calls = Arc::new(page::data::Call::all(run.calls.as_ref()));
        self.done = false;
        self.loader = Some(Loader::start(run.origin, news));
        self.ask();
    }

    fn ask(&mut self) {
        if let Some(loader) = &self.loader {
            loader.ask(self.model.query());
            self.waits = true;
        }
    }

    #[expect(clippy::disallowed_methods, reason = "redraws are paced in wall time")]
    fn run(&mut self, terminal: &mut Terminal, arrived: &Receiver<Arrived>) -> io::Result<()> {
        let pause = Duration::from_secs(1) / REDRAWS;
        let mut changed = true;
        let mut drawn = Instant::now() - pause;
        let mut asked = Instant::now();
        while !self.over {
            if changed && drawn.elapsed() >= pause {
                terminal.draw(&self.model)?;
                drawn = Instant::now();
                changed = false;
            }
            let wait = if changed {
                Some(pause.saturating_sub(drawn.elapsed()))
            } else if !self.done && self.loader.is_some() {
                Some(REFRESH.saturating_sub(asked.elapsed()))
            } else {
                None
            };
            let first = match wait {
                Some(wait) => arrived.recv_timeout(wait),
                None => arrived.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match first {
                Ok(first) => {
                    changed |= self.take(first);
                    // What has come meanwhile is drawn at once.
                    while let Ok(next) = arrived.try_recv() {
                        changed |= self.take(next);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if !self.done && !self.waits && asked.elapsed() >= REFRESH {
                self.ask();
                asked = Instant::now();
            }
            if std::mem::take(&mut self.suspend) {
                terminal.suspend()?;
                self.redraw = true;
            }
            if std::mem::take(&mut self.redraw) {
                terminal.clear()?;
                self.model.size = terminal.size();
                changed = true;
            }
        }
        Ok(())
    }

    /// Takes in what arrived. Whether there is something to draw.
    fn take(&mut self, arrived: Arrived) -> bool {
        let effects = match arrived {
            Arrived::Event(event) => {
                if matches!(event, Event::Key(_)) && self.model.is_new {
                    self.model.is_new = false;
                    self.memory.keep(&self.model);
                }
                self.model.event(&event)
            }
            Arrived::News(news) => {
                match &news {
                    News::Snapshot(_) => self.waits = false,
                    News::Problem(error) => self.problems.push(error.clone()),
                    News::Done => self.done = true,
                    _ => {}
                }
                self.model.news(news)
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
                Effect::Ask(query) => {
                    if let Some(loader) = &self.loader {
                        loader.ask(query);
                        self.waits = true;
                    }
                }
                Effect::Order(order) => {
                    if let Some(loader) = &self.loader {
                        loader.order(order);
                    }
                }
                Effect::Scan(number, filter) => self.look_at_frames(number, filter),
                Effect::Copy(text) => terminal::copy(&text),
                Effect::Write(name, bytes) => self.write(&name, &bytes),
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

    /// Writes a file that is not there yet.
    fn write(&mut self, name: &str, bytes: &[u8]) {
        let file = OpenOptions::new().write(true).create_new(true).open(name);
        let written = file.and_then(|mut file| file.write_all(bytes));
        let shown = escaped(name);
        self.model.note = Some(match written {
            Ok(()) => {
                let count = crate::report::units::bytes(bytes.len() as u64);
                (Tone::Good, format!("wrote {count} to {shown}"))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                (Tone::Bad, format!("{shown} is there already"))
            }
            Err(error) => (Tone::Bad, format!("{shown}: {error}")),
        });
    }

    /// Finds the connections with a frame that a filter matches, by reading the files again.
    fn look_at_frames(&mut self, number: u64, filter: Arc<Filter>) {
        if let Some(earlier) = self.scan.take() {
            earlier.store(true, Ordering::Relaxed);
        }
        let Some(loader) = &self.loader else { return };
        if loader.files.is_empty() || loader.files.iter().any(|file| file.as_os_str() == "-") {
            let words = "only figures are asked: what comes from a pipe is not read again";
            self.model.note = Some((Tone::Warning, words.to_owned()));
            return;
        }
        let (files, options) = (loader.files.clone(), loader.options.clone());
        let stop = Arc::new(AtomicBool::new(false));
        self.scan = Some(Arc::clone(&stop));
        let arrive = self.arrive.clone();
        thread::spawn(move || {
            if let Some(found) = scan(&files, options, &filter, &stop) {
                let news = News::Found(number, Box::new(found));
                let _ = arrive.send(Arrived::News(news));
            }
        });
    }
}

/// Reads files for the connections with a matching frame; nothing where it was stopped.
fn scan(
    files: &[std::path::PathBuf],
    options: Options,
    filter: &Filter,
    stop: &Arc<AtomicBool>,
) -> Option<crate::filter::Found> {
    let opened = source::OpenOptions {
        stop: Arc::clone(stop),
        ..source::OpenOptions::default()
    };
    let mut analyzer = Analyzer::new(options);
    let mut scan = Scan::new(filter, None);
    // What is wrong with the files has been told.
    if let Ok(mut source) = source::open(files, &opened) {
        let _ = source.run(&mut |arrival| analyzer.arrive(arrival, &mut scan));
    }
    analyzer.finish(&mut scan);
    (!stop.load(Ordering::Relaxed)).then(|| scan.into_found())
}
