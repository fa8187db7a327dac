//! Frames, byte by byte, and the capture that they are told to.
//!
//! Nothing of `wire` is used for frames: it is quicker, and what reads them can't agree with this on
//! one mistake.

use std::ops::ControlFlow;

use super::ledger::{End, Ledger, Passage};
use crate::frame::{CapturedFrame, Place};
use crate::source::Arrival;
use crate::time::{Span, Timestamp};
use crate::wire::LinkType;

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

const ETHERNET: usize = 14;
const IPV4: usize = 20;
const SHORTEST_FRAME: usize = 60;
const LONGEST_HEADERS: usize = ETHERNET + IPV4 + 60;

#[derive(Clone, Copy)]
pub(super) struct Host {
    address: [u8; 4],
    port: u16,
}

impl Host {
    pub(super) fn new(address: [u8; 4], port: u16) -> Self {
        Self { address, port }
    }

    /// Locally administered, with the address inside.
    fn mac(self) -> [u8; 6] {
        let [a, b, c, d] = self.address;
        [0x02, 0x00, a, b, c, d]
    }
}

pub(super) struct Segment {
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    pub(super) options: Options,
}

/// TCP options, always a multiple of four bytes.
pub(super) struct Options {
    bytes: [u8; 40],
    len: usize,
}

impl Options {
    fn new() -> Self {
        Self {
            bytes: [0; 40],
            len: 0,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    pub(super) fn mss_only() -> Self {
        let mut options = Self::new();
        options.push(&[2, 4, 0x05, 0xb4]);
        options
    }

    /// In Linux's order: MSS 1460, SACK permitted, timestamps, NOP, window scale.
    pub(super) fn syn(scale: u8, stamp: u32, echo: u32) -> Self {
        let mut options = Self::mss_only();
        options.push(&[4, 2, 8, 10]);
        options.push(&stamp.to_be_bytes());
        options.push(&echo.to_be_bytes());
        options.push(&[1, 3, 3, scale]);
        options
    }

    pub(super) fn stamped(stamp: u32, echo: u32) -> Self {
        let mut options = Self::new();
        options.push(&[1, 1, 8, 10]);
        options.push(&stamp.to_be_bytes());
        options.push(&echo.to_be_bytes());
        options
    }

    pub(super) fn sack(&mut self, blocks: impl ExactSizeIterator<Item = (u32, u32)>) {
        self.push(&[1, 1, 5, 2 + 8 * blocks.len() as u8]);
        for (start, end) in blocks {
            self.push(&start.to_be_bytes());
            self.push(&end.to_be_bytes());
        }
    }
}

/// A capture on its way to whoever takes it.
///
/// Frames pass the tap one after another on a link of 10 Gbit/s: asked for a time that is already
/// taken, a frame queues. So time never goes backwards.
pub(super) struct Capture<'s> {
    sink: &'s mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    frame: Vec<u8>,
    clock: u64,
    frames: u64,
    octets: u64,
    /// Where an answer sheet is asked for.
    ledger: Option<&'s mut Ledger>,
}

impl<'s> Capture<'s> {
    /// 14 November 2023, 22:13:20 UTC.
    const EPOCH: Timestamp = Timestamp::from_parts(1_700_000_000, 0);
    /// Headers of a pcap file and of its records.
    const FILE_HEADER: u64 = 24;
    const RECORD_HEADER: u64 = 16;

    pub(super) fn new(
        sink: &'s mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
        ledger: Option<&'s mut Ledger>,
    ) -> Self {
        Self {
            sink,
            frame: Vec::with_capacity(2048),
            clock: 0,
            frames: 0,
            octets: Self::FILE_HEADER,
            ledger,
        }
    }

    /// How long a pcap file of all this is by now.
    pub(super) const fn octets(&self) -> u64 {
        self.octets
    }

    /// Writes a segment at `at` or as soon as the link is free, and returns when that was. What is
    /// lost before the tap is written down at most.
    pub(super) fn tcp(
        &mut self,
        at: u64,
        from: Host,
        to: Host,
        segment: &Segment,
        payload: &[u8],
        passage: &Passage,
    ) -> ControlFlow<(), u64> {
        if matches!(passage.end, End::LostBefore) && self.ledger.is_none() {
            return ControlFlow::Continue(at);
        }
        let mut headers = [0; LONGEST_HEADERS];
        let tcp = &mut headers[ETHERNET + IPV4..];
        let tcp_len = 20 + segment.options.len;
        tcp[0..2].copy_from_slice(&from.port.to_be_bytes());
        tcp[2..4].copy_from_slice(&to.port.to_be_bytes());
        tcp[4..8].copy_from_slice(&segment.seq.to_be_bytes());
        tcp[8..12].copy_from_slice(&segment.ack.to_be_bytes());
        tcp[12] = (tcp_len as u8 / 4) << 4;
        tcp[13] = segment.flags;
        tcp[14..16].copy_from_slice(&segment.window.to_be_bytes());
        tcp[20..tcp_len].copy_from_slice(&segment.options.bytes[..segment.options.len]);
        let sum = pseudo_header(from, to, 6, tcp_len + payload.len())
            + sum(&tcp[..tcp_len])
            + sum(payload);
        tcp[16..18].copy_from_slice(&checksum(sum));
        self.ipv4(
            at,
            from,
            to,
            6,
            &mut headers[..ETHERNET + IPV4 + tcp_len],
            payload,
            passage,
        )
    }

    pub(super) fn udp(
        &mut self,
        at: u64,
        from: Host,
        to: Host,
        payload: &[u8],
        passage: &Passage,
    ) -> ControlFlow<(), u64> {
        let mut headers = [0; ETHERNET + IPV4 + 8];
        let udp = &mut headers[ETHERNET + IPV4..];
        let len = 8 + payload.len();
        udp[0..2].copy_from_slice(&from.port.to_be_bytes());
        udp[2..4].copy_from_slice(&to.port.to_be_bytes());
        udp[4..6].copy_from_slice(&(len as u16).to_be_bytes());
        let sum = pseudo_header(from, to, 17, len) + sum(udp) + sum(payload);
        // Zero would say that there is no checksum (RFC 768).
        let checksum = checksum(sum);
        udp[6..8].copy_from_slice(&if checksum == [0, 0] {
            [0xff, 0xff]
        } else {
            checksum
        });
        self.ipv4(at, from, to, 17, &mut headers, payload, passage)
    }

    /// Fills in the Ethernet and IPv4 headers, whose room `headers` begins with, and tells the frame.
    #[expect(
        clippy::too_many_arguments,
        reason = "fields of a header, at two places"
    )]
    fn ipv4(
        &mut self,
        at: u64,
        from: Host,
        to: Host,
        protocol: u8,
        headers: &mut [u8],
        payload: &[u8],
        passage: &Passage,
    ) -> ControlFlow<(), u64> {
        headers[0..6].copy_from_slice(&to.mac());
        headers[6..12].copy_from_slice(&from.mac());
        headers[12..14].copy_from_slice(&[0x08, 0x00]);
        let total = headers.len() - ETHERNET + payload.len();
        let ip = &mut headers[ETHERNET..ETHERNET + IPV4];
        ip[0] = 0x45;
        ip[2..4].copy_from_slice(&(total as u16).to_be_bytes());
        ip[4..6].copy_from_slice(&passage.id.to_be_bytes());
        ip[6] = 0x40; // do not fragment
        ip[8] = 64;
        ip[9] = protocol;
        ip[12..16].copy_from_slice(&from.address);
        ip[16..20].copy_from_slice(&to.address);
        let header_checksum = checksum(sum(ip));
        ip[10..12].copy_from_slice(&header_checksum);

        let len = (headers.len() + payload.len()).max(SHORTEST_FRAME);
        let padding = len - headers.len() - payload.len();
        let is_captured = !matches!(passage.end, End::LostBefore);
        let time = self.clock.max(at);
        self.frame.clear();
        self.frame.extend_from_slice(headers);
        self.frame.extend_from_slice(payload);
        self.frame
            .extend_from_slice(&[0; SHORTEST_FRAME][..padding]);
        let frame = CapturedFrame {
            number: self.frames + 1,
            time: Self::EPOCH + Span::from_nanos(time as i64),
            interface: 0,
            link: LinkType::ETHERNET,
            wire_len: len as u32,
            data: &self.frame,
            upcoming: &[],
            place: Place::NOWHERE,
        };
        if let Some(ledger) = self.ledger.as_deref_mut() {
            ledger.note(&frame, Self::EPOCH, passage);
        }
        if !is_captured {
            return ControlFlow::Continue(at);
        }
        self.clock = time + len as u64 * 4 / 5;
        self.frames += 1;
        self.octets += Self::RECORD_HEADER + len as u64;
        (self.sink)(Arrival::Frame(frame))?;
        ControlFlow::Continue(time)
    }
}

/// The Internet checksum's sum (RFC 1071) in big-endian 16-bit words, not yet folded.
///
/// Adding little-endian 32-bit words and swapping the folded result gives the same, four bytes at a time.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut total: u64 = words
        .iter()
        .map(|word| u64::from(u32::from_le_bytes(*word)))
        .sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    total += u64::from(u32::from_le_bytes(last));
    u64::from(fold(total).swap_bytes())
}

fn pseudo_header(from: Host, to: Host, protocol: u8, len: usize) -> u64 {
    sum(&from.address) + sum(&to.address) + u64::from(protocol) + len as u64
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn checksum(sum: u64) -> [u8; 2] {
    (!fold(sum)).to_be_bytes()
}
