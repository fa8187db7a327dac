//! tcplens: what every TCP connection in a capture went through.
pub mod analysis;
pub mod cli;
pub mod flow;
pub mod frame;
pub(crate) mod prefetch;
pub mod report;
pub mod source;
pub mod tcp;
pub mod time;
pub mod wire;
