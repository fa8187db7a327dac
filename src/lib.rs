//! tcplens: what every TCP connection in a capture went through.
pub mod frame;
pub mod source;
pub mod time;
pub mod wire;
