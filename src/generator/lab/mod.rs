//! The lab: real kernels talk TCP through an impaired path, and the truth of it is written down.
//!
//! ```text
//! client's namespace                this process                   server's namespace
//!  program ─ kernel ─ TUN ─▶ Course: legs, parts, three taps ─▶ TUN ─ kernel ─ program
//!                     │        └▶ Journal ─▶ judge ─▶ a Sheet for each tap
//!                     └ Reasons: what the kernel counts right after a segment left
//! ```
//!
//! - [`SCENARIOS`]: the table of all there is to play; a path of the parts that simulated paths are
//!   made of ([`super::path`]), chance from a seed. When kernels send is their own affair: two runs
//!   differ
//! - `course`: the path at work; `clock` its time, `tun` its ends, `streams` what lies where
//! - `counters`: what a kernel counts. What made it send again only it knows: that is inferred from
//!   which counter went up, or left unknown
//! - `program`: what both hosts do, with a socket each
//! - `taken`: captures, answer sheets and counters as files, and whether the kernels agree
//!
//! It needs no right but to make a user namespace and to open `/dev/net/tun`.

#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod counters;
#[cfg(target_os = "linux")]
mod course;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod scenario;
#[cfg(target_os = "linux")]
mod streams;
#[cfg(target_os = "linux")]
mod taken;
#[cfg(target_os = "linux")]
mod tun;

#[cfg(target_os = "linux")]
pub use run::{Setup, enter, run};
#[cfg(target_os = "linux")]
pub use scenario::{SCENARIOS, Scenario};
#[cfg(target_os = "linux")]
pub use taken::{HostReport, Taken};
