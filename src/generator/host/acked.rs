//! What an acknowledgment says: what arrived, how long it took, what must have been lost.

use super::{Host, InFlight, Phase};
use crate::generator::packet::{MILLI, Nanos};
use crate::generator::truth::Header;
use crate::wire::Flags;

/// What one acknowledgment brought.
#[derive(Default)]
struct News {
    /// Segments acknowledged or SACKed for the first time.
    delivered: u32,
    acked: u32,
    /// A round trip that it measures (RFC 6298 section 3, RFC 7323 section 4.1).
    sample: Option<Nanos>,
    sacked: bool,
    /// It acknowledges octets that the timeout sent again, and echoes an earlier transmission.
    echoes_original: bool,
}

impl Host {
    /// Takes an acknowledgment in; the segment that brought it begins at `start`.
    pub(super) fn acknowledged(&mut self, header: &Header, start: i64) {
        let ack = self.acked_position(header.ack);
        if ack == self.send.next + 1 && self.habits.probes_with_data && self.timers.persisted > 0 {
            // The window had opened unheard: the octet of a probe was taken.
            self.send.next = ack;
        }
        if ack > self.send.next {
            self.acknowledge();
            return;
        }
        let before = self.send.una;
        let window_before = self.send.window;
        self.learn_window(header, start, ack);
        let mut news = News::default();
        self.learn_sack(header, ack, &mut news);
        if ack > before {
            self.advance(header, ack, &mut news);
        }
        if let Some(sample) = news.sample {
            self.measure(sample);
        }
        let bare = header.sequence_len() == 0 && !header.flags.has(Flags::SYN);
        let repeated = bare
            && ack == before
            && !self.send.flight.is_empty()
            && window_before == self.send.window;
        if ack > before {
            self.send.duplicate_acks = 0;
        } else if repeated {
            self.send.duplicate_acks += 1;
            if !self.agreed.sack && matches!(self.send.phase, Phase::Recovery(_)) {
                self.send.inflation += 1;
            }
        }
        if self.agreed.ecn && header.flags.has(Flags::ECE) && !header.flags.has(Flags::SYN) {
            self.echoed(ack);
        }
        self.change_phase(ack, before, &news);
        self.detect_losses();
        if self.send.una > before || news.sacked {
            self.arm_timers();
        }
        if news.acked > 0 && self.send.phase == Phase::Open
            || matches!(self.send.phase, Phase::Loss(_))
        {
            let full = self.send.limited;
            if full && news.acked > 0 {
                self.send.congestion.grow(self.now, news.acked);
            }
        }
        self.output();
    }

    /// RFC 9293 section 3.10.7.4: the window of the newest segment.
    fn learn_window(&mut self, header: &Header, start: i64, ack: i64) {
        let send = &mut self.send;
        if ack < send.una {
            return;
        }
        let shift = if header.flags.has(Flags::SYN) || !self.agreed.scaling {
            0
        } else {
            self.agreed.peer_shift
        };
        let window = i64::from(header.window) << shift;
        if ack > send.told_ack
            || start > send.told_at
            || (start == send.told_at && window > send.window)
            || window == 0
        {
            send.window = window;
            (send.told_at, send.told_ack) = (start, ack);
            send.widest = send.widest.max(window);
            if window > 0 {
                self.timers.persist = None;
                self.timers.persisted = 0;
            }
        }
    }

    fn learn_sack(&mut self, header: &Header, ack: i64, news: &mut News) {
        let blocks: Vec<(i64, i64)> = header
            .sack
            .iter()
            .map(|&(left, right)| (self.acked_position(left), self.acked_position(right)))
            .collect();
        let now = self.now;
        let send = &mut self.send;
        for (at, &(left, right)) in blocks.iter().enumerate() {
            let twice = at == 0
                && (right <= ack
                    || blocks
                        .get(1)
                        .is_some_and(|next| next.0 <= left && right <= next.1));
            if twice {
                // A probe of the tail that was needless needs no reduction either.
                continue;
            }
            let mut latest = None;
            for segment in &mut send.flight {
                if segment.sacked || segment.start < left || segment.end > right {
                    continue;
                }
                segment.sacked = true;
                segment.lost = false;
                segment.resent = false;
                news.delivered += 1;
                news.sacked = true;
                if segment.again == 0 {
                    news.sample = Some(now - segment.sent);
                    if segment.end <= send.highest_sacked {
                        send.reordering = true;
                    }
                }
                if latest.is_none_or(|before: InFlight| before.order < segment.order) {
                    latest = Some(*segment);
                }
            }
            if let Some(latest) = latest {
                let min_rtt = send.min_rtt.unwrap_or(0);
                if latest.again == 0 || now - latest.sent >= min_rtt {
                    Self::rack(send, now, &latest);
                }
            }
            send.highest_sacked = send.highest_sacked.max(right);
        }
    }

    /// RFC 8985 section 6.2 step 2.
    fn rack(send: &mut super::SendSide, now: Nanos, arrived: &InFlight) {
        if arrived.order > send.rack_order {
            send.rack_order = arrived.order;
            send.rack_rtt = now - arrived.sent;
        }
    }

    /// The acknowledgment moves up to `ack`.
    fn advance(&mut self, header: &Header, ack: i64, news: &mut News) {
        let now = self.now;
        let echo = header
            .timestamps
            .filter(|_| self.agreed.timestamps)
            .map(|(_, echo)| echo);
        let send = &mut self.send;
        let mut clean = true;
        while let Some(&first) = send.flight.front() {
            if first.end > ack {
                break;
            }
            send.flight.pop_front();
            news.acked += 1;
            if !first.sacked {
                news.delivered += 1;
            }
            clean &= first.again == 0;
            if first.again == 0 && !first.sacked {
                news.sample = Some(now - first.sent);
                if first.end <= send.highest_sacked {
                    send.reordering = true;
                }
            }
            let min_rtt = send.min_rtt.unwrap_or(0);
            let earlier = echo.is_some_and(|echo| (echo.wrapping_sub(first.stamp) as i32) < 0);
            if first.again == 0 || (now - first.sent >= min_rtt && !earlier) {
                Self::rack(send, now, &first);
            }
            if first.fin {
                send.fin_acked = true;
            }
        }
        if let Some(first) = send.flight.front_mut()
            && first.start < ack
        {
            first.start = ack;
        }
        if !clean {
            news.sample = None;
            if let Some(echo) = echo {
                // RFC 7323 section 4.1: the echo tells which transmission is meant.
                let stamp = self.stamp();
                let ticks = stamp.wrapping_sub(echo);
                if ticks < 1 << 20 {
                    news.sample = Some((Nanos::from(ticks) * MILLI).max(MILLI));
                }
            }
        }
        let send = &mut self.send;
        if let (Some(stamp), Some(echo)) = (send.loss_stamp, echo) {
            news.echoes_original = (echo.wrapping_sub(stamp) as i32) < 0;
        }
        send.una = ack;
        send.backoff = 0;
        if send.probed.is_some_and(|probed| ack >= probed) {
            send.probed = None;
        }
    }

    /// RFC 6298 section 2.
    pub(super) fn measure(&mut self, sample: Nanos) {
        let send = &mut self.send;
        send.min_rtt = Some(send.min_rtt.map_or(sample, |least| least.min(sample)));
        match send.srtt {
            None => {
                send.srtt = Some(sample);
                send.rttvar = sample / 2;
            }
            Some(srtt) => {
                send.rttvar += ((sample - srtt).abs() - send.rttvar) / 4;
                send.srtt = Some(srtt + (sample - srtt) / 8);
            }
        }
    }

    /// The receiver has seen a mark: as after a loss, once a window (RFC 3168 section 6.1.2).
    fn echoed(&mut self, ack: i64) {
        if ack > self.send.reduced_until && self.send.phase == Phase::Open {
            self.send.reduced_until = self.send.next;
            self.send.cwr = true;
            let flight = self.in_network();
            self.send.congestion.reduce(flight);
        }
    }

    fn change_phase(&mut self, ack: i64, before: i64, news: &News) {
        let send = &mut self.send;
        match send.phase {
            Phase::Open => {}
            Phase::Loss(_) if ack > before && news.echoes_original => {
                // Eifel (RFC 3522, RFC 4015): the timeout was for nothing.
                for segment in &mut send.flight {
                    segment.lost = false;
                }
                if let Some(memory) = send.undo.take() {
                    send.congestion.restore(memory);
                }
                send.loss_stamp = None;
                send.phase = Phase::Open;
            }
            Phase::Loss(until) | Phase::Recovery(until) if ack >= until => {
                send.phase = Phase::Open;
                send.loss_stamp = None;
                send.duplicate_acks = 0;
                send.inflation = 0;
            }
            Phase::Loss(_) => {
                // Only the first acknowledgment after a timeout can show that it was for nothing.
                if ack > before {
                    send.loss_stamp = None;
                }
            }
            Phase::Recovery(_) if ack > before && !self.agreed.sack => {
                // A partial acknowledgment: the next hole (RFC 6582 section 3.2, step 3).
                send.inflation = send.inflation.saturating_sub(news.acked) + 1;
                if let Some(first) = send.flight.front_mut() {
                    first.lost = true;
                    first.resent = false;
                }
            }
            Phase::Recovery(_) => {}
        }
    }

    /// Finds what must have been lost: by SACK and time (RFC 8985), or by duplicates (RFC 5681).
    pub(super) fn detect_losses(&mut self) {
        let now = self.now;
        let mut found = false;
        if self.agreed.sack {
            let sacked = self.send.flight.iter().filter(|each| each.sacked).count();
            let send = &mut self.send;
            let in_recovery = send.phase != Phase::Open;
            let window = if !send.reordering && (in_recovery || sacked >= 3) {
                0
            } else {
                let least = send.min_rtt.unwrap_or(0) / 4;
                least.min(send.srtt.unwrap_or(0))
            };
            let mut wait: Option<Nanos> = None;
            for segment in &mut send.flight {
                if segment.sacked || (segment.lost && !segment.resent) {
                    continue;
                }
                if segment.order >= send.rack_order {
                    continue;
                }
                let left = segment.sent + send.rack_rtt + window - now;
                if left <= 0 {
                    segment.lost = true;
                    segment.resent = false;
                    found = true;
                } else {
                    wait = Some(wait.map_or(left, |longest| longest.max(left)));
                }
            }
            self.timers.rack = wait.map(|left| now + left + MILLI);
        } else if self.send.duplicate_acks >= 3
            && self.send.phase == Phase::Open
            && self.send.una > self.send.recover
            && let Some(first) = self.send.flight.front_mut()
        {
            first.lost = true;
            first.resent = false;
            found = true;
        }
        if found && self.send.phase == Phase::Open {
            let flight = self.in_network() + 1;
            self.send.congestion.reduce(flight);
            self.send.phase = Phase::Recovery(self.send.next);
            if !self.agreed.sack {
                self.send.recover = self.send.next;
                self.send.inflation = 3;
            }
            self.timers.probe = None;
        }
        if found {
            // The first retransmission goes at once, whatever the window says.
            self.send_again(1);
        }
    }
}
