//! Commands by name: what keys do, found by typing some of it.

use super::bindings::TRIAGE;
use super::column::COLUMNS;
use super::keys::told;
use super::model::{Message, Screen};
use super::own_keys::{OwnKeys, keys_of};
use super::page::keys::KEYS;

/// A command.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its name.
    pub name: String,
    /// What it does.
    pub help: String,
    /// Its keys.
    pub keys: String,
    /// What it stands for.
    pub message: Message,
}

/// All commands: on a connection's page, its own come first.
fn all(screen: &Screen, own: &OwnKeys) -> Vec<Command> {
    let page = match screen {
        Screen::Page(_) => KEYS,
        _ => &[],
    };
    let page = page.iter().map(|binding| Command {
        name: binding.name.to_owned(),
        help: binding.help.to_owned(),
        keys: told(&keys_of(&own.page, binding)),
        message: Message::OnPage(binding.message.clone()),
    });
    let bound = TRIAGE.iter().filter(|binding| binding.name != "palette");
    let bound = bound.map(|binding| Command {
        name: binding.name.to_owned(),
        help: binding.help.to_owned(),
        keys: told(&keys_of(&own.lists, binding)),
        message: binding.message.clone(),
    });
    let sorts = COLUMNS.iter().map(|about| Command {
        name: format!("sort-{}", about.name),
        help: format!("sort by: {}", about.says),
        keys: String::new(),
        message: Message::SortBy(about.column),
    });
    page.chain(bound).chain(sorts).collect()
}

/// How well letters typed in their order fit a text: the less, the better.
fn distance(typed: &str, text: &str) -> Option<usize> {
    let text = text.to_ascii_lowercase();
    let typed = typed.to_ascii_lowercase();
    if let Some(at) = text.find(&typed) {
        return Some(at);
    }
    let mut rest = text.char_indices();
    let mut gaps = 0;
    let mut last = 0;
    for char in typed.chars().filter(|char| !char.is_whitespace()) {
        let (at, _) = rest.find(|(_, other)| *other == char)?;
        gaps += at - last;
        last = at;
    }
    Some(100 + gaps)
}

/// The commands that fit what was typed, the best first.
pub fn found(typed: &str, screen: &Screen, own: &OwnKeys) -> Vec<Command> {
    let mut found: Vec<(usize, Command)> = all(screen, own)
        .into_iter()
        .filter_map(|command| {
            let name = distance(typed, &command.name);
            let help = distance(typed, &command.help).map(|far| far + 50);
            let best = match (name, help) {
                (Some(name), Some(help)) => name.min(help),
                (name, help) => name.or(help)?,
            };
            Some((best, command))
        })
        .collect();
    found.sort_by_key(|(far, _)| *far);
    found.into_iter().map(|(_, command)| command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_by_some_of_their_letters() {
        let (screen, own) = (Screen::Triage, OwnKeys::default());
        let first = |typed| {
            found(typed, &screen, &own)
                .first()
                .map(|command| command.name.clone())
        };
        assert_eq!(first("filter").as_deref(), Some("filter"));
        assert_eq!(first("sort-rtt").as_deref(), Some("sort-rtt"));
        assert_eq!(first("srtrtt").as_deref(), Some("sort-rtt"));
        assert_eq!(first("zzzz"), None);
        assert_eq!(found("", &screen, &own).len(), all(&screen, &own).len());
    }
}
