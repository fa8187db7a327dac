//! Fields of conversations as a whole: the figures that reports give, as `conn.…`, and hosts by
//! name.

use super::field::{Field, Kind, Known, Of, Out, Subject, Value};
use crate::report::field::{
    self, ConnectionField, EndpointField, Row, Side, UdpEndField, UdpField, UdpSide, Value as Given,
};
use crate::tcp::Role;

/// A figure of a TCP connection, of a UDP conversation, or of both under one name.
#[derive(Clone, Copy)]
pub(super) struct Figure {
    tcp: Option<Whose<&'static ConnectionField, &'static EndpointField>>,
    udp: Option<Whose<&'static UdpField, &'static UdpEndField>>,
    /// Values are milliseconds, not what they are.
    in_millis: bool,
}

/// Whose figure it is.
#[derive(Clone, Copy)]
enum Whose<W, E> {
    Whole(W),
    One(Role, E),
    /// Those of both, as values.
    Either(E),
    /// Those of both, as one number.
    Sum(E),
    /// Which protocol it is.
    Protocol,
    /// What was seen of a TCP connection, in Wireshark's bits, or as letters.
    Completeness,
    Drawn,
}

/// Figures of endpoints that add up to one of the connection.
pub(super) const SUMS: &[&str] = &[
    "packets",
    "bytes",
    "data_packets",
    "payload_bytes",
    "stream_bytes",
    "missing_bytes",
    "retransmissions",
    "retransmitted_bytes",
    "timeouts",
    "fast_retransmissions",
    "spurious",
    "lost_before_tap",
    "lost_after_tap",
    "reordered",
    "duplicates",
    "gaps",
    "keep_alives",
    "window_probes",
    "window_full",
    "duplicate_acks",
    "dsacks",
    "acks_unseen",
    "conflicts",
    "illegal",
    "resets",
    "ecn_echoes",
    "congestion_experienced",
    "window.zero_count",
    "rtt.count",
];

const FLAGS: &[&str] = &[
    "client_guessed",
    "port_reused",
    "state_tentative",
    "options.sack_permitted",
    "options.timestamps",
    "options.ecn",
];

const TEXTS: &[&str] = &["icmp", "name"];

/// Figures that are one of a few words.
const WORDS: &[(&str, &[&str])] = &[
    ("opening", &["active", "simultaneous", "midstream"]),
    (
        "ending",
        &[
            "graceful",
            "half-closed",
            "reset",
            "refused",
            "timed-out",
            "open",
        ],
    ),
    ("closed_by", &["client", "server", "both"]),
    ("reset_by", &["client", "server"]),
    (
        "state",
        &[
            "UNKNOWN",
            "CLOSED",
            "LISTEN",
            "SYN-SENT",
            "SYN-RECEIVED",
            "ESTABLISHED",
            "FIN-WAIT-1",
            "FIN-WAIT-2",
            "CLOSE-WAIT",
            "CLOSING",
            "LAST-ACK",
            "TIME-WAIT",
        ],
    ),
    (
        "options.others",
        &[
            "fast-open",
            "mptcp",
            "acc-ecn",
            "md5",
            "authentication",
            "user-timeout",
            "unknown",
            "malformed",
        ],
    ),
];

/// Meanings that in the list of figures go on from the line before.
const SAYS: &[(&str, &str)] = &[
    (
        "timeouts",
        "Retransmissions by a timer (RFC 6298; those of SYN, SYN-ACK and FIN included)",
    ),
    (
        "fast_retransmissions",
        "Retransmissions by duplicate acknowledgments or SACK",
    ),
    (
        "spurious",
        "Retransmissions known to be needless: a copy had arrived",
    ),
    (
        "lost_before_tap",
        "Retransmissions whose original was lost before the place of capture",
    ),
    (
        "lost_after_tap",
        "Retransmissions whose original was lost after the place of capture",
    ),
    (
        "max_in_flight_unsacked",
        "Most sequence space in flight, less what was SACKed",
    ),
];

fn kind_of(name: &str, unit: &str) -> Kind {
    match unit {
        "s" | "ms" => Kind::Duration,
        "s since 1970" => Kind::Time,
        _ if FLAGS.contains(&name) => Kind::Flag,
        _ if TEXTS.contains(&name) || WORDS.iter().any(|each| each.0 == name) => Kind::Text,
        _ if name == "address" => Kind::Address,
        _ => Kind::Number,
    }
}

impl Figure {
    /// The values of a conversation.
    pub(super) fn each(&self, subject: &Subject<'_>, out: Out<'_>) {
        let mut out = |value: Given<'_>| self.give(&value, out);
        match subject {
            Subject::Tcp(row) => {
                let of = |role, field: &EndpointField, out: &mut dyn FnMut(Given<'_>)| {
                    out((field.of)(&Side { row, role }));
                };
                match self.tcp {
                    Some(Whose::Whole(field)) => out((field.of)(row)),
                    Some(Whose::One(role, field)) => of(role, field, &mut out),
                    Some(Whose::Either(field)) => {
                        Role::BOTH
                            .into_iter()
                            .for_each(|role| of(role, field, &mut out));
                    }
                    Some(Whose::Sum(field)) => {
                        let mut sum = 0;
                        for role in Role::BOTH {
                            of(role, field, &mut |value| sum += number(&value));
                        }
                        out(Given::Number(sum));
                    }
                    Some(Whose::Protocol) => out(Given::Word("tcp")),
                    Some(Whose::Completeness) => out(Given::Number(completeness(row).into())),
                    Some(Whose::Drawn) => {
                        let seen = completeness(row);
                        let mut text = [0; 12];
                        let mut len = 0;
                        for (bit, letter) in
                            [(5, "R"), (4, "F"), (3, "D"), (2, "A"), (1, "S"), (0, "S")]
                        {
                            let part = if seen >> bit & 1 != 0 { letter } else { "·" };
                            if let Some(place) = text.get_mut(len..len + part.len()) {
                                place.copy_from_slice(part.as_bytes());
                                len += part.len();
                            }
                        }
                        let text = core::str::from_utf8(text.get(..len).unwrap_or_default());
                        out(Given::Text(text.unwrap_or_default().into()));
                    }
                    None => {}
                }
            }
            Subject::Udp(row) => {
                let of = |role, field: &UdpEndField, out: &mut dyn FnMut(Given<'_>)| {
                    out((field.of)(&UdpSide { row, role }));
                };
                match self.udp {
                    Some(Whose::Whole(field)) => out((field.of)(row)),
                    Some(Whose::One(role, field)) => of(role, field, &mut out),
                    Some(Whose::Either(field)) => {
                        Role::BOTH
                            .into_iter()
                            .for_each(|role| of(role, field, &mut out));
                    }
                    Some(Whose::Sum(field)) => {
                        let mut sum = 0;
                        for role in Role::BOTH {
                            of(role, field, &mut |value| sum += number(&value));
                        }
                        out(Given::Number(sum));
                    }
                    Some(Whose::Protocol) => out(Given::Word("udp")),
                    Some(Whose::Completeness | Whose::Drawn) => {}
                    None => {}
                }
            }
        }
    }

    fn give(&self, value: &Given<'_>, out: Out<'_>) {
        const NANOS_IN_A_MILLI: i64 = 1_000_000;
        match value {
            Given::Null => {}
            Given::Bool(flag) => out((*flag).into()),
            Given::Number(millis) if self.in_millis => {
                let millis = i64::try_from(*millis).unwrap_or(i64::MAX);
                out(Value::Number(millis.saturating_mul(NANOS_IN_A_MILLI)));
            }
            Given::Number(number) => out((*number).into()),
            Given::Seconds(span) => out(Value::Number(span.as_nanos())),
            Given::Word(word) => out(Value::Text(word)),
            Given::Words(words) => words.iter().for_each(|word| out(Value::Text(word))),
            Given::Address(address) => out(Value::Address((*address).into())),
            Given::Text(text) => out(Value::Text(text)),
        }
    }
}

/// What was seen of a connection: SYN 1, SYN-ACK 2, ACK 4, data 8, FIN 16, RST 32.
fn completeness(row: &Row<'_>) -> u8 {
    let connection = row.view.connection;
    let handshake = &connection.handshake;
    let ends = Role::BOTH.map(|role| connection.endpoint(role));
    let mut bare = 0_i64;
    let (mut data, mut fin, mut reset) = (false, false, false);
    for end in ends {
        let figures = &end.figures;
        data |= figures.data_packets > 0;
        fin |= end.fin_frame.is_some();
        reset |= figures.resets > 0;
        let others = i64::try_from(figures.data_packets).unwrap_or(i64::MAX);
        bare +=
            i64::try_from(figures.packets).unwrap_or(i64::MAX) - others - i64::from(figures.resets);
    }
    bare -= i64::from(handshake.syns) + i64::from(handshake.syn_acks);
    [
        handshake.syns > 0,
        handshake.syn_acks > 0,
        handshake.ack.is_some() || bare > 0,
        data,
        fin,
        reset,
    ]
    .into_iter()
    .rev()
    .fold(0, |bits, seen| bits << 1 | u8::from(seen))
}

fn number(value: &Given<'_>) -> u64 {
    match value {
        Given::Number(number) => *number,
        _ => 0,
    }
}

fn field(name: String, short: &str, unit: &'static str, says: &'static str, of: Figure) -> Field {
    let words = WORDS.iter().find(|each| each.0 == short);
    let field = Field {
        name,
        kind: kind_of(short, unit),
        says: SAYS
            .iter()
            .find(|each| each.0 == short)
            .map_or(says, |each| each.1),
        unit: match unit {
            "s" | "ms" | "s since 1970" => "",
            other => other,
        },
        words: Vec::new(),
        bits: 0,
        of: Of::Conversation(Figure {
            in_millis: unit == "ms",
            ..of
        }),
        whole: None,
    };
    field.words(words.into_iter().flat_map(|each| each.1.iter().copied()))
}

/// A figure of endpoints as a figure of the connection.
fn of_both<W, E>(name: &str, endpoint: E) -> Whose<W, E> {
    if SUMS.contains(&name) {
        Whose::Sum(endpoint)
    } else {
        Whose::Either(endpoint)
    }
}

fn udp_whole(name: &str) -> Option<&'static UdpField> {
    field::UDP.iter().find(|field| field.name == name)
}

fn udp_end(name: &str) -> Option<&'static UdpEndField> {
    field::UDP_END.iter().find(|field| field.name == name)
}

/// Figures that have a name of Wireshark's.
pub(super) fn of_wireshark() -> [Field; 2] {
    let figure = |name: &str, kind: Kind, says, tcp| {
        let of = Figure {
            tcp: Some(tcp),
            udp: None,
            in_millis: false,
        };
        let mut field = field(name.to_owned(), "", "", says, of);
        field.kind = kind;
        field
    };
    [
        figure(
            "tcp.completeness",
            Kind::Number,
            "What was seen of the connection: SYN 1, SYN-ACK 2, ACK 4, data 8, FIN 16, RST 32; 31 is all of one that was closed, 47 reset",
            Whose::Completeness,
        ),
        figure(
            "tcp.completeness.str",
            Kind::Text,
            "The same as letters: `·FDASS`",
            Whose::Drawn,
        ),
    ]
}

pub(super) fn list() -> Vec<Field> {
    let mut list = vec![
        Field::frame(
            "host",
            Kind::Host,
            "Either host: its name in the capture, or its address",
            |m, out| {
                m.each_pair(|_, source, destination| {
                    for address in [source, destination] {
                        out(Value::Host(address, m.before.name(address)));
                    }
                });
            },
            Known::Same(|s, out| {
                let names = s.subject.names();
                for role in Role::BOTH {
                    let address = s.subject.socket(role).address;
                    let name = names.get(&address.to_ip()).map(String::as_str);
                    out(Value::Host(address, name));
                }
                true
            }),
        ),
        field(
            "conn.protocol".to_owned(),
            "protocol",
            "",
            "`tcp` or `udp`",
            Figure {
                tcp: Some(Whose::Protocol),
                udp: Some(Whose::Protocol),
                in_millis: false,
            },
        ),
    ];
    if let Some(protocol) = list.last_mut() {
        protocol.kind = Kind::Text;
        protocol.words = vec!["tcp", "udp"];
    }
    for figure in field::CONNECTION {
        list.push(field(
            format!("conn.{}", figure.name),
            figure.name,
            figure.unit,
            figure.says,
            Figure {
                tcp: Some(Whose::Whole(figure)),
                udp: udp_whole(figure.name).map(Whose::Whole),
                in_millis: false,
            },
        ));
    }
    for figure in field::ENDPOINT {
        if field::CONNECTION
            .iter()
            .any(|each| each.name == figure.name)
        {
            continue;
        }
        list.push(field(
            format!("conn.{}", figure.name),
            figure.name,
            figure.unit,
            figure.says,
            Figure {
                tcp: Some(of_both(figure.name, figure)),
                udp: udp_end(figure.name).map(|udp| of_both(figure.name, udp)),
                in_millis: false,
            },
        ));
    }
    for role in Role::BOTH {
        for figure in field::ENDPOINT {
            list.push(field(
                format!("conn.{}.{}", role.name(), figure.name),
                figure.name,
                figure.unit,
                figure.says,
                Figure {
                    tcp: Some(Whose::One(role, figure)),
                    udp: udp_end(figure.name).map(|udp| Whose::One(role, udp)),
                    in_millis: false,
                },
            ));
        }
    }
    list
}
