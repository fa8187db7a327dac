//! The analysis thread's side of the screen: makes the lines that are asked for from what has been
//! analyzed so far.
//!
//! Sorting looks at every connection, so that its result is kept: moving about in a list that is
//! sorted costs only the lines in sight.

use std::sync::Arc;
use std::thread;

use super::column::Column;
use super::lines;
use super::live::{Eyes, HostEnds, SECONDS, Watching};
use super::ranking::{Outcomes, Ranking, joined};
use super::rate::Rate;
use super::sight::{Past, Recalled, Sight};
use super::snapshot::{
    ConnectionLine, Cursor, FindingLine, Header, HostLine, Line, Mark, Query, Snapshot, Tab,
};
use crate::analysis::{Analyzer, FlowId, FrameIndex};
use crate::diagnosis::Finding;
use crate::filter::Filter;
use crate::flow::Slot;
use crate::report::escape::escaped;
use crate::report::style::Tone;
use crate::report::text;
use crate::report::totals::ENDINGS;
use crate::report::units::{counted, grouped};
use crate::report::{Problem, Report, Selection};
use crate::source::Reread;
use crate::tcp::Ending;
use crate::time::{Span, Timestamp};

/// Parts of it that a connection's activity is told in: as many as seconds of a live one.
const ACTIVITY: usize = SECONDS;

/// Frames of a connection that its activity is counted from at most.
const MOST_COUNTED: u64 = 200_000;

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
    outcomes: Outcomes,
    /// Of which choice they are, as long as they are good enough.
    outcomes_of: Option<u64>,
    counts: [usize; 4],
    found: Vec<Finding>,
    /// Frames when everything was last looked at.
    looked: u64,
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
            outcomes: Outcomes::default(),
            outcomes_of: None,
            counts: [0; 4],
            found: Vec::new(),
            looked: 0,
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
        self.outcomes_of = None;
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
        self.outcomes_of = None;
        let analyzer = &self.analyzer;
        let (found, order) = thread::scope(|scope| {
            let found = scope.spawn(|| analyzer.findings());
            let order = self.order(query);
            (joined(found), order)
        });
        self.found = found;
        self.looked = self.analyzer.capture().frames;
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
        self.show(query, order);
    }

    /// Sorts anew. What was found out of the capture as a whole when it was last looked at stays:
    /// who asks for another order waits for no more than that.
    pub fn sort(&mut self, query: &Query) {
        let order = self.order(query);
        self.show(query, order);
    }

    /// The list in its order, and where all connections were looked at, how they ended.
    fn order(&self, query: &Query) -> (Order, Option<Outcomes>) {
        let ranking = self.ranking(query);
        match query.tab {
            Tab::Connections => {
                let counts = self.outcomes_of != Some(query.choice);
                let (list, outcomes) = ranking.connections(self.watching.as_ref(), counts);
                (Order::Connections(list), outcomes)
            }
            Tab::Udp => (Order::Udp(ranking.conversations()), None),
            Tab::Hosts => (Order::Hosts(ranking.hosts()), None),
            // They are told of what was found out of the capture as a whole.
            Tab::Findings => (Order::None, None),
        }
    }

    fn show(&mut self, query: &Query, (order, outcomes): (Order, Option<Outcomes>)) {
        if let Some(outcomes) = outcomes {
            (self.outcomes, self.outcomes_of) = (outcomes, Some(query.choice));
        }
        self.order = match query.tab {
            Tab::Findings => Order::Findings(self.findings()),
            _ => order,
        };
        self.made = Some(made(query));
        let shown = self.len();
        if let Some(count) = self.counts.get_mut(query.tab as usize) {
            *count = shown;
        }
        // What is chosen is counted for the other lists, too.
        if query.tab != Tab::Connections {
            self.counts[0] = match (&query.chosen, query.open_only) {
                (None, false) => self.analyzer.tcp_seen() as usize,
                _ => self.ranking(query).count_connections(),
            };
        }
        if query.tab != Tab::Udp {
            self.counts[1] = match &query.chosen {
                None => self.analyzer.udp_seen() as usize,
                Some(_) => self.ranking(query).count_conversations(),
            };
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

    /// What puts lists in order.
    fn ranking<'a>(&'a self, query: &'a Query) -> Ranking<'a> {
        let own = |sight: &&Sight| sight.number == query.choice;
        Ranking {
            analyzer: &self.analyzer,
            query,
            seen: self.sight.as_ref().filter(own).map(Sight::found),
            lasting: self.is_flooded(),
        }
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
            lines: (first..last).map(|at| self.line(at)).collect(),
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
                // It may have moved since: then another is in its place, or none.
                let line = self.analyzer.connection(slot, |view| {
                    let line = || lines::connection(view, &self.analyzer, self.end());
                    (view.id == id).then(line)
                });
                let mut line = line??;
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
                let (id, slot) = *list.get(at)?;
                let conversation = self.analyzer.conversation(slot);
                let conversation = conversation.filter(|own| own.id == id)?;
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
        for (ending, &count) in ENDINGS.iter().zip(&self.outcomes.endings) {
            if count > 0 {
                let name = match ending {
                    Ending::Graceful => "closed",
                    other => other.name(),
                };
                endings.push(format!("{} {name}", grouped(count)));
            }
        }
        if self.outcomes.retransmissions > 0 {
            let resent = self.outcomes.retransmissions;
            endings.push(counted(resent, "retransmission").to_string());
        }
        Header {
            inputs: self
                .inputs
                .iter()
                .map(|input| escaped(input).to_string())
                .collect(),
            frames: capture.frames,
            looked: self.looked,
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
    use crate::analysis::Options;
    use crate::source::{self, Arrival, OpenOptions};

    #[test]
    fn of_what_moved_since_the_list_was_sorted_nothing_is_told() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/captures/zero-window.pcap"
        );
        let analyzer = Analyzer::new(Options::default());
        let mut desk = Desk::new(analyzer, FrameIndex::new(1 << 20), Vec::new());
        let query = Query {
            tab: Tab::Connections,
            sort: Column::Trouble,
            reverse: false,
            chosen: None,
            choice: 0,
            cursor: Cursor::At(0),
            lines: 24,
            open_only: false,
            is_refresh: true,
            number: 1,
        };
        let mut known = Vec::new();
        let mut source = source::open(&[path], &OpenOptions::default()).expect("the capture");
        let read = source.run(&mut |arrival: Arrival<'_>| {
            let (analyzer, mut eyes) = desk.analyze();
            let flow = analyzer.arrive(arrival, &mut eyes);
            if desk.analyzer.tcp_seen() == 1 && matches!(desk.order, Order::None) {
                desk.sort(&query);
            }
            let answer = desk.answer(&query, (0, None), false);
            known.extend(answer.lines.first().map(Option::is_some));
            flow
        });
        read.expect("frames");
        // A connection of more than a SYN lies elsewhere.
        let (first, others) = known.split_first().expect("a line");
        assert!(*first);
        assert!(!others.is_empty() && !others.contains(&true), "{known:?}");
        desk.sort(&query);
        let answer = desk.answer(&query, (0, None), false);
        assert!(answer.lines[0].is_some());
    }
}
