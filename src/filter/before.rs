//! What went before a frame, as far as filters ask for it: times, the names of addresses, and what
//! connections came to in an earlier reading.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Filter;
use super::field::Subject;
use crate::analysis::{Analyzer, Capture, FlowView, FrameView};
use crate::report::field::{Row, UdpRow};
use crate::source::Arrival;
use crate::tcp::{Kind, Role, What};
use crate::time::Timestamp;
use crate::wire::Address;

/// Names kept at most, and interfaces.
const MOST_NAMES: usize = 10_000;

/// What went before a frame.
///
/// [`note`](Self::note) every frame of the capture, in order, each after asking about it. Without
/// an earlier reading ([`learn`](Self::learn)) a filter on `conn.…` takes a connection's figures as
/// they are at the frame.
#[derive(Clone, Debug, Default)]
pub struct Before {
    pub(super) first: Option<Timestamp>,
    pub(super) previous: Option<Timestamp>,
    pub(super) names: BTreeMap<IpAddr, String>,
    /// The names of interfaces, where the capture has some.
    interface_names: BTreeMap<u32, String>,
    /// Interfaces that are but the one of a file which numbers none.
    unnumbered: BTreeSet<u32>,
    /// When each connection's, and each conversation's, last frame passed.
    last: [Vec<Option<Timestamp>>; 2],
    keeps_last: bool,
    /// How each connection's last frames of both sides were.
    turns: Vec<[Turn; 2]>,
    keeps_turns: bool,
    /// For each of them, what tests of its figures answer; see [`KNOWN`].
    answers: [Vec<u64>; 2],
}

/// What is remembered of one side of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    /// Round-trip samples that its acknowledgments gave.
    samples: u64,
    /// Whether its last frame was a keep-alive probe.
    probed: bool,
}

/// Set where a conversation's answers are known.
const KNOWN: u64 = 1 << 63;
/// Tests of figures that have a bit for their answer; more of them are asked anew.
pub(super) const MOST_ANSWERS: usize = 63;

impl Before {
    /// Before the first frame, for a filter.
    pub fn new(filter: &Filter) -> Self {
        Self {
            keeps_last: filter.asks_for_deltas(),
            keeps_turns: filter.asks_for_turns(),
            ..Self::default()
        }
    }

    /// Amid a capture, for a filter that has not seen what went before.
    pub fn amid(filter: &Filter, capture: &Capture) -> Self {
        let mut before = Self {
            first: capture.first,
            previous: capture.last,
            names: capture.names.clone(),
            ..Self::new(filter)
        };
        before.learn_interfaces(capture);
        before
    }

    /// Before the first frame of a connection of a capture that is read again.
    pub(super) fn again(filter: &Filter, capture: &Capture) -> Self {
        Self {
            previous: None,
            ..Self::amid(filter, capture)
        }
    }

    fn learn_interfaces(&mut self, capture: &Capture) {
        for each in &capture.interfaces {
            self.interface(each.index, each.name.as_deref(), each.format);
        }
    }

    fn interface(&mut self, index: u32, name: Option<&str>, format: &str) {
        if self.interface_names.len().max(self.unnumbered.len()) >= MOST_NAMES {
            return;
        }
        if let Some(name) = name {
            self.interface_names.insert(index, name.to_owned());
        }
        if ["pcap", "pcap-ns", "pcap-mod"].contains(&format) {
            self.unnumbered.insert(index);
        }
    }

    /// Learns how connections ended in an earlier reading of the same capture, and its names.
    pub fn learn(&mut self, filter: &Filter, analyzer: &Analyzer) {
        let capture = analyzer.capture();
        self.names.clone_from(&capture.names);
        self.learn_interfaces(capture);
        self.learn_figures(filter, analyzer);
    }

    /// Learns how connections ended, and nothing else.
    pub(super) fn learn_figures(&mut self, filter: &Filter, analyzer: &Analyzer) {
        if !filter.asks_for_figures() {
            return;
        }
        let capture = analyzer.capture();
        let end = capture.now.or(capture.last).unwrap_or_default();
        let names = &capture.names;
        let [tcp, udp] = &mut self.answers;
        tcp.resize(analyzer.tcp_seen() as usize, 0);
        udp.resize(analyzer.udp_seen() as usize, 0);
        for (id, slot) in analyzer.connections() {
            let answers = analyzer.connection(slot, |view| {
                let row = Row { view, end, names };
                filter.answers(&Subject::Tcp(&row))
            });
            if let (Some(place), Some(answers)) = (tcp.get_mut(id as usize), answers) {
                *place = KNOWN | answers;
            }
        }
        for conversation in analyzer.conversations() {
            let row = UdpRow {
                conversation,
                names,
            };
            if let Some(place) = udp.get_mut(conversation.id as usize) {
                *place = KNOWN | filter.answers(&Subject::Udp(&row));
            }
        }
    }

    /// Notes a frame, after it was asked about.
    #[inline]
    pub fn note(&mut self, view: &FrameView<'_>) {
        let time = view.frame.time;
        self.first.get_or_insert(time);
        self.previous = Some(time);
        if self.keeps_last {
            self.note_last(view);
        }
        if self.keeps_turns {
            self.note_turn(view);
        }
    }

    fn note_turn(&mut self, view: &FrameView<'_>) {
        let FlowView::Tcp {
            view: connection,
            from,
        } = view.flow
        else {
            return;
        };
        let id = connection.id as usize;
        if self.turns.len() <= id {
            self.turns.resize(id + 1, [Turn::default(); 2]);
        }
        let turn = self
            .turns
            .get_mut(id)
            .and_then(|turns| turns.get_mut(from as usize));
        if let Some(turn) = turn {
            turn.samples = connection.connection.endpoint(from).rtt.count();
            turn.probed = view.events.iter().any(|event| {
                matches!(&event.what, What::Verdict(verdict) if verdict.kind == Kind::KeepAlive)
            });
        }
    }

    fn turn(&self, id: u32, of: Role) -> Turn {
        let turns = self.turns.get(id as usize);
        turns
            .and_then(|turns| turns.get(of as usize).copied())
            .unwrap_or_default()
    }

    /// Round-trip samples that one side's acknowledgments had given before.
    pub(super) fn samples(&self, id: u32, of: Role) -> u64 {
        self.turn(id, of).samples
    }

    /// Whether the last frame of one side was a keep-alive probe.
    pub(super) fn has_probed(&self, id: u32, of: Role) -> bool {
        self.turn(id, of).probed
    }

    fn note_last(&mut self, view: &FrameView<'_>) {
        let [tcp, udp] = &mut self.last;
        let (list, id) = match view.flow {
            FlowView::Tcp { view, .. } => (tcp, view.id as usize),
            FlowView::Udp { conversation, .. } => (udp, conversation.id as usize),
            _ => return,
        };
        if list.len() <= id {
            list.resize(id + 1, None);
        }
        if let Some(place) = list.get_mut(id) {
            *place = Some(view.frame.time);
        }
    }

    /// Notes what is no frame: names and interfaces.
    pub fn aside(&mut self, arrival: &Arrival<'_>) {
        match arrival {
            Arrival::Name { address, name } if self.names.len() < MOST_NAMES => {
                self.names
                    .entry(*address)
                    .or_insert_with(|| (*name).to_owned());
            }
            Arrival::Interface(each) => self.interface(each.index, each.name, each.format),
            _ => {}
        }
    }

    /// The number of an interface, where the capture numbers them.
    pub(super) fn interface_id(&self, index: u32) -> Option<u32> {
        (!self.unnumbered.contains(&index)).then_some(index)
    }

    pub(super) fn interface_name(&self, index: u32) -> Option<&str> {
        self.interface_names.get(&index).map(String::as_str)
    }

    pub(super) fn of_tcp(&self, id: u32) -> Option<Timestamp> {
        self.last[0].get(id as usize).copied().flatten()
    }

    pub(super) fn of_udp(&self, id: u32) -> Option<Timestamp> {
        self.last[1].get(id as usize).copied().flatten()
    }

    pub(super) fn name(&self, address: Address) -> Option<&str> {
        match self.names.is_empty() {
            true => None,
            false => self.names.get(&address.to_ip()).map(String::as_str),
        }
    }

    /// What an earlier reading answers to a test of figures, by its number.
    #[inline]
    pub(super) fn answer(&self, flow: &FlowView<'_>, number: usize) -> Option<bool> {
        let [tcp, udp] = &self.answers;
        let answers = match *flow {
            FlowView::Tcp { view, .. } => tcp.get(view.id as usize),
            FlowView::IcmpAboutTcp(id, _) => tcp.get(id as usize),
            FlowView::Udp { conversation, .. } => udp.get(conversation.id as usize),
            FlowView::IcmpAboutUdp(id, _) => udp.get(id as usize),
            FlowView::None => None,
        };
        let answers = answers.filter(|&&answers| answers & KNOWN != 0)?;
        (number < MOST_ANSWERS).then(|| answers >> number & 1 != 0)
    }
}
