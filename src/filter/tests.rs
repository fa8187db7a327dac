//! The language: what it refuses and how, and that what is printed reads as what was written.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::ast::{
    Expr, Extent, Function, Literal, Member, Operand, Operator, Place, Quantifier, Relation, Slice,
    Test, Text,
};
use super::{Filter, Needs, complete, fields, grammar};

#[track_caller]
fn refused(text: &str, expected: Expect) {
    let error = Filter::parse(text).expect_err(text);
    expected.assert_eq(&format!("{}\n{error}\n", error.pointed_at(text)));
}

#[test]
fn errors_point_at_the_place_and_name_what_is_near() {
    refused(
        "tcp && tcp.analysis.retransmision",
        expect![[r#"
              tcp && tcp.analysis.retransmision
                     ^^^^^^^^^^^^^^^^^^^^^^^^^^
            there is no field tcp.analysis.retransmision; did you mean tcp.analysis.retransmission?
        "#]],
    );
    refused(
        "tcp.port = 80",
        expect![[r#"
              tcp.port = 80
                       ^
            = is not an operator; did you mean ==?
        "#]],
    );
    refused(
        "(tcp.port == 80 || udp",
        expect![[r#"
              (tcp.port == 80 || udp
              ^
            this ( is never closed
        "#]],
    );
    refused(
        "tcp.port == 80)",
        expect![[r#"
              tcp.port == 80)
                            ^
            there is no ( for this )
        "#]],
    );
    refused(
        "tcp.port ==",
        expect![[r#"
              tcp.port ==
                         ^
            a value is expected here, and the filter ends
        "#]],
    );
    refused(
        "tcp.port == 80 and",
        expect![[r#"
              tcp.port == 80 and
                                ^
            a field is expected here, and the filter ends
        "#]],
    );
    refused(
        "tcp.port == 80 443",
        expect![[r#"
              tcp.port == 80 443
                             ^^^
            an operator, `and` or `or` is expected before 443
        "#]],
    );
    refused(
        "conn.state == \"CLOSE-WAITING\"",
        expect![[r#"
              conn.state == "CLOSE-WAITING"
                            ^^^^^^^^^^^^^^^
            conn.state is never "CLOSE-WAITING"; did you mean "CLOSE-WAIT"?
        "#]],
    );
    refused(
        "verdict.need == maybe",
        expect![[r#"
              verdict.need == maybe
                              ^^^^^
            verdict.need is never maybe; it is one of needed, spurious, unknown
        "#]],
    );
    refused(
        "frame contains GET",
        expect![[r#"
              frame contains GET
                             ^^^
            GET is neither bytes, such as 47:45:54, nor a text in quotation marks; did you mean "GET"?
        "#]],
    );
    refused(
        "tcp.port == 70000",
        expect![[r#"
          tcp.port == 70000
                      ^^^^^
        tcp.port goes from 0 to 65535 and is never 70000
    "#]],
    );
    refused(
        "!(ip.ttl in {1, 2..256})",
        expect![[r#"
          !(ip.ttl in {1, 2..256})
                             ^^^
        ip.ttl goes from 0 to 255 and is never 256
    "#]],
    );
    refused(
        "tcp.payload[0:2] == 0x4745",
        expect![[r#"
              tcp.payload[0:2] == 0x4745
                                  ^^^^^^
            0x4745 is no bytes, which are pairs of hexadecimal digits, such as 47:45:54; did you mean 47:45?
        "#]],
    );
    refused(
        "tcp.payload[0] == 200",
        expect![[r#"
              tcp.payload[0] == 200
                                ^^^
            200 is no bytes, which are pairs of hexadecimal digits, such as 47:45:54; did you mean 0xc8?
        "#]],
    );
    refused(
        "tcp.payload contains 'GET'",
        expect![[r#"
              tcp.payload contains 'GET'
                                   ^^^^^
            between single marks stands one byte, not GET; did you mean "GET"?
        "#]],
    );
    refused(
        "conn.state == \"CLOSE-WAIT\" == 80",
        expect![[r#"
              conn.state == "CLOSE-WAIT" == 80
                                            ^^
            one side of == must be a field, and both are values
        "#]],
    );
    refused(
        "udp && tcp.port in {80} == 1",
        expect![[r#"
              udp && tcp.port in {80} == 1
                                      ^^
            == compares values, and before it stands a whole test; tests are joined by && and ||
        "#]],
    );
    refused(
        "tcp.port == 80 || 443",
        expect![[r#"
              tcp.port == 80 || 443
                                ^^^
            a field must come first, not 443
        "#]],
    );
    refused(
        "tcp.payload matches \"(a\"",
        expect![[r#"
              tcp.payload matches "(a"
                                  ^^^^
            this pattern can't be used: unclosed group
        "#]],
    );
    refused(
        "tcp.payload matches \"(a{1000}){1000}\"",
        expect![[r#"
              tcp.payload matches "(a{1000}){1000}"
                                  ^^^^^^^^^^^^^^^^^
            this pattern is too large
        "#]],
    );
    refused(
        "ip.addr == web.example",
        expect![[r#"
              ip.addr == web.example
                         ^^^^^^^^^^^
            web.example is no IPv4 address; hosts are found by name with host == NAME
        "#]],
    );
    refused(
        "http.request",
        expect![[r#"
              http.request
              ^^^^^^^^^^^^
            http is not decoded; try tcp.port == 80, or tcp.payload contains "HTTP/1."
        "#]],
    );
    refused(
        "tcp.payload contains \"\\d\"",
        expect![[r#"
              tcp.payload contains "\d"
                                   ^^^^
            \d means nothing in a text; in r"…" a backslash is a backslash
        "#]],
    );
    refused(
        "tcp.port[0] == 1",
        expect![[r#"
              tcp.port[0] == 1
                      ^^^
            a slice is of bytes, text or addresses, and tcp.port is a number
        "#]],
    );
    refused(
        "tcp.srcport == ip.src",
        expect![[r#"
              tcp.srcport == ip.src
                             ^^^^^^
            ip.src is an IPv4 address, which tcp.srcport can't be compared with
        "#]],
    );
    refused(
        "\u{1b}[31m == 1",
        expect![[r#"
              \x1b[31m == 1
              ^^^^
            a field is expected here, not \x1b
        "#]],
    );
}

#[test]
fn what_is_long_is_shown_around_the_place() {
    let text = format!("{} && tcp.prot == 1", vec!["tcp"; 1000].join(" && "));
    refused(
        &text,
        expect![[r#"
              … tcp && tcp && tcp && tcp && tcp && tcp.prot == 1
                                                   ^^^^^^^^
            there is no field tcp.prot; did you mean tcp.port?
        "#]],
    );
}

#[test]
fn depth_is_bounded_and_length_is_not() {
    let deep = |n: usize| format!("{}tcp{}", "(".repeat(n), ")".repeat(n));
    assert!(Filter::parse(&deep(grammar::DEEPEST)).is_ok());
    assert!(Filter::parse(&deep(grammar::DEEPEST + 1)).is_err());
    assert!(Filter::parse(&deep(1_000_000)).is_err());
    assert!(Filter::parse(&format!("{}tcp", "!".repeat(1_000_000))).is_err());
    assert!(Filter::parse(&"(".repeat(1_000_000)).is_err());
    for sign in [" && ", " || ", " ^^ "] {
        let long = vec!["tcp.port == 80"; 20_000].join(sign);
        let filter = Filter::parse(&long).unwrap();
        assert_eq!(filter.to_string(), long);
    }
    let set = (0..20_000).map(|n: u32| n.to_string()).collect::<Vec<_>>();
    let set = format!("tcp.port in {{{}}}", set.join(", "));
    assert_eq!(Filter::parse(&set).unwrap().to_string(), set);
}

#[test]
fn what_figures_tell_needs_no_frames() {
    for (text, needs) in [
        ("", Needs::Connection),
        ("tcp", Needs::Connection),
        ("tcp.port == 80 && ip.addr == 10.0.0.0/8", Needs::Connection),
        ("ip.src == 10.0.0.1 && tcp.dstport != 80", Needs::Connection),
        ("conn.rtt.p95 > 100ms || host == web", Needs::Connection),
        ("tcp.analysis.retransmission", Needs::Connection),
        (
            "tcp.analysis.retransmission && tcp.port == 80",
            Needs::Connection,
        ),
        ("verdict.kind == retransmission", Needs::Connection),
        (
            "verdict.kind in {reset, gap} && conn.bytes > 1M",
            Needs::Connection,
        ),
        (
            "tcp.analysis.retransmission && tcp.analysis.zero_window",
            Needs::Frames,
        ),
        ("!tcp.analysis.retransmission", Needs::Frames),
        ("tcp.analysis.window_update", Needs::Frames),
        ("tcp.len > 0", Needs::Frames),
        ("verdict.trigger == fast", Needs::Frames),
    ] {
        assert_eq!(Filter::parse(text).unwrap().needs(), needs, "{text}");
    }
}

#[test]
fn values_are_read_in_their_units() {
    let same = [
        ("conn.bytes > 1.5M", "conn.bytes > 1500000"),
        ("conn.bytes > 2Ki", "conn.bytes > 2048"),
        ("conn.duration > 1.5s", "conn.duration > 1500ms"),
        ("conn.duration > 2m", "conn.duration > 120"),
        ("conn.rtt.min < 250us", "conn.rtt.min < 0.00025"),
        ("conn.trouble > 2s", "conn.trouble > 2000ms"),
        ("tcp.port == 0x50", "tcp.port == 80"),
        ("tcp.port == 0120", "tcp.port == 80"),
        ("ip.addr == 10.0.0.7/8", "ip.addr == 10.0.0.0/8"),
        ("eth.src == 02-00-00-00-00-01", "eth.src == 2:0:0:0:0:1"),
        ("frame.time > \"1970-01-01 00:00:01.5\"", "frame.time > 1.5"),
        (
            "frame.time > 2026-11-21T10:49:18Z",
            "frame.time > \"Nov 21, 2026 10:49:18\"",
        ),
        ("frame.time > 2024-02-29", "frame.time > 1709164800"),
        ("conn.state == close_wait", "conn.state == \"CLOSE-WAIT\""),
        ("ip.proto == tcp", "ip.proto == 6"),
        ("tcp.flags.syn == true", "tcp.flags.syn == 1"),
        ("tcp.payload[0] == 0x47", "tcp.payload[0] == 47"),
        ("tcp.payload[0] == 'G'", "tcp.payload[0] == 0x47"),
        ("tcp.payload[0] == '\\''", "tcp.payload[0] == 0x27"),
        ("tcp.payload[0:2] == 47.45", "tcp.payload[0:2] == 47:45"),
        ("tcp.payload[0:2] == 4745", "tcp.payload[0:2] == \"GE\""),
        (
            "tcp.payload[0] in {0x40..0x48, 'x'}",
            "tcp.payload[0] in {40..48, 78}",
        ),
        ("tcp.len == 'G'", "tcp.len == 71"),
        ("count(tcp.port) < 70K", "count(tcp.port) < 70000"),
        ("tcp.seq > 5G", "tcp.seq > 5000000000"),
        ("80 == tcp.port", "tcp.port == 80"),
        ("1024 <= tcp.port", "tcp.port >= 1024"),
        ("\"GET\" eq tcp.payload[0:3]", "tcp.payload[0:3] == \"GET\""),
        (
            "all 1 < tcp.port < 9",
            "all tcp.port > 1 && all tcp.port < 9",
        ),
        (
            "tcp.port == tcp.srcport == 80",
            "tcp.port == tcp.srcport && tcp.srcport == 80",
        ),
        (
            "udp || 2 <= tcp.flags & 7 != 4",
            "udp || (tcp.flags & 7 >= 2 && tcp.flags & 7 != 4)",
        ),
        (
            "frame contains \"\\x47ET\\t\"",
            "frame contains 47:45:54:09",
        ),
        (
            "tcp.port in {80 443 8000..8100}",
            "tcp.port in {80, 443, 8000 .. 8100}",
        ),
    ];
    let place = regex::Regex::new(r"place: Place \{[^}]*\}").unwrap();
    for (a, b) in same {
        let node = |text| {
            let node = format!("{:?}", Filter::parse(text).unwrap().node);
            place.replace_all(&node, "").into_owned()
        };
        assert_eq!(node(a), node(b), "{a}");
    }
    for wrong in [
        "tcp.port == 1.5",
        "tcp.port == 99999999999999999999",
        "conn.bytes > 9T9",
        "conn.duration > 1.2.3",
        "frame.time > \"2026-13-01 00:00:00\"",
        "frame.time > yesterday",
        "eth.src == 02:00:00:00:00",
        "ip.addr == 10.0.0.1/x",
        "tcp.len == -",
        "tcp.payload[0] == 0x",
        "tcp.payload[0] == 'GE'",
        "tcp.payload[0] == ''",
        "tcp.payload[0] == 'G",
        "tcp.payload[0] in {48..40}",
        "tcp.payload matches 'GE'",
        "1 == 2",
        "tcp.port == -1",
        "65536 > tcp.srcport",
        "tcp.flags & 0x10000",
        "1 < tcp.port < 9 < 5",
    ] {
        assert!(Filter::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_field_is_documented_once_and_can_be_asked_for() {
    let mut names = std::collections::BTreeSet::new();
    for field in fields() {
        assert!(
            names.insert(field.name()),
            "{} is there twice",
            field.name()
        );
        assert!(!field.says().is_empty(), "{field:?}");
        assert!(Filter::parse(field.name()).is_ok(), "{field:?}");
        let value = match field.values() {
            [] => field.example().to_owned(),
            [first, ..] => format!("\"{first}\""),
        };
        if !value.is_empty() {
            let text = format!("{} == {value}", field.name());
            assert!(Filter::parse(&text).is_ok(), "{text}");
        }
    }
    for sum in super::connection_fields::SUMS {
        assert!(
            names.contains(format!("conn.client.{sum}").as_str()),
            "{sum}"
        );
    }
}

#[test]
fn completion_offers_what_can_stand_there() {
    let texts = |text: &str| -> Vec<String> {
        let all = complete(text, text.len());
        all.into_iter().map(|each| each.text).collect()
    };
    assert!(texts("").contains(&"tcp".to_owned()));
    assert_eq!(texts("tcp.flags.sy"), ["tcp.flags.syn"]);
    assert_eq!(texts("retransmission")[0], "conn.retransmissions");
    assert_eq!(texts("tcp.port == 80 && tcp.flags.fi"), ["tcp.flags.fin"]);
    assert_eq!(texts("!(tcp.flags.fi"), ["tcp.flags.fin"]);
    assert_eq!(texts("tcp.port ")[0], "==");
    assert_eq!(texts("tcp.port == 80 "), ["&&", "||", "^^"]);
    assert_eq!(
        texts("verdict.need == "),
        ["\"needed\"", "\"spurious\"", "\"unknown\""]
    );
    assert_eq!(texts("conn.state in {LISTEN, t"), ["\"TIME-WAIT\""]);
    assert_eq!(texts("conn.state == \"TIME"), ["\"TIME-WAIT\""]);
    assert_eq!(texts("nothing.such "), [""; 0]);
    assert_eq!(texts("1 < tcp.flags.fi"), ["tcp.flags.fin"]);
    assert_eq!(texts("1 < tcp.port ")[0], "==");
    assert_eq!(texts("1 < tcp.port < 5 "), ["&&", "||", "^^"]);
    // In the middle of a word, all of it is replaced.
    let text = "tcp.flags.sy == 1";
    let all = complete(text, 12);
    let [only] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(
        (only.offset, only.len, only.text.as_str()),
        (0, 12, "tcp.flags.syn")
    );
}

fn literal() -> impl Strategy<Value = Literal> {
    let text = prop_oneof![
        "[0-9]{1,5}".prop_map(Text::Word),
        "[a-z][a-z0-9_]{0,6}(\\.[a-z]{1,4}){0,2}".prop_map(Text::Word),
        "[0-9a-f]{2}(:[0-9a-f]{2}){1,5}".prop_map(Text::Word),
        "([ -!#-\\[\\]-~é]|\\\\[\\\\\"n]){0,8}".prop_map(Text::Quoted),
        "([ -!#-\\[\\]-~é]|\\\\[d\"w]){0,8}".prop_map(Text::Raw),
        "([ -&(-\\[\\]-~]|\\\\[n'])".prop_map(Text::Char),
    ];
    text.prop_map(|text| Literal {
        text,
        place: Place::default(),
    })
}

fn name() -> impl Strategy<Value = Literal> {
    let known: Vec<String> = fields()
        .iter()
        .map(|field| field.name().to_owned())
        .collect();
    proptest::sample::select(known).prop_map(|name| Literal {
        text: Text::Word(name),
        place: Place::default(),
    })
}

fn operand() -> impl Strategy<Value = Operand> {
    let extent = prop_oneof![
        (0..99_u32).prop_map(Extent::Len),
        (-9..99_i32).prop_map(Extent::To),
        Just(Extent::Rest),
    ];
    let slice = (-9..99_i32, extent).prop_map(|(start, extent)| Slice {
        start,
        extent,
        place: Place::default(),
    });
    let function = proptest::option::weighted(0.2, proptest::sample::select(&Function::ALL[..]));
    let slice = proptest::option::weighted(0.2, slice);
    let mask = proptest::option::weighted(0.2, literal());
    (function, name(), slice, mask).prop_map(|(function, name, slice, mask)| Operand {
        function,
        name,
        slice,
        mask,
    })
}

fn relation() -> impl Strategy<Value = Relation> {
    let operators: Vec<Operator> = Operator::TABLE.iter().map(|each| each.0).collect();
    let member = (literal(), proptest::option::weighted(0.3, literal()))
        .prop_map(|(first, last)| Member { first, last });
    let set = (any::<bool>(), proptest::collection::vec(member, 1..4))
        .prop_map(|(negated, members)| Relation::In { negated, members });
    prop_oneof![
        Just(Relation::Present),
        (proptest::sample::select(operators), literal())
            .prop_map(|(operator, value)| Relation::Compare(operator, value)),
        literal().prop_map(Relation::Contains),
        literal().prop_map(Relation::Matches),
        set,
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    let quantifier = proptest::option::weighted(
        0.2,
        proptest::sample::select(&[Quantifier::Any, Quantifier::All][..]),
    );
    let test = (quantifier, operand(), relation()).prop_map(|(quantifier, left, relation)| {
        Expr::Test(Box::new(Test {
            quantifier,
            left,
            relation,
        }))
    });
    test.prop_recursive(5, 40, 4, |inner| {
        let several = proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several.clone().prop_map(Expr::Or),
            several.clone().prop_map(Expr::Xor),
            several.prop_map(Expr::And),
            inner.prop_map(|part| Expr::Not(Box::new(part))),
        ]
    })
}

/// Pieces that filters are made of, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(
            &[
                "tcp.port",
                "conn.state",
                "frame",
                "==",
                "!=",
                "&&",
                "||",
                "!",
                "(",
                ")",
                "in",
                "{",
                "}",
                "..",
                "80",
                "\"a",
                "\"",
                "'",
                "'a'",
                "<",
                "r\"",
                "\\",
                "contains",
                "matches",
                "[",
                "]",
                ":",
                "-",
                "&",
                "any",
                "all",
                "not",
                "len(",
                "100ms",
                "10.0.0.0/8",
                "é",
                "~",
                "=",
                ",",
            ][..]
        )
        .prop_map(str::to_owned),
        "\\PC{0,3}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn what_is_printed_reads_as_what_was_meant(expr in expr()) {
        let text = expr.to_string();
        let read = grammar::parse(&text);
        prop_assert_eq!(read, Ok(Some(expr)), "{}", text);
    }

    #[test]
    fn any_text_is_a_filter_or_an_error_within_it(text in prop_oneof![any::<String>(), pieces()], cursor: usize) {
        match Filter::parse(&text) {
            Ok(filter) => {
                let printed = filter.to_string();
                let again = Filter::parse(&printed).expect("what is printed is a filter");
                prop_assert_eq!(again.to_string(), printed);
            }
            Err(error) => {
                prop_assert!(text.is_char_boundary(error.offset), "{:?}", error);
                prop_assert!(text.is_char_boundary(error.offset + error.len), "{:?}", error);
                prop_assert!(!error.pointed_at(&text).contains('\x1b'));
            }
        }
        for each in complete(&text, cursor % (text.len() + 2)) {
            prop_assert!(text.is_char_boundary(each.offset), "{:?}", each);
            prop_assert!(text.is_char_boundary(each.offset + each.len), "{:?}", each);
        }
    }
}
