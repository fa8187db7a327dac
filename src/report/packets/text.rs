//! A frame as a line for eyes.

use core::fmt::{self, Display};
use std::io::{self, Write};

use super::{Clock, Facts, Look, Tcp};
use crate::analysis::FlowView;
use crate::flow::Socket;
use crate::report::icmp::Message;
use crate::report::style::Tone;
use crate::report::units::counted;
use crate::tcp::{Kind, What};
use crate::time::Timestamp;
use crate::wire::{Arp, Icmp, Layer, TcpOption, Transport};

/// Where in the list a line stands.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) first: Timestamp,
    pub(super) previous: Timestamp,
    pub(super) number: u64,
}

pub(super) fn line(out: &mut Vec<u8>, facts: &Facts<'_>, at: At, look: Look) -> io::Result<()> {
    let view = facts.view;
    let decoded = view.decoded;
    write!(out, "{:>6} ", at.number)?;
    time(out, view.frame.time, at, look.clock)?;
    let ends = Ends(facts);
    write!(out, " {ends} ")?;
    match &decoded.transport {
        Transport::Tcp(_) => {
            if let Some(tcp) = &facts.tcp {
                segment(out, tcp)?;
            }
        }
        Transport::Udp(datagram) => {
            out.write_all(b"UDP")?;
            if let FlowView::Udp { conversation, .. } = view.flow {
                write!(out, " #{}", conversation.id)?;
            }
            write!(out, " len {}", datagram.payload_len)?;
        }
        Transport::Icmp(message) => message_in_words(out, message, &view.flow)?,
        Transport::Arp(packet) => arp(out, packet)?,
        Transport::Fragment(_) => fragment(out, facts)?,
        Transport::None => other(out, facts)?,
    }
    surroundings(out, facts)?;
    if let Some(stop) = &decoded.stop {
        write!(out, " [{stop}]")?;
    }
    happenings(out, facts, look)
}

fn time(out: &mut Vec<u8>, time: Timestamp, at: At, clock: Clock) -> io::Result<()> {
    let micros = |out: &mut Vec<u8>, nanos: i64| {
        let sign = if nanos < 0 { "-" } else { "" };
        let micros = nanos.unsigned_abs() / 1000;
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        if sign.is_empty() {
            write!(out, "{seconds:>4}.{micros:06}")
        } else {
            write!(out, "{sign}{seconds}.{micros:06}")
        }
    };
    match clock {
        Clock::Relative => micros(out, (time - at.first).as_nanos()),
        Clock::Delta => micros(out, (time - at.previous).as_nanos()),
        Clock::Day => write!(out, "{}", time.time_of_day()),
        Clock::Date => write!(out, "{}", time.utc()),
        Clock::Epoch => write!(out, "{}", time.since(Timestamp::default())),
    }
}

/// `source > destination`, by socket, address or MAC address: the best there is.
struct Ends<'a>(&'a Facts<'a>);

impl Display for Ends<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decoded = self.0.view.decoded;
        if let Some([source, destination]) = self.0.sockets() {
            write!(f, "{source} > {destination}")
        } else if let Some(ip) = &decoded.ip {
            write!(f, "{} > {}", ip.source, ip.destination)
        } else if let Some(mac) = &decoded.mac {
            write!(f, "{} > {}", Mac(mac.source), Mac(mac.destination))
        } else {
            f.write_str("-")
        }
    }
}

struct Mac([u8; 6]);

impl Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

fn segment(out: &mut Vec<u8>, tcp: &Tcp<'_>) -> io::Result<()> {
    let segment = tcp.segment;
    out.write_all(b"TCP")?;
    if let Some((id, ..)) = tcp.of {
        write!(out, " #{id}")?;
    }
    write!(out, " [{}] seq {}", segment.flags.tcpdump(), tcp.seq)?;
    if segment.payload_len > 0 {
        write!(out, ":{}", tcp.seq + i64::from(segment.payload_len))?;
    }
    if let Some(ack) = tcp.ack {
        write!(out, " ack {ack}")?;
    }
    let unscaled = if tcp.scale_known { "" } else { "?" };
    write!(
        out,
        " win {}{unscaled} len {}",
        tcp.window, segment.payload_len
    )?;
    if !segment.options.raw.is_empty() {
        write!(out, " [{}]", Options(tcp))?;
    }
    Ok(())
}

/// As tcpdump writes them, SACK blocks counted as acknowledgments are.
pub(super) struct Options<'a>(pub(super) &'a Tcp<'a>);

impl Display for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = self.0.sack_base;
        for (index, option) in self.0.segment.options.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match option {
                TcpOption::Sack(blocks) => {
                    write!(f, "sack {} ", blocks.as_slice().len())?;
                    for block in blocks.as_slice() {
                        let (left, right) = (block.left.0, block.right.0);
                        let (left, right) = (left.wrapping_sub(base), right.wrapping_sub(base));
                        write!(f, "{{{left}:{right}}}")?;
                    }
                }
                option => option.fmt(f)?,
            }
        }
        Ok(())
    }
}

fn message_in_words(out: &mut Vec<u8>, message: &Icmp<'_>, flow: &FlowView<'_>) -> io::Result<()> {
    write!(out, "{}", Message(message))?;
    let Some(quoted) = &message.quoted else {
        return Ok(());
    };
    write!(out, ", about ")?;
    match quoted.ports {
        Some((source, destination)) => {
            let source = Socket {
                address: quoted.source,
                port: source,
            };
            let destination = Socket {
                address: quoted.destination,
                port: destination,
            };
            write!(out, "{source} > {destination}")?;
        }
        None => write!(out, "{} > {}", quoted.source, quoted.destination)?,
    }
    match *flow {
        FlowView::IcmpAboutTcp(id, _) => write!(out, " TCP #{id}"),
        FlowView::IcmpAboutUdp(id, _) => write!(out, " UDP #{id}"),
        _ => match quoted.protocol {
            6 => out.write_all(b" TCP"),
            17 => out.write_all(b" UDP"),
            protocol => write!(out, " protocol {protocol}"),
        },
    }
}

fn arp(out: &mut Vec<u8>, packet: &Arp) -> io::Result<()> {
    let (sender, target) = (packet.sender, packet.target);
    match packet.operation {
        // Not for IPv4 over Ethernet: only the operation is known.
        operation if sender.0 == 0 => write!(out, "ARP operation {operation}"),
        1 if sender == target => write!(out, "ARP announcement of {sender}"),
        1 => write!(out, "ARP who-has {target} tell {sender}"),
        2 => write!(out, "ARP {sender} is-at {}", Mac(packet.sender_mac)),
        operation => write!(out, "ARP operation {operation}, {sender} to {target}"),
    }
}

fn fragment(out: &mut Vec<u8>, facts: &Facts<'_>) -> io::Result<()> {
    let Some(ip) = &facts.view.decoded.ip else {
        return out.write_all(b"fragment");
    };
    let fragment = ip.fragment.unwrap_or_default();
    write!(
        out,
        "IPv{} fragment of protocol {} id {} offset {} len {}{}",
        ip.version,
        ip.protocol,
        ip.id.unwrap_or(0),
        fragment.offset,
        ip.payload_len,
        if fragment.more { "+" } else { "" }
    )
}

fn other(out: &mut Vec<u8>, facts: &Facts<'_>) -> io::Result<()> {
    let innermost = facts.view.decoded.layers().last();
    let len = facts.view.frame.wire_len;
    write!(out, "{} len {len}", innermost.unwrap_or(&Layer::Link))
}

/// VLANs and the tunnel.
fn surroundings(out: &mut Vec<u8>, facts: &Facts<'_>) -> io::Result<()> {
    let decoded = facts.view.decoded;
    let vlans = decoded.vlans.iter().take(usize::from(decoded.vlan_count));
    for (index, vlan) in vlans.enumerate() {
        let before = if index == 0 { " vlan " } else { "," };
        write!(out, "{before}{vlan}")?;
    }
    let Some(tunnel) = &decoded.tunnel else {
        return Ok(());
    };
    write!(out, " in {}", tunnel.kind)?;
    if tunnel.id > 0 {
        write!(out, " {}", tunnel.id)?;
    }
    write!(out, " {} > {}", tunnel.source, tunnel.destination)
}

/// What the frame meant: changes of state, verdicts, gaps given up.
fn happenings(out: &mut Vec<u8>, facts: &Facts<'_>, look: Look) -> io::Result<()> {
    let mut separator = " | ";
    for event in facts.view.events {
        out.write_all(separator.as_bytes())?;
        separator = "; ";
        let tone = match event.what {
            What::Verdict(verdict) | What::Revised { after: verdict, .. } => tone(verdict.kind),
            What::Illegal { .. } => Tone::Bad,
            _ => Tone::Plain,
        };
        let happening = Happening(&event.what, look.unicode);
        write!(out, "{}", look.palette.paint(tone, happening))?;
    }
    Ok(())
}

/// Bad is what costs time, a warning what may.
const fn tone(kind: Kind) -> Tone {
    match kind {
        Kind::Retransmission
        | Kind::Reset
        | Kind::ConflictingOverlap
        | Kind::ZeroWindow
        | Kind::Gap => Tone::Bad,
        Kind::WindowUpdate | Kind::KeepAlive | Kind::PortReused => Tone::Plain,
        _ => Tone::Warning,
    }
}

/// An event in words.
pub(super) struct Happening<'a>(pub(super) &'a What, pub(super) bool);

impl Display for Happening<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            What::State {
                endpoint,
                before,
                after,
                ..
            } => {
                let arrow = if self.1 { "→" } else { "->" };
                write!(f, "{endpoint}: {before} {arrow} {after}")
            }
            What::Illegal {
                endpoint,
                state,
                stimulus,
            } => write!(f, "illegal: {endpoint} {stimulus} in {state}"),
            What::Verdict(verdict) => verdict.fmt(f),
            What::Recovered(episode) => write!(
                f,
                "{} recovered ({}): {} in {}",
                episode.sender,
                episode.trigger.name(),
                counted(episode.retransmissions, "retransmission"),
                episode.lasted.short()
            ),
            What::Revised {
                frame,
                ref before,
                ref after,
                ..
            } => {
                write!(f, "frame {frame} is now {after} [")?;
                // What is new in it; all of it when only its evidence is.
                let new = || {
                    after
                        .rules()
                        .filter(|&rule| !before.rules().any(|old| old == rule))
                };
                if new().next().is_none() {
                    return write!(f, "{}]", after.rule.name());
                }
                for (index, rule) in new().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{}", rule.name())?;
                }
                f.write_str("]")
            }
            What::GapGivenUp {
                stream,
                offset,
                len,
            } => {
                write!(
                    f,
                    "{} of the {stream}'s stream never captured, from byte {offset}",
                    counted(len, "byte")
                )
            }
        }
    }
}
