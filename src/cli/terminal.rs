//! What the terminal (or whatever takes the output) can show.

use std::env;
use std::io::IsTerminal;

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

/// Whether to print in colour: on a terminal that is not a dumb one, unless `NO_COLOR` is set
/// (no-color.org).
pub(super) fn colour() -> bool {
    std::io::stdout().is_terminal()
        && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Columns: as `COLUMNS` says, as the terminal says, or 80.
pub(super) fn columns() -> usize {
    let said = env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    said.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .filter(|&columns| columns > 0)
        .unwrap_or(80)
}
