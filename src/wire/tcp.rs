//! TCP header (RFC 9293 section 3.1).

use core::fmt;
use core::ops::BitOr;

use nom::Parser;

use super::be::{self, Parsed};
use super::decoder::{Decoder, Input};
use super::ip::{Ip, protocol};
use super::tcp_option::OptionSet;
use super::{Address, Layer, Reason, SeqNum, TcpOptions, Transport, checksum};

/// The twelve bits beside the data offset: reserved bits, AE (RFC 9768), CWR and ECE (RFC 3168),
/// URG, ACK, PSH, RST, SYN, FIN.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u16);

#[allow(missing_docs)]
impl Flags {
    pub const FIN: Self = Self(0x001);
    pub const SYN: Self = Self(0x002);
    pub const RST: Self = Self(0x004);
    pub const PSH: Self = Self(0x008);
    pub const ACK: Self = Self(0x010);
    pub const URG: Self = Self(0x020);
    pub const ECE: Self = Self(0x040);
    pub const CWR: Self = Self(0x080);
    pub const AE: Self = Self(0x100);
}

impl Flags {
    /// Whether all bits of `other` are set.
    #[inline]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    #[inline]
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// tcpdump's letters: `S`, `S.`, `P.`, `F.`, `R`, `.`, with `W` for CWR, `E` for ECE and `e`
    /// for AE; `none` without any.
    pub fn tcpdump(self) -> impl fmt::Display {
        Tcpdump(self)
    }
}

impl BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Names joined by `|`, as RFCs and Wireshark give them: `SYN|ACK`.
impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Flags, &str); 9] = [
            (Flags::FIN, "FIN"),
            (Flags::SYN, "SYN"),
            (Flags::RST, "RST"),
            (Flags::PSH, "PSH"),
            (Flags::ACK, "ACK"),
            (Flags::URG, "URG"),
            (Flags::ECE, "ECE"),
            (Flags::CWR, "CWR"),
            (Flags::AE, "AE"),
        ];
        let mut separator = "";
        for (flag, name) in NAMES {
            if self.has(flag) {
                write!(f, "{separator}{name}")?;
                separator = "|";
            }
        }
        if separator.is_empty() {
            f.write_str("none")?;
        }
        Ok(())
    }
}

struct Tcpdump(Flags);

impl fmt::Display for Tcpdump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LETTERS: [(Flags, u8); 9] = [
            (Flags::FIN, b'F'),
            (Flags::SYN, b'S'),
            (Flags::RST, b'R'),
            (Flags::PSH, b'P'),
            (Flags::ACK, b'.'),
            (Flags::URG, b'U'),
            (Flags::ECE, b'E'),
            (Flags::CWR, b'W'),
            (Flags::AE, b'e'),
        ];
        let mut text = [0; LETTERS.len()];
        let mut len = 0;
        for (flag, letter) in LETTERS {
            if self.0.has(flag)
                && let Some(place) = text.get_mut(len)
            {
                *place = letter;
                len += 1;
            }
        }
        let text = text.get(..len).unwrap_or_default();
        f.pad(match core::str::from_utf8(text) {
            Ok(letters) if !letters.is_empty() => letters,
            _ => "none",
        })
    }
}

/// A TCP segment as it stood in a frame.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number of the first octet (of the SYN, where there is one).
    pub seq: SeqNum,
    /// Acknowledgment number; meaningful only with [`Flags::ACK`].
    pub ack: SeqNum,
    /// Control bits.
    pub flags: Flags,
    /// Window as it stood, not scaled.
    pub window: u16,
    /// Checksum as it stood.
    pub checksum: u16,
    /// Urgent pointer; meaningful only with [`Flags::URG`].
    pub urgent: u16,
    /// Options, parsed once.
    pub options: TcpOptions<'a>,
    /// Payload bytes on the wire, by the IP length.
    pub payload_len: u32,
    /// The captured payload; shorter than `payload_len` when the frame was cut.
    pub payload: &'a [u8],
}

/// What the fixed part of the header says, apart from the checksum and urgent pointer.
type Fixed = (u16, u16, u32, u32, u16, u16, u16, u16);

/// Parses the twenty octets that every header has.
#[inline(always)]
fn fixed(input: &[u8]) -> Parsed<'_, Fixed> {
    let (rest, head) = be::fixed::<{ Segment::LEN }>(input)?;
    let (_, fields) = (
        be::u16,
        be::u16,
        be::u32,
        be::u32,
        be::u16,
        be::u16,
        be::u16,
        be::u16,
    )
        .parse(head)?;
    Ok((rest, fields))
}

impl<'a> Segment<'a> {
    /// Octets of a header without options.
    pub const LEN: usize = 20;

    /// Puts a segment together from its fixed part and what follows.
    #[inline(always)]
    fn new(fixed: Fixed, options: TcpOptions<'a>, payload: &'a [u8], payload_len: u32) -> Self {
        let (source_port, destination_port, seq, ack, bits, window, checksum, urgent) = fixed;
        Self {
            source_port,
            destination_port,
            seq: SeqNum(seq),
            ack: SeqNum(ack),
            flags: Flags(bits & 0x0fff),
            window,
            checksum,
            urgent,
            options,
            payload_len,
            payload,
        }
    }

    /// Parses a segment that was captured whole: all of the input.
    pub fn parse(input: &'a [u8]) -> Parsed<'a, Self> {
        let (rest, fixed) = fixed(input)?;
        let header_len = header_len(fixed);
        let Some(options_len) = header_len.checked_sub(Self::LEN) else {
            return be::invalid("data offset", header_len as u32 / 4);
        };
        let Ok((payload, options)) = be::bytes(options_len)(rest) else {
            return be::short(header_len);
        };
        let payload_len = payload.len() as u32;
        let options = TcpOptions::parse(options);
        Ok((&[], Self::new(fixed, options, payload, payload_len)))
    }

    /// Octets of sequence space: payload, plus one each for SYN and FIN (RFC 9293 section 3.4).
    #[inline]
    pub fn sequence_len(&self) -> u32 {
        self.payload_len
            + u32::from(self.flags.has(Flags::SYN))
            + u32::from(self.flags.has(Flags::FIN))
    }

    /// Appends header, options (as `options.raw` has them, which must be a multiple of four
    /// octets and at most 40) and payload, the checksum as it stands in the value.
    pub fn emit(&self, out: &mut Vec<u8>) {
        be::put_u16(out, self.source_port);
        be::put_u16(out, self.destination_port);
        be::put_u32(out, self.seq.0);
        be::put_u32(out, self.ack.0);
        be::put_u16(out, self.offset_and_flags());
        be::put_u16(out, self.window);
        be::put_u16(out, self.checksum);
        be::put_u16(out, self.urgent);
        out.extend_from_slice(self.options.raw);
        out.extend_from_slice(self.payload);
    }

    /// Appends the segment with the checksum computed.
    pub fn emit_checked(&self, source: Address, destination: Address, out: &mut Vec<u8>) {
        let start = out.len();
        self.emit(out);
        let segment = out.get_mut(start..).unwrap_or_default();
        be::set_u16(segment, 16, 0);
        let sum = checksum::transport(source, destination, protocol::TCP, segment);
        be::set_u16(segment, 16, sum);
    }

    /// The sum of the header, checksum included: of two intact segments with payloads of the same
    /// length it is the same only if the payloads have the same sum.
    #[inline]
    pub fn header_sum(&self) -> u16 {
        let mut sum = checksum::Sum::new();
        sum.add_u16(self.source_port);
        sum.add_u16(self.destination_port);
        sum.add_u32(self.seq.0);
        sum.add_u32(self.ack.0);
        sum.add_u16(self.flags.0);
        sum.add_u16(self.window);
        sum.add_u16(self.checksum);
        sum.add_u16(self.urgent);
        sum.add(self.options.raw);
        // Lengths differ with the options.
        let length = self.options.raw.len() as u16;
        sum.add_u16(length / 4 << 12);
        sum.add_u16(length);
        sum.finish()
    }

    /// Whether the checksum holds; `None` when the segment was cut.
    pub fn checksum_ok(&self, ip: &Ip) -> Option<bool> {
        let header_len = Self::LEN + self.options.raw.len();
        if self.payload.len() != self.payload_len as usize
            || ip.payload_len as usize != header_len + self.payload.len()
        {
            return None;
        }
        let (from, to) = (ip.source, ip.destination);
        let mut sum = checksum::Sum::pseudo_header(from, to, protocol::TCP, ip.payload_len);
        sum.add_u16(self.source_port);
        sum.add_u16(self.destination_port);
        sum.add_u32(self.seq.0);
        sum.add_u32(self.ack.0);
        sum.add_u16(self.offset_and_flags());
        sum.add_u16(self.window);
        sum.add_u16(self.checksum);
        sum.add_u16(self.urgent);
        sum.add(self.options.raw);
        sum.add(self.payload);
        Some(sum.finish() == 0)
    }

    fn offset_and_flags(&self) -> u16 {
        let words = (Self::LEN + self.options.raw.len()) / 4;
        (words as u16) << 12 | self.flags.0 & 0x0fff
    }
}

/// The data offset, in octets.
#[inline(always)]
const fn header_len(fixed: Fixed) -> usize {
    (fixed.4 >> 12) as usize * 4
}

/// A whole header with no options but timestamps, or none: what [`decode`] makes of it, too.
#[inline(always)]
pub(super) fn parse_common(bytes: &[u8], wire: u32) -> Option<Segment<'_>> {
    let (rest, fixed) = fixed(bytes).ok()?;
    let header_len = header_len(fixed);
    let options_len = header_len.checked_sub(Segment::LEN)?;
    let (options, payload) = rest.split_at_checked(options_len)?;
    let (options, others) = TcpOptions::parse_common(options);
    let payload_len = wire - header_len as u32;
    others
        .is_empty()
        .then(|| Segment::new(fixed, options, payload, payload_len))
}

#[inline(always)]
pub(super) fn decode<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>) {
    let (rest, fixed) = match fixed(input.bytes) {
        Ok(parsed) => parsed,
        Err(error) => return d.fail(Layer::Tcp, input, error),
    };
    let header_len = header_len(fixed);
    let Some(options_len) = header_len.checked_sub(Segment::LEN) else {
        let value = header_len as u32 / 4;
        return d.stop(
            Layer::Tcp,
            input,
            Reason::Invalid {
                field: "data offset",
                value,
            },
        );
    };
    let Some(payload_len) = input.wire.checked_sub(header_len as u32) else {
        return d.too_short(Layer::Tcp, input, header_len);
    };
    if !d.push(Layer::Tcp, input) {
        return;
    }
    let (options, payload) = match rest.split_at_checked(options_len) {
        Some(both) => both,
        None => {
            // The capture cut the options: what there is of them is kept.
            d.too_short(Layer::Tcp, input, header_len);
            (rest, &[][..])
        }
    };
    let (options, others) = TcpOptions::parse_common(options);
    d.out.transport = Transport::Tcp(Segment::new(fixed, options, payload, payload_len));
    if !others.is_empty() {
        decode_options(d, input, others);
    }
}

/// The options that not every segment has, written where the segment already is.
#[inline(never)]
fn decode_options<'a>(d: &mut Decoder<'a, '_>, input: Input<'a>, raw: &'a [u8]) {
    let Transport::Tcp(segment) = &mut d.out.transport else {
        return;
    };
    segment.options.fill(raw);
    if segment.options.others.has(OptionSet::MALFORMED) && d.out.stop.is_none() {
        let value = segment.options.first_malformed();
        let reason = Reason::Invalid {
            field: "option length",
            value,
        };
        d.stop(Layer::Tcp, input, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cut_tests, emitted, fault, hex};
    use crate::wire::{Fault, LengthSource, LinkType, decode as decode_frame};

    /// Port 443 to port 54321, PSH and ACK, window 502, timestamps.
    const SAMPLE: &str = "01 bb  d4 31  00 00 10 00  00 00 20 00  80 18 01 f6  00 00 00 00
        01 01 08 0a 00 00 00 01 00 00 00 02";

    #[test]
    fn parses() {
        let mut bytes = hex(SAMPLE);
        bytes.extend(b"hello");
        let (_, segment) = Segment::parse(&bytes).unwrap();
        assert_eq!(
            (segment.source_port, segment.destination_port),
            (443, 54321)
        );
        assert_eq!((segment.seq, segment.ack), (SeqNum(0x1000), SeqNum(0x2000)));
        assert_eq!(segment.flags, Flags::PSH | Flags::ACK);
        assert_eq!((segment.window, segment.urgent), (502, 0));
        assert_eq!((segment.payload, segment.payload_len), (&b"hello"[..], 5));
        let timestamps = segment.options.timestamps.unwrap();
        assert_eq!((timestamps.value, timestamps.echo), (1, 2));
        assert_eq!(emitted(|out| segment.emit(out)), bytes);
    }

    cut_tests!(SAMPLE, Segment::parse);

    #[test]
    fn flags_have_two_spellings() {
        for (flags, letters, names) in [
            (Flags::SYN, "S", "SYN"),
            (Flags::SYN | Flags::ACK, "S.", "SYN|ACK"),
            (Flags::PSH | Flags::ACK, "P.", "PSH|ACK"),
            (Flags::SYN | Flags::ECE | Flags::CWR, "SEW", "SYN|ECE|CWR"),
            (Flags(0), "none", "none"),
            (Flags(0xe00), "none", "none"),
        ] {
            assert_eq!(flags.tcpdump().to_string(), letters);
            assert_eq!(flags.to_string(), names);
        }
        assert_eq!(format!("{:>4}", Flags::ACK.tcpdump()), "   .");
    }

    #[test]
    fn wrong_length() {
        let mut bytes = hex(SAMPLE);
        bytes[12] = 0x40;
        let expected = Fault::Invalid {
            field: "data offset",
            value: 4,
        };
        assert_eq!(fault(Segment::parse(&bytes)), expected);
        bytes[12] = 0x90;
        assert_eq!(fault(Segment::parse(&bytes)), Fault::Short { needed: 36 });
    }

    /// The sample in IPv4 with room for `payload` octets, cut at `len`.
    fn packet(payload: u8, len: usize) -> Vec<u8> {
        let mut bytes = hex("45 00 00 00  00 00 00 00  40 06 00 00  c0 00 02 01  c6 33 64 02");
        bytes[3] = 52 + payload;
        bytes.extend(hex(SAMPLE));
        bytes.resize(52 + usize::from(payload), 0x61);
        bytes.truncate(len);
        bytes
    }

    #[test]
    fn a_cut_payload_keeps_its_length() {
        let bytes = packet(100, 60);
        let decoded = decode_frame(LinkType::IPV4, &bytes, 152);
        let Transport::Tcp(segment) = &decoded.transport else {
            panic!("not TCP")
        };
        assert_eq!((segment.payload_len, segment.payload.len()), (100, 8));
        assert_eq!(decoded.stop, None);
        assert_eq!(segment.checksum_ok(&decoded.ip.unwrap()), None);
    }

    #[test]
    fn cut_options_keep_the_segment() {
        let bytes = packet(100, 45);
        let decoded = decode_frame(LinkType::IPV4, &bytes, 152);
        let Transport::Tcp(segment) = &decoded.transport else {
            panic!("not TCP")
        };
        assert_eq!((segment.payload_len, segment.payload.len()), (100, 0));
        assert_eq!(segment.options.raw.len(), 5);
        let reason = Reason::TooShort {
            needed: 32,
            had: 25,
            from: LengthSource::Capture,
        };
        assert_eq!(decoded.stop.unwrap().reason, reason);
    }

    #[test]
    fn a_header_beyond_its_packet_is_no_segment() {
        let mut bytes = packet(0, 52);
        bytes[32] = 0xf0;
        let decoded = decode_frame(LinkType::IPV4, &bytes, 0);
        assert!(matches!(decoded.transport, Transport::None));
        let reason = Reason::TooShort {
            needed: 60,
            had: 32,
            from: LengthSource::Capture,
        };
        assert_eq!(decoded.stop.unwrap().reason, reason);
    }

    #[test]
    fn a_malformed_option_is_told_and_the_segment_kept() {
        let mut bytes = packet(0, 52);
        bytes[43] = 11; // the timestamps' length
        let decoded = decode_frame(LinkType::IPV4, &bytes, 0);
        assert!(matches!(decoded.transport, Transport::Tcp(_)));
        let reason = Reason::Invalid {
            field: "option length",
            value: 11,
        };
        assert_eq!(decoded.stop.unwrap().reason, reason);
    }

    #[test]
    fn checksums() {
        for (source, destination) in [
            (Address::v4([192, 0, 2, 1]), Address::v4([198, 51, 100, 2])),
            (
                Address(0x2001_0db8 << 96 | 1),
                Address(0x2001_0db8 << 96 | 2),
            ),
        ] {
            let mut bytes = hex(SAMPLE);
            bytes.extend(b"odd");
            let (_, segment) = Segment::parse(&bytes).unwrap();
            let written = emitted(|out| segment.emit_checked(source, destination, out));
            let (_, checked) = Segment::parse(&written).unwrap();
            let packet = packet(3, 55);
            let ip = decode_frame(LinkType::IPV4, &packet, 0).ip.unwrap();
            let ip = Ip {
                source,
                destination,
                ..ip
            };
            assert_eq!(checked.checksum_ok(&ip), Some(true));
            assert_eq!(segment.checksum_ok(&ip), Some(false));
        }
    }
}
