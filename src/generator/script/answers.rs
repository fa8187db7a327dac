//! The answer sheet of a script: what it says must be said of each frame, as answers.

use super::{Expectation, Expected, Fate, Packet, Script, Side, Statement};
use crate::generator::truth::journal::{Header, Trigger};
use crate::generator::truth::ranges::Ranges;
use crate::generator::truth::sheet::{
    CaptureTruth, ConnectionTruth, Fate as Outcome, FrameTruth, Is, Kind, Lost, Need, Question,
    Resolution, SCHEMA, Sheet, Triggers, Unknowable,
};
use crate::generator::truth::{self, Tap};
use crate::source::{Arrival, Source};
use crate::wire::Flags;

use std::ops::ControlFlow;

/// One connection of a script, as far as it was read.
#[derive(Default)]
struct Talk {
    truth: ConnectionTruth,
    /// Octets that each host has sent.
    sent: [Ranges; 2],
}

impl Script {
    /// What is true of its frames: the author's word, and no more than that. Of a packet that was
    /// captured a script does not say whether it arrived; the states of hosts it does not tell.
    /// `name` is what the sheet calls it.
    pub fn sheet(&self, name: &str) -> Sheet {
        let mut captured = self.headers().into_iter();
        let mut talks: Vec<Talk> = Vec::new();
        let mut frames: Vec<FrameTruth> = Vec::new();
        let mut missed = 0;
        // A host that is described begins another connection.
        let mut begins = true;
        for line in &self.lines {
            let packet = match &line.statement {
                Statement::Packet(packet) => packet,
                Statement::Host(..) => {
                    begins = true;
                    continue;
                }
                Statement::Snaplen(_) => continue,
            };
            if std::mem::take(&mut begins) {
                talks.push(Talk::default());
            }
            let Some(at) = talks.len().checked_sub(1) else {
                continue;
            };
            let talk = &mut talks[at];
            talk.sent(packet);
            if matches!(packet.fate, Fate::Lost | Fate::Held) {
                missed += u64::from(packet.fate == Fate::Lost);
                continue;
            }
            let Some((nanos, header)) = captured.next() else {
                break;
            };
            let number = frames.len() as u64 + 1;
            talk.captured(packet, number, &header);
            let truth = frame(packet, &line.expectation, &header);
            talk.judged(packet, &truth);
            frames.push(FrameTruth {
                frame: number,
                nanos,
                connection: Some(at as u32),
                packet: number as u32 - 1,
                ..truth
            });
        }
        let mut connections: Vec<ConnectionTruth> = Vec::new();
        for (at, talk) in (0..).zip(talks) {
            connections.push(ConnectionTruth {
                connection: at,
                ..talk.truth
            });
        }
        connections.retain(|connection| connection.first_frame > 0);
        Sheet {
            capture: CaptureTruth {
                schema: SCHEMA.to_owned(),
                scenario: name.to_owned(),
                seed: None,
                tap: Tap::Middle,
                frames: frames.len() as u64,
                missed,
            },
            connections,
            frames,
        }
    }

    /// Time and headers of every frame.
    fn headers(&self) -> Vec<(i64, Header)> {
        let mut headers = Vec::new();
        let played = self.clone().run(&mut |arrival| {
            if let Arrival::Frame(frame) = arrival {
                let header = Header::read(frame.link, frame.data, frame.wire_len);
                headers.push((frame.time.as_nanos(), header.unwrap_or_default()));
            }
            ControlFlow::Continue(())
        });
        // It was played when it was read.
        debug_assert_eq!(played, Ok(()));
        headers
    }
}

const fn side(packet: &Packet) -> truth::Side {
    match packet.side {
        Side::Client => truth::Side::Client,
        Side::Server => truth::Side::Server,
    }
}

impl Talk {
    fn sent(&mut self, packet: &Packet) {
        if matches!(packet.fate, Fate::Late | Fate::Copy) {
            return;
        }
        let host = self.truth.host(side(packet));
        host.packets += 1;
        host.lost += u64::from(packet.fate == Fate::Lost);
        if let Some((start, end)) = packet.range {
            let sent = &mut self.sent[side(packet) as usize];
            host.octets += (end - start - sent.count(start, end)).max(0) as u64;
            sent.add(start, end);
        }
        if packet.flags.any(Flags::FIN | Flags::RST) {
            self.truth.closed_by = self.truth.closed_by.or(Some(side(packet)));
        }
    }

    fn captured(&mut self, packet: &Packet, frame: u64, header: &Header) {
        if self.truth.first_frame == 0 {
            self.truth.first_frame = frame;
        }
        let from = side(packet);
        if packet.fate == Fate::Copy {
            self.truth.host(from).copied += 1;
        }
        let own = self.truth.host(from);
        own.socket = own.socket.or(header.source);
        let peer = self.truth.host(from.peer());
        peer.socket = peer.socket.or(header.destination);
    }

    fn judged(&mut self, packet: &Packet, truth: &FrameTruth) {
        let host = self.truth.host(side(packet));
        let count = |triggers: &mut Triggers| triggers.count(truth.trigger);
        match truth.need {
            Some(Need::Needed) => count(&mut host.needed),
            Some(Need::Spurious) => count(&mut host.spurious),
            None => {}
        }
    }
}

/// What a line says of its frame.
fn frame(packet: &Packet, expectation: &Expectation, header: &Header) -> FrameTruth {
    let verdicts = &expectation.verdicts;
    let of = |kind: Kind| verdicts.iter().find(|verdict| verdict.kind == kind.name());
    let mut kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|&kind| of(kind).is_some())
        .collect();
    kinds.sort_unstable();
    let again = of(Kind::Retransmission);
    let need = again.and_then(|verdict| word(verdict, [Need::Needed, Need::Spurious], Need::name));
    let places = [Lost::BeforeTap, Lost::AfterTap];
    let ends = [
        Resolution::FilledLate,
        Resolution::Lost,
        Resolution::NeverCaptured,
    ];
    let open = Unknowable {
        question: Question::Kind,
        kind: None,
        why: "the script leaves it open".to_owned(),
    };
    FrameTruth {
        frame: 0,
        nanos: 0,
        connection: None,
        from: side(packet),
        packet: 0,
        copy: 0,
        is: is(&kinds, header),
        trigger: again.and_then(|verdict| word(verdict, Trigger::ALL, Trigger::name)),
        need,
        because: None,
        lost: again.and_then(|verdict| word(verdict, places, Lost::name)),
        lost_by: None,
        original: None,
        resolution: of(Kind::Gap).and_then(|verdict| word(verdict, ends, Resolution::name)),
        reset: None,
        fate: Outcome::NotTold,
        client: None,
        server: None,
        unknowable: if expectation.any {
            vec![open]
        } else {
            Vec::new()
        },
        verdicts: kinds,
    }
}

/// The answer that one of a verdict's words is.
fn word<T: Copy>(
    verdict: &Expected,
    answers: impl IntoIterator<Item = T>,
    name: impl Fn(T) -> &'static str,
) -> Option<T> {
    let mut answers = answers.into_iter();
    answers.find(|&answer| verdict.words.iter().any(|word| word == name(answer)))
}

/// The frame in one word.
fn is(kinds: &[Kind], header: &Header) -> Is {
    const WORDS: [(Kind, Is); 5] = [
        (Kind::NetworkDuplicate, Is::NetworkDuplicate),
        (Kind::KeepAlive, Is::KeepAlive),
        (Kind::WindowProbe, Is::WindowProbe),
        (Kind::Retransmission, Is::Retransmission),
        (Kind::Reordered, Is::Reordered),
    ];
    let found = WORDS.iter().find(|(kind, _)| kinds.contains(kind));
    match found {
        Some(&(_, is)) => is,
        None if header.flags.has(Flags::RST) => Is::Reset,
        None if header.sequence_len() > 0 => Is::Original,
        None => Is::Acknowledgment,
    }
}
