//! pcapng files (draft-ietf-opsawg-pcapng): sections of blocks, each section in its own byte order
//! and with its own interfaces.
//!
//! pcap-parser reads and frames the blocks. Their bodies are taken apart here, because its block
//! parsers collect the options of every block in a `Vec` (an allocation for each packet that has
//! one) and read option values as little-endian in any section.

mod block;
mod option;
mod section;

pub(super) use block::Block;
pub(super) use section::{Described, Sections};

#[cfg(test)]
mod tests;
