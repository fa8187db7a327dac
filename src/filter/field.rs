//! Every field that can be asked for, once: its name, what its values are, what it means, and where
//! they come from. Help, completion, `docs/filters.md` and the compiler are made of this list.

use core::fmt;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::LazyLock;

use super::before::Before;
use super::{analysis_fields, connection_fields, frame_fields, header_fields, tcp_fields};
use crate::analysis::{FlowView, FrameView};
use crate::flow::Socket;
use crate::report::field::{Row, UdpRow};
use crate::tcp::{Figures, Kind as VerdictKind, Role};
use crate::wire::{Address, Icmp, Ip, Layer, Segment, Transport};

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A layer of the frame: there, or not.
    Protocol,
    /// A whole number; values may have `K`, `M`, `G` or `T` (powers of 1000) or `Ki`, … (of 1024).
    Number,
    /// Yes or no: `1` or `0`, `true` or `false`.
    Flag,
    /// A length of time: seconds, or with a unit (`ns`, `us`, `ms`, `s`, `m`, `h`).
    Duration,
    /// A point in time, UTC: `"2026-11-21 10:49:13.5"`, or seconds since 1970.
    Time,
    /// An IPv4 address, or a range of them: `10.0.0.0/8`.
    Ipv4,
    /// An IPv6 address, or a range of them: `2001:db8::/32`.
    Ipv6,
    /// An IPv4 or IPv6 address, or a range of them.
    Address,
    /// A hardware address: `02:00:00:00:00:01`.
    Ether,
    /// Text. Where the words are few, case does not matter.
    Text,
    /// Bytes: `47:45:54` or `"GET"`.
    Bytes,
    /// A host: its name in the capture, or its address.
    Host,
}

impl Kind {
    /// The name as it is printed in help.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::Number => "number",
            Self::Flag => "flag",
            Self::Duration => "duration",
            Self::Time => "time",
            Self::Ipv4 => "IPv4 address",
            Self::Ipv6 => "IPv6 address",
            Self::Address => "address",
            Self::Ether => "hardware address",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Host => "host",
        }
    }

    /// The name within a sentence.
    pub(super) const fn with_article(self) -> &'static str {
        match self {
            Self::Protocol => "a protocol",
            Self::Number => "a number",
            Self::Flag => "a flag",
            Self::Duration => "a duration",
            Self::Time => "a time",
            Self::Ipv4 => "an IPv4 address",
            Self::Ipv6 => "an IPv6 address",
            Self::Address => "an address",
            Self::Ether => "a hardware address",
            Self::Text => "a text",
            Self::Bytes => "bytes",
            Self::Host => "a host",
        }
    }

    /// Values of this kind, for examples.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Protocol => "",
            Self::Number => "1460",
            Self::Flag => "1",
            Self::Duration => "1.5ms",
            Self::Time => "\"2026-11-21 10:49:13\"",
            Self::Ipv4 | Self::Address => "10.0.0.0/8",
            Self::Ipv6 => "2001:db8::/32",
            Self::Ether => "02:00:00:00:00:01",
            Self::Text => "\"text\"",
            Self::Bytes => "47:45:54",
            Self::Host => "web.example",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A value of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// Nothing but that it is there.
    There,
    /// Numbers; flags as 0 and 1; nanoseconds; hardware addresses.
    Number(i64),
    Address(Address),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// A header and all that it carries, and how many bytes the header has.
    Layer(&'a [u8], usize),
    /// An address, and its name.
    Host(Address, Option<&'a str>),
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Number(value.into())
    }
}

macro_rules! from_numbers {
    ($($type:ty)*) => {$(
        impl From<$type> for Value<'_> {
            fn from(value: $type) -> Self {
                Self::Number(i64::try_from(value).unwrap_or(i64::MAX))
            }
        }
    )*};
}
from_numbers! { u8 u16 u32 u64 usize }

impl From<[u8; 6]> for Value<'_> {
    fn from(mac: [u8; 6]) -> Self {
        let number = mac
            .iter()
            .fold(0, |number, &octet| number << 8 | i64::from(octet));
        Self::Number(number)
    }
}

/// Who is given the values of a field, one after the other.
pub(super) type Out<'o> = &'o mut dyn FnMut(Value<'_>);

/// A frame, and what a filter may know beside it.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) view: &'a FrameView<'a>,
    pub(super) before: &'a Before,
}

impl<'a> Moment<'a> {
    pub(super) fn ip(&self, version: u8) -> Option<&'a Ip> {
        let ip = self.view.decoded.ip.as_ref()?;
        (ip.version == version).then_some(ip)
    }

    pub(super) fn tcp(&self) -> Option<&'a Segment<'a>> {
        match &self.view.decoded.transport {
            Transport::Tcp(segment) => Some(segment),
            _ => None,
        }
    }

    pub(super) fn icmp(&self, version: u8) -> Option<&'a Icmp<'a>> {
        match &self.view.decoded.transport {
            Transport::Icmp(icmp) if icmp.version == version => Some(icmp),
            _ => None,
        }
    }

    /// The ports that an ICMP error quotes, where the quoted packet is of this protocol.
    pub(super) fn quoted_ports(&self, protocol: u8) -> Option<(u16, u16)> {
        let Transport::Icmp(icmp) = &self.view.decoded.transport else {
            return None;
        };
        let quoted = icmp.quoted.as_ref()?;
        quoted.ports.filter(|_| quoted.protocol == protocol)
    }

    /// The source and destination addresses: of the tunnel, of the packet in it, and of one that
    /// an ICMP error quotes.
    pub(super) fn each_pair(&self, mut take: impl FnMut(u8, Address, Address)) {
        let decoded = self.view.decoded;
        if let Some(tunnel) = &decoded.tunnel {
            let version = if tunnel.source.to_ip().is_ipv4() {
                4
            } else {
                6
            };
            take(version, tunnel.source, tunnel.destination);
        }
        if let Some(ip) = &decoded.ip {
            take(ip.version, ip.source, ip.destination);
        }
        if let Transport::Icmp(icmp) = &decoded.transport
            && let Some(quoted) = &icmp.quoted
        {
            take(quoted.version, quoted.source, quoted.destination);
        }
    }

    pub(super) fn has(&self, layers: &[Layer]) -> bool {
        let all = self.view.decoded.layers();
        all.iter().any(|layer| layers.contains(layer))
    }

    /// The conversation, with what is known of it when this frame has passed.
    pub(super) fn subject(&self, look: &mut dyn FnMut(&Subject<'_>)) {
        let names = &self.before.names;
        match &self.view.flow {
            FlowView::Tcp { view, .. } => {
                let row = Row {
                    view,
                    end: self.view.frame.time,
                    names,
                };
                look(&Subject::Tcp(&row));
            }
            FlowView::Udp { conversation, .. } => {
                let row = UdpRow {
                    conversation: *conversation,
                    names,
                };
                look(&Subject::Udp(&row));
            }
            _ => {}
        }
    }
}

/// A connection or UDP conversation that is asked about as a whole.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    Tcp(&'a Row<'a>),
    Udp(&'a UdpRow<'a>),
}

impl<'a> Subject<'a> {
    pub(super) fn socket(&self, role: Role) -> Socket {
        match self {
            Self::Tcp(row) => row.view.socket(role),
            Self::Udp(row) => row.conversation.sockets[role as usize],
        }
    }

    pub(super) fn names(&self) -> &'a BTreeMap<IpAddr, String> {
        match self {
            Self::Tcp(row) => row.names,
            Self::Udp(row) => row.names,
        }
    }

    /// Frames that one side sent.
    pub(super) fn packets(&self, role: Role) -> u64 {
        match self {
            Self::Tcp(row) => row.view.connection.endpoint(role).figures.packets,
            Self::Udp(row) => row.conversation.packets[role as usize],
        }
    }

    pub(super) fn icmp_errors(&self) -> u32 {
        match self {
            Self::Tcp(row) => row.view.connection.icmp_errors,
            Self::Udp(row) => row.conversation.icmp_errors,
        }
    }

    /// The version of IP that it uses; 0 where the addresses do not tell.
    pub(super) fn version(&self) -> u8 {
        match self.socket(Role::Client).address.to_ip() {
            IpAddr::V4(_) => 4,
            IpAddr::V6(_) => 6,
        }
    }
}

/// All frames that one side of a conversation sent.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) from: Role,
}

impl<'a> Side<'a> {
    pub(super) fn source(&self) -> Socket {
        self.subject.socket(self.from)
    }

    pub(super) fn destination(&self) -> Socket {
        self.subject.socket(self.from.peer())
    }

    pub(super) fn figures(&self) -> Option<&'a Figures> {
        match self.subject {
            Subject::Tcp(row) => Some(&row.view.connection.endpoint(self.from).figures),
            Subject::Udp(_) => None,
        }
    }
}

/// Something that frames have or have not, and that figures count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tally {
    /// A verdict of this kind.
    Kind(VerdictKind),
    /// A retransmission by duplicate acknowledgments or SACK.
    Fast,
    /// A needless retransmission.
    Spurious,
    /// SYN is set.
    Syn,
    /// RST is set.
    Reset,
    /// FIN is set.
    Fin,
}

/// What can be told of the values of a field in a connection's frames without looking at them.
#[derive(Clone, Copy)]
pub(super) enum Known {
    /// Nothing.
    No,
    /// They are the same in all frames of one side.
    Same(fn(&Side<'_>, Out<'_>) -> bool),
    /// The same, where the answer is true; else nothing is known.
    Often(fn(&Side<'_>, Out<'_>) -> bool),
    /// Whether it is there at all, in all frames of one side.
    There(fn(&Side<'_>) -> bool),
    /// Some frames have it: any of these.
    Some(&'static [Tally]),
    /// Verdicts, by the names of their kinds.
    Kinds,
}

/// Where values come from.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// From each frame.
    Frame(fn(&Moment<'_>, Out<'_>), Known),
    /// From the conversation as a whole.
    Conversation(connection_fields::Figure),
}

/// A field: what it is called, what its values are and mean.
pub struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) says: &'static str,
    pub(super) unit: &'static str,
    pub(super) words: Vec<&'static str>,
    /// Bits of a number where it stands in a header; 0 for what has no bound.
    pub(super) bits: u8,
    pub(super) of: Of,
    /// Its values in full, of a layer that is found faster when only its being there is asked.
    pub(super) whole: Option<fn(&Moment<'_>, Out<'_>)>,
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Field {
    pub(super) fn frame(
        name: &str,
        kind: Kind,
        says: &'static str,
        of: fn(&Moment<'_>, Out<'_>),
        known: Known,
    ) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            says,
            unit: "",
            words: Vec::new(),
            bits: 0,
            of: Of::Frame(of, known),
            whole: None,
        }
    }

    pub(super) fn whole(mut self, of: fn(&Moment<'_>, Out<'_>)) -> Self {
        self.whole = Some(of);
        self
    }

    pub(super) fn bits(mut self, bits: u8) -> Self {
        self.bits = bits;
        self
    }

    /// The largest number that it can be, where there is one; the smallest is then 0.
    pub(super) fn largest(&self) -> Option<i128> {
        (self.bits > 0).then(|| (1 << self.bits) - 1)
    }

    pub(super) fn words(mut self, words: impl IntoIterator<Item = &'static str>) -> Self {
        self.words = words.into_iter().collect();
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its values are.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What it means.
    pub fn says(&self) -> &'static str {
        self.says
    }

    /// A value, for examples.
    pub fn example(&self) -> &'static str {
        match self.bits {
            1..=8 => "64",
            _ => self.kind.example(),
        }
    }

    /// What a number counts; empty for what has no unit.
    pub fn unit(&self) -> &'static str {
        self.unit
    }

    /// The words its values can be, where they are few.
    pub fn values(&self) -> &[&'static str] {
        &self.words
    }

    /// Whether it is of a conversation as a whole, not of a frame.
    pub fn is_of_conversation(&self) -> bool {
        matches!(self.of, Of::Conversation(_))
    }

    /// The field of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        static BY_NAME: LazyLock<HashMap<&'static str, &'static Field>> =
            LazyLock::new(|| fields().iter().map(|field| (field.name(), field)).collect());
        BY_NAME.get(name).copied()
    }
}

/// Every field, in the order of the manual.
pub fn fields() -> &'static [Field] {
    static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
        let mut fields = connection_fields::list();
        fields.extend(analysis_fields::list());
        fields.extend(tcp_fields::list());
        fields.extend(connection_fields::of_wireshark());
        fields.extend(frame_fields::list());
        fields.extend(header_fields::list());
        fields
    });
    &FIELDS
}
