//! The path between two kernels at work: it reads what hosts send, lets it pass the parts of the
//! path in real time, and writes all of it into the journal.
//!
//! ```text
//! client's TUN ─▶ [tap] ─ near leg ─ [tap] ─ far leg ─ [tap] ─▶ server's TUN     and back
//! ```
//!
//! Before a host is given a packet, what it has sent until then is read: so the journal has both in
//! the order in which they happened there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::clock::Clock;
use super::counters::Reasons;
use super::streams::Streams;
use super::tun::Tun;
use crate::generator::packet::{MILLI, Nanos, SECOND};
use crate::generator::path::{Outcome, Passing, Path};
use crate::generator::random::Random;
use crate::generator::truth::journal::{Happened, Packet};
use crate::generator::truth::{
    Cause, Header, Journal, Leg, Reason, Recorded, Refusal, Side, Tap, Uid,
};
use crate::time::Timestamp;
use crate::wire::{Flags, LinkType};

/// After the programs have ended and nothing passes for so long, it is over: longer than a kernel
/// waits before it repeats its last FIN.
const QUIET: Nanos = SECOND;
/// Whatever happens, it is over then.
const LONGEST: Nanos = 60 * SECOND;
/// Packets that are remembered at most.
const MOST_PACKETS: usize = 500_000;
/// A segment with less payload is not a full one: where it is pushed too, a program has nothing
/// more to say for now. Kernels push full ones as well.
const FULL: u32 = 1_400;
/// Between two looks at whether the programs have ended.
const PATIENCE: Nanos = 20 * MILLI;

/// A host as the path has it.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) tun: Tun,
    pub(super) reasons: Reasons,
}

/// A copy of a packet under way.
struct Copy {
    packet: Uid,
    number: u16,
    /// Its octets, where they are no longer those that were sent.
    changed: Option<Vec<u8>>,
    damaged: bool,
}

/// It enters this part of this stretch of its way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    copy: usize,
    stage: usize,
    part: usize,
}

/// A packet as its host sent it.
struct Sent {
    octets: Vec<u8>,
    range: (i64, i64),
    again: bool,
    copies: u16,
}

/// A frame that a tap saw.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) recorded: Recorded,
    pub(super) octets: Vec<u8>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Everything was said, and nothing is under way.
    Quiet,
    /// It was asked to stop.
    Stopped,
    /// It took longer than anything here may take.
    TooLong,
}

/// The path at work.
pub(super) struct Course<'a> {
    clock: Clock,
    hosts: &'a mut [Host; 2],
    path: Path,
    random: Random,
    pub(super) journal: Journal,
    sent: Vec<Sent>,
    copies: Vec<Copy>,
    queue: BinaryHeap<Reverse<(Nanos, u64, Step)>>,
    count: u64,
    streams: Streams,
    /// What each tap saw, by [`Tap`].
    pub(super) frames: [Vec<Frame>; 3],
    last: Nanos,
}

impl<'a> Course<'a> {
    pub(super) fn new(hosts: &'a mut [Host; 2], path: Path, seed: u64) -> Self {
        Self {
            clock: Clock::start(),
            hosts,
            path,
            random: Random::of(seed, "lab"),
            journal: Journal::default(),
            sent: Vec::new(),
            copies: Vec::new(),
            queue: BinaryHeap::new(),
            count: 0,
            streams: Streams::default(),
            frames: [const { Vec::new() }; 3],
            last: 0,
        }
    }

    /// Lets packets pass until all is over. `done` says whether the programs have ended.
    pub(super) fn run(
        &mut self,
        stop: &AtomicBool,
        mut done: impl FnMut() -> bool,
    ) -> io::Result<End> {
        loop {
            self.read_all()?;
            while let Some(&Reverse((due, _, step))) = self.queue.peek() {
                if due > self.clock.now() {
                    break;
                }
                self.queue.pop();
                self.enter(due, step)?;
            }
            let now = self.clock.now();
            if stop.load(Ordering::Relaxed) {
                return Ok(End::Stopped);
            }
            if now > LONGEST || self.sent.len() > MOST_PACKETS {
                return Ok(End::TooLong);
            }
            if self.queue.is_empty() && now - self.last > QUIET && done() {
                return Ok(End::Quiet);
            }
            self.wait()?;
        }
    }

    /// Until a host sends or a packet is due.
    fn wait(&self) -> io::Result<()> {
        let soon = self.clock.now() + PATIENCE;
        let due = self.queue.peek();
        let due = due.map_or(soon, |Reverse((due, ..))| soon.min(*due));
        let mut ready = [&self.hosts[0], &self.hosts[1]]
            .map(|host| PollFd::new(host.tun.as_fd(), PollFlags::POLLIN));
        let left = TimeSpec::from_duration(self.clock.until(due));
        match ppoll(&mut ready, Some(left), None) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn read_all(&mut self) -> io::Result<()> {
        for side in Side::BOTH {
            self.read(side)?;
        }
        Ok(())
    }

    /// Takes all that a host has sent.
    fn read(&mut self, side: Side) -> io::Result<()> {
        let mut room = [0; 1 << 16];
        while let Some(octets) = self.hosts[side as usize].tun.receive(&mut room)? {
            let Some(header) = Header::read(LinkType::RAW, octets, octets.len() as u32) else {
                // Not TCP: what a kernel says of itself when an interface comes up.
                continue;
            };
            let octets = octets.to_vec();
            self.take(side, header, octets)?;
        }
        Ok(())
    }

    /// A host has sent a packet.
    fn take(&mut self, side: Side, header: Header, octets: Vec<u8>) -> io::Result<()> {
        let Some(placed) = self.streams.sent(side, &header) else {
            return Ok(());
        };
        let now = self.clock.tick();
        let reasons = &mut self.hosts[side as usize].reasons;
        let reason = if let Some(probe) = placed.probe {
            probe
        } else if placed.again {
            reasons
                .sent_again(&header)?
                .map_or(Reason::Plain, Reason::Again)
        } else {
            if header.payload > 0 {
                reasons.new_segment()?;
            }
            Reason::Plain
        };
        let packet = self.journal.sent(Packet {
            sent: self.clock.date(now),
            connection: Some(placed.connection),
            from: side,
            header,
            reason,
            state: None,
            conflicts: false,
        });
        self.sent.push(Sent {
            octets,
            range: placed.range,
            again: placed.again,
            copies: 0,
        });
        self.copies.push(Copy {
            packet,
            number: 0,
            changed: None,
            damaged: false,
        });
        let copy = self.copies.len() - 1;
        self.pass(copy, beside(side), now);
        let first = Step {
            copy,
            stage: 0,
            part: 0,
        };
        self.at(now, first);
        Ok(())
    }

    fn at(&mut self, due: Nanos, step: Step) {
        self.count += 1;
        self.queue.push(Reverse((due, self.count, step)));
    }

    fn note(&mut self, copy: usize, now: Nanos, happened: Happened) -> Timestamp {
        let date = self.clock.date(now);
        self.last = now;
        let Copy { packet, number, .. } = self.copies[copy];
        self.journal.happened(date, packet, number, happened);
        date
    }

    /// A copy passes a tap.
    fn pass(&mut self, copy: usize, tap: Tap, now: Nanos) {
        let time = self.note(copy, now, Happened::Passed(tap));
        let each = &self.copies[copy];
        let recorded = Recorded {
            time,
            packet: each.packet,
            copy: each.number,
            again: false,
        };
        let octets = self.octets(copy).to_vec();
        self.frames[tap as usize].push(Frame { recorded, octets });
    }

    fn octets(&self, copy: usize) -> &[u8] {
        let copy = &self.copies[copy];
        match &copy.changed {
            Some(octets) => octets,
            None => &self.sent[copy.packet as usize].octets,
        }
    }

    /// A copy enters a part of the path at its time.
    fn enter(&mut self, due: Nanos, step: Step) -> io::Result<()> {
        let Step { copy, stage, part } = step;
        let uid = self.copies[copy].packet as usize;
        let packet = &self.journal.packets[uid];
        let from = packet.from;
        let leg = match (from, stage) {
            (Side::Client, 0) | (Side::Server, 1) => Leg::Near,
            _ => Leg::Far,
        };
        let sent = &self.sent[uid];
        let passing = Passing {
            header: &packet.header,
            from,
            connection: packet.connection.unwrap_or(0),
            range: sent.range,
            again: sent.again,
            last: packet.header.flags.has(Flags::PSH) && packet.header.payload < FULL,
            len: sent.octets.len() as u32,
            now: due,
        };
        let Some(next) = self.path.part(from, leg, part) else {
            return self.leave_leg(copy, stage, from);
        };
        let outcome = next.pass(&passing, &mut self.random);
        let then = |copy| Step {
            copy,
            stage,
            part: part + 1,
        };
        match outcome {
            Outcome::On(at) => self.at(at, then(copy)),
            Outcome::Twice(at, later) => {
                let twin = self.copy(copy);
                let now = self.clock.tick();
                self.note(twin, now, Happened::Copied(leg));
                self.at(at, then(copy));
                self.at(later, then(twin));
            }
            Outcome::Damaged(at) => {
                let mut octets = self.octets(copy).to_vec();
                if let Some(last) = octets.last_mut() {
                    *last ^= 0x20;
                }
                self.copies[copy].changed = Some(octets);
                self.copies[copy].damaged = true;
                let now = self.clock.tick();
                self.note(copy, now, Happened::Damaged(leg));
                self.at(at, then(copy));
            }
            Outcome::Marked(at) => {
                if let Some(octets) = marked(self.octets(copy)) {
                    self.copies[copy].changed = Some(octets);
                    let now = self.clock.tick();
                    self.note(copy, now, Happened::Marked(leg));
                }
                self.at(at, then(copy));
            }
            Outcome::Died(cause) => self.die(copy, leg, cause),
            // Nobody here would tell the sender.
            Outcome::TooLong(_) => self.die(copy, leg, Cause::TooLong),
        }
        Ok(())
    }

    fn die(&mut self, copy: usize, leg: Leg, cause: Cause) {
        let now = self.clock.tick();
        self.note(copy, now, Happened::Died(leg, cause));
    }

    /// Another copy of the same packet.
    fn copy(&mut self, copy: usize) -> usize {
        let Copy {
            packet,
            ref changed,
            damaged,
            ..
        } = self.copies[copy];
        let changed = changed.clone();
        let sent = &mut self.sent[packet as usize];
        sent.copies += 1;
        let number = sent.copies;
        self.copies.push(Copy {
            packet,
            number,
            changed,
            damaged,
        });
        self.copies.len() - 1
    }

    fn leave_leg(&mut self, copy: usize, stage: usize, from: Side) -> io::Result<()> {
        if stage == 0 {
            let now = self.clock.tick();
            self.pass(copy, Tap::Middle, now);
            let second = Step {
                copy,
                stage: 1,
                part: 0,
            };
            self.at(now, second);
            return Ok(());
        }
        let to = from.peer();
        self.read(to)?;
        let now = self.clock.tick();
        self.pass(copy, beside(to), now);
        let refused = self.copies[copy].damaged.then_some(Refusal::Damaged);
        let now = self.clock.tick();
        self.note(
            copy,
            now,
            Happened::Arrived {
                refused,
                state: None,
            },
        );
        let packet = &self.journal.packets[self.copies[copy].packet as usize];
        if refused.is_none() {
            let connection = packet.connection.unwrap_or(0);
            self.streams.arrived(connection, from, &packet.header);
        }
        self.hosts[to as usize].tun.send(self.octets(copy))
    }
}

const fn beside(side: Side) -> Tap {
    match side {
        Side::Client => Tap::Client,
        Side::Server => Tap::Server,
    }
}

/// An ECN-capable IPv4 packet with codepoint CE (RFC 3168 section 5); `None` for others.
fn marked(octets: &[u8]) -> Option<Vec<u8>> {
    let (&class, &version) = (octets.get(1)?, octets.first()?);
    if version >> 4 != 4 || !matches!(class & 3, 1 | 2) {
        return None;
    }
    let mut octets = octets.to_vec();
    let word = |octets: &[u8], at: usize| {
        let word = octets.get(at..).and_then(|rest| rest.first_chunk());
        word.map_or(0, |word| u16::from_be_bytes(*word))
    };
    let before = word(&octets, 0);
    *octets.get_mut(1)? |= 3;
    // RFC 1624: the checksum changes by what the word changes.
    let mut sum = u32::from(!word(&octets, 10)) + u32::from(!before) + u32::from(word(&octets, 0));
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = (!(sum as u16)).to_be_bytes();
    octets.get_mut(10..12)?.copy_from_slice(&sum);
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::marked;

    #[test]
    fn a_marked_packet_has_a_right_checksum() {
        let mut header = vec![
            0x45, 0x02, 0, 20, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2,
        ];
        let sum = |octets: &[u8]| {
            let mut sum: u32 = octets
                .chunks(2)
                .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
                .sum();
            while sum > 0xffff {
                sum = (sum & 0xffff) + (sum >> 16);
            }
            !sum as u16
        };
        let own = sum(&header).to_be_bytes();
        header[10..12].copy_from_slice(&own);
        assert_eq!(sum(&header), 0);
        let after = marked(&header).unwrap();
        assert_eq!((after[1], sum(&after)), (3, 0));
        // What is not ECN-capable, or marked already, or no packet, is left alone.
        assert_eq!(marked(&after), None);
        header[1] = 0;
        assert_eq!(marked(&header), None);
        assert_eq!(marked(&[]), None);
    }
}
