//! What happens while it does: a line per event, for people or for machines.
//!
//! Machines get objects with a `type`: `live` first, then `interface`, `opened`, `state`, `verdict`,
//! `revision`, `recovery`, `closed`, `process`, `kernel`, `missed`, `notice` and `figures` as they
//! come, and at the end a `connection` for each that is still open. Times are seconds since 1970,
//! of the capture. `docs/output.md` has the fields of connections and verdicts.

use std::io::{self, Write};

use serde_json::json;

use super::escape::escaped;
use super::field::Row;
use super::kernel_check::Check;
use super::style::{Palette, Tone};
use super::units::{bytes, counted, grouped};
use super::{SCHEMA, json, story, verdict};
use crate::analysis::{ConnectionView, FlowView, FrameView};
use crate::host::Process;
use crate::tcp::{Event, Kind, Opening, Role, What};
use crate::time::{Span, Timestamp};

/// For whom events are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: what changed, and what is worth a look.
    Text,
    /// For machines: everything.
    Ndjson,
}

/// What is being watched, said once.
#[derive(Clone, Debug, Default)]
pub struct Begin<'a> {
    /// What the user named: interfaces, or `-`.
    pub inputs: &'a [String],
    /// The capture filter.
    pub filter: Option<&'a str>,
    /// The user that the process has become, if it changed.
    pub user: Option<&'a str>,
    /// Whether the file system and system calls are fenced.
    pub confined: (bool, bool),
}

/// The figures of a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// When.
    pub time: Timestamp,
    /// The time since the last figures.
    pub since: Span,
    /// Frames until now, and since the last figures.
    pub frames: [u64; 2],
    /// Their bytes on the wire.
    pub bytes: [u64; 2],
    /// Frames that the capture lost.
    pub missed: [u64; 2],
    /// Connections opened and closed until now.
    pub opened: u64,
    /// Connections closed until now.
    pub closed: u64,
    /// Connections let go to stay within memory.
    pub evicted: u64,
    /// … of them not over.
    pub unfinished: u64,
    /// Connections that are told of only once somebody answers: SYNs that came too many at a time.
    pub untold: u64,
    /// Bytes of memory that flows take.
    pub memory: usize,
}

/// Prints events.
pub struct Printer<W: Write> {
    out: W,
    format: Format,
    palette: Palette,
    unicode: bool,
}

impl<W: Write> Printer<W> {
    /// A printer to `out`.
    pub fn new(out: W, format: Format, palette: Palette, unicode: bool) -> Self {
        Self {
            out,
            format,
            palette,
            unicode,
        }
    }

    /// Hands what is printed on.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn object(&mut self, object: &serde_json::Value) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, object)?;
        self.out.write_all(b"\n")
    }

    /// What is watched.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn begin(&mut self, begin: &Begin<'_>) -> io::Result<()> {
        if self.format == Format::Text {
            return Ok(());
        }
        let (files, calls) = begin.confined;
        self.object(&json!({
            "type": "live", "schema": SCHEMA, "inputs": begin.inputs, "filter": begin.filter,
            "user": begin.user, "confined": {"files": files, "calls": calls},
        }))
    }

    /// An interface, before its first frame.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn interface(&mut self, index: u32, name: Option<&str>, link: u32) -> io::Result<()> {
        if self.format == Format::Text {
            return Ok(());
        }
        self.object(&json!({"type": "interface", "index": index, "name": name, "link_type": link}))
    }

    /// Frames that were lost.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn missed(&mut self, time: Timestamp, interface: u32, frames: u64) -> io::Result<()> {
        if self.format == Format::Ndjson {
            return writeln!(
                self.out,
                "{{\"type\":\"missed\",\"time\":{},\"interface\":{interface},\"frames\":{frames}}}",
                epoch(time)
            );
        }
        let text = format!("{} lost by the capture", counted(frames, "frame"));
        self.line(time, Tone::Bad, &text)
    }

    /// A sentence about interfaces or recording.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn notice(&mut self, time: Timestamp, text: &str) -> io::Result<()> {
        if self.format == Format::Ndjson {
            let at = epoch(time);
            return writeln!(
                self.out,
                "{{\"type\":\"notice\",\"time\":{at},\"text\":{}}}",
                json!(text)
            );
        }
        let text = escaped(text).to_string();
        self.line(time, Tone::Warning, &text)
    }

    fn line(&mut self, time: Timestamp, tone: Tone, text: &str) -> io::Result<()> {
        let (clock, text) = (time.time_of_day(), self.palette.paint(tone, text));
        writeln!(self.out, "{clock} {text}")
    }

    fn line_of(&mut self, time: Timestamp, id: u32, tone: Tone, text: &str) -> io::Result<()> {
        let (clock, text) = (time.time_of_day(), self.palette.paint(tone, text));
        writeln!(self.out, "{clock} #{id} {text}")
    }

    /// What a frame brought to its connection. `is_new` when that is told of for the first time.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn frame(&mut self, view: &FrameView<'_>, is_new: bool, is_closed: bool) -> io::Result<()> {
        let FlowView::Tcp { view: tcp, .. } = view.flow else {
            return Ok(());
        };
        let (number, time) = (view.frame.number, view.frame.time);
        if is_new {
            let (first, began) = (tcp.connection.first_frame, tcp.connection.first_time);
            self.opened(began, first, &tcp)?;
        }
        self.events(tcp.id, view.events)?;
        if is_closed {
            self.closed(time, Some(number), &tcp)?;
        }
        Ok(())
    }

    fn opened(&mut self, time: Timestamp, frame: u64, tcp: &ConnectionView<'_>) -> io::Result<()> {
        let [client, server] = Role::BOTH.map(|role| tcp.socket(role));
        let opening = tcp.connection.opening();
        if self.format == Format::Ndjson {
            return writeln!(
                self.out,
                "{{\"type\":\"opened\",\"time\":{},\"frame\":{frame},\"connection\":{},\
                 \"opening\":\"{}\",\"client\":{{\"address\":\"{}\",\"port\":{}}},\
                 \"server\":{{\"address\":\"{}\",\"port\":{}}}}}",
                epoch(time),
                tcp.id,
                opening.name(),
                client.address,
                client.port,
                server.address,
                server.port
            );
        }
        let how = match opening {
            Opening::Midstream => " (began before)",
            _ => "",
        };
        let text = format!("opened {client} > {server}{how}");
        self.line_of(time, tcp.id, Tone::Heading, &text)
    }

    /// Events of a connection, whether a frame brought them or not.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn events(&mut self, id: u32, events: &[Event]) -> io::Result<()> {
        for event in events {
            match self.format {
                Format::Ndjson => self.event_object(id, event)?,
                Format::Text => self.event_line(id, event)?,
            }
        }
        Ok(())
    }

    fn event_object(&mut self, id: u32, event: &Event) -> io::Result<()> {
        let head = |kind: &str| {
            format!(
                "{{\"type\":\"{kind}\",\"time\":{},\"frame\":{},\"connection\":{id}",
                epoch(event.time),
                event.frame
            )
        };
        let out = &mut self.out;
        match &event.what {
            What::State {
                endpoint,
                before,
                after,
                cause,
            } => writeln!(
                out,
                "{},\"endpoint\":\"{endpoint}\",\"before\":\"{before}\",\"after\":\"{after}\",\
                 \"cause\":\"{cause}\"}}",
                head("state")
            ),
            What::Verdict(judged) => {
                write!(out, "{},\"from\":\"{}\",", head("verdict"), event.from)?;
                verdict::fields(out, judged)?;
                out.write_all(b"}\n")
            }
            What::Revised {
                frame,
                before,
                after,
                ..
            } => {
                write!(
                    out,
                    "{},\"judged\":{frame},\"was\":\"{before}\",\"verdict\":{{",
                    head("revision")
                )?;
                verdict::fields(out, after)?;
                out.write_all(b"}}\n")
            }
            What::Recovered(episode) => {
                write!(out, "{},", head("recovery"))?;
                verdict::episode(out, episode)?;
                out.write_all(b"}\n")
            }
            What::Illegal {
                endpoint,
                state,
                stimulus,
            } => writeln!(
                out,
                "{},\"endpoint\":\"{endpoint}\",\"state\":\"{state}\",\"stimulus\":\"{stimulus}\"}}",
                head("illegal")
            ),
            What::GapGivenUp {
                stream,
                offset,
                len,
            } => writeln!(
                out,
                "{},\"stream\":\"{stream}\",\"offset\":{offset},\"len\":{len}}}",
                head("gap")
            ),
        }
    }

    fn event_line(&mut self, id: u32, event: &Event) -> io::Result<()> {
        let arrow = if self.unicode { "→" } else { ">" };
        let (tone, text) = match &event.what {
            What::State {
                endpoint,
                before,
                after,
                ..
            } => (Tone::Quiet, format!("{endpoint}: {before} {arrow} {after}")),
            // What happens all the time where all is well.
            What::Verdict(judged)
                if matches!(
                    judged.kind,
                    Kind::DuplicateAck | Kind::WindowUpdate | Kind::KeepAlive
                ) =>
            {
                return Ok(());
            }
            What::Verdict(judged) => (Tone::Warning, format!("{}: {judged}", event.from)),
            What::Revised { frame, after, .. } => {
                (Tone::Quiet, format!("frame {frame} is now judged: {after}"))
            }
            What::Recovered(episode) => (
                Tone::Plain,
                format!(
                    "{} recovered: {} in {}",
                    episode.sender,
                    counted(episode.retransmissions, "retransmission"),
                    episode.lasted.short()
                ),
            ),
            What::Illegal {
                endpoint,
                state,
                stimulus,
            } => (
                Tone::Warning,
                format!("{endpoint} in {state} met what it can't: {stimulus}"),
            ),
            What::GapGivenUp { stream, len, .. } => (
                Tone::Warning,
                format!("{} from {stream} were never captured", bytes(*len)),
            ),
        };
        self.line_of(event.time, id, tone, &text)
    }

    fn closed(
        &mut self,
        time: Timestamp,
        frame: Option<u64>,
        tcp: &ConnectionView<'_>,
    ) -> io::Result<()> {
        if self.format == Format::Ndjson {
            let frame = frame.map_or("null".to_owned(), |frame| frame.to_string());
            let (at, id) = (epoch(time), tcp.id);
            write!(
                self.out,
                "{{\"type\":\"closed\",\"time\":{at},\"frame\":{frame},\"connection\":{id}"
            )?;
            return self.rest_of(time, tcp);
        }
        let phrases = story::tell(tcp, time, false);
        let tone = phrases.iter().map(|phrase| phrase.tone).max();
        let phrases: Vec<_> = phrases.into_iter().map(|phrase| phrase.text).collect();
        let of = |role| bytes(tcp.connection.endpoint(role).figures.stream_bytes).to_string();
        let text = format!(
            "{}; {} from client, {} from server",
            phrases.join(", "),
            of(Role::Client),
            of(Role::Server)
        );
        self.line_of(time, tcp.id, tone.unwrap_or(Tone::Plain), &text)
    }

    /// A connection that is still open at the end: machines get its figures.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn still_open(&mut self, end: Timestamp, tcp: &ConnectionView<'_>) -> io::Result<()> {
        if self.format == Format::Text {
            return Ok(());
        }
        write!(
            self.out,
            "{{\"type\":\"connection\",\"time\":{},\"connection\":{}",
            epoch(end),
            tcp.id
        )?;
        self.rest_of(end, tcp)
    }

    fn rest_of(&mut self, end: Timestamp, tcp: &ConnectionView<'_>) -> io::Result<()> {
        let names = std::collections::BTreeMap::new();
        let row = Row {
            view: tcp,
            end,
            names: &names,
        };
        json::further_fields(&row, &mut self.out)?;
        self.out.write_all(b"}\n")
    }

    /// Whose an endpoint is.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn process(
        &mut self,
        time: Timestamp,
        id: u32,
        role: Role,
        process: &Process,
    ) -> io::Result<()> {
        if self.format == Format::Ndjson {
            return writeln!(
                self.out,
                "{{\"type\":\"process\",\"time\":{},\"connection\":{id},\"endpoint\":\"{role}\",\
                 \"process\":{}}}",
                epoch(time),
                json!(process)
            );
        }
        let program = escaped(&process.program).to_string();
        let user = escaped(&process.user).to_string();
        let container = match &process.container {
            Some(container) => format!(", container {container}"),
            None => String::new(),
        };
        let text = format!(
            "{role} is {program}, pid {}, user {user}{container}",
            process.pid
        );
        self.line_of(time, id, Tone::Plain, &text)
    }

    /// What the kernel says of an endpoint, beside what was inferred. People are told of
    /// differences that persist only.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn kernel(&mut self, time: Timestamp, check: &Check<'_>, persists: bool) -> io::Result<()> {
        if self.format == Format::Ndjson {
            return writeln!(
                self.out,
                "{{\"type\":\"kernel\",\"time\":{},\"persists\":{persists},{}}}",
                epoch(time),
                check.fields()
            );
        }
        if !persists {
            return Ok(());
        }
        self.line_of(time, check.connection(), Tone::Warning, &check.sentence())
    }

    /// The figures of a moment.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn figures(&mut self, moment: &Moment, is_last: bool) -> io::Result<()> {
        let gone = moment.closed + moment.unfinished;
        let open = moment.opened.saturating_sub(gone);
        if self.format == Format::Ndjson {
            let Moment {
                time,
                since,
                frames,
                bytes,
                missed,
                opened,
                closed,
                evicted,
                untold,
                memory,
                ..
            } = moment;
            return writeln!(
                self.out,
                "{{\"type\":\"figures\",\"time\":{},\"last\":{is_last},\"frames\":{},\"bytes\":{},\
                 \"missed\":{},\"opened\":{opened},\"closed\":{closed},\"open\":{open},\
                 \"evicted\":{evicted},\"untold\":{untold},\"memory\":{memory},\"interval\":{{\"duration\":{since},\
                 \"frames\":{},\"bytes\":{},\"missed\":{}}}}}",
                epoch(*time),
                frames[0],
                bytes[0],
                missed[0],
                frames[1],
                bytes[1],
                missed[1]
            );
        }
        let seconds = moment.since.as_secs_f64().max(1e-9);
        let rate = |count: u64| (count as f64 / seconds).round() as u64;
        let lost = if moment.missed[0] > 0 {
            format!(", {} lost", grouped(moment.missed[0]))
        } else {
            String::new()
        };
        let evicted = if moment.evicted > 0 {
            format!(", {} let go for memory", grouped(moment.evicted))
        } else {
            String::new()
        };
        let untold = if moment.untold > 0 {
            format!(", {} unanswered not shown", grouped(moment.untold))
        } else {
            String::new()
        };
        let text = if is_last {
            format!(
                "{}, {}; {} seen, {} still open{lost}{evicted}{untold}",
                counted(moment.frames[0], "frame"),
                bytes(moment.bytes[0]),
                counted(moment.opened, "connection"),
                grouped(open)
            )
        } else {
            format!(
                "{} frames/s, {}/s; {} open, {} seen{lost}{evicted}{untold}",
                grouped(rate(moment.frames[1])),
                bytes(rate(moment.bytes[1])),
                counted(open, "connection"),
                grouped(moment.opened)
            )
        };
        let tone = if moment.missed[1] > 0 {
            Tone::Bad
        } else {
            Tone::Quiet
        };
        self.line(moment.time, tone, &format!("-- {text}"))
    }
}

fn epoch(time: Timestamp) -> Span {
    time.since(Timestamp::default())
}
