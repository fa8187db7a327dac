//! Lessons: the same conversations on real sockets of this host, each showing what a socket call
//! does on the wire.
//!
//! ```text
//! lesson ─▶ Socket (records every call) ─▶ the kernel ─▶ loopback ─▶ ring ─▶ Tap
//!              └──────────▶ Record: calls, frames, words ◀──────────────────┘
//!                              └▶ Narrator: the transcript ─▶ Taken: capture and call log
//! ```
//!
//! - [`LESSONS`]: the table of all lessons; adding one is a function and a line there
//! - `stage`: hosts and what they share; a lesson is one script, also where two hosts play it
//! - `socket`: the sockets that write down what is asked of them, `name` and `option` what they are
//!   given, `kernel` what Linux says of them, `fork` a process that has the same ones
//! - [`private`]: a network namespace, for whoever may not capture outside
//! - `tap`: the capture; `relay` stands between UNIX-domain sockets, which no interface sees
//! - `narrator`: lays calls, frames and explanations on one line of time

#[cfg(target_os = "linux")]
mod fork;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod lessons;
#[cfg(target_os = "linux")]
mod name;
#[cfg(target_os = "linux")]
mod narrator;
#[cfg(target_os = "linux")]
mod option;
#[cfg(target_os = "linux")]
mod play;
#[cfg(target_os = "linux")]
pub mod private;
#[cfg(target_os = "linux")]
mod record;
#[cfg(target_os = "linux")]
mod relay;
#[cfg(target_os = "linux")]
mod socket;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(target_os = "linux")]
mod tap;

#[cfg(target_os = "linux")]
pub(super) use kernel::state_of;
#[cfg(target_os = "linux")]
pub use lessons::LESSONS;
#[cfg(target_os = "linux")]
pub use play::{Setup, Taken, run};
#[cfg(target_os = "linux")]
pub use stage::{LessonError, Party};

/// A lesson with real sockets.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// Its name, without `sockets/`.
    pub name: &'static str,
    /// A line about it.
    pub summary: &'static str,
    /// What it shows, and what to look for.
    pub description: &'static str,
    /// Whether its two sides can be two hosts.
    pub has_two_hosts: bool,
    #[cfg(target_os = "linux")]
    play: fn(&stage::Stage<'_>) -> stage::Played,
}

/// Every lesson: elsewhere than on Linux there are none.
#[cfg(not(target_os = "linux"))]
pub const LESSONS: &[Lesson] = &[];
