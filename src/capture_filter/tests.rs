use super::*;
use crate::wire::LinkType;
use proptest::prelude::*;

/// What the tests take for the files of this host.
fn names() -> Names {
    Names::of(
        "http 80/tcp\nhttps 443/tcp\nhttps 443/udp\ndomain 53/tcp\ndomain 53/udp\nsyslog 514/udp\nftp-data 20/tcp\n",
        "10.0.0.1 client\n10.0.0.2 server\n2001:db8::2 server\n",
        "ospf 89 OSPFIGP\n",
    )
}

fn filter(text: &str) -> Result<CaptureFilter, FilterError> {
    let mut filter = CaptureFilter::parse(text)?;
    filter.names = Arc::new(names());
    Ok(filter)
}

fn compiled(text: &str, target: Target) -> Result<Program, FilterError> {
    filter(text)?.compile(target, 0)
}

/// Each refused filter, the word it points at, and what is said.
#[test]
fn errors_point_at_the_word() {
    let ethernet = Target::Captured(LinkType::ETHERNET);
    for (text, word, reason) in [
        (
            "tcp prot 80",
            "prot",
            "`prot` is no keyword; did you mean `port`?",
        ),
        (
            "tpc port 80",
            "tpc",
            "`tpc` is no keyword; did you mean `tcp`?",
        ),
        ("host", "", "a value is missing here"),
        ("tcp port", "", "a value is missing here"),
        ("tcp and", "", "a statement is missing here"),
        (
            "10.0.0.1",
            "10.0.0.1",
            "what is this of? `host`, `net`, `port` or the like is missing",
        ),
        (
            "tcp or 80",
            "80",
            "what is this of? `host`, `net`, `port` or the like is missing",
        ),
        ("tcp udp", "udp", "`and` or `or` is missing before this"),
        ("(tcp", "", "`)` is missing here"),
        ("tcp)", ")", "nothing was opened that this closes"),
        (
            "port 70000",
            "70000",
            "70000 is no port: the highest is 65535",
        ),
        (
            "port nothing",
            "nothing",
            "no port is named `nothing` in /etc/services",
        ),
        (
            "host nobody.example",
            "nobody.example",
            "no address of `nobody.example` in /etc/hosts (the DNS is not asked)",
        ),
        (
            "udp port ftp-data",
            "ftp-data",
            "/etc/services has no such port of udp",
        ),
        ("ip port 80", "80", "`ip` has no ports"),
        (
            "tcp host 10.0.0.1",
            "10.0.0.1",
            "`tcp` has no IPv4 addresses",
        ),
        (
            "ip host 2001:db8::1",
            "2001:db8::1",
            "`ip` has no IPv6 addresses",
        ),
        (
            "net 10.0.0.1/8",
            "10.0.0.1/8",
            "this address has bits outside its network",
        ),
        (
            "net 10.0.0.0/33",
            "33",
            "an IPv4 prefix has 32 bits at most",
        ),
        (
            "host 10.0.0.0/8",
            "10.0.0.0/8",
            "a network needs `net` before it",
        ),
        (
            "host and port 80",
            "and",
            "a value is missing before `and` (a name like that is written `\\and`)",
        ),
        ("gateway box", "gateway", "`gateway` is not supported"),
        ("tcp and geneve", "geneve", "`geneve` is not supported"),
        (
            "ip broadcast",
            "ip broadcast",
            "`ip broadcast` needs the network's mask, which is not known; write the address: \
             `dst host 192.0.2.255`",
        ),
        (
            "inbound",
            "inbound",
            "no direction is recorded in frames of link type Ethernet",
        ),
        ("tcp[13", "", "`]` is missing here"),
        ("tcp[13:3] = 0", "3", "a field has 1, 2 or 4 octets"),
        ("tcp[13]", "", "`=`, `>` or the like is missing here"),
        ("tcp[13] = ", "", "a number is missing here"),
        (
            "tcp[13] = flag",
            "flag",
            "a number or a field such as `tcp[13]` is missing here",
        ),
        ("len / 0 = 1", "len / 0", "a division by zero"),
        (
            "esp[0] = 1",
            "esp[0]",
            "no fields of `esp` can be asked for",
        ),
        ("vlan 5000", "vlan 5000", "a VLAN is numbered 4095 at most"),
        (
            "mpls and vlan",
            "vlan",
            "no VLAN tag comes after an MPLS label",
        ),
        ("ether", "ether", "`ether` alone says nothing"),
        (
            "ether host box",
            "box",
            "a hardware address such as 02:00:00:00:00:01 is missing here",
        ),
        ("less tcp", "tcp", "a number is missing here"),
        ("proto nothing", "nothing", "no protocol is named `nothing`"),
        ("src proto 6", "6", "a direction has no meaning for `proto`"),
        ("tcp \u{1b}", "\u{1b}", "`\u{1b}` means nothing here"),
    ] {
        let error = compiled(text, ethernet).expect_err(text);
        assert_eq!(error.to_string(), reason, "{text}");
        assert_eq!(text.get(error.at.clone()), Some(word), "{text}");
        assert_eq!(error.text, text);
    }
    let error = compiled("tcp \u{1b} x", ethernet).unwrap_err();
    assert_eq!(error.pointed(), "  tcp ? x\n      ^");
    let raw = compiled("vlan 3", Target::Captured(LinkType::RAW)).unwrap_err();
    assert_eq!(raw.reason, "no VLAN tags on frames of link type raw IP");
    let wlan = compiled("tcp", Target::Captured(LinkType::RADIOTAP)).unwrap_err();
    assert!(
        wlan.reason.starts_with("capture filters do not know"),
        "{wlan}"
    );
}

#[test]
fn names_choose_as_their_numbers_do() {
    let ethernet = Target::Captured(LinkType::ETHERNET);
    let same = |a: &str, b: &str| {
        let (a, b) = (
            compiled(a, ethernet).unwrap(),
            compiled(b, ethernet).unwrap(),
        );
        assert_eq!(a.to_string(), b.to_string());
    };
    same("port domain", "port 53");
    same("tcp port http", "tcp port 80");
    same("port http", "tcp port 80");
    same("udp port https", "udp port 443");
    same("port syslog", "udp port 514");
    same("portrange ftp-data-http", "tcp portrange 20-80");
    same("host client", "ip host 10.0.0.1");
    same("dst host server", "ip dst 10.0.0.2 or ip6 dst 2001:db8::2");
    same("proto ospf", "proto 89");
    same("proto tcp", r"proto \tcp");
}

/// A program as `tcpdump -d` shows it: nothing is loaded that is not asked for.
#[test]
fn what_is_compiled() {
    let program = compiled("udp dst port 53", Target::Captured(LinkType::RAW)).unwrap();
    expect_test::expect![[r#"
        (000) ldb [0]
        (001) and #0xf0
        (002) jeq #0x60 jt 3 jf 7
        (003) ldb [6]
        (004) jeq #0x11 jt 5 jf 7
        (005) ldh [42]
        (006) jeq #0x35 jt 18 jf 7
        (007) ldb [0]
        (008) and #0xf0
        (009) jeq #0x40 jt 10 jf 19
        (010) ldb [9]
        (011) jeq #0x11 jt 12 jf 19
        (012) ldh [6]
        (013) and #0x1fff
        (014) jeq #0x0 jt 15 jf 19
        (015) ldxb 4*([0]&0xf)
        (016) ldh [x + 2]
        (017) jeq #0x35 jt 18 jf 19
        (018) ret #0xffffffff
        (019) ret #0x0
    "#]]
    .assert_eq(&program.to_string());
}

/// In the kernel a VLAN tag stands beside the frame, or still in it.
#[test]
fn tags_beside_the_frame() {
    let kernel = Target::Kernel(LinkType::ETHERNET);
    let program = compiled("vlan 100 and ip6", kernel).unwrap().to_string();
    assert!(
        program.starts_with("(000) ldb [-4048]\n(001) jeq #0x1 "),
        "{program}"
    );
    assert!(
        program.contains("ldh [-4052]") && program.contains("ldh [16]"),
        "{program}"
    );
    let plain = compiled("tcp port 80", kernel).unwrap();
    let captured = compiled("tcp port 80", Target::Captured(LinkType::ETHERNET)).unwrap();
    assert_eq!(plain, captured);
    let any = compiled("tcp port 80", Target::KernelAny)
        .unwrap()
        .to_string();
    assert!(any.starts_with("(000) ldh [-4096]\n"), "{any}");
}

#[test]
fn long_filters_jump_far_and_the_longest_are_refused() {
    let hosts = |count: u32| {
        let hosts: Vec<_> = (0..count)
            .map(|n| format!("host 10.{}.{}.{}", n >> 16, n >> 8 & 0xff, n & 0xff))
            .collect();
        hosts.join(" or ")
    };
    let raw = Target::Captured(LinkType::RAW);
    let program = compiled(&hosts(300), raw).unwrap();
    let mut packet = [0; 20];
    packet[0] = 0x45;
    for (last, taken) in [
        ([10, 0, 0, 0], true),
        ([10, 0, 1, 43], true),
        ([10, 0, 1, 44], false),
    ] {
        packet[16..20].copy_from_slice(&last);
        assert_eq!(program.takes(&packet, 20), taken, "{last:?}");
    }
    let not = compiled(&format!("not ({})", hosts(300)), raw).unwrap();
    assert!(not.takes(&packet, 20));
    let error = compiled(&hosts(600), raw).unwrap_err();
    assert!(error.reason.contains("4096 instructions"), "{error}");
    assert!(filter(&"(".repeat(50_000)).is_err());
    assert!(filter(&"not ".repeat(1500)).is_err());
    assert!(filter(&format!("{}1 = 1", "-".repeat(1500))).is_err());
}

/// Words that filters are made of, to be put together in any order.
fn anything() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "tcp",
        "udp",
        "ip",
        "ip6",
        "arp",
        "ether",
        "icmp",
        "host",
        "net",
        "port",
        "portrange",
        "proto",
        "src",
        "dst",
        "and",
        "or",
        "not",
        "(",
        ")",
        "[",
        "]",
        ":",
        "10.0.0.1",
        "10/8",
        "2001:db8::1",
        "02:00:00:00:00:01",
        "80",
        "80-90",
        "http",
        "vlan",
        "mpls",
        "pppoes",
        "len",
        "less",
        "greater",
        "=",
        "!=",
        ">",
        "<",
        "&",
        "|",
        "^",
        "%",
        "+",
        "-",
        "*",
        "<<",
        "0x10",
        "tcpflags",
        "tcp-syn",
        "broadcast",
        "multicast",
        "inbound",
        "gateway",
        "\\tcp",
        "mask",
    ]);
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

fn check_all_targets(text: &str, frame: &[u8]) {
    let Ok(filter) = filter(text) else { return };
    for target in [
        Target::Captured(LinkType::ETHERNET),
        Target::Captured(LinkType::LINUX_SLL),
        Target::Captured(LinkType::LINUX_SLL2),
        Target::Captured(LinkType::RAW),
        Target::Captured(LinkType::NULL),
        Target::Kernel(LinkType::ETHERNET),
        Target::KernelAny,
    ] {
        match filter.compile(target, 96) {
            Ok(program) => assert!([0, 96].contains(&program.run(frame, 2000))),
            Err(error) => assert!(text.get(error.at.clone()).is_some(), "{error:?}"),
        }
    }
}

proptest! {
    #[test]
    fn words_in_any_order(text in anything(), frame: Vec<u8>) {
        check_all_targets(&text, &frame);
    }

    #[test]
    fn any_text(text: String, frame: Vec<u8>) {
        check_all_targets(&text, &frame);
    }
}
