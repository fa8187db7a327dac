//! Frames are found again as they were, whatever they came from; and one connection read again
//! through the list of its frames is what the reading of the whole capture says of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tcplens::analysis::detail::{Ask, Detail, StreamView, Talk, What as Carried};
use tcplens::analysis::{
    Analyzer, CloseUp, FlowId, FlowView, FrameIndex, FrameView, Observer, Options, Revisions,
    Settled,
};
use tcplens::frame::{CapturedFrame, Place, ReadAgain};
use tcplens::source::{self, Arrival, FileSource, OpenOptions, Source, Spooling, Trail};
use tcplens::tcp::{Event, Role, Verdict, What};
use tcplens::wire::Flags;

mod packets;

fn captures() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 50);
    files
}

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/captures")
        .join(name)
}

const SPOOL: u64 = 1 << 30;
const NEVER: AtomicBool = AtomicBool::new(false);

/// A frame, to keep.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    words: String,
    place: Place,
    number: u64,
}

fn kept(frame: &CapturedFrame<'_>) -> Kept {
    Kept {
        words: format!(
            "{} {:?} {} {:?} {} {:?}",
            frame.number, frame.time, frame.interface, frame.link, frame.wire_len, frame.data
        ),
        place: frame.place,
        number: frame.number,
    }
}

fn frames_of(source: &mut dyn Source) -> Vec<Kept> {
    let mut frames = Vec::new();
    source
        .run(&mut |arrival| {
            if let Arrival::Frame(frame) = arrival {
                frames.push(kept(&frame));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    frames
}

/// Reads every frame again, backwards, forwards, and in leaps.
fn found_again(frames: &[Kept], trail: &Trail, what: &str) {
    let mut reread = trail.reread();
    let leaps = (0..frames.len()).map(|at| at * 7919 % frames.len().max(1));
    for at in (0..frames.len()).rev().chain(0..frames.len()).chain(leaps) {
        let frame = &frames[at];
        let again = reread.frame(frame.number, frame.place);
        let again = again.unwrap_or_else(|error| panic!("{what}, frame {}: {error}", frame.number));
        assert_eq!(kept(&again), *frame, "{what}");
    }
}

fn opened(files: &[PathBuf], spool: u64) -> (Vec<Kept>, Trail) {
    let trail = Trail::new(spool);
    let options = OpenOptions {
        trail: Some(trail.clone()),
        ..OpenOptions::default()
    };
    let mut source = source::open(files, &options).unwrap();
    (frames_of(&mut *source), trail)
}

#[test]
fn every_frame_of_every_capture() {
    for file in captures() {
        let (frames, trail) = opened(std::slice::from_ref(&file), SPOOL);
        let files = frames.iter().all(|frame| frame.place.input == 0);
        assert!(files && trail.complaint().is_none());
        found_again(&frames, &trail, &file.display().to_string());
    }
}

#[test]
fn the_frame_after_each() {
    for file in captures() {
        let (frames, trail) = opened(std::slice::from_ref(&file), SPOOL);
        let mut reread = trail.reread();
        let nexts = frames.iter().skip(1).map(|frame| Some(frame.place));
        for (frame, next) in frames.iter().zip(nexts.chain([None])) {
            assert_eq!(reread.after(frame.place), Ok(next), "{}", file.display());
        }
    }
}

#[test]
fn every_frame_of_all_captures_merged() {
    let (frames, trail) = opened(&captures(), SPOOL);
    assert!(frames.iter().map(|frame| frame.place.input).max() > Some(50));
    found_again(&frames, &trail, "merged");
}

fn compressed(file: &Path, name: &str) -> PathBuf {
    let mut out = flate(Vec::new());
    out.write_all(&fs::read(file).unwrap()).unwrap();
    let path = std::env::temp_dir().join(format!("tcplens-{}-{name}", std::process::id()));
    fs::write(&path, out.finish().unwrap()).unwrap();
    path
}

fn flate(out: Vec<u8>) -> flate2::write::GzEncoder<Vec<u8>> {
    flate2::write::GzEncoder::new(out, flate2::Compression::fast())
}

#[test]
fn what_is_compressed_is_kept_aside() {
    let plain = capture("two-sections.pcapng");
    let gzip = compressed(&plain, "reread.gz");
    let (frames, trail) = opened(std::slice::from_ref(&gzip), SPOOL);
    assert!(frames.iter().all(|frame| frame.place.input == Place::SPOOL));
    found_again(&frames, &trail, "gzip");
    let (originals, _) = opened(std::slice::from_ref(&plain), SPOOL);
    let words = |frames: &[Kept]| {
        frames
            .iter()
            .map(|each| each.words.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&frames), words(&originals));
    // Beside a file that can be read in any order.
    let (frames, trail) = opened(&[gzip.clone(), capture("half-close.pcap")], SPOOL);
    let inputs = |input| {
        frames
            .iter()
            .filter(|frame| frame.place.input == input)
            .count()
    };
    assert!(inputs(1) > 0 && inputs(1) + inputs(Place::SPOOL) == frames.len());
    found_again(&frames, &trail, "gzip and a file");
    fs::remove_file(gzip).unwrap();
}

#[test]
fn any_source_can_be_kept_aside_and_what_is_too_much_is_told() {
    // More than is held back before it is written.
    let big = long();
    let read = |spool| {
        let trail = Trail::new(spool);
        let source = FileSource::from_reader(
            "pipe",
            std::io::Cursor::new(big.clone()),
            &OpenOptions::default(),
        );
        let mut source = Spooling::new(Box::new(source.unwrap()), &trail);
        (frames_of(&mut source), trail)
    };
    let (frames, trail) = read(SPOOL);
    assert!(big.len() > 300 << 10, "{}", big.len());
    found_again(&frames, &trail, "spooled");
    let mut reread = trail.reread();
    assert_eq!(reread.after(frames[0].place), Ok(Some(frames[1].place)));
    assert_eq!(reread.after(frames.last().unwrap().place), Ok(None));

    let (frames, trail) = read(20_000);
    let held = frames
        .iter()
        .take_while(|frame| frame.place.is_somewhere())
        .count();
    assert!(held > 5);
    assert_eq!(trail.lost(), (frames.len() - held) as u64);
    assert_eq!(
        trail.complaint().unwrap(),
        "what can be read only once is kept up to 20,000 bytes"
    );
    found_again(&frames[..held], &trail, "spooled in part");
    assert!(trail.reread().frame(9, Place::NOWHERE).is_err());
}

#[test]
fn nothing_of_a_place_is_trusted() {
    for name in ["half-close.pcap", "two-sections.pcapng", "big-endian.pcap"] {
        let bytes = fs::read(capture(name)).unwrap();
        let path = std::env::temp_dir().join(format!("tcplens-{}-{name}", std::process::id()));
        fs::write(&path, &bytes).unwrap();
        let (frames, trail) = opened(std::slice::from_ref(&path), SPOOL);
        let mut reread = trail.reread();
        for input in [0, 1, 77, Place::SPOOL, Place::NOWHERE.input] {
            let offsets = (0..bytes.len() as u64 + 40).chain([u64::MAX, u64::MAX / 2, 1 << 40]);
            for offset in offsets {
                let place = Place { input, offset };
                if let Ok(frame) = reread.frame(1, place) {
                    assert!(frame.data.len() <= bytes.len());
                }
                let _ = reread.after(place);
            }
        }
        found_again(&frames, &trail, name);
        // The file is another now.
        let last = frames.last().unwrap();
        fs::write(&path, &bytes[..last.place.offset as usize + 20]).unwrap();
        let error = trail.reread().frame(1, last.place).unwrap_err();
        assert_eq!(error.reason, "the file ends before it, or within it");
        fs::write(&path, vec![0xff; bytes.len()]).unwrap();
        let error = trail.reread().frame(1, last.place).unwrap_err();
        assert!(
            error.reason.starts_with("the file has changed: "),
            "{error}"
        );
        fs::remove_file(&path).unwrap();
    }
}

/// What one reading of everything says of each flow.
#[derive(Default)]
struct Everything {
    close_ups: BTreeMap<u32, CloseUp>,
    /// Frames and datagrams of each, by number.
    numbers: BTreeMap<FlowId, Vec<u64>>,
    /// Frame, offset, bytes or the length of a gap, as delivered.
    streams: BTreeMap<u32, Vec<(Option<u64>, Role, u64, Result<Vec<u8>, u64>)>>,
    undelivered: usize,
}

impl Everything {
    fn close_up(&mut self, id: u32) -> &mut CloseUp {
        let new = || CloseUp::new(id, 200_000);
        self.close_ups.entry(id).or_insert_with(new)
    }
}

impl Observer for Everything {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let id = match view.flow {
            FlowView::Tcp { view, .. } => view.id,
            FlowView::IcmpAboutTcp(id, _) => id,
            FlowView::Udp { conversation, .. } => {
                let numbers = self
                    .numbers
                    .entry(FlowId::Udp(conversation.id))
                    .or_default();
                numbers.push(view.frame.number);
                return ControlFlow::Continue(());
            }
            _ => return ControlFlow::Continue(()),
        };
        if matches!(view.flow, FlowView::Tcp { .. }) {
            let numbers = self.numbers.entry(FlowId::Tcp(id)).or_default();
            numbers.push(view.frame.number);
            let fresh = self.streams.entry(id).or_default().iter_mut().rev();
            for run in fresh.take_while(|run| run.0.is_none()) {
                run.0 = Some(view.frame.number);
            }
        }
        self.close_up(id).frame(view)
    }

    fn bytes(&mut self, id: u32, from: Role, offset: u64, bytes: &[u8]) {
        let runs = self.streams.entry(id).or_default();
        runs.push((None, from, offset, Ok(bytes.to_vec())));
        self.undelivered += 1;
    }

    fn gap(&mut self, id: u32, from: Role, offset: u64, len: u64) {
        let runs = self.streams.entry(id).or_default();
        runs.push((None, from, offset, Err(len)));
    }

    fn late(&mut self, connection: u32, events: &[Event]) {
        self.close_up(connection).late(connection, events);
    }
}

/// Final verdicts, frame by frame.
struct Final(Revisions, Settled, BTreeMap<u64, Vec<Verdict>>);

impl Observer for Final {
    fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
        let Self(revisions, settled, verdicts) = self;
        let events = match revisions.settle(view.frame.number, view.events, settled) {
            true => settled.events.as_slice(),
            false => view.events,
        };
        let told = events.iter().filter_map(|event| match event.what {
            What::Verdict(verdict) => Some(verdict),
            _ => None,
        });
        if matches!(view.flow, FlowView::Tcp { .. }) {
            verdicts.insert(view.frame.number, told.collect());
        }
        ControlFlow::Continue(())
    }
}

fn run<O: Observer>(
    files: &[PathBuf],
    options: &OpenOptions,
    analysis: &Options,
    observer: &mut O,
) -> Analyzer {
    let mut analyzer = Analyzer::new(analysis.clone());
    source::open(files, options)
        .unwrap()
        .run(&mut |arrival| analyzer.arrive(arrival, observer))
        .unwrap();
    analyzer.finish(observer);
    analyzer
}

/// Reads every flow of these files again, and holds it against readings of everything.
fn same_as_everything(files: &[PathBuf], memory: usize, what: &str) -> (usize, FrameIndex) {
    let analysis = Options::default();
    let once = OpenOptions::default();
    let mut everything = Everything::default();
    let whole = run(files, &once, &analysis, &mut everything);
    let mut revisions = Revisions::new(None, 64 << 20);
    run(files, &once, &analysis, &mut revisions);
    let mut last = Final(revisions, Settled::default(), BTreeMap::new());
    run(files, &once, &analysis, &mut last);
    let verdicts = last.2;

    let trail = Trail::new(SPOOL);
    let options = OpenOptions {
        trail: Some(trail.clone()),
        ..OpenOptions::default()
    };
    let mut index = FrameIndex::new(memory);
    let analyzer = run(files, &options, &analysis, &mut index);
    let ask = Ask {
        analysis,
        ..Ask::of(analyzer.capture())
    };
    let mut reread = trail.reread();
    for (id, slot) in whole.connections() {
        let what = format!("{what}, connection {id}");
        let places = index.places(FlowId::Tcp(id)).unwrap();
        let detail = Detail::read(&places, &mut reread, &ask, &NEVER).unwrap();
        assert_eq!(detail.missing, Default::default(), "{what}");
        let mut rows = detail.rows.iter().map(|row| row.frame);
        assert!(
            rows.by_ref()
                .eq(everything.numbers[&FlowId::Tcp(id)].iter().copied()),
            "{what}"
        );
        whole.connection(slot, |view| {
            assert_eq!(
                (view.id, view.sockets),
                (detail.id, detail.sockets),
                "{what}"
            );
            let (full, again) = (view.connection, &detail.connection);
            assert_eq!(format!("{again:?}"), format!("{full:?}"), "{what}");
        });
        let full = &everything.close_ups[&id];
        assert_eq!(
            format!("{:?}", detail.close_up),
            format!("{full:?}"),
            "{what}"
        );
        for row in &detail.rows {
            assert_eq!(
                detail.verdicts(row),
                verdicts[&row.frame],
                "{what}, frame {}",
                row.frame
            );
            let place = reread.frame(row.frame, row.place).unwrap();
            assert_eq!(place.data.len(), row.captured as usize);
        }

        let view = StreamView::read(&places, &mut reread, &ask, 0, 1 << 30, &NEVER).unwrap();
        let none = Vec::new();
        let full = everything.streams.get(&id).unwrap_or(&none);
        let again = view.runs.iter().map(|run| {
            let carried = match run.what {
                Carried::Bytes(_) => Ok(view.bytes(run).to_vec()),
                Carried::Gap(len) => Err(len),
            };
            (run.frame, run.from, run.offset, carried)
        });
        assert!(again.eq(full.iter().cloned()), "{what}: streams");
    }
    for conversation in whole.conversations() {
        let id = conversation.id;
        let places = index.places(FlowId::Udp(id)).unwrap();
        let talk = Talk::read(&places, &mut reread, &ask, &NEVER).unwrap();
        let full = (
            conversation.sockets,
            format!("{:?}", conversation.conversation),
        );
        assert_eq!(
            (talk.sockets, format!("{:?}", talk.conversation)),
            full,
            "{what}, UDP {id}"
        );
        assert_eq!(talk.missing, Default::default());
        let rows = talk.rows.iter().map(|row| row.frame);
        assert!(rows.eq(everything.numbers[&FlowId::Udp(id)].iter().copied()));
        assert_eq!(talk.icmp.len(), talk.conversation.icmp_errors as usize);
    }
    (whole.connections().len(), index)
}

#[test]
fn each_connection_of_each_capture() {
    for file in captures() {
        same_as_everything(
            std::slice::from_ref(&file),
            1 << 20,
            &file.display().to_string(),
        );
    }
}

#[test]
fn each_connection_of_all_captures_merged() {
    let (connections, index) = same_as_everything(&captures(), 16 << 20, "merged");
    assert!(connections > 70, "{connections}");
    assert_eq!(index.unnoted(), 0);
}

#[test]
fn a_list_that_was_let_go_costs_time_and_nothing_else() {
    let path = std::env::temp_dir().join(format!("tcplens-{}-long.pcap", std::process::id()));
    fs::write(&path, long()).unwrap();
    let files = std::slice::from_ref(&path);
    let (_, index) = same_as_everything(files, 1 << 20, "whole lists");
    let whole = index.places(FlowId::Tcp(0)).unwrap();
    assert!(index.memory() > 40_000, "{}", index.memory());
    // First the places go …
    let (_, index) = same_as_everything(files, 30_000, "thinned");
    assert!(index.memory() < 32_000 && index.unnoted() == 0);
    assert!(!index.places(FlowId::Tcp(0)).unwrap().is_vague());
    // … then the lists.
    let (_, index) = same_as_everything(files, 15_000, "vague lists");
    let vague = index.places(FlowId::Tcp(0)).unwrap();
    assert!(!whole.is_vague() && vague.is_vague());
    assert!(index.memory() < 17_000 && index.unnoted() == 0);
    assert_eq!(whole.len(), vague.len());
    // What still is too much is counted.
    let mut index = FrameIndex::new(3000);
    run(
        files,
        &OpenOptions::default(),
        &Options::default(),
        &mut index,
    );
    assert!(
        index.unnoted() > 1000 && index.memory() < 6000,
        "{}",
        index.memory()
    );
    assert_eq!(index.last() + index.unnoted(), 12_000);
    fs::remove_file(path).unwrap();
}

/// A capture of two connections that take turns, and of UDP between.
fn long() -> Vec<u8> {
    let payload = [7; 100];
    let frames: Vec<Vec<u8>> = (0..12_000_u32)
        .map(|at| {
            let turn = at / 3;
            let mut segment = packets::segment(1000 + turn * 100, 1, Flags::ACK);
            segment.source_port += (at % 2) as u16;
            segment.payload = &payload;
            segment.payload_len = 100;
            packets::frame(packets::CLIENT, packets::SERVER, at as u16, &segment)
        })
        .collect();
    packets::pcap(frames.iter().map(Vec::as_slice))
}
