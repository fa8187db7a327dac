//! The answer sheet: where `--truth` says.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::{Arguments, onto};
use crate::generator::truth::Sheet;
use crate::report::escape::escaped;

/// A sentence where sheet and capture can't both go where they should.
pub(super) fn check(arguments: &Arguments) -> Result<(), String> {
    let Some(truth) = arguments.truth.as_deref() else {
        return Ok(());
    };
    let speaks = arguments.open || onto::interface(&arguments.onto).is_some();
    match arguments.output.as_deref() {
        _ if speaks && is_stdout(truth) => {
            Err("the answer sheet can't go to standard output beside --open or --onto".to_owned())
        }
        Some(output) if is_stdout(output) && is_stdout(truth) => {
            Err("capture and answer sheet can't both go to standard output".to_owned())
        }
        Some(output) if place(output) == place(truth) => Err(format!(
            "{} can't be capture and answer sheet at once",
            escaped(&truth.display().to_string())
        )),
        _ => Ok(()),
    }
}

/// Whether nothing but the sheet is asked for.
pub(super) fn alone(arguments: &Arguments) -> bool {
    let to_stdout = arguments.truth.as_deref().is_some_and(is_stdout);
    arguments.output.is_none()
        && onto::interface(&arguments.onto).is_none()
        && !arguments.open
        && (to_stdout || io::stdout().is_terminal())
}

/// Writes a sheet; a sentence where that fails.
pub(super) fn write(sheet: &Sheet, path: &Path) -> Result<(), String> {
    let written = if is_stdout(path) {
        let mut out = BufWriter::new(io::stdout().lock());
        match sheet.write(&mut out).and_then(|()| out.flush()) {
            // Who reads it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    } else {
        File::create(path).and_then(|file| {
            let mut file = BufWriter::new(file);
            sheet.write(&mut file)?;
            file.flush()
        })
    };
    written.map_err(|error| {
        let path = path.display().to_string();
        format!("{} can't be written: {error}", escaped(&path))
    })
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// The same for two names of one file, whether or not it is there.
fn place(path: &Path) -> PathBuf {
    if let Ok(place) = path.canonicalize() {
        return place;
    }
    let folder = path.parent().map(|folder| match folder.as_os_str() {
        name if name.is_empty() => Path::new("."),
        _ => folder,
    });
    match (
        folder.and_then(|folder| folder.canonicalize().ok()),
        path.file_name(),
    ) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}
