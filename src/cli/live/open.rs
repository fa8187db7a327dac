//! Everything that needs rights is opened, then the rights are dropped.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Arguments;
use crate::capture_filter::CaptureFilter;
use crate::cli::input::name_files;
use crate::confinement::{self, Confined, Dropped, Needs};
use crate::host::Helper;
use crate::recording::{Recorder, Rotation};
use crate::report::escape::escaped;
use crate::source::live::{self, LiveOptions, Notices, interfaces};
use crate::source::{self, FilteredSource, OpenOptions, Source, SourceError};
use crate::time::Span;
use crate::tui::Settings;

/// What the hidden command is called that answers for the host.
pub(in crate::cli) const HELPER: &str = "host-sockets";

/// A live source, opened and confined: what a screen or a printer needs to watch it.
pub(in crate::cli) struct Opened {
    /// Makes the source of frames, from interfaces or a pipe.
    pub(in crate::cli) source: Make,
    /// What is watched, as the user named it.
    pub(in crate::cli) inputs: Vec<String>,
    pub(in crate::cli) filter: Option<String>,
    pub(in crate::cli) dropped: Dropped,
    pub(in crate::cli) confined: Confined,
    /// Where what is recorded or saved later may be written.
    pub(in crate::cli) saved: Vec<PathBuf>,
    /// Records when told to, and already if -w was given. It must see every frame and what is
    /// none (`frame`, `aside`).
    pub(in crate::cli) recorder: Recorder,
    /// What becomes of interfaces.
    pub(in crate::cli) notices: Notices,
    /// Who knows the processes and the kernel's view; none for a pipe.
    pub(in crate::cli) helper: Option<Helper>,
    /// Whether it is a pipe.
    pub(in crate::cli) piped: bool,
}

/// Opens what the arguments name; the reason where that can't be done, fit for a terminal. Where it
/// is shown on a `screen`, that needs its settings' folder and a place to keep frames aside.
pub(in crate::cli) fn open(
    arguments: &Arguments,
    screen: Option<&Settings>,
) -> Result<Opened, String> {
    let (piped, words) = match arguments.words.split_first() {
        Some((first, rest)) if first == "-" => (true, rest),
        _ => (false, arguments.words.as_slice()),
    };
    if piped && !arguments.interfaces.is_empty() {
        return Err("either interfaces or `-`, not both".to_owned());
    }
    let text = match &arguments.capture_filter {
        Some(text) => text.clone(),
        None => words.join(" "),
    };
    let filter = (!text.trim().is_empty())
        .then(|| CaptureFilter::parse(&text))
        .transpose()
        .map_err(|error| of_filter(&error))?;
    let (options, source, helper, inputs) = if piped {
        (LiveOptions::default(), None, None, vec!["-".to_owned()])
    } else {
        let options = live_options(arguments, filter.clone())?;
        if let Some(filter) = &filter {
            check(filter, &options)?;
        }
        let source = interface_source(arguments, &options)
            .map_err(|error| escaped(&error.to_string()).to_string())?;
        let helper = match arguments.no_host {
            true => None,
            false => Helper::start(&[HELPER]).ok(),
        };
        let inputs = options.interfaces.clone();
        (options, Some(source), helper, inputs)
    };
    let dropped = confinement::drop_rights(arguments.user.as_deref())
        .map_err(|error| format!("rights can't be dropped: {}", escaped(&error.to_string())))?;
    let recorder = recorder(arguments, filter.as_ref())?;
    let saved = places_to_save(arguments, screen.is_some());
    let confined = confinement::confine(&Needs {
        // Names for capture filters on link types that come later.
        read: name_files().collect(),
        write: saved
            .iter()
            .cloned()
            .chain(screen.and_then(Settings::folder))
            .collect(),
        terminal: screen.is_some(),
    });
    let text = filter.as_ref().map(|filter| filter.text().to_owned());
    let source: Make = match source {
        Some(source) => Box::new(move |stop| Ok(source(stop))),
        None => Box::new(move |stop| {
            let options = OpenOptions {
                // A pipe is live while it is silent. A file that was redirected has an end.
                follow: !input_is_a_file(),
                stop,
                ..OpenOptions::default()
            };
            let source = source::open(&["-"], &options)?;
            Ok(match filter {
                Some(filter) => Box::new(FilteredSource::new(source, filter)),
                None => source,
            })
        }),
    };
    Ok(Opened {
        source,
        inputs,
        filter: text,
        dropped,
        confined,
        saved,
        recorder,
        notices: options.notices,
        helper,
        piped,
    })
}

fn input_is_a_file() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let owned = std::io::stdin().as_fd().try_clone_to_owned();
        owned
            .and_then(|owned| std::fs::File::from(owned).metadata())
            .is_ok_and(|metadata| metadata.is_file())
    }
    #[cfg(not(unix))]
    false
}

/// A source that is given later what ends it.
type Unstoppable = Box<dyn FnOnce(Arc<AtomicBool>) -> Box<dyn Source + Send> + Send>;

/// Makes a source that is ended by the flag.
pub(in crate::cli) type Make =
    Box<dyn FnOnce(Arc<AtomicBool>) -> Result<Box<dyn Source + Send>, SourceError> + Send>;

fn interface_source(
    arguments: &Arguments,
    options: &LiveOptions,
) -> Result<Unstoppable, SourceError> {
    #[cfg(feature = "libpcap")]
    if arguments.capture.libpcap || cfg!(not(target_os = "linux")) {
        let mut source = live::libpcap::LibpcapSource::open(options)?;
        return Ok(Box::new(move |stop| {
            source.stop_when(stop);
            Box::new(source)
        }));
    }
    let _ = arguments;
    #[cfg_attr(not(target_os = "linux"), allow(unused_mut))]
    let mut source = live::open(options)?;
    Ok(Box::new(move |stop| {
        #[cfg(target_os = "linux")]
        {
            source.stop_when(stop);
            Box::new(source)
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = stop;
            source
        }
    }))
}

fn of_filter(error: &crate::capture_filter::FilterError) -> String {
    format!(
        "capture filter: {}\n{}",
        escaped(&error.reason),
        error.pointed()
    )
}

/// Whether the filter can be asked on these interfaces, so that its place is told when not.
fn check(filter: &CaptureFilter, options: &LiveOptions) -> Result<(), String> {
    use crate::capture_filter::Target;
    let known = interfaces().unwrap_or_default();
    for name in &options.interfaces {
        let facts = known.iter().find(|facts| facts.name == *name);
        let target = facts.map_or(Target::KernelAny, |facts| match facts.link {
            crate::wire::LinkType::LINUX_SLL2 => Target::KernelAny,
            link => Target::Kernel(link),
        });
        filter
            .compile(target, options.snaplen)
            .map_err(|error| of_filter(&error))?;
    }
    Ok(())
}

fn live_options(
    arguments: &Arguments,
    filter: Option<CaptureFilter>,
) -> Result<LiveOptions, String> {
    let mut names = arguments.interfaces.clone();
    if names.is_empty() {
        names.push(first_interface());
    }
    Ok(LiveOptions {
        interfaces: names,
        snaplen: arguments.capture.snaplen,
        buffer: arguments.capture.buffer,
        promiscuous: !arguments.capture.no_promiscuous_mode,
        filter,
        ..LiveOptions::default()
    })
}

/// The first interface that is up and leads somewhere; `any` where there is none.
fn first_interface() -> String {
    let known = interfaces().unwrap_or_default();
    let leads =
        |facts: &&live::InterfaceFacts| facts.is_up && facts.is_running && !facts.is_loopback;
    let first = known.iter().find(leads);
    first.map_or_else(|| "any".to_owned(), |facts| facts.name.clone())
}

fn recorder(arguments: &Arguments, filter: Option<&CaptureFilter>) -> Result<Recorder, String> {
    let record = &arguments.record;
    let recorder = match record.lookback {
        Some(span) => Recorder::with_lookback(to_span(span), record.lookback_memory),
        None => Recorder::default(),
    };
    if let Some(filter) = filter {
        recorder.note_filter(filter.text());
    }
    recorder.note_time(live::clock::now());
    if let Some(path) = &record.write {
        if path == Path::new("-") {
            return Err(
                "-w - is not possible: what happens is told on standard output. Record to \
                        a file or a named pipe"
                    .to_owned(),
            );
        }
        let folder = path.parent().map(Path::to_string_lossy);
        if record.rotate_seconds.is_some() && folder.is_some_and(|folder| folder.contains('%')) {
            return Err("the time of -G stands in the file's name, not in its folder's".to_owned());
        }
        let rotation = Rotation {
            size: record.rotate_size,
            time: record.rotate_seconds.map(to_span),
            files: record.rotate_files,
        };
        recorder
            .start(path, rotation)
            .map_err(|error| format!("can't record: {}", escaped(&error.to_string())))?;
    }
    Ok(recorder)
}

pub(super) fn to_span(duration: std::time::Duration) -> Span {
    Span::from_nanos(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

/// Where files are still made once confined: what is recorded, and on a screen what is saved.
fn places_to_save(arguments: &Arguments, on_screen: bool) -> Vec<PathBuf> {
    let folder = |path: &Path| match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let record = &arguments.record;
    let mut places: Vec<PathBuf> = record.write.iter().map(|path| folder(path)).collect();
    if on_screen {
        places.extend(crate::cli::open::places_to_save());
    } else if record.lookback.is_some() {
        // Where a recording may be started later.
        places.push(PathBuf::from("."));
    }
    places
}
