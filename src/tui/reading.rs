//! Reading again what the screen shows in detail: one connection, one frame, the streams. Each in
//! a thread of its own, through the list of its frames.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::live::HostEnds;
use super::loader::News;
use super::page::OpenFrame;
use crate::analysis::detail::{Ask, Detail, StreamView, Talk};
use crate::analysis::{FlowId, Places};
use crate::filter::{Filter, Sieve};
use crate::frame::{Place, ReadAgain};
use crate::report::escape::escaped;
use crate::report::tree::{Known, Tree};
use crate::source::Reread;

/// Bytes of streams that are held at once.
const WINDOW: usize = 16 << 20;

/// What is to be read again.
#[derive(Clone, Debug)]
pub enum Order {
    /// A flow with every frame of it.
    Open(FlowId),
    /// The flow that this frame is of.
    OpenAt(u64),
    /// A flow with every frame of it, if it has more than so many by now.
    Renew(FlowId, u64),
    /// The frames of a flow that a filter matches.
    Sieve(FlowId, Arc<Filter>),
    /// A flow's streams, past so many bytes.
    Stream(FlowId, u64),
    /// A frame of a flow.
    Frame {
        /// The flow.
        flow: FlowId,
        /// Its number.
        number: u64,
        /// Where it lies.
        place: Place,
        /// What is known of it besides.
        known: Option<Box<Known>>,
    },
}

/// An order, and what it takes to carry it out.
pub(super) struct Job {
    pub(super) order: Order,
    /// What looks for the frames that a filter matches, where those are ordered.
    pub(super) sieve: Option<Sieve>,
    pub(super) places: Places,
    pub(super) ends: HostEnds,
    pub(super) ask: Ask,
    pub(super) reread: Reread,
    pub(super) stop: Arc<AtomicBool>,
}

impl Job {
    /// Reads.
    pub(super) fn run(mut self) -> News {
        let (again, ask, stop) = (&mut self.reread, &self.ask, &*self.stop);
        let failed =
            |error: &dyn core::fmt::Display| News::Failed(escaped(&error.to_string()).to_string());
        match self.order {
            // The loader knows which flow that is, and asks for it.
            Order::OpenAt(_) => News::Failed("no flow is known".to_owned()),
            Order::Open(FlowId::Tcp(_)) => match Detail::read(&self.places, again, ask, stop) {
                Ok(detail) => News::Detail(Arc::new(detail), self.ends),
                Err(error) => failed(&error),
            },
            Order::Open(FlowId::Udp(_)) => match Talk::read(&self.places, again, ask, stop) {
                Ok(talk) => News::Talk(Arc::new(talk)),
                Err(error) => failed(&error),
            },
            Order::Renew(flow @ FlowId::Udp(_), _) => {
                match Talk::read(&self.places, again, ask, stop) {
                    Ok(talk) => News::TalkRenewed(Arc::new(talk)),
                    Err(_) => News::Ends(flow, self.ends),
                }
            }
            Order::Renew(flow, _) => match Detail::read(&self.places, again, ask, stop) {
                Ok(detail) => News::Renewed(Arc::new(detail), self.ends),
                // What is on screen stays.
                Err(_) => News::Ends(flow, self.ends),
            },
            Order::Sieve(_, filter) => {
                let frames = match self.sieve {
                    Some(sieve) => sieve.frames(&self.places, again, ask, stop),
                    None => Ok(Vec::new()),
                };
                match frames {
                    Ok(frames) => News::Sieved(filter, Ok(frames)),
                    Err(error) => {
                        let words = escaped(&error.to_string()).to_string();
                        News::Sieved(filter, Err(words))
                    }
                }
            }
            Order::Stream(_, skip) => {
                match StreamView::read(&self.places, again, ask, skip, WINDOW, stop) {
                    Ok(stream) => News::Stream(Arc::new(stream)),
                    Err(error) => failed(&error),
                }
            }
            Order::Frame {
                number,
                place,
                known,
                ..
            } => match again.frame(number, place) {
                Ok(frame) => News::Frame(Box::new(OpenFrame {
                    number,
                    bytes: frame.data.to_vec(),
                    tree: Tree::knowing(&frame, known.as_deref()),
                })),
                Err(error) => failed(&error),
            },
        }
    }
}
