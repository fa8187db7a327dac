//! What is done with the lists of the first screen: moving, sorting, opening, filtering by what is
//! under the cursor.

use super::column::{COLUMNS, Column};
use super::copied;
use super::edit::Edit;
use super::layout;
use super::model::{Effect, FilterLine, Layer, Message, Model, Screen, Sorting};
use super::reading::Order;
use super::snapshot::{Cursor, Line, Query, Tab};
use crate::analysis::FlowId;
use crate::filter::Filter;
use crate::report::style::Tone;

impl Model {
    pub(super) fn act_on_lists(&mut self, message: Message) -> Vec<Effect> {
        let last = self.snapshot.total.saturating_sub(1);
        let half = (layout::rows(self.size) / 2).max(1) as isize;
        let before = self.cursor;
        match message {
            Message::Step(by) => self.cursor = self.cursor.saturating_add_signed(by).min(last),
            Message::Leaf(by) => {
                self.cursor = self.cursor.saturating_add_signed(by * half).min(last);
            }
            Message::First => self.cursor = 0,
            Message::Last => self.cursor = last,
            Message::Open => return self.open(),
            Message::Show(tab) => return self.show(tab),
            Message::Turn(by) => {
                let place = (self.tab as isize + by).rem_euclid(Tab::ALL.len() as isize);
                let tab = Tab::ALL.get(place as usize).copied().unwrap_or_default();
                return self.show(tab);
            }
            Message::Sort(by) => return self.sort_next(by),
            Message::SortBy(column) => {
                let same = self.sorting().by == column;
                if let Some(sorting) = self.sorting.get_mut(self.tab as usize) {
                    *sorting = Sorting {
                        by: column,
                        reverse: same && !sorting.reverse,
                    };
                }
                self.cursor = 0;
                return vec![Effect::Ask(self.query()), Effect::Remember];
            }
            Message::Reverse => {
                if let Some(sorting) = self.sorting.get_mut(self.tab as usize) {
                    sorting.reverse = !sorting.reverse;
                }
                self.cursor = 0;
                return vec![Effect::Ask(self.query()), Effect::Remember];
            }
            Message::Columns => self.layer = Layer::Columns(0),
            Message::Filter => {
                self.layer = Layer::Filter(FilterLine {
                    edit: Edit::of(self.choice.text()),
                    ..FilterLine::default()
                });
            }
            Message::Only => return self.only(),
            Message::Clear => return self.clear(),
            Message::Back => {
                if !self.choice.text().is_empty() {
                    return self.clear();
                }
                self.note = Some((Tone::Quiet, "q quits".to_owned()));
            }
            Message::Copy => {
                let text = self.under_cursor().and_then(copied::sockets);
                return text.map_or_else(Vec::new, |text| {
                    self.note = Some((Tone::Good, format!("copied: {text}")));
                    vec![Effect::Copy(text)]
                });
            }
            Message::Scenarios => {
                if self.scenarios.is_empty() {
                    self.note = Some((Tone::Warning, "there are no scenarios here".to_owned()));
                } else {
                    self.screen = Screen::Scenarios(self.scenarios.clone());
                }
            }
            Message::OpenOnly => {
                self.open_only = !self.open_only;
                self.cursor = 0;
                let words = if self.open_only {
                    "only connections that are not over"
                } else {
                    "all connections"
                };
                self.note = Some((Tone::Quiet, words.to_owned()));
                return vec![Effect::Ask(self.query())];
            }
            Message::Record
            | Message::Pause
            | Message::Quit
            | Message::Suspend
            | Message::Redraw
            | Message::OnPage(_)
            | Message::Help
            | Message::Palette => {}
        }
        if self.cursor != before && self.leaves_what_is_known() {
            return vec![Effect::Ask(self.query_at(self.cursor))];
        }
        Vec::new()
    }

    /// Whether lines in sight, or a screen from it, are not known.
    pub(super) fn leaves_what_is_known(&self) -> bool {
        let rows = layout::rows(self.size);
        let first = self.cursor.saturating_sub(rows);
        let last = (self.cursor + rows).min(self.snapshot.total);
        let known = self.snapshot.first..self.snapshot.first + self.snapshot.lines.len();
        first < known.start || last > known.end
    }

    pub(super) fn query_at(&self, cursor: usize) -> Query {
        Query {
            cursor: Cursor::At(cursor),
            ..self.query()
        }
    }

    pub(super) fn show(&mut self, tab: Tab) -> Vec<Effect> {
        if tab == self.tab {
            return Vec::new();
        }
        self.tab = tab;
        self.cursor = 0;
        vec![Effect::Ask(self.query())]
    }

    pub(super) fn sort_next(&mut self, by: isize) -> Vec<Effect> {
        let columns = layout::sortable(self);
        let here = columns.iter().position(|each| *each == self.sorting().by);
        let next = match here {
            Some(at) => (at as isize + by).rem_euclid(columns.len().max(1) as isize),
            None => 0,
        };
        match columns.get(next as usize) {
            Some(&column) => {
                if let Some(sorting) = self.sorting.get_mut(self.tab as usize) {
                    *sorting = Sorting {
                        by: column,
                        reverse: false,
                    };
                }
                self.cursor = 0;
                vec![Effect::Ask(self.query()), Effect::Remember]
            }
            None => Vec::new(),
        }
    }

    pub(super) fn act_on_columns(&mut self, message: &Message) -> Vec<Effect> {
        let Layer::Columns(at) = &mut self.layer else {
            return Vec::new();
        };
        let last = COLUMNS.len() - 1;
        match *message {
            Message::Step(by) => *at = at.saturating_add_signed(by).min(last),
            Message::Leaf(by) => *at = at.saturating_add_signed(by * 8).min(last),
            Message::First => *at = 0,
            Message::Last => *at = last,
            Message::Open => {
                let Some(about) = COLUMNS.get(*at) else {
                    return Vec::new();
                };
                let mut chosen = layout::columns(self);
                match chosen.iter().position(|each| *each == about.column) {
                    Some(place) if chosen.len() > 1 => {
                        chosen.remove(place);
                    }
                    Some(_) => {}
                    None => chosen.push(about.column),
                }
                // On the screen they stand in the order of the table.
                let order =
                    |column: &Column| COLUMNS.iter().position(|about| about.column == *column);
                chosen.sort_by_key(order);
                self.columns = Some(chosen);
                return vec![Effect::Remember];
            }
            Message::Clear => {
                self.columns = None;
                return vec![Effect::Remember];
            }
            Message::Back => self.layer = Layer::None,
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn open(&mut self) -> Vec<Effect> {
        let flow = match self.under_cursor() {
            Some(Line::Connection(line)) => FlowId::Tcp(line.id),
            Some(Line::Udp(line)) => FlowId::Udp(line.id),
            Some(Line::Host(_)) => return self.only(),
            Some(Line::Finding(line)) => {
                let Some(&frame) = line.frames.first() else {
                    let words = "this is of the capture as a whole: it has no frame to show";
                    self.note = Some((Tone::Quiet, words.to_owned()));
                    return Vec::new();
                };
                self.wanted_frame = Some(frame);
                return vec![Effect::Order(Order::OpenAt(frame))];
            }
            None => return Vec::new(),
        };
        self.wanted_frame = None;
        self.opening = Some(flow);
        vec![Effect::Order(Order::Open(flow))]
    }

    /// Filters by what is under the cursor.
    pub(super) fn only(&mut self) -> Vec<Effect> {
        let mut tab = self.tab;
        let text = match self.under_cursor() {
            Some(Line::Host(host)) => {
                tab = match (host.connections, host.conversations) {
                    (0, 1..) => Tab::Udp,
                    _ => Tab::Connections,
                };
                let field = if host.address.contains(':') {
                    "ipv6"
                } else {
                    "ip"
                };
                format!("{field}.addr == {}", host.address)
            }
            Some(Line::Connection(line)) => {
                let field = if line.addresses[1].contains(':') {
                    "ipv6"
                } else {
                    "ip"
                };
                format!(
                    "{field}.addr == {} && tcp.port == {}",
                    line.addresses[1], line.ports[1]
                )
            }
            Some(Line::Udp(line)) => {
                let field = if line.addresses[1].contains(':') {
                    "ipv6"
                } else {
                    "ip"
                };
                format!(
                    "{field}.addr == {} && udp.port == {}",
                    line.addresses[1], line.ports[1]
                )
            }
            _ => {
                let words = "there is nothing here to filter by";
                self.note = Some((Tone::Quiet, words.to_owned()));
                return Vec::new();
            }
        };
        self.tab = tab;
        match Filter::parse(&text) {
            Ok(filter) => self.choose(filter, &text),
            Err(error) => {
                self.note = Some((Tone::Bad, error.to_string()));
                Vec::new()
            }
        }
    }

    pub(super) fn clear(&mut self) -> Vec<Effect> {
        match Filter::parse("") {
            Ok(filter) => self.choose(filter, ""),
            Err(_) => Vec::new(),
        }
    }
}
