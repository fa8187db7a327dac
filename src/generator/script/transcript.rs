//! Frames as a script: the way back.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use crate::frame::CapturedFrame;
use crate::time::Timestamp;
use crate::wire::{Flags, Segment, SeqNum, TcpOption, Transport, decode};

/// Writes a connection down that was captured: its first frames give a script, to be shortened and
/// given expectations by hand. Payloads are not kept, nor are options that scripts have no word for.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use tcplens::generator::script::{Script, Transcript};
/// use tcplens::source::{Arrival, Source};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut script = Script::parse("0 client > S\n+.040 server > S.\n+.010 client > P. 1:6 ack 1")?;
/// let mut transcript = Transcript::default();
/// script.run(&mut |arrival| {
///     if let Arrival::Frame(frame) = arrival {
///         transcript.take(&frame);
///     }
///     ControlFlow::Continue(())
/// })?;
/// let text = transcript.to_string();
/// assert!(text.contains("\n0.050000000  client > P. 1:6 ack 1 win 502 id 10001 "), "{text}");
/// assert_eq!(Script::parse(&text)?.expectations().count(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    opened: Option<Opened>,
    lines: String,
}

#[derive(Clone, Debug)]
struct Opened {
    begin: Timestamp,
    /// Client, server.
    sockets: [SocketAddr; 2],
    isns: [Option<SeqNum>; 2],
}

impl Transcript {
    /// Takes a frame in. The first TCP segment decides which connection it is; frames of others are
    /// passed over. Answers whether it belongs to it.
    pub fn take(&mut self, frame: &CapturedFrame<'_>) -> bool {
        let decoded = decode(frame.link, frame.data, frame.wire_len);
        let (Transport::Tcp(segment), Some(ip)) = (&decoded.transport, decoded.ip) else {
            return false;
        };
        let from = SocketAddr::new(ip.source.to_ip(), segment.source_port);
        let to = SocketAddr::new(ip.destination.to_ip(), segment.destination_port);
        let opened = self.opened.get_or_insert_with(|| {
            let answers = segment.flags.has(Flags::SYN | Flags::ACK);
            Opened {
                begin: frame.time,
                sockets: if answers { [to, from] } else { [from, to] },
                isns: [None; 2],
            }
        });
        let side = match opened.sockets {
            [client, server] if (from, to) == (client, server) => 0,
            [client, server] if (to, from) == (client, server) => 1,
            _ => return false,
        };
        // Without a SYN, the first octet seen is the first.
        let before = |number: SeqNum| SeqNum(number.0.wrapping_sub(1));
        let syn = segment.flags.has(Flags::SYN);
        let isn = *opened.isns[side].get_or_insert(if syn {
            segment.seq
        } else {
            before(segment.seq)
        });
        let acks = segment.flags.has(Flags::ACK);
        let peer_isn = match opened.isns[1 - side] {
            Some(isn) => isn,
            None if acks => *opened.isns[1 - side].insert(before(segment.ack)),
            None => SeqNum(0),
        };
        let out = &mut self.lines;
        let name = ["client", "server"][side];
        let since = (frame.time - opened.begin).as_nanos().max(0);
        let first = position(segment.seq, isn);
        let end = first + i64::from(segment.payload_len);
        let (seconds, nanos) = (since / 1_000_000_000, since % 1_000_000_000);
        let _ = write!(out, "{seconds}.{nanos:09}  {name} > ");
        let _ = write!(out, "{} {first}:{end}", segment.flags.tcpdump());
        if acks {
            let _ = write!(out, " ack {}", position(segment.ack, peer_isn));
        }
        let _ = write!(out, " win {}", segment.window);
        if let Some(id) = ip.id {
            let _ = write!(out, " id {}", id as u16);
        }
        let ecn = ["none", "ect1", "ect0", "ce"][usize::from(ip.traffic_class & 3)];
        let _ = write!(out, " ttl {} ecn {ecn}", ip.ttl);
        if segment.urgent > 0 {
            let _ = write!(out, " urg {}", segment.urgent);
        }
        options(segment, peer_isn, out);
        out.push('\n');
        true
    }
}

/// Relative to the ISN; a little below it, negative.
fn position(number: SeqNum, isn: SeqNum) -> i64 {
    const BELOW: u32 = 1 << 16;
    let distance = number.0.wrapping_sub(isn.0);
    if distance > u32::MAX - BELOW {
        i64::from(distance as i32)
    } else {
        i64::from(distance)
    }
}

fn options(segment: &Segment<'_>, peer_isn: SeqNum, out: &mut String) {
    let mut separator = "";
    out.push_str(" <");
    for option in segment.options.iter() {
        let word = match option {
            TcpOption::Nop => "nop".to_owned(),
            TcpOption::Mss(mss) => format!("mss {mss}"),
            TcpOption::WindowScale(shift) => format!("wscale {shift}"),
            TcpOption::SackPermitted => "sackOK".to_owned(),
            TcpOption::Timestamps(stamps) => format!("TS {} {}", stamps.value, stamps.echo),
            TcpOption::Sack(blocks) if !blocks.as_slice().is_empty() => {
                let mut word = "sack".to_owned();
                for block in blocks.as_slice() {
                    let left = position(block.left, peer_isn);
                    let len = block.right.0.wrapping_sub(block.left.0);
                    let _ = write!(word, " {left}:{}", left + i64::from(len));
                }
                word
            }
            _ => continue,
        };
        let _ = write!(out, "{separator}{word}");
        separator = ",";
    }
    out.push('>');
}

/// The script.
impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(opened) = &self.opened {
            for (side, name) in ["client", "server"].into_iter().enumerate() {
                let isn = opened.isns[side].unwrap_or(SeqNum(0)).0;
                writeln!(f, "{name} {} isn {isn}", opened.sockets[side])?;
            }
        }
        f.write_str(&self.lines)
    }
}
