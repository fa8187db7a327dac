//! What becomes of every packet of a load, written down for its answer sheet.

use crate::frame::CapturedFrame;
use crate::generator::truth::journal::{Happened, Packet};
use crate::generator::truth::{
    Cause, Header, HostState, Journal, Leg, Reason, Recorded, Refusal, Side, Tap, Uid,
};
use crate::time::{Span, Timestamp};

/// A packet on its way past the tap, as those know it who made it. Times are nanoseconds since the
/// capture's begin.
#[derive(Clone, Copy)]
pub(super) struct Passage {
    /// Its connection; none for what is not TCP.
    pub(super) connection: Option<u32>,
    pub(super) from: Side,
    /// When its host sent it.
    pub(super) sent: u64,
    /// How its host numbered it (the identification of the IP header).
    pub(super) id: u16,
    pub(super) reason: Reason,
    /// Its host's state after that.
    pub(super) state: HostState,
    /// What becomes of it.
    pub(super) end: End,
}

/// What becomes of a packet.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// It arrives so long after it has passed the tap, and its receiver is then in this state.
    Arrives(u64, HostState),
    /// It arrives, and there is no room for another connection.
    NoRoom,
    /// The network loses it before the tap.
    LostBefore,
    /// The network loses it behind the tap.
    LostAfter,
}

/// The journal of a load, and which of its packets the capture shows.
#[derive(Default)]
pub(super) struct Ledger {
    journal: Journal,
    recorded: Vec<Recorded>,
}

impl Ledger {
    /// A packet that is captured as `frame`, or would have been had it not been lost before.
    pub(super) fn note(&mut self, frame: &CapturedFrame<'_>, begin: Timestamp, passage: &Passage) {
        let sent = begin + Span::from_nanos(passage.sent as i64);
        let header = passage
            .connection
            .and_then(|_| Header::read(frame.link, frame.data, frame.wire_len));
        let uid = self.journal.sent(Packet {
            sent,
            connection: passage.connection,
            from: passage.from,
            header: header.unwrap_or_default(),
            reason: passage.reason,
            state: passage.connection.map(|_| passage.state),
            conflicts: false,
        });
        let mut happened = |time, happened| self.journal.happened(time, uid, 0, happened);
        if let End::LostBefore = passage.end {
            return happened(sent, Happened::Died(Leg::Near, Cause::RandomLoss));
        }
        happened(frame.time, Happened::Passed(Tap::Middle));
        match passage.end {
            End::Arrives(after, state) => {
                let arrived = Happened::Arrived {
                    refused: None,
                    state: passage.connection.map(|_| state),
                };
                happened(frame.time + Span::from_nanos(after as i64), arrived);
            }
            End::NoRoom => {
                let refused = Happened::Arrived {
                    refused: Some(Refusal::BacklogFull),
                    state: Some(HostState::Listen),
                };
                happened(frame.time, refused);
            }
            End::LostAfter => happened(frame.time, Happened::Died(Leg::Far, Cause::RandomLoss)),
            End::LostBefore => {}
        }
        self.recorded.push(Recorded {
            time: frame.time,
            packet: uid,
            copy: 0,
            again: false,
        });
    }

    /// Everything in order of time, as a judge wants it: packets were noted when they passed.
    pub(super) fn into_parts(self) -> (Journal, Vec<Recorded>) {
        let Self {
            mut journal,
            mut recorded,
        } = self;
        let packets = &journal.packets;
        let mut order: Vec<Uid> = (0..packets.len() as Uid).collect();
        order.sort_by_key(|&uid| packets.get(uid as usize).map(|packet| packet.sent));
        let mut place = vec![0; order.len()];
        for (at, &uid) in (0..).zip(&order) {
            if let Some(place) = place.get_mut(uid as usize) {
                *place = at;
            }
        }
        let now = |uid: Uid| place.get(uid as usize).copied().unwrap_or(uid);
        for entry in &mut journal.log {
            entry.packet = now(entry.packet);
        }
        for frame in &mut recorded {
            frame.packet = now(frame.packet);
        }
        let mut packets: Vec<_> = place.into_iter().zip(journal.packets).collect();
        packets.sort_unstable_by_key(|&(at, _)| at);
        journal.packets = packets.into_iter().map(|(_, packet)| packet).collect();
        // What happens at one time stays in its order: an arrival comes before what it causes.
        journal.sort();
        (journal, recorded)
    }
}
