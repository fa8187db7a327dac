//! The one path from arrivals to figures: decode, find the flow, track it, tell the observer.
//!
//! After this point no code asks whether frames come from a file, an interface or the generator.
//!
//! An [`Analyzer`] takes [`Arrival`]s in one at a time. Who wants to know more than the figures at
//! the end passes an [`Observer`]: it sees each frame with what was decoded of it, the conversation
//! it belongs to and the events it caused, and gets the bytes of all streams in order. `()`
//! is the observer that wants nothing.
//!
//! # Examples
//! Which frames changed the state of a connection, and the figures at the end:
//!
//! ```
//! use std::ops::ControlFlow;
//! use tcplens::analysis::{Analyzer, FlowView, FrameView, Observer, Options};
//! use tcplens::source::{self, OpenOptions};
//! use tcplens::tcp::{Role, What};
//!
//! struct StateChanges;
//!
//! impl Observer for StateChanges {
//!     fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
//!         if let FlowView::Tcp { view: tcp, .. } = view.flow {
//!             for event in view.events {
//!                 if let What::State { endpoint, before, after, .. } = event.what {
//!                     println!("{}: connection {}, {endpoint}: {before} > {after}", event.frame, tcp.id);
//!                 }
//!             }
//!         }
//!         ControlFlow::Continue(())
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/half-close.pcap");
//! // At most 64 MB for what is kept; past it flows are let go, and counted.
//! let options = Options { memory: 64 << 20, ..Options::default() };
//! let mut analyzer = Analyzer::new(options);
//! source::open(&[file], &OpenOptions::default())?
//!     .run(&mut |arrival| analyzer.arrive(arrival, &mut StateChanges))?;
//! analyzer.finish(&mut StateChanges);
//!
//! assert_eq!(analyzer.evicted().connections, 0);
//! for (id, slot) in analyzer.connections() {
//!     analyzer.connection(slot, |view| {
//!         let server = &view.connection.endpoint(Role::Server).figures;
//!         println!("{id}: {} bytes from {}", server.stream_bytes, view.socket(Role::Server));
//!     });
//! }
//! # assert_eq!(analyzer.tcp_seen(), 1);
//! # Ok(())
//! # }
//! ```

mod ahead;
pub mod capture;
pub mod close_up;
pub mod trouble;
pub mod udp;

use core::ops::ControlFlow;

use ahead::Ahead;
pub use capture::Capture;
pub use close_up::CloseUp;
pub use udp::{Conversation, ConversationView};

use crate::flow::fragment::Defragmenter;
use crate::flow::table::Entry;
use crate::flow::{Direction, FlowKey, FlowTable, Protocol, Slot, Socket};
use crate::frame::CapturedFrame;
use crate::source::Arrival;
use crate::tcp::retransmission::{Confidence, Rule};
use crate::tcp::{
    Arrived, Connection, Embryo, Event, Kind, Listener, Pool, Role, Settings, Verdict, What,
};
use crate::wire::{self, Decoded, Flags, Icmp, Ip, Segment, Transport};

/// What the analyzer is told before it starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// How connections are tracked.
    pub settings: Settings,
    /// Bytes that flows, waiting stream data and fragments may take together; past it flows are
    /// evicted, and counted.
    pub memory: usize,
    /// Flows kept at most; past it flows are evicted, and counted.
    pub max_flows: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            memory: 1 << 30,
            max_flows: 50_000_000,
        }
    }
}

/// Who wants to know while frames go by.
///
/// Every method does nothing unless it is implemented. Of one stream, what [`bytes`](Self::bytes)
/// and [`gap`](Self::gap) are given lies end to end: each begins where the one before ended, and
/// no offset comes twice. Bytes that wait behind a gap come when it is filled, when its receiver
/// says that it has them, when too much waits, or at the [end](Analyzer::finish).
pub trait Observer {
    /// Whether [`frame`](Self::frame) is of interest. When not, half-open connections are kept
    /// smaller.
    fn wants_frames(&self) -> bool {
        true
    }

    /// A frame went through. Breaking ends the analysis.
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let _ = view;
        ControlFlow::Continue(())
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

#[derive(Debug)]
struct TcpFlow {
    id: u32,
    /// Which direction the client sends in.
    client: Direction,
    /// Heap bytes counted for it …
    counted: usize,
    /// … so many of its segments ago.
    uncounted: u8,
    connection: Connection,
}

impl TcpFlow {
    fn role(&self, direction: Direction) -> Role {
        if direction == self.client {
            Role::Client
        } else {
            Role::Server
        }
    }
}

#[derive(Debug)]
enum Tracked {
    /// A SYN and nothing else yet.
    HalfOpen(u32, Direction, Embryo),
    Tcp(Box<TcpFlow>),
    Udp(Conversation),
}

/// What was let go to stay within memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// TCP connections whose figures are gone.
    pub connections: u64,
    /// … of them half-open: a SYN and nothing else.
    pub half_open: u64,
    /// UDP conversations whose figures are gone.
    pub conversations: u64,
    /// Packets they had.
    pub packets: u64,
}

/// Takes arrivals in and keeps the figures.
pub struct Analyzer {
    options: Options,
    table: FlowTable<Tracked>,
    defragmenter: Defragmenter,
    capture: Capture,
    events: Vec<Event>,
    evicted: Evicted,
    next_tcp: u32,
    next_udp: u32,
    /// Heap bytes of connections.
    heap: usize,
    ahead: Ahead,
    pool: Pool,
}

/// Gives a connection's bytes to the observer under its number.
struct Numbered<'a, O: Observer + ?Sized> {
    id: u32,
    observer: &'a mut O,
}

impl<O: Observer + ?Sized> Listener for Numbered<'_, O> {
    fn bytes(&mut self, from: Role, offset: u64, bytes: &[u8]) {
        self.observer.bytes(self.id, from, offset, bytes);
    }

    fn gap(&mut self, from: Role, offset: u64, len: u64) {
        self.observer.gap(self.id, from, offset, len);
    }
}

impl Analyzer {
    /// An analyzer that has seen nothing.
    pub fn new(options: Options) -> Self {
        let fragments = (options.memory / 16).clamp(1 << 16, 64 << 20);
        Self {
            options,
            table: FlowTable::new(),
            defragmenter: Defragmenter::new(fragments),
            capture: Capture::default(),
            events: Vec::new(),
            evicted: Evicted::default(),
            next_tcp: 0,
            next_udp: 0,
            heap: 0,
            ahead: Ahead::default(),
            pool: Pool::default(),
        }
    }

    /// Takes an arrival in, and tells `observer`. Breaks when the observer does, so that it can be
    /// called from [`Source::run`](crate::source::Source::run) as it is.
    pub fn arrive<O: Observer + ?Sized>(
        &mut self,
        arrival: Arrival<'_>,
        observer: &mut O,
    ) -> ControlFlow<()> {
        match arrival {
            Arrival::Frame(frame) => self.frame(&frame, observer),
            other => {
                self.capture.note(&other);
                observer.aside(&other);
                ControlFlow::Continue(())
            }
        }
    }

    fn frame<O: Observer + ?Sized>(
        &mut self,
        frame: &CapturedFrame<'_>,
        observer: &mut O,
    ) -> ControlFlow<()> {
        if !frame.upcoming.is_empty() {
            self.ahead.look(frame, &self.table);
        }
        self.capture.count(frame);
        let decoded = wire::decode(frame.link, frame.data, frame.wire_len);
        if let (Transport::Fragment(bytes), Some(ip)) = (&decoded.transport, &decoded.ip) {
            self.capture.fragments += 1;
            let whole = self
                .defragmenter
                .push(ip, decoded.context, frame.time, bytes);
            if let Some(whole) = whole {
                let again = wire::decode_reassembled(&decoded, &whole);
                return self.datagram(frame, &again, observer);
            }
        }
        self.datagram(frame, &decoded, observer)
    }

    #[inline]
    fn datagram<O: Observer + ?Sized>(
        &mut self,
        frame: &CapturedFrame<'_>,
        decoded: &Decoded<'_>,
        observer: &mut O,
    ) -> ControlFlow<()> {
        self.capture.decoded(decoded);
        self.events.clear();
        let place = match (&decoded.transport, &decoded.ip) {
            (Transport::Tcp(segment), Some(ip)) => {
                Some(self.segment(frame, decoded.context, ip, segment, observer))
            }
            (Transport::Udp(datagram), Some(ip)) => {
                let (key, direction) = FlowKey::new(
                    ip,
                    Protocol::Udp,
                    datagram.source_port,
                    datagram.destination_port,
                );
                let slot = self.conversation(frame, decoded.context, key, direction, observer);
                if let Some(Entry {
                    value: Tracked::Udp(conversation),
                    ..
                }) = self.table.get_mut(slot)
                {
                    conversation.count(direction, frame, datagram.payload_len);
                }
                Some((slot, direction))
            }
            (Transport::Icmp(icmp), _) if icmp.quoted.is_some() => {
                let about = self.icmp_error(icmp);
                return self.show(frame, decoded, about, observer);
            }
            _ => None,
        };
        if !observer.wants_frames() {
            return ControlFlow::Continue(());
        }
        let Some((slot, direction)) = place else {
            return self.show(frame, decoded, FlowView::None, observer);
        };
        let flow = match self.table.get(slot) {
            Some(Entry {
                key,
                value: Tracked::Tcp(flow),
                ..
            }) => FlowView::Tcp {
                view: view_of(key, flow),
                from: flow.role(direction),
            },
            Some(Entry {
                key,
                value: Tracked::Udp(conversation),
                ..
            }) => FlowView::Udp {
                conversation: talk_of(key, conversation),
                from: conversation.role(direction),
            },
            _ => FlowView::None,
        };
        observer.frame(&FrameView {
            frame,
            decoded,
            flow,
            events: &self.events,
        })
    }

    fn show<O: Observer + ?Sized>(
        &self,
        frame: &CapturedFrame<'_>,
        decoded: &Decoded<'_>,
        flow: FlowView<'_>,
        observer: &mut O,
    ) -> ControlFlow<()> {
        if !observer.wants_frames() {
            return ControlFlow::Continue(());
        }
        observer.frame(&FrameView {
            frame,
            decoded,
            flow,
            events: &[],
        })
    }

    #[inline]
    fn segment<O: Observer + ?Sized>(
        &mut self,
        frame: &CapturedFrame<'_>,
        context: u32,
        ip: &Ip,
        segment: &Segment<'_>,
        observer: &mut O,
    ) -> (Slot, Direction) {
        let (key, direction) = FlowKey::new(
            ip,
            Protocol::Tcp,
            segment.source_port,
            segment.destination_port,
        );
        let arrived = Arrived {
            frame: frame.number,
            time: frame.time,
            wire_len: frame.wire_len,
            ip_id: ip.id,
            ttl: ip.ttl,
            traffic_class: ip.traffic_class,
            segment,
        };
        let belongs = |entry: &Entry<Tracked>| match &entry.value {
            Tracked::Tcp(flow) => flow
                .connection
                .is_continued_by(segment, flow.role(direction)),
            Tracked::HalfOpen(_, syn_direction, embryo) => {
                if *syn_direction == direction {
                    embryo.seq() == segment.seq
                } else {
                    (1..4 << 20).contains(&segment.ack.distance_from(embryo.seq()))
                }
            }
            Tracked::Udp(_) => false,
        };
        let found = self.table.find(&key, direction, context, belongs);
        if let Some(slot) = found {
            if self.track(slot, direction, &arrived, observer) {
                return (slot, direction);
            }
            self.end(slot, observer);
            self.table.detach(slot);
        }
        self.make_room(observer);
        let id = self.next_tcp;
        self.next_tcp += 1;
        if found.is_none()
            && !observer.wants_frames()
            && let Some(embryo) = Embryo::of(&arrived)
        {
            let half_open = Tracked::HalfOpen(id, direction, embryo);
            return (
                self.table.insert(key, direction, context, half_open),
                direction,
            );
        }
        let client = match Connection::role_of_first_sender(segment) {
            Role::Client => direction,
            Role::Server => direction.reverse(),
        };
        let mut connection = Connection::new(&arrived);
        if found.is_some() {
            connection.reuses_ports = true;
            self.events.push(Event {
                frame: frame.number,
                time: frame.time,
                from: Role::Client,
                what: What::Verdict(Verdict::new(
                    Kind::PortReused,
                    Rule::NewSynOnOldSockets,
                    Confidence::Certain,
                )),
            });
        }
        let flow = Box::new(TcpFlow {
            id,
            client,
            counted: 0,
            uncounted: 0,
            connection,
        });
        self.heap += size_of::<TcpFlow>();
        let slot = self
            .table
            .insert(key, direction, context, Tracked::Tcp(flow));
        self.track(slot, direction, &arrived, observer);
        (slot, direction)
    }

    /// Makes a whole connection of a half-open one.
    #[cold]
    fn promote(&mut self, slot: Slot) {
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        let Tracked::HalfOpen(id, client, embryo) = entry.value else {
            return;
        };
        let connection = revive(&embryo, &self.options.settings, &mut self.pool);
        let counted = connection.heap();
        self.heap += size_of::<TcpFlow>() + counted;
        entry.value = Tracked::Tcp(Box::new(TcpFlow {
            id,
            client,
            counted,
            uncounted: 0,
            connection,
        }));
    }

    /// Gives a segment to its connection; not when the segment opens a new one on its sockets.
    #[inline]
    fn track<O: Observer + ?Sized>(
        &mut self,
        slot: Slot,
        direction: Direction,
        arrived: &Arrived<'_>,
        observer: &mut O,
    ) -> bool {
        let flow = match self.table.get_mut(slot).map(|entry| &mut entry.value) {
            Some(Tracked::Tcp(flow)) => flow,
            Some(Tracked::HalfOpen(..)) => {
                self.promote(slot);
                return self.track(slot, direction, arrived, observer);
            }
            _ => return true,
        };
        let from = flow.role(direction);
        if arrived.segment.flags.has(Flags::SYN)
            && flow.connection.is_superseded_by(arrived.segment, from)
        {
            return false;
        }
        let mut listener = Numbered {
            id: flow.id,
            observer,
        };
        let settings = &self.options.settings;
        let (pool, events) = (&mut self.pool, &mut self.events);
        flow.connection
            .segment(arrived, from, settings, pool, events, &mut listener);
        // Memory only grows a little at a time, but for what waits behind a gap.
        if arrived.frame % 16 == 0 || flow.connection.holds_back() || flow.connection.is_over() {
            let heap = flow.connection.heap();
            self.heap = self.heap + heap - flow.counted;
            flow.counted = heap;
            flow.uncounted = 0;
            if self.is_over() {
                self.make_room(observer);
            }
        }
        true
    }

    fn conversation<O: Observer + ?Sized>(
        &mut self,
        frame: &CapturedFrame<'_>,
        context: u32,
        key: FlowKey,
        direction: Direction,
        observer: &mut O,
    ) -> Slot {
        // The other direction may be tagged otherwise.
        let belongs = |entry: &Entry<Tracked>| entry.context[direction.index()].is_none();
        if let Some(slot) = self.table.find(&key, direction, context, belongs) {
            return slot;
        }
        self.make_room(observer);
        let id = self.next_udp;
        self.next_udp += 1;
        let conversation = Conversation::new(id, direction, frame);
        self.table
            .insert(key, direction, context, Tracked::Udp(conversation))
    }

    /// Ties an ICMP error to the conversation whose packet it quotes.
    fn icmp_error(&mut self, icmp: &Icmp<'_>) -> FlowView<'static> {
        let Some(quoted) = icmp.quoted else {
            return FlowView::None;
        };
        let Some((source, destination)) = quoted.ports else {
            return FlowView::None;
        };
        let protocol = match quoted.protocol {
            6 => Protocol::Tcp,
            17 => Protocol::Udp,
            _ => return FlowView::None,
        };
        let (key, direction) = FlowKey::between(
            Socket {
                address: quoted.source,
                port: source,
            },
            Socket {
                address: quoted.destination,
                port: destination,
            },
            protocol,
            quoted.version,
        );
        let Some(slot) = self.table.find_any(&key) else {
            return FlowView::None;
        };
        self.promote(slot);
        match self.table.get_mut(slot).map(|entry| &mut entry.value) {
            Some(Tracked::Tcp(flow)) => {
                flow.connection
                    .icmp_error(icmp.version, icmp.kind, icmp.code);
                FlowView::IcmpAboutTcp(flow.id, flow.role(direction))
            }
            Some(Tracked::Udp(conversation)) => {
                conversation.icmp_error(icmp.version, icmp.kind, icmp.code);
                FlowView::IcmpAboutUdp(conversation.id, conversation.role(direction))
            }
            _ => FlowView::None,
        }
    }

    /// Bytes of memory in use, as counted.
    pub fn memory(&self) -> usize {
        self.table.memory() + self.heap + self.defragmenter.held()
    }

    #[inline]
    fn is_over(&self) -> bool {
        self.memory() > self.options.memory || self.table.len() > self.options.max_flows
    }

    /// Lets flows go until there is room for one more: half-open ones before finished ones before
    /// the rest, of each the one that was silent longest (among a sample).
    #[inline]
    fn make_room<O: Observer + ?Sized>(&mut self, observer: &mut O) {
        while self.is_over() && self.evict(observer) {}
    }

    #[cold]
    fn evict<O: Observer + ?Sized>(&mut self, observer: &mut O) -> bool {
        const SAMPLE: usize = 16;
        let slot = self.table.least_worth(SAMPLE, |entry| match &entry.value {
            Tracked::HalfOpen(_, _, embryo) => (0, embryo.time()),
            Tracked::Udp(conversation) => (2, conversation.last),
            Tracked::Tcp(flow) => {
                let over = flow.connection.is_over();
                (if over { 1 } else { 3 }, flow.connection.last_time)
            }
        });
        let Some(slot) = slot else { return false };
        self.end(slot, observer);
        match self.table.remove(slot).map(|entry| entry.value) {
            Some(Tracked::HalfOpen(..)) => {
                self.evicted.connections += 1;
                self.evicted.half_open += 1;
                self.evicted.packets += 1;
            }
            Some(Tracked::Tcp(flow)) => {
                self.heap -= size_of::<TcpFlow>() + flow.counted;
                self.evicted.connections += 1;
                self.evicted.packets += Role::BOTH
                    .iter()
                    .map(|&role| flow.connection.endpoint(role).figures.packets)
                    .sum::<u64>();
            }
            Some(Tracked::Udp(conversation)) => {
                self.evicted.conversations += 1;
                self.evicted.packets += conversation.packets.iter().sum::<u64>();
            }
            None => return false,
        }
        // The slab itself does not shrink: once its share alone is too much, no eviction helps.
        !self.table.is_empty()
    }

    /// Ends the tracking of a connection: what waits is delivered, its memory given back.
    fn end<O: Observer + ?Sized>(&mut self, slot: Slot, observer: &mut O) {
        let Some(Entry {
            value: Tracked::Tcp(flow),
            ..
        }) = self.table.get_mut(slot)
        else {
            return;
        };
        let mut events = Vec::new();
        let id = flow.id;
        flow.connection
            .finish(&mut self.pool, &mut events, &mut Numbered { id, observer });
        self.heap -= flow.counted;
        flow.counted = 0;
        if !events.is_empty() {
            observer.late(id, &events);
        }
    }

    /// Says that no more arrivals will come: what waits in streams is delivered.
    pub fn finish<O: Observer + ?Sized>(&mut self, observer: &mut O) {
        let mut slots: Vec<(u32, Slot)> = self
            .table
            .iter()
            .filter_map(|(slot, entry)| match &entry.value {
                Tracked::Tcp(flow) => Some((flow.id, slot)),
                _ => None,
            })
            .collect();
        slots.sort_unstable();
        for (_, slot) in slots {
            self.end(slot, observer);
        }
    }

    /// What is known of the capture as such.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// What was let go to stay within memory.
    pub fn evicted(&self) -> Evicted {
        self.evicted
    }

    /// How many TCP connections were seen, those evicted included.
    pub fn tcp_seen(&self) -> u32 {
        self.next_tcp
    }

    /// How many UDP conversations were seen, those evicted included.
    pub fn udp_seen(&self) -> u32 {
        self.next_udp
    }

    /// The TCP connections that are kept, by number, each with the place to ask
    /// [`connection`](Self::connection) for.
    pub fn connections(&self) -> Vec<(u32, Slot)> {
        let mut list: Vec<_> = self
            .table
            .iter()
            .filter_map(|(slot, entry)| match &entry.value {
                Tracked::Tcp(flow) => Some((flow.id, slot)),
                Tracked::HalfOpen(id, ..) => Some((*id, slot)),
                Tracked::Udp(_) => None,
            })
            .collect();
        list.sort_unstable();
        list
    }

    /// The first SYN of a connection that has nothing else, for figures over millions of them
    /// without making each whole.
    pub fn half_open(&self, slot: Slot) -> Option<&Embryo> {
        match &self.table.get(slot)?.value {
            Tracked::HalfOpen(_, _, embryo) => Some(embryo),
            _ => None,
        }
    }

    /// Shows one connection. Half-open ones are made whole for the occasion.
    pub fn connection<R>(
        &self,
        slot: Slot,
        look: impl FnOnce(&ConnectionView<'_>) -> R,
    ) -> Option<R> {
        let entry = self.table.get(slot)?;
        match &entry.value {
            Tracked::Tcp(flow) => Some(look(&view_of(&entry.key, flow))),
            Tracked::HalfOpen(id, client, embryo) => {
                let connection = revive(embryo, &self.options.settings, &mut Pool::default());
                Some(look(&ConnectionView {
                    id: *id,
                    sockets: [
                        entry.key.source(*client),
                        entry.key.source(client.reverse()),
                    ],
                    connection: &connection,
                }))
            }
            Tracked::Udp(_) => None,
        }
    }

    /// The UDP conversations that are kept, by number.
    pub fn conversations(&self) -> Vec<ConversationView<'_>> {
        let mut list: Vec<_> = self
            .table
            .iter()
            .filter_map(|(_, entry)| match &entry.value {
                Tracked::Udp(conversation) => Some(talk_of(&entry.key, conversation)),
                _ => None,
            })
            .collect();
        list.sort_unstable_by_key(|conversation| conversation.id);
        list
    }
}

fn revive(embryo: &Embryo, settings: &Settings, pool: &mut Pool) -> Connection {
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

fn view_of<'a>(key: &FlowKey, flow: &'a TcpFlow) -> ConnectionView<'a> {
    ConnectionView {
        id: flow.id,
        sockets: [key.source(flow.client), key.source(flow.client.reverse())],
        connection: &flow.connection,
    }
}

fn talk_of<'a>(key: &FlowKey, conversation: &'a Conversation) -> ConversationView<'a> {
    let client = conversation.client;
    ConversationView {
        sockets: [key.source(client), key.source(client.reverse())],
        conversation,
    }
}
