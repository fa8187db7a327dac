//! Which connections to show, and in which order: by a key each, the best few kept in a heap, so
//! that millions of connections do not become millions of rows.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::analysis::{Analyzer, ConnectionView, Conversation, ConversationView, trouble};
use crate::flow::Slot;
use crate::tcp::{Connection, Role};
use crate::time::{Span, Timestamp};

use super::totals::Totals;

/// What rows are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The most troubled first.
    #[default]
    Trouble,
    /// By number.
    Id,
    /// The earliest first.
    Start,
    /// The longest first.
    Duration,
    /// The most bytes on the wire first.
    Bytes,
    /// The most packets first.
    Packets,
    /// The most retransmissions first.
    Retransmissions,
    /// The longest round trip first.
    Rtt,
}

/// Some of a capture's connections and UDP conversations, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    tcp: Numbers,
    udp: Numbers,
}

/// A set of numbers, a bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Numbers(Vec<u64>);

impl Numbers {
    const fn place(number: u32) -> (usize, u64) {
        (number as usize / 64, 1 << (number % 64))
    }

    fn has(&self, number: u32) -> bool {
        let (at, bit) = Self::place(number);
        self.0.get(at).is_some_and(|bits| bits & bit != 0)
    }

    fn set(&mut self, number: u32, is_in: bool) {
        let (at, bit) = Self::place(number);
        if is_in && self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(at) {
            *bits = if is_in { *bits | bit } else { *bits & !bit };
        }
    }

    fn each(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.0).flat_map(|(at, &bits)| {
            let set = (0..64).filter(move |bit| bits >> bit & 1 != 0);
            set.map(move |bit| at * 64 + bit)
        })
    }
}

impl Found {
    /// Whether a TCP connection is among them.
    pub fn has_tcp(&self, id: u32) -> bool {
        self.tcp.has(id)
    }

    /// Whether a UDP conversation is among them.
    pub fn has_udp(&self, id: u32) -> bool {
        self.udp.has(id)
    }

    /// Puts a TCP connection in.
    pub fn add_tcp(&mut self, id: u32) {
        self.tcp.set(id, true);
    }

    /// Puts a UDP conversation in.
    pub fn add_udp(&mut self, id: u32) {
        self.udp.set(id, true);
    }

    /// Puts a TCP connection in, or takes it out.
    pub fn set_tcp(&mut self, id: u32, is_in: bool) {
        self.tcp.set(id, is_in);
    }

    /// Puts a UDP conversation in, or takes it out.
    pub fn set_udp(&mut self, id: u32, is_in: bool) {
        self.udp.set(id, is_in);
    }

    /// The TCP connections, in order.
    pub fn tcp(&self) -> impl Iterator<Item = u32> {
        self.tcp.each()
    }

    /// The UDP conversations, in order.
    pub fn udp(&self) -> impl Iterator<Item = u32> {
        self.udp.each()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tcp().next().is_none() && self.udp().next().is_none()
    }
}

/// Which rows are shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Only these; `None` is all.
    pub only: Option<&'a Found>,
    /// Their order.
    pub sort: Sort,
    /// The other way round.
    pub reverse: bool,
    /// How many at most; `None` is all.
    pub top: Option<usize>,
}

/// The round trip between the two hosts at its shortest: that of the handshake, or both halves of
/// what was measured later if that was less. Nothing when only one half is known.
pub fn round_trip(connection: &Connection) -> Option<Span> {
    let half = |role| connection.endpoint(role).rtt.minimum();
    let later = half(Role::Client)
        .zip(half(Role::Server))
        .map(|(client, server)| client + server);
    match (connection.handshake.round_trip(), later) {
        (Some(first), Some(later)) => Some(first.min(later)),
        (first, later) => first.or(later),
    }
}

/// The smallest `top` of what is put in, by rank and then by number.
struct Best<T> {
    top: usize,
    heap: BinaryHeap<Ranked<T>>,
}

struct Ranked<T> {
    rank: u64,
    id: u32,
    item: T,
}

impl<T> Ord for Ranked<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.rank, self.id).cmp(&(other.rank, other.id))
    }
}

impl<T> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Ranked<T> {}

impl<T> Best<T> {
    fn new(top: Option<usize>) -> Self {
        Self {
            top: top.unwrap_or(usize::MAX),
            heap: BinaryHeap::new(),
        }
    }

    fn add(&mut self, rank: u64, id: u32, item: T) {
        let ranked = Ranked { rank, id, item };
        if self.heap.len() < self.top {
            self.heap.push(ranked);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && ranked < *worst
        {
            *worst = ranked;
        }
    }

    fn into_order(self) -> Vec<T> {
        let ranked = self.heap.into_sorted_vec();
        ranked.into_iter().map(|ranked| ranked.item).collect()
    }
}

/// The largest first.
const fn most(value: u64) -> u64 {
    !value
}

/// The longest first.
fn longest(span: Span) -> u64 {
    most(span.as_nanos().max(0) as u64)
}

/// The earliest first; times before 1970 are negative.
fn earliest(time: Timestamp) -> u64 {
    (time.as_nanos() as u64) ^ (1 << 63)
}

/// Picks connections, and counts all of them on the way.
pub fn connections(
    analyzer: &Analyzer,
    selection: Selection<'_>,
    end: Timestamp,
) -> (Vec<Slot>, Totals) {
    let mut best = Best::new(selection.top);
    let mut totals = Totals::default();
    let mut half_open_trouble = None;
    for (id, slot) in analyzer.connections() {
        if selection.only.is_some_and(|only| !only.has_tcp(id)) {
            continue;
        }
        let rank = match analyzer.half_open(slot) {
            // A flood of these must not be made whole to be sorted.
            Some(embryo) => {
                totals.add_half_open(embryo);
                match selection.sort {
                    // A lone SYN is as troubled as any other.
                    Sort::Trouble => *half_open_trouble.get_or_insert_with(|| {
                        let rank = analyzer.connection(slot, |view| rank(view, Sort::Trouble, end));
                        rank.unwrap_or(u64::MAX)
                    }),
                    Sort::Id => u64::from(id),
                    Sort::Start => earliest(embryo.time()),
                    Sort::Bytes => most(u64::from(embryo.wire_len())),
                    Sort::Packets => most(1),
                    Sort::Duration | Sort::Retransmissions | Sort::Rtt => most(0),
                }
            }
            None => {
                let rank = analyzer.connection(slot, |view| {
                    totals.add(view, end);
                    rank(view, selection.sort, end)
                });
                rank.unwrap_or(u64::MAX)
            }
        };
        best.add(if selection.reverse { !rank } else { rank }, id, slot);
    }
    (best.into_order(), totals)
}

fn rank(view: &ConnectionView<'_>, sort: Sort, end: Timestamp) -> u64 {
    let connection = view.connection;
    let sum = |of: fn(&crate::tcp::Figures) -> u64| {
        let of = |role| of(&connection.endpoint(role).figures);
        most(of(Role::Client) + of(Role::Server))
    };
    match sort {
        Sort::Trouble => most(trouble::score(connection, end)),
        Sort::Id => u64::from(view.id),
        Sort::Start => earliest(connection.first_time),
        Sort::Duration => longest(connection.duration()),
        Sort::Bytes => sum(|figures| figures.bytes),
        Sort::Packets => sum(|figures| figures.packets),
        Sort::Retransmissions => sum(|figures| u64::from(figures.retransmissions)),
        Sort::Rtt => longest(round_trip(connection).unwrap_or(Span::ZERO)),
    }
}

/// Picks UDP conversations. What TCP alone has leaves them in order of trouble.
pub fn conversations<'a>(
    analyzer: &'a Analyzer,
    selection: Selection<'_>,
) -> Vec<ConversationView<'a>> {
    let mut best = Best::new(selection.top);
    for conversation in analyzer.conversations() {
        if selection
            .only
            .is_some_and(|only| !only.has_udp(conversation.id))
        {
            continue;
        }
        let sum = |[client, server]: [u64; 2]| most(client + server);
        let rank = match selection.sort {
            Sort::Trouble | Sort::Retransmissions | Sort::Rtt => most(
                u64::from(conversation.icmp_errors) << 1 | u64::from(is_unanswered(&conversation)),
            ),
            Sort::Id => u64::from(conversation.id),
            Sort::Start => earliest(conversation.first),
            Sort::Duration => longest(conversation.duration()),
            Sort::Bytes => sum(conversation.bytes),
            Sort::Packets => sum(conversation.packets),
        };
        let rank = if selection.reverse { !rank } else { rank };
        best.add(rank, conversation.id, conversation);
    }
    best.into_order()
}

/// Whether only one host of a UDP conversation spoke.
pub fn is_unanswered(conversation: &Conversation) -> bool {
    conversation.packets[Role::Server as usize] == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_heap_keeps_what_sorting_would(ranks: Vec<u64>, top in 0..20_usize) {
            let mut best = Best::new(Some(top));
            for (id, &rank) in ranks.iter().enumerate() {
                best.add(rank, id as u32, (rank, id));
            }
            let mut sorted: Vec<_> = ranks.iter().copied().enumerate().map(|(id, rank)| (rank, id)).collect();
            sorted.sort_unstable();
            sorted.truncate(top);
            prop_assert_eq!(best.into_order(), sorted);
        }
    }

    #[test]
    fn times_before_1970_come_first() {
        let at = |nanos| earliest(Timestamp::from_nanos(nanos));
        assert!(at(i64::MIN) < at(-1) && at(-1) < at(0) && at(0) < at(i64::MAX));
    }
}
