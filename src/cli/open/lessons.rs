//! Lessons with real sockets, for a screen that may open none: they are played by a process that
//! was started before the screen was confined.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::confinement::Broker;
use crate::confinement::broker::{self, Answers};
use crate::generator::sockets::LESSONS;
use crate::report::escape::escaped;

/// What the hidden command is called that plays them.
pub(in crate::cli) const PLAYER: &str = "play-lessons";

/// What became of a lesson.
#[derive(Debug, Serialize, Deserialize)]
enum Played {
    /// It is in this capture.
    Capture(OsString),
    /// There is none, for this reason.
    Failed(String),
}

/// Plays the lessons that are asked for on standard input.
pub(in crate::cli) fn serve() -> io::Result<()> {
    broker::serve(io::stdin().lock(), io::stdout().lock(), answer)
}

/// A name from the table, and nothing else, is taken from whoever asks.
fn answer(request: &str) -> Played {
    match LESSONS.iter().find(|lesson| lesson.name == request) {
        Some(lesson) => play(lesson.name).unwrap_or_else(|error| Played::Failed(error.to_string())),
        None => Played::Failed(format!("there is no lesson {}", escaped(request))),
    }
}

/// Plays a lesson in a process of its own: it may have to enter a network namespace, from where
/// there is no way back. Its capture and call log stay in the folder for temporary files.
fn play(lesson: &str) -> io::Result<Played> {
    let name = format!("tcplens-{}-{lesson}.pcapng", std::process::id());
    let capture = env::temp_dir().join(name);
    // What was played before is no sign of success.
    let _ = fs::remove_file(&capture);
    let played = Command::new(env::current_exe()?)
        .arg("generate")
        .arg(format!("sockets/{lesson}"))
        .args(["--quiet", "-o"])
        .arg(&capture)
        .stdin(Stdio::null())
        .output()?;
    Ok(if capture.exists() {
        Played::Capture(capture.into_os_string())
    } else {
        let words = String::from_utf8_lossy(&played.stderr);
        let first = words.lines().next().unwrap_or("it wrote no capture");
        Played::Failed(first.to_owned())
    })
}

/// Who plays lessons, or why nobody does.
pub(super) struct Lessons(Mutex<Result<(Broker, Answers), String>>);

impl Lessons {
    /// Starts the process that plays them; it waits.
    pub(super) fn start() -> Self {
        let started = match LESSONS {
            [] => Err("this system has none".to_owned()),
            _ => Broker::start(&[PLAYER]).map_err(|error| error.to_string()),
        };
        Self(Mutex::new(started.and_then(
            |mut broker| match broker.answers() {
                Some(answers) => Ok((broker, answers)),
                None => Err("it can't be heard".to_owned()),
            },
        )))
    }

    /// Plays a lesson to its end, one at a time. Its capture, or why there is none.
    pub(super) fn play(&self, lesson: &str) -> Result<PathBuf, String> {
        let mut player = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (broker, answers) = player
            .as_mut()
            .map_err(|why| format!("the process that plays lessons was not started: {why}"))?;
        let asked = broker.ask(lesson).ok();
        match asked.and_then(|()| answers.wait()) {
            Some(Played::Capture(capture)) => Ok(capture.into()),
            Some(Played::Failed(why)) => Err(format!("sockets/{lesson}: {why}")),
            None => Err("the process that plays lessons has ended".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_lesson_are_refused() {
        for name in [
            "",
            "../handshake",
            "sockets/handshake",
            "handshake -o /",
            "\u{1b}",
        ] {
            match answer(name) {
                Played::Failed(why) => assert!(why.starts_with("there is no lesson"), "{why}"),
                Played::Capture(capture) => panic!("{name} was played: {capture:?}"),
            }
        }
    }
}
