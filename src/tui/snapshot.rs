//! What the analysis thread is asked for, and what it answers: values, so that neither waits for
//! the other.

use std::sync::Arc;

use super::column::Column;
use crate::filter::{Filter, Found};
use crate::report::style::Tone;
use crate::time::{Span, Timestamp};

/// The lists of the first screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// TCP connections.
    #[default]
    Connections,
    /// UDP conversations.
    Udp,
    /// Addresses, by what they sent and received.
    Hosts,
    /// What is to be known of the capture.
    Findings,
}

impl Tab {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Connections, Self::Udp, Self::Hosts, Self::Findings];

    /// The name as it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections => "Connections",
            Self::Udp => "UDP",
            Self::Hosts => "Hosts",
            Self::Findings => "Findings",
        }
    }
}

/// Where the cursor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// On the line with this number, whatever it shows.
    At(usize),
    /// On what has this identity, wherever it goes.
    On(u64),
}

/// A filter in force.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// What it asks.
    pub filter: Arc<Filter>,
    /// What a reading of the frames has found, where figures do not tell.
    pub found: Arc<Found>,
}

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which list.
    pub tab: Tab,
    /// By what it is sorted.
    pub sort: Column,
    /// The other way round.
    pub reverse: bool,
    /// Which of it.
    pub chosen: Option<Chosen>,
    /// Changes whenever the filter does.
    pub choice: u64,
    /// Where the cursor is.
    pub cursor: Cursor,
    /// How many lines fit on the screen.
    pub lines: usize,
    /// Without connections that are over.
    pub open_only: bool,
    /// Whether nobody asked: it is time to.
    pub is_refresh: bool,
    /// Which question it is; the answer has the same.
    pub number: u64,
}

/// An answer: the capture as it is known now, and the lines around the cursor.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The capture.
    pub header: Header,
    /// The list it is of.
    pub tab: Tab,
    /// The number of the first of `lines`.
    pub first: usize,
    /// The lines around the cursor. Of one that has moved since the list was put in order nothing
    /// is known.
    pub lines: Vec<Option<Line>>,
    /// Lines of the whole list.
    pub total: usize,
    /// The line under the cursor.
    pub cursor: usize,
    /// The filter it was made with.
    pub choice: u64,
    /// The question it answers, and whether somebody asked it.
    pub number: u64,
    /// Whether nobody asked.
    pub is_refresh: bool,
}

/// The capture as such.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// Names of the inputs, escaped.
    pub inputs: Vec<String>,
    /// Frames so far.
    pub frames: u64,
    /// As many had come when everything was last looked at: lists are in the order of then.
    pub looked: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Time of the first frame.
    pub first: Option<Timestamp>,
    /// From the first frame to the last.
    pub span: Span,
    /// Bytes in equal parts of that time.
    pub rate: Vec<u64>,
    /// How many of each tab's things there are.
    pub counts: [usize; 4],
    /// A line on how connections ended.
    pub endings: String,
    /// How far the capture can be trusted, the gravest first; escaped.
    pub trust: Vec<(Tone, String)>,
    /// Bytes of the inputs read, and how many there are.
    pub progress: (u64, Option<u64>),
    /// Whether everything has been read.
    pub done: bool,
    /// What is told of a live source.
    pub live: Option<LiveHeader>,
}

/// What is told of a live source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveHeader {
    /// Frames in the last second.
    pub frames: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Frames that were lost.
    pub missed: u64,
    /// Whether frames were lost just now.
    pub misses: bool,
    /// Connections let go for memory.
    pub evicted: u64,
    /// Whether this host is asked for its processes.
    pub knows_host: bool,
    /// What is being recorded.
    pub recording: Option<Recorded>,
}

/// A recording under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The file's name, escaped.
    pub name: String,
    /// Frames in it.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A connection.
    Connection(Box<ConnectionLine>),
    /// A UDP conversation.
    Udp(Box<UdpLine>),
    /// A host.
    Host(HostLine),
    /// A finding.
    Finding(FindingLine),
}

impl Line {
    /// What stays the same while lists are sorted anew.
    pub fn identity(&self) -> u64 {
        match self {
            Self::Connection(line) => u64::from(line.id),
            Self::Udp(line) => u64::from(line.id),
            Self::Host(line) => line.key,
            Self::Finding(line) => line.key,
        }
    }
}

/// A connection in a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionLine {
    /// Its number.
    pub id: u32,
    /// Addresses, by role.
    pub addresses: [String; 2],
    /// Names, escaped, by role.
    pub names: [Option<String>; 2],
    /// Ports, by role.
    pub ports: [u16; 2],
    /// States, by role.
    pub states: [&'static str; 2],
    /// From the capture's begin to its first frame.
    pub start: Span,
    /// How long it lasted.
    pub duration: Span,
    /// Packets, by sender.
    pub packets: [u64; 2],
    /// Bytes of the streams, by sender.
    pub bytes: [u64; 2],
    /// Retransmissions, by sender.
    pub resent: [u32; 2],
    /// Those known to be needless.
    pub needless: u32,
    /// Those whose original was lost before the tap, and after it.
    pub lost: [u32; 2],
    /// By a timer, and fast.
    pub by_timer: u32,
    /// … fast.
    pub fast: u32,
    /// Late originals.
    pub reordered: u32,
    /// The shortest round trip.
    pub rtt: Option<Span>,
    /// 95th percentile of the round trip, both halves.
    pub rtt_p95: Option<Span>,
    /// How long a window was zero.
    pub zero_window: Span,
    /// How it opened.
    pub opening: &'static str,
    /// How it ended.
    pub ending: &'static str,
    /// Milliseconds that went to trouble, estimated.
    pub trouble: u64,
    /// When in the capture its frames came: how many in each part of the time. Of a live source,
    /// bytes in each of the last seconds.
    pub activity: Vec<u64>,
    /// Bytes a second, of both: over its time, or of a live source in the last second.
    pub rate: u64,
    /// The program that has it, by name and in full, escaped; of this host's connections.
    pub program: Option<[String; 2]>,
    /// What is marked while it is watched.
    pub mark: Mark,
    /// It in a few words.
    pub story: Vec<(Tone, String)>,
}

/// What is marked of a connection that is watched as it happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    #[default]
    None,
    /// It has just begun.
    New,
    /// It is over.
    Over,
}

/// A UDP conversation in a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UdpLine {
    /// Its number.
    pub id: u32,
    /// Addresses, the first sender's first.
    pub addresses: [String; 2],
    /// Names, escaped.
    pub names: [Option<String>; 2],
    /// Ports.
    pub ports: [u16; 2],
    /// From the capture's begin to its first frame.
    pub start: Span,
    /// How long it lasted.
    pub duration: Span,
    /// Datagrams, by sender.
    pub packets: [u64; 2],
    /// Their payload in bytes.
    pub bytes: [u64; 2],
    /// What an ICMP error said.
    pub icmp: Option<&'static str>,
    /// Whether only one host spoke.
    pub unanswered: bool,
}

/// A host in a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostLine {
    /// Its place in no order.
    pub key: u64,
    /// Its address.
    pub address: String,
    /// Its name, escaped.
    pub name: Option<String>,
    /// Connections it has part in.
    pub connections: u64,
    /// UDP conversations it has part in.
    pub conversations: u64,
    /// Bytes on the wire that it sent.
    pub sent: u64,
    /// Bytes on the wire that were sent to it.
    pub received: u64,
    /// Segments it sent again.
    pub resent: u64,
    /// Trouble of its connections in milliseconds.
    pub trouble: u64,
}

/// A finding in a line, and in full.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingLine {
    /// Its place.
    pub key: u64,
    /// How much it weighs.
    pub tone: Tone,
    /// Its name.
    pub title: String,
    /// What is told.
    pub text: String,
    /// What to do about it.
    pub advice: String,
    /// Frames that show it.
    pub frames: Vec<u64>,
}
