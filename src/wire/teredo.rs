//! Teredo (RFC 4380): IPv6 in UDP, behind indications of who it is and where it came from.

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, ipv6};

/// The port of Teredo servers.
pub const PORT: u16 = 3544;

/// Steps over the authentication and origin indications (RFC 4380 section 5.1.1).
fn indications(input: &[u8]) -> Parsed<'_, ()> {
    let mut length = 0;
    loop {
        length += match input.get(length..) {
            // Authentication: lengths of identifier and value, both, a nonce, a confirmation.
            Some([0, 1, identifier_len, value_len, ..]) => {
                13 + usize::from(*identifier_len) + usize::from(*value_len)
            }
            Some([0, 1, ..]) => return be::short(length + 4),
            // Origin: a port and an address.
            Some([0, 0, ..]) => 8,
            Some([0]) => return be::short(length + 2),
            _ => break,
        };
    }
    let (rest, _) = be::bytes(length)(input)?;
    Ok((rest, ()))
}

pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((_, rest)) = d.read(Layer::Teredo, input, indications) else {
        return;
    };
    d.enter_tunnel(Layer::Teredo, 0, true);
    ipv6::decode(d, rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::hex;

    #[test]
    fn indications_are_stepped_over() {
        let origin = "00 00 ef ff ff ff ff fe";
        let authentication = "00 01 01 02  aa bb cc  01 02 03 04 05 06 07 08  00";
        for head in [
            "",
            origin,
            authentication,
            &format!("{authentication} {origin}"),
        ] {
            let bytes = hex(&format!("{head} 60 00"));
            assert_eq!(indications(&bytes).unwrap().0, [0x60, 0]);
        }
    }
}
