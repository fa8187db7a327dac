//! `tcplens FILE…` and `tcplens open`: the terminal user interface, or the text report where
//! standard output is no terminal.

mod lessons;

use std::env;
use std::ffi::OsString;
use std::io::{self, BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use clap::{Args, Parser};

use super::Exit;
use super::filter::Expression;
use super::input::{Limits, name_files};
use super::terminal::{self, When};
use crate::analysis::Options;
use crate::calls::{self, CallLog};
use crate::confinement::{self, Needs};
use crate::filter::Filter;
use crate::generator::SCENARIOS;
use crate::generator::sockets::LESSONS;
use crate::generator::truth::Tap;
use crate::report::escape::escaped;
use crate::source::{Source, Spooling};
use crate::tui::loader::Origin;
use crate::tui::saving::Writable;
use crate::tui::scenarios::Scenario;
use crate::tui::{self, Opening, Run, Settings};
use lessons::Lessons;
pub(super) use lessons::{PLAYER, serve as play_lessons};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  tcplens a.pcap                  the same, for short
  tcplens open a.pcap b.pcap.gz   several files, merged by time
  tcpdump -U -w - | tcplens -     what is captured now
  tcplens open --scenarios        run the generator's scenarios and watch them

Keys: enter opens a connection, / filters, ? tells all others. Colours, columns and keys can be \
set in $XDG_CONFIG_HOME/tcplens/config.toml. Where standard output is no terminal, the text report \
is printed instead.")]
pub(super) struct Arguments {
    /// Capture files: pcap or pcapng, plain or compressed with gzip, zstd or lz4; `-` is standard
    /// input. Several are merged by time
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    /// Wait for a file that still grows
    #[arg(long)]
    follow: bool,

    /// Begin with the generator's scenarios
    #[arg(long, conflicts_with = "files")]
    scenarios: bool,

    /// Begin with this filter, in Wireshark's language
    #[arg(long, short = 'Y', value_name = "EXPR", value_parser = Expression)]
    filter: Option<Filter>,

    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,

    #[command(flatten)]
    limits: Limits,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    if arguments.files.is_empty() && !arguments.scenarios {
        return Ok(Exit::usage(
            "no capture is named; `tcplens open --scenarios` needs none, `tcplens --help` tells \
             the rest",
        ));
    }
    if !io::stdout().is_terminal() {
        return instead(arguments);
    }
    // What can't be opened is said at once, where the shell's user looks. A pipe is opened once:
    // who writes to it would take its closing for the end.
    let opened = |file: &PathBuf| match std::fs::metadata(file)?.is_file() {
        true => std::fs::File::open(file).map(drop),
        false => Ok(()),
    };
    for file in &arguments.files {
        if file.as_os_str() != "-"
            && let Err(error) = opened(file)
        {
            let name = file.to_string_lossy();
            eprintln!("tcplens: {}: {error}", escaped(&name));
            return Ok(Exit::Usage);
        }
    }
    let piped = arguments.files.iter().any(|file| file.as_os_str() == "-");
    let options = arguments.limits.options();
    let origin = (!arguments.scenarios).then(|| {
        let follow = arguments.follow || piped;
        Origin::files(arguments.files.clone(), follow, options.clone())
    });
    show(Wanted {
        origin,
        options,
        filter: arguments.filter.clone(),
        colour: arguments.color.said(),
    })
}

/// Shows what was generated, under this name.
pub(super) fn generated(name: &str, source: Box<dyn Source + Send>) -> io::Result<Exit> {
    if !io::stdout().is_terminal() {
        return Ok(Exit::usage(
            "--open needs a terminal; without it the capture goes to standard output",
        ));
    }
    let options = Options::default();
    show(Wanted {
        origin: Some(origin(name, source, &options)),
        options,
        filter: None,
        colour: None,
    })
}

/// What the command line asks to be shown.
struct Wanted {
    /// Nothing where a scenario is to be chosen first.
    origin: Option<Origin>,
    /// How that is analyzed, and scenarios.
    options: Options,
    filter: Option<Filter>,
    colour: Option<bool>,
}

/// Shows something on the terminal until the user quits, confined before the first byte of it is
/// looked at.
fn show(wanted: Wanted) -> io::Result<Exit> {
    if terminal::is_dumb() {
        return Ok(Exit::usage(
            "this terminal (TERM=dumb) can't show a screen; `tcplens analyze` prints a report",
        ));
    }
    let settings = match Settings::load() {
        Ok(settings) => settings,
        Err(reason) => return Ok(Exit::usage(&reason)),
    };
    let lessons = Lessons::start();
    let files = wanted.origin.as_ref().map(|origin| origin.files.as_slice());
    let log = match files {
        Some([file]) => Some(calls::beside(file)),
        _ => None,
    };
    let read = files.unwrap_or_default().iter().chain(&log).cloned();
    let saved = places_to_save();
    let confined = confinement::confine(&Needs {
        read: read.chain(name_files()).collect(),
        write: saved.iter().cloned().chain(settings.folder()).collect(),
        terminal: true,
    });
    let opening = Opening {
        origin: wanted.origin,
        scenarios: scenarios(),
        run: Box::new(move |at| start(at, &lessons, &wanted.options)),
        calls: log.and_then(|log| call_log(&log)),
        filter: wanted.filter.map(|filter| {
            let text = filter.text().to_owned();
            (filter, text)
        }),
        colour: wanted.colour,
        unicode: terminal::unicode(),
        writable: Writable::when(confined.files, &saved),
    };
    show_with(opening, settings)
}

/// Where a confined screen may write what its user wants to keep; frames are kept aside there too.
pub(super) fn places_to_save() -> Vec<PathBuf> {
    vec![PathBuf::from("."), env::temp_dir()]
}

/// Shows something on the terminal until the user quits, where settings have been read before.
pub(super) fn show_with(opening: Opening, settings: Settings) -> io::Result<Exit> {
    let problems = match tui::run(opening, settings) {
        Ok(problems) => problems,
        Err(error) => {
            eprintln!("tcplens: {error}");
            return Ok(Exit::Usage);
        }
    };
    let mut exit = Exit::Done;
    for problem in problems {
        eprintln!("tcplens: {}", escaped(&problem.to_string()));
        exit = exit.max(if problem.unopened {
            Exit::Usage
        } else {
            Exit::Damaged
        });
    }
    Ok(exit)
}

/// The text report.
fn instead(arguments: &Arguments) -> io::Result<Exit> {
    if arguments.scenarios {
        return Ok(Exit::usage(
            "standard output is no terminal; `tcplens generate --list` lists the scenarios",
        ));
    }
    let mut words: Vec<OsString> = vec!["tcplens".into(), "analyze".into()];
    if arguments.follow {
        words.push("--follow".into());
    }
    if let Some(filter) = &arguments.filter {
        words.extend(["--filter".into(), filter.text().into()]);
    }
    words.push("--memory".into());
    words.push(arguments.limits.memory.to_string().into());
    words.push("--".into());
    words.extend(arguments.files.iter().map(Into::into));
    match super::Cli::try_parse_from(words) {
        Ok(cli) => match cli.command {
            Some(command) => command.run(),
            None => Ok(Exit::Usage),
        },
        Err(error) => {
            error.print()?;
            Ok(Exit::Usage)
        }
    }
}

/// A call log, if it is one.
fn call_log(log: &Path) -> Option<CallLog> {
    let log = std::fs::File::open(log).ok()?;
    CallLog::read(&mut BufReader::new(log)).ok()
}

/// What the generator has, as the screen lists it.
fn scenarios() -> Vec<Scenario> {
    let simulated = SCENARIOS.iter().map(|scenario| Scenario {
        name: scenario.name.to_owned(),
        family: scenario.family.to_owned(),
        summary: scenario.summary.to_owned(),
        description: scenario.description.to_owned(),
    });
    let lessons = LESSONS.iter().map(|lesson| Scenario {
        name: format!("sockets/{}", lesson.name),
        family: "Lessons with real sockets".to_owned(),
        summary: lesson.summary.to_owned(),
        description: lesson.description.to_owned(),
    });
    simulated.chain(lessons).collect()
}

/// Runs a scenario.
fn start(at: usize, lessons: &Lessons, options: &Options) -> Result<Run, String> {
    if let Some(lesson) = at
        .checked_sub(SCENARIOS.len())
        .and_then(|at| LESSONS.get(at))
    {
        let capture = lessons.play(lesson.name)?;
        let calls = call_log(&calls::beside(&capture));
        let origin = Origin::files(vec![capture], false, options.clone());
        return Ok(Run {
            origin: Origin {
                inputs: vec![format!("sockets/{}", lesson.name)],
                ..origin
            },
            calls,
        });
    }
    let scenario = SCENARIOS.get(at).ok_or("there is no such scenario")?;
    let source = scenario.source(1, Tap::Middle);
    Ok(Run {
        origin: origin(scenario.name, Box::new(source), options),
        calls: None,
    })
}

/// A source that is no file: its frames are kept, for the screens that read them again.
fn origin(name: &str, source: Box<dyn Source + Send>, options: &Options) -> Origin {
    Origin {
        inputs: vec![name.to_owned()],
        files: Vec::new(),
        follow: false,
        make: Box::new(move |options| {
            Ok(match &options.trail {
                Some(trail) => Box::new(Spooling::new(source, trail)),
                None => source,
            })
        }),
        options: options.clone(),
        live: None,
    }
}
