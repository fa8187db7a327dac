//! The analysis thread's side of the screen: makes the lines that are asked for from what has been
//! analyzed so far.
//!
//! Sorting looks at every connection, so that its result is kept: moving about in a list that is
//! sorted costs only the lines in sight.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::column::Column;
use super::lines;
use super::live::{Eyes, HostEnds, SECONDS, Watching};
use super::sight::{Past, Recalled, Sight};
use super::snapshot::{
    Chosen, ConnectionLine, Cursor, FindingLine, Header, HostLine, Line, Mark, Query, Snapshot, Tab,
};
use crate::analysis::{Analyzer, ConnectionView, ConversationView, FlowId, FrameIndex, trouble};
use crate::diagnosis::Finding;
use crate::filter::{Filter, Found};
use crate::flow::Slot;
use crate::report::escape::escaped;
use crate::report::field::{Row, UdpRow};
use crate::report::select::is_unanswered;
use crate::report::style::Tone;
use crate::report::text;
use crate::report::totals::{ENDINGS, Totals};
use crate::report::units::{counted, grouped};
use crate::report::{Problem, Report, Selection};
use crate::source::Reread;
use crate::tcp::{Ending, Role};
use crate::time::{Span, Timestamp};

/// Parts of the capture's time that the rate is told in.
const RATE: usize = 512;

/// Parts of it that a connection's activity is told in: as many as seconds of a live one.
const ACTIVITY: usize = SECONDS;

/// Frames of a connection that its activity is counted from at most.
const MOST_COUNTED: u64 = 200_000;

/// Bytes over time, in equal parts whose length doubles when there are too many.
#[derive(Debug)]
pub struct Rate {
    first: Option<Timestamp>,
    /// Nanoseconds of a part.
    part: i64,
    bytes: Vec<u64>,
    /// Number of the first frame of every part.
    frames: Vec<u64>,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            first: None,
            part: 1_000_000,
            bytes: Vec::new(),
            frames: Vec::new(),
        }
    }
}

impl Rate {
    /// Counts a frame.
    #[inline]
    pub fn count(&mut self, number: u64, time: Timestamp, bytes: u32) {
        let first = *self.first.get_or_insert(time);
        let mut place = ((time - first).as_nanos().max(0) / self.part) as usize;
        while place >= RATE {
            self.halve();
            place /= 2;
        }
        while self.bytes.len() <= place {
            self.bytes.push(0);
            self.frames.push(number);
        }
        if let Some(own) = self.bytes.get_mut(place) {
            *own += u64::from(bytes);
        }
    }

    fn halve(&mut self) {
        self.part = self.part.saturating_mul(2);
        let joined = |pair: &[u64]| pair.iter().sum();
        self.bytes = self.bytes.chunks(2).map(joined).collect();
        self.frames = self.frames.iter().step_by(2).copied().collect();
    }

    /// How many of these frames, in order, came in each of `parts` parts of the capture.
    fn spread(&self, numbers: impl Iterator<Item = u64>, parts: usize) -> Vec<u64> {
        let mut spread = vec![0; parts];
        let mut later = self.frames.iter().skip(1).peekable();
        let mut place = 0;
        for number in numbers {
            while later.next_if(|&&first| first <= number).is_some() {
                place += 1;
            }
            if let Some(count) = spread.get_mut(place * parts / self.bytes.len().max(1)) {
                *count += 1;
            }
        }
        spread
    }
}

/// A list in the order it is shown.
#[derive(Debug, Default)]
enum Order {
    #[default]
    None,
    Connections(Vec<(u32, Slot)>),
    Udp(Vec<(u32, Slot)>),
    Hosts(Vec<HostLine>),
    Findings(Vec<FindingLine>),
}

/// What an order was made for.
type Made = (Tab, Column, bool, u64, bool);

/// What the analysis thread answers from.
pub struct Desk {
    /// The figures.
    pub analyzer: Analyzer,
    /// Where frames lie.
    pub index: FrameIndex,
    /// Bytes over time.
    pub rate: Rate,
    /// What went wrong with the inputs.
    pub problems: Vec<Problem>,
    inputs: Vec<String>,
    order: Order,
    made: Option<Made>,
    totals: Totals,
    /// Of which choice they are, as long as they are good enough.
    totals_of: Option<u64>,
    counts: [usize; 4],
    found: Vec<Finding>,
    trust: Vec<(Tone, String)>,
    /// Of a live source, what else is known.
    pub(super) watching: Option<Watching>,
    /// The filter that looks at frames as they pass.
    sight: Option<Sight>,
}

impl Desk {
    /// Of nothing yet.
    pub fn new(analyzer: Analyzer, index: FrameIndex, inputs: Vec<String>) -> Self {
        Self {
            analyzer,
            index,
            rate: Rate::default(),
            problems: Vec::new(),
            inputs,
            order: Order::None,
            made: None,
            totals: Totals::default(),
            totals_of: None,
            counts: [0; 4],
            found: Vec::new(),
            trust: Vec::new(),
            watching: None,
            sight: None,
        }
    }

    /// Puts a filter in force that looks at frames as they pass. Gives what it takes to look at
    /// those before.
    pub(super) fn sees(&mut self, number: u64, filter: Arc<Filter>, reread: Reread) -> Past {
        let sight = Sight::new(number, Arc::clone(&filter), self.analyzer.capture());
        let stretch = self.index.stretch(0, self.index.last());
        let past = sight.past(filter, self.analyzer_options(), stretch, reread);
        self.sight = Some(sight);
        self.made = None;
        past
    }

    /// Takes in what a filter has found in the frames before. False where it is no longer in force.
    pub(super) fn recall(&mut self, recalled: &Recalled) -> bool {
        let own = |sight: &&mut Sight| sight.number == recalled.number;
        let Some(sight) = self.sight.as_mut().filter(own) else {
            return false;
        };
        sight.recall(recalled, &self.analyzer, &self.index);
        self.made = None;
        self.totals_of = None;
        true
    }

    /// Ends the looking at frames when its filter is no longer in force.
    pub(super) fn looks_no_more(&mut self, choice: u64) {
        self.sight = self.sight.take().filter(|sight| sight.number == choice);
    }

    /// Whether the list would have to be sorted for this: more has been read, or it is another.
    pub fn is_sorted_for(&self, query: &Query) -> bool {
        self.made == Some(made(query))
    }

    /// What the analyzer was told.
    pub fn analyzer_options(&self) -> crate::analysis::Options {
        self.analyzer.options().clone()
    }

    fn end(&self) -> Timestamp {
        let capture = self.analyzer.capture();
        capture.now.or(capture.last).unwrap_or_default()
    }

    /// Looks at everything that is kept, and sorts it.
    pub fn look(&mut self, query: &Query) {
        self.found = self.analyzer.findings();
        self.totals_of = None;
        let report = Report {
            analyzer: &self.analyzer,
            inputs: &self.inputs,
            problems: &self.problems,
            interrupted: false,
            selection: Selection::default(),
            filter: None,
        };
        self.trust = text::trust(&report, &self.found);
        if self.is_flooded() {
            let words = "a flood: connections that have come to no more than a SYN are not listed";
            self.trust.push((Tone::Warning, words.to_owned()));
        }
        self.sort(query);
    }

    /// Sorts anew. What was found out of the capture as a whole when it was last looked at stays:
    /// who asks for another order waits for no more than that.
    pub fn sort(&mut self, query: &Query) {
        let order = match query.tab {
            Tab::Connections => Order::Connections(self.connections(query)),
            Tab::Udp => Order::Udp(self.conversations(query)),
            Tab::Hosts => Order::Hosts(self.hosts(query)),
            Tab::Findings => Order::Findings(self.findings()),
        };
        self.order = order;
        self.made = Some(made(query));
        let shown = self.len();
        if let Some(count) = self.counts.get_mut(query.tab as usize) {
            *count = shown;
        }
        if query.chosen.is_none() {
            if query.tab != Tab::Connections {
                self.counts[0] = self.analyzer.tcp_seen() as usize;
            }
            if query.tab != Tab::Udp {
                self.counts[1] = self.analyzer.udp_seen() as usize;
            }
        }
        self.counts[3] = self.trust.len();
    }

    fn len(&self) -> usize {
        match &self.order {
            Order::None => 0,
            Order::Connections(list) => list.len(),
            Order::Udp(list) => list.len(),
            Order::Hosts(list) => list.len(),
            Order::Findings(list) => list.len(),
        }
    }

    /// Whether a flood is watched: to look at all of it would hold up the capture.
    fn is_flooded(&self) -> bool {
        const MANY: usize = 100_000;
        self.watching.is_some() && self.analyzer.flows() > MANY
    }

    /// Whether a filter chooses something, by what was found in frames where figures do not tell.
    fn is_chosen(&self, query: &Query, matches: impl FnOnce(&Filter, &Found) -> bool) -> bool {
        let Some(Chosen { filter, found }) = &query.chosen else {
            return true;
        };
        let own = |sight: &&Sight| sight.number == query.choice;
        let seen = self.sight.as_ref().filter(own).map(Sight::found);
        matches(filter, seen.unwrap_or(found))
    }

    /// Shows the connections that lists are made of.
    fn each_chosen(&self, query: &Query, mut look: impl FnMut(Slot, &ConnectionView<'_>)) {
        let end = self.end();
        let names = &self.analyzer.capture().names;
        let lasting = self.is_flooded();
        self.analyzer.each_connection(lasting, |slot, view| {
            let row = Row { view, end, names };
            if self.is_chosen(query, |filter, found| {
                filter.matches_connection(&row, found)
            }) {
                look(slot, view);
            }
        });
    }

    fn connections(&mut self, query: &Query) -> Vec<(u32, Slot)> {
        let end = self.end();
        let summed = self.totals_of == Some(query.choice);
        let mut totals = Totals::default();
        let mut ranked: Vec<(u64, u32, Slot)> = Vec::new();
        self.each_chosen(query, |slot, view| {
            if !summed {
                totals.add(view, end);
            }
            if query.open_only && view.connection.is_over() {
                return;
            }
            let rank = self.rank(view, query.sort, end);
            ranked.push((if query.reverse { !rank } else { rank }, view.id, slot));
        });
        if !summed {
            (self.totals, self.totals_of) = (totals, Some(query.choice));
        }
        ranked.sort_unstable();
        let order = ranked.into_iter().map(|(_, id, slot)| (id, slot));
        order.collect()
    }

    /// What a connection is sorted by: the least first.
    fn rank(&self, view: &ConnectionView<'_>, by: Column, end: Timestamp) -> u64 {
        match (&self.watching, by) {
            (Some(watching), Column::Rate | Column::Activity) => !watching.traffic(view.id).0,
            (Some(watching), Column::Process) => match watching.program(view.id) {
                Some((program, _)) => lines::head(program),
                None => u64::MAX,
            },
            _ => lines::rank(view, by, end),
        }
    }

    fn chosen_conversations<'a>(
        &'a self,
        query: &'a Query,
    ) -> impl Iterator<Item = (Slot, ConversationView<'a>)> {
        let names = &self.analyzer.capture().names;
        let slots = self.analyzer.conversation_slots();
        let all = slots.filter_map(|slot| Some((slot, self.analyzer.conversation(slot)?)));
        all.filter(move |&(_, conversation)| {
            let row = UdpRow {
                conversation,
                names,
            };
            self.is_chosen(query, |filter, found| {
                filter.matches_conversation(&row, found)
            })
        })
    }

    fn conversations(&self, query: &Query) -> Vec<(u32, Slot)> {
        let mut ranked: Vec<(u64, u32, Slot)> = self
            .chosen_conversations(query)
            .map(|(slot, conversation)| {
                let sum = |[one, other]: [u64; 2]| !(one + other);
                let rank = match query.sort {
                    Column::Id | Column::Start => u64::from(conversation.id),
                    Column::Duration => !(conversation.duration().as_nanos().max(0) as u64),
                    Column::Packets => sum(conversation.packets),
                    Column::Sent => !conversation.bytes[0],
                    Column::Received => !conversation.bytes[1],
                    Column::Trouble | Column::Ending => {
                        let icmp = u64::from(conversation.icmp_errors);
                        !(icmp << 1 | u64::from(is_unanswered(&conversation)))
                    }
                    _ => sum(conversation.bytes),
                };
                let rank = if query.reverse { !rank } else { rank };
                (rank, conversation.id, slot)
            })
            .collect();
        ranked.sort_unstable();
        let order = ranked.into_iter().map(|(_, id, slot)| (id, slot));
        order.collect()
    }

    fn hosts(&self, query: &Query) -> Vec<HostLine> {
        let mut hosts: HashMap<IpAddr, HostLine> = HashMap::new();
        let end = self.end();
        let names = &self.analyzer.capture().names;
        self.each_chosen(query, |_, view| {
            let lost = trouble::score(view.connection, end);
            for role in Role::BOTH {
                let own = &view.connection.endpoint(role).figures;
                let peer = &view.connection.endpoint(role.peer()).figures;
                let host = hosts.entry(view.socket(role).address.to_ip()).or_default();
                host.connections += 1;
                host.sent += own.bytes;
                host.received += peer.bytes;
                host.resent += u64::from(own.retransmissions);
                host.trouble = host.trouble.saturating_add(lost);
            }
        });
        for (_, conversation) in self.chosen_conversations(query) {
            for (own, socket) in conversation.sockets.iter().enumerate() {
                let host = hosts.entry(socket.address.to_ip()).or_default();
                host.conversations += 1;
                host.sent += conversation.bytes.get(own).copied().unwrap_or(0);
                host.received += conversation.bytes.get(1 - own).copied().unwrap_or(0);
            }
        }
        let mut ranked: Vec<_> = hosts.into_iter().collect();
        ranked.sort_unstable_by_key(|(address, host)| {
            let rank = match query.sort {
                Column::Sent => !host.sent,
                Column::Received => !host.received,
                Column::Resent | Column::Triggers | Column::Needless | Column::Place => {
                    !host.resent
                }
                Column::Trouble => !host.trouble,
                Column::Id | Column::Client | Column::Server => 0,
                _ => !(host.sent.saturating_add(host.received)),
            };
            (if query.reverse { !rank } else { rank }, *address)
        });
        let named = |(address, host): (IpAddr, HostLine)| HostLine {
            address: address.to_string(),
            name: names.get(&address).map(|name| escaped(name).to_string()),
            ..host
        };
        let mut hosts: Vec<_> = ranked.into_iter().map(named).collect();
        for (key, host) in (0_u64..).zip(&mut hosts) {
            host.key = key;
        }
        hosts
    }

    fn findings(&self) -> Vec<FindingLine> {
        let mut list = Vec::new();
        for finding in &self.found {
            let mut frames = finding.told.frames.clone();
            frames.truncate(8);
            list.push(FindingLine {
                key: list.len() as u64,
                tone: lines::tone(finding.told.weight),
                title: finding.diagnosis.title.to_owned(),
                text: escaped(&finding.told.text).to_string(),
                advice: finding.diagnosis.advice.to_owned(),
                frames,
            });
        }
        // What else is to be known of the capture has no advice.
        let told: Vec<String> = list.iter().map(|line| line.text.clone()).collect();
        for (tone, text) in &self.trust {
            if told.iter().any(|each| text.starts_with(each.as_str())) {
                continue;
            }
            list.push(FindingLine {
                key: list.len() as u64,
                tone: *tone,
                title: String::new(),
                text: text.clone(),
                advice: String::new(),
                frames: Vec::new(),
            });
        }
        list
    }

    /// The lines around the cursor, of the list as it was last sorted.
    pub fn answer(&self, query: &Query, progress: (u64, Option<u64>), done: bool) -> Snapshot {
        let total = self.len();
        let cursor = match query.cursor {
            Cursor::At(at) => at,
            Cursor::On(identity) => self.place_of(identity).unwrap_or(0),
        }
        .min(total.saturating_sub(1));
        // Some screens more, so that a step need not be asked for.
        let lines = query.lines.clamp(1, 1000);
        let first = cursor.saturating_sub(lines * 2);
        let last = (cursor + lines * 3).min(total);
        Snapshot {
            header: self.header(progress, done),
            tab: query.tab,
            first,
            lines: (first..last).filter_map(|at| self.line(at)).collect(),
            total,
            cursor,
            choice: query.choice,
            number: query.number,
            is_refresh: query.is_refresh,
        }
    }

    fn place_of(&self, identity: u64) -> Option<usize> {
        match &self.order {
            Order::None => None,
            Order::Connections(list) => list.iter().position(|each| u64::from(each.0) == identity),
            Order::Udp(list) => list.iter().position(|each| u64::from(each.0) == identity),
            Order::Hosts(list) => list.iter().position(|host| host.key == identity),
            Order::Findings(list) => list.iter().position(|line| line.key == identity),
        }
    }

    fn line(&self, at: usize) -> Option<Line> {
        match &self.order {
            Order::None => None,
            Order::Connections(list) => {
                let (id, slot) = *list.get(at)?;
                let mut line = self.analyzer.connection(slot, |view| {
                    lines::connection(view, &self.analyzer, self.end())
                })?;
                match &self.watching {
                    Some(watching) => self.watched(watching, &mut line),
                    None => {
                        line.activity = self.activity(FlowId::Tcp(id));
                        line.mark = Mark::None;
                    }
                }
                Some(Line::Connection(Box::new(line)))
            }
            Order::Udp(list) => {
                let (_, slot) = *list.get(at)?;
                let conversation = self.analyzer.conversation(slot)?;
                let line = lines::conversation(&conversation, self.analyzer.capture());
                Some(Line::Udp(Box::new(line)))
            }
            Order::Hosts(list) => list.get(at).cloned().map(Line::Host),
            Order::Findings(list) => list.get(at).cloned().map(Line::Finding),
        }
    }

    /// What is known of a connection that is watched as it happens.
    fn watched(&self, watching: &Watching, line: &mut ConnectionLine) {
        /// How long a connection is new.
        const NEW: Span = Span::from_secs(3);
        (line.rate, line.activity) = watching.traffic(line.id);
        line.program = watching
            .program(line.id)
            .map(|(name, process)| [name, process].map(str::to_owned));
        let begin = self.analyzer.capture().first.unwrap_or_default() + line.start;
        if line.mark == Mark::None && self.end() - begin < NEW {
            line.mark = Mark::New;
        }
    }

    /// How many of a flow's frames came in each part of the capture.
    fn activity(&self, flow: FlowId) -> Vec<u64> {
        match self.index.numbers(flow, MOST_COUNTED) {
            Some(numbers) => self.rate.spread(numbers, ACTIVITY),
            None => Vec::new(),
        }
    }

    fn header(&self, progress: (u64, Option<u64>), done: bool) -> Header {
        let capture = self.analyzer.capture();
        let mut endings = Vec::new();
        for (ending, &count) in ENDINGS.iter().zip(&self.totals.endings) {
            if count > 0 {
                let name = match ending {
                    Ending::Graceful => "closed",
                    other => other.name(),
                };
                endings.push(format!("{} {name}", grouped(count)));
            }
        }
        if self.totals.retransmissions > 0 {
            let resent = self.totals.retransmissions;
            endings.push(counted(resent, "retransmission").to_string());
        }
        Header {
            inputs: self
                .inputs
                .iter()
                .map(|input| escaped(input).to_string())
                .collect(),
            frames: capture.frames,
            bytes: capture.bytes,
            first: capture.first,
            span: capture.span(),
            rate: match &self.watching {
                Some(watching) => watching.rates(),
                None => self.rate.bytes.clone(),
            },
            counts: self.counts,
            endings: endings.join(", "),
            trust: self.trust.clone(),
            progress,
            done,
            live: self
                .watching
                .as_ref()
                .map(|watching| watching.header(&self.analyzer)),
        }
    }

    /// What this host knows of a flow's ends.
    pub(super) fn host_ends(&self, flow: FlowId) -> HostEnds {
        match (flow, &self.watching) {
            (FlowId::Tcp(id), Some(watching)) => watching.ends(id),
            _ => HostEnds::default(),
        }
    }

    /// The analyzer, and who looks while it works.
    pub(super) fn analyze(&mut self) -> (&mut Analyzer, Eyes<'_>) {
        let eyes = Eyes {
            index: &mut self.index,
            watching: self.watching.as_mut(),
            sight: self.sight.as_mut(),
        };
        (&mut self.analyzer, eyes)
    }

    /// From the begin of the capture to its end.
    pub fn span(&self) -> Span {
        self.analyzer.capture().span()
    }
}

fn made(query: &Query) -> Made {
    let Query {
        tab,
        sort,
        reverse,
        choice,
        open_only,
        ..
    } = *query;
    (tab, sort, reverse, choice, open_only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_keeps_every_byte_while_its_parts_grow() {
        let mut rate = Rate::default();
        let mut sum = 0;
        for number in 0..5000_u64 {
            let time = Timestamp::from_nanos(number as i64 * 7_000_000);
            rate.count(number + 1, time, number as u32);
            sum += number;
        }
        assert!(rate.bytes.len() <= RATE);
        assert_eq!(rate.bytes.iter().sum::<u64>(), sum);
        assert_eq!(
            rate.spread([1, 2, 2500, 5000].into_iter(), 10),
            [2, 0, 0, 0, 1, 0, 0, 0, 0, 1]
        );
        let all = rate.spread(1..=5000, 10);
        assert_eq!(all.iter().sum::<u64>(), 5000);
        assert!(
            all.iter().all(|count| (400..=600).contains(count)),
            "{all:?}"
        );
        assert_eq!(Rate::default().spread([7].into_iter(), 3), [1, 0, 0]);
    }
}
