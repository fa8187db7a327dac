//! The terminal user interface from outside: keys in, screens out, through the same session that
//! the program runs. What screens look like stands in `tests/expected/screen/`; after a change,
//!
//! ```text
//! UPDATE_EXPECT=1 cargo test --test screen
//! ```
//!
//! rewrites it, and the difference is read before it is committed.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use expect_test::expect_file;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tcplens::analysis::Options;
use tcplens::frame::{CapturedFrame, Place};
use tcplens::recording::Recorder;
use tcplens::source::{self, Arrival, Interface, OpenOptions, Source, SourceError, Spooling};
use tcplens::time::{Span, Timestamp};
use tcplens::tui::column::COLUMNS;
use tcplens::tui::config::{Config, Memory};
use tcplens::tui::keys::Key;
use tcplens::tui::live::Live;
use tcplens::tui::loader::Origin;
use tcplens::tui::model::Message;
use tcplens::tui::own_keys::OwnKeys;
use tcplens::tui::page::PageMessage;
use tcplens::tui::saving::Writable;
use tcplens::tui::scenarios::Scenario;
use tcplens::tui::session::Session;
use tcplens::tui::{Opening, Run};
use tcplens::wire::LinkType;

const SMALL: (u16, u16) = (80, 24);
const USUAL: (u16, u16) = (120, 40);
const LARGE: (u16, u16) = (200, 60);

/// A user before a screen.
struct User {
    session: Session,
    size: (u16, u16),
}

/// How a screen is set up.
#[derive(Clone, Copy)]
struct Setting {
    size: (u16, u16),
    colour: bool,
    unicode: bool,
}

const fn plain(size: (u16, u16)) -> Setting {
    Setting {
        size,
        colour: false,
        unicode: true,
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/captures")
        .join(name)
}

impl User {
    /// Opens a bundled capture, and waits until it is read.
    fn opens(name: &str, setting: Setting) -> Self {
        let files = vec![fixture(name)];
        Self::sees(
            Some(Origin::files(files, false, Options::default())),
            name,
            setting,
        )
    }

    fn sees(origin: Option<Origin>, name: &str, setting: Setting) -> Self {
        let opening = Opening {
            // Where the package lies is no part of what a screen shows.
            origin: origin.map(|origin| Origin {
                inputs: vec![name.to_owned()],
                ..origin
            }),
            scenarios: vec![Scenario {
                name: "half-close".to_owned(),
                family: "closing".to_owned(),
                summary: "one side goes on after the other has closed".to_owned(),
                description: "A capture of the package stands in for a scenario here.".to_owned(),
            }],
            run: Box::new(|_| {
                let files = vec![fixture("half-close.pcap")];
                let origin = Origin::files(files, false, Options::default());
                Ok(Run {
                    origin: Origin {
                        inputs: vec!["half-close".to_owned()],
                        ..origin
                    },
                    calls: None,
                })
            }),
            calls: None,
            filter: None,
            colour: Some(setting.colour),
            unicode: setting.unicode,
            writable: Writable::default(),
        };
        // Nothing is remembered, and nothing is kept.
        let mut session = Session::new(opening, Config::default(), Memory::default(), setting.size);
        if session.model.header().inputs.is_empty() {
            return Self {
                session,
                size: setting.size,
            };
        }
        session.settle();
        Self {
            session,
            size: setting.size,
        }
    }

    /// Presses keys: characters, and names in angle brackets (`<enter>`, `<c-d>`).
    fn presses(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while let Some(char) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
            let (code, modifiers) = match named {
                Some((name, after)) => {
                    rest = after;
                    named_key(name)
                }
                None => {
                    rest = &rest[char.len_utf8()..];
                    (KeyCode::Char(char), KeyModifiers::NONE)
                }
            };
            self.session
                .event(Event::Key(KeyEvent::new(code, modifiers)));
            self.session.settle();
        }
        self
    }

    fn clicks(&mut self, column: u16, row: u16) -> &mut Self {
        self.session.event(Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }));
        self.session.settle();
        self
    }

    /// What the screen shows, line by line, without spaces at their ends.
    fn screen(&self) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        self.session.draw(&mut buffer);
        let mut text = String::new();
        for line in buffer.content.chunks(usize::from(self.size.0)) {
            let line: String = line.iter().map(|cell| cell.symbol()).collect();
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    #[track_caller]
    fn shows(&self, name: &str) {
        expect_file![
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/expected/screen")
                .join(format!("{name}.txt"))
        ]
        .assert_eq(&self.screen());
    }

    #[track_caller]
    fn reads(&self, words: &str) {
        let screen = self.screen();
        assert!(screen.contains(words), "{words:?} is not on\n{screen}");
    }
}

fn named_key(name: &str) -> (KeyCode, KeyModifiers) {
    if let Some(char) = name.strip_prefix("c-") {
        let char = char.chars().next().expect("a key");
        return (KeyCode::Char(char), KeyModifiers::CONTROL);
    }
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "back" => KeyCode::Backspace,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        other => panic!("no key is called {other}"),
    };
    (code, KeyModifiers::NONE)
}

#[test]
fn the_first_screen_at_three_sizes() {
    for (name, size) in [("small", SMALL), ("usual", USUAL), ("large", LARGE)] {
        User::opens("shop.pcapng", plain(size)).shows(&format!("connections-{name}"));
    }
}

#[test]
fn every_list() {
    let mut user = User::opens("shop.pcapng", plain(SMALL));
    user.presses("2").shows("udp");
    user.presses("3").shows("hosts");
    user.presses("4").shows("findings-none");
    User::opens("snapped.pcap", plain(SMALL))
        .presses("4")
        .shows("findings");
}

#[test]
fn what_lies_on_top() {
    let mut user = User::opens("shop.pcapng", plain(SMALL));
    user.presses("?").shows("help");
    user.presses("<esc>:rtt").shows("palette");
    user.presses("<esc>c").shows("columns");
}

#[test]
fn without_characters_beyond_ascii() {
    let ascii = Setting {
        unicode: false,
        ..plain(SMALL)
    };
    let mut user = User::opens("shop.pcapng", ascii);
    user.shows("connections-ascii");
    for keys in ["2", "3", "4", "1<enter>", "2", "3", "4", "5", "6", "e"] {
        let screen = user.presses(keys).screen();
        assert!(screen.is_ascii(), "after {keys}:\n{screen}");
    }
}

#[test]
fn colours_tell_nothing_that_words_do_not() {
    for capture in ["shop.pcapng", "zero-window.pcap", "two-losses.pcap"] {
        let coloured = Setting {
            colour: true,
            ..plain(USUAL)
        };
        let mut with = User::opens(capture, coloured);
        let mut without = User::opens(capture, plain(USUAL));
        // Graphs have dots where there are colours, and a character a curve where there are none.
        for keys in ["", "j", "<enter>", "2", "n", "4", "5", "6"] {
            let (one, other) = (with.presses(keys).screen(), without.presses(keys).screen());
            assert_eq!(one, other, "{capture} after {keys:?}");
        }
    }
}

#[test]
fn sorting_by_key_and_by_click() {
    let mut user = User::opens("shop.pcapng", plain(USUAL));
    user.presses(":sort-received<enter>");
    let screen = user.screen();
    let first = screen.lines().nth(5).expect("a list");
    assert!(first.contains("30.0 kB"), "{screen}");
    user.presses("R");
    let screen = user.screen();
    let last = screen.lines().nth(15).expect("a list");
    assert!(last.contains("30.0 kB"), "{screen}");
    // The heading of the numbers.
    user.clicks(4, 4);
    let screen = user.screen();
    assert!(
        screen.lines().nth(5).expect("a list").starts_with("     0"),
        "{screen}"
    );
    // A click goes to a line, a second one opens it.
    user.clicks(10, 7);
    user.reads("3 of 11");
    user.clicks(10, 7);
    user.reads("connection 2 ");
}

#[test]
fn a_udp_conversation() {
    let mut user = User::opens("shop.pcapng", plain(SMALL));
    user.presses("2<enter>").shows("udp-conversation");
    user.presses("<esc>").reads("UDP");
}

#[test]
fn a_datagram_is_opened_and_closed() {
    let mut user = User::opens("shop.pcapng", plain(USUAL));
    user.presses("2<enter><enter>").shows("udp-frame");
    user.presses("jG").reads("0000  ");
    user.presses("<esc>").reads("2 datagrams in");
    user.presses("<esc>").reads("first to speak");
}

#[test]
fn tabs_of_a_page_are_clicked() {
    let mut user = User::opens("shop.pcapng", plain(USUAL));
    user.presses("jjjj<enter>");
    user.clicks(18, 1);
    user.reads("time folded");
    user.clicks(4, 1);
    user.reads("states over time");
}

#[test]
fn frames_of_a_connection_are_filtered() {
    let mut user = User::opens("shop.pcapng", plain(USUAL));
    // The connection with three retransmissions, and as many frames as the list says.
    user.presses("jjjj<enter>6").reads("1 of 15");
    user.presses("/tcp.analysis.retransmission<enter>");
    user.reads(" filter tcp.analysis.retransmission: 3 of 15 ");
    user.shows("frames-filtered");
    // The same frames are listed one after the other, and stopped at on other tabs.
    let frame = |user: &User| {
        let screen = user.screen();
        let (_, rest) = screen.split_once("  frame ").expect("a frame");
        rest.split(',').next().expect("a number").to_owned()
    };
    let mut listed = vec![frame(&user)];
    listed.push(frame(user.presses("j")));
    listed.push(frame(user.presses("j")));
    assert_eq!(frame(user.presses("j")), listed[2]);
    user.presses("2").presses("N");
    assert_eq!(frame(&user), listed[1]);
    user.presses("n");
    assert_eq!(frame(&user), listed[2]);
    user.presses("n").reads("no more frame matches this way");
    // A click on the second line.
    user.presses("6").clicks(20, 5);
    assert_eq!(frame(&user), listed[1]);
    user.presses("/<c-u>tcp.port == 1<enter>");
    user.reads("no frame matches the filter; x takes it away");
    assert_eq!(frame(&user), listed[1]);
    user.presses("/<c-u>tcp.prt<enter>")
        .reads("there is no field tcp.prt");
    user.presses("<esc>x").presses("g").reads("1 of 15");
}

#[test]
fn own_keys_are_told_wherever_keys_are() {
    let mut user = User::opens("shop.pcapng", plain(USUAL));
    user.session.model.own_keys = OwnKeys {
        lists: vec![(Key::char('F'), Message::Filter)],
        page: vec![(Key::char('E'), PageMessage::Explain)],
    };
    user.reads("F filter");
    user.presses("F").reads("/");
    user.presses("<esc>jjjj<enter>2").reads("E proof");
    user.presses("?").reads(" E e ");
    // The palette has the page's commands on its page.
    user.presses("<esc>:explain").reads("page-explain");
    user.presses("<enter>").reads("frame 1");
}

#[test]
fn where_there_is_no_round_trip_that_is_said() {
    let mut user = User::opens("shop.pcapng", plain(SMALL));
    // Refused: the SYN had no answer but a RST.
    user.presses("<enter>3vv");
    user.reads("nothing was sent here that a round trip could be measured by");
}

#[test]
fn what_a_filter_leaves_is_counted_on_every_tab() {
    let mut user = User::opens("shop.pcapng", plain(USUAL));
    user.reads("1 Connections 11   2 UDP 4 ");
    user.presses("/ip.addr == 10.20.0.31<enter>");
    user.reads("1 Connections 7   2 UDP 2 ");
    user.presses("2").reads("1 Connections 7   2 UDP 2 ");
    user.presses("3").reads("1 Connections 7   2 UDP 2 ");
    user.presses("x").reads("1 Connections 11   2 UDP 4 ");
}

#[test]
fn from_a_finding_to_its_frame_and_back() {
    let mut user = User::opens("loopback.pcap", plain(USUAL));
    user.presses("/tcp<enter>4<enter>");
    user.reads("connection 0 ");
    user.reads("frame 4, 4 of 10");
    user.reads("Transmission Control Protocol");
    // The filter and the tab are as they were.
    user.presses("<back>")
        .reads("what is to be known of the capture");
    user.reads("filter tcp");
    let mut user = User::opens("commented.pcapng", plain(USUAL));
    user.presses("4<enter>").reads("it has no frame to show");
}

#[test]
fn every_list_tells_what_it_is_sorted_by() {
    let mut user = User::opens("shop.pcapng", plain(USUAL));
    user.presses("2").reads("recv▾");
    user.presses("s").reads("packets▾");
    user.presses("R").reads("packets▴");
    // The heading of the numbers.
    user.clicks(5, 4);
    user.reads("id▴");
    user.presses("3").reads("total▾");
    user.presses("s").reads("sent▾");
    user.presses("1S").reads("ending▴");
}

#[test]
fn of_a_capture_of_datagrams_alone_the_way_to_them_is_told() {
    let mut user = User::opens("udp-dns.pcap", plain(SMALL));
    user.reads("no connection in this capture, but 3 UDP conversations (2)");
    user.presses("3<enter>").reads("first to speak");
}

#[test]
fn columns_that_do_not_fit_are_counted_not_cut() {
    let mut user = User::opens("shop.pcapng", plain(SMALL));
    // Every one but those that are shown already.
    user.presses("c");
    for about in COLUMNS {
        let screen = user.screen();
        let own = |line: &&str| line.contains(&format!(" {} ", about.name));
        if screen
            .lines()
            .find(own)
            .is_some_and(|line| line.contains("[ ]"))
        {
            user.presses(" ");
        }
        user.presses("j");
    }
    user.reads("x forgets them");
    user.presses("<esc>").shows("connections-chosen");
    user.presses("cx<esc>").reads("trouble");
}

#[test]
fn the_help_is_read_like_a_page() {
    let mut user = User::opens("shop.pcapng", plain(SMALL));
    user.presses("?G").reads("the wheel scrolls");
    user.presses("k").reads("earlier filters");
    user.presses("g ").reads("half a screen down");
    user.presses("<esc>").reads("1 Connections 11");
}

#[test]
fn scenarios_run_in_the_same_screen() {
    let mut user = User::opens("shop.pcapng", plain(SMALL));
    user.presses("n").shows("scenarios");
    user.session.event(Event::Key(KeyEvent::new(
        KeyCode::Enter,
        KeyModifiers::NONE,
    )));
    user.session.wait_for_run();
    user.session.settle();
    user.reads("half-close");
    user.reads("1 of 1");
}

#[test]
fn a_screen_too_small_says_so() {
    for size in [(1, 1), (19, 5), (20, 6), (40, 10), (300, 100)] {
        let mut user = User::opens("two-losses.pcap", plain(size));
        for keys in [
            "",
            "?",
            "<esc>c",
            "<esc>/tcp",
            "<esc><enter>",
            "2",
            "3",
            "4",
            "5",
            "6",
            "e",
        ] {
            user.presses(keys).screen();
        }
    }
}

#[test]
fn damage_is_told_and_what_was_good_is_shown() {
    let whole = std::fs::read(fixture("half-close.pcap")).expect("a fixture");
    let path = std::env::temp_dir().join(format!("tcplens-screen-{}.pcap", std::process::id()));
    let mut cut = whole[..whole.len() - 20].to_vec();
    let place = cut.len() - 60;
    cut[place..place + 16].fill(0xff);
    std::fs::write(&path, &cut).expect("a temporary file");
    let origin = Origin::files(vec![path.clone()], false, Options::default());
    let user = User::sees(Some(origin), "cut.pcap", plain(SMALL));
    std::fs::remove_file(&path).expect("its end");
    assert_eq!(user.session.problems.len(), 1);
    user.reads("damaged at byte");
    user.reads("1 of 1");
}

#[test]
fn from_the_capture_to_the_proof_and_back() {
    let mut user = User::opens("shop.pcapng", plain(SMALL));
    // The most troubled with retransmissions by a filter, then its first retransmission.
    user.presses("/tcp.analysis.retransmission<enter>");
    user.reads("1 Connections 4");
    user.presses("G<enter>").reads("connection 4 ");
    user.presses("2n").shows("journey-ladder");
    user.presses("e").shows("journey-proof");
    // To the frame that proves it, and back.
    user.presses("<enter>");
    user.reads("8080");
    user.presses("<back>").presses("5").shows("journey-stream");
    let path = std::env::temp_dir().join(format!("tcplens-saved-{}.bin", std::process::id()));
    user.presses("w<c-u>");
    user.presses(path.to_str().expect("a name"));
    user.presses("<enter>").reads("wrote");
    let saved = std::fs::read(&path).expect("what was saved");
    std::fs::remove_file(&path).expect("its end");
    assert_eq!(saved.len(), 30_000);
    user.presses("qx").reads("1 Connections 11");
}

#[test]
fn a_filter_is_corrected_completed_and_recalled() {
    let mut user = User::opens("shop.pcapng", plain(USUAL));
    user.presses("/tcp.prt == 80<enter>")
        .shows("filter-mistake");
    // Words that have no room beside the marks stand above.
    user.presses("<c-e><c-u>tcp.port == 80 && verdict.resolution == gone && tcp.len > 9<enter>")
        .shows("filter-mistake-amid");
    user.presses("<c-e><c-u>tcp.stre<tab>")
        .reads("/ tcp.stream");
    user.presses(" == 4<enter>").reads("1 of 1");
    user.presses("x").reads("1 Connections 11");
    user.presses("/<up>").reads("/ tcp.stream == 4");
    user.presses("<enter>").reads("1 of 1");
    // What only frames tell is looked for in the frames.
    user.presses("/<c-e><c-u>tcp.payload contains \"GET\"<enter>");
    user.reads("1 Connections 3");
}

#[test]
fn the_marks_of_a_mistake_go_with_a_line_that_is_longer_than_the_screen() {
    let mut user = User::opens("shop.pcapng", plain(SMALL));
    let rest = "frame.number > 1000 && frame.number le 20000 && frame.len > 1000";
    user.presses(&format!("/ip.ttl == 256 && {rest}"))
        .reads("\n       ^^^ ip.ttl goes from 0 to 255 and is never 256");
    // Where it is out of sight, the words alone.
    user.presses(" && udp")
        .reads("\n   ip.ttl goes from 0 to 255 and is never 256");
}

#[test]
fn every_tab_of_a_connection() {
    let mut user = User::opens("zero-window.pcap", plain(USUAL));
    user.presses("<enter>");
    for (key, name) in [
        ("1", "endpoints"),
        ("2", "ladder"),
        ("3", "graphs"),
        ("4", "states"),
        ("5", "stream"),
        ("6", "frames"),
    ] {
        user.presses(key).shows(&format!("tab-{name}"));
    }
}

/// What a wire brings: the frames of a bundled capture, as many as the test has let pass.
struct Wire {
    frames: Vec<(Timestamp, LinkType, Vec<u8>)>,
    passed: Arc<AtomicUsize>,
    missed: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Wire {
    fn of(name: &str) -> Self {
        let mut frames = Vec::new();
        let mut source =
            source::open(&[fixture(name)], &OpenOptions::default()).expect("a capture");
        source
            .run(&mut |arrival| {
                if let Arrival::Frame(frame) = arrival {
                    frames.push((frame.time, frame.link, frame.data.to_vec()));
                }
                ControlFlow::Continue(())
            })
            .expect("it is whole");
        Self {
            frames,
            passed: Arc::default(),
            missed: Arc::default(),
            stop: Arc::default(),
        }
    }
}

impl Source for Wire {
    fn run(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let (mut at, mut missed) = (0, 0);
        let mut now = self.frames[0].0;
        let described = Interface {
            index: 0,
            name: Some("wire0"),
            link: self.frames[0].1,
            snaplen: 0,
            ticks_per_second: 1_000_000_000,
            format: "live",
            input: 0,
        };
        let mut flow = sink(Arrival::Interface(described));
        while flow.is_continue() && !self.stop.load(Ordering::Relaxed) {
            let lost = self.missed.load(Ordering::Relaxed);
            if lost > missed {
                let frames = (lost - missed) as u64;
                flow = sink(Arrival::Missed {
                    interface: 0,
                    frames,
                });
                missed = lost;
            } else if at < self.passed.load(Ordering::Relaxed).min(self.frames.len()) {
                let (time, link, data) = &self.frames[at];
                (at, now) = (at + 1, *time);
                flow = sink(Arrival::Frame(CapturedFrame {
                    number: at as u64,
                    time: *time,
                    interface: 0,
                    link: *link,
                    wire_len: data.len() as u32,
                    data,
                    upcoming: &[],
                    place: Place::NOWHERE,
                }));
            } else {
                // A wire at rest: no time passes on it, so that screens are the same each time.
                flow = sink(Arrival::Quiet(now));
                thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    }
}

/// A user who watches a wire.
struct Watcher {
    user: User,
    passed: Arc<AtomicUsize>,
    missed: Arc<AtomicUsize>,
}

impl Watcher {
    fn watches(name: &str, setting: Setting, live: Live) -> Self {
        Self::on(Wire::of(name), setting, live)
    }

    fn on(wire: Wire, setting: Setting, live: Live) -> Self {
        let (passed, missed) = (Arc::clone(&wire.passed), Arc::clone(&wire.missed));
        let origin = Origin {
            inputs: vec!["wire0".to_owned()],
            files: Vec::new(),
            follow: true,
            make: Box::new(move |options| {
                let wire = Wire {
                    stop: Arc::clone(&options.stop),
                    ..wire
                };
                let trail = options.trail.as_ref().expect("a trail");
                Ok(Box::new(Spooling::new(Box::new(wire), trail)))
            }),
            options: Options::default(),
            live: Some(live),
        };
        let opening = Opening {
            origin: Some(origin),
            scenarios: Vec::new(),
            run: Box::new(|_| Err("nothing runs here".to_owned())),
            calls: None,
            filter: None,
            colour: Some(setting.colour),
            unicode: setting.unicode,
            writable: Writable::default(),
        };
        let session = Session::new(opening, Config::default(), Memory::default(), setting.size);
        let size = setting.size;
        Self {
            user: User { session, size },
            passed,
            missed,
        }
    }

    /// Lets so many frames pass in all, and waits until everything was looked at with all of them.
    #[track_caller]
    fn passes(&mut self, frames: usize, words: &str) -> &mut Self {
        self.lets_pass(frames);
        self.waits(words, frames as u64)
    }

    /// Lets so many frames pass in all, unless the watching ends before.
    fn lets_pass(&mut self, frames: usize) -> &mut Self {
        self.passed.store(frames, Ordering::Relaxed);
        self
    }

    #[track_caller]
    fn waits_for(&mut self, words: &str) -> &mut Self {
        self.waits(words, 0)
    }

    /// Asks again and again, as time does.
    #[track_caller]
    fn waits(&mut self, words: &str, frames: u64) -> &mut Self {
        for _ in 0..1000 {
            self.user.session.refresh();
            self.user.session.renew();
            self.user.session.keep_up();
            let seen = self.user.session.model.header().looked >= frames;
            if seen && self.user.screen().contains(words) {
                return self;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{words:?} does not come\n{}", self.user.screen());
    }

    fn presses(&mut self, keys: &str) -> &mut Self {
        self.user.presses(keys);
        self
    }
}

fn kept() -> Live {
    Live {
        keep: 1 << 20,
        ..Live::default()
    }
}

#[test]
fn what_is_captured_now() {
    let mut watcher = Watcher::watches("shop.pcapng", plain(SMALL), kept());
    watcher.waits_for("1 Connections 0");
    // Connections are marked as they begin and end.
    watcher
        .passes(60, "1 Connections 5")
        .user
        .shows("live-some");
    watcher
        .passes(198, "1 Connections 11")
        .user
        .shows("live-all");
    // Those that are over are left out by choice.
    watcher.presses("o").user.shows("live-open");
    watcher.presses("o").user.reads("1 Connections 11");
    // What is lost is told at once.
    watcher.missed.store(1234, Ordering::Relaxed);
    watcher.waits_for("frames are being lost: 1,234 frames by now");
}

#[test]
fn what_is_paused_stands_still_and_nothing_is_lost() {
    let mut watcher = Watcher::watches("shop.pcapng", plain(USUAL), kept());
    watcher.passes(60, "1 Connections 5");
    watcher.presses("p").user.reads(" paused ");
    // The list stands, the header goes on.
    watcher.passes(198, "198 frames");
    let rows = watcher.user.screen();
    let is_listed = |row: &&str| row.contains("10.20.0.") || row.contains("[fd20::");
    let listed = |rows: &str| rows.lines().filter(is_listed).count();
    assert_eq!(listed(&rows), 5, "{rows}");
    watcher.presses("jj").user.reads("3 of 5");
    watcher.presses("p").waits_for("1 Connections 11");
    let rows = watcher.user.screen();
    assert_eq!(listed(&rows), 11, "{rows}");
}

#[test]
fn a_filter_looks_into_the_frames_that_were_and_into_those_that_come() {
    let mut watcher = Watcher::watches("shop.pcapng", plain(USUAL), kept());
    watcher.passes(60, "1 Connections 5");
    // One of them passed before it was asked for, two have yet to come.
    watcher.presses("/tcp.payload contains \"GET\"<enter>");
    watcher
        .waits_for("1 Connections 1 ")
        .waits_for("  filter tcp");
    watcher.user.reads("10.20.0.31:37785");
    watcher.passes(198, "1 Connections 3 ");
    // Another, which only passed frames match; then none at all.
    watcher.presses("x/tcp.flags.reset == 1<enter>");
    watcher
        .waits_for("1 Connections 2 ")
        .waits_for("  filter tcp");
    watcher.presses("x/udp.payload contains \"no such thing\"<enter>");
    watcher.waits_for("no connection matches the filter");
    watcher.presses("x").waits_for("1 Connections 11");
}

#[test]
fn of_frames_that_are_no_longer_kept_a_filter_says_so() {
    let mut wire = Wire::of("shop.pcapng");
    wire.frames = vec![wire.frames; 30].concat();
    let all = wire.frames.len();
    let mut watcher = Watcher::on(wire, plain(USUAL), kept());
    watcher.passes(all, "5,940 frames");
    watcher.presses("/frame.number == 5940<enter>");
    watcher.waits_for("on: those before are no longer kept");
    watcher.waits_for("1 Connections 1 ");
}

#[test]
fn a_page_goes_on_with_its_connection() {
    let mut watcher = Watcher::watches("zero-window.pcap", plain(USUAL), kept());
    watcher.passes(4, "1 Connections 1").presses("<enter>");
    watcher.user.reads("1 Endpoints");
    watcher.presses("2G");
    watcher.user.reads("frame 4, 4 of 4");
    watcher.passes(9, "frame 9, 9 of 9");
    // Who went back to a frame stays there.
    watcher.presses("g").passes(22, "frame 1, 1 of 22");
    watcher.presses("5").waits_for("5 Stream");
    watcher.presses("G").user.shows("live-page");
}

#[test]
fn a_filter_of_frames_goes_on_with_its_connection() {
    let mut watcher = Watcher::watches("zero-window.pcap", plain(USUAL), kept());
    watcher.passes(9, "1 Connections 1").presses("<enter>6");
    watcher.presses("/tcp.flags.syn == 0<enter>");
    watcher.waits_for(" filter tcp.flags.syn == 0: 7 of 9 ");
    watcher.passes(22, " filter tcp.flags.syn == 0: 20 of 22 ");
    watcher.presses("x").user.reads("of 22");
}

#[test]
fn a_conversation_goes_on() {
    let mut watcher = Watcher::watches("shop.pcapng", plain(USUAL), kept());
    watcher.passes(1, "1 frame ").presses("2<enter>");
    watcher.user.reads("1 datagram in 0ns");
    // The page says how many there are by now, without a key.
    watcher.passes(2, "2 datagrams in 8.40ms");
}

#[test]
fn a_recording_begins_with_what_was_before() {
    let path = std::env::temp_dir().join(format!("tcplens-recorded-{}.pcapng", std::process::id()));
    let live = Live {
        recorder: Recorder::with_lookback(Span::from_secs(3600), 1 << 20),
        ..kept()
    };
    let mut watcher = Watcher::watches("shop.pcapng", plain(USUAL), live);
    watcher.passes(60, "60 frames").presses("r");
    watcher.user.reads("record to wire0-2");
    watcher
        .presses("<c-u>")
        .presses(path.to_str().expect("a name"));
    watcher
        .presses("<enter>")
        .user
        .reads("beginning 60 frames ago");
    watcher.waits_for(" rec ").passes(100, "100 frames");
    watcher.presses("r").user.reads("100 frames recorded in");
    watcher.passes(198, "198 frames");
    let mut frames = 0;
    let mut source = source::open(&[&path], &OpenOptions::default()).expect("the recording");
    source
        .run(&mut |arrival| {
            frames += usize::from(matches!(arrival, Arrival::Frame(_)));
            ControlFlow::Continue(())
        })
        .expect("it is whole");
    std::fs::remove_file(&path).expect("its end");
    assert_eq!(frames, 100);
}

#[test]
fn files_are_neither_paused_nor_recorded() {
    let mut user = User::opens("shop.pcapng", plain(USUAL));
    user.presses("p")
        .reads("only what is being captured can be paused");
    user.presses("r").reads("`tcplens slice` writes");
}

#[test]
fn what_is_too_long_for_a_line_is_told_on_two() {
    let mut user = User::opens("shop.pcapng", plain(SMALL));
    user.presses("r");
    user.reads(" only what is being captured can be recorded; `tcplens slice` writes parts of\n");
    user.reads(" files\n");
}

#[test]
fn watching_ends_after_so_much_time() {
    let live = Live {
        duration: Some(Span::from_secs(2)),
        ..kept()
    };
    let mut watcher = Watcher::watches("shop.pcapng", plain(USUAL), live);
    watcher.lets_pass(198).waits_for("ended");
    watcher.user.session.settle();
    // What came in the first two seconds.
    watcher.user.reads("162 frames");
}

#[test]
fn watching_ends_after_so_many_frames() {
    let live = Live {
        count: Some(60),
        ..kept()
    };
    let mut watcher = Watcher::watches("shop.pcapng", plain(USUAL), live);
    watcher.lets_pass(198).waits_for("ended");
    watcher.user.session.settle();
    watcher.user.reads("60 frames");
    watcher
        .presses("r")
        .user
        .reads("nothing is captured any more");
}

#[test]
fn watching_ends_with_the_last_frame_though_none_follows() {
    let live = Live {
        count: Some(60),
        ..kept()
    };
    let mut watcher = Watcher::watches("shop.pcapng", plain(USUAL), live);
    watcher.passes(60, "ended").user.reads("60 frames");
}
