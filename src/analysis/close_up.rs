//! One connection in full: what happened on it, kept while its frames go by.

use core::ops::ControlFlow;
use std::collections::BTreeMap;

use super::{FlowView, FrameView, Observer};
use crate::tcp::recovery::Episode;
use crate::tcp::verdict::{Need, Trigger};
use crate::tcp::{Event, Kind, Role, Verdict, What};
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

/// An earlier form of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The frame that revised it; 0 for what was left when tracking ended.
    pub by: u64,
    /// What had been said.
    pub was: Verdict,
    /// What was said then.
    pub became: Verdict,
}

/// An observer of one connection.
#[derive(Clone, Debug)]
pub struct CloseUp {
    wanted: u32,
    limit: usize,
    /// State changes, in order.
    pub timeline: Vec<Event>,
    /// Everything else that happened, in order. Verdicts are the latest.
    pub events: Vec<Event>,
    /// Events beyond the limit.
    pub events_dropped: u64,
    /// What verdicts had been, by frame; within a frame the first first.
    pub history: BTreeMap<u64, Vec<Earlier>>,
    /// Recoveries, in the order in which they began.
    pub episodes: Vec<Episode>,
    /// Recoveries beyond the limit.
    pub episodes_dropped: u64,
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
    /// How many of the events came with frames, in the order of those.
    in_order: usize,
    /// Earlier verdicts kept.
    earlier: usize,
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
            history: BTreeMap::new(),
            episodes: Vec::new(),
            episodes_dropped: 0,
            icmp: Vec::new(),
            vlans: Vec::new(),
            tunnel: None,
            last_frame: 0,
            frames: 0,
            in_order: 0,
            earlier: 0,
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

    /// What a verdict had been before, the first first.
    pub fn earlier(&self, frame: u64, verdict: &Verdict) -> impl Iterator<Item = &Earlier> {
        // A frame may have several verdicts that were revised: only what led to this one.
        let all = self.history.get(&frame).map_or(&[][..], Vec::as_slice);
        let mut chain = Vec::new();
        let mut wanted = *verdict;
        for each in all.iter().rev() {
            if each.became == wanted {
                wanted = each.was;
                chain.push(each);
            }
        }
        chain.into_iter().rev()
    }

    /// The count that a retransmission belongs to.
    fn count(&mut self, from: Role, verdict: &Verdict) -> Option<&mut u64> {
        if verdict.kind != Kind::Retransmission {
            return None;
        }
        let place = Trigger::ALL
            .iter()
            .position(|&trigger| Some(trigger) == verdict.trigger)
            .unwrap_or(TRIGGERS);
        let triggers = self.retransmissions.get_mut(from as usize)?;
        let counts = triggers.get_mut(place)?;
        Some(match verdict.need {
            Some(Need::Needed) => &mut counts.needed,
            Some(Need::Spurious) => &mut counts.spurious,
            None => &mut counts.unknown,
        })
    }

    /// Puts a revision in the place of the verdict. False when that is not among the events.
    fn revise(&mut self, frame: u64, by: u64, before: &Verdict, after: &Verdict) -> bool {
        let in_order = self.events.get_mut(..self.in_order).unwrap_or_default();
        let start = in_order.partition_point(|event| event.frame < frame);
        let rest = in_order.get_mut(start..).unwrap_or_default();
        let own = rest.iter_mut().take_while(|event| event.frame == frame);
        for event in own {
            if let What::Verdict(verdict) = &mut event.what
                && (verdict.kind, verdict.rule) == (before.kind, before.rule)
            {
                let was = core::mem::replace(verdict, *after);
                if self.earlier < self.limit {
                    self.earlier += 1;
                    self.history.entry(frame).or_default().push(Earlier {
                        by,
                        was,
                        became: *after,
                    });
                }
                return true;
            }
        }
        false
    }

    fn take(&mut self, event: &Event) {
        match &event.what {
            What::Verdict(verdict) => {
                if let Some(count) = self.count(event.from, verdict) {
                    *count += 1;
                }
            }
            What::Revised {
                frame,
                from,
                before,
                after,
            } => {
                if let Some(count) = self.count(*from, before) {
                    *count = count.saturating_sub(1);
                }
                if let Some(count) = self.count(*from, after) {
                    *count += 1;
                }
                if self.revise(*frame, event.frame, before, after) {
                    return;
                }
            }
            What::Recovered(episode) => {
                if self.episodes.len() >= self.limit {
                    self.episodes_dropped += 1;
                    return;
                }
                let place = self
                    .episodes
                    .partition_point(|each| each.first_frame <= episode.first_frame);
                self.episodes.insert(place, *episode);
                return;
            }
            _ => {}
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
                    self.in_order = self.events.len();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::Rule;
    use crate::tcp::recovery::Exit;
    use crate::tcp::verdict::Confidence;
    use crate::time::Span;

    fn event(frame: u64, what: What) -> Event {
        Event {
            frame,
            time: Timestamp::from_nanos(0),
            from: Role::Server,
            what,
        }
    }

    const RESENT: Verdict =
        Verdict::new(Kind::Retransmission, Rule::SeenBefore, Confidence::Likely);

    fn revision(by: u64, frame: u64, before: Verdict, after: Verdict) -> Event {
        let what = What::Revised {
            frame,
            from: Role::Server,
            before,
            after,
        };
        event(by, what)
    }

    #[test]
    fn events_and_counts_are_those_of_the_latest_verdicts() {
        let mut needless = RESENT;
        needless.need = Some(Need::Spurious);
        let late = Verdict::new(Kind::Reordered, Rule::FilledAtOnce, Confidence::Certain);
        let mut close_up = CloseUp::new(0, 10);
        close_up.take(&event(7, What::Verdict(RESENT)));
        close_up.take(&event(8, What::Verdict(RESENT)));
        close_up.in_order = 2;
        close_up.take(&revision(9, 8, RESENT, needless));
        let [(None, counts)] = close_up.retransmissions(Role::Server).collect::<Vec<_>>()[..]
        else {
            panic!("one unknown trigger");
        };
        assert_eq!((counts.spurious, counts.unknown), (1, 1));
        close_up.take(&revision(0, 8, needless, late));
        assert_eq!(close_up.events[1].what, What::Verdict(late));
        let earlier: Vec<_> = close_up.earlier(8, &late).map(|each| each.was).collect();
        assert_eq!(earlier, [RESENT, needless]);
        assert_eq!(close_up.earlier(7, &RESENT).count(), 0);
        let [(None, counts)] = close_up.retransmissions(Role::Server).collect::<Vec<_>>()[..]
        else {
            panic!("one unknown trigger");
        };
        assert_eq!(counts.total(), 1);
        // Of a verdict that was not kept it stays an event of its own.
        close_up.take(&revision(12, 5, RESENT, needless));
        assert_eq!(close_up.events.len(), 3);
    }

    #[test]
    fn recoveries_stand_in_the_order_of_their_beginnings() {
        let episode = |first_frame| Episode {
            sender: Role::Server,
            trigger: Trigger::Fast,
            first_frame,
            began: Timestamp::from_nanos(0),
            last_frame: 30,
            lasted: Span::default(),
            exit: Exit::Acknowledged,
            retransmissions: 1,
            spurious: 0,
            octets: 10,
            timeouts: 0,
            flight: 20,
        };
        let mut close_up = CloseUp::new(0, 2);
        for first in [20, 10, 15] {
            close_up.take(&event(30, What::Recovered(episode(first))));
        }
        let firsts: Vec<_> = close_up
            .episodes
            .iter()
            .map(|each| each.first_frame)
            .collect();
        assert_eq!((firsts, close_up.episodes_dropped), (vec![10, 20], 1));
        assert!(close_up.events.is_empty());
    }
}
