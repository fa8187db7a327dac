//! A line that is typed.

/// A line of text with a cursor in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    text: String,
    /// Byte offset, at a character's border.
    cursor: usize,
}

impl Edit {
    /// Of this text, the cursor at its end.
    pub fn of(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            cursor: text.len(),
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The cursor's byte offset.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// What stands before the cursor, and what behind.
    pub fn parts(&self) -> (&str, &str) {
        self.text.split_at(self.cursor.min(self.text.len()))
    }

    /// Types a character. Control characters are none.
    pub fn insert(&mut self, char: char) {
        /// A line is no place for more.
        const LONGEST: usize = 4096;
        if !char.is_control() && self.text.len() < LONGEST {
            self.text.insert(self.cursor, char);
            self.cursor += char.len_utf8();
        }
    }

    /// Takes the character before the cursor away. False where there is none.
    pub fn erase(&mut self) -> bool {
        let Some(char) = self.parts().0.chars().next_back() else {
            return false;
        };
        self.cursor -= char.len_utf8();
        self.text.remove(self.cursor);
        true
    }

    /// Takes the character behind the cursor away.
    pub fn delete(&mut self) {
        if self.cursor < self.text.len() {
            self.text.remove(self.cursor);
        }
    }

    /// Takes the word before the cursor away.
    pub fn erase_word(&mut self) {
        let before = self.parts().0.trim_end();
        let start = before
            .rfind(|char: char| char.is_whitespace())
            .map_or(0, |at| {
                at + before[at..].chars().next().map_or(1, char::len_utf8)
            });
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    /// Takes all before the cursor away.
    pub fn erase_all(&mut self) {
        self.text.replace_range(..self.cursor, "");
        self.cursor = 0;
    }

    /// A character to the left.
    pub fn left(&mut self) {
        let before = self.parts().0.chars().next_back();
        self.cursor -= before.map_or(0, char::len_utf8);
    }

    /// A character to the right.
    pub fn right(&mut self) {
        let behind = self.parts().1.chars().next();
        self.cursor += behind.map_or(0, char::len_utf8);
    }

    /// To the begin.
    pub fn home(&mut self) {
        self.cursor = 0;
    }

    /// To the end.
    pub fn end(&mut self) {
        self.cursor = self.text.len();
    }

    /// Puts `text` in the place of `len` bytes from `offset` on, the cursor behind it. Not where
    /// that would cut a character.
    pub fn replace(&mut self, offset: usize, len: usize, text: &str) {
        let end = offset.saturating_add(len);
        if self.text.is_char_boundary(offset) && self.text.is_char_boundary(end) && offset <= end {
            self.text.replace_range(offset..end, text);
            self.cursor = offset + text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_taken_away() {
        let mut edit = Edit::of("tcp.port == 443");
        edit.erase_word();
        assert_eq!(edit.text(), "tcp.port == ");
        edit.erase_word();
        edit.replace(0, 3, "udp");
        assert_eq!((edit.text(), edit.cursor()), ("udp.port ", 3));
    }

    proptest! {
        #[test]
        fn the_cursor_stays_between_characters(text in "[aé東\u{301} ]{0,12}", keys in prop::collection::vec(0..9_u8, 0..40)) {
            let mut edit = Edit::of(&text);
            for key in keys {
                match key {
                    0 => edit.insert('ö'),
                    1 => { edit.erase(); }
                    2 => edit.delete(),
                    3 => edit.left(),
                    4 => edit.right(),
                    5 => edit.home(),
                    6 => edit.erase_word(),
                    7 => edit.replace(1, 2, "x"),
                    _ => edit.end(),
                }
                prop_assert!(edit.text().is_char_boundary(edit.cursor()));
            }
        }
    }
}
