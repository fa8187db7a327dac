//! Why a capture filter is refused, and at which word.

use core::fmt;
use core::ops::Range;

/// Why a capture filter can't be compiled: the reason, and the part of the text it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The filter as it was typed: not to be printed unescaped.
    pub text: String,
    /// The octets of `text` that are wrong; empty at the end of the text where something is missing.
    pub at: Range<usize>,
    /// What is wrong with them: not to be printed unescaped, it may quote the text.
    pub reason: String,
}

impl FilterError {
    pub(super) fn new(at: Range<usize>, reason: impl Into<String>) -> Self {
        Self {
            text: String::new(),
            at,
            reason: reason.into(),
        }
    }

    /// The same, of this text.
    pub(super) fn of(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self.at.end = self.at.end.min(text.len());
        self
    }

    /// The text, and under it a mark at the place, each indented by two columns. What would act on
    /// a terminal is shown as `?`.
    pub fn pointed(&self) -> String {
        let shown = |text: &str| -> String {
            let plain = |c: char| if c.is_control() { '?' } else { c };
            text.chars().map(plain).collect()
        };
        let start = self.at.start.min(self.text.len());
        let before = shown(self.text.get(..start).unwrap_or(""));
        let marked = self
            .text
            .get(self.at.clone())
            .map_or(0, |text| text.chars().count());
        format!(
            "  {}\n  {}{}",
            shown(&self.text),
            " ".repeat(before.chars().count()),
            "^".repeat(marked.max(1))
        )
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for FilterError {}

/// A result with a place.
pub(super) type Result<T> = core::result::Result<T, FilterError>;
