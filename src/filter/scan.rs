//! Which connections have a frame that a filter matches: found while a capture is read.

use core::ops::{ControlFlow, Deref};

pub use crate::report::select::Found;

use super::{Before, Filter, Needs};
use crate::analysis::{Analyzer, FlowView, FrameView, Observer, Revisions, Settled};
use crate::report::field::{Row, UdpRow};
use crate::source::Arrival;

/// An observer that finds the connections with a matching frame.
///
/// # Examples
/// ```
/// use tcplens::analysis::{Analyzer, Options};
/// use tcplens::filter::{Before, Filter, Scan, chosen};
/// use tcplens::source::{self, OpenOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/shop.pcapng");
/// let filter = Filter::parse("tcp.payload contains \"GET\"")?;
/// let mut scan = Scan::new(&filter, Before::new(&filter), None);
/// let mut analyzer = Analyzer::new(Options::default());
/// source::open(&[file], &OpenOptions::default())?
///     .run(&mut |arrival| analyzer.arrive(arrival, &mut scan))?;
/// analyzer.finish(&mut scan);
/// let chosen = chosen(&filter, &analyzer, &scan.into_found());
/// assert_eq!((0..11).filter(|&id| chosen.has_tcp(id)).count(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Scan<F> {
    filter: F,
    before: Before,
    revisions: Option<Revisions>,
    settled: Settled,
    found: Found,
}

impl<F: Deref<Target = Filter>> Scan<F> {
    /// Of a filter. With `revisions` of a first reading, verdicts are final; with a `before` that
    /// has [learned](Before::learn) from one, figures of connections are.
    pub fn new(filter: F, before: Before, revisions: Option<Revisions>) -> Self {
        Self {
            filter,
            before,
            revisions,
            settled: Settled::default(),
            found: Found::default(),
        }
    }

    /// What was found so far.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// The same, to add what is known otherwise.
    pub fn found_mut(&mut self) -> &mut Found {
        &mut self.found
    }

    /// What was found.
    pub fn into_found(self) -> Found {
        self.found
    }
}

impl<F: Deref<Target = Filter>> Observer for Scan<F> {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let known = match view.flow {
            FlowView::Tcp { view, .. } => self.found.has_tcp(view.id),
            FlowView::IcmpAboutTcp(id, _) => self.found.has_tcp(id),
            FlowView::Udp { conversation, .. } => self.found.has_udp(conversation.id),
            FlowView::IcmpAboutUdp(id, _) => self.found.has_udp(id),
            FlowView::None => true,
        };
        if !known {
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
            let matches = self
                .filter
                .matches_frame(&FrameView { events, ..*view }, &self.before);
            match view.flow {
                _ if !matches => {}
                FlowView::Tcp { view, .. } => self.found.add_tcp(view.id),
                FlowView::IcmpAboutTcp(id, _) => self.found.add_tcp(id),
                FlowView::Udp { conversation, .. } => self.found.add_udp(conversation.id),
                FlowView::IcmpAboutUdp(id, _) => self.found.add_udp(id),
                FlowView::None => {}
            }
        }
        self.before.note(view);
        ControlFlow::Continue(())
    }

    fn aside(&mut self, arrival: &Arrival<'_>) {
        self.before.aside(arrival);
    }
}

/// The connections and conversations that a filter matches, after a capture was read: by their
/// figures, and where these do not tell by what a [`Scan`] has found.
pub fn chosen(filter: &Filter, analyzer: &Analyzer, found: &Found) -> Found {
    let capture = analyzer.capture();
    let end = capture.now.or(capture.last).unwrap_or_default();
    let names = &capture.names;
    let mut chosen = match filter.needs() {
        Needs::Connection => Found::default(),
        // Those that were let go are known by their frames alone.
        Needs::Frames => found.clone(),
    };
    for (id, slot) in analyzer.connections() {
        let matches = analyzer.connection(slot, |view| {
            filter.matches_connection(&Row { view, end, names }, found)
        });
        chosen.set_tcp(id, matches == Some(true));
    }
    for conversation in analyzer.conversations() {
        let row = UdpRow {
            conversation,
            names,
        };
        chosen.set_udp(conversation.id, filter.matches_conversation(&row, found));
    }
    chosen
}
