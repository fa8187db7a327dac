use super::super::testing::{Bytes, big, little, read};

#[test]
fn sections_each_in_its_byte_order_with_its_interfaces() {
    let section = |order: Bytes, name: &[u8], link| {
        let offset = order.clone().u64(100);
        let loss = order.clone().u64(2);
        order
            .section(&[(1, name)])
            .interface(link, 96, &[(2, name), (9, &[6])])
            .interface(
                101,
                0,
                &[(3, b"described"), (9, &[0x80 | 20]), (14, &offset.bytes)],
            )
            .packet(1, (5 << 20) + 1, b"binary", &[])
            .packet(
                0,
                7,
                b"micro",
                &[(4, &loss.bytes), (1, b"first"), (1, b"second")],
            )
    };
    let first = section(big(), b"en0", 1);
    let second = section(little(), b"en1", 113);
    let outcome = read(&[first.bytes, second.bytes].concat());
    assert_eq!(
        outcome.arrivals,
        [
            "comment: en0",
            "interface 0 en0 of 0: pcapng link 1 snaplen 96 ticks 1000000",
            "interface 1 described of 0: pcapng link 101 snaplen 0 ticks 1048576",
            "#1 105000000953 on 1 link 101: binary of 6",
            "missed 2 on 0",
            "#2 7000 on 0 link 1: micro of 5",
            "comment on 2: first",
            "comment on 2: second",
            "comment: en1",
            "interface 2 en1 of 0: pcapng link 113 snaplen 96 ticks 1000000",
            "interface 3 described of 0: pcapng link 101 snaplen 0 ticks 1048576",
            "#3 105000000953 on 3 link 101: binary of 6",
            "missed 2 on 2",
            "#4 7000 on 2 link 113: micro of 5",
            "comment on 4: first",
            "comment on 4: second",
        ]
    );
    assert_eq!(outcome.end, Ok(()));
}

#[test]
fn packets_without_time_and_packets_of_old() {
    for order in [little(), big()] {
        let body = |bytes: &Bytes| bytes.body();
        let simple = body(&order).u32(9).padded(b"abcdef");
        let early = body(&order).u32(2).padded(b"ab");
        let old = body(&order)
            .u16(0)
            .u16(3)
            .u32(0)
            .u32(42)
            .u32(2)
            .u32(60)
            .padded(b"pb");
        let uncounted = body(&order)
            .u16(0)
            .u16(0xffff)
            .u32(0)
            .u32(43)
            .u32(1)
            .u32(1)
            .padded(b"q");
        let uncounted = uncounted.options(&[(1, b"old")]);
        let file = order
            .section(&[])
            .interface(1, 6, &[])
            .block(3, early)
            .block(2, old)
            .block(3, simple)
            .block(2, uncounted);
        assert_eq!(
            read(&file.bytes).arrivals,
            [
                "interface 0 - of 0: pcapng link 1 snaplen 6 ticks 1000000",
                "#1 0 on 0 link 1: ab of 2",
                "missed 3 on 0",
                "#2 42000 on 0 link 1: pb of 60",
                "#3 42000 on 0 link 1: abcdef of 9",
                "#4 43000 on 0 link 1: q of 1",
                "comment on 4: old",
            ]
        );
    }
}

#[test]
fn every_name_of_both_families() {
    for order in [little(), big()] {
        let body = order.body();
        let body = body
            .u16(1)
            .u16(12)
            .padded(b"\x0a\0\0\x01one\0two\0")
            .u16(77)
            .u16(3)
            .padded(b"???")
            .u16(2)
            .u16(22)
            .padded(b"\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x05five\xff\0")
            .u32(0)
            .options(&[(1, b"names")]);
        let file = order.section(&[]).block(4, body);
        assert_eq!(
            read(&file.bytes).arrivals,
            [
                "10.0.0.1 is one",
                "10.0.0.1 is two",
                "fe80::5 is five\u{fffd}",
                "comment: names",
            ]
        );
    }
}

#[test]
fn statistics_report_what_is_new() {
    for order in [little(), big()] {
        let number = |value| order.body().u64(value).bytes;
        let statistics = |interface, options: &[(u16, &[u8])]| {
            let body = order.body();
            body.u32(interface).u64(0).options(options)
        };
        let file = order
            .clone()
            .section(&[])
            .interface(1, 0, &[])
            .packet(0, 1, b"x", &[(4, &number(2))])
            .block(5, statistics(0, &[(5, &number(5)), (7, &number(1))]))
            .block(5, statistics(0, &[(5, &number(5)), (7, &number(9))]))
            .block(5, statistics(0, &[(5, &number(4))]))
            .block(5, statistics(8, &[(5, &number(4))]));
        let outcome = read(&file.bytes);
        assert_eq!(outcome.arrivals[1], "missed 2 on 0");
        assert_eq!(outcome.arrivals[3..], ["missed 3 on 0", "missed 4 on 0"]);
        assert_eq!(outcome.end, Ok(()));
    }
}

#[test]
fn other_blocks_are_passed_over_and_counted() {
    let mut file = little().section(&[]).interface(1, 0, &[]);
    // Systemd journal, decryption secrets, custom ones, Apple's process information, unknown.
    for kind in [9, 10, 0xbad, 0x4000_0bad, 0x8000_0001, 0x7777] {
        file = file.block(kind, little().u32(0));
    }
    let outcome = read(&file.block(0x7778, little()).packet(0, 1, b"x", &[]).bytes);
    assert_eq!(
        outcome.arrivals[1..],
        [
            "skipped 0x9",
            "skipped 0xa",
            "skipped 0xbad",
            "skipped 0x40000bad",
            "skipped 0x80000001",
            "skipped 0x7777",
            "skipped 0x7778",
            "#1 1000 on 0 link 1: x of 1",
        ]
    );
}

#[test]
fn lengths_that_can_not_be_are_damage() {
    let start = little()
        .section(&[])
        .interface(1, 0, &[])
        .packet(0, 1, b"x", &[]);
    let offset = start.bytes.len() as u64;
    let packet = |captured: u32| little().u32(0).u64(0).u32(captured).u32(4).raw(b"abcd");
    let large = little()
        .u32(0)
        .u64(0)
        .u32(300_000)
        .u32(4)
        .raw(&vec![0; 300_000]);
    let other_end = little().u32(6).u32(12).u32(13);
    let start = || start.clone();
    for (file, reason) in [
        (
            start().u32(6).u32(u32::MAX).raw(b"abcdefgh"),
            "block of type 0x6 claims 4,294,967,295 bytes; at most 67,108,864 are read",
        ),
        (
            start().u32(6).u32(8).u32(8),
            "block of type 0x6 claims 8 bytes; a block has at least 12",
        ),
        (
            start().raw(&other_end.bytes),
            "block of type 0x6 has 12 bytes by the length at its start, 13 by that at its end",
        ),
        (
            start().block(6, little().u32(0)),
            "enhanced packet block is too short for its own fields",
        ),
        (
            start().block(6, packet(5)),
            "packet block claims 5 captured bytes; it has room for 4",
        ),
        (
            start().block(6, packet(u32::MAX)),
            "packet block claims 4,294,967,295 captured bytes; it has room for 4",
        ),
        (
            start().block(6, large),
            "packet block claims 300,000 captured bytes; at most 262,144 are read",
        ),
        (
            start().packet(7, 1, b"x", &[]),
            "packet block names interface 7; its section describes 1",
        ),
        (
            start().section(&[]).packet(0, 1, b"x", &[]),
            "packet block names interface 0; its section describes 0",
        ),
        (
            start().block(0x0a0d_0d0a, little().u32(0x1a2b_3c4d).u16(2).u16(0).u64(0)),
            "a section of pcapng version 2.0; version 1 is read",
        ),
        (
            start().block(0x0a0d_0d0a, little().u32(0x1234_5678).u32(1).u64(0)),
            "section header has the byte-order magic 0x12345678, which is neither order's",
        ),
    ] {
        let outcome = read(&file.bytes);
        assert_eq!(outcome.reason(), reason);
        let error = outcome.end.clone().unwrap_err();
        assert_eq!((outcome.frames(), error.after_frame), (1, 1));
        assert!(error.offset >= offset && !error.unopened, "{error}");
    }
}

#[test]
fn a_block_larger_than_the_buffer() {
    let mut text = b"long".to_vec();
    text.resize(1_000_000, b'.');
    let file = little()
        .section(&[])
        .interface(1, 0, &[])
        .block(0x7777, little().raw(&text));
    let outcome = read(&file.packet(0, 1, b"x", &[]).bytes);
    assert_eq!((outcome.frames(), outcome.end), (1, Ok(())));
}

#[test]
fn a_section_header_larger_than_the_buffer() {
    let option: &[u8] = &[b'.'; 65_000];
    let file = little()
        .section(&[(3, option); 6])
        .interface(1, 0, &[])
        .packet(0, 1, b"x", &[]);
    let outcome = read(&file.bytes);
    assert_eq!((outcome.frames(), outcome.end), (1, Ok(())));
}
