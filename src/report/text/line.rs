//! Lines: labels, wrapping, and no spaces at their ends.

use std::io::{self, Write};

use super::Look;
use crate::report::story::Phrase;
use crate::report::style::Tone;

/// Columns that a label and the space after it take.
pub(super) const LABEL: usize = 10;

/// Where lines go.
pub(in crate::report) struct Lines<'a> {
    pub(in crate::report) look: Look,
    /// Columns of lists, whose figures stand at the right edge.
    pub(super) list_width: usize,
    pub(super) out: &'a mut dyn Write,
}

impl<'a> Lines<'a> {
    /// Lines that hold no lists wider than they.
    pub(in crate::report) fn new(look: Look, out: &'a mut dyn Write) -> Self {
        Self {
            look,
            list_width: look.width,
            out,
        }
    }

    /// An empty line.
    pub(in crate::report) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A line as it is, but for spaces at its end.
    pub(in crate::report) fn line(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        writeln!(
            self.out,
            "{}",
            self.look.palette.paint(tone, text.trim_end())
        )
    }

    /// A label, and text wrapped beside it.
    pub(in crate::report) fn labelled(
        &mut self,
        label: &str,
        tone: Tone,
        text: &str,
    ) -> io::Result<()> {
        let width = self.look.width.saturating_sub(LABEL).max(20);
        let mut label = label;
        for part in wrap(text.trim_end(), width) {
            let painted = self.look.palette.paint(Tone::Heading, label);
            if part.is_empty() {
                writeln!(self.out, "{painted}")?;
                continue;
            }
            let pad = LABEL.saturating_sub(label.chars().count());
            let text = self.look.palette.paint(tone, part);
            writeln!(self.out, "{painted}{:pad$}{text}", "")?;
            label = "";
        }
        Ok(())
    }

    /// A label, and text beside it in one line, however long: something to be copied.
    pub(super) fn unbroken(&mut self, label: &str, tone: Tone, text: &str) -> io::Result<()> {
        let painted = self.look.palette.paint(Tone::Heading, label);
        let pad = LABEL.saturating_sub(label.chars().count());
        let text = self.look.palette.paint(tone, text);
        writeln!(self.out, "{painted}{:pad$}{text}", "")
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
            let comma = if at + 1 == phrases.len() { "" } else { "," };
            let whole = format!("{}{comma}", phrase.text);
            if at > 0 && column + 1 + whole.chars().count() <= width {
                write!(self.out, " ")?;
                column += 1;
            } else if at > 0 {
                write!(self.out, "\n{:indent$}", "")?;
                column = indent;
            }
            for (part, text) in wrap(&whole, width.saturating_sub(column))
                .iter()
                .enumerate()
            {
                if part > 0 {
                    write!(self.out, "\n{:indent$}", "")?;
                    column = indent;
                }
                write!(self.out, "{}", palette.paint(phrase.tone, text))?;
                column += text.chars().count();
            }
        }
        writeln!(self.out)
    }
}

/// Breaks text between words into lines of at most `width`; what has no spaces stays whole, and so
/// do a number and its unit.
pub(in crate::report) fn wrap(text: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut end = 0;
    let mut column = 0;
    for word in words(text) {
        let len = word.trim_end().chars().count();
        if column > 0 && column + len > width {
            lines.push(text.get(start..end).unwrap_or("").trim_end());
            start = end;
            column = 0;
        }
        column += word.chars().count();
        end += word.len();
    }
    lines.push(text.get(start..).unwrap_or("").trim_end());
    lines
}

/// Words with the spaces after them; units belong to their numbers.
fn words(text: &str) -> impl Iterator<Item = &str> {
    const UNITS: [&str; 8] = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "%"];
    let mut rest = text;
    core::iter::from_fn(move || {
        let mut len = rest.split_inclusive(' ').next()?.len();
        let next = rest.get(len..)?.split_inclusive(' ').next();
        if let Some(next) = next
            && UNITS.contains(&next.trim_end_matches([' ', ',', ';', ')']))
        {
            len += next.len();
        }
        let (word, after) = rest.split_at(len);
        rest = after;
        Some(word)
    })
}

/// `text`, padded to `width` columns on the right.
pub(in crate::report) fn left(text: &str, width: usize) -> String {
    format!("{text:width$}")
}

/// `text`, padded to `width` columns on the left.
pub(in crate::report) fn right(text: impl std::fmt::Display, width: usize) -> String {
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
        assert_eq!(wrap("sent 12 kB, once", 8), ["sent", "12 kB,", "once"]);
    }
}
