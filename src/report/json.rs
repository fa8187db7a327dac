//! JSON and NDJSON: streamed, one connection at a time. What the fields mean: `docs/output.md`.

mod congestion;

use std::io::{self, Write};

use super::escape::is_plain;
use super::field::{self, Field, Row, Side, UdpRow, UdpSide, Value};
use super::select;
use super::totals::{ENDINGS, OPENINGS, Totals};
use super::{Report, SCHEMA, verdict};
use crate::analysis::{Capture, CloseUp, ConnectionView};
use crate::diagnosis::{Finding, Number};
use crate::tcp::{Event, Role, What};

/// How the document is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One object.
    Document,
    /// One object a line, each with a `type`.
    Lines,
}

/// Writes a report. With `close_up`, of that connection only, with all that happened on it.
///
/// # Errors
/// When writing fails.
pub fn write(
    report: &Report<'_>,
    layout: Layout,
    close_up: Option<(&CloseUp, &ConnectionView<'_>)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut json = Json { out, comma: false };
    let (slots, totals) = select::connections(report.analyzer, report.selection, report.end());
    let document = layout == Layout::Document;
    if document {
        json.begin('{')?;
        json.put("schema", &Value::Word(SCHEMA))?;
        json.turn()?;
        json.key("capture")?;
        json.begin('{')?;
    } else {
        json.begin('{')?;
        json.put("type", &Value::Word("capture"))?;
        json.put("schema", &Value::Word(SCHEMA))?;
    }
    capture(report, &mut json)?;
    close(&mut json, document)?;
    if document {
        json.turn()?;
        json.key("findings")?;
        json.begin('[')?;
    }
    for each in report.analyzer.findings() {
        open(&mut json, document, "finding")?;
        finding(&each, &mut json)?;
        close(&mut json, document)?;
    }
    if document {
        json.end(']')?;
        json.turn()?;
        json.key("tcp")?;
        json.begin('{')?;
    } else {
        open(&mut json, document, "tcp")?;
    }
    summary(&totals, &mut json)?;
    close(&mut json, document)?;
    if document {
        json.turn()?;
        json.key("connections")?;
        json.begin('[')?;
    }
    let names = report.names();
    if let Some((close_up, view)) = close_up {
        let row = Row {
            view,
            end: report.end(),
            names,
        };
        open(&mut json, document, "connection")?;
        connection(&row, &mut json)?;
        happenings(close_up, &mut json)?;
        congestion::write(view, &mut json)?;
        close(&mut json, document)?;
    } else {
        for slot in slots {
            let written = report.analyzer.connection(slot, |view| {
                let row = Row {
                    view,
                    end: report.end(),
                    names,
                };
                open(&mut json, document, "connection")?;
                connection(&row, &mut json)?;
                close(&mut json, document)
            });
            written.transpose()?;
        }
    }

    if document {
        json.end(']')?;
        json.turn()?;
        json.key("udp")?;
        json.begin('[')?;
    }
    if close_up.is_none() {
        for conversation in select::conversations(report.analyzer, report.selection) {
            open(&mut json, document, "udp")?;
            udp(
                &UdpRow {
                    conversation,
                    names,
                },
                &mut json,
            )?;
            close(&mut json, document)?;
        }
    }

    if document {
        json.end(']')?;
        json.turn()?;
        json.key("errors")?;
        json.begin('[')?;
    }
    for problem in report.problems {
        open(&mut json, document, "error")?;
        json.put("input", &Value::Text(problem.input.as_str().into()))?;
        json.put("offset", &problem.offset.into())?;
        json.put("after_frame", &problem.after_frame.into())?;
        json.put("reason", &Value::Text(problem.reason.as_str().into()))?;
        json.put("unopened", &problem.unopened.into())?;
        close(&mut json, document)?;
    }
    if document {
        json.end(']')?;
        json.turn()?;
        json.key("evicted")?;
        json.begin('{')?;
    } else {
        open(&mut json, document, "evicted")?;
    }
    let evicted = report.analyzer.evicted();
    json.put("connections", &evicted.connections.into())?;
    json.put("half_open", &evicted.half_open.into())?;
    json.put("conversations", &evicted.conversations.into())?;
    json.put("packets", &evicted.packets.into())?;
    json.end('}')?;
    if document {
        json.end('}')?;
    }
    json.line()
}

/// Begins an object on a line of its own; outside of a document it tells its type.
fn open(json: &mut Json<'_>, document: bool, kind: &'static str) -> io::Result<()> {
    if document {
        json.turn()?;
        return json.begin('{');
    }
    json.comma = false;
    json.begin('{')?;
    json.put("type", &Value::Word(kind))
}

/// Ends such an object.
fn close(json: &mut Json<'_>, document: bool) -> io::Result<()> {
    json.end('}')?;
    if document { Ok(()) } else { json.line() }
}

fn capture(report: &Report<'_>, json: &mut Json<'_>) -> io::Result<()> {
    let capture: &Capture = report.analyzer.capture();
    json.key("inputs")?;
    json.begin('[')?;
    for input in report.inputs {
        json.item(&Value::Text(input.as_str().into()))?;
    }
    json.end(']')?;
    json.put("interrupted", &report.interrupted.into())?;
    json.key("interfaces")?;
    json.begin('[')?;
    for interface in &capture.interfaces {
        json.begin('{')?;
        json.put("index", &interface.index.into())?;
        let name = interface.name.as_deref();
        json.put(
            "name",
            &name.map_or(Value::Null, |name| Value::Text(name.into())),
        )?;
        json.put("format", &interface.format.into())?;
        json.put("link_type", &interface.link.0.into())?;
        let link = interface.link.name().to_string();
        json.put("link_name", &Value::Text(link.into()))?;
        json.put("snaplen", &interface.snaplen.into())?;
        json.put("ticks_per_second", &interface.ticks_per_second.into())?;
        json.put("input", &interface.input.into())?;
        json.put("frames", &interface.frames.into())?;
        json.put("missed", &interface.missed.into())?;
        json.end('}')?;
    }
    json.end(']')?;
    for (name, value) in [
        ("frames", Value::from(capture.frames)),
        ("bytes", capture.bytes.into()),
        ("captured_bytes", capture.captured_bytes.into()),
        ("start", capture.first.into()),
        ("end", capture.last.into()),
        ("duration", capture.span().into()),
        ("missed", capture.missed().into()),
        ("cut", capture.cut.into()),
        ("steps_back", capture.steps_back.into()),
        ("largest_step_back", capture.largest_step_back.into()),
        ("tcp", capture.tcp.into()),
        ("udp", capture.udp.into()),
        ("icmp", capture.icmp.into()),
        ("arp", capture.arp.into()),
        ("fragments", capture.fragments.into()),
        ("other", capture.other.into()),
        ("tunnelled", capture.tunnelled.into()),
        ("tagged", capture.tagged.into()),
        ("undecoded", capture.undecoded.into()),
    ] {
        json.put(name, &value)?;
    }
    json.key("stops")?;
    json.begin('[')?;
    for (kind, &frames) in &capture.stops {
        json.begin('{')?;
        json.put("reason", &Value::Text(kind.to_string().into()))?;
        json.put("frames", &frames.into())?;
        json.end('}')?;
    }
    json.end(']')?;
    json.key("names")?;
    json.begin('[')?;
    for (&address, name) in &capture.names {
        json.begin('{')?;
        json.put("address", &Value::Address(address))?;
        json.put("name", &Value::Text(name.as_str().into()))?;
        json.end('}')?;
    }
    json.end(']')?;
    json.key("comments")?;
    json.begin('[')?;
    for (frame, text) in &capture.comments {
        json.begin('{')?;
        json.put("frame", &(*frame).into())?;
        json.put("text", &Value::Text(text.as_str().into()))?;
        json.end('}')?;
    }
    json.end(']')?;
    json.put("texts_dropped", &capture.texts_dropped.into())?;
    json.put("skipped_blocks", &capture.skipped_blocks.into())
}

fn finding(finding: &Finding, json: &mut Json<'_>) -> io::Result<()> {
    let Finding { diagnosis, told } = finding;
    json.put("code", &diagnosis.code.into())?;
    json.put("title", &diagnosis.title.into())?;
    json.put("subject", &diagnosis.subject.name().into())?;
    json.put("weight", &told.weight.name().into())?;
    json.put("text", &Value::Text(told.text.as_str().into()))?;
    json.put("advice", &diagnosis.advice.into())?;
    for (name, frames) in [("frames", &told.frames), ("against", &told.against)] {
        json.key(name)?;
        json.begin('[')?;
        for &frame in frames {
            json.item(&frame.into())?;
        }
        json.end(']')?;
    }
    json.key("numbers")?;
    json.begin('{')?;
    for &(name, number) in &told.numbers {
        let value = match number {
            Number::Count(count) => count.into(),
            Number::Time(span) => span.into(),
        };
        json.put(name, &value)?;
    }
    json.end('}')
}

fn summary(totals: &Totals, json: &mut Json<'_>) -> io::Result<()> {
    json.put("connections", &totals.connections.into())?;
    json.key("openings")?;
    json.begin('{')?;
    for (opening, count) in OPENINGS.iter().zip(totals.openings) {
        json.put(opening.name(), &count.into())?;
    }
    json.end('}')?;
    json.key("endings")?;
    json.begin('{')?;
    for (ending, count) in ENDINGS.iter().zip(totals.endings) {
        json.put(ending.name(), &count.into())?;
    }
    json.end('}')?;
    for (name, value) in [
        ("one_way", totals.one_way),
        ("with_retransmissions", totals.with_retransmissions),
        ("packets", totals.packets),
        ("bytes", totals.bytes),
        ("data_packets", totals.data_packets),
        ("stream_bytes", totals.stream_bytes),
        ("missing_bytes", totals.missing_bytes),
        ("retransmissions", totals.retransmissions),
        ("timeouts", totals.timeouts),
        ("fast_retransmissions", totals.fast_retransmissions),
        ("spurious", totals.spurious),
        ("reordered", totals.reordered),
        ("duplicates", totals.duplicates),
        ("zero_windows", totals.zero_windows),
        ("conflicts", totals.conflicts),
    ] {
        json.put(name, &value.into())?;
    }
    Ok(())
}

/// The fields of a connection, each after a comma.
pub(super) fn further_fields(row: &Row<'_>, out: &mut dyn Write) -> io::Result<()> {
    connection(row, &mut Json { out, comma: true })
}

fn connection(row: &Row<'_>, json: &mut Json<'_>) -> io::Result<()> {
    json.fields(field::CONNECTION, |field| (field.of)(row))?;
    for role in Role::BOTH {
        json.key(role.name())?;
        json.begin('{')?;
        let side = Side { row, role };
        json.fields(field::ENDPOINT, |field| (field.of)(&side))?;
        json.end('}')?;
    }
    Ok(())
}

fn udp(row: &UdpRow<'_>, json: &mut Json<'_>) -> io::Result<()> {
    json.fields(field::UDP, |field| (field.of)(row))?;
    for role in Role::BOTH {
        json.key(role.name())?;
        json.begin('{')?;
        let side = UdpSide { row, role };
        json.fields(field::UDP_END, |field| (field.of)(&side))?;
        json.end('}')?;
    }
    Ok(())
}

fn happenings(close_up: &CloseUp, json: &mut Json<'_>) -> io::Result<()> {
    json.put("last_frame", &close_up.last_frame.into())?;
    json.key("vlans")?;
    json.begin('[')?;
    for &vlan in &close_up.vlans {
        json.item(&vlan.into())?;
    }
    json.end(']')?;
    json.key("tunnel")?;
    match &close_up.tunnel {
        None => json.value(&Value::Null)?,
        Some(tunnel) => {
            json.begin('{')?;
            json.put("kind", &tunnel.kind.name().into())?;
            json.put("id", &tunnel.id.into())?;
            json.put("source", &Value::Address(tunnel.source.to_ip()))?;
            json.put("destination", &Value::Address(tunnel.destination.to_ip()))?;
            json.end('}')?;
        }
    }
    json.key("timeline")?;
    json.begin('[')?;
    for each in &close_up.timeline {
        event(each, close_up, json)?;
    }
    json.end(']')?;
    json.key("events")?;
    json.begin('[')?;
    for each in &close_up.events {
        event(each, close_up, json)?;
    }
    json.end(']')?;
    json.put("events_dropped", &close_up.events_dropped.into())?;
    json.key("recoveries")?;
    json.begin('[')?;
    for episode in &close_up.episodes {
        json.begin('{')?;
        verdict::episode(json.out, episode)?;
        json.end('}')?;
    }
    json.end(']')?;
    json.put("recoveries_dropped", &close_up.episodes_dropped.into())?;
    json.key("icmp_messages")?;
    json.begin('[')?;
    for error in &close_up.icmp {
        json.begin('{')?;
        json.put("frame", &error.frame.into())?;
        json.put("time", &error.time.into())?;
        json.put("about", &error.about.into())?;
        json.put("message", &error.words.into())?;
        json.end('}')?;
    }
    json.end(']')
}

/// Writes an event as an object.
fn event(event: &Event, close_up: &CloseUp, json: &mut Json<'_>) -> io::Result<()> {
    json.begin('{')?;
    json.put("frame", &event.frame.into())?;
    json.put("time", &event.time.into())?;
    json.put("from", &event.from.into())?;
    match &event.what {
        What::State {
            endpoint,
            before,
            after,
            cause,
        } => {
            json.put("kind", &"state".into())?;
            json.put("endpoint", &(*endpoint).into())?;
            json.put("before", &before.name().into())?;
            json.put("after", &after.name().into())?;
            json.put("cause", &cause.words().into())?;
        }
        What::Illegal {
            endpoint,
            state,
            stimulus,
        } => {
            json.put("kind", &"illegal".into())?;
            json.put("endpoint", &(*endpoint).into())?;
            json.put("state", &state.name().into())?;
            json.put("cause", &stimulus.words().into())?;
        }
        What::Verdict(judged) => {
            let earlier = close_up.earlier(event.frame, judged);
            json.separate()?;
            verdict::fields(json.out, judged)?;
            verdict::revised(json.out, earlier.map(|each| (each.by, &each.was)))?;
            json.comma = true;
        }
        What::Recovered(episode) => {
            json.put("kind", &"recovered".into())?;
            json.separate()?;
            verdict::episode(json.out, episode)?;
            json.comma = true;
        }
        // Of a verdict that is beyond the limit: the others are told where they stand.
        What::Revised {
            frame,
            before,
            after,
            ..
        } => {
            json.put("kind", &"revised".into())?;
            json.put("revises", &(*frame).into())?;
            json.put("was", &Value::Text(before.to_string().into()))?;
            json.key("verdict")?;
            json.begin('{')?;
            verdict::fields(json.out, after)?;
            json.end('}')?;
        }
        What::GapGivenUp {
            stream,
            offset,
            len,
        } => {
            json.put("kind", &"gap-given-up".into())?;
            json.put("stream", &(*stream).into())?;
            json.put("offset", &(*offset).into())?;
            json.put("octets", &(*len).into())?;
        }
    }
    json.end('}')
}

/// A writer of JSON that knows when a comma is due.
struct Json<'a> {
    out: &'a mut dyn Write,
    comma: bool,
}

impl Json<'_> {
    fn separate(&mut self) -> io::Result<()> {
        if self.comma {
            self.out.write_all(b",")?;
        }
        self.comma = false;
        Ok(())
    }

    fn begin(&mut self, bracket: char) -> io::Result<()> {
        self.separate()?;
        write!(self.out, "{bracket}")
    }

    fn end(&mut self, bracket: char) -> io::Result<()> {
        self.comma = true;
        write!(self.out, "{bracket}")
    }

    /// Goes on in a new line, after the comma that is due.
    fn turn(&mut self) -> io::Result<()> {
        self.separate()?;
        self.line()
    }

    fn line(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    fn key(&mut self, key: &str) -> io::Result<()> {
        self.separate()?;
        write!(self.out, "\"{key}\":")
    }

    fn put(&mut self, key: &str, value: &Value<'_>) -> io::Result<()> {
        self.key(key)?;
        self.value(value)
    }

    fn item(&mut self, value: &Value<'_>) -> io::Result<()> {
        self.separate()?;
        self.value(value)
    }

    /// Writes fields; those whose name has a dot in an object of the part before it.
    fn fields<'v, F>(
        &mut self,
        fields: &[Field<F>],
        of: impl Fn(&Field<F>) -> Value<'v>,
    ) -> io::Result<()> {
        let mut group = None;
        for field in fields {
            let (outer, name) = match field.name.split_once('.') {
                Some((outer, name)) => (Some(outer), name),
                None => (None, field.name),
            };
            if outer != group {
                if group.is_some() {
                    self.end('}')?;
                }
                if let Some(outer) = outer {
                    self.key(outer)?;
                    self.begin('{')?;
                }
                group = outer;
            }
            self.put(name, &of(field))?;
        }
        if group.is_some() {
            self.end('}')?;
        }
        Ok(())
    }

    fn value(&mut self, value: &Value<'_>) -> io::Result<()> {
        self.comma = true;
        match value {
            Value::Null => self.out.write_all(b"null"),
            Value::Bool(value) => write!(self.out, "{value}"),
            Value::Number(value) => write!(self.out, "{value}"),
            Value::Seconds(span) => write!(self.out, "{span}"),
            Value::Word(word) => write!(self.out, "\"{word}\""),
            Value::Words(words) => {
                self.out.write_all(b"[")?;
                for (at, word) in words.iter().enumerate() {
                    let comma = if at > 0 { "," } else { "" };
                    write!(self.out, "{comma}\"{word}\"")?;
                }
                self.out.write_all(b"]")
            }
            Value::Address(address) => write!(self.out, "\"{address}\""),
            Value::Text(text) => string(text, self.out),
        }
    }
}

/// A JSON string. What a terminal would act on is written as a number (`\u009b`): it means the same
/// to a program, and does nothing on a screen.
fn string(text: &str, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    for char in text.chars() {
        match char {
            '"' => out.write_all(b"\\\"")?,
            '\\' => out.write_all(b"\\\\")?,
            '\n' => out.write_all(b"\\n")?,
            char if is_plain(char) => write!(out, "{char}")?,
            char => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
    }
    out.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strings_come_back(text: String) {
            let mut bytes = Vec::new();
            string(&text, &mut bytes).unwrap();
            let back: String = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(back, text);
            prop_assert!(bytes.iter().all(|&byte| byte >= 0x20 && byte != 0x7f));
        }
    }
}
