//! The terminal user interface from outside: keys in, screens out, through the same session that
//! the program runs. What screens look like stands in `tests/expected/screen/`; after a change,
//!
//! ```text
//! UPDATE_EXPECT=1 cargo test --test screen
//! ```
//!
//! rewrites it, and the difference is read before it is committed.

use std::path::{Path, PathBuf};

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use expect_test::expect_file;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tcplens::analysis::Options;
use tcplens::tui::config::{Config, Memory};
use tcplens::tui::loader::Origin;
use tcplens::tui::scenarios::Scenario;
use tcplens::tui::session::Session;
use tcplens::tui::{Opening, Run};

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
    user.presses("r");
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
    user.reads("damaged:");
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
