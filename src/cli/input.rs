//! What every command that reads captures shares: the inputs, the limits, and the run from
//! opening to the end, with progress on standard error and Ctrl-C as an early end.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use super::Exit;
use super::terminal;
use crate::analysis::{Analyzer, Observer, Options};
use crate::report::escape::escaped;
use crate::source::{self, Arrival, OpenOptions, Progress, SourceError};
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

    #[command(flatten)]
    pub(super) limits: Limits,

    /// Wait for a file that still grows; Ctrl-C ends it
    #[arg(long, help_heading = READING)]
    pub(super) follow: bool,
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

/// Reads the inputs through the analyzer to their end, or until `observer` breaks.
pub(super) fn run<O: Observer + ?Sized>(
    inputs: &Inputs,
    output: Output,
    observer: &mut O,
) -> Finished {
    let interrupt = Interrupt::listen(inputs);
    let options = OpenOptions {
        follow: inputs.follow,
        stop: Arc::clone(&interrupt.stop),
        progress: Progress::default(),
    };
    let mut analyzer = Analyzer::new(inputs.limits.options());
    let mut errors = Vec::new();
    let mut broke = false;
    match source::open(&inputs.files, &options) {
        Err(error) => errors.push(error),
        Ok(mut source) => {
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

/// Ctrl-C (SIGTERM and SIGHUP too): an early end of reading, not of the program.
struct Interrupt {
    asked: Arc<AtomicBool>,
    /// Set when reading shall stop.
    stop: Arc<AtomicBool>,
}

impl Interrupt {
    /// How long a pipe may still speak after Ctrl-C. Its other end has received Ctrl-C too, and
    /// may have more to say: tcpdump writes what it holds and closes the pipe.
    const LAST_WORDS: Duration = Duration::from_secs(1);

    fn listen(inputs: &Inputs) -> Self {
        let interrupt = Self {
            asked: Arc::default(),
            stop: Arc::default(),
        };
        let piped = inputs.files.iter().any(|file| file.as_os_str() == "-");
        let (asked, stop) = (Arc::clone(&interrupt.asked), Arc::clone(&interrupt.stop));
        // Without a handler Ctrl-C just ends the program.
        let _ = ctrlc::set_handler(move || {
            // A second one ends the program at once, as users expect of one that doesn't answer.
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(super::INTERRUPTED.into());
            }
            if piped {
                let stop = Arc::clone(&stop);
                thread::spawn(move || {
                    thread::sleep(Self::LAST_WORDS);
                    stop.store(true, Ordering::Relaxed);
                });
            } else {
                stop.store(true, Ordering::Relaxed);
            }
        });
        interrupt
    }

    /// Whether reading, which has ended, would have gone on without it.
    fn cut_short(&self, damaged: bool) -> bool {
        self.stop.load(Ordering::Relaxed) || (damaged && self.asked.load(Ordering::Relaxed))
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
