//! Frames are found again as they were, whatever they came from; and one connection read again
//! through the list of its frames is what the reading of the whole capture says of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tcplens::analysis::detail::{Ask, Detail, Failed, StreamView, Talk, What as Carried};
use tcplens::analysis::frame_index::Cursor;
use tcplens::analysis::{
    Analyzer, CloseUp, FlowId, FlowView, FrameIndex, FrameView, Observer, Options, Places,
    Revisions, Settled,
};
use tcplens::frame::{CapturedFrame, Place, ReadAgain};
use tcplens::source::{self, Arrival, FileSource, OpenOptions, Source, Spooling, Trail};
use tcplens::tcp::{Event, Role, State, Verdict, What};
use tcplens::wire::ip::protocol;
use tcplens::wire::{Address, Flags, Fragment, ethernet, ipv4};

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
static NEVER: AtomicBool = AtomicBool::new(false);

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

type Delivered = (Option<u64>, Role, u64, Result<Vec<u8>, u64>);

/// What one reading of everything says of each flow.
#[derive(Default)]
struct Everything {
    close_ups: BTreeMap<u32, CloseUp>,
    /// Frames and datagrams of each, by number.
    numbers: BTreeMap<FlowId, Vec<u64>>,
    /// Frame, offset, bytes or the length of a gap, as delivered.
    streams: BTreeMap<u32, Vec<Delivered>>,
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

/// The list alone says the same as the list with its places.
fn numbers_are_those_of(index: &FrameIndex, places: &Places, what: &str) {
    let numbers = index.numbers(places.flow, places.len());
    assert_eq!(numbers.is_none(), places.is_vague(), "{what}");
    if let Some(numbers) = numbers {
        assert!(numbers.eq(places.numbers()), "{what}");
        // Most frames of short lists are not written to them yet.
        if places.len() > 128 {
            assert!(
                index.numbers(places.flow, places.len() / 2).is_none(),
                "{what}"
            );
        }
    }
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
        numbers_are_those_of(&index, &places, &what);
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
        numbers_are_those_of(&index, &places, what);
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
    // What then still is too much has no list, and is searched for.
    let trail = Trail::new(0);
    let options = OpenOptions {
        trail: Some(trail.clone()),
        ..OpenOptions::default()
    };
    let mut index = FrameIndex::new(3000);
    let analyzer = run(files, &options, &Options::default(), &mut index);
    assert!(index.memory() < 6000, "{}", index.memory());
    assert_eq!(index.last(), 12_000);
    let ask = Ask::of(analyzer.capture());
    let places = index.search(FlowId::Tcp(1), 2, index.last(), false);
    let detail = Detail::read(&places, &mut trail.reread(), &ask, &NEVER).unwrap();
    assert_eq!(
        (detail.rows.len(), detail.missing),
        (6000, Default::default())
    );
    assert!(detail.rows.iter().all(|row| row.frame % 2 == 0));
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

#[test]
fn fragments_of_an_outer_packet_belong_to_the_inner_connection() {
    let fragment = |payload: &[u8], id: u16, offset: u16, more: bool| {
        let link = ethernet::Header {
            destination: [2, 0, 0, 0, 0, 2],
            source: [2, 0, 0, 0, 0, 1],
            ether_type: ethernet::ether_type::IPV4,
        };
        let ip = ipv4::Header {
            traffic_class: 0,
            total_length: (ipv4::Header::LEN + payload.len()) as u16,
            id,
            dont_fragment: false,
            fragment: Fragment { offset, more },
            ttl: 64,
            protocol: protocol::IPV4,
            source: Address::v4([192, 0, 2, 1]),
            destination: Address::v4([192, 0, 2, 2]),
            options: &[],
        };
        let mut bytes = Vec::new();
        link.emit(&mut bytes);
        ip.emit(&mut bytes);
        bytes.extend_from_slice(payload);
        bytes
    };
    // Two packets in two fragments each, which come in turn.
    let mut frames = Vec::new();
    let payload = [7; 400];
    for (id, seq) in [(1, 1000), (2, 1400)] {
        let mut segment = packets::segment(seq, 1, Flags::ACK);
        (segment.payload, segment.payload_len) = (&payload, 400);
        let inner = packets::frame(packets::CLIENT, packets::SERVER, id, &segment);
        let (first, second) = inner[ethernet::Header::LEN..].split_at(200);
        frames.push((id, fragment(first, id, 0, true)));
        frames.push((id + 10, fragment(second, id, 200, false)));
    }
    frames.sort();
    let path = std::env::temp_dir().join(format!("tcplens-{}-outer.pcap", std::process::id()));
    fs::write(
        &path,
        packets::pcap(frames.iter().map(|each| each.1.as_slice())),
    )
    .unwrap();
    let (connections, index) = same_as_everything(std::slice::from_ref(&path), 1 << 20, "outer");
    let places = index.places(FlowId::Tcp(0)).unwrap();
    assert_eq!((connections, places.len()), (1, 2));
    assert!(places.numbers().eq([3, 4]));
    fs::remove_file(path).unwrap();
}

#[test]
fn streams_in_windows_are_the_whole() {
    let file = capture("bulk-download.pcap");
    let trail = Trail::new(SPOOL);
    let options = OpenOptions {
        trail: Some(trail.clone()),
        ..OpenOptions::default()
    };
    let mut index = FrameIndex::new(1 << 20);
    let files = std::slice::from_ref(&file);
    let analyzer = run(files, &options, &Options::default(), &mut index);
    let ask = Ask::of(analyzer.capture());
    let places = index.places(FlowId::Tcp(0)).unwrap();
    let read = |skip, limit| {
        StreamView::read(&places, &mut trail.reread(), &ask, skip, limit, &NEVER).unwrap()
    };
    let whole = read(0, usize::MAX);
    let total = whole.all().len() as u64;
    assert!(total > 5000 && whole.after == 0 && whole.before == 0);
    let (mut skip, mut bytes) = (0, Vec::new());
    while skip < total {
        let window = read(skip, 1000);
        assert_eq!((window.before, window.lengths), (skip, whole.lengths));
        assert_eq!(
            window.before + window.all().len() as u64 + window.after,
            total
        );
        let told: usize = window.runs.iter().map(|run| window.bytes(run).len()).sum();
        assert_eq!(told, window.all().len());
        bytes.extend_from_slice(window.all());
        skip = window.next();
    }
    assert_eq!(bytes, whole.all());
    let beyond = read(total + 10, 1000);
    assert_eq!((beyond.before, beyond.runs.len()), (total, 0));
    let frame = whole.runs[3].frame.unwrap();
    assert!(whole.runs[whole.run_of(frame)].frame == Some(frame));
}

#[test]
fn rows_say_where_both_endpoints_stood() {
    let file = capture("close-by-client.pcap");
    let trail = Trail::new(SPOOL);
    let options = OpenOptions {
        trail: Some(trail.clone()),
        ..OpenOptions::default()
    };
    let mut index = FrameIndex::new(1 << 20);
    let files = std::slice::from_ref(&file);
    let analyzer = run(files, &options, &Options::default(), &mut index);
    let places = index.places(FlowId::Tcp(0)).unwrap();
    let whole = Ask::of(analyzer.capture());
    let detail = Detail::read(&places, &mut trail.reread(), &whole, &NEVER).unwrap();
    let [syn, syn_ack, ack, ..] = detail.rows.as_slice() else {
        panic!("{} rows", detail.rows.len());
    };
    assert_eq!(
        (syn.seq, syn.ack, syn.end(), syn.from),
        (0, None, 1, Role::Client)
    );
    assert_eq!(syn.states, [State::SynSent, State::Listen]);
    assert_eq!((syn.changed, syn.in_flight), ([true, false], [1, 0]));
    assert_eq!((syn_ack.seq, syn_ack.ack), (0, Some(1)));
    assert_eq!(syn_ack.rtt, Some(syn_ack.time - syn.time));
    assert_eq!((ack.seq, ack.ack, ack.payload_len), (1, Some(1), 0));
    assert_eq!(ack.window, Some(u64::from(ack.window_raw) << 10));
    let last = detail.rows.last().unwrap();
    assert_eq!(last.states, [State::TimeWait, State::Closed]);
    assert_eq!(detail.row_of(syn_ack.frame), 1);
    assert_eq!(detail.row_at(ack.time), 2);
    // A later part of them.
    let part = Ask {
        skip: 2,
        rows: 3,
        ..whole
    };
    let part = Detail::read(&places, &mut trail.reread(), &part, &NEVER).unwrap();
    assert_eq!(part.rows, detail.rows[2..5]);
    let counts = (part.rows_before, part.rows_dropped);
    assert_eq!(counts, (2, detail.rows.len() as u64 - 5));
    // Told to stop, and asked for what it is not.
    let stop = AtomicBool::new(true);
    let stopped = Detail::read(&places, &mut trail.reread(), &part_of(&analyzer), &stop);
    assert_eq!(stopped.err(), Some(Failed::Stopped));
    let talk = Talk::read(&places, &mut trail.reread(), &part_of(&analyzer), &NEVER);
    assert_eq!(talk.err(), Some(Failed::Changed));
}

fn part_of(analyzer: &Analyzer) -> Ask {
    Ask::of(analyzer.capture())
}

#[test]
fn frames_that_are_gone_are_counted() {
    let bytes = fs::read(capture("half-close.pcap")).unwrap();
    let path = std::env::temp_dir().join(format!("tcplens-{}-gone.pcap", std::process::id()));
    fs::write(&path, &bytes).unwrap();
    let trail = Trail::new(SPOOL);
    let options = OpenOptions {
        trail: Some(trail.clone()),
        ..OpenOptions::default()
    };
    let mut index = FrameIndex::new(1 << 20);
    let files = std::slice::from_ref(&path);
    let analyzer = run(files, &options, &Options::default(), &mut index);
    let places = index.places(FlowId::Tcp(0)).unwrap();
    let ask = Ask::of(analyzer.capture());
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let detail = Detail::read(&places, &mut trail.reread(), &ask, &NEVER).unwrap();
    assert_eq!(detail.missing.frames, 1);
    let reason = detail.missing.reason.unwrap();
    assert_eq!(reason.to_string(), "the file ends before it, or within it");
    fs::write(&path, []).unwrap();
    let failed = Detail::read(&places, &mut trail.reread(), &ask, &NEVER).err();
    assert!(matches!(failed, Some(Failed::Unread(_))), "{failed:?}");
    fs::remove_file(path).unwrap();
}

#[test]
fn any_stretch_of_frames_while_the_file_is_still_read() {
    let file = capture("bulk-download.pcap");
    let trail = Trail::new(SPOOL);
    let options = OpenOptions {
        trail: Some(trail.clone()),
        ..OpenOptions::default()
    };
    let mut index = FrameIndex::new(1 << 20);
    let mut analyzer = Analyzer::new(Options::default());
    let mut reread = trail.reread();
    source::open(&[&file], &options)
        .unwrap()
        .run(&mut |arrival| {
            let flow = analyzer.arrive(arrival, &mut index);
            if let Arrival::Frame(now) = arrival {
                // This one, and what came just before it.
                let stretch = index.stretch(now.number.saturating_sub(3), now.number);
                let mut cursor = Cursor::default();
                for number in now.number.saturating_sub(3).max(1)..=now.number {
                    let frame = stretch.frame(number, &mut cursor, &mut reread).unwrap();
                    assert_eq!(frame.number, number);
                    if number == now.number {
                        assert_eq!((frame.time, frame.data), (now.time, now.data));
                    }
                }
                let beyond = now.number + 1;
                assert!(stretch.frame(beyond, &mut cursor, &mut reread).is_err());
                let places = index.places(FlowId::Tcp(0)).unwrap();
                assert_eq!(places.numbers().last(), Some(now.number));
            }
            flow
        })
        .unwrap();
}

/// What goes from one thread to another can.
#[test]
fn readers_go_to_other_threads() {
    fn goes<T: Send + 'static>(_: T) {}
    let trail = Trail::new(0);
    goes(trail.reread());
    goes(trail);
    goes(|places: Places, detail: Detail, view: StreamView| (places, detail, view));
    let index = FrameIndex::new(1 << 20);
    let stretch = index.stretch(1, 2);
    assert_eq!(stretch.span(), None);
    goes((index, stretch));
    let thread = std::thread::spawn(|| Ask::of(Analyzer::new(Options::default()).capture()).rows);
    assert!(thread.join().unwrap() > 1000);
}
