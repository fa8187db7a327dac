//! The frames that most frames are: TCP in IPv4 in Ethernet, with no option but timestamps and
//! nothing wrong. The parsers are the same as everywhere; what is saved is writing the answer piece
//! by piece through a reference, which costs as much as the parsing. For all else the decoder.

use super::decoder::Input;
use super::ip::protocol;
use super::{
    Decoded, Ip, Layer, MAX_LAYERS, MacAddresses, Segment, Transport, ethernet, ipv4, tcp,
};

/// A common frame, taken apart.
pub(super) struct Parts<'a> {
    mac: MacAddresses,
    ip: Ip,
    segment: Segment<'a>,
}

/// The parts of a common frame; `None` for any other.
#[inline(always)]
pub(super) fn parse(frame: &[u8], wire_len: u32) -> Option<Parts<'_>> {
    let input = Input::frame(frame, wire_len);
    let (rest, link) = ethernet::Header::parse(input.bytes).ok()?;
    if link.ether_type != ethernet::ether_type::IPV4 {
        return None;
    }
    let input = input.after(rest);
    let (rest, header) = ipv4::Header::parse(input.bytes).ok()?;
    if header.protocol != protocol::TCP || header.fragment.is_part() || !header.options.is_empty() {
        return None;
    }
    let payload_len = u32::from(header.total_length).checked_sub(ipv4::Header::LEN as u32)?;
    let input = input.after(rest).confine(payload_len, Layer::Ipv4);
    let segment = tcp::parse_common(input.bytes, input.wire)?;
    let mac = MacAddresses {
        source: link.source,
        destination: link.destination,
    };
    Some(Parts {
        mac,
        ip: header.to_ip(input.wire),
        segment,
    })
}

impl<'a> Parts<'a> {
    #[inline(always)]
    pub(super) fn into_decoded(self) -> Decoded<'a> {
        const LAYERS: [Layer; MAX_LAYERS] = {
            let mut layers = [Layer::None; MAX_LAYERS];
            layers[0] = Layer::Ethernet;
            layers[1] = Layer::Ipv4;
            layers[2] = Layer::Tcp;
            layers
        };
        Decoded {
            layers: LAYERS,
            layer_count: 3,
            mac: Some(self.mac),
            ip: Some(self.ip),
            transport: Transport::Tcp(self.segment),
            ..Decoded::nothing()
        }
    }
}
