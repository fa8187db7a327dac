//! Where things stand on the first screen: what draws it and what is clicked on go by the same.

use super::column::{COLUMNS, Column, USUAL, USUAL_LIVE};
use super::model::Model;
use super::snapshot::{Line, Tab};

/// Lines above the tabs: title, rate, trust.
pub const HEAD: usize = 3;
/// The line of the tabs.
pub const TABS: usize = HEAD;
/// The line of the headings.
pub const HEADINGS: usize = TABS + 1;
/// The first line of the list.
pub const LIST: usize = HEADINGS + 1;
/// Lines below the list: what is under the cursor, and the hints.
pub const FOOT: usize = 3;
/// Columns between columns.
pub const GAP: usize = 1;

/// Lines of the list.
pub fn rows(size: (u16, u16)) -> usize {
    usize::from(size.1).saturating_sub(LIST + FOOT)
}

/// The columns of connections in sight: those chosen, or as many of the usual as fit.
pub fn columns(model: &Model) -> Vec<Column> {
    if let Some(chosen) = &model.columns {
        return chosen.clone();
    }
    /// Sockets are worth more columns than they must have.
    const SOCKETS: usize = 2 * 7;
    let mut room = usize::from(model.size.0).saturating_sub(2);
    let mut chosen: Vec<Column> = Vec::new();
    let is_live = model.header().live.is_some();
    // Of what is a file already nobody knows the processes.
    let usual = if is_live { USUAL_LIVE } else { USUAL };
    let usual = usual
        .iter()
        .filter(|&&each| is_live || each != Column::Process);
    for (place, column) in usual.enumerate() {
        let need = wide(*column, model) + GAP;
        // The first three are always there.
        let spare = if place < 3 { 0 } else { SOCKETS };
        if place >= 3 && need + spare > room {
            break;
        }
        room = room.saturating_sub(need);
        chosen.push(*column);
    }
    chosen.sort_by_key(|column| COLUMNS.iter().position(|about| about.column == *column));
    chosen
}

/// How many columns of the screen a column must have: numbers as many as the largest in sight has
/// digits.
fn wide(column: Column, model: &Model) -> usize {
    let usual = column.about().width;
    if column != Column::Id {
        return usual;
    }
    let numbers = model.snapshot.lines.iter().flatten();
    let numbers = numbers.filter_map(|line| match line {
        Line::Connection(line) => Some(line.id),
        _ => None,
    });
    let digits = numbers.max().map_or(0, |most| most.to_string().len());
    usual.max(digits)
}

/// Columns of the screen that a socket needs to be told from others.
const SOCKET: usize = 19;
/// Longer ones are rare.
const WIDEST: usize = 46;

/// Columns with where each begins and how wide it is: sockets take what is left. A column that does
/// not fit as a whole is left out, and those after it: numbers that are cut are other numbers.
pub fn placed(columns: &[Column], model: &Model, width: usize) -> Vec<(Column, usize, usize)> {
    let is_socket = |column: &Column| matches!(column, Column::Client | Column::Server);
    let need = |column: &Column| match is_socket(column) {
        true => SOCKET,
        false => wide(*column, model),
    };
    let fitting = |width: usize| {
        let mut end = 1;
        let fits = |column: &&Column| {
            end += need(column) + GAP;
            end <= width + GAP
        };
        columns.iter().take_while(fits).count()
    };
    /// How many are left out is said, too.
    const COUNT: usize = 5;
    let width = match fitting(width) == columns.len() {
        true => width,
        false => width.saturating_sub(COUNT),
    };
    let fitting = fitting(width);
    // The number and the sockets are always there.
    let columns = columns.get(..fitting.max(3)).unwrap_or(columns);
    let (sockets, others): (Vec<_>, Vec<_>) = columns.iter().partition(|column| is_socket(column));
    let fixed: usize = others.into_iter().map(|column| need(column) + GAP).sum();
    let room = width.saturating_sub(1 + fixed + sockets.len() * GAP);
    let socket = (room / sockets.len().max(1)).clamp(Column::Client.about().width, WIDEST);
    let mut x = 1;
    let mut placed = Vec::new();
    for column in columns {
        let own = if is_socket(column) {
            socket
        } else {
            wide(*column, model)
        };
        placed.push((*column, x, own));
        x += own + GAP;
    }
    placed
}

/// A heading of the list in sight.
#[derive(Clone, Copy, Debug)]
pub struct Heading {
    /// What a list is sorted by that is clicked here.
    pub column: Option<Column>,
    /// The word.
    pub word: &'static str,
    /// Where its column begins.
    pub x: usize,
    /// How wide that is.
    pub width: usize,
    /// Whether it stands at the right edge.
    pub right: bool,
}

impl Heading {
    fn right(column: Option<Column>, word: &'static str, x: usize, width: usize) -> Self {
        Self {
            column,
            word,
            x,
            width,
            right: true,
        }
    }

    fn left(column: Option<Column>, word: &'static str, x: usize, width: usize) -> Self {
        Self {
            right: false,
            ..Self::right(column, word, x, width)
        }
    }
}

/// The headings of a list, in so many columns of the screen.
pub fn headings(model: &Model, width: usize) -> Vec<Heading> {
    match model.tab {
        Tab::Connections => {
            let placed = placed(&columns(model), model, width).into_iter();
            let heading = |(column, x, width): (Column, usize, usize)| {
                let about = column.about();
                let right = Heading::right(Some(column), about.heading, x, width);
                Heading {
                    right: about.right,
                    ..right
                }
            };
            placed.map(heading).collect()
        }
        Tab::Udp => udp(width),
        Tab::Hosts => hosts(width),
        Tab::Findings => Vec::new(),
    }
}

/// The headings of UDP conversations: the number, both sockets, figures and a remark.
fn udp(width: usize) -> Vec<Heading> {
    /// Columns of the number, and of an address of version 4 with its port.
    const NUMBER: usize = 6;
    const ADDRESS: usize = 21;
    const REMARK: usize = 22;
    let mut figures = vec![
        (Column::Sent, "sent", 8),
        (Column::Received, "recv", 8),
        (Column::Packets, "packets", 9),
    ];
    let taken = |figures: &[(Column, &str, usize)]| -> usize {
        let figures: usize = figures.iter().map(|(_, _, width)| width + GAP).sum();
        NUMBER + GAP + 2 * GAP + figures
    };
    if width >= taken(&figures) + 8 + GAP + 2 * ADDRESS {
        figures.insert(0, (Column::Duration, "time", 8));
    }
    // What went wrong, or as much of it as says what.
    const LEAST: usize = 10;
    let left = width.saturating_sub(taken(&figures) + GAP + 2 * ADDRESS);
    if left >= LEAST {
        figures.push((Column::Ending, "", left.min(REMARK)));
    }
    let room = width.saturating_sub(taken(&figures)) / 2;
    let socket = room.clamp(12, WIDEST);
    let mut x = NUMBER + GAP;
    let mut placed = vec![Heading::right(Some(Column::Id), "id", 0, NUMBER)];
    for word in ["first to speak", "other"] {
        placed.push(Heading::left(None, word, x, socket));
        x += socket + GAP;
    }
    for (column, word, width) in figures {
        placed.push(Heading::right(Some(column), word, x, width));
        x += width + GAP;
    }
    placed
}

/// The headings of hosts: the host, and figures.
fn hosts(width: usize) -> Vec<Heading> {
    let mut figures = vec![
        (Some(Column::Sent), "sent", 9),
        (Some(Column::Received), "recv", 9),
        (None, "tcp", 7),
        (None, "udp", 7),
        (Some(Column::Resent), "resent", 7),
        (Some(Column::Trouble), "trouble", 8),
    ];
    /// From here on there is room for the sum that hosts are sorted by.
    const ROOMY: usize = 90;
    if width >= ROOMY {
        figures.insert(0, (Some(Column::Activity), "total", 9));
    }
    let taken: usize = figures.iter().map(|(_, _, width)| width + GAP).sum();
    let room = width.saturating_sub(taken + 3).clamp(12, 62);
    let mut placed = vec![Heading::left(Some(Column::Client), "host", 1, room)];
    let mut x = room + 2;
    for (column, word, width) in figures {
        placed.push(Heading::right(column, word, x, width));
        x += width + GAP;
    }
    placed
}

/// What the list in sight can be sorted by.
pub fn sortable(model: &Model) -> Vec<Column> {
    let all = headings(model, usize::from(model.size.0));
    let mut columns: Vec<Column> = all.iter().filter_map(|heading| heading.column).collect();
    if model.tab == Tab::Hosts && !columns.contains(&Column::Activity) {
        columns.push(Column::Activity);
    }
    columns
}

/// What a place of the first screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// Nothing.
    None,
    /// A tab.
    Tab(Tab),
    /// The heading of a column.
    Column(Column),
    /// A line of the list.
    Line(usize),
    /// How far the capture can be trusted.
    Trust,
}

/// The name of a tab as it is drawn: with its number before it and the count behind.
pub fn tab_label(model: &Model, tab: Tab) -> (String, String) {
    let count = model
        .header()
        .counts
        .get(tab as usize)
        .copied()
        .unwrap_or(0);
    // Hosts are counted only when they are looked at.
    let count = match (tab, count) {
        (Tab::Hosts, 0) => String::new(),
        _ => crate::report::units::grouped(count as u64).to_string(),
    };
    (format!("{} {}", tab as usize + 1, tab.name()), count)
}

/// Where each tab begins and ends.
pub fn tabs(model: &Model) -> Vec<(Tab, usize, usize)> {
    let mut x = 1;
    let mut placed = Vec::new();
    for tab in Tab::ALL {
        let (label, count) = tab_label(model, tab);
        let gap = usize::from(!count.is_empty());
        let end = x + label.len() + gap + count.len();
        placed.push((tab, x, end));
        x = end + 3;
    }
    placed
}

/// What stands at a place.
pub fn spot(model: &Model, x: u16, y: u16) -> Spot {
    let (x, y) = (usize::from(x), usize::from(y));
    match y {
        2 => Spot::Trust,
        TABS => {
            let all = tabs(model);
            let own = all
                .iter()
                .find(|(_, start, end)| (*start..*end).contains(&x));
            own.map_or(Spot::None, |(tab, ..)| Spot::Tab(*tab))
        }
        HEADINGS => {
            let all = headings(model, usize::from(model.size.0));
            let own = all
                .iter()
                .find(|heading| (heading.x..heading.x + heading.width).contains(&x));
            let column = own.and_then(|heading| heading.column);
            column.map_or(Spot::None, Spot::Column)
        }
        _ => {
            let rows = rows(model.size);
            if !(LIST..LIST + rows).contains(&y) {
                return Spot::None;
            }
            let first = super::sheet::first_shown(model.cursor, model.snapshot.total, rows);
            let at = first + y - LIST;
            if at < model.snapshot.total {
                Spot::Line(at)
            } else {
                Spot::None
            }
        }
    }
}
