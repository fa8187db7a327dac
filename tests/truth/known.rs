//! Where the analyzer differs from the sheet, and why.

use tcplens::generator::truth::Tap;
use tcplens::generator::truth::sheet::Question;

/// A way in which the analyzer's answer differs from what is true.
pub(crate) struct Known {
    pub(crate) scenario: &'static str,
    pub(crate) taps: &'static [Tap],
    pub(crate) question: Question,
    pub(crate) truth: &'static str,
    pub(crate) said: &'static str,
    /// How often at most, over all seeds, at one tap.
    pub(crate) most: usize,
    pub(crate) why: &'static str,
}

pub(crate) const KNOWN: &[Known] = &[];
