//! Stream bytes, kept from when they are delivered until the frame that delivered them is shown:
//! an observer gets the bytes first.

use std::io;

use crate::tcp::Role;

/// What the frame under way has delivered. Bounded by what streams may hold back.
#[derive(Default)]
pub(super) struct Delivered {
    pieces: Vec<Piece>,
    bytes: Vec<u8>,
}

struct Piece {
    place: Place,
    /// Where its bytes end in those kept; for a gap, how many are missing.
    what: Result<usize, u64>,
}

/// Where in which stream something stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) connection: u32,
    pub(super) from: Role,
    pub(super) offset: u64,
}

/// What stands there.
pub(super) enum Content<'a> {
    Bytes(&'a [u8]),
    /// So many bytes are not there.
    Gap(u64),
}

impl Delivered {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn bytes(&mut self, place: Place, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let what = Ok(self.bytes.len());
        self.pieces.push(Piece { place, what });
    }

    pub(super) fn gap(&mut self, place: Place, len: u64) {
        let what = Err(len);
        self.pieces.push(Piece { place, what });
    }

    /// Hands on everything kept, in order, and forgets it.
    pub(super) fn hand_on(
        &mut self,
        mut take: impl FnMut(Place, Content<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut start = 0;
        let mut result = Ok(());
        for Piece { place, what } in self.pieces.drain(..) {
            let content = match what {
                Ok(end) => {
                    let range = core::mem::replace(&mut start, end)..end;
                    Content::Bytes(self.bytes.get(range).unwrap_or_default())
                }
                Err(len) => Content::Gap(len),
            };
            if result.is_ok() {
                result = take(place, content);
            }
        }
        self.bytes.clear();
        result
    }
}
