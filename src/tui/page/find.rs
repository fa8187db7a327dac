//! Searching the streams of a connection: text or bytes, also where they lie across frames.

use core::ops::Range;

use super::data::{StreamView, What};
use crate::tcp::Role;

/// Matches kept at most.
const MOST: usize = 10_000;

/// A match: where it begins, and the parts of runs that it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Parts of runs, in order: the run and which of its bytes.
    pub(super) parts: Vec<(usize, Range<usize>)>,
}

impl Match {
    /// The run and the byte in it where it begins.
    pub(super) fn start(&self) -> (usize, usize) {
        self.parts
            .first()
            .map_or((0, 0), |(run, range)| (*run, range.start))
    }
}

/// What is searched for: bytes, and whether letters of both sizes are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Needle {
    bytes: Vec<u8>,
    exact: bool,
}

impl Needle {
    /// `0x1f8b` is bytes, anything else text, small and capital letters alike unless there is a
    /// capital one. `None` where there is nothing to search for.
    pub(super) fn of(text: &str) -> Option<Self> {
        if let Some(digits) = text.strip_prefix("0x") {
            let digits: Vec<u32> = digits
                .chars()
                .filter(|char| !matches!(char, ' ' | ':' | '_'))
                .map(|char| char.to_digit(16))
                .collect::<Option<_>>()?;
            if digits.is_empty() || !digits.len().is_multiple_of(2) {
                return None;
            }
            let bytes = digits
                .chunks(2)
                .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8));
            return Some(Self {
                bytes: bytes.collect(),
                exact: true,
            });
        }
        let exact = text.chars().any(|char| char.is_ascii_uppercase());
        (!text.is_empty()).then(|| Self {
            bytes: text.as_bytes().to_vec(),
            exact,
        })
    }

    fn is_at(&self, bytes: &[u8]) -> bool {
        bytes.get(..self.bytes.len()).is_some_and(|bytes| {
            if self.exact {
                bytes == self.bytes
            } else {
                bytes.eq_ignore_ascii_case(&self.bytes)
            }
        })
    }

    /// All matches in both streams, in order of runs; a gap ends what is searched.
    pub(super) fn matches(&self, view: &StreamView) -> Vec<Match> {
        let mut found = Vec::new();
        for role in Role::BOTH {
            let mut bytes = Vec::new();
            // Where each run begins among the bytes.
            let mut runs: Vec<(usize, usize)> = Vec::new();
            for (place, run) in view.runs.iter().enumerate() {
                if run.from != role {
                    continue;
                }
                if let What::Gap(_) = run.what {
                    self.within(&bytes, &runs, &mut found);
                    bytes.clear();
                    runs.clear();
                    continue;
                }
                runs.push((bytes.len(), place));
                bytes.extend_from_slice(view.bytes(run));
            }
            self.within(&bytes, &runs, &mut found);
        }
        found.sort_by_key(Match::start);
        found
    }

    fn within(&self, bytes: &[u8], runs: &[(usize, usize)], found: &mut Vec<Match>) {
        let mut at = 0;
        while at + self.bytes.len() <= bytes.len() && found.len() < MOST {
            if self.is_at(bytes.get(at..).unwrap_or_default()) {
                found.push(Match {
                    parts: parts(at..at + self.bytes.len(), bytes.len(), runs),
                });
                at += self.bytes.len().max(1);
            } else {
                at += 1;
            }
        }
    }
}

/// A range of bytes as parts of the runs that it lies in.
fn parts(range: Range<usize>, end: usize, runs: &[(usize, usize)]) -> Vec<(usize, Range<usize>)> {
    let first = runs
        .partition_point(|(start, _)| *start <= range.start)
        .saturating_sub(1);
    let mut parts = Vec::new();
    let rest = runs.get(first..).unwrap_or_default();
    for (at, (start, run)) in rest.iter().enumerate() {
        if *start >= range.end {
            break;
        }
        let next = rest.get(at + 1).map_or(end, |(next, _)| *next);
        let from = range.start.max(*start) - start;
        let to = range.end.min(next) - start;
        if from < to {
            parts.push((*run, from..to));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed() {
        let needle = |text| Needle::of(text).map(|needle| (needle.bytes, needle.exact));
        assert_eq!(needle("0x1f 8B"), Some((vec![0x1f, 0x8b], true)));
        assert_eq!(needle("get"), Some((b"get".to_vec(), false)));
        assert_eq!(needle("Get"), Some((b"Get".to_vec(), true)));
        for nothing in ["", "0x", "0x1", "0xzz"] {
            assert_eq!(needle(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_match_across_runs_has_a_part_in_each() {
        let runs = [(0, 4), (3, 6), (5, 7)];
        assert_eq!(parts(1..6, 9, &runs), [(4, 1..3), (6, 0..2), (7, 0..1)]);
        assert_eq!(parts(3..5, 9, &runs), [(6, 0..2)]);
        assert_eq!(parts(8..9, 9, &runs), [(7, 3..4)]);
        let needle = Needle::of("ab").unwrap();
        let mut found = Vec::new();
        needle.within(b"xxAbabx", &runs, &mut found);
        let starts: Vec<_> = found.iter().map(Match::start).collect();
        assert_eq!(starts, [(4, 2), (6, 1)]);
        assert_eq!(found[0].parts, [(4, 2..3), (6, 0..1)]);
    }
}
