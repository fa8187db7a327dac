//! The excerpts in `README.md` against what the program prints, and its lists against the code.
//!
//! An excerpt is a fenced block of kind `console`: a command line after `$ `, then its output. A
//! line `…` stands for any number of lines left out; the first line after it says where the excerpt
//! goes on. `UPDATE_EXPECT=1 cargo test --test readme` rewrites the lines between cuts, as long as
//! those before and after each cut are still printed.

use std::fs;
use std::path::Path;
use std::process::Command;

const CUT: &str = "…";
const FENCE: &str = "```console\n$ tcplens ";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// What the command prints at 80 columns.
fn output(arguments: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tcplens"))
        .args(arguments.split_whitespace())
        .current_dir(root())
        .env_clear()
        .env("COLUMNS", "80")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(output.status.success(), "tcplens {arguments}");
    String::from_utf8(output.stdout).unwrap()
}

/// The parts of an excerpt between its cuts.
fn parts<'a>(excerpt: &[&'a str]) -> Vec<Vec<&'a str>> {
    let parts = excerpt.split(|&line| line == CUT);
    parts.map(<[&str]>::to_vec).collect()
}

/// What the excerpt ought to be: every part from its first line to its last, as printed.
fn renewed(excerpt: &[&str], printed: &[&str]) -> Option<Vec<String>> {
    let parts = parts(excerpt);
    let mut renewed = Vec::new();
    let mut at = 0;
    for (number, part) in parts.iter().enumerate() {
        let first = number == 0;
        let last = number + 1 == parts.len();
        let find = |line: &str, from: usize| {
            let rest = printed.get(from..)?;
            rest.iter()
                .position(|&other| other == line)
                .map(|found| from + found)
        };
        if !first {
            renewed.push(CUT.to_owned());
        }
        // An excerpt may begin or end with a cut.
        let Some(&begins) = part.first() else {
            continue;
        };
        let from = if first { 0 } else { find(begins, at)? };
        let to = match part.last() {
            Some(_) if last => printed.len(),
            Some(&ends) => {
                // The last line may stand there more than once: as far on as it did.
                let near = from + part.len() - 1;
                match printed.get(near) {
                    Some(&line) if line == ends => near + 1,
                    _ => find(ends, from)? + 1,
                }
            }
            None => from,
        };
        renewed.extend(printed.get(from..to)?.iter().map(|&line| line.to_owned()));
        at = to;
    }
    Some(renewed)
}

#[test]
fn excerpts_are_what_is_printed() {
    let text = readme();
    let mut wanted = String::new();
    let mut rest = text.as_str();
    let mut count = 0;
    while let Some((before, after)) = rest.split_once(FENCE) {
        let (block, after) = after.split_once("```\n").unwrap();
        let (command, excerpt) = block.split_once('\n').unwrap();
        let printed = output(command);
        let printed: Vec<_> = printed.trim_end().lines().collect();
        let excerpt: Vec<_> = excerpt.lines().collect();
        let excerpt = renewed(&excerpt, &printed)
            .unwrap_or_else(|| panic!("tcplens {command}: a line beside a cut isn't printed"));
        wanted += &format!("{before}{FENCE}{command}\n{}\n```\n", excerpt.join("\n"));
        rest = after;
        count += 1;
    }
    wanted += rest;
    assert_eq!(count, 4);
    if text != wanted && std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(root().join("README.md"), wanted).unwrap();
    } else {
        let (is, ought): (Vec<_>, Vec<_>) = (text.lines().collect(), wanted.lines().collect());
        let differs = is.iter().zip(&ought).find(|(is, ought)| is != ought);
        assert!(text == wanted, "rewrite with UPDATE_EXPECT=1: {differs:?}");
    }
}

#[test]
fn every_command_is_in_the_table() {
    let text = readme();
    let help = output("--help");
    let commands = help.split_once("Commands:\n").unwrap().1;
    for line in commands.lines().take_while(|line| !line.is_empty()) {
        // What a line is too short for goes on in the next, further in.
        if line.starts_with("    ") {
            continue;
        }
        let command = line.split_whitespace().next().unwrap();
        let named = |end: char| text.contains(&format!("| `tcplens {command}{end}"));
        assert!(command == "help" || named(' ') || named('`'), "{command}");
    }
}

#[test]
fn every_verdict_is_named() {
    let text = readme();
    for kind in tcplens::tcp::Kind::ALL {
        assert!(text.contains(&format!("`{kind}`")), "{kind}");
    }
}
