//! The house rules that the compiler does not know: who may import whom, how long a file may get,
//! what nothing is called, who may read a clock.
//!
//! The sources are read as text. Comments and strings are blanked first, and what is compiled for
//! tests only is left out where it would not matter to the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules of ours each module may import. The arrows point one way:
///
/// ```text
/// time, wire ◀─ frame ◀─ source ◀─┐
/// time, wire ◀─ flow, tcp ◀─ diagnosis ◀─┴─ analysis ◀─ cli ◀─ main
/// time, wire, frame, source ◀─ generator
/// analysis, report ◀─ filter ◀─ cli
/// ```
///
/// The analyzer knows of sources what an arrival is, and nothing else (see
/// `the_analyzer_takes_arrivals_and_nothing_else_from_sources`).
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("wire", &[]),
    ("prefetch", &[]),
    ("calls", &["time"]),
    ("frame", &["time", "wire"]),
    ("capture_filter", &["wire"]),
    ("confinement", &[]),
    ("host", &["time", "confinement"]),
    (
        "recording",
        &["time", "frame", "wire", "source", "generator"],
    ),
    ("flow", &["prefetch", "time", "wire"]),
    ("tcp", &["prefetch", "time", "wire"]),
    (
        "source",
        &["prefetch", "time", "frame", "wire", "capture_filter"],
    ),
    // Never tcp: what it says is true must not come from what it is held against.
    ("generator", &["time", "frame", "wire", "source", "calls"]),
    ("diagnosis", &["time", "wire", "flow", "tcp"]),
    (
        "analysis",
        &[
            "prefetch",
            "time",
            "frame",
            "wire",
            "flow",
            "tcp",
            "diagnosis",
            "source",
        ],
    ),
    // A list of packets names what packets hold; a tree is that of a frame.
    (
        "report",
        &[
            "time",
            "frame",
            "wire",
            "flow",
            "tcp",
            "diagnosis",
            "analysis",
            "calls",
            "host",
        ],
    ),
    // It asks for the figures that reports give.
    (
        "filter",
        &[
            "time", "frame", "wire", "flow", "tcp", "source", "analysis", "report",
        ],
    ),
    // The analyzer's answers beside the true ones.
    (
        "score",
        &[
            "time",
            "wire",
            "flow",
            "tcp",
            "analysis",
            "generator",
            "report",
        ],
    ),
    (
        "cli",
        &[
            "time",
            "frame",
            "wire",
            "flow",
            "tcp",
            "source",
            "analysis",
            "report",
            "filter",
            "generator",
            "calls",
            "score",
            "capture_filter",
            "confinement",
            "host",
            "recording",
            "tui",
        ],
    ),
    // What is shown, and what it is read from: its views name neither sources nor wire.
    (
        "tui",
        &[
            "time",
            "frame",
            "wire",
            "flow",
            "tcp",
            "diagnosis",
            "filter",
            "analysis",
            "report",
            "source",
            "calls",
            // What is captured now is recorded, and this host knows its own ends of it.
            "host",
            "recording",
        ],
    ),
    ("main", &["cli"]),
];

/// Files that read a clock: where waiting and progress are a matter of wall time.
const MAY_READ_A_CLOCK: &[&str] = &[
    "src/cli/input.rs",
    "src/source/follow.rs",
    "src/generator/sockets/record.rs",
    "src/generator/onto/send.rs",
    "src/generator/lab/clock.rs",
    "src/source/live/clock.rs",
    "src/tui/loader.rs",
    "src/tui/mod.rs",
];

/// Lines of a file before its tests, at most.
const LONGEST: usize = 700;

/// Files that are longer, each to be divided. One that no longer is must leave the list.
const TO_BE_DIVIDED: &[&str] = &[];

/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "misc", "helpers", "helper", "common_utils"];

struct File {
    /// From the package's root, with `/`.
    path: String,
    /// Without comments and strings; every line is still there.
    code: String,
    /// Where its tests begin, in `code`.
    tests: usize,
}

impl File {
    fn without_tests(&self) -> &str {
        &self.code[..self.tests]
    }

    /// The module right under `src` that it belongs to; none for the crate root.
    fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let name = inside.split('/').next()?.trim_end_matches(".rs");
        (name != "lib").then_some(name)
    }

    /// How many modules deep its items are.
    fn depth(&self) -> usize {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let inside = inside.strip_suffix("/mod.rs").unwrap_or(inside);
        inside.split('/').count()
    }

    /// The modules right under `src` that its paths name.
    fn imports(&self, modules: &BTreeSet<String>) -> BTreeSet<String> {
        let code = self.without_tests();
        let mut found = BTreeSet::new();
        for root in ["crate::", "tcplens::"] {
            for (at, _) in code.match_indices(root) {
                let before = code[..at].chars().next_back();
                // `$crate::` is ours as well; `some_crate::` is not.
                if before.is_none_or(|c| !c.is_alphanumeric() && c != '_') {
                    found.extend(heads(&code[at + root.len()..]));
                }
            }
        }
        // `super::super::x` from two modules deep is `crate::x`.
        let out = "super::".repeat(self.depth());
        for (at, _) in code.match_indices(&out) {
            if !code[..at].ends_with("super::") {
                let names = heads(&code[at + out.len()..]);
                found.extend(names.into_iter().filter(|name| modules.contains(name)));
            }
        }
        found
    }
}

/// The first names of a path, or of all paths in a group: `a::b` gives a; `{a::b, c::{d}}` a and c.
fn heads(path: &str) -> Vec<String> {
    let path = path.trim_start();
    let name = |text: &str| -> String {
        let text = text.trim_start();
        let end = text
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(text.len());
        text[..end].to_owned()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![name(path)];
    };
    let (mut names, mut depth, mut begins) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' if depth == 0 => {
                names.push(name(&group[begins..at]));
                begins = at + 1;
            }
            '}' if depth == 0 => {
                names.push(name(&group[begins..at]));
                break;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Blanks comments, strings and characters out, so that what is left is code. Lines stay.
fn code_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let blank = |from: &str, out: &mut String| {
        out.extend(from.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    };
    while let Some(c) = rest.chars().next() {
        let len = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if c == '"' {
            string_len(rest)
        } else if c == '\'' {
            character_len(rest)
        } else {
            raw_string_len(rest, &out).unwrap_or(0)
        };
        if len > 0 {
            blank(&rest[..len], &mut out);
            rest = &rest[len..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal; 0 for a lifetime.
fn character_len(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[2..]
            .char_indices()
            .skip(1)
            .find(|&(_, c)| c == '\'')
            .map_or(0, |(at, _)| at + 3),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

fn raw_string_len(text: &str, before: &str) -> Option<usize> {
    if before.ends_with(|c: char| c.is_alphanumeric() && c != 'b' || c == '_') {
        return None;
    }
    let hashes = text.strip_prefix('r')?;
    let count = hashes.find(|c| c != '#')?;
    let body = hashes[count..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(count));
    let end = body.find(&close)?;
    Some(1 + count + 1 + end + close.len())
}

fn files_in(folder: &str) -> Vec<File> {
    fn collect(folder: &Path, out: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                collect(&path, out);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                out.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join(folder), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("source text");
            let code = code_of(&text);
            let tests = code.find("#[cfg(test)]\nmod tests").unwrap_or(code.len());
            let inside = path.strip_prefix(root).expect("a file of this package");
            let names: Vec<_> = inside.iter().map(|name| name.to_string_lossy()).collect();
            File {
                path: names.join("/"),
                code,
                tests,
            }
        })
        .collect()
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn modules_import_what_the_table_allows() {
    let files = files_in("src");
    assert!(files.len() > 30, "the sources are found");
    let modules: BTreeSet<String> = files
        .iter()
        .filter_map(|file| file.module().map(str::to_owned))
        .collect();
    let mut problems = Vec::new();
    for file in &files {
        let Some(module) = file.module() else {
            continue;
        };
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|row| row.0 == module) else {
            problems.push(format!("{}: the table has no row for {module}", file.path));
            continue;
        };
        for name in file.imports(&modules) {
            if name != module && !allowed.contains(&name.as_str()) {
                problems.push(format!("{}: {module} may not import {name}", file.path));
            }
        }
    }
    none(&problems);
}

#[test]
fn the_table_has_no_circles() {
    // Every module imports only modules that come before it once sorted this way.
    let mut settled: Vec<&str> = Vec::new();
    while settled.len() < MAY_IMPORT.len() {
        let next = MAY_IMPORT.iter().find(|(module, allowed)| {
            !settled.contains(module) && allowed.iter().all(|name| settled.contains(name))
        });
        let (module, _) = next.expect("a module that needs only settled ones");
        settled.push(module);
    }
}

#[test]
fn the_analyzer_takes_arrivals_and_nothing_else_from_sources() {
    let mut problems = Vec::new();
    for file in files_in("src/analysis") {
        for (at, _) in file.without_tests().match_indices("crate::source") {
            let rest = &file.code[at + "crate::source".len()..];
            if !rest.starts_with("::Arrival;") {
                problems.push(format!(
                    "{}: {}",
                    file.path,
                    rest.lines().next().unwrap_or("")
                ));
            }
        }
    }
    none(&problems);
}

#[test]
fn files_stay_short_enough_to_read() {
    let mut problems = Vec::new();
    for file in files_in("src") {
        let lines = file.without_tests().lines().count();
        let listed = TO_BE_DIVIDED.contains(&file.path.as_str());
        if lines > LONGEST && !listed {
            problems.push(format!("{}: {lines} lines before its tests", file.path));
        }
        if lines <= LONGEST && listed {
            problems.push(format!(
                "{}: short enough now: strike it off the list",
                file.path
            ));
        }
    }
    none(&problems);
}

#[test]
fn names_say_what_is_inside() {
    let mut problems = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        for file in files_in(folder) {
            let empty = |name: &str| EMPTY_NAMES.contains(&name.trim_end_matches(".rs"));
            if file.path.split('/').any(empty) {
                problems.push(file.path);
            }
        }
    }
    none(&problems);
}

#[test]
fn no_test_is_ignored() {
    let mut problems = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        for file in files_in(folder) {
            if file.code.contains("#[ignore") {
                problems.push(file.path);
            }
        }
    }
    none(&problems);
}

#[test]
fn clocks_are_read_where_wall_time_matters_only() {
    let mut problems = Vec::new();
    for file in files_in("src") {
        let reads = ["Instant::now", "SystemTime::now", ".elapsed()"]
            .iter()
            .any(|clock| file.without_tests().contains(clock));
        if reads && !MAY_READ_A_CLOCK.contains(&file.path.as_str()) {
            problems.push(format!("{} reads a clock", file.path));
        }
    }
    none(&problems);
}

#[test]
fn this_file_reads_sources_as_meant() {
    let code = code_of(concat!(
        "use crate::{a::b, c::{d, e}, f}; // crate::g\n",
        "/* crate::h */ let x = \"crate::i\"; let y = '\"'; let l: &'static str = r#\"crate::j\"#;\n",
        "let z = crate::k::m; super::super::n::o(); mycrate::p();\n",
        "#[cfg(test)]\nmod tests { use crate::q; }\n",
    ));
    let file = File {
        path: "src/a/b.rs".to_owned(),
        tests: code.find("#[cfg(test)]").expect("tests"),
        code,
    };
    let modules = ["n".to_owned(), "o".to_owned()].into();
    let found: Vec<String> = file.imports(&modules).into_iter().collect();
    assert_eq!(found, ["a", "c", "f", "k", "n"]);
    assert_eq!(file.module(), Some("a"));
    assert_eq!(file.depth(), 2);
}
