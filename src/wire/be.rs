//! Big-endian integers and byte strings: parsers for nom, and their writers.
//!
//! The integers are nom parsers over `split_first_chunk` rather than nom's own, which read byte by
//! byte through a generic input trait and cost several times as much.
//!
//! A parser here reports how many bytes it needed from where *it* started. Header parsers
//! therefore take their whole fixed part first ([`fixed`], [`bytes`]), so that the count is from
//! the start of the layer, and read the fields from what they took.

use super::error::Fault;

/// What the parsers of this layer return: nom's result with our error.
pub type Parsed<'a, T> = nom::IResult<&'a [u8], T, Fault>;

/// The error of a parser that needed `needed` bytes from where it started.
#[cold]
pub(crate) fn short<T>(needed: usize) -> Result<T, nom::Err<Fault>> {
    Err(nom::Err::Error(Fault::Short {
        needed: needed as u32,
    }))
}

/// The error of a field whose value cannot be.
#[cold]
pub(crate) fn invalid<T>(field: &'static str, value: u32) -> Result<T, nom::Err<Fault>> {
    Err(nom::Err::Error(Fault::Invalid { field, value }))
}

/// The next `N` bytes.
#[inline(always)]
pub fn fixed<const N: usize>(input: &[u8]) -> Parsed<'_, &[u8; N]> {
    match input.split_first_chunk() {
        Some((head, rest)) => Ok((rest, head)),
        None => short(N),
    }
}

/// The next `N` bytes by value: addresses.
#[inline(always)]
pub fn array<const N: usize>(input: &[u8]) -> Parsed<'_, [u8; N]> {
    let (rest, head) = fixed::<N>(input)?;
    Ok((rest, *head))
}

/// The next `count` bytes, the count known only when parsing.
#[inline(always)]
pub fn bytes<'a>(count: usize) -> impl Fn(&'a [u8]) -> Parsed<'a, &'a [u8]> {
    move |input| match input.split_at_checked(count) {
        Some((head, rest)) => Ok((rest, head)),
        None => short(count),
    }
}

/// One octet.
#[inline(always)]
pub fn u8(input: &[u8]) -> Parsed<'_, u8> {
    match input.split_first() {
        Some((&value, rest)) => Ok((rest, value)),
        None => short(1),
    }
}

/// Two octets.
#[inline(always)]
pub fn u16(input: &[u8]) -> Parsed<'_, u16> {
    let (rest, head) = fixed(input)?;
    Ok((rest, u16::from_be_bytes(*head)))
}

/// Three octets.
#[inline(always)]
pub fn u24(input: &[u8]) -> Parsed<'_, u32> {
    let (rest, &[a, b, c]) = fixed(input)?;
    Ok((rest, u32::from_be_bytes([0, a, b, c])))
}

/// Four octets.
#[inline(always)]
pub fn u32(input: &[u8]) -> Parsed<'_, u32> {
    let (rest, head) = fixed(input)?;
    Ok((rest, u32::from_be_bytes(*head)))
}

/// Eight octets.
#[inline(always)]
pub fn u64(input: &[u8]) -> Parsed<'_, u64> {
    let (rest, head) = fixed(input)?;
    Ok((rest, u64::from_be_bytes(*head)))
}

/// Appends one octet.
#[inline]
pub fn put_u8(out: &mut Vec<u8>, value: u8) {
    out.push(value);
}

/// Appends two octets.
#[inline]
pub fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends the lower three octets of `value`.
#[inline]
pub fn put_u24(out: &mut Vec<u8>, value: u32) {
    let [_, a, b, c] = value.to_be_bytes();
    out.extend_from_slice(&[a, b, c]);
}

/// Appends four octets.
#[inline]
pub fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends eight octets.
#[inline]
pub fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Overwrites two octets at `at`: a length or checksum known only once the rest is written.
/// Does nothing when `out` does not reach that far.
#[inline]
pub fn set_u16(out: &mut [u8], at: usize, value: u16) {
    if let Some(place) = out.get_mut(at..).and_then(|tail| tail.first_chunk_mut()) {
        *place = value.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_big_endian() {
        let input = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(u8(&input), Ok((&input[1..], 1)));
        assert_eq!(u16(&input), Ok((&input[2..], 0x0102)));
        assert_eq!(u24(&input), Ok((&input[3..], 0x01_0203)));
        assert_eq!(u32(&input), Ok((&input[4..], 0x0102_0304)));
        assert_eq!(u64(&input), Ok((&input[8..], 0x0102_0304_0506_0708)));
    }

    #[test]
    fn writers_undo_parsers() {
        let mut out = Vec::new();
        put_u8(&mut out, 1);
        put_u16(&mut out, 0x0203);
        put_u24(&mut out, 0x04_0506);
        put_u32(&mut out, 0x0708_090a);
        put_u64(&mut out, 0x0b0c_0d0e_0f10_1112);
        assert_eq!(out, (1..=18).collect::<Vec<u8>>());
        set_u16(&mut out, 16, 0xffee);
        assert_eq!(out[16..], [0xff, 0xee]);
        set_u16(&mut out, 17, 0); // does not fit: nothing happens
        assert_eq!(out[17], 0xee);
    }

    #[test]
    fn too_little_says_how_much_was_needed() {
        let needed = |needed| nom::Err::Error(Fault::Short { needed });
        assert_eq!(u32(&[1, 2, 3]), Err(needed(4)));
        assert_eq!(u24(&[]), Err(needed(3)));
        assert_eq!(fixed::<20>(&[0; 19]), Err(needed(20)));
        assert_eq!(bytes(5)(&[0; 4]), Err(needed(5)));
    }
}
