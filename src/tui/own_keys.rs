//! Keys that the configuration binds: they come before those of the tables, wherever keys are told
//! and pressed.

use super::keys::{Binding, Key};
use super::model::Message;
use super::page::PageMessage;

/// Keys of the lists and of a connection's page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnKeys {
    /// Those of the first screen.
    pub lists: Vec<(Key, Message)>,
    /// Those of a connection's page.
    pub page: Vec<(Key, PageMessage)>,
}

/// What an own key does.
pub fn own<M: Clone>(keys: &[(Key, M)], key: Key) -> Option<M> {
    let bound = keys.iter().find(|(own, _)| *own == key)?;
    Some(bound.1.clone())
}

/// The keys of a binding: its own, then the usual but for those that do something else now.
pub fn keys_of<M: PartialEq>(own: &[(Key, M)], binding: &Binding<M>) -> Vec<Key> {
    let bound = own
        .iter()
        .filter(|(_, message)| *message == binding.message);
    let taken = |key: &Key| own.iter().any(|(own, _)| own == key);
    let usual = binding.keys.iter().filter(|key| !taken(key));
    bound.map(|(key, _)| *key).chain(usual.copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::bindings::TRIAGE;

    #[test]
    fn own_keys_come_first_and_take_others_away() {
        let own = [(Key::char('q'), Message::Filter)];
        let keys = |name| {
            let binding = TRIAGE.iter().find(|binding| binding.name == name);
            keys_of(&own, binding.unwrap())
        };
        assert_eq!(keys("filter"), [Key::char('q'), Key::char('/')]);
        assert_eq!(keys("quit"), [Key::ctrl('c')]);
        assert_eq!(super::own(&own, Key::char('q')), Some(Message::Filter));
    }
}
