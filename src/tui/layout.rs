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

/// Columns with where each begins and how wide it is: sockets take what is left.
pub fn placed(columns: &[Column], model: &Model, width: usize) -> Vec<(Column, usize, usize)> {
    let is_socket = |column: &Column| matches!(column, Column::Client | Column::Server);
    let fixed: usize = columns
        .iter()
        .map(|column| {
            GAP + if is_socket(column) {
                0
            } else {
                wide(*column, model)
            }
        })
        .sum();
    let sockets = columns.iter().filter(|column| is_socket(column)).count();
    /// Longer ones are rare.
    const WIDEST: usize = 46;
    let room = width.saturating_sub(1 + fixed);
    let socket = (room / sockets.max(1)).clamp(Column::Client.about().width, WIDEST);
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
        HEADINGS if model.tab == Tab::Connections => {
            let all = placed(&columns(model), model, usize::from(model.size.0));
            let own = all
                .iter()
                .find(|(_, start, width)| (*start..*start + *width).contains(&x));
            own.map_or(Spot::None, |(column, ..)| Spot::Column(*column))
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
