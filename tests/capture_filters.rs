//! Capture filters choose what tcpdump chooses, expression by expression: recorded as a table, so that
//! no tcpdump is needed here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::ops::ControlFlow;

use tcplens::capture_filter::{CaptureFilter, Program, Target};
use tcplens::source::{self, Arrival, OpenOptions};
use tcplens::wire::LinkType;

struct Frame {
    link: LinkType,
    wire_len: u32,
    data: Vec<u8>,
}

fn frames(path: &str) -> Vec<Frame> {
    let mut frames = Vec::new();
    let read = source::open(&[path], &OpenOptions::default()).and_then(|mut source| {
        source.run(&mut |arrival| {
            if let Arrival::Frame(frame) = arrival {
                frames.push(Frame {
                    link: frame.link,
                    wire_len: frame.wire_len,
                    data: frame.data.to_vec(),
                });
            }
            ControlFlow::Continue(())
        })
    });
    // Some are damaged, and are compared up to there.
    let _ = read;
    frames
}

/// The numbers of the chosen frames, as the table has them.
fn chosen(text: &str, frames: &[Frame]) -> String {
    let Ok(filter) = CaptureFilter::parse(text) else {
        return "!".to_owned();
    };
    let mut programs: BTreeMap<u32, Program> = BTreeMap::new();
    let mut numbers = Vec::new();
    for (frame, number) in frames.iter().zip(1..) {
        let program = match programs.entry(frame.link.0) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => match filter.compile(Target::Captured(frame.link), 0) {
                Ok(program) => place.insert(program),
                Err(_) => return "!".to_owned(),
            },
        };
        if program.takes(&frame.data, frame.wire_len) {
            numbers.push(number);
        }
    }
    if numbers.len() == frames.len() {
        return "*".to_owned();
    }
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => parts.push((number, number)),
        }
    }
    let shown = parts.iter().map(|&(first, last)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    });
    shown.collect::<Vec<_>>().join(",")
}

/// Where libpcap's choice is not followed.
const OTHERWISE: &[(&str, &str)] = &[
    (
        "ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2) != 0",
        "libpcap asks only of the first field whether the packet has it: UDP is read as TCP",
    ),
    (
        "udp[2000] = 0 or udp",
        "libpcap's optimizer leaves the load out; with -O it chooses as we do",
    ),
];

/// `fixtures/capture-filters/tcpdump.tsv` says which frames tcpdump chooses.
#[test]
fn chooses_what_tcpdump_chooses() {
    let root = env!("CARGO_MANIFEST_DIR");
    // Others may be compared by hand.
    let table = std::env::var("CAPTURE_FILTER_TABLE")
        .unwrap_or_else(|_| format!("{root}/fixtures/capture-filters/tcpdump.tsv"));
    let folder = std::env::var("CAPTURE_FILTER_FOLDER")
        .unwrap_or_else(|_| format!("{root}/fixtures/captures"));
    let table = fs::read_to_string(table).unwrap();
    let mut lines = table.lines().filter(|line| !line.starts_with('#'));
    let files: Vec<&str> = lines.next().unwrap().split('\t').skip(1).collect();
    let captures: Vec<_> = files
        .iter()
        .map(|file| frames(&format!("{folder}/{file}")))
        .collect();
    let (mut expressions, mut cells, mut problems) = (0, 0, Vec::new());
    for line in lines {
        expressions += 1;
        let mut line = line.split('\t');
        let text = line.next().unwrap();
        for ((file, capture), expected) in files.iter().zip(&captures).zip(line) {
            cells += 1;
            let ours = chosen(text, capture);
            let otherwise = OTHERWISE.iter().any(|&(each, _)| each == text);
            if ours != expected && !otherwise {
                problems.push(format!("{text} on {file}: {ours:?}, tcpdump {expected:?}"));
            }
        }
    }
    assert!(expressions > 200 && cells > 5000, "{expressions}, {cells}");
    let shown = problems
        .iter()
        .take(60)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        problems.is_empty(),
        "{} of {cells}:\n{shown}",
        problems.len()
    );
}
