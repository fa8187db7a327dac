//! Which flow a frame belongs to, for those who want no more than that.

use super::frame_index::FlowId;
use super::tracked::Tracked;
use super::{Analyzer, FlowView};
use crate::flow::{Direction, Slot};
use crate::frame::CapturedFrame;

/// The flow that a frame belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Belonging {
    /// The flow; `None` where the frame has none.
    pub flow: Option<FlowId>,
    /// Whether the frame opened it on sockets that another connection had.
    pub reuses_ports: bool,
}

impl Belonging {
    /// Of an ICMP error.
    pub(super) fn about(flow: &FlowView<'_>) -> Self {
        let flow = match *flow {
            FlowView::IcmpAboutTcp(id, _) => Some(FlowId::Tcp(id)),
            FlowView::IcmpAboutUdp(id, _) => Some(FlowId::Udp(id)),
            _ => None,
        };
        Self {
            flow,
            reuses_ports: false,
        }
    }
}

impl Analyzer {
    /// Which flow a frame went to.
    #[inline]
    pub(super) fn belonging(
        &self,
        place: Option<(Slot, Direction)>,
        frame: &CapturedFrame<'_>,
    ) -> Belonging {
        let entry = place.and_then(|(slot, _)| self.table.get(slot));
        let (flow, reuses_ports) = match entry.map(|entry| &entry.value) {
            None => (None, false),
            Some(Tracked::HalfOpen(id, ..)) => (Some(FlowId::Tcp(*id)), false),
            Some(Tracked::Tcp(flow)) => {
                let connection = &flow.connection;
                let first = connection.first_frame == frame.number;
                (Some(FlowId::Tcp(flow.id)), first && connection.reuses_ports)
            }
            Some(Tracked::Udp(conversation)) => (Some(FlowId::Udp(conversation.id)), false),
        };
        Belonging { flow, reuses_ports }
    }
}
