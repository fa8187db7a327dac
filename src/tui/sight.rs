//! What a filter finds in frames that are not in a file which could be read from its beginning
//! again: those of an interface, of a pipe, of a file that still grows. From when it is put in force
//! each frame is looked at as it passes; those before are read again from where they are kept.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::analysis::frame_index::{Cursor, Stretch};
use crate::analysis::{
    Analyzer, Capture, FlowId, FrameIndex, FrameView, Observer, Options, Revisions, Share,
};
use crate::filter::{Before, Filter, Found, Scan};
use crate::source::{Arrival, Reread};

/// A filter that looks at frames as they pass.
pub(super) struct Sight {
    /// The choice it is for.
    pub(super) number: u64,
    scan: Scan<Arc<Filter>>,
    /// Ends the reading of earlier frames.
    stop: Arc<AtomicBool>,
}

impl Sight {
    /// From now on.
    pub(super) fn new(number: u64, filter: Arc<Filter>, capture: &Capture) -> Self {
        let before = Before::amid(&filter, capture);
        Self {
            number,
            scan: Scan::new(filter, before, None),
            stop: Arc::default(),
        }
    }

    /// What it has found.
    pub(super) fn found(&self) -> &Found {
        self.scan.found()
    }

    /// A frame that passes.
    pub(super) fn frame(&mut self, view: &FrameView<'_>) {
        let _ = self.scan.frame(view);
    }

    /// What is no frame.
    pub(super) fn aside(&mut self, arrival: &Arrival<'_>) {
        self.scan.aside(arrival);
    }

    /// What it takes to look at the frames before.
    pub(super) fn past(
        &self,
        filter: Arc<Filter>,
        options: Options,
        stretch: Stretch,
        reread: Reread,
    ) -> Past {
        Past {
            number: self.number,
            filter,
            options,
            stretch,
            reread,
            stop: Arc::clone(&self.stop),
        }
    }

    /// Takes in what was found among the frames before.
    pub(super) fn recall(&mut self, recalled: &Recalled, analyzer: &Analyzer, index: &FrameIndex) {
        if recalled.tcp.is_empty() && recalled.udp.is_empty() {
            return;
        }
        // A flow is known by the first of its frames that is still kept.
        let kept = |flow, first: u64| match first >= recalled.from {
            true => Some(first),
            false => {
                let mut numbers = index.numbers(flow, u64::MAX)?;
                numbers.find(|&number| number >= recalled.from)
            }
        };
        let found = self.scan.found_mut();
        analyzer.each_connection(false, Share::ALL, |_, view| {
            let first = kept(FlowId::Tcp(view.id), view.connection.first_frame);
            if first.is_some_and(|first| recalled.tcp.contains(&first)) {
                found.add_tcp(view.id);
            }
        });
        for slot in analyzer.conversation_slots() {
            let Some(conversation) = analyzer.conversation(slot) else {
                continue;
            };
            let first = kept(FlowId::Udp(conversation.id), conversation.first_frame);
            if first.is_some_and(|first| recalled.udp.contains(&first)) {
                found.add_udp(conversation.id);
            }
        }
    }
}

impl Drop for Sight {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Frames that passed before a filter was put in force.
pub(super) struct Past {
    number: u64,
    filter: Arc<Filter>,
    options: Options,
    stretch: Stretch,
    reread: Reread,
    stop: Arc<AtomicBool>,
}

/// The flows with a matching frame, each by the first of its frames that was read.
#[derive(Debug, Default)]
pub(super) struct Recalled {
    /// The choice it is for.
    pub(super) number: u64,
    /// Number of the first frame that is still kept; 0 where there is none.
    pub(super) from: u64,
    tcp: HashSet<u64>,
    udp: HashSet<u64>,
}

impl Past {
    /// Reads them. Where the filter asks for verdicts or figures, once more before: to know how
    /// they end. Nothing where another filter is in force by then.
    pub(super) fn recall(mut self) -> Option<Recalled> {
        /// What revisions may take of the memory that is allowed.
        const SHARE: usize = 8;
        let filter = Arc::clone(&self.filter);
        let mut before = Before::new(&filter);
        let revisions = (filter.asks_for_verdicts() || filter.asks_for_figures()).then(|| {
            let mut revisions = Revisions::new(None, self.options.memory / SHARE);
            let (first, _) = self.read(&mut revisions);
            before.learn(&filter, &first);
            revisions
        });
        let mut scan = Scan::new(&*filter, before, revisions);
        let (analyzer, from) = self.read(&mut scan);
        let found = scan.into_found();
        let mut recalled = Recalled {
            number: self.number,
            from,
            ..Recalled::default()
        };
        analyzer.each_connection(false, Share::ALL, |_, view| {
            if found.has_tcp(view.id) {
                recalled.tcp.insert(view.connection.first_frame);
            }
        });
        for conversation in analyzer.conversations() {
            if found.has_udp(conversation.id) {
                recalled.udp.insert(conversation.first_frame);
            }
        }
        (!self.stop.load(Ordering::Relaxed)).then_some(recalled)
    }

    /// Reads what is still kept, and tells its first frame.
    fn read<O: Observer>(&mut self, observer: &mut O) -> (Analyzer, u64) {
        let mut analyzer = Analyzer::new(self.options.clone());
        let (first, last) = self.stretch.span().unwrap_or((1, 0));
        let mut cursor = Cursor::default();
        let mut from = 0;
        for number in first..=last {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            // Of a file that turns the oldest are gone.
            if let Ok(frame) = self.stretch.frame(number, &mut cursor, &mut self.reread) {
                if from == 0 {
                    from = number;
                }
                let _ = analyzer.arrive(Arrival::Frame(frame), observer);
            }
        }
        analyzer.finish(observer);
        (analyzer, from)
    }
}
