//! Any source, sent onto an interface of this host.
//!
//! ```text
//! Source ─▶ Plan: what would be sent, how long it takes
//! Source ─▶ pace (Rate) ─▶ AF_PACKET socket ─▶ interface        Sent: what was, and what failed
//! ```
//!
//! Frames go out as they are, addresses included: whoever has the other end of a cable sees them.
//! On loopback the kernel looks at them and drops them, because they are for other stations.

mod rate;
#[cfg(target_os = "linux")]
mod send;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::source::{Arrival, Source, SourceError};
use crate::time::{Span, Timestamp};
use crate::wire::{self, LinkType};

pub use rate::Rate;
#[cfg(target_os = "linux")]
pub use send::{Way, way};

/// Addresses that a plan remembers.
const MOST_ADDRESSES: usize = 10_000;

/// What would be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Frames.
    pub frames: u64,
    /// Their octets.
    pub octets: u64,
    /// Octets of the longest.
    pub longest: usize,
    /// How long it takes, but for [`Rate::Fastest`]: from the first frame to the last.
    pub duration: Option<Span>,
    /// Source and destination addresses of the IP packets in them, up to 10,000.
    pub addresses: BTreeSet<IpAddr>,
    /// Whether there are more addresses than those.
    pub more_addresses: bool,
    /// Frames that don't begin with an Ethernet header: they can't be sent.
    pub foreign: u64,
}

impl Plan {
    /// Lets a source run through, until its end or until `stop` becomes true.
    ///
    /// # Errors
    /// When the source can't be read.
    pub fn of(source: &mut dyn Source, rate: Rate, stop: &AtomicBool) -> Result<Self, SourceError> {
        let (mut plan, mut first, mut last) = (Self::default(), None::<Timestamp>, Span::ZERO);
        source.run(&mut |arrival| {
            let Arrival::Frame(frame) = arrival else {
                return ControlFlow::Continue(());
            };
            let since = frame.time - *first.get_or_insert(frame.time);
            last = last.max(rate.due(since, plan.frames, plan.octets));
            plan.frames += 1;
            plan.octets += frame.data.len() as u64;
            plan.longest = plan.longest.max(frame.data.len());
            plan.foreign += u64::from(frame.link != LinkType::ETHERNET);
            let decoded = wire::decode(frame.link, frame.data, frame.wire_len);
            for address in decoded.ip.iter().flat_map(|ip| [ip.source, ip.destination]) {
                if plan.addresses.len() < MOST_ADDRESSES {
                    plan.addresses.insert(address.to_ip());
                } else {
                    plan.more_addresses |= !plan.addresses.contains(&address.to_ip());
                }
            }
            if stop.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        plan.duration = (rate != Rate::Fastest).then_some(last);
        Ok(plan)
    }
}

/// What was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Frames.
    pub frames: u64,
    /// Their octets.
    pub octets: u64,
    /// From the first frame to the last.
    pub took: Span,
    /// How much later than due the latest was sent.
    pub latest: Span,
    /// Frames that the kernel did not take, by its reason.
    pub refused: BTreeMap<String, u64>,
    /// Why it ended early, if it did: nothing more can be sent onto the interface.
    pub failure: Option<String>,
    /// It was asked to stop before the end.
    pub stopped: bool,
}

impl Sent {
    /// Whether every frame was sent.
    pub fn is_whole(&self) -> bool {
        self.refused.is_empty() && self.failure.is_none() && !self.stopped
    }
}
