//! `tcplens FILE…` and `tcplens open`: the terminal user interface, or the text report where
//! standard output is no terminal.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufReader, IsTerminal};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::{Args, Parser};

use super::Exit;
use super::input::Limits;
use super::terminal::{self, When};
use crate::analysis::Options;
use crate::calls::{self, CallLog};
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
    #[arg(long, short = 'Y', value_name = "EXPR")]
    filter: Option<String>,

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
    let filter = match &arguments.filter {
        None => None,
        Some(text) => match Filter::parse(text) {
            Ok(filter) => Some((filter, text.clone())),
            Err(error) => {
                return Ok(Exit::usage(&format!("--filter: {error}")));
            }
        },
    };
    if !io::stdout().is_terminal() {
        return instead(arguments);
    }
    // What can't be opened is said at once, where the shell's user looks.
    for file in &arguments.files {
        if file.as_os_str() != "-"
            && let Err(error) = std::fs::File::open(file)
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
    let calls = match arguments.files.as_slice() {
        [file] => beside(file),
        _ => None,
    };
    show(Opening {
        origin,
        scenarios: scenarios(),
        run: Box::new(move |at| start(at, &options)),
        calls,
        filter,
        colour: arguments.color.said(),
        unicode: terminal::unicode(),
        writable: Writable::default(),
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
    show(Opening {
        origin: Some(origin(name, source, &options)),
        scenarios: scenarios(),
        run: Box::new(move |at| start(at, &options)),
        calls: None,
        filter: None,
        colour: None,
        unicode: terminal::unicode(),
        writable: Writable::default(),
    })
}

/// Shows something on the terminal until the user quits.
fn show(opening: Opening) -> io::Result<Exit> {
    if terminal::is_dumb() {
        return Ok(Exit::usage(
            "this terminal (TERM=dumb) can't show a screen; `tcplens analyze` prints a report",
        ));
    }
    match Settings::load() {
        Ok(settings) => show_with(opening, settings),
        Err(reason) => Ok(Exit::usage(&reason)),
    }
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
        words.extend(["--filter".into(), filter.into()]);
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

/// The call log that lies beside a capture.
fn beside(file: &std::path::Path) -> Option<CallLog> {
    let log = std::fs::File::open(calls::beside(file)).ok()?;
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
fn start(at: usize, options: &Options) -> Result<Run, String> {
    if let Some(lesson) = at
        .checked_sub(SCENARIOS.len())
        .and_then(|at| LESSONS.get(at))
    {
        return play(lesson.name, options);
    }
    let scenario = SCENARIOS.get(at).ok_or("there is no such scenario")?;
    let source = scenario.source(1, Tap::Middle);
    Ok(Run {
        origin: origin(scenario.name, Box::new(source), options),
        calls: None,
    })
}

/// Plays a lesson in a process of its own: it may have to enter a network namespace, which a
/// program with threads can't. Its capture and call log stay in the folder for temporary files.
fn play(lesson: &str, options: &Options) -> Result<Run, String> {
    let name = format!("tcplens-{}-{lesson}.pcapng", std::process::id());
    let capture = env::temp_dir().join(name);
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let played = Command::new(program)
        .arg("generate")
        .arg(format!("sockets/{lesson}"))
        .args(["--quiet", "-o"])
        .arg(&capture)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if !capture.exists() {
        let words = String::from_utf8_lossy(&played.stderr);
        let first = words.lines().next().unwrap_or("it wrote no capture");
        return Err(format!("sockets/{lesson}: {first}"));
    }
    let calls = beside(&capture);
    let origin = Origin::files(vec![capture], false, options.clone());
    Ok(Run {
        origin: Origin {
            inputs: vec![format!("sockets/{lesson}")],
            ..origin
        },
        calls,
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
