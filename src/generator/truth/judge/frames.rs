//! What each frame of a capture is, seen from its tap.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::super::journal::{
    Happened, HostState, Journal, Packet, Reason, Recorded, ResetReason, Uid,
};
use super::super::ranges::Ranges;
use super::super::sheet::{
    Because, Fate, FrameTruth, Is, Kind, Lost, Need, Question, Resolution, Unknowable,
};
use super::super::{Side, Tap};
use super::hosts::Facts;
use crate::time::Timestamp;
use crate::wire::Flags;

/// One direction of a connection, as the capture shows it.
#[derive(Default)]
struct Seen {
    octets: Ranges,
    /// Behind all that was seen.
    end: Option<i64>,
    /// Where the capture first saw it.
    first: Option<i64>,
    /// The latest sent of the packets seen that take sequence numbers.
    latest: Option<u64>,
    /// The latest sent of the bare acknowledgments seen, and its position.
    bare: Option<(Uid, i64)>,
    /// What an intruder put in, in its name.
    forged: Ranges,
    /// What was acknowledged to it.
    acked: Option<i64>,
    /// The window it was told, and from which position.
    window: Option<(i64, i64)>,
}

struct Frames<'a> {
    journal: &'a Journal,
    facts: &'a [Facts],
    numbers: &'a BTreeMap<u32, (u32, u64)>,
    /// The first frame of each packet.
    first_frames: BTreeMap<Uid, u64>,
    seen: BTreeMap<(u32, Side), Seen>,
    states: BTreeMap<(u32, Side), Vec<(Timestamp, HostState)>>,
    sockets: BTreeSet<(SocketAddr, SocketAddr)>,
    opened: BTreeSet<u32>,
    /// When each copy reached its destination.
    arrivals: BTreeMap<(Uid, u16), Timestamp>,
    /// Packets of which a copy arrived that had been made behind the tap.
    copied: BTreeSet<Uid>,
    /// The capture.
    recorded: &'a [Recorded],
    /// Copies that a router marked before they passed the tap.
    marked: BTreeSet<(Uid, u16)>,
    /// What the whole capture shows as received of each stream, by acknowledgments and SACKs.
    received: BTreeMap<(u32, Side), (i64, Ranges)>,
}

/// Judges every frame.
pub(super) fn judge(
    journal: &Journal,
    facts: &[Facts],
    tap: Tap,
    recorded: &[Recorded],
    numbers: &BTreeMap<u32, (u32, u64)>,
) -> Vec<FrameTruth> {
    let mut first_frames = BTreeMap::new();
    for (frame, each) in (1..).zip(recorded) {
        first_frames.entry(each.packet).or_insert(frame);
    }
    let (mut arrivals, mut marked) = (BTreeMap::new(), BTreeSet::new());
    for entry in &journal.log {
        let copy = (entry.packet, entry.copy);
        match entry.happened {
            Happened::Arrived { .. } => {
                arrivals.entry(copy).or_insert(entry.time);
            }
            Happened::Marked(leg) => {
                let packet = journal.packets.get(entry.packet as usize);
                if packet.is_some_and(|packet| tap.is_behind(leg, packet.from)) {
                    marked.insert(copy);
                }
            }
            _ => {}
        }
    }
    let passed: BTreeSet<_> = (recorded.iter())
        .map(|each| (each.packet, each.copy))
        .collect();
    let behind = arrivals.keys().filter(|copy| !passed.contains(copy));
    let copied = (behind.filter(|copy| copy.1 > 0))
        .map(|copy| copy.0)
        .filter(|uid| first_frames.contains_key(uid))
        .collect();
    let mut frames = Frames {
        copied,
        recorded,
        journal,
        facts,
        numbers,
        first_frames,
        seen: BTreeMap::new(),
        states: states(journal),
        sockets: BTreeSet::new(),
        opened: BTreeSet::new(),
        arrivals,
        marked,
        received: received(journal, facts, recorded),
    };
    (1..)
        .zip(recorded)
        .filter_map(|(frame, each)| frames.frame(frame, each))
        .collect()
}

/// What the capture shows as received, of each stream.
fn received(
    journal: &Journal,
    facts: &[Facts],
    recorded: &[Recorded],
) -> BTreeMap<(u32, Side), (i64, Ranges)> {
    let mut received: BTreeMap<_, (i64, Ranges)> = BTreeMap::new();
    for each in recorded {
        let at = each.packet as usize;
        let (Some(packet), Some(facts)) = (journal.packets.get(at), facts.get(at)) else {
            continue;
        };
        let (Some((connection, side)), Some(ack)) = (facts.stream, facts.ack) else {
            continue;
        };
        if packet.reason == Reason::Forged || packet.header.flags.has(Flags::RST) {
            continue;
        }
        let peer = super::stream_of(connection, side.peer());
        let (highest, sacked) = received.entry(peer).or_default();
        *highest = (*highest).max(ack);
        for &(left, right) in &facts.sack {
            sacked.add(left, right);
        }
    }
    received
}

/// The states of every host over time.
fn states(journal: &Journal) -> BTreeMap<(u32, Side), Vec<(Timestamp, HostState)>> {
    let mut states: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in &journal.log {
        let Some(packet) = journal.packets.get(entry.packet as usize) else {
            continue;
        };
        let (side, state) = match entry.happened {
            Happened::Sent if packet.reason != Reason::Forged => (packet.from, packet.state),
            Happened::Arrived { state, .. } => (packet.from.peer(), state),
            _ => continue,
        };
        if let (Some(connection), Some(state)) = (packet.connection, state) {
            let key = super::stream_of(connection, side);
            states.entry(key).or_default().push((entry.time, state));
        }
    }
    states
}

impl Frames<'_> {
    fn frame(&mut self, number: u64, each: &Recorded) -> Option<FrameTruth> {
        let packet = self.journal.packets.get(each.packet as usize)?;
        let facts = self.facts.get(each.packet as usize)?;
        let connection = packet.connection;
        let mut truth = FrameTruth {
            frame: number,
            nanos: each.time.as_nanos(),
            connection: connection.and_then(|own| Some(self.numbers.get(&own)?.0)),
            from: packet.from,
            packet: each.packet,
            copy: each.copy,
            is: Is::Other,
            verdicts: Vec::new(),
            trigger: None,
            need: None,
            because: None,
            lost: None,
            lost_by: None,
            original: None,
            resolution: None,
            reset: None,
            fate: facts.fate(each.copy),
            client: None,
            server: None,
            unknowable: Vec::new(),
        };
        let (Some(connection), Some(stream)) = (connection, facts.stream) else {
            return Some(truth);
        };
        truth.client = self.state(packet, each, connection, Side::Client);
        truth.server = self.state(packet, each, connection, Side::Server);
        let first = self.first_frames.get(&each.packet).copied();
        let again = first.is_some_and(|first| first < number);
        if again {
            truth.is = if each.again {
                Is::CaptureDuplicate
            } else {
                Is::NetworkDuplicate
            };
            truth.verdicts.push(Kind::NetworkDuplicate);
            truth.original = first;
            let bare = facts.end == facts.start && !each.again;
            if bare && packet.header.ip_id.unwrap_or(0) == 0 {
                let why = "without an IP identification, a host may have sent the same again";
                for kind in [Kind::NetworkDuplicate, Kind::DuplicateAck] {
                    unknowable(&mut truth, Question::Kind, Some(kind), why);
                }
            }
        }
        self.fields(packet, facts, &mut truth, again);
        let peer = super::stream_of(connection, packet.from.peer());
        if packet.reason != Reason::Forged {
            self.gap(each.packet, stream, packet, facts, &mut truth);
            if !again {
                self.carried(each.packet, stream, packet, facts, &mut truth);
                self.windows(stream, packet, facts, &mut truth);
                self.acknowledgment(peer, packet, facts, &mut truth);
            }
            self.ack_unseen(peer, packet, facts, &mut truth);
            self.remember(each.packet, stream, packet, facts);
        } else if !again && facts.end > facts.start {
            let seen = self.seen.entry(stream).or_default();
            if seen.octets.count(facts.start, facts.end) > 0 {
                truth.verdicts.push(Kind::ConflictingOverlap);
            }
            seen.octets.add(facts.start, facts.end);
            seen.forged.add(facts.start, facts.end);
            seen.end = Some(seen.end.unwrap_or(facts.start).max(facts.end));
        }
        if truth.is == Is::Other {
            truth.is = Is::Acknowledgment;
        }
        truth.verdicts.sort_unstable();
        Some(truth)
    }

    fn state(
        &self,
        packet: &Packet,
        each: &Recorded,
        connection: u32,
        side: Side,
    ) -> Option<HostState> {
        let known = self.states.get(&super::stream_of(connection, side))?;
        // The sender as it was after sending; the receiver as it was after receiving this copy.
        let until = if side == packet.from && packet.reason != Reason::Forged {
            packet.sent
        } else {
            let arrival = self.arrivals.get(&(each.packet, each.copy));
            arrival.copied().unwrap_or(each.time)
        };
        let before = known.partition_point(|(time, _)| *time <= until);
        known.get(before.checked_sub(1)?).map(|&(_, state)| state)
    }

    /// What its fields say by themselves.
    fn fields(&mut self, packet: &Packet, facts: &Facts, truth: &mut FrameTruth, again: bool) {
        let header = &packet.header;
        let (flags, verdicts) = (header.flags, &mut truth.verdicts);
        let control = flags.has(Flags::SYN) || flags.has(Flags::RST) || flags.has(Flags::FIN);
        if header.window == 0 && !control && !again {
            verdicts.push(Kind::ZeroWindow);
        }
        if flags.has(Flags::RST) {
            if !again {
                verdicts.push(Kind::Reset);
                truth.is = Is::Reset;
            }
            truth.reset = match packet.reason {
                Reason::Reset(reason) => Some(reason),
                Reason::Forged => Some(ResetReason::Forged),
                _ => None,
            };
        }
        if facts.dsack && !again {
            verdicts.push(Kind::Dsack);
        }
        if flags.has(Flags::ECE) && !flags.has(Flags::SYN) && !again {
            verdicts.push(Kind::EcnEcho);
        }
        if packet.reason == Reason::Challenge && !again {
            verdicts.push(Kind::ChallengeAck);
            let answered = facts.answers;
            if answered.is_none_or(|uid| !self.first_frames.contains_key(&uid)) {
                let why = "what it answers never passed here";
                unknowable(truth, Question::Kind, Some(Kind::ChallengeAck), why);
            }
        }
        let verdicts = &mut truth.verdicts;
        if facts.anew {
            verdicts.push(Kind::PortReused);
        }
        if packet.conflicts && !again {
            verdicts.push(Kind::ConflictingOverlap);
        }
        if self.marked.contains(&(truth.packet, truth.copy)) && !again {
            verdicts.push(Kind::CongestionExperienced);
        }
        if let (Some(source), Some(destination), Some(connection)) =
            (header.source, header.destination, packet.connection)
        {
            let pair = (source.min(destination), source.max(destination));
            if self.opened.insert(connection) && !self.sockets.insert(pair) {
                verdicts.push(Kind::PortReused);
            }
        }
    }

    /// Octets between what was seen and this.
    fn gap(
        &mut self,
        uid: Uid,
        stream: (u32, Side),
        packet: &Packet,
        facts: &Facts,
        truth: &mut FrameTruth,
    ) {
        let seen = self.seen.entry(stream).or_default();
        let Some(end) = seen.end else { return };
        if facts.start <= end || packet.header.flags.has(Flags::RST) {
            return;
        }
        truth.verdicts.push(Kind::Gap);
        let (mut missed, mut lost) = (false, false);
        let before = self.facts.iter().enumerate().take(uid as usize);
        for (other, before) in before {
            let inside = before.stream == Some(stream)
                && before.end > before.start
                && before.end > end
                && before.start < facts.start;
            if inside && !self.first_frames.contains_key(&(other as Uid)) {
                missed |= before.passed;
                lost |= !before.passed;
            }
        }
        truth.resolution = Some(if missed {
            Resolution::NeverCaptured
        } else if lost {
            Resolution::Lost
        } else {
            Resolution::FilledLate
        });
        if missed {
            let why = "whether a packet died or the capture missed it can't be seen in the capture";
            unknowable(truth, Question::Resolution, None, why);
        }
    }

    /// What it is as a carrier of octets, SYN or FIN, or as a probe.
    fn carried(
        &mut self,
        uid: Uid,
        stream: (u32, Side),
        packet: &Packet,
        facts: &Facts,
        truth: &mut FrameTruth,
    ) {
        match packet.reason {
            Reason::KeepAlive => {
                truth.is = Is::KeepAlive;
                truth.verdicts.push(Kind::KeepAlive);
                return;
            }
            Reason::WindowProbe => {
                truth.is = Is::WindowProbe;
                truth.verdicts.push(Kind::WindowProbe);
                let known = self.seen.get(&stream).and_then(|seen| seen.window);
                if known.is_none_or(|(window, _)| window > 0) {
                    let why = "the window that opened had passed here and not reached the sender";
                    for kind in [Kind::KeepAlive, Kind::WindowProbe] {
                        unknowable(truth, Question::Kind, Some(kind), why);
                    }
                }
                return;
            }
            _ => {}
        }
        if facts.end == facts.start || packet.header.flags.has(Flags::RST) {
            return;
        }
        if facts.anew {
            truth.is = Is::Original;
            return;
        }
        if let Some(need) = facts.need {
            self.retransmission(packet, facts, need, truth);
            if let Some(why) = self.undecided(uid, stream, facts, truth) {
                unknowable(truth, Question::Need, None, why);
                unknowable(truth, Question::Lost, None, why);
            }
            let seen = self.seen.entry(stream).or_default();
            let news = seen.octets.count(facts.start, facts.end) == 0;
            if news && seen.end.is_none_or(|end| facts.start >= end) {
                let why = "neither an earlier transmission nor anything sent after it had passed";
                unknowable(truth, Question::Kind, Some(Kind::Retransmission), why);
                unknowable(truth, Question::Trigger, None, why);
            }
            let twin = facts.twin;
            if twin.is_some_and(|uid| self.first_frames.contains_key(&uid)) {
                let why = "it is the same as an earlier packet in every octet";
                for kind in [Kind::Retransmission, Kind::NetworkDuplicate] {
                    unknowable(truth, Question::Kind, Some(kind), why);
                }
            }
            let nowhere = (0, Ranges::default());
            let (acked, sacked) = self.received.get(&stream).unwrap_or(&nowhere);
            if *acked < facts.end && !sacked.holds(facts.start, facts.end) {
                let why = "nothing in the capture tells whether it, or what it repeats, arrived";
                unknowable(truth, Question::Need, None, why);
                unknowable(truth, Question::Lost, None, why);
            }
            return;
        }
        let seen = self.seen.entry(stream).or_default();
        if seen.forged.count(facts.start, facts.end) > 0 {
            truth.verdicts.push(Kind::ConflictingOverlap);
            let why = "an intruder sent other octets at these positions before it";
            unknowable(truth, Question::Kind, Some(Kind::Retransmission), why);
        }
        let overtaken = seen.latest.is_some_and(|latest| facts.order < latest)
            || seen
                .bare
                .is_some_and(|(bare, position)| bare > uid && position >= facts.end);
        if overtaken {
            truth.is = Is::Reordered;
            truth.verdicts.push(Kind::Reordered);
        } else {
            truth.is = Is::Original;
        }
    }

    fn retransmission(
        &mut self,
        packet: &Packet,
        facts: &Facts,
        need: Need,
        truth: &mut FrameTruth,
    ) {
        truth.is = Is::Retransmission;
        truth.verdicts.push(Kind::Retransmission);
        truth.need = Some(need);
        truth.because = facts.because;
        truth.trigger = match packet.reason {
            Reason::Again(trigger) => Some(trigger),
            _ => None,
        };
        let first = facts.first.and_then(|first| self.first_frames.get(&first));
        truth.original = first.copied();
        let latest = facts.failed.first().copied();
        let latest = latest.filter(|_| need == Need::Needed);
        let Some(failed) = latest.and_then(|uid| self.facts.get(uid as usize)) else {
            return;
        };
        // Where several died, one that passed decides: the others can't be told from none.
        let passed = |uid: &Uid| {
            let other = self.facts.get(*uid as usize);
            other.is_some_and(|other| other.passed && !other.damaged_before)
        };
        truth.lost = Some(if facts.failed.iter().any(passed) {
            Lost::AfterTap
        } else {
            Lost::BeforeTap
        });
        truth.lost_by = Some(failed.fates.last().map_or(Fate::OnTheWay, |last| last.1));
        let missed = |uid: &Uid| passed(uid) && !self.first_frames.contains_key(uid);
        let known = facts.failed.iter().any(|uid| passed(uid) && !missed(uid));
        let begin = self.recorded.first().map(|first| first.time);
        let early = |uid: &Uid| {
            let packet = self.journal.packets.get(*uid as usize);
            let sent = packet.map(|packet| packet.sent);
            sent < begin && !self.first_frames.contains_key(uid)
        };
        if !known && facts.failed.iter().any(early) {
            let why = "the capture began after what was lost had been sent";
            unknowable(truth, Question::Lost, None, why);
        }
        if !known && facts.failed.iter().any(missed) {
            let why = "the capture missed the transmission that was lost";
            unknowable(truth, Question::Lost, None, why);
        }
    }

    /// Why nothing in the capture tells whether a retransmission was needed, where it's so.
    fn undecided(
        &self,
        uid: Uid,
        stream: (u32, Side),
        facts: &Facts,
        truth: &FrameTruth,
    ) -> Option<&'static str> {
        let others = |each: &Recorded| self.facts.get(each.packet as usize);
        let peer = super::stream_of(stream.0, stream.1.peer());
        let covers = |told: &Facts| {
            told.ack.is_some_and(|ack| ack >= facts.end)
                || (told.sack.iter())
                    .any(|&(left, right)| left <= facts.start && right >= facts.end)
        };
        let (before, after) = self.recorded.split_at(truth.frame as usize);
        let told = |frames: &[Recorded]| {
            let mut acks = frames.iter().filter_map(others);
            acks.position(|told| told.stream == Some(peer) && covers(told))
        };
        if self.copied.contains(&uid) {
            return Some("its receiver reports a copy made behind the tap as it would report it");
        }
        let news = told(after)?;
        if told(before).is_some() {
            return None;
        }
        let reported = after.iter().filter_map(others).any(|told| {
            let block = told.sack.first();
            let touches = |&(left, right): &(i64, i64)| left < facts.end && facts.start < right;
            told.dsack && told.stream == Some(peer) && block.is_some_and(touches)
        });
        if truth.because == Some(Because::AckLost) && !reported {
            return Some("all that its receiver said of the earlier transmission was lost");
        }
        let hole = before.iter().filter_map(others).any(|told| {
            told.stream == Some(peer) && told.sack.iter().any(|&(_, right)| right > facts.end)
        });
        let again = (after.iter().take(news).filter_map(others)).any(|other| {
            other.stream == Some(stream) && other.start <= facts.start && other.end >= facts.end
        });
        (again && reported && !hole)
            .then_some("it, or the transmission before it, arrived: what was said of that was lost")
    }

    fn windows(
        &mut self,
        stream: (u32, Side),
        packet: &Packet,
        facts: &Facts,
        truth: &mut FrameTruth,
    ) {
        let is_probe = matches!(packet.reason, Reason::KeepAlive | Reason::WindowProbe);
        if facts.window_full && !is_probe {
            truth.verdicts.push(Kind::WindowFull);
        }
        // Whether the window that the tap knows is the one that the sender knew.
        let seen = self.seen.entry(stream).or_default();
        let edge = seen
            .window
            .zip(seen.acked)
            .map(|((window, _), una)| una + window);
        if packet.header.payload > 0 && edge != facts.edge {
            let why = "its sender knew another window than the one that had passed the tap";
            unknowable(truth, Question::Kind, Some(Kind::WindowFull), why);
        }
    }

    fn acknowledgment(
        &mut self,
        peer: (u32, Side),
        packet: &Packet,
        facts: &Facts,
        truth: &mut FrameTruth,
    ) {
        if facts.window_update && packet.reason != Reason::Challenge {
            truth.verdicts.push(Kind::WindowUpdate);
        }
        if facts.duplicate_ack {
            truth.verdicts.push(Kind::DuplicateAck);
        }
        let Some(compared) = facts.compared else {
            // It is the first with this acknowledgment.
            return;
        };
        if !self.first_frames.contains_key(&compared) {
            let why = "the packet before it, which it repeats or changes, never passed here";
            for kind in [Kind::WindowUpdate, Kind::DuplicateAck] {
                unknowable(truth, Question::Kind, Some(kind), why);
            }
            return;
        }
        let end = self.seen.get(&peer).and_then(|seen| seen.end);
        let outstanding = end.zip(facts.ack).is_some_and(|(end, ack)| end > ack);
        if facts.repeats && outstanding != facts.duplicate_ack {
            let why = "data was outstanding that had not passed the tap, or passed it in between";
            unknowable(truth, Question::Kind, Some(Kind::DuplicateAck), why);
        }
    }

    fn ack_unseen(
        &mut self,
        peer: (u32, Side),
        packet: &Packet,
        facts: &Facts,
        truth: &mut FrameTruth,
    ) {
        let Some(ack) = facts.ack.filter(|_| !packet.header.flags.has(Flags::RST)) else {
            return;
        };
        let seen = self.seen.entry(peer).or_default();
        // Of a direction that is not in the capture at all, or not yet, nothing is missed.
        let Some(first) = seen.first else {
            return;
        };
        let from = seen.acked.unwrap_or(first).max(first);
        if ack > from {
            if !seen.octets.holds(from, ack) {
                truth.verdicts.push(Kind::AckUnseen);
            }
            seen.acked = Some(ack);
        }
    }

    fn remember(&mut self, uid: Uid, stream: (u32, Side), packet: &Packet, facts: &Facts) {
        let reset = packet.header.flags.has(Flags::RST);
        if let Some(ack) = facts.ack.filter(|_| !reset) {
            let peer = super::stream_of(stream.0, stream.1.peer());
            let theirs = self.seen.entry(peer).or_default();
            let una = theirs.acked.unwrap_or(ack);
            if ack >= una {
                theirs.acked = Some(ack);
                let newer = theirs.window.is_none_or(|(_, at)| facts.start >= at);
                if newer {
                    theirs.window = Some((facts.window, facts.start));
                }
            }
        }
        let seen = self.seen.entry(stream).or_default();
        if reset {
            return;
        }
        seen.first.get_or_insert(facts.start);
        if facts.end > facts.start {
            seen.octets.add(facts.start, facts.end);
            if !matches!(packet.reason, Reason::KeepAlive | Reason::WindowProbe) {
                let latest = seen.latest.unwrap_or(0).max(facts.order);
                seen.latest = Some(latest);
            }
        } else if seen
            .bare
            .is_none_or(|(_, position)| facts.start >= position)
        {
            seen.bare = Some((uid, facts.start));
        }
        seen.end = Some(seen.end.unwrap_or(facts.start).max(facts.end));
    }
}

fn unknowable(truth: &mut FrameTruth, question: Question, kind: Option<Kind>, why: &str) {
    truth.unknowable.push(Unknowable {
        question,
        kind,
        why: why.to_owned(),
    });
}
