//! Colours: what a terminal can show, and which are used for what.

use ratatui::style::{Color, Modifier, Style};

use super::sheet::{Ink, Look};

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None, or none are wanted.
    None,
    /// The sixteen that every terminal has.
    Sixteen,
    /// 256.
    Indexed,
    /// Any.
    True,
}

impl Depth {
    /// By the variables `NO_COLOR` (any but an empty one), `COLORTERM` and `TERM`.
    pub fn of(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Self {
        if no_color.is_some_and(|value| !value.is_empty()) {
            return Self::None;
        }
        if colorterm.is_some_and(|value| value == "truecolor" || value == "24bit") {
            return Self::True;
        }
        match term {
            Some(term) if term.contains("direct") => Self::True,
            Some(term) if term.contains("256") => Self::Indexed,
            Some(term) if term.contains("mono") || term == "vt100" || term == "vt220" => Self::None,
            _ => Self::Sixteen,
        }
    }
}

/// On what ground there is writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Light letters on a dark ground.
    #[default]
    Dark,
    /// Dark letters on a light ground.
    Light,
    /// Without colours.
    Plain,
}

impl Theme {
    /// The names in the configuration.
    pub const NAMES: [(&'static str, Self); 3] = [
        ("dark", Self::Dark),
        ("light", Self::Light),
        ("plain", Self::Plain),
    ];
}

/// A colour in three depths: any, 256, sixteen.
struct Hue((u8, u8, u8), u8, Color);

impl Hue {
    fn at(&self, depth: Depth) -> Color {
        let Self((red, green, blue), index, simple) = *self;
        match depth {
            Depth::True => Color::Rgb(red, green, blue),
            Depth::Indexed => Color::Indexed(index),
            _ => simple,
        }
    }
}

/// Inks on a dark ground, quiet but for what matters.
const DARK: [(Ink, Hue); 8] = [
    (Ink::Quiet, Hue((125, 133, 144), 245, Color::DarkGray)),
    (Ink::Rule, Hue((72, 79, 88), 240, Color::DarkGray)),
    (Ink::Accent, Hue((88, 166, 255), 75, Color::Blue)),
    (Ink::Client, Hue((86, 211, 218), 80, Color::Cyan)),
    (Ink::Server, Hue((210, 153, 255), 183, Color::Magenta)),
    (Ink::Good, Hue((86, 190, 110), 78, Color::Green)),
    (Ink::Warning, Hue((227, 179, 65), 179, Color::Yellow)),
    (Ink::Bad, Hue((248, 113, 105), 210, Color::Red)),
];

/// … and on a light one.
const LIGHT: [(Ink, Hue); 8] = [
    (Ink::Quiet, Hue((101, 109, 118), 243, Color::DarkGray)),
    (Ink::Rule, Hue((175, 184, 193), 250, Color::Gray)),
    (Ink::Accent, Hue((9, 105, 218), 26, Color::Blue)),
    (Ink::Client, Hue((0, 110, 125), 30, Color::Cyan)),
    (Ink::Server, Hue((130, 80, 200), 97, Color::Magenta)),
    (Ink::Good, Hue((26, 127, 55), 28, Color::Green)),
    (Ink::Warning, Hue((154, 103, 0), 94, Color::Yellow)),
    (Ink::Bad, Hue((207, 34, 46), 160, Color::Red)),
];

/// How things look in a theme on a terminal.
pub fn look(theme: Theme, depth: Depth, unicode: bool) -> Look {
    let hues = match theme {
        Theme::Plain => return Look::plain(unicode),
        _ if depth == Depth::None => return Look::plain(unicode),
        Theme::Dark => &DARK,
        Theme::Light => &LIGHT,
    };
    let mut look = Look::coloured(unicode);
    for (ink, hue) in hues {
        let style = Style::new().fg(hue.at(depth));
        let bold = matches!(ink, Ink::Accent | Ink::Bad);
        look.set(
            *ink,
            if bold {
                style.add_modifier(Modifier::BOLD)
            } else {
                style
            },
        );
    }
    let ground = match theme {
        Theme::Light => Hue((221, 234, 251), 189, Color::Gray),
        _ => Hue((33, 47, 66), 236, Color::Black),
    };
    let lit = match theme {
        Theme::Light => Hue((179, 209, 250), 153, Color::Cyan),
        _ => Hue((40, 74, 120), 24, Color::Blue),
    };
    if depth > Depth::Sixteen {
        let cursor = Style::new()
            .bg(ground.at(depth))
            .add_modifier(Modifier::BOLD);
        look.set_cursor(cursor, Style::new().bg(lit.at(depth)));
    }
    look
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_tell_what_a_terminal_can_show() {
        let of = Depth::of;
        assert_eq!(of(Some("1"), Some("truecolor"), Some("xterm")), Depth::None);
        assert_eq!(of(Some(""), Some("truecolor"), Some("xterm")), Depth::True);
        assert_eq!(of(None, None, Some("xterm-256color")), Depth::Indexed);
        assert_eq!(of(None, None, Some("linux")), Depth::Sixteen);
        assert_eq!(of(None, None, Some("vt100")), Depth::None);
    }
}
