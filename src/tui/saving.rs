//! Files that are made from the screen: how their names are meant, and why one can't be made.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::report::escape::escaped;

/// The folders that a confined screen may write to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writable {
    /// As they are called from the root; none where there is no fence.
    folders: Vec<PathBuf>,
}

impl Writable {
    /// These and what is below them, if it is `fenced`; else all that the user may write to.
    /// Those that are not there are passed over.
    pub fn when(fenced: bool, folders: &[PathBuf]) -> Self {
        let mut found: Vec<PathBuf> = Vec::new();
        for folder in folders.iter().filter(|_| fenced) {
            if let Ok(folder) = fs::canonicalize(folder)
                && !found.contains(&folder)
            {
                found.push(folder);
            }
        }
        Self { folders: found }
    }

    /// Why a file can't be made, in words fit for a terminal, if that is for the fence: a bare
    /// "permission denied" would send the user to look at rights that are as they should be.
    pub(super) fn why_not(&self, path: &Path, error: &io::Error) -> Option<String> {
        if error.kind() != io::ErrorKind::PermissionDenied || !self.fences_off(path) {
            return None;
        }
        let mut folders: Vec<_> = self
            .folders
            .iter()
            .map(|folder| escaped(&folder.to_string_lossy()).to_string())
            .collect();
        let last = folders.pop().unwrap_or_default();
        let all = match folders.as_slice() {
            [] => last,
            others => format!("{} and {last}", others.join(", ")),
        };
        let name = path.to_string_lossy();
        let name = escaped(&name);
        Some(format!(
            "{name}: this screen is confined, it can write below {all} only"
        ))
    }

    fn fences_off(&self, path: &Path) -> bool {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        // What leads to nowhere is no matter of the fence.
        let folder = fs::canonicalize(folder);
        folder.is_ok_and(|folder| {
            !self.folders.is_empty() && !self.folders.iter().any(|own| folder.starts_with(own))
        })
    }
}

/// The file that a typed name means: `~/` is the home folder, as in a shell.
pub(super) fn named(typed: &str) -> PathBuf {
    let home = || std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    match typed.strip_prefix("~/").zip(home()) {
        Some((inside, home)) => home.join(inside),
        None => PathBuf::from(typed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> io::Error {
        io::ErrorKind::PermissionDenied.into()
    }

    #[test]
    fn outside_of_the_fence_its_folders_are_told() {
        let here = fs::canonicalize(".").unwrap();
        let folders = [
            ".".into(),
            here.join("src"),
            here.clone(),
            "/nowhere".into(),
        ];
        let writable = Writable::when(true, &folders);
        let src = here.join("src");
        let told = |path: &str| writable.why_not(Path::new(path), &denied()).unwrap();
        assert_eq!(
            told("/stream.bin"),
            format!(
                "/stream.bin: this screen is confined, it can write below {} and {} only",
                here.display(),
                src.display()
            )
        );
        assert!(told("/\u{1b}[m").starts_with("/\\x1b[m: "));
    }

    #[test]
    fn the_fence_has_nothing_to_do_with_other_errors() {
        let fenced = Writable::when(true, &[".".into()]);
        let free = Writable::when(false, &[".".into()]);
        for (writable, path, error) in [
            (&fenced, "src/../a.bin", denied()),
            (&fenced, "/nowhere/a.bin", io::ErrorKind::NotFound.into()),
            (&fenced, "/nowhere/a.bin", denied()),
            (&free, "/a.bin", denied()),
        ] {
            assert_eq!(writable.why_not(Path::new(path), &error), None, "{path}");
        }
    }

    #[test]
    fn names_are_meant_as_in_a_shell() {
        assert_eq!(named("a.bin"), Path::new("a.bin"));
        assert_eq!(named("/a/b.bin"), Path::new("/a/b.bin"));
        assert_eq!(named("~a.bin"), Path::new("~a.bin"));
        if let Some(home) = std::env::home_dir().filter(|home| !home.as_os_str().is_empty()) {
            assert_eq!(named("~/a.bin"), home.join("a.bin"));
        }
    }
}
