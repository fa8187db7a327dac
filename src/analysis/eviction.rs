//! What is let go to stay within memory, and in which order: young flows while they are most or
//! have waited long, what was silent for long, connections that are over, other young flows, and
//! then those that go on. Whoever floods makes young flows, so a flood lets its own go.

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
    /// … of them not over.
    pub unfinished: u64,
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
    /// All that lasted, to be looked at in turn: nothing tells when a conversation is over, nor that
    /// a host went away.
    lasting: Queue,
    /// Flows that are young.
    young_flows: usize,
}

/// Flows by slot, each with the lower half of its first frame's number: a slot may have another
/// flow since.
#[derive(Debug, Default)]
struct Queue(VecDeque<(u32, Slot)>);

/// What becomes of a flow whose turn it is in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It may be let go.
    Now,
    /// Not yet.
    Later,
    /// It belongs here no longer.
    Never,
}

impl Queue {
    /// Adds a flow, of whose kind there are about `count`.
    fn push(
        &mut self,
        slot: Slot,
        table: &FlowTable<Tracked>,
        count: usize,
        turn: impl Fn(&Tracked) -> Turn,
    ) {
        /// So few are not worth looking through.
        const FEW: usize = 1024;
        if self.0.len() >= 2 * count + FEW {
            let belongs = |flow: &Tracked| turn(flow) != Turn::Never;
            self.0
                .retain(|&each| flow_of(each, table).is_some_and(belongs));
        }
        if let Some(entry) = table.get(slot) {
            self.0.push_back((entry.value.first_frame() as u32, slot));
        }
    }

    /// The first whose turn it is and that is not spared. It stays until it is gone.
    fn first<'t>(
        &mut self,
        table: &'t FlowTable<Tracked>,
        spared: Option<Slot>,
        turn: impl Fn(&Tracked) -> Turn,
    ) -> Option<(Slot, &'t Tracked)> {
        /// So many are put back before others are let go instead.
        const TRIES: usize = 2;
        let mut tries = 0;
        while tries < TRIES {
            let each = *self.0.front()?;
            let flow = flow_of(each, table);
            match (flow.map_or(Turn::Never, &turn), flow) {
                (Turn::Now, Some(flow)) if Some(each.1) != spared => return Some((each.1, flow)),
                (Turn::Never, _) | (_, None) => {}
                _ => {
                    self.0.push_back(each);
                    tries += 1;
                }
            }
            self.0.pop_front();
        }
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
        self.young.memory() + self.over.memory() + self.lasting.memory()
    }

    /// Bytes that one more flow will take.
    fn due(&self) -> usize {
        self.young.due() + self.over.due() + self.lasting.due()
    }

    /// A flow has begun.
    pub(super) fn begins(&mut self, slot: Slot, table: &FlowTable<Tracked>) {
        self.young_flows += 1;
        self.young
            .push(slot, table, self.young_flows, Tracked::while_young);
    }

    /// A flow is young no longer.
    pub(super) fn ages(&mut self) {
        self.young_flows = self.young_flows.saturating_sub(1);
    }

    /// A flow has lasted.
    pub(super) fn lasts(&mut self, slot: Slot, table: &FlowTable<Tracked>) {
        // Any time will do: this is about those that do not belong there.
        let turn = |flow: &Tracked| flow.while_lasting(Timestamp::default());
        self.lasting.push(slot, table, table.len(), turn);
    }

    /// A connection is over.
    pub(super) fn over(&mut self, slot: Slot, table: &FlowTable<Tracked>) {
        self.over.push(slot, table, table.len(), Tracked::when_over);
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

    fn while_young(&self) -> Turn {
        if self.is_young() {
            Turn::Now
        } else {
            Turn::Never
        }
    }

    fn when_over(&self) -> Turn {
        if self.is_over() {
            Turn::Now
        } else {
            Turn::Never
        }
    }

    fn while_lasting(&self, now: Timestamp) -> Turn {
        /// Silent for longer, a conversation has most likely ended (Linux's connection tracking
        /// forgets it then) …
        const CONVERSATION: Span = Span::from_secs(30);
        /// … and a connection most likely lost a host.
        const CONNECTION: Span = Span::from_secs(600);
        let is_silent = match self {
            Self::Udp(conversation) => now - conversation.last > CONVERSATION,
            Self::Tcp(flow) if !self.is_over() => now - flow.connection.last_time > CONNECTION,
            _ => return Turn::Never,
        };
        if is_silent { Turn::Now } else { Turn::Later }
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
            lasting,
            young_flows,
        } = &mut self.queues;
        let is_flood = *young_flows * 2 > self.table.len();
        if is_flood {
            young.fetch(&self.table);
        }
        let young = young.first(&self.table, spared, Tracked::while_young);
        if let Some((slot, flow)) = young
            && (is_flood || now - flow.began() > PATIENCE)
        {
            return Some(slot);
        }
        let silent = lasting.first(&self.table, spared, |flow| flow.while_lasting(now));
        if let Some((slot, _)) = silent {
            return Some(slot);
        }
        let over = over.first(&self.table, spared, Tracked::when_over);
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

    /// Lets a flow go: of those that go on the one that was silent longest (among a sample). Says
    /// whether there may be more.
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
            self.queues.ages();
        }
        match entry.value {
            Tracked::HalfOpen(..) => {
                self.evicted.connections += 1;
                self.evicted.half_open += 1;
                self.evicted.unfinished += 1;
                self.evicted.packets += 1;
            }
            Tracked::Tcp(flow) => {
                Quality::connection(&mut self.quality.evidence, &entry.key, &flow);
                self.heap -= TcpFlow::OWN + flow.counted;
                self.evicted.connections += 1;
                self.evicted.unfinished += u64::from(!flow.connection.is_over());
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
