//! The keys of the first screen, of lists that lie on top of it, and of lines that are typed.

use crossterm::event::KeyCode;

use super::keys::{Binding, Key};
use super::model::Message;
use super::snapshot::Tab;

macro_rules! bindings {
    ($($name:literal [$($key:expr),*] $message:expr, $help:literal $(, $hint:literal)?;)*) => {
        &[$(Binding {
            name: $name,
            keys: &[$($key),*],
            message: $message,
            help: $help,
            hint: concat!("" $(, $hint)?),
        },)*]
    };
}

const fn c(char: char) -> Key {
    Key::char(char)
}

const fn k(code: KeyCode) -> Key {
    Key::code(code)
}

/// The first screen's keys, as Wireshark's, less's and vim's users have them in their hands.
pub const TRIAGE: &[Binding<Message>] = bindings! {
    "open" [k(KeyCode::Enter), c('l'), k(KeyCode::Right)] Message::Open, "open what is under the cursor", "open";
    "filter" [c('/')] Message::Filter, "filter the lists, in Wireshark's language", "filter";
    "pause" [c('p')] Message::Pause, "let the screen stand still, or go on", "pause";
    "record" [c('r')] Message::Record, "begin or end a recording of what is captured", "record";
    "sort" [c('s'), c('>')] Message::Sort(1), "sort by the next column", "sort";
    "sort-back" [c('S'), c('<')] Message::Sort(-1), "sort by the column before";
    "reverse" [c('R')] Message::Reverse, "turn the order around";
    "columns" [c('c')] Message::Columns, "choose columns", "columns";
    "next-tab" [k(KeyCode::Tab)] Message::Turn(1), "the next tab", "next tab";
    "previous-tab" [k(KeyCode::BackTab)] Message::Turn(-1), "the tab before";
    "connections" [c('1')] Message::Show(Tab::Connections), "TCP connections";
    "udp" [c('2')] Message::Show(Tab::Udp), "UDP conversations";
    "hosts" [c('3')] Message::Show(Tab::Hosts), "hosts, by what they sent and received";
    "findings" [c('4')] Message::Show(Tab::Findings), "what is to be known of the capture";
    "down" [c('j'), k(KeyCode::Down)] Message::Step(1), "down";
    "up" [c('k'), k(KeyCode::Up)] Message::Step(-1), "up";
    "half-page-down" [Key::ctrl('d')] Message::Leaf(1), "half a screen down";
    "half-page-up" [Key::ctrl('u')] Message::Leaf(-1), "half a screen up";
    "page-down" [k(KeyCode::PageDown), Key::ctrl('f'), c(' ')] Message::Leaf(2), "a screen down";
    "page-up" [k(KeyCode::PageUp), Key::ctrl('b')] Message::Leaf(-2), "a screen up";
    "first" [c('g'), k(KeyCode::Home)] Message::First, "to the first";
    "last" [c('G'), k(KeyCode::End)] Message::Last, "to the last";
    "only" [c('f')] Message::Only, "filter by the host or the server under the cursor";
    "open-only" [c('o')] Message::OpenOnly, "without connections that are over, or with them";
    "clear" [c('x')] Message::Clear, "take the filter away";
    "copy" [c('y')] Message::Copy, "copy the sockets under the cursor (OSC 52)";
    "scenarios" [c('n')] Message::Scenarios, "run a scenario of the generator and watch it";
    "palette" [c(':')] Message::Palette, "all commands, by name";
    "help" [c('?'), k(KeyCode::F(1))] Message::Help, "this help", "help";
    "redraw" [Key::ctrl('l')] Message::Redraw, "draw the screen anew";
    "suspend" [Key::ctrl('z')] Message::Suspend, "to the shell; fg comes back";
    "back" [k(KeyCode::Esc), k(KeyCode::Backspace)] Message::Back, "close what is on top; take the filter away";
    "quit" [c('q'), Key::ctrl('c')] Message::Quit, "quit", "quit";
};

/// Lists on top of a screen.
pub const LIST: &[Binding<Message>] = bindings! {
    "choose" [k(KeyCode::Enter), c(' ')] Message::Open, "choose", "choose";
    "list-down" [c('j'), k(KeyCode::Down), Key::ctrl('n')] Message::Step(1), "down";
    "list-up" [c('k'), k(KeyCode::Up), Key::ctrl('p')] Message::Step(-1), "up";
    "list-half-down" [Key::ctrl('d'), k(KeyCode::PageDown)] Message::Leaf(1), "half a screen down";
    "list-half-up" [Key::ctrl('u'), k(KeyCode::PageUp)] Message::Leaf(-1), "half a screen up";
    "list-first" [c('g'), k(KeyCode::Home)] Message::First, "to the first";
    "list-last" [c('G'), k(KeyCode::End)] Message::Last, "to the last";
    "list-clear" [c('x')] Message::Clear, "of columns: as many as fit again";
    "list-help" [c('?')] Message::Help, "help";
    "list-suspend" [Key::ctrl('z')] Message::Suspend, "to the shell";
    "close" [k(KeyCode::Esc), k(KeyCode::Backspace), c('q'), k(KeyCode::Left)] Message::Back, "close", "close";
    "list-quit" [Key::ctrl('c')] Message::Quit, "quit";
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keys::doubled;

    #[test]
    fn no_key_stands_twice() {
        assert!(doubled(TRIAGE).is_empty(), "{:?}", doubled(TRIAGE));
        assert!(doubled(LIST).is_empty(), "{:?}", doubled(LIST));
    }

    #[test]
    fn names_are_unique() {
        let all = TRIAGE.iter().chain(LIST);
        let mut names: Vec<_> = all.map(|binding| binding.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
