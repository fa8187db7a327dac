//! `tcplens generate sockets/LESSON`: the lesson with real sockets of this host.

use std::io;

use clap::Args;

use super::Arguments;
use crate::cli::Exit;

/// Options of lessons alone.
#[derive(Args, Debug)]
#[command(next_help_heading = "Lessons with real sockets")]
pub(super) struct Options {}

/// Every lesson: its name without `sockets/`, and a line about it.
pub(super) const LESSONS: &[(&str, &str)] = &[];

/// The long description of a lesson.
pub(super) fn description(lesson: &str) -> Option<String> {
    let _ = lesson;
    None
}

pub(super) fn run(arguments: &Arguments, lesson: &str) -> io::Result<Exit> {
    let Options {} = &arguments.sockets;
    Ok(Exit::usage(&format!(
        "there is no lesson {lesson:?} in this version"
    )))
}
