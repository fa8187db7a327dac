//! What is let go to stay within memory, and in which order: young flows before those that are
//! over, and these before all that go on. Whoever floods makes young flows, so a flood lets its
//! own go.

use std::collections::VecDeque;

use super::quality::Quality;
use super::tracked::{TcpFlow, Tracked};
use super::{Analyzer, Conversation, Observer};
use crate::flow::{FlowTable, Slot};
use crate::tcp::{Connection, Role};
use crate::time::{Span, Timestamp};

/// What was let go to stay within memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// TCP connections whose figures are gone.
    pub connections: u64,
    /// … of them half-open: a SYN and nothing else.
    pub half_open: u64,
    /// UDP conversations whose figures are gone.
    pub conversations: u64,
    /// Packets they had.
    pub packets: u64,
}

/// Who may be let go before others, in the order in which that came about.
#[derive(Debug, Default)]
pub(super) struct Queues {
    young: Queue,
    over: Queue,
    /// Flows that are young.
    young_flows: usize,
}

/// Flows by slot, each with the lower half of its first frame's number: a slot may have another
/// flow since. Those that no longer belong here are passed over.
#[derive(Debug, Default)]
struct Queue(VecDeque<(u32, Slot)>);

impl Queue {
    /// Adds a flow, of whose kind there are about `count`.
    fn push(
        &mut self,
        slot: Slot,
        table: &FlowTable<Tracked>,
        count: usize,
        belongs: fn(&Tracked) -> bool,
    ) {
        /// So few are not worth looking through.
        const FEW: usize = 1024;
        if self.0.len() >= 2 * count + FEW {
            self.0
                .retain(|&each| flow_of(each, table).is_some_and(belongs));
        }
        if let Some(entry) = table.get(slot) {
            self.0.push_back((entry.value.first_frame() as u32, slot));
        }
    }

    /// The first that belongs here and is not `kept`.
    fn first<'t>(
        &mut self,
        table: &'t FlowTable<Tracked>,
        kept: Option<Slot>,
        belongs: fn(&Tracked) -> bool,
    ) -> Option<(Slot, &'t Tracked)> {
        let mut is_kept_here = None;
        while let Some(&each) = self.0.front() {
            match flow_of(each, table) {
                Some(flow) if belongs(flow) && Some(each.1) != kept => {
                    self.0.extend(is_kept_here);
                    return Some((each.1, flow));
                }
                Some(flow) if belongs(flow) => is_kept_here = Some(each),
                _ => {}
            }
            self.0.pop_front();
        }
        self.0.extend(is_kept_here);
        None
    }

    /// Fetches what it takes to remove those that are next but a few.
    #[inline]
    fn fetch(&self, table: &FlowTable<Tracked>) {
        /// In about this many steps memory comes.
        const STEP: usize = 4;
        if let Some(&(_, slot)) = self.0.get(2 * STEP) {
            table.fetch(slot);
        }
        if let Some(&(_, slot)) = self.0.get(STEP)
            && let Some(entry) = table.get(slot)
        {
            table.expect(&entry.key);
        }
    }

    fn memory(&self) -> usize {
        self.0.capacity() * size_of::<(u32, Slot)>()
    }

    /// Bytes that one more will take: those of the larger queue that is filled from this one.
    fn due(&self) -> usize {
        if self.0.len() < self.0.capacity() {
            0
        } else {
            2 * self.memory()
        }
    }
}

fn flow_of((frame, slot): (u32, Slot), table: &FlowTable<Tracked>) -> Option<&Tracked> {
    let flow = &table.get(slot)?.value;
    (flow.first_frame() as u32 == frame).then_some(flow)
}

impl Queues {
    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.young.memory() + self.over.memory()
    }

    /// Bytes that one more flow will take.
    fn due(&self) -> usize {
        self.young.due() + self.over.due()
    }

    /// A flow has begun.
    pub(super) fn begins(&mut self, slot: Slot, table: &FlowTable<Tracked>) {
        if table.get(slot).is_some_and(|entry| entry.value.is_young()) {
            self.young_flows += 1;
            let count = self.young_flows;
            self.young.push(slot, table, count, Tracked::is_young);
        }
    }

    /// A flow is young no longer.
    pub(super) fn lasts(&mut self) {
        self.young_flows = self.young_flows.saturating_sub(1);
    }

    /// A connection is over.
    pub(super) fn over(&mut self, slot: Slot, table: &FlowTable<Tracked>) {
        self.over.push(slot, table, table.len(), Tracked::is_over);
    }
}

impl Tracked {
    /// Whether it may yet come to nothing.
    fn is_young(&self) -> bool {
        match self {
            Self::HalfOpen(..) => true,
            Self::Tcp(flow) => flow.is_young,
            Self::Udp(conversation) => is_young_talk(conversation),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self, Self::Tcp(flow) if flow.connection.is_over())
    }

    fn began(&self) -> Timestamp {
        match self {
            Self::HalfOpen(_, _, embryo) => embryo.time(),
            Self::Tcp(flow) => flow.connection.first_time,
            Self::Udp(conversation) => conversation.first,
        }
    }
}

/// One host has spoken, and so little that anybody can have done it in its name.
const LITTLE: u64 = 4;

/// Whether a connection may yet come to nothing. An answered SYN is no more than a SYN, until its
/// sender has been heard of again.
pub(super) fn is_young(connection: &Connection) -> bool {
    let [client, server] = Role::BOTH.map(|role| connection.endpoint(role).figures.packets);
    connection.handshake.ack.is_none()
        && match client.min(server) {
            0 => client.max(server) < LITTLE,
            least => least < 2,
        }
}

pub(super) fn is_young_talk(conversation: &Conversation) -> bool {
    let [one, other] = conversation.packets;
    one.min(other) == 0 && one.max(other) < LITTLE
}

impl Analyzer {
    /// Bytes of memory in use, as counted.
    pub fn memory(&self) -> usize {
        let begun = self.begun.iter().map(|begun| begun.memory()).sum::<usize>();
        self.table.memory() + self.heap + self.defragmenter.held() + self.queues.memory() + begun
    }

    /// Lets flows go until there is room for one more.
    #[inline]
    pub(super) fn make_room<O: Observer + ?Sized>(
        &mut self,
        is_young: bool,
        now: Timestamp,
        observer: &mut O,
    ) {
        let is_full = |this: &Self| {
            let due = this.table.due(is_young) + this.queues.due();
            this.memory() + due > this.options.memory || this.table.len() >= this.options.max_flows
        };
        while is_full(self) && self.evict(None, now, observer) {}
    }

    /// Lets flows go until memory suffices for those there are, of which one is spared.
    #[inline]
    pub(super) fn shrink<O: Observer + ?Sized>(
        &mut self,
        spared: Slot,
        now: Timestamp,
        observer: &mut O,
    ) {
        while self.memory() > self.options.memory && self.evict(Some(spared), now, observer) {}
    }

    fn least(&mut self, spared: Option<Slot>, now: Timestamp) -> Option<Slot> {
        /// Hosts that answer do so sooner.
        const PATIENCE: Span = Span::from_secs(3);
        const SAMPLE: usize = 16;
        let Queues {
            young,
            over,
            young_flows,
        } = &mut self.queues;
        let is_flood = *young_flows * 2 > self.table.len();
        if is_flood {
            young.fetch(&self.table);
        }
        let young = young.first(&self.table, spared, Tracked::is_young);
        if let Some((slot, flow)) = young
            && (is_flood || now - flow.began() > PATIENCE)
        {
            return Some(slot);
        }
        let over = over.first(&self.table, spared, Tracked::is_over);
        if let Some((slot, _)) = over.or(young) {
            return Some(slot);
        }
        self.table
            .least_worth(SAMPLE, |slot, entry| {
                let (rank, last) = match &entry.value {
                    Tracked::HalfOpen(_, _, embryo) => (0, embryo.time()),
                    Tracked::Udp(conversation) => (1, conversation.last),
                    Tracked::Tcp(flow) => (2, flow.connection.last_time),
                };
                (Some(slot) == spared, rank, last)
            })
            .filter(|&slot| Some(slot) != spared)
    }

    /// Lets a flow go: young ones while they are most or have waited long, those that are over,
    /// other young ones, and then the one that was silent longest (among a sample). Says whether
    /// there may be more.
    #[cold]
    fn evict<O: Observer + ?Sized>(
        &mut self,
        spared: Option<Slot>,
        now: Timestamp,
        observer: &mut O,
    ) -> bool {
        let Some(slot) = self.least(spared, now) else {
            return false;
        };
        self.end(slot, observer);
        let Some(entry) = self.table.remove(slot) else {
            return false;
        };
        if entry.value.is_young() {
            self.queues.lasts();
        }
        match entry.value {
            Tracked::HalfOpen(..) => {
                self.evicted.connections += 1;
                self.evicted.half_open += 1;
                self.evicted.packets += 1;
            }
            Tracked::Tcp(flow) => {
                Quality::connection(&mut self.quality.evidence, &entry.key, &flow);
                self.heap -= TcpFlow::OWN + flow.counted;
                self.evicted.connections += 1;
                self.evicted.packets += Role::BOTH
                    .iter()
                    .map(|&role| flow.connection.endpoint(role).figures.packets)
                    .sum::<u64>();
            }
            Tracked::Udp(conversation) => {
                self.evicted.conversations += 1;
                self.evicted.packets += conversation.packets.iter().sum::<u64>();
            }
        }
        // What is left when nothing is tracked (the index) can't be let go.
        !self.table.is_empty()
    }
}
