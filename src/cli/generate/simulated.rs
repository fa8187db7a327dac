//! Scenarios of the simulated network, and scripts.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use super::output::{self, Destination};
use super::{Arguments, list, onto};
use crate::cli::{Exit, open};
use crate::generator::{SCENARIOS, Script};
use crate::source::Source;

pub(super) fn run(arguments: &Arguments, name: &str) -> io::Result<Exit> {
    let Some(scenario) = SCENARIOS.iter().find(|scenario| scenario.name == name) else {
        return Ok(Exit::usage(&list::unknown(name)));
    };
    let source = scenario.source(arguments.seed, arguments.tap.into());
    if let Some(path) = &arguments.truth {
        let written = File::create(path).and_then(|file| {
            let mut file = BufWriter::new(file);
            source.truth().write(&mut file)?;
            file.flush()
        });
        if let Err(error) = written {
            let path = path.display();
            return Ok(Exit::usage(&format!("{path} can't be written: {error}")));
        }
        // The sheet alone is enough where nothing else is asked for.
        if arguments.output.is_none()
            && onto::interface(&arguments.onto).is_none()
            && !arguments.open
            && Destination::choose(None).is_err()
        {
            return Ok(Exit::Done);
        }
    }
    deliver(arguments, name, Box::new(source))
}

pub(super) fn script(arguments: &Arguments, path: &Path) -> io::Result<Exit> {
    let name = path.display();
    if arguments.truth.is_some() {
        let why = "a script says what must be said of it, not what is true: it has no answer sheet";
        return Ok(Exit::usage(why));
    }
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
    match Script::parse(&text) {
        Ok(script) => deliver(arguments, &name.to_string(), Box::new(script)),
        Err(error) => Ok(Exit::usage(&format!("{name}: {error}"))),
    }
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
