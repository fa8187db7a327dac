//! The decode tree: its fields stand where they say, whatever the bytes; and every fixture's trees
//! say what tshark says of the same frames.

use std::ops::{ControlFlow, Range};
use std::process::Command;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use tcplens::frame::{CapturedFrame, Place};
use tcplens::report::tree::{Field, Health, Tree, dump};
use tcplens::source::{Arrival, OpenOptions, open};
use tcplens::time::Timestamp;
use tcplens::wire::{LinkType, decode};

mod packets;

fn frame(link: LinkType, data: &[u8], wire_len: u32) -> CapturedFrame<'_> {
    CapturedFrame {
        number: 7,
        time: Timestamp::from_nanos(1_500_000_000_000_000_001),
        interface: 0,
        link,
        wire_len,
        data,
        upcoming: &[],
        place: Place::NOWHERE,
    }
}

/// Every range is within the frame and within that of the field around it; every field is at most
/// one deeper than the one before it; nothing can hurt a terminal.
fn check(tree: &Tree, len: usize) -> Result<(), TestCaseError> {
    let mut around: Vec<Range<usize>> = Vec::new();
    for field in &tree.fields {
        let depth = usize::from(field.depth);
        prop_assert!(depth <= around.len(), "{field}");
        around.truncate(depth);
        let Range { start, end } = field.range;
        prop_assert!(
            start <= end && end <= len,
            "{field}: {start}..{end} of {len}"
        );
        // What stands nowhere is within nothing.
        if let Some(outer) = around.last()
            && start < end
        {
            prop_assert!(
                outer.start <= start && end <= outer.end,
                "{field}: {start}..{end} in {outer:?}"
            );
        }
        around.push(field.range.clone());
        let line = field.to_string();
        prop_assert!(line.chars().all(|c| (' '..='~').contains(&c)), "{line:?}");
    }
    for byte in 0..len {
        if let Some(index) = tree.at(byte) {
            prop_assert!(tree.fields[index].range.contains(&byte));
        }
    }
    for index in 0..tree.fields.len() {
        for child in tree.children(index) {
            prop_assert_eq!(tree.parent(child), Some(index));
        }
    }
    Ok(())
}

/// All frames of the fixtures: link type, bytes, length on the wire.
fn frames() -> Vec<(LinkType, Vec<u8>, u32)> {
    let mut frames = Vec::new();
    for file in packets::fixtures() {
        open(&[file], &OpenOptions::default())
            .unwrap()
            .run(&mut |arrival| {
                if let Arrival::Frame(frame) = arrival {
                    frames.push((frame.link, frame.data.to_vec(), frame.wire_len));
                }
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    frames
}

#[test]
fn every_frame_of_the_fixtures_whole_and_cut() {
    for (at, (link, data, wire_len)) in frames().into_iter().enumerate() {
        let whole = Tree::of(&frame(link, &data, wire_len));
        check(&whole, data.len()).unwrap();
        if at % 5 > 0 {
            continue;
        }
        for len in 0..data.len().min(140) {
            let cut = Tree::of(&frame(link, &data[..len], wire_len));
            check(&cut, len).unwrap();
        }
    }
}

#[test]
fn every_byte_of_a_frame_that_is_understood_is_told() {
    for (link, data, wire_len) in frames() {
        if decode(link, &data, wire_len).stop.is_some() {
            continue;
        }
        let tree = Tree::of(&frame(link, &data, wire_len));
        for byte in 0..data.len() {
            assert!(tree.at(byte).is_some(), "byte {byte}: {tree:#?}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes(
        link in prop_oneof![0_u32..300, Just(1), Just(113), Just(276), Just(101)],
        data in proptest::collection::vec(any::<u8>(), 0..200),
        more in 0_u32..100,
    ) {
        let tree = Tree::of(&frame(LinkType(link), &data, data.len() as u32 + more));
        check(&tree, data.len())?;
    }

    #[test]
    fn frames_with_some_bytes_changed(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        thread_local! {
            static FRAMES: Vec<(LinkType, Vec<u8>, u32)> = frames();
        }
        let (link, mut data, wire_len) = FRAMES.with(|frames| which.get(frames).clone());
        for (place, value) in changes {
            if !data.is_empty() {
                // The first bytes decide what the rest is.
                let most = data.len().min(120);
                data[place.index(most)] = value;
            }
        }
        let tree = Tree::of(&frame(link, &data, wire_len));
        check(&tree, data.len())?;
    }
}

/// A fixture's frame as tcplens prints it.
fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tcplens"))
        .arg("packets")
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures"))
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

/// From the layer of this name on.
fn layer<'a>(text: &'a str, name: &str) -> &'a str {
    let start = text
        .find(name)
        .unwrap_or_else(|| panic!("{name} in {text}"));
    &text[start..]
}

fn shown(text: &str, expected: Expect) {
    expected.assert_eq(text);
}
