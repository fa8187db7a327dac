//! The page of one connection: endpoints, ladder, graphs, state diagram, stream and frames.
//!
//! ```text
//! connection 2   10.0.0.1:35409 ▸ 10.0.0.2:8080   29 frames in 37.1ms   closed by server
//! 1 Endpoints  2 Ladder  3 Graphs  4 States  5 Stream  6 Frames            frame 23 of 29
//! ──────────────────────────────────────────────────────────────────────────────────────
//! …
//! ```
//!
//! There is one place in a connection: the frame under the cursor. All tabs show it, each in its
//! way, so that changing the tab is going from a frame to its place in the ladder, the graph or
//! the stream. Where one jumped from is remembered.
//!
//! [`Page::update`] is the only thing that changes a page; what it cannot do itself comes back as
//! [`PageEffect`]s. [`Page::draw`] only looks.

mod curves;
pub mod data;
mod endpoints;
mod events;
mod find;
mod frames;
mod graphs;
mod judged;
pub mod keys;
mod ladder;
mod machine;
mod machine_picture;
mod phases;
mod plot;
mod proof;
mod renewal;
mod segment;
mod series;
mod sieve;
mod stream;
#[cfg(test)]
mod tests;

pub use super::{sheet, spark};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::report::units::{counted, grouped};
use crate::tcp::Role;
use data::{Detail, Row};
pub use data::{OpenFrame, Subject};
use segment::Numbers;
use sheet::{Ink, Look, Sheet, columns, cut};

/// The tabs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tab {
    /// Both hosts side by side.
    #[default]
    Endpoints,
    /// The sequence diagram.
    Ladder,
    /// Sequence numbers, rates, round trips, flight over time.
    Graphs,
    /// The state machine.
    States,
    /// The bytes.
    Stream,
    /// Frames, taken apart.
    Frames,
}

impl Tab {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Endpoints,
        Self::Ladder,
        Self::Graphs,
        Self::States,
        Self::Stream,
        Self::Frames,
    ];

    /// The name as it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Endpoints => "Endpoints",
            Self::Ladder => "Ladder",
            Self::Graphs => "Graphs",
            Self::States => "States",
            Self::Stream => "Stream",
            Self::Frames => "Frames",
        }
    }
}

/// What a page can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageMessage {
    /// So many lines, frames or fields on.
    Step(isize),
    /// So many screens on.
    Leaf(isize),
    /// To the first.
    First,
    /// To the last.
    Last,
    /// To the left or right.
    Side(isize),
    /// In, or out.
    Zoom(isize),
    /// Everything in sight.
    Fit,
    /// To what is under the cursor.
    Enter,
    /// Back to where one jumped from.
    Return,
    /// This tab.
    Show(Tab),
    /// So many tabs on.
    Turn(isize),
    /// The next pane of the tab.
    Pane(isize),
    /// To the next thing that went wrong, or the next match.
    Stop(isize),
    /// Begin at a frame, among the frames: what is before it is where one came from.
    Begin(u64),
    /// Why it is judged so.
    Explain,
    /// The other direction.
    Direction,
    /// Another view of the same.
    Switch(isize),
    /// Relative or absolute numbers.
    Numbers,
    /// Time folded, or to scale.
    Scale,
    /// Labels above arrows, or on them.
    Roomy,
    /// Begin to search, or to filter.
    Search,
    /// Take the filter away.
    Clear,
    /// A character of what is searched for.
    Typed(char),
    /// Without the last character.
    Erase,
    /// Search for it.
    Accept,
    /// Away with what is open on top.
    Cancel,
    /// Write the stream to a file.
    Save,
    /// Copy what is under the cursor.
    Copy,
    /// How much room there is, in columns and lines.
    Room(u16, u16),
    /// A click on a place of the page.
    Click(u16, u16),
    /// Bytes that were asked for.
    Read(Box<Readout>),
}

/// Bytes that were asked for, or why there are none.
#[derive(Clone, Debug)]
pub enum Readout {
    /// A frame.
    Frame(OpenFrame),
    /// The streams.
    Stream(std::sync::Arc<data::StreamView>),
    /// Neither: in words, escaped.
    Failed(String),
}

/// Readouts are news, never the same.
impl PartialEq for Readout {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Eq for Readout {}

/// What a page cannot do itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageEffect {
    /// Read this frame and answer with [`Readout::Frame`].
    NeedFrame(u64),
    /// Ask for a filter of frames.
    Filter,
    /// Read the streams past so many bytes and answer with [`Readout::Stream`].
    NeedStream(u64),
    /// Write bytes to a file whose name is asked for.
    Save {
        /// A name to suggest.
        name: String,
        /// What to write.
        bytes: Vec<u8>,
    },
    /// Put text on the clipboard.
    Copy(String),
    /// Close the page.
    Leave,
}

/// Somewhere to return to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    tab: Tab,
    at: usize,
}

/// The page of one connection.
pub struct Page {
    /// What it shows.
    pub subject: Subject,
    tab: Tab,
    /// The row under the cursor.
    at: usize,
    jumps: Vec<Place>,
    room: (usize, usize),
    numbers: Numbers,
    endpoints: endpoints::Endpoints,
    ladder: ladder::Ladder,
    graphs: graphs::Graphs,
    stream: stream::Stream,
    frames: frames::Frames,
    proof: Option<proof::Proof>,
    sieve: Option<sieve::Sieve>,
    /// A word to the user, until the next key.
    note: Option<String>,
}

/// Places to return to at most.
const MOST_JUMPS: usize = 100;

/// Lines above the tab: title, tabs, rule.
const HEAD: usize = 3;

impl Page {
    /// The page of a connection, at its first frame.
    pub fn new(subject: Subject) -> Self {
        Self {
            graphs: graphs::Graphs::of(&subject),
            subject,
            tab: Tab::default(),
            at: 0,
            jumps: Vec::new(),
            room: (80, 24),
            numbers: Numbers::default(),
            endpoints: endpoints::Endpoints::default(),
            ladder: ladder::Ladder::default(),
            stream: stream::Stream::default(),
            frames: frames::Frames::default(),
            proof: None,
            sieve: None,
            note: None,
        }
    }

    /// The connection.
    pub fn detail(&self) -> &Detail {
        &self.subject.detail
    }

    /// The tab in sight.
    pub fn tab(&self) -> Tab {
        self.tab
    }

    /// The frame under the cursor.
    pub fn frame(&self) -> Option<u64> {
        self.row().map(|row| row.frame)
    }

    /// Whether keys are letters now, of what is searched for.
    pub fn is_typing(&self) -> bool {
        self.stream.typing.is_some() && self.tab == Tab::Stream && self.proof.is_none()
    }

    /// Whether something lies on top that `Esc` closes.
    pub fn is_covered(&self) -> bool {
        self.proof.is_some() || self.is_typing()
    }

    fn row(&self) -> Option<&Row> {
        self.detail().rows.get(self.at)
    }

    fn last(&self) -> usize {
        self.detail().rows.len().saturating_sub(1)
    }

    /// Lines of the tab.
    fn body(&self) -> usize {
        self.room.1.saturating_sub(HEAD)
    }

    /// Takes a message in.
    pub fn update(&mut self, message: PageMessage) -> Vec<PageEffect> {
        let mut effects = Vec::new();
        let frame = self.frame();
        match message {
            PageMessage::Room(width, height) => {
                self.room = (usize::from(width), usize::from(height));
            }
            PageMessage::Read(readout) => self.read(*readout),
            message => {
                self.note = None;
                if self.proof.is_some() {
                    proof::update(self, &message);
                } else {
                    self.act(message, &mut effects);
                }
            }
        }
        if self.frame() != frame {
            self.follow();
        }
        self.ask(&mut effects);
        effects
    }

    fn read(&mut self, readout: Readout) {
        match readout {
            Readout::Frame(frame) => {
                self.subject.failed = None;
                self.subject.frame = Some(frame);
                self.frames.clamp(&self.subject);
            }
            Readout::Stream(stream) => {
                self.subject.failed = None;
                self.subject.stream = Some(stream);
                stream::arrived(self);
            }
            Readout::Failed(words) => self.subject.failed = Some(words),
        }
    }

    /// Asks for the bytes that the tab shows and that are not there.
    fn ask(&mut self, effects: &mut Vec<PageEffect>) {
        match self.tab {
            Tab::Frames => {
                let there = self.subject.frame.as_ref().map(|frame| frame.number);
                if let Some(wanted) = self.frame()
                    && there != Some(wanted)
                    && self.frames.asked != Some(wanted)
                {
                    self.frames.asked = Some(wanted);
                    effects.push(PageEffect::NeedFrame(wanted));
                }
            }
            Tab::Stream if !self.stream.asked => {
                self.stream.asked = true;
                effects.push(PageEffect::NeedStream(0));
            }
            _ => {}
        }
    }

    /// What every tab understands; the rest goes to the tab.
    fn act(&mut self, message: PageMessage, effects: &mut Vec<PageEffect>) {
        match message {
            PageMessage::Show(tab) => self.show(tab),
            PageMessage::Turn(by) => {
                let count = Tab::ALL.len() as isize;
                let place = (self.tab as isize + by).rem_euclid(count);
                if let Some(&tab) = Tab::ALL.get(place as usize) {
                    self.show(tab);
                }
            }
            PageMessage::Return => match self.jumps.pop() {
                Some(place) => {
                    self.tab = place.tab;
                    self.at = place.at.min(self.last());
                    self.follow();
                }
                None => effects.push(PageEffect::Leave),
            },
            PageMessage::Begin(frame) => {
                self.jump(frame, Tab::Frames);
                self.jumps.clear();
            }
            PageMessage::Click(x, 1) => {
                let here = usize::from(x);
                let own = tab_places()
                    .into_iter()
                    .find(|(_, place)| place.contains(&here));
                if let Some((tab, _)) = own {
                    self.show(tab);
                }
            }
            PageMessage::Search if self.tab != Tab::Stream => effects.push(PageEffect::Filter),
            PageMessage::Clear => self.sieve = None,
            PageMessage::Explain => proof::open(self),
            PageMessage::Numbers => {
                self.numbers = match self.numbers {
                    Numbers::Relative => Numbers::Absolute,
                    Numbers::Absolute => Numbers::Relative,
                };
            }
            PageMessage::Cancel if !self.is_typing() => effects.push(PageEffect::Leave),
            message => match self.tab {
                Tab::Endpoints => endpoints::update(self, &message),
                Tab::Ladder => self.update_ladder(&message),
                Tab::Graphs => graphs::update(self, &message),
                Tab::States => machine::update(self, &message),
                Tab::Stream => stream::update(self, &message, effects),
                Tab::Frames => frames::update(self, &message, effects),
            },
        }
    }

    fn update_ladder(&mut self, message: &PageMessage) {
        match *message {
            PageMessage::Scale | PageMessage::Switch(_) => {
                self.ladder.to_scale = !self.ladder.to_scale;
            }
            PageMessage::Roomy => self.ladder.roomy = !self.ladder.roomy,
            PageMessage::Enter => self.show(Tab::Frames),
            _ => {
                self.step(message);
            }
        }
    }

    /// Moves the cursor along the frames. Whether the message was about that.
    fn step(&mut self, message: &PageMessage) -> bool {
        match *message {
            PageMessage::Step(by) => self.at = moved(self.at, by, self.last()),
            PageMessage::Leaf(by) => {
                let screen = self.body().saturating_sub(5).max(1) as isize;
                self.at = moved(self.at, by.saturating_mul(screen), self.last());
            }
            PageMessage::First => self.at = 0,
            PageMessage::Last => self.at = self.last(),
            PageMessage::Stop(by) => self.stop(by),
            _ => return false,
        }
        true
    }

    /// To the next frame with something that went wrong, or the one before.
    fn stop(&mut self, by: isize) {
        if let Some(found) = self.next_match(by) {
            match found {
                Some(row) => self.at = row,
                None => self.note = Some("no more frame matches this way".to_owned()),
            }
            return;
        }
        let detail = &self.subject.detail;
        let stops = |row: &Row| detail.verdicts(row).iter().any(judged::is_stop);
        let found = if by > 0 {
            let rest = detail.rows.get(self.at + 1..).unwrap_or_default();
            rest.iter().position(stops).map(|place| self.at + 1 + place)
        } else {
            let rest = detail.rows.get(..self.at).unwrap_or_default();
            rest.iter().rposition(stops)
        };
        match found {
            Some(row) => self.at = row,
            None => self.note = Some("nothing more that went wrong this way".to_owned()),
        }
    }

    /// Remembers where one is.
    fn remember(&mut self) {
        let here = Place {
            tab: self.tab,
            at: self.at,
        };
        if self.jumps.last() != Some(&here) {
            if self.jumps.len() >= MOST_JUMPS {
                self.jumps.remove(0);
            }
            self.jumps.push(here);
        }
    }

    fn show(&mut self, tab: Tab) {
        if tab != self.tab {
            self.remember();
            self.tab = tab;
            self.follow();
        }
    }

    /// To a frame, on a tab.
    fn jump(&mut self, frame: u64, tab: Tab) {
        let row = self.detail().row_of(frame);
        if self
            .detail()
            .rows
            .get(row)
            .is_none_or(|row| row.frame != frame)
        {
            self.note = Some(format!("frame {} is not among those kept", grouped(frame)));
            return;
        }
        self.remember();
        (self.at, self.tab) = (row, tab);
        self.follow();
    }

    /// Brings all tabs to the frame under the cursor.
    fn follow(&mut self) {
        graphs::follow(self);
        stream::follow(self);
    }

    /// Draws it.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer, look: &Look) {
        let mut sheet = Sheet::new(buffer, area, look);
        let (width, height) = (sheet.width(), sheet.height());
        self.title(&mut sheet);
        self.tabs(&mut sheet);
        sheet.rule(2);
        self.tell_filter(2, &mut sheet);
        let body = height.saturating_sub(HEAD);
        let mut part = sheet.part(0, HEAD, width, body);
        match self.tab {
            Tab::Endpoints => endpoints::draw(self, &mut part),
            Tab::Ladder => ladder::draw(self, &mut part),
            Tab::Graphs => graphs::draw(self, &mut part),
            Tab::States => machine::draw(self, &mut part),
            Tab::Stream => stream::draw(self, &mut part),
            Tab::Frames => frames::draw(self, &mut part),
        }
        if let Some(proof) = &self.proof {
            proof::draw(self, proof, &mut part);
        }
        if let Some(note) = &self.note {
            let note = cut(note, width.saturating_sub(3), look.more());
            let note = format!(" {note} ");
            let x = width.saturating_sub(columns(&note) + 1);
            let y = height.saturating_sub(1);
            sheet.part(0, y, width, 1).clear();
            let end = sheet.put(x, y, Ink::Warning, &note);
            sheet.lit(x, y, end.saturating_sub(x));
        }
    }

    fn title(&self, sheet: &mut Sheet<'_>) {
        let detail = self.detail();
        let mut x = sheet.put(1, 0, Ink::Strong, &format!("connection {}", detail.id)) + 2;
        let arrow = sheet.look.pick(" ▸ ", " > ");
        let hosts = Role::BOTH.map(|role| self.host(role));
        let room = sheet.width().saturating_sub(x + columns(arrow) + 1);
        // Both are told, however long their names are: what one does not need is the other's.
        let [client, server] = hosts.each_ref().map(|host| columns(host).min(room / 2));
        let rooms = [room - server, room - client];
        for (role, (host, room)) in Role::BOTH.into_iter().zip(hosts.iter().zip(rooms)) {
            if role == Role::Server {
                x = sheet.put(x, 0, Ink::Quiet, arrow);
            }
            // The port is never cut.
            let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
            let name = cut(
                name,
                room.saturating_sub(columns(port) + 1),
                sheet.look.more(),
            );
            x = sheet.put(x, 0, segment::ink_of(role), &format!("{name}:{port}"));
        }
        let connection = &detail.connection;
        let text = format!(
            "{} in {}",
            counted(
                detail.rows.len() as u64 + detail.rows_before + detail.rows_dropped,
                "frame"
            ),
            connection.duration().short()
        );
        if x + 2 + text.len() <= sheet.width() {
            x = sheet.put(x + 2, 0, Ink::Plain, &text);
        }
        let ending = endpoints::ending(detail);
        if x + 2 + columns(&ending.1) < sheet.width() {
            sheet.put(x + 2, 0, ending.0, &ending.1);
        }
    }

    /// A host by name where it has one, else by address; with its port.
    fn host(&self, role: Role) -> String {
        let socket = self.detail().sockets.get(role as usize);
        let name = self
            .subject
            .names
            .get(role as usize)
            .and_then(Option::as_ref);
        match (socket, name) {
            (Some(socket), Some(name)) => format!("{name}:{}", socket.port),
            (Some(socket), None) => socket.to_string(),
            (None, _) => String::new(),
        }
    }

    fn tabs(&self, sheet: &mut Sheet<'_>) {
        let mut x = 1;
        for (place, (tab, columns)) in tab_places().into_iter().enumerate() {
            let own = tab == self.tab;
            let name = sheet.put(columns.start, 1, Ink::Quiet, &format!("{} ", place + 1));
            let ink = if own { Ink::Accent } else { Ink::Plain };
            x = sheet.put(name, 1, ink, tab.name());
            if own {
                sheet.lit(columns.start, 1, x - columns.start);
            }
            x += 2;
        }
        let Some(row) = self.row() else { return };
        let before = self.detail().rows_before;
        let total = before + self.detail().rows.len() as u64 + self.detail().rows_dropped;
        let text = format!(
            "frame {}, {} of {}",
            grouped(row.frame),
            grouped(before + self.at as u64 + 1),
            grouped(total)
        );
        let end = sheet.width().saturating_sub(1);
        let text = if x + columns(&text) < end {
            text
        } else {
            format!("frame {}", grouped(row.frame))
        };
        if x + columns(&text) < end {
            sheet.put_right(end, 1, Ink::Quiet, &text);
        }
    }
}

/// The columns of each tab's name with its number.
fn tab_places() -> Vec<(Tab, core::ops::Range<usize>)> {
    let mut x = 1;
    let places = Tab::ALL.into_iter().map(|tab| {
        let start = x;
        let end = start + 2 + tab.name().len();
        x = end + 2;
        (tab, start..end)
    });
    places.collect()
}

/// A place moved by so much, within bounds.
fn moved(at: usize, by: isize, last: usize) -> usize {
    at.saturating_add_signed(by).min(last)
}
