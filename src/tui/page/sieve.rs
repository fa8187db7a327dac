//! The filter of a page: which of the connection's frames it lists, and stops at.

use std::sync::Arc;

use super::sheet::{Ink, Sheet, columns, cut};
use super::{Page, PageMessage, moved};
use crate::filter::Filter;
use crate::report::units::grouped;

/// A filter in force on a page.
pub(super) struct Sieve {
    filter: Arc<Filter>,
    /// The frames that match, once they have been looked for.
    frames: Option<Vec<u64>>,
    /// Their rows.
    rows: Vec<usize>,
    /// Whether they are being looked for.
    is_asked: bool,
}

/// The rows of a list in sight: all, or those that a filter leaves.
pub(super) struct Listed<'p> {
    left: Option<&'p [usize]>,
    /// How many there are.
    pub(super) total: usize,
    /// The place of the one under the cursor.
    pub(super) here: usize,
}

impl Listed<'_> {
    /// The row at a place.
    pub(super) fn row(&self, place: usize) -> Option<usize> {
        match self.left {
            Some(rows) => rows.get(place).copied(),
            None => (place < self.total).then_some(place),
        }
    }
}

impl Page {
    /// The filter in force as it was written; empty where there is none.
    pub fn filter_text(&self) -> &str {
        self.sieve.as_ref().map_or("", |sieve| sieve.filter.text())
    }

    /// Puts a filter in force, or none where it is empty. Gives what is to be looked for.
    pub fn choose(&mut self, filter: Filter) -> Option<Arc<Filter>> {
        self.sieve = None;
        if filter.is_empty() {
            return None;
        }
        self.sieve = Some(Sieve {
            filter: Arc::new(filter),
            frames: None,
            rows: Vec::new(),
            is_asked: false,
        });
        self.wanted()
    }

    /// The filter in force, where its frames are to be looked for: more may have come.
    pub fn wanted(&mut self) -> Option<Arc<Filter>> {
        let sieve = self.sieve.as_mut().filter(|sieve| !sieve.is_asked)?;
        sieve.is_asked = true;
        Some(Arc::clone(&sieve.filter))
    }

    /// Takes in which frames a filter matches, or that this can't be known.
    pub fn sieved(&mut self, filter: &Arc<Filter>, frames: Option<Vec<u64>>) {
        let own = |sieve: &&mut Sieve| Arc::ptr_eq(&sieve.filter, filter);
        let Some(sieve) = self.sieve.as_mut().filter(own) else {
            return;
        };
        sieve.is_asked = false;
        let is_first = sieve.frames.is_none();
        if let Some(frames) = frames {
            sieve.frames = Some(frames);
        } else if is_first {
            self.sieve = None;
            return;
        }
        self.place_matches();
        // To the first that matches from here on, else the last before.
        if is_first && let Some(rows) = self.matches() {
            let next = rows.partition_point(|&row| row < self.at);
            if let Some(&row) = rows.get(next).or(rows.last()) {
                self.at = row;
                self.follow();
            }
        }
    }

    /// Finds the rows of the frames that match: they are others when the connection has gone on.
    pub(super) fn place_matches(&mut self) {
        let Some(sieve) = &mut self.sieve else { return };
        let detail = &self.subject.detail;
        let row_of = |frame: &u64| {
            let row = detail.row_of(*frame);
            let own = detail.rows.get(row)?;
            (own.frame == *frame).then_some(row)
        };
        let frames = sieve.frames.as_deref().unwrap_or_default();
        sieve.rows = frames.iter().filter_map(row_of).collect();
    }

    /// The rows that match, ascending, where a filter is in force and they are known.
    pub(super) fn matches(&self) -> Option<&[usize]> {
        let sieve = self.sieve.as_ref()?;
        sieve.frames.is_some().then_some(&sieve.rows)
    }

    /// What a list shows.
    pub(super) fn listed(&self) -> Listed<'_> {
        match self.matches() {
            None => Listed {
                left: None,
                total: self.detail().rows.len(),
                here: self.at,
            },
            Some(rows) => {
                let after = rows.partition_point(|&row| row < self.at);
                Listed {
                    left: Some(rows),
                    total: rows.len(),
                    here: after.min(rows.len().saturating_sub(1)),
                }
            }
        }
    }

    /// Moves along what is listed. Whether the message was about that.
    pub(super) fn step_listed(&mut self, message: &PageMessage) -> bool {
        let screen = self.body().saturating_sub(5).max(1) as isize;
        let listed = self.listed();
        let last = listed.total.saturating_sub(1);
        let place = match *message {
            PageMessage::Step(by) => moved(listed.here, by, last),
            PageMessage::Leaf(by) => moved(listed.here, by.saturating_mul(screen), last),
            PageMessage::First => 0,
            PageMessage::Last => last,
            _ => return self.step(message),
        };
        if let Some(row) = listed.row(place) {
            self.at = row;
        }
        true
    }

    /// The next row that matches, or the one before; `None` without a filter.
    pub(super) fn next_match(&self, by: isize) -> Option<Option<usize>> {
        let rows = self.matches()?;
        Some(match by > 0 {
            true => {
                let next = rows.partition_point(|&row| row <= self.at);
                rows.get(next).copied()
            }
            false => {
                let here = rows.partition_point(|&row| row < self.at);
                here.checked_sub(1).and_then(|last| rows.get(last).copied())
            }
        })
    }

    /// Tells of the filter in force, on the line of the rule.
    pub(super) fn tell_filter(&self, y: usize, sheet: &mut Sheet<'_>) {
        let Some(sieve) = &self.sieve else { return };
        let count = match &sieve.frames {
            Some(_) => {
                let total = grouped(self.detail().rows.len() as u64);
                format!(": {} of {total} ", grouped(sieve.rows.len() as u64))
            }
            None => sheet.look.pick(": looking … ", ": looking ... ").to_owned(),
        };
        let label = " filter ";
        let end = sheet.width().saturating_sub(1);
        let room = end.saturating_sub(columns(label) + columns(&count));
        let text = cut(sieve.filter.text(), room, sheet.look.more());
        let start = end.saturating_sub(columns(label) + columns(&text) + columns(&count));
        let x = sheet.put(start, y, Ink::Quiet, label);
        let x = sheet.put(x, y, Ink::Warning, &text);
        sheet.put(x, y, Ink::Quiet, &count);
    }
}
