//! The analysis thread: reads the source through the analyzer, and in between answers what the
//! screen asks for. It never waits for the screen; the screen never waits for it.
//!
//! ```text
//! screen ──Mail──▶ analysis thread ──News──▶ screen
//!                     └ reading threads (one connection, one frame, a filter's scan) ──News──┘
//! ```

use core::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::desk::Desk;
use super::live::{HostEnds, Live, Watching};
use super::reading::{self, Order};
use super::sight::Recalled;
use super::snapshot::{Query, Snapshot};
use crate::analysis::detail::{Ask, Detail, StreamView, Talk};
use crate::analysis::{Analyzer, FlowId, FrameIndex, Options};
use crate::filter::{Filter, Found, Sieve};
use crate::recording::Recorder;
use crate::report::Problem;
use crate::report::units::grouped;
use crate::source::{self, Arrival, OpenOptions, Progress, Source, SourceError, Trail};

/// Makes a source: told where to leave what is needed to read frames again, and what to look at
/// for an early end.
pub type Make = Box<dyn FnOnce(&OpenOptions) -> Result<Box<dyn Source + Send>, SourceError> + Send>;

/// Where frames come from.
pub struct Origin {
    /// Names of the inputs, as the user gave them.
    pub inputs: Vec<String>,
    /// The files, where there are some: for reading them again from the beginning.
    pub files: Vec<PathBuf>,
    /// Whether the inputs may still grow.
    pub follow: bool,
    /// How it is opened.
    pub make: Make,
    /// How it is analyzed.
    pub options: Options,
    /// What comes with frames that are captured as they are read.
    pub live: Option<Live>,
}

impl Origin {
    /// Capture files, one after the other in time.
    pub fn files(files: Vec<PathBuf>, follow: bool, options: Options) -> Self {
        let inputs = files
            .iter()
            .map(|file| file.to_string_lossy().into_owned())
            .collect();
        let opened = files.clone();
        Self {
            inputs,
            files,
            follow,
            make: Box::new(move |options| source::open(&opened, options)),
            options,
            live: None,
        }
    }
}

/// What the analysis thread and its readers tell.
pub enum News {
    /// What was asked for.
    Snapshot(Box<Snapshot>),
    /// This flow is read again.
    Opening(FlowId),
    /// A connection in full, and what this host knows of its ends.
    Detail(Arc<Detail>, HostEnds),
    /// The connection on screen, as it is by now.
    Renewed(Arc<Detail>, HostEnds),
    /// The conversation on screen, as it is by now.
    TalkRenewed(Arc<Talk>),
    /// Nothing came to the connection on screen but what this host says of its ends.
    Ends(FlowId, HostEnds),
    /// Something a user should be told: escaped.
    Notice(String),
    /// A UDP conversation in full.
    Talk(Arc<Talk>),
    /// A frame of the connection on screen.
    Frame(Box<super::page::OpenFrame>),
    /// The frames of the connection on screen that a filter matches, or why that can't be known.
    Sieved(Arc<Filter>, Result<Vec<u64>, String>),
    /// The streams of the connection on screen.
    Stream(Arc<StreamView>),
    /// Which connections a filter matches, for the filter of this number.
    Found(u64, Box<Found>),
    /// The filter of this number has looked at the frames before, and looks at those that pass.
    Watched(u64),
    /// It can't be had, in words.
    Failed(String),
    /// The inputs are damaged or can't be opened.
    Problem(SourceError),
    /// Everything has been read.
    Done,
}

/// What the screen wants to know, the latest only.
#[derive(Default)]
struct Wishes {
    query: Option<Query>,
    orders: Vec<Order>,
    sight: Option<(u64, Arc<Filter>)>,
    recalled: Option<Recalled>,
    closed: bool,
}

impl Wishes {
    fn is_empty(&self) -> bool {
        let asks = self.query.is_some() || !self.orders.is_empty();
        !(asks || self.sight.is_some() || self.recalled.is_some() || self.closed)
    }
}

/// A letter box: the analysis thread looks at a flag between two frames.
#[derive(Default)]
struct Mail {
    asked: AtomicBool,
    wishes: Mutex<Wishes>,
    bell: Condvar,
}

impl Mail {
    fn open(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, put: impl FnOnce(&mut Wishes)) {
        put(&mut self.open());
        self.asked.store(true, Ordering::Release);
        self.bell.notify_one();
    }

    fn take(&self) -> Wishes {
        let mut wishes = self.open();
        self.asked.store(false, Ordering::Relaxed);
        Wishes {
            query: wishes.query.take(),
            orders: std::mem::take(&mut wishes.orders),
            sight: wishes.sight.take(),
            recalled: wishes.recalled.take(),
            closed: wishes.closed,
        }
    }
}

/// The analysis thread, from the screen's side. Dropping it ends the reading.
pub struct Loader {
    mail: Arc<Mail>,
    stop: Arc<AtomicBool>,
    /// Names of the inputs.
    pub inputs: Vec<String>,
    /// The files that can be read again from the beginning.
    pub files: Vec<PathBuf>,
    /// Whether more may come than there is now.
    pub grows: bool,
    /// How they are analyzed.
    pub options: Options,
    /// What records, where something can be recorded.
    pub recorder: Option<Recorder>,
}

/// Bytes kept aside of what can be read only once.
const SPOOL: u64 = 8 << 30;

impl Loader {
    /// Begins to read.
    pub fn start(origin: Origin, news: Sender<News>) -> Self {
        let mail = Arc::new(Mail::default());
        let stop = Arc::new(AtomicBool::new(false));
        let loader = Self {
            mail: Arc::clone(&mail),
            stop: Arc::clone(&stop),
            inputs: origin.inputs.clone(),
            files: origin.files.clone(),
            grows: origin.follow || origin.live.is_some(),
            options: origin.options.clone(),
            recorder: origin.live.as_ref().map(|live| live.recorder.clone()),
        };
        let work = Work {
            trail: match &origin.live {
                Some(live) => Trail::turning(live.keep),
                None => Trail::new(SPOOL),
            },
            progress: Progress::default(),
            mail,
            stop,
            news,
            looked: Pace::begin(),
            mended: Pace::begin(),
            done: false,
        };
        thread::spawn(move || work.run(origin));
        loader
    }

    /// Asks for a list. Only the latest question is answered.
    pub fn ask(&self, query: Query) {
        self.mail.put(|wishes| wishes.query = Some(query));
    }

    /// Lets a filter look at the frames, those that were and those that come. Only the latest is in
    /// force.
    pub fn look_for(&self, number: u64, filter: Arc<Filter>) {
        self.mail
            .put(|wishes| wishes.sight = Some((number, filter)));
    }

    /// Asks for something to be read again.
    pub fn order(&self, order: Order) {
        self.mail.put(|wishes| wishes.orders.push(order));
    }

    /// Ends the reading; what was read stays.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.stop();
        self.mail.put(|wishes| wishes.closed = true);
    }
}

/// How often something dear is done: at most a twentieth of the time, and more often at first, when
/// everything is news.
struct Pace {
    begun: Instant,
    last: Option<Instant>,
    cost: Duration,
}

impl Pace {
    const USUAL: Duration = Duration::from_millis(250);

    #[expect(clippy::disallowed_methods, reason = "it paces what the screen shows")]
    fn begin() -> Self {
        Self {
            begun: Instant::now(),
            last: None,
            cost: Duration::ZERO,
        }
    }

    fn is_due(&self) -> bool {
        let usual = Self::USUAL.min(self.begun.elapsed() / 4);
        self.is_after(usual)
    }

    /// Whether it costs no more than is allowed.
    fn is_affordable(&self) -> bool {
        self.is_after(Duration::ZERO)
    }

    fn is_after(&self, usual: Duration) -> bool {
        let wait = (self.cost * 20).max(usual);
        self.last.is_none_or(|last| last.elapsed() >= wait)
    }

    #[expect(clippy::disallowed_methods, reason = "it paces what the screen shows")]
    fn measured(&mut self, work: impl FnOnce()) {
        let begun = Instant::now();
        work();
        self.cost = begun.elapsed();
        self.last = Some(Instant::now());
    }
}

struct Work {
    trail: Trail,
    progress: Progress,
    mail: Arc<Mail>,
    stop: Arc<AtomicBool>,
    news: Sender<News>,
    looked: Pace,
    /// Lists put in order before it was time, since lines in sight had moved.
    mended: Pace,
    done: bool,
}

impl Work {
    fn run(mut self, origin: Origin) {
        /// What the index of frames may take of the memory that is allowed.
        const SHARE: usize = 4;
        let memory = origin.options.memory;
        let index = FrameIndex::new(memory / SHARE);
        let analyzer = Analyzer::new(Options {
            memory: memory - memory / SHARE,
            ..origin.options.clone()
        });
        let mut desk = Desk::new(analyzer, index, origin.inputs);
        desk.watching = origin.live.map(Watching::new);
        let options = OpenOptions {
            follow: origin.follow,
            stop: Arc::clone(&self.stop),
            progress: self.progress.clone(),
            trail: Some(self.trail.clone()),
        };
        match (origin.make)(&options) {
            Err(error) => self.problem(&mut desk, error),
            Ok(mut source) => {
                let result = source.run(&mut |arrival: Arrival<'_>| {
                    if let Some(watching) = &mut desk.watching {
                        if !watching.arrive(&arrival) {
                            return ControlFlow::Break(());
                        }
                    } else if let Arrival::Frame(frame) = &arrival {
                        desk.rate.count(frame.number, frame.time, frame.wire_len);
                    }
                    let (analyzer, mut eyes) = desk.analyze();
                    let flow = analyzer.arrive(arrival, &mut eyes);
                    if let Some(watching) = &mut desk.watching
                        && watching.is_due()
                    {
                        for words in watching.look(&desk.analyzer) {
                            let _ = self.news.send(News::Notice(words));
                        }
                    }
                    if self.mail.asked.load(Ordering::Acquire) && !self.serve(&mut desk) {
                        return ControlFlow::Break(());
                    }
                    flow
                });
                let further = source.further_errors().to_vec();
                for error in result.err().into_iter().chain(further) {
                    self.problem(&mut desk, error);
                }
            }
        }
        let (analyzer, mut eyes) = desk.analyze();
        analyzer.finish(&mut eyes);
        self.done = true;
        self.looked = Pace::begin();
        let _ = self.news.send(News::Done);
        loop {
            let mut wishes = self.mail.open();
            while wishes.is_empty() {
                wishes = self
                    .mail
                    .bell
                    .wait(wishes)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            drop(wishes);
            if !self.serve(&mut desk) {
                return;
            }
        }
    }

    fn problem(&self, desk: &mut Desk, error: SourceError) {
        desk.problems.push(Problem {
            input: error.input.clone(),
            offset: error.offset,
            after_frame: error.after_frame,
            reason: error.reason.clone(),
            unopened: error.unopened,
        });
        let _ = self.news.send(News::Problem(error));
    }

    /// Answers what was asked. False when the screen is gone.
    #[cold]
    fn serve(&mut self, desk: &mut Desk) -> bool {
        let wishes = self.mail.take();
        if wishes.closed {
            return false;
        }
        for order in wishes.orders {
            self.carry_out(order, desk);
        }
        if let Some((number, filter)) = wishes.sight {
            self.look_for(number, filter, desk);
        }
        if let Some(recalled) = wishes.recalled {
            self.recall(&recalled, desk);
        }
        if let Some(query) = wishes.query {
            desk.looks_no_more(query.choice);
            // What has been read to its end is looked at once. Whoever pressed a key does not wait
            // for more than that takes.
            let again = self.looked.last.is_none()
                || (!self.done && query.is_refresh && self.looked.is_due());
            if again {
                self.looked.measured(|| desk.look(&query));
            } else if !desk.is_sorted_for(&query) {
                desk.sort(&query);
            }
            let progress = (self.progress.read(), self.progress.total());
            let mut answer = desk.answer(&query, progress, self.done);
            if answer.lines.contains(&None) && self.mended.is_affordable() {
                self.mended.measured(|| desk.sort(&query));
                answer = desk.answer(&query, progress, self.done);
            }
            return self.news.send(News::Snapshot(Box::new(answer))).is_ok();
        }
        true
    }

    /// Looks at frames that were, in a thread of its own, while others pass.
    fn look_for(&self, number: u64, filter: Arc<Filter>, desk: &mut Desk) {
        let past = desk.sees(number, filter, self.trail.reread());
        let mail = Arc::clone(&self.mail);
        thread::spawn(move || {
            if let Some(recalled) = past.recall() {
                mail.put(|wishes| wishes.recalled = Some(recalled));
            }
        });
    }

    fn recall(&self, recalled: &Recalled, desk: &mut Desk) {
        if !desk.recall(recalled) {
            return;
        }
        if recalled.from > 1 {
            let words = format!(
                "the filter has looked at frames from {} on: those before are no longer kept",
                grouped(recalled.from)
            );
            let _ = self.news.send(News::Notice(words));
        }
        let _ = self.news.send(News::Watched(recalled.number));
    }

    fn carry_out(&self, mut order: Order, desk: &Desk) {
        if let Order::OpenAt(frame) = order
            && let Some(flow) = desk.index.flow_of(frame)
        {
            let _ = self.news.send(News::Opening(flow));
            order = Order::Open(flow);
        }
        let flow = match order {
            Order::OpenAt(frame) => {
                let words = format!("frame {} is of no connection", grouped(frame));
                let _ = self.news.send(News::Failed(words));
                return;
            }
            Order::Open(flow) | Order::Stream(flow, _) | Order::Renew(flow, _) => flow,
            Order::Sieve(flow, _) => flow,
            Order::Frame { flow, .. } => flow,
        };
        let Some(places) = desk.index.places(flow) else {
            if matches!(order, Order::Renew(..)) {
                // What is on screen stays.
                let _ = self.news.send(News::Ends(flow, desk.host_ends(flow)));
                return;
            }
            let number = match flow {
                FlowId::Tcp(id) => format!("connection {id}"),
                FlowId::Udp(id) => format!("conversation {id}"),
            };
            let _ = self.news.send(News::Failed(format!(
                "the frames of {number} are not known"
            )));
            return;
        };
        if matches!(order, Order::Renew(_, seen) if seen >= places.len()) {
            let _ = self.news.send(News::Ends(flow, desk.host_ends(flow)));
            return;
        }
        let ask = Ask {
            analysis: desk.analyzer_options(),
            ..Ask::of(desk.analyzer.capture())
        };
        let sieve = match &order {
            Order::Sieve(_, filter) => {
                Some(Sieve::new(Arc::clone(filter), desk.analyzer.capture()))
            }
            _ => None,
        };
        let job = reading::Job {
            order,
            sieve,
            places,
            ends: desk.host_ends(flow),
            ask,
            reread: self.trail.reread(),
            stop: Arc::clone(&self.stop),
        };
        let news = self.news.clone();
        thread::spawn(move || {
            let _ = news.send(job.run());
        });
    }
}
