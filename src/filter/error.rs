//! Why a text is no filter: a sentence, the place, and the nearest name.

use core::fmt;

use unicode_width::UnicodeWidthStr;

use crate::report::escape::escaped;

/// Why a text is no filter. Its place is a range of bytes of the text, at character borders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// Where it goes wrong: the byte offset. The length of the text when it ends too early.
    pub offset: usize,
    /// How many bytes are meant, 0 at the end.
    pub len: usize,
    /// What is wrong, as a sentence without a full stop. Words of the text in it are escaped.
    pub message: String,
    /// What may have been meant instead of the bytes there.
    pub suggestion: Option<String>,
}

impl FilterError {
    /// The text, with a line of carets under the place, each after two spaces. Of a long text, what
    /// is around the place.
    ///
    /// ```
    /// use tcplens::filter::Filter;
    /// let text = "tcp && tcp.prot == 80";
    /// let error = Filter::parse(text).unwrap_err();
    /// assert_eq!(error.pointed_at(text), "  tcp && tcp.prot == 80\n         ^^^^^^^^");
    /// ```
    pub fn pointed_at(&self, text: &str) -> String {
        /// Bytes shown before the place, and from it on.
        const AROUND: usize = 36;
        let cut = |at: usize| (at..=text.len()).find(|&at| text.is_char_boundary(at));
        let offset = cut(self.offset.min(text.len())).unwrap_or(text.len());
        let end = cut(offset.saturating_add(self.len).min(text.len())).unwrap_or(text.len());
        let start = cut(offset.saturating_sub(AROUND)).unwrap_or(0);
        let start = if offset <= AROUND { 0 } else { start };
        let stop = cut((offset + AROUND).min(text.len())).unwrap_or(text.len());
        let piece = |from: usize, to: usize| {
            // A backslash stays one: it is what was typed.
            let shown = escaped(text.get(from..to).unwrap_or_default()).to_string();
            shown.replace(r"\\", r"\")
        };
        let (before, place) = (piece(start, offset), piece(offset, end.min(stop)));
        let (left, right) = (
            if start > 0 { "…" } else { "" },
            if stop < text.len() { "…" } else { "" },
        );
        let indent = " ".repeat(2 + left.width() + before.width());
        let carets = "^".repeat(place.width().max(1));
        let line = piece(start, stop);
        format!("  {left}{line}{right}\n{indent}{carets}")
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(name) => write!(f, "; did you mean {name}?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FilterError {}
