//! The flows of frames that come soon, fetched step by step so that each is at hand when its
//! frame is taken in: index place, then entry, then connection, then what it points to.

use super::share::Share;
use super::tracked::{TcpFlow, Tracked};
use crate::flow::{FlowKey, FlowTable, Protocol, Slot, Socket};
use crate::frame::CapturedFrame;
use crate::prefetch::prefetch;
use crate::wire::{glance, ip};

/// Frames between the steps: memory takes about as long as taking two frames in.
const STEP: usize = 2;
const DEPTH: usize = 10;

/// What is known of frames that come soon.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    ring: [Soon; DEPTH],
    at: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Soon {
    hash: Option<u32>,
    slot: Option<Slot>,
}

impl Ahead {
    /// Takes a look at the frame's upcoming one, and goes a step further for those before it.
    #[inline]
    pub(super) fn look(
        &mut self,
        frame: &CapturedFrame<'_>,
        table: &FlowTable<Tracked>,
        share: Share,
    ) {
        let Some(glance) = glance::glance(frame.link, frame.upcoming) else {
            return;
        };
        // Others' frames take no time between the steps, so they are no step.
        if share.is_part() && !share.takes(&glance) {
            return;
        }
        let socket = |(address, port)| Socket { address, port };
        let protocol = match glance.protocol {
            ip::protocol::TCP => Protocol::Tcp,
            _ => Protocol::Udp,
        };
        let (source, destination) = (socket(glance.source), socket(glance.destination));
        let (key, _) = FlowKey::between(source, destination, protocol, 4);
        let hash = Some(table.expect(&key));
        self.at = (self.at + 1) % DEPTH;
        self.ring[self.at] = Soon { hash, slot: None };
        let back = |steps: usize| (self.at + DEPTH - steps * STEP) % DEPTH;
        let (second, third, fourth, fifth) = (back(1), back(2), back(3), back(4));
        if let Some(hash) = self.ring[second].hash {
            self.ring[second].slot = table.expect_entry(hash);
        }
        if let Some(flow) = connection(table, self.ring[third].slot) {
            prefetch(flow);
        }
        if let Some(flow) = connection(table, self.ring[fourth].slot) {
            flow.connection.prefetch();
            if let Some(watch) = &flow.watch {
                prefetch(&**watch);
            }
        }
        if let Some(flow) = connection(table, self.ring[fifth].slot) {
            flow.connection.prefetch_more();
        }
    }
}

#[inline]
fn connection(table: &FlowTable<Tracked>, slot: Option<Slot>) -> Option<&TcpFlow> {
    match &table.get(slot?)?.value {
        Tracked::Tcp(flow) => Some(flow),
        _ => None,
    }
}
