//! What every command that reads captures shares: the inputs, the limits, and the run from
//! opening to the end, with progress on standard error and Ctrl-C as an early end.

use core::ops::ControlFlow;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use super::Exit;
use super::interrupt::Interrupt;
use super::terminal;
use crate::analysis::{Analyzer, Observer, Options, Revisions};
use crate::capture_filter::CaptureFilter;
use crate::confinement::{Needs, confine};
use crate::report::escape::escaped;
use crate::source::{self, Arrival, FilteredSource, OpenOptions, Progress, Source, SourceError};
use crate::tcp::{OverlapPolicy, Settings};

/// What stands above the options that all commands share.
const READING: &str = "Reading";

/// Captures to read.
#[derive(Args, Clone, Debug)]
pub(super) struct Inputs {
    /// Capture files: pcap or pcapng, plain or compressed with gzip, zstd or lz4; `-` is standard
    /// input. Several are merged by time
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    /// Wait for a file that still grows; Ctrl-C ends it
    #[arg(long, help_heading = READING)]
    pub(super) follow: bool,

    /// Read only frames that this capture filter chooses, in tcpdump's language: `tcp port 443`
    #[arg(short = 'f', long, value_name = "EXPR", value_parser = capture_filter, help_heading = READING)]
    pub(super) capture_filter: Option<CaptureFilter>,

    #[command(flatten)]
    pub(super) limits: Limits,
}

fn capture_filter(text: &str) -> Result<CaptureFilter, String> {
    CaptureFilter::parse(text)
        .map_err(|error| format!("{}\n{}", escaped(&error.reason), error.pointed()))
}

/// Where this host has names of ports, hosts and protocols: filters are written with them.
pub(super) fn name_files() -> impl Iterator<Item = PathBuf> {
    ["/etc/services", "/etc/hosts", "/etc/protocols"]
        .into_iter()
        .map(PathBuf::from)
}

impl Inputs {
    /// Leaves the process only what reading these needs, and what is written to meanwhile: to be
    /// called before anything is parsed, by commands that open nothing else later.
    pub(super) fn confine(&self, written: &[PathBuf]) {
        confine(&Needs {
            read: self.files.iter().cloned().chain(name_files()).collect(),
            write: written.to_vec(),
            terminal: false,
        });
    }

    fn is_piped(&self) -> bool {
        self.files.iter().any(|file| file.as_os_str() == "-")
    }

    /// Whether they can't be read twice, though they are there.
    pub(super) fn is_read_once(&self) -> bool {
        let is_there = |file: &PathBuf| file.as_os_str() == "-" || file.exists();
        !self.can_be_read_again() && self.files.iter().all(is_there)
    }

    /// Whether all of them can be read from the beginning again.
    pub(super) fn can_be_read_again(&self) -> bool {
        let is_file = |file: &PathBuf| fs::metadata(file).is_ok_and(|about| about.is_file());
        !self.follow && !self.is_piped() && self.files.iter().all(is_file)
    }
}

/// How much is kept, and which bytes.
#[derive(Args, Clone, Debug)]
pub(super) struct Limits {
    /// Memory for connections, streams and fragments (K, M, G are powers of 1024); past it the
    /// least useful are let go, and counted
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = memory, help_heading = READING)]
    pub(super) memory: usize,

    /// Connections and conversations kept at most; past it the least useful are let go, and
    /// counted
    #[arg(long, value_name = "COUNT", default_value_t = 50_000_000, help_heading = READING)]
    pub(super) max_flows: usize,

    /// Which bytes win where out-of-order segments overlap
    #[arg(long, value_enum, value_name = "POLICY", default_value_t = Overlap::First, help_heading = READING)]
    pub(super) overlap: Overlap,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Overlap {
    /// What came first
    First,
    /// What came last
    Last,
    /// As Linux does: the segment that starts earlier; then the longer
    Linux,
    /// As Windows does: what came first
    Windows,
    /// As BSD does: the segment that starts earlier; then what came first
    Bsd,
}

impl Limits {
    pub(super) fn options(&self) -> Options {
        let policy = match self.overlap {
            Overlap::First => OverlapPolicy::First,
            Overlap::Last => OverlapPolicy::Last,
            Overlap::Linux => OverlapPolicy::Linux,
            Overlap::Windows => OverlapPolicy::Windows,
            Overlap::Bsd => OverlapPolicy::Bsd,
        };
        Options {
            settings: Settings {
                policy,
                ..Settings::default()
            },
            memory: self.memory,
            max_flows: self.max_flows,
        }
    }
}

/// A size in bytes: `512M`, `2G`, `65536`; powers of 1024.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.trim_end_matches(['B', 'b', 'i']).chars().last() {
        Some('k' | 'K') => (text, 10),
        Some('m' | 'M') => (text, 20),
        Some('g' | 'G') => (text, 30),
        Some('t' | 'T') => (text, 40),
        _ => (text, 0),
    };
    let digits = digits.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: usize = digits
        .parse()
        .map_err(|_| "a size is a number with K, M, G or T, such as 512M".to_owned())?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "that is more than can be addressed".to_owned())
}

/// A size of memory to work in.
fn memory(text: &str) -> Result<usize, String> {
    const LEAST: usize = 1 << 20;
    match size(text)? {
        bytes if bytes < LEAST => Err("less than 1M is not enough to work in".to_owned()),
        bytes => Ok(bytes),
    }
}

/// What a run over the inputs came to.
pub(super) struct Finished {
    /// The figures.
    pub(super) analyzer: Analyzer,
    /// What went wrong with the inputs.
    pub(super) errors: Vec<SourceError>,
    /// Whether Ctrl-C ended it early.
    pub(super) interrupted: bool,
}

impl Finished {
    /// The exit code, by the damage found. A file that can't be opened outweighs damage.
    pub(super) fn exit(&self) -> Exit {
        let of = |error: &SourceError| {
            if error.unopened {
                Exit::Usage
            } else {
                Exit::Damaged
            }
        };
        let damage = self.errors.iter().map(of).max().unwrap_or(Exit::Done);
        if self.interrupted {
            damage.max(Exit::Interrupted)
        } else {
            damage
        }
    }

    /// Tells on standard error what went wrong.
    pub(super) fn complain(&self) {
        for error in &self.errors {
            let mut error = error.clone();
            if error.input == "-" {
                error.input = "standard input".to_owned();
            }
            eprintln!("tcplens: {}", escaped(&error.to_string()));
        }
        if self.interrupted && self.exit() != Exit::Usage {
            eprintln!("tcplens: interrupted; this is what was found so far");
        }
    }
}

/// When a command writes its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// When everything has been read.
    AtTheEnd,
    /// While it reads.
    OnTheWay,
}

/// Reads the inputs to their end for the figures alone. A large plain file is divided: each core
/// reads all of it and tracks its own flows.
pub(super) fn figures(inputs: &Inputs) -> Finished {
    /// Smaller files are read before another thread has begun.
    const LARGE: u64 = 16 << 20;
    /// Reading is done by each: past this it costs more than tracking.
    const MOST_PARTS: usize = 4;
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_PARTS));
    let [file] = inputs.files.as_slice() else {
        return run(inputs, Output::AtTheEnd, &mut ());
    };
    if inputs.capture_filter.is_some() {
        return run(inputs, Output::AtTheEnd, &mut ());
    }
    let is_large = || source::plain_size(file).is_some_and(|size| size >= LARGE);
    let parts = || Analyzer::divided(&inputs.limits.options(), cores as u32);
    if cores < 2 || inputs.follow || !is_large() || !is_even(file, &parts()) {
        return run(inputs, Output::AtTheEnd, &mut ());
    }
    let parts = parts();
    let interrupt = Interrupt::listen(inputs.is_piped());
    let progress = Progress::default();
    let meter = Meter::start(&progress, false, Output::AtTheEnd);
    let read = |mut analyzer: Analyzer, progress: Progress| {
        let options = OpenOptions {
            stop: interrupt.stop(),
            progress,
            ..OpenOptions::default()
        };
        let result = source::open(std::slice::from_ref(file), &options).and_then(|mut source| {
            source.run(&mut |arrival: Arrival<'_>| analyzer.arrive(arrival, &mut ()))
        });
        analyzer.finish(&mut ());
        (analyzer, result)
    };
    let mut answers = thread::scope(|scope| {
        let threads: Vec<_> = parts
            .into_iter()
            .enumerate()
            .map(|(part, analyzer)| {
                // One of them tells how far reading has come.
                let progress = if part == 0 {
                    progress.clone()
                } else {
                    Progress::default()
                };
                let read = &read;
                scope.spawn(move || read(analyzer, progress))
            })
            .collect();
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(answer) => answer,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect::<Vec<_>>().into_iter()
    });
    drop(meter);
    let Some((mut analyzer, result)) = answers.next() else {
        return run(inputs, Output::AtTheEnd, &mut ());
    };
    for (part, _) in answers {
        analyzer.absorb(part);
    }
    Finished {
        analyzer,
        interrupted: interrupt.cut_short(result.is_err()),
        errors: result.err().into_iter().collect(),
    }
}

/// Whether the first frames of a file fall to all parts about evenly: not where one connection is
/// most of it.
fn is_even(file: &Path, parts: &[Analyzer]) -> bool {
    const FRAMES: usize = 4000;
    let mut taken = vec![0; parts.len()];
    let mut seen = 0;
    let Ok(mut source) = source::open(&[file], &OpenOptions::default()) else {
        return false;
    };
    // Damage is for the reading that counts to find.
    let _ = source.run(&mut |arrival: Arrival<'_>| {
        if let Arrival::Frame(frame) = arrival {
            seen += 1;
            if let Some(part) = parts.iter().position(|part| part.takes(&frame)) {
                taken[part] += 1;
            }
        }
        if seen < FRAMES {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    let most = taken.iter().max().copied().unwrap_or(0);
    seen == FRAMES && most * parts.len() <= FRAMES * 3 / 2
}

/// Reads the inputs through the analyzer to their end, or until `observer` breaks.
pub(super) fn run<O: Observer + ?Sized>(
    inputs: &Inputs,
    output: Output,
    observer: &mut O,
) -> Finished {
    let interrupt = Interrupt::listen(inputs.is_piped());
    read(inputs, output, &interrupt, observer)
}

/// What a first reading came to.
pub(super) struct First {
    /// How verdicts ended.
    pub(super) revisions: Revisions,
    /// How everything else did.
    pub(super) analyzer: Analyzer,
}

/// Reads the inputs for the revisions of verdicts, if they can be read again, and then for
/// `second`, which is told how verdicts ended.
pub(super) fn run_twice<O: Observer>(
    inputs: &Inputs,
    connection: Option<u32>,
    second: impl FnOnce(Option<Revisions>) -> O,
) -> (Finished, O) {
    twice(inputs, Output::OnTheWay, connection, |first| {
        second(first.map(|first| first.revisions))
    })
}

/// The same for what asks for more of the first reading than revisions.
pub(super) fn twice<O: Observer>(
    inputs: &Inputs,
    output: Output,
    connection: Option<u32>,
    second: impl FnOnce(Option<First>) -> O,
) -> (Finished, O) {
    /// What revisions may take of the memory that is allowed.
    const SHARE: usize = 8;
    let interrupt = Interrupt::listen(inputs.is_piped());
    let first = inputs.can_be_read_again().then(|| {
        let mut revisions = Revisions::new(connection, inputs.limits.memory / SHARE);
        // What is wrong with the inputs is told of the second reading.
        let read = read(inputs, Output::AtTheEnd, &interrupt, &mut revisions);
        First {
            revisions,
            analyzer: read.analyzer,
        }
    });
    let mut observer = second(first);
    let finished = read(inputs, output, &interrupt, &mut observer);
    (finished, observer)
}

/// Says on standard error that not every verdict is final.
pub(super) fn complain_of(revisions: &Revisions) {
    if revisions.dropped() > 0 {
        eprintln!(
            "tcplens: {} revisions of verdicts were too many to keep: those verdicts are not \
             final; --memory allows more",
            revisions.dropped()
        );
    }
}

fn read<O: Observer + ?Sized>(
    inputs: &Inputs,
    output: Output,
    interrupt: &Interrupt,
    observer: &mut O,
) -> Finished {
    let options = OpenOptions {
        follow: inputs.follow,
        stop: interrupt.stop(),
        progress: Progress::default(),
        trail: None,
    };
    let mut analyzer = Analyzer::new(inputs.limits.options());
    let mut errors = Vec::new();
    let mut broke = false;
    match source::open(&inputs.files, &options) {
        Err(error) => errors.push(error),
        Ok(source) => {
            let mut source: Box<dyn Source + Send> = match &inputs.capture_filter {
                Some(filter) => Box::new(FilteredSource::new(source, filter.clone())),
                None => source,
            };
            let meter = Meter::start(&options.progress, inputs.follow, output);
            let result = source.run(&mut |arrival: Arrival<'_>| {
                let flow = analyzer.arrive(arrival, observer);
                broke |= flow.is_break();
                flow
            });
            drop(meter);
            errors.extend(result.err());
            errors.extend(source.further_errors().iter().cloned());
        }
    }
    // A file that is followed has no other end.
    let interrupted = !broke && !inputs.follow && interrupt.cut_short(!errors.is_empty());
    analyzer.finish(observer);
    Finished {
        analyzer,
        errors,
        interrupted,
    }
}

/// Shows on standard error how far reading has come, when that is a terminal and reading takes
/// longer than a moment. Not beside what is printed meanwhile: both would stand on one screen.
struct Meter {
    done: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Meter {
    const MOMENT: Duration = Duration::from_millis(500);

    fn start(progress: &Progress, follow: bool, output: Output) -> Self {
        let alone = output == Output::AtTheEnd || terminal::goes_to_a_file();
        if !(std::io::stderr().is_terminal() && alone) {
            return Self {
                done: None,
                thread: None,
            };
        }
        let (done, wait) = mpsc::channel();
        let progress = progress.clone();
        let thread = thread::spawn(move || Self::show(&progress, follow, &wait));
        Self {
            done: Some(done),
            thread: Some(thread),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "progress is shown in wall time")]
    fn show(progress: &Progress, follow: bool, wait: &mpsc::Receiver<()>) {
        let begun = Instant::now();
        let mut shown = false;
        while wait.recv_timeout(Self::MOMENT) == Err(mpsc::RecvTimeoutError::Timeout) {
            let seconds = begun.elapsed().as_secs_f64();
            let read = progress.read();
            let rate = read as f64 / seconds;
            let mut line = format!("\r{} read, {}/s", bytes(read as f64), bytes(rate));
            if let Some(total) = progress.total().filter(|&total| total > 0) {
                let left = total.saturating_sub(read) as f64 / rate.max(1.0);
                let percent = read as f64 * 100.0 / total as f64;
                line += &format!(", {percent:.0} %, {left:.0} s left");
            }
            if follow {
                line += "; Ctrl-C ends";
            }
            eprint!("{line}\x1b[K");
            let _ = std::io::stderr().flush();
            shown = true;
        }
        if shown {
            eprint!("\r\x1b[K");
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.done.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn bytes(count: f64) -> String {
    match count {
        1e9.. => format!("{:.2} GB", count / 1e9),
        1e6.. => format!("{:.1} MB", count / 1e6),
        _ => format!("{:.0} kB", count / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        assert_eq!(size("65536"), Ok(65_536));
        assert_eq!(size("512M"), Ok(512 << 20));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert!(size("much").is_err());
        assert!(size("99999999999T").is_err());
    }
}
