//! The terminal user interface: what is wrong in ten seconds, and the proof in one key more.
//!
//! ```text
//!  keys, mouse ─▶ Model::event ─┐            ┌─▶ view::draw ─▶ terminal
//!                               ├─▶ Model ───┤
//!  analysis ────▶ Model::news ──┘            └─▶ Effect ─▶ analysis thread, readers, files
//! ```
//!
//! This file has the terminal, and paces what is drawn and asked; [`session`] is the same without
//! either, for tests and benches. [`model`] holds everything that is shown, and is changed by events
//! and news alone (`answers`); [`view`] draws it and changes nothing; [`loader`] is the analysis thread,
//! [`desk`] its side of the screen (`ranking` what puts lists in order, `rate` bytes over time),
//! [`reading`] what reads one connection again. [`page`] is a
//! connection in full.
//!
//! - [`snapshot`] what is asked and answered; [`mod@column`], `lines` the lists; [`layout`] where
//!   things stand; [`choice`] the filter in force
//! - [`live`] what comes with frames that are captured as they are read; `sight` a filter that looks
//!   at them
//! - [`keys`], [`bindings`], [`own_keys`] the keys; [`palette`] commands by name; [`edit`] a typed line
//! - [`saving`] files made from the screen
//! - [`sheet`], [`spark`], [`theme`] how it is drawn; [`config`] what the user has set

mod answers;
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
mod lists;
pub mod live;
pub mod loader;
pub mod model;
pub mod own_keys;
pub mod page;
pub mod palette;
mod ranking;
mod rate;
pub mod reading;
pub mod saving;
pub mod scenarios;
pub mod session;
pub mod sheet;
mod sight;
pub mod snapshot;
pub mod spark;
pub mod talk;
mod terminal;
pub mod theme;
mod typing;
pub mod view;
mod watched;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::calls::CallLog;
use crate::filter::Filter;
use crate::source::SourceError;
use config::{Config, Memory};
use loader::Origin;
use saving::Writable;
use scenarios::Scenario;
use session::{Arrived, Session};
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
    /// Where files may be saved.
    pub writable: Writable,
}

/// A scenario that was run.
pub struct Run {
    /// Its frames.
    pub origin: Origin,
    /// Its call log.
    pub calls: Option<CallLog>,
}

/// Redraws a second at most.
const REDRAWS: u32 = 30;
/// How often what is still being read is asked for; more often at first, when everything is news.
const REFRESH: Duration = Duration::from_millis(150);
const FIRST: Duration = Duration::from_millis(20);

/// What is read before anything is shown: who is confined could not read it later.
pub struct Settings {
    config: Config,
    memory: Memory,
}

impl Settings {
    /// Reads the configuration and what is remembered, and gets hold of the terminal.
    ///
    /// # Errors
    /// When the configuration can't be understood, in words.
    pub fn load() -> Result<Self, String> {
        let settings = Self {
            config: Config::load()?,
            memory: Memory::load(),
        };
        // What listens for keys is made once; where there is no terminal that is told later.
        let _ = crossterm::event::poll(Duration::ZERO);
        Ok(settings)
    }

    /// The folder that what is remembered is written to, made where it is not there.
    pub fn folder(&self) -> Option<PathBuf> {
        self.memory.folder()
    }
}

/// Shows a capture until the user quits. Gives what was wrong with the inputs.
///
/// # Errors
/// When the terminal can't be used.
pub fn run(opening: Opening, settings: Settings) -> io::Result<Vec<SourceError>> {
    let mut terminal = Terminal::open()?;
    let Settings { config, memory } = settings;
    let mut session = Session::new(opening, config, memory, terminal.size());
    listen(session.sender());
    let result = turn(&mut session, &mut terminal);
    drop(terminal);
    if session.end_reading() {
        take_the_rest(&mut session);
    }
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

/// Keeps a page true while its connection goes on: asks again every second, or less often where
/// that takes long.
#[derive(Default)]
struct Renewal {
    asked: Option<Instant>,
    took: Duration,
    waits: bool,
}

impl Renewal {
    const OFTEN: Duration = Duration::from_secs(1);

    #[expect(clippy::disallowed_methods, reason = "it is paced in wall time")]
    fn go_on(&mut self, session: &mut Session) {
        let passed = self.asked.map(|asked| asked.elapsed());
        if session.is_renewing() {
            return;
        }
        if std::mem::take(&mut self.waits) {
            self.took = passed.unwrap_or_default();
        }
        // At most a tenth of the time goes to it.
        if passed.is_none_or(|passed| passed >= Self::OFTEN.max(self.took * 10)) {
            self.asked = Some(Instant::now());
            self.waits = session.renew();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "redraws are paced in wall time")]
fn turn(session: &mut Session, terminal: &mut Terminal) -> io::Result<()> {
    let pause = Duration::from_secs(1) / REDRAWS;
    let mut changed = true;
    let begun = Instant::now();
    let mut drawn = begun - pause;
    let mut asked = Instant::now();
    let mut renewal = Renewal::default();
    while !session.over {
        if changed && drawn.elapsed() >= pause {
            terminal.draw(&session.model)?;
            drawn = Instant::now();
            changed = false;
        }
        let refresh = (begun.elapsed() / 4).clamp(FIRST, REFRESH);
        let wait = if changed {
            Some(pause.saturating_sub(drawn.elapsed()))
        } else if session.is_reading() {
            Some(refresh.saturating_sub(asked.elapsed()))
        } else {
            None
        };
        let arrived = session.arrived();
        let first = match wait {
            Some(wait) => arrived.recv_timeout(wait),
            None => arrived.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match first {
            Ok(first) => {
                changed |= session.take(first);
                // What has come meanwhile is drawn at once.
                while let Ok(next) = session.arrived().try_recv() {
                    changed |= session.take(next);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if session.is_reading() && !session.waits() && asked.elapsed() >= refresh {
            session.refresh();
            asked = Instant::now();
            renewal.go_on(session);
        }
        if std::mem::take(&mut session.suspend) {
            terminal.suspend()?;
            session.redraw = true;
        }
        if std::mem::take(&mut session.redraw) {
            terminal.clear()?;
            session.model.size = terminal.size();
            changed = true;
        }
    }
    Ok(())
}

/// Waits, within reason, for what the kernel had captured and not handed over yet.
#[expect(clippy::disallowed_methods, reason = "the user waits")]
fn take_the_rest(session: &mut Session) {
    const PATIENCE: Duration = Duration::from_millis(500);
    let begun = Instant::now();
    while session.is_reading() {
        let left = PATIENCE.saturating_sub(begun.elapsed());
        let Ok(arrived) = session.arrived().recv_timeout(left) else {
            return;
        };
        if matches!(arrived, Arrived::News(..)) {
            session.take(arrived);
        }
    }
}
