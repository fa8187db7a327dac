//! Lines that are typed: filters with completion and history, commands by name, names of files.

use crossterm::event::KeyCode;

use super::edit::Edit;
use super::keys::Key;
use super::model::{Effect, Layer, Model, Screen};
use super::palette;
use super::reading::Order;
use crate::analysis::FlowId;
use crate::filter::Filter;

impl Model {
    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        if let Some(edit) = self.edit() {
            for char in text.chars() {
                edit.insert(char);
            }
        }
        Vec::new()
    }

    pub(super) fn edit(&mut self) -> Option<&mut Edit> {
        match &mut self.layer {
            Layer::Filter(line) => Some(&mut line.edit),
            Layer::Palette(edit, _) | Layer::Save(edit, _) | Layer::Record(edit) => Some(edit),
            _ => None,
        }
    }

    /// A key of a line that is typed.
    pub(super) fn type_key(&mut self, key: Key) -> Vec<Effect> {
        let Some(edit) = self.edit() else {
            return Vec::new();
        };
        let mut changed = false;
        match (key.code, key.ctrl) {
            (KeyCode::Char('c'), true) | (KeyCode::Esc, _) => {
                self.layer = Layer::None;
                return Vec::new();
            }
            (KeyCode::Char('z'), true) => return vec![Effect::Suspend],
            (KeyCode::Char('w'), true) => {
                edit.erase_word();
                changed = true;
            }
            (KeyCode::Char('u'), true) => {
                edit.erase_all();
                changed = true;
            }
            (KeyCode::Char('a'), true) | (KeyCode::Home, _) => edit.home(),
            (KeyCode::Char('e'), true) | (KeyCode::End, _) => edit.end(),
            (KeyCode::Left, _) => edit.left(),
            (KeyCode::Right, _) => edit.right(),
            (KeyCode::Delete, _) => {
                edit.delete();
                changed = true;
            }
            (KeyCode::Backspace, _) => {
                if !edit.erase() && edit.text().is_empty() {
                    self.layer = Layer::None;
                    return Vec::new();
                }
                changed = true;
            }
            (KeyCode::Char(char), false) => {
                edit.insert(char);
                changed = true;
            }
            (KeyCode::Char('n'), true) | (KeyCode::Down, _) => self.pick(1),
            (KeyCode::Char('p'), true) | (KeyCode::Up, _) => self.pick(-1),
            (KeyCode::Tab, _) => self.complete(1),
            (KeyCode::BackTab, _) => self.complete(-1),
            (KeyCode::Enter, _) => return self.accept(),
            _ => {}
        }
        if changed {
            match &mut self.layer {
                Layer::Filter(line) => (line.completion, line.recalled) = (None, None),
                Layer::Palette(_, at) => *at = 0,
                _ => {}
            }
        }
        Vec::new()
    }

    /// Up and down: earlier filters, or commands.
    pub(super) fn pick(&mut self, by: isize) {
        match &mut self.layer {
            Layer::Filter(line) => {
                let last = self.history.len();
                let next = match (line.recalled, by < 0) {
                    (None, true) if last > 0 => Some(0),
                    (None, _) | (Some(0), false) => None,
                    (Some(at), true) => Some((at + 1).min(last - 1)),
                    (Some(at), false) => Some(at - 1),
                };
                if line.recalled.is_none() {
                    line.typed = line.edit.text().to_owned();
                }
                let text = match next {
                    Some(at) => self.history.get(last - 1 - at),
                    None => Some(&line.typed),
                };
                line.edit = Edit::of(text.map_or("", String::as_str));
                line.recalled = next;
            }
            Layer::Palette(edit, at) => {
                let count = palette::found(edit.text(), &self.screen, &self.own_keys).len();
                *at = at.saturating_add_signed(by).min(count.saturating_sub(1));
            }
            _ => {}
        }
    }

    /// Puts a completion into the filter.
    pub(super) fn complete(&mut self, by: isize) {
        let Layer::Filter(line) = &mut self.layer else {
            return;
        };
        // Going through completions goes on from what was typed.
        let typed = match line.completion {
            None => line.edit.clone(),
            Some(_) => Edit::of(&line.typed),
        };
        let all = crate::filter::complete(typed.text(), typed.cursor());
        if all.is_empty() {
            return;
        }
        let count = all.len() as isize;
        let at = match line.completion {
            None if by > 0 => 0,
            None => count - 1,
            Some(at) => (at as isize + by).rem_euclid(count),
        };
        if line.completion.is_none() {
            line.typed = typed.text().to_owned();
        }
        if let Some(completion) = all.get(at as usize) {
            line.edit = typed;
            line.edit
                .replace(completion.offset, completion.len, &completion.text);
            line.completion = (all.len() > 1).then_some(at as usize);
        }
    }

    pub(super) fn accept(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.layer) {
            Layer::Filter(line) => {
                let text = line.edit.text().trim().to_owned();
                match Filter::parse(&text) {
                    Ok(filter) => self.choose(filter, &text),
                    Err(error) => {
                        let mut line = line;
                        // Behind what is wrong.
                        line.edit.home();
                        let at = (error.offset + error.len).min(line.edit.text().len());
                        while line.edit.cursor() < at {
                            line.edit.right();
                        }
                        self.layer = Layer::Filter(line);
                        Vec::new()
                    }
                }
            }
            Layer::Palette(edit, at) => {
                let found = palette::found(edit.text(), &self.screen, &self.own_keys);
                let message = found.get(at).map(|command| command.message.clone());
                message.map_or_else(Vec::new, |message| self.act(message))
            }
            Layer::Save(edit, bytes) => {
                let name = edit.text().trim().to_owned();
                if name.is_empty() {
                    Vec::new()
                } else {
                    vec![Effect::Write(name, bytes)]
                }
            }
            Layer::Record(edit) => {
                let name = edit.text().trim().to_owned();
                if name.is_empty() {
                    Vec::new()
                } else {
                    vec![Effect::Record(name)]
                }
            }
            other => {
                self.layer = other;
                Vec::new()
            }
        }
    }

    /// Puts a filter in force.
    /// Puts a filter in force: on a connection's page for its frames, else for the lists.
    pub(super) fn choose(&mut self, filter: Filter, text: &str) -> Vec<Effect> {
        /// Filters that are remembered.
        const MOST: usize = 100;
        if !text.is_empty() {
            self.history.retain(|earlier| earlier != text);
            self.history.push(text.to_owned());
            let surplus = self.history.len().saturating_sub(MOST);
            self.history.drain(..surplus);
        }
        if let Screen::Page(page) = &mut self.screen {
            let flow = FlowId::Tcp(page.detail().id);
            let order = page.choose(filter).map(|filter| Order::Sieve(flow, filter));
            let remember = (!text.is_empty()).then_some(Effect::Remember);
            return order
                .map(Effect::Order)
                .into_iter()
                .chain(remember)
                .collect();
        }
        let scan = self.choice.choose(filter, text);
        self.cursor = 0;
        let mut effects = vec![Effect::Ask(self.query())];
        if let Some((number, filter)) = scan {
            effects.push(Effect::Scan(number, filter));
        }
        if !text.is_empty() {
            effects.push(Effect::Remember);
        }
        effects
    }
}
