//! Fragments belong to the conversation of the datagram that they are put together to, which is
//! known once the last of them has come: found in a reading of their own.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use crate::analysis::{FlowView, FrameView, Observer};
use crate::report::Found;
use crate::wire::{Address, Transport};

/// Fragments that wait, and that were found, at most.
const MOST: usize = 1 << 20;

/// What the fragments of one datagram have in common (RFC 791, RFC 8200 section 4.5).
type Datagram = (Address, Address, u8, Option<u32>);

/// The frames of fragments whose datagrams belong to certain conversations.
#[derive(Default)]
pub(super) struct Pieces {
    of: Found,
    connection: Option<u32>,
    waiting: HashMap<Datagram, Vec<u64>>,
    count: usize,
    found: BTreeSet<u64>,
}

impl Pieces {
    pub(super) fn new(of: &Found, connection: Option<u32>) -> Self {
        Self {
            of: of.clone(),
            connection,
            ..Self::default()
        }
    }

    pub(super) fn has(&self, frame: u64) -> bool {
        self.found.contains(&frame)
    }

    fn wants(&self, flow: &FlowView<'_>) -> bool {
        match flow {
            FlowView::Tcp { view, .. } => {
                let is_it = self.connection.is_none_or(|wanted| wanted == view.id);
                is_it && self.of.has_tcp(view.id)
            }
            FlowView::Udp { conversation, .. } => {
                self.connection.is_none() && self.of.has_udp(conversation.id)
            }
            _ => false,
        }
    }
}

impl Observer for Pieces {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let Some(ip) = &view.decoded.ip else {
            return ControlFlow::Continue(());
        };
        let datagram = (ip.source, ip.destination, ip.protocol, ip.id);
        if matches!(view.decoded.transport, Transport::Fragment(_)) {
            if self.count < MOST {
                self.count += 1;
                let number = view.frame.number;
                self.waiting.entry(datagram).or_default().push(number);
            }
        } else if !self.waiting.is_empty()
            && let Some(frames) = self.waiting.remove(&datagram)
        {
            self.count -= frames.len();
            if self.wants(&view.flow) && self.found.len() < MOST {
                self.found.extend(frames);
            }
        }
        ControlFlow::Continue(())
    }
}
