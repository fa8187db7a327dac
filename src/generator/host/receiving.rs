//! Octets in: what is kept, when it is acknowledged, and what window is advertised.

use super::Host;
use crate::generator::truth::{HostState, Reason};
use crate::wire::Flags;

impl Host {
    /// Takes octets in, and decides when to acknowledge them (RFC 5681 section 4.2).
    pub(super) fn take(&mut self, start: i64, end: i64, fin: bool) {
        let receive = &mut self.receive;
        if fin {
            receive.fin = Some(end - 1);
        }
        let before = receive.next;
        if end <= before {
            receive.twice = Some((start, end));
            self.acknowledge();
            return;
        }
        if start > before {
            if receive.early.holds(start, end) {
                receive.twice = Some((start, end));
            }
            receive.early.add(start, end);
            let whole = receive.early.within(start - 1, end + 1).next();
            // The whole range that it now belongs to comes first.
            let range = receive
                .early
                .iter()
                .find(|range| range.0 <= start && end <= range.1)
                .or(whole)
                .unwrap_or((start, end));
            receive
                .blocks
                .retain(|block| block.1 < range.0 || range.1 < block.0);
            receive.blocks.push_front(range);
            receive.blocks.truncate(8);
            self.acknowledge();
            return;
        }
        if start < before {
            receive.twice = Some((start, before));
        }
        receive.next = end;
        let was_early = !receive.early.is_empty();
        if was_early {
            let overlap = receive.early.within(start, end).next();
            if let Some(overlap) = overlap
                && receive.twice.is_none()
            {
                receive.twice = Some(overlap);
            }
            let early: Vec<_> = receive.early.iter().collect();
            for (from, to) in early {
                if from <= receive.next {
                    receive.next = receive.next.max(to);
                }
            }
            receive.early.drop_below(receive.next);
            let next = receive.next;
            receive.blocks.retain(|block| block.1 > next);
        }
        let ended = receive.fin.is_some_and(|fin| receive.next > fin);
        if ended {
            self.end_received();
        }
        let receive = &mut self.receive;
        receive.pending += 1;
        let at_once = was_early || receive.twice.is_some() || ended || receive.quick > 0;
        receive.quick = receive.quick.saturating_sub(1);
        // The user may read now and answer: the acknowledgment goes with that.
        let position = self.receive.next;
        if at_once || self.receive.pending >= 2 {
            self.read_quietly();
            self.acknowledge();
        } else if self.receive.last_ack < position {
            let at = self.now + self.habits.delayed_ack;
            self.timers.ack = Some(self.timers.ack.map_or(at, |before| before.min(at)));
        }
    }

    /// The user reads before the acknowledgment goes out.
    fn read_quietly(&mut self) {
        if self.program.reader == super::Reader::AtOnce {
            let end = self.receive.next;
            self.receive.read = self.receive.read.max(end);
        }
    }

    fn end_received(&mut self) {
        self.state = match self.state {
            HostState::SynReceived | HostState::Established => HostState::CloseWait,
            HostState::FinWait1 if self.send.fin_acked => HostState::TimeWait,
            HostState::FinWait1 => HostState::Closing,
            HostState::FinWait2 => HostState::TimeWait,
            other => other,
        };
    }

    /// Sends a bare acknowledgment.
    pub(super) fn acknowledge(&mut self) {
        let at = self.send.next;
        self.emit(Flags::ACK, at, (at, 0), Reason::Plain);
    }

    /// The window field of what is sent now (RFC 9293 section 3.8.6.2.2: it grows in steps that are
    /// worth it, and never shrinks).
    pub(super) fn advertise(&mut self, syn: bool, rst: bool) -> u16 {
        if rst {
            return 0;
        }
        let receive = &mut self.receive;
        let unread = (receive.next - receive.read).max(0);
        let free = (self.habits.buffer - unread).max(0);
        let shift = match self.habits.window_scale {
            Some(shift) if self.agreed.scaling && !syn => u32::from(shift),
            _ => 0,
        };
        let step = i64::from(self.habits.mss).min(self.habits.buffer / 2);
        let wanted = receive.next + free;
        let told = receive.edge;
        if wanted - receive.edge >= step || receive.edge <= receive.next && free >= step {
            receive.edge = wanted;
        }
        receive.edge = receive.edge.max(receive.next);
        let mut field = (receive.edge - receive.next) >> shift;
        if receive.next + (field << shift) < told {
            // What was promised stays promised: rounded up, as Linux does.
            field += 1;
        }
        let field = field.min(0xffff);
        // What can't be said is not advertised.
        receive.edge = receive.next + (field << shift);
        receive.zero = field == 0;
        field as u16
    }

    /// Sends a window update where reading opened the window by much (RFC 1122 section 4.2.3.3).
    pub(super) fn tell_window(&mut self) {
        let connected = matches!(
            self.state,
            HostState::Established | HostState::FinWait1 | HostState::FinWait2
        );
        // Before anything has come there is nothing to update: what a SYN could not say of a scaled
        // window goes with the first acknowledgment.
        if !connected || self.receive.isn.is_none() || self.receive.next <= 1 {
            return;
        }
        let receive = &self.receive;
        let unread = (receive.next - receive.read).max(0);
        let shift = match self.habits.window_scale {
            Some(shift) if self.agreed.scaling => u32::from(shift),
            _ => 0,
        };
        // No more than can be said.
        let free = (self.habits.buffer - unread).min(0xffff << shift);
        let known = receive.edge - receive.next;
        let mss = i64::from(self.habits.mss);
        let worth = (self.habits.buffer / 2).min(2 * mss);
        let starved = known < mss && free >= worth;
        if starved || (free >= 2 * known && free - known >= self.habits.buffer / 2) {
            self.acknowledge();
        }
    }
}
