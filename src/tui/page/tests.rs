//! Every tab on bundled captures, as it stands on the screen; and keys at random on screens of any
//! size.
//!
//! Screens are kept in `tests/expected/page`; `UPDATE_EXPECT=1` renews them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crossterm::event::KeyCode;
use expect_test::expect_file;
use proptest::prelude::*;

use super::data::{Call, StreamView};
use super::*;
use crate::analysis::detail::Ask;
use crate::analysis::{Analyzer, FlowId, FrameIndex, Options, Places};
use crate::frame::ReadAgain;
use crate::report::tree::Tree;
use crate::source::{self, OpenOptions, Trail};
use crate::time::Span;
use crate::tui::keys::Key;

/// A page, and what its effects are answered from.
struct Stage {
    page: Page,
    places: Places,
    trail: Trail,
    ask: Ask,
    done: Vec<PageEffect>,
}

impl Stage {
    fn of(capture: &str, id: u32) -> Self {
        let file = format!("{}/fixtures/captures/{capture}", env!("CARGO_MANIFEST_DIR"));
        let trail = Trail::new(1 << 20);
        let options = OpenOptions {
            trail: Some(trail.clone()),
            ..OpenOptions::default()
        };
        let mut index = FrameIndex::new(1 << 20);
        let mut analyzer = Analyzer::new(Options::default());
        source::open(&[file], &options)
            .unwrap()
            .run(&mut |arrival| analyzer.arrive(arrival, &mut index))
            .unwrap();
        let places = index.places(FlowId::Tcp(id)).unwrap();
        let ask = Ask::of(analyzer.capture());
        let stop = AtomicBool::new(false);
        let detail = Detail::read(&places, &mut trail.reread(), &ask, &stop).unwrap();
        Self {
            page: Page::new(Subject::new(Arc::new(detail))),
            places,
            trail,
            ask,
            done: Vec::new(),
        }
    }

    fn tell(&mut self, message: PageMessage) {
        for effect in self.page.update(message) {
            match effect {
                PageEffect::NeedFrame(number) => {
                    let row = self.page.detail().row_of(number);
                    let place = self.page.detail().rows[row].place;
                    let mut again = self.trail.reread();
                    let frame = again.frame(number, place).unwrap();
                    let frame = OpenFrame {
                        number,
                        bytes: frame.data.to_vec(),
                        tree: Tree::of(&frame),
                    };
                    self.tell(PageMessage::Read(Box::new(Readout::Frame(frame))));
                }
                PageEffect::NeedStream(skip) => {
                    let stop = AtomicBool::new(false);
                    let mut again = self.trail.reread();
                    let view =
                        StreamView::read(&self.places, &mut again, &self.ask, skip, 1 << 20, &stop);
                    let view = Arc::new(view.unwrap());
                    self.tell(PageMessage::Read(Box::new(Readout::Stream(view))));
                }
                other => self.done.push(other),
            }
        }
    }

    /// Keys as they are written in a configuration, with spaces between.
    fn press(&mut self, keys: &str) {
        for name in keys.split_whitespace() {
            let key = Key::parse(name).unwrap();
            if let Some(message) = keys::message(&self.page, key) {
                self.tell(message);
            }
        }
    }

    fn screen(&mut self, width: u16, height: u16, look: &Look) -> Buffer {
        self.tell(PageMessage::Room(width, height));
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        self.page.draw(buffer.area, &mut buffer, look);
        buffer
    }

    fn text(&mut self, width: u16, height: u16, look: &Look) -> String {
        let buffer = self.screen(width, height, look);
        let lines = buffer.content.chunks(usize::from(width));
        lines
            .map(|line| {
                let line: String = line.iter().map(|cell| cell.symbol()).collect();
                format!("{}\n", line.trim_end())
            })
            .collect()
    }
}

/// What is drawn.
#[derive(Clone, Copy)]
enum Letters {
    /// No colours.
    Plain,
    /// No colours, and ASCII only.
    Ascii,
    /// Colours, which do not show here, and graphs in dots.
    Dots,
}
use Letters::{Ascii, Dots, Plain};

/// A screen: its name, the capture and connection, keys from the first screen, its size.
type Screen = (
    &'static str,
    &'static str,
    u32,
    &'static str,
    (u16, u16),
    Letters,
);

#[rustfmt::skip]
const SCREENS: &[Screen] = &[
    ("endpoints-80",        "two-losses.pcap",        0, "",                 (80, 24),  Plain),
    ("endpoints-ascii",     "zero-window.pcap",       0, "",                 (80, 24),  Ascii),
    ("endpoints-120",       "shop.pcapng",            2, "",                 (120, 40), Plain),
    ("endpoints-200",       "two-losses.pcap",        0, "",                 (200, 60), Plain),
    ("endpoints-midstream", "midstream.pcap",         0, "",                 (80, 24),  Plain),
    ("ladder-80",           "two-losses.pcap",        0, "2 n n",            (80, 24),  Plain),
    ("ladder-ascii",        "simultaneous-open.pcap", 0, "2",                (80, 24),  Ascii),
    ("ladder-120",          "half-close.pcap",        0, "2 j j j",          (120, 40), Plain),
    ("ladder-200",          "zero-window.pcap",       0, "2 n",              (200, 60), Plain),
    ("ladder-scale",        "zero-window.pcap",       0, "2 s n",            (80, 24),  Plain),
    ("ladder-roomy",        "vxlan.pcap",             0, "2 r a",            (80, 24),  Plain),
    ("graphs-80",           "two-losses.pcap",        0, "3 n n",            (80, 24),  Plain),
    ("graphs-dots",         "two-losses.pcap",        0, "3 n",              (80, 24),  Dots),
    ("graphs-ascii",        "two-losses.pcap",        0, "3 n + +",          (80, 24),  Ascii),
    ("graphs-throughput",   "bulk-download.pcap",     0, "3 v",              (80, 24),  Plain),
    ("graphs-round-trip",   "bulk-download.pcap",     0, "3 v v",            (80, 24),  Plain),
    ("graphs-flight",       "zero-window.pcap",       0, "3 V",              (80, 24),  Plain),
    ("graphs-120",          "shop.pcapng",            2, "3 d",              (120, 40), Plain),
    ("graphs-200",          "two-losses.pcap",        0, "3 n",              (200, 60), Dots),
    ("states-80",           "two-losses.pcap",        0, "4 n n n",          (80, 24),  Plain),
    ("states-ascii",        "simultaneous-open.pcap", 0, "4 l",              (80, 24),  Ascii),
    ("states-120",          "half-close.pcap",        0, "4 G",              (120, 40), Plain),
    ("states-200",          "midstream.pcap",         0, "4",                (200, 60), Plain),
    ("states-small",        "two-losses.pcap",        0, "4 G",              (60, 14),  Plain),
    ("stream-80",           "http-request.pcap",      0, "5",                (80, 24),  Plain),
    ("stream-hex",          "http-request.pcap",      0, "5 v",              (80, 24),  Ascii),
    ("stream-search",       "http-request.pcap",      0, "5 / h t m l enter", (120, 40), Plain),
    ("stream-200",          "midstream.pcap",         0, "5 v",              (200, 60), Plain),
    ("frames-80",           "two-losses.pcap",        0, "6 n n tab j j",    (80, 24),  Plain),
    ("frames-ascii",        "vxlan.pcap",             0, "6 tab tab l l",    (80, 24),  Ascii),
    ("frames-120",          "shop.pcapng",            2, "6 tab j j j",      (120, 40), Plain),
    ("frames-200",          "two-losses.pcap",        0, "6 n n",            (200, 60), Plain),
    ("proof-80",            "two-losses.pcap",        0, "2 n n e",          (80, 24),  Plain),
    ("proof-120",           "two-losses.pcap",        0, "6 n n e j",        (120, 40), Plain),
];

fn look(letters: Letters) -> Look {
    match letters {
        Plain => Look::plain(true),
        Ascii => Look::plain(false),
        Dots => Look::coloured(true),
    }
}

#[test]
fn screens_stand_as_they_are_kept() {
    for &(name, capture, id, keys, (width, height), letters) in SCREENS {
        let mut stage = Stage::of(capture, id);
        stage.tell(PageMessage::Room(width, height));
        stage.press(keys);
        let text = stage.text(width, height, &look(letters));
        if matches!(letters, Ascii) {
            assert!(text.is_ascii(), "{name}:\n{text}");
        }
        expect_file![format!("../../../tests/expected/page/{name}.txt")].assert_eq(&text);
    }
}

#[test]
fn calls_stand_beside_the_segments() {
    let mut stage = Stage::of("half-close.pcap", 0);
    let first = stage.page.detail().rows[0].time;
    let call = |host, after, text: &str, result: &str| Call {
        time: first + Span::from_millis(after),
        host,
        text: text.to_owned(),
        result: result.to_owned(),
        took: None,
    };
    stage.page.subject.calls = vec![
        call(Role::Client, -1, "connect(3, 10.0.0.2:8080)", "0"),
        call(Role::Server, 1, "accept(3)", "4"),
        call(Role::Client, 6, "shutdown(3, SHUT_WR)", "0"),
    ];
    stage.press("2");
    for (width, name) in [(80, "calls-80"), (160, "calls-160")] {
        let text = stage.text(width, 24, &Look::plain(true));
        expect_file![format!("../../../tests/expected/page/{name}.txt")].assert_eq(&text);
    }
}

/// Away, and back.
#[test]
fn jumps_are_remembered() {
    let mut stage = Stage::of("two-losses.pcap", 0);
    stage.press("2 n n");
    let judged = stage.page.frame();
    stage.press("enter");
    assert_eq!(
        (stage.page.tab(), stage.page.frame()),
        (Tab::Frames, judged)
    );
    stage.press("3");
    assert_eq!(
        (stage.page.tab(), stage.page.frame()),
        (Tab::Graphs, judged)
    );
    // To a frame that proves it, and back to the graph.
    stage.press("e enter");
    assert_ne!(stage.page.frame(), judged);
    stage.press("backspace");
    assert_eq!(
        (stage.page.tab(), stage.page.frame()),
        (Tab::Graphs, judged)
    );
    stage.press("backspace backspace backspace");
    assert_eq!(stage.page.tab(), Tab::Endpoints);
    assert!(stage.done.is_empty());
    stage.press("backspace");
    assert_eq!(stage.done, [PageEffect::Leave]);
}

/// However far out: each of the two stays a letter.
#[test]
fn retransmissions_are_seen_at_any_zoom() {
    let mut stage = Stage::of("two-losses.pcap", 0);
    stage.press("3");
    for (width, height) in [(40, 14), (80, 24), (200, 60)] {
        for letters in [Plain, Ascii, Dots] {
            let text = stage.text(width, height, &look(letters));
            let plot: Vec<_> = text.lines().skip(HEAD + 2).collect();
            assert!(plot.iter().any(|line| line.contains('F')), "{text}");
        }
    }
}

/// What the colours tell is told without them: the letters are the same.
#[test]
fn nothing_is_told_by_colour_alone() {
    for tab in ["1", "2", "4", "5", "6"] {
        let mut stage = Stage::of("two-losses.pcap", 0);
        stage.press("2 n n");
        stage.press(tab);
        let plain = stage.text(100, 30, &Look::plain(true));
        let coloured = stage.text(100, 30, &Look::coloured(true));
        assert_eq!(plain, coloured);
    }
}

#[test]
fn the_stream_is_saved_as_it_was() {
    let mut stage = Stage::of("http-request.pcap", 0);
    stage.press("5 w");
    let Some(PageEffect::Save { name, bytes }) = stage.done.pop() else {
        panic!("nothing to save");
    };
    assert!(name.starts_with("connection-0"), "{name}");
    assert!(
        bytes.starts_with(b"GET /"),
        "{}",
        String::from_utf8_lossy(&bytes)
    );
}

fn key() -> impl Strategy<Value = Key> {
    let named = proptest::sample::select(vec![
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Enter,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
    ]);
    prop_oneof![
        named.prop_map(Key::code),
        proptest::sample::select("123456jkhlgGnNedvV+-0asr/wyu".chars().collect::<Vec<_>>())
            .prop_map(Key::char),
    ]
}

/// What can be done to a page.
#[derive(Clone, Debug)]
enum Deed {
    Press(Key),
    Click(u16, u16),
    Size(u16, u16),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => key().prop_map(Deed::Press),
        1 => (0_u16..210, 0_u16..70).prop_map(|(x, y)| Deed::Click(x, y)),
        1 => (1_u16..210, 1_u16..70).prop_map(|(width, height)| Deed::Size(width, height)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_keys_at_any_size(
        capture in proptest::sample::select(vec![
            ("two-losses.pcap", 0),
            ("shop.pcapng", 2),
            ("zero-window.pcap", 0),
            ("midstream.pcap", 0),
            ("syn-unanswered.pcap", 0),
            ("snapped.pcap", 0),
            ("lost-before-tap.pcap", 0),
            ("one-way.pcap", 0),
        ]),
        deeds in proptest::collection::vec(deed(), 1..40),
        unicode: bool,
        colour: bool,
    ) {
        let look = if colour { Look::coloured(unicode) } else { Look::plain(unicode) };
        let (capture, id) = capture;
        let mut stage = Stage::of(capture, id);
        let (mut width, mut height) = (80, 24);
        for deed in deeds {
            match deed {
                Deed::Press(key) => {
                    if let Some(message) = keys::message(&stage.page, key) {
                        stage.tell(message);
                    }
                }
                Deed::Click(x, y) => stage.tell(PageMessage::Click(x, y)),
                Deed::Size(columns, lines) => (width, height) = (columns, lines),
            }
            let screen = stage.screen(width, height, &look);
            for cell in &screen.content {
                prop_assert!(!cell.symbol().contains(char::is_control));
                prop_assert!(unicode || cell.symbol().is_ascii(), "{}", cell.symbol());
            }
        }
    }

    #[test]
    fn every_tab_at_every_size(width in 1_u16..130, height in 1_u16..60, unicode: bool) {
        let mut stage = Stage::of("two-losses.pcap", 0);
        for tab in Tab::ALL {
            stage.tell(PageMessage::Show(tab));
            stage.screen(width, height, &Look::plain(unicode));
        }
        stage.press("2 n e");
        stage.screen(width, height, &Look::coloured(unicode));
    }
}
