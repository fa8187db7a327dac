//! tcplens opens packet captures and tells what every TCP connection in them went through. The
//! program of that name is a thin shell around this library.
//!
//! ```text
//! source ──Arrival──▶ analysis ────────────────────────────────────▶ Observer: frames, events,
//!  files   Frame        wire::decode ▶ FlowTable ▶ Connection ▶ Event │         stream bytes
//!          Interface                                 │                └▶ figures ──▶ report
//!          Missed(n)                                 └ every segment: a send for one endpoint,
//!          Quiet(t)                                                   a receipt for the other
//! ```
//!
//! # Examples
//!
//! Open a capture, run the analyzer over it, and look at the connections it found:
//!
//! ```
//! use tcplens::analysis::{Analyzer, Options};
//! use tcplens::source::{self, OpenOptions};
//! use tcplens::tcp::{Ending, Role, State};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/close-by-client.pcap");
//! let mut analyzer = Analyzer::new(Options::default());
//! source::open(&[file], &OpenOptions::default())?
//!     .run(&mut |arrival| analyzer.arrive(arrival, &mut ()))?;
//! analyzer.finish(&mut ());
//!
//! let end = analyzer.capture().last.unwrap_or_default();
//! for (_, slot) in analyzer.connections() {
//!     analyzer.connection(slot, |view| {
//!         let (client, server) = (view.socket(Role::Client), view.socket(Role::Server));
//!         println!("{client} > {server}: {:?}", view.connection.ending(end));
//! #       assert_eq!(view.connection.ending(end), Ending::Graceful);
//! #       assert_eq!(view.connection.endpoint(Role::Client).state, State::TimeWait);
//!     });
//! }
//! # assert_eq!(analyzer.tcp_seen(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! Receive events while frames go by, each with the frame that showed it:
//!
//! ```
//! use std::ops::ControlFlow;
//! use tcplens::analysis::{Analyzer, FrameView, Observer, Options};
//! use tcplens::source::{self, OpenOptions};
//! use tcplens::tcp::What;
//!
//! struct States(Vec<String>);
//!
//! impl Observer for States {
//!     fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
//!         for event in view.events {
//!             if let What::State { endpoint, after, .. } = event.what {
//!                 self.0.push(format!("{}: {endpoint} {after}", event.frame));
//!             }
//!         }
//!         ControlFlow::Continue(())
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/close-by-client.pcap");
//! let mut states = States(Vec::new());
//! let mut analyzer = Analyzer::new(Options::default());
//! source::open(&[file], &OpenOptions::default())?
//!     .run(&mut |arrival| analyzer.arrive(arrival, &mut states))?;
//! assert_eq!(states.0[0], "1: client SYN-SENT");
//! # Ok(())
//! # }
//! ```
//!
//! Ask for streams: the bytes of both directions in order, and the gaps in them.
//!
//! ```
//! use tcplens::analysis::{Analyzer, Observer, Options};
//! use tcplens::source::{self, OpenOptions};
//! use tcplens::tcp::Role;
//!
//! #[derive(Default)]
//! struct Answer(Vec<u8>);
//!
//! impl Observer for Answer {
//!     fn wants_frames(&self) -> bool {
//!         false
//!     }
//!
//!     fn bytes(&mut self, connection: u32, from: Role, _offset: u64, bytes: &[u8]) {
//!         if (connection, from) == (0, Role::Server) {
//!             self.0.extend_from_slice(bytes);
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/http-request.pcap");
//! let mut answer = Answer::default();
//! let mut analyzer = Analyzer::new(Options::default());
//! source::open(&[file], &OpenOptions::default())?
//!     .run(&mut |arrival| analyzer.arrive(arrival, &mut answer))?;
//! // What still waits behind a gap comes now.
//! analyzer.finish(&mut answer);
//! assert!(answer.0.starts_with(b"HTTP/1.0 200 OK\r\n"));
//! # Ok(())
//! # }
//! ```
//!
//! # The map
//!
//! - [`time`] is capture time: nanoseconds as the capture recorded them. The only code that
//!   formats time.
//! - [`frame`] is one captured frame, borrowed from the buffer of its source, and the place where it
//!   can be read again.
//! - [`wire`] turns bytes into headers and back, one file per protocol. It knows no connection, no
//!   clock and no file. [`wire::decode`] is its one entrance for frames.
//! - [`capture_filter`] is tcpdump's filter language, compiled to what the kernel runs; it chooses
//!   frames before anything is made of them, live and in files.
//! - [`source`] is where frames come from: capture files of all formats, plain, compressed, merged
//!   or still growing, and interfaces. It pushes [`source::Arrival`]s into a sink, none of them copied.
//!   By the [`source::Trail`] that it leaves, its frames are read again in any order.
//! - [`flow`] finds the conversation of a packet: an order-free key, a table with one lookup per
//!   packet, and the reassembly of IP fragments.
//! - [`tcp`] is what a TCP conversation is doing: two endpoints as inferred from one tap, each with
//!   its RFC 9293 state, its stream and its figures, and verdicts on what its segments were. Segments
//!   go in; events and stream bytes come out.
//! - [`diagnosis`] is what it means for a person: findings, one file each, from what the analysis
//!   gathers on its way.
//! - [`analysis`] is the one path through all of these, from arrivals to figures, with an
//!   [`Observer`](analysis::Observer) for whoever wants frames, events or bytes on the way. An
//!   [index](analysis::FrameIndex) of each flow's frames gives one connection again in full
//!   ([`analysis::detail`]).
//! - [`report`] says a finished analysis: text for people, JSON, NDJSON and CSV for machines. What
//!   comes from packets or files is escaped there.
//! - [`filter`] is one language to choose frames and connections by, with Wireshark's names and
//!   operators: parsed and compiled once, asked of every frame or of a connection's figures.
//! - [`calls`] is the log of what programs asked of their sockets, beside the capture of what came
//!   of it. Who writes it and who shows it share this file alone.
//! - [`recording`] writes what is watched to files that rotate, with the last minutes before.
//! - [`host`] is what this host's kernel and processes say of its own connections.
//! - [`confinement`] gives up rights before the first packet is parsed; what needs them later is
//!   asked of another process of ours, which parses none.
//! - [`generator`] makes traffic whose truth is known: a small simulated network, exchanges written
//!   down as scripts, lessons with real sockets, real kernels through an impaired path, and load to
//!   measure with; into capture files or onto an interface. It knows nothing of the analyzer.
//! - [`score`] holds the analyzer's verdicts against an answer sheet.
//! - [`tui`] is the terminal user interface: a model that keys and news change, views that draw it,
//!   and an analysis thread that never waits for either.
//! - [`cli`] is the command line: what can be typed, one file per command.
//!
//! # Invariants
//!
//! They name what is absent; `tests/` holds the code to them.
//!
//! - `wire` never allocates, never panics, and never fails as a whole: it returns what parsed, and
//!   where and why it stopped.
//! - Neither `tcp` nor `analysis` reads a clock: what a capture shows does not depend on when it is
//!   read. Time that passes while nobody sends comes as [`source::Arrival::Quiet`].
//! - After [`source::open`] no code asks what kind of file or pipe frames come from.
//! - In steady state a packet costs no allocation, from source to observer.
//! - Memory is bounded by [`analysis::Options`], not by the size of the input or of an attack; what
//!   was let go to stay within it is counted ([`analysis::Evicted`]).
//! - Bytes of a stream come in order, each position once, as bytes or within a gap.
//! - Nothing from a packet or a file reaches a terminal unescaped.
//! - Modules import each other one way only, by the table in `tests/architecture.rs`.
pub mod analysis;
pub mod calls;
pub mod capture_filter;
pub mod cli;
pub mod confinement;
pub mod diagnosis;
pub mod filter;
pub mod flow;
pub mod frame;
pub mod generator;
pub mod host;
pub(crate) mod prefetch;
pub mod recording;
pub mod report;
pub mod score;
pub mod source;
pub mod tcp;
pub mod time;
pub mod tui;
pub mod wire;

/// Holds the example in the README to the library.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
