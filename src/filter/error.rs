//! Why a text is no filter: a sentence, the place, and the nearest name.

use core::fmt;

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
