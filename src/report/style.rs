//! Colours, and when there are any.

use core::fmt;

use anstyle::{AnsiColor, Style};

/// What the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Colours on a terminal that can show them.
    #[default]
    Auto,
    /// Colours.
    Always,
    /// None.
    Never,
}

/// Paints, or leaves as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    on: bool,
}

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Said for completeness.
    Quiet,
    /// As usual.
    Plain,
    /// A heading.
    Heading,
    /// All is well.
    Good,
    /// Worth a look.
    Warning,
    /// Something failed.
    Bad,
    /// What the client sent.
    Client,
    /// What the server sent.
    Server,
}

impl Palette {
    /// Without colours.
    pub const PLAIN: Self = Self { on: false };

    /// Decides by what the user asked for, whether output goes to a terminal, and the values of
    /// `NO_COLOR` (no-color.org: any but an empty one) and `TERM`.
    pub fn choose(
        colour: Colour,
        is_terminal: bool,
        no_color: Option<&str>,
        term: Option<&str>,
    ) -> Self {
        let on = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                is_terminal && no_color.unwrap_or("").is_empty() && term != Some("dumb")
            }
        };
        Self { on }
    }

    /// `text`, painted in `tone`.
    pub fn paint<T: fmt::Display>(self, tone: Tone, text: T) -> impl fmt::Display {
        let style = match tone {
            Tone::Plain => Style::new(),
            Tone::Quiet => Style::new().dimmed(),
            Tone::Heading => Style::new().bold(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Warning => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Client => AnsiColor::Cyan.on_default(),
            Tone::Server => AnsiColor::Magenta.on_default(),
        };
        Painted {
            style: if self.on { style } else { Style::new() },
            text,
        }
    }
}

struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:#}", self.style, self.text, self.style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_only_where_they_can_be_seen() {
        let on =
            |colour, terminal, no_color, term| Palette::choose(colour, terminal, no_color, term).on;
        assert!(on(Colour::Auto, true, None, Some("xterm")));
        assert!(on(Colour::Auto, true, Some(""), None));
        assert!(!on(Colour::Auto, false, None, Some("xterm")));
        assert!(!on(Colour::Auto, true, Some("1"), Some("xterm")));
        assert!(!on(Colour::Auto, true, None, Some("dumb")));
        assert!(on(Colour::Always, false, Some("1"), Some("dumb")));
        assert!(!on(Colour::Never, true, None, None));
    }

    #[test]
    fn plain_text_has_no_escapes() {
        let text = Palette::PLAIN.paint(Tone::Bad, "x").to_string();
        assert_eq!(text, "x");
        let painted = Palette { on: true }.paint(Tone::Bad, "x").to_string();
        assert_eq!(painted, "\x1b[31mx\x1b[0m");
    }
}
