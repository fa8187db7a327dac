//! The keys of a connection's page: one table; what a key means to a tab is the tab's.

use crossterm::event::KeyCode;

use super::{Page, PageMessage, Tab};
use crate::tui::keys::{Binding, Key, find};

const fn c(char: char) -> Key {
    Key::char(char)
}

const fn k(code: KeyCode) -> Key {
    Key::code(code)
}

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

/// All of them.
pub const KEYS: &[Binding<PageMessage>] = bindings! {
    "page-next-tab" [k(KeyCode::Tab)] PageMessage::Pane(1), "the next pane, or the next tab", "pane/tab";
    "page-previous-tab" [k(KeyCode::BackTab)] PageMessage::Pane(-1), "the pane or the tab before";
    "page-endpoints" [c('1')] PageMessage::Show(Tab::Endpoints), "both hosts side by side", "to 6 tabs";
    "page-ladder" [c('2'), c('L')] PageMessage::Show(Tab::Ladder), "this frame in the sequence diagram";
    "page-graphs" [c('3'), c('T')] PageMessage::Show(Tab::Graphs), "this frame in the graphs";
    "page-states" [c('4'), c('M')] PageMessage::Show(Tab::States), "the state machine at this frame";
    "page-stream" [c('5'), c('B')] PageMessage::Show(Tab::Stream), "the bytes of this frame in the stream";
    "page-frames" [c('6')] PageMessage::Show(Tab::Frames), "this frame, taken apart";
    "page-down" [c('j'), k(KeyCode::Down)] PageMessage::Step(1), "down";
    "page-up" [c('k'), k(KeyCode::Up)] PageMessage::Step(-1), "up";
    "page-left" [c('h'), k(KeyCode::Left)] PageMessage::Side(-1), "left; in graphs earlier; close a layer";
    "page-right" [c('l'), k(KeyCode::Right)] PageMessage::Side(1), "right; in graphs later; open a layer";
    "page-leaf-down" [Key::ctrl('d'), Key::ctrl('f'), k(KeyCode::PageDown), c(' ')] PageMessage::Leaf(1), "a screen down";
    "page-leaf-up" [Key::ctrl('u'), Key::ctrl('b'), k(KeyCode::PageUp)] PageMessage::Leaf(-1), "a screen up";
    "page-first" [c('g'), k(KeyCode::Home)] PageMessage::First, "to the first";
    "page-last" [c('G'), k(KeyCode::End)] PageMessage::Last, "to the last";
    "page-next-trouble" [c('n')] PageMessage::Stop(1), "the next retransmission, loss or other trouble; the next that matches", "next trouble";
    "page-previous-trouble" [c('N')] PageMessage::Stop(-1), "the one before";
    "page-explain" [c('e')] PageMessage::Explain, "why it is judged so: the rules and the frames that prove it", "proof";
    "page-enter" [k(KeyCode::Enter)] PageMessage::Enter, "to the frame under the cursor", "frame";
    "page-direction" [c('d')] PageMessage::Direction, "the other direction; in the stream one direction or both";
    "page-view" [c('v')] PageMessage::Switch(1), "another graph; text or hex; time folded or to scale", "view";
    "page-view-back" [c('V')] PageMessage::Switch(-1), "the graph before";
    "page-zoom-in" [c('+'), c('=')] PageMessage::Zoom(1), "zoom in";
    "page-zoom-out" [c('-')] PageMessage::Zoom(-1), "zoom out";
    "page-fit" [c('0')] PageMessage::Fit, "everything in sight";
    "page-numbers" [c('a')] PageMessage::Numbers, "numbers as they stand in the headers, or counted from the SYN";
    "page-scale" [c('s')] PageMessage::Scale, "gaps in time to scale, or folded";
    "page-roomy" [c('r')] PageMessage::Roomy, "labels above the arrows, or on them";
    "page-search" [c('/')] PageMessage::Search, "filter the frames; in the stream search it: text, or bytes as 0x1f8b";
    "page-clear" [c('x')] PageMessage::Clear, "take the filter away";
    "page-save" [c('w')] PageMessage::Save, "write the stream to a file";
    "page-copy" [c('y')] PageMessage::Copy, "copy what is under the cursor (OSC 52)";
    "page-return" [k(KeyCode::Backspace), c('u')] PageMessage::Return, "back to where one jumped from", "back";
    "page-leave" [k(KeyCode::Esc), c('q')] PageMessage::Cancel, "close what is on top; back to the list";
};

/// The keys that matter on a tab.
pub fn table(_page: &Page) -> &'static [Binding<PageMessage>] {
    KEYS
}

/// What is hinted at on a tab: what keys mean there.
pub fn hints(page: &Page) -> Vec<Binding<PageMessage>> {
    let tab = page.tab();
    let hint = |message: &PageMessage| match (message, tab) {
        (PageMessage::Pane(1), Tab::Frames) => "next pane",
        (PageMessage::Pane(1), _) => "next tab",
        (PageMessage::Show(Tab::Endpoints), _) => "to 6 tabs",
        (PageMessage::Stop(1), Tab::Stream) => "next match",
        (PageMessage::Stop(1), _) => "next trouble",
        (PageMessage::Explain, Tab::Ladder | Tab::Graphs | Tab::States | Tab::Frames) => "proof",
        (PageMessage::Enter, Tab::Frames) => "layers",
        (PageMessage::Enter, _) => "frame",
        (PageMessage::Direction, Tab::Graphs) => "other sender",
        (PageMessage::Direction, Tab::Stream) => "one side",
        (PageMessage::Switch(1), Tab::Ladder) => "to scale",
        (PageMessage::Switch(1), Tab::Graphs) => "next graph",
        (PageMessage::Switch(1), Tab::Stream) => "hex",
        (PageMessage::Zoom(1), Tab::Graphs) => "zoom",
        (PageMessage::Search, Tab::Stream) => "search",
        (PageMessage::Search, Tab::Ladder | Tab::States | Tab::Frames) => "filter",
        (PageMessage::Save, Tab::Stream) => "save",
        (PageMessage::Return, _) => "back",
        _ => "",
    };
    let told = |binding: &Binding<PageMessage>| Binding {
        hint: hint(&binding.message),
        ..binding.clone()
    };
    KEYS.iter().map(told).collect()
}

/// What a key means.
pub fn message(page: &Page, key: Key) -> Option<PageMessage> {
    if page.is_typing() {
        return match key.code {
            KeyCode::Char('u') if key.ctrl => Some(PageMessage::Cancel),
            KeyCode::Char(char) if !key.ctrl => Some(PageMessage::Typed(char)),
            KeyCode::Backspace => Some(PageMessage::Erase),
            KeyCode::Enter => Some(PageMessage::Accept),
            KeyCode::Esc => Some(PageMessage::Cancel),
            _ => None,
        };
    }
    let message = find(KEYS, key).cloned()?;
    Some(match message {
        // Only frames have panes.
        PageMessage::Pane(by) if page.tab() != Tab::Frames => PageMessage::Turn(by),
        message => message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keys::doubled;

    #[test]
    fn no_key_stands_twice() {
        assert!(doubled(KEYS).is_empty(), "{:?}", doubled(KEYS));
    }
}
