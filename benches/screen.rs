//! How soon the screen is there, and how soon it answers while a capture is read at full speed:
//! `cargo bench --bench screen -- FILE…`. The session is the one that the program runs, without a
//! terminal: a key goes in, and time runs until a screen with its effect is drawn.
#![allow(clippy::disallowed_methods, reason = "it measures wall time")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tcplens::analysis::Options;
use tcplens::tui::Opening;
use tcplens::tui::config::{Config, Memory};
use tcplens::tui::loader::Origin;
use tcplens::tui::session::Session;

const SIZE: (u16, u16) = (200, 60);
/// Between two keys.
const PAUSE: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let files: Vec<PathBuf> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .map(PathBuf::from)
        .collect();
    if files.is_empty() {
        println!("usage: cargo bench --bench screen -- FILE…");
        return ExitCode::SUCCESS;
    }
    for file in files {
        if !file.exists() {
            eprintln!("{}: there is no such file", file.display());
            return ExitCode::FAILURE;
        }
        measure(file);
    }
    ExitCode::SUCCESS
}

/// Keys with what they take: moving within lines that are known; to what has to be asked for; to
/// another order of everything.
const KEYS: &[(&str, KeyCode)] = &[
    ("down", KeyCode::Char('j')),
    ("last", KeyCode::Char('G')),
    ("first", KeyCode::Char('g')),
    ("sort", KeyCode::Char('s')),
    ("tab", KeyCode::Tab),
];

fn measure(file: PathBuf) {
    println!("{}", file.display());
    let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
    let begun = Instant::now();
    let opening = Opening {
        origin: Some(Origin::files(vec![file], false, Options::default())),
        scenarios: Vec::new(),
        run: Box::new(|_| Err("nothing runs here".to_owned())),
        calls: None,
        filter: None,
        colour: Some(true),
        unicode: true,
    };
    let mut session = Session::new(opening, Config::default(), Memory::default(), SIZE);
    session.draw(&mut buffer);
    println!(
        "  first screen, empty           {}",
        millis(begun.elapsed())
    );
    session.keep_up();
    session.draw(&mut buffer);
    println!(
        "  first screen with connections {}",
        millis(begun.elapsed())
    );
    let mut took: Vec<Vec<Duration>> = vec![Vec::new(); KEYS.len()];
    let mut draws = Vec::new();
    let mut turn = 0;
    while session.is_reading() {
        // As time does, between keys.
        session.refresh();
        session.keep_up();
        std::thread::sleep(PAUSE);
        let (_, key) = KEYS[turn % KEYS.len()];
        let pressed = Instant::now();
        let event = KeyEvent::new(key, KeyModifiers::NONE);
        session.event(Event::Key(event));
        session.keep_up();
        let drawing = Instant::now();
        session.draw(&mut buffer);
        draws.push(drawing.elapsed());
        // What was answered after the last frame was not answered while reading.
        if session.is_reading() {
            took[turn % KEYS.len()].push(pressed.elapsed());
        }
        turn += 1;
    }
    println!(
        "  everything read               {}",
        millis(begun.elapsed())
    );
    println!("  from key to screen:      median      99 %      most     keys");
    for ((name, _), took) in KEYS.iter().zip(&mut took) {
        told(name, took);
    }
    told("drawing", &mut draws);
}

fn told(name: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let at = |part: f64| took.get(((took.len() as f64 - 1.0) * part) as usize);
    let [median, high, most] =
        [0.5, 0.99, 1.0].map(|part| at(part).copied().map_or("-".into(), millis));
    println!(
        "    {name:20} {median:>8} {high:>9} {most:>9} {:>8}",
        took.len()
    );
}

fn millis(time: Duration) -> String {
    format!("{:.1}ms", time.as_secs_f64() * 1e3)
}
