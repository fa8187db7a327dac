//! The columns of the list of connections: one table for headings, widths, values, sorting and the
//! names in the configuration.

use super::snapshot::ConnectionLine;
use crate::report::units::{bytes, grouped};
use crate::time::Span;

/// A column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Column {
    /// Number.
    Id,
    /// The client's socket.
    Client,
    /// The server's socket.
    Server,
    /// Both states.
    States,
    /// When it began.
    Start,
    /// How long it lasted.
    Duration,
    /// Bytes from the client.
    Sent,
    /// Bytes from the server.
    Received,
    /// Packets.
    Packets,
    /// Retransmissions.
    Resent,
    /// … by timer and fast.
    Triggers,
    /// … needless ones.
    Needless,
    /// … lost before the tap, and after it.
    Place,
    /// Late originals.
    Reordered,
    /// Shortest round trip.
    Rtt,
    /// 95th percentile of the round trip.
    RttP95,
    /// Time with a window of zero.
    ZeroWindow,
    /// How it opened.
    Opening,
    /// How it ended.
    Ending,
    /// Time lost to trouble.
    #[default]
    Trouble,
    /// When its frames came.
    Activity,
    /// Bytes a second.
    Rate,
    /// Whose it is.
    Process,
}

/// What is to be known of a column.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Which.
    pub column: Column,
    /// Its name in the configuration.
    pub name: &'static str,
    /// Its heading.
    pub heading: &'static str,
    /// Columns on the screen that it takes; those of sockets grow.
    pub width: usize,
    /// Whether its values stand at the right edge.
    pub right: bool,
    /// What it means.
    pub says: &'static str,
}

/// All columns, in the order of the screen.
pub const COLUMNS: &[About] = &[
    about(
        Column::Id,
        "id",
        "id",
        5,
        true,
        "number, from 0 in order of first frames",
    ),
    about(
        Column::Client,
        "client",
        "client",
        12,
        false,
        "who opened it, by name if the capture has one",
    ),
    about(Column::Server, "server", "server", 12, false, "to whom"),
    about(
        Column::States,
        "states",
        "client/server state",
        25,
        false,
        "RFC 9293 states of both at the end",
    ),
    about(
        Column::Start,
        "start",
        "start",
        9,
        true,
        "seconds from the begin of the capture",
    ),
    about(
        Column::Duration,
        "duration",
        "time",
        7,
        true,
        "from its first frame to its last",
    ),
    about(
        Column::Sent,
        "sent",
        "sent",
        7,
        true,
        "bytes of the client's stream",
    ),
    about(
        Column::Received,
        "received",
        "recv",
        7,
        true,
        "bytes of the server's stream",
    ),
    about(
        Column::Packets,
        "packets",
        "packets",
        8,
        true,
        "frames of both",
    ),
    about(
        Column::Resent,
        "resent",
        "resent",
        6,
        true,
        "retransmissions of both",
    ),
    about(
        Column::Triggers,
        "triggers",
        "timer/fast",
        10,
        true,
        "retransmissions by a timer / by duplicate ACKs or SACK",
    ),
    about(
        Column::Needless,
        "needless",
        "needless",
        8,
        true,
        "retransmissions known to be needless",
    ),
    about(
        Column::Place,
        "place",
        "before/aft",
        10,
        true,
        "retransmissions whose original was lost before / after the tap",
    ),
    about(
        Column::Reordered,
        "reordered",
        "reord",
        6,
        true,
        "segments that came late",
    ),
    about(
        Column::Rtt,
        "rtt",
        "rtt",
        7,
        true,
        "shortest round trip between the hosts",
    ),
    about(
        Column::RttP95,
        "rtt-p95",
        "rtt p95",
        7,
        true,
        "95th percentile of the round trip, both halves",
    ),
    about(
        Column::ZeroWindow,
        "zero-window",
        "zero win",
        8,
        true,
        "time during which a window was zero",
    ),
    about(
        Column::Opening,
        "opening",
        "opening",
        12,
        false,
        "how it opened",
    ),
    about(
        Column::Ending,
        "ending",
        "ending",
        11,
        false,
        "how it ended",
    ),
    about(
        Column::Trouble,
        "trouble",
        "trouble",
        7,
        true,
        "time that went to trouble, estimated",
    ),
    about(
        Column::Activity,
        "activity",
        "activity",
        12,
        false,
        "when its frames came; live: the last 12 seconds",
    ),
    about(
        Column::Rate,
        "rate",
        "per sec",
        8,
        true,
        "bytes a second; live: in the last one",
    ),
    about(
        Column::Process,
        "process",
        "process",
        12,
        false,
        "the program that has it, of this host's connections while live",
    ),
];

const fn about(
    column: Column,
    name: &'static str,
    heading: &'static str,
    width: usize,
    right: bool,
    says: &'static str,
) -> About {
    About {
        column,
        name,
        heading,
        width,
        right,
        says,
    }
}

/// The columns of a narrow screen, the first to stay last to go.
pub const USUAL: &[Column] = &[
    Column::Id,
    Column::Client,
    Column::Server,
    Column::Trouble,
    Column::Resent,
    Column::Received,
    Column::Sent,
    Column::Rtt,
    Column::Ending,
    Column::Duration,
    Column::ZeroWindow,
    Column::Activity,
    Column::States,
    Column::Triggers,
    Column::Place,
    Column::RttP95,
    Column::Needless,
    Column::Packets,
    Column::Start,
    Column::Opening,
    Column::Reordered,
    Column::Rate,
    Column::Process,
];

/// … and of one that shows what is captured now.
pub const USUAL_LIVE: &[Column] = &[
    Column::Id,
    Column::Client,
    Column::Server,
    Column::Rate,
    Column::Trouble,
    Column::Resent,
    Column::Rtt,
    Column::Ending,
    Column::Process,
    Column::Activity,
    Column::Sent,
    Column::Received,
    Column::ZeroWindow,
    Column::Duration,
    Column::States,
    Column::Triggers,
    Column::Place,
    Column::RttP95,
    Column::Needless,
    Column::Packets,
    Column::Start,
    Column::Opening,
    Column::Reordered,
];

impl Column {
    /// What is to be known of it.
    pub fn about(self) -> &'static About {
        COLUMNS
            .iter()
            .find(|about| about.column == self)
            .unwrap_or(&COLUMNS[0])
    }

    /// Whether connections sorted by it begin with the least.
    pub fn rises(self) -> bool {
        matches!(
            self,
            Self::Id
                | Self::Client
                | Self::Server
                | Self::States
                | Self::Start
                | Self::Opening
                | Self::Ending
        )
    }

    /// The column of this name.
    pub fn named(name: &str) -> Option<Self> {
        let about = COLUMNS.iter().find(|about| about.name == name)?;
        Some(about.column)
    }

    /// The next column to sort by, or the one before.
    pub fn turned(self, by: isize) -> Self {
        let at = COLUMNS.iter().position(|about| about.column == self);
        let at = at.unwrap_or(0) as isize + by;
        let at = at.rem_euclid(COLUMNS.len() as isize) as usize;
        COLUMNS.get(at).map_or(self, |about| about.column)
    }

    /// Its value in a line; sockets are written by the list, which knows how wide they may be.
    pub fn value(self, line: &ConnectionLine) -> String {
        let span =
            |span: Option<Span>| span.map_or("-".to_owned(), |span| span.short().to_string());
        let count = |count: u64| match count {
            0 => "-".to_owned(),
            count => grouped(count).to_string(),
        };
        let volume = |count: u64| match count {
            0 => "-".to_owned(),
            count => bytes(count).to_string(),
        };
        match self {
            Self::Id => line.id.to_string(),
            Self::Client | Self::Server | Self::Activity => String::new(),
            Self::States => line.states.join("/"),
            Self::Start => format!("{:.3}", line.start.as_secs_f64()),
            Self::Duration => line.duration.short().to_string(),
            Self::Sent => volume(line.bytes[0]),
            Self::Received => volume(line.bytes[1]),
            Self::Packets => count(line.packets.iter().sum()),
            Self::Resent => count(line.resent.iter().map(|&count| u64::from(count)).sum()),
            Self::Triggers => match (line.by_timer, line.fast) {
                (0, 0) => "-".to_owned(),
                (timer, fast) => format!("{timer}/{fast}"),
            },
            Self::Needless => count(line.needless.into()),
            Self::Place => match line.lost {
                [0, 0] => "-".to_owned(),
                [before, after] => format!("{before}/{after}"),
            },
            Self::Reordered => count(line.reordered.into()),
            Self::Rtt => span(line.rtt),
            Self::RttP95 => span(line.rtt_p95),
            Self::ZeroWindow => span(Some(line.zero_window).filter(|span| *span > Span::ZERO)),
            Self::Opening => line.opening.to_owned(),
            Self::Ending => line.ending.to_owned(),
            Self::Rate => volume(line.rate),
            Self::Process => match &line.program {
                Some([name, _]) => name.clone(),
                None => "-".to_owned(),
            },
            Self::Trouble => match line.trouble {
                0 => "-".to_owned(),
                millis => {
                    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
                    Span::from_millis(millis).short().to_string()
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_column_is_in_both_tables_once() {
        let names: BTreeSet<_> = COLUMNS.iter().map(|about| about.name).collect();
        assert_eq!(names.len(), COLUMNS.len());
        assert_eq!(USUAL.len(), COLUMNS.len());
        assert_eq!(USUAL_LIVE.len(), COLUMNS.len());
        for about in COLUMNS {
            assert!(USUAL.contains(&about.column), "{}", about.name);
            assert!(USUAL_LIVE.contains(&about.column), "{}", about.name);
            assert_eq!(Column::named(about.name), Some(about.column));
            assert!(about.heading.len() <= about.width, "{}", about.name);
        }
    }

    #[test]
    fn sorting_goes_round() {
        assert_eq!(Column::Id.turned(-1), Column::Process);
        assert_eq!(Column::Process.turned(1), Column::Id);
    }
}
