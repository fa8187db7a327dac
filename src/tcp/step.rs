//! What the steps of taking one segment in share: the segment, where events and stream bytes go.

use super::connection::{Listener, Settings};
use super::departure::Departure;
use super::endpoint::{Endpoint, Moved};
use super::event::{Event, What};
use super::reassembly::StreamSink;
use super::state::Stimulus;
use super::verdict::Verdict;
use super::{Arrived, Role};
use crate::time::Timestamp;

/// Everything about one segment that the steps below share.
pub(super) struct Step<'a, 'b> {
    pub(super) arrived: &'a Arrived<'a>,
    pub(super) from: Role,
    /// What the IP identification says of when it was sent.
    pub(super) departure: Departure,
    pub(super) settings: &'a Settings,
    pub(super) events: &'b mut Vec<Event>,
    pub(super) listener: &'b mut dyn Listener,
}

impl Step<'_, '_> {
    pub(super) fn tell(&mut self, what: What) {
        self.events.push(Event {
            frame: self.arrived.frame,
            time: self.arrived.time,
            from: self.from,
            what,
        });
    }

    pub(super) fn judge(&mut self, verdict: Verdict) {
        self.tell(What::Verdict(verdict));
    }

    /// Where the stream of `from` goes: to the listener, gaps being events too.
    pub(super) fn sink(&mut self, stream: Role) -> Directed<'_> {
        let segment = self.arrived.segment;
        Directed {
            cut: segment.payload.len() < segment.payload_len as usize && stream == self.from,
            stream,
            listener: self.listener,
            events: self.events,
            frame: self.arrived.frame,
            time: self.arrived.time,
            from: self.from,
        }
    }

    pub(super) fn stimulate(
        &mut self,
        role: Role,
        endpoint: &mut Endpoint,
        cause: Stimulus,
    ) -> bool {
        match endpoint.stimulate(cause) {
            Moved::No => false,
            Moved::From(before) => {
                let after = endpoint.state;
                self.tell(What::State {
                    endpoint: role,
                    before,
                    after,
                    cause,
                });
                true
            }
            Moved::Illegal => {
                let state = endpoint.state;
                self.tell(What::Illegal {
                    endpoint: role,
                    state,
                    stimulus: cause,
                });
                false
            }
        }
    }
}

pub(super) struct Directed<'a> {
    /// Whether the segment that moves it was cut by the capture.
    pub(super) cut: bool,
    pub(super) stream: Role,
    pub(super) listener: &'a mut dyn Listener,
    pub(super) events: &'a mut Vec<Event>,
    pub(super) frame: u64,
    pub(super) time: Timestamp,
    pub(super) from: Role,
}

impl Directed<'_> {
    pub(super) fn tell(&mut self, what: What) {
        self.events.push(Event {
            frame: self.frame,
            time: self.time,
            from: self.from,
            what,
        });
    }
}

impl StreamSink for Directed<'_> {
    #[inline]
    fn bytes(&mut self, offset: u64, bytes: &[u8]) {
        self.listener.bytes(self.stream, offset, bytes);
    }

    fn gap(&mut self, offset: u64, len: u64) {
        let what = What::GapGivenUp {
            stream: self.stream,
            offset,
            len,
        };
        // What the capture cut off every frame is told once, of the capture.
        if !self.cut {
            self.tell(what);
        }
        self.listener.gap(self.stream, offset, len);
    }
}
