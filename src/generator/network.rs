//! A small network: hosts, a path with a tap, simulated time.
//!
//! ```text
//!  client ─┬─ near leg ─┬─ far leg ─┬─ server      time is a queue of events; whoever is called
//!        [tap]        [tap]       [tap]            may ask to be called again
//! ```
//!
//! Everything that happens is written into a [`Journal`]; what the tap sees is recorded as frames.
//! Integers only, no order that depends on addresses or hashes: the same seed makes the same bytes
//! on every machine.

mod stateless;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::datagram::{IpPacket, Message};
use super::host::{Host, Incoming};
use super::packet::{MICRO, MILLI, Nanos, Outgoing, SECOND, Wear, Wrapping};
use super::path::{CaptureFaults, Delay, Outcome, Passing, Path};
use super::random::Random;
use super::source::{BEGIN, GeneratedSource, RecordedFrame};
pub use super::talk::Talk;
use super::truth::journal::{Happened, Packet};
use super::truth::{
    Cause, Header, HostState, Journal, Leg, Reason, Recorded, Refusal, Side, Tap, Uid, judge,
};
use crate::time::Timestamp;
use crate::wire::Flags;

/// From the wire beside a host to its TCP.
const HOST_LATENCY: Nanos = 20 * MICRO;
/// Bits per second of a host's interface.
const INTERFACE_RATE: i64 = 1_000_000_000;
/// Routers on the near and on the far leg.
const HOPS: [u8; 2] = [3, 4];
/// A scenario that goes on for longer than this is broken, and ends.
const MOST_EVENTS: u64 = 5_000_000;

/// What shall happen at some time: whatever a scenario wants to do to the network then.
pub type Plan = fn(&mut Network);

enum Event {
    Start(usize),
    Wake(usize),
    Leave(usize),
    Enter {
        copy: usize,
        stage: usize,
        part: usize,
    },
    Arrive(usize),
    Told {
        copy: usize,
        taps: usize,
        mtu: u32,
    },
    Plan(Plan),
    Message(Box<Message>),
}

/// A copy of a packet under way.
struct Copy {
    packet: Uid,
    number: u16,
    wear: Wear,
}

/// What travels: a segment of a host, a packet that is none, or a frame made elsewhere.
enum Content {
    Segment(Outgoing),
    Packet(IpPacket, Option<Box<Message>>),
    Frame(Vec<u8>),
}

struct Seen {
    time: Nanos,
    copy: usize,
    wear: Wear,
    again: bool,
}

/// A small network. Scenarios set it up and let it run.
pub struct Network {
    /// What can go wrong on the way.
    pub path: Path,
    /// What is wrong with the capture.
    pub faults: CaptureFaults,
    /// How frames are wrapped.
    pub wrapping: Wrapping,
    /// When the scenario ends at the latest.
    pub until: Nanos,
    /// Chance for the scenario's own use.
    pub random: Random,
    tap: Tap,
    seed: u64,
    now: Nanos,
    count: u64,
    queue: BinaryHeap<Reverse<(Nanos, u64, usize)>>,
    events: Vec<Option<Event>>,
    hosts: Vec<Host>,
    free_at: Vec<Nanos>,
    wakes: Vec<Option<Nanos>>,
    copies: Vec<Copy>,
    contents: Vec<Content>,
    copied: Vec<u16>,
    journal: Journal,
    seen: Vec<Seen>,
    on_the_way: Random,
    capturing: Random,
}

impl Network {
    /// A network without hosts: two legs of 5 and 15 ms.
    pub fn new(seed: u64, tap: Tap) -> Self {
        let mut network = Self::bare(seed, tap);
        network.delays(5 * MILLI, 15 * MILLI);
        network
    }

    /// A network without hosts and without any parts on the path.
    pub fn bare(seed: u64, tap: Tap) -> Self {
        Self {
            path: Path::default(),
            faults: CaptureFaults::default(),
            wrapping: Wrapping::Plain,
            until: 600 * SECOND,
            random: Random::of(seed, "scenario"),
            tap,
            seed,
            now: 0,
            count: 0,
            queue: BinaryHeap::new(),
            events: Vec::new(),
            hosts: Vec::new(),
            free_at: Vec::new(),
            wakes: Vec::new(),
            copies: Vec::new(),
            contents: Vec::new(),
            copied: Vec::new(),
            journal: Journal::default(),
            seen: Vec::new(),
            on_the_way: Random::of(seed, "path"),
            capturing: Random::of(seed, "capture"),
        }
    }

    /// Adds a delay to both legs, each way.
    pub fn delays(&mut self, near: Nanos, far: Nanos) {
        for side in Side::BOTH {
            self.path
                .add(side, Leg::Near, Delay::with_jitter(near, near / 50));
            self.path
                .add(side, Leg::Far, Delay::with_jitter(far, far / 50));
        }
    }

    /// Adds a conversation; gives its number.
    pub fn talk(&mut self, talk: Talk) -> u32 {
        let connection = (self.hosts.len() / 2) as u32;
        let mut random = Random::of(self.seed ^ u64::from(connection) << 32, "hosts");
        let Talk {
            at,
            sockets,
            isns,
            habits,
            acts,
        } = talk;
        for (side, (habits, acts)) in Side::BOTH.into_iter().zip(habits.into_iter().zip(acts)) {
            let isn = isns[side as usize].unwrap_or(random.next() as u32);
            let first_id = random.next() as u16;
            let own = sockets[side as usize];
            let peer = sockets[side.peer() as usize];
            let host = Host::new(side, own, peer, isn, first_id, habits, acts);
            self.hosts.push(host);
            self.free_at.push(0);
            self.wakes.push(None);
            let index = self.hosts.len() - 1;
            self.at(at, Event::Start(index));
        }
        connection
    }

    /// Does something at that time.
    pub fn plan(&mut self, at: Nanos, plan: Plan) {
        self.at(at, Event::Plan(plan));
    }

    /// A host of a conversation.
    pub fn host(&self, connection: u32, side: Side) -> Option<&Host> {
        self.hosts.get(connection as usize * 2 + side as usize)
    }

    /// A bare acknowledgment as a host would send it now, to be made something else of.
    pub fn template(&self, connection: u32, side: Side) -> Option<Outgoing> {
        let host = self.host(connection, side)?;
        let place = host.place();
        Some(Outgoing {
            from: side,
            source: host.own,
            destination: host.peer,
            seq: place.next,
            ack: place.received,
            flags: Flags::ACK,
            window: 502,
            urgent: 0,
            options: Vec::new(),
            payload: (place.position, 0),
            other_bytes: false,
            words: None,
            id: place.id,
            ttl: host.habits.ttl,
            ecn: 0,
            reason: Reason::Plain,
            state: host.state,
        })
    }

    /// Sends a packet that somebody half way has made, towards the peer of whom it claims to be.
    pub fn forge(&mut self, connection: u32, packet: Outgoing) {
        let packet = Outgoing {
            reason: Reason::Forged,
            ..packet
        };
        let copy = self.register(connection, self.now, Content::Segment(packet));
        self.pass(copy, Tap::Middle);
        let enter = Event::Enter {
            copy,
            stage: 1,
            part: 0,
        };
        self.at(self.now, enter);
    }

    /// Sends a packet that a host's user made itself, past its TCP.
    pub fn send_raw(&mut self, connection: u32, packet: Outgoing, conflicts: bool) {
        let copy = self.register(connection, self.now, Content::Segment(packet));
        let uid = self.copies[copy].packet;
        if let Some(packet) = self.journal.packets.get_mut(uid as usize) {
            packet.conflicts = conflicts;
        }
        self.at(self.now, Event::Leave(copy));
    }

    /// So many octets from the client are sent, received and acknowledged all at once, and the
    /// capture misses them. Nothing may be in flight.
    pub fn jump(&mut self, connection: u32, octets: u32) {
        let [client, server] = [0, 1].map(|side| connection as usize * 2 + side);
        let Some(place) = self.hosts.get(client).map(Host::place) else {
            return;
        };
        let time = self.clock(self.now);
        let (source, destination) = (self.hosts[client].own, self.hosts[client].peer);
        let header = Header {
            source: Some(source),
            destination: Some(destination),
            seq: place.next,
            ack: place.received,
            flags: Flags::ACK,
            window: u16::MAX,
            payload: octets,
            ..Header::default()
        };
        let uid = self.journal.sent(Packet {
            sent: time,
            connection: Some(connection),
            from: Side::Client,
            header,
            reason: Reason::Plain,
            state: Some(self.hosts[client].state),
            conflicts: false,
        });
        self.contents.push(Content::Frame(Vec::new()));
        self.copied.push(0);
        for tap in Tap::ALL {
            self.journal.happened(time, uid, 0, Happened::Passed(tap));
        }
        let arrived = Happened::Arrived {
            refused: None,
            state: Some(self.hosts[server].state),
        };
        self.journal.happened(time, uid, 0, arrived);
        self.hosts[client].jump(i64::from(octets), 0);
        self.hosts[server].jump(0, i64::from(octets));
    }

    /// Runs until nothing more happens, and gives what the tap recorded.
    pub fn run(mut self, scenario: &str) -> GeneratedSource {
        self.go();
        self.into_source(scenario)
    }

    fn go(&mut self) {
        while let Some(Reverse((time, _, event))) = self.queue.pop() {
            if time > self.until || self.count > MOST_EVENTS {
                break;
            }
            self.now = time;
            if let Some(event) = self.events.get_mut(event).and_then(Option::take) {
                self.happen(event);
            }
        }
    }

    /// Runs until nothing more happens, and tells what hosts were left with.
    #[cfg(test)]
    pub(super) fn unfinished(mut self) -> Vec<String> {
        self.go();
        let left = |(at, host): (usize, &Host)| {
            let left = host.left()?;
            Some(format!("{} {}: {left}", at / 2, host.side.name()))
        };
        self.hosts.iter().enumerate().filter_map(left).collect()
    }

    fn at(&mut self, time: Nanos, event: Event) {
        self.count += 1;
        self.events.push(Some(event));
        self.queue
            .push(Reverse((time, self.count, self.events.len() - 1)));
    }

    fn clock(&self, time: Nanos) -> Timestamp {
        BEGIN + crate::time::Span::from_nanos(time)
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Start(host) => {
                self.hosts[host].start(now);
                self.attend(host);
            }
            Event::Wake(host) => {
                if self.wakes[host] == Some(now) {
                    self.wakes[host] = None;
                    self.hosts[host].wake(now);
                    self.attend(host);
                }
            }
            Event::Leave(copy) => {
                let from = self.packet(copy).from;
                self.pass(copy, beside(from));
                self.enter(copy, 0, 0);
            }
            Event::Enter { copy, stage, part } => self.enter(copy, stage, part),
            Event::Arrive(copy) => self.arrive(copy),
            Event::Told { copy, taps, mtu } => self.told(copy, taps, mtu),
            Event::Plan(plan) => plan(self),
            Event::Message(message) => {
                let id = self.random.next() as u16;
                let packet = message.packet(id);
                self.leave(packet, Some(message));
            }
        }
    }

    fn packet(&self, copy: usize) -> &Packet {
        &self.journal.packets[self.copies[copy].packet as usize]
    }

    /// After a host did something: what it sends leaves, and it is woken when it wants to be.
    fn attend(&mut self, host: usize) {
        let out = std::mem::take(&mut self.hosts[host].out);
        for packet in out {
            let at = self.free_at[host].max(self.now);
            let wire_len = i64::from(packet.ip_len()) + 38;
            self.free_at[host] = at + wire_len * 8 * SECOND / INTERFACE_RATE;
            let copy = self.register((host / 2) as u32, at, Content::Segment(packet));
            self.at(at, Event::Leave(copy));
        }
        let wakes = self.hosts[host].wakes();
        if let Some(at) = wakes.map(|at| at.max(self.now))
            && self.wakes[host].is_none_or(|before| at != before)
        {
            self.wakes[host] = Some(at);
            self.at(at, Event::Wake(host));
        } else if wakes.is_none() {
            self.wakes[host] = None;
        }
    }

    /// Writes a packet into the journal; gives its first copy.
    fn register(&mut self, connection: u32, at: Nanos, content: Content) -> usize {
        let packet = match &content {
            Content::Segment(segment) => Packet {
                sent: self.clock(at),
                connection: Some(connection),
                from: segment.from,
                header: segment.header(),
                reason: segment.reason,
                state: (segment.reason != Reason::Forged).then_some(segment.state),
                conflicts: false,
            },
            Content::Packet(..) | Content::Frame(_) => Packet {
                sent: self.clock(at),
                connection: matches!(content, Content::Frame(_)).then_some(connection),
                from: match &content {
                    Content::Packet(packet, _) => packet.from,
                    _ => Side::Server,
                },
                header: Header::default(),
                reason: Reason::Plain,
                state: None,
                conflicts: false,
            },
        };
        let uid = self.journal.sent(packet);
        self.contents.push(content);
        self.copied.push(0);
        self.copies.push(Copy {
            packet: uid,
            number: 0,
            wear: Wear::default(),
        });
        self.copies.len() - 1
    }

    fn note(&mut self, copy: usize, happened: Happened) {
        let Copy { packet, number, .. } = self.copies[copy];
        let time = self.clock(self.now);
        self.journal.happened(time, packet, number, happened);
    }

    /// A copy passes a tap.
    fn pass(&mut self, copy: usize, tap: Tap) {
        self.note(copy, Happened::Passed(tap));
        let from = self.packet(copy).from;
        if tap != self.tap || self.faults.misses(self.now, from, &mut self.capturing) {
            return;
        }
        let seen = |time, again, wear| Seen {
            time,
            copy,
            wear,
            again,
        };
        let wear = self.copies[copy].wear;
        self.seen.push(seen(self.now, false, wear));
        if let Some(after) = self.faults.mirror {
            self.seen.push(seen(self.now + after, true, wear));
        }
    }

    fn enter(&mut self, copy: usize, stage: usize, part: usize) {
        let from = self.packet(copy).from;
        let leg = match (from, stage) {
            (Side::Client, 0) | (Side::Server, 1) => Leg::Near,
            _ => Leg::Far,
        };
        let uid = self.copies[copy].packet as usize;
        let (ip_len, (start, len), flags, capable) = match &self.contents[uid] {
            Content::Segment(segment) => (
                segment.ip_len(),
                segment.payload,
                segment.flags,
                segment.ecn != 0,
            ),
            Content::Packet(packet, _) => (packet.len(), (0, 0), Flags::default(), false),
            Content::Frame(_) => return,
        };
        let (syn, fin) = (flags.has(Flags::SYN), flags.has(Flags::FIN));
        let packet = &self.journal.packets[uid];
        let passing = Passing {
            header: &packet.header,
            from,
            connection: packet.connection.unwrap_or(0),
            range: (
                if syn { 0 } else { start },
                start + i64::from(len) + i64::from(fin),
            ),
            again: matches!(packet.reason, Reason::Again(_)),
            last: flags.has(Flags::PSH),
            len: ip_len,
            now: self.now,
        };
        let Some(next) = self.path.part(from, leg, part) else {
            return self.leave_leg(copy, stage, leg);
        };
        let outcome = next.pass(&passing, &mut self.on_the_way);
        let enter = |copy| Event::Enter {
            copy,
            stage,
            part: part + 1,
        };
        match outcome {
            Outcome::On(at) => self.at(at, enter(copy)),
            Outcome::Twice(at, later) => {
                self.at(at, enter(copy));
                let twin = self.copy(copy);
                self.note(twin, Happened::Copied(leg));
                self.at(later, enter(twin));
            }
            Outcome::Damaged(at) => {
                self.copies[copy].wear.damaged = true;
                self.note(copy, Happened::Damaged(leg));
                self.at(at, enter(copy));
            }
            Outcome::Marked(at) => {
                if capable && !self.copies[copy].wear.marked {
                    self.copies[copy].wear.marked = true;
                    self.note(copy, Happened::Marked(leg));
                }
                self.at(at, enter(copy));
            }
            Outcome::Died(cause) => self.note(copy, Happened::Died(leg, cause)),
            Outcome::TooLong(mtu) => {
                self.note(copy, Happened::Died(leg, Cause::TooLong));
                self.tell(copy, stage, mtu);
            }
        }
    }

    fn leave_leg(&mut self, copy: usize, stage: usize, leg: Leg) {
        let wear = &mut self.copies[copy].wear;
        wear.hops += HOPS[leg as usize];
        if stage == 0 {
            self.pass(copy, Tap::Middle);
            self.enter(copy, 1, 0);
        } else {
            let to = self.packet(copy).from.peer();
            self.pass(copy, beside(to));
            self.at(self.now + HOST_LATENCY, Event::Arrive(copy));
        }
    }

    /// Another copy of the same packet.
    fn copy(&mut self, copy: usize) -> usize {
        let Copy { packet, wear, .. } = self.copies[copy];
        let number = &mut self.copied[packet as usize];
        *number += 1;
        let number = *number;
        self.copies.push(Copy {
            packet,
            number,
            wear,
        });
        self.copies.len() - 1
    }

    fn arrive(&mut self, copy: usize) {
        let Copy { packet, wear, .. } = self.copies[copy];
        let segment = match &self.contents[packet as usize] {
            Content::Segment(segment) => segment,
            Content::Packet(..) => return self.taken(copy),
            Content::Frame(_) => return,
        };
        let mss = crate::wire::TcpOptions::parse(&segment.options)
            .iter()
            .find_map(|option| match option {
                crate::wire::TcpOption::Mss(mss) => Some(mss),
                _ => None,
            });
        let journal = &self.journal.packets[packet as usize];
        let connection = journal.connection.unwrap_or(0) as usize;
        let host = connection * 2 + journal.from.peer() as usize;
        let refused = if wear.damaged {
            Some(Refusal::Damaged)
        } else {
            let incoming = Incoming {
                header: &journal.header,
                mss,
                marked: wear.marked,
            };
            self.hosts[host].arrive(self.now, &incoming)
        };
        let state = Some(self.hosts[host].state);
        // What it answers comes after its arrival.
        self.note(copy, Happened::Arrived { refused, state });
        self.attend(host);
    }

    fn into_source(mut self, scenario: &str) -> GeneratedSource {
        self.seen.sort_by_key(|seen| seen.time);
        let mut frames = Vec::with_capacity(self.seen.len());
        let mut recorded = Vec::with_capacity(self.seen.len());
        for seen in &self.seen {
            let Copy { packet, number, .. } = self.copies[seen.copy];
            let time = BEGIN + crate::time::Span::from_nanos(self.faults.clock(seen.time));
            let mut bytes = Vec::new();
            match &self.contents[packet as usize] {
                Content::Segment(segment) => segment.emit(self.wrapping, seen.wear, &mut bytes),
                Content::Packet(packet, _) => packet.emit(self.wrapping, seen.wear, &mut bytes),
                Content::Frame(frame) => bytes.extend_from_slice(frame),
            }
            let wire_len = bytes.len() as u32;
            if let Some(snaplen) = self.faults.snaplen {
                bytes.truncate(snaplen as usize);
            }
            frames.push(RecordedFrame {
                time,
                wire_len,
                bytes,
            });
            recorded.push(Recorded {
                time,
                packet,
                copy: number,
                again: seen.again,
            });
        }
        let sheet = judge(
            &self.journal,
            self.tap,
            &recorded,
            scenario,
            Some(self.seed),
        );
        GeneratedSource { frames, sheet }
    }

    /// What is true of a host now: for scenarios that go by it.
    pub fn state(&self, connection: u32, side: Side) -> HostState {
        self.host(connection, side)
            .map_or(HostState::Closed, |host| host.state)
    }
}

const fn beside(side: Side) -> Tap {
    match side {
        Side::Client => Tap::Client,
        Side::Server => Tap::Server,
    }
}
