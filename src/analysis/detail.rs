//! One connection with every frame of it, read again through the list of its frames.
//!
//! A fresh analyzer is given those frames and nothing else, with the numbers and times that they
//! had. What it finds is what the reading of the whole capture found: of what the analyzer keeps,
//! a connection's verdicts depend on its own frames alone; that it took over the sockets of an
//! earlier one is in the list. Verdicts are final ones: what later frames revised is in them.

mod datagrams;
mod rows;
mod streams;

use core::fmt;
use core::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Analyzer, Capture, CloseUp, FlowId, Observer, Places};
use crate::flow::Socket;
use crate::frame::{ReadAgain, Unread};
use crate::source::Arrival;
use crate::tcp::{Connection, Role, Verdict};
use crate::time::Timestamp;

pub use datagrams::{DatagramRow, Talk};
pub use rows::Row;
pub use streams::{Run, StreamView, What};

/// What is to be read, and how much of it is kept.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What the analyzer of the whole capture was told.
    pub analysis: super::Options,
    /// Time of the capture's first frame.
    pub first: Timestamp,
    /// Time of the capture's last frame so far.
    pub end: Timestamp,
    /// Rows to pass over, for what comes after those of an earlier reading.
    pub skip: u64,
    /// Rows kept at most.
    pub rows: usize,
    /// Events kept at most.
    pub events: usize,
}

impl Ask {
    /// For a connection of this capture.
    pub fn of(capture: &Capture) -> Self {
        Self {
            analysis: super::Options::default(),
            first: capture.first.unwrap_or_default(),
            end: capture.last.unwrap_or_default(),
            skip: 0,
            rows: 200_000,
            events: 200_000,
        }
    }
}

/// Why there is no detail of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// It was told to stop.
    Stopped,
    /// Of its frames, none can be read again, for this reason.
    Unread(Unread),
    /// What was read again is no such flow: the file has changed.
    Changed,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::Unread(unread) => unread.fmt(f),
            Self::Changed => f.write_str("the capture has changed since it was first read"),
        }
    }
}

impl std::error::Error for Failed {}

/// Frames that could not be read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// How many.
    pub frames: u64,
    /// Why the first of them could not be.
    pub reason: Option<Unread>,
    /// Frames that were read, and are of another flow: the file has changed.
    pub strays: u64,
}

/// One connection with every frame of it.
#[derive(Clone, Debug)]
pub struct Detail {
    /// Its number.
    pub id: u32,
    /// Its sockets, by [`Role`].
    pub sockets: [Socket; 2],
    /// What is known of it after its last frame.
    pub connection: Connection,
    /// States over time, events with final verdicts, recoveries, ICMP errors about it.
    pub close_up: CloseUp,
    /// Its segments, in order.
    pub rows: Vec<Row>,
    /// Rows passed over because it was asked for.
    pub rows_before: u64,
    /// Rows beyond the limit, after those here.
    pub rows_dropped: u64,
    /// Time of the capture's first frame.
    pub first: Timestamp,
    /// Time of the capture's last frame.
    pub end: Timestamp,
    /// The final verdicts of the rows.
    pub verdicts: Vec<Verdict>,
    /// What could not be read again.
    pub missing: Missing,
}

impl Detail {
    /// Reads a connection again.
    ///
    /// # Errors
    /// When it is told to stop, or none of its frames can be read. What lacks some of them is
    /// told in [`missing`](Self::missing).
    pub fn read(
        places: &Places,
        again: &mut dyn ReadAgain,
        ask: &Ask,
        stop: &AtomicBool,
    ) -> Result<Self, Failed> {
        let FlowId::Tcp(id) = places.flow else {
            return Err(Failed::Changed);
        };
        let mut gather = Gather {
            close_up: CloseUp::new(id, ask.events),
            rows: rows::Rows::new(id, ask.skip, ask.rows),
        };
        let (analyzer, missing) = replay(places, again, ask, stop, &mut gather)?;
        let own = analyzer.connections().into_iter().find(|each| each.0 == id);
        let found = own.and_then(|(_, slot)| {
            analyzer.connection(slot, |view| (view.sockets, view.connection.clone()))
        });
        let Some((sockets, connection)) = found else {
            return Err(missing.reason.map_or(Failed::Changed, Failed::Unread));
        };
        let mut rows = gather.rows;
        rows.settle(&connection);
        let missing = Missing {
            strays: rows.strays,
            ..missing
        };
        Ok(Self {
            id,
            sockets,
            connection,
            close_up: gather.close_up,
            rows_before: rows.passed,
            rows_dropped: rows.dropped,
            verdicts: rows.verdicts,
            rows: rows.kept,
            first: ask.first,
            end: ask.end,
            missing,
        })
    }

    /// One socket.
    pub fn socket(&self, role: Role) -> Socket {
        self.sockets[role as usize]
    }

    /// The final verdicts of a row.
    pub fn verdicts(&self, row: &Row) -> &[Verdict] {
        let start = row.first_verdict as usize;
        let end = start + usize::from(row.verdict_count);
        self.verdicts.get(start..end).unwrap_or_default()
    }

    /// Index of the row of a frame; of the next one where the frame has none.
    pub fn row_of(&self, frame: u64) -> usize {
        self.rows.partition_point(|row| row.frame < frame)
    }

    /// Index of the first row at or after a moment.
    pub fn row_at(&self, time: Timestamp) -> usize {
        // Times may step back: the first that is not before it.
        let later = self.rows.iter().position(|row| row.time >= time);
        later.unwrap_or(self.rows.len())
    }
}

/// Gives an observer the frames of a flow again, as the analyzer of the whole capture did. Tells
/// what could not be read.
///
/// # Errors
/// When it is told to stop.
pub fn replay<O: Observer>(
    places: &Places,
    again: &mut dyn ReadAgain,
    ask: &Ask,
    stop: &AtomicBool,
    observer: &mut O,
) -> Result<(Analyzer, Missing), Failed> {
    let mut analyzer = Analyzer::new(ask.analysis.clone());
    match places.flow {
        FlowId::Tcp(id) => analyzer.next_tcp = id,
        FlowId::Udp(id) => analyzer.next_udp = id,
    }
    analyzer.reuses_ports = places.reuses_ports();
    let mut missing = Missing::default();
    let mut stopped = false;
    let _ = places.each(again, &mut |frame| {
        stopped = stop.load(Ordering::Relaxed);
        if stopped {
            return ControlFlow::Break(());
        }
        match frame {
            Ok(frame) => analyzer.arrive(Arrival::Frame(frame), observer),
            Err(unread) => {
                missing.frames += 1;
                missing.reason.get_or_insert(unread);
                ControlFlow::Continue(())
            }
        }
    });
    if stopped {
        return Err(Failed::Stopped);
    }
    analyzer.finish(observer);
    Ok((analyzer, missing))
}

struct Gather {
    close_up: CloseUp,
    rows: rows::Rows,
}

impl Observer for Gather {
    fn frame(&mut self, view: &super::FrameView<'_>) -> ControlFlow<()> {
        self.close_up.frame(view)?;
        self.rows.frame(view)
    }

    fn late(&mut self, connection: u32, events: &[crate::tcp::Event]) {
        self.close_up.late(connection, events);
        self.rows.late(connection, events);
    }
}
