//! What can stand at the cursor of a filter line.

/// What can stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The byte offset in the text from which on `text` stands in place of what is there …
    pub offset: usize,
    /// … and how many bytes it takes the place of.
    pub len: usize,
    /// What to put there.
    pub text: String,
    /// What it means, in a line.
    pub says: &'static str,
}

/// What can stand at the cursor (a byte offset) of a filter, the likeliest first.
pub fn complete(text: &str, cursor: usize) -> Vec<Completion> {
    let _ = (text, cursor);
    Vec::new()
}
