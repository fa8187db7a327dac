//! What the analysis tells, taken into what is shown.

use std::sync::Arc;

use super::live::HostEnds;
use super::loader::News;
use super::model::{Effect, Model, Screen};
use super::page::data::Call;
use super::page::{Page, PageMessage, Readout, Subject};
use super::reading::Order;
use super::snapshot::Line;
use super::talk::{TalkFrame, TalkPage};
use crate::analysis::FlowId;
use crate::report::escape::escaped;
use crate::report::style::Tone;

impl Model {
    /// Takes news of the analysis in.
    pub fn news(&mut self, news: News) -> Vec<Effect> {
        let mut effects = Vec::new();
        match news {
            News::Snapshot(snapshot) => {
                // An answer to what was asked before the tab or the filter changed.
                let stands_still = self.is_paused && snapshot.is_refresh;
                let is_wanted = snapshot.tab == self.tab
                    && snapshot.choice == self.choice.number()
                    && !stands_still;
                if is_wanted {
                    let moved = self.cursor > 0 && self.snapshot.tab == snapshot.tab;
                    let under = self.under_cursor().map(Line::identity);
                    let is_same = |line: &Option<Line>| {
                        under.is_some() && line.as_ref().map(Line::identity) == under
                    };
                    let new = snapshot.lines.iter().position(is_same);
                    self.cursor = match new {
                        Some(at) if moved => snapshot.first + at,
                        _ => self.cursor.min(snapshot.total.saturating_sub(1)),
                    };
                    self.snapshot = *snapshot;
                } else {
                    self.snapshot.header = snapshot.header;
                }
            }
            News::Opening(flow) => {
                if self.wanted_frame.is_some() {
                    self.opening = Some(flow);
                }
            }
            News::Detail(detail, ends) => {
                if self.opening == Some(FlowId::Tcp(detail.id)) {
                    self.opening = None;
                    let subject = self.subject(&detail, ends);
                    self.screen = Screen::Page(Box::new(Page::new(subject)));
                    self.fit_page(&mut effects);
                    if let Some(frame) = self.wanted_frame.take() {
                        self.tell_page(PageMessage::Begin(frame), &mut effects);
                    }
                }
            }
            News::Renewed(detail, ends) => {
                let subject = self.subject(&detail, ends);
                if let Screen::Page(page) = &mut self.screen
                    && page.detail().id == detail.id
                    && !self.is_paused
                {
                    page.renew(subject);
                    if let Some(filter) = page.wanted() {
                        let flow = FlowId::Tcp(detail.id);
                        effects.push(Effect::Order(Order::Sieve(flow, filter)));
                    }
                    self.fit_page(&mut effects);
                }
            }
            News::TalkRenewed(talk) => {
                if let Screen::Talk(page) = &mut self.screen
                    && page.talk.id == talk.id
                    && !self.is_paused
                {
                    page.renew(talk);
                }
            }
            News::Ends(flow, ends) => {
                if let Screen::Page(page) = &mut self.screen
                    && flow == FlowId::Tcp(page.detail().id)
                    && !self.is_paused
                {
                    page.subject.ends = ends;
                }
            }
            News::Notice(words) => self.note = Some((Tone::Warning, words)),
            News::Talk(talk) => {
                if self.opening == Some(FlowId::Udp(talk.id)) {
                    self.opening = None;
                    let frame = self.wanted_frame.take();
                    self.screen = Screen::Talk(Box::new(TalkPage::new(talk, frame)));
                }
            }
            News::Frame(frame) => {
                if let Screen::Talk(talk) = &mut self.screen {
                    talk.open = Some(TalkFrame::of(*frame));
                    return effects;
                }
                let read = PageMessage::Read(Box::new(Readout::Frame(*frame)));
                self.tell_page(read, &mut effects);
            }
            News::Sieved(filter, frames) => {
                if let Err(words) = &frames {
                    self.note = Some((Tone::Bad, words.clone()));
                }
                if let Screen::Page(page) = &mut self.screen {
                    page.sieved(&filter, frames.ok());
                    self.fit_page(&mut effects);
                }
            }
            News::Stream(stream) => {
                let read = PageMessage::Read(Box::new(Readout::Stream(stream)));
                self.tell_page(read, &mut effects);
            }
            News::Found(number, found) => {
                if self.choice.found(number, *found) {
                    effects.push(Effect::Ask(self.query()));
                }
            }
            News::Watched(number) => {
                if self.choice.watched(number) {
                    effects.push(Effect::Ask(self.query()));
                }
            }
            News::Failed(words) => {
                self.opening = None;
                self.wanted_frame = None;
                if matches!(self.screen, Screen::Page(_)) {
                    let read = PageMessage::Read(Box::new(Readout::Failed(words)));
                    self.tell_page(read, &mut effects);
                } else {
                    self.note = Some((Tone::Bad, words));
                }
            }
            News::Problem(error) => {
                if error.unopened {
                    let words = escaped(&error.to_string()).to_string();
                    self.note = Some((Tone::Bad, words));
                }
                effects.push(Effect::Ask(self.query()));
            }
            News::Done => effects.push(Effect::Ask(self.query())),
        }
        effects
    }

    /// A connection as its page shows it.
    fn subject(&self, detail: &Arc<super::page::data::Detail>, ends: HostEnds) -> Subject {
        let mut subject = Subject::new(Arc::clone(detail));
        subject.names = self.names_of(detail.id);
        subject.ends = ends;
        if let Some(log) = &self.calls {
            subject.calls = Call::of_connection(log, detail);
        }
        subject
    }

    /// What is to be asked for so that the page on screen stays true.
    pub fn renewal(&self) -> Option<Order> {
        match &self.screen {
            Screen::Page(page) if !self.is_paused && self.opening.is_none() => {
                let detail = page.detail();
                let seen = detail.rows_before + detail.rows.len() as u64 + detail.rows_dropped;
                Some(Order::Renew(FlowId::Tcp(detail.id), seen))
            }
            Screen::Talk(page) if !self.is_paused && self.opening.is_none() => {
                let seen = page.talk.rows.len() as u64;
                Some(Order::Renew(FlowId::Udp(page.talk.id), seen))
            }
            _ => None,
        }
    }

    /// The names of both hosts of a connection, where its line is known.
    fn names_of(&self, id: u32) -> [Option<String>; 2] {
        let own = |line: &&Line| matches!(line, Line::Connection(line) if line.id == id);
        match self.snapshot.lines.iter().flatten().find(own) {
            Some(Line::Connection(line)) => line.names.clone(),
            _ => [None, None],
        }
    }
}
