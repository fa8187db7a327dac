//! From the journal to the answer sheet, in two steps: what each host really did and what became of
//! it (`hosts`: the same for every tap), then what each frame of one capture is (`frames`).

mod frames;
mod hosts;

use std::collections::BTreeMap;

use super::journal::{Happened, Journal, Reason, Recorded, ResetReason};
use super::sheet::{CaptureTruth, ConnectionTruth, Need, SCHEMA, Sheet};
use super::{Side, Tap};
use crate::wire::Flags;
use hosts::Facts;

/// Judges a capture made at `tap`: `recorded` says which packets its frames are, in order. The log
/// of the journal must be in order of time.
pub fn judge(
    journal: &Journal,
    tap: Tap,
    recorded: &[Recorded],
    scenario: &str,
    seed: Option<u64>,
) -> Sheet {
    let facts = hosts::facts(journal, tap);
    let numbers = numbers(journal, recorded);
    let frames = frames::judge(journal, &facts, tap, recorded, &numbers);
    let mut done = of_connections(journal, &facts);
    let mut connections: Vec<ConnectionTruth> = numbers
        .iter()
        .map(|(connection, &(number, first_frame))| ConnectionTruth {
            connection: number,
            first_frame,
            ..done.remove(connection).unwrap_or_default()
        })
        .collect();
    connections.sort_by_key(|connection| connection.connection);
    let passed = facts
        .iter()
        .map(|facts| u64::from(facts.passed))
        .sum::<u64>();
    let mut seen: Vec<u32> = recorded.iter().map(|frame| frame.packet).collect();
    seen.sort_unstable();
    seen.dedup();
    Sheet {
        capture: CaptureTruth {
            schema: SCHEMA.to_owned(),
            scenario: scenario.to_owned(),
            seed,
            tap,
            frames: recorded.len() as u64,
            missed: passed.saturating_sub(seen.len() as u64),
        },
        connections,
        frames,
    }
}

/// The number and the first frame of each connection that the capture shows.
fn numbers(journal: &Journal, recorded: &[Recorded]) -> BTreeMap<u32, (u32, u64)> {
    let mut numbers = BTreeMap::new();
    for (frame, each) in (1..).zip(recorded) {
        let packet = journal.packets.get(each.packet as usize);
        let is_tcp = |packet: &&super::journal::Packet| packet.header.source.is_some();
        if let Some(connection) = packet.filter(is_tcp).and_then(|packet| packet.connection) {
            let next = numbers.len() as u32;
            numbers.entry(connection).or_insert((next, frame));
        }
    }
    numbers
}

/// What hosts did, of every connection of the journal.
fn of_connections(journal: &Journal, facts: &[Facts]) -> BTreeMap<u32, ConnectionTruth> {
    let mut all: BTreeMap<u32, ConnectionTruth> = BTreeMap::new();
    let mut copied = vec![false; journal.packets.len()];
    for entry in &journal.log {
        let Some(packet) = journal.packets.get(entry.packet as usize) else {
            continue;
        };
        let Some(connection) = packet.connection else {
            continue;
        };
        match entry.happened {
            Happened::Copied(_) => {
                if let Some(copied) = copied.get_mut(entry.packet as usize) {
                    *copied = true;
                }
            }
            Happened::Sent if packet.reason != Reason::Forged && packet.state.is_some() => {
                let hosts = all.entry(connection).or_default();
                hosts.host(packet.from).state = packet.state;
            }
            Happened::Arrived {
                state: Some(state), ..
            } => {
                let hosts = all.entry(connection).or_default();
                hosts.host(packet.from.peer()).state = Some(state);
            }
            _ => {}
        }
    }
    for ((packet, facts), copied) in journal.packets.iter().zip(facts).zip(copied) {
        let (Some(connection), Some(_)) = (packet.connection, packet.header.source) else {
            continue;
        };
        let truth = all.entry(connection).or_default();
        let peer = truth.host(packet.from.peer());
        peer.socket = peer.socket.or(packet.header.destination);
        let host = truth.host(packet.from);
        host.socket = host.socket.or(packet.header.source);
        if packet.reason == Reason::Forged {
            continue;
        }
        host.packets += 1;
        host.lost += u64::from(facts.is_lost());
        host.copied += u64::from(copied);
        if facts.stream.is_some() && packet.header.payload > 0 {
            // A SYN or FIN takes a number, and is no octet.
            host.octets += facts.new_octets.clamp(0, i64::from(packet.header.payload)) as u64;
        }
        let trigger = match packet.reason {
            Reason::Again(trigger) => Some(trigger),
            _ => None,
        };
        match facts.need {
            Some(Need::Needed) => host.needed.count(trigger),
            Some(Need::Spurious) => host.spurious.count(trigger),
            None => {}
        }
        let closes = packet.header.flags.has(Flags::FIN)
            || matches!(packet.reason, Reason::Reset(reason) if reason != ResetReason::Refused);
        if closes {
            truth.closed_by = truth.closed_by.or(Some(packet.from));
        }
    }
    for (connection, took) in hosts::round_trips(journal, facts) {
        all.entry(connection).or_default().round_trip = Some(took);
    }
    all
}

/// Where the answers of one direction are kept.
fn stream_of(connection: u32, side: Side) -> (u32, Side) {
    (connection, side)
}
