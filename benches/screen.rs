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
use tcplens::tui::saving::Writable;
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

/// Keys by what they take: moving within lines that are known; to what has to be asked for; to
/// another order of everything, which is drawn twice: at once, and when the new order is there.
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
        writable: Writable::default(),
    };
    let mut session = Session::new(opening, Config::default(), Memory::default(), SIZE);
    session.draw(&mut buffer);
    println!("  the first screen          {:>9}", millis(begun.elapsed()));
    while session.model.snapshot.lines.is_empty() && session.is_reading() {
        session.refresh();
        session.keep_up();
    }
    session.draw(&mut buffer);
    println!("  ... with connections      {:>9}", millis(begun.elapsed()));
    let mut took = vec![[Vec::new(), Vec::new()]; KEYS.len()];
    let mut turn = 0;
    while session.is_reading() {
        // As time does, between keys.
        session.refresh();
        session.keep_up();
        std::thread::sleep(PAUSE);
        let place = turn % KEYS.len();
        let pressed = Instant::now();
        let event = KeyEvent::new(KEYS[place].1, KeyModifiers::NONE);
        session.event(Event::Key(event));
        session.draw(&mut buffer);
        let seen = pressed.elapsed();
        session.keep_up();
        session.draw(&mut buffer);
        // What was answered after the last frame was not answered while reading.
        if session.is_reading() {
            let [first, whole] = &mut took[place];
            first.push(seen);
            whole.push(pressed.elapsed());
        }
        turn += 1;
    }
    println!("  everything read           {:>9}", millis(begun.elapsed()));
    println!("  from a key to the screen    median     99 %     most");
    for ((name, _), [seen, whole]) in KEYS.iter().zip(&mut took) {
        told(&format!("{name}, drawn"), seen);
        told(&format!("{name}, answered"), whole);
    }
}

fn told(name: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let at = |part: f64| took.get(((took.len() as f64 - 1.0) * part) as usize);
    let part = |part| at(part).copied().map_or("-".to_owned(), millis);
    let [median, high, most] = [0.5, 0.99, 1.0].map(part);
    println!(
        "    {name:20}    {median:>8} {high:>8} {most:>8}  of {}",
        took.len()
    );
}

fn millis(time: Duration) -> String {
    format!("{:.1}ms", time.as_secs_f64() * 1e3)
}
