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

#[test]
fn a_segment_with_sack_and_what_it_is_judged_to_be() {
    let text = printed(&["-V", "--connection", "0", "two-losses.pcap"]);
    let sack = layer(&text, "TCP Option - SACK: ")
        .split_inclusive('\n')
        .take(6);
    shown(
        &sack.collect::<String>(),
        expect![[r#"
        TCP Option - SACK: 5793-7241
                    Kind: SACK (5)
                    Length: 10
                    left edge: 5793
                    right edge: 7241
                    [TCP SACK Count: 1]
    "#]],
    );
    shown(
        text.lines()
            .find(|line| line.contains("[Verdict: retransmission"))
            .unwrap(),
        expect![
            "    [Verdict: retransmission (fast, needed, after-tap) (likely: seen-before, asked-by-sack, acknowledged-in-time)]"
        ],
    );
    let text = printed(&["-V", "-c", "1", "two-losses.pcap"]);
    shown(
        layer(&text, "Transmission"),
        expect![[r#"
        Transmission Control Protocol, Src Port: 35409, Dst Port: 8080, Seq: 0, Len: 0
            Source Port: 35409
            Destination Port: 8080
            [Stream index: 0]
            [TCP Segment Len: 0]
            Sequence Number: 0    (relative)
            Sequence Number (raw): 738211147
            [Next Sequence Number: 1]
            Acknowledgment number (raw): 0
            1010 .... = Header Length: 40 bytes (10)
            Flags: 0x002 (SYN)
                000. .... .... = Reserved: Not set
                ...0 .... .... = Accurate ECN: Not set
                .... 0... .... = Congestion Window Reduced: Not set
                .... .0.. .... = ECN-Echo: Not set
                .... ..0. .... = Urgent: Not set
                .... ...0 .... = Acknowledgment: Not set
                .... .... 0... = Push: Not set
                .... .... .0.. = Reset: Not set
                .... .... ..1. = Syn: Set
                .... .... ...0 = Fin: Not set
                [TCP Flags: ..........S.]
            Window: 64240
            [Calculated window size: 64240]
            Checksum: 0x3610 [correct]
            [Checksum Status: Good]
            Urgent Pointer: 0
            Options: (20 bytes), Maximum segment size, SACK permitted, Timestamps, No-Operation (NOP), Window scale
                TCP Option - Maximum segment size: 1460 bytes
                    Kind: Maximum Segment Size (2)
                    Length: 4
                    MSS Value: 1460
                TCP Option - SACK permitted
                    Kind: SACK Permitted (4)
                    Length: 2
                TCP Option - Timestamps: TSval 620483281, TSecr 0
                    Kind: Time Stamp Option (8)
                    Length: 10
                    Timestamp value: 620483281
                    Timestamp echo reply: 0
                TCP Option - No-Operation (NOP)
                    Kind: No-Operation (1)
                TCP Option - Window scale: 10 (multiply by 1024)
                    Kind: Window Scale (3)
                    Length: 3
                    Shift count: 10
                    [Multiplier: 1024]

    "#]],
    );
}

#[test]
fn tags_and_tunnels() {
    let text = printed(&["-V", "-c", "1", "qinq.pcap"]);
    let tags = layer(&text, "802.1Q").split("Internet").next().unwrap();
    shown(
        tags,
        expect![[r#"
        802.1Q Virtual LAN, PRI: 0, DEI: 0, ID: 200
            000. .... .... .... = Priority: 0
            ...0 .... .... .... = DEI: Ineligible
            .... 0000 1100 1000 = ID: 200
            Type: 802.1Q Virtual LAN (0x8100)
        802.1Q Virtual LAN, PRI: 0, DEI: 0, ID: 10
            000. .... .... .... = Priority: 0
            ...0 .... .... .... = DEI: Ineligible
            .... 0000 0000 1010 = ID: 10
            Type: IPv4 (0x0800)
    "#]],
    );
    let text = printed(&["-V", "-c", "1", "gre.pcap"]);
    let header = layer(&text, "\nGeneric").split("Internet").next().unwrap();
    shown(
        header,
        expect![[r#"

            Generic Routing Encapsulation (IPv4)
                Flags and Version: 0x0000
                    0... .... .... .... = Checksum Bit: Not set
                    .0.. .... .... .... = Routing Bit: Not set
                    ..0. .... .... .... = Key Bit: Not set
                    ...0 .... .... .... = Sequence Number Bit: Not set
                    .... .... 0... .... = Acknowledgment: Not set
                    .... .... .... .000 = Version: 0
                Protocol Type: IPv4 (0x0800)
        "#]],
    );
}

#[test]
fn an_error_with_the_packet_it_is_about() {
    let text = printed(&["-V", "udp-unreachable-ipv6.pcap"]);
    let error = layer(&text, "Internet Control Message Protocol v6");
    let error = error.split("\n\n").next().unwrap();
    shown(
        error,
        expect![[r#"
            Internet Control Message Protocol v6
                Type: Destination Unreachable (1)
                Code: 4 (port unreachable)
                Checksum: 0xb726 [correct]
                [Checksum Status: Good]
                Reserved: 0x00000000
                Internet Protocol Version 6, Src: fd00::1, Dst: fd00::2
                    0110 .... = Version: 6
                    .... 0000 0000 .... .... .... .... .... = Traffic Class: 0x00 (DSCP: CS0, ECN: Not-ECT)
                        .... 0000 00.. .... .... .... .... .... = Differentiated Services Codepoint: Default (0)
                        .... .... ..00 .... .... .... .... .... = Explicit Congestion Notification: Not ECN-Capable Transport (0)
                    .... .... .... 1000 1101 1100 0001 1000 = Flow Label: 0x8dc18
                    Payload Length: 22
                    Next Header: UDP (17)
                    Hop Limit: 64
                    Source Address: fd00::1
                    Destination Address: fd00::2
                User Datagram Protocol, Src Port: 33884, Dst Port: 9999
                    Source Port: 33884
                    Destination Port: 9999
                    Length: 22"#]],
    );
}

#[test]
fn a_fragment_and_multipath_options() {
    let text = printed(&["-V", "-c", "1", "fragments-udp-ipv6.pcap"]);
    let fragment = layer(&text, "\nFragment Header")
        .split("    Data:")
        .next()
        .unwrap();
    shown(
        fragment,
        expect![[r#"

            Fragment Header for IPv6
                Next Header: UDP (17)
                Reserved octet: 0x00
                0000 0000 0000 0... = Offset: 0 (0 bytes)
                .... .... .... .00. = Reserved bits: 0
                .... .... .... ...1 = More Fragments: Yes
                Identification: 0x6f5f9ea1
            IP fragment (1,448 bytes)
        "#]],
    );
    let text = printed(&["-V", "mptcp.pcap"]);
    let join = layer(&text, "TCP Option - Multipath TCP: MP_JOIN");
    shown(
        &join.split_inclusive('\n').take(9).collect::<String>(),
        expect![[r#"
            TCP Option - Multipath TCP: MP_JOIN
                        Kind: Multipath TCP (30)
                        Length: 12
                        0001 .... = Multipath TCP subtype: MP_JOIN (1)
                        .... ...0 = Backup flag: Not set
                        Address ID: 1
                        Receiver's Token: 0x19613281
                        Sender's Random Number: 0x735dfe26

        "#]],
    );
    let signals = text.split("TCP Option - Multipath TCP: DSS");
    let longest = signals
        .skip(1)
        .find(|each| each.contains("Data-level Length"))
        .unwrap();
    // The heading keeps the indent of what is expected below it.
    let head: String = longest.split_inclusive('\n').take(16).collect();
    shown(
        &format!("DSS{head}"),
        expect![[r#"
            DSS
                        Kind: Multipath TCP (30)
                        Length: 26
                        0010 .... = Multipath TCP subtype: DSS (2)
                        Multipath TCP flags: 0x0f
                            ...0 .... = DATA_FIN: Not set
                            .... 1... = Data Sequence Number is 8 octets: Set
                            .... .1.. = Data Sequence Number present: Set
                            .... ..1. = Data ACK is 8 octets: Set
                            .... ...1 = Data ACK is present: Set
                        Data ACK: 839409632865579140
                        Data Sequence Number: 6111195325748632802
                        Subflow Sequence Number: 1
                        Data-level Length: 5
                    TCP Option - No-Operation (NOP)
                        Kind: No-Operation (1)
        "#]],
    );
}

#[test]
fn a_frame_that_was_cut_and_its_bytes() {
    let text = printed(&["-V", "-x", "-c", "4", "snapped.pcap"]);
    let fourth = layer(&text, "Frame 4");
    let (start, end) = fourth.split_once("Ethernet II").unwrap();
    shown(
        start,
        expect![[r#"
        Frame 4, 1,514 bytes on wire, 96 bytes captured
            [Interface: 0]
            [Encapsulation type: 1]
            [Arrival Time: 2026-11-21 10:49:02.917923000]
            [Epoch Time: 1795258142.917923000 seconds]
            [Frame Number: 4]
            [Frame Length: 1514]
            [Capture Length: 96]
    "#]],
    );
    shown(
        layer(end, "TCP payload"),
        expect![[r#"
            TCP payload (30 of 1,448 bytes)
                Data: 303030303030300a303030303030380a303030303031360a303030303032

            0000  02 00 00 00 00 01 02 00  00 00 00 02 08 00 45 00  ..............E.
            0010  05 dc 9f a5 40 00 40 06  81 74 0a 00 00 02 0a 00  ....@.@..t......
            0020  00 01 1f 90 b4 c7 36 af  ac df fe 38 5f e3 80 10  ......6....8_...
            0030  00 40 58 4a 00 00 01 01  08 0a f6 7f 0f 1b 89 0d  .@XJ............
            0040  cd 29 30 30 30 30 30 30  30 0a 30 30 30 30 30 30  .)0000000.000000
            0050  38 0a 30 30 30 30 30 31  36 0a 30 30 30 30 30 32  8.0000016.000002

        "#]],
    );
}

fn health<'a>(tree: &'a Tree, name: &str) -> &'a Field {
    let field = tree.fields.iter().find(|field| field.name == name);
    field.unwrap_or_else(|| panic!("{name}: {tree:#?}"))
}

#[test]
fn checksums_are_verified_where_all_is_there() {
    let mut segment = packets::segment(1, 1, tcplens::wire::Flags::ACK);
    segment.payload = b"hello";
    segment.payload_len = 5;
    let mut bytes = packets::frame(packets::CLIENT, packets::SERVER, 1, &segment);
    let of = |bytes: &[u8], wire_len: usize| {
        Tree::of(&frame(LinkType::ETHERNET, bytes, wire_len as u32))
    };
    let len = bytes.len();
    let right = of(&bytes, len);
    assert_eq!(health(&right, "Checksum").health, Health::Good);
    assert_eq!(health(&right, "Header Checksum").health, Health::Good);
    let cut = of(&bytes[..len - 1], len);
    assert_eq!(health(&cut, "Checksum").health, Health::Plain);
    assert_eq!(health(&cut, "Checksum Status").value, "Unverified");
    assert_eq!(health(&cut, "Capture Length").health, Health::Odd);
    bytes[len - 1] ^= 1;
    bytes[22] = 63;
    let wrong = of(&bytes, len);
    assert_eq!(health(&wrong, "Checksum").health, Health::Bad);
    assert_eq!(health(&wrong, "Header Checksum").health, Health::Bad);
    let offload = "It was left to the network card to fill in (checksum offload)";
    assert!(!wrong.fields.iter().any(|field| field.name == offload));
    bytes[50..52].copy_from_slice(&[0, 0]);
    let unfilled = of(&bytes, len);
    assert_eq!(health(&unfilled, "Checksum").health, Health::Bad);
    assert_eq!(health(&unfilled, offload).health, Health::Odd);
}

#[test]
fn where_decoding_stopped_is_told() {
    // A TCP header that says it is four words long.
    let mut bytes = packets::frame(
        packets::CLIENT,
        packets::SERVER,
        1,
        &packets::segment(1, 1, tcplens::wire::Flags::ACK),
    );
    bytes[46] = 0x40;
    let tree = Tree::of(&frame(LinkType::ETHERNET, &bytes, bytes.len() as u32));
    let stop = tree.fields.last().unwrap();
    assert_eq!(
        stop.to_string(),
        "[Not decoded further: TCP at byte 34: data offset is 0x4]"
    );
    assert_eq!((stop.range.clone(), stop.health), (34..54, Health::Bad));
    // A protocol that is not decoded is no damage.
    bytes[23] = 132;
    let tree = Tree::of(&frame(LinkType::ETHERNET, &bytes, bytes.len() as u32));
    let stop = tree.fields.last().unwrap();
    assert_eq!(
        stop.to_string(),
        "[Not decoded further: IP payload at byte 34: protocol 0x84 is not decoded]"
    );
    assert_eq!(stop.health, Health::Plain);
    assert_eq!(health(&tree, "Protocol").value, "SCTP (132)");
}

#[test]
fn what_is_lit_for_a_byte() {
    let bytes = packets::frame(
        packets::CLIENT,
        packets::SERVER,
        1,
        &packets::segment(1, 1, tcplens::wire::Flags::ACK),
    );
    let tree = Tree::of(&frame(LinkType::ETHERNET, &bytes, bytes.len() as u32));
    for (byte, line) in [
        (12, "Type: IPv4 (0x0800)"),
        (22, "Time to Live: 64"),
        (34, "Source Port: 40000"),
        (41, "Sequence Number (raw): 1"),
        (48, "Window: 65535"),
    ] {
        let index = tree.at(byte).unwrap();
        assert_eq!(tree.fields[index].to_string(), line);
        let layer = tree.parent(index).unwrap();
        assert!(tree.fields[layer].depth == 0 && tree.has_children(layer));
    }
    assert_eq!(tree.at(54), None);
}

#[test]
fn a_dump_keeps_its_columns() {
    let mut out = Vec::new();
    dump(&mut out, b"0123456789abcdef\x1b!").unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "0000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef\n\
         0010  1b 21                                             .!\n"
    );
}
