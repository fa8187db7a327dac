//! Every figure that machines are given, once: its name, unit, meaning, and where it comes from.
//! JSON, CSV and the tables of `docs/output.md` are made of these lists.
//!
//! A dot in a name is an object in JSON; in CSV it stays a dot.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::select::round_trip;
use crate::analysis::{ConnectionView, ConversationView, trouble};
use crate::tcp::window::Scale;
use crate::tcp::{Closer, Connection, Endpoint, Role};
use crate::time::{Span, Timestamp};

/// A value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Not known, or there is none.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A count.
    Number(u64),
    /// Seconds with nine decimals.
    Seconds(Span),
    /// A fixed word of ours.
    Word(&'static str),
    /// Fixed words of ours.
    Words(Vec<&'static str>),
    /// An address.
    Address(IpAddr),
    /// Text from the capture or its file names.
    Text(Cow<'a, str>),
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

macro_rules! from_numbers {
    ($($type:ty)*) => {$(
        impl From<$type> for Value<'_> {
            fn from(value: $type) -> Self {
                Self::Number(value.into())
            }
        }
    )*};
}
from_numbers! { u8 u16 u32 u64 }

impl From<Span> for Value<'_> {
    fn from(value: Span) -> Self {
        Self::Seconds(value)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Seconds(value - Timestamp::from_nanos(0))
    }
}

impl From<&'static str> for Value<'_> {
    fn from(value: &'static str) -> Self {
        Self::Word(value)
    }
}

impl From<Role> for Value<'_> {
    fn from(value: Role) -> Self {
        Self::Word(value.name())
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A figure: what it is called, and how it is had.
#[derive(Clone, Copy, Debug)]
pub struct Field<F> {
    /// Its name.
    pub name: &'static str,
    /// What it counts; empty for what has no unit.
    pub unit: &'static str,
    /// What it means.
    pub says: &'static str,
    /// Where it comes from.
    pub of: F,
}

/// A connection to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The connection.
    pub view: &'a ConnectionView<'a>,
    /// The end of the capture.
    pub end: Timestamp,
    /// Names of addresses.
    pub names: &'a BTreeMap<IpAddr, String>,
}

/// One endpoint of a connection to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The connection.
    pub row: &'a Row<'a>,
    /// Which endpoint.
    pub role: Role,
}

impl<'a> Side<'a> {
    fn endpoint(&self) -> &'a Endpoint {
        self.row.view.connection.endpoint(self.role)
    }
}

impl Row<'_> {
    fn connection(&self) -> &Connection {
        self.view.connection
    }
}

/// A UDP conversation to be shown.
#[derive(Clone, Copy, Debug)]
pub struct UdpRow<'a> {
    /// The conversation.
    pub conversation: ConversationView<'a>,
    /// Names of addresses.
    pub names: &'a BTreeMap<IpAddr, String>,
}

/// One end of a UDP conversation to be shown.
#[derive(Clone, Copy, Debug)]
pub struct UdpSide<'a> {
    /// The conversation.
    pub row: &'a UdpRow<'a>,
    /// Which end.
    pub role: Role,
}

/// A field of a connection.
pub type ConnectionField = Field<for<'r> fn(&'r Row<'r>) -> Value<'r>>;
/// A field of an endpoint.
pub type EndpointField = Field<for<'r> fn(&'r Side<'r>) -> Value<'r>>;
/// A field of a UDP conversation.
pub type UdpField = Field<for<'r> fn(&'r UdpRow<'r>) -> Value<'r>>;
/// A field of one end of a UDP conversation.
pub type UdpEndField = Field<for<'r> fn(&'r UdpSide<'r>) -> Value<'r>>;

macro_rules! fields {
    ($(#[$doc:meta])* $list:ident: $type:ty { $($name:literal $unit:literal $says:literal $of:expr;)* }) => {
        $(#[$doc])*
        pub const $list: &[$type] = &[$(Field { name: $name, unit: $unit, says: $says, of: $of },)*];
    };
}

fn closer(connection: &Connection) -> Option<&'static str> {
    connection.closer().map(|closer| match closer {
        Closer::One(role) => role.name(),
        Closer::Both => "both",
    })
}

fn name_of(names: &BTreeMap<IpAddr, String>, address: IpAddr) -> Value<'_> {
    names
        .get(&address)
        .map_or(Value::Null, |name| Value::Text(Cow::Borrowed(name)))
}

fields! {
    /// The fields of a connection, before those of its endpoints.
    CONNECTION: ConnectionField {
        "id" "" "Number, from 0 in order of first frames; TCP and UDP are numbered apart" |r| r.view.id.into();
        "first_frame" "" "Number of its first frame, from 1" |r| r.connection().first_frame.into();
        "start" "s since 1970" "Time of its first frame (UTC)" |r| r.connection().first_time.into();
        "duration" "s" "From its first frame to its last" |r| r.connection().duration().into();
        "opening" "" "`active` (a SYN was seen), `simultaneous` (both hosts sent one before either answered) or `midstream` (the capture began later)" |r| r.connection().opening().name().into();
        "ending" "" "`graceful` (both sent FIN), `half-closed` (one did), `reset`, `refused` (the SYN was answered by RST or an ICMP error), `timed-out` (one host sent again and again and heard nothing) or `open`" |r| r.connection().ending(r.end).name().into();
        "closed_by" "" "Who sent the first FIN, or the RST: `client`, `server`, `both` (their FINs crossed) or null" |r| closer(r.connection()).into();
        "reset_by" "" "Who sent the RST that ended it, or null" |r| r.connection().reset.map(|reset| reset.from).into();
        "reset_frame" "" "The frame of that RST, or null" |r| r.connection().reset.map(|reset| reset.frame).into();
        "client_guessed" "" "Whether who is the client is a guess by port numbers, because no SYN was seen" |r| r.connection().client_is_guessed.into();
        "port_reused" "" "Whether it took over both sockets of an earlier connection" |r| r.connection().reuses_ports.into();
        "trouble" "ms" "An estimate of the time that went to trouble; what the text report sorts by" |r| trouble::score(r.connection(), r.end).into();
        "syns" "" "SYNs seen, those sent again included" |r| r.connection().handshake.syns.into();
        "syn_acks" "" "SYN-ACKs seen, those sent again included" |r| r.connection().handshake.syn_acks.into();
        "icmp_errors" "" "ICMP errors about it" |r| r.connection().icmp_errors.into();
        "icmp" "" "What the last of them said, in words, or null" |r| r.connection().icmp_words().into();
        "rtt.min" "s" "Shortest round trip between the two hosts: that of the handshake, or the shortest of both sides' samples together if that is less; null when only one half is known" |r| round_trip(r.connection()).into();
        "rtt.handshake" "s" "Round trip of the handshake: both halves together" |r| r.connection().handshake.round_trip().into();
        "rtt.client_half" "s" "From the SYN-ACK to its acknowledgment: the round trip from the capture point to the client; null when the SYN-ACK was sent more than once" |r| r.connection().handshake.client_half().into();
        "rtt.server_half" "s" "From the SYN to the SYN-ACK: the round trip from the capture point to the server; null when the SYN was sent more than once" |r| r.connection().handshake.server_half().into();
    }
}

fields! {
    /// The fields of an endpoint.
    ENDPOINT: EndpointField {
        "address" "" "IP address" |s| Value::Address(s.row.view.socket(s.role).address.to_ip());
        "port" "" "TCP port" |s| s.row.view.socket(s.role).port.into();
        "name" "" "Name of the address, where the capture has one, else null" |s| name_of(s.row.names, s.row.view.socket(s.role).address.to_ip());
        "state" "" "RFC 9293 state at the end of the capture (`ESTABLISHED`, `TIME-WAIT`, …; `UNKNOWN` where nothing told)" |s| s.row.connection().state_at(s.role, s.row.end).name().into();
        "state_tentative" "" "Whether the state rests on a SYN or FIN that the host has not been seen to acknowledge" |s| s.endpoint().is_tentative().into();
        "packets" "" "Frames it sent" |s| s.endpoint().figures.packets.into();
        "bytes" "bytes" "Length of those frames on the wire" |s| s.endpoint().figures.bytes.into();
        "data_packets" "" "Segments with payload" |s| s.endpoint().figures.data_packets.into();
        "payload_bytes" "bytes" "Payload, what was sent again included" |s| s.endpoint().figures.payload_bytes.into();
        "stream_bytes" "bytes" "Payload, each byte of the stream once" |s| s.endpoint().figures.stream_bytes.into();
        "missing_bytes" "bytes" "Bytes of its stream that the capture never saw" |s| s.endpoint().figures.missing_bytes.into();
        "retransmissions" "" "Segments that repeat what it had sent before" |s| s.endpoint().figures.retransmissions.into();
        "retransmitted_bytes" "bytes" "Sequence space of them (SYN and FIN count one)" |s| s.endpoint().figures.retransmitted_bytes.into();
        "timeouts" "" "… by a timer (RFC 6298; those of SYN, SYN-ACK and FIN included)" |s| s.endpoint().figures.timeouts.into();
        "fast_retransmissions" "" "… by duplicate acknowledgments or SACK" |s| s.endpoint().figures.fast_retransmissions.into();
        "spurious" "" "… known to be needless: a copy had arrived" |s| s.endpoint().figures.spurious.into();
        "lost_before_tap" "" "… whose original was lost before the place of capture" |s| s.endpoint().figures.lost_before_tap.into();
        "lost_after_tap" "" "… whose original was lost after it" |s| s.endpoint().figures.lost_after_tap.into();
        "reordered" "" "Segments sent once that passed after later ones" |s| s.endpoint().figures.reordered.into();
        "duplicates" "" "Copies made by the network or the capture" |s| s.endpoint().figures.duplicates.into();
        "gaps" "" "Times that sequence numbers were skipped" |s| s.endpoint().figures.gaps.into();
        "keep_alives" "" "Keep-alive probes it sent" |s| s.endpoint().figures.keep_alives.into();
        "window_probes" "" "Probes of a zero window it sent" |s| s.endpoint().figures.window_probes.into();
        "window_full" "" "Times that what it sent filled its peer's window" |s| s.endpoint().figures.window_full.into();
        "duplicate_acks" "" "Duplicate acknowledgments it sent" |s| s.endpoint().figures.duplicate_acks.into();
        "dsacks" "" "DSACKs it sent: reports of octets received twice" |s| s.endpoint().figures.dsacks.into();
        "acks_unseen" "" "Acknowledgments it sent of octets that the capture never saw" |s| s.endpoint().figures.acks_unseen.into();
        "conflicts" "" "Segments that repeat sequence numbers with other bytes" |s| s.endpoint().figures.conflicts.into();
        "illegal" "" "Segments that RFC 9293 does not know in its state" |s| s.endpoint().figures.illegal.into();
        "resets" "" "RSTs it sent" |s| s.endpoint().figures.resets.into();
        "ecn_echoes" "" "Segments it sent with ECE, outside the handshake" |s| s.endpoint().figures.ecn_echoes.into();
        "congestion_experienced" "" "Its packets that a router marked CE" |s| s.endpoint().figures.congestion_experienced.into();
        "max_in_flight" "bytes" "Most sequence space in flight: sent and not acknowledged, as seen at the capture point" |s| s.endpoint().figures.max_in_flight.into();
        "max_in_flight_unsacked" "bytes" "… less what was SACKed" |s| s.endpoint().figures.max_in_flight_unsacked.into();
        "ttl" "hops" "Time to live (hop limit) of its first packet; null if it sent none" |s| (s.endpoint().figures.packets > 0).then_some(s.endpoint().ttl).into();
        "isn" "" "Initial sequence number, as on the wire; null when its SYN was not seen" |s| s.endpoint().isn().map(|isn| isn.0).into();
        "fin_frame" "" "Frame of its first FIN, or null" |s| s.endpoint().fin_frame.into();
        "options.mss" "bytes" "Maximum segment size in its SYN or SYN-ACK; all options are null when that was not seen" |s| s.endpoint().syn.and_then(|syn| syn.mss).into();
        "options.window_scale" "bits" "Window scale it offered (RFC 7323); null when it offered none" |s| s.endpoint().syn.and_then(|syn| syn.window_scale).into();
        "options.sack_permitted" "" "Whether it offered SACK" |s| s.endpoint().syn.map(|syn| syn.sack_permitted).into();
        "options.timestamps" "" "Whether it offered timestamps" |s| s.endpoint().syn.map(|syn| syn.timestamps).into();
        "options.ecn" "" "Whether its SYN or SYN-ACK asked for or agreed to ECN (RFC 3168)" |s| s.endpoint().syn.map(|syn| syn.ecn).into();
        "options.others" "" "Other options there: `fast-open`, `mptcp`, `acc-ecn`, `md5`, `authentication`, `user-timeout`, `unknown`, `malformed` (a list; in CSV separated by spaces)" |s| s.endpoint().syn.map_or(Value::Null, |syn| Value::Words(syn.others.names().collect()));
        "window.scale" "bits" "Scale in force for the windows it advertises; null when the handshake was not seen: windows may then be larger than shown" |s| scale(s.endpoint()).into();
        "window.initial" "bytes" "Window in its SYN or SYN-ACK (never scaled), or null" |s| s.endpoint().syn.map(|syn| syn.window).into();
        "window.min" "bytes" "Smallest window it advertised after the handshake, or null" |s| s.endpoint().window.min.into();
        "window.max" "bytes" "Largest window it advertised" |s| s.endpoint().window.max.into();
        "window.last" "bytes" "Window it advertised last" |s| s.endpoint().window.bytes.into();
        "window.zero_count" "" "Times that its window went to zero" |s| s.endpoint().window.zero_count.into();
        "window.zero_time" "s" "Time during which its window was zero" |s| s.endpoint().window.zero_time_until(s.row.connection().last_time).into();
        "rtt.count" "" "Samples of the round trip from the capture point to this host (by Karn's rule)" |s| s.endpoint().rtt.count().into();
        "rtt.min" "s" "Shortest sample; this and what follows are null without samples" |s| s.endpoint().rtt.minimum().into();
        "rtt.smoothed" "s" "SRTT of RFC 6298 after the last sample, as a sender would have it: the wait for a delayed acknowledgment is part of it" |s| s.endpoint().rtt.figures().map(|rtt| rtt.smoothed).into();
        "rtt.variation" "s" "RTTVAR of RFC 6298 after the last sample" |s| s.endpoint().rtt.figures().map(|rtt| rtt.variation).into();
        "rtt.p50" "s" "Median (exact while samples are few, then within 3 %)" |s| s.endpoint().rtt.figures().map(|rtt| rtt.p50).into();
        "rtt.p95" "s" "95th percentile (likewise)" |s| s.endpoint().rtt.figures().map(|rtt| rtt.p95).into();
        "rtt.max" "s" "Longest sample" |s| s.endpoint().rtt.figures().map(|rtt| rtt.max).into();
    }
}

fn scale(endpoint: &Endpoint) -> Option<u8> {
    match endpoint.window.scale {
        Scale::Known(shift) => Some(shift),
        Scale::Unknown => None,
    }
}

fields! {
    /// The fields of a UDP conversation, before those of its ends.
    UDP: UdpField {
        "id" "" "Number, from 0 in order of first frames" |r| r.conversation.id.into();
        "first_frame" "" "Number of its first frame, from 1" |r| r.conversation.first_frame.into();
        "start" "s since 1970" "Time of its first frame (UTC)" |r| r.conversation.first.into();
        "duration" "s" "From its first frame to its last" |r| r.conversation.duration().into();
        "icmp_errors" "" "ICMP errors about it" |r| r.conversation.icmp_errors.into();
        "icmp" "" "What the last of them said, in words, or null" |r| r.conversation.icmp_words().into();
    }
}

fields! {
    /// The fields of one end of a UDP conversation; the client is who sent first.
    UDP_END: UdpEndField {
        "address" "" "IP address" |s| Value::Address(s.row.conversation.sockets[s.role as usize].address.to_ip());
        "port" "" "UDP port" |s| s.row.conversation.sockets[s.role as usize].port.into();
        "name" "" "Name of the address, where the capture has one, else null" |s| name_of(s.row.names, s.row.conversation.sockets[s.role as usize].address.to_ip());
        "packets" "" "Datagrams it sent" |s| s.row.conversation.packets[s.role as usize].into();
        "bytes" "bytes" "Length of their frames on the wire" |s| s.row.conversation.bytes[s.role as usize].into();
        "payload_bytes" "bytes" "Their payload" |s| s.row.conversation.payload_bytes[s.role as usize].into();
    }
}
