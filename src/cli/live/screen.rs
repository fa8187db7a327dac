//! `tcplens live` on a terminal: the screens of a file, over what is captured now.

use std::io;

use super::open::{Opened, open, to_span};
use super::{Arguments, tell_failure, tell_recorded};
use crate::cli::Exit;
use crate::cli::open::show_with;
use crate::cli::terminal;
use crate::host::Asking;
use crate::source::Spooling;
use crate::tui::live::Live;
use crate::tui::loader::Origin;
use crate::tui::saving::Writable;
use crate::tui::{Opening, Settings};

pub(super) fn run(arguments: &Arguments) -> io::Result<Exit> {
    let settings = match Settings::load() {
        Ok(settings) => settings,
        Err(reason) => return Ok(Exit::usage(&reason)),
    };
    let opened = match open(arguments, Some(&settings)) {
        Ok(opened) => opened,
        Err(refused) => return Ok(Exit::usage(&refused)),
    };
    let Opened {
        source,
        mut inputs,
        filter,
        recorder,
        notices,
        helper,
        piped,
        confined,
        saved,
        ..
    } = opened;
    if piped {
        inputs = vec!["standard input".to_owned()];
    }
    if let (Some(filter), Some(last)) = (filter, inputs.last_mut()) {
        *last += &format!(" ({filter})");
    }
    let at_end = recorder.clone();
    let origin = Origin {
        inputs,
        files: Vec::new(),
        follow: true,
        make: Box::new(move |options| {
            let source = source(std::sync::Arc::clone(&options.stop))?;
            Ok(match &options.trail {
                Some(trail) => Box::new(Spooling::new(source, trail)),
                None => source,
            })
        }),
        options: arguments.limits.options(),
        live: Some(Live {
            recorder,
            comments: arguments.record.comments,
            notices,
            host: helper.map(Asking::new),
            count: arguments.count,
            duration: arguments.duration.map(to_span),
            keep: arguments.keep as u64,
        }),
    };
    let shown = show_with(
        Opening {
            origin: Some(origin),
            scenarios: Vec::new(),
            run: Box::new(|_| Err("nothing is run beside a capture".to_owned())),
            calls: None,
            filter: arguments
                .filtering
                .filter()
                .map(|filter| (filter.clone(), filter.text().to_owned())),
            colour: arguments.color.said(),
            unicode: terminal::unicode(),
            writable: Writable::when(confined.files, &saved),
        },
        settings,
    );
    if let Some(summary) = at_end.stop() {
        tell_recorded(&summary);
    }
    match (shown?, tell_failure(&at_end)) {
        (Exit::Done, recorded) => Ok(recorded),
        (shown, _) => Ok(shown),
    }
}
