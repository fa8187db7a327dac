//! Keys: what they do, and how that is told. Dispatch, the help screen, the hint line and the
//! command palette all come from tables of [`Binding`]s, one table a context.

use core::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key as it is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which.
    pub code: KeyCode,
    /// With Ctrl held.
    pub ctrl: bool,
}

impl Key {
    /// A character.
    pub const fn char(char: char) -> Self {
        Self::code(KeyCode::Char(char))
    }

    /// A character with Ctrl.
    pub const fn ctrl(char: char) -> Self {
        Self {
            code: KeyCode::Char(char),
            ctrl: true,
        }
    }

    /// Any other.
    pub const fn code(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    /// The key of an event. Shift is part of a character.
    pub fn of(event: &KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(char) if ctrl => KeyCode::Char(char.to_ascii_lowercase()),
            code => code,
        };
        Self { code, ctrl }
    }

    /// The key that is written so: `q`, `ctrl-d`, `enter`, `f5`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("ctrl-") {
            let mut chars = rest.chars();
            let char = chars.next().filter(|_| chars.next().is_none())?;
            return Some(Self::ctrl(char.to_ascii_lowercase()));
        }
        let named = NAMES.iter().find(|(name, _)| *name == text);
        if let Some((_, code)) = named {
            return Some(Self::code(*code));
        }
        if let Some(number) = text.strip_prefix('f').and_then(|rest| rest.parse().ok()) {
            return (1..=12)
                .contains(&number)
                .then_some(Self::code(KeyCode::F(number)));
        }
        let mut chars = text.chars();
        let char = chars.next().filter(|_| chars.next().is_none())?;
        Some(Self::char(char))
    }
}

const NAMES: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("space", KeyCode::Char(' ')),
    ("delete", KeyCode::Delete),
];

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(char) => write!(f, "{char}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            _ => Ok(()),
        }
    }
}

/// What keys do in a context.
#[derive(Clone, Debug)]
pub struct Binding<M: 'static> {
    /// Its name, in the configuration and the palette.
    pub name: &'static str,
    /// The keys.
    pub keys: &'static [Key],
    /// What they do.
    pub message: M,
    /// That in a few words.
    pub help: &'static str,
    /// That in one word, for the hint line; empty for what is not hinted at.
    pub hint: &'static str,
}

/// What a key does by a table.
pub fn find<M>(table: &[Binding<M>], key: Key) -> Option<&M> {
    let binding = table.iter().find(|binding| binding.keys.contains(&key))?;
    Some(&binding.message)
}

/// Keys as they are told: `j down`.
pub fn told(keys: &[Key]) -> String {
    let names: Vec<String> = keys.iter().map(Key::to_string).collect();
    names.join(" ")
}

/// The keys that stand in a table more than once.
#[cfg(test)]
pub(super) fn doubled<M>(table: &[Binding<M>]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let keys = table.iter().flat_map(|binding| binding.keys);
    keys.filter(|key| !seen.insert(**key))
        .map(Key::to_string)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_they_are_read() {
        for text in [
            "q",
            "G",
            "ctrl-d",
            "enter",
            "shift-tab",
            "f5",
            "/",
            "?",
            "space",
        ] {
            assert_eq!(Key::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "ctrl-", "enterr", "f13", "ab"] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }
}
