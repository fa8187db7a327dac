//! A finished analysis for people, machines and pipes: one file per format.
//!
//! Nothing here decides what is true of a capture; it only says it. Whatever comes from a packet
//! or a file goes through [`escape`] before it is printed for people.

pub mod escape;
pub mod follow;
mod icmp;
pub mod ladder;
pub mod packets;
pub mod stream_files;
