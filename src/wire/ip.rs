//! What IPv4 and IPv6 have in common: protocol numbers, and what later stages need of a header.

use super::decoder::{Decoder, Input};
use super::{Address, Fragment, Layer, Reason, Transport, ipv4, ipv6, ipv6_extension, tcp};

/// IP protocol numbers that are decoded (IANA "Assigned Internet Protocol Numbers").
#[allow(missing_docs)]
pub mod protocol {
    pub const HOP_BY_HOP: u8 = 0;
    pub const ICMP: u8 = 1;
    /// IPv4 in IP (RFC 2003).
    pub const IPV4: u8 = 4;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    /// IPv6 in IP (RFC 4213).
    pub const IPV6: u8 = 41;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const GRE: u8 = 47;
    pub const AUTHENTICATION: u8 = 51;
    pub const ICMPV6: u8 = 58;
    pub const NO_NEXT_HEADER: u8 = 59;
    pub const DESTINATION: u8 = 60;
    pub const MOBILITY: u8 = 135;
    /// MPLS in IP (RFC 4023).
    pub const MPLS: u8 = 137;
    pub const HOST_IDENTITY: u8 = 139;
    pub const SHIM6: u8 = 140;
}

/// What an IP header says that later stages need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// 4 or 6.
    pub version: u8,
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Differentiated services field: DSCP in the upper six bits, ECN in the lower two (RFC 3168).
    pub traffic_class: u8,
    /// IPv4 identification (RFC 6864), or that of an IPv6 fragment header.
    pub id: Option<u32>,
    /// IPv4 don't-fragment flag.
    pub dont_fragment: bool,
    /// Set when this packet is a fragment (not when offset is 0 and more-fragments is clear).
    pub fragment: Option<Fragment>,
    /// Protocol of the payload (last next-header of IPv6).
    pub protocol: u8,
    /// Bytes of the payload according to the IP length fields, extension headers excluded; never
    /// more than the frame held on the wire. All that it held when the header's length was 0
    /// (segmentation offload).
    pub payload_len: u32,
}

/// IP without a link header.
#[inline(never)]
pub(super) fn decode_raw<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    if d.push(Layer::Raw, input) {
        decode_by_version(d, Layer::Raw, input);
    }
}

/// IP of the version that its first nibble gives. `carrier` is the layer that left it open.
pub(super) fn decode_by_version<'a>(d: &mut Decoder<'a, '_>, carrier: Layer, input: Input<'a>) {
    match input.bytes.first().map(|first| first >> 4) {
        Some(4) => ipv4::decode(d, input),
        Some(6) => ipv6::decode(d, input),
        Some(value) => {
            let reason = Reason::Invalid {
                field: "IP version",
                value: u32::from(value),
            };
            d.stop(carrier, input, reason);
        }
        None => d.too_short(carrier, input, 1),
    }
}

/// The payload of the IP packet whose header is in `d.out.ip`: past its extension headers, and on
/// to the protocol unless it is but a fragment. (The header is written to its place by the caller
/// and not passed: moving it here costs as much as parsing it.)
#[inline(always)]
pub(super) fn decode_payload<'a>(
    d: &mut Decoder<'a, '_>,
    is_fragment: bool,
    protocol: u8,
    input: Input<'a>,
) {
    d.leave_tunnel();
    if is_fragment && !begins_cut_off(d, input) {
        d.out.transport = Transport::Fragment(input.bytes);
    } else if protocol == protocol::TCP {
        // What the table says too, said first: TCP is what this is for.
        tcp::decode(d, input);
    } else {
        decode_other(d, protocol, input);
    }
}

/// Whether this is a first fragment that the capture cut: the packet it belongs to can't be put
/// together, and what there is of it is its beginning.
#[cold]
fn begins_cut_off(d: &Decoder<'_, '_>, input: Input<'_>) -> bool {
    let first = d
        .out
        .ip
        .and_then(|ip| ip.fragment)
        .is_some_and(|fragment| fragment.offset == 0);
    first && input.bytes.len() < input.wire as usize
}

#[inline(never)]
fn decode_other<'a>(d: &mut Decoder<'a, '_>, mut protocol: u8, mut input: Input<'a>) {
    if let Some(mut ip) = d.out.ip
        && ipv6_extension::is_extension(ip.version, protocol)
    {
        let intact = ipv6_extension::decode(d, &mut ip, &mut input);
        ip.payload_len = input.wire;
        protocol = ip.protocol;
        d.out.ip = Some(ip);
        if !intact {
            return;
        }
        if ip.fragment.is_some() && !begins_cut_off(d, input) {
            d.out.transport = Transport::Fragment(input.bytes);
            return;
        }
    }
    d.ip_protocol(protocol, input);
}
