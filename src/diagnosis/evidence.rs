//! What is gathered on the way for findings: counts that can be added up, each with a few frames.

use crate::time::{Span, Timestamp};
use crate::wire::Address;

/// A count, and the first frames of what was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// Numbers of the first frames; 0 is none.
    frames: [u64; Self::KEPT],
}

impl Tally {
    const KEPT: usize = 3;

    /// So many, of which these frames are the first.
    pub fn of(count: u64, frames: &[u64]) -> Self {
        let mut tally = Self::default();
        for &frame in frames {
            tally.keep(frame);
        }
        tally.count = count;
        tally
    }

    /// One more, in this frame (0: in none).
    #[inline]
    pub fn add(&mut self, frame: u64) {
        self.count += 1;
        if self
            .frames
            .last()
            .is_some_and(|&last| last == 0 || frame < last)
        {
            self.keep(frame);
        }
    }

    /// Keeps a frame if it is among the first.
    fn keep(&mut self, frame: u64) {
        let mut frame = frame;
        if frame == 0 || self.frames.contains(&frame) {
            return;
        }
        for kept in &mut self.frames {
            if *kept == 0 || frame < *kept {
                core::mem::swap(kept, &mut frame);
            }
            if frame == 0 {
                return;
            }
        }
    }

    /// Adds another up.
    pub fn absorb(&mut self, other: &Self) {
        self.count += other.count;
        for frame in other.frames() {
            self.keep(frame);
        }
    }

    /// The first frames.
    pub fn frames(&self) -> Vec<u64> {
        self.frames
            .iter()
            .copied()
            .filter(|&frame| frame != 0)
            .collect()
    }
}

/// A span of capture time in which hosts' timestamps moved much less than the capture's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// The last that a host was seen before.
    pub from: Timestamp,
    /// The first after.
    pub to: Timestamp,
    /// The frame at `to`.
    pub frame: u64,
    /// What the hosts' clocks did not go along with.
    pub by: Span,
    /// Which sides of connections say so: bit 0 clients, bit 1 servers.
    pub sides: u8,
}

impl Jump {
    /// Whether two may be the same.
    fn overlaps(&self, other: &Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// What is known for findings about the capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Frames.
    pub frames: u64,
    /// Frames that the capture says it lost.
    pub missed: u64,
    /// Frames whose TCP segment, if they held one, could not be looked at: damaged, cut, or
    /// fragments of IP.
    pub unread: u64,
    /// Frames of which not even all headers were captured.
    pub headers_cut: u64,
    /// Connections that had more than SYNs.
    pub connections: u64,

    /// TCP packets that can be told from their neighbours.
    pub packets: u64,
    /// … that are copies of one of the sixteen before them.
    pub copies: Tally,
    /// … of them with payload.
    pub data_copies: u64,
    /// … with another TTL.
    pub copies_routed: u64,
    /// … on another interface.
    pub copies_elsewhere: u64,
    /// The time after the first by the power of two of its microseconds.
    pub copy_delay: [u64; 16],
    /// DSACKs seen.
    pub dsacks: u64,

    /// Ranges that were acknowledged and never captured, on connections seen both ways.
    pub unseen: Tally,
    /// Octets in them.
    pub unseen_octets: u64,
    /// At least so many frames.
    pub unseen_frames: u64,

    /// Acknowledgments captured before what they acknowledge.
    pub early_acks: Tally,
    /// By how much at most.
    pub early_by: Span,
    /// Frames with times before that of a frame before them, few in a row.
    pub late: Tally,
    /// By how much at most.
    pub late_by: Span,

    /// Steps back of the clock after which time went on from there.
    pub back: Tally,
    /// By how much at most.
    pub back_by: Span,
    /// Packets of a host that are earlier than its packet before.
    pub back_within: Tally,
    /// By how much at most.
    pub back_within_by: Span,
    /// The longest times of a second or more without a frame: the last before, the first after.
    pub silences: Vec<(Timestamp, Timestamp)>,
    /// Times that hosts' clocks did not see.
    pub jumps: Vec<Jump>,

    /// Connections of which one host was never seen to send, though it did.
    pub one_way: Tally,
    /// Connections seen both ways.
    pub both_ways: Tally,
    /// Connections with data whose handshake was not captured.
    pub late_starts: Tally,
    /// Connections whose handshake was captured.
    pub handshakes: Tally,

    /// Frames of which not all was captured.
    pub cut: Tally,
    /// Bytes of such a frame that were captured, at least …
    pub cut_least: u32,
    /// … and at most.
    pub cut_most: u32,
    /// Frames captured whole.
    pub whole: Tally,

    /// Segments larger than what their receiver agreed to, or than any link carries.
    pub oversize: Tally,
    /// Payload of the largest in bytes.
    pub oversize_most: u32,
    /// The MSS that one of them exceeds in bytes; 0 is not known.
    pub oversize_mss: u32,

    /// Directions of connections of which checksums were verified.
    pub verified: u64,
    /// … in which all were wrong and the data acknowledged all the same.
    pub wrong: Tally,
    /// … and all of them what a host leaves to its card to fill in.
    pub unfilled: u64,
    /// A segment with a right checksum.
    pub right: Tally,
    /// Who sent the wrong ones; `None` with [`wrong`](Self::wrong) is several.
    pub wrong_host: Option<Address>,
}

impl Evidence {
    /// Silences and jumps kept at most.
    const MOST: usize = 16;

    /// Notes a time without frames.
    pub fn silence(&mut self, from: Timestamp, to: Timestamp) {
        self.silences.push((from, to));
        if self.silences.len() > Self::MOST {
            self.silences
                .sort_by_key(|&(from, to)| (core::cmp::Reverse(to - from), from));
            self.silences.truncate(Self::MOST);
        }
    }

    /// Notes a time that a host's clock did not see.
    pub fn jump(&mut self, jump: Jump) {
        if let Some(same) = self.jumps.iter_mut().find(|same| same.overlaps(&jump)) {
            same.from = same.from.max(jump.from);
            same.to = same.to.min(jump.to);
            same.frame = same.frame.min(jump.frame);
            same.by = same.by.min(jump.by);
            same.sides |= jump.sides;
        } else if self.jumps.len() < Self::MOST {
            self.jumps.push(jump);
        }
    }

    /// Notes who sent segments with wrong checksums on one connection.
    pub fn wrong_from(&mut self, host: Address, frame: u64) {
        self.wrong_host = match (self.wrong.count, self.wrong_host) {
            (0, _) => Some(host),
            (_, Some(same)) if same == host => Some(host),
            _ => None,
        };
        self.wrong.add(frame);
    }

    /// Adds up what another part of the same capture gave.
    pub fn absorb(&mut self, other: &Self) {
        // Every field, so that a new one is not forgotten.
        let Self {
            frames,
            missed,
            unread,
            headers_cut,
            connections,
            packets,
            copies,
            data_copies,
            copies_routed,
            copies_elsewhere,
            copy_delay,
            dsacks,
            unseen,
            unseen_octets,
            unseen_frames,
            early_acks,
            early_by,
            late,
            late_by,
            back,
            back_by,
            back_within,
            back_within_by,
            silences,
            jumps,
            one_way,
            both_ways,
            late_starts,
            handshakes,
            cut,
            cut_least,
            cut_most,
            whole,
            oversize,
            oversize_most,
            oversize_mss,
            verified,
            wrong,
            unfilled,
            right,
            wrong_host,
        } = other;
        for (ours, theirs) in [
            (&mut self.frames, frames),
            (&mut self.missed, missed),
            (&mut self.unread, unread),
            (&mut self.headers_cut, headers_cut),
            (&mut self.connections, connections),
            (&mut self.packets, packets),
            (&mut self.data_copies, data_copies),
            (&mut self.copies_routed, copies_routed),
            (&mut self.copies_elsewhere, copies_elsewhere),
            (&mut self.dsacks, dsacks),
            (&mut self.unseen_octets, unseen_octets),
            (&mut self.unseen_frames, unseen_frames),
            (&mut self.verified, verified),
            (&mut self.unfilled, unfilled),
        ] {
            *ours += theirs;
        }
        for (ours, theirs) in self.copy_delay.iter_mut().zip(copy_delay) {
            *ours += theirs;
        }
        for (ours, theirs) in [
            (&mut self.early_by, early_by),
            (&mut self.late_by, late_by),
            (&mut self.back_by, back_by),
            (&mut self.back_within_by, back_within_by),
        ] {
            *ours = (*ours).max(*theirs);
        }
        for &(from, to) in silences {
            self.silence(from, to);
        }
        for &each in jumps {
            self.jump(each);
        }
        self.cut_least = match (self.cut.count, cut.count) {
            (0, _) => *cut_least,
            (_, 0) => self.cut_least,
            _ => self.cut_least.min(*cut_least),
        };
        self.cut_most = self.cut_most.max(*cut_most);
        self.oversize_most = self.oversize_most.max(*oversize_most);
        self.oversize_mss = self.oversize_mss.max(*oversize_mss);
        self.wrong_host = match (self.wrong.count, wrong.count) {
            (0, _) => *wrong_host,
            (_, 0) => self.wrong_host,
            _ => self.wrong_host.filter(|host| Some(*host) == *wrong_host),
        };
        for (ours, theirs) in [
            (&mut self.copies, copies),
            (&mut self.unseen, unseen),
            (&mut self.early_acks, early_acks),
            (&mut self.late, late),
            (&mut self.back, back),
            (&mut self.back_within, back_within),
            (&mut self.one_way, one_way),
            (&mut self.both_ways, both_ways),
            (&mut self.late_starts, late_starts),
            (&mut self.handshakes, handshakes),
            (&mut self.cut, cut),
            (&mut self.whole, whole),
            (&mut self.oversize, oversize),
            (&mut self.wrong, wrong),
            (&mut self.right, right),
        ] {
            ours.absorb(theirs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_keeps_the_first_frames_however_it_comes_to_them() {
        let mut one = Tally::default();
        for frame in [9, 4, 0, 4, 7, 2, 8] {
            one.add(frame);
        }
        assert_eq!((one.count, one.frames()), (7, vec![2, 4, 7]));
        let mut two = Tally::of(3, &[5, 6, 10]);
        two.absorb(&one);
        assert_eq!((two.count, two.frames()), (10, vec![2, 4, 5]));
    }

    #[test]
    fn several_hosts_are_not_named() {
        let host = |last| Address::v4([192, 0, 2, last]);
        let mut evidence = Evidence::default();
        evidence.wrong_from(host(1), 1);
        evidence.wrong_from(host(1), 2);
        assert_eq!(evidence.wrong_host, Some(host(1)));
        let mut sum = Evidence::default();
        sum.absorb(&evidence);
        assert_eq!(sum, evidence);
        evidence.wrong_from(host(2), 3);
        evidence.wrong_from(host(1), 4);
        assert_eq!(evidence.wrong_host, None);
        sum.absorb(&evidence);
        assert_eq!((sum.wrong_host, sum.wrong.count), (None, 6));
    }
}
