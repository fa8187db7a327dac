//! The transcript: calls, what they did on the wire, and what is to be learned from it, in the
//! order of time. Frames come from the ring a little late, so everything waits a little.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::record::{Event, Kept, Record, now};
use crate::calls::Call;
use crate::time::{Span, Timestamp};
use crate::wire::{self, Flags, Segment, SeqNum, Transport, icmp};

/// How long events wait for earlier ones to come.
const HOLD: Span = Span::from_millis(70);
/// Alike calls or frames between two explanations that are printed; the others are counted.
const ALIKE: u32 = 6;
/// Octets of frames that are kept.
const MOST_KEPT: usize = 128 << 20;
/// Columns before what a host called.
const LEAD: usize = 20;

/// Prints, and keeps what is to be written to files.
pub(super) struct Narrator<'n> {
    out: &'n mut dyn Write,
    record: &'n Record,
    columns: usize,
    arrow: &'static str,
    pending: BTreeMap<(Timestamp, u64), Event>,
    count: u64,
    begun: Option<Timestamp>,
    /// Whose an endpoint is.
    names: HashMap<SocketAddr, String>,
    /// By sender and receiver: first sequence number and window scale.
    streams: HashMap<(SocketAddr, SocketAddr), (SeqNum, Option<u8>)>,
    alike: HashMap<String, u32>,
    left_out: BTreeMap<String, u64>,
    pub(super) frames: Vec<Kept>,
    kept: usize,
    pub(super) calls: Vec<Call>,
    pub(super) missed: u64,
    pub(super) result: io::Result<()>,
}

impl<'n> Narrator<'n> {
    pub(super) fn new(
        out: &'n mut dyn Write,
        record: &'n Record,
        columns: usize,
        unicode: bool,
    ) -> Self {
        Self {
            out,
            record,
            columns: columns.clamp(64, 100),
            arrow: if unicode { "→" } else { "->" },
            pending: BTreeMap::new(),
            count: 0,
            begun: None,
            names: HashMap::new(),
            streams: HashMap::new(),
            alike: HashMap::new(),
            left_out: BTreeMap::new(),
            frames: Vec::new(),
            kept: 0,
            calls: Vec::new(),
            missed: 0,
            result: Ok(()),
        }
    }

    /// Listens until nobody tells anything any more, or `stop` has been true for so long that what
    /// was under way has been captured.
    pub(super) fn listen(
        &mut self,
        events: &Receiver<(Timestamp, Event)>,
        (stop, aftermath): (&AtomicBool, Duration),
    ) {
        let mut stopped = None;
        loop {
            if stop.load(Ordering::Relaxed)
                && now() - *stopped.get_or_insert_with(now)
                    >= Span::from_nanos(aftermath.as_nanos() as i64)
            {
                break;
            }
            match events.recv_timeout(Duration::from_millis(20)) {
                Ok((time, event)) => {
                    self.learn(&event);
                    self.count += 1;
                    self.pending.insert((time, self.count), event);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.print_until(now() - HOLD);
        }
        while let Some(((time, _), event)) = self.pending.pop_first() {
            self.print(time, event);
        }
        self.tell_left_out();
        self.keep_result(|out| out.flush());
        self.calls
            .sort_by_key(|call| (call.returned(), call.time_ns));
        for (number, call) in (1..).zip(&mut self.calls) {
            call.number = number;
        }
    }

    /// What must be known before earlier events are printed.
    fn learn(&mut self, event: &Event) {
        if let Event::Call(call) = event
            && let Some(local) = call.local.filter(|local| local.port() != 0)
        {
            self.names.insert(plain(local), call.host.clone());
        }
        if let Event::Name(endpoint, name) = event {
            self.names.insert(*endpoint, (*name).to_owned());
        }
    }

    fn print_until(&mut self, time: Timestamp) {
        while let Some(entry) = self.pending.first_entry() {
            let at = entry.key().0;
            if at > time {
                return;
            }
            let event = entry.remove();
            self.print(at, event);
        }
    }

    fn print(&mut self, time: Timestamp, event: Event) {
        match event {
            Event::Head(words) => {
                self.tell_left_out();
                let words = format!("\n== {words}\n");
                self.keep_result(|out| out.write_all(words.as_bytes()));
            }
            Event::Say(words) => {
                self.tell_left_out();
                for line in wrapped(&words, self.columns - 2) {
                    self.line(&format!("# {line}"));
                }
            }
            Event::Call(call) => {
                self.call(time, &call);
                self.calls.push(*call);
            }
            Event::Frame(kept) => self.frame(kept),
            Event::Missed(frames) => self.missed += frames,
            Event::Name(..) => {}
        }
    }

    fn clock(&mut self, time: Timestamp) -> String {
        let begun = *self.begun.get_or_insert(time);
        let micros = (time - begun).as_nanos() / 1000;
        let sign = if micros < 0 { "-" } else { "" };
        let micros = micros.unsigned_abs();
        format!(
            "{:>9}",
            format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
        )
    }

    /// Whether another one of these is printed.
    fn has_room(&mut self, what: &str) -> bool {
        let seen = self.alike.entry(what.to_owned()).or_insert(0);
        *seen += 1;
        let has_room = *seen <= ALIKE;
        if !has_room {
            *self.left_out.entry(what.to_owned()).or_insert(0) += 1;
        }
        has_room
    }

    fn tell_left_out(&mut self) {
        self.alike.clear();
        if self.left_out.is_empty() {
            return;
        }
        let parts: Vec<_> = core::mem::take(&mut self.left_out)
            .into_iter()
            .map(|(what, count)| match what.as_str() {
                "frame" if count > 1 => format!("{count} frames"),
                _ => format!("{count} {what}"),
            })
            .collect();
        let words = format!("... and more of the same: {}", parts.join(", "));
        for line in wrapped(&words, self.columns - LEAD) {
            self.line(&format!("{:LEAD$}{line}", ""));
        }
    }

    fn call(&mut self, time: Timestamp, call: &Call) {
        let clock = self.clock(time);
        if !self.has_room(&format!("{} by the {}", call.call, call.host)) {
            return;
        }
        let mut words = call.to_string();
        if call.took_ns > 2_000_000 {
            words += &format!(", after {}", Span::from_nanos(call.took_ns).short());
        }
        if let (Some(before), Some(after)) = (&call.before, &call.after)
            && before.state != after.state
        {
            words += &format!("  [{} {} {}]", before.state, self.arrow, after.state);
        }
        let mut lead = format!("{clock} {:<9} ", call.host);
        for line in wrapped(&words, self.columns - LEAD) {
            self.line(&format!("{lead}{line}"));
            lead = " ".repeat(LEAD + 2);
        }
    }

    /// Prints a frame and keeps it, if it is the lesson's.
    fn frame(&mut self, kept: Kept) {
        let decoded = wire::decode(kept.link, &kept.data, kept.wire_len);
        let Some(ip) = decoded.ip else {
            return;
        };
        let end = |address: wire::Address, port| SocketAddr::new(address.to_ip(), port);
        let (from, to, words) = match &decoded.transport {
            Transport::Tcp(segment) => {
                let from = end(ip.source, segment.source_port);
                let to = end(ip.destination, segment.destination_port);
                (from, to, self.segment_words(from, to, segment))
            }
            Transport::Udp(datagram) => (
                end(ip.source, datagram.source_port),
                end(ip.destination, datagram.destination_port),
                format!("UDP len {}", datagram.payload_len),
            ),
            Transport::Icmp(message) => {
                let Some((quoted, ports)) = message.quoted.and_then(|q| Some((q, q.ports?))) else {
                    return;
                };
                // It goes back to whoever sent what it quotes.
                let to = end(quoted.source, ports.0);
                let from = end(quoted.destination, ports.1);
                let words = icmp::error_words(message.version, message.kind, message.code);
                (from, to, format!("ICMP {}", words.unwrap_or("error")))
            }
            _ => return,
        };
        let is_ours = kept.comment.is_some()
            || self.record.is_expected(plain(from))
            || self.record.is_expected(plain(to));
        if !is_ours {
            return;
        }
        let clock = self.clock(kept.time);
        if self.has_room("frame") {
            let (from, to) = (self.name(from), self.name(to));
            let line = format!("{clock}   {from} {} {to}  {words}", self.arrow);
            let shown: String = line.chars().take(self.columns).collect();
            self.line(shown.trim_end());
        }
        if self.kept + kept.data.len() <= MOST_KEPT {
            self.kept += kept.data.len();
            self.frames.push(kept);
        } else {
            self.missed += 1;
        }
    }

    fn segment_words(&mut self, from: SocketAddr, to: SocketAddr, segment: &Segment<'_>) -> String {
        let is_syn = segment.flags.has(Flags::SYN);
        let first = (segment.seq, segment.options.window_scale);
        if is_syn {
            self.streams.insert((from, to), first);
        }
        let (base, scale) = *self.streams.entry((from, to)).or_insert(first);
        let other = self.streams.get(&(to, from));
        let seq = segment.seq.0.wrapping_sub(base.0);
        let mut words = segment.flags.to_string().replace('|', " ");
        match segment.payload_len {
            0 => words += &format!(" seq {seq}"),
            len => words += &format!(" seq {seq}:{}", seq.wrapping_add(len)),
        }
        if segment.flags.has(Flags::ACK) {
            let base = other.map_or(0, |(base, _)| base.0);
            words += &format!(" ack {}", segment.ack.0.wrapping_sub(base));
        }
        if !segment.flags.has(Flags::RST) {
            let are_scaled = !is_syn && scale.is_some() && other.is_some_and(|(_, s)| s.is_some());
            let shift = if are_scaled {
                scale.unwrap_or(0).min(14)
            } else {
                0
            };
            words += &format!(" win {}", u32::from(segment.window) << shift);
        }
        if let Some(mss) = segment.options.mss {
            words += &format!(" mss {mss}");
        }
        words
    }

    fn name(&self, endpoint: SocketAddr) -> String {
        let endpoint = plain(endpoint);
        let any = |ip: &str| {
            ip.parse()
                .ok()
                .map(|ip| SocketAddr::new(ip, endpoint.port()))
        };
        let name = self
            .names
            .get(&endpoint)
            .or_else(|| self.names.get(&any("0.0.0.0")?))
            .or_else(|| self.names.get(&any("::")?));
        match name {
            Some(name) => format!("{name}:{}", endpoint.port()),
            None => format!(":{}", endpoint.port()),
        }
    }

    fn line(&mut self, line: &str) {
        self.keep_result(|out| writeln!(out, "{line}"));
    }

    /// Writes until that fails for the first time; a lesson ends as it should in any case.
    fn keep_result(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.result.is_ok() {
            self.result = write(self.out);
        }
    }
}

fn plain(endpoint: SocketAddr) -> SocketAddr {
    SocketAddr::new(endpoint.ip().to_canonical(), endpoint.port())
}

/// Words on lines of at most `room` characters, where words allow it.
fn wrapped(words: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        let len = word.chars().count();
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + len <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
