//! A frame as a JSON object, and as a row of tab-separated values. `docs/output.md` has the
//! fields.

use std::io::{self, Write};

use super::text::{Happening, Options};
use super::{Facts, Tcp};
use crate::analysis::FlowView;
use crate::analysis::revisions::Was;
use crate::report::icmp::Message;
use crate::report::verdict;
use crate::tcp::{Event, Role, What};
use crate::time::{Span, Timestamp};
use crate::wire::{Flags, Transport};

pub(super) const HEADER: &str = "frame\ttime\tprotocol\tsource\tsource_port\tdestination\t\
    destination_port\tconnection\tconversation\tfrom\tflags\tseq\tack\tlen\twindow\tclient_state\t\
    server_state\tverdicts\tinfo\n";

fn epoch(time: Timestamp) -> Span {
    time.since(Timestamp::default())
}

/// The UDP conversation, and who sent the frame.
fn conversation(facts: &Facts<'_>) -> Option<(u32, Role)> {
    match facts.view.flow {
        FlowView::Udp { conversation, from } => Some((conversation.id, from)),
        _ => None,
    }
}

fn payload_len(facts: &Facts<'_>) -> Option<u32> {
    match &facts.view.decoded.transport {
        Transport::Tcp(segment) => Some(segment.payload_len),
        Transport::Udp(datagram) => Some(datagram.payload_len),
        _ => None,
    }
}

/// The object, its brace left open.
pub(super) fn object(out: &mut Vec<u8>, facts: &Facts<'_>) -> io::Result<()> {
    let view = facts.view;
    let frame = view.frame;
    write!(
        out,
        "{{\"frame\":{},\"time\":{},\"length\":{},\"captured\":{},\"interface\":{},\"protocol\":\"{}\"",
        frame.number,
        epoch(frame.time),
        frame.wire_len,
        frame.data.len(),
        frame.interface,
        facts.protocol
    )?;
    if let Some(ip) = &view.decoded.ip {
        let (source, destination) = (ip.source, ip.destination);
        write!(
            out,
            ",\"source\":\"{source}\",\"destination\":\"{destination}\""
        )?;
    }
    if let Some((source, destination)) = facts.ports {
        write!(
            out,
            ",\"source_port\":{source},\"destination_port\":{destination}"
        )?;
    }
    surroundings(out, facts)?;
    match &facts.tcp {
        Some(tcp) => segment(out, tcp)?,
        None => {
            write!(out, ",\"connection\":null")?;
            match conversation(facts) {
                Some((id, from)) => write!(out, ",\"conversation\":{id},\"from\":\"{from}\"")?,
                None => write!(out, ",\"from\":null")?,
            }
            write!(out, ",\"seq\":null,\"ack\":null,\"len\":")?;
            match payload_len(facts) {
                Some(len) => write!(out, "{len}")?,
                None => write!(out, "null")?,
            }
            write!(out, ",\"flags\":null,\"window\":null")?;
        }
    }
    happenings(out, view.events, facts.history)?;
    match &view.decoded.transport {
        Transport::Icmp(message) => {
            write!(
                out,
                ",\"icmp\":{{\"type\":{},\"code\":{}",
                message.kind, message.code
            )?;
            write!(out, ",\"text\":\"{}\"", Message(message))?;
            match view.flow {
                FlowView::IcmpAboutTcp(id, from) => {
                    write!(
                        out,
                        ",\"about\":{{\"connection\":{id},\"from\":\"{from}\"}}"
                    )?;
                }
                FlowView::IcmpAboutUdp(id, from) => {
                    write!(
                        out,
                        ",\"about\":{{\"conversation\":{id},\"from\":\"{from}\"}}"
                    )?;
                }
                _ => {}
            }
            out.write_all(b"}")?;
        }
        Transport::Arp(packet) => write!(
            out,
            ",\"arp\":{{\"operation\":{},\"sender\":\"{}\",\"target\":\"{}\"}}",
            packet.operation, packet.sender, packet.target
        )?,
        Transport::Fragment(_) => {
            if let Some(ip) = &view.decoded.ip {
                let fragment = ip.fragment.unwrap_or_default();
                write!(
                    out,
                    ",\"fragment\":{{\"id\":{},\"offset\":{},\"len\":{},\"more\":{}}}",
                    ip.id.unwrap_or(0),
                    fragment.offset,
                    ip.payload_len,
                    fragment.more
                )?;
            }
        }
        _ => {}
    }
    if let Some(stop) = &view.decoded.stop {
        write!(
            out,
            ",\"undecoded\":{{\"layer\":\"{}\",\"offset\":{},\"reason\":\"{}\"}}",
            stop.layer, stop.offset, stop.reason
        )?;
    }
    Ok(())
}

fn surroundings(out: &mut Vec<u8>, facts: &Facts<'_>) -> io::Result<()> {
    let decoded = facts.view.decoded;
    if decoded.vlan_count > 0 {
        out.write_all(b",\"vlans\":[")?;
        let vlans = decoded.vlans.iter().take(usize::from(decoded.vlan_count));
        for (index, vlan) in vlans.enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(out, "{separator}{vlan}")?;
        }
        out.write_all(b"]")?;
    }
    match &decoded.tunnel {
        Some(tunnel) => write!(
            out,
            ",\"tunnel\":{{\"kind\":\"{}\",\"id\":{},\"source\":\"{}\",\"destination\":\"{}\"}}",
            tunnel.kind, tunnel.id, tunnel.source, tunnel.destination
        ),
        None => Ok(()),
    }
}

fn segment(out: &mut Vec<u8>, tcp: &Tcp<'_>) -> io::Result<()> {
    let segment = tcp.segment;
    match tcp.of {
        Some((id, from, _)) => write!(out, ",\"connection\":{id},\"from\":\"{from}\"")?,
        None => write!(out, ",\"connection\":null,\"from\":null")?,
    }
    write!(out, ",\"seq\":{},\"ack\":", tcp.seq)?;
    match tcp.ack {
        Some(ack) => write!(out, "{ack}")?,
        None => write!(out, "null")?,
    }
    write!(
        out,
        ",\"len\":{},\"flags\":\"{}\",\"window\":{},\"window_scaled\":{},\"seq_raw\":{}",
        segment.payload_len, segment.flags, tcp.window, tcp.scale_known, segment.seq
    )?;
    if segment.flags.has(Flags::ACK) {
        write!(out, ",\"ack_raw\":{}", segment.ack)?;
    }
    write!(out, ",\"window_raw\":{}", segment.window)?;
    if !segment.options.raw.is_empty() {
        write!(out, ",\"options\":\"{}\"", Options(tcp))?;
    }
    if let Some((.., connection)) = tcp.of {
        write!(
            out,
            ",\"states\":{{\"client\":\"{}\",\"server\":\"{}\"}}",
            connection.endpoint(Role::Client).state,
            connection.endpoint(Role::Server).state
        )?;
    }
    Ok(())
}

/// Writes an event, the one at this place, if it is of its kind.
type WriteOne<'a> = dyn Fn(&mut Vec<u8>, usize, &What) -> io::Result<()> + 'a;

/// The events: verdicts always, the others where there are any.
fn happenings(out: &mut Vec<u8>, events: &[Event], history: &[Was]) -> io::Result<()> {
    let list = |out: &mut Vec<u8>, name: &str, write_one: &WriteOne<'_>, always: bool| {
        let mut before = format!(",\"{name}\":[");
        for (index, event) in events.iter().enumerate() {
            let start = out.len();
            out.write_all(before.as_bytes())?;
            let inside = out.len();
            write_one(out, index, &event.what)?;
            if out.len() == inside {
                out.truncate(start);
            } else {
                before = ",".to_owned();
            }
        }
        match (before.as_str(), always) {
            (",", _) => out.write_all(b"]"),
            (_, true) => write!(out, "{before}]"),
            _ => Ok(()),
        }
    };
    if events.is_empty() {
        return out.write_all(b",\"verdicts\":[]");
    }
    let write_verdict = |out: &mut Vec<u8>, index, what: &What| {
        let What::Verdict(judged) = what else {
            return Ok(());
        };
        let earlier = history.iter().filter(|was| was.event == index);
        out.push(b'{');
        verdict::fields(out, judged)?;
        verdict::revised(out, earlier.map(|was| (was.by, &was.verdict)))?;
        out.write_all(b"}")
    };
    list(out, "verdicts", &write_verdict, true)?;
    list(
        out,
        "changes",
        &|out, _, what| write_change(out, what),
        false,
    )?;
    list(
        out,
        "illegal",
        &|out, _, what| write_illegal(out, what),
        false,
    )?;
    list(out, "gaps", &|out, _, what| write_gap(out, what), false)?;
    let write_recovery = |out: &mut Vec<u8>, _, what: &What| match what {
        What::Recovered(episode) => {
            out.push(b'{');
            verdict::episode(out, episode)?;
            out.write_all(b"}")
        }
        _ => Ok(()),
    };
    list(out, "recoveries", &write_recovery, false)?;
    let write_revision = |out: &mut Vec<u8>, _, what: &What| write_revision(out, what);
    list(out, "revisions", &write_revision, false)
}

/// A revision, where verdicts are those of the moment.
fn write_revision(out: &mut Vec<u8>, what: &What) -> io::Result<()> {
    let What::Revised {
        frame,
        before,
        after,
        ..
    } = what
    else {
        return Ok(());
    };
    write!(
        out,
        "{{\"frame\":{frame},\"was\":\"{before}\",\"verdict\":{{"
    )?;
    verdict::fields(out, after)?;
    out.write_all(b"}}")
}

/// An object of no frame: what was left when a connection's tracking ended.
pub(super) fn late(out: &mut Vec<u8>, connection: u32, events: &[Event]) -> io::Result<()> {
    write!(
        out,
        "{{\"frame\":null,\"time\":null,\"length\":null,\"captured\":null,\"interface\":null,\
         \"protocol\":\"tcp\",\"connection\":{connection},\"from\":null,\"seq\":null,\"ack\":null,\
         \"len\":null,\"flags\":null,\"window\":null"
    )?;
    happenings(out, events, &[])?;
    out.write_all(b"}")
}

fn write_change(out: &mut Vec<u8>, what: &What) -> io::Result<()> {
    let What::State {
        endpoint,
        before,
        after,
        cause,
    } = *what
    else {
        return Ok(());
    };
    write!(
        out,
        "{{\"endpoint\":\"{endpoint}\",\"before\":\"{before}\",\"after\":\"{after}\",\
         \"cause\":\"{cause}\"}}"
    )
}

fn write_illegal(out: &mut Vec<u8>, what: &What) -> io::Result<()> {
    let What::Illegal {
        endpoint,
        state,
        stimulus,
    } = *what
    else {
        return Ok(());
    };
    write!(
        out,
        "{{\"endpoint\":\"{endpoint}\",\"state\":\"{state}\",\"stimulus\":\"{stimulus}\"}}"
    )
}

fn write_gap(out: &mut Vec<u8>, what: &What) -> io::Result<()> {
    let What::GapGivenUp {
        stream,
        offset,
        len,
    } = *what
    else {
        return Ok(());
    };
    write!(
        out,
        "{{\"stream\":\"{stream}\",\"offset\":{offset},\"len\":{len}}}"
    )
}

/// The row, without its end.
pub(super) fn row(out: &mut Vec<u8>, facts: &Facts<'_>) -> io::Result<()> {
    let view = facts.view;
    write!(
        out,
        "{}\t{}\t{}\t",
        view.frame.number,
        epoch(view.frame.time),
        facts.protocol
    )?;
    match (&view.decoded.ip, facts.ports) {
        (Some(ip), Some((source, destination))) => write!(
            out,
            "{}\t{source}\t{}\t{destination}\t",
            ip.source, ip.destination
        )?,
        (Some(ip), None) => write!(out, "{}\t\t{}\t\t", ip.source, ip.destination)?,
        (None, _) => write!(out, "\t\t\t\t")?,
    }
    match (&facts.tcp, conversation(facts)) {
        (Some(tcp), _) => {
            match tcp.of {
                Some((id, from, _)) => write!(out, "{id}\t\t{from}\t")?,
                None => write!(out, "\t\t\t")?,
            }
            write!(out, "{}\t{}\t", tcp.segment.flags, tcp.seq)?;
            match tcp.ack {
                Some(ack) => write!(out, "{ack}\t")?,
                None => write!(out, "\t")?,
            }
            write!(out, "{}\t{}\t", tcp.segment.payload_len, tcp.window)?;
        }
        (None, Some((id, from))) => {
            let len = payload_len(facts).unwrap_or(0);
            write!(out, "\t{id}\t{from}\t\t\t\t{len}\t\t")?;
        }
        (None, None) => write!(out, "\t\t\t\t\t\t\t\t")?,
    }
    match facts.tcp.as_ref().and_then(|tcp| tcp.of) {
        Some((.., connection)) => write!(
            out,
            "{}\t{}\t",
            connection.endpoint(Role::Client).state,
            connection.endpoint(Role::Server).state
        )?,
        None => write!(out, "\t\t")?,
    }
    let mut separator = "";
    for event in view.events {
        if let What::Verdict(verdict) = event.what {
            write!(out, "{separator}{verdict}")?;
            separator = "; ";
        }
    }
    out.write_all(b"\t")?;
    let mut separator = "";
    for event in view.events {
        if !matches!(event.what, What::Verdict(_)) {
            write!(out, "{separator}{}", Happening(&event.what, false))?;
            separator = "; ";
        }
    }
    if let Transport::Icmp(message) = &view.decoded.transport {
        write!(out, "{separator}{}", Message(message))?;
        separator = "; ";
    }
    if let Some(stop) = &view.decoded.stop {
        write!(out, "{separator}{stop}")?;
    }
    Ok(())
}

/// A JSON string of foreign text. What a terminal would obey or what would turn a line around is
/// escaped as JSON allows, so that reading it gives the text as it was.
pub(super) fn string(out: &mut Vec<u8>, text: &str) -> io::Result<()> {
    out.push(b'"');
    for char in text.chars() {
        match char {
            '"' | '\\' => write!(out, "\\{char}")?,
            ' '..='~' => out.push(char as u8),
            _ if char.is_alphanumeric() => write!(out, "{char}")?,
            _ => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
    }
    out.push(b'"');
    Ok(())
}
