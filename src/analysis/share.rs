//! Dividing one capture among analyzers that share nothing: each reads all of it, takes in the
//! flows that are its own, and in the end they become one.
//!
//! Whose a frame is follows from its addresses and ports alone, so both directions of a flow and
//! all that quotes it come to the same place. What belongs to no flow is the first one's.

use super::begun::Begun;
use super::tracked::Tracked;
use super::{Analyzer, Evicted, Options};
use crate::flow::{FlowTable, Slot};
use crate::frame::CapturedFrame;
use crate::wire::glance::{Glance, glance};
use crate::wire::{Address, Decoded, Transport};

/// Which part of a capture's flows an analyzer takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    index: u32,
    of: u32,
}

impl Share {
    /// All flows.
    pub(super) const WHOLE: Self = Self { index: 0, of: 1 };

    /// The part `index` of so many.
    pub(super) fn new(index: u32, of: u32) -> Self {
        Self {
            index,
            of: of.max(1),
        }
    }

    /// Whether there are others.
    #[inline]
    pub(super) fn is_part(self) -> bool {
        self.of > 1
    }

    /// Whether it counts what belongs to no flow.
    #[inline]
    pub(super) fn is_first(self) -> bool {
        self.index == 0
    }

    /// Whether it takes a plain frame in.
    #[inline]
    pub(super) fn takes(self, glance: &Glance) -> bool {
        let ((source, from), (destination, to)) = (glance.source, glance.destination);
        self.takes_flow(source, destination, from, to)
    }

    /// Whether it takes a decoded frame in.
    pub(super) fn takes_decoded(self, decoded: &Decoded<'_>) -> bool {
        let Some(ip) = &decoded.ip else {
            return self.is_first();
        };
        match &decoded.transport {
            Transport::Tcp(segment) => {
                let (from, to) = (segment.source_port, segment.destination_port);
                self.takes_flow(ip.source, ip.destination, from, to)
            }
            Transport::Udp(datagram) => {
                let (from, to) = (datagram.source_port, datagram.destination_port);
                self.takes_flow(ip.source, ip.destination, from, to)
            }
            Transport::Icmp(icmp) => match icmp.quoted {
                Some(quoted) if quoted.ports.is_some() => {
                    let (from, to) = quoted.ports.unwrap_or_default();
                    self.takes_flow(quoted.source, quoted.destination, from, to)
                }
                _ => self.is_first(),
            },
            _ => self.is_first(),
        }
    }

    /// The same for both directions: addresses and ports are only ever combined with each other.
    #[inline]
    fn takes_flow(self, source: Address, destination: Address, from: u16, to: u16) -> bool {
        let addresses = source.0 ^ destination.0;
        let folded = (addresses ^ addresses >> 64) as u64;
        let mixed = (folded ^ u64::from(from ^ to) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (((mixed >> 32) * u64::from(self.of)) >> 32) as u32 == self.index
    }
}

impl Analyzer {
    /// Analyzers that divide a capture among them: each is to be given all of it, and takes in the
    /// flows that are its own. [`absorb`](Self::absorb) makes them one again. They share the
    /// memory that `options` allow.
    pub fn divided(options: &Options, parts: u32) -> Vec<Self> {
        let of = parts.max(1);
        let part = Options {
            memory: options.memory / of as usize,
            max_flows: options.max_flows.div_ceil(of as usize),
            ..options.clone()
        };
        (0..of)
            .map(|index| Self {
                share: Share::new(index, of),
                ..Self::new(part.clone())
            })
            .collect()
    }

    /// Whether a frame's flow is one of those that this part of a divided analysis takes in.
    pub fn takes(&self, frame: &CapturedFrame<'_>) -> bool {
        glance(frame.link, frame.data).is_some_and(|glance| self.share.takes(&glance))
    }

    /// Takes over all that another part of the same capture has found, after both have
    /// [finished](Self::finish). Flows are numbered anew, by their first frames.
    pub fn absorb(&mut self, mut other: Self) {
        self.capture.absorb(&other.capture);
        self.quality.evidence.absorb(&other.quality.so_far());
        let Evicted {
            connections,
            half_open,
            unfinished,
            conversations,
            packets,
        } = other.evicted;
        self.evicted.connections += connections;
        self.evicted.half_open += half_open;
        self.evicted.unfinished += unfinished;
        self.evicted.conversations += conversations;
        self.evicted.packets += packets;
        self.heap += other.heap;
        self.next_tcp += other.next_tcp;
        self.next_udp += other.next_udp;
        self.options.memory += other.options.memory;
        self.options.max_flows += other.options.max_flows;
        for (is_udp, (ours, theirs)) in [false, true]
            .into_iter()
            .zip(self.begun.iter_mut().zip(&other.begun))
        {
            number(&mut self.table, theirs, is_udp);
            number(&mut other.table, ours, is_udp);
            *ours = ours.merged(theirs);
        }
        self.table.absorb(other.table);
    }
}

/// Numbers flows anew, of which there are others that began with these frames.
fn number(table: &mut FlowTable<Tracked>, others: &Begun, is_udp: bool) {
    let mut flows: Vec<(u32, Slot)> = table
        .iter()
        .filter(|(_, entry)| matches!(entry.value, Tracked::Udp(_)) == is_udp)
        .map(|(slot, entry)| (entry.value.id(), slot))
        .collect();
    flows.sort_unstable();
    let mut others = others.iter().peekable();
    let mut before = 0;
    for (id, slot) in flows {
        if let Some(entry) = table.get_mut(slot) {
            let first = entry.value.first_frame();
            while others.next_if(|&other| other < first).is_some() {
                before += 1;
            }
            entry.value.number(id + before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flow_has_one_place_whichever_way_it_goes() {
        let shares = [0, 1, 2].map(|index| Share::new(index, 3));
        let mut taken = [0; 3];
        for n in 0..3000_u16 {
            let [a, b] = n.to_be_bytes();
            let (one, two) = (Address::v4([10, 0, a, b]), Address::v4([192, 0, 2, 1]));
            let places: Vec<_> = (0..3)
                .filter(|&i| shares[i].takes_flow(one, two, 40_000 + n, 80))
                .collect();
            assert_eq!(places.len(), 1);
            assert!(shares[places[0]].takes_flow(two, one, 80, 40_000 + n));
            taken[places[0]] += 1;
        }
        assert!(
            taken.iter().all(|&count| (900..1100).contains(&count)),
            "{taken:?}"
        );
    }
}
