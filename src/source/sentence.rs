//! The words in which reasons are given.

use core::fmt;
use std::io;

/// A number with commas between its thousands: `3,221,225,472`.
pub(super) struct Grouped(pub(super) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut divisor = 1;
        while self.0 / divisor >= 1000 {
            divisor *= 1000;
        }
        write!(f, "{}", self.0 / divisor)?;
        while divisor > 1 {
            divisor /= 1000;
            write!(f, ",{:03}", self.0 / divisor % 1000)?;
        }
        Ok(())
    }
}

/// `12 bytes`, `1 byte`.
pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} byte{plural}", Grouped(self.0))
    }
}

/// What the system said, as `cat` would say it: without the error number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}

/// What is wrong with a file that starts like this.
pub(super) fn not_a_capture(start: &[u8]) -> String {
    if start.is_empty() {
        return "not a capture file: it is empty".to_owned();
    }
    const READ: &str = "pcap, pcapng, and those compressed with gzip, zstd or lz4 are read";
    let others: [(&[u8], &str); 7] = [
        (b"\xfd7zXZ\0", "an xz file"),
        (b"BZh", "a bzip2 file"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x1f\x9d", "a compress (.Z) file"),
        (b"snoop\0\0\0", "a snoop capture"),
        (b"GMBU", "a Network Monitor capture"),
        (b"\x04\x22\x4d\x18", "an lz4 file inside a compressed file"),
    ];
    if let Some((_, what)) = others.iter().find(|(magic, _)| start.starts_with(magic)) {
        return format!("{what}; {READ}");
    }
    let start = start.get(..12).unwrap_or(start);
    let printable =
        |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    let shown = if start.iter().all(printable) {
        format!("\"{}\"", start.escape_ascii())
    } else {
        let hex: Vec<String> = start.iter().map(|byte| format!("{byte:02x}")).collect();
        hex.join(" ")
    };
    format!("not a capture file: starts with {shown}; {READ}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (3_221_225_472, "3,221,225,472"),
            (1_000_000_005, "1,000,000,005"),
        ] {
            assert_eq!(Grouped(number).to_string(), text);
        }
        assert_eq!(Grouped(u64::MAX).to_string(), "18,446,744,073,709,551,615");
        assert_eq!(Bytes(1).to_string(), "1 byte");
    }

    #[test]
    fn system_errors_without_number() {
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(plain(&missing), "No such file or directory");
    }

    #[test]
    fn what_it_is_instead() {
        assert!(not_a_capture(b"GET / HTTP/1.1\r\n").contains("starts with \"GET / HTTP/1\";"));
        assert!(not_a_capture(b"\x7fELF\x02").contains("starts with 7f 45 4c 46 02;"));
        assert!(not_a_capture(b"\xfd7zXZ\0\0\x04").starts_with("an xz file; pcap, pcapng,"));
        assert!(not_a_capture(b"BZh91AY").starts_with("a bzip2 file;"));
        assert!(not_a_capture(b"").ends_with("it is empty"));
    }
}
