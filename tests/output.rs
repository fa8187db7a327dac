//! `docs/output.md` against what is printed: every field is named there, and the tables of fields
//! are those of the code. `UPDATE_EXPECT=1 cargo test --test output` rewrites them.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tcplens::diagnosis::DIAGNOSES;
use tcplens::report::explain::KINDS;
use tcplens::report::field::{self, Field};
use tcplens::report::labels::LABELS;
use tcplens::tcp::Kind;
use tcplens::tcp::Rule;

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

fn rules() -> String {
    let mut text = String::from(
        "| rule | what it says | where it comes from | tshark 4.0 |\n| --- | --- | --- | --- |\n",
    );
    for rule in Rule::ALL {
        let tshark = match rule.tshark() {
            "" => "the same",
            differs => differs,
        };
        let (name, says, source) = (rule.name(), rule.says(), rule.source());
        writeln!(text, "| `{name}` | {says} | {source} | {tshark} |").unwrap();
    }
    text
}

fn kinds() -> String {
    let mut text = String::from(
        "| kind | the segment, or the acknowledgment in it | rules |\n| --- | --- | --- |\n",
    );
    for meaning in KINDS {
        let rules: Vec<_> = meaning
            .rules
            .iter()
            .map(|rule| format!("`{}`", rule.name()))
            .collect();
        let (kind, says) = (meaning.kind, meaning.says);
        writeln!(text, "| `{kind}` | {says} | {} |", rules.join(", ")).unwrap();
    }
    text
}

fn labels() -> String {
    let mut text = String::from("| label | verdict |\n| --- | --- |\n");
    for (label, says) in LABELS {
        writeln!(text, "| `{label}` | {says} |").unwrap();
    }
    text
}

fn findings() -> String {
    let mut text = String::from(
        "| code | what is found | silent for | what to do |\n| --- | --- | --- | --- |\n",
    );
    for each in DIAGNOSES {
        let (code, title) = (each.code, each.title);
        writeln!(
            text,
            "| `{code}` | {title} | {} | {} |",
            each.silent, each.advice
        )
        .unwrap();
    }
    text
}

#[test]
fn every_verdict_is_in_the_manual() {
    let manual = fs::read_to_string(manual_path()).unwrap();
    for kind in Kind::ALL {
        assert!(manual.contains(&format!("\n| `{kind}` | ")), "{kind}");
    }
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
        ("kinds", kinds()),
        ("rules", rules()),
        ("findings", findings()),
        ("labels", labels()),
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
    let runs: [&[&str]; 8] = [
        &["shop.pcapng"],
        &["commented.pcapng"],
        &["shop.pcapng", "--connection", "2"],
        &["delay-spike.pcap", "--connection", "0"],
        &["retransmission-timeout.pcap", "--connection", "0"],
        &["vxlan.pcap", "--connection", "0"],
        &["syn-prohibited.pcap", "--connection", "0"],
        &["shop.pcapng", "--max-flows", "3"],
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

fn run(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_tcplens"))
        .arg("analyze")
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_connection_that_is_not_there_is_told() {
    for (file, says) in [
        (
            "shop.pcapng",
            "there is no connection 99: 11 were seen, 0 to 10",
        ),
        ("vlan.pcap", "there is no connection 99: the only one is 0"),
        (
            "udp-dns.pcap",
            "there is no connection 99: the capture has none",
        ),
    ] {
        let output = run(&[file, "--connection", "99"]);
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert_eq!(text(&output.stderr), format!("tcplens: {says}\n"));
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn eviction_is_never_silent() {
    let output = run(&["shop.pcapng", "--max-flows", "3"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("let go"));
    let output = run(&["shop.pcapng", "--max-flows", "3", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kept = report["connections"].as_array().unwrap().len() as u64;
    // What comes of an evicted one counts anew.
    let evicted = report["evicted"]["connections"].as_u64().unwrap();
    assert!(
        kept <= 3 && evicted + kept >= 11,
        "{kept} kept, {evicted} evicted"
    );
}

#[test]
fn sorting_and_cutting() {
    let ids = |arguments: &[&str]| -> Vec<u64> {
        let output = run(&[&["shop.pcapng", "--format", "json"], arguments].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let connections = report["connections"].as_array().unwrap();
        let ids = connections.iter().map(|each| each["id"].as_u64().unwrap());
        ids.collect()
    };
    assert_eq!(ids(&[]), (0..11).collect::<Vec<_>>());
    assert_eq!(ids(&["--reverse", "--top", "2"]), [10, 9]);
    assert_eq!(ids(&["--sort", "duration", "--top", "1"]), [3]);
    assert_eq!(ids(&["--sort", "bytes", "--top", "1"]), [4]);
    assert_eq!(ids(&["--sort", "start", "--top", "all"]).len(), 11);
}

#[test]
fn csv_lines_have_the_columns_of_the_header() {
    let output = run(&["shop.pcapng", "--format", "csv"]);
    let lines: Vec<_> = text(&output.stdout).split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 12);
    let columns = lines[0].split(',').count();
    assert_eq!(columns, field::CONNECTION.len() + 2 * field::ENDPOINT.len());
    assert!(lines.iter().all(|line| line.split(',').count() == columns));
}

#[test]
fn colours_only_when_asked_for() {
    let plain = run(&["shop.pcapng"]);
    assert!(!text(&plain.stdout).contains('\x1b'));
    let painted = run(&["shop.pcapng", "--color", "always"]);
    assert!(text(&painted.stdout).contains("\x1b[1m"));
}

#[test]
fn damage_is_told_in_both_places() {
    let whole = fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures/close-by-client.pcap"),
    )
    .unwrap();
    let file = std::env::temp_dir().join(format!("tcplens-output-{}.pcap", std::process::id()));
    fs::write(&file, &whole[..whole.len() - 7]).unwrap();
    let name = file.to_str().unwrap();
    let human = run(&[name]);
    let machine = run(&[name, "--format", "json"]);
    fs::remove_file(&file).unwrap();
    assert_eq!(human.status.code(), Some(1));
    assert!(text(&human.stderr).contains("damaged at byte"));
    assert!(text(&human.stdout).contains("damaged at byte "));
    let report: Value = serde_json::from_slice(&machine.stdout).unwrap();
    assert_eq!(report["errors"][0]["after_frame"], 9);
}
