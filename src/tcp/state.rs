//! The RFC 9293 state machine (section 3.3.2) as one table, seen from outside.
//!
//! Every captured segment is something one endpoint sent and the other received, so each
//! endpoint is moved by its own stimuli. Simultaneous open, half-close and simultaneous close
//! need no special case.

use core::fmt;

/// The state of one endpoint, as inferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// The capture began after the connection did, and nothing has told yet.
    #[default]
    Unknown,
    /// No connection.
    Closed,
    /// Assumed of the host a SYN is sent to, until it answers.
    Listen,
    /// Sent a SYN.
    SynSent,
    /// Received a SYN and sent or will send its own.
    SynReceived,
    /// Data flows both ways.
    Established,
    /// Sent a FIN that is not acknowledged; the peer has not closed.
    FinWait1,
    /// Its FIN is acknowledged; the peer has not closed.
    FinWait2,
    /// The peer has closed; this host has not.
    CloseWait,
    /// Both sent a FIN and neither knows that its own arrived.
    Closing,
    /// Closed after its peer; its FIN is not acknowledged.
    LastAck,
    /// Closed first (or at once with its peer) and waits for 2MSL.
    TimeWait,
}

impl State {
    /// The name in the RFC's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Closed => "CLOSED",
            Self::Listen => "LISTEN",
            Self::SynSent => "SYN-SENT",
            Self::SynReceived => "SYN-RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN-WAIT-1",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::CloseWait => "CLOSE-WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST-ACK",
            Self::TimeWait => "TIME-WAIT",
        }
    }

    /// Whether the endpoint is through: `CLOSED` or `TIME-WAIT`.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::TimeWait)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What happens to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stimulus {
    /// It sent a SYN without ACK.
    SendSyn,
    /// It sent SYN and ACK.
    SendSynAck,
    /// It sent data or a pure acknowledgment.
    Send,
    /// It sent a FIN.
    SendFin,
    /// It sent a RST.
    SendReset,
    /// A SYN without ACK went to it.
    ReceiveSyn,
    /// SYN and ACK went to it, acknowledging its SYN.
    ReceiveSynAck,
    /// An acknowledgment of its SYN went to it.
    ReceiveAckOfSyn,
    /// Data or an acknowledgment of nothing new about SYN or FIN went to it.
    Receive,
    /// A FIN went to it, in order.
    ReceiveFin,
    /// An acknowledgment of its FIN went to it.
    ReceiveAckOfFin,
    /// An acceptable RST went to it.
    ReceiveReset,
    /// Twice the maximum segment lifetime passed in `TIME-WAIT`.
    TwoMsl,
    /// It sent a FIN that does not acknowledge the peer's: the FIN that seemed to reach it before
    /// had not.
    NotReceivedFin,
}

impl Stimulus {
    /// In words, as a cause: `sent SYN`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::SendSyn => "sent SYN",
            Self::SendSynAck => "sent SYN-ACK",
            Self::Send => "sent a segment",
            Self::SendFin => "sent FIN",
            Self::SendReset => "sent RST",
            Self::ReceiveSyn => "received SYN",
            Self::ReceiveSynAck => "received SYN-ACK",
            Self::ReceiveAckOfSyn => "received ACK of SYN",
            Self::Receive => "received a segment",
            Self::ReceiveFin => "received FIN",
            Self::ReceiveAckOfFin => "received ACK of FIN",
            Self::ReceiveReset => "received RST",
            Self::TwoMsl => "2MSL passed",
            Self::NotReceivedFin => "had not received FIN",
        }
    }
}

impl fmt::Display for Stimulus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// What a stimulus does to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The state stays.
    Stay,
    /// The state becomes this one.
    To(State),
    /// The endpoint shows that what was thought to have reached it had not: if the last change
    /// rested on an unconfirmed receipt, back to this state; otherwise it stays.
    Back(State),
    /// RFC 9293 knows no such thing in this state.
    Illegal,
}

/// The step that `stimulus` makes an endpoint in `state` take.
#[rustfmt::skip]
pub const fn step(state: State, stimulus: Stimulus) -> Step {
    use State::{CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait, Unknown};
    use Step::{Back, Illegal, Stay, To};
    use Stimulus::{NotReceivedFin, Receive, ReceiveAckOfFin, ReceiveAckOfSyn, ReceiveFin, ReceiveReset, ReceiveSyn, ReceiveSynAck, Send, SendFin, SendReset, SendSyn, SendSynAck, TwoMsl};
    match (state, stimulus) {
        (Closed,      SendSyn)         => To(SynSent),
        (Listen,      ReceiveSyn)      => To(SynReceived),
        // A listening host may send a SYN of its own (RFC 9293 section 3.10.1).
        (Listen,      SendSyn)         => To(SynSent),
        // Seen when the capture missed the SYN.
        (Listen,      SendSynAck)      => To(SynReceived),
        // The capture missed all it sent.
        (Listen,      ReceiveAckOfSyn) => To(Established),
        // Nothing listened there after all.
        (Listen,      SendReset)       => To(Closed),
        // What was on its way when the end came, or what the peer of a host that is gone sends.
        (Closed,      Send | Receive | ReceiveFin | SendReset | ReceiveReset) => Stay,
        (Listen,      ReceiveReset | Receive) => Stay,
        // An old connection's host answers a new SYN (half-open, RFC 9293 section 3.5.1).
        (Listen,      Send | SendFin)  => Stay,
        (SynSent,     SendSyn)         => Stay,
        (SynSent,     ReceiveSyn)      => To(SynReceived),
        (SynSent,     ReceiveSynAck)   => To(Established),
        // It answers a SYN that the capture missed: simultaneous open.
        (SynSent,     SendSynAck)      => To(SynReceived),
        // It sends as one that has received a SYN-ACK the capture missed.
        (SynSent,     Send)            => To(Established),
        (SynSent,     SendFin)         => To(FinWait1),
        // A challenge ACK from a half-open peer, or data ahead of a lost SYN-ACK.
        (SynSent,     Receive | ReceiveAckOfSyn | ReceiveFin) => Stay,
        (SynReceived, SendSynAck)      => Stay,
        // In a simultaneous open the SYN goes again as often as it must.
        (SynReceived, SendSyn | ReceiveSyn) => Stay,
        (SynReceived, ReceiveSynAck)   => To(Established),
        (SynReceived, ReceiveAckOfSyn) => To(Established),
        // Data may follow a Fast Open SYN in both directions before the ACK (RFC 7413).
        (SynReceived, Send | Receive)  => Stay,
        (SynReceived, SendFin)         => To(FinWait1),
        (SynReceived, ReceiveFin)      => To(CloseWait),
        (Established, Send | Receive | ReceiveAckOfSyn | ReceiveSyn | ReceiveSynAck) => Stay,
        // The ACK of its SYN had not arrived.
        (Established, SendSynAck)      => Back(SynReceived),
        // The SYN-ACK had not arrived.
        (Established, SendSyn)         => Back(SynSent),
        (Established, SendFin)         => To(FinWait1),
        (Established, ReceiveFin)      => To(CloseWait),
        (FinWait1,    ReceiveAckOfFin) => To(FinWait2),
        (FinWait1,    ReceiveFin)      => To(Closing),
        (FinWait1,    Send | Receive | SendFin | ReceiveAckOfSyn | ReceiveSynAck) => Stay,
        (FinWait2,    ReceiveFin)      => To(TimeWait),
        (FinWait2,    SendFin)         => Back(FinWait1),
        (FinWait2,    Send | Receive)  => Stay,
        (CloseWait,   SendFin)         => To(LastAck),
        (CloseWait,   NotReceivedFin)  => Back(Established),
        (_,           NotReceivedFin)  => Stay,
        (CloseWait,   Send | Receive | ReceiveFin | ReceiveAckOfSyn) => Stay,
        (Closing,     ReceiveAckOfFin) => To(TimeWait),
        (Closing,     Send | Receive | SendFin | ReceiveFin) => Stay,
        (LastAck,     ReceiveAckOfFin) => To(Closed),
        (LastAck,     Send | Receive | SendFin | ReceiveFin) => Stay,
        (TimeWait,    Send | Receive | ReceiveFin | SendFin) => Stay,
        (TimeWait,    TwoMsl)          => To(Closed),
        // The ACK of its FIN had not arrived.
        (Closed,      SendFin)         => Back(LastAck),
        // A capture that begins in the middle: the first sign tells.
        (Unknown,     SendSyn)         => To(SynSent),
        (Unknown,     SendSynAck)      => To(SynReceived),
        (Unknown,     ReceiveSyn)      => To(SynReceived),
        (Unknown,     ReceiveSynAck)   => To(Established),
        (Unknown,     Send | Receive | ReceiveAckOfSyn) => To(Established),
        (Unknown,     SendFin)         => To(FinWait1),
        (Unknown,     ReceiveFin)      => To(CloseWait),
        (Unknown,     ReceiveAckOfFin) => To(FinWait2),
        // Reset ends it from anywhere; a host in TIME-WAIT ignores one (RFC 1337).
        (TimeWait,    ReceiveReset)    => Stay,
        (_,           SendReset | ReceiveReset) => To(Closed),
        _                              => Illegal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{
        CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived,
        SynSent, TimeWait, Unknown,
    };
    use Stimulus::{
        NotReceivedFin, Receive, ReceiveAckOfFin, ReceiveAckOfSyn, ReceiveFin, ReceiveReset,
        ReceiveSyn, ReceiveSynAck, Send, SendFin, SendReset, SendSyn, SendSynAck, TwoMsl,
    };

    fn walk(start: State, stimuli: &[Stimulus]) -> State {
        stimuli
            .iter()
            .fold(start, |state, &stimulus| match step(state, stimulus) {
                Step::To(next) => next,
                Step::Stay => state,
                other => panic!("{state} on {stimulus}: {other:?}"),
            })
    }

    #[test]
    fn three_way_handshake_and_four_way_close() {
        let client = [
            SendSyn,
            ReceiveSynAck,
            Send,
            SendFin,
            ReceiveAckOfFin,
            ReceiveFin,
        ];
        assert_eq!(walk(Closed, &client), TimeWait);
        assert_eq!(walk(TimeWait, &[TwoMsl]), Closed);
        let server = [
            ReceiveSyn,
            SendSynAck,
            ReceiveAckOfSyn,
            ReceiveFin,
            SendFin,
            ReceiveAckOfFin,
        ];
        assert_eq!(walk(Listen, &server), Closed);
    }

    #[test]
    fn simultaneous_open_and_close() {
        let both = [SendSyn, ReceiveSyn, SendSynAck, ReceiveSynAck];
        assert_eq!(walk(Closed, &both), Established);
        assert_eq!(walk(Established, &[SendFin, ReceiveFin]), Closing);
        assert_eq!(
            walk(Established, &[SendFin, ReceiveFin, ReceiveAckOfFin]),
            TimeWait
        );
    }

    #[test]
    fn half_close_keeps_receiving() {
        let half = [SendFin, ReceiveAckOfFin, Receive, Send, Receive];
        assert_eq!(walk(Established, &half), FinWait2);
        assert_eq!(walk(Established, &[ReceiveFin, Send, Send]), CloseWait);
        assert_eq!(walk(CloseWait, &[SendFin]), LastAck);
    }

    #[test]
    fn a_reset_ends_every_state_but_time_wait() {
        for state in [
            Unknown,
            SynSent,
            SynReceived,
            Established,
            FinWait1,
            FinWait2,
            CloseWait,
            Closing,
            LastAck,
        ] {
            assert_eq!(step(state, ReceiveReset), Step::To(Closed), "{state}");
            assert_eq!(step(state, SendReset), Step::To(Closed), "{state}");
        }
        assert_eq!(step(TimeWait, ReceiveReset), Step::Stay);
    }

    #[test]
    fn what_the_rfc_forbids_is_illegal() {
        for (state, stimulus) in [
            (TimeWait, SendSyn),
            (Closed, SendSynAck),
            (FinWait2, SendSynAck),
            (CloseWait, SendSyn),
        ] {
            assert_eq!(
                step(state, stimulus),
                Step::Illegal,
                "{state} on {stimulus}"
            );
        }
    }

    #[test]
    fn a_repeated_segment_takes_back_what_only_seemed_received() {
        assert_eq!(step(Established, SendSynAck), Step::Back(SynReceived));
        assert_eq!(step(FinWait2, SendFin), Step::Back(FinWait1));
        assert_eq!(step(Established, SendSyn), Step::Back(SynSent));
        assert_eq!(step(CloseWait, NotReceivedFin), Step::Back(Established));
        assert_eq!(step(Closed, SendFin), Step::Back(LastAck));
    }
}
