//! Filters: against tshark's answers, against themselves (figures and frames must agree), through
//! the commands, and in the manual.
//!
//! `UPDATE_EXPECT=1 cargo test --test filter` rewrites what is recorded of ours and the manual's
//! tables; `fixtures/make/filters.py` records tshark's answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use expect_test::{expect, expect_file};
use tcplens::analysis::{Analyzer, FrameView, Observer, Options, Revisions, Settled};
use tcplens::filter::{Before, Field, Filter, Found, Needs, Scan, chosen, fields};
use tcplens::generator::Script;
use tcplens::report::field::{Row, UdpRow};
use tcplens::source::{self, Arrival, OpenOptions, Source};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn fixture(name: &str) -> PathBuf {
    root().join("fixtures/captures").join(name)
}

fn read(file: &Path, observer: &mut dyn Observer) -> Analyzer {
    let mut analyzer = Analyzer::new(Options::default());
    // Damaged fixtures end in an error; what came before counts.
    let _ = source::open(&[file], &OpenOptions::default())
        .unwrap()
        .run(&mut |arrival| analyzer.arrive(arrival, observer));
    analyzer.finish(observer);
    analyzer
}

/// Two readings of a capture with a filter: frames that match, by their final verdicts.
struct Frames<'f> {
    filter: &'f Filter,
    before: Before,
    revisions: Revisions,
    settled: Settled,
    matching: Vec<u64>,
}

impl Observer for Frames<'_> {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let settled = self
            .revisions
            .settle(view.frame.number, view.events, &mut self.settled);
        let events = if settled {
            &self.settled.events
        } else {
            view.events
        };
        let view = FrameView { events, ..*view };
        if self.filter.matches_frame(&view, &self.before) {
            self.matching.push(view.frame.number);
        }
        self.before.note(&view);
        ControlFlow::Continue(())
    }

    fn aside(&mut self, arrival: &Arrival<'_>) {
        self.before.aside(arrival);
    }
}

struct Known {
    revisions: Revisions,
    analyzer: Analyzer,
}

fn first_reading(file: &Path) -> Known {
    let mut revisions = Revisions::new(None, 1 << 20);
    let analyzer = read(file, &mut revisions);
    Known {
        revisions,
        analyzer,
    }
}

fn matching(file: &Path, known: &Known, filter: &Filter) -> Vec<u64> {
    let mut before = Before::new(filter);
    before.learn(filter, &known.analyzer);
    let mut frames = Frames {
        filter,
        before,
        revisions: known.revisions.clone(),
        settled: Settled::default(),
        matching: Vec::new(),
    };
    read(file, &mut frames);
    frames.matching
}

/// `1 2 3 7` as `1-3 7`.
fn ranges(numbers: &[u64]) -> String {
    let mut found: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => found.push((number, number)),
        }
    }
    let shown = found.iter().map(|&(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    match found.is_empty() {
        true => "-".to_owned(),
        false => shown.collect::<Vec<_>>().join(" "),
    }
}

struct Expression {
    capture: String,
    text: String,
    /// Why we differ from tshark; empty where we do not.
    reason: String,
}

fn expressions() -> Vec<Expression> {
    let text = fs::read_to_string(root().join("tests/expected/filter/expressions.tsv")).unwrap();
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut parts = line.split('\t').map(str::to_owned);
            Expression {
                capture: parts.next().unwrap(),
                text: parts.next().unwrap(),
                reason: parts.next().unwrap_or_default(),
            }
        })
        .collect()
}

#[test]
fn frames_match_as_tshark_says_or_for_a_reason() {
    let theirs = fs::read_to_string(root().join("tests/expected/filter/tshark.tsv")).unwrap();
    let mut theirs = theirs.lines().filter(|line| !line.starts_with('#'));
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let mut different = String::new();
    let mut problems = Vec::new();
    let all = expressions();
    assert!(all.len() >= 200, "{}", all.len());
    for each in &all {
        let line = theirs.next().expect("fixtures/make/filters.py was not run");
        let (question, answer) = line.rsplit_once('\t').unwrap();
        assert_eq!(question, format!("{}\t{}", each.capture, each.text));
        let file = fixture(&each.capture);
        let known = known
            .entry(each.capture.clone())
            .or_insert_with(|| first_reading(&file));
        let filter =
            Filter::parse(&each.text).unwrap_or_else(|error| panic!("{}: {error}", each.text));
        let ours = ranges(&matching(&file, known, &filter));
        if (ours == answer) != each.reason.is_empty() {
            problems.push(format!("{question}\n  tshark {answer}\n  we     {ours}\n"));
        }
        if !each.reason.is_empty() {
            let reason = &each.reason;
            writeln!(
                different,
                "{} | {}\n  tshark  {answer}\n  tcplens {ours}\n  {reason}",
                each.capture, each.text
            )
            .unwrap();
        }
    }
    assert!(problems.is_empty(), "{}", problems.concat());
    assert_eq!(theirs.next(), None);
    expect_file!["expected/filter/different.txt"].assert_eq(&different);
}

#[test]
fn padding_is_not_of_the_packet() {
    const HEADERS: usize = 24 + 16;
    let scratch = Scratch::new("padding");
    let mut bytes = fs::read(fixture("http-request.pcap")).unwrap();
    let len = u32::from_le_bytes(bytes[32..36].try_into().unwrap());
    bytes.truncate(HEADERS + len as usize);
    bytes.extend(b"trailer");
    let padded = (len + 7).to_le_bytes();
    bytes[32..36].copy_from_slice(&padded);
    bytes[36..40].copy_from_slice(&padded);
    let path = scratch.path("padded.pcap");
    fs::write(&path, bytes).unwrap();
    let known = first_reading(&path);
    for (text, expected) in [
        ("eth contains \"trailer\"", vec![1]),
        ("ip contains \"trailer\"", vec![]),
        ("ip contains \"\\n\"", vec![1]),
    ] {
        let filter = Filter::parse(text).unwrap();
        assert_eq!(matching(&path, &known, &filter), expected, "{text}");
    }
}

/// Filters that figures can answer, in part or wholly.
const OF_CONNECTIONS: &[&str] = &[
    "tcp",
    "udp",
    "icmp",
    "arp",
    "ip",
    "ipv6",
    "tcp.port == 80",
    "tcp.port != 80",
    "tcp.srcport == 80",
    "!(tcp.srcport == 80)",
    "udp.port == 53",
    "udp.stream == 1",
    "tcp.stream == 0",
    "ip.src == 10.0.0.1 && tcp.srcport == 80",
    "ip.addr == 10.0.0.0/8 and not ipv6",
    "ipv6.addr == 2001:db8::/32 || ip.addr == 10.20.0.20",
    "host == web.shop.example",
    "host contains shop",
    "ip.version == 6",
    "ip.proto == 17",
    "tcp.flags.syn == 1",
    "tcp.flags.syn == 0",
    "tcp.flags.syn",
    "!(tcp.flags.syn == 1)",
    "tcp.flags.fin == 1",
    "tcp.flags.reset == 1",
    "tcp.flags.reset == 0",
    "tcp.flags.syn == 1 && tcp.flags.fin == 1",
    "tcp.analysis.retransmission",
    "!tcp.analysis.retransmission",
    "tcp.analysis.retransmission && tcp.srcport == 80",
    "tcp.analysis.fast_retransmission",
    "tcp.analysis.spurious_retransmission",
    "tcp.analysis.out_of_order",
    "tcp.analysis.lost_segment",
    "tcp.analysis.ack_lost_segment",
    "tcp.analysis.duplicate_ack",
    "tcp.analysis.zero_window",
    "tcp.analysis.zero_window_probe",
    "tcp.analysis.window_full",
    "tcp.analysis.window_update",
    "tcp.analysis.keep_alive",
    "tcp.analysis.reused_ports",
    "tcp.analysis.flags",
    "tcp.analysis.retransmission ^^ tcp.analysis.duplicate_ack",
    "verdict.kind == retransmission",
    "verdict.kind == reset || tcp.port == 80",
    "verdict.kind in {dsack, ecn-echo, congestion-experienced, network-duplicate}",
    "verdict.kind != retransmission",
    "verdict.kind == challenge-ack",
    "verdict.trigger == timeout",
    "verdict.need == spurious && verdict.trigger == fast",
    "conn.retransmissions > 0",
    "conn.retransmissions > 0 && tcp.len > 1000",
    "conn.state == \"TIME-WAIT\"",
    "conn.duration > 50ms || udp.port == 53",
    "conn.protocol == udp",
    "tcp.len > 0",
    "tcp contains \"GET\"",
    "tcp[20:]",
    "ip contains \"GET\"",
    "len(ip) == 20",
    "ip.src[0] == 0a",
    "tcp.completeness == 31",
    "tcp.completeness & 32",
    "tcp.analysis.keep_alive_ack",
    "tcp.analysis.ack_rtt > 0.03",
    "80 < tcp.srcport < 8081",
];

#[test]
fn figures_answer_for_connections_as_their_frames_would() {
    let mut captures: Vec<_> = fs::read_dir(root().join("fixtures/captures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    captures.sort();
    let filters = OF_CONNECTIONS
        .iter()
        .map(|text| Filter::parse(text).unwrap());
    let filters: Vec<_> = filters.collect();
    let mut decided = 0;
    let mut problems = Vec::new();
    for file in captures {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let known = first_reading(&file);
        for filter in &filters {
            let mut before = Before::new(filter);
            before.learn(filter, &known.analyzer);
            let mut scan = Scan::new(filter, before, Some(known.revisions.clone()));
            read(&file, &mut scan);
            let found = scan.into_found();
            let capture = known.analyzer.capture();
            let (end, names) = (capture.now.unwrap_or_default(), &capture.names);
            for (id, slot) in known.analyzer.connections() {
                let told = known.analyzer.connection(slot, |view| {
                    filter.decide_connection(&Row { view, end, names })
                });
                let told = told.unwrap();
                decided += u32::from(told.is_some());
                assert!(
                    told.is_some() || filter.needs() == Needs::Frames,
                    "{filter}"
                );
                if told.is_some_and(|told| told != found.has_tcp(id)) {
                    problems.push(format!("{name}: {filter}: connection {id}: {told:?}"));
                }
            }
            for conversation in known.analyzer.conversations() {
                let row = UdpRow {
                    conversation,
                    names,
                };
                let told = filter.decide_conversation(&row);
                decided += u32::from(told.is_some());
                if told.is_some_and(|told| told != found.has_udp(conversation.id)) {
                    problems.push(format!(
                        "{name}: {filter}: conversation {}: {told:?}",
                        conversation.id
                    ));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{:#?}", problems);
    assert!(decided > 2000, "{decided}");
}

/// The connections and conversations of the shop that a filter matches.
fn of_shop(text: &str) -> String {
    let file = fixture("shop.pcapng");
    let filter = Filter::parse(text).unwrap();
    let known = first_reading(&file);
    let mut before = Before::new(&filter);
    before.learn(&filter, &known.analyzer);
    let mut scan = Scan::new(&filter, before, Some(known.revisions));
    let analyzer = read(&file, &mut scan);
    let found: Found = chosen(&filter, &analyzer, &scan.into_found());
    let list = |numbers: Vec<u32>| ranges(&numbers.into_iter().map(u64::from).collect::<Vec<_>>());
    format!(
        "{text}: tcp {}, udp {}\n",
        list(found.tcp().collect()),
        list(found.udp().collect())
    )
}

#[test]
fn connections_are_chosen_by_fields_of_our_own() {
    let all: String = [
        "conn.retransmissions > 1",
        "conn.client.retransmissions > 1",
        "conn.state == \"CLOSE-WAIT\"",
        "conn.state == TIME-WAIT",
        "conn.server.state == CLOSED",
        "conn.rtt.p95 > 30ms",
        "conn.duration > 1s",
        "conn.bytes > 10K",
        "conn.server.bytes > 10K && conn.client.bytes < 10K",
        "conn.opening == simultaneous",
        "conn.ending in {reset, refused}",
        "conn.closed_by == both",
        "conn.reset_by",
        "conn.window.zero_time > 1s",
        "conn.trouble > 1s",
        "conn.icmp_errors > 0",
        "conn.options.sack_permitted",
        "all conn.options.window_scale > 0",
        "conn.port_reused || conn.client_guessed",
        "host == web.shop.example",
        "host matches \"^till\" && !(host == web.shop.example)",
        "host == 10.20.0.20",
        "host contains \"fd20::1\"",
        "verdict.trigger == timeout",
        "verdict.trigger == fast && verdict.need == spurious",
        "verdict.rule == probe-of-the-tail",
        "verdict.confidence == ambiguous",
        "verdict.waited > 1s",
        "conn.protocol == udp && conn.packets == 1",
        "conn.id == 3",
        "frame.number == 100",
    ]
    .into_iter()
    .map(of_shop)
    .collect();
    expect_file!["expected/filter/connections.txt"].assert_eq(&all);
}

/// A directory of its own for a test, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("tcplens-filter-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcplens"));
    command
        .env_clear()
        .env("COLUMNS", "80")
        .env("LC_ALL", "C.UTF-8")
        .current_dir(root())
        .args(arguments)
        .stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

#[track_caller]
fn good(arguments: &[&str]) -> String {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

const SHOP: &str = "fixtures/captures/shop.pcapng";

#[test]
fn packets_prints_the_frames_that_match() {
    let text = good(&[
        "packets",
        SHOP,
        "--filter",
        "tcp.stream == 2 && tcp.analysis.flags",
    ]);
    expect_file!["expected/filter/packets.txt"].assert_eq(&text);
    // The last frame of a count is printed, and none after it.
    let text = good(&["packets", SHOP, "-Y", "tcp.len > 0", "-c", "2"]);
    let numbers: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(numbers, ["#", "10", "12"]);
    // Together with a connection, both must be true.
    let text = good(&["packets", SHOP, "-Y", "tcp.len > 0", "--connection", "5"]);
    assert!(!text.contains('>'), "{text}");
    // How a connection ended is known from its first frame on.
    let text = good(&[
        "packets",
        SHOP,
        "-Y",
        "conn.ending == refused",
        "--format",
        "tsv",
    ]);
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[test]
fn a_pipe_is_filtered_by_what_is_known_at_each_frame() {
    let mut child = command(&[
        "packets",
        "-",
        "-Y",
        "tcp.analysis.retransmission || conn.retransmissions > 4",
    ])
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let bytes = fs::read(fixture("shop.pcapng")).unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .collect();
    assert_eq!(ranges(&numbers), "44 89-91 132 135 146 174 192 196-198");
}

#[test]
fn analyze_reports_the_connections_that_match() {
    let text = good(&["analyze", SHOP, "--filter", "conn.retransmissions > 1"]);
    expect_file!["expected/filter/analyze.txt"].assert_eq(&text);
    // The same by looking at frames.
    let by_frames = good(&[
        "analyze",
        SHOP,
        "-Y",
        "tcp.payload contains \"GET\"",
        "--format",
        "csv",
    ]);
    let ids: Vec<_> = by_frames
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!(ids, ["1", "7", "9"]);
    let none = good(&["analyze", SHOP, "-Y", "tcp.port == 1", "--format", "ndjson"]);
    assert!(!none.contains("\"type\":\"connection\""), "{none}");
}

#[test]
fn a_filter_finds_the_connection_to_draw_or_to_follow() {
    let by_number = good(&["follow", SHOP, "1"]);
    let by_filter = good(&["follow", SHOP, "--filter", "conn.id == 1"]);
    assert_eq!(by_number, by_filter);
    let by_number = good(&["ladder", SHOP, "5"]);
    let by_filter = good(&["ladder", SHOP, "--filter", "tcp.port == 3306"]);
    assert_eq!(by_number, by_filter);
    expect![[r#"
        tcplens: 3 connections match the filter: 1, 7, 9; give the number of one after the files
    "#]]
    .assert_eq(&refused(&[
        "follow",
        SHOP,
        "-Y",
        "tcp.payload contains \"GET\"",
    ]));
    expect![[r#"
        tcplens: no connection matches the filter
    "#]]
    .assert_eq(&refused(&["ladder", SHOP, "-Y", "tcp.port == 1"]));
    // With a number, frames are chosen.
    let drawn = good(&["ladder", SHOP, "1", "-Y", "tcp.len > 0"]);
    assert!(
        drawn.contains("len 77") && !drawn.contains("SYN  seq 0"),
        "{drawn}"
    );
    let question = good(&[
        "follow",
        SHOP,
        "1",
        "-Y",
        "tcp.dstport == 80",
        "--format",
        "raw",
    ]);
    assert!(
        question.starts_with("GET ") && !question.contains("200 OK"),
        "{question}"
    );
}

#[test]
fn extract_writes_the_streams_of_what_matches() {
    let scratch = Scratch::new("extract");
    let folder = scratch.path("streams");
    good(&[
        "extract",
        SHOP,
        "-o",
        folder.to_str().unwrap(),
        "-Y",
        "tcp.port == 6379",
    ]);
    let streams = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let streams = streams.filter(|name| name != "streams.ndjson").count();
    assert_eq!(streams, 2);
    let said = refused(&["extract", "-", "-o", folder.to_str().unwrap(), "-Y", "tcp"]);
    assert!(said.contains("has to be a file"), "{said}");
}

#[test]
fn errors_point_at_their_place() {
    expect![[r#"
        error: there is no field tcp.prot; did you mean tcp.port?

          tcp && tcp.prot == 80
                 ^^^^^^^^
    "#]]
    .assert_eq(&refused(&[
        "packets",
        SHOP,
        "--filter",
        "tcp && tcp.prot == 80",
    ]));
    // Before the screen opens too.
    let said = refused(&["packets", SHOP, "-Y", "tcp.prot"]);
    assert_eq!(refused(&[SHOP, "-Y", "tcp.prot"]), said);
    assert_eq!(refused(&["open", SHOP, "-Y", "tcp.prot"]), said);
}

#[test]
fn a_slice_is_the_connection_as_it_was() {
    let scratch = Scratch::new("slice");
    let out = scratch.path("two.pcapng");
    let out = out.to_str().unwrap();
    let said = good(&["slice", SHOP, "--connection", "2", "-o", out]);
    assert!(
        said.ends_with("two.pcapng: 31 frames, 1 connection\n"),
        "{said}"
    );
    // What it is judged to be does not depend on what else there was.
    let verdicts = |text: String| -> Vec<String> {
        text.lines()
            .skip(1)
            .map(|line| {
                let fields: Vec<_> = line.split('\t').collect();
                [&fields[1..7], &fields[9..]].concat().join("\t")
            })
            .collect()
    };
    let whole = good(&["packets", SHOP, "--connection", "2", "--format", "tsv"]);
    let slice = good(&["packets", out, "--format", "tsv"]);
    let without_numbers = |rows: Vec<String>| -> Vec<String> {
        rows.into_iter()
            .map(|row| row.rsplit_once('\t').unwrap().0.to_owned())
            .collect()
    };
    assert_eq!(
        without_numbers(verdicts(whole)),
        without_numbers(verdicts(slice))
    );
    // Names, comments and the interface are kept.
    let report = good(&["analyze", out]);
    for kept in [
        "Ethernet on eth0",
        "comment: A little shop's network",
        "web.shop.example",
    ] {
        assert!(report.contains(kept), "{report}");
    }
}

#[test]
fn a_slice_has_everything_of_what_matches_and_nothing_else() {
    let scratch = Scratch::new("slices");
    let path = scratch.path("out.pcapng");
    let out = path.to_str().unwrap();
    let frames = |file: &str| good(&["packets", file, "--format", "tsv"]).lines().count() - 1;
    // Both kinds, and ICMP errors about them.
    good(&["slice", SHOP, "-Y", "icmp || tcp.port == 3306", "-o", out]);
    assert_eq!(frames(out), 6);
    // Frames alone, to a pipe.
    let output = run(&[
        "slice",
        SHOP,
        "--frames",
        "-Y",
        "tcp.flags.reset == 1",
        "-o",
        "-",
    ]);
    fs::write(&path, output.stdout).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "tcplens: 2 frames, 2 connections\n"
    );
    assert_eq!(frames(out), 2);
    // Fragments go with the datagram that they are put together to.
    let fragments = "fixtures/captures/fragments-udp.pcap";
    good(&["slice", fragments, "-Y", "udp.stream == 0", "-o", out]);
    assert_eq!(frames(out), frames(fragments));
    // Several inputs, with link types of their own.
    let both = [
        "fixtures/captures/raw-ip.pcap",
        "fixtures/captures/loopback.pcap",
    ];
    good(&["slice", both[0], both[1], "-Y", "tcp", "-o", out]);
    assert_eq!(frames(out), frames(both[0]) + frames(both[1]));
    // Comments on frames, and several interfaces.
    let commented = "fixtures/captures/commented.pcapng";
    good(&["slice", commented, "-Y", "tcp || udp", "-o", out]);
    let text = |file: &str| good(&["packets", file]);
    assert_eq!(text(out), text(commented));
    let two = "fixtures/captures/two-interfaces.pcapng";
    good(&[
        "slice",
        two,
        "--frames",
        "-Y",
        "frame.interface_id == 1",
        "-o",
        out,
    ]);
    assert_eq!(frames(out), 10);
    // Nanoseconds stay.
    let nanoseconds = "fixtures/captures/nanoseconds.pcap";
    good(&["slice", nanoseconds, "-Y", "tcp", "-o", out]);
    let times = |file: &str| good(&["packets", file, "-t", "e"]);
    assert_eq!(times(out), times(nanoseconds));
}

#[test]
fn a_slice_never_overwrites_its_input() {
    let scratch = Scratch::new("overwrite");
    let path = scratch.path("in.pcap");
    fs::copy(fixture("http-request.pcap"), &path).unwrap();
    let file = path.to_str().unwrap();
    let said = refused(&["slice", file, "-Y", "tcp", "-o", file]);
    assert!(said.contains("one of the inputs"), "{said}");
    assert_eq!(
        fs::read(&path).unwrap(),
        fs::read(fixture("http-request.pcap")).unwrap()
    );
    let said = refused(&["slice", file, "-o", "x.pcapng"]);
    assert!(said.contains("--filter EXPR, or --connection N"), "{said}");
    let missing = refused(&[
        "slice",
        "nothing.pcap",
        "-Y",
        "tcp",
        "-o",
        scratch.path("x").to_str().unwrap(),
    ]);
    assert!(missing.contains("nothing.pcap"), "{missing}");
    assert!(!scratch.path("x").exists());
}

#[test]
fn a_damaged_input_is_sliced_to_its_damage() {
    let scratch = Scratch::new("damaged");
    let bytes = fs::read(fixture("http-request.pcap")).unwrap();
    let path = scratch.path("cut.pcap");
    fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
    let out = scratch.path("out.pcapng");
    let (file, out) = (path.to_str().unwrap(), out.to_str().unwrap());
    let output = run(&["slice", file, "-Y", "tcp", "-o", out]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("damaged at byte"));
    assert_eq!(
        good(&["packets", out, "--format", "tsv"]).lines().count(),
        10
    );
}

#[test]
fn a_script_gives_the_connection_back() {
    for (capture, number) in [
        ("two-losses.pcap", 0),
        ("zero-window.pcap", 0),
        ("half-close.pcap", 0),
        ("shop.pcapng", 2),
        ("shop.pcapng", 9),
        ("ipv6.pcap", 0),
    ] {
        let file = format!("fixtures/captures/{capture}");
        let text = good(&["script", &file, &number.to_string()]);
        let mut script =
            Script::parse(&text).unwrap_or_else(|error| panic!("{capture}: {error}\n{text}"));
        // Played and written down again, it is the same.
        let mut again = tcplens::generator::script::Transcript::default();
        script
            .run(&mut |arrival| {
                if let Arrival::Frame(frame) = arrival {
                    again.take(&frame);
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(again.to_string(), text, "{capture}");
    }
    let text = good(&[
        "script",
        "fixtures/captures/two-losses.pcap",
        "0",
        "--count",
        "3",
    ]);
    assert_eq!(text.lines().count(), 5, "{text}");
    let said = refused(&["script", SHOP, "99"]);
    assert!(said.contains("connections 0 to 10"), "{said}");
}

fn rows<'f>(of: impl Iterator<Item = &'f Field>) -> String {
    let mut text = String::from("| field | kind | meaning |\n| --- | --- | --- |\n");
    for field in of {
        let words = match field.values() {
            [] => String::new(),
            // These have a table of their own.
            many if many.len() > 20 => String::new(),
            words if field.says().contains(&format!("`{}`", words[0])) => String::new(),
            words => format!(": `{}`", words.join("`, `")),
        };
        let unit = match field.unit() {
            "" => String::new(),
            unit => format!(", {unit}"),
        };
        let (name, kind, says) = (field.name(), field.kind(), field.says());
        writeln!(text, "| `{name}` | {kind}{unit} | {says}{words} |").unwrap();
    }
    text
}

/// The tables of the manual.
fn tables() -> String {
    let starts = |with: &'static str| move |field: &&Field| field.name().starts_with(with);
    let of_side = |field: &&Field| {
        field.name().starts_with("conn.client.") || field.name().starts_with("conn.server.")
    };
    let is_other = |field: &&Field| {
        let name = field.name();
        !["conn.", "verdict.", "tcp", "host"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    let both: Vec<String> = fields()
        .iter()
        .filter(|field| field.name().starts_with("conn.client."))
        .map(|field| format!("`{}`", field.name().trim_start_matches("conn.client.")))
        .collect();
    format!(
        "### Connections\n\n\
         Those that both endpoints have are sums where they count something, and else the values of both. \
         UDP conversations have those that make sense for them.\n\n{}\n\
         `conn.client.…` and `conn.server.…` are those of one endpoint: {}.\n\n\
         ### Verdicts\n\n{}\n### TCP\n\n{}\n### Everything else\n\n{}",
        rows(fields().iter().filter(|field| {
            field.name() == "host" || (field.name().starts_with("conn.") && !of_side(field))
        })),
        both.join(", "),
        rows(
            fields()
                .iter()
                .filter(|field| starts("verdict.")(field) || starts("tcp.analysis.")(field))
        ),
        rows(
            fields()
                .iter()
                .filter(|field| starts("tcp")(field) && !starts("tcp.analysis.")(field))
        ),
        rows(fields().iter().filter(is_other)),
    )
}

#[test]
fn the_manual_has_every_field() {
    const BEGIN: &str = "<!-- begin: written by tests/filter.rs -->\n";
    const END: &str = "<!-- end -->\n";
    let path = root().join("docs/filters.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    expect_file![path].assert_eq(&format!("{head}{BEGIN}\n{}\n{END}{tail}", tables()));
}
