//! The analyzer: takes arrivals in, keeps the figures, tells the observer.

use core::ops::ControlFlow;

use super::ahead::Ahead;
use super::begun::Begun;
use super::eviction::{Evicted, Queues, is_young, is_young_talk};
use super::quality::Quality;
use super::share::Share;
use super::tracked::{TcpFlow, Tracked, revive, talk_of, view_of};
use super::{Belonging, Capture, Conversation, FlowView, FrameView, Observer, Options};
use crate::flow::fragment::Defragmenter;
use crate::flow::table::Entry;
use crate::flow::{Direction, FlowKey, FlowTable, Protocol, Slot, Socket};
use crate::frame::CapturedFrame;
use crate::source::Arrival;
use crate::tcp::Rule;
use crate::tcp::verdict::Confidence;
use crate::tcp::{Arrived, Connection, Embryo, Event, Kind, Listener, Pool, Role, Verdict, What};
use crate::wire::glance::glance;
use crate::wire::{self, Decoded, Flags, Icmp, Ip, Segment, Transport};

/// So many flows need no fetching ahead.
const FEW: usize = 128;

/// Takes arrivals in and keeps the figures.
pub struct Analyzer {
    pub(super) options: Options,
    pub(super) table: FlowTable<Tracked>,
    pub(super) defragmenter: Defragmenter,
    pub(super) capture: Capture,
    pub(super) quality: Quality,
    pub(super) events: Vec<Event>,
    pub(super) evicted: Evicted,
    pub(super) next_tcp: u32,
    pub(super) next_udp: u32,
    /// Whether the next connection reuses the sockets of one that this analyzer has not seen.
    pub(super) reuses_ports: bool,
    /// Heap bytes of connections.
    pub(super) heap: usize,
    pub(super) ahead: Ahead,
    pub(super) pool: Pool,
    pub(super) share: Share,
    /// First frames of all flows, TCP and UDP, of a part that is to be numbered with others.
    pub(super) begun: [Begun; 2],
    pub(super) queues: Queues,
    /// The connection of the latest SYN, for who wants to see it whole.
    pub(super) newborn: Option<Box<TcpFlow>>,
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
            quality: Quality::default(),
            events: Vec::new(),
            evicted: Evicted::default(),
            next_tcp: 0,
            next_udp: 0,
            reuses_ports: false,
            heap: 0,
            ahead: Ahead::default(),
            pool: Pool::default(),
            share: Share::WHOLE,
            begun: Default::default(),
            queues: Queues::default(),
            newborn: None,
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
                if self.share.is_first() {
                    self.capture.note(&other);
                }
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
        // A few flows stay in the caches by themselves.
        if self.table.len() > FEW && !frame.upcoming.is_empty() {
            self.ahead.look(frame, &self.table, self.share);
        }
        if self.share.is_part() {
            return self.part(frame, observer);
        }
        self.capture.count(frame);
        self.quality.frame(frame);
        let decoded = wire::decode(frame.link, frame.data, frame.wire_len);
        if matches!(decoded.transport, Transport::Fragment(_)) {
            self.capture.fragments += 1;
            if let Some(whole) = self.defragment(frame, &decoded) {
                let again = wire::decode_reassembled(&decoded, &whole);
                return self.datagram(frame, &again, observer);
            }
        }
        self.datagram(frame, &decoded, observer)
    }

    /// The same, of frames that are shared with other analyzers.
    fn part<O: Observer + ?Sized>(
        &mut self,
        frame: &CapturedFrame<'_>,
        observer: &mut O,
    ) -> ControlFlow<()> {
        if self.share.is_first() {
            self.capture.count(frame);
            self.quality.frame(frame);
        }
        let plain = glance(frame.link, frame.data);
        if plain.is_some_and(|glance| !self.share.takes(&glance)) {
            return ControlFlow::Continue(());
        }
        let decoded = wire::decode(frame.link, frame.data, frame.wire_len);
        if matches!(decoded.transport, Transport::Fragment(_)) {
            self.capture.fragments += u64::from(self.share.is_first());
            if let Some(whole) = self.defragment(frame, &decoded) {
                let again = wire::decode_reassembled(&decoded, &whole);
                if !self.share.takes_decoded(&again) {
                    return ControlFlow::Continue(());
                }
                return self.datagram(frame, &again, observer);
            }
        }
        if plain.is_none() && !self.share.takes_decoded(&decoded) {
            return ControlFlow::Continue(());
        }
        self.datagram(frame, &decoded, observer)
    }

    fn defragment(&mut self, frame: &CapturedFrame<'_>, decoded: &Decoded<'_>) -> Option<Vec<u8>> {
        let (Transport::Fragment(bytes), Some(ip)) = (&decoded.transport, &decoded.ip) else {
            return None;
        };
        self.defragmenter
            .push(ip, decoded.context, frame.time, bytes)
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
                let mut slot =
                    self.conversation_of(frame, decoded.context, key, direction, observer);
                if let Some(Entry {
                    value: Tracked::Udp(conversation),
                    ..
                }) = self.table.get_mut(slot)
                {
                    let was_young = is_young_talk(conversation);
                    conversation.count(direction, frame, datagram.payload_len);
                    if was_young && !is_young_talk(conversation) {
                        slot = self.table.lasts(slot);
                        self.queues.ages();
                        self.queues.lasts(slot, &self.table);
                    }
                }
                Some((slot, direction))
            }
            (Transport::Icmp(icmp), _) if icmp.quoted.is_some() => {
                let about = self.icmp_error(icmp);
                if observer.wants_flows() {
                    observer.belongs(frame, decoded, Belonging::about(&about));
                }
                return self.show(frame, decoded, about, observer);
            }
            _ => None,
        };
        if observer.wants_flows() {
            observer.belongs(frame, decoded, self.belonging(place, frame));
        }
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
            Some(Entry {
                key,
                value: Tracked::HalfOpen(id, ..),
                ..
            }) => match &self.newborn {
                Some(flow) if flow.id == *id => FlowView::Tcp {
                    view: view_of(key, flow),
                    from: flow.role(direction),
                },
                _ => FlowView::None,
            },
            None => FlowView::None,
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
            ip: Some(ip),
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
            let slot = self.grown(slot);
            if self.track(slot, direction, &arrived, (ip, frame.interface), observer) {
                return (slot, direction);
            }
            self.end(slot, observer);
            self.table.detach(slot);
        }
        let embryo = match found {
            None if !self.reuses_ports => Embryo::of(&arrived),
            _ => None,
        };
        self.make_room(embryo.is_some(), frame.time, observer);
        let id = self.next_tcp;
        self.next_tcp += 1;
        if self.share.is_part() {
            self.begun[0].push(frame.number);
        }
        if let Some(embryo) = embryo {
            if observer.wants_frames() && observer.wants_half_open(id, frame.time) {
                self.bear(id, direction, &arrived, observer);
            }
            let half_open = Tracked::HalfOpen(id, direction, embryo);
            let slot = self.table.insert_young(key, direction, context, half_open);
            self.queues.begins(slot, &self.table);
            return (slot, direction);
        }
        let client = match Connection::role_of_first_sender(segment) {
            Role::Client => direction,
            Role::Server => direction.reverse(),
        };
        let mut connection = Connection::new(&arrived);
        if found.is_some() || core::mem::take(&mut self.reuses_ports) {
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
        let flow = TcpFlow::new(id, client, connection, self.quality.watch());
        self.heap += TcpFlow::OWN;
        let flow = Tracked::Tcp(Box::new(flow));
        let slot = self.table.insert(key, direction, context, flow);
        self.queues.begins(slot, &self.table);
        self.track(slot, direction, &arrived, (ip, frame.interface), observer);
        (slot, direction)
    }

    /// Plays a SYN to a connection that is there to be looked at: only the SYN is kept.
    fn bear<O: Observer + ?Sized>(
        &mut self,
        id: u32,
        client: Direction,
        arrived: &Arrived<'_>,
        observer: &mut O,
    ) {
        let connection = Connection::new(arrived);
        let flow = match &mut self.newborn {
            Some(flow) => {
                flow.connection
                    .finish(&mut self.pool, &mut Vec::new(), &mut ());
                (flow.id, flow.client, flow.connection) = (id, client, connection);
                flow
            }
            none => {
                let flow = TcpFlow::new(id, client, connection, Box::default());
                none.insert(Box::new(flow))
            }
        };
        flow.connection.segment(
            arrived,
            Role::Client,
            &self.options.settings,
            &mut self.pool,
            &mut self.events,
            &mut Numbered { id, observer },
        );
    }

    /// Makes a whole connection of a half-open one.
    #[cold]
    fn promote(&mut self, slot: Slot) -> Slot {
        let slot = self.table.lasts(slot);
        let Some(entry) = self.table.get_mut(slot) else {
            return slot;
        };
        let Tracked::HalfOpen(id, client, embryo) = entry.value else {
            return slot;
        };
        let connection = revive(&embryo, &self.options.settings, &mut self.pool);
        let flow = TcpFlow::new(id, client, connection, self.quality.watch());
        self.heap += TcpFlow::OWN;
        entry.value = Tracked::Tcp(Box::new(flow));
        // What it was queued as is in another slot.
        self.queues.ages();
        self.queues.begins(slot, &self.table);
        slot
    }

    /// The slot of a connection that is whole.
    #[inline]
    fn grown(&mut self, slot: Slot) -> Slot {
        match self.table.get(slot) {
            Some(Entry {
                value: Tracked::HalfOpen(..),
                ..
            }) => self.promote(slot),
            _ => slot,
        }
    }

    /// Gives a segment, with its IP header and interface, to its connection; not when the segment opens a new one on its sockets.
    #[inline]
    fn track<O: Observer + ?Sized>(
        &mut self,
        slot: Slot,
        direction: Direction,
        arrived: &Arrived<'_>,
        place: (&Ip, u32),
        observer: &mut O,
    ) -> bool {
        let Some(entry) = self.table.get_mut(slot) else {
            return true;
        };
        let Tracked::Tcp(flow) = &mut entry.value else {
            return true;
        };
        let key = &entry.key;
        let from = flow.role(direction);
        if arrived.segment.flags.has(Flags::SYN) && flow.connection.is_superseded_by(arrived, from)
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
        let (ip, interface) = place;
        self.quality.packet(flow, from, arrived, ip, interface);
        let is_over = flow.connection.is_over();
        let has_aged = flow.is_young && (is_over || !is_young(&flow.connection));
        flow.is_young &= !has_aged;
        let has_ended = is_over && flow.watch.is_some();
        if has_ended {
            self.quality.over(key, flow);
        }
        // Memory only grows a little at a time, but for what waits behind a gap.
        flow.uncounted += 1;
        let is_due = flow.uncounted >= flow.pace || is_over || flow.connection.holds_back();
        if is_due {
            let heap = flow.heap();
            self.heap = self.heap + heap - flow.counted;
            flow.counted = heap;
            flow.uncounted = 0;
            flow.pace = (flow.pace * 2).min(TcpFlow::PACE);
        }
        if has_aged {
            self.queues.ages();
            if !is_over {
                self.queues.lasts(slot, &self.table);
            }
        }
        if has_ended {
            self.queues.over(slot, &self.table);
        }
        if is_due {
            self.shrink(slot, arrived.time, observer);
        }
        true
    }

    fn conversation_of<O: Observer + ?Sized>(
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
        self.make_room(true, frame.time, observer);
        let id = self.next_udp;
        self.next_udp += 1;
        if self.share.is_part() {
            self.begun[1].push(frame.number);
        }
        let conversation = Tracked::Udp(Conversation::new(id, direction, frame));
        let slot = self
            .table
            .insert_young(key, direction, context, conversation);
        self.queues.begins(slot, &self.table);
        slot
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
        let slot = self.grown(slot);
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

    /// Ends the tracking of a connection: what waits is delivered, its memory given back.
    pub(super) fn end<O: Observer + ?Sized>(&mut self, slot: Slot, observer: &mut O) {
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
        let heap = flow.heap();
        self.heap = self.heap + heap - flow.counted;
        flow.counted = heap;
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

    /// What it was told.
    pub fn options(&self) -> &Options {
        &self.options
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
}
