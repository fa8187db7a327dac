//! What the flow table keeps for a flow.

use super::watch::Watch;
use super::{ConnectionView, Conversation, ConversationView};
use crate::flow::{Direction, FlowKey};
use crate::tcp::{Connection, Embryo, Pool, Role, Settings};

#[derive(Debug)]
pub(super) struct TcpFlow {
    pub(super) id: u32,
    /// Which direction the client sends in.
    pub(super) client: Direction,
    /// Heap bytes counted for it …
    pub(super) counted: usize,
    /// … so many of its segments ago.
    pub(super) uncounted: u8,
    /// How many segments pass until it is counted again.
    pub(super) pace: u8,
    /// Whether it may yet come to nothing.
    pub(super) is_young: bool,
    pub(super) connection: Connection,
    /// For findings about the capture; `None` once the connection is over.
    pub(super) watch: Option<Box<Watch>>,
}

impl TcpFlow {
    /// What an allocation takes besides what was asked for.
    const ALLOCATION: usize = 16;
    /// What it takes itself.
    pub(super) const OWN: usize = size_of::<Self>() + Self::ALLOCATION;
    /// Memory grows a little at a time, but while a connection is new.
    pub(super) const PACE: u8 = 16;

    /// A connection that begins.
    pub(super) fn new(
        id: u32,
        client: Direction,
        connection: Connection,
        watch: Box<Watch>,
    ) -> Self {
        Self {
            id,
            client,
            counted: 0,
            uncounted: 0,
            pace: 1,
            is_young: true,
            connection,
            watch: Some(watch),
        }
    }

    /// Bytes on the heap besides its own.
    pub(super) fn heap(&self) -> usize {
        let watch = size_of::<Watch>() + Self::ALLOCATION;
        self.connection.heap() + self.watch.as_ref().map_or(0, |_| watch)
    }

    pub(super) fn role(&self, direction: Direction) -> Role {
        if direction == self.client {
            Role::Client
        } else {
            Role::Server
        }
    }
}

#[derive(Debug)]
pub(super) enum Tracked {
    /// A SYN and nothing else yet.
    HalfOpen(u32, Direction, Embryo),
    Tcp(Box<TcpFlow>),
    Udp(Conversation),
}

impl Tracked {
    /// The frame that began it.
    pub(super) fn first_frame(&self) -> u64 {
        match self {
            Self::HalfOpen(_, _, embryo) => embryo.frame(),
            Self::Tcp(flow) => flow.connection.first_frame,
            Self::Udp(conversation) => conversation.first_frame,
        }
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        match self {
            Self::HalfOpen(id, ..) => *id,
            Self::Tcp(flow) => flow.id,
            Self::Udp(conversation) => conversation.id,
        }
    }

    /// Gives it a number.
    pub(super) fn number(&mut self, number: u32) {
        match self {
            Self::HalfOpen(id, ..) => *id = number,
            Self::Tcp(flow) => flow.id = number,
            Self::Udp(conversation) => conversation.id = number,
        }
    }
}

pub(super) fn revive(embryo: &Embryo, settings: &Settings, pool: &mut Pool) -> Connection {
    embryo.replay(|arrived| {
        let mut connection = Connection::new(arrived);
        connection.segment(
            arrived,
            Role::Client,
            settings,
            pool,
            &mut Vec::new(),
            &mut (),
        );
        connection
    })
}

pub(super) fn view_of<'a>(key: &FlowKey, flow: &'a TcpFlow) -> ConnectionView<'a> {
    ConnectionView {
        id: flow.id,
        sockets: [key.source(flow.client), key.source(flow.client.reverse())],
        connection: &flow.connection,
    }
}

pub(super) fn talk_of<'a>(key: &FlowKey, conversation: &'a Conversation) -> ConversationView<'a> {
    let client = conversation.client;
    ConversationView {
        sockets: [key.source(client), key.source(client.reverse())],
        conversation,
    }
}
