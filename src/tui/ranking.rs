//! Lists in the order they are shown. Each connection has to be looked at, and lies somewhere else in
//! memory: where there are many, several threads look at them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::thread::{self, ScopedJoinHandle};

use super::column::Column;
use super::lines;
use super::live::Watching;
use super::snapshot::{Chosen, HostLine, Query};
use crate::analysis::{Analyzer, ConnectionView, ConversationView, Share, trouble};
use crate::filter::{Filter, Found};
use crate::flow::Slot;
use crate::report::escape::escaped;
use crate::report::field::{Row, UdpRow};
use crate::report::select::is_unanswered;
use crate::report::totals::{self, ENDINGS};
use crate::tcp::Role;
use crate::time::Timestamp;

/// Connections from which on a thread more is worth its start.
const WORTH: usize = 20_000;
/// Threads at most.
const THREADS: usize = 4;

/// How connections ended, and what was sent again.
#[derive(Clone, Copy, Default)]
pub(super) struct Outcomes {
    /// In the order of [`ENDINGS`].
    pub(super) endings: [u64; ENDINGS.len()],
    /// Retransmissions.
    pub(super) retransmissions: u64,
}

impl Outcomes {
    fn count(&mut self, view: &ConnectionView<'_>, end: Timestamp) {
        totals::count(&mut self.endings, &ENDINGS, view.connection.ending(end));
        for role in Role::BOTH {
            let figures = &view.connection.endpoint(role).figures;
            self.retransmissions += u64::from(figures.retransmissions);
        }
    }

    fn absorb(&mut self, other: &Self) {
        for (own, other) in self.endings.iter_mut().zip(other.endings) {
            *own += other;
        }
        self.retransmissions += other.retransmissions;
    }
}

/// What puts lists in order.
pub(super) struct Ranking<'a> {
    /// All there is.
    pub(super) analyzer: &'a Analyzer,
    /// Which list, and by what.
    pub(super) query: &'a Query,
    /// What its filter has found in frames as they passed, where it looks at them.
    pub(super) seen: Option<&'a Found>,
    /// Without connections that have come to no more than a SYN.
    pub(super) lasting: bool,
}

/// Of a part of the connections.
type Ranked = (Vec<(u64, u32, Slot)>, Outcomes);

impl<'a> Ranking<'a> {
    fn end(&self) -> Timestamp {
        let capture = self.analyzer.capture();
        capture.now.or(capture.last).unwrap_or_default()
    }

    /// Whether a filter chooses something, by what was found in frames where figures do not tell.
    fn is_chosen(&self, matches: impl FnOnce(&Filter, &Found) -> bool) -> bool {
        let Some(Chosen { filter, found }) = &self.query.chosen else {
            return true;
        };
        matches(filter, self.seen.unwrap_or(found))
    }

    /// Shows the connections that lists are made of: a share of them.
    fn each_chosen(&self, share: Share, mut look: impl FnMut(Slot, &ConnectionView<'_>)) {
        let end = self.end();
        let names = &self.analyzer.capture().names;
        self.analyzer
            .each_connection(self.lasting, share, |slot, view| {
                let row = Row { view, end, names };
                if self.is_chosen(|filter, found| filter.matches_connection(&row, found)) {
                    look(slot, view);
                }
            });
    }

    /// Lets as many threads as are worth it do their share.
    fn shared<T: Send>(&self, work: impl Fn(Share) -> T + Sync) -> Vec<T> {
        let worth = self.analyzer.flows() / WORTH + 1;
        let cores = match worth {
            1 => 1,
            _ => thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS)),
        };
        let of = worth.min(cores);
        let work = &work;
        thread::scope(|scope| {
            let share = |at| scope.spawn(move || work(Share { at, of }));
            let others: Vec<_> = (1..of).map(share).collect();
            let own = work(Share { at: 0, of });
            let others = others.into_iter().map(joined);
            std::iter::once(own).chain(others).collect()
        })
    }

    /// The TCP connections in order, and where that is wanted, how all of them ended. What is
    /// watched as it happens is ranked by one thread: the other cores have frames to take.
    pub(super) fn connections(
        &self,
        watching: Option<&Watching>,
        counts: bool,
    ) -> (Vec<(u32, Slot)>, Option<Outcomes>) {
        let parts = match watching {
            Some(_) => vec![self.ranked(Share::ALL, watching, counts)],
            None => self.shared(|share| self.ranked(share, None, counts)),
        };
        let mut outcomes = Outcomes::default();
        let mut ranked = Vec::with_capacity(parts.iter().map(|(list, _)| list.len()).sum());
        for (list, own) in parts {
            outcomes.absorb(&own);
            ranked.extend(list);
        }
        // Parts are in order: the stable sort finds them, and only merges.
        ranked.sort();
        let order = ranked.into_iter().map(|(_, id, slot)| (id, slot));
        (order.collect(), counts.then_some(outcomes))
    }

    fn ranked(&self, share: Share, watching: Option<&Watching>, counts: bool) -> Ranked {
        let (query, end) = (self.query, self.end());
        let mut outcomes = Outcomes::default();
        let mut ranked = Vec::new();
        self.each_chosen(share, |slot, view| {
            if counts {
                outcomes.count(view, end);
            }
            if query.open_only && view.connection.is_over() {
                return;
            }
            let rank = rank(view, query.sort, end, watching);
            ranked.push((if query.reverse { !rank } else { rank }, view.id, slot));
        });
        ranked.sort_unstable();
        (ranked, outcomes)
    }

    /// How many TCP connections the list would have.
    pub(super) fn count_connections(&self) -> usize {
        let counts = self.shared(|share| {
            let mut count = 0;
            self.each_chosen(share, |_, view| {
                count += usize::from(!(self.query.open_only && view.connection.is_over()));
            });
            count
        });
        counts.into_iter().sum()
    }

    /// How many UDP conversations the list would have.
    pub(super) fn count_conversations(&self) -> usize {
        self.chosen_conversations().count()
    }

    fn chosen_conversations(&self) -> impl Iterator<Item = (Slot, ConversationView<'a>)> {
        let names = &self.analyzer.capture().names;
        let slots = self.analyzer.conversation_slots();
        let all = slots.filter_map(|slot| Some((slot, self.analyzer.conversation(slot)?)));
        all.filter(move |&(_, conversation)| {
            let row = UdpRow {
                conversation,
                names,
            };
            self.is_chosen(|filter, found| filter.matches_conversation(&row, found))
        })
    }

    /// The UDP conversations in order.
    pub(super) fn conversations(&self) -> Vec<(u32, Slot)> {
        let query = self.query;
        let mut ranked: Vec<(u64, u32, Slot)> = self
            .chosen_conversations()
            .map(|(slot, conversation)| {
                let rank = talk_rank(&conversation, query.sort);
                let rank = if query.reverse { !rank } else { rank };
                (rank, conversation.id, slot)
            })
            .collect();
        ranked.sort_unstable();
        let order = ranked.into_iter().map(|(_, id, slot)| (id, slot));
        order.collect()
    }

    /// The hosts in order.
    pub(super) fn hosts(&self) -> Vec<HostLine> {
        let query = self.query;
        let mut parts = self.shared(|share| self.talkers(share)).into_iter();
        let mut hosts = parts.next().unwrap_or_default();
        for (address, part) in parts.flatten() {
            let host: &mut HostLine = hosts.entry(address).or_default();
            host.connections += part.connections;
            host.sent += part.sent;
            host.received += part.received;
            host.resent += part.resent;
            host.trouble = host.trouble.saturating_add(part.trouble);
        }
        for (_, conversation) in self.chosen_conversations() {
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
        let names = &self.analyzer.capture().names;
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

    /// What hosts did in a share of the connections.
    fn talkers(&self, share: Share) -> HashMap<IpAddr, HostLine> {
        let end = self.end();
        let mut hosts: HashMap<IpAddr, HostLine> = HashMap::new();
        self.each_chosen(share, |_, view| {
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
        hosts
    }
}

/// What a thread has come to; where it panicked, so does this.
pub(super) fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// What a connection is sorted by: the least first.
fn rank(view: &ConnectionView<'_>, by: Column, end: Timestamp, watching: Option<&Watching>) -> u64 {
    match (watching, by) {
        (Some(watching), Column::Rate | Column::Activity) => !watching.traffic(view.id).0,
        (Some(watching), Column::Process) => match watching.program(view.id) {
            Some((program, _)) => lines::head(program),
            None => u64::MAX,
        },
        _ => lines::rank(view, by, end),
    }
}

/// What a conversation is sorted by: the least first.
fn talk_rank(conversation: &ConversationView<'_>, by: Column) -> u64 {
    let sum = |[one, other]: [u64; 2]| !(one + other);
    match by {
        Column::Id | Column::Start => u64::from(conversation.id),
        Column::Duration => !(conversation.duration().as_nanos().max(0) as u64),
        Column::Packets => sum(conversation.packets),
        Column::Sent => !conversation.bytes[0],
        Column::Received => !conversation.bytes[1],
        Column::Trouble | Column::Ending => {
            let icmp = u64::from(conversation.icmp_errors);
            !(icmp << 1 | u64::from(is_unanswered(conversation)))
        }
        _ => sum(conversation.bytes),
    }
}
