//! A connection's life in three words: how it opened, how it ended, who closed.

use super::{Closer, Connection, Ending, Opening, Role, State};
use crate::time::{Span, Timestamp};

/// How long `TIME-WAIT` lasts: 2MSL with the MSL of 30 s that Linux and BSD use (RFC 9293
/// section 3.4.2 suggests 2 minutes for the MSL).
pub const TWO_MSL: Span = Span::from_secs(60);

impl Connection {
    /// How it opened.
    pub fn opening(&self) -> Opening {
        if self.simultaneous_open {
            Opening::Simultaneous
        } else if self.handshake.syn.is_some() || self.handshake.syn_ack.is_some() {
            Opening::Active
        } else {
            Opening::Midstream
        }
    }

    /// How it ended, for a capture that ends at `end`.
    pub fn ending(&self, end: Timestamp) -> Ending {
        let fins = Role::BOTH
            .iter()
            .filter(|&&role| self.endpoint(role).fin.is_some())
            .count();
        match (self.reset, fins) {
            (Some(reset), _) if reset.refused => Ending::Refused,
            (Some(reset), _) if !reset.after_close => Ending::Reset,
            (_, 2) => Ending::Graceful,
            _ if self.is_unanswered(end) => Ending::TimedOut,
            (_, 1) => Ending::HalfClosed,
            _ if self.icmp_errors > 0 && self.endpoint(Role::Client).state == State::SynSent => {
                Ending::Refused
            }
            _ => Ending::Open,
        }
    }

    /// Whether one host sent the same again and again, heard nothing, and has now been silent for
    /// longer than its backed-off timer would have been (RFC 6298 section 5.5 doubles it).
    fn is_unanswered(&self, end: Timestamp) -> bool {
        Role::BOTH.iter().any(|&role| {
            let endpoint = self.endpoint(role);
            let silence = endpoint.last_sent.map_or(Span::ZERO, |last| end - last);
            let doubled = endpoint.resend_interval + endpoint.resend_interval;
            let needed = if endpoint.state == State::SynSent {
                1
            } else {
                3
            };
            endpoint.unanswered >= needed && (silence > doubled || endpoint.unanswered >= 6)
        })
    }

    /// Who closed, if anybody did: by RST or by the first FIN.
    pub fn closer(&self) -> Option<Closer> {
        let client = self.endpoint(Role::Client);
        let server = self.endpoint(Role::Server);
        match (client.fin_frame, server.fin_frame) {
            (None, None) => self.reset.map(|reset| Closer::One(reset.from)),
            (Some(_), None) => Some(Closer::One(Role::Client)),
            (None, Some(_)) => Some(Closer::One(Role::Server)),
            (Some(_), Some(_)) if self.simultaneous_close => Some(Closer::Both),
            (Some(c), Some(s)) => {
                Some(Closer::One(if c < s { Role::Client } else { Role::Server }))
            }
        }
    }

    /// The state of an endpoint at capture time `now`: `TIME-WAIT` ends after [`TWO_MSL`].
    pub fn state_at(&self, role: Role, now: Timestamp) -> State {
        match self.endpoint(role).state {
            State::TimeWait if now - self.last_time > TWO_MSL => State::Closed,
            state => state,
        }
    }

    /// From the first frame to the last.
    pub fn duration(&self) -> Span {
        self.last_time - self.first_time
    }
}
