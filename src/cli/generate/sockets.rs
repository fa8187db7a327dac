//! `tcplens generate sockets/LESSON`: the lesson with real sockets of this host.

use std::io;
use std::net::{IpAddr, SocketAddr};

use clap::{Args, ValueEnum};

use super::Arguments;
use crate::cli::Exit;
use crate::generator::sockets::LESSONS as TABLE;

/// Where a server listens for another host if no port is told.
const PORT: u16 = 7400;

/// Options of lessons alone.
#[derive(Args, Debug)]
#[group(skip)]
#[command(next_help_heading = "Lessons with real sockets")]
pub(super) struct Options {
    /// Play one side of the lesson only, the other is played on another host
    #[arg(long = "as", value_enum, value_name = "SIDE")]
    pub(super) side: Option<Side>,

    /// Where servers listen: ADDRESS or ADDRESS:PORT (loopback and any port if not told, port 7400
    /// with --as server)
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) bind: Option<SocketAddr>,

    /// Where the other host's server listens, with --as client
    #[arg(long, value_name = "ADDRESS", value_parser = address, requires = "side")]
    pub(super) connect: Option<SocketAddr>,

    /// Play it in a network namespace of its own, where capturing needs no rights
    #[arg(long, conflicts_with = "side")]
    pub(super) private: bool,

    /// Write the files and say nothing
    #[arg(long)]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Side {
    /// The one that listens
    Server,
    /// The one that connects
    Client,
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`. Port 0 where none is told.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    text.parse::<IpAddr>()
        .map(|ip| SocketAddr::new(ip, 0))
        .map_err(|_| "an address is such as 192.0.2.1, 192.0.2.1:7400 or [2001:db8::1]:7400".into())
}

/// Every lesson: its name without `sockets/`, and a line about it.
pub(super) const LESSONS: &[(&str, &str)] = &{
    let mut lines = [("", ""); TABLE.len()];
    let mut at = 0;
    while at < TABLE.len() {
        lines[at] = (TABLE[at].name, TABLE[at].summary);
        at += 1;
    }
    lines
};

/// The long description of a lesson.
pub(super) fn description(lesson: &str) -> Option<String> {
    let lesson = TABLE.iter().find(|each| each.name == lesson)?;
    Some(lesson.description.to_owned())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn run(arguments: &Arguments, lesson: &str) -> io::Result<Exit> {
    let Options {
        side: _,
        bind: _,
        connect: _,
        private: _,
        quiet: _,
    } = &arguments.sockets;
    let _ = (lesson, PORT);
    Ok(Exit::usage("lessons with real sockets need Linux"))
}

#[cfg(target_os = "linux")]
pub(super) use linux::run;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{BufWriter, Write};
    use std::path::Path;

    use super::super::output::{Destination, Format};
    use super::{Arguments, Exit, Options, PORT, Side, SocketAddr, TABLE, io};
    use crate::calls;
    use crate::cli::INTERRUPTED;
    use crate::cli::generate::list;
    use crate::cli::interrupt::Interrupt;
    use crate::cli::terminal;
    use crate::generator::sockets::{Lesson, Party, Setup, Taken, private, run as play};
    use crate::report::escape::escaped;
    use crate::source::live;

    pub(in crate::cli::generate) fn run(arguments: &Arguments, name: &str) -> io::Result<Exit> {
        let Some(lesson) = TABLE.iter().find(|lesson| lesson.name == name) else {
            return Ok(Exit::usage(&list::unknown(&format!("sockets/{name}"))));
        };
        let options = &arguments.sockets;
        let destination = match arguments
            .output
            .as_deref()
            .map(|path| Destination::choose(Some(path)))
        {
            None => None,
            Some(Ok(Destination::File(path, Format::Pcap))) => {
                return Ok(Exit::usage(&format!(
                    "the capture of a lesson is pcapng, it has comments: {}",
                    path.with_extension("pcapng").display()
                )));
            }
            Some(Ok(destination)) => Some(destination),
            Some(Err(message)) => return Ok(Exit::usage(&message)),
        };
        let mut setup = match set_up(lesson, options) {
            Ok(setup) => setup,
            Err(message) => return Ok(Exit::usage(&message)),
        };
        // The transcript must not get into the capture.
        let mut out: Box<dyn Write> = match destination {
            _ if options.quiet => Box::new(io::sink()),
            Some(Destination::Stdout) => Box::new(io::stderr()),
            _ => Box::new(io::stdout()),
        };
        setup.capture = may_capture(options, &mut out)?;
        begin(lesson, &mut out)?;
        let name = format!("sockets/{}", lesson.name);
        // It starts a thread: only now, in whatever namespace, may there be a second one.
        let stop = Interrupt::listen(false).stop();
        let mut rescue = |taken: Taken| {
            let mut said = io::stderr();
            let captured = setup.capture;
            let written = write(&taken, destination.as_ref(), &name, captured, &mut said);
            // The lesson may wait for ever for a peer that does not come.
            std::process::exit(match written {
                Ok(()) => INTERRUPTED.into(),
                Err(error) => {
                    eprintln!("tcplens: {error}");
                    2
                }
            });
        };
        let taken = match play(lesson, &setup, &mut out, &stop, &mut rescue) {
            Ok(taken) => taken,
            Err(error) => return Ok(Exit::usage(&error.to_string())),
        };
        write(&taken, destination.as_ref(), &name, setup.capture, &mut out)?;
        out.flush()?;
        match &taken.failure {
            Some(failure) => Ok(Exit::usage(&format!(
                "{name} did not come to its end: {failure}"
            ))),
            None => Ok(Exit::Done),
        }
    }

    /// How it is to be run, but for whether it is captured.
    fn set_up(lesson: &Lesson, options: &Options) -> Result<Setup, String> {
        let with_port = |address: SocketAddr| match address.port() {
            0 => SocketAddr::new(address.ip(), PORT),
            _ => address,
        };
        let (party, bind, connect) = match (options.side, options.bind, options.connect) {
            (None, bind, _) => (Party::Both, bind, None),
            (Some(_), ..) if !lesson.has_two_hosts => {
                return Err(format!(
                    "{} is played on one host: leave --as out",
                    lesson.name
                ));
            }
            (Some(Side::Server), Some(bind), None) => (Party::Server, Some(with_port(bind)), None),
            (Some(Side::Client), None, Some(to)) => (Party::Client, None, Some(with_port(to))),
            (Some(Side::Server), ..) => {
                return Err("--as server needs --bind ADDRESS, and no --connect".to_owned());
            }
            (Some(Side::Client), ..) => {
                return Err("--as client needs --connect ADDRESS, and no --bind".to_owned());
            }
        };
        Ok(Setup {
            party,
            bind,
            connect,
            capture: false,
            columns: terminal::columns(),
            unicode: terminal::unicode(),
        })
    }

    /// Whether the lesson can be captured; where it needs a namespace for that, this process moves
    /// to one.
    fn may_capture(options: &Options, out: &mut dyn Write) -> io::Result<bool> {
        let may_here = live::permitted();
        if may_here && !options.private {
            return Ok(true);
        }
        // Another host, or an address of this one, is not to be reached from in there.
        let is_elsewhere =
            options.side.is_some() || options.bind.is_some_and(|bind| !bind.ip().is_loopback());
        if is_elsewhere {
            say(out, &format!("Not captured: {}.", live::HOW_TO_PERMIT))?;
            return Ok(false);
        }
        match private::enter() {
            Ok(()) => {
                if !options.private {
                    let words = "You may not capture on this host's interfaces: this is played in a \
                        network namespace of its own, on a loopback interface of its own.";
                    say(out, words)?;
                }
                Ok(true)
            }
            Err(_) if may_here => Ok(true),
            Err(error) => {
                let words = format!(
                    "Not captured: {}. A network namespace of its own, where no right is needed, \
                     is forbidden here ({error}).",
                    live::HOW_TO_PERMIT
                );
                say(out, &words)?;
                Ok(false)
            }
        }
    }

    fn begin(lesson: &Lesson, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "sockets/{}", lesson.name)?;
        say(out, &format!("{}.", lesson.summary))
    }

    /// Writes the files, and tells what there is to look at.
    fn write(
        taken: &Taken,
        destination: Option<&Destination>,
        name: &str,
        captured: bool,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let (frames, made) = (taken.frame_count(), taken.call_count());
        let mut lines = Vec::new();
        // Files first: whoever reads the transcript may have seen enough of it.
        match destination {
            Some(Destination::File(path, _)) => {
                let log = calls::beside(path);
                let capture = captured.then(|| file_name(path));
                if captured || frames > 0 {
                    let file = taken.write_capture(BufWriter::new(File::create(path)?))?;
                    file.into_inner()?;
                    lines.push(format!("{frames} frames in {}", path.display()));
                }
                let file = BufWriter::new(File::create(&log)?);
                taken.write_calls(file, capture.as_deref())?.into_inner()?;
                lines.push(format!("{made} calls in {}", log.display()));
                if frames > 0 {
                    lines.push(format!("Next: tcplens ladder {} 0", path.display()));
                }
            }
            Some(Destination::Stdout) => {
                let out = BufWriter::new(io::stdout().lock());
                taken.write_capture(out)?.flush()?;
            }
            None => {
                lines.push(format!("{frames} frames, {made} calls; to keep them:"));
                lines.push(format!("  tcplens generate {name} -o FILE.pcapng"));
            }
        }
        writeln!(out)?;
        if taken.missed > 0 {
            say(out, &format!("The capture lost {} frames.", taken.missed))?;
        }
        for line in lines {
            writeln!(out, "{}", escaped(&line))?;
        }
        Ok(())
    }

    fn file_name(path: &Path) -> String {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// A sentence, on lines that fit.
    fn say(out: &mut dyn Write, words: &str) -> io::Result<()> {
        for line in list::wrapped(words, terminal::columns().min(100)) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}
