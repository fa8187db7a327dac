//! What can be generated: everything with a line, one with all that is to be said of it.

use std::io::{self, BufWriter, Write};

use serde_json::json;

use super::{How, lab, load, sockets};
use crate::cli::{Exit, terminal};
use crate::generator::SCENARIOS;

/// A group of things that can be generated: a heading, and what stands before their names.
struct Group {
    heading: &'static str,
    prefix: &'static str,
    entries: Vec<(&'static str, &'static str)>,
}

fn groups() -> Vec<Group> {
    let mut families: Vec<&'static str> = Vec::new();
    for scenario in SCENARIOS {
        if !families.contains(&scenario.family) {
            families.push(scenario.family);
        }
    }
    let mut groups: Vec<Group> = families
        .into_iter()
        .map(|family| Group {
            heading: family,
            prefix: "",
            entries: SCENARIOS
                .iter()
                .filter(|scenario| scenario.family == family)
                .map(|scenario| (scenario.name, scenario.summary))
                .collect(),
        })
        .collect();
    for (heading, prefix, entries) in [
        ("Lessons with real sockets", "sockets/", sockets::LESSONS),
        (
            "Real kernels through an impaired path",
            "lab/",
            lab::SCENARIOS,
        ),
        ("Load for benchmarks", "", load::LOADS),
    ] {
        groups.push(Group {
            heading,
            prefix,
            entries: entries.to_vec(),
        });
    }
    groups.retain(|group| !group.entries.is_empty());
    groups
}

/// Prints everything.
pub(super) fn all(how: How) -> io::Result<Exit> {
    let mut out = BufWriter::new(io::stdout().lock());
    let groups = groups();
    if how == How::Json {
        let entries: Vec<_> = groups
            .iter()
            .flat_map(|group| {
                group.entries.iter().map(|(name, summary)| {
                    let name = format!("{}{name}", group.prefix);
                    json!({"name": name, "group": group.heading, "summary": summary})
                })
            })
            .collect();
        serde_json::to_writer_pretty(&mut out, &entries)?;
        writeln!(out)?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    let name_len = |group: &Group| {
        let names = group.entries.iter();
        names.map(|(name, _)| group.prefix.len() + name.len()).max()
    };
    let widest = groups.iter().filter_map(name_len).max().unwrap_or(0);
    let room = terminal::columns().saturating_sub(widest + 4).max(20);
    for (at, group) in groups.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}:", group.heading)?;
        for (name, summary) in &group.entries {
            let name = format!("{}{name}", group.prefix);
            let mut left = name.as_str();
            for line in wrapped(summary, room) {
                writeln!(out, "  {left:widest$}  {line}")?;
                left = "";
            }
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Prints what one of it shows.
pub(super) fn one(name: &str, how: How) -> io::Result<Exit> {
    let groups = groups();
    let found = groups.iter().find_map(|group| {
        let bare = name.strip_prefix(group.prefix)?;
        let (_, summary) = group.entries.iter().find(|(each, _)| *each == bare)?;
        Some((group.heading, *summary))
    });
    let Some((heading, summary)) = found else {
        return Ok(Exit::usage(&unknown(name)));
    };
    let description = if let Some(lesson) = name.strip_prefix("sockets/") {
        sockets::description(lesson)
    } else if let Some(scenario) = name.strip_prefix("lab/") {
        lab::description(scenario)
    } else {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
        scenario
            .map(|scenario| scenario.description.to_owned())
            .or_else(|| load::description(name))
    };
    let description = description.unwrap_or_default();
    let mut out = BufWriter::new(io::stdout().lock());
    if how == How::Json {
        let all = json!({
            "name": name, "group": heading, "summary": summary, "description": description,
        });
        serde_json::to_writer_pretty(&mut out, &all)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{name} ({heading})")?;
        for paragraph in [summary, &description] {
            if !paragraph.is_empty() {
                writeln!(out)?;
            }
            for line in wrapped(paragraph, terminal::columns().min(100)) {
                writeln!(out, "{line}")?;
            }
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// That there is no such thing, and what comes near it.
pub(super) fn unknown(name: &str) -> String {
    let names = groups();
    let names = names.iter().flat_map(|group| {
        let names = group.entries.iter();
        names.map(|(name, _)| format!("{}{name}", group.prefix))
    });
    let words: Vec<&str> = name
        .split(['-', '/'])
        .filter(|word| word.len() > 2)
        .collect();
    let likeness = |each: &String| words.iter().filter(|word| each.contains(**word)).count();
    let mut near: Vec<String> = names.filter(|each| likeness(each) > 0).collect();
    near.sort_by_key(|each| std::cmp::Reverse(likeness(each)));
    near.truncate(5);
    let hint = if near.is_empty() {
        "`tcplens generate --list` names everything".to_owned()
    } else {
        format!("is one of these meant: {}?", near.join(", "))
    };
    format!("nothing is called {name:?}; {hint}")
}

/// A text in lines of at most `width` characters.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}
