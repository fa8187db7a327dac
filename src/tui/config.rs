//! What the user has set, and what is remembered from the last time.
//!
//! The configuration is the user's, and never written: `$XDG_CONFIG_HOME/tcplens/config.toml`
//! (else `~/.config`). What was chosen on the screen is kept in
//! `$XDG_STATE_HOME/tcplens/state.toml` (else `~/.local/state`).
//!
//! ```toml
//! theme = "light"                          # dark, light or plain
//! unicode = false                          # ASCII alone
//! columns = ["id", "client", "server", "resent"]
//! sort = "rtt"
//! [keys]
//! filter = "F"                             # by the names that the command palette shows; those of a
//! page-explain = "E"                       # connection's page are listed there
//! ```

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::bindings::TRIAGE;
use super::column::{COLUMNS, Column};
use super::keys::Key;
use super::model::{Model, Sorting};
use super::own_keys::OwnKeys;
use super::page::keys::KEYS;
use super::sheet::Look;
use super::theme::{Depth, Theme, look};
use crate::report::escape::escaped;

/// What the user has set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Colours.
    pub theme: Theme,
    /// Whether characters beyond ASCII may be used.
    pub unicode: Option<bool>,
    /// Columns of connections.
    pub columns: Option<Vec<Column>>,
    /// What connections are sorted by.
    pub sort: Option<Column>,
    /// Keys before those of the tables.
    pub keys: OwnKeys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    theme: Option<Spanned<String>>,
    unicode: Option<bool>,
    columns: Option<Vec<Spanned<String>>>,
    sort: Option<Spanned<String>>,
    #[serde(default)]
    keys: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// A folder of the XDG base directory specification: `$variable`, else below the home folder.
fn folder(variable: &str, fallback: &str) -> Option<PathBuf> {
    let set = |name| env::var_os(name).map(PathBuf::from);
    // What is not absolute is to be ignored.
    let own = set(variable).filter(|path| path.is_absolute());
    let base = own.or_else(|| Some(set("HOME")?.join(fallback)))?;
    Some(base.join("tcplens"))
}

impl Config {
    /// Reads the configuration; without a file everything is as usual.
    ///
    /// # Errors
    /// When the file can't be read or understood: a sentence with file, line and what may have
    /// been meant.
    pub fn load() -> Result<Self, String> {
        let Some(path) = folder("XDG_CONFIG_HOME", ".config") else {
            return Ok(Self::default());
        };
        let path = path.join("config.toml");
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map_err(|(line, reason)| {
                let name = path.to_string_lossy();
                format!("{}, line {line}: {reason}", escaped(&name))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: {error}", escaped(&path.to_string_lossy()))),
        }
    }

    /// Understands a configuration. Errors are a line and a sentence.
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let line_of = |offset: usize| {
            let before = text.get(..offset.min(text.len())).unwrap_or(text);
            before.matches('\n').count() + 1
        };
        let written: Written = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let message = error.message().lines().next().unwrap_or("").to_owned();
            (line_of(offset), escaped(&message).to_string())
        })?;
        let unknown =
            |what: &str, given: &Spanned<String>, names: &mut dyn Iterator<Item = &str>| {
                let name = given.as_ref();
                let mut sentence = format!("no {what} is called {}", escaped(name));
                if let Some(near) = nearest(name, names) {
                    sentence += &format!("; did you mean {near}?");
                }
                (line_of(given.span().start), sentence)
            };
        let column = |given: &Spanned<String>| {
            Column::named(given.as_ref()).ok_or_else(|| {
                unknown("column", given, &mut COLUMNS.iter().map(|about| about.name))
            })
        };
        let mut config = Self {
            unicode: written.unicode,
            ..Self::default()
        };
        if let Some(given) = &written.theme {
            let known = Theme::NAMES.iter().find(|(name, _)| name == given.as_ref());
            config.theme = known.map(|(_, theme)| *theme).ok_or_else(|| {
                unknown(
                    "theme",
                    given,
                    &mut Theme::NAMES.iter().map(|(name, _)| *name),
                )
            })?;
        }
        if let Some(given) = &written.columns {
            let columns = given.iter().map(column).collect::<Result<Vec<_>, _>>()?;
            config.columns = Some(columns).filter(|columns| !columns.is_empty());
        }
        config.sort = written.sort.as_ref().map(column).transpose()?;
        let mut bound: Vec<(Key, bool, &str)> = Vec::new();
        for (name, written_key) in &written.keys {
            let lists = TRIAGE.iter().find(|binding| binding.name == name.as_ref());
            let page = KEYS.iter().find(|binding| binding.name == name.as_ref());
            let key = Key::parse(written_key.as_ref()).ok_or_else(|| {
                let sentence = format!(
                    "{} is no key; keys are written q, G, ctrl-d, enter, f5",
                    escaped(written_key.as_ref())
                );
                (line_of(written_key.span().start), sentence)
            })?;
            let of_page = lists.is_none();
            let same = |other: &&(Key, bool, &str)| (other.0, other.1) == (key, of_page);
            if let Some((_, _, other)) = bound.iter().find(same) {
                let sentence = format!("{key} is bound to {other} already");
                return Err((line_of(written_key.span().start), sentence));
            }
            match (lists, page) {
                (Some(binding), _) => config.keys.lists.push((key, binding.message.clone())),
                (None, Some(binding)) => config.keys.page.push((key, binding.message.clone())),
                (None, None) => {
                    let lists = TRIAGE.iter().map(|binding| binding.name);
                    let page = KEYS.iter().map(|binding| binding.name);
                    return Err(unknown("command", name, &mut lists.chain(page)));
                }
            }
            bound.push((key, of_page, name.as_ref()));
        }
        Ok(config)
    }

    /// How things look by this configuration, the command line, and the terminal.
    pub fn look(&self, unicode: bool, colour: Option<bool>) -> Look {
        let variable = |name| env::var(name).ok();
        let depth = match colour {
            Some(false) => Depth::None,
            Some(true) => Depth::of(
                None,
                variable("COLORTERM").as_deref(),
                variable("TERM").as_deref(),
            )
            .max(Depth::Sixteen),
            None => Depth::of(
                variable("NO_COLOR").as_deref(),
                variable("COLORTERM").as_deref(),
                variable("TERM").as_deref(),
            ),
        };
        look(self.theme, depth, self.unicode.unwrap_or(unicode))
    }
}

/// The name that was probably meant: the one with the fewest letters to change.
fn nearest<'n>(given: &str, names: &mut dyn Iterator<Item = &'n str>) -> Option<&'n str> {
    let far = |name: &str| -> usize {
        // Levenshtein's distance, a row at a time.
        let mut row: Vec<usize> = (0..=name.len()).collect();
        for (at, own) in given.bytes().take(64).enumerate() {
            let mut corner = std::mem::replace(&mut row[0], at + 1);
            for (place, other) in name.bytes().enumerate() {
                let step = corner + usize::from(own != other);
                corner = row[place + 1];
                row[place + 1] = step.min(corner + 1).min(row[place] + 1);
            }
        }
        row[name.len()]
    };
    let (distance, name) = names.map(|name| (far(name), name)).min()?;
    (distance <= 1 + given.len() / 3).then_some(name)
}

/// What was chosen the last time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    #[serde(skip)]
    path: Option<PathBuf>,
    /// Whether nothing is remembered: it is the first time.
    #[serde(skip)]
    pub is_new: bool,
    #[serde(default)]
    columns: Option<Vec<String>>,
    #[serde(default)]
    sort: Option<String>,
    #[serde(default)]
    reverse: bool,
    #[serde(default)]
    filters: Vec<String>,
}

impl Memory {
    /// Reads what is remembered; what can't be read is forgotten.
    pub fn load() -> Self {
        let path = folder("XDG_STATE_HOME", ".local/state").map(|path| path.join("state.toml"));
        let text = path
            .as_deref()
            .and_then(|path| fs::read_to_string(path).ok());
        let known = text.as_deref().and_then(|text| toml::from_str(text).ok());
        Self {
            is_new: text.is_none() && path.is_some(),
            path,
            ..known.unwrap_or_default()
        }
    }

    /// The folder it is kept in, made where it is not there.
    pub fn folder(&self) -> Option<PathBuf> {
        let folder = self.path.as_deref()?.parent()?;
        fs::create_dir_all(folder).ok()?;
        Some(folder.to_owned())
    }

    /// Puts what is remembered in force.
    pub fn restore(&self, model: &mut Model) {
        let named = |names: &Vec<String>| -> Vec<Column> {
            names
                .iter()
                .filter_map(|name| Column::named(name))
                .collect()
        };
        model.columns = self
            .columns
            .as_ref()
            .map(named)
            .filter(|own| !own.is_empty());
        if let Some(by) = self.sort.as_deref().and_then(Column::named) {
            model.sorting[0] = Sorting {
                by,
                reverse: self.reverse,
            };
        }
        model.history.clone_from(&self.filters);
    }

    /// Keeps what is in force for the next time. What can't be kept is forgotten: there is no
    /// harm in it.
    pub fn keep(&mut self, model: &Model) {
        let names = |columns: &Vec<Column>| -> Vec<String> {
            columns
                .iter()
                .map(|column| column.about().name.to_owned())
                .collect()
        };
        self.columns = model.columns.as_ref().map(names);
        self.sort = Some(model.sorting[0].by.about().name.to_owned());
        self.reverse = model.sorting[0].reverse;
        self.filters.clone_from(&model.history);
        self.is_new = false;
        if let Some(path) = &self.path
            && let Ok(text) = toml::to_string(self)
        {
            let _ = path.parent().map(fs::create_dir_all);
            let _ = replace(path, &text);
        }
    }
}

/// Writes a file so that there is always a whole one.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::model::Message;
    use crate::tui::page::PageMessage;

    #[test]
    fn a_configuration_is_understood() {
        let text = "theme = \"light\"\ncolumns = [\"id\", \"rtt\"]\nsort = \"rtt\"\n[keys]\nfilter = \"F\"\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.theme, Theme::Light);
        assert_eq!(config.columns, Some(vec![Column::Id, Column::Rtt]));
        assert_eq!(config.keys.lists, [(Key::char('F'), Message::Filter)]);
        let page = Config::parse("[keys]\nfilter = \"F\"\npage-explain = \"F\"").unwrap();
        assert_eq!(page.keys.page, [(Key::char('F'), PageMessage::Explain)]);
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn mistakes_are_told_with_line_and_the_nearest_name() {
        for (text, line, sentence) in [
            (
                "theme = \"drak\"",
                1,
                "no theme is called drak; did you mean dark?",
            ),
            (
                "\ncolumns = [\n\"id\",\n\"rrt\"]",
                4,
                "no column is called rrt; did you mean rtt?",
            ),
            (
                "[keys]\nfiltre = \"F\"",
                2,
                "no command is called filtre; did you mean filter?",
            ),
            (
                "[keys]\nfilter = \"F\"\nhelp = \"F\"",
                3,
                "F is bound to filter already",
            ),
            (
                "[keys]\nfilter = \"hyper-x\"",
                2,
                "hyper-x is no key; keys are written q, G, ctrl-d, enter, f5",
            ),
        ] {
            assert_eq!(
                Config::parse(text),
                Err((line, sentence.to_owned())),
                "{text}"
            );
        }
        let (line, sentence) = Config::parse("theme = \"dark\"\ncolour = 1").unwrap_err();
        assert_eq!(line, 2);
        assert!(sentence.contains("unknown field `colour`"), "{sentence}");
    }
}
