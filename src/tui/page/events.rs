//! What happened, as lines of a list: each with the frame that it is about.

use super::data::{Detail, Row};
use super::judged::{is_stop, sign_of, words};
use super::segment::{clock, ink_of};
use super::sheet::{Ink, Piece};
use crate::report::units::{bytes, counted, grouped};
use crate::tcp::Role;
use crate::tcp::recovery::Exit;
use crate::time::Timestamp;

/// A line about a frame.
pub(super) type Entry = (u64, Vec<Piece>);

/// Frame, time and who, before everything else.
fn start(detail: &Detail, frame: u64, time: Timestamp, from: Role) -> Vec<Piece> {
    let clock = clock(detail, time, 12);
    vec![
        (
            Ink::Quiet,
            format!("{:>8} {clock:>12}  ", grouped(frame).to_string()),
        ),
        (ink_of(from), format!("{:8}", from.name())),
    ]
}

/// The recoveries of both, `most` at most.
pub(super) fn recoveries(detail: &Detail, most: usize) -> Vec<Entry> {
    let episodes = detail.close_up.episodes.iter().take(most);
    episodes
        .map(|episode| {
            let mut pieces = start(detail, episode.first_frame, episode.began, episode.sender);
            let what = format!(
                "{}, {}: {}, {}",
                episode.trigger.name(),
                episode.lasted.short(),
                counted(episode.retransmissions, "retransmission"),
                bytes(episode.octets),
            );
            pieces.push((Ink::Plain, what));
            if episode.flight > 0 {
                let text = format!(" of {} in flight", bytes(episode.flight));
                pieces.push((Ink::Plain, text));
            }
            if episode.spurious > 0 && episode.exit != Exit::Undone {
                let text = format!(", {} needless", grouped(episode.spurious));
                pieces.push((Ink::Warning, text));
            }
            let exit = match episode.exit {
                Exit::Acknowledged => "",
                Exit::Undone => "; it proved needless",
                Exit::TimedOut => "; a timeout began another",
                Exit::IntoFast => "; a fast recovery followed",
                Exit::Cut => "; it did not end",
            };
            pieces.push((Ink::Warning, exit.to_owned()));
            (episode.first_frame, pieces)
        })
        .collect()
}

/// What is said of frames that `n` stops at: `most` of them at most, and how many there are.
pub(super) fn remarks(detail: &Detail, most: usize) -> (Vec<Entry>, usize) {
    let stops = |row: &&Row| detail.verdicts(row).iter().any(is_stop);
    let mut count = 0;
    let mut entries = Vec::new();
    for row in detail.rows.iter().filter(stops) {
        count += 1;
        if entries.len() >= most {
            continue;
        }
        let mut pieces = start(detail, row.frame, row.time, row.from);
        let mut before = "";
        for verdict in detail
            .verdicts(row)
            .iter()
            .filter(|verdict| is_stop(verdict))
        {
            let text = format!("{before}{}", words(verdict));
            pieces.push((sign_of(verdict).ink, text));
            before = "; ";
        }
        entries.push((row.frame, pieces));
    }
    (entries, count)
}
