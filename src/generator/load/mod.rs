//! Load: captures of any size for benchmarks, at the speed of a disk.
//!
//! ```text
//! transfers, mice, flood ─▶ Capture: frames, checksums, a link that is busy ─▶ the sink of a Source
//!                              └──▶ Ledger: what becomes of each packet ─▶ judge ─▶ Sheet
//! ```
//!
//! Each kind is a small discrete-event network that tells what a tap beside the sender would have
//! seen. The same arguments give the same bytes on every machine. Memory depends on how many
//! connections are open at once, never on the size of the capture. Every checksum is right, time
//! never goes backwards, and a byte of a stream is a function of its connection and its offset: a
//! retransmission carries what the original carried. Only an answer sheet takes memory for each
//! frame; it is made by itself, of the same frames.
//!
//! - `transfers`: long streams with loss and reordering ([`LOADS`]: bulk, elephant)
//! - `mice`: short conversations, TCP and UDP; `flood`: SYNs that come to nothing
//! - `capture`: frames made byte by byte; `agenda` what will happen, `noise` what streams carry
//! - `ledger`: what becomes of each packet, for the answer sheet

mod agenda;
mod capture;
mod flood;
mod ledger;
mod mice;
mod noise;
mod transfers;

use std::ops::ControlFlow;

use super::random::Random;
use super::truth::{Sheet, Tap, judge};
use crate::source::{Arrival, Interface, Source, SourceError};
use capture::Capture;
use ledger::Ledger;
use mice::Herd;
use transfers::{BULK, ELEPHANT, Transfers};

const MILLISECOND: u64 = 1_000_000;
/// Every host's window scale option.
const WINDOW_SCALE: u8 = 7;

/// A timestamp clock of one tick a millisecond.
fn ticks(now: u64, epoch: u32) -> u32 {
    epoch.wrapping_add((now / MILLISECOND) as u32)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bulk,
    Mice,
    Flood,
    Elephant,
}

/// A kind of load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Its name.
    pub name: &'static str,
    /// A line about it.
    pub summary: &'static str,
    /// What is in it.
    pub description: &'static str,
    /// Octets of its pcap file if nothing is said.
    pub usual_size: u64,
    /// TCP connections if nothing is said; `None` where their number follows from the size.
    pub usual_connections: Option<u64>,
    /// TCP connections it can have at most.
    pub most_connections: u64,
    kind: Kind,
}

/// Every kind of load.
pub const LOADS: &[Load] = &[
    Load {
        name: "bulk",
        summary: "1,000 concurrent uploads in full-size segments, with loss and reordering; 2 GB",
        description: "Uploads in segments of 1448 bytes, all at once, captured where the network of \
            the senders ends: their clients. 0.5 % of the segments are lost, half of them before the tap (a gap, then the \
            retransmission) and half after it (the same bytes twice), each answered by duplicate \
            ACKs with up to three SACK blocks; 0.2 % are overtaken by one or two others. Delayed \
            ACKs, timestamps, window scale, FIN at the end. --connections says how many, --size how \
            much in all.",
        usual_size: 2_000_000_000,
        usual_connections: Some(1_000),
        most_connections: transfers::MOST,
        kind: Kind::Bulk,
    },
    Load {
        name: "mice",
        summary: "Short connections of small messages, a tenth of the frames UDP; 1 GB",
        description: "Connections of 4 to 13 questions and answers of a few dozen bytes, handshake \
            and close in four steps, and three UDP conversations for every five connections; 4,000 \
            conversations are open at once. 5,000 bytes of capture are one connection: --size says \
            how many there are, or --connections does; with both, connections are longer or \
            shorter.",
        usual_size: 1_000_000_000,
        usual_connections: None,
        most_connections: mice::MOST,
        kind: Kind::Mice,
    },
    Load {
        name: "flood",
        summary: "SYNs of 4 million half-open connections, each from another address; 304 MB",
        description: "SYNs to one server, each from another address, none ever followed up. A SYN \
            takes 76 bytes of capture: --size says how many there are, or --connections does.",
        usual_size: 4_000_000 * flood::RECORD,
        usual_connections: None,
        most_connections: flood::MOST,
        kind: Kind::Flood,
    },
    Load {
        name: "elephant",
        summary: "One long upload with 400 segments in flight; 1 GB",
        description: "One upload over a path of 20 ms with 400 segments in flight, 0.01 % lost, \
            0.005 % overtaken; its sequence numbers wrap after 101 MB. --connections makes it \
            several side by side.",
        usual_size: 1_000_000_000,
        usual_connections: Some(1),
        most_connections: transfers::MOST,
        kind: Kind::Elephant,
    },
];

/// Frames of a load that an answer sheet is made for at most.
pub const MOST_JUDGED: u64 = 10_000_000;

/// A load of some size: a source of frames.
///
/// # Examples
/// ```
/// use tcplens::analysis::{Analyzer, Options};
/// use tcplens::generator::load::LOADS;
/// use tcplens::source::Source;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bulk = LOADS.iter().find(|load| load.name == "bulk").ok_or("no such load")?;
/// let mut source = bulk.source(Some(1_000_000), Some(20), 1)?;
/// let mut analyzer = Analyzer::new(Options::default());
/// source.run(&mut |arrival| analyzer.arrive(arrival, &mut ()))?;
/// analyzer.finish(&mut ());
/// assert_eq!(analyzer.tcp_seen(), 20);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LoadSource {
    load: Load,
    size: Option<u64>,
    connections: Option<u64>,
    seed: u64,
}

impl Load {
    /// This load with a pcap file of about `size` octets (an upload in flight is finished: some
    /// tens of kilobytes for each connection) and exactly so many TCP connections; each as usual
    /// where nothing is said. The same arguments, the same frames.
    ///
    /// # Errors
    /// With a sentence: when it can't have so many connections, or a flood is given both numbers.
    pub fn source(
        &self,
        size: Option<u64>,
        connections: Option<u64>,
        seed: u64,
    ) -> Result<LoadSource, String> {
        let name = self.name;
        if self.kind == Kind::Flood && size.is_some() && connections.is_some() {
            return Err(format!(
                "a {name} has one frame for each connection: give its size or its connections"
            ));
        }
        let source = LoadSource {
            load: *self,
            size,
            connections,
            seed,
        };
        let most = self.most_connections;
        let wanted = if size == Some(0) {
            0
        } else {
            source.connections()
        };
        match wanted {
            1.. if wanted <= most => Ok(source),
            0 => Err(format!("a {name} of that size has no connection")),
            _ => Err(format!(
                "a {name} has at most {most} connections, not {wanted}"
            )),
        }
    }
}

impl LoadSource {
    /// TCP connections that it has.
    pub fn connections(&self) -> u64 {
        let size = self.size();
        let by_size = match self.load.kind {
            Kind::Mice => Herd::of_size(size).connections,
            Kind::Flood => size / flood::RECORD,
            Kind::Bulk | Kind::Elephant => 1,
        };
        let usual = self.load.usual_connections.unwrap_or(by_size);
        self.connections.unwrap_or(usual)
    }

    fn size(&self) -> u64 {
        self.size.unwrap_or(self.load.usual_size)
    }
}

impl LoadSource {
    /// What is true of its frames, or of the first `most` of them: about a kilobyte of memory each.
    ///
    /// # Errors
    /// With a sentence: where they are more than [`MOST_JUDGED`].
    pub fn sheet(&self, most: Option<u64>) -> Result<Sheet, String> {
        let mut ledger = Ledger::default();
        let (mut frames, mut too_many) = (0, false);
        let mut sink = |arrival: Arrival<'_>| {
            frames += u64::from(matches!(arrival, Arrival::Frame(_)));
            too_many = frames > MOST_JUDGED;
            if too_many || most.is_some_and(|most| frames >= most) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        if most != Some(0) {
            self.play(Capture::new(&mut sink, Some(&mut ledger)));
        }
        if too_many {
            return Err(format!(
                "an answer sheet has at most {MOST_JUDGED} frames: choose a smaller --size"
            ));
        }
        let (journal, recorded) = ledger.into_parts();
        let seed = Some(self.seed);
        Ok(judge(
            &journal,
            Tap::Middle,
            &recorded,
            self.load.name,
            seed,
        ))
    }

    fn play(&self, mut capture: Capture<'_>) {
        let random = Random::new(self.seed);
        let (size, connections) = (self.size(), self.connections());
        // Who takes frames may have enough of them; that is no error.
        let _ = match self.load.kind {
            Kind::Bulk => Transfers::new(random, BULK, connections).run(&mut capture, size),
            Kind::Elephant => Transfers::new(random, ELEPHANT, connections).run(&mut capture, size),
            Kind::Mice => {
                let herd = match (self.size, self.connections) {
                    (Some(size), Some(connections)) => Herd::of_both(connections, size),
                    _ => Herd::of_number(connections),
                };
                mice::mice(random, &mut capture, herd)
            }
            Kind::Flood => flood::flood(random, &mut capture, connections),
        };
    }
}

impl Source for LoadSource {
    fn run(
        &mut self,
        sink: &mut dyn FnMut(Arrival<'_>) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let interface = Interface::made("generated");
        if sink(Arrival::Interface(interface)).is_continue() {
            self.play(Capture::new(sink, None));
        }
        Ok(())
    }
}
