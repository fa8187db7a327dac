use std::fs;
use std::ops::ControlFlow;

use super::*;
use crate::source::{self, Interface, OpenOptions};

/// A directory of a test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("tcplens-recording-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
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

const START: i64 = 1_700_000_000_000_000_000;

fn announce(recorder: &Recorder, index: u32, name: &str) {
    recorder.aside(&Arrival::Interface(Interface {
        index,
        name: Some(name),
        link: LinkType::ETHERNET,
        snaplen: 96,
        ticks_per_second: 1_000_000_000,
        format: "live",
        input: 0,
    }));
}

fn give(recorder: &Recorder, interface: u32, nanos: i64, data: &[u8], comment: Option<&str>) {
    let frame = CapturedFrame {
        number: 1,
        time: Timestamp::from_nanos(START + nanos),
        interface,
        link: LinkType::ETHERNET,
        wire_len: data.len() as u32,
        data,
        upcoming: &[],
        place: crate::frame::Place::NOWHERE,
    };
    recorder.frame(&frame, comment);
}

/// What our own source reads of a file.
fn read(path: &Path) -> Vec<String> {
    let mut read = Vec::new();
    let end = source::open(&[path], &OpenOptions::default()).and_then(|mut source| {
        source.run(&mut |arrival| {
            read.push(match arrival {
                Arrival::Frame(frame) => {
                    let nanos = frame.time.as_nanos() - START;
                    format!("{nanos} on {}: {:?}", frame.interface, frame.data)
                }
                Arrival::Interface(interface) => {
                    format!("{} of {}", interface.name.unwrap_or("?"), interface.snaplen)
                }
                Arrival::Missed { interface, frames } => format!("{frames} missed on {interface}"),
                Arrival::Comment { text, .. } => text.to_owned(),
                other => format!("{other:?}"),
            });
            ControlFlow::Continue(())
        })
    });
    assert_eq!(end, Ok(()));
    read
}

#[test]
fn frames_drops_comments_and_interfaces_are_read_back() {
    let folder = Folder::new("whole");
    let path = folder.0.join("a.pcapng");
    let recorder = Recorder::default();
    announce(&recorder, 0, "eth0");
    // Before recording.
    give(&recorder, 0, 0, &[0], None);
    recorder.note_filter("tcp");
    recorder.start(&path, Rotation::default()).unwrap();
    give(&recorder, 0, 1, &[1], Some("first"));
    announce(&recorder, 1, "eth1");
    give(&recorder, 1, 2, &[2, 3], None);
    recorder.aside(&Arrival::Missed {
        interface: 1,
        frames: 9,
    });
    let summary = recorder.stop().unwrap();
    assert_eq!((summary.frames, summary.bytes, summary.files), (2, 3, 1));
    assert_eq!(
        read(&path),
        [
            "eth0 of 96",
            "1 on 0: [1]",
            "first",
            "eth1 of 96",
            "2 on 1: [2, 3]",
            "9 missed on 1"
        ]
    );
    assert!(recorder.status().is_none() && recorder.stop().is_none());
}

#[test]
fn a_ring_of_files_is_overwritten_in_turn() {
    let folder = Folder::new("ring");
    let recorder = Recorder::default();
    announce(&recorder, 0, "eth0");
    let rotation = Rotation {
        size: Some(100),
        files: Some(3),
        ..Rotation::default()
    };
    recorder.start(&folder.0.join("a"), rotation).unwrap();
    // Two of them to a file.
    for n in 0..9 {
        give(&recorder, 0, n, &[n as u8; 40], None);
    }
    let summary = recorder.stop().unwrap();
    assert_eq!((summary.files, summary.frames), (5, 9));
    assert_eq!(folder.files(), ["a0", "a1", "a2"]);
    let numbers = |name: &str| {
        let lines = read(&folder.0.join(name));
        let frames = lines.iter().filter(|line| line.contains(" on 0: "));
        let numbers = frames.map(|line| line.split(' ').next().unwrap().to_owned());
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(numbers("a0"), ["6", "7"]);
    assert_eq!(numbers("a1"), ["8"]);
    assert_eq!(numbers("a2"), ["4", "5"]);
}

#[test]
fn files_of_a_time_end_with_the_last() {
    let folder = Folder::new("time");
    let recorder = Recorder::default();
    announce(&recorder, 0, "eth0");
    let rotation = Rotation {
        time: Some(Span::from_secs(10)),
        files: Some(2),
        ..Rotation::default()
    };
    recorder.start(&folder.0.join("a-%s"), rotation).unwrap();
    for seconds in [0, 5, 10, 19, 21, 30] {
        give(&recorder, 0, seconds * 1_000_000_000, &[1], None);
    }
    assert!(matches!(
        recorder.take_notice(),
        Some(RecordingNotice::Complete(_))
    ));
    assert!(recorder.status().is_none());
    assert_eq!(folder.files().len(), 2);
}

#[test]
fn the_last_moments_come_first() {
    let folder = Folder::new("lookback");
    let path = folder.0.join("a.pcapng");
    let recorder = Recorder::with_lookback(Span::from_nanos(5), 1 << 16);
    announce(&recorder, 0, "eth0");
    for n in 0..10 {
        give(&recorder, 0, n, &[n as u8], None);
    }
    recorder.start(&path, Rotation::default()).unwrap();
    give(&recorder, 0, 10, &[10], None);
    assert_eq!(recorder.stop().unwrap().from_memory, 6);
    let lines = read(&path);
    assert_eq!(lines[1], "4 on 0: [4]");
    assert_eq!(lines[7], "10 on 0: [10]");
}

/// `/dev/full` is a disk without room.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    let recorder = Recorder::default();
    announce(&recorder, 0, "eth0");
    recorder
        .start(Path::new("/dev/full"), Rotation::default())
        .unwrap();
    for n in 0..100 {
        give(&recorder, 0, n, &[0; 1000], None);
    }
    assert!(recorder.status().is_none());
    let notice = recorder.take_notice().unwrap().to_string();
    assert!(
        notice.starts_with("recording to /dev/full ended: No space left on device"),
        "{notice}"
    );
    let missing = Path::new("/nonexistent/a.pcapng");
    assert!(recorder.start(missing, Rotation::default()).is_err());
}

#[test]
fn what_is_written_is_there_when_the_source_is_quiet() {
    let folder = Folder::new("flush");
    let path = folder.0.join("a.pcapng");
    let recorder = Recorder::default();
    announce(&recorder, 0, "eth0");
    recorder.start(&path, Rotation::default()).unwrap();
    give(&recorder, 0, 1, &[1], None);
    recorder.aside(&Arrival::Quiet(Timestamp::from_nanos(START + 2)));
    assert_eq!(read(&path).last().unwrap(), "1 on 0: [1]");
}
