//! What a segment does to a host (RFC 9293 section 3.10.7).

use super::{Host, Incoming};
use crate::generator::packet::Nanos;
use crate::generator::truth::journal::{ResetReason, Trigger};
use crate::generator::truth::{Header, HostState, Reason, Refusal};
use crate::wire::Flags;

impl Host {
    /// A segment arrives; why it was not taken, if it was not.
    pub(in crate::generator) fn arrive(
        &mut self,
        now: Nanos,
        segment: &Incoming<'_>,
    ) -> Option<Refusal> {
        self.now = now;
        if self.is_silent() {
            return Some(Refusal::NoSocket);
        }
        let refused = match self.state {
            HostState::Closed => self.closed(segment),
            HostState::Listen => self.listening(segment),
            HostState::SynSent => self.opening(segment),
            _ => self.open(segment),
        };
        self.run_program();
        refused
    }

    fn closed(&mut self, segment: &Incoming<'_>) -> Option<Refusal> {
        let header = segment.header;
        if !header.flags.has(Flags::RST) {
            let syn = header.flags.has(Flags::SYN) && !header.flags.has(Flags::ACK);
            let why = if syn {
                ResetReason::Refused
            } else if self.receive.isn.is_some() {
                ResetReason::AfterClose
            } else {
                ResetReason::NoConnection
            };
            self.refuse(header, Reason::Reset(why));
        }
        Some(Refusal::NoSocket)
    }

    fn listening(&mut self, segment: &Incoming<'_>) -> Option<Refusal> {
        let header = segment.header;
        let flags = header.flags;
        if flags.has(Flags::RST) {
            return Some(Refusal::Unacceptable);
        }
        if flags.has(Flags::ACK) {
            self.refuse(header, Reason::Reset(ResetReason::NoConnection));
            return Some(Refusal::NoSocket);
        }
        if !flags.has(Flags::SYN) {
            return Some(Refusal::Unacceptable);
        }
        if self.habits.ignores_syns > 0 {
            self.habits.ignores_syns -= 1;
            return Some(Refusal::BacklogFull);
        }
        self.agree(segment);
        self.state = HostState::SynReceived;
        let data = i64::from(header.payload);
        if data > 0 && self.habits.fast_open {
            self.receive.next = 1 + data;
        }
        self.send_syn_ack(Reason::Plain);
        None
    }

    /// Takes from a SYN what its sender offers.
    fn agree(&mut self, segment: &Incoming<'_>) {
        let (header, habits) = (segment.header, &self.habits);
        self.receive.isn = Some(header.seq);
        self.receive.next = 1;
        self.agreed.sack = habits.sack && header.sack_permitted;
        self.agreed.timestamps = habits.timestamps && header.timestamps.is_some();
        self.agreed.scaling = habits.window_scale.is_some() && header.window_scale.is_some();
        if self.agreed.scaling {
            self.agreed.peer_shift = header.window_scale.unwrap_or(0).min(14);
        }
        let asked = if header.flags.has(Flags::ACK) {
            header.flags.has(Flags::ECE) && !header.flags.has(Flags::CWR)
        } else {
            header.flags.has(Flags::ECE | Flags::CWR)
        };
        self.agreed.ecn = habits.ecn && asked;
        self.receive.recent = header.timestamps.map_or(0, |(value, _)| value);
        let room = if self.agreed.timestamps { 12 } else { 0 };
        let mss = segment.mss.unwrap_or(536).min(habits.mss);
        self.send.mss = i64::from(mss) - room;
        self.send.window = i64::from(header.window);
        self.send.widest = self.send.window;
    }

    fn opening(&mut self, segment: &Incoming<'_>) -> Option<Refusal> {
        let header = segment.header;
        let flags = header.flags;
        let acked = self.acked_position(header.ack);
        if flags.has(Flags::ACK) && !(1..=self.send.next).contains(&acked) {
            if !flags.has(Flags::RST) {
                self.refuse(header, Reason::Reset(ResetReason::NoConnection));
            }
            return Some(Refusal::Unacceptable);
        }
        if flags.has(Flags::RST) {
            if flags.has(Flags::ACK) {
                self.end(HostState::Closed);
                return None;
            }
            return Some(Refusal::Unacceptable);
        }
        if !flags.has(Flags::SYN) {
            return Some(Refusal::Unacceptable);
        }
        self.agree(segment);
        self.send.told_at = 0;
        if flags.has(Flags::ACK) {
            self.state = HostState::Established;
            self.timers.handshake = None;
            self.send.backoff = 0;
            self.measure_opening();
            self.acknowledged(header, 0);
            // The octets of a Fast Open SYN that were not taken go again.
            self.resend_unaccepted();
            self.touch();
            if !self.has_data_to_send() {
                self.acknowledge();
            }
            self.output();
            if self.receive.last_ack < self.receive.next {
                self.acknowledge();
            }
        } else {
            // Both open at once.
            self.state = HostState::SynReceived;
            self.send.backoff = 0;
            self.send_syn_ack(Reason::Plain);
        }
        None
    }

    /// In any state with a peer.
    fn open(&mut self, segment: &Incoming<'_>) -> Option<Refusal> {
        let header = segment.header;
        let flags = header.flags;
        let start = self.received_position(header.seq);
        let end = start + i64::from(header.sequence_len());
        let next = self.receive.next;

        // PAWS (RFC 7323 section 5.3): older than what came in order, so not of now. What has been
        // received before is answered as a duplicate all the same, below.
        if let Some((value, _)) = header.timestamps
            && self.agreed.timestamps
            && !flags.has(Flags::RST)
            && !flags.has(Flags::SYN)
            && (end == start || end > next)
            && (value.wrapping_sub(self.receive.recent) as i32) < 0
        {
            // As Linux does it: a bare acknowledgment that was overtaken is let go without a word.
            if end > start {
                if start < next {
                    self.receive.twice = Some((start, next));
                }
                self.acknowledge();
            }
            return Some(Refusal::OldTimestamp);
        }
        if flags.has(Flags::RST) {
            if start == next {
                self.end(HostState::Closed);
                return None;
            }
            if start > next && start < self.receive.edge {
                self.challenge();
                return Some(Refusal::Unacceptable);
            }
            return Some(Refusal::OutsideWindow);
        }
        if flags.has(Flags::SYN) {
            return self.syn_again(segment, start);
        }
        // Below everything: an old segment, or a probe. Beyond: no room.
        let below = end < next || (end <= next && start < next);
        let beyond = start > self.receive.edge
            || (end > start
                && start == self.receive.edge
                && start >= next
                && self.receive.edge == next);
        if (below && end == start) || beyond {
            self.acknowledge();
            let closed = end > start && start == next && self.receive.edge == next;
            return Some(if closed {
                Refusal::NoRoom
            } else {
                Refusal::OutsideWindow
            });
        }
        if !flags.has(Flags::ACK) {
            return Some(Refusal::Unacceptable);
        }
        self.remember_stamp(header, start);
        if self.agreed.ecn {
            if flags.has(Flags::CWR) {
                self.receive.echo_congestion = false;
            }
            self.receive.echo_congestion |= segment.marked;
        }
        self.touch();
        // Whatever comes is an answer (RFC 9293 section 3.8.4).
        self.timers.kept_alive = 0;
        let acked = self.acked_position(header.ack);
        if self.state == HostState::SynReceived && acked >= 1 {
            self.state = HostState::Established;
            self.timers.handshake = None;
            self.send.backoff = 0;
            self.send.told_at = start - 1;
            self.measure_opening();
        }
        self.acknowledged(header, start);
        if self.send.fin_acked {
            match self.state {
                HostState::FinWait1 => self.state = HostState::FinWait2,
                HostState::Closing => self.time_wait(),
                HostState::LastAck => {
                    self.end(HostState::Closed);
                    return None;
                }
                _ => {}
            }
        }
        if end > start {
            // Whoever has closed takes nothing more, and says so.
            if self.receive.gone && header.payload > 0 && end > next {
                self.reset(ResetReason::AfterClose);
                return Some(Refusal::NoSocket);
            }
            self.take(start, end, flags.has(Flags::FIN));
        }
        None
    }

    /// A SYN where there is a connection.
    fn syn_again(&mut self, segment: &Incoming<'_>, start: i64) -> Option<Refusal> {
        let header = segment.header;
        let same = start == 0;
        let with_ack = header.flags.has(Flags::ACK);
        match self.state {
            HostState::SynReceived if same && with_ack => {
                // Simultaneous open: it acknowledges our SYN.
                if self.acked_position(header.ack) >= 1 {
                    self.state = HostState::Established;
                    self.timers.handshake = None;
                    self.send.backoff = 0;
                    self.send.told_at = 0;
                    self.remember_stamp(header, start);
                    self.acknowledged(header, 0);
                }
                None
            }
            HostState::SynReceived if same => {
                self.send_syn_ack(Reason::Again(Trigger::SynAck));
                None
            }
            _ if same && with_ack => {
                self.acknowledge();
                Some(Refusal::OutsideWindow)
            }
            _ => {
                self.challenge();
                Some(Refusal::Unacceptable)
            }
        }
    }

    /// TS.Recent (RFC 7323 section 4.3): the TSval to echo.
    fn remember_stamp(&mut self, header: &Header, start: i64) {
        if let Some((value, _)) = header.timestamps
            && start <= self.receive.last_ack
            && (value.wrapping_sub(self.receive.recent) as i32) > 0
        {
            self.receive.recent = value;
        }
    }

    /// The handshake measures the first round trip.
    fn measure_opening(&mut self) {
        if let Some(opened) = self.send.opened.take() {
            self.measure(self.now - opened);
        }
    }

    /// RFC 5961: an acknowledgment that asks back.
    fn challenge(&mut self) {
        let at = self.send.next;
        self.emit(Flags::ACK, at, (at, 0), Reason::Challenge);
    }

    /// Enters TIME-WAIT: nothing is left to do here.
    pub(super) fn time_wait(&mut self) {
        self.end(HostState::TimeWait);
    }

    /// The position of a sequence number of the peer.
    fn received_position(&self, seq: u32) -> i64 {
        let isn = self.receive.isn.unwrap_or(seq);
        let expected = isn.wrapping_add(self.receive.next as u32);
        self.receive.next + i64::from(seq.wrapping_sub(expected) as i32)
    }

    /// The position that an acknowledgment number stands for.
    pub(super) fn acked_position(&self, ack: u32) -> i64 {
        let expected = self.isn.wrapping_add(self.send.next as u32);
        self.send.next + i64::from(ack.wrapping_sub(expected) as i32)
    }
}
