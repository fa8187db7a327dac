//! Headers that capture programs and cards put before frames: only what must be known to step
//! over them. They are not sent, so there are no writers.

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::{Layer, LinkType, Reason, ethernet, ieee80211, ip, ppp};

fn u32_le(input: &[u8]) -> Parsed<'_, u32> {
    let (rest, bytes) = be::array(input)?;
    Ok((rest, u32::from_le_bytes(bytes)))
}

/// The numbers that an AVS header begins with, versions 1 and 2, in network byte order.
const AVS: [u32; 2] = [0x8021_1001, 0x8021_1002];

/// The length of a Prism or AVS header before an IEEE 802.11 frame. Both have it at the same
/// place; that of Prism is in the byte order of the capturing host.
fn wlan(input: &[u8]) -> Parsed<'_, ()> {
    let (_, head) = be::fixed::<8>(input)?;
    let (_, (cookie, length)) = (be::u32, be::u32).parse(head)?;
    let length = if AVS.contains(&cookie) {
        length
    } else {
        length.min(length.swap_bytes())
    };
    if length < 8 {
        return be::invalid("length", length);
    }
    let (rest, _) = be::bytes(length as usize)(input)?;
    Ok((rest, ()))
}

pub(super) fn decode_wlan<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    if let Some((_, rest)) = d.read(Layer::CaptureHeader, input, wlan) {
        ieee80211::decode(d, rest);
    }
}

/// The link type behind a PKTAP header (Apple): little-endian length, kind of record, link type.
fn pktap(input: &[u8]) -> Parsed<'_, LinkType> {
    let (_, head) = be::fixed::<12>(input)?;
    let (_, (length, _kind, link)) = (u32_le, u32_le, u32_le).parse(head)?;
    if length < 12 {
        return be::invalid("length", length);
    }
    let (rest, _) = be::bytes(length as usize)(input)?;
    Ok((rest, LinkType(link)))
}

pub(super) fn decode_pktap<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((link, rest)) = d.read(Layer::CaptureHeader, input, pktap) else {
        return;
    };
    if link == LinkType::PKTAP {
        let protocol = link.0;
        return d.stop(Layer::CaptureHeader, rest, Reason::Unknown { protocol });
    }
    d.link(link, rest);
}

/// Ethernet behind the four octets of netANALYZER, and behind preamble and delimiter too where
/// the card is transparent.
pub(super) fn decode_net_analyzer<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>, preamble: usize) {
    let parser = |bytes| be::bytes(4 + preamble)(bytes);
    if let Some((_, rest)) = d.read(Layer::CaptureHeader, input, parser) {
        ethernet::decode(d, rest);
    }
}

/// The type of an ERF record (Endace), its extension headers stepped over.
fn erf(input: &[u8]) -> Parsed<'_, u8> {
    const MORE: u8 = 0x80;
    let (_, &[_, _, _, _, _, _, _, _, kind, ..]) = be::fixed::<16>(input)?;
    let mut length = 16;
    let mut more = kind & MORE != 0;
    while more {
        let Some(&first) = input.get(length) else {
            return be::short(length + 8);
        };
        more = first & MORE != 0;
        length += 8;
    }
    let (rest, _) = be::bytes(length)(input)?;
    Ok((rest, kind & !MORE))
}

pub(super) fn decode_erf<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let Some((kind, rest)) = d.read(Layer::CaptureHeader, input, erf) else {
        return;
    };
    match kind {
        // Ethernet, in its variants, behind two octets of padding.
        2 | 11 | 16 | 20 => match be::bytes(2)(rest.bytes) {
            Ok((frame, _)) => ethernet::decode(d, rest.after(frame)),
            Err(error) => d.fail(Layer::CaptureHeader, rest, error),
        },
        // HDLC.
        1 | 10 | 15 | 19 => ppp::decode_link(d, rest),
        // IPv4, IPv6.
        22 | 23 => ip::decode_by_version(d, Layer::CaptureHeader, rest),
        other => {
            let protocol = u32::from(other);
            d.stop(Layer::CaptureHeader, rest, Reason::Unknown { protocol });
        }
    }
}

/// The header of Juniper's routers: magic number, flags, extensions.
fn juniper(input: &[u8]) -> Parsed<'_, u8> {
    const EXTENDED: u8 = 0x80;
    let (rest, &[a, b, c, flags]) = be::fixed::<4>(input)?;
    if [a, b, c] != *b"MGC" {
        return be::invalid("magic number", u32::from_be_bytes([0, a, b, c]));
    }
    if flags & EXTENDED == 0 {
        return Ok((rest, flags));
    }
    let (_, length) = be::u16(rest).or_else(|_| be::short(6))?;
    let (rest, _) = be::bytes(6 + usize::from(length))(input)?;
    Ok((rest, flags))
}

pub(super) fn decode_juniper<'a>(
    d: &mut Decoder<'a, '_>,
    input: Input<'a>,
    inner: fn(&mut Decoder<'a, '_>, Input<'a>),
) {
    const NO_LINK_HEADER: u8 = 0x02;
    let Some((flags, rest)) = d.read(Layer::CaptureHeader, input, juniper) else {
        return;
    };
    if flags & NO_LINK_HEADER != 0 {
        let protocol = u32::from(flags);
        return d.stop(Layer::CaptureHeader, rest, Reason::Unknown { protocol });
    }
    inner(d, rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{check_cuts, hex};

    #[test]
    fn each_is_as_long_as_it_says() {
        check_cuts(&hex("44 00 00 00  0c 00 00 00  01 02 03 04"), wlan);
        check_cuts(&hex("80 21 10 01  00 00 00 0c  01 02 03 04"), wlan);
        check_cuts(
            &hex("10 00 00 00  01 00 00 00  01 00 00 00  00 00 00 00"),
            pktap,
        );
        let record = "00 00 00 00 00 00 00 00  82 00 00 00  00 00 00 00";
        check_cuts(
            &hex(&format!(
                "{record} 81 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00"
            )),
            erf,
        );
        check_cuts(&hex("4d 47 43 80 00 02 01 02"), juniper);
        check_cuts(&hex("4d 47 43 01"), juniper);
    }
}
