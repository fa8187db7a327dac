//! One connection in full: what happened on it, kept while its frames go by.

use core::ops::ControlFlow;

use super::{FlowView, FrameView, Observer};
use crate::tcp::verdict::{Need, Trigger};
use crate::tcp::{Event, Kind, Role, What};
use crate::time::Timestamp;
use crate::wire::icmp::error_words;
use crate::wire::{Transport, Tunnel};

/// State changes kept at most: a connection has a dozen; more only when somebody plays with it.
const MOST_CHANGES: usize = 10_000;

/// Retransmissions of one endpoint that share a trigger, by whether they were needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByNeed {
    /// No copy had reached the receiver.
    pub needed: u64,
    /// A copy had.
    pub spurious: u64,
    /// It does not show.
    pub unknown: u64,
}

impl ByNeed {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.needed + self.spurious + self.unknown
    }
}

/// An ICMP error about a packet of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Its frame.
    pub frame: u64,
    /// Its capture time.
    pub time: Timestamp,
    /// Who had sent the packet it is about.
    pub about: Role,
    /// What it says.
    pub words: &'static str,
}

/// An observer of one connection.
#[derive(Clone, Debug)]
pub struct CloseUp {
    wanted: u32,
    limit: usize,
    /// State changes, in order.
    pub timeline: Vec<Event>,
    /// Everything else that happened, in order.
    pub events: Vec<Event>,
    /// Events beyond the limit.
    pub events_dropped: u64,
    /// ICMP errors about it.
    pub icmp: Vec<IcmpError>,
    /// VLAN identifiers of its first frame, outermost first.
    pub vlans: Vec<u16>,
    /// The tunnel of its first frame.
    pub tunnel: Option<Tunnel>,
    /// Its last frame.
    pub last_frame: u64,
    /// Frames it had; 0 is: no such connection.
    pub frames: u64,
    /// Retransmissions by sender and trigger; the last trigger is "unknown".
    retransmissions: [[ByNeed; TRIGGERS + 1]; 2],
}

const TRIGGERS: usize = Trigger::ALL.len();

impl CloseUp {
    /// Of connection `wanted`, with `limit` events kept at most.
    pub fn new(wanted: u32, limit: usize) -> Self {
        Self {
            wanted,
            limit,
            timeline: Vec::new(),
            events: Vec::new(),
            events_dropped: 0,
            icmp: Vec::new(),
            vlans: Vec::new(),
            tunnel: None,
            last_frame: 0,
            frames: 0,
            retransmissions: Default::default(),
        }
    }

    /// The number of the connection.
    pub fn wanted(&self) -> u32 {
        self.wanted
    }

    /// The retransmissions of one endpoint by trigger (`None` is unknown), those that occur.
    pub fn retransmissions(
        &self,
        from: Role,
    ) -> impl Iterator<Item = (Option<Trigger>, ByNeed)> + '_ {
        let names = Trigger::ALL.into_iter().map(Some).chain([None]);
        let counts = self
            .retransmissions
            .get(from as usize)
            .into_iter()
            .flatten();
        names
            .zip(counts.copied())
            .filter(|(_, counts)| counts.total() > 0)
    }

    fn take(&mut self, event: &Event) {
        if let What::Verdict(verdict) = &event.what
            && verdict.kind == Kind::Retransmission
        {
            let place = Trigger::ALL
                .iter()
                .position(|&trigger| Some(trigger) == verdict.trigger)
                .unwrap_or(TRIGGERS);
            let counts = self
                .retransmissions
                .get_mut(event.from as usize)
                .and_then(|triggers| triggers.get_mut(place));
            if let Some(counts) = counts {
                match verdict.need {
                    Some(Need::Needed) => counts.needed += 1,
                    Some(Need::Spurious) => counts.spurious += 1,
                    None => counts.unknown += 1,
                }
            }
        }
        let (list, limit) = match event.what {
            What::State { .. } => (&mut self.timeline, MOST_CHANGES),
            _ => (&mut self.events, self.limit),
        };
        if list.len() < limit {
            list.push(*event);
        } else {
            self.events_dropped += 1;
        }
    }
}

impl Observer for CloseUp {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        match view.flow {
            FlowView::Tcp { view: flow, .. } if flow.id == self.wanted => {
                if self.frames == 0 {
                    let kept = usize::from(view.decoded.vlan_count);
                    self.vlans = view.decoded.vlans.iter().copied().take(kept).collect();
                    self.tunnel = view.decoded.tunnel;
                }
                self.frames += 1;
                self.last_frame = view.frame.number;
                for event in view.events {
                    self.take(event);
                }
            }
            FlowView::IcmpAboutTcp(id, about) if id == self.wanted => {
                if let Transport::Icmp(icmp) = &view.decoded.transport
                    && self.icmp.len() < self.limit
                {
                    self.icmp.push(IcmpError {
                        frame: view.frame.number,
                        time: view.frame.time,
                        about,
                        words: error_words(icmp.version, icmp.kind, icmp.code)
                            .unwrap_or("ICMP error"),
                    });
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn late(&mut self, connection: u32, events: &[Event]) {
        if connection == self.wanted {
            for event in events {
                self.take(event);
            }
        }
    }
}
