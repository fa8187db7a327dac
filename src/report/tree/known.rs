//! What a segment's connection says of it, for the tree to say beside what stands in the frame.

use crate::analysis::{FlowView, FrameView};
use crate::tcp::window::Scale;
use crate::tcp::{Verdict, What};
use crate::wire::{Flags, Transport};

/// What is known of a segment from its connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Number of the connection.
    pub connection: u32,
    /// Its sequence number, counted from its sender's first.
    pub seq: Option<i64>,
    /// Its acknowledgment number, counted from its peer's first.
    pub ack: Option<i64>,
    /// Its window in bytes, where the scale is known.
    pub window: Option<u64>,
    /// What SACK blocks are counted from.
    pub sack_base: Option<u32>,
    /// What it is judged to be.
    pub verdicts: Vec<Verdict>,
}

impl Known {
    /// Of a frame that went through the analyzer; `None` where it holds no segment of a
    /// connection. With `absolute`, numbers are not counted from the connection's first.
    pub fn of(view: &FrameView<'_>, absolute: bool) -> Option<Self> {
        let (FlowView::Tcp { view: flow, from }, Transport::Tcp(segment)) =
            (view.flow, &view.decoded.transport)
        else {
            return None;
        };
        let connection = flow.connection;
        let (sender, receiver) = (connection.endpoint(from), connection.endpoint(from.peer()));
        let syn = segment.flags.has(Flags::SYN);
        let scale_known = syn || matches!(sender.window.scale, Scale::Known(_));
        let acknowledges = segment.flags.has(Flags::ACK);
        let told = view.events.iter().filter_map(|event| match event.what {
            What::Verdict(verdict) => Some(verdict),
            _ => None,
        });
        Some(Self {
            connection: flow.id,
            seq: sender.position(segment.seq).filter(|_| !absolute),
            ack: receiver
                .position(segment.ack)
                .filter(|_| acknowledges && !absolute),
            window: scale_known.then(|| sender.window.scaled(segment.window, syn)),
            sack_base: receiver.base().filter(|_| !absolute).map(|base| base.0),
            verdicts: told.collect(),
        })
    }
}
