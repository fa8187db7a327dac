//! What the terminal (or whatever takes the output) can show.

use std::env;
use std::io::IsTerminal;

use clap::ValueEnum;

use crate::report::style::{Colour, Palette};

/// Whether the locale has characters beyond ASCII (POSIX: LC_ALL before LC_CTYPE before LANG).
pub(super) fn unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Whether standard output is a file on disk: what goes there is on nobody's screen.
pub(super) fn goes_to_a_file() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;

        let owned = std::io::stdout().as_fd().try_clone_to_owned();
        owned
            .and_then(|owned| std::fs::File::from(owned).metadata())
            .is_ok_and(|metadata| metadata.is_file())
    }
    #[cfg(not(unix))]
    false
}

/// When to use colours.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Whether the terminal can't move its cursor: no screen can be drawn on it.
pub(super) fn is_dumb() -> bool {
    env::var("TERM").is_ok_and(|term| term == "dumb")
}

impl When {
    /// What the user said of colours, if anything.
    pub(super) fn said(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Always => Some(true),
            Self::Never => Some(false),
        }
    }

    pub(super) fn palette(self) -> Palette {
        let colour = match self {
            Self::Auto => Colour::Auto,
            Self::Always => Colour::Always,
            Self::Never => Colour::Never,
        };
        let variable = |name| env::var(name).ok();
        Palette::choose(
            colour,
            std::io::stdout().is_terminal(),
            variable("NO_COLOR").as_deref(),
            variable("TERM").as_deref(),
        )
    }
}

/// Columns: as `COLUMNS` says, as the terminal says, or 80.
pub(super) fn columns() -> usize {
    let said = env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    said.or_else(|| {
        terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0))
    })
    .filter(|&columns| columns > 0)
    .unwrap_or(80)
}
