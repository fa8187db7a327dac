//! What is remembered of a payload, so that the same octets sent again can be told from others.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

/// Payloads up to so long have one hash, longer ones one for each of their quarters: what overlaps
/// a part of them can be compared, too.
const ONE_PIECE: usize = 128;
const PIECES: usize = 4;

/// Hashes of a payload, 32 bits of each piece. Secret per run, so that no one can choose octets
/// that differ and hash alike; by chance one of 4 billion differences is not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint([u32; PIECES]);

impl Fingerprint {
    /// Of a payload that the capture has not whole.
    pub const NONE: Self = Self([0; PIECES]);

    /// Of these octets.
    #[inline]
    pub fn of(payload: &[u8], secrets: &RapidSecrets) -> Self {
        let mut pieces = [0; PIECES];
        for (piece, (from, to)) in pieces.iter_mut().zip(borders(payload.len())) {
            *piece = hash(payload.get(from..to).unwrap_or_default(), secrets);
        }
        Self(pieces)
    }

    /// The pieces of a payload of `len` octets: where they begin and end, and their hashes. Nothing
    /// of a payload that is not known whole.
    pub fn pieces(self, len: usize) -> impl Iterator<Item = Piece> {
        let pieces = borders(len).zip(self.0);
        let pieces = pieces.map(|((from, to), hash)| Piece { from, to, hash });
        pieces.filter(|piece| piece.hash != 0)
    }
}

/// A part of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its first octet, from the payload's first on.
    pub from: usize,
    /// The octet after its last.
    pub to: usize,
    hash: u32,
}

impl Piece {
    /// Whether these octets are, as far as a hash tells, those of the piece.
    pub fn is(self, octets: &[u8], secrets: &RapidSecrets) -> bool {
        self.hash == hash(octets, secrets)
    }
}

fn borders(len: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = if len > ONE_PIECE { PIECES } else { 1 };
    (0..count).map(move |piece| (len * piece / count, len * (piece + 1) / count))
}

/// Never 0.
#[inline]
fn hash(octets: &[u8], secrets: &RapidSecrets) -> u32 {
    (rapidhash_v3_seeded(octets, secrets) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_octet_that_differs_shows_in_its_piece_and_in_no_other() {
        let secrets = RapidSecrets::seed(7);
        for len in [1, 2, 5, 128, 129, 130, 131, 536, 1448, 65_535] {
            let octets: Vec<u8> = (0..len).map(|n| (n * 7 % 251) as u8).collect();
            let own = Fingerprint::of(&octets, &secrets);
            let pieces: Vec<_> = own.pieces(len).collect();
            assert_eq!(pieces.len(), if len > ONE_PIECE { PIECES } else { 1 });
            assert_eq!(pieces[0].from, 0);
            assert_eq!(pieces[pieces.len() - 1].to, len);
            assert!(pieces.is_sorted_by(|one, next| one.to == next.from));
            for at in [0, len / 3, len / 2, len - 1] {
                let mut other = octets.clone();
                other[at] ^= 1;
                for piece in &pieces {
                    let same = piece.is(&other[piece.from..piece.to], &secrets);
                    assert_eq!(same, !(piece.from..piece.to).contains(&at), "{len} {at}");
                }
            }
        }
    }

    #[test]
    fn of_what_is_not_known_nothing_is_compared() {
        assert_eq!(Fingerprint::NONE.pieces(1448).count(), 0);
        assert_eq!(Fingerprint::NONE.pieces(1).count(), 0);
    }
}
