//! `tcplens generate` as it is typed: options that go together and those that don't, and where
//! capture and answer sheet go.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tcplens"))
        .arg("generate")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("it runs")
}

/// What it says when it does not do it.
fn refused(arguments: &[&str]) -> String {
    let run = run(arguments);
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(run.stdout.is_empty(), "{arguments:?}");
    said
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("tcplens-generate-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_owned()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_option_that_does_nothing_is_a_mistake() {
    let folder = Folder::new("options");
    let script = folder.path("a.script");
    fs::write(&script, "0.0 client > S\n").expect("a file");
    let cases: &[(&[&str], &str)] = &[
        (&["single-loss", "--ecn"], "--ecn"),
        (&["single-loss", "--no-sack"], "--no-sack"),
        (&["single-loss", "--congestion", "reno"], "--congestion"),
        (&["single-loss", "--size", "1M"], "--size"),
        (&["single-loss", "--connections", "3"], "--connections"),
        (&["single-loss", "--private"], "--private"),
        (&["single-loss", "--format", "json"], "--format"),
        (
            &["single-loss", "--as", "server", "--bind", "127.0.0.1"],
            "--as",
        ),
        (&["bulk", "--tap", "client"], "--tap"),
        (&["bulk", "--ecn"], "--ecn"),
        (&["mice", "--quiet"], "--quiet"),
        (&["sockets/half-close", "--seed", "3"], "--seed"),
        (&["sockets/half-close", "--open"], "--open"),
        (&["sockets/half-close", "--onto", "lo"], "--onto"),
        (&["sockets/half-close", "--truth", "x"], "--truth"),
        (&["lab/loss", "--tap", "client"], "--tap"),
        (&["lab/loss", "--truth", "x"], "--truth"),
        (&["lab/loss", "--size", "3"], "--size"),
        (&["--script", &script, "--seed", "3"], "--seed"),
        (&["--list", "--seed", "3"], "--seed"),
        (&["--describe", "single-loss", "--tap", "client"], "--tap"),
        (&["single-loss", "--rate", "5pps"], "--onto"),
    ];
    for (arguments, option) in cases {
        let said = refused(arguments);
        assert!(said.contains(option), "{arguments:?}: {said}");
    }
    // What nobody knows by name is that, whatever else is wrong.
    assert!(refused(&["no-such-thing", "--ecn"]).contains("no-such-thing"));
}

#[test]
fn capture_and_answer_sheet_do_not_overwrite_each_other() {
    let folder = Folder::new("sheet");
    let [one, other] = [folder.path("a.pcap"), folder.path("./a.pcap")];
    for name in ["single-loss", "bulk"] {
        let said = refused(&[name, "-o", &one, "--truth", &other]);
        assert!(said.contains("at once"), "{said}");
        let said = refused(&[name, "-o", "-", "--truth", "-"]);
        assert!(said.contains("standard output"), "{said}");
    }
    for beside in [&["--open"][..], &["--onto", "lo", "--dry-run"]] {
        let said = refused(&[&["single-loss", "--truth", "-"], beside].concat());
        assert!(said.contains("standard output"), "{said}");
    }
    // More than a sheet holds is refused before anything is written.
    let many = ["flood", "--connections", "10000001"];
    let said = refused(&[&many[..], &["-o", &one, "--truth", &folder.path("t")]].concat());
    assert!(said.contains("at most 10000000 frames"), "{said}");
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_script_without_a_packet_is_none() {
    for text in [
        "",
        "# nothing\nclient 10.0.0.1:40000\n",
        "0.0 client > lost S\n",
    ] {
        let folder = Folder::new("nothing");
        let script = folder.path("a.script");
        fs::write(&script, text).expect("a file");
        let said = refused(&["--script", &script, "-o", &folder.path("a.pcap")]);
        assert!(said.contains("nothing is captured"), "{said}");
        assert_eq!(folder.names(), ["a.script"]);
    }
}

#[test]
fn an_answer_sheet_goes_where_it_is_wanted() {
    let folder = Folder::new("truth");
    let size = ["--size", "200K"];
    for (name, more) in [("single-loss", &[][..]), ("bulk", &size[..])] {
        let [capture, sheet] = ["a.pcapng", "a.ndjson"].map(|file| folder.path(file));
        let with = |last: &[&str]| run(&[&[name], more, last].concat());
        let made = with(&["-o", &capture, "--truth", &sheet]);
        assert!(made.status.success() && made.stdout.is_empty(), "{name}");
        let sheet = fs::read(&sheet).expect("a sheet");
        assert!(sheet.starts_with(b"{\"type\":\"capture\",\"schema\":\"tcplens-truth/1\""));
        // Minus is standard output: the sheet alone, or beside a capture that goes elsewhere.
        let alone = with(&["--truth", "-"]);
        assert!(alone.status.success() && alone.stdout == sheet, "{name}");
        let beside = with(&["-o", &capture, "--truth", "-"]);
        assert!(beside.status.success() && beside.stdout == sheet, "{name}");
        assert_eq!(folder.names(), ["a.ndjson", "a.pcapng"]);
    }
}
