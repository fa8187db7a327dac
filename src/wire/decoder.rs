//! What the protocol files share while a frame is taken apart, and the tables that say which
//! protocol comes next. A protocol is one file with a `decode` and one line in a table here.

use super::be::Parsed;
use super::error::Fault;
use super::ethernet::ether_type;
use super::ip::{self, protocol};
use super::outline::{Laid, Outline};
use super::{
    Decoded, Layer, LengthSource, LinkType, MAX_LAYERS, Reason, Stop, Transport, Tunnel, arcnet,
    arp, atm, ethernet, fddi, fibre_channel, frame_relay, gre, icmp, ieee80211, ipv4, ipv6,
    linux_sll, loopback, mpls, nflog, pbb, ppp, pppoe, pseudo_header, tcp, token_ring, tunnel, udp,
    vlan,
};

/// The rest of a frame: the bytes that were captured, and how many there were on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    /// Captured bytes, never more than `wire`.
    pub(super) bytes: &'a [u8],
    /// Bytes by the tightest length seen so far.
    pub(super) wire: u32,
    /// The layer whose length that is; `None` for the frame itself.
    pub(super) limit: Layer,
}

impl<'a> Input<'a> {
    /// A whole frame. A `wire_len` below the captured length is a lie.
    #[inline]
    pub(super) fn frame(bytes: &'a [u8], wire_len: u32) -> Self {
        let captured = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self {
            bytes,
            wire: wire_len.max(captured),
            limit: Layer::None,
        }
    }

    /// What is left when a parser left `rest` of the bytes.
    #[inline(always)]
    pub(super) fn after(self, rest: &'a [u8]) -> Self {
        let used = self.bytes.len() - rest.len();
        Self {
            bytes: rest,
            wire: self.wire - used as u32,
            ..self
        }
    }

    /// No more than `len` bytes, because `by` says so. A length beyond what there is changes
    /// nothing: the frame can't hold more than it holds.
    #[inline(always)]
    pub(super) fn confine(self, len: u32, by: Layer) -> Self {
        if len >= self.wire {
            return self;
        }
        let bytes = self.bytes.get(..len as usize).unwrap_or(self.bytes);
        Self {
            bytes,
            wire: len,
            limit: by,
        }
    }
}

/// A decoding under way.
pub(super) struct Decoder<'a, 'o> {
    /// Address of the frame's first byte: offsets are computed only where decoding stops.
    origin: usize,
    pub(super) out: &'o mut Decoded<'a>,
    /// A tunnel whose header was read and whose inner IP header was not yet.
    pub(super) entered: Option<tunnel::Entered>,
    /// Whether an inner IP header was read, since the last guess at a tunnel began.
    pub(super) arrived: bool,
    /// Where layers lie, if somebody wants to know.
    pub(super) outline: Option<&'o mut Outline>,
}

impl<'a, 'o> Decoder<'a, 'o> {
    #[inline(always)]
    pub(super) fn new(frame: &[u8], out: &'o mut Decoded<'a>) -> Self {
        Self {
            origin: frame.as_ptr() as usize,
            out,
            entered: None,
            arrived: false,
            outline: None,
        }
    }

    /// Runs a header parser: its header and what follows it, or `None` with the reason noted.
    #[inline(always)]
    pub(super) fn read<T>(
        &mut self,
        layer: Layer,
        input: Input<'a>,
        parser: impl FnOnce(&'a [u8]) -> Parsed<'a, T>,
    ) -> Option<(T, Input<'a>)> {
        match parser(input.bytes) {
            Ok((rest, header)) => self.push(layer, input).then(|| (header, input.after(rest))),
            Err(error) => {
                self.fail(layer, input, error);
                None
            }
        }
    }

    /// Remembers that a layer parsed. False when there are too many.
    #[inline(always)]
    pub(super) fn push(&mut self, layer: Layer, input: Input<'a>) -> bool {
        let Some(place) = self.out.layers.get_mut(usize::from(self.out.layer_count)) else {
            self.stop(layer, input, Reason::TooDeep);
            return false;
        };
        *place = layer;
        if self.outline.is_some() {
            self.note(layer, input);
        }
        self.out.layer_count += 1;
        true
    }

    /// Notes where a layer lies.
    #[cold]
    fn note(&mut self, layer: Layer, input: Input<'a>) {
        let offset = (input.bytes.as_ptr() as usize).wrapping_sub(self.origin) as u32;
        if let Some(outline) = &mut self.outline {
            let laid = Laid {
                layer,
                offset,
                captured: input.bytes.len() as u32,
                wire: input.wire,
            };
            outline.note(usize::from(self.out.layer_count), laid);
        }
    }

    /// Notes a parser's error.
    #[cold]
    pub(super) fn fail(&mut self, layer: Layer, input: Input<'a>, error: nom::Err<Fault>) {
        let fault = match error {
            nom::Err::Error(fault) | nom::Err::Failure(fault) => fault,
            nom::Err::Incomplete(_) => Fault::Short {
                needed: input.bytes.len() as u32 + 1,
            },
        };
        let reason = match fault {
            Fault::Short { needed } => short(input, needed),
            Fault::Invalid { field, value } => Reason::Invalid { field, value },
            Fault::Unknown { protocol } => Reason::Unknown { protocol },
        };
        self.stop(layer, input, reason);
    }

    /// Notes that `layer` needs more than there is.
    #[cold]
    pub(super) fn too_short(&mut self, layer: Layer, input: Input<'a>, needed: usize) {
        self.stop(layer, input, short(input, needed as u32));
    }

    /// Notes that `layer`, which starts at `input`, is not decoded or not to its end.
    #[cold]
    pub(super) fn stop(&mut self, layer: Layer, input: Input<'a>, reason: Reason) {
        let offset = (input.bytes.as_ptr() as usize).wrapping_sub(self.origin) as u32;
        self.out.stop = Some(Stop {
            layer,
            offset,
            reason,
        });
    }

    /// Notes a protocol that is not decoded; `layer` names the number space.
    #[cold]
    fn unknown(&mut self, layer: Layer, input: Input<'a>, protocol: u32) {
        self.stop(layer, input, Reason::Unknown { protocol });
    }

    /// The table of link types.
    #[inline(always)]
    pub(super) fn link(&mut self, link: LinkType, input: Input<'a>) {
        match link {
            LinkType::ETHERNET => ethernet::decode_inline(self, input),
            LinkType::LINUX_SLL => linux_sll::decode_v1(self, input),
            LinkType::LINUX_SLL2 => linux_sll::decode_v2(self, input),
            LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => {
                ip::decode_raw(self, input)
            }
            LinkType::IPV4 => ipv4::decode(self, input),
            LinkType::IPV6 => ipv6::decode(self, input),
            LinkType::NULL | LinkType::LOOP => loopback::decode(self, input),
            LinkType::PPP | LinkType::PPP_SERIAL => ppp::decode_link(self, input),
            LinkType::PPP_PPPD | LinkType::PPP_WITH_DIR => ppp::decode_after_direction(self, input),
            LinkType::PPP_ETHER => pppoe::decode(self, input),
            LinkType::IEEE802_11 => ieee80211::decode(self, input),
            LinkType::RADIOTAP => ieee80211::decode_radiotap(self, input),
            LinkType::NFLOG => nflog::decode(self, input),
            LinkType::FDDI => fddi::decode(self, input),
            LinkType::C_HDLC => ppp::decode_cisco(self, input),
            _ => self.rare_link(link, input),
        }
    }

    /// The table of link types, those that are hardly met.
    #[cold]
    fn rare_link(&mut self, link: LinkType, input: Input<'a>) {
        match link {
            LinkType::IEEE802_5 => token_ring::decode(self, input),
            LinkType::ARCNET_BSD => arcnet::decode(self, input),
            LinkType::ARCNET_LINUX => arcnet::decode_linux(self, input),
            LinkType::ATM_RFC1483 | LinkType::ATM_RFC1483_BSD => atm::decode(self, input),
            LinkType::SUNATM => atm::decode_sun(self, input),
            LinkType::FRELAY => frame_relay::decode(self, input),
            LinkType::IP_OVER_FC => fibre_channel::decode(self, input),
            LinkType::IEEE802_11_PRISM | LinkType::IEEE802_11_AVS => {
                pseudo_header::decode_wlan(self, input)
            }
            LinkType::JUNIPER_ETHER => pseudo_header::decode_juniper(self, input, ethernet::decode),
            LinkType::JUNIPER_PPP => pseudo_header::decode_juniper(self, input, ppp::decode_link),
            LinkType::JUNIPER_FRELAY => {
                pseudo_header::decode_juniper(self, input, frame_relay::decode)
            }
            LinkType::JUNIPER_CHDLC => {
                pseudo_header::decode_juniper(self, input, ppp::decode_cisco)
            }
            LinkType::ERF => pseudo_header::decode_erf(self, input),
            LinkType::NETANALYZER => pseudo_header::decode_net_analyzer(self, input, 0),
            LinkType::NETANALYZER_TRANSPARENT => pseudo_header::decode_net_analyzer(self, input, 8),
            LinkType::PKTAP => pseudo_header::decode_pktap(self, input),
            LinkType(other) => self.unknown(Layer::Link, input, other),
        }
    }

    /// The table of EtherTypes. `carrier` is the layer whose type field it was.
    #[inline(never)]
    pub(super) fn ether_type(&mut self, carrier: Layer, value: u16, input: Input<'a>) {
        match value {
            ether_type::IPV4 => ipv4::decode(self, input),
            ether_type::IPV6 => ipv6::decode(self, input),
            ether_type::ARP => arp::decode(self, input),
            ether_type::VLAN
            | ether_type::QINQ
            | ether_type::QINQ_OLD
            | ether_type::QINQ_OLD_2
            | ether_type::QINQ_OLD_3 => vlan::decode(self, input),
            ether_type::MPLS | ether_type::MPLS_MULTICAST => mpls::decode(self, input),
            ether_type::PPPOE_DISCOVERY | ether_type::PPPOE_SESSION => pppoe::decode(self, input),
            ether_type::PPP => ppp::decode(self, input),
            ether_type::PBB => pbb::decode(self, input),
            ether_type::BRIDGED => ethernet::decode(self, input),
            ether_type::LLC_JUMBO => ethernet::decode_llc(self, input),
            other => self.unknown(carrier, input, u32::from(other)),
        }
    }

    /// The table of IP protocols, after extension headers and for whole packets.
    #[inline]
    pub(super) fn ip_protocol(&mut self, value: u8, input: Input<'a>) {
        match value {
            protocol::TCP => tcp::decode(self, input),
            protocol::UDP => udp::decode(self, input),
            protocol::ICMP => icmp::decode(self, Layer::Icmp, input),
            protocol::ICMPV6 => icmp::decode(self, Layer::Icmpv6, input),
            protocol::IPV4 => tunnel::decode_plain(self, Layer::Ipv4, input),
            protocol::IPV6 => tunnel::decode_plain(self, Layer::Ipv6, input),
            protocol::GRE => gre::decode(self, input),
            protocol::MPLS => mpls::decode(self, input),
            protocol::NO_NEXT_HEADER => {}
            other => self.unknown(Layer::OtherIp, input, u32::from(other)),
        }
    }
}

/// Too short, by whose word: what the wire itself does not hold, some length field said.
fn short(input: Input<'_>, needed: u32) -> Reason {
    if needed > input.wire && input.limit != Layer::None {
        let from = LengthSource::Field(input.limit);
        return Reason::TooShort {
            needed,
            had: input.wire,
            from,
        };
    }
    let had = input.bytes.len() as u32;
    Reason::TooShort {
        needed,
        had,
        from: LengthSource::Capture,
    }
}

impl<'a> Decoded<'a> {
    /// Nothing decoded yet.
    #[inline(always)]
    pub(super) const fn nothing() -> Self {
        Self {
            layers: [Layer::None; MAX_LAYERS],
            layer_count: 0,
            mac: None,
            vlans: [0; 4],
            vlan_count: 0,
            tunnel: None::<Tunnel>,
            context: 0,
            ip: None,
            transport: Transport::None,
            stop: None,
        }
    }
}
