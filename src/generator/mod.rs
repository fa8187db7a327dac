//! Traffic whose truth is known, made without the analyzer's logic: it shares `wire` with it and
//! nothing else, so that it can contradict it.
//!
//! - [`script`]: an exchange written down as text, packet by packet, and what must be said of it
//! - [`capture_writer`]: pcap and pcapng files of any frames

pub mod capture_writer;
pub mod script;

pub use capture_writer::{PcapWriter, PcapngWriter};
pub use script::{Script, ScriptError};
