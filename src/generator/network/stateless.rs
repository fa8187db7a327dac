//! What travels without a connection: datagrams, and what ICMP says of packets.

use super::{Content, Copy, Event, Network, beside};
use crate::generator::datagram::{IpPacket, Message};
use crate::generator::packet::{MILLI, Nanos, Wrapping};
use crate::generator::router::too_long;
use crate::generator::truth::journal::Happened;
use crate::generator::truth::{Refusal, Tap};

impl Network {
    /// Sends a datagram at that time.
    pub fn message(&mut self, at: Nanos, message: Message) {
        self.at(at, Event::Message(Box::new(message)));
    }

    /// A packet that is no segment leaves its host.
    pub(super) fn leave(&mut self, packet: IpPacket, message: Option<Box<Message>>) {
        let copy = self.register(0, self.now, Content::Packet(packet, message));
        self.at(self.now, Event::Leave(copy));
    }

    /// … and arrives: its receiver answers, or ICMP does.
    pub(super) fn taken(&mut self, copy: usize) {
        let Copy { packet, wear, .. } = self.copies[copy];
        let Content::Packet(packet, message) = &self.contents[packet as usize] else {
            return;
        };
        let message = message.as_deref();
        let is_refused = message.is_some_and(|message| !message.is_taken);
        let (refused, answers) = if wear.damaged {
            (Some(Refusal::Damaged), Vec::new())
        } else if is_refused {
            (Some(Refusal::NoSocket), Vec::new())
        } else {
            (
                None,
                message.map_or_else(Vec::new, |message| message.answers.clone()),
            )
        };
        let error = (refused == Some(Refusal::NoSocket)).then(|| packet.unreachable(wear));
        let state = None;
        self.note(copy, Happened::Arrived { refused, state });
        if let Some(error) = error {
            self.leave(error, None);
        }
        for (after, answer) in answers {
            self.message(self.now + after, answer);
        }
    }

    /// Tells the sender of a packet how long it may be.
    pub(super) fn tell(&mut self, copy: usize, stage: usize, mtu: u32) {
        let uid = self.copies[copy].packet as usize;
        let connection = self.journal.packets[uid].connection.unwrap_or(0);
        let from = self.journal.packets[uid].from;
        let Content::Segment(segment) = &self.contents[uid] else {
            return;
        };
        let mut quoted = Vec::new();
        segment.emit(Wrapping::Plain, self.copies[copy].wear, &mut quoted);
        let frame = too_long(segment, quoted.get(14..).unwrap_or_default(), mtu);
        let told = self.register(connection, self.now, Content::Frame(frame));
        let told_uid = self.copies[told].packet as usize;
        self.journal.packets[told_uid].from = from.peer();
        let taps = stage + 1;
        let event = Event::Told {
            copy: told,
            taps,
            mtu,
        };
        self.at(self.now + 2 * MILLI, event);
    }

    /// It comes back past one tap or two.
    pub(super) fn told(&mut self, copy: usize, taps: usize, mtu: u32) {
        let to = self.packet(copy).from.peer();
        if taps == 2 {
            self.pass(copy, Tap::Middle);
            let event = Event::Told { copy, taps: 1, mtu };
            self.at(self.now + 5 * MILLI, event);
            return;
        }
        self.pass(copy, beside(to));
        let connection = self.packet(copy).connection.unwrap_or(0) as usize;
        let host = connection * 2 + to as usize;
        self.note(
            copy,
            Happened::Arrived {
                refused: None,
                state: None,
            },
        );
        self.hosts[host].too_long(self.now, mtu);
        self.attend(host);
    }
}
