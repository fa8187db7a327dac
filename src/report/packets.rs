//! A line (or an object, or a row) per frame, in the manner of tcpdump and tshark, with what the
//! frame meant to its connection. Verdicts are final where the capture can be read twice; else those
//! of the moment, and what later frames revise is told with those.

mod machine;
mod text;

use std::io::{self, Write};

use super::style::Palette;
use super::tree;
use crate::analysis::revisions::Was;
use crate::analysis::{FlowView, FrameView, Settled};
use crate::flow::Socket;
use crate::tcp::window::Scale;
use crate::tcp::{Connection, Event, Role, What};
use crate::time::Timestamp;
use crate::wire::{Flags, Segment, Transport};

/// How frames are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line, for eyes.
    Text,
    /// An object a line.
    Ndjson,
    /// Values parted by tabs, under a line of their names.
    Tsv,
}

/// How text shows time, by the letters tshark has for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// `r`: seconds since the first frame.
    #[default]
    Relative,
    /// `a`: time of day, UTC.
    Day,
    /// `ad`: date and time, UTC.
    Date,
    /// `d`: seconds since the frame printed before.
    Delta,
    /// `e`: seconds since the Unix epoch.
    Epoch,
}

/// What a list looks like.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The format.
    pub format: Format,
    /// The clock of text.
    pub clock: Clock,
    /// Sequence numbers as they stood, not counted from the connection's first.
    pub absolute: bool,
    /// Characters beyond ASCII.
    pub unicode: bool,
    /// Colours.
    pub palette: Palette,
    /// In text: all fields of each frame instead of a line.
    pub tree: bool,
    /// In text: the bytes of each frame besides, in hexadecimal.
    pub hex: bool,
}

/// Prints frames.
#[derive(Debug)]
pub struct Printer<W: Write> {
    out: W,
    look: Look,
    line: Vec<u8>,
    first: Option<Timestamp>,
    previous: Option<Timestamp>,
    /// The frame printed last.
    number: Option<u64>,
    /// Whether its line waits for comments, which come after the frame.
    held: bool,
    comments: u32,
}

impl<W: Write> Printer<W> {
    /// A printer that has printed nothing.
    pub fn new(out: W, look: Look) -> Self {
        Self {
            out,
            look,
            line: Vec::with_capacity(512),
            first: None,
            previous: None,
            number: None,
            held: false,
            comments: 0,
        }
    }

    /// Notes a frame that is not printed.
    pub fn pass(&mut self, view: &FrameView<'_>) {
        self.first.get_or_insert(view.frame.time);
    }

    /// Prints a frame with the verdicts of the moment.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn frame(&mut self, view: &FrameView<'_>) -> io::Result<()> {
        self.tell(view, &[])
    }

    /// Prints a frame with its final verdicts.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn settled(&mut self, view: &FrameView<'_>, settled: &Settled) -> io::Result<()> {
        let view = FrameView {
            events: &settled.events,
            ..*view
        };
        self.tell(&view, &settled.history)
    }

    fn tell(&mut self, view: &FrameView<'_>, history: &[Was]) -> io::Result<()> {
        self.release()?;
        if self.number.is_none() && self.look.format == Format::Tsv {
            self.out.write_all(machine::HEADER.as_bytes())?;
        }
        let time = view.frame.time;
        let first = *self.first.get_or_insert(time);
        let previous = self.previous.replace(time).unwrap_or(time);
        self.number = Some(view.frame.number);
        self.comments = 0;
        let facts = Facts {
            history,
            ..Facts::of(view, self.look.absolute)
        };
        let line = &mut self.line;
        match self.look.format {
            Format::Text if self.look.tree => {
                let known = tree::Known::of(view, self.look.absolute);
                let tree = tree::Tree::knowing(view.frame, known.as_ref());
                tree::write(line, &tree, self.look.palette)?;
            }
            Format::Text => {
                let at = text::At {
                    first,
                    previous,
                    number: view.frame.number,
                };
                text::line(line, &facts, at, self.look)?;
            }
            Format::Ndjson => machine::object(line, &facts)?,
            Format::Tsv => machine::row(line, &facts)?,
        }
        if self.look.format == Format::Text && self.look.hex {
            line.push(b'\n');
            tree::dump(line, view.frame.data)?;
        }
        self.held = true;
        if self.look.format == Format::Text {
            self.release()?;
        }
        Ok(())
    }

    /// Prints revisions that no frame brought: text and NDJSON only.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn late(&mut self, connection: u32, events: &[Event]) -> io::Result<()> {
        let tells = |event: &&Event| matches!(event.what, What::Revised { .. });
        let mut events = events.iter().filter(tells).peekable();
        if events.peek().is_none() {
            return Ok(());
        }
        self.release()?;
        match self.look.format {
            Format::Text => {
                for event in events {
                    let happening = text::Happening(&event.what, self.look.unicode);
                    writeln!(self.out, "{:>6}  {happening}", "#")?;
                }
                Ok(())
            }
            Format::Ndjson => {
                let events: Vec<_> = events.copied().collect();
                machine::late(&mut self.line, connection, &events)?;
                self.line.push(b'\n');
                self.out.write_all(&self.line)?;
                self.line.clear();
                Ok(())
            }
            Format::Tsv => Ok(()),
        }
    }

    /// Prints a comment of the capture: on a frame, or on all of it.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn comment(&mut self, frame: Option<u64>, text: &str) -> io::Result<()> {
        if frame.is_some() && frame != self.number {
            return Ok(());
        }
        match self.look.format {
            Format::Text => {
                let text = super::escape::escaped(text);
                writeln!(self.out, "{:>6}  {text}", "#")
            }
            Format::Ndjson if self.held => {
                let before = if self.comments == 0 {
                    ",\"comments\":["
                } else {
                    ","
                };
                self.line.extend(before.as_bytes());
                self.comments += 1;
                machine::string(&mut self.line, text)
            }
            Format::Ndjson | Format::Tsv => Ok(()),
        }
    }

    /// Writes the line that waited for comments.
    fn release(&mut self) -> io::Result<()> {
        if !core::mem::take(&mut self.held) {
            return Ok(());
        }
        if self.look.format == Format::Ndjson {
            if self.comments > 0 {
                self.line.push(b']');
            }
            self.line.push(b'}');
        }
        self.line.push(b'\n');
        self.out.write_all(&self.line)?;
        self.line.clear();
        Ok(())
    }

    /// Writes out what is buffered, except a line that waits for comments.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes out everything.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn finish(&mut self) -> io::Result<()> {
        self.release()?;
        if self.number.is_none() && self.look.format == Format::Tsv {
            self.out.write_all(machine::HEADER.as_bytes())?;
        }
        self.flush()
    }
}

/// What every format says of a frame.
struct Facts<'a> {
    view: &'a FrameView<'a>,
    /// What its verdicts had been.
    history: &'a [Was],
    protocol: &'static str,
    ports: Option<(u16, u16)>,
    tcp: Option<Tcp<'a>>,
}

/// What every format says of a segment.
struct Tcp<'a> {
    segment: &'a Segment<'a>,
    /// Counted from the sender's first sequence number, if asked for and known.
    seq: i64,
    /// Counted from its peer's first sequence number.
    ack: Option<i64>,
    /// What SACK blocks are counted from.
    sack_base: u32,
    /// In bytes, as far as the scale is known.
    window: u64,
    scale_known: bool,
    of: Option<(u32, Role, &'a Connection)>,
}

impl<'a> Facts<'a> {
    fn of(view: &'a FrameView<'a>, absolute: bool) -> Self {
        let mut facts = Self {
            view,
            history: &[],
            protocol: "other",
            ports: None,
            tcp: None,
        };
        match &view.decoded.transport {
            Transport::Tcp(segment) => {
                facts.protocol = "tcp";
                facts.ports = Some((segment.source_port, segment.destination_port));
                facts.tcp = Some(Tcp::of(segment, &view.flow, absolute));
            }
            Transport::Udp(datagram) => {
                facts.protocol = "udp";
                facts.ports = Some((datagram.source_port, datagram.destination_port));
            }
            Transport::Icmp(message) => {
                facts.protocol = if message.version == 6 {
                    "icmpv6"
                } else {
                    "icmp"
                };
            }
            Transport::Arp(_) => facts.protocol = "arp",
            Transport::Fragment(_) => facts.protocol = "fragment",
            Transport::None => {}
        }
        facts
    }

    fn sockets(&self) -> Option<[Socket; 2]> {
        let (ip, (source, destination)) = (self.view.decoded.ip.as_ref()?, self.ports?);
        Some([
            Socket {
                address: ip.source,
                port: source,
            },
            Socket {
                address: ip.destination,
                port: destination,
            },
        ])
    }
}

impl<'a> Tcp<'a> {
    fn of(segment: &'a Segment<'a>, flow: &FlowView<'a>, absolute: bool) -> Self {
        let acknowledges = segment.flags.has(Flags::ACK);
        let mut tcp = Self {
            segment,
            seq: i64::from(segment.seq.0),
            ack: acknowledges.then_some(i64::from(segment.ack.0)),
            sack_base: 0,
            window: u64::from(segment.window),
            scale_known: false,
            of: None,
        };
        let FlowView::Tcp { view, from } = *flow else {
            return tcp;
        };
        let connection = view.connection;
        tcp.of = Some((view.id, from, connection));
        let (sender, receiver) = (connection.endpoint(from), connection.endpoint(from.peer()));
        let syn = segment.flags.has(Flags::SYN);
        tcp.window = sender.window.scaled(segment.window, syn);
        tcp.scale_known = syn || matches!(sender.window.scale, Scale::Known(_));
        if !absolute {
            tcp.seq = sender.position(segment.seq).unwrap_or(tcp.seq);
            if acknowledges {
                tcp.ack = receiver.position(segment.ack).or(tcp.ack);
            }
            tcp.sack_base = receiver.base().map_or(0, |base| base.0);
        }
        tcp
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::verdict::{Confidence, Need};
    use crate::tcp::{Kind, Rule, Verdict};

    /// What is printed of a revision that no frame brought.
    fn late(format: Format) -> String {
        let before = Verdict::new(Kind::Retransmission, Rule::SeenBefore, Confidence::Likely);
        let mut after = before;
        after.need = Some(Need::Needed);
        after.need_rule = Some(Rule::NothingArrivedBefore);
        let event = Event {
            frame: 0,
            time: Timestamp::from_nanos(0),
            from: Role::Client,
            what: What::Revised {
                frame: 7,
                from: Role::Client,
                before,
                after,
            },
        };
        let look = Look {
            format,
            clock: Clock::Relative,
            absolute: false,
            unicode: true,
            palette: Palette::PLAIN,
            tree: false,
            hex: false,
        };
        let mut out = Vec::new();
        Printer::new(&mut out, look).late(3, &[event]).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_no_frame_brought_is_told_too() {
        assert_eq!(
            late(Format::Text),
            "     #  frame 7 is now retransmission (needed) [nothing-arrived-before]\n"
        );
        let object: serde_json::Value = serde_json::from_str(&late(Format::Ndjson)).unwrap();
        assert_eq!(object["frame"], serde_json::Value::Null);
        assert_eq!(object["connection"], 3);
        assert_eq!(object["revisions"][0]["frame"], 7);
        assert_eq!(object["revisions"][0]["was"], "retransmission");
        assert_eq!(object["revisions"][0]["verdict"]["need"], "needed");
        assert_eq!(late(Format::Tsv), "");
    }
}
