//! `tcplens packets --versus-tshark`: runs tshark beside us and tells where it differs.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use super::input::{self, Inputs};
use super::terminal::{self, When};
use super::{Exit, selection};
use crate::analysis::{FlowView, FrameView, Observer, Revisions, Settled};
use crate::report::escape::escaped;
use crate::report::text::Look;
use crate::report::versus_tshark::{Comparison, Theirs, fields};

pub(super) fn run(inputs: &Inputs, connection: Option<u32>, color: When) -> io::Result<Exit> {
    /// Longer lines are hard to read; shorter ones don't hold both sides.
    const NARROWEST: usize = 80;
    const WIDEST: usize = 120;
    let [file] = inputs.files.as_slice() else {
        return Ok(Exit::usage("--versus-tshark compares one file"));
    };
    // What is not there is for tshark to tell.
    if file.as_os_str() == "-" || (file.exists() && !inputs.can_be_read_again()) {
        return Ok(Exit::usage(
            "--versus-tshark reads its input several times; that has to be a file",
        ));
    }
    let mut tshark = match Tshark::start(file) {
        Ok(tshark) => tshark,
        Err(message) => return Ok(Exit::usage(&message)),
    };
    let look = Look {
        width: terminal::columns().clamp(NARROWEST, WIDEST),
        palette: color.palette(),
        names: false,
    };
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    // What can't be read, or not by tshark, is told before anything is compared.
    tshark.advance();
    if let Some(message) = tshark.ended_badly() {
        return Ok(Exit::usage(&message));
    }
    let (finished, sides) = input::run_twice(inputs, connection, |revisions| Sides {
        connection,
        revisions,
        settled: Settled::default(),
        tshark,
        comparison: Comparison::new(look, &mut out),
        result: Ok(()),
    });
    let Sides {
        mut tshark,
        comparison,
        revisions,
        result,
        ..
    } = sides;
    result?;
    if finished.analyzer.capture().frames > 0 {
        comparison.finish()?;
    }
    out.flush()?;
    finished.complain();
    revisions.iter().for_each(input::complain_of);
    // What stopped us stops tshark as well, and is told already.
    let exit = finished.exit();
    if exit != Exit::Done {
        return Ok(exit);
    }
    if let Some(connection) = connection
        && connection >= finished.analyzer.tcp_seen()
    {
        return Ok(Exit::usage(&selection::unknown(connection, &finished)));
    }
    while tshark.next.is_some() {
        tshark.advance();
    }
    match tshark.ended_badly() {
        Some(message) => Ok(Exit::usage(&message)),
        None => Ok(Exit::Done),
    }
}

/// What tshark says, frame by frame.
struct Tshark {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// The next frame that it says something of.
    next: Option<(u64, Theirs)>,
    /// What was wrong with a line.
    odd: Option<String>,
    complaints: Option<thread::JoinHandle<Vec<u8>>>,
}

impl Tshark {
    fn start(file: &Path) -> Result<Self, String> {
        /// More of what it complains of would not be shown.
        const MOST: u64 = 1 << 16;
        let mut command = Command::new("tshark");
        command.args(["-n", "-r"]).arg(file);
        command.args(["-o", "tcp.analyze_sequence_numbers:TRUE"]);
        command.args(["-Y", "tcp.analysis.flags", "-T", "fields"]);
        command.args(["-E", "separator=/t", "-E", "occurrence=f"]);
        for field in fields() {
            command.args(["-e", field]);
        }
        let spawned = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                "--versus-tshark needs tshark, and there is none on PATH".to_owned()
            }
            _ => format!("tshark can't be run: {error}"),
        })?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err("tshark can't be read from".to_owned());
        };
        let complaints = thread::spawn(move || {
            let mut kept = Vec::new();
            let mut stderr = stderr;
            // The rest is read too, or tshark would wait for us.
            let _ = stderr.by_ref().take(MOST).read_to_end(&mut kept);
            let _ = io::copy(&mut stderr, &mut io::sink());
            kept
        });
        Ok(Self {
            child,
            lines: BufReader::with_capacity(1 << 16, stdout),
            next: None,
            odd: None,
            complaints: Some(complaints),
        })
    }

    /// Goes on to the next frame.
    fn advance(&mut self) {
        /// No line that was asked for is longer.
        const LONGEST: u64 = 4096;
        let mut line = Vec::new();
        let read = self
            .lines
            .by_ref()
            .take(LONGEST)
            .read_until(b'\n', &mut line);
        self.next = None;
        match read {
            Ok(0) => {}
            Ok(_) => {
                let line = String::from_utf8_lossy(&line);
                self.next = Theirs::parse(&line);
                if self.next.is_none() {
                    let line: String = line.chars().take(60).collect();
                    self.odd = Some(format!("tshark prints what was not asked for: {line}"));
                }
            }
            Err(error) => self.odd = Some(format!("tshark can't be read from: {error}")),
        }
    }

    /// What it says of a frame. Frames are asked for in their order.
    fn of(&mut self, frame: u64) -> Theirs {
        while let Some((next, theirs)) = self.next {
            if next > frame {
                break;
            }
            self.advance();
            if next == frame {
                return theirs;
            }
        }
        Theirs::default()
    }

    /// Why it ended, if it did before its work was done.
    fn ended_badly(&mut self) -> Option<String> {
        if self.next.is_some() {
            return None;
        }
        if let Some(odd) = &self.odd {
            return Some(escaped(odd).to_string());
        }
        let status = match self.child.wait() {
            Ok(status) if status.success() => return None,
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let complaints = self.complaints.take().and_then(|thread| thread.join().ok());
        let complaints = complaints.unwrap_or_default();
        let complaints = String::from_utf8_lossy(&complaints);
        let last = complaints
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty());
        Some(match last {
            Some(last) => format!("tshark failed: {}", escaped(last.trim())),
            None => format!("tshark failed: {status}"),
        })
    }
}

/// A tshark that nobody listens to any more has nothing to do.
impl Drop for Tshark {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both sides, side by side.
struct Sides<'a> {
    connection: Option<u32>,
    revisions: Option<Revisions>,
    settled: Settled,
    tshark: Tshark,
    comparison: Comparison<'a>,
    result: io::Result<()>,
}

impl Observer for Sides<'_> {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let number = view.frame.number;
        let theirs = self.tshark.of(number);
        let shown = match (self.connection, view.flow) {
            (None, _) => true,
            (Some(wanted), FlowView::Tcp { view, .. }) => view.id == wanted,
            _ => false,
        };
        if !shown {
            return ControlFlow::Continue(());
        }
        let settled = match &mut self.revisions {
            Some(revisions) => revisions.settle(number, view.events, &mut self.settled),
            None => false,
        };
        let events = if settled {
            &self.settled.events
        } else {
            view.events
        };
        self.result = self.comparison.frame(number, events, theirs);
        match self.result {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}
