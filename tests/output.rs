//! `docs/output.md` against what is printed: every field is named there, and the tables of fields
//! are those of the code. `UPDATE_EXPECT=1 cargo test --test output` rewrites them.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tcplens::report::field::{self, Field};

fn manual_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/output.md")
}

fn table<F>(fields: &[Field<F>]) -> String {
    let mut text = String::from("| key | unit | meaning |\n| --- | --- | --- |\n");
    for field in fields {
        let unit = if field.unit.is_empty() {
            String::new()
        } else {
            format!(" {}", field.unit)
        };
        writeln!(text, "| `{}` |{unit} | {} |", field.name, field.says).unwrap();
    }
    text
}

#[test]
fn the_tables_are_those_of_the_code() {
    let manual = fs::read_to_string(manual_path()).unwrap();
    let mut wanted = manual.clone();
    for (name, table) in [
        ("connection", table(field::CONNECTION)),
        ("endpoint", table(field::ENDPOINT)),
        ("udp", table(field::UDP)),
        ("udp-end", table(field::UDP_END)),
    ] {
        let begin = format!("<!-- begin: {name} (written by tests/output.rs) -->\n");
        let end = format!("<!-- end: {name} -->");
        let start = wanted.find(&begin).unwrap() + begin.len();
        let stop = wanted.find(&end).unwrap();
        wanted.replace_range(start..stop, &format!("\n{table}\n"));
    }
    if manual != wanted && std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(manual_path(), wanted).unwrap();
    } else {
        assert!(manual == wanted, "rewrite with UPDATE_EXPECT=1");
    }
}

fn keys(value: &Value, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                all.insert(key.clone());
                keys(value, all);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, all)),
        _ => {}
    }
}

#[test]
fn every_key_is_in_the_manual() {
    let mut all = BTreeSet::new();
    let runs: [&[&str]; 6] = [
        &["shop.pcapng"],
        &["commented.pcapng"],
        &["shop.pcapng", "--connection", "2"],
        &["vxlan.pcap", "--connection", "0"],
        &["syn-prohibited.pcap", "--connection", "0"],
        &["shop.pcapng", "--memory", "1K"],
    ];
    for run in runs {
        let output = Command::new(env!("CARGO_BIN_EXE_tcplens"))
            .args(["analyze", "--format", "json"])
            .args(run)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures"))
            .output()
            .unwrap();
        keys(&serde_json::from_slice(&output.stdout).unwrap(), &mut all);
    }
    let manual = fs::read_to_string(manual_path()).unwrap();
    let named = |key: &str| {
        [format!("`{key}`"), format!(".{key}`")]
            .iter()
            .any(|name| manual.contains(name))
    };
    let unnamed: Vec<_> = all.iter().filter(|key| !named(key)).collect();
    assert!(all.len() > 100, "{all:?}");
    assert!(unnamed.is_empty(), "not in docs/output.md: {unnamed:?}");
}
