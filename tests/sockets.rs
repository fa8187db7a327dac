//! Lessons with real sockets, run for real: each in a network namespace of its own, its capture
//! read by the analyzer, and both held against what the lesson does and what its call log says.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use tcplens::analysis::{Analyzer, FrameView, Observer, Options};
use tcplens::calls::{self, CallLog};
use tcplens::source::{self, OpenOptions};
use tcplens::tcp::{Closer, Ending, Role, State, What};

/// What must be seen of a lesson.
struct Lesson {
    name: &'static str,
    /// TCP connections in the order of their first frames.
    tcp: &'static [Seen],
    /// UDP conversations, and their datagrams.
    udp: (usize, u64),
    /// Calls that must be in the log.
    calls: &'static [&'static str],
    /// Errors that must be in it: exactly these.
    errors: &'static [&'static str],
    /// Verdicts that must be among those of the analyzer.
    verdicts: &'static [&'static str],
}

/// A connection: how it ended, who closed, both states, octets sent by client and server.
type Seen = (Ending, Role, [State; 2], [u64; 2]);

/// The client closed first, and both in order.
const fn client_closed(sent: [u64; 2]) -> Seen {
    let states = [State::TimeWait, State::Closed];
    (Ending::Graceful, Role::Client, states, sent)
}

const fn reset(ending: Ending, by: Role, sent: [u64; 2]) -> Seen {
    (ending, by, [State::Closed; 2], sent)
}

/// For lessons whose connections depend on the host.
const ANY: &[Seen] = &[];
const SERVER: &[&str] = &["socket", "bind", "listen", "accept", "connect", "close"];
const NONE: Lesson = Lesson {
    name: "",
    tcp: &[],
    udp: (0, 0),
    calls: SERVER,
    errors: &[],
    verdicts: &[],
};

#[rustfmt::skip]
const LESSONS: &[Lesson] = &[
    Lesson { name: "client-server", tcp: &[client_closed([6, 8])], ..NONE },
    Lesson { name: "handshake", tcp: &[client_closed([15, 0])], ..NONE },
    Lesson { name: "endpoints", tcp: &[client_closed([0, 17]); 3], ..NONE },
    Lesson { name: "refused", tcp: &[reset(Ending::Refused, Role::Server, [0, 0])], calls: &["socket", "bind", "connect"], errors: &["ECONNREFUSED"], ..NONE },
    Lesson { name: "backlog", tcp: &[client_closed([0, 0]); 3], verdicts: &["retransmission"], ..NONE },
    Lesson { name: "four-way-close", tcp: &[client_closed([0, 0])], ..NONE },
    Lesson { name: "address-reuse", tcp: &[(Ending::Graceful, Role::Server, [State::Closed, State::TimeWait], [0, 0]), client_closed([0, 0])], calls: &["setsockopt"], errors: &["EADDRINUSE"], ..NONE },
    Lesson { name: "half-close", tcp: &[client_closed([14, 23])], calls: &["shutdown", "poll", "recv"], ..NONE },
    Lesson { name: "close-beside-shutdown", tcp: &[client_closed([9, 7]), reset(Ending::Reset, Role::Client, [9, 7])], calls: &["shutdown"], errors: &["EPIPE"], ..NONE },
    Lesson { name: "shared-descriptor", tcp: &[client_closed([15, 0]), client_closed([25, 0])], calls: &["dup", "write", "shutdown"], ..NONE },
    Lesson { name: "reset-by-linger", tcp: &[reset(Ending::Reset, Role::Client, [10, 0])], calls: &["setsockopt"], errors: &["ECONNRESET"], verdicts: &["reset"], ..NONE },
    Lesson { name: "reset-by-unread-data", tcp: &[reset(Ending::Reset, Role::Server, [31, 3])], verdicts: &["reset"], ..NONE },
    Lesson { name: "byte-stream", tcp: &[client_closed([200_031, 0])], calls: &["send", "write", "recv"], ..NONE },
    Lesson { name: "byte-order", tcp: &[client_closed([8, 0])], ..NONE },
    Lesson { name: "nagle", tcp: &[client_closed([6, 0])], calls: &["setsockopt"], ..NONE },
    Lesson { name: "delayed-ack", tcp: &[client_closed([3, 1])], calls: &["setsockopt"], ..NONE },
    Lesson { name: "zero-window", tcp: ANY, errors: &["EAGAIN"], verdicts: &["zero-window", "window-probe"], ..NONE },
    Lesson { name: "keep-alive", tcp: &[client_closed([6, 0])], calls: &["setsockopt"], verdicts: &["keep-alive"], ..NONE },
    Lesson { name: "congestion", tcp: ANY, calls: &["setsockopt"], ..NONE },
    Lesson { name: "udp-borders", udp: (1, 4), calls: &["bind", "sendto", "recvfrom"], ..NONE },
    Lesson { name: "udp-many-peers", udp: (3, 6), calls: &["sendto", "recvfrom"], ..NONE },
    Lesson { name: "udp-no-answer", udp: (1, 2), calls: &["recvfrom"], errors: &["EAGAIN"], ..NONE },
    Lesson { name: "udp-unreachable", udp: (2, 2), calls: &["connect", "send", "recv"], errors: &["EAGAIN", "ECONNREFUSED"], ..NONE },
    Lesson { name: "udp-truncation", udp: (1, 2), calls: &["recvmsg"], ..NONE },
    Lesson { name: "tcp-beside-udp", tcp: &[client_closed([5, 4])], udp: (1, 2), calls: &["sendto", "connect"], ..NONE },
    Lesson { name: "ipv6", tcp: &[client_closed([16, 0])], ..NONE },
    Lesson { name: "dual-stack", tcp: &[client_closed([0, 8]), client_closed([0, 8]), reset(Ending::Refused, Role::Server, [0, 0])], calls: &["setsockopt"], errors: &["ECONNREFUSED"], ..NONE },
    Lesson { name: "unix-stream", tcp: &[client_closed([6, 9])], ..NONE },
    Lesson { name: "unix-datagram", udp: (1, 3), calls: &["socket", "bind", "sendto", "recvfrom"], ..NONE },
    Lesson { name: "http-websocket", tcp: &[client_closed([216, 194])], ..NONE },
    Lesson { name: "peer-to-peer", tcp: &[client_closed([15, 11]), client_closed([20, 15]), client_closed([13, 0])], ..NONE },
];

fn tcplens(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tcplens"))
        .args(arguments)
        .env("COLUMNS", "80")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("tcplens runs")
}

/// A folder that goes away.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tcplens-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a lesson: its capture and its transcript. `None` where this host forbids it, which is a
/// failure where everything must run.
fn run(folder: &Path, name: &str) -> Option<(PathBuf, String)> {
    let capture = folder.join(format!("{name}.pcapng"));
    let path = capture.to_str().expect("a path in UTF-8");
    let output = tcplens(&[
        "generate",
        &format!("sockets/{name}"),
        "--private",
        "-o",
        path,
    ]);
    let said = String::from_utf8(output.stdout).expect("a transcript in UTF-8");
    if said.contains("Not captured:") || !said.contains("frames in") {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let reason = format!("{name} could not run here:\n{said}{complaint}");
        let is_forbidden = said.contains("Not captured:") || said.contains("has no IPv6");
        assert!(is_forbidden && std::env::var_os("CI").is_none(), "{reason}");
        eprintln!("{reason}");
        return None;
    }
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some((capture, said))
}

#[derive(Default)]
struct Told {
    verdicts: BTreeSet<String>,
    streams: BTreeMap<(u32, bool), Vec<u8>>,
}

impl Observer for Told {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        for event in view.events {
            if let What::Verdict(verdict) = event.what {
                self.verdicts.insert(verdict.to_string());
            }
        }
        ControlFlow::Continue(())
    }

    fn bytes(&mut self, connection: u32, from: Role, _: u64, bytes: &[u8]) {
        let stream = self
            .streams
            .entry((connection, from == Role::Client))
            .or_default();
        stream.extend(bytes);
    }
}

fn check(folder: &Path, lesson: &Lesson) {
    let name = lesson.name;
    let Some((capture, said)) = run(folder, name) else {
        return;
    };
    let mut told = Told::default();
    let mut analyzer = Analyzer::new(Options::default());
    source::open(&[&capture], &OpenOptions::default())
        .and_then(|mut source| source.run(&mut |arrival| analyzer.arrive(arrival, &mut told)))
        .expect("a whole capture");
    analyzer.finish(&mut told);
    let end = analyzer.capture().last.unwrap_or_default();
    let log = fs::read(calls::beside(&capture)).expect("a call log");
    let log = CallLog::read(&mut log.as_slice()).expect("a whole call log");

    let mut seen: Vec<Seen> = Vec::new();
    for (id, slot) in analyzer.connections() {
        let found = analyzer.connection(slot, |view| {
            let sockets = view
                .sockets
                .map(|socket| SocketAddr::new(socket.address.to_ip(), socket.port));
            let sent = Role::BOTH.map(|role| view.connection.endpoint(role).figures.stream_bytes);
            let closer = match view.connection.closer() {
                Some(Closer::One(role)) => role,
                other => panic!("{name}: connection {id} was closed by {other:?}"),
            };
            let states = Role::BOTH.map(|role| view.connection.endpoint(role).state);
            let begun = view.connection.first_time;
            (
                (view.connection.ending(end), closer, states, sent),
                sockets,
                begun,
            )
        });
        let (found, [client, server], begun) = found.expect("a connection that is kept");
        // What the calls say was sent is what went by.
        if name != "unix-stream" {
            let beside = log.of_connection(client, server, begun);
            for by_first in [true, false] {
                let sent: i64 = beside
                    .iter()
                    .filter(|each| each.by_first == by_first && each.call.result > 0)
                    .filter(|each| ["send", "write"].contains(&each.call.call.as_str()))
                    .map(|each| each.call.result)
                    .sum();
                let carried = told.streams.get(&(id, by_first)).map_or(0, Vec::len);
                assert_eq!(
                    sent, carried as i64,
                    "{name}: connection {id}, client: {by_first}"
                );
                assert_eq!(found.3[usize::from(!by_first)], carried as u64, "{name}");
            }
            assert!(
                beside.iter().any(|each| each.call.call == "connect"),
                "{name}: {id}"
            );
        }
        seen.push(found);
    }
    match name {
        "congestion" => assert!(
            !seen.is_empty() && seen.iter().all(|seen| *seen == client_closed([1 << 20, 0]))
        ),
        "zero-window" => assert!(
            matches!(seen[..], [seen] if seen == client_closed(seen.3) && seen.3[0] > 20_000)
        ),
        _ => assert_eq!(seen, lesson.tcp, "{name}"),
    }
    let conversations = analyzer.conversations();
    let datagrams: u64 = conversations
        .iter()
        .map(|view| view.conversation.packets.iter().sum::<u64>())
        .sum();
    assert_eq!((conversations.len(), datagrams), lesson.udp, "{name}");

    let made: BTreeSet<&str> = log.calls.iter().map(|call| call.call.as_str()).collect();
    for call in lesson.calls {
        assert!(
            lesson.udp.0 > 0 && lesson.calls == SERVER || made.contains(call),
            "{name}: no {call} in {made:?}"
        );
    }
    let errors: BTreeSet<&str> = log
        .calls
        .iter()
        .filter_map(|call| call.error.as_deref())
        .collect();
    assert_eq!(
        errors.into_iter().collect::<Vec<_>>(),
        lesson.errors,
        "{name}"
    );
    for verdict in lesson.verdicts {
        let has = told.verdicts.iter().any(|each| each.contains(verdict));
        assert!(has, "{name}: no {verdict} in {:?}", told.verdicts);
    }
    assert_eq!(log.header.lesson, Some(format!("sockets/{name}")));
    assert_eq!(log.header.capture, Some(format!("{name}.pcapng")));
    let numbers: BTreeSet<u64> = log.calls.iter().map(|call| call.number).collect();
    assert_eq!(numbers.len(), log.calls.len(), "{name}: calls are numbered");
    let widest = said.lines().map(|line| line.chars().count()).max();
    let is_path = |line: &&str| line.contains(" in ") || line.starts_with("Next:");
    let too_wide: Vec<&str> = said
        .lines()
        .filter(|line| line.chars().count() > 80)
        .filter(|line| !is_path(line))
        .collect();
    assert!(too_wide.is_empty(), "{name}, {widest:?}: {too_wide:#?}");
}

#[test]
fn lessons_show_what_they_say() {
    const AT_ONCE: usize = 4;
    let folder = Folder::new("lessons");
    thread::scope(|scope| {
        for first in 0..AT_ONCE {
            let folder = &folder.0;
            scope.spawn(move || {
                for lesson in LESSONS.iter().skip(first).step_by(AT_ONCE) {
                    check(folder, lesson);
                }
            });
        }
    });
}

#[test]
fn every_lesson_is_checked() {
    let listed = String::from_utf8(tcplens(&["generate", "--list"]).stdout).expect("UTF-8");
    let listed: BTreeSet<&str> = listed
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("sockets/"))
        .collect();
    let checked: BTreeSet<&str> = LESSONS.iter().map(|lesson| lesson.name).collect();
    assert_eq!(listed, checked);
}

#[test]
fn ladders_show_calls_beside_segments() {
    let folder = Folder::new("ladder");
    let Some((capture, _)) = run(&folder.0, "refused") else {
        return;
    };
    let path = capture.to_str().expect("UTF-8");
    let lines = |arguments: &[&str]| -> Vec<String> {
        let output = tcplens(&[&["ladder", path, "0"], arguments].concat());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        // Without times and descriptors, which differ from run to run.
        text.lines()
            .map(|line| line.chars().skip(23).collect())
            .collect()
    };
    let drawn = lines(&[]);
    let at = |part: &str| drawn.iter().position(|line| line.contains(part));
    // Each call stands before what it caused, and the error after it.
    let order = [
        at("bind("),
        at("connect("),
        at("SYN  seq 0"),
        at("RST ACK"),
        at("connect = -1 ECONNREFUSED"),
    ];
    assert!(
        order.iter().all(Option::is_some) && order.is_sorted(),
        "{order:?} in {drawn:#?}"
    );
    assert!(
        !lines(&["--no-calls"])
            .iter()
            .any(|line| line.contains("connect"))
    );

    let log = calls::beside(&capture);
    let named = log.to_str().expect("UTF-8");
    assert_eq!(lines(&["--calls", named]), drawn);
    fs::write(&log, "no log\n").expect("written");
    let output = tcplens(&["ladder", path, "0"]);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("not a call log"), "{complaint}");
    assert!(output.status.success(), "the diagram is drawn without it");
    assert_eq!(
        tcplens(&["ladder", path, "0", "--calls", named])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn what_cannot_be_run_is_told() {
    for (arguments, said) in [
        (&["sockets/no-such-lesson"][..], "nothing is called"),
        (
            &["sockets/refused", "--as", "server", "--bind", "127.0.0.1"],
            "played on one host",
        ),
        (&["sockets/handshake", "--as", "server"], "needs --bind"),
        (&["sockets/handshake", "--as", "client"], "needs --connect"),
        (&["sockets/handshake", "-o", "x.pcap"], "x.pcapng"),
    ] {
        let output = tcplens(&[&["generate"], arguments].concat());
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains(said), "{arguments:?}: {complaint}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

/// A lesson that waits for a peer that does not come leaves what there is when it is interrupted.
#[test]
fn an_interrupted_lesson_leaves_its_files() {
    let folder = std::env::temp_dir().join(format!("tcplens-interrupted-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let capture = folder.join("a.pcapng");
    let port = 20_000 + std::process::id() % 10_000;
    let mut child = Command::new(env!("CARGO_BIN_EXE_tcplens"))
        .args(["generate", "sockets/half-close", "--as", "server"])
        .args(["--bind", &format!("127.0.0.1:{port}"), "-o"])
        .arg(&capture)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Once it listens, all it can do is wait.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let listens = lines.any(|line| line.unwrap().contains("listen("));
    assert!(listens, "it never listened");
    let killed = Command::new("sh")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status();
    assert!(killed.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let log = fs::read(calls::beside(&capture)).unwrap();
    let log = CallLog::read(&mut log.as_slice()).unwrap();
    let called: Vec<&str> = log.calls.iter().map(|call| call.call.as_str()).collect();
    assert_eq!(called, ["socket", "setsockopt", "bind", "listen"]);
    if capture.exists() {
        let opened = source::open(&[&capture], &OpenOptions::default());
        assert!(opened.is_ok());
    }
    fs::remove_dir_all(&folder).unwrap();
}
