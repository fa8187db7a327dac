//! Which frames of one connection a filter matches: they are read again.

use core::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Before, Filter};
use crate::analysis::detail::{Ask, Failed, replay};
use crate::analysis::{Capture, FlowId, FlowView, FrameView, Observer, Places, Revisions, Settled};
use crate::frame::ReadAgain;

/// Finds the frames of a connection, or of a UDP conversation, that a filter matches.
#[derive(Debug)]
pub struct Sieve {
    filter: Arc<Filter>,
    before: Before,
}

impl Sieve {
    /// Of a filter. What the capture tells of names and of its begin is taken from `capture`; the
    /// frame before a frame is the one before in its connection.
    pub fn new(filter: Arc<Filter>, capture: &Capture) -> Self {
        Self {
            before: Before::again(&filter, capture),
            filter,
        }
    }

    /// The numbers of the frames that match, ascending. Where the filter asks for verdicts or
    /// figures the connection is read twice: to know how they end.
    ///
    /// # Errors
    /// As [`Detail::read`](crate::analysis::detail::Detail::read).
    pub fn frames(
        mut self,
        places: &Places,
        again: &mut dyn ReadAgain,
        ask: &Ask,
        stop: &AtomicBool,
    ) -> Result<Vec<u64>, Failed> {
        /// What revisions may take of the memory that is allowed.
        const SHARE: usize = 8;
        let filter = &*self.filter;
        let mut revisions = None;
        if filter.asks_for_verdicts() || filter.asks_for_figures() {
            let mut first = Revisions::new(None, ask.analysis.memory / SHARE);
            let (analyzer, _) = replay(places, again, ask, stop, &mut first)?;
            self.before.learn_figures(filter, &analyzer);
            revisions = Some(first);
        }
        let mut matching = Matching {
            flow: places.flow,
            filter,
            before: self.before,
            revisions,
            settled: Settled::default(),
            frames: Vec::new(),
        };
        replay(places, again, ask, stop, &mut matching)?;
        Ok(matching.frames)
    }
}

struct Matching<'f> {
    flow: FlowId,
    filter: &'f Filter,
    before: Before,
    revisions: Option<Revisions>,
    settled: Settled,
    frames: Vec<u64>,
}

impl Observer for Matching<'_> {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let flow = match view.flow {
            FlowView::Tcp { view, .. } => Some(FlowId::Tcp(view.id)),
            FlowView::IcmpAboutTcp(id, _) => Some(FlowId::Tcp(id)),
            FlowView::Udp { conversation, .. } => Some(FlowId::Udp(conversation.id)),
            FlowView::IcmpAboutUdp(id, _) => Some(FlowId::Udp(id)),
            FlowView::None => None,
        };
        if flow == Some(self.flow) {
            let settled = match &mut self.revisions {
                Some(revisions) => {
                    revisions.settle(view.frame.number, view.events, &mut self.settled)
                }
                None => false,
            };
            let events = match settled {
                true => self.settled.events.as_slice(),
                false => view.events,
            };
            let own = FrameView { events, ..*view };
            if self.filter.matches_frame(&own, &self.before) {
                self.frames.push(view.frame.number);
            }
        }
        self.before.note(view);
        ControlFlow::Continue(())
    }
}
