//! Frame relay (ITU-T Q.922) with protocols named by NLPID (RFC 2427) or, as Cisco does, by
//! EtherType.

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, Reason, ethernet, ipv4, ipv6};

/// Network layer protocol identifiers (ISO/IEC TR 9577).
#[allow(missing_docs)]
pub mod nlpid {
    pub const PADDING: u8 = 0x00;
    pub const SNAP: u8 = 0x80;
    pub const IPV6: u8 = 0x8e;
    pub const IPV4: u8 = 0xcc;
}

/// Unnumbered information: an NLPID follows.
const UI: u8 = 0x03;

/// The address: two to four octets, of which the last is odd.
fn address(input: &[u8]) -> Parsed<'_, &[u8]> {
    for len in 2..=4 {
        match input.get(len - 1) {
            Some(last) if last & 1 == 1 => return be::bytes(len)(input),
            Some(_) => {}
            None => return be::short(len),
        }
    }
    be::invalid("address", u32::from(input.first().copied().unwrap_or(0)))
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((_, rest)) = d.read(Layer::FrameRelay, input, address) else {
        return;
    };
    match be::u8(rest.bytes) {
        Ok((tail, UI)) => decode_nlpid(d, Layer::FrameRelay, rest.after(tail)),
        _ => match be::u16(rest.bytes) {
            Ok((tail, value)) => {
                ethernet::decode_type_or_length(d, Layer::FrameRelay, value, rest.after(tail));
            }
            Err(error) => d.fail(Layer::FrameRelay, rest, error),
        },
    }
}

/// What follows a control octet: an NLPID, perhaps after padding.
pub(super) fn decode_nlpid<'a>(d: &mut Decoder<'a, '_>, carrier: Layer, input: Input<'a>) {
    let padding = usize::from(input.bytes.first() == Some(&nlpid::PADDING));
    let parser = |bytes| {
        let (bytes, _) = be::bytes(padding)(bytes)?;
        be::u8(bytes).or_else(|_| be::short(padding + 1))
    };
    let (tail, value) = match parser(input.bytes) {
        Ok(parsed) => parsed,
        Err(error) => return d.fail(carrier, input, error),
    };
    let rest = input.after(tail);
    match value {
        nlpid::IPV4 => ipv4::decode(d, rest),
        nlpid::IPV6 => ipv6::decode(d, rest),
        nlpid::SNAP => ethernet::decode_snap(d, rest),
        other => {
            let protocol = u32::from(other);
            d.stop(carrier, rest, Reason::Unknown { protocol });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;
    use crate::wire::testing::{cut_tests, fault, hex};

    /// DLCI 100.
    const SAMPLE: &str = "18 41";

    #[test]
    fn an_address_ends_with_an_odd_octet() {
        assert_eq!(address(&hex("18 41 03")).unwrap().0, [3]);
        assert_eq!(address(&hex("18 40 00 01 03")).unwrap().0, [3]);
        let expected = Fault::Invalid {
            field: "address",
            value: 0x18,
        };
        assert_eq!(fault(address(&hex("18 40 00 00"))), expected);
    }

    cut_tests!(SAMPLE, address);
}
