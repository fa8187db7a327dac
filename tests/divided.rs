//! A capture divided among analyzers gives what one analyzer gives: the same flows under the same
//! numbers, the same figures, the same counts of the capture.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use tcplens::analysis::{Analyzer, Options};
use tcplens::source::{OpenOptions, open};
use tcplens::tcp::Role;

fn captures() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// All captures after each other, as one arrival stream, so that there are many flows.
fn read(analyzer: &mut Analyzer) {
    open(&captures(), &OpenOptions::default())
        .unwrap()
        .run(&mut |arrival| analyzer.arrive(arrival, &mut ()))
        .unwrap();
    analyzer.finish(&mut ());
}

fn told(analyzer: &Analyzer) -> String {
    let mut text = String::new();
    for (id, slot) in analyzer.connections() {
        analyzer
            .connection(slot, |view| {
                assert_eq!(view.id, id);
                let connection = view.connection;
                writeln!(text, "{id} {:?} {:?}", view.sockets, connection.opening()).unwrap();
                for role in Role::BOTH {
                    let endpoint = connection.endpoint(role);
                    let (state, rtt) = (endpoint.state, endpoint.rtt.figures());
                    writeln!(text, "  {state} {:?} {rtt:?}", endpoint.figures).unwrap();
                }
            })
            .unwrap();
    }
    for conversation in analyzer.conversations() {
        writeln!(text, "{conversation:?}").unwrap();
    }
    // How much was held, not what was found, may differ.
    writeln!(text, "{:?} {}", analyzer.capture(), analyzer.tcp_seen()).unwrap();
    writeln!(text, "{:?}", analyzer.evidence()).unwrap();
    text
}

#[test]
fn parts_make_the_whole() {
    let options = Options::default();
    let mut whole = Analyzer::new(options.clone());
    read(&mut whole);
    assert!(whole.tcp_seen() > 50 && whole.udp_seen() > 5);
    for count in [1, 2, 3, 4] {
        let mut parts = Analyzer::divided(&options, count).into_iter();
        let mut first = parts.next().unwrap();
        read(&mut first);
        for mut part in parts {
            read(&mut part);
            first.absorb(part);
        }
        assert_eq!(told(&first), told(&whole), "{count} parts");
    }
}
