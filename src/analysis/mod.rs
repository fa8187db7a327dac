//! The one path from arrivals to figures: decode, find the flow, track it, tell the observer.
//!
//! After this point no code asks whether frames come from a file, an interface or the generator.
//!
//! An [`Analyzer`] takes [`Arrival`](crate::source::Arrival)s in one at a time. Who wants to know more than the figures at
//! the end passes an [`Observer`]: it sees each frame with what was decoded of it, the conversation
//! it belongs to and the events it caused, and gets the bytes of all streams in order. `()`
//! is the observer that wants nothing.
//!
//! # Examples
//! Which frames changed the state of a connection, and the figures at the end:
//!
//! ```
//! use std::ops::ControlFlow;
//! use tcplens::analysis::{Analyzer, FlowView, FrameView, Observer, Options};
//! use tcplens::source::{self, OpenOptions};
//! use tcplens::tcp::{Role, What};
//!
//! struct StateChanges;
//!
//! impl Observer for StateChanges {
//!     fn frame(&mut self, view: &FrameView<'_>) -> ControlFlow<()> {
//!         if let FlowView::Tcp { view: tcp, .. } = view.flow {
//!             for event in view.events {
//!                 if let What::State { endpoint, before, after, .. } = event.what {
//!                     println!("{}: connection {}, {endpoint}: {before} > {after}", event.frame, tcp.id);
//!                 }
//!             }
//!         }
//!         ControlFlow::Continue(())
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures/half-close.pcap");
//! // At most 64 MB for what is kept; past it flows are let go, and counted.
//! let options = Options { memory: 64 << 20, ..Options::default() };
//! let mut analyzer = Analyzer::new(options);
//! source::open(&[file], &OpenOptions::default())?
//!     .run(&mut |arrival| analyzer.arrive(arrival, &mut StateChanges))?;
//! analyzer.finish(&mut StateChanges);
//!
//! assert_eq!(analyzer.evicted().connections, 0);
//! for (id, slot) in analyzer.connections() {
//!     analyzer.connection(slot, |view| {
//!         let server = &view.connection.endpoint(Role::Server).figures;
//!         println!("{id}: {} bytes from {}", server.stream_bytes, view.socket(Role::Server));
//!     });
//! }
//! # assert_eq!(analyzer.tcp_seen(), 1);
//! # Ok(())
//! # }
//! ```

mod ahead;
mod analyzer;
mod begun;
mod belonging;
pub mod capture;
pub mod close_up;
pub mod detail;
mod eviction;
mod flows;
pub mod frame_index;
mod observer;
mod quality;
pub mod revisions;
mod share;
mod tracked;
pub mod trouble;
pub mod udp;
mod watch;

pub use analyzer::Analyzer;
pub use belonging::Belonging;
pub use capture::Capture;
pub use close_up::CloseUp;
pub use detail::Detail;
pub use eviction::Evicted;
pub use flows::Share;
pub use frame_index::{FlowId, FrameIndex, Places};
pub use observer::{ConnectionView, FlowView, FrameView, Observer};
pub use revisions::{Revisions, Settled};
pub use udp::{Conversation, ConversationView};

use crate::tcp::Settings;

/// What the analyzer is told before it starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// How connections are tracked.
    pub settings: Settings,
    /// Bytes that flows, waiting stream data and fragments may take together; past it flows are
    /// evicted, and counted.
    pub memory: usize,
    /// Flows kept at most; past it flows are evicted, and counted.
    pub max_flows: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            memory: 1 << 30,
            max_flows: 50_000_000,
        }
    }
}
