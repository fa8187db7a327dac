//! What verdicts became: gathered in a first reading of a capture, told in a second.

use core::ops::ControlFlow;

use super::{FlowView, FrameView, Observer};
use crate::tcp::{Event, Kind, Rule, Verdict, What};

/// A revision, kept small: what the verdict had been shows in the second reading.
#[derive(Clone, Copy, Debug)]
struct Revision {
    frame: u64,
    by: u64,
    kind: Kind,
    rule: Rule,
    after: Verdict,
}

/// An observer that keeps the revisions of verdicts, to tell final ones in another reading.
#[derive(Clone, Debug)]
pub struct Revisions {
    connection: Option<u32>,
    most: usize,
    kept: Vec<Revision>,
    dropped: u64,
    sorted: bool,
}

/// An earlier form of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Was {
    /// Where the verdict stands now among the events.
    pub event: usize,
    /// The frame that revised it; 0 for what was left when tracking ended.
    pub by: u64,
    /// What had been said.
    pub verdict: Verdict,
}

/// The events of a frame with their final verdicts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// The events; revisions are in the verdicts.
    pub events: Vec<Event>,
    /// What those verdicts had been, the first first.
    pub history: Vec<Was>,
}

impl Revisions {
    /// Of all connections or of one, within so many bytes of memory.
    pub fn new(connection: Option<u32>, memory: usize) -> Self {
        Self {
            connection,
            most: memory / size_of::<Revision>(),
            kept: Vec::new(),
            dropped: 0,
            sorted: true,
        }
    }

    /// Revisions that were too many to keep: their frames show an earlier verdict.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn take(&mut self, events: &[Event]) {
        for event in events {
            let What::Revised {
                frame,
                before,
                after,
                ..
            } = event.what
            else {
                continue;
            };
            if self.kept.len() >= self.most {
                self.dropped += 1;
                continue;
            }
            self.sorted = false;
            self.kept.push(Revision {
                frame,
                by: event.frame,
                kind: before.kind,
                rule: before.rule,
                after,
            });
        }
    }

    /// Puts the final verdicts of a frame into `settled`. False when its events stay as they are.
    ///
    /// # Examples
    /// A capture that is read twice:
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use tcplens::analysis::{Analyzer, FrameView, Observer, Options, Revisions, Settled};
    /// use tcplens::source::{self, OpenOptions};
    ///
    /// struct Printer(Revisions, Settled);
    ///
    /// impl Observer for Printer {
    ///     fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
    ///         let Self(revisions, settled) = self;
    ///         let events = match revisions.settle(view.frame.number, view.events, settled) {
    ///             true => settled.events.as_slice(),
    ///             false => view.events,
    ///         };
    ///         println!("{} {events:?}", view.frame.number);
    ///         ControlFlow::Continue(())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/half-close.pcap");
    /// let mut revisions = Revisions::new(None, 64 << 20);
    /// let mut analyzer = Analyzer::new(Options::default());
    /// source::open(&[file], &OpenOptions::default())?
    ///     .run(&mut |arrival| analyzer.arrive(arrival, &mut revisions))?;
    /// analyzer.finish(&mut revisions);
    ///
    /// let mut printer = Printer(revisions, Settled::default());
    /// let mut analyzer = Analyzer::new(Options::default());
    /// source::open(&[file], &OpenOptions::default())?
    ///     .run(&mut |arrival| analyzer.arrive(arrival, &mut printer))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn settle(&mut self, frame: u64, events: &[Event], settled: &mut Settled) -> bool {
        if !self.sorted {
            // Stable: those of one frame stay in the order in which they came.
            self.kept.sort_by_key(|revision| revision.frame);
            self.sorted = true;
        }
        let start = self.kept.partition_point(|revision| revision.frame < frame);
        let own = self.kept.get(start..).unwrap_or_default();
        let own = own.iter().take_while(|revision| revision.frame == frame);
        let brings = |event: &Event| matches!(event.what, What::Revised { .. });
        if own.clone().next().is_none() && !events.iter().any(brings) {
            return false;
        }
        settled.history.clear();
        settled.events.clear();
        let told = events.iter().filter(|event| !brings(event));
        settled.events.extend(told);
        for revision in own {
            let place = settled.events.iter().position(|event| {
                matches!(event.what, What::Verdict(verdict)
                    if (verdict.kind, verdict.rule) == (revision.kind, revision.rule))
            });
            let Some(place) = place else {
                continue;
            };
            if let Some(Event {
                what: What::Verdict(verdict),
                ..
            }) = settled.events.get_mut(place)
            {
                settled.history.push(Was {
                    event: place,
                    by: revision.by,
                    verdict: *verdict,
                });
                *verdict = revision.after;
            }
        }
        true
    }
}

impl Observer for Revisions {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let wanted = match (&view.flow, self.connection) {
            (_, None) => true,
            (FlowView::Tcp { view, .. }, Some(wanted)) => view.id == wanted,
            _ => false,
        };
        if wanted {
            self.take(view.events);
        }
        ControlFlow::Continue(())
    }

    fn late(&mut self, connection: u32, events: &[Event]) {
        if self.connection.is_none_or(|wanted| wanted == connection) {
            self.take(events);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::Role;
    use crate::tcp::verdict::{Confidence, Need};
    use crate::time::Timestamp;

    fn event(frame: u64, what: What) -> Event {
        Event {
            frame,
            time: Timestamp::from_nanos(0),
            from: Role::Client,
            what,
        }
    }

    fn revised(by: u64, frame: u64, before: Verdict, after: Verdict) -> Event {
        let from = Role::Server;
        let what = What::Revised {
            frame,
            from,
            before,
            after,
        };
        event(by, what)
    }

    const RESENT: Verdict =
        Verdict::new(Kind::Retransmission, Rule::SeenBefore, Confidence::Likely);
    const FULL: Verdict = Verdict::new(Kind::WindowFull, Rule::WindowUsedUp, Confidence::Certain);

    fn spurious() -> Verdict {
        let mut verdict = RESENT;
        verdict.need = Some(Need::Spurious);
        verdict
    }

    const LATE: Verdict = Verdict::new(
        Kind::Reordered,
        Rule::OvertakenByItsRetransmission,
        Confidence::Certain,
    );

    #[test]
    fn the_latest_verdict_is_told_with_what_it_was() {
        let mut revisions = Revisions::new(None, 1 << 20);
        revisions.take(&[revised(9, 7, RESENT, spurious())]);
        revisions.take(&[
            event(12, What::Verdict(FULL)),
            revised(12, 7, spurious(), LATE),
            revised(12, 3, FULL, FULL),
        ]);
        let mut settled = Settled::default();
        let judged = [
            event(7, What::Verdict(FULL)),
            event(7, What::Verdict(RESENT)),
        ];
        assert!(revisions.settle(7, &judged, &mut settled));
        assert_eq!(settled.events, [judged[0], event(7, What::Verdict(LATE))]);
        let was = |by, verdict| Was {
            event: 1,
            by,
            verdict,
        };
        assert_eq!(settled.history, [was(9, RESENT), was(12, spurious())]);
        // A frame that brought a revision tells it at the frame that it is about.
        let brought = [
            event(12, What::Verdict(FULL)),
            revised(12, 7, spurious(), LATE),
        ];
        assert!(revisions.settle(12, &brought, &mut settled));
        assert_eq!(settled.events, brought[..1]);
        assert!(settled.history.is_empty());
        assert!(!revisions.settle(8, &judged, &mut settled));
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_not_is_counted() {
        let mut revisions = Revisions::new(None, 3 * size_of::<Revision>());
        for frame in 1..=5 {
            revisions.take(&[revised(9, frame, RESENT, spurious())]);
        }
        assert_eq!(revisions.dropped(), 2);
        let mut settled = Settled::default();
        let judged = [event(3, What::Verdict(RESENT))];
        assert!(revisions.settle(3, &judged, &mut settled));
        assert!(!revisions.settle(4, &judged, &mut settled));
    }
}
