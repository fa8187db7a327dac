//! The screen over files, on a real terminal: it has given its rights up before it reads a capture,
//! and can do all it could with them.
//!
//! What Linux needs for it is there where CI runs; elsewhere a test says what it lacks.
#![cfg(target_os = "linux")]

mod namespace;
mod pty;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use namespace::in_namespace;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use pty::{Folder, OnScreen, wait_until};
use tcplens::confinement::{Needs, confine};
use tcplens::generator::sockets::LESSONS;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tcplens");

/// Whether this system has all that confines, tried in a thread that ends; where CI runs it must.
fn confines(test: &str) -> bool {
    let confined = thread::spawn(|| confine(&Needs::default())).join();
    let confined = confined.expect("it is tried");
    let has_all = confined.files && confined.calls;
    assert!(has_all || std::env::var_os("CI").is_none(), "{confined}");
    if !has_all {
        eprintln!("{test} did not run: this system has {confined:?}");
    }
    has_all
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/captures")
        .join(name)
}

/// A field of `/proc/…/status`; nothing where there is no such process.
fn field(of: impl AsRef<Path>, name: &str) -> Option<String> {
    let status = fs::read_to_string(Path::new("/proc").join(of).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().to_owned())
}

/// Processes that this one has started, and those that they have.
fn started_by(process: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").expect("/proc");
    let all = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let parent = |process: u32| field(process.to_string(), "PPid:")?.parse::<u32>().ok();
    let all: Vec<(u32, u32)> = all.filter_map(|each| Some((each, parent(each)?))).collect();
    let mut found = vec![process];
    let mut at = 0;
    while let Some(&next) = found.get(at) {
        found.extend(all.iter().filter(|each| each.1 == next).map(|each| each.0));
        at += 1;
    }
    found.split_off(1)
}

/// The process that plays lessons for a screen.
fn player_of(screen: u32) -> u32 {
    let is_player = |&each: &u32| {
        let line = fs::read(format!("/proc/{each}/cmdline")).unwrap_or_default();
        line.ends_with(b"\0play-lessons\0")
    };
    let found: Vec<u32> = started_by(screen).into_iter().filter(is_player).collect();
    assert_eq!(found.len(), 1, "one plays lessons: {found:?}");
    found[0]
}

/// That no thread of a process has kept its rights.
#[track_caller]
fn is_confined(process: u32) {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("its threads");
    let mut threads = 0;
    for task in tasks {
        let task = task.expect("a thread").path();
        assert_eq!(field(&task, "NoNewPrivs:").as_deref(), Some("1"));
        assert_eq!(field(&task, "Seccomp:").as_deref(), Some("2"));
        threads += 1;
    }
    assert!(threads > 1, "it reads beside its screen");
}

fn wait_for_the_end_of(process: u32) {
    wait_until("the end of a process", || {
        field(process.to_string(), "State:").is_none_or(|state| state.starts_with('Z'))
    });
}

fn is_stopped(process: u32) -> bool {
    field(process.to_string(), "State:").is_some_and(|state| state.starts_with('T'))
}

#[test]
fn a_file_is_shown_by_who_may_do_nothing_else() {
    if !confines("a_file_is_shown_by_who_may_do_nothing_else") {
        return;
    }
    let folder = Folder::new("confined");
    let [work, aside, outside] = ["work", "aside", "outside"].map(|name| {
        let inside = folder.0.join(name);
        fs::create_dir(&inside).expect("a folder");
        inside
    });
    fs::copy(fixture("half-close.pcap"), outside.join("a.pcap")).expect("a capture");
    let mut command = Command::new(PROGRAM);
    command.arg("../outside/a.pcap").current_dir(&work);
    command.env("TMPDIR", &aside);
    let mut screen = OnScreen::run(command, &folder.0);
    screen.waits_for("1 Connections 1");
    is_confined(screen.child.id());
    let player = player_of(screen.child.id());

    // The streams are read again. Nothing is written beside the capture, and it is told where
    // something can be.
    screen.presses("\r").waits_for("1 Endpoints");
    screen.presses("5").waits_for("everything, please");
    screen.presses("w").waits_for(" to connection-0-");
    screen.presses("\u{15}../outside/x.bin\r");
    screen.waits_for("../outside/x.bin: this screen is confined");
    screen.waits_for(work.to_str().expect("a name"));
    assert!(!outside.join("x.bin").exists());
    screen.presses("w\u{15}x.bin\r").waits_for("to x.bin");
    assert!(work.join("x.bin").exists());
    let elsewhere = aside.join("x.bin");
    let elsewhere = elsewhere.to_str().expect("a name");
    screen.presses(&format!("w\u{15}{elsewhere}\r"));
    screen.waits_for(&format!("to {elsewhere}"));

    // What is simulated needs no rights. Its frames are kept aside to be read again.
    screen.presses("qn").waits_for("simulated unless");
    screen.presses("\r").waits_for("tcplens  bulk-transfer");
    screen
        .waits_for("1 closed")
        .presses("\r")
        .waits_for("1 Endpoints");
    screen.presses("6").waits_for("SYN");

    screen.presses("qq");
    assert!(screen.child.wait().expect("its end").success());
    wait_for_the_end_of(player);
}

#[test]
fn lessons_are_played_for_a_confined_screen() {
    if !confines("lessons_are_played_for_a_confined_screen") {
        return;
    }
    in_namespace("lessons_are_played_for_a_confined_screen", || {
        let folder = Folder::new("lessons");
        let lesson = LESSONS.last().expect("lessons").name;
        let mut command = Command::new(PROGRAM);
        command.args(["open", "--scenarios"]).current_dir(&folder.0);
        command.env("TMPDIR", &folder.0);
        let mut screen = OnScreen::run(command, &folder.0);
        screen.waits_for("simulated unless");
        let player = player_of(screen.child.id());
        screen.presses("G").waits_for(&format!("sockets/{lesson}"));
        screen.presses("\r").waits_for("1 Connections ");
        screen.waits_for(&format!("tcplens  sockets/{lesson}"));
        screen.waits_for("closed");
        is_confined(screen.child.id());
        // With the calls that made the segments.
        screen.presses("\r").waits_for("1 Endpoints");
        screen.presses("2").waits_for("listen(");
        // It ends with its screen, however that ends.
        screen.child.kill().expect("killed");
        wait_for_the_end_of(player);
    });
}

#[test]
fn a_confined_screen_stops_with_its_job() {
    if !confines("a_confined_screen_stops_with_its_job") {
        return;
    }
    let folder = Folder::new("job");
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 120 & exec \"$@\"", "sh", PROGRAM]);
    command
        .arg(fixture("half-close.pcap"))
        .current_dir(&folder.0);
    let mut screen = OnScreen::run(command, &folder.0);
    screen.waits_for("1 Connections 1");
    let id = screen.child.id();
    let player = player_of(id);
    let others: Vec<u32> = started_by(id)
        .into_iter()
        .filter(|&each| each != player)
        .collect();
    assert_eq!(others.len(), 1, "the rest of the job");
    screen.presses("\u{1a}");
    wait_until("the job stops", || is_stopped(id) && is_stopped(others[0]));
    assert!(!is_stopped(player));
    screen.hears_out();
    assert!(!screen.terminal.screen().alternate_screen());
    let job = Pid::from_raw(id as i32);
    killpg(job, Signal::SIGCONT).expect("told to go on");
    screen.waits_for("1 Connections 1");
    assert!(screen.terminal.screen().alternate_screen());
    screen.presses("q");
    assert!(screen.child.wait().expect("its end").success());
    let _ = kill(Pid::from_raw(others[0] as i32), Signal::SIGKILL);
}

/// Keys come from the terminal itself where standard input is a pipe.
#[test]
fn what_is_piped_in_is_shown_confined() {
    if !confines("what_is_piped_in_is_shown_confined") {
        return;
    }
    let folder = Folder::new("piped");
    let mut command = Command::new("setsid");
    command.args([
        "--wait",
        "--ctty",
        "sh",
        "-c",
        "cat \"$1\" | \"$2\" -",
        "sh",
    ]);
    command
        .arg(fixture("half-close.pcap"))
        .arg(PROGRAM)
        .current_dir(&folder.0);
    let mut screen = OnScreen::run(command, &folder.0);
    screen.waits_for("1 Connections 1").waits_for("1 closed");
    let id = started_by(screen.child.id()).into_iter().find(|&each| {
        let line = fs::read(format!("/proc/{each}/cmdline")).unwrap_or_default();
        line == format!("{PROGRAM}\0-\0").into_bytes()
    });
    let id = id.expect("the screen");
    is_confined(id);
    screen.presses("\r").waits_for("1 Endpoints");
    screen.presses("6").waits_for("SYN");
    screen.presses("qq");
    assert!(screen.child.wait().expect("its end").success());
}
