//! What goes out: new data as the windows allow, and what is sent again when a timer runs out.

use super::{Host, InFlight, Phase};
use crate::generator::packet::{MILLI, Nanos, SECOND};
use crate::generator::truth::journal::{ResetReason, Trigger};
use crate::generator::truth::{HostState, Reason};
use crate::wire::Flags;

impl Host {
    /// A segment that is about to be in flight.
    pub(super) fn in_flight(&mut self, start: i64, end: i64, fin: bool) -> InFlight {
        self.send.transmissions += 1;
        InFlight {
            start,
            end,
            fin,
            sent: self.now,
            order: self.send.transmissions,
            stamp: self.stamp(),
            again: 0,
            sacked: false,
            lost: false,
            resent: false,
            too_long: false,
        }
    }

    /// Segments that are in the network, as far as is known (RFC 6675 section 4).
    pub(super) fn in_network(&self) -> u32 {
        let flight = self.send.flight.iter();
        flight
            .map(|each| match (each.sacked, each.lost, each.resent) {
                (true, ..) => 0,
                (_, true, false) => 0,
                (_, true, true) => 1,
                (_, false, true) => 2,
                (_, false, false) => 1,
            })
            .sum()
    }

    pub(super) fn has_data_to_send(&self) -> bool {
        self.send.next < self.send.written + i64::from(self.send.closed && !self.fin_sent())
    }

    fn fin_sent(&self) -> bool {
        self.send.next > self.send.written
    }

    fn may_send(&self) -> bool {
        matches!(
            self.state,
            HostState::Established
                | HostState::CloseWait
                | HostState::FinWait1
                | HostState::Closing
                | HostState::LastAck
        )
    }

    /// Segments that may be in the network. Without SACK those that duplicate acknowledgments speak
    /// for are counted in both: until the third, a new one may go for each (RFC 3042); after it the
    /// window is inflated (RFC 5681 section 3.2).
    fn allowed(&self) -> u32 {
        let send = &self.send;
        let beyond = match send.phase {
            _ if self.agreed.sack => 0,
            Phase::Open => send.duplicate_acks.min(2),
            Phase::Recovery(_) => send.inflation,
            Phase::Loss(_) => 0,
        };
        send.congestion.size + beyond
    }

    /// Sends what may be sent: first again what is lost, then what is new.
    pub(super) fn output(&mut self) {
        if !(self.may_send() || self.state == HostState::SynReceived && self.habits.fast_open) {
            return;
        }
        let room = self.allowed().saturating_sub(self.in_network());
        let again = self.send_again(room);
        self.send_new(room.saturating_sub(again));
    }

    /// Sends up to `most` lost segments again; gives how many.
    pub(super) fn send_again(&mut self, most: u32) -> u32 {
        let mut count = 0;
        while count < most {
            let lost = |each: &InFlight| each.lost && !each.resent && !each.sacked;
            let Some(at) = self.send.flight.iter().position(lost) else {
                break;
            };
            let trigger = match self.send.phase {
                Phase::Loss(_) => Trigger::Timeout,
                _ => Trigger::Fast,
            };
            self.resend(at, trigger);
            count += 1;
        }
        if count > 0 {
            self.arm_resend();
        }
        count
    }

    /// Sends one segment in flight again; a long one in parts, where segments have become smaller.
    fn resend(&mut self, at: usize, trigger: Trigger) {
        let Some(&segment) = self.send.flight.get(at) else {
            return;
        };
        let data_end = segment.end - i64::from(segment.fin);
        if data_end - segment.start > self.send.mss {
            let middle = segment.start + self.send.mss;
            let rest = InFlight {
                start: middle,
                ..segment
            };
            if let Some(first) = self.send.flight.get_mut(at) {
                first.end = middle;
                first.fin = false;
            }
            self.send.flight.insert(at + 1, rest);
            self.resend(at, trigger);
            return;
        }
        let (now, stamp) = (self.now, self.stamp());
        self.send.transmissions += 1;
        let order = self.send.transmissions;
        if let Some(segment) = self.send.flight.get_mut(at) {
            segment.sent = now;
            segment.order = order;
            segment.stamp = stamp;
            segment.again += 1;
            segment.resent = true;
            segment.too_long = false;
        }
        let reason = if segment.too_long {
            Reason::Plain
        } else {
            Reason::Again(trigger)
        };
        let payload = (segment.start, (data_end - segment.start) as u32);
        let mut flags = Flags::ACK;
        if segment.fin {
            flags = flags | Flags::FIN;
        }
        if data_end == self.send.written && payload.1 > 0 {
            flags = flags | Flags::PSH;
        }
        self.emit(flags, segment.start, payload, reason);
    }

    /// Sends new segments, at most so many.
    fn send_new(&mut self, most: u32) {
        let mut count = 0;
        let limited = |host: &Self| host.in_network() >= host.allowed();
        loop {
            if count >= most {
                self.send.limited = true;
                break;
            }
            if !self.send_next(false) {
                self.send.limited = limited(self);
                break;
            }
            count += 1;
        }
        if count > 0 {
            self.arm_timers();
        }
        self.watch_window();
    }

    /// Sends the next new segment, if it may go; `forced` past Nagle and silly windows.
    fn send_next(&mut self, forced: bool) -> bool {
        let send = &self.send;
        let waiting = send.written - send.next;
        let closes = send.closed && !self.fin_sent();
        if waiting <= 0 && !closes {
            return false;
        }
        let edge = send.una.max(send.told_ack) + send.window;
        let room = edge - send.next;
        let len = waiting.min(send.mss).min(room).max(0);
        let idle = send.flight.is_empty();
        if len == 0 && (waiting > 0 || !closes) {
            return false;
        }
        // RFC 9293 section 3.8.6.2.1: no silly segments; and Nagle's algorithm (section 3.7.4).
        let short = len > 0 && len < send.mss;
        if short && !forced {
            let cut = len < waiting;
            if cut && !idle && len < send.widest / 2 {
                return false;
            }
            if cut && idle && len < send.widest / 2 && len < send.mss {
                // Waits for the window to open, or for the persist timer.
                return false;
            }
            if !cut && self.habits.nagle && !idle && !closes {
                return false;
            }
        }
        let start = send.next;
        let last = len == waiting;
        let fin = closes && last;
        let mut flags = Flags::ACK;
        if last && len > 0 {
            flags = flags | Flags::PSH;
        }
        if fin {
            flags = flags | Flags::FIN;
        }
        if self.send.cwr && len > 0 {
            flags = flags | Flags::CWR;
            self.send.cwr = false;
        }
        if fin {
            self.state = match self.state {
                HostState::CloseWait => HostState::LastAck,
                HostState::Established | HostState::SynReceived => HostState::FinWait1,
                other => other,
            };
        }
        let end = start + len + i64::from(fin);
        let segment = self.in_flight(start, end, fin);
        self.send.flight.push_back(segment);
        self.send.next = end;
        self.emit(flags, start, (start, len as u32), Reason::Plain);
        true
    }

    /// What a Fast Open SYN carried and its answer did not take.
    pub(super) fn resend_unaccepted(&mut self) {
        let una = self.send.una;
        if !self.send.flight.is_empty() && una == 1 {
            for segment in &mut self.send.flight {
                segment.lost = true;
            }
            self.resend(0, Trigger::Syn);
        }
    }

    /// RFC 6298 section 2, with Linux's least variance.
    fn rto(&self) -> Nanos {
        let base = match self.send.srtt {
            None => SECOND,
            Some(srtt) => srtt + (4 * self.send.rttvar).max(self.habits.least_rto),
        };
        // Linux's timers tick, and never early.
        (base << self.send.backoff.min(10)).min(120 * SECOND) / MILLI * MILLI + MILLI
    }

    /// Arms whatever waits for an acknowledgment.
    pub(super) fn arm_timers(&mut self) {
        self.arm_resend();
        self.timers.probe = None;
        let send = &self.send;
        let tail = self.habits.tail_loss_probe
            && self.agreed.sack
            && send.phase == Phase::Open
            && send.probed.is_none()
            && !send.flight.is_empty()
            && !send.flight.iter().any(|each| each.sacked);
        if !tail {
            return;
        }
        // RFC 8985 section 7.2, as Linux does it.
        let wait = match send.srtt {
            Some(srtt) if send.flight.len() == 1 => 2 * srtt + self.habits.least_rto,
            Some(srtt) => 2 * srtt + 2 * MILLI,
            None => SECOND,
        };
        // Where the retransmission timer would run out first, the probe takes its place.
        let at = self.now + wait;
        self.timers.probe = self.timers.resend.map(|resend| resend.min(at));
    }

    fn arm_resend(&mut self) {
        self.timers.resend = if self.send.flight.is_empty() {
            None
        } else {
            Some(self.now + self.rto())
        };
        self.touch();
    }

    /// The retransmission timer ran out (RFC 6298 section 5).
    pub(super) fn timeout(&mut self) {
        if self.send.flight.is_empty() {
            return;
        }
        if self.send.backoff >= self.habits.tries {
            self.end(HostState::Closed);
            return;
        }
        if !matches!(self.send.phase, Phase::Loss(_)) {
            self.send.undo = Some(self.send.congestion.memory());
            let flight = self.in_network();
            self.send.congestion.reduce(flight);
        }
        if self.habits.probes_mtu && self.send.backoff >= 1 {
            // RFC 4821: perhaps only long segments vanish.
            self.send.mss = self.send.mss.min(1024 - 12);
        }
        let fresh = !matches!(self.send.phase, Phase::Loss(_));
        self.send.phase = Phase::Loss(self.send.next);
        self.send.congestion.size = 1;
        self.send.probed = None;
        self.send.duplicate_acks = 0;
        self.send.inflation = 0;
        self.send.recover = self.send.next;
        self.timers.probe = None;
        self.timers.rack = None;
        for segment in &mut self.send.flight {
            segment.lost = !segment.sacked;
            segment.resent = false;
        }
        self.send.backoff += 1;
        let first = self.send.flight.iter().position(|each| each.lost);
        if let Some(at) = first {
            let fin = self
                .send
                .flight
                .get(at)
                .is_some_and(|each| each.fin && each.end - each.start == 1);
            let trigger = if fin { Trigger::Fin } else { Trigger::Timeout };
            let stamp = self.stamp();
            if fresh {
                self.send.loss_stamp = Some(stamp);
            }
            self.resend(at, trigger);
        }
        self.arm_resend();
    }

    /// The probe timer of the tail ran out (RFC 8985 section 7.3).
    pub(super) fn probe_tail(&mut self) {
        if self.send.flight.is_empty() || self.send.phase != Phase::Open {
            return;
        }
        if !self.send_next(true) {
            let last = self.send.flight.len() - 1;
            self.resend(last, Trigger::TailLossProbe);
            if let Some(last) = self.send.flight.back_mut() {
                last.resent = false;
            }
        }
        self.send.probed = Some(self.send.next);
        self.arm_resend();
    }

    /// With a closed window and nothing in flight, the persist timer asks (RFC 9293 section
    /// 3.8.6.1).
    fn watch_window(&mut self) {
        let stuck = self.send.flight.is_empty() && self.has_data_to_send() && self.may_send();
        if stuck && self.timers.persist.is_none() {
            let wait = self.rto() << self.timers.persisted.min(8);
            self.timers.persist = Some(self.now + wait.min(120 * SECOND));
        }
    }

    /// Asks whether the window has opened: as Linux does, with no octet, just below what is
    /// acknowledged; or with the next one (RFC 9293 section 3.8.6.1).
    pub(super) fn probe_window(&mut self) {
        if !self.send.flight.is_empty() || !self.has_data_to_send() {
            return;
        }
        self.timers.persisted += 1;
        if self.send.window > 0 && self.send_next(true) {
            self.arm_timers();
            return;
        }
        let (at, octets) = match self.habits.probes_with_data {
            true if self.send.next < self.send.written => (self.send.una, 1),
            _ => (self.send.una - 1, 0),
        };
        self.emit(Flags::ACK, at, (at, octets), Reason::WindowProbe);
        self.watch_window();
    }

    /// Something was sent or received: an idle time begins anew.
    pub(super) fn touch(&mut self) {
        if let Some(habit) = self.habits.keep_alive
            && self.asks_peers()
        {
            self.timers.keep_alive = Some(self.now + habit.idle);
        }
    }

    fn asks_peers(&self) -> bool {
        !matches!(
            self.state,
            HostState::SynSent
                | HostState::SynReceived
                | HostState::Closed
                | HostState::Listen
                | HostState::TimeWait
        )
    }

    /// Asks an idle peer (RFC 9293 section 3.8.4): no octet, one below what comes next.
    pub(super) fn keep_alive(&mut self) {
        let Some(habit) = self.habits.keep_alive.filter(|_| self.asks_peers()) else {
            return;
        };
        if !self.send.flight.is_empty() {
            self.timers.keep_alive = Some(self.now + habit.idle);
            return;
        }
        if self.timers.kept_alive >= habit.probes {
            self.reset(ResetReason::Aborted);
            return;
        }
        self.timers.kept_alive += 1;
        let at = self.send.next - 1;
        self.emit(Flags::ACK, at, (at, 0), Reason::KeepAlive);
        self.timers.keep_alive = Some(self.now + habit.interval);
    }

    /// A router says how long packets may be (RFC 1191): what was longer goes again.
    pub(in crate::generator) fn too_long(&mut self, now: Nanos, mtu: u32) {
        self.now = now;
        let ip = if self.own.is_ipv4() { 20 } else { 40 };
        let options = if self.agreed.timestamps { 12 } else { 0 };
        let mss = i64::from(mtu) - ip - 20 - options;
        if mss >= self.send.mss || mss < 48 {
            return;
        }
        self.send.mss = mss;
        let long = |each: &InFlight| each.end - each.start - i64::from(each.fin) > mss;
        let mut found = false;
        for segment in self.send.flight.iter_mut().filter(|each| long(each)) {
            segment.lost = true;
            segment.resent = false;
            segment.too_long = true;
            found = true;
        }
        if found {
            // Linux enters its loss state without reducing: acknowledgments clock it out.
            self.send.phase = Phase::Recovery(self.send.next);
            self.send_again(self.send.congestion.size);
            self.arm_timers();
        }
    }
}
