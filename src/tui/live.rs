//! What the analysis thread does besides analyzing where frames are captured as it reads them:
//! recording, rates, and what this host knows of its own connections.

use std::collections::{HashMap, VecDeque};

use super::sight::Sight;
use super::snapshot::{LiveHeader, Recorded};
use crate::analysis::{
    Analyzer, Belonging, ConnectionView, FlowView, FrameIndex, FrameView, Observer,
};
use crate::frame::CapturedFrame;
use crate::host::{Asking, Process};
use crate::recording::Recorder;
use crate::report::escape::escaped;
use crate::report::kernel_check::{Beside, Learning, Learnt};
use crate::report::verdict;
use crate::source::Arrival;
use crate::source::live::Notices;
use crate::tcp::Role;
use crate::time::{Span, Timestamp};
use crate::wire::Decoded;

/// What comes with a live source.
#[derive(Default)]
pub struct Live {
    /// Records when told to. Clones are the same.
    pub recorder: Recorder,
    /// Whether what frames were judged to be is recorded with them.
    pub comments: bool,
    /// What becomes of interfaces.
    pub notices: Notices,
    /// Who knows this host's sockets.
    pub host: Option<Asking>,
    /// Frames after which watching ends.
    pub count: Option<u64>,
    /// Time after which watching ends.
    pub duration: Option<Span>,
    /// Bytes of frames that are kept aside, to be read again.
    pub keep: u64,
}

/// What this host knows of an endpoint of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostEnd {
    /// Whose it is: `curl, pid 4711, user ann`; escaped.
    pub process: Option<String>,
    /// The program's name alone; escaped.
    pub program: Option<String>,
    /// Whether it has a process that can't be learnt.
    pub is_hidden: bool,
    /// What the kernel says, beside what was inferred.
    pub kernel: Vec<Beside>,
    /// Whether a difference was there twice in a row.
    pub persists: bool,
}

/// A connection's two ends, as far as they are this host's.
pub type HostEnds = [Option<HostEnd>; 2];

/// Parts of a second of which rates are told, and how many of them are remembered.
const PART: Span = Span::from_millis(500);
const PARTS: usize = 120;
/// Seconds of a connection's life that are told.
pub(super) const SECONDS: usize = 12;
/// Connections whose rates are told at most: past it a flood is under way, and those that lasted
/// have theirs.
const MOST_RATED: usize = 50_000;
/// Connections of this host that are remembered at most.
const MOST_HOST: usize = 1 << 14;
/// How often is looked after what does not come with frames.
const OFTEN: Span = Span::from_millis(100);
const SECOND: Span = Span::from_secs(1);

/// What was counted in a part of a second.
#[derive(Clone, Copy, Default)]
struct Part {
    frames: u64,
    bytes: u64,
}

/// A connection's traffic of late.
#[derive(Clone, Copy, Default)]
struct Traffic {
    /// Its bytes when that was last looked at.
    bytes: u64,
    /// Bytes of the last seconds, the latest last.
    seconds: [u32; SECONDS],
}

/// A live source's side of the analysis thread.
pub(super) struct Watching {
    live: Live,
    learning: Learning,
    ends: HashMap<u32, HostEnds>,
    parts: VecDeque<Part>,
    /// When the last of them began.
    part: Option<Timestamp>,
    traffic: HashMap<u32, Traffic>,
    begun: Option<Timestamp>,
    looked: Timestamp,
    /// When rates were last told.
    rated: Timestamp,
    frames: u64,
    connections: u32,
    missed: u64,
    /// When frames were last missed.
    missed_at: Option<Timestamp>,
    now: Timestamp,
}

impl Watching {
    pub(super) fn new(live: Live) -> Self {
        Self {
            live,
            learning: Learning::default(),
            ends: HashMap::new(),
            parts: VecDeque::with_capacity(PARTS),
            part: None,
            traffic: HashMap::new(),
            begun: None,
            looked: Timestamp::default(),
            rated: Timestamp::default(),
            frames: 0,
            connections: 0,
            missed: 0,
            missed_at: None,
            now: Timestamp::default(),
        }
    }

    /// Takes in what arrives, before it is analyzed. False when watching is over.
    pub(super) fn arrive(&mut self, arrival: &Arrival<'_>) -> bool {
        match arrival {
            Arrival::Frame(_) | Arrival::Quiet(_)
                if self.live.count.is_some_and(|count| self.frames >= count) =>
            {
                return false;
            }
            Arrival::Frame(frame) => {
                self.frames += 1;
                self.pass(frame.time);
                if let Some(part) = self.parts.back_mut() {
                    part.frames += 1;
                    part.bytes += u64::from(frame.wire_len);
                }
                if !self.live.comments {
                    self.live.recorder.frame(frame, None);
                }
            }
            Arrival::Quiet(now) => self.pass(*now),
            Arrival::Missed { frames, .. } => {
                self.missed += frames;
                self.missed_at = Some(self.now);
                return true;
            }
            // It says no time.
            _ => return true,
        }
        let begun = *self.begun.get_or_insert(self.now);
        let is_over = |duration| self.now - begun >= duration;
        !self.live.duration.is_some_and(is_over)
    }

    /// Goes on to a moment.
    #[inline]
    fn pass(&mut self, now: Timestamp) {
        self.now = now;
        let begin = *self.part.get_or_insert(now);
        if self.parts.is_empty() || now - begin >= PART || now < begin {
            self.turn(now, begin);
        }
    }

    #[cold]
    fn turn(&mut self, now: Timestamp, begin: Timestamp) {
        let passed = (now - begin).as_nanos() / PART.as_nanos();
        // A clock that was set back begins anew, and so does what was silent for long.
        let (passed, next) = match usize::try_from(passed) {
            Ok(passed @ 1..PARTS) => {
                let step = PART.as_nanos() * passed as i64;
                (passed, begin + Span::from_nanos(step))
            }
            Ok(PARTS..) => (PARTS, now),
            _ => (1, now),
        };
        for _ in 0..passed {
            if self.parts.len() >= PARTS {
                self.parts.pop_front();
            }
            self.parts.push_back(Part::default());
        }
        self.part = Some(next);
    }

    /// Whether it is time to look after other things.
    #[inline]
    pub(super) fn is_due(&self) -> bool {
        self.now - self.looked >= OFTEN || self.now < self.looked
    }

    /// Looks after other things. Gives what is to be told.
    #[cold]
    pub(super) fn look(&mut self, analyzer: &Analyzer) -> Vec<String> {
        let now = self.now;
        self.looked = now;
        let mut told = Vec::new();
        while let Some(notice) = self.live.notices.take() {
            told.push(escaped(&notice.to_string()).to_string());
        }
        while let Some(notice) = self.live.recorder.take_notice() {
            told.push(escaped(&notice.to_string()).to_string());
        }
        if let Some(host) = &mut self.live.host {
            if analyzer.tcp_seen() != self.connections {
                host.connection_began(now);
            }
            if host.look(now) {
                self.learn(analyzer);
            }
        }
        self.connections = analyzer.tcp_seen();
        if now - self.rated >= SECOND || now < self.rated {
            self.rate(analyzer);
        }
        told
    }

    fn learn(&mut self, analyzer: &Analyzer) {
        let Some(host) = &self.live.host else { return };
        if self.ends.len() > MOST_HOST {
            self.ends.clear();
        }
        let ends = &mut self.ends;
        self.learning
            .learn(analyzer, host.helper(), self.now, &mut |learnt| {
                let (id, role) = match &learnt {
                    Learnt::Process(id, role, _) => (*id, *role),
                    Learnt::Compared(check, role, _) => (check.connection(), *role),
                };
                let Some(end) = ends.entry(id).or_default().get_mut(role as usize) else {
                    return;
                };
                let end = end.get_or_insert_default();
                match learnt {
                    Learnt::Process(.., process) => {
                        end.program = Some(escaped(&process.program).to_string());
                        end.process = Some(in_words(process));
                    }
                    Learnt::Compared(check, _, persists) => {
                        end.kernel = check.beside();
                        end.is_hidden = check.hides_process() && end.process.is_none();
                        end.persists = persists;
                    }
                }
            });
    }

    /// What every connection's traffic was in the last second.
    fn rate(&mut self, analyzer: &Analyzer) {
        let (now, last) = (self.now, self.rated);
        self.rated = now;
        let connections = if analyzer.flows() > MOST_RATED {
            analyzer.lasting_connections()
        } else {
            analyzer.connections()
        };
        if connections.len() > MOST_RATED {
            self.traffic.clear();
            return;
        }
        // A silence that was slept through counts as its seconds.
        let seconds = (now - last).as_nanos().max(0) as u64 / SECOND.as_nanos() as u64;
        let seconds = seconds.clamp(1, SECONDS as u64) as usize;
        let mut rated = HashMap::with_capacity(self.traffic.len());
        for (id, slot) in connections {
            analyzer.connection(slot, |view| {
                if now - view.connection.last_time > Span::from_secs(SECONDS as i64) {
                    return;
                }
                let bytes = bytes_of(view);
                let before = self.traffic.get(&id).copied().unwrap_or_else(|| Traffic {
                    // What came before it was first looked at is nobody's rate.
                    bytes: if view.connection.first_time >= last {
                        0
                    } else {
                        bytes
                    },
                    ..Traffic::default()
                });
                let mut traffic = before;
                traffic.seconds.rotate_left(seconds.min(SECONDS - 1));
                for second in traffic.seconds.iter_mut().rev().take(seconds) {
                    *second = 0;
                }
                let grown = bytes.saturating_sub(before.bytes) / seconds as u64;
                if let Some(latest) = traffic.seconds.last_mut() {
                    *latest = u32::try_from(grown).unwrap_or(u32::MAX);
                }
                traffic.bytes = bytes;
                rated.insert(id, traffic);
            });
        }
        self.traffic = rated;
    }

    /// Bytes a second of a connection, and those of each of the last seconds.
    pub(super) fn traffic(&self, id: u32) -> (u64, Vec<u64>) {
        match self.traffic.get(&id) {
            Some(traffic) => {
                let seconds: Vec<u64> = traffic.seconds.map(u64::from).to_vec();
                (seconds.last().copied().unwrap_or(0), seconds)
            }
            None => (0, vec![0; SECONDS]),
        }
    }

    /// What this host knows of a connection.
    pub(super) fn ends(&self, id: u32) -> HostEnds {
        self.ends.get(&id).cloned().unwrap_or_default()
    }

    /// The program that has a connection, of either end: its name, and in full.
    pub(super) fn program(&self, id: u32) -> Option<(&str, &str)> {
        let ends = || self.ends.get(&id).into_iter().flatten().flatten();
        fn known(end: &HostEnd) -> Option<(&str, &str)> {
            Some((end.program.as_deref()?, end.process.as_deref()?))
        }
        let hidden = || {
            let words = (
                "no right",
                "a process that can't be learnt with these rights",
            );
            ends().any(|end| end.is_hidden).then_some(words)
        };
        ends().find_map(known).or_else(hidden)
    }

    /// Bytes in each part of the last minute.
    pub(super) fn rates(&self) -> Vec<u64> {
        self.parts.iter().map(|part| part.bytes).collect()
    }

    /// What is told above the lists.
    pub(super) fn header(&self, analyzer: &Analyzer) -> LiveHeader {
        /// Whole parts that make a second.
        const WHOLE: usize = 2;
        let latest = self.parts.iter().rev().skip(1).take(WHOLE);
        let sum = latest.fold(Part::default(), |sum, part| Part {
            frames: sum.frames + part.frames,
            bytes: sum.bytes + part.bytes,
        });
        /// How long a loss is told in the present.
        const LATE: Span = Span::from_secs(5);
        LiveHeader {
            frames: sum.frames,
            bytes: sum.bytes,
            missed: self.missed,
            misses: self.missed_at.is_some_and(|at| self.now - at < LATE),
            evicted: analyzer.evicted().connections,
            knows_host: self.live.host.is_some(),
            recording: self.live.recorder.status().map(|summary| Recorded {
                name: escaped(&summary.path.to_string_lossy()).to_string(),
                frames: summary.frames,
                bytes: summary.bytes,
            }),
        }
    }
}

fn bytes_of(view: &ConnectionView<'_>) -> u64 {
    let of = |role| view.connection.endpoint(role).figures.bytes;
    of(Role::Client) + of(Role::Server)
}

fn in_words(process: &Process) -> String {
    let container = match &process.container {
        Some(container) => format!(", container {}", escaped(container)),
        None => String::new(),
    };
    format!(
        "{}, pid {}, user {}{container}",
        escaped(&process.program),
        process.pid,
        escaped(&process.user)
    )
}

/// Who looks at frames as they are analyzed: the index of frames, a filter that asks for what is in
/// them, and the recorder where it needs to know what they are judged to be.
pub(super) struct Eyes<'a> {
    pub(super) index: &'a mut FrameIndex,
    pub(super) watching: Option<&'a mut Watching>,
    pub(super) sight: Option<&'a mut Sight>,
}

impl Eyes<'_> {
    /// Whether frames are recorded with what they are judged to be.
    fn comments(&self) -> bool {
        let comments = |watching: &&mut Watching| watching.live.comments;
        self.watching.as_ref().is_some_and(comments)
    }
}

impl Observer for Eyes<'_> {
    fn wants_frames(&self) -> bool {
        self.sight.is_some() || self.comments()
    }

    fn frame(&mut self, view: &FrameView<'_>) -> core::ops::ControlFlow<()> {
        if let Some(sight) = &mut self.sight {
            sight.frame(view);
        }
        if self.comments()
            && let Some(watching) = &mut self.watching
        {
            let comment = match view.flow {
                FlowView::Tcp { .. } => verdict::comment(view.events),
                _ => None,
            };
            watching.live.recorder.frame(view.frame, comment.as_deref());
        }
        core::ops::ControlFlow::Continue(())
    }

    fn wants_flows(&self) -> bool {
        self.index.wants_flows()
    }

    fn belongs(&mut self, frame: &CapturedFrame<'_>, decoded: &Decoded<'_>, to: Belonging) {
        self.index.belongs(frame, decoded, to);
    }

    fn aside(&mut self, arrival: &Arrival<'_>) {
        if let Some(watching) = &mut self.watching {
            watching.live.recorder.aside(arrival);
        }
        if let Some(sight) = &mut self.sight {
            sight.aside(arrival);
        }
        self.index.aside(arrival);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_last_whole_second() {
        let mut watching = Watching::new(Live::default());
        let mut at = |millis: i64, bytes: u32| {
            let time = Timestamp::from_nanos(1_000_000_000_000 + millis * 1_000_000);
            let data = [0; 60];
            watching.arrive(&Arrival::Frame(CapturedFrame {
                number: 1,
                time,
                interface: 0,
                link: crate::wire::LinkType::ETHERNET,
                wire_len: bytes,
                data: &data,
                upcoming: &[],
                place: crate::frame::Place::NOWHERE,
            }));
            let analyzer = Analyzer::new(crate::analysis::Options::default());
            let header = watching.header(&analyzer);
            (header.frames, header.bytes, watching.rates())
        };
        assert_eq!(at(0, 100), (0, 0, vec![100]));
        assert_eq!(at(499, 10), (0, 0, vec![110]));
        assert_eq!(at(500, 1), (2, 110, vec![110, 1]));
        assert_eq!(at(1000, 2), (3, 111, vec![110, 1, 2]));
        // Half a second without a frame counts as such.
        assert_eq!(at(2100, 3), (1, 2, vec![110, 1, 2, 0, 3]));
        // A clock that is set back loses nothing of what was counted.
        assert_eq!(at(-5000, 4), (1, 3, vec![110, 1, 2, 0, 3, 4]));
        // After a long silence nothing is left of what was before.
        let (frames, bytes, rates) = at(3_600_000, 5);
        assert_eq!((frames, bytes, rates.len()), (0, 0, PARTS));
        assert_eq!(rates.iter().sum::<u64>(), 5);
    }
}
