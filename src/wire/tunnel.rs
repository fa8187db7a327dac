//! Packets in packets: what is remembered of the outer ones, and IP in IP (RFC 2003, RFC 4213).

use super::decoder::{Decoder, Input};
use super::{Address, Layer, Transport, ipv4, ipv6};

/// A tunnel that the innermost packet travelled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// What kind: `Gre`, `Vxlan`, `Geneve`, `Gtp`, or for plain IP in IP `Ipv4` or `Ipv6`, as the
    /// inner packet is.
    pub kind: Layer,
    /// VNI, GRE key, TEID; 0 where there is none.
    pub id: u32,
    /// Outer source address.
    pub source: Address,
    /// Outer destination address.
    pub destination: Address,
}

/// A tunnel whose inner IP header is still to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entered {
    tunnel: Tunnel,
    /// Whether both directions use the same id.
    shared_id: bool,
}

/// One step of [`Decoded::context`](super::Decoded::context). Never 0.
pub(super) const fn mix(context: u32, value: u32) -> u32 {
    let x = (context.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b1);
    let x = x ^ (x >> 15);
    if x == 0 { 1 } else { x }
}

const fn fold(address: Address) -> u32 {
    let half = (address.0 >> 64) as u64 ^ (address.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (half >> 32) as u32 ^ half as u32
}

impl Tunnel {
    /// Adds the tunnel to a context, the same for both directions.
    fn mix_into(&self, context: u32, shared_id: bool) -> u32 {
        let (low, high) = if self.source <= self.destination {
            (self.source, self.destination)
        } else {
            (self.destination, self.source)
        };
        let id = if shared_id { self.id } else { 0 };
        [self.kind as u32, id, fold(low), fold(high)]
            .into_iter()
            .fold(context, mix)
    }
}

impl<'a> Decoder<'a, '_> {
    /// A tunnel's header parsed; what follows may be its inner packet. With `shared_id`, both
    /// directions of the tunnel have the same id.
    pub(super) fn enter_tunnel(&mut self, kind: Layer, id: u32, shared_id: bool) {
        if let Some(outer) = &self.out.ip {
            let (source, destination) = (outer.source, outer.destination);
            let tunnel = Tunnel {
                kind,
                id,
                source,
                destination,
            };
            self.entered = Some(Entered { tunnel, shared_id });
        }
    }

    /// An IP header parsed: if a tunnel was entered, the packet is inside it.
    #[inline(always)]
    pub(super) fn leave_tunnel(&mut self) {
        if self.entered.is_some() {
            self.commit_tunnel();
        }
    }

    #[cold]
    fn commit_tunnel(&mut self) {
        if let Some(Entered { tunnel, shared_id }) = self.entered.take() {
            self.out.context = tunnel.mix_into(self.out.context, shared_id);
            self.out.tunnel = Some(tunnel);
            self.out.transport = Transport::None;
            self.arrived = true;
        }
    }

    /// Decodes what a datagram to a tunnel's port carries, with `inner`. Ports are a guess: when
    /// nothing comes of it the datagram is all there was.
    #[inline(never)]
    pub(super) fn try_tunnel(
        &mut self,
        input: Input<'a>,
        inner: fn(&mut Decoder<'a, '_>, Input<'a>),
    ) {
        let datagram = self.out.clone();
        let outer_arrived = core::mem::replace(&mut self.arrived, false);
        self.out.transport = Transport::None;
        inner(self, input);
        self.entered = None;
        let arrived = core::mem::replace(&mut self.arrived, true);
        if arrived {
            return;
        }
        self.arrived = outer_arrived;
        if matches!(self.out.transport, Transport::Arp(_)) {
            return;
        }
        let header_only = self.out.layer_count <= datagram.layer_count + 1;
        let (layers, layer_count, stop) = (self.out.layers, self.out.layer_count, self.out.stop);
        *self.out = datagram;
        if !header_only {
            // An inner frame without an IP packet: still the outer conversation's, but say so.
            (self.out.layers, self.out.layer_count, self.out.stop) = (layers, layer_count, stop);
        }
    }
}

/// IP directly in IP.
#[inline(never)]
pub(super) fn decode_plain<'a>(d: &mut Decoder<'a, '_>, kind: Layer, input: Input<'a>) {
    d.enter_tunnel(kind, 0, true);
    match kind {
        Layer::Ipv6 => ipv6::decode(d, input),
        _ => ipv4::decode(d, input),
    }
}
