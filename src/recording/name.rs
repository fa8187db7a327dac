//! What the files of a recording are called: as tcpdump calls them, in UTC.

use std::io;
use std::path::{Path, PathBuf};

use super::Rotation;
use crate::time::Timestamp;

/// The names of a recording's files, one after the other.
#[derive(Debug)]
pub(super) struct Names {
    path: PathBuf,
    rotation: Rotation,
    /// Files named so far.
    count: u32,
    /// How many of them had the same time in their name, and that name.
    same: (u32, PathBuf),
}

impl Names {
    pub(super) fn new(path: &Path, rotation: Rotation) -> io::Result<Self> {
        if rotation.time.is_some() && !path.to_string_lossy().contains('%') {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a file for each -G needs a time in its name, such as FILE-%H%M%S.pcapng; else each \
                 would overwrite the one before",
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            rotation,
            count: 0,
            same: (0, PathBuf::new()),
        })
    }

    /// The name of the next file, which begins now.
    pub(super) fn next(&mut self, now: Timestamp) -> PathBuf {
        let timed = match self.rotation.time {
            Some(_) => PathBuf::from(timed(&self.path.to_string_lossy(), now)),
            None => self.path.clone(),
        };
        let Rotation { size, files, .. } = self.rotation;
        let number = match (size, files) {
            // Each is named again when its turn comes.
            (Some(_), Some(files)) => {
                let files = files.max(1);
                let digits = (files - 1).to_string().len();
                let number = self.count % files;
                Some(format!("{number:0digits$}"))
            }
            // What has the name of the one before would overwrite it.
            _ => {
                if self.same.1 == timed {
                    self.same.0 += 1;
                } else {
                    self.same = (0, timed.clone());
                }
                (self.same.0 > 0).then(|| self.same.0.to_string())
            }
        };
        self.count += 1;
        let mut name = timed.into_os_string();
        if let Some(number) = number {
            name.push(number);
        }
        PathBuf::from(name)
    }
}

/// A name with the parts of a time in place of `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, `%F`, `%T`, `%s`
/// and `%%` (strftime(3)).
fn timed(name: &str, now: Timestamp) -> String {
    // YYYY-MM-DD HH:MM:SS
    let utc = now.utc().to_string();
    let part = |from: usize, to: usize| utc.get(from..to).unwrap_or("");
    let mut out = String::new();
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('Y') => out.push_str(part(0, 4)),
            Some('y') => out.push_str(part(2, 4)),
            Some('m') => out.push_str(part(5, 7)),
            Some('d') => out.push_str(part(8, 10)),
            Some('H') => out.push_str(part(11, 13)),
            Some('M') => out.push_str(part(14, 16)),
            Some('S') => out.push_str(part(17, 19)),
            Some('F') => out.push_str(part(0, 10)),
            Some('T') => out.push_str(part(11, 19)),
            Some('s') => out += &(now.as_nanos().div_euclid(1_000_000_000)).to_string(),
            Some('%') => out.push('%'),
            Some(other) => out.extend(['%', other]),
            None => out.push('%'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn names(path: &str, rotation: Rotation, times: &[i64]) -> Vec<String> {
        let mut names = Names::new(Path::new(path), rotation).unwrap();
        let at = |&seconds: &i64| Timestamp::from_parts(1_700_000_000 + seconds, 0);
        times
            .iter()
            .map(|seconds| names.next(at(seconds)).display().to_string())
            .collect()
    }

    #[test]
    fn as_tcpdump_names_them() {
        let by_size = Rotation {
            size: Some(1),
            ..Rotation::default()
        };
        assert_eq!(names("a", Rotation::default(), &[0]), ["a"]);
        assert_eq!(names("a", by_size, &[0, 0, 0]), ["a", "a1", "a2"]);
        let ring = Rotation {
            files: Some(11),
            ..by_size
        };
        assert_eq!(names("a", ring, &[0; 12])[9..], ["a09", "a10", "a00"]);
        let by_time = Rotation {
            time: Some(Span::from_secs(60)),
            ..Rotation::default()
        };
        assert_eq!(
            names("a-%Y%m%d-%H%M%S%%", by_time, &[0, 60]),
            ["a-20231114-221320%", "a-20231114-221420%"]
        );
        let both = Rotation {
            size: Some(1),
            ..by_time
        };
        assert_eq!(
            names("%s", both, &[0, 0, 60]),
            ["1700000000", "17000000001", "1700000060"]
        );
        assert_eq!(names("%H", by_time, &[0, 60, 4000]), ["22", "221", "23"]);
        assert!(Names::new(Path::new("a"), by_time).is_err());
    }
}
