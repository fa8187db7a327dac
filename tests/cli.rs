//! The program as its users meet it: arguments in; output, messages and exit codes out.
//!
//! `UPDATE_EXPECT=1 cargo test --test cli` rewrites what is expected.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use expect_test::{ExpectFile, expect_file};

/// A directory of its own for a test, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tcplens-cli-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/captures")
        .join(name)
}

fn tcplens() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcplens"));
    command
        .env_clear()
        .env("COLUMNS", "80")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null());
    command
}

fn run(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    let mut command = tcplens();
    for argument in arguments {
        command.arg(argument.as_ref());
    }
    command.output().unwrap()
}

#[track_caller]
fn good(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Vec<u8> {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(said, "");
    output.stdout
}

#[track_caller]
fn refused(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.is_empty());
    said
}

#[track_caller]
fn check(output: &[u8], expected: &ExpectFile) {
    expected.assert_eq(core::str::from_utf8(output).unwrap());
}

#[track_caller]
fn no_controls(output: &[u8]) {
    let text = core::str::from_utf8(output).unwrap();
    let control = text
        .chars()
        .find(|&char| (char.is_control() && char != '\n') || char == '\u{202e}');
    assert_eq!(control, None, "{text:?}");
}

/// A conversation as a capture file, frame by frame.
struct Tape {
    bytes: Vec<u8>,
    millis: u32,
    /// Next sequence number of the client and of the server.
    next: [u32; 2],
}

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const FIN: u8 = 0x01;
const RST: u8 = 0x04;

impl Tape {
    /// A capture file without frames. The conversation's sequence numbers wrap early.
    fn new() -> Self {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend([0xff, 0xff, 0, 0, 101, 0, 0, 0]);
        Self {
            bytes,
            millis: 0,
            next: [u32::MAX - 100, 7_000],
        }
    }

    /// A new file that goes on where this one ends.
    fn another(&self) -> Self {
        Self {
            millis: self.millis,
            next: self.next,
            ..Self::new()
        }
    }

    fn segment(&mut self, from: usize, seq: u32, flags: u8, payload: &[u8]) {
        let (addresses, ports) = ([[192, 0, 2, 1], [192, 0, 2, 2]], [40_000_u16, 80]);
        let total = 40 + payload.len() as u16;
        let mut packet = vec![0x45, 0];
        packet.extend(total.to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        packet.extend(addresses[from]);
        packet.extend(addresses[1 - from]);
        packet.extend(ports[from].to_be_bytes());
        packet.extend(ports[1 - from].to_be_bytes());
        packet.extend(seq.to_be_bytes());
        let ack = if flags & ACK == 0 {
            0
        } else {
            self.next[1 - from]
        };
        packet.extend(ack.to_be_bytes());
        packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(payload);
        self.millis += 1;
        self.bytes.extend((self.millis / 1000).to_le_bytes());
        self.bytes.extend((self.millis % 1000 * 1000).to_le_bytes());
        self.bytes.extend((packet.len() as u32).to_le_bytes());
        self.bytes.extend((packet.len() as u32).to_le_bytes());
        self.bytes.extend(packet);
    }

    fn send(&mut self, from: usize, flags: u8, payload: &[u8]) {
        self.segment(from, self.next[from], flags, payload);
        let octets = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        self.next[from] = self.next[from].wrapping_add(octets);
    }

    fn open(&mut self) {
        self.send(0, SYN, b"");
        self.send(1, SYN | ACK, b"");
        self.send(0, ACK, b"");
    }
}

#[test]
fn help_says_what_can_be_typed() {
    check(&good(&[&"--help"]), &expect_file!["expected/help.txt"]);
    for (command, expected) in [
        ("analyze", expect_file!["expected/help-analyze.txt"]),
        ("packets", expect_file!["expected/help-packets.txt"]),
        ("follow", expect_file!["expected/help-follow.txt"]),
        ("ladder", expect_file!["expected/help-ladder.txt"]),
        ("extract", expect_file!["expected/help-extract.txt"]),
        ("explain", expect_file!["expected/help-explain.txt"]),
        ("live", expect_file!["expected/help-live.txt"]),
        ("interfaces", expect_file!["expected/help-interfaces.txt"]),
    ] {
        check(&good(&[&command, &"--help"]), &expected);
    }
}

#[test]
fn usage_exits_with_2() {
    let file = fixture("http-request.pcap");
    refused(&[&"packets"]);
    refused(&[&"packets", &"--no-such-option", &file]);
    refused(&[&"follow", &file, &"0", &"--format", &"poem"]);
    assert!(refused(&[&"follow", &file]).contains("number of a connection is missing"));
    assert!(refused(&[&"follow", &"0"]).contains("a capture file is missing"));
    for command in ["follow", "ladder"] {
        let said = refused(&[&command, &file, &"7"]);
        assert_eq!(
            said,
            "tcplens: no connection 7: the capture has only connection 0\n"
        );
    }
    let said = refused(&[&"packets", &"--connection", &"7", &file]);
    assert!(said.contains("no connection 7"));
}

#[test]
fn what_cannot_be_opened_exits_with_2() {
    for command in ["analyze", "packets"] {
        let said = refused(&[&command, &"no-such-file.pcap"]);
        assert!(said.contains("no-such-file.pcap: "), "{said}");
    }
    let scratch = Scratch::new("no-capture");
    let text = scratch.file("notes.txt", b"This is no capture, however long it may be.");
    refused(&[&"packets", &text]);
}

#[test]
fn damage_exits_with_1_after_what_is_good() {
    let scratch = Scratch::new("damage");
    let whole = fs::read(fixture("http-request.pcap")).unwrap();
    let cut = scratch.file("cut.pcap", &whole[..whole.len() - 10]);
    let output = run(&[&"packets", &cut]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 9);
    let said = String::from_utf8(output.stderr).unwrap();
    let last_record = whole.len() - 16 - 66;
    for part in ["cut.pcap", &format!("byte {last_record}"), "after frame 9"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let output = run(&[
        &"follow",
        &cut,
        &"0",
        &"--format",
        &"raw",
        &"--from",
        &"client",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.starts_with(b"GET / HTTP/1.0\r\n"));
    let output = run(&[&"analyze", &cut]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stdout.is_empty());
}

#[test]
fn a_closed_pipe_is_success() {
    let scratch = Scratch::new("pipe");
    let mut tape = Tape::new();
    tape.open();
    // More than fits into any pipe.
    for _ in 0..20_000 {
        tape.send(0, ACK, &[b'x'; 100]);
    }
    let file = scratch.file("long.pcap", &tape.bytes);
    for arguments in [
        &["packets"][..],
        &["packets", "--format", "ndjson"],
        &["follow", "--connection", "0", "--format", "raw"],
        &["ladder", "--connection", "0", "--limit", "0"],
    ] {
        let mut child = tcplens()
            .args(arguments)
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut some = [0; 10];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut some).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert_eq!(said, "", "{arguments:?}");
    }
}

/// Sends SIGINT, as Ctrl-C does.
#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status();
    assert!(sent.unwrap().success());
}

/// `analyze -` that has read so much that it must be listening for Ctrl-C.
#[cfg(unix)]
fn analyzing_a_pipe() -> (std::process::Child, std::process::ChildStdin) {
    let mut tape = Tape::new();
    tape.open();
    // More than fits into any pipe.
    for _ in 0..20_000 {
        tape.send(0, ACK, &[b'x'; 100]);
    }
    let mut child = tcplens()
        .args(["analyze", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&tape.bytes).unwrap();
    (child, stdin)
}

#[cfg(unix)]
#[test]
fn interrupted_it_tells_what_was_found_and_exits_with_130() {
    let (child, stdin) = analyzing_a_pipe();
    interrupt(&child);
    // The pipe stays open.
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!(output.status.code(), Some(130));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Trust     interrupted"), "{text}");
    assert!(text.contains("192.0.2.1:40000 → 192.0.2.2:80"), "{text}");
}

/// `tcpdump -w - | tcplens analyze -`: Ctrl-C reaches both, and tcpdump closes the pipe.
#[cfg(unix)]
#[test]
fn a_pipe_that_ends_upon_ctrl_c_has_ended() {
    let (child, stdin) = analyzing_a_pipe();
    interrupt(&child);
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("20,003 frames"), "{text}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_is_the_end_of_a_file_that_is_followed() {
    let mut child = tcplens()
        .args(["packets", "--follow"])
        .arg(fixture("http-request.pcap"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever prints is listening.
    let mut stdout = child.stdout.take().unwrap();
    let mut text = String::new();
    while text.lines().count() < 10 {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        text.push(byte[0].into());
    }
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_exits_with_2() {
    let file = fixture("http-request.pcap");
    let full = || {
        fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    for arguments in [
        &["--help"][..],
        &["analyze"],
        &["packets"],
        &["follow", "--connection", "0"],
        &["ladder", "--connection", "0"],
    ] {
        let mut command = tcplens();
        command.args(arguments).stdout(full());
        if arguments != ["--help"] {
            command.arg(&file);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(said.contains("the output can't be written: "), "{said}");
    }
}

#[test]
fn an_input_without_a_capture_is_named() {
    let scratch = Scratch::new("nothing");
    // Standard input is /dev/null.
    let said = refused(&[&"analyze", &"-"]);
    assert!(
        said.contains("standard input: not a capture file"),
        "{said}"
    );
    refused(&[&"analyze", &scratch.0]);
    let header = scratch.file("header.pcap", &Tape::new().bytes);
    let text = String::from_utf8(good(&[&"analyze", &header])).unwrap();
    assert!(text.contains("Trust     nothing was captured"), "{text}");
}

#[test]
fn standard_input_is_a_file_named_minus() {
    let file = fixture("http-request.pcap");
    let mut child = tcplens()
        .args(["packets", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&fs::read(&file).unwrap()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, good(&[&"packets", &file]));
}

#[test]
fn compression_is_told_by_content_not_by_name() {
    let scratch = Scratch::new("magic");
    let plain = fixture("http-request.pcap");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&fs::read(&plain).unwrap()).unwrap();
    let packed = scratch.file("plain.pcap", &encoder.finish().unwrap());
    assert_eq!(good(&[&"packets", &packed]), good(&[&"packets", &plain]));
}

/// As the shell names the output of a program: `tcplens analyze <(…)`.
#[test]
#[cfg(unix)]
fn a_pipe_with_a_name_is_read_from_its_beginning() {
    let analyzed = |name: &str| {
        let mut child = tcplens()
            .args(["analyze", "--format", "csv", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let bytes = fs::read(fixture("half-close.pcap")).unwrap();
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    assert_eq!(analyzed("/dev/stdin"), analyzed("-"));
}

#[test]
fn pipes_get_no_colour() {
    let file = fixture("two-losses.pcap");
    for arguments in [
        &["packets"][..],
        &["follow", "--connection", "0"],
        &["ladder", "--connection", "0"],
        &["analyze"],
    ] {
        for no_color in [None, Some("1")] {
            let mut command = tcplens();
            command
                .args(arguments)
                .arg(&file)
                .env("TERM", "xterm-256color");
            if let Some(value) = no_color {
                command.env("NO_COLOR", value);
            }
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(0));
            assert!(!output.stdout.contains(&0x1b), "{arguments:?}");
        }
    }
}

#[test]
fn several_files_are_one_capture() {
    let scratch = Scratch::new("several");
    let mut early = Tape::new();
    early.open();
    early.send(0, ACK, b"one ");
    let mut late = early.another();
    late.send(0, ACK, b"two ");
    late.send(0, ACK, b"three");
    let late = scratch.file("1.pcap", &late.bytes);
    let early = scratch.file("2.pcap", &early.bytes);
    let raw = [&"--format" as &dyn AsRef<_>, &"raw"];
    let stream = good(&[&"follow", &late, &early, &"0", raw[0], raw[1]]);
    assert_eq!(stream, b"one two three");
    let stream = good(&[
        &"follow",
        &"--connection",
        &"0",
        raw[0],
        raw[1],
        &late,
        &early,
    ]);
    assert_eq!(stream, b"one two three");
}

#[test]
fn raw_streams_are_exact() {
    let scratch = Scratch::new("raw");
    let every_byte: Vec<u8> = (0..=255).collect();
    let mut tape = Tape::new();
    tape.open();
    tape.send(0, ACK, &every_byte);
    tape.send(1, ACK, b"\r\n\0\xff");
    // Out of order, and once again.
    let start = tape.next[0];
    tape.next[0] = start.wrapping_add(3);
    tape.send(0, ACK, b"def");
    tape.segment(0, start, ACK, b"abc");
    tape.segment(0, start, ACK, b"abcdef");
    tape.send(0, ACK | FIN, b"!");
    let file = scratch.file("exact.pcap", &tape.bytes);
    let follow = |from: &str| {
        good(&[
            &"follow",
            &file,
            &"0",
            &"--format",
            &"raw",
            &"--from",
            &from,
        ])
    };
    let client = [&every_byte[..], b"abcdef!"].concat();
    assert_eq!(follow("client"), client);
    assert_eq!(follow("server"), b"\r\n\0\xff");
    let both = [&every_byte[..], b"\r\n\0\xff", b"abcdef!"].concat();
    assert_eq!(follow("both"), both);
}

/// RFC 9293 section 3.5.1: the server still has an earlier connection open, answers the SYN in its
/// terms, and is reset.
#[test]
fn an_answer_from_an_earlier_connection_does_not_count() {
    let scratch = Scratch::new("half-open");
    for (far, acknowledged) in [
        (1_u32 << 31, 1 << 30),
        (1 << 30, 3 << 30),
        (1 << 20, 1 << 22),
    ] {
        let mut tape = Tape::new();
        let start = tape.next;
        tape.send(0, SYN, b"");
        tape.next[0] = start[0].wrapping_add(acknowledged);
        tape.segment(1, start[1].wrapping_add(far), ACK, b"");
        tape.segment(0, start[0].wrapping_add(acknowledged), RST, b"");
        tape.next = start;
        tape.open();
        tape.send(0, ACK, b"question");
        tape.send(1, ACK, b"answer");
        let file = scratch.file("half-open.pcap", &tape.bytes);
        let raw = good(&[&"follow", &file, &"0", &"--format", &"raw"]);
        assert_eq!(raw, b"questionanswer", "{far} {acknowledged}");
    }
}

/// A stream of which bytes 3 to 8 are missing.
fn with_a_gap() -> Tape {
    let mut tape = Tape::new();
    tape.open();
    tape.send(0, ACK, b"abc");
    tape.next[0] = tape.next[0].wrapping_add(5);
    tape.send(0, ACK, b"xyz");
    tape.send(1, ACK, b"");
    tape
}

#[test]
fn gaps_are_told() {
    let scratch = Scratch::new("gaps");
    let file = scratch.file("gap.pcap", &with_a_gap().bytes);
    let output = run(&[&"follow", &file, &"0", &"--format", &"raw"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"abcxyz");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "tcplens: 5 bytes of the client's stream missing, not captured (1 gap, the first at byte 3)\n"
    );
    let text = String::from_utf8(good(&[&"follow", &file, &"0"])).unwrap();
    assert!(
        text.ends_with("> abc\n> [5 bytes missing: not captured]\n> xyz\n"),
        "{text}"
    );

    let directory = scratch.0.join("streams");
    good(&[&"extract", &file, &"-o", &directory]);
    let name = "192.000.002.001.40000-192.000.002.002.00080";
    assert_eq!(fs::read(directory.join(name)).unwrap(), b"abc\0\0\0\0\0xyz");
    let list = fs::read_to_string(directory.join("streams.ndjson")).unwrap();
    let stream: serde_json::Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
    assert_eq!(stream["file"], name);
    assert_eq!(stream["bytes"], 6);
    assert_eq!(stream["gaps"], serde_json::json!([{"offset": 3, "len": 5}]));
    assert_eq!(stream["first_frame"], 4);
}

#[test]
fn a_long_gap_begins_another_file() {
    let scratch = Scratch::new("long-gap");
    let file = scratch.file("gap.pcap", &with_a_gap().bytes);
    let directory = scratch.0.join("streams");
    good(&[&"extract", &file, &"-o", &directory, &"--max-gap", &"4"]);
    let name = "192.000.002.001.40000-192.000.002.002.00080";
    assert_eq!(fs::read(directory.join(name)).unwrap(), b"abc");
    let rest = directory.join(format!("{name}.at-8"));
    assert_eq!(fs::read(rest).unwrap(), b"xyz");
}

#[test]
fn extract_overwrites_only_when_told_to() {
    let scratch = Scratch::new("overwrite");
    let file = fixture("http-request.pcap");
    let directory = scratch.0.join("streams");
    good(&[&"extract", &file, &"-o", &directory]);
    let client = directory.join("010.000.000.001.45095-010.000.000.002.00080");
    fs::write(&client, "mine").unwrap();
    let said = refused(&[&"extract", &file, &"-o", &directory]);
    assert!(
        said.contains("is there already; --force overwrites it"),
        "{said}"
    );
    assert_eq!(fs::read(&client).unwrap(), b"mine");
    good(&[&"extract", &file, &"-o", &directory, &"--force"]);
    assert_eq!(fs::read(&client).unwrap().len(), 66);
    let under_a_file = client.join("streams");
    refused(&[&"extract", &file, &"-o", &under_a_file]);
}

#[cfg(unix)]
#[test]
fn extract_follows_no_link_out_of_its_directory() {
    let scratch = Scratch::new("link");
    let directory = scratch.0.join("streams");
    fs::create_dir(&directory).unwrap();
    let outside = scratch.file("outside", b"mine");
    let name = "010.000.000.001.45095-010.000.000.002.00080";
    std::os::unix::fs::symlink(&outside, directory.join(name)).unwrap();
    let file = fixture("http-request.pcap");
    good(&[&"extract", &file, &"-o", &directory, &"--force"]);
    assert_eq!(fs::read(&outside).unwrap(), b"mine");
    assert_eq!(fs::read(directory.join(name)).unwrap().len(), 66);
}

#[test]
fn nothing_hostile_reaches_the_terminal() {
    let scratch = Scratch::new("hostile");
    let mut tape = Tape::new();
    tape.open();
    tape.send(0, ACK, b"\x1b]0;owned\x07\x9b31m\xe2\x80\xae\r\x08\n\x7f");
    let name = "a\x1b[31m\u{202e}b.pcap";
    let file = scratch.file(name, &tape.bytes);
    for arguments in [
        &["packets"][..],
        &["packets", "--format", "ndjson"],
        &["follow", "--connection", "0"],
        &["follow", "--connection", "0", "--format", "hex"],
        &["follow", "--connection", "0", "--format", "ndjson"],
        &["ladder", "--connection", "0"],
        &["analyze"],
    ] {
        let output = tcplens().args(arguments).arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        no_controls(&output.stdout);
        no_controls(&output.stderr);
    }
    // The name, where something is wrong with it; the name of a directory.
    let cut = scratch.file(name, &tape.bytes[..tape.bytes.len() - 1]);
    no_controls(&run(&[&"packets", &cut]).stderr);
    no_controls(&run(&[&"packets", &"\x1b[31m\u{202e}"]).stderr);
    let directory = scratch.0.join("\x1b[31mstreams");
    no_controls(&run(&[&"extract", &fixture("ipv6.pcap"), &"-o", &directory]).stdout);
    no_controls(&run(&[&"extract", &fixture("ipv6.pcap"), &"-o", &directory]).stderr);
}

/// A pcapng file with one short frame, and comments on it and on the section.
fn commented(comment: &[u8]) -> Vec<u8> {
    let option = |out: &mut Vec<u8>| {
        out.extend([1, 0]);
        out.extend((comment.len() as u16).to_le_bytes());
        out.extend(comment);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend([0; 4]);
    };
    let block = |kind: u32, body: Vec<u8>| {
        let len = (body.len() as u32 + 12).to_le_bytes();
        [&kind.to_le_bytes(), &len[..], &body, &len].concat()
    };
    let mut section = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    section.extend([0xff; 8]);
    option(&mut section);
    let mut packet = vec![0; 12];
    packet.extend([4, 0, 0, 0, 4, 0, 0, 0, 0xf0, 0, 0, 0]);
    option(&mut packet);
    [
        block(0x0a0d_0d0a, section),
        block(1, vec![101, 0, 0, 0, 0, 0, 0, 0]),
        block(6, packet),
    ]
    .concat()
}

#[test]
fn comments_are_shown_as_text() {
    let scratch = Scratch::new("comments");
    let comment = "\x1b[2J \"ü\" \u{202e}\u{9b}1m";
    let file = scratch.file("comments.pcapng", &commented(comment.as_bytes()));
    let text = good(&[&"packets", &file]);
    no_controls(&text);
    assert_eq!(String::from_utf8(text).unwrap().lines().count(), 3);
    let object = good(&[&"packets", &"--format", &"ndjson", &file]);
    no_controls(&object);
    let object: serde_json::Value = serde_json::from_slice(&object).unwrap();
    assert_eq!(object["comments"], serde_json::json!([comment]));
    no_controls(&good(&[&"analyze", &file]));
}

#[test]
fn frames_as_lines_objects_and_rows() {
    let file = fixture("two-losses.pcap");
    check(
        &good(&[&"packets", &file]),
        &expect_file!["expected/packets.txt"],
    );
    check(
        &good(&[&"packets", &"--format", &"tsv", &file]),
        &expect_file!["expected/packets.tsv"],
    );
    let objects = good(&[&"packets", &"--format", &"ndjson", &file]);
    for line in core::str::from_utf8(&objects).unwrap().lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        for field in [
            "frame",
            "time",
            "connection",
            "from",
            "seq",
            "ack",
            "len",
            "flags",
            "window",
            "verdicts",
        ] {
            assert!(object.get(field).is_some(), "{field}: {line}");
        }
    }
    check(&objects, &expect_file!["expected/packets.ndjson"]);
}

#[test]
fn packets_stop_when_told_to() {
    let file = fixture("commented.pcapng");
    let lines = |arguments: &[&dyn AsRef<std::ffi::OsStr>]| {
        String::from_utf8(good(arguments)).unwrap().lines().count()
    };
    assert_eq!(
        lines(&[&"packets", &"--format", &"tsv", &"-c", &"2", &file]),
        3
    );
    assert_eq!(
        lines(&[&"packets", &"--format", &"ndjson", &"-c", &"0", &file]),
        0
    );
    // The last frame's comment comes after it.
    let last = good(&[&"packets", &"--format", &"ndjson", &"-c", &"1", &file]);
    assert!(
        String::from_utf8(last)
            .unwrap()
            .contains("the client knocks")
    );
}

#[test]
fn ladders() {
    for (name, expected) in [
        (
            "http-request.pcap",
            expect_file!["expected/ladder-http-request.txt"],
        ),
        (
            "two-losses.pcap",
            expect_file!["expected/ladder-two-losses.txt"],
        ),
        (
            "keep-alive.pcap",
            expect_file!["expected/ladder-keep-alive.txt"],
        ),
        (
            "syn-prohibited.pcap",
            expect_file!["expected/ladder-syn-prohibited.txt"],
        ),
    ] {
        let drawn = good(&[&"ladder", &fixture(name), &"0", &"--limit", &"24"]);
        let text = core::str::from_utf8(&drawn).unwrap();
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{name}: {widest:?}");
        check(&drawn, &expected);
    }
    let file = fixture("http-request.pcap");
    let plain = good(&[&"ladder", &"--ascii", &file, &"0"]);
    check(&plain, &expect_file!["expected/ladder-ascii.txt"]);
    let output = tcplens()
        .env("LC_ALL", "C")
        .arg("ladder")
        .args([file.as_os_str(), "0".as_ref()])
        .output()
        .unwrap();
    assert_eq!(output.stdout, plain);
    assert!(plain.is_ascii());
}

/// The frames of `packets --format ndjson`, by number; null for what no frame brought.
fn objects(output: &[u8]) -> Vec<serde_json::Value> {
    let lines = core::str::from_utf8(output).unwrap().lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn verdicts_of_the_moment_and_their_revisions_come_to_the_final_ones() {
    let mut revised = 0;
    for name in [
        "delay-spike.pcap",
        "two-losses.pcap",
        "tail-loss-probe.pcap",
        "reordering.pcap",
        "retransmission-timeout.pcap",
        "shop.pcapng",
    ] {
        let file = fixture(name);
        let mut finals = objects(&good(&[&"packets", &"--format", &"ndjson", &file]));
        let output = tcplens()
            .args(["packets", "--format", "ndjson", "-"])
            .stdin(fs::File::open(&file).unwrap())
            .output()
            .unwrap();
        let moments = objects(&output.stdout);
        let mut came: Vec<_> = moments
            .iter()
            .filter(|each| !each["frame"].is_null())
            .cloned()
            .collect();
        assert_eq!(came.len(), finals.len());
        for revision in moments
            .iter()
            .filter_map(|each| each["revisions"].as_array())
            .flatten()
        {
            revised += 1;
            let at = revision["frame"].as_u64().unwrap() as usize - 1;
            let was = revision["was"].as_str().unwrap();
            let verdicts = came[at]["verdicts"].as_array_mut().unwrap();
            let verdict = verdicts
                .iter_mut()
                .find(|each| Some(each["kind"].as_str().unwrap()) == was.split(' ').next())
                .unwrap();
            let mut history = verdict["revised"].take();
            if history.is_null() {
                history = serde_json::json!([]);
            }
            let by = moments.iter().find(|each| {
                each["revisions"]
                    .as_array()
                    .is_some_and(|all| all.contains(revision))
            });
            let by = by.unwrap()["frame"].as_u64().unwrap_or(0);
            history
                .as_array_mut()
                .unwrap()
                .push(serde_json::json!({"by": by, "was": was}));
            *verdict = revision["verdict"].clone();
            verdict["revised"] = history;
        }
        for (moment, end) in came.iter_mut().zip(&mut finals) {
            assert!(end["revisions"].is_null(), "{name}: {end}");
            moment.as_object_mut().unwrap().remove("revisions");
            assert_eq!(moment, end, "{name}");
        }
        let text = String::from_utf8(good(&[&"packets", &file])).unwrap();
        assert!(!text.contains(" is now "), "{name}");
    }
    assert!(revised > 3, "{revised} verdicts were revised");
}

#[test]
fn a_revision_is_told_with_the_frame_that_brings_it() {
    let output = tcplens()
        .args(["packets", "-"])
        .stdin(fs::File::open(fixture("delay-spike.pcap")).unwrap())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let told = text
        .split(&['|', ';'][..])
        .find(|part| part.contains(" is now "));
    let told = told.unwrap().trim();
    assert!(told.starts_with("frame "), "{told}");
    assert!(told.ends_with(']') && told.contains(") ["), "{told}");
}

#[test]
fn rules_and_verdicts_are_explained() {
    let all = String::from_utf8(good(&[&"explain"])).unwrap();
    for rule in tcplens::tcp::Rule::ALL {
        let name = format!("  {} ", rule.name());
        assert!(all.contains(&name), "{}", rule.name());
        let one = String::from_utf8(good(&[&"explain", &rule.name()])).unwrap();
        let one = one.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [rule.says(), rule.source(), rule.tshark()] {
            assert!(one.contains(part), "{}: {one}", rule.name());
        }
    }
    assert!(all.lines().all(|line| line.chars().count() <= 80));
    let kind = String::from_utf8(good(&[&"explain", &"reordered"])).unwrap();
    assert!(kind.contains("filled-at-once"), "{kind}");
    assert!(!kind.contains('\x1b'));
    let painted = good(&[&"explain", &"gap", &"--color", &"always"]);
    assert!(painted.contains(&0x1b));
    let said = refused(&[&"explain", &"dsack-report"]);
    assert!(said.contains("near to it: dsack-reported"), "{said}");
    let said = refused(&[&"explain", &"\x1b[31m\u{202e}"]);
    no_controls(said.as_bytes());
}

/// A directory with a program named tshark that does this.
#[cfg(unix)]
fn fake_tshark(scratch: &Scratch, script: &str) {
    use std::os::unix::fs::PermissionsExt;

    let path = scratch.file("tshark", format!("#!/bin/sh\n{script}").as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Compares a capture with what that program says of it.
#[cfg(unix)]
fn versus(scratch: &Scratch, arguments: &[&str], file: &Path) -> Output {
    tcplens()
        .env("PATH", &scratch.0)
        .args(["packets", "--versus-tshark"])
        .args(arguments)
        .arg(file)
        .output()
        .unwrap()
}

#[cfg(unix)]
#[test]
fn where_tshark_differs_is_told_with_the_rule() {
    let scratch = Scratch::new("versus");
    let file = fixture("two-losses.pcap");
    // It is asked for 15 fields; frame 23 is a fast retransmission, 24 and 30 (there is no such
    // frame) out of order.
    fake_tshark(
        &scratch,
        "case \"$*\" in *'-r '*two-losses.pcap*'-e frame.number -e tcp.analysis.retransmission'*) ;;\n\
         *) exit 3 ;; esac\n\
         printf '23\\t1\\t1\\t\\t\\t\\t\\t\\t\\t\\t\\t\\t\\t\\t\\t\\n'\n\
         printf '24\\t\\t\\t\\t1\\t\\t\\t\\t\\t\\t\\t\\t\\t\\t\\t\\n'\n\
         printf '30\\t\\t\\t\\t1\\t\\t\\t\\t\\t\\t\\t\\t\\t\\t\\t\\n'\n",
    );
    let output = versus(&scratch, &[], &file);
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), said.as_str()),
        (Some(0), ""),
        "{text}"
    );
    let differs = |frame: &str| {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(frame));
        line.map(str::to_owned)
    };
    assert_eq!(differs("23 "), None);
    let line = differs("24 ").unwrap();
    assert!(line.contains("retransmission (fast"), "{line}");
    assert!(line.contains("  out-of-order"), "{line}");
    assert_eq!(differs("30 "), None);
    assert!(text.contains("tshark: "), "{text}");
    assert!(text.contains(" told alike, "), "{text}");
    no_controls(text.as_bytes());
    // Only one connection's frames; there is but one.
    let output = versus(&scratch, &["--connection", "0"], &file);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
    let output = versus(&scratch, &["--connection", "4"], &file);
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn without_a_working_tshark_there_is_no_comparison() {
    let scratch = Scratch::new("no-tshark");
    let file = fixture("two-losses.pcap");
    let fails = |why: &str| {
        let output = versus(&scratch, &[], &file);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        no_controls(&output.stderr);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(why), "{said}");
    };
    fails("there is none on PATH");
    fake_tshark(&scratch, "echo 'no way \x1b[31m' >&2\nexit 2\n");
    fails("tshark failed: no way \\x1b[31m");
    fake_tshark(&scratch, "exit 4\n");
    fails("tshark failed: exit status: 4");
    fake_tshark(&scratch, "printf 'what \x1b[31m?\\n'\n");
    fails("not asked for: what \\x1b[31m?");
    for arguments in [
        &["--follow"][..],
        &["--format", "ndjson"],
        &["-c", "3"],
        &["other.pcap"],
    ] {
        let output = versus(&scratch, arguments, &file);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    assert!(refused(&[&"packets", &"--versus-tshark", &"-"]).contains("has to be a file"));
}
