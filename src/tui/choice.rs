//! The filter in force, and what is known of what it matches.

use std::sync::Arc;

use super::snapshot::Chosen;
use crate::filter::{Filter, Found, Needs};

/// The filter in force.
#[derive(Debug, Default)]
pub struct Choice {
    text: String,
    filter: Option<Arc<Filter>>,
    found: Option<Arc<Found>>,
    number: u64,
    scans: bool,
}

impl Choice {
    /// What was typed; empty where there is none.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Changes whenever it does.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether the frames are being looked at for it.
    pub fn scans(&self) -> bool {
        self.scans
    }

    /// For the analysis thread.
    pub fn chosen(&self) -> Option<Chosen> {
        Some(Chosen {
            filter: Arc::clone(self.filter.as_ref()?),
            found: self.found.clone().unwrap_or_default(),
        })
    }

    /// Puts a filter in force. Gives it where the frames must be looked at, with its number.
    pub fn choose(&mut self, filter: Filter, text: &str) -> Option<(u64, Arc<Filter>)> {
        self.number += 1;
        self.found = None;
        text.clone_into(&mut self.text);
        if text.is_empty() {
            (self.filter, self.scans) = (None, false);
            return None;
        }
        let filter = Arc::new(filter);
        self.filter = Some(Arc::clone(&filter));
        self.scans = filter.needs() == Needs::Frames;
        self.scans.then_some((self.number, filter))
    }

    /// Frames are looked at as they pass, and those before have been: the analysis thread has what
    /// was found. False where it was for another filter.
    pub fn watched(&mut self, number: u64) -> bool {
        let own = number == self.number;
        self.scans &= !own;
        own
    }

    /// Takes in what a look at the frames has found. False where it was for another filter.
    pub fn found(&mut self, number: u64, found: Found) -> bool {
        if number != self.number || !self.scans {
            return false;
        }
        self.found = Some(Arc::new(found));
        self.scans = false;
        // The list is another now.
        self.number += 1;
        true
    }
}
