//! What this host knows of its own ends: whose they are, and what the kernel says.
//!
//! ```text
//!  process             python3, pid 4711, user ann         -
//!  The kernel says
//!  state               ESTABLISHED                         -
//!  round trip          88.0us (least 15.0us, RTO 204ms)    -
//! ```

use super::{Line, Pair, none, plain};
use crate::tcp::Role;
use crate::tui::page::Page;
use crate::tui::page::sheet::Ink;

/// The lines, where an end is this host's.
pub(super) fn lines(page: &Page, pair: &Pair<'_>, lines: &mut Vec<Line>) {
    let ends = &page.subject.ends;
    let end = |role: Role| ends.get(role as usize).and_then(Option::as_ref);
    if ends.iter().all(Option::is_none) {
        return;
    }
    lines.push(pair("process", &|role| {
        let Some(end) = end(role) else { return none() };
        match &end.process {
            Some(process) => plain(process.clone()),
            None if end.is_hidden => {
                vec![(Ink::Quiet, "not to be learnt with these rights".to_owned())]
            }
            None => none(),
        }
    }));
    let mut names: Vec<&'static str> = Vec::new();
    for beside in ends.iter().flatten().flat_map(|end| &end.kernel) {
        if !names.contains(&beside.what) {
            names.push(beside.what);
        }
    }
    if !names.is_empty() {
        let heading = if page.detail().connection.is_over() {
            "The kernel said last"
        } else {
            "The kernel says"
        };
        lines.push(Line::Heading(heading.to_owned()));
    }
    for name in names {
        lines.push(pair(name, &|role| {
            let Some(end) = end(role) else { return none() };
            let Some(beside) = end.kernel.iter().find(|beside| beside.what == name) else {
                return none();
            };
            let mut pieces = vec![(Ink::Plain, beside.kernel.clone())];
            if beside.differs {
                // The two views are not of one moment: what differs once may be under way.
                let ink = if end.persists { Ink::Bad } else { Ink::Quiet };
                pieces.push((ink, format!(", not {}", beside.inferred)));
            }
            pieces
        }));
    }
    lines.push(Line::Heading("The capture says".to_owned()));
}
