//! The tree as lines, and bytes as a hex dump, as `tshark -V -x` prints them.

use std::io::{self, Write};

use super::{Health, Tree};
use crate::report::style::{Palette, Tone};

/// Prints a tree, four columns deeper for each level.
///
/// # Errors
/// When the output can't be written.
pub fn write(out: &mut dyn Write, tree: &Tree, palette: Palette) -> io::Result<()> {
    for field in &tree.fields {
        let indent = usize::from(field.depth) * 4;
        let line = field.to_string();
        let tone = match field.health {
            Health::Bad => Some(Tone::Bad),
            Health::Odd => Some(Tone::Warning),
            _ if field.depth == 0 => Some(Tone::Heading),
            _ => None,
        };
        match tone {
            Some(tone) => writeln!(out, "{:indent$}{}", "", palette.paint(tone, &line))?,
            None => writeln!(out, "{:indent$}{line}", "")?,
        }
    }
    Ok(())
}

/// Prints bytes: offset, sixteen in hexadecimal, the same in ASCII.
///
/// # Errors
/// When the output can't be written.
pub fn dump(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    for (row, sixteen) in bytes.chunks(16).enumerate() {
        write!(out, "{:04x}  ", row * 16)?;
        for place in 0..16 {
            match sixteen.get(place) {
                Some(byte) => write!(out, "{byte:02x} ")?,
                None => write!(out, "   ")?,
            }
            if place == 7 {
                write!(out, " ")?;
            }
        }
        let shown = sixteen.iter().map(|&byte| match byte {
            b' '..=b'~' => char::from(byte),
            _ => '.',
        });
        writeln!(out, " {}", shown.collect::<String>())?;
    }
    Ok(())
}
