//! What each host really did, seen from its own side, and what became of it.

use std::collections::BTreeMap;

use super::super::journal::{Happened, Header, Journal, Packet, Reason, Refusal, Uid};
use super::super::ranges::Ranges;
use super::super::sheet::{Because, Fate, Need};
use super::super::{Side, Tap};
use crate::time::Timestamp;
use crate::wire::Flags;

/// What is true of a packet, wherever it is looked at (but for `passed`).
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Whose stream it is part of: its connection and sender.
    pub(super) stream: Option<(u32, Side)>,
    /// Its first position in the stream; the SYN has 0.
    pub(super) start: i64,
    /// Behind its last.
    pub(super) end: i64,
    /// What it acknowledges, as a position of the peer's stream.
    pub(super) ack: Option<i64>,
    /// What it SACKs, as positions of the peer's stream.
    pub(super) sack: Vec<(i64, i64)>,
    /// The window it advertises, in octets.
    pub(super) window: i64,
    /// Some copy passed the tap.
    pub(super) passed: bool,
    /// The copy that the host sent was damaged before it passed the tap.
    pub(super) damaged_before: bool,
    /// When the first copy was taken by the receiver.
    pub(super) taken: Option<Timestamp>,
    /// When the first copy reached the receiver, taken or not.
    pub(super) arrived: Option<Timestamp>,
    /// Of each copy: what became of it.
    pub(super) fates: Vec<(u16, Fate)>,
    /// Its place among the packets of its stream that take sequence numbers.
    pub(super) order: u64,
    /// Octets that had not been sent before.
    pub(super) new_octets: i64,
    /// For a retransmission.
    pub(super) need: Option<Need>,
    /// Why it was sent, if it was needless.
    pub(super) because: Option<Because>,
    /// The first transmission that shares octets with it.
    pub(super) first: Option<Uid>,
    /// One before it that is the same in every field.
    pub(super) twin: Option<Uid>,
    /// Those before it that share octets with it and were not taken, the latest first.
    pub(super) failed: Vec<Uid>,
    /// A SYN that begins anew on sockets whose connection its host has forgotten.
    pub(super) anew: bool,
    /// What it answers, where it answers at once.
    pub(super) answers: Option<Uid>,
    /// It ends less than a segment before the edge of the window that its sender knew.
    pub(super) window_full: bool,
    /// The edge of the window that its sender knew.
    pub(super) edge: Option<i64>,
    /// It repeats the acknowledgment and the window of its host's packet before (or brings nothing
    /// but SACK news), and data was outstanding when it arrived.
    pub(super) duplicate_ack: bool,
    /// The same but for what was outstanding.
    pub(super) repeats: bool,
    /// It brings SACK blocks that its host had not sent before.
    pub(super) sack_news: bool,
    /// It moves only the window.
    pub(super) window_update: bool,
    /// Its first SACK block reports octets received twice.
    pub(super) dsack: bool,
    /// The packet of the same host that `duplicate_ack` and `window_update` compare it with.
    pub(super) compared: Option<Uid>,
}

impl Facts {
    /// Whether no copy of it was taken, nor will be.
    pub(super) fn is_lost(&self) -> bool {
        let ended = |fate: &Fate| matches!(fate, Fate::Died(..) | Fate::Refused(Refusal::Damaged));
        !self.fates.is_empty() && self.fates.iter().all(|(_, fate)| ended(fate))
    }

    /// What became of a copy.
    pub(super) fn fate(&self, copy: u16) -> Fate {
        let found = self.fates.iter().find(|(each, _)| *each == copy);
        found.map_or(Fate::OnTheWay, |&(_, fate)| fate)
    }
}

/// One direction of a connection, as its sender knows it.
#[derive(Default)]
struct Sender {
    /// The sequence number of position 0.
    isn: Option<u32>,
    /// Behind all that was sent.
    end: i64,
    sent: Ranges,
    /// What was taken, of all that was sent so far, whenever that happens.
    reached: Ranges,
    packets: Vec<Uid>,
    /// What has been acknowledged to it.
    una: i64,
    /// The window that it knows, and the peer's position when it was told.
    window: i64,
    told_at: i64,
    scale: Option<u8>,
    /// The longest payload that it has sent.
    largest: i64,
    /// What arrived at it last, until it sends.
    heard: Option<Uid>,
    /// Of its acknowledgments: the highest, the last window, and in which packet.
    acked: Option<i64>,
    last: Option<(Uid, u16)>,
    sacked: Ranges,
}

impl Sender {
    /// The position of a sequence number near what was sent last.
    fn position(&mut self, seq: u32, is_syn: bool) -> i64 {
        let isn = *self
            .isn
            .get_or_insert(if is_syn { seq } else { seq.wrapping_sub(1) });
        let expected = isn.wrapping_add(self.end as u32);
        self.end + i64::from(seq.wrapping_sub(expected) as i32)
    }
}

struct Hosts<'a> {
    journal: &'a Journal,
    tap: Tap,
    facts: Vec<Facts>,
    senders: BTreeMap<(u32, Side), Sender>,
}

/// Finds out what is true of every packet.
pub(super) fn facts(journal: &Journal, tap: Tap) -> Vec<Facts> {
    let mut hosts = Hosts {
        journal,
        tap,
        facts: vec![Facts::default(); journal.packets.len()],
        senders: BTreeMap::new(),
    };
    hosts.fates();
    for entry in &journal.log {
        match entry.happened {
            Happened::Sent => hosts.sent(entry.packet),
            Happened::Arrived { refused, .. } => {
                hosts.heard(entry.packet);
                if refused.is_none() {
                    hosts.arrived(entry.packet);
                }
            }
            _ => {}
        }
    }
    for uid in 0..hosts.facts.len() {
        hosts.because(uid);
    }
    hosts.facts
}

impl Hosts<'_> {
    /// What became of each copy: known beforehand, because need looks into the future.
    fn fates(&mut self) {
        for entry in &self.journal.log {
            let Some(packet) = self.journal.packets.get(entry.packet as usize) else {
                continue;
            };
            let Some(facts) = self.facts.get_mut(entry.packet as usize) else {
                continue;
            };
            match entry.happened {
                Happened::Sent | Happened::Copied(_) | Happened::Marked(_) => {}
                Happened::Passed(tap) => facts.passed |= tap == self.tap,
                Happened::Damaged(leg) => {
                    let before = self.tap.is_behind(leg, packet.from);
                    facts.damaged_before |= before && entry.copy == 0;
                }
                Happened::Died(leg, cause) => {
                    facts.fates.push((entry.copy, Fate::Died(leg, cause)));
                }
                Happened::Arrived { refused, .. } => {
                    facts.arrived = facts.arrived.or(Some(entry.time));
                    if refused.is_none() {
                        facts.taken = facts.taken.or(Some(entry.time));
                    }
                    let fate = refused.map_or(Fate::Arrived, Fate::Refused);
                    facts.fates.push((entry.copy, fate));
                }
            }
        }
    }

    fn sent(&mut self, uid: Uid) {
        let Some(packet) = self.journal.packets.get(uid as usize) else {
            return;
        };
        let (Some(connection), Some(_)) = (packet.connection, packet.header.source) else {
            return;
        };
        let header = &packet.header;
        let key = super::stream_of(connection, packet.from);
        let peer = super::stream_of(connection, packet.from.peer());
        let is_syn = header.flags.has(Flags::SYN);
        let forged = packet.reason == Reason::Forged;

        // What it acknowledges, as a position of the peer's stream.
        let (mut ack, mut sack) = (None, Vec::new());
        let mut outstanding = false;
        if header.flags.has(Flags::ACK) {
            let theirs = self.senders.entry(peer).or_default();
            if theirs.isn.is_none() {
                // The journal begins amid the connection: what it acknowledges is where it begins.
                theirs.isn = Some(header.ack.wrapping_sub(1));
                theirs.end = 1;
            }
            let at = theirs.position(header.ack, false);
            ack = Some(at);
            sack = header
                .sack
                .iter()
                .map(|&(left, right)| (theirs.position(left, false), theirs.position(right, false)))
                .collect();
            outstanding = theirs.end > at;
        }
        let sender = self.senders.entry(key).or_default();
        let heard = sender.heard.take();
        let facts = &mut self.facts[uid as usize];
        facts.answers = heard;
        if is_syn && !forged && sender.isn.is_some_and(|isn| isn != header.seq) {
            facts.stream = Some(key);
            (facts.start, facts.end) = (sender.end, sender.end);
            facts.anew = true;
            return;
        }
        if is_syn && !forged {
            sender.scale = header.window_scale;
        }
        let start = sender.position(header.seq, is_syn);
        let end = start + i64::from(header.sequence_len());
        let scale = if is_syn { 0 } else { sender.scale.unwrap_or(0) };
        let facts = &mut self.facts[uid as usize];
        facts.stream = Some(key);
        (facts.start, facts.end) = (start, end);
        facts.ack = ack;
        facts.sack.clone_from(&sack);
        facts.window = i64::from(header.window) << scale;
        if forged {
            return;
        }
        let taken = facts.taken.is_some();
        let is_probe = matches!(packet.reason, Reason::KeepAlive | Reason::WindowProbe);
        if end > start && !header.flags.has(Flags::RST) {
            self.carries(uid, key, (start, end), is_probe, taken);
        }
        self.acknowledges(uid, key, header, ack, &sack, outstanding);
        let sender = self.senders.entry(key).or_default();
        if !is_probe && !header.flags.has(Flags::RST) {
            sender.end = sender.end.max(end);
        }
    }

    /// A packet that takes sequence numbers.
    fn carries(&mut self, uid: Uid, key: (u32, Side), range: (i64, i64), probe: bool, taken: bool) {
        let (start, end) = range;
        // Where both open at once, the SYN-ACK repeats the SYN to acknowledge the other's: that is
        // no retransmission.
        let packets = &self.journal.packets;
        let own = &packets[uid as usize];
        let opens = |flags: Flags| flags.has(Flags::SYN) && !flags.has(Flags::ACK);
        let sender = self.senders.entry(key).or_default();
        let before = sender.packets.iter().map(|&other| &packets[other as usize]);
        let answers_open = own.reason == Reason::Plain
            && own.header.flags.has(Flags::SYN | Flags::ACK)
            && before.clone().all(|other| opens(other.header.flags));
        let facts = &mut self.facts[uid as usize];
        facts.order = sender.packets.len() as u64;
        let again = if answers_open {
            0
        } else {
            sender.sent.count(start, end)
        };
        facts.new_octets = end - start - again;
        facts.edge = Some(sender.una + sender.window);
        let header = &self.journal.packets[uid as usize].header;
        let fin = i64::from(header.flags.has(Flags::FIN));
        if header.payload <= u32::from(u16::MAX) {
            sender.largest = sender.largest.max(i64::from(header.payload));
        }
        let left = sender.una + sender.window - (end - fin);
        facts.window_full = header.payload > 0
            && !header.flags.has(Flags::SYN)
            && sender.window > 0
            && left < sender.largest;
        if again > 0 {
            let reached: i64 = sender
                .sent
                .within(start, end)
                .map(|(from, to)| sender.reached.count(from, to))
                .sum();
            if !probe {
                facts.need = Some(if reached < again {
                    Need::Needed
                } else {
                    Need::Spurious
                });
            }
            let shares: Vec<Uid> = sender
                .packets
                .iter()
                .copied()
                .filter(|&other| {
                    let other = &self.facts[other as usize];
                    other.start < end && other.end > start
                })
                .collect();
            let failed = |other: &&Uid| self.facts[**other as usize].taken.is_none();
            let failed = shares.iter().rev().filter(failed).copied().collect();
            let facts = &mut self.facts[uid as usize];
            facts.first = shares.first().copied();
            let same = |other: &Uid| packets[*other as usize].header == own.header;
            facts.twin = shares.iter().copied().find(same);
            facts.failed = failed;
        }
        let sender = self.senders.entry(key).or_default();
        sender.sent.add(start, end);
        if taken {
            sender.reached.add(start, end);
        }
        sender.packets.push(uid);
    }

    /// What a packet says as an acknowledgment, compared with those of its host before.
    fn acknowledges(
        &mut self,
        uid: Uid,
        key: (u32, Side),
        header: &Header,
        ack: Option<i64>,
        sack: &[(i64, i64)],
        outstanding: bool,
    ) {
        let Some(ack) = ack.filter(|_| !header.flags.has(Flags::RST)) else {
            return;
        };
        let reason = self.journal.packets[uid as usize].reason;
        let is_probe = matches!(reason, Reason::KeepAlive | Reason::WindowProbe);
        let bare = header.sequence_len() == 0 && !is_probe;
        let sender = self.senders.entry(key).or_default();
        let facts = &mut self.facts[uid as usize];
        let inside = |a: (i64, i64), b: (i64, i64)| a.0 >= b.0 && a.1 <= b.1;
        facts.dsack = match *sack {
            [first, ..] if first.1 <= ack => true,
            [first, second, ..] => inside(first, second),
            _ => false,
        };
        let news = sack
            .iter()
            .skip(usize::from(facts.dsack))
            .any(|&(left, right)| !sender.sacked.holds(left, right));
        facts.sack_news = news;
        let repeats = bare && sender.acked == Some(ack);
        if let Some((last, window)) = sender.last.filter(|_| repeats) {
            let same = window == header.window;
            facts.compared = Some(last);
            facts.repeats = same || news;
            facts.duplicate_ack = facts.repeats && outstanding;
            facts.window_update = !same && !news;
        }
        for &(left, right) in sack {
            sender.sacked.add(left, right);
        }
        if sender.acked.is_none_or(|before| ack >= before) {
            sender.acked = Some(ack);
        }
        sender.last = Some((uid, header.window));
    }

    /// A packet has reached a host, whatever the host thinks of it.
    fn heard(&mut self, uid: Uid) {
        let packet = &self.journal.packets[uid as usize];
        if let Some(connection) = packet.connection {
            let key = super::stream_of(connection, packet.from.peer());
            self.senders.entry(key).or_default().heard = Some(uid);
        }
    }

    /// The receiver has taken a packet: what it knows of its own stream now.
    fn arrived(&mut self, uid: Uid) {
        let packet = &self.journal.packets[uid as usize];
        let facts = &self.facts[uid as usize];
        let (Some((connection, side)), Some(ack)) = (facts.stream, facts.ack) else {
            return;
        };
        let (start, window) = (facts.start, facts.window);
        let (repeats, was) = (facts.repeats, facts.duplicate_ack);
        let forged = packet.reason == Reason::Forged;
        if forged || packet.header.flags.has(Flags::RST) {
            return;
        }
        let sender = self
            .senders
            .entry(super::stream_of(connection, side.peer()))
            .or_default();
        // RFC 5681 section 2 asks what its receiver has outstanding when it comes.
        let outstanding = sender.end > ack;
        if ack >= sender.una && ack <= sender.end + 1 {
            let newer = ack > sender.una || start > sender.told_at;
            let grown = start == sender.told_at && (window > sender.window || window == 0);
            if newer || grown {
                (sender.told_at, sender.window) = (start, window);
            }
            sender.una = ack;
        }
        self.facts[uid as usize].duplicate_ack = if repeats { outstanding } else { was };
    }

    /// Why a needless retransmission was sent.
    fn because(&mut self, uid: usize) {
        let facts = &self.facts[uid];
        let (Some(Need::Spurious), Some((connection, side))) = (facts.need, facts.stream) else {
            return;
        };
        let (start, end) = (facts.start, facts.end);
        let packets = &self.journal.packets;
        let sent = packets[uid].sent;
        let Some(sender) = self.senders.get(&(connection, side)) else {
            return;
        };
        let earlier = sender.packets.iter().map(|&other| other as usize);
        let arrived = earlier
            .filter(|&other| other < uid)
            .map(|other| &self.facts[other])
            .filter(|other| other.start < end && other.end > start)
            .filter_map(|other| other.taken)
            .max();
        let Some(arrived) = arrived.filter(|&arrived| arrived <= sent) else {
            self.facts[uid].because = Some(Because::DataLate);
            return;
        };
        let told = |packet: &Packet, facts: &Facts| {
            packet.sent >= arrived
                && packet.sent <= sent
                && facts.stream == Some((connection, side.peer()))
                && (facts.ack.is_some_and(|ack| ack >= end)
                    || facts
                        .sack
                        .iter()
                        .any(|&(left, right)| left <= start && end <= right))
        };
        let lost = packets
            .iter()
            .zip(&self.facts)
            .take(uid)
            .any(|(packet, facts)| told(packet, facts) && facts.is_lost());
        self.facts[uid].because = Some(if lost {
            Because::AckLost
        } else {
            Because::AckLate
        });
    }
}

/// Of every connection: the shortest time from a packet of the client to the arrival of the first
/// packet that acknowledges it.
pub(super) fn round_trips(journal: &Journal, facts: &[Facts]) -> BTreeMap<u32, i64> {
    let mut best: BTreeMap<u32, i64> = BTreeMap::new();
    let mut waiting: BTreeMap<u32, Vec<(i64, Timestamp)>> = BTreeMap::new();
    for entry in &journal.log {
        let Some(each) = facts.get(entry.packet as usize) else {
            continue;
        };
        match (entry.happened, each.stream) {
            (Happened::Sent, Some((connection, Side::Client)))
                if each.end > each.start && each.need.is_none() =>
            {
                let waiting = waiting.entry(connection).or_default();
                waiting.push((each.end, entry.time));
            }
            (Happened::Arrived { refused: None, .. }, Some((connection, Side::Server))) => {
                let (Some(ack), Some(waiting)) = (each.ack, waiting.get_mut(&connection)) else {
                    continue;
                };
                for &(_, sent) in waiting.iter().filter(|(end, _)| *end <= ack) {
                    let took = (entry.time - sent).as_nanos();
                    let best = best.entry(connection).or_insert(took);
                    *best = took.min(*best);
                }
                waiting.retain(|(end, _)| *end > ack);
            }
            _ => {}
        }
    }
    best
}
