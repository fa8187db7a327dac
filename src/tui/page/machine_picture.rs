//! The RFC 9293 state machine as a picture (section 3.3.2, figure 5), for as much room as there
//! is: the states in three columns, the changes as arrows between them.
//!
//! ```text
//!       ┌──── passive OPEN ────[CLOSED]───── snd SYN ─────┐
//!       ▼                                                 ▼
//!    [LISTEN]──────────────── snd SYN ──────────────▶[SYN-SENT]
//!    │ rcv SYN   ┌──────────── rcv SYN ────────────────┘   │
//!    ▼           ▼                                         │
//!  [SYN-RECEIVED]── rcv ACK ──▶[ESTABLISHED]◀─ rcv SYN,ACK ┘
//! ```
//!
//! The changes that a figure of the protocol leaves out (a reset from anywhere, a capture that
//! begins in the middle) are told in words beside it.

use super::sheet::{Ink, Sheet, columns};
use crate::tcp::{Role, State};

/// Where a state stands: its column and its row. CLOSED stands at both ends.
const NODES: [(State, usize, usize); 12] = [
    (State::Closed, 1, 0),
    (State::Listen, 0, 1),
    (State::SynSent, 2, 1),
    (State::SynReceived, 0, 2),
    (State::Established, 1, 2),
    (State::FinWait1, 0, 3),
    (State::Closing, 1, 3),
    (State::CloseWait, 2, 3),
    (State::FinWait2, 0, 4),
    (State::TimeWait, 1, 4),
    (State::LastAck, 2, 4),
    (State::Closed, 1, 5),
];

const ROWS: usize = 6;

/// A column, from the middle of the states in it or from the edge of one.
#[derive(Clone, Copy, Debug)]
enum X {
    Middle(usize, isize),
    /// Right or left of the state in this column and row.
    Right(usize, usize),
    Left(usize, usize),
}

/// A line: the middle of a row of states, the first or the last line below it.
#[derive(Clone, Copy, Debug)]
enum Y {
    Row(usize),
    Below(usize),
    Above(usize),
}

/// A change of state.
#[derive(Clone, Copy, Debug)]
struct Edge {
    from: State,
    to: State,
    label: &'static str,
    /// Its corners, from the edge of one state to that of another.
    path: &'static [(X, Y)],
    /// Which stretch of the path its label stands on.
    labelled: usize,
}

const fn edge(
    from: State,
    to: State,
    label: &'static str,
    labelled: usize,
    path: &'static [(X, Y)],
) -> Edge {
    Edge {
        from,
        to,
        label,
        path,
        labelled,
    }
}

use State::{
    CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived,
    SynSent, TimeWait,
};
use X::{Left, Middle, Right};
use Y::{Above, Below, Row};

#[rustfmt::skip]
const EDGES: [Edge; 18] = [
    edge(Closed,      Listen,      "passive OPEN", 0, &[(Left(1, 0), Row(0)), (Middle(0, 0), Row(0)), (Middle(0, 0), Above(1))]),
    edge(Closed,      SynSent,     "snd SYN",      0, &[(Right(1, 0), Row(0)), (Middle(2, 0), Row(0)), (Middle(2, 0), Above(1))]),
    edge(Listen,      SynSent,     "snd SYN",      0, &[(Right(0, 1), Row(1)), (Left(2, 1), Row(1))]),
    edge(Listen,      SynReceived, "rcv SYN",      0, &[(Middle(0, -4), Below(1)), (Middle(0, -4), Above(2))]),
    edge(SynSent,     SynReceived, "rcv SYN",      1, &[(Middle(2, -4), Below(1)), (Middle(2, -4), Below(1)), (Middle(0, 6), Below(1)), (Middle(0, 6), Above(2))]),
    edge(SynSent,     Established, "rcv SYN,ACK",  1, &[(Middle(2, 3), Below(1)), (Middle(2, 3), Row(2)), (Right(1, 2), Row(2))]),
    edge(SynReceived, Established, "rcv ACK",      0, &[(Right(0, 2), Row(2)), (Left(1, 2), Row(2))]),
    edge(SynReceived, FinWait1,    "snd FIN",      0, &[(Middle(0, -4), Below(2)), (Middle(0, -4), Above(3))]),
    edge(Established, FinWait1,    "snd FIN",      1, &[(Middle(1, -4), Below(2)), (Middle(1, -4), Below(2)), (Middle(0, 6), Below(2)), (Middle(0, 6), Above(3))]),
    edge(Established, CloseWait,   "rcv FIN",      1, &[(Middle(1, 4), Below(2)), (Middle(1, 4), Below(2)), (Middle(2, 0), Below(2)), (Middle(2, 0), Above(3))]),
    edge(FinWait1,    FinWait2,    "rcv ACK",      0, &[(Middle(0, -4), Below(3)), (Middle(0, -4), Above(4))]),
    edge(FinWait1,    Closing,     "rcv FIN",      0, &[(Right(0, 3), Row(3)), (Left(1, 3), Row(3))]),
    edge(FinWait1,    TimeWait,    "rcv FIN,ACK",  1, &[(Middle(0, 6), Below(3)), (Middle(0, 6), Below(3)), (Middle(1, -4), Below(3)), (Middle(1, -4), Above(4))]),
    edge(FinWait2,    TimeWait,    "rcv FIN",      0, &[(Right(0, 4), Row(4)), (Left(1, 4), Row(4))]),
    edge(Closing,     TimeWait,    "rcv ACK",      0, &[(Middle(1, 1), Below(3)), (Middle(1, 1), Above(4))]),
    edge(CloseWait,   LastAck,     "snd FIN",      0, &[(Middle(2, 0), Below(3)), (Middle(2, 0), Above(4))]),
    edge(TimeWait,    Closed,      "2MSL",         0, &[(Middle(1, 0), Below(4)), (Middle(1, 0), Above(5))]),
    edge(LastAck,     Closed,      "rcv ACK",      1, &[(Middle(2, 0), Below(4)), (Middle(2, 0), Row(5)), (Right(1, 5), Row(5))]),
];

/// What stands where on the picture.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    /// The state.
    pub(super) state: State,
    /// Whether it has been in another one: CLOSED is then the one below.
    pub(super) moved: bool,
    /// The change that it made last, and whether the frame in sight made it.
    pub(super) last: Option<(State, State)>,
    /// Whether it was this frame that made it.
    pub(super) now: bool,
}

/// The picture, and who is where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture<'a> {
    /// The two endpoints, by [`Role`].
    pub(super) positions: [Position; 2],
    /// States that one of them has been in.
    pub(super) visited: &'a [State],
}

/// Columns and lines that the picture needs.
pub(super) const LEAST: (usize, usize) = (70, 16);

/// Columns past which arrows get no clearer.
const WIDEST: usize = 110;

/// Columns beside a name: its bracket, and room for the letter of an endpoint.
const BESIDE: usize = 1;

/// Where things are for the room there is.
struct Geometry {
    /// Lines of a state: one, or three with a box.
    node: usize,
    /// Lines between two rows of states.
    gap: usize,
    columns: [usize; 3],
    top: usize,
}

impl Geometry {
    fn of(width: usize, height: usize) -> Self {
        let node = if height >= 3 * ROWS + 2 * (ROWS - 1) {
            3
        } else {
            1
        };
        let gap = ((height.saturating_sub(node * ROWS)) / (ROWS - 1)).clamp(2, 4);
        let used = node * ROWS + gap * (ROWS - 1);
        let wide = width.min(WIDEST);
        let left = (width - wide) / 2;
        let half = "SYN-RECEIVED".len() / 2 + BESIDE + 3;
        Self {
            node,
            gap,
            columns: [
                left + half,
                left + wide / 2,
                left + wide.saturating_sub(half + 1),
            ],
            top: height.saturating_sub(used) / 2,
        }
    }

    fn middle(&self, column: usize) -> usize {
        self.columns.get(column).copied().unwrap_or(0)
    }

    fn row(&self, row: usize) -> usize {
        self.top + row * (self.node + self.gap) + self.node / 2
    }

    /// The first and the last column of a state.
    fn edges(&self, column: usize, row: usize) -> (usize, usize) {
        let name = NODES
            .iter()
            .find(|node| (node.1, node.2) == (column, row))
            .map_or(0, |node| node.0.name().len());
        let start = self.middle(column).saturating_sub(name / 2 + BESIDE);
        (start, start + name + 2 * BESIDE - 1)
    }

    fn x(&self, x: X) -> usize {
        match x {
            Middle(column, aside) => self.middle(column).saturating_add_signed(aside),
            Right(column, row) => self.edges(column, row).1 + 1,
            Left(column, row) => self.edges(column, row).0.saturating_sub(1),
        }
    }

    fn y(&self, y: Y) -> usize {
        match y {
            Row(row) => self.row(row),
            Below(row) => self.row(row) + self.node / 2 + 1,
            Above(row) => self.row(row).saturating_sub(self.node / 2 + 1),
        }
    }
}

/// Strokes: level, upright, the four corners (from below or above to the right or left), tips.
struct Strokes {
    level: char,
    upright: char,
    below_right: char,
    below_left: char,
    above_right: char,
    above_left: char,
    tips: [char; 4],
}

const THIN: Strokes = Strokes {
    level: '─',
    upright: '│',
    below_right: '┌',
    below_left: '┐',
    above_right: '└',
    above_left: '┘',
    tips: ['▶', '◀', '▼', '▲'],
};

const HEAVY: Strokes = Strokes {
    level: '━',
    upright: '┃',
    below_right: '┏',
    below_left: '┓',
    above_right: '┗',
    above_left: '┛',
    tips: ['▶', '◀', '▼', '▲'],
};

const THIN_ASCII: Strokes = Strokes {
    level: '-',
    upright: '|',
    below_right: '.',
    below_left: '.',
    above_right: '\'',
    above_left: '\'',
    tips: ['>', '<', 'v', '^'],
};

const HEAVY_ASCII: Strokes = Strokes {
    level: '=',
    upright: '#',
    below_right: '#',
    below_left: '#',
    above_right: '#',
    above_left: '#',
    tips: ['>', '<', 'v', '^'],
};

impl Picture<'_> {
    /// Draws it over the whole sheet, which is no smaller than [`LEAST`].
    pub(super) fn draw(&self, sheet: &mut Sheet<'_>) {
        let geometry = Geometry::of(sheet.width(), sheet.height());
        // What was gone last stands above what was not.
        let mut edges: Vec<_> = EDGES.iter().map(|edge| (self.lit(edge), edge)).collect();
        edges.sort_by_key(|(lit, _)| *lit);
        for (lit, edge) in edges {
            draw_edge(sheet, &geometry, edge, lit);
        }
        for &(state, column, row) in &NODES {
            self.node(sheet, &geometry, state, column, row);
        }
    }

    /// Who went along an edge last: none, or the role, and whether the frame in sight did it.
    fn lit(&self, edge: &Edge) -> Option<(bool, Role)> {
        let gone = Role::BOTH.into_iter().filter_map(|role| {
            let position = self.positions.get(role as usize)?;
            (position.last == Some((edge.from, edge.to))).then_some((position.now, role))
        });
        gone.max()
    }

    fn node(
        &self,
        sheet: &mut Sheet<'_>,
        geometry: &Geometry,
        state: State,
        column: usize,
        row: usize,
    ) {
        let here = |role: Role| {
            let position = self.positions.get(role as usize).copied();
            position.is_some_and(|position| {
                let lower = position.moved && state == Closed;
                position.state == state && (state != Closed || lower == (row > 0))
            })
        };
        let held = Role::BOTH.map(here);
        let occupied = held.contains(&true);
        let ink = if occupied {
            Ink::Strong
        } else if self.visited.contains(&state) {
            Ink::Plain
        } else {
            Ink::Quiet
        };
        let (start, end) = geometry.edges(column, row);
        let y = geometry.row(row);
        let name = state.name();
        if geometry.node == 3 {
            let strokes = match (sheet.look.unicode, occupied) {
                (true, false) => &THIN,
                (true, true) => &HEAVY,
                (false, false) => &THIN_ASCII,
                (false, true) => &HEAVY_ASCII,
            };
            for (y, corners) in [
                (
                    y.saturating_sub(1),
                    [strokes.below_right, strokes.below_left],
                ),
                (y + 1, [strokes.above_right, strokes.above_left]),
            ] {
                let [left, right] = corners;
                sheet.set(start, y, ink, left);
                sheet.row(start + 1, y, end - start - 1, ink, strokes.level);
                sheet.set(end, y, ink, right);
            }
            sheet.set(start, y, ink, strokes.upright);
            sheet.set(end, y, ink, strokes.upright);
        } else {
            sheet.set(start, y, ink, '[');
            sheet.set(end, y, ink, ']');
        }
        sheet.put(start + 1, y, ink, name);
        if occupied {
            sheet.lit(start + 1, y, name.len());
        }
        let [client, server] = held;
        if client {
            let mark = sheet.look.pick("C▸", "C>");
            sheet.put(start.saturating_sub(2), y, Ink::Client, mark);
            sheet.bold(start.saturating_sub(2), y, 2);
        }
        if server {
            let mark = sheet.look.pick("◂S", "<S");
            sheet.put(end + 1, y, Ink::Server, mark);
            sheet.bold(end + 1, y, 2);
        }
    }
}

fn draw_edge(sheet: &mut Sheet<'_>, geometry: &Geometry, edge: &Edge, lit: Option<(bool, Role)>) {
    let (ink, heavy) = match lit {
        Some((now, Role::Client)) => (Ink::Client, now),
        Some((now, Role::Server)) => (Ink::Server, now),
        None => (Ink::Rule, false),
    };
    let strokes = match (sheet.look.unicode, heavy) {
        (true, false) => &THIN,
        (true, true) => &HEAVY,
        (false, false) => &THIN_ASCII,
        (false, true) => &HEAVY_ASCII,
    };
    let corners: Vec<_> = edge
        .path
        .iter()
        .map(|&(x, y)| (geometry.x(x), geometry.y(y)))
        .collect();
    // Where it leaves a state downwards it comes from above.
    let mut came = match edge.path.first() {
        Some((_, Below(_))) => (0, 1),
        _ => (0, 0),
    };
    for (stretch, ends) in corners.windows(2).enumerate() {
        let &[(x, y), (to_x, to_y)] = ends else {
            continue;
        };
        let going = (direction(x, to_x), direction(y, to_y));
        if going == (0, 0) {
            continue;
        }
        let (mut at_x, mut at_y) = (x, y);
        while (at_x, at_y) != (to_x, to_y) {
            let first = (at_x, at_y) == (x, y);
            let char = if first && came != going && came != (0, 0) {
                corner(strokes, came, going)
            } else if going.0 == 0 {
                strokes.upright
            } else {
                strokes.level
            };
            sheet.set(at_x, at_y, ink, char);
            at_x = at_x.saturating_add_signed(going.0);
            at_y = at_y.saturating_add_signed(going.1);
        }
        came = going;
        if stretch + 2 == corners.len() {
            let tip = match going {
                (1, _) => 0,
                (-1, _) => 1,
                (_, 1) => 2,
                _ => 3,
            };
            let tip = strokes.tips.get(tip).copied().unwrap_or('*');
            sheet.set(to_x, to_y, ink, tip);
        }
    }
    label(
        sheet,
        edge,
        &corners,
        if lit.is_some() { ink } else { Ink::Quiet },
    );
}

/// Writes what makes the change on the stretch that is for it.
fn label(sheet: &mut Sheet<'_>, edge: &Edge, corners: &[(usize, usize)], ink: Ink) {
    let Some(&[(x, y), (to_x, to_y)]) = corners.windows(2).nth(edge.labelled) else {
        return;
    };
    if y == to_y {
        let text = format!(" {} ", edge.label);
        let (left, right) = (x.min(to_x), x.max(to_x));
        let room = right - left;
        if columns(&text) < room {
            sheet.put(left + (room + 1 - columns(&text)) / 2, y, ink, &text);
        } else {
            sheet.put(
                left + (room + 1).saturating_sub(edge.label.len()) / 2,
                y,
                ink,
                edge.label,
            );
        }
    } else {
        sheet.put(x + 2, (y + to_y) / 2, ink, edge.label);
    }
}

fn direction(from: usize, to: usize) -> isize {
    match to.cmp(&from) {
        core::cmp::Ordering::Less => -1,
        core::cmp::Ordering::Equal => 0,
        core::cmp::Ordering::Greater => 1,
    }
}

/// The corner between two directions.
fn corner(strokes: &Strokes, came: (isize, isize), going: (isize, isize)) -> char {
    match (came, going) {
        ((0, 1), (1, _)) | ((-1, _), (0, -1)) => strokes.above_right,
        ((0, 1), (-1, _)) | ((1, _), (0, -1)) => strokes.above_left,
        ((1, _), (0, 1)) | ((0, -1), (-1, _)) => strokes.below_left,
        ((-1, _), (0, 1)) | ((0, -1), (1, _)) => strokes.below_right,
        _ => strokes.level,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::state::{Step, Stimulus, step};
    use crate::tui::page::sheet::Look;
    use expect_test::expect;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    fn drawn(picture: &Picture<'_>, width: u16, height: u16, unicode: bool) -> String {
        let look = Look::plain(unicode);
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let area = buffer.area;
        picture.draw(&mut Sheet::new(&mut buffer, area, &look));
        let lines = buffer.content.chunks(usize::from(width));
        lines
            .map(|line| {
                let line: String = line.iter().map(|cell| cell.symbol()).collect();
                // A margin, since indents of what is expected are not part of it.
                format!("|{}\n", line.trim_end())
            })
            .collect()
    }

    const CLOSING_DOWN: [Position; 2] = [
        Position {
            state: CloseWait,
            moved: true,
            last: Some((Established, CloseWait)),
            now: true,
        },
        Position {
            state: FinWait1,
            moved: true,
            last: Some((Established, FinWait1)),
            now: true,
        },
    ];

    #[test]
    fn the_picture_in_the_least_room() {
        let picture = Picture {
            positions: CLOSING_DOWN,
            visited: &[Closed, Listen, SynSent, SynReceived, Established],
        };
        expect![[r#"
            |          ┌── passive OPEN ────[CLOSED]────── snd SYN ─────┐
            |          │                                                │
            |          ▼                                                ▼
            |      [LISTEN]─────────────── snd SYN ───────────────▶[SYN-SENT]
            |      │ rcv SYN ┌────────────── rcv SYN ───────────────┘      │
            |      ▼         ▼                                             │
            |   [SYN-RECEIVED]─ rcv ACK ─▶[ESTABLISHED]◀─── rcv SYN,ACK ───┘
            |      │ snd FIN ┏━━ snd FIN ━━━┛       ┗━━━━━ rcv FIN ━━━━━┓
            |      ▼         ▼                                          ▼
            |    [FIN-WAIT-1]◂S─ rcv FIN ──▶[CLOSING]           C▸[CLOSE-WAIT]
            |      │ rcv ACK └ rcv FIN,ACK ─┐    │ rcv ACK              │ snd FIN
            |      ▼                        ▼    ▼                      ▼
            |    [FIN-WAIT-2]── rcv FIN ──▶[TIME-WAIT]             [LAST-ACK]
            |                                   │ 2MSL                  │
            |                                   ▼                       │
            |                               [CLOSED]◀───── rcv ACK ─────┘
        "#]]
        .assert_eq(&drawn(&picture, 70, 16, true));
    }

    #[test]
    fn the_picture_in_ascii() {
        let picture = Picture {
            positions: CLOSING_DOWN,
            visited: &[],
        };
        expect![[r#"
            |
            |          .---- passive OPEN ------[CLOSED]-------- snd SYN -------.
            |          |                                                        |
            |          v                                                        v
            |      [LISTEN]------------------- snd SYN ------------------->[SYN-SENT]
            |      | rcv SYN .------------------ rcv SYN -------------------'      |
            |      v         v                                                     |
            |   [SYN-RECEIVED]--- rcv ACK --->[ESTABLISHED]<----- rcv SYN,ACK -----'
            |      | snd FIN #==== snd FIN =====#       #======= rcv FIN =======#
            |      v         v                                                  v
            |    [FIN-WAIT-1]<S--- rcv FIN ---->[CLOSING]               C>[CLOSE-WAIT]
            |      | rcv ACK '-- rcv FIN,ACK ---.    | rcv ACK                  | snd FIN
            |      v                            v    v                          v
            |    [FIN-WAIT-2]---- rcv FIN ---->[TIME-WAIT]                 [LAST-ACK]
            |                                       | 2MSL                      |
            |                                       v                           |
            |                                   [CLOSED]<------- rcv ACK -------'
            |
        "#]]
        .assert_eq(&drawn(&picture, 78, 18, false));
    }

    #[test]
    fn the_picture_with_room() {
        let mut positions = CLOSING_DOWN;
        positions[1].state = Closed;
        positions[1].last = Some((LastAck, Closed));
        let picture = Picture {
            positions,
            visited: &[],
        };
        expect![[r#"
            |                                                   ┌──────┐
            |          ┌──────────── passive OPEN ──────────────│CLOSED│──────────────── snd SYN ───────────────┐
            |          │                                        └──────┘                                        │
            |          │                                                                                        │
            |          │                                                                                        │
            |          ▼                                                                                        ▼
            |      ┌──────┐                                                                                ┌────────┐
            |      │LISTEN│─────────────────────────────────── snd SYN ───────────────────────────────────▶│SYN-SENT│
            |      └──────┘                                                                                └────────┘
            |      │         ┌────────────────────────────────── rcv SYN ───────────────────────────────────┘      │
            |      │ rcv SYN │                                                                                     │
            |      ▼         ▼                                                                                     │
            |   ┌────────────┐                                ┌───────────┐                                        │
            |   │SYN-RECEIVED│─────────── rcv ACK ───────────▶│ESTABLISHED│◀───────────── rcv SYN,ACK ─────────────┘
            |   └────────────┘                                └───────────┘
            |      │         ┌──────────── snd FIN ─────────────┘       ┗━━━━━━━━━━━━━━━ rcv FIN ━━━━━━━━━━━━━━━┓
            |      │ snd FIN │                                                                                  ┃
            |      ▼         ▼                                                                                  ▼
            |    ┌──────────┐                                   ┌───────┐                                 ┏━━━━━━━━━━┓
            |    │FIN-WAIT-1│───────────── rcv FIN ────────────▶│CLOSING│                               C▸┃CLOSE-WAIT┃
            |    └──────────┘                                   └───────┘                                 ┗━━━━━━━━━━┛
            |      │         └────────── rcv FIN,ACK ───────────┐    │                                          │
            |      │ rcv ACK                                    │    │ rcv ACK                                  │ snd FIN
            |      ▼                                            ▼    ▼                                          ▼
            |    ┌──────────┐                                  ┌─────────┐                                 ┌────────┐
            |    │FIN-WAIT-2│──────────── rcv FIN ────────────▶│TIME-WAIT│                                 │LAST-ACK│
            |    └──────────┘                                  └─────────┘                                 └────────┘
            |                                                       │                                           ┃
            |                                                       │ 2MSL                                      ┃
            |                                                       ▼                                           ┃
            |                                                   ┏━━━━━━┓                                        ┃
            |                                                   ┃CLOSED┃◂S━━━━━━━━━━━━━━ rcv ACK ━━━━━━━━━━━━━━━┛
            |                                                   ┗━━━━━━┛
            |
        "#]].assert_eq(&drawn(&picture, 110, 34, true));
    }

    #[test]
    fn every_arrow_is_a_step_of_the_machine() {
        let stimuli = [
            Stimulus::SendSyn,
            Stimulus::SendSynAck,
            Stimulus::SendFin,
            Stimulus::ReceiveSyn,
            Stimulus::ReceiveSynAck,
            Stimulus::ReceiveAckOfSyn,
            Stimulus::ReceiveFin,
            Stimulus::ReceiveAckOfFin,
            Stimulus::TwoMsl,
        ];
        for edge in EDGES {
            // An application that listens shows on no wire, and FIN and the acknowledgment of one
            // in the same segment are two steps.
            let two = edge.from == FinWait1 && edge.to == TimeWait;
            if edge.to == Listen || two {
                continue;
            }
            assert!(
                stimuli
                    .iter()
                    .any(|&stimulus| step(edge.from, stimulus) == Step::To(edge.to)),
                "{} to {}",
                edge.from,
                edge.to
            );
        }
    }
}
