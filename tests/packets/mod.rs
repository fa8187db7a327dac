//! Packets and captures for tests, made with the library's own writers.
#![allow(
    dead_code,
    reason = "every test binary compiles this file, and none uses all of it"
)]

use std::fs;
use std::path::{Path, PathBuf};

use tcplens::frame::{CapturedFrame, Place};
use tcplens::time::Timestamp;
use tcplens::wire::ethernet::{self, ether_type};
use tcplens::wire::ip::protocol;
use tcplens::wire::{Address, Flags, Fragment, LinkType, Segment, SeqNum, TcpOptions, ipv4};

pub(crate) const CLIENT: Address = Address::v4([10, 0, 0, 1]);
pub(crate) const SERVER: Address = Address::v4([10, 0, 0, 2]);

/// A segment without options or payload, from port 40000 to port 80.
pub(crate) fn segment(seq: u32, ack: u32, flags: Flags) -> Segment<'static> {
    Segment {
        source_port: 40_000,
        destination_port: 80,
        seq: SeqNum(seq),
        ack: SeqNum(ack),
        flags,
        window: 65_535,
        checksum: 0,
        urgent: 0,
        options: TcpOptions::default(),
        payload_len: 0,
        payload: &[],
    }
}

/// The segment in IPv4 in Ethernet.
pub(crate) fn frame(
    source: Address,
    destination: Address,
    id: u16,
    segment: &Segment<'_>,
) -> Vec<u8> {
    let mut tcp = Vec::new();
    segment.emit_checked(source, destination, &mut tcp);
    let ip = ipv4::Header {
        traffic_class: 0,
        total_length: (ipv4::Header::LEN + tcp.len()) as u16,
        id,
        dont_fragment: true,
        fragment: Fragment {
            offset: 0,
            more: false,
        },
        ttl: 64,
        protocol: protocol::TCP,
        source,
        destination,
        options: &[],
    };
    let link = ethernet::Header {
        destination: [2, 0, 0, 0, 0, 2],
        source: [2, 0, 0, 0, 0, 1],
        ether_type: ether_type::IPV4,
    };
    let mut bytes = Vec::with_capacity(ethernet::Header::LEN + ipv4::Header::LEN + tcp.len());
    link.emit(&mut bytes);
    ip.emit(&mut bytes);
    bytes.extend_from_slice(&tcp);
    bytes
}

/// As a source would hand it on.
pub(crate) fn captured(number: u64, nanos: i64, data: &[u8]) -> CapturedFrame<'_> {
    CapturedFrame {
        number,
        time: Timestamp::from_nanos(nanos),
        interface: 0,
        link: LinkType::ETHERNET,
        wire_len: data.len() as u32,
        data,
        upcoming: &[],
        place: Place::NOWHERE,
    }
}

/// A pcap file of Ethernet frames, a millisecond apart.
pub(crate) fn pcap<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4_u32.to_le_bytes());
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(262_144_u32.to_le_bytes());
    file.extend(LinkType::ETHERNET.0.to_le_bytes());
    for (index, frame) in frames.into_iter().enumerate() {
        let millis = index as u32;
        let len = (frame.len() as u32).to_le_bytes();
        file.extend((1_700_000_000 + millis / 1000).to_le_bytes());
        file.extend((millis % 1000 * 1000).to_le_bytes());
        file.extend(len);
        file.extend(len);
        file.extend(frame);
    }
    file
}

/// The captures in `fixtures/captures`, by name.
pub(crate) fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the fixtures are there")
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

/// Numbers that look random and are the same every time (Marsaglia's xorshift64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    /// Once in `times`.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
