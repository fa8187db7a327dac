//! What is remembered of a connection's latest packets, both directions: enough to tell copies,
//! octets that were never captured, and wrong checksums. A fixed size, so that nothing is allocated.

use crate::tcp::{Arrived, Connection, Role};
use crate::time::Timestamp;
use crate::wire::checksum::Sum;
use crate::wire::{Ip, Segment, SeqNum};

/// What is remembered of a connection's latest packets.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Fingerprints of the headers of the last packets, both directions together …
    tags: [u32; Self::KEPT],
    /// … when they passed, in microseconds …
    micros: [u32; Self::KEPT],
    /// … and with which TTL and on which interface.
    places: [u16; Self::KEPT],
    at: u8,
    pub(super) sides: [Side; 2],
}

/// The same, of one direction.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// When its last packet passed.
    pub(super) then: Option<Timestamp>,
    /// Its first timestamp value, and when that passed.
    pub(super) first: Option<(u32, Timestamp)>,
    /// The last.
    pub(super) last: Option<(u32, Timestamp)>,
    /// Its largest payload in bytes.
    pub(super) largest: u32,
    /// The number after the highest octet seen or acknowledged.
    pub(super) next: Option<SeqNum>,
    /// Octets before `next` that were not seen.
    pub(super) holes: [Hole; Self::HOLES],
    /// The first acknowledgment it sent, and the highest.
    pub(super) acked: Option<(SeqNum, SeqNum)>,
    /// Segments whose checksum was verified, and how many were wrong.
    pub(super) verified: u8,
    pub(super) wrong: u8,
    /// … and how many of these had what a host leaves to its card.
    pub(super) unfilled: u8,
    /// The number after the last of them.
    pub(super) verified_end: Option<SeqNum>,
    /// The first of these with a wrong one, or if there is none, of all.
    pub(super) verified_frame: u64,
}

/// Octets that were not seen: skipped by a segment, or acknowledged before they came.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hole {
    pub(super) start: SeqNum,
    /// As `start` where there is none.
    pub(super) end: SeqNum,
    /// When that was seen, in microseconds, and in which frame.
    pub(super) micros: u32,
    pub(super) by_ack: bool,
    pub(super) frame: u64,
}

impl Hole {
    pub(super) fn len(&self) -> u32 {
        self.end.0.wrapping_sub(self.start.0)
    }
}

impl Side {
    const HOLES: usize = 3;
    /// More is no hole but other numbers: the largest window (RFC 7323 section 2.3).
    pub(super) const MOST: i32 = 1 << 30;

    /// Takes octets as seen. Gives the hole that an acknowledgment made and that they close.
    #[cold]
    pub(super) fn fill(&mut self, from: SeqNum, to: SeqNum) -> Option<Hole> {
        let mut closed = None;
        for hole in self.holes.iter_mut().filter(|hole| hole.len() > 0) {
            if !from.before(hole.end) || !to.after(hole.start) {
                continue;
            }
            let whole = *hole;
            if from.after(hole.start) && !to.before(hole.end) {
                hole.end = from;
            } else {
                hole.start = if to.after(hole.end) { hole.end } else { to };
            }
            if hole.len() == 0 && hole.by_ack {
                closed = Some(whole);
            }
        }
        closed
    }

    /// Whether there may be holes.
    pub(super) fn has_holes(&self) -> bool {
        self.holes.iter().any(|hole| hole.len() > 0)
    }

    /// Notes octets that are not there, up to `end`. Gives an older hole that has to make room.
    #[cold]
    pub(super) fn skip(
        &mut self,
        end: SeqNum,
        frame: u64,
        micros: u32,
        by_ack: bool,
    ) -> Option<Hole> {
        let start = self.next?;
        let hole = Hole {
            start,
            end,
            micros,
            by_ack,
            frame,
        };
        let oldest = |hole: &&mut Hole| if hole.len() == 0 { 0 } else { hole.frame };
        let place = self.holes.iter_mut().min_by_key(oldest)?;
        let old = core::mem::replace(place, hole);
        (old.len() > 0).then_some(old)
    }
}

impl Watch {
    const KEPT: usize = 16;

    /// Copies that the capture made come sooner than any timer of a host sends anything again.
    const SOON: u32 = 20_000;
    /// Without an IP identification that tells them from what was sent again.
    const AT_ONCE: u32 = 1000;

    /// Looks a packet up among the last ones, and remembers it. Gives where its first was, and the
    /// microseconds since then.
    #[inline]
    pub(super) fn copy_of(
        &mut self,
        arrived: &Arrived<'_>,
        from: Role,
        place: u16,
        now: u32,
    ) -> Option<(u16, u32)> {
        let segment = arrived.segment;
        let id = arrived.ip_id.unwrap_or(0);
        let tsval = segment.options.timestamps.map_or(0, |each| each.value);
        let tag = mix([
            u64::from(segment.seq.0) << 32 | u64::from(segment.ack.0),
            u64::from(tsval) << 32 | u64::from(id),
            u64::from(segment.payload_len) << 32
                | u64::from(segment.window) << 16
                | u64::from(segment.flags.0) << 1
                | from as u64,
        ]);
        let limit = if id == 0 { Self::AT_ONCE } else { Self::SOON };
        let mut found = None;
        // All of them, without leaving early: several at a time.
        let again = self
            .tags
            .iter()
            .fold(false, |hit, &each| hit | (each == tag));
        if again {
            for ((&theirs, &then), &place) in self.tags.iter().zip(&self.micros).zip(&self.places) {
                let after = (now.wrapping_sub(then) as i32).unsigned_abs();
                if theirs == tag && after < limit {
                    found = Some((place, after));
                }
            }
        }
        let at = usize::from(self.at) % Self::KEPT;
        self.at = self.at.wrapping_add(1);
        if let (Some(a), Some(b), Some(c)) = (
            self.tags.get_mut(at),
            self.micros.get_mut(at),
            self.places.get_mut(at),
        ) {
            (*a, *b, *c) = (tag, now, place);
        }
        found
    }
}

/// A fingerprint of header fields; never 0, which stands for no packet. That somebody makes two
/// packets of one connection alike gains nothing: they are counted as a copy.
#[inline]
fn mix(fields: [u64; 3]) -> u32 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = 0_u64;
    for field in fields {
        hash = (hash ^ field).wrapping_mul(ODD);
        hash ^= hash >> 32;
    }
    hash as u32 | 1
}

/// Segments with payload that are verified of each direction …
pub(super) const VERIFIED: u8 = 2;
/// … of all connections that begin by this frame, and of some that begin later.
const EARLY: u64 = 50_000;
const ONE_IN: u64 = 16;
/// Stands for a direction that is not verified.
pub(super) const PASSED_OVER: u8 = u8::MAX;

#[inline]
pub(super) fn verify(side: &mut Side, connection: &Connection, arrived: &Arrived<'_>, ip: &Ip) {
    let first = connection.first_frame;
    if first > EARLY && !first.is_multiple_of(ONE_IN) {
        side.verified = PASSED_OVER;
        return;
    }
    let Some(right) = arrived.segment.checksum_ok(ip) else {
        return;
    };
    if side.verified == 0 || (!right && side.wrong == 0) {
        side.verified_frame = arrived.frame;
    }
    side.verified += 1;
    side.verified_end = Some(arrived.segment.seq + arrived.segment.payload_len);
    side.wrong += u8::from(!right);
    side.unfilled += u8::from(!right && is_unfilled(arrived.segment, ip));
}

/// Whether a checksum is what a host leaves to its card: nothing, or the sum of the pseudo header
/// (of a length that the card fills in, or not).
fn is_unfilled(segment: &Segment<'_>, ip: &Ip) -> bool {
    let sum = |length| !Sum::pseudo_header(ip.source, ip.destination, ip.protocol, length).finish();
    [0, sum(ip.payload_len), sum(0)].contains(&segment.checksum)
}
