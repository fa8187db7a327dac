//! Lines: labels, wrapping, and no spaces at their ends.

use std::io::{self, Write};

use super::Look;
use crate::report::story::Phrase;
use crate::report::style::Tone;

/// Columns that a label and the space after it take.
pub(super) const LABEL: usize = 10;

/// Where lines go.
pub(super) struct Lines<'a> {
    pub(super) look: Look,
    pub(super) out: &'a mut dyn Write,
}

impl Lines<'_> {
    /// An empty line.
    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A line as it is, but for spaces at its end.
    pub(super) fn line(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        writeln!(
            self.out,
            "{}",
            self.look.palette.paint(tone, text.trim_end())
        )
    }

    /// A label, and text wrapped beside it.
    pub(super) fn labelled(&mut self, label: &str, tone: Tone, text: &str) -> io::Result<()> {
        let width = self.look.width.saturating_sub(LABEL).max(20);
        let mut label = label;
        for part in wrap(text, width) {
            let painted = self.look.palette.paint(Tone::Heading, label);
            let pad = LABEL.saturating_sub(label.chars().count());
            let text = self.look.palette.paint(tone, part);
            writeln!(self.out, "{painted}{:pad$}{text}", "")?;
            label = "";
        }
        Ok(())
    }

    /// `start` (already padded to `indent`), then phrases, wrapped between them and beside it.
    pub(super) fn phrases(
        &mut self,
        start: &str,
        indent: usize,
        phrases: &[Phrase],
    ) -> io::Result<()> {
        let width = self.look.width;
        let palette = self.look.palette;
        write!(self.out, "{}", palette.paint(Tone::Quiet, start))?;
        let mut column = indent;
        for (at, phrase) in phrases.iter().enumerate() {
            let last = at + 1 == phrases.len();
            let len = phrase.text.chars().count() + usize::from(!last);
            if at > 0 {
                if column + 1 + len > width {
                    write!(self.out, "\n{:indent$}", "")?;
                    column = indent;
                } else {
                    write!(self.out, " ")?;
                    column += 1;
                }
            }
            let comma = if last { "" } else { "," };
            write!(
                self.out,
                "{}{comma}",
                palette.paint(phrase.tone, &phrase.text)
            )?;
            column += len;
        }
        writeln!(self.out)
    }
}

/// Breaks text between words into lines of at most `width`; what has no spaces stays whole.
pub(super) fn wrap(text: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut end = 0;
    let mut column = 0;
    for word in text.split_inclusive(' ') {
        let len = word.trim_end().chars().count();
        if column > 0 && column + len > width {
            lines.push(text[start..end].trim_end());
            start = end;
            column = 0;
        }
        column += word.chars().count();
        end += word.len();
    }
    lines.push(text[start..].trim_end());
    lines
}

/// `text`, padded to `width` columns on the right.
pub(super) fn left(text: &str, width: usize) -> String {
    format!("{text:width$}")
}

/// `text`, padded to `width` columns on the left.
pub(super) fn right(text: impl std::fmt::Display, width: usize) -> String {
    format!("{:>width$}", text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("a bb ccc", 80), ["a bb ccc"]);
        assert_eq!(wrap("ää öö üü", 5), ["ää öö", "üü"]);
    }
}
