//! The receive window that one endpoint advertises (RFC 9293 section 3.8.6), scaled as agreed in
//! the handshake (RFC 7323 section 2).

use crate::time::{Span, Timestamp};

/// What is known of an endpoint's window scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// The handshake was not captured: windows are shown as they stood, and may be too small.
    #[default]
    Unknown,
    /// The shift in force, 0 to 14; 0 too when the handshake agreed on none.
    Known(u8),
}

/// What an endpoint has advertised.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdvertisedWindow {
    /// The scale in force for windows this endpoint advertises.
    pub scale: Scale,
    /// The latest window in bytes, scaled.
    pub bytes: u64,
    /// The highest position of the peer's stream that the peer may send up to (SND.UNA + SND.WND
    /// of the peer); `None` until an acknowledgment told.
    pub edge: Option<i64>,
    /// The smallest window outside the handshake.
    pub min: Option<u64>,
    /// The largest window.
    pub max: u64,
    /// The numbers of the segment that told the edge (SND.WL1 and SND.WL2 of the peer).
    told: Option<Told>,
    /// Whether the latest window stood in a SYN: the next one counts in other units.
    in_syn: bool,
    /// Since when the window is zero.
    pub zero_since: Option<Timestamp>,
    /// How often it went to zero.
    pub zero_count: u32,
    /// For how long it was zero in all; a window that is zero now counts up to the last segment.
    pub zero_time: Span,
}

/// The numbers of a segment that advertises a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Where it starts, in its sender's positions (SND.WL1).
    pub start: i64,
    /// What it acknowledges up to (SND.WL2).
    pub ack: i64,
}

/// What an advertisement changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowChange {
    /// The window is not what it was.
    pub changed: bool,
    /// It is zero.
    pub zero: bool,
    /// It was zero and no longer is.
    pub opened: bool,
}

impl AdvertisedWindow {
    /// The window field `raw` in bytes. In a SYN it is never scaled.
    #[inline]
    pub fn scaled(&self, raw: u16, in_syn: bool) -> u64 {
        match self.scale {
            Scale::Known(shift) if !in_syn => u64::from(raw) << shift.min(14),
            _ => u64::from(raw),
        }
    }

    /// [`edge`](Self::edge), where the scale is known.
    #[inline]
    pub(super) fn known_edge(&self) -> Option<i64> {
        match self.scale {
            Scale::Known(_) => self.edge,
            Scale::Unknown => None,
        }
    }

    /// Forgets up to where the peer may send: it counts from elsewhere now.
    pub(super) fn forget_edge(&mut self) {
        self.edge = None;
        self.told = None;
    }

    /// The peer's positions are now less by `by`.
    pub(super) fn shift(&mut self, by: i64) {
        if let Some(edge) = &mut self.edge {
            *edge -= by;
        }
        if let Some(told) = &mut self.told {
            told.ack -= by;
        }
    }

    /// Takes an advertisement in. `ack` is the position acknowledged with it.
    #[inline]
    pub fn advertise(
        &mut self,
        raw: u16,
        in_syn: bool,
        told: Option<Told>,
        now: Timestamp,
    ) -> WindowChange {
        let bytes = self.scaled(raw, in_syn);
        let change = WindowChange {
            changed: bytes != self.bytes && (!self.in_syn || self.scale == Scale::Known(0)),
            zero: bytes == 0,
            opened: bytes > 0 && self.zero_since.is_some(),
        };
        if bytes == 0 {
            if self.zero_since.is_none() {
                self.zero_since = Some(now);
                self.zero_count += 1;
            }
        } else if let Some(since) = self.zero_since.take() {
            self.zero_time = self.zero_time + (now - since);
        }
        self.bytes = bytes;
        self.in_syn = in_syn;
        self.max = self.max.max(bytes);
        if !in_syn {
            self.min = Some(self.min.map_or(bytes, |min| min.min(bytes)));
        }
        if let Some(told) = told {
            // Of two with the same numbers the wider came last: windows shrink with new numbers.
            let newer = self
                .told
                .is_none_or(|last| told.ack > last.ack || told.start > last.start);
            let edge = told.ack.saturating_add(bytes as i64);
            if newer || bytes == 0 || self.edge.is_none_or(|old| edge > old) {
                self.edge = Some(edge);
                self.told = Some(told);
            }
        }
        change
    }

    /// How long the window has been zero in all, up to `now`.
    pub fn zero_time_until(&self, now: Timestamp) -> Span {
        self.zero_since
            .map_or(self.zero_time, |since| self.zero_time + (now - since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    fn told(ack: i64) -> Option<Told> {
        Some(Told { start: 1, ack })
    }

    #[test]
    fn a_syn_is_never_scaled() {
        let window = AdvertisedWindow {
            scale: Scale::Known(7),
            ..AdvertisedWindow::default()
        };
        assert_eq!(window.scaled(100, true), 100);
        assert_eq!(window.scaled(100, false), 12_800);
    }

    #[test]
    fn scaling_alone_is_no_change() {
        let mut window = AdvertisedWindow {
            scale: Scale::Known(7),
            ..AdvertisedWindow::default()
        };
        window.advertise(65_535, true, told(1), at(0));
        assert!(!window.advertise(500, false, told(1), at(1)).changed);
        assert!(window.advertise(501, false, told(1), at(2)).changed);
    }

    #[test]
    fn zero_windows_are_timed() {
        let mut window = AdvertisedWindow::default();
        window.advertise(10, false, told(1), at(0));
        assert!(window.advertise(0, false, told(11), at(5)).zero);
        assert!(window.advertise(0, false, told(11), at(9)).zero);
        assert_eq!(window.zero_time_until(at(10)), Span::from_millis(5));
        assert!(window.advertise(20, false, told(11), at(25)).opened);
        assert_eq!(
            (window.zero_count, window.zero_time),
            (1, Span::from_millis(20))
        );
        assert_eq!(window.edge, Some(31));
        assert_eq!((window.min, window.max), (Some(0), 20));
    }
}
