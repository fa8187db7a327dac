//! The flows that an analyzer keeps, for whoever reports them.

use std::collections::VecDeque;

use super::tracked::{Tracked, revive, talk_of, view_of};
use super::{Analyzer, ConnectionView, ConversationView};
use crate::flow::Slot;
use crate::flow::table::Entry;
use crate::prefetch::prefetch;
use crate::tcp::{Embryo, Pool};

/// One of several shares of what is kept, of about equal size: for a thread of its own.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Which, from 0 on.
    pub at: usize,
    /// How many there are.
    pub of: usize,
}

impl Share {
    /// All in one.
    pub const ALL: Self = Self { at: 0, of: 1 };
}

impl Analyzer {
    /// The TCP connections that are kept, by number, each with the place to ask
    /// [`connection`](Self::connection) for.
    pub fn connections(&self) -> Vec<(u32, Slot)> {
        let mut list: Vec<_> = self
            .table
            .iter()
            .filter_map(|(slot, entry)| match &entry.value {
                Tracked::Tcp(flow) => Some((flow.id, slot)),
                Tracked::HalfOpen(id, ..) => Some((*id, slot)),
                Tracked::Udp(_) => None,
            })
            .collect();
        list.sort_unstable();
        list
    }

    /// Those of them that have come to more than a SYN, for whoever looks often: a flood costs it
    /// nothing.
    pub fn lasting_connections(&self) -> Vec<(u32, Slot)> {
        let mut list: Vec<_> = self
            .table
            .iter_lasting()
            .filter_map(|(slot, entry)| match &entry.value {
                Tracked::Tcp(flow) => Some((flow.id, slot)),
                _ => None,
            })
            .collect();
        list.sort_unstable();
        list
    }

    /// How many connections and conversations are kept.
    pub fn flows(&self) -> usize {
        self.table.len()
    }

    /// The first SYN of a connection that has nothing else, for figures over millions of them
    /// without making each whole.
    pub fn half_open(&self, slot: Slot) -> Option<&Embryo> {
        match &self.table.get(slot)?.value {
            Tracked::HalfOpen(_, _, embryo) => Some(embryo),
            _ => None,
        }
    }

    /// Shows one connection. Half-open ones are made whole for the occasion.
    pub fn connection<R>(
        &self,
        slot: Slot,
        look: impl FnOnce(&ConnectionView<'_>) -> R,
    ) -> Option<R> {
        self.shown(self.table.get(slot)?, look)
    }

    /// Shows a share of the connections that are kept, or of those alone that have come to more than
    /// a SYN, in no order to rely on: for whoever looks often.
    pub fn each_connection(
        &self,
        lasting: bool,
        Share { at, of }: Share,
        mut look: impl FnMut(Slot, &ConnectionView<'_>),
    ) {
        let show = |(slot, entry): (Slot, &Entry<Tracked>)| {
            self.shown(entry, |view| look(slot, view));
        };
        match lasting {
            true => {
                let whole =
                    |(_, entry): &(_, &Entry<Tracked>)| matches!(entry.value, Tracked::Tcp(_));
                each_foreseen(self.table.iter_lasting_share(at, of).filter(whole), show);
            }
            false => each_foreseen(self.table.iter_share(at, of), show),
        }
    }

    fn shown<R>(
        &self,
        entry: &Entry<Tracked>,
        look: impl FnOnce(&ConnectionView<'_>) -> R,
    ) -> Option<R> {
        match &entry.value {
            Tracked::Tcp(flow) => Some(look(&view_of(&entry.key, flow))),
            Tracked::HalfOpen(id, client, embryo) => {
                let connection = revive(embryo, &self.options.settings, &mut Pool::default());
                Some(look(&ConnectionView {
                    id: *id,
                    sockets: [
                        entry.key.source(*client),
                        entry.key.source(client.reverse()),
                    ],
                    connection: &connection,
                }))
            }
            Tracked::Udp(_) => None,
        }
    }

    /// The place of every UDP conversation that is kept, to ask
    /// [`conversation`](Self::conversation) for.
    pub fn conversation_slots(&self) -> impl Iterator<Item = Slot> + '_ {
        let is_udp = |entry: &Entry<Tracked>| matches!(entry.value, Tracked::Udp(_));
        let all = self.table.iter();
        all.filter_map(move |(slot, entry)| is_udp(entry).then_some(slot))
    }

    /// One UDP conversation.
    pub fn conversation(&self, slot: Slot) -> Option<ConversationView<'_>> {
        match self.table.get(slot)? {
            Entry {
                key,
                value: Tracked::Udp(conversation),
                ..
            } => Some(talk_of(key, conversation)),
            _ => None,
        }
    }

    /// The UDP conversations that are kept, by number.
    pub fn conversations(&self) -> Vec<ConversationView<'_>> {
        let mut list: Vec<_> = self
            .table
            .iter()
            .filter_map(|(_, entry)| match &entry.value {
                Tracked::Udp(conversation) => Some(talk_of(&entry.key, conversation)),
                _ => None,
            })
            .collect();
        list.sort_unstable_by_key(|conversation| conversation.id);
        list
    }
}

/// Visits flows, and asks for the memory of the next ones meanwhile: each lies somewhere else, and
/// to wait for each would be most of the cost.
pub(super) fn each_foreseen<'a>(
    flows: impl Iterator<Item = (Slot, &'a Entry<Tracked>)>,
    mut visit: impl FnMut((Slot, &'a Entry<Tracked>)),
) {
    const AHEAD: usize = 4;
    let mut waiting = VecDeque::with_capacity(AHEAD + 1);
    for flow in flows {
        if let Tracked::Tcp(connection) = &flow.1.value {
            prefetch(&**connection);
        }
        waiting.push_back(flow);
        if waiting.len() > AHEAD
            && let Some(next) = waiting.pop_front()
        {
            visit(next);
        }
    }
    waiting.into_iter().for_each(visit);
}
