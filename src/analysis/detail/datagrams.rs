//! A UDP conversation with every datagram of it.

use core::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use super::{Ask, Failed, Missing, replay};
use crate::analysis::close_up::IcmpError;
use crate::analysis::{Conversation, FlowId, FlowView, FrameView, Observer, Places};
use crate::flow::Socket;
use crate::frame::{Place, ReadAgain};
use crate::tcp::Role;
use crate::time::Timestamp;
use crate::wire::Transport;
use crate::wire::icmp::error_words;

/// A datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatagramRow {
    /// Number of its frame; of the last one, where it came in fragments.
    pub frame: u64,
    /// Capture time.
    pub time: Timestamp,
    /// Who sent it: the client is the first sender.
    pub from: Role,
    /// Where its frame lies.
    pub place: Place,
    /// Length of its frame on the wire in bytes.
    pub wire_len: u32,
    /// Bytes of the frame that were captured.
    pub captured: u32,
    /// Payload bytes on the wire.
    pub payload_len: u32,
    /// IP identification, where the header has one.
    pub ip_id: Option<u32>,
    /// Time to live, or hop limit.
    pub ttl: u8,
}

/// A UDP conversation with every datagram of it.
#[derive(Clone, Debug)]
pub struct Talk {
    /// Its number.
    pub id: u32,
    /// Its sockets, by [`Role`].
    pub sockets: [Socket; 2],
    /// Its figures.
    pub conversation: Conversation,
    /// Its datagrams, in order.
    pub rows: Vec<DatagramRow>,
    /// Rows passed over because it was asked for.
    pub rows_before: u64,
    /// Rows beyond the limit, after those here.
    pub rows_dropped: u64,
    /// ICMP errors about it.
    pub icmp: Vec<IcmpError>,
    /// Time of the capture's first frame.
    pub first: Timestamp,
    /// Time of the capture's last frame.
    pub end: Timestamp,
    /// What could not be read again.
    pub missing: Missing,
}

impl Talk {
    /// Reads a conversation again.
    ///
    /// # Errors
    /// As [`Detail::read`](super::Detail::read).
    pub fn read(
        places: &Places,
        again: &mut dyn ReadAgain,
        ask: &Ask,
        stop: &AtomicBool,
    ) -> Result<Self, Failed> {
        let FlowId::Udp(id) = places.flow else {
            return Err(Failed::Changed);
        };
        let mut rows = Rows {
            wanted: id,
            ask,
            kept: Vec::new(),
            passed: 0,
            dropped: 0,
            strays: 0,
            icmp: Vec::new(),
        };
        let (analyzer, missing) = replay(places, again, ask, stop, &mut rows)?;
        let conversations = analyzer.conversations();
        let Some(own) = conversations.iter().find(|each| each.id == id) else {
            return Err(missing.reason.map_or(Failed::Changed, Failed::Unread));
        };
        Ok(Self {
            id,
            sockets: own.sockets,
            conversation: own.conversation.clone(),
            rows: rows.kept,
            rows_before: rows.passed,
            rows_dropped: rows.dropped,
            icmp: rows.icmp,
            first: ask.first,
            end: ask.end,
            missing: Missing {
                strays: rows.strays,
                ..missing
            },
        })
    }
}

struct Rows<'a> {
    wanted: u32,
    ask: &'a Ask,
    kept: Vec<DatagramRow>,
    passed: u64,
    dropped: u64,
    strays: u64,
    icmp: Vec<IcmpError>,
}

impl Observer for Rows<'_> {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let frame = view.frame;
        match (view.flow, &view.decoded.transport) {
            (FlowView::Udp { conversation, from }, Transport::Udp(datagram))
                if conversation.id == self.wanted =>
            {
                let ip = view.decoded.ip.as_ref();
                if self.passed < self.ask.skip {
                    self.passed += 1;
                } else if self.kept.len() >= self.ask.rows {
                    self.dropped += 1;
                } else {
                    self.kept.push(DatagramRow {
                        frame: frame.number,
                        time: frame.time,
                        from,
                        place: frame.place,
                        wire_len: frame.wire_len,
                        captured: frame.data.len() as u32,
                        payload_len: datagram.payload_len,
                        ip_id: ip.and_then(|ip| ip.id),
                        ttl: ip.map_or(0, |ip| ip.ttl),
                    });
                }
            }
            (FlowView::IcmpAboutUdp(id, about), Transport::Icmp(icmp))
                if id == self.wanted && self.icmp.len() < self.ask.events =>
            {
                let words = error_words(icmp.version, icmp.kind, icmp.code);
                self.icmp.push(IcmpError {
                    frame: frame.number,
                    time: frame.time,
                    about,
                    words: words.unwrap_or("ICMP error"),
                });
            }
            (FlowView::Udp { .. } | FlowView::Tcp { .. }, _) => self.strays += 1,
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
