//! Scenarios of the simulated network, and scripts.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::output::{self, Destination};
use super::{Arguments, list, onto, sheet};
use crate::cli::{Exit, open};
use crate::generator::truth::Tap;
use crate::generator::{SCENARIOS, Script};
use crate::report::escape::escaped;
use crate::source::Source;

pub(super) fn run(arguments: &Arguments, name: &str) -> io::Result<Exit> {
    let Some(scenario) = SCENARIOS.iter().find(|scenario| scenario.name == name) else {
        return Ok(Exit::usage(&list::unknown(name)));
    };
    let tap = arguments.tap.map_or(Tap::Middle, Tap::from);
    let source = scenario.source(arguments.seed(), tap);
    if let Some(path) = &arguments.truth {
        if let Err(why) = sheet::write(source.truth(), path) {
            return Ok(Exit::usage(&why));
        }
        if sheet::alone(arguments) {
            return Ok(Exit::Done);
        }
    }
    deliver(arguments, name, Box::new(source))
}

/// Whether a scenario has this name.
pub(super) fn knows(name: &str) -> bool {
    SCENARIOS.iter().any(|scenario| scenario.name == name)
}

pub(super) fn script(arguments: &Arguments) -> io::Result<Exit> {
    let path = arguments.script.as_deref().unwrap_or(Path::new("-"));
    let name = path.display().to_string();
    let name = escaped(&name);
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    let text = match text {
        Ok(text) => text,
        Err(error) => return Ok(Exit::usage(&format!("{name} can't be read: {error}"))),
    };
    let script = match Script::parse(&text) {
        Ok(script) => script,
        Err(error) => return Ok(Exit::usage(&format!("{name}: {error}"))),
    };
    if script.expectations().next().is_none() {
        return Ok(Exit::usage(&format!("{name}: nothing is captured in it")));
    }
    if let Some(truth) = &arguments.truth {
        let called = path.file_stem().unwrap_or(path.as_os_str());
        let judged = script.sheet(&called.to_string_lossy());
        if let Err(why) = sheet::write(&judged, truth) {
            return Ok(Exit::usage(&why));
        }
        if sheet::alone(arguments) {
            return Ok(Exit::Done);
        }
    }
    deliver(arguments, &name.to_string(), Box::new(script))
}

/// Brings a source to where it was asked for.
pub(super) fn deliver(
    arguments: &Arguments,
    name: &str,
    mut source: Box<dyn Source + Send>,
) -> io::Result<Exit> {
    if let Some(interface) = onto::interface(&arguments.onto) {
        return onto::run(arguments, interface, source.as_mut());
    }
    if arguments.open {
        return open::generated(name, source);
    }
    let destination = match Destination::choose(arguments.output.as_deref()) {
        Ok(destination) => destination,
        Err(why) => return Ok(Exit::usage(&why)),
    };
    let written = output::write(source.as_mut(), &destination)?;
    Ok(output::told(written, &destination))
}
