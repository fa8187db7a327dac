//! Who wants to know while frames go by, and what they are shown.

use core::ops::ControlFlow;

use super::{Belonging, ConversationView};
use crate::flow::Socket;
use crate::frame::CapturedFrame;
use crate::source::Arrival;
use crate::tcp::{Connection, Event, Role};
use crate::time::Timestamp;
use crate::wire::Decoded;

/// Who wants to know while frames go by.
///
/// Every method does nothing unless it is implemented. Of one stream, what [`bytes`](Self::bytes)
/// and [`gap`](Self::gap) are given lies end to end: each begins where the one before ended, and
/// no offset comes twice. Bytes that wait behind a gap come when it is filled, when its receiver
/// says that it has them, when too much waits, or at the [end](super::Analyzer::finish).
pub trait Observer {
    /// Whether [`frame`](Self::frame) is of interest.
    fn wants_frames(&self) -> bool {
        true
    }

    /// Whether a connection that begins with a SYN at `time` is to be shown with it. Where not, that
    /// frame is shown as of no flow, and the connection from its next segment on: in a flood most
    /// have none.
    fn wants_half_open(&mut self, connection: u32, time: Timestamp) -> bool {
        let _ = (connection, time);
        true
    }

    /// A frame went through. Breaking ends the analysis.
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let _ = view;
        ControlFlow::Continue(())
    }

    /// Whether [`belongs`](Self::belongs) is of interest.
    fn wants_flows(&self) -> bool {
        false
    }

    /// Which flow a frame was found to belong to, or to be an ICMP error about: told of every
    /// frame, before [`frame`](Self::frame) is. It costs less.
    fn belongs(&mut self, frame: &CapturedFrame<'_>, decoded: &Decoded<'_>, to: Belonging) {
        let _ = (frame, decoded, to);
    }

    /// Bytes of a connection's stream, in order: `offset` 0 is the first byte after the SYN.
    fn bytes(&mut self, connection: u32, from: Role, offset: u64, bytes: &[u8]) {
        let _ = (connection, from, offset, bytes);
    }

    /// Bytes of a connection's stream that are not there.
    fn gap(&mut self, connection: u32, from: Role, offset: u64, len: u64) {
        let _ = (connection, from, offset, len);
    }

    /// Something arrived that is no frame: a comment, a name, an interface. A comment on a frame
    /// comes after that frame.
    fn aside(&mut self, arrival: &Arrival<'_>) {
        let _ = arrival;
    }

    /// Events that no frame brought: what was left when a connection's tracking ended.
    fn late(&mut self, connection: u32, events: &[Event]) {
        let _ = (connection, events);
    }
}

/// For whom the figures at the end are enough.
impl Observer for () {
    fn wants_frames(&self) -> bool {
        false
    }
}

/// A frame, what it held, and what it meant.
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    /// The frame.
    pub frame: &'a CapturedFrame<'a>,
    /// Its layers. For the last fragment of a datagram, those of the whole datagram.
    pub decoded: &'a Decoded<'a>,
    /// The conversation it belongs to, after this frame.
    pub flow: FlowView<'a>,
    /// What happened on that conversation because of it.
    pub events: &'a [Event],
}

/// The conversation of a frame.
#[derive(Clone, Copy, Debug)]
pub enum FlowView<'a> {
    /// None.
    None,
    /// A TCP connection.
    Tcp {
        /// The connection.
        view: ConnectionView<'a>,
        /// Who sent the frame.
        from: Role,
    },
    /// A UDP conversation.
    Udp {
        /// The conversation.
        conversation: ConversationView<'a>,
        /// Who sent the frame: 0 the first sender, 1 the other.
        from: Role,
    },
    /// An ICMP error about a packet of this TCP connection, that `Role` had sent.
    IcmpAboutTcp(u32, Role),
    /// An ICMP error about a packet of this UDP conversation, that `Role` had sent.
    IcmpAboutUdp(u32, Role),
}

/// A connection and who it is between.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionView<'a> {
    /// Its number, from 0 in order of first frames.
    pub id: u32,
    /// The sockets, indexed by [`Role`].
    pub sockets: [Socket; 2],
    /// What is known.
    pub connection: &'a Connection,
}

impl ConnectionView<'_> {
    /// One socket.
    pub fn socket(&self, role: Role) -> Socket {
        self.sockets[role as usize]
    }
}
