//! Fields of TCP segments by Wireshark's names, verdicts excepted.

use super::field::{Field, Kind, Known, Moment, Out, Side, Subject, Tally, Value};
use super::frame_fields::with_header;
use crate::analysis::{ConnectionView, FlowView};
use crate::tcp::window::Scale;
use crate::tcp::{Endpoint, Role};
use crate::wire::ip::protocol;
use crate::wire::tcp_option::kind;
use crate::wire::{Flags, Segment, SeqNum, TcpOption};

fn give<'v>(out: Out<'_>, value: Option<impl Into<Value<'v>>>) {
    if let Some(value) = value {
        out(value.into());
    }
}

fn connection<'a>(m: &Moment<'a>) -> Option<(ConnectionView<'a>, Role)> {
    match m.view.flow {
        FlowView::Tcp { view, from } => Some((view, from)),
        _ => None,
    }
}

fn sender<'a>(m: &Moment<'a>) -> Option<&'a Endpoint> {
    connection(m).map(|(view, from)| view.connection.endpoint(from))
}

fn receiver<'a>(m: &Moment<'a>) -> Option<&'a Endpoint> {
    connection(m).map(|(view, from)| view.connection.endpoint(from.peer()))
}

fn ports(m: &Moment<'_>, out: Out<'_>, which: (bool, bool)) {
    let own = m
        .tcp()
        .map(|segment| (segment.source_port, segment.destination_port));
    let quoted = m.quoted_ports(protocol::TCP);
    for (source, destination) in own.into_iter().chain(quoted) {
        if which.0 {
            out(source.into());
        }
        if which.1 {
            out(destination.into());
        }
    }
}

fn known_ports(s: &Side<'_>, out: Out<'_>, which: (bool, bool)) -> bool {
    if matches!(s.subject, Subject::Tcp(_)) {
        if which.0 {
            out(s.source().port.into());
        }
        if which.1 {
            out(s.destination().port.into());
        }
    }
    true
}

/// A number counted from where an endpoint's begin. What lies before that wraps, as it does in
/// Wireshark.
fn relative(endpoint: Option<&Endpoint>, number: SeqNum) -> Value<'static> {
    match endpoint.and_then(|endpoint| endpoint.position(number)) {
        Some(position @ 0..) => Value::Number(position),
        Some(below) => (below as u32).into(),
        None => number.0.into(),
    }
}

/// The number after a segment's last.
fn next(segment: &Segment<'_>) -> SeqNum {
    let ends = u32::from(segment.flags.any(Flags::SYN | Flags::FIN));
    segment.seq + (segment.payload_len + ends)
}

fn flag(m: &Moment<'_>, out: Out<'_>, flag: Flags) {
    give(out, m.tcp().map(|segment| segment.flags.has(flag)));
}

fn window(m: &Moment<'_>, out: Out<'_>) {
    if let Some(segment) = m.tcp() {
        let in_syn = segment.flags.has(Flags::SYN);
        let scaled = sender(m).map(|sender| sender.window.scaled(segment.window, in_syn));
        out(scaled.unwrap_or(segment.window.into()).into());
    }
}

/// As Wireshark has it: −1 is unknown, −2 that there is none.
fn factor(m: &Moment<'_>, out: Out<'_>) {
    let is_syn = |segment: &Segment<'_>| segment.flags.has(Flags::SYN);
    if m.tcp().is_some_and(|segment| !is_syn(segment))
        && let (Some(sender), Some(receiver)) = (sender(m), receiver(m))
    {
        // A shift of 0 may be agreed on too.
        let declines = |end: &Endpoint| {
            end.syn
                .is_some_and(|options| options.window_scale.is_none())
        };
        out(Value::Number(match sender.window.scale {
            Scale::Unknown => -1,
            Scale::Known(0) if declines(sender) || declines(receiver) => -2,
            Scale::Known(shift) => 1 << shift.min(14),
        }));
    }
}

/// The flags as Wireshark draws them: `·······A··S·`.
fn drawn(m: &Moment<'_>, out: Out<'_>) {
    const LETTERS: &[u8; 12] = b"RRRACEUAPRSF";
    const NOT_SET: &[u8] = "·".as_bytes();
    let Some(segment) = m.tcp() else { return };
    let mut text = [0; 24];
    let mut len = 0;
    for (at, letter) in LETTERS.iter().enumerate() {
        let is_set = segment.flags.0 >> (11 - at) & 1 != 0;
        let part = if is_set {
            core::slice::from_ref(letter)
        } else {
            NOT_SET
        };
        if let Some(place) = text.get_mut(len..len + part.len()) {
            place.copy_from_slice(part);
            len += part.len();
        }
    }
    let text = core::str::from_utf8(text.get(..len).unwrap_or_default());
    out(Value::Text(text.unwrap_or_default()));
}

/// Gives that a segment is there with these flags and without those.
fn is(m: &Moment<'_>, with: Flags, without: Flags, out: Out<'_>) {
    let fits = |segment: &&Segment<'_>| segment.flags.has(with) && !segment.flags.any(without);
    if m.tcp().filter(fits).is_some() {
        out(Value::There);
    }
}

fn has_option(m: &Moment<'_>, wanted: fn(&TcpOption<'_>) -> bool, out: Out<'_>) {
    if m.tcp()
        .is_some_and(|segment| segment.options.iter().any(|option| wanted(&option)))
    {
        out(Value::There);
    }
}

fn kind_of(option: &TcpOption<'_>) -> Option<u8> {
    Some(match option {
        TcpOption::EndOfList => kind::END_OF_LIST,
        TcpOption::Nop => kind::NOP,
        TcpOption::Mss(_) => kind::MSS,
        TcpOption::WindowScale(_) => kind::WINDOW_SCALE,
        TcpOption::SackPermitted => kind::SACK_PERMITTED,
        TcpOption::Sack(_) => kind::SACK,
        TcpOption::Timestamps(_) => kind::TIMESTAMPS,
        TcpOption::FastOpen {
            experimental: false,
            ..
        } => kind::FAST_OPEN,
        TcpOption::Mptcp { .. } => kind::MPTCP,
        TcpOption::Md5(_) => kind::MD5,
        TcpOption::Authentication { .. } => kind::AUTHENTICATION,
        TcpOption::UserTimeout { .. } => kind::USER_TIMEOUT,
        TcpOption::Unknown { kind, .. } | TcpOption::Malformed { kind, .. } => *kind,
        TcpOption::FastOpen { .. } | TcpOption::AccEcn { .. } => return None,
    })
}

fn edges(m: &Moment<'_>, out: Out<'_>, right: bool) {
    if let Some(segment) = m.tcp() {
        for block in segment.options.sack_blocks() {
            let edge = if right { block.right } else { block.left };
            out(relative(receiver(m), edge));
        }
    }
}

macro_rules! fields {
    ($($name:literal $kind:ident$([$bits:literal])? $says:literal $of:expr $(=> $known:expr)?;)*) => {
        vec![$(Field::frame($name, Kind::$kind, $says, $of, fields!(@known $($known)?))$(.bits($bits))?,)*]
    };
    (@known) => { Known::No };
    (@known $known:expr) => { $known };
}

pub(super) fn list() -> Vec<Field> {
    fields! {
        "tcp" Bytes "TCP: header and payload; in slices and len the header" |m, out| match m.tcp() {
            Some(segment) => {
                let header = Segment::LEN + segment.options.raw.len();
                out(Value::Layer(with_header(m, header, segment.payload), header));
            }
            None if m.quoted_ports(protocol::TCP).is_some() => out(Value::There),
            None => {}
        } => Known::There(|s| matches!(s.subject, Subject::Tcp(_)));
        "tcp.srcport" Number[16] "Source port" |m, out| ports(m, out, (true, false)) => Known::Same(|s, out| known_ports(s, out, (true, false)));
        "tcp.dstport" Number[16] "Destination port" |m, out| ports(m, out, (false, true)) => Known::Same(|s, out| known_ports(s, out, (false, true)));
        "tcp.port" Number[16] "Either of them" |m, out| ports(m, out, (true, true)) => Known::Same(|s, out| known_ports(s, out, (true, true)));
        "tcp.stream" Number[32] "Number of the connection, from 0" |m, out| match m.view.flow {
            FlowView::Tcp { view, .. } => out(view.id.into()),
            FlowView::IcmpAboutTcp(id, _) => out(id.into()),
            _ => {}
        } => Known::Same(|s, out| {
            if let Subject::Tcp(row) = s.subject {
                out(row.view.id.into());
            }
            true
        });
        "tcp.len" Number[32] "Bytes of payload" |m, out| give(out, m.tcp().map(|segment| segment.payload_len));
        "tcp.seq" Number "Sequence number, counted from the sender's first" |m, out| if let Some(segment) = m.tcp() {
            out(relative(sender(m), segment.seq));
        };
        "tcp.seq_raw" Number[32] "Sequence number, as it stood" |m, out| give(out, m.tcp().map(|segment| segment.seq.0));
        "tcp.nxtseq" Number "The sequence number after its last, counted likewise" |m, out| if let Some(segment) = m.tcp() {
            out(relative(sender(m), next(segment)));
        };
        "tcp.ack" Number "Acknowledgment number, counted from the receiver's first; 0 without the flag" |m, out| if let Some(segment) = m.tcp() {
            match segment.flags.has(Flags::ACK) {
                true => out(relative(receiver(m), segment.ack)),
                false => out(Value::Number(0)),
            }
        };
        "tcp.ack_raw" Number[32] "Acknowledgment number, as it stood" |m, out| give(out, m.tcp().map(|segment| segment.ack.0));
        "tcp.hdr_len" Number[8] "Length of the header in bytes" |m, out| give(out, m.tcp().map(|segment| Segment::LEN + segment.options.raw.len()));
        "tcp.flags" Number[16] "All flags: FIN 0x001, SYN 0x002, RST 0x004, PSH 0x008, ACK 0x010, URG 0x020, ECE 0x040, CWR 0x080, AE 0x100" |m, out| give(out, m.tcp().map(|segment| segment.flags.0));
        "tcp.flags.str" Text "The flags as letters: `·······A··S·` is a SYN-ACK; `tcp.flags.str matches \"A··S\"`" drawn;
        "tcp.flags.fin" Flag "FIN" |m, out| flag(m, out, Flags::FIN) => Known::Some(&[Tally::Fin]);
        "tcp.flags.syn" Flag "SYN" |m, out| flag(m, out, Flags::SYN) => Known::Some(&[Tally::Syn]);
        "tcp.flags.reset" Flag "RST" |m, out| flag(m, out, Flags::RST) => Known::Some(&[Tally::Reset]);
        "tcp.flags.push" Flag "PSH" |m, out| flag(m, out, Flags::PSH);
        "tcp.flags.ack" Flag "ACK" |m, out| flag(m, out, Flags::ACK);
        "tcp.flags.urg" Flag "URG" |m, out| flag(m, out, Flags::URG);
        "tcp.flags.ece" Flag "ECE" |m, out| flag(m, out, Flags::ECE);
        "tcp.flags.cwr" Flag "CWR" |m, out| flag(m, out, Flags::CWR);
        "tcp.flags.ae" Flag "AE" |m, out| flag(m, out, Flags::AE);
        "tcp.connection.syn" Protocol "A SYN that asks for a connection" |m, out| is(m, Flags::SYN, Flags::ACK, out);
        "tcp.connection.synack" Protocol "A SYN-ACK" |m, out| is(m, Flags::SYN | Flags::ACK, Flags(0), out);
        "tcp.connection.fin" Protocol "A FIN" |m, out| is(m, Flags::FIN, Flags(0), out);
        "tcp.connection.rst" Protocol "A RST" |m, out| is(m, Flags::RST, Flags(0), out);
        "tcp.window_size" Number "Window in bytes, scaled where the scale is known" |m, out| window(m, out);
        "tcp.window_size_value" Number[16] "Window, as it stood" |m, out| give(out, m.tcp().map(|segment| segment.window));
        "tcp.window_size_scalefactor" Number "What it is multiplied by; -1 is unknown, -2 that the handshake agreed on none" |m, out| factor(m, out);
        "tcp.checksum" Number[16] "Checksum, as it stood" |m, out| give(out, m.tcp().map(|segment| segment.checksum));
        "tcp.urgent_pointer" Number[16] "Urgent pointer" |m, out| give(out, m.tcp().map(|segment| segment.urgent));
        "tcp.payload" Bytes "What it carries" |m, out| {
            let full = m.tcp().filter(|segment| !segment.payload.is_empty());
            give(out, full.map(|segment| Value::Bytes(segment.payload)));
        };
        "tcp.options" Bytes "The option bytes" |m, out| {
            let full = m.tcp().filter(|segment| !segment.options.raw.is_empty());
            give(out, full.map(|segment| Value::Bytes(segment.options.raw)));
        };
        "tcp.option_kind" Number[8] "Kind of each option" |m, out| if let Some(segment) = m.tcp() {
            for option in &segment.options {
                give(out, kind_of(&option));
            }
        };
        "tcp.options.mss" Protocol "Maximum segment size option" |m, out| has_option(m, |option| matches!(option, TcpOption::Mss(_)), out);
        "tcp.options.mss_val" Number[16] "Maximum segment size" |m, out| give(out, m.tcp().and_then(|segment| segment.options.mss));
        "tcp.options.wscale" Protocol "Window scale option" |m, out| has_option(m, |option| matches!(option, TcpOption::WindowScale(_)), out);
        "tcp.options.wscale.shift" Number[8] "Window scale: how many bits" |m, out| give(out, m.tcp().and_then(|segment| segment.options.window_scale));
        "tcp.options.wscale.multiplier" Number[16] "Window scale: the factor" |m, out| {
            let shift = m.tcp().and_then(|segment| segment.options.window_scale);
            give(out, shift.map(|shift| 1_u32 << shift.min(14)));
        };
        "tcp.options.sack_perm" Protocol "SACK permitted" |m, out| has_option(m, |option| matches!(option, TcpOption::SackPermitted), out);
        "tcp.options.sack" Protocol "SACK option" |m, out| has_option(m, |option| matches!(option, TcpOption::Sack(_)), out);
        "tcp.options.sack.count" Number[8] "How many SACK blocks" |m, out| {
            let count = m.tcp().map(|segment| segment.options.sack_count);
            give(out, count.filter(|&count| count > 0));
        };
        "tcp.options.sack_le" Number "Left edge of each SACK block, counted as tcp.ack" |m, out| edges(m, out, false);
        "tcp.options.sack_re" Number "Right edge of each" |m, out| edges(m, out, true);
        "tcp.options.timestamp" Protocol "Timestamps option" |m, out| has_option(m, |option| matches!(option, TcpOption::Timestamps(_)), out);
        "tcp.options.timestamp.tsval" Number[32] "Timestamp value" |m, out| {
            let stamps = m.tcp().and_then(|segment| segment.options.timestamps);
            give(out, stamps.map(|stamps| stamps.value));
        };
        "tcp.options.timestamp.tsecr" Number[32] "Timestamp echo" |m, out| {
            let stamps = m.tcp().and_then(|segment| segment.options.timestamps);
            give(out, stamps.map(|stamps| stamps.echo));
        };
        "tcp.options.tfo" Protocol "Fast Open option" |m, out| has_option(m, |option| matches!(option, TcpOption::FastOpen { .. }), out);
        "tcp.options.mptcp" Protocol "Multipath TCP option" |m, out| has_option(m, |option| matches!(option, TcpOption::Mptcp { .. }), out);
        "tcp.time_relative" Duration "Time since the connection's first frame" |m, out| if let Some((view, _)) = connection(m) {
            out(Value::Number((m.view.frame.time - view.connection.first_time).as_nanos()));
        };
        "tcp.time_delta" Duration "Time since the connection's frame before" |m, out| if let Some((view, _)) = connection(m) {
            let then = m.before.of_tcp(view.id);
            out(Value::Number(then.map_or(0, |then| (m.view.frame.time - then).as_nanos())));
        };
    }
}
