//! What the screen shows, and the only code that changes it. What it cannot do itself comes out as
//! [`Effect`]s; nothing here knows a terminal, a clock or a thread.

use std::sync::Arc;

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind,
};

use super::bindings::{LIST, TRIAGE};
use super::choice::Choice;
use super::column::Column;
use super::edit::Edit;
use super::keys::{Binding, Key, find};
use super::layout::{self, Spot};
use super::own_keys::{self, OwnKeys};
use super::page::{Page, PageEffect, PageMessage};
use super::reading::Order;
use super::scenarios::Scenarios;
use super::sheet::Look;
use super::snapshot::{Cursor, Header, Line, Query, Snapshot, Tab};
use super::talk::TalkPage;
use super::view;
use crate::analysis::FlowId;
use crate::calls::CallLog;
use crate::filter::Filter;
use crate::report::style::Tone;
use crate::tcp::Role;

/// What a user can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// So many lines on.
    Step(isize),
    /// So many half screens on.
    Leaf(isize),
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// Open what is under the cursor.
    Open,
    /// This tab.
    Show(Tab),
    /// So many tabs on.
    Turn(isize),
    /// Sort by the next column.
    Sort(isize),
    /// Sort by this column.
    SortBy(Column),
    /// The other way round.
    Reverse,
    /// Choose columns.
    Columns,
    /// Type a filter.
    Filter,
    /// Filter by what is under the cursor.
    Only,
    /// Take the filter away.
    Clear,
    /// Copy what is under the cursor.
    Copy,
    /// The generator's scenarios.
    Scenarios,
    /// Begin or end a recording.
    Record,
    /// Let the lists stand still, or go on.
    Pause,
    /// Without connections that are over, or with them.
    OpenOnly,
    /// All commands by name.
    Palette,
    /// The keys.
    Help,
    /// What a connection's page is told.
    OnPage(PageMessage),
    /// Close what is on top.
    Back,
    /// Draw anew.
    Redraw,
    /// To the shell.
    Suspend,
    /// Quit.
    Quit,
}

/// What a model cannot do itself.
#[derive(Debug)]
pub enum Effect {
    /// Ask for lines.
    Ask(Query),
    /// Read something again.
    Order(Order),
    /// Find the connections with a frame that matches.
    Scan(u64, Arc<Filter>),
    /// Put text on the clipboard.
    Copy(String),
    /// Write bytes to a file that is not there yet.
    Write(String, Vec<u8>),
    /// Keep columns, sorting and filters for the next time.
    Remember,
    /// Run this scenario.
    Run(usize),
    /// Record to a file that is not there yet.
    Record(String),
    /// End the recording.
    EndRecording,
    /// Draw everything anew.
    Redraw,
    /// To the shell.
    Suspend,
    /// Quit.
    Quit,
}

/// What lies on top of a screen.
#[derive(Debug, Default)]
pub enum Layer {
    /// Nothing.
    #[default]
    None,
    /// A filter that is typed.
    Filter(FilterLine),
    /// Commands by name, and the one under the cursor.
    Palette(Edit, usize),
    /// The keys, from this line on.
    Help(usize),
    /// Columns, and the one under the cursor.
    Columns(usize),
    /// The name of a file to write.
    Save(Edit, Vec<u8>),
    /// The name of a file to record to.
    Record(Edit),
}

/// A filter that is typed.
#[derive(Debug, Default)]
pub struct FilterLine {
    /// The text.
    pub edit: Edit,
    /// Which of the earlier filters it shows, counted from the last.
    pub recalled: Option<usize>,
    /// What was typed before an earlier one was shown.
    pub typed: String,
    /// Which completion is under the cursor.
    pub completion: Option<usize>,
}

/// The screens.
#[derive(Default)]
pub enum Screen {
    /// The capture and its lists.
    #[default]
    Triage,
    /// One connection.
    Page(Box<Page>),
    /// One UDP conversation.
    Talk(Box<TalkPage>),
    /// The generator's scenarios.
    Scenarios(Scenarios),
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sorting {
    /// By what.
    pub by: Column,
    /// The other way round.
    pub reverse: bool,
}

/// Everything that is shown.
pub struct Model {
    /// How it looks.
    pub look: Look,
    /// Columns and lines of the screen.
    pub size: (u16, u16),
    /// The screen.
    pub screen: Screen,
    /// What lies on top.
    pub layer: Layer,
    /// The list of the first screen.
    pub tab: Tab,
    /// The orders of the lists.
    pub sorting: [Sorting; 4],
    /// The columns of connections that were chosen; none where as many as fit.
    pub columns: Option<Vec<Column>>,
    /// The lines that are known.
    pub snapshot: Snapshot,
    /// The line under the cursor.
    pub cursor: usize,
    /// The filter in force.
    pub choice: Choice,
    /// Earlier filters, the latest last.
    pub history: Vec<String>,
    /// A word to the user, until the next key.
    pub note: Option<(Tone, String)>,
    /// What is being opened.
    pub opening: Option<FlowId>,
    /// The frame to show when it is open.
    pub(super) wanted_frame: Option<u64>,
    /// What programs asked of their sockets, where a log lies beside the capture.
    pub calls: Option<Arc<CallLog>>,
    /// The scenarios that can be run.
    pub scenarios: Scenarios,
    /// Keys that the configuration binds, before the tables.
    pub own_keys: OwnKeys,
    /// Whether this is the first time.
    pub is_new: bool,
    /// Whether lists and pages stand still while more is captured.
    pub is_paused: bool,
    /// Whether connections that are over are left out.
    pub open_only: bool,
}

impl Model {
    /// The first screen, with nothing known yet.
    pub fn new(look: Look, size: (u16, u16)) -> Self {
        let sorting = |by| Sorting { by, reverse: false };
        Self {
            look,
            size,
            screen: Screen::Triage,
            layer: Layer::None,
            tab: Tab::Connections,
            sorting: [
                sorting(Column::Trouble),
                sorting(Column::Received),
                sorting(Column::Activity),
                sorting(Column::Id),
            ],
            columns: None,
            snapshot: Snapshot::default(),
            cursor: 0,
            choice: Choice::default(),
            history: Vec::new(),
            note: None,
            opening: None,
            wanted_frame: None,
            calls: None,
            scenarios: Scenarios::default(),
            own_keys: OwnKeys::default(),
            is_new: false,
            is_paused: false,
            open_only: false,
        }
    }

    /// The capture as it is known.
    pub fn header(&self) -> &Header {
        &self.snapshot.header
    }

    /// How the list in sight is sorted.
    pub fn sorting(&self) -> Sorting {
        self.sorting
            .get(self.tab as usize)
            .copied()
            .unwrap_or(self.sorting[0])
    }

    /// What is to be asked for: the lines in sight.
    pub fn query(&self) -> Query {
        let sorting = self.sorting();
        let is_current = self.snapshot.tab == self.tab;
        let under = self.line(self.cursor).filter(|_| is_current);
        Query {
            tab: self.tab,
            sort: sorting.by,
            reverse: sorting.reverse,
            chosen: self.choice.chosen(),
            choice: self.choice.number(),
            // Who has not moved wants to see what is worst, whatever that becomes.
            cursor: match under {
                Some(line) if self.cursor > 0 => Cursor::On(line.identity()),
                _ => Cursor::At(self.cursor),
            },
            lines: usize::from(self.size.1),
            open_only: self.open_only,
            is_refresh: false,
            number: 0,
        }
    }

    /// A line, if it is known.
    pub fn line(&self, at: usize) -> Option<&Line> {
        self.snapshot
            .lines
            .get(at.checked_sub(self.snapshot.first)?)?
            .as_ref()
    }

    /// The line under the cursor.
    pub fn under_cursor(&self) -> Option<&Line> {
        self.line(self.cursor)
    }

    /// Takes an event of the terminal in.
    pub fn event(&mut self, event: &Event) -> Vec<Effect> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Resize(width, height) => {
                self.size = (*width, *height);
                let mut effects = vec![Effect::Ask(self.query())];
                self.fit_page(&mut effects);
                effects
            }
            Event::Paste(text) => self.paste(text),
            _ => Vec::new(),
        }
    }

    pub(super) fn fit_page(&mut self, effects: &mut Vec<Effect>) {
        let (width, height) = self.size;
        self.tell_page(PageMessage::Room(width, height.saturating_sub(1)), effects);
    }

    fn key(&mut self, event: &KeyEvent) -> Vec<Effect> {
        self.note = None;
        let key = Key::of(event);
        if self.edit().is_some() {
            return self.type_key(key);
        }
        let covered = !matches!(self.layer, Layer::None);
        if !covered && let Screen::Page(page) = &self.screen {
            if key == Key::ctrl('z') {
                return vec![Effect::Suspend];
            }
            if key == Key::ctrl('c') {
                return vec![Effect::Quit];
            }
            if !page.is_typing() {
                match key {
                    Key {
                        code: KeyCode::Char('?'),
                        ..
                    } => return self.act(Message::Help),
                    Key {
                        code: KeyCode::Char(':'),
                        ..
                    } => return self.act(Message::Palette),
                    Key {
                        code: KeyCode::Char('q'),
                        ..
                    } if !page.is_covered() => {
                        return self.act(Message::Back);
                    }
                    _ => {}
                }
            }
            let own = match page.is_typing() {
                true => None,
                false => own_keys::own(&self.own_keys.page, key),
            };
            let message = own.or_else(|| super::page::keys::message(page, key));
            let mut effects = Vec::new();
            if let Some(message) = message {
                self.tell_page(message, &mut effects);
            }
            return effects;
        }
        if matches!(self.layer, Layer::Help(_)) && key == Key::char(' ') {
            // As in every pager.
            return self.act(Message::Leaf(2));
        }
        let message = if covered || !matches!(self.screen, Screen::Triage) {
            find(LIST, key).cloned()
        } else {
            let own = own_keys::own(&self.own_keys.lists, key);
            own.or_else(|| find(TRIAGE, key).cloned())
        };
        message.map_or_else(Vec::new, |message| self.act(message))
    }

    /// Does what a key or a command stands for.
    pub fn act(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Quit => return vec![Effect::Quit],
            Message::Suspend => return vec![Effect::Suspend],
            Message::Redraw => return vec![Effect::Redraw],
            Message::Help => {
                self.layer = Layer::Help(0);
                return Vec::new();
            }
            Message::Palette => {
                self.layer = Layer::Palette(Edit::default(), 0);
                return Vec::new();
            }
            Message::OnPage(message) => {
                let mut effects = Vec::new();
                self.tell_page(message, &mut effects);
                return effects;
            }
            Message::Record => return self.record(),
            Message::Pause => return self.pause(),
            _ => {}
        }
        let last = match self.layer {
            Layer::Help(_) => view::help::last(self),
            _ => 0,
        };
        match (&mut self.layer, &mut self.screen) {
            (Layer::Help(at), _) => {
                match message {
                    Message::Step(by) => *at = at.saturating_add_signed(by).min(last),
                    Message::Leaf(by) => *at = at.saturating_add_signed(by * 10).min(last),
                    Message::First => *at = 0,
                    Message::Last => *at = last,
                    Message::Back | Message::Open => self.layer = Layer::None,
                    _ => {}
                }
                Vec::new()
            }
            (Layer::Columns(_), _) => self.act_on_columns(&message),
            (_, Screen::Triage) => self.act_on_lists(message),
            (_, Screen::Scenarios(scenarios)) => {
                match message {
                    Message::Step(by) => scenarios.step(by),
                    Message::Leaf(by) => scenarios.step(by * 8),
                    Message::First => scenarios.step(isize::MIN / 2),
                    Message::Last => scenarios.step(isize::MAX / 2),
                    Message::Open => return vec![Effect::Run(scenarios.at)],
                    Message::Back => self.screen = Screen::Triage,
                    _ => {}
                }
                Vec::new()
            }
            (_, Screen::Talk(talk)) => {
                match message {
                    Message::Step(by) => talk.step(by),
                    Message::Leaf(by) => talk.step(by * 8),
                    Message::First => talk.step(isize::MIN / 2),
                    Message::Last => talk.step(isize::MAX / 2),
                    Message::Open if talk.open.is_some() => talk.open = None,
                    Message::Open => {
                        let order = talk.order().map(Effect::Order);
                        return order.into_iter().collect();
                    }
                    Message::Back if talk.open.is_some() => talk.open = None,
                    Message::Back => self.screen = Screen::Triage,
                    _ => {}
                }
                Vec::new()
            }
            (_, Screen::Page(_)) => {
                match message {
                    Message::Back => self.screen = Screen::Triage,
                    Message::Filter | Message::Show(_) | Message::Scenarios => {
                        self.screen = Screen::Triage;
                        return self.act(message);
                    }
                    _ => {}
                }
                vec![Effect::Ask(self.query())]
            }
        }
    }

    /// Tells the page something, and takes its effects as ours.
    pub(super) fn tell_page(&mut self, message: PageMessage, effects: &mut Vec<Effect>) {
        let Screen::Page(page) = &mut self.screen else {
            return;
        };
        let flow = FlowId::Tcp(page.detail().id);
        for effect in page.update(message) {
            match effect {
                PageEffect::NeedFrame(number) => {
                    let detail = page.detail();
                    let at = detail.row_of(number);
                    if let Some(row) = detail.rows.get(at).filter(|row| row.frame == number) {
                        effects.push(Effect::Order(Order::Frame {
                            flow,
                            number,
                            place: row.place,
                            known: Some(Box::new(super::known::of(detail, row))),
                        }));
                    }
                }
                PageEffect::Filter => {
                    self.layer = Layer::Filter(FilterLine {
                        edit: Edit::of(page.filter_text()),
                        ..FilterLine::default()
                    });
                }
                PageEffect::NeedStream(skip) => {
                    effects.push(Effect::Order(Order::Stream(flow, skip)));
                }
                PageEffect::Save { name, bytes } => {
                    self.layer = Layer::Save(Edit::of(&name), bytes);
                }
                PageEffect::Copy(text) => {
                    self.note = Some((Tone::Good, "copied".to_owned()));
                    effects.push(Effect::Copy(text));
                }
                PageEffect::Leave => {
                    self.screen = Screen::Triage;
                    effects.push(Effect::Ask(self.query()));
                    return;
                }
            }
        }
    }

    fn mouse(&mut self, mouse: &MouseEvent) -> Vec<Effect> {
        let lines = match mouse.kind {
            MouseEventKind::ScrollDown => 3,
            MouseEventKind::ScrollUp => -3,
            MouseEventKind::Down(MouseButton::Left) => 0,
            _ => return Vec::new(),
        };
        self.note = None;
        if matches!(self.layer, Layer::None) && matches!(self.screen, Screen::Page(_)) {
            let mut effects = Vec::new();
            let message = match lines {
                0 => PageMessage::Click(mouse.column, mouse.row),
                by => PageMessage::Step(by),
            };
            self.tell_page(message, &mut effects);
            return effects;
        }
        if lines != 0 {
            return self.act(Message::Step(lines));
        }
        if !matches!((&self.layer, &self.screen), (Layer::None, Screen::Triage)) {
            return Vec::new();
        }
        match layout::spot(self, mouse.column, mouse.row) {
            Spot::Tab(tab) => self.act(Message::Show(tab)),
            Spot::Column(column) => self.act(Message::SortBy(column)),
            Spot::Line(at) if at == self.cursor => self.act(Message::Open),
            Spot::Line(at) => {
                self.cursor = at;
                Vec::new()
            }
            Spot::Trust => self.act(Message::Show(Tab::Findings)),
            Spot::None => Vec::new(),
        }
    }

    /// Who speaks in the client's place: the roles in order.
    pub const ROLES: [Role; 2] = Role::BOTH;
}

/// What a table's bindings are, for help and palette.
pub fn tables() -> [(&'static str, &'static [Binding<Message>]); 2] {
    [("Lists of the capture", TRIAGE), ("Lists on top", LIST)]
}
