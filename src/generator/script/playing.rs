//! A script played: two hosts who remember what they sent, and the frames that come of it.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::{Bytes, Fate, Host, Line, Numbering, Opt, Packet, Side, Statement, When};
use crate::time::Span;
use crate::wire::ethernet::{self, ether_type};
use crate::wire::ip::protocol;
use crate::wire::tcp_option::{self, SackBlock, SackBlocks, Timestamps};
use crate::wire::{Address, Flags, Fragment, Segment, SeqNum, TcpOption, TcpOptions, ipv4, ipv6};

/// Packets of a host that can still be named.
const REMEMBERED: usize = 1024;
/// Octets that a TCP header has for options.
const ROOM_FOR_OPTIONS: usize = 40;
/// The window of a SYN that says nothing else: Linux's.
const WINDOW_OF_SYN: u16 = 64_240;

/// Where a script has come to.
pub(super) struct Stage {
    /// Since the begin.
    pub(super) now: Span,
    pub(super) snaplen: u32,
    hosts: [Actor; 2],
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            now: Span::ZERO,
            snaplen: u32::MAX,
            hosts: [Side::Client, Side::Server].map(|side| Actor::new(Host::default_of(side))),
        }
    }
}

/// A host that sends.
struct Actor {
    host: Host,
    /// Behind the highest position sent.
    next: i64,
    ack: i64,
    window: u16,
    next_id: u16,
    /// What it echoes (RFC 7323 section 4.3, TS.Recent).
    recent: Option<u32>,
    /// From the tap to it and back, as the handshake shows it.
    away: Span,
    /// Oldest first.
    sent: VecDeque<Sent>,
}

struct Sent {
    /// Of payload, as the script says it.
    range: (i64, i64),
    /// Behind its SYN, payload and FIN.
    end: i64,
    tsval: Option<u32>,
    fate: Fate,
    /// When it passed the tap.
    captured: Option<Span>,
    frame: Frame,
}

/// A packet with everything in it decided.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    from_client: bool,
    source: Address,
    destination: Address,
    ports: (u16, u16),
    seq: u32,
    ack: u32,
    flags: Flags,
    window: u16,
    urgent: u16,
    options: Vec<u8>,
    /// The first position of the payload, and how many octets.
    payload: (i64, usize),
    bytes: Bytes,
    id: u16,
    ttl: u8,
    ecn: u8,
}

impl Actor {
    fn new(host: Host) -> Self {
        Self {
            next: 0,
            ack: 0,
            window: host.window,
            next_id: match host.id {
                Numbering::Counting(first) => first,
                Numbering::Zero => 0,
                Numbering::Random => 0x9e37,
            },
            recent: None,
            away: host.away.unwrap_or(Span::ZERO),
            sent: VecDeque::new(),
            host,
        }
    }

    fn seq(&self, position: i64) -> SeqNum {
        SeqNum(self.host.isn.wrapping_add(position as u32))
    }

    /// The TSval of its clock.
    fn tsval(&self, now: Span) -> Option<u32> {
        let ticks = now.as_nanos() / self.host.tick.as_nanos().max(1);
        Some(self.host.timestamps?.wrapping_add(ticks as u32))
    }

    fn id(&mut self, packet: &Packet) -> u16 {
        if let Some(id) = packet.id {
            self.next_id = id.wrapping_add(1);
            return id;
        }
        match self.host.id {
            // What Linux answers without a socket of its own behind it has no number.
            _ if packet.flags.has(Flags::SYN | Flags::ACK) || packet.flags.has(Flags::RST) => 0,
            Numbering::Counting(_) => {
                let id = self.next_id;
                self.next_id = id.wrapping_add(1);
                id
            }
            Numbering::Zero => 0,
            Numbering::Random => {
                // A full period over 16 bits (Hull and Dobell 1962), its bytes exchanged.
                self.next_id = self.next_id.wrapping_mul(20_077).wrapping_add(12_345);
                self.next_id.swap_bytes()
            }
        }
    }

    /// Takes in what the peer sent and this host has heard of, now that it sends `ack`: TS.Recent
    /// (RFC 7323 section 4.3).
    fn hear(&mut self, peer: &Self, ack: i64, now: Span) {
        let most = self.away.as_nanos() / 4 * 3;
        for sent in &peer.sent {
            let Some(captured) = sent.captured else {
                continue;
            };
            let in_time = (now.as_nanos() - captured.as_nanos()) >= most;
            let bare = sent.end == sent.range.0;
            // What arrived in order is acknowledged now; what is not was lost behind the tap.
            let heard = if bare { in_time } else { ack > sent.range.0 };
            if let Some(tsval) = sent.tsval
                && heard
                && sent.range.0 <= self.ack
                && self
                    .recent
                    .is_none_or(|recent| tsval.wrapping_sub(recent) as i32 > 0)
            {
                self.recent = Some(tsval);
            }
        }
    }
}

/// Where a line is wrong (its column), and why.
type Unplayable = (usize, String);

impl Stage {
    /// Plays a line; gives the frame that is captured, if one is.
    pub(super) fn play(&mut self, line: &Line) -> Result<Option<Frame>, Unplayable> {
        let packet = match &line.statement {
            Statement::Host(side, host) => {
                self.hosts[*side as usize] = Actor::new(host.clone());
                // A new connection is new for both.
                let peer = &mut self.hosts[1 - *side as usize];
                let (host, next_id) = (peer.host.clone(), peer.next_id);
                *peer = Actor {
                    next_id,
                    ..Actor::new(host)
                };
                return Ok(None);
            }
            Statement::Snaplen(snaplen) => {
                self.snaplen = *snaplen;
                return Ok(None);
            }
            Statement::Packet(packet) => packet,
        };
        self.now = match packet.when {
            When::At(time) => time,
            When::After(span) => self.now + span,
        };
        let played = match packet.fate {
            Fate::Late | Fate::Copy => self.again(packet).map(Some),
            _ => self.send(packet),
        };
        played.map_err(|reason| (packet.column, reason))
    }

    fn again(&mut self, packet: &Packet) -> Result<Frame, String> {
        let late = packet.fate == Fate::Late;
        let packet_time = self.now;
        let found = self.hosts[packet.side as usize]
            .sent
            .iter_mut()
            .rev()
            .filter(|sent| (sent.fate == Fate::Held) == late && sent.fate != Fate::Lost)
            .find(|sent| packet.range.is_none_or(|range| range == sent.range));
        match found {
            Some(sent) => {
                if late {
                    sent.fate = Fate::Late;
                    sent.captured = Some(packet_time);
                }
                Ok(sent.frame.clone())
            }
            None if late => Err("no such packet is held back".to_owned()),
            None => Err("no such packet was captured before".to_owned()),
        }
    }

    fn send(&mut self, packet: &Packet) -> Result<Option<Frame>, String> {
        let now = self.now;
        let [client, server] = &mut self.hosts;
        let (me, peer) = match packet.side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        let (source, destination) = (me.host.socket.ip(), peer.host.socket.ip());
        if source.is_ipv4() != destination.is_ipv4() {
            return Err("one host has an IPv4 address and the other an IPv6 address".to_owned());
        }

        let flags = packet.flags;
        let syn = flags.has(Flags::SYN);
        let first = if syn { 0 } else { me.next };
        let range = packet.range.unwrap_or((first, first));
        let len = range.1 - range.0;
        let payload = (range.0 + i64::from(syn), len as usize);
        if flags.has(Flags::ACK) {
            let ack = packet.ack.unwrap_or(me.ack.max(1));
            let answered = peer
                .sent
                .back()
                .filter(|sent| sent.end == ack && me.ack == 0);
            if let Some(captured) = answered.and_then(|sent| sent.captured)
                && me.host.away.is_none()
            {
                me.away = Span::from_nanos(now.as_nanos() - captured.as_nanos());
            }
            me.hear(peer, ack, now);
            me.recent = me.recent.or(peer.tsval(now));
            me.ack = ack;
        } else if packet.ack.is_some() {
            return Err("an acknowledgment needs the flag '.'".to_owned());
        }
        if let Some(window) = packet.window.filter(|_| !syn) {
            me.window = window;
        }
        let window = match packet.window {
            Some(window) => window,
            None if syn => WINDOW_OF_SYN,
            None if flags.has(Flags::RST) => 0,
            None => me.window,
        };
        let (tsval, options) = options(packet, me, peer, now)?;
        if options.len() > ROOM_FOR_OPTIONS {
            let len = options.len();
            return Err(format!("the options take {len} octets, and there are 40"));
        }
        if len as usize + Segment::LEN + options.len() + ipv4::Header::LEN > usize::from(u16::MAX) {
            return Err(format!("{len} octets of payload do not fit into a packet"));
        }
        let frame = Frame {
            from_client: packet.side == Side::Client,
            source: source.into(),
            destination: destination.into(),
            ports: (me.host.socket.port(), peer.host.socket.port()),
            seq: me.seq(range.0).0,
            ack: if flags.has(Flags::ACK) {
                peer.seq(me.ack).0
            } else {
                0
            },
            flags,
            window,
            urgent: packet.urgent.unwrap_or(0),
            options,
            payload,
            bytes: packet.bytes,
            id: me.id(packet),
            ttl: packet.ttl.unwrap_or(me.host.ttl),
            ecn: packet.ecn.unwrap_or(me.host.ecn),
        };
        let end = range.1 + i64::from(syn) + i64::from(flags.has(Flags::FIN));
        if !flags.has(Flags::RST) {
            me.next = me.next.max(end);
        }
        if me.sent.len() == REMEMBERED {
            me.sent.pop_front();
        }
        me.sent.push_back(Sent {
            range,
            end,
            tsval,
            fate: packet.fate,
            captured: (packet.fate == Fate::Captured).then_some(now),
            frame: frame.clone(),
        });
        Ok((packet.fate == Fate::Captured).then_some(frame))
    }
}

/// The TSval in the options of a packet, and the options in bytes.
fn options(
    packet: &Packet,
    me: &Actor,
    peer: &Actor,
    now: Span,
) -> Result<(Option<u32>, Vec<u8>), String> {
    let flags = packet.flags;
    let in_use = me.host.timestamps.is_some() && peer.host.timestamps.is_some();
    let timestamps = me.tsval(now).filter(|_| in_use).map(|clock| {
        let echo = if flags.has(Flags::ACK) {
            me.recent.unwrap_or(0)
        } else {
            0
        };
        (packet.tsval.unwrap_or(clock), packet.echo.unwrap_or(echo))
    });
    let mut list = Vec::new();
    match &packet.options {
        Some(options) => list.extend(options.iter().cloned()),
        None if flags.has(Flags::RST) => {}
        None if flags.has(Flags::SYN) => {
            list.extend(me.host.mss.map(Opt::Mss));
            list.extend(me.host.sack.then_some(Opt::SackPermitted));
            list.extend(timestamps.map(|(value, echo)| Opt::Timestamps(value, echo)));
            if let Some(shift) = me.host.window_scale {
                list.extend([Opt::Nop, Opt::WindowScale(shift)]);
            }
        }
        None => {
            if let Some((value, echo)) = timestamps {
                list.extend([Opt::Nop, Opt::Nop, Opt::Timestamps(value, echo)]);
            }
        }
    }
    if !packet.sack.is_empty() {
        list.extend([Opt::Nop, Opt::Nop, Opt::Sack(packet.sack.clone())]);
    }
    let mut tsval = None;
    let mut wire = Vec::new();
    for option in list {
        wire.push(match option {
            Opt::Nop => TcpOption::Nop,
            Opt::Mss(mss) => TcpOption::Mss(mss),
            Opt::WindowScale(shift) => TcpOption::WindowScale(shift),
            Opt::SackPermitted => TcpOption::SackPermitted,
            Opt::Timestamps(value, echo) => {
                tsval = Some(value);
                TcpOption::Timestamps(Timestamps { value, echo })
            }
            Opt::Sack(blocks) if blocks.len() > 4 => {
                let count = blocks.len();
                return Err(format!("{count} SACK blocks, and an option holds four"));
            }
            Opt::Sack(blocks) => {
                let blocks: Vec<_> = blocks
                    .iter()
                    .map(|&(left, right)| SackBlock {
                        left: peer.seq(left),
                        right: peer.seq(right),
                    })
                    .collect();
                TcpOption::Sack(SackBlocks::new(&blocks))
            }
        });
    }
    let mut bytes = Vec::new();
    tcp_option::emit(&wire, &mut bytes);
    Ok((tsval, bytes))
}

impl Frame {
    /// Appends the frame.
    pub(super) fn emit(&self, out: &mut Vec<u8>) {
        let (first, len) = self.payload;
        let payload: Vec<u8> = (first..first + len as i64)
            .map(|position| octet(position, self.from_client, self.bytes))
            .collect();
        let [client, server] = [1, 2].map(|host| [2, 0, 0, 0, 0, host]);
        let (source, destination) = if self.from_client {
            (client, server)
        } else {
            (server, client)
        };
        let v4 = matches!(self.source.to_ip(), IpAddr::V4(_));
        let link = ethernet::Header {
            destination,
            source,
            ether_type: if v4 {
                ether_type::IPV4
            } else {
                ether_type::IPV6
            },
        };
        link.emit(out);
        let segment_len = (Segment::LEN + self.options.len() + len) as u16;
        if v4 {
            let header = ipv4::Header {
                traffic_class: self.ecn,
                total_length: ipv4::Header::LEN as u16 + segment_len,
                id: self.id,
                dont_fragment: true,
                fragment: Fragment::default(),
                ttl: self.ttl,
                protocol: protocol::TCP,
                source: self.source,
                destination: self.destination,
                options: &[],
            };
            header.emit(out);
        } else {
            let header = ipv6::Header {
                traffic_class: self.ecn,
                flow_label: 0,
                payload_length: segment_len,
                next_header: protocol::TCP,
                hop_limit: self.ttl,
                source: self.source,
                destination: self.destination,
            };
            header.emit(out);
        }
        let segment = Segment {
            source_port: self.ports.0,
            destination_port: self.ports.1,
            seq: SeqNum(self.seq),
            ack: SeqNum(self.ack),
            flags: self.flags,
            window: self.window,
            checksum: 0,
            urgent: self.urgent,
            options: TcpOptions::parse(&self.options),
            payload_len: len as u32,
            payload: &payload,
        };
        segment.emit_checked(self.source, self.destination, out);
        if self.bytes == Bytes::Damaged
            && let Some(last) = out.last_mut()
        {
            *last ^= 0x10;
        }
    }
}

/// The octet that a host sends at a position of its stream: the same whenever it sends it, and a
/// printable one.
fn octet(position: i64, from_client: bool, bytes: Bytes) -> u8 {
    // Other octets have another sum, too: damage is told by the checksum.
    let (first, count) = match (bytes, from_client) {
        (Bytes::Other, _) => (b'0', 10),
        (_, true) => (b'a', 26),
        (_, false) => (b'A', 26),
    };
    // Lines of 64, each beginning a letter later, so that a stream that is shifted differs.
    first + (position + position.div_euclid(64)).rem_euclid(count) as u8
}
