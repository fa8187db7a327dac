//! Where decoding stopped, and why: data, not prose, so that it can be counted and printed.

use core::fmt;

use nom::error::{ErrorKind, ParseError};

use super::Layer;

/// Decoding stopped here. Layers before it are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stop {
    /// The layer that could not be read, or not be read to its end.
    pub layer: Layer,
    /// Byte offset in the frame at which that layer starts.
    pub offset: u32,
    /// What was wrong.
    pub reason: Reason,
}

/// Why a layer could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Fewer bytes than the layer needs. `from` tells who said that there are only `had`.
    TooShort {
        /// Bytes needed from the layer's start.
        needed: u32,
        /// Bytes there were.
        had: u32,
        /// Whose length it was.
        from: LengthSource,
    },
    /// A field holds a value that the standard forbids or this decoder does not know.
    Invalid {
        /// The field's name as the standard gives it.
        field: &'static str,
        /// Its value.
        value: u32,
    },
    /// A payload protocol that is not decoded. Nothing is wrong with the frame.
    Unknown {
        /// The protocol number, in the numbering of the layer that carried it.
        protocol: u32,
    },
    /// Nested deeper than the decoder follows (hostile input).
    TooDeep,
}

/// Who said how long something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LengthSource {
    /// The captured bytes end here (snaplen, or a damaged frame).
    Capture,
    /// A length field of the named layer.
    Field(Layer),
}

/// What a single parser found wrong, before the decoder adds where it was and whose length it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Fewer bytes than `needed`, counted from where the parser started.
    Short {
        /// Bytes needed.
        needed: u32,
    },
    /// As [`Reason::Invalid`].
    Invalid {
        /// The field's name as the standard gives it.
        field: &'static str,
        /// Its value.
        value: u32,
    },
    /// As [`Reason::Unknown`].
    Unknown {
        /// The protocol number.
        protocol: u32,
    },
}

impl<'a> ParseError<&'a [u8]> for Fault {
    /// nom's own `complete` parsers fail for want of input, and don't say of how much.
    fn from_error_kind(input: &'a [u8], _: ErrorKind) -> Self {
        Self::Short {
            needed: input.len() as u32 + 1,
        }
    }

    fn append(_: &'a [u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

impl Stop {
    /// Whether this is damage or a cut, as opposed to a protocol that is just not decoded.
    pub const fn is_damage(&self) -> bool {
        !matches!(self.reason, Reason::Unknown { .. })
    }
}

/// A sentence: `TCP at byte 34: needs 20 bytes, 12 captured`.
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.layer, self.offset, self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort {
                needed,
                had,
                from: LengthSource::Capture,
            } => {
                write!(f, "needs {needed} bytes, {had} captured")
            }
            Self::TooShort {
                needed,
                had,
                from: LengthSource::Field(layer),
            } => {
                write!(f, "needs {needed} bytes, {had} by the {layer} length")
            }
            Self::Invalid { field, value } => write!(f, "{field} is {value:#x}"),
            Self::Unknown { protocol } => write!(f, "protocol {protocol:#x} is not decoded"),
            Self::TooDeep => f.write_str("nested too deep"),
        }
    }
}
