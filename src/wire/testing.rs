//! What the tests of this layer share.

use core::fmt::Debug;

use super::Fault;
use super::be::Parsed;

/// Bytes from hex digits; blanks don't matter, and `#` starts a comment that ends with its line.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .lines()
        .flat_map(|line| line.split('#').next().unwrap_or("").chars())
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).expect("hex digit"))
        .collect();
    assert!(digits.len().is_multiple_of(2), "half a byte in {text}");
    digits
        .chunks(2)
        .map(|pair| (pair[0] << 4 | pair[1]) as u8)
        .collect()
}

/// What a writer wrote.
pub(super) fn emitted(emit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    emit(&mut out);
    out
}

/// The fault of a parser that must fail.
#[track_caller]
pub(super) fn fault<T: Debug>(result: Parsed<'_, T>) -> Fault {
    match result {
        Err(nom::Err::Error(fault)) => fault,
        other => panic!("expected a fault, got {other:?}"),
    }
}

/// Asserts that a parser says of nothing at all, and of every part of `header` that is cut off,
/// that it needs more; and of the whole that nothing is missing.
#[track_caller]
pub(super) fn check_cuts<'a, T: Debug>(
    header: &'a [u8],
    parser: impl Fn(&'a [u8]) -> Parsed<'a, T>,
) {
    for len in 0..header.len() {
        match fault(parser(&header[..len])) {
            Fault::Short { needed } => assert!(
                needed as usize > len && needed as usize <= header.len(),
                "{len} of {} bytes: needs {needed}",
                header.len()
            ),
            other => panic!("{len} bytes: {other:?}"),
        }
    }
    let (rest, _) = parser(header).expect("the whole header");
    assert!(rest.is_empty(), "{} bytes left", rest.len());
}

/// The two tests that every wire format has alike.
macro_rules! cut_tests {
    ($sample:expr, $parser:expr) => {
        #[test]
        fn empty() {
            let fault = crate::wire::testing::fault($parser(&[]));
            assert!(matches!(fault, crate::wire::Fault::Short { needed } if needed > 0));
        }

        #[test]
        fn ends_abruptly() {
            let sample = crate::wire::testing::hex($sample);
            crate::wire::testing::check_cuts(&sample, $parser);
        }
    };
}
pub(super) use cut_tests;
