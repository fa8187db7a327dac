//! Traffic whose truth is known, made without the analyzer's logic: it shares `wire` with it and
//! nothing else, so that it can contradict it.
//!
//! ```text
//! Scenario ─▶ Network: two Hosts ─ leg ─ tap ─ leg ─ ─▶ frames ─▶ GeneratedSource (a Source)
//!                         └───────▶ Journal ─▶ judge ─▶ Sheet
//! ```
//!
//! - [`SCENARIOS`]: everything that the simulated network can be asked for, one table
//! - [`source`]: a scenario's capture as a [`Source`](crate::source::Source), with its answer sheet
//! - [`network`]: simulated time, hosts, path and tap; [`talk`] what two hosts do on it; [`host`] a
//!   small TCP of its own; [`datagram`] UDP beside it; [`path`] what can go wrong on the way, one
//!   file each
//! - [`truth`]: the journal that a network keeps, and the answer sheet judged from it
//! - [`random`]: chance that is the same on every machine
//! - [`script`]: an exchange written down as text, packet by packet, and what must be said of it
//! - [`sockets`]: lessons with real sockets of this host, with a log of every call
//! - [`lab`]: real kernels through an impaired path, with the truth of it
//! - [`load`]: captures of any size for benchmarks
//! - [`onto`]: any source, sent onto an interface
//! - [`capture_writer`]: pcap and pcapng files of any frames

pub mod capture_writer;
pub mod datagram;
pub mod host;
#[cfg(target_os = "linux")]
mod interface;
pub mod lab;
pub mod load;
pub mod network;
pub mod onto;
pub mod packet;
pub mod path;
pub mod random;
mod router;
pub mod scenario;
pub mod script;
pub mod sockets;
pub mod source;
pub mod talk;
pub mod truth;

pub use capture_writer::{PcapWriter, PcapngWriter};
pub use scenario::{SCENARIOS, Scenario};
pub use script::{Script, ScriptError};
pub use source::GeneratedSource;
