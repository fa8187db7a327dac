//! SYNs of connections that come to nothing, each from another address.

use std::ops::ControlFlow;

use super::capture::{Capture, Host, Options, SYN, Segment};
use super::ledger::{End, Passage};
use super::noise::within;
use crate::generator::random::Random;
use crate::generator::truth::{HostState, Reason, Side};

/// Sources have an address each; so many there are.
pub(super) const MOST: u64 = 1 << 24;

/// A SYN with one option, padded to the shortest Ethernet frame, and its pcap record header.
pub(super) const RECORD: u64 = 16 + 60;

/// Writes so many SYNs.
pub(super) fn flood(mut random: Random, capture: &mut Capture<'_>, count: u64) -> ControlFlow<()> {
    let victim = Host::new([10, 0, 0, 1], 80);
    for n in 0..count {
        // An odd factor visits every one of 2^24 addresses once before any of them again.
        let scattered = (n as u32).wrapping_mul(0x9e37_79b1) & 0x00ff_ffff;
        let [_, a, b, c] = scattered.to_be_bytes();
        let source = Host::new([10, a, b, c], within(&mut random, (1024, 65_536)) as u16);
        let header = Segment {
            seq: random.next() as u32,
            ack: 0,
            flags: SYN,
            window: 64_240,
            options: Options::mss_only(),
        };
        let at = n * 700 + random.below(600);
        let passage = Passage {
            connection: Some(n as u32),
            from: Side::Client,
            sent: at,
            id: random.next() as u16,
            reason: Reason::Plain,
            state: HostState::SynSent,
            end: End::NoRoom,
        };
        capture.tcp(at, source, victim, &header, &[], &passage)?;
    }
    ControlFlow::Continue(())
}
