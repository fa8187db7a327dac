//! When each frame is due.

use std::fmt;
use std::str::FromStr;

use crate::time::Span;

const NANOS: u128 = 1_000_000_000;

/// How quickly frames are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rate {
    /// With the pauses that the capture has.
    #[default]
    Recorded,
    /// So many frames a second, evenly.
    Frames(u64),
    /// So many bits a second, evenly: of the frames, without preamble and what else a link adds.
    Bits(u64),
    /// One after the other.
    Fastest,
}

impl Rate {
    /// When a frame is due after the first: `recorded` later in the capture, with so many frames
    /// and octets before it.
    pub fn due(self, recorded: Span, frames: u64, octets: u64) -> Span {
        let nanos = match self {
            Self::Recorded => recorded.as_nanos().max(0).unsigned_abs().into(),
            Self::Frames(rate) => u128::from(frames) * NANOS / u128::from(rate.max(1)),
            Self::Bits(rate) => u128::from(octets) * 8 * NANOS / u128::from(rate.max(1)),
            Self::Fastest => 0,
        };
        Span::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

impl FromStr for Rate {
    type Err = String;

    /// `recorded`, `fastest`, or a number with `pps` or `bps` and k, M or G before that.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "recorded" => return Ok(Self::Recorded),
            "fastest" => return Ok(Self::Fastest),
            _ => {}
        }
        let wrong = || "a rate is such as 500pps, 20kpps, 10Mbps, recorded or fastest".to_owned();
        let (number, of): (_, fn(u64) -> Self) = if let Some(number) = text.strip_suffix("pps") {
            (number, Self::Frames)
        } else if let Some(number) = text.strip_suffix("bps") {
            (number, Self::Bits)
        } else {
            return Err(wrong());
        };
        let (number, unit) = match number.as_bytes().last() {
            Some(b'k' | b'K') => (&number[..number.len() - 1], 1_000),
            Some(b'M') => (&number[..number.len() - 1], 1_000_000),
            Some(b'G') => (&number[..number.len() - 1], 1_000_000_000),
            _ => (number, 1),
        };
        let rate = number.parse::<u64>().ok();
        let rate = rate.and_then(|rate| rate.checked_mul(unit));
        rate.filter(|rate| *rate > 0).map(of).ok_or_else(wrong)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded => f.write_str("with the pauses that were recorded"),
            Self::Frames(rate) => write!(f, "at {rate} frames/s"),
            Self::Bits(rate) => write!(f, "at {rate} bit/s"),
            Self::Fastest => f.write_str("as fast as it goes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        let read = |text: &str| text.parse::<Rate>();
        assert_eq!(read("500pps"), Ok(Rate::Frames(500)));
        assert_eq!(read("20kpps"), Ok(Rate::Frames(20_000)));
        assert_eq!(read("10Mbps"), Ok(Rate::Bits(10_000_000)));
        assert_eq!(read("3Gbps"), Ok(Rate::Bits(3_000_000_000)));
        assert_eq!(read("fastest"), Ok(Rate::Fastest));
        assert_eq!(read("recorded"), Ok(Rate::Recorded));
        for wrong in [
            "",
            "5",
            "pps",
            "0pps",
            "-1pps",
            "1.5Mbps",
            "1Tbps",
            "µbps",
            "fast",
            "99999999999999999999pps",
            "99999999999Gbps",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn frames_are_due_when_the_rate_says() {
        let recorded = Span::from_millis(70);
        let due = |rate: Rate| rate.due(recorded, 10, 12_500).as_nanos();
        assert_eq!(due(Rate::Recorded), 70_000_000);
        assert_eq!(due(Rate::Frames(1_000)), 10_000_000);
        assert_eq!(due(Rate::Bits(1_000_000)), 100_000_000);
        assert_eq!(due(Rate::Fastest), 0);
        // Time that goes backwards is no reason to wait, nor are numbers beyond all measure.
        let back = Span::from_millis(-5);
        assert_eq!(Rate::Recorded.due(back, 1, 1), Span::ZERO);
        let far = Rate::Bits(1).due(back, u64::MAX, u64::MAX);
        assert_eq!(far.as_nanos(), i64::MAX);
    }
}
