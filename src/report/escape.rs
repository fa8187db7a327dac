//! Text that comes from packets, files or their names, made safe to print: nothing in it reaches a
//! terminal as a control sequence, and nothing in it can change the order or hide parts of a line.
//!
//! Printable text stays as it is. A backslash is doubled, so that what is shown is unambiguous.

use core::fmt;

/// `text` with control and format characters shown as `\n`, `\t`, `\xNN` (below U+0080) and
/// `\u{…}`.
///
/// ```
/// use tcplens::report::escape::escaped;
/// assert_eq!(escaped("a\x1b[31mb\u{202e}").to_string(), r"a\x1b[31mb\u{202e}");
/// ```
pub fn escaped(text: &str) -> impl fmt::Display {
    Escaped(text)
}

/// `text` as [`escaped`] shows it, but for its backslashes: in it data stands with backslashes of its
/// own.
///
/// ```
/// use tcplens::report::escape::escaped_but_for_backslashes;
/// assert_eq!(escaped_but_for_backslashes("GET /\\r\n").to_string(), r"GET /\r\n");
/// ```
pub fn escaped_but_for_backslashes(text: &str) -> impl fmt::Display {
    let parts = text.split('\\').map(|part| Escaped(part).to_string());
    parts.collect::<Vec<_>>().join("\\")
}

/// `bytes` as [`escaped`] shows them where they are UTF-8, the rest as `\xNN`.
///
/// ```
/// use tcplens::report::escape::escaped_bytes;
/// assert_eq!(escaped_bytes(b"GET /\r\n\xff").to_string(), r"GET /\r\n\xff");
/// ```
pub fn escaped_bytes(bytes: &[u8]) -> impl fmt::Display {
    EscapedBytes(bytes)
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain = 0;
        for (at, char) in self.0.char_indices() {
            if is_plain(char) {
                continue;
            }
            f.write_str(&self.0[plain..at])?;
            plain = at + char.len_utf8();
            match char {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\\' => f.write_str("\\\\")?,
                '\0'..='\x7f' => write!(f, "\\x{:02x}", u32::from(char))?,
                _ => write!(f, "\\u{{{:x}}}", u32::from(char))?,
            }
        }
        f.write_str(&self.0[plain..])
    }
}

struct EscapedBytes<'a>(&'a [u8]);

impl fmt::Display for EscapedBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            Escaped(chunk.valid()).fmt(f)?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Whether a character can be printed as it is.
pub(super) fn is_plain(char: char) -> bool {
    match char {
        '\\' | '\x7f' => false,
        ' '..='~' => true,
        _ => !char.is_control() && !is_format(char),
    }
}

/// Characters that are not seen themselves but change what is: Unicode's general category Cf
/// (bidirectional controls, joiners, tags, …), line and paragraph separators, variation selectors,
/// fillers, interlinear annotation.
fn is_format(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_harmless_stays() {
        for text in ["", "eth0", "büro-ß 東京 🦀", "a=1; \"b\" 'c'"] {
            assert_eq!(escaped(text).to_string(), text);
        }
    }

    #[test]
    fn what_acts_on_a_terminal_is_shown() {
        for (text, shown) in [
            ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("safe\u{202e}gpj.exe", r"safe\u{202e}gpj.exe"),
            (
                "a\u{2066}b\u{200d}c\u{feff}",
                r"a\u{2066}b\u{200d}c\u{feff}",
            ),
            ("one\r\ntwo\tthree\0\x7f", r"one\r\ntwo\tthree\x00\x7f"),
            (r"C:\dir", r"C:\\dir"),
            ("\u{2028}\u{e0041}", r"\u{2028}\u{e0041}"),
        ] {
            assert_eq!(escaped(text).to_string(), shown);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_numbers() {
        assert_eq!(
            escaped_bytes(b"a\xc3\xa4\xc3\x9b\xff\xc3").to_string(),
            r"aäÛ\xff\xc3"
        );
        assert_eq!(escaped_bytes(b"\xc2\x9b").to_string(), r"\u{9b}");
    }

    proptest! {
        #[test]
        fn nothing_escapes(bytes: Vec<u8>) {
            for shown in [
                escaped_bytes(&bytes).to_string(),
                escaped(&String::from_utf8_lossy(&bytes)).to_string(),
            ] {
                prop_assert!(shown.chars().all(|char| !char.is_control() && !is_format(char)));
            }
        }
    }
}
